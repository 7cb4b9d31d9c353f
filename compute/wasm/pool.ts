/**
 * Threads that do parts of jobs, each with a workspace of its own; rows are shared with them and not copied for each.
 *
 * They start with the first job that has more than one part and stay until `close`; idle ones do not keep a process alive. A job that is
 * aborted, or of which a thread dies, ends the threads that work on it; the next one gets new ones.
 */
import type { Piscina } from "piscina";
import { DataError } from "../errors.ts";
import { closedError, type Executor, OwnThread } from "./executor.ts";
import type { Part, Task, TaskName } from "./tasks.ts";
import type { Reply } from "./worker.ts";

export class Pool implements Executor {
	readonly threads: number;
	readonly #own = new OwnThread();
	readonly #closing = new AbortController();
	#piscina: Promise<Piscina> | undefined;

	/** @param threads - at least 2 */
	constructor(threads: number) {
		this.threads = threads;
	}

	share<T extends Uint8Array | Uint32Array>(values: T): T {
		if (values.buffer instanceof SharedArrayBuffer) return values;
		try {
			const shared = new (values.constructor as new (buffer: SharedArrayBuffer) => T)(new SharedArrayBuffer(values.byteLength));
			shared.set(values);
			return shared;
		} catch (cause) {
			throw new DataError(
				"OUT_OF_DEVICE_MEMORY",
				`wasm: expected ${values.byteLength} bytes that threads share, got none`,
				"Work on fewer rows at once, or with one thread.",
				cause,
			);
		}
	}

	async run<Name extends TaskName>(
		name: Name,
		tasks: readonly Task<Name>[],
		take: (part: Part<Name>, index: number) => void,
		signal: AbortSignal | undefined,
	): Promise<void> {
		// One part is done faster than it is sent.
		if (tasks.length < 2) return this.#own.run(name, tasks, take, signal);
		const failed = new AbortController();
		const stop = AbortSignal.any([failed.signal, this.#closing.signal, ...(signal ? [signal] : [])]);
		const attempts = tasks.map(async (task, index) => {
			try {
				take(await this.#perform(name, task, stop), index);
			} catch (error) {
				// The first failure is the reason; it ends the other parts.
				failed.abort(error);
			}
		});
		await Promise.all(attempts);
		if (!failed.signal.aborted) return;
		if (this.#closing.signal.aborted) throw closedError();
		signal?.throwIfAborted();
		failed.signal.throwIfAborted();
	}

	async close(): Promise<void> {
		this.#closing.abort();
		await this.#own.close();
		await (await this.#piscina)?.destroy();
	}

	async #perform<Name extends TaskName>(name: Name, task: Task<Name>, signal: AbortSignal): Promise<Part<Name>> {
		signal.throwIfAborted();
		let reply: Reply<Part<Name>>;
		try {
			const piscina = await this.#start();
			reply = await piscina.run(task, { name, signal });
		} catch (cause) {
			throw new DataError(
				"DEVICE_LOST",
				`wasm: expected a thread to finish its part of ${name}, got its end: ${(cause as Error).message}`,
				"Usually memory: use fewer threads, or fewer rows at once. The next call starts new threads.",
				cause,
			);
		}
		if (reply.ok) return reply.part;
		const { code, message, hint } = reply.error;
		throw new DataError(code, message, hint);
	}

	#start(): Promise<Piscina> {
		this.#piscina ??= startThreads(this.threads);
		return this.#piscina;
	}
}

/** Loaded when there is work for it: most uses of the backend have one thread. */
async function startThreads(threads: number): Promise<Piscina> {
	const { Piscina } = await import("piscina");
	const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
	const piscina = new Piscina({
		filename: new URL(`./worker.${ending}`, import.meta.url).href,
		minThreads: threads,
		maxThreads: threads,
		idleTimeout: Number.POSITIVE_INFINITY,
		// A thread that waits in its event loop can collect its garbage.
		atomics: "disabled",
		recordTiming: false,
		// Flags of this process such as --input-type would change how the script is read.
		execArgv: [],
	});
	// A thread that dies without a part is replaced by piscina.
	piscina.on("error", () => {});
	return piscina;
}
