/**
 * Random features: x'_j = clamp(floor((relu(sum_i R_ji x_i) + 2^(shift - 1)) / 2^shift), 0, 255) for every feature but the last, which is the
 * bias 255. R holds integers in [-127, 127] drawn row by row from the seed; its last column meets the input's bias. All sums are integers
 * below 2^31. Source: Rahimi and Recht, "Weighted Sums of Random Kitchen Sinks" (2008), with ReLU.
 */
import { keccak } from "../digest.ts";
import { below, generator } from "../random.ts";
import { BACKBONE_SCHEMA, type Given, integerOf, invalid, MAX_FEATURES, type Mapping, type RandomFeaturesManifest } from "./manifest.ts";

const GENERATOR = "xoshiro128**/splitmix64";

export interface RandomFeaturesOptions {
	readonly inputs: number;
	readonly features: number;
	/** In [0, 2^64). */
	readonly seed: bigint;
	/** By default 6 + floor(bit length of inputs / 2), which puts the spread of rows of mean intensity near 128. */
	readonly shift?: number | undefined;
}

/** The manifest of a seeded map. @throws {DataError} BACKBONE_INVALID */
export function randomFeaturesManifest({ inputs, features, seed, shift }: RandomFeaturesOptions): RandomFeaturesManifest {
	return {
		schema: BACKBONE_SCHEMA,
		kind: "random-features",
		inputs,
		features,
		seed: String(seed),
		shift: shift ?? 6 + Math.floor((32 - Math.clz32(inputs)) / 2),
		generator: GENERATOR,
		weights: keccak(bytesOf(drawWeights(inputs, features, String(seed)))),
	};
}

/** @throws {DataError} BACKBONE_INVALID, also if the weights are not those of the seed */
export function randomFeaturesMapping(given: Given): Mapping<RandomFeaturesManifest> {
	const inputs = integerOf("inputs", given.inputs, 1, MAX_FEATURES);
	const features = integerOf("features", given.features, 1, MAX_FEATURES);
	const shift = integerOf("shift", given.shift, 1, 30);
	const seed = seedOf(given.seed);
	if (given.generator !== GENERATOR) throw invalid(`generator is ${JSON.stringify(given.generator)}, "${GENERATOR}" is expected`);
	const matrix = drawWeights(inputs, features, seed);
	const weights = keccak(bytesOf(matrix));
	if (weights !== given.weights) {
		throw invalid(
			`the weights of seed ${seed} have the digest ${weights}, the manifest says ${given.weights}`,
			"Fetch the manifest again; do not use this backbone.",
		);
	}
	return {
		manifest: { schema: BACKBONE_SCHEMA, kind: "random-features", inputs, features, seed, shift, generator: GENERATOR, weights },
		takesBias: true,
		rowBytes: Math.max(inputs, 4 * (features - 1)),
		open(backend) {
			const r = backend.upload("i8", matrix, features - 1, inputs);
			return {
				async apply(rows) {
					const sums = backend.integers.product(rows, r, { right: true });
					// Below 0 the clamp is the ReLU: what is not above 0 rounds to at most 0.
					const bytes = backend.integers.requantise(sums, undefined, shift, { element: "u8", low: 0, high: 255 });
					const values = await backend.download(bytes);
					backend.release(rows, sums, bytes);
					return values;
				},
				close: () => backend.release(r),
			};
		},
	};
}

function drawWeights(inputs: number, features: number, seed: string): Int8Array {
	integerOf("inputs", inputs, 1, MAX_FEATURES);
	integerOf("features", features, 2, MAX_FEATURES);
	const next = generator(BigInt(seedOf(seed)));
	const weights = new Int8Array((features - 1) * inputs);
	for (let at = 0; at < weights.length; at++) weights[at] = below(next, 255) - 127;
	return weights;
}

function seedOf(seed: unknown): string {
	if (typeof seed === "string" && /^(0|[1-9]\d{0,19})$/.test(seed) && BigInt(seed) < 1n << 64n) return seed;
	throw invalid(`seed is ${JSON.stringify(seed)}, the range is [0, 2^64) in decimal`);
}

function bytesOf(values: Int8Array): Uint8Array {
	return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
