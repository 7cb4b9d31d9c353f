import { describe, expect, test } from "vitest";
import { payoutInstance, payouts, payoutWord, positiveSum } from "./payout.ts";

const POOL = 10n ** 21n;

describe("payouts", () => {
	test("positive scores share the pool, negative ones are charged at the same rate", () => {
		const { payouts: list, paid } = payouts([3n, 1n, -2n, 0n], POOL);
		expect(list).toEqual([
			{ amount: (POOL * 3n) / 4n, negative: false },
			{ amount: POOL / 4n, negative: false },
			{ amount: POOL / 2n, negative: true },
			{ amount: 0n, negative: false },
		]);
		expect(paid).toBe(POOL);
	});

	test("what is rounded off is not paid, to the wei", () => {
		const { payouts: list, paid } = payouts([1n, 1n, 1n], 100n);
		expect(list.map(({ amount }) => amount)).toEqual([33n, 33n, 33n]);
		expect(paid).toBe(99n);
	});

	test("nobody positive: nothing is paid or charged", () => {
		expect(payouts([-5n, 0n], POOL)).toEqual({
			payouts: [
				{ amount: 0n, negative: true },
				{ amount: 0n, negative: false },
			],
			paid: 0n,
		});
	});

	test("a charge is never above the pool", () => {
		expect(payouts([1n, -1_000_000n], POOL).payouts[1]).toEqual({ amount: POOL, negative: true });
	});

	test("splitting a name, evenly or by cherry-picking, gains nothing", () => {
		const net = (scores: readonly bigint[], names: readonly number[]): bigint => {
			const { payouts: list } = payouts(scores, POOL);
			return names.reduce((sum, i) => sum + (list[i]?.negative ? -(list[i]?.amount ?? 0n) : (list[i]?.amount ?? 0n)), 0n);
		};
		const whole = net([1000n, 500n], [1]);
		expect(net([1000n, 100n, 100n, 100n, 100n, 100n], [1, 2, 3, 4, 5])).toBe(whole - (whole % 5n === 0n ? 0n : whole - 5n * (whole / 5n)));
		expect(net([1000n, 800n, -300n], [1, 2])).toBeLessThan(whole);
	});

	test("pages of an epoch pay what the whole list pays", () => {
		const scores = [3n, 1n, -2n, 0n, 7n];
		const whole = payouts(scores, POOL);
		const pages = [scores.slice(0, 2), scores.slice(2)].map((page) => payouts(page, POOL, positiveSum(scores)));
		expect(pages.flatMap((page) => page.payouts)).toEqual(whole.payouts);
		expect(pages.reduce((sum, { paid }) => sum + paid, 0n)).toBe(whole.paid);
	});

	test("words hold amount, sign and index", () => {
		expect(payoutWord({ amount: 7n, negative: true }, 3)).toBe(7n + (1n << 96n) + (3n << 128n));
	});
});

describe("payoutInstance", () => {
	const parameters = { pages: 2, places: 2 };

	test.each([
		["pool-range", () => payoutInstance(parameters, [1n], 1n << 96n), "expected a pool in [0, 2^96) wei"],
		["score-range", () => payoutInstance(parameters, [1n << 144n], POOL), "expected |score 0| < 2^144"],
		["score-sum", () => payoutInstance(parameters, [1n], POOL, { previousScores: 0n, first: 0, positive: 1n << 156n }), "below 2^156"],
		["page-count", () => payoutInstance(parameters, [1n, 1n, 1n, 1n, 1n], POOL), "expected 1 to 4 scores, got 5"],
		["page-count", () => payoutInstance(parameters, [], POOL), "expected 1 to 4 scores, got 0"],
	])("%s", (code, make, message) => {
		expect(make).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
	});
});
