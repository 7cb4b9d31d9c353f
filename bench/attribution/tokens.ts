/** Token attribution on shakespeare (1.1 MB): index, speed, equality with a naive search, and verbatim spans against BM25 at naming the source. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { groupSums } from "../../attribution/groups.ts";
import { bm25Method } from "../../attribution/text/bm25.ts";
import type { Document } from "../../attribution/text/document.ts";
import { hardTexts, randomText, searchedMatch } from "../../attribution/text/testing.ts";
import { TokenIndex } from "../../attribution/text/token-index.ts";
import { verbatimSpansMethod } from "../../attribution/text/verbatim-spans.ts";
import { below, type Generator, generator } from "../../compute/random.ts";
import { atMost, type Case, median, root } from "../bench.ts";

const FILE = join(process.env.OPENLEDGER_DATA ?? join(root, "../shared/data"), "shakespeare/input.txt");

export async function tokensCases(): Promise<Case[]> {
	if (!existsSync(FILE)) {
		const note = `not run: ${FILE} is absent`;
		return [{ name: "token attribution", size: "shakespeare", value: null, unit: "", bar: "", holds: false, runs: [], note }];
	}
	const text = await readFile(FILE, "utf8");
	const documents = speakers(text);
	return [
		...(await indexCases(documents)),
		...(await speedCases(text, documents)),
		...(await equalityCases(text)),
		...(await sourceCases(text)),
	];
}

/** All that a speaker of the plays says, with the name above each speech as in the file: one document each. */
function speakers(text: string): Document[] {
	const said = new Map<string, string[]>();
	for (const { contributor, text: speech } of speeches(text)) {
		said.set(contributor, [...(said.get(contributor) ?? []), `${contributor}:\n${speech}`]);
	}
	return Array.from(said, ([contributor, parts]) => ({ id: contributor, contributor, licence: "CC0-1.0", text: parts.join("\n\n") }));
}

/** Each speech is a document of its speaker's. */
function speeches(text: string): Document[] {
	return text.split("\n\n").flatMap((speech, i) => {
		const end = speech.indexOf(":\n");
		return end < 0 ? [] : [{ id: `${i}`, contributor: speech.slice(0, end), licence: "CC0-1.0", text: speech.slice(end + 2) }];
	});
}

/** CPU seconds of this process for each of several runs; the first one warms up. */
async function cpuSeconds(runs: number, work: () => unknown): Promise<number[]> {
	const seconds: number[] = [];
	for (let run = 0; run < runs; run++) {
		const before = process.cpuUsage();
		await work();
		const { user, system } = process.cpuUsage(before);
		seconds.push((user + system) / 1e6);
	}
	return seconds;
}

async function indexCases(documents: readonly Document[]): Promise<Case[]> {
	const bytes = documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
	const size = `${documents.length} speakers, ${bytes} bytes`;
	// The first run is the cold one, so it must hold as well as the median.
	const built = await cpuSeconds(5, () => TokenIndex.build(documents, "bytes"));
	const index = await TokenIndex.build(documents, "bytes");
	const opened = await cpuSeconds(9, () => TokenIndex.open(index.bytes, "bench"));
	return [
		atMost("index built, first run in the process", size, "CPU s", built.slice(0, 1), 1.5, "digests of the corpus and the file included"),
		atMost("index built", size, "CPU s", built, 1.5),
		atMost("index and text, in memory and as a file", size, "bytes per byte", [index.bytes.length / bytes], 10),
		atMost("index opened, its digest checked", size, "CPU s", opened, 0.1),
	];
}

