/** Speed of the kernels in one thread, in CPU seconds; beside them numpy, where OPENLEDGER_PYTHON names a Python that has it. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cholesky } from "../../compute/cholesky.ts";
import { readTable } from "../../compute/dataset.ts";
import { type Floats, matrix, multiply } from "../../compute/matrix.ts";
import { generator } from "../../compute/random.ts";
import type { Table } from "../../compute/table.ts";
import type { FloatRows } from "../../compute/training/network.ts";
import { type TrainOptions, train } from "../../compute/training/train.ts";
import { openWasm } from "../../compute/wasm/backend.ts";
import { type ByteArithmetic, byteArithmetic, PAIRWISE } from "../../compute/wasm/byte-arithmetic.ts";
import { distanceBlocks, nearest, squaredDistances } from "../../compute/wasm/distances.ts";
import { type Case, median, root } from "../bench.ts";

const DATA = process.env.OPENLEDGER_DATA ?? join(root, "../shared/data");
const IMAGES = join(DATA, "mnist/train-images-idx3-ubyte.gz");
const RUNS = 5;

type Peer = Partial<Record<"float32" | "float64" | "cholesky" | "gram" | "distances", number>>;

export async function kernelsCases(): Promise<Case[]> {
	const peer = numpy();
	const cases = [
		await productCase("float32", Float32Array, 40, peer.float32),
		await productCase("float64", Float64Array, 20, peer.float64),
		await byteCase("products of integers of 16 bits", PAIRWISE, 60),
		await byteCase("products of bytes, as this machine does them", byteArithmetic(), 60),
		await choleskyCase(peer.cholesky),
	];
	if (!existsSync(IMAGES)) {
		const note = `not run: ${IMAGES} is absent`;
		return [...cases, { name: "kernels on MNIST", size: "60,000 x 784", value: null, unit: "", bar: "", holds: false, runs: [], note }];
	}
	const digits = await readTable(IMAGES);
	return [
		...cases,
		...(await trainingCases(digits)),
		...(await gramCases(digits, peer.gram)),
		...(await distanceCases(digits, peer.distances)),
	];
}

/** CPU seconds of numpy, if it is there. What a machine was told to be for other programs is taken out of the environment. */
function numpy(): Peer {
	const python = process.env.OPENLEDGER_PYTHON;
	if (python === undefined) return {};
	const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...rest } = process.env;
	const env = { ...rest, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
	return JSON.parse(execFileSync(python, [join(root, "bench/attribution/kernels.py")], { env, encoding: "utf8" })) as Peer;
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
function cost(name: string, size: string, times: readonly number[], bound: number, peerSeconds?: number, note?: string): Case {
	const value = median(times);
	const beside = { ...(peerSeconds === undefined ? {} : besideNumpy(value, peerSeconds)), ...(note === undefined ? {} : { note }) };
	return { name, size, value, unit: "CPU s", bar: `<= ${bound}`, holds: value <= bound, runs: times, ...beside };
}

function besideNumpy(value: number, peerValue: number): Pick<Case, "peer" | "peerValue" | "ratio"> {
	return { peer: "numpy with OpenBLAS, one thread, measured in this run", peerValue, ratio: value / peerValue };
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
	return [
		cost("training, MLP 784-128-64-10, 50 epochs", `${n} rows of MNIST`, await seconds(() => train(rows, 10, perceptron), 3), 7.8),
		cost("training, logistic regression, 20 epochs", `${n} rows of MNIST`, await seconds(() => train(rows, 10, regression), 3), 1),
	];
}

async function gramCases(digits: Table, peerSeconds: number | undefined): Promise<Case[]> {
	const [n, d] = [digits.n, 785];
	const x = new Uint8Array(n * d).fill(255);
	for (let i = 0; i < n; i++) x.set(digits.rows.subarray(i * 784, (i + 1) * 784), i * d);
	const rows = { x, label: digits.labels, weight: new Uint8Array(n).fill(1), count: n };
	const backend = openWasm();
	const times = await seconds(() => backend.statistics(rows, d, 10));
	const size = `${n} x ${d} bytes`;
	const memory = Math.round(process.resourceUsage().maxRSS / 1024);
	const bound = peerSeconds === undefined ? 0.5 : Math.round(2500 * peerSeconds) / 1000;
	return [
		cost(
			"exact weighted Gram statistics",
			size,
			times,
			bound,
			peerSeconds,
			"bar: 2.5 times numpy in float32, which is not exact; 0.5 without numpy",
		),
		{
			...{ name: "memory of the process so far", size, value: memory, unit: "MB", bar: "<= 600", holds: memory <= 600, runs: [memory] },
			note: "peak of all cases up to the Gram statistics, with the rows",
		},
	];
}

async function distanceCases(digits: Table, peerSeconds: number | undefined): Promise<Case[]> {
	const values = digits.rows as Uint8Array;
	const all = { values, rows: digits.n, columns: 784 };
	const some = { values: values.subarray(0, 1000 * 784), rows: 1000, columns: 784 };
	const blocks = () => {
		for (const _ of distanceBlocks(all, some));
	};
	const size = `${digits.n} x 1,000 rows of 784 bytes`;
	return [
		cost("exact squared distances", size, await seconds(blocks, 3), 10, peerSeconds, "beside it: float32, which is not exact"),
		cost("the ten nearest rows", size, await seconds(() => nearest(all, some, 10), 3), 10),
	];
}
