import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpointName, readCheckpoint, readRecord, readRun, storedSteps, writeCheckpoint } from "../checkpoint/folder.ts";
import { type CheckpointRecord, recordDigest, stateBytes, type TrainingCheckpoint } from "../checkpoint/record.ts";
import { keccak } from "../digest.ts";
import { openReference } from "../reference/backend.ts";
import { refusal } from "../testing.ts";
import { openWasm } from "../wasm/backend.ts";
import { floatManifest, integerManifest, ridgeManifest } from "./defaults.ts";
import { openLearner } from "./learners.ts";
import { manifestDigest, type TrainingManifest } from "./manifest.ts";
import { type Replay, type ReplayOptions, replay } from "./replay.ts";
import { runTraining } from "./run.ts";
import { stepper, trainSegment } from "./segment.ts";
import { CONVOLUTIONAL, PERCEPTRON, pictures } from "./testing.ts";

const backend = openWasm();
const reference = openReference();
const data = pictures(45);
const plan = { architecture: PERCEPTRON, data, seed: 3n, batch: 16 };
const manifest = integerManifest(plan);
const float = floatManifest({ ...plan, rule: { kind: "adam", rate: 0.01, weightDecay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } });

let root: string;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-replay-"));
	await runTraining({ folder: join(root, "integer"), manifest, data, backend, epochs: 4, every: 2 });
	await runTraining({ folder: join(root, "float"), manifest: float, data, backend, epochs: 2, every: 2 });
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
	await Promise.all([backend.close(), reference.close()]);
});

let count = 0;
async function copyOf(name = "integer"): Promise<string> {
	const folder = join(root, `${name}-${count++}`);
	await cp(join(root, name), folder, { recursive: true });
	return folder;
}
async function audit(folder: string, from: number, to: number, change: Partial<ReplayOptions> = {}): Promise<Replay> {
	return replay({ folder, manifest: await readRun(folder), data, from, to, backend: reference, ...change });
}

/** Writes a forged checkpoint and links all later records to it, as somebody who wants to hide it would. */
async function forge(folder: string, step: number, change: (checkpoint: TrainingCheckpoint) => Partial<TrainingCheckpoint>): Promise<void> {
	const run = await readRun(folder);
	const checkpoint = await readCheckpoint(folder, run, step);
	const forged = { ...checkpoint, ...change(checkpoint) };
	await relink(folder, run, { ...forged, record: { ...forged.record, state: keccak(stateBytes(forged.state)) } });
}

async function relink(folder: string, run: TrainingManifest, first: TrainingCheckpoint): Promise<void> {
	await writeCheckpoint(folder, first, backend);
	let previous = recordDigest(first.record);
	for (const step of await storedSteps(folder)) {
		if (step <= first.record.step) continue;
		const checkpoint = await readCheckpoint(folder, run, step);
		const record = { ...checkpoint.record, previous };
		await writeCheckpoint(folder, { ...checkpoint, record }, backend);
		previous = recordDigest(record);
	}
}

const withWeight = ({ state, record }: TrainingCheckpoint) => ({
	record,
	state: state.map(
		(tensor) =>
			(tensor.name === "layers.1.weights"
				? { ...tensor, values: tensor.values.map((value, i) => (i === 7 ? value + 1 : value)) }
				: tensor) as typeof tensor,
	),
});

describe("an honest run is the same", () => {
	test("from any checkpoint to any other, on another backend", async () => {
		const folder = join(root, "integer");
		expect(await audit(folder, 0, 12)).toEqual({ from: 0, to: 12, same: [2, 4, 6, 8, 10, 12], problem: null });
		expect(await audit(folder, 4, 8)).toEqual({ from: 4, to: 8, same: [6, 8], problem: null });
		expect(await audit(folder, 10, 12, { backend })).toMatchObject({ same: [12], problem: null });
	});

	test("convolutional, and stopped and gone on with", async () => {
		const own = integerManifest({ ...plan, architecture: CONVOLUTIONAL, halvings: [1] });
		const folder = join(root, "convolutional");
		for (const epochs of [1, 2]) await runTraining({ folder, manifest: own, data, backend, epochs, every: 2 });
		expect(await audit(folder, 0, 6)).toMatchObject({ same: [2, 3, 4, 6], problem: null });
	});

	test("in mode float on its backend", async () => {
		expect(await audit(join(root, "float"), 0, 6, { backend })).toMatchObject({ same: [2, 4, 6], problem: null });
	});

	test("of a ridge head, on every backend", async () => {
		const folder = join(root, "ridge");
		await runTraining({ folder, manifest: ridgeManifest({ data }), data, backend, epochs: 1 });
		expect(await audit(folder, 0, 1)).toMatchObject({ same: [1], problem: null });
	});

	test("and is stopped by a signal", async () => {
		const signal = AbortSignal.abort(new Error("enough"));
		await expect(audit(join(root, "integer"), 0, 12, { signal })).rejects.toThrow("enough");
	});
});

