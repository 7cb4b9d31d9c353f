/**
 * What the backends do and how fast, in CPU seconds: kernels by shape, whole jobs on one thread, on two and on a graphics card, exactness on
 * adversarial values. Beside them numpy, where OPENLEDGER_PYTHON names a Python that has it.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cholesky } from "../compute/cholesky.ts";
import { readTable } from "../compute/dataset.ts";
import { type Floats, matrix, multiply } from "../compute/matrix.ts";
import { generator } from "../compute/random.ts";
import type { Table } from "../compute/table.ts";
import type { FloatRows } from "../compute/training/network.ts";
import { type TrainOptions, train } from "../compute/training/train.ts";
import { type ByteArithmetic, byteArithmetic, PAIRWISE } from "../compute/wasm/byte-arithmetic.ts";
import { squaredDistances } from "../compute/wasm/distances.ts";
import { type Case, median, root } from "./bench.ts";
import { absent, exactnessCases, type JobPeer, jobCases, kernelCases } from "./compute/cases.ts";
import { FILES, JOBS } from "./compute/jobs.ts";

const RUNS = 5;

type Peer = Partial<Record<"float32" | "float64" | "cholesky" | "gram" | "neighbours", number>>;

/** What numpy took before, in CPU seconds of one core of an AMD EPYC: used where it is not at hand. */
const NUMPY = {
	gram: 0.168,
	neighbours: 5.8,
	note: "numpy 2.4.6 with OpenBLAS in float32, which is not exact; one thread of an AMD EPYC, measured before",
};
/** Of PyTorch for the same training, on two cores. */
const PYTORCH = { seconds: 3.9, note: "PyTorch on two cores, measured before" };

export async function run(): Promise<Case[]> {
	const peer = numpy();
	const cases = [
		await productCase("float32", Float32Array, 40, peer.float32),
		await productCase("float64", Float64Array, 20, peer.float64),
		await byteCase("products of integers of 16 bits", PAIRWISE, 60),
		await byteCase("products of bytes, as this machine does them", byteArithmetic(), 60),
		await choleskyCase(peer.cholesky),
	];
	cases.push(...(await kernelCases()), ...(await exactnessCases()));
	const missing = FILES.find((file) => !existsSync(file));
	if (missing !== undefined) return [...cases, absent("jobs on MNIST", JOBS.gram.size, "all", `${missing} is absent`)];
	const digits = await readTable(FILES[0] as string);
	return [
		...cases,
		...(await trainingCases(digits)),
		...(await jobCases("training", { peer: PYTORCH.note, peerValue: PYTORCH.seconds, bound: 2 * PYTORCH.seconds })),
		...(await jobCases(
			"gram",
			jobPeer("gram", peer.gram, (seconds) => round(2.5 * seconds)),
		)),
		// A part of the test rows, since numpy keeps all distances.
		...(await jobCases(
			"neighbours",
			jobPeer("neighbours", peer.neighbours && 10 * peer.neighbours, () => 150),
		)),
	];
}

function jobPeer(name: "gram" | "neighbours", measured: number | undefined, bound: (seconds: number) => number): JobPeer {
	const seconds = measured ?? NUMPY[name];
	const part = name === "neighbours" ? ", ten times what 1,000 of the test rows take" : "";
	const peer =
		measured === undefined ? NUMPY.note : `numpy with OpenBLAS in float32, which is not exact; one thread, measured in this run${part}`;
	return { peer, peerValue: round(seconds), bound: bound(seconds) };
}

function round(value: number): number {
	return Math.round(value * 1000) / 1000;
}

/** CPU seconds of numpy, if it is there. What a machine was told to be for other programs is taken out of the environment. */
function numpy(): Peer {
	const python = process.env.OPENLEDGER_PYTHON;
	if (python === undefined) return {};
	const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...rest } = process.env;
	const env = { ...rest, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
	return JSON.parse(execFileSync(python, [join(root, "bench/compute.py")], { env, encoding: "utf8" })) as Peer;
}

