/** Nearest neighbours by their definition. */
import { type ByteMatrix, checkCount, checkSides, type Neighbours } from "../neighbours.ts";

/** See `Backend.nearest`. */
export function nearest(train: ByteMatrix, test: ByteMatrix, count: number): Neighbours {
	checkSides(train, test);
	checkCount(train, count);
	const indices = new Uint32Array(test.rows * count);
	const distances = new Int32Array(test.rows * count);
	for (let i = 0; i < test.rows; i++) {
		const all = Array.from({ length: train.rows }, (_, index) => ({ index, distance: distance(train, index, test, i) }));
		all.sort((one, other) => one.distance - other.distance || one.index - other.index);
		for (let l = 0; l < count; l++) ({ index: indices[i * count + l], distance: distances[i * count + l] } = all[l] as (typeof all)[0]);
	}
	return { count, indices, distances };
}

function distance(train: ByteMatrix, i: number, test: ByteMatrix, j: number): number {
	let sum = 0;
	for (let c = 0; c < train.columns; c++) {
		sum += ((train.values[i * train.columns + c] as number) - (test.values[j * test.columns + c] as number)) ** 2;
	}
	return sum;
}
