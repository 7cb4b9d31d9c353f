/**
 * What the influence methods of linear heads share. A row's loss has the gradient x_i (x) e_i, features times what is wrong with its
 * logits, so gradients are kept as these factors; and the influence of every row on every test example is
 *
 *     score_ij = (1/n) <x_i (x) e_i, V_j>,   V_j = H^-1 (x_j (x) e_j)
 *
 * with H the Hessian of the training objective: how much the loss of test example j falls, to first order, when row i gets a
 * weight of 1/n. Source: Koh and Liang, "Understanding Black-box Predictions via Influence Functions" (2017), section 2.
 */
import { DataError } from "../../compute/errors.ts";
import { type Matrix, multiply } from "../../compute/matrix.ts";
import { checkExamples, type Examples } from "../examples.ts";
import type { Control, DirectCached, DirectMethod, Meaning, Method, Pairs } from "../method.ts";

/** Gradients, factorised: row i has the gradient x_i (x) e_i, in the order [feature][error]. */
export interface HeadGradients {
	/** n x d features. */
	readonly x: Matrix<Float64Array>;
	/** n x r derivatives of each row's loss by its logits, or by contrasts of them. */
	readonly errors: Matrix<Float64Array>;
}

/** What a method of heads is ready with: scores of pairs too, at once. */
export interface HeadCached extends DirectCached<Examples> {
	pairs(test: Examples): Pairs;
}

/** A method of heads that may train one first. */
export interface HeadMethod extends Method<Examples, Examples> {
	cache(train: Examples, control?: Control): Promise<HeadCached>;
}

/** A method of heads that is ready at once. */
export interface DirectHeadMethod extends DirectMethod<Examples, Examples> {
	cache(train: Examples): HeadCached;
}

/** Scores of influence on cross-entropy. */
export const CROSS_ENTROPY: Meaning = { unit: "loss of a test example (cross-entropy, nats)", positive: "lowers the loss" };

/** Scores of influence on the squared loss. */
export const SQUARED_ERROR: Meaning = { unit: "loss of a test example (half-squared error)", positive: "lowers the loss" };

/** Values of gradients that are held at a time. */
const BLOCK = 2 ** 22;

export function featuresOf({ x, n, d }: Examples): Matrix<Float64Array> {
	return { values: x, rows: n, columns: d };
}

/** Every gradient as a column: d r x n, the right-hand sides of H V = G. */
export function gradientColumns({ x, errors }: HeadGradients): Matrix<Float64Array> {
	const [{ rows: n, columns: d }, r] = [x, errors.columns];
	const values = new Float64Array(d * r * n);
	for (let f = 0, at = 0; f < d; f++) {
		for (let a = 0; a < r; a++) {
			for (let i = 0; i < n; i++, at++) values[at] = (x.values[i * d + f] as number) * (errors.values[i * r + a] as number);
		}
	}
	return { values, rows: d * r, columns: n };
}

/** The mean gradient, d r x 1. */
export function meanGradient({ x, errors }: HeadGradients): Matrix<Float64Array> {
	const { values } = multiply(x, errors, { left: true });
	return { values: values.map((value) => value / x.rows), rows: values.length, columns: 1 };
}

/** The inner products of all gradients with the columns of V, divided by n: n x columns. */
export function gradientProducts(gradients: HeadGradients, v: Matrix<Float64Array>): Float64Array {
	const scores = new Float64Array(gradients.x.rows * v.columns);
	forBlocks(gradients, (block, start) => scores.set(multiply(block, v).values, start * v.columns));
	return scores.map((score) => score / gradients.x.rows);
}

/** Sums of gradients: column j of the answer is sum_i weight_ij (x_i (x) e_i), d r x columns. @param weights - n x columns */
export function gradientSums(gradients: HeadGradients, weights: Matrix<Float64Array>): Matrix<Float64Array> {
	const { columns } = weights;
	const rows = gradients.x.columns * gradients.errors.columns;
	const values = new Float64Array(rows * columns);
	forBlocks(gradients, (block, start) => {
		const own = { values: weights.values.subarray(start * columns, (start + block.rows) * columns), rows: block.rows, columns };
		multiply(block, own, { left: true }).values.forEach((sum, i) => {
			(values[i] as number) += sum;
		});
	});
	return { values, rows, columns };
}

/** Gradients as rows, some at a time. */
function forBlocks({ x, errors }: HeadGradients, visit: (block: Matrix<Float64Array>, start: number) => void): void {
	const [{ rows: n, columns: d }, r] = [x, errors.columns];
	const step = Math.max(1, Math.floor(BLOCK / (d * r)));
	for (let start = 0; start < n; start += step) {
		const size = Math.min(step, n - start);
		const values = new Float64Array(size * d * r);
		for (let i = start, at = 0; i < start + size; i++) {
			for (let f = 0; f < d; f++) {
				const value = x.values[i * d + f] as number;
				for (let a = 0; a < r; a++, at++) values[at] = value * (errors.values[i * r + a] as number);
			}
		}
		visit({ values, rows: size, columns: d * r }, start);
	}
}

/**
 * Test examples that suit a head of d features and k classes.
 * @throws {DataError} SHAPE_MISMATCH, and as `checkExamples`
 */
export function checkTest(test: Examples, { d, k }: { readonly d: number; readonly k: number }, method: string): Examples {
	if (test.d !== d || test.k !== k) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${method}: expected test examples of ${d} features and ${k} classes, got ${test.d} and ${test.k}`,
			"Use the scale and the backbone of the training rows.",
		);
	}
	return checkExamples(test, `${method}: test`);
}
