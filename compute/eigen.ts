/**
 * Eigenvalues and eigenvectors of a symmetric matrix in float64: Householder's reduction to tridiagonal form, then the implicit QL
 * iteration. Takes about 9 d^3 operations. Source: Golub and Van Loan, "Matrix Computations", 8.3; the procedures tred2 and tql2 of
 * EISPACK.
 */
import { DataError } from "./errors.ts";
import type { Matrix } from "./matrix.ts";

export interface Eigen {
	/** Ascending. */
	readonly values: Float64Array;
	/** d x d, orthogonal: column j belongs to value j. */
	readonly vectors: Matrix<Float64Array>;
}

/** Sweeps for one eigenvalue; two are usual. */
const MAX_SWEEPS = 50;

/**
 * A = V diag(values) V^T.
 * @param a - symmetric and finite; only its lower triangle is read
 * @throws {DataError} SHAPE_MISMATCH; VALUE_NOT_NUMERIC for a value that is not finite; NOT_CONVERGED (not seen for finite values)
 */
export function eigen(a: Matrix<Float64Array>): Eigen {
	const d = a.rows;
	if (a.columns !== d)
		throw new DataError("SHAPE_MISMATCH", `eigen: expected a square matrix, got ${d} x ${a.columns}`, "Pass a Gram matrix.");
	const bad = a.values.findIndex((value) => !Number.isFinite(value));
	if (bad >= 0) {
		const place = `row ${Math.floor(bad / d)}, column ${bad % d}`;
		throw new DataError("VALUE_NOT_NUMERIC", `eigen: ${place}: ${a.values[bad]} is not a finite number`, "Scale the features.");
	}
	const { diagonal, below, reflectors } = tridiagonal(a);
	// Rows of `rows` are the vectors: rotations then touch neighbouring memory.
	const rows = accumulate(reflectors, d);
	iterate(diagonal, below, rows, d);
	const order = Uint32Array.from({ length: d }, (_, j) => j).sort((i, j) => (diagonal[i] as number) - (diagonal[j] as number));
	const values = Float64Array.from(order, (j) => diagonal[j] as number);
	const vectors = new Float64Array(d * d);
	order.forEach((from, j) => {
		for (let i = 0; i < d; i++) vectors[i * d + j] = rows[from * d + i] as number;
	});
	return { values, vectors: { values: vectors, rows: d, columns: d } };
}

/** H_1 ... H_(d-2) A H_(d-2) ... H_1 = T, with H_q = 1 - u u^T of |u|^2 = 2 (or u = 0) that leaves the first q entries alone. */
function tridiagonal(a: Matrix<Float64Array>): { diagonal: Float64Array; below: Float64Array; reflectors: Float64Array[] } {
	const d = a.rows;
	const m = a.values.slice();
	for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) m[j * d + i] = m[i * d + j] as number;
	const [diagonal, below] = [new Float64Array(d), new Float64Array(d)];
	const reflectors: Float64Array[] = [];
	const p = new Float64Array(d);
	for (let q = 0; q < d; q++) {
		diagonal[q] = m[q * d + q] as number;
		if (q === d - 1) break;
		const u = new Float64Array(d);
		let scale = 0;
		for (let i = q + 1; i < d; i++) scale = Math.max(scale, Math.abs(m[i * d + q] as number));
		let norm = 0;
		for (let i = q + 1; i < d && scale > 0; i++) {
			u[i] = (m[i * d + q] as number) / scale;
			norm += (u[i] as number) ** 2;
		}
		norm = Math.sqrt(norm);
		const first = u[q + 1] as number;
		const target = first > 0 ? -norm : norm;
		below[q] = target * scale;
		// |u - target e|^2 = 2 norm (norm + |first|).
		const length = Math.sqrt(norm * (norm + Math.abs(first)));
		u[q + 1] = first - target;
		for (let i = q + 1; i < d; i++) u[i] = length > 0 ? (u[i] as number) / length : 0;
		reflectors.push(u);
		// A - u w^T - w u^T with p = A u and w = p - (u . p / 2) u.
		let half = 0;
		for (let i = q + 1; i < d; i++) {
			let sum = 0;
			for (let j = q + 1; j < d; j++) sum += (m[i * d + j] as number) * (u[j] as number);
			p[i] = sum;
			half += sum * (u[i] as number);
		}
		for (let i = q + 1; i < d; i++) (p[i] as number) -= (half / 2) * (u[i] as number);
		for (let i = q + 1; i < d; i++) {
			const [ui, pi] = [u[i] as number, p[i] as number];
			for (let j = q + 1; j < d; j++) (m[i * d + j] as number) -= ui * (p[j] as number) + pi * (u[j] as number);
		}
	}
	return { diagonal, below, reflectors };
}

