/** What each kind of job gives, on each backend, and what it refuses. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { byteExamplesOf } from "../../attribution/byte-examples.ts";
import { DEFAULTS, methodNamed } from "../../attribution/catalogue.ts";
import { type Rows, statisticsOf } from "../../circuits/statistics.ts";
import { randomFeatures } from "../../compute/backbone/backbone.ts";
import { createRun, runDataPath } from "../../compute/checkpoint/folder.ts";
import { recordDigest, stateBytes, type TrainingCheckpoint } from "../../compute/checkpoint/record.ts";
import { type NamedTensor, readSafetensors, writeSafetensors } from "../../compute/checkpoint/safetensors.ts";
import { keccak } from "../../compute/digest.ts";
import { below, generator } from "../../compute/random.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { refusal } from "../../compute/testing.ts";
import { integerManifest } from "../../compute/training/defaults.ts";
import { firstState } from "../../compute/training/learners.ts";
import { manifestDigest } from "../../compute/training/manifest.ts";
import { beginTraining, trainSegment } from "../../compute/training/segment.ts";
import { CONVOLUTIONAL, PERCEPTRON, pictures } from "../../compute/training/testing.ts";
import { openWasm } from "../../compute/wasm/backend.ts";
import { ContentFolder, contentDigest } from "./content.ts";
import { judge } from "./failure.ts";
import { type Input, inlineInput } from "./input.ts";
import { type ComputeJob, INFLUENCE_METHODS } from "./job.ts";
import { encodeRows } from "./rows.ts";
import { type Outcome, runJob } from "./run.ts";

const [D, K] = [7, 3];
const BACKENDS = [openReference(), openWasm()];

let folder: string;
let contents: ContentFolder;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-run-"));
	contents = new ContentFolder(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** @param mostWeight - each row counts once by default, as most methods want it */
function rowsOf(count: number, seed: bigint, mostWeight = 1): Rows {
	const random = generator(seed);
	const x = Uint8Array.from({ length: count * D }, (_, at) => (at % D === D - 1 ? 255 : random() & 255));
	const label = Uint8Array.from({ length: count }, () => below(random, K));
	return { x, label, weight: Uint8Array.from({ length: count }, () => 1 + below(random, mostWeight)), count };
}

const [train, test] = [rowsOf(60, 1n), rowsOf(12, 2n)];
const [trainInput, testInput] = [inlineInput(encodeRows(train, D)), inlineInput(encodeRows(test, D))];

function run(job: ComputeJob, backend = BACKENDS[0]): Promise<Outcome> {
	return runJob(job, { backend: backend as (typeof BACKENDS)[0], contents, signal: new AbortController().signal, progress: () => {} });
}

/** The tensors of a result, which has the same bytes on all backends. */
async function tensorsOf(job: ComputeJob): Promise<Map<string, NamedTensor>> {
	const outcomes = await Promise.all(BACKENDS.map((backend) => run(job, backend)));
	const [first, ...others] = outcomes.map(({ bytes }) => contentDigest(bytes));
	for (const other of others) expect(other).toBe(first);
	return new Map(readSafetensors((outcomes[0] as Outcome).bytes, "result").tensors.map((tensor) => [tensor.name, tensor]));
}

it("gives statistics that are those of the definition", async () => {
	const weighted = rowsOf(60, 4n, 255);
	const tensors = await tensorsOf({ kind: "statistics", rows: inlineInput(encodeRows(weighted, D)), classes: K });
	const { a, b, rows } = statisticsOf(weighted, D, K);
	expect(tensors.get("a")?.values).toEqual(Float64Array.from(a, Number));
	expect(tensors.get("b")).toMatchObject({ shape: [D, K], values: Float64Array.from(b, Number) });
	expect(tensors.get("n")?.values).toEqual(Float64Array.of(Number(rows)));
});

it("gives features that are those of the backbone, as rows for the next job", async () => {
	const backbone = randomFeatures({ inputs: D, features: 20, seed: 5n });
	const job: ComputeJob = { kind: "features", rows: trainInput, backbone: backbone.manifest };
	const tensors = await tensorsOf(job);
	expect(tensors.get("x")).toMatchObject({ shape: [60, 20], values: await backbone.apply(openReference(), train.x, 60) });
	expect(tensors.get("label")?.values).toEqual(train.label);
	const { bytes, facts } = await run(job);
	expect(facts).toMatchObject({ rows: 60, inputs: D, features: 20, backbone: backbone.digest });
	const next = await run({ kind: "statistics", rows: inlineInput(bytes), classes: K });
	expect(next.facts).toMatchObject({ rows: 60, d: 20, k: K });
});

