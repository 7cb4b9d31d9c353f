/** Correlation of two lists of numbers, by value and by rank. */
import { DataError } from "../../compute/errors.ts";

/**
 * Pearson's correlation, in [-1, 1]; NaN where one of the lists is constant.
 * @throws {DataError} SHAPE_MISMATCH for lists of different lengths, TOO_FEW_ROWS below two values
 */
export function pearson(one: ArrayLike<number>, other: ArrayLike<number>): number {
	const n = one.length;
	if (n !== other.length) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`pearson: expected lists of one length, got ${n} and ${other.length}`,
			"Compare scores of the same entries.",
		);
	}
	if (n < 2) throw new DataError("TOO_FEW_ROWS", `pearson: expected at least 2 values, got ${n}`, "Compare more entries.");
	const [meanOne, meanOther] = [mean(one), mean(other)];
	let [product, squareOne, squareOther] = [0, 0, 0];
	for (let i = 0; i < n; i++) {
		const [x, y] = [(one[i] as number) - meanOne, (other[i] as number) - meanOther];
		product += x * y;
		squareOne += x * x;
		squareOther += y * y;
	}
	return product / Math.sqrt(squareOne * squareOther);
}

/** Spearman's correlation: that of the ranks, equal values sharing their mean rank. Otherwise as `pearson`. */
export function spearman(one: ArrayLike<number>, other: ArrayLike<number>): number {
	return pearson(ranks(one), ranks(other));
}

/** The rank of each value, 1 for the smallest; equal values share the mean of their ranks. */
export function ranks(values: ArrayLike<number>): Float64Array {
	const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((i, j) => (values[i] as number) - (values[j] as number));
	const result = new Float64Array(values.length);
	for (let start = 0, end = 0; start < order.length; start = end) {
		const value = values[order[start] as number];
		while (end < order.length && values[order[end] as number] === value) end++;
		for (let i = start; i < end; i++) result[order[i] as number] = (start + 1 + end) / 2;
	}
	return result;
}

function mean(values: ArrayLike<number>): number {
	let sum = 0;
	for (let i = 0; i < values.length; i++) sum += values[i] as number;
	return sum / values.length;
}
