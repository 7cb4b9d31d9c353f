/**
 * Which job runs when, and on which thread.
 *
 * A job takes memory from its start to its end, and a share of the machine while it proves: a job whose circuit is best proven p at once takes
 * 1/p, and the shares of what proves at the same time add up to at most 1. A job that computes its witness first starts one ahead, while the others
 * still prove, and then waits on its thread for its turn. Jobs start in the order of the queue alone: one that does not fit yet holds up those
 * behind it, so that large jobs are not starved by small ones.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { ProverError, type ProverErrorCode, unpackError, WitnessError } from "../errors.ts";
import type { Job, JobOptions, JobPhase, Request, Run } from "./job.ts";
import type { ThreadMessage, Turn } from "./phase.ts";
import { Queue } from "./queue.ts";
import { closedError, Room } from "./room.ts";
import { Counters, type PoolStatistics } from "./statistics.ts";
import { Thread } from "./thread.ts";
import type { Reply } from "./worker.ts";

export interface SchedulerOptions {
	readonly maxWaiting: number;
	readonly memoryBytes: number;
	readonly retries: number;
	readonly recycleBytes: number;
	readonly heapMegabytes: number | undefined;
	/** for {@link Scheduler.statistics} */
	readonly plan: string;
}

/** Shares are fractions of 1; sums of them are compared with this much tolerance. */
const ROUNDING = 1e-9;
const TELL_EVERY_MS = 1000;
/** As good as a crash: a thread of the engine died under the job's own, or there was no memory, which may be there when others have ended. */
const TRIED_AGAIN: ReadonlySet<ProverErrorCode> = new Set(["pool.crashed", "engine.memory"]);

/** Runs jobs on threads. */
export class Scheduler {
	readonly #options: SchedulerOptions;
	readonly #queue = new Queue<Job>();
	readonly #running = new Set<Job>();
	readonly #idle: Thread[] = [];
	readonly #counters = new Counters();
	readonly #ending = new Set<Promise<void>>();
	readonly #room: Room;
	#number = 0;
	#unfinished = 0;
	#told = 0;
	#closed = false;

	constructor(options: SchedulerOptions) {
		this.#options = options;
		this.#room = new Room(() => !this.#closed && this.#waiting < options.maxWaiting);
	}

