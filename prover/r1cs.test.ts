import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { power, R, toBytesLE } from "./bn254.ts";
import { readR1cs, type SparseMatrix } from "./r1cs.ts";

let root: string;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-r1cs-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Terms = readonly (readonly [wire: number, coefficient: bigint])[];
type Row = readonly [a: Terms, b: Terms, c: Terms];

interface Sizes {
	readonly nWires: number;
	readonly nConstraints: number;
}

/** A constraint file with one output, one public and two private inputs. */
async function fileOf(name: string, rows: readonly Row[], sizes: Partial<Sizes> = {}): Promise<string> {
	const header = Buffer.alloc(64);
	header.writeUInt32LE(32, 0);
	header.set(toBytesLE(R), 4);
	for (const [offset, value] of [
		[36, sizes.nWires ?? 20],
		[40, 1],
		[44, 1],
		[48, 2],
		[60, sizes.nConstraints ?? rows.length],
	] as const) {
		header.writeUInt32LE(value, offset);
	}
	const linear = (terms: Terms): Buffer => {
		const bytes = Buffer.alloc(4 + 36 * terms.length);
		bytes.writeUInt32LE(terms.length, 0);
		for (const [i, [wire, coefficient]] of terms.entries()) {
			bytes.writeUInt32LE(wire, 4 + 36 * i);
			bytes.set(toBytesLE(coefficient), 8 + 36 * i);
		}
		return bytes;
	};
	const constraints = Buffer.concat(rows.flatMap((row) => row.map(linear)));
	const preamble = Buffer.from("r1cs\u0001\0\0\0\u0002\0\0\0", "latin1");
	const sections = [
		[2, constraints],
		[1, header],
	] as const;
	const path = join(root, name);
	const heads = sections.flatMap(([id, content]) => {
		const head = Buffer.alloc(12);
		head.writeUInt32LE(id, 0);
		head.writeBigUInt64LE(BigInt(content.length), 4);
		return [head, content];
	});
	await writeFile(path, Buffer.concat([preamble, ...heads]));
	return path;
}

const random = (i: number): bigint => power(7n, BigInt(i + 90), R);
const ROWS: readonly Row[] = [
	[[[1, 1n]], [[2, R - 1n]], []],
	[[], [], []],
	[
		[
			[3, random(1)],
			[3, 2n],
		],
		[[0, 0n]],
		[
			[19, random(1)],
			[4, R - 1n],
			[0, 1n + (1n << 32n)],
		],
	],
];

describe("readR1cs", () => {
	const termsOf = (matrix: SparseMatrix, coefficients: readonly bigint[], row: number): Terms =>
		Array.from({ length: (matrix.starts[row + 1] as number) - (matrix.starts[row] as number) }, (_, i) => {
			const term = (matrix.starts[row] as number) + i;
			return [matrix.wires[term] as number, coefficients[matrix.coefficients[term] as number] as bigint] as const;
		});
	const read = async (path: string): Promise<Row[]> => {
		const r1cs = await readR1cs(path);
		expect(r1cs.coefficients.slice(0, 2)).toEqual([1n, R - 1n]);
		expect(new Set(r1cs.coefficients).size).toBe(r1cs.coefficients.length);
		return Array.from(
			{ length: r1cs.nConstraints },
			(_, row) => [r1cs.a, r1cs.b, r1cs.c].map((matrix) => termsOf(matrix, r1cs.coefficients, row)) as unknown as Row,
		);
	};

	it("reads what was written: empty forms, a wire twice, special coefficients", async () => {
		expect(await read(await fileOf("small.r1cs", ROWS))).toEqual(ROWS);
		expect(await read(await fileOf("none.r1cs", []))).toEqual([]);
	});

	it("reads forms that are longer than a block, and more coefficients than its table starts with", async () => {
		const long: Terms = Array.from({ length: 130_000 }, (_, i) => [i % 20, i % 7 === 0 ? random(i % 3000) : BigInt(i)]);
		const rows: Row[] = [[long.slice(0, 3), [], long.slice(3, 5)], [[], long, [[1, 1n]]], ...ROWS];
		expect(await read(await fileOf("long.r1cs", rows))).toEqual(rows);
	});

	it.each<[string, () => Promise<string>, RegExp]>([
		["a wire that does not exist", () => fileOf("a", [...ROWS, [[], [[20, 1n]], []]]), /wires below 20, got wire 20 in constraint 3/],
		["a coefficient that is not below r", () => fileOf("b", [...ROWS, [[], [[2, R]], []]]), /coefficients below r, got 2188/],
		["more constraints than it holds", () => fileOf("c", ROWS, { nConstraints: 4 }), /4 more bytes of constraints, got 0/],
		["very many constraints", () => fileOf("d", ROWS, { nConstraints: 2 ** 32 - 1 }), /4294967295 constraints, got a section of/],
		["fewer wires than inputs and outputs", () => fileOf("e", [], { nWires: 4 }), /at least 5 wires, got 4/],
	])("refuses %s", async (_, make, message) => {
		await expect(readR1cs(await make())).rejects.toMatchObject({ code: "r1cs.format", message: expect.stringMatching(message) });
	});
});
