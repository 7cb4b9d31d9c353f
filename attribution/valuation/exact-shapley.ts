/**
 * The exact Shapley value of few players, usually contributors: every coalition is valued once, in the order of a Gray code so that
 * one player comes or goes at a time,
 *
 *     S_i = sum over S without i of |S|! (c - |S| - 1)! / c! (v(S + i) - v(S))
 *
 * A Shapley value over names can be gamed by splitting a name: the players must be clusters of evidence, not accounts.
 * Source: Shapley, "A Value for n-Person Games" (1953).
 */
import { DataError } from "../../compute/errors.ts";
import type { Awaitable, Control, Method } from "../method.ts";
import type { Game } from "./game.ts";
import { steps } from "./steps.ts";

/** Above this a coalition each is too many. */
const MAX_PLAYERS = 16;

/** What every method of this folder needs: the game of a training and a test side. */
export interface GameParameters<Train, Test> {
	readonly game: (train: Train, test: Test) => Awaitable<Game>;
}

/**
 * Exact Shapley values; they add up to what all players are worth above none.
 * @throws {DataError} from `attribute`: PARAMETER_OUT_OF_RANGE for more than 16 players, and what the game throws
 *
 * @example
 * const method = exactShapleyMethod({ game: (contributions, query) => lossGame({ contributions, query, ridge }) });
 */
export function exactShapleyMethod<Train, Test>({ game }: GameParameters<Train, Test>): Method<Train, Test> {
	return {
		name: "exact-shapley",
		cache: (train) => ({
			async attribute(test, control) {
				const played = await game(train, test);
				const { players, unit, positive } = played;
				const values = await coalitionValues(played, control);
				const scores = new Float64Array(players);
				const share = shares(players);
				values.forEach((value, mask) => {
					const size = bits(mask);
					for (let i = 0; i < players; i++) {
						// Each coalition is S + i for the players that are in, and S for the others.
						if ((mask >> i) & 1) (scores[i] as number) += (share[size - 1] as number) * value;
						else (scores[i] as number) -= (share[size] as number) * value;
					}
				});
				return { scores, unit, positive, total: (values.at(-1) as number) - (values[0] as number) };
			},
		}),
	};
}

/** What each coalition is worth; bit i of the index says whether player i is in. */
async function coalitionValues(game: Game, control: Control | undefined): Promise<Float64Array> {
	const { players } = game;
	if (players > MAX_PLAYERS) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`exact-shapley: expected at most ${MAX_PLAYERS} players, got ${players}`,
			"Use tmc-shapley, or put players together.",
		);
	}
	const values = new Float64Array(2 ** players);
	const coalition = game.coalition();
	let mask = 0;
	await steps(values.length, control, (index) => {
		if (index > 0) {
			// Step number `index` of the Gray code turns the lowest bit that is set in it.
			const player = 31 - Math.clz32(index & -index);
			mask ^= 1 << player;
			if ((mask >> player) & 1) coalition.add(player);
			else coalition.remove(player);
		}
		values[mask] = coalition.value();
	});
	return values;
}

/** |S|! (c - |S| - 1)! / c! for |S| in [0, c). */
function shares(players: number): Float64Array {
	const result = new Float64Array(players);
	let choose = 1;
	for (let size = 0; size < players; size++) {
		result[size] = 1 / (players * choose);
		choose = (choose * (players - 1 - size)) / (size + 1);
	}
	return result;
}

function bits(mask: number): number {
	let count = 0;
	for (let rest = mask; rest > 0; rest &= rest - 1) count++;
	return count;
}
