import { describe, expect, test } from "vitest";
import { CircuitError } from "../errors.ts";
import { sponge } from "../sponge.ts";
import type { Rows } from "../statistics.ts";
import { contributionInstance } from "./contribution.ts";
import {
	BatchTree,
	batchPosition,
	type Checkpoint,
	commitBatch,
	commitCheckpoint,
	type Perceptron,
	type TrainingStepParameters,
	trainingStep,
	trainingStepInstance,
} from "./training-step.ts";

const PARAMETERS: TrainingStepParameters = { n: 12, d: 5, h: 4, k: 3, levels: 3, fractionBits: 16, rate: 1024 };
const FINE: TrainingStepParameters = { ...PARAMETERS, fractionBits: 24 };

/** Uniform numbers in [0, 1), the same in every run: a linear congruential generator modulo 2^32. */
function uniform(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}

function randomRows({ n, d, k }: TrainingStepParameters, seed: number, count = n): Rows {
	const next = uniform(seed);
	return {
		x: Uint8Array.from({ length: count * d }, (_, at) => (at % d === d - 1 ? 255 : Math.floor(256 * next()))),
		label: Uint8Array.from({ length: count }, () => Math.floor(k * next())),
		weight: new Uint8Array(count).fill(1),
		count,
	};
}

/** Weights, uniform in (-scale, scale). */
function randomNetwork({ d, h, k, fractionBits }: TrainingStepParameters, seed: number, scale = 0.7): Perceptron {
	const next = uniform(seed);
	const draw = (length: number) => Array.from({ length }, () => BigInt(Math.round((2 * next() - 1) * scale * 2 ** fractionBits)));
	return { first: draw(d * h), second: draw((h + 1) * k) };
}

interface FloatNetwork {
	first: number[];
	second: number[];
}

const toFloat = ({ first, second }: Perceptron, { fractionBits }: TrainingStepParameters): FloatNetwork => ({
	first: first.map((value) => Number(value) / 2 ** fractionBits),
	second: second.map((value) => Number(value) / 2 ** fractionBits),
});

/** Hidden activations and outputs of one row in floating point. */
function floatForward({ d, h, k }: TrainingStepParameters, { first, second }: FloatNetwork, rows: Rows, i: number) {
	const hidden = Array.from({ length: h }, (_, j) => {
		let sum = 0;
		for (let l = 0; l < d; l++) sum += ((rows.x[i * d + l] as number) / 256) * (first[l * h + j] as number);
		return Math.max(sum, 0);
	});
	const output = Array.from({ length: k }, (_, c) =>
		[...hidden, 1].reduce((sum, value, j) => sum + value * (second[j * k + c] as number), 0),
	);
	return { hidden, output };
}

/** Sum of squared errors in floating point. */
function floatLoss(parameters: TrainingStepParameters, network: FloatNetwork, rows: Rows): number {
	let loss = 0;
	for (let i = 0; i < rows.count; i++) {
		floatForward(parameters, network, rows, i).output.forEach((value, c) => {
			loss += (value - (rows.label[i] === c ? 1 : 0)) ** 2;
		});
	}
	return loss;
}

/** One step of gradient descent on half the loss in floating point. */
function floatStep(parameters: TrainingStepParameters, network: FloatNetwork, rows: Rows): FloatNetwork {
	const { d, h, k, rate } = parameters;
	const next = { first: [...network.first], second: [...network.second] };
	for (let i = 0; i < rows.count; i++) {
		const { hidden, output } = floatForward(parameters, network, rows, i);
		const error = output.map((value, c) => value - (rows.label[i] === c ? 1 : 0));
		[...hidden, 1].forEach((value, j) => {
			error.forEach((wrong, c) => {
				next.second[j * k + c] = (next.second[j * k + c] as number) - (rate / 2 ** 16) * value * wrong;
			});
		});
		hidden.forEach((value, j) => {
			if (value > 0) {
				const slope = error.reduce((sum, wrong, c) => sum + wrong * (network.second[j * k + c] as number), 0);
				for (let l = 0; l < d; l++) {
					const moved = (rate / 2 ** 16) * ((rows.x[i * d + l] as number) / 256) * slope;
					next.first[l * h + j] = (next.first[l * h + j] as number) - moved;
				}
			}
		});
	}
	return next;
}

