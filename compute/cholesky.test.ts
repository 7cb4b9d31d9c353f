import { describe, expect, test } from "vitest";
import { cholesky, factorPlain, substitute } from "./cholesky.ts";
import { type Matrix, matrix, multiplyPlain } from "./matrix.ts";
import { generator } from "./random.ts";
import { refusal } from "./testing.ts";
import { factorBlocks, solveBlocks } from "./wasm/triangular.ts";

const next = generator(31n);
const random = (rows: number, columns: number): Matrix<Float64Array> =>
	matrix(
		Float64Array.from({ length: rows * columns }, () => (2 * next()) / 2 ** 32 - 1),
		rows,
		columns,
	);

/** G G^T / d + I / 10: positive definite, of a moderate condition number. */
function positive(d: number): Matrix<Float64Array> {
	const g = random(d, d + 3);
	const product = multiplyPlain(g, g, { right: true });
	return matrix(
		product.values.map((value, at) => value / d + (at % (d + 1) === 0 ? 0.1 : 0)),
		d,
		d,
	);
}

const largest = (a: Float64Array, b: Float64Array) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
const never = () => {
	throw new Error("not positive definite");
};

/** Around the sizes of blocks (64) and bands (128). */
describe.each([1, 2, 5, 63, 64, 65, 97, 128, 130, 201, 330])("a matrix of %i rows", (d) => {
	const a = positive(d);

	test("is the product of its factor with itself, in blocks as by the definition", () => {
		const lower = factorBlocks(a.values, d, 0.5, never);
		expect(largest(lower, factorPlain(a.values, d, 0.5, never))).toBeLessThan(1e-12);
		const { values } = cholesky(a, 0.5).lower;
		expect(largest(values, lower)).toBeLessThan(1e-12);
		expect(lower.every((value, at) => at % d <= Math.floor(at / d) || value === 0)).toBe(true);
		const back = multiplyPlain(matrix(lower, d, d), matrix(lower, d, d), { right: true });
		expect(
			largest(
				back.values,
				a.values.map((value, at) => value + (at % (d + 1) === 0 ? 0.5 : 0)),
			),
		).toBeLessThan(1e-12);
	});

	test.each([1, 7, 8, 33])("solves %i right-hand sides", (k) => {
		const y = random(d, k);
		const factor = cholesky(a);
		const { values } = factor.solve(y);
		expect(largest(values, substitute(factor.lower.values, d, y.values, k))).toBeLessThan(1e-10);
		expect(largest(solveBlocks(factor.lower.values, d, y.values, k), values)).toBeLessThan(1e-10);
		expect(largest(multiplyPlain(a, matrix(values, d, k)).values, y.values)).toBeLessThan(1e-10);
	});
});

test("more right-hand sides than go together are solved like a few", () => {
	const [d, k] = [70, 1027];
	const [a, y] = [positive(d), random(d, k)];
	const { lower } = cholesky(a);
	expect(largest(solveBlocks(lower.values, d, y.values, k), substitute(lower.values, d, y.values, k))).toBeLessThan(1e-10);
});

test("only the lower triangle is read", () => {
	const a = positive(150);
	const upset = a.values.map((value, at) => (at % 150 > Math.floor(at / 150) ? Number.NaN : value));
	expect(cholesky(matrix(upset, 150, 150), 0.1).lower).toEqual(cholesky(a, 0.1).lower);
});

describe("refused", () => {
	test.each([3, 150])("a singular matrix of %i rows, without ridge", async (d) => {
		const ones = matrix(new Float64Array(d * d).fill(1), d, d);
		expect(cholesky(ones, 0.01).lower.rows).toBe(d);
		expect(await refusal(() => cholesky(ones))).toEqual({
			code: "ILL_CONDITIONED",
			message: `cholesky: a ${d} x ${d} matrix with ridge 0 is not positive definite (pivot 1 is 0)`,
		});
	});

	test("a pivot in a later block, and NaN", async () => {
		const a = positive(150);
		a.values[100 * 150 + 100] = -5;
		expect(await refusal(() => cholesky(a))).toMatchObject({
			code: "ILL_CONDITIONED",
			message: expect.stringMatching(/^cholesky: a 150 x 150 matrix with ridge 0 is not positive definite \(pivot 100 is -\d/),
		});
		a.values[20 * 150 + 3] = Number.NaN;
		expect(await refusal(() => cholesky(a))).toMatchObject({ message: expect.stringContaining("(pivot 20 is NaN)") });
	});

	test("a matrix that is not square, and a right-hand side of another height", async () => {
		expect(await refusal(() => cholesky(random(3, 4)))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "cholesky: expected a square matrix, got 3 x 4",
		});
		expect(await refusal(() => cholesky(positive(3)).solve(random(4, 2)))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "cholesky: expected 3 rows on the right, got 4",
		});
	});
});
