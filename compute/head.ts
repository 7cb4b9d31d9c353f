/**
 * What a head W (d x k, row-major) says and how well: logits x W, the class of the largest logit, and the squared loss.
 */
import type { Rows } from "../circuits/statistics.ts";
import { symmetricMatrix } from "./product.ts";
import type { Statistics } from "./statistics.ts";

/**
 * The class of the largest logit for each row, the first one on a tie. Exact for integers |W| < 2^35 and d < 2^10.
 * @param x - n x d bytes
 * @returns n classes in [0, k)
 */
export function predict(w: Float64Array, x: Uint8Array, d: number, k: number): Uint8Array {
	const classes = new Uint8Array(x.length / d);
	const logits = new Float64Array(k);
	for (let row = 0; row < classes.length; row++) {
		logits.fill(0);
		for (let i = 0; i < d; i++) {
			const value = x[row * d + i] as number;
			for (let c = 0; c < k; c++) (logits[c] as number) += value * (w[i * k + c] as number);
		}
		classes[row] = logits.indexOf(Math.max(...logits));
	}
	return classes;
}

/** The share of rows, by weight, whose predicted class is their label; in [0, 1], NaN without weight. */
export function accuracy(w: Float64Array, rows: Rows, d: number, k: number): number {
	let [right, total] = [0, 0];
	predict(w, rows.x, d, k).forEach((predicted, row) => {
		const weight = rows.weight[row] as number;
		total += weight;
		if (predicted === rows.label[row]) right += weight;
	});
	return right / total;
}

/**
 * The mean squared loss of the head W / scale: (tr W^T A W - 2 tr W^T B + n) / (2 n), 1/2 for W = 0. In float64.
 * @param scale - the fixed-point unit s of W; 1 for a head in real numbers
 */
export function loss({ a, b, n, d, k }: Statistics, w: Float64Array, scale = 1): number {
	const { values } = symmetricMatrix(a, d);
	let [quadratic, linear] = [0, 0];
	for (let i = 0; i < d; i++) {
		for (let c = 0; c < k; c++) {
			const value = (w[i * k + c] as number) / scale;
			let product = 0;
			for (let l = 0; l < d; l++) product += (values[i * d + l] as number) * (w[l * k + c] as number);
			quadratic += value * (product / scale);
			linear += value * (b[i * k + c] as number);
		}
	}
	return (quadratic - 2 * linear + n) / (2 * n);
}
