/**
 * Cholesky factors and triangular systems in blocks of BLOCK columns: a block on the diagonal is done one number at a time and inverted,
 * and everything else is a matrix product (float-product.ts).
 * Source: Golub and Van Loan, "Matrix Computations", 4.2.9 (block Cholesky) and 3.1.4 (multiple right-hand sides).
 */

import { accumulate, PACKED_SLACK, type Placed, type PlacedProduct } from "./float-product.ts";
import { DOUBLE_KERNELS } from "./product-kernels.ts";
import { Workspace, workspace } from "./workspace.ts";

const BLOCK = 64;
const SIZE = 8;
/** Rows that are updated together. */
const BAND = 128;
/** Right-hand sides that are solved together. */
const SIDES = 1024;
/** Bytes of the largest matrix for which the shared memory grows: it does not shrink. */
const KEPT = 2 ** 28;

/** Told of the first pivot that is not above 0. */
export type Refuse = (pivot: number, value: number) => never;

/**
 * The lower factor of A + ridge I.
 * @param a - d x d, its lower triangle
 * @returns L, d x d, zero above the diagonal
 */
export function factorBlocks(a: Float64Array, d: number, ridge: number, refuse: Refuse): Float64Array {
	const space = spaceFor(d);
	const stride = paddedTo4(d);
	const [start, inverse] = [space.allocate(d * stride * SIZE), space.allocate(BLOCK * BLOCK * SIZE)];
	const [column, packed] = [space.allocate(d * BLOCK * SIZE), space.allocate(paddedTo4(d) * BLOCK * SIZE + PACKED_SLACK)];
	const l = space.doubles(start, d * stride);
	const at = (row: number, from: number): Placed => ({ address: start + (row * stride + from) * SIZE, stride: stride * SIZE });
	for (let i = 0; i < d; i++) {
		l.set(a.subarray(i * d, i * d + i + 1), i * stride);
		(l[i * stride + i] as number) += ridge;
	}
	const run = productsIn(space, packed);
	for (let j = 0; j < d; j += BLOCK) {
		const width = Math.min(BLOCK, d - j);
		factorInPlace(l, j * stride + j, stride, width, (pivot, value) => refuse(j + pivot, value));
		const below = j + width;
		const rows = d - below;
		if (rows === 0) break;
		// The column of blocks below is A L^-T.
		space.doubles(inverse, width * width).set(inverseOf(l, j * stride + j, stride, width));
		const panel = { address: column, stride: BLOCK * SIZE };
		const block = { address: inverse, stride: width * SIZE };
		run({ left: at(below, j), right: transposed(block), result: panel, rows, columns: width, inner: width, fresh: true });
		const values = space.doubles(column, rows * BLOCK);
		for (let i = 0; i < rows; i++) {
			l.set(values.subarray(i * BLOCK, i * BLOCK + width), (below + i) * stride + j);
			for (let c = 0; c < width; c++) values[i * BLOCK + c] = -(values[i * BLOCK + c] as number);
		}
		// What is right of it loses the product of that column with itself.
		for (let i = 0; i < rows; i += BAND) {
			const height = Math.min(BAND, rows - i);
			run({
				left: at(below + i, j),
				right: transposed(panel),
				result: at(below + i, below),
				rows: height,
				columns: i + height,
				inner: width,
				fresh: false,
			});
		}
	}
	const lower = new Float64Array(d * d);
	for (let i = 0; i < d; i++) lower.set(l.subarray(i * stride, i * stride + i + 1), i * d);
	return lower;
}

/**
 * The solution X of L L^T X = Y.
 * @param lower - L, d x d
 * @param y - d x k
 */
