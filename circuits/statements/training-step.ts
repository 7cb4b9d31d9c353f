/**
 * `training-step`: one step of gradient descent of a two-layer perceptron, from one committed checkpoint to the next, on the batch that a public seed names.
 *
 * Everything is an integer. A feature x stands for x / 256, an activation or an error a for a / 2^16, a weight w for w / 2^fractionBits, and
 * every division is by a power of two and rounded to the nearest (a half goes up). So the next checkpoint is a function of the last one.
 *
 * Features are bytes from 0 to 255, as everywhere else, and not centred: the batch is then opened from the very commitment that `contribution` accepted, and
 * subtracting 128 would only move the weights of the bias.
 */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { CircuitError } from "../errors.ts";
import { reduce } from "../field.ts";
import { Multiplicity, toLimbs } from "../limbs.ts";
import { pack, sponge } from "../sponge.ts";
import type { Rows } from "../statistics.ts";
import { contributionInstance } from "./contribution.ts";

/** Domain tags: ASCII names as big-endian integers; the same as in training-step.circom and gadgets/merkle.circom. */
const TAGS = {
	checkpoint: tag("openledger.checkpoint"),
	position: tag("openledger.position"),
	batches: tag("openledger.batches"),
} as const;

/** Fraction bits of activations, errors and slopes. */
export const ACTIVATION_BITS = 16;
/** Fraction bits of a feature. */
const FEATURE_BITS = 8;
/** Fraction bits of the learning rate. */
export const RATE_BITS = 16;
/** Bits of a magnitude and, with the sign, of an error and a slope. */
const VALUE_BITS = 24;
/** Bits of a limb. */
const LIMB_BITS = 8;
/** Largest element of the field. */
const LAST = reduce(-1n);

export interface TrainingStepParameters {
	/** Rows of a batch. */
	readonly n: number;
	/** Features with the bias. */
	readonly d: number;
	/** Hidden units, without the constant one. */
	readonly h: number;
	/** Classes, 2 to 16. */
	readonly k: number;
	/** The tree of batches has 2^levels leaves; 1 to 32. */
	readonly levels: number;
	/** Fraction bits of a weight; weights lie in [-128, 128). */
	readonly fractionBits: 16 | 24;
	/** Learning rate for the gradient summed over the batch, in units of 2^-16: an integer in [1, 2^16). */
	readonly rate: number;
}

/** Weights in units of 2^-fractionBits. */
export interface Perceptron {
	/** d x h, feature by feature. */
	readonly first: readonly bigint[];
	/** (h + 1) x k, hidden unit by hidden unit; the last unit is the constant 1. */
	readonly second: readonly bigint[];
}

/** What a step computes on its way, n rows each. */
export interface StepTrace {
	/** n x h, before the ReLU. */
	readonly preActivation: readonly bigint[];
	/** n x k, output less target, whatever the row's weight. */
	readonly error: readonly bigint[];
	/** n x h, derivative of the loss by the activation, before the ReLU's derivative. */
	readonly slope: readonly bigint[];
	/** Sum of the squared errors of the rows that count, in units of 2^-32. */
	readonly loss: bigint;
	readonly next: Perceptron;
	/** What each division left, by its name in the circuit, in [0, 2^bits). */
	readonly remainders: Readonly<Record<RemainderName, readonly bigint[]>>;
}

type RemainderName = "activationRemainder" | "errorRemainder" | "slopeRemainder" | "firstRemainder" | "secondRemainder";

/** A batch and the random value that hides it. */
export interface Batch {
	readonly rows: Rows;
	readonly salt: bigint;
}

/** A checkpoint of the run that `manifestDigest` describes, after `step` steps. */
export interface Checkpoint {
	readonly network: Perceptron;
	readonly step: bigint;
	/** Digest of the model manifest as a field element. */
	readonly manifestDigest: bigint;
}

