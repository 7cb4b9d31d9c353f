/** What a user may say about an epoch run; one object from flags and the --config file. */
import { DEFAULT_POLICY, type DefencePolicy } from "../../attribution/defence/policy.ts";

export interface EpochConfig {
	/** CSV, Parquet or IDX file; the built-in glyphs when absent. */
	readonly data?: string | undefined;
	/** Label column, by name or 0-based index; the last one when absent. */
	readonly label?: string | undefined;
	/** Owner column; round robin over `contributors` when absent. */
	readonly owner?: string | undefined;
	readonly contributors: number;
	readonly epochs: number;
	/** Pool of each epoch in wei, below 2^96. */
	readonly pool: bigint;
	/** Stake of each contribution in wei, below 2^96. */
	readonly stake: bigint;
	/** lambda = ridge * rows, at least 1. */
	readonly ridge: bigint;
	/** Nodes of the ridge path, 2 to 32. */
	readonly nodes: number;
	/** Most contributions of a page, and most query rows of a proof; what a page of 2^17 constraints holds when absent. */
	readonly page?: number | undefined;
	readonly queryPage?: number | undefined;
	/** Leave columns with one value out instead of refusing them. */
	readonly dropConstantColumns: boolean;
	/** Clip held-out values to the range of the training rows instead of refusing them. */
	readonly clip: boolean;
	/** One range for all columns instead of one for each. */
	readonly oneRange: boolean;
	/** JSON that holds the scale, a file; that of the training rows when absent. */
	readonly scale?: string | undefined;
	/** Manifest of a frozen backbone, a file; the identity when absent. */
	readonly backbone?: string | undefined;
	/** Random features (with the bias) instead of the identity, and their seed. */
	readonly randomFeatures?: { readonly features: number; readonly seed: bigint } | undefined;
	/** What the label of a query row is: the class the model served, or the true label of the data set. */
	readonly queryLabels: "served" | "feedback";
	/** Seconds between the payout's post and the first claim. */
	readonly activationDelay: number;
	/** Which rows count, and who is left out. */
	readonly defence: DefencePolicy;
}

/** 10^18 wei. */
export const OPEN = 10n ** 18n;

export const DEFAULT_CONFIG: EpochConfig = {
	contributors: 8,
	epochs: 1,
	pool: 1000n * OPEN,
	stake: 500n * OPEN,
	ridge: 65n,
	nodes: 12,
	dropConstantColumns: false,
	clip: false,
	oneRange: false,
	queryLabels: "served",
	activationDelay: 3600,
	defence: DEFAULT_POLICY,
};
