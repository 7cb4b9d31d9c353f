/** `openledger train` and `train replay` as people run them, on a small data set of their own. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawGlyphs } from "../../compute/glyphs.ts";
import { sample } from "../../compute/testing.ts";
import { Terminal } from "./program.ts";

let folder: string;
let terminal: Terminal;

/** Rows of glyphs, as CSV with names for classes. */
function csvOf(n: number, seed: bigint): string[] {
	const { rows, labels, columns, m } = drawGlyphs({ n, seed });
	const lines = Array.from(labels, (label, row) => [...rows.subarray(row * m, (row + 1) * m), `glyph ${label}`].join(","));
	return [[...columns, "label"].join(","), ...lines];
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-train-"));
	terminal = new Terminal(folder, {});
	await writeFile(join(folder, "train.csv"), csvOf(160, 1n).join("\n"));
	// Classes come in another order.
	const [header, ...lines] = csvOf(40, 2n);
	await writeFile(join(folder, "test.csv"), [header, ...lines.toReversed()].join("\n"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ROWS = ["--data", "train.csv", "--test", "test.csv"];
const DATA = [...ROWS, "--backend", "wasm"];

/** The `result` of --json; progress on stderr is fine. */
async function json(...args: string[]) {
	const { code, stdout, stderr } = await terminal.run(["train", ...args, "--json"]);
	expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
	const { schema, ok, result } = JSON.parse(stdout);
	expect(ok).toBe(true);
	return { schema, result };
}

/** The error of --json. */
async function refused(...args: string[]) {
	const { code, stdout } = await terminal.run(["train", ...args, "--json"]);
	const { ok, error } = JSON.parse(stdout);
	expect(ok).toBe(false);
	return { code, error };
}

const lastOf = (result: { checkpoints: readonly { step: number; digest: string; test: { accuracy: number } }[] }) =>
	result.checkpoints.at(-1) as (typeof result.checkpoints)[0];

describe("train", () => {
	test.each([
		["a perceptron", ["--network", "mlp:32"], 40],
		["a convolutional network", ["--network", "conv:6,12", "--image", "5x3"], 40],
		["softmax", ["--network", "softmax", "--optimizer", "sgd"], 40],
		["in mode float, by Adam", ["--network", "mlp:32", "--mode", "float", "--optimizer", "adam", "--rate", "0.01"], 40],
		["in mode float, squared loss", ["--network", "mlp:32", "--mode", "float", "--loss", "squared"], 40],
		["a ridge head", ["--network", "ridge"], 1],
	])("%s: learned, written, computed again", async (name, options, steps) => {
		const out = name.replaceAll(/\W+/g, "-");
		const { schema, result } = await json(...DATA, "--one-range", ...options, "--batch", "40", "--epochs", "10", "--out", out);
		expect(schema).toBe("openledger.train.v1");
		expect(result).toMatchObject({ folder: out, backend: { name: "wasm" } });
		const last = lastOf(result);
		expect(last).toMatchObject({ step: steps, training: { rows: 160 }, test: { rows: 40 } });
		// Of four classes.
		expect(last.test.accuracy).toBeGreaterThan(0.5);
		expect(await readFile(join(folder, out, "loss.svg"), "utf8")).toContain("held out");
		const backend = ["--backend", options.includes("float") ? "wasm" : "reference"];
		const replayed = await json("replay", out, "--from", "0", "--to", String(steps), ...backend);
		expect(replayed.schema).toBe("openledger.train.replay.v1");
		expect(replayed.result).toMatchObject({ problem: null, checkpoint: last.digest });
		// Also from the files that the rows came from.
		const { code, stdout } = await terminal.run(["train", "replay", out, "--from", "0", "--to", String(steps), ...DATA]);
		expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^the same: steps 0 to \d+ computed again on wasm/) });
	});

	test("every fourth row is held out, of as many rows as are asked for", async () => {
		const { result } = await json("--data", "train.csv", "--rows", "100", "--network", "softmax", "--epochs", "1", "--out", "fourth");
		expect(lastOf(result)).toMatchObject({ training: { rows: 75 }, test: { rows: 25 } });
	});

	test("says what it does", async () => {
		const { code, stdout, stderr } = await terminal.run([
			"train",
			...DATA,
			"--network",
			"conv:4",
			"--image",
			"5x3",
			"--epochs",
			"2",
			"--every",
			"2",
			"--out",
			"told",
		]);
		expect(code).toBe(0);
		expect(stdout).toMatch(
			/^5x3x1 - 4 \(3x3 \/ 2\) - \d+, \d+ parameters, mode integer, on wasm\n160 rows, 40 held out; 3 steps an epoch\n/,
		);
		expect(stdout).toMatch(/^ +6 +2\.0 +\d\.\d{4} +\d+\.\d\d% +\d\.\d{4} +\d+\.\d\d%$/m);
		expect(stderr).toMatch(/^train +6\/6 epoch 2, loss \d\.\d+, accuracy \d+\.\d+%; held out loss \d\.\d+, accuracy \d+\.\d+%$/m);
	});

	const digits = sample("sklearn/digits.csv.gz");
	test.skipIf(digits.absent)("does what docs/training.md shows", async () => {
		const guide = await readFile(join(import.meta.dirname, "..", "..", "docs", "training.md"), "utf8");
		const options = ["--one-range", "--network", "mlp:64,32", "--epochs", "30", "--halve", "20,25", "--backend", "wasm"];
		const trained = await terminal.run(["train", "--data", digits.path, ...options, "--out", "digits-run"]);
		const replayed = await terminal.run(["train", "replay", "digits-run", "--from", "220", "--to", "660", "--backend", "reference"]);
		for (const { code, stdout } of [trained, replayed]) {
			expect(code).toBe(0);
			for (const line of stdout.trimEnd().split("\n")) expect(guide).toContain(line);
		}
	});

	test("goes on with more epochs, by the same command or by --resume, and branches off", async () => {
		const options = [...DATA, "--network", "mlp:16", "--every", "2"];
		const whole = lastOf((await json(...options, "--epochs", "4", "--out", "whole")).result);
		await json(...options, "--epochs", "2", "--out", "parts");
		await json(...options, "--epochs", "3", "--out", "parts");
		const { result } = await json("--resume", "parts", "--every", "2", "--epochs", "4");
		const [one, other] = await Promise.all(["whole", "parts"].map((name) => readFile(join(folder, name, "step-000000012.safetensors"))));
		expect(other).toEqual(one);
		expect(lastOf(result).step).toBe(whole.step);
		const branch = await json("--resume", "whole", "--from", "6", "--out", "branch", "--every", "2", "--epochs", "4");
		expect(lastOf(branch.result).digest).toBe(whole.digest);
		expect(await refused("--resume", "whole", "--from", "6")).toMatchObject({
			code: 2,
			error: { message: "--from 6: expected --out for a step before the last one (12)" },
		});
	});

	test("Ctrl-C ends after a step with a checkpoint, and the same command goes on", async () => {
		const options = ["train", ...DATA, "--network", "mlp:64", "--batch", "16", "--every", "1000000000", "--out", "stopped"];
		const { code, stderr } = await terminal.run([...options, "--epochs", "1000000"], "", 3_000);
		expect({ code, stderr }).toMatchObject({ code: 130, stderr: expect.stringContaining("stopped by a signal") });
		const names = (await readdir(join(folder, "stopped"))).sort();
		expect(names).toHaveLength(7);
		const step = Number(/^step-(\d+)\.json$/.exec(names.at(-2) as string)?.[1]);
		expect(step).toBeGreaterThan(0);
		const { result } = await json(...options.slice(1), "--epochs", String(Math.ceil(step / 10) + 1));
		expect(lastOf(result).step).toBeGreaterThan(step);
		expect((await json("replay", "stopped", "--from", String(step), "--to", String(lastOf(result).step))).result.problem).toBe(null);
	});
});

