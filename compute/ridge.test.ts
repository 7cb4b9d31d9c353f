import { describe, expect, test } from "vitest";
import { applyRidge } from "../circuits/head.ts";
import type { Rows } from "../circuits/statistics.ts";
import { symmetricMatrix } from "./product.ts";
import { below, generator } from "./random.ts";
import { openReference } from "./reference/backend.ts";
import { factorise, solveInteger, solveRidge } from "./ridge.ts";
import { exactStatistics, type Statistics } from "./statistics.ts";
import { refusal } from "./testing.ts";

async function statistics(count: number, d: number, k: number, seed: bigint): Promise<Statistics> {
	const next = generator(seed);
	const bytes = (length: number, bound: number) => Uint8Array.from({ length }, () => below(next, bound));
	const rows: Rows = { x: bytes(count * d, 256), label: bytes(count, k), weight: bytes(count, 2), count };
	return openReference().statistics(rows, d, k);
}

/** Half the largest row sum of |A + mu I|, plus a millionth for the float64 tie. */
function bound({ a, d }: Statistics, mu: bigint): number {
	const { values } = symmetricMatrix(a, d);
	const sums = Array.from({ length: d }, (_, i) => values.subarray(i * d, (i + 1) * d).reduce((sum, value) => sum + value, Number(mu)));
	return Math.max(...sums) * (0.5 + 1e-6);
}

describe("solveRidge", () => {
	test.each([
		["a well-conditioned system", 200, 8, 3, 1n << 20n, 1n << 30n],
		["more features than rows, lambda = 1", 6, 12, 2, 1n, 1n << 30n],
		["a large lambda", 50, 8, 3, 1n << 40n, 1n << 48n],
		["scale 1", 50, 8, 3, 65n, 1n],
	] as const)("%s: the residual is exact and within half a row sum", async (_, count, d, k, mu, scale) => {
		const stats = await statistics(count, d, k, 3n);
		const { x, residual, maxResidual } = solveRidge(stats, mu, scale);
		const exact = exactStatistics(stats);
		const expected = applyRidge(exact, mu, Array.from(x, BigInt), d, k).map((value, i) => value - scale * (exact.b[i] as bigint));
		expect(residual).toEqual(expected);
		expect(Number(maxResidual)).toBe(Math.max(...expected.map((value) => Math.abs(Number(value)))));
		expect(Number(maxResidual)).toBeLessThanOrEqual(bound(stats, mu));
	});

	test("gives the nearest integers: no single step lowers the distance to a known solution", async () => {
		const stats = { a: Float64Array.of(3, 1, 2), b: Float64Array.of(10, 5), d: 2 };
		// (A + I) W = 100 B has the solution (2500 / 11, 1000 / 11).
		expect([...solveRidge(stats, 1n, 100n).x]).toEqual([227, 91]);
	});

	test("refines a badly conditioned system to the last unit", async () => {
		// Two almost equal columns: condition number near 2^46.
		const stats = { a: Float64Array.of(2 ** 45, 2 ** 45, 2 ** 45), b: Float64Array.of(2 ** 20, -(2 ** 20)), d: 2 };
		const { x, maxResidual } = solveRidge(stats, 1n, 1n << 20n);
		expect([...x]).toEqual([2 ** 40, -(2 ** 40)]);
		expect(maxResidual).toBe(0n);
	});
});

describe("refused", () => {
	test("a matrix that is not positive definite", async () => {
		const a = symmetricMatrix(Float64Array.of(1, 1, 1), 2);
		expect(factorise(a, 1n).mu).toBe(1n);
		expect(await refusal(() => factorise(a, 0n))).toEqual({
			code: "ILL_CONDITIONED",
			message: "cholesky: a 2 x 2 matrix with ridge 0 is not positive definite (pivot 1 is 0)",
		});
	});

	test("a solution above 2^53", async () => {
		const factor = factorise(symmetricMatrix(Float64Array.of(1), 1), 1n);
		expect([...solveInteger(factor, [2n ** 53n]).x]).toEqual([2 ** 52]);
		expect(await refusal(() => solveInteger(factor, [2n ** 54n]))).toEqual({
			code: "VALUE_OUT_OF_RANGE",
			message: "solveInteger: a solution at mu = 1 is above 2^53",
		});
	});
});
