/**
 * A backend whose tensors are typed arrays of this process. The heavy kernels are given; all others are those of integers.ts and floats.ts.
 */
import type { Rows } from "../../circuits/statistics.ts";
import type { Adapter, Backend, BackendName, FloatKernels, IntegerKernels, Limits } from "../backend.ts";
import { DataError } from "../errors.ts";
import { imagesOf, patchesOf } from "../geometry.ts";
import { matrix, multiplyPlain, type Transposed } from "../matrix.ts";
import { momentsOf } from "../moments.ts";
import type { ByteMatrix, Neighbours } from "../neighbours.ts";
import type { Statistics } from "../statistics.ts";
import {
	type Arrays,
	arrayOf,
	type Byte,
	checkReshape,
	checkRow,
	checkShape,
	checkValues,
	type Element,
	type ProductShape,
	productShape,
	type Tensor,
	WIDTH,
} from "../tensor.ts";
import * as floats from "./floats.ts";
import * as integers from "./integers.ts";

/** The kernels that are worth an executor of their own. */
export interface HeavyKernels {
	integerProduct(left: Arrays[Byte], right: Arrays[Byte], shape: ProductShape, transposed: Transposed): Int32Array;
	floatProduct(left: Float32Array, right: Float32Array, shape: ProductShape, transposed: Transposed): Float32Array;
	statistics(rows: Rows, d: number, k: number, signal: AbortSignal | undefined): Promise<Statistics>;
	nearest(train: ByteMatrix, test: ByteMatrix, count: number, signal: AbortSignal | undefined): Promise<Neighbours>;
	close(): Promise<void>;
}

export const HOST_LIMITS: Limits = { rowBytes: 2 ** 31, features: 2 ** 13, tensorBytes: 2 ** 31 };

/** The product of floats by its definition. */
export function plainFloatProduct(left: Float32Array, right: Float32Array, shape: ProductShape, transposed: Transposed): Float32Array {
	const { rows, inner, columns } = shape;
	const a = transposed.left ? matrix(left, inner, rows) : matrix(left, rows, inner);
	const b = transposed.right ? matrix(right, columns, inner) : matrix(right, inner, columns);
	return multiplyPlain(a, b, transposed).values;
}

