/**
 * The Hessian of a softmax head's mean cross-entropy plus ridge/2 |W|^2, exact:
 *
 *     H = (1/n) sum_i (x_i x_i^T) (x) (diag p_i - p_i p_i^T) + ridge I
 *
 * over parameters in the order [feature][class]. Adding one vector to every class changes no probability, so H is `ridge` in d
 * directions; gradients have no part in them. The factor works in the other d (k - 1) directions, those of contrasts Q between
 * classes (orthonormal, k x (k - 1), each column adding up to 0), and so needs no ridge for them.
 * Source: Böhning, "Multinomial logistic regression algorithm" (1992), section 2.
 */
import { cholesky } from "./cholesky.ts";
import { checkPivots } from "./conditioning.ts";
import { DataError } from "./errors.ts";
import { type Matrix, multiply } from "./matrix.ts";

/** The most parameters d (k - 1) for which H is formed: a factor of 512 MB. */
export const MAX_EXACT = 8192;

/** Values of products of features that are held at a time. */
const BLOCK = 2 ** 21;

/** A Hessian, factorised. */
export interface SoftmaxHessian {
	readonly d: number;
	readonly k: number;
	/** Q. */
	readonly contrasts: Matrix<Float64Array>;
	/**
	 * H^-1 Y in contrasts.
	 * @param rhs - d (k - 1) x columns, [feature][contrast]
	 */
	solveContrasts(rhs: Matrix<Float64Array>): Matrix<Float64Array>;
	/**
	 * H^-1 Y for gradients, whose classes add up to 0 for each feature; any other part of Y is left out.
	 * @param rhs - d k x columns, [feature][class]
	 */
	solve(rhs: Matrix<Float64Array>): Matrix<Float64Array>;
}

/** Helmert's contrasts: column a compares class a + 1 with those before it. */
export function contrasts(k: number): Matrix<Float64Array> {
	const values = new Float64Array(k * (k - 1));
	for (let a = 1; a < k; a++) {
		const scale = 1 / Math.sqrt(a * (a + 1));
		for (let c = 0; c < a; c++) values[c * (k - 1) + a - 1] = -scale;
		values[a * (k - 1) + a - 1] = a * scale;
	}
	return { values, rows: k, columns: k - 1 };
}

/**
 * Form and factorise H. Costs n d^2 k^2 / 4 + (d k)^3 / 6 multiplications.
 * @param x - n x d
 * @param p - n x k probabilities
 * @throws {DataError} TOO_MANY_FEATURES above MAX_EXACT parameters, ILL_CONDITIONED
 */
export function factoriseHessian(x: Matrix<Float64Array>, p: Matrix<Float64Array>, ridge: number): SoftmaxHessian {
	const [d, k] = [x.columns, p.columns];
	if (d * (k - 1) > MAX_EXACT) {
		throw new DataError(
			"TOO_MANY_FEATURES",
			`factoriseHessian: expected at most ${MAX_EXACT} parameters, got ${d} features x ${k - 1} contrasts`,
			"Use conjugate gradients (influence-cg), or a backbone of fewer features.",
		);
	}
	const q = contrasts(k);
	const factor = cholesky(formHessian(x, p, q), ridge);
	checkPivots(factor, `factoriseHessian: H with ridge ${ridge}`);
	return {
		d,
		k,
		contrasts: q,
		solveContrasts: (rhs) => factor.solve(rhs),
		solve(rhs) {
			const inner = multiplyClasses(rhs, q, d, true);
			return multiplyClasses(factor.solve(inner), q, d, false);
		},
	};
}

/**
 * H V without forming H: 2 n d k multiplications per column.
 * @param v - d k x columns, [feature][class]
 */
export function hessianProduct(
	x: Matrix<Float64Array>,
	p: Matrix<Float64Array>,
	v: Matrix<Float64Array>,
	ridge: number,
): Matrix<Float64Array> {
	const [{ rows: n, columns: d }, k, m] = [x, p.columns, v.columns];
	// The same memory read as d x (k m): one product for all columns.
	const logits = multiply(x, { values: v.values, rows: d, columns: k * m });
	const mean = new Float64Array(m);
	for (let i = 0; i < n; i++) {
		const row = logits.values.subarray(i * k * m, (i + 1) * k * m);
		mean.fill(0);
		for (let c = 0, at = 0; c < k; c++) {
			const weight = p.values[i * k + c] as number;
			for (let j = 0; j < m; j++, at++) (mean[j] as number) += weight * (row[at] as number);
		}
		for (let c = 0, at = 0; c < k; c++) {
			const weight = (p.values[i * k + c] as number) / n;
			for (let j = 0; j < m; j++, at++) row[at] = weight * ((row[at] as number) - (mean[j] as number));
		}
	}
	const { values } = multiply(x, logits, { left: true });
	if (ridge !== 0) for (let i = 0; i < values.length; i++) (values[i] as number) += ridge * (v.values[i] as number);
	return { values, rows: d * k, columns: m };
}

/**
 * An approximate inverse for Hessians that are too large: class by class, with the mean of p (1 - p) in place of each row's.
 * @returns multiplies d k x columns by it
 */
