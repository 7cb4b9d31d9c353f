/** What a pool has done so far, as plain numbers for whoever shows them. */
import type { ProverErrorCode } from "../errors.ts";
import { PHASES, type ProvePhase } from "./phase.ts";

/** Why a thread was ended before its pool. */
export type ThreadEnd = "crashed" | "aborted" | "recycled";

/** A job that was set aside because it crashed its threads. */
export interface PoisonedJob {
	/** circuit or key */
	readonly label: string;
	readonly reason: string;
	readonly attempts: number;
}

/** Plain data. Counts are since the pool was made, but for `waiting`, `running`, `proving` and what is said of the present. */
export interface PoolStatistics {
	/** accepted, not yet on a thread */
	readonly waiting: number;
	/** on a thread, those that prove among them */
	readonly running: number;
	readonly proving: number;
	readonly done: number;
	/** all jobs that ended with an error, poisoned ones among them */
	readonly failed: number;
	/** `failed` by the error's code */
	readonly failures: Readonly<Record<string, number>>;
	/** stopped by their signal */
	readonly aborted: number;
	/** attempts after a first one */
	readonly retried: number;
	/** `pool.full` and `pool.memory` before the job was accepted; not among `failed` */
	readonly refused: number;
	/** the last ones, at most 100 */
	readonly poisoned: readonly PoisonedJob[];
	readonly threads: { readonly alive: number; readonly started: number } & Readonly<Record<ThreadEnd, number>>;
	/** wall milliseconds in each step, over all attempts, and how often it was begun */
	readonly phases: Readonly<Record<"queue" | ProvePhase, { readonly count: number; readonly milliseconds: number }>>;
	readonly memory: {
		/** bytes that running jobs may take together, as predicted */
		readonly limit: number;
		/** bytes that running jobs are predicted to take */
		readonly reserved: number;
		/** bytes of the whole process in memory now */
		readonly process: number;
		/** bytes that idle threads held after their last job */
		readonly idle: number;
	};
	/** which plan the pool follows, in words */
	readonly plan: string;
}

const KEPT_POISONED = 100;

/** Counters. */
export class Counters {
	done = 0;
	aborted = 0;
	retried = 0;
	refused = 0;
	started = 0;
	readonly failures: Partial<Record<ProverErrorCode, number>> = {};
	readonly ends: Record<ThreadEnd, number> = { crashed: 0, aborted: 0, recycled: 0 };
	readonly poisoned: PoisonedJob[] = [];
	readonly #phases = new Map(["queue" as const, ...PHASES].map((phase) => [phase, { count: 0, milliseconds: 0 }]));

	fail(code: ProverErrorCode): void {
		this.failures[code] = (this.failures[code] ?? 0) + 1;
	}

	poison(job: PoisonedJob): void {
		this.poisoned.push(job);
		if (this.poisoned.length > KEPT_POISONED) this.poisoned.shift();
	}

	/** Counts a step that has ended. */
	phase(name: "queue" | ProvePhase, milliseconds: number): void {
		const sum = this.#phases.get(name) as { count: number; milliseconds: number };
		sum.count++;
		sum.milliseconds += milliseconds;
	}

	/** Completes the counts with the present. */
	snapshot(now: {
		waiting: number;
		running: number;
		proving: number;
		alive: number;
		memory: PoolStatistics["memory"];
		plan: string;
	}): PoolStatistics {
		const { waiting, running, proving, alive, memory, plan } = now;
		const { done, aborted, retried, refused, started, failures, ends, poisoned } = this;
		return {
			...{ waiting, running, proving, done, aborted, retried, refused },
			failed: Object.values(failures).reduce((sum, count) => sum + count, 0),
			failures: { ...failures },
			poisoned: [...poisoned],
			threads: { alive, started, ...ends },
			phases: Object.fromEntries([...this.#phases].map(([name, sum]) => [name, { ...sum }])) as PoolStatistics["phases"],
			memory,
			plan,
		};
	}
}
