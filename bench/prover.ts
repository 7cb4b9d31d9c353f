/**
 * The Groth16 engine beside snarkjs: the same key and witness, all cores, in processes of their own that run one after the other.
 *
 * The circuit is a chain of squarings, so every wire but the first few is a full-size value and no point of the key is infinity: the
 * dearest witness there is. What our statements prove is mostly small values.
 *
 * Options: `--size 14|16|18|20` for one size, `--peer "COMMAND {zkey} {wtns} {proof} {public}"` to measure a native prover beside.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chainWitness, makeChain } from "../prover/pool/chain.ts";
import { type Case, measure, median } from "./bench.ts";
import { POOL_LOG, run as poolCases } from "./pool.ts";
import type { ProverName, ProverRuns } from "./prover-process.ts";

/** log2 of the domain, the part of snarkjs' CPU seconds that is asked for, and of its wall where one is. */
const SIZES = [
	{ log: 14, bound: 1 / 4, wallBound: 1 / 4 },
	{ log: 16, bound: 1 / 5, wallBound: 1 / 5 },
	{ log: 18, bound: 1 / 4.3, wallBound: 1 / 4.3 },
	{ log: 20, bound: 1 / 4.3, wallBound: 1 / 4.3 },
] as const;
/** What is measured without `--size`: the largest takes an hour. */
const DEFAULT_LOGS: readonly number[] = [14, 16, 18];
const RUNS = 5;
const COLD_BOUND = 1.3;

/** Paths. */
interface Files {
	readonly zkey: string;
	readonly witness: string;
	readonly folder: string;
}

