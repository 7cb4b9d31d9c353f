/** The circuits and keys of a parameter set: compiled, and set up for development and cached, or taken from the folder of a ceremony. */
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import type { Circuit } from "../../circuits/circuit.ts";
import { epochCircuits, type ParameterSet, ROLES, type Role } from "../../circuits/parameters.ts";
import { finishedPath, readFinished } from "../../prover/ceremony/finish.ts";
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
	const options = signal === undefined ? {} : { signal };
	return eachRole(set, progress, (circuit) => setup(circuit, options, progress));
}

/**
 * Finished ceremony keys for every circuit of `set`. Whether they are what their ceremonies made, `setup ceremony verify --keys` says.
 * @param folder where `setup ceremony finish` put them
 * @throws KeyError `key.missing` with the names of all that are, `key.foreign` (a key of another circuit, or of another compilation),
 *   `key.invalid` (a development key, or files that do not belong together); ProverError; the signal's reason
 */
export async function ceremonyKeys(
	set: ParameterSet,
	folder: string,
	progress: Progress,
	signal: AbortSignal | undefined,
): Promise<EpochKeys> {
	const circuits = epochCircuits(set);
	const missing = [];
	for (const role of ROLES) {
		const { id } = circuits[role];
		if (!(await isFinished(folder, id))) missing.push(`${role} (${id})`);
	}
	if (missing.length > 0) {
		throw new KeyError(
			"key.missing",
			`ceremonyKeys: expected finished keys of all circuits in ${folder}, got none of ${missing.join(", ")}`,
			{
				hint: "finish a ceremony for each with `setup ceremony finish --out DIR`, at the sizes of this run",
			},
		);
	}
	return eachRole(set, progress, async (circuit) => {
		const compiled = await compileCircuit(circuit, signal === undefined ? {} : { signal });
		return { circuit: compiled, key: await readFinished(resolve(folder), compiled) };
	});
}

async function isFinished(folder: string, id: string): Promise<boolean> {
	return access(finishedPath(folder, id, "zkey")).then(
		() => true,
		() => false,
	);
}

async function eachRole(set: ParameterSet, progress: Progress, keyOf: (circuit: Circuit) => Promise<CircuitKey>): Promise<EpochKeys> {
	const circuits = epochCircuits(set);
	const keys: Partial<EpochKeys> = {};
	for (const [i, role] of ROLES.entries()) {
		progress({ phase: "circuits", done: i, total: ROLES.length, note: circuits[role].id });
		keys[role] = await keyOf(circuits[role]);
	}
	progress({ phase: "keys", done: ROLES.length, total: ROLES.length, note: "keys ready" });
	return keys as EpochKeys;
}

async function setup(circuit: Circuit, options: { signal?: AbortSignal }, progress: Progress): Promise<CircuitKey> {
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
