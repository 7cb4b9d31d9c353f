/** Cases of what the processes of trial.ts found. */
import { availableParallelism, loadavg } from "node:os";
import type { Adapter, BackendName } from "../../compute/backend.ts";
import { type Case, graphicsCards, median } from "../bench.ts";
import { DEVICES, limitOf } from "./backends.ts";
import { JOBS, type Job, type JobName, type JobRuns } from "./jobs.ts";
import type { KernelTime } from "./kernel-times.ts";
import { trial } from "./trial.ts";

/** What a job is measured against. */
export interface JobPeer {
	readonly peer: string;
	/** Processor seconds. */
	readonly peerValue: number;
	/** Processor seconds asked for. */
	readonly bound: number;
}

const JOB_RUNS = 3;
const THREADS = [1, 2];
/** Times as fast as `wasm` on two cores that a graphics card must be. */
const SPEEDUP = 20;
const PRODUCTS = 1e9;

/** Jobs on one thread and on two: processor time, wall time, memory, and whether all made the same. */
export async function jobCases(name: JobName, peer: JobPeer): Promise<Case[]> {
	const { title: job, size, exact, threads: counts }: Job = JOBS[name];
	const cases: Case[] = [];
	const digests = new Set<string>();
	let wall = Number.NaN;
	for (const threads of counts) {
		const title = `${job}, ${threads === 1 ? "one thread" : `${threads} threads`}`;
		const runs = await trial("job", "wasm", { name, runs: JOB_RUNS }, { threads });
		if (typeof runs === "string") {
			cases.push(absent(title, size, `<= ${peer.bound}`, runs));
			continue;
		}
		digests.add(runs.digest);
		const value = round(median(runs.cpuSeconds));
		cases.push({
			...{ name: title, size, value, unit: "CPU s", peer: peer.peer, peerValue: peer.peerValue, ratio: round(value / peer.peerValue) },
			...{ bar: `<= ${peer.bound}`, holds: value <= peer.bound, runs: runs.cpuSeconds },
		});
		wall = round(median(runs.seconds));
		cases.push({ name: title, size, value: wall, unit: "s wall", bar: "none", holds: true, runs: runs.seconds, note: load() });
		if (name === "gram") {
			const memory = Math.round(runs.peakMB);
			const note = "peak of a process that reads the rows and does the job";
			cases.push({ name: title, size, value: memory, unit: "MB", bar: "<= 600", holds: memory <= 600, runs: [memory], note });
		}
	}
	cases.push(...(await deviceJobs(name, wall, digests)));
	if (!exact || digests.size === 0) return cases;
	const different = digests.size - 1;
	const same = { size, value: different, unit: "", bar: "<= 0", holds: different === 0, runs: [different] };
	cases.push({ name: `${job}: results that differ by threads or device`, ...same });
	return cases;
}

/** The same on graphics cards. */
async function deviceJobs(name: JobName, wasmSeconds: number, digests: Set<string>): Promise<Case[]> {
	const { title: job, size, operations }: Job = JOBS[name];
	const title = `${job} on a GPU`;
	const bar = `>= ${SPEEDUP} times wasm on two cores`;
	const cases: Case[] = [];
	const { found, why } = await graphics();
	for (const backend of found) {
		const runs = await trial("job", backend, { name, runs: JOB_RUNS });
		if (typeof runs === "string") cases.push(absent(`${title}, ${backend}`, size, bar, runs));
		else cases.push(deviceJob(`${title}, ${backend}`, size, bar, operations, wasmSeconds, runs, digests));
	}
	return cases.length > 0 ? cases : [absent(title, size, bar, why)];
}

function deviceJob(
	name: string,
	size: string,
	bar: string,
	operations: number,
	wasmSeconds: number,
	{ adapter, seconds, digest }: JobRuns,
	digests: Set<string>,
): Case {
	digests.add(digest);
	const value = median(seconds);
	return {
		name,
		size,
		value: round(1000 * value),
		unit: "ms",
		peer: "wasm on its most threads, measured in this run",
		peerValue: round(1000 * wasmSeconds),
		ratio: round(wasmSeconds / value),
		bar,
		holds: wasmSeconds >= SPEEDUP * value,
		runs: seconds.map((one) => round(1000 * one)),
		note: `${share(adapter, operations / value / 1e12, "TFLOP/s")}; rows sent to the device each time; ${onDevice(adapter)}`,
	};
}

/** Integer kernels against the reference. */
export async function exactnessCases(): Promise<Case[]> {
	const cases: Case[] = [];
	const subjects = [...THREADS.map((threads) => ["wasm", threads] as const), ...DEVICES.map((backend) => [backend, 1] as const)];
	for (const [backend, threads] of subjects) {
		const name = `integer kernels on ${label(backend, threads)}: values that are not the reference's`;
		// Small products are shared among threads too.
		const found = await trial("exactness", backend, undefined, { threads, shareFrom: 0 });
		if (typeof found === "string") {
			cases.push(absent(name, `${PRODUCTS} products or more`, "<= 0", found));
			continue;
		}
		for (const { kernel, products, values, mismatches, first } of found.kernels) {
			cases.push({
				...{ name: `${name}, ${kernel}`, size: `${products} products of extremes and alternating signs, ${values} values` },
				...{ value: mismatches, unit: "values", bar: "<= 0", holds: mismatches === 0 && products >= PRODUCTS, runs: [mismatches] },
				note: first ?? `every value compared; ${found.adapter.device}`,
			});
		}
	}
	return cases;
}

