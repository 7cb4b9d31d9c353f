/**
 * `evaluation`: the head under newModelCommit has a loss on the committed evaluation set that is lower than the old one's by at least delta.
 *
 * Losses, their drop and delta are integers in one unit: s^2 times the sum of squared errors, s = 2^headExponent, with features in
 * [0, 255] and targets 0 and 1. A drop of the mean squared error by x is a delta of x s^2 rows.
 */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { CircuitError } from "../errors.ts";
import { reduce } from "../field.ts";
import { applyRidge, signedLimbs } from "../head.ts";
import { limbCount, Multiplicity, toLimbs } from "../limbs.ts";
import { LIMB_BITS } from "../page.ts";
import { VALUE_BITS } from "../path.ts";
import { commitStatistics, entryCount, type Statistics, statisticsLimbs } from "../statistics.ts";
import { commitModel, headExponent, type OptimumParameters } from "./optimum.ts";

/** Bits of the number of rows in the header of a commitment to statistics. */
const ROW_BITS = 32;

export interface EvaluationParameters {
	/** The `optimum` statement of the heads: both have its d, k and scale. */
	readonly optimum: OptimumParameters;
	/** Width of an entry of the evaluation set's statistics, as `contribution` committed it. */
	readonly statBits: number;
}

/** A checkpoint as `optimum` commits to it. */
export interface Checkpoint {
	/** d x k integers in [-2^35, 2^35), feature by feature, scale 2^headExponent. */
	readonly w: readonly bigint[];
	/** Digest of the model manifest as a field element. */
	readonly manifestDigest: bigint;
}

/** Limbs that hold every drop of the loss: |drop| < d k 2^(statBits + 72) (d + 2^(exponent - 35)). */
export function dropLimbs({ optimum, statBits }: EvaluationParameters): number {
	const { d, k } = optimum;
	const largest = (BigInt(d * k) << BigInt(statBits)) * ((BigInt(d) << 72n) + (1n << BigInt(headExponent(optimum) + VALUE_BITS + 1)));
	return limbCount(largest.toString(2).length, LIMB_BITS);
}

export function evaluationCircuit(parameters: EvaluationParameters): Circuit {
	const { optimum, statBits } = parameters;
	const { d, k, lambda } = optimum;
	const publics = ["oldModelCommit", "newModelCommit", "oldManifestDigest", "newManifestDigest", "evaluationStatsCommit", "delta"];
	const signals = { publics, links: [], hasWords: false };
	return {
		statement: "evaluation",
		id: `evaluation-d${d}-k${k}-s${statBits}-l${lambda}`,
		source: mainSource("evaluation", "LossDrop", [d, k, statBits, headExponent(optimum), dropLimbs(parameters)], signals),
		...signals,
	};
}

/** L(W) = tr(W^T A W) - 2 s tr(W^T B) + s^2 rows, exactly: the reference. */
export function evaluationLoss(parameters: EvaluationParameters, set: Statistics, w: readonly bigint[]): bigint {
	const { d, k } = parameters.optimum;
	const exponent = BigInt(headExponent(parameters.optimum));
	const product = applyRidge(set, 0n, w, d, k);
	const cross = w.reduce((sum, value, i) => sum + value * ((product[i] as bigint) - ((set.b[i] as bigint) << (exponent + 1n))), 0n);
	return cross + (set.rows << (2n * exponent));
}

/**
 * The statement that `next` has a loss on `set` that is lower than that of `previous` by `delta` or more.
 * @param set statistics of the evaluation set, below 2^32 rows
 * @param delta in the unit of {@link evaluationLoss}, at least 0
 * @throws CircuitError "stat-shape", "stat-rows", "stat-range", "head-shape", "value-range" (a head's entry outside 36 bits), "delta-range"
 *   (negative), "delta-unreached" (more than the true drop)
 */
