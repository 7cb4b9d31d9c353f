import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { sorter } from "./radix-sort.ts";

/** By definition: by key, and equal keys as they come. */
const order = (keys: ArrayLike<number>) =>
	Array.from({ length: keys.length }, (_, i) => i).sort((i, j) => (keys[i] as number) - (keys[j] as number) || i - j);

describe("the order", () => {
	const next = generator(1n);
	const draw = (n: number, most: number) => Array.from({ length: n }, () => Math.floor((next() / 2 ** 32) * most));

	test.each([1, 2, 7, 300, 5000])("of %s integers is that of a stable sort, whatever their range", (n) => {
		const sort = sorter(n);
		for (const most of [1, 2, 256, 257, 2 ** 20, 2 ** 32]) {
			const keys = Uint32Array.from(draw(n, most));
			expect(Array.from(sort.integers(keys))).toEqual(order(keys));
			const high = keys.map((key) => 2 ** 32 - 1 - (key % 1000));
			expect(Array.from(sort.integers(high))).toEqual(order(high));
		}
	});

	test.each([1, 2, 7, 300, 5000])("of %s floats is that of a stable sort, whatever their size", (n) => {
		const sort = sorter(n);
		for (const key of [
			() => next() / 2 ** 32,
			() => below(next, 3),
			() => 1 + below(next, 4) * Number.EPSILON,
			() => 2 ** (below(next, 2000) - 1000),
			() => below(next, 2) * Number.MIN_VALUE,
			() => Number.MAX_VALUE / (1 + below(next, 3)),
		]) {
			const keys = Float64Array.from({ length: n }, key);
			expect(Array.from(sort.floats(keys))).toEqual(order(keys));
		}
	});
});
