/** The listed contributions as `optimum` and `attribution` open them. */
import { CircuitError } from "./errors.ts";
import { limbCount, type Multiplicity } from "./limbs.ts";
import { commitStatistics, emptyStatistics, type Statistics, statisticsLimbs, sumStatistics } from "./statistics.ts";

/** Bits of a limb in every statement over statistics. */
export const LIMB_BITS = 12;

export interface ListParameters {
	/** Places of the list. */
	readonly contributions: number;
	readonly d: number;
	readonly k: number;
	/** Width of an entry, as `contribution` committed it. */
	readonly statBits: number;
	/** Rows over all contributions that the residual bounds allow for. */
	readonly maxRows: number;
}

/** Commitment of statistics of no rows: the content of an empty place. */
export function emptyCommit({ d, k, statBits }: ListParameters): bigint {
	return commitStatistics(emptyStatistics(d, k), d, k, statBits);
}

/** Opens a list: inputs, the commitments as words, and the sum. Counts the lookups in `multiplicity`. */
export function openList(parameters: ListParameters, list: readonly Statistics[], multiplicity: Multiplicity) {
	const { contributions, d, k, statBits, maxRows } = parameters;
	if (list.length === 0 || list.length > contributions) {
		throw new CircuitError(
			"list-count",
			`contributions: expected 1 to ${contributions}, got ${list.length}`,
			"Use a parameter set with more places.",
		);
	}
	const total = sumStatistics(list, d, k);
	if (total.rows > BigInt(maxRows)) {
		throw new CircuitError(
			"list-rows",
			`contributions: expected at most ${maxRows} rows in all, got ${total.rows}`,
			"Use a parameter set for more rows.",
		);
	}
	const shift = limbCount(statBits, LIMB_BITS) * LIMB_BITS - statBits;
	const places = [...list, ...Array.from({ length: contributions - list.length }, () => emptyStatistics(d, k))];
	const statLimb: bigint[] = [];
	for (const place of places) {
		for (const limbs of statisticsLimbs(place, statBits, LIMB_BITS)) {
			multiplicity.addLimbs(limbs, shift);
			for (const limb of limbs) {
				statLimb.push(limb);
			}
		}
	}
	return {
		total,
		words: list.map((stats) => commitStatistics(stats, d, k, statBits)),
		inputs: {
			rowCount: places.map((place) => place.rows),
			active: places.map((_, i) => (i < list.length ? 1n : 0n)),
			statLimb,
		},
	};
}
