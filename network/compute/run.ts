/** What each kind of job does, from its inputs to the bytes of its result. Nothing here depends on who runs it. */

import { byteExamplesOf } from "../../attribution/byte-examples.ts";
import { DEFAULTS, methodNamed } from "../../attribution/catalogue.ts";
import type { Sides } from "../../attribution/sides.ts";
import { openBackbone } from "../../compute/backbone/backbone.ts";
import type { Backend } from "../../compute/backend.ts";
import { type NamedTensor, writeSafetensors } from "../../compute/checkpoint/safetensors.ts";
import { DataError } from "../../compute/errors.ts";
import type { ContentFolder } from "./content.ts";
import { type Input, readInput } from "./input.ts";
import type { ComputeJob, FeaturesJob, InfluenceJob, StatisticsJob } from "./job.ts";
import { decodeFeatures, decodeRows, encodeFeatures, type LabelledRows } from "./rows.ts";

/** Where a job runs. */
export interface Place {
	/** It has passed the known answers. */
	readonly backend: Backend;
	readonly contents: ContentFolder;
	readonly signal: AbortSignal;
	readonly progress: (phase: string, done?: number, of?: number) => void;
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
		case "influence":
			return influence(job, place);
	}
}

/** Exact statistics: a (upper triangle, row-major), b (d x k) and n (1), integers below 2^53 as F64. */
async function statistics({ rows: input, classes: k }: StatisticsJob, place: Place): Promise<Outcome> {
	const { rows, d } = await readRows(input, k, "rows", place);
	place.progress("statistics");
	const { a, b, n } = await place.backend.statistics(rows, d, k);
	return {
		bytes: doubles({ a: [[a.length], a], b: [[d, k], b], n: [[1], Float64Array.of(n)] }),
		facts: { rows: rows.count, weight: n, d, k },
	};
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
