/**
 * Verbatim spans of an output: pieces that stand in a document of the corpus and can be made longer on neither side.
 *
 * A span is at least `minimum` tokens long and made of whole characters. Spans may overlap; each token belongs to the longest one that covers it (of
 * equally long ones to the first), and that one's documents are its sources.
 */
import type { TokenIndex } from "./token-index.ts";
import type { Tokens } from "./tokens.ts";

export interface Span {
	/** First token of the output. */
	readonly start: number;
	/** Tokens of it. */
	readonly length: number;
	/** Tokens that belong to it and to no other span; of all spans together: the covered tokens. */
	readonly owned: number;
	/** Places of the corpus where it stands. */
	readonly occurrences: number;
	/** All documents that hold it, ascending. */
	readonly documents: Uint32Array;
	/** Some of those places, at most `maximumSources`, one of each document before the second of any. */
	readonly sources: readonly Source[];
}

/** Where a span stands: from a token of a document on. */
export interface Source {
	readonly document: number;
	readonly token: number;
}

interface Piece {
	readonly start: number;
	readonly end: number;
	/** The suffixes that begin with it. */
	readonly first: number;
	readonly last: number;
}

/** The spans of an output that own a token, in order. */
export function spansOf(index: TokenIndex, tokens: Tokens, minimum: number, maximumSources: number): Span[] {
	const pieces = maximalPieces(index, tokens, minimum);
	const owned = ownedTokens(pieces, tokens.symbols.length);
	// Pieces that stand in the same places are looked up once.
	const found = new Map<string, ReturnType<typeof placesOf>>();
	return pieces.flatMap(({ start, end, first, last }, i) => {
		if (owned[i] === 0) return [];
		const key = `${first}:${last}`;
		const places = found.get(key) ?? placesOf(index, first, last, maximumSources);
		found.set(key, places);
		return [{ start, length: end - start, owned: owned[i] as number, occurrences: last - first + 1, ...places }];
	});
}

/** Matches that reach further than those before them, cut to whole characters. */
function maximalPieces(index: TokenIndex, tokens: Tokens, minimum: number): Piece[] {
	const matches = index.suffixes.longestMatches(tokens.symbols);
	const pieces: Piece[] = [];
	let reached = 0;
	for (let start = 0; start < tokens.symbols.length; start++) {
		if (!tokens.isBoundary(start)) continue;
		const whole = start + (matches.length[start] as number);
		let end = whole;
		while (end > start && end < tokens.symbols.length && !tokens.isBoundary(end)) end--;
		if (end <= reached) continue;
		reached = end;
		if (end - start < minimum) continue;
		const range = { first: matches.first[start] as number, last: matches.last[start] as number };
		pieces.push({ start, end, ...(end < whole ? index.suffixes.widen(range.first, range.last, end - start) : range) });
	}
	return pieces;
}

/**
 * How many tokens belong to each piece. Starts and ends of the pieces both ascend, so those that cover a token are neighbours: a queue
 * holds those of them that are longer than all that come later, the longest in front.
 */
function ownedTokens(pieces: readonly Piece[], length: number): Uint32Array {
	const owned = new Uint32Array(pieces.length);
	const lengths = Float64Array.from(pieces, ({ start, end }) => end - start);
	const queue = new Uint32Array(pieces.length);
	let [front, back, next] = [0, 0, 0];
	for (let token = 0; token < length; token++) {
		for (; next < pieces.length && (pieces[next]?.start as number) <= token; next++) {
			while (back > front && (lengths[queue[back - 1] as number] as number) < (lengths[next] as number)) back--;
			queue[back++] = next;
		}
		while (front < back && (pieces[queue[front] as number]?.end as number) <= token) front++;
		if (front < back) (owned[queue[front] as number] as number)++;
	}
	return owned;
}

/** The documents of a range of suffixes, and some of its places. The range is read through until every document of the corpus was met. */
function placesOf(index: TokenIndex, first: number, last: number, maximumSources: number): Pick<Span, "documents" | "sources"> {
	const sources = new Map<number, Source>();
	const more: Source[] = [];
	const { order } = index.suffixes;
	for (let rank = first; rank <= last; rank++) {
		const source = index.locate(order[rank] as number);
		if (!sources.has(source.document)) sources.set(source.document, source);
		else if (more.length < maximumSources) more.push(source);
		if (sources.size === index.documents.length && sources.size + more.length >= maximumSources) break;
	}
	const byPlace = (a: Source, b: Source): number => a.document - b.document || a.token - b.token;
	const distinct = [...sources.values()].sort(byPlace);
	return {
		documents: Uint32Array.from(distinct, ({ document }) => document),
		sources: [...distinct.slice(0, maximumSources), ...more.slice(0, Math.max(0, maximumSources - distinct.length))].sort(byPlace),
	};
}
