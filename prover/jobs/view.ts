/** What the store tells about jobs and provers. Plain data; times are ISO 8601, UTC. */

/** waiting: not taken yet, or given back; running: a prover has it; proven: its result is stored; poisoned: set aside, see its error */
export type JobState = "waiting" | "running" | "proven" | "poisoned";

export const JOB_STATES: readonly JobState[] = ["waiting", "running", "proven", "poisoned"];

/** How an attempt ended that failed. */
export interface JobError {
	/** stable name */
	readonly code: string;
	readonly message: string;
	/** what the reader can do */
	readonly hint?: string;
}

/** One job, without what is secret. */
export interface JobView {
	readonly id: string;
	readonly kind: string;
	readonly key: string;
	readonly state: JobState;
	/** higher first */
	readonly priority: number;
	readonly submittedAt: string;
	/** times that a prover took it */
	readonly attempts: number;
	/** of the latest attempt */
	readonly prover?: string;
	/** step of the running attempt */
	readonly phase?: string;
	/** seconds since the running attempt began */
	readonly runningSeconds?: number;
	/** how the latest failed attempt ended */
	readonly error?: JobError;
}

/** What came out of a job. */
export interface JobResult {
	readonly id: string;
	readonly kind: string;
	readonly key: string;
	/** "groth16": snarkjs' `{ proof, publicSignals }`; "statement": the pool's result, bigints as decimal strings */
	readonly result: unknown;
	/** wall milliseconds of each step */
	readonly timings: Readonly<Record<string, number>>;
	readonly attempts: number;
	/** name of the prover */
	readonly prover: string;
	readonly storedAt: string;
}

export interface ProverView {
	readonly name: string;
	/** SHA-256 of the keys that it holds */
	readonly keys: readonly string[];
	readonly workers: number;
	readonly draining: boolean;
	readonly startedAt: string;
	/** seconds since its last heartbeat */
	readonly silentSeconds: number;
}

export interface Status {
	readonly counts: Readonly<Record<JobState, number>>;
	/** waiting jobs by priority */
	readonly priorities: readonly { readonly priority: number; readonly waiting: number }[];
	readonly running: readonly JobView[];
	readonly poisoned: readonly JobView[];
	readonly provers: readonly ProverView[];
	/** keys that jobs wait for and no living prover holds */
	readonly keysWithoutProver: readonly { readonly key: string; readonly waiting: number }[];
}

/** What the outside can ask of a store, in this process or another. */
export interface Jobs {
	/**
	 * Accepts a job: when this returns, the job is on record and survives the end of any process.
	 * @returns its id, its state, and whether it is new
	 * @throws ProverError `jobs.full` when `limit` jobs wait already, `jobs.conflict` when the id is that of another job, `jobs.format`, `jobs.size`
	 */
	submit(job: Submit): Promise<Submitted>;
	/** @throws ProverError `jobs.unknown` */
	find(id: string): Promise<JobView>;
	/**
	 * @returns undefined while the job waits or runs
	 * @throws ProverError `jobs.unknown`; `jobs.poisoned` with the reason of the last attempt
	 */
	result(id: string): Promise<JobResult | undefined>;
	status(): Promise<Status>;
	/**
	 * Lets a poisoned job be tried once more.
	 * @throws ProverError `jobs.unknown`, `jobs.state`
	 */
	retry(id: string): Promise<void>;
	/**
	 * Removes a job with all that is known of it; a prover that runs it stops. `proven` allows it for jobs with a proof.
	 * @throws ProverError `jobs.unknown`; `jobs.state` for a proven job without `proven`
	 */
	forget(id: string, options: { readonly proven: boolean }): Promise<void>;
	/**
	 * Tells all living provers to finish what they run and to end.
	 * @returns how many
	 */
	drain(): Promise<number>;
	close(): Promise<void>;
}

export interface Submit {
	readonly kind: string;
	readonly key: string;
	readonly octets: Uint8Array;
	/** UUID; default: from the content */
	readonly id?: string;
	/** an integer in `[-1000, 1000]`, higher first; default 0 */
	readonly priority?: number;
	/** most waiting jobs of the store, this one included; default {@link WAITING_LIMIT} */
	readonly limit?: number;
	/** times that the job is tried before it is set aside, in `[1, 100]`; default {@link ATTEMPTS} */
	readonly attempts?: number;
}

export interface Submitted {
	readonly id: string;
	readonly state: JobState;
	/** false: the store had the job already */
	readonly isNew: boolean;
}

export const WAITING_LIMIT = 1000;
export const ATTEMPTS = 5;
