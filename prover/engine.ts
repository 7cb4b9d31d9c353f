/**
 * The Groth16 engine behind the pool, and ffjavascript, which setups and commitments still use, made safe in any thread.
 */
import { availableParallelism, totalmem } from "node:os";
import { type ProveOptions, prove } from "./engine/groth16.ts";
import { Helpers } from "./engine/helpers.ts";
import type { LoadedKey } from "./engine/key.ts";
import { KeyCache } from "./engine/key-cache.ts";
import type { Source } from "./engine/sections.ts";
import { isLoaded } from "./engine/sums.ts";
import type { Groth16Proof } from "./plain/proof.ts";
import { scriptBeside } from "./script.ts";

let hook: Promise<void> | undefined;
let helpers: Helpers | undefined;
let keys: KeyCache | undefined;
/** The part of the machine's memory that loaded keys may take. */
const KEYS_PART = 1 / 4;

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

/** One thread for each core but this one, which stay for the next task and end with this thread. */
function otherThreads(): Helpers | undefined {
	const others = availableParallelism() - 1;
	if (others > 0) helpers ??= new Helpers(others);
	return helpers;
}

/**
 * A proving key for {@link groth16Prove}, here or in another thread: what is loaded once is shared by all threads to which it is sent.
 * @param zkey path of the proving key
 * @returns the key loaded into shared memory, at most a quarter of the machine's for all keys; the path when it is larger than that
 * @throws KeyError, ProverError as {@link loadKey}
 */
export function provingKey(zkey: string): Promise<LoadedKey | string> {
	keys ??= new KeyCache(totalmem() * KEYS_PART, otherThreads());
	return keys.get(zkey);
}

/**
 * Makes a plain Groth16 proof.
 * @param key what {@link provingKey} returned, or a proving key that is read section by section
 * @param witness a .wtns file of the same circuit
 * @param threads "one": this thread only; "all": one thread per core, which stay for the next proof and end with this one
 * @returns the proof and the public signals, decimal strings, as snarkjs prints them
 * @throws KeyError, WitnessError, ProverError, the signal's reason, as {@link prove}; it does not check that the witness satisfies the circuit
 */
export async function groth16Prove(
	key: LoadedKey | Source,
	witness: Source,
	threads: "one" | "all",
	options: Pick<ProveOptions, "signal" | "onProgress"> = {},
): Promise<{ proof: Groth16Proof; publicSignals: string[] }> {
	const others = threads === "all" ? otherThreads() : undefined;
	if (!others) return prove(key, witness, options);
	return prove(typeof key === "string" || isLoaded(key) ? key : shared(key), witness, { ...options, helpers: others });
}

/** A key in memory goes to every thread: copied each time, unless its memory is shared. */
function shared(bytes: Uint8Array): Uint8Array {
	if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
	const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
	copy.set(bytes);
	return copy;
}
