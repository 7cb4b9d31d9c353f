/**
 * The process of a prover that bench/prover.ts measures: `prover-process.ts PROVER ZKEY WTNS PROOFS`. Prints what the proofs took as JSON.
 *
 * The first proof is cold: it includes loading the engine, starting threads and reading the key.
 */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { LoadedKey } from "../prover/engine/key.ts";

/** What the process prints. */
export interface ProverRuns {
	/** of each proof */
	readonly cpuSeconds: readonly number[];
	readonly wallSeconds: readonly number[];
	/** wall seconds of the proofs but the first of each worker, divided by their number */
	readonly secondsPerProof: number;
	readonly peakMB: number;
}

export type ProverName = "engine" | "engine-one" | "engine-two" | "snarkjs";

type Prove = (zkey: string, witness: string) => Promise<unknown>;

const PROVERS: Record<"engine" | "snarkjs", () => Promise<{ prove: Prove; close(): Promise<void> }>> = {
	/** The key is loaded once, as the pool does. */
	async engine() {
		const { Helpers } = await import("../prover/engine/helpers.ts");
		const helpers = availableParallelism() > 1 ? new Helpers(availableParallelism() - 1) : undefined;
		helpers?.start();
		const [{ prove }, { loadKey }] = await Promise.all([import("../prover/engine/groth16.ts"), import("../prover/engine/key.ts")]);
		const options = helpers ? { helpers } : {};
		let key: LoadedKey | undefined;
		return {
			prove: async (zkey, witness) => {
				key ??= await loadKey(zkey, options);
				return prove(key, witness, options);
			},
			close: async () => helpers?.close(),
		};
	},
	async snarkjs() {
		const { loadFfjavascript } = await import("../prover/engine.ts");
		const { buildBn128 } = await loadFfjavascript();
		const { groth16 } = await import("snarkjs");
		const curve = await buildBn128(false);
		return { prove: (zkey, witness) => groth16.prove(zkey, witness), close: () => curve.terminate() };
	},
};

async function prover(name: "engine" | "snarkjs", zkey: string, witness: string, proofs: number): Promise<ProverRuns> {
	const cpuSeconds: number[] = [];
	const wallSeconds: number[] = [];
	let opened: { prove: Prove; close(): Promise<void> } | undefined;
	for (let i = 0; i < proofs; i++) {
		const [wall, cpu] = [performance.now(), process.cpuUsage()];
		opened ??= await PROVERS[name]();
		await opened.prove(zkey, witness);
		const { user, system } = process.cpuUsage(cpu);
		cpuSeconds.push((user + system) / 1e6);
		wallSeconds.push((performance.now() - wall) / 1000);
	}
	await opened?.close();
	const later = wallSeconds.slice(1);
	return { cpuSeconds, wallSeconds, secondsPerProof: later.reduce((sum, value) => sum + value, 0) / later.length, peakMB: peakMB() };
}

/** Several workers at once, one thread each, with one key in shared memory. */
async function workers(count: number, zkey: string, witness: string, proofs: number): Promise<ProverRuns> {
	const { loadKey } = await import("../prover/engine/key.ts");
	const key = await loadKey(zkey);
	const threads = Array.from({ length: count }, () => new Worker(fileURLToPath(import.meta.url), { workerData: { key, witness } }));
	const round = (each: number): Promise<unknown> =>
		Promise.all(
			threads.map((thread) => {
				const done = new Promise((resolve, reject) => thread.once("message", resolve).once("error", reject));
				thread.postMessage(each);
				return done;
			}),
		);
	await round(1);
	const [wall, cpu] = [performance.now(), process.cpuUsage()];
	await round(proofs - 1);
	const { user, system } = process.cpuUsage(cpu);
	const made = count * (proofs - 1);
	const wallSeconds = (performance.now() - wall) / 1000;
	for (const thread of threads) await thread.terminate();
	return { cpuSeconds: [(user + system) / 1e6 / made], wallSeconds: [wallSeconds], secondsPerProof: wallSeconds / made, peakMB: peakMB() };
}

function peakMB(): number {
	return process.resourceUsage().maxRSS / 1024;
}

async function main([name, zkey, witness, proofs]: readonly string[]): Promise<void> {
	const files = [zkey as string, witness as string, Number(proofs)] as const;
	// The file is in the system's cache for every prover.
	await readFile(zkey as string);
	let runs: ProverRuns;
	if (name === "engine-one") runs = await workers(1, ...files);
	else if (name === "engine-two") runs = await workers(2, ...files);
	else runs = await prover(name as "engine" | "snarkjs", ...files);
	console.log(JSON.stringify(runs));
}

if (isMainThread) {
	await main(process.argv.slice(2));
} else {
	const { prove } = await import("../prover/engine/groth16.ts");
	const { key, witness } = workerData as { key: LoadedKey; witness: string };
	parentPort?.on("message", async (proofs: number) => {
		for (let i = 0; i < proofs; i++) await prove(key, witness);
		parentPort?.postMessage("done");
	});
}