/** A backend over typed arrays. */
export function openHost(name: BackendName, adapter: Adapter, heavy: HeavyKernels): Backend {
	const owned = new WeakMap<Tensor, Arrays[Element]>();
	let open = true;
	const alive = () => {
		if (!open) throw new DataError("BACKEND_CLOSED", `${name}: the backend is closed`, "Open a new one.");
	};
	const checkBytes = (element: Element, rows: number, columns: number) => {
		const bytes = rows * columns * WIDTH[element];
		if (bytes > HOST_LIMITS.tensorBytes) {
			throw new DataError(
				"TENSOR_TOO_LARGE",
				`${name}: expected a tensor of at most ${HOST_LIMITS.tensorBytes} bytes, got ${bytes} (${rows} x ${columns} of ${element})`,
				"Work on fewer rows at once.",
			);
		}
	};
	const make = <E extends Element>(element: E, values: Arrays[E], rows: number, columns: number): Tensor<E> => {
		checkBytes(element, rows, columns);
		const tensor: Tensor<E> = { element, rows, columns };
		owned.set(tensor, values);
		return tensor;
	};
	const valuesOf = <E extends Element>(tensor: Tensor<E>): Arrays[E] => {
		alive();
		const values = owned.get(tensor);
		if (values) return values as Arrays[E];
		throw new DataError(
			"TENSOR_UNKNOWN",
			`${name}: expected a tensor of this backend that is not released, got another`,
			"Upload the values to this backend, and release a tensor when nothing uses it any more.",
		);
	};
	const like = <E extends Element>(tensor: Tensor<E>, values: Arrays[E]) => make(tensor.element, values, tensor.rows, tensor.columns);

	const integerKernels: IntegerKernels = {
		product(left, right, transposed = {}) {
			const shape = productShape(left, right, transposed);
			return make("i32", heavy.integerProduct(valuesOf(left), valuesOf(right), shape, transposed), shape.rows, shape.columns);
		},
		requantise(z, bias, shift, { element, low, high }) {
			if (bias) checkShape("requantise: bias", bias, { rows: 1, columns: z.columns });
			const result = arrayOf<Element>(element, z.rows * z.columns) as Int8Array | Uint8Array | Int32Array;
			integers.requantise(valuesOf(z), bias && valuesOf(bias), shift, [low, high], result);
			return make<Element>(element, result, z.rows, z.columns) as never;
		},
		softmaxErrors(logits, bias, shift, labels) {
			if (bias) checkShape("softmaxErrors: bias", bias, { rows: 1, columns: logits.columns });
			checkShape("softmaxErrors: labels", labels, { rows: logits.rows, columns: 1 });
			const errors = integers.softmaxErrors(valuesOf(logits), bias && valuesOf(bias), shift, valuesOf(labels));
			return make("i8", errors, logits.rows, logits.columns);
		},
		normalise(z, mask) {
			if (mask) checkShape("normalise: mask", mask, { rows: z.rows, columns: z.columns });
			const { values, exponent } = integers.normalise(valuesOf(z), mask && valuesOf(mask));
			return { values: make("i8", values, z.rows, z.columns), exponent: make("i32", Int32Array.of(exponent), 1, 1) };
		},
		columnSums: (values) => make("i32", integers.columnSums(valuesOf(values), values.columns), 1, values.columns),
		step({ master, velocity }, gradient, exponents, rule) {
			checkShape("step: velocity", velocity, master);
			checkShape("step: gradient", gradient, master);
			const exponent = exponents.reduce((sum, one) => sum + (valuesOf(one)[0] as number), 0);
			integers.step(valuesOf(master), valuesOf(velocity), valuesOf(gradient), exponent, rule);
		},
		patches(images, geometry) {
			const { places, values } = patchesOf(geometry);
			checkShape("patches", images, { columns: geometry.height * geometry.width * geometry.channels });
			const result = integers.patches(valuesOf(images), images.rows, geometry);
			return make<Element>(images.element, result, images.rows * places, values) as never;
		},
		unpatches(patches, geometry) {
			const images = imagesOf(patches, geometry);
			return make("i32", integers.unpatches(valuesOf(patches), images.rows, geometry), images.rows, images.columns);
		},
	};

	const floatKernels: FloatKernels = {
		product(left, right, transposed = {}) {
			const shape = productShape(left, right, transposed);
			return make("f32", heavy.floatProduct(valuesOf(left), valuesOf(right), shape, transposed), shape.rows, shape.columns);
		},
		affine(z, bias, relu) {
			checkShape("affine: bias", bias, { rows: 1, columns: z.columns });
			return like(z, floats.affine(valuesOf(z), valuesOf(bias), relu));
		},
		mask(values, by) {
			checkShape("mask", by, values);
			return like(values, floats.mask(valuesOf(values), valuesOf(by)));
		},
		columnSums: (values) => make("f32", floats.columnSums(valuesOf(values), values.columns), 1, values.columns),
		crossEntropy: (logits, labels) => lossesOf(logits, labels, floats.crossEntropy),
		squaredLoss: (logits, labels) => lossesOf(logits, labels, floats.squaredLoss),
		softmaxTangent(logits, direction) {
			checkShape("softmaxTangent: direction", direction, logits);
			return like(logits, floats.softmaxTangent(valuesOf(logits), valuesOf(direction), logits.columns));
		},
		step({ values, first, second }, gradient, scale, rule) {
			checkShape("step: gradient", gradient, values);
			const moments = momentsOf({ values, first, second }, rule.kind).map(valuesOf);
			floats.step(valuesOf(values), moments, valuesOf(gradient), scale, rule);
		},
		ghost(left, right) {
			checkShape("ghost: errors", left.errors, { rows: left.inputs.rows });
			checkShape("ghost: errors", right.errors, { rows: right.inputs.rows });
			const inputs = floatKernels.product(left.inputs, right.inputs, { right: true });
			const errors = floatKernels.product(left.errors, right.errors, { right: true });
			return like(inputs, floats.ghost(valuesOf(inputs), valuesOf(errors)));
		},
		patches(images, geometry) {
			const { places, values } = patchesOf(geometry);
			checkShape("patches", images, { columns: geometry.height * geometry.width * geometry.channels });
			return make("f32", integers.patches(valuesOf(images), images.rows, geometry), images.rows * places, values);
		},
		unpatches(patches, geometry) {
			const images = imagesOf(patches, geometry);
			return make("f32", integers.unpatches(valuesOf(patches), images.rows, geometry), images.rows, images.columns);
		},
	};

	function lossesOf(logits: Tensor<"f32">, labels: Tensor<"u8">, kernel: typeof floats.crossEntropy) {
		checkShape("loss: labels", labels, { rows: logits.rows, columns: 1 });
		const { losses, errors } = kernel(valuesOf(logits), valuesOf(labels));
		return { losses: make("f32", losses, logits.rows, 1), errors: like(logits, errors) };
	}

	return {
		name,
		adapter,
		limits: HOST_LIMITS,
		integers: integerKernels,
		floats: floatKernels,
		upload(element, values, rows, columns) {
			alive();
			checkValues(values, rows, columns);
			checkBytes(element, rows, columns);
			// Not `slice`: that of a Buffer copies nothing.
			const copy = arrayOf(element, values.length);
			copy.set(values);
			return make(element, copy, rows, columns);
		},
		async download(tensor) {
			return valuesOf(tensor).slice() as Arrays[typeof tensor.element];
		},
		gather(tensor, rows) {
			const { columns, element } = tensor;
			const from = valuesOf(tensor);
			const values = arrayOf(element, rows.length * columns);
			rows.forEach((row, i) => {
				checkRow(row, tensor);
				values.set(from.subarray(row * columns, (row + 1) * columns), i * columns);
			});
			return make(element, values, rows.length, columns);
		},
		reshape(tensor, rows, columns) {
			checkReshape(tensor, rows, columns);
			return make(tensor.element, valuesOf(tensor), rows, columns);
		},
		release(...tensors) {
			for (const tensor of tensors) owned.delete(tensor);
		},
		async statistics(rows, d, k, signal) {
			alive();
			signal?.throwIfAborted();
			return heavy.statistics(rows, d, k, signal);
		},
		async nearest(train, test, count, signal) {
			alive();
			signal?.throwIfAborted();
			return heavy.nearest(train, test, count, signal);
		},
		async close() {
			if (open) await heavy.close();
			open = false;
		},
	};
}
