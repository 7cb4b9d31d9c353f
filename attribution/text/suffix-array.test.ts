import { expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { suffixArray } from "./suffix-array.ts";
import { hardTexts, randomText, sortedSuffixes } from "./testing.ts";

test.each([1, 2, 3, 7, 64, 500, 1021])("hard texts of %i symbols are sorted as by comparing", (length) => {
	for (const [name, text] of Object.entries(hardTexts(length))) expect([...suffixArray(text, 4)], name).toEqual(sortedSuffixes(text));
});

test("every text of up to 9 symbols out of 2, and of up to 6 out of 3", () => {
	for (const [alphabet, longest] of [
		[2, 9],
		[3, 6],
	] as const) {
		for (let length = 0; length <= longest; length++) {
			for (let number = 0; number < alphabet ** length; number++) {
				const text = Uint8Array.from({ length }, (_, i) => Math.floor(number / alphabet ** i) % alphabet);
				expect([...suffixArray(text, alphabet)], `${text}`).toEqual(sortedSuffixes(text));
			}
		}
	}
});

test("random texts of random alphabets, as bytes and as words", () => {
	const next = generator(3n);
	for (let run = 0; run < 300; run++) {
		const alphabet = 1 + below(next, 255);
		const text = randomText(below(next, 200), alphabet, BigInt(run));
		const expected = sortedSuffixes(text);
		expect([...suffixArray(text, alphabet)]).toEqual(expected);
		// The same order of symbols, far apart.
		const words = Int32Array.from(text, (symbol) => 1000 * symbol + 17);
		expect([...suffixArray(words, 1000 * alphabet + 17)]).toEqual(expected);
	}
});

test("a text longer than a step: every suffix once, neighbours in order", () => {
	const text = randomText((1 << 20) + 12_345, 3, 9n);
	const order = suffixArray(text, 3);
	const rank = new Int32Array(text.length).fill(-1);
	order.forEach((start, r) => {
		rank[start] = r;
	});
	expect(rank.includes(-1)).toBe(false);
	// a < b if its first symbol is smaller, or that is the same and the suffix behind a comes before the one behind b.
	let wrong = 0;
	for (let r = 1; r < order.length; r++) {
		const [a, b] = [order[r - 1] as number, order[r] as number];
		const [x, y] = [text[a] as number, text[b] as number];
		if (x > y || (x === y && (rank[a + 1] ?? -1) > (rank[b + 1] ?? -1))) wrong++;
	}
	expect(wrong).toBe(0);
});
