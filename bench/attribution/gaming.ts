/**
 * Gaming: what each attack changes in the attacker's share, undefended (the value of `peer`) and under the default policy, on digits
 * with ten contributors, the ridge path paying by bytes as an epoch does. Medians over attackers and seeds.
 */
import { type Attack, attackerName } from "../../attribution/attack/attack.ts";
import type { AuditLine, Outcome } from "../../attribution/attack/audit.ts";
import { knownQueries } from "../../attribution/attack/audit.ts";
import { flippedLabelsAttack, noiseAttack } from "../../attribution/attack/poison.ts";
import type { Setting } from "../../attribution/attack/setting.ts";
import { shadowAttack } from "../../attribution/attack/shadow.ts";
import { cherryPickAttack, splitAttack } from "../../attribution/attack/split.ts";
import { defend } from "../../attribution/defence/defend.ts";
import { DEFAULT_POLICY, type DefencePolicy, NO_DEFENCE } from "../../attribution/defence/policy.ts";
import { generator } from "../../compute/random.ts";
import { type Case, median } from "../bench.ts";
import { attackDigits, countAllHonest, type HonestCount, honestSetting } from "./gaming-study.ts";

const SIZE = "digits, 1,348 rows, 10 contributors, 449 queries";

/** The relative change of a share, in %. */
export function changeOf({ attacker: { before, after } }: Outcome): number {
	return 100 * (after / before - 1);
}

export async function gamingCases(): Promise<Case[]> {
	return [...casesOfLines(await attackDigits()), ...(await payerCases()), ...honestCases(await countAllHonest())];
}

/** Cases of the audit's lines. */
export function casesOfLines(lines: readonly AuditLine[]): Case[] {
	const of = (attack: string) => lines.filter((line) => line.attack === attack);
	const change = (attack: string, name: string, bound: number, note?: string): Case =>
		bounded(name, "% change of the attacker's share", of(attack), changeOf, bound, note);
	const share = (attack: string, name: string, bound: number, note?: string): Case =>
		bounded(name, "% of the pool", of(attack), ({ attacker }) => 100 * attacker.after, bound, note);
	const copies = ["copy", "copy-noise-1", "copy-noise-2"] as const;
	return [
		change(
			"split",
			"split into 10 names",
			0.01,
			"linked by their wallet; names that nothing links lose some %, since the smaller of two shares is then taken per name",
		),
		change("cherry-pick", "good and bad rows under two names", 0.5, "undefended, nobody is charged: pay is max(0, sum) per name"),
		change(
			"shapley-split",
			"Shapley value over names, split into 5",
			1,
			"the names share a wallet cluster; names that nothing links are not found",
		),
		change("repeat", "own rows five times", 0.5),
		change("repeat-noise-2", "own rows five times with noise of 2/16", 0.5),
		share("copy", "copy of the best contributor", 0.5),
		share("copy-noise-1", "copy with noise of 1/16", 1),
		share("copy-noise-2", "copy with noise of 2/16", 1),
		share("mixed-copy-noise-2", "copies from all contributors with noise of 2/16", 1),
		bounded(
			"copies: what the victim loses",
			"% of its share",
			copies.flatMap(of),
			({ victim }) => (victim ? 100 * (1 - victim.after / victim.before) : 0),
			1,
		),
		{
			...bounded(
				"noisy copies that were not flagged",
				"of the copies tried",
				copies.slice(1).flatMap(of),
				({ flagged }) => (flagged ? 0 : 1),
				0,
			),
			value: copies
				.slice(1)
				.flatMap(of)
				.filter(({ defended }) => !defended.flagged).length,
		},
		change("shadow", "white-box shadow attack, 1/16 per value", 10),
		share(
			"leaked-queries",
			"copies of all known queries",
			14.2,
			"their share of rows: 224 of 1,572; undefended all 449 queries are known, then 225 of them are hidden",
		),
		{
			name: "honest contributors flagged beside an attack",
			size: SIZE,
			value: lines.flatMap(({ defended }) => defended.falselyFlagged).length,
			unit: "contributors",
			bar: "<= 0",
			holds: lines.every(({ defended }) => defended.falselyFlagged.length === 0),
			runs: [lines.flatMap(({ defended }) => defended.falselyFlagged).length],
			note: `${lines.length} attacks`,
		},
	];
}

