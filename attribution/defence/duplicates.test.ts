import { expect, test } from "vitest";
import { generator } from "../../compute/random.ts";
import { findRepetitions, firstOccurrences } from "./duplicates.ts";
import { stackEvidence } from "./evidence.ts";
import { DEFAULT_POLICY, without } from "./policy.ts";
import { measureProximity } from "./proximity.ts";
import { D, drawEpoch, drawRows } from "./testing.ts";

test("the first of equal rows is found by a search through all", () => {
	const next = generator(1n);
	// Three values in two features: many repetitions.
	const x = Uint8Array.from({ length: 60 * 2 }, () => next() % 3);
	const first = firstOccurrences({ x, n: 60, d: 2 });
	for (let row = 0; row < 60; row++) {
		const expected = Array.from({ length: 60 }, (_, other) => other).find(
			(other) => x[2 * other] === x[2 * row] && x[2 * other + 1] === x[2 * row + 1],
		);
		expect(first[row]).toBe(expected);
	}
});

test("whoever commits first keeps a row, whatever the order of the list, and queries come before rows that are later", async () => {
	const { submissions, context } = drawEpoch(3, 30, 2n);
	const copied = drawRows(30, generator(9n));
	const x = copied.x.slice();
	x.set(submissions[0]?.rows.x.subarray(0, D) as Uint8Array, 0);
	x.set(context.queries.rows.x.subarray(0, D), D);
	// One value moved by 2: no longer equal.
	x.set(submissions[0]?.rows.x.subarray(D, 2 * D) as Uint8Array, 2 * D);
	x[2 * D] = (x[2 * D] as number) + 2;
	const late = { contributor: "late", rows: { ...copied, x }, committed: 9 };
	const list = [late, ...submissions];
	const evidence = stackEvidence(list, context);
	const proximity = await measureProximity(evidence, 0.3);
	const start = evidence.start[0] as number;
	const found = findRepetitions(evidence, proximity, DEFAULT_POLICY, list.length);
	expect(found[start]).toEqual({ of: evidence.start[1], defence: "duplicates", distance: 0 });
	expect(found[start + 1]).toEqual({ of: evidence.start[4], defence: "queryCopies", distance: 0 });
	expect(found[start + 2]).toMatchObject({ of: (evidence.start[1] as number) + 1, defence: "nearDuplicates" });
	expect(found.filter(Boolean)).toHaveLength(3);

	// The same rows, committed before all others: the others repeat them.
	const early = [{ ...late, committed: -1 }, ...submissions];
	const other = stackEvidence(early, context);
	const turned = findRepetitions(other, await measureProximity(other, 0.3), DEFAULT_POLICY, early.length);
	expect(turned.filter(Boolean)).toHaveLength(2);
	expect(turned[other.start[1] as number]).toEqual({ of: other.start[0], defence: "duplicates", distance: 0 });
});

test("each switch is its own", async () => {
	const { submissions, context } = drawEpoch(2, 30, 3n);
	const rows = submissions[0]?.rows as (typeof submissions)[0]["rows"];
	const list = [...submissions, { contributor: "copy", rows, committed: 9 }];
	const evidence = stackEvidence(list, context);
	const proximity = await measureProximity(evidence, 0.3);
	const count = (...off: Parameters<typeof without>[1][]) =>
		findRepetitions(evidence, proximity, without(DEFAULT_POLICY, ...off), 3).filter(Boolean).length;
	expect(count()).toBe(30);
	expect(count("duplicates")).toBe(30);
	expect(count("duplicates", "nearDuplicates")).toBe(0);
});
