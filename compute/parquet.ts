/**
 * Parquet files to a table, read by hyparquet; pages compressed by snappy, gzip, brotli or zstd.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { type Compressors, parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { DataError } from "./errors.ts";
import { type Table, type TableOptions, tabulate } from "./table.ts";

/** Beside snappy, which hyparquet brings itself. */
const COMPRESSORS: Compressors = {
	GZIP: (page) => gunzipSync(page),
	BROTLI: (page) => brotliDecompressSync(page),
	ZSTD: (page) => zstdDecompressSync(page),
};

/** Whether a file begins like a Parquet file. */
export function isParquet(bytes: Uint8Array): boolean {
	return String.fromCharCode(...bytes.subarray(0, 4)) === "PAR1";
}

/**
 * Parse a Parquet file.
 * @throws {DataError} FILE_UNREADABLE if it is damaged or compressed otherwise; and those of `tabulate`, by row and column
 */
export async function parseParquet(bytes: Uint8Array, source: string, options: TableOptions = {}): Promise<Table> {
	const { columns, rows } = await read(bytes, source);
	return tabulate(
		{
			source,
			columns,
			n: rows.length,
			cell: (row, column) => rows[row]?.[columns[column] ?? ""],
			place: (row) => `row ${row}`,
		},
		options,
	);
}

async function read(bytes: Uint8Array, source: string): Promise<{ columns: string[]; rows: Record<string, unknown>[] }> {
	const file = new Uint8Array(bytes).buffer;
	try {
		const metadata = parquetMetadata(file);
		const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
		return { columns, rows: await parquetReadObjects({ file, metadata, compressors: COMPRESSORS }) };
	} catch (cause) {
		throw new DataError(
			"FILE_UNREADABLE",
			`${source}: damaged Parquet file (${(cause as Error).message})`,
			"Write the file again, flat columns, snappy or zstd.",
			cause,
		);
	}
}