export function blockPreconditioner(
	x: Matrix<Float64Array>,
	p: Matrix<Float64Array>,
	ridge: number,
): (rhs: Matrix<Float64Array>) => Matrix<Float64Array> {
	const [{ rows: n, columns: d }, k] = [x, p.columns];
	const gram = multiply(x, x, { left: true });
	const factors = Array.from({ length: k }, (_, c) => {
		let weight = 0;
		for (let i = 0; i < n; i++) weight += (p.values[i * k + c] as number) * (1 - (p.values[i * k + c] as number));
		const scale = Math.max(weight / n, 1e-6);
		let trace = 0;
		for (let f = 0; f < d; f++) trace += gram.values[f * d + f] as number;
		// Constant features leave the Gram matrix singular; a conditioner may be rough.
		const floor = (1e-6 * scale * trace) / (n * d);
		return cholesky({ ...gram, values: gram.values.map((value) => (scale * value) / n) }, Math.max(ridge, floor));
	});
	return (rhs) => {
		const m = rhs.columns;
		const result = { ...rhs, values: new Float64Array(rhs.values.length) };
		factors.forEach((factor, c) => {
			const own = new Float64Array(d * m);
			for (let f = 0; f < d; f++) own.set(rhs.values.subarray((f * k + c) * m, (f * k + c + 1) * m), f * m);
			const solved = factor.solve({ values: own, rows: d, columns: m }).values;
			for (let f = 0; f < d; f++) result.values.set(solved.subarray(f * m, (f + 1) * m), (f * k + c) * m);
		});
		return result;
	};
}

/**
 * H without ridge, [feature][contrast]. Each pair of contrasts weighs the same n x d (d + 1) / 2 products of features, so that all
 * of H is one product of matrices, taken for some features at a time.
 */
function formHessian(x: Matrix<Float64Array>, p: Matrix<Float64Array>, q: Matrix<Float64Array>): Matrix<Float64Array> {
	const [{ rows: n, columns: d }, r] = [x, q.columns];
	const weights = contrastWeights(p, q);
	const size = d * r;
	const values = new Float64Array(size * size);
	for (let first = 0, end = 0; first < d; first = end) {
		let width = 0;
		for (; end < d && (end === first || (width + end + 1) * n <= BLOCK); end++) width += end + 1;
		const products = new Float64Array(n * width);
		for (let i = 0, at = 0; i < n; i++) {
			const row = x.values.subarray(i * d, (i + 1) * d);
			for (let f = first; f < end; f++) for (let g = 0; g <= f; g++) products[at++] = (row[f] as number) * (row[g] as number);
		}
		const sums = multiply(weights, { values: products, rows: n, columns: width }, { left: true }).values;
		for (let a = 0, at = 0; a < r; a++) {
			for (let b = 0, start = at; b <= a; b++, start = at) {
				for (let f = first; f < end; f++) {
					for (let g = 0; g <= f; g++, at++) {
						const value = sums[at] as number;
						values[(f * r + a) * size + g * r + b] = value;
						values[(f * r + b) * size + g * r + a] = value;
					}
				}
				at = start + width;
			}
		}
	}
	return { values, rows: size, columns: size };
}

/** Q^T (diag p_i - p_i p_i^T) Q / n for each row: n x r (r + 1) / 2, the pairs b <= a. */
function contrastWeights(p: Matrix<Float64Array>, q: Matrix<Float64Array>): Matrix<Float64Array> {
	const [{ rows: n, columns: k }, r] = [p, q.columns];
	const pairs = (r * (r + 1)) / 2;
	const means = multiply(p, q).values;
	// The products of contrasts, k x pairs: sum_c p_c Q_ca Q_cb is a product of matrices too.
	const squares = new Float64Array(k * pairs);
	for (let c = 0, at = 0; c < k; c++) {
		for (let a = 0; a < r; a++) {
			for (let b = 0; b <= a; b++, at++) squares[at] = (q.values[c * r + a] as number) * (q.values[c * r + b] as number);
		}
	}
	const weights = multiply(p, { values: squares, rows: k, columns: pairs });
	for (let i = 0, at = 0; i < n; i++) {
		for (let a = 0; a < r; a++) {
			for (let b = 0; b <= a; b++, at++) {
				weights.values[at] = ((weights.values[at] as number) - (means[i * r + a] as number) * (means[i * r + b] as number)) / n;
			}
		}
	}
	return weights;
}

/** For each feature Q^T Y (k to k - 1 rows), or Q Y back. */
function multiplyClasses(y: Matrix<Float64Array>, q: Matrix<Float64Array>, d: number, left: boolean): Matrix<Float64Array> {
	const [from, to] = left ? [q.rows, q.columns] : [q.columns, q.rows];
	const m = y.columns;
	const values = new Float64Array(d * to * m);
	for (let f = 0; f < d; f++) {
		for (let b = 0; b < from; b++) {
			for (let a = 0; a < to; a++) {
				const factor = q.values[left ? b * to + a : a * from + b] as number;
				if (factor === 0) continue;
				const [source, target] = [(f * from + b) * m, (f * to + a) * m];
				for (let j = 0; j < m; j++) (values[target + j] as number) += factor * (y.values[source + j] as number);
			}
		}
	}
	return { values, rows: d * to, columns: m };
}
