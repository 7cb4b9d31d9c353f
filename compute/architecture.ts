/** What a network is made of: dense and convolutional layers with ReLU between them. Plain data, for manifests; parameters are elsewhere. */
import { DataError } from "./errors.ts";
import { type Geometry, patchesOf } from "./geometry.ts";

/** Rows of height x width x channels values, channels fastest; a row of d features is 1 x 1 x d. */
export interface ImageShape {
	readonly height: number;
	readonly width: number;
	readonly channels: number;
}

export type LayerSpec =
	| { readonly kind: "dense"; readonly outputs: number }
	| { readonly kind: "convolution"; readonly channels: number; readonly kernel: number; readonly stride: number; readonly padding: number };

/** Layers in order; all but the last are followed by ReLU. The last is dense: its outputs are logits of classes, or features. */
export interface Architecture {
	readonly input: ImageShape;
	readonly layers: readonly LayerSpec[];
}

/** A layer with all of its sizes. */
export interface LayerShape {
	/** Of the convolution; undefined for a dense layer. */
	readonly geometry: Geometry | undefined;
	/** Rows of the weights: features, or values of a patch. */
	readonly inputs: number;
	/** Columns of the weights: features, or channels. */
	readonly outputs: number;
	/** Outputs per place times places: values per row that the layer gives. */
	readonly features: number;
}

/** The most layers, and the most values of a row. */
const MAX_LAYERS = 32;
const MAX_FEATURES = 2 ** 20;

/**
 * Sizes of the layers.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE, naming the layer
 */
export function layerShapes({ input, layers }: Architecture): LayerShape[] {
	const sizes = [input.height, input.width, input.channels];
	if (!sizes.every(isSize) || layers.length < 1 || layers.length > MAX_LAYERS || layers.at(-1)?.kind !== "dense") {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`architecture: expected positive sizes and 1 to ${MAX_LAYERS} layers, the last one dense, got ${sizes.join(" x ")} and ${layers.length} layers (${layers.map(({ kind }) => kind).join(", ")})`,
			"End with a dense layer of as many outputs as there are classes.",
		);
	}
	let shape = input;
	return layers.map((layer, l) => {
		const outputs = layer.kind === "dense" ? layer.outputs : layer.channels;
		if (!isSize(outputs)) {
			throw new DataError(
				"PARAMETER_OUT_OF_RANGE",
				`architecture: layer ${l}: expected outputs in [1, ${MAX_FEATURES}], got ${outputs}`,
				"Choose another size.",
			);
		}
		if (layer.kind === "dense") {
			const inputs = shape.height * shape.width * shape.channels;
			shape = { height: 1, width: 1, channels: outputs };
			return { geometry: undefined, inputs, outputs, features: outputs };
		}
		const { kernel, stride, padding } = layer;
		const geometry = { ...shape, kernel, stride, padding };
		const { outHeight, outWidth, places, values } = patchesOf(geometry);
		shape = { height: outHeight, width: outWidth, channels: outputs };
		return { geometry, inputs: values, outputs, features: places * outputs };
	});
}

/** Values of a row that goes in. */
export function inputsOf({ input: { height, width, channels } }: Architecture): number {
	return height * width * channels;
}

function isSize(value: number): boolean {
	return Number.isInteger(value) && value >= 1 && value <= MAX_FEATURES;
}
