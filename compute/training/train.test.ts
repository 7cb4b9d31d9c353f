import { describe, expect, test } from "vitest";
import { matrix } from "../matrix.ts";
import { below, generator } from "../random.ts";
import { refusal } from "../testing.ts";
import { copyNetwork, type FloatRows, forward, gradients, losses, type Network } from "./network.ts";
import { type TrainOptions, train } from "./train.ts";

/** Rows of k classes around different means. */
function clusters(n: number, inputs: number, k: number, seed: bigint): FloatRows {
	const next = generator(seed);
	const label = Uint8Array.from({ length: n }, () => below(next, k));
	const x = Float32Array.from({ length: n * inputs }, (_, at) => {
		const own = (at % inputs) % k === label[Math.floor(at / inputs)];
		return below(next, 4) === 0 ? 0 : next() / 2 ** 32 + (own ? 0.7 : 0);
	});
	return { x: matrix(x, n, inputs), label };
}

const rows = clusters(60, 9, 3, 4n);
const options: TrainOptions = { sizes: [8, 6], epochs: 3, batch: 16, rate: 0.1, momentum: 0.9, dropout: 0.2, weightDecay: 0.01, seed: 7n };
const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const parameters = ({ layers }: Network) => layers.flatMap(({ weights, bias }) => [weights.values, bias]);

/** One step on all rows by the definition, in float64. */
function steps(start: Network, count: number, { rate, momentum = 0, weightDecay = 0 }: TrainOptions): Network {
	const network = copyNetwork(start);
	const velocities = parameters(network).map((values) => new Float64Array(values.length));
	for (let step = 0; step < count; step++) {
		const means = gradients(network, rows).flatMap(({ inputs, errors }) => {
			const weights = new Float64Array(inputs.columns * errors.columns);
			const bias = new Float64Array(errors.columns);
			for (let row = 0; row < inputs.rows; row++) {
				for (let j = 0; j < errors.columns; j++) {
					const error = (errors.values[row * errors.columns + j] as number) / inputs.rows;
					(bias[j] as number) += error;
					for (let i = 0; i < inputs.columns; i++)
						(weights[i * errors.columns + j] as number) += error * (inputs.values[row * inputs.columns + i] as number);
				}
			}
			return [weights, bias];
		});
		parameters(network).forEach((values, p) => {
			const velocity = velocities[p] as Float64Array;
			values.forEach((value, i) => {
				velocity[i] = momentum * (velocity[i] as number) + ((means[p] as Float64Array)[i] as number) + weightDecay * value;
				values[i] = value - rate * (velocity[i] as number);
			});
		});
	}
	return network;
}

describe("a step is the one of the definition", () => {
	test.each([
		["plain", {}],
		["with momentum and weight decay", { momentum: 0.9, weightDecay: 0.05 }],
		["of logistic regression", { sizes: [] }],
		["of a wide layer", { sizes: [131, 5] }],
	])("%s", async (_, change) => {
		const { momentum: _m, dropout: _d, weightDecay: _w, ...plain } = options;
		const chosen = { ...plain, epochs: 4, batch: rows.x.rows, checkpoints: [0, 1, 4], ...change };
		const { checkpoints } = await train(rows, 3, chosen);
		const start = checkpoints[0]?.network as Network;
		for (const { epoch, network } of checkpoints) {
			const expected = parameters(steps(start, epoch, chosen));
			parameters(network).forEach((values, p) => {
				values.forEach((value, i) => {
					expect(value).toBeCloseTo(expected[p]?.[i] as number, 5);
				});
			});
		}
	});
});

test("every row is in one batch of an epoch, the last one smaller", async () => {
	// At a vanishing rate the steps add up, each divided by the size of its batch.
	const { momentum: _m, dropout: _d, weightDecay: _w, ...plain } = options;
	const chosen = { ...plain, sizes: [], epochs: 1, batch: 20, rate: 1e-3, checkpoints: [0, 1] };
	const { checkpoints } = await train(rows, 3, chosen);
	const [before, after] = checkpoints.map(({ network }) => parameters(network)) as [Float32Array[], Float32Array[]];
	const expected = parameters(steps(checkpoints[0]?.network as Network, 1, { ...chosen, rate: 3e-3 }));
	after.forEach((values, p) => {
		values.forEach((value, i) => {
			const change = (expected[p]?.[i] as number) - (before[p]?.[i] as number);
			expect(Math.abs(value - (before[p]?.[i] as number) - change)).toBeLessThan(1e-5);
		});
	});
});

test("it learns", async () => {
	const test = clusters(200, 9, 3, 5n);
	const { network, checkpoints } = await train(clusters(400, 9, 3, 6n), 3, {
		...options,
		dropout: 0,
		weightDecay: 0,
		epochs: 20,
		checkpoints: [0],
	});
	expect(mean(losses(network, test))).toBeLessThan(0.5 * mean(losses(checkpoints[0]?.network as Network, test)));
	const logits = forward(network, test.x).values;
	const right = test.label.filter((label, i) => logits.subarray(3 * i, 3 * i + 3).every((z) => z <= (logits[3 * i + label] as number)));
	expect(right.length).toBeGreaterThan(160);
});

