/**
 * Nearest rows on a device: blocks of test rows against blocks of training rows, each a product of bytes that becomes distances, of which the
 * device keeps the shortest. Of more neighbours than a list on the device holds, the distances come back and are ranked here.
 */
import { type ByteMatrix, checkCount, checkSides, type Neighbours } from "../neighbours.ts";
import { ascending, lowest } from "../wasm/ranking.ts";
import type { Device } from "./device.ts";
import type { Memory } from "./memory.ts";
import { DISTANCES, MOST_KEPT, SHORTEST, squaresKernel } from "./neighbours-kernels.ts";
import { product } from "./products.ts";

/** Rows of a block, at most. */
const [TEST, TRAIN] = [2048, 4096];
/** Distances in a block that comes back, unless a test row alone has more. */
const RANKED = 2 ** 24;

/** Rows on the device. */
interface Block {
	readonly first: number;
	readonly rows: number;
	readonly memory: Memory;
	readonly squares: Memory;
}

/** See `Backend.nearest`. */
export async function nearest(
	device: Device,
	train: ByteMatrix,
	test: ByteMatrix,
	count: number,
	signal: AbortSignal | undefined,
): Promise<Neighbours> {
	device.alive();
	signal?.throwIfAborted();
	checkSides(train, test);
	checkCount(train, count);
	const search = count <= MOST_KEPT ? nearestOnDevice : nearestHere;
	return search(device, train, test, count, signal);
}

async function nearestOnDevice(
	device: Device,
	train: ByteMatrix,
	test: ByteMatrix,
	count: number,
	signal: AbortSignal | undefined,
): Promise<Neighbours> {
	const [indices, distances] = [new Uint32Array(test.rows * count), new Int32Array(test.rows * count)];
	const tests: { block: Block; list: Memory }[] = [];
	try {
		for (const block of blocksOf(device, test, TEST)) tests.push({ block, list: device.allocate(8 * block.rows * count) });
		let sent: Promise<void> = Promise.resolve();
		for (const others of blocksOf(device, train, TRAIN)) {
			for (const { block, list } of tests) {
				const products = distancesOf(device, others, block, train.columns);
				const params = { count, columns: others.rows, first: others.first, fresh: others.first === 0 ? 1 : 0, rows: block.rows };
				device.run(SHORTEST, { distances: products, list }, params, block.rows);
				device.free(products);
			}
			freeBlock(device, others);
			// One block on its way while the device works on the one before.
			const before = sent;
			sent = device.done();
			sent.catch(() => {});
			await before;
			signal?.throwIfAborted();
		}
		for (const { block, list } of tests) {
			const keys = new Uint32Array(await device.download(list));
			for (let at = 0; at < block.rows * count; at++) {
				distances[block.first * count + at] = keys[2 * at] as number;
				indices[block.first * count + at] = keys[2 * at + 1] as number;
			}
		}
		return { count, indices, distances };
	} finally {
		for (const { block, list } of tests) {
			freeBlock(device, block);
			device.free(list);
		}
	}
}

async function nearestHere(
	device: Device,
	train: ByteMatrix,
	test: ByteMatrix,
	count: number,
	signal: AbortSignal | undefined,
): Promise<Neighbours> {
	const [indices, distances] = [new Uint32Array(test.rows * count), new Int32Array(test.rows * count)];
	const rows = Math.max(1, Math.min(TEST, Math.floor(RANKED / train.rows)));
	for (const block of blocksOf(device, test, rows)) {
		const all = new Int32Array(block.rows * train.rows);
		try {
			for (const others of blocksOf(device, train, TRAIN)) {
				const products = distancesOf(device, others, block, train.columns);
				freeBlock(device, others);
				const some = new Int32Array(await device.download(products));
				device.free(products);
				signal?.throwIfAborted();
				for (let i = 0; i < block.rows; i++) {
					all.set(some.subarray(i * others.rows, (i + 1) * others.rows), i * train.rows + others.first);
				}
			}
		} finally {
			freeBlock(device, block);
		}
		for (let i = 0; i < block.rows; i++) {
			const row = all.subarray(i * train.rows, (i + 1) * train.rows);
			const order = 8 * count < train.rows ? lowest(row, count) : ascending(row).subarray(0, count);
			indices.set(order, (block.first + i) * count);
			for (let l = 0; l < count; l++) distances[(block.first + i) * count + l] = row[order[l] as number] as number;
		}
	}
	return { count, indices, distances };
}

/** Rows, sent block by block, with their squared lengths. */
function* blocksOf(device: Device, { values, rows, columns }: ByteMatrix, most: number): Generator<Block> {
	const step = Math.max(1, Math.min(most, Math.floor(device.mostBytes / Math.max(1, columns))));
	for (let first = 0; first < rows; first += step) {
		const own = Math.min(step, rows - first);
		const memory = device.upload(values.subarray(first * columns, (first + own) * columns));
		const squares = device.allocate(4 * own);
		device.run(squaresKernel(device.dotProduct), { rows: memory, squares }, { columns, length: own });
		yield { first, rows: own, memory, squares };
	}
}

function freeBlock(device: Device, { memory, squares }: Block): void {
	device.free(memory);
	device.free(squares);
}

/** (test rows) x (training rows). */
function distancesOf(device: Device, train: Block, test: Block, columns: number): Memory {
	const distances = device.allocate(4 * train.rows * test.rows);
	const factor = ({ memory }: Block) => ({ memory, element: "u8" as const });
	product(device, factor(test), factor(train), { rows: test.rows, inner: columns, columns: train.rows }, { right: true }, distances);
	device.run(
		DISTANCES,
		{ trainSquares: train.squares, testSquares: test.squares, distances },
		{ columns: train.rows, length: train.rows * test.rows },
	);
	return distances;
}
