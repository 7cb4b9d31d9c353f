/**
 * Data-OOB: bagging with decision trees; a row is worth the share of trees grown without it that say its label,
 *
 *     S_i = mean over the trees b whose bootstrap sample lacks row i of [tree_b(x_i) = y_i]
 *
 * No test set is needed. `out-of-fold` asks the same of ridge heads, in closed form.
 * Source: Kwon and Zou, "Data-OOB: Out-of-bag Estimate as a Simple and Efficient Data Value" (ICML 2023).
 */
import { DataError } from "../../compute/errors.ts";
import { below, generator } from "../../compute/random.ts";
import { checkExamples, type Examples } from "../examples.ts";
import type { Method } from "../method.ts";
import { growTree, presort } from "./decision-tree.ts";
import { checkSampling, RunningMeans, type SamplingParameters, samplingOf } from "./estimate.ts";
import { steps } from "./steps.ts";

export interface DataOobParameters extends SamplingParameters {
	/** Features that a node looks at; all by default, as in bagging. */
	readonly features?: number;
}

/**
 * Data-OOB over rows with `draws` trees (800 in the paper); the work is in `cache`, and the test side plays no part. Scores lie in [0, 1] and do not add up.
 * @throws {DataError} from `cache`: PARAMETER_OUT_OF_RANGE, ONE_CLASS, and as `checkExamples`
 */
export function dataOobMethod(parameters: DataOobParameters): Method<Examples, unknown> {
	const { seed, draws, features } = parameters;
	return {
		name: "data-oob",
		async cache(train, control) {
			checkSampling("data-oob", parameters);
			const { x, label, n, d } = checkExamples(train, "data-oob");
			if (features !== undefined && !(Number.isInteger(features) && features >= 1 && features <= d)) {
				throw new DataError(
					"PARAMETER_OUT_OF_RANGE",
					`data-oob: expected features to be an integer in [1, ${d}], got ${features}`,
					"Leave it out for all.",
				);
			}
			if (label.every((one) => one === label[0])) {
				throw new DataError(
					"ONE_CLASS",
					`data-oob: expected rows of at least 2 classes, got class ${label[0]} only`,
					"Give rows of every class.",
				);
			}
			const next = generator(seed);
			const presorted = presort(train);
			const means = new RunningMeans(n);
			const done = await steps(draws, control, () => {
				const weight = new Uint32Array(n);
				for (let i = 0; i < n; i++) {
					const row = below(next, n);
					weight[row] = (weight[row] as number) + 1;
				}
				const tree = growTree(presorted, { weight, ...(features === undefined ? {} : { features: { count: features, next } }) });
				weight.forEach((count, row) => {
					if (count === 0) means.add(row, Number(tree(x, row) === label[row]));
				});
			});
			const scores = means.means;
			const sampling = samplingOf(scores, means.standardErrors(), done, "trees", parameters);
			return {
				attribute: () => ({
					scores,
					unit: "share of the trees grown without the row that say its label",
					positive: "has the label that other rows expect",
					total: null,
					sampling,
				}),
			};
		},
	};
}
