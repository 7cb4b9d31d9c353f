/**
 * The prover pool: proofs a second against snarkjs, with as many proofs at once as there are cores, one thread each; and what another worker adds to
 * memory. The same plain key and witness for both, in processes of their own that run one after the other. Each proof of the pool is checked
 * before it counts; snarkjs' are not.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadFfjavascript } from "../prover/engine.ts";
import { chainWitness, makePlainKey } from "../prover/pool/chain.ts";
import { predictMemory, readKeySize } from "../prover/pool/memory.ts";
import { type Case, measure, median } from "./bench.ts";

/** log2 of the domain. */
export const POOL_LOG = 16;
const RUNS = 5;
/** Rounds that show the peak of memory. */
const PEAK_RUNS = 2;
const BATCH_BOUND = 6;
const CPU_BOUND = 5;
/** Workers of the larger pool whose memory is compared with that of one worker. */
const MANY = 4;

/** What a child process prints. */
interface Rounds {
	/** wall and processor seconds of each round but the first */
	readonly seconds: readonly number[];
	readonly cpuSeconds: readonly number[];
	readonly peakMB: number;
}

/** One key and witness. */
interface Files {
	readonly zkey: string;
	readonly wtns: string;
}

export async function run(): Promise<Case[]> {
	const folder = await mkdtemp(join(tmpdir(), "openledger-bench-"));
	try {
		const { circuit, zkey } = await makePlainKey(POOL_LOG);
		const files = { zkey, wtns: join(folder, "chain.wtns") };
		await writeFile(files.wtns, await chainWitness(circuit));
		return [...(await throughput(files)), ...(await memory(files))];
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function throughput(files: Files): Promise<Case[]> {
	const cores = availableParallelism();
	const ours = await child("pool", files, cores, "path", RUNS);
	const peer = await child("snarkjs", files, 1, "path", RUNS);
	const size = `2^${POOL_LOG} constraints, ${cores} at once, one thread each`;
	const [value, peerValue] = [cores / median(ours.seconds), 1 / median(peer.seconds)];
	const [cpu, peerCpu] = [median(ours.cpuSeconds) / cores, median(peer.cpuSeconds)];
	return [
		{
			name: "proofs a second",
			size,
			value: round(value),
			unit: "proofs/s",
			peer: "snarkjs, one after the other on all cores",
			peerValue: round(peerValue),
			ratio: round(value / peerValue),
			bar: `>= ${BATCH_BOUND} times snarkjs`,
			holds: value >= BATCH_BOUND * peerValue,
			runs: ours.seconds,
			note: `${round(value / peerValue)} times snarkjs' ${round(peerValue)}; peak ${round(ours.peakMB)} MB, snarkjs ${round(peer.peakMB)} MB`,
		},
		{
			name: "processor time of a proof",
			size,
			value: round(cpu),
			unit: "CPU s",
			peer: "snarkjs",
			peerValue: round(peerCpu),
			ratio: round(cpu / peerCpu),
			bar: `<= ${round(1 / CPU_BOUND)} of snarkjs`,
			holds: cpu * CPU_BOUND <= peerCpu,
			runs: ours.cpuSeconds,
			note: `snarkjs ${round(peerCpu)} CPU s, ${round(peerCpu / cpu)} times as much`,
		},
	];
}

/** What a worker adds, with the key as a file and with the key in memory: it must not bring a key of its own. */
async function memory(files: Files): Promise<Case[]> {
	const keyMB = (await stat(files.zkey)).size / 1e6;
	const bound = predictMemory(await readKeySize(files.zkey), 1, false) / 1e6;
	const cases: Case[] = [];
	for (const source of ["path", "bytes"] as const) {
		const [one, many] = [await child("pool", files, 1, source, PEAK_RUNS), await child("pool", files, MANY, source, PEAK_RUNS)];
		const value = (many.peakMB - one.peakMB) / (MANY - 1);
		cases.push({
			name: `memory of another worker, key as ${source}`,
			size: `2^${POOL_LOG} constraints, from 1 worker to ${MANY}`,
			value: round(value),
			unit: "MB",
			bar: `<= ${round(bound)}`,
			holds: value <= bound,
			runs: [one.peakMB, many.peakMB],
			note: `the bar is what one proof is predicted to take, thread, witness and scratch; the key has ${round(keyMB)} MB`,
		});
	}
	return cases;
}

function round(value: number): number {
	return Math.round(value * 1000) / 1000;
}

async function child(
	prover: keyof typeof PROVERS,
	{ zkey, wtns }: Files,
	workers: number,
	source: "path" | "bytes",
	runs: number,
): Promise<Rounds> {
	const args = [fileURLToPath(import.meta.url), prover, zkey, wtns, String(workers), source, String(runs)];
	const { code, stdout } = await measure(process.execPath, args);
	if (code !== 0) throw new Error(`bench pool: expected ${prover} to make proofs, got exit code ${code}`);
	return JSON.parse(stdout);
}

/** Each makes a round of proofs, and ends its threads. */
const PROVERS = {
	async pool(files: Files, workers: number, source: string): Promise<{ round(): Promise<unknown>; close(): Promise<void> }> {
		const { ProverPool } = await import("../prover/pool/pool.ts");
		const pool = new ProverPool({ workers });
		const zkey = source === "bytes" ? await readFile(files.zkey) : files.zkey;
		const job = { zkey, wtns: files.wtns, threads: "one" } as const;
		return {
			round: () => Promise.all(Array.from({ length: workers }, () => pool.groth16(job))),
			close: () => pool.close(),
		};
	},
	async snarkjs({ zkey, wtns }: Files): Promise<{ round(): Promise<unknown>; close(): Promise<void> }> {
		const { buildBn128 } = await loadFfjavascript();
		const { groth16 } = await import("snarkjs");
		const curve = await buildBn128(false);
		return { round: () => groth16.prove(zkey, wtns), close: () => curve.terminate() };
	},
};

/** The child process. */
async function main([name, zkey, wtns, workers, source, runs]: readonly string[]): Promise<void> {
	const files = { zkey: zkey as string, wtns: wtns as string };
	const prover = await PROVERS[name as keyof typeof PROVERS](files, Number(workers), source as string);
	const seconds: number[] = [];
	const cpuSeconds: number[] = [];
	for (let i = 0; i <= Number(runs); i++) {
		const [wall, cpu] = [performance.now(), process.cpuUsage()];
		await prover.round();
		const { user, system } = process.cpuUsage(cpu);
		// The first round starts threads and compiles.
		if (i === 0) continue;
		seconds.push((performance.now() - wall) / 1000);
		cpuSeconds.push((user + system) / 1e6);
	}
	await prover.close();
	const result: Rounds = { seconds, cpuSeconds, peakMB: (process.resourceUsage().maxRSS * 1024) / 1e6 };
	console.log(JSON.stringify(result));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
