/** Whole jobs on handwritten digits, as any backend does them. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Rows } from "../../circuits/statistics.ts";
import type { Adapter, Backend } from "../../compute/backend.ts";
import { readTable } from "../../compute/dataset.ts";
import { root } from "../bench.ts";
import { trainPerceptron } from "./perceptron.ts";

const DATA = process.env.OPENLEDGER_DATA ?? join(root, "../shared/data");
const TRAIN = join(DATA, "mnist/train-images-idx3-ubyte.gz");
const TEST = join(DATA, "mnist/t10k-images-idx3-ubyte.gz");

/** Files that the jobs read. */
export const FILES: readonly string[] = [TRAIN, TEST];

const PIXELS = 784;
const CLASSES = 10;

export interface Job {
	readonly title: string;
	readonly size: string;
	/** Multiplications and additions. */
	readonly operations: number;
	/** Numbers of threads that share it. */
	readonly threads: readonly number[];
	/** Whether it makes the same on every backend. */
	readonly exact: boolean;
	/** Reads the rows. */
	prepare(): Promise<Run>;
}

/** Does the job, and gives what it made. */
type Run = (backend: Backend) => Promise<readonly (Float64Array | Uint32Array | Int32Array)[]>;

export const JOBS = {
	gram: {
		title: "exact Gram statistics",
		size: "60,000 x 785 bytes",
		operations: 60_000 * 785 * 786,
		threads: [1, 2],
		exact: true,
		prepare: gram,
	},
	neighbours: {
		title: "exact squared distances and the five nearest rows",
		size: "60,000 x 10,000 rows of 784 bytes",
		operations: 2 * 60_000 * 10_000 * 784,
		threads: [1, 2],
		exact: true,
		prepare: neighbours,
	},
	training: {
		title: "training by the kernels of the interface, MLP 784-128-64-10, 50 epochs, batches of 64",
		size: "5,000 rows of MNIST",
		operations: 50 * 5000 * 6 * (784 * 128 + 128 * 64 + 64 * 10),
		threads: [1],
		exact: false,
		prepare: training,
	},
} as const satisfies Record<string, Job>;

export type JobName = keyof typeof JOBS;

/** What a process that did a job says. */
export interface JobRuns {
	readonly adapter: Adapter;
	/** Wall and processor seconds of each run but the first. */
	readonly seconds: readonly number[];
	readonly cpuSeconds: readonly number[];
	/** The most memory that the process held, with the rows. */
	readonly peakMB: number;
	/** SHA-256 of what the job made: the same for all that is exact. */
	readonly digest: string;
}

/** Does a job several times, after a run that starts threads and compiles. */
export async function runJob(backend: Backend, name: JobName, runs: number): Promise<JobRuns> {
	const job = await JOBS[name].prepare();
	const [seconds, cpuSeconds]: [number[], number[]] = [[], []];
	const hash = createHash("sha256");
	for (const array of await job(backend)) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
	for (let run = 0; run < runs; run++) {
		const [wall, cpu] = [performance.now(), process.cpuUsage()];
		await job(backend);
		const { user, system } = process.cpuUsage(cpu);
		seconds.push((performance.now() - wall) / 1000);
		cpuSeconds.push((user + system) / 1e6);
	}
	const peakMB = (process.resourceUsage().maxRSS * 1024) / 1e6;
	return { adapter: backend.adapter, seconds, cpuSeconds, peakMB, digest: hash.digest("hex") };
}

/** Exact Gram statistics of all pixels and a constant. */
async function gram(): Promise<Run> {
	const { rows: pixels, labels, n } = await readTable(TRAIN);
	const d = PIXELS + 1;
	const x = new Uint8Array(n * d).fill(255);
	for (let i = 0; i < n; i++) x.set(pixels.subarray(i * PIXELS, (i + 1) * PIXELS), i * d);
	const rows: Rows = { x, label: labels, weight: new Uint8Array(n).fill(1), count: n };
	return async (backend) => {
		const { a, b } = await backend.statistics(rows, d, CLASSES);
		return [a, b];
	};
}

/** The five nearest training rows of each test row. */
async function neighbours(): Promise<Run> {
	const [train, test] = await Promise.all(
		FILES.map(async (path) => {
			const { rows, n } = await readTable(path);
			return { values: rows as Uint8Array, rows: n, columns: PIXELS };
		}),
	);
	return async (backend) => {
		const { indices, distances } = await backend.nearest(train as never, test as never, 5);
		return [indices, distances];
	};
}

async function training(): Promise<Run> {
	const { rows, labels } = await readTable(TRAIN);
	const n = 5000;
	const pixels = Float32Array.from(rows.subarray(0, n * PIXELS), (pixel) => pixel / 255);
	return async (backend) => {
		const loss = await trainPerceptron(backend, pixels, labels.slice(0, n));
		if (!(loss < 0.2)) throw new Error(`training: expected a loss below 0.2 nats, got ${loss}`);
		return [];
	};
}
