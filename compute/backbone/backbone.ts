/**
 * Frozen backbones: public, deterministic maps from bytes to bytes, named by the digest of a manifest that defines them. Rows have the bias
 * 255 as their last byte, before and after. All arithmetic is on integers, so features are the same on every backend.
 *
 * - `identity`: x' = x;
 * - `pooled-pixels`: pictures of fewer pixels (pooled-pixels.ts);
 * - `random-features`: a seeded map (random-features.ts);
 * - `int8-network`: a trained network of bytes without its head (int8-network.ts).
 */
import canonicalize from "canonicalize";
import type { Backend } from "../backend.ts";
import { blockRows, blocksOf, type Control, pause } from "../blocks.ts";
import { type Digest, jsonDigest } from "../digest.ts";
import { DataError } from "../errors.ts";
import { BIAS } from "../quantisation.ts";
import { type IntegerNetwork, integerNetworkManifest, integerNetworkMapping } from "./int8-network.ts";
import {
	BACKBONE_SCHEMA,
	type BackboneManifest,
	type Given,
	type IdentityManifest,
	integerOf,
	invalid,
	MAX_FEATURES,
	type Mapping,
	needsWeights,
	type OpenMapping,
} from "./manifest.ts";
import { type PooledPixelsOptions, pooledPixelsManifest, pooledPixelsMapping } from "./pooled-pixels.ts";
import { type RandomFeaturesOptions, randomFeaturesManifest, randomFeaturesMapping } from "./random-features.ts";

export interface Backbone {
	readonly manifest: BackboneManifest;
	/** keccak256 of the manifest as canonical JSON (RFC 8785). */
	readonly digest: Digest;
	/** The weights file of a network; other kinds need none. */
	readonly weights: Uint8Array | undefined;
	/**
	 * Map n rows of `inputs` bytes to n rows of `features` bytes, the bias last in both, block by block (blocks.ts).
	 * @param control - told of rows
	 * @throws {DataError} SHAPE_MISMATCH; those of the backend; the signal's reason
	 */
	apply(backend: Backend, x: Uint8Array, n: number, control?: Control): Promise<Uint8Array>;
}

const KINDS: Readonly<Record<BackboneManifest["kind"], (given: Given, weights: Uint8Array | undefined) => Mapping>> = {
	identity: identityMapping,
	"pooled-pixels": pooledPixelsMapping,
	"random-features": randomFeaturesMapping,
	"int8-network": integerNetworkMapping,
};

/** The backbone that changes nothing. @throws {DataError} BACKBONE_INVALID */
export function identityBackbone(features: number): Backbone {
	return openBackbone({ schema: BACKBONE_SCHEMA, kind: "identity", inputs: features, features });
}

/** Pictures of fewer pixels. @throws {DataError} BACKBONE_INVALID */
export function pooledPixels(options: PooledPixelsOptions): Backbone {
	return openBackbone(pooledPixelsManifest(options));
}

/** A seeded map of random features. @throws {DataError} BACKBONE_INVALID */
export function randomFeatures(options: RandomFeaturesOptions): Backbone {
	return openBackbone(randomFeaturesManifest(options));
}

/** The hidden layers of a trained network of bytes. @throws {DataError} BACKBONE_INVALID */
export function networkBackbone(network: IntegerNetwork): Backbone {
	const { manifest, weights } = integerNetworkManifest(network);
	return openBackbone(manifest, weights);
}

/**
 * The backbone that a manifest defines.
 * @param manifest - as read from JSON: nothing about it is taken for granted
 * @param weights - the weights file, for a network
 * @throws {DataError} BACKBONE_INVALID if a value is outside its range, is missing, or says what its kind does not know; CHECKPOINT_MISMATCH
 *   for weights that are not those of the manifest
 */
export function openBackbone(manifest: unknown, weights?: Uint8Array): Backbone {
	const given = (manifest ?? {}) as Given;
	if (given.schema !== BACKBONE_SCHEMA || !Object.hasOwn(KINDS, given.kind as string)) {
		throw invalid(
			`${given.schema} of kind ${given.kind} is not known`,
			`Use a manifest of ${BACKBONE_SCHEMA}, kind ${Object.keys(KINDS).join(", ")}.`,
		);
	}
	const mapping = KINDS[given.kind as BackboneManifest["kind"]](given, weights);
	const { manifest: own } = mapping;
	// The digest is a name only if there is one way to say the same.
	if (canonicalize(own) !== canonicalize(given)) {
		throw invalid(`a manifest of kind ${own.kind} says ${Object.keys(own).join(", ")} and no more, got ${Object.keys(given).join(", ")}`);
	}
	return {
		manifest: own,
		digest: jsonDigest(own),
		weights: needsWeights(own) ? weights : undefined,
		async apply(backend, x, n, control = {}) {
			if (x.length !== n * own.inputs) {
				throw new DataError(
					"SHAPE_MISMATCH",
					`backbone: expected ${n} rows of ${own.inputs} features, got ${x.length} bytes`,
					"Use the backbone of this data set's manifest.",
				);
			}
			const { open } = mapping;
			return open ? mapRows(mapping, open(backend), backend, x, n, control) : x.slice();
		},
	};
}

/** Block by block. */
async function mapRows(
	{ manifest, takesBias, rowBytes }: Mapping,
	open: OpenMapping,
	backend: Backend,
	x: Uint8Array,
	n: number,
	control: Control,
): Promise<Uint8Array> {
	const { inputs, features } = manifest;
	const taken = takesBias ? inputs : inputs - 1;
	const result = new Uint8Array(n * features).fill(BIAS);
	try {
		for (const [start, end] of blocksOf(n, blockRows(backend, rowBytes))) {
			await pause(control);
			const count = end - start;
			const rows = takesBias ? x.subarray(start * inputs, end * inputs) : withoutBias(x, inputs, start, count);
			const values = await open.apply(backend.upload("u8", rows, count, taken));
			for (let row = 0; row < count; row++) {
				result.set(values.subarray(row * (features - 1), (row + 1) * (features - 1)), (start + row) * features);
			}
			control.progress?.(end, n);
		}
	} finally {
		open.close();
	}
	return result;
}

function withoutBias(x: Uint8Array, inputs: number, start: number, count: number): Uint8Array {
	const rows = new Uint8Array(count * (inputs - 1));
	for (let row = 0; row < count; row++) {
		const from = (start + row) * inputs;
		rows.set(x.subarray(from, from + inputs - 1), row * (inputs - 1));
	}
	return rows;
}

function identityMapping({ inputs, features }: Given): Mapping<IdentityManifest> {
	const size = integerOf("inputs", inputs, 1, MAX_FEATURES);
	integerOf("features", features, size, size);
	const manifest = { schema: BACKBONE_SCHEMA, kind: "identity", inputs: size, features: size } as const;
	return { manifest, takesBias: true, rowBytes: size, open: undefined };
}
