import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCheckpoint, readRun, readRunData, storedSteps, writeCheckpoint } from "../checkpoint/folder.ts";
import { refusal } from "../testing.ts";
import { openWasm } from "../wasm/backend.ts";
import { floatManifest, integerManifest } from "./defaults.ts";
import { branchRun, runTraining } from "./run.ts";
import { CONVOLUTIONAL, PERCEPTRON, pictures } from "./testing.ts";

const backend = openWasm();
const data = pictures(45);
const plan = { architecture: PERCEPTRON, data, seed: 3n, batch: 16 };
const manifest = integerManifest(plan);
const MOMENTUM = { kind: "momentum", rate: 0.1, weightDecay: 0, momentum: 0.9 } as const;

let root: string;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-train-"));
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
	await backend.close();
});

let count = 0;
const place = () => join(root, `run-${count++}`);
const run = (folder: string, epochs: number, change: object = {}) => runTraining({ folder, manifest, data, backend, epochs, ...change });
const filesOf = async (folder: string) =>
	new Map(
		await Promise.all((await readdir(folder)).sort().map(async (name) => [name, await readFile(join(folder, name), "hex")] as const)),
	);

test("a folder holds the run, its rows and its checkpoints", async () => {
	const folder = place();
	const last = await run(folder, 2, { every: 4 });
	expect(await readdir(folder)).toEqual(
		[
			"data.safetensors",
			"manifest.json",
			...[0, 4, 6].flatMap((step) => [`step-00000000${step}.json`, `step-00000000${step}.safetensors`]),
		].sort(),
	);
	expect(await readRun(folder)).toEqual(manifest);
	expect(await readRunData(folder)).toEqual(data);
	expect(await readCheckpoint(folder, manifest, 6)).toEqual(last);
	expect(JSON.parse(await readFile(join(folder, "step-000000006.json"), "utf8"))).toMatchObject({
		record: { step: 6, epoch: 2, training: { rows: 45 }, test: { rows: 20 } },
		backend: { name: "wasm", adapter: { software: true } },
	});
});

test("the same command goes on, and nothing is done twice", async () => {
	const [folder, direct] = [place(), place()];
	await run(folder, 1, { every: 2 });
	await run(folder, 3, { every: 2 });
	await run(direct, 3, { every: 2 });
	const before = await filesOf(folder);
	// The end of the first epoch was kept as an end.
	expect(await storedSteps(folder)).toEqual([0, 2, 3, 4, 6, 8, 9]);
	expect((await readCheckpoint(folder, manifest, 9)).state).toEqual((await readCheckpoint(direct, manifest, 9)).state);
	await run(folder, 2);
	expect(await filesOf(folder)).toEqual(before);
});

test("a stopped run goes on from where it stopped", async () => {
	const [folder, direct] = [place(), place()];
	const controller = new AbortController();
	const stop = { signal: controller.signal, progress: ({ step }: { step: number }) => step === 6 && controller.abort(new Error("enough")) };
	await expect(run(folder, 100, { ...stop, every: 1000 })).rejects.toThrow("enough");
	expect(await storedSteps(folder)).toEqual([0, 7]);
	const last = await run(folder, 5);
	expect(last.state).toEqual((await run(direct, 5)).state);
});

