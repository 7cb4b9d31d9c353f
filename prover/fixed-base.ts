/**
 * Many multiples of one point: `s_i * G` for the generator of G1 or G2.
 *
 * With window width c the scalar is written in W = ceil(255 / c) signed digits in [-2^(c-1), 2^(c-1)], and a table holds
 * `d * 2^(c w) * G` for every window w and d = 1 .. 2^(c-1). A multiple then costs at most W mixed additions and no
 * doubling. The table is built once per group and width.
 */
import { WORD } from "./bn254.ts";
import type { Curve, GroupLayout } from "./curve.ts";

const SCALAR_BITS = 255;
const BATCH = 1024;

/**
 * The width that makes table and multiples together cheapest.
 * @param count multiples to be computed with one table
 * @returns in `[4, 15]`; above 15 the table leaves the processor's cache
 */
export function windowBits(count: number): number {
	let best = 4;
	let least = Number.POSITIVE_INFINITY;
	for (let bits = 4; bits <= 15; bits++) {
		const cost = Math.ceil(SCALAR_BITS / bits) * (count + 1.5 * 2 ** (bits - 1));
		if (cost < least) {
			least = cost;
			best = bits;
		}
	}
	return best;
}

/** A table of multiples of a generator in the memory of one curve instance. */
export class FixedBase {
	readonly #curve: Curve;
	readonly #group: GroupLayout;
	readonly #bits: number;
	readonly #windows: number;
	readonly #table: number;

	/**
	 * @param curve stays in use by this object; the table is never freed
	 * @param bits window width, see {@link windowBits}
	 */
	constructor(curve: Curve, group: GroupLayout, bits: number) {
		this.#curve = curve;
		this.#group = group;
		this.#bits = bits;
		this.#windows = Math.ceil(SCALAR_BITS / bits);
		this.#table = this.#build();
	}

	#build(): number {
		const { prefix, affineBytes, jacobianBytes } = this.#group;
		const curve = this.#curve;
		const half = 2 ** (this.#bits - 1);
		const addMixed = curve.operation(`${prefix}_addMixed`);
		const double = curve.operation(`${prefix}_double`);
		const toAffine = curve.operation(`${prefix}_toAffine`);
		const batchToAffine = curve.operation(`${prefix}_batchToAffine`);
		const table = curve.alloc(this.#windows * half * affineBytes);
		const base = curve.alloc(affineBytes);
		const scratch = half * affineBytes;
		const row = curve.alloc(half * jacobianBytes, 2 * scratch);
		curve.bytes.copyWithin(base, curve.generator(this.#group), curve.generator(this.#group) + affineBytes);
		for (let window = 0; window < this.#windows; window++) {
			curve.operation(`${prefix}_toJacobian`)(base, row);
			for (let digit = 1; digit < half; digit++) {
				addMixed(row + (digit - 1) * jacobianBytes, base, row + digit * jacobianBytes);
			}
			// The base of the next window is 2^bits = 2 * half times this one: double the last entry.
			const last = row + (half - 1) * jacobianBytes;
			batchToAffine(row, half, table + window * half * affineBytes);
			double(last, last);
			toAffine(last, base);
		}
		curve.release(base);
		return table;
	}

	/**
	 * @param scalars 32 bytes each, little endian, in `[0, r)`, not in Montgomery form
	 * @returns affine points in the layout of keys; infinity (zeros) for 0
	 */
	multiply(scalars: Uint8Array): Uint8Array<ArrayBuffer> {
		const { prefix, affineBytes, jacobianBytes } = this.#group;
		const curve = this.#curve;
		const bits = this.#bits;
		const windows = this.#windows;
		const half = 2 ** (bits - 1);
		const table = this.#table;
		const addMixed = curve.operation(`${prefix}_addMixed`);
		const subMixed = curve.operation(`${prefix}_subMixed`);
		const zero = curve.operation(`${prefix}_zero`);
		const batchToAffine = curve.operation(`${prefix}_batchToAffine`);
		const count = scalars.length / WORD;
		const result = new Uint8Array(count * affineBytes);
		const words = new Uint32Array(scalars.buffer, scalars.byteOffset, scalars.length / 4);
		const mark = curve.mark();
		const batch = curve.alloc(BATCH * jacobianBytes, 2 * BATCH * affineBytes);
		for (let from = 0; from < count; from += BATCH) {
			const size = Math.min(BATCH, count - from);
			for (let i = 0; i < size; i++) {
				const point = batch + i * jacobianBytes;
				zero(point);
				let carry = 0;
				for (let window = 0; window < windows; window++) {
					let digit = digitAt(words, 8 * (from + i), window * bits, bits) + carry;
					carry = digit > half ? 1 : 0;
					if (carry) digit -= 2 * half;
					if (digit > 0) addMixed(point, table + (window * half + digit - 1) * affineBytes, point);
					else if (digit < 0) subMixed(point, table + (window * half - digit - 1) * affineBytes, point);
				}
			}
			batchToAffine(batch, size, batch);
			result.set(curve.bytes.subarray(batch, batch + size * affineBytes), from * affineBytes);
		}
		curve.release(mark);
		return result;
	}
}

/**
 * Bits `[bit, bit + width)` of the 256-bit integer that starts at word `start`.
 * @param width in `[1, 16]`
 */
export function digitAt(words: Uint32Array, start: number, bit: number, width: number): number {
	const index = bit >>> 5;
	const shift = bit & 31;
	let value = (words[start + index] as number) >>> shift;
	if (shift + width > 32 && index < 7) value |= (words[start + index + 1] as number) << (32 - shift);
	return value & ((1 << width) - 1);
}