/** Kernels by shape on each backend. */
export async function kernelCases(): Promise<Case[]> {
	const subjects: readonly (readonly [BackendName, number, string])[] = [
		["reference", 1, "."],
		["wasm", 1, "."],
		// The others have one thread.
		["wasm", 2, "product$|ghost$"],
		...DEVICES.map((backend) => [backend, 1, "."] as const),
	];
	const cases: Case[] = [];
	const wasm = new Map<string, number>();
	for (const [backend, threads, pattern] of subjects) {
		const found = await trial("kernels", backend, pattern, { threads });
		if (typeof found === "string") {
			cases.push(absent(`kernels on ${label(backend, threads)}`, "all shapes", "none", found));
			continue;
		}
		for (const time of found.times) {
			const key = `${time.kernel} ${time.shape}`;
			if (backend === "wasm" && threads === 1) wasm.set(key, time.milliseconds);
			cases.push(kernelCase(label(backend, threads), found.adapter, time, wasm.get(key)));
		}
	}
	const { found, why } = await graphics();
	if (found.length === 0) cases.push(absent("kernels on a GPU", "all shapes", `>= ${SPEEDUP} times wasm on two cores`, why));
	return cases;
}

function kernelCase(backend: string, adapter: Adapter, time: KernelTime, wasm: number | undefined): Case {
	const { kernel, shape, operations, bytes, runs, milliseconds, wall } = time;
	const isProduct = /product$|ghost$/.test(kernel);
	const speed = `${significant(operations / milliseconds / 1e6)} Gop/s, ${significant(bytes / milliseconds / 1e6)} GB/s`;
	const common = { name: `${kernel} on ${backend}`, size: shape, value: significant(milliseconds), runs: runs.map(significant) };
	if (adapter.software) {
		return { ...common, unit: "CPU ms", bar: "none", holds: true, note: `${speed}; wall ${significant(wall)} ms; ${adapter.device}` };
	}
	const reached = isProduct
		? share(adapter, operations / milliseconds / 1e9, "TFLOP/s")
		: share(adapter, bytes / milliseconds / 1e9, "TB/s");
	// The best that two cores could do.
	const peerValue = significant((wasm ?? Number.NaN) / 2);
	return {
		...{
			...common,
			unit: "ms",
			peer: "half of the CPU ms of wasm, measured in this run",
			peerValue,
			ratio: significant(peerValue / milliseconds),
		},
		...{ bar: `>= ${SPEEDUP} times wasm on two cores`, holds: peerValue >= SPEEDUP * milliseconds },
		note: `${speed}; ${reached}; ${onDevice(adapter)}`,
	};
}

/** Backends that found a graphics card, and in words why the others did not. */
interface Graphics {
	readonly found: readonly BackendName[];
	readonly why: string;
}

let asked: Promise<Graphics> | undefined;

/** Asked once. */
function graphics(): Promise<Graphics> {
	asked ??= (async () => {
		const found: BackendName[] = [];
		const reasons: string[] = [];
		for (const backend of DEVICES) {
			const adapter = await trial("adapter", backend, undefined);
			if (typeof adapter === "string") reasons.push(`${backend}: ${adapter}`);
			else if (adapter.software) reasons.push(`${backend}: a processor, ${adapter.device}`);
			else found.push(backend);
		}
		return { found, why: `no GPU at hand; ${reasons.join("; ")}` };
	})();
	return asked;
}

/** What was reached, and what part of the device's limit that is. */
function share(adapter: Adapter, reached: number, unit: "TFLOP/s" | "TB/s"): string {
	const limit = limitOf(adapter.device)?.[unit === "TB/s" ? "terabytes" : "teraflops"];
	const part = limit === undefined ? "of a device whose limit is not known" : `${significant((100 * reached) / limit)} % of ${limit}`;
	return `${significant(reached)} ${unit}, ${part}`;
}

function onDevice({ device, driver }: Adapter): string {
	return `${device}, ${driver}, ${graphicsCards() ?? "clocks not reported"}`;
}

function label(backend: BackendName, threads: number): string {
	return threads === 1 ? backend : `${backend}, ${threads} threads`;
}

/** A case that could not be run. */
export function absent(name: string, size: string, bar: string, reason: string): Case {
	return { name, size, value: null, unit: "", bar, holds: false, runs: [], note: `not run: ${reason}` };
}

/** What else the machine did. */
function load(): string {
	return `load average ${(loadavg()[0] as number).toFixed(1)} on ${availableParallelism()} cores: the time of a machine that others share`;
}

function round(value: number): number {
	return Math.round(value * 1000) / 1000;
}

function significant(value: number): number {
	return Number(value.toPrecision(3));
}
