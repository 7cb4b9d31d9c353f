/**
 * What `openledger circuit attack` attacks: gadgets in a frame of their own, and statements about small random data.
 *
 * A target is a true statement and what the attacks are held against: how many relations the circuit puts on its inputs beside the constraints that define a wire, how
 * many numbers are compared at the challenge, and what may move without harm, each with its reason.
 */
import type { Instance } from "../../circuits/circuit.ts";
import { Multiplicity, toLimbs } from "../../circuits/limbs.ts";
import { sponge } from "../../circuits/sponge.ts";
import { contributionInstance } from "../../circuits/statements/contribution.ts";
import { type Checkpoint, type EvaluationParameters, evaluationInstance, evaluationLoss } from "../../circuits/statements/evaluation.ts";
import { knnShapleyInstance } from "../../circuits/statements/knn-shapley.ts";
import { totalInstance } from "../../circuits/statements/total.ts";
import {
	BatchTree,
	batchPosition,
	commitBatch,
	type TrainingStepParameters,
	trainingStepInstance,
} from "../../circuits/statements/training-step.ts";
import { commitStatistics, statisticsOf } from "../../circuits/statistics.ts";
import { type Frame, frame } from "../../prover/forgery/frame.ts";
import type { Allowance, Target } from "../../prover/forgery/target.ts";
import { toyCircuit, toyInputs } from "../../prover/toy.ts";
import { ALLOWED_WARNINGS } from "../warnings.ts";
import { randomRows, sampleEpoch } from "./samples.ts";

/** Every target by name, made when it is asked for. */
const TARGETS = {
	toy,
	lookup,
	division,
	list,
	projection,
	sponge: hash,
	statistics,
	contribution,
	query,
	total,
	optimum,
	score,
	attribution,
	payout,
	evaluation,
	"knn-shapley": knnShapley,
	"training-step": trainingStep,
} as const;

export const TARGET_NAMES = Object.keys(TARGETS);

/** @param name one of {@link TARGET_NAMES} */
export function targetOf(name: string): Target {
	const make = (TARGETS as Record<string, () => Omit<Target, "name">>)[name];
	if (make === undefined) {
		throw new RangeError(`targetOf: expected one of ${TARGET_NAMES.join(", ")}, got ${name}`);
	}
	const target = make();
	const { statement } = target.instance.circuit;
	const warnings = ALLOWED_WARNINGS.filter((one) => one.statement === statement).map(
		({ warning, reason }) => ({ attack: "warnings", finding: warning, reason }) as const,
	);
	return { name, ...target, allowed: [...(target.allowed ?? []), ...warnings] };
}

