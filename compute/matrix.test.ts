import { describe, expect, test } from "vitest";
import { type Floats, type Matrix, matrix, multiply, multiplyPlain } from "./matrix.ts";
import { generator } from "./random.ts";
import { refusal } from "./testing.ts";

const next = generator(21n);
const draw = () => (2 * next()) / 2 ** 32 - 1;

function random<T extends Floats>(kind: new (length: number) => T, rows: number, columns: number): Matrix<T> {
	const values = new kind(rows * columns);
	for (let i = 0; i < values.length; i++) values[i] = draw();
	return matrix(values, rows, columns);
}

const KINDS = [
	["float32", Float32Array, 2 ** -24],
	["float64", Float64Array, 2 ** -53],
] as const;
const ORDERS = [{}, { left: true }, { right: true }, { left: true, right: true }];

/** Rows, inner size, columns: around the sizes of tiles (6 x 8 or 4), panels (512) and blocks (1024 x 4096), and rows of 1 KB. */
const SIZES = [
	[1, 4097, 1],
	[1, 3, 5000],
	[5000, 3, 1],
	[6, 128, 8],
	[7, 127, 9],
	[5, 1030, 3],
	[13, 513, 17],
	[35, 512, 31],
	[64, 784, 10],
	[2, 9000, 2],
	[97, 61, 301],
	[256, 40, 30],
	[1100, 5, 4200],
] as const;

describe.each(KINDS)("products of %s", (_, kind, epsilon) => {
	test.each(SIZES)("equal their definition: %i x %i times ... x %i", (m, p, n) => {
		for (const order of ORDERS) {
			const left = order.left ? random<Floats>(kind, p, m) : random<Floats>(kind, m, p);
			const right = order.right ? random<Floats>(kind, n, p) : random<Floats>(kind, p, n);
			const [fast, plain] = [multiply(left, right, order), multiplyPlain(left, right, order)];
			expect([fast.rows, fast.columns, fast.values.length]).toEqual([m, n, m * n]);
			expect(fast.values).toBeInstanceOf(kind);
			// Sums of p terms below 1 in magnitude, each rounded; what is rounded seldom adds up.
			const worst = Array.from(fast.values, (value, i) => Math.abs(value - (plain.values[i] as number))).reduce(
				(most, one) => Math.max(most, one),
				0,
			);
			expect(worst).toBeLessThan(2 * epsilon * p * Math.min(p, 8));
		}
	});

	test("of integers are exact", () => {
		const small = (rows: number, columns: number) => {
			const made = random<Floats>(kind, rows, columns);
			made.values.forEach((value, i) => {
				made.values[i] = Math.round(20 * value);
			});
			return made;
		};
		const [left, right] = [small(50, 700), small(700, 40)];
		expect(multiply(left, right)).toEqual(multiplyPlain(left, right));
	});

	test("the same operands give the same bits, after other products too", () => {
		const [left, right] = [random<Floats>(kind, 40, 600), random<Floats>(kind, 600, 50)];
		const first = multiply(left, right);
		multiply(random<Floats>(kind, 100, 900), random<Floats>(kind, 900, 100));
		expect(multiply(left, right)).toEqual(first);
	});

	test("a value that is no number stays in its row and column", () => {
		const [left, right] = [random<Floats>(kind, 20, 100), random<Floats>(kind, 100, 21)];
		left.values[3 * 100 + 50] = Number.NaN;
		right.values[70 * 21 + 20] = Number.POSITIVE_INFINITY;
		multiply(left, right).values.forEach((value, at) => {
			const [i, j] = [Math.floor(at / 21), at % 21];
			expect(Number.isFinite(value)).toBe(i !== 3 && j !== 20);
		});
	});

	test.each([
		[0, 5, 3],
		[3, 0, 4],
		[0, 0, 0],
	])("without rows or terms: %i x %i times ... x %i", (m, p, n) => {
		expect(multiply(random<Floats>(kind, m, p), random<Floats>(kind, p, n)).values).toEqual(new kind(m * n));
	});
});

test("inner sizes that differ are refused", async () => {
	const [a, b] = [random(Float64Array, 3, 4), random(Float64Array, 5, 2)];
	expect(multiply(a, random(Float64Array, 4, 2)).rows).toBe(3);
	expect(await refusal(() => multiply(a, b))).toEqual({
		code: "SHAPE_MISMATCH",
		message: "multiply: expected equal inner sizes, got 4 and 5",
	});
});
