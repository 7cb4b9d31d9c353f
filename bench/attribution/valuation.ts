/**
 * Valuation: the paying method row by row against Data Shapley, flipped labels and equal contributors, `adult` of OpenDataVal, and
 * the speed of KNN-Shapley and of all coalitions of ten groups.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ByteExamples, byteExamplesOf } from "../../attribution/byte-examples.ts";
import { type Examples, examplesOf } from "../../attribution/examples.ts";
import { groupSums } from "../../attribution/groups.ts";
import { type Attribution, efficiencyError } from "../../attribution/method.ts";
import { spearman } from "../../attribution/metrics/correlation.ts";
import { mislabelAuc } from "../../attribution/metrics/mislabel.ts";
import { removalCurves, ridgeRetraining } from "../../attribution/metrics/removal.ts";
import { stability } from "../../attribution/metrics/stability.ts";
import { ridgePathRowsMethod } from "../../attribution/ridge-path-rows.ts";
import { payoutShares } from "../../attribution/shares.ts";
import { epochOf } from "../../attribution/testing.ts";
import { exactShapleyMethod } from "../../attribution/valuation/exact-shapley.ts";
import { lossGame } from "../../attribution/valuation/head-game.ts";
import { knnShapleyMethod } from "../../attribution/valuation/knn-shapley.ts";
import { rowsLossGame } from "../../attribution/valuation/rows-game.ts";
import { softKnnShapleyMethod } from "../../attribution/valuation/soft-knn-shapley.ts";
import { tmcShapleyMethod } from "../../attribution/valuation/tmc-shapley.ts";
import { pathParameters } from "../../circuits/path.ts";
import { lineChart } from "../../compute/chart.ts";
import { readTable } from "../../compute/dataset.ts";
import { generator } from "../../compute/random.ts";
import type { Table } from "../../compute/table.ts";
import { atMost, type Case, median } from "../bench.ts";
import { adultCases } from "./adult.ts";
import { atLeast, cpuSeconds, DATA, flip, round } from "./setting.ts";

const DIGITS = join(DATA, "sklearn/digits.csv.gz");
const NODES = 12;
/** The ridge where the path ends, per row in units of 1 / 255^2: 1e-2 of the largest square, and the protocol's least, 1e-3. */
const [LAMBDA, LEAST_LAMBDA] = [650n, 65n];
const PERMUTATIONS = 240;
const FLIP_SEEDS = 20;

export async function valuationCases(): Promise<Case[]> {
	const parts: readonly [string, string, (path: string) => Promise<Case[]>][] = [
		["ridge path rows", DIGITS, qualityCases],
		["adult", join(DATA, "adult/adult.csv"), adultCases],
		["KNN-Shapley, digits", DIGITS, digitsSpeed],
		["2^10 coalitions", join(DATA, "sklearn/breast_cancer.csv"), coalitionSpeed],
		["KNN-Shapley, MNIST", join(DATA, "mnist/train-images-idx3-ubyte.gz"), mnistSpeed],
	];
	const cases: Case[] = [];
	for (const [name, path, run] of parts) {
		if (existsSync(path)) cases.push(...(await run(path)));
		else cases.push({ name, size: path, value: null, unit: "", bar: "", holds: false, runs: [], note: `not run: ${path} is absent` });
	}
	return cases;
}

/** Accuracy of a ridge head on digits with a tenth of the labels flipped, while the lowest rows leave: as SVG. */
export async function removalChart(): Promise<string> {
	const { train: clean, test } = splitOf(await readTable(DIGITS));
	const train = { ...clean, label: flip(clean, 0.1, 0n).label };
	const near = await softKnnShapleyMethod<Examples>({ neighbours: 5 }).cache(train);
	const next = generator(1n);
	const ranked: Record<string, Float64Array> = {
		"ridge path": rowScores(LAMBDA, train, test).scores,
		"soft-label KNN-Shapley": (await near.attribute(test)).scores,
		random: Float64Array.from(train.label, () => next()),
	};
	const series = await Promise.all(
		Object.entries(ranked).map(async ([name, scores]) => {
			const { removeLowest } = await removalCurves({ train, scores, retrain: ridgeRetraining(test, perRow(LAMBDA)) });
			return { name, points: removeLowest.map(({ kept, accuracy }) => ({ x: round(100 * (1 - kept)), y: 100 * accuracy })) };
		}),
	);
	return lineChart({ title: "digits, 10 % of the labels flipped", x: "lowest rows removed, %", y: "accuracy, %", series });
}

