/**
 * Soft-label KNN-Shapley: as KNN-Shapley, but a set of fewer than K rows is worth the share of its own rows that match, and the
 * empty set 1 / (number of classes), which is what guessing is worth:
 *
 *     v(S) = (matches among the min(K, |S|) nearest of S) / min(K, |S|)        v({}) = 1 / C
 *
 * With H_j = 1 + 1/2 + ... + 1/j and L = min(K, N - 1) the differences of neighbouring ranks and the last value are
 *
 *     c_r = (H_L + (min(K, r) (N - 1) / r - L) / K) / (N - 1)
 *     s_N = (m_N - 1/C + (m_N - (m_1 + ... + m_(N-1)) / (N - 1)) (H_min(K, N) - 1)) / N
 *
 * Source: Wang and Jia, 'A Note on "Efficient Task-Specific Data Valuation for Nearest Neighbor Algorithms"' (2023).
 */
import type { AnyExamples } from "../byte-examples.ts";
import type { Method } from "../method.ts";
import type { KnnParameters } from "./knn-shapley.ts";
import { rankMethod } from "./rank-values.ts";

/** Soft-label KNN-Shapley over rows, exact; otherwise as `knnShapleyMethod`. Scores add up to v(all rows) - 1 / C. */
export function softKnnShapleyMethod<E extends AnyExamples>({ neighbours }: KnnParameters): Method<E, E> {
	return rankMethod("soft-knn-shapley", neighbours, (rows, classes) => {
		const others = rows - 1;
		const full = Math.min(neighbours, others);
		return {
			steps: Float64Array.from({ length: others }, (_, i) => {
				const rank = i + 1;
				return (harmonic(full) + ((Math.min(neighbours, rank) * others) / rank - full) / neighbours) / others;
			}),
			last: (match, matches) => (match - 1 / classes + (match - matches / others) * (harmonic(neighbours) - 1)) / rows,
			total: (matches) => matches / neighbours - 1 / classes,
			unit: "share of the nearest rows, at most K, that vote for the test row's label",
			positive: "votes for the labels of the test rows",
		};
	});
}

/** 1 + 1/2 + ... + 1/n. */
function harmonic(n: number): number {
	let sum = 0;
	for (let j = 1; j <= n; j++) sum += 1 / j;
	return sum;
}
