/**
 * Reads circom's constraint files (.r1cs, version 1).
 *
 * A constraint is `<a, w> * <b, w> = <c, w>` over the wires `w`. Millions of terms share a few thousand coefficients, so
 * a term is a wire number and an index into a table; a file is read in blocks and never held as a whole.
 */
import { type FileHandle, open } from "node:fs/promises";
import { fromBytesLE, R, toBytesLE, WORD } from "./bn254.ts";
import { CompileError } from "./errors.ts";

/** Sizes of a constraint system. Wires: the constant 1, outputs, public inputs, private inputs, then all others. */
export interface R1csHeader {
	readonly nWires: number;
	readonly nOutputs: number;
	readonly nPublicInputs: number;
	readonly nPrivateInputs: number;
	readonly nConstraints: number;
}

/** One of the three matrices, rows packed: the terms of row `j` are `starts[j] .. starts[j + 1]`. */
export interface SparseMatrix {
	/** length nConstraints + 1 */
	readonly starts: Uint32Array;
	/** wire of each term */
	readonly wires: Uint32Array;
	/** index into {@link R1cs.coefficients} of each term */
	readonly coefficients: Uint32Array;
}

/** A constraint system. */
export interface R1cs extends R1csHeader {
	readonly a: SparseMatrix;
	readonly b: SparseMatrix;
	readonly c: SparseMatrix;
	/** all coefficients that occur, in `[0, r)`; index 0 is 1 and index 1 is r - 1 */
	readonly coefficients: readonly bigint[];
}

interface Section {
	readonly start: number;
	readonly bytes: number;
}

const BLOCK = 4 << 20;
/** A wire and a coefficient. */
const TERM_WORDS = 1 + WORD / 4;
/** A constraint without terms: three counts. */
const LEAST_ROW_BYTES = 12;

/**
 * Reads the sizes only.
 * @throws CompileError `compile.failed` when the file is no .r1cs over BN254
 */
export async function readR1csHeader(path: string): Promise<R1csHeader> {
	const file = await open(path, "r");
	try {
		return await readHeader(file, path, await readSections(file, path));
	} finally {
		await file.close();
	}
}

/**
 * Reads the whole system.
 * @param path .r1cs file
 * @returns about 8 bytes per term
 * @throws CompileError `compile.failed` when the file is no .r1cs over BN254 or is cut off; the signal's reason
 */
export async function readR1cs(path: string, signal?: AbortSignal): Promise<R1cs> {
	const file = await open(path, "r");
	try {
		const sections = await readSections(file, path);
		const header = await readHeader(file, path, sections);
		const section = sections.get(2);
		if (!section) throw malformed(path, "a section of constraints", "none");
		if (section.bytes < LEAST_ROW_BYTES * header.nConstraints) {
			throw malformed(path, `${header.nConstraints} constraints`, `a section of ${section.bytes} bytes`);
		}

		const table = new CoefficientTable(path);
		const matrices = ["a", "b", "c"].map(() => new MatrixBuilder(header)) as [MatrixBuilder, MatrixBuilder, MatrixBuilder];
		const words = new WordReader(file, path, section, signal);
		for (let row = 0; row < header.nConstraints; row++) {
			for (const matrix of matrices) {
				if (words.left < 1) await words.need(1);
				const terms = words.next();
				if (words.left < terms * TERM_WORDS) await words.need(terms * TERM_WORDS);
				for (let term = 0; term < terms; term++) {
					const wire = words.next();
					if (wire >= header.nWires) throw malformed(path, `wires below ${header.nWires}`, `wire ${wire} in constraint ${row}`);
					matrix.push(wire, table.index(words.words, words.position));
					words.position += WORD / 4;
				}
				matrix.endRow();
			}
		}
		const [a, b, c] = matrices;
		return { ...header, a: a.build(), b: b.build(), c: c.build(), coefficients: table.values };
	} finally {
		await file.close();
	}
}

async function readSections(file: FileHandle, path: string): Promise<Map<number, Section>> {
	const size = (await file.stat()).size;
	const head = Buffer.alloc(12);
	await file.read(head, 0, 12, 0);
	if (head.toString("latin1", 0, 4) !== "r1cs" || head.readUInt32LE(4) !== 1) {
		throw malformed(path, "an r1cs file, version 1", `"${head.toString("latin1", 0, 4)}"`);
	}
	const sections = new Map<number, Section>();
	let position = 12;
	for (let i = 0; i < head.readUInt32LE(8); i++) {
		const entry = Buffer.alloc(12);
		await file.read(entry, 0, 12, position);
		const bytes = Number(entry.readBigUInt64LE(4));
		position += 12;
		if (position + bytes > size) throw malformed(path, `${position + bytes} bytes`, `${size}`);
		sections.set(entry.readUInt32LE(0), { start: position, bytes });
		position += bytes;
	}
	return sections;
}

async function readHeader(file: FileHandle, path: string, sections: Map<number, Section>): Promise<R1csHeader> {
	const section = sections.get(1);
	if (!section || section.bytes < 64) throw malformed(path, "a header", "none");
	const bytes = Buffer.alloc(64);
	await file.read(bytes, 0, 64, section.start);
	if (bytes.readUInt32LE(0) !== WORD || fromBytesLE(bytes, 4) !== R) {
		throw malformed(path, "constraints over the scalar field of BN254", "another field");
	}
	const [nWires, nOutputs, nPublicInputs, nPrivateInputs] = [36, 40, 44, 48].map((offset) => bytes.readUInt32LE(offset)) as [
		number,
		number,
		number,
		number,
	];
	const named = 1 + nOutputs + nPublicInputs + nPrivateInputs;
	if (nWires < named) throw malformed(path, `at least ${named} wires`, `${nWires}`);
	return { nWires, nOutputs, nPublicInputs, nPrivateInputs, nConstraints: bytes.readUInt32LE(60) };
}

