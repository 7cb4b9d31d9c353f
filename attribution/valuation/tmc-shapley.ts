/**
 * Truncated Monte-Carlo Shapley: the mean gain that a player brings in random orders of arrival; an order ends early where the rest
 * can gain next to nothing. Over rows this is Data Shapley; over contributors, a Shapley value over names (see exact-shapley.ts).
 * Source: Ghorbani and Zou, "Data Shapley: Equitable Valuation of Data for Machine Learning" (ICML 2019), algorithm 1.
 */
import { DataError } from "../../compute/errors.ts";
import type { Method } from "../method.ts";
import type { SamplingParameters } from "./estimate.ts";
import type { GameParameters } from "./exact-shapley.ts";
import { worthOf } from "./game.ts";
import { permutationValues } from "./permutations.ts";

export interface TmcShapleyParameters<Train, Test> extends GameParameters<Train, Test>, SamplingParameters {
	/**
	 * An order ends where the coalition is this close to what all are worth, as a part of it, in [0, 1); 0 by default. Scores
	 * miss their total by about as much, and late players are paid less than they gain.
	 */
	readonly tolerance?: number;
}

/**
 * Monte-Carlo Shapley values with their standard errors; `total` is what they add up to without truncation.
 * @throws {DataError} from `attribute`: PARAMETER_OUT_OF_RANGE, and what the game throws
 *
 * @example
 * const game = (train: Examples, test: Examples) => rowsLossGame({ train, test, ridge });
 * const result = await (await tmcShapleyMethod({ game, seed: 1n, draws: 240 }).cache(train)).attribute(test);
 * console.log(renderScore(result, 0)); // "0.00123 +- 0.00021 (not converged)"
 */
export function tmcShapleyMethod<Train, Test>(parameters: TmcShapleyParameters<Train, Test>): Method<Train, Test> {
	const { game, tolerance = 0 } = parameters;
	return {
		name: "tmc-shapley",
		cache: (train) => ({
			async attribute(test, control) {
				if (!(tolerance >= 0 && tolerance < 1)) {
					throw new DataError(
						"PARAMETER_OUT_OF_RANGE",
						`tmc-shapley: expected a tolerance in [0, 1), got ${tolerance}`,
						"0 means no truncation.",
					);
				}
				const played = await game(train, test);
				const total = worthOf(played);
				const weights = new Float64Array(played.players).fill(1);
				const bound = tolerance === 0 ? -1 : tolerance * Math.abs(total);
				return { ...(await permutationValues("tmc-shapley", played, { ...parameters, weights, tolerance: bound }, control)), total };
			},
		}),
	};
}
