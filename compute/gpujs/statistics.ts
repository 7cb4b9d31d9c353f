/**
 * Weighted Gram statistics by products of bytes. A weighted feature has 16 bits, so it goes in as two bytes: with w x = 256 h + l,
 * A = X^T (w X) = 256 X^T H + X^T L. B is X^T times the weights at the labels.
 */
import type { Rows } from "../../circuits/statistics.ts";
import { checkRows, type Statistics } from "../statistics.ts";
import { byteSums } from "./byte-product.ts";
import type { Multiply } from "./multiplication.ts";

/** Rows at a time: what is made of them stays small beside them. */
const BLOCK = 4096;

/** See `Backend.statistics`. */
export function gram(multiply: Multiply, rows: Rows, d: number, k: number): Statistics {
	const n = checkRows(rows, d, k);
	const a = new Float64Array((d * (d + 1)) / 2);
	const b = new Float64Array(d * k);
	for (let from = 0; from < rows.count; from += BLOCK) {
		const count = Math.min(BLOCK, rows.count - from);
		const x = rows.x.subarray(from * d, (from + count) * d);
		const [high, low, atLabel] = [new Uint8Array(x.length), new Uint8Array(x.length), new Uint8Array(count * k)];
		for (let i = 0; i < count; i++) {
			const weight = rows.weight[from + i] as number;
			atLabel[i * k + (rows.label[from + i] as number)] = weight;
			for (let at = i * d; at < (i + 1) * d; at++) {
				const value = weight * (x[at] as number);
				high[at] = value >> 8;
				low[at] = value & 255;
			}
		}
		const square = { rows: d, inner: count, columns: d };
		const unitWeights = high.every((byte) => byte === 0);
		const highs = unitWeights ? undefined : byteSums(multiply, x, high, square, { left: true });
		const lows = byteSums(multiply, x, low, square, { left: true });
		for (let i = 0, entry = 0; i < d; i++) {
			for (let l = i; l < d; l++, entry++) {
				const at = i * d + l;
				(a[entry] as number) += 256 * (highs?.[at] ?? 0) + (lows[at] as number);
			}
		}
		const sums = byteSums(multiply, x, atLabel, { rows: d, inner: count, columns: k }, { left: true });
		for (let at = 0; at < sums.length; at++) (b[at] as number) += sums[at] as number;
	}
	return { a, b, n, d, k };
}
