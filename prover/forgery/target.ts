/** What is attacked: a circuit with one true statement about it, and what is known to be free in it. */
import type { Instance } from "../../circuits/circuit.ts";

export const ATTACKS = [
	"control",
	"hints",
	"wires",
	"aliases",
	"freedom",
	"relations",
	"rigidity",
	"publics",
	"binding",
	"warnings",
] as const;
/** Names of the attacks, in the order in which they run; attacks.ts says what each does. */
export type AttackName = (typeof ATTACKS)[number];

/** A finding that is no mistake. `finding` is matched against the symbol, or the warning, that the attack names. */
export interface Allowance {
	readonly attack: AttackName;
	readonly finding: RegExp;
	readonly reason: string;
}

export interface Target {
	readonly name: string;
	/** A true statement, small: attacks try every wire. */
	readonly instance: Instance;
	/** Folders for includes, when they are not the usual ones. */
	readonly libraries?: readonly string[];
	/**
	 * How many independent relations the circuit puts on its inputs once the challenge is known: boolean inputs, closed sums, commitments. All other constraints
	 * define a wire. A relation that is removed from the source changes this number.
	 */
	readonly relations: number;
	/**
	 * How many numbers the relations determine that hold at every challenge, lookups not counted: the entries of what is compared by projection or evaluation.
	 * With a challenge that is fixed, each such relation would determine one.
	 */
	readonly projected: number;
	readonly allowed?: readonly Allowance[];
	/** false when RangeLookup itself is what is attacked: then no value counts as fixed because it is looked up. */
	readonly trustLookups?: boolean;
}

/** What one attack did to one target. */
export interface AttackReport {
	readonly attack: string;
	readonly target: string;
	readonly tried: number;
	readonly refused: number;
	/** Successes that are no mistakes, with the reason. */
	readonly allowed: readonly { readonly finding: string; readonly reason: string }[];
	/** Successes: what was changed and not noticed. */
	readonly open: readonly string[];
	/** What was tried, in a few words. */
	readonly note: string;
}

/** Allowed in every circuit: the one input that hides all others. */
export const ALWAYS_ALLOWED: readonly Allowance[] = [
	{ attack: "wires", finding: /^main\.blind$/, reason: "it hides the commitment and enters nothing but its own square" },
	{ attack: "rigidity", finding: /^main\.blind$/, reason: "it hides the commitment and enters nothing but its own square" },
];

/** Sorts the successes of an attack into allowed ones and open ones. */
export function report(target: Target, attack: AttackName, tried: number, successes: readonly string[], note: string): AttackReport {
	const rules = [...ALWAYS_ALLOWED, ...(target.allowed ?? [])].filter((rule) => rule.attack === attack);
	const allowed: { finding: string; reason: string }[] = [];
	const open: string[] = [];
	for (const finding of successes) {
		const rule = rules.find((one) => one.finding.test(finding));
		if (rule === undefined) {
			open.push(finding);
		} else {
			allowed.push({ finding, reason: rule.reason });
		}
	}
	return { attack, target: target.name, tried, refused: tried - successes.length, allowed, open, note };
}
