/** What makes the proofs of stored jobs: the worker pool. */
import { cacheRoot } from "../artefact.ts";
import { compileCircuit } from "../compile.ts";
import { KeyError } from "../errors.ts";
import { ProverPool } from "../pool/pool.ts";
import type { PoolStatistics } from "../pool/statistics.ts";
import { readVerificationKey } from "../verification-key.ts";
import { Zkey } from "../zkey.ts";
import type { TakenJob } from "./store.ts";
import { parseStatement } from "./submission.ts";
import type { JobError } from "./view.ts";

export interface ProveOptions {
	readonly signal: AbortSignal;
	/** Hears of each step, and how far it is for people who ask for the status. */
	readonly onProgress: (phase: string, note?: string) => void;
}

/** How an attempt ended that failed. */
export interface Failure {
	readonly error: JobError;
	/** retry: another attempt may succeed; poison: it would fail alike; release: the job is not to blame, and the attempt does not count */
	readonly end: "retry" | "poison" | "release";
}

/** Makes one proof at a time for each of its workers, or whatever else the jobs of a family ask for. */
export interface JobProver {
	/**
	 * @param key path of the .zkey
	 * @returns plain data, bigints allowed
	 * @throws ProverError with a code that says whether another attempt can help; the signal's reason
	 */
	prove(job: TakenJob, key: string, options: ProveOptions): Promise<unknown>;
	/** What follows from an error of `prove`; left out by who throws the errors of this room. */
	judge?(error: unknown): Failure;
	close(): Promise<void>;
}

/** Proves in the worker pool. */
export class PoolProver implements JobProver {
	readonly #pool: ProverPool;
	readonly #root: string;

	/**
	 * @param options.workers proofs at once; default: what this machine's profile says
	 * @param options.memoryBytes see {@link ProverPool}
	 * @param options.root cache of compiled circuits
	 */
	constructor({ root, ...options }: { readonly workers?: number; readonly memoryBytes?: number; readonly root?: string } = {}) {
		// Attempts are the store's to count.
		this.#pool = new ProverPool({ ...options, retries: 0 });
		this.#root = root ?? cacheRoot();
	}

	/** What the pool did and does. */
	statistics(): PoolStatistics {
		return this.#pool.statistics();
	}

	async prove(job: TakenJob, key: string, { signal, onProgress }: ProveOptions): Promise<unknown> {
		const options = { signal, onProgress: (phase: string) => onProgress(phase) };
		return job.kind === "groth16"
			? this.#pool.groth16({ zkey: key, wtns: job.octets, ...options })
			: this.#proveStatement(job, key, options);
	}

	async close(): Promise<void> {
		await this.#pool.close();
	}

	async #proveStatement(
		job: TakenJob,
		path: string,
		options: { signal: AbortSignal; onProgress: (phase: string) => void },
	): Promise<unknown> {
		const { circuit, digest, ...statement } = parseStatement(job.octets);
		const zkey = await Zkey.open(path);
		const { facts } = zkey;
		await zkey.close();
		if (facts.circuit !== digest || facts.id !== circuit.id) {
			throw new KeyError("key.foreign", `prove: expected a key of ${circuit.id} (${digest}), got one of ${facts.id} (${facts.circuit})`);
		}
		const compiled = await compileCircuit(circuit, { root: this.#root, signal: options.signal });
		if (compiled.digest !== digest) {
			throw new KeyError("key.foreign", `prove: expected ${circuit.id} to compile to ${digest}, got ${compiled.digest}`, {
				hint: "who submitted the job has other circuit sources or another compiler than this prover",
			});
		}
		const key = { path, digest: job.key, verification: await readVerificationKey(path) };
		return this.#pool.prove({ ...statement, circuit: compiled, key, ...options });
	}
}
