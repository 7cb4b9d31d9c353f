/** Matrices that live where a backend keeps them: handles with a shape, whose values come back by `download`. */
import { DataError } from "./errors.ts";
import type { Transposed } from "./matrix.ts";

/** The typed array of each kind of element. */
export interface Arrays {
	readonly u8: Uint8Array;
	readonly i8: Int8Array;
	readonly i32: Int32Array;
	readonly f32: Float32Array;
}

/** Kinds of elements: bytes without and with sign, 32-bit integers in two's complement, IEEE single precision. */
export type Element = keyof Arrays;

/** Bytes: what exact products are made of. */
export type Byte = "u8" | "i8";

/** A matrix of a backend: rows x columns, row-major and dense, so that another shape of the same size is the same memory. */
export interface Tensor<E extends Element = Element> {
	readonly element: E;
	readonly rows: number;
	readonly columns: number;
}

/** Bytes of an element. */
export const WIDTH: Readonly<Record<Element, number>> = { u8: 1, i8: 1, i32: 4, f32: 4 };

const CONSTRUCTORS: { readonly [E in Element]: new (length: number) => Arrays[E] } = {
	u8: Uint8Array,
	i8: Int8Array,
	i32: Int32Array,
	f32: Float32Array,
};

/** Zeros. */
export function arrayOf<E extends Element>(element: E, length: number): Arrays[E] {
	return new CONSTRUCTORS[element](length);
}

/** The array over some bytes, which are not copied; its length in bytes is a multiple of the element's. */
export function viewOf<E extends Element>(element: E, buffer: ArrayBuffer, offset: number, length: number): Arrays[E] {
	const Constructor = CONSTRUCTORS[element] as unknown as new (buffer: ArrayBuffer, offset: number, length: number) => Arrays[E];
	return new Constructor(buffer, offset, length);
}

/** Says a shape in messages. */
export function shapeOf({ element, rows, columns }: Tensor): string {
	return `${rows} x ${columns} of ${element}`;
}

/**
 * Refuse values that are not a matrix of this shape.
 * @throws {DataError} SHAPE_MISMATCH
 */
export function checkValues(values: { readonly length: number }, rows: number, columns: number): void {
	const whole = [rows, columns].every((size) => Number.isInteger(size) && size >= 0);
	if (whole && values.length === rows * columns) return;
	throw new DataError(
		"SHAPE_MISMATCH",
		`upload: expected ${rows} x ${columns} values, got ${values.length}`,
		"Pass the sizes of the array.",
	);
}

/**
 * Refuse a tensor of another shape or element.
 * @param what - place and name, for the message
 * @throws {DataError} SHAPE_MISMATCH
 */
export function checkShape(what: string, tensor: Tensor, expected: Partial<Tensor>): void {
	const { element = tensor.element, rows = tensor.rows, columns = tensor.columns } = expected;
	if (tensor.element === element && tensor.rows === rows && tensor.columns === columns) return;
	throw new DataError(
		"SHAPE_MISMATCH",
		`${what}: expected ${shapeOf({ element, rows, columns })}, got ${shapeOf(tensor)}`,
		"Pass tensors of one network and one batch.",
	);
}

/** Shapes of a product A B, each factor perhaps transposed: (rows x inner) (inner x columns). */
export interface ProductShape {
	readonly rows: number;
	readonly inner: number;
	readonly columns: number;
}

/** The largest magnitude of a byte. */
export const MAGNITUDE: Readonly<Record<Byte, number>> = { u8: 255, i8: 128 };

/** The most terms of a sum of products that stays below 2^31, whatever the bytes are: 255^2, 255 times 128, or 128^2 each. */
export function mostTerms(left: Byte, right: Byte): number {
	return Math.floor((2 ** 31 - 1) / (MAGNITUDE[left] * MAGNITUDE[right]));
}

/**
 * The shape of a product.
 * @throws {DataError} SHAPE_MISMATCH if the inner sizes differ; SUM_TOO_LARGE if sums of bytes could leave 32 bits
 */
export function productShape(left: Tensor, right: Tensor, transposed: Transposed): ProductShape {
	const [rows, inner] = transposed.left ? [left.columns, left.rows] : [left.rows, left.columns];
	const [other, columns] = transposed.right ? [right.columns, right.rows] : [right.rows, right.columns];
	if (inner !== other) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`product: expected equal inner sizes, got ${inner} and ${other} (${shapeOf(left)}, ${shapeOf(right)})`,
			"Transpose a factor, or pass others.",
		);
	}
	if (isByte(left.element) && isByte(right.element)) {
		const most = mostTerms(left.element, right.element);
		if (inner > most) {
			throw new DataError(
				"SUM_TOO_LARGE",
				`product: expected at most ${most} terms of ${left.element} times ${right.element} in a sum, got ${inner}`,
				"Split the product and add its parts.",
			);
		}
	}
	return { rows, inner, columns };
}

/** Whether elements are bytes. */
export function isByte(element: Element): element is Byte {
	return element === "u8" || element === "i8";
}

/** Refuse a row that a tensor does not have. @throws {DataError} SHAPE_MISMATCH */
export function checkRow(row: number, tensor: Tensor): void {
	if (row < tensor.rows) return;
	throw new DataError("SHAPE_MISMATCH", `gather: expected rows below ${tensor.rows}, got ${row}`, "Draw rows of this tensor.");
}

/** Refuse a shape of another size. @throws {DataError} SHAPE_MISMATCH */
export function checkReshape(tensor: Tensor, rows: number, columns: number): void {
	if (Number.isInteger(rows) && Number.isInteger(columns) && rows * columns === tensor.rows * tensor.columns) return;
	throw new DataError(
		"SHAPE_MISMATCH",
		`reshape: expected a shape of ${tensor.rows * tensor.columns} values, got ${rows} x ${columns}`,
		"Keep the number of values.",
	);
}
