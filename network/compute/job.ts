/**
 * Compute jobs: what they ask for, as plain data that is checked before anything is done with it.
 *
 *     statistics   rows -> exact weighted Gram statistics
 *     features     rows -> the same rows through a frozen backbone
 *     train        a run in mode integer, one of its checkpoints -> the checkpoint of a later step
 *     influence    training rows, queries -> a score per training row by a method of attribution/
 *
 * All are deterministic: the same job gives the same bytes on every backend, so its result has one digest.
 */
import { catalogue, DEFAULTS } from "../../attribution/catalogue.ts";
import { type BackboneManifest, needsWeights } from "../../compute/backbone/manifest.ts";
import { CHECKPOINT_SCHEMA, type CheckpointRecord } from "../../compute/checkpoint/record.ts";
import { DataError } from "../../compute/errors.ts";
import { MAX_CLASSES } from "../../compute/table.ts";
import { checkManifest, type IntegerManifest, TRAINING_SCHEMA } from "../../compute/training/manifest.ts";
import { checkInput, type Input } from "./input.ts";

export interface StatisticsJob {
	readonly kind: "statistics";
	/** Rows as rows.ts reads them. */
	readonly rows: Input;
	/** Number of classes k, in [1, 256]. */
	readonly classes: number;
}

export interface FeaturesJob {
	readonly kind: "features";
	readonly rows: Input;
	readonly backbone: BackboneManifest;
	/** The weights file of a trained network; other kinds need none. */
	readonly weights?: Input;
}

export interface TrainJob {
	readonly kind: "train";
	/** Of a run in mode integer, whose checkpoints are the same on every backend. */
	readonly manifest: IntegerManifest;
	/** The rows of the run, as its folder holds them (data.safetensors). */
	readonly data: Input;
	/** The checkpoint to begin at: its record, and its state as safetensors. The run's beginning when absent. */
	readonly from?: { readonly record: CheckpointRecord; readonly state: Input };
	/** The step to reach, above that of `from`; at most 2^31. */
	readonly to: number;
}

export interface InfluenceJob {
	readonly kind: "influence";
	readonly train: Input;
	/** The queries. */
	readonly test: Input;
	readonly classes: number;
	/** One of {@link INFLUENCE_METHODS}. */
	readonly method: string;
	readonly options: InfluenceOptions;
}

/** Settings of methods; each takes what concerns it. Defaults are those of the catalogue. */
export interface InfluenceOptions {
	readonly ridge?: number;
	readonly neighbours?: number;
	readonly draws?: number;
	/** Decimal, in [0, 2^64). */
	readonly seed?: string;
	readonly hidden?: readonly number[];
	readonly epochs?: number;
	readonly networks?: number;
}

export type ComputeJob = StatisticsJob | FeaturesJob | TrainJob | InfluenceJob;
export type ComputeKind = ComputeJob["kind"];

export const COMPUTE_KINDS: readonly ComputeKind[] = ["statistics", "features", "train", "influence"];

/** Methods whose players are rows. */
export const INFLUENCE_METHODS: readonly string[] = catalogue.map(({ name }) => name).filter((name) => name !== "exact-shapley");

