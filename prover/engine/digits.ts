/**
 * Scalars as signed digits, sorted: for each window the places of the scalars by the magnitude of their digit, which is the order in which
 * buckets take points (msm.ts). Threads read the same ones.
 *
 * With c the width of a window, W their number, half = 2^(c-1):
 *
 *     s_i = +- sum_w d_iw 2^(c w),   |d_iw| <= half,    the scalar or its negative, whichever is smaller
 *
 * Digits need no carry from window to window: with half 2^(c w) added for each window but the highest, digit w is bits c w to c w + c - 1, less half.
 */

import { type Code, Func, i32, i64, type Module } from "../../webassembly/emitter.ts";
import { R, toBytesLE } from "../bn254.ts";
import { WitnessError } from "../errors.ts";
import type { Machine } from "./machine.ts";

/** Plain data in the shared memory of a machine: valid until that is released. */
export interface Digits {
	/** width of a window */
	readonly bits: number;
	readonly windows: number;
	/** `half + 1` numbers for each window: where in `entries` a bucket ends. Each begins where the one before it ends, the first of a window at number 0. */
	readonly ends: Uint32Array;
	/** which scalar, times two, plus one when the digit is negative */
	readonly entries: Uint32Array;
}

const SCALAR_BYTES = 32;
const LENGTHS = 256;
const MAX_BITS = 16;

/**
 * Recodes scalars, for the width of window that makes a sum over them cheapest. The result stays allocated in the machine.
 * @param words eight 32-bit words a scalar, least significant first
 * @param bits width of a window, in `[2, 16]`; default: the cheapest
 * @throws WitnessError `witness.range` when a scalar is not below r
 * @throws ProverError `engine.memory`
 */
export function recode(machine: Machine, words: Uint32Array, bits?: number): Digits {
	const count = words.length / 8;
	// Digits are read with the three bytes behind them.
	const scalars = machine.alloc((count + 1) * SCALAR_BYTES);
	const lengthsAt = machine.alloc(4 * LENGTHS);
	machine.words(scalars, words.length).set(words);
	machine.words(lengthsAt, LENGTHS).fill(0);
	const halved = machine.kernel("scalars_halve")(scalars, count, lengthsAt);
	if (halved < count) throw new WitnessError("witness.range", `recode: expected scalars below r, got a larger one at ${halved}`);
	const lengths = machine.words(lengthsAt, LENGTHS).slice();
	const longest = lengths.findLastIndex((points) => points > 0);
	const width = bits ?? cheapestBits(lengths, longest);
	// One bit more than the scalar, for the carry of the highest digit.
	const windows = longest <= 0 ? 0 : Math.ceil((longest + 1) / width);
	const half = 2 ** (width - 1);
	const bias = machine.alloc(SCALAR_BYTES);
	let sum = 0n;
	for (let window = 0; window + 1 < windows; window++) sum += BigInt(half) << BigInt(window * width);
	machine.bytes.set(toBytesLE(sum), bias);
	machine.kernel("scalars_add")(scalars, count, bias);
	const [endsAt, entriesAt] = [machine.alloc(4 * windows * (half + 1)), machine.alloc(4 * windows * count)];
	machine.words(endsAt, windows * (half + 1)).fill(0);
	let total = 0;
	for (let window = 0; window < windows; window++) {
		const bit = window * width;
		const isLast = window === windows - 1;
		// The highest bit of a scalar is its sign.
		const mask = 2 ** Math.min(width, 255 - bit) - 1;
		const table = endsAt + 4 * window * (half + 1);
		total = machine.kernel("scalars_sort")(scalars, count, bit, mask, isLast ? 0 : half, table, half, entriesAt, total);
	}
	return { bits: width, windows, ends: machine.words(endsAt, windows * (half + 1)), entries: machine.words(entriesAt, total) };
}