async function speedCases(text: string, documents: readonly Document[]): Promise<Case[]> {
	const next = generator(1n);
	const plays = await verbatimSpansMethod().cache(documents);
	const edited = edit(text.slice(200_000, 300_000).split(" "), 0.1, text.split(/\s+/), next).join(" ");
	const length = 500_000;
	const same = "a".repeat(length);
	const period = (symbols: Uint8Array) => Array.from(symbols, (symbol) => "abcd"[symbol]).join("");
	const hard = hardTexts(length);
	const whole = documents.map((document) => document.text).join("");
	const random = period(randomText(100_000, 4, 3n));
	const cases: [string, string, typeof plays, string][] = [
		["quotes with a tenth of the words changed", "shakespeare", plays, edited],
		["all of the corpus", "shakespeare", plays, whole],
		["random letters", "shakespeare", plays, random],
		["one letter, twice as long as the corpus", `${length} times a`, await one(same), same + same],
	];
	for (const name of ["Fibonacci", "period 7", "three times the same"]) {
		const hardText = period(hard[name] as Uint8Array);
		cases.push(["the corpus twice", name, await one(hardText), hardText + hardText]);
	}
	const results: Case[] = [];
	for (const [name, corpus, { trace }, output] of cases) {
		let positions = 0;
		const runs = await cpuSeconds(5, () => {
			positions = trace(output).tokens;
		});
		const each = runs.map((seconds) => (seconds / positions) * 1e6);
		results.push(atMost(`spans and credit: ${name}`, `${corpus}; ${positions} positions`, "CPU us per position", each, 20));
	}
	return results;
}

function one(text: string) {
	return verbatimSpansMethod().cache([{ id: "1", contributor: "1", licence: "CC0-1.0", text }]);
}

/** Positions whose longest match, or its places, differ from those of trying every place. */
async function equalityCases(text: string): Promise<Case[]> {
	const results: Case[] = [];
	const next = generator(2n);
	const compare = async (name: string, corpus: Uint8Array, queries: readonly Uint8Array[]) => {
		const index = await TokenIndex.build(
			[{ id: "1", contributor: "1", licence: "CC0-1.0", text: Buffer.from(corpus).toString("latin1") }],
			"bytes",
		);
		const [places, held] = [index.suffixes.order, index.suffixes.text];
		let [positions, different] = [0, 0];
		for (const query of queries) {
			const { length, first, last } = index.suffixes.longestMatches(query);
			for (let i = 0; i < query.length; i++, positions++) {
				const expected = searchedMatch(held, query, i);
				const found = [...places.subarray(first[i], (last[i] as number) + 1)].sort((a, b) => a - b);
				if (length[i] !== expected.length || (expected.length > 0 && `${found}` !== `${expected.places}`)) different++;
			}
		}
		results.push({
			...atMost(`differences from a naive search: ${name}`, `${corpus.length} bytes; ${positions} positions`, "positions", [different], 0),
		});
	};
	for (const [name, corpus] of Object.entries(hardTexts(1500))) {
		const spoilt = corpus.map((symbol) => (below(next, 12) === 0 ? below(next, 5) : symbol));
		await compare(name, corpus, [spoilt, randomText(500, 4, 5n)]);
	}
	const play = Buffer.from(text.slice(0, 60_000));
	await compare("shakespeare", play, [play.subarray(30_000, 30_300), Buffer.from(text.slice(500_000, 500_300))]);
	return results;
}

/** Words of one text, some of them replaced by others, left out or said twice. */
function edit(words: readonly string[], rate: number, others: readonly string[], next: Generator): string[] {
	return words.flatMap((word) => {
		if (next() / 2 ** 32 >= rate) return [word];
		const kind = below(next, 4);
		return kind === 0 ? [] : kind === 1 ? [word, word] : [others[below(next, others.length)] as string];
	});
}