/** The transpose of H_1 ... H_(d-2), row-major. */
function accumulate(reflectors: readonly Float64Array[], d: number): Float64Array {
	const rows = new Float64Array(d * d);
	for (let i = 0; i < d; i++) rows[i * d + i] = 1;
	// From the last to the first, only the lower right corner is not yet the identity.
	for (let q = reflectors.length - 1; q >= 0; q--) {
		const u = reflectors[q] as Float64Array;
		for (let j = q + 1; j < d; j++) {
			let sum = 0;
			for (let i = q + 1; i < d; i++) sum += (rows[j * d + i] as number) * (u[i] as number);
			for (let i = q + 1; i < d; i++) (rows[j * d + i] as number) -= sum * (u[i] as number);
		}
	}
	return rows;
}

/** Implicit QL with Wilkinson's shift: T becomes diagonal, the rows of `rows` become its eigenvectors. */
function iterate(diagonal: Float64Array, below: Float64Array, rows: Float64Array, d: number): void {
	// Against the whole matrix: a singular one has neighbours on the diagonal that are both rounding errors.
	const negligible =
		Number.EPSILON * diagonal.reduce((most, value, i) => Math.max(most, Math.abs(value) + Math.abs(below[i] as number)), 0);
	for (let l = 0; l < d; l++) {
		for (let sweep = 0; ; sweep++) {
			let m = l;
			while (m < d - 1 && Math.abs(below[m] as number) > negligible) m++;
			if (m === l) break;
			if (sweep === MAX_SWEEPS)
				throw new DataError("NOT_CONVERGED", `eigen: no convergence in ${MAX_SWEEPS} sweeps at value ${l}`, "Scale the matrix.");
			const ratio = ((diagonal[l + 1] as number) - (diagonal[l] as number)) / (2 * (below[l] as number));
			const root = Math.hypot(ratio, 1);
			let g = (diagonal[m] as number) - (diagonal[l] as number) + (below[l] as number) / (ratio + (ratio < 0 ? -root : root));
			let [sine, cosine, shift] = [1, 1, 0];
			let i = m - 1;
			for (; i >= l; i--) {
				const f = sine * (below[i] as number);
				const b = cosine * (below[i] as number);
				const r = Math.hypot(f, g);
				below[i + 1] = r;
				if (r === 0) {
					(diagonal[i + 1] as number) -= shift;
					below[m] = 0;
					break;
				}
				sine = f / r;
				cosine = g / r;
				g = (diagonal[i + 1] as number) - shift;
				const t = ((diagonal[i] as number) - g) * sine + 2 * cosine * b;
				shift = sine * t;
				diagonal[i + 1] = g + shift;
				g = cosine * t - b;
				rotate(rows, i * d, (i + 1) * d, d, cosine, sine);
			}
			if (i >= l) continue;
			(diagonal[l] as number) -= shift;
			below[l] = g;
			below[m] = 0;
		}
	}
}

function rotate(rows: Float64Array, one: number, other: number, d: number, cosine: number, sine: number): void {
	for (let c = 0; c < d; c++) {
		const [x, y] = [rows[one + c] as number, rows[other + c] as number];
		rows[other + c] = sine * x + cosine * y;
		rows[one + c] = cosine * x - sine * y;
	}
}
