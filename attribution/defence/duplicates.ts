/**
 * Rows that were there before: first by their bytes, then by distance. First commit wins, whoever committed both.
 */
import type { Evidence } from "./evidence.ts";
import type { Defence, DefencePolicy } from "./policy.ts";
import type { Proximity } from "./proximity.ts";

/** An earlier row that a row repeats. */
export interface Repetition {
	readonly of: number;
	readonly defence: Defence;
	/** In typical distances; 0 for equal bytes. */
	readonly distance: number;
}

/**
 * For each row the earlier one that it repeats, by the defences that are on.
 * @param queries - the owner number of the queries, which are nobody's repetition themselves
 */
export function findRepetitions(
	evidence: Evidence,
	{ close }: Proximity,
	policy: DefencePolicy,
	queries: number,
): (Repetition | undefined)[] {
	const { owner } = evidence;
	const nameFor = (other: number, defence: Defence): Defence => (owner[other] === queries ? "queryCopies" : defence);
	const first = firstOccurrences(evidence);
	return close.map((near, row) => {
		if (owner[row] === queries) return undefined;
		const original = first[row] as number;
		const exact = nameFor(original, "duplicates");
		if (original !== row && policy[exact].on) return { of: original, defence: exact, distance: 0 };
		let best: Repetition | undefined;
		for (const { row: of, distance } of near) {
			if (of >= row || distance > policy.nearDuplicates.radius || distance >= (best?.distance ?? Infinity)) continue;
			const defence = nameFor(of, "nearDuplicates");
			if (policy[defence].on) best = { of, defence, distance };
		}
		return best;
	});
}

/**
 * For each row the earliest row with the same features, or itself. The bytes are the key, so there are no collisions. The label is no
 * part of it: a row that is committed a second time with another label is no new row.
 */
export function firstOccurrences({ x, n, d }: Pick<Evidence, "x" | "n" | "d">): Uint32Array {
	const known = new Map<string, number>();
	return Uint32Array.from({ length: n }, (_, row) => {
		const key = Buffer.from(x.buffer, x.byteOffset + row * d, d).toString("latin1");
		const first = known.get(key) ?? row;
		if (first === row) known.set(key, row);
		return first;
	});
}