function bounded(
	name: string,
	unit: string,
	lines: readonly AuditLine[],
	of: (outcome: Outcome) => number,
	bound: number,
	note?: string,
): Case {
	const runs = lines.map(({ defended }) => round(of(defended)));
	const value = median(runs);
	return {
		name,
		size: SIZE,
		value,
		unit,
		peer: "undefended",
		peerValue: round(median(lines.map(({ undefended }) => of(undefended)))),
		bar: `<= ${bound}`,
		holds: value <= bound,
		runs,
		...(note === undefined ? {} : { note }),
	};
}

/** One defence at a time, other payers, and what rows that make the model worse cost. */
export async function payerCases(): Promise<Case[]> {
	const setting = await honestSetting("digits");
	const only = (...names: ("hiddenQueries" | "neighbourLeg" | "stake" | "queryCopies")[]): DefencePolicy => ({
		...NO_DEFENCE,
		...Object.fromEntries(names.map((name) => [name, DEFAULT_POLICY[name]])),
	});
	const influence = { ...setting, context: { ...setting.context, path: influencePath(setting) } };
	const share = "share" as const;
	const shadow = (name: string, where: Setting, policy: DefencePolicy, by: "share" | "neighbourShare", bound: number | null) =>
		changeCase(`shadow attack: ${name}`, where, shadowAttack, policy, by, bound);
	return [
		await shadow("hidden queries only", setting, only("hiddenQueries"), share, null),
		await shadow("KNN-Shapley leg only", setting, only("neighbourLeg"), share, null),
		await shadow("KNN-Shapley as the payer", setting, only("neighbourLeg"), "neighbourShare", null),
		await shadow("influence at the optimum as the payer", influence, NO_DEFENCE, share, null),
		await changeCase("split into 10 names that nothing links", setting, unlinked(splitAttack), DEFAULT_POLICY, share, 0.01),
		await ratioCase(setting, { ...NO_DEFENCE, neighbourLeg: { ...DEFAULT_POLICY.neighbourLeg, pays: "ridge-path" } }),
		await leakCase("copies of the known queries, hidden queries only", setting, only("hiddenQueries")),
		await changeCase("good and bad rows under two names, charges only", setting, cherryPickAttack, only("stake"), share, 0.5),
		await chargeCase("rows of noise", setting, noiseAttack),
		await chargeCase("flipped labels", setting, flippedLabelsAttack),
	];
}

/** The same without the wallet that links its names. */
function unlinked(attack: Attack): Attack {
	return {
		...attack,
		async apply(scene) {
			const { submissions, ...rest } = await attack.apply(scene);
			return { ...rest, submissions: submissions.map(({ contributor, rows, committed }) => ({ contributor, rows, committed })) };
		},
	};
}

/** How many shadow attackers the ratio of shares alone finds. */
async function ratioCase(setting: Setting, policy: DefencePolicy): Promise<Case> {
	const ratios: number[] = [];
	let flagged = 0;
	for await (const { mine } of turns(setting, shadowAttack, policy)) {
		for (const { flags, ridgePathShare, neighbourShare } of mine) {
			ratios.push(round(ridgePathShare / (neighbourShare as number)));
			flagged += flags.length > 0 ? 1 : 0;
		}
	}
	const note = `ratios of shares ${Math.min(...ratios)} to ${Math.max(...ratios)}`;
	return {
		name: "shadow attack: flagged by a ratio above 1.5",
		size: SIZE,
		value: flagged,
		unit: "of 10 attackers",
		bar: "none",
		holds: true,
		runs: ratios,
		note,
	};
}

