/**
 * Sums over the points of a key that several threads compute together: each takes the next window that nobody has taken, so that all are done at the
 * same time, and none waits for another to hand out work.
 */
import type { Digits } from "./digits.ts";
import type { Helpers } from "./helpers.ts";
import { KEY_FORMAT, type LoadedKey, type PointSection, readPoints } from "./key.ts";
import type { Machine } from "./machine.ts";
import { type BitSums, sumBits } from "./msm.ts";
import { Sections, type Source } from "./sections.ts";

/** `sum s_i P_i` over the points of a section. Plain data: it can be sent to a thread, which copies a key that is in memory but not loaded. */
export interface SumRequest {
	readonly key: Source | LoadedKey;
	readonly section: PointSection;
	readonly digits: Digits;
	/** the digits that belong to the first point */
	readonly offset: number;
	/** number of the next window, over shared memory */
	readonly next: Int32Array;
}

/** Asks for a sum. */
export function requestSum(key: Source | LoadedKey, section: PointSection, digits: Digits, offset = 0): SumRequest {
	return { key, section, digits, offset, next: new Int32Array(new SharedArrayBuffer(4)) };
}

/** Sums in the making. */
export class Sums {
	readonly #machine: Machine;
	readonly #requests: readonly SumRequest[];
	readonly #others: Promise<BitSums[][]>;

	/**
	 * Starts sums on other threads.
	 * @param helpers default: none, {@link finish} does it all
	 */
	constructor(machine: Machine, helpers: Helpers | undefined, requests: readonly SumRequest[]) {
		this.#machine = machine;
		this.#requests = requests;
		this.#others = helpers ? helpers.run({ program: machine.program, sums: requests }) : Promise.resolve([]);
		// Whoever calls finish hears of a failure; whoever does not has another.
		this.#others.catch(() => undefined);
	}

	/**
	 * Takes part in this thread, and waits for the others.
	 * @param signal aborts between sums
	 * @param onSum called after each sum of this thread
	 * @returns see {@link sumBits}
	 * @throws the first error of a thread
	 */
	async finish(signal?: AbortSignal, onSum?: () => void): Promise<BitSums[]> {
		const own = await runSums(this.#machine, this.#requests, signal, onSum);
		const all = [own, ...(await this.#others)];
		return this.#requests.map((_, i) => mergeBits(all.map((sums) => sums[i] as BitSums)));
	}

	/** Makes all threads stop after their window, and waits until no other reads the digits. */
	async stop(): Promise<void> {
		stop(this.#requests);
		await this.#others.catch(() => undefined);
	}
}

/**
 * A thread's share of sums.
 * @param signal aborts between sums
 * @param onSum called after each
 * @throws KeyError `key.*` when a section cannot be read or holds a point off the curve
 */
export async function runSums(
	machine: Machine,
	requests: readonly SumRequest[],
	signal?: AbortSignal,
	onSum?: () => void,
): Promise<BitSums[]> {
	try {
		const results: BitSums[] = [];
		for (const request of requests) {
			results.push(await runSum(machine, request));
			// A signal can only fire between turns of the event loop.
			if (signal) await new Promise(setImmediate);
			signal?.throwIfAborted();
			onSum?.();
		}
		return results;
	} catch (error) {
		stop(requests);
		throw error;
	}
}

async function runSum(machine: Machine, { key, section, digits, offset, next }: SumRequest): Promise<BitSums> {
	if (Atomics.load(next, 0) >= digits.windows) return [];
	if (!isLoaded(key)) return runUnloaded(machine, key, { section, digits, offset, next });
	return sumBits(machine, key.points[section], digits, offset, windows(digits, next));
}

/** Reads the section first. */
async function runUnloaded(machine: Machine, key: Source, { section, digits, offset, next }: Omit<SumRequest, "key">): Promise<BitSums> {
	const mark = machine.mark();
	const file = await Sections.open(key, KEY_FORMAT);
	try {
		return sumBits(machine, await readPoints(machine, file, section), digits, offset, windows(digits, next));
	} finally {
		machine.release(mark);
		await file.close();
	}
}

export function isLoaded(key: Source | LoadedKey): key is LoadedKey {
	return typeof key === "object" && "header" in key;
}

function* windows(digits: Digits, next: Int32Array): Generator<number> {
	for (let window = Atomics.add(next, 0, 1); window < digits.windows; window = Atomics.add(next, 0, 1)) yield window;
}

function stop(requests: readonly SumRequest[]): void {
	for (const { digits, next } of requests) Atomics.store(next, 0, digits.windows);
}

/** Threads have no bit in common. */
function mergeBits(parts: readonly BitSums[]): BitSums {
	const longest = Math.max(0, ...parts.map((part) => part.length));
	return Array.from({ length: longest }, (_, bit) => parts.find((part) => part[bit])?.[bit]);
}
