/** `payout`: a page of words follows from committed scores by the policy. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { CircuitError } from "../errors.ts";
import { Multiplicity, toLimbs } from "../limbs.ts";
import { LIMB_BITS, pagesOf } from "../page.ts";
import { commitScores } from "./score.ts";

export interface PayoutParameters {
	/** Pages of scores that fit. */
	readonly pages: number;
	/** Places of a page, as in `score`; at most 1,024 in all pages. */
	readonly places: number;
}

/** Payouts of one proof. */
export function payoutPlaces({ pages, places }: PayoutParameters): number {
	return pages * places;
}

const SCORE_LIMBS = 12;
const SUM_LIMBS = 13;
const AMOUNT_LIMBS = 8;

/** What one contribution gets or is charged, in wei. */
export interface Payout {
	readonly amount: bigint;
	readonly negative: boolean;
}

export function payoutCircuit({ pages, places }: PayoutParameters): Circuit {
	const publics = ["previousScores", "scoreCommit", "first", "pool", "positive", "pagePositive", "paid"];
	const signals = { publics, links: [], hasWords: true };
	return {
		statement: "payout",
		id: `payout-p${pages}-c${places}`,
		source: mainSource("payout", "Payout", [pages, places], signals),
		...signals,
	};
}

/** P: the sum of the positive scores. */
export function positiveSum(scores: readonly bigint[]): bigint {
	return scores.reduce((sum, s) => (s > 0n ? sum + s : sum), 0n);
}

/**
 * The policy: amount = floor(pool min(|S|, P) / P), nothing when P = 0; negative scores are charged.
 * @param positive P, the sum of the positive scores of the whole epoch
 * @returns what each of `scores` gets or is charged, and the sum of what is paid
 */
export function payouts(scores: readonly bigint[], pool: bigint, positive = positiveSum(scores)): { payouts: Payout[]; paid: bigint } {
	let paid = 0n;
	const list = scores.map((s) => {
		const size = s < 0n ? -s : s;
		const least = size < positive ? size : positive;
		const amount = positive === 0n ? 0n : (pool * least) / positive;
		if (s > 0n) {
			paid += amount;
		}
		return { amount, negative: s < 0n };
	});
	return { payouts: list, paid };
}

/** Word of place `index`: amount, bit 96 for a charge, index from bit 128. */
export function payoutWord(payout: Payout, index: number): bigint {
	return payout.amount + (payout.negative ? 1n << 96n : 0n) + (BigInt(index) << 128n);
}

/** Where a page of payouts stands in its epoch. */
export interface PayoutPage {
	/** scoreCommit of the page before, 0 for the first. */
	readonly previousScores: bigint;
	/** Index of the page's first contribution. */
	readonly first: number;
	/** Sum of the positive scores of the whole epoch. */
	readonly positive: bigint;
}

/**
 * The statement about one page of payouts from `pool` wei.
 * @param scores the page's; all pages but the last one are full
 * @param page left out when the epoch has only this one
 * @throws CircuitError when the pool has more than 96 bits, a score more than 144 or their positive sum more than 156
 */
export function payoutInstance(
	parameters: PayoutParameters,
	scores: readonly bigint[],
	pool: bigint,
	page: PayoutPage = { previousScores: 0n, first: 0, positive: positiveSum(scores) },
): Instance & { readonly payouts: readonly Payout[]; readonly paid: bigint } {
	const places = payoutPlaces(parameters);
	const { previousScores, first, positive } = page;
	if (scores.length === 0 || scores.length > places) {
		throw new CircuitError(
			"page-count",
			`payout: expected 1 to ${places} scores, got ${scores.length}`,
			"Divide the scores into pages, or use a parameter set with more places.",
		);
	}
	if (pool < 0n || pool >= 1n << 96n) {
		throw new CircuitError("pool-range", `payout: expected a pool in [0, 2^96) wei, got ${pool}`, "Fund less.");
	}
	if (positive >= 1n << 156n) {
		throw new CircuitError(
			"score-sum",
			`payout: expected a sum of positive scores below 2^156, got ${positive}`,
			"Divide the contributions among more epochs.",
		);
	}
	const multiplicity = new Multiplicity(LIMB_BITS);
	const limbs = (value: bigint, count: number): bigint[] => {
		const list = toLimbs(value, count, LIMB_BITS);
		multiplicity.addLimbs(list);
		return list;
	};

	const result = payouts(scores, pool, positive);
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
	const scoreCommit = pagesOf(scores, parameters.places).reduce(
		(previous, part) => commitScores(part, parameters.places, previous),
		previousScores,
	);
	const divisorLimb = limbs(divisor - 1n, SUM_LIMBS);
	const poolLimb = limbs(pool, AMOUNT_LIMBS);
	const publics = {
		previousScores,
		scoreCommit,
		first: BigInt(first),
		pool,
		positive,
		pagePositive: positiveSum(scores),
		paid: result.paid,
	};
	return {
		circuit: payoutCircuit(parameters),
		publics: Object.values(publics),
		links: [],
		words: result.payouts.map((payout, i) => payoutWord(payout, first + i)),
		payouts: result.payouts,
		paid: result.paid,
		inputs: { ...publics, ...columns, none, divisorLimb, poolLimb, multiplicity: multiplicity.values() },
	};
}