/** Bits that each division takes away. */
function shifts({ fractionBits }: TrainingStepParameters): Record<RemainderName, number> {
	return {
		activationRemainder: fractionBits + FEATURE_BITS - ACTIVATION_BITS,
		errorRemainder: fractionBits,
		slopeRemainder: fractionBits,
		firstRemainder: RATE_BITS + FEATURE_BITS + ACTIVATION_BITS - fractionBits,
		secondRemainder: RATE_BITS + 2 * ACTIVATION_BITS - fractionBits,
	};
}

export function trainingStepCircuit(parameters: TrainingStepParameters): Circuit {
	const { n, d, h, k, levels, fractionBits, rate } = parameters;
	const publics = ["checkpoint", "nextCheckpoint", "manifestDigest", "seed", "step", "batchRoot", "loss"];
	const signals = { publics, links: [], hasWords: false };
	return {
		statement: "training-step",
		id: `training-step-n${n}-d${d}-h${h}-k${k}-t${levels}-f${fractionBits}-r${rate}`,
		source: mainSource("training-step", "TrainingStep", [n, d, h, k, levels, fractionBits, rate], signals),
		...signals,
	};
}

/** H("openledger.checkpoint", d + 2^16 h + 2^32 k + 2^48 fractionBits, step, manifestDigest, packed offset weights). */
export function commitCheckpoint(parameters: TrainingStepParameters, { network, step, manifestDigest }: Checkpoint): bigint {
	const { d, h, k, fractionBits } = parameters;
	checkNetwork(parameters, network);
	const header = BigInt(d) + (BigInt(h) << 16n) + (BigInt(k) << 32n) + (BigInt(fractionBits) << 48n);
	const half = 1n << BigInt(weightBits(parameters) - 1);
	const offset = [...network.first, ...network.second].map((value) => value + half);
	return sponge(TAGS.checkpoint, [header, reduce(step), reduce(manifestDigest), ...pack(offset, weightBits(parameters))]);
}

/** rowsCommit of a batch, as `contribution` publishes it. */
export function commitBatch(parameters: TrainingStepParameters, { rows, salt }: Batch): bigint {
	return openBatch(parameters, { rows, salt }).publics[0] as bigint;
}

/** Place of the batch of a step: the hash of seed and step, an integer in [0, r), modulo 2^levels. Its bias is below 2^levels / r. */
export function batchPosition(levels: number, seed: bigint, step: bigint): number {
	return Number(draw(levels, seed, step) % (1n << BigInt(levels)));
}

function draw(levels: number, seed: bigint, step: bigint): bigint {
	return sponge(TAGS.position, [BigInt(levels), reduce(seed), reduce(step)]);
}

/** The tree over a list of batches. A list whose length is no power of two is repeated, so that every batch has its turn about equally often. */
export class BatchTree {
	readonly levels: number;
	private readonly nodes: readonly (readonly bigint[])[];

	/**
	 * @param commits rowsCommits in order, at least one
	 * @throws CircuitError "batch-count" for none, or more than 2^levels
	 */
	constructor(commits: readonly bigint[], levels: number) {
		const size = 2 ** levels;
		if (commits.length === 0 || commits.length > size) {
			throw new CircuitError(
				"batch-count",
				`training-step: expected 1 to ${size} batches, got ${commits.length}`,
				"Use a parameter set with more levels, or larger batches.",
			);
		}
		const nodes: bigint[][] = [Array.from({ length: size }, (_, i) => commits[i % commits.length] as bigint)];
		for (let level = 0; level < levels; level++) {
			const below = nodes[level] as bigint[];
			nodes.push(
				Array.from({ length: below.length / 2 }, (_, i) =>
					sponge(TAGS.batches, [BigInt(level), below[2 * i] as bigint, below[2 * i + 1] as bigint]),
				),
			);
		}
		this.levels = levels;
		this.nodes = nodes;
	}

	get root(): bigint {
		return (this.nodes[this.levels] as readonly bigint[])[0] as bigint;
	}

	/** The batch at a position in [0, 2^levels). */
	leaf(position: number): bigint {
		return (this.nodes[0] as readonly bigint[])[position] as bigint;
	}

