/** The proving keys that a prover has, by the SHA-256 of their files. */
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { artefactPath, cacheRoot, fileSha256, findArtefact } from "../artefact.ts";
import { KeyError } from "../errors.ts";

/** Path of each key by digest. */
export type Keys = ReadonlyMap<string, string>;

/**
 * Finds the keys of the cache, by their records, and those in the given files, by reading them.
 * @param files paths of .zkey files
 * @returns damaged files of the cache are left out
 * @throws KeyError `key.missing` for a file that is not there
 */
export async function findKeys(files: readonly string[], root = cacheRoot()): Promise<Keys> {
	const keys = new Map<string, string>();
	for (const name of await readdir(join(root, "zkey")).catch(() => [])) {
		const digest = /^(.+)\.zkey$/.exec(name)?.[1];
		if (digest === undefined) continue;
		const found = await findArtefact("zkey", digest, root).catch(() => undefined);
		if (found) keys.set(found.sha256, found.path);
	}
	for (const file of files) keys.set(await keyDigest(file), resolve(file));
	return keys;
}

/**
 * The name of a key in the store.
 * @returns SHA-256 of the file, hex
 * @throws KeyError `key.missing`
 */
export async function keyDigest(file: string): Promise<string> {
	await stat(file).catch((cause) => {
		throw new KeyError("key.missing", `keyDigest: expected a .zkey at ${file}, got ${(cause as Error).message}`, { cause });
	});
	return fileSha256(file);
}

/**
 * The name of a cached key in the store, without reading it.
 * @param digest that names the key in the cache
 * @throws KeyError `key.missing`
 */
export async function cachedKeyDigest(digest: string, root = cacheRoot()): Promise<string> {
	const found = await findArtefact("zkey", digest, root);
	if (found) return found.sha256;
	throw new KeyError("key.missing", `cachedKeyDigest: expected a key at ${artefactPath("zkey", digest, root)}, got none`);
}
