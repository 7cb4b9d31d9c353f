/**
 * Seeded random projections on a backend, which keep inner products in expectation and err by about 1 / sqrt(dimension):
 *
 *     rows        phi = x P / sqrt(dimension)           P is d x dimension, of signs or of normal numbers
 *     gradients   phi_q = sum over layers of (u_lq . a + 1) (v_lq . e) / sqrt(dimension)
 *
 * The directions of a dense layer's gradients are outer products of two vectors of signs, so that gradients are not written out, and the
 * projection is a kernel that exists (`ghost`); the error of an inner product is up to three times that of dense signs. Gradients of
 * convolutions are written out and projected as rows. P is drawn row by row and never whole: some of its rows at a time. The drawn numbers
 * do not depend on how the work is cut. Source: Achlioptas, "Database-friendly random projections" (2003); Sun et al., "Tensor Random
 * Projection for Low Memory Dimension Reduction" (2018); Park et al., "TRAK: Attributing Model Behavior at Scale" (2023), 3.2.
 */
import type { Backend } from "./backend.ts";
import { addTo, blockRows, blocksOf, type Control, pause, uploadRows } from "./blocks.ts";
import { DataError } from "./errors.ts";
import { checkGradients, type NetworkGradients, widest, writeOut } from "./ghost.ts";
import { type Matrix, matrix } from "./matrix.ts";
import { type Generator, generator, splitmix64 } from "./random.ts";
import type { Tensor } from "./tensor.ts";
import type { LayerGradients } from "./training/network.ts";

export interface ProjectionOptions {
	/** Numbers of a projected row, at least 1. */
	readonly dimension: number;
	/** In [0, 2^64). */
	readonly seed: bigint;
}

export interface RowProjectionOptions extends ProjectionOptions {
	/** What P is made of; signs by default. */
	readonly entries?: keyof typeof ENTRIES;
}

const ENTRIES = { signs, normal } as const;

/**
 * Rows in fewer dimensions.
 * @param x - n x d
 * @returns n x dimension
 * @throws {DataError} PARAMETER_OUT_OF_RANGE; those of the backend; the signal's reason
 */
export async function projectRows(
	backend: Backend,
	x: Matrix<Float32Array>,
	{ dimension, seed, entries = "signs" }: RowProjectionOptions,
	control: Control = {},
): Promise<Matrix<Float32Array>> {
	checkDimension(dimension);
	const values = await multiplyDrawn(backend, x, dimension, ENTRIES[entries](generator(seed)), control);
	return scaled(values, x.rows, dimension);
}

/**
 * Gradients of examples in fewer dimensions.
 * @param control - told of blocks of a layer
 * @returns examples x dimension
 * @throws {DataError} PARAMETER_OUT_OF_RANGE, SHAPE_MISMATCH; those of the backend; the signal's reason
 */
export async function projectGradients(
	backend: Backend,
	gradients: NetworkGradients,
	{ dimension, seed }: ProjectionOptions,
	control: Control = {},
): Promise<Matrix<Float32Array>> {
	checkDimension(dimension);
	checkGradients(gradients);
	const { examples, layers } = gradients;
	const draw = splitmix64(seed);
	const sums = new Float32Array(examples * dimension);
	const blocks = blocksOf(examples, blockRows(backend, 4 * Math.max(dimension, widest(gradients))));
	for (const [l, layer] of layers.entries()) {
		const own = draw();
		const places = layer.inputs.rows / Math.max(1, examples);
		const directions = places > 1 ? undefined : directionsOf(layer, dimension, signs(generator(own)));
		for (const [b, [from, to]] of blocks.entries()) {
			await pause(control);
			const part = directions
				? await ghostOf(backend, layer, directions, from, to)
				: await multiplyDrawn(backend, writeOut(layer, places, from, to), dimension, signs(generator(own)), { signal: control.signal });
			part.forEach((value, i) => {
				sums[from * dimension + i] = (sums[from * dimension + i] as number) + value;
			});
			control.progress?.(l * blocks.length + b + 1, layers.length * blocks.length);
		}
	}
	return scaled(sums, examples, dimension);
}

