/** What each kind of job does, from its inputs to the bytes of its result. Nothing here depends on who runs it. */

import { byteExamplesOf } from "../../attribution/byte-examples.ts";
import { DEFAULTS, methodNamed } from "../../attribution/catalogue.ts";
import type { Sides } from "../../attribution/sides.ts";
import { openBackbone } from "../../compute/backbone.ts";
import type { Backend } from "../../compute/backend.ts";
import { DataError } from "../../compute/errors.ts";
import type { ContentFolder } from "./content.ts";
import { type Input, readInput } from "./input.ts";
import type { ComputeJob, FeaturesJob, InfluenceJob, StatisticsJob } from "./job.ts";
import { decodeFeatures, decodeRows, type LabelledRows } from "./rows.ts";
import { decodeTensors, encodeTensors } from "./tensors.ts";

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

/** Exact statistics: a (upper triangle, row-major), b (d x k) and n, all U64. */
async function statistics({ rows: input, classes: k }: StatisticsJob, place: Place): Promise<Outcome> {
	const { rows, n: count, d } = await readRows(input, k, "rows", place);
	place.progress("statistics");
	const { a, b, n } = await place.backend.statistics(rows, d, k);
	const integers = (values: ArrayLike<number>) => BigUint64Array.from(Array.from(values, BigInt));
	return {
		bytes: encodeTensors({
			a: { dtype: "U64", shape: [a.length], values: integers(a) },
			b: { dtype: "U64", shape: [d, k], values: integers(b) },
			n: { dtype: "U64", shape: [1], values: integers([n]) },
		}),
		facts: { rows: count, weight: n, d, k },
	};
}

/** Rows through a backbone: x (n x features) and, as they came, labels and weights. The result is a file of rows again. */
async function features({ rows: input, backbone: manifest }: FeaturesJob, place: Place): Promise<Outcome> {
	const { contents, progress } = place;
	progress("read");
	const source = `rows ${input.sha256.slice(0, 12)}`;
	const bytes = await readInput(input, contents);
	const { arrays } = decodeTensors(bytes, source);
	const { x, n, d } = decodeFeatures(bytes, source);
	const backbone = openBackbone(manifest);
	progress("features");
	const mapped = backbone.apply(x, n);
	const { features: width } = backbone.manifest;
	const others = Object.fromEntries([...arrays].filter(([name]) => name === "label" || name === "weight"));
	return {
		bytes: encodeTensors({ ...others, x: { dtype: "U8", shape: [n, width], values: mapped } }),
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
		groups: { names: ["all"], of: new Uint32Array(own.n) },
		origin: Uint32Array.from({ length: own.n }, (_, row) => row),
	};
	const { seed, ...others } = options;
	const settings = { ...DEFAULTS, ...others, ...(seed === undefined ? {} : { seed: BigInt(seed) }), players: "rows" as const };
	const control = { signal, progress: (done: number, of: number) => progress(method, done, of) };
	progress(method);
	const ready = await methodNamed(method).ready(sides, settings, control);
	const { scores, unit, positive, total, sampling } = await ready.attribute(sides.test, control);
	return {
		bytes: encodeTensors({
			scores: { dtype: "F64", shape: [own.n], values: scores },
			...(sampling ? { standardErrors: { dtype: "F64", shape: [own.n], values: sampling.standardErrors } } : {}),
		}),
		facts: {
			...{ rows: own.n, queries: queries.n, d: own.d, k: classes, method, unit, positive, total },
			arithmetic: `double precision on the processor, Node.js ${process.version}`,
			...(sampling ? { drawn: sampling.drawn, converged: sampling.converged, rule: sampling.rule } : {}),
		},
	};
}

async function readRows(input: Input, k: number, name: string, { contents, progress, signal }: Place): Promise<LabelledRows> {
	progress("read");
	const bytes = await readInput(input, contents);
	signal.throwIfAborted();
	return decodeRows(bytes, k, `${name} ${input.sha256.slice(0, 12)}`);
}
