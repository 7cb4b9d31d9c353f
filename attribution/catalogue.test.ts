import { describe, expect, test } from "vitest";
import { drawGlyphs } from "../compute/glyphs.ts";
import { refusal } from "../compute/testing.ts";
import { settingOf } from "./attack/setting.ts";
import { catalogue, DEFAULTS, methodNamed } from "./catalogue.ts";
import { compare } from "./comparison.ts";
import { groupSums } from "./groups.ts";
import { efficiencyError } from "./method.ts";
import { spearman } from "./metrics/correlation.ts";
import { floatsOf, networkRowsOf, sidesOf } from "./sides.ts";

const sides = sidesOf(settingOf(drawGlyphs({ n: 200, seed: 3n }), undefined, { contributors: 4 }));
const options = { ...DEFAULTS, hidden: [8], epochs: 6, networks: 2, draws: 60 };
const of = async (name: string, changes: Partial<typeof options> = {}) => {
	const ready = await methodNamed(name).ready(sides, { ...options, ...changes });
	return { ready, result: await ready.attribute(sides.test) };
};

describe("sides", () => {
	test("hold each row once, with its contributor and its place in the file", () => {
		expect([sides.train.n, sides.test.n, sides.groups.names]).toEqual([150, 50, ["0", "1", "2", "3"]]);
		expect(Array.from(sides.origin).sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i).filter((i) => i % 4 !== 3));
		// Owners are round robin over the training rows: rows 0, 1, 2, 4, 5, 6, 8 of the file belong to 0, 1, 2, 3, 0, 1, 2.
		expect(Array.from(sides.origin.subarray(0, 3))).toEqual([0, 5, 10]);
	});

	test("are the same numbers in every form", () => {
		const [floats, rows] = [floatsOf(sides.train), networkRowsOf(sides.train)];
		expect([rows.x.rows, rows.x.columns]).toEqual([150, sides.train.d - 1]);
		for (const row of [0, 77, 149]) {
			for (let l = 0; l < sides.train.d - 1; l++) {
				const byte = sides.train.x[row * sides.train.d + l] as number;
				expect(floats.x[row * sides.train.d + l]).toBe(byte / 255);
				expect(rows.x.values[row * (sides.train.d - 1) + l]).toBe(Math.fround(byte / 255));
			}
			expect(floats.x[(row + 1) * sides.train.d - 1]).toBe(1);
		}
	});
});

describe.each(catalogue.map((entry) => [entry.name, entry] as const))("%s", (name, entry) => {
	test("scores its players, says what a score is, and gives the same again", async () => {
		const { ready, result } = await of(name);
		expect(result.scores).toHaveLength(ready.players === "rows" ? sides.train.n : sides.groups.names.length);
		expect(result.scores.every(Number.isFinite)).toBe(true);
		expect(new Set(result.scores).size).toBeGreaterThan(1);
		expect([result.unit, result.positive].every((text) => text.length > 3)).toBe(true);
		expect((await of(name)).result.scores).toEqual(result.scores);
		const pairs = await ready.pairs?.(sides.test);
		if (pairs === undefined) return;
		expect([pairs.entries, pairs.tests]).toEqual([sides.train.n, sides.test.n]);
		// The set's score is the mean over its examples.
		for (const row of [0, 41, 149]) {
			const own = Float64Array.from(pairs.scores.subarray(row * pairs.tests, (row + 1) * pairs.tests));
			const mean = own.reduce((sum, one) => sum + one, 0) / pairs.tests;
			const largest = Math.max(...Array.from(result.scores, Math.abs));
			expect(Math.abs(mean - (result.scores[row] as number))).toBeLessThan(1e-4 * largest);
		}
	});

	test("is stopped by its signal, or is done at once", async () => {
		const stopped = AbortSignal.abort(new Error("enough"));
		const ready = await entry.ready(sides, options, { signal: stopped }).catch((error: Error) => error.message);
		if (typeof ready === "string") return expect(ready).toBe("enough");
		const result = await Promise.resolve(ready.attribute(sides.test, { signal: stopped })).catch((error: Error) => error.message);
		if (typeof result === "string") expect(result).toBe("enough");
		else
			expect(["ridge-path", "influence-ridge", "influence-softmax", "leave-one-out", "datainf", "out-of-fold", "data-oob"]).toContain(name);
	});
});

test("scores over contributors and sums over rows tell the same story", async () => {
	const [path, exact] = [await of("ridge-path"), await of("exact-shapley")];
	const sums = groupSums(path.result.scores, sides.groups);
	expect(efficiencyError(path.result)).toBeLessThan(1e-3);
	expect(efficiencyError(exact.result)).toBeLessThan(1e-9);
	sums.forEach((sum, c) => {
		expect(
			Math.abs(sum / (path.result.total as number) - (exact.result.scores[c] as number) / (exact.result.total as number)),
		).toBeLessThan(0.1);
	});
});

test("games are over rows where that is asked for", async () => {
	const { ready, result } = await of("tmc-shapley", { players: "rows", draws: 30 });
	expect([ready.players, result.scores.length]).toEqual(["rows", sides.train.n]);
	expect(result.sampling).toMatchObject({ drawn: "30 permutations", converged: false });
});

describe("compare", () => {
	const wanted = { ...options, subsets: 12, flips: 0.1 };

	test("holds methods against the one that pays, retraining and flipped labels", async () => {
		const [path, influence, shapley] = await compare(["ridge-path", "influence-ridge", "exact-shapley"], sides, wanted);
		expect(path).toMatchObject({ players: "rows", agreementByContributor: 1, agreementByRow: 1, converged: null });
		expect(path?.efficiencyError).toBeLessThan(1e-3);
		// Influence on the very head that is retrained orders best.
		expect(influence?.lds?.mean).toBeGreaterThan(0.8);
		expect(influence?.lds?.mean).toBeGreaterThan(path?.lds?.mean as number);
		expect(path?.mislabelAuc).toBeGreaterThan(0.8);
		expect(shapley).toMatchObject({ players: "groups", agreementByRow: null, lds: null, mislabelAuc: null });
		const [by, row] = await Promise.all(["influence-ridge", "ridge-path"].map((name) => of(name)));
		expect(influence?.agreementByRow).toBeCloseTo(spearman(by?.result.scores as Float64Array, row?.result.scores as Float64Array), 12);
	});

	test("refuses a method that is none, too few subsets and too many flips", async () => {
		expect((await compare(["ridge-path"], sides, wanted)).length).toBe(1);
		expect(await refusal(() => compare(["ridge"], sides, wanted))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "attribute: expected a method, got ridge",
		});
		expect(await refusal(() => compare(["ridge-path"], sides, { ...wanted, flips: 0.6 }))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "compare: expected flips in (0, 0.5], got 0.6",
		});
		expect(await refusal(() => compare(["influence-ridge"], sides, { ...wanted, subsets: 2 }))).toMatchObject({ code: "TOO_FEW_ROWS" });
	});
});
