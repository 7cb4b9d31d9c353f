/**
 * A multilayer perceptron in float32 and the gradients of its cross-entropy loss, one example at a time.
 *
 * With h_0 = x: z_l = h_(l-1) W_l + b_l, h_l = max(0, z_l), and the last z are the logits. A network of one layer is multinomial logistic
 * regression. The gradient of an example's loss with respect to W_l is an outer product h_(l-1)^T e_l with e_l = d loss / d z_l, and e_l
 * with respect to b_l: so the factors are kept and never the product ("ghost" gradients). Training is train.ts.
 * Source: Goodfellow, Bengio and Courville, "Deep Learning" (2016), 6.5.
 */
import { DataError } from "../errors.ts";
import { type Matrix, matrix, multiply } from "../matrix.ts";
import { generator } from "../random.ts";

export interface Layer {
	/** W, inputs x outputs. */
	readonly weights: Matrix<Float32Array>;
	/** b, one per output. */
	readonly bias: Float32Array;
}

/** ReLU between the layers, logits out of the last one. */
export interface Network {
	/** At least one; each takes what the one before gives. */
	readonly layers: readonly Layer[];
}

/** Labelled rows in float32. */
export interface FloatRows {
	/** n x inputs, finite. */
	readonly x: Matrix<Float32Array>;
	/** n labels below the number of classes. */
	readonly label: Uint8Array;
}

/** What the gradients of one layer are made of. */
export interface LayerGradients {
	/** n x inputs: what the layer was given for each example, without the constant 1 of the bias. */
	readonly inputs: Matrix<Float32Array>;
	/**
	 * n x outputs: the gradient of each example's own loss (not divided by n) with respect to what the layer gives before ReLU.
	 * Row i of `inputs` (as a column) times row i here is the gradient for the weights, row i here is the one for the bias.
	 */
	readonly errors: Matrix<Float32Array>;
}

/**
 * A network with random weights and biases, uniform in (-1 / sqrt(inputs), 1 / sqrt(inputs)) of each layer: PyTorch's `nn.Linear`.
 * @param sizes - inputs, hidden layers, classes: two positive integers or more
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function initialise(sizes: readonly number[], seed: bigint): Network {
	if (sizes.length < 2 || !sizes.every((size) => Number.isInteger(size) && size > 0)) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`initialise: expected two sizes or more, all positive integers, got [${sizes.join(", ")}]`,
			"Pass the number of inputs, the sizes of hidden layers, and the number of classes.",
		);
	}
	return {
		layers: drawLayers(
			sizes.slice(1).map((outputs, l) => ({ inputs: sizes[l] as number, outputs })),
			seed,
		),
	};
}

/** Random weights and biases of layers as above; the inputs of a convolution are the values of a patch. */
export function drawLayers(shapes: readonly { readonly inputs: number; readonly outputs: number }[], seed: bigint): Layer[] {
	const next = generator(seed);
	return shapes.map(({ inputs, outputs }) => {
		const bound = 1 / Math.sqrt(inputs);
		const draw = () => (2 * ((next() + 0.5) / 2 ** 32) - 1) * bound;
		const weights = matrix(Float32Array.from({ length: inputs * outputs }, draw), inputs, outputs);
		return { weights, bias: Float32Array.from({ length: outputs }, draw) };
	});
}

/** A network of the same weights, in memory of its own. */
export function copyNetwork({ layers }: Network): Network {
	return { layers: layers.map(({ weights, bias }) => ({ weights: { ...weights, values: weights.values.slice() }, bias: bias.slice() })) };
}

/**
 * Logits.
 * @param x - n x inputs
 * @returns n x classes
 * @throws {DataError} SHAPE_MISMATCH
 */
export function forward(network: Network, x: Matrix<Float32Array>): Matrix<Float32Array> {
	return activations(network, x).at(-1) as Matrix<Float32Array>;
}

/**
 * Cross-entropy of each row, in nats: log sum exp z - z_label.
 * @returns n values, at least 0
 * @throws {DataError} SHAPE_MISMATCH, LABEL_OUT_OF_RANGE
 */
