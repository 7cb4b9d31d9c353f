/**
 * The Groth16 engine behind the pool, and ffjavascript, which snarkjs is built on, made safe in any thread.
 */
import { type ProveOptions, prove } from "./engine/groth16.ts";
import { Helpers } from "./engine/helpers.ts";
import type { LoadedKey } from "./engine/key.ts";
import type { Source } from "./engine/sections.ts";
import { isLoaded } from "./engine/sums.ts";
import type { Groth16Proof } from "./plain/proof.ts";
import { scriptBeside } from "./script.ts";

let hook: Promise<void> | undefined;
let helpers: Helpers | undefined;

/** Makes ffjavascript start its threads through our own class; see web-worker.ts for the reason. */
async function hookWebWorker(): Promise<void> {
	// Not every Node that runs the engine has it, and plain proofs do without.
	const { registerHooks } = await import("node:module");
	const own = scriptBeside(import.meta.url, "web-worker").href;
	registerHooks({
		resolve: (specifier, context, next) => (specifier === "web-worker" ? { url: own, shortCircuit: true } : next(specifier, context)),
	});
}

/** Imports ffjavascript so that it is safe in any thread. */
export async function loadFfjavascript(): Promise<typeof import("ffjavascript")> {
	hook ??= hookWebWorker();
	await hook;
	return import("ffjavascript");
}

/**
 * Makes a plain Groth16 proof.
 * @param key the proving key: loaded, or a file that is read section by section
 * @param witness a .wtns file of the same circuit
 * @param threads at least 1; those beside this one stay for the next proof of as many threads, and end with this one
 * @returns the proof and the public signals, decimal strings, as snarkjs prints them
 * @throws KeyError, WitnessError, ProverError, the signal's reason, as {@link prove}; it does not check that the witness satisfies the circuit
 */
export async function groth16Prove(
	key: LoadedKey | Source,
	witness: Source,
	threads: number,
	options: Pick<ProveOptions, "signal" | "onProgress"> = {},
): Promise<{ proof: Groth16Proof; publicSignals: string[] }> {
	if (threads === 1) return prove(key, witness, options);
	if (helpers?.count !== threads - 1) {
		await helpers?.close();
		helpers = new Helpers(threads - 1);
	}
	return prove(typeof key === "string" || isLoaded(key) ? key : shared(key), witness, { ...options, helpers });
}

/** A key in memory goes to every thread: copied each time, unless its memory is shared. */
function shared(bytes: Uint8Array): Uint8Array {
	if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
	const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
	copy.set(bytes);
	return copy;
}
