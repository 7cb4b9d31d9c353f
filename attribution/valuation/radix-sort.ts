/**
 * The stable order of non-negative numbers by counting their digits, for many lists of one length.
 * Source: Knuth, "The Art of Computer Programming", volume 3, 5.2.5 (algorithm R).
 */

/** Digits of long lists; a table of 2^11 counters lies in the first cache. */
const LONG = { least: 4096, bits: 11 };
const SHORT_BITS = 8;

/** Sorts lists of n numbers. The order that is returned is overwritten by the next call. */
export interface Sorter {
	/** Indices of the keys in ascending order, equal ones in the order they have. */
	integers(keys: Uint32Array): Uint32Array;
	/** The same for finite floats of at least 0. */
	floats(keys: Float64Array): Uint32Array;
}

/** A sorter with its buffers. @param n - length of the lists, at least 1 */
export function sorter(n: number): Sorter {
	let [from, to] = [new Uint32Array(n), new Uint32Array(n)];
	const digit = n < LONG.least ? SHORT_BITS : LONG.bits;
	const counts = new Uint32Array(2 ** digit);

	/** One digit of the words at `stride i + offset`, after `least` is subtracted. */
	const pass = (words: Uint32Array, stride: number, offset: number, least: number, shift: number, bits: number) => {
		const mask = 2 ** bits - 1;
		counts.fill(0);
		for (let i = 0; i < n; i++) {
			const bin = (((words[stride * i + offset] as number) - least) >>> shift) & mask;
			counts[bin] = (counts[bin] as number) + 1;
		}
		let start = 0;
		for (let bin = 0; bin <= mask; bin++) {
			const count = counts[bin] as number;
			// All keys have this digit.
			if (count === n) return;
			counts[bin] = start;
			start += count;
		}
		for (let i = 0; i < n; i++) {
			const index = from[i] as number;
			const bin = (((words[stride * index + offset] as number) - least) >>> shift) & mask;
			const place = counts[bin] as number;
			counts[bin] = place + 1;
			to[place] = index;
		}
		[from, to] = [to, from];
	};
	const passes = (words: Uint32Array, stride: number, offset: number) => {
		let [least, most] = [2 ** 32, 0];
		for (let i = offset; i < words.length; i += stride) {
			const word = words[i] as number;
			if (word < least) least = word;
			if (word > most) most = word;
		}
		const bits = most === least ? 0 : Math.floor(Math.log2(most - least)) + 1;
		const width = Math.ceil(bits / Math.ceil(bits / digit));
		for (let shift = 0; shift < bits; shift += width) pass(words, stride, offset, least, shift, width);
	};
	const begin = () => {
		for (let i = 0; i < n; i++) from[i] = i;
	};
	return {
		integers(keys) {
			begin();
			passes(keys, 1, 0);
			return from;
		},
		floats(keys) {
			// The bits of a float of at least 0, read as an integer, have its order; the low word comes first.
			const words = new Uint32Array(keys.buffer, keys.byteOffset, 2 * n);
			begin();
			passes(words, 2, 0);
			passes(words, 2, 1);
			return from;
		},
	};
}
