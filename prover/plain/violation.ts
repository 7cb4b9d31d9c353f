/** Which constraint a witness violates. */
import type { FileHandle } from "node:fs/promises";
import { fromBytesLE, R, WORD } from "../bn254.ts";
import { openFile, type Source } from "../engine/sections.ts";
import { CompileError } from "../errors.ts";
import { type R1cs, readR1cs, type SparseMatrix } from "../r1cs.ts";

/** A constraint `a * b = c` that does not hold. */
export interface Violation {
	/** index of the constraint in the .r1cs, from 0 */
	readonly constraint: number;
	/** the three linear forms at the witness, in `[0, r)` */
	readonly a: bigint;
	readonly b: bigint;
	readonly c: bigint;
	/** wires of the three forms, without the constant, each once */
	readonly wires: readonly number[];
	/** number of constraints that do not hold */
	readonly count: number;
}

const SHOWN_WIRES = 8;

/**
 * @param r1cs the circuit's constraints
 * @param witness 32 bytes a wire, little endian, each below r
 * @returns the first constraint that does not hold; undefined when all hold
 * @throws CompileError `r1cs.*`; `r1cs.foreign` when it has another number of wires than the witness; the signal's reason
 */
export async function findViolation(r1cs: Source, witness: Uint8Array, signal?: AbortSignal): Promise<Violation | undefined> {
	const system = await readR1cs(r1cs, signal);
	const wires = witness.length / WORD;
	if (system.nWires !== wires) {
		throw new CompileError("r1cs.foreign", `findViolation: expected constraints over the witness's ${wires} wires, got ${system.nWires}`, {
			hint: "the .r1cs must be of the circuit that the key and the witness are of",
		});
	}
	const values = Array.from({ length: wires }, (_, wire) => fromBytesLE(witness, wire * WORD));
	let first: Omit<Violation, "count"> | undefined;
	let count = 0;
	for (let row = 0; row < system.nConstraints; row++) {
		const [a, b, c] = [system.a, system.b, system.c].map((matrix) => evaluate(system, matrix, row, values)) as [bigint, bigint, bigint];
		if ((a * b - c) % R === 0n) continue;
		count++;
		first ??= { constraint: row, a, b, c, wires: wiresOf(system, row) };
	}
	return first && { ...first, count };
}

/**
 * @param witness the one that was examined
 * @param sym the circuit's symbol table: path, or content
 * @returns the violation in words, with the wires' values, and their names when there is a table
 * @throws CompileError `sym.missing`
 */
export async function describeViolation(violation: Violation, witness: Uint8Array, sym?: Source): Promise<string> {
	const { constraint, a, b, c, count, wires } = violation;
	const names = sym === undefined ? new Map<number, string>() : await namesOf(sym, new Set(wires));
	const shown = wires.slice(0, SHOWN_WIRES).map((wire) => `${names.get(wire) ?? `wire ${wire}`} = ${fromBytesLE(witness, wire * WORD)}`);
	if (wires.length > SHOWN_WIRES) shown.push(`${wires.length - SHOWN_WIRES} more`);
	const others = count === 1 ? "" : `; ${count} constraints fail in all`;
	return `constraint ${constraint}: (${a}) * (${b}) is not ${c}, with ${shown.join(", ")}${others}`;
}

function evaluate({ coefficients }: R1cs, matrix: SparseMatrix, row: number, values: readonly bigint[]): bigint {
	let sum = 0n;
	for (let term = matrix.starts[row] as number; term < (matrix.starts[row + 1] as number); term++) {
		sum += (coefficients[matrix.coefficients[term] as number] as bigint) * (values[matrix.wires[term] as number] as bigint);
	}
	return sum % R;
}

function wiresOf({ a, b, c }: R1cs, row: number): number[] {
	const all = [a, b, c].flatMap(({ starts, wires }) => [...wires.subarray(starts[row], starts[row + 1])]);
	return [...new Set(all)].filter((wire) => wire !== 0);
}

/** The outermost name of each wire. Lines are `label,wire,component,name`; wire -1 was optimised away. */
async function namesOf(sym: Source, wires: ReadonlySet<number>): Promise<Map<number, string>> {
	const names = new Map<number, string>();
	const depth = (name: string): number => name.split(".").length;
	const lines = typeof sym === "string" ? (await openSymbols(sym)).readLines() : Buffer.from(sym).toString("utf8").split("\n");
	for await (const line of lines) {
		const [, wire, , name] = line.split(",");
		const known = names.get(Number(wire));
		if (!name || !wires.has(Number(wire)) || (known !== undefined && depth(known) <= depth(name))) continue;
		names.set(Number(wire), name);
	}
	return names;
}

/**
 * @param path of a symbol table
 * @throws CompileError `sym.missing`
 */
export async function openSymbols(path: string): Promise<FileHandle> {
	return openFile(path).catch((cause) => {
		throw new CompileError("sym.missing", `openSymbols: expected a symbol table at ${path}, got ${(cause as Error).message}`, { cause });
	});
}
