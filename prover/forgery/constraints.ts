/** A compiled circuit as its constraints, for forgers: witnesses can be altered wire by wire and held against them. */
import { readFile } from "node:fs/promises";
import type { Circuit, CircuitInputs, Instance } from "../../circuits/circuit.ts";
import { FIELD } from "../../circuits/field.ts";
import { fromBytesLE } from "../bn254.ts";
import { evaluationOf } from "../challenge.ts";
import { type CompiledCircuit, type CompileOptions, compileCircuit } from "../compile.ts";
import { type R1cs, readR1cs } from "../r1cs.ts";
import { flattenInputs, WitnessProgram } from "../witness.ts";

/** The part of one wire in a row: its coefficients in the three linear forms of <a, w> <b, w> = <c, w>. */
export interface Term {
	readonly wire: number;
	a: bigint;
	b: bigint;
	c: bigint;
}

/** The values of the three linear forms of a row. */
export type Forms = readonly [a: bigint, b: bigint, c: bigint];

export class Constraints {
	readonly compiled: CompiledCircuit;
	readonly r1cs: R1cs;
	/** Wire by symbol; -1 where circom dropped the signal. */
	readonly symbols: ReadonlyMap<string, number>;
	/** Terms of each row, one a wire; the constant 1 is wire 0. */
	readonly rows: readonly (readonly Term[])[];
	/** Rows of each wire. */
	readonly uses: readonly (readonly number[])[];
	private readonly program: WitnessProgram;
	private byWire: ReadonlyMap<number, readonly string[]> | undefined;

	private constructor(compiled: CompiledCircuit, r1cs: R1cs, program: WitnessProgram, symbols: ReadonlyMap<string, number>) {
		this.compiled = compiled;
		this.r1cs = r1cs;
		this.program = program;
		this.symbols = symbols;
		const uses: number[][] = Array.from({ length: r1cs.nWires }, () => []);
		this.rows = Array.from({ length: r1cs.nConstraints }, (_, row) => {
			const terms = new Map<number, Term>();
			for (const form of ["a", "b", "c"] as const) {
				const { starts, wires, coefficients } = r1cs[form];
				for (let t = starts[row] as number; t < (starts[row + 1] as number); t++) {
					const wire = wires[t] as number;
					let term = terms.get(wire);
					if (term === undefined) {
						term = { wire, a: 0n, b: 0n, c: 0n };
						terms.set(wire, term);
						uses[wire]?.push(row);
					}
					term[form] = (term[form] + (r1cs.coefficients[coefficients[t] as number] as bigint)) % FIELD;
				}
			}
			return [...terms.values()];
		});
		this.uses = uses;
	}

	static async of(circuit: Circuit, options: CompileOptions = {}): Promise<Constraints> {
		const compiled = await compileCircuit(circuit, options);
		const symbols = new Map<string, number>();
		for (const line of (await readFile(compiled.sym, "utf8")).split("\n")) {
			const [, wire, , name] = line.split(",");
			if (name !== undefined) {
				symbols.set(name, Number(wire));
			}
		}
		return new Constraints(compiled, await readR1cs(compiled.r1cs), await WitnessProgram.load(compiled), symbols);
	}

	/** All wires for given inputs; throws where circom's own assertions fail. */
	async witness(inputs: CircuitInputs): Promise<bigint[]> {
		const flat = flattenInputs(this.compiled, inputs, this.compiled.inputs);
		const bytes = await this.program.calculate(flat);
		return Array.from({ length: bytes.length / 32 }, (_, i) => fromBytesLE(bytes, 32 * i));
	}

	/** Wire of a symbol such as "main.x[0][1]". */
	wire(symbol: string): number {
		const wire = this.symbols.get(symbol);
		if (wire === undefined || wire < 0) {
			throw new Error(`constraints: no symbol ${symbol} in ${this.compiled.circuit.id}`);
		}
		return wire;
	}

