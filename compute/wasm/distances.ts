/**
 * Squared Euclidean distances between rows of bytes, exact: |x|^2 + |y|^2 - 2 x y, where x y is a product of matrices of bytes.
 */
import { type ByteMatrix, checkCount, checkSides, type Neighbours } from "../neighbours.ts";
import { type ByteArithmetic, byteArithmetic } from "./byte-arithmetic.ts";
import { ROW_KERNELS, type RowKernel } from "./byte-kernels.ts";
import { accumulate, PACKED_SLACK } from "./float-product.ts";
import type { ProductKernel } from "./product-kernels.ts";
import { ascending, lowest } from "./ranking.ts";
import { type Kernels, workspace } from "./workspace.ts";

/** Distances of some test rows to all training rows. */
export interface DistanceBlock {
	/** The first of the test rows. */
	readonly first: number;
	readonly rows: number;
	/** rows x (training rows), row-major; void after the next block. */
	readonly distances: Int32Array;
}

/** Training rows that are packed at once. */
const TRAIN = 4096;
/** Distances in a block, and bytes of its test rows, unless a row alone has more. */
const BLOCK = 2 ** 24;
const BLOCK_BYTES = 2 ** 26;

/**
 * Every squared distance.
 * @returns (test rows) x (training rows), row-major
 * @throws {DataError} SHAPE_MISMATCH, TOO_MANY_FEATURES
 */
export function squaredDistances(train: ByteMatrix, test: ByteMatrix, arithmetic: ByteArithmetic = byteArithmetic()): Int32Array {
	const result = new Int32Array(train.rows * test.rows);
	for (const { first, distances } of distanceBlocks(train, test, arithmetic)) result.set(distances, first * train.rows);
	return result;
}

/**
 * The nearest training rows of each test row.
 * @param count - how many, in [1, training rows]
 * @throws {DataError} NEIGHBOURS_OUT_OF_RANGE, SHAPE_MISMATCH, TOO_MANY_FEATURES
 */
export function nearest(train: ByteMatrix, test: ByteMatrix, count: number, arithmetic: ByteArithmetic = byteArithmetic()): Neighbours {
	checkCount(train, count);
	const [indices, nearestDistances] = [new Uint32Array(test.rows * count), new Int32Array(test.rows * count)];
	for (const { first, rows, distances } of distanceBlocks(train, test, arithmetic)) {
		for (let i = 0; i < rows; i++) {
			const row = distances.subarray(i * train.rows, (i + 1) * train.rows);
			const order = 8 * count < train.rows ? lowest(row, count) : ascending(row).subarray(0, count);
			indices.set(order, (first + i) * count);
			for (let l = 0; l < count; l++) nearestDistances[(first + i) * count + l] = row[order[l] as number] as number;
		}
	}
	return { count, indices, distances: nearestDistances };
}

/** Test rows of a block. */
export function blockRows(train: ByteMatrix): number {
	return Math.max(1, Math.floor(Math.min(BLOCK / Math.max(1, train.rows), BLOCK_BYTES / Math.max(1, train.columns))));
}

/**
 * All distances, some test rows after the others, so that they need not be kept.
 * @param arithmetic - how bytes are multiplied; the fastest way by default
 * @throws {DataError} SHAPE_MISMATCH, TOO_MANY_FEATURES
 */
