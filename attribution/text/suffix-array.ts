/**
 * The suffix array of a text: the starts of its suffixes in lexicographic order, a suffix before its own extensions. Built by induced
 * sorting in linear time: the suffixes that are smaller than both neighbours (LMS: an S-type after an L-type) are put in order by sorting their
 * substrings, named and, where names repeat, by the same algorithm on the text of names; all others follow from them in two passes.
 *
 * Works inside the array that it fills: beyond it, one byte per symbol and the bucket bounds are held.
 *
 * Source: Nong, Zhang and Chan, "Two Efficient Algorithms for Linear Time Suffix Array Construction" (2011), section 3 (SA-IS).
 */

/** A text: bytes, or numbers of words. */
export type Symbols = Uint8Array | Int32Array;

/** Symbols that one step goes over. */
const STRIDE = 1 << 20;

/**
 * Sort all suffixes.
 * @param alphabet - symbols are in [0, alphabet)
 */
export function suffixArray(text: Symbols, alphabet: number): Int32Array {
	const order = new Int32Array(text.length);
	const steps = sortSuffixes(text, alphabet, order);
	while (!steps.next().done);
	return order;
}

/**
 * The same in steps of some ten milliseconds, for whoever has other things to do between them.
 * @param order - where the starts are written, as long as the text
 */
export function* sortSuffixes(text: Symbols, alphabet: number, order: Int32Array): Generator<void, void> {
	const n = text.length;
	if (n < 2) {
		order.fill(0);
		return;
	}
	const isS = new Uint8Array(n);
	const counts = new Int32Array(alphabet);
	const bounds = new Int32Array(alphabet);
	for (let to = n; to > 0; to -= STRIDE) {
		classify(text, isS, counts, Math.max(0, to - STRIDE), to);
		yield;
	}

	order.fill(-1);
	bucketEnds(counts, bounds);
	for (let from = 0; from < n; from += STRIDE) {
		placeLms(text, isS, bounds, order, from, Math.min(n, from + STRIDE));
		yield;
	}
	yield* induce(text, isS, counts, bounds, order);

	let m = 0;
	for (let from = 0; from < n; from += STRIDE) {
		m = gatherLms(isS, order, m, from, Math.min(n, from + STRIDE));
		yield;
	}
	if (m > 1) {
		order.fill(-1, m);
		let names = 0;
		for (let from = 0; from < m; from += STRIDE) {
			names = nameLms(text, isS, order, m, names, from, Math.min(m, from + STRIDE));
			yield;
		}
		const reduced = order.subarray(n - m);
		compactNames(order, m);
		if (names < m) yield* sortSuffixes(reduced, names, order.subarray(0, m));
		else for (let i = 0; i < m; i++) order[reduced[i] as number] = i;
		listLms(isS, reduced);
		for (let i = 0; i < m; i++) order[i] = reduced[order[i] as number] as number;
	}

	order.fill(-1, m);
	bucketEnds(counts, bounds);
	for (let i = m - 1; i >= 0; i--) {
		const start = order[i] as number;
		order[i] = -1;
		order[--(bounds[text[start] as number] as number)] = start;
	}
	yield* induce(text, isS, counts, bounds, order);
}

/** Types of the suffixes: S where a suffix is smaller than the next one. Behind the text stands a symbol smaller than all. */
function classify(text: Symbols, isS: Uint8Array, counts: Int32Array, from: number, to: number): void {
	for (let i = to - 1; i >= from; i--) {
		const symbol = text[i] as number;
		(counts[symbol] as number)++;
		if (i === text.length - 1) continue;
		const next = text[i + 1] as number;
		isS[i] = symbol < next || (symbol === next && isS[i + 1] === 1) ? 1 : 0;
	}
}

function isLms(isS: Uint8Array, i: number): boolean {
	return i > 0 && isS[i] === 1 && isS[i - 1] === 0;
}

function bucketEnds(counts: Int32Array, bounds: Int32Array): void {
	let sum = 0;
	for (let symbol = 0; symbol < counts.length; symbol++) {
		sum += counts[symbol] as number;
		bounds[symbol] = sum;
	}
}

