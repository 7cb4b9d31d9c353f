/** Labelled rows in floating point: what the methods that are not proven work on. */
import { DataError } from "../compute/errors.ts";
import type { Table } from "../compute/table.ts";

export interface Examples {
	/** n x d finite features, row-major; whether one of them is a constant bias is up to whoever made them. */
	readonly x: Float64Array;
	/** n labels in [0, k). */
	readonly label: Uint8Array;
	readonly n: number;
	readonly d: number;
	/** Number of classes. */
	readonly k: number;
}

export interface ExampleOptions {
	/** What features are divided by; 1 by default. */
	readonly scale?: number;
	/** Whether a constant 1 is appended as the last feature; true by default. */
	readonly bias?: boolean;
}

/**
 * Rows of a table as examples.
 * @param rows - indices of the rows, in the order that is wanted; all by default
 * @throws {DataError} TOO_FEW_ROWS without a row; VALUE_NOT_NUMERIC for a value that is not finite
 */
export function examplesOf(
	table: Table,
	rows: ArrayLike<number> = table.labels.map((_, row) => row),
	options: ExampleOptions = {},
): Examples {
	const { scale = 1, bias = true } = options;
	const d = table.m + (bias ? 1 : 0);
	const x = new Float64Array(rows.length * d).fill(1);
	const label = new Uint8Array(rows.length);
	for (let i = 0; i < rows.length; i++) {
		const row = rows[i] as number;
		label[i] = table.labels[row] as number;
		for (let l = 0; l < table.m; l++) x[i * d + l] = (table.rows[row * table.m + l] as number) / scale;
	}
	return checkExamples({ x, label, n: rows.length, d, k: table.k }, table.source);
}

/**
 * The same examples, if they can be worked with.
 * @param source - where they come from, for the message
 * @throws {DataError} SHAPE_MISMATCH, TOO_FEW_ROWS, VALUE_NOT_NUMERIC, LABEL_OUT_OF_RANGE
 */
export function checkExamples(examples: Examples, source: string): Examples {
	const { x, label, n, d, k } = examples;
	if (x.length !== n * d || label.length !== n) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${source}: expected ${n} x ${d} features and ${n} labels, got ${x.length} and ${label.length}`,
			"Pass the sizes of the arrays.",
		);
	}
	if (n < 1) throw new DataError("TOO_FEW_ROWS", `${source}: no rows, at least 1 is needed`, "Give rows.");
	const bad = x.findIndex((value) => !Number.isFinite(value));
	if (bad >= 0) {
		const place = `row ${Math.floor(bad / d)}, feature ${bad % d}`;
		throw new DataError(
			"VALUE_NOT_NUMERIC",
			`${source}: ${place}: ${x[bad]} is not a finite number`,
			"Fill in the value or leave the row out; nothing is imputed.",
		);
	}
	const outside = label.findIndex((value) => value >= k);
	if (outside >= 0) {
		throw new DataError(
			"LABEL_OUT_OF_RANGE",
			`${source}: row ${outside}: label ${label[outside]} is outside [0, ${k - 1}]`,
			"Give training rows of every class of the test rows.",
		);
	}
	return examples;
}

/** Some of the examples, in the order of the indices. */
export function selectExamples({ x, label, d, k }: Examples, rows: ArrayLike<number>): Examples {
	const chosen = { x: new Float64Array(rows.length * d), label: new Uint8Array(rows.length), n: rows.length, d, k };
	for (let i = 0; i < rows.length; i++) {
		const row = rows[i] as number;
		chosen.x.set(x.subarray(row * d, (row + 1) * d), i * d);
		chosen.label[i] = label[row] as number;
	}
	return chosen;
}
