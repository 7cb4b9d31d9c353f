import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import { spearman } from "./correlation.ts";
import { linearDatamodelingScore, noiseCeiling, retrainedOutputs, subsets } from "./datamodel.ts";
import { leaveOneOutCorrelation } from "./leave-one-out.ts";
import { perTest } from "./per-test.ts";

/** A matrix of seeded numbers in [-1, 1). */
function random(rows: number, columns: number, seed: bigint) {
	const next = generator(seed);
	return { values: Float64Array.from({ length: rows * columns }, () => next() / 2 ** 31 - 1), rows, columns };
}

describe("subsets", () => {
	test("have the size asked for, ascending distinct rows, and depend on the seed alone", () => {
		const drawn = subsets(11, 200, 0.5, 5n);
		for (const rows of drawn) {
			expect(rows.length).toBe(5);
			expect(new Set(rows).size).toBe(5);
			expect(rows.every((row, i) => row < 11 && (i === 0 || row > (rows[i - 1] as number)))).toBe(true);
		}
		expect(subsets(11, 3, 0.5, 5n)).toEqual(drawn.slice(0, 3));
		expect(subsets(11, 3, 0.5, 6n)).not.toEqual(drawn.slice(0, 3));
	});

	test("hold each row equally often", () => {
		const counts = new Float64Array(10);
		for (const rows of subsets(10, 4000, 0.3, 1n)) for (const row of rows) (counts[row] as number) += 1;
		// 1,200 expected, standard deviation 29.
		for (const count of counts) expect(Math.abs(count - 1200)).toBeLessThan(120);
	});

	test("are refused outside their ranges", async () => {
		const code = "PARAMETER_OUT_OF_RANGE";
		expect(await refusal(() => subsets(1, 3, 0.5, 0n))).toEqual({
			code,
			message: expect.stringContaining("n an integer in [2, 1048576], got 1"),
		});
		expect(await refusal(() => subsets(10, 0, 0.5, 0n))).toEqual({ code, message: expect.stringContaining("count") });
		expect(await refusal(() => subsets(10, 3, 1, 0n))).toEqual({
			code,
			message: expect.stringContaining("fraction in [1 / 10, 1), got 1"),
		});
		expect(await refusal(() => subsets(10, 3, 0.05, 0n))).toEqual({ code, message: expect.stringContaining("got 0.05") });
	});
});

describe("linear datamodeling score", () => {
	const [entries, tests] = [4500, 7];
	const scores = random(entries, tests, 2n).values;
	const drawn = subsets(entries, 20, 0.5, 3n);
	const sumsOf = (test: number) => drawn.map((rows) => rows.reduce((sum, row) => sum + (scores[row * tests + test] as number), 0));

	test("is 1 for outputs that fall with the sums of the scores, and -1 for those that rise", async () => {
		const outputs = await retrainedOutputs(drawn, (_, s) =>
			Array.from({ length: tests }, (_, j) => Math.exp(-(sumsOf(j)[s] as number) / 100)),
		);
		const result = linearDatamodelingScore({ scores, entries, tests }, drawn, outputs);
		expect(result.mean).toBeCloseTo(1, 12);
		expect(result.standardError).toBeCloseTo(0, 6);
		const flipped = linearDatamodelingScore({ scores: scores.map((score) => -score), entries, tests }, drawn, outputs);
		expect(flipped.mean).toBeCloseTo(-1, 12);
	});

	test("is the Spearman correlation of sums and outputs, by definition, from float32 scores too", () => {
		const outputs = random(20, tests, 4n);
		const result = linearDatamodelingScore({ scores, entries, tests }, drawn, outputs);
		const single = linearDatamodelingScore({ scores: Float32Array.from(scores), entries, tests }, drawn, outputs);
		for (let j = 0; j < tests; j++) {
			const losses = drawn.map((_, s) => -(outputs.values[s * tests + j] as number));
			expect(result.values[j]).toBeCloseTo(spearman(sumsOf(j), losses), 12);
			expect(single.values[j]).toBeCloseTo(spearman(sumsOf(j), losses), 12);
		}
		expect(result.mean).toBeCloseTo(result.values.reduce((sum, value) => sum + value, 0) / tests, 12);
	});

	test("leaves test examples with constant outputs out of the mean and says so", () => {
		const outputs = random(20, tests, 4n);
		for (let s = 0; s < 20; s++) outputs.values[s * tests] = 1;
		const result = linearDatamodelingScore({ scores, entries, tests }, drawn, outputs);
		expect(result.values[0]).toBeNaN();
		expect(result.counted).toBe(tests - 1);
		expect(result.mean).not.toBeNaN();
	});

	test("is refused for shapes that do not match, rows that are no entries, and outputs that are no numbers", async () => {
		const outputs = random(20, tests, 4n);
		const pairs = { scores, entries, tests };
		expect(await refusal(() => linearDatamodelingScore(pairs, drawn.slice(1), outputs))).toEqual({
			code: "SHAPE_MISMATCH",
			message: expect.stringContaining("expected 19 x 7 outputs, got 20 x 7"),
		});
		expect(await refusal(() => linearDatamodelingScore({ ...pairs, scores: scores.subarray(1) }, drawn, outputs))).toEqual({
			code: "SHAPE_MISMATCH",
			message: expect.stringContaining("expected 4500 x 7 scores"),
		});
		expect(await refusal(() => linearDatamodelingScore(pairs, [...drawn.slice(1), Uint32Array.of(4500)], outputs))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: expect.stringContaining("subset 19 below 4500, got 4500"),
		});
		expect(await refusal(() => retrainedOutputs(drawn, () => [0, Number.NaN]))).toEqual({
			code: "VALUE_NOT_NUMERIC",
			message: expect.stringContaining("subset 0: output 1 is NaN"),
		});
		expect(await refusal(() => retrainedOutputs(drawn, (_, s) => new Float64Array(s + 1)))).toEqual({
			code: "SHAPE_MISMATCH",
			message: expect.stringContaining("expected 1 outputs, got 2"),
		});
	});

	test("retraining tells of its progress and stops when it is told to", async () => {
		const control = new AbortController();
		const steps: number[] = [];
		const retrained = retrainedOutputs(drawn, () => [1], {
			signal: control.signal,
			progress: (done, of) => {
				steps.push(done / of);
				if (done === 3) control.abort(new Error("enough"));
			},
		});
		await expect(retrained).rejects.toThrow("enough");
		expect(steps).toEqual([1 / 20, 2 / 20, 3 / 20]);
	});
});

