/**
 * Influence functions of a softmax head too large for its Hessian to be formed: the same scores as influence-softmax.ts, with H^-1
 * applied by conjugate gradients on products with H. How far that went is part of the answer.
 * Source: Martens, "Deep learning via Hessian-free optimization" (2010), section 3 (products with H), and head-gradients.ts.
 */
import { conjugateGradients } from "../../compute/conjugate-gradients.ts";
import { DataError } from "../../compute/errors.ts";
import type { Matrix } from "../../compute/matrix.ts";
import { checkClasses, checkRidge } from "../../compute/softmax.ts";
import { blockPreconditioner, hessianProduct } from "../../compute/softmax-hessian.ts";
import { checkExamples, type Examples } from "../examples.ts";
import type { Attribution, Cached, Control, Method, Pairs } from "../method.ts";
import {
	CROSS_ENTROPY,
	checkTest,
	featuresOf,
	gradientColumns,
	gradientProducts,
	type HeadGradients,
	meanGradient,
} from "./head-gradients.ts";
import { errorsOf, headsOf, meanProbabilities, type SoftmaxParameters } from "./softmax-errors.ts";

export interface ConjugateGradientsParameters extends SoftmaxParameters {
	/** |H v - g| / |g| that is small enough; 1e-6 by default. */
	readonly tolerance?: number;
	/** Products with H at most, for each test example; 500 by default. */
	readonly iterations?: number;
}

/** How well the systems were solved. */
export interface Solver {
	/** The largest |H v - g| / |g| over test examples, recomputed from the solutions. */
	readonly residual: number;
	/** The most products with H that one of them took. */
	readonly iterations: number;
}

/** Answers with how well their systems were solved. */
export interface InfluenceCgCached extends Cached<Examples> {
	attribute(test: Examples, control?: Control): Promise<Attribution & { readonly solver: Solver }>;
	pairs(test: Examples, control?: Control): Promise<Pairs & { readonly solver: Solver }>;
}

export interface InfluenceCgMethod extends Method<Examples, Examples> {
	cache(train: Examples, control?: Control): Promise<InfluenceCgCached>;
}

/** Logits of training rows for directions that are held at a time. */
const BLOCK = 2 ** 22;

/**
 * Influence on the cross-entropy of a softmax head of any size. `pairs` costs 4 n d k m multiplications per iteration.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE; from `cache`: ONE_CLASS, NOT_CONVERGED in training, and as `checkExamples`; from
 *   `attribute` and `pairs`: NOT_CONVERGED where the residual is not reached, ILL_CONDITIONED, SHAPE_MISMATCH; the signal's reason
 */
export function influenceCgMethod(parameters: ConjugateGradientsParameters): InfluenceCgMethod {
	const { ridge, tolerance = 1e-6, iterations = 500 } = parameters;
	checkRidge(ridge);
	if (!(tolerance > 0 && tolerance < 1)) throw outOfRange("tolerance", tolerance, "in (0, 1)");
	if (!(Number.isInteger(iterations) && iterations >= 1)) throw outOfRange("iterations", iterations, "an integer of at least 1");
	return {
		name: "influence-cg",
		async cache(train, control = {}) {
			checkExamples(train, "influence-cg: training");
			checkClasses(train.label);
			const heads = await headsOf(train, parameters, control);
			const [x, p] = [featuresOf(train), meanProbabilities(train, heads)];
			const own = { x, errors: errorsOf(train, p) };
			const precondition = blockPreconditioner(x, p, ridge);
			const sideOf = (rows: Examples): HeadGradients => ({ x: featuresOf(rows), errors: errorsOf(rows, meanProbabilities(rows, heads)) });
			const apply = (v: Matrix<Float64Array>) => hessianProduct(x, p, v, ridge);
			const solve = async (rhs: Matrix<Float64Array>, signal?: AbortSignal) => {
				const { solution, iterations: taken } = await conjugateGradients(apply, rhs, { tolerance, iterations, precondition, signal });
				return { v: solution, solver: { residual: residualOf(apply(solution), rhs), iterations: taken } };
			};
			return {
				async attribute(test, control = {}) {
					checkTest(test, train, "influence-cg");
					const { v, solver } = await solve(meanGradient(sideOf(test)), control.signal);
					return { ...CROSS_ENTROPY, scores: gradientProducts(own, v), total: null, solver };
				},
				async pairs(test, { signal, progress } = {}) {
					checkTest(test, train, "influence-cg");
					const side = sideOf(test);
					const scores = new Float64Array(train.n * test.n);
					let solver: Solver = { residual: 0, iterations: 0 };
					const step = Math.max(1, Math.floor(BLOCK / (train.n * train.k)));
					for (let start = 0; start < test.n; start += step) {
						const size = Math.min(step, test.n - start);
						const { v, solver: one } = await solve(gradientColumns(rowsOf(side, start, size)), signal);
						solver = {
							residual: Math.max(solver.residual, one.residual),
							iterations: Math.max(solver.iterations, one.iterations),
						};
						const part = gradientProducts(own, v);
						for (let i = 0; i < train.n; i++) scores.set(part.subarray(i * size, (i + 1) * size), i * test.n + start);
						progress?.(start + size, test.n);
					}
					return { ...CROSS_ENTROPY, scores, entries: train.n, tests: test.n, solver };
				},
			};
		},
	};
}

/** Some of the rows. */
function rowsOf({ x, errors }: HeadGradients, start: number, size: number): HeadGradients {
	const part = ({ values, columns }: Matrix<Float64Array>) => ({
		values: values.subarray(start * columns, (start + size) * columns),
		rows: size,
		columns,
	});
	return { x: part(x), errors: part(errors) };
}

/** The largest |A x - b| / |b| over columns. */
function residualOf({ values: ax }: Matrix<Float64Array>, { values: b, columns }: Matrix<Float64Array>): number {
	const [errors, sizes] = [new Float64Array(columns), new Float64Array(columns)];
	b.forEach((value, i) => {
		(errors[i % columns] as number) += ((ax[i] as number) - value) ** 2;
		(sizes[i % columns] as number) += value ** 2;
	});
	return errors.reduce((most, error, j) => Math.max(most, sizes[j] === 0 ? 0 : Math.sqrt(error / (sizes[j] as number))), 0);
}

function outOfRange(name: string, value: number, range: string): DataError {
	return new DataError("PARAMETER_OUT_OF_RANGE", `influence-cg: expected ${name} ${range}, got ${value}`, `Choose ${name} ${range}.`);
}
