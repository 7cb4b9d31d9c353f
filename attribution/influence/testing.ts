/** What the tests of influence share: small seeded examples, and slow training of weighted rows to hold methods against. */
import { generator } from "../../compute/random.ts";
import type { Examples } from "../examples.ts";

/** Overlapping clusters, one per class, with a constant last feature. */
export function clusters(n: number, d: number, k: number, seed: bigint): Examples {
	const next = generator(seed);
	const uniform = () => next() / 2 ** 31 - 1;
	const x = new Float64Array(n * d).fill(1);
	const label = Uint8Array.from({ length: n }, (_, i) => (i < k ? i : next() % k));
	for (let i = 0; i < n; i++) {
		for (let f = 0; f < d - 1; f++) x[i * d + f] = 1.5 * uniform() + (f % k === label[i] ? 0.7 : 0);
	}
	return { x, label, n, d, k };
}

/** The head that minimises sum_i weight_i CE_i + ridge/2 |W|^2, by Newton's method and elimination; ridge above 0. */
export function slowSoftmax({ x, label, n, d, k }: Examples, weight: ArrayLike<number>, ridge: number): Float64Array {
	const w = new Float64Array(d * k);
	for (let step = 0; step < 40; step++) {
		const g = w.map((value) => ridge * value);
		const h = Array.from({ length: d * k }, (_, i) => Float64Array.from({ length: d * k }, (_, j) => (i === j ? ridge : 0)));
		for (let i = 0; i < n; i++) {
			const row = x.subarray(i * d, (i + 1) * d);
			const p = softmax(logits(row, w, k));
			for (let a = 0; a < d * k; a++) {
				const [f, c] = [Math.floor(a / k), a % k];
				(g[a] as number) += (weight[i] as number) * (row[f] as number) * ((p[c] as number) - (label[i] === c ? 1 : 0));
				for (let b = 0; b < d * k; b++) {
					const [f2, c2] = [Math.floor(b / k), b % k];
					const curvature = (p[c] as number) * ((c === c2 ? 1 : 0) - (p[c2] as number));
					((h[a] as Float64Array)[b] as number) += (weight[i] as number) * (row[f] as number) * (row[f2] as number) * curvature;
				}
			}
		}
		solve(h, g).forEach((value, a) => {
			(w[a] as number) -= value;
		});
	}
	return w;
}

/** The cross-entropy of each row. */
export function slowLosses({ x, label, n, d, k }: Examples, w: Float64Array): Float64Array {
	return Float64Array.from(
		{ length: n },
		(_, i) => -Math.log(softmax(logits(x.subarray(i * d, (i + 1) * d), w, k))[label[i] as number] as number),
	);
}

/** A x = b by elimination with pivots; A is destroyed. */
export function solve(a: Float64Array[], b: Float64Array): Float64Array {
	const x = b.slice();
	for (let i = 0; i < x.length; i++) {
		let pivot = i;
		for (let r = i; r < x.length; r++) if (Math.abs(a[r]?.[i] as number) > Math.abs(a[pivot]?.[i] as number)) pivot = r;
		[a[i], a[pivot]] = [a[pivot] as Float64Array, a[i] as Float64Array];
		[x[i], x[pivot]] = [x[pivot] as number, x[i] as number];
		for (let r = 0; r < x.length; r++) {
			if (r === i) continue;
			const factor = (a[r]?.[i] as number) / (a[i]?.[i] as number);
			for (let c = i; c < x.length; c++) ((a[r] as Float64Array)[c] as number) -= factor * (a[i]?.[c] as number);
			(x[r] as number) -= factor * (x[i] as number);
		}
	}
	return x.map((value, i) => value / (a[i]?.[i] as number));
}

function logits(row: Float64Array, w: Float64Array, k: number): number[] {
	return Array.from({ length: k }, (_, c) => row.reduce((sum, value, f) => sum + value * (w[f * k + c] as number), 0));
}

function softmax(z: number[]): number[] {
	const exp = z.map((value) => Math.exp(value - Math.max(...z)));
	const total = exp.reduce((sum, value) => sum + value, 0);
	return exp.map((value) => value / total);
}