	/** Names of a wire. */
	names(wire: number): readonly string[] {
		if (this.byWire === undefined) {
			const byWire = new Map<number, string[]>();
			for (const [name, at] of this.symbols) {
				const names = byWire.get(at);
				if (names === undefined) {
					byWire.set(at, [name]);
				} else {
					names.push(name);
				}
			}
			this.byWire = byWire;
		}
		return this.byWire.get(wire) ?? [];
	}

	/** The first name of a wire: that of the outermost signal. */
	name(wire: number): string {
		const [name] = [...this.names(wire)].sort((one, other) => one.split(".").length - other.split(".").length);
		return name ?? `wire ${wire}`;
	}

	/** A row by the wires in it that nothing before it has, for people. */
	describe(row: number): string {
		const wires = (this.rows[row] ?? []).map(({ wire }) => wire).filter((wire) => wire !== 0);
		const shown = wires.slice(0, 4).map((wire) => this.name(wire));
		return `row ${row} (${shown.join(", ")}${wires.length > 4 ? `, ${wires.length - 4} more` : ""})`;
	}

	/** First wire after the public signals, and first wire after the private inputs. */
	get privateInputs(): readonly [from: number, to: number] {
		const from = 1 + this.r1cs.nOutputs + this.r1cs.nPublicInputs;
		return [from, from + this.r1cs.nPrivateInputs];
	}

	/** The linear forms of a row. */
	forms(row: number, witness: readonly bigint[]): Forms {
		let [a, b, c] = [0n, 0n, 0n];
		for (const term of this.rows[row] as readonly Term[]) {
			const value = witness[term.wire] as bigint;
			if (term.a !== 0n) {
				a += term.a * value;
			}
			if (term.b !== 0n) {
				b += term.b * value;
			}
			if (term.c !== 0n) {
				c += term.c * value;
			}
		}
		return [a % FIELD, b % FIELD, c % FIELD];
	}

	/** Constraints that `witness` breaks, among `rows` or all of them. */
	broken(witness: readonly bigint[], rows?: readonly number[]): number[] {
		const list = rows ?? this.rows.keys();
		const broken: number[] = [];
		for (const row of list) {
			const [a, b, c] = this.forms(row, witness);
			if ((a * b - c) % FIELD !== 0n) {
				broken.push(row);
			}
		}
		return broken;
	}

	/** Wires that can be changed alone, by adding `delta`, without breaking any constraint of a satisfied system. */
	freeWires(witness: readonly bigint[], delta: bigint): number[] {
		return this.changeable(witness, () => delta);
	}

	/**
	 * Wires that can be changed alone without breaking any constraint of a satisfied system.
	 * @param delta what is added to a wire of a given value; 0 leaves it out
	 */
	changeable(witness: readonly bigint[], delta: (value: bigint, wire: number) => bigint): number[] {
		const forms = Array.from({ length: this.rows.length }, (_, row) => this.forms(row, witness));
		const free: number[] = [];
		for (let wire = 1; wire < witness.length; wire++) {
			const step = delta(witness[wire] as bigint, wire);
			if (step % FIELD === 0n) {
				continue;
			}
			const holds = (this.uses[wire] as readonly number[]).every((row) => {
				const [a, b, c] = forms[row] as Forms;
				const term = (this.rows[row] as readonly Term[]).find((one) => one.wire === wire) as Term;
				return ((a + term.a * step) * (b + term.b * step) - c - term.c * step) % FIELD === 0n;
			});
			if (holds) {
				free.push(wire);
			}
		}
		return free;
	}
}

/** The inputs of an instance for a given challenge: with blind, links and evaluation. */
export function withChallenge(
	{ circuit, inputs, links, words }: Pick<Instance, "circuit" | "inputs" | "links" | "words">,
	challenge: bigint,
	blind = 5n,
): CircuitInputs {
	const evaluations = circuit.links.map((name, i) => [name, evaluationOf(links[i] as readonly bigint[], challenge)] as const);
	return {
		...inputs,
		blind,
		challenge,
		...Object.fromEntries(evaluations),
		...(circuit.hasWords ? { evaluation: evaluationOf(words, challenge) } : {}),
	};
}
