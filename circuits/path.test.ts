import { describe, expect, test } from "vitest";
import { OMEGA_BITS, pathParameters, VALUE_BITS } from "./path.ts";

describe("pathParameters", () => {
	test("12 nodes at d = 16: constants that circuits and keys depend on", () => {
		const path = pathParameters(16, 12);
		expect(path.nodes.map(({ k }) => Number(k))).toEqual([2546139, 416867, 128991, 46244, 16868, 6061, 2181, 820, 340, 163, 95, 70]);
		expect(path.lambdaExponent).toBe(39);
	});

	test.each([2, 4, 8, 12, 16])("%s nodes integrate 1 / (mu + a)^2 dmu from lambda to infinity", (m) => {
		const lambda = 65n;
		const { nodes } = pathParameters(16, m, lambda);
		const a = 100_000;
		// integral of mu / (mu + a)^2 dlog mu = 1 / (lambda + a)
		const sum = nodes.reduce((total, { k, omega }) => total + (Number(omega) / 2 ** OMEGA_BITS) * (Number(k) / (Number(k) + a) ** 2), 0);
		expect(Math.abs(sum * (Number(lambda) + a) - 1)).toBeLessThan(m >= 8 ? 2e-3 : 0.5);
	});

	test("scales keep every ridge solution inside VALUE_BITS and use at least half of them", () => {
		for (const d of [4, 16, 64, 128]) {
			const path = pathParameters(d, 12);
			for (const { k, exponent } of path.nodes) {
				const largest = 2 ** exponent / (2 * Math.sqrt(Number(k)));
				expect(largest).toBeLessThanOrEqual(2 ** (VALUE_BITS - 1));
				expect(largest).toBeGreaterThan(2 ** (VALUE_BITS - 2));
			}
		}
	});

	test("weights bring all nodes to one unit", () => {
		const path = pathParameters(16, 12);
		for (const { omega, weight, exponent } of path.nodes) {
			expect(weight).toBe(omega << BigInt(path.scoreExponent - 2 * exponent));
		}
	});
});
