/** Multiples of the generators, in chunks, on all threads, handed over as they come. */
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import { WORD } from "../bn254.ts";
import { windowBits } from "../engine/fixed-base.ts";
import { KEY_BYTES } from "../engine/msm.ts";
import { unpackError } from "../errors.ts";
import { scriptBeside } from "../script.ts";
import type { PointSections } from "./scalars.ts";
import { type MultiplyOutcome, type MultiplyTask, multiplyGenerators, type Tables } from "./worker.ts";

export interface MultiplesOptions {
	/** worker threads; default: one per core */
	readonly threads?: number;
	readonly signal?: AbortSignal;
	/** counts multiplications */
	readonly report?: (done: number, total: number) => void;
}

/** Points of a section, at their place. */
export type TakePoints = (section: number, points: Uint8Array, offset: number) => Promise<void>;

const CHUNK = 8192;
/** Below this many multiplications starting threads costs more than it saves. */
const INLINE = 20_000;

/**
 * Computes the points of sections.
 * @param take gets each chunk with its offset in bytes, in no certain order
 * @throws ProverError `setup.failed` when a thread fails; what `take` throws; the signal's reason
 */
export async function multiplySections(all: readonly PointSections[], take: TakePoints, options: MultiplesOptions = {}): Promise<void> {
	const { signal, report } = options;
	const threads = options.threads ?? availableParallelism();
	const chunks = all.flatMap(({ sections, scalars }) =>
		Array.from({ length: Math.ceil(scalars.length / WORD / CHUNK) }, (_, i) => ({
			sections,
			first: i * CHUNK,
			scalars: scalars.subarray(i * CHUNK * WORD, (i + 1) * CHUNK * WORD),
		})),
	);
	const total = all.reduce((sum, { sections, scalars }) => sum + (sections.length * scalars.length) / WORD, 0);
	const pool =
		total < INLINE
			? undefined
			: new Piscina({ filename: scriptBeside(import.meta.url, "worker").href, minThreads: threads, maxThreads: threads });
	const bits = windowBits(total / (pool ? threads : 1));
	const tables: Tables = new Map();
	let done = 0;
	let next = 0;
	let failed = false;
	const lane = async (): Promise<void> => {
		while (next < chunks.length && !failed) {
			const { sections, first, scalars } = chunks[next++] as (typeof chunks)[number];
			try {
				signal?.throwIfAborted();
				const task = { groups: sections.map(({ group }) => group), bits, scalars };
				const points = pool ? await runInPool(pool, task, signal) : await multiplyGenerators(task, tables);
				for (const [i, { section, group }] of sections.entries()) await take(section, points[i] as Uint8Array, first * KEY_BYTES[group]);
			} catch (error) {
				failed = true;
				throw signal?.aborted ? signal.reason : error;
			}
			done += (sections.length * scalars.length) / WORD;
			report?.(done, total);
		}
	};
	try {
		// Two chunks in flight per thread keep it busy and bound the memory.
		const lanes = await Promise.allSettled(Array.from({ length: pool ? 2 * threads : 1 }, lane));
		for (const outcome of lanes) if (outcome.status === "rejected") throw outcome.reason;
	} finally {
		await pool?.destroy();
	}
}

async function runInPool(pool: Piscina, task: MultiplyTask, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
	const outcome: MultiplyOutcome = await pool.run(task, { name: "multiply", ...(signal ? { signal } : {}) });
	if (!outcome.ok) throw unpackError(outcome.error);
	return outcome.value;
}
