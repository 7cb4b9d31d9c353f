/** `payout`: the word list follows from the committed scores by the policy. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { LIMB_BITS } from "../contributions.ts";
import { CircuitError } from "../errors.ts";
import { Multiplicity, toLimbs } from "../limbs.ts";
import { commitScores } from "./attribution.ts";

export interface PayoutParameters {
	/** Places of the list, at most 1,024; the same as in `attribution`. */
	readonly contributions: number;
}

const SCORE_LIMBS = 12;
const SUM_LIMBS = 13;
const AMOUNT_LIMBS = 8;

/** What one contribution gets or is charged, in wei. */
export interface Payout {
	readonly amount: bigint;
	readonly negative: boolean;
}

export function payoutCircuit(parameters: PayoutParameters): Circuit {
	const publics = ["scoreCommit", "pool", "dust"];
	return {
		statement: "payout",
		id: `payout-c${parameters.contributions}`,
		source: mainSource("payout", "Payout", [parameters.contributions], publics, true),
		publics,
		hasWords: true,
	};
}

/**
 * The policy: with P the sum of positive scores, amount_i = floor(pool min(|S_i|, P) / P), nothing when P = 0; negative scores are charged.
 * dust = pool - sum of what is paid.
 */
export function payouts(scores: readonly bigint[], pool: bigint): { payouts: Payout[]; dust: bigint } {
	const positive = scores.reduce((sum, s) => (s > 0n ? sum + s : sum), 0n);
	let dust = pool;
	const list = scores.map((s) => {
		const size = s < 0n ? -s : s;
		const least = size < positive ? size : positive;
		const amount = positive === 0n ? 0n : (pool * least) / positive;
		if (s > 0n) {
			dust -= amount;
		}
		return { amount, negative: s < 0n };
	});
	return { payouts: list, dust };
}

/** Word of place `index`: amount, bit 96 for a charge, index from bit 128. */
export function payoutWord(payout: Payout, index: number): bigint {
	return payout.amount + (payout.negative ? 1n << 96n : 0n) + (BigInt(index) << 128n);
}

/**
 * The statement about the payouts of `scores` from `pool` wei.
 * @throws CircuitError when the pool has more than 96 bits or a score more than 144
 */
export function payoutInstance(
	parameters: PayoutParameters,
	scores: readonly bigint[],
	pool: bigint,
): Instance & { readonly payouts: readonly Payout[]; readonly dust: bigint } {
	const places = parameters.contributions;
	if (scores.length === 0 || scores.length > places) {
		throw new CircuitError(
			"list-count",
			`payout: expected 1 to ${places} scores, got ${scores.length}`,
			"Use a parameter set with more places.",
		);
	}
	if (pool < 0n || pool >= 1n << 96n) {
		throw new CircuitError("pool-range", `payout: expected a pool in [0, 2^96) wei, got ${pool}`, "Fund less.");
	}
	const multiplicity = new Multiplicity(LIMB_BITS);
	const limbs = (value: bigint, count: number): bigint[] => {
		const list = toLimbs(value, count, LIMB_BITS);
		multiplicity.addLimbs(list);
		return list;
	};

	const result = payouts(scores, pool);
	const positive = scores.reduce((sum, s) => (s > 0n ? sum + s : sum), 0n);
	const none = positive === 0n ? 1n : 0n;
	const divisor = positive + none;
	const columns = {
		active: [] as bigint[],
		negative: [] as bigint[],
		sizeLimb: [] as bigint[],
		capped: [] as bigint[],
		distanceLimb: [] as bigint[],
		amountLimb: [] as bigint[],
		remainderLimb: [] as bigint[],
		gapLimb: [] as bigint[],
	};
	for (let i = 0; i < places; i++) {
		const s = scores[i] ?? 0n;
		const size = s < 0n ? -s : s;
		if (size >= 1n << 144n) {
			throw new CircuitError("score-range", `payout: expected |score ${i}| < 2^144, got ${s}`, "The parameter set does not fit the data.");
		}
		const negative = s < 0n ? 1n : 0n;
		const capped = size > positive;
		const least = capped ? positive : size;
		const amount = (pool * least) / divisor;
		const remainder = (pool * least) % divisor;
		columns.active.push(i < scores.length ? 1n : 0n);
		columns.negative.push(negative);
		columns.sizeLimb.push(...limbs(size - negative, SCORE_LIMBS));
		columns.capped.push(capped ? 1n : 0n);
		columns.distanceLimb.push(...limbs(capped ? size - positive - 1n : positive - size, SUM_LIMBS));
		columns.amountLimb.push(...limbs(amount, AMOUNT_LIMBS));
		columns.remainderLimb.push(...limbs(remainder, SUM_LIMBS));
		columns.gapLimb.push(...limbs(divisor - 1n - remainder, SUM_LIMBS));
	}
	const scoreCommit = commitScores(scores, places);
	const divisorLimb = limbs(divisor - 1n, SUM_LIMBS);
	const poolLimb = limbs(pool, AMOUNT_LIMBS);
	return {
		circuit: payoutCircuit(parameters),
		publics: [scoreCommit, pool, result.dust],
		words: result.payouts.map(payoutWord),
		payouts: result.payouts,
		dust: result.dust,
		inputs: { scoreCommit, pool, dust: result.dust, ...columns, none, divisorLimb, poolLimb, multiplicity: multiplicity.values() },
	};
}
