/** The MNIST-10 setting of dattri's benchmark: 5,000 training rows, 500 test rows, pixels scaled as there. */
import { readTable } from "../../compute/dataset.ts";
import { sample } from "../../compute/testing.ts";
import type { FloatRows } from "../../compute/training/network.ts";

export const TRAIN_ROWS = 5000;
export const TEST_ROWS = 500;

/** The mean and the standard deviation of MNIST's pixels in [0, 1], as `transforms.Normalize` is given them there. */
const [MEAN, DEVIATION] = [0.1307, 0.3081];

/**
 * Rows of MNIST in float32.
 * @param part - "train" (60,000 rows) or "test" (10,000)
 * @param first - the first row
 * @param count - number of rows
 */
export async function mnistRows(part: "train" | "test", first: number, count: number): Promise<FloatRows> {
	const { path } = sample(`mnist/${part === "train" ? "train" : "t10k"}-images-idx3-ubyte.gz`);
	const { rows, labels, m } = await readTable(path);
	const values = Float32Array.from(rows.subarray(first * m, (first + count) * m), (pixel) => (pixel / 255 - MEAN) / DEVIATION);
	return { x: { values, rows: count, columns: m }, label: labels.slice(first, first + count) };
}

/** Some of the rows, in the order of the indices. */
export function selectFloatRows({ x, label }: FloatRows, rows: ArrayLike<number>): FloatRows {
	const values = new Float32Array(rows.length * x.columns);
	for (let i = 0; i < rows.length; i++) {
		const row = rows[i] as number;
		values.set(x.values.subarray(row * x.columns, (row + 1) * x.columns), i * x.columns);
	}
	return { x: { values, rows: rows.length, columns: x.columns }, label: Uint8Array.from(rows, (row) => label[row] as number) };
}
