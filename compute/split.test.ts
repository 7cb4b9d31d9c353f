import { describe, expect, test } from "vitest";
import { splitRows } from "./split.ts";
import { refusal } from "./testing.ts";

const table = (n: number, owners: string[] | null = null) => ({ source: "t", n, k: 3, owners });

test.each([8, 9, 15, 16, 150, 1797])("%d rows: each in exactly one part, each training row with one contributor", (n) => {
	const { train, query, evaluation, contributors } = splitRows(table(n), { contributors: 5 });
	const every = [...train, ...query, ...evaluation].sort((a, b) => a - b);
	expect(every).toEqual(Array.from({ length: n }, (_, row) => row));
	expect([...query, ...evaluation].every((row) => row % 4 === 3)).toBe(true);
	expect([...query].every((row) => row % 8 === 3)).toBe(true);
	expect(contributors.flatMap(({ rows }) => [...rows]).sort((a, b) => a - b)).toEqual([...train]);
});

test("round robin over the training rows", () => {
	const { contributors } = splitRows(table(8), { contributors: 2 });
	expect(contributors).toEqual([
		{ owner: "0", rows: Uint32Array.of(0, 2, 5) },
		{ owner: "1", rows: Uint32Array.of(1, 4, 6) },
	]);
});

test("owners in order of first appearance", () => {
	const owners = ["b", "a", "b", "a", "c", "c", "b", "c"];
	expect(splitRows(table(8, owners), { contributors: 1 }).contributors).toEqual([
		{ owner: "b", rows: Uint32Array.of(0, 2, 6) },
		{ owner: "a", rows: Uint32Array.of(1) },
		{ owner: "c", rows: Uint32Array.of(4, 5) },
	]);
});

describe("refused", () => {
	test("fewer than 8 rows", async () => {
		expect(await refusal(() => splitRows(table(7), { contributors: 1 }))).toEqual({
			code: "TOO_FEW_ROWS",
			message: "t: 7 rows, at least 8 are needed for a query and an evaluation row",
		});
	});

	test("fewer training rows than contributors", async () => {
		expect(splitRows(table(8), { contributors: 6 }).contributors).toHaveLength(6);
		expect(await refusal(() => splitRows(table(8), { contributors: 7 }))).toEqual({
			code: "TOO_FEW_ROWS",
			message: "t: 6 training rows for 7 contributors",
		});
	});

	test.each([0, 1.5, Number.NaN])("%d contributors", async (contributors) => {
		expect(await refusal(() => splitRows(table(8), { contributors }))).toEqual({
			code: "CONTRIBUTOR_EMPTY",
			message: `t: ${contributors} contributors, at least 1 is needed`,
		});
	});

	test("an owner whose rows are all held out", async () => {
		const owners = ["b", "b", "b", "a", "b", "b", "b", "b"];
		expect(await refusal(() => splitRows(table(8, owners), { contributors: 1 }))).toEqual({
			code: "CONTRIBUTOR_EMPTY",
			message: 't: owner "a" has no training row',
		});
	});

	test("more classes than the circuit's", async () => {
		expect(splitRows(table(8), { contributors: 1, maxClasses: 3 }).train).toHaveLength(6);
		expect(await refusal(() => splitRows(table(8), { contributors: 1, maxClasses: 2 }))).toEqual({
			code: "TOO_MANY_CLASSES",
			message: "t: 3 classes, the circuit takes at most 2",
		});
	});
});
