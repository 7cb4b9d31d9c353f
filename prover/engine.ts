/**
 * The Groth16 engine behind the pool, and ffjavascript, which setups and commitments still use, made safe in any thread.
 */
import { availableParallelism } from "node:os";
import { type ProveOptions, prove } from "./engine/groth16.ts";
import { Helpers } from "./engine/helpers.ts";
import type { Source } from "./engine/sections.ts";
import type { Groth16Proof } from "./plain/proof.ts";
import { scriptBeside } from "./script.ts";

let hook: Promise<void> | undefined;
let helpers: Helpers | undefined;

/** Makes ffjavascript start its threads through our own class; see web-worker.ts for the reason. */
async function hookWebWorker(): Promise<void> {
	// Node 20 lacks it, and plain proofs do without.
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
 * @param zkey the proving key
 * @param witness a .wtns file of the same circuit
 * @param threads "one": this thread only; "all": one thread per core, which stay for the next proof and end with this one
 * @returns the proof and the public signals, decimal strings, as snarkjs prints them
 * @throws KeyError, WitnessError, ProverError, the signal's reason, as {@link prove}; it does not check that the witness satisfies the circuit
 */
export async function groth16Prove(
	zkey: Source,
	witness: Source,
	threads: "one" | "all",
	options: Pick<ProveOptions, "signal" | "onProgress"> = {},
): Promise<{ proof: Groth16Proof; publicSignals: string[] }> {
	const others = availableParallelism() - 1;
	if (threads === "one" || others === 0) return prove(zkey, witness, options);
	helpers ??= new Helpers(others);
	return prove(typeof zkey === "string" ? zkey : shared(zkey), witness, { ...options, helpers });
}

/** A key in memory goes to every thread with every sum: copied each time, unless its memory is shared. */
function shared(bytes: Uint8Array): Uint8Array {
	if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
	const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
	copy.set(bytes);
	return copy;
}
