/** Products of pairings by @noble/curves alone: nothing of the engine but the list of factors. About ten times slower. */
import { bn254 } from "@noble/curves/bn254.js";
import type { AffineG1, AffineG2 } from "./engine/affine.ts";
import type { Factor } from "./engine/pairing.ts";
import type { G1Point, G2Point } from "./verification-key.ts";

/** Factors between two turns of the event loop. */
const SLICE = 4;

/**
 * Whether a product of pairings is 1.
 * @param factors points on their curves
 * @param step called after some factors with their number
 * @throws Error when a right side is not in G2
 */
export async function isProductOne(factors: readonly Factor[], step: (done: number) => Promise<void>): Promise<boolean> {
	const { Fp12 } = bn254.fields;
	let product = Fp12.ONE;
	for (let from = 0; from < factors.length; from += SLICE) {
		const slice = factors.slice(from, from + SLICE);
		const pairs = slice.map(({ left, right }) => ({ g1: sum(left), g2: g2(right) })).filter(({ g1 }) => !g1.is0());
		product = Fp12.mul(product, bn254.pairingBatch(pairs, false));
		await step(slice.length);
	}
	return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);
}

function sum(terms: Factor["left"]): G1Point {
	return terms.reduce((total, { scalar, point }) => {
		const term = g1(point).multiplyUnsafe(scalar < 0n ? -scalar : scalar);
		return scalar < 0n ? total.subtract(term) : total.add(term);
	}, bn254.G1.Point.ZERO);
}

function g1(point: AffineG1): G1Point {
	return bn254.G1.Point.fromAffine(point);
}

function g2({ x, y }: AffineG2): G2Point {
	const { Fp2 } = bn254.fields;
	return bn254.G2.Point.fromAffine({ x: Fp2.fromBigTuple([...x]), y: Fp2.fromBigTuple([...y]) });
}
