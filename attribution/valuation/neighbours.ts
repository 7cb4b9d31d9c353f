/**
 * Training rows ranked by their distance from each test row: the nearest first, and of equally near ones the earlier row, as the
 * `knn-shapley` circuit ranks them. Distances of bytes are exact integers.
 */
import { DataError } from "../../compute/errors.ts";
import { distanceBlocks } from "../../compute/wasm/distances.ts";
import { ascending } from "../../compute/wasm/ranking.ts";
import { type AnyExamples, isBytes, weightOf } from "../byte-examples.ts";
import type { Control } from "../method.ts";
import { ascendingFloats } from "./float-order.ts";

/** Test rows between two looks at the signal. */
const STEP = 64;

/** The rows that are ranked, and how. */
export interface Neighbours {
	/** Rows of weight 1, ascending: the others are not there. */
	readonly rows: Uint32Array;
	/**
	 * Rank them for every test row.
	 * @param visit - told, for each test row, the position in `rows` of each rank
	 */
	rank(test: AnyExamples, visit: (test: number, order: Uint32Array) => void, control?: Control): Promise<void>;
}

/**
 * Prepare training rows.
 * @param neighbours - K, how many will be asked for
 * @throws {DataError} VALUE_OUT_OF_RANGE for a weight above 1; NEIGHBOURS_OUT_OF_RANGE if K is no integer in [1, rows of weight 1];
 *   ONE_CLASS if all rows have one label
 */
export function neighboursOf(train: AnyExamples, neighbours: number): Neighbours {
	const rows = presentRows(train);
	if (!Number.isInteger(neighbours) || neighbours < 1 || neighbours > rows.length) {
		throw new DataError(
			"NEIGHBOURS_OUT_OF_RANGE",
			`neighbours: expected an integer in [1, ${rows.length}], the number of training rows, got ${neighbours}`,
			"Ask for fewer neighbours or give more rows.",
		);
	}
	const first = train.label[rows[0] as number];
	if (rows.every((row) => train.label[row] === first)) {
		throw new DataError(
			"ONE_CLASS",
			`neighbours: expected training rows of at least 2 classes, got class ${first} only`,
			"Give rows of every class: votes say nothing where all agree.",
		);
	}
	const x = presentFeatures(train, rows);
	return {
		rows,
		async rank(test, visit, control = {}) {
			checkKind(train, test);
			control.signal?.throwIfAborted();
			for (const [q, order] of rankings(x, test)) {
				visit(q, order);
				if ((q + 1) % STEP !== 0 && q + 1 < test.n) continue;
				control.progress?.(q + 1, test.n);
				await new Promise(setImmediate);
				control.signal?.throwIfAborted();
			}
		},
	};
}

/** Each test row with the order of the training rows `x`, nearest first. */
function* rankings(x: Uint8Array | Float64Array, test: AnyExamples): Generator<[number, Uint32Array]> {
	const { n, d } = test;
	const count = x.length / d;
	if (x instanceof Uint8Array && isBytes(test)) {
		const train = { values: x, rows: count, columns: d };
		for (const { first, rows, distances } of distanceBlocks(train, { values: test.x, rows: n, columns: d })) {
			for (let i = 0; i < rows; i++) yield [first + i, ascending(distances.subarray(i * count, (i + 1) * count))];
		}
		return;
	}
	const distances = new Float64Array(count);
	for (let q = 0; q < n; q++) {
		for (let i = 0; i < count; i++) {
			// Squared differences in one order: unlike |x|^2 - 2 x q + |q|^2 by a fast product, they are equal for equal rows.
			let sum = 0;
			for (let l = 0; l < d; l++) sum += ((x[i * d + l] as number) - (test.x[q * d + l] as number)) ** 2;
			distances[i] = sum;
		}
		yield [q, ascendingFloats(distances)];
	}
}

/** The features of some rows; not copied where they are all. */
function presentFeatures({ x, n, d }: AnyExamples, rows: Uint32Array): Uint8Array | Float64Array {
	if (rows.length === n) return x;
	const present = x instanceof Uint8Array ? new Uint8Array(rows.length * d) : new Float64Array(rows.length * d);
	rows.forEach((row, i) => {
		present.set(x.subarray(row * d, (row + 1) * d), i * d);
	});
	return present;
}

function presentRows(train: AnyExamples): Uint32Array {
	const rows: number[] = [];
	for (let row = 0; row < train.n; row++) {
		const weight = weightOf(train, row);
		if (weight > 1) {
			throw new DataError(
				"VALUE_OUT_OF_RANGE",
				`neighbours: expected training rows of weight 0 or 1, got ${weight} in row ${row}`,
				"Give a row as often as it counts.",
			);
		}
		if (weight === 1) rows.push(row);
	}
	return Uint32Array.from(rows);
}

function checkKind(train: AnyExamples, test: AnyExamples): void {
	if (test.d === train.d && isBytes(test) === isBytes(train)) return;
	const kind = (examples: AnyExamples) => `${isBytes(examples) ? "bytes" : "floats"} with d = ${examples.d}`;
	throw new DataError(
		"SHAPE_MISMATCH",
		`neighbours: expected test rows of ${kind(train)}, got ${kind(test)}`,
		"Use one scale and one backbone for both.",
	);
}
