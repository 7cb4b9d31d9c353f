import { copyFile, mkdtemp, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCircuit } from "../compile.ts";
import { deriveSecrets } from "../setup/secrets.ts";
import { writeDevelopmentKey } from "../setup.ts";
import { toyCircuit } from "../toy.ts";
import { Helpers } from "./helpers.ts";
import { type LoadedKey, loadedBytes } from "./key.ts";
import { KeyCache } from "./key-cache.ts";

let root: string;
let paths: [string, string, string];
let bytes: number;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-keys-"));
	paths = [join(root, "one.zkey"), join(root, "two.zkey"), join(root, "three.zkey")];
	const compiled = await compileCircuit(toyCircuit(9), { root });
	await writeDevelopmentKey(paths[0], compiled, deriveSecrets("test"), { threads: 1 });
	for (const path of paths.slice(1)) await copyFile(paths[0], path);
	bytes = await loadedBytes(paths[0]);
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe("KeyCache", () => {
	it("loads a key once, also for callers at the same time", async () => {
		const cache = new KeyCache(10 * bytes);
		const [one, same] = await Promise.all([cache.get(paths[0]), cache.get(paths[0])]);
		expect(same).toBe(one);
		expect(await cache.get(paths[0])).toBe(one);
		expect(await cache.get(paths[1])).not.toBe(one);
		expect(cache.bytes).toBe(2 * bytes);
		expect((one as LoadedKey).bytes).toBeGreaterThanOrEqual(bytes);
	});

	it("lets the least recently used go first", async () => {
		const cache = new KeyCache(2 * bytes);
		const [one, two] = [await cache.get(paths[0]), await cache.get(paths[1])];
		expect(await cache.get(paths[0])).toBe(one);
		await cache.get(paths[2]);
		expect(cache.bytes).toBe(2 * bytes);
		expect(await cache.get(paths[0])).toBe(one);
		expect(await cache.get(paths[1])).not.toBe(two);
		await cache.clear();
		expect(cache.bytes).toBe(0);
	});

	it("gives the memory of a key back", async () => {
		const helpers = new Helpers(1);
		try {
			const cache = new KeyCache(10 * bytes, helpers);
			const memory = new WeakRef(((await cache.get(paths[0])) as LoadedKey).memory);
			expect(memory.deref()).toBeDefined();
			await cache.clear();
			expect(memory.deref()).toBeUndefined();
		} finally {
			await helpers.close();
		}
	});

	it("does not load what is larger than the cache", async () => {
		const cache = new KeyCache(bytes - 1);
		expect(await cache.get(paths[0])).toBe(paths[0]);
		expect(cache.bytes).toBe(0);
	});

	it("loads a file again that has changed", async () => {
		const cache = new KeyCache(10 * bytes);
		const one = await cache.get(paths[0]);
		const { mtimeMs } = await stat(paths[0]);
		await utimes(paths[0], new Date(), new Date(mtimeMs + 5000));
		expect(await cache.get(paths[0])).not.toBe(one);
		expect(cache.bytes).toBe(bytes);
	});

	it("keeps nothing of a key that cannot be loaded", async () => {
		const cache = new KeyCache(10 * bytes);
		const path = join(root, "broken.zkey");
		await expect(cache.get(path)).rejects.toMatchObject({ code: "key.missing" });
		await copyFile(paths[1], path);
		await truncate(path, 1000);
		await expect(cache.get(path)).rejects.toMatchObject({ code: "key.truncated" });
		await writeFile(path, "");
		await expect(cache.get(path)).rejects.toMatchObject({ code: "key.truncated" });
		await copyFile(paths[1], path);
		expect(await cache.get(path)).toMatchObject({ name: path });
		expect(cache.bytes).toBe(bytes);
	});
});
