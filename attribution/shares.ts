/**
 * The payout policy in floating point: what a score is worth, as a share of the pool. The integers that are proven and paid
 * are those of `payouts` in circuits/statements/payout.ts.
 */

/**
 * S_c / P with P the sum of the positive scores. Linear in the scores, so a contributor gains nothing by splitting its name.
 * @param scores - finite, in any unit
 * @returns shares in [-1, 1]: positive ones are paid and add up to 1, negative ones are charged, no more than the pool each;
 *   all 0 if no score is positive
 */
export function payoutShares(scores: Float64Array): Float64Array {
	const positive = positiveSum(scores);
	return scores.map((score) => (positive === 0 ? 0 : Math.max(score / positive, -1)));
}

/** P, the sum of the positive scores. */
export function positiveSum(scores: Float64Array): number {
	return scores.reduce((sum, score) => sum + Math.max(score, 0), 0);
}
