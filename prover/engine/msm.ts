/**
 * Sums of multiples of points, `sum s_i P_i`, by buckets.
 *
 * Write each scalar with n the number of points, c the width of a window, W the number of windows, half = 2^(c-1):
 *
 *     s_i = +- sum_w d_iw 2^(c w),   |d_iw| <= half,    the scalar or its negative, whichever is smaller
 *
 * 1. for each window: bucket[d] = sum of the +-P_i with |d_iw| = d. The points of a bucket are added pairwise in rounds, all buckets together
 *    (adder.ts). A digit 0 costs nothing, so bytes and bits cost one addition each.
 * 2. sum_d d bucket[d] by bits: with T = bucket, for level i = 0 .. c-2: `sum_d d T[d] = 2 sum_d d (T[2d] + T[2d+1]) + sum_d T[2d+1]`. The sums
 *    of odd places, one for each level, are what remains. All windows together, again in rounds.
 * 3. One point for each bit of the scalars remains: Horner's rule (horner.ts).
 */
import { R } from "../bn254.ts";
import { KeyError, WitnessError } from "../errors.ts";
import { Adder } from "./adder.ts";
import { ELEMENT_BYTES } from "./field.ts";
import { type GroupName, POINT_BYTES } from "./kernels.ts";
import type { Machine } from "./machine.ts";

/** Points of one group in a machine. */
export interface Points {
	readonly group: GroupName;
	readonly pointer: number;
	readonly count: number;
	/** 0 for infinity */
	readonly present: Uint8Array;
}

/** The digits of scalars that are not zero, window by window, over shared memory: threads read the same ones. */
export interface Digits {
	/** width of a window */
	readonly bits: number;
	readonly windows: number;
	/** those of window w are from `starts[w]` up to `starts[w + 1]` */
	readonly starts: Uint32Array;
	/** which scalar, ascending within a window */
	readonly places: Uint32Array;
	readonly values: Int16Array;
}

/** For each bit of the scalars a point, in affine coordinates, undefined for infinity. */
export type BitSums = (bigint[] | undefined)[];

/** Bytes of an affine point in a key. */
export const KEY_BYTES = { g1: 64, g2: 128 } as const;

const LOAD_CHUNK = 4096;
const MAX_BITS = 15;
const HALF_R = wordsOf((R - 1n) / 2n);
const R_WORDS = wordsOf(R);

/**
 * Reads points of a key into a machine.
 * @param bytes affine points in the layout of keys; infinity is all zeros
 * @param what names the points in errors
 * @throws KeyError `key.invalid` when a point is not on the curve
 */
export function loadPoints(machine: Machine, group: GroupName, bytes: Uint8Array, what: string): Points {
	const size = KEY_BYTES[group];
	const count = bytes.length / size;
	const present = new Uint8Array(count).fill(1);
	// Points are read two at a time.
	const pointer = machine.alloc((count + 1) * POINT_BYTES[group]);
	const mark = machine.mark();
	const chunk = machine.alloc((LOAD_CHUNK + 1) * size);
	const flags = machine.alloc(LOAD_CHUNK / 2);
	for (let from = 0; from < count; from += LOAD_CHUNK) {
		const length = Math.min(LOAD_CHUNK, count - from);
		machine.bytes.set(bytes.subarray(from * size, (from + length) * size), chunk);
		if (length % 2 === 1) machine.bytes.copyWithin(chunk + length * size, chunk + (length - 1) * size, chunk + length * size);
		machine.kernel(`${group}_load`)(pointer + from * POINT_BYTES[group], chunk, flags, length + (length % 2));
		for (let i = 0; i < length; i++) {
			if (((machine.bytes[flags + (i >> 1)] as number) >> (i & 1)) & 1) continue;
			const isInfinity = bytes.subarray((from + i) * size, (from + i + 1) * size).every((byte) => byte === 0);
			if (!isInfinity) throw new KeyError("key.invalid", `loadPoints: expected ${what} on the curve, got number ${from + i} outside`);
			present[from + i] = 0;
		}
	}
	machine.release(mark);
	return { group, pointer, count, present };
}

/**
 * Recodes scalars, for the width of window that makes a sum over them cheapest.
 * @param words eight 32-bit words a scalar, least significant first
 * @throws WitnessError `witness.range` when a scalar is not below r
 */
