/**
 * A data set by its path: the format is recognised by the first bytes of the (decompressed) file.
 */
import { type CsvOptions, parseCsv } from "./csv.ts";
import { DataError } from "./errors.ts";
import { readBytes } from "./file.ts";
import { isIdx, labelsPath, pairIdx, parseIdx } from "./idx.ts";
import { isParquet, parseParquet } from "./parquet.ts";
import type { Table } from "./table.ts";

/**
 * Read a CSV, Parquet or IDX file, plain or gzip.
 * @param path - the file; for IDX the images (the labels are found by the usual naming) or "IMAGES,LABELS"
 * @param options - label, owner and ignored columns, and whether a CSV file has a header
 * @throws {DataError} as said in file.ts, csv.ts, idx.ts, parquet.ts and table.ts
 *
 * @example
 * const table = await readTable("digits.csv.gz"); // 1,797 rows of 64 features, label in the last column
 */
export async function readTable(path: string, options: CsvOptions = {}): Promise<Table> {
	const pair = /^(.+idx\d.*),(.+)$/.exec(path);
	const images = pair?.[1] ?? path;
	const bytes = await readBytes(images);
	if (isParquet(bytes)) return parseParquet(bytes, path, options);
	if (!isIdx(bytes)) return parseCsv(bytes, path, options);
	const named = options.label ?? options.owner ?? options.ignore?.[0];
	if (named !== undefined) {
		throw new DataError(
			"COLUMN_UNKNOWN",
			`${path}: no column ${JSON.stringify(named)}; an IDX pair has pixels and labels only`,
			"Leave the column options out, or convert the pair to CSV.",
		);
	}
	const labels = pair?.[2] ?? labelsPath(images);
	return pairIdx(parseIdx(bytes, images), parseIdx(await readBytes(labels), labels), images);
}
