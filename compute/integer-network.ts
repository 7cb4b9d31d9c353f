/**
 * A network of bytes, exact on every backend: weights and activations of 8 bits, sums of 32.
 *
 * The input is bytes without sign. Layer l: z = h W + b, h' = clamp(z / 2^shift, 0, 127), rounded half up; the last layer gives z itself.
 * W holds bytes in [-127, 127], b 32-bit integers in units of z. Training (training/) keeps 16 more bits of each: the masters.
 */
import { type Architecture, type LayerShape, layerShapes } from "./architecture.ts";
import type { Backend, Range } from "./backend.ts";
import type { Byte, Tensor } from "./tensor.ts";

/** Bits of a master below those of its weight. */
export const MASTER_BITS = 16;
/** A bias counts as the weight of an input that is always 2^7. */
export const BIAS_BITS = 7;

const WEIGHT: Range<"i8"> = { element: "i8", low: -127, high: 127 };
const BIAS: Range<"i32"> = { element: "i32", low: -(2 ** 31), high: 2 ** 31 - 1 };
/** What hidden layers give. */
export const ACTIVATION: Range<"i8"> = { element: "i8", low: 0, high: 127 };

/** Architecture and the shift of each layer, that of the last one applied to logits. */
export interface IntegerArchitecture extends Architecture {
	/** In [0, 31], one per layer. */
	readonly shifts: readonly number[];
}

/** Weights of a layer, ready for products. */
export interface IntegerLayer {
	readonly shape: LayerShape;
	/** inputs x outputs. */
	readonly weights: Tensor<"i8">;
	/** 1 x outputs. */
	readonly bias: Tensor<"i32">;
	readonly shift: number;
}

/** Masters of a layer: inputs x outputs, and 1 x outputs. */
export interface Masters {
	readonly weights: Tensor<"i32">;
	readonly bias: Tensor<"i32">;
}

/** What the forward pass of a layer leaves. */
export interface IntegerActivations {
	/** What the product took: the row, or its patches. */
	readonly inputs: Tensor<Byte>;
	/** Sums without bias. */
	readonly sums: Tensor<"i32">;
	/** n x features in [0, 127]; undefined for the last layer. */
	readonly outputs: Tensor<"i8"> | undefined;
}

/**
 * Shifts that keep activations of first weights in [-32, 32] at about the middle of their range, whatever the sizes are.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function defaultShifts(architecture: Architecture): number[] {
	const shapes = layerShapes(architecture);
	// The first layer takes 8 bits in place of 7, the last one's logits are in units of 1/16 nat.
	return shapes.map(({ inputs }, l) => 5 + Math.round(Math.log2(inputs / 3) / 2) + (l === 0 ? 1 : 0) + (l === shapes.length - 1 ? 1 : 0));
}

/** The bytes that masters stand for. */
export function layerOf(backend: Backend, { weights, bias }: Masters, shape: LayerShape, shift: number): IntegerLayer {
	return {
		shape,
		weights: backend.integers.requantise(weights, undefined, MASTER_BITS, WEIGHT),
		bias: backend.integers.requantise(bias, undefined, MASTER_BITS - BIAS_BITS, BIAS),
		shift,
	};
}

/**
 * The forward pass.
 * @param x - n x inputs bytes
 * @returns one entry a layer; the caller releases what they hold
 * @throws {DataError} SHAPE_MISMATCH
 */
export function integerForward(backend: Backend, layers: readonly IntegerLayer[], x: Tensor<Byte>): IntegerActivations[] {
	const { integers } = backend;
	let given = x;
	return layers.map(({ shape, weights, bias, shift }, l) => {
		const inputs = shape.geometry ? integers.patches(given, shape.geometry) : given;
		const sums = integers.product(inputs, weights);
		if (l === layers.length - 1) return { inputs, sums, outputs: undefined };
		const outputs = backend.reshape(integers.requantise(sums, bias, shift, ACTIVATION), x.rows, shape.features);
		given = outputs;
		return { inputs, sums, outputs };
	});
}
