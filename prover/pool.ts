/**
 * The prover pool: worker threads that make proofs, for the life of a process.
 *
 * Threads start with the first job and stay until {@link ProverPool.close}; idle threads do not keep a process alive. A job that
 * fails leaves its thread alive; a job that is aborted, or that crashes its thread, takes the thread with it and the next job gets a
 * new one. Jobs wait in memory only: a killed process loses them.
 */
import { availableParallelism } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { Transcript } from "./challenge.ts";
import type { CompiledCircuit } from "./compile.ts";
import { ProverError, unpackError } from "./errors.ts";
import { scriptBeside } from "./script.ts";
import type { ProvingKey } from "./setup.ts";
import type { Inputs } from "./witness.ts";
import type { CommitTask, Opening, Outcome, Proved, ProvePhase, ProveTask } from "./worker.ts";

export interface PoolOptions {
	/** proofs at once; default: one per core */
	readonly workers?: number;
}

/** One proof to be made. */
export interface ProveJob {
	readonly circuit: CompiledCircuit;
	readonly key: ProvingKey;
	/** all inputs by name but `blind`, links, `evaluation` and `challenge`, which the prover sets */
	readonly inputs: Inputs;
	/** bytes32 of the calling contract */
	readonly context: `0x${string}`;
	/** in `[0, r)`; empty for circuits without words */
	readonly words: readonly bigint[];
	/** the lists whose evaluations at the challenge are the links, entries in `[0, r)`; left out for circuits without links */
	readonly links?: readonly (readonly bigint[])[];
	/**
	 * what the public signals before links, evaluation and challenge must be, in the order of the circuit. Not needed, but a check of the
	 * inputs, and where the circuit computes public signals it saves one run of the witness program.
	 */
	readonly publics?: readonly bigint[];
	/** what {@link ProverPool.commit} returned for the same job, and the digests of all jobs that are proven with it */
	readonly together?: { readonly opening: Opening; readonly transcript: Transcript };
	/** threads of the engine; default: all cores for a job that is alone in the pool when it starts, else one */
	readonly threads?: "one" | "all";
	readonly signal?: AbortSignal;
	readonly onProgress?: (phase: ProvePhase) => void;
}

/** Makes proofs on worker threads. */
export class ProverPool {
	readonly #threads: Piscina;
	#jobs = 0;
	#closed = false;

	constructor(options: PoolOptions = {}) {
		this.#threads = new Piscina({
			filename: scriptBeside(import.meta.url, "worker").href,
			minThreads: 0,
			maxThreads: options.workers ?? availableParallelism(),
			idleTimeout: Number.POSITIVE_INFINITY,
		});
	}

	/**
	 * Makes one proof and checks it before it is handed out.
	 * @returns the proof, its public signals and challenge, and the time it took
	 * @throws WitnessError `input.*` for inputs that do not fit the circuit, `witness.unsatisfied` with circom's template and line,
	 *   `witness.output`
	 * @throws KeyError `key.missing`, `key.truncated`, `key.format`, `key.foreign`
	 * @throws ProofInvalid `proof.transcript` when the opening is not in the transcript
	 * @throws ProverError `engine.failed`, `pool.crashed` (the thread died: usually memory), `pool.closed`; the signal's reason
	 */
	async prove(job: ProveJob): Promise<Proved> {
		return this.#run("prove", job, (task) => ({
			...task,
			...(job.together ? { opening: job.together.opening } : {}),
			transcript: job.together?.transcript ?? [],
			threads: job.threads ?? (this.#jobs === 1 ? "all" : "one"),
		}));
	}

	/**
	 * Commits to the private inputs of a job that will be proven together with others: their challenge needs all commitments.
	 * @returns what {@link prove} takes as `together.opening`, with the digest for the transcript
	 * @throws as {@link prove}, but for what only the proof can notice
	 */
	async commit(job: ProveJob): Promise<Opening> {
		return this.#run("commitInputs", job, (task) => task);
	}

	async #run<Value>(name: "prove" | "commitInputs", job: ProveJob, complete: (task: CommitTask) => CommitTask | ProveTask): Promise<Value> {
		if (this.#closed) throw closedError();
		job.signal?.throwIfAborted();
		this.#jobs++;
		const { port1, port2 } = new MessageChannel();
		try {
			// Jobs of the same turn see each other here, so that a batch runs side by side and a single job runs wide.
			await nextTurn();
			if (this.#closed) throw closedError();
			port1.on("message", (phase: ProvePhase) => job.onProgress?.(phase));
			port1.unref();
			const task = complete({
				circuit: job.circuit,
				key: job.key,
				inputs: job.inputs,
				context: job.context,
				words: job.words,
				links: job.links ?? [],
				...(job.publics ? { publics: job.publics } : {}),
				port: port2,
			});
			const outcome: Outcome<Value> = await this.#threadRun(name, task, port2, job.signal);
			if (!outcome.ok) throw unpackError(outcome.error);
			return outcome.value;
		} finally {
			port1.close();
			this.#jobs--;
		}
	}

	async #threadRun<Value>(name: string, task: CommitTask, port: MessagePort, signal: AbortSignal | undefined): Promise<Outcome<Value>> {
		try {
			return await this.#threads.run(task, { name, transferList: [port], ...(signal ? { signal } : {}) });
		} catch (cause) {
			if (signal?.aborted) throw signal.reason;
			if (this.#closed) throw closedError();
			throw new ProverError(
				"pool.crashed",
				`prove: expected the worker to finish ${task.circuit.circuit.id}, got ${(cause as Error).message}`,
				{
					hint: "the pool goes on with a new worker; with little memory use fewer workers",
					cause,
				},
			);
		}
	}

	/** Ends all threads at once. Jobs still running or waiting fail with `pool.closed`. */
	async close(): Promise<void> {
		this.#closed = true;
		await this.#threads.destroy();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}
}

function closedError(): ProverError {
	return new ProverError("pool.closed", "prove: expected an open pool, got a closed one");
}
