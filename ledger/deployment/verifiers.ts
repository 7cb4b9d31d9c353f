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

/** Source -> artifact. The compiler takes seconds, and a deployment is checked by the process that made it. */
const compiled = new Map<string, Artifact>();

/**
 * Compiles one verifier per circuit; a key given twice counts once.
 *
 * @returns in the order of the keys
 * @throws LedgerError `input.invalid` for a key that does not fit its circuit id
 */
export async function compileKeys(keys: readonly VerificationKey[]): Promise<CompiledVerifier[]> {
	const unique = [...new Map(keys.map((key) => [key.circuitId, key])).values()];
	if (unique.length === 0) return [];
	const sources = unique.map((key) => ({ key, name: nameOf(key), source: render(key) }));
	const missing = sources.filter(({ source }) => !compiled.has(source));
	const artifacts =
		missing.length === 0 ? {} : await compileVerifiers(Object.fromEntries(missing.map(({ name, source }) => [name, source])));
	for (const { name, source } of missing) compiled.set(source, artifacts[name] as Artifact);
	return sources.map(({ key, source }) => {
		const artifact = compiled.get(source) as Artifact;
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
