/**
 * A text prepared for search: its suffix array, the inverse of that and the common prefixes of neighbours; 9.45 bytes per symbol with the text.
 *
 * `longestMatches` answers, for each position of a query, how long the longest piece is that starts there and stands in the text, and where it stands
 * (matching statistics). One symbol further on the same piece less its first symbol still stands there, so the search goes on
 * from that piece's range of suffixes: a query of m symbols costs O(m log n), however long its matches are.
 *
 * Source: Chang and Lawler, "Sublinear approximate string matching and biological applications" (1994), section 3; Abouelhoda, Kurtz and
 * Ohlebusch, "Replacing suffix trees with enhanced suffix arrays" (2004) for the suffix links.
 */
import { CommonPrefixes, type PrefixArrays } from "./common-prefixes.ts";
import { type Symbols, sortSuffixes } from "./suffix-array.ts";

export interface SuffixArrays extends PrefixArrays {
	readonly text: Symbols;
	/** Starts of the suffixes in lexicographic order. */
	readonly order: Int32Array;
	/** Its inverse: the place of each suffix in that order. */
	readonly rank: Int32Array;
}

/** The longest match at each position of a query. */
export interface Matches {
	/** Symbols of it; 0 where not even the first symbol stands in the text. */
	readonly length: Int32Array;
	/** The suffixes that start with it are those of ranks first..last; meaningless where the length is 0. */
	readonly first: Int32Array;
	readonly last: Int32Array;
}

export class SuffixIndex {
	readonly text: Symbols;
	readonly order: Int32Array;
	readonly #rank: Int32Array;
	readonly #prefixes: CommonPrefixes;

	/** @param arrays - as `build` fills them */
	constructor(arrays: SuffixArrays) {
		this.text = arrays.text;
		this.order = arrays.order;
		this.#rank = arrays.rank;
		this.#prefixes = new CommonPrefixes(arrays.order, arrays);
	}

	/**
	 * What fills the arrays from the text: stages, each in steps, one after the other. All arrays but the text must hold zeros.
	 * @param alphabet - symbols are in [0, alphabet)
	 */
	static build(arrays: SuffixArrays, alphabet: number): Generator<void, void>[] {
		const { text, order, rank } = arrays;
		return [sortSuffixes(text, alphabet, order), invert(order, rank), CommonPrefixes.build(text, order, rank, arrays)];
	}

	/**
	 * The longest match at each position.
	 * @param query - symbols; the text must end in a symbol that is not among them
	 */
	longestMatches(query: Symbols): Matches {
		const m = query.length;
		const [text, order, rank, prefixes] = [this.text, this.order, this.#rank, this.#prefixes];
		const matches = { length: new Int32Array(m), first: new Int32Array(m), last: new Int32Array(m) };
		// The suffixes first..last are those that start with the `length` symbols of the query from i on.
		let [first, last, length] = [0, order.length - 1, 0];
		for (let i = 0; i < m; i++) {
			while (first < last && i + length < m) {
				const symbol = query[i + length] as number;
				const from = this.#bound(first, last, length, symbol);
				if (from > last || text[(order[from] as number) + length] !== symbol) break;
				last = text[(order[last] as number) + length] === symbol ? last : this.#bound(from, last, length, symbol + 1) - 1;
				first = from;
				length++;
			}
			if (first === last) {
				const start = order[first] as number;
				while (i + length < m && text[start + length] === query[i + length]) length++;
			}
			matches.length[i] = length;
			matches.first[i] = first;
			matches.last[i] = last;
			if (length > 0) length--;
			if (length === 0) {
				first = 0;
				last = order.length - 1;
			} else {
				[first, last] = [
					prefixes.first(rank[(order[first] as number) + 1] as number, length),
					prefixes.last(rank[(order[last] as number) + 1] as number, length),
				];
			}
		}
		return matches;
	}

	/** The range of suffixes that share the first `length` symbols of those of ranks first..last, which share more; length at least 1. */
	widen(first: number, last: number, length: number): { first: number; last: number } {
		return { first: this.#prefixes.first(first, length), last: this.#prefixes.last(last, length) };
	}

	/** The first of the ranks first..last, which share `length` symbols, whose next symbol is at least `symbol`; last + 1 if there is none. */
	#bound(first: number, last: number, length: number, symbol: number): number {
		const { text, order } = this;
		if ((text[(order[first] as number) + length] as number) >= symbol) return first;
		let [below, at] = [first, last + 1];
		while (at - below > 1) {
			const middle = below + ((at - below) >>> 1);
			if ((text[(order[middle] as number) + length] as number) >= symbol) at = middle;
			else below = middle;
		}
		return at;
	}
}

function* invert(order: Int32Array, rank: Int32Array): Generator<void, void> {
	for (let r = 0; r < order.length; r++) {
		rank[order[r] as number] = r;
		if (r % 2 ** 20 === 0) yield;
	}
}
