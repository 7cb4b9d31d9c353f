/**
 * How large a bond makes cheating a loss: the reference of `ComputeOperators.requiredBond`, which is held against it bit for bit.
 *
 * Amounts are in wei, probabilities in parts of a million.
 */

/** Certainty, in parts of a million. */
export const CERTAIN = 1_000_000n;

/** A job's bond is this many times the required one: the vault pays half of what it slashes to a challenger, who may be the operator itself. */
export const BOND_FACTOR = 2n;

/**
 * (gain + margin) / detection probability - price, rounded up, and the minimum at least.
 *
 * @param job.gain what a wrong result is worth to an operator that is not found
 * @param job.margin by which cheating must cost more than it gains
 * @param job.price what the operator loses with the job
 * @param job.detectionProbability 1 to 1,000,000
 * @param job.minimum of the policy
 * @throws RangeError for a probability out of its range, or a bond of more than 96 bits
 */
export function requiredBond(job: {
	readonly gain: bigint;
	readonly margin: bigint;
	readonly price: bigint;
	readonly detectionProbability: bigint;
	readonly minimum: bigint;
}): bigint {
	const { gain, margin, price, detectionProbability: p, minimum } = job;
	if (p < 1n || p > CERTAIN) throw new RangeError(`requiredBond: expected a probability from 1 to ${CERTAIN}, got ${p}`);
	const loss = ((gain + margin) * CERTAIN + p - 1n) / p;
	const bond = loss - price > minimum ? loss - price : minimum;
	if (bond >= 1n << 96n) throw new RangeError(`requiredBond: expected a bond below 2^96, got ${bond}`);
	return bond;
}
