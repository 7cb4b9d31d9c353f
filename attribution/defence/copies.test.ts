import { describe, expect, test } from "vitest";
import { generator } from "../../compute/random.ts";
import { addNoise } from "../attack/copy.ts";
import { type CopyFinding, findCopies } from "./copies.ts";
import { stackEvidence } from "./evidence.ts";
import { DEFAULT_POLICY } from "./policy.ts";
import { measureProximity } from "./proximity.ts";
import { joinRows } from "./stack.ts";
import type { DefenceContext, Submission } from "./submission.ts";
import { drawEpoch, drawRows } from "./testing.ts";

const level = DEFAULT_POLICY.copies;

async function findingsOf(
	submissions: readonly Submission[],
	context: DefenceContext,
	from: number | null = level.manyFrom,
): Promise<CopyFinding[][]> {
	const evidence = stackEvidence(submissions, context);
	return findCopies(evidence, await measureProximity(evidence, level.radius), level, submissions.length, from ?? undefined);
}

const rowsOf = (one: Submission | undefined) => (one as Submission).rows;

test("nobody honest is flagged in 40 epochs of 8 contributors, also where every contributor holds one class", async () => {
	let people = 0;
	for (let seed = 0n; seed < 40n; seed++) {
		const { submissions, context } = drawEpoch(8, 40, seed);
		const skewed = submissions.map((one, c) => ({ ...one, rows: onlyClass(joinRows(submissions.map(({ rows }) => rows)), c) }));
		for (const list of [submissions, skewed]) {
			expect((await findingsOf(list, context)).flat()).toEqual([]);
			people += list.length;
		}
	}
	expect(people).toBe(640);
});

/** Every 8th row of one class, so that no row has two owners. */
function onlyClass(all: Submission["rows"], c: number): Submission["rows"] {
	const d = all.x.length / all.count;
	const own = Array.from({ length: all.count }, (_, row) => row).filter((row) => all.label[row] === c % 3 && Math.floor(row / 3) % 8 === c);
	return {
		x: Uint8Array.from(own.flatMap((row) => Array.from(all.x.subarray(row * d, (row + 1) * d)))),
		label: Uint8Array.from(own, (row) => all.label[row] as number),
		weight: new Uint8Array(own.length).fill(1),
		count: own.length,
	};
}

describe("a copy", () => {
	const { submissions, context } = drawEpoch(8, 60, 1n);
	const copied = (noise: number) => addNoise(rowsOf(submissions[3]), noise, generator(2n));

	test.each([
		["of all rows", copied(0), 1],
		["with noise", copied(1), 1],
		["of a third beside two thirds of its own", joinRows([sliceRows(copied(0), 0, 20), drawRows(40, generator(3n))]), 1 / 3],
	])("%s is found, and whose it is", async (_, rows, share) => {
		const list = [...submissions, { contributor: "copy", rows, committed: 99 }];
		const findings = await findingsOf(list, context);
		expect(findings.slice(0, 8).flat()).toEqual([]);
		const found = findings[8]?.find(({ of }) => of !== null) as CopyFinding;
		expect(found.of).toBe(3);
		expect(found.share).toBeGreaterThan(0.9 * share);
		expect(found.share).toBeLessThan(share + 0.15);
		expect(found.expected).toBeLessThan(0.2);
	});

	test("that was committed before is the original", async () => {
		const list = [...submissions, { contributor: "copy", rows: copied(0), committed: -1 }];
		const findings = await findingsOf(list, context);
		expect(findings[8]).toEqual([]);
		expect(findings[3]?.[0]).toMatchObject({ of: 8, share: 1 });
	});

	test("of the queries is found where it comes after them", async () => {
		const rows = addNoise(context.queries.rows, 1, generator(4n));
		const late = await findingsOf([...submissions, { contributor: "copy", rows, committed: 99 }], context);
		expect(late[8]?.some(({ of }) => of === 9)).toBe(true);
		const early = await findingsOf([...submissions, { contributor: "copy", rows, committed: -1 }], context);
		expect(early[8]).toEqual([]);
	});

	test("of rows of many is found by its rate", async () => {
		const parts = submissions.map(({ rows }, c) => sliceRows(rows, 7 * c, 7 * c + 7));
		const rows = addNoise(joinRows(parts), 1, generator(5n));
		const findings = await findingsOf([...submissions, { contributor: "copy", rows, committed: 99 }], context);
		expect(findings[8]?.find(({ of }) => of === null)?.share).toBeGreaterThan(0.9);
		const pairsOnly = await findingsOf([...submissions, { contributor: "copy", rows, committed: 99 }], context, null);
		expect(pairsOnly[8]?.every(({ of }) => of !== null)).toBe(true);
	});

	test("of own rows is found, all but the first of each", async () => {
		const own = rowsOf(submissions[2]);
		const rows = joinRows([own, addNoise(own, 1, generator(6n))]);
		const list = submissions.map((one, c) => (c === 2 ? { ...one, rows } : one));
		const findings = await findingsOf(list, context);
		const found = findings[2]?.find(({ of }) => of === 2) as CopyFinding;
		expect(found.share).toBeGreaterThan(0.45);
		expect(found.share).toBeLessThan(0.6);
		expect(findings.flat()).toEqual([found]);
	});

	test("of less than the least share is no flag", async () => {
		const rows = joinRows([sliceRows(copied(0), 0, 5), drawRows(55, generator(8n))]);
		expect((await findingsOf([...submissions, { contributor: "copy", rows, committed: 99 }], context)).flat()).toEqual([]);
	});
});

function sliceRows({ x, label, weight, count }: Submission["rows"], from: number, to: number): Submission["rows"] {
	const d = x.length / count;
	return { x: x.slice(from * d, to * d), label: label.slice(from, to), weight: weight.slice(from, to), count: to - from };
}
