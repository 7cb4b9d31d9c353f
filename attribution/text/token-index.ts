/**
 * A licensed corpus prepared for finding verbatim pieces of it, as one block of bytes that is also its file: what is saved is what is held, and opening a
 * file copies nothing. At most 9.5 bytes per byte of text with `bytes`, plus the list of documents; `words` take about a third of that.
 *
 * File, little-endian: "OLTOKEN1", SHA-256 of all that follows, length of the header, the header (JSON, padded with spaces), then the arrays of `SuffixArrays`
 * in its order, each from a multiple of 8 on. The id in the header names the corpus and the kind of tokens (`corpusDigest`), so the same corpus makes the same file.
 */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Digest } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";
import { type Groups, groupsOf } from "../groups.ts";
import type { Control } from "../method.ts";
import { prefixSizes } from "./common-prefixes.ts";
import { checkDocuments, checkLength, corpusDigest, type Document, type DocumentEntry } from "./document.ts";
import { paceOf } from "./pace.ts";
import type { Symbols } from "./suffix-array.ts";
import { type SuffixArrays, SuffixIndex } from "./suffix-index.ts";
import { byteTokens, SEPARATOR, type TokenKind, type Tokens, wordsOf, wordTokens } from "./tokens.ts";

interface Header {
	readonly schema: "openledger.token-index.v1";
	readonly id: Digest;
	readonly tokens: TokenKind;
	/** Symbols of the text, one separator behind each document included. */
	readonly length: number;
	/** With the place in the text where each begins. */
	readonly documents: readonly (DocumentEntry & { readonly start: number })[];
	/** Words by number, from 1; none for bytes. */
	readonly vocabulary: readonly string[];
}

const MAGIC = "OLTOKEN1";
/** Where the digest, what it is over, and the header begin. */
const [DIGEST, HASHED, HEADER] = [8, 40, 48];

export class TokenIndex {
	/** The file. */
	readonly bytes: Uint8Array;
	/** keccak256 of the corpus and the kind of its tokens. */
	readonly id: Digest;
	readonly tokens: TokenKind;
	readonly documents: readonly DocumentEntry[];
	/** The contributor of each document. */
	readonly contributors: Groups;
	readonly suffixes: SuffixIndex;
	readonly #starts: Float64Array;
	readonly #numbers: ReadonlyMap<string, number>;

	private constructor(bytes: Uint8Array, header: Header, arrays: SuffixArrays) {
		this.bytes = bytes;
		this.id = header.id;
		this.tokens = header.tokens;
		this.documents = header.documents;
		this.contributors = groupsOf(header.documents.map(({ contributor }) => contributor));
		this.suffixes = new SuffixIndex(arrays);
		this.#starts = Float64Array.from(header.documents, ({ start }) => start);
		this.#numbers = new Map(header.vocabulary.map((word, i) => [word, i + 1]));
	}

	/** What names the index of a corpus: whoever holds a file knows whether it is this one. @throws {DataError} as `build` */
	static async idOf(documents: readonly Document[], tokens: TokenKind, { signal }: Control = {}): Promise<Digest> {
		return corpusDigest(checkDocuments(documents), { tokens }, signal);
	}

	/**
	 * Prepare a corpus. About 0.3 CPU seconds per million symbols.
	 * @throws {DataError} TOO_FEW_ROWS, DUPLICATE_ID, GROUP_EMPTY, VALUE_MISSING, TEXT_TOO_LONG
	 */
	static async build(documents: readonly Document[], tokens: TokenKind, { signal, progress }: Control = {}): Promise<TokenIndex> {
		const id = await TokenIndex.idOf(documents, tokens, { signal });
		const pace = paceOf(signal);
		const numbers = new Map<string, number>();
		const parts: Symbols[] = [];
		let length = documents.length;
		for (const { text } of documents) {
			const part = tokens === "bytes" ? byteTokens(text).symbols : numbered(text, numbers);
			parts.push(part);
			length += part.length;
			await pace(text.length);
		}
		checkLength(length);
		if (length === documents.length) {
			throw new DataError(
				"TOO_FEW_ROWS",
				`corpus: expected ${tokens}, got ${documents.length} documents without`,
				"Give documents with text.",
			);
		}
		let start = 0;
		const entries = documents.map(({ id, contributor, licence }, i) => {
			const entry = { id, contributor, licence, start };
			start += (parts[i]?.length ?? 0) + 1;
			return entry;
		});
		const header: Header = { schema: "openledger.token-index.v1", id, tokens, length, documents: entries, vocabulary: [...numbers.keys()] };
		const text = new TextEncoder().encode(JSON.stringify(header));
		const base = HEADER + padded(text.length);
		const bytes = new Uint8Array(base + placesOf(header).end);
		bytes.set(new TextEncoder().encode(MAGIC));
		bytes.fill(0x20, HEADER, base).set(text, HEADER);
		new DataView(bytes.buffer).setBigUint64(HASHED, BigInt(base - HEADER), true);
		const arrays = arraysOf(bytes, base, header);
		arrays.text.fill(SEPARATOR[tokens]);
		parts.forEach((part, i) => {
			arrays.text.set(part, entries[i]?.start);
		});
		const stages = SuffixIndex.build(arrays, tokens === "bytes" ? 256 : numbers.size + 1);
		for (const [stage, steps] of stages.entries()) {
			progress?.(stage, stages.length);
			while (!steps.next().done) {
				await setImmediate();
				signal?.throwIfAborted();
			}
		}
		bytes.set(digestOf(bytes), DIGEST);
		progress?.(stages.length, stages.length);
		return new TokenIndex(bytes, header, arrays);
	}

