import { expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { ascendingFloats } from "./float-order.ts";

test.each([0, 1, 2, 7, 300, 5000])("the order of %s floats is that of a stable sort, whatever their size", (n) => {
	const next = generator(1n);
	for (const key of [
		() => next() / 2 ** 32,
		() => below(next, 3),
		() => 1 + below(next, 4) * Number.EPSILON,
		() => 2 ** (below(next, 2000) - 1000),
		() => below(next, 2) * Number.MIN_VALUE,
		() => Number.MAX_VALUE / (1 + below(next, 3)),
	]) {
		const keys = Float64Array.from({ length: n }, key);
		const expected = Array.from(keys.keys()).sort((i, j) => (keys[i] as number) - (keys[j] as number) || i - j);
		expect(Array.from(ascendingFloats(keys))).toEqual(expected);
		// A part of a longer list, as distances of a block are.
		const part = Float64Array.of(9, ...keys, 1).subarray(1, n + 1);
		expect(Array.from(ascendingFloats(part))).toEqual(expected);
	}
});
