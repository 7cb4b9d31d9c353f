/**
 * The defences of an epoch with their parameters, as plain data: it stands on record before anybody commits rows, so that nobody
 * can say afterwards that a rule was made for him. Its digest is the keccak of its canonical JSON (RFC 8785).
 */
import { jsonDigest } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";

/** Every defence can be left out by itself; its parameters stay on record. */
interface Switch {
	readonly on: boolean;
}

/** When rows match, and how many matches are too many. */
export interface CopyLevel {
	/** Two rows match below this multiple of the typical distance. In (0, 2]. */
	readonly radius: number;
	/** The chance that anybody honest is flagged in an epoch, all tests of the level together. In (0, 0.1]. */
	readonly falseAlarm: number;
	/** Matched rows are clamped from this share of a contributor's rows on; below it nobody is flagged. In (0, 1]. */
	readonly flagFrom: number;
	/** All rows are, from this share on. In (0, 1]. */
	readonly quarantineFrom: number;
}

export interface DefencePolicy {
	readonly schema: "openledger.defence-policy.v1";
	/** A row whose bytes were committed before counts once: weight 0 for the later ones. */
	readonly duplicates: Switch;
	/** The same for rows nearer to an earlier one than `radius` times the typical distance. In (0, 1). */
	readonly nearDuplicates: Switch & { readonly radius: number };
	/** Whether a contributor's rows as a set match earlier ones (one contributor's, many's or its own) more often than chance gives. */
	readonly copies: Switch &
		CopyLevel & {
			/** `flagFrom` for rows that match the queries, many contributors' rows or the contributor's own, as honest sources do more often. In (0, 1]. */
			readonly manyFrom: number;
		};
	/** The same in a wider radius, where matches say less: nearly all rows must match those of one contributor. */
	readonly farCopies: Switch & CopyLevel;
	/** Names with one source, one wallet cluster or a copy between them are one player of any Shapley value over names. */
	readonly clusters: Switch;
	/** This share of the queries stays hidden until the scores are committed, and only they pay. In (0, 1). */
	readonly hiddenQueries: Switch & { readonly share: number };
	/** Rows of a set that was committed after the queries are held against them as against an earlier contributor. */
	readonly queryCopies: Switch;
	/** KNN-Shapley beside the ridge path. */
	readonly neighbourLeg: Switch & {
		/** In [1, 100]. */
		readonly neighbours: number;
		/** What a contributor is paid by: the smaller of its two shares, or the ridge path, only flagged beyond `ratio`. */
		readonly pays: "minimum" | "ridge-path";
		/** A ridge-path share of more than this many times the KNN-Shapley share is flagged. Above 1. */
		readonly ratio: number;
	};
	/** Rows with a leverage of more than `leverage` times the median are left out (weight 0). Above 1. */
	readonly bounds: Switch & { readonly leverage: number };
	/** Negative sums are charged: to the stake, and beyond it to what the cluster earns. Without it nobody is charged. */
	readonly stake: Switch;
	/** Shares are weighed by reputation, kept between two bounds. 0 < least <= 1 <= most. */
	readonly reputation: Switch & { readonly least: number; readonly most: number };
}

/** Names of the defences. */
export type Defence = Exclude<keyof DefencePolicy, "schema">;

/** Everything on; where the numbers come from is measured in docs/attribution-gaming.md. */
export const DEFAULT_POLICY: DefencePolicy = {
	schema: "openledger.defence-policy.v1",
	duplicates: { on: true },
	nearDuplicates: { on: true, radius: 0.3 },
	copies: { on: true, radius: 0.8, falseAlarm: 1e-6, flagFrom: 0.3, manyFrom: 0.4, quarantineFrom: 0.5 },
	farCopies: { on: true, radius: 1.2, falseAlarm: 1e-6, flagFrom: 0.8, quarantineFrom: 0.8 },
	clusters: { on: true },
	hiddenQueries: { on: true, share: 0.5 },
	queryCopies: { on: true },
	neighbourLeg: { on: true, neighbours: 5, pays: "minimum", ratio: 1.5 },
	bounds: { on: true, leverage: 20 },
	stake: { on: true },
	reputation: { on: true, least: 0.5, most: 2 },
};

/** The defences in the order in which they work. */
export const DEFENCES = Object.keys(DEFAULT_POLICY).filter((key) => key !== "schema") as readonly Defence[];

