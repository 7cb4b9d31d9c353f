/**
 * Ridge systems (A + mu I) X = Y over the integers: a float64 Cholesky solve, refined with exact residuals until X is the
 * real solution rounded to the nearest integer, and the exact residual that a circuit checks.
 * Source: Golub and Van Loan, "Matrix Computations", 4.2 (Cholesky) and 3.5.3 (iterative refinement).
 */
import { type Cholesky, cholesky } from "./cholesky.ts";
import { DataError } from "./errors.ts";
import { matrix } from "./matrix.ts";
import { multiply, type SymmetricMatrix, symmetricMatrix } from "./product.ts";
import type { Statistics } from "./statistics.ts";

/** Each step divides the error by 2^53 / (condition number); more steps than this mean that it does not shrink. */
const MAX_STEPS = 20;

/** A + mu I, factorised. */
export interface Factor {
	readonly a: SymmetricMatrix;
	readonly mu: bigint;
	readonly cholesky: Cholesky;
}

export interface IntegerSolution {
	/** d x k integers below 2^53 in magnitude, row-major: the real solution, each entry rounded to nearest. */
	readonly x: Float64Array;
	/** d x k exact residuals R = multiplier (A + mu I) X - Y. */
	readonly residual: readonly bigint[];
	/** The largest |R|, at most multiplier (largest row sum of |A| + mu) / 2, up to the rounding of float64. */
	readonly maxResidual: bigint;
}

/**
 * Factorise A + mu I.
 * @param mu - at least 0
 * @throws {DataError} ILL_CONDITIONED if the matrix is not positive definite in float64
 */
export function factorise(a: SymmetricMatrix, mu: bigint): Factor {
	return { a, mu, cholesky: cholesky(matrix(a.values, a.d, a.d), Number(mu)) };
}

/**
 * The integers X nearest to the solution of multiplier (A + mu I) X = Y.
 * @param rhs - Y, d x k integers, row-major
 * @param multiplier - at least 1
 * @throws {DataError} VALUE_OUT_OF_RANGE if an entry of X reaches 2^53; ILL_CONDITIONED if the refinement does not converge
 */
export function solveInteger(factor: Factor, rhs: readonly bigint[], multiplier = 1n): IntegerSolution {
	const { a, mu } = factor;
	const k = rhs.length / a.d;
	const solveRounded = (y: readonly bigint[]) =>
		solve(
			factor,
			Float64Array.from(y, (value) => Number(value) / Number(multiplier)),
			k,
		).map(Math.round);
	const x = solveRounded(rhs);
	for (let step = 0; step < MAX_STEPS; step++) {
		if (x.some((value) => !Number.isSafeInteger(value))) {
			throw new DataError(
				"VALUE_OUT_OF_RANGE",
				`solveInteger: a solution at mu = ${mu} is above 2^53`,
				"Choose a smaller scale or a larger lambda.",
			);
		}
		const residual = multiply(a, x, k).map((product, i) => multiplier * (product + mu * BigInt(x[i] as number)) - (rhs[i] as bigint));
		const correction = solveRounded(residual);
		if (correction.every((value) => value === 0)) return { x, residual, maxResidual: residual.reduce(largerMagnitude, 0n) };
		correction.forEach((value, i) => {
			x[i] = (x[i] as number) - value;
		});
	}
	throw new DataError("ILL_CONDITIONED", `solveInteger: no convergence in ${MAX_STEPS} steps at mu = ${mu}`, "Choose a larger lambda.");
}

/**
 * The ridge head: (A + mu I) W = scale B + R.
 * @param mu - at least 0
 * @param scale - the fixed-point unit s, at least 1
 * @throws {DataError} as `factorise` and `solveInteger`
 */
export function solveRidge({ a, b, d }: Pick<Statistics, "a" | "b" | "d">, mu: bigint, scale: bigint): IntegerSolution {
	return solveInteger(
		factorise(symmetricMatrix(a, d), mu),
		Array.from(b, (value) => scale * BigInt(value)),
	);
}

/**
 * The solution of (A + mu I) X = Y in float64, without refinement: relative error about 1e-16 times the condition number.
 * @param rhs - Y, d x k, row-major; not changed
 * @returns X, d x k, row-major
 */
export function solve(factor: Factor, rhs: Float64Array, k: number): Float64Array {
	return factor.cholesky.solve(matrix(rhs, factor.a.d, k)).values;
}

function largerMagnitude(most: bigint, value: bigint): bigint {
	const magnitude = value < 0n ? -value : value;
	return magnitude > most ? magnitude : most;
}
