/**
 * Checks proofs, on @noble/curves alone. Of that library the engine uses the addition of points; the pairing, which decides, is used here only.
 *
 *     e(-A, B) e(alpha, beta) e(vk_x + D - rho P, gamma) e(C, delta) e(rho D, sigma) = 1        vk_x = IC_0 + sum IC_i s_i
 *
 * which is Groth16 with the commitment D among the public terms, plus rho times `e(D, sigma) = e(P, gamma)`.
 */
import { bn254 } from "@noble/curves/bn254.js";
import { R } from "./bn254.ts";
import { challengeOf, combinerOf, evaluationOf, type Transcript } from "./challenge.ts";
import { ProofInvalid } from "./errors.ts";
import { type Proof, parseProof } from "./proof.ts";
import { type G1Point, type G2Point, g1Point, g2Point, type VerificationKey, verificationPoints } from "./verification-key.ts";

/** A proof with everything that it is about. */
export interface Claim {
	/** bytes32 that the calling contract computes */
	readonly context: `0x${string}`;
	/** public signals in the key's order, without links, evaluation and challenge, in `[0, r)` */
	readonly publics: readonly bigint[];
	/** evaluations of committed lists at the challenge, in `[0, r)`; none when absent. The caller compares them with those of the other members. */
	readonly links?: readonly bigint[];
	/** in `[0, r)`; empty for circuits without words */
	readonly words: readonly bigint[];
	readonly proof: Proof;
	/** digests of all proofs made with this one; absent or empty when it was made alone */
	readonly transcript?: Transcript;
}

/**
 * Returns if the proof is good.
 * @throws ProofInvalid `proof.format` (shape), `proof.point` (not in the group), `proof.public` (number or range of public
 *   signals, links and words), `proof.transcript` (the transcript is of other proofs), `proof.knowledge` (D commits to something else than the
 *   private inputs), `proof.equation` (all else: another statement, context, word list, circuit or proof)
 * @throws KeyError `key.invalid`
 */
export function verifyProof(key: VerificationKey, claim: Claim): void {
	const proof = parseProof(claim.proof);
	checkEquation(key, signalsOf(key, claim, proof), proof);
}

/**
 * The public signals that a proof is verified for: those of the claim, links, evaluation and challenge.
 * @param proof that of the claim, of known shape
 * @returns in `[0, r)`, one per IC point after the first
 * @throws ProofInvalid `proof.format`, `proof.public`, `proof.transcript`, as {@link verifyProof}
 */
export function signalsOf(key: VerificationKey, claim: Claim, proof: Proof): bigint[] {
	if (claim.publics.length !== key.publics.length) {
		throw new ProofInvalid(
			"proof.public",
			`verifyProof: expected ${key.publics.length} public signals of ${key.id}, got ${claim.publics.length}`,
		);
	}
	const links = claim.links ?? [];
	if (links.length !== key.links.length) {
		throw new ProofInvalid("proof.public", `verifyProof: expected ${key.links.length} links of ${key.id}, got ${links.length}`);
	}
	links.forEach((link, index) => {
		if (link >= 0n && link < R) return;
		throw new ProofInvalid("proof.public", `verifyProof: expected links[${index}] in [0, r), got ${link}`);
	});
	if (!key.hasWords && claim.words.length > 0) {
		throw new ProofInvalid("proof.public", `verifyProof: expected no words for ${key.id}, got ${claim.words.length}`);
	}
	const challenge = challengeOf({ ...claim, circuitId: key.circuitId, commitment: proof.commitment }, claim.transcript);
	const evaluation = key.hasWords ? [evaluationOf(claim.words, challenge)] : [];
	return [...claim.publics, ...links, ...evaluation, challenge];
}

/**
 * The pairing equation alone, for public signals that include links, evaluation and challenge. It says nothing about where the
 * challenge came from: use {@link verifyProof} to verify.
 * @param signals one per IC point after the first, in `[0, r)`
 * @throws ProofInvalid `proof.point`, `proof.knowledge`, `proof.equation`; KeyError `key.invalid`
 */
export function checkEquation(key: VerificationKey, signals: readonly bigint[], proof: Proof): void {
	const { alpha, beta, gamma, delta, sigma, ic } = verificationPoints(key);
	const a = decodePoint("a", () => g1Point(proof.a));
	const b = decodePoint("b", () => g2Point(proof.b));
	const c = decodePoint("c", () => g1Point(proof.c));
	const d = decodePoint("commitment", () => g1Point(proof.commitment));
	const p = decodePoint("knowledge", () => g1Point(proof.knowledge));
	const rho = combinerOf(signals, proof);

	let publicTerm = ic[0] as G1Point;
	signals.forEach((signal, index) => {
		publicTerm = publicTerm.add((ic[index + 1] as G1Point).multiplyUnsafe(signal % R));
	});
	const holds = isProductOne([
		[a.negate(), b],
		[alpha, beta],
		[publicTerm.add(d).subtract(p.multiplyUnsafe(rho)), gamma],
		[c, delta],
		[d.multiplyUnsafe(rho), sigma],
	]);
	if (holds) return;
	if (
		!isProductOne([
			[p.negate(), gamma],
			[d, sigma],
		])
	) {
		throw new ProofInvalid("proof.knowledge", `verifyProof: expected knowledge = sigma commitment for ${key.id}, got another point`);
	}
	throw new ProofInvalid(
		"proof.equation",
		`verifyProof: expected the pairing equation of ${key.id} to hold, got a proof of something else`,
		{
			hint: "a public signal, word, the context or the proof was altered, or the proof is of another circuit",
		},
	);
}

/** Whether the product of the pairings is 1. A pair with the point at infinity contributes 1. */
function isProductOne(pairs: readonly (readonly [G1Point, G2Point])[]): boolean {
	const { Fp12 } = bn254.fields;
	const terms = pairs.filter(([g1]) => !g1.is0()).map(([g1, g2]) => ({ g1, g2 }));
	return Fp12.eql(bn254.pairingBatch(terms), Fp12.ONE);
}

/**
 * @param name what the point is called in a message
 * @throws ProofInvalid `proof.point` when it cannot be read
 */
function decodePoint<Point>(name: string, read: () => Point): Point {
	try {
		return read();
	} catch (cause) {
		throw new ProofInvalid("proof.point", `verifyProof: expected ${name} to be a point of the group, got ${(cause as Error).message}`, {
			cause,
		});
	}
}
