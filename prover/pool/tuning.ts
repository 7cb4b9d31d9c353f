/**
 * Measures how this machine proves best: threads for each proof and proofs at once, for each size of circuit.
 *
 * Each trial is a process of its own, so that its peak of memory is its own and nothing is warm that should not be. The best for a job alone is
 * the fastest proof; the best for many is what gives the most proofs a second, and among those within {@link TIE} of it what takes the least
 * memory. The width of the sums' windows is not tried: the engine picks it by cost for each witness.
 */
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ProverError, unpackError } from "../errors.ts";
import { scriptBeside } from "../script.ts";
import { makeChain } from "./chain.ts";
import { defaultMemory, predictMemory, readKeySize } from "./memory.ts";
import { fingerprint, type Profile, readProfile, type SizeProfile, type Trial, writeProfile } from "./profile.ts";
import type { TrialTask } from "./trial.ts";
import type { Outcome } from "./worker.ts";

export interface TuneOptions {
	/** log2 of the domains, each in `[4, 27)`; default 12, 14, 16 */
	readonly sizes?: readonly number[];
	/** fewer proofs for each trial: quicker, and noisier */
	readonly quick?: boolean;
	/** where the profile goes; default: the cache */
	readonly path?: string;
	/** the cache for circuits and keys */
	readonly root?: string;
	readonly signal?: AbortSignal;
	/** @param done trials so far, over all sizes */
	readonly onProgress?: (done: number, total: number, note: string) => void;
}

/** A faster way must win by this much to be worth its memory. */
const TIE = 1.03;
const RUNS = { quick: 2, full: 5 } as const;

/**
 * Measures and writes the profile. Sizes of an older profile of the same machine are kept.
 * @returns the profile as written
 * @throws the signal's reason; ProverError `pool.crashed` when a trial fails
 */
export async function tune(options: TuneOptions = {}): Promise<Profile> {
	const { sizes = [12, 14, 16], signal, onProgress, path } = options;
	const ways = waysOf(availableParallelism());
	const total = sizes.length * ways.length;
	const measured: SizeProfile[] = [];
	for (const [index, log] of sizes.entries()) {
		const done = index * ways.length;
		onProgress?.(done, total, `2^${log}: circuit and key`);
		const files = { ...(options.root ? { root: options.root } : {}), ...(signal ? { signal } : {}) };
		const { circuit, key } = await makeChain(log, files);
		const size = await readKeySize(key.path);
		const fitting = ways.filter(({ proofs, threads }) => proofs * predictMemory(size, threads, true) <= defaultMemory());
		if (fitting.length === 0) {
			throw new ProverError("pool.memory", `tune: expected a proof of 2^${log} to fit the memory of this machine, got none`, {
				hint: "leave this size out",
			});
		}
		const trials: Trial[] = [];
		for (const [number, { proofs, threads }] of fitting.entries()) {
			onProgress?.(done + number, total, `2^${log}: ${proofs} at once, ${threads} threads each`);
			const runs = proofs * (options.quick ? RUNS.quick : RUNS.full);
			trials.push(await runTrial({ circuit, key, proofs, threads, runs }, signal));
		}
		measured.push(bestOf(log, trials));
	}
	onProgress?.(total, total, "measured");
	const machine = fingerprint();
	const kept = olderSizes(path, machine).filter(({ log }) => !sizes.includes(log));
	const profile: Profile = {
		schema: "openledger.pool.profile.v1",
		machine,
		made: new Date().toISOString(),
		sizes: [...kept, ...measured].sort((a, b) => a.log - b.log),
	};
	await writeProfile(profile, path);
	return profile;
}

/**
 * What is tried: one proof on 1, 2, 4, ... and all cores, and as many of these at once as the cores hold.
 * @param cores at least 1
 */
export function waysOf(cores: number): Pick<Trial, "proofs" | "threads">[] {
	const ways = new Map<string, Pick<Trial, "proofs" | "threads">>();
	for (let threads = 1; threads <= cores; threads = threads === cores ? cores + 1 : Math.min(cores, 2 * threads)) {
		for (const proofs of [1, Math.floor(cores / threads)]) ways.set(`${proofs}/${threads}`, { proofs, threads });
	}
	return [...ways.values()];
}

/**
 * @param trials at least one with a single proof
 * @returns the best of them
 */
export function bestOf(log: number, trials: readonly Trial[]): SizeProfile {
	const fastest = (among: readonly Trial[]): Trial =>
		among.reduce((best, trial) => (trial.secondsPerProof < best.secondsPerProof ? trial : best));
	const limit = TIE * fastest(trials).secondsPerProof;
	const { proofs, threads } = trials
		.filter(({ secondsPerProof }) => secondsPerProof <= limit)
		.reduce((best, trial) => (trial.peakBytes < best.peakBytes ? trial : best));
	return { log, single: fastest(trials.filter((trial) => trial.proofs === 1)).threads, batch: { proofs, threads }, trials };
}

async function runTrial(task: TrialTask, signal: AbortSignal | undefined): Promise<Trial> {
	const args = [fileURLToPath(scriptBeside(import.meta.url, "trial")), JSON.stringify(task)];
	const child = promisify(execFile)(process.execPath, args, signal ? { signal } : {});
	const { stdout } = await child.catch((cause: { code: unknown; signal: unknown }) => {
		signal?.throwIfAborted();
		const got = `exit code ${cause.code}, signal ${cause.signal}`;
		throw new ProverError("pool.crashed", `tune: expected ${task.proofs} proofs at once to be made, got ${got}`, { cause });
	});
	const outcome: Outcome<Trial> = JSON.parse(stdout);
	if (!outcome.ok) throw unpackError(outcome.error);
	return outcome.value;
}

/**
 * What an older profile is still good for.
 * @returns its sizes if it was measured on the same machine; none when there is no profile, or one that cannot be read
 */
export function olderSizes(path: string | undefined, machine: Profile["machine"]): readonly SizeProfile[] {
	try {
		const older = readProfile(path);
		return older && JSON.stringify(older.machine) === JSON.stringify(machine) ? older.sizes : [];
	} catch {
		return [];
	}
}