	/**
	 * Runs a job.
	 * @param prepare finds out what the job takes
	 * @returns what its task returns
	 * @throws what the task throws; ProverError `pool.full`, `pool.memory`, `pool.crashed`, `pool.poisoned`, `pool.closed`; the signal's reason
	 */
	async run<Value>(options: JobOptions, prepare: () => Promise<Request>): Promise<Value> {
		if (this.#closed) throw closedError();
		options.signal?.throwIfAborted();
		if (!this.#room.isThere) {
			this.#counters.refused++;
			throw new ProverError("pool.full", `prove: expected at most ${this.#options.maxWaiting} waiting jobs, got one more`, {
				hint: "wait with pool.room() before the next job",
			});
		}
		const [number, submitted] = [this.#number++, performance.now()];
		this.#unfinished++;
		let request: Request;
		try {
			request = await prepare();
			this.#checkMemory(request);
			// Jobs of the same turn see each other here, so that a batch runs side by side and a single job runs wide.
			await nextTurn();
			options.signal?.throwIfAborted();
			if (this.#closed) throw closedError();
		} catch (error) {
			if (options.signal?.aborted) this.#counters.aborted++;
			else if (error instanceof ProverError && error.code !== "pool.memory") this.#counters.fail(error.code);
			this.#leave();
			throw error;
		}
		return this.#enqueue<Value>(request, options, { number, submitted });
	}

	/** See {@link Room.wait}. */
	async room(signal?: AbortSignal): Promise<void> {
		return this.#room.wait(signal);
	}

	statistics(): PoolStatistics {
		return this.#counters.snapshot({
			waiting: this.#waiting,
			running: this.#running.size,
			proving: [...this.#running].filter(({ run }) => run?.hasTurn).length,
			alive: this.#running.size + this.#idle.length,
			memory: {
				limit: this.#options.memoryBytes,
				reserved: this.#reserved,
				process: process.memoryUsage.rss(),
				idle: this.#idle.reduce((sum, { bytes }) => sum + bytes, 0),
			},
			plan: this.#options.plan,
		});
	}

	/** Ends all threads. Jobs still running or waiting fail with `pool.closed`. */
	async close(): Promise<void> {
		this.#closed = true;
		for (const job of [...this.#queue]) {
			this.#queue.remove(job);
			this.#fail(job, closedError());
		}
		for (const job of [...this.#running]) {
			this.#drop(this.#stop(job));
			this.#fail(job, closedError());
		}
		for (const thread of this.#idle.splice(0)) this.#drop(thread);
		this.#room.close();
		await Promise.all(this.#ending);
	}

	/** Accepted and not on a thread, those among them whose key is still being looked at. */
	get #waiting(): number {
		return this.#unfinished - this.#running.size;
	}

	get #reserved(): number {
		return [...this.#running].reduce((sum, { run }) => sum + (run as Run).extent.bytes, 0);
	}

	#checkMemory({ label, batch: { bytes } }: Request): void {
		const { memoryBytes } = this.#options;
		if (bytes <= memoryBytes) return;
		this.#counters.refused++;
		throw new ProverError("pool.memory", `prove: expected ${label} to need at most ${megabytes(memoryBytes)}, got ${megabytes(bytes)}`, {
			hint: "prove on a machine with more memory, or give the pool a larger limit",
		});
	}

	#enqueue<Value>(request: Request, options: JobOptions, { number, submitted }: { number: number; submitted: number }): Promise<Value> {
		return new Promise<Value>((resolve, reject) => {
			const stop = (): void => {
				this.#counters.aborted++;
				if (job.run) this.#drop(this.#stop(job), "aborted");
				else this.#queue.remove(job);
				job.settle({ error: options.signal?.reason });
				this.#schedule();
			};
			const job: Job = {
				...{ request, options, number, submitted, since: performance.now(), attempts: 0, run: undefined },
				priority: options.priority ?? 0,
				settle: (outcome) => {
					this.#leave();
					options.signal?.removeEventListener("abort", stop);
					if ("error" in outcome) reject(outcome.error);
					else if (outcome.reply.ok) resolve(outcome.reply.value as Value);
					else reject(unpackError(outcome.reply.error));
				},
			};
			options.signal?.addEventListener("abort", stop, { once: true });
			this.#queue.add(job);
			this.#schedule();
			if (this.#queue.has(job)) this.#tell(job, "queue", { position: this.#queue.position(job) });
		});
	}

	/** Lets whoever can go on go on. */
	#schedule(): void {
		if (this.#closed) return;
		const ready = [...this.#running].filter(({ run }) => run?.isReady).sort((a, b) => b.priority - a.priority || a.number - b.number);
		for (const job of ready) if (this.#fits(job)) this.#giveTurn(job);
		for (let next = this.#queue.first; next && this.#canStart(next); next = this.#queue.first) {
			this.#queue.remove(next);
			this.#start(next);
			this.#room.changed();
		}
		this.#tellPlaces();
	}

	#canStart(job: Job): boolean {
		const { batch, proofs, isAhead } = job.request;
		if (this.#reserved + batch.bytes > this.#options.memoryBytes) return false;
		return isAhead ? this.#running.size <= proofs : this.#fits(job);
	}

	/** Whether the machine has a share left for the job to prove. */
	#fits({ request }: Job): boolean {
		let taken = 1 / request.proofs;
		for (const { run, request } of this.#running) if (run?.hasTurn) taken += 1 / request.proofs;
		return taken <= 1 + ROUNDING;
	}

	#start(job: Job): void {
		const { port1, port2 } = new MessageChannel();
		let message: ReturnType<Request["message"]>;
		try {
			message = job.request.message(port2);
		} catch (cause) {
			port1.close();
			this.#fail(job, outOfMemory(job.request.label, cause as Error));
			return;
		}
		let thread = this.#idle.pop();
		if (!thread) {
			thread = new Thread(this.#options.heapMegabytes);
			this.#counters.started++;
		}
		const run: Run = { thread, port: port1, extent: job.request.batch, phase: undefined, isReady: false, hasTurn: !job.request.isAhead };
		if (job.attempts > 0) this.#counters.retried++;
		job.attempts++;
		job.run = run;
		this.#counters.phase("queue", this.#lap(job));
		this.#running.add(job);
		port1.on("message", (message: ThreadMessage) => {
			if (job.run === run) this.#hear(job, run, message);
		});
		port1.unref();
		thread.run<unknown>(job.request.task, message.task, message.transfer).then(
			(reply) => {
				if (job.run === run) this.#finish(job, reply);
			},
			(cause) => {
				if (job.run === run) this.#crash(job, cause);
			},
		);
	}

	#hear(job: Job, run: Run, message: ThreadMessage): void {
		if (message === "ready") {
			this.#endPhase(job, run);
			run.isReady = true;
			if (run.hasTurn) this.#giveTurn(job);
			else this.#schedule();
			return;
		}
		this.#endPhase(job, run);
		run.phase = message;
		this.#tell(job, message);
	}

	#giveTurn(job: Job): void {
		const { request, run } = job;
		if (!run) return;
		run.isReady = false;
		run.hasTurn = true;
		if (this.#unfinished === 1) run.extent = request.single;
		request.key().then((key) => {
			if (job.run === run) run.port.postMessage({ threads: run.extent.threads, key } satisfies Turn);
		});
	}

	#finish(job: Job, reply: Reply<unknown>): void {
		if (!reply.ok && TRIED_AGAIN.has(reply.error.code)) {
			this.#crash(job, unpackError(reply.error));
			return;
		}
		const thread = this.#stop(job);
		if (thread.bytes > this.#options.recycleBytes) this.#drop(thread, "recycled");
		else this.#idle.push(thread);
		if (reply.ok) this.#counters.done++;
		else this.#counters.fail(reply.error.code);
		job.settle({ reply });
		this.#schedule();
	}

	/** The next attempt, or the end. */
	#crash(job: Job, cause: Error): void {
		const thread = this.#stop(job);
		const { attempts, request } = job;
		if (cause.name === "DataCloneError") {
			// The job never reached its thread.
			this.#idle.push(thread);
			this.#fail(job, new WitnessError("input.unknown", `prove: expected inputs that are plain data, got ${cause.message}`, { cause }));
			this.#schedule();
			return;
		}
		this.#drop(thread, "crashed");
		if (attempts <= this.#options.retries) {
			job.since = performance.now();
			this.#queue.add(job);
		} else {
			if (attempts > 1) this.#counters.poison({ label: request.label, reason: cause.message, attempts });
			this.#fail(job, crashedError(request.label, attempts, cause));
		}
		this.#schedule();
	}

	#fail(job: Job, error: ProverError): void {
		this.#counters.fail(error.code);
		job.settle({ error });
	}

	/** Takes a job off its thread. */
	#stop(job: Job): Thread {
		const run = job.run as Run;
		this.#endPhase(job, run);
		job.run = undefined;
		this.#running.delete(job);
		run.port.close();
		return run.thread;
	}

	#drop(thread: Thread, why?: "crashed" | "aborted" | "recycled"): void {
		if (why) this.#counters.ends[why]++;
		const end = thread.close().finally(() => this.#ending.delete(end));
		this.#ending.add(end);
	}

	#endPhase(job: Job, run: Run): void {
		if (run.phase) this.#counters.phase(run.phase, this.#lap(job));
		else this.#lap(job);
		run.phase = undefined;
	}

	#lap(job: Job): number {
		const now = performance.now();
		const milliseconds = now - job.since;
		job.since = now;
		return milliseconds;
	}

