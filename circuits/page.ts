/** A page of a list of statistics as `total` and `score` open it; the TypeScript side of `StatisticsPage`. */
import { CircuitError } from "./errors.ts";
import { limbCount, Multiplicity } from "./limbs.ts";
import { commitStatistics, emptyStatistics, type Statistics, statisticsLimbs, sumStatistics } from "./statistics.ts";

/** Bits of a limb in every statement over statistics. */
export const LIMB_BITS = 12;

export interface PageParameters {
	/** Statistics that fit. */
	readonly places: number;
	readonly d: number;
	readonly k: number;
	/** Width of an entry, as `contribution` committed it. */
	readonly statBits: number;
}

/** Commitment of statistics of no rows: the content of an empty place. */
export function emptyCommit({ d, k, statBits }: PageParameters): bigint {
	return commitStatistics(emptyStatistics(d, k), d, k, statBits);
}

/** Arguments of the templates that open a page. */
export function pageArguments(parameters: PageParameters): (number | bigint)[] {
	const { places, d, k, statBits } = parameters;
	return [places, d, k, statBits, emptyCommit(parameters)];
}

/** The entries in the order of their evaluation at the challenge. */
export function entries({ a, b }: Pick<Statistics, "a" | "b">): bigint[] {
	return [...a, ...b];
}

/**
 * Opens a page: inputs, the commitments as words, and the sum.
 * @throws CircuitError `page-count`, `page-rows` (no row at all), `stat-range`
 */
export function openPage(parameters: PageParameters, page: readonly Statistics[]) {
	const { places, d, k, statBits } = parameters;
	if (page.length === 0 || page.length > places) {
		throw new CircuitError(
			"page-count",
			`page: expected 1 to ${places} statistics, got ${page.length}`,
			"Divide the list into pages, or use a parameter set with more places.",
		);
	}
	const total = sumStatistics(page, d, k);
	if (total.rows === 0n) {
		throw new CircuitError("page-rows", "page: expected at least 1 row, got 0", "Leave empty contributions out.");
	}
	const multiplicity = new Multiplicity(LIMB_BITS);
	const shift = limbCount(statBits, LIMB_BITS) * LIMB_BITS - statBits;
	const all = [...page, ...Array.from({ length: places - page.length }, () => emptyStatistics(d, k))];
	const statLimb: bigint[] = [];
	for (const place of all) {
		for (const limbs of statisticsLimbs(place, statBits, LIMB_BITS)) {
			multiplicity.addLimbs(limbs, shift);
			for (const limb of limbs) {
				statLimb.push(limb);
			}
		}
	}
	return {
		total,
		words: page.map((stats) => commitStatistics(stats, d, k, statBits)),
		inputs: {
			rowCount: all.map((place) => place.rows),
			active: all.map((_, i) => (i < page.length ? 1n : 0n)),
			statLimb,
			multiplicity: multiplicity.values(),
		},
	};
}

/** `list` in pages of `places`, the last one shorter. */
export function pagesOf<T>(list: readonly T[], places: number): T[][] {
	return Array.from({ length: Math.ceil(list.length / places) }, (_, page) => list.slice(places * page, places * (page + 1)));
}
