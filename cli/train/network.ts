/** What `--network` names: layers for the rows at hand. */
import { InvalidArgumentError } from "commander";
import type { Architecture, ImageShape, LayerSpec } from "../../compute/architecture.ts";
import { UsageError } from "../exit.ts";

/** `mlp:128,64`, `conv:8,16`, `softmax` or `ridge`. */
export interface Network {
	readonly kind: "mlp" | "conv" | "softmax" | "ridge";
	/** Outputs of hidden layers, or channels of convolutions. */
	readonly sizes: readonly number[];
}

/** Reads `--network`. */
export function network(value: string): Network {
	const match = /^(?:(mlp|conv):([1-9]\d{0,5}(?:,[1-9]\d{0,5})*)|(softmax|ridge))$/.exec(value);
	if (!match) throw new InvalidArgumentError(`expected mlp:128,64, conv:8,16 (channels), softmax or ridge, got ${value}`);
	const [, kind, sizes, head] = match;
	return { kind: (kind ?? head) as Network["kind"], sizes: sizes?.split(",").map(Number) ?? [] };
}

/** Reads `--image`: height x width, and channels if there are several. */
export function picture(value: string): ImageShape {
	const match = /^(\d{1,4})x(\d{1,4})(?:x(\d{1,4}))?$/.exec(value);
	if (match === null) throw new InvalidArgumentError(`expected a size such as 28x28 or 32x32x3, got ${value}`);
	return { height: Number(match[1]), width: Number(match[2]), channels: Number(match[3] ?? 1) };
}

/**
 * The layers: convolutions of 3 x 3 with a step of 2 and a border of 1, and a dense layer of k logits.
 * @param d - features of a row
 * @param image - of pictures; square ones of one channel when absent
 * @throws {UsageError} if rows are no such pictures
 */
export function architectureOf({ kind, sizes }: Network, d: number, k: number, image: ImageShape | undefined): Architecture {
	const last = { kind: "dense", outputs: k } as const;
	if (kind !== "conv") {
		const hidden = sizes.map((outputs): LayerSpec => ({ kind: "dense", outputs }));
		return { input: { height: 1, width: 1, channels: d }, layers: [...hidden, last] };
	}
	const side = Math.round(Math.sqrt(d));
	const input = image ?? { height: side, width: side, channels: 1 };
	const values = input.height * input.width * input.channels;
	if (values !== d) {
		throw new UsageError(
			`--image: expected height x width x channels of ${d}, the features of a row, got ${Object.values(input).join("x")} = ${values}`,
			"Say the size of the pictures, such as --image 28x28 or --image 32x32x3.",
		);
	}
	const hidden = sizes.map((channels): LayerSpec => ({ kind: "convolution", channels, kernel: 3, stride: 2, padding: 1 }));
	return { input, layers: [...hidden, last] };
}

/** What an architecture is called, for people. */
export function nameOf({ input, layers }: Architecture): string {
	const sizes = layers.map((layer) =>
		layer.kind === "dense" ? String(layer.outputs) : `${layer.channels} (${layer.kernel}x${layer.kernel} / ${layer.stride})`,
	);
	const { height, width, channels } = input;
	return [height === 1 && width === 1 ? String(channels) : `${height}x${width}x${channels}`, ...sizes].join(" - ");
}
