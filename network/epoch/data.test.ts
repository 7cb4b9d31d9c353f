import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomFeatures } from "../../compute/backbone/backbone.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { BACKENDS } from "../../compute/tested-backends.ts";
import { DEFAULT_CONFIG } from "./config.ts";
import { prepareData } from "./data.ts";

let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-data-"));
	// The glyphs are bytes already.
	await writeFile(file("bytes.json"), '{"quantisation": null}');
	await writeFile(file("random.json"), JSON.stringify(randomFeatures({ inputs: 16, features: 30, seed: 7n }).manifest));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a scale that was given is the one of the model", async () => {
	const own = await prepareData(DEFAULT_CONFIG, openReference());
	expect(await prepareData({ ...DEFAULT_CONFIG, scale: file("bytes.json") }, openReference())).toMatchObject({
		quantisation: { columns: Array(15).fill({ min: 0, max: 255 }) },
		evaluation: own.evaluation,
	});
	const wide = { ...own.quantisation, columns: own.quantisation.columns.map((range) => ({ ...range, min: -255 })) };
	await writeFile(file("wide.json"), JSON.stringify({ schema: "openledger.model.v1", quantisation: wide }));
	const { quantisation, evaluation } = await prepareData({ ...DEFAULT_CONFIG, scale: file("wide.json") }, openReference());
	expect(quantisation).toEqual(wide);
	const halves = own.evaluation.x.map((value, at) => (at % 16 === 15 ? 255 : Math.round((value + 255) / 2)));
	expect(evaluation.x).toEqual(halves);
});

test("a backbone from a file gives what the same random features give, on every backend", async () => {
	const asked = await prepareData({ ...DEFAULT_CONFIG, randomFeatures: { features: 30, seed: 7n } }, openReference());
	for (const [, open] of BACKENDS) {
		const backend = await open();
		const read = await prepareData({ ...DEFAULT_CONFIG, backbone: file("random.json") }, backend);
		expect(read.backbone.digest).toBe(asked.backbone.digest);
		expect([read.features, read.set.d]).toEqual([30, 32]);
		expect(read.contributors).toEqual(asked.contributors);
		await backend.close();
	}
});
