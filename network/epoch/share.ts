/** A score's part of the sum of positive scores, cut to nine digits; negative for a charge. */
export function shareOf(score: bigint, positive: bigint): number {
	return Number((score * 1_000_000_000n) / positive) / 1e9;
}
