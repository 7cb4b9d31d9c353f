/**
 * A trained network of bytes (integer-network.ts) without its head: the features are what the last hidden layer gives, with one bit more
 * than the head sees,
 *
 *     h_0 = x, h_l = clamp((h_(l-1) W_l + b_l) / 2^s_l, 0, 127)          x' = clamp((h_(L-1) W_L + b_L) / 2^(s_L - 1), 0, 255)
 *
 * rounded half up, so that features use the whole byte and x' is about 2 h_L. The bias of the rows is not an input of the network; it is
 * the last feature again. Weights are a file of their own: layer by layer W (inputs x outputs bytes in [-127, 127], row-major), then b
 * (32-bit integers, little-endian). A network whose sums could leave 32 bits for any input is refused, so no sum wraps around.
 */
import { concatBytes } from "@noble/hashes/utils.js";
import { inputsOf, type LayerShape, type LayerSpec, layerShapes } from "../architecture.ts";
import { type Digest, keccak } from "../digest.ts";
import { DataError } from "../errors.ts";
import { type IntegerActivations, type IntegerArchitecture, type IntegerLayer, integerForward } from "../integer-network.ts";
import {
	BACKBONE_SCHEMA,
	type Given,
	type IntegerNetworkManifest,
	integerOf,
	invalid,
	listOf,
	MAX_FEATURES,
	type Mapping,
	objectOf,
} from "./manifest.ts";

/** What training exports: the architecture with its head, and each layer's parameters. */
export interface IntegerNetwork {
	readonly architecture: IntegerArchitecture;
	readonly layers: readonly IntegerParameters[];
}

export interface IntegerParameters {
	/** inputs x outputs, row-major, in [-127, 127]. */
	readonly weights: Int8Array;
	/** One per output, in units of the sums. */
	readonly bias: Int32Array;
}

/**
 * The manifest and the weights file of a trained network.
 * @throws {DataError} BACKBONE_INVALID for a network without hidden layers, or with layers of another size than its architecture says
 */
export function integerNetworkManifest({ architecture, layers }: IntegerNetwork): {
	manifest: IntegerNetworkManifest;
	weights: Uint8Array;
} {
	const { input, layers: specs, shifts } = architecture;
	if (specs.length < 2)
		throw invalid(
			`the network has ${specs.length} layers, the least is 2: one hidden, and the head`,
			"Train a network with a hidden layer.",
		);
	const hidden = { input, layers: specs.slice(0, -1), shifts: shifts.slice(0, -1) };
	const shapes = hiddenShapes(hidden);
	const parts = shapes.flatMap(({ inputs, outputs }, l) => {
		const { weights, bias } = layers[l] ?? { weights: [], bias: [] };
		if (weights.length !== inputs * outputs || bias.length !== outputs) {
			throw invalid(
				`layer ${l} has ${weights.length} weights and ${bias.length} biases, ${inputs * outputs} and ${outputs} are expected`,
				"Export the network of this architecture.",
			);
		}
		const words = new DataView(new ArrayBuffer(4 * outputs));
		bias.forEach((value, j) => {
			words.setInt32(4 * j, value, true);
		});
		return [Uint8Array.from(weights, (value) => value & 255), new Uint8Array(words.buffer)];
	});
	const weights = concatBytes(...parts);
	const last = shapes.at(-1) as LayerShape;
	return {
		manifest: {
			schema: BACKBONE_SCHEMA,
			kind: "int8-network",
			inputs: inputsOf(architecture) + 1,
			features: last.features + 1,
			architecture: hidden,
			weights: keccak(weights),
		},
		weights,
	};
}

/**
 * @param weights - the weights file
 * @throws {DataError} BACKBONE_INVALID; CHECKPOINT_MISMATCH for weights that are not those of the manifest
 */
export function integerNetworkMapping(given: Given, weights: Uint8Array | undefined): Mapping<IntegerNetworkManifest> {
	const architecture = architectureOf(given.architecture);
	const shapes = hiddenShapes(architecture);
	const inputs = inputsOf(architecture) + 1;
	const features = (shapes.at(-1) as LayerShape).features + 1;
	integerOf("inputs", given.inputs, inputs, inputs);
	integerOf("features", given.features, features, features);
	integerOf("hidden features", features, 2, MAX_FEATURES);
	const digest = checkWeights(weights, shapes, given.weights);
	const layers = parametersOf(weights as Uint8Array, shapes);
	layers.forEach((layer, l) => {
		checkSums(layer, l);
	});
	const shift = architecture.shifts.at(-1) as number;
	return {
		manifest: { schema: BACKBONE_SCHEMA, kind: "int8-network", inputs, features, architecture, weights: digest },
		takesBias: false,
		rowBytes: Math.max(...shapes.map(widest)),
		open(backend) {
			const open = layers.map((layer, l): IntegerLayer => {
				const shape = shapes[l] as LayerShape;
				return {
					shape,
					weights: backend.upload("i8", layer.weights, shape.inputs, shape.outputs),
					bias: backend.upload("i32", layer.bias, 1, shape.outputs),
					shift: architecture.shifts[l] as number,
				};
			});
			const { bias } = open.at(-1) as IntegerLayer;
			return {
				async apply(rows) {
					const activations = integerForward(backend, open, rows);
					const { sums } = activations.at(-1) as IntegerActivations;
					const bytes = backend.integers.requantise(sums, bias, shift - 1, { element: "u8", low: 0, high: 255 });
					const values = await backend.download(bytes);
					// A dense layer takes the very tensor that the layer before gives.
					backend.release(
						bytes,
						...new Set(activations.flatMap(({ inputs, sums, outputs }) => [inputs, sums, ...(outputs ? [outputs] : [])])),
					);
					if (shapes[0]?.geometry) backend.release(rows);
					return values;
				},
				close: () => backend.release(...open.flatMap((layer) => [layer.weights, layer.bias])),
			};
		},
	};
}

