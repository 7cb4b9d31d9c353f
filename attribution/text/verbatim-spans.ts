/**
 * Token attribution by verbatim spans: an output is credited to those whose documents it repeats.
 *
 * Let T be the tokens of an output. Each token that a span of at least `minimum` tokens covers is worth 1 / T; it goes in equal parts to the contributors
 * of the longest span that covers it, and a contributor's part in equal parts to those of its documents that hold the span. So scores add up to the covered fraction of the output;
 * the rest is credited to nobody. With `sharing: "first"` the whole token goes to the first document, in the order of the corpus, that holds the span: if
 * that is the order in which documents were committed, a copy of somebody else's document earns nothing.
 *
 * What it is not: evidence that a document caused the output. Short spans stand in many texts by chance, and whoever rewords escapes it; `bm25` stands beside it.
 */
import { DataError } from "../../compute/errors.ts";
import type { Attribution, Cached, Control, Meaning, Method, Pairs } from "../method.ts";
import type { Document } from "./document.ts";
import { type Span, spansOf } from "./spans.ts";
import { TokenIndex } from "./token-index.ts";
import type { TokenKind } from "./tokens.ts";

export interface VerbatimSpansParameters {
	/** What spans are made of; bytes by default. */
	readonly tokens?: TokenKind;
	/** Tokens of the shortest span that counts, at least 1; 24 bytes or 6 words by default. */
	readonly minimum?: number;
	/** Who is credited for a span that several contributors hold: all of them, or whose document comes first in the corpus; all by default. */
	readonly sharing?: "equal" | "first";
	/** Most places listed for a span, at least 0; 10 by default. Credit does not depend on it. */
	readonly maximumSources?: number;
}

/** What of an output is verbatim, and whose it is. */
export interface Trace {
	/** Tokens of the output. */
	readonly tokens: number;
	/** Tokens that a span covers. */
	readonly covered: number;
	/** Spans that own a token, in order. */
	readonly spans: readonly Span[];
	/** The text of a span. */
	text(span: Pick<Span, "start" | "length">): string;
	/** Credit of each document, a fraction of the output. */
	readonly scores: Float64Array;
}

/** A corpus that outputs can be held against. */
export interface CachedSpans extends Cached<readonly string[]> {
	readonly index: TokenIndex;
	/** One output in detail. @throws {DataError} TOO_FEW_ROWS for an output without a token */
	trace(output: string): Trace;
	attribute(outputs: readonly string[], control?: Control): Attribution;
	pairs(outputs: readonly string[], control?: Control): Pairs;
}

export interface VerbatimSpansMethod extends Method<readonly Document[], readonly string[]> {
	/** Tokens of the shortest span that counts. */
	readonly minimum: number;
	/** Builds the index. @throws {DataError} as `TokenIndex.build` */
	cache(documents: readonly Document[], control?: Control): Promise<CachedSpans>;
	/** With an index that is there. @throws {DataError} SHAPE_MISMATCH for one of other tokens */
	open(index: TokenIndex): CachedSpans;
}

/** Romeo's 24,662 bytes share no 24 of them with anybody else in Shakespeare's plays; of their words 0.15 % stand in runs of 6 that somebody else says too. */
const MINIMUM = { bytes: 24, words: 6 } as const;

const MEANING: Meaning = { unit: "fraction of the output's tokens", positive: "the document holds pieces of the output verbatim" };

/** @throws {DataError} PARAMETER_OUT_OF_RANGE */
export function verbatimSpansMethod(parameters: VerbatimSpansParameters = {}): VerbatimSpansMethod {
	const { tokens = "bytes", sharing = "equal", maximumSources = 10 } = parameters;
	const { minimum = MINIMUM[tokens] } = parameters;
	checkInteger("minimum", minimum, 1);
	checkInteger("maximumSources", maximumSources, 0);
	const open = (index: TokenIndex): CachedSpans => {
		if (index.tokens !== tokens) {
			throw new DataError(
				"SHAPE_MISMATCH",
				`verbatim-spans: expected an index of ${tokens}, got one of ${index.tokens}`,
				"Build it with these parameters.",
			);
		}
		const trace = (output: string): Trace => traceOf(index, output, minimum, maximumSources, sharing);
		/** Documents x outputs, and the mean covered fraction. */
		const score = (outputs: readonly string[], { signal, progress }: Control = {}) => {
			if (outputs.length === 0) throw new DataError("TOO_FEW_ROWS", "verbatim-spans: no output, at least 1 is needed", "Give outputs.");
			const scores = new Float64Array(index.documents.length * outputs.length);
			let covered = 0;
			outputs.forEach((output, j) => {
				signal?.throwIfAborted();
				const one = trace(output);
				one.scores.forEach((credit, i) => {
					scores[i * outputs.length + j] = credit;
				});
				covered += one.covered / one.tokens / outputs.length;
				progress?.(j + 1, outputs.length);
			});
			return { scores, covered };
		};
		return {
			index,
			trace,
			pairs: (outputs, control) => ({
				scores: score(outputs, control).scores,
				entries: index.documents.length,
				tests: outputs.length,
				...MEANING,
			}),
			attribute(outputs, control) {
				const { scores, covered } = score(outputs, control);
				const means = new Float64Array(index.documents.length);
				scores.forEach((credit, entry) => {
					(means[Math.floor(entry / outputs.length)] as number) += credit / outputs.length;
				});
				return { scores: means, total: covered, ...MEANING };
			},
		};
	};
	return {
		name: "verbatim-spans",
		minimum,
		open,
		cache: async (documents, control) => open(await TokenIndex.build(documents, tokens, control)),
	};
}

function traceOf(index: TokenIndex, output: string, minimum: number, maximumSources: number, sharing: "equal" | "first"): Trace {
	const tokens = index.tokensOf(output);
	const length = tokens.symbols.length;
	if (length === 0) {
		throw new DataError("TOO_FEW_ROWS", `verbatim-spans: expected an output with ${index.tokens}, got none`, "Leave out empty outputs.");
	}
	const spans = spansOf(index, tokens, minimum, maximumSources);
	const scores = new Float64Array(index.documents.length);
	for (const { owned, documents } of spans) {
		const credited = sharing === "first" ? documents.subarray(0, 1) : documents;
		const held = new Map<number, number>();
		const contributorOf = (document: number): number => index.contributors.of[document] as number;
		for (const document of credited) held.set(contributorOf(document), (held.get(contributorOf(document)) ?? 0) + 1);
		for (const document of credited) {
			(scores[document] as number) += owned / length / held.size / (held.get(contributorOf(document)) as number);
		}
	}
	return {
		tokens: length,
		covered: spans.reduce((sum, { owned }) => sum + owned, 0),
		spans,
		text: (span) => tokens.text(span.start, span.start + span.length),
		scores,
	};
}

function checkInteger(name: string, value: number, low: number): void {
	if (Number.isSafeInteger(value) && value >= low) return;
	throw new DataError(
		"PARAMETER_OUT_OF_RANGE",
		`verbatim-spans: ${name} is ${value}, expected an integer from ${low} on`,
		"Correct the parameter.",
	);
}
