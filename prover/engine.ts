/**
 * The Groth16 engine behind the pool, and ffjavascript, which setups and commitments still use, made safe in any thread.
 */
import { registerHooks } from "node:module";
import { type Groth16Proof, prove } from "./engine/groth16.ts";
import { Helpers } from "./engine/helpers.ts";
import type { Source } from "./engine/sections.ts";

let hooked = false;
let helpers: Helpers | undefined;

/** Makes ffjavascript start its threads through our own class; see web-worker.ts for the reason. */
function hookWebWorker(): void {
	if (hooked) return;
	hooked = true;
	const own = new URL("./web-worker.ts", import.meta.url).href;
	registerHooks({
		resolve: (specifier, context, next) => (specifier === "web-worker" ? { url: own, shortCircuit: true } : next(specifier, context)),
	});
}

/** Imports ffjavascript so that it is safe in any thread. */
export async function loadFfjavascript(): Promise<typeof import("ffjavascript")> {
	hookWebWorker();
	return import("ffjavascript");
}

/**
 * Makes a plain Groth16 proof.
 * @param zkey the proving key
 * @param wtns a witness of the same circuit
 * @param threads at least 1; those beside this one stay for the next proof of as many threads, and end with this one
 * @returns the proof and the public signals, decimal strings, as snarkjs prints them
 * @throws KeyError, WitnessError, ProverError as {@link prove}; it does not check that the witness satisfies the circuit
 */
export async function groth16Prove(zkey: Source, wtns: Source, threads: number): Promise<{ proof: Groth16Proof; publicSignals: string[] }> {
	if (threads === 1) return prove(zkey, wtns);
	if (helpers?.count !== threads - 1) {
		await helpers?.close();
		helpers = new Helpers(threads - 1);
	}
	return prove(zkey, wtns, { helpers });
}