describe("caught", () => {
	test("a changed weight", async () => {
		const folder = await copyOf();
		const path = join(folder, "step-000000006.safetensors");
		const bytes = await readFile(path);
		bytes[bytes.length - 9] = (bytes.at(-9) as number) ^ 4;
		await writeFile(path, bytes);
		const { problem } = await audit(folder, 4, 8);
		expect(problem).toMatchObject({ kind: "file", step: 6 });
		expect(problem?.message).toMatch(/^step-000000006\.safetensors: the state was changed: its digest is 0x\w+, its record says 0x\w+$/);
		// What is not replayed is not read.
		expect((await audit(folder, 8, 12)).problem).toBe(null);
	});

	test("a changed weight with all digests made anew", async () => {
		const folder = await copyOf();
		await forge(folder, 6, withWeight);
		const result = await audit(folder, 2, 12);
		expect(result).toMatchObject({ same: [4], problem: { kind: "tensor", step: 6 } });
		expect(result.problem?.message).toMatch(
			/^step 6: layers\.1\.weights, row 2, column 1: computed (-?\d+), the checkpoint holds (-?\d+); 1 of its 36 values differ$/,
		);
	});

	test("a changed first weight with all digests made anew", async () => {
		const folder = await copyOf();
		await forge(folder, 0, withWeight);
		const { problem } = await audit(folder, 0, 2);
		expect(problem).toMatchObject({ kind: "seed", step: 0 });
		expect(problem?.message).toMatch(
			/^step-000000000\.safetensors: expected the first weights of seed and architecture, digest 0x\w+, got 0x\w+$/,
		);
	});

	test("a skipped step", async () => {
		const folder = await copyOf();
		const run = await readRun(folder);
		const learner = openLearner(backend, run, data, (await readCheckpoint(folder, run, 6)).state);
		stepper(learner, run)(6);
		const state = await learner.state();
		learner.close();
		await forge(folder, 8, () => ({ state }));
		expect((await audit(folder, 4, 12)).problem).toEqual({
			kind: "skipped",
			step: 8,
			message: "step 8: this is the state after 7 steps: 1 were skipped",
		});
	});

	test("no step at all", async () => {
		const folder = await copyOf();
		const { state } = await readCheckpoint(folder, manifest, 6);
		await forge(folder, 8, () => ({ state }));
		expect((await audit(folder, 4, 12)).problem).toMatchObject({ message: "step 8: this is the state after 6 steps: 2 were skipped" });
	});

	test("another learning rate than the manifest's", async () => {
		const folder = await copyOf();
		const run = await readRun(folder);
		const fast = { ...manifest, rates: manifest.rates.map((rate) => rate - 1) };
		const from = await readCheckpoint(folder, run, 4);
		const { state } = await trainSegment({ checkpoint: { ...from, manifest: fast }, data, to: 6, backend });
		await forge(folder, 6, () => ({ state }));
		const { problem } = await audit(folder, 4, 8);
		expect(problem).toMatchObject({ kind: "tensor", step: 6 });
		expect(problem?.message).toMatch(
			/^step 6: layers\.0\.weights, row \d+, column \d+: computed -?\d+, the checkpoint holds -?\d+; \d+ of its 360 values differ$/,
		);
	});

	test("a manifest with another learning rate", async () => {
		const folder = await copyOf();
		const other = { ...manifest, rates: manifest.rates.map((rate) => rate + 1) };
		await writeFile(join(folder, "manifest.json"), JSON.stringify(other));
		expect((await audit(folder, 4, 8)).problem).toEqual({
			kind: "manifest",
			step: 0,
			message: `step-000000000.json: the run's manifest has the digest ${manifestDigest(other)}, the record is of ${manifestDigest(manifest)}: one of them was changed`,
		});
	});

	test("records that were moved", async () => {
		const folder = await copyOf();
		for (const ending of ["json", "safetensors"]) {
			const [one, other] = [4, 6].map((step) => join(folder, `${checkpointName(step)}.${ending}`)) as [string, string];
			await rename(one, `${one}.x`);
			await rename(other, one);
			await rename(`${one}.x`, other);
		}
		expect((await audit(folder, 2, 8)).problem).toEqual({
			kind: "place",
			step: 4,
			message: "step-000000004.json: this is the record of step 6: records were moved",
		});
	});

	test("records that were moved, and say so", async () => {
		const folder = await copyOf();
		const [four, six] = [await readCheckpoint(folder, manifest, 4), await readCheckpoint(folder, manifest, 6)];
		await writeCheckpoint(folder, { ...six, record: { ...six.record, step: 4 } }, backend);
		await writeCheckpoint(folder, { ...four, record: { ...four.record, step: 6 } }, backend);
		const { problem } = await audit(folder, 2, 8);
		expect(problem).toMatchObject({ kind: "link", step: 4 });
		expect(problem?.message).toMatch(
			/^step-000000004\.json: expected 0x\w+ \(step 2\) before it, got 0x\w+: a record is missing or another one$/,
		);
	});

	test("a record that is missing", async () => {
		const folder = await copyOf();
		await rm(join(folder, "step-000000006.json"));
		const { problem } = await audit(folder, 4, 8);
		expect(problem).toMatchObject({ kind: "link", step: 8 });
		expect(problem?.message).toContain("(step 4) before it");
	});

	test("a changed record", async () => {
		const folder = await copyOf();
		const path = join(folder, "step-000000006.json");
		await writeFile(path, (await readFile(path, "utf8")).replace(/"right": \d+/, '"right": 45'));
		const { problem } = await audit(folder, 4, 8);
		expect(problem).toMatchObject({ kind: "record", step: 6 });
		expect(problem?.message).toMatch(/^step-000000006\.json: the record was changed: its digest is 0x\w+, it says 0x\w+$/);
	});

	test("a better accuracy with all digests made anew", async () => {
		const folder = await copyOf();
		await forge(folder, 6, ({ record, state }) => ({
			state,
			record: { ...record, test: { rows: 20, loss: 0, right: 20 } } as CheckpointRecord,
		}));
		const { problem } = await audit(folder, 4, 8);
		expect(problem).toMatchObject({ kind: "sums", step: 6 });
		expect(problem?.message).toMatch(/^step 6: computed \{.*\}, the record says \{.*"test":\{"rows":20,"loss":0,"right":20\}\}$/);
	});

	test("swapped states", async () => {
		const folder = await copyOf();
		const [one, other] = [4, 6].map((step) => join(folder, `${checkpointName(step)}.safetensors`)) as [string, string];
		await rename(one, `${one}.x`);
		await rename(other, one);
		await rename(`${one}.x`, other);
		expect((await audit(folder, 2, 8)).problem).toEqual({
			kind: "swapped",
			step: 4,
			message: "step-000000004.safetensors: this is the state of step 6: files were swapped",
		});
	});

	test("a changed weight of floats", async () => {
		const folder = await copyOf("float");
		await forge(folder, 4, withWeight);
		expect((await audit(folder, 2, 6, { backend })).problem).toMatchObject({ kind: "tensor", step: 4 });
	});
});

