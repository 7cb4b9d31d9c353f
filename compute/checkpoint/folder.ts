/**
 * A training run as a folder:
 *
 *     manifest.json              what is trained how on which rows
 *     data.safetensors           those rows, so that the folder can be gone on from and replayed by itself
 *     step-000000100.safetensors the state after 100 steps
 *     step-000000100.json        its record, and what it was computed on
 *
 * A record is written after its state, and each file beside its place and then renamed: what has a record is whole, whenever a process ends.
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Adapter, Backend, BackendName } from "../backend.ts";
import { type Digest, keccak } from "../digest.ts";
import { DataError } from "../errors.ts";
import { checkManifest, manifestDigest, type TrainingManifest } from "../training/manifest.ts";
import type { TrainingData, TrainingRows } from "../training/rows.ts";
import { writeWhole } from "../whole-file.ts";
import { type CheckpointRecord, recordDigest, stateBytes, stateOf, type TrainingCheckpoint } from "./record.ts";
import { type NamedTensor, readSafetensors, writeSafetensors } from "./safetensors.ts";

/** A record as it is stored. */
export interface StoredRecord {
	readonly record: CheckpointRecord;
	/** Of the record. */
	readonly digest: Digest;
	/** For people: what the state was computed on. */
	readonly backend: { readonly name: BackendName; readonly adapter: Adapter };
}

const MANIFEST = "manifest.json";
const DATA = "data.safetensors";
const RECORD = /^step-(\d{9})\.json$/;

/** Name of a checkpoint's files, without their endings. */
export function checkpointName(step: number): string {
	return `step-${String(step).padStart(9, "0")}`;
}

/** The run in a folder, or undefined if there is none. @throws {DataError} FILE_DAMAGED, FILE_UNREADABLE and those of `checkManifest` */
export async function findRun(folder: string): Promise<TrainingManifest | undefined> {
	const path = join(folder, MANIFEST);
	const manifest = (await readJson(path)) as TrainingManifest | undefined;
	if (manifest === undefined) return undefined;
	try {
		checkManifest(manifest);
	} catch (cause) {
		if (cause instanceof DataError) throw cause;
		throw damaged(path, "the manifest of a training run", "another value", cause);
	}
	return manifest;
}

/**
 * The run in a folder.
 * @throws {DataError} FILE_MISSING, and those of `findRun`
 */
export async function readRun(folder: string): Promise<TrainingManifest> {
	const manifest = await findRun(folder);
	if (manifest) return manifest;
	throw new DataError("FILE_MISSING", `${folder}: expected a training run (${MANIFEST}), got none`, "Give the folder of a run.");
}

/** Begins a folder that holds no run yet: the rows, then the manifest. */
export async function createRun(folder: string, manifest: TrainingManifest, data: TrainingData): Promise<void> {
	await mkdir(folder, { recursive: true });
	await writeWhole(join(folder, DATA), writeSafetensors({ tensors: dataTensors(data), metadata: { classes: String(data.k) } }));
	await writeWhole(join(folder, MANIFEST), json(manifest));
}

/** The rows of a run. @throws {DataError} FILE_MISSING, SAFETENSORS_MALFORMED, FILE_DAMAGED */
export async function readRunData(folder: string): Promise<TrainingData> {
	const path = runDataPath(folder);
	return runDataOf(await readBytes(path, "the rows of the run"), path);
}

/** Where the rows of a run lie. */
export function runDataPath(folder: string): string {
	return join(folder, DATA);
}

/**
 * The rows of a run from the bytes of their file.
 * @param path - where the bytes are from, for messages
 * @throws {DataError} SAFETENSORS_MALFORMED, FILE_DAMAGED
 */
export function runDataOf(bytes: Uint8Array, path: string): TrainingData {
	const { tensors, metadata } = readSafetensors(bytes, path);
	const side = (name: string): TrainingRows | undefined => {
		const [x, label] = ["rows", "labels"].map((part) => tensors.find((tensor) => tensor.name === `${name}.${part}`));
		if (!x && !label) return undefined;
		const [n, d] = x?.shape ?? [];
		const fits = n !== undefined && d !== undefined && (x?.type === "U8" || x?.type === "F32") && label?.type === "U8";
		if (!fits) throw damaged(path, `${name}.rows and ${name}.labels`, "other tensors");
		return { x: x.values as Uint8Array | Float32Array, label: label.values as Uint8Array, n, d };
	};
	const train = side("train");
	if (!train) throw damaged(path, "train.rows and train.labels", "no such tensors");
	return { k: Number(metadata.classes), train, test: side("test") };
}

/** Steps that have a record, ascending. */
export async function storedSteps(folder: string): Promise<number[]> {
	const names = await readdir(folder);
	return names
		.flatMap((name) => RECORD.exec(name)?.[1] ?? [])
		.map(Number)
		.sort((a, b) => a - b);
}

