/**
 * The audit of a training run: is its chain whole, and does anybody who trains a part of it again get the same bits? What is found is the first
 * thing that is wrong. In mode integer any backend will do; in mode float it must be the one that the run used.
 */
import type { Backend } from "../backend.ts";
import { checkpointName, readCheckpoint, readRecord, readState, type StoredRecord, storedSteps } from "../checkpoint/folder.ts";
import { type CheckpointRecord, recordDigest, stateBytes, stateOf, type TrainingCheckpoint } from "../checkpoint/record.ts";
import { keccak } from "../digest.ts";
import { DataError } from "../errors.ts";
import type { StateTensor } from "./learner.ts";
import { firstState, openLearner } from "./learners.ts";
import { manifestDigest, type TrainingManifest } from "./manifest.ts";
import type { TrainingData } from "./rows.ts";
import { type SegmentProgress, stepper, trainSegment } from "./segment.ts";

/** What is wrong, stable for programs. */
export type ProblemKind = "manifest" | "record" | "place" | "link" | "swapped" | "file" | "seed" | "skipped" | "tensor" | "sums";

export interface Problem {
	readonly kind: ProblemKind;
	/** Of the checkpoint where it shows. */
	readonly step: number;
	/** For people. */
	readonly message: string;
}

export interface Replay {
	readonly from: number;
	readonly to: number;
	/** Checkpoints after `from` that were computed again and are the same. */
	readonly same: readonly number[];
	readonly problem: Problem | null;
}

export interface ReplayOptions {
	readonly folder: string;
	readonly manifest: TrainingManifest;
	readonly data: TrainingData;
	/** Steps of checkpoints, from < to. */
	readonly from: number;
	readonly to: number;
	readonly backend: Backend;
	readonly signal?: AbortSignal | undefined;
	readonly progress?: ((progress: SegmentProgress) => void) | undefined;
}

/** Ends a segment at its first problem. */
class Found extends Error {
	readonly problem: Problem;

	constructor(problem: Problem) {
		super(problem.message);
		this.problem = problem;
	}
}

/**
 * Replay a part of a run.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE for steps that are no checkpoints; CHECKPOINT_MISMATCH for the rows of another run, or another
 *   backend in mode float; FILE_MISSING, FILE_DAMAGED, SAFETENSORS_MALFORMED; the signal's reason
 */
export async function replay(options: ReplayOptions): Promise<Replay> {
	const { folder, manifest, from, to } = options;
	const records = await readRecords(folder);
	checkSteps(records, options);
	const result = (same: readonly number[], problem: Problem | null): Replay => ({ from, to, same, problem });
	const broken = chainProblem(records, manifest) ?? (await stateProblem(records, options));
	if (broken) return result([], broken);
	checkBackend(records, options);
	const same: number[] = [];
	let before = await readCheckpoint(folder, manifest, from);
	try {
		await trainSegment({
			...options,
			checkpoint: before,
			keep: (step) => records.has(step),
			async save(computed) {
				const { step } = computed.record;
				const stored = records.get(step);
				// Stopped by the signal.
				if (!stored) return;
				if (recordDigest(computed.record) !== stored.digest) throw new Found(await difference(options, before, computed, stored.record));
				same.push(step);
				before = computed;
			},
		});
	} catch (error) {
		if (error instanceof Found) return result(same, error.problem);
		throw error;
	}
	return result(same, null);
}

/** By the step that their file is named after, ascending. */
async function readRecords(folder: string): Promise<ReadonlyMap<number, StoredRecord>> {
	const records = new Map<number, StoredRecord>();
	for (const step of await storedSteps(folder)) records.set(step, await readRecord(folder, step));
	return records;
}

function checkSteps(records: ReadonlyMap<number, StoredRecord>, { from, to }: ReplayOptions): void {
	const steps = [...records.keys()];
	if (from < to && records.has(from) && records.has(to)) return;
	throw new DataError(
		"PARAMETER_OUT_OF_RANGE",
		`replay: expected two steps of checkpoints (${steps.join(", ")}), the first one smaller, got ${from} and ${to}`,
		"Name steps that were kept.",
	);
}

function checkBackend(records: ReadonlyMap<number, StoredRecord>, { manifest, from, to, backend }: ReplayOptions): void {
	if (manifest.mode !== "float") return;
	for (const [step, { backend: used }] of records) {
		if (step <= from || step > to || used.name === backend.name) continue;
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`replay: step ${step}: expected the backend ${used.name}, since mode float rounds as its device does, got ${backend.name}`,
			"Replay on the backend of the run; only mode integer gives the same bits on all.",
		);
	}
}

