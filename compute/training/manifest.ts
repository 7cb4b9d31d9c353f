/**
 * Manifests of training runs: all that, with the rows themselves, says what the weights after any step are. Their digest names the run.
 * How many epochs to go is no part of it: a run may always go on.
 */
import { type Architecture, inputsOf, layerShapes } from "../architecture.ts";
import { type Digest, jsonDigest, keccak } from "../digest.ts";
import { DataError } from "../errors.ts";
import type { IntegerArchitecture } from "../integer-network.ts";
import type { Quantisation } from "../quantisation.ts";
import type { FloatRecipeRule } from "./float-learner.ts";
import { checkSums } from "./integer-recipe.ts";
import { checkTrainingRows, ORDER, type TrainingData, type TrainingRows } from "./rows.ts";

export const TRAINING_SCHEMA = "openledger.training.v1";

/** Rows by their digests: keccak256 of the features (bytes, or little-endian floats) and of the labels. */
export interface RowsRoot {
	readonly n: number;
	readonly rows: Digest;
	readonly labels: Digest;
}

export interface DataRoots {
	/** Features of a row, and classes. */
	readonly d: number;
	readonly k: number;
	readonly element: "u8" | "f32";
	readonly train: RowsRoot;
	readonly test: RowsRoot | null;
}

interface Common<Mode extends string> {
	readonly schema: typeof TRAINING_SCHEMA;
	readonly mode: Mode;
	readonly data: DataRoots;
	/** How the features became bytes; null where they were. */
	readonly quantisation: Quantisation | null;
}

/** Runs in many steps on batches. */
interface Descending {
	/** Decimal, in [0, 2^64): of the first weights and of the order of rows. */
	readonly seed: string;
	/** The rule of the order. */
	readonly order: typeof ORDER;
	/** Rows of a step; the last one of an epoch may have fewer. */
	readonly batch: number;
	/** Epochs (from 0, ascending) from which on steps are halved, each once more. */
	readonly halvings: readonly number[];
}

export interface IntegerManifest extends Common<"integer">, Descending {
	readonly architecture: IntegerArchitecture;
	readonly loss: "cross-entropy";
	/** See `IntegerRecipe`. */
	readonly rates: readonly number[];
	readonly momentum: number;
}

export interface FloatManifest extends Common<"float">, Descending {
	readonly architecture: Architecture;
	readonly loss: "cross-entropy" | "squared";
	readonly rule: FloatRecipeRule;
}

/** The ridge head of rows x / 255 with a constant 1: one step, which solves it. See ridge-learner.ts. */
export interface RidgeManifest extends Common<"ridge"> {
	/** One dense layer. */
	readonly architecture: Architecture;
	readonly loss: "squared";
	/** Relative to the mean loss, above 0; acts on the bias too. */
	readonly ridge: number;
}

export type TrainingManifest = IntegerManifest | FloatManifest | RidgeManifest;

/** The name of a run. */
export function manifestDigest(manifest: TrainingManifest): Digest {
	return jsonDigest(manifest);
}

/** Steps of an epoch. */
export function stepsPerEpoch(manifest: TrainingManifest): number {
	return manifest.mode === "ridge" ? 1 : Math.ceil(manifest.data.train.n / manifest.batch);
}

const roots = new WeakMap<TrainingData, DataRoots>();

/** Digests of rows; computed once for an object, whose arrays must not change afterwards. */
export function rootsOf(data: TrainingData): DataRoots {
	const known = roots.get(data);
	if (known) return known;
	const { k, train, test } = data;
	const element = train.x instanceof Uint8Array ? "u8" : "f32";
	const made: DataRoots = { d: train.d, k, element, train: rootOf(train), test: test ? rootOf(test) : null };
	roots.set(data, made);
	return made;
}

function rootOf({ x, label, n }: TrainingRows): RowsRoot {
	return { n, rows: keccak(new Uint8Array(x.buffer, x.byteOffset, x.byteLength)), labels: keccak(label) };
}

/**
 * Refuse rows that are not those of a run, or not fit for it.
 * @throws {DataError} CHECKPOINT_MISMATCH, naming both; SHAPE_MISMATCH and others of `checkTrainingRows`
 */
export function checkData({ data: expected }: TrainingManifest, data: TrainingData): void {
	checkTrainingRows(data.train, data.k, "train");
	if (data.test) checkTrainingRows(data.test, data.k, "test");
	if (data.test && data.test.d !== data.train.d) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`test: expected rows of ${data.train.d} features, as those that are learned from, got ${data.test.d}`,
			"Give rows of the same columns.",
		);
	}
	const got = rootsOf(data);
	const flat = ({ train, test, ...sizes }: DataRoots): [string, unknown][] => [
		...Object.entries(sizes),
		...Object.entries(train).map(([name, value]): [string, unknown] => [`train ${name}`, value]),
		...Object.entries(test ?? { n: 0 }).map(([name, value]): [string, unknown] => [`test ${name}`, value]),
	];
	const given = new Map(flat(got));
	for (const [name, value] of flat(expected)) {
		if (given.get(name) === value) continue;
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`data: expected ${name} ${value} (of the run), got ${given.get(name)}`,
			"Give the data that the run began with, with the same options.",
		);
	}
}

