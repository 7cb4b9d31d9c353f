/**
 * The exact product of a symmetric integer matrix and an integer matrix, both held in float64.
 * Each factor is written in signed limbs of 20 bits; a sum of d <= 2^13 products of two limbs stays below 2^53 and is exact,
 * and only the d x k results become bigints. Hundreds of times faster than a triple loop over bigints.
 */
import { DataError } from "./errors.ts";

const LIMB_BITS = 20;
const LIMB = 2 ** LIMB_BITS;
const MAX_ROWS = 2 ** 13;

/** A symmetric d x d matrix of integers below 2^53 in magnitude. */
export interface SymmetricMatrix {
	readonly d: number;
	/** d x d values, row-major. */
	readonly values: Float64Array;
	/** values = sum over q of limbs[q] * 2^(20 q). */
	readonly limbs: readonly Float64Array[];
}

/**
 * Unpack an upper triangle (row-major, i <= l).
 * @throws {DataError} SHAPE_MISMATCH if its length is not d (d + 1) / 2 or d is above 2^13
 */
export function symmetricMatrix(packed: Float64Array, d: number): SymmetricMatrix {
	if (packed.length !== (d * (d + 1)) / 2 || d > MAX_ROWS) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`symmetricMatrix: expected ${(d * (d + 1)) / 2} values for d = ${d} <= ${MAX_ROWS}, got ${packed.length}`,
			"Pass the packed upper triangle.",
		);
	}
	const values = new Float64Array(d * d);
	for (let i = 0, position = 0; i < d; i++) {
		for (let l = i; l < d; l++) {
			values[i * d + l] = values[l * d + i] = packed[position++] as number;
		}
	}
	return { d, values, limbs: limbsOf(values) };
}

/**
 * A X, exactly.
 * @param x - d x k integers below 2^53 in magnitude, row-major
 * @returns d x k integers, row-major
 */
export function multiply({ d, limbs }: SymmetricMatrix, x: Float64Array, k: number): bigint[] {
	const result = new Array<bigint>(d * k).fill(0n);
	limbsOf(x).forEach((xLimb, p) => {
		limbs.forEach((aLimb, q) => {
			const shift = BigInt(LIMB_BITS * (p + q));
			floatProduct(aLimb, xLimb, d, k).forEach((sum, i) => {
				result[i] = (result[i] as bigint) + (BigInt(sum) << shift);
			});
		});
	});
	return result;
}

function floatProduct(a: Float64Array, x: Float64Array, d: number, k: number): Float64Array {
	const product = new Float64Array(d * k);
	for (let i = 0; i < d; i++) {
		for (let l = 0; l < d; l++) {
			const factor = a[i * d + l] as number;
			if (factor === 0) continue;
			for (let c = 0; c < k; c++) (product[i * k + c] as number) += factor * (x[l * k + c] as number);
		}
	}
	return product;
}

/** As few limbs as the largest magnitude needs; each carries the sign of its value. */
function limbsOf(values: Float64Array): Float64Array[] {
	const limbs: Float64Array[] = [];
	let rest = values;
	do {
		const next = rest.map((value) => Math.trunc(value / LIMB));
		limbs.push(rest.map((value, i) => value - (next[i] as number) * LIMB));
		rest = next;
	} while (rest.some((value) => value !== 0));
	return limbs;
}
