import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusal } from "../testing.ts";
import { networkBackbone, randomFeatures } from "./backbone.ts";
import { readBackbone, weightsPath } from "./file.ts";

const random = randomFeatures({ inputs: 6, features: 9, seed: 42n });
const network = networkBackbone({
	architecture: {
		input: { height: 1, width: 1, channels: 2 },
		layers: [
			{ kind: "dense", outputs: 3 },
			{ kind: "dense", outputs: 2 },
		],
		shifts: [4, 4],
	},
	layers: [
		{ weights: Int8Array.of(1, 2, 3, 4, 5, 6), bias: Int32Array.of(1, 2, 3) },
		{ weights: Int8Array.of(1, 2, 3, 4, 5, 6), bias: Int32Array.of(1, 2) },
	],
});

let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-backbone-"));
	await writeFile(file("random.json"), JSON.stringify(random.manifest, null, 2));
	for (const name of ["network", "alone", "damaged"]) await writeFile(file(`${name}.json`), JSON.stringify(network.manifest));
	await writeFile(file("network.weights"), network.weights as Uint8Array);
	await writeFile(
		file("damaged.weights"),
		(network.weights as Uint8Array).map((byte) => byte ^ 1),
	);
	await writeFile(file("list.json"), "[1, 2");
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("weights lie beside the manifest", () => {
	expect(weightsPath("one/net.json")).toBe("one/net.weights");
	expect(weightsPath("one.json/net")).toBe("one.json/net.weights");
});

test("manifests are read, with the weights of networks", async () => {
	expect((await readBackbone(file("random.json"))).digest).toBe(random.digest);
	const read = await readBackbone(file("network.json"), network.digest);
	expect([read.digest, read.weights?.length]).toEqual([network.digest, 18]);
});

describe("refused", () => {
	test.each([
		["none.json", "FILE_MISSING", "backbone: expected a manifest at"],
		[".", "FILE_UNREADABLE", "backbone: expected a manifest at"],
		["list.json", "BACKBONE_INVALID", "list.json is no JSON"],
		["alone.json", "CHECKPOINT_MISMATCH", "alone.weights, got ENOENT"],
		["damaged.json", "CHECKPOINT_MISMATCH", "expected weights with the digest"],
	])("%s", async (name, code, message) => {
		expect(await refusal(() => readBackbone(file(name)))).toEqual({ code, message: expect.stringContaining(message) });
	});

	test("another digest", async () => {
		expect(await refusal(() => readBackbone(file("random.json"), network.digest))).toEqual({
			code: "CHECKPOINT_MISMATCH",
			message: `backbone: expected the digest ${network.digest} at ${file("random.json")}, got ${random.digest}`,
		});
	});
});
