/** A training run in a folder: begun, gone on with, or branched off an earlier checkpoint. */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import canonicalize from "canonicalize";
import type { Backend } from "../backend.ts";
import { checkpointName, createRun, findRun, readCheckpoint, readRun, storedSteps, writeCheckpoint } from "../checkpoint/folder.ts";
import type { TrainingCheckpoint } from "../checkpoint/record.ts";
import { DataError } from "../errors.ts";
import { writeWhole } from "../whole-file.ts";
import { checkData, checkManifest, manifestDigest, stepsPerEpoch, type TrainingManifest } from "./manifest.ts";
import type { TrainingData } from "./rows.ts";
import { beginTraining, type SegmentProgress, trainSegment } from "./segment.ts";

export interface RunOptions {
	readonly folder: string;
	readonly manifest: TrainingManifest;
	readonly data: TrainingData;
	readonly backend: Backend;
	/** To reach in all, at least 0. */
	readonly epochs: number;
	/** Steps from one checkpoint to the next; those of an epoch by default. */
	readonly every?: number | undefined;
	readonly signal?: AbortSignal | undefined;
	readonly progress?: ((progress: SegmentProgress) => void) | undefined;
}

/**
 * Train in a folder: from its last checkpoint if it holds this run, else from the beginning.
 * @returns the last checkpoint
 * @throws {DataError} CHECKPOINT_MISMATCH if the folder holds another run, or checkpoints of none; those of `trainSegment`; what the file
 *   system throws. What was saved before stays.
 */
export async function runTraining(options: RunOptions): Promise<TrainingCheckpoint> {
	const { folder, manifest, data, backend, epochs, signal, progress } = options;
	const perEpoch = stepsPerEpoch(manifest);
	const every = options.every ?? perEpoch;
	for (const [name, value, least] of [
		["epochs", epochs, 0],
		["every", every, 1],
	] as const) {
		if (Number.isInteger(value) && value >= least && value < 2 ** 31) continue;
		const message = `train: ${name}: expected an integer of at least ${least}, got ${value}`;
		throw new DataError("PARAMETER_OUT_OF_RANGE", message, `Choose another ${name}.`);
	}
	const checkpoint = await startOf(options);
	return trainSegment({
		checkpoint,
		data,
		to: Math.max(checkpoint.record.step, epochs * perEpoch),
		backend,
		keep: (step) => step % every === 0,
		save: (next) => writeCheckpoint(folder, next, backend),
		signal,
		progress,
	});
}

async function startOf({ folder, manifest, data, backend }: RunOptions): Promise<TrainingCheckpoint> {
	// Before anything is written.
	checkManifest(manifest);
	checkData(manifest, data);
	const found = await findRun(folder);
	if (found) checkSame(folder, found, manifest);
	const [last] = (await stepsIn(folder)).slice(-1);
	if (last !== undefined && found) {
		await removeRemains(folder);
		return readCheckpoint(folder, manifest, last);
	}
	if (last !== undefined) {
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`${folder}: expected a folder without checkpoints for a new run, got ${checkpointName(last)}.json`,
			"Give another folder.",
		);
	}
	const first = await beginTraining(manifest, data, backend);
	if (!found) await createRun(folder, manifest, data);
	await writeCheckpoint(folder, first, backend);
	return first;
}

/**
 * Copy a run up to a checkpoint into a folder without one, to go on there in another way; nothing is lost of either.
 * @throws {DataError} CHECKPOINT_MISMATCH if the folder holds a run; PARAMETER_OUT_OF_RANGE for a step that was not kept
 */
export async function branchRun(source: string, target: string, step: number): Promise<void> {
	const manifest = await readRun(source);
	const steps = await storedSteps(source);
	if (!steps.includes(step)) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`train: expected the step of a checkpoint (${steps.join(", ")}), got ${step}`,
			"Name a step that was kept.",
		);
	}
	if (await findRun(target)) {
		throw new DataError("CHECKPOINT_MISMATCH", `${target}: expected a folder without a run, got one`, "Give another folder.");
	}
	await readCheckpoint(source, manifest, step);
	await mkdir(target, { recursive: true });
	const kept = steps
		.filter((one) => one <= step)
		.flatMap((one) => ["safetensors", "json"].map((ending) => `${checkpointName(one)}.${ending}`));
	// The manifest last: with it the folder is a run.
	for (const name of ["data.safetensors", ...kept, "manifest.json"])
		await writeWhole(join(target, name), await readFile(join(source, name)));
}

/** Refuse another run than the one in the folder. */
function checkSame(folder: string, found: TrainingManifest, given: TrainingManifest): void {
	if (manifestDigest(found) === manifestDigest(given)) return;
	const names = new Set([...Object.keys(found), ...Object.keys(given)]) as Set<keyof TrainingManifest>;
	const different = [...names].find((name) => say(found[name]) !== say(given[name])) as keyof TrainingManifest;
	throw new DataError(
		"CHECKPOINT_MISMATCH",
		`${folder}: expected a run with ${different} ${say(found[different])} (as in the folder), got ${say(given[different])}`,
		"Give the options and rows that the run began with, or another folder.",
	);
}

const say = (value: unknown): string => (value === undefined ? "none" : (canonicalize(value) as string));

async function stepsIn(folder: string): Promise<number[]> {
	return storedSteps(folder).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return [];
		throw error;
	});
}

/** What processes that were killed while they wrote have left. */
async function removeRemains(folder: string): Promise<void> {
	for (const name of await readdir(folder)) {
		const pid = /^\..*\.(\d+)-[0-9a-f]{8}\.tmp$/.exec(name)?.[1];
		if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}
