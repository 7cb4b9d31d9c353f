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
import { parsePlainKey } from "./key.ts";
import { parsePlainProof, parsePublicSignals } from "./proof.ts";

/** A proof with what it is about, as parsed JSON of unknown origin. */
export interface PlainClaim {
	/** verification key as snarkjs writes it */
	readonly key: unknown;
	readonly publicSignals: unknown;
	readonly proof: unknown;
}

/**
 * Returns if the proof is good.
 * @throws KeyError `vkey.format`, `vkey.invalid`
 * @throws ProofInvalid `proof.format`; `proof.public` (number or range of the signals), `proof.point` (off the curve, outside the subgroup, at
 *   infinity, a coordinate at or above q), `proof.equation`
 */
export async function checkPlain(claim: PlainClaim): Promise<void> {
	const { alpha, beta, gamma, delta, ic } = parsePlainKey(claim.key);
	const [signals, proof] = [parsePublicSignals(claim.publicSignals), parsePlainProof(claim.proof)];
	const [constant, ...others] = ic as [G1Point, ...G1Point[]];
	if (signals.length !== others.length) {
		throw new ProofInvalid("proof.public", `verify: expected ${others.length} public signals, got ${signals.length}`, {
			hint: "the public signals, the proof and the key must be of the same circuit",
		});
	}
	const large = signals.findIndex((signal) => signal >= R);
	if (large >= 0) throw new ProofInvalid("proof.public", `verify: expected public signal ${large} in [0, r), got ${signals[large]}`);
	const a = decodePoint("pi_a", () => g1Point(proof.a));
	const b = decodePoint("pi_b", () => g2Point(proof.b));
	const c = decodePoint("pi_c", () => g1Point(proof.c));
	const publicTerm = others.length === 0 ? constant : constant.add(pippenger(bn254.G1.Point, others, signals));
	const holds = isProductOne([
		[a.negate(), b],
		[alpha, beta],
		[publicTerm, gamma],
		[c, delta],
	]);
	if (holds) return;
	throw new ProofInvalid("proof.equation", "verify: expected the pairing equation to hold, got a proof of something else", {
		hint: "a public signal or the proof was altered, or the key is of another circuit",
	});
}
