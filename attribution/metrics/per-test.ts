/** A correlation for each test example, its mean, and how sure the mean is. */
import { DataError } from "../../compute/errors.ts";
import type { Matrix } from "../../compute/matrix.ts";
import { ranks } from "./correlation.ts";

export interface PerTest {
	/** One correlation per test example; NaN where one of the two sides is constant. */
	readonly values: Float64Array;
	/** The mean of those that are numbers; NaN if none is. */
	readonly mean: number;
	/** How many are numbers. */
	readonly counted: number;
	/**
	 * The standard error of the mean, for the draw of observations and of test examples: sqrt(jackknife variance over
	 * observations + variance over test examples / their number). All test examples share the observations, so the spread over
	 * test examples alone would be too sure. Source: Efron and Stein, "The jackknife estimate of variance" (1981).
	 */
	readonly standardError: number;
}

/**
 * Correlate two matrices column by column.
 * @param one - observations x tests, at least 3 observations
 * @param other - the same shape
 * @param by - "value" for Pearson's correlation, "rank" for Spearman's
 * @throws {DataError} SHAPE_MISMATCH, TOO_FEW_ROWS
 */
export function perTest(one: Matrix, other: Matrix, by: "value" | "rank"): PerTest {
	const { rows, columns } = one;
	if (other.rows !== rows || other.columns !== columns) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`perTest: expected two matrices of one shape, got ${rows} x ${columns} and ${other.rows} x ${other.columns}`,
			"Compare the same observations on the same test examples.",
		);
	}
	if (rows < 3) throw new DataError("TOO_FEW_ROWS", `perTest: expected at least 3 observations, got ${rows}`, "Draw more of them.");
	const values = new Float64Array(columns);
	/** Sums over test examples of the correlation without observation i. */
	const without = new Float64Array(rows);
	const counts = new Float64Array(rows);
	for (let test = 0; test < columns; test++) {
		const [x, y] = [one, other].map((side) => centred(by === "rank" ? ranks(column(side, test)) : column(side, test))) as [
			Float64Array,
			Float64Array,
		];
		const [xy, xx, yy] = [dot(x, y), dot(x, x), dot(y, y)];
		values[test] = xy / Math.sqrt(xx * yy);
		for (let i = 0; i < rows; i++) {
			const [a, b] = [x[i] as number, y[i] as number];
			// Sums of squares about the mean of the others. Ranks stay those among all, which changes nothing that matters here.
			const factor = rows / (rows - 1);
			const value = (xy - factor * a * b) / Math.sqrt((xx - factor * a * a) * (yy - factor * b * b));
			if (!Number.isFinite(value)) continue;
			(without[i] as number) += value;
			(counts[i] as number) += 1;
		}
	}
	const numbers = values.filter((value) => !Number.isNaN(value));
	const jackknife = (rows - 1) * variance(without.map((sum, i) => sum / (counts[i] as number)));
	const spread = numbers.length > 1 ? variance(numbers) / (numbers.length - 1) : 0;
	return { values, mean: average(numbers), counted: numbers.length, standardError: Math.sqrt(jackknife + spread) };
}

function column({ values, rows, columns }: Matrix, index: number): Float64Array {
	return Float64Array.from({ length: rows }, (_, row) => values[row * columns + index] as number);
}

function centred(values: Float64Array): Float64Array {
	// The mean of equal values may be rounded; they have no spread all the same.
	const mean = values.every((value) => value === values[0]) ? (values[0] as number) : average(values);
	return values.map((value) => value - mean);
}

function dot(one: Float64Array, other: Float64Array): number {
	return one.reduce((sum, value, i) => sum + value * (other[i] as number), 0);
}

function average(values: Float64Array): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean square distance from the mean. */
function variance(values: Float64Array): number {
	return dot(centred(values), centred(values)) / values.length;
}
