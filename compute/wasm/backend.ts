/** The backend of SIMD kernels, in one thread, or with the rows of a job or of a product shared among several. */
import type { Rows } from "../../circuits/statistics.ts";
import type { Backend } from "../backend.ts";
import { DataError } from "../errors.ts";
import { matrix, multiply } from "../matrix.ts";
import { type ByteMatrix, checkCount, checkSides, type Neighbours } from "../neighbours.ts";
import { openHost } from "../reference/host.ts";
import { checkRows, type Statistics } from "../statistics.ts";
import type { ProductShape } from "../tensor.ts";
import { type ByteArithmetic, byteArithmetic } from "./byte-arithmetic.ts";
import { byteProduct } from "./byte-product.ts";
import { blockRows } from "./distances.ts";
import { type Executor, OwnThread, rangesOf } from "./executor.ts";
import { type GramPart, orderOf } from "./gram.ts";
import { Pool } from "./pool.ts";

export interface WasmOptions {
	/** Threads of `statistics`, `nearest` and products, in [1, 256]; 1 by default: the caller's own. Results are the same for any number. */
	readonly threads?: number;
	/** Multiplications from which work is shared among threads: below, some hundredths of a second, sending costs what it saves. 2^30 by default. */
	readonly shareFrom?: number;
	/** How bytes are multiplied; the fastest way by default. */
	readonly arithmetic?: ByteArithmetic;
}

const MOST_THREADS = 256;
const SHARE_FROM = 2 ** 30;
/** Multiplications of a part of statistics, some tenths of a second: what others wait for where there is one thread. */
const PART = 2 ** 33;
/** The fewest rows of a part, so that adding its sums costs little beside making them. */
const PART_ROWS = 1024;

/**
 * Open the backend.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function openWasm({ threads = 1, shareFrom = SHARE_FROM, arithmetic = byteArithmetic() }: WasmOptions = {}): Backend {
	if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`wasm: expected a number of threads in [1, ${MOST_THREADS}], got ${threads}`,
			"Use at most as many threads as there are cores.",
		);
	}
	const pool = threads > 1 ? new Pool(threads) : undefined;
	const executor = pool ?? new OwnThread();
	const poolOf = (shape: ProductShape) =>
		shape.rows * shape.inner * shape.columns >= shareFrom && pool?.splits(shape) === true ? pool : undefined;
	const adapter = {
		device: `SIMD of ${threads === 1 ? "one thread" : `${threads} threads`} of this process`,
		driver: `Node.js ${process.version}`,
		software: true,
	};
	const ways = { executor, shareFrom, arithmetic };
	return openHost("wasm", adapter, {
		integerProduct(left, right, shape, transposed) {
			const shared = poolOf(shape)?.product({ kind: "bytes", left, right, shape, transposed });
			return (shared as Int32Array | undefined) ?? byteProduct(left, right, shape, transposed);
		},
		floatProduct(left, right, shape, transposed) {
			const shared = poolOf(shape)?.product({ kind: "floats", left, right, shape, transposed });
			if (shared) return shared as Float32Array;
			const { rows, inner, columns } = shape;
			const a = transposed.left ? matrix(left, inner, rows) : matrix(left, rows, inner);
			const b = transposed.right ? matrix(right, columns, inner) : matrix(right, inner, columns);
			return multiply(a, b, transposed).values;
		},
		statistics: (rows, d, k, signal) => statistics(ways, rows, d, k, signal),
		nearest: (train, test, count, signal) => nearest(ways, train, test, count, signal),
		close: () => executor.close(),
	});
}

/** How jobs are done. */
interface Ways {
	readonly executor: Executor;
	readonly shareFrom: number;
	readonly arithmetic: ByteArithmetic;
}

async function statistics(ways: Ways, rows: Rows, d: number, k: number, signal: AbortSignal | undefined): Promise<Statistics> {
	const { executor, shareFrom, arithmetic } = ways;
	const n = checkRows(rows, d, k);
	const perRow = (d * (d + 1)) / 2;
	const ranges = rangesOf(
		rows.count,
		Math.max(PART_ROWS, Math.ceil(PART / perRow)),
		rows.count * perRow < shareFrom ? 1 : executor.threads,
	);
	const share = <T extends Uint8Array | Uint32Array>(values: T) => (ranges.length > 1 ? executor.share(values) : values);
	const order = share(orderOf(rows));
	const shared: Rows = { x: share(rows.x), label: share(rows.label), weight: share(rows.weight), count: rows.count };
	const tasks = ranges.map(([from, to]) => ({ rows: shared, order: order.subarray(from, to), d, k, arithmetic: arithmetic.name }));
	let sums: GramPart[] = [];
	await executor.run(
		"statistics",
		tasks,
		(part) => {
			const [before] = sums;
			sums = [part];
			if (!before) return;
			// Integers below 2^53: any order of adding them gives the same.
			addTo(part.a, before.a);
			addTo(part.b, before.b);
		},
		signal,
	);
	const { a, b } = sums[0] ?? { a: new Float64Array(perRow), b: new Float64Array(d * k) };
	return { a, b, n, d, k };
}

function addTo(sums: Float64Array, values: Float64Array): void {
	for (let i = 0; i < sums.length; i++) (sums[i] as number) += values[i] as number;
}

async function nearest(
	ways: Ways,
	train: ByteMatrix,
	test: ByteMatrix,
	count: number,
	signal: AbortSignal | undefined,
): Promise<Neighbours> {
	const { executor, shareFrom, arithmetic } = ways;
	checkSides(train, test);
	checkCount(train, count);
	const { columns } = test;
	const ranges = rangesOf(test.rows, blockRows(train), test.rows * train.rows * columns < shareFrom ? 1 : executor.threads);
	const share = (side: ByteMatrix) => (ranges.length > 1 ? { ...side, values: executor.share(side.values) } : side);
	const [allTrain, allTest] = [share(train), share(test)];
	const tasks = ranges.map(([from, to]) => {
		const part = { values: allTest.values.subarray(from * columns, to * columns), rows: to - from, columns };
		return { train: allTrain, test: part, count, arithmetic: arithmetic.name };
	});
	const [indices, distances] = [new Uint32Array(test.rows * count), new Int32Array(test.rows * count)];
	await executor.run(
		"nearest",
		tasks,
		(part, index) => {
			const [from] = ranges[index] as readonly [number, number];
			indices.set(part.indices, from * count);
			distances.set(part.distances, from * count);
		},
		signal,
	);
	return { count, indices, distances };
}
