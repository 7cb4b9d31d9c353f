/**
 * Products of matrices of floats by the kernels of product-kernels.ts: operands are copied into the workspace in blocks, B is packed, and
 * blocks of the result are copied out. The order of the sums depends on the sizes alone, so the same operands give the same bits.
 */
import type { Floats, Matrix, Transposed } from "../matrix.ts";
import { DOUBLE_KERNELS, type ProductKernel, SINGLE_KERNELS } from "./product-kernels.ts";
import { type Kernels, workspace } from "./workspace.ts";

/** Inner indices per pass: one panel of B (16 KB) stays in the first cache beside the rows of A. */
const INNER = 512;
/** Bytes of the panels that stay in the second cache while all rows of A go by. */
const PANELS = 2 ** 19;
/** The most floats of a block of A, of B or of C. */
const BLOCK = 2 ** 22;
/** The most inner indices of a block. */
const DEPTH = 4096;
/** Bytes that packing may write past the last panel. */
export const PACKED_SLACK = 128;

/** A rectangle of a matrix. */
interface Block {
	readonly row: number;
	readonly rows: number;
	readonly column: number;
	readonly columns: number;
}

/** The product of matrices whose inner sizes agree, see `multiply` in matrix.ts. */
export function floatProduct<T extends Floats>(left: Matrix<T>, right: Matrix<T>, transposed: Transposed): Matrix<T> {
	const rows = transposed.left ? left.columns : left.rows;
	const columns = transposed.right ? right.rows : right.columns;
	const values = new (left.values.constructor as new (length: number) => T)(rows * columns);
	floatProductRows(left, right, transposed, [0, rows], values);
	return { values, rows, columns };
}

/** Some rows of the product, written to their places in `values`; the same bits as those of the whole product. */
export function floatProductRows<T extends Floats>(
	left: Matrix<T>,
	right: Matrix<T>,
	{ left: tl = false, right: tr = false }: Transposed,
	[first, last]: readonly [number, number],
	values: T,
): void {
	const depth = tl ? left.rows : left.columns;
	const n = tr ? right.rows : right.columns;
	const size = left.values.BYTES_PER_ELEMENT;
	const lanes = 32 / size;
	const kernels = workspace.kernels(size === 4 ? SINGLE_KERNELS : DOUBLE_KERNELS);
	const deep = Math.min(depth, DEPTH);
	const wide = Math.min(n, Math.max(lanes, Math.floor(BLOCK / Math.max(deep, 1024) / lanes) * lanes));
	const high = Math.min(last - first, Math.max(1, Math.floor(BLOCK / Math.max(deep, wide))));
	workspace.clear();
	const panels = Math.ceil(wide / lanes);
	const a = workspace.allocate((high + lanes) * deep * size);
	const b = workspace.allocate(panels * lanes * deep * size);
	const packed = workspace.allocate(panels * 32 * deep + PACKED_SLACK);
	const c = workspace.allocate(high * panels * 32);
	for (let j = 0; j < n; j += wide) {
		const columns = Math.min(wide, n - j);
		for (let i = first; i < last; i += high) {
			const rows = Math.min(high, last - i);
			for (let l = 0; l < depth; l += deep) {
				const inner = Math.min(deep, depth - l);
				const aStride = tl ? unaliased(rows, size) : inner;
				const bStride = tr ? inner : columns;
				copyIn(left, tl ? { row: l, rows: inner, column: i, columns: rows } : { row: i, rows, column: l, columns: inner }, a, aStride);
				copyIn(right, tr ? { row: j, rows: columns, column: l, columns: inner } : { row: l, rows: inner, column: j, columns }, b, bStride);
				accumulate(kernels, {
					left: { address: a, stride: aStride * size, transposed: tl },
					right: { address: b, stride: bStride * size, transposed: tr },
					packed,
					result: { address: c, stride: Math.ceil(columns / lanes) * 32 },
					rows,
					columns,
					inner,
					size,
					fresh: l === 0,
				});
			}
			copyOut(kernels, values, n, { row: i, rows, column: j, columns }, c, Math.ceil(columns / lanes) * 32);
		}
	}
}

/** A matrix in the workspace, with the bytes from a row to the next. */
export interface Placed {
	readonly address: number;
	readonly stride: number;
}

/** A product of matrices in the workspace. */
export interface PlacedProduct {
	readonly left: Placed & { readonly transposed: boolean };
	readonly right: Placed & { readonly transposed: boolean };
	/** Room for the panels of the right factor: its columns, rounded up to 32 bytes, times `inner`, and PACKED_SLACK. */
	readonly packed: number;
	/** Written in whole 32 bytes: the last ones of a row may lie past `columns`. */
	readonly result: Placed;
	readonly rows: number;
	readonly columns: number;
	readonly inner: number;
	/** Bytes of a float. */
	readonly size: number;
	/** Whether the result is overwritten, or added to. */
	readonly fresh: boolean;
}

/** result (+)= left right. */
export function accumulate(kernels: Kernels<ProductKernel>, product: PlacedProduct): void {
	const { left, right, packed, result, rows, columns, inner, size, fresh } = product;
	const lanes = 32 / size;
	const panels = Math.ceil(columns / lanes);
	const run = kernels[left.transposed ? "productLeft" : "product"];
	const pack = kernels[right.transposed ? "packColumns" : "packRows"];
	for (let l = 0; l < inner; l += INNER) {
		const depth = Math.min(INNER, inner - l);
		pack(right.address + l * (right.transposed ? size : right.stride), right.stride, packed, depth, panels);
		const start = left.address + l * (left.transposed ? left.stride : size);
		const together = Math.max(1, Math.floor(PANELS / (32 * depth)));
		for (let panel = 0; panel < panels; panel += together) {
			const count = Math.min(together, panels - panel);
			const add = fresh && l === 0 ? 1 : 0;
			run(start, left.stride, packed + panel * 32 * depth, result.address + panel * 32, result.stride, rows, count, depth, add);
		}
	}
}

/** Floats from a row to the next, so that those below each other do not all go to the same few lines of the first cache. */
function unaliased(columns: number, size: number): number {
	return (columns * size) % 1024 === 0 ? columns + 32 / size : columns;
}

function copyIn({ values, columns: width }: Matrix, { row, rows, column, columns }: Block, address: number, stride: number): void {
	const view = values.BYTES_PER_ELEMENT === 4 ? workspace.floats(address, rows * stride) : workspace.doubles(address, rows * stride);
	if (columns === width && columns === stride) view.set(values.subarray(row * width, (row + rows) * width));
	else
		for (let r = 0; r < rows; r++) view.set(values.subarray((row + r) * width + column, (row + r) * width + column + columns), r * stride);
}

function copyOut(
	kernels: Kernels<ProductKernel>,
	values: Floats,
	width: number,
	{ row, rows, column, columns }: Block,
	address: number,
	stride: number,
): void {
	const size = values.BYTES_PER_ELEMENT;
	kernels.compact(address, rows, stride, columns * size);
	const view = size === 4 ? workspace.floats(address, rows * columns) : workspace.doubles(address, rows * columns);
	if (columns === width) values.set(view, row * width);
	else for (let r = 0; r < rows; r++) values.set(view.subarray(r * columns, (r + 1) * columns), (row + r) * width + column);
}
