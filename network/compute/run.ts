/** What each kind of job does, from its inputs to the bytes of its result. Nothing here depends on who runs it. */
import { byteExamplesOf } from "../../attribution/byte-examples.ts";
import { DEFAULTS, methodNamed } from "../../attribution/catalogue.ts";
import type { Sides } from "../../attribution/sides.ts";
import type { Rows } from "../../circuits/statistics.ts";
import { openBackbone } from "../../compute/backbone/backbone.ts";
import type { Backend } from "../../compute/backend.ts";
import { runDataOf } from "../../compute/checkpoint/folder.ts";
import { recordDigest, stateBytes, stateOf, type TrainingCheckpoint } from "../../compute/checkpoint/record.ts";
import { type NamedTensor, writeSafetensors } from "../../compute/checkpoint/safetensors.ts";
import { keccak } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";
import { type Statistics, sumStatistics } from "../../compute/statistics.ts";
import { manifestDigest } from "../../compute/training/manifest.ts";
import { beginTraining, trainSegment } from "../../compute/training/segment.ts";
import type { ContentFolder } from "./content.ts";
import { type Input, readInput } from "./input.ts";
import type { ComputeJob, FeaturesJob, InfluenceJob, StatisticsJob, TrainJob } from "./job.ts";
import { decodeFeatures, decodeRows, encodeFeatures, type LabelledRows } from "./rows.ts";

/** Rows of statistics go to a backend so many bytes at a time, so that a job can be watched and stopped. */
const SHARD_BYTES = 2 ** 26;

/** Where a job runs. */
export interface Place {
	/** It has passed the known answers. */
	readonly backend: Backend;
	readonly contents: ContentFolder;
	readonly signal: AbortSignal;
	/** @param note - what else is to be known, such as a loss */
	readonly progress: (phase: string, done?: number, of?: number, note?: string) => void;
}

/** What came out: a safetensors file, and what is to be known of it. */
export interface Outcome {
	readonly bytes: Uint8Array;
	readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * Does a job.
 * @throws {DataError} of the inputs (named for each kind below), of the device; the signal's reason
 */
export async function runJob(job: ComputeJob, place: Place): Promise<Outcome> {
	switch (job.kind) {
		case "statistics":
			return statistics(job, place);
		case "features":
			return features(job, place);
		case "train":
			return train(job, place);
		case "influence":
			return influence(job, place);
	}
}

/** Exact statistics: a (upper triangle, row-major), b (d x k) and n (1), integers below 2^53 as F64. */
async function statistics({ rows: input, classes: k }: StatisticsJob, place: Place): Promise<Outcome> {
	const { rows, d } = await readRows(input, k, "rows", place);
	const { backend, progress, signal } = place;
	const most = Math.max(1, Math.floor(Math.min(SHARD_BYTES, backend.limits.rowBytes) / d));
	let sum: Statistics | undefined;
	for (let from = 0; from < rows.count; from += most) {
		signal.throwIfAborted();
		progress("statistics", from, rows.count);
		const part = await backend.statistics(partOf(rows, from, Math.min(rows.count, from + most), d), d, k);
		sum = sum ? sumStatistics([sum, part]) : part;
	}
	const { a, b, n } = sum as Statistics;
	return {
		bytes: doubles({ a: [[a.length], a], b: [[d, k], b], n: [[1], Float64Array.of(n)] }),
		facts: { rows: rows.count, weight: n, d, k },
	};
}

function partOf({ x, label, weight }: Rows, from: number, to: number, d: number): Rows {
	return { x: x.subarray(from * d, to * d), label: label.subarray(from, to), weight: weight.subarray(from, to), count: to - from };
}

/** Rows through a backbone: x (n x features) and, as they came, labels and weights. The result is a file of rows again. */
async function features({ rows: input, backbone: manifest, weights }: FeaturesJob, place: Place): Promise<Outcome> {
	const { backend, contents, signal, progress } = place;
	progress("read");
	const backbone = openBackbone(manifest, weights && (await readInput(weights, contents)));
	const { x, n, d, others } = decodeFeatures(await readInput(input, contents), sourceOf("rows", input));
	progress("features");
	const mapped = await backbone.apply(backend, x, n, { signal, progress: (done, of) => progress("features", done, of) });
	const { features: width } = backbone.manifest;
	return {
		bytes: encodeFeatures({ x: mapped, n, d: width, others }),
		facts: { rows: n, inputs: d, features: width, backbone: backbone.digest },
	};
}

/** A segment of a run: the state of its last step, as the folder of a run holds it. The record of its checkpoint is among the facts. */
async function train({ manifest, data: input, from, to }: TrainJob, place: Place): Promise<Outcome> {
	const { backend, contents, signal, progress } = place;
	progress("read");
	const data = runDataOf(await readInput(input, contents), sourceOf("data", input));
	const checkpoint = from ? await checkpointOf(manifest, from, contents) : await beginTraining(manifest, data, backend);
	const { step: begin } = checkpoint.record;
	progress("train", 0, to - begin);
	const last = await trainSegment({
		...{ checkpoint, data, to, backend, signal },
		progress({ step, training: { rows, loss, right } }) {
			const quality = rows === 0 ? undefined : `loss ${(loss / rows).toFixed(4)}, accuracy ${((100 * right) / rows).toFixed(2)} %`;
			progress("train", step - begin, to - begin, quality);
		},
	});
	const { record } = last;
	return { bytes: stateBytes(last.state), facts: { manifest: record.manifest, record, digest: recordDigest(record), from: begin, to } };
}

/** A checkpoint of a job, held against its digests. @throws {DataError} CHECKPOINT_MISMATCH, SAFETENSORS_MALFORMED */
async function checkpointOf(
	manifest: TrainJob["manifest"],
	{ record, state: input }: NonNullable<TrainJob["from"]>,
	contents: ContentFolder,
): Promise<TrainingCheckpoint> {
	const bytes = await readInput(input, contents);
	const state = stateOf(bytes, sourceOf("state", input));
	const pairs = [
		["run", manifestDigest(manifest), record.manifest],
		["state", record.state, keccak(bytes)],
	] as const;
	for (const [name, expected, got] of pairs) {
		if (expected === got) continue;
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`checkpoint of step ${record.step}: expected the ${name} ${expected}, got ${got}`,
			"Give manifest, record and state of one run.",
		);
	}
	return { manifest, record, state };
}

