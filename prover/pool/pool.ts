/**
 * The prover pool: worker threads that make proofs, for the life of a process.
 *
 * Threads start with the first job and stay until {@link ProverPool.close}; idle threads do not keep a process alive. A job that
 * fails leaves its thread alive; a job that is aborted, or that crashes its thread, takes the thread with it and the next job gets a
 * new one. Jobs wait in memory only: a killed process loses them. Who runs when: scheduler.ts; how many at once and on how many threads:
 * profile.ts; what fits: memory.ts.
 */
import { availableParallelism } from "node:os";
import type { Transcript } from "../challenge.ts";
import type { CompiledCircuit } from "../compile.ts";
import { KeyCache } from "../engine/key-cache.ts";
import type { Source } from "../engine/sections.ts";
import { ProverError } from "../errors.ts";
import type { ProofWithSignals } from "../plain/proof.ts";
import type { ProvingKey } from "../setup.ts";
import type { Inputs } from "../witness.ts";
import type { Extent, JobOptions, Request } from "./job.ts";
import { defaultMemory, predictMemory, readKeySize } from "./memory.ts";
import { defaultPlan, type Plan, planFor } from "./profile.ts";
import { Scheduler } from "./scheduler.ts";
import type { CommitTask, Opening, Proved } from "./statement.ts";
import type { PoolStatistics } from "./statistics.ts";

export interface PoolOptions {
	/** proofs at once; default: what this machine's profile says, without one as many as it has cores */
	readonly workers?: number;
	/** jobs that may wait, at least 1; default 65,536 */
	readonly maxWaiting?: number;
	/** bytes that running jobs may take together, as predicted, and a third of it more for loaded keys; default: 0.6 of the machine's, or of what the container allows */
	readonly memoryBytes?: number;
	/** attempts after one that crashed its thread; default 1. Bad input is never tried again. */
	readonly retries?: number;
	/** a thread that holds more bytes than this after a job is ended, which gives them back; default 1 GB */
	readonly recycleBytes?: number;
	/** JavaScript heap of a thread, beyond which the thread crashes and not the process; default: Node's */
	readonly heapMegabytes?: number;
}

/** How many threads of the engine a job gets: "all" the cores, a number, or what the plan says. */
export interface ThreadOptions extends JobOptions {
	readonly threads?: "one" | "all" | number;
}

/** One statement to be proven. */
export interface ProveJob extends ThreadOptions {
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
}

/** One proof of any circuit, from snarkjs' files. */
export interface Groth16Job extends ThreadOptions {
	/** the proving key, as path or bytes; bytes are shared with all threads and must not change while the pool lives */
	readonly zkey: Source;
	/** a witness of the same circuit, as path or bytes */
	readonly wtns: Source;
}

/** What loaded keys may take, beside the jobs. */
const KEYS_PART = 1 / 3;

/** Makes proofs on worker threads. */
export class ProverPool {
	readonly #scheduler: Scheduler;
	readonly #plan: Plan;
	readonly #memoryBytes: number;
	readonly #loaded: KeyCache;
	/** keys in memory by the bytes that were given */
	readonly #shared = new WeakMap<Uint8Array, Uint8Array>();

