/** The check of a plain Groth16 proof, and the only place that says which pairing makes it: the engine's. */
import { ProofInvalid } from "../errors.ts";
import { type PlainCandidate, Verifier } from "../verifier.ts";

let verifier: Promise<Verifier> | undefined;

/**
 * Returns if the proof is good.
 * @throws KeyError `vkey.format`, `vkey.invalid`
 * @throws ProofInvalid `proof.format`; `proof.public` (number or range of the signals), `proof.point` (off the curve, outside the subgroup, at
 *   infinity, a coordinate at or above q), `proof.equation`
 */
export async function checkPlain(claim: PlainCandidate): Promise<void> {
	verifier ??= Verifier.open();
	(await verifier).verify(claim);
}

/**
 * Whether a proof is good.
 * @throws as {@link checkPlain} what is malformed: KeyError, ProofInvalid `proof.format`
 */
export async function isValid(claim: PlainCandidate): Promise<boolean> {
	try {
		await checkPlain(claim);
		return true;
	} catch (error) {
		if (error instanceof ProofInvalid && error.code !== "proof.format") return false;
		throw error;
	}
}
