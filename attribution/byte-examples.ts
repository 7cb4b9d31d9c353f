/** Labelled rows of bytes: what contributions hold, statistics sum up and circuits prove. The floating-point kind is `Examples`. */
import type { Rows } from "../circuits/statistics.ts";
import { checkRows } from "../compute/statistics.ts";
import type { Examples } from "./examples.ts";

export interface ByteExamples {
	/** n x d features in [0, 255], row-major. */
	readonly x: Uint8Array;
	/** n labels in [0, k). */
	readonly label: Uint8Array;
	/** n weights: how often a training row counts, or the fee of a query. */
	readonly weight: Uint8Array;
	readonly n: number;
	readonly d: number;
	/** Number of classes. */
	readonly k: number;
}

/** Rows of either kind. */
export type AnyExamples = Examples | ByteExamples;

/**
 * Rows with the sizes of their model.
 * @throws {DataError} SHAPE_MISMATCH, LABEL_OUT_OF_RANGE, SUM_TOO_LARGE
 */
export function byteExamplesOf(rows: Rows, d: number, k: number): ByteExamples {
	checkRows(rows, d, k);
	return { x: rows.x, label: rows.label, weight: rows.weight, n: rows.count, d, k };
}

/** Whether rows hold bytes. */
export function isBytes(examples: AnyExamples): examples is ByteExamples {
	return examples.x instanceof Uint8Array;
}

/** The weight of a row; floating-point rows count once each. */
export function weightOf(examples: AnyExamples, row: number): number {
	return isBytes(examples) ? (examples.weight[row] as number) : 1;
}