const ONE_HOT: Allowance = {
	attack: "relations",
	finding: /\(main\.(target|queryTarget)\[\d+\]\[0\]/,
	reason:
		"boolean entries cannot move a little: that they add up to 1 chooses among isolated points, which ranks do not see; the statement's tests break it",
};

/** An instance around a gadget. Values of public inputs stand in the order of their declaration. */
function framed(parts: Frame, inputs: Instance["inputs"], lists: Pick<Instance, "links"> = { links: [] }): Instance {
	const circuit = frame(parts);
	const flat = new Map(
		Object.entries(inputs).flatMap(([name, value]): [string, bigint][] =>
			typeof value === "bigint" ? [[name, value]] : value.map((entry, i) => [`${name}[${i}]`, entry]),
		),
	);
	return { circuit, inputs, publics: circuit.publics.map((name) => flat.get(name) as bigint), ...lists, words: [] };
}

/** How often each table entry occurs in `values`. */
function countsOf(values: readonly bigint[], bits: number): bigint[] {
	const multiplicity = new Multiplicity(bits);
	values.forEach((value) => {
		multiplicity.add(value);
	});
	return multiplicity.values();
}

/** The circuit of the prover's own tests, and the one whose proofs are attacked: a computed public signal, words, a lookup of its own. */
function toy(): Omit<Target, "name"> {
	const words = [1n, 5n, 9n];
	const inputs = toyInputs(words, 3n) as Instance["inputs"];
	return {
		instance: { circuit: toyCircuit(3), inputs, publics: [110n, 3n], links: [], words },
		relations: 2,
		projected: 19,
		allowed: [{ attack: "rigidity", finding: /^main\.n$/, reason: "a public number that anybody may choose; the public total follows it" }],
	};
}

/** Values all different: where two are equal, moving them apart changes the sum of inverses in second order only, and ranks cannot see it. */
function lookup(): Omit<Target, "name"> {
	const values = [0n, 15n, 7n];
	const body = "component r = RangeLookup(3, 4); r.in <== in; r.multiplicity <== multiplicity; r.challenge <== challenge;";
	return {
		instance: framed(
			{ name: "lookup", includes: ["lookup"], inputs: ["in[3]", "multiplicity[16]"], body },
			{ in: values, multiplicity: countsOf(values, 4) },
		),
		relations: 1,
		projected: 0,
		trustLookups: false,
	};
}

function division(): Omit<Target, "name"> {
	const [numerator, divisor] = [200n, 7n];
	const [quotient, remainder] = [numerator / divisor, numerator % divisor];
	const body = [
		"component d = FloorDivision(); d.numerator <== numerator; d.divisor <== divisor; d.quotient <== quotient; d.remainder <== remainder;",
		"component r = RangeLookup(3, 8); r.in[0] <== quotient; r.in[1] <== remainder; r.in[2] <== d.gap;",
		"r.multiplicity <== multiplicity; r.challenge <== challenge;",
	].join("\n");
	return {
		instance: framed(
			{
				name: "division",
				includes: ["division", "lookup"],
				inputs: ["numerator", "divisor", "quotient", "remainder", "multiplicity[256]"],
				body,
				publics: ["numerator", "divisor"],
			},
			{ numerator, divisor, quotient, remainder, multiplicity: countsOf([quotient, remainder, divisor - 1n - remainder], 8) },
		),
		relations: 2,
		projected: 0,
	};
}

function list(): Omit<Target, "name"> {
	const values = [11n, 0n, 13n];
	const body = "component e = Evaluation(3); e.in <== in; e.challenge <== challenge; at === e.out;";
	return {
		instance: framed(
			{ name: "list", includes: ["projection"], inputs: ["at", "in[3]"], body, links: ["at"] },
			{ in: values },
			{ links: [values] },
		),
		relations: 1,
		projected: 3,
	};
}

/** challenge tau^T A tau is the evaluation of a list in which each entry of A has a place of its own: for d = 2 the exponents of tau are 0 and 7. */
function projection(): Omit<Target, "name"> {
	const [a, b, c] = [3n, 5n, 250n];
	const body = [
		"component s = SidonPowers(2); s.challenge <== challenge;",
		"component p = SymmetricProduct(2); p.a <== a; p.tau <== s.tau;",
		"signal half[2]; for (var i = 0; i < 2; i++) { half[i] <== p.out[i] * s.tau[i]; }",
		"form === (half[0] + half[1]) * challenge;",
	].join("\n");
	const placed = Array.from({ length: 15 }, (_, e) => (e === 0 ? a : e === 7 ? 2n * b : e === 14 ? c : 0n));
	return {
		instance: framed(
			{ name: "projection", includes: ["projection"], inputs: ["form", "a[3]"], body, links: ["form"] },
			{ a: [a, b, c] },
			{ links: [placed] },
		),
		relations: 1,
		projected: 3,
		allowed: [
			{
				attack: "warnings",
				finding: /Subcomponent input\/output signal s\.block does not/,
				reason: "block is the step to further coordinates: one matrix needs none",
			},
		],
	};
}

function hash(): Omit<Target, "name"> {
	const values = Array.from({ length: 16 }, (_, i) => BigInt(i) ** 40n);
	return {
		instance: framed(
			{
				name: "sponge",
				includes: ["sponge"],
				inputs: ["digest", "in[16]"],
				body: "component s = Sponge(5, 16); s.in <== in; digest === s.out;",
				publics: ["digest"],
			},
			{ digest: sponge(5n, values), in: values },
		),
		relations: 1,
		projected: 0,
		allowed: [
			{ attack: "rigidity", finding: /^main\.in\[/, reason: "a digest has many preimages; that nobody finds two is Poseidon's business" },
		],
	};
}

function statistics(): Omit<Target, "name"> {
	const set = statisticsOf(randomRows(6n, 2, 2, 2, 1), 2, 2);
	const limb = [...set.a, ...set.b].flatMap((value) => toLimbs(value, 3, 8));
	const body = [
		"component s = StatisticsCommit(2, 2, 24, 8); s.limb <== limb; s.rows <== rows; commit === s.out;",
		"component r = RangeLookup(21, 8); r.multiplicity <== multiplicity; r.challenge <== challenge;",
		"for (var e = 0; e < 7; e++) { for (var l = 0; l < 3; l++) { r.in[3 * e + l] <== limb[e][l]; } }",
	].join("\n");
	return {
		instance: framed(
			{
				name: "statistics",
				includes: ["statistics", "lookup"],
				inputs: ["commit", "limb[7][3]", "rows", "multiplicity[256]"],
				body,
				publics: ["commit"],
			},
			{ commit: commitStatistics(set, 2, 2, 24), limb, rows: set.rows, multiplicity: countsOf(limb, 8) },
		),
		relations: 2,
		projected: 0,
	};
}

/** Relations: 2 label bits, a label and a weight bit a row; the lookup, rows, the projection, two commitments. Projected: 6 entries of A, 12 of B. */
function contribution(): Omit<Target, "name"> {
	return {
		instance: contributionInstance({ n: 2, d: 3, k: 4, weightBits: 1 }, randomRows(1n, 2, 3, 4, 1), 5n),
		relations: 2 * 4 + 5,
		projected: 18,
	};
}

/** As contribution; weights are looked up. */
function query(): Omit<Target, "name"> {
	return {
		instance: contributionInstance({ n: 2, d: 3, k: 4, weightBits: 8 }, randomRows(2n, 2, 3, 4, 255), 5n),
		relations: 2 * 3 + 5,
		projected: 18,
	};
}

/** Relations: the lookup, the product, delta, the drop, three commitments. Projected: 4 entries of the product. */
function evaluation(): Omit<Target, "name"> {
	const parameters: EvaluationParameters = { optimum: { d: 2, k: 2, maxRows: 16, lambda: 65n }, statBits: 32 };
	const set = statisticsOf(randomRows(3n, 12, 2, 2, 200), 2, 2);
	const zero: Checkpoint = { w: [0n, 0n, 0n, 0n], manifestDigest: 4242n };
	const other: Checkpoint = { w: [1_000_000n, -1_000_000n, 30_000_000n, 50_000_000n], manifestDigest: 4243n };
	const drop = evaluationLoss(parameters, set, zero.w) - evaluationLoss(parameters, set, other.w);
	const [before, after] = drop > 0n ? [zero, other] : [other, zero];
	return {
		instance: evaluationInstance(parameters, set, before, after, (drop > 0n ? drop : -drop) - 12_345n),
		relations: 7,
		projected: 4,
		allowed: [
			{
				attack: "rigidity",
				finding: /^main\.(old|new)(ModelCommit|ManifestDigest)$/,
				reason: "the manifest's digest is a public name: with another one the same head has another commitment, which is public too",
			},
		],
	};
}

/** A page with an empty place. Relations: 2 places that are active or not, the lookup, rows, words, totals. Projected: 7 entries of the sum, 2 words. */
function total(): Omit<Target, "name"> {
	const set = statisticsOf(randomRows(4n, 2, 2, 2, 1), 2, 2);
	return {
		instance: totalInstance({ places: 2, d: 2, k: 2, statBits: 24 }, [set]),
		relations: 6,
		projected: 9,
	};
}

const NAMED: Allowance = {
	attack: "rigidity",
	finding: /^main\.(modelCommit|manifestDigest)$/,
	reason: "the manifest's digest is a public name: with another one the same head has another commitment, which is public too",
};

/** The epoch that the targets below are about: three contributions in two pages, two queries, d = k = 3, two nodes. */
const epoch = () => sampleEpoch(11n);

/** Relations: the lookup, the sum, the system, the commitment. Projected: 15 entries of the sum, 9 of the system. */
function optimum(): Omit<Target, "name"> {
	return { instance: epoch().optimum, relations: 4, projected: 24, allowed: [NAMED] };
}

/** A page with an empty place. Relations: as of total, and path and scores. Projected: 15 entries of the sum and of the path each, 2 words. */
function score(): Omit<Target, "name"> {
	return { instance: epoch().score[1] as Instance, relations: 8, projected: 32, allowed: [CHAINED] };
}

const CHAINED: Allowance = {
	attack: "rigidity",
	finding: /^main\.(previousScores|scoreCommit)$/,
	reason:
		"the commitment before is a public link of the chain: with another one the same scores have another commitment, which is public too",
};

/**
 * Relations: the lookup, three sums, two of the scale and three of its zero, two systems, M. Projected: 15 entries of sum, queries and path each, 9 of each system and
 * node, 6 of M.
 */
function attribution(): Omit<Target, "name"> {
	return {
		instance: epoch().attribution,
		relations: 12,
		projected: 87,
		allowed: [
			{
				attack: "relations",
				finding: /main\.scaleZero/,
				reason:
					"where the quotient is not 0, scaleZero is 0 by their product: that it is a boolean matters at quotient 0 alone, where ranks do not see it",
			},
		],
	};
}

/**
 * Two pages of scores, the last place empty. Relations: eight for each of 4 places (active or not, in order but for the first, no size where not, sign, cap, distance,
 * quotient, gap), the lookup, pool, divisor, two of `none`, positive sum, paid sum, scores, words. Projected: 4 words.
 */
function payout(): Omit<Target, "name"> {
	return {
		instance: epoch().payout,
		relations: 40,
		projected: 4,
		allowed: [
			CHAINED,
			{
				attack: "relations",
				finding: /main\.(active\[\d+\], main\.(size|active)|none)/,
				reason:
					"booleans cannot move a little: where places are active and somebody is positive, these rows follow from the others to first order",
			},
		],
	};
}

/**
 * A batch of two rows out of two batches. Relations: 19 boolean inputs, 2 labels, the lookup, 19 comparisons and commitments. Projected: 4 activations, errors and slopes
 * each, 6 weights of each layer.
 */
function trainingStep(): Omit<Target, "name"> {
	const parameters: TrainingStepParameters = { n: 2, d: 3, h: 2, k: 2, levels: 1, fractionBits: 16, rate: 3000 };
	const batches = [5n, 6n].map((seed) => ({ rows: randomRows(seed, 2, 3, 2, 1), salt: seed }));
	const tree = new BatchTree(
		batches.map((batch) => commitBatch(parameters, batch)),
		parameters.levels,
	);
	const [seed, step] = [20_260_101n, 7n];
	const network = {
		first: [30_000n, 16_320n, -20_000n, 9n, 15_000n, -5_760n],
		second: [50_000n, -30_000n, 20_000n, -40_000n, 35_000n, 9_000n],
	};
	const batch = batches[batchPosition(parameters.levels, seed, step)] as (typeof batches)[number];
	return {
		instance: trainingStepInstance(parameters, { network, step, manifestDigest: 4242n }, seed, tree, batch),
		relations: 41,
		projected: 24,
		allowed: [
			ONE_HOT,
			{
				attack: "rigidity",
				finding: /^main\.(salt|sibling\[0\])$/,
				reason: "a root has many preimages; that nobody finds two is Poseidon's business",
			},
			{
				attack: "rigidity",
				finding: /^main\.(checkpoint|nextCheckpoint|manifestDigest|seed|step)$/,
				reason: "public names and counters under public commitments: with others it is another statement",
			},
		],
	};
}

/**
 * Two contributions of two rows, two queries. Relations: 26 boolean inputs, 6 labels, the lookup, 9 comparisons and commitments. Projected: for each query the distance,
 * the rank and the value of 4 rows; 2 words.
 */
function knnShapley(): Omit<Target, "name"> {
	const open = (seed: bigint, weight: number) => ({ rows: randomRows(seed, 2, 3, 2, weight), salt: seed });
	return {
		instance: knnShapleyInstance({ places: 2, rows: 2, d: 3, k: 2, queries: 2, neighbours: 2 }, [open(7n, 1), open(8n, 1)], open(9n, 255)),
		relations: 42,
		projected: 26,
		allowed: [ONE_HOT],
	};
}
