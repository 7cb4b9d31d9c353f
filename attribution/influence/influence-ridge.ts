/**
 * Influence functions of the ridge head, exact: squared loss per row 1/2 |x W - onehot(y)|^2 and the objective
 *
 *     F(W) = (1/n) sum_i loss_i + ridge/2 |W|^2       score_ij = x_i^T (X^T X + n ridge I)^-1 x_j  <e_i, e_j>,  e = x W - onehot(y)
 *
 * Its Hessian is the same for every class, so all pairs are two products of matrices, multiplied entry by entry. Not what is paid:
 * at an optimum the scores of honest rows cancel (ridge-path.ts). Source: head-gradients.ts.
 */
import { type Cholesky, cholesky } from "../../compute/cholesky.ts";
import { checkPivots } from "../../compute/conditioning.ts";
import { type Matrix, multiply } from "../../compute/matrix.ts";
import { checkClasses, checkRidge } from "../../compute/softmax.ts";
import { checkExamples, type Examples } from "../examples.ts";
import type { Attribution, Pairs } from "../method.ts";
import { checkTest, type DirectHeadMethod, featuresOf, gradientProducts, meanGradient, SQUARED_ERROR } from "./head-gradients.ts";

export interface RidgeParameters {
	/** Relative to the mean loss, at least 0. */
	readonly ridge: number;
}

/** A ridge head and what solves systems with its rows. */
export interface RidgeHead {
	/** W, d x k, [feature][class]. */
	readonly weights: Matrix<Float64Array>;
	/** X^T X + mu I, factorised. */
	readonly factor: Cholesky;
}

/**
 * Influence on the squared loss of a ridge head. `cache` costs n d^2 + d^3 / 3, `pairs` n m (d + k) + n d m multiplications.
 * @throws {DataError} from `cache`: PARAMETER_OUT_OF_RANGE, ONE_CLASS, ILL_CONDITIONED if the features depend on each other and the
 *   ridge is 0, and as `checkExamples`; from `attribute` and `pairs`: SHAPE_MISMATCH, and as `checkExamples`
 *
 * @example
 * const { scores } = influenceRidgeMethod({ ridge: 1e-3 }).cache(train).pairs(test);
 */
export function influenceRidgeMethod({ ridge }: RidgeParameters): DirectHeadMethod {
	checkRidge(ridge);
	return {
		name: "influence-ridge",
		cache(train) {
			checkExamples(train, "influence-ridge: training");
			checkClasses(train.label);
			const x = featuresOf(train);
			const { weights, factor } = ridgeHead(train, ridge * train.n);
			const errors = squaredErrors(train, weights);
			return {
				attribute(test): Attribution {
					checkTest(test, train, "influence-ridge");
					const gradient = meanGradient({ x: featuresOf(test), errors: squaredErrors(test, weights) });
					const v = factor.solve({ values: gradient.values, rows: train.d, columns: train.k });
					// The factor is that of n H.
					const scores = gradientProducts({ x, errors }, { values: v.values, rows: train.d * train.k, columns: 1 });
					return { ...SQUARED_ERROR, scores: scores.map((score) => score * train.n), total: null };
				},
				pairs(test): Pairs {
					checkTest(test, train, "influence-ridge");
					const v = factor.solve(transpose(featuresOf(test)));
					const kernel = multiply(x, v).values;
					const agreement = multiply(errors, squaredErrors(test, weights), { right: true }).values;
					for (let i = 0; i < kernel.length; i++) (kernel[i] as number) *= agreement[i] as number;
					return { ...SQUARED_ERROR, scores: kernel, entries: train.n, tests: test.n };
				},
			};
		},
	};
}

/**
 * The head (X^T X + mu I) W = X^T onehot(y).
 * @throws {DataError} ILL_CONDITIONED
 */
export function ridgeHead(rows: Examples, mu: number): RidgeHead {
	const x = featuresOf(rows);
	const factor = cholesky(multiply(x, x, { left: true }), mu);
	checkPivots(factor, `influence-ridge: X^T X + ${mu} I`);
	return { weights: factor.solve(multiply(x, oneHot(rows), { left: true })), factor };
}

/** x W - onehot(y), n x k. */
export function squaredErrors(rows: Examples, weights: Matrix<Float64Array>): Matrix<Float64Array> {
	const errors = multiply(featuresOf(rows), weights);
	rows.label.forEach((own, i) => {
		(errors.values[i * rows.k + own] as number) -= 1;
	});
	return errors;
}

export function transpose({ values, rows, columns }: Matrix<Float64Array>): Matrix<Float64Array> {
	const turned = new Float64Array(values.length);
	for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) turned[j * rows + i] = values[i * columns + j] as number;
	return { values: turned, rows: columns, columns: rows };
}

function oneHot({ label, n, k }: Examples): Matrix<Float64Array> {
	const values = new Float64Array(n * k);
	label.forEach((own, i) => {
		values[i * k + own] = 1;
	});
	return { values, rows: n, columns: k };
}