/**
 * Refuse what is no job, and leave out nothing that is in it.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function checkJob(value: unknown): ComputeJob {
	const job = recordOf("job", value);
	switch (job.kind as ComputeKind) {
		case "statistics":
			only(job, ["kind", "rows", "classes"]);
			return { kind: "statistics", rows: checkInput("rows", job.rows), classes: classesOf(job) };
		case "features":
			only(job, ["kind", "rows", "backbone", ...(needsWeights(job.backbone) ? ["weights"] : [])]);
			return {
				kind: "features",
				rows: checkInput("rows", job.rows),
				// Taken for granted by nobody: openBackbone checks it.
				backbone: recordOf("backbone", job.backbone) as unknown as BackboneManifest,
				...(needsWeights(job.backbone) ? { weights: checkInput("weights", job.weights) } : {}),
			};
		case "train": {
			only(job, ["kind", "manifest", "data", "from", "to"]);
			const from = job.from === undefined ? undefined : checkFrom(recordOf("from", job.from));
			return {
				kind: "train",
				manifest: checkRun(recordOf("manifest", job.manifest)),
				data: checkInput("data", job.data),
				...(from ? { from } : {}),
				to: integerIn("to", job.to, (from?.record.step ?? 0) + 1, 2 ** 31),
			};
		}
		case "influence":
			only(job, ["kind", "train", "test", "classes", "method", "options"]);
			if (!INFLUENCE_METHODS.includes(String(job.method))) throw refusal("method", `one of ${INFLUENCE_METHODS.join(", ")}`, job.method);
			return {
				kind: "influence",
				train: checkInput("train", job.train),
				test: checkInput("test", job.test),
				classes: classesOf(job),
				method: String(job.method),
				options: checkOptions(recordOf("options", job.options ?? {})),
			};
		default:
			throw refusal("kind", `one of ${COMPUTE_KINDS.join(", ")}`, job.kind);
	}
}

function checkRun(given: Record<string, unknown>): IntegerManifest {
	if (given.mode !== "integer") {
		throw refusal("mode of the run", "integer, which gives the same checkpoints on every backend", given.mode);
	}
	try {
		checkManifest(given as unknown as IntegerManifest);
	} catch (error) {
		if (error instanceof DataError) throw error;
		throw refusal("manifest", `one of ${TRAINING_SCHEMA}`, (error as Error).message);
	}
	return given as unknown as IntegerManifest;
}

function checkFrom({ record: given, state, ...others }: Record<string, unknown>): NonNullable<TrainJob["from"]> {
	only(others, []);
	const record = recordOf("from.record", given) as unknown as CheckpointRecord;
	if (record.schema !== CHECKPOINT_SCHEMA) throw refusal("schema of from.record", CHECKPOINT_SCHEMA, record.schema);
	integerIn("step of from.record", record.step, 0, 2 ** 31);
	return { record, state: checkInput("from.state", state) };
}

function checkOptions(given: Record<string, unknown>): InfluenceOptions {
	only(
		given,
		Object.keys(DEFAULTS).filter((name) => name !== "players"),
	);
	const { ridge, neighbours, draws, seed, hidden, epochs, networks } = given;
	if (ridge !== undefined && !(typeof ridge === "number" && ridge > 0 && Number.isFinite(ridge))) {
		throw refusal("options.ridge", "a number above 0", ridge);
	}
	if (seed !== undefined && !(typeof seed === "string" && /^(0|[1-9]\d{0,19})$/.test(seed) && BigInt(seed) < 1n << 64n)) {
		throw refusal("options.seed", "a decimal integer in [0, 2^64)", seed);
	}
	if (hidden !== undefined && !(Array.isArray(hidden) && hidden.length <= 8)) throw refusal("options.hidden", "at most 8 sizes", hidden);
	for (const size of (hidden ?? []) as unknown[]) integerIn("options.hidden", size, 1, 65_536);
	if (neighbours !== undefined) integerIn("options.neighbours", neighbours, 1, 2 ** 20);
	if (draws !== undefined) integerIn("options.draws", draws, 2, 1_000_000);
	if (epochs !== undefined) integerIn("options.epochs", epochs, 1, 10_000);
	if (networks !== undefined) integerIn("options.networks", networks, 1, 100);
	return given as InfluenceOptions;
}

function classesOf({ classes }: Record<string, unknown>): number {
	return integerIn("classes", classes, 1, MAX_CLASSES);
}

function integerIn(name: string, value: unknown, low: number, high: number): number {
	if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) return value;
	throw refusal(name, `an integer in [${low}, ${high}]`, value);
}

function recordOf(name: string, value: unknown): Record<string, unknown> {
	if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	throw refusal(name, "an object", value);
}

function only(job: Record<string, unknown>, names: readonly string[]): void {
	const other = Object.keys(job).find((name) => !names.includes(name));
	if (other !== undefined) throw refusal("its fields", names.join(", "), other);
}

/** What to do about a job that is none. */
export const JOB_HINT = "Submit jobs with openledger worker submit of this release.";

/** What a job is refused with. */
export function refusal(name: string, expected: string, got: unknown): DataError {
	const text = typeof got === "object" ? JSON.stringify(got) : String(got);
	return new DataError("PARAMETER_OUT_OF_RANGE", `job: expected ${name} to be ${expected}, got ${text?.slice(0, 200)}`, JOB_HINT);
}
