import { describe, expect, test } from "vitest";
import { type ByteMatrix, MAX_COLUMNS } from "../neighbours.ts";
import { below, generator } from "../random.ts";
import { refusal } from "../testing.ts";
import { answersAreRight, byteArithmetic, FOURFOLD, PAIRWISE } from "./byte-arithmetic.ts";
import { distanceBlocks, nearest, squaredDistances } from "./distances.ts";
import { ascending, lowest } from "./ranking.ts";

const next = generator(8n);
const random = (rows: number, columns: number, bound = 256): ByteMatrix => ({
	values: Uint8Array.from({ length: rows * columns }, () => below(next, bound)),
	rows,
	columns,
});
const filled = (rows: number, columns: number, value: (at: number) => number): ByteMatrix => ({
	values: Uint8Array.from({ length: rows * columns }, (_, at) => value(at)),
	rows,
	columns,
});

/** The definition. */
function plain(train: ByteMatrix, test: ByteMatrix): Int32Array {
	const result = new Int32Array(test.rows * train.rows);
	const d = train.columns;
	for (let i = 0; i < test.rows; i++) {
		for (let j = 0; j < train.rows; j++) {
			let sum = 0;
			for (let c = 0; c < d; c++) sum += ((test.values[i * d + c] as number) - (train.values[j * d + c] as number)) ** 2;
			result[i * train.rows + j] = sum;
		}
	}
	return result;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array) => new Uint8Array(buffer, byteOffset, byteLength);

// Where a machine has no product of four bytes, both are the same.
const ways = [PAIRWISE, byteArithmetic()];

describe("distances equal their definition", () => {
	test.each([
		["one row each", random(1, 1), random(1, 1)],
		["random rows", random(37, 64), random(11, 64)],
		["rows of a length that is no multiple of anything", random(70, 83), random(45, 83)],
		["two values", random(25, 30, 2), random(14, 30, 2)],
		["long rows", random(9, 4096), random(7, 4096)],
		["rows of 255", filled(9, 4096, () => 255), filled(7, 4096, () => 255)],
		["255 against 0", filled(9, 4096, () => 255), filled(7, 4096, () => 0)],
		["0 against 255", filled(9, 4096, () => 0), filled(7, 4096, () => 255)],
		["alternating rows", filled(9, 4095, (at) => 255 * (at % 2)), filled(7, 4095, (at) => 255 * ((at + 1) % 2))],
		["the longest rows", filled(2, MAX_COLUMNS, () => 255), filled(3, MAX_COLUMNS, (at) => (at % 5 === 0 ? 128 : 0))],
		["more training rows than are packed at once", random(4103, 5), random(9, 5)],
		["no test rows", random(4, 5), random(0, 5)],
		["no training rows", random(0, 5), random(4, 5)],
	] as const)("%s", (_, train, other) => {
		const expected = plain(train, other);
		for (const way of ways) expect(squaredDistances(train, other, way)).toEqual(expected);
	});

	test("in blocks, whatever is done between them", () => {
		const [train, other] = [random(9000, 3), random(4000, 3)];
		const expected = plain(train, other);
		let rows = 0;
		for (const block of distanceBlocks(train, other)) {
			expect(block.first).toBe(rows);
			const own = expected.subarray(rows * 9000, (rows + block.rows) * 9000);
			// Millions of them: compared as bytes.
			expect(Buffer.compare(bytesOf(block.distances), bytesOf(own))).toBe(0);
			rows += block.rows;
			squaredDistances(random(50, 700), random(50, 700));
		}
		expect(rows).toBe(4000);
	});
});

test("four products at once are used if and only if they are right", () => {
	expect(byteArithmetic()).toBe(answersAreRight() ? FOURFOLD : PAIRWISE);
});

describe("the nearest rows equal those of a full sort", () => {
	test.each([1, 2, 5, 40, 299, 300])("%i of 300, many of them equally near", (count) => {
		const [train, other] = [random(300, 2, 6), random(25, 2, 6)];
		const distances = plain(train, other);
		const { indices, distances: found } = nearest(train, other, count);
		for (let i = 0; i < other.rows; i++) {
			const row = distances.subarray(i * 300, (i + 1) * 300);
			const order = Array.from(row.keys()).sort((a, b) => (row[a] as number) - (row[b] as number) || a - b);
			expect(Array.from(indices.subarray(i * count, (i + 1) * count))).toEqual(order.slice(0, count));
			expect(Array.from(found.subarray(i * count, (i + 1) * count))).toEqual(order.slice(0, count).map((l) => row[l]));
		}
	});
});

describe("orders", () => {
	test.each([
		["random", Int32Array.from({ length: 3000 }, () => next() >>> 1)],
		["small", Int32Array.from({ length: 3000 }, () => below(next, 50))],
		["falling", Int32Array.from({ length: 3000 }, (_, i) => 3000 - i)],
		["all the same", new Int32Array(500).fill(7)],
		["zeros and the largest", Int32Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? 0 : 2 ** 31 - 1))],
		["one", Int32Array.of(3)],
	])("of values that are %s", (_, values) => {
		const order = Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number) || a - b);
		expect(Array.from(ascending(values))).toEqual(order);
		for (const count of [1, 3, 100, values.length].filter((one) => one <= values.length)) {
			expect(Array.from(lowest(values, count))).toEqual(order.slice(0, count));
		}
	});
});

describe("refused", () => {
	const [train, other] = [random(10, 4), random(3, 4)];

	test.each([0, 11, 2.5])("%d neighbours", async (count) => {
		expect(nearest(train, other, 10).count).toBe(10);
		expect(await refusal(() => nearest(train, other, count))).toEqual({
			code: "NEIGHBOURS_OUT_OF_RANGE",
			message: `nearest: expected a number of neighbours in [1, 10], got ${count}`,
		});
	});

	test("other sizes", async () => {
		expect(await refusal(() => squaredDistances(train, { ...other, rows: 4 }))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "distances: test: expected 4 x 4 bytes, got 12",
		});
		expect(await refusal(() => squaredDistances(train, random(3, 5)))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "distances: expected rows of equal length, got 4 and 5",
		});
		expect(await refusal(() => squaredDistances(random(1, MAX_COLUMNS + 1), random(1, MAX_COLUMNS + 1)))).toMatchObject({
			code: "TOO_MANY_FEATURES",
		});
	});
});
