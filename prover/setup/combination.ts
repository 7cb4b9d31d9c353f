/**
 * Random combinations of multiples of a generator: a cheap test that every point of a list is `s_i G`.
 *
 * For each of {@link WINDOWS} windows digits d_i are drawn uniformly from 2^14 neighbouring values, and `sum d_i P_i = (sum d_i s_i) G` is asked for.
 * When a difference P_i - s_i G is not infinity, its order has a prime factor of at least 10,069, the least one of the cofactor of G2's curve. So
 * at most two values of d_i let a window pass, whatever the others are: a wrong list of points on the curve passes all with a probability of at most
 * 2^-39 (2^-42 when it lies in the subgroup). One addition a point and window is what it costs.
 */
import { randomFillSync } from "node:crypto";
import { bn254 } from "@noble/curves/bn254.js";
import { mod, R, WORD } from "../bn254.ts";
import type { Digits } from "../engine/digits.ts";
import { hornerG1, hornerG2 } from "../engine/horner.ts";
import type { Machine } from "../engine/machine.ts";
import { type Points, sumBits } from "../engine/msm.ts";

const WINDOWS = 3;
const BITS = 14;
const HALF = 1 << (BITS - 1);
/** Products of a digit and a 32-bit word that add up to less than 2^53. */
const EXACT_TERMS = 256;

/** Drawn digits, sorted as sums take them. */
export interface Combination {
	readonly digits: Digits;
	/** that of each entry */
	readonly values: Int16Array;
}

/** Draws digits for so many points. */
export function randomCombination(count: number): Combination {
	const drawn = new Uint16Array(WINDOWS * count);
	for (let from = 0; from < drawn.length; from += 65536) randomFillSync(drawn.subarray(from, from + 65536));
	const digitOf = (entry: number): number => ((drawn[entry] as number) & (2 * HALF - 1)) - HALF;
	const ends = new Uint32Array(WINDOWS * (HALF + 1));
	const entries = new Uint32Array(drawn.length);
	const values = new Int16Array(drawn.length);
	let total = 0;
	for (let window = 0; window < WINDOWS; window++) {
		const bucketEnds = ends.subarray(window * (HALF + 1), (window + 1) * (HALF + 1));
		for (let i = 0; i < count; i++) {
			const digit = digitOf(window * count + i);
			if (digit !== 0) bucketEnds[Math.abs(digit)] = (bucketEnds[Math.abs(digit)] as number) + 1;
		}
		// First where each bucket begins; with every entry that it gets this moves on to where it ends.
		for (const [bucket, length] of bucketEnds.entries()) {
			bucketEnds[bucket] = total;
			total += length;
		}
		for (let i = 0; i < count; i++) {
			const digit = digitOf(window * count + i);
			if (digit === 0) continue;
			const place = bucketEnds[Math.abs(digit)] as number;
			bucketEnds[Math.abs(digit)] = place + 1;
			entries[place] = 2 * i + (digit < 0 ? 1 : 0);
			values[place] = digit;
		}
	}
	const digits = { bits: BITS, windows: WINDOWS, ends, entries: entries.subarray(0, total) };
	return { digits, values: values.subarray(0, total) };
}

/** The right side: `sum d_i s_i` of each window, in `[0, r)`. */
export function combinedScalars({ digits: { ends, entries }, values }: Combination, scalars: Uint8Array): bigint[] {
	const words = new Uint32Array(scalars.buffer, scalars.byteOffset, scalars.length / 4);
	return Array.from({ length: WINDOWS }, (_, window) => {
		let total = 0n;
		const [start, end] = [0, HALF].map((bucket) => ends[window * (HALF + 1) + bucket] as number) as [number, number];
		for (let from = start; from < end; from += EXACT_TERMS) {
			const until = Math.min(end, from + EXACT_TERMS);
			for (let word = 0; word < WORD / 4; word++) {
				let sum = 0;
				for (let entry = from; entry < until; entry++) {
					sum += (values[entry] as number) * (words[8 * ((entries[entry] as number) >> 1) + word] as number);
				}
				total += BigInt(sum) << BigInt(32 * word);
			}
		}
		return mod(total, R);
	});
}

/**
 * Whether all equations hold.
 * @param expected see {@link combinedScalars}
 */
export function combinationsHold(machine: Machine, points: Points, { digits }: Combination, expected: readonly bigint[]): boolean {
	return expected.every((scalar, window) => {
		const bits = sumBits(machine, points, digits, 0, [window]).slice(window * BITS);
		if (points.group === "g1") return hornerG1(bits).equals(bn254.G1.Point.BASE.multiplyUnsafe(scalar));
		return hornerG2(bits).equals(bn254.G2.Point.BASE.multiplyUnsafe(scalar));
	});
}
