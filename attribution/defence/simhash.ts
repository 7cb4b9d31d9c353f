/**
 * Pairs of rows that point the same way from the mean, without looking at all pairs: rows that agree in every bit of one of
 * several short signatures. A bit is the side of a random hyperplane, so two rows at an angle t agree in it with chance
 * 1 - t / pi. Candidates only: whoever asks measures the distance.
 * Source: Charikar, "Similarity estimation techniques from rounding algorithms" (STOC 2002), section 3; Indyk and Motwani (STOC 1998) for the tables.
 */
import { matrix, multiply } from "../../compute/matrix.ts";
import { generator } from "../../compute/random.ts";
import type { Evidence } from "./evidence.ts";

/** Signatures per row. */
const TABLES = 24;
/** Bits beyond log2 n: unrelated rows meet in a table with chance 1 / (4 n). */
const SPARE_BITS = 2;
const CHUNK = 2048;

/** For each row the buckets that it lies in. */
export interface SimHash {
	/** Rows that share a bucket with `row`, each once, in no order, without itself. */
	candidates(row: number): Uint32Array;
}

/** Signatures of all rows. The same seed gives the same candidates. */
export function simHash({ x, n, d }: Pick<Evidence, "x" | "n" | "d">, seed: bigint): SimHash {
	const bits = Math.min(30, Math.ceil(Math.log2(Math.max(n, 2))) + SPARE_BITS);
	const next = generator(seed);
	const planes = matrix(
		Float32Array.from({ length: TABLES * bits * d }, () => (next() & 1 ? 1 : -1)),
		TABLES * bits,
		d,
	);
	const mean = new Float64Array(d);
	for (let i = 0; i < n * d; i++) (mean[i % d] as number) += (x[i] as number) / n;
	const signatures = Array.from({ length: TABLES }, () => new Uint32Array(n));
	for (let from = 0; from < n; from += CHUNK) {
		const to = Math.min(from + CHUNK, n);
		const rows = Float32Array.from({ length: (to - from) * d }, (_, i) => (x[from * d + i] as number) - (mean[i % d] as number));
		const sides = multiply(matrix(rows, to - from, d), planes, { right: true }).values;
		for (let row = from; row < to; row++) {
			signatures.forEach((signature, table) => {
				let word = 0;
				for (let bit = 0; bit < bits; bit++) {
					word = (word << 1) | ((sides[(row - from) * TABLES * bits + table * bits + bit] as number) > 0 ? 1 : 0);
				}
				signature[row] = word;
			});
		}
	}
	const buckets = signatures.map((signature) => {
		const bucket = new Map<number, number[]>();
		signature.forEach((word, row) => {
			const rows = bucket.get(word);
			if (rows) rows.push(row);
			else bucket.set(word, [row]);
		});
		return bucket;
	});
	return {
		candidates(row) {
			const found = new Set<number>();
			signatures.forEach((signature, table) => {
				for (const other of buckets[table]?.get(signature[row] as number) ?? []) found.add(other);
			});
			found.delete(row);
			return Uint32Array.from(found);
		},
	};
}