/** Sizes of layers without a head. @throws {DataError} BACKBONE_INVALID */
function hiddenShapes({ input, layers }: IntegerNetworkManifest["architecture"]): LayerShape[] {
	try {
		// What a head would take is what the features are.
		return layerShapes({ input, layers: [...layers, { kind: "dense", outputs: 1 }] }).slice(0, -1);
	} catch (cause) {
		if (!(cause instanceof DataError)) throw cause;
		throw invalid(cause.message, cause.hint, cause);
	}
}

function architectureOf(given: unknown): IntegerNetworkManifest["architecture"] {
	const { input, layers, shifts } = objectOf("architecture", given);
	const size = (name: string) => integerOf(`architecture.input.${name}`, objectOf("architecture.input", input)[name], 1, 2 ** 20);
	const specs = listOf("architecture.layers", layers).map(layerOf);
	if (specs.length === 0) throw invalid("architecture.layers is [], one hidden layer is the least");
	const list = listOf("architecture.shifts", shifts);
	integerOf("the number of architecture.shifts", list.length, specs.length, specs.length);
	return {
		input: { height: size("height"), width: size("width"), channels: size("channels") },
		layers: specs,
		// The last one less 1 is that of the features.
		shifts: list.map((shift, l) => integerOf(`architecture.shifts[${l}]`, shift, l === list.length - 1 ? 1 : 0, 31)),
	};
}

function layerOf(given: unknown, l: number): LayerSpec {
	const place = `architecture.layers[${l}]`;
	const { kind, ...sizes } = objectOf(place, given);
	const size = (name: string, low = 1) => integerOf(`${place}.${name}`, sizes[name], low, 2 ** 20);
	if (kind === "dense") return { kind, outputs: size("outputs") };
	if (kind === "convolution") {
		return { kind, channels: size("channels"), kernel: size("kernel"), stride: size("stride"), padding: size("padding", 0) };
	}
	throw invalid(`${place}.kind is ${JSON.stringify(kind)}, "dense" or "convolution" is expected`);
}

/** The bytes must be those of the manifest. @returns their digest */
function checkWeights(weights: Uint8Array | undefined, shapes: readonly LayerShape[], expected: unknown): Digest {
	const size = shapes.reduce((sum, { inputs, outputs }) => sum + (inputs + 4) * outputs, 0);
	const mismatch = (message: string) =>
		new DataError(
			"CHECKPOINT_MISMATCH",
			`backbone: ${message}`,
			"Get the weights of this manifest, or make the backbone again from its training run.",
		);
	if (weights?.length !== size)
		throw mismatch(`expected ${size} bytes of weights for this architecture, got ${weights === undefined ? "none" : weights.length}`);
	const digest = keccak(weights);
	if (digest !== expected) throw mismatch(`expected weights with the digest ${expected}, got ${digest}`);
	return digest;
}

function parametersOf(weights: Uint8Array, shapes: readonly LayerShape[]): IntegerParameters[] {
	const view = new DataView(weights.buffer, weights.byteOffset, weights.length);
	let at = 0;
	return shapes.map(({ inputs, outputs }) => {
		const values = Int8Array.from(weights.subarray(at, at + inputs * outputs));
		at += inputs * outputs;
		const bias = Int32Array.from({ length: outputs }, (_, j) => view.getInt32(at + 4 * j, true));
		at += 4 * outputs;
		return { weights: values, bias };
	});
}

/** No input may lead a sum out of 32 bits. @throws {DataError} BACKBONE_INVALID */
function checkSums({ weights, bias }: IntegerParameters, l: number): void {
	const largest = l === 0 ? 255 : 127;
	const outputs = bias.length;
	const [low, high] = [Float64Array.from(bias), Float64Array.from(bias)];
	weights.forEach((weight, at) => {
		if (weight === -128) throw invalid(`layer ${l} has the weight -128, the range is [-127, 127]`, "Export the network again.");
		const side = weight < 0 ? low : high;
		(side[at % outputs] as number) += weight * largest;
	});
	const bad = low.findIndex((value, j) => value < -(2 ** 31) || (high[j] as number) >= 2 ** 31);
	if (bad < 0) return;
	throw invalid(
		`sums of output ${bad} of layer ${l} reach [${low[bad]}, ${high[bad]}], 32 bits hold [-2^31, 2^31 - 1]`,
		"Train with smaller weights, or fewer inputs of a layer.",
	);
}

/** Bytes of the widest tensor of a row: its patches, or its sums. */
function widest({ geometry, inputs, outputs, features }: LayerShape): number {
	const places = geometry === undefined ? 1 : features / outputs;
	return Math.max(places * inputs, 4 * features);
}
