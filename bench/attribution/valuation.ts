/**
 * Valuation: the paying method row by row against Data Shapley, flipped labels, equal contributors and `adult` of OpenDataVal, and the
 * speed of KNN-Shapley and of all coalitions of ten groups.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { type ByteExamples, byteExamplesOf } from "../../attribution/byte-examples.ts";
import { type Examples, examplesOf } from "../../attribution/examples.ts";
import { groupSums } from "../../attribution/groups.ts";
import { type Attribution, efficiencyError } from "../../attribution/method.ts";
import { spearman } from "../../attribution/metrics/correlation.ts";
import { mislabelAuc, twoMeansDetection } from "../../attribution/metrics/mislabel.ts";
import { stability } from "../../attribution/metrics/stability.ts";
import { ridgePathRowsMethod } from "../../attribution/ridge-path-rows.ts";
import { payoutShares } from "../../attribution/shares.ts";
import { epochOf } from "../../attribution/testing.ts";
import { dataOobMethod } from "../../attribution/valuation/data-oob.ts";
import { exactShapleyMethod } from "../../attribution/valuation/exact-shapley.ts";
import { lossGame } from "../../attribution/valuation/head-game.ts";
import { knnShapleyMethod } from "../../attribution/valuation/knn-shapley.ts";
import { outOfFoldMethod } from "../../attribution/valuation/out-of-fold.ts";
import { shuffle } from "../../attribution/valuation/permutations.ts";
import { rowsLossGame } from "../../attribution/valuation/rows-game.ts";
import { softKnnShapleyMethod } from "../../attribution/valuation/soft-knn-shapley.ts";
import { tmcShapleyMethod } from "../../attribution/valuation/tmc-shapley.ts";
import { pathParameters } from "../../circuits/path.ts";
import { readTable } from "../../compute/dataset.ts";
import { readBytes } from "../../compute/file.ts";
import { below, generator } from "../../compute/random.ts";
import type { Table } from "../../compute/table.ts";
import { atMost, type Case, median, root } from "../bench.ts";

const FOLDER = process.env.OPENLEDGER_DATA ?? join(root, "../shared/data");
/** Nodes of the ridge path. */
const NODES = 12;
/** The smallest ridge of the path, 1e-3 of a row's largest square: 65 / 255^2. */
const RIDGE = 65 / 255 ** 2;
const PERMUTATIONS = 240;
const FLIP_SEEDS = 5;
const ADULT_SEEDS = 20;
const TREES = 100;

export async function valuationCases(): Promise<Case[]> {
	const parts: readonly [string, string, (path: string) => Promise<Case[]>][] = [
		["ridge path rows", "sklearn/digits.csv.gz", qualityCases],
		["adult", "adult/adult.csv", adultCases],
		["KNN-Shapley, digits", "sklearn/digits.csv.gz", digitsSpeed],
		["2^10 coalitions", "sklearn/breast_cancer.csv", coalitionSpeed],
		["KNN-Shapley, MNIST", "mnist/train-images-idx3-ubyte.gz", mnistSpeed],
	];
	const cases: Case[] = [];
	for (const [name, file, run] of parts) {
		const path = join(FOLDER, file);
		if (existsSync(path)) cases.push(...(await run(path)));
		else cases.push({ name, size: file, value: null, unit: "", bar: "", holds: false, runs: [], note: `not run: ${path} is absent` });
	}
	return cases;
}

/** Rows with index mod 4 = 3 are test rows. */
function splitOf(table: Table): { train: Examples; test: Examples } {
	const rows = (isTest: boolean) => Array.from({ length: table.n }, (_, row) => row).filter((row) => (row % 4 === 3) === isTest);
	return { train: examplesOf(table, rows(false), { scale: 16 }), test: examplesOf(table, rows(true), { scale: 16 }) };
}