/** The record of a step as it is stored, not yet held against anything. @throws {DataError} FILE_MISSING, FILE_DAMAGED */
export async function readRecord(folder: string, step: number): Promise<StoredRecord> {
	const path = join(folder, `${checkpointName(step)}.json`);
	const stored = (await readJson(path)) as StoredRecord | undefined;
	if (stored === undefined) throw new DataError("FILE_MISSING", `${path}: expected a checkpoint, got none`, "Name a step that was kept.");
	const { record, digest, backend } = stored;
	const sums = [record?.training, record?.test ?? record?.training];
	const whole =
		typeof digest === "string" &&
		typeof backend?.name === "string" &&
		[record?.manifest, record?.previous, record?.state].every((one) => typeof one === "string") &&
		[record?.step, record?.epoch, ...sums.flatMap((one) => [one?.rows, one?.loss, one?.right])].every(Number.isFinite);
	if (whole) return stored;
	throw damaged(path, "the record of a checkpoint", "another value");
}

/** The bytes of a state. @throws {DataError} FILE_MISSING */
export function readState(folder: string, step: number): Promise<Uint8Array> {
	return readBytes(join(folder, `${checkpointName(step)}.safetensors`), "the state of a checkpoint");
}

/**
 * A checkpoint to go on from, held against its digests.
 * @throws {DataError} FILE_MISSING, FILE_DAMAGED, SAFETENSORS_MALFORMED, CHECKPOINT_MISMATCH for one of another run
 */
export async function readCheckpoint(folder: string, manifest: TrainingManifest, step: number): Promise<TrainingCheckpoint> {
	const path = join(folder, checkpointName(step));
	const { record, digest } = await readRecord(folder, step);
	if (recordDigest(record) !== digest) throw damaged(`${path}.json`, `a record with the digest ${digest}`, recordDigest(record));
	if (record.step !== step) throw damaged(`${path}.json`, `the record of step ${step}`, `that of step ${record.step}`);
	if (record.manifest !== manifestDigest(manifest)) {
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`${path}.json: expected a checkpoint of the run ${manifestDigest(manifest)}, got one of ${record.manifest}`,
			"Give the folder in which the run began.",
		);
	}
	const bytes = await readState(folder, step);
	const state = stateOf(bytes, `${path}.safetensors`);
	if (keccak(bytes) !== record.state) throw damaged(`${path}.safetensors`, `a state with the digest ${record.state}`, keccak(bytes));
	return { manifest, record, state };
}

/** Writes a checkpoint: its state, then its record. */
export async function writeCheckpoint(
	folder: string,
	{ record, state }: TrainingCheckpoint,
	{ name, adapter }: Pick<Backend, "name" | "adapter">,
): Promise<void> {
	const stored: StoredRecord = { record, digest: recordDigest(record), backend: { name, adapter } };
	await writeWhole(join(folder, `${checkpointName(record.step)}.safetensors`), stateBytes(state));
	await writeWhole(join(folder, `${checkpointName(record.step)}.json`), json(stored));
}

function dataTensors({ train, test }: TrainingData): NamedTensor[] {
	return Object.entries({ train, ...(test ? { test } : {}) }).flatMap(([name, { x, label, n, d }]): NamedTensor[] => [
		{ name: `${name}.rows`, type: x instanceof Uint8Array ? "U8" : "F32", shape: [n, d], values: x },
		{ name: `${name}.labels`, type: "U8", shape: [n], values: label },
	]);
}

function json(value: unknown): string {
	return `${JSON.stringify(value, null, "\t")}\n`;
}

async function readJson(path: string): Promise<unknown> {
	const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
		if (cause.code === "ENOENT") return undefined;
		throw new DataError("FILE_UNREADABLE", `${path}: ${cause.message}`, "Give a readable file.", cause);
	});
	if (text === undefined) return undefined;
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === "object" && value !== null) return value;
	} catch (cause) {
		throw damaged(path, "JSON", (cause as Error).message, cause);
	}
	throw damaged(path, "an object", text.slice(0, 40));
}

async function readBytes(path: string, what: string): Promise<Uint8Array> {
	return readFile(path).catch((cause: NodeJS.ErrnoException) => {
		const code = cause.code === "ENOENT" ? "FILE_MISSING" : "FILE_UNREADABLE";
		throw new DataError(code, `${path}: expected ${what}, got ${cause.message}`, "Check the folder.", cause);
	});
}

function damaged(path: string, expected: string, got: string, cause?: unknown): DataError {
	return new DataError(
		"FILE_DAMAGED",
		`${path}: expected ${expected}, got ${got}`,
		"Get the file again, or go on from another checkpoint.",
		cause,
	);
}