describe("refused", () => {
	test("floats on another backend", async () => {
		expect(await refusal(() => audit(join(root, "float"), 0, 6))).toEqual({
			code: "CHECKPOINT_MISMATCH",
			message: "replay: step 2: expected the backend wasm, since mode float rounds as its device does, got reference",
		});
	});

	test("other rows", async () => {
		const { code, message } = await refusal(() => audit(join(root, "integer"), 0, 6, { data: pictures(44) }));
		expect(code).toBe("CHECKPOINT_MISMATCH");
		expect(message).toMatch(/^data: expected train n 45 \(of the run\), got 44$/);
	});

	test.each([
		[0, 5],
		[1, 4],
		[4, 4],
		[6, 2],
	])("steps that are no part: %i to %i", async (from, to) => {
		expect(await refusal(() => audit(join(root, "integer"), from, to))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: `replay: expected two steps of checkpoints (0, 2, 4, 6, 8, 10, 12), the first one smaller, got ${from} and ${to}`,
		});
	});

	test("a state that is missing", async () => {
		const folder = await copyOf();
		await rm(join(folder, "step-000000006.safetensors"));
		expect(await refusal(() => audit(folder, 4, 8))).toMatchObject({ code: "FILE_MISSING" });
		expect((await readRecord(folder, 6)).record.step).toBe(6);
	});
});
