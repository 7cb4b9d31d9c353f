/**
 * KNN-Shapley: the exact Shapley value of every training row in the game in which a set of rows is worth the number of its K
 * nearest neighbours of a test row that have the test row's label, divided by K (the empty set is worth nothing):
 *
 *     s_N = m_N / max(K, N)        s_r = s_(r+1) + (m_r - m_(r+1)) / max(K, r)
 *
 * The `knn-shapley` circuit proves the same values as integers, with the same rule for equal distances.
 * Source: Jia et al., "Efficient Task-Specific Data Valuation for Nearest Neighbor Algorithms" (VLDB 2019), theorem 1.
 */
import type { AnyExamples } from "../byte-examples.ts";
import type { Method } from "../method.ts";
import { rankMethod } from "./rank-values.ts";

export interface KnnParameters {
	/** K, in [1, number of training rows]. */
	readonly neighbours: number;
}

/**
 * KNN-Shapley over rows, exact, in O(N (d + log N)) per test row. Training rows of weight 0 are worth nothing; weights of test rows
 * are their shares of the mean. Scores add up to what all rows are worth.
 * @throws {DataError} from `cache`: NEIGHBOURS_OUT_OF_RANGE, ONE_CLASS, VALUE_OUT_OF_RANGE for a training weight above 1; from
 *   `attribute` and `pairs`: SHAPE_MISMATCH, TOO_FEW_ROWS without weight; the reason of the signal when it is stopped
 *
 * @example
 * const { scores } = await (await knnShapleyMethod({ neighbours: 5 }).cache(train)).attribute(test);
 */
export function knnShapleyMethod<E extends AnyExamples>({ neighbours }: KnnParameters): Method<E, E> {
	return rankMethod("knn-shapley", neighbours, (rows) => ({
		steps: Float64Array.from({ length: rows - 1 }, (_, i) => 1 / Math.max(neighbours, i + 1)),
		last: (match) => match / rows,
		total: (matches) => matches / neighbours,
		unit: "share of the K nearest rows that vote for the test row's label",
		positive: "votes for the labels of the test rows",
	}));
}