/** Scores of the training rows, F64 [n]. In double precision on the processor, whatever the device is. */
async function influence({ train, test, classes, method, options }: InfluenceJob, place: Place): Promise<Outcome> {
	const { signal, progress } = place;
	const [own, queries] = [await readRows(train, classes, "train", place), await readRows(test, classes, "test", place)];
	if (own.d !== queries.d) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`influence: expected queries of ${own.d} features, as the training rows have, got ${queries.d}`,
			"Use one scale and one backbone for both.",
		);
	}
	const examples = ({ rows, d }: LabelledRows) => byteExamplesOf(rows, d, classes);
	const sides: Sides = {
		train: examples(own),
		test: examples(queries),
		groups: { names: ["all"], of: new Uint32Array(own.rows.count) },
		origin: Uint32Array.from({ length: own.rows.count }, (_, row) => row),
	};
	const { seed, ...others } = options;
	const settings = { ...DEFAULTS, ...others, ...(seed === undefined ? {} : { seed: BigInt(seed) }), players: "rows" as const };
	const control = { signal, progress: (done: number, of: number) => progress(method, done, of) };
	progress(method);
	const ready = await methodNamed(method).ready(sides, settings, control);
	const { scores, unit, positive, total, sampling } = await ready.attribute(sides.test, control);
	return {
		bytes: doubles({
			scores: [[scores.length], scores],
			...(sampling ? { standardErrors: [[scores.length], sampling.standardErrors] as const } : {}),
		}),
		facts: {
			...{ rows: own.rows.count, queries: queries.rows.count, d: own.d, k: classes, method, unit, positive, total },
			arithmetic: `double precision on the processor, Node.js ${process.version}`,
			...(sampling ? { drawn: sampling.drawn, converged: sampling.converged, rule: sampling.rule } : {}),
		},
	};
}

async function readRows(input: Input, k: number, name: string, { contents, progress, signal }: Place): Promise<LabelledRows> {
	progress("read");
	const bytes = await readInput(input, contents);
	signal.throwIfAborted();
	return decodeRows(bytes, k, sourceOf(name, input));
}

/** What messages call an input. */
function sourceOf(name: string, { sha256, path }: Input): string {
	return `${name} ${path ?? sha256.slice(0, 12)}`;
}

/** Arrays in double precision as a file. */
function doubles(arrays: Readonly<Record<string, readonly [shape: readonly number[], values: Float64Array]>>): Uint8Array {
	const tensors = Object.entries(arrays).map(
		([name, [shape, values]]): NamedTensor => ({ name, type: "F64", shape, values: values as NamedTensor["values"] }),
	);
	return writeSafetensors({ tensors, metadata: {} });
}
