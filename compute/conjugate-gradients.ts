/**
 * Preconditioned conjugate gradients for A X = B with A symmetric positive definite and known only by its products; the columns
 * of B are independent systems that share each product. Source: Golub and Van Loan, "Matrix Computations", 11.5.
 */
import { DataError } from "./errors.ts";
import type { Matrix } from "./matrix.ts";

export interface ConjugateGradientsOptions {
	/** |A x - b| / |b| of every column that is small enough, by the residual that the recursion carries. */
	readonly tolerance: number;
	/** At most this many products. */
	readonly iterations: number;
	/** Multiplies by an approximation of A^-1, symmetric positive definite; nothing by default. */
	readonly precondition?: (r: Matrix<Float64Array>) => Matrix<Float64Array>;
	/** Whether what was reached in `iterations` is an answer; an error by default. */
	readonly truncate?: boolean;
	readonly signal?: AbortSignal | undefined;
	/** Told of the iterations that are done, and their most. */
	readonly progress?: ((done: number, of: number) => void) | undefined;
}

export interface ConjugateGradientsSolution {
	/** X, the shape of B. */
	readonly solution: Matrix<Float64Array>;
	/** Products with A. */
	readonly iterations: number;
	/** The largest |A x - b| / |b| over the columns, by the recursion. */
	readonly residual: number;
}

/**
 * Solve for every column.
 * @param apply - the product A V for V of the shape of B; a new matrix, V is not changed
 * @throws {DataError} NOT_CONVERGED if a column is not within tolerance, ILL_CONDITIONED if A is not positive definite;
 *   the signal's reason
 */
export async function conjugateGradients(
	apply: (v: Matrix<Float64Array>) => Matrix<Float64Array> | Promise<Matrix<Float64Array>>,
	rhs: Matrix<Float64Array>,
	options: ConjugateGradientsOptions,
): Promise<ConjugateGradientsSolution> {
	const { tolerance, iterations, precondition = (r) => r, truncate = false, signal, progress } = options;
	const { columns } = rhs;
	const x = { ...rhs, values: new Float64Array(rhs.values.length) };
	const r = { ...rhs, values: rhs.values.slice() };
	const norms = columnProducts(rhs, rhs).map(Math.sqrt);
	const residuals = () => columnProducts(r, r).map((square, j) => (norms[j] === 0 ? 0 : Math.sqrt(square) / (norms[j] as number)));
	let z = precondition(r);
	let p = { ...rhs, values: z.values.slice() };
	let rz = columnProducts(r, z);
	for (let done = 0; ; done++) {
		const open = residuals();
		const residual = open.reduce((most, one) => Math.max(most, one), 0);
		if (residual <= tolerance || (truncate && done === iterations)) return { solution: x, iterations: done, residual };
		if (done === iterations || Number.isNaN(residual)) {
			throw new DataError(
				"NOT_CONVERGED",
				`conjugateGradients: expected a relative residual of at most ${tolerance}, got ${residual} after ${done} iterations`,
				"Choose a larger ridge, or allow more iterations or a larger residual.",
			);
		}
		await new Promise(setImmediate);
		signal?.throwIfAborted();
		const ap = await apply(p);
		const curvature = columnProducts(p, ap);
		// A column that is done takes no more steps: its curvature would be rounding.
		const alpha = rz.map((value, j) => ((open[j] as number) <= tolerance / 10 ? 0 : value / (curvature[j] as number)));
		const bad = curvature.findIndex((value, j) => (alpha[j] as number) !== 0 && !(value > 0));
		if (bad >= 0) {
			throw new DataError(
				"ILL_CONDITIONED",
				`conjugateGradients: expected a positive definite matrix, got curvature ${curvature[bad]} in column ${bad}`,
				"Choose a larger ridge.",
			);
		}
		for (let start = 0; start < x.values.length; start += columns) {
			for (let j = 0; j < columns; j++) {
				const step = alpha[j] as number;
				(x.values[start + j] as number) += step * (p.values[start + j] as number);
				(r.values[start + j] as number) -= step * (ap.values[start + j] as number);
			}
		}
		z = precondition(r);
		const next = columnProducts(r, z);
		const beta = next.map((value, j) => (rz[j] === 0 ? 0 : value / (rz[j] as number)));
		rz = next;
		const direction = p.values;
		p = { ...rhs, values: z.values.map((value, i) => value + (beta[i % columns] as number) * (direction[i] as number)) };
		progress?.(done + 1, iterations);
	}
}

/** The inner products of equal columns. */
function columnProducts({ values: a, columns }: Matrix<Float64Array>, { values: b }: Matrix<Float64Array>): Float64Array {
	const sums = new Float64Array(columns);
	for (let start = 0; start < a.length; start += columns) {
		for (let j = 0; j < columns; j++) (sums[j] as number) += (a[start + j] as number) * (b[start + j] as number);
	}
	return sums;
}
