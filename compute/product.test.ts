import { expect, test } from "vitest";
import { multiply, symmetricMatrix } from "./product.ts";
import { below, generator } from "./random.ts";
import { refusal } from "./testing.ts";

const next = generator(5n);
const TOP = Number.MAX_SAFE_INTEGER;

/** Random integers of up to `bits` <= 53 bits with a random sign. */
function integers(length: number, bits: number): Float64Array {
	return Float64Array.from({ length }, () => {
		const magnitude = Math.floor((next() * 2 ** 21 + below(next, 2 ** 20)) / 2 ** (53 - bits));
		return next() % 2 ? magnitude : -magnitude;
	});
}

function slow(packed: Float64Array, x: Float64Array, d: number, k: number): bigint[] {
	const dense = symmetricMatrix(packed, d).values;
	return Array.from({ length: d * k }, (_, i) => {
		let sum = 0n;
		for (let l = 0; l < d; l++) sum += BigInt(dense[Math.floor(i / k) * d + l] as number) * BigInt(x[l * k + (i % k)] as number);
		return sum;
	});
}

test("the upper triangle is read row by row", () => {
	expect([...symmetricMatrix(Float64Array.of(1, 2, 3, 4, 5, 6), 3).values]).toEqual([1, 2, 3, 2, 4, 5, 3, 5, 6]);
});

test.each([
	["small", integers(45, 8), integers(27, 8), 9, 3],
	["wide", integers(45, 53), integers(27, 53), 9, 3],
	["one by one", integers(1, 30), integers(1, 40), 1, 1],
	["the largest values", new Float64Array(10).fill(TOP), new Float64Array(8).fill(-TOP), 4, 2],
	["at the edge of a limb", new Float64Array(3).fill(2 ** 20), new Float64Array(2).fill(2 ** 20 - 1), 2, 1],
	["zero", new Float64Array(3), new Float64Array(2), 2, 1],
] as const)("%s integers are multiplied exactly", (_, packed, x, d, k) => {
	expect(multiply(symmetricMatrix(packed, d), x, k)).toEqual(slow(packed, x, d, k));
});

test("a triangle of another size is refused", async () => {
	expect(await refusal(() => symmetricMatrix(new Float64Array(5), 3))).toEqual({
		code: "SHAPE_MISMATCH",
		message: "symmetricMatrix: expected 6 values for d = 3 <= 8192, got 5",
	});
});
