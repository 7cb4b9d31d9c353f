/** Points in affine coordinates and the field Fq2 of the twist, in plain integers: what is read, checked and handed to the engine. */
import { inverse, mod, Q } from "../bn254.ts";

/** `c_0 + c_1 i`, i^2 = -1, in `[0, q)` each. */
export type Fq2 = readonly [bigint, bigint];

/** A point of `y^2 = x^3 + 3`, coordinates in `[0, q)`; not infinity. The order of the curve is r. */
export interface AffineG1 {
	readonly x: bigint;
	readonly y: bigint;
}

/** A point of the twist `y^2 = x^3 + 3 / xi`; not infinity. The order of the twist is r times a cofactor. */
export interface AffineG2 {
	readonly x: Fq2;
	readonly y: Fq2;
}

/** What the twist and the extension of degree 12 are made with. */
export const XI: Fq2 = [9n, 1n];

const TWIST_B = scaleFq2([XI[0], -XI[1]], 3n * inverse(XI[0] * XI[0] + XI[1] * XI[1], Q));
/** 3 b of the twist. */
export const TRIPLE_B = scaleFq2(TWIST_B, 3n);

/** @returns whether the coordinates are those of a point of G1 */
export function isOnCurve({ x, y }: AffineG1): boolean {
	return (y * y - x * x * x - 3n) % Q === 0n;
}

/** @returns whether the coordinates are those of a point of the twist, in G2 or not */
export function isOnTwist({ x, y }: AffineG2): boolean {
	const cube = multiplyFq2(multiplyFq2(x, x), x);
	const square = multiplyFq2(y, y);
	return [0, 1].every((i) => ((square[i] as bigint) - (cube[i] as bigint) - (TWIST_B[i] as bigint)) % Q === 0n);
}

/** @returns in `[0, q)` each */
export function multiplyFq2([a0, a1]: Fq2, [b0, b1]: Fq2): Fq2 {
	return [mod(a0 * b0 - a1 * b1, Q), (a0 * b1 + a1 * b0) % Q];
}

/** @param exponent at least 0 */
export function powerFq2(base: Fq2, exponent: bigint): Fq2 {
	let result: Fq2 = [1n, 0n];
	let square = base;
	for (let rest = exponent; rest > 0n; rest >>= 1n) {
		if (rest & 1n) result = multiplyFq2(result, square);
		square = multiplyFq2(square, square);
	}
	return result;
}

function scaleFq2([a0, a1]: Fq2, by: bigint): Fq2 {
	return [mod(a0 * by, Q), mod(a1 * by, Q)];
}
