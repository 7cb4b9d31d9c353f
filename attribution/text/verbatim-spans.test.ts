import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { refusal, sample } from "../../compute/testing.ts";
import { groupSums } from "../groups.ts";
import { efficiencyError } from "../method.ts";
import type { Document } from "./document.ts";
import { hardTexts, randomText, searchedSpans } from "./testing.ts";
import { TokenIndex } from "./token-index.ts";
import { type VerbatimSpansParameters, verbatimSpansMethod } from "./verbatim-spans.ts";

const corpus = (texts: Record<string, string>): Document[] =>
	Object.entries(texts).map(([name, text]) => ({ id: name, contributor: name.split("/")[0] as string, licence: "CC-BY-4.0", text }));

const cached = (documents: readonly Document[], parameters: VerbatimSpansParameters) => verbatimSpansMethod(parameters).cache(documents);

/** Characters of one to four bytes; some share their first bytes. */
const LETTERS = ["a", "é", "è", "漢", "𝒳", "𝒴"];
const letters = (symbols: Iterable<number>): string => Array.from(symbols, (symbol) => LETTERS[symbol]).join("");

describe("spans", () => {
	test("are those of trying every piece in every document", async () => {
		const next = generator(21n);
		for (const [name, text] of Object.entries(hardTexts(60))) {
			const texts = [letters(text.subarray(0, 25)), letters(text.subarray(20)), letters(randomText(40, 6, 1n))];
			const documents = corpus(Object.fromEntries(texts.map((one, i) => [`${i % 2}/${i}`, one])));
			for (const minimum of [1, 4, 9]) {
				const { trace, index } = await cached(documents, { minimum, maximumSources: 1000 });
				for (let run = 0; run < 4; run++) {
					const cut = below(next, 30);
					const output = letters([...text.subarray(cut, cut + 20), ...randomText(6, 6, BigInt(run)), ...text.subarray(10, 10 + cut)]);
					const { spans, tokens, covered } = trace(output);
					const expected = searchedSpans(texts, output, minimum);
					expect(
						spans.map(({ documents, sources: _, ...span }) => ({ ...span, documents: [...documents] })),
						`${name}: ${output}`,
					).toEqual(expected);
					expect([tokens, covered]).toEqual([Buffer.byteLength(output), expected.reduce((sum, { owned }) => sum + owned, 0)]);
					for (const span of spans) {
						expect(span.sources).toHaveLength(span.occurrences);
						for (const { document, token } of span.sources) {
							const bytes = Buffer.from(texts[document] as string).subarray(token, token + span.length);
							expect(bytes.toString()).toBe(
								Buffer.from(output)
									.subarray(span.start, span.start + span.length)
									.toString(),
							);
						}
					}
					expect(index.documents).toHaveLength(3);
				}
			}
		}
	});

	test("do not cross documents", async () => {
		const { trace } = await cached(corpus({ "a/1": "the quick brown ", "b/1": "fox jumps over" }), { minimum: 4 });
		const { spans, text } = trace("the quick brown fox jumps over");
		expect(spans.map(text)).toEqual(["the quick brown ", "fox jumps over"]);
	});

	test("of words go over case, punctuation and line breaks, and say what stands there", async () => {
		const { trace } = await cached(corpus({ "a/1": "To be, or not to be:\nthat is the question", "b/1": "Café" }), {
			tokens: "words",
			minimum: 3,
		});
		const { spans, text, tokens, covered } = trace("He said TO BE -- or “not to be”! CAFÉ");
		expect(spans.map(text)).toEqual(["TO BE -- or “not to be"]);
		expect([tokens, covered]).toEqual([9, 6]);
		expect(spans[0]?.sources).toEqual([{ document: 0, token: 0 }]);
	});

	test("list at most so many places, each document before the second place of any, and say how many there are", async () => {
		const { trace } = await cached(corpus({ "a/1": "abcd abcd abcd", "b/1": "abcd", "c/1": "abcd abcd" }), {
			minimum: 4,
			maximumSources: 3,
		});
		const [span] = trace("abcd").spans;
		expect(span).toMatchObject({ occurrences: 6, documents: Uint32Array.from([0, 1, 2]) });
		expect(span?.sources.map(({ document }) => document)).toEqual([0, 1, 2]);
		const none = await cached(corpus({ "a/1": "abcd" }), { minimum: 4, maximumSources: 0 });
		expect(none.trace("abcd").spans[0]).toMatchObject({ occurrences: 1, sources: [] });
	});
});

