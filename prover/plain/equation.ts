/** The check of a plain Groth16 proof, and the only place that says which pairing makes it: the engine's. */
import { ProofInvalid } from "../errors.ts";
import { Verifier } from "../verifier.ts";

/** A proof with what it is about, as parsed JSON of unknown origin. */
export interface PlainClaim {
	/** verification key as snarkjs writes it */
	readonly key: unknown;
	readonly publicSignals: unknown;
	readonly proof: unknown;
}

let verifier: Promise<Verifier> | undefined;

/**
 * Returns if the proof is good.
 * @throws KeyError `vkey.format`, `vkey.invalid`
 * @throws ProofInvalid `proof.format`; `proof.public` (number or range of the signals), `proof.point` (off the curve, outside the subgroup, at
 *   infinity, a coordinate at or above q), `proof.equation`
 */
export async function checkPlain({ key, ...claim }: PlainClaim): Promise<void> {
	verifier ??= Verifier.open();
	// The verifier keeps what it made of a key by its identity, and the caller may change his.
	(await verifier).verify({ ...claim, key: typeof key === "object" && key !== null && !Array.isArray(key) ? { ...key } : (key as object) });
}

/**
 * Whether a proof is good.
 * @throws as {@link checkPlain} what is malformed: KeyError, ProofInvalid `proof.format`
 */
export async function isValid(claim: PlainClaim): Promise<boolean> {
	try {
		await checkPlain(claim);
		return true;
	} catch (error) {
		if (error instanceof ProofInvalid && error.code !== "proof.format") return false;
		throw error;
	}
}