export function solveBlocks(lower: Float64Array, d: number, y: Float64Array, k: number): Float64Array {
	const space = spaceFor(d);
	const width = Math.min(k, SIDES);
	const sides = paddedTo4(width);
	const minus = space.allocate(d * d * SIZE);
	const inverses = space.allocate(Math.ceil(d / BLOCK) * BLOCK * BLOCK * SIZE);
	const [start, block] = [space.allocate(d * sides * SIZE), space.allocate(BLOCK * sides * SIZE)];
	const packed = space.allocate(d * sides * SIZE + PACKED_SLACK);
	const negated = space.doubles(minus, d * d);
	for (let i = 0; i < d; i++) for (let l = 0; l <= i; l++) negated[i * d + l] = -(lower[i * d + l] as number);
	const starts = Array.from({ length: Math.ceil(d / BLOCK) }, (_, b) => b * BLOCK);
	for (const j of starts) {
		const size = Math.min(BLOCK, d - j);
		space.doubles(inverses + j * BLOCK * SIZE, size * size).set(inverseOf(lower, j * d + j, d, size));
	}
	const run = productsIn(space, packed);
	const at = (row: number, column: number): Placed => ({ address: minus + (row * d + column) * SIZE, stride: d * SIZE });
	const rowsOf = (row: number): Placed => ({ address: start + row * sides * SIZE, stride: sides * SIZE });
	const x = space.doubles(start, d * sides);
	const result = new Float64Array(d * k);
	for (let first = 0; first < k; first += width) {
		const columns = Math.min(width, k - first);
		for (let i = 0; i < d; i++) x.set(y.subarray(i * k + first, i * k + first + columns), i * sides);
		const divide = (j: number, size: number, isTransposed: boolean) => {
			const left = { address: inverses + j * BLOCK * SIZE, stride: size * SIZE, transposed: isTransposed };
			run({ left, right: rowsOf(j), result: { address: block, stride: sides * SIZE }, rows: size, columns, inner: size, fresh: true });
			x.set(space.doubles(block, size * sides), j * sides);
		};
		for (const j of starts) {
			const size = Math.min(BLOCK, d - j);
			if (j > 0) run({ left: at(j, 0), right: rowsOf(0), result: rowsOf(j), rows: size, columns, inner: j, fresh: false });
			divide(j, size, false);
		}
		for (const j of starts.toReversed()) {
			const size = Math.min(BLOCK, d - j);
			const below = j + size;
			const left = transposed(at(below, j));
			if (below < d) run({ left, right: rowsOf(below), result: rowsOf(j), rows: size, columns, inner: d - below, fresh: false });
			divide(j, size, true);
		}
		for (let i = 0; i < d; i++) result.set(x.subarray(i * sides, i * sides + columns), i * k + first);
	}
	return result;
}

/**
 * The lower factor of a square in a larger matrix, in place and one number at a time; what is above the diagonal stays.
 * @param start - index of its first value
 * @param stride - values from a row to the next
 */
export function factorInPlace(l: Float64Array, start: number, stride: number, size: number, refuse: Refuse): void {
	for (let i = 0; i < size; i++) {
		const row = start + i * stride;
		for (let j = 0; j <= i; j++) {
			const other = start + j * stride;
			let sum = l[row + j] as number;
			for (let q = 0; q < j; q++) sum -= (l[row + q] as number) * (l[other + q] as number);
			if (i === j && !(sum > 0)) refuse(i, sum);
			l[row + j] = i === j ? Math.sqrt(sum) : sum / (l[other + j] as number);
		}
	}
}

/** The inverse of the lower triangle of a square in a larger matrix, size x size. */
function inverseOf(l: Float64Array, start: number, stride: number, size: number): Float64Array {
	const inverse = new Float64Array(size * size);
	for (let i = 0; i < size; i++) {
		const row = start + i * stride;
		const pivot = l[row + i] as number;
		for (let q = 0; q < i; q++) {
			const factor = (l[row + q] as number) / pivot;
			for (let c = 0; c <= q; c++) (inverse[i * size + c] as number) -= factor * (inverse[q * size + c] as number);
		}
		inverse[i * size + i] = 1 / pivot;
	}
	return inverse;
}

type Product = Omit<PlacedProduct, "packed" | "size" | "left" | "right"> & {
	readonly left: Placed & { readonly transposed?: boolean };
	readonly right: Placed & { readonly transposed?: boolean };
};

function productsIn(space: Workspace, packed: number): (product: Product) => void {
	const kernels = space.kernels(DOUBLE_KERNELS);
	return ({ left, right, ...rest }) =>
		accumulate(kernels, { ...rest, left: { transposed: false, ...left }, right: { transposed: false, ...right }, packed, size: SIZE });
}

function transposed(placed: Placed): Placed & { readonly transposed: boolean } {
	return { ...placed, transposed: true };
}

function spaceFor(d: number): Workspace {
	if (d * d * SIZE > KEPT) return new Workspace();
	workspace.clear();
	return workspace;
}

function paddedTo4(count: number): number {
	return 4 * Math.ceil(count / 4);
}
