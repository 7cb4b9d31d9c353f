import { expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { atLeastOne, logTail } from "./chance.ts";

/** P(at least `count`) of independent events, by the definition. */
function exactTail(count: number, chances: readonly number[]): number {
	let distribution = [1];
	for (const p of chances) {
		const next = new Array<number>(distribution.length + 1).fill(0);
		distribution.forEach((mass, hits) => {
			next[hits] = (next[hits] as number) + mass * (1 - p);
			next[hits + 1] = (next[hits + 1] as number) + mass * p;
		});
		distribution = next;
	}
	return distribution.slice(count).reduce((sum, mass) => sum + mass, 0);
}

test("bounds the exact tail of unequal events from above, and not by much", () => {
	const next = generator(7n);
	for (let trial = 0; trial < 200; trial++) {
		const n = 1 + below(next, 60);
		const chances = Array.from({ length: n }, () => below(next, 1000) / 2000);
		const mean = chances.reduce((sum, p) => sum + p, 0) / n;
		const count = below(next, n + 1);
		const exact = exactTail(count, chances);
		expect(Math.exp(logTail(count, n, mean))).toBeGreaterThanOrEqual(exact - 1e-12);
	}
	const same = new Array<number>(100).fill(0.1);
	expect(logTail(40, 100, 0.1) / Math.log(exactTail(40, same))).toBeGreaterThan(0.9);
});

test("at the ends: nothing, everything, impossible", () => {
	expect(logTail(0, 10, 0.3)).toBe(0);
	expect(logTail(3, 10, 0.3)).toBe(0);
	expect(logTail(10, 10, 0.5)).toBeCloseTo(10 * Math.log(0.5), 12);
	expect(logTail(1, 10, 0)).toBe(-Infinity);
});

test("at least one of some, by counting all draws", () => {
	for (const [all, marked, drawn] of [
		[6, 2, 3],
		[7, 1, 1],
		[5, 3, 3],
		[6, 0, 4],
		[6, 2, 0],
	] as const) {
		let [hits, total] = [0, 0];
		for (let mask = 0; mask < 2 ** all; mask++) {
			if (mask.toString(2).replaceAll("0", "").length !== drawn) continue;
			total++;
			if ((mask & (2 ** marked - 1)) !== 0) hits++;
		}
		expect(atLeastOne(all, marked, drawn)).toBeCloseTo(hits / total, 12);
	}
});
