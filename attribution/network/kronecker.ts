/**
 * The Fisher information of a network's layers in the basis that a Kronecker product gives, with its own second moments as eigenvalues
 * (EK-FAC):
 *
 *     E[g g^T] ~ (Q_A x Q_G) diag(Lambda) (Q_A x Q_G)^T      Lambda_ij = E[(Q_A^T a)_i^2 (Q_G^T e)_j^2]
 *
 * with the eigenvectors Q_A of E[a a^T] and Q_G of E[e e^T], where labels are drawn from what the network says: the expectation over them
 * is taken exactly. Layers are independent of one another, and a layer's Fisher information is exact where a and e are independent. Inputs
 * a have a last entry 1, for the bias. Source: George et al., "Fast Approximate Natural Gradient Descent in a Kronecker-factored
 * Eigenbasis" (2018).
 */

import { type Eigen, eigen } from "../../compute/eigen.ts";
import { type Matrix, matrix, multiply } from "../../compute/matrix.ts";
import type { FloatRows, LayerGradients, Network } from "../../compute/training/network.ts";
import type { Control } from "../method.ts";
import { pause, rowRange } from "./ghost.ts";
import { fisherGradients } from "./output.ts";

/** Of one layer. */
export interface KroneckerBasis {
	/** Q_A, (inputs + 1) x (inputs + 1). */
	readonly inputs: Matrix<Float32Array>;
	/** Q_G, outputs x outputs. */
	readonly errors: Matrix<Float32Array>;
	/** Lambda, (inputs + 1) x outputs, at least 0. */
	readonly eigenvalues: Matrix<Float32Array>;
}

/** Makes bases for rows; what it is asked for twice of the rows themselves it computes once. */
export type BasisMaker = (networks: readonly Network[], control?: Control) => Promise<KroneckerBasis[]>;

/**
 * @param rows - over which expectations are taken
 * @returns for networks (their mean, where several are given) the basis of each layer
 */
export function basisMaker(rows: FloatRows): BasisMaker {
	let ofRows: Eigen | undefined;
	return async (networks, control = {}) => {
		const all = networks.map((network) => fisherGradients(network, rows));
		const layers = all[0]?.[0]?.length ?? 0;
		const bases: KroneckerBasis[] = [];
		for (let l = 0; l < layers; l++) {
			await pause(control);
			const points = all.map((labels) => labels.map((gradients) => gradients[l] as LayerGradients));
			const inputs = points.map(([first]) => withBias((first as LayerGradients).inputs));
			const errors = points.flatMap((labels) => labels.map((layer) => layer.errors));
			// The first layer is given the rows themselves, whatever the network.
			const second = () => eigen(meanSquare(inputs, rows.x.rows * networks.length));
			const a: Eigen = l === 0 ? (ofRows ?? second()) : second();
			if (l === 0) ofRows = a;
			const g = eigen(meanSquare(errors, rows.x.rows * networks.length));
			const basis = { inputs: single(a.vectors), errors: single(g.vectors) };
			const eigenvalues = new Float32Array(basis.inputs.rows * basis.errors.rows);
			points.forEach((labels, p) => {
				const left = squares(multiply(inputs[p] as Matrix<Float32Array>, basis.inputs));
				for (const layer of labels) {
					const product = multiply(left, squares(multiply(layer.errors, basis.errors)), { left: true });
					for (let i = 0; i < eigenvalues.length; i++)
						eigenvalues[i] = (eigenvalues[i] as number) + (product.values[i] as number) / (rows.x.rows * networks.length);
				}
			});
			bases.push({ ...basis, eigenvalues: matrix(eigenvalues, basis.inputs.rows, basis.errors.rows) });
		}
		return bases;
	};
}

/** Gradients of `tests` examples in one layer, written out: (inputs + 1) x tests x outputs. */
export interface WrittenGradients {
	readonly values: Float32Array;
	readonly inputs: number;
	readonly tests: number;
	readonly outputs: number;
}

