/**
 * Reads circom's constraint files (.r1cs, version 1).
 *
 * A constraint is `<a, w> * <b, w> = <c, w>` over the wires `w`. Millions of terms share a few thousand coefficients, so
 * a term is a wire number and an index into a table; a file is read in blocks and never held as a whole.
 */
import { R, toBytesLE, WORD } from "./bn254.ts";
import { type Format, readField, Sections, type Source } from "./engine/sections.ts";
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

const SECTION = { header: 1, constraints: 2 } as const;
const HEADER_BYTES = 64;
const BLOCK = 4 << 20;
/** A wire and a coefficient. */
const TERM_WORDS = 1 + WORD / 4;
/** A constraint without terms: three counts. */
const LEAST_ROW_BYTES = 12;

const R1CS_FORMAT: Format = {
	letters: "r1cs",
	versions: [1],
	missing: (message, cause) => new CompileError("r1cs.missing", message, { cause }),
	malformed: (message) => new CompileError("r1cs.format", message),
	truncated: (message) => new CompileError("r1cs.truncated", message, { hint: "compile the circuit again" }),
};

/**
 * Reads the sizes only.
 * @throws CompileError `r1cs.missing`, `r1cs.format` (another kind of file, another field), `r1cs.truncated`
 */
export async function readR1csHeader(source: Source): Promise<R1csHeader> {
	const file = await Sections.open(source, R1CS_FORMAT);
	try {
		return await readHeader(file);
	} finally {
		await file.close();
	}
}

/**
 * Reads the whole system.
 * @param source .r1cs file
 * @returns about 8 bytes per term
 * @throws CompileError as {@link readR1csHeader}, `r1cs.format` also for a wire that does not exist; the signal's reason
 */
export async function readR1cs(source: Source, signal?: AbortSignal): Promise<R1cs> {
	const file = await Sections.open(source, R1CS_FORMAT);
	try {
		const header = await readHeader(file);
		const bytes = file.bytes(SECTION.constraints);
		if (bytes < LEAST_ROW_BYTES * header.nConstraints) {
			throw malformed(file, `${header.nConstraints} constraints`, `a section of ${bytes} bytes`);
		}
		const table = new CoefficientTable(file);
		const matrices = ["a", "b", "c"].map(() => new MatrixBuilder(header)) as [MatrixBuilder, MatrixBuilder, MatrixBuilder];
		const words = new WordReader(file, signal);
		for (let row = 0; row < header.nConstraints; row++) {
			for (const matrix of matrices) {
				if (words.left < 1) await words.need(1);
				const terms = words.next();
				if (words.left < terms * TERM_WORDS) await words.need(terms * TERM_WORDS);
				for (let term = 0; term < terms; term++) {
					const wire = words.next();
					if (wire >= header.nWires) throw malformed(file, `wires below ${header.nWires}`, `wire ${wire} in constraint ${row}`);
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

async function readHeader(file: Sections): Promise<R1csHeader> {
	const bytes = await file.read(SECTION.header);
	if (bytes.length < HEADER_BYTES || readField(bytes, 0) !== R) {
		throw R1CS_FORMAT.malformed(`readR1cs: expected ${file.name} to hold constraints over the scalar field of BN254, got another field`);
	}
	const [nWires, nOutputs, nPublicInputs, nPrivateInputs] = [36, 40, 44, 48].map((offset) => bytes.readUInt32LE(offset)) as [
		number,
		number,
		number,
		number,
	];
	const named = 1 + nOutputs + nPublicInputs + nPrivateInputs;
	if (nWires < named) throw malformed(file, `at least ${named} wires`, `${nWires}`);
	return { nWires, nOutputs, nPublicInputs, nPrivateInputs, nConstraints: bytes.readUInt32LE(60) };
}

function malformed(file: Sections, expected: string, got: string): CompileError {
	return R1CS_FORMAT.malformed(`readR1cs: expected ${file.name} to hold ${expected}, got ${got}`) as CompileError;
}

/** The words of the section of constraints, read in blocks. */
class WordReader {
	words = new Uint32Array(BLOCK / 4);
	/** of the next word */
	position = 0;
	#filled = 0;
	#place = 0;
	readonly #end: number;
	readonly #file: Sections;
	readonly #signal: AbortSignal | undefined;

	constructor(file: Sections, signal: AbortSignal | undefined) {
		this.#file = file;
		this.#end = file.bytes(SECTION.constraints);
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
			throw malformed(this.#file, `${4 * count} more bytes of constraints`, `${4 * this.left + this.#end - this.#place}`);
		}
		const target = count > this.words.length ? new Uint32Array(2 * count) : this.words;
		target.set(this.words.subarray(this.position, this.#filled));
		this.words = target;
		this.#filled -= this.position;
		this.position = 0;
		const bytes = new Uint8Array(target.buffer);
		const whole = Math.floor((this.#end - this.#place) / 4) * 4;
		const wanted = Math.min(bytes.length - 4 * this.#filled, whole);
		bytes.set(await this.#file.read(SECTION.constraints, this.#place, wanted), 4 * this.#filled);
		this.#place += wanted;
		this.#filled += wanted / 4;
	}
}

/** Gives equal coefficients the same index: a hash table over their words, 1 and r - 1 apart from the rest. */
class CoefficientTable {
	readonly values: bigint[] = [];
	readonly #file: Sections;
	/** eight words a value */
	#words = new Uint32Array(8 * 64);
	/** 1 + index of the value whose hash leads here, 0 for none */
	#places = new Uint32Array(256);

	constructor(file: Sections) {
		this.#file = file;
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
		if (value >= R) throw malformed(this.#file, "coefficients below r", `${value}`);
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
