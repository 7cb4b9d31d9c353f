/**
 * Shapley values of games of nearest neighbours. For one test row let the N training rows be ranked, and m_r say whether the row
 * of rank r has its label. In each of these games the values follow from the last one by a recursion over the ranks,
 *
 *     s_N = last(m_N, m_1 + ... + m_(N-1))        s_r = s_(r+1) + c_r (m_r - m_(r+1))
 *
 * so that a sort per test row gives what the definition sums over 2^N coalitions.
 */
import { DataError } from "../../compute/errors.ts";
import { type AnyExamples, weightOf } from "../byte-examples.ts";
import type { Meaning, Method } from "../method.ts";
import { neighboursOf } from "./neighbours.ts";

/** What makes one game of K neighbours among N rows. */
export interface RankGame extends Meaning {
	/** c_r for r in [1, N - 1], at index r - 1. */
	readonly steps: Float64Array;
	/** The value of the last rank. */
	last(match: number, others: number): number;
	/** What the values add up to when `matches` of the K nearest of all rows match. */
	total(matches: number): number;
}

/**
 * The method of a game.
 * @param neighbours - K
 * @param gameOf - the game of N rows and k classes
 */
export function rankMethod<E extends AnyExamples>(
	name: string,
	neighbours: number,
	gameOf: (rows: number, classes: number) => RankGame,
): Method<E, E> {
	return {
		name,
		cache(train) {
			const near = neighboursOf(train, neighbours);
			const { rows } = near;
			const label = Uint8Array.from(rows, (row) => train.label[row] as number);
			const game = gameOf(rows.length, train.k);
			const matches = new Uint8Array(rows.length);
			const matchesOf = (order: Uint32Array, y: number) => {
				for (let r = 0; r < order.length; r++) matches[r] = label[order[r] as number] === y ? 1 : 0;
			};
			return {
				async attribute(test, control) {
					const fees = feesOf(test, name);
					const values = new Float64Array(rows.length);
					let total = 0;
					await near.rank(
						test,
						(q, order) => {
							const share = weightOf(test, q) / fees;
							matchesOf(order, test.label[q] as number);
							total += share * game.total(sum(matches.subarray(0, neighbours)));
							addValues(game, order, matches, share, values);
						},
						control,
					);
					const scores = new Float64Array(train.n);
					rows.forEach((row, position) => {
						scores[row] = values[position] as number;
					});
					return { scores, unit: `${game.unit}, mean over the test rows`, positive: game.positive, total };
				},
				async pairs(test, control) {
					const scores = new Float64Array(train.n * test.n);
					const values = new Float64Array(rows.length);
					await near.rank(
						test,
						(q, order) => {
							matchesOf(order, test.label[q] as number);
							addValues(game, order, matches, 1, values.fill(0));
							for (let i = 0; i < values.length; i++) scores[(rows[i] as number) * test.n + q] = values[i] as number;
						},
						control,
					);
					return { scores, entries: train.n, tests: test.n, unit: game.unit, positive: game.positive };
				},
			};
		},
	};
}

/** Add `share` times each row's value for one test row. */
function addValues(game: RankGame, order: Uint32Array, matches: Uint8Array, share: number, values: Float64Array): void {
	const { steps } = game;
	const end = order.length - 1;
	let after = matches[end] as number;
	let value = share * game.last(after, sum(matches) - after);
	(values[order[end] as number] as number) += value;
	for (let r = end - 1; r >= 0; r--) {
		const match = matches[r] as number;
		if (match !== after) value += (match - after) * share * (steps[r] as number);
		(values[order[r] as number] as number) += value;
		after = match;
	}
}

/** The sum of the test rows' weights. */
function feesOf(test: AnyExamples, name: string): number {
	let fees = 0;
	for (let q = 0; q < test.n; q++) fees += weightOf(test, q);
	if (fees > 0) return fees;
	throw new DataError(
		"TOO_FEW_ROWS",
		`${name}: expected a weight of at least 1 for the test rows, got ${fees}`,
		"Give test rows with positive weights.",
	);
}

function sum(values: Uint8Array): number {
	let total = 0;
	for (let i = 0; i < values.length; i++) total += values[i] as number;
	return total;
}
