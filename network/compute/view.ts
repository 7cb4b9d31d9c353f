/** What the store tells of compute jobs, in their own words: the store's are those of proofs. Plain data; times are ISO 8601, UTC. */
import type { JobError, JobResult, JobState, JobView, Status } from "../../prover/jobs/view.ts";
import type { ComputeKind } from "./job.ts";
import { deviceOf, type JobDevice } from "./submission.ts";
import type { ComputeResult } from "./worker.ts";

/** waiting: not taken yet, or given back; running: a worker has it; done: its result is stored; poisoned: set aside, see its error */
export type ComputeState = "waiting" | "running" | "done" | "poisoned";

export const COMPUTE_STATES: readonly ComputeState[] = ["waiting", "running", "done", "poisoned"];

export interface ComputeView {
	readonly id: string;
	readonly kind: ComputeKind;
	/** What it asks for. */
	readonly device: JobDevice;
	readonly state: ComputeState;
	readonly priority: number;
	readonly submittedAt: string;
	readonly attempts: number;
	/** Of the latest attempt. */
	readonly worker?: string;
	/** Step of the running attempt, and how far it is. */
	readonly phase?: string;
	readonly runningSeconds?: number;
	readonly error?: JobError;
}

export interface StoredResult {
	readonly id: string;
	readonly kind: ComputeKind;
	readonly device: JobDevice;
	readonly result: ComputeResult;
	/** Wall milliseconds of each step. */
	readonly timings: Readonly<Record<string, number>>;
	readonly attempts: number;
	readonly worker: string;
	readonly storedAt: string;
}

export interface ComputeStatus {
	readonly counts: Readonly<Record<ComputeState, number>>;
	readonly priorities: Status["priorities"];
	readonly running: readonly ComputeView[];
	readonly poisoned: readonly ComputeView[];
	readonly workers: readonly {
		readonly name: string;
		/** What it takes, such as "statistics/any". */
		readonly queues: readonly string[];
		readonly draining: boolean;
		readonly startedAt: string;
		readonly silentSeconds: number;
	}[];
	/** Jobs that no living worker takes. */
	readonly withoutWorker: readonly { readonly queue: string; readonly waiting: number }[];
}

export function stateOf(state: JobState): ComputeState {
	return state === "proven" ? "done" : state;
}

export function computeView({ kind, key, state, prover, ...job }: JobView): ComputeView {
	return {
		...job,
		kind: kind as ComputeKind,
		device: deviceOf(key),
		state: stateOf(state),
		...(prover === undefined ? {} : { worker: prover }),
	};
}

export function storedResult({ kind, key, result, prover, ...job }: JobResult): StoredResult {
	return { ...job, kind: kind as ComputeKind, device: deviceOf(key), result: result as ComputeResult, worker: prover };
}

export function computeStatus({ counts, priorities, running, poisoned, provers, keysWithoutProver }: Status): ComputeStatus {
	const { proven, ...others } = counts;
	return {
		counts: { ...others, done: proven },
		priorities,
		running: running.map(computeView),
		poisoned: poisoned.map(computeView),
		workers: provers.map(({ name, keys, draining, startedAt, silentSeconds }) => ({
			...{ name, queues: keys, draining, startedAt, silentSeconds },
		})),
		withoutWorker: keysWithoutProver.map(({ key, waiting }) => ({ queue: key, waiting })),
	};
}