describe("caught by replay, with exit code 1", () => {
	test("a changed weight", async () => {
		await json(...DATA, "--network", "mlp:16", "--epochs", "2", "--out", "honest");
		await cp(join(folder, "honest"), join(folder, "forged"), { recursive: true });
		const path = join(folder, "forged", "step-000000006.safetensors");
		const bytes = await readFile(path);
		bytes[bytes.length - 2] = (bytes.at(-2) as number) ^ 1;
		await writeFile(path, bytes);
		const { code, stdout } = await terminal.run(["train", "replay", "forged", "--from", "3", "--to", "6"]);
		expect(code).toBe(1);
		expect(stdout).toMatch(/^NOT THE SAME: step-000000006\.safetensors: the state was changed: its digest is /);
	});
});

describe("refused", () => {
	beforeAll(() => json(...DATA, "--network", "mlp:16", "--epochs", "1", "--out", "run"));

	test("another run in the folder", async () => {
		const { error } = await refused(...DATA, "--network", "mlp:17", "--out", "run");
		expect(error.code).toBe("CHECKPOINT_MISMATCH");
		expect(error.message).toMatch(/^run: expected a run with architecture .*16.* \(as in the folder\), got .*17/);
	});

	test("to go on as another network, or with other rows", async () => {
		const other = await refused("--resume", "run", "--network", "conv:4", "--image", "5x3");
		expect(other.error.code).toBe("CHECKPOINT_MISMATCH");
		expect(other.error.message).toMatch(/^run: expected the network \d+ - 16 - \d+ \(of the run\), got 5x3x1 - 4 \(3x3 \/ 2\) - \d+$/);
		const rows = await refused("--resume", "run", "--data", "test.csv", "--test", "train.csv");
		expect(rows.error.code).toBe("CHECKPOINT_MISMATCH");
		expect(rows.error.message).toMatch(/^data: expected train n 160 \(of the run\), got 40$/);
	});

	test("a broken header", async () => {
		await cp(join(folder, "run"), join(folder, "broken"), { recursive: true });
		await writeFile(join(folder, "broken", "step-000000003.safetensors"), Buffer.from("0900000000000000", "hex"));
		expect(await refused("--resume", "broken", "--epochs", "2")).toMatchObject({
			code: 3,
			error: {
				code: "SAFETENSORS_MALFORMED",
				message: "broken/step-000000003.safetensors: length of the header: expected at most 0, got 9",
			},
		});
	});

	test("features that are no numbers, with line and column", async () => {
		const lines = csvOf(16, 3n);
		const cells = (lines[5] as string).split(",");
		for (const [name, value, code] of [
			["nan.csv", "NaN", "VALUE_MISSING"],
			["infinity.csv", "Infinity", "VALUE_NOT_NUMERIC"],
		] as const) {
			const bad = [...lines];
			bad[5] = cells.with(2, value).join(",");
			await writeFile(join(folder, name), bad.join("\n"));
			const { code: exit, error } = await refused("--data", name, "--out", "never");
			expect({ exit, code: error.code }).toEqual({ exit: 3, code });
			expect(error.message).toMatch(new RegExp(`^${name}: line 6, column 2`));
		}
		expect(await readdir(folder)).not.toContain("never/manifest.json");
	});

	test("a loss that is not finite; the last good checkpoint stays", async () => {
		const options = [...DATA, "--network", "softmax", "--mode", "float", "--loss", "squared", "--rate", "100", "--every", "1"];
		const { code, error } = await refused(...options, "--epochs", "60", "--out", "diverged");
		expect({ code, error }).toMatchObject({ code: 3, error: { code: "DIVERGED" } });
		const steps = (await readdir(join(folder, "diverged"))).filter((name) => /^step-.*json$/.test(name));
		expect(steps.length).toBeGreaterThan(1);
		const last = Number(steps.sort().at(-1)?.slice(5, 14));
		expect((await json("replay", "diverged", "--from", "0", "--to", String(last))).result.problem).toBe(null);
	});

	test.each([
		[["--network", "mlp"], "expected mlp:128,64, conv:8,16 (channels), softmax or ridge, got mlp"],
		[["--halve", "5,3"], "expected ascending epochs, got 5,3"],
		[["--momentum", "1"], "expected a number in [0, 1), got 1"],
		[["--backend", "abacus"], "Allowed choices are"],
	])("%s", async (options, message) => {
		const { code, stderr } = await terminal.run(["train", ...DATA, "--out", "never", ...options]);
		expect(code).toBe(2);
		expect(stderr).toContain(message);
	});

	test.each([
		[["--out", "never"], 2, "expected --data and --out, got no --data"],
		[[...DATA], 2, "expected --data and --out, got no --out"],
		[[...DATA, "--out", "never", "--from", "3"], 2, "--from is of --resume, got none"],
		[["--resume", "run", "--rate", "0.3"], 2, "--rate is fixed by the run in run"],
		[["--resume", "run", "--weight-decay", "0.3"], 2, "--weight-decay is fixed by the run in run"],
		[["--resume", "nowhere"], 3, "nowhere: expected a training run (manifest.json), got none"],
		[[...DATA, "--out", "never", "--optimizer", "adam"], 2, "--optimizer adam is of mode float, got mode integer"],
		[
			[...DATA, "--out", "never", "--network", "conv:4", "--image", "7x9"],
			2,
			"--image: expected height x width x channels of 15, the features of a row, got 7x9x1 = 63",
		],
		[["--data", "train.csv", "--rows", "3", "--out", "never"], 3, "train.csv: expected 4 to 160 rows, got 3"],
		[
			["replay", "run", "--from", "0", "--to", "2"],
			3,
			"replay: expected two steps of checkpoints (0, 3), the first one smaller, got 0 and 2",
		],
	])("%s", async (options, code, message) => {
		expect(await refused(...options)).toMatchObject({ code, error: { message } });
	});
});
