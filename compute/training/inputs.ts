/**
 * Rows of features as what differs from their background, the value that most of them have (0 in a picture, or what 0 became when it was
 * normalised): x = background + difference, and only the differences cost time. Rows without such a value stay as they are.
 */
import type { Matrix } from "../matrix.ts";

/** Rows by their differences from a background. */
export interface SparseRows {
	readonly background: number;
	/** Two words per difference: its feature (an integer times `scale`), and what it is (the bits of a float32). */
	readonly entries: Int32Array<ArrayBuffer>;
	/** n + 1 positions in `entries`, in words: row i lies from `starts[i]` to `starts[i + 1]`. */
	readonly starts: Uint32Array;
}

/** Share of values equal to the background from which leaving them out is faster. */
const WORTHWHILE = 0.5;
/** Values that are looked at to find the background. */
const SAMPLE = 16384;

/**
 * Rows by their differences, or undefined where too many values differ.
 * @param scale - what features are multiplied by
 */
export function sparseRows({ values, rows, columns }: Matrix<Float32Array>, scale: number): SparseRows | undefined {
	const background = commonest(values);
	let count = 0;
	for (let i = 0; i < values.length; i++) if (values[i] !== background) count++;
	if (count > (1 - WORTHWHILE) * values.length) return undefined;
	const entries = new Int32Array(2 * count);
	const differences = new Float32Array(entries.buffer);
	const starts = new Uint32Array(rows + 1);
	let at = 0;
	for (let row = 0; row < rows; row++) {
		for (let column = 0; column < columns; column++) {
			const value = values[row * columns + column] as number;
			if (value === background) continue;
			entries[at++] = column * scale;
			differences[at++] = value - background;
		}
		starts[row + 1] = at;
	}
	return { background, entries, starts };
}

/** The most frequent of values that lie evenly spread. */
function commonest(values: Float32Array): number {
	const counts = new Map<number, number>();
	const step = Math.max(1, Math.floor(values.length / SAMPLE));
	let [best, most] = [0, 0];
	for (let i = 0; i < values.length; i += step) {
		const value = values[i] as number;
		const count = (counts.get(value) ?? 0) + 1;
		counts.set(value, count);
		if (count > most) [best, most] = [value, count];
	}
	return best;
}