/** x P, some rows of P at a time. @param entry - draws the entries of P, row by row */
async function multiplyDrawn(
	backend: Backend,
	x: Matrix<Float32Array>,
	dimension: number,
	entry: () => number,
	control: Control,
): Promise<Float32Array> {
	const rows = blocksOf(x.rows, blockRows(backend, 4 * dimension));
	const parts = blocksOf(x.columns, blockRows(backend, 4 * Math.max(dimension, rows[0]?.[1] ?? 1)));
	const sums: Tensor<"f32">[] = [];
	const result = new Float32Array(x.rows * dimension);
	try {
		for (const [p, [first, end]] of parts.entries()) {
			const numbers = new Float32Array((end - first) * dimension).map(entry);
			for (const [b, [from, to]] of rows.entries()) {
				await pause(control);
				const drawn = backend.upload("f32", numbers, end - first, dimension);
				const part = backend.upload("f32", columnsOf(x, from, to, first, end), to - from, end - first);
				const product = backend.floats.product(part, drawn);
				const sum = sums[b];
				if (sum) addTo(backend, sum, product);
				else sums.push(product);
				backend.release(part, drawn);
				control.progress?.(p * rows.length + b + 1, parts.length * rows.length);
			}
		}
		for (const [b, [from]] of rows.entries()) result.set(await backend.download(sums[b] as Tensor<"f32">), from * dimension);
	} finally {
		backend.release(...sums);
	}
	return result;
}

/** The vectors whose outer products are the directions of a layer. */
function directionsOf({ inputs, errors }: LayerGradients, dimension: number, entry: () => number): LayerGradients {
	const drawn = (columns: number) => matrix(new Float32Array(dimension * columns).map(entry), dimension, columns);
	return { inputs: drawn(inputs.columns), errors: drawn(errors.columns) };
}

/** (u . a + 1) (v . e) for some examples and all directions. */
async function ghostOf(
	backend: Backend,
	layer: LayerGradients,
	directions: LayerGradients,
	from: number,
	to: number,
): Promise<Float32Array> {
	const upload = ({ inputs, errors }: LayerGradients, start: number, end: number) => ({
		inputs: uploadRows(backend, inputs, start, end),
		errors: uploadRows(backend, errors, start, end),
	});
	const [left, right] = [upload(layer, from, to), upload(directions, 0, directions.inputs.rows)];
	const product = backend.floats.ghost(left, right);
	const values = await backend.download(product);
	backend.release(product, left.inputs, left.errors, right.inputs, right.errors);
	return values;
}

/** -1 or 1: bit by bit of each word, the highest first. */
function signs(next: Generator): () => number {
	let [word, left] = [0, 0];
	return () => {
		if (left === 0) [word, left] = [next(), 32];
		left--;
		return (word >>> left) & 1 ? 1 : -1;
	};
}

/** Normal numbers of mean 0 and variance 1. Source: Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958). */
function normal(next: Generator): () => number {
	let other: number | undefined;
	return () => {
		const ready = other;
		other = undefined;
		if (ready !== undefined) return ready;
		// In (0, 1], so that the logarithm is finite.
		const radius = Math.sqrt(-2 * Math.log((next() + 1) / 2 ** 32));
		const angle = (2 * Math.PI * next()) / 2 ** 32;
		other = radius * Math.sin(angle);
		return radius * Math.cos(angle);
	};
}

/** Rows `from` to `to` of the columns `first` to `end`. */
function columnsOf({ values, columns }: Matrix<Float32Array>, from: number, to: number, first: number, end: number): Float32Array {
	if (first === 0 && end === columns) return values.subarray(from * columns, to * columns);
	const part = new Float32Array((to - from) * (end - first));
	for (let row = from; row < to; row++) part.set(values.subarray(row * columns + first, row * columns + end), (row - from) * (end - first));
	return part;
}

function scaled(values: Float32Array, rows: number, dimension: number): Matrix<Float32Array> {
	const factor = 1 / Math.sqrt(dimension);
	return matrix(
		values.map((value) => factor * value),
		rows,
		dimension,
	);
}

function checkDimension(dimension: number): void {
	if (Number.isInteger(dimension) && dimension >= 1) return;
	throw new DataError(
		"PARAMETER_OUT_OF_RANGE",
		`projection: expected a dimension of at least 1, got ${dimension}`,
		"Choose some hundreds to thousands.",
	);
}
