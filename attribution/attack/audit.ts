/**
 * The attack suite on one's own data: what each attack gains without any defence, and what under a policy. Attackers adapt to the policy as
 * far as they can see: where queries are hidden they fit and copy the shown ones only.
 */
import type { Rows } from "../../circuits/statistics.ts";
import { DataError } from "../../compute/errors.ts";
import { generator } from "../../compute/random.ts";
import { defend } from "../defence/defend.ts";
import { type DefencePolicy, NO_DEFENCE } from "../defence/policy.ts";
import type { QuerySet } from "../defence/submission.ts";
import type { Verdict } from "../defence/verdict.ts";
import type { Control } from "../method.ts";
import { type Attack, type Attacked, pickRows } from "./attack.ts";
import type { Setting } from "./setting.ts";
import { MOST_NAMES, sharesOverNames } from "./shapley-payer.ts";
import { ATTACKS } from "./suite.ts";

/** Shares of the pool without the attack and with it. */
export interface Change {
	readonly before: number;
	readonly after: number;
}

/** What one attack did under one policy. */
export interface Outcome {
	/** All names of the attacker together. Before is 0 for a newcomer. */
	readonly attacker: Change;
	/** Whose rows were used; absent where nobody in particular is harmed. */
	readonly victim?: Change & { readonly contributor: string };
	/** Whether a name of the attacker was flagged, and whether all were quarantined. */
	readonly flagged: boolean;
	readonly quarantined: boolean;
	/** Honest contributors that were flagged. */
	readonly falselyFlagged: readonly string[];
	/** The first reason given. */
	readonly reason?: string;
}

export interface AuditLine {
	readonly attack: string;
	readonly title: string;
	/** The contributor that turns attacker; null for a newcomer. */
	readonly by: string | null;
	readonly undefended: Outcome;
	readonly defended: Outcome;
}

export interface Audit {
	readonly schema: "openledger.audit.v1";
	/** The digest of the policy. */
	readonly policy: string;
	readonly contributors: number;
	readonly rows: number;
	readonly queries: number;
	/** Contributors that the policy flags when nobody cheats. */
	readonly falselyFlagged: readonly string[];
	/** Rows that it clamps then, and of how many. */
	readonly clampedRows: number;
	readonly lines: readonly AuditLine[];
	/** Attacks that were not tried, and why. */
	readonly leftOut: readonly { readonly attack: string; readonly reason: string }[];
}

export interface AuditOptions {
	/** All of the suite by default. */
	readonly attacks?: readonly Attack[];
	/** Names of the contributors that turn attacker, one after the other; the first one by default. */
	readonly attackers?: readonly string[];
	/** Draws noise. */
	readonly seed?: bigint;
}

/**
 * Run attacks.
 * @returns a line per attacker and attack; attacks of newcomers once
 * @throws {DataError} TOO_FEW_ROWS with fewer than 2 contributors; PARAMETER_OUT_OF_RANGE for an unknown attacker; those of `defend`
 */
export async function audit(setting: Setting, policy: DefencePolicy, options: AuditOptions = {}, control: Control = {}): Promise<Audit> {
	const { submissions, context } = setting;
	const { attacks = ATTACKS, attackers = [submissions[0]?.contributor ?? ""], seed = 1n } = options;
	if (submissions.length < 2) {
		throw new DataError(
			"TOO_FEW_ROWS",
			`audit: expected at least 2 contributors, got ${submissions.length}`,
			"Name the owner of each row.",
		);
	}
	const indices = attackers.map((name) => indexOf(setting, name));
	const [open, guarded] = [await sideOf(setting, NO_DEFENCE), await sideOf(setting, policy)];
	// Five names take the place of one.
	const tooMany = submissions.length + 4 > MOST_NAMES;
	const isLeftOut = ({ payer }: Attack) => payer === "shapley-over-names" && tooMany;
	const tried = attacks.filter((attack) => !isLeftOut(attack));
	const runs = indices.flatMap((attacker, turn) =>
		tried.filter((attack) => turn === 0 || attack.attacker === "contributor").map((attack) => ({ attack, attacker })),
	);
	const lines: AuditLine[] = [];
	for (const { attack, attacker } of runs) {
		control.signal?.throwIfAborted();
		const by = attack.attacker === "newcomer" ? null : (submissions[attacker]?.contributor as string);
		const [undefended, defended] = [
			await outcomeOf(setting, open, attack, attacker, seed),
			await outcomeOf(setting, guarded, attack, attacker, seed),
		];
		lines.push({ attack: attack.name, title: attack.title, by, undefended, defended });
		control.progress?.(lines.length, runs.length);
	}
	return {
		schema: "openledger.audit.v1",
		policy: guarded.verdict.policy,
		contributors: submissions.length,
		rows: submissions.reduce((sum, { rows }) => sum + rows.count, 0),
		queries: context.queries.rows.count,
		falselyFlagged: flaggedIn(guarded.verdict, []),
		clampedRows: guarded.verdict.contributors.reduce((sum, { clamps }) => sum + clamps.length, 0),
		lines,
		leftOut: attacks.filter(isLeftOut).map(({ name }) => ({
			attack: name,
			reason: `an exact Shapley value takes at most ${MOST_NAMES} names, there would be ${submissions.length + 4}`,
		})),
	};
}

