import { describe, expect, test } from "vitest";
import { refusal } from "../compute/testing.ts";
import { defend } from "./defence/defend.ts";
import { DEFAULT_POLICY, DEFENCES, NO_DEFENCE, without } from "./defence/policy.ts";
import type { Submission } from "./defence/submission.ts";
import { drawEpoch } from "./defence/testing.ts";
import { explain } from "./explanation.ts";
import { ridgePathMethod } from "./ridge-path.ts";
import { statistics } from "./testing.ts";

const { submissions, context } = drawEpoch(5, 40, 1n);
const own = (submissions[1] as Submission).rows;
// Row 0 is one of c0's, row 1 has a wrong label.
const x = own.x.slice();
x.set((submissions[0] as Submission).rows.x.subarray(0, context.d), 0);
const label = own.label.map((y, row) => (row === 1 ? (y + 1) % context.k : y));
const list = submissions.map((one, c) =>
	c === 1 ? { ...one, rows: { ...own, x, label }, wallet: "w" } : c === 4 ? { ...one, wallet: "w" } : one,
);

describe("an explanation", async () => {
	const result = await explain("c1", list, DEFAULT_POLICY, context, { rows: 40 });

	test("names the rows that earn and cost, in order, and they are all rows that count", () => {
		const { earned, cost, counts, verdict } = result;
		expect(earned.map(({ share }) => share)).toEqual(earned.map(({ share }) => share).sort((a, b) => b - a));
		expect(cost.map(({ share }) => share)).toEqual(cost.map(({ share }) => share).sort((a, b) => a - b));
		expect([earned.length, cost.length]).toEqual([counts.earning, counts.costing]);
		expect(counts.earning + counts.costing + counts.clamped).toBe(40);
		const total = [...earned, ...cost].reduce((sum, { share }) => sum + share, 0);
		expect(total).toBeCloseTo(verdict.ridgePathShare, 12);
		expect([...earned, ...cost].some(({ row }) => row === 0)).toBe(false);
	});

	test("a row's share is what the paying method gives to it as a contribution of its own", async () => {
		const { d, k, path, queries } = context;
		const { contributors } = await defend(list, DEFAULT_POLICY, context);
		const single = contributors.flatMap(({ weights }, c) =>
			Array.from(weights, (weight, row) => {
				const { rows } = list[c] as Submission;
				return { x: rows.x.slice(row * d, (row + 1) * d), label: rows.label.slice(row, row + 1), weight: Uint8Array.of(weight), count: 1 };
			}),
		);
		const contributions = await Promise.all(single.map((rows) => statistics(rows, d, k)));
		const { scores } = ridgePathMethod(path)
			.cache(contributions)
			.attribute(await statistics(queries.rows, d, k));
		const sums = Array.from({ length: 5 }, (_, c) => scores.subarray(40 * c, 40 * (c + 1)).reduce((sum, score) => sum + score, 0));
		const pool = sums.reduce((sum, score) => sum + Math.max(0, score), 0);
		for (const { row, share } of [...result.earned, ...result.cost]) expect(share).toBeCloseTo((scores[40 + row] as number) / pool, 9);
	});

	test("names the nearest rows and the cluster", () => {
		expect(result.nearest[0]).toEqual({ row: 0, of: { contributor: "c0", row: 0 }, distance: 0, isEarlier: true });
		expect(result.verdict.clamps).toMatchObject([{ row: 0, defence: "duplicates", of: { contributor: "c0", row: 0 } }]);
		expect(result.cluster).toEqual(["c1", "c4"]);
	});

	test("gives the share with and without each defence", async () => {
		const shareUnder = async (policy: typeof DEFAULT_POLICY) => (await defend(list, policy, context)).contributors[1]?.share;
		expect(result.shares.policy).toBe(await shareUnder(DEFAULT_POLICY));
		expect(result.shares.undefended).toBe(await shareUnder(NO_DEFENCE));
		expect(Object.keys(result.shares.without)).toEqual(DEFENCES);
		expect(result.shares.without.neighbourLeg).toBe(await shareUnder(without(DEFAULT_POLICY, "neighbourLeg")));
		const some = await explain("c1", list, without(DEFAULT_POLICY, "stake"), context);
		expect(Object.keys(some.shares.without)).toEqual(DEFENCES.filter((name) => name !== "stake"));
		expect(some.earned.length).toBeLessThanOrEqual(5);
	});
});

test("refuses an unknown name", async () => {
	expect(await refusal(() => explain("c9", list, DEFAULT_POLICY, context))).toEqual({
		code: "PARAMETER_OUT_OF_RANGE",
		message: 'explain: expected one of c0, c1, c2, c3, c4, got "c9"',
	});
});
