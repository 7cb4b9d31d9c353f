import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusal } from "../compute/testing.ts";
import { prepareFolder, prepareOutput } from "./file.ts";

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-file-"));
});

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

describe("a place for a file", () => {
	test("is made with its folders, and left empty", async () => {
		const path = join(folder, "one", "two", "x.svg");
		await Promise.all([prepareOutput(path), prepareOutput(join(folder, "one", "two", "y.svg"))]);
		expect(await readdir(join(folder, "one", "two"))).toEqual([]);
	});

	test("keeps the file that is there", async () => {
		const path = join(folder, "kept.svg");
		await writeFile(path, "before");
		await prepareOutput(path);
		expect(await readFile(path, "utf8")).toBe("before");
	});

	test("is refused where it is a folder", async () => {
		const path = join(folder, "folder.svg");
		await mkdir(path);
		expect(await refusal(() => prepareOutput(path))).toEqual({
			code: "FILE_UNWRITABLE",
			message: `expected to write ${path}, got a folder of this name`,
		});
	});

	test.each([
		["below a file", "ENOTDIR"],
		["below a link to nothing", "ENOENT"],
	])("is refused %s", async (name, reason) => {
		const path = join(folder, name);
		await (reason === "ENOTDIR" ? writeFile(path, "") : symlink(join(folder, "nothing"), path));
		expect(await refusal(() => prepareOutput(join(path, "x.svg")))).toEqual({
			code: "FILE_UNWRITABLE",
			message: expect.stringContaining(`expected to write ${join(path, "x.svg")}, got a place that cannot be written (${reason}`),
		});
	});
});

test("a folder that is there is left alone, and one that is not is not made", async () => {
	const [there, missing] = [join(folder, "there"), join(folder, "above", "missing")];
	await mkdir(there);
	await writeFile(join(there, "kept"), "");
	await Promise.all([prepareFolder(there), prepareFolder(missing)]);
	expect([await readdir(there), await readdir(join(folder, "above"))]).toEqual([["kept"], []]);
});

// Linux: folders below /proc cannot be made, and say that they do not exist. Elsewhere / cannot be written.
test.each([
	["a file", "/proc/nowhere/x.svg", (data: string) => ["attribute", "--train", data, "--test", data, "--plot", "/proc/nowhere/x.svg"]],
	["a folder", "/proc/nowhere/epoch", (data: string) => ["epoch", "run", "--data", data, "--out", "/proc/nowhere/epoch"]],
])("a command that cannot write %s ends at once, exit 3", async (_, place, args) => {
	const main = fileURLToPath(new URL("main.ts", import.meta.url));
	const data = join(folder, "rows.csv");
	await writeFile(data, "a,label\n1,0\n2,1\n");
	const command = ["--disable-warning=ExperimentalWarning", main, ...args(data)];
	const child = spawn(process.execPath, command, { stdio: ["ignore", "ignore", "pipe"] });
	let stderr = "";
	child.stderr.on("data", (chunk: Buffer) => {
		stderr += chunk;
	});
	const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
	const code = await new Promise((resolve) => child.on("close", resolve));
	clearTimeout(timer);
	expect(stderr).toContain(`openledger: expected to write ${place}, got a place that cannot be written (ENOENT`);
	expect(code).toBe(3);
});