export function losses(network: Network, rows: FloatRows): Float32Array {
	checkFloatRows(rows, classesOf(network), "losses");
	const { values, columns: k } = forward(network, rows.x);
	return Float32Array.from(rows.label, (label, i) => {
		const z = values.subarray(i * k, (i + 1) * k);
		return logSumExp(z) - (z[label] as number);
	});
}

/**
 * The factors of every example's gradient, for each layer.
 * @throws {DataError} SHAPE_MISMATCH, LABEL_OUT_OF_RANGE
 */
export function gradients(network: Network, rows: FloatRows): LayerGradients[] {
	checkFloatRows(rows, classesOf(network), "gradients");
	const { layers } = network;
	const values = activations(network, rows.x);
	let errors = lossErrors(values.at(-1) as Matrix<Float32Array>, rows.label);
	const result: LayerGradients[] = [];
	for (let l = layers.length - 1; l >= 0; l--) {
		const inputs = values[l] as Matrix<Float32Array>;
		result.unshift({ inputs, errors });
		if (l === 0) break;
		errors = multiply(errors, (layers[l] as Layer).weights, { right: true });
		// The derivative of ReLU; 0 at 0.
		for (let i = 0; i < errors.values.length; i++) if ((inputs.values[i] as number) <= 0) errors.values[i] = 0;
	}
	return result;
}

/** Number of classes. */
export function classesOf({ layers }: Network): number {
	return layers.at(-1)?.bias.length ?? 0;
}

/**
 * Refuse rows that cannot be labelled rows of k classes.
 * @throws {DataError} SHAPE_MISMATCH, LABEL_OUT_OF_RANGE
 */
export function checkFloatRows({ x, label }: FloatRows, k: number, place: string): void {
	if (label.length !== x.rows)
		throw new DataError("SHAPE_MISMATCH", `${place}: expected ${x.rows} labels, got ${label.length}`, "Pass a label per row.");
	const outside = label.findIndex((value) => value >= k);
	if (outside < 0) return;
	throw new DataError(
		"LABEL_OUT_OF_RANGE",
		`${place}: row ${outside}: label ${label[outside]} is outside [0, ${k - 1}]`,
		"Number the classes from 0, or train for more classes.",
	);
}

/** x, then what each layer gives: after ReLU, the last one without. */
function activations({ layers }: Network, x: Matrix<Float32Array>): Matrix<Float32Array>[] {
	const values = [x];
	layers.forEach(({ weights, bias }, l) => {
		const z = multiply(values[l] as Matrix<Float32Array>, weights);
		const last = l === layers.length - 1;
		for (let i = 0; i < z.values.length; i += bias.length) {
			for (let j = 0; j < bias.length; j++) {
				const value = (z.values[i + j] as number) + (bias[j] as number);
				// Not Math.max: NaN goes on to the loss, where it is seen.
				z.values[i + j] = !last && value < 0 ? 0 : value;
			}
		}
		values.push(z);
	});
	return values;
}

/** Softmax minus one-hot. */
function lossErrors(logits: Matrix<Float32Array>, label: Uint8Array): Matrix<Float32Array> {
	const { rows, columns: k } = logits;
	const errors = new Float32Array(rows * k);
	for (let i = 0; i < rows; i++) {
		const z = logits.values.subarray(i * k, (i + 1) * k);
		const total = logSumExp(z);
		for (let c = 0; c < k; c++) errors[i * k + c] = Math.exp((z[c] as number) - total) - (label[i] === c ? 1 : 0);
	}
	return matrix(errors, rows, k);
}

function logSumExp(z: Float32Array): number {
	let largest = z[0] as number;
	for (let c = 1; c < z.length; c++) if (!((z[c] as number) <= largest)) largest = z[c] as number;
	let sum = 0;
	for (let c = 0; c < z.length; c++) sum += Math.exp((z[c] as number) - largest);
	return largest + Math.log(sum);
}
