/**
 * The backend in plain TypeScript: no device, no memory beyond the result, and the meaning that the others are held against.
 */
import type { Rows } from "../circuits/statistics.ts";
import type { Backend } from "./backend.ts";
import { DataError } from "./errors.ts";
import { checkRows, type Statistics } from "./statistics.ts";

/** Open the reference backend. */
export function openReference(): Backend {
	let open = true;
	return {
		name: "reference",
		limits: { rowBytes: 2 ** 31, features: 2 ** 13 },
		async statistics(rows, d, k) {
			if (!open) throw new DataError("BACKEND_CLOSED", "reference: the backend is closed", "Open a new one.");
			return gram(rows, d, k);
		},
		async close() {
			open = false;
		},
	};
}

/** One rank-one update per row; zero features (half of all pixels) cost nothing. */
function gram(rows: Rows, d: number, k: number): Statistics {
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
