/** Influence functions of convex heads: how well they foretell retraining, and how fast they are. */
import { checkExamples, type Examples, examplesOf, selectExamples } from "../../attribution/examples.ts";
import { influenceRidgeMethod, ridgeHead, squaredErrors } from "../../attribution/influence/influence-ridge.ts";
import { influenceSoftmaxMethod } from "../../attribution/influence/influence-softmax.ts";
import { leaveOneOutMethod } from "../../attribution/influence/leave-one-out.ts";
import { linearDatamodelingScore, noiseCeiling, retrainedOutputs, subsets } from "../../attribution/metrics/datamodel.ts";
import { leaveOneOutCorrelation } from "../../attribution/metrics/leave-one-out.ts";
import type { PerTest } from "../../attribution/metrics/per-test.ts";
import { readTable } from "../../compute/dataset.ts";
import type { Matrix } from "../../compute/matrix.ts";
import { crossEntropies, trainSoftmax } from "../../compute/softmax.ts";
import { sample } from "../../compute/testing.ts";
import { type FloatRows, forward, losses, type Network } from "../../compute/training/network.ts";
import { type TrainOptions, train as trainNetwork } from "../../compute/training/train.ts";
import { type Case, median } from "../bench.ts";
import { mnistRows, selectFloatRows, TEST_ROWS, TRAIN_ROWS } from "./mnist.ts";
import { cachedMatrix } from "./retraining.ts";

const CLASSES = 10;
const SUBSETS_SEED = 1n;

/** All figures of this part. */
export async function influenceCases(): Promise<Case[]> {
	return [...(await digitsCases()), await backboneCase(), ...(await logisticCases())];
}

/** The softmax head on digits, its exact influence, and the time that takes with the head given. */
async function digitsCases(): Promise<Case[]> {
	const ridge = 1e-3;
	const table = await readTable(sample("sklearn/digits.csv.gz").path);
	const rows = [...table.labels.keys()];
	const train = examplesOf(
		table,
		rows.filter((row) => row % 4 !== 3),
		{ scale: 16 },
	);
	const test = examplesOf(
		table,
		rows.filter((row) => row % 4 === 3),
		{ scale: 16 },
	);
	const near = await trainSoftmax(train, { ridge });
	const pairsOf = async () => (await influenceSoftmaxMethod({ ridge, heads: [near.weights] }).cache(train)).pairs(test);
	const runs: number[] = [];
	for (let run = 0; run < 7; run++) runs.push(await cpuSeconds(pairsOf));
	const drawn = subsets(train.n, 100, 0.5, SUBSETS_SEED);
	const data = [train.x, train.label, test.x, test.label, ...drawn];
	const outputs = await cachedMatrix({ model: "softmax", ridge }, data, () =>
		retrainedOutputs(drawn, async (half) =>
			crossEntropies(test, (await trainSoftmax(selectExamples(train, half), { ridge, near })).weights),
		),
	);
	const pairs = await pairsOf();
	const score = linearDatamodelingScore(pairs, drawn, outputs);
	const size = `${train.n} x ${test.n} rows, d = 65, k = 10`;
	const left = await (await leaveOneOutMethod({ loss: "squared", ridge }).cache(train)).pairs(test);
	const { byValue } = leaveOneOutCorrelation(influenceRidgeMethod({ ridge }).cache(train).pairs(test), left);
	return [
		quality("LDS, exact influence of the softmax head on digits", size, score, 0.96, {
			peer: "measured before, other subsets",
			peerValue: 0.9602,
			note: `100 half subsets, retrained to the optimum; the ridge of 0.001 is relative to the mean loss; standard error ${round(score.standardError)}`,
		}),
		{
			name: "exact influence of the softmax head on digits, all pairs",
			size,
			value: round(median(runs)),
			unit: "CPU s",
			bar: "<= 0.25",
			holds: median(runs) <= 0.25,
			runs,
			note: "Hessian, factor and all pairs, with the head given; one thread",
		},
		quality("leave-one-out correlation of ridge influence on digits", size, byValue, 0.99, {
			note: `Pearson per test row against exact downdates of all ${train.n} rows; no figure was asked for`,
		}),
	];
}

/** A ridge head on a frozen network that was trained on other rows of MNIST. */
async function backboneCase(): Promise<Case> {
	const [first, count, ridge] = [TRAIN_ROWS, 25_000, 0.1];
	const options: TrainOptions = { sizes: [128, 63], epochs: 6, batch: 64, rate: 0.05, momentum: 0.9, weightDecay: 1e-3, seed: 1n };
	const { network } = await trainNetwork(await mnistRows("train", first, count), CLASSES, options);
	const train = hiddenFeatures(network, await mnistRows("train", 0, TRAIN_ROWS));
	const test = hiddenFeatures(network, await mnistRows("test", 0, TEST_ROWS));
	const drawn = subsets(train.n, 50, 0.5, SUBSETS_SEED);
	const head = (rows: Examples) => ridgeHead(rows, ridge * rows.n).weights;
	const outputs = await retrainedOutputs(drawn, (half) => halfSquares(squaredErrors(test, head(selectExamples(train, half)))));
	const score = linearDatamodelingScore(influenceRidgeMethod({ ridge }).cache(train).pairs(test), drawn, outputs);
	const size = `${train.n} x ${test.n} rows, d = 64, k = 10`;
	return quality("LDS, influence of the ridge head on a frozen backbone, MNIST-10", size, score, 0.99, {
		peer: "measured before, another backbone",
		peerValue: 0.9935,
		note: `the 63 hidden values of a network 784-128-63-10 trained on rows 5,000 to 29,999, and a bias; ridge ${ridge}; accuracy of the head ${accuracy(test, head(train))}; 50 half subsets; standard error ${round(score.standardError)}`,
	});
}

