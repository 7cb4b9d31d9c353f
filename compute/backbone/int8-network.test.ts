import { describe, expect, test } from "vitest";
import { type Architecture, type LayerShape, layerShapes } from "../architecture.ts";
import { defaultShifts } from "../integer-network.ts";
import { below, generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { BACKENDS } from "../tested-backends.ts";
import { refusal, tracked } from "../testing.ts";
import { networkBackbone, openBackbone } from "./backbone.ts";
import type { IntegerNetwork } from "./int8-network.ts";
import type { IntegerNetworkManifest } from "./manifest.ts";
import { rounded, rowsOf } from "./testing.ts";

const PERCEPTRON: Architecture = {
	input: { height: 1, width: 1, channels: 7 },
	layers: [
		{ kind: "dense", outputs: 9 },
		{ kind: "dense", outputs: 5 },
		{ kind: "dense", outputs: 3 },
	],
};
const CONVOLUTIONS: Architecture = {
	input: { height: 6, width: 5, channels: 2 },
	layers: [
		{ kind: "convolution", channels: 4, kernel: 3, stride: 1, padding: 1 },
		{ kind: "convolution", channels: 3, kernel: 2, stride: 2, padding: 0 },
		{ kind: "dense", outputs: 6 },
		{ kind: "dense", outputs: 3 },
	],
};
/** Features are what a convolution gives. */
const PICTURES: Architecture = { ...CONVOLUTIONS, layers: [...CONVOLUTIONS.layers.slice(0, 2), { kind: "dense", outputs: 3 }] };
const ONE_HIDDEN: Architecture = { ...PERCEPTRON, layers: PERCEPTRON.layers.slice(1) };

const WEIGHTS: Readonly<Record<string, (at: number, random: number) => number>> = {
	random: (_, random) => random,
	"random and small": (_, random) => random >> 2,
	largest: () => 127,
	smallest: () => -127,
	alternating: (at) => (at % 2 === 0 ? 127 : -127),
};

function networkOf(
	architecture: Architecture,
	fill: (at: number, random: number) => number,
	shifts = defaultShifts(architecture),
): IntegerNetwork {
	const next = generator(5n);
	const layers = layerShapes(architecture).map(({ inputs, outputs }) => ({
		weights: Int8Array.from({ length: inputs * outputs }, (_, at) => fill(at, below(next, 255) - 127)),
		bias: Int32Array.from({ length: outputs }, () => below(next, 2 ** 14) - 2 ** 13),
	}));
	return { architecture: { ...architecture, shifts }, layers };
}

/** The definition: one output after the other, over bigints. */
function expected({ architecture, layers }: IntegerNetwork, x: Uint8Array, n: number): number[] {
	const shapes = layerShapes(architecture).slice(0, -1);
	const size = x.length / n - 1;
	const result: number[] = [];
	for (let row = 0; row < n; row++) {
		let given = Array.from(x.subarray(row * (size + 1), row * (size + 1) + size), BigInt);
		shapes.forEach((shape, l) => {
			const isLast = l === shapes.length - 1;
			const shift = (architecture.shifts[l] as number) - (isLast ? 1 : 0);
			given = sums(shape, layers[l] as IntegerNetwork["layers"][number], given).map((z) => rounded(z, shift, 0n, isLast ? 255n : 127n));
		});
		result.push(...given.map(Number), 255);
	}
	return result;
}

function sums(
	{ geometry, inputs, outputs }: LayerShape,
	{ weights, bias }: IntegerNetwork["layers"][number],
	given: readonly bigint[],
): bigint[] {
	const output = (j: number, taken: (i: number) => bigint) => {
		let sum = BigInt(bias[j] as number);
		for (let i = 0; i < inputs; i++) sum += taken(i) * BigInt(weights[i * outputs + j] as number);
		return sum;
	};
	if (geometry === undefined) return Array.from({ length: outputs }, (_, j) => output(j, (i) => given[i] as bigint));
	const { height, width, channels, kernel, stride, padding } = geometry;
	const result: bigint[] = [];
	for (let top = -padding; top + kernel <= height + padding; top += stride) {
		for (let left = -padding; left + kernel <= width + padding; left += stride) {
			for (let j = 0; j < outputs; j++) {
				result.push(
					output(j, (i) => {
						const [c, tap] = [i % channels, Math.floor(i / channels)];
						const [y, z] = [top + Math.floor(tap / kernel), left + (tap % kernel)];
						return y < 0 || z < 0 || y >= height || z >= width ? 0n : (given[(y * width + z) * channels + c] as bigint);
					}),
				);
			}
		}
	}
	return result;
}

describe.each(BACKENDS)("on %s", (_, open) => {
	describe.each([
		["a perceptron", PERCEPTRON],
		["one hidden layer", ONE_HIDDEN],
		["convolutions", CONVOLUTIONS],
		["convolutions to the end", PICTURES],
	])("%s", (_, architecture) => {
		test.each(Object.keys(WEIGHTS))("of %s weights follows its definition over bigints", async (fill) => {
			const network = networkOf(architecture, WEIGHTS[fill] as (typeof WEIGHTS)[string]);
			const { apply, manifest } = networkBackbone(network);
			const x = rowsOf(9, manifest.inputs, 3n);
			const own = await open();
			const features = await apply(own, x, 9);
			expect([...features]).toEqual(expected(network, x, 9));
			// Not all of them are at an end of their range, or the test would see little.
			if (fill === "random and small") expect(new Set(features).size).toBeGreaterThan(20);
			await own.close();
		});

		test.each([
			[1, 0],
			[31, 31],
		])("with shifts of %i and %i", async (last, others) => {
			const shifts = architecture.layers.map((_, l) => (l === architecture.layers.length - 2 ? last : others));
			const network = networkOf(architecture, WEIGHTS.random as (typeof WEIGHTS)[string], shifts);
			const { apply, manifest } = networkBackbone(network);
			const x = rowsOf(9, manifest.inputs, 4n);
			const own = await open();
			expect([...(await apply(own, x, 9))]).toEqual(expected(network, x, 9));
			await own.close();
		});
	});
});

test.each([
	["a perceptron", PERCEPTRON],
	["convolutions", CONVOLUTIONS],
	["convolutions to the end", PICTURES],
])("%s in parts leaves nothing on the backend", async (_, architecture) => {
	const { apply, manifest } = networkBackbone(networkOf(architecture, WEIGHTS["random and small"] as (typeof WEIGHTS)[string]));
	const x = rowsOf(9, manifest.inputs, 3n);
	const { backend, live } = tracked(openReference(), { tensorBytes: 1200 });
	expect(await apply(backend, x, 9)).toEqual(await apply(openReference(), x, 9));
	expect(live()).toEqual([]);
});

describe("a manifest", () => {
	const network = networkOf(PERCEPTRON, WEIGHTS.random as (typeof WEIGHTS)[string]);
	const backbone = networkBackbone(network);

	test("is pinned, and says nothing of the head", () => {
		expect(backbone.manifest).toEqual({
			schema: "openledger.backbone.v1",
			kind: "int8-network",
			inputs: 8,
			features: 6,
			architecture: { input: PERCEPTRON.input, layers: PERCEPTRON.layers.slice(0, 2), shifts: network.architecture.shifts.slice(0, 2) },
			weights: "0x0b49992c3eb0092fc5d47814ceab641ce13b039d6261a6b086ff0ce32c5dcd08",
		});
		expect(backbone.digest).toBe("0x0f68206992e135dddb81d9446765e9c889d8e0bc12cfa134a63171a8933be674");
		const other = {
			...network,
			layers: network.layers.map((layer, l) => (l === 2 ? { ...layer, weights: layer.weights.map(() => 1) } : layer)),
		};
		expect(networkBackbone(other).digest).toBe(backbone.digest);
	});

	test("and its weights open the same backbone", async () => {
		const other = openBackbone(JSON.parse(JSON.stringify(backbone.manifest)), Uint8Array.from(backbone.weights as Uint8Array));
		const x = rowsOf(9, 8, 6n);
		const backend = openReference();
		expect(other.digest).toBe(backbone.digest);
		expect(await other.apply(backend, x, 9)).toEqual(await backbone.apply(backend, x, 9));
	});

	test("weights are bytes layer by layer, then words of the bias, low byte first", () => {
		const { layers } = network;
		const bytes = layers
			.slice(0, 2)
			.flatMap(({ weights, bias }) => [
				...Array.from(weights, (value) => value & 255),
				...Array.from(bias).flatMap((value) => [0, 8, 16, 24].map((shift) => (value >> shift) & 255)),
			]);
		expect([...(backbone.weights as Uint8Array)]).toEqual(bytes);
	});
});

describe("refused", () => {
	const network = networkOf(CONVOLUTIONS, WEIGHTS.random as (typeof WEIGHTS)[string]);
	const { manifest, weights } = networkBackbone(network) as { manifest: IntegerNetworkManifest; weights: Uint8Array };
	const { architecture } = manifest;

	test.each([
		["missing", undefined, "expected 280 bytes of weights for this architecture, got none"],
		["of another architecture", weights.slice(1), `expected 280 bytes of weights for this architecture, got 279`],
		["damaged", weights.map((byte, at) => (at === 7 ? byte ^ 1 : byte)), `expected weights with the digest ${manifest.weights}, got 0x`],
	])("weights that are %s", async (_, given, message) => {
		expect(await refusal(() => openBackbone(manifest, given))).toEqual({
			code: "CHECKPOINT_MISMATCH",
			message: expect.stringContaining(`backbone: ${message}`),
		});
	});

	test.each([
		["inputs", 60, "inputs is 60, the range is [61, 61]"],
		["features", 6, "features is 6, the range is [7, 7]"],
		["architecture", 5, "architecture is 5, an object is expected"],
		["architecture", { ...architecture, input: [6, 5, 2] }, "architecture.input is [6,5,2], an object is expected"],
		["architecture", { ...architecture, layers: {} }, "architecture.layers is {}, a list is expected"],
		["architecture", { ...architecture, layers: [], shifts: [] }, "architecture.layers is [], one hidden layer is the least"],
		["architecture", { ...architecture, shifts: [9, 9] }, "the number of architecture.shifts is 2, the range is [3, 3]"],
		["architecture", { ...architecture, shifts: [9, 9, 0] }, "architecture.shifts[2] is 0, the range is [1, 31]"],
		["architecture", { ...architecture, shifts: [32, 9, 1] }, "architecture.shifts[0] is 32, the range is [0, 31]"],
		[
			"architecture",
			{ ...architecture, layers: [{ kind: "pooling" }, ...architecture.layers.slice(1)] },
			'architecture.layers[0].kind is "pooling", "dense" or "convolution" is expected',
		],
		[
			"architecture",
			{ ...architecture, layers: [{ kind: "dense" }, ...architecture.layers.slice(1)] },
			"architecture.layers[0].outputs is undefined, the range is [1, 1048576]",
		],
		[
			"architecture",
			{ ...architecture, layers: [{ ...architecture.layers[0], kernel: 9 }, ...architecture.layers.slice(1)] },
			"convolution: expected positive sizes and padding < kernel <= image, got 6 x 5 x 2, kernel 9, stride 1, padding 1",
		],
	])("%s = %j", async (name, value, message) => {
		expect(await refusal(() => openBackbone({ ...manifest, [name]: value }, weights))).toEqual({
			code: "BACKBONE_INVALID",
			message: `backbone: ${message}`,
		});
	});

	test("more than the kind says, in its depths", async () => {
		const given = { ...manifest, architecture: { ...architecture, input: { ...architecture.input, depth: 1 } } };
		expect(await refusal(() => openBackbone(given, weights))).toMatchObject({ code: "BACKBONE_INVALID" });
	});

	test("a network without hidden layers, and layers of another size", async () => {
		const head: Architecture = { ...PERCEPTRON, layers: PERCEPTRON.layers.slice(2) };
		expect(await refusal(() => networkBackbone(networkOf(head, () => 1)))).toEqual({
			code: "BACKBONE_INVALID",
			message: "backbone: the network has 1 layers, the least is 2: one hidden, and the head",
		});
		expect(await refusal(() => networkBackbone({ ...network, layers: network.layers.slice(1) }))).toEqual({
			code: "BACKBONE_INVALID",
			message: "backbone: layer 0 has 48 weights and 3 biases, 72 and 4 are expected",
		});
	});

	test("a weight of -128", async () => {
		const layers = network.layers.map(({ weights, bias }, l) => ({
			weights: weights.map((value, at) => (l === 1 && at === 0 ? -128 : value)),
			bias,
		}));
		expect(await refusal(() => networkBackbone({ ...network, layers }))).toEqual({
			code: "BACKBONE_INVALID",
			message: "backbone: layer 1 has the weight -128, the range is [-127, 127]",
		});
	});

	test.each([
		[2 ** 31 - 1 - 7 * 127 * 255, true],
		[2 ** 31 - 7 * 127 * 255, false],
		[-(2 ** 31), true],
	])("a bias of %i, from where on sums could leave 32 bits", async (value, isGood) => {
		const { architecture, layers } = networkOf(PERCEPTRON, () => 127);
		const changed = layers.map(({ weights, bias }, l) => ({ weights, bias: bias.map((own) => (l === 0 ? value : own)) }));
		const make = () => networkBackbone({ architecture, layers: changed });
		if (isGood) {
			const { apply } = make();
			const x = rowsOf(4, 8, 7n);
			expect([...(await apply(openReference(), x, 4))]).toEqual(expected({ architecture, layers: changed }, x, 4));
		} else {
			expect(await refusal(make)).toEqual({
				code: "BACKBONE_INVALID",
				message: "backbone: sums of output 0 of layer 0 reach [2147256953, 2147483648], 32 bits hold [-2^31, 2^31 - 1]",
			});
		}
	});
});
