/**
 * Many multiples of one point: `s_i G` for the generator of G1 or G2.
 *
 * With a window of c bits a scalar is written in W = ceil(255 / c) signed digits, at most half = 2^(c-1) in magnitude, and a table holds
 * `d 2^(c w) G` for each window w and d = 1 .. half. A multiple costs W - 1 additions and no doubling; window by window, the additions of all
 * multiples together are affine ones that share inversions (adder.ts). So is the table's making, where the first m entries of all windows give the
 * next m.
 */
import { bn254 } from "@noble/curves/bn254.js";
import { Q, WORD } from "../bn254.ts";
import { Adder } from "./adder.ts";
import { ELEMENT_BYTES } from "./field.ts";
import { type GroupName, POINT_BYTES } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import { KEY_BYTES } from "./msm.ts";

/** Scalars below r have 254 bits; one more takes the carry of the highest digit. */
const SCALAR_BITS = 255;
const MAX_BITS = 15;
/** Places for points that are no entry of a table: zeros, which are written as infinity, and the base of a window. */
const EXTRA = 2;

/** Scalars in signed digits. */
export interface FixedDigits {
	/** width of a window */
	readonly bits: number;
	readonly count: number;
	/** that of scalar i in window w is number `w count + i` */
	readonly values: Int16Array;
}

/**
 * The width that makes table and multiples together cheapest.
 * @param count multiples to be computed with one table
 * @returns in `[4, 15]`: a bit more saves an addition in 17 and doubles the tables, which have 22 MB in G1 and 45 MB in G2
 */
export function windowBits(count: number): number {
	let best = 4;
	let least = Number.POSITIVE_INFINITY;
	for (let bits = 4; bits <= MAX_BITS; bits++) {
		const cost = Math.ceil(SCALAR_BITS / bits) * (count + 2 ** (bits - 1));
		if (cost < least) {
			least = cost;
			best = bits;
		}
	}
	return best;
}

/**
 * Recodes scalars for tables of one width, of either group.
 * @param scalars 32 bytes each, little endian, in `[0, r)`; begins at a multiple of 4 in its buffer
 * @param bits in `[2, 15]`
 */
export function fixedDigits(scalars: Uint8Array, bits: number): FixedDigits {
	const count = scalars.length / WORD;
	const words = new Uint32Array(scalars.buffer, scalars.byteOffset, scalars.length / 4);
	const windows = Math.ceil(SCALAR_BITS / bits);
	const half = 1 << (bits - 1);
	const values = new Int16Array(windows * count);
	for (let i = 0; i < count; i++) {
		let carry = 0;
		for (let window = 0; window < windows; window++) {
			let digit = digitAt(words, 8 * i, window * bits, bits) + carry;
			carry = digit > half ? 1 : 0;
			if (carry) digit -= 2 * half;
			values[window * count + i] = digit;
		}
	}
	return { bits, count, values };
}

/** A table of multiples of a generator in a machine. */
export class FixedBase {
	readonly bits: number;
	readonly #machine: Machine;
	readonly #group: GroupName;
	readonly #windows: number;
	readonly #zeros: number;
	readonly #table: number;

	/**
	 * @param machine with the kernels of setup-kernels.ts; the table is never freed
	 * @param bits in `[2, 15]`, see {@link windowBits}
	 */
	constructor(machine: Machine, group: GroupName, bits: number) {
		this.bits = bits;
		this.#machine = machine;
		this.#group = group;
		this.#windows = Math.ceil(SCALAR_BITS / bits);
		const size = POINT_BYTES[group];
		this.#zeros = machine.alloc((EXTRA + this.#windows * this.#half) * size);
		this.#table = this.#zeros + EXTRA * size;
		this.#build();
	}

