/**
 * Sums of multiples of points, `sum s_i P_i`, by buckets.
 *
 * With signed digits d_iw (digits.ts), c the width of a window, half = 2^(c-1):
 * 1. for each window: bucket[d] = sum of the +-P_i with |d_iw| = d. The points of a bucket are added pairwise in rounds, all buckets together
 *    (adder.ts). A digit 0 costs nothing, so bytes and bits cost one addition each.
 * 2. sum_d d bucket[d] by bits: with T = bucket, for level i = 0 .. c-2: `sum_d d T[d] = 2 sum_d d (T[2d] + T[2d+1]) + sum_d T[2d+1]`. The sums
 *    of odd places, one for each level, are what remains. All windows together, again in rounds.
 * 3. One point for each bit of the scalars remains: Horner's rule (horner.ts).
 */
import { KeyError } from "../errors.ts";
import { Adder } from "./adder.ts";
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
	/** 0 for infinity */
	readonly present: Uint8Array;
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
	const count = bytes.length / KEY_BYTES[group];
	// Points are converted two at a time.
	const points = { group, pointer: machine.alloc((count + 1) * POINT_BYTES[group]), count, present: new Uint8Array(count) };
	convertPoints(machine, points, 0, bytes, what);
	return points;
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
	const flags = machine.alloc(CHUNK / 2);
	const convert = machine.kernel(`${group}_load`, memory);
	for (let from = 0; from < count; from += CHUNK) {
		const length = Math.min(CHUNK, count - from);
		machine.bytes.set(bytes.subarray(from * size, (from + length) * size), chunk);
		if (length % 2 === 1) machine.bytes.copyWithin(chunk + length * size, chunk + (length - 1) * size, chunk + length * size);
		convert(pointer + (first + from) * POINT_BYTES[group], chunk, flags, length + (length % 2));
		for (let i = 0; i < length; i++) {
			const isOnCurve = ((machine.bytes[flags + (i >> 1)] as number) >> (i & 1)) & 1;
			present[first + from + i] = isOnCurve;
			if (isOnCurve || bytes.subarray((from + i) * size, (from + i + 1) * size).every((byte) => byte === 0)) continue;
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
	const rounds = new Slots(machine, points.group, Math.ceil((points.count + half) / 2), points.memory);
	const done: number[] = [];
	for (const window of windows) {
		fillBuckets(points, digits, offset, window, rounds, sums, done.length * (half + 1));
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
	readonly present: Uint8Array;
	readonly #machine: Machine;
	readonly #adder: Adder;
	/** adds points of the key */
	readonly #first: Adder;
	readonly #key: Float64Array | undefined;
	readonly #pointer: number;
	readonly #size: number;

	/** @param key memory of what {@link setSum} and {@link set} take; default: the machine's own */
	constructor(machine: Machine, group: GroupName, count: number, key?: WebAssembly.Memory) {
		this.#machine = machine;
		this.#size = POINT_BYTES[group];
		this.present = new Uint8Array(count);
		this.#pointer = machine.alloc(count * this.#size);
		const onInfinity = (address: number): void => {
			this.present[(address - this.#pointer) / this.#size] = 0;
		};
		this.#adder = new Adder(machine, group, onInfinity);
		this.#first = key ? new Adder(machine, group, onInfinity, key) : this.#adder;
		this.#key = key && new Float64Array(key.buffer);
	}

	/** Sets a slot to the sum of two pointers (adder.ts), at the next {@link flush}. */
	setSum(slot: number, left: number, right: number): void {
		this.present[slot] = 1;
		this.#first.add(left, right, this.#address(slot));
	}

	/** Sets a slot to a pointer's point. */
	set(slot: number, pointer: number): void {
		this.#copy(slot, this.#key ?? this.#machine.floats, pointer);
	}

	/** Adds slot `from` to slot `to`, at the next {@link flush}. */
	accumulate(to: number, from: number): void {
		if (!this.present[from]) return;
		if (this.present[to]) this.#adder.add(this.#address(to), this.#address(from), this.#address(to));
		else this.#copy(to, this.#machine.floats, this.#address(from));
	}

	/** Copies a slot to one of others. */
	copyTo(others: Slots, to: number, from: number): void {
		if (this.present[from]) others.#copy(to, this.#machine.floats, this.#address(from));
	}

	flush(): void {
		this.#first.flush();
		this.#adder.flush();
	}

	/** Affine coordinates, undefined for infinity. */
	read(slot: number): bigint[] | undefined {
		if (!this.present[slot]) return undefined;
		return Array.from({ length: this.#size / ELEMENT_BYTES / 2 }, (_, i) =>
			this.#machine.coordinates(this.#address(slot) + 2 * i * ELEMENT_BYTES),
		).flat();
	}

	#copy(slot: number, from: Float64Array, pointer: number): void {
		this.present[slot] = 1;
		const { floats } = this.#machine;
		const target = this.#address(slot) / 8;
		const source = Math.floor(pointer / 8);
		const length = this.#size / 8;
		const sign = pointer % 2 === 1 ? -1 : 1;
		for (let i = 0; i < length / 2; i++) floats[target + i] = from[source + i] as number;
		for (let i = length / 2; i < length; i++) floats[target + i] = sign * (from[source + i] as number);
	}

	#address(slot: number): number {
		return this.#pointer + slot * this.#size;
	}
}

/** Step 1 for one window: `sums[at + d]` becomes bucket d. */
function fillBuckets(points: Points, digits: Digits, offset: number, window: number, rounds: Slots, sums: Slots, at: number): void {
	const { group, pointer, present } = points;
	const { ends, entries } = digits;
	const size = POINT_BYTES[group];
	const half = 1 << (digits.bits - 1);
	const table = window * (half + 1);
	// The first round halves the buckets on the way from the key to the slots.
	const slots = new Uint32Array(half + 2);
	let slot = 0;
	let entry = ends[table] as number;
	for (let bucket = 1; bucket <= half; bucket++) {
		slots[bucket] = slot;
		const end = ends[table + bucket] as number;
		let left = -1;
		for (; entry < end; entry++) {
			const code = entries[entry] as number;
			const i = (code >>> 1) - offset;
			if (i < 0 || !present[i]) continue;
			const right = pointer + i * size + (code & 1);
			if (left < 0) left = right;
			else {
				rounds.setSum(slot++, left, right);
				left = -1;
			}
		}
		if (left >= 0) rounds.set(slot++, left);
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
