/**
 * Threads that do parts of jobs, each with a workspace of its own; rows are shared with them and not copied for each.
 *
 * They start with the first job of more than one part, or the first product, and stay until `close`; idle ones do not keep a process
 * alive. A job that is aborted, or of which a thread dies, ends the threads that work on it; the next one gets new ones. A product does not
 * depend on them, see tiles.ts.
 */
import { createRequire } from "node:module";
import type { Piscina } from "piscina";
import { DataError } from "../errors.ts";
import type { ProductShape } from "../tensor.ts";
import { closedError, type Executor, OwnThread } from "./executor.ts";
import type { Part, Task, TaskName } from "./tasks.ts";
import { awaitTiles, type Factors, makeTiles, type SharedProduct } from "./tiles.ts";
import type { Reply } from "./worker.ts";

/** The fewest rows of a tile: for each the right factor is laid out again. */
const TILE_ROWS = 64;
/** Tiles a thread: those that others keep waiting take fewer. */
const TILES = 2;
/** Milliseconds that a thread may take for a tile, and as much again as the caller took for all of its own. */
const PATIENCE = 1000;
/** Bytes for factors and results that are kept for the next product. */
const KEPT = 2 ** 28;

export class Pool implements Executor {
	readonly threads: number;
	readonly #own = new OwnThread();
	readonly #closing = new AbortController();
	#piscina: Piscina | undefined;
	/** Memory of the last product. */
	#kept: SharedArrayBuffer[] = [];

	/** @param threads - at least 2 */
	constructor(threads: number) {
		this.threads = threads;
	}

	share<T extends Uint8Array | Uint32Array>(values: T): T {
		return values.buffer instanceof SharedArrayBuffer ? values : copyTo(sharedMemory(values.byteLength), values);
	}

	/** Whether a product of this shape has rows for more than one thread. */
	splits({ rows }: ProductShape): boolean {
		return rows >= 2 * TILE_ROWS;
	}

	/** A product, made by this thread and those of the pool, while this one waits. */
	product(factors: Factors): Int32Array | Float32Array {
		if (this.#closing.signal.aborted) throw closedError();
		const { shape, left, right, kind } = factors;
		const length = shape.rows * shape.columns;
		const [one, other, made] = this.#memory([left.byteLength, right.byteLength, 4 * length]) as [
			SharedArrayBuffer,
			SharedArrayBuffer,
			SharedArrayBuffer,
		];
		const result = kind === "bytes" ? new Int32Array(made, 0, length) : new Float32Array(made, 0, length);
		const count = Math.min(TILES * this.threads, Math.floor(shape.rows / TILE_ROWS));
		const tiles = new Int32Array(new SharedArrayBuffer(4 * count));
		const product = { ...factors, left: copyTo(one, left), right: copyTo(other, right), result, tiles } as SharedProduct;
		const memory = this.#kept;
		// Another thread may write to it until all is well.
		this.#kept = [];
		const piscina = this.#start();
		for (let thread = 1; thread < this.threads; thread++) {
			// What a thread cannot do is done here.
			piscina.run(product, { name: "product" }).catch(() => {});
		}
		const start = performance.now();
		makeTiles(product);
		if (awaitTiles(product, PATIENCE + performance.now() - start) && made.byteLength + one.byteLength + other.byteLength <= KEPT) {
			this.#kept = memory;
		}
		return result.slice();
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
		this.#kept = [];
		await this.#piscina?.destroy();
	}

	async #perform<Name extends TaskName>(name: Name, task: Task<Name>, signal: AbortSignal): Promise<Part<Name>> {
		signal.throwIfAborted();
		let reply: Reply<Part<Name>>;
		try {
			reply = await this.#start().run(task, { name, signal });
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

	/** Memory of these sizes, that of the last product where it is large enough. */
	#memory(sizes: readonly number[]): SharedArrayBuffer[] {
		this.#kept = sizes.map((bytes, i) => {
			const kept = this.#kept[i];
			return kept && kept.byteLength >= bytes ? kept : sharedMemory(bytes);
		});
		return this.#kept;
	}

	#start(): Piscina {
		this.#piscina ??= startThreads(this.threads);
		return this.#piscina;
	}
}

/** Loaded when there is work for it: most uses of the backend have one thread. */
function startThreads(threads: number): Piscina {
	const { Piscina } = createRequire(import.meta.url)("piscina") as typeof import("piscina");
	const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
	const piscina = new Piscina({
		filename: new URL(`./worker.${ending}`, import.meta.url).href,
		minThreads: threads,
		maxThreads: threads,
		idleTimeout: Number.POSITIVE_INFINITY,
		// A thread that waits in its event loop can collect its garbage.
		atomics: "disabled",
		// Products are given to threads whose last answer has not been read yet; a part of a job has its thread alone.
		concurrentTasksPerWorker: 2 ** 20,
		recordTiming: false,
		// Flags of this process such as --input-type would change how the script is read.
		execArgv: [],
	});
	// A thread that dies without a part is replaced by piscina.
	piscina.on("error", () => {});
	return piscina;
}

function sharedMemory(bytes: number): SharedArrayBuffer {
	try {
		return new SharedArrayBuffer(bytes);
	} catch (cause) {
		throw new DataError(
			"OUT_OF_DEVICE_MEMORY",
			`wasm: expected ${bytes} bytes that threads share, got none`,
			"Work on fewer rows at once, or with one thread.",
			cause,
		);
	}
}

type Values = Uint8Array | Int8Array | Uint32Array | Float32Array;
type View = new (memory: SharedArrayBuffer, offset: number, length: number) => Values;

function copyTo<T extends Values>(memory: SharedArrayBuffer, values: T): T {
	// Not the constructor of the values: a Buffer has one of its own.
	const kinds: readonly View[] = [Int8Array, Uint32Array, Float32Array];
	const Kind = kinds.find((kind) => values instanceof kind) ?? Uint8Array;
	const copy = new Kind(memory, 0, values.length);
	copy.set(values);
	return copy as T;
}