const perRow = (lambda: bigint) => Number(lambda) / 255 ** 2;

/** Rows with index mod 4 = 3 are test rows. */
function splitOf(table: Table): { train: Examples; test: Examples } {
	const rows = (isTest: boolean) => indices(table.n).filter((row) => (row % 4 === 3) === isTest);
	return { train: examplesOf(table, rows(false), { scale: 16 }), test: examplesOf(table, rows(true), { scale: 16 }) };
}

function rowScores(lambda: bigint, train: Examples, test: Examples): Attribution {
	return ridgePathRowsMethod<Examples>(pathParameters(train.d, NODES, lambda))
		.cache(train)
		.attribute(test);
}

/** All that is asked of the paying method, at one ridge. */
async function qualityAt(lambda: bigint, { train, test }: { train: Examples; test: Examples }) {
	const whole = rowScores(lambda, train, test);
	const owners = { names: indices(10).map(String), of: Uint32Array.from(train.label, (_, row) => row % 10) };
	const areas = indices(FLIP_SEEDS).map((seed) => {
		const { label, isFlipped } = flip(train, 0.1, BigInt(seed));
		return mislabelAuc(rowScores(lambda, { ...train, label }, test).scores, isFlipped);
	});
	const few: Examples = { ...train, x: train.x.subarray(0, 150 * train.d), label: train.label.subarray(0, 150), n: 150 };
	const game = (rows: Examples, asked: Examples) => rowsLossGame({ train: rows, test: asked, ridge: perRow(lambda) * rows.n });
	const shapley = async (seed: bigint, draws: number) => {
		const { scores } = await (await tmcShapleyMethod({ game, seed, draws, precision: 0 }).cache(few)).attribute(test);
		return scores;
	};
	const runs = await Promise.all([1n, 2n, 3n, 4n].map((seed) => shapley(seed, PERMUTATIONS)));
	const long = await shapley(5n, 10 * PERMUTATIONS);
	const path = rowScores(lambda, few, test).scores;
	return {
		error: 100 * (efficiencyError(whole) as number),
		shares: Array.from(payoutShares(groupSums(whole.scores, owners)), (share) => 100 * share),
		areas,
		correlation: spearman(path, long),
		single: runs.map((scores) => round(spearman(path, scores))),
		self: stability(runs),
		accuracy: ridgeRetraining(test, perRow(lambda))(train).accuracy,
	};
}