/** The first link that does not hold. */
function chainProblem(records: ReadonlyMap<number, StoredRecord>, manifest: TrainingManifest): Problem | undefined {
	const run = manifestDigest(manifest);
	let before = { name: "the manifest", digest: run };
	for (const [step, { record, digest }] of records) {
		const problem = (kind: ProblemKind, message: string): Problem => ({ kind, step, message: `${checkpointName(step)}.json: ${message}` });
		if (record.step !== step) return problem("place", `this is the record of step ${record.step}: records were moved`);
		const computed = recordDigest(record);
		if (computed !== digest) return problem("record", `the record was changed: its digest is ${computed}, it says ${digest}`);
		if (record.manifest !== run) {
			return problem("manifest", `the run's manifest has the digest ${run}, the record is of ${record.manifest}: one of them was changed`);
		}
		if (record.previous !== before.digest) {
			return problem(
				"link",
				`expected ${before.digest} (${before.name}) before it, got ${record.previous}: a record is missing or another one`,
			);
		}
		before = { name: `step ${step}`, digest };
	}
	return undefined;
}

/** The first state of the part that is not the one of its record; the state of step 0 must be the seed's. */
async function stateProblem(
	records: ReadonlyMap<number, StoredRecord>,
	{ folder, manifest, from, to }: ReplayOptions,
): Promise<Problem | undefined> {
	for (const [step, { record }] of records) {
		if (step < from || step > to) continue;
		const got = keccak(await readState(folder, step));
		const problem = (kind: ProblemKind, message: string): Problem => ({
			...{ kind, step },
			message: `${checkpointName(step)}.safetensors: ${message}`,
		});
		if (got !== record.state) {
			const [other] = [...records].find(([, { record: one }]) => one.state === got) ?? [];
			if (other !== undefined) return problem("swapped", `this is the state of step ${other}: files were swapped`);
			return problem("file", `the state was changed: its digest is ${got}, its record says ${record.state}`);
		}
		const first = step === 0 ? keccak(stateBytes(firstState(manifest))) : got;
		if (first !== got) return problem("seed", `expected the first weights of seed and architecture, digest ${first}, got ${got}`);
	}
	return undefined;
}

/** Why a record is not the one that was computed. */
async function difference(
	options: ReplayOptions,
	before: TrainingCheckpoint,
	computed: TrainingCheckpoint,
	stored: CheckpointRecord,
): Promise<Problem> {
	const { step } = stored;
	if (computed.record.state === stored.state) {
		const say = ({ training, test, epoch }: CheckpointRecord) => JSON.stringify({ epoch, training, test });
		return { kind: "sums", step, message: `step ${step}: computed ${say(computed.record)}, the record says ${say(stored)}` };
	}
	const reached = await stepOf(options, before, stored);
	if (reached !== undefined) {
		return { kind: "skipped", step, message: `step ${step}: this is the state after ${reached} steps: ${step - reached} were skipped` };
	}
	const path = `${checkpointName(step)}.safetensors`;
	return {
		kind: "tensor",
		step,
		message: `step ${step}: ${firstDifference(computed.state, stateOf(await readState(options.folder, step), path))}`,
	};
}

/** The earlier step whose state a record holds. */
async function stepOf({ manifest, data, backend, signal }: ReplayOptions, before: TrainingCheckpoint, stored: CheckpointRecord) {
	if (before.record.state === stored.state) return before.record.step;
	const learner = openLearner(backend, manifest, data, before.state);
	try {
		const take = stepper(learner, manifest);
		for (let step = before.record.step; step < stored.step - 1; step++) {
			signal?.throwIfAborted();
			take(step);
			if (keccak(stateBytes(await learner.state())) === stored.state) return step + 1;
			await new Promise(setImmediate);
		}
	} finally {
		learner.close();
	}
	return undefined;
}

function firstDifference(computed: readonly StateTensor[], stored: readonly StateTensor[]): string {
	for (const [i, { name, rows, columns, values }] of computed.entries()) {
		const other = stored[i];
		if (other?.name !== name || other.rows !== rows || other.columns !== columns) {
			return `expected the tensor ${name}, ${rows} x ${columns}, got ${other?.name ?? "none"}`;
		}
		const wrong = Array.from(values.keys()).filter((at) => !Object.is(values[at], other.values[at]));
		const [at] = wrong;
		if (at === undefined) continue;
		const place = `row ${Math.floor(at / columns)}, column ${at % columns}`;
		return `${name}, ${place}: computed ${values[at]}, the checkpoint holds ${other.values[at]}; ${wrong.length} of its ${values.length} values differ`;
	}
	return "the checkpoint holds more than the state";
}
