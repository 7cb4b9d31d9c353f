/**
 * Runs stored jobs: takes them, proves them, stores the proofs, renews the leases meanwhile.
 *
 * Draining means to finish what runs and to take nothing more; stopping means to give back what runs at once. When the database does not
 * answer, a finished proof is kept and stored again and again for as long as the lease may last.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { ProverError, type ProverErrorCode, packError } from "../errors.ts";
import type { Keys } from "./keys.ts";
import type { Failure, JobProver } from "./prover.ts";
import type { JobStore, ProverEntry, TakenJob } from "./store.ts";
import type { JobError } from "./view.ts";

/** Something that happened to a job, or to the prover itself. */
export type RunnerEvent =
	| { readonly type: "ready" | "draining" | "silent" }
	| { readonly type: "taken" | "storing" | "released" | "lost"; readonly job: TakenJob }
	| { readonly type: "phase"; readonly job: TakenJob; readonly phase: string; readonly note?: string }
	| { readonly type: "proven"; readonly job: TakenJob; readonly timings: Readonly<Record<string, number>> }
	| { readonly type: "failed"; readonly job: TakenJob; readonly state: "waiting" | "poisoned"; readonly error: JobError };

export interface RunnerOptions {
	readonly store: JobStore;
	readonly prover: JobProver;
	readonly keys: Keys;
	/** jobs at once, at least 1 */
	readonly workers: number;
	/** takes no second job while this process uses more memory than that */
	readonly memoryBytes?: number;
	/** ends the run: after one job, or when nothing is left to take; default: when told to */
	readonly until?: "one" | "empty";
	/** finish what runs, then end */
	readonly drain?: AbortSignal;
	/** give back what runs, and end */
	readonly stop?: AbortSignal;
	/** default 60 */
	readonly leaseSeconds?: number;
	/** milliseconds between two looks into an empty queue; default 500 */
	readonly pollMs?: number;
	readonly onEvent?: (event: RunnerEvent) => void;
}

/** How many jobs ended how. */
export interface RunnerSummary {
	readonly proven: number;
	readonly failed: number;
	readonly released: number;
}

/** Failures that another attempt would meet again: of the inputs, the witness, the circuit or the key's content. */
const FINAL = /^(input|witness|compile|proof|jobs)\.|^key\.(format|truncated|foreign|invalid)$|^pool\.poisoned$/;

/** What follows from the errors of this room. */
function judge(error: unknown): Failure {
	const { code, message, hint } = packError(error, "engine.failed");
	const end = code === "pool.closed" ? "release" : FINAL.test(code) ? "poison" : "retry";
	return { error: { code, message, ...(hint === undefined ? {} : { hint }) }, end };
}

/**
 * Works until drained, stopped, or done.
 * @throws ProverError `jobs.database` when the store does not answer at the start; later failures are waited out
 */
export async function runJobs(options: RunnerOptions): Promise<RunnerSummary> {
	return new Runner(options).run();
}

class Runner {
	readonly #options: RunnerOptions;
	readonly #entry: ProverEntry;
	readonly #running = new Map<string, { readonly job: TakenJob; readonly controller: AbortController; readonly done: Promise<void> }>();
	readonly #drain = new AbortController();
	readonly #summary = { proven: 0, failed: 0, released: 0 };
	#taken = 0;

