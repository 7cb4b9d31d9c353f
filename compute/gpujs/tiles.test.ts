import { describe, expect, test } from "vitest";
import { generator } from "../random.ts";
import { product } from "../reference/integers.ts";
import type { Byte } from "../tensor.ts";
import { byteSums } from "./byte-product.ts";
import { type Multiply, SIDE } from "./multiplication.ts";
import { termsOfTile, tiledProduct } from "./tiles.ts";

/** Sums in single precision, one term after the other, as a device may do. */
const inSingle: Multiply = (left, right, { rows, inner, columns }) =>
	Array.from({ length: rows }, (_, i) =>
		Float32Array.from({ length: columns }, (_, j) => {
			let sum = 0;
			for (let l = 0; l < inner; l++) {
				sum = Math.fround(sum + Math.fround((left[i * inner + l] as number) * (right[l * columns + j] as number)));
			}
			return sum;
		}),
	);

const EXTREMES = { u8: [0, 255], i8: [-128, 127] } as const;
const arrayOf = (byte: Byte, values: Iterable<number>) => (byte === "u8" ? Uint8Array.from(values) : Int8Array.from(values));

describe.each([
	["u8", "u8", 258],
	["u8", "i8", 514],
	["i8", "u8", 514],
	["i8", "i8", 1024],
] as const)("sums of %s times %s", (left, right, terms) => {
	const largest = (byte: Byte) => Math.max(...EXTREMES[byte].map(Math.abs)) * (byte === "i8" ? -1 : 1);
	/** Largest products, the last one 1 at most: its unit is the first to be lost. */
	const sumsOf = (count: number) => {
		const values = (byte: Byte) => arrayOf(byte, [...Array<number>(count - 1).fill(largest(byte)), 1]);
		const [a, b] = [values(left), values(right)];
		const shape = { rows: 1, inner: count, columns: 1 };
		return { exact: product(a, b, shape, {})[0], single: inSingle(Float32Array.from(a), Float32Array.from(b), shape)[0]?.[0] };
	};

	test(`are exact in single precision up to ${terms} terms, and not with three more`, () => {
		expect(termsOfTile(left, right)).toBe(terms);
		const { exact, single } = sumsOf(terms);
		expect(single).toBe(exact);
		// Above 2^24 every other integer is still there.
		const above = [terms + 2, terms + 3].map(sumsOf);
		expect(above.some(({ exact, single }) => Math.abs(exact as number) > 2 ** 24 && single !== exact)).toBe(true);
	});

	test.each([
		["random", (_: number, random: () => number) => random() / 2 ** 32],
		["the upper end", () => 1 - 2 ** -32],
		["the lower end", () => 0],
		["alternating", (at: number) => (at % 2 === 0 ? 0 : 1 - 2 ** -32)],
	])("stay exact over many tiles: %s", (_, fill) => {
		const random = generator(1n);
		const draw = (byte: Byte, length: number) => {
			const [low, high] = EXTREMES[byte];
			return arrayOf(
				byte,
				Array.from({ length }, (_, at) => low + Math.floor(fill(at, random) * (high - low + 1))),
			);
		};
		const shape = { rows: 2, inner: 5001, columns: 3 };
		const [a, b] = [draw(left, 2 * 5001), draw(right, 3 * 5001)];
		for (const transposed of [{}, { left: true }, { right: true }, { left: true, right: true }]) {
			expect(Array.from(byteSums(inSingle, a, b, shape, transposed))).toEqual(Array.from(product(a, b, shape, transposed)));
		}
	});
});

test("a product larger than a tile in every direction is put together from tiles that fit", () => {
	const shape = { rows: SIDE + 3, inner: 2, columns: SIDE + 5 };
	const left = Uint8Array.from({ length: shape.rows * 2 }, (_, at) => (at * 7) % 256);
	const right = Uint8Array.from({ length: shape.columns * 2 }, (_, at) => (at * 11) % 256);
	const seen: number[] = [];
	const watched: Multiply = (a, b, tile) => {
		seen.push(tile.rows, tile.inner, tile.columns);
		return inSingle(a, b, tile);
	};
	for (const transposed of [{}, { left: true, right: true }]) {
		const sums = tiledProduct(watched, left, right, shape, transposed, 1);
		expect(Buffer.from(Int32Array.from(sums).buffer).equals(Buffer.from(product(left, right, shape, transposed).buffer))).toBe(true);
	}
	expect(Math.max(...seen)).toBe(SIDE);
});
