import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import { spearman } from "./correlation.ts";
import { stability } from "./stability.ts";

const run = (seed: bigint, n = 200) => {
	const next = generator(seed);
	return Float64Array.from({ length: n }, () => below(next, 2 ** 20));
};

describe("stability", () => {
	test("is 1 for runs that rank alike and about chance for unrelated ones", () => {
		const one = run(1n);
		expect(stability([one, one.map((value) => value ** 3 + 1), one])).toEqual({ spearman: expect.closeTo(1, 12), topDecile: 1 });
		const unrelated = stability(Array.from({ length: 20 }, (_, i) => run(BigInt(i + 1))));
		expect(Math.abs(unrelated.spearman)).toBeLessThan(0.03);
		expect(Math.abs(unrelated.topDecile - 0.1)).toBeLessThan(0.03);
	});

	test("is the mean over all pairs", () => {
		const [a, b, c] = [run(1n), run(2n), run(3n)];
		expect(stability([a, b, c]).spearman).toBeCloseTo((spearman(a, b) + spearman(a, c) + spearman(b, c)) / 3, 12);
		// Tops of one entry: 9, 9 and 4.
		const top = (entry: number) => Float64Array.from({ length: 10 }, (_, i) => (i === entry ? 1 : 0));
		expect(stability([top(9), top(9), top(4)]).topDecile).toBeCloseTo(1 / 3, 12);
	});

	test("is refused for one run, for few entries and for runs that do not match", async () => {
		const [one, other] = [run(1n), run(2n)];
		stability([one, other]);
		expect(await refusal(() => stability([one]))).toEqual({ code: "TOO_FEW_ROWS", message: expect.stringContaining("got 1 of 200") });
		expect(await refusal(() => stability([one.subarray(0, 9), other.subarray(0, 9)]))).toEqual({
			code: "TOO_FEW_ROWS",
			message: expect.stringContaining("got 2 of 9"),
		});
		expect(await refusal(() => stability([one, other.subarray(1)]))).toEqual({
			code: "SHAPE_MISMATCH",
			message: expect.stringContaining("got 200 and 199"),
		});
	});
});