	/** Siblings on the way from a leaf to the root, the lowest first. */
	path(position: number): bigint[] {
		return Array.from({ length: this.levels }, (_, level) => {
			const at = Math.floor(position / 2 ** level);
			return (this.nodes[level] as readonly bigint[])[at % 2 === 0 ? at + 1 : at - 1] as bigint;
		});
	}
}

/**
 * The reference: one step of `network` on `rows`, places that are empty included.
 * @throws CircuitError "network-shape", "weight-range" (before or after the step), "activation-range", "error-range", "slope-range"; and what `contribution`
 *   throws about the rows
 */
export function trainingStep(parameters: TrainingStepParameters, network: Perceptron, rows: Rows): StepTrace {
	checkParameters(parameters);
	checkNetwork(parameters, network);
	const { inputs } = openBatch(parameters, { rows, salt: 0n });
	return trace(parameters, network, openedFeatures(parameters, inputs), inputs.label as bigint[], inputs.weight as bigint[]);
}

/** X with its bias, n x d. */
function openedFeatures({ n, d }: TrainingStepParameters, inputs: Instance["inputs"]): bigint[] {
	const x = inputs.x as readonly bigint[];
	return Array.from({ length: n * d }, (_, at) => (at % d === d - 1 ? 255n : (x[Math.floor(at / d) * (d - 1) + (at % d)] as bigint)));
}

function trace(
	parameters: TrainingStepParameters,
	{ first, second }: Perceptron,
	x: readonly bigint[],
	label: readonly bigint[],
	weight: readonly bigint[],
): StepTrace {
	const { n, d, h, k, rate } = parameters;
	const bits = shifts(parameters);
	const limit = 1n << BigInt(VALUE_BITS);
	const retry = "Lower the learning rate, or start from smaller weights.";

	const activations = divide(product(x, first, n, d, h), bits.activationRemainder);
	const preActivation = activations.quotient;
	// A positive pre-activation may be one larger: its magnitude is counted from 1.
	checkRange("activation-range", "pre-activation", preActivation, 1n - limit, limit + 1n, retry);

	const unit = 1n << BigInt(ACTIVATION_BITS);
	const activation = Array.from({ length: n * (h + 1) }, (_, at) => {
		const j = at % (h + 1);
		const before = j === h ? unit : (preActivation[Math.floor(at / (h + 1)) * h + j] as bigint);
		return before > 0n ? before : 0n;
	});
	const outputs = divide(product(activation, second, n, h + 1, k), bits.errorRemainder);
	const error = outputs.quotient.map((value, at) => value - (label[Math.floor(at / k)] === BigInt(at % k) ? unit : 0n));
	checkRange("error-range", "error", error, -limit / 2n, limit / 2n, retry);
	const counted = error.map((value, at) => value * (weight[Math.floor(at / k)] as bigint));
	const loss = counted.reduce((sum, value) => sum + value * value, 0n);

	const slopes = divide(product(counted, transpose(second.slice(0, h * k), h, k), n, k, h), bits.slopeRemainder);
	checkRange("slope-range", "slope", slopes.quotient, -limit / 2n, limit / 2n, retry);
	const gradient = slopes.quotient.map((value, at) => ((preActivation[at] as bigint) > 0n ? value : 0n));

	const scaled = (values: readonly bigint[]) => values.map((value) => BigInt(rate) * value);
	const firstStep = divide(scaled(product(transpose(x, n, d), gradient, d, n, h)), bits.firstRemainder);
	const secondStep = divide(scaled(product(transpose(activation, n, h + 1), counted, h + 1, n, k)), bits.secondRemainder);
	const less = (weights: readonly bigint[], step: readonly bigint[]) => weights.map((value, at) => value - (step[at] as bigint));
	const next: Perceptron = { first: less(first, firstStep.quotient), second: less(second, secondStep.quotient) };
	checkWeights(parameters, next, "weight after the step", retry);
	return {
		preActivation,
		error,
		slope: slopes.quotient,
		loss,
		next,
		remainders: {
			activationRemainder: activations.remainder,
			errorRemainder: outputs.remainder,
			slopeRemainder: slopes.remainder,
			firstRemainder: firstStep.remainder,
			secondRemainder: secondStep.remainder,
		},
	};
}

