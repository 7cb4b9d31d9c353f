import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsOf } from "../../compute/backbone/testing.ts";
import { defaultShifts } from "../../compute/integer-network.ts";
import { below, generator } from "../../compute/random.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { BACKENDS } from "../../compute/tested-backends.ts";
import { refusal } from "../../compute/testing.ts";
import { rateShifts } from "../../compute/training/integer-recipe.ts";
import { type IntegerManifest, rootsOf } from "../../compute/training/manifest.ts";
import { ORDER, type TrainingData } from "../../compute/training/rows.ts";
import { runTraining } from "../../compute/training/run.ts";
import { trainedBackbone } from "./trained.ts";

const next = generator(1n);
const [n, d] = [64, 36];
const label = Uint8Array.from({ length: n }, () => below(next, 2));
const data: TrainingData = {
	k: 2,
	train: { x: Uint8Array.from({ length: n * d }, (_, at) => (label[Math.floor(at / d)] === 0 ? 180 : 20) + below(next, 60)), label, n, d },
	test: undefined,
};
const layers = [
	{ kind: "convolution", channels: 4, kernel: 3, stride: 2, padding: 1 },
	{ kind: "dense", outputs: 7 },
	{ kind: "dense", outputs: 2 },
] as const;
const shape = { input: { height: 6, width: 6, channels: 1 }, layers };
const architecture = { ...shape, shifts: defaultShifts(shape) };
const manifest: IntegerManifest = {
	schema: "openledger.training.v1",
	mode: "integer",
	data: rootsOf(data),
	quantisation: null,
	seed: "3",
	order: ORDER,
	batch: 8,
	halvings: [],
	architecture,
	loss: "cross-entropy",
	rates: rateShifts(architecture, 0.05, 8),
	momentum: 3,
};

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-trained-"));
	await runTraining({ folder, manifest, data, backend: openReference(), epochs: 2 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the last checkpoint, or another, becomes a backbone that gives the same on every backend", async () => {
	const [last, first] = [await trainedBackbone({ run: folder, out: "" }), await trainedBackbone({ run: folder, step: 0, out: "" })];
	expect(last.manifest).toMatchObject({ kind: "int8-network", inputs: 37, features: 8 });
	expect(last.digest).not.toBe(first.digest);
	const x = rowsOf(20, 37, 4n);
	const expected = await last.apply(openReference(), x, 20);
	expect(new Set(expected).size).toBeGreaterThan(20);
	for (const [, open] of BACKENDS) {
		const backend = await open();
		expect(await last.apply(backend, x, 20)).toEqual(expected);
		await backend.close();
	}
});

describe("refused", () => {
	test("no run, no such checkpoint", async () => {
		expect(await refusal(() => trainedBackbone({ run: join(folder, "none"), out: "" }))).toMatchObject({ code: "FILE_MISSING" });
		expect(await refusal(() => trainedBackbone({ run: folder, step: 5, out: "" }))).toMatchObject({ code: "FILE_MISSING" });
	});
});
