/**
 * Sums of multiples of points, `sum s_i P_i`, by buckets.
 *
 * With signed digits d_iw (digits.ts), c the width of a window, half = 2^(c-1):
 * 1. for each window: bucket[d] = sum of the +-P_i with |d_iw| = d (buckets.ts). A digit 0 costs nothing, so bytes and bits cost one addition each.
 * 2. sum_d d bucket[d] by bits: with T = bucket, for level i = 0 .. c-2: `sum_d d T[d] = 2 sum_d d (T[2d] + T[2d+1]) + sum_d T[2d+1]`. The sums
 *    of odd places, one for each level, are what remains. All windows together, again in rounds.
 * 3. One point for each bit of the scalars remains: Horner's rule (horner.ts).
 *
 * For 2^16 scalars of full size that is 1.39 million additions, of which 1.31 million fill buckets. The endomorphism of G1 (GLV) would halve the windows but double
 * their points, 1.33 million additions before the price of splitting scalars; tables of 2^(64 k) P would leave 1.18 million, 15 % less, for four times the
 * memory of the key and the time of nine sums to make them, so neither is used.
 */
import { KeyError } from "../errors.ts";
import { Adder } from "./adder.ts";
import { Buckets } from "./buckets.ts";
import type { Digits } from "./digits.ts";
import { ELEMENT_BYTES } from "./field.ts";
import { type GroupName, POINT_BYTES } from "./kernels.ts";
import type { Machine } from "./machine.ts";

/** Points of one group. Those in a memory that threads share are plain data. */
export interface Points {
	readonly group: GroupName;
	/** where they are; default: in the machine that uses them */
	readonly memory?: WebAssembly.Memory;
	readonly pointer: number;
	readonly count: number;
	/** address of a flag for each: 0 for infinity, 1 for others */
	readonly present: number;
}

/** For each bit of the scalars a point, in affine coordinates, undefined for infinity. */
export type BitSums = (bigint[] | undefined)[];

/** Bytes of an affine point in a key. */
export const KEY_BYTES = { g1: 64, g2: 128 } as const;

/** Points that are converted at a time, even. */
const CHUNK = 4096;

/**
 * Reads points of a key into a machine.
 * @param bytes affine points in the layout of keys; infinity is all zeros
 * @param what names the points in errors
 * @throws KeyError `key.invalid` when a point is not on the curve
 */
export function loadPoints(machine: Machine, group: GroupName, bytes: Uint8Array, what: string): Points {
	const points = allocatePoints(machine, group, bytes.length / KEY_BYTES[group]);
	convertPoints(machine, points, 0, bytes, what);
	return points;
}

/** Room for points in a machine, and for one more, because they are converted two at a time. */
export function allocatePoints(machine: Machine, group: GroupName, count: number): Points {
	return { group, pointer: machine.alloc((count + 1) * POINT_BYTES[group]), count, present: machine.alloc(count + 1) };
}

/**
 * Fills a part of a place for points, which has room for one more than its number.
 * @param first number of the first point of the part, even
 * @param bytes affine points in the layout of keys; an odd number only at the end
 * @param what names the points in errors
 * @throws KeyError `key.invalid` when a point is not on the curve
 */
export function convertPoints(machine: Machine, points: Points, first: number, bytes: Uint8Array, what: string): void {
	const { group, memory, pointer, present } = points;
	const size = KEY_BYTES[group];
	const count = bytes.length / size;
	const mark = machine.mark();
	const chunk = machine.alloc((CHUNK + 1) * size);
	const convert = machine.kernel(`${group}_load`, memory);
	for (let from = 0; from < count; from += CHUNK) {
		const length = Math.min(CHUNK, count - from);
		machine.bytes.set(bytes.subarray(from * size, (from + length) * size), chunk);
		if (length % 2 === 1) machine.bytes.copyWithin(chunk + length * size, chunk + (length - 1) * size, chunk + length * size);
		convert(pointer + (first + from) * POINT_BYTES[group], chunk, present + first + from, length + (length % 2));
		const flags = new Uint8Array((memory ?? machine.memory).buffer, present + first + from, length);
		for (let i = flags.indexOf(0); i >= 0; i = flags.indexOf(0, i + 1)) {
			if (bytes.subarray((from + i) * size, (from + i + 1) * size).every((byte) => byte === 0)) continue;
			throw new KeyError("key.invalid", `loadPoints: expected ${what} on the curve, got number ${first + from + i} outside`);
		}
	}
	machine.release(mark);
}

