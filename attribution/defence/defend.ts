/**
 * The policy applied to an epoch: which rows count (`screen`), what the methods give to them, and what is paid (`settle`).
 * An epoch whose scores are proven calls the two apart: `screen` gives the weights that the contributions are proven with, `settle` takes
 * the proven scores.
 */
import type { Rows } from "../../circuits/statistics.ts";
import { selectRows } from "../../compute/rows.ts";
import { byteExamplesOf } from "../byte-examples.ts";
import { groupSums, groupsOf } from "../groups.ts";
import type { Control } from "../method.ts";
import { ridgePathRowsMethod } from "../ridge-path-rows.ts";
import { payoutShares } from "../shares.ts";
import { knnShapleyMethod } from "../valuation/knn-shapley.ts";
import { shareRatios, smallerShares } from "./neighbour-leg.ts";
import { type DefencePolicy, policyDigest } from "./policy.ts";
import { normaliseEarned, weighByReputation } from "./reputation.ts";
import { screen } from "./screen.ts";
import { joinRows } from "./stack.ts";
import { chargeStakes } from "./stake.ts";
import type { DefenceContext, QuerySet, Submission } from "./submission.ts";
import type { ContributorVerdict, Flag, Screened, Verdict } from "./verdict.ts";

/**
 * Screen, score and settle.
 * @throws {DataError} as `screen`; TOO_FEW_ROWS if no row is left; ONE_CLASS and NEIGHBOURS_OUT_OF_RANGE from KNN-Shapley
 *
 * @example
 * const { contributors } = await defend(submissions, DEFAULT_POLICY, { d: 64, k: 10, queries, path: pathParameters(64, 12) });
 */
export async function defend(
	submissions: readonly Submission[],
	policy: DefencePolicy,
	context: DefenceContext,
	control: Control = {},
): Promise<Verdict> {
	const { contributors, typicalDistance } = await screen(submissions, policy, context, control);
	const weights = contributors.map((one) => one.weights);
	const ridgePath = ridgePathScores(submissions, weights, policy, context);
	const neighbours = policy.neighbourLeg.on ? await neighbourScores(submissions, weights, policy, context, control) : null;
	return { policy: policyDigest(policy), contributors: settle(submissions, contributors, policy, ridgePath, neighbours), typicalDistance };
}

/** The queries that pay: the hidden ones, where there are some and the policy hides them. */
export function payingQueries({ rows, hidden }: QuerySet, policy: DefencePolicy, d: number): Rows {
	if (!policy.hiddenQueries.on || hidden === undefined) return rows;
	return selectRows(
		rows.x,
		rows.label,
		d,
		hidden,
		Uint8Array.from(hidden, (query) => rows.weight[query] as number),
	);
}

/** The score of each contributor by the ridge path, in loss. */
export function ridgePathScores(
	submissions: readonly Submission[],
	weights: readonly Uint8Array[],
	policy: DefencePolicy,
	{ d, k, queries, path }: DefenceContext,
): Float64Array {
	const train = byteExamplesOf(weightedRows(submissions, weights), d, k);
	const test = byteExamplesOf(payingQueries(queries, policy, d), d, k);
	return groupSums(ridgePathRowsMethod(path).cache(train).attribute(test).scores, ownersOf(submissions));
}

/** The KNN-Shapley value of each contributor. Rows count once or not at all. */
export async function neighbourScores(
	submissions: readonly Submission[],
	weights: readonly Uint8Array[],
	policy: DefencePolicy,
	{ d, k, queries }: DefenceContext,
	control: Control = {},
): Promise<Float64Array> {
	const once = weights.map((own) => own.map((weight) => Math.min(1, weight)));
	const train = byteExamplesOf(weightedRows(submissions, once), d, k);
	const test = byteExamplesOf(payingQueries(queries, policy, d), d, k);
	const cached = await knnShapleyMethod({ neighbours: policy.neighbourLeg.neighbours }).cache(train, control);
	return groupSums((await cached.attribute(test, control)).scores, ownersOf(submissions));
}

/**
 * What is paid and charged for given scores.
 * @param ridgePath - one score per submission; in any unit
 * @param neighbours - the same of KNN-Shapley, or null without that leg
 */
export function settle(
	submissions: readonly Submission[],
	screened: readonly Screened[],
	policy: DefencePolicy,
	ridgePath: Float64Array,
	neighbours: Float64Array | null,
): ContributorVerdict[] {
	const { neighbourLeg, reputation, stake } = policy;
	const paid = payoutShares(ridgePath);
	const second = neighbours && payoutShares(neighbours);
	const clusters = screened.map((one) => one.cluster);
	const smaller = second && neighbourLeg.pays === "minimum" ? smallerShares(paid, second, clusters) : paid;
	const reputations = submissions.map((one) => one.reputation);
	const earned = normaliseEarned(reputation.on ? weighByReputation(smaller, reputations, reputation) : smaller);
	const { share, charge, uncovered } = chargeStakes(
		earned,
		submissions.map((one) => (stake.on ? one.stake : 0)),
		stake.on ? clusters : clusters.map((_, c) => c),
	);
	const ratios = second && shareRatios(paid, second);
	return screened.map((one, c): ContributorVerdict => {
		const flags: Flag[] = [...one.flags];
		const ratio = ratios?.[c] as number;
		if (second && neighbourLeg.pays === "ridge-path" && ratio > neighbourLeg.ratio) {
			const times = `${ratio.toFixed(2)} times the KNN-Shapley share of ${(100 * (second[c] as number)).toFixed(1)} %`;
			flags.push({ defence: "neighbourLeg", reason: `the ridge-path share is ${times}` });
		}
		return {
			...one,
			flags,
			share: share[c] as number,
			ridgePathShare: paid[c] as number,
			neighbourShare: second ? (second[c] as number) : null,
			charge: charge[c] as number,
			uncovered: uncovered[c] as number,
		};
	});
}

function ownersOf(submissions: readonly Submission[]) {
	return groupsOf(submissions.flatMap(({ contributor, rows }) => new Array<string>(rows.count).fill(contributor)));
}

/** All rows with the weights that count. */
export function weightedRows(submissions: readonly Submission[], weights: readonly Uint8Array[]): Rows {
	return joinRows(submissions.map(({ rows }, c) => ({ ...rows, weight: weights[c] as Uint8Array })));
}
