import { bn254 } from "@noble/curves/bn254.js";
import { describe, expect, it } from "vitest";
import { Q } from "../bn254.ts";
import { type Fq2, multiplyFq2 } from "./affine.ts";
import { PAIR_BYTES } from "./field.ts";
import { Machine } from "./machine.ts";
import { ADDEND, buildPairing, STATE } from "./pairing-kernels.ts";
import { FQ2_BYTES } from "./tower.ts";

type Triple = readonly [Fq2, Fq2, Fq2];

describe.each(["fma", "plain"] as const)("miller_members with %s arithmetic", async (arithmetic) => {
	const machine = await Machine.open(arithmetic, buildPairing);
	const point = bn254.G2.Point.BASE.multiply(5n).toAffine();
	const [x, y]: [Fq2, Fq2] = [
		[point.x.c0, point.x.c1],
		[point.y.c0, point.y.c1],
	];
	const z: Fq2 = [3n, Q - 7n];
	const zero: Fq2 = [0n, 0n];
	const one: Fq2 = [1n, 0n];
	const minusY: Fq2 = [Q - y[0], Q - y[1]];

	/** The flags of one turn for T in either lane, beside the point x, y. */
	function flags(low: Triple, high: Triple): number {
		const mark = machine.mark();
		const state = machine.alloc(STATE.bytes);
		const out = machine.alloc(1);
		const put = (place: number, a: Fq2, b: Fq2): void => {
			for (const i of [0, 1] as const) machine.putPair(place + i * PAIR_BYTES, a[i], b[i], Q);
		};
		for (const i of [0, 1, 2] as const) put(state + STATE.multiple + i * FQ2_BYTES, low[i], high[i]);
		const addend = 2 * FQ2_BYTES * ADDEND.minusPsi3;
		put(state + STATE.addends + addend, x, x);
		put(state + STATE.addends + addend + FQ2_BYTES, y, y);
		machine.kernel("miller_members")(state, out, addend, 1);
		const result = machine.bytes[out] as number;
		machine.release(mark);
		return result;
	}

	it("knows equal points, and nothing else as equal", () => {
		const equal: Triple[] = [
			[x, y, one],
			[multiplyFq2(x, z), multiplyFq2(y, z), z],
		];
		const different: Triple[] = [
			[x, minusY, one],
			[y, y, one],
			[multiplyFq2(x, z), multiplyFq2(y, z), one],
			// Infinity, and what remains of a sum that its formula does not cover.
			[zero, one, zero],
			[zero, zero, zero],
		];
		for (const first of equal) {
			for (const second of equal) expect(flags(first, second)).toBe(3);
			for (const second of different) expect([flags(first, second), flags(second, first)]).toEqual([1, 2]);
		}
		for (const first of different) for (const second of different) expect(flags(first, second)).toBe(0);
	});
});
