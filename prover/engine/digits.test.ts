import { describe, expect, it } from "vitest";
import { power, R, toBytesLE } from "../bn254.ts";
import { type Digits, recode } from "./digits.ts";
import { Machine } from "./machine.ts";

const random = (i: number): bigint => power(0x9e3779b97f4a7c15f39cc0605cedc834n, BigInt(i + 3), R);

const wordsOf = (scalars: readonly bigint[]): Uint32Array => new Uint32Array(Uint8Array.from(Buffer.concat(scalars.map(toBytesLE))).buffer);

interface Digit {
	readonly window: number;
	readonly place: number;
	readonly value: number;
}

function digitsOf({ bits, windows, ends, entries }: Digits): Digit[] {
	const half = 2 ** (bits - 1);
	return Array.from({ length: windows }, (_, window) =>
		Array.from({ length: half }, (_, i): Digit[] => {
			const at = window * (half + 1) + i;
			return Array.from(entries.subarray(ends[at], ends[at + 1]), (entry) => ({
				window,
				place: entry >>> 1,
				value: entry & 1 ? -(i + 1) : i + 1,
			}));
		}).flat(),
	).flat();
}

const edges = [0n, 1n, 2n, R - 1n, R - 2n, R >> 1n, (R >> 1n) + 1n, (R >> 1n) - 1n, 2n ** 253n, 2n ** 128n - 1n, 2n ** 64n, 2n ** 64n - 1n];

describe("recode", () => {
	it.each([1, 3, 40, 3000])("writes %i scalars in signed digits, in the order of buckets", async (count) => {
		const scalars = Array.from({ length: count }, (_, i) => edges[i] ?? random(i));
		const machine = await Machine.open();
		const digits = recode(machine, wordsOf(scalars));
		const sums = scalars.map(() => 0n);
		const all = digitsOf(digits);
		for (const { window, place, value } of all) sums[place] = (sums[place] as bigint) + (BigInt(value) << BigInt(window * digits.bits));
		expect(all.length).toBe(digits.entries.length);
		expect(new Set(all.map(({ window, place }) => `${window} ${place}`)).size).toBe(all.length);
		expect(scalars.findIndex((scalar, i) => ((sums[i] as bigint) - scalar) % R !== 0n)).toBe(-1);
	});

	it.each([2, 3, 5, 7, 8, 11, 13, 14, 15, 16])("takes windows of %i bits: all digits of all lengths", async (bits) => {
		const half = 1n << BigInt(bits - 1);
		// Values whose digits are all at an end of their range, of every length.
		const scalars = Array.from({ length: 254 }, (_, length) =>
			[half, half - 1n, half + 1n, 2n * half - 1n].map((digit) => {
				let value = 0n;
				for (let at = 0; at < length; at += bits) value += digit << BigInt(at);
				return BigInt.asUintN(length, value) % R;
			}),
		).flat();
		const digits = recode(await Machine.open(), wordsOf([...scalars, ...edges]), bits);
		const sums = new Map<number, bigint>();
		for (const { window, place, value } of digitsOf(digits)) {
			sums.set(place, (sums.get(place) ?? 0n) + (BigInt(value) << BigInt(window * bits)));
		}
		expect([...scalars, ...edges].findIndex((scalar, i) => ((sums.get(i) ?? 0n) - scalar) % R !== 0n)).toBe(-1);
	});

	it("gives small scalars and their negatives few digits", async () => {
		const small = [1n, 200n, 255n, 31n, 0n];
		const machine = await Machine.open();
		const [positive, negative] = [small, small.map((value) => (R - value) % R)].map((scalars) => recode(machine, wordsOf(scalars)));
		expect(positive?.windows).toBeLessThanOrEqual(4);
		expect(negative).toMatchObject({
			windows: positive?.windows,
			ends: positive?.ends,
			entries: positive?.entries.map((entry) => entry ^ 1),
		});
	});

	it("finds nothing in nothing, and in zeros", async () => {
		for (const scalars of [[], [0n, 0n]]) expect(recode(await Machine.open(), wordsOf(scalars))).toMatchObject({ windows: 0 });
	});

	it.each([R, R + 1n, 2n ** 256n - 1n])("refuses %i", async (scalar) => {
		const machine = await Machine.open();
		expect(() => recode(machine, wordsOf([1n, scalar]))).toThrow(expect.objectContaining({ code: "witness.range" }));
		expect(recode(machine, wordsOf([1n, R - 1n])).entries).toHaveLength(2);
	});
});
