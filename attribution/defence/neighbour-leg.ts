/**
 * The second leg: an identity is paid by the smaller of two shares that an attacker cannot raise together, or flagged where they differ
 * too much. The ridge path follows gradients, which a small change of every value moves; KNN-Shapley follows distances, which it hardly
 * moves.
 *
 * An identity is an evidence cluster. Splitting it into names that nobody links gains nothing either:
 * min(a1, b1) + min(a2, b2) <= min(a1 + a2, b1 + b2).
 */

/**
 * What each contributor earns, before reputation: where its identity earns by the ridge path, its share times (smaller share) / (ridge-path
 * share) of the identity; charges as they are.
 * @param ridgePath, neighbours - shares of the pool, as `payoutShares` gives them
 * @param clusters - the identity of each contributor
 */
export function smallerShares(ridgePath: Float64Array, neighbours: Float64Array, clusters: ArrayLike<number>): Float64Array {
	const [first, second] = [new Map<number, number>(), new Map<number, number>()];
	ridgePath.forEach((share, c) => {
		const cluster = clusters[c] as number;
		first.set(cluster, (first.get(cluster) ?? 0) + share);
		second.set(cluster, (second.get(cluster) ?? 0) + (neighbours[c] as number));
	});
	return ridgePath.map((share, c) => {
		const [a, b] = [first.get(clusters[c] as number) as number, second.get(clusters[c] as number) as number];
		return share <= 0 || a <= 0 ? share : share * (Math.max(0, Math.min(a, b)) / a);
	});
}

/** How many times the KNN-Shapley share the ridge path pays; 0 where it pays nothing. */
export function shareRatios(ridgePath: Float64Array, neighbours: Float64Array): Float64Array {
	return ridgePath.map((share, c) => (share <= 0 ? 0 : share / Math.max(0, neighbours[c] as number)));
}
