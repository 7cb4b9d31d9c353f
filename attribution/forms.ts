/** Products of statistics with heads, in floating point. Heads are d x k, [feature][class]; A is a packed upper triangle, as in `Statistics`. */
import type { Statistics } from "../compute/statistics.ts";

/** A X for the symmetric matrix A given in full (d x d, row-major). */
export function product(a: Float64Array, x: Float64Array, d: number, k: number): Float64Array {
	const out = new Float64Array(d * k);
	for (let i = 0; i < d; i++) {
		for (let l = 0; l < d; l++) {
			const factor = a[i * d + l] as number;
			// Half of all pixels are 0 in every row.
			if (factor === 0) continue;
			for (let c = 0; c < k; c++) (out[i * k + c] as number) += factor * (x[l * k + c] as number);
		}
	}
	return out;
}

/** The scores of one node or of a whole path as a linear function of a contribution: S_c = <M, A_c> - <N, B_c>. */
export interface ScoreForms {
	/** The upper triangle of 2 sym(sum omega V W^T), its diagonal halved: d (d + 1) / 2 values in the order of A. */
	readonly m: Float64Array;
	/** sum omega V, d x k. */
	readonly n: Float64Array;
}

/** Add one node to the forms: omega <V, A_c W - B_c>. */
export function addNode({ m, n }: ScoreForms, omega: number, w: Float64Array, v: Float64Array, d: number, k: number): void {
	for (let i = 0, entry = 0; i < d; i++) {
		for (let l = i; l < d; l++, entry++) {
			let sum = 0;
			for (let c = 0; c < k; c++) {
				sum += (v[i * k + c] as number) * (w[l * k + c] as number);
				if (l > i) sum += (v[l * k + c] as number) * (w[i * k + c] as number);
			}
			(m[entry] as number) += omega * sum;
		}
	}
	v.forEach((value, i) => {
		(n[i] as number) += omega * value;
	});
}

/** <M, A_c> - <N, B_c>. */
export function scoreOf({ a, b }: Pick<Statistics, "a" | "b">, { m, n }: ScoreForms): number {
	return dot(m, a) - dot(n, b);
}

function dot(x: Float64Array, y: Float64Array): number {
	let sum = 0;
	for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (y[i] as number);
	return sum;
}
