/** What the defences decide, with reasons. Plain data, so that it can stand beside an epoch. */
import type { Defence } from "./policy.ts";

/** A row that counts nothing. */
export interface Clamp {
	/** Position among the contributor's rows. */
	readonly row: number;
	readonly defence: Defence;
	/** Whose row came first, and which of its rows; absent where it is no duplicate. "" stands for the queries. */
	readonly of?: { readonly contributor: string; readonly row: number };
	/** The distance to that row in typical distances, or the leverage in medians. */
	readonly measure: number;
}

/** Something that a person should look at. A clamped row by itself is none: honest rows repeat, too. */
export interface Flag {
	readonly defence: Defence;
	/** One sentence with the figures. */
	readonly reason: string;
	/** Whose rows were copied; "" stands for the queries. */
	readonly of?: string;
}

/** Before anything is scored: which rows count. */
export interface Screened {
	readonly contributor: string;
	/** The committed weight of each row, 0 where it is clamped or its contributor is quarantined. */
	readonly weights: Uint8Array;
	readonly clamps: readonly Clamp[];
	readonly flags: readonly Flag[];
	/** Nothing of this contributor counts until somebody has looked at it. */
	readonly quarantined: boolean;
	/** The number of its evidence cluster; every contributor is in one. */
	readonly cluster: number;
}

/** After scoring: what it is worth. Shares of the pool. */
export interface ContributorVerdict extends Screened {
	/** Paid if positive; the charge if negative. Positive ones add up to 1, less what covers charges inside clusters. */
	readonly share: number;
	/** What the ridge path alone gives to the rows that count. */
	readonly ridgePathShare: number;
	/** What KNN-Shapley gives; null where that leg is off. */
	readonly neighbourShare: number | null;
	/** Taken from its stake, at least 0. */
	readonly charge: number;
	/** What it owes beyond its stake and its cluster's earnings, at least 0: nobody pays it. */
	readonly uncovered: number;
}

export interface Verdict {
	/** The digest of the policy. */
	readonly policy: string;
	/** In the order of the submissions. */
	readonly contributors: readonly ContributorVerdict[];
	/** The typical distance of each class, in bytes. */
	readonly typicalDistance: readonly number[];
}
