/** Heads that were trained, one or several, as the influence methods of the softmax loss read them. */
import { DataError } from "../../compute/errors.ts";
import type { Matrix } from "../../compute/matrix.ts";
import { probabilities, trainSoftmax } from "../../compute/softmax.ts";
import type { Examples } from "../examples.ts";
import type { Control } from "../method.ts";
import { featuresOf } from "./head-gradients.ts";

export interface SoftmaxParameters {
	/**
	 * Relative to the mean loss. Of the head that is trained here; with `heads` the damping of the Hessian: for heads that descended for
	 * a time T = rate x steps and stopped before the optimum, 1 / T, since descent only reaches directions of curvature above that.
	 */
	readonly ridge: number;
	/**
	 * Heads that were trained elsewhere, each d x k, [feature][class]; one is trained to its optimum if absent. Several count as one
	 * model with the mean of their probabilities, which takes away the noise of their training (ensemble of TRAK, section 3.2).
	 */
	readonly heads?: readonly Float64Array[] | undefined;
}

/** The heads to work with. @throws {DataError} SHAPE_MISMATCH, PARAMETER_OUT_OF_RANGE for no head, and as `trainSoftmax` */
export async function headsOf(train: Examples, { ridge, heads }: SoftmaxParameters, control: Control): Promise<readonly Float64Array[]> {
	if (heads === undefined) return [(await trainSoftmax(train, { ridge, signal: control.signal })).weights];
	if (heads.length === 0) {
		throw new DataError("PARAMETER_OUT_OF_RANGE", "influence: expected at least 1 head, got 0", "Pass a head, or leave `heads` out.");
	}
	const bad = heads.find((head) => head.length !== train.d * train.k || !head.every(Number.isFinite));
	if (bad === undefined) return heads;
	throw new DataError(
		"SHAPE_MISMATCH",
		`influence: expected heads of ${train.d} x ${train.k} finite weights, got one of ${bad.length}`,
		"Pass heads of the features and classes of the training rows.",
	);
}

/** The mean over the heads of the probabilities of each row, n x k. */
export function meanProbabilities(rows: Examples, heads: readonly Float64Array[]): Matrix<Float64Array> {
	const sum = new Float64Array(rows.n * rows.k);
	for (const head of heads) {
		probabilities(featuresOf(rows), head, rows.k).values.forEach((p, i) => {
			(sum[i] as number) += p / heads.length;
		});
	}
	return { values: sum, rows: rows.n, columns: rows.k };
}

/** Probabilities minus one-hot labels, adding up to 0 also where they are tiny: H has no curvature where the sum would lie. */
export function errorsOf({ label, k }: Examples, p: Matrix<Float64Array>): Matrix<Float64Array> {
	const errors = { ...p, values: p.values.slice() };
	label.forEach((own, i) => {
		const row = errors.values.subarray(i * k, (i + 1) * k);
		(row[own] as number) -= 1;
		const mean = row.reduce((sum, error) => sum + error, 0) / k;
		for (let c = 0; c < k; c++) (row[c] as number) -= mean;
	});
	return errors;
}
