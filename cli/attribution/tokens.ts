/** `openledger attribute tokens`: what of an output stands verbatim in a licensed corpus, where, and whose it is; BM25 beside it. */
import { open } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { Command, Option } from "commander";
import { groupSums } from "../../attribution/groups.ts";
import { bm25Method } from "../../attribution/text/bm25.ts";
import type { Document } from "../../attribution/text/document.ts";
import { TokenIndex } from "../../attribution/text/token-index.ts";
import type { TokenKind } from "../../attribution/text/tokens.ts";
import { type Trace, verbatimSpansMethod } from "../../attribution/text/verbatim-spans.ts";
import { barChart } from "../../compute/chart.ts";
import { writeWhole } from "../../network/epoch/json.ts";
import { integer } from "../arguments.ts";
import type { CommandContext, Work } from "../command.ts";
import { FileError, prepareOutput } from "../file.ts";
import { table } from "../output.ts";
import { readCorpus, readUtf8 } from "./corpus.ts";

interface Flags {
	readonly corpus: string;
	readonly output: string;
	readonly index?: string;
	readonly tokens: TokenKind;
	readonly minSpan?: number;
	readonly sharing: "equal" | "first";
	readonly licence: string;
	readonly plot?: string;
}

/** One contributor's part of the output. */
interface Share {
	readonly contributor: string;
	/** Fraction of the output's tokens. */
	readonly verbatim: number;
	/** Fraction of BM25's credit. */
	readonly bm25: number;
}

/** Contributors in the table and the chart, spans in the table; --json has all. */
const SHOWN = 12;

export function tokensCommand(context: CommandContext): Command {
	return new Command("tokens")
		.description("what of an output stands verbatim in a licensed corpus, with sources and credit; BM25 beside it")
		.requiredOption(
			"--corpus <path>",
			"folder with a folder of text files for each contributor, or JSON lines {id, contributor, licence, text}",
		)
		.requiredOption("--output <file>", "the output to attribute, - for standard input")
		.option("--index <file>", "keep the corpus's index here; it is built again when the corpus changes")
		.addOption(new Option("--tokens <kind>", "what spans are made of").choices(["bytes", "words"]).default("bytes"))
		.option("--min-span <n>", "tokens of the shortest span that counts (default: 24 bytes, 6 words)", integer(1, 2 ** 31 - 1))
		.addOption(
			new Option("--sharing <rule>", "who is credited for a span of several contributors: all, or the first in the order of the corpus")
				.choices(["equal", "first"])
				.default("equal"),
		)
		.option("--licence <id>", "licence of the documents of a folder", "unstated")
		.option("--plot <file>", "draw the contributors' credit as SVG")
		.action(async (flags: Flags) => {
			await context.run("openledger.attribute.tokens.v1", async (work) => {
				for (const path of [flags.index, flags.plot]) if (path !== undefined) await prepareOutput(path);
				const documents = await readCorpus(flags.corpus, flags.licence);
				const output = flags.output === "-" ? await readStream(process.stdin) : await readUtf8(flags.output);
				const { tokens, sharing, minSpan } = flags;
				const method = verbatimSpansMethod({ tokens, sharing, ...(minSpan === undefined ? {} : { minimum: minSpan }) });
				const index = await indexOf(documents, flags, work);
				const trace = method.open(index).trace(output);
				const bm25 = bm25Method().cache(documents);
				const shares = sharesOf(index, trace, bm25.attribute([output]).scores);
				if (flags.plot !== undefined) await writeWhole(flags.plot, await chart(shares, trace));
				return {
					result: {
						index: index.id,
						...{ tokens, sharing, minimum: method.minimum },
						output: { tokens: trace.tokens, covered: trace.covered, fraction: trace.covered / trace.tokens },
						contributors: shares,
						spans: trace.spans.map((span) => spanResult(documents, trace, span)),
						bm25: bm25.ranking(output).map(({ document, score }) => ({ ...entry(documents, document), score })),
					},
					text: report(documents, trace, shares, tokens),
				};
			});
		});
}

/** The index of the corpus: the one that is kept, if it is this corpus's, else a new one. */
async function indexOf(documents: readonly Document[], { index: path, tokens }: Flags, { progress, signal }: Work): Promise<TokenIndex> {
	if (path !== undefined) {
		const file = await readIndex(path);
		const kept = file === undefined ? undefined : TokenIndex.open(file, path);
		if (kept?.id === (await TokenIndex.idOf(documents, tokens, { signal }))) return kept;
	}
	const index = await TokenIndex.build(documents, tokens, {
		signal,
		progress: (done, total) => progress({ phase: "index", done, total, note: "suffixes sorted, ranked, compared" }),
	});
	if (path !== undefined) await writeWhole(path, index.bytes);
	return index;
}

