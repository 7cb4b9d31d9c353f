import { bn254 } from "@noble/curves/bn254.js";
import { describe, expect, it, vi } from "vitest";
import { fromMontgomery, R, toBytesLE } from "./bn254.ts";
import { Curve, G1, G2 } from "./curve.ts";
import { FixedBase, windowBits } from "./fixed-base.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SPECIAL = [0n, 1n, 2n, 15n, 16n, 17n, 255n, 256n, 2n ** 128n - 1n, 2n ** 253n, R / 2n, R - 2n, R - 1n];
const RANDOM = Array.from({ length: 20 }, (_, i) => BigInt(`0x${"9e3779b97f4a7c15f39cc0605cedc834".repeat(2)}`) ** BigInt(i + 1) % R);

describe("FixedBase", () => {
	it.each([4, 5, 8, 9, 13])("gives the same multiples as noble, %i bits", async (bits) => {
		const scalars = [...SPECIAL, ...RANDOM];
		const bytes = Buffer.concat(scalars.map(toBytesLE));
		const g1 = new FixedBase(await Curve.open(), G1, bits).multiply(Uint8Array.from(bytes));
		scalars.forEach((scalar, i) => {
			const got = [0, 32].map((offset) => fromMontgomery(g1, 64 * i + offset));
			const { x, y } = bn254.G1.Point.BASE.multiplyUnsafe(scalar).toAffine();
			expect(got, `${scalar}`).toEqual([x, y]);
		});
		const g2 = new FixedBase(await Curve.open(), G2, bits).multiply(Uint8Array.from(bytes));
		scalars.forEach((scalar, i) => {
			const got = [0, 32, 64, 96].map((offset) => fromMontgomery(g2, 128 * i + offset));
			const { x, y } = bn254.G2.Point.BASE.multiplyUnsafe(scalar).toAffine();
			expect(got, `${scalar}`).toEqual([x.c0, x.c1, y.c0, y.c1]);
		});
	});

	it("widens the window with the number of multiples", () => {
		expect(windowBits(1)).toBe(4);
		expect(windowBits(1000)).toBeGreaterThan(6);
		expect(windowBits(1e7)).toBe(15);
	});
});
