/**
 * Influence in the kernel machine that a network's training is close to: the tangent kernel of the margins f = log(p / (1 - p)) of
 * training rows and test examples, averaged over checkpoints of a training, with a ridge,
 *
 *     K = mean over checkpoints of <grad f_i, grad f_j> / s      s = mean over rows of |grad f_i|^2
 *     score_ij = (1 - p_i)^exponent mean over trainings of [(K + ridge)^-1 K_j]_i
 *
 * with the mean p over all networks. With one network, exponent 1 and no ridge these are the scores of TRAK without its random projection.
 * What is different, and why: checkpoints of one training count as networks, and those from its first third are better ones, since rows are
 * not yet memorised there; they share one system, which averages their noise before it is inverted; and rows that are already known weigh
 * more than 1 - p says (exponent 3/4), since p is that of a row the network has seen. Measured in bench/attribution/network.ts.
 * Sources: Jacot et al., "Neural Tangent Kernel" (2018); Park et al., "TRAK: Attributing Model Behavior at Scale" (2023), section 3.
 */
import { type Cholesky, cholesky } from "../../compute/cholesky.ts";
import { DataError } from "../../compute/errors.ts";
import type { Matrix } from "../../compute/matrix.ts";
import type { FloatRows, LayerGradients, Network } from "../../compute/training/network.ts";
import type { Control, Method, Pairs } from "../method.ts";
import { checkNetworks } from "./checkpoints.ts";
import { ghostProducts, scaleRows, squaredNorms } from "./ghost.ts";
import { meanOverTests } from "./mean.ts";
import { margins } from "./output.ts";
import { checkRows } from "./rows.ts";

export interface TangentKernelParameters {
	/** For each training, with a seed of its own, one network or more of the same sizes: its checkpoints. */
	readonly trainings: readonly (readonly Network[])[];
	/** As a multiple of the mean of the kernel's diagonal, above 0; 1 by default, chosen on MNIST. */
	readonly ridge?: number;
	/** Of 1 - p in the weight of a row, in [0, 1]; 3/4 by default, chosen on MNIST. */
	readonly exponent?: number;
}

interface Side {
	readonly networks: readonly Network[];
	/** The gradients of all rows, for each network. */
	readonly gradients: readonly LayerGradients[][];
	readonly factor: Cholesky;
}

/**
 * The tangent kernel method. `cache` takes an n x n product per network, and a Cholesky factor of 8 n^2 bytes per training, which it keeps.
 * @throws {DataError} from the factory: TOO_FEW_ROWS without a network, SHAPE_MISMATCH, DIVERGED, PARAMETER_OUT_OF_RANGE; from `cache` and
 *   `pairs`: TOO_FEW_ROWS, VALUE_NOT_NUMERIC, ONE_CLASS, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE, ILL_CONDITIONED, the signal's reason
 *
 * @example
 * const { checkpoints } = await train(rows, 10, { ...options, checkpoints: [3, 5, 7, 10, 15] });
 * const method = tangentKernelMethod({ trainings: [checkpoints.map(({ network }) => network)] });
 * const { scores } = await (await method.cache(rows)).pairs(test);
 */
export function tangentKernelMethod(parameters: TangentKernelParameters): Method<FloatRows, FloatRows> {
	const { trainings, ridge = 1, exponent = 3 / 4 } = parameters;
	const count = checkNetworks(trainings.flat(), "tangent-kernel").length;
	for (const networks of trainings) checkNetworks(networks, "tangent-kernel");
	check("ridge", ridge, ridge > 0 && Number.isFinite(ridge), "a finite number above 0");
	check("exponent", exponent, exponent >= 0 && exponent <= 1, "in [0, 1]");
	return {
		name: "tangent-kernel",
		async cache(train, control) {
			const n = checkRows(train, "tangent-kernel").x.rows;
			const doubts = new Float64Array(n);
			const sides: Side[] = [];
			let done = 0;
			for (const networks of trainings) {
				const kernel = new Float64Array(n * n);
				const gradients: LayerGradients[][] = [];
				for (const network of networks) {
					const own = margins(network, train);
					const scale = squaredNorms(own.gradients).reduce((sum, one) => sum + one, 0) / n;
					const side = scaleRows(own.gradients, new Float64Array(n).fill(1 / (scale * networks.length)));
					gradients.push(side);
					addTo(kernel, await ghostProducts(side, own.gradients, { signal: control?.signal }));
					own.doubts.forEach((doubt, i) => {
						(doubts[i] as number) += doubt / count;
					});
					control?.progress?.(++done, count);
				}
				sides.push({ networks, gradients, factor: cholesky({ values: kernel, rows: n, columns: n }, ridge) });
			}
			const weights = doubts.map((doubt) => doubt ** exponent / sides.length);
			const pairs = async (test: FloatRows, { signal, progress }: Control = {}): Promise<Pairs> => {
				const tests = checkRows(test, "tangent-kernel").x.rows;
				const scores = new Float64Array(n * tests);
				for (const [s, { networks, gradients, factor }] of sides.entries()) {
					const right = new Float64Array(n * tests);
					for (const [m, network] of networks.entries())
						addTo(right, await ghostProducts(gradients[m] as LayerGradients[], margins(network, test).gradients, { signal }));
					const { values } = factor.solve({ values: right, rows: n, columns: tests });
					for (let i = 0; i < n; i++)
						for (let at = i * tests; at < (i + 1) * tests; at++)
							scores[at] = (scores[at] as number) + (values[at] as number) * (weights[i] as number);
					progress?.(s + 1, sides.length);
				}
				return {
					scores,
					entries: n,
					tests,
					unit: "margin log(p / (1 - p)) of the test example, up to a factor",
					positive: "raises the probability of the test example's class",
				};
			};
			return { pairs, attribute: async (test, own) => meanOverTests(await pairs(test, own)) };
		},
	};
}

function addTo(sum: Float64Array, { values }: Matrix<Float32Array>): void {
	for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (values[i] as number);
}

function check(name: string, value: number, holds: boolean, range: string): void {
	if (holds) return;
	throw new DataError("PARAMETER_OUT_OF_RANGE", `tangent-kernel: ${name}: expected ${range}, got ${value}`, `Choose another ${name}.`);
}
