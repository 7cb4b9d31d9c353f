/**
 * Semivalues by random orders of arrival: in an order drawn uniformly each player enters after a random set, and its score is the
 * mean over the orders of what the set gains, weighted by the set's size.
 */
import { below, type Generator, generator } from "../../compute/random.ts";
import type { Attribution, Control } from "../method.ts";
import { checkSampling, hasConverged, RunningMeans, type SamplingParameters, samplingOf } from "./estimate.ts";
import { type Game, worthOf } from "./game.ts";
import { steps } from "./steps.ts";

export interface PermutationParameters extends SamplingParameters {
	/** The weight of a gain of the player that enters after `size` others; 1 each for the Shapley value. */
	readonly weights: Float64Array;
	/** An order ends where what is left to gain is at most this, in the unit of the game; negative for never. */
	readonly tolerance: number;
}

/** The weighted mean gains of all players. */
export async function permutationValues(
	name: string,
	game: Game,
	parameters: PermutationParameters,
	control?: Control,
): Promise<Omit<Attribution, "total">> {
	checkSampling(name, parameters);
	const { seed, draws, precision, weights, tolerance } = parameters;
	const { players, unit, positive } = game;
	const means = new RunningMeans(players);
	const order = Uint32Array.from({ length: players }, (_, player) => player);
	const next = generator(seed);
	const empty = game.coalition().value();
	const whole = empty + worthOf(game);
	const done = await steps(draws, control, (draw) => {
		shuffle(order, next);
		const coalition = game.coalition();
		let before = empty;
		order.forEach((player, size) => {
			let after = before;
			// What is left to gain is too little to be looked for: nobody who comes later gets any of it.
			if (Math.abs(whole - before) > tolerance) {
				coalition.add(player);
				after = coalition.value();
			}
			means.add(player, (weights[size] as number) * (after - before));
			before = after;
		});
		return !hasConverged(means.means, means.standardErrors(), draw + 1, precision);
	});
	const scores = means.means;
	return { scores, unit, positive, sampling: samplingOf(scores, means.standardErrors(), done, "permutations", parameters) };
}

/** Every order equally likely. Source: Durstenfeld, "Algorithm 235: Random permutation" (1964). */
export function shuffle(values: Uint32Array, next: Generator): void {
	for (let i = values.length - 1; i > 0; i--) {
		const other = below(next, i + 1);
		[values[i], values[other]] = [values[other] as number, values[i] as number];
	}
}
