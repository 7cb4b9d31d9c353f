/**
 * What a circuit will cost, from its parameters alone: nothing is compiled.
 *
 * The counts follow the templates term by term (lookups, hash blocks, products); edge terms such as a factor that is the constant 1 are left
 * out. Committed inputs are exact; constraints and wires stay within 2 % of circuits/stats.csv, where a test
 * holds them, and within 4 % in the smallest sets.
 * Key size, memory and time are fitted: see {@link predictCost}.
 */

import { availableParallelism } from "node:os";
import { residualBits } from "../circuits/head.ts";
import { limbCount } from "../circuits/limbs.ts";
import { LIMB_BITS, type PageParameters } from "../circuits/page.ts";
import { packedPer } from "../circuits/sponge.ts";
import { widths } from "../circuits/statements/attribution.ts";
import { contributionStatBits } from "../circuits/statements/contribution.ts";
import { dropLimbs } from "../circuits/statements/evaluation.ts";
import { gapLimbs } from "../circuits/statements/knn-shapley.ts";
import { payoutPlaces } from "../circuits/statements/payout.ts";
import { entryCount } from "../circuits/statistics.ts";
import type { CircuitCounts } from "../prover/compile.ts";
import { predictMemory } from "../prover/pool/memory.ts";
import type { Statements } from "./statements.ts";

/** What a proof takes. */
export interface CircuitCost {
	/** Bytes of the proving key. */
	readonly keyBytes: number;
	/** Peak memory of a process that makes one proof on all cores. */
	readonly proveBytes: number;
	/** Processor time of one proof, witness included; on several cores less of the clock. */
	readonly proveSeconds: number;
}

const TABLE = 2 ** LIMB_BITS;
const VALUE_LIMBS = 3;
/** A process before its first proof. */
const PROCESS_BYTES = 100e6;

/** Constraints of a sponge over `elements`: one permutation for 15 of them. Where the last block is padded, S-boxes of constants are linear. */
function sponges(elements: number): { nonLinear: number; linear: number } {
	const blocks = Math.ceil(elements / 15);
	const constants = 2 * (15 * blocks - elements);
	return { nonLinear: 609 * blocks - constants, linear: 88 * blocks + elements + constants };
}

/** Limbs of an entry of statistics, and its lookups: one more when the width does not fill the last limb. */
function entryLimbs(bits: number): { limbs: number; lookups: number } {
	const limbs = limbCount(bits, LIMB_BITS);
	return { limbs, lookups: limbs + (limbs * LIMB_BITS > bits ? 1 : 0) };
}

/** The commitment to the statistics of one place. */
function opening(d: number, k: number, statBits: number) {
	return sponges(1 + Math.ceil(entryCount(d, k) / packedPer(statBits)));
}

/** The powers of the challenge that project d features, and one for each class. */
function powers(d: number, classes: number): number {
	return 4 * d + 20 + classes;
}

/**
 * Puts counts together. Every non-linear and every linear constraint makes one new wire, but for those that only compare (`equalities`).
 */
function counts(nonLinear: number, linear: number, nPublic: number, nPrivateInputs: number, equalities: number): CircuitCounts {
	return { nonLinear, linear, wires: 1 + nPublic + nPrivateInputs + nonLinear + linear - equalities, nPublic, nPrivateInputs };
}

