/**
 * The method that pays, row by row: `ridge-path` scores a contribution by a linear form of its statistics, so a row's share of it is
 *
 *     S_i = w_i (x_i^T M x_i - N_{y_i}^T x_i)            M = sym(sum_j omega_j V_j W_j^T)    N = sum_j omega_j V_j
 *
 * and the rows of a contributor add up to exactly what that contributor is paid. On one query row q the same integral is
 *
 *     S_iq = w_i sum_j omega_j (x_i^T (A + mu_j)^-1 x_q) (r_ij^T r_qj)      r_ij = W_j^T x_i - onehot(y_i)
 *
 * Integers of bytes are exact; rows in floating point are read as bytes / 255, so lambda means the same for both.
 * Source: docs/design.md, section 4; Aumann and Shapley, "Values of Non-Atomic Games" (1974), chapter 3.
 */
import { OMEGA_BITS } from "../circuits/path.ts";
import { cholesky } from "../compute/cholesky.ts";
import { DataError } from "../compute/errors.ts";
import { type Matrix, matrix, multiply } from "../compute/matrix.ts";
import { type AnyExamples, isBytes, weightOf } from "./byte-examples.ts";
import { addNode, type ScoreForms } from "./forms.ts";
import { eachChunk, gramOf, rowsOf } from "./gram.ts";
import type { DirectMethod } from "./method.ts";
import type { RidgePathParameters } from "./ridge-path.ts";

/** The square of the byte that stands for 1. */
const UNIT_SQUARE = 255 ** 2;

const MEANING = { unit: "mean query loss (half-squared error, 1/2 for the empty model)", positive: "lowers the query loss" } as const;

/**
 * The ridge path over rows.
 * `cache` costs one Gram matrix and a factorisation per node; `attribute` two substitutions per node and one product of the
 * rows with M, however many nodes there are; `pairs` two products with all query rows per node.
 *
 * Scores add up to the drop of the mean query loss from the empty model to the head at lambda; 12 nodes miss it by about 1e-5.
 * Queries are of the kind of the training rows and may have weights (bytes); `pairs` holds the drop on each query row by itself.
 * @throws {DataError} from `cache`: TOO_FEW_ROWS without weight, ILL_CONDITIONED; from `attribute` and `pairs`: SHAPE_MISMATCH for
 *   queries of another shape or kind, TOO_FEW_ROWS
 *
 * @example
 * const { scores } = ridgePathRowsMethod(pathParameters(65, 12)).cache(train).attribute(test);
 */
export function ridgePathRowsMethod<E extends AnyExamples>(parameters: RidgePathParameters): DirectMethod<E, E> {
	return {
		name: "ridge-path-rows",
		cache(train) {
			const { d, k } = train;
			const { a, b, n } = gramOf(train, "ridge-path-rows: training");
			const unit = isBytes(train) ? 1 : UNIT_SQUARE;
			const at = (weight: bigint) => {
				const factor = cholesky(a, (Number(weight) * n) / unit);
				return { factor, w: factor.solve(b) };
			};
			const nodes = parameters.nodes.map((node) => ({ ...at(node.k), omega: Number(node.omega) / 2 ** OMEGA_BITS }));
			const head = at(parameters.lambda).w;
			return {
				attribute(test) {
					checkKind(train, test);
					const query = gramOf(test, "ridge-path-rows: the queries");
					const forms: ScoreForms = { m: new Float64Array((d * (d + 1)) / 2), n: new Float64Array(d * k) };
					for (const { factor, w, omega } of nodes) {
						const gradient = multiply(query.a, w).values.map((value, i) => (value - (query.b.values[i] as number)) / query.n);
						addNode(forms, omega, w.values, factor.solve(matrix(gradient, d, k)).values, d, k);
					}
					const drop = 1 / 2 - sumOfLosses(test, head) / query.n;
					return { ...MEANING, scores: rowScores(train, forms), total: drop };
				},
				pairs(test) {
					checkKind(train, test);
					const scores = new Float64Array(train.n * test.n);
					const queries = rowsOf(test, 0, test.n);
					for (const { factor, w, omega } of nodes) {
						const solved = factor.solve(transpose(queries));
						const errors = residuals(test, queries, 0, w);
						eachChunk(train, (rows, from) => {
							const near = multiply(rows, solved).values;
							const alike = multiply(residuals(train, rows, from, w), errors, { right: true }).values;
							for (let i = 0; i < near.length; i++) {
								const weight = weightOf(train, from + Math.floor(i / test.n));
								(scores[from * test.n + i] as number) += weight * omega * (near[i] as number) * (alike[i] as number);
							}
						});
					}
					return { ...MEANING, unit: "loss of the query row (half-squared error)", scores, entries: train.n, tests: test.n };
				},
			};
		},
	};
}

/** w (x^T M x - N_y^T x) of every row. */
function rowScores(examples: AnyExamples, forms: ScoreForms): Float64Array {
	const { label, n, d, k } = examples;
	const m = new Float64Array(d * d);
	for (let i = 0, entry = 0; i < d; i++) {
		for (let l = i; l < d; l++, entry++) {
			// The form holds an entry off the diagonal for both of its places.
			m[i * d + l] = m[l * d + i] = (forms.m[entry] as number) / (i === l ? 1 : 2);
		}
	}
	const scores = new Float64Array(n);
	eachChunk(examples, (rows, from) => {
		const product = multiply(rows, matrix(m, d, d)).values;
		for (let i = 0; i < rows.rows; i++) {
			const y = label[from + i] as number;
			let sum = 0;
			for (let l = 0; l < d; l++) {
				sum += (rows.values[i * d + l] as number) * ((product[i * d + l] as number) - (forms.n[l * k + y] as number));
			}
			scores[from + i] = weightOf(examples, from + i) * sum;
		}
	});
	return scores;
}

/** X W - Y. */
function residuals({ label, k }: AnyExamples, rows: Matrix<Float64Array>, from: number, w: Matrix<Float64Array>): Matrix<Float64Array> {
	const product = multiply(rows, w);
	for (let i = 0; i < rows.rows; i++) (product.values[i * k + (label[from + i] as number)] as number) -= 1;
	return product;
}

/** The sum of the losses w |W^T x - y|^2 / 2. */
function sumOfLosses(examples: AnyExamples, w: Matrix<Float64Array>): number {
	let sum = 0;
	eachChunk(examples, (rows, from) => {
		residuals(examples, rows, from, w).values.forEach((value, i) => {
			sum += (weightOf(examples, from + Math.floor(i / examples.k)) * value * value) / 2;
		});
	});
	return sum;
}

function transpose({ values, rows, columns }: Matrix<Float64Array>): Matrix<Float64Array> {
	const out = new Float64Array(values.length);
	for (let i = 0; i < rows; i++) {
		for (let l = 0; l < columns; l++) out[l * rows + i] = values[i * columns + l] as number;
	}
	return matrix(out, columns, rows);
}

function checkKind(train: AnyExamples, test: AnyExamples): void {
	if (test.d === train.d && test.k === train.k && isBytes(test) === isBytes(train)) return;
	const kind = (examples: AnyExamples) => `${isBytes(examples) ? "bytes" : "floats"} with d = ${examples.d}, k = ${examples.k}`;
	throw new DataError(
		"SHAPE_MISMATCH",
		`ridge-path-rows: expected queries of ${kind(train)}, got ${kind(test)}`,
		"Use one scale and one backbone for both.",
	);
}
