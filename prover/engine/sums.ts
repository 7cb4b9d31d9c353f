/** Sums over a section of a key, as tasks that any thread can run. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { KeyError } from "../errors.ts";
import type { Helpers } from "./helpers.ts";
import type { GroupName } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import { type BitSums, type Digits, loadPoints, sumBits } from "./msm.ts";
import { type Format, Sections, type Source } from "./sections.ts";

/** `sum s_i P_i` over the points of a section. */
export interface SumRequest {
	readonly zkey: Source;
	readonly section: number;
	readonly group: GroupName;
	/** over shared memory */
	readonly digits: Digits;
	/** the digits that belong to the first point */
	readonly offset: number;
}

/** The part of a sum that some windows make. Plain data: it can be sent to a thread, which copies a key in memory unless that is shared. */
export interface SumTask extends SumRequest {
	/** first window and end */
	readonly windows: readonly [first: number, end: number];
}

/** Who helps, and who watches. */
export interface SumOptions {
	readonly helpers?: Helpers;
	readonly signal?: AbortSignal;
	readonly onProgress?: (done: number, total: number) => void;
}

/** snarkjs' proving keys. */
export const KEY_FORMAT: Format = {
	letters: "zkey",
	versions: [1, 2],
	missing: (message, cause) => new KeyError("key.missing", message, { cause }),
	malformed: (message) => new KeyError("key.format", message),
	truncated: (message) => new KeyError("key.truncated", message, { hint: "delete the file and make the key again" }),
};

/**
 * @returns see {@link sumBits}
 * @throws KeyError `key.*` when the section cannot be read or holds a point off the curve
 */
export async function runSum(machine: Machine, { zkey, section, group, digits, offset, windows }: SumTask): Promise<BitSums> {
	const mark = machine.mark();
	const key = await Sections.open(zkey, KEY_FORMAT);
	try {
		const points = loadPoints(machine, group, await key.read(section), `the points of section ${section} of ${key.name}`);
		return sumBits(machine, points, digits, offset, windows);
	} finally {
		machine.release(mark);
		await key.close();
	}
}

/**
 * Computes sums here and on other threads.
 * @param early what can be computed at once
 * @param late computed on this thread, then its sum
 * @returns the early sums in order, then the late one
 * @throws the first error of a part; the signal's reason
 */
export async function runSums(
	machine: Machine,
	{ helpers, signal, onProgress }: SumOptions,
	early: readonly SumRequest[],
	late: () => Promise<SumRequest>,
): Promise<BitSums[]> {
	const results: BitSums[][] = [];
	const queue: { readonly result: BitSums[]; readonly task: SumTask }[] = [];
	const threads = 1 + (helpers?.count ?? 0);
	let [done, total] = [0, threads];
	const push = (request: SumRequest, parts: number): number => {
		const result: BitSums[] = [];
		results.push(result);
		const tasks = split(request, parts);
		for (const task of tasks) queue.push({ result, task });
		return tasks.length;
	};
	// Every part loads all points. A sum in G2 is as dear as three in G1; the last sum is cut so that all threads finish together.
	for (const request of early) total += push(request, request.group === "g2" ? threads : Math.ceil(threads / 2));
	let failed = false;
	const complete = late().then(
		(request) => {
			// Until now counted as one part a thread.
			total += push(request, threads) - threads;
		},
		(error) => {
			failed = true;
			throw error;
		},
	);
	const lane = async (run: (task: SumTask) => Promise<BitSums>): Promise<void> => {
		while (!failed) {
			let next = queue.shift();
			if (!next) {
				await complete;
				next = queue.shift();
			}
			if (!next) return;
			try {
				await nextTurn();
				signal?.throwIfAborted();
				next.result.push(await run(next.task));
				onProgress?.(++done, total);
			} catch (error) {
				failed = true;
				throw error;
			}
		}
	};
	const lanes = Array.from({ length: helpers?.count ?? 0 }, () => lane((task) => (helpers as Helpers).run(machine.program, task)));
	// The machine does one thing at a time.
	lanes.push(complete.then(() => lane((task) => runSum(machine, task))));
	const outcomes = await Promise.allSettled(lanes);
	for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
	return results.map(mergeBits);
}

function split(request: SumRequest, parts: number): SumTask[] {
	const { windows } = request.digits;
	const count = Math.max(1, Math.min(parts, windows));
	const bound = (part: number): number => Math.round((part * windows) / count);
	return Array.from({ length: count }, (_, part) => ({ ...request, windows: [bound(part), bound(part + 1)] as const }));
}

/** Parts have no bit in common. */
function mergeBits(parts: readonly BitSums[]): BitSums {
	const longest = Math.max(0, ...parts.map((part) => part.length));
	return Array.from({ length: longest }, (_, bit) => parts.find((part) => part[bit])?.[bit]);
}