export function recode(words: Uint32Array): Digits {
	const count = words.length / 8;
	const magnitudes = words.slice();
	const negative = new Uint8Array(count);
	const lengths = new Uint32Array(255);
	for (let i = 0; i < count; i++) {
		if (isAbove(words, 8 * i, HALF_R)) {
			if (!isAbove(R_WORDS, 0, words.subarray(8 * i, 8 * i + 8))) {
				throw new WitnessError("witness.range", `recode: expected scalars below r, got a larger one at ${i}`);
			}
			negative[i] = 1;
			subtractFromR(magnitudes, 8 * i);
		}
		(lengths[bitLength(magnitudes, 8 * i)] as number)++;
	}
	const bits = windowBits(lengths);
	const longest = lengths.findLastIndex((points) => points > 0);
	// One bit more than the scalar, for the carry of the highest digit.
	const windows = longest === 0 ? 0 : Math.ceil((longest + 1) / bits);
	const dense = new Int16Array(windows * count);
	const starts = new Uint32Array(windows + 1);
	const half = 1 << (bits - 1);
	for (let i = 0; i < count; i++) {
		const length = bitLength(magnitudes, 8 * i);
		let carry = 0;
		for (let window = 0; window * bits <= length; window++) {
			let digit = digitAt(magnitudes, 8 * i, window * bits, bits) + carry;
			carry = digit > half ? 1 : 0;
			if (carry) digit -= 2 * half;
			if (digit === 0) continue;
			dense[window * count + i] = negative[i] ? -digit : digit;
			starts[window + 1] = (starts[window + 1] as number) + 1;
		}
	}
	for (let window = 0; window < windows; window++) starts[window + 1] = (starts[window + 1] as number) + (starts[window] as number);
	const total = starts[windows] as number;
	const places = new Uint32Array(new SharedArrayBuffer(4 * total));
	const values = new Int16Array(new SharedArrayBuffer(2 * total));
	let next = 0;
	for (let window = 0; window < windows; window++) {
		for (let i = 0; i < count; i++) {
			const digit = dense[window * count + i] as number;
			if (digit === 0) continue;
			places[next] = i;
			values[next++] = digit;
		}
	}
	return { bits, windows, starts, places, values };
}

/** @param lengths how many scalars have each length in bits */
function windowBits(lengths: Uint32Array): number {
	let best = 1;
	let least = Number.POSITIVE_INFINITY;
	const longest = lengths.findLastIndex((points) => points > 0);
	for (let bits = 2; bits <= MAX_BITS; bits++) {
		let cost = Math.ceil((longest + 1) / bits) * 2 ** bits;
		for (let length = 1; length <= longest; length++) cost += (lengths[length] as number) * Math.ceil((length + 1) / bits);
		if (cost < least) {
			least = cost;
			best = bits;
		}
	}
	return best;
}

/**
 * The points whose sum, each doubled as often as its index says, is `sum s_i P_i`: steps 1 and 2.
 * @param offset the digits that belong to the first point
 * @param windows the windows to sum over: first and end; default: all
 * @returns affine coordinates by bit of the scalars, undefined for infinity
 */
export function sumBits(
	machine: Machine,
	points: Points,
	digits: Digits,
	offset = 0,
	[first, end]: readonly [number, number] = [0, digits.windows],
): BitSums {
	const mark = machine.mark();
	const half = 1 << (digits.bits - 1);
	const sums = new Slots(machine, points.group, (end - first) * (half + 1));
	const rounds = new Slots(machine, points.group, Math.ceil((points.count + half) / 2));
	for (let window = first; window < end; window++) fillBuckets(points, digits, offset, window, rounds, sums, (window - first) * (half + 1));
	foldBuckets(sums, end - first, half);
	const bits: BitSums = [];
	for (let window = first; window < end; window++) {
		for (let bit = 0; bit < digits.bits; bit++) bits[window * digits.bits + bit] = sums.read((window - first) * (half + 1) + (1 << bit));
	}
	machine.release(mark);
	return bits;
}

/** Places for points, all infinity at first, and the additions between them. */
class Slots {
	readonly present: Uint8Array;
	readonly #machine: Machine;
	readonly #adder: Adder;
	readonly #pointer: number;
	readonly #size: number;

	constructor(machine: Machine, group: GroupName, count: number) {
		this.#machine = machine;
		this.#size = POINT_BYTES[group];
		this.present = new Uint8Array(count);
		this.#pointer = machine.alloc(count * this.#size);
		this.#adder = new Adder(machine, group, (address) => {
			this.present[(address - this.#pointer) / this.#size] = 0;
		});
	}

	/** Sets a slot to the sum of two pointers (adder.ts), at the next {@link flush}. */
	setSum(slot: number, left: number, right: number): void {
		this.present[slot] = 1;
		this.#adder.add(left, right, this.#address(slot));
	}

	/** Sets a slot to a pointer's point. */
	set(slot: number, pointer: number): void {
		this.present[slot] = 1;
		const { floats } = this.#machine;
		const target = this.#address(slot) / 8;
		const source = (pointer & -2) >>> 3;
		const length = this.#size / 8;
		const sign = pointer & 1 ? -1 : 1;
		for (let i = 0; i < length / 2; i++) floats[target + i] = floats[source + i] as number;
		for (let i = length / 2; i < length; i++) floats[target + i] = sign * (floats[source + i] as number);
	}

