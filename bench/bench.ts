/** What every bench shares: the machine, a measured child process, medians, the printed object. */
import { execFileSync, spawn } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

export interface Case {
	readonly name: string;
	readonly size: string;
	/** Median of `runs`; null when the case could not be run. */
	readonly value: number | null;
	readonly unit: string;
	/** What is measured beside it, or a published figure with its source. */
	readonly peer?: string;
	readonly peerValue?: number;
	readonly ratio?: number;
	/** The figure asked for, as text. */
	readonly bar: string;
	/** Whether this run met it. */
	readonly holds: boolean;
	readonly runs: readonly number[];
	/** Why a case could not be run, or what the figure includes. */
	readonly note?: string;
}

export interface BenchResult {
	readonly machine: {
		readonly cpu: string;
		readonly cores: number;
		readonly memoryGB: number;
		readonly node: string;
		readonly gpu: string | null;
	};
	readonly commit: string;
	readonly cases: readonly Case[];
}

/** Wraps cases with the machine and the commit. */
export function resultOf(cases: readonly Case[]): BenchResult {
	const list = cpus();
	return {
		machine: {
			cpu: list[0]?.model.trim() ?? "unknown",
			cores: list.length,
			memoryGB: Math.round(totalmem() / 2 ** 30),
			node: process.version,
			gpu: graphicsCards(),
		},
		commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim(),
		cases,
	};
}

/** Graphics cards as NVIDIA's driver reports them: name, driver, clock now and at most, clock of the memory; null where there is none. */
export function graphicsCards(): string | null {
	const fields = "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem";
	try {
		return execFileSync("nvidia-smi", [`--query-gpu=${fields}`, "--format=csv,noheader"], { encoding: "utf8", stdio: "pipe" }).trim();
	} catch {
		return null;
	}
}

export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** A case from its runs and an upper bound. */
export function atMost(name: string, size: string, unit: string, runs: readonly number[], bound: number, note?: string): Case {
	const value = Math.round(median(runs) * 1e6) / 1e6;
	return { name, size, value, unit, bar: `<= ${bound}`, holds: value <= bound, runs, ...(note === undefined ? {} : { note }) };
}

export interface Measured {
	readonly code: number | null;
	readonly stdout: string;
	readonly wallSeconds: number;
	/** User and system time of the process and its children. */
	readonly cpuSeconds: number;
}

/** Runs a command and measures it with the shell's own clock, which counts children. Its progress goes to stderr. */
export function measure(
	command: string,
	args: readonly string[],
	options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Measured> {
	return new Promise((resolve, reject) => {
		const script = 'TIMEFORMAT="openledger-time %R %U %S"; time "$@"';
		const child = spawn("bash", ["-c", script, "bash", command, ...args], {
			cwd: options.cwd ?? root,
			env: { ...process.env, ...options.env },
			stdio: ["ignore", "pipe", "pipe"],
		});
		let stdout = "";
		let tail = "";
		child.stdout.on("data", (chunk: Buffer) => {
			stdout += chunk;
		});
		child.stderr.on("data", (chunk: Buffer) => {
			process.stderr.write(chunk);
			tail = (tail + chunk).slice(-2000);
		});
		child.on("error", reject);
		child.on("close", (code) => {
			const times = /openledger-time ([\d.]+) ([\d.]+) ([\d.]+)/.exec(tail);
			const [wall, user, system] = (times?.slice(1).map(Number) ?? [Number.NaN, Number.NaN, Number.NaN]) as [number, number, number];
			resolve({ code, stdout, wallSeconds: wall, cpuSeconds: user + system });
		});
	});
}
