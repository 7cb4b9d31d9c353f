/**
 * Step 1 of a sum (msm.ts): the points of each bucket of a window, added pairwise in rounds, all buckets together.
 *
 * The first round takes points from the key to slots, bucket by bucket; a point that is left over is copied. In later rounds the slots of a bucket
 * are added at distances 1, 2, 4, .. until the first slot holds the bucket. What is added to what is listed by kernels that do not look
 * at coordinates, so they serve both groups.
 */

import { type Code, Func, i32, i64, type Module } from "../../webassembly/emitter.ts";
import { Adder } from "./adder.ts";
import type { Digits } from "./digits.ts";
import { POINT_BYTES } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { Points } from "./msm.ts";

/** Addresses in a machine for one window after the other. */
export class Buckets {
	readonly #machine: Machine;
	readonly #points: Points;
	readonly #digits: Digits;
	readonly #offset: number;
	readonly #half: number;
	readonly #size: number;
	readonly #entries: number;
	/** where a bucket ends in the entries, and its first slot */
	readonly #ends: number;
	readonly #firsts: number;
	readonly #slots: number;
	readonly #present: number;
	/** summands and sums of a round */
	readonly #lists: readonly [left: number, right: number, out: number];
	readonly #fromKey: Adder;
	readonly #fromSlots: Adder;

