import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CommandContext } from "../command.ts";
import { EXIT } from "../exit.ts";
import { tokensCommand } from "./tokens.ts";

const ANN = "The quick brown fox jumps over the lazy dog.";
const BOB = "Sphinx of black quartz, judge my vow.";
const OUTPUT = "They say the quick brown fox jumps over the lazy cat; sphinx of black quartz, judge my vow.";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-tokens-"));
	for (const [name, text] of [
		["corpus/ann/fox.txt", ANN],
		["corpus/bob/deep/sphinx.txt", BOB],
		["corpus/bob/.hidden", "not a document"],
		["output.txt", OUTPUT],
	] as const) {
		await mkdir(join(folder, name, ".."), { recursive: true });
		await writeFile(join(folder, name), text);
	}
	const lines = [
		{ id: "1", contributor: "ann", licence: "CC-BY-4.0", text: ANN },
		{ id: "2", contributor: "bob", licence: "CC0-1.0", text: BOB },
	];
	await writeFile(join(folder, "corpus.jsonl"), `${lines.map((line) => JSON.stringify(line)).join("\n")}\n\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs the command in this process. */
async function run(json: boolean, ...args: string[]) {
	const context = new CommandContext();
	context.json = json;
	let stdout = "";
	vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
		stdout += chunk;
		return true;
	});
	vi.spyOn(process.stderr, "write").mockReturnValue(true);
	await tokensCommand(context).exitOverride().parseAsync(args, { from: "user" });
	vi.restoreAllMocks();
	return { exit: context.exitCode, stdout };
}

async function result(...args: string[]) {
	const { exit, stdout } = await run(true, ...args);
	const { schema, ok, result } = JSON.parse(stdout);
	expect({ exit, schema, ok }).toEqual({ exit: EXIT.ok, schema: "openledger.attribute.tokens.v1", ok: true });
	return result;
}

const at = (name: string) => join(folder, name);
const words = ["--tokens", "words", "--min-span", "4", "--output"];

describe("attribute tokens", () => {
	test("says whose words an output repeats, where they stand, and what is nobody's", async () => {
		const found = await result("--corpus", at("corpus.jsonl"), ...words, at("output.txt"));
		expect(found.output).toMatchObject({ tokens: 18, covered: 15 });
		expect(
			found.contributors.map(({ contributor, verbatim }: { contributor: string; verbatim: number }) => [contributor, verbatim]),
		).toEqual([
			["ann", expect.closeTo(8 / 18, 12)],
			["bob", expect.closeTo(7 / 18, 12)],
		]);
		expect(found.spans.map(({ text, sources }: { text: string; sources: unknown }) => ({ text, sources }))).toEqual([
			{ text: "the quick brown fox jumps over the lazy", sources: [{ id: "1", contributor: "ann", licence: "CC-BY-4.0", token: 0 }] },
			{ text: "sphinx of black quartz, judge my vow", sources: [{ id: "2", contributor: "bob", licence: "CC0-1.0", token: 0 }] },
		]);
		expect(found.bm25.map(({ id }: { id: string }) => id).sort()).toEqual(["1", "2"]);
	});

	test("takes a folder as corpus: paths are ids, first folders are contributors, hidden files are left out", async () => {
		const found = await result("--corpus", at("corpus"), "--licence", "MIT", ...words, at("output.txt"));
		expect(found.spans.map(({ sources }: { sources: unknown[] }) => sources[0])).toEqual([
			{ id: "ann/fox.txt", contributor: "ann", licence: "MIT", token: 0 },
			{ id: "bob/deep/sphinx.txt", contributor: "bob", licence: "MIT", token: 0 },
		]);
	});

	test("prints tables and draws a chart", async () => {
		const { exit, stdout } = await run(false, "--corpus", at("corpus"), ...words, at("output.txt"), "--plot", at("charts/credit.svg"));
		expect(exit).toBe(EXIT.ok);
		expect(stdout).toMatch(/ann +44\.44% +\d/);
		expect(stdout).toContain("15 of 18 words stand verbatim in the corpus, in 2 spans");
		expect(await readFile(at("charts/credit.svg"), "utf8")).toMatch(/^<svg[\s\S]*83\.3 % of it is verbatim/);
	});

	test("keeps its index, uses it again, and builds it again for another corpus", async () => {
		const args = ["--index", at("index"), ...words, at("output.txt")];
		const { index } = await result("--corpus", at("corpus.jsonl"), ...args);
		const { mtimeMs, size } = await stat(at("index"));
		expect(await result("--corpus", at("corpus.jsonl"), ...args)).toMatchObject({ index });
		expect(await stat(at("index"))).toMatchObject({ mtimeMs, size });
		expect((await result("--corpus", at("corpus"), ...args)).index).not.toBe(index);
		expect((await stat(at("index"))).size).not.toBe(size);
		const damaged = await readFile(at("index"));
		(damaged[100] as number) ^= 1;
		await writeFile(at("index"), damaged);
		const { exit, stdout } = await run(true, "--corpus", at("corpus"), ...args);
		expect({ exit, code: JSON.parse(stdout).error.code }).toEqual({ exit: EXIT.artefact, code: "FILE_DAMAGED" });
	});
});

describe("bad input", () => {
	test.each([
		["no corpus", "none", undefined, "FILE_MISSING", "none"],
		["a line that is no JSON", "a.jsonl", '{"id": "1"', "FILE_MALFORMED", "line 1: expected"],
		["a line that is no object", "a.jsonl", "null", "FILE_MALFORMED", 'no text as "id"'],
		["a line without a licence", "a.jsonl", '{"id": "1", "contributor": "ann", "text": "x"}', "FILE_MALFORMED", 'no text as "licence"'],
		["bytes that are no UTF-8", "a.jsonl", Uint8Array.of(0xff), "FILE_UNREADABLE", "expected UTF-8"],
		["a document of nobody", "loose/text.txt", "text", "GROUP_EMPTY", 'document "text.txt" belongs to nobody'],
		["an empty corpus", "a.jsonl", "\n", "TOO_FEW_ROWS", "got 0 without"],
	])("%s", async (_, name, content, code, message) => {
		await rm(at("loose"), { recursive: true, force: true });
		await mkdir(at("loose"), { recursive: true });
		if (content !== undefined) await writeFile(at(name), content);
		const { exit, stdout } = await run(true, "--corpus", at(name.split("/")[0] as string), "--output", at("output.txt"));
		const { error } = JSON.parse(stdout);
		expect({ exit, code: error.code }).toEqual({ exit: EXIT.badInput, code });
		expect(error.message).toContain(message);
	});

	test("an output that is not there, and an empty one", async () => {
		await writeFile(at("empty.txt"), "");
		for (const [name, code] of [
			["none.txt", "FILE_MISSING"],
			["empty.txt", "TOO_FEW_ROWS"],
		] as const) {
			const { exit, stdout } = await run(true, "--corpus", at("corpus"), "--output", at(name));
			expect({ exit, code: JSON.parse(stdout).error.code }).toEqual({ exit: EXIT.badInput, code });
		}
	});
});
