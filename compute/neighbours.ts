/** Rows of bytes and their nearest neighbours. */
import { DataError } from "./errors.ts";

/** Rows of bytes. */
export interface ByteMatrix {
	/** rows x columns, row-major. */
	readonly values: Uint8Array;
	readonly rows: number;
	readonly columns: number;
}

/** The nearest training rows of each test row. */
export interface Neighbours {
	readonly count: number;
	/** (test rows) x count, nearest first; of equally near ones the lower index first. */
	readonly indices: Uint32Array;
	/** Their squared distances. */
	readonly distances: Int32Array;
}

/** The most columns: a distance stays below 2^31. */
export const MAX_COLUMNS = Math.floor(2 ** 31 / 255 ** 2);
/**
 * Refuse a number of neighbours that there are not.
 * @throws {DataError} NEIGHBOURS_OUT_OF_RANGE
 */
export function checkCount(train: ByteMatrix, count: number): void {
	if (Number.isInteger(count) && count >= 1 && count <= train.rows) return;
	throw new DataError(
		"NEIGHBOURS_OUT_OF_RANGE",
		`nearest: expected a number of neighbours in [1, ${train.rows}], got ${count}`,
		"Ask for at most as many neighbours as there are training rows.",
	);
}

/**
 * Refuse sides whose rows cannot be compared.
 * @throws {DataError} SHAPE_MISMATCH, TOO_MANY_FEATURES
 */
export function checkSides(train: ByteMatrix, test: ByteMatrix): void {
	const sides = [
		["train", train],
		["test", test],
	] as const;
	for (const [name, { values, rows, columns }] of sides) {
		if (values.length === rows * columns) continue;
		throw new DataError(
			"SHAPE_MISMATCH",
			`distances: ${name}: expected ${rows} x ${columns} bytes, got ${values.length}`,
			"Pass the sizes of the array.",
		);
	}
	if (train.columns !== test.columns) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`distances: expected rows of equal length, got ${train.columns} and ${test.columns}`,
			"Compare rows of the same features.",
		);
	}
	if (train.columns > MAX_COLUMNS) {
		throw new DataError(
			"TOO_MANY_FEATURES",
			`distances: expected at most ${MAX_COLUMNS} features, got ${train.columns}`,
			"Project the rows to fewer features.",
		);
	}
}
