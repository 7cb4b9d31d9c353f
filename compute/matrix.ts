/** Dense matrices in floating point, row-major, and their products. */
import { DataError } from "./errors.ts";
import { floatProduct } from "./wasm/float-product.ts";

export type Floats = Float32Array | Float64Array;

export interface Matrix<T extends Floats = Floats> {
	/** rows x columns values, row-major. */
	readonly values: T;
	readonly rows: number;
	readonly columns: number;
}

/** Which factors of a product are taken transposed; none by default. */
export interface Transposed {
	readonly left?: boolean;
	readonly right?: boolean;
}

/**
 * A matrix over values.
 * @param values - rows x columns finite numbers, kept and not copied
 * @throws {DataError} SHAPE_MISMATCH
 */
export function matrix<T extends Floats>(values: T, rows: number, columns: number): Matrix<T> {
	if (values.length === rows * columns) return { values, rows, columns };
	throw new DataError(
		"SHAPE_MISMATCH",
		`matrix: expected ${rows} x ${columns} values, got ${values.length}`,
		"Pass the sizes of the array.",
	);
}

/** Products of fewer multiplications than this are done before operands are copied to where kernels find them. */
const SMALL = 1000;

/**
 * The product A B, or with A or B transposed. Both hold the same kind of floats, and so does the product.
 * Sums are rounded to that kind as they grow, in an order that depends on the sizes alone: the same operands give the same bits.
 * @throws {DataError} SHAPE_MISMATCH if the inner sizes differ
 */
export function multiply<T extends Floats>(left: Matrix<T>, right: Matrix<T>, transposed: Transposed = {}): Matrix<T> {
	const [m, p] = transposed.left ? [left.columns, left.rows] : [left.rows, left.columns];
	const [inner, n] = transposed.right ? [right.columns, right.rows] : [right.rows, right.columns];
	if (p !== inner) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`multiply: expected equal inner sizes, got ${p} and ${inner}`,
			"Transpose a factor, or pass others.",
		);
	}
	return m * n * p < SMALL ? multiplyPlain(left, right, transposed) : floatProduct(left, right, transposed);
}

/** The same by the definition, for small products and to hold the fast one against; the inner sizes agree. */
export function multiplyPlain<T extends Floats>(left: Matrix<T>, right: Matrix<T>, transposed: Transposed = {}): Matrix<T> {
	const [m, p] = transposed.left ? [left.columns, left.rows] : [left.rows, left.columns];
	const n = transposed.right ? right.rows : right.columns;
	const values = new (left.values.constructor as new (length: number) => T)(m * n);
	const [a, b] = [left.values, right.values];
	const [rowStep, innerStep] = transposed.left ? [1, m] : [p, 1];
	for (let i = 0; i < m; i++) {
		for (let j = 0; j < n; j++) {
			let sum = 0;
			for (let l = 0; l < p; l++) {
				sum += (a[i * rowStep + l * innerStep] as number) * (b[transposed.right ? j * p + l : l * n + j] as number);
			}
			values[i * n + j] = sum;
		}
	}
	return { values, rows: m, columns: n };
}
