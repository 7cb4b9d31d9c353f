/**
 * Training rows ranked by their distance from each test row: the nearest first, and of equally near ones the earlier row, as the
 * `knn-shapley` circuit ranks them. Distances of bytes are exact integers.
 */
import { DataError } from "../../compute/errors.ts";
import { type AnyExamples, isBytes, weightOf } from "../byte-examples.ts";
import type { Control } from "../method.ts";
import { sorter } from "./radix-sort.ts";

/** Test rows between two looks at the signal. */
const BLOCK = 64;

/** The rows that are ranked, and how. */
export interface Neighbours {
	/** Rows of weight 1, ascending: the others are not there. */
	readonly rows: Uint32Array;
	/**
	 * Rank them for every test row.
	 * @param visit - told, for each test row, the position in `rows` of each rank; the list is overwritten afterwards
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
	const sort = sorter(rows.length);
	return {
		rows,
		async rank(test, visit, control = {}) {
			checkKind(train, test);
			for (let from = 0; from < test.n; from += BLOCK) {
				control.signal?.throwIfAborted();
				const to = Math.min(from + BLOCK, test.n);
				for (let q = from; q < to; q++)
					visit(q, isBytes(train) ? sort.integers(byteDistances(train, rows, test, q)) : sort.floats(distances(train, rows, test, q)));
				control.progress?.(to, test.n);
				await new Promise(setImmediate);
			}
		},
	};
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

/** Sums of at most 2^16 squares below 2^16. */
function byteDistances({ x, d }: AnyExamples, rows: Uint32Array, test: AnyExamples, q: number): Uint32Array {
	const result = new Uint32Array(rows.length);
	rows.forEach((row, position) => {
		let sum = 0;
		for (let l = 0; l < d; l++) {
			const difference = (x[row * d + l] as number) - (test.x[q * d + l] as number);
			sum += difference * difference;
		}
		result[position] = sum;
	});
	return result;
}

/** Sums of squared differences, always in one order: unlike |x|^2 - 2 x q + |q|^2 they are equal for equal rows. */
function distances({ x, d }: AnyExamples, rows: Uint32Array, test: AnyExamples, q: number): Float64Array {
	const result = new Float64Array(rows.length);
	rows.forEach((row, position) => {
		let sum = 0;
		for (let l = 0; l < d; l++) {
			const difference = (x[row * d + l] as number) - (test.x[q * d + l] as number);
			sum += difference * difference;
		}
		result[position] = sum;
	});
	return result;
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
