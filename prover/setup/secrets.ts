/** What a development key is made from. */
import { createHash } from "node:crypto";
import { fromBytesBE, mod, R } from "../bn254.ts";

/** Secrets of a key, in `[1, r)`. */
export interface SetupSecrets {
	readonly tau: bigint;
	readonly alpha: bigint;
	readonly beta: bigint;
	readonly delta: bigint;
	readonly sigma: bigint;
}

/** The published default seed. */
export const DEVELOPMENT_SEED = "openledger.setup.development.v1";

/**
 * Derives the secrets of a development key.
 * @param seed any string
 */
export function deriveSecrets(seed: string): SetupSecrets {
	const secret = (name: string): bigint => mod(fromBytesBE(createHash("sha512").update(`${seed}/${name}`).digest()), R - 1n) + 1n;
	return {
		tau: secret("tau"),
		alpha: secret("alpha"),
		beta: secret("beta"),
		delta: secret("delta"),
		sigma: secret("sigma"),
	};
}
