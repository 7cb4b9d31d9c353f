/**
 * TRAK: influence in the linear model of margins whose features are projected gradients, averaged over networks of other seeds,
 *
 *     phi = P^T grad f      score_ij = (mean over networks of phi_j^T (Phi^T Phi + ridge)^-1 phi_i) (mean over networks of 1 - p_i)
 *
 * with f = log(p / (1 - p)). The projection makes it linear in the number of rows; `tangent-kernel` does without, but takes n^2. As
 * defined there is no ridge and the exponent of 1 - p is 1; a ridge of 1 and an exponent of 3/4 order much better (tangent-kernel.ts says
 * why). Source: Park et al., "TRAK: Attributing Model Behavior at Scale" (2023), section 3 and algorithm 1.
 */
import { type Cholesky, cholesky } from "../../compute/cholesky.ts";
import { DataError } from "../../compute/errors.ts";
import { type Matrix, multiply } from "../../compute/matrix.ts";
import { splitmix64 } from "../../compute/random.ts";
import type { FloatRows, Network } from "../../compute/training/network.ts";
import type { Control, Method, Pairs } from "../method.ts";
import { checkNetworks } from "./checkpoints.ts";
import { pause } from "./ghost.ts";
import { meanOverTests } from "./mean.ts";
import { margins } from "./output.ts";
import { type Projection, randomProjection } from "./projection.ts";
import { checkRows } from "./rows.ts";

export interface TrakParameters {
	/** At least 1, of the same sizes: trainings with other seeds, on the rows or on halves of them. */
	readonly networks: readonly Network[];
	/** Of the projection, at least 1 and below the number of rows if there is no ridge; 512 by default. */
	readonly dimension?: number;
	/** As a multiple of the mean squared norm of the projected gradients, at least 0; 0 by default. */
	readonly ridge?: number;
	/** Of 1 - p in the weight of a row, in [0, 1]; 1 by default. */
	readonly exponent?: number;
	/** Of the projections. */
	readonly seed: bigint;
}

interface Side {
	readonly network: Network;
	readonly project: Projection;
	/** n x dimension. */
	readonly features: Matrix<Float32Array>;
	readonly factor: Cholesky;
}

/**
 * TRAK.
 * @throws {DataError} from the factory: TOO_FEW_ROWS without a network, SHAPE_MISMATCH, DIVERGED, PARAMETER_OUT_OF_RANGE; from `cache` and
 *   `pairs`: TOO_FEW_ROWS, VALUE_NOT_NUMERIC, ONE_CLASS, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE, ILL_CONDITIONED for a singular system, the
 *   signal's reason
 *
 * @example
 * const { scores } = await (await trakMethod({ networks, dimension: 512, seed: 1n }).cache(rows)).pairs(test);
 */
export function trakMethod(parameters: TrakParameters): Method<FloatRows, FloatRows> {
	const { dimension = 512, ridge = 0, exponent = 1, seed } = parameters;
	const networks = checkNetworks(parameters.networks, "trak");
	check("ridge", ridge, ridge >= 0 && Number.isFinite(ridge), "a finite number of at least 0");
	check("exponent", exponent, exponent >= 0 && exponent <= 1, "in [0, 1]");
	const draw = splitmix64(seed);
	const projections = networks.map((network) => randomProjection(network, dimension, draw()));
	return {
		name: "trak",
		async cache(train, control = {}) {
			const n = checkRows(train, "trak").x.rows;
			const doubts = new Float64Array(n);
			const sides: Side[] = [];
			for (const [done, network] of networks.entries()) {
				await pause(control);
				const own = margins(network, train);
				own.doubts.forEach((doubt, i) => {
					(doubts[i] as number) += doubt / networks.length;
				});
				const project = projections[done] as Projection;
				const features = project(own.gradients);
				const square = features.values.reduce((sum, value) => sum + value * value, 0) / n;
				const gram = multiply(features, features, { left: true });
				sides.push({ network, project, features, factor: cholesky(inDoubles(gram), ridge * square) });
				control.progress?.(done + 1, networks.length);
			}
			const pairs = async (test: FloatRows, own: Control = {}): Promise<Pairs> => {
				const tests = checkRows(test, "trak").x.rows;
				const scores = new Float64Array(n * tests);
				for (const [done, { network, project, features, factor }] of sides.entries()) {
					await pause(own);
					const right = project(margins(network, test).gradients);
					const solved = factor.solve(transposed(right));
					const product = multiply(features, { ...solved, values: Float32Array.from(solved.values) });
					for (let at = 0; at < scores.length; at++) scores[at] = (scores[at] as number) + (product.values[at] as number) / sides.length;
					own.progress?.(done + 1, sides.length);
				}
				return {
					scores: scores.map((score, at) => score * (doubts[Math.floor(at / tests)] as number) ** exponent),
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

function inDoubles({ values, rows, columns }: Matrix<Float32Array>): Matrix<Float64Array> {
	return { values: Float64Array.from(values), rows, columns };
}

function transposed({ values, rows, columns }: Matrix<Float32Array>): Matrix<Float64Array> {
	const result = new Float64Array(values.length);
	for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j] as number;
	return { values: result, rows: columns, columns: rows };
}

function check(name: string, value: number, holds: boolean, range: string): void {
	if (holds) return;
	throw new DataError("PARAMETER_OUT_OF_RANGE", `trak: ${name}: expected ${range}, got ${value}`, `Choose another ${name}.`);
}