/** The bytes of a file, of any size; undefined if there is none. */
async function readIndex(path: string): Promise<Uint8Array | undefined> {
	const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
		if (cause.code === "ENOENT") return undefined;
		throw new FileError("FILE_UNREADABLE", `expected an index at ${path}, got ${cause.message}`, "Give another path.", cause);
	});
	if (file === undefined) return undefined;
	try {
		const bytes = new Uint8Array((await file.stat()).size);
		for (let at = 0; at < bytes.length; ) {
			// One read takes less than 2 GiB.
			const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, 2 ** 30), at);
			if (bytesRead === 0) break;
			at += bytesRead;
		}
		return bytes;
	} finally {
		await file.close();
	}
}

/** Contributors with credit by either method, most verbatim first. */
function sharesOf({ contributors }: TokenIndex, { scores }: Trace, bm25: Float64Array): Share[] {
	const [verbatim, words] = [groupSums(scores, contributors), groupSums(bm25, contributors)];
	return contributors.names
		.map((contributor, i) => ({ contributor, verbatim: verbatim[i] as number, bm25: words[i] as number }))
		.filter((share) => share.verbatim > 0 || share.bm25 > 0)
		.sort((a, b) => b.verbatim - a.verbatim || b.bm25 - a.bm25);
}

function entry(documents: readonly Document[], document: number) {
	const { id, contributor, licence } = documents[document] as Document;
	return { id, contributor, licence };
}

function spanResult(documents: readonly Document[], trace: Trace, span: Trace["spans"][number]) {
	const { start, length, owned, occurrences } = span;
	const sources = span.sources.map(({ document, token }) => ({ ...entry(documents, document), token }));
	return { start, length, owned, text: trace.text(span), occurrences, documents: span.documents.length, sources };
}

function report(documents: readonly Document[], trace: Trace, shares: readonly Share[], tokens: TokenKind): string {
	const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)}%`;
	const uncovered = trace.tokens - trace.covered;
	const credit = table(
		["contributor", "verbatim", "BM25"],
		[
			...shares.slice(0, SHOWN).map(({ contributor, verbatim, bm25 }) => [contributor, percent(verbatim), percent(bm25)]),
			["(credited to nobody)", percent(uncovered / trace.tokens), percent(shares.every(({ bm25 }) => bm25 === 0) ? 1 : 0)],
		],
	);
	const longest = [...trace.spans].sort((a, b) => b.length - a.length || a.start - b.start).slice(0, SHOWN);
	const spans = table(
		["from", tokens, "places", "documents", "source", "licence", "text"],
		longest.map((span) => {
			const { id, licence } = entry(documents, span.documents[0] as number);
			const text = JSON.stringify(trace.text(span));
			const cells = [span.start, span.length, span.occurrences, span.documents.length].map(String);
			return [...cells, id, licence, text.length > 60 ? `${text.slice(0, 59)}…` : text];
		}),
	);
	return [
		credit,
		...(shares.length > SHOWN ? [`and ${shares.length - SHOWN} more contributors: see --json`] : []),
		"",
		`${trace.covered} of ${trace.tokens} ${tokens} stand verbatim in the corpus, in ${trace.spans.length} spans`,
		...(longest.length > 0 ? ["", spans] : []),
		...(trace.spans.length > SHOWN ? [`and ${trace.spans.length - SHOWN} shorter spans: see --json`] : []),
	].join("\n");
}

function chart(shares: readonly Share[], { tokens, covered }: Trace): Promise<string> {
	const shown = shares.slice(0, SHOWN);
	const points = (of: (share: Share) => number) => shown.map((share) => ({ x: share.contributor, y: 100 * of(share) }));
	return barChart({
		title: `Credit for an output: ${((100 * covered) / tokens).toFixed(1)} % of it is verbatim`,
		x: "contributor",
		y: "% of the output (verbatim), % of the credit (BM25)",
		series: [
			{ name: "verbatim spans", points: points(({ verbatim }) => verbatim) },
			{ name: "BM25", points: points(({ bm25 }) => bm25) },
		],
		// Names stand beside each other under the bars.
		width: Math.max(320, shown.length * Math.max(40, ...shown.map(({ contributor }) => 16 + 7 * contributor.length))),
	});
}
