import { expect, test } from "vitest";
import { below, generator, splitmix64, xoshiro128 } from "./random.ts";

test("SplitMix64 gives the published values", () => {
	const draw = splitmix64(1234567n);
	expect([draw(), draw(), draw()]).toEqual([6457827717110365317n, 3203168211198807973n, 9817491932198370423n]);
});

test("xoshiro128** gives the published values", () => {
	const next = xoshiro128([1, 2, 3, 4]);
	expect(Array.from({ length: 10 }, next)).toEqual([
		11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
	]);
});

test("below covers its range evenly and nothing else", () => {
	const next = generator(7n);
	const counts = new Uint32Array(5);
	for (let i = 0; i < 5000; i++) (counts[below(next, 5)] as number)++;
	expect(counts.every((count) => count > 900 && count < 1100)).toBe(true);
	expect(below(() => 2 ** 32 - 1, 2 ** 20)).toBe(2 ** 20 - 1);
	expect(below(() => 0, 2 ** 20)).toBe(0);
});
