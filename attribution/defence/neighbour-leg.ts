/**
 * The second leg: a contributor is paid by the smaller of two shares that an attacker cannot raise together, or flagged where
 * they differ too much. The ridge path follows gradients, which a small change of every pixel moves; KNN-Shapley follows distances,
 * which it hardly moves.
 *
 * The minimum is taken per name and is split-proof: min(a1, b1) + min(a2, b2) <= min(a1 + a2, b1 + b2).
 */

/**
 * What each contributor earns, before reputation: the smaller share where the ridge path pays, the charge where it charges.
 * @param ridgePath, neighbours - shares of the pool, as `payoutShares` gives them
 */
export function smallerShares(ridgePath: Float64Array, neighbours: Float64Array): Float64Array {
	return ridgePath.map((share, c) => (share <= 0 ? share : Math.max(0, Math.min(share, neighbours[c] as number))));
}

/** How many times the KNN-Shapley share the ridge path pays; 0 where it pays nothing. */
export function shareRatios(ridgePath: Float64Array, neighbours: Float64Array): Float64Array {
	return ridgePath.map((share, c) => (share <= 0 ? 0 : share / Math.max(0, neighbours[c] as number)));
}