describe("a segment of training", () => {
	const data = pictures(40);
	const manifest = integerManifest({ architecture: PERCEPTRON, data, seed: 7n, batch: 16 });
	let rows: Input;
	let half: TrainingCheckpoint;
	beforeAll(async () => {
		const run = join(folder, "run");
		await createRun(run, manifest, data);
		rows = inlineInput(await readFile(runDataPath(run)));
		const checkpoint = await beginTraining(manifest, data, openReference());
		half = await trainSegment({ checkpoint, data, to: 4, backend: openReference() });
	});

	it("ends in the checkpoint that training ends in, from the beginning and from the midst", async () => {
		const beginning: ComputeJob = { kind: "train", manifest, data: rows, to: 7 };
		const midst: ComputeJob = { ...beginning, from: { record: half.record, state: inlineInput(stateBytes(half.state)) } };
		const expected = await trainSegment({ checkpoint: half, data, to: 7, backend: openReference() });
		for (const job of [beginning, midst]) {
			const tensors = await tensorsOf(job);
			for (const { name, values } of expected.state) expect(tensors.get(name)?.values).toEqual(values);
		}
		const { bytes, facts } = await run(midst);
		expect(facts).toEqual({
			manifest: manifestDigest(manifest),
			record: expected.record,
			digest: recordDigest(expected.record),
			from: 4,
			to: 7,
		});
		expect(keccak(bytes)).toBe(expected.record.state);
	});

	it("is refused for another run, state, architecture or rows, and such a job is poisoned", async () => {
		const job: Extract<ComputeJob, { kind: "train" }> = { kind: "train", manifest, data: rows, to: 7 };
		const state = inlineInput(stateBytes(half.state));
		const other = integerManifest({ architecture: CONVOLUTIONAL, data, seed: 7n, batch: 16 });
		const otherRows = { ...data, train: pictures(39).train };
		await createRun(join(folder, "other"), manifest, otherRows);
		const strange = inlineInput(stateBytes(firstState(other)));
		const cases: [ComputeJob, string, string][] = [
			[{ ...job, manifest: other, from: { record: half.record, state } }, "CHECKPOINT_MISMATCH", "expected the run"],
			[{ ...job, from: { record: half.record, state: strange } }, "CHECKPOINT_MISMATCH", "expected the state"],
			[
				{ ...job, from: { record: { ...half.record, state: keccak(stateBytes(firstState(other))) }, state: strange } },
				"CHECKPOINT_MISMATCH",
				"checkpoint of step 4: expected layers.0.weights 30 x 12 of i32 (of the run's architecture), got layers.0.weights 9 x 4",
			],
			[
				{ ...job, from: { record: half.record, state: inlineInput(stateBytes(half.state).subarray(0, 100)) } },
				"SAFETENSORS_MALFORMED",
				"length of the header",
			],
			[
				{ ...job, data: inlineInput(await readFile(runDataPath(join(folder, "other")))) },
				"CHECKPOINT_MISMATCH",
				"data: expected train n 40 (of the run), got 39",
			],
		];
		for (const [bad, code, message] of cases) {
			const error = await run(bad).catch((caught) => caught);
			expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
			expect(judge(error)).toMatchObject({ end: "poison", error: { hint: expect.stringMatching(/\.$/) } });
		}
	});
});

it.each(["ridge-path", "influence-softmax", "knn-shapley", "tracin", "tmc-shapley"])("gives the scores of %s", async (method) => {
	const options = { epochs: 2, draws: 8, hidden: [4], seed: "9" };
	const tensors = await tensorsOf({ kind: "influence", train: trainInput, test: testInput, classes: K, method, options });
	const sides = {
		train: byteExamplesOf(train, D, K),
		test: byteExamplesOf(test, D, K),
		groups: { names: ["all"], of: new Uint32Array(60) },
		origin: new Uint32Array(60),
	};
	const ready = await methodNamed(method).ready(sides, { ...DEFAULTS, ...options, seed: 9n, players: "rows" });
	expect(tensors.get("scores")).toMatchObject({ shape: [60], values: (await ready.attribute(sides.test)).scores });
});

it("runs all methods that it offers, on rows", async () => {
	const options = { epochs: 4, draws: 8, hidden: [8], networks: 2, neighbours: 2 };
	for (const method of INFLUENCE_METHODS) {
		const { bytes } = await run({ kind: "influence", train: trainInput, test: testInput, classes: K, method, options });
		expect(readSafetensors(bytes, method).tensors[0]).toMatchObject({ name: "scores", shape: [60] });
	}
});

it("stops at its signal", async () => {
	const signal = AbortSignal.abort(new Error("enough"));
	const job: ComputeJob = { kind: "statistics", rows: trainInput, classes: K };
	await expect(runJob(job, { backend: openReference(), contents, signal, progress: () => {} })).rejects.toThrow("enough");
});

