/** What a licensed corpus is made of, and the digest that names it. */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { type Digest, jsonDigest, keccak } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";
import { paceOf } from "./pace.ts";

/** A document of a corpus, without its text. */
export interface DocumentEntry {
	/** Unique in the corpus. */
	readonly id: string;
	/** Who is credited. */
	readonly contributor: string;
	/** Id of the licence under which it may be used. */
	readonly licence: string;
}

export interface Document extends DocumentEntry {
	readonly text: string;
}

/** Symbols that an index can number. */
export const MAX_SYMBOLS = 2 ** 31 - 1;

/**
 * The same documents, if they can be worked with.
 * @throws {DataError} TOO_FEW_ROWS without a document or without a character; DUPLICATE_ID; VALUE_MISSING for an empty id or licence; GROUP_EMPTY for a
 *   document of nobody; TEXT_TOO_LONG from 2^31 - 1 characters on, separators included
 */
export function checkDocuments(documents: readonly Document[]): readonly Document[] {
	const refuse = (code: DataError["code"], message: string, hint: string): never => {
		throw new DataError(code, `corpus: ${message}`, hint);
	};
	const seen = new Set<string>();
	let length = 0;
	documents.forEach(({ id, contributor, licence, text }, i) => {
		if (id === "") refuse("VALUE_MISSING", `document ${i} has no id`, "Give each document an id.");
		if (seen.has(id)) refuse("DUPLICATE_ID", `two documents have the id "${id}"`, "Give each document an id of its own.");
		if (contributor === "") refuse("GROUP_EMPTY", `document "${id}" belongs to nobody`, "Name its contributor.");
		if (licence === "") refuse("VALUE_MISSING", `document "${id}" has no licence`, "Name the licence under which it may be used.");
		seen.add(id);
		// UTF-8 has at least one byte for each unit of UTF-16.
		length += text.length + 1;
	});
	if (length === documents.length) {
		refuse("TOO_FEW_ROWS", `expected a document with text, got ${documents.length} without`, "Give documents.");
	}
	checkLength(length);
	return documents;
}

/** @throws {DataError} TEXT_TOO_LONG */
export function checkLength(symbols: number): void {
	if (symbols <= MAX_SYMBOLS) return;
	throw new DataError(
		"TEXT_TOO_LONG",
		`corpus: expected at most ${MAX_SYMBOLS} symbols with separators, got ${symbols}`,
		"Split the corpus into several indexes.",
	);
}

/**
 * keccak256 of a corpus and what is done with it, as canonical JSON (RFC 8785): documents in order, each text by keccak256 of its UTF-8. About 60 MB a second.
 * @throws the signal's reason
 */
export async function corpusDigest(
	documents: readonly Document[],
	parameters: Readonly<Record<string, string | number>>,
	signal?: AbortSignal,
): Promise<Digest> {
	const pace = paceOf(signal);
	const entries: unknown[] = [];
	for (const { id, contributor, licence, text } of documents) {
		entries.push({ id, contributor, licence, text: keccak(utf8ToBytes(text)) });
		await pace(text.length);
	}
	return jsonDigest({ schema: "openledger.corpus.v1", parameters, documents: entries });
}
