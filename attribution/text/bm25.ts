/**
 * BM25: documents ranked by the words that they share with an output. The honest baseline beside verbatim spans: it knows no order of words, so edits cost it little,
 * and it always names somebody.
 *
 *     score(D, O) = sum over the words w of O, each as often as it occurs, of  idf(w) f (k1 + 1) / (f + k1 (1 - b + b |D| / mean |D|))
 *     idf(w) = ln(1 + (N - n_w + 1/2) / (n_w + 1/2))          f: how often w occurs in D; n_w: documents with w; N: documents
 *
 * A document's credit is its score over the sum of those of the `top` best documents; 0 for all others. Where no word of an output is known, nobody is credited.
 *
 * Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3; idf with the 1 inside, as Lucene has it, so that
 * no word counts against a document.
 */
import { DataError } from "../../compute/errors.ts";
import type { DirectCached, DirectMethod, Meaning } from "../method.ts";
import { checkDocuments, type Document } from "./document.ts";
import { wordsOf } from "./tokens.ts";

export interface Bm25Parameters {
	/** How soon more of the same word stops to count, at least 0; 1.2 by default. */
	readonly k1?: number;
	/** How much long documents are held back, in [0, 1]; 0.75 by default. */
	readonly b?: number;
	/** Documents that share the credit for an output, at least 1; 10 by default. */
	readonly top?: number;
}

export interface CachedBm25 extends DirectCached<readonly string[]> {
	/** BM25 scores of all documents. */
	scores(output: string): Float64Array;
	/** The best documents, best first, at most `top`; of equal ones the earlier. Documents without a score are left out. */
	ranking(output: string): { document: number; score: number }[];
}

export interface Bm25Method extends DirectMethod<readonly Document[], readonly string[]> {
	/** @throws {DataError} TOO_FEW_ROWS, DUPLICATE_ID, GROUP_EMPTY, VALUE_MISSING */
	cache(documents: readonly Document[]): CachedBm25;
}

const MEANING: Meaning = { unit: "fraction of the output's credit", positive: "the document shares words with the output" };

/** @throws {DataError} PARAMETER_OUT_OF_RANGE */
export function bm25Method({ k1 = 1.2, b = 0.75, top = 10 }: Bm25Parameters = {}): Bm25Method {
	check(k1 >= 0 && k1 < Number.POSITIVE_INFINITY, `k1 is ${k1}, expected a number from 0 on`);
	check(b >= 0 && b <= 1, `b is ${b}, expected a number in [0, 1]`);
	check(Number.isSafeInteger(top) && top >= 1, `top is ${top}, expected an integer from 1 on`);
	return {
		name: "bm25",
		cache(documents) {
			const weights = weightsOf(checkDocuments(documents), k1, b);
			const scores = (output: string): Float64Array => {
				const sums = new Float64Array(documents.length);
				for (const { word } of wordsOf(output)) {
					for (const { document, weight } of weights.get(word) ?? []) (sums[document] as number) += weight;
				}
				return sums;
			};
			const ranking = (output: string) =>
				Array.from(scores(output), (score, document) => ({ document, score }))
					.filter(({ score }) => score > 0)
					.sort((x, y) => y.score - x.score || x.document - y.document)
					.slice(0, top);
			const pairs = (outputs: readonly string[]) => {
				if (outputs.length === 0) throw new DataError("TOO_FEW_ROWS", "bm25: no output, at least 1 is needed", "Give outputs.");
				const credit = new Float64Array(documents.length * outputs.length);
				outputs.forEach((output, j) => {
					const best = ranking(output);
					const sum = best.reduce((total, { score }) => total + score, 0);
					for (const { document, score } of best) credit[document * outputs.length + j] = score / sum;
				});
				return { scores: credit, entries: documents.length, tests: outputs.length, ...MEANING };
			};
			return {
				scores,
				ranking,
				pairs,
				attribute(outputs) {
					const { scores: credit } = pairs(outputs);
					const means = new Float64Array(documents.length);
					credit.forEach((share, entry) => {
						(means[Math.floor(entry / outputs.length)] as number) += share / outputs.length;
					});
					const known = outputs.filter((output) => wordsOf(output).some(({ word }) => weights.has(word))).length;
					return { scores: means, total: known / outputs.length, ...MEANING };
				},
			};
		},
	};
}

/** What each word of the corpus is worth to each document that has it. */
function weightsOf(documents: readonly Document[], k1: number, b: number): Map<string, { document: number; weight: number }[]> {
	const counts = new Map<string, Map<number, number>>();
	const lengths = documents.map(({ text }, document) => {
		const words = wordsOf(text);
		for (const { word } of words) {
			const of = counts.get(word) ?? new Map<number, number>();
			of.set(document, (of.get(document) ?? 0) + 1);
			counts.set(word, of);
		}
		return words.length;
	});
	const mean = lengths.reduce((sum, length) => sum + length, 0) / documents.length;
	const weights = new Map<string, { document: number; weight: number }[]>();
	for (const [word, of] of counts) {
		const idf = Math.log1p((documents.length - of.size + 0.5) / (of.size + 0.5));
		const weighted = Array.from(of, ([document, count]) => {
			const saturation = k1 * (1 - b + (b * (lengths[document] as number)) / mean);
			return { document, weight: (idf * count * (k1 + 1)) / (count + saturation) };
		});
		weights.set(word, weighted);
	}
	return weights;
}

function check(holds: boolean, message: string): void {
	if (!holds) throw new DataError("PARAMETER_OUT_OF_RANGE", `bm25: ${message}`, "Correct the parameter.");
}
