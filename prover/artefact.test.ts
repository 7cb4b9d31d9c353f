import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { artefactPath, cacheRoot, checkArtefact, dropArtefact, findArtefact, publishArtefact } from "./artefact.ts";

let root: string;
beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-artefact-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const fill = (path: string): Promise<void> => writeFile(path, "content");
const listing = async (): Promise<string[]> => (await readdir(root, { recursive: true })).sort();

describe("artefact cache", () => {
	it("returns what was published", async () => {
		expect(await findArtefact("key", "ab", root)).toBeUndefined();
		const published = await publishArtefact("key", "ab", fill, { root });
		const found = await findArtefact("key", "ab", root);
		expect(found).toEqual(published);
		expect(await readFile(published.path, "utf8")).toBe("content");
		await checkArtefact(published);
		await dropArtefact("key", "ab", root);
		expect(await listing()).toEqual(["key"]);
	});

	it("leaves nothing when the writer fails half way", async () => {
		const half = async (path: string): Promise<void> => {
			await writeFile(path, "con");
			throw new Error("stopped");
		};
		await expect(publishArtefact("key", "ab", half, { root })).rejects.toThrow("stopped");
		expect(await listing()).toEqual(["key"]);
	});

	it("leaves nothing when it is aborted", async () => {
		const controller = new AbortController();
		const write = async (path: string): Promise<void> => {
			await fill(path);
			controller.abort(new Error("enough"));
		};
		await expect(publishArtefact("key", "ab", write, { root, signal: controller.signal })).rejects.toThrow("enough");
		expect(await listing()).toEqual(["key"]);
	});

	it.runIf(process.platform === "linux")("names a full disk", async () => {
		const write = (): Promise<void> => writeFile("/dev/full", "content");
		await expect(publishArtefact("key", "ab", write, { root })).rejects.toMatchObject({ code: "artefact.disk-full" });
		expect(await listing()).toEqual(["key"]);
	});

	it("does not see content without its record", async () => {
		await publishArtefact("key", "ab", fill, { root });
		await rm(`${artefactPath("key", "ab", root)}.json`);
		expect(await findArtefact("key", "ab", root)).toBeUndefined();
	});

	it("refuses truncated content at once and an altered byte on demand", async () => {
		const published = await publishArtefact("key", "ab", fill, { root });
		await writeFile(published.path, "Content");
		const found = await findArtefact("key", "ab", root);
		await expect(checkArtefact(found as NonNullable<typeof found>)).rejects.toMatchObject({ code: "artefact.damaged" });
		await truncate(published.path, 3);
		await expect(findArtefact("key", "ab", root)).rejects.toMatchObject({ code: "artefact.damaged" });
	});

	it("takes its folder from the environment", () => {
		expect(cacheRoot({ OPENLEDGER_CACHE: "/a" })).toBe("/a");
		expect(cacheRoot({ XDG_CACHE_HOME: "/b" })).toBe(join("/b", "openledger"));
	});
});
