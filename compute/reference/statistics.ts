/** Exact weighted Gram statistics by their definition, in float64 and without memory beyond the result. */
import type { Rows } from "../../circuits/statistics.ts";
import { checkRows, type Statistics } from "../statistics.ts";

/** One rank-one update per row; zero features (half of all pixels) cost nothing. */
export function gram(rows: Rows, d: number, k: number): Statistics {
	const n = checkRows(rows, d, k);
	const { x, label, weight, count } = rows;
	const a = new Float64Array((d * (d + 1)) / 2);
	const b = new Float64Array(d * k);
	for (let row = 0; row < count; row++) {
		const rowWeight = weight[row] as number;
		const column = label[row] as number;
		const start = row * d;
		// `line + l` is the packed position of the entry (i, l).
		for (let i = 0, line = 0; i < d; line += d - 1 - i++) {
			const value = rowWeight * (x[start + i] as number);
			if (value === 0) continue;
			for (let l = i; l < d; l++) (a[line + l] as number) += value * (x[start + l] as number);
			(b[i * k + column] as number) += value;
		}
	}
	return { a, b, n, d, k };
}