describe("noise ceiling", () => {
	test("estimates what knowing the expected outputs reaches", () => {
		const [rows, columns] = [400, 60];
		const truth = random(rows, columns, 7n).values;
		const noisy = (seed: bigint) => {
			const noise = random(rows, columns, seed).values;
			return { values: truth.map((value, i) => value + (noise[i] as number)), rows, columns };
		};
		const { reliability, ceiling } = noiseCeiling(noisy(8n), noisy(9n));
		const reached = perTest({ values: truth, rows, columns }, noisy(10n), "rank").mean;
		expect(reliability.mean).toBeGreaterThan(0.4);
		expect(reliability.mean).toBeLessThan(0.55);
		expect(Math.abs(ceiling - reached)).toBeLessThan(0.02);
	});
});

describe("mean of correlations", () => {
	test("has the standard error that repeated draws show", () => {
		const means: number[] = [];
		const errors: number[] = [];
		for (let draw = 0; draw < 200; draw++) {
			const x = random(40, 5, BigInt(2 * draw + 100));
			const noise = random(40, 5, BigInt(2 * draw + 101));
			const result = perTest(x, { ...x, values: x.values.map((value, i) => value + (noise.values[i] as number)) }, "rank");
			means.push(result.mean);
			errors.push(result.standardError);
		}
		const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
		const spread = Math.sqrt(means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / means.length);
		const claimed = errors.reduce((sum, value) => sum + value, 0) / errors.length;
		// Both sources are counted, so it is cautious: at most sqrt(2) too large.
		expect(claimed / spread).toBeGreaterThan(0.9);
		expect(claimed / spread).toBeLessThan(1.7);
	});

	test("leaves constant columns out, whatever their value", () => {
		const constant = { values: new Float64Array(30).fill(0.1), rows: 10, columns: 3 };
		for (const by of ["value", "rank"] as const) {
			const { values, counted } = perTest(random(10, 3, 1n), constant, by);
			expect(values.every(Number.isNaN)).toBe(true);
			expect(counted).toBe(0);
		}
	});

	test("is refused below three observations", async () => {
		expect(await refusal(() => perTest(random(2, 5, 1n), random(2, 5, 2n), "value"))).toEqual({
			code: "TOO_FEW_ROWS",
			message: expect.stringContaining("got 2"),
		});
	});
});

describe("leave-one-out correlation", () => {
	const scores = { scores: random(30, 4, 1n).values, entries: 30, tests: 4 };

	test("compares the rows that were left out", () => {
		const removed = Array.from({ length: 10 }, (_, i) => 3 * i);
		const truth = Float64Array.from({ length: 40 }, (_, i) => 3 * (scores.scores[3 * Math.floor(i / 4) * 4 + (i % 4)] as number) + 1);
		const { byValue, byRank } = leaveOneOutCorrelation(scores, { scores: truth, entries: 10, tests: 4 }, removed);
		expect(byValue.mean).toBeCloseTo(1, 12);
		expect(byRank.mean).toBeCloseTo(1, 12);
		expect(leaveOneOutCorrelation(scores, scores).byValue.mean).toBeCloseTo(1, 12);
	});

	test("is refused for a row without a score and for a truth of other rows", async () => {
		const next = generator(1n);
		const truth = { scores: Float64Array.from({ length: 12 }, () => below(next, 100)), entries: 3, tests: 4 };
		expect(await refusal(() => leaveOneOutCorrelation(scores, truth, [0, 1, 30]))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: expect.stringContaining("in [0, 29], got 30"),
		});
		expect(await refusal(() => leaveOneOutCorrelation(scores, truth, [0, 1, 2, 3]))).toEqual({
			code: "SHAPE_MISMATCH",
			message: expect.stringContaining("4 x 4 and 3 x 4"),
		});
	});
});
