/** What makes the proofs of stored jobs: the worker pool. */
import { Piscina } from "piscina";
import { cacheRoot } from "../artefact.ts";
import { compileCircuit } from "../compile.ts";
import { KeyError, ProverError, unpackError } from "../errors.ts";
import { ProverPool } from "../pool.ts";
import { readVerificationKey } from "../verification-key.ts";
import type { Outcome } from "../worker.ts";
import { Zkey } from "../zkey.ts";
import type { PlainProof, PlainTask } from "./plain.ts";
import type { TakenJob } from "./store.ts";
import { parseStatement } from "./submission.ts";

/** Makes one proof at a time for each of its workers. */
export interface JobProver {
	/**
	 * @param key path of the .zkey
	 * @returns plain data, bigints allowed
	 * @throws ProverError with a code that says whether another attempt can help; the signal's reason
	 */
	prove(job: TakenJob, key: string, options: { signal: AbortSignal; onProgress: (phase: string) => void }): Promise<unknown>;
	close(): Promise<void>;
}

/** Proves in the worker pool. */
export class PoolProver implements JobProver {
	readonly #pool: ProverPool;
	readonly #plain: Piscina;
	readonly #root: string;

	/** @param options.root cache of compiled circuits */
	constructor({ workers, root }: { readonly workers: number; readonly root?: string }) {
		this.#pool = new ProverPool({ workers });
		this.#plain = new Piscina({
			filename: new URL("./plain.ts", import.meta.url).href,
			minThreads: 0,
			maxThreads: workers,
			idleTimeout: Number.POSITIVE_INFINITY,
		});
		this.#root = root ?? cacheRoot();
	}

	async prove(job: TakenJob, key: string, options: { signal: AbortSignal; onProgress: (phase: string) => void }): Promise<unknown> {
		return job.kind === "groth16" ? this.#provePlain(job, key, options) : this.#proveStatement(job, key, options);
	}

	async close(): Promise<void> {
		await Promise.all([this.#pool.close(), this.#plain.destroy()]);
	}

	async #provePlain(
		job: TakenJob,
		zkey: string,
		{ signal, onProgress }: { signal: AbortSignal; onProgress: (phase: string) => void },
	): Promise<PlainProof> {
		onProgress("prove");
		let outcome: Outcome<PlainProof>;
		try {
			outcome = await this.#plain.run({ zkey, wtns: job.octets } satisfies PlainTask, { signal });
		} catch (cause) {
			if (signal.aborted) throw signal.reason;
			throw new ProverError("pool.crashed", `prove: expected the worker to finish ${job.id}, got ${(cause as Error).message}`, { cause });
		}
		if (!outcome.ok) throw unpackError(outcome.error);
		return outcome.value;
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
