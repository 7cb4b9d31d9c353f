/** The circuits and keys of a parameter set: compiled, set up, cached. */
import { epochCircuits, type ParameterSet, ROLES, type Role } from "../../circuits/parameters.ts";
import { type CompiledCircuit, compileCircuit } from "../../prover/compile.ts";
import { KeyError } from "../../prover/errors.ts";
import { type ProvingKey, setupDevelopment } from "../../prover/setup.ts";
import type { Progress } from "./progress.ts";

export interface CircuitKey {
	readonly circuit: CompiledCircuit;
	readonly key: ProvingKey;
}

export type EpochKeys = Record<Role, CircuitKey>;

/**
 * Development keys for every circuit of `set`; what is in the cache is taken from there.
 * @throws ProverError (`key.foreign` when a file in the cache is the key of another circuit), or the signal's reason; nothing half-written stays behind
 */
export async function developmentKeys(set: ParameterSet, progress: Progress, signal: AbortSignal | undefined): Promise<EpochKeys> {
	const circuits = epochCircuits(set);
	const keys: Partial<EpochKeys> = {};
	const options = signal === undefined ? {} : { signal };
	for (const [i, role] of ROLES.entries()) {
		progress({ phase: "circuits", done: i, total: ROLES.length, note: circuits[role].id });
		keys[role] = await setup(circuits[role], options, progress);
	}
	progress({ phase: "keys", done: ROLES.length, total: ROLES.length, note: "keys ready" });
	return keys as EpochKeys;
}

async function setup(
	circuit: Parameters<typeof compileCircuit>[0],
	options: { signal?: AbortSignal },
	progress: Progress,
): Promise<CircuitKey> {
	const compiled = await compileCircuit(circuit, options);
	const key = await setupDevelopment(compiled, {
		...options,
		onProgress: ({ phase, done, total }) => progress({ phase: "keys", done, total, note: `${circuit.id}: ${phase}` }),
	});
	if (key.verification.id !== circuit.id) {
		throw new KeyError("key.foreign", `expected the key of ${circuit.id} at ${key.path}, got one of ${key.verification.id}`, {
			hint: "Delete this file and the .json beside it, and run again: the key is made anew.",
		});
	}
	return { circuit: compiled, key };
}
