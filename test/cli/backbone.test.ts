/** `openledger backbone`: docs/backbones.md as it is written, what is refused, and that nothing is left behind. */
import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { networkBackbone } from "../../compute/backbone/backbone.ts";
import { readTable } from "../../compute/dataset.ts";
import { keccak } from "../../compute/digest.ts";
import { Terminal } from "./program.ts";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const program = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

let terminal: Terminal;
const file = (name: string) => join(terminal.folder, name);

beforeAll(async () => {
	terminal = new Terminal(await mkdtemp(join(tmpdir(), "openledger-backbone-")), {});
	await mkdir(file("bin"));
	await writeFile(
		file("bin/openledger"),
		`#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${program}" "$@"\n`,
	);
	await chmod(file("bin/openledger"), 0o755);
});
afterAll(() => rm(terminal.folder, { recursive: true, force: true }));

/** Standard output of a script, which must succeed. */
function script(code: string): Promise<string> {
	const env = { ...process.env, PATH: `${file("bin")}${delimiter}${process.env.PATH}` };
	const child = spawn("bash", ["-e", "-c", code], { cwd: terminal.folder, env, stdio: ["ignore", "pipe", "ignore"] });
	let output = "";
	child.stdout.on("data", (chunk: Buffer) => {
		output += chunk;
	});
	return new Promise((resolve, reject) => {
		child.on("close", (status) => (status === 0 ? resolve(output) : reject(new Error(`script: expected success, got ${status}: ${code}`))));
	});
}

test("the guide does what it says", async () => {
	const guide = await readFile(join(docs, "backbones.md"), "utf8");
	const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)].map(([, code, text]) => ({ code, text }));
	expect(blocks.length).toBe(3);
	for (const { code, text } of blocks) expect(await script(code as string), code).toBe(text);
}, 120_000);

describe("after the guide", () => {
	test("the manifest of the features says what they are of", async () => {
		const result = await terminal.json("backbone", "show", "pooled.json");
		const manifest = JSON.parse(await readFile(file("features.json"), "utf8"));
		expect(manifest).toMatchObject({
			schema: "openledger.features.v1",
			backbone: result.digest,
			rows: 4,
			features: 4,
			classes: ["left", "right"],
			files: {
				features: keccak(await readFile(file("features-images-idx2-ubyte"))),
				labels: keccak(await readFile(file("features-labels-idx1-ubyte"))),
			},
		});
	});

	test("features are data that is read again", async () => {
		const table = await readTable(file("features-images-idx2-ubyte"));
		expect([table.n, table.m, [...table.labels]]).toEqual([4, 4, [0, 1, 0, 1]]);
	});
});

describe("a network", () => {
	const network = networkBackbone({
		architecture: {
			input: { height: 4, width: 4, channels: 1 },
			layers: [
				{ kind: "convolution", channels: 2, kernel: 2, stride: 2, padding: 0 },
				{ kind: "dense", outputs: 2 },
			],
			shifts: [7, 7],
		},
		layers: [
			{ weights: Int8Array.of(30, -9, 40, 9, -50, 100, 60, 4), bias: Int32Array.of(100, -200) },
			{ weights: new Int8Array(16), bias: new Int32Array(2) },
		],
	});
	beforeAll(async () => {
		await mkdir(file("networks"));
		for (const name of ["whole", "alone", "changed"]) await writeFile(file(`networks/${name}.json`), JSON.stringify(network.manifest));
		await writeFile(file("networks/whole.weights"), network.weights as Uint8Array);
		await writeFile(file("networks/changed.weights"), (network.weights as Uint8Array).with(0, 31));
		await writeFile(file("networks/other.json"), '{"schema": "openledger.model.v1"}');
		await writeFile(file("networks/broken.json"), "{");
	});

	test("is shown with its weights, and listed beside those that are not whole", async () => {
		const shown = await terminal.json("backbone", "show", "networks/whole.json", "--digest", network.digest);
		expect(shown).toEqual({ file: "networks/whole.json", digest: network.digest, manifest: network.manifest, weightsBytes: 16 });
		const { code, stdout } = await terminal.run(["backbone", "list", "networks", "--json"]);
		const { backbones } = JSON.parse(stdout).result;
		expect(code).toBe(1);
		expect(backbones.map(({ file, digest, problem }: Record<string, string>) => [file, digest, problem])).toEqual([
			["alone.json", null, expect.stringContaining("expected the weights of networks/alone.json at networks/alone.weights")],
			["changed.json", null, expect.stringContaining("expected weights with the digest")],
			["whole.json", network.digest, null],
		]);
	});

	test("maps data, the same on every backend", async () => {
		for (const backend of ["wasm", "reference"]) {
			const { code, stderr } = await terminal.run([
				"backbone",
				"apply",
				"networks/whole.json",
				"--data",
				"pictures.csv",
				"--one-range",
				"--out",
				`network-${backend}`,
				"--backend",
				backend,
			]);
			expect({ code, end: stderr.split("\n").at(-2) }).toEqual({ code: 0, end: `features    4/4 int8-network on ${backend}` });
		}
		const [one, other] = await Promise.all(["wasm", "reference"].map((backend) => readFile(file(`network-${backend}-images-idx2-ubyte`))));
		expect(one).toEqual(other);
		expect(new Set(one?.subarray(12)).size).toBeGreaterThan(4);
	});
});

