/** Texts that are hard on suffix sorting and matching, and searches by the definition. */
import { below, generator } from "../../compute/random.ts";
import type { Symbols } from "./suffix-array.ts";

/** Uniform symbols in [0, alphabet). */
export function randomText(length: number, alphabet: number, seed: bigint): Uint8Array {
	const next = generator(seed);
	return Uint8Array.from({ length }, () => below(next, alphabet));
}

/** The first symbols of a, ab, aba, abaab, ...: each suffix occurs again soon, nothing is a cube. */
export function fibonacciText(length: number): Uint8Array {
	let [word, before] = [[0], [1]];
	while (word.length < length) [word, before] = [[...word, ...before], word];
	return Uint8Array.from(word.slice(0, length));
}

/** Every word of `order` symbols of an alphabet once (in a circle): the Lyndon words whose length divides the order, ascending. */
export function deBruijnText(alphabet: number, order: number): Uint8Array {
	const out: number[] = [];
	const word = new Array<number>(order + 1).fill(0);
	const extend = (at: number, period: number): void => {
		if (at > order) {
			if (order % period === 0) out.push(...word.slice(1, period + 1));
			return;
		}
		word[at] = word[at - period] as number;
		extend(at + 1, period);
		for (let symbol = (word[at - period] as number) + 1; symbol < alphabet; symbol++) {
			word[at] = symbol;
			extend(at + 1, at);
		}
	};
	extend(1, 1);
	return Uint8Array.from(out);
}

/** Texts by name, all of about `length` symbols below 4. */
export function hardTexts(length: number): Record<string, Uint8Array> {
	const period = randomText(7, 3, 5n);
	const block = randomText(Math.ceil(length / 3), 3, 6n);
	return {
		"random, 2 symbols": randomText(length, 2, 1n),
		"random, 4 symbols": randomText(length, 4, 2n),
		"all equal": new Uint8Array(length).fill(1),
		"period 2": Uint8Array.from({ length }, (_, i) => i % 2),
		"period 7": Uint8Array.from({ length }, (_, i) => period[i % 7] as number),
		Fibonacci: fibonacciText(length),
		"de Bruijn": deBruijnText(2, Math.max(1, Math.floor(Math.log2(length)))),
		ascending: Uint8Array.from({ length }, (_, i) => Math.floor((4 * i) / length)),
		descending: Uint8Array.from({ length }, (_, i) => 3 - Math.floor((4 * i) / length)),
		"three times the same": Uint8Array.from([...block, ...block, ...block].slice(0, length)),
	};
}

/** All suffixes, sorted by comparing them. */
export function sortedSuffixes(text: Symbols): number[] {
	return Array.from(text, (_, i) => i).sort((a, b) => {
		const length = sharedLength(text, a, text, b);
		// The one that ends first is the smaller one.
		if (Math.max(a, b) + length === text.length) return b - a;
		return (text[a + length] as number) - (text[b + length] as number);
	});
}

/** How many symbols two texts share from two places on. */
export function sharedLength(a: Symbols, from: number, b: Symbols, at: number): number {
	let length = 0;
	while (from + length < a.length && at + length < b.length && a[from + length] === b[at + length]) length++;
	return length;
}

/** The longest match of a query at a position, and all places where it stands, ascending, by trying every place. */
export function searchedMatch(text: Symbols, query: Symbols, i: number): { length: number; places: number[] } {
	const lengths = Array.from(text, (_, place) => sharedLength(query, i, text, place));
	const length = Math.max(0, ...lengths);
	return { length, places: length === 0 ? [] : lengths.flatMap((one, place) => (one === length ? [place] : [])) };
}

/** A span as the definition finds it. */
export interface SearchedSpan {
	readonly start: number;
	readonly length: number;
	readonly owned: number;
	readonly occurrences: number;
	readonly documents: number[];
}

/** The spans of an output by trying every piece of it in every document; all lengths in bytes of UTF-8. */
export function searchedSpans(texts: readonly string[], output: string, minimum: number): SearchedSpan[] {
	const characters = [...output];
	const size = (piece: string): number => Buffer.byteLength(piece);
	const pieces: { start: number; length: number; text: string }[] = [];
	let reached = 0;
	for (let i = 0; i < characters.length; i++) {
		let j = i;
		while (j < characters.length && texts.some((text) => text.includes(characters.slice(i, j + 1).join("")))) j++;
		const text = characters.slice(i, j).join("");
		if (j > reached && size(text) >= minimum) pieces.push({ start: size(characters.slice(0, i).join("")), length: size(text), text });
		reached = Math.max(reached, j);
	}
	const owned = pieces.map(() => 0);
	for (let byte = 0; byte < size(output); byte++) {
		const covering = pieces.flatMap(({ start, length }, i) => (start <= byte && byte < start + length ? [i] : []));
		const longest = Math.max(...covering.map((i) => pieces[i]?.length as number));
		const owner = covering.find((i) => pieces[i]?.length === longest);
		if (owner !== undefined) (owned[owner] as number)++;
	}
	return pieces.flatMap(({ start, length, text }, i) => {
		const counts = texts.map((whole) => Array.from({ length: whole.length }, (_, at) => whole.startsWith(text, at)).filter(Boolean).length);
		const documents = counts.flatMap((count, document) => (count > 0 ? [document] : []));
		const occurrences = counts.reduce((sum, count) => sum + count, 0);
		return owned[i] === 0 ? [] : [{ start, length, owned: owned[i] as number, occurrences, documents }];
	});
}
