/**
 * The method that pays, in floating point: the Aumann-Shapley value of every contribution, which is its influence integrated
 * along the ridge path (docs/design.md, section 4), from the empty model (mu = infinity) to the head at lambda:
 *
 *     (A + mu_j) W_j = B      (A + mu_j) V_j = (A_Q W_j - B_Q) / n_Q      S_c = sum_j omega_j <V_j, A_c W_j - B_c>
 *
 * with the nodes of the circuit, whose integer scores are these up to unit and rounding (shares differ by about 1e-7).
 * Source: Aumann and Shapley, "Values of Non-Atomic Games" (1974), chapter 3.
 */
import { OMEGA_BITS, type PathNode, type PathParameters } from "../circuits/path.ts";
import { DataError } from "../compute/errors.ts";
import { loss } from "../compute/head.ts";
import { symmetricMatrix } from "../compute/product.ts";
import { factorise, solve } from "../compute/ridge.ts";
import { type Statistics, sumStatistics } from "../compute/statistics.ts";
import { addNode, product, scoreOf } from "./forms.ts";
import type { DirectMethod } from "./method.ts";

/** What the floating-point path needs of `PathParameters`: mu_j = k n, omega_j = omega / 2^16, lambda = lambda n. */
export interface RidgePathParameters extends Pick<PathParameters, "lambda"> {
	readonly nodes: readonly Pick<PathNode, "k" | "omega">[];
}

/**
 * The ridge path over contributions, given by their statistics.
 * `cache` costs a factorisation per node (d^3 / 6 each); `attribute` two substitutions per node and one inner product per
 * contribution, however many nodes there are.
 *
 * Scores are the drop of the mean query loss (half-squared, 1/2 for the empty model) and add up to the drop to the head at
 * lambda; 12 nodes miss it by about 1e-5.
 * @throws {DataError} from `cache`: SHAPE_MISMATCH, TOO_FEW_ROWS without a row, SUM_TOO_LARGE, ILL_CONDITIONED;
 *   from `attribute`: SHAPE_MISMATCH, TOO_FEW_ROWS without a query
 *
 * @example
 * const { scores, total } = ridgePathMethod(pathParameters(64, 12)).cache(contributions).attribute(query);
 */
export function ridgePathMethod(parameters: RidgePathParameters): DirectMethod<readonly Statistics[], Statistics> {
	return {
		name: "ridge-path",
		cache(contributions) {
			const train = sumStatistics(contributions);
			checkRows(train, "training");
			const { d, k, b } = train;
			const a = symmetricMatrix(train.a, d);
			const at = (weight: bigint) => {
				const factor = factorise(a, weight * BigInt(train.n));
				return { factor, w: solve(factor, b, k) };
			};
			const nodes = parameters.nodes.map((node) => ({ ...at(node.k), omega: Number(node.omega) / 2 ** OMEGA_BITS }));
			const head = at(parameters.lambda).w;
			return {
				attribute(query) {
					checkRows(query, "the queries");
					if (query.d !== d || query.k !== k) {
						throw new DataError(
							"SHAPE_MISMATCH",
							`ridge-path: expected queries with d = ${d}, k = ${k}, got d = ${query.d}, k = ${query.k}`,
							"Use one scale and one backbone for both.",
						);
					}
					const aQuery = symmetricMatrix(query.a, d).values;
					const forms = { m: new Float64Array(train.a.length), n: new Float64Array(d * k) };
					for (const { factor, w, omega } of nodes) {
						const gradient = product(aQuery, w, d, k).map((value, i) => (value - (query.b[i] as number)) / query.n);
						addNode(forms, omega, w, solve(factor, gradient, k), d, k);
					}
					return {
						scores: Float64Array.from(contributions, (one) => scoreOf(one, forms)),
						unit: "mean query loss (half-squared error, 1/2 for the empty model)",
						positive: "lowers the query loss",
						total: 1 / 2 - loss(query, head),
					};
				},
			};
		},
	};
}

function checkRows({ n }: Statistics, side: string): void {
	if (n >= 1) return;
	throw new DataError(
		"TOO_FEW_ROWS",
		`ridge-path: expected a weight of at least 1 for ${side}, got ${n}`,
		"Give rows with positive weights.",
	);
}
