import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { VELOCITY_BOUND } from "../backend.ts";
import { generator } from "../random.ts";
import { EXPONENTIALS, normalise, product, requantise, roundShift, softmaxErrors, step } from "./integers.ts";

const next = generator(17n);
const EDGES = [0, 1, -1, 127, 128, -127, -128, 2 ** 31 - 1, -(2 ** 31), 2 ** 30, -(2 ** 30), 2 ** 26, 2 ** 26 + 1, -(2 ** 26) - 1];
const words = (length: number) => Int32Array.from({ length }, (_, i) => EDGES[i] ?? next() >> (next() % 31));

/** floor((x + 2^(s - 1)) / 2^s) over bigints. */
const halfUp = (x: bigint, s: number) => (s === 0 ? x : (x + (1n << BigInt(s - 1))) >> BigInt(s));
const held = (x: bigint, low: bigint, high: bigint) => (x < low ? low : x > high ? high : x);
const largestOf = (values: readonly bigint[]) => values.toSorted((x, y) => Number(x - y)).at(-1) as bigint;
const bits = (x: bigint) => (x === 0n ? 0 : x.toString(2).length);

test("shifts round half up, over all of 32 bits", () => {
	for (const x of words(300)) for (let s = 0; s < 70; s++) expect(BigInt(roundShift(x, s))).toBe(halfUp(BigInt(x), s));
});

test("a product is the sum of products", () => {
	const [rows, inner, columns] = [3, 5, 4];
	const left = Int8Array.from({ length: rows * inner }, () => next() >> 24);
	const right = Uint8Array.from({ length: inner * columns }, () => next() >>> 24);
	const expected = Array.from({ length: rows * columns }, (_, at) => {
		const [i, j] = [Math.floor(at / columns), at % columns];
		let sum = 0n;
		for (let l = 0; l < inner; l++) sum += BigInt(left[i * inner + l] as number) * BigInt(right[l * columns + j] as number);
		return Number(sum);
	});
	expect([...product(left, right, { rows, inner, columns }, {})]).toEqual(expected);
});

test("requantisation wraps the sum, then shifts and clamps", () => {
	const [z, bias] = [words(60), words(20)];
	for (const shift of [0, 1, 8, 31]) {
		const result = new Int8Array(z.length);
		requantise(z, bias, shift, [-127, 127], result);
		z.forEach((value, i) => {
			const sum = BigInt.asIntN(32, BigInt(value) + BigInt(bias[i % 20] as number));
			expect(BigInt(result[i] as number)).toBe(held(halfUp(sum, shift), -127n, 127n));
		});
	}
});

describe("softmax", () => {
	test("exponentials are those of 2^-15, far from a tie", () => {
		EXPONENTIALS.forEach((value, i) => {
			const exact = 2 ** 15 * Math.exp(-i / 16);
			expect(Math.abs(Math.abs(exact - Math.floor(exact)) - 0.5)).toBeGreaterThan(1e-6);
			expect(Math.abs(value - exact)).toBeLessThan(0.5);
		});
		// No engine may compute another table: all checkpoints depend on it.
		expect(createHash("sha256").update(EXPONENTIALS.join()).digest("hex")).toMatchInlineSnapshot(
			`"b3dd9c68d924134829809e214216705c2f5b814591a4c2afc5d7bba44e280347"`,
		);
	});

	test("errors are rounded shares less the label", () => {
		const k = 20;
		const z = words(3 * k);
		const labels = Uint8Array.of(0, 7, 19);
		for (const shift of [0, 4, 31]) {
			const errors = softmaxErrors(z, undefined, shift, labels);
			labels.forEach((label, row) => {
				const own = [...z.subarray(row * k, (row + 1) * k)].map((value) => held(halfUp(BigInt(value), shift), -(1n << 24n), 1n << 24n));
				const largest = largestOf(own);
				const weights = own.map((value) => BigInt(EXPONENTIALS[Number(held(largest - value, 0n, 255n))] as number));
				const total = weights.reduce((sum, weight) => sum + weight);
				const expected = weights.map((weight, c) => (127n * weight + total / 2n) / total - (c === label ? 127n : 0n));
				expect([...errors.subarray(row * k, (row + 1) * k)].map(BigInt)).toEqual(expected);
			});
		}
	});
});

test("normalisation takes the smallest exponent", () => {
	for (const length of [1, 2, 3, 9, 40]) {
		for (const drop of [0, 5, 20]) {
			const z = words(60)
				.slice(60 - length)
				.map((value) => value >> drop);
			const mask = Int8Array.from(z, (_, i) => (i % 3) - 1);
			for (const by of [undefined, mask]) {
				const kept = [...z].map((value, i) => (by && (by[i] as number) <= 0 ? 0n : BigInt(value)));
				const largest = largestOf(kept.map((value) => (value < 0n ? -value : value)));
				const exponent = Math.max(0, bits(largest) - 7);
				const result = normalise(z, by);
				expect(result.exponent).toBe(exponent);
				expect([...result.values].map(BigInt)).toEqual(kept.map((value) => held(halfUp(value, exponent), -127n, 127n)));
			}
		}
	}
});

test("a step is that of the definition over bigints", () => {
	const bound = BigInt(VELOCITY_BOUND);
	const gradient = words(80);
	for (const [rate, exponent, momentum, limit] of [
		[0, 0, 0, 2 ** 30],
		[16, 3, 3, 127 * 2 ** 16],
		[0, 80, 4, 1000],
		[62, 1, 15, 1],
		[3, 30, 1, 2 ** 30],
	] as const) {
		const master = words(80).map((value) => Math.max(-limit, Math.min(limit, value)));
		const velocity = words(80).map((value) => value >> 5);
		const [m, v] = [[...master].map(BigInt), [...velocity].map(BigInt)];
		step(master, velocity, gradient, exponent, { rate, momentum, bound: limit });
		gradient.forEach((value, i) => {
			const shift = rate - exponent;
			const g = held(shift >= 0 ? halfUp(BigInt(value), shift) : BigInt(value) << BigInt(-shift), -bound, bound);
			const moved = held((v[i] as bigint) - halfUp(v[i] as bigint, momentum) + g, -bound, bound);
			expect(BigInt(velocity[i] as number)).toBe(moved);
			expect(BigInt(master[i] as number)).toBe(held((m[i] as bigint) - moved, -BigInt(limit), BigInt(limit)));
		});
	}
});