/** How often each method names the document, and the speaker, that an output quotes; and how near its credit is to what was quoted of whom. */
async function sourceCases(text: string): Promise<Case[]> {
	const documents = speeches(text).filter((speech) => speech.text.length >= 100);
	const vocabulary = text.split(/\s+/);
	const next = generator(7n);
	const long = documents.flatMap(({ text: speech }, i) => (speech.split(/\s+/).length >= 40 ? [i] : []));
	const filler = (count: number) => Array.from({ length: count }, () => vocabulary[below(next, vocabulary.length)] as string);
	const quote = (document: number, count: number, rate: number) => {
		const words = documents[document]?.text.split(/\s+/) as string[];
		const start = below(next, words.length - count + 1);
		return edit(words.slice(start, start + count), rate, vocabulary, next);
	};
	const bytes = verbatimSpansMethod({ tokens: "bytes" });
	// White space was made one space above, so spans of bytes end at line breaks; words do not.
	const spans = verbatimSpansMethod({ tokens: "words", minimum: 4 });
	const bm25 = bm25Method().cache(documents);
	const byWords = await spans.cache(documents);
	const byBytes = await bytes.cache(documents);
	const { contributors } = byWords.index;
	const best = (scores: Float64Array): number => scores.reduce((at, score, i) => (score > (scores[at] as number) ? i : at), 0);

	const results: Case[] = [];
	const outputs = 300;
	for (const [rate, bar] of [
		[0, 0.99],
		[0.1, 0.95],
		[0.2, 0.95],
		[0.4, 0.9],
	] as const) {
		const right = { words: 0, bytes: 0, bm25: 0 };
		for (let run = 0; run < outputs; run++) {
			const source = long[below(next, long.length)] as number;
			const output = [...filler(30), ...quote(source, 30, rate), ...filler(30)].join(" ");
			const names = (scores: Float64Array): number => (scores.some((score) => score > 0) && best(scores) === source ? 1 : 0);
			right.words += names(byWords.trace(output).scores);
			right.bytes += names(byBytes.trace(output).scores);
			right.bm25 += names(bm25.scores(output));
		}
		results.push({
			name: `source named first, ${100 * rate} % of the words edited`,
			size: `${outputs} outputs of 90 words, 30 of them from one of ${documents.length} speeches`,
			value: right.words / outputs,
			unit: "of the outputs",
			peer: "BM25",
			peerValue: right.bm25 / outputs,
			ratio: right.words / right.bm25,
			bar: `>= ${bar}`,
			holds: right.words / outputs >= bar,
			runs: [right.words / outputs],
			note: `spans of at least 4 words; of at least 24 bytes: ${right.bytes / outputs}`,
		});
	}

	// Three speakers, 40, 30 and 10 words each, and 20 of nobody's. BM25 is told that there are three.
	const three = bm25Method({ top: 3 }).cache(documents);
	const distances = { spans: [] as number[], bm25: [] as number[] };
	for (let run = 0; run < outputs; run++) {
		const truth = new Float64Array(contributors.names.length);
		const parts = [40, 30, 10].map((count) => {
			const source = long[below(next, long.length)] as number;
			(truth[contributors.of[source] as number] as number) += count / 100;
			return quote(source, count, 0).join(" ");
		});
		const output = [...parts, ...filler(20)].join(" ");
		// Half the sum of differences, nobody's part among them.
		const distance = (scores: Float64Array): number => {
			const shares = groupSums(scores, contributors);
			const sum = shares.reduce((total, share) => total + share, 0);
			return shares.reduce((total, share, i) => total + Math.abs(share - (truth[i] as number)) / 2, Math.abs(1 - sum - 0.2) / 2);
		};
		distances.spans.push(distance(byWords.trace(output).scores));
		distances.bm25.push(distance(three.attribute([output]).scores));
	}
	const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
	results.push({
		...atMost(
			"credit given to the wrong speaker",
			`${outputs} outputs that quote three speakers and hold 20 % of nobody's`,
			"of the output",
			[mean(distances.spans)],
			0.05,
		),
		peer: "BM25, its three best documents",
		peerValue: mean(distances.bm25),
		ratio: mean(distances.spans) / mean(distances.bm25),
		note: `spans of at least 4 words; median ${median(distances.spans).toFixed(4)}`,
	});
	return results;
}