	#tellPlaces(): void {
		if (performance.now() - this.#told < TELL_EVERY_MS) return;
		this.#told = performance.now();
		let position = 0;
		for (const job of this.#queue) this.#tell(job, "queue", { position: position++ });
	}

	#tell({ options, submitted }: Job, phase: JobPhase, place: { readonly position?: number } = {}): void {
		try {
			options.onProgress?.(phase, { elapsedMs: performance.now() - submitted, ...place });
		} catch (error) {
			// The caller's mistake must not upset the pool, and must not go unseen.
			queueMicrotask(() => {
				throw error;
			});
		}
	}

	/** Makes room for another job. */
	#leave(): void {
		this.#unfinished--;
		this.#room.changed();
	}
}

function crashedError(label: string, attempts: number, cause: Error): ProverError {
	const [code, got] = attempts > 1 ? (["pool.poisoned", `${attempts} crashes`] as const) : (["pool.crashed", "a crash"] as const);
	return new ProverError(code, `prove: expected a thread to finish ${label}, got ${got}: ${cause.message}`, {
		hint: "the pool goes on with new threads; usually memory: use fewer proofs at once",
		cause,
	});
}

function outOfMemory(label: string, cause: Error): ProverError {
	return new ProverError("pool.memory", `prove: expected memory to hand ${label} to a thread, got ${cause.message}`, { cause });
}

function megabytes(bytes: number): string {
	return `${Math.ceil(bytes / 1e6)} MB`;
}