/** dattri's MNIST-10 logistic regression, which is not trained to its optimum and noisy. */
async function logisticCases(): Promise<Case[]> {
	const options = { sizes: [], epochs: 20, batch: 32, rate: 0.01 };
	const [train, test] = [await mnistRows("train", 0, TRAIN_ROWS), await mnistRows("test", 0, TEST_ROWS)];
	const retrain = async (rows: Uint32Array, seed: bigint) =>
		(await trainNetwork(selectFloatRows(train, rows), CLASSES, { ...options, seed })).network;
	const drawn = subsets(TRAIN_ROWS, 50, 0.5, SUBSETS_SEED);
	const data = [train.x.values, train.label, test.x.values, test.label, ...drawn];
	const outputs = (seed: bigint) =>
		cachedMatrix({ model: "logistic", ...options, seed: String(seed) }, data, () =>
			retrainedOutputs(drawn, async (rows, subset) => losses(await retrain(rows, seed + BigInt(subset)), test)),
		);
	const [one, other] = [await outputs(1000n), await outputs(2000n)];
	const { reliability, ceiling } = noiseCeiling(one, other);
	// Halves of their own: none of the models that are foretold is seen.
	const heads = await Promise.all(
		subsets(TRAIN_ROWS, 10, 0.5, 99n).map(async (rows, i) => weightsWithBias(await retrain(rows, 3000n + BigInt(i)))),
	);
	const steps = options.epochs * Math.ceil(TRAIN_ROWS / 2 / options.batch);
	const ridge = 1 / (options.rate * steps);
	const [trainExamples, testExamples] = [withBias(train), withBias(test)];
	const score = async (used: readonly Float64Array[]) => {
		const cached = await influenceSoftmaxMethod({ ridge, heads: used }).cache(trainExamples);
		return linearDatamodelingScore(cached.pairs(testExamples), drawn, one);
	};
	const [ten, single] = [await score(heads), await score(heads.slice(0, 1))];
	const size = `${TRAIN_ROWS} x ${TEST_ROWS} rows, d = 785, k = 10`;
	const ceilingNote = `noise ceiling ${round(ceiling)} (one run foretells another with ${round(reliability.mean)})`;
	return [
		quality("LDS, influence of logistic regression by SGD, MNIST-10, ten models", size, ten, 0.78, {
			peer: "dattri's benchmark, best published",
			peerValue: 0.798,
			note: `mean probabilities of ten models of other halves, damping 1 / (rate x steps) = ${round(ridge)}; 50 half subsets, one run each; ${ceilingNote}; standard error ${round(ten.standardError)}`,
		}),
		quality("LDS, influence of logistic regression by SGD, MNIST-10, one model", size, single, 0.7, {
			note: `the same with one model of ten; no figure was asked for; ${ceilingNote}; standard error ${round(single.standardError)}`,
		}),
	];
}

function quality(name: string, size: string, { mean }: PerTest, bound: number, more: Pick<Case, "peer" | "peerValue" | "note">): Case {
	return { name, size, value: round(mean), unit: "correlation", bar: `>= ${bound}`, holds: mean >= bound, runs: [mean], ...more };
}

async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
	const start = process.cpuUsage();
	await work();
	const { user, system } = process.cpuUsage(start);
	return (user + system) / 1e6;
}

function round(value: number): number {
	return Math.round(value * 1e4) / 1e4;
}

/** The values of the last hidden layer, and a bias. */
function hiddenFeatures({ layers }: Network, rows: FloatRows): Examples {
	const hidden = layers.slice(0, -1).reduce((x, layer) => {
		const { values, ...shape } = forward({ layers: [layer] }, x);
		return { ...shape, values: values.map((value) => Math.max(0, value)) };
	}, rows.x);
	return withBias({ x: hidden, label: rows.label });
}

/** Rows in float64 with a constant 1 as the last feature. */
function withBias({ x, label }: FloatRows): Examples {
	const d = x.columns + 1;
	const values = new Float64Array(x.rows * d).fill(1);
	for (let i = 0; i < x.rows; i++) values.set(x.values.subarray(i * x.columns, (i + 1) * x.columns), i * d);
	return checkExamples({ x: values, label, n: x.rows, d, k: CLASSES }, "mnist");
}

/** Weights of logistic regression, the bias as the last feature's. */
function weightsWithBias({ layers: [layer] }: Network): Float64Array {
	if (layer === undefined) throw new Error("expected a network of one layer");
	return Float64Array.from([...layer.weights.values, ...layer.bias]);
}

function halfSquares({ values, rows, columns }: Matrix<Float64Array>): Float64Array {
	return Float64Array.from({ length: rows }, (_, i) =>
		values.subarray(i * columns, (i + 1) * columns).reduce((sum, value) => sum + (value * value) / 2, 0),
	);
}

/** The share of rows whose largest logit is their label's. */
function accuracy(rows: Examples, weights: Matrix<Float64Array>): number {
	const { values, columns: k } = squaredErrors(rows, weights);
	const isRight = (label: number, i: number) => {
		// Errors are logits less one at the label.
		const logits = values.slice(i * k, (i + 1) * k).map((error, c) => error + (c === label ? 1 : 0));
		return logits.every((logit, c) => c === label || logit < (logits[label] as number));
	};
	return Array.from(rows.label).filter(isRight).length / rows.n;
}
