/** Systems with a symmetric positive definite matrix, in float64. Source: Golub and Van Loan, "Matrix Computations", 4.2. */
import { DataError } from "./errors.ts";
import type { Matrix } from "./matrix.ts";
import { factorBlocks, factorInPlace, type Refuse, solveBlocks } from "./wasm/triangular.ts";

/** Fewer rows than this, or fewer right-hand sides, are done one number at a time. */
const SMALL = 96;
const FEW = 8;

/** A matrix, factorised. */
export interface Cholesky {
	/** The lower factor L with A = L L^T, zero above the diagonal. */
	readonly lower: Matrix<Float64Array>;
	/** The solution X of A X = Y, for any number of columns. */
	solve(rhs: Matrix<Float64Array>): Matrix<Float64Array>;
}

/**
 * Factorise A + ridge I.
 * @param a - symmetric; only its lower triangle is read
 * @param ridge - at least 0
 * @throws {DataError} ILL_CONDITIONED if the sum is not positive definite in float64; SHAPE_MISMATCH
 */
export function cholesky(a: Matrix<Float64Array>, ridge = 0): Cholesky {
	const d = a.rows;
	if (a.columns !== d)
		throw new DataError("SHAPE_MISMATCH", `cholesky: expected a square matrix, got ${d} x ${a.columns}`, "Pass a Gram matrix.");
	const refuse: Refuse = (pivot, value) => {
		throw new DataError(
			"ILL_CONDITIONED",
			`cholesky: a ${d} x ${d} matrix with ridge ${ridge} is not positive definite (pivot ${pivot} is ${value})`,
			"Choose a larger ridge.",
		);
	};
	const values = d < SMALL ? factorPlain(a.values, d, ridge, refuse) : factorBlocks(a.values, d, ridge, refuse);
	const lower = { values, rows: d, columns: d };
	return { lower, solve: (rhs) => solve(lower, rhs) };
}

/** The factor by the definition, for small matrices and to hold the fast one against. */
export function factorPlain(a: Float64Array, d: number, ridge: number, refuse: Refuse): Float64Array {
	const l = new Float64Array(d * d);
	for (let i = 0; i < d; i++) {
		l.set(a.subarray(i * d, i * d + i + 1), i * d);
		(l[i * d + i] as number) += ridge;
	}
	factorInPlace(l, 0, d, d, refuse);
	return l;
}

function solve({ values: l, rows: d }: Matrix<Float64Array>, { values: y, rows, columns: k }: Matrix<Float64Array>): Matrix<Float64Array> {
	if (rows !== d)
		throw new DataError("SHAPE_MISMATCH", `cholesky: expected ${d} rows on the right, got ${rows}`, "Pass as many rows as the matrix has.");
	const x = d < SMALL || k < FEW ? substitute(l, d, y, k) : solveBlocks(l, d, y, k);
	return { values: x, rows: d, columns: k };
}

/** Forward, then backward substitution. */
export function substitute(l: Float64Array, d: number, y: Float64Array, k: number): Float64Array {
	const x = y.slice();
	const eliminate = (i: number, other: number, factor: number) => {
		for (let c = 0; c < k; c++) (x[i * k + c] as number) -= factor * (x[other * k + c] as number);
	};
	const divide = (i: number) => {
		for (let c = 0; c < k; c++) (x[i * k + c] as number) /= l[i * d + i] as number;
	};
	for (let i = 0; i < d; i++) {
		for (let q = 0; q < i; q++) eliminate(i, q, l[i * d + q] as number);
		divide(i);
	}
	for (let i = d - 1; i >= 0; i--) {
		for (let q = i + 1; q < d; q++) eliminate(i, q, l[q * d + i] as number);
		divide(i);
	}
	return x;
}
