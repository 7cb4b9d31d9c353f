import { beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../../compute/dataset.ts";
import { drawGlyphs } from "../../compute/glyphs.ts";
import { generator } from "../../compute/random.ts";
import { refusal, sample } from "../../compute/testing.ts";
import { DEFAULT_POLICY, NO_DEFENCE } from "../defence/policy.ts";
import type { Scene } from "./attack.ts";
import { type Audit, type AuditLine, audit, knownQueries } from "./audit.ts";
import { auditChart } from "./audit-chart.ts";
import { copyAttack } from "./copy.ts";
import { type Setting, settingOf } from "./setting.ts";
import { shadowAttack } from "./shadow.ts";
import { cherryPickAttack, shapleySplitAttack, splitAttack } from "./split.ts";
import { ATTACKS } from "./suite.ts";

const glyphs = settingOf(drawGlyphs({ n: 400, seed: 1n }), undefined, { contributors: 5 });

function sceneOf({ submissions, context }: Setting): Scene {
	return { submissions, context, attacker: 1, best: 2, knownQueries: context.queries.rows, next: generator(1n) };
}

describe("attacks", () => {
	test("leave honest contributors as they are and hand in rows that an epoch takes", async () => {
		const scene = sceneOf(glyphs);
		const { d, k } = scene.context;
		for (const attack of ATTACKS) {
			const { submissions, names } = await attack.apply({ ...scene, next: generator(1n) });
			const honest = submissions.filter(({ contributor }) => !names.includes(contributor));
			const expected = attack.attacker === "newcomer" ? scene.submissions : scene.submissions.filter((_, c) => c !== 1);
			expect(honest, attack.name).toEqual(expected);
			for (const { rows, committed, contributor } of submissions.filter((one) => names.includes(one.contributor))) {
				expect(rows.x).toHaveLength(rows.count * d);
				expect(rows.label.every((y) => y < k)).toBe(true);
				for (let row = 0; row < rows.count; row++) expect(rows.x[(row + 1) * d - 1], contributor).toBe(255);
				expect(committed).toBeGreaterThan(5);
			}
			expect((await attack.apply({ ...scene, next: generator(1n) })).submissions, attack.name).toEqual(submissions);
		}
		expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
	});

	test("splits hand in the attacker's rows, each once", async () => {
		const scene = sceneOf(glyphs);
		const own = (scene.submissions[1] as Setting["submissions"][number]).rows;
		for (const attack of [splitAttack, shapleySplitAttack, cherryPickAttack]) {
			const { submissions, names } = await attack.apply(scene);
			const parts = submissions.filter(({ contributor }) => names.includes(contributor));
			expect(parts.reduce((sum, { rows }) => sum + rows.count, 0)).toBe(own.count);
			const keys = (x: Uint8Array) =>
				Array.from({ length: x.length / scene.context.d }, (_, row) => x.slice(row * scene.context.d, (row + 1) * scene.context.d).join());
			expect(parts.flatMap(({ rows }) => keys(rows.x)).sort()).toEqual(keys(own.x).sort());
		}
	});

	test("the shadow attack moves no value by more than a sixteenth of the range, and raises the attacker's share", async () => {
		const scene = sceneOf(glyphs);
		const own = (scene.submissions[1] as Setting["submissions"][number]).rows;
		const { submissions } = await shadowAttack.apply(scene);
		const moved = submissions.at(-1)?.rows.x as Uint8Array;
		expect(Math.max(...moved.map((value, i) => Math.abs(value - (own.x[i] as number))))).toBe(16);
		const { lines } = await audit(glyphs, DEFAULT_POLICY, { attacks: [shadowAttack], attackers: ["1"] });
		const { before, after } = (lines[0] as AuditLine).undefended.attacker;
		expect(after / before).toBeGreaterThan(1.2);
	});

	test("whoever fits queries sees the shown ones only", () => {
		const { queries } = glyphs.context;
		const known = knownQueries(queries, DEFAULT_POLICY);
		expect(known.count).toBe(queries.rows.count - (queries.hidden as Uint32Array).length);
		expect(knownQueries(queries, NO_DEFENCE)).toBe(queries.rows);
	});
});

test("an audit has a line per attacker and attack, newcomers once, and the same figures every time", async () => {
	const run = () => audit(glyphs, DEFAULT_POLICY, { attackers: ["1", "3"], seed: 4n });
	const result = await run();
	const ofContributors = ATTACKS.filter(({ attacker }) => attacker === "contributor").length;
	expect(result.lines).toHaveLength(ATTACKS.length + ofContributors);
	expect(result.lines.filter(({ by }) => by === null)).toHaveLength(ATTACKS.length - ofContributors);
	expect(await run()).toEqual(result);
	const svg = await auditChart(result);
	for (const name of ["shadow", "flipped-labels", "attack, undefended"]) expect(svg).toContain(name);
});

test("an exact Shapley value over too many names is left out and said so", async () => {
	const many = settingOf(drawGlyphs({ n: 400, seed: 1n }), undefined, { contributors: 12 });
	const { lines, leftOut } = await audit(many, DEFAULT_POLICY, { attacks: [shapleySplitAttack, splitAttack] });
	expect(lines.map(({ attack }) => attack)).toEqual(["split"]);
	expect(leftOut).toEqual([{ attack: "shapley-split", reason: "an exact Shapley value takes at most 14 names, there would be 16" }]);
});

describe("refused", () => {
	const table = drawGlyphs({ n: 64, seed: 1n });
	test.each([
		[
			"one contributor",
			() => audit(settingOf(table, undefined, { contributors: 1 }), DEFAULT_POLICY),
			"TOO_FEW_ROWS",
			"at least 2 contributors, got 1",
		],
		[
			"an unknown attacker",
			() => audit(settingOf(table, undefined), DEFAULT_POLICY, { attackers: ["x"] }),
			"PARAMETER_OUT_OF_RANGE",
			'got "x"',
		],
		[
			"more contributors than rows",
			async () => settingOf(table, undefined, { contributors: 49 }),
			"CONTRIBUTOR_EMPTY",
			"1 to 48 contributors, got 49",
		],
		["one query", async () => settingOf(table, { ...table, n: 1 }), "TOO_FEW_ROWS", "at least 2 query rows"],
	])("%s", async (_, run, code, message) => {
		expect(await refusal(run)).toEqual({ code, message: expect.stringContaining(message) });
	});
});

const file = sample("sklearn/digits.csv.gz");

describe.skipIf(file.absent)("digits: ten contributors, contributor 3 or a newcomer attacks", () => {
	let result: Audit;
	const line = (name: string) => result.lines.find(({ attack }) => attack === name) as AuditLine;
	const gain = (name: string, side: "undefended" | "defended") => {
		const { before, after } = line(name)[side].attacker;
		return after / before - 1;
	};
	beforeAll(async () => {
		const attacks = ATTACKS.filter(({ payer }) => payer === undefined);
		result = await audit(settingOf(await readTable(file.path), undefined), DEFAULT_POLICY, { attacks, attackers: ["3"] });
	}, 60_000);

	test("nobody honest is flagged, with or without an attack", () => {
		expect(result.falselyFlagged).toEqual([]);
		expect(result.lines.flatMap(({ defended }) => defended.falselyFlagged)).toEqual([]);
	});

	test("names, repeated rows and shadow models pay without defence and not with it", () => {
		expect(gain("split", "undefended")).toBeCloseTo(0, 9);
		expect(gain("split", "defended")).toBeLessThan(0.005);
		expect(gain("cherry-pick", "undefended")).toBeGreaterThan(0.02);
		expect(gain("cherry-pick", "defended")).toBeLessThan(0.005);
		expect(gain("repeat", "undefended")).toBeGreaterThan(1.5);
		expect(gain("repeat", "defended")).toBeLessThan(0.005);
		expect(gain("shadow", "undefended")).toBeGreaterThan(0.5);
		expect(gain("shadow", "defended")).toBeLessThan(0.1);
	});

	test("copies are quarantined and take nothing from their victim", () => {
		for (const name of ["copy", "copy-noise-1", "copy-noise-2", "leaked-queries", "leaked-queries-noise-2"]) {
			const { undefended, defended } = line(name);
			expect(undefended.attacker.after, name).toBeGreaterThan(0.08);
			expect(defended, name).toMatchObject({ quarantined: true, flagged: true, attacker: { before: 0, after: 0 } });
			expect(defended.reason).toMatch(/match/);
			if (defended.victim) expect(1 - defended.victim.after / defended.victim.before).toBeLessThan(0.01);
		}
		expect(copyAttack(0).name).toBe("copy");
	});

	test("noise and flipped labels are charged", () => {
		expect(line("noise").defended.attacker.after).toBeLessThan(-0.02);
		expect(line("flipped-labels").defended.attacker.after).toBeLessThan(-0.1);
		expect(line("noise").undefended.attacker.after).toBe(0);
	});
});
