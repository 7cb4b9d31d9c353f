/**
 * Development setup: a key and its check, in processes of their own, all cores. `--size N` takes one size of 2^N constraints.
 *
 * What compiling the circuit takes is not counted: it is cached, and takes circom minutes at 2^20.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CompiledCircuit, compileCircuit } from "../prover/compile.ts";
import { chainCircuit } from "../prover/pool/chain.ts";
import { checkDevelopmentKey } from "../prover/setup/check.ts";
import { DEVELOPMENT_SEED, deriveSecrets } from "../prover/setup/secrets.ts";
import { writeDevelopmentKey } from "../prover/setup.ts";
import { atMost, type Case, measure, median } from "./bench.ts";

/** log2 of the domain, CPU seconds that are asked for, and runs. */
const SIZES = [
	{ log: 16, bound: 5, runs: 3 },
	{ log: 18, bound: 20, runs: 3 },
	{ log: 20, bound: 90, runs: 1 },
] as const;

/** What a child process prints; the whole process counts. */
interface Run {
	readonly cpuSeconds: number;
	readonly wallSeconds: number;
	readonly peakMB: number;
}

export async function run(args: readonly string[]): Promise<Case[]> {
	const at = args.indexOf("--size");
	const wanted = at < 0 ? undefined : Number(args[at + 1]);
	const sizes = SIZES.filter(({ log }) => wanted === undefined || log === wanted);
	if (sizes.length === 0)
		throw new RangeError(`bench setup: expected --size ${SIZES.map(({ log }) => log).join(", ")}, got ${args[at + 1]}`);
	const folder = await mkdtemp(join(tmpdir(), "openledger-bench-"));
	try {
		const cases: Case[] = [];
		for (const { log, bound, runs } of sizes) {
			await compileCircuit(chainCircuit(log));
			const made: Run[] = [];
			const checked: Run[] = [];
			for (let i = 0; i < runs; i++) {
				const path = join(folder, `${log}.zkey`);
				made.push(await child("make", log, path));
				checked.push(await child("check", log, path));
				await rm(path);
			}
			cases.push(...casesOf(log, bound, made, checked));
		}
		return cases;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function casesOf(log: number, bound: number, made: readonly Run[], checked: readonly Run[]): Case[] {
	const size = `2^${log} constraints, ${availableParallelism()} threads`;
	const shown = (name: string, unit: string, runs: readonly number[]): Case => ({
		name,
		size,
		value: Math.round(median(runs) * 1000) / 1000,
		unit,
		bar: "-",
		holds: true,
		runs,
	});
	const cpu = (runs: readonly Run[]): number[] => runs.map(({ cpuSeconds }) => cpuSeconds);
	return [
		atMost("development key", size, "CPU s", cpu(made), bound),
		shown(
			"development key",
			"s wall",
			made.map(({ wallSeconds }) => wallSeconds),
		),
		shown(
			"development key, peak memory",
			"MB",
			made.map(({ peakMB }) => peakMB),
		),
		shown("check of the key", "CPU s", cpu(checked)),
		shown(
			"check of the key, peak memory",
			"MB",
			checked.map(({ peakMB }) => peakMB),
		),
	];
}

async function child(task: keyof typeof TASKS, log: number, path: string): Promise<Run> {
	const { code, stdout, wallSeconds } = await measure(process.execPath, [
		"--disable-warning=ExperimentalWarning",
		fileURLToPath(import.meta.url),
		task,
		`${log}`,
		path,
	]);
	if (code !== 0) throw new Error(`bench setup: expected to ${task} a key of 2^${log}, got exit code ${code}`);
	return { ...JSON.parse(stdout), wallSeconds };
}

const TASKS = {
	make: (path: string, compiled: CompiledCircuit) => writeDevelopmentKey(path, compiled, deriveSecrets(DEVELOPMENT_SEED)),
	check: (path: string, compiled: CompiledCircuit) => checkDevelopmentKey(path, compiled.r1cs, { compiled }),
};

/** The child process. */
async function main([task, log, path]: readonly string[]): Promise<void> {
	await TASKS[task as keyof typeof TASKS](path as string, await compileCircuit(chainCircuit(Number(log))));
	const { user, system } = process.cpuUsage();
	console.log(JSON.stringify({ cpuSeconds: (user + system) / 1e6, peakMB: process.resourceUsage().maxRSS / 1024 }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
