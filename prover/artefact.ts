/**
 * The cache of built files: circuits, keys.
 *
 * A file is named by its kind and the digest of everything it was made from. It is written under a temporary name in
 * its own folder, flushed, and renamed; so is a record of its size and SHA-256 beside it. The record
 * is what makes the file visible: a crash between the two leaves nothing that {@link findArtefact} returns.
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { ArtefactError } from "./errors.ts";

/** A complete file in the cache. */
export interface Artefact {
	readonly kind: string;
	readonly digest: string;
	/** absolute path */
	readonly path: string;
	/** size of the file */
	readonly bytes: number;
	/** SHA-256 of the content, hex */
	readonly sha256: string;
}

/**
 * Where cached files lie: `OPENLEDGER_CACHE`, or `openledger` in the user's cache folder (`XDG_CACHE_HOME`, `~/.cache`).
 * @param env the environment to read
 * @returns absolute path; the folder need not exist
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
	if (env.OPENLEDGER_CACHE) return env.OPENLEDGER_CACHE;
	return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "openledger");
}

/**
 * Path of a cached file, whether it exists or not.
 * @param kind file type, also its extension ("r1cs", "zkey", ...)
 * @param digest lower-case hex
 */
export function artefactPath(kind: string, digest: string, root = cacheRoot()): string {
	return join(root, kind, `${digest}.${kind}`);
}

/**
 * Looks a file up. Compares its size, which is cheap; {@link checkArtefact} reads it all.
 * @returns undefined when it was never published
 * @throws ArtefactError `artefact.damaged` when the file is shorter or longer than it was
 */
export async function findArtefact(kind: string, digest: string, root = cacheRoot()): Promise<Artefact | undefined> {
	const path = artefactPath(kind, digest, root);
	let record: { bytes: number; sha256: string };
	try {
		record = JSON.parse(await readFile(`${path}.json`, "utf8"));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw damaged(`findArtefact: expected a readable record beside ${path}, got ${(error as Error).message}`, path);
	}
	const size = await stat(path).then(
		(found) => found.size,
		() => undefined,
	);
	if (size !== record.bytes) {
		throw damaged(`findArtefact: expected ${path} to hold ${record.bytes} bytes, got ${size ?? "no file"}`, path);
	}
	return { kind, digest, path, bytes: record.bytes, sha256: record.sha256 };
}

/**
 * Reads a cached file in full and compares its SHA-256.
 * @throws ArtefactError `artefact.damaged` when any byte differs
 */
export async function checkArtefact(artefact: Artefact): Promise<void> {
	const sha256 = await fileSha256(artefact.path);
	if (sha256 !== artefact.sha256) {
		throw damaged(`checkArtefact: expected ${artefact.path} to have SHA-256 ${artefact.sha256}, got ${sha256}`, artefact.path);
	}
}

/**
 * Writes a file into the cache. Nothing is left behind when `write` fails or the signal fires.
 * @param write fills the file at the path it is given; the file does not exist yet
 * @returns the published file
 * @throws ArtefactError `artefact.disk-full`; whatever `write` throws; the signal's reason
 */
export async function publishArtefact(
	kind: string,
	digest: string,
	write: (path: string) => Promise<void>,
	options: { root?: string; signal?: AbortSignal } = {},
): Promise<Artefact> {
	const path = artefactPath(kind, digest, options.root);
	const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
	const record = `${temporary}.json`;
	try {
		options.signal?.throwIfAborted();
		await mkdir(dirname(path), { recursive: true });
		await write(temporary);
		options.signal?.throwIfAborted();
		await flush(temporary);
		const bytes = (await stat(temporary)).size;
		const sha256 = await fileSha256(temporary);
		await writeFile(record, `${JSON.stringify({ bytes, sha256 })}\n`);
		await flush(record);
		// Both are on disk: what is left needs no space.
		await rename(temporary, path);
		await rename(record, `${path}.json`);
		return { kind, digest, path, bytes, sha256 };
	} catch (error) {
		await rm(temporary, { force: true });
		await rm(record, { force: true });
		throw diskFull(error, path);
	}
}

/**
 * Removes a cached file, the record first, so that it is never visible without content.
 */
export async function dropArtefact(kind: string, digest: string, root = cacheRoot()): Promise<void> {
	const path = artefactPath(kind, digest, root);
	await rm(`${path}.json`, { force: true });
	await rm(path, { force: true });
}

/** SHA-256 of a file, hex. */
export async function fileSha256(path: string): Promise<string> {
	const hash = createHash("sha256");
	for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(block);
	return hash.digest("hex");
}

async function flush(path: string): Promise<void> {
	const file = await open(path, "r+");
	try {
		await file.sync();
	} finally {
		await file.close();
	}
}

function damaged(message: string, path: string): ArtefactError {
	return new ArtefactError("artefact.damaged", message, { hint: `delete ${path}* and run again; it is built anew` });
}

/** Turns "no space left" and "quota exceeded" into a named error; leaves every other error as it is. */
function diskFull(error: unknown, path: string): unknown {
	const code = (error as NodeJS.ErrnoException)?.code;
	if (code !== "ENOSPC" && code !== "EDQUOT") return error;
	return new ArtefactError("artefact.disk-full", `publishArtefact: expected space for ${path}, got ${code}`, {
		hint: "free some space, or set OPENLEDGER_CACHE to a folder on another disk",
		cause: error,
	});
}
