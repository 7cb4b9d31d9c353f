/**
 * Reads circom's constraint files (.r1cs, version 1).
 *
 * A constraint is `<a, w> * <b, w> = <c, w>` over the wires `w`. Millions of terms share a few thousand coefficients, so
 * a term is a wire number and an index into a table; a file is read in blocks and never held as a whole.
 */
import { type FileHandle, open } from "node:fs/promises";
import { fromBytesLE, R, WORD } from "./bn254.ts";
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

		const table = new CoefficientTable();
		const matrices = [new MatrixBuilder(), new MatrixBuilder(), new MatrixBuilder()] as const;
		const block = Buffer.alloc(BLOCK);
		let filled = 0;
		let position = 0;
		let next = section.start;
		const end = section.start + section.bytes;
		// A linear combination is read at once; the block grows when one is longer than it.
		let bytes = block;
		const need = async (size: number): Promise<void> => {
			if (filled - position >= size) return;
			signal?.throwIfAborted();
			const target = size > bytes.length ? Buffer.alloc(2 * size) : bytes;
			bytes.copy(target, 0, position, filled);
			filled -= position;
			position = 0;
			bytes = target;
			const wanted = Math.min(bytes.length - filled, end - next);
			const { bytesRead } = await file.read(bytes, filled, wanted, next);
			filled += bytesRead;
			next += bytesRead;
			if (filled < size) throw malformed(path, `${size} more bytes of constraints`, `${filled}`);
		};
		for (let row = 0; row < header.nConstraints; row++) {
			for (const matrix of matrices) {
				if (filled - position < 4) await need(4);
				const terms = bytes.readUInt32LE(position);
				position += 4;
				const size = terms * (4 + WORD);
				if (filled - position < size) await need(size);
				for (let term = 0; term < terms; term++) {
					matrix.push(bytes.readUInt32LE(position), table.index(bytes, position + 4));
					position += 4 + WORD;
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
	return {
		nWires: bytes.readUInt32LE(36),
		nOutputs: bytes.readUInt32LE(40),
		nPublicInputs: bytes.readUInt32LE(44),
		nPrivateInputs: bytes.readUInt32LE(48),
		nConstraints: bytes.readUInt32LE(60),
	};
}

function malformed(path: string, expected: string, got: string): CompileError {
	return new CompileError("compile.failed", `readR1cs: expected ${path} to hold ${expected}, got ${got}`);
}

/** Gives equal coefficients the same index. 1 and -1 are most of them and are recognised without hashing. */
class CoefficientTable {
	readonly values: bigint[] = [1n, R - 1n];
	readonly #indices = new Map<string, number>();

	index(bytes: Buffer, offset: number): number {
		const low = bytes.readUInt32LE(offset);
		if (low === 1 && bytes.readUInt32LE(offset + 28) === 0 && fromBytesLE(bytes, offset) === 1n) return 0;
		if (low === 0xf0000000 && fromBytesLE(bytes, offset) === R - 1n) return 1;
		const key = bytes.toString("latin1", offset, offset + WORD);
		let index = this.#indices.get(key);
		if (index === undefined) {
			index = this.values.length;
			this.values.push(fromBytesLE(bytes, offset));
			this.#indices.set(key, index);
		}
		return index;
	}
}

class MatrixBuilder {
	#wires = new Uint32Array(1 << 12);
	#coefficients = new Uint32Array(1 << 12);
	#terms = 0;
	readonly #starts: number[] = [0];

	push(wire: number, coefficient: number): void {
		if (this.#terms === this.#wires.length) {
			this.#wires = doubled(this.#wires);
			this.#coefficients = doubled(this.#coefficients);
		}
		this.#wires[this.#terms] = wire;
		this.#coefficients[this.#terms++] = coefficient;
	}

	endRow(): void {
		this.#starts.push(this.#terms);
	}

	build(): SparseMatrix {
		return {
			starts: Uint32Array.from(this.#starts),
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