export function evaluationInstance(
	parameters: EvaluationParameters,
	set: Statistics,
	previous: Checkpoint,
	next: Checkpoint,
	delta: bigint,
): Instance {
	checkShapes(parameters, set, previous, next);
	const { optimum, statBits } = parameters;
	const { d, k } = optimum;
	const multiplicity = new Multiplicity(LIMB_BITS);
	const shift = limbCount(statBits, LIMB_BITS) * LIMB_BITS - statBits;
	const rowLimb = toLimbs(set.rows, limbCount(ROW_BITS, LIMB_BITS), LIMB_BITS);
	multiplicity.addLimbs(rowLimb, rowLimb.length * LIMB_BITS - ROW_BITS);
	const statLimb = statisticsLimbs(set, statBits, LIMB_BITS);
	for (const limbs of statLimb) {
		multiplicity.addLimbs(limbs, shift);
	}
	const oldLimb = signedLimbs(previous.w, VALUE_BITS, "evaluation: old head", multiplicity);
	const newLimb = signedLimbs(next.w, VALUE_BITS, "evaluation: new head", multiplicity);

	const drop = evaluationLoss(parameters, set, previous.w) - evaluationLoss(parameters, set, next.w);
	if (delta < 0n) {
		throw new CircuitError("delta-range", `evaluation: expected a delta of at least 0, got ${delta}`, "Claim a drop, not a rise.");
	}
	if (delta > drop) {
		throw new CircuitError(
			"delta-unreached",
			`evaluation: expected a loss that drops by at least ${delta}, got a drop of ${drop}`,
			"Claim at most the true drop; the unit is the squared scale of the head times the sum of squared errors.",
		);
	}
	const [deltaLimb, slackLimb] = [delta, drop - delta].map((value) => {
		const limbs = toLimbs(value, dropLimbs(parameters), LIMB_BITS);
		multiplicity.addLimbs(limbs);
		return limbs;
	}) as [bigint[], bigint[]];

	const sum = previous.w.map((value, i) => value + (next.w[i] as bigint));
	const values = {
		oldModelCommit: commitModel(optimum, previous.w, previous.manifestDigest),
		newModelCommit: commitModel(optimum, next.w, next.manifestDigest),
		oldManifestDigest: previous.manifestDigest,
		newManifestDigest: next.manifestDigest,
		evaluationStatsCommit: commitStatistics(set, d, k, statBits),
		delta,
	};
	return {
		circuit: evaluationCircuit(parameters),
		publics: Object.values(values),
		links: [],
		words: [],
		inputs: {
			...values,
			rowLimb,
			statLimb: statLimb.flat(),
			oldLimb,
			newLimb,
			product: applyRidge(set, 0n, sum, d, k).map(reduce),
			deltaLimb,
			slackLimb,
			multiplicity: multiplicity.values(),
		},
	};
}

function checkShapes({ optimum: { d, k } }: EvaluationParameters, set: Statistics, previous: Checkpoint, next: Checkpoint): void {
	if (set.a.length + set.b.length !== entryCount(d, k) || set.b.length !== d * k) {
		throw new CircuitError(
			"stat-shape",
			`evaluation: expected statistics of ${d} features and ${k} classes, got ${set.a.length} and ${set.b.length} entries`,
			"Evaluate with the backbone that the heads were trained on.",
		);
	}
	if (set.rows < 0n || set.rows >= 1n << BigInt(ROW_BITS)) {
		throw new CircuitError("stat-rows", `evaluation: expected rows in [0, 2^${ROW_BITS}), got ${set.rows}`, "Split the evaluation set.");
	}
	for (const [name, { w }] of [
		["old", previous],
		["new", next],
	] as const) {
		if (w.length !== d * k) {
			throw new CircuitError(
				"head-shape",
				`evaluation: expected ${d * k} entries of the ${name} head, got ${w.length}`,
				"Compare checkpoints of one backbone and one set of classes.",
			);
		}
	}
}
