/** Nearest neighbours by |x|^2 + |y|^2 - 2 x y, where x y is a product of matrices of bytes. */
import { type ByteMatrix, checkCount, checkSides, type Neighbours } from "../neighbours.ts";
import { lowest } from "../wasm/ranking.ts";
import { byteSums } from "./byte-product.ts";
import type { Multiply } from "./multiplication.ts";

/** The most distances at a time, unless one test row alone has more. */
const BLOCK = 2 ** 22;

/** See `Backend.nearest`. */
export function nearest(multiply: Multiply, train: ByteMatrix, test: ByteMatrix, count: number): Neighbours {
	checkSides(train, test);
	checkCount(train, count);
	const [indices, nearestDistances] = [new Uint32Array(test.rows * count), new Int32Array(test.rows * count)];
	const [trainSquares, testSquares] = [squares(train), squares(test)];
	const { columns } = train;
	const block = Math.max(1, Math.floor(BLOCK / train.rows));
	for (let from = 0; from < test.rows; from += block) {
		const rows = Math.min(block, test.rows - from);
		const some = test.values.subarray(from * columns, (from + rows) * columns);
		const sums = byteSums(multiply, some, train.values, { rows, inner: columns, columns: train.rows }, { right: true });
		for (let i = 0; i < rows; i++) {
			const own = testSquares[from + i] as number;
			const distances = Int32Array.from(trainSquares, (square, index) => own + square - 2 * (sums[i * train.rows + index] as number));
			const order = lowest(distances, count);
			indices.set(order, (from + i) * count);
			nearestDistances.set(
				order.map((index) => distances[index] as number),
				(from + i) * count,
			);
		}
	}
	return { count, indices, distances: nearestDistances };
}

/** |x|^2 of each row. */
function squares({ values, rows, columns }: ByteMatrix): Float64Array {
	return Float64Array.from({ length: rows }, (_, row) =>
		values.subarray(row * columns, (row + 1) * columns).reduce((sum, value) => sum + value * value, 0),
	);
}
