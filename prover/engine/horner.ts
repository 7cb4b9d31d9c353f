/** The last step of a sum (msm.ts), in plain integers: the points of the bits, each doubled as often as its index says. */
import { bn254 } from "@noble/curves/bn254.js";
import type { BitSums } from "./msm.ts";

export type G1Point = InstanceType<typeof bn254.G1.Point>;
export type G2Point = InstanceType<typeof bn254.G2.Point>;

/** @param coordinates x, y; not checked to be on the curve */
export function g1Point([x, y]: readonly bigint[]): G1Point {
	return bn254.G1.Point.fromAffine({ x: x as bigint, y: y as bigint });
}

/** @param coordinates x_0, x_1, y_0, y_1; not checked to be in the group */
export function g2Point([x0, x1, y0, y1]: readonly bigint[]): G2Point {
	const { Fp2 } = bn254.fields;
	return bn254.G2.Point.fromAffine({
		x: Fp2.fromBigTuple([x0 as bigint, x1 as bigint]),
		y: Fp2.fromBigTuple([y0 as bigint, y1 as bigint]),
	});
}

/** Whether a point is on the curve, but not of order r. */
export function isOutsideSubgroup(point: G2Point): boolean {
	if (point.isTorsionFree()) return false;
	const { x, y } = point.toAffine();
	const { Fp2 } = bn254.fields;
	return Fp2.eql(Fp2.sqr(y), Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b));
}

export function hornerG1(bits: BitSums): G1Point {
	return horner(bits, bn254.G1.Point.ZERO, g1Point);
}

export function hornerG2(bits: BitSums): G2Point {
	return horner(bits, bn254.G2.Point.ZERO, g2Point);
}

function horner<Point extends { double(): Point; add(other: Point): Point }>(
	bits: BitSums,
	zero: Point,
	fromAffine: (coordinates: readonly bigint[]) => Point,
): Point {
	let sum = zero;
	for (let i = bits.length - 1; i >= 0; i--) {
		sum = sum.double();
		const point = bits[i];
		if (point) sum = sum.add(fromAffine(point));
	}
	return sum;
}