/** What a newcomer with the known queries gets. */
async function leakCase(name: string, { submissions, context }: Setting, policy: DefencePolicy): Promise<Case> {
	const known = knownQueries(context.queries, policy);
	const leak = { contributor: attackerName(), rows: known, committed: submissions.length + 1 };
	const share = (await defend([...submissions, leak], policy, context)).contributors.at(-1)?.share as number;
	const note = `${known.count} rows, ${round((100 * known.count) / (1348 + known.count))} % of all`;
	return { name, size: SIZE, value: round(100 * share), unit: "% of the pool", bar: "none", holds: true, runs: [round(100 * share)], note };
}

/** One node at lambda: influence at the optimum. */
function influencePath({ context: { path } }: Setting): Setting["context"]["path"] {
	return { lambda: path.lambda, nodes: [{ k: path.lambda, omega: 65536n }] };
}

/** The attacker's names with and without an attack under one policy, for every contributor. */
async function* turns(setting: Setting, attack: Attack, policy: DefencePolicy) {
	const { submissions, context } = setting;
	const before = await defend(submissions, policy, context);
	for (const [attacker, { contributor }] of submissions.entries()) {
		const scene = {
			submissions,
			context,
			attacker,
			best: 0,
			knownQueries: knownQueries(context.queries, policy),
			next: generator(BigInt(attacker + 1)),
		};
		const { submissions: attacked, names } = await attack.apply(scene);
		const after = await defend(attacked, policy, context);
		yield {
			own: before.contributors.filter((one) => one.contributor === contributor),
			mine: after.contributors.filter((one) => names.includes(one.contributor)),
			after,
		};
	}
}

async function changeCase(
	name: string,
	setting: Setting,
	attack: Attack,
	policy: DefencePolicy,
	by: "share" | "neighbourShare",
	bound: number | null,
): Promise<Case> {
	const runs: number[] = [];
	const total = (list: readonly Record<typeof by, number | null>[]) => list.reduce((sum, one) => sum + (one[by] ?? 0), 0);
	for await (const { own, mine } of turns(setting, attack, policy)) {
		// At the optimum honest shares are noise around zero: no change can be told of those that are charged.
		if (total(own) > 0) runs.push(round(100 * (total(mine) / total(own) - 1)));
	}
	const value = median(runs);
	const bar = bound === null ? "none" : `<= ${bound}`;
	return { name, size: SIZE, value, unit: "% change of the attacker's share", bar, holds: bound === null || value <= bound, runs };
}

/** Scores of the attacker as a part of the loss drop. */
async function chargeCase(name: string, setting: Setting, attack: Attack): Promise<Case> {
	const runs: number[] = [];
	for await (const { after } of turns(setting, attack, DEFAULT_POLICY)) {
		const drop = after.contributors.reduce((sum, one) => sum + one.ridgePathShare, 0);
		const own = after.contributors.find(({ contributor }) => contributor === attackerName())?.ridgePathShare as number;
		runs.push(round((100 * own) / drop));
	}
	const value = median(runs);
	return { name, size: SIZE, value, unit: "% of the loss drop", bar: "< 0 (charged)", holds: Math.max(...runs) < 0, runs };
}

/** Every honest contributor that is flagged, all data sets and sharings. */
export function honestCases(counts: readonly HonestCount[]): Case[] {
	return [...new Set(counts.map(({ set }) => set))].map((set) => {
		const own = counts.filter((count) => count.set === set);
		const sum = (of: (count: HonestCount) => number) => own.reduce((total, count) => total + of(count), 0);
		const flagged = sum((count) => count.flagged);
		return {
			name: `honest contributors flagged, ${set}`,
			size: `${sum(({ contributors }) => contributors)} contributors in ${sum(({ splits }) => splits)} splits`,
			value: flagged,
			unit: "contributors",
			bar: "<= 0",
			holds: flagged === 0,
			runs: own.map((count) => count.flagged),
			note: `${sum(({ clamped }) => clamped)} of ${sum(({ rows }) => rows)} rows clamped; shared out ${own.map(({ sharing }) => sharing).join(", ")}`,
		};
	});
}

function round(value: number): number {
	return Math.round(100 * value) / 100;
}
