/** Loaded keys by path, up to a number of bytes. */
import { stat } from "node:fs/promises";
import { collectGarbage } from "./garbage.ts";
import type { Helpers } from "./helpers.ts";
import { type LoadedKey, loadedBytes, loadKey } from "./key.ts";

interface Entry {
	/** changes when the file does */
	readonly version: string;
	readonly bytes: number;
	readonly key: Promise<LoadedKey>;
}

/** The least recently used key goes first. Its memory is free once no proof refers to it. */
export class KeyCache {
	readonly #maxBytes: number;
	readonly #helpers: Helpers | undefined;
	/** the most recently used last */
	readonly #entries = new Map<string, Entry>();

	/**
	 * @param maxBytes of all keys together
	 * @param helpers threads that help to load
	 */
	constructor(maxBytes: number, helpers?: Helpers) {
		this.#maxBytes = maxBytes;
		this.#helpers = helpers;
	}

	/** Bytes of all keys that are held. */
	get bytes(): number {
		return [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes, 0);
	}

	/**
	 * A key, loaded now when it is not yet, or when its file has changed.
	 * @returns the path itself when the key is larger than the cache: proofs then read it section by section
	 * @throws as {@link loadKey}; a key that could not be loaded is tried again the next time
	 */
	async get(path: string): Promise<LoadedKey | string> {
		// A missing file is reported by whoever opens it.
		const file = await stat(path).catch(() => undefined);
		const version = `${file?.ino} ${file?.size} ${file?.mtimeMs}`;
		const found = this.#entries.get(path);
		this.#entries.delete(path);
		if (found?.version === version) {
			this.#entries.set(path, found);
			return found.key;
		}
		const bytes = await loadedBytes(path);
		if (bytes > this.#maxBytes) return path;
		// Another caller may have been faster.
		const entry = this.#entries.get(path) ?? { version, bytes, key: loadKey(path, this.#helpers ? { helpers: this.#helpers } : {}) };
		this.#entries.set(path, entry);
		const held = this.#entries.size;
		for (const [oldest] of this.#entries) {
			if (this.bytes <= this.#maxBytes) break;
			this.#entries.delete(oldest);
		}
		try {
			// What goes, goes before the new key comes.
			if (this.#entries.size < held) await this.#collect();
			return await entry.key;
		} catch (error) {
			if (this.#entries.get(path) === entry) this.#entries.delete(path);
			throw error;
		}
	}

	/** Forgets all keys. Their memory goes back to the system, unless a proof still uses them. */
	async clear(): Promise<void> {
		this.#entries.clear();
		await this.#collect();
	}

	async #collect(): Promise<void> {
		await Promise.all([collectGarbage(), this.#helpers?.collect()]);
	}
}
