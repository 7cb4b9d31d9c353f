/**
 * Exact products of matrices of bytes, with or without sign: as integers of 16 bits, two to a word, whose products are summed in 32 bits.
 * Both factors are laid out row by row along the inner index, so a transposed one is turned while it is copied.
 */
import type { Transposed } from "../matrix.ts";
import type { Arrays, Byte, ProductShape } from "../tensor.ts";
import { accumulate, PACKED_SLACK } from "./float-product.ts";
import { PAIR_KERNELS } from "./product-kernels.ts";
import { workspace } from "./workspace.ts";

/** The most words of a block of a factor or of the result. */
const BLOCK = 2 ** 22;

/** See `IntegerKernels.product`; the shape has been checked. */
export function byteProduct(left: Arrays[Byte], right: Arrays[Byte], shape: ProductShape, transposed: Transposed): Int32Array {
	const result = new Int32Array(shape.rows * shape.columns);
	byteProductRows(left, right, shape, transposed, [0, shape.rows], result);
	return result;
}

/** Some rows of the product, written to their places in `result`, which is 0. */
export function byteProductRows(
	left: Arrays[Byte],
	right: Arrays[Byte],
	{ rows, inner, columns }: ProductShape,
	transposed: Transposed,
	[first, last]: readonly [number, number],
	result: Int32Array,
): void {
	if (inner === 0) return;
	const words = Math.ceil(inner / 2);
	// Words below each other must not all go to the same lines of the first cache.
	const stride = 4 * (words % 16 === 0 ? words + 1 : words);
	const wide = Math.min(columns, Math.max(8, Math.floor(BLOCK / words / 8) * 8));
	const high = Math.min(last - first, Math.max(1, Math.floor(BLOCK / Math.max(words, wide))));
	const panels = Math.ceil(wide / 8);
	workspace.clear();
	const kernels = workspace.kernels(PAIR_KERNELS);
	const a = workspace.allocate(high * stride);
	const b = workspace.allocate(8 * panels * stride);
	const packed = workspace.allocate(32 * panels * words + PACKED_SLACK);
	const c = workspace.allocate(32 * panels * high);
	for (let j = 0; j < columns; j += wide) {
		const width = Math.min(wide, columns - j);
		place(right, { first: j, count: width, inner, rows: columns, turned: !transposed.right }, b, stride);
		for (let i = first; i < last; i += high) {
			const height = Math.min(high, last - i);
			place(left, { first: i, count: height, inner, rows, turned: transposed.left ?? false }, a, stride);
			const resultStride = 32 * Math.ceil(width / 8);
			accumulate(kernels, {
				left: { address: a, stride, transposed: false },
				right: { address: b, stride, transposed: true },
				packed,
				result: { address: c, stride: resultStride },
				rows: height,
				columns: width,
				inner: words,
				size: 4,
				fresh: true,
			});
			for (let r = 0; r < height; r++) result.set(workspace.integers(c + r * resultStride, width), (i + r) * columns + j);
		}
	}
}

interface Side {
	/** The first row, and how many. */
	readonly first: number;
	readonly count: number;
	readonly inner: number;
	/** Rows of the whole factor. */
	readonly rows: number;
	/** Whether the factor is stored inner x rows. */
	readonly turned: boolean;
}

/** Rows of a factor as integers of 16 bits, the last word filled up with 0. */
function place(values: Arrays[Byte], { first, count, inner, rows, turned }: Side, address: number, stride: number): void {
	const length = stride / 2;
	const view = new Int16Array(workspace.memory.buffer, address, count * length);
	if (inner % 2 === 1) for (let r = 0; r < count; r++) view[r * length + inner] = 0;
	if (!turned) {
		for (let r = 0; r < count; r++) view.set(values.subarray((first + r) * inner, (first + r + 1) * inner), r * length);
		return;
	}
	for (let l = 0; l < inner; l++) {
		const from = l * rows + first;
		for (let r = 0; r < count; r++) view[r * length + l] = values[from + r] as number;
	}
}
