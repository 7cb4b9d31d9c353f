/**
 * Lengths of the common prefixes of neighbours in a suffix array, in 0.45 bytes per symbol, and the ranges of suffixes that share a prefix.
 *
 * Let P_i be the common prefix of the suffix at i and of the suffix before it in order. Since P_(i+1) >= P_i - 1, the numbers 2i + P_i rise strictly:
 * they are kept as the ones of a list of at most 2n bits, so that P_i = (place of the i-th one) - 2i. Counts of ones at every 128 bits find it. Minima of 32
 * neighbours, of 32 such minima and so on find where a prefix ends to be shared.
 *
 * Source: Sadakane, "Succinct representations of LCP information" (2002); Kasai and others (2001) for the lengths in the order of the text.
 */
import type { Symbols } from "./suffix-array.ts";

/** Bits of one count; neighbours of one minimum. */
const BLOCK = 128;
const FAN_BITS = 5;
const FAN = 1 << FAN_BITS;
const STRIDE = 1 << 20;

/** The arrays, for whoever keeps them. */
export interface PrefixArrays {
	/** The list of bits, 32 in a word, lowest first. */
	readonly bits: Uint32Array;
	/** Ones before each block of 128 bits. */
	readonly ones: Uint32Array;
	/** Minima of 32 neighbours, then of 32 of those, up to a single one. */
	readonly minima: Int32Array;
}

/** How long these arrays are for a text of n symbols, n at least 1. */
export function prefixSizes(n: number): { bits: number; ones: number; minima: number } {
	const bits = Math.ceil((2 * n) / BLOCK) * (BLOCK / 32);
	return { bits, ones: bits / (BLOCK / 32), minima: levelsOf(n).reduce((sum, { length }) => sum + length, 0) };
}

/** Where each level of minima stands. */
function levelsOf(n: number): { start: number; length: number }[] {
	const levels: { start: number; length: number }[] = [];
	let start = 0;
	for (let length = Math.ceil(n / FAN); ; length = Math.ceil(length / FAN)) {
		levels.push({ start, length });
		start += length;
		if (length === 1) return levels;
	}
}

export class CommonPrefixes {
	readonly #order: Int32Array;
	readonly #bits: Uint32Array;
	readonly #ones: Uint32Array;
	readonly #minima: Int32Array;
	readonly #starts: Int32Array;

	/** @param order - the suffix array */
	constructor(order: Int32Array, { bits, ones, minima }: PrefixArrays) {
		this.#order = order;
		this.#bits = bits;
		this.#ones = ones;
		this.#minima = minima;
		this.#starts = Int32Array.from(levelsOf(order.length), ({ start }) => start);
	}

	/**
	 * Fills the arrays, in steps. They must hold zeros.
	 * @param rank - the inverse of `order`
	 */
	static *build(text: Symbols, order: Int32Array, rank: Int32Array, arrays: PrefixArrays): Generator<void, void> {
		const n = text.length;
		const { bits, ones, minima } = arrays;
		const levels = levelsOf(n);
		minima.fill(n);
		let carried = 0;
		for (let from = 0; from < n; from += STRIDE) {
			carried = writeLengths(text, order, rank, arrays, carried, from, Math.min(n, from + STRIDE));
			yield;
		}
		for (let block = 0, sum = 0; block < ones.length; block++) {
			ones[block] = sum;
			for (let word = 0; word < BLOCK / 32; word++) sum += population(bits[block * (BLOCK / 32) + word] as number);
		}
		for (let level = 1; level < levels.length; level++) {
			const [below, above] = [levels[level - 1], levels[level]] as [(typeof levels)[0], (typeof levels)[0]];
			for (let i = 0; i < below.length; i++) {
				const place = above.start + Math.floor(i / FAN);
				minima[place] = Math.min(minima[place] as number, minima[below.start + i] as number);
			}
		}
	}

