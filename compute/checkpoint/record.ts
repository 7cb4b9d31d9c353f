/**
 * Checkpoints of a training run, and the chain of their records. A record holds the digest of the record before it (the first one that of
 * the run's manifest), of the manifest and of the state, so that the last digest stands for the whole run.
 */
import { type Digest, jsonDigest, keccak } from "../digest.ts";
import { DataError } from "../errors.ts";
import type { StateArrays, StateElement, StateTensor } from "../training/learner.ts";
import { firstState } from "../training/learners.ts";
import { manifestDigest, type TrainingManifest } from "../training/manifest.ts";
import { NOTHING, type Sums } from "../training/sums.ts";
import { readSafetensors, type SafetensorsType, writeSafetensors } from "./safetensors.ts";

export const CHECKPOINT_SCHEMA = "openledger.checkpoint.v1";

export interface CheckpointRecord {
	readonly schema: typeof CHECKPOINT_SCHEMA;
	/** Of the run. */
	readonly manifest: Digest;
	/** Of the record before; of the manifest for the first one. */
	readonly previous: Digest;
	/** Steps done. */
	readonly step: number;
	/** Whole epochs done. */
	readonly epoch: number;
	/** keccak256 of the state as safetensors. */
	readonly state: Digest;
	/** Sums over the steps since the last epoch ended, or over all of one that has just ended. */
	readonly training: Sums;
	/** Sums over the rows held out, by this state. */
	readonly test: Sums | null;
}

/** A run at a step: all that is needed to go on, beside the rows. */
export interface TrainingCheckpoint {
	readonly manifest: TrainingManifest;
	readonly record: CheckpointRecord;
	readonly state: readonly StateTensor[];
}

/** The digest that the next record holds. */
export function recordDigest(record: CheckpointRecord): Digest {
	return jsonDigest(record);
}

/** A run before its first step. @param test - of the first state, null without rows held out */
export function firstCheckpoint(manifest: TrainingManifest, test: Sums | null): TrainingCheckpoint {
	const state = firstState(manifest);
	const digest = manifestDigest(manifest);
	const record: CheckpointRecord = {
		...{ schema: CHECKPOINT_SCHEMA, manifest: digest, previous: digest, step: 0, epoch: 0 },
		...{ state: keccak(stateBytes(state)), training: NOTHING, test },
	};
	return { manifest, record, state };
}

const TYPES: Readonly<Record<StateElement, SafetensorsType>> = { i32: "I32", f32: "F32", f64: "F64" };
const ELEMENTS = new Map(Object.entries(TYPES).map(([element, type]) => [type, element as StateElement]));

/** A state as a safetensors file. */
export function stateBytes(state: readonly StateTensor[]): Uint8Array {
	const tensors = state.map(({ name, element, rows, columns, values }) => ({ name, type: TYPES[element], shape: [rows, columns], values }));
	return writeSafetensors({ tensors, metadata: { format: CHECKPOINT_SCHEMA } });
}

/**
 * A state from a safetensors file.
 * @throws {DataError} SAFETENSORS_MALFORMED, CHECKPOINT_MISMATCH for tensors that are no matrices of a state
 */
export function stateOf(bytes: Uint8Array, source: string): StateTensor[] {
	return readSafetensors(bytes, source).tensors.map(({ name, type, shape, values }) => {
		const element = ELEMENTS.get(type);
		const [rows, columns] = shape;
		if (element && rows !== undefined && columns !== undefined && shape.length === 2) {
			return { name, element, rows, columns, values: values as StateArrays[StateElement] };
		}
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`${source}: ${name}: expected a matrix of I32, F32 or F64, got ${type} of ${shape.join(" x ")}`,
			"Give a checkpoint of a training run.",
		);
	});
}
