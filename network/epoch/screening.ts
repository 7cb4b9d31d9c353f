/**
 * What the epoch's defence policy decides before anything is proven: rows that repeat others count nothing (weight 0), and contributors whose
 * rows as a set are a copy are left out. The policy stands in policy.json, whose digest is on chain and which names the digest of the
 * decisions, screening.json.
 *
 * Scores, payouts and charges of what is left are proven. The parts of the policy that work on queries or scores (hidden queries, the
 * KNN-Shapley leg, reputation, debts of a cluster) stand on record and are not applied: the proven payout does not know them.
 */

import type { DefencePolicy } from "../../attribution/defence/policy.ts";
import { screen } from "../../attribution/defence/screen.ts";
import type { Clamp, Flag } from "../../attribution/defence/verdict.ts";
import { pathParameters } from "../../circuits/path.ts";
import type { Rows } from "../../circuits/statistics.ts";
import { type Hex, jsonDigest } from "./json.ts";

/** What was decided of one contributor. */
export interface ScreeningLine {
	readonly owner: string;
	readonly rows: number;
	readonly clamped: readonly Clamp[];
	readonly flags: readonly Flag[];
	/** Nothing of this contributor counts: it is not in the epoch. */
	readonly isLeftOut: boolean;
	/** Contributors of one number share their evidence. */
	readonly cluster: number;
}

export interface ScreeningFile {
	readonly schema: "openledger.screening.v1";
	/** keccak256 of the policy's canonical JSON. */
	readonly policy: Hex;
	readonly contributors: readonly ScreeningLine[];
}

interface Share {
	readonly owner: string;
	readonly rows: Rows;
}

/**
 * Screen the rows of an epoch.
 * @param shares - in the order of commitment; the queries come after them
 * @param sizes - features with the bias, classes, the query rows
 * @returns contributors that are left, with the weights that count, and what was decided
 * @throws DataError as `screen`
 */
export async function screenShares(
	shares: readonly Share[],
	policy: DefencePolicy,
	{ d, k, queries }: { readonly d: number; readonly k: number; readonly queries: Rows },
): Promise<{ readonly contributors: Share[]; readonly screening: ScreeningFile }> {
	// Committed at one time: their order decides.
	const submissions = shares.map(({ owner, rows }) => ({ contributor: owner, rows, committed: 0 }));
	const context = { d, k, queries: { rows: queries, committed: 1 }, path: pathParameters(d, 12) };
	const { contributors } = await screen(submissions, policy, context);
	const lines = contributors.map(({ contributor, weights, clamps, flags, cluster }): ScreeningLine => {
		// A quarantined one has no weight left, nor has one whose rows are all duplicates.
		const isLeftOut = weights.every((weight) => weight === 0);
		return { owner: contributor, rows: weights.length, clamped: clamps, flags, isLeftOut, cluster };
	});
	const left = shares.flatMap(({ owner, rows }, c) =>
		lines[c]?.isLeftOut ? [] : [{ owner, rows: { ...rows, weight: contributors[c]?.weights as Uint8Array } }],
	);
	return { contributors: left, screening: { schema: "openledger.screening.v1", policy: jsonDigest(policy), contributors: lines } };
}
