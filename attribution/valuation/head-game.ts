/**
 * Games of contributions, given by the sums of their rows: a coalition trains the ridge head of its statistics,
 * (A_S + ridge) W = B_S, with one ridge for all coalitions, and is worth what that head does on the queries.
 */
import { cholesky } from "../../compute/cholesky.ts";
import { DataError } from "../../compute/errors.ts";
import { type Matrix, matrix, multiply } from "../../compute/matrix.ts";
import { symmetricMatrix } from "../../compute/product.ts";
import type { Statistics } from "../../compute/statistics.ts";
import type { AnyExamples } from "../byte-examples.ts";
import { accuracyOf, rowsOf } from "../gram.ts";
import type { Meaning } from "../method.ts";
import type { Game } from "./game.ts";

export interface HeadGameParameters {
	/** One per player; all of one model. */
	readonly contributions: readonly Statistics[];
	/** Added to the diagonal of A, in its unit; the same for every coalition. */
	readonly ridge: number;
}

/**
 * Minus the mean query loss (half-squared, -1/2 for the empty coalition). A value costs one factorisation, d^3 / 6.
 * @throws {DataError} GROUP_EMPTY for a contribution without rows, SHAPE_MISMATCH, TOO_FEW_ROWS without a query; ILL_CONDITIONED from
 *   a coalition whose system is singular, which a positive ridge rules out
 */
export function lossGame({ query, ...parameters }: HeadGameParameters & { readonly query: Statistics }): Game {
	if (query.n < 1) throw new DataError("TOO_FEW_ROWS", `loss-game: expected a query weight of at least 1, got ${query.n}`, "Give queries.");
	const { d, k } = query;
	const aQuery = matrix(symmetricMatrix(query.a, d).values, d, d);
	return headGame(parameters, { d, k }, LOSS, (w) => {
		const product = multiply(aQuery, w).values;
		let sum = 0;
		w.values.forEach((value, i) => {
			sum += value * ((product[i] as number) - 2 * (query.b[i] as number));
		});
		return -(sum + query.n) / (2 * query.n);
	});
}

/**
 * The accuracy of the head on test rows of the contributions' features.
 * @throws {DataError} as `lossGame`, and ONE_CLASS if all contributions hold one class only
 */
export function accuracyGame({ test, ...parameters }: HeadGameParameters & { readonly test: AnyExamples }): Game {
	const { d, k } = test;
	const present = Array.from({ length: k }, (_, c) =>
		parameters.contributions.some(({ b }) => b.some((value, i) => i % k === c && value !== 0)),
	);
	if (present.filter(Boolean).length < 2) {
		throw new DataError(
			"ONE_CLASS",
			`accuracy-game: expected rows of at least 2 classes, got class ${present.indexOf(true)} only`,
			"Give rows of every class.",
		);
	}
	const rows = rowsOf(test, 0, test.n);
	return headGame(parameters, { d, k }, ACCURACY, (w) => accuracyOf(multiply(rows, w), test));
}

export const LOSS: Meaning = { unit: "mean query loss (half-squared error, 1/2 for the empty model)", positive: "lowers the query loss" };
export const ACCURACY: Meaning = { unit: "accuracy on the test rows", positive: "raises the accuracy" };

function headGame(
	{ contributions, ridge }: HeadGameParameters,
	{ d, k }: { readonly d: number; readonly k: number },
	meaning: Meaning,
	worth: (w: Matrix<Float64Array>) => number,
): Game {
	const parts = contributions.map((one, c) => {
		if (one.n < 1) {
			throw new DataError("GROUP_EMPTY", `head-game: contribution ${c} has no row`, "Give each contribution a row, or leave it out.");
		}
		if (one.d === d && one.k === k) return { a: symmetricMatrix(one.a, d).values, b: one.b };
		throw new DataError(
			"SHAPE_MISMATCH",
			`head-game: expected contributions with d = ${d}, k = ${k}, got d = ${one.d}, k = ${one.k} in contribution ${c}`,
			"Use one scale and one backbone for all.",
		);
	});
	return {
		...meaning,
		players: parts.length,
		coalition() {
			const [a, b] = [new Float64Array(d * d), new Float64Array(d * k)];
			const move = (player: number, sign: 1 | -1) => {
				const part = parts[player] as (typeof parts)[number];
				// Sums of integers: what is added and taken away again leaves nothing behind.
				for (let i = 0; i < a.length; i++) (a[i] as number) += sign * (part.a[i] as number);
				for (let i = 0; i < b.length; i++) (b[i] as number) += sign * (part.b[i] as number);
			};
			return {
				add: (player) => move(player, 1),
				remove: (player) => move(player, -1),
				value: () => worth(cholesky(matrix(a, d, d), ridge).solve(matrix(b, d, k))),
			};
		},
	};
}
