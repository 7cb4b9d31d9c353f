/** A part of a training run: from one checkpoint to another, on any backend, by anybody who has the rows. */
import type { Backend } from "../backend.ts";
import {
	CHECKPOINT_SCHEMA,
	type CheckpointRecord,
	firstCheckpoint,
	recordDigest,
	stateBytes,
	type TrainingCheckpoint,
} from "../checkpoint/record.ts";
import { keccak } from "../digest.ts";
import { DataError } from "../errors.ts";
import type { Learner } from "./learner.ts";
import { checkState, firstState, openLearner } from "./learners.ts";
import { checkData, checkManifest, manifestDigest, stepsPerEpoch, type TrainingManifest } from "./manifest.ts";
import { orderOf, type TrainingData } from "./rows.ts";
import { NOTHING, type Sums } from "./sums.ts";

export interface SegmentProgress {
	readonly step: number;
	readonly to: number;
	/** The epoch that the last step was of, from 0. */
	readonly epoch: number;
	/** Of that epoch so far. */
	readonly training: Sums;
	/** Of the last checkpoint. */
	readonly test: Sums | null;
}

export interface Segment {
	/** Where it begins. */
	readonly checkpoint: TrainingCheckpoint;
	/** The rows of the run. */
	readonly data: TrainingData;
	/** The step to reach, at least that of the checkpoint. */
	readonly to: number;
	readonly backend: Backend;
	/** Steps that end in a checkpoint, beside the last one; none by default. */
	readonly keep?: ((step: number) => boolean) | undefined;
	/** Takes checkpoints after the first; the training waits for it. */
	readonly save?: ((checkpoint: TrainingCheckpoint) => Promise<void>) | undefined;
	/** Stops after a step: where that ends is saved, and the training ends with the signal's reason. */
	readonly signal?: AbortSignal | undefined;
	/** Told every some steps and at every checkpoint. */
	readonly progress?: ((progress: SegmentProgress) => void) | undefined;
}

/** Steps whose losses wait on the backend. */
const DRAIN = 32;
/** Milliseconds of work between two turns of the event loop. */
const TURN = 50;

/**
 * The checkpoint of a run before its first step.
 * @throws {DataError} those of `checkManifest` and `checkData`
 */
export async function beginTraining(manifest: TrainingManifest, data: TrainingData, backend: Backend): Promise<TrainingCheckpoint> {
	checkManifest(manifest);
	checkData(manifest, data);
	const learner = openLearner(backend, manifest, data, firstState(manifest));
	try {
		return firstCheckpoint(manifest, (await learner.test()) ?? null);
	} finally {
		learner.close();
	}
}

/**
 * Train from a checkpoint to a step. The result depends on the checkpoint, the rows and the steps that are kept alone; in mode float also
 * on the backend.
 * @throws {DataError} CHECKPOINT_MISMATCH for rows of another run, or a state of another architecture; DIVERGED as soon as a loss or a weight
 *   is not finite, before it is saved; PARAMETER_OUT_OF_RANGE; what the backend throws; the signal's reason
 */
export async function trainSegment({ checkpoint, data, to, backend, keep, save, signal, progress }: Segment): Promise<TrainingCheckpoint> {
	const { manifest } = checkpoint;
	checkManifest(manifest);
	checkData(manifest, data);
	checkState(manifest, checkpoint.state, `checkpoint of step ${checkpoint.record.step}`);
	if (!Number.isSafeInteger(to) || to < checkpoint.record.step) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`train: expected a step of at least ${checkpoint.record.step}, where the checkpoint is, got ${to}`,
			"Train for more epochs, or begin at an earlier checkpoint.",
		);
	}
	const learner = openLearner(backend, manifest, data, checkpoint.state);
	const take = stepper(learner, manifest);
	const perEpoch = stepsPerEpoch(manifest);
	let last = checkpoint;
	let { step, training } = checkpoint.record;
	let turn = performance.now();
	try {
		while (step < to) {
			if (step % perEpoch === 0) training = NOTHING;
			take(step++);
			if (performance.now() - turn > TURN) {
				await new Promise(setImmediate);
				turn = performance.now();
			}
			const ends = step === to || signal?.aborted || keep?.(step) === true;
			if (!ends && step % perEpoch !== 0 && step % DRAIN !== 0) continue;
			training = await learner.drain(training);
			if (!Number.isFinite(training.loss)) throw diverged(`step ${step}: expected a finite loss, got ${training.loss}`, manifest);
			if (ends) {
				last = await checkpointOf(learner, last, step, training);
				await save?.(last);
			}
			progress?.({ step, to, epoch: Math.floor((step - 1) / perEpoch), training, test: last.record.test });
			// Where nothing was saved, the next step ends.
			if (ends && step < to) signal?.throwIfAborted();
		}
		return last;
	} finally {
		learner.close();
	}
}

/** What takes a step by its number, from 0: on which rows, is a function of the run and the step. */
export function stepper(learner: Learner, manifest: TrainingManifest): (step: number) => void {
	const perEpoch = stepsPerEpoch(manifest);
	const { n } = manifest.data.train;
	let order: { readonly epoch: number; readonly rows: Uint32Array } | undefined;
	return (step) => {
		const epoch = Math.floor(step / perEpoch);
		if (manifest.mode === "ridge") {
			learner.step(
				Uint32Array.from({ length: n }, (_, row) => row),
				{ epoch, step },
			);
			return;
		}
		if (order?.epoch !== epoch) order = { epoch, rows: orderOf(BigInt(manifest.seed), epoch, n) };
		const at = (step % perEpoch) * manifest.batch;
		learner.step(order.rows.subarray(at, at + manifest.batch), { epoch, step });
	};
}

async function checkpointOf(
	learner: Learner,
	{ manifest, record }: TrainingCheckpoint,
	step: number,
	training: Sums,
): Promise<TrainingCheckpoint> {
	const state = await learner.state();
	checkState(manifest, state, `step ${step}`);
	const test = (await learner.test()) ?? null;
	if (test && !Number.isFinite(test.loss))
		throw diverged(`step ${step}: expected a finite loss of the rows held out, got ${test.loss}`, manifest);
	const next: CheckpointRecord = {
		schema: CHECKPOINT_SCHEMA,
		manifest: manifestDigest(manifest),
		previous: recordDigest(record),
		step,
		epoch: Math.floor(step / stepsPerEpoch(manifest)),
		state: keccak(stateBytes(state)),
		training,
		test,
	};
	return { manifest, record: next, state };
}

function diverged(message: string, manifest: TrainingManifest): DataError {
	const rate = manifest.mode === "float" ? ` at rate ${manifest.rule.rate}` : "";
	return new DataError("DIVERGED", `train: ${message}${rate}`, "Choose a smaller rate or momentum, or scale the features to about [0, 1].");
}
