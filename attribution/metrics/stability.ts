/** How much the ranking of a method that draws depends on its seed. */
import { DataError } from "../../compute/errors.ts";
import { spearman } from "./correlation.ts";

export interface Stability {
	/** Spearman's correlation of two runs, mean over all pairs; in [-1, 1]. */
	readonly spearman: number;
	/** The share of one run's highest tenth that is in another's, mean over all pairs; in [0, 1], 0.1 by chance. */
	readonly topDecile: number;
}

/**
 * Stability of rankings.
 * @param runs - scores of the same entries, once per seed
 * @throws {DataError} TOO_FEW_ROWS below two runs or ten entries; SHAPE_MISMATCH for runs of different lengths
 */
export function stability(runs: readonly ArrayLike<number>[]): Stability {
	const entries = runs[0]?.length ?? 0;
	if (runs.length < 2 || entries < 10) {
		throw new DataError(
			"TOO_FEW_ROWS",
			`stability: expected at least 2 runs of 10 entries, got ${runs.length} of ${entries}`,
			"Run more seeds, on more entries.",
		);
	}
	const count = Math.floor(entries / 10);
	const tops = runs.map((scores) => highest(scores, count));
	let [correlation, overlap, pairs] = [0, 0, 0];
	for (const [i, one] of runs.entries()) {
		for (let j = i + 1; j < runs.length; j++) {
			correlation += spearman(one, runs[j] as ArrayLike<number>);
			const other = new Set(tops[j]);
			overlap += (tops[i] as number[]).filter((entry) => other.has(entry)).length / count;
			pairs++;
		}
	}
	return { spearman: correlation / pairs, topDecile: overlap / pairs };
}

/** Entries with the highest scores, the earlier ones of equal scores. */
function highest(scores: ArrayLike<number>, count: number): number[] {
	const order = Array.from({ length: scores.length }, (_, entry) => entry);
	return order.sort((i, j) => (scores[j] as number) - (scores[i] as number) || i - j).slice(0, count);
}