export async function run(args: readonly string[]): Promise<Case[]> {
	const { values } = parseArgs({ args: [...args], options: { size: { type: "string" }, peer: { type: "string" } } });
	const sizes = SIZES.filter(({ log }) => (values.size === undefined ? DEFAULT_LOGS.includes(log) : log === Number(values.size)));
	if (sizes.length === 0) throw new Error(`bench prover: expected --size ${SIZES.map(({ log }) => log).join(", ")}, got ${values.size}`);
	const folder = await mkdtemp(join(tmpdir(), "openledger-bench-"));
	try {
		const cases: Case[] = [];
		for (const { log, bound, wallBound } of sizes) {
			const files = await chain(log, folder);
			const ours = await child("engine", files, RUNS + 1);
			const peer = await child("snarkjs", files, RUNS + 1);
			cases.push(...casesOf(log, bound, wallBound, ours, peer), await coldCase(log, files, ours));
			if (log === POOL_LOG) cases.push(...(await poolCases()));
			if (values.peer !== undefined) cases.push(...(await nativeCases(log, files, values.peer, ours)));
		}
		return cases;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Runs but the first, which is cold. */
function warm(seconds: readonly number[]): readonly number[] {
	return seconds.slice(1);
}

function sizeOf(log: number): string {
	return `2^${log} constraints, ${availableParallelism()} threads`;
}

function casesOf(log: number, bound: number, wallBound: number, ours: ProverRuns, peer: ProverRuns): Case[] {
	const against = (name: string, unit: string, runs: readonly number[], peerRuns: readonly number[], most: number): Case => {
		const [value, peerValue] = [median(runs), median(peerRuns)];
		return {
			name,
			size: sizeOf(log),
			value: round(value),
			unit,
			peer: "snarkjs",
			peerValue: round(peerValue),
			ratio: round(value / peerValue),
			bar: `<= ${round(most)} of snarkjs`,
			holds: value <= most * peerValue,
			runs,
			note: `snarkjs ${round(peerValue)} ${unit}, ${round(peerValue / value)} times as much`,
		};
	};
	return [
		against("proof", "CPU s", warm(ours.cpuSeconds), warm(peer.cpuSeconds), bound),
		against("proof", "s wall", warm(ours.wallSeconds), warm(peer.wallSeconds), wallBound),
		against("peak memory", "MB", [ours.peakMB], [peer.peakMB], 1),
	];
}

/** Several processes that make one proof. */
async function coldCase(log: number, files: Files, ours: ProverRuns): Promise<Case> {
	const runs: number[] = [];
	for (let i = 0; i < RUNS; i++) runs.push((await child("engine", files, 1)).wallSeconds[0] as number);
	const readStart = performance.now();
	await readFile(files.zkey);
	const readSeconds = (performance.now() - readStart) / 1000;
	const ratio = (median(runs) - readSeconds) / median(warm(ours.wallSeconds));
	return {
		name: "first proof of a process",
		size: sizeOf(log),
		value: round(ratio),
		unit: "times a later one",
		bar: `<= ${COLD_BOUND}`,
		holds: ratio <= COLD_BOUND,
		runs,
		note: "loading the engine, from Node's compile cache, and the key is included; one read of the key's file is not",
	};
}

/** A prover with a command line: every run starts a process that reads the key. */
async function nativeCases(log: number, files: Files, template: string, ours: ProverRuns): Promise<Case[]> {
	const places: Record<string, string> = {
		zkey: files.zkey,
		wtns: files.witness,
		proof: join(files.folder, "proof.json"),
		public: join(files.folder, "public.json"),
	};
	const [command, ...args] = template.split(" ").map((part) => part.replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole));
	const runs: { cpuSeconds: number; wallSeconds: number }[] = [];
	for (let i = 0; i <= RUNS; i++) {
		const measured = await measure(command as string, args);
		if (measured.code !== 0) throw new Error(`bench prover: expected ${command} to make proofs, got exit code ${measured.code}`);
		runs.push(measured);
	}
	const peakMB = await nativePeakMB(command as string, args);
	const beside = (unit: string, value: number, seconds: readonly number[]): Case => ({
		name: "proof",
		size: sizeOf(log),
		value: round(value),
		unit,
		peer: command as string,
		peerValue: round(median(seconds)),
		ratio: round(value / median(seconds)),
		bar: "none: measured beside",
		holds: true,
		runs: seconds,
		note: `${command} ${round(median(seconds))} ${unit}, with process start and key; peak memory ${peakMB === undefined ? "unknown" : `${round(peakMB)} MB`}`,
	});
	return [
		beside(
			"CPU s",
			median(warm(ours.cpuSeconds)),
			runs.slice(1).map(({ cpuSeconds }) => cpuSeconds),
		),
		beside(
			"s wall",
			median(warm(ours.wallSeconds)),
			runs.slice(1).map(({ wallSeconds }) => wallSeconds),
		),
	];
}

/** Linux only: the high-water mark, read while the process runs. */
async function nativePeakMB(command: string, args: readonly string[]): Promise<number | undefined> {
	const native = spawn(command, args, { stdio: "ignore" });
	let peak: number | undefined;
	const timer = setInterval(async () => {
		const status = await readFile(`/proc/${native.pid}/status`, "utf8").catch(() => "");
		const mark = /VmHWM:\s*(\d+) kB/.exec(status)?.[1];
		if (mark !== undefined) peak = Math.max(peak ?? 0, Number(mark) / 1024);
	}, 10);
	await new Promise((resolve) => native.on("close", resolve).on("error", resolve));
	clearInterval(timer);
	return peak;
}

function round(value: number): number {
	return Math.round(value * 1000) / 1000;
}

/** Key and witness of the chain. */
async function chain(log: number, folder: string): Promise<Files> {
	const { circuit, key } = await makeChain(log);
	const witness = join(folder, `chain-${log}.wtns`);
	await writeFile(witness, await chainWitness(circuit));
	return { zkey: key.path, witness, folder };
}

async function child(prover: ProverName, { zkey, witness, folder }: Files, proofs: number): Promise<ProverRuns> {
	const script = fileURLToPath(new URL("./prover-process.ts", import.meta.url));
	// As the command line does; the sources would else be translated by every process again.
	const env = { NODE_COMPILE_CACHE: join(folder, "compile-cache") };
	const { code, stdout } = await measure(process.execPath, [script, prover, zkey, witness, String(proofs)], { env });
	if (code !== 0) throw new Error(`bench prover: expected ${prover} to make proofs, got exit code ${code}`);
	return JSON.parse(stdout);
}
