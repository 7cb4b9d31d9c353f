import { describe, expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import type { Document } from "./document.ts";
import { TokenIndex } from "./token-index.ts";
import { byteTokens, type TokenKind, wordsOf } from "./tokens.ts";
import { verbatimSpansMethod } from "./verbatim-spans.ts";

const documents: Document[] = [
	{ id: "1", contributor: "ann", licence: "MIT", text: "Über allen Gipfeln ist Ruh, in allen Wipfeln spürest du kaum einen Hauch" },
	{ id: "2", contributor: "bob", licence: "CC0-1.0", text: "" },
	{ id: "3", contributor: "ann", licence: "MIT", text: "Wer reitet so spät durch Nacht und Wind? Es ist der Vater mit seinem Kind" },
];
const output = "in allen Wipfeln spürest du kaum, wer reitet so spät durch Nacht";

describe.each(["bytes", "words"] as TokenKind[])("an index of %s", (tokens) => {
	test("is its own file: opened again, wherever the bytes lie, it finds the same", async () => {
		const index = await TokenIndex.build(documents, tokens);
		const { open } = verbatimSpansMethod({ tokens, minimum: 4 });
		const expected = open(index).trace(output);
		expect(expected.spans.length).toBeGreaterThan(1);
		const moved = new Uint8Array(index.bytes.length + 3);
		moved.set(index.bytes, 3);
		for (const bytes of [index.bytes.slice(), moved.subarray(3), Buffer.from(moved.buffer, 3)]) {
			const again = TokenIndex.open(bytes, "test");
			expect([again.id, again.tokens, again.documents]).toEqual([index.id, tokens, index.documents]);
			const { spans, scores, covered } = open(again).trace(output);
			expect({ spans, scores, covered }).toEqual({ spans: expected.spans, scores: expected.scores, covered: expected.covered });
		}
	});

	test("is the same for the same corpus, and has another id for another one", async () => {
		const { id, bytes } = await TokenIndex.build(documents, tokens);
		expect((await TokenIndex.build(structuredClone(documents), tokens)).bytes).toEqual(bytes);
		expect(await TokenIndex.idOf(documents, tokens)).toBe(id);
		const [first, ...rest] = documents as [Document, ...Document[]];
		const others = [
			[...rest, first],
			[{ ...first, id: "4" }, ...rest],
			[{ ...first, contributor: "cy" }, ...rest],
			[{ ...first, licence: "CC0-1.0" }, ...rest],
			[{ ...first, text: `${first.text}.` }, ...rest],
		];
		const kind = tokens === "bytes" ? "words" : "bytes";
		const ids = await Promise.all([id, TokenIndex.idOf(documents, kind), ...others.map((other) => TokenIndex.idOf(other, tokens))]);
		expect(new Set(ids).size).toBe(ids.length);
	});
});

test("any changed or missing byte of the file is found", async () => {
	const { bytes } = await TokenIndex.build(documents, "bytes");
	const damaged = async (file: Uint8Array) => refusal(() => TokenIndex.open(file, "corpus.index"));
	for (let at = 0; at < bytes.length; at += 7) {
		const file = bytes.slice();
		(file[at] as number) ^= 1;
		expect(await damaged(file), `byte ${at}`).toMatchObject({
			code: "FILE_DAMAGED",
			message: expect.stringContaining("corpus.index: expected a token index"),
		});
	}
	for (const length of [0, 7, 47, 48, 200, bytes.length - 1])
		expect(await damaged(bytes.slice(0, length))).toMatchObject({ code: "FILE_DAMAGED" });
	expect(await damaged(new Uint8Array([...bytes, 0]))).toMatchObject({ code: "FILE_DAMAGED" });
});

test("an index of bytes takes below 10 bytes per byte of text", async () => {
	const text = "abcdefghij".repeat(20_000);
	const { bytes } = await TokenIndex.build([{ id: "1", contributor: "ann", licence: "MIT", text }], "bytes");
	expect(bytes.length / text.length).toBeLessThan(9.5);
});

describe("tokens", () => {
	test("of bytes begin and end with characters", () => {
		const { symbols, isBoundary, text } = byteTokens("aé𝒳");
		expect([...symbols].map((_, i) => isBoundary(i))).toEqual([true, true, false, true, false, false, false]);
		expect(text(1, 3)).toBe("é");
	});

	test.each([
		["Don't — stop!", ["don't", "stop"]],
		["don’t 'quoted'", ["don't", "quoted"]],
		["ﬁne Ⅳ 3.5", ["fine", "iv", "3", "5"]],
		["naïve nai\u0308ve", ["naïve", "naïve"]],
		["你好 κόσμε", ["你好", "κόσμε"]],
		["?!", []],
	])("of words: %s", (text, words) => {
		expect(wordsOf(text).map(({ word }) => word)).toEqual(words);
	});
});
