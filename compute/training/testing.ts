/** What tests of training share: steps of stochastic gradient descent by their definition, rows, and small networks. */
import type { Architecture } from "../architecture.ts";
import { type Matrix, matrix, multiplyPlain } from "../matrix.ts";
import { below, type Generator, generator, xoshiro128 } from "../random.ts";
import type { Settings } from "./descent.ts";
import type { FloatRows, Layer, Network } from "./network.ts";
import type { TrainingData, TrainingRows } from "./rows.ts";

/** What takes a step on a batch, given by its rows, changes the network, and tells the mean loss. */
export function plainStepper(network: Network, rows: FloatRows, settings: Settings, next: Generator): (batch: Uint32Array) => number {
	const { rate, momentum, dropout, weightDecay } = settings;
	const words = Array.from({ length: 16 }, next);
	const lanes = [0, 1, 2, 3].map((lane) =>
		xoshiro128([0, 1, 2, 3].map((word) => words[4 * word + lane]) as [number, number, number, number]),
	);
	const { layers } = network;
	const velocities = layers.map(({ weights, bias }) => ({
		weights: new Float32Array(weights.values.length),
		bias: new Float32Array(bias.length),
	}));
	const columns = rows.x.columns;
	const update = (w: Float32Array, v: Float32Array, g: Float32Array) => {
		for (let i = 0; i < w.length; i++) {
			const velocity = momentum * (v[i] as number) + (g[i] as number) + weightDecay * (w[i] as number);
			v[i] = velocity;
			w[i] = (w[i] as number) - rate * velocity;
		}
	};
	return (batch) => {
		const count = batch.length;
		const x = new Float32Array(count * columns);
		batch.forEach((row, i) => {
			x.set(rows.x.values.subarray(row * columns, (row + 1) * columns), i * columns);
		});
		const values: Matrix<Float32Array>[] = [matrix(x, count, columns)];
		// What each hidden value was multiplied by: 0 or 1 / (1 - dropout), and 0 where ReLU cut it off.
		const masks: Float32Array[] = [];
		layers.forEach(({ weights, bias }, l) => {
			const z = multiplyPlain(values[l] as Matrix<Float32Array>, weights);
			const mask = new Float32Array(z.values.length);
			const hidden = l < layers.length - 1;
			// One draw for each value, and for those that rows are padded with.
			const drawn = 8 * Math.ceil(bias.length / 8);
			for (let at = 0; at < count * drawn; at++) {
				const [row, column] = [Math.floor(at / drawn), at % drawn];
				const kept = !hidden ? 1 : (lanes[at % 4] as Generator)() >= dropout * 2 ** 32 ? 1 / (1 - dropout) : 0;
				if (column >= bias.length) continue;
				const i = row * bias.length + column;
				const value = (z.values[i] as number) + (bias[column] as number);
				mask[i] = hidden && value <= 0 ? 0 : kept;
				z.values[i] = hidden && value < 0 ? 0 : value * kept;
			}
			masks.push(mask);
			values.push(z);
		});
		const logits = values.at(-1) as Matrix<Float32Array>;
		const k = logits.columns;
		let errors: Matrix<Float32Array> = matrix(new Float32Array(count * k), count, k);
		let loss = 0;
		for (let i = 0; i < count; i++) {
			const z = logits.values.subarray(i * k, (i + 1) * k);
			const label = rows.label[batch[i] as number] as number;
			const largest = z.reduce((most, value) => Math.max(most, value));
			const sum = z.reduce((total, value) => total + Math.exp(value - largest), 0);
			loss += largest + Math.log(sum) - (z[label] as number);
			for (let c = 0; c < k; c++) errors.values[i * k + c] = (Math.exp((z[c] as number) - largest) / sum - (c === label ? 1 : 0)) / count;
		}
		for (let l = layers.length - 1; l >= 0; l--) {
			const { weights, bias } = layers[l] as Layer;
			const velocity = velocities[l] as (typeof velocities)[number];
			const gradient = multiplyPlain(values[l] as Matrix<Float32Array>, errors, { left: true });
			const biasGradient = new Float32Array(bias.length);
			for (let i = 0; i < errors.values.length; i++) (biasGradient[i % bias.length] as number) += errors.values[i] as number;
			if (l > 0) {
				errors = multiplyPlain(errors, weights, { right: true });
				const mask = masks[l - 1] as Float32Array;
				for (let i = 0; i < errors.values.length; i++) (errors.values[i] as number) *= mask[i] as number;
			}
			update(weights.values, velocity.weights, gradient.values);
			update(bias, velocity.bias, biasGradient);
		}
		return loss / count;
	};
}

/** Bytes of k classes, each bright in columns of its own; columns of noise between them. */
export function byteRows(n: number, d: number, k: number, seed: bigint): TrainingRows<Uint8Array> {
	const next = generator(seed);
	const label = Uint8Array.from({ length: n }, () => below(next, k));
	const x = Uint8Array.from({ length: n * d }, (_, at) => {
		const own = (at % d) % (k + 1) === label[Math.floor(at / d)];
		return below(next, 3) === 0 ? 0 : below(next, 120) + (own ? 130 : 0);
	});
	return { x, label, n, d };
}

/** Rows of pictures of 6 x 5, and as many held out. */
export function pictures(n: number, k = 3): TrainingData {
	return { k, train: byteRows(n, 30, k, 4n), test: byteRows(20, 30, k, 5n) };
}

/** One hidden layer on rows of 30 features. */
export const PERCEPTRON: Architecture = {
	input: { height: 1, width: 1, channels: 30 },
	layers: [
		{ kind: "dense", outputs: 12 },
		{ kind: "dense", outputs: 3 },
	],
};

/** Two convolutions on pictures of 6 x 5. */
export const CONVOLUTIONAL: Architecture = {
	input: { height: 6, width: 5, channels: 1 },
	layers: [
		{ kind: "convolution", channels: 4, kernel: 3, stride: 1, padding: 1 },
		{ kind: "convolution", channels: 5, kernel: 3, stride: 2, padding: 1 },
		{ kind: "dense", outputs: 3 },
	],
};