/** @param lengths how many scalars have each length in bits */
function cheapestBits(lengths: Uint32Array, longest: number): number {
	let best = 2;
	let least = Number.POSITIVE_INFINITY;
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

/** The kernels, `scalars_*`. */
export function exportDigits(module: Module): void {
	module.export("scalars_halve", halve());
	module.export("scalars_add", add());
	module.export("scalars_sort", sort());
}

/**
 * (scalars, count, lengths) -> scalars that were done: less than count when the next one is not below r.
 *
 * Replaces each scalar by the smaller of itself and its negative, with the sign in the highest bit, and counts lengths in bits.
 */
function halve(): Func {
	const func = new Func(["i32", "i32", "i32"], "i32");
	const [scalars, count, lengths] = [0, 1, 2].map((i) => func.param(i)) as [Code, Code, Code];
	const done = func.local("i32");
	const order = [0, 1, 2, 3].map((i) => i64.const((R >> BigInt(64 * i)) & 0xffffffffffffffffn));
	func.while(i32.ltU(done, count), () => {
		const value = [0, 8, 16, 24].map((at) => func.let("i64", i64.load(scalars, at)));
		const { difference: negative, borrow: above } = subtract(func, order, value);
		const none = negative.slice(1).reduce((all, word) => i64.or(all, word), negative[0] as Code);
		func.if(i32.or(i32.wrap(above), i64.eqz(none)), () => func.return(done));
		const { borrow } = subtract(func, negative, value);
		const mask = func.let("i64", i64.sub(i64.const(0n), borrow));
		const least = value.map((word, i) => func.let("i64", i64.xor(word, i64.and(mask, i64.xor(word, negative[i] as Code)))));
		// The length by the highest word that is not zero.
		const length = func.local("i32");
		for (const [i, word] of least.entries()) {
			func.if(i32.eqz(i64.eqz(word)), () => {
				func.assign(length, i32.sub(i32.const(64 * (i + 1)), i32.wrap(i64.clz(word))));
			});
		}
		func.if(i64.eqz(least.slice(1).reduce((all, word) => i64.or(all, word), least[0] as Code)), () => func.assign(length, i32.const(0)));
		const place = func.let("i32", i32.add(lengths, i32.shl(length, i32.const(2))));
		func.emit(i32.store(place, i32.add(i32.load(place), i32.const(1))));
		for (const [i, word] of least.entries()) {
			func.emit(i64.store(scalars, i < 3 ? word : i64.or(word, i64.shl(borrow, i64.const(63n))), 8 * i));
		}
		func.assign(scalars, i32.add(scalars, i32.const(SCALAR_BYTES)));
		func.assign(done, i32.add(done, i32.const(1)));
	});
	func.emit(done);
	return func;
}

/** `x - y` of four words, and 1 when y is larger. */
function subtract(func: Func, x: readonly Code[], y: readonly Code[]): { readonly difference: Code[]; readonly borrow: Code } {
	let borrow = i64.const(0n);
	const difference = x.map((word, i) => {
		const partial = func.let("i64", i64.sub(word, y[i] as Code));
		const result = func.let("i64", i64.sub(partial, borrow));
		const under = i32.or(i64.ltU(word, y[i] as Code), i64.ltU(partial, borrow));
		borrow = func.let("i64", i64.extend(under));
		return result;
	});
	return { difference, borrow };
}

/** (scalars, count, addend): adds 32 bytes to each. */
function add(): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const [scalars, count, addend] = [0, 1, 2].map((i) => func.param(i)) as [Code, Code, Code];
	const words = [0, 8, 16, 24].map((at) => func.let("i64", i64.load(addend, at)));
	func.while(count, () => {
		let carry = i64.const(0n);
		for (const [i, word] of words.entries()) {
			const partial = func.let("i64", i64.add(i64.load(scalars, 8 * i), carry));
			const sum = func.let("i64", i64.add(partial, word));
			carry = func.let("i64", i64.extend(i32.or(i64.ltU(partial, carry), i64.ltU(sum, word))));
			func.emit(i64.store(scalars, sum, 8 * i));
		}
		func.assign(scalars, i32.add(scalars, i32.const(SCALAR_BYTES)));
		func.assign(count, i32.sub(count, i32.const(1)));
	});
	return func;
}

/**
 * (scalars, count, bit, mask, bias, ends, half, entries, first) -> end of the entries. Sorts one window by counting: the digit of a scalar is its bits from
 * `bit` on, below `mask`, less the bias. `ends` must hold half + 1 zeros; entries are written from number `first` on.
 */
function sort(): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"], "i32");
	const [scalars, count, bit, mask, bias, ends, half, entries, first] = func.params.map((_, i) => func.param(i)) as Code[] as [
		Code,
		Code,
		Code,
		Code,
		Code,
		Code,
		Code,
		Code,
		Code,
	];
	const start = func.let("i32", i32.add(scalars, i32.shrU(bit, i32.const(3))));
	const shift = func.let("i32", i32.and(bit, i32.const(7)));
	const position = func.local("i32");
	const index = func.local("i32");
	/** Runs the body for each digit but zero. */
	const each = (body: (sign: Code, place: Code) => void): void => {
		func.assign(position, i32.const(0));
		func.assign(index, i32.const(0));
		func.while(i32.ltU(index, count), () => {
			const raw = i32.and(i32.shrU(i32.load(i32.add(start, position)), shift), mask);
			const digit = func.let("i32", i32.sub(raw, bias));
			func.if(digit, () => {
				const sign = func.let("i32", i32.shrS(digit, i32.const(31)));
				const magnitude = i32.sub(i32.xor(digit, sign), sign);
				body(sign, func.let("i32", i32.add(ends, i32.shl(magnitude, i32.const(2)))));
			});
			func.assign(position, i32.add(position, i32.const(SCALAR_BYTES)));
			func.assign(index, i32.add(index, i32.const(1)));
		});
	};
	each((_, place) => func.emit(i32.store(place, i32.add(i32.load(place), i32.const(1)))));
	const place = func.let("i32", ends);
	const total = func.let("i32", first);
	func.emit(i32.store(place, total));
	func.while(half, () => {
		func.assign(place, i32.add(place, i32.const(4)));
		const length = func.let("i32", i32.load(place));
		func.emit(i32.store(place, total));
		func.assign(total, i32.add(total, length));
		func.assign(half, i32.sub(half, i32.const(1)));
	});
	each((sign, place) => {
		const next = func.let("i32", i32.load(place));
		const whole = i32.shrU(i32.load(i32.add(scalars, position), SCALAR_BYTES - 4), i32.const(31));
		const negative = i32.xor(whole, i32.and(sign, i32.const(1)));
		func.emit(i32.store(i32.add(entries, i32.shl(next, i32.const(2))), i32.or(i32.shl(index, i32.const(1)), negative)));
		func.emit(i32.store(place, i32.add(next, i32.const(1))));
	});
	func.emit(total);
	return func;
}
