/**
 * Products with the Hessian of a softmax head on a backend: the mean cross-entropy of n rows X (n x d) with weights W (d x k), plus
 * ridge/2 |W|^2,
 *
 *     H V = X^T J(X W)(X V) / n + ridge V        J(z) u = p (u - p . u) with p = softmax(z), row by row
 *
 * by 4 n d k multiplications per column of V. Parameters are in the order [feature][class]. softmax-hessian.ts has the same in float64.
 * Source: Pearlmutter, "Fast Exact Multiplication by the Hessian" (1994).
 */
import type { Backend } from "../backend.ts";
import { BLOCK_BYTES, blockRows, blocksOf, type Control, pause, uploadRows } from "../blocks.ts";
import { DataError } from "../errors.ts";
import type { Matrix } from "../matrix.ts";
import type { Tensor } from "../tensor.ts";

/** A Hessian that is known by its products. */
export interface HessianProduct {
	/** Rows of V. */
	readonly parameters: number;
	/**
	 * H V.
	 * @param v - parameters x m; taken in single precision
	 * @returns the same shape; parts in single precision, their sums in float64
	 * @throws {DataError} SHAPE_MISMATCH; those of the backend; the signal's reason
	 */
	product(v: Matrix<Float64Array>, control?: Control): Promise<Matrix<Float64Array>>;
	/** Frees the rows that lie on the backend. */
	close(): void;
}

export interface HeadHessianOptions {
	/** n x d, with a constant feature where the head has a bias. */
	readonly x: Matrix<Float32Array>;
	/** d x k. */
	readonly weights: Matrix<Float32Array>;
	/** At least 0. */
	readonly ridge: number;
}

/**
 * The Hessian of a head. Rows and their logits stay on the backend until `close`.
 * @throws {DataError} SHAPE_MISMATCH
 */
export function headHessian(backend: Backend, { x, weights, ridge }: HeadHessianOptions): HessianProduct {
	const [{ rows: n, columns: d }, k] = [x, weights.columns];
	if (weights.rows !== d || n === 0)
		throw mismatch(`expected rows, and weights of as many features, got ${n} x ${d} and ${weights.rows} x ${k}`);
	const size = blockRows(backend, 4 * Math.max(d, k));
	const w = uploadRows(backend, weights, 0, d);
	const blocks = blocksOf(n, size).map(([from, to]) => {
		const rows = uploadRows(backend, x, from, to);
		return { rows, logits: backend.floats.product(rows, w) };
	});
	backend.release(w);
	const together = Math.max(1, Math.floor(Math.min(BLOCK_BYTES, backend.limits.tensorBytes) / (4 * k * Math.max(d, Math.min(n, size)))));
	return {
		parameters: d * k,
		async product(v, control = {}) {
			const m = v.columns;
			checkDirections(v, d * k);
			const result = v.values.map((value) => ridge * value);
			const groups = blocksOf(m, together);
			for (const [g, [from, to]] of groups.entries()) {
				const width = (to - from) * k;
				// Direction by direction: row i of the product is then one row of logits after the other.
				const own = new Float32Array(d * width);
				each(d, k, from, to, (f, c, j) => {
					own[f * width + (j - from) * k + c] = v.values[(f * k + c) * m + j] as number;
				});
				const directions = backend.upload("f32", own, d, width);
				try {
					for (const [b, block] of blocks.entries()) {
						await pause(control);
						const tangent = tangents(block, directions);
						const part = await backend.download(tangent);
						backend.release(tangent);
						each(d, k, from, to, (f, c, j) => {
							(result[(f * k + c) * m + j] as number) += (part[f * width + (j - from) * k + c] as number) / n;
						});
						control.progress?.(g * blocks.length + b + 1, groups.length * blocks.length);
					}
				} finally {
					backend.release(directions);
				}
			}
			return { values: result, rows: d * k, columns: m };
		},
		close: () => backend.release(...blocks.flatMap(({ rows, logits }) => [rows, logits])),
	};

	/** X^T J(X W)(X V) of a block, d x (directions k). */
	function tangents({ rows, logits }: (typeof blocks)[number], directions: Tensor<"f32">): Tensor<"f32"> {
		const { floats } = backend;
		const count = directions.columns / k;
		const u = floats.product(rows, directions);
		const repeated =
			count === 1
				? logits
				: backend.gather(
						logits,
						Uint32Array.from({ length: rows.rows * count }, (_, i) => Math.floor(i / count)),
					);
		const tangent = floats.softmaxTangent(repeated, backend.reshape(u, rows.rows * count, k));
		const product = floats.product(rows, backend.reshape(tangent, rows.rows, count * k), { left: true });
		backend.release(u, tangent, ...(count === 1 ? [] : [repeated]));
		return product;
	}
}

function each(d: number, k: number, from: number, to: number, visit: (f: number, c: number, j: number) => void): void {
	for (let f = 0; f < d; f++) for (let c = 0; c < k; c++) for (let j = from; j < to; j++) visit(f, c, j);
}

/** @throws {DataError} SHAPE_MISMATCH */
export function checkDirections({ rows }: Matrix<Float64Array>, parameters: number): void {
	if (rows !== parameters) throw mismatch(`expected directions of ${parameters} parameters, got ${rows}`);
}

/** What does not go together. */
export function mismatch(message: string): DataError {
	return new DataError("SHAPE_MISMATCH", `hessian: ${message}`, "Pass rows, weights and directions of one model.");
}
