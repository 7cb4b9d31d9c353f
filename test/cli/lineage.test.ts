/** `openledger lineage`: docs/lineage.md as it is written, and what is refused. */
import { spawn } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { keccak256 } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RECORD_KINDS } from "../../attribution/lineage/node.ts";
import { recordKinds } from "../../ledger/enums.ts";
import { jsonDigest } from "../../network/epoch/json.ts";
import { Terminal } from "./program.ts";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const program = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

let terminal: Terminal;
beforeAll(async () => {
	terminal = new Terminal(await mkdtemp(join(tmpdir(), "openledger-lineage-")), {});
	const bin = join(terminal.folder, "bin");
	await mkdir(bin);
	await writeFile(
		join(bin, "openledger"),
		`#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${program}" "$@"\n`,
	);
	await chmod(join(bin, "openledger"), 0o755);
});
afterAll(() => rm(terminal.folder, { recursive: true, force: true }));

const file = (name: string) => join(terminal.folder, name);

/** Standard output of a script, which must succeed. */
function script(code: string): Promise<string> {
	const env = { ...process.env, PATH: `${file("bin")}${delimiter}${process.env.PATH}` };
	const child = spawn("bash", ["-e", "-c", code], { cwd: terminal.folder, env, stdio: ["ignore", "pipe", "inherit"] });
	let output = "";
	child.stdout.on("data", (chunk: Buffer) => {
		output += chunk;
	});
	return new Promise((resolve, reject) => {
		child.on("close", (status) => (status === 0 ? resolve(output) : reject(new Error(`script: expected success, got ${status}: ${code}`))));
	});
}

describe("the guide", () => {
	test("does what it says, and its picture is the one that it draws", async () => {
		const guide = await readFile(join(docs, "lineage.md"), "utf8");
		const blocks = [...guide.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)].map(([, kind, text]) => ({ kind, text: text as string }));
		expect(blocks.filter(({ kind }) => kind === "sh").length).toBeGreaterThan(5);
		for (const [i, { kind, text }] of blocks.entries()) {
			if (kind !== "sh") continue;
			const output = await script(text);
			const next = blocks[i + 1];
			expect(output, text).toBe(next?.kind === "text" ? next.text : "");
		}
		expect(await readFile(file("lineage.svg"), "utf8")).toBe(await readFile(join(docs, "lineage.svg"), "utf8"));
	}, 120_000);

	test("its nodes have the digests and kinds of their records on chain", async () => {
		const { nodes } = await terminal.json("lineage", "show", "lineage.json");
		const idOf = (name: string) => nodes.find((node: { name: string }) => node.name === name).id;
		expect(idOf("reviews")).toBe(keccak256(await readFile(file("data/reviews.csv"))));
		expect(idOf("support")).toBe(keccak256(await readFile(file("models/support.bin"))));
		expect(idOf("manifest")).toBe(jsonDigest(JSON.parse(await readFile(file("models/manifest.json"), "utf8"))));
		for (const kind of Object.values(RECORD_KINDS)) expect(recordKinds).toContain(kind);
		expect(nodes.map((node: { recordKind: string }) => node.recordKind)).toEqual([
			"Dataset",
			"Dataset",
			"Dataset",
			"ModelManifest",
			"Checkpoint",
			"FineTune",
			"Checkpoint",
		]);
	});

	test("a payment is whole in JSON, in wei", async () => {
		const { credit } = await terminal.json("lineage", "show", "lineage.json", "--credit", "0.000000000000000007", "--node", "base");
		const sum = credit.contributors.reduce((all: bigint, { amount }: { amount: string }) => all + BigInt(amount), 0n);
		expect([credit.amount, sum]).toEqual(["7", 7n]);
	});
});