	get #half(): number {
		return 1 << (this.bits - 1);
	}

	/**
	 * @param digits of this table's width
	 * @returns affine points in the layout of keys; infinity, all zeros, for 0
	 */
	multiply({ values, count }: FixedDigits): Uint8Array<ArrayBuffer> {
		const machine = this.#machine;
		const mark = machine.mark();
		const size = POINT_BYTES[this.#group];
		const sums = machine.alloc(count * size);
		// Where each sum so far lies: nowhere, in the table while it has one digit, else in its own place. The kernel takes two at a time.
		const places = new Uint32Array(count + (count % 2)).fill(this.#zeros);
		const adder = new Adder(machine, this.#group, (place) => {
			places[(place - sums) / size] = this.#zeros;
		});
		for (let window = 0; window < this.#windows; window++) {
			const first = this.#table + (window * this.#half - 1) * size;
			for (let i = 0; i < count; i++) {
				const digit = values[window * count + i] as number;
				if (digit === 0) continue;
				const entry = digit > 0 ? first + digit * size : first - digit * size + 1;
				const place = places[i] as number;
				if (place === this.#zeros) {
					places[i] = entry;
				} else {
					places[i] = sums + i * size;
					adder.add(place, entry, sums + i * size);
				}
			}
			adder.flush();
		}
		const bytes = this.#save(places).slice(0, count * KEY_BYTES[this.#group]) as Uint8Array<ArrayBuffer>;
		machine.release(mark);
		return bytes;
	}

	/** A view of the points in the layout of keys. */
	#save(places: Uint32Array): Uint8Array {
		const machine = this.#machine;
		const pointers = machine.alloc(4 * places.length);
		const out = machine.alloc(places.length * KEY_BYTES[this.#group]);
		machine.words(pointers, places.length).set(places);
		machine.kernel(`${this.#group}_save`)(out, pointers, places.length);
		return machine.bytes.subarray(out, out + places.length * KEY_BYTES[this.#group]);
	}

	#build(): void {
		const machine = this.#machine;
		const size = POINT_BYTES[this.#group];
		const mark = machine.mark();
		const adder = new Adder(machine, this.#group, () => {});
		const half = this.#half;
		const firsts = Array.from({ length: this.#windows }, (_, window) => this.#table + window * half * size);
		const base = this.#zeros + size;
		machine.bytes.fill(0, this.#zeros, this.#zeros + size);
		for (const [i, value] of generator(this.#group).entries()) machine.putSingle(base + i * ELEMENT_BYTES, value, Q);
		for (const first of firsts) {
			machine.bytes.copyWithin(first, base, base + size);
			for (let bit = 0; bit < this.bits; bit++) {
				adder.add(base, base, base);
				adder.flush();
			}
		}
		for (let known = 1; known < half; known *= 2) {
			for (const first of firsts) {
				const last = first + (known - 1) * size;
				for (let i = 1; i < known; i++) adder.add(last, first + (i - 1) * size, last + i * size);
			}
			adder.flush();
			// Doublings apart: in a batch of their own the adder sees at once that all are.
			for (const first of firsts) adder.add(first + (known - 1) * size, first + (known - 1) * size, first + (2 * known - 1) * size);
			adder.flush();
		}
		machine.release(mark);
	}
}

/** Coordinates, components in order. */
function generator(group: GroupName): bigint[] {
	if (group === "g1") {
		const { x, y } = bn254.G1.Point.BASE.toAffine();
		return [x, y];
	}
	const { x, y } = bn254.G2.Point.BASE.toAffine();
	return [x.c0, x.c1, y.c0, y.c1];
}

/** A window's bits of a number in 32-bit words. */
function digitAt(words: Uint32Array, start: number, bit: number, bits: number): number {
	const index = start + (bit >> 5);
	const shift = bit & 31;
	let digit = (words[index] as number) >>> shift;
	if (shift + bits > 32 && bit >> 5 < 7) digit |= (words[index + 1] as number) << (32 - shift);
	return digit & ((1 << bits) - 1);
}
