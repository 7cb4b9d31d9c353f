/** Section 4 of a key: the terms of A and B with coefficients times 2^512, by constraint, then one row per public signal. */
import { mod, R, toBytesLE } from "../bn254.ts";
import { TERM_BYTES } from "../engine/kernels.ts";
import type { R1cs, SparseMatrix } from "../r1cs.ts";

const WORDS = TERM_BYTES / 4;
const BLOCK_TERMS = 16384;

/** Bytes of the section. */
export function coefficientBytes(r1cs: R1cs, a: SparseMatrix): number {
	return 4 + TERM_BYTES * (a.wires.length + r1cs.b.wires.length);
}

/**
 * @param a with the rows of public signals
 * @returns the section in parts, each of which is overwritten by the next
 */
export function* encodeCoefficients({ b, coefficients, nConstraints }: R1cs, a: SparseMatrix): Generator<Uint8Array> {
	const table = new Uint32Array(8 * coefficients.length);
	for (const [i, value] of coefficients.entries()) table.set(new Uint32Array(toBytesLE(mod(value << 512n, R)).buffer), 8 * i);
	yield new Uint8Array(Uint32Array.of(a.wires.length + b.wires.length).buffer);
	const block = new Uint32Array(BLOCK_TERMS * WORDS);
	const bytes = new Uint8Array(block.buffer);
	let filled = 0;
	for (let row = 0; row + 1 < a.starts.length; row++) {
		for (let number = 0; number < (row < nConstraints ? 2 : 1); number++) {
			const { starts, wires, coefficients } = number === 0 ? a : b;
			const end = starts[row + 1] as number;
			for (let term = starts[row] as number; term < end; term++) {
				if (filled === block.length) {
					yield bytes;
					filled = 0;
				}
				block[filled++] = number;
				block[filled++] = row;
				block[filled++] = wires[term] as number;
				const value = 8 * (coefficients[term] as number);
				for (let word = 0; word < 8; word++) block[filled++] = table[value + word] as number;
			}
		}
	}
	yield bytes.subarray(0, 4 * filled);
}
