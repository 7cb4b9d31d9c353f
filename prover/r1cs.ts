/**
 * Reads circom's constraint files (.r1cs, version 1).
 *
 * A constraint is `<a, w> * <b, w> = <c, w>` over the wires `w`. Millions of terms share a few thousand coefficients, so
 * a term is a wire number and an index into a table; a file is read in blocks and never held as a whole.
 */
import { fromBytesLE, R, WORD } from "./bn254.ts";
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
		const table = new CoefficientTable();
		const matrices = [new MatrixBuilder(), new MatrixBuilder(), new MatrixBuilder()] as const;
		const block = Buffer.alloc(BLOCK);
		let filled = 0;
		let position = 0;
		let next = 0;
		const end = file.bytes(SECTION.constraints);
		// A linear combination is read at once; the block grows when one is longer than it.
		let bytes = block;
		const need = async (size: number): Promise<void> => {
			if (filled - position >= size) return;
			signal?.throwIfAborted();
			filled -= position;
			// Reads before room is made: a length that the file does not have is refused here.
			const read = await file.read(SECTION.constraints, next, Math.max(size - filled, Math.min(bytes.length - filled, end - next)));
			const target = size > bytes.length ? Buffer.alloc(2 * size) : bytes;
			bytes.copy(target, 0, position, position + filled);
			position = 0;
			bytes = target;
			bytes.set(read, filled);
			filled += read.length;
			next += read.length;
		};
		for (let row = 0; row < header.nConstraints; row++) {
			for (const matrix of matrices) {
				if (filled - position < 4) await need(4);
				const terms = bytes.readUInt32LE(position);
				position += 4;
				const size = terms * (4 + WORD);
				if (filled - position < size) await need(size);
				for (let term = 0; term < terms; term++) {
					const wire = bytes.readUInt32LE(position);
					if (wire >= header.nWires) {
						throw R1CS_FORMAT.malformed(
							`readR1cs: expected wires of ${file.name} below ${header.nWires}, got ${wire} in constraint ${row}`,
						);
					}
					matrix.push(wire, table.index(bytes, position + 4));
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

async function readHeader(file: Sections): Promise<R1csHeader> {
	const bytes = await file.read(SECTION.header);
	if (bytes.length < HEADER_BYTES || readField(bytes, 0) !== R) {
		throw R1CS_FORMAT.malformed(`readR1cs: expected ${file.name} to hold constraints over the scalar field of BN254, got another field`);
	}
	return {
		nWires: bytes.readUInt32LE(36),
		nOutputs: bytes.readUInt32LE(40),
		nPublicInputs: bytes.readUInt32LE(44),
		nPrivateInputs: bytes.readUInt32LE(48),
		nConstraints: bytes.readUInt32LE(60),
	};
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
