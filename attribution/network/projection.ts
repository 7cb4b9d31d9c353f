/**
 * Random projection of gradients from their factors: direction q of layer l is an outer product of two random vectors of signs, so that
 *
 *     phi_q = sum over layers of (u_lq . a)(v_lq . e) / sqrt(dimension)      E <phi, phi'> = <g, g'>
 *
 * takes two thin matrix products per layer and never meets a gradient. The error of an inner product falls with 1 / sqrt(dimension), up to
 * a factor of three slower than with dense signs. Source: Sun et al., "Tensor Random Projection for Low Memory Dimension Reduction"
 * (2018).
 */
import { DataError } from "../../compute/errors.ts";
import { type Matrix, matrix, multiply } from "../../compute/matrix.ts";
import { type Generator, generator } from "../../compute/random.ts";
import type { LayerGradients, Network } from "../../compute/training/network.ts";

/** From the factors of n gradients to n x dimension. */
export type Projection = (layers: readonly LayerGradients[]) => Matrix<Float32Array>;

/**
 * A projection for the gradients of networks of these sizes.
 * @param dimension - at least 1
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function randomProjection({ layers }: Network, dimension: number, seed: bigint): Projection {
	if (!Number.isInteger(dimension) || dimension < 1) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`randomProjection: expected a dimension of at least 1, got ${dimension}`,
			"Choose some hundreds to thousands.",
		);
	}
	const next = generator(seed);
	const sides = layers.map(({ weights }) => ({
		inputs: signs(weights.rows, dimension, next),
		bias: signs(1, dimension, next).values,
		errors: signs(weights.columns, dimension, next),
	}));
	return (gradients) => {
		const n = gradients[0]?.inputs.rows ?? 0;
		const result = matrix(new Float32Array(n * dimension), n, dimension);
		const scale = 1 / Math.sqrt(dimension);
		gradients.forEach(({ inputs, errors }, l) => {
			const side = sides[l] as (typeof sides)[number];
			const a = multiply(inputs, side.inputs).values;
			const e = multiply(errors, side.errors).values;
			for (let at = 0; at < a.length; at++) {
				const projected = ((a[at] as number) + (side.bias[at % dimension] as number)) * (e[at] as number);
				result.values[at] = (result.values[at] as number) + projected * scale;
			}
		});
		return result;
	};
}

function signs(rows: number, columns: number, next: Generator): Matrix<Float32Array> {
	let [word, left] = [0, 0];
	const values = new Float32Array(rows * columns).map(() => {
		if (left === 0) [word, left] = [next(), 32];
		left--;
		return (word >>> left) & 1 ? 1 : -1;
	});
	return matrix(values, rows, columns);
}