function bucketStarts(counts: Int32Array, bounds: Int32Array): void {
	let sum = 0;
	for (let symbol = 0; symbol < counts.length; symbol++) {
		bounds[symbol] = sum;
		sum += counts[symbol] as number;
	}
}

function placeLms(text: Symbols, isS: Uint8Array, bounds: Int32Array, order: Int32Array, from: number, to: number): void {
	for (let i = from; i < to; i++) {
		if (isLms(isS, i)) order[--(bounds[text[i] as number] as number)] = i;
	}
}

/** From LMS suffixes at the ends of their buckets: all L-type suffixes from left to right, then all S-type ones from right to left. */
function* induce(text: Symbols, isS: Uint8Array, counts: Int32Array, bounds: Int32Array, order: Int32Array): Generator<void, void> {
	const n = text.length;
	bucketStarts(counts, bounds);
	// The symbol behind the text is the smallest suffix of all: it induces the last one.
	order[(bounds[text[n - 1] as number] as number)++] = n - 1;
	for (let from = 0; from < n; from += STRIDE) {
		induceL(text, isS, bounds, order, from, Math.min(n, from + STRIDE));
		yield;
	}
	bucketEnds(counts, bounds);
	for (let to = n; to > 0; to -= STRIDE) {
		induceS(text, isS, bounds, order, Math.max(0, to - STRIDE), to);
		yield;
	}
}

function induceL(text: Symbols, isS: Uint8Array, bounds: Int32Array, order: Int32Array, from: number, to: number): void {
	for (let i = from; i < to; i++) {
		const before = (order[i] as number) - 1;
		if (before >= 0 && isS[before] === 0) order[(bounds[text[before] as number] as number)++] = before;
	}
}

function induceS(text: Symbols, isS: Uint8Array, bounds: Int32Array, order: Int32Array, from: number, to: number): void {
	for (let i = to - 1; i >= from; i--) {
		const before = (order[i] as number) - 1;
		if (before >= 0 && isS[before] === 1) order[--(bounds[text[before] as number] as number)] = before;
	}
}

/** Moves the LMS suffixes to the front, in their order. */
function gatherLms(isS: Uint8Array, order: Int32Array, found: number, from: number, to: number): number {
	let m = found;
	for (let i = from; i < to; i++) {
		if (isLms(isS, order[i] as number)) order[m++] = order[i] as number;
	}
	return m;
}

/** Names LMS substrings by rank; equal ones share a name. No two starts are neighbours, so half of a start is a free place behind the first m. */
function nameLms(text: Symbols, isS: Uint8Array, order: Int32Array, m: number, used: number, from: number, to: number): number {
	let names = used;
	for (let i = from; i < to; i++) {
		const start = order[i] as number;
		if (i === 0 || !sameLms(text, isS, order[i - 1] as number, start)) names++;
		order[m + (start >>> 1)] = names - 1;
	}
	return names;
}

/** Whether two LMS substrings, each up to the start of the next, are the same in symbols and types. */
function sameLms(text: Symbols, isS: Uint8Array, a: number, b: number): boolean {
	const room = text.length - Math.max(a, b);
	for (let d = 0; d < room; d++) {
		if (text[a + d] !== text[b + d] || isS[a + d] !== isS[b + d]) return false;
		// The same types up to here: the other one ends here too.
		if (d > 0 && isLms(isS, a + d)) return true;
	}
	return false;
}

/** Moves the names, which stand in the order of the text, to the end. */
function compactNames(order: Int32Array, m: number): void {
	let end = order.length;
	for (let i = end - 1; i >= m; i--) {
		if ((order[i] as number) >= 0) order[--end] = order[i] as number;
	}
}

function listLms(isS: Uint8Array, starts: Int32Array): void {
	let found = 0;
	for (let i = 1; i < isS.length; i++) {
		if (isLms(isS, i)) starts[found++] = i;
	}
}