/** CPU seconds of each of several runs, after one that is not counted. */
async function seconds(action: () => unknown, runs = RUNS): Promise<number[]> {
	await action();
	const times: number[] = [];
	for (let run = 0; run < runs; run++) {
		const start = process.cpuUsage();
		await action();
		const { user, system } = process.cpuUsage(start);
		times.push((user + system) / 1e6);
	}
	return times;
}

function random<T extends Floats>(kind: new (length: number) => T, length: number): T {
	const next = generator(1n);
	const values = new kind(length);
	for (let i = 0; i < length; i++) values[i] = next() / 2 ** 32;
	return values;
}

/** A case of operations per second, in thousands of millions. */
function rate(name: string, size: string, operations: number, times: readonly number[], bound: number, peerSeconds?: number): Case {
	const speed = (time: number) => Math.round((10 * operations) / time / 1e9) / 10;
	const value = speed(median(times));
	const beside = peerSeconds === undefined ? {} : besideNumpy(value, speed(peerSeconds));
	return { name, size, value, unit: "GFLOP/s", bar: `>= ${bound}`, holds: value >= bound, runs: times.map(speed), ...beside };
}

/** A case of CPU seconds. */
function cost(name: string, size: string, times: readonly number[], bound: number, peerSeconds?: number): Case {
	const value = round(median(times));
	const beside = peerSeconds === undefined ? {} : besideNumpy(value, round(peerSeconds));
	return { name, size, value, unit: "CPU s", bar: `<= ${bound}`, holds: value <= bound, runs: times, ...beside };
}

function besideNumpy(value: number, peerValue: number): Pick<Case, "peer" | "peerValue" | "ratio"> {
	return { peer: "numpy with OpenBLAS, one thread, measured in this run", peerValue, ratio: round(value / peerValue) };
}

async function productCase<T extends Floats>(
	name: string,
	kind: new (length: number) => T,
	bound: number,
	peerSeconds: number | undefined,
): Promise<Case> {
	const n = 1024;
	const [a, b] = [matrix(random(kind, n * n), n, n), matrix(random(kind, n * n), n, n)];
	const times = await seconds(() => multiply(a, b));
	return rate(`products of ${name}`, `${n} x ${n} times ${n} x ${n}`, 2 * n ** 3, times, bound, peerSeconds);
}

async function byteCase(name: string, arithmetic: ByteArithmetic, bound: number): Promise<Case> {
	const [rows, columns] = [2048, 1024];
	const side = { values: Uint8Array.from(random(Float64Array, rows * columns), (value) => 256 * value), rows, columns };
	const times = await seconds(() => squaredDistances(side, side, arithmetic));
	return rate(
		`${name}, with the distances made of them`,
		`${rows} x ${columns} times its transpose`,
		2 * rows ** 2 * columns,
		times,
		bound,
	);
}

async function choleskyCase(peerSeconds: number | undefined): Promise<Case> {
	const d = 785;
	const g = matrix(random(Float64Array, d * d), d, d);
	const a = multiply(g, g, { right: true });
	const times = await seconds(() => cholesky(a, 1));
	return cost("Cholesky factor in float64", `${d} x ${d}`, times, 0.05, peerSeconds);
}

async function trainingCases(digits: Table): Promise<Case[]> {
	const n = 5000;
	const values = Float32Array.from(digits.rows.subarray(0, n * 784), (pixel) => pixel / 255);
	const rows: FloatRows = { x: matrix(values, n, 784), label: digits.labels.slice(0, n) };
	const perceptron: TrainOptions = { sizes: [128, 64], epochs: 50, batch: 64, rate: 0.01, momentum: 0.9, dropout: 0.1, seed: 1n };
	const regression: TrainOptions = { sizes: [], epochs: 20, batch: 32, rate: 0.01, seed: 1n };
	const times = await seconds(() => train(rows, 10, perceptron), 3);
	const ratio = round(median(times) / PYTORCH.seconds);
	return [
		{
			...cost("training, MLP 784-128-64-10, 50 epochs, batches of 64", `${n} rows of MNIST`, times, 2 * PYTORCH.seconds),
			...{ peer: PYTORCH.note, peerValue: PYTORCH.seconds, ratio },
		},
		cost("training, logistic regression, 20 epochs", `${n} rows of MNIST`, await seconds(() => train(rows, 10, regression), 3), 1),
	];
}
