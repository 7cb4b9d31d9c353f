/** What this folder's tests share: small networks and rows, and gradients written out. */
import { matrix } from "../../compute/matrix.ts";
import { below, generator } from "../../compute/random.ts";
import { type FloatRows, initialise, type LayerGradients, type Network } from "../../compute/training/network.ts";

/** 6 inputs, hidden layers of 5 and 4, 3 classes. */
export const SIZES = [6, 5, 4, 3];

export function tinyNetwork(seed: bigint, sizes: readonly number[] = SIZES): Network {
	return initialise(sizes, seed);
}

/** Rows of around a class each, some values 0. */
export function tinyRows(n: number, seed: bigint, inputs = 6, k = 3): FloatRows {
	const next = generator(seed);
	const label = Uint8Array.from({ length: n }, () => below(next, k));
	const x = Float32Array.from({ length: n * inputs }, (_, at) => {
		const own = (at % inputs) % k === label[Math.floor(at / inputs)];
		return below(next, 4) === 0 ? 0 : (2 * next()) / 2 ** 32 - 1 + (own ? 0.8 : 0);
	});
	return { x: matrix(x, n, inputs), label };
}

/** Each row's gradient, written out: for each layer its weights (row-major), then its bias. */
export function written(layers: readonly LayerGradients[]): number[][] {
	return Array.from({ length: layers[0]?.inputs.rows ?? 0 }, (_, row) =>
		layers.flatMap(({ inputs, errors }) => {
			const a = [...inputs.values.subarray(row * inputs.columns, (row + 1) * inputs.columns), 1];
			const e = [...errors.values.subarray(row * errors.columns, (row + 1) * errors.columns)];
			return a.flatMap((value) => e.map((error) => value * error));
		}),
	);
}

export function dot(one: readonly number[], other: readonly number[]): number {
	return one.reduce((sum, value, i) => sum + value * (other[i] as number), 0);
}

/** The largest difference, relative to the largest of the expected values. */
export function farthest(values: ArrayLike<number>, expected: readonly number[]): number {
	const size = Math.max(...expected.map(Math.abs));
	return Math.max(...expected.map((value, i) => Math.abs(value - (values[i] as number)))) / size;
}
