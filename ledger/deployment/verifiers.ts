/** Verification keys as contracts: rendered from our template, compiled by the pinned compiler. */
import { keccak256 } from "ethers";
import { compileVerifiers } from "../../verifier-contracts/compile.ts";
import type { Artifact } from "../../verifier-contracts/solc.ts";
import { renderVerifier, type VerificationKey } from "../../verifier-contracts/template/verifier.ts";
import { LedgerError } from "../errors.ts";

/** A verifier that can be created. */
export interface CompiledVerifier {
	readonly key: VerificationKey;
	readonly artifact: Artifact;
	/** keccak256 of its code on chain, by which the router knows it */
	readonly codeHash: string;
}

/**
 * Compiles one verifier per circuit; a key given twice counts once.
 *
 * @returns in the order of the keys
 * @throws LedgerError `input.invalid` for a key that does not fit its circuit id
 */
export async function compileKeys(keys: readonly VerificationKey[]): Promise<CompiledVerifier[]> {
	const unique = [...new Map(keys.map((key) => [key.circuitId, key])).values()];
	if (unique.length === 0) return [];
	const artifacts = await compileVerifiers(Object.fromEntries(unique.map((key) => [nameOf(key), render(key)])));
	return unique.map((key) => {
		const artifact = artifacts[nameOf(key)] as Artifact;
		return { key, artifact, codeHash: keccak256(artifact.deployedBytecode) };
	});
}

/** The name under which the Deployer creates the verifier of a circuit. */
export function verifierName(circuitId: string): string {
	return `verifier ${circuitId}`;
}

/** A name that no two keys share; it leaves no trace in the bytecode. */
function nameOf({ circuitId }: VerificationKey): string {
	return `Verifier_${circuitId.slice(2)}`;
}

function render(key: VerificationKey): string {
	try {
		return renderVerifier(key, nameOf(key));
	} catch (cause) {
		throw new LedgerError("input.invalid", (cause as Error).message, { hint: "The key file is damaged; make it again.", cause });
	}
}
