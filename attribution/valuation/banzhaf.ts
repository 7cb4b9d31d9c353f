/**
 * Data Banzhaf: what a player adds to a set of the others drawn uniformly. By maximum sample reuse every drawn coalition tells of
 * every player:
 *
 *     S_i = mean of v(S) over the drawn S with i  -  mean of v(S) over those without
 *
 * Of all semivalues its ranking bears most noise in v.
 * Source: Wang and Jia, "Data Banzhaf: A Robust Data Valuation Framework for Machine Learning" (AISTATS 2023).
 */
import { generator } from "../../compute/random.ts";
import type { Method } from "../method.ts";
import { checkSampling, hasConverged, RunningMeans, type SamplingParameters, samplingOf } from "./estimate.ts";
import type { GameParameters } from "./exact-shapley.ts";
import { steps } from "./steps.ts";

/**
 * Banzhaf values from `draws` coalitions, with their standard errors; they do not add up.
 * @throws {DataError} from `attribute`: PARAMETER_OUT_OF_RANGE, and what the game throws
 */
export function banzhafMethod<Train, Test>(parameters: GameParameters<Train, Test> & SamplingParameters): Method<Train, Test> {
	const { game, seed, draws, precision } = parameters;
	return {
		name: "banzhaf",
		cache: (train) => ({
			async attribute(test, control) {
				checkSampling("banzhaf", parameters);
				const { players, unit, positive, ...played } = await game(train, test);
				const next = generator(seed);
				const [inside, outside] = [new RunningMeans(players), new RunningMeans(players)];
				const scores = new Float64Array(players);
				const errors = () => {
					const [own, others] = [inside.standardErrors(), outside.standardErrors()];
					return own.map((error, player) => Math.hypot(error, others[player] as number));
				};
				const done = await steps(draws, control, (draw) => {
					const coalition = played.coalition();
					const members = Uint8Array.from(scores, () => next() >>> 31);
					members.forEach((isIn, player) => {
						if (isIn) coalition.add(player);
					});
					const value = coalition.value();
					members.forEach((isIn, player) => {
						(isIn ? inside : outside).add(player, value);
						scores[player] = (inside.means[player] as number) - (outside.means[player] as number);
					});
					return !hasConverged(scores, errors(), draw + 1, precision);
				});
				return { scores, unit, positive, total: null, sampling: samplingOf(scores, errors(), done, "coalitions", parameters) };
			},
		}),
	};
}
