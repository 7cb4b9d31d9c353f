/** Cooperative games: what the values of this folder (Shapley, Banzhaf, Beta Shapley, leave-one-out) are values of. */
import { type Groups, rowsByGroup } from "../groups.ts";
import type { Meaning } from "../method.ts";

/** A set of players that grows and shrinks one at a time, so that what neighbouring sets share is computed once. */
export interface Coalition {
	/** Let a player in that is not in. */
	add(player: number): void;
	/** Let a player out that is in. */
	remove(player: number): void;
	/** What the set is worth. */
	value(): number;
}

/** Players 0, ..., players - 1 and what every set of them is worth, in `unit`. */
export interface Game extends Meaning {
	readonly players: number;
	/** A coalition that starts empty. */
	coalition(): Coalition;
}

/**
 * A game by its definition.
 * @param value - what the set of players with a true entry is worth
 */
export function gameOf(players: number, value: (members: readonly boolean[]) => number, meaning: Partial<Meaning> = {}): Game {
	const { unit = "value of the game", positive = "raises the value" } = meaning;
	return {
		players,
		unit,
		positive,
		coalition() {
			const members = new Array<boolean>(players).fill(false);
			return {
				add(player) {
					members[player] = true;
				},
				remove(player) {
					members[player] = false;
				},
				value: () => value(members),
			};
		},
	};
}

/**
 * The game in which the contributors are the players and each brings all its rows.
 * @throws {DataError} GROUP_EMPTY if a contributor has no row
 */
export function groupGame(game: Game, groups: Groups): Game {
	const rows = rowsByGroup(groups);
	return {
		...game,
		players: rows.length,
		coalition() {
			const inner = game.coalition();
			return {
				add(player) {
					for (const row of rows[player] as Uint32Array) inner.add(row);
				},
				remove(player) {
					for (const row of rows[player] as Uint32Array) inner.remove(row);
				},
				value: () => inner.value(),
			};
		},
	};
}

/** What the full coalition is worth above the empty one: what Shapley values add up to. */
export function worthOf(game: Game): number {
	const coalition = game.coalition();
	const empty = coalition.value();
	for (let player = 0; player < game.players; player++) coalition.add(player);
	return coalition.value() - empty;
}