test("a process that is killed while it writes leaves whole checkpoints, and the run goes on", async () => {
	const [folder, direct] = [place(), place()];
	const script = join(root, "endless.ts");
	const from = (path: string) => JSON.stringify(join(import.meta.dirname, path));
	await writeFile(
		script,
		`import { runTraining } from ${from("run.ts")};
		import { integerManifest } from ${from("defaults.ts")};
		import { PERCEPTRON, pictures } from ${from("testing.ts")};
		import { openWasm } from ${from("../wasm/backend.ts")};
		const data = pictures(45);
		const manifest = integerManifest({ architecture: PERCEPTRON, data, seed: 3n, batch: 16 });
		const progress = () => console.log("step");
		await runTraining({ folder: ${JSON.stringify(folder)}, manifest, data, backend: openWasm(), epochs: 1e6, every: 1, progress });`,
	);
	// Three times: the second and third begin with what the killed one left.
	for (let i = 0; i < 3; i++) {
		const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
		for (let steps = 0; steps < 5 + i; steps++) await once(child.stdout, "data");
		child.kill("SIGKILL");
		await once(child, "exit");
	}
	const steps = await storedSteps(folder);
	expect(steps.length).toBeGreaterThan(10);
	for (const step of steps) expect((await readCheckpoint(folder, manifest, step)).record.step).toBe(step);
	const epochs = Math.ceil((steps.at(-1) as number) / 3) + 1;
	expect((await run(folder, epochs)).state).toEqual((await run(direct, epochs)).state);
	expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("a state without its record is no checkpoint", async () => {
	const folder = place();
	await run(folder, 1);
	await writeFile(join(folder, "step-000000005.safetensors"), "half a st");
	expect(await storedSteps(folder)).toEqual([0, 3]);
	expect((await run(folder, 2, { every: 5 })).record.step).toBe(6);
	expect((await readCheckpoint(folder, manifest, 5)).record.step).toBe(5);
});

test("a branch goes its own way from an earlier checkpoint", async () => {
	const [folder, branch] = [place(), place()];
	await run(folder, 3);
	const before = await filesOf(folder);
	await branchRun(folder, branch, 3);
	expect(await storedSteps(branch)).toEqual([0, 3]);
	const last = await run(branch, 3, { every: 2 });
	expect(last.state).toEqual((await readCheckpoint(folder, manifest, 9)).state);
	expect(await filesOf(folder)).toEqual(before);
	expect(await refusal(() => branchRun(folder, branch, 3))).toEqual({
		code: "CHECKPOINT_MISMATCH",
		message: `${branch}: expected a folder without a run, got one`,
	});
	expect(await refusal(() => branchRun(folder, place(), 4))).toEqual({
		code: "PARAMETER_OUT_OF_RANGE",
		message: "train: expected the step of a checkpoint (0, 3, 6, 9), got 4",
	});
});

test("a run that diverges keeps its last good checkpoint", async () => {
	const folder = place();
	// Errors grow from step to step.
	const architecture = { ...PERCEPTRON, layers: PERCEPTRON.layers.slice(1) };
	const fast = floatManifest({ ...plan, architecture, loss: "squared", rule: { ...MOMENTUM, rate: 30 } });
	expect(await refusal(() => run(folder, 20, { manifest: fast, every: 1 }))).toMatchObject({ code: "DIVERGED" });
	const steps = await storedSteps(folder);
	expect(steps.length).toBeGreaterThan(5);
	const last = await readCheckpoint(folder, fast, steps.at(-1) as number);
	for (const { values } of last.state) expect(Array.from(values).every(Number.isFinite)).toBe(true);
	expect(await readdir(folder)).toHaveLength(2 + 2 * steps.length);
});

describe("refused, and nothing is changed", () => {
	const refused = async (change: (folder: string) => Promise<unknown>, options: object = {}) => {
		const folder = place();
		await run(folder, 2);
		await change(folder);
		const before = await filesOf(folder);
		const result = await refusal(() => run(folder, 3, options));
		expect(await filesOf(folder)).toEqual(before);
		return { ...result, message: result.message.replaceAll(`${folder}/`, "").replaceAll(folder, "FOLDER") };
	};

	test("another run's options", async () => {
		expect(await refused(async () => {}, { manifest: integerManifest({ ...plan, rate: 0.4 }) })).toEqual({
			code: "CHECKPOINT_MISMATCH",
			message: `FOLDER: expected a run with rates [${manifest.rates}] (as in the folder), got [${manifest.rates.map((rate) => rate - 1)}]`,
		});
	});

	test("another architecture", async () => {
		const { code, message } = await refused(async () => {}, { manifest: integerManifest({ ...plan, architecture: CONVOLUTIONAL }) });
		expect(code).toBe("CHECKPOINT_MISMATCH");
		expect(message).toMatch(
			/^FOLDER: expected a run with architecture \{.*"outputs":12.*\} \(as in the folder\), got \{.*"convolution".*\}$/,
		);
	});

	test("another data set", async () => {
		const other = pictures(44);
		const options = { data: other, manifest: integerManifest({ ...plan, data: other }) };
		const { code, message } = await refused(async () => {}, options);
		expect(code).toBe("CHECKPOINT_MISMATCH");
		expect(message).toMatch(/^FOLDER: expected a run with data \{.*"n":45.*\} \(as in the folder\), got \{.*"n":44.*\}$/);
	});

	test("a state that was cut", async () => {
		expect(await refused((folder) => truncate(join(folder, "step-000000006.safetensors"), 5))).toEqual({
			code: "SAFETENSORS_MALFORMED",
			message: "step-000000006.safetensors: length of the header: expected 8 bytes, got 5",
		});
	});

	test("a broken header", async () => {
		const { code, message } = await refused(async (folder) => {
			const bytes = await readFile(join(folder, "step-000000006.safetensors"));
			bytes[8] = 0x5b;
			await writeFile(join(folder, "step-000000006.safetensors"), bytes);
		});
		expect(code).toBe("SAFETENSORS_MALFORMED");
		expect(message).toMatch(/^step-000000006.safetensors: header: expected JSON in UTF-8, got /);
	});

	test("a changed weight", async () => {
		const { code, message } = await refused(async (folder) => {
			const bytes = await readFile(join(folder, "step-000000006.safetensors"));
			bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
			await writeFile(join(folder, "step-000000006.safetensors"), bytes);
		});
		expect(code).toBe("FILE_DAMAGED");
		expect(message).toMatch(/^step-000000006.safetensors: expected a state with the digest 0x[0-9a-f]{64}, got 0x[0-9a-f]{64}$/);
	});

	test("a changed record", async () => {
		const { code, message } = await refused(async (folder) => {
			const text = await readFile(join(folder, "step-000000006.json"), "utf8");
			await writeFile(join(folder, "step-000000006.json"), text.replace(/"right": \d+/, '"right": 45'));
		});
		expect(code).toBe("FILE_DAMAGED");
		expect(message).toMatch(/^step-000000006.json: expected a record with the digest 0x[0-9a-f]{64}, got 0x[0-9a-f]{64}$/);
	});

	test.each([
		["no JSON", "{", "step-000000006.json: expected JSON, got "],
		["a list", "3", "step-000000006.json: expected an object, got 3"],
		["another object", '{"record":{}}', "step-000000006.json: expected the record of a checkpoint, got another value"],
	])("a record that is %s", async (_, text, message) => {
		const result = await refused((folder) => writeFile(join(folder, "step-000000006.json"), text));
		expect(result.code).toBe("FILE_DAMAGED");
		expect(result.message).toContain(message);
	});

	test("the record of another step", async () => {
		expect(await refused((folder) => copyFile(join(folder, "step-000000003.json"), join(folder, "step-000000006.json")))).toEqual({
			code: "FILE_DAMAGED",
			message: "step-000000006.json: expected the record of step 6, got that of step 3",
		});
	});

	test("a checkpoint of another run", async () => {
		const { code, message } = await refused(async (folder) => {
			const other = place();
			const last = await run(other, 3, { manifest: integerManifest({ ...plan, seed: 4n }) });
			await writeCheckpoint(folder, last, backend);
		});
		expect(code).toBe("CHECKPOINT_MISMATCH");
		expect(message).toMatch(/^step-000000009.json: expected a checkpoint of the run 0x\w+, got one of 0x\w+$/);
	});

	test("a manifest that is none, and one of values that no run has", async () => {
		const none = await refused((folder) => writeFile(join(folder, "manifest.json"), '{"schema":"x"}'));
		expect(none).toMatchObject({ code: "PARAMETER_OUT_OF_RANGE", message: "train: schema: expected openledger.training.v1, got x" });
		const empty = await refused((folder) => writeFile(join(folder, "manifest.json"), '{"schema":"openledger.training.v1","mode":"float"}'));
		expect(empty).toEqual({ code: "FILE_DAMAGED", message: "manifest.json: expected the manifest of a training run, got another value" });
	});

	test("checkpoints without a run", async () => {
		expect(await refused((folder) => rm(join(folder, "manifest.json")))).toEqual({
			code: "CHECKPOINT_MISMATCH",
			message: "FOLDER: expected a folder without checkpoints for a new run, got step-000000006.json",
		});
	});

	test("numbers out of range", async () => {
		expect(await refused(async () => {}, { epochs: 1.5 })).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "train: epochs: expected an integer of at least 0, got 1.5",
		});
		expect(await refused(async () => {}, { every: 0 })).toMatchObject({
			message: "train: every: expected an integer of at least 1, got 0",
		});
	});
});
