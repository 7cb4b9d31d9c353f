/**
 * Weighted Gram statistics of rows: all that training, influence and evaluation of a head under squared loss depend on.
 * A = sum w x x^T, B = sum w x onehot(y)^T, n = sum w. Exact integers in float64, so at most 2^53.
 */
import type { Statistics as ExactStatistics, Rows } from "../circuits/statistics.ts";
import { DataError } from "./errors.ts";

export interface Statistics {
	/** The upper triangle of A, row-major (i <= l), d (d + 1) / 2 integers. */
	readonly a: Float64Array;
	/** B, d x k integers, [feature][class]. */
	readonly b: Float64Array;
	/** The sum of the weights. */
	readonly n: number;
	readonly d: number;
	readonly k: number;
}

/** Sum of weights that keeps every entry of A (at most 255^2 per unit of weight) below 2^53. */
export const MAX_WEIGHT = Math.floor(2 ** 53 / 255 ** 2);

/**
 * Check rows before a backend sees them, so that every backend refuses the same input with the same message.
 * @returns the sum of the weights
 * @throws {DataError} SHAPE_MISMATCH, LABEL_OUT_OF_RANGE, SUM_TOO_LARGE
 */
export function checkRows({ x, label, weight, count }: Rows, d: number, k: number): number {
	if (![count, d, k].every(Number.isInteger) || count < 0 || d < 1 || k < 1) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`statistics: expected integers count >= 0, d >= 1, k >= 1, got ${count}, ${d}, ${k}`,
			"Pass the sizes of the arrays.",
		);
	}
	const shapes = [
		["x", x.length, count * d],
		["label", label.length, count],
		["weight", weight.length, count],
	] as const;
	for (const [name, length, expected] of shapes) {
		if (length !== expected) {
			throw new DataError(
				"SHAPE_MISMATCH",
				`statistics: expected ${expected} values in ${name} (count = ${count}, d = ${d}), got ${length}`,
				"Pass arrays of one table.",
			);
		}
	}
	const bad = label.findIndex((value) => value >= k);
	if (bad >= 0)
		throw new DataError(
			"LABEL_OUT_OF_RANGE",
			`statistics: row ${bad}: label ${label[bad]} is outside [0, ${k - 1}]`,
			"Choose parameters with more classes.",
		);
	return checkWeight(weight.reduce((sum, value) => sum + value, 0));
}

/** The same integers as bigints, as the circuits take them. */
export function exactStatistics({ a, b, n }: Statistics): ExactStatistics {
	return { a: Array.from(a, BigInt), b: Array.from(b, BigInt), rows: BigInt(n) };
}

/** Statistics of all rows of several lists of the same shape. @throws {DataError} SHAPE_MISMATCH, SUM_TOO_LARGE */
export function sumStatistics(list: readonly Statistics[]): Statistics {
	const [first] = list;
	if (!first) throw new DataError("SHAPE_MISMATCH", "statistics: nothing to add", "Give at least one contribution.");
	const { d, k } = first;
	const a = new Float64Array(first.a.length);
	const b = new Float64Array(first.b.length);
	let n = 0;
	for (const one of list) {
		if (one.d !== d || one.k !== k) {
			throw new DataError(
				"SHAPE_MISMATCH",
				`statistics: expected d = ${d}, k = ${k}, got d = ${one.d}, k = ${one.k}`,
				"Add statistics of one model only.",
			);
		}
		n = checkWeight(n + one.n);
		one.a.forEach((value, i) => {
			a[i] = (a[i] ?? 0) + value;
		});
		one.b.forEach((value, i) => {
			b[i] = (b[i] ?? 0) + value;
		});
	}
	return { a, b, n, d, k };
}

function checkWeight(n: number): number {
	if (n <= MAX_WEIGHT) return n;
	throw new DataError(
		"SUM_TOO_LARGE",
		`statistics: sum of weights ${n} is above ${MAX_WEIGHT}, sums would not be exact`,
		"Split the rows over several contributions.",
	);
}
