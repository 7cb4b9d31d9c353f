/** Gram matrices of rows in floating point, full and not packed. Those of bytes are exact; `Statistics` are the proven kind. */
import { DataError } from "../compute/errors.ts";
import { type Matrix, matrix, multiply } from "../compute/matrix.ts";
import { type AnyExamples, weightOf } from "./byte-examples.ts";

/** Rows that are held in floating point at a time. */
const CHUNK = 4096;

export interface Gram {
	/** sum w x x^T, d x d. */
	readonly a: Matrix<Float64Array>;
	/** sum w x onehot(y)^T, d x k. */
	readonly b: Matrix<Float64Array>;
	/** sum w. */
	readonly n: number;
}

/**
 * The Gram matrices of rows.
 * @param side - which rows they are, for the message
 * @throws {DataError} TOO_FEW_ROWS without weight
 */
export function gramOf(examples: AnyExamples, side: string): Gram {
	const { label, d, k } = examples;
	const [a, b] = [new Float64Array(d * d), new Float64Array(d * k)];
	let n = 0;
	eachChunk(examples, (rows, from) => {
		const weighted = rows.values.slice();
		for (let i = 0; i < rows.rows; i++) {
			const weight = weightOf(examples, from + i);
			const y = label[from + i] as number;
			n += weight;
			for (let l = 0; l < d; l++) {
				const value = weight * (weighted[i * d + l] as number);
				weighted[i * d + l] = value;
				(b[l * k + y] as number) += value;
			}
		}
		multiply(rows, matrix(weighted, rows.rows, d), { left: true }).values.forEach((value, i) => {
			(a[i] as number) += value;
		});
	});
	if (n > 0) return { a: matrix(a, d, d), b: matrix(b, d, k), n };
	throw new DataError("TOO_FEW_ROWS", `${side}: expected a weight of at least 1, got ${n}`, "Give rows with positive weights.");
}

/** Some of the rows in floating point; those of bytes are copied. */
export function rowsOf({ x, d }: AnyExamples, from: number, to: number): Matrix<Float64Array> {
	const part = x.subarray(from * d, to * d);
	return matrix(part instanceof Uint8Array ? Float64Array.from(part) : part, to - from, d);
}

/** Visit all rows, some at a time. */
export function eachChunk(examples: AnyExamples, visit: (rows: Matrix<Float64Array>, from: number) => void): void {
	for (let from = 0; from < examples.n; from += CHUNK) visit(rowsOf(examples, from, Math.min(from + CHUNK, examples.n)), from);
}

/** The share of rows, by weight, whose largest logit is their label's; the first one counts on a tie. @param logits - n x k */
export function accuracyOf({ values }: Matrix, examples: AnyExamples): number {
	const { label, n, k } = examples;
	let [right, total] = [0, 0];
	for (let i = 0; i < n; i++) {
		const weight = weightOf(examples, i);
		total += weight;
		if (largest(values, i * k, k) === label[i]) right += weight;
	}
	return right / total;
}

/** The index of the largest of k values, the first one on a tie. */
export function largest(values: ArrayLike<number>, from: number, k: number): number {
	let best = 0;
	for (let c = 1; c < k; c++) if ((values[from + c] as number) > (values[from + best] as number)) best = c;
	return best;
}
