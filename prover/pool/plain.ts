/**
 * Plain Groth16 proofs from snarkjs' files, as a thread of the pool makes them: proof, then check against the key's own verification key.
 */
import type { MessagePort } from "node:worker_threads";
import type { Source } from "../engine/sections.ts";
import { groth16Prove } from "../engine.ts";
import type { ProofWithSignals } from "../plain/proof.ts";
import { checkMade } from "../plain/self-check.ts";
import { awaitTurn, tellPhase } from "./phase.ts";

/** What a thread needs for one proof. */
export interface PlainTask {
	readonly zkey: Source;
	readonly wtns: Source;
	readonly port: MessagePort;
}

/**
 * Makes one proof and checks it.
 * @throws KeyError, WitnessError as the engine's `prove`; what {@link checkMade} throws when the proof does not verify
 */
export async function provePlain({ zkey, wtns, port }: PlainTask): Promise<ProofWithSignals> {
	const { threads, key } = await awaitTurn(port);
	tellPhase(port, "prove");
	const made = await groth16Prove(key, wtns, threads);
	tellPhase(port, "check");
	await checkMade(zkey, wtns, made);
	return made;
}