async function qualityCases(path: string): Promise<Case[]> {
	const { train, test } = splitOf(await readTable(path));
	const method = ridgePathRowsMethod<Examples>(pathParameters(train.d, NODES));
	const size = `digits, ${train.n} x ${test.n}`;
	const score = (rows: Examples) => method.cache(rows).attribute(test);
	const whole = score(train);

	const owners = { names: Array.from({ length: 10 }, (_, c) => String(c)), of: Uint32Array.from(train.label, (_, row) => row % 10) };
	const shares = Array.from(payoutShares(groupSums(whole.scores, owners)), (share) => 100 * share);

	const areas = Array.from({ length: FLIP_SEEDS }, (_, seed) => {
		const { label, isFlipped } = flip(train, 0.1, BigInt(seed));
		return mislabelAuc(score({ ...train, label }).scores, isFlipped);
	});

	const few: Examples = { ...train, x: train.x.subarray(0, 150 * train.d), label: train.label.subarray(0, 150), n: 150 };
	const shapley = (seed: bigint, draws: number) => dataShapley(few, test, seed, draws);
	const runs = await Promise.all([1n, 2n, 3n, 4n].map((seed) => shapley(seed, PERMUTATIONS)));
	const more = await shapley(5n, 10 * PERMUTATIONS);
	const path150 = score(few).scores;
	const self = stability(runs.map(({ scores }) => scores));
	const errors = more.sampling?.standardErrors ?? [];
	return [
		atMost("ridge path rows: scores miss the loss drop by", size, "%", [100 * (efficiencyError(whole) as number)], 0.1),
		{
			...atLeast(
				"ridge path rows: Spearman with Data Shapley",
				`digits, 150 rows, ${10 * PERMUTATIONS} permutations`,
				"",
				[spearman(path150, more.scores)],
				0.85,
			),
			peer: `two Monte-Carlo runs of ${PERMUTATIONS} permutations with each other`,
			peerValue: round(self.spearman),
			note:
				`with single runs of ${PERMUTATIONS} permutations: ${runs.map(({ scores }) => round(spearman(path150, scores))).join(", ")}; ` +
				`top tenth of two such runs overlaps by ${round(self.topDecile)}; ` +
				`mean standard error of the long run is ${round(Array.from(errors).reduce((a, b) => a + b, 0) / 150 / deviation(more.scores))} of the scores' deviation`,
		},
		atLeast("ridge path rows: AUC of 10 % flipped labels", size, "", areas, 0.98),
		atLeast("ridge path rows: least share of ten equal contributors", size, "%", [Math.min(...shares)], 8),
		atMost("ridge path rows: largest share of ten equal contributors", size, "%", [Math.max(...shares)], 12),
	];
}

async function dataShapley(train: Examples, test: Examples, seed: bigint, draws: number): Promise<Attribution> {
	const game = (rows: Examples, asked: Examples) => rowsLossGame({ train: rows, test: asked, ridge: RIDGE * rows.n });
	return (await tmcShapleyMethod({ game, seed, draws, precision: 0 }).cache(train)).attribute(test);
}

/** Labels of a part of the rows moved to another class. */
function flip(
	{ label, n, k }: Pick<Examples, "label" | "n" | "k">,
	part: number,
	seed: bigint,
): { label: Uint8Array; isFlipped: boolean[] } {
	const next = generator(seed);
	const rows = Uint32Array.from({ length: n }, (_, row) => row);
	shuffle(rows, next);
	const result = label.slice();
	const isFlipped = new Array<boolean>(n).fill(false);
	for (const row of rows.subarray(0, Math.round(part * n))) {
		result[row] = ((label[row] as number) + 1 + below(next, k - 1)) % k;
		isFlipped[row] = true;
	}
	return { label: result, isFlipped };
}

/**
 * `adult` as OpenDataVal prepares it: one-hot columns for categories ("?" is one), all columns standardised over all rows, 1,000
 * training and 100 validation rows drawn at random, a fifth of the labels of both flipped; two-means clustering of the scores.
 */
