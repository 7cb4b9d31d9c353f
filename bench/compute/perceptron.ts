/** Training of the multilayer perceptron by the kernels of the interface, which every backend has; `train` in compute/training fuses those of one. */
import type { Backend, FloatRule } from "../../compute/backend.ts";
import { below, generator } from "../../compute/random.ts";
import type { Tensor } from "../../compute/tensor.ts";

const SIZES = [784, 128, 64, 10];
const [EPOCHS, BATCH] = [50, 64];
const RULE: FloatRule = { kind: "momentum", rate: 0.01, weightDecay: 0, momentum: 0.9 };

interface Layer {
	readonly weights: Tensor<"f32">;
	readonly bias: Tensor<"f32">;
	/** Their velocities. */
	readonly moments: readonly [Tensor<"f32">, Tensor<"f32">];
}

/**
 * Trains.
 * @param pixels - rows of 784 in [0, 1]
 * @returns the mean loss of the last batch in nats
 */
export async function trainPerceptron(backend: Backend, pixels: Float32Array, labels: Uint8Array): Promise<number> {
	const n = labels.length;
	const next = generator(1n);
	const [x, y] = [backend.upload("f32", pixels, n, SIZES[0] as number), backend.upload("u8", labels, n, 1)];
	const layers = SIZES.slice(1).map((outputs, l) => layerOf(backend, SIZES[l] as number, outputs, next));
	const order = Uint32Array.from({ length: n }, (_, i) => i);
	let loss = Number.NaN;
	for (let epoch = 0; epoch < EPOCHS; epoch++) {
		for (let i = n - 1; i > 0; i--) {
			const other = below(next, i + 1);
			[order[i], order[other]] = [order[other] as number, order[i] as number];
		}
		for (let from = 0; from < n; from += BATCH) {
			const losses = step(backend, layers, x, y, order.slice(from, from + BATCH));
			if (from + BATCH >= n) {
				const values = await backend.download(losses);
				loss = values.reduce((sum, value) => sum + value, 0) / values.length;
			}
			backend.release(losses);
		}
	}
	backend.release(x, y, ...layers.flatMap(({ weights, bias, moments }) => [weights, bias, ...moments]));
	return loss;
}

function step(backend: Backend, layers: readonly Layer[], x: Tensor<"f32">, y: Tensor<"u8">, batch: Uint32Array): Tensor<"f32"> {
	const { floats } = backend;
	const [given, labels] = [backend.gather(x, batch), backend.gather(y, batch)];
	const inputs = [given];
	for (const [l, { weights, bias }] of layers.entries()) {
		const z = floats.product(inputs[l] as Tensor<"f32">, weights);
		inputs.push(floats.affine(z, bias, l < layers.length - 1));
		backend.release(z);
	}
	const { losses, errors } = floats.crossEntropy(inputs.at(-1) as Tensor<"f32">, labels);
	let sent = errors;
	for (let l = layers.length - 1; l >= 0; l--) {
		const { weights, bias, moments } = layers[l] as Layer;
		const own = inputs[l] as Tensor<"f32">;
		const [gradient, sums] = [floats.product(own, sent, { left: true }), floats.columnSums(sent)];
		const [back, errorsOfLayer] = [l > 0 ? floats.product(sent, weights, { right: true }) : undefined, sent];
		if (back) sent = floats.mask(back, own);
		floats.step({ values: weights, first: moments[0], second: undefined }, gradient, 1 / batch.length, RULE);
		floats.step({ values: bias, first: moments[1], second: undefined }, sums, 1 / batch.length, RULE);
		backend.release(gradient, sums, errorsOfLayer, ...(back ? [back] : []));
	}
	backend.release(labels, ...inputs);
	return losses;
}

/** Weights in the range of He and others, "Delving deep into rectifiers" (2015). */
function layerOf(backend: Backend, inputs: number, outputs: number, next: () => number): Layer {
	const range = Math.sqrt(6 / inputs);
	const weights = Float32Array.from({ length: inputs * outputs }, () => range * (next() / 2 ** 31 - 1));
	const zeros = (rows: number) => backend.upload("f32", new Float32Array(rows * outputs), rows, outputs);
	return { weights: backend.upload("f32", weights, inputs, outputs), bias: zeros(1), moments: [zeros(inputs), zeros(1)] };
}
