/**
 * Inner products of gradients that are never written out ("ghost" products). The gradient of example i in a layer is the outer product of
 * what the layer was given, with a 1 for the bias, and of its error; so
 *
 *     <g_i, g_j> = sum over layers of (a_i . a_j + 1) (e_i . e_j)
 *
 * and for all pairs each factor is one matrix product. Source: Goodfellow, "Efficient Per-Example Gradient Computations" (2015).
 */
import { DataError } from "../../compute/errors.ts";
import { type Matrix, matrix, multiply } from "../../compute/matrix.ts";
import type { LayerGradients } from "../../compute/training/network.ts";
import type { Control } from "../method.ts";

/** Rows of the left side that are multiplied at once. */
const BLOCK = 512;

/**
 * Inner products of every gradient on the left with every one on the right. Layers that were given the very same inputs (the first layer
 * of networks on the same rows) share the product of them: their errors are put side by side. So the gradients of several networks may be
 * passed as one list, and their inner products are summed.
 * @param left - for each layer n x inputs and n x outputs
 * @param right - the same layers, m rows
 * @returns n x m
 * @throws {DataError} SHAPE_MISMATCH; the signal's reason
 */
export async function ghostProducts(
	left: readonly LayerGradients[],
	right: readonly LayerGradients[],
	control: Control = {},
): Promise<Matrix<Float32Array>> {
	checkLayers(left, right);
	const groups = sameInputs(left, right);
	const n = left[0]?.inputs.rows ?? 0;
	const m = right[0]?.inputs.rows ?? 0;
	const result = new Float32Array(n * m);
	for (let start = 0; start < n; start += BLOCK) {
		await pause(control);
		const end = Math.min(start + BLOCK, n);
		const target = result.subarray(start * m, end * m);
		for (const { one, other } of groups) {
			const inputs = multiply(rowRange(one.inputs, start, end), other.inputs, { right: true }).values;
			const errors = multiply(rowRange(one.errors, start, end), other.errors, { right: true }).values;
			for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + ((inputs[i] as number) + 1) * (errors[i] as number);
		}
		control.progress?.(end, n);
	}
	return matrix(result, n, m);
}

/** Rows start to end of a matrix, in the same memory. */
export function rowRange({ values, columns }: Matrix<Float32Array>, start: number, end: number): Matrix<Float32Array> {
	return { values: values.subarray(start * columns, end * columns), rows: end - start, columns };
}

/** Lets others run, and ends if the signal says so. */
export async function pause({ signal }: Control): Promise<void> {
	await new Promise(setImmediate);
	signal?.throwIfAborted();
}

/** The squared norm of each row's gradient. */
export function squaredNorms(layers: readonly LayerGradients[]): Float64Array {
	const square = ({ values, columns }: Matrix<Float32Array>, row: number) =>
		values.subarray(row * columns, (row + 1) * columns).reduce((sum, value) => sum + value * value, 0);
	return Float64Array.from({ length: layers[0]?.inputs.rows ?? 0 }, (_, row) =>
		layers.reduce((sum, { inputs, errors }) => sum + (square(inputs, row) + 1) * square(errors, row), 0),
	);
}

/** The same gradients with those of row i multiplied by factors[i]. */
export function scaleRows(layers: readonly LayerGradients[], factors: ArrayLike<number>): LayerGradients[] {
	return layers.map(({ inputs, errors }) => {
		const values = errors.values.slice();
		for (let at = 0; at < values.length; at++) values[at] = (values[at] as number) * (factors[Math.floor(at / errors.columns)] as number);
		return { inputs, errors: { ...errors, values } };
	});
}

function checkLayers(left: readonly LayerGradients[], right: readonly LayerGradients[]): void {
	const shape = (layers: readonly LayerGradients[]) =>
		layers.map(({ inputs, errors }) => `${inputs.columns} x ${errors.columns}`).join(", ");
	if (shape(left) === shape(right)) return;
	throw new DataError(
		"SHAPE_MISMATCH",
		`ghostProducts: expected layers of ${shape(left)}, got ${shape(right)}`,
		"Take both gradients from the same networks.",
	);
}

interface Group {
	readonly one: LayerGradients;
	readonly other: LayerGradients;
}

function sameInputs(left: readonly LayerGradients[], right: readonly LayerGradients[]): Group[] {
	const groups: { left: LayerGradients[]; right: LayerGradients[] }[] = [];
	left.forEach((layer, l) => {
		const partner = right[l] as LayerGradients;
		const group = groups.find((one) => one.left[0]?.inputs === layer.inputs && one.right[0]?.inputs === partner.inputs);
		if (group) {
			group.left.push(layer);
			group.right.push(partner);
		} else groups.push({ left: [layer], right: [partner] });
	});
	return groups.map((group) => ({ one: sideBySide(group.left), other: sideBySide(group.right) }));
}

function sideBySide(layers: readonly LayerGradients[]): LayerGradients {
	const [first] = layers as [LayerGradients];
	if (layers.length === 1) return first;
	const rows = first.inputs.rows;
	const columns = layers.reduce((sum, { errors }) => sum + errors.columns, 0);
	const values = new Float32Array(rows * columns);
	let offset = 0;
	for (const { errors } of layers) {
		for (let i = 0; i < rows; i++) values.set(errors.values.subarray(i * errors.columns, (i + 1) * errors.columns), i * columns + offset);
		offset += errors.columns;
	}
	return { inputs: first.inputs, errors: matrix(values, rows, columns) };
}
