/**
 * Frozen backbones: public, deterministic maps from bytes to bytes, named by the digest of a manifest that defines them.
 *
 * - `identity`: x' = x.
 * - `random-features`: x'_j = clamp(floor((relu(sum_i R_ji x_i) + 2^(shift - 1)) / 2^shift), 0, 255) for every feature but the
 *   last, which is the bias 255. R holds integers in [-127, 127] drawn row by row from the seed; its last column meets the
 *   input's bias. All sums are integers below 2^31, so the result is the same on every machine.
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import canonicalize from "canonicalize";
import { DataError } from "./errors.ts";
import { BIAS } from "./quantisation.ts";
import { below, generator } from "./random.ts";

/** keccak256, 0x and 64 hexadecimal digits. */
export type Digest = `0x${string}`;

export interface IdentityManifest {
	readonly schema: "openledger.backbone.v1";
	readonly kind: "identity";
	/** Features with the bias, in and out; in [1, 8192]. */
	readonly inputs: number;
	readonly features: number;
}

export interface RandomFeaturesManifest {
	readonly schema: "openledger.backbone.v1";
	readonly kind: "random-features";
	/** Features in, with the bias; in [1, 8192]. */
	readonly inputs: number;
	/** Features out, with the bias; in [2, 8192]. */
	readonly features: number;
	/** Decimal, in [0, 2^64). */
	readonly seed: string;
	/** In [1, 30]. */
	readonly shift: number;
	readonly generator: "xoshiro128**/splitmix64";
	/** Of the (features - 1) x inputs weights as signed bytes, row-major. */
	readonly weights: Digest;
}

export type BackboneManifest = IdentityManifest | RandomFeaturesManifest;

export interface Backbone {
	readonly manifest: BackboneManifest;
	/** keccak256 of the manifest as canonical JSON (RFC 8785). */
	readonly digest: Digest;
	/**
	 * Map n rows of `inputs` bytes to n rows of `features` bytes, the bias last in both.
	 * @throws {DataError} SHAPE_MISMATCH
	 */
	apply(x: Uint8Array, n: number): Uint8Array;
}

const MAX_FEATURES = 8192;

/** The backbone that changes nothing. @throws {DataError} BACKBONE_INVALID */
export function identityBackbone(features: number): Backbone {
	return openBackbone({ schema: "openledger.backbone.v1", kind: "identity", inputs: features, features });
}

export interface RandomFeaturesOptions {
	readonly inputs: number;
	readonly features: number;
	/** In [0, 2^64). */
	readonly seed: bigint;
	/** By default 6 + floor(bit length of inputs / 2), which puts the spread of rows of mean intensity near 128. */
	readonly shift?: number | undefined;
}

/** A seeded map of random features. @throws {DataError} BACKBONE_INVALID */
export function randomFeatures({ inputs, features, seed, shift }: RandomFeaturesOptions): Backbone {
	return openBackbone({
		schema: "openledger.backbone.v1",
		kind: "random-features",
		inputs,
		features,
		seed: String(seed),
		shift: shift ?? 6 + Math.floor((32 - Math.clz32(inputs)) / 2),
		generator: "xoshiro128**/splitmix64",
		weights: keccak(drawWeights(inputs, features, String(seed))),
	});
}

/**
 * The backbone that a manifest defines.
 * @throws {DataError} BACKBONE_INVALID if a value is outside its range or the weights are not those of the seed
 */
export function openBackbone(manifest: BackboneManifest): Backbone {
	const { inputs, features } = manifest;
	checkInteger("inputs", inputs, 1, MAX_FEATURES);
	checkInteger("features", features, 1, MAX_FEATURES);
	if (manifest.schema !== "openledger.backbone.v1" || !["identity", "random-features"].includes(manifest.kind)) {
		throw new DataError(
			"BACKBONE_INVALID",
			`backbone: ${manifest.schema} of kind ${manifest.kind} is not known`,
			"Use a manifest of openledger.backbone.v1, kind identity or random-features.",
		);
	}
	const map = manifest.kind === "identity" ? identity(manifest) : random(manifest);
	return {
		manifest,
		digest: keccak(new TextEncoder().encode(canonicalize(manifest))),
		apply(x, n) {
			if (x.length === n * inputs) return map(x, n);
			throw new DataError(
				"SHAPE_MISMATCH",
				`backbone: expected ${n} rows of ${inputs} features, got ${x.length} bytes`,
				"Use the backbone of this data set's manifest.",
			);
		},
	};
}

function identity({ inputs, features }: IdentityManifest): Backbone["apply"] {
	checkInteger("features", features, inputs, inputs);
	return (x) => x.slice();
}

function random({ inputs, features, seed, shift, weights }: RandomFeaturesManifest): Backbone["apply"] {
	checkInteger("shift", shift, 1, 30);
	const matrix = drawWeights(inputs, features, seed);
	const digest = keccak(matrix);
	if (digest !== weights) {
		throw new DataError(
			"BACKBONE_INVALID",
			`backbone: the weights of seed ${seed} have the digest ${digest}, the manifest says ${weights}`,
			"Fetch the manifest again; do not use this backbone.",
		);
	}
	return (x, n) => {
		const result = new Uint8Array(n * features).fill(BIAS);
		for (let row = 0; row < n; row++) {
			for (let j = 0; j < features - 1; j++) {
				let sum = 0;
				for (let i = 0; i < inputs; i++) sum += (matrix[j * inputs + i] as number) * (x[row * inputs + i] as number);
				result[row * features + j] = Math.min(255, (Math.max(0, sum) + 2 ** (shift - 1)) / 2 ** shift);
			}
		}
		return result;
	};
}

function drawWeights(inputs: number, features: number, seed: string): Int8Array {
	checkInteger("inputs", inputs, 1, MAX_FEATURES);
	checkInteger("features", features, 2, MAX_FEATURES);
	if (!/^(0|[1-9]\d{0,19})$/.test(seed) || BigInt(seed) >= 1n << 64n) {
		throw new DataError("BACKBONE_INVALID", `backbone: seed is "${seed}", the range is [0, 2^64) in decimal`, "Correct the manifest.");
	}
	const next = generator(BigInt(seed));
	return Int8Array.from({ length: (features - 1) * inputs }, () => below(next, 255) - 127);
}

function checkInteger(name: string, value: number, low: number, high: number): void {
	if (Number.isInteger(value) && value >= low && value <= high) return;
	throw new DataError("BACKBONE_INVALID", `backbone: ${name} is ${value}, the range is [${low}, ${high}]`, "Correct the manifest.");
}

function keccak(bytes: Uint8Array | Int8Array): Digest {
	return `0x${bytesToHex(keccak_256(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)))}`;
}
