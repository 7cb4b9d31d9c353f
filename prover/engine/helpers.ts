/**
 * Threads that take over sums over the key. Each has a machine of its own for as long as a sum takes; scalars are shared, points are read by
 * whoever needs them.
 *
 * Threads start with the first task and stay until {@link Helpers.close}; they do not keep a process alive.
 */
import { Worker } from "node:worker_threads";
import { ProverError, unpackError } from "../errors.ts";
import { scriptBeside } from "../script.ts";
import type { HelperAnswer, HelperQuestion } from "./helper.ts";
import type { Program } from "./machine.ts";
import type { BitSums } from "./msm.ts";
import type { SumTask } from "./sums.ts";

/** A thread and what it is working on. */
interface Helper {
	readonly worker: Worker;
	answer: ((answer: HelperAnswer) => void) | undefined;
}

/** A number of threads. */
export class Helpers {
	readonly count: number;
	readonly #idle: Helper[] = [];
	readonly #all = new Set<Helper>();
	readonly #waiting: { resolve(helper: Helper): void; reject(error: ProverError): void }[] = [];
	#closed = false;

	/** @param count at least 1 */
	constructor(count: number) {
		this.count = count;
	}

	/**
	 * Runs a task on the next free thread.
	 * @param program of a machine of the caller's
	 * @throws what the task throws; ProverError `pool.crashed` when the thread dies, `pool.closed`
	 */
	async run(program: Program, task: SumTask): Promise<BitSums> {
		if (this.#closed) throw closed();
		const helper = await this.#take();
		if (this.#closed) throw closed();
		const answer = await new Promise<HelperAnswer>((resolve) => {
			helper.answer = resolve;
			helper.worker.ref();
			helper.worker.postMessage({ program, task } satisfies HelperQuestion);
		});
		helper.answer = undefined;
		helper.worker.unref();
		this.#giveBack(helper);
		if (answer.ok) return answer.value;
		throw unpackError(answer.error);
	}

	/** Ends all threads. Tasks still running or waiting fail with `pool.closed`. */
	async close(): Promise<void> {
		this.#closed = true;
		for (const { reject } of this.#waiting.splice(0)) reject(closed());
		await Promise.all([...this.#all].map(({ worker }) => worker.terminate()));
	}

	async #take(): Promise<Helper> {
		for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) if (this.#all.has(idle)) return idle;
		if (this.#all.size < this.count) return this.#start();
		return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
	}

	#giveBack(helper: Helper): void {
		const isAlive = this.#all.has(helper);
		const next = this.#waiting.shift();
		if (next) next.resolve(isAlive ? helper : this.#start());
		else if (isAlive) this.#idle.push(helper);
	}

	#start(): Helper {
		// Flags of this process such as --input-type would change how the script is read.
		const helper: Helper = { worker: new Worker(scriptBeside(import.meta.url, "helper"), { execArgv: [] }), answer: undefined };
		helper.worker.unref();
		helper.worker.on("message", (answer: HelperAnswer) => helper.answer?.(answer));
		const fail = (message: string): void => {
			this.#all.delete(helper);
			const { code, hint } = this.#closed ? closed() : { code: "pool.crashed" as const, hint: "usually memory: use fewer threads" };
			helper.answer?.({ ok: false, error: { name: "ProverError", code, message, ...(hint ? { hint } : {}) } });
		};
		helper.worker.on("error", (error) => fail(`Helpers.run: expected the thread to finish its sum, got ${(error as Error).message}`));
		helper.worker.on("exit", () =>
			fail(this.#closed ? closed().message : "Helpers.run: expected the thread to finish its sum, got its end"),
		);
		this.#all.add(helper);
		return helper;
	}
}

function closed(): ProverError {
	return new ProverError("pool.closed", "Helpers.run: expected open helpers, got closed ones");
}
