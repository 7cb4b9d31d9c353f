/** Manifests of backbones: the plain data that defines one. Their digest is the backbone's name, so a manifest holds nothing else. */
import type { Architecture } from "../architecture.ts";
import type { Backend } from "../backend.ts";
import type { Digest } from "../digest.ts";
import { DataError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";

export const BACKBONE_SCHEMA = "openledger.backbone.v1";

/** The most features with the bias: what Gram statistics take. */
export const MAX_FEATURES = 8192;

/** What all kinds say. */
interface Common<Kind extends string> {
	readonly schema: typeof BACKBONE_SCHEMA;
	readonly kind: Kind;
	/** Bytes of a row that goes in, with the bias. */
	readonly inputs: number;
	/** Bytes of a row that comes out, with the bias; at most 8192. */
	readonly features: number;
}

export interface IdentityManifest extends Common<"identity"> {}

export interface PooledPixelsManifest extends Common<"pooled-pixels"> {
	/** Size of the pictures; inputs = height width channels + 1. */
	readonly image: Architecture["input"];
	/** Size of what comes out, of as many channels; features = height width channels + 1. */
	readonly pooled: { readonly height: number; readonly width: number };
}

export interface RandomFeaturesManifest extends Common<"random-features"> {
	/** Decimal, in [0, 2^64). */
	readonly seed: string;
	/** In [1, 30]. */
	readonly shift: number;
	readonly generator: "xoshiro128**/splitmix64";
	/** Of the (features - 1) x inputs weights as signed bytes, row-major. */
	readonly weights: Digest;
}

export interface IntegerNetworkManifest extends Common<"int8-network"> {
	/** The layers without the head, and the shift of each. */
	readonly architecture: Architecture & { readonly shifts: readonly number[] };
	/** Of the weights file; see int8-network.ts. */
	readonly weights: Digest;
}

export type BackboneManifest = IdentityManifest | PooledPixelsManifest | RandomFeaturesManifest | IntegerNetworkManifest;

/** A kind of backbone, its manifest checked. */
export interface Mapping<M extends BackboneManifest = BackboneManifest> {
	/** All that the given manifest may say. */
	readonly manifest: M;
	/** Whether the bias is part of the rows that are taken. */
	readonly takesBias: boolean;
	/** Bytes of the widest tensor that a row becomes on its way. */
	readonly rowBytes: number;
	/** Ready on a backend; undefined where rows stay as they are. */
	readonly open: ((backend: Backend) => OpenMapping) | undefined;
}

/** Weights that lie on a backend. */
export interface OpenMapping {
	/** From n x inputs (one less without the bias) to n x (features - 1), row-major. Releases the rows. */
	apply(rows: Tensor<"u8">): Promise<Uint8Array>;
	close(): void;
}

/** Whether a manifest, of which nothing is known, is of a kind that has a weights file. */
export function needsWeights(manifest: unknown): boolean {
	return (manifest as { kind?: unknown } | null)?.kind === "int8-network";
}

/** A manifest as it was given, of which nothing is known. */
export type Given = Readonly<Record<string, unknown>>;

/** An object of a manifest. @throws {DataError} BACKBONE_INVALID */
export function objectOf(name: string, value: unknown): Given {
	if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Given;
	throw invalid(`${name} is ${JSON.stringify(value)}, an object is expected`);
}

/** A list of a manifest. @throws {DataError} BACKBONE_INVALID */
export function listOf(name: string, value: unknown): readonly unknown[] {
	if (Array.isArray(value)) return value;
	throw invalid(`${name} is ${JSON.stringify(value)}, a list is expected`);
}

/** An integer of a manifest, both ends of its range included. @throws {DataError} BACKBONE_INVALID */
export function integerOf(name: string, value: unknown, low: number, high: number): number {
	if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high) return value as number;
	throw invalid(`${name} is ${JSON.stringify(value)}, the range is [${low}, ${high}]`);
}

/** A manifest that defines no backbone. */
export function invalid(message: string, hint = "Correct the manifest.", cause?: unknown): DataError {
	return new DataError("BACKBONE_INVALID", `backbone: ${message}`, hint, cause);
}