test("the same seed gives the same bits, another one does not", async () => {
	const twice = await Promise.all([train(rows, 3, options), train(rows, 3, options)]);
	expect(twice[0]).toEqual(twice[1]);
	const other = await train(rows, 3, { ...options, seed: 8n });
	expect(other.network).not.toEqual(twice[0].network);
});

test("checkpoints are copies on the way", async () => {
	const { network, checkpoints } = await train(rows, 3, { ...options, checkpoints: [0, 2, 3] });
	expect(checkpoints.map(({ epoch, rate }) => [epoch, rate])).toEqual([0, 2, 3].map((epoch) => [epoch, 0.1]));
	expect(checkpoints[2]?.network).toEqual(network);
	const [first] = checkpoints;
	expect(first?.network).not.toEqual(network);
	const { network: earlier } = await train(rows, 3, { ...options, epochs: 2 });
	expect(checkpoints[1]?.network).toEqual(earlier);
});

test("dropout keeps the share it says", async () => {
	// One step from known weights: the bias of a hidden unit moves only if the unit was kept.
	const one = { x: matrix(Float32Array.of(1), 1, 1), label: Uint8Array.of(0) };
	const width = 4000;
	const setting = { sizes: [width], epochs: 1, batch: 1, rate: 1, seed: 2n, checkpoints: [0] };
	const changed = async (dropout: number) => {
		const { network, checkpoints } = await train(one, 2, { ...setting, dropout });
		const [before, after] = [checkpoints[0]?.network.layers[0]?.bias, network.layers[0]?.bias] as [Float32Array, Float32Array];
		return before.filter((value, i) => value !== after[i]).length;
	};
	const [all, most, few] = [await changed(0), await changed(0.1), await changed(0.75)];
	expect(most / all).toBeGreaterThan(0.88);
	expect(most / all).toBeLessThan(0.92);
	expect(few / all).toBeGreaterThan(0.22);
	expect(few / all).toBeLessThan(0.28);
});

test("progress is told, and a signal stops the training", async () => {
	const told: number[][] = [];
	await train(rows, 3, { ...options, progress: (done, of) => told.push([done, of]) });
	expect(told).toEqual([
		[1, 3],
		[2, 3],
		[3, 3],
	]);
	const stop = new AbortController();
	const started = train(rows, 3, {
		...options,
		epochs: 100,
		signal: stop.signal,
		progress: (done) => done === 2 && stop.abort(new Error("enough")),
	});
	await expect(started).rejects.toThrow("enough");
});

describe("refused", () => {
	const attempt = (change: Partial<TrainOptions>, given = rows, k = 3) => refusal(() => train(given, k, { ...options, ...change }));

	test.each([
		["epochs", -1, "an integer of at least 0"],
		["batch", 0, "an integer of at least 1"],
		["rate", 0, "a finite number above 0"],
		["momentum", 1, "a number in [0, 1)"],
		["dropout", Number.NaN, "a number in [0, 1)"],
		["weightDecay", -0.1, "a finite number of at least 0"],
	])("%s = %s", async (name, value, range) => {
		expect(await attempt({ [name]: value })).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: `train: ${name}: expected ${range}, got ${value}`,
		});
	});

	test.each([[[2, 1]], [[1, 1]], [[4]], [[0.5]]])("checkpoints %j", async (checkpoints) => {
		expect(await attempt({ checkpoints })).toEqual({
			code: "CHECKPOINT_ORDER",
			message: `train: checkpoints: expected ascending epochs in [0, 3], got [${checkpoints.join(", ")}]`,
		});
	});

	test("a rate that is too large", async () => {
		const { code, message } = await attempt({ rate: 1e30, epochs: 50 });
		expect(code).toBe("DIVERGED");
		expect(message).toMatch(/^train: epoch \d+ of 50: expected a finite loss, got (NaN|Infinity|-Infinity) at rate 1e\+30$/);
	});

	test("no rows, one class, a value that is no number, a label of another class", async () => {
		expect(await attempt({}, { x: matrix(new Float32Array(0), 0, 9), label: new Uint8Array(0) })).toMatchObject({ code: "TOO_FEW_ROWS" });
		expect(await attempt({}, { ...rows, label: new Uint8Array(60) }, 1)).toEqual({
			code: "ONE_CLASS",
			message: "train: expected 2 classes or more, got 1",
		});
		const values = rows.x.values.slice();
		values[2 * 9 + 4] = Number.NaN;
		expect(await attempt({}, { ...rows, x: matrix(values, 60, 9) })).toEqual({
			code: "VALUE_NOT_NUMERIC",
			message: "train: row 2, feature 4: NaN is not a finite number",
		});
		expect(await attempt({}, rows, 2)).toMatchObject({ code: "LABEL_OUT_OF_RANGE" });
	});
});
