/**
 * The game whose Shapley value KNN-Shapley is: a set of rows is worth the mean, over the test rows, of the number of its K nearest
 * rows that have the test row's label, divided by K. For the values that have no closed form, and to check the one that has.
 */
import { type AnyExamples, weightOf } from "../byte-examples.ts";
import type { Game } from "./game.ts";
import { neighboursOf } from "./neighbours.ts";

export interface KnnGameParameters {
	/** One row per player. */
	readonly train: AnyExamples;
	readonly test: AnyExamples;
	/** K, in [1, number of training rows]. */
	readonly neighbours: number;
}

/**
 * The game; players are the training rows, those of weight 0 change nothing. A value costs tests x K / (share of rows that are in).
 * @throws {DataError} as `knnShapleyMethod`
 */
export async function knnGame({ train, test, neighbours }: KnnGameParameters): Promise<Game> {
	const near = neighboursOf(train, neighbours);
	const ranked: Uint32Array[] = [];
	await near.rank(test, (_, order) => {
		ranked.push(order.map((position) => near.rows[position] as number));
	});
	const fees = ranked.reduce((sum, _, q) => sum + weightOf(test, q), 0);
	return {
		players: train.n,
		unit: "share of the K nearest rows that vote for the test row's label, mean over the test rows",
		positive: "votes for the labels of the test rows",
		coalition() {
			const members = new Uint8Array(train.n);
			return {
				add(player) {
					members[player] = 1;
				},
				remove(player) {
					members[player] = 0;
				},
				value() {
					let sum = 0;
					ranked.forEach((order, q) => {
						let [found, matches] = [0, 0];
						for (let r = 0; r < order.length && found < neighbours; r++) {
							const row = order[r] as number;
							if (members[row] !== 1) continue;
							found++;
							if (train.label[row] === test.label[q]) matches++;
						}
						sum += (weightOf(test, q) * matches) / (neighbours * fees);
					});
					return sum;
				},
			};
		},
	};
}