/**
 * The statement about the step from `checkpoint` under `seed`.
 * @param tree the batches of the data set
 * @param batch the one at the position of seed and step
 * @throws CircuitError what {@link trainingStep} throws, "rate-range", "tree-levels", "batch-position" (not the batch that the seed names)
 */
export function trainingStepInstance(
	parameters: TrainingStepParameters,
	checkpoint: Checkpoint,
	seed: bigint,
	tree: BatchTree,
	batch: Batch,
): Instance & { readonly trace: StepTrace } {
	checkParameters(parameters);
	checkNetwork(parameters, checkpoint.network);
	const { levels, k } = parameters;
	if (tree.levels !== levels) {
		throw new CircuitError(
			"tree-levels",
			`training-step: expected a tree of ${levels} levels, got ${tree.levels}`,
			"Build the tree for this parameter set.",
		);
	}
	const opened = openBatch(parameters, batch);
	const rowsCommit = opened.publics[0] as bigint;
	const position = batchPosition(levels, seed, checkpoint.step);
	if (tree.leaf(position) !== rowsCommit) {
		throw new CircuitError(
			"batch-position",
			`training-step: expected the batch at position ${position}, ${tree.leaf(position)}, got ${rowsCommit}`,
			"Train on the batch that the seed names for this step, with the salt it was committed with.",
		);
	}
	const { inputs } = opened;
	const { x, label, weight } = inputs as Record<"x" | "label" | "weight", readonly bigint[]>;
	const steps = trace(parameters, checkpoint.network, openedFeatures(parameters, inputs), label, weight);

	const multiplicity = new Multiplicity(LIMB_BITS);
	const bytes = (values: readonly bigint[], width: number, offset = 0n): bigint[] =>
		values.flatMap((value) => {
			const limbs = toLimbs(value + offset, width / LIMB_BITS, LIMB_BITS);
			multiplicity.addLimbs(limbs);
			return limbs;
		});
	const bits = shifts(parameters);
	const remainders = Object.fromEntries(
		(Object.keys(bits) as RemainderName[]).map((name) => [name, bytes(steps.remainders[name], bits[name])]),
	) as Record<RemainderName, bigint[]>;
	const width = weightBits(parameters);
	const weights = (values: readonly bigint[]) => bytes(values, width, 1n << BigInt(width - 1));
	const signed = (values: readonly bigint[]) => bytes(values, VALUE_BITS, 1n << BigInt(VALUE_BITS - 1));
	for (const value of x) {
		multiplicity.add(value);
	}

	const element = draw(levels, seed, checkpoint.step);
	const bitBytes = Math.ceil(levels / LIMB_BITS);
	const half = 1n << 128n;
	const values = {
		checkpoint: commitCheckpoint(parameters, checkpoint),
		nextCheckpoint: commitCheckpoint(parameters, { ...checkpoint, network: steps.next, step: checkpoint.step + 1n }),
		manifestDigest: reduce(checkpoint.manifestDigest),
		seed: reduce(seed),
		step: reduce(checkpoint.step),
		batchRoot: tree.root,
		loss: steps.loss,
	};
	return {
		circuit: trainingStepCircuit(parameters),
		publics: Object.values(values),
		links: [],
		words: [],
		trace: steps,
		inputs: {
			...values,
			salt: reduce(batch.salt),
			x,
			target: label.flatMap((y) => Array.from({ length: k }, (_, c) => (y === BigInt(c) ? 1n : 0n))),
			weight,
			firstLimb: weights(checkpoint.network.first),
			secondLimb: weights(checkpoint.network.second),
			active: steps.preActivation.map((value) => (value > 0n ? 1n : 0n)),
			magnitudeLimb: bytes(
				steps.preActivation.map((value) => (value > 0n ? value - 1n : -value)),
				VALUE_BITS,
			),
			errorLimb: signed(steps.error),
			slopeLimb: signed(steps.slope),
			nextFirstLimb: weights(steps.next.first),
			nextSecondLimb: weights(steps.next.second),
			...remainders,
			positionBit: toLimbs(element % (1n << BigInt(LIMB_BITS * bitBytes)), LIMB_BITS * bitBytes, 1),
			positionByte: bytes([element >> BigInt(LIMB_BITS * bitBytes)], 256 - LIMB_BITS * bitBytes),
			gapByte: bytes([LAST - element], 256),
			borrow: element % half > LAST % half ? 1n : 0n,
			sibling: tree.path(position),
			multiplicity: multiplicity.values(),
		},
	};
}