	/** The common prefix of the suffixes of ranks r - 1 and r; 0 for r = 0. */
	at(r: number): number {
		const i = this.#order[r] as number;
		const ones = this.#ones;
		// The i-th one is at 2i or behind it: gallop from there, then halve.
		let block = Math.floor(i / (BLOCK / 2));
		let step = 1;
		while (block + step < ones.length && (ones[block + step] as number) <= i) {
			block += step;
			step *= 2;
		}
		while (step > 1) {
			step /= 2;
			if (block + step < ones.length && (ones[block + step] as number) <= i) block += step;
		}
		let left = i - (ones[block] as number);
		let word = block * (BLOCK / 32);
		let value = this.#bits[word] as number;
		for (let count = population(value); count <= left; count = population(value)) {
			left -= count;
			value = this.#bits[++word] as number;
		}
		while (left-- > 0) value &= value - 1;
		return word * 32 + 31 - Math.clz32(value & -value) - 2 * i;
	}

	/** The first of the ranks up to r, neighbour by neighbour, whose suffixes share their first `length` symbols with that of r; length at least 1. */
	first(r: number, length: number): number {
		const [minima, starts] = [this.#minima, this.#starts];
		let node = r >>> FAN_BITS;
		if ((minima[node] as number) < length) {
			for (let x = r; x >= node * FAN; x--) if (this.at(x) < length) return x;
		}
		// Rank 0 shares nothing with what is before it, so the climb ends there at the latest.
		let level = 0;
		for (;;) {
			const start = starts[level] as number;
			const eldest = node - (node % FAN);
			let sibling = node - 1;
			while (sibling >= eldest && (minima[start + sibling] as number) >= length) sibling--;
			if (sibling >= eldest) {
				node = sibling;
				break;
			}
			node >>>= FAN_BITS;
			level++;
		}
		while (level > 0) {
			const start = starts[--level] as number;
			let child = Math.min(node * FAN + FAN, (starts[level + 1] as number) - start) - 1;
			while ((minima[start + child] as number) >= length) child--;
			node = child;
		}
		let x = Math.min(node * FAN + FAN, this.#order.length) - 1;
		while (this.at(x) >= length) x--;
		return x;
	}

	/** The last of the ranks from r on, neighbour by neighbour, whose suffixes share their first `length` symbols with that of r; length at least 1. */
	last(r: number, length: number): number {
		const [minima, starts, n] = [this.#minima, this.#starts, this.#order.length];
		let node = r >>> FAN_BITS;
		if ((minima[node] as number) < length) {
			const end = Math.min(node * FAN + FAN, n);
			for (let x = r + 1; x < end; x++) if (this.at(x) < length) return x - 1;
		}
		let level = 0;
		for (;;) {
			if (level === starts.length - 1) return n - 1;
			const start = starts[level] as number;
			const end = Math.min(node - (node % FAN) + FAN, (starts[level + 1] as number) - start);
			let sibling = node + 1;
			while (sibling < end && (minima[start + sibling] as number) >= length) sibling++;
			if (sibling < end) {
				node = sibling;
				break;
			}
			node >>>= FAN_BITS;
			level++;
		}
		while (level > 0) {
			const start = starts[--level] as number;
			let child = node * FAN;
			while ((minima[start + child] as number) >= length) child++;
			node = child;
		}
		let x = node * FAN;
		while (this.at(x) >= length) x++;
		return x - 1;
	}
}

/** Lengths of the suffixes from `from` on, in the order of the text, by Kasai's algorithm: each comparison goes on where the last one ended. */
function writeLengths(
	text: Symbols,
	order: Int32Array,
	rank: Int32Array,
	{ bits, minima }: PrefixArrays,
	carried: number,
	from: number,
	to: number,
): number {
	const n = text.length;
	let length = carried;
	for (let i = from; i < to; i++) {
		const r = rank[i] as number;
		if (r === 0) length = 0;
		else {
			const before = order[r - 1] as number;
			const room = n - Math.max(i, before);
			while (length < room && text[i + length] === text[before + length]) length++;
		}
		// Below 2^32: an index of a bit is an unsigned word.
		const place = 2 * i + length;
		(bits[place >>> 5] as number) |= 1 << (place & 31);
		const block = r >>> FAN_BITS;
		if (length < (minima[block] as number)) minima[block] = length;
		if (length > 0) length--;
	}
	return length;
}

/** Ones of a word. */
function population(word: number): number {
	const pairs = word - ((word >>> 1) & 0x55555555);
	const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
	return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