export function* distanceBlocks(
	train: ByteMatrix,
	test: ByteMatrix,
	arithmetic: ByteArithmetic = byteArithmetic(),
): Generator<DistanceBlock> {
	checkSides(train, test);
	const [n, d] = [train.rows, train.columns];
	const high = Math.min(Math.max(1, test.rows), blockRows(train));
	const distances = new Int32Array(high * n);
	const stride = 16 * Math.ceil(d / 16);
	const words = { stride: (4 * stride) / arithmetic.perWord, inner: Math.ceil(d / arithmetic.perWord) };
	const wide = Math.min(n, TRAIN);
	const panels = Math.ceil(wide / 8);
	for (let first = 0; first < test.rows; first += high) {
		const rows = Math.min(high, test.rows - first);
		// Others may have used the workspace since the last block.
		workspace.clear();
		const kernels = workspace.kernels(arithmetic.kernels);
		const prepare = workspace.kernels(ROW_KERNELS);
		const raw = workspace.allocate(Math.max(rows, 8 * panels) * stride);
		const [left, right] = [workspace.allocate(rows * words.stride), workspace.allocate(8 * panels * words.stride)];
		const packed = workspace.allocate(32 * panels * words.inner + PACKED_SLACK);
		const products = workspace.allocate(32 * panels * rows);
		const [columnTerms, ownTerms] = [workspace.allocate(32 * panels), workspace.allocate(4 * rows)];
		place(test, first, rows, stride, raw);
		prepare.squares(raw, rows, stride, 0, ownTerms);
		if (arithmetic.perWord === 4) {
			workspace.bytes(left, rows * stride).set(workspace.bytes(raw, rows * stride));
			prepare.flip(left, left + rows * stride);
		} else prepare.widen(raw, raw + rows * stride, left);
		for (let j = 0; j < n; j += wide) {
			const columns = Math.min(wide, n - j);
			place(train, j, columns, stride, raw);
			const factor = arithmetic.perWord === 4 ? raw : right;
			if (arithmetic.perWord === 2) prepare.widen(raw, raw + columns * stride, right);
			// With (x - offset) y in place of x y, a distance lacks 2 offset y.
			prepare.squares(raw, columns, stride, 2 * arithmetic.offset, columnTerms);
			multiplyWords(kernels, { left, right: factor, packed, products, rows, columns, ...words });
			finish(prepare, { products, columnTerms, ownTerms, rows, columns }, distances, n, j);
		}
		yield { first, rows, distances: distances.subarray(0, rows * n) };
	}
}

interface Words {
	readonly left: number;
	readonly right: number;
	readonly packed: number;
	readonly products: number;
	readonly rows: number;
	readonly columns: number;
	/** Bytes from a row to the next, and words of a row. */
	readonly stride: number;
	readonly inner: number;
}

function multiplyWords(kernels: Kernels<ProductKernel>, { left, right, packed, products, rows, columns, stride, inner }: Words): void {
	accumulate(kernels, {
		left: { address: left, stride, transposed: false },
		right: { address: right, stride, transposed: true },
		packed,
		result: { address: products, stride: 32 * Math.ceil(columns / 8) },
		rows,
		columns,
		inner,
		size: 4,
		fresh: true,
	});
}

/** Makes products distances and copies them to their columns. */
function finish(
	prepare: Kernels<RowKernel>,
	block: {
		readonly products: number;
		readonly columnTerms: number;
		readonly ownTerms: number;
		readonly rows: number;
		readonly columns: number;
	},
	distances: Int32Array,
	n: number,
	column: number,
): void {
	const { products, columnTerms, ownTerms, rows, columns } = block;
	const own = workspace.integers(ownTerms, rows);
	const stride = 32 * Math.ceil(columns / 8);
	for (let i = 0; i < rows; i++) {
		const from = products + i * stride;
		prepare.distances(from, from + stride, columnTerms, own[i] as number);
		distances.set(workspace.integers(from, columns), i * n + column);
	}
}

/** Rows in the workspace, each padded with zeros. */
function place({ values, columns }: ByteMatrix, first: number, rows: number, stride: number, address: number): void {
	const view = workspace.bytes(address, rows * stride);
	if (stride === columns) {
		view.set(values.subarray(first * columns, (first + rows) * columns));
		return;
	}
	view.fill(0);
	for (let i = 0; i < rows; i++) view.set(values.subarray((first + i) * columns, (first + i + 1) * columns), i * stride);
}
