/**
 * Whether two lists of points are the same list up to one factor: their sums with the same random weights are compared by pairings.
 *
 * A list that differs anywhere passes with probability 2^-128. Every point is checked to be on the curve; G1 has no other subgroup.
 */
import { randomFillSync } from "node:crypto";
import { bn254 } from "@noble/curves/bn254.js";
import { recode } from "../engine/digits.ts";
import { hornerG1 } from "../engine/horner.ts";
import { Machine } from "../engine/machine.ts";
import { loadPoints, sumBits } from "../engine/msm.ts";
import { CeremonyError } from "../errors.ts";
import type { G1Point, G2Point } from "../verification-key.ts";

const G1_BYTES = 64;
const WEIGHT_WORDS = 4;

/** Whether `b / a = d / c`; false when one of them is infinity. */
export function sameRatio(a: G1Point, b: G1Point, c: G2Point, d: G2Point): boolean {
	if ([a, b].some((point) => point.is0()) || [c, d].some((point) => point.is0())) return false;
	const { Fp12 } = bn254.fields;
	return Fp12.eql(
		bn254.pairingBatch([
			{ g1: a, g2: d },
			{ g1: b.negate(), g2: c },
		]),
		Fp12.ONE,
	);
}

/**
 * Sums of two lists with the same fresh 128-bit weights.
 * @param lists affine points as in a key, the same number in each
 * @param what names a list in errors
 * @throws CeremonyError `ceremony.point` when a point is not on the curve
 */
export async function weightedSums(lists: readonly [Uint8Array, Uint8Array], what: readonly [string, string]): Promise<[G1Point, G1Point]> {
	const count = lists[0].length / G1_BYTES;
	const weights = new Uint32Array(8 * count);
	const random = randomFillSync(new Uint32Array(WEIGHT_WORDS * count));
	for (let i = 0; i < count; i++) weights.set(random.subarray(WEIGHT_WORDS * i, WEIGHT_WORDS * (i + 1)), 8 * i);
	const machine = await Machine.open();
	const digits = recode(machine, weights);
	const sum = (list: Uint8Array, name: string): G1Point => {
		const mark = machine.mark();
		try {
			return hornerG1(sumBits(machine, loadPoints(machine, "g1", list, name), digits));
		} catch (cause) {
			throw new CeremonyError("ceremony.point", (cause as Error).message, { cause });
		} finally {
			machine.release(mark);
		}
	};
	return [sum(lists[0], what[0]), sum(lists[1], what[1])];
}