const furthest = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((value, at) => Math.abs(value - (b[at] as number))));

function refusal(work: () => unknown): { code: string; message: string; hint: string } {
	try {
		work();
	} catch (error) {
		if (error instanceof CircuitError) {
			return { code: error.code, message: error.message, hint: error.hint };
		}
		throw error;
	}
	throw new Error("expected a CircuitError, got none");
}

describe("a step", () => {
	test("by hand", () => {
		// p = (100 * 2^15 + 255 * 2^14) / 2^8 = 29120, o = p - 2^16 = -36416 for class 0 and 0 for class 1.
		const parameters: TrainingStepParameters = { n: 1, d: 2, h: 1, k: 2, levels: 1, fractionBits: 16, rate: 2 ** 15 };
		const rows: Rows = { x: Uint8Array.of(100, 255), label: Uint8Array.of(1), weight: Uint8Array.of(1), count: 1 };
		const step = trainingStep(parameters, { first: [2n ** 15n, 2n ** 14n], second: [2n ** 16n, 0n, -(2n ** 16n), 0n] }, rows);
		expect(step.preActivation).toEqual([29120n]);
		expect(step.error).toEqual([-36416n, -65536n]);
		expect(step.loss).toBe(36416n ** 2n + 65536n ** 2n);
		expect(step.slope).toEqual([-36416n]);
		// Half of 100 * -36416 / 2^8 = -7112.5, which rounds to -7112; half of 255 * -36416 / 2^8 = -18136.875.
		expect(step.next.first).toEqual([2n ** 15n + 7112n, 2n ** 14n + 18137n]);
		// Half of 29120 * -36416 / 2^16 = -8090.4...; half of 29120 * -65536 / 2^16; half of the error itself for the constant.
		expect(step.next.second).toEqual([2n ** 16n + 8090n, 14560n, -(2n ** 16n) + 18208n, 32768n]);
	});

	test.each([
		[127n, 0n],
		[128n, 1n],
		[-128n, 0n],
		[-129n, -1n],
		[383n, 1n],
		[384n, 2n],
		[-384n, -1n],
	])("rounds to the nearest, a half up: %s / 2^8", (numerator, expected) => {
		const parameters: TrainingStepParameters = { n: 1, d: 2, h: 1, k: 2, levels: 1, fractionBits: 16, rate: 1 };
		const rows: Rows = { x: Uint8Array.of(1, 255), label: Uint8Array.of(0), weight: Uint8Array.of(1), count: 1 };
		const step = trainingStep(parameters, { first: [numerator, 0n], second: [0n, 0n, 0n, 0n] }, rows);
		expect(step.preActivation).toEqual([expected]);
		expect((expected << 8n) + (step.remainders.activationRemainder[0] as bigint) - 128n).toBe(numerator);
	});

	test.each([
		["16 fraction bits", PARAMETERS, 4e-5],
		["24 fraction bits", FINE, 1.5e-5],
	])("is close to one in floating point: %s", (_, parameters, tolerance) => {
		for (let seed = 1; seed <= 20; seed++) {
			const rows = randomRows(parameters, seed);
			const network = randomNetwork(parameters, 100 + seed);
			const step = trainingStep(parameters, network, rows);
			const expected = floatStep(parameters, toFloat(network, parameters), rows);
			const next = toFloat(step.next, parameters);
			expect(furthest(next.first, expected.first)).toBeLessThan(tolerance);
			expect(furthest(next.second, expected.second)).toBeLessThan(tolerance);
			// The step is far larger than that.
			expect(furthest(next.second, toFloat(network, parameters).second)).toBeGreaterThan(100 * tolerance);
			const loss = floatLoss(parameters, toFloat(network, parameters), rows);
			expect(Math.abs(Number(step.loss) / 2 ** 32 - loss) / loss).toBeLessThan(1e-4);
		}
	});

	test("follows the gradient of half the loss, by finite differences", () => {
		// One unit of rate moves by 2^-16 of the gradient: the largest rate leaves the least rounding.
		const parameters = { ...FINE, rate: 2 ** 16 - 1 };
		const rows = randomRows(parameters, 5);
		const network = randomNetwork(parameters, 6, 0.3);
		const step = trainingStep(parameters, network, rows);
		const at = toFloat(network, parameters);
		const after = toFloat(step.next, parameters);
		const width = 1e-5;
		for (const layer of ["first", "second"] as const) {
			at[layer].forEach((value, index) => {
				const shifted = (by: number) =>
					floatLoss(parameters, { ...at, [layer]: at[layer].map((w, i) => (i === index ? w + by : w)) }, rows) / 2;
				const slope = (shifted(width) - shifted(-width)) / (2 * width);
				const moved = (value - (after[layer][index] as number)) / (parameters.rate / 2 ** 16);
				expect(Math.abs(moved - slope), `${layer}[${index}]`).toBeLessThan(1e-3);
			});
		}
	});

	test.each([16, 24] as const)("after another lowers the loss of a task that no linear model solves (%s fraction bits)", (fractionBits) => {
		// Exclusive or of two features, each case eight times.
		const parameters: TrainingStepParameters = { n: 32, d: 3, h: 8, k: 2, levels: 1, fractionBits, rate: 1600 };
		const bit = (i: number, l: number) => (i >> l) & 1;
		const rows: Rows = {
			x: Uint8Array.from({ length: 96 }, (_, at) => (at % 3 === 2 ? 255 : 20 + 200 * bit(Math.floor(at / 3), at % 3))),
			label: Uint8Array.from({ length: 32 }, (_, i) => bit(i, 0) ^ bit(i, 1)),
			weight: new Uint8Array(32).fill(1),
			count: 32,
		};
		// This start leads to no local minimum; whether one does is the task's, so floating point from the same start goes along.
		let network = randomNetwork(parameters, 3);
		let float = toFloat(network, parameters);
		const losses: number[] = [];
		for (let step = 0; step < 300; step++) {
			const expected = floatLoss(parameters, float, rows);
			const { next, loss } = trainingStep(parameters, network, rows);
			[network, float] = [next, floatStep(parameters, float, rows)];
			losses.push(Number(loss) / 2 ** 32);
			expect(Math.abs((losses[step] as number) - expected), `step ${step}`).toBeLessThan(0.01);
		}
		// The best linear model says one half everywhere: 0.25 a row and class, 16 in all.
		expect(losses[0]).toBeGreaterThan(16);
		expect(losses.at(-1)).toBeLessThan(0.1);
	});

	test("at pre-activation 0 moves no weight of the first layer", () => {
		const rows = randomRows(PARAMETERS, 3);
		const { second } = randomNetwork(PARAMETERS, 4);
		const first = new Array<bigint>(PARAMETERS.d * PARAMETERS.h).fill(0n);
		const step = trainingStep(PARAMETERS, { first, second }, rows);
		expect(step.preActivation.every((value) => value === 0n)).toBe(true);
		expect(step.slope.some((value) => value !== 0n)).toBe(true);
		expect(step.next.first).toEqual(first);
		expect(step.next.second).not.toEqual(second);
	});

	test("ignores rows that do not count and places that are empty", () => {
		const all = randomRows(PARAMETERS, 8);
		const network = randomNetwork(PARAMETERS, 9);
		const count = 7;
		const { d } = PARAMETERS;
		const some: Rows = { x: all.x.slice(0, count * d), label: all.label.slice(0, count), weight: all.weight.slice(0, count), count };
		const muted: Rows = { ...all, weight: all.weight.map((_, i) => (i < count ? 1 : 0)) };
		const expected = trainingStep({ ...PARAMETERS, n: count }, network, some);
		for (const rows of [some, muted]) {
			const { next, loss } = trainingStep(PARAMETERS, network, rows);
			expect({ next, loss }).toEqual({ next: expected.next, loss: expected.loss });
		}
	});
});

