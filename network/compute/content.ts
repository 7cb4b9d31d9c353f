/**
 * A folder of files that are named by the SHA-256 of their bytes: what jobs take and what comes out of them. Names say what is inside, so
 * several workers write to one folder, the same bytes are one file, and a file is there whole or not at all.
 */
import { createHash } from "node:crypto";
import { access, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { DataError } from "../../compute/errors.ts";
import { writeWhole } from "../epoch/json.ts";

/** SHA-256 of bytes, 64 hexadecimal digits. */
export type ContentDigest = string;

export const CONTENT_DIGEST = /^[0-9a-f]{64}$/;

export function contentDigest(bytes: Uint8Array): ContentDigest {
	return createHash("sha256").update(bytes).digest("hex");
}

/** The folder of a machine's user when nothing is said: `OPENLEDGER_CONTENT`, else `openledger/content` in the user's folder for state. */
export function defaultContentFolder(env: NodeJS.ProcessEnv = process.env): string {
	return env.OPENLEDGER_CONTENT || join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "openledger", "content");
}

export class ContentFolder {
	readonly path: string;

	constructor(path: string) {
		this.path = path;
	}

	/** Where bytes of a digest lie, whether they are there or not. */
	pathOf(digest: ContentDigest): string {
		return join(this.path, digest.slice(0, 2), digest);
	}

	/**
	 * Writes bytes, flushed to the disk. Bytes that are there already are not written again.
	 * @throws DataError DISK_FULL
	 */
	async put(bytes: Uint8Array): Promise<ContentDigest> {
		const digest = contentDigest(bytes);
		const path = this.pathOf(digest);
		const found = await stat(path).catch(() => undefined);
		if (found?.size !== bytes.length) await writeWhole(path, bytes);
		return digest;
	}

	async has(digest: ContentDigest): Promise<boolean> {
		return access(this.pathOf(digest)).then(
			() => true,
			() => false,
		);
	}

	/** @throws {DataError} FILE_MISSING, FILE_UNREADABLE, FILE_DAMAGED */
	async read(digest: ContentDigest): Promise<Uint8Array> {
		return readContent(this.pathOf(digest), digest);
	}
}

/**
 * A file whose bytes must have a digest.
 * @throws {DataError} FILE_MISSING, FILE_UNREADABLE; FILE_DAMAGED for other bytes
 */
export async function readContent(path: string, digest: ContentDigest): Promise<Uint8Array> {
	const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
		throw cause.code === "ENOENT"
			? new DataError("FILE_MISSING", `${path}: no such file`, "Give the file to the machine of the worker under this path.", cause)
			: new DataError("FILE_UNREADABLE", `${path}: ${cause.message}`, "Let the worker's user read the file.", cause);
	});
	const got = contentDigest(bytes);
	if (got === digest) return bytes;
	throw new DataError(
		"FILE_DAMAGED",
		`${path}: expected bytes of SHA-256 ${digest}, got ${got}`,
		"Restore the file, or submit the job again for what it holds now.",
	);
}