describe("refused, and nothing is written", () => {
	const apply = ["backbone", "apply", "pooled.json", "--data", "pictures.csv", "--out", "none"];
	const epoch = ["epoch", "run", "--out", "none"];
	const wrong = `0x${"1".repeat(64)}`;

	test.each([
		[2, "make a kind that is none", ["backbone", "make", "network", "--out", "none.json"], "unknown command 'network'"],
		[
			2,
			"a picture without size",
			["backbone", "make", "pooled-pixels", "--image", "4", "--to", "2x2", "--out", "none.json"],
			"expected a size such as 28x28",
		],
		[
			3,
			"more pixels than there are",
			["backbone", "make", "pooled-pixels", "--image", "4x4", "--to", "5x2", "--out", "none.json"],
			"pooled.height is 5, the range is [1, 4]",
		],
		[3, "a constant column", apply.with(4, "short.csv"), "is 1 in all 4 training rows"],
		[3, "other columns", [...apply.with(4, "short.csv"), "--one-range"], "expected 16 columns for this backbone, got 2"],
		[3, "no backbone", apply.with(2, "absent.json"), "expected a manifest at absent.json"],
		[3, "no data", apply.with(4, "absent.csv"), "absent.csv: no such file"],
		[3, "a scale that is none", [...apply, "--scale", "pooled.json"], "pooled.json: expected a scale"],
		[4, "another digest", [...apply, "--digest", wrong], `expected the digest ${wrong} at pooled.json`],
		[4, "weights that are not there", ["backbone", "show", "networks/alone.json"], "expected the weights of networks/alone.json"],
		[3, "a place that cannot be written", [...apply.with(6, "pictures.csv/none"), "--one-range"], "got a place that cannot be written"],
		[3, "a folder that is none", ["backbone", "list", "absent"], "expected a folder at absent"],
		[
			3,
			"an epoch of other rows",
			[...epoch, "--backbone", "pooled.json"],
			"expected a backbone of the 16 features that the data has with the bias, got one of 17",
		],
		[3, "an epoch of another scale", [...epoch, "--scale", "pooled.json"], "pooled.json: expected a scale"],
		[3, "an epoch of no scale", [...epoch, "--scale", "absent.json"], "absent.json: expected JSON with a scale, got no such file"],
		[
			2,
			"an epoch with two backbones",
			[...epoch, "--backbone", "pooled.json", "--random-features", "9"],
			"expected --backbone or --random-features, got both",
		],
	] as const)("exit %i: %s", async (exit, _, args, message) => {
		await writeFile(file("short.csv"), "1,2,left\n1,4,right\n1,2,left\n1,3,right\n");
		const { code, stderr } = await terminal.run(args);
		expect(stderr).toContain(message);
		expect(code).toBe(exit);
		expect((await readdir(terminal.folder)).filter((name) => name.startsWith("none"))).toEqual([]);
	});
});