async function qualityCases(path: string): Promise<Case[]> {
	const data = splitOf(await readTable(path));
	const [own, least] = [await qualityAt(LAMBDA, data), await qualityAt(LEAST_LAMBDA, data)];
	const size = `digits, ${data.train.n} x ${data.test.n}, lambda 1e-2`;
	const at = (value: number) => `${round(value)} at lambda 1e-3`;
	const heads = `accuracy of the head ${round(own.accuracy)}, ${at(least.accuracy)}`;
	return [
		{ ...atMost("ridge path rows: scores miss the loss drop by", size, "%", [own.error], 0.1), note: `${at(least.error)}; ${heads}` },
		{
			...atLeast(
				"ridge path rows: Spearman with Data Shapley",
				`digits, 150 rows, ${10 * PERMUTATIONS} permutations, lambda 1e-2`,
				"",
				[own.correlation],
				0.85,
			),
			peer: `two runs of ${PERMUTATIONS} permutations with each other`,
			peerValue: round(own.self.spearman),
			note:
				`${at(least.correlation)} (two runs there ${round(least.self.spearman)}); with single runs of ${PERMUTATIONS}: ` +
				`${own.single.join(", ")}; the top tenths of two runs share ${round(own.self.topDecile)}`,
		},
		{
			...atLeast("ridge path rows: AUC of 10 % flipped labels", `${size}, ${FLIP_SEEDS} seeds`, "", own.areas, 0.98),
			note: `${at(median(least.areas))}, where the path ends closer to fitting the flipped labels`,
		},
		{
			...atLeast("ridge path rows: least share of ten equal contributors", size, "%", [Math.min(...own.shares)], 8),
			note: at(Math.min(...least.shares)),
		},
		{
			...atMost("ridge path rows: largest share of ten equal contributors", size, "%", [Math.max(...own.shares)], 12),
			note: at(Math.max(...least.shares)),
		},
	];
}

/** Rows of a table of bytes. */
function bytesOf({ m, k, rows: values, labels }: Table, rows: readonly number[]): ByteExamples {
	const x = new Uint8Array(rows.length * m);
	rows.forEach((row, i) => {
		for (let l = 0; l < m; l++) x[i * m + l] = values[row * m + l] as number;
	});
	const label = Uint8Array.from(rows, (row) => labels[row] as number);
	return byteExamplesOf({ x, label, weight: new Uint8Array(rows.length).fill(1), count: rows.length }, m, k);
}

function indices(n: number): number[] {
	return Array.from({ length: n }, (_, row) => row);
}

async function digitsSpeed(path: string): Promise<Case[]> {
	const table = await readTable(path);
	const [train, test] = [false, true].map((isTest) =>
		bytesOf(
			table,
			indices(table.n).filter((row) => (row % 4 === 3) === isTest),
		),
	);
	const [rows, asked] = [train as ByteExamples, test as ByteExamples];
	const runs = await cpuSeconds(9, async () => (await knnShapleyMethod<ByteExamples>({ neighbours: 5 }).cache(rows)).attribute(asked));
	return [atMost("KNN-Shapley, digits", `${rows.n} x ${asked.n}, 64 features, K = 5`, "CPU s", runs, 0.1)];
}

async function coalitionSpeed(path: string): Promise<Case[]> {
	const { contributions, query } = await epochOf(await readTable(path));
	const ridge = 65 * contributions.reduce((sum, { n }) => sum + n, 0);
	const method = exactShapleyMethod({ game: () => lossGame({ contributions, query, ridge }) });
	const runs = await cpuSeconds(9, async () => (await method.cache(null)).attribute(null));
	const size = `2^10 coalitions of breast cancer, d = ${query.d}, k = ${query.k}`;
	return [{ ...atMost("exact group Shapley", size, "CPU s", runs, 0.5), peer: "numpy", peerValue: 0.36 }];
}

async function mnistSpeed(path: string): Promise<Case[]> {
	const [table, testTable] = [await readTable(path), await readTable(join(DATA, "mnist/t10k-images-idx3-ubyte.gz"))];
	const [train, test] = [bytesOf(table, indices(table.n)), bytesOf(testTable, indices(testTable.n))];
	let error: number | null = null;
	const work = async () => {
		error = efficiencyError(await (await knnShapleyMethod<ByteExamples>({ neighbours: 5 }).cache(train)).attribute(test));
	};
	const runs = await cpuSeconds(1, work, false);
	const peak = Math.round(process.resourceUsage().maxRSS / 1024);
	return [
		{
			...atMost("KNN-Shapley, MNIST", `${train.n} x ${test.n}, 784 features, K = 5`, "CPU s", runs, 150),
			peer: "numpy, the distances alone",
			peerValue: 103,
			note: `in blocks of test rows; peak memory of the whole process ${peak} MB; scores miss their total by ${error} of it`,
		},
	];
}
