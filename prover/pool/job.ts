/** A job of the pool: what its caller says about it, what it takes, and where it is. */
import type { MessagePort } from "node:worker_threads";
import type { LoadedKey } from "../engine/key.ts";
import type { Source } from "../engine/sections.ts";
import type { ProvePhase } from "./phase.ts";
import type { Ranked } from "./queue.ts";
import type { TaskName, Thread } from "./thread.ts";
import type { Reply } from "./worker.ts";

/** What a job tells while it waits and runs. */
export type JobPhase = "queue" | ProvePhase;

/** More about a step. */
export interface JobDetail {
	/** wall milliseconds since the job was submitted */
	readonly elapsedMs: number;
	/** jobs that start before this one; only while it waits */
	readonly position?: number;
}

/** How wide a job runs. */
export interface Extent {
	readonly threads: number;
	readonly bytes: number;
}

/** A job as the scheduler sees it. */
export interface Request {
	readonly task: TaskName;
	/** names it in errors: circuit or key */
	readonly label: string;
	/** proofs of this size at once, at least 1 */
	readonly proofs: number;
	/** threads of the engine, and predicted memory: when the job is alone in the pool, and when it is not */
	readonly single: Extent;
	readonly batch: Extent;
	/** whether it computes a witness first, and may begin with that while others prove */
	readonly isAhead: boolean;
	/** the proving key when the job proves: loaded, if there is room for it */
	key(): Promise<LoadedKey | Source>;
	/** a fresh message to the thread for each attempt, and what is handed over with it */
	message(port: MessagePort): { readonly task: { readonly port: MessagePort }; readonly transfer: readonly ArrayBuffer[] };
}

/** What the caller says about any job. */
export interface JobOptions {
	/** higher first, any number; default 0 */
	readonly priority?: number;
	readonly signal?: AbortSignal;
	/** told when a step begins, and its place in the queue when it has to wait, then about once a second as others go on */
	readonly onProgress?: (phase: JobPhase, detail: JobDetail) => void;
}

/** A job in the pool. */
export interface Job extends Ranked {
	readonly request: Request;
	readonly options: JobOptions;
	readonly submitted: number;
	/** when it last began to wait, or a step */
	since: number;
	attempts: number;
	run: Run | undefined;
	settle(outcome: { readonly reply: Reply<unknown> } | { readonly error: unknown }): void;
}

/** One attempt. */
export interface Run {
	readonly thread: Thread;
	readonly port: MessagePort;
	extent: Extent;
	phase: ProvePhase | undefined;
	/** waits for its turn */
	isReady: boolean;
	hasTurn: boolean;
}
