/**
 * Polynomials over Fr by their values on the domain of n = 2^k roots of unity, and on the points between them.
 *
 * With w of order n, g of order 2n and half = n / 2, values i and i + half lie side by side in pair i, so that all layers of a transform but one work
 * within the lanes. The inverse transform is by decimation in frequency (natural order in, bit-reversed out), the coefficients are
 * multiplied by g^i / n where they lie, and the forward transform takes the bit-reversed order back.
 */
import { inverse, power, R } from "../bn254.ts";
import { ELEMENT_BYTES, PAIR_BYTES } from "./field.ts";
import type { Machine } from "./machine.ts";

/** log2 of the largest power of two that divides r - 1. */
export const MAX_LOG = 28;

const ROOT_OF_UNITY = power(5n, (R - 1n) >> BigInt(MAX_LOG), R);

/** A domain with its tables in a machine. */
export class Domain {
	readonly log: number;
	/** pairs of a vector over the domain */
	readonly half: number;
	readonly #machine: Machine;
	readonly #forward: number;
	readonly #backward: number;
	readonly #shift: number;

	/**
	 * Allocates 80 bytes a value.
	 * @param log in `[1, 27]`: 2^log values
	 */
	constructor(machine: Machine, log: number) {
		this.#machine = machine;
		this.log = log;
		this.half = 2 ** (log - 1);
		const root = rootOfUnity(log);
		this.#forward = this.#powers(root);
		this.#backward = this.#powers(inverse(root, R));
		this.#shift = this.#shiftTable();
	}

	/** Room for a vector. */
	alloc(): number {
		return this.#machine.alloc(this.half * PAIR_BYTES);
	}

	/** Replaces the values of a polynomial at w^i by those at g w^i. */
	shift(vector: number): void {
		const { half } = this;
		const machine = this.#machine;
		machine.kernel("fr_lanes_decimation")(vector, this.#backward, half);
		for (let layer = this.log - 2; layer >= 0; layer--) this.#layer("decimation", vector, this.#backward, layer);
		machine.kernel("fr_multiply")(vector, vector, this.#shift, half);
		for (let layer = 0; layer <= this.log - 2; layer++) this.#layer("interpolation", vector, this.#forward, layer);
		machine.kernel("fr_lanes_interpolation")(vector, this.#forward, half);
	}

	/** @param layer log2 of the distance between the pairs that are joined */
	#layer(kind: "decimation" | "interpolation", vector: number, twiddles: number, layer: number): void {
		this.#machine.kernel(`fr_layer_${kind}`)(vector, twiddles, this.half / 2, 2 ** layer, layer, this.log - 1 - layer);
	}

	/** root^i for i below half, single elements. */
	#powers(root: bigint): number {
		const table = this.#machine.alloc(Math.max(this.half, 2) * ELEMENT_BYTES);
		this.#machine.putSingle(table, 1n, R);
		this.#machine.putSingle(table + ELEMENT_BYTES, root, R);
		for (let count = 2; count < this.half; count *= 2) {
			this.#scaled("fr_scaleSingles", table, count, ELEMENT_BYTES, power(root, BigInt(count), R));
		}
		return table;
	}

	/** g^i / n in the order of the transform: i = 2 bitreverse(j) and the next one in pair j. */
	#shiftTable(): number {
		const table = this.#machine.alloc(this.half * PAIR_BYTES);
		const step = rootOfUnity(this.log + 1);
		const scale = inverse(BigInt(2 * this.half), R);
		this.#machine.putPair(table, scale, scale * step, R);
		for (let count = 1; count < this.half; count *= 2) {
			this.#scaled("fr_scale", table, count, PAIR_BYTES, power(step, BigInt(this.half / count), R));
		}
		return table;
	}

	/** Appends `count` elements or pairs, the first ones times a factor. */
	#scaled(kernel: "fr_scale" | "fr_scaleSingles", table: number, count: number, bytes: number, factor: bigint): void {
		const machine = this.#machine;
		const mark = machine.mark();
		const pair = machine.alloc(PAIR_BYTES);
		machine.putPair(pair, factor, factor, R);
		machine.kernel(kernel)(table + count * bytes, table, count, pair);
		machine.release(mark);
	}
}

/**
 * @param log in `[0, 28]`
 * @returns of order 2^log, snarkjs' choice
 */
export function rootOfUnity(log: number): bigint {
	return power(ROOT_OF_UNITY, 1n << BigInt(MAX_LOG - log), R);
}
