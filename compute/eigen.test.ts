import { describe, expect, test } from "vitest";
import { eigen } from "./eigen.ts";
import { matrix, multiply } from "./matrix.ts";
import { generator } from "./random.ts";
import { refusal } from "./testing.ts";

const next = generator(11n);
const uniform = () => (2 * next()) / 2 ** 32 - 1;

function gram(rows: number, d: number, constant = (_feature: number) => false) {
	const x = matrix(
		Float64Array.from({ length: rows * d }, (_, at) => (constant(at % d) ? -0.4242 : uniform())),
		rows,
		d,
	);
	return multiply(x, x, { left: true });
}

const cases: [string, ReturnType<typeof gram>][] = [
	["1 x 1", matrix(Float64Array.of(3), 1, 1)],
	["2 x 2", matrix(Float64Array.of(1, 2, 2, -5), 2, 2)],
	["zero", matrix(new Float64Array(25), 5, 5)],
	["identity", matrix(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), 3, 3)],
	["a Gram matrix", gram(90, 40)],
	["a Gram matrix of rank 7", gram(7, 30)],
	["a Gram matrix of rows of which most features are one constant", gram(50, 300, (feature) => feature % 3 > 0)],
	["values from 1e-12 to 1e12", matrix(Float64Array.of(1e12, 1e3, 1, 1e3, 1, 1e-3, 1, 1e-3, 1e-12), 3, 3)],
];

describe.each(cases)("%s", (_, a) => {
	const d = a.rows;
	const { values, vectors } = eigen(a);
	const size = Math.max(...a.values.map(Math.abs), 1);

	test("A V = V diag(values), in ascending order", () => {
		multiply(a, vectors).values.forEach((value, i) => {
			expect(Math.abs(value - (vectors.values[i] as number) * (values[i % d] as number))).toBeLessThan(1e-13 * d * size);
		});
		expect(values).toEqual(values.toSorted());
	});

	test("V is orthogonal", () => {
		multiply(vectors, vectors, { left: true }).values.forEach((value, i) => {
			expect(Math.abs(value - (i % (d + 1) === 0 ? 1 : 0))).toBeLessThan(1e-12);
		});
	});
});

test("known values: the path of 30 vertices", () => {
	const d = 30;
	const values = new Float64Array(d * d);
	for (let i = 1; i < d; i++) values[i * d + i - 1] = 1;
	// Only the lower triangle is read.
	eigen(matrix(values, d, d)).values.forEach((value, j) => {
		expect(value).toBeCloseTo(-2 * Math.cos(((j + 1) * Math.PI) / (d + 1)), 12);
	});
});

test("refused: a matrix that is not square, a value that is not finite", async () => {
	expect(await refusal(() => eigen(matrix(new Float64Array(6), 2, 3)))).toEqual({
		code: "SHAPE_MISMATCH",
		message: "eigen: expected a square matrix, got 2 x 3",
	});
	expect(await refusal(() => eigen(matrix(Float64Array.of(1, 0, Number.NaN, 1), 2, 2)))).toEqual({
		code: "VALUE_NOT_NUMERIC",
		message: "eigen: row 1, column 0: NaN is not a finite number",
	});
});
