/** What happens to shares after scoring: the second leg, reputation, stakes. */
import { describe, expect, test } from "vitest";
import { generator } from "../../compute/random.ts";
import { shareRatios, smallerShares } from "./neighbour-leg.ts";
import { normaliseEarned, weighByReputation } from "./reputation.ts";
import { chargeStakes } from "./stake.ts";

const of = (...values: number[]) => Float64Array.of(...values);
const sum = (values: Float64Array) => values.reduce((total, one) => total + one, 0);

describe("the second leg", () => {
	test("pays the smaller share, charges what the ridge path charges, and never turns a gain into a charge", () => {
		const found = smallerShares(of(0.3, 0.2, -0.1, 0.5), of(0.2, 0.4, 0.3, -0.2), [0, 1, 2, 3]);
		expect(found[0]).toBeCloseTo(0.2, 12);
		expect([...found.subarray(1)]).toEqual([0.2, -0.1, 0]);
	});

	test("is taken per identity: linked names get what they would get under one name", () => {
		const linked = smallerShares(of(0.1, 0.3, 0.2), of(0.3, 0.05, 0.5), [0, 0, 1]);
		expect((linked[0] as number) + (linked[1] as number)).toBeCloseTo(0.35, 12);
		expect((linked[1] as number) / (linked[0] as number)).toBeCloseTo(3, 12);
		// An identity that is charged in all is charged what the ridge path charges.
		expect(smallerShares(of(0.1, -0.3), of(0, 0.1), [0, 0])).toEqual(of(0.1, -0.3));
	});

	test("splitting a name into names that nobody links never gains", () => {
		const next = generator(1n);
		for (let trial = 0; trial < 1000; trial++) {
			const part = () => next() / 2 ** 32;
			const [a, b] = [of(part(), part(), part()), of(part(), part(), part())];
			const whole = smallerShares(of(sum(a)), of(sum(b)), [0])[0] as number;
			expect(sum(smallerShares(a, b, [0, 1, 2]))).toBeLessThanOrEqual(whole + 1e-12);
			expect(sum(smallerShares(a, b, [0, 0, 0]))).toBeCloseTo(whole, 9);
		}
	});

	test("ratios", () => {
		expect(shareRatios(of(0.3, -0.1, 0.1), of(0.2, 0.2, -0.1))).toEqual(of(0.3 / 0.2, 0, Infinity));
	});
});

describe("reputation", () => {
	test("weighs what is earned inside its bounds; absent is 1, charges stay", () => {
		const weighed = weighByReputation(of(0.2, 0.2, 0.2, 0.2, -0.2), [undefined, 0.1, 9, 1.5, 9], { least: 0.5, most: 2 });
		expect(weighed).toEqual(of(0.2, 0.1, 0.4, 0.2 * 1.5, -0.2));
	});

	test("earned shares add up to 1 afterwards, charges stay", () => {
		expect(normaliseEarned(of(0.1, 0.3, -0.2))).toEqual(of(0.1 / 0.4, 0.3 / 0.4, -0.2));
		expect(normaliseEarned(of(0, -0.2))).toEqual(of(0, -0.2));
	});
});

describe("stakes", () => {
	test("nobody is charged more than its stake, and nobody else pays for it", () => {
		const { share, charge, uncovered } = chargeStakes(of(0.7, 0.3, -0.4, -0.1), [undefined, 0, 0.25, 1], [0, 1, 2, 3]);
		expect(share).toEqual(of(0.7, 0.3, -0.25, -0.1));
		expect(charge).toEqual(of(0, 0, 0.25, 0.1));
		expect(uncovered[2]).toBeCloseTo(0.15, 12);
		expect(uncovered[3]).toBe(0);
	});

	test("bad rows under a name without stake gain nothing in a cluster", () => {
		const apart = chargeStakes(of(0.6, 0.4, -0.1), [0, 0, 0], [0, 1, 2]);
		expect(apart.share).toEqual(of(0.6, 0.4, 0));
		const together = chargeStakes(of(0.6, 0.4, -0.1), [0, 0, 0], [0, 1, 0]);
		expect(together.share[0]).toBeCloseTo(0.5, 12);
		expect(together.uncovered[2]).toBe(0);
	});

	test("a cluster that owes more than it earns keeps nothing, and the rest is open", () => {
		const { share, uncovered } = chargeStakes(of(0.1, 0.1, -0.5, -0.3), [0, 0, 0, 0.2], [0, 0, 0, 0]);
		expect(share[0]).toBeCloseTo(0, 12);
		expect(share[1]).toBeCloseTo(0, 12);
		expect(sum(uncovered)).toBeCloseTo(0.5 + 0.1 - 0.2, 12);
	});
});
