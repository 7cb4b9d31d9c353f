/**
 * The Groth16 engine beside snarkjs: the same key and witness, all cores, in processes of their own that run one after the other. The circuit
 * is a chain of squarings, the dearest witness there is (prover/pool/chain.ts).
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadFfjavascript } from "../prover/engine.ts";
import { chainWitness, makeChain } from "../prover/pool/chain.ts";
import { type Case, measure, median } from "./bench.ts";

/** log2 of the domain, and the part of snarkjs' time that is asked for. */
const SIZES = [
	{ log: 14, bound: 1 / 4 },
	{ log: 16, bound: 1 / 5 },
	{ log: 18, bound: 1 / 4.3 },
] as const;
const RUNS = 4;
const COLD_BOUND = 1.3;

/** What a child process prints. */
interface Runs {
	/** the first one is cold: it includes loading the engine */
	readonly cpuSeconds: readonly number[];
	readonly wallSeconds: readonly number[];
	/** wall seconds to read the key once */
	readonly readSeconds: number;
	readonly peakMB: number;
}

type Prover = (zkey: string, witness: string) => Promise<unknown>;

export async function run(): Promise<Case[]> {
	const folder = await mkdtemp(join(tmpdir(), "openledger-bench-"));
	try {
		const cases: Case[] = [];
		for (const { log, bound } of SIZES) {
			const { circuit, key } = await makeChain(log);
			const witness = join(folder, `chain-${log}.wtns`);
			await writeFile(witness, await chainWitness(circuit));
			const files = [key.path, witness];
			const ours = await child("engine", files);
			const peer = await child("snarkjs", files);
			cases.push(...casesOf(log, bound, ours, peer));
		}
		return cases;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function casesOf(log: number, bound: number, ours: Runs, peer: Runs): Case[] {
	const size = `2^${log} constraints, ${availableParallelism()} threads`;
	const warm = (seconds: readonly number[]): number => median(seconds.slice(1));
	const against = (name: string, unit: string, runs: readonly number[], value: number, peerValue: number, most: number): Case => ({
		name,
		size,
		value: round(value),
		unit,
		peer: "snarkjs",
		peerValue: round(peerValue),
		ratio: round(value / peerValue),
		bar: `<= ${round(most)} of snarkjs`,
		holds: value <= most * peerValue,
		runs,
		note: `snarkjs ${round(peerValue)} ${unit}, ${round(peerValue / value)} times as much`,
	});
	const cold = (ours.wallSeconds[0] as number) - ours.readSeconds;
	return [
		against("proof", "CPU s", ours.cpuSeconds.slice(1), warm(ours.cpuSeconds), warm(peer.cpuSeconds), bound),
		against("proof", "s wall", ours.wallSeconds.slice(1), warm(ours.wallSeconds), warm(peer.wallSeconds), bound),
		against("peak memory", "MB", [ours.peakMB], ours.peakMB, peer.peakMB, 1),
		{
			name: "first proof of a process",
			size,
			value: round(cold / warm(ours.wallSeconds)),
			unit: "times a later one",
			bar: `<= ${COLD_BOUND}`,
			holds: cold <= COLD_BOUND * warm(ours.wallSeconds),
			runs: [ours.wallSeconds[0] as number],
			note: "loading the engine is included, reading the key is not",
		},
	];
}

function round(value: number): number {
	return Math.round(value * 1000) / 1000;
}

async function child(prover: keyof typeof PROVERS, files: readonly string[]): Promise<Runs> {
	const { code, stdout } = await measure(process.execPath, [fileURLToPath(import.meta.url), prover, ...files]);
	if (code !== 0) throw new Error(`bench prover: expected ${prover} to make proofs, got exit code ${code}`);
	return JSON.parse(stdout);
}

/** Each loads its engine when it is first called, and returns what ends its threads. */
const PROVERS = {
	async engine(): Promise<{ prove: Prover; close(): Promise<void> }> {
		const { prove } = await import("../prover/engine/groth16.ts");
		const { Helpers } = await import("../prover/engine/helpers.ts");
		const helpers = availableParallelism() > 1 ? new Helpers(availableParallelism() - 1) : undefined;
		return {
			prove: (zkey, witness) => prove(zkey, witness, helpers ? { helpers } : {}),
			close: async () => helpers?.close(),
		};
	},
	async snarkjs(): Promise<{ prove: Prover; close(): Promise<void> }> {
		const { buildBn128 } = await loadFfjavascript();
		const { groth16 } = await import("snarkjs");
		const curve = await buildBn128(false);
		return { prove: (zkey, witness) => groth16.prove(zkey, witness), close: () => curve.terminate() };
	},
};

/** The child process. */
async function main([name, zkey, witness]: readonly string[]): Promise<void> {
	const readStart = performance.now();
	await readFile(zkey as string);
	const readSeconds = (performance.now() - readStart) / 1000;
	const cpuSeconds: number[] = [];
	const wallSeconds: number[] = [];
	let prover: { prove: Prover; close(): Promise<void> } | undefined;
	for (let i = 0; i <= RUNS; i++) {
		const [wall, cpu] = [performance.now(), process.cpuUsage()];
		prover ??= await PROVERS[name as keyof typeof PROVERS]();
		await prover.prove(zkey as string, witness as string);
		const { user, system } = process.cpuUsage(cpu);
		cpuSeconds.push((user + system) / 1e6);
		wallSeconds.push((performance.now() - wall) / 1000);
	}
	await prover?.close();
	const result: Runs = { cpuSeconds, wallSeconds, readSeconds, peakMB: process.resourceUsage().maxRSS / 1024 };
	console.log(JSON.stringify(result));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
