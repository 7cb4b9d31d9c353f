import { describe, expect, test } from "vitest";
import { type BackboneManifest, identityBackbone, openBackbone, randomFeatures } from "./backbone.ts";
import { below, generator } from "./random.ts";
import { refusal } from "./testing.ts";

const OPTIONS = { inputs: 6, features: 9, seed: 42n };

test("identity copies rows", () => {
	const x = Uint8Array.of(1, 2, 255, 3, 4, 255);
	const { apply, manifest, digest } = identityBackbone(3);
	expect(apply(x, 2)).toEqual(x);
	expect(apply(x, 2)).not.toBe(x);
	expect(manifest.features).toBe(3);
	expect(digest).not.toBe(identityBackbone(4).digest);
});

describe("random features", () => {
	test("follow their formula over bigints", () => {
		const { apply, manifest } = randomFeatures(OPTIONS);
		if (manifest.kind !== "random-features") throw new Error(manifest.kind);
		const next = generator(OPTIONS.seed);
		const weights = Array.from({ length: 8 * 6 }, () => BigInt(below(next, 255) - 127));
		const draw = generator(1n);
		const x = Uint8Array.from({ length: 20 * 6 }, (_, i) => (i % 6 === 5 || i < 6 ? 255 : below(draw, 256)));
		const shift = BigInt(manifest.shift);
		const expected = Array.from({ length: 20 * 9 }, (_, i) => {
			const [row, j] = [Math.floor(i / 9), i % 9];
			if (j === 8) return 255;
			let sum = 0n;
			for (let q = 0; q < 6; q++) sum += (weights[j * 6 + q] as bigint) * BigInt(x[row * 6 + q] as number);
			const rounded = ((sum < 0n ? 0n : sum) + (1n << (shift - 1n))) >> shift;
			return Number(rounded > 255n ? 255n : rounded);
		});
		expect([...apply(x, 20)]).toEqual(expected);
	});

	test("have a pinned manifest", () => {
		const { manifest, digest } = randomFeatures(OPTIONS);
		expect(manifest).toEqual({
			schema: "openledger.backbone.v1",
			kind: "random-features",
			inputs: 6,
			features: 9,
			seed: "42",
			shift: 7,
			generator: "xoshiro128**/splitmix64",
			weights: "0x9510ede98b8b261118e5485d149c4c4b8ec4aa9fb420e11c70d3ec08c1a8e0a3",
		});
		expect(digest).toBe("0x5cc5b5d5c8d23a0e1ae0c4f8fd0e7c5f0814055fd4f44c7857faf13c99631db5");
	});

	test("can be opened from their manifest as JSON", () => {
		const one = randomFeatures(OPTIONS);
		const two = openBackbone(JSON.parse(JSON.stringify(one.manifest)) as BackboneManifest);
		const x = new Uint8Array(12).fill(200);
		expect(two.digest).toBe(one.digest);
		expect(two.apply(x, 2)).toEqual(one.apply(x, 2));
	});
});

describe("refused", () => {
	const { manifest } = randomFeatures(OPTIONS);

	test("weights that are not those of the seed", async () => {
		expect(await refusal(() => openBackbone({ ...manifest, seed: "43" } as BackboneManifest))).toEqual({
			code: "BACKBONE_INVALID",
			message: expect.stringContaining("the weights of seed 43 have the digest"),
		});
	});

	test.each([
		["inputs", 0, "[1, 8192]"],
		["inputs", 8193, "[1, 8192]"],
		["features", 1, "[2, 8192]"],
		["shift", 0, "[1, 30]"],
		["seed", "-1", "[0, 2^64) in decimal"],
		["seed", "18446744073709551616", "[0, 2^64) in decimal"],
		["seed", "042", "[0, 2^64) in decimal"],
	])("%s = %s", async (name, value, range) => {
		expect(await refusal(() => openBackbone({ ...manifest, [name]: value } as BackboneManifest))).toEqual({
			code: "BACKBONE_INVALID",
			message: `backbone: ${name} is ${JSON.stringify(value)}, the range is ${range}`,
		});
	});

	test.each([{ kind: "network" }, { schema: "openledger.backbone.v2" }])("%o", async (change) => {
		expect(await refusal(() => openBackbone({ ...manifest, ...change } as BackboneManifest))).toEqual({
			code: "BACKBONE_INVALID",
			message: expect.stringContaining("is not known"),
		});
	});

	test("an identity that changes the number of features", async () => {
		const identity = identityBackbone(3).manifest;
		expect(await refusal(() => openBackbone({ ...identity, features: 4 }))).toEqual({
			code: "BACKBONE_INVALID",
			message: "backbone: features is 4, the range is [3, 3]",
		});
	});

	test("rows of another length", async () => {
		expect(await refusal(() => identityBackbone(3).apply(new Uint8Array(5), 2))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "backbone: expected 2 rows of 3 features, got 5 bytes",
		});
	});
});
