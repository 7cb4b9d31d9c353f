/** The process of one trial: a pool that proves the chain again and again, measured. Its argument is a {@link TrialTask} as JSON. */
import type { CompiledCircuit } from "../compile.ts";
import { packError } from "../errors.ts";
import type { ProvingKey } from "../setup.ts";
import { CHAIN_INPUTS } from "./chain.ts";
import { ProverPool } from "./pool.ts";
import type { Trial } from "./profile.ts";
import type { Outcome } from "./worker.ts";

/** What is tried. */
export interface TrialTask {
	readonly circuit: CompiledCircuit;
	readonly key: ProvingKey;
	/** at once */
	readonly proofs: number;
	readonly threads: number;
	/** proofs that are measured, after one for each place that are not */
	readonly runs: number;
}

async function run({ circuit, key, proofs, threads, runs }: TrialTask): Promise<Trial> {
	await using pool = new ProverPool({ workers: proofs });
	const job = { circuit, key, inputs: CHAIN_INPUTS, context: `0x${"00".repeat(32)}`, words: [], threads } as const;
	const prove = (count: number): Promise<unknown> => Promise.all(Array.from({ length: count }, () => pool.prove(job)));
	await prove(proofs);
	const [wall, cpu] = [performance.now(), process.cpuUsage()];
	await prove(runs);
	const seconds = (performance.now() - wall) / 1000;
	const { user, system } = process.cpuUsage(cpu);
	return {
		proofs,
		threads,
		secondsPerProof: seconds / runs,
		cpuSecondsPerProof: (user + system) / 1e6 / runs,
		// libuv counts in KiB on every platform.
		peakBytes: process.resourceUsage().maxRSS * 1024,
	};
}

let outcome: Outcome<Trial>;
try {
	outcome = { ok: true, value: await run(JSON.parse(process.argv[2] as string)) };
} catch (error) {
	outcome = { ok: false, error: packError(error, "engine.failed") };
}
console.log(JSON.stringify(outcome));