	constructor(options: PoolOptions = {}) {
		const { workers } = options;
		this.#memoryBytes = options.memoryBytes ?? defaultMemory();
		this.#loaded = new KeyCache(this.#memoryBytes * KEYS_PART);
		this.#plan = workers === undefined ? planFor() : defaultPlan(workers, `${workers} proofs at once, as asked`);
		this.#scheduler = new Scheduler({
			maxWaiting: options.maxWaiting ?? 2 ** 16,
			memoryBytes: this.#memoryBytes,
			retries: options.retries ?? 1,
			recycleBytes: options.recycleBytes ?? 1e9,
			heapMegabytes: options.heapMegabytes,
			plan: this.#plan.note,
		});
	}

	/**
	 * Makes one proof of a statement and checks it before it is handed out.
	 * @returns the proof, its public signals and challenge, and the time it took
	 * @throws WitnessError `input.*` for inputs that do not fit the circuit, `witness.unsatisfied` with circom's template and line,
	 *   `witness.output`
	 * @throws KeyError `key.missing`, `key.truncated`, `key.format`, `key.foreign`
	 * @throws ProofInvalid `proof.transcript` when the opening is not in the transcript
	 * @throws ProverError `engine.failed`, `pool.crashed` (the thread died: usually memory), `pool.poisoned` (at each attempt), `pool.full`,
	 *   `pool.memory` (more than the pool's limit), `pool.closed`; the signal's reason
	 */
	async prove(job: ProveJob): Promise<Proved> {
		return this.#scheduler.run(job, async () =>
			this.#request(job, "prove", job.key.path, (port) => ({
				task: {
					...commitTask(job, port),
					...(job.together ? { opening: job.together.opening } : {}),
					transcript: job.together?.transcript ?? [],
				},
				transfer: [],
			})),
		);
	}

	/**
	 * Commits to the private inputs of a job that will be proven together with others: their challenge needs all commitments.
	 * @returns what {@link prove} takes as `together.opening`, with the digest for the transcript
	 * @throws as {@link prove}, but for what only the proof can notice
	 */
	async commit(job: ProveJob): Promise<Opening> {
		return this.#scheduler.run(job, async () =>
			this.#request(job, "commit", job.key.path, (port) => ({ task: commitTask(job, port), transfer: [] })),
		);
	}

	/**
	 * Makes one plain Groth16 proof and checks it against the key's own verification key before it is handed out.
	 * @returns the proof and the public signals as snarkjs prints them
	 * @throws KeyError `key.*`; WitnessError `input.*`; ProverError `engine.failed` (the witness violates a constraint), `pool.*` as {@link prove};
	 *   the signal's reason
	 */
	async groth16(job: Groth16Job): Promise<ProofWithSignals> {
		return this.#scheduler.run(job, async () => {
			const zkey = typeof job.zkey === "string" ? job.zkey : this.#share(job.zkey);
			return this.#request(job, "groth16", zkey, (port) => {
				// Another attempt needs the witness again, so each hands over a copy.
				const wtns = typeof job.wtns === "string" ? job.wtns : new Uint8Array(job.wtns);
				return { task: { zkey, wtns, port }, transfer: typeof wtns === "string" ? [] : [wtns.buffer] };
			});
		});
	}

	/** Resolves when the pool takes another job, that is when fewer than `maxWaiting` wait. Submit at once after it. */
	async room(signal?: AbortSignal): Promise<void> {
		return this.#scheduler.room(signal);
	}

	/** @returns what the pool did and does, as plain data */
	statistics(): PoolStatistics {
		return this.#scheduler.statistics();
	}

	/** Ends all threads at once and forgets all keys. Jobs still running or waiting fail with `pool.closed`. */
	async close(): Promise<void> {
		this.#loaded.clear();
		await this.#scheduler.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	async #request(job: ThreadOptions, task: Request["task"], zkey: Source, message: Request["message"]): Promise<Request> {
		const size = await readKeySize(zkey);
		const { single, batch } = this.#plan.choose(Math.log2(size.domain));
		const asked = job.threads === "all" ? availableParallelism() : job.threads === "one" ? 1 : job.threads;
		const extent = (threads: number): Extent => {
			const bytes = predictMemory(size, threads, task !== "groth16");
			return bytes > this.#memoryBytes && threads > 1 ? extent(threads - 1) : { threads, bytes };
		};
		return {
			task,
			label: "circuit" in job ? (job as ProveJob).circuit.circuit.id : typeof zkey === "string" ? zkey : "a key in memory",
			proofs: batch.proofs,
			single: extent(task === "commit" ? 1 : (asked ?? single)),
			batch: extent(task === "commit" ? 1 : (asked ?? batch.threads)),
			isAhead: task === "prove",
			// Whoever reads the key from the file says what is wrong with it.
			key: async () => (typeof zkey === "string" ? this.#loaded.get(zkey).catch(() => zkey) : zkey),
			message,
		};
	}

	/** One copy of a key for all threads. */
	#share(zkey: Uint8Array): Uint8Array {
		if (zkey.buffer instanceof SharedArrayBuffer) return zkey;
		let shared = this.#shared.get(zkey);
		if (!shared) {
			try {
				shared = new Uint8Array(new SharedArrayBuffer(zkey.length));
			} catch (cause) {
				throw new ProverError("pool.memory", `groth16: expected memory for a key of ${zkey.length} bytes, got none`, { cause });
			}
			shared.set(zkey);
			this.#shared.set(zkey, shared);
		}
		return shared;
	}
}

function commitTask(job: ProveJob, port: CommitTask["port"]): CommitTask {
	const { circuit, key, inputs, context, words, publics } = job;
	return { circuit, key, inputs, context, words, links: job.links ?? [], ...(publics ? { publics } : {}), port };
}