/**
 * The points whose sum, each doubled as often as its index says, is `sum s_i P_i`: steps 1 and 2.
 * @param offset the digits that belong to the first point
 * @param windows the windows to sum over, each once; default: all
 * @returns affine coordinates by bit of the scalars, undefined for infinity
 */
export function sumBits(machine: Machine, points: Points, digits: Digits, offset = 0, windows: Iterable<number> = all(digits)): BitSums {
	const mark = machine.mark();
	const half = 1 << (digits.bits - 1);
	const sums = new Slots(machine, points.group, digits.windows * (half + 1));
	const buckets = new Buckets(machine, points, digits, offset);
	const done: number[] = [];
	for (const window of windows) {
		const first = done.length * (half + 1);
		buckets.fill(window, sums.address(first), sums.flagAddress(first));
		done.push(window);
	}
	foldBuckets(sums, done.length, half);
	const bits: BitSums = [];
	for (const [i, window] of done.entries()) {
		for (let bit = 0; bit < digits.bits; bit++) bits[window * digits.bits + bit] = sums.read(i * (half + 1) + (1 << bit));
	}
	machine.release(mark);
	return bits;
}

function all({ windows }: Digits): number[] {
	return Array.from({ length: windows }, (_, window) => window);
}

/** Places for points, all infinity at first, and the additions between them. */
class Slots {
	readonly #machine: Machine;
	readonly #adder: Adder;
	readonly #pointer: number;
	readonly #flags: number;
	/** 0 for infinity */
	readonly #present: Uint8Array;
	readonly #size: number;

	constructor(machine: Machine, group: GroupName, count: number) {
		this.#machine = machine;
		this.#size = POINT_BYTES[group];
		this.#pointer = machine.alloc(count * this.#size);
		this.#flags = machine.alloc(count);
		// A shared memory grows without moving, so the view stays valid.
		this.#present = new Uint8Array(machine.memory.buffer, this.#flags, count).fill(0);
		this.#adder = new Adder(machine, group, (address) => {
			this.#present[(address - this.#pointer) / this.#size] = 0;
		});
	}

	address(slot: number): number {
		return this.#pointer + slot * this.#size;
	}

	flagAddress(slot: number): number {
		return this.#flags + slot;
	}

	/** Adds slot `from` to slot `to`, at the next {@link flush}. */
	accumulate(to: number, from: number): void {
		if (!this.#present[from]) return;
		if (this.#present[to]) this.#adder.add(this.address(to), this.address(from), this.address(to));
		else {
			this.#machine.bytes.copyWithin(this.address(to), this.address(from), this.address(from + 1));
			this.#present[to] = 1;
		}
	}

	flush(): void {
		this.#adder.flush();
	}

	/** Affine coordinates, undefined for infinity. */
	read(slot: number): bigint[] | undefined {
		if (!this.#present[slot]) return undefined;
		return Array.from({ length: this.#size / ELEMENT_BYTES / 2 }, (_, i) =>
			this.#machine.coordinates(this.address(slot) + 2 * i * ELEMENT_BYTES),
		).flat();
	}
}

/** Step 2: afterwards slot `2^i` of each window holds its sum of odd places of level i. The bucket `half` stands for itself. */
function foldBuckets(sums: Slots, windows: number, half: number): void {
	const starts = Array.from({ length: windows }, (_, window) => window * (half + 1));
	for (let step = 1; step < half; step *= 2) {
		for (const start of starts) for (let i = 0; i < half; i += 2 * step) sums.accumulate(start + i, start + i + step);
		sums.flush();
	}
	for (let stride = 1; 2 * stride < half; stride *= 2) {
		for (const start of starts) {
			for (let step = 1; 2 * step * stride < half; step *= 2) {
				const places = half / (2 * step);
				for (let k = 0; k + stride < places; k += 2 * stride) {
					sums.accumulate(start + step * (2 * k + 1), start + step * (2 * (k + stride) + 1));
				}
			}
		}
		sums.flush();
	}
}
