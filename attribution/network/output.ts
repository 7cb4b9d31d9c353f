/**
 * Gradients of other outputs than the loss, in the same factors: of the margin of a row's own class,
 *
 *     f = log(p / (1 - p)) = z_label - log sum over the other classes exp z,
 *
 * and of the loss as if a row had another label. Source: Park et al., "TRAK: Attributing Model Behavior at Scale" (2023), 3.1 and appendix
 * B.
 */
import { DataError } from "../../compute/errors.ts";
import { type Matrix, matrix, multiply } from "../../compute/matrix.ts";
import { classesOf, type FloatRows, gradients, type Layer, type LayerGradients, type Network } from "../../compute/training/network.ts";

export interface Margins {
	/** The factors of each row's gradient of f. */
	readonly gradients: LayerGradients[];
	/** 1 - p for each row, in [0, 1]: accurate also where p is almost 1. */
	readonly doubts: Float64Array;
}

/**
 * The margin's gradients. The gradient of the loss is -(1 - p) times that of the margin.
 * @throws {DataError} ONE_CLASS for a network of one class; SHAPE_MISMATCH, LABEL_OUT_OF_RANGE
 */
export function margins(network: Network, rows: FloatRows): Margins {
	const k = classesOf(network);
	if (k < 2) throw new DataError("ONE_CLASS", `margins: expected 2 classes or more, got ${k}`, "Train a network of two classes or more.");
	const own = gradients(network, rows);
	const logits = lastLogits(network, own);
	const errors = new Float32Array(logits.values.length);
	const doubts = Float64Array.from(rows.label, (label, i) => {
		const z = logits.values.subarray(i * k, (i + 1) * k);
		const largest = z.reduce((most, value, c) => (c === label ? most : Math.max(most, value)), -Infinity);
		const sum = z.reduce((total, value, c) => (c === label ? total : total + Math.exp(value - largest)), 0);
		for (let c = 0; c < k; c++) errors[i * k + c] = c === label ? 1 : -Math.exp((z[c] as number) - largest) / sum;
		return 1 / (1 + Math.exp((z[label] as number) - largest - Math.log(sum)));
	});
	return { gradients: backward(network, own, matrix(errors, rows.x.rows, k)), doubts };
}

/**
 * The factors of the loss gradients of rows that are given each label in turn, times sqrt(p) of that label: the mean over rows of the sum
 * over labels of their squares is the Fisher information.
 * @returns for each class the factors of all rows
 * @throws {DataError} SHAPE_MISMATCH, LABEL_OUT_OF_RANGE
 */
export function fisherGradients(network: Network, rows: FloatRows): LayerGradients[][] {
	const k = classesOf(network);
	const own = gradients(network, rows);
	const logits = lastLogits(network, own);
	const p = new Float32Array(logits.values.length);
	for (let i = 0; i < p.length; i += k) {
		const z = logits.values.subarray(i, i + k);
		const largest = z.reduce((most, value) => Math.max(most, value));
		const sum = z.reduce((total, value) => total + Math.exp(value - largest), 0);
		for (let c = 0; c < k; c++) p[i + c] = Math.exp((z[c] as number) - largest) / sum;
	}
	return Array.from({ length: k }, (_, label) => {
		const errors = p.map((value, at) => {
			const c = at % k;
			return Math.sqrt(p[at - c + label] as number) * (value - (c === label ? 1 : 0));
		});
		return backward(network, own, matrix(errors, rows.x.rows, k));
	});
}

/** What the layers were given, with the errors that follow from those of the last one. */
function backward({ layers }: Network, own: readonly LayerGradients[], last: Matrix<Float32Array>): LayerGradients[] {
	const result: LayerGradients[] = [];
	let errors = last;
	for (let l = layers.length - 1; l >= 0; l--) {
		const { inputs } = own[l] as LayerGradients;
		result.unshift({ inputs, errors });
		if (l === 0) break;
		errors = multiply(errors, (layers[l] as Layer).weights, { right: true });
		// The derivative of ReLU; 0 at 0.
		for (let i = 0; i < errors.values.length; i++) if ((inputs.values[i] as number) <= 0) errors.values[i] = 0;
	}
	return result;
}

function lastLogits({ layers }: Network, own: readonly LayerGradients[]): Matrix<Float32Array> {
	const { weights, bias } = layers.at(-1) as Layer;
	const logits = multiply((own.at(-1) as LayerGradients).inputs, weights);
	for (let i = 0; i < logits.values.length; i++) logits.values[i] = (logits.values[i] as number) + (bias[i % bias.length] as number);
	return logits;
}