describe("bad input is named, and poisons its job", () => {
	const tensor = (name: string, type: NamedTensor["type"], shape: number[], values: NamedTensor["values"]): NamedTensor => ({
		...{ name, type, shape, values },
	});
	const file = (...tensors: NamedTensor[]): Input => inlineInput(writeSafetensors({ tensors, metadata: {} }));
	const label = tensor("label", "U8", [2], Uint8Array.of(0, 1));
	const x = tensor("x", "F32", [2, 2], Float32Array.of(0, 255, 7, 255));
	const statistics = (rows: Input): ComputeJob => ({ kind: "statistics", rows, classes: 2 });

	it("but whole numbers in floats are bytes", async () => {
		expect((await run(statistics(file(x, label)))).facts).toMatchObject({ rows: 2, d: 2, weight: 2 });
	});

	it.each<[string, ComputeJob, string, string]>([
		[
			"NaN among the features",
			statistics(file(tensor("x", "F32", [2, 2], Float32Array.of(0, 255, Number.NaN, 255)), label)),
			"VALUE_OUT_OF_RANGE",
			"x at row 1, column 0: expected an integer in [0, 255], got NaN",
		],
		[
			"a feature that is no byte",
			statistics(file(tensor("x", "F64", [2, 2], Float64Array.of(0, 255.5, 1, 255)), label)),
			"VALUE_OUT_OF_RANGE",
			"x at row 0, column 1: expected an integer in [0, 255], got 255.5",
		],
		["no features", statistics(file(label)), "TENSOR_UNKNOWN", "expected a tensor x, got label"],
		["no labels", statistics(file(x)), "TENSOR_UNKNOWN", "expected a tensor label, got none"],
		[
			"a label too many",
			statistics(file(x, tensor("label", "U8", [3], new Uint8Array(3)))),
			"SHAPE_MISMATCH",
			"expected label of shape [2], as x has 2 rows, got [3]",
		],
		[
			"features in one dimension",
			statistics(file(tensor("x", "U8", [4], new Uint8Array(4)), label)),
			"SHAPE_MISMATCH",
			"expected x of shape [rows, features]",
		],
		[
			"a label of no class",
			statistics(file(x, tensor("label", "I32", [2], Int32Array.of(0, -1)))),
			"LABEL_OUT_OF_RANGE",
			"label of row 1: expected an integer in [0, 1], got -1",
		],
		[
			"a broken header",
			statistics(inlineInput(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 123))),
			"SAFETENSORS_MALFORMED",
			"length of the header",
		],
		[
			"queries of another width",
			{ kind: "influence", train: trainInput, test: file(x, label), classes: K, method: "ridge-path", options: {} },
			"SHAPE_MISMATCH",
			`expected queries of ${D} features, as the training rows have, got 2`,
		],
		[
			"a backbone for other rows",
			{ kind: "features", rows: trainInput, backbone: randomFeatures({ inputs: D + 1, features: 4, seed: 1n }).manifest },
			"SHAPE_MISMATCH",
			`expected 60 rows of ${D + 1} features`,
		],
		[
			"a backbone whose weights are not those of its seed",
			{
				kind: "features",
				rows: trainInput,
				backbone: { ...randomFeatures({ inputs: D, features: 4, seed: 1n }).manifest, seed: "2" } as never,
			},
			"BACKBONE_INVALID",
			"weights of seed 2",
		],
	])("%s", async (_, job, code, message) => {
		const error = await run(job).catch((caught) => caught);
		expect(await refusal(() => Promise.reject(error))).toMatchObject({ code, message: expect.stringContaining(message) });
		expect(judge(error)).toMatchObject({ end: "poison", error: { code, hint: expect.stringMatching(/\.$/) } });
	});

	it("a file that is not the one that was submitted", async () => {
		const path = join(folder, "rows.safetensors");
		await writeFile(path, encodeRows(test, D));
		const job = statistics({ sha256: contentDigest(encodeRows(train, D)), path });
		expect(await refusal(() => run(job))).toMatchObject({ code: "FILE_DAMAGED", message: expect.stringContaining(path) });
		expect(judge(await run(job).catch((error) => error))).toMatchObject({ end: "poison" });
	});
});

it("a file that is not here is another machine's matter: the job is tried again", async () => {
	const error = await run({ kind: "statistics", rows: { sha256: "0f".repeat(32), path: "/nowhere/rows" }, classes: 2 }).catch(
		(caught) => caught,
	);
	expect(judge(error)).toMatchObject({ end: "retry", error: { code: "FILE_MISSING", hint: expect.any(String) } });
});

it("finds inputs in the folder of contents before the path, and results there", async () => {
	const sha256 = await contents.put(encodeRows(test, D));
	const found = await run({ kind: "statistics", rows: { sha256, path: "/nowhere/rows" }, classes: K });
	expect(found.facts).toMatchObject({ rows: 12 });
});
