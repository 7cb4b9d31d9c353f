/**
 * The tasks of the pool's threads.
 *
 * They return `{ ok, value | error }` and never throw: an error that crosses a thread boundary would lose its class and code.
 */
import type { MessagePort } from "node:worker_threads";
import { type PackedError, packError } from "../errors.ts";
import type { ProofWithSignals } from "../plain/proof.ts";
import { type PlainTask, provePlain } from "./plain.ts";
import * as statement from "./statement.ts";

/** Outcome of a task. */
export type Outcome<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: PackedError };

/** Outcome of a task of the pool. */
export type Reply<Value> = Outcome<Value> & {
	/** memory that the thread holds now */
	readonly bytes: number;
};

/** Commits to the private inputs of a statement. */
export function commit(task: statement.CommitTask): Promise<Reply<statement.Opening>> {
	return reply(task.port, () => statement.commitInputs(task));
}

/** Proves a statement. */
export function prove(task: statement.ProveTask): Promise<Reply<statement.Proved>> {
	return reply(task.port, () => statement.proveStatement(task));
}

/** Makes a plain proof. */
export function groth16(task: PlainTask): Promise<Reply<ProofWithSignals>> {
	return reply(task.port, () => provePlain(task));
}

async function reply<Value>(port: MessagePort, run: () => Promise<Value>): Promise<Reply<Value>> {
	let outcome: Outcome<Value>;
	try {
		outcome = { ok: true, value: await run() };
	} catch (error) {
		outcome = { ok: false, error: packError(error, "engine.failed") };
	}
	port.close();
	const { heapTotal, external } = process.memoryUsage();
	return { ...outcome, bytes: heapTotal + external };
}
