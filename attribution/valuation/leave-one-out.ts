/**
 * Leave-one-out: what the coalition of all loses when one player leaves it, v(all) - v(all but i). Players that can stand in for each
 * other are all worth nothing by it, so it tells who cannot be spared, not who deserves what.
 */
import type { Method } from "../method.ts";
import type { GameParameters } from "./exact-shapley.ts";
import { steps } from "./steps.ts";

/** Leave-one-out over the players of a game, at one value each; scores do not add up. Throws what the game throws. */
export function leaveOneOutMethod<Train, Test>({ game }: GameParameters<Train, Test>): Method<Train, Test> {
	return {
		name: "leave-one-out",
		cache: (train) => ({
			async attribute(test, control) {
				const { players, unit, positive, ...played } = await game(train, test);
				const coalition = played.coalition();
				for (let player = 0; player < players; player++) coalition.add(player);
				const whole = coalition.value();
				const scores = new Float64Array(players);
				await steps(players, control, (player) => {
					coalition.remove(player);
					scores[player] = whole - coalition.value();
					coalition.add(player);
				});
				return { scores, unit, positive, total: null };
			},
		}),
	};
}
