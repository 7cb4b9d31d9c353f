/**
 * Curves of a model's quality while rows go away or come, in the order of their scores: where scores are right, quality falls
 * fastest when the highest rows go first, and rises when the lowest do.
 * Source: Ghorbani and Zou, "Data Shapley" (ICML 2019); Jiang et al., "OpenDataVal" (NeurIPS 2023).
 */
import { cholesky } from "../../compute/cholesky.ts";
import { DataError } from "../../compute/errors.ts";
import { multiply } from "../../compute/matrix.ts";
import { type Examples, selectExamples } from "../examples.ts";
import { accuracyOf, gramOf, rowsOf } from "../gram.ts";
import type { Awaitable, Control } from "../method.ts";

/** What a retrained model does on test rows. */
export interface Quality {
	/** Mean loss, in the model's unit. */
	readonly loss: number;
	/** In [0, 1]. */
	readonly accuracy: number;
}

export interface RemovalPoint extends Quality {
	/** The share of all rows that the model was trained on, in (0, 1]. */
	readonly kept: number;
}

/** Each from the first model to the last; the two that add rows are the two that remove them, read the other way round. */
export interface RemovalCurves {
	readonly removeHighest: readonly RemovalPoint[];
	readonly removeLowest: readonly RemovalPoint[];
	readonly addHighest: readonly RemovalPoint[];
	readonly addLowest: readonly RemovalPoint[];
}

export interface RemovalParameters {
	readonly train: Examples;
	/** One per training row. */
	readonly scores: ArrayLike<number>;
	/** Train on some of the rows and say what the model does. */
	readonly retrain: (rows: Examples) => Awaitable<Quality>;
	/** Points of a curve, in [2, rows]; 21 by default: steps of 5 %, as far as one step from nothing. */
	readonly points?: number;
}

/**
 * The four curves, for two models per point.
 * @throws {DataError} SHAPE_MISMATCH, PARAMETER_OUT_OF_RANGE, and what `retrain` throws
 */
export async function removalCurves(
	{ train, scores, retrain, points = 21 }: RemovalParameters,
	control: Control = {},
): Promise<RemovalCurves> {
	const { n } = train;
	if (scores.length !== n) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`removal: expected one score for each of ${n} rows, got ${scores.length}`,
			"Pass scores of the same rows.",
		);
	}
	if (!Number.isInteger(points) || points < 2 || points > n) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`removal: expected points to be an integer in [2, ${n}], got ${points}`,
			"A point needs a row.",
		);
	}
	const ascending = Array.from({ length: n }, (_, row) => row).sort((i, j) => (scores[i] as number) - (scores[j] as number) || i - j);
	const sizes = Array.from({ length: points }, (_, p) => Math.round(((points - p) * n) / points));
	let done = 0;
	const curve = async (keep: (size: number) => number[]) => {
		const result: RemovalPoint[] = [];
		for (const size of sizes) {
			control.signal?.throwIfAborted();
			// Rows in their own order: the model must depend on which they are and not on their scores.
			const rows = keep(size).sort((i, j) => i - j);
			result.push({ kept: size / n, ...(await retrain(selectExamples(train, rows))) });
			control.progress?.(++done, 2 * points);
			await new Promise(setImmediate);
		}
		return result;
	};
	const removeHighest = await curve((size) => ascending.slice(0, size));
	const removeLowest = await curve((size) => ascending.slice(n - size));
	return { removeHighest, removeLowest, addHighest: removeLowest.toReversed(), addLowest: removeHighest.toReversed() };
}

/**
 * A ridge head, retrained; its loss is the half-squared error (1/2 for the empty model).
 * @param ridge - per row, in units of a squared feature
 */
export function ridgeRetraining(test: Examples, ridge: number): (rows: Examples) => Quality {
	return (rows) => {
		const { a, b, n } = gramOf(rows, "removal");
		const logits = multiply(rowsOf(test, 0, test.n), cholesky(a, ridge * n).solve(b));
		let squares = 0;
		logits.values.forEach((value, i) => {
			squares += (value - Number(i % test.k === test.label[Math.floor(i / test.k)])) ** 2;
		});
		return { loss: squares / (2 * test.n), accuracy: accuracyOf(logits, test) };
	};
}
