/**
 * Inner products of the gradients of examples in a whole network, on a backend. The gradient of example i in a dense layer is the outer
 * product of what the layer was given, with a 1 for the bias, and of its error, so it need not be written out:
 *
 *     <g_i, g_j> = sum over layers of (a_i . a_j + 1) (e_i . e_j)
 *
 * In a convolution it is a sum of such products over places, of few numbers; it is written out. Source: Goodfellow, "Efficient Per-Example
 * Gradient Computations" (2015); Bu et al., "Scalable and Efficient Training of Large Convolutional Neural Networks with Differential
 * Privacy" (2022) for when to write out.
 */
import type { Backend, GhostFactors } from "./backend.ts";
import { addTo, blockRows, blocksOf, type Control, pause, uploadRows } from "./blocks.ts";
import { DataError } from "./errors.ts";
import { type Matrix, matrix, multiply } from "./matrix.ts";
import type { Tensor } from "./tensor.ts";
import type { LayerGradients } from "./training/network.ts";

/** The gradients of some examples by their factors. */
export interface NetworkGradients {
	readonly examples: number;
	/** Factors of (examples places) x inputs and x outputs; a dense layer has one place. */
	readonly layers: readonly LayerGradients[];
}

/**
 * Inner products of every gradient on the left with every one on the right, examples x examples.
 * @throws {DataError} SHAPE_MISMATCH; those of the backend; the signal's reason
 */
export async function networkGhost(
	backend: Backend,
	left: NetworkGradients,
	right: NetworkGradients,
	control: Control = {},
): Promise<Matrix<Float32Array>> {
	checkGradients(left);
	checkGradients(right);
	const shape = ({ layers }: NetworkGradients) => layers.map(({ inputs, errors }) => `${inputs.columns} x ${errors.columns}`).join(", ");
	if (shape(left) !== shape(right)) throw mismatch(`expected layers of ${shape(left)}, got ${shape(right)}`);
	const result = new Float32Array(left.examples * right.examples);
	const row = 4 * Math.max(widest(left), widest(right));
	// A block on both sides, whose products are a tensor as well.
	const size = Math.min(blockRows(backend, row), Math.floor(Math.sqrt(blockRows(backend, 4))));
	const [lefts, rights] = [blocksOf(left.examples, size), blocksOf(right.examples, size)];
	for (const [i, [from, to]] of lefts.entries()) {
		const one = upload(backend, left, from, to);
		try {
			for (const [j, [start, end]] of rights.entries()) {
				await pause(control);
				const other = upload(backend, right, start, end);
				const product = products(backend, one, other);
				const values = await backend.download(product);
				backend.release(product, ...other.flatMap((layer) => Object.values(layer)));
				for (let r = from; r < to; r++) {
					const at = (r - from) * (end - start);
					result.set(values.subarray(at, at + end - start), r * right.examples + start);
				}
				control.progress?.(i * rights.length + j + 1, lefts.length * rights.length);
			}
		} finally {
			backend.release(...one.flatMap((layer) => Object.values(layer)));
		}
	}
	return matrix(result, left.examples, right.examples);
}

/** A layer's gradients on a backend: factors, or written out. */
type Open = GhostFactors | { readonly written: Tensor<"f32"> };

function upload(backend: Backend, gradients: NetworkGradients, from: number, to: number): Open[] {
	return gradients.layers.map((layer): Open => {
		const places = layer.inputs.rows / gradients.examples;
		if (places === 1) return { inputs: uploadRows(backend, layer.inputs, from, to), errors: uploadRows(backend, layer.errors, from, to) };
		const written = writeOut(layer, places, from, to);
		return { written: uploadRows(backend, written, 0, written.rows) };
	});
}

function products(backend: Backend, one: readonly Open[], other: readonly Open[]): Tensor<"f32"> {
	const [first, ...more] = one.map((left, l) => {
		const right = other[l] as Open;
		return "written" in left
			? backend.floats.product(left.written, (right as { written: Tensor<"f32"> }).written, { right: true })
			: backend.floats.ghost(left, right as GhostFactors);
	}) as [Tensor<"f32">, ...Tensor<"f32">[]];
	for (const layer of more) addTo(backend, first, layer);
	return first;
}

/** The gradients of some examples in a layer of several places: one per row, weights (row-major) and then bias. */
export function writeOut({ inputs, errors }: LayerGradients, places: number, from: number, to: number): Matrix<Float32Array> {
	const [a, e] = [inputs.columns, errors.columns];
	const size = (a + 1) * e;
	const values = new Float32Array((to - from) * size);
	for (let i = from; i < to; i++) {
		const own = matrix(inputs.values.subarray(i * places * a, (i + 1) * places * a), places, a);
		const other = matrix(errors.values.subarray(i * places * e, (i + 1) * places * e), places, e);
		values.set(multiply(own, other, { left: true }).values, (i - from) * size);
		const bias = values.subarray((i - from + 1) * size - e, (i - from + 1) * size);
		for (let at = 0; at < other.values.length; at++) bias[at % e] = (bias[at % e] as number) + (other.values[at] as number);
	}
	return matrix(values, to - from, size);
}

/** Numbers of the widest row. */
export function widest({ examples, layers }: NetworkGradients): number {
	const widths = layers.map(({ inputs, errors }) =>
		inputs.rows === examples ? Math.max(inputs.columns, errors.columns) : (inputs.columns + 1) * errors.columns,
	);
	return Math.max(1, ...widths);
}

/** @throws {DataError} SHAPE_MISMATCH */
export function checkGradients({ examples, layers }: NetworkGradients): void {
	if (layers.length === 0) throw mismatch("expected at least one layer, got none");
	layers.forEach(({ inputs, errors }, l) => {
		if (inputs.rows === errors.rows && (examples === 0 ? inputs.rows === 0 : inputs.rows > 0 && inputs.rows % examples === 0)) return;
		throw mismatch(
			`layer ${l}: expected factors of ${examples} examples, or a multiple for places, got ${inputs.rows} and ${errors.rows} rows`,
		);
	});
}

function mismatch(message: string): DataError {
	return new DataError(
		"SHAPE_MISMATCH",
		`gradients: ${message}`,
		"Take both gradients from the same network, all layers of the same examples.",
	);
}
