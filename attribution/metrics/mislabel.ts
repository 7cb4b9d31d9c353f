/** How well low scores find mislabelled rows: over all thresholds (AUC), and by rules that need none (F1). */
import { DataError } from "../../compute/errors.ts";
import { ranks } from "./correlation.ts";

/** Precision, recall and their harmonic mean, each in [0, 1]. */
export interface Detection {
	readonly precision: number;
	readonly recall: number;
	readonly f1: number;
}

/**
 * The probability that a mislabelled row scores below one that is right, equal scores counting half; 1/2 for chance.
 * @param isMislabelled - by row
 * @throws {DataError} SHAPE_MISMATCH; ONE_CLASS if all rows are right, or none
 */
export function mislabelAuc(scores: ArrayLike<number>, isMislabelled: ArrayLike<boolean | number>): number {
	const wrong = countWrong(scores, isMislabelled);
	const right = scores.length - wrong;
	let sum = 0;
	ranks(scores).forEach((rank, row) => {
		if (!isMislabelled[row]) sum += rank;
	});
	// The statistic of Mann and Whitney.
	return (sum - (right * (right + 1)) / 2) / (right * wrong);
}

/**
 * OpenDataVal's measure: the scores are cut in two by two-means clustering, and the lower cluster is said to be mislabelled.
 * The best cut of sorted numbers is found exactly. Nobody is flagged where all scores are equal.
 * Source: Jiang et al., "OpenDataVal: a Unified Benchmark for Data Valuation" (NeurIPS 2023); Gronlund et al., "Fast Exact
 * k-Means in 1D" (2017).
 * @throws {DataError} as `mislabelAuc`
 */
export function twoMeansDetection(scores: ArrayLike<number>, isMislabelled: ArrayLike<boolean | number>): Detection {
	const cut = twoMeansCut(scores);
	return detection(scores, isMislabelled, (score) => score < cut);
}

/**
 * Rows below a threshold are said to be mislabelled: below 0 for scores that are charged when negative, below 1/2 for shares of votes.
 * @throws {DataError} as `mislabelAuc`
 */
export function thresholdDetection(scores: ArrayLike<number>, isMislabelled: ArrayLike<boolean | number>, threshold: number): Detection {
	return detection(scores, isMislabelled, (score) => score < threshold);
}

/** The smallest score of the upper of two clusters whose squared distances from their means are least; the largest of equal cuts. */
export function twoMeansCut(scores: ArrayLike<number>): number {
	const sorted = Float64Array.from(scores).sort();
	const n = sorted.length;
	// Around the mean, so that no digits are lost to it.
	const mean = sorted.reduce((sum, score) => sum + score, 0) / n;
	let cut = sorted[0] as number;
	// Least distances within the clusters is most of sum^2 / count over the two.
	let [most, below] = [0, 0];
	for (let i = 1; i < n; i++) {
		below += (sorted[i - 1] as number) - mean;
		const between = (below * below) / i + (below * below) / (n - i);
		if ((sorted[i] as number) > (sorted[i - 1] as number) && between >= most) [most, cut] = [between, sorted[i] as number];
	}
	return cut;
}

function detection(
	scores: ArrayLike<number>,
	isMislabelled: ArrayLike<boolean | number>,
	isFlagged: (score: number) => boolean,
): Detection {
	const wrong = countWrong(scores, isMislabelled);
	let [flagged, found] = [0, 0];
	for (let row = 0; row < scores.length; row++) {
		if (!isFlagged(scores[row] as number)) continue;
		flagged++;
		if (isMislabelled[row]) found++;
	}
	return { precision: flagged === 0 ? 0 : found / flagged, recall: found / wrong, f1: (2 * found) / (flagged + wrong) };
}

function countWrong(scores: ArrayLike<number>, isMislabelled: ArrayLike<boolean | number>): number {
	const n = scores.length;
	if (isMislabelled.length !== n) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`mislabel: expected a mark for each of ${n} scores, got ${isMislabelled.length}`,
			"Pass marks of the same rows.",
		);
	}
	let wrong = 0;
	for (let row = 0; row < n; row++) if (isMislabelled[row]) wrong++;
	if (wrong > 0 && wrong < n) return wrong;
	throw new DataError(
		"ONE_CLASS",
		`mislabel: expected some of ${n} rows to be mislabelled and some not, got ${wrong}`,
		"Flip the labels of some rows.",
	);
}
