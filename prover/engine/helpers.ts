/**
 * Threads that take part in loading keys and in sums. Each has a machine of its own for as long as a task takes; scalars and loaded keys are shared.
 *
 * Threads start with the first task and stay until {@link Helpers.close}; they do not keep a process alive.
 */
import { Worker } from "node:worker_threads";
import { type PackedError, ProverError, unpackError } from "../errors.ts";
import { scriptBeside } from "../script.ts";
import type { HelperAnswer, HelperQuestion } from "./helper.ts";
import type { LoadTask } from "./key.ts";
import type { Program } from "./machine.ts";
import type { BitSums } from "./msm.ts";
import type { SumRequest } from "./sums.ts";

/** What all threads do together, each its share. */
export type Task =
	| { readonly program: Program; readonly load: LoadTask }
	| { readonly program: Program; readonly sums: readonly SumRequest[] }
	| { readonly collect: true };
export type TaskResult<T extends Task> = T extends { readonly sums: readonly SumRequest[] } ? BitSums[] : undefined;

/** A thread and who waits for its answers. */
interface Helper {
	readonly worker: Worker;
	readonly waiting: Map<number, (answer: HelperAnswer) => void>;
}

/** A number of threads. */
export class Helpers {
	readonly count: number;
	readonly #all = new Set<Helper>();
	#lastId = 0;
	#closed = false;

	/** @param count at least 1 */
	constructor(count: number) {
		this.count = count;
	}

	/** Starts the threads before there is something to do. */
	start(): void {
		while (this.#all.size < this.count) this.#start();
	}

	/**
	 * Runs a task on every thread, after what they were asked before.
	 * @param task with the program of a machine of the caller's
	 * @returns the shares of the threads
	 * @throws what the task throws; ProverError `pool.crashed` when a thread dies, `pool.closed`
	 */
	async run<T extends Task>(task: T): Promise<TaskResult<T>[]> {
		if (this.#closed) throw closed();
		this.start();
		const id = ++this.#lastId;
		const answers = await Promise.all([...this.#all].map((helper) => ask(helper, { id, task })));
		return answers.map((answer) => {
			if (!answer.ok) throw unpackError(answer.error);
			return answer.value as TaskResult<T>;
		});
	}

	/** Makes threads let go of keys that nobody uses any more. */
	async collect(): Promise<void> {
		if (this.#all.size > 0) await this.run({ collect: true });
	}

	/** Ends all threads. Tasks still running or waiting fail with `pool.closed`. */
	async close(): Promise<void> {
		this.#closed = true;
		await Promise.all([...this.#all].map(({ worker }) => worker.terminate()));
	}

	#start(): void {
		// Flags of this process such as --input-type would change how the script is read.
		const helper: Helper = { worker: new Worker(scriptBeside(import.meta.url, "helper"), { execArgv: [] }), waiting: new Map() };
		helper.worker.unref();
		helper.worker.on("message", (answer: HelperAnswer) => settle(helper, answer));
		const fail = (message: string): void => {
			this.#all.delete(helper);
			const error: PackedError = this.#closed
				? { name: "ProverError", code: "pool.closed", message: closed().message }
				: { name: "ProverError", code: "pool.crashed", message, hint: "usually memory: use fewer threads" };
			for (const id of helper.waiting.keys()) settle(helper, { id, ok: false, error });
		};
		helper.worker.on("error", (error) => fail(`Helpers.run: expected the thread to finish its task, got ${(error as Error).message}`));
		helper.worker.on("exit", () => fail("Helpers.run: expected the thread to finish its task, got its end"));
		this.#all.add(helper);
	}
}

function ask(helper: Helper, question: HelperQuestion): Promise<HelperAnswer> {
	return new Promise((resolve) => {
		helper.waiting.set(question.id, resolve);
		helper.worker.ref();
		helper.worker.postMessage(question);
	});
}

function settle(helper: Helper, answer: HelperAnswer): void {
	helper.waiting.get(answer.id)?.(answer);
	helper.waiting.delete(answer.id);
	if (helper.waiting.size === 0) helper.worker.unref();
}

function closed(): ProverError {
	return new ProverError("pool.closed", "Helpers.run: expected open helpers, got closed ones");
}
