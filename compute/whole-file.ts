/** Files that are there whole or not at all. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "./errors.ts";

/**
 * Writes beside the place, flushes and renames: a crash or a full disk leaves the old file or none.
 * @param path - in a folder that is there
 * @throws {DataError} DISK_FULL
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
	const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
	try {
		const file = await open(temporary, "wx");
		try {
			await file.writeFile(content);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, path);
	} catch (error) {
		await rm(temporary, { force: true });
		if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
		const hint = "Free some space and run the same command again; what was finished is kept.";
		throw new DataError("DISK_FULL", `${path}: no space left on the disk`, hint, error);
	}
}