async function adultCases(path: string): Promise<Case[]> {
	const all = await readAdult(path);
	const found = new Map<string, number[]>();
	const seconds: number[] = [];
	const note = (name: string, scores: Float64Array, isFlipped: boolean[]) =>
		found.set(name, [...(found.get(name) ?? []), twoMeansDetection(scores, isFlipped).f1]);
	for (let seed = 0; seed < ADULT_SEEDS; seed++) {
		const rows = Uint32Array.from({ length: all.n }, (_, row) => row);
		shuffle(rows, generator(BigInt(1000 + seed)));
		const pick = (from: number, to: number): Examples => ({
			...all,
			x: Float64Array.from(
				{ length: (to - from) * all.d },
				(_, at) => all.x[(rows[from + Math.floor(at / all.d)] as number) * all.d + (at % all.d)] as number,
			),
			label: Uint8Array.from(rows.subarray(from, to), (row) => all.label[row] as number),
			n: to - from,
		});
		const [clean, cleanTest] = [pick(0, 1000), pick(1000, 1100)];
		const { label, isFlipped } = flip(clean, 0.2, BigInt(seed));
		const [train, test] = [
			{ ...clean, label },
			{ ...cleanTest, label: flip(cleanTest, 0.2, BigInt(500 + seed)).label },
		];

		const before = process.cpuUsage();
		const { scores } = outOfFoldMethod().cache(train).attribute(null);
		const { user, system } = process.cpuUsage(before);
		seconds.push((user + system) / 1e6);
		note("out-of-fold", scores, isFlipped);
		note("ridge path rows", ridgePathRowsMethod<Examples>(pathParameters(train.d, NODES)).cache(train).attribute(test).scores, isFlipped);
		note(
			"KNN-Shapley, K = 10",
			(await (await knnShapleyMethod<Examples>({ neighbours: 10 }).cache(train)).attribute(test)).scores,
			isFlipped,
		);
		note(
			"soft KNN-Shapley, K = 10",
			(await (await softKnnShapleyMethod<Examples>({ neighbours: 10 }).cache(train)).attribute(test)).scores,
			isFlipped,
		);
		if (seed < FLIP_SEEDS) {
			const bagged = await dataOobMethod({ seed: BigInt(seed), draws: TREES, precision: 0 }).cache(train);
			note(`Data-OOB, ${TREES} trees, ${FLIP_SEEDS} seeds`, (await bagged.attribute(null)).scores, isFlipped);
		}
	}
	const [own = [], ...others] = found.values();
	const names = Array.from(found.keys()).slice(1);
	const size = `1,000 rows, 108 features, 20 % flips, ${ADULT_SEEDS} seeds`;
	return [
		{
			...atLeast("adult: two-means F1 of out-of-fold agreement", size, "", own, 0.63),
			peer: "Data-OOB as OpenDataVal publishes it",
			peerValue: 0.631,
			note: `least ${round(Math.min(...own))}; in the same run: ${names.map((name, i) => `${name} ${round(median(others[i] ?? []))}`).join(", ")}`,
		},
		{
			...atMost("adult: time of out-of-fold agreement", size, "CPU s", seconds, 0.05),
			peer: "Data-OOB as OpenDataVal publishes it",
			peerValue: 19.8,
		},
	];
}

async function readAdult(path: string): Promise<Examples> {
	const [header = [], ...rows] = parse(Buffer.from(await readBytes(path)), { trim: true }) as string[][];
	const last = header.length - 1;
	const columns = header.slice(0, last).flatMap((_, column): Float64Array[] => {
		const cells = rows.map((row) => row[column] as string);
		if (cells.every((cell) => cell !== "" && Number.isFinite(Number(cell)))) return [Float64Array.from(cells, Number)];
		return [...new Set(cells)].sort().map((category) => Float64Array.from(cells, (cell) => Number(cell === category)));
	});
	const [n, d] = [rows.length, columns.length + 1];
	const x = new Float64Array(n * d).fill(1);
	columns.forEach((column, l) => {
		const mean = column.reduce((sum, value) => sum + value, 0) / n;
		const spread = deviation(column);
		column.forEach((value, i) => {
			x[i * d + l] = (value - mean) / spread;
		});
	});
	return { x, label: Uint8Array.from(rows, (row) => Number(row[last]?.startsWith(">50K"))), n, d, k: 2 };
}

