/**
 * Why a contributor is paid what it is paid: which of its rows earned and which cost, what lies near them, whom it is taken together
 * with, and what each defence changes for it.
 */
import { DataError } from "../compute/errors.ts";
import { byteExamplesOf } from "./byte-examples.ts";
import { defend, payingQueries, weightedRows } from "./defence/defend.ts";
import { stackEvidence } from "./defence/evidence.ts";
import { DEFENCES, type Defence, type DefencePolicy, NO_DEFENCE, without } from "./defence/policy.ts";
import { measureProximity, widestRadius } from "./defence/proximity.ts";
import type { DefenceContext, Submission } from "./defence/submission.ts";
import type { Clamp, ContributorVerdict } from "./defence/verdict.ts";
import type { Control } from "./method.ts";
import { ridgePathRowsMethod } from "./ridge-path-rows.ts";
import { positiveSum } from "./shares.ts";

/** What one row does. */
export interface RowPart {
	/** Position among the contributor's rows. */
	readonly row: number;
	readonly label: number;
	/** Its ridge-path score as a share of the pool; 0 for a row that counts nothing. */
	readonly share: number;
	readonly clamp?: Clamp;
}

/** A row of somebody near one of the contributor's. */
export interface NearRow {
	readonly row: number;
	/** Whose it is ("" for a query) and which. */
	readonly of: { readonly contributor: string; readonly row: number };
	/** In typical distances; 0 for equal bytes. */
	readonly distance: number;
	/** Whether the other row was committed before. */
	readonly isEarlier: boolean;
}

export interface Explanation {
	readonly schema: "openledger.explanation.v1";
	readonly verdict: ContributorVerdict;
	/** Rows that earn most, best first; all positive. */
	readonly earned: readonly RowPart[];
	/** Rows that cost most, worst first; all negative. */
	readonly cost: readonly RowPart[];
	/** How many rows earn, cost, and count nothing. */
	readonly counts: { readonly earning: number; readonly costing: number; readonly clamped: number };
	/** The nearest rows of the same contributor or others, nearest first; none beyond the policy's widest radius. */
	readonly nearest: readonly NearRow[];
	/** All names of its evidence cluster, its own included. */
	readonly cluster: readonly string[];
	/** Its share under the policy, without any defence, and without each that is on. */
	readonly shares: {
		readonly policy: number;
		readonly undefended: number;
		readonly without: Readonly<Partial<Record<Defence, number>>>;
	};
}

export interface ExplanationOptions {
	/** The most rows of each list; 5 by default. */
	readonly rows?: number;
}

/**
 * Explain one contributor.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE for an unknown name; those of `defend`
 */
export async function explain(
	contributor: string,
	submissions: readonly Submission[],
	policy: DefencePolicy,
	context: DefenceContext,
	{ rows: most = 5 }: ExplanationOptions = {},
	control: Control = {},
): Promise<Explanation> {
	const index = submissions.findIndex((one) => one.contributor === contributor);
	if (index < 0) {
		const names = submissions.map((one) => one.contributor).join(", ");
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`explain: expected one of ${names}, got "${contributor}"`,
			"Name a contributor of the epoch.",
		);
	}
	const defences = DEFENCES.filter((name) => policy[name].on);
	const { contributors } = await defend(submissions, policy, context, { signal: control.signal });
	const verdict = contributors[index] as ContributorVerdict;
	const shareUnder = async (other: DefencePolicy) => {
		const { contributors: people } = await defend(submissions, other, context, { signal: control.signal });
		return people[index]?.share as number;
	};
	const undefended = await shareUnder(NO_DEFENCE);
	const shares: Partial<Record<Defence, number>> = {};
	for (const [done, defence] of defences.entries()) {
		shares[defence] = await shareUnder(without(policy, defence));
		control.progress?.(done + 1, defences.length + 1);
	}
	const parts = rowParts(index, submissions, contributors, policy, context);
	const nearest = await nearRows(index, submissions, policy, context, control);
	control.progress?.(defences.length + 1, defences.length + 1);
	return {
		schema: "openledger.explanation.v1",
		verdict,
		earned: parts.filter(({ share }) => share > 0).slice(0, most),
		cost: parts
			.filter(({ share }) => share < 0)
			.slice(-most)
			.reverse(),
		counts: {
			earning: parts.filter(({ share }) => share > 0).length,
			costing: parts.filter(({ share }) => share < 0).length,
			clamped: verdict.weights.reduce((sum, weight) => sum + (weight === 0 ? 1 : 0), 0),
		},
		nearest: nearest.slice(0, most),
		cluster: contributors.filter(({ cluster }) => cluster === verdict.cluster).map((one) => one.contributor),
		shares: { policy: verdict.share, undefended, without: shares },
	};
}

/** All rows of a contributor, most earning first. */
function rowParts(
	index: number,
	submissions: readonly Submission[],
	contributors: readonly ContributorVerdict[],
	policy: DefencePolicy,
	{ d, k, queries, path }: DefenceContext,
): RowPart[] {
	const train = byteExamplesOf(
		weightedRows(
			submissions,
			contributors.map(({ weights }) => weights),
		),
		d,
		k,
	);
	const { scores } = ridgePathRowsMethod(path)
		.cache(train)
		.attribute(byteExamplesOf(payingQueries(queries, policy, d), d, k));
	const first = submissions.slice(0, index).reduce((sum, { rows }) => sum + rows.count, 0);
	let position = 0;
	const sums = Float64Array.from(submissions, ({ rows: { count } }) => {
		position += count;
		return scores.subarray(position - count, position).reduce((sum, score) => sum + score, 0);
	});
	const pool = positiveSum(sums);
	const { rows } = submissions[index] as Submission;
	const clamps = new Map(contributors[index]?.clamps.map((clamp) => [clamp.row, clamp]));
	return Array.from(rows.label, (label, row): RowPart => {
		const clamp = clamps.get(row);
		const share = pool === 0 ? 0 : (scores[first + row] as number) / pool;
		return { row, label, share, ...(clamp ? { clamp } : {}) };
	}).sort((a, b) => b.share - a.share);
}

/** The nearest row of each of a contributor's rows, nearest first. */
async function nearRows(
	index: number,
	submissions: readonly Submission[],
	policy: DefencePolicy,
	context: DefenceContext,
	{ signal }: Control,
): Promise<NearRow[]> {
	const evidence = stackEvidence(submissions, context);
	const { start, count, owner } = evidence;
	const { close } = await measureProximity(evidence, widestRadius(policy), { signal });
	const own = Array.from({ length: count[index] as number }, (_, row) => row);
	return own
		.flatMap((row): NearRow[] => {
			const position = (start[index] as number) + row;
			const [first] = (close[position] ?? []).toSorted((a, b) => a.distance - b.distance);
			if (!first) return [];
			const other = owner[first.row] as number;
			const of = { contributor: submissions[other]?.contributor ?? "", row: first.row - (start[other] as number) };
			return [{ row, of, distance: first.distance, isEarlier: first.row < position }];
		})
		.sort((a, b) => a.distance - b.distance);
}