/** Counts of a circuit by its role, predicted. */
export const predictCounts: { readonly [role in keyof Statements]: (statements: Statements) => CircuitCounts } = {
	contribution: (statements) => contributionCounts(statements.contribution),
	query: (statements) => contributionCounts(statements.query),
	total: ({ total }) => pageCounts(total, 4, 4),
	"query-total": (statements) => pageCounts(statements["query-total"], 4, 4),
	optimum: ({ optimum: { d, k, maxRows, lambda } }) => {
		const entries = entryCount(d, k);
		const residual = limbCount(residualBits(maxRows, d, lambda), LIMB_BITS);
		const model = sponges(2 + Math.ceil((d * k) / 7));
		return counts(
			entries + d * k * (VALUE_LIMBS + residual + 3) + TABLE + model.nonLinear + d * d + 4 * d + powers(d, k),
			model.linear + 4 * d,
			5,
			1 + entries + d * k * (VALUE_LIMBS + residual) + TABLE,
			4,
		);
	},
	score: ({ score }) => {
		const entries = entryCount(score.d, score.k);
		const page = pageCounts(score, 7, 6);
		const scores = sponges(2 + score.places);
		return counts(
			page.nonLinear + entries * (1 + score.places) + scores.nonLinear,
			page.linear + scores.linear,
			7,
			page.nPrivateInputs + entries,
			score.places + 6,
		);
	},
	attribution: ({ attribution: parameters }) => {
		const { d, k, nodes } = parameters;
		const entries = entryCount(d, k);
		const triangle = entries - d * k;
		const { residual, influenceResidual } = widths(parameters);
		const headLimbs = 2 * VALUE_LIMBS + limbCount(residual, LIMB_BITS) + limbCount(influenceResidual, LIMB_BITS);
		return counts(
			3 * entries + nodes * d * k * (headLimbs + 6) + 2 * d * k + 2 * d * d + triangle + 10 * d + powers(d, 2 * nodes * k) + TABLE,
			d * k + 6 * d,
			6,
			1 + 2 * entries + 17 + nodes * d * k * headLimbs + triangle + TABLE,
			12,
		);
	},
	payout: ({ payout }) => {
		// 59 limbs a place: size 12, distance, remainder and gap 13 each, amount 8; 21 more for divisor and pool.
		const places = payoutPlaces(payout);
		const scores = sponges(2 + payout.places);
		return counts(
			places * (59 + 11) + 21 + TABLE + payout.pages * scores.nonLinear,
			9 * places + payout.pages * scores.linear,
			9,
			1 + places * (59 + 3) + 1 + 21 + TABLE,
			9 * places,
		);
	},
	evaluation: ({ evaluation }) => {
		const { d, k } = evaluation.optimum;
		const entries = entryCount(d, k);
		const { limbs, lookups } = entryLimbs(evaluation.statBits);
		const drop = 2 * dropLimbs(evaluation);
		const set = opening(d, k, evaluation.statBits);
		const model = sponges(2 + Math.ceil((d * k) / 7));
		return counts(
			entries * lookups +
				d * k * (2 * VALUE_LIMBS + 3) +
				drop +
				4 +
				TABLE +
				set.nonLinear +
				2 * model.nonLinear +
				d * d +
				2 * d +
				powers(d, k),
			entries * (lookups - limbs) + entries - d * k + set.linear + 2 * model.linear + 3 * d,
			7,
			1 + 3 + entries * limbs + d * k * (2 * VALUE_LIMBS + 1) + drop + TABLE,
			0,
		);
	},
	"knn-shapley": (statements) => knnShapleyCounts(statements["knn-shapley"]),
	"training-step": (statements) => trainingStepCounts(statements["training-step"]),
};

/** Rows of all contributions, and of the queries, in their order for each query. */
function knnShapleyCounts(parameters: Statements["knn-shapley"]): CircuitCounts {
	const { places, rows, d, k, queries } = parameters;
	const all = places * rows;
	const limbs = gapLimbs(parameters);
	const opened = sponges(2 + Math.ceil((rows * (d + 1)) / 31));
	const asked = sponges(2 + Math.ceil((queries * (d + 1)) / 31));
	const scores = sponges(2 + places);
	return counts(
		all * (2 * d + 2 * k - 1) +
			all * queries * (6 + limbs) +
			queries * (2 * d + 2 * k + 15) +
			places * opened.nonLinear +
			asked.nonLinear +
			scores.nonLinear +
			256,
		all * queries + places * opened.linear + asked.linear + scores.linear,
		4,
		1 + 2 * places + all * (d + k) + 1 + queries * (d + k) + queries * all * (3 + limbs) + 256,
		4 * all * queries + all + queries,
	);
}