describe("credit", () => {
	const documents = corpus({ "ann/1": "0123456789", "ann/2": "0123456789", "bob/1": "0123456789 and this", "cy/1": "nothing of it" });

	test("of a span goes in equal parts to its contributors, and of those to their documents", async () => {
		const { attribute, index } = await cached(documents, { minimum: 10 });
		const { scores, total } = attribute(["0123456789XXXXX"]);
		expect([...scores]).toEqual([1 / 6, 1 / 6, 1 / 3, 0].map((part) => expect.closeTo(part, 12)));
		expect(total).toBe(10 / 15);
		expect([...groupSums(scores, index.contributors)]).toEqual([1 / 3, 1 / 3, 0].map((part) => expect.closeTo(part, 12)));
	});

	test("of a token goes to the longest span that covers it, of equally long ones to the first", async () => {
		const { attribute } = await cached(corpus({ "ann/1": "abcdef", "bob/1": "efgh", "cy/1": "ghij" }), { minimum: 4 });
		const { scores } = attribute(["abcdefghij"]);
		expect([...scores]).toEqual([0.6, 0.2, 0.2].map((part) => expect.closeTo(part, 12)));
	});

	test("goes to the first document alone if that is asked for: a copy earns nothing", async () => {
		const { attribute } = await cached(documents, { minimum: 10, sharing: "first" });
		expect([...attribute(["0123456789XXXXX"]).scores]).toEqual([10 / 15, 0, 0, 0]);
	});

	test("adds up to the covered fraction, is the mean of the outputs' and does not change with the order of documents", async () => {
		const next = generator(4n);
		const texts = Array.from({ length: 12 }, (_, i) => [`${i % 5}/${i}`, letters(randomText(30, 3, BigInt(i)))] as const);
		const outputs = Array.from({ length: 5 }, (_, i) => letters(randomText(40 + i, 4, BigInt(100 + i))));
		const shuffled = texts
			.map((entry) => ({ entry, key: next() }))
			.sort((a, b) => a.key - b.key)
			.map(({ entry }) => entry);
		const one = await cached(corpus(Object.fromEntries(texts)), { minimum: 6 });
		const other = await cached(corpus(Object.fromEntries(shuffled)), { minimum: 6 });
		const whole = one.attribute(outputs);
		expect(efficiencyError(whole)).toBeLessThan(1e-12);
		expect(whole.total).toBeGreaterThan(0.3);
		const pairs = one.pairs(outputs);
		texts.forEach(([name], i) => {
			const mean = outputs.reduce((sum, _, j) => sum + (pairs.scores[i * outputs.length + j] as number), 0) / outputs.length;
			expect(whole.scores[i]).toBeCloseTo(mean, 12);
			const place = shuffled.findIndex(([other]) => other === name);
			expect(other.attribute(outputs).scores[place]).toBeCloseTo(whole.scores[i] as number, 12);
		});
	});
});

describe("bad input", () => {
	const good = corpus({ "a/1": "some text", "b/1": "other text" });
	const [first, second] = good as [Document, Document];

	test.each([
		["no document", [], "TOO_FEW_ROWS", "expected a document with text, got 0"],
		["documents without text", good.map((document) => ({ ...document, text: "" })), "TOO_FEW_ROWS", "got 2 without"],
		["two documents of one id", [first, { ...second, id: "a/1" }], "DUPLICATE_ID", 'two documents have the id "a/1"'],
		["a document without an id", [first, { ...second, id: "" }], "VALUE_MISSING", "document 1 has no id"],
		["a document of nobody", [first, { ...second, contributor: "" }], "GROUP_EMPTY", 'document "b/1" belongs to nobody'],
		["a document without a licence", [first, { ...second, licence: "" }], "VALUE_MISSING", 'document "b/1" has no licence'],
		[
			"more than an index can number",
			Array.from({ length: 8 }, (_, i) => ({ ...first, id: `${i}`, text: "a".repeat(2 ** 28) })),
			"TEXT_TOO_LONG",
			"2147483656",
		],
	])("%s is refused", async (_, documents, code, message) => {
		await cached(good, {});
		expect(await refusal(() => cached(documents, {}))).toEqual({ code, message: expect.stringContaining(message) });
	});

	test("documents without a word are refused if words are asked for", async () => {
		const marks = good.map((document) => ({ ...document, text: "?!" }));
		await cached(marks, { tokens: "bytes" });
		expect(await refusal(() => cached(marks, { tokens: "words" }))).toMatchObject({
			code: "TOO_FEW_ROWS",
			message: expect.stringContaining("expected words"),
		});
	});

	test.each([
		[{ minimum: 0 }, "minimum is 0, expected an integer from 1 on"],
		[{ minimum: 1.5 }, "minimum is 1.5"],
		[{ maximumSources: -1 }, "maximumSources is -1, expected an integer from 0 on"],
	])("parameters %o are refused", async (parameters, message) => {
		expect(await refusal(() => verbatimSpansMethod(parameters))).toMatchObject({
			code: "PARAMETER_OUT_OF_RANGE",
			message: expect.stringContaining(message),
		});
	});

	test("outputs that are none, and an index of other tokens, are refused", async () => {
		const { attribute, index } = await cached(good, {});
		expect(await refusal(() => attribute([]))).toMatchObject({ code: "TOO_FEW_ROWS", message: expect.stringContaining("no output") });
		expect(await refusal(() => attribute(["text", ""]))).toMatchObject({
			code: "TOO_FEW_ROWS",
			message: expect.stringContaining("got none"),
		});
		expect(await refusal(() => verbatimSpansMethod({ tokens: "words" }).open(index))).toMatchObject({ code: "SHAPE_MISMATCH" });
	});

	test("building and scoring stop when they are asked to", async () => {
		const reason = new Error("enough");
		const controller = new AbortController();
		const building = TokenIndex.build(good, "bytes", { signal: controller.signal });
		controller.abort(reason);
		await expect(building).rejects.toBe(reason);
		const { attribute } = await cached(good, {});
		expect(() => attribute(["text"], { signal: controller.signal })).toThrow(reason);
	});
});

const { path, absent } = sample("shakespeare/input.txt");
test.skipIf(absent)("a play that is in the corpus is found in it whole, one that is not is not found", async () => {
	const { readFile } = await import("node:fs/promises");
	const text = await readFile(path, "utf8");
	const half = text.length / 2;
	const documents = corpus({ "first/1": text.slice(0, half), "second/1": text.slice(half) });
	const { trace } = await cached(documents, {});
	const quote = text.slice(700_000, 702_000);
	expect(trace(quote)).toMatchObject({
		covered: 2000,
		spans: [{ start: 0, length: 2000, occurrences: 1 }],
		scores: Float64Array.from([0, 1]),
	});
	expect(trace([...quote].reverse().join(""))).toMatchObject({ covered: 0, spans: [] });
});
