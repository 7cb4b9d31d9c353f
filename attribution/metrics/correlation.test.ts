import { describe, expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { pearson, ranks, spearman } from "./correlation.ts";

describe("correlation", () => {
	test("of lines is 1 or -1, of a constant list no number", () => {
		expect(pearson([1, 2, 3], [3, 5, 7])).toBeCloseTo(1, 12);
		expect(pearson([1, 2, 3], [7, 5, 3])).toBeCloseTo(-1, 12);
		expect(pearson([1, 2, 3], [4, 4, 4])).toBeNaN();
	});

	test("by rank sees only the order, and equal values share their ranks", () => {
		expect(ranks([10, -3, 10, 2])).toEqual(Float64Array.of(3.5, 1, 3.5, 2));
		expect(spearman([1, 2, 3, 4], [1, 10, 100, 1000])).toBeCloseTo(1, 12);
		// Ranks 1.5 1.5 3 and 1 2 3: 1.5 / sqrt(1.5 * 2).
		expect(spearman([1, 1, 2], [1, 2, 3])).toBeCloseTo(Math.sqrt(3) / 2, 12);
	});

	test("is refused for lists that do not match or are too short", async () => {
		expect(await refusal(() => pearson([1, 2], [1, 2, 3]))).toEqual({
			code: "SHAPE_MISMATCH",
			message: expect.stringContaining("got 2 and 3"),
		});
		expect(await refusal(() => pearson([1], [1]))).toEqual({ code: "TOO_FEW_ROWS", message: expect.stringContaining("got 1") });
	});
});
