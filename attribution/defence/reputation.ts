/** Reputation as a weight on what is earned. The bounds are those of Reputation.sol: 0.5 for a new wallet, 2 at most, so a new name is never better. */

/** Earned shares weighed, charges as they are. */
export function weighByReputation(
	shares: Float64Array,
	reputations: readonly (number | undefined)[],
	{ least, most }: { readonly least: number; readonly most: number },
): Float64Array {
	return shares.map((share, c) => (share <= 0 ? share : share * Math.min(most, Math.max(least, reputations[c] ?? 1))));
}

/** Positive shares scaled so that they add up to 1; all as they are if there is none. */
export function normaliseEarned(shares: Float64Array): Float64Array {
	const sum = shares.reduce((total, share) => total + Math.max(0, share), 0);
	return sum === 0 ? shares : shares.map((share) => (share > 0 ? share / sum : share));
}