/** Five products by their evaluations, two checkpoints, a path in the tree of batches. */
function trainingStepCounts({ n, d, h, k, levels, fractionBits }: Statements["training-step"]): CircuitCounts {
	const [fraction, weights] = [fractionBits / 8, d * h + (h + 1) * k];
	const positionBytes = Math.ceil(levels / 8);
	const remainders = d * h * ((40 - fractionBits) / 8) + (h + 1) * k * ((48 - fractionBits) / 8);
	const values = n * h * (5 + 2 * fraction) + n * k * (3 + fraction);
	const checkpoint = sponges(3 + Math.ceil(weights / packedPer(fractionBits + 8)));
	const batch = sponges(2 + Math.ceil((n * (d + 1)) / 31));
	const node = sponges(3);
	return counts(
		n * (d - 1) +
			2 * weights * (fraction + 1) +
			remainders +
			values +
			64 +
			256 +
			2 * d * h +
			2 * n * d +
			8 * n * h +
			5 * n * k +
			3 * h * k +
			n * (k - 1) +
			7 * positionBytes +
			2 * checkpoint.nonLinear +
			batch.nonLinear +
			(levels + 1) * node.nonLinear,
		2 * checkpoint.linear + batch.linear + (levels + 1) * node.linear,
		8,
		2 + n * (d + k) + 2 * weights * (fraction + 1) + n * h + values + remainders + 8 * positionBytes + 65 - positionBytes + levels + 256,
		n * (h + k) + 2 * d,
	);
}

/** A page of statistics, opened and added up. */
function pageCounts({ places, d, k, statBits }: PageParameters, nPublic: number, equalities: number): CircuitCounts {
	const entries = entryCount(d, k);
	const { limbs, lookups } = entryLimbs(statBits);
	const list = opening(d, k, statBits);
	return counts(
		places * (entries * lookups + list.nonLinear + 3) + entries + TABLE,
		places * (entries * (lookups - limbs) + list.linear) + 3,
		nPublic,
		1 + places * (2 + entries * limbs) + TABLE,
		places + equalities,
	);
}

function contributionCounts(parameters: Statements["contribution"]): CircuitCounts {
	const { n, d, k, weightBits } = parameters;
	const statBits = contributionStatBits(parameters);
	const entries = entryCount(d, k);
	const limbs = statBits / 8;
	const labelBits = Math.max(2, Math.ceil(Math.log2(k)));
	const rows = sponges(2 + Math.ceil((n * (d + 1)) / 31));
	const list = opening(d, k, statBits);
	return counts(
		n * (2 * d + 3 * labelBits + 2) + entries * (limbs + 1) + d + 256 + powers(d, k + labelBits) + rows.nonLinear + list.nonLinear,
		2 * n + rows.linear + list.linear,
		4,
		2 + n * (d + 1 + labelBits) + entries * limbs + 256,
		n * (labelBits + (weightBits === 1 ? 2 : 1)),
	);
}

/**
 * What a proof takes, from counts that may be exact or predicted. A key has 320 bytes a wire, 128 a committed input, 64 a point of the domain, and
 * 44 for each term of a constraint: 4.7 to 8.2 terms a non-linear one, 7 assumed, so the size is right within 12 %.
 * Memory is the pool's prediction; time was fitted on proofs of 9,000 to 35,000 (2-core server, FMA arithmetic): expect a factor of 2 elsewhere.
 */
export function predictCost({ nonLinear, linear, wires, nPublic, nPrivateInputs }: CircuitCounts): CircuitCost {
	const domain = 2 ** Math.ceil(Math.log2(nonLinear + linear + nPublic + 1));
	return {
		keyBytes: 320 * wires + 128 * nPrivateInputs + 64 * domain + 44 * 7 * nonLinear,
		proveBytes: PROCESS_BYTES + predictMemory({ wires, domain, committed: nPrivateInputs }, availableParallelism(), true),
		proveSeconds: 0.35 + 33e-6 * wires,
	};
}
