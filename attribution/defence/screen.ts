/** Which rows count: all that the policy decides before anything is scored. */
import { byteExamplesOf } from "../byte-examples.ts";
import type { Control } from "../method.ts";
import { evidenceClusters } from "./clusters.ts";
import { type CopyFinding, findCopies } from "./copies.ts";
import { findRepetitions } from "./duplicates.ts";
import { stackEvidence } from "./evidence.ts";
import { relativeLeverage } from "./leverage.ts";
import { checkPolicy, type Defence, type DefencePolicy } from "./policy.ts";
import { measureProximity, widestRadius } from "./proximity.ts";
import { joinRows } from "./stack.ts";
import { checkSubmissions, type DefenceContext, type Submission } from "./submission.ts";
import type { Clamp, Flag, Screened } from "./verdict.ts";

export interface Screening {
	/** In the order of the submissions. */
	readonly contributors: readonly Screened[];
	/** The typical distance of each class, in bytes. */
	readonly typicalDistance: readonly number[];
}

/**
 * Decide on every row: exact duplicates, near-duplicates, copied sets, copies of queries, leverage; and on clusters.
 * The order of commitment decides who was first. The same input gives the same output on every machine.
 * @throws {DataError} as `checkPolicy` and `checkSubmissions`; the reason of the signal when it is stopped
 */
export async function screen(
	submissions: readonly Submission[],
	policy: DefencePolicy,
	context: DefenceContext,
	control: Control = {},
): Promise<Screening> {
	checkPolicy(policy);
	checkSubmissions(submissions, context);
	const queries = submissions.length;
	const evidence = stackEvidence(submissions, context);
	const proximity = await measureProximity(evidence, widestRadius(policy), control);
	const { owner, start } = evidence;
	const nameOf = (c: number) => submissions[c]?.contributor ?? "";
	const placeOf = (row: number) => row - (start[owner[row] as number] as number);

	const clamps = submissions.map(() => new Map<number, Clamp>());
	const clamp = (c: number, one: Clamp) => {
		if (!clamps[c]?.has(one.row)) clamps[c]?.set(one.row, one);
	};
	findRepetitions(evidence, proximity, policy, queries).forEach((found, row) => {
		if (!found) return;
		const { of, defence, distance: measure } = found;
		clamp(owner[row] as number, {
			row: placeOf(row),
			defence,
			measure,
			of: { contributor: nameOf(owner[of] as number), row: placeOf(of) },
		});
	});

	const flags = submissions.map((): Flag[] => []);
	const quarantined = submissions.map(() => false);
	const links: [number, number][] = [];
	for (const level of ["copies", "farCopies"] as const) {
		const manyFrom = level === "copies" ? policy.copies.manyFrom : undefined;
		findCopies(evidence, proximity, policy[level], queries, manyFrom).forEach((list, c) => {
			for (const finding of list) {
				const { of, rows, share } = finding;
				const defence: Defence = of === queries ? "queryCopies" : level;
				if (!policy[defence].on) continue;
				const isOther = of !== null && of !== c;
				flags[c]?.push({ defence, reason: reasonOf(finding, c, queries, nameOf), ...(isOther ? { of: nameOf(of) } : {}) });
				for (const row of rows) {
					const measure = (proximity.close[row] ?? []).reduce((least, { distance }) => Math.min(least, distance), Infinity);
					clamp(c, { row: placeOf(row), defence, measure });
				}
				if (of !== c && share >= policy[level].quarantineFrom) quarantined[c] = true;
				if (isOther && of !== queries) links.push([c, of]);
			}
		});
	}

	const weights = submissions.map(({ rows }, c) => {
		const own = rows.weight.map((weight, row) => (clamps[c]?.has(row) ? 0 : weight));
		return quarantined[c] ? own.fill(0) : own;
	});
	if (policy.bounds.on) {
		leverages(submissions, weights, context).forEach((own, c) => {
			own.forEach((measure, row) => {
				if (weights[c]?.[row] === 0 || measure <= policy.bounds.leverage) return;
				(weights[c] as Uint8Array)[row] = 0;
				clamp(c, { row, defence: "bounds", measure });
			});
		});
	}
	const clusters = policy.clusters.on ? evidenceClusters(submissions, links) : submissions.map((_, c) => c);
	return {
		contributors: submissions.map(
			({ contributor }, c): Screened => ({
				contributor,
				weights: weights[c] as Uint8Array,
				clamps: [...(clamps[c]?.values() ?? [])].sort((a, b) => a.row - b.row),
				flags: flags[c] as Flag[],
				quarantined: quarantined[c] as boolean,
				cluster: clusters[c] as number,
			}),
		),
		typicalDistance: Array.from(proximity.typical),
	};
}

function reasonOf(
	{ of, rows, share, expected, logChance }: CopyFinding,
	c: number,
	queries: number,
	nameOf: (c: number) => string,
): string {
	const whom =
		of === null
			? "rows of many earlier contributors"
			: of === queries
				? "queries"
				: of === c
					? "earlier rows of its own"
					: `rows of ${nameOf(of)}`;
	const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
	const chance = `at most 10^${(logChance / Math.LN10).toFixed(0)}`;
	return `${rows.length} rows (${percent(share)}) match ${whom}, chance gives ${percent(expected)}; the chance of so many is ${chance}`;
}

/** The leverage of every row among the rows that count, in medians, by submission. */
function leverages(submissions: readonly Submission[], weights: readonly Uint8Array[], { d, k, path }: DefenceContext): Float64Array[] {
	const rows = joinRows(submissions.map(({ rows }, c) => ({ ...rows, weight: weights[c] as Uint8Array })));
	if (rows.weight.every((weight) => weight === 0)) return submissions.map(() => new Float64Array());
	const all = relativeLeverage(byteExamplesOf(rows, d, k), Number(path.lambda));
	let position = 0;
	return submissions.map(({ rows: { count } }) => {
		position += count;
		return all.subarray(position - count, position);
	});
}
