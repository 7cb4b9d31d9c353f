/**
 * Reputation in integers, as the contracts `HalfLife` and `Reputation` compute it, bit for bit.
 *
 * Time is cut into periods of 90 days from Unix time 0. A net is a signed number of 2^-64 millionths of a unit, as large as it was (or would
 * have been) at the beginning of a period. So nets of different times add up in any order but for what divisions round away.
 */
import { readWord } from "./payout-tree.ts";

/** Seconds in which reputation halves. */
export const HALF_LIFE = 7_776_000n;

/** What one epoch gives out in all, in the numbers of {@link valueAt}. */
export const UNIT = 1_000_000n;

/** Weights are in 1e-4, and lie in `[MIN_WEIGHT, MAX_WEIGHT)`. */
export const MIN_WEIGHT = 5_000n;
export const MAX_WEIGHT = 20_000n;

const ONE = 1n << 64n;
/** floor(ln 2 * 2^64) */
const LN2 = 12_786_308_645_202_655_659n;

/** A net as of the beginning of a period. */
export interface Net {
	/** in 2^-64 millionths of a unit; below zero when more was lost than earned */
	readonly net: bigint;
	readonly period: bigint;
}

/**
 * 2^(fraction / 2^64) in 2^-64: sum of y^k / k! for y = fraction ln 2, each step rounded down.
 *
 * @param fraction in `[0, 2^64)`
 * @returns in `[2^64, 2^65)`
 * @throws RangeError for a fraction out of range
 */
export function growth(fraction: bigint): bigint {
	if (fraction < 0n || fraction >= ONE) throw new RangeError(`growth: expected a fraction in [0, 2^64), got ${fraction}`);
	const y = (fraction * LN2) / ONE;
	let term = ONE;
	let sum = term;
	for (let k = 1n; term !== 0n; k++) {
		term = (term * y) / ONE / k;
		sum += term;
	}
	return sum;
}

/** The period of a second, and how far into it that is, in 2^-64. @param time Unix seconds, not negative */
export function placeOf(time: bigint): { period: bigint; fraction: bigint } {
	return { period: time / HALF_LIFE, fraction: ((time % HALF_LIFE) * ONE) / HALF_LIFE };
}

/**
 * What a payout word changes, as of the beginning of the period in which its payout became active.
 *
 * @param word payout word
 * @param paid sum of the positive words of its epoch in wei
 * @param fraction of the activation, see {@link placeOf}
 * @returns in 2^-64 millionths of a unit; negative for a charge; at most a unit grown by `fraction`
 * @throws LedgerError `input.invalid` when the word has no valid layout
 */
export function changeOf(word: bigint, paid: bigint, fraction: bigint): bigint {
	const { amount, isCharge } = readWord(word);
	if (amount === 0n) return 0n;
	const whole = growth(fraction) * UNIT;
	const share = amount < paid ? (whole * amount) / paid : whole;
	return isCharge ? -share : share;
}

/** A net and a change, each as of its period, as one net as of the later of the two. Divisions round towards zero. */
export function joined({ net, period }: Net, change: Net): Net {
	if (change.period >= period) return { net: later(net, change.period - period) + change.net, period: change.period };
	return { net: net + later(change.net, period - change.period), period };
}

/**
 * What a net is worth at a time.
 *
 * @param time Unix seconds, not before the net's period
 * @returns millionths of a unit, rounded down, 0 for a net below zero
 */
export function valueAt({ net, period }: Net, time: bigint): bigint {
	if (net <= 0n) return 0n;
	const now = placeOf(time);
	return later(net, now.period - period) / growth(now.fraction);
}

/** The weight of a reputation, in 1e-4. @param reputation millionths of a unit, not negative */
export function weightOf(reputation: bigint): bigint {
	return MIN_WEIGHT + ((MAX_WEIGHT - MIN_WEIGHT) * reputation) / (reputation + UNIT);
}

function later(quantity: bigint, periods: bigint): bigint {
	return periods > 254n ? 0n : quantity / (1n << periods);
}
