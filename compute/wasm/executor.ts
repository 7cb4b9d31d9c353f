/** Who does the parts of a job: this thread, one part after the other, or the threads of a pool (pool.ts). */
import { setImmediate } from "node:timers/promises";
import { DataError } from "../errors.ts";
import { type Part, TASKS, type Task, type TaskName } from "./tasks.ts";

export interface Executor {
	readonly threads: number;
	/** The same values where all threads find them; those that already lie there are not copied. @throws {DataError} OUT_OF_DEVICE_MEMORY */
	share<T extends Uint8Array | Uint32Array>(values: T): T;
	/**
	 * Does parts of a job.
	 * @param take - is given what a part made, in any order
	 * @param signal - ends the job between parts, or, on threads, at once
	 * @throws {DataError} BACKEND_CLOSED; DEVICE_LOST if a thread died; what a part throws; the signal's reason
	 */
	run<Name extends TaskName>(
		name: Name,
		tasks: readonly Task<Name>[],
		take: (part: Part<Name>, index: number) => void,
		signal: AbortSignal | undefined,
	): Promise<void>;
	close(): Promise<void>;
}

/** This thread. Others have their turn between parts. */
export class OwnThread implements Executor {
	readonly threads = 1;
	#closed = false;

	share<T>(values: T): T {
		return values;
	}

	async run<Name extends TaskName>(
		name: Name,
		tasks: readonly Task<Name>[],
		take: (part: Part<Name>, index: number) => void,
		signal: AbortSignal | undefined,
	): Promise<void> {
		const perform = TASKS[name] as (task: Task<Name>) => Part<Name>;
		for (const [index, task] of tasks.entries()) {
			if (index > 0) await setImmediate();
			if (this.#closed) throw closedError();
			signal?.throwIfAborted();
			take(perform(task), index);
		}
	}

	async close(): Promise<void> {
		this.#closed = true;
	}
}

/**
 * Ranges that cover [0, total), in order: as long as each other or one longer, none longer than `most`, and equally many for each thread
 * where there are enough.
 * @param most - at least 1
 */
export function rangesOf(total: number, most: number, threads: number): (readonly [number, number])[] {
	const count = Math.min(total, threads * Math.ceil(total / (threads * most)));
	const start = (i: number) => Math.floor((i * total) / count);
	return Array.from({ length: count }, (_, i) => [start(i), start(i + 1)] as const);
}

/** What is thrown when the backend is gone. */
export function closedError(): DataError {
	return new DataError("BACKEND_CLOSED", "wasm: the backend is closed", "Open a new one.");
}