/** The gradients of some examples, written out. */
export function writeOut({ inputs, errors }: LayerGradients): WrittenGradients {
	const a = withBias(inputs);
	const [tests, outputs] = [errors.rows, errors.columns];
	const values = new Float32Array(a.columns * tests * outputs);
	for (let i = 0, at = 0; i < a.columns; i++) {
		for (let t = 0; t < tests; t++) {
			const input = a.values[t * a.columns + i] as number;
			for (let j = 0; j < outputs; j++, at++) values[at] = input * (errors.values[t * outputs + j] as number);
		}
	}
	return { values, inputs: a.columns, tests, outputs };
}

/** (Q_A x Q_G)^T g, or with `back` (Q_A x Q_G) g, for each of the gradients. */
export function rotate(gradients: WrittenGradients, { inputs, errors }: KroneckerBasis, back = false): WrittenGradients {
	const { values, inputs: rows, tests, outputs } = gradients;
	const half = multiply(inputs, { values, rows, columns: tests * outputs }, { left: !back });
	const whole = multiply({ values: half.values, rows: rows * tests, columns: outputs }, errors, { right: back });
	return { ...gradients, values: whole.values };
}

/** Each gradient's entries times those of a filter, (inputs + 1) x outputs. */
export function filtered(gradients: WrittenGradients, filter: Float32Array): WrittenGradients {
	const { values, tests, outputs } = gradients;
	const result = new Float32Array(values.length);
	for (let at = 0, i = 0; at < values.length; i += outputs) {
		for (let t = 0; t < tests; t++) {
			for (let j = 0; j < outputs; j++, at++) result[at] = (values[at] as number) * (filter[i + j] as number);
		}
	}
	return { ...gradients, values: result };
}

/** What the training side is kept as: its factors in the basis of a layer. */
export interface RotatedRows {
	/** n x (inputs + 1). */
	readonly inputs: Matrix<Float32Array>;
	/** n x outputs. */
	readonly errors: Matrix<Float32Array>;
}

export function rotateRows({ inputs, errors }: LayerGradients, basis: KroneckerBasis): RotatedRows {
	return { inputs: multiply(withBias(inputs), basis.inputs), errors: multiply(errors, basis.errors) };
}

/** Rows of the training side that are multiplied at once. */
const BLOCK = 256;

/**
 * Adds to scores, n x tests, the inner products of all rows with written gradients in the same basis.
 * @param first - the column of the first of these gradients
 */
export function addProducts(scores: Matrix<Float32Array>, rows: RotatedRows, gradients: WrittenGradients, first: number): void {
	const { tests, outputs } = gradients;
	const right = { values: gradients.values, rows: gradients.inputs, columns: tests * outputs };
	for (let start = 0; start < scores.rows; start += BLOCK) {
		const end = Math.min(start + BLOCK, scores.rows);
		const product = multiply(rowRange(rows.inputs, start, end), right).values;
		for (let i = start, at = 0; i < end; i++) {
			for (let t = 0; t < tests; t++) {
				let sum = 0;
				for (let j = 0; j < outputs; j++, at++) sum += (product[at] as number) * (rows.errors.values[i * outputs + j] as number);
				const place = i * scores.columns + first + t;
				scores.values[place] = (scores.values[place] as number) + sum;
			}
		}
	}
}

/** A last column of ones. */
function withBias({ values, rows, columns }: Matrix<Float32Array>): Matrix<Float32Array> {
	const wide = new Float32Array(rows * (columns + 1)).fill(1);
	for (let i = 0; i < rows; i++) wide.set(values.subarray(i * columns, (i + 1) * columns), i * (columns + 1));
	return { values: wide, rows, columns: columns + 1 };
}

function meanSquare(sides: readonly Matrix<Float32Array>[], count: number): Matrix<Float64Array> {
	const d = sides[0]?.columns ?? 0;
	const sum = new Float64Array(d * d);
	for (const side of sides) {
		multiply(side, side, { left: true }).values.forEach((value, i) => {
			(sum[i] as number) += value / count;
		});
	}
	return { values: sum, rows: d, columns: d };
}

function squares({ values, rows, columns }: Matrix<Float32Array>): Matrix<Float32Array> {
	return { values: values.map((value) => value * value), rows, columns };
}

function single({ values, rows, columns }: Matrix<Float64Array>): Matrix<Float32Array> {
	return { values: Float32Array.from(values), rows, columns };
}
