/**
 * Leave-one-out: what leaving out each row really does. score_ij is the loss of test example j under the model of the other n - 1 rows
 * minus that under the model of all, by the same recipe (mean loss plus ridge/2 |W|^2): exact, no approximation to first order.
 * For the squared loss by a rank-one downdate per row, for the softmax head by retraining to the optimum from the one of all rows.
 * Source: Sherman and Morrison (1950); Cook and Weisberg, "Residuals and Influence in Regression" (1982), 3.2.
 */
import { DataError } from "../../compute/errors.ts";
import { multiply } from "../../compute/matrix.ts";
import { checkClasses, checkRidge, crossEntropies, trainSoftmax } from "../../compute/softmax.ts";
import { checkExamples, type Examples, selectExamples } from "../examples.ts";
import type { Attribution, Control, Pairs } from "../method.ts";
import { CROSS_ENTROPY, checkTest, featuresOf, type HeadMethod, SQUARED_ERROR } from "./head-gradients.ts";
import { ridgeHead, squaredErrors, transpose } from "./influence-ridge.ts";

export interface LeaveOneOutParameters {
	/** The head: "squared" is the ridge head of influence-ridge.ts, "softmax" that of influence-softmax.ts. */
	readonly loss: "squared" | "softmax";
	/** Relative to the mean loss. */
	readonly ridge: number;
}

/**
 * Leave-one-out values. Squared loss: (d + k) n m multiplications for all pairs; softmax: n retrainings, all in `cache`.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE; from `cache`: TOO_FEW_ROWS below 3 rows, ONE_CLASS (also if it is so without one of the
 *   rows), ILL_CONDITIONED, NOT_CONVERGED, and as `checkExamples`; later: SHAPE_MISMATCH, and as `checkExamples`; the signal's reason
 */
export function leaveOneOutMethod({ loss, ridge }: LeaveOneOutParameters): HeadMethod {
	checkRidge(ridge);
	return {
		name: "leave-one-out",
		async cache(train, control = {}) {
			checkExamples(train, "leave-one-out: training");
			if (train.n < 3) {
				throw new DataError("TOO_FEW_ROWS", `leave-one-out: expected at least 3 training rows, got ${train.n}`, "Give more rows.");
			}
			checkClasses(train.label);
			const meaning = loss === "squared" ? SQUARED_ERROR : CROSS_ENTROPY;
			const scoresOf = loss === "squared" ? downdates(train, ridge) : await retrainings(train, ridge, control);
			const pairs = (test: Examples): Pairs => {
				checkTest(test, train, "leave-one-out");
				return { ...meaning, scores: scoresOf(test), entries: train.n, tests: test.n };
			};
			return {
				pairs,
				attribute(test): Attribution {
					const { scores, tests } = pairs(test);
					const mean = new Float64Array(train.n);
					scores.forEach((score, at) => {
						(mean[Math.floor(at / tests)] as number) += score / tests;
					});
					return { ...meaning, scores: mean, total: null };
				},
			};
		},
	};
}

/**
 * With M = X^T X + (n - 1) ridge I, W' = M^-1 X^T Y and row i left out: W_i = W' + M^-1 x_i e_i / (1 - h_i), e_i = x_i W' - y_i and
 * h_i = x_i^T M^-1 x_i, so that a test example's error e_j becomes e_j + (x_j^T M^-1 x_i) e_i / (1 - h_i).
 */
function downdates(train: Examples, ridge: number): (test: Examples) => Float64Array {
	const { n, d, k } = train;
	const { weights: all } = ridgeHead(train, n * ridge);
	const { weights, factor } = ridgeHead(train, (n - 1) * ridge);
	const solved = factor.solve(transpose(featuresOf(train)));
	const corrections = squaredErrors(train, weights);
	const sizes = new Float64Array(n);
	for (let i = 0; i < n; i++) {
		let leverage = 0;
		for (let f = 0; f < d; f++) leverage += (train.x[i * d + f] as number) * (solved.values[f * n + i] as number);
		if (!(1 - leverage > 1e-12)) {
			throw new DataError(
				"ILL_CONDITIONED",
				`leave-one-out: without row ${i} the features depend on each other (its leverage is ${leverage}) at ridge ${ridge}`,
				"Choose a larger ridge.",
			);
		}
		for (let c = i * k; c < (i + 1) * k; c++) {
			(corrections.values[c] as number) /= 1 - leverage;
			(sizes[i] as number) += (corrections.values[c] as number) ** 2;
		}
	}
	return (test) => {
		const m = test.n;
		const errors = squaredErrors(test, weights);
		const [before, after] = [halfSquares(squaredErrors(test, all).values, k), halfSquares(errors.values, k)];
		const kernel = multiply(solved, featuresOf(test), { left: true, right: true }).values;
		const agreement = multiply(corrections, errors, { right: true }).values;
		return kernel.map((shift, at) => {
			const [i, j] = [Math.floor(at / m), at % m];
			const change = shift * (agreement[at] as number) + (shift * shift * (sizes[i] as number)) / 2;
			return (after[j] as number) - (before[j] as number) + change;
		});
	};
}

async function retrainings(train: Examples, ridge: number, { signal, progress }: Control): Promise<(test: Examples) => Float64Array> {
	const near = await trainSoftmax(train, { ridge, signal });
	const heads: Float64Array[] = [];
	for (let left = 0; left < train.n; left++) {
		const others = Uint32Array.from({ length: train.n - 1 }, (_, i) => (i < left ? i : i + 1));
		heads.push((await trainSoftmax(selectExamples(train, others), { ridge, near, signal })).weights);
		progress?.(heads.length, train.n);
	}
	return (test) => {
		const before = crossEntropies(test, near.weights);
		const scores = new Float64Array(train.n * test.n);
		heads.forEach((head, i) => {
			scores.set(
				crossEntropies(test, head).map((after, j) => after - (before[j] as number)),
				i * test.n,
			);
		});
		return scores;
	};
}

/** Half the square of each row's length. */
function halfSquares(values: Float64Array, k: number): Float64Array {
	const squares = new Float64Array(values.length / k);
	values.forEach((value, at) => {
		(squares[Math.floor(at / k)] as number) += (value * value) / 2;
	});
	return squares;
}
