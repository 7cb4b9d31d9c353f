/**
 * The check of a plain Groth16 proof, and the only place that says which pairing makes it:
 *
 *     e(-A, B) e(alpha, beta) e(vk_x, gamma) e(C, delta) = 1        vk_x = IC_0 + sum IC_i s_i
 */
import { pippenger } from "@noble/curves/abstract/curve.js";
import { bn254 } from "@noble/curves/bn254.js";
import { R } from "../bn254.ts";
import { ProofInvalid } from "../errors.ts";
import { type G1Point, g1Point, g2Point } from "../verification-key.ts";
import { decodePoint, isProductOne } from "../verify.ts";
import type { PlainKey } from "./key.ts";
import type { PlainProof } from "./proof.ts";

/**
 * Returns if the proof is good.
 * @param signals one for each IC point after the first
 * @throws ProofInvalid `proof.public` (number or range of the signals), `proof.point` (off the curve, outside the subgroup, at infinity, a
 *   coordinate at or above q), `proof.equation`
 */
export async function checkPlainEquation(key: PlainKey, signals: readonly bigint[], proof: PlainProof): Promise<void> {
	const expected = key.ic.length - 1;
	if (signals.length !== expected) {
		throw new ProofInvalid("proof.public", `verify: expected ${expected} public signals, got ${signals.length}`, {
			hint: "the public signals, the proof and the key must be of the same circuit",
		});
	}
	signals.forEach((signal, index) => {
		if (signal < R) return;
		throw new ProofInvalid("proof.public", `verify: expected public signal ${index} in [0, r), got ${signal}`);
	});
	const a = decodePoint("pi_a", () => g1Point(proof.a));
	const b = decodePoint("pi_b", () => g2Point(proof.b));
	const c = decodePoint("pi_c", () => g1Point(proof.c));
	const [constant, ...others] = key.ic as [G1Point, ...G1Point[]];
	const publicTerm = others.length === 0 ? constant : constant.add(pippenger(bn254.G1.Point, others, [...signals]));
	const holds = isProductOne([
		[a.negate(), b],
		[key.alpha, key.beta],
		[publicTerm, key.gamma],
		[c, key.delta],
	]);
	if (holds) return;
	throw new ProofInvalid("proof.equation", "verify: expected the pairing equation to hold, got a proof of something else", {
		hint: "a public signal or the proof was altered, or the key is of another circuit",
	});
}
