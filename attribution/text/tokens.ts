/**
 * What a text is made of, for matching:
 *
 * - `bytes`: its UTF-8 bytes. A piece is verbatim to the letter.
 * - `words`: its words in compatibility form (NFKC) and lower case, without what is between them. A piece is verbatim up to case, punctuation and
 *   line breaks. A word is a run of letters, marks and digits, with apostrophes inside it.
 */
import type { Symbols } from "./suffix-array.ts";

export type TokenKind = "bytes" | "words";

/** Stands behind each document. No byte of UTF-8 is 255; words are numbered from 1. */
export const SEPARATOR = { bytes: 255, words: 0 } as const;

const WORD = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*/gu;

/** A text in tokens. */
export interface Tokens {
	readonly symbols: Symbols;
	/** Whether a span may begin or end before this token: not inside a character. */
	isBoundary(token: number): boolean;
	/** What the tokens from..to-1 were in the text. */
	text(from: number, to: number): string;
}

/** A word and where it stands. */
export interface Word {
	readonly word: string;
	/** In UTF-16 units of the text. */
	readonly start: number;
	readonly end: number;
}

/** The words of a text. */
export function wordsOf(text: string): Word[] {
	return Array.from(text.matchAll(WORD), ({ 0: found, index }) => ({
		word: found.normalize("NFKC").toLowerCase().replaceAll("’", "'"),
		start: index,
		end: index + found.length,
	}));
}

/** The bytes of a text as tokens. */
export function byteTokens(text: string): Tokens {
	const symbols = new TextEncoder().encode(text);
	const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
	return {
		symbols,
		// Bytes 10xxxxxx go on with a character.
		isBoundary: (token) => ((symbols[token] ?? 0) & 0xc0) !== 0x80,
		text: (from, to) => decoder.decode(symbols.subarray(from, to)),
	};
}

/** The words of a text as tokens. @param numberOf - the number of a word, or one that no document holds */
export function wordTokens(text: string, numberOf: (word: string) => number): Tokens {
	const words = wordsOf(text);
	return {
		symbols: Int32Array.from(words, ({ word }) => numberOf(word)),
		isBoundary: () => true,
		text: (from, to) => (from < to ? text.slice(words[from]?.start, words[to - 1]?.end) : ""),
	};
}