/** Rows of a table of bytes. */
function bytesOf(table: Table, rows: readonly number[]): ByteExamples {
	const { m, k } = table;
	const x = new Uint8Array(rows.length * m);
	rows.forEach((row, i) => {
		for (let l = 0; l < m; l++) x[i * m + l] = table.rows[row * m + l] as number;
	});
	const label = Uint8Array.from(rows, (row) => table.labels[row] as number);
	return byteExamplesOf({ x, label, weight: new Uint8Array(rows.length).fill(1), count: rows.length }, m, k);
}

const indices = (n: number) => Array.from({ length: n }, (_, row) => row);

async function digitsSpeed(path: string): Promise<Case[]> {
	const table = await readTable(path);
	const [train, test] = [
		bytesOf(
			table,
			indices(table.n).filter((row) => row % 4 !== 3),
		),
		bytesOf(
			table,
			indices(table.n).filter((row) => row % 4 === 3),
		),
	];
	const runs = await cpuSeconds(7, async () => (await knnShapleyMethod<ByteExamples>({ neighbours: 5 }).cache(train)).attribute(test));
	return [atMost("KNN-Shapley, digits", `${train.n} x ${test.n}, 64 features, K = 5`, "CPU s", runs, 0.1)];
}

async function coalitionSpeed(path: string): Promise<Case[]> {
	const { contributions, query } = await epochOf(await readTable(path));
	const ridge = 65 * contributions.reduce((sum, { n }) => sum + n, 0);
	const method = exactShapleyMethod({ game: () => lossGame({ contributions, query, ridge }) });
	const runs = await cpuSeconds(5, async () => (await method.cache(null)).attribute(null));
	const size = `2^10 coalitions of breast cancer, d = ${query.d}, k = ${query.k}`;
	return [{ ...atMost("exact group Shapley", size, "CPU s", runs, 0.5), peer: "numpy", peerValue: 0.36 }];
}

async function mnistSpeed(path: string): Promise<Case[]> {
	const [trainTable, testTable] = [await readTable(path), await readTable(path.replace("train", "t10k"))];
	const [train, test] = [bytesOf(trainTable, indices(trainTable.n)), bytesOf(testTable, indices(testTable.n))];
	const method = knnShapleyMethod<ByteExamples>({ neighbours: 5 });
	let error: number | null = null;
	const runs = await cpuSeconds(0, async () => {
		error = efficiencyError(await (await method.cache(train)).attribute(test));
	});
	const peak = Math.round(process.resourceUsage().maxRSS / 1024);
	return [
		{
			...atMost("KNN-Shapley, MNIST", `${train.n} x ${test.n}, 784 features, K = 5`, "CPU s", runs, 150),
			peer: "numpy, the distances alone",
			peerValue: 103,
			note: `one run, in blocks of test rows; peak memory of the whole process ${peak} MB; scores miss their total by ${error} of it`,
		},
	];
}

/** CPU seconds of this process for each of several runs after one to warm up; of that one alone for 0 runs. */
async function cpuSeconds(runs: number, work: () => Promise<unknown>): Promise<number[]> {
	const seconds: number[] = [];
	for (let run = 0; run <= runs; run++) {
		const before = process.cpuUsage();
		await work();
		const { user, system } = process.cpuUsage(before);
		seconds.push((user + system) / 1e6);
	}
	return runs === 0 ? seconds : seconds.slice(1);
}

/** A case from its runs and a lower bound. */
function atLeast(name: string, size: string, unit: string, runs: readonly number[], bound: number): Case {
	const value = round(median(runs));
	return { name, size, value, unit, bar: `>= ${bound}`, holds: value >= bound, runs: runs.map(round) };
}

function round(value: number): number {
	return Math.round(value * 1e4) / 1e4;
}

function deviation(values: Float64Array): number {
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
