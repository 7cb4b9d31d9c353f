/**
 * The Groth16 engine behind the pool: snarkjs, tamed.
 *
 * snarkjs spawns one thread per core when a curve is first used and keeps them for ever. Here the threads live inside
 * the pool's worker, die with it, and are ended after every proof, which also gives their memory back.
 * A faster engine replaces {@link groth16Prove} and nothing else.
 */
import { registerHooks } from "node:module";
import type { SnarkjsProof } from "snarkjs";

let hooked = false;

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
 * @param zkey path of the proving key
 * @param witness a .wtns file in memory, of the same circuit
 * @param threads "one": this thread only; "all": one thread per core
 * @returns the proof and the public signals, decimal strings, as snarkjs prints them
 * @throws whatever snarkjs throws; it does not check that the witness satisfies the circuit
 */
export async function groth16Prove(
	zkey: string,
	witness: Uint8Array,
	threads: "one" | "all",
): Promise<{ proof: SnarkjsProof; publicSignals: string[] }> {
	const { buildBn128 } = await loadFfjavascript();
	const { groth16 } = await import("snarkjs");
	const source = { type: "mem", data: witness } as const;
	if (threads === "one") return groth16.prove(zkey, source, undefined, { singleThread: true });
	const curve = await buildBn128(false);
	try {
		return await groth16.prove(zkey, source);
	} finally {
		// Not awaited: it tells its threads to end at once and then sleeps for a while.
		void curve.terminate();
	}
}
