import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { CommonPrefixes, prefixSizes } from "./common-prefixes.ts";
import type { Symbols } from "./suffix-array.ts";
import { type SuffixArrays, SuffixIndex } from "./suffix-index.ts";
import { hardTexts, randomText, searchedMatch, sharedLength } from "./testing.ts";

const END = 255;

function arraysOf(text: Symbols): SuffixArrays {
	const n = text.length;
	const sizes = prefixSizes(n);
	const arrays = {
		text,
		order: new Int32Array(n),
		rank: new Int32Array(n),
		bits: new Uint32Array(sizes.bits),
		ones: new Uint32Array(sizes.ones),
		minima: new Int32Array(sizes.minima),
	};
	for (const steps of SuffixIndex.build(arrays, 256)) while (!steps.next().done);
	return arrays;
}

/** The text with an end that no query holds, and one more in its middle, as between two documents. */
function ended(text: Uint8Array): Uint8Array {
	const half = text.length >> 1;
	return Uint8Array.from([...text.subarray(0, half), END, ...text.subarray(half), END]);
}

describe("common prefixes", () => {
	test.each([1, 2, 31, 32, 33, 64, 700, 1100])("of hard texts of %i symbols: lengths and ranges", (length) => {
		const next = generator(8n);
		for (const [name, plain] of Object.entries(hardTexts(length))) {
			const text = ended(plain);
			const { order, ...arrays } = arraysOf(text);
			const prefixes = new CommonPrefixes(order, arrays);
			const lengths = Array.from(order, (start, r) => (r === 0 ? 0 : sharedLength(text, order[r - 1] as number, text, start)));
			expect(
				lengths.map((_, r) => prefixes.at(r)),
				name,
			).toEqual(lengths);
			for (let run = 0; run < 60; run++) {
				const r = below(next, order.length);
				const shared = 1 + below(next, 1 + Math.max(...lengths.slice(Math.max(0, r - 2), r + 3)));
				let [first, last] = [r, r];
				while ((lengths[first] as number) >= shared) first--;
				while ((lengths[last + 1] ?? 0) >= shared) last++;
				expect([prefixes.first(r, shared), prefixes.last(r, shared)], `${name}, rank ${r}, ${shared} symbols`).toEqual([first, last]);
			}
		}
	});
});

describe("longest matches", () => {
	const places = ({ order }: SuffixIndex, first: number, last: number) => [...order.subarray(first, last + 1)].sort((a, b) => a - b);

	test.each([5, 40, 300])("in hard texts of %i symbols, of queries cut and spoilt, are those of a search of every place", (length) => {
		const next = generator(11n);
		for (const [name, plain] of Object.entries(hardTexts(length))) {
			const text = ended(plain);
			const index = new SuffixIndex(arraysOf(text));
			const spoilt = plain.map((symbol) => (below(next, 9) === 0 ? below(next, 5) : symbol));
			for (const query of [
				plain,
				spoilt,
				Uint8Array.from([...plain, ...plain]),
				randomText(60, 3, 4n),
				randomText(20, 6, 4n),
				new Uint8Array(),
			]) {
				const matches = index.longestMatches(query);
				query.forEach((_, i) => {
					const expected = searchedMatch(text, query, i);
					expect(matches.length[i], `${name} at ${i}`).toBe(expected.length);
					if (expected.length > 0) expect(places(index, matches.first[i] as number, matches.last[i] as number)).toEqual(expected.places);
				});
			}
		}
	});

	test("ranges widen to those of shorter pieces", () => {
		const text = ended(randomText(500, 2, 3n));
		const index = new SuffixIndex(arraysOf(text));
		const query = randomText(40, 2, 77n);
		const matches = index.longestMatches(query);
		for (let length = 1; length <= (matches.length[0] as number); length++) {
			const { first, last } = index.widen(matches.first[0] as number, matches.last[0] as number, length);
			const expected = Array.from(text.keys()).filter((place) => sharedLength(query.subarray(0, length), 0, text, place) === length);
			expect(places(index, first, last)).toEqual(expected);
		}
	});

	test("words are matched as bytes are", () => {
		const [text, query] = [ended(randomText(300, 5, 1n)), randomText(200, 5, 2n)];
		const wide = (symbols: Uint8Array) => Int32Array.from(symbols, (symbol) => symbol);
		const matches = new SuffixIndex(arraysOf(text)).longestMatches(query);
		expect(new SuffixIndex(arraysOf(wide(text))).longestMatches(wide(query))).toEqual(matches);
	});
});

test("a copy of all-equal text, whose matches are as long as what is left, takes no quadratic time", () => {
	const text = new Uint8Array(200_001).fill(1);
	text[200_000] = END;
	const index = new SuffixIndex(arraysOf(text));
	// Compared symbol by symbol these would be 2e10 comparisons.
	const { length } = index.longestMatches(text.subarray(0, 200_000));
	expect([length[0], length[199_999]]).toEqual([200_000, 1]);
	expect(index.longestMatches(new Uint8Array(300_000).fill(1)).length[0]).toBe(200_000);
});
