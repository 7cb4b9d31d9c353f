/**
 * DataInf: influence functions of a low-rank adapter in closed form. For each layer l (A and B), with g_i the gradient of row i's loss
 * by the layer, the inverse of the mean of g_i g_i^T + lambda is replaced by the mean of the inverses:
 *
 *     H_l^-1 ~ (1 / lambda) (I - (1/n) sum_i g_i g_i^T / (lambda + |g_i|^2))          lambda = damping * mean |g_i|^2 / parameters
 *     score_ij = sum_l (1/n) g_i^T H_l^-1 g_j
 *
 * Cheap rather than good: each row's inverse takes away one direction only, so that with many rows little is left but the inner product
 * of gradients. For a convex head the exact methods beside it are better, and fast.
 * Source: Kwon et al., "DataInf: Efficiently Estimating Data Influence in LoRA-tuned LLMs and Diffusion Models" (2023), section 3.
 */
import { DataError } from "../../compute/errors.ts";
import { type Matrix, multiply } from "../../compute/matrix.ts";
import { logitErrors } from "../../compute/softmax.ts";
import { checkExamples, type Examples } from "../examples.ts";
import type { Attribution, Pairs } from "../method.ts";
import { type Adapter, adapterWeights } from "./adapter.ts";
import {
	CROSS_ENTROPY,
	checkTest,
	type DirectHeadMethod,
	featuresOf,
	gradientColumns,
	gradientProducts,
	gradientSums,
	type HeadGradients,
	meanGradient,
} from "./head-gradients.ts";

export interface DataInfParameters {
	/** A trained adapter; both A and B are attributed to. */
	readonly adapter: Adapter;
	/** Above 0; 0.1 by default, as in the paper. */
	readonly damping?: number;
}

/**
 * DataInf for an adapter of a linear head: 3 n m multiplications per parameter for all pairs.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE; later: SHAPE_MISMATCH, and as `checkExamples`
 *
 * @example
 * const adapter = await trainAdapter(train, base, { rank: 4, rate: 0.01, epochs: 20, batch: 32, seed: 1n });
 * const { scores } = dataInfMethod({ adapter }).cache(train).pairs(test);
 */
export function dataInfMethod({ adapter, damping = 0.1 }: DataInfParameters): DirectHeadMethod {
	if (!(damping > 0 && Number.isFinite(damping))) {
		throw new DataError("PARAMETER_OUT_OF_RANGE", `datainf: expected a damping above 0, got ${damping}`, "Choose a damping such as 0.1.");
	}
	const shape = { d: adapter.base.rows, k: adapter.base.columns };
	return {
		name: "datainf",
		cache(train) {
			checkExamples(train, "datainf: training");
			checkTest(train, shape, "datainf");
			const layers = adapterGradients(adapter, train);
			const scoresOf = (test: Examples, columns: (gradients: HeadGradients) => Matrix<Float64Array>) => {
				checkTest(test, shape, "datainf");
				const sides = adapterGradients(adapter, test);
				const parts = layers.map((own, l) => layerScores(own, columns(sides[l] as HeadGradients), damping));
				return (parts[0] as Float64Array).map((score, i) => score + (parts[1]?.[i] as number));
			};
			return {
				attribute: (test): Attribution => ({ ...CROSS_ENTROPY, scores: scoresOf(test, meanGradient), total: null }),
				pairs: (test): Pairs => ({ ...CROSS_ENTROPY, scores: scoresOf(test, gradientColumns), entries: train.n, tests: test.n }),
			};
		},
	};
}

/** The gradients by A, x_i (x) B e_i, and by B, (x_i A) (x) e_i. */
export function adapterGradients(adapter: Adapter, rows: Examples): [HeadGradients, HeadGradients] {
	const x = featuresOf(rows);
	const errors = logitErrors(rows, adapterWeights(adapter));
	return [
		{ x, errors: multiply(errors, adapter.b, { right: true }) },
		{ x: multiply(x, adapter.a), errors },
	];
}

/** (1/n) g_i^T H^-1 v_j for the gradients of one layer and columns v_j. */
function layerScores(own: HeadGradients, v: Matrix<Float64Array>, damping: number): Float64Array {
	const n = own.x.rows;
	const squares = Float64Array.from({ length: n }, (_, i) => squaredLength(own.x, i) * squaredLength(own.errors, i));
	const lambda = (damping * squares.reduce((sum, square) => sum + square, 0)) / (n * v.rows);
	// An untrained B leaves A without gradients, and so without a part in any score.
	if (lambda === 0) return new Float64Array(n * v.columns);
	const weights = gradientProducts(own, v).map((product, at) => product / (lambda + (squares[Math.floor(at / v.columns)] as number)));
	const sums = gradientSums(own, { values: weights, rows: n, columns: v.columns }).values;
	const inverse = v.values.map((value, i) => (value - (sums[i] as number)) / lambda);
	return gradientProducts(own, { ...v, values: inverse });
}

function squaredLength({ values, columns }: Matrix<Float64Array>, row: number): number {
	let sum = 0;
	for (let i = row * columns; i < (row + 1) * columns; i++) sum += (values[i] as number) ** 2;
	return sum;
}
