import { describe, expect, test } from "vitest";
import type { Backend } from "../backend.ts";
import { below, generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { BACKENDS } from "../tested-backends.ts";
import { refusal, tracked } from "../testing.ts";
import { identityBackbone, openBackbone, randomFeatures } from "./backbone.ts";
import { rounded, rowsOf } from "./testing.ts";

const OPTIONS = { inputs: 6, features: 9, seed: 42n };
const backend = openReference();

test("identity copies rows", async () => {
	const x = Uint8Array.of(1, 2, 255, 3, 4, 255);
	const identity = identityBackbone(3);
	const mapped = await identity.apply(backend, x, 2);
	expect(mapped).toEqual(x);
	expect(mapped).not.toBe(x);
	expect(identity.manifest).toEqual({ schema: "openledger.backbone.v1", kind: "identity", inputs: 3, features: 3 });
	expect(identity.digest).toBe("0xf3f3f64fc549b75d0ae4f91f6a7dac93a6b70645ff5d055818c5e32dcf662969");
	expect(identity.digest).not.toBe(identityBackbone(4).digest);
});

describe("random features", () => {
	describe.each(BACKENDS)("on %s", (_, open) => {
		test.each([
			[6, 9, undefined],
			[6, 2, 1],
			[785, 65, undefined],
			[1, 9, 30],
		])("of %i bytes, %i with shift %s, follow their formula over bigints", async (inputs, features, given) => {
			const { apply, manifest } = randomFeatures({ inputs, features, seed: OPTIONS.seed, shift: given });
			if (manifest.kind !== "random-features") throw new Error(manifest.kind);
			const next = generator(OPTIONS.seed);
			const weights = Array.from({ length: (features - 1) * inputs }, () => BigInt(below(next, 255) - 127));
			const x = rowsOf(9, inputs, 1n);
			const expected = Array.from({ length: 9 * features }, (_, i) => {
				const [row, j] = [Math.floor(i / features), i % features];
				if (j === features - 1) return 255;
				let sum = 0n;
				for (let q = 0; q < inputs; q++) sum += (weights[j * inputs + q] as bigint) * BigInt(x[row * inputs + q] as number);
				return Number(rounded(sum < 0n ? 0n : sum, manifest.shift, 0n, 255n));
			});
			const own = await open();
			expect([...(await apply(own, x, 9))]).toEqual(expected);
			await own.close();
		});
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

	test("can be opened from their manifest as JSON", async () => {
		const one = randomFeatures(OPTIONS);
		const two = openBackbone(JSON.parse(JSON.stringify(one.manifest)));
		const x = new Uint8Array(12).fill(200);
		expect(two.digest).toBe(one.digest);
		expect(await two.apply(backend, x, 2)).toEqual(await one.apply(backend, x, 2));
	});
});

describe("batches", () => {
	const { apply } = randomFeatures(OPTIONS);
	const x = rowsOf(100, 6, 2n);

	test("follow the limits of the backend, and give the same", async () => {
		const uploads: number[] = [];
		const narrow: Backend = {
			...backend,
			limits: { ...backend.limits, tensorBytes: 330 },
			upload: (element, values, rows, columns) => {
				if (element === "u8") uploads.push(rows);
				return backend.upload(element, values, rows, columns);
			},
		};
		const told: [number, number][] = [];
		const mapped = await apply(narrow, x, 100, { progress: (done, of) => told.push([done, of]) });
		expect(mapped).toEqual(await apply(backend, x, 100));
		// 8 sums of 4 bytes are the widest that a row becomes.
		expect(uploads).toEqual([...Array<number>(10).fill(10)]);
		expect(told).toEqual(uploads.map((_, i) => [10 * (i + 1), 100]));
	});

	test("end when the signal says so, and leave no weights behind", async () => {
		const { backend: narrow, live } = tracked(backend, { tensorBytes: 330 });
		const controller = new AbortController();
		const progress = (done: number) => done === 30 && controller.abort(new Error("enough"));
		await expect(apply(narrow, x, 100, { signal: controller.signal, progress })).rejects.toThrow("enough");
		expect(live()).toEqual([]);
	});

	test("of no rows are nothing", async () => {
		expect(await apply(backend, new Uint8Array(0), 0)).toEqual(new Uint8Array(0));
	});
});

describe("refused", () => {
	const { manifest } = randomFeatures(OPTIONS);

	test("weights that are not those of the seed", async () => {
		expect(await refusal(() => openBackbone({ ...manifest, seed: "43" }))).toEqual({
			code: "BACKBONE_INVALID",
			message: expect.stringContaining("the weights of seed 43 have the digest"),
		});
	});

	test.each([
		["inputs", 0, "[1, 8192]"],
		["inputs", 8193, "[1, 8192]"],
		["inputs", "6", "[1, 8192]"],
		["features", 1, "[2, 8192]"],
		["shift", 0, "[1, 30]"],
		["seed", "-1", "[0, 2^64) in decimal"],
		["seed", "18446744073709551616", "[0, 2^64) in decimal"],
		["seed", "042", "[0, 2^64) in decimal"],
		["seed", 42, "[0, 2^64) in decimal"],
	])("%s = %s", async (name, value, range) => {
		expect(await refusal(() => openBackbone({ ...manifest, [name]: value }))).toEqual({
			code: "BACKBONE_INVALID",
			message: `backbone: ${name} is ${JSON.stringify(value)}, the range is ${range}`,
		});
	});

	test.each([
		{ ...manifest, kind: "network" },
		{ ...manifest, kind: "toString" },
		{ ...manifest, schema: "openledger.backbone.v2" },
		{},
		[],
		null,
		7,
	])("%o", async (given) => {
		expect(await refusal(() => openBackbone(given))).toEqual({
			code: "BACKBONE_INVALID",
			message: expect.stringContaining("is not known"),
		});
	});

	test("another generator", async () => {
		expect(await refusal(() => openBackbone({ ...manifest, generator: "mt19937" }))).toEqual({
			code: "BACKBONE_INVALID",
			message: 'backbone: generator is "mt19937", "xoshiro128**/splitmix64" is expected',
		});
	});

	test("more than the kind says, which would be another name of the same", async () => {
		expect(await refusal(() => openBackbone({ ...manifest, note: "mine" }))).toEqual({
			code: "BACKBONE_INVALID",
			message:
				"backbone: a manifest of kind random-features says schema, kind, inputs, features, seed, shift, generator, weights and no more, got schema, kind, inputs, features, seed, shift, generator, weights, note",
		});
	});

	test("an identity that changes the number of features", async () => {
		expect(await refusal(() => openBackbone({ ...identityBackbone(3).manifest, features: 4 }))).toEqual({
			code: "BACKBONE_INVALID",
			message: "backbone: features is 4, the range is [3, 3]",
		});
	});

	test("rows of another length", async () => {
		expect(await refusal(() => identityBackbone(3).apply(backend, new Uint8Array(5), 2))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "backbone: expected 2 rows of 3 features, got 5 bytes",
		});
	});
});
