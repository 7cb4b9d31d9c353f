import { beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../../compute/dataset.ts";
import { generator } from "../../compute/random.ts";
import { refusal, sample } from "../../compute/testing.ts";
import { addNoise } from "../attack/copy.ts";
import { type Setting, settingOf } from "../attack/setting.ts";
import { defend, neighbourScores, payingQueries, ridgePathScores, settle } from "./defend.ts";
import { DEFAULT_POLICY, NO_DEFENCE, policyDigest, without } from "./policy.ts";
import { screen } from "./screen.ts";
import type { DefenceContext, Submission } from "./submission.ts";
import { drawEpoch } from "./testing.ts";

const sum = (values: Iterable<number>) => Array.from(values).reduce((total, one) => total + one, 0);

describe("a drawn epoch", () => {
	const { submissions, context } = drawEpoch(6, 60, 1n);
	const first = submissions[0] as Submission;

	test("honest contributors keep all rows, and shares add up to 1 under every policy", async () => {
		for (const policy of [NO_DEFENCE, DEFAULT_POLICY, without(DEFAULT_POLICY, "neighbourLeg")]) {
			const verdict = await defend(submissions, policy, context);
			expect(verdict.policy).toBe(policyDigest(policy));
			for (const one of verdict.contributors) {
				expect(one.weights).toEqual(first.rows.weight);
				expect({ ...one, weights: 0 }).toMatchObject({ clamps: [], flags: [], quarantined: false, uncovered: 0, charge: 0 });
			}
			expect(sum(verdict.contributors.map(({ share }) => share))).toBeCloseTo(1, 12);
			expect(new Set(verdict.contributors.map(({ cluster }) => cluster)).size).toBe(6);
		}
	});

	test("is screen, two methods and settle", async () => {
		const { contributors } = await screen(submissions, DEFAULT_POLICY, context);
		const weights = contributors.map((one) => one.weights);
		const ridgePath = ridgePathScores(submissions, weights, DEFAULT_POLICY, context);
		const neighbours = await neighbourScores(submissions, weights, DEFAULT_POLICY, context);
		const { contributors: whole } = await defend(submissions, DEFAULT_POLICY, context);
		expect(settle(submissions, contributors, DEFAULT_POLICY, ridgePath, neighbours)).toEqual(whole);
		// Scores that are proven are integers in another unit.
		expect(
			settle(
				submissions,
				contributors,
				DEFAULT_POLICY,
				ridgePath.map((score) => score * 2 ** 80),
				neighbours,
			).map(({ share }) => share),
		).toEqual(whole.map(({ share }) => expect.closeTo(share, 12)));
	});

	test("the order of the list does not matter, only that of commitment", async () => {
		const copy = { contributor: "copy", rows: first.rows, committed: 9 };
		const one = await defend([...submissions, copy], DEFAULT_POLICY, context);
		const other = await defend([copy, ...submissions], DEFAULT_POLICY, context);
		expect(other.contributors[0]).toMatchObject({ contributor: "copy", quarantined: true, share: 0 });
		other.contributors.slice(1).forEach((found, c) => {
			expect(found.share).toBeCloseTo(one.contributors[c]?.share as number, 12);
		});
	});

	test("a copy says whose rows it repeats, is linked to it, and takes nothing from anybody", async () => {
		const before = await defend(submissions, DEFAULT_POLICY, context);
		const copy = { contributor: "copy", rows: addNoise(first.rows, 1, generator(1n)), committed: 9 };
		const after = await defend([...submissions, copy], DEFAULT_POLICY, context);
		const found = after.contributors[6];
		expect(found).toMatchObject({ quarantined: true, share: 0, cluster: 0 });
		expect(found?.weights).toEqual(new Uint8Array(60));
		expect(found?.flags[0]).toMatchObject({
			defence: "copies",
			of: "c0",
			reason: expect.stringMatching(/rows \(\d+\.\d %\) match rows of c0/),
		});
		before.contributors.forEach(({ share }, c) => {
			expect(after.contributors[c]?.share).toBeCloseTo(share, 12);
		});
		const open = await defend([...submissions, copy], without(DEFAULT_POLICY, "copies", "farCopies", "nearDuplicates"), context);
		expect(open.contributors[6]?.share).toBeGreaterThan(0.05);
	});

	test("only hidden queries pay where the policy hides them", async () => {
		const hidden = Uint32Array.of(3, 10, 40);
		const queries = { ...context.queries, hidden };
		const paying = payingQueries(queries, DEFAULT_POLICY, context.d);
		expect(paying.count).toBe(3);
		expect(paying.x.subarray(context.d, 2 * context.d)).toEqual(queries.rows.x.subarray(10 * context.d, 11 * context.d));
		expect(payingQueries(queries, without(DEFAULT_POLICY, "hiddenQueries"), context.d)).toBe(queries.rows);
		expect(payingQueries(context.queries, DEFAULT_POLICY, context.d)).toBe(queries.rows);
	});

	test("a row far from all others is left out by its leverage", async () => {
		const x = first.rows.x.map((value, i) => (i < context.d - 1 ? 255 * (Math.floor(i / 3) % 2) : value));
		const list = [{ ...first, rows: { ...first.rows, x } }, ...submissions.slice(1)];
		const strict = { ...DEFAULT_POLICY, bounds: { on: true, leverage: 4 } };
		const { contributors } = await defend(list, strict, context);
		expect(contributors[0]?.clamps).toEqual([{ row: 0, defence: "bounds", measure: expect.any(Number) }]);
		expect(contributors[0]?.weights[0]).toBe(0);
		expect(contributors[0]?.clamps[0]?.measure).toBeGreaterThan(4);
		expect((await defend(list, without(strict, "bounds"), context)).contributors[0]?.clamps).toEqual([]);
	});

	test("a ratio above the limit is flagged where the ridge path pays alone", async () => {
		const { contributors } = await screen(submissions, DEFAULT_POLICY, context);
		const flagging = { ...DEFAULT_POLICY, neighbourLeg: { on: true, neighbours: 5, pays: "ridge-path", ratio: 1.5 } } as const;
		const [ridgePath, neighbours] = [Float64Array.of(4, 1, 1, 1, 1, 1), Float64Array.of(1, 1, 1, 1, 1, 1)];
		const flagged = settle(submissions, contributors, flagging, ridgePath, neighbours);
		expect(flagged.map(({ flags }) => flags.length)).toEqual([1, 0, 0, 0, 0, 0]);
		expect(flagged[0]?.flags[0]?.reason).toBe("the ridge-path share is 2.67 times the KNN-Shapley share of 16.7 %");
		expect(flagged[0]?.share).toBeCloseTo(4 / 9, 12);
		const least = settle(submissions, contributors, DEFAULT_POLICY, ridgePath, neighbours);
		expect(least[0]?.flags).toEqual([]);
		expect(least[0]?.share).toBeCloseTo(1 / 6 / (1 / 6 + 5 / 9), 12);
	});

	test("flipped labels are charged up to the stake; without that defence to nobody", async () => {
		const label = first.rows.label.map((y) => (y + 1) % context.k);
		const list = [{ ...first, rows: { ...first.rows, label }, stake: 0.05 }, ...submissions.slice(1)];
		const charged = await defend(list, DEFAULT_POLICY, context);
		expect(charged.contributors[0]).toMatchObject({ share: -0.05, charge: 0.05 });
		expect(charged.contributors[0]?.uncovered).toBeGreaterThan(0);
		const free = await defend(list, without(DEFAULT_POLICY, "stake"), context);
		expect(free.contributors[0]).toMatchObject({ share: 0, charge: 0 });
	});

	test("reputation weighs shares", async () => {
		const list = submissions.map((one, c) => ({ ...one, reputation: c === 0 ? 9 : 1 }));
		const before = await defend(submissions, DEFAULT_POLICY, context);
		const after = await defend(list, DEFAULT_POLICY, context);
		const old = before.contributors[0]?.share as number;
		expect(after.contributors[0]?.share).toBeCloseTo((2 * old) / (1 + old), 12);
	});

	const rows = first.rows;
	test.each<[string, Partial<Submission>, Partial<DefenceContext>, string, string]>([
		["a name twice", { contributor: "c1" }, {}, "DUPLICATE_ID", 'contributor "c1" is listed twice'],
		["no name", { contributor: "" }, {}, "GROUP_EMPTY", "a contributor has no name"],
		[
			"no rows",
			{ rows: { x: new Uint8Array(), label: new Uint8Array(), weight: new Uint8Array(), count: 0 } },
			{},
			"GROUP_EMPTY",
			'"c0" has no row',
		],
		["a class too many", { rows: { ...rows, label: rows.label.map(() => 3) } }, {}, "LABEL_OUT_OF_RANGE", "label 3 is outside [0, 2]"],
		["another width", { rows: { ...rows, x: rows.x.slice(1) } }, {}, "SHAPE_MISMATCH", "expected 720 values in x"],
		["no time", { committed: Number.NaN }, {}, "PARAMETER_OUT_OF_RANGE", "committed: expected a finite number, got NaN"],
		["a negative stake", { stake: -1 }, {}, "PARAMETER_OUT_OF_RANGE", "stake: expected a number of at least 0, got -1"],
		["no reputation", { reputation: 0 }, {}, "PARAMETER_OUT_OF_RANGE", "reputation: expected a finite number above 0, got 0"],
		["no query", {}, { queries: { rows: { ...rows, count: 0 }, committed: 0 } }, "TOO_FEW_ROWS", "no query"],
		["nothing hidden", {}, { queries: { rows, committed: 0, hidden: new Uint32Array() } }, "TOO_FEW_ROWS", "no hidden query"],
		[
			"a query hidden twice",
			{},
			{ queries: { rows, committed: 0, hidden: Uint32Array.of(4, 4) } },
			"PARAMETER_OUT_OF_RANGE",
			"hidden[1]: expected in [5, 59], got 4",
		],
	])("refuses %s", async (_, change, other, code, message) => {
		const run = (one: Partial<Submission>, changed: Partial<DefenceContext>) =>
			screen([{ ...first, ...one }, ...submissions.slice(1)], DEFAULT_POLICY, { ...context, ...changed });
		expect((await run({}, {})).contributors).toHaveLength(6);
		expect(await refusal(() => run(change, other))).toEqual({ code, message: expect.stringContaining(message) });
	});

	test("refuses an epoch without contributors, and stops when it is told to", async () => {
		expect(await refusal(() => screen([], DEFAULT_POLICY, context))).toMatchObject({ code: "GROUP_EMPTY" });
		const signal = AbortSignal.abort(Object.assign(new Error("enough"), { hint: "none" }));
		expect((await refusal(() => defend(submissions, DEFAULT_POLICY, context, { signal }))).message).toBe("enough");
	});
});

const file = sample("sklearn/digits.csv.gz");

describe.skipIf(file.absent)("digits: 1,348 rows of ten contributors", () => {
	let setting: Setting;
	beforeAll(async () => {
		setting = settingOf(await readTable(file.path), undefined);
	});

	test("nobody is flagged, no row is clamped, everybody gets 8 to 12 %", async () => {
		const { contributors } = await defend(setting.submissions, DEFAULT_POLICY, setting.context);
		for (const { flags, clamps, share } of contributors) {
			expect([flags, clamps]).toEqual([[], []]);
			expect(share).toBeGreaterThan(0.08);
			expect(share).toBeLessThan(0.12);
		}
	});
});