describe("extreme values", () => {
	const parameters: TrainingStepParameters = { n: 2, d: 2, h: 2, k: 2, levels: 1, fractionBits: 16, rate: 1 };
	const LARGEST = 2n ** 23n - 1n;
	const rows: Rows = { x: new Uint8Array(4).fill(255), label: new Uint8Array(2), weight: new Uint8Array(2).fill(1), count: 2 };
	const filled = (first: bigint, second: bigint): Perceptron => ({
		first: new Array<bigint>(4).fill(first),
		second: new Array<bigint>(6).fill(second),
	});

	test("all features 255 under the largest and the smallest weights are exact", () => {
		const up = trainingStep(parameters, filled(LARGEST, 0n), rows);
		expect(up.preActivation).toEqual(new Array(4).fill((2n * 255n * LARGEST + 128n) / 256n));
		expect(up.error).toEqual([-65536n, 0n, -65536n, 0n]);
		const down = trainingStep(parameters, { ...filled(-LARGEST - 1n, 0n), second: [0n, 0n, 0n, 0n, LARGEST, LARGEST] }, rows);
		expect(down.preActivation).toEqual(new Array(4).fill(-(2n * 255n * 2n ** 23n) / 256n));
		// Only the constant unit speaks: 2^16 (2^23 - 1) / 2^16.
		expect(down.error).toEqual([LARGEST - 65536n, LARGEST, LARGEST - 65536n, LARGEST]);
	});

	const three = { ...parameters, d: 3 };
	const wide: Rows = { ...rows, x: new Uint8Array(6).fill(255) };
	test.each<[string, string, RegExp, TrainingStepParameters, Perceptron, Rows]>([
		[
			"a pre-activation above 2^24",
			"activation-range",
			/expected pre-activation 0 in \[-16777215, 16777217\), got 25067517/,
			three,
			{ ...filled(0n, 0n), first: new Array<bigint>(6).fill(LARGEST) },
			wide,
		],
		[
			"a pre-activation of -2^24 or less",
			"activation-range",
			/expected pre-activation 0 in \[-16777215, 16777217\), got -25067520/,
			three,
			{ ...filled(0n, 0n), first: new Array<bigint>(6).fill(-LARGEST - 1n) },
			wide,
		],
		[
			"an error of 2^23 or more",
			"error-range",
			/expected error 0 in \[-8388608, 8388608\), got \d{10}/,
			parameters,
			filled(LARGEST, LARGEST),
			rows,
		],
		[
			"a slope of 2^23 or more",
			"slope-range",
			/expected slope 0 in \[-8388608, 8388608\), got \d+/,
			parameters,
			filled(-LARGEST, LARGEST),
			rows,
		],
		[
			"a weight that would leave its range",
			"weight-range",
			/expected second-layer weight after the step 5 in \[-8388608, 8388608\), got -2516\d+/,
			{ ...parameters, n: 4, rate: 2 ** 16 - 1 },
			{ ...filled(-1n, 0n), second: [0n, 0n, 0n, 0n, 0n, LARGEST] },
			{ x: new Uint8Array(8).fill(255), label: new Uint8Array(4), weight: new Uint8Array(4).fill(1), count: 4 },
		],
		[
			"a weight of the first layer that would leave its range",
			"weight-range",
			/expected first-layer weight after the step 2 in \[-8388608, 8388608\), got -87\d+/,
			{ ...parameters, rate: 2 ** 16 - 1 },
			{ first: [LARGEST, 0n, 2n ** 16n - LARGEST, 0n], second: [-(2n ** 17n), 0n, 0n, 0n, 0n, 0n] },
			{ ...rows, weight: Uint8Array.of(1, 0) },
		],
		[
			"a weight of 25 bits",
			"weight-range",
			/expected first-layer weight 0 in \[-8388608, 8388608\), got 8388608/,
			parameters,
			filled(LARGEST + 1n, 0n),
			rows,
		],
		[
			"a negative weight of 25 bits",
			"weight-range",
			/expected second-layer weight 0 in \[-8388608, 8388608\), got -8388609/,
			parameters,
			filled(0n, -LARGEST - 2n),
			rows,
		],
		[
			"a network of another shape",
			"network-shape",
			/4 weights of the first layer and 6 of the second, got 4 and 4/,
			parameters,
			{ ...filled(0n, 0n), second: [0n, 0n, 0n, 0n] },
			rows,
		],
		["a rate of 0", "rate-range", /in \[1, 2\^16\), got 0/, { ...parameters, rate: 0 }, filled(0n, 0n), rows],
		["a rate of 1", "rate-range", /in \[1, 2\^16\), got 65536/, { ...parameters, rate: 65536 }, filled(0n, 0n), rows],
		[
			"a label of no class",
			"row-label",
			/label in \[0, 2\) in row 0, got 2/,
			parameters,
			filled(0n, 0n),
			{ ...rows, label: Uint8Array.of(2, 0) },
		],
	])("%s is refused by name", (_, code, message, set, network, data) => {
		const refused = refusal(() => trainingStep(set, network, data));
		expect(refused).toEqual({ code, message: expect.stringMatching(message), hint: expect.stringMatching(/\w+ \w+/) });
	});
});