function malformed(path: string, expected: string, got: string): CompileError {
	return new CompileError("compile.failed", `readR1cs: expected ${path} to hold ${expected}, got ${got}`);
}

/** The words of a section, read in blocks. */
class WordReader {
	words = new Uint32Array(BLOCK / 4);
	/** of the next word */
	position = 0;
	#filled = 0;
	#place: number;
	readonly #end: number;
	readonly #file: FileHandle;
	readonly #path: string;
	readonly #signal: AbortSignal | undefined;

	constructor(file: FileHandle, path: string, section: Section, signal: AbortSignal | undefined) {
		this.#file = file;
		this.#path = path;
		this.#place = section.start;
		this.#end = section.start + section.bytes;
		this.#signal = signal;
	}

	/** Words that can be taken without reading. */
	get left(): number {
		return this.#filled - this.position;
	}

	next(): number {
		return this.words[this.position++] as number;
	}

	/** Reads until `count` words are left: a linear combination is read at once, the block grows when one is longer than it. */
	async need(count: number): Promise<void> {
		this.#signal?.throwIfAborted();
		if (4 * count > this.left * 4 + this.#end - this.#place) {
			throw malformed(this.#path, `${4 * count} more bytes of constraints`, `${4 * this.left + this.#end - this.#place}`);
		}
		const target = count > this.words.length ? new Uint32Array(2 * count) : this.words;
		target.set(this.words.subarray(this.position, this.#filled));
		this.words = target;
		this.#filled -= this.position;
		this.position = 0;
		const bytes = new Uint8Array(target.buffer);
		const whole = Math.floor((this.#end - this.#place) / 4) * 4;
		const wanted = Math.min(bytes.length - 4 * this.#filled, whole);
		for (let done = 0; done < wanted; ) {
			const { bytesRead } = await this.#file.read(bytes, 4 * this.#filled + done, wanted - done, this.#place + done);
			if (bytesRead === 0) throw malformed(this.#path, `${wanted - done} more bytes of constraints`, "none");
			done += bytesRead;
		}
		this.#place += wanted;
		this.#filled += wanted / 4;
	}
}

/** Gives equal coefficients the same index: a hash table over their words, 1 and r - 1 apart from the rest. */
class CoefficientTable {
	readonly values: bigint[] = [];
	readonly #path: string;
	/** eight words a value */
	#words = new Uint32Array(8 * 64);
	/** 1 + index of the value whose hash leads here, 0 for none */
	#places = new Uint32Array(256);

	constructor(path: string) {
		this.#path = path;
		for (const value of [1n, R - 1n]) this.index(new Uint32Array(toBytesLE(value).buffer), 0);
	}

	/** @param source eight words from `at`, least significant first */
	index(source: Uint32Array, at: number): number {
		const mask = this.#places.length - 1;
		let place = hashOf(source, at) & mask;
		for (let entry = this.#places[place] as number; entry !== 0; entry = this.#places[place] as number) {
			if (this.#isAt(entry - 1, source, at)) return entry - 1;
			place = (place + 1) & mask;
		}
		return this.#add(source.subarray(at, at + 8), place);
	}

	#isAt(index: number, source: Uint32Array, at: number): boolean {
		for (let i = 0; i < 8; i++) if (this.#words[8 * index + i] !== source[at + i]) return false;
		return true;
	}

	#add(words: Uint32Array, place: number): number {
		const index = this.values.length;
		const value = words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);
		if (value >= R) throw malformed(this.#path, "coefficients below r", `${value}`);
		this.values.push(value);
		if (8 * index === this.#words.length) this.#words = doubled(this.#words);
		this.#words.set(words, 8 * index);
		this.#places[place] = index + 1;
		if (4 * index > this.#places.length) this.#spread();
		return index;
	}

	#spread(): void {
		this.#places = new Uint32Array(4 * this.#places.length);
		const mask = this.#places.length - 1;
		for (const index of this.values.keys()) {
			let place = hashOf(this.#words, 8 * index) & mask;
			while (this.#places[place] !== 0) place = (place + 1) & mask;
			this.#places[place] = index + 1;
		}
	}
}

function hashOf(words: Uint32Array, at: number): number {
	let hash = 0;
	for (let i = 0; i < 8; i++) hash = Math.imul(hash ^ (words[at + i] as number), 0x9e3779b1);
	return hash ^ (hash >>> 15);
}

class MatrixBuilder {
	#wires = new Uint32Array(1 << 12);
	#coefficients = new Uint32Array(1 << 12);
	#terms = 0;
	#rows = 0;
	readonly #starts: Uint32Array;

	constructor({ nConstraints }: R1csHeader) {
		this.#starts = new Uint32Array(nConstraints + 1);
	}

	push(wire: number, coefficient: number): void {
		if (this.#terms === this.#wires.length) {
			this.#wires = doubled(this.#wires);
			this.#coefficients = doubled(this.#coefficients);
		}
		this.#wires[this.#terms] = wire;
		this.#coefficients[this.#terms++] = coefficient;
	}

	endRow(): void {
		this.#starts[++this.#rows] = this.#terms;
	}

	build(): SparseMatrix {
		return {
			starts: this.#starts,
			wires: this.#wires.subarray(0, this.#terms),
			coefficients: this.#coefficients.subarray(0, this.#terms),
		};
	}
}

function doubled(array: Uint32Array): Uint32Array<ArrayBuffer> {
	const larger = new Uint32Array(2 * array.length);
	larger.set(array);
	return larger;
}
