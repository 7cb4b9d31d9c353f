/**
 * One thread of the pool: a piscina of one worker, so that the pool knows which job runs where and can end one thread alone.
 *
 * An idle thread does not keep a process alive.
 */
import type { MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import { scriptBeside } from "../script.ts";
import type { Reply } from "./worker.ts";

/** Names of the tasks in worker.ts. */
export type TaskName = "commit" | "prove" | "groth16";

/** A thread; of no use once a task was rejected, or after {@link close}. */
export class Thread {
	readonly #piscina: Piscina;
	/** memory that it held after its last task */
	bytes = 0;

	/** @param heapMegabytes of JavaScript, beyond which the thread crashes; default: Node's */
	constructor(heapMegabytes: number | undefined) {
		this.#piscina = new Piscina({
			filename: scriptBeside(import.meta.url, "worker").href,
			minThreads: 1,
			maxThreads: 1,
			idleTimeout: Number.POSITIVE_INFINITY,
			// A thread that waits in its event loop can collect its garbage.
			atomics: "disabled",
			...(heapMegabytes === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } }),
		});
		// A worker that dies without a task is replaced by piscina.
		this.#piscina.on("error", () => {});
	}

	/**
	 * Runs a task.
	 * @returns its outcome, an error of the task among them
	 * @throws Error when the worker died
	 */
	async run<Value>(name: TaskName, task: { readonly port: MessagePort }, transfer: readonly ArrayBuffer[]): Promise<Reply<Value>> {
		const reply: Reply<Value> = await this.#piscina.run(task, { name, transferList: [task.port, ...transfer] });
		this.bytes = reply.bytes;
		return reply;
	}

	/** Ends the thread at once. A task that still runs is rejected or never ends. */
	async close(): Promise<void> {
		await this.#piscina.destroy();
	}
}
