import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeWhole } from "./whole-file.ts";

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-whole-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("replaces what was there, and leaves nothing beside it", async () => {
	const path = join(folder, "x.json");
	await writeFile(path, "before, and longer");
	await writeWhole(path, "after");
	expect(await readFile(path, "utf8")).toBe("after");
	expect(await readdir(folder)).toEqual(["x.json"]);
});

test("what cannot take its place leaves the old one, and nothing beside it", async () => {
	const path = join(folder, "taken");
	await mkdir(path);
	await writeFile(join(path, "kept"), "");
	await expect(writeWhole(path, "after")).rejects.toThrow();
	expect(await readdir(path)).toEqual(["kept"]);
	expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
