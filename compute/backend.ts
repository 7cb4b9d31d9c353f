/**
 * Where numbers are made: the interface that every executor of the kernels implements (plain TypeScript here; WASM and GPU
 * beside it). Arrays in, arrays out, no rounding: a kernel of integers gives the same bytes on every backend.
 */
import type { Rows } from "../circuits/statistics.ts";
import type { Statistics } from "./statistics.ts";

/** What one call may ask for; a caller shards larger jobs. */
export interface Limits {
	/** The most bytes of rows in one call. */
	readonly rowBytes: number;
	/** The most features d. */
	readonly features: number;
}

export interface Backend {
	/** Stable name, for manifests and reports. */
	readonly name: string;
	readonly limits: Limits;
	/**
	 * Exact weighted Gram statistics, equal to `statisticsOf` in circuits/statistics.ts.
	 * @param rows - count x d bytes with labels below k and weights
	 * @throws {DataError} those of `checkRows`; BACKEND_CLOSED after `close`
	 */
	statistics(rows: Rows, d: number, k: number): Promise<Statistics>;
	/** Free the device. Idempotent. */
	close(): Promise<void>;
}
