/** Files that a user names, as inputs of compute jobs. */
import { open, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { readTable } from "../../compute/dataset.ts";
import { fitQuantisation, type Quantisation, quantisationOf, quantise } from "../../compute/quantisation.ts";
import { selectRows } from "../../compute/rows.ts";
import type { Table } from "../../compute/table.ts";
import { ContentFolder, contentDigest } from "../../network/compute/content.ts";
import { type Input, inlineInput, MAX_INLINE } from "../../network/compute/input.ts";
import { decodeFeatures, encodeRows, type FeatureRows } from "../../network/compute/rows.ts";
import { FileError, readJsonFile } from "../file.ts";

export interface ScaleFlags {
	label?: string;
	scale?: string;
	oneRange?: boolean;
	dropConstant?: boolean;
	clip?: boolean;
}

/** Rows, and the file that holds them: the user's own, or one that is yet to be written. */
export interface RowsFile extends FeatureRows {
	readonly bytes: Uint8Array;
	/** Of a safetensors file of the user. */
	readonly path: string | undefined;
	/** Of a table, and undefined for rows that are bytes already. */
	readonly scale: Quantisation | undefined;
}

/** Adds how a table becomes bytes. */
export function withScale(command: Command): Command {
	return command
		.option("--label <column>", "label column of a table, by name or 0-based index (default: the last)")
		.option("--scale <file>", "JSON with the scale of other rows (default: that of these rows)")
		.option("--one-range", "one range for all columns instead of one for each, for pictures: constant columns may stay")
		.option("--drop-constant", "leave out columns with a single value")
		.option("--clip", "clip values to the range of --scale");
}

/**
 * Reads rows: a safetensors file (network/compute/rows.ts), or a table (CSV, Parquet, IDX), which is quantised.
 * @param scale - of other rows, which these must be on
 * @throws {DataError} of the file
 */
export async function readRowsFile(path: string, flags: ScaleFlags, scale?: Quantisation): Promise<RowsFile> {
	if (isSafetensors(await readStart(path))) {
		const bytes = await readFile(path);
		return { ...decodeFeatures(bytes, path), bytes, path: resolve(path), scale: undefined };
	}
	const table = await readTable(path, { label: flags.label });
	const all = allRows(table);
	const own = scale ?? (await scaleOf(table, all, flags));
	const d = own.columns.length + 1;
	// Rows on a scale of others may lie outside of it.
	const rows = selectRows(quantise(table, own, { clip: flags.clip || scale !== undefined }), table.labels, d, all);
	const bytes = encodeRows(rows, d);
	return { ...decodeFeatures(bytes, path), bytes, path: undefined, scale: own };
}

async function scaleOf(table: Table, rows: Uint32Array, { scale, oneRange, dropConstant }: ScaleFlags): Promise<Quantisation> {
	if (scale !== undefined) return quantisationOf(await readJsonFile(scale, "a scale"), scale, table);
	return fitQuantisation(table, rows, { oneRange, dropConstantColumns: dropConstant });
}

function allRows({ n }: Table): Uint32Array {
	return Uint32Array.from({ length: n }, (_, row) => row);
}

/** The classes of rows: as asked, else one more than the largest label, and at least 2. */
export function classesOf(files: readonly RowsFile[], asked: number | undefined): number {
	if (asked !== undefined) return asked;
	const labels = files.flatMap(({ others }) => others.filter(({ name }) => name === "label"));
	return labels.reduce((most, { values }) => (values as Uint8Array).reduce((largest, label) => Math.max(largest, label + 1), most), 2);
}

/** An input of a job: in the job where it is small, else the user's file, else a file in the folder of contents. */
export async function inputOf(bytes: Uint8Array, path: string | undefined, folder: string): Promise<Input> {
	if (bytes.length <= MAX_INLINE) return inlineInput(bytes);
	if (path !== undefined) return { sha256: contentDigest(bytes), path };
	const contents = new ContentFolder(resolve(folder));
	const sha256 = await contents.put(bytes);
	return { sha256, path: contents.pathOf(sha256) };
}

/** The first bytes of a file; of an IDX pair, those of the images. */
async function readStart(path: string): Promise<Uint8Array> {
	const start = new Uint8Array(9);
	try {
		await using file = await open(path.split(",")[0] as string);
		const { bytesRead } = await file.read(start, 0, start.length, 0);
		return start.subarray(0, bytesRead);
	} catch (cause) {
		throw new FileError("FILE_UNREADABLE", `expected rows at ${path}, got ${(cause as Error).message}`, "Check the path.", cause);
	}
}

/** The length of a header that is far below 2^40, and the header's first byte: no table begins like this. */
function isSafetensors(start: Uint8Array): boolean {
	return start.length > 8 && start.subarray(5, 8).every((byte) => byte === 0) && start[8] === 0x7b;
}