/** The queries that everybody knows before the scores under a policy. */
export function knownQueries({ rows, hidden }: QuerySet, policy: DefencePolicy): Rows {
	if (!policy.hiddenQueries.on || hidden === undefined) return rows;
	const secret = new Set(hidden);
	return pickRows(
		rows,
		Array.from(rows.label.keys()).filter((query) => !secret.has(query)),
	);
}

/** A policy and what it gives when nobody cheats. */
interface Side {
	readonly policy: DefencePolicy;
	readonly verdict: Verdict;
}

async function sideOf({ submissions, context }: Setting, policy: DefencePolicy): Promise<Side> {
	return { policy, verdict: await defend(submissions, policy, context) };
}

async function outcomeOf(setting: Setting, { policy, verdict }: Side, attack: Attack, attacker: number, seed: bigint): Promise<Outcome> {
	const { submissions, context } = setting;
	const shares = verdict.contributors.map(({ share }) => share);
	const best = shares.reduce(
		(most, share, c) => (c !== attacker && share > (shares[most] ?? -Infinity) ? c : most),
		attacker === 0 ? 1 : 0,
	);
	const known = knownQueries(context.queries, policy);
	const attacked = await attack.apply({ submissions, context, attacker, best, knownQueries: known, next: generator(seed) });
	const after = await defend(attacked.submissions, policy, context);
	const mine = after.contributors.filter(({ contributor }) => attacked.names.includes(contributor));
	const own = submissions[attacker]?.contributor as string;
	const change = await changeOf(setting, policy, verdict, after, attack, attacked, own);
	const reason = mine.flatMap(({ flags }) => flags)[0]?.reason;
	return {
		attacker: change,
		...(attacked.victim === undefined ? {} : { victim: { contributor: attacked.victim, ...shareChange(verdict, after, attacked.victim) } }),
		flagged: mine.some(({ flags }) => flags.length > 0),
		quarantined: mine.every(({ quarantined }) => quarantined),
		falselyFlagged: flaggedIn(after, attacked.names),
		...(reason === undefined ? {} : { reason }),
	};
}

async function changeOf(
	{ submissions, context }: Setting,
	policy: DefencePolicy,
	before: Verdict,
	after: Verdict,
	attack: Attack,
	attacked: Attacked,
	own: string,
): Promise<Change> {
	if (attack.payer === "shapley-over-names") {
		const [first, second] = [
			await sharesOverNames(submissions, before.contributors, policy, context),
			await sharesOverNames(attacked.submissions, after.contributors, policy, context),
		];
		const of = (list: typeof submissions, shares: Float64Array, names: readonly string[]) =>
			list.reduce((sum, { contributor }, c) => (names.includes(contributor) ? sum + (shares[c] as number) : sum), 0);
		return { before: of(submissions, first, [own]), after: of(attacked.submissions, second, attacked.names) };
	}
	const total = (verdict: Verdict, names: readonly string[]) =>
		verdict.contributors.reduce((sum, { contributor, share }) => (names.includes(contributor) ? sum + share : sum), 0);
	return { before: attack.attacker === "newcomer" ? 0 : total(before, [own]), after: total(after, attacked.names) };
}

function shareChange(before: Verdict, after: Verdict, contributor: string): Change {
	const of = (verdict: Verdict) => verdict.contributors.find((one) => one.contributor === contributor)?.share ?? 0;
	return { before: of(before), after: of(after) };
}

function flaggedIn({ contributors }: Verdict, except: readonly string[]): string[] {
	return contributors
		.filter(({ contributor, flags }) => flags.length > 0 && !except.includes(contributor))
		.map(({ contributor }) => contributor);
}

function indexOf({ submissions }: Setting, name: string): number {
	const index = submissions.findIndex(({ contributor }) => contributor === name);
	if (index >= 0) return index;
	throw new DataError(
		"PARAMETER_OUT_OF_RANGE",
		`audit: expected one of ${submissions.map(({ contributor }) => contributor).join(", ")}, got "${name}"`,
		"Name a contributor of the table.",
	);
}