	/** @param offset the digits that belong to the first point */
	constructor(machine: Machine, points: Points, digits: Digits, offset: number) {
		this.#machine = machine;
		this.#points = points;
		this.#digits = digits;
		this.#offset = offset;
		this.#half = 2 ** (digits.bits - 1);
		this.#size = POINT_BYTES[points.group];
		const slots = Math.ceil((points.count + this.#half) / 2);
		this.#ends = machine.alloc(4 * (this.#half + 1));
		this.#firsts = machine.alloc(4 * (this.#half + 2));
		this.#slots = machine.alloc(slots * this.#size);
		this.#present = machine.alloc(slots);
		this.#lists = [machine.alloc(4 * (slots + 1)), machine.alloc(4 * (slots + 1)), machine.alloc(4 * (slots + 1))];
		const onInfinity = (address: number): void => {
			machine.bytes[this.#present + (address - this.#slots) / this.#size] = 0;
		};
		this.#fromKey = new Adder(machine, points.group, onInfinity, points.memory);
		this.#fromSlots = new Adder(machine, points.group, onInfinity);
		const longest = Array.from({ length: digits.windows }, (_, window) => this.#end(window, this.#half) - this.#end(window, 0));
		this.#entries = machine.alloc(4 * Math.max(0, ...longest));
	}

	/**
	 * Computes the buckets of a window.
	 * @param sums address of bucket 0, which is not used
	 * @param present address of a flag for each bucket, 0 at first, 1 afterwards where there is a point
	 */
	fill(window: number, sums: number, present: number): void {
		const machine = this.#machine;
		const { memory, pointer, count, present: flags } = this.#points;
		const half = this.#half;
		const size = this.#size;
		const { ends, entries } = this.#digits;
		const first = this.#end(window, 0);
		machine.words(this.#ends, half + 1).set(ends.subarray(window * (half + 1), (window + 1) * (half + 1)));
		machine.words(this.#entries, this.#end(window, half) - first).set(entries.subarray(first, this.#end(window, half)));
		const firstEntry = this.#entries - 4 * first;
		const [left, right, out] = this.#lists;
		const pairs = machine.kernel("buckets_pair", memory)(
			...[firstEntry, this.#ends, half, this.#offset, count, pointer, flags, size],
			...[this.#firsts, this.#slots, this.#present, left, right, out],
		);
		this.#fromKey.addAll(this.#lists, pairs);
		const firsts = machine.words(this.#firsts, half + 2);
		let longest = 0;
		for (let bucket = 1; bucket <= half; bucket++) {
			longest = Math.max(longest, (firsts[bucket + 1] as number) - (firsts[bucket] as number));
		}
		// Sums that are infinity have been reported by now.
		for (let distance = 1; distance < longest; distance *= 2) {
			const additions = machine.kernel("buckets_halve")(
				...[this.#firsts, half, distance, this.#present, this.#slots, size],
				...[left, right, out],
			);
			this.#fromSlots.addAll(this.#lists, additions);
		}
		machine.kernel("buckets_collect")(this.#firsts, half, this.#present, this.#slots, size, present, sums);
	}

	/** Where a bucket of a window ends in the entries. */
	#end(window: number, bucket: number): number {
		return this.#digits.ends[window * (this.#half + 1) + bucket] as number;
	}
}

/** The kernels, `buckets_*`. */
export function exportBuckets(module: Module): void {
	module.export("buckets_pair", pairUp());
	module.export("buckets_halve", halve());
	module.export("buckets_collect", collect());
}

/** Reads what threads share. */
const KEY = 1;

/**
 * (entries, ends, half, offset, count, points, flags, size, firsts, slots, present, left, right, out) -> pairs: the first round. Gives each bucket its slots,
 * lists pairs of points of the key and the slots for their sums, and copies points that are left over.
 */
function pairUp(): Func {
	const func = new Func(
		Array.from({ length: 14 }, () => "i32" as const),
		"i32",
	);
	const [entries, ends, half, offset, count, points, flags, size, firsts, slots, present, left, right, out] = func.params.map((_, i) =>
		func.param(i),
	) as Vector<14>;
	const start = func.let("i32", left);
	const slot = func.local("i32");
	const entry = func.let("i32", at(entries, i32.load(ends)));
	const takeSlot = (): void => {
		func.emit(i32.storeByte(i32.add(present, slot), i32.const(1)));
		advance(func, slots, size);
		advance(func, slot, i32.const(1));
	};
	func.while(half, () => {
		for (const pointer of [ends, firsts]) advance(func, pointer, i32.const(4));
		func.emit(i32.store(firsts, slot));
		const stop = func.let("i32", at(entries, i32.load(ends)));
		const waiting = func.let("i32", i32.const(0));
		func.while(i32.ltU(entry, stop), () => {
			const code = func.let("i32", i32.load(entry));
			const place = func.let("i32", i32.sub(i32.shrU(code, i32.const(1)), offset));
			func.if(i32.ltU(place, count), () => {
				func.if(i32.loadByte(i32.add(flags, place), KEY), () => {
					const point = func.let("i32", i32.add(i32.add(points, i32.mul(place, size)), i32.and(code, i32.const(1))));
					func.if(
						i32.eqz(waiting),
						() => func.assign(waiting, point),
						() => {
							list(func, [left, right, out], [waiting, point, slots]);
							func.assign(waiting, i32.const(0));
							takeSlot();
						},
					);
				});
			});
			advance(func, entry, i32.const(4));
		});
		func.if(waiting, () => {
			copy(func, slots, waiting, size);
			takeSlot();
		});
		advance(func, half, i32.const(-1));
	});
	func.emit(i32.store(firsts, slot, 4));
	func.emit(i32.shrU(i32.sub(left, start), i32.const(2)));
	return func;
}

/** (firsts, half, distance, present, slots, size, left, right, out) -> additions: a later round. */
function halve(): Func {
	const func = new Func(
		Array.from({ length: 9 }, () => "i32" as const),
		"i32",
	);
	const [firsts, half, distance, present, slots, size, left, right, out] = func.params.map((_, i) => func.param(i)) as Vector<9>;
	const start = func.let("i32", left);
	func.while(half, () => {
		advance(func, firsts, i32.const(4));
		const to = func.let("i32", i32.load(firsts));
		const end = func.let("i32", i32.load(firsts, 4));
		func.while(i32.ltU(i32.add(to, distance), end), () => {
			const from = func.let("i32", i32.add(to, distance));
			func.if(i32.loadByte(i32.add(present, from)), () => {
				const [target, source] = [to, from].map((slot) => func.let("i32", i32.add(slots, i32.mul(slot, size)))) as Vector<2>;
				func.if(
					i32.loadByte(i32.add(present, to)),
					() => list(func, [left, right, out], [target, source, target]),
					() => {
						copy(func, target, source, size);
						func.emit(i32.storeByte(i32.add(present, to), i32.const(1)));
					},
				);
			});
			advance(func, to, i32.shl(distance, i32.const(1)));
		});
		advance(func, half, i32.const(-1));
	});
	func.emit(i32.shrU(i32.sub(left, start), i32.const(2)));
	return func;
}

/** (firsts, half, present, slots, size, flags, sums): copies each bucket to its place. */
function collect(): Func {
	const func = new Func(Array.from({ length: 7 }, () => "i32" as const));
	const [firsts, half, present, slots, size, flags, sums] = func.params.map((_, i) => func.param(i)) as Vector<7>;
	func.while(half, () => {
		advance(func, firsts, i32.const(4));
		advance(func, flags, i32.const(1));
		advance(func, sums, size);
		const slot = func.let("i32", i32.load(firsts));
		func.if(i32.ltU(slot, i32.load(firsts, 4)), () => {
			func.if(i32.loadByte(i32.add(present, slot)), () => {
				copy(func, sums, func.let("i32", i32.add(slots, i32.mul(slot, size))), size);
				func.emit(i32.storeByte(flags, i32.const(1)));
			});
		});
		advance(func, half, i32.const(-1));
	});
	return func;
}

type Vector<N extends number, T extends Code[] = []> = T["length"] extends N ? T : Vector<N, [...T, Code]>;

/** Copies a pointer's point (adder.ts). */
function copy(func: Func, target: Code, pointer: Code, size: Code): void {
	const place = func.let("i32", i32.and(pointer, i32.const(-2)));
	const sign = func.let("i64", i64.shl(i64.extend(pointer), i64.const(63n)));
	const ordinate = func.let("i32", i32.shrU(size, i32.const(1)));
	const done = func.let("i32", i32.const(0));
	for (const [end, signs] of [
		[ordinate, i64.const(0n)],
		[size, sign],
	] as const) {
		func.while(i32.ltU(done, end), () => {
			func.emit(i64.store(i32.add(target, done), i64.xor(i64.load(i32.add(place, done), 0, KEY), signs)));
			advance(func, done, i32.const(8));
		});
	}
}

/** Appends to lists. */
function list(func: Func, lists: readonly Code[], values: readonly Code[]): void {
	for (const [i, pointer] of lists.entries()) {
		func.emit(i32.store(pointer, values[i] as Code));
		advance(func, pointer, i32.const(4));
	}
}

function at(table: Code, index: Code): Code {
	return i32.add(table, i32.shl(index, i32.const(2)));
}

function advance(func: Func, variable: Code, by: Code): void {
	func.assign(variable, i32.add(variable, by));
}