/**
 * Refuse a manifest that no run can have, such as one that was read from a file.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE, SUM_TOO_LARGE, SHAPE_MISMATCH
 */
export function checkManifest(manifest: TrainingManifest): void {
	const { schema, mode, data, architecture } = manifest;
	const one = (names: readonly unknown[]) => names.map(String).join(" or ");
	check("schema", schema, TRAINING_SCHEMA, schema === TRAINING_SCHEMA);
	check("mode", mode, "integer, float or ridge", ["integer", "float", "ridge"].includes(mode));
	const shapes = layerShapes(architecture);
	check("inputs of the architecture", inputsOf(architecture), `${data.d}, the features of a row`, inputsOf(architecture) === data.d);
	const outputs = shapes.at(-1)?.outputs as number;
	check("outputs of the architecture", outputs, `${data.k}, the classes`, outputs === data.k);
	check("classes", data.k, "2 to 256", data.k >= 2 && data.k <= 256);
	if (manifest.mode === "ridge") {
		check("loss", manifest.loss, "squared", manifest.loss === "squared");
		check("layers", shapes.length, "1", shapes.length === 1);
		check("ridge", manifest.ridge, "a finite number above 0", manifest.ridge > 0 && Number.isFinite(manifest.ridge));
		check("features", data.element, "u8", data.element === "u8");
		return;
	}
	const { seed, order, batch, halvings } = manifest;
	check("seed", seed, "an integer in [0, 2^64)", /^(0|[1-9]\d{0,19})$/.test(seed) && BigInt(seed) < 1n << 64n);
	check("order", order, ORDER, order === ORDER);
	check("batch", batch, "an integer of at least 1", isInteger(batch, 1, 2 ** 31));
	const ascending = halvings.every((epoch, i) => isInteger(epoch, i === 0 ? 1 : (halvings[i - 1] as number) + 1, 2 ** 31));
	check("halvings", `[${halvings.join(", ")}]`, "ascending epochs of at least 1", ascending);
	if (manifest.mode === "integer") checkInteger(manifest, shapes.length);
	else {
		check("loss", manifest.loss, one(["cross-entropy", "squared"]), ["cross-entropy", "squared"].includes(manifest.loss));
		checkRule(manifest.rule);
	}
}

function checkInteger({ architecture, loss, rates, momentum, batch, halvings, data }: IntegerManifest, layers: number): void {
	check("features", data.element, "u8 for mode integer (quantise them)", data.element === "u8");
	check("loss", loss, "cross-entropy for mode integer", loss === "cross-entropy");
	check("momentum", momentum, "an integer in [0, 15]", isInteger(momentum, 0, 15));
	const lists = { shifts: [architecture.shifts, 31], rates: [rates, 62 - halvings.length] } as const;
	for (const [name, [list, most]] of Object.entries(lists)) {
		const holds = list.length === layers && list.every((value) => isInteger(value, 0, most));
		check(name, `[${list.join(", ")}]`, `${layers} integers in [0, ${most}]`, holds);
	}
	checkSums(architecture, batch);
}

function checkRule(rule: FloatRecipeRule): void {
	check("optimizer", rule.kind, "sgd, momentum or adam", ["sgd", "momentum", "adam"].includes(rule.kind));
	check("rate", rule.rate, "a finite number above 0", rule.rate > 0 && Number.isFinite(rule.rate));
	const decays = rule.weightDecay >= 0 && Number.isFinite(rule.weightDecay);
	check("weightDecay", rule.weightDecay, "a finite number of at least 0", decays);
	const share = (name: string, value: number) => check(name, value, "a number in [0, 1)", value >= 0 && value < 1);
	if (rule.kind === "momentum") share("momentum", rule.momentum);
	if (rule.kind !== "adam") return;
	share("beta1", rule.beta1);
	share("beta2", rule.beta2);
	check("epsilon", rule.epsilon, "a finite number above 0", rule.epsilon > 0 && Number.isFinite(rule.epsilon));
}

function isInteger(value: unknown, low: number, high: number): boolean {
	return Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
}

function check(name: string, got: unknown, range: string, holds: boolean): void {
	if (holds) return;
	throw new DataError("PARAMETER_OUT_OF_RANGE", `train: ${name}: expected ${range}, got ${got}`, `Choose another ${name}.`);
}