describe("refused", () => {
	const refused = async (code: number, name: string, message: string, ...args: string[]) => {
		const { code: exit, stdout } = await terminal.run(["lineage", ...args, "--json"]);
		const { ok, error } = JSON.parse(stdout);
		expect({ exit, ok, code: error.code }).toEqual({ exit: code, ok: false, code: name });
		expect(error.message).toContain(message);
	};
	/** The guide's file with one thing changed. */
	const changed = async (
		change: (nodes: { id: string; name: string; parents: { id: string; weight: number }[]; kind: string }[]) => void,
	) => {
		const lineage = JSON.parse(await readFile(file("lineage.json"), "utf8"));
		change(lineage.nodes);
		await writeFile(file("changed.json"), JSON.stringify(lineage));
		return "changed.json";
	};

	test("a file that is none, or no JSON, or malformed", async () => {
		await refused(3, "FILE_MISSING", "none.json", "verify", "none.json");
		await writeFile(file("broken.json"), "{");
		await refused(3, "FILE_MALFORMED", "broken.json", "show", "broken.json");
		await refused(
			3,
			"LINEAGE_MALFORMED",
			"add up to 1000000",
			"show",
			await changed(([first]) => Object.assign(first as object, { contributors: [] })),
		);
	});

	test("a cycle, a missing parent, an id twice", async () => {
		const cycle = await changed((nodes) => {
			const [clean, base] = [nodes[2], nodes[4]] as [(typeof nodes)[0], (typeof nodes)[0]];
			(clean.parents[0] as { id: string }).id = base.id;
		});
		await refused(3, "LINEAGE_CYCLE", "clean <- base <- clean", "verify", cycle);
		await refused(3, "LINEAGE_PARENT_MISSING", '"clean" has the parent', "verify", await changed((nodes) => nodes.splice(0, 1)));
		await refused(
			3,
			"DUPLICATE_ID",
			"two nodes have the id",
			"verify",
			await changed((nodes) => nodes.push({ ...(nodes[0] as (typeof nodes)[0]), name: "again" })),
		);
	});

	test("a missing content, a missing root and a changed run: exit code 4", async () => {
		await refused(4, "LINEAGE_CONTENT_MISSING", "and 5 more", "verify", "lineage.json", "--root", "nowhere");
		await copyFile(file("runs/merged.json"), file("kept.json"));
		await writeFile(file("runs/merged.json"), "{}");
		await refused(4, "LINEAGE_DIGEST_CHANGED", "the run runs/merged.json", "verify", "lineage.json");
		await copyFile(file("kept.json"), file("runs/merged.json"));
		expect(await terminal.run(["lineage", "verify", "lineage.json"])).toMatchObject({ code: 0 });
	});

	test("a payment to nobody in particular", async () => {
		const apart = await changed((nodes) => nodes.splice(3, 4));
		await writeFile(file("data/more.csv"), "more");
		await terminal.run([
			"lineage",
			"record",
			apart,
			"--kind",
			"Dataset",
			"--name",
			"more",
			"--content",
			"data/more.csv",
			"--licence",
			"MIT",
			"--contributor",
			"ann=1",
		]);
		await refused(2, "USAGE", "there are 2 nodes to pay: clean, more", "show", apart, "--credit", "1");
	});

	test.each([
		["a content that is not there", ["--content", "data/none.csv"], 4, "LINEAGE_CONTENT_MISSING", "data/none.csv"],
		["a content that is there already", ["--content", "data/reviews.csv"], 3, "DUPLICATE_ID", '"reviews" and "new"'],
		["a content outside the folder", ["--content", program], 2, "USAGE", "below"],
		["an unknown parent", ["--contributor", "ann=0.5", "--parent", "nobody=0.5"], 3, "LINEAGE_PARENT_MISSING", 'got "nobody"'],
		["parts that do not add up", ["--contributor", "ann=0.5"], 3, "LINEAGE_MALFORMED", "got 500000"],
	])("recording %s, and the file stays as it was", async (_, extra, code, name, message) => {
		await writeFile(file("data/new.csv"), "new");
		const before = await readFile(file("lineage.json"), "utf8");
		const has = (flag: string) => extra.includes(flag);
		const args = ["record", "lineage.json", "--kind", "Checkpoint", "--name", "new", "--licence", "MIT", ...extra];
		if (!has("--content")) args.push("--content", "data/new.csv");
		if (!has("--contributor")) args.push("--contributor", "ann=1");
		await refused(code, name, message, ...args);
		expect(await readFile(file("lineage.json"), "utf8")).toBe(before);
		expect((await readdir(terminal.folder)).filter((entry) => entry.endsWith(".tmp"))).toEqual([]);
	});

	test.each([
		[["record", "x.json", "--kind", "Poem", "--name", "a", "--content", "a", "--licence", "MIT"], "Allowed choices"],
		[
			["record", "x.json", "--kind", "Dataset", "--name", "a", "--content", "a", "--licence", "MIT", "--contributor", "ann"],
			"expected NAME=PART",
		],
		[
			["record", "x.json", "--kind", "Dataset", "--name", "a", "--content", "a", "--licence", "MIT", "--contributor", "ann=1.5"],
			"expected NAME=PART",
		],
		[["verify", "lineage.json", "--seal", "merged=0x12"], "expected NAME=SEAL"],
		[["show", "lineage.json", "--credit", "-1"], "expected an amount"],
	])("%o", async (args, message) => {
		expect(await terminal.run(["lineage", ...args])).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
	});
});