describe("batches", () => {
	const batches = Array.from({ length: 5 }, (_, i) => ({ rows: randomRows(PARAMETERS, 20 + i), salt: BigInt(1000 + i) }));
	const commits = batches.map((batch) => commitBatch(PARAMETERS, batch));
	const tree = new BatchTree(commits, 3);

	test("are committed as contributions are", () => {
		const { n, d, k } = PARAMETERS;
		const { rows, salt } = batches[0] as (typeof batches)[number];
		expect(commits[0]).toBe(contributionInstance({ n, d, k, weightBits: 1 }, rows, salt).publics[0]);
	});

	test("fill the tree again and again in order, and every path leads to the root", () => {
		const domain = BigInt(`0x${Buffer.from("openledger.batches").toString("hex")}`);
		for (let position = 0; position < 8; position++) {
			expect(tree.leaf(position)).toBe(commits[position % 5]);
			let node = tree.leaf(position);
			tree.path(position).forEach((sibling, level) => {
				const right = (position >> level) % 2 === 1;
				node = sponge(domain, [BigInt(level), right ? sibling : node, right ? node : sibling]);
			});
			expect(node).toBe(tree.root);
		}
	});

	test("come up about equally often", () => {
		const counts = new Array<number>(8).fill(0);
		for (let step = 0n; step < 800n; step++) {
			const position = batchPosition(3, 77n, step);
			counts[position] = (counts[position] as number) + 1;
		}
		// 100 each, standard deviation 9.4.
		expect(counts.every((count) => count > 60 && count < 140)).toBe(true);
		expect(counts.reduce((sum, count) => sum + count)).toBe(800);
	});

	test.each([0, 9])("%s of them do not fit 2^3 places", (count) => {
		expect(refusal(() => new BatchTree(new Array<bigint>(count).fill(1n), 3))).toEqual({
			code: "batch-count",
			message: `training-step: expected 1 to 8 batches, got ${count}`,
			hint: expect.stringContaining("levels"),
		});
	});

	const checkpoint: Checkpoint = { network: randomNetwork(PARAMETERS, 30), step: 3n, manifestDigest: 99n };

	test("other than the one that the seed names are refused", () => {
		const position = batchPosition(3, 5n, 3n);
		const wrong = batches[(position + 1) % 5] as (typeof batches)[number];
		const right = batches[position % 5] as (typeof batches)[number];
		expect(refusal(() => trainingStepInstance(PARAMETERS, checkpoint, 5n, tree, wrong))).toMatchObject({
			code: "batch-position",
			message: expect.stringContaining(`position ${position}`),
		});
		expect(refusal(() => trainingStepInstance(PARAMETERS, checkpoint, 5n, tree, { ...right, salt: 1n })).code).toBe("batch-position");
		expect(refusal(() => trainingStepInstance(PARAMETERS, checkpoint, 5n, new BatchTree(commits, 4), right)).code).toBe("tree-levels");
	});

	test("steps chain: the next checkpoint of one is the checkpoint of the next", () => {
		const batch = (step: bigint) => batches[batchPosition(3, 5n, step) % 5] as (typeof batches)[number];
		const one = trainingStepInstance(PARAMETERS, checkpoint, 5n, tree, batch(3n));
		const two = trainingStepInstance(PARAMETERS, { ...checkpoint, network: one.trace.next, step: 4n }, 5n, tree, batch(4n));
		expect(one.publics[1]).toBe(two.publics[0]);
	});

	test("a checkpoint commits to its weights, its step and its manifest", () => {
		const { network } = checkpoint;
		const commit = (changed: Partial<Checkpoint>) => commitCheckpoint(PARAMETERS, { ...checkpoint, ...changed });
		const moved = { ...network, second: network.second.map((value, at) => (at === 14 ? value + 1n : value)) };
		const all = [commit({}), commit({ step: 4n }), commit({ manifestDigest: 98n }), commit({ network: moved })];
		expect(new Set(all).size).toBe(4);
	});
});