	/**
	 * An index from its file.
	 * @param source - where it comes from, for the message
	 * @throws {DataError} FILE_DAMAGED
	 */
	static open(file: Uint8Array, source: string): TokenIndex {
		const refuse = (got: string): never => {
			throw new DataError(
				"FILE_DAMAGED",
				`${source}: expected a token index, got ${got}`,
				"Delete the file; it is built again from the corpus.",
			);
		};
		if (file.length < HEADER || new TextDecoder().decode(file.subarray(0, DIGEST)) !== MAGIC) refuse("another kind of file");
		// The arrays need their alignment; buffers from a pool have none.
		const bytes = file.byteOffset % 8 === 0 ? file : Uint8Array.from(file);
		const [said, found] = [bytes.subarray(DIGEST, HASHED), digestOf(bytes)];
		if (!said.every((byte, i) => byte === found[i])) refuse(`${file.length} bytes that are not those of its digest`);
		const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(HASHED, true));
		const header = JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER, HEADER + size))) as Header;
		if (header.schema !== "openledger.token-index.v1") refuse(`the schema ${header.schema}`);
		return new TokenIndex(bytes, header, arraysOf(bytes, HEADER + size, header));
	}

	/** An output in the tokens of this corpus. */
	tokensOf(output: string): Tokens {
		return this.tokens === "bytes" ? byteTokens(output) : wordTokens(output, (word) => this.#numbers.get(word) ?? this.#numbers.size + 1);
	}

	/** The document that holds a place of the text, and the token of it that stands there. */
	locate(place: number): { document: number; token: number } {
		let [document, behind] = [0, this.#starts.length];
		while (behind - document > 1) {
			const middle = (document + behind) >>> 1;
			if ((this.#starts[middle] as number) <= place) document = middle;
			else behind = middle;
		}
		return { document, token: place - (this.#starts[document] as number) };
	}
}

/** The words of a document by number; new words get the next one. */
function numbered(text: string, numbers: Map<string, number>): Int32Array {
	return Int32Array.from(wordsOf(text), ({ word }) => {
		const number = numbers.get(word) ?? numbers.size + 1;
		numbers.set(word, number);
		return number;
	});
}

function padded(size: number): number {
	return Math.ceil(size / 8) * 8;
}

/** Where each array begins behind the header, and where the last one ends. */
function placesOf({ tokens, length }: Header) {
	const { bits, ones, minima } = prefixSizes(length);
	let end = 0;
	const place = (count: number, width: number): { at: number; count: number } => {
		const at = end;
		end += padded(count * width);
		return { at, count };
	};
	const text = place(length, tokens === "bytes" ? 1 : 4);
	const places = {
		text,
		order: place(length, 4),
		rank: place(length, 4),
		bits: place(bits, 4),
		ones: place(ones, 4),
		minima: place(minima, 4),
	};
	return { ...places, end };
}

function arraysOf(bytes: Uint8Array, base: number, header: Header): SuffixArrays {
	const { text, order, rank, bits, ones, minima } = placesOf(header);
	const view = <T>(kind: new (buffer: ArrayBufferLike, at: number, count: number) => T, { at, count }: { at: number; count: number }): T =>
		new kind(bytes.buffer, bytes.byteOffset + base + at, count);
	return {
		text: header.tokens === "bytes" ? view(Uint8Array, text) : view(Int32Array, text),
		order: view(Int32Array, order),
		rank: view(Int32Array, rank),
		bits: view(Uint32Array, bits),
		ones: view(Uint32Array, ones),
		minima: view(Int32Array, minima),
	};
}

/** SHA-256 of what stands behind it, in parts as large as one update takes. */
function digestOf(bytes: Uint8Array): Uint8Array {
	const hash = createHash("sha256");
	for (let from = HASHED; from < bytes.length; from += 2 ** 30) hash.update(bytes.subarray(from, from + 2 ** 30));
	return hash.digest();
}