	/** Adds slot `from` to slot `to`, at the next {@link flush}. */
	accumulate(to: number, from: number): void {
		if (!this.present[from]) return;
		if (this.present[to]) this.#adder.add(this.#address(to), this.#address(from), this.#address(to));
		else this.set(to, this.#address(from));
	}

	/** Copies a slot to one of others. */
	copyTo(others: Slots, to: number, from: number): void {
		if (this.present[from]) others.set(to, this.#address(from));
	}

	flush(): void {
		this.#adder.flush();
	}

	/** Affine coordinates, undefined for infinity. */
	read(slot: number): bigint[] | undefined {
		if (!this.present[slot]) return undefined;
		return Array.from({ length: this.#size / ELEMENT_BYTES / 2 }, (_, i) =>
			this.#machine.coordinates(this.#address(slot) + 2 * i * ELEMENT_BYTES),
		).flat();
	}

	#address(slot: number): number {
		return this.#pointer + slot * this.#size;
	}
}

/** Step 1 for one window: `sums[at + d]` becomes bucket d. */
function fillBuckets(points: Points, digits: Digits, offset: number, window: number, rounds: Slots, sums: Slots, at: number): void {
	const { group, pointer, count, present } = points;
	const size = POINT_BYTES[group];
	const half = 1 << (digits.bits - 1);
	const { values, places } = digits;
	const [from, to] = [digits.starts[window] as number, digits.starts[window + 1] as number];
	// Counting sort of the pointers by bucket.
	const starts = new Uint32Array(half + 2);
	for (let entry = from; entry < to; entry++) {
		const i = (places[entry] as number) - offset;
		if (i < 0 || i >= count || !present[i]) continue;
		const after = Math.abs(values[entry] as number) + 1;
		starts[after] = (starts[after] as number) + 1;
	}
	for (let bucket = 1; bucket <= half; bucket++) starts[bucket + 1] = (starts[bucket + 1] as number) + (starts[bucket] as number);
	const sorted = new Uint32Array(starts[half + 1] as number);
	const next = starts.slice();
	for (let entry = from; entry < to; entry++) {
		const i = (places[entry] as number) - offset;
		if (i < 0 || i >= count || !present[i]) continue;
		const digit = values[entry] as number;
		const bucket = Math.abs(digit);
		const place = next[bucket] as number;
		next[bucket] = place + 1;
		sorted[place] = pointer + i * size + (digit < 0 ? 1 : 0);
	}
	// The first round halves the buckets on the way from the table to the slots.
	const slots = new Uint32Array(half + 2);
	let slot = 0;
	for (let bucket = 1; bucket <= half; bucket++) {
		slots[bucket] = slot;
		const end = starts[bucket + 1] as number;
		for (let i = starts[bucket] as number; i < end; i += 2) {
			if (i + 1 < end) rounds.setSum(slot++, sorted[i] as number, sorted[i + 1] as number);
			else rounds.set(slot++, sorted[i] as number);
		}
	}
	slots[half + 1] = slot;
	rounds.flush();
	for (let stride = 1, busy = true; busy; stride *= 2) {
		busy = false;
		for (let bucket = 1; bucket <= half; bucket++) {
			const end = slots[bucket + 1] as number;
			for (let i = slots[bucket] as number; i + stride < end; i += 2 * stride) {
				rounds.accumulate(i, i + stride);
				busy = true;
			}
		}
		rounds.flush();
	}
	for (let bucket = 1; bucket <= half; bucket++) {
		const from = slots[bucket] as number;
		if (from < (slots[bucket + 1] as number)) rounds.copyTo(sums, at + bucket, from);
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

/** A window's bits of a number in 32-bit words. */
function digitAt(words: Uint32Array, start: number, bit: number, bits: number): number {
	const index = start + (bit >> 5);
	const shift = bit & 31;
	let digit = (words[index] as number) >>> shift;
	if (shift + bits > 32 && bit >> 5 < 7) digit |= (words[index + 1] as number) << (32 - shift);
	return digit & ((1 << bits) - 1);
}

function bitLength(words: Uint32Array, start: number): number {
	let index = 7;
	while (index > 0 && words[start + index] === 0) index--;
	return 32 * (index + 1) - Math.clz32(words[start + index] as number);
}

/** Whether eight words from `start` are a larger number than `other`. */
function isAbove(words: Uint32Array, start: number, other: Uint32Array): boolean {
	for (let i = 7; i >= 0; i--) {
		const difference = (words[start + i] as number) - (other[i] as number);
		if (difference !== 0) return difference > 0;
	}
	return false;
}

function subtractFromR(words: Uint32Array, start: number): void {
	let borrow = 0;
	for (let i = 0; i < 8; i++) {
		const difference = (R_WORDS[i] as number) - (words[start + i] as number) - borrow;
		borrow = difference < 0 ? 1 : 0;
		words[start + i] = difference;
	}
}

function wordsOf(value: bigint): Uint32Array {
	return Uint32Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(32 * i)) & 0xffffffffn));
}
