import { bn254 } from "@noble/curves/bn254.js";
import { describe, expect, it, vi } from "vitest";
import { fromMontgomery, power, R, toBytesLE, WORD } from "../bn254.ts";
import { FixedBase, fixedDigits, windowBits } from "./fixed-base.ts";
import type { GroupName } from "./kernels.ts";
import { type Arithmetic, Machine } from "./machine.ts";
import { KEY_BYTES } from "./msm.ts";
import { buildSetupKernels } from "./setup-kernels.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000 });

const SPECIAL = [0n, 1n, 2n, 15n, 16n, 17n, 255n, 256n, 2n ** 128n - 1n, 2n ** 253n, R >> 1n, (R >> 1n) + 1n, R - 2n, R - 1n];
const RANDOM = Array.from({ length: 20 }, (_, i) => power(0x9e3779b97f4a7c15f39cc0605cedc834n, BigInt(i + 3), R));
const GROUPS = [
	["g1", "fma"],
	["g1", "plain"],
	["g2", "fma"],
	["g2", "plain"],
] as const;

const bytesOf = (scalars: readonly bigint[]): Uint8Array => Uint8Array.from(Buffer.concat(scalars.map(toBytesLE)));

/** Scalars whose last addition is of two equal points: all lower digits make -k, the highest one makes r - k. */
const doubling = (bits: number): bigint[] => {
	const low = 2n ** BigInt(bits * (Math.ceil(255 / bits) - 1));
	const k = R % low;
	return 2n * k < low ? [R - 2n * k] : [];
};

async function multiplesOf(group: GroupName, arithmetic: Arithmetic, bits: number, scalars: readonly bigint[]): Promise<bigint[][]> {
	const base = new FixedBase(await Machine.open(arithmetic, buildSetupKernels), group, bits);
	const bytes = base.multiply(fixedDigits(bytesOf(scalars), bits));
	const components = KEY_BYTES[group] / WORD;
	return scalars.map((_, i) => Array.from({ length: components }, (_, j) => fromMontgomery(bytes, (i * components + j) * WORD)));
}

function expected(group: GroupName, scalar: bigint): bigint[] {
	if (group === "g1") {
		const { x, y } = bn254.G1.Point.BASE.multiplyUnsafe(scalar).toAffine();
		return [x, y];
	}
	const { x, y } = bn254.G2.Point.BASE.multiplyUnsafe(scalar).toAffine();
	return [x.c0, x.c1, y.c0, y.c1];
}

describe.each(GROUPS)("FixedBase in %s with %s arithmetic", (group, arithmetic) => {
	it.each([2, 3, 4, 5, 8, 9, 12, 13])("gives the same multiples as noble, %i bits", async (bits) => {
		const scalars = [...SPECIAL, ...doubling(bits), ...RANDOM];
		expect(await multiplesOf(group, arithmetic, bits, scalars)).toEqual(scalars.map((scalar) => expected(group, scalar)));
	});

	it("gives odd numbers of multiples, one and none", async () => {
		for (const scalars of [[], [R - 5n], [0n], [7n, 0n, R - 7n]]) {
			expect(await multiplesOf(group, arithmetic, 4, scalars)).toEqual(scalars.map((scalar) => expected(group, scalar)));
		}
	});

	it("fills more than one batch, and leaves the memory as it was", async () => {
		const machine = await Machine.open(arithmetic, buildSetupKernels);
		const base = new FixedBase(machine, group, 6);
		const mark = machine.mark();
		const digits = fixedDigits(bytesOf(Array.from({ length: 5000 }, (_, i) => RANDOM[i % RANDOM.length] as bigint)), 6);
		const bytes = Buffer.from(base.multiply(digits));
		const size = KEY_BYTES[group];
		const first = bytes.subarray(0, RANDOM.length * size);
		for (let i = 0; i < 5000; i++) {
			const same = (i % RANDOM.length) * size;
			expect(bytes.compare(first, same, same + size, i * size, (i + 1) * size)).toBe(0);
		}
		expect(fromMontgomery(bytes)).toBe(expected(group, RANDOM[0] as bigint)[0]);
		expect(machine.mark()).toBe(mark);
	});
});

it.each([2, 4, 7, 13, 15])("fixedDigits writes scalars in signed digits of %i bits", (bits) => {
	const scalars = [...SPECIAL, ...doubling(bits), ...RANDOM];
	const { values, count } = fixedDigits(bytesOf(scalars), bits);
	const windows = values.length / count;
	const sums = scalars.map((_, i) =>
		Array.from({ length: windows }, (_, w) => BigInt(values[w * count + i] as number) << BigInt(bits * w)).reduce((a, b) => a + b),
	);
	expect(sums).toEqual(scalars);
	expect(values.every((digit) => Math.abs(digit) <= 2 ** (bits - 1))).toBe(true);
});

it("windowBits widens the window with the number of multiples", () => {
	expect(windowBits(1)).toBe(4);
	expect(windowBits(1000)).toBeGreaterThan(6);
	expect(windowBits(1e7)).toBe(15);
});