/** The policy without some of its defences. */
export function without(policy: DefencePolicy, ...defences: readonly Defence[]): DefencePolicy {
	return { ...policy, ...Object.fromEntries(defences.map((name) => [name, { ...policy[name], on: false }])) };
}

/** The policy that leaves everything as it is. */
export const NO_DEFENCE: DefencePolicy = without(DEFAULT_POLICY, ...DEFENCES);

type Rule = readonly [expected: string, holds: (value: number) => boolean];
const PART: Rule = ["a number in (0, 1)", (value) => value > 0 && value < 1];
const SHARE: Rule = ["a number in (0, 1]", (value) => value > 0 && value <= 1];
const ABOVE_ONE: Rule = ["a finite number above 1", (value) => value > 1 && value < Infinity];

function levelRules(name: string): Record<string, Rule> {
	return {
		[`${name}.radius`]: ["a number in (0, 2]", (value) => value > 0 && value <= 2],
		[`${name}.falseAlarm`]: ["a number in (0, 0.1]", (value) => value > 0 && value <= 0.1],
		[`${name}.flagFrom`]: SHARE,
		[`${name}.quarantineFrom`]: SHARE,
	};
}

/** The range of each number. */
const RULES: Readonly<Record<string, Rule>> = {
	"nearDuplicates.radius": PART,
	...levelRules("copies"),
	"copies.manyFrom": SHARE,
	...levelRules("farCopies"),
	"hiddenQueries.share": PART,
	"neighbourLeg.neighbours": ["an integer in [1, 100]", (value) => Number.isInteger(value) && value >= 1 && value <= 100],
	"neighbourLeg.ratio": ABOVE_ONE,
	"bounds.leverage": ABOVE_ONE,
	"reputation.least": ["a number in (0, 1]", (value) => value > 0 && value <= 1],
	"reputation.most": ["a finite number of at least 1", (value) => value >= 1 && value < Infinity],
};

/**
 * A policy read from JSON, if it is one: every part of the default policy, nothing else, and each number in its range.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE naming the part
 */
export function checkPolicy(value: unknown): DefencePolicy {
	const given = record(value, "a policy");
	sameKeys(given, DEFAULT_POLICY, "");
	if (given.schema !== DEFAULT_POLICY.schema) throw outside("schema", JSON.stringify(DEFAULT_POLICY.schema), given.schema);
	for (const name of DEFENCES) {
		const part = record(given[name], name);
		sameKeys(part, DEFAULT_POLICY[name], `${name}.`);
		for (const [key, number] of Object.entries(part)) checkValue(`${name}.${key}`, number);
	}
	const policy = given as unknown as DefencePolicy;
	for (const name of ["copies", "farCopies"] as const) {
		const { flagFrom, quarantineFrom } = policy[name];
		if (flagFrom > quarantineFrom) throw outside(`${name}.flagFrom`, `at most ${name}.quarantineFrom = ${quarantineFrom}`, flagFrom);
	}
	return policy;
}

/** keccak256 of the policy's canonical JSON, 0x and 64 digits. @throws {DataError} as `checkPolicy` */
export function policyDigest(policy: DefencePolicy): string {
	return jsonDigest(checkPolicy(policy));
}

function checkValue(place: string, value: unknown): void {
	if (place.endsWith(".on")) {
		if (typeof value !== "boolean") throw outside(place, "true or false", value);
	} else if (place === "neighbourLeg.pays") {
		if (value !== "minimum" && value !== "ridge-path") throw outside(place, '"minimum" or "ridge-path"', value);
	} else {
		const [expected, holds] = RULES[place] as Rule;
		if (typeof value !== "number" || !holds(value)) throw outside(place, expected, value);
	}
}

function record(value: unknown, place: string): Record<string, unknown> {
	if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	throw outside(place, "an object", value);
}

function sameKeys(given: object, expected: object, prefix: string): void {
	for (const key of Object.keys(expected)) {
		if (!Object.hasOwn(given, key)) throw outside(`${prefix}${key}`, "a value", undefined);
	}
	for (const key of Object.keys(given)) {
		if (!Object.hasOwn(expected, key)) throw outside(`${prefix}${key}`, "no such part", (given as Record<string, unknown>)[key]);
	}
}

function outside(place: string, expected: string, value: unknown): DataError {
	const got = typeof value === "number" || value === undefined ? String(value) : JSON.stringify(value);
	return new DataError(
		"PARAMETER_OUT_OF_RANGE",
		`defence policy: ${place}: expected ${expected}, got ${got}`,
		"Start from the default policy and change one number.",
	);
}
