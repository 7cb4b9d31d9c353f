/**
 * The bytes of a data file, decompressed if it is a gzip file (recognised by its first bytes, not by its name).
 */
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { DataError } from "./errors.ts";

/**
 * Read a whole file.
 * @param path - file, plain or gzip
 * @returns its decompressed bytes
 * @throws {DataError} FILE_MISSING if there is no such file; FILE_UNREADABLE if it cannot be read, is a folder, is empty
 *   or is a damaged gzip file
 */
export async function readBytes(path: string): Promise<Uint8Array> {
	let bytes: Uint8Array;
	try {
		bytes = await readFile(path);
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
			throw new DataError("FILE_MISSING", `${path}: no such file`, "Check the path; without a file the built-in glyphs are used.", cause);
		}
		throw new DataError("FILE_UNREADABLE", `${path}: ${(cause as Error).message}`, "Give a readable file, not a folder.", cause);
	}
	if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
		try {
			bytes = gunzipSync(bytes);
		} catch (cause) {
			throw new DataError(
				"FILE_UNREADABLE",
				`${path}: damaged gzip file (${(cause as Error).message})`,
				"Fetch or compress the file again.",
				cause,
			);
		}
	}
	if (bytes.length === 0) throw new DataError("FILE_UNREADABLE", `${path}: the file is empty`, "Give a file with rows.");
	return bytes;
}