	constructor(options: RunnerOptions) {
		this.#options = options;
		this.#entry = {
			id: randomUUID(),
			name: `${hostname()}/${process.pid}`,
			keys: [...options.keys.keys()],
			workers: options.workers,
			leaseSeconds: options.leaseSeconds ?? 60,
		};
	}

	async run(): Promise<RunnerSummary> {
		const { store, drain, stop } = this.#options;
		await store.register(this.#entry);
		const startDrain = (): void => this.#drain.abort();
		const stopNow = (): void => {
			this.#drain.abort();
			for (const { controller } of this.#running.values()) controller.abort(stopped());
		};
		drain?.addEventListener("abort", startDrain);
		stop?.addEventListener("abort", stopNow);
		this.#drain.signal.addEventListener("abort", () => this.#tell({ type: "draining" }));
		if (drain?.aborted || stop?.aborted) this.#drain.abort();
		const ended = new AbortController();
		let failure: unknown;
		const beating = this.#beat(ended.signal).catch((error) => {
			failure = error;
			this.#drain.abort();
		});
		try {
			this.#tell({ type: "ready" });
			await this.#work();
			if (failure) throw failure;
			return this.#summary;
		} finally {
			ended.abort();
			await beating;
			drain?.removeEventListener("abort", startDrain);
			stop?.removeEventListener("abort", stopNow);
			await store.unregister(this.#entry).catch(ignoreSilence);
		}
	}

	async #work(): Promise<void> {
		const { workers, until, pollMs = 500, memoryBytes = Number.POSITIVE_INFINITY } = this.#options;
		const drained = this.#drain.signal;
		for (;;) {
			const isFree = this.#running.size === 0 || (this.#running.size < workers && process.memoryUsage.rss() < memoryBytes);
			const mayTake = !drained.aborted && isFree && !(until === "one" && this.#taken > 0);
			const job = mayTake ? await this.#take() : undefined;
			if (job) {
				this.#start(job);
				continue;
			}
			const isLast = drained.aborted || (until === "one" && this.#taken > 0) || (until === "empty" && mayTake);
			if (this.#running.size === 0 && isLast) return;
			const finished = [...this.#running.values()].map(({ done }) => done);
			const pause = new AbortController();
			const signal = AbortSignal.any([pause.signal, drained]);
			const waits = this.#running.size === workers || drained.aborted ? [] : [delay(pollMs, undefined, { signal }).catch(() => {})];
			await Promise.race([...finished, ...waits]);
			pause.abort();
		}
	}

	async #take(): Promise<TakenJob | undefined> {
		try {
			// Those that it has now: a prover may get keys, or lose them, while it runs.
			return await this.#options.store.take({ ...this.#entry, keys: [...this.#options.keys.keys()] });
		} catch (error) {
			ignoreSilence(error);
			this.#tell({ type: "silent" });
			return undefined;
		}
	}

	#start(job: TakenJob): void {
		this.#taken++;
		const controller = new AbortController();
		if (this.#options.stop?.aborted) controller.abort(stopped());
		const done = this.#execute(job, controller.signal).finally(() => this.#running.delete(job.id));
		this.#running.set(job.id, { job, controller, done });
	}

	async #execute(job: TakenJob, signal: AbortSignal): Promise<void> {
		const { store, prover, keys } = this.#options;
		const steps = new Steps();
		this.#tell({ type: "taken", job });
		let result: unknown;
		let reached = Promise.resolve();
		try {
			const onProgress = (phase: string, note?: string): void => {
				steps.begin(phase);
				this.#tell({ type: "phase", job, phase, ...(note === undefined ? {} : { note }) });
				// For people who ask for the status: a step that is not written is made up for by the next one.
				reached = reached.then(() => store.reach(job, note === undefined ? phase : `${phase} ${note}`)).catch(ignoreSilence);
			};
			result = await prover.prove(job, keys.get(job.key) as string, { signal, onProgress });
			await reached;
		} catch (error) {
			await this.#endAttempt(job, signal, error);
			return;
		}
		this.#tell({ type: "storing", job });
		const timings = steps.end();
		const isStored = await this.#persist(() => store.complete(job, this.#entry.name, result, timings));
		if (isStored) {
			this.#summary.proven++;
			this.#tell({ type: "proven", job, timings });
		} else this.#tell({ type: "lost", job });
	}

	async #endAttempt(job: TakenJob, signal: AbortSignal, error: unknown): Promise<void> {
		const { store, prover } = this.#options;
		const { error: packed, end } = prover.judge?.(error) ?? judge(error);
		if (signal.aborted && packed.code === "jobs.lost") {
			this.#tell({ type: "lost", job });
		} else if (signal.aborted || end === "release") {
			await this.#persist(() => store.release(job));
			this.#summary.released++;
			this.#tell({ type: "released", job });
		} else {
			const state = await this.#persist(() => store.fail(job, packed, end === "poison"));
			this.#summary.failed++;
			this.#tell(state ? { type: "failed", job, state, error: packed } : { type: "lost", job });
		}
	}

	/** Writes what must not be lost. @returns undefined when the database was silent for as long as the lease lasts */
	async #persist<Value>(write: () => Promise<Value>): Promise<Value | undefined> {
		const deadline = performance.now() + 1000 * this.#entry.leaseSeconds;
		for (;;) {
			try {
				return await write();
			} catch (error) {
				ignoreSilence(error);
				this.#tell({ type: "silent" });
				if (performance.now() > deadline) return undefined;
				await delay(500);
			}
		}
	}

	/** Renews the leases until the run ends. A job that was lost is stopped: somebody else has it, or it was forgotten. */
	async #beat(ended: AbortSignal): Promise<void> {
		const pause = (1000 * this.#entry.leaseSeconds) / 4;
		while (!ended.aborted) {
			await delay(Math.min(pause, 2000), undefined, { signal: ended, ref: false }).catch(() => {});
			if (ended.aborted) return;
			try {
				const running = [...this.#running.values()].map(({ job }) => job);
				const { lost, drain } = await this.#options.store.beat(this.#entry, running);
				for (const id of lost) this.#running.get(id)?.controller.abort(lostError(id));
				if (drain) this.#drain.abort();
			} catch (error) {
				ignoreSilence(error);
			}
		}
	}

	#tell(event: RunnerEvent): void {
		this.#options.onEvent?.(event);
	}
}

/** Wall milliseconds of the steps of an attempt. */
class Steps {
	readonly #timings: Record<string, number> = {};
	#current: { readonly phase: string; readonly start: number } | undefined;

	begin(phase: string): void {
		if (this.#current?.phase === phase) return;
		this.end();
		this.#current = { phase, start: performance.now() };
	}

	end(): Readonly<Record<string, number>> {
		if (this.#current) {
			const { phase, start } = this.#current;
			this.#timings[phase] = Math.round((this.#timings[phase] ?? 0) + performance.now() - start);
			this.#current = undefined;
		}
		return this.#timings;
	}
}

/** Lets a database that does not answer pass: what was asked of it is asked again. */
function ignoreSilence(error: unknown): void {
	const code: ProverErrorCode = "jobs.database";
	if ((error as { code?: string }).code !== code) throw error;
}

function stopped(): ProverError {
	return new ProverError("pool.closed", "runJobs: expected to finish, got a stop");
}

function lostError(id: string): ProverError {
	return new ProverError("jobs.lost", `runJobs: expected to hold the lease of ${id}, got none: another prover has it, or it was cancelled`);
}