/** The statement that `contribution` makes of a batch: it checks and pads the rows, and commits to them. */
function openBatch({ n, d, k }: TrainingStepParameters, { rows, salt }: Batch): Instance {
	return contributionInstance({ n, d, k, weightBits: 1 }, rows, salt);
}

function weightBits({ fractionBits }: TrainingStepParameters): number {
	return fractionBits + 8;
}

/** A (rows x inner) times B (inner x columns). */
function product(a: readonly bigint[], b: readonly bigint[], rows: number, inner: number, columns: number): bigint[] {
	const out = new Array<bigint>(rows * columns).fill(0n);
	for (let i = 0; i < rows; i++) {
		for (let l = 0; l < inner; l++) {
			const factor = a[i * inner + l] as bigint;
			if (factor !== 0n) {
				for (let j = 0; j < columns; j++) {
					out[i * columns + j] = (out[i * columns + j] as bigint) + factor * (b[l * columns + j] as bigint);
				}
			}
		}
	}
	return out;
}

function transpose(a: readonly bigint[], rows: number, columns: number): bigint[] {
	return Array.from({ length: rows * columns }, (_, at) => a[(at % rows) * columns + Math.floor(at / rows)] as bigint);
}

/** Quotients by 2^bits rounded to the nearest, a half goes up; remainders in [0, 2^bits). */
function divide(numerators: readonly bigint[], bits: number): { quotient: bigint[]; remainder: bigint[] } {
	const half = 1n << BigInt(bits - 1);
	const quotient = numerators.map((value) => (value + half) >> BigInt(bits));
	return { quotient, remainder: numerators.map((value, at) => value + half - ((quotient[at] as bigint) << BigInt(bits))) };
}

function checkParameters({ rate }: TrainingStepParameters): void {
	if (!Number.isInteger(rate) || rate < 1 || rate >= 2 ** RATE_BITS) {
		throw new CircuitError(
			"rate-range",
			`training-step: expected an integer learning rate in [1, 2^${RATE_BITS}), got ${rate}`,
			`The unit is 2^-${RATE_BITS}, for the gradient summed over the batch.`,
		);
	}
}

function checkNetwork(parameters: TrainingStepParameters, network: Perceptron): void {
	const { d, h, k } = parameters;
	if (network.first.length !== d * h || network.second.length !== (h + 1) * k) {
		throw new CircuitError(
			"network-shape",
			`training-step: expected ${d * h} weights of the first layer and ${(h + 1) * k} of the second, got ${network.first.length} and ${network.second.length}`,
			"Use the parameter set of the checkpoint; the second layer has one unit more, the constant.",
		);
	}
	checkWeights(parameters, network, "weight", "Scale the layer down; the range is that of real weights in [-128, 128).");
}

function checkWeights(parameters: TrainingStepParameters, { first, second }: Perceptron, what: string, hint: string): void {
	const half = 1n << BigInt(weightBits(parameters) - 1);
	checkRange("weight-range", `first-layer ${what}`, first, -half, half, hint);
	checkRange("weight-range", `second-layer ${what}`, second, -half, half, hint);
}

/** Every value lies in [from, to). */
function checkRange(code: string, what: string, values: readonly bigint[], from: bigint, to: bigint, hint: string): void {
	const at = values.findIndex((value) => value < from || value >= to);
	if (at >= 0) {
		throw new CircuitError(code, `training-step: expected ${what} ${at} in [${from}, ${to}), got ${values[at]}`, hint);
	}
}

function tag(name: string): bigint {
	return BigInt(`0x${Buffer.from(name, "ascii").toString("hex")}`);
}
