/**
 * Games of single rows with the ridge head, one rank-one step per row that comes or goes instead of a new solve. With
 * P = (A_S + ridge)^-1, u = P x, g = w u / (1 + w x^T u) (w the row's weight, negative when it leaves) and r = y - W^T x:
 *
 *     P <- P - g u^T        W <- W + g r^T        A_Q W - B_Q <- A_Q W - B_Q + (A_Q g) r^T
 *     loss <- loss + r^T (A_Q W - B_Q)^T g + (g^T A_Q g) |r|^2 / 2
 *
 * O(d^2 + d k) each, in float64: after a thousand steps at a condition number of 1e4 about 1e-9 is lost.
 * Source: Sherman and Morrison, "Adjustment of an Inverse Matrix Corresponding to a Change in One Element" (1950).
 */
import { DataError } from "../../compute/errors.ts";
import { type AnyExamples, isBytes, weightOf } from "../byte-examples.ts";
import { gramOf, largest, rowsOf } from "../gram.ts";
import type { Game } from "./game.ts";
import { ACCURACY, LOSS } from "./head-game.ts";

export interface RowsGameParameters {
	/** One row per player. */
	readonly train: AnyExamples;
	/** Of the same kind; what a coalition is measured on. */
	readonly test: AnyExamples;
	/** Added to the diagonal of sum w x x^T; positive. */
	readonly ridge: number;
}

/**
 * Minus the mean loss on the test rows (half-squared, -1/2 for the empty coalition).
 * @throws {DataError} SHAPE_MISMATCH, TOO_FEW_ROWS without test rows, ILL_CONDITIONED for a ridge that is not positive
 */
export function rowsLossGame(parameters: RowsGameParameters): Game {
	check(parameters);
	const { train, test } = parameters;
	const { d, k } = train;
	const { a, b, n } = gramOf(test, "rows-game: test");
	const [aMean, bMean] = [a.values.map((value) => value / n), b.values.map((value) => value / n)];
	return {
		...LOSS,
		players: train.n,
		coalition() {
			const [slope, step] = [new Float64Array(d * k), new Float64Array(d)];
			let loss = 0;
			const head = rowHead(parameters, {
				emptied() {
					bMean.forEach((value, i) => {
						slope[i] = -value;
					});
					loss = 1 / 2;
				},
				changed(g, r) {
					times(aMean, g, step);
					let [linear, quadratic, square] = [0, 0, 0];
					for (let c = 0; c < k; c++) square += (r[c] as number) ** 2;
					for (let l = 0; l < d; l++) {
						quadratic += (g[l] as number) * (step[l] as number);
						for (let c = 0; c < k; c++) {
							linear += (g[l] as number) * (r[c] as number) * (slope[l * k + c] as number);
							(slope[l * k + c] as number) += (step[l] as number) * (r[c] as number);
						}
					}
					loss += linear + (quadratic * square) / 2;
				},
			});
			return { ...head, value: () => -loss };
		},
	};
}

/**
 * The accuracy on the test rows; the empty coalition says class 0.
 * @throws {DataError} as `rowsLossGame`, and ONE_CLASS if all training rows have one label
 */
export function rowsAccuracyGame(parameters: RowsGameParameters): Game {
	check(parameters);
	const { train, test } = parameters;
	const { d, k } = train;
	if (train.label.every((label) => label === train.label[0])) {
		throw new DataError(
			"ONE_CLASS",
			`rows-game: expected rows of at least 2 classes, got class ${train.label[0]} only`,
			"Give rows of every class.",
		);
	}
	const x = rowsOf(test, 0, test.n).values;
	const weights = Array.from({ length: test.n }, (_, q) => weightOf(test, q));
	const all = weights.reduce((sum, weight) => sum + weight, 0);
	return {
		...ACCURACY,
		players: train.n,
		coalition() {
			const logits = new Float64Array(test.n * k);
			const head = rowHead(parameters, {
				emptied: () => logits.fill(0),
				changed(g, r) {
					for (let q = 0; q < test.n; q++) {
						let along = 0;
						for (let l = 0; l < d; l++) along += (x[q * d + l] as number) * (g[l] as number);
						for (let c = 0; c < k; c++) (logits[q * k + c] as number) += along * (r[c] as number);
					}
				},
			});
			const value = () => {
				let right = 0;
				for (let q = 0; q < test.n; q++) if (largest(logits, q * k, k) === test.label[q]) right += weights[q] as number;
				return right / all;
			};
			return { ...head, value };
		},
	};
}

/** What follows a head. */
interface Follower {
	/** Told of each change W <- W + g r^T before it is made. */
	changed(g: Float64Array, r: Float64Array): void;
	/** Told when the last row has left, and W is exactly 0. */
	emptied(): void;
}

/** The head of a coalition. */
function rowHead({ train, ridge }: RowsGameParameters, follower: Follower) {
	const { d, k, label } = train;
	const inverse = new Float64Array(d * d);
	const w = new Float64Array(d * k);
	let size = 0;
	const empty = () => {
		inverse.fill(0);
		for (let l = 0; l < d; l++) inverse[l * d + l] = 1 / ridge;
		w.fill(0);
		follower.emptied();
	};
	empty();
	const [u, g, r] = [new Float64Array(d), new Float64Array(d), new Float64Array(k)];
	const move = (row: number, sign: 1 | -1) => {
		size += sign;
		if (size === 0) return empty();
		const weight = sign * weightOf(train, row);
		const x = train.x.subarray(row * d, (row + 1) * d);
		times(inverse, x, u);
		r.fill(0);
		r[label[row] as number] = 1;
		let along = 0;
		for (let l = 0; l < d; l++) {
			const value = x[l] as number;
			along += value * (u[l] as number);
			for (let c = 0; c < k; c++) (r[c] as number) -= value * (w[l * k + c] as number);
		}
		for (let l = 0; l < d; l++) g[l] = (weight * (u[l] as number)) / (1 + weight * along);
		follower.changed(g, r);
		for (let i = 0; i < d; i++) {
			const factor = g[i] as number;
			for (let l = 0; l < d; l++) (inverse[i * d + l] as number) -= factor * (u[l] as number);
			for (let c = 0; c < k; c++) (w[i * k + c] as number) += factor * (r[c] as number);
		}
	};
	return { add: (row: number) => move(row, 1), remove: (row: number) => move(row, -1) };
}

/** out = A x for a symmetric A. */
function times(a: Float64Array, x: ArrayLike<number>, out: Float64Array): void {
	const d = out.length;
	for (let i = 0; i < d; i++) {
		let sum = 0;
		for (let l = 0; l < d; l++) sum += (a[i * d + l] as number) * (x[l] as number);
		out[i] = sum;
	}
}

function check({ train, test, ridge }: RowsGameParameters): void {
	if (!(ridge > 0)) throw new DataError("ILL_CONDITIONED", `rows-game: expected a ridge above 0, got ${ridge}`, "Choose a larger ridge.");
	if (test.d === train.d && test.k === train.k && isBytes(test) === isBytes(train)) return;
	throw new DataError(
		"SHAPE_MISMATCH",
		`rows-game: expected test rows with d = ${train.d}, k = ${train.k}, got d = ${test.d}, k = ${test.k}, or of another kind`,
		"Use one scale and one backbone for both.",
	);
}
