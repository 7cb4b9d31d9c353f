/** What the tests of this folder share: random games, and semivalues by their definition. */
import { generator } from "../../compute/random.ts";
import { type Game, gameOf } from "./game.ts";

/** A game in which every coalition is worth something drawn from [0, 1). */
export function randomGame(players: number, seed: bigint): Game {
	const next = generator(seed);
	const worth = Float64Array.from({ length: 2 ** players }, () => next() / 2 ** 32);
	return gameOf(players, (members) => worth[maskOf(members)] as number);
}

/** All coalitions of a game at their value, each built from nothing; bit i says whether player i is in. */
export function allValues(game: Game): Float64Array {
	return Float64Array.from({ length: 2 ** game.players }, (_, mask) => {
		const coalition = game.coalition();
		for (let player = 0; player < game.players; player++) if ((mask >> player) & 1) coalition.add(player);
		return coalition.value();
	});
}

/**
 * sum over S without i of p(|S|) / C(n - 1, |S|) (v(S + i) - v(S)).
 * @param sizes - how likely a player joins j others: 1 / n each for Shapley, binomial for Banzhaf
 */
export function semivalue(game: Game, sizes: ArrayLike<number>): number[] {
	const n = game.players;
	const worth = allValues(game);
	const choose = (m: number, r: number): number => (r === 0 ? 1 : (choose(m - 1, r - 1) * m) / r);
	return Array.from({ length: n }, (_, i) => {
		let sum = 0;
		for (let mask = 0; mask < worth.length; mask++) {
			if ((mask >> i) & 1) continue;
			const size = Array.from({ length: n }, (_, j) => (mask >> j) & 1).reduce((a, b) => a + b);
			sum += ((sizes[size] as number) / choose(n - 1, size)) * ((worth[mask | (1 << i)] as number) - (worth[mask] as number));
		}
		return sum;
	});
}

/** Sizes of the Shapley value. */
export const uniformSizes = (players: number) => new Array<number>(players).fill(1 / players);

/** Sizes of the Banzhaf value: each of the others is in with probability 1/2. */
export function binomialSizes(players: number): number[] {
	let choose = 1;
	return Array.from({ length: players }, (_, j) => {
		const size = choose / 2 ** (players - 1);
		choose = (choose * (players - 1 - j)) / (j + 1);
		return size;
	});
}

function maskOf(members: readonly boolean[]): number {
	return members.reduce((mask, isIn, player) => mask | (Number(isIn) << player), 0);
}
