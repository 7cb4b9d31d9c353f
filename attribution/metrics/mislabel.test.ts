import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import { mislabelAuc, thresholdDetection, twoMeansCut, twoMeansDetection } from "./mislabel.ts";

describe("mislabel", () => {
	test("AUC is the share of pairs in the right order, a tie counting half", () => {
		const next = generator(1n);
		for (const levels of [2, 5, 2 ** 20]) {
			const scores = Array.from({ length: 60 }, () => below(next, levels));
			const wrong = scores.map((_, row) => row % 3 === 0);
			let sum = 0;
			for (const [i, own] of scores.entries()) {
				for (const [j, other] of scores.entries()) if (wrong[i] && !wrong[j]) sum += own < other ? 1 : own === other ? 1 / 2 : 0;
			}
			expect(mislabelAuc(scores, wrong)).toBeCloseTo(sum / (20 * 40), 12);
		}
		expect(mislabelAuc([0, 1, 2, 3], [true, true, false, false])).toBe(1);
		expect(mislabelAuc([3, 2, 1, 0], [1, 1, 0, 0])).toBe(0);
	});

	test("the two clusters are the best of all cuts", () => {
		const next = generator(2n);
		for (const [levels, offset] of [
			[3, 0],
			[50, 1e6],
			[2 ** 20, -5],
		] as const) {
			const scores = Array.from({ length: 40 }, () => below(next, levels) / 7 + offset);
			const spread = (part: readonly number[]) => {
				const mean = part.reduce((a, b) => a + b, 0) / part.length;
				return part.reduce((sum, value) => sum + (value - mean) ** 2, 0);
			};
			const costOf = (cut: number) => spread(scores.filter((score) => score < cut)) + spread(scores.filter((score) => score >= cut));
			const least = Math.min(
				...[...new Set(scores)]
					.sort((a, b) => a - b)
					.slice(1)
					.map(costOf),
			);
			expect(costOf(twoMeansCut(scores))).toBeCloseTo(least, 9);
		}
		expect(twoMeansCut([1, 1, 1])).toBe(1);
	});

	test("detection counts what is flagged, found and missed", () => {
		const scores = [-5, -4, -4.5, 3, 4, 5];
		const wrong = [true, true, false, true, false, false];
		expect(twoMeansDetection(scores, wrong)).toEqual({ precision: 2 / 3, recall: 2 / 3, f1: 2 / 3 });
		expect(thresholdDetection(scores, wrong, -4.9)).toEqual({ precision: 1, recall: 1 / 3, f1: 1 / 2 });
		expect(thresholdDetection(scores, wrong, -9)).toEqual({ precision: 0, recall: 0, f1: 0 });
	});

	test("is refused where there is nothing to find, or nothing else", async () => {
		for (const measure of [mislabelAuc, twoMeansDetection, (s: number[], m: boolean[]) => thresholdDetection(s, m, 0)]) {
			measure([1, 2], [true, false]);
			expect(await refusal(() => measure([1, 2], [false, false]))).toEqual({
				code: "ONE_CLASS",
				message: expect.stringContaining("some of 2 rows to be mislabelled and some not, got 0"),
			});
			expect(await refusal(() => measure([1, 2], [true, true]))).toEqual({ code: "ONE_CLASS", message: expect.stringContaining("got 2") });
			expect(await refusal(() => measure([1, 2], [true]))).toEqual({
				code: "SHAPE_MISMATCH",
				message: expect.stringContaining("each of 2 scores, got 1"),
			});
		}
	});
});
