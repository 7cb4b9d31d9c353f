/**
 * Influence functions of the softmax head with its exact Hessian, factorised (compute/softmax-hessian.ts): the objective is the mean
 * cross-entropy plus ridge/2 |W|^2 (compute/softmax.ts), and the scores those of head-gradients.ts. Up to 8,192 parameters;
 * influence-cg.ts takes more. Not what is paid: at an optimum the scores of honest rows cancel (ridge-path.ts).
 */
import { multiply } from "../../compute/matrix.ts";
import { checkClasses, checkRidge } from "../../compute/softmax.ts";
import { factoriseHessian } from "../../compute/softmax-hessian.ts";
import { checkExamples, type Examples } from "../examples.ts";
import type { Attribution, Pairs } from "../method.ts";
import {
	CROSS_ENTROPY,
	checkTest,
	featuresOf,
	gradientColumns,
	gradientProducts,
	type HeadGradients,
	type HeadMethod,
	meanGradient,
} from "./head-gradients.ts";
import { errorsOf, headsOf, meanProbabilities, type SoftmaxParameters } from "./softmax-errors.ts";

/**
 * Influence on the cross-entropy of a softmax head. `cache` trains a head unless it is given, and costs n d^2 k^2 / 4 + (d k)^3 / 6
 * more; `pairs` costs (d k)^2 m + n d k m multiplications.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE; from `cache`: ONE_CLASS, NOT_CONVERGED, ILL_CONDITIONED for a singular Hessian (features
 *   that depend on each other without ridge), TOO_MANY_FEATURES, and as `checkExamples`; later: SHAPE_MISMATCH, and as `checkExamples`
 *
 * @example
 * const cached = await influenceSoftmaxMethod({ ridge: 1e-3 }).cache(train);
 * const { scores } = cached.pairs(test);
 */
export function influenceSoftmaxMethod(parameters: SoftmaxParameters): HeadMethod {
	const { ridge } = parameters;
	checkRidge(ridge);
	return {
		name: "influence-softmax",
		async cache(train, control = {}) {
			checkExamples(train, "influence-softmax: training");
			checkClasses(train.label);
			const heads = await headsOf(train, parameters, control);
			const p = meanProbabilities(train, heads);
			const hessian = factoriseHessian(featuresOf(train), p, ridge);
			// In contrasts between classes: a gradient adds up to 0 over classes, so nothing is lost.
			const side = (rows: Examples, probabilities = meanProbabilities(rows, heads)): HeadGradients => ({
				x: featuresOf(rows),
				errors: multiply(errorsOf(rows, probabilities), hessian.contrasts),
			});
			const own = side(train, p);
			return {
				attribute(test): Attribution {
					checkTest(test, train, "influence-softmax");
					const v = hessian.solveContrasts(meanGradient(side(test)));
					return { ...CROSS_ENTROPY, scores: gradientProducts(own, v), total: null };
				},
				pairs(test): Pairs {
					checkTest(test, train, "influence-softmax");
					const v = hessian.solveContrasts(gradientColumns(side(test)));
					return { ...CROSS_ENTROPY, scores: gradientProducts(own, v), entries: train.n, tests: test.n };
				},
			};
		},
	};
}
