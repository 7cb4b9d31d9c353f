/**
 * Pooled pixels: a picture of fewer pixels, each the mean of a cell of the given ones, rounded half up:
 *
 *     x' = floor((2 S + c) / (2 c))     S the sum of the cell's c bytes
 *
 * channel by channel. Row i of h takes rows floor(i H / h) to ceil((i + 1) H / h) - 1 of H, and columns likewise; where h divides H and w
 * divides W the cells are blocks. Source: `AdaptiveAvgPool2d` of PyTorch, over integers.
 */
import type { ImageShape } from "../architecture.ts";
import {
	BACKBONE_SCHEMA,
	type Given,
	integerOf,
	invalid,
	MAX_FEATURES,
	type Mapping,
	objectOf,
	type PooledPixelsManifest,
} from "./manifest.ts";

/** The most pixels of a side, and the most bytes of the matrix that sums cells. */
const MAX_SIDE = 2 ** 12;
const MAX_WEIGHTS = 2 ** 27;

export interface PooledPixelsOptions {
	readonly image: ImageShape;
	readonly pooled: { readonly height: number; readonly width: number };
}

/** The manifest of a pooling. */
export function pooledPixelsManifest({ image, pooled }: PooledPixelsOptions): PooledPixelsManifest {
	return {
		schema: BACKBONE_SCHEMA,
		kind: "pooled-pixels",
		inputs: image.height * image.width * image.channels + 1,
		features: pooled.height * pooled.width * image.channels + 1,
		image,
		pooled,
	};
}

/** @throws {DataError} BACKBONE_INVALID */
export function pooledPixelsMapping(given: Given): Mapping<PooledPixelsManifest> {
	const image = objectOf("image", given.image);
	const pooled = objectOf("pooled", given.pooled);
	const manifest = pooledPixelsManifest({
		image: {
			height: integerOf("image.height", image.height, 1, MAX_SIDE),
			width: integerOf("image.width", image.width, 1, MAX_SIDE),
			channels: integerOf("image.channels", image.channels, 1, MAX_SIDE),
		},
		pooled: {
			height: integerOf("pooled.height", pooled.height, 1, image.height as number),
			width: integerOf("pooled.width", pooled.width, 1, image.width as number),
		},
	});
	const { inputs, features } = manifest;
	integerOf("inputs", given.inputs, inputs, inputs);
	integerOf("features", given.features, features, features);
	integerOf("pooled features", features, 2, MAX_FEATURES);
	if (inputs * features > MAX_WEIGHTS) {
		throw invalid(`inputs times features is ${inputs * features}, the most is ${MAX_WEIGHTS}`, "Pool in two steps.");
	}
	const { matrix, counts } = cells(manifest);
	return {
		manifest,
		takesBias: true,
		rowBytes: Math.max(inputs, 4 * counts.length),
		open(backend) {
			const summing = backend.upload("i8", matrix, counts.length, inputs);
			return {
				async apply(rows) {
					const sums = backend.integers.product(rows, summing, { right: true });
					const values = await backend.download(sums);
					backend.release(rows, sums);
					return Uint8Array.from(values, (sum, at) => {
						const count = counts[at % counts.length] as number;
						return Math.floor((2 * sum + count) / (2 * count));
					});
				},
				close: () => backend.release(summing),
			};
		},
	};
}

/** The matrix of ones and zeros that sums cells, (features - 1) x inputs, and how many pixels each cell has. */
function cells({ image, pooled, inputs, features }: PooledPixelsManifest): { matrix: Int8Array; counts: Uint32Array } {
	const { height, width, channels } = image;
	const matrix = new Int8Array((features - 1) * inputs);
	const counts = new Uint32Array(features - 1);
	for (let cell = 0; cell < features - 1; cell++) {
		const channel = cell % channels;
		const place = Math.floor(cell / channels);
		const [top, bottom] = range(Math.floor(place / pooled.width), height, pooled.height);
		const [left, right] = range(place % pooled.width, width, pooled.width);
		for (let y = top; y < bottom; y++) {
			for (let x = left; x < right; x++) matrix[cell * inputs + (y * width + x) * channels + channel] = 1;
		}
		counts[cell] = (bottom - top) * (right - left);
	}
	return { matrix, counts };
}

/** What cell i of `count` takes of `size` pixels: from, and up to but without. */
function range(i: number, size: number, count: number): [number, number] {
	return [Math.floor((i * size) / count), Math.ceil(((i + 1) * size) / count)];
}
