/**
 * `knn-shapley`: scoreCommit holds the KNN-Shapley values of committed rows for committed queries, summed by contribution.
 *
 * The value of a row for a query is its Shapley value in the game whose players are the rows and in which a set of rows is worth the share of
 * its K nearest neighbours that have the label of the query. It is an integer here: {@link KNN_UNIT} stands for all K agreeing.
 */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { CircuitError } from "../errors.ts";
import { reduce } from "../field.ts";
import { Multiplicity, toLimbs } from "../limbs.ts";
import { FEATURE_SQUARE, type Rows } from "../statistics.ts";
import { type ContributionParameters, contributionInstance } from "./contribution.ts";
import { commitScores } from "./score.ts";

/** lcm(1, ..., 82), below 2^117: the value of every neighbour agreeing. */
export const KNN_UNIT = 97301577764381948734868316916891200n;
/** Ranks that divide the unit. Values of up to as many rows are exact, and no more neighbours than that vote. */
const EXACT_RANKS = 82;

const NO_ROWS: Rows = { x: new Uint8Array(), label: new Uint8Array(), weight: new Uint8Array(), count: 0 };
/** Bits of the largest score that `payout` takes. */
const SCORE_BITS = 144;
/** Bits of a limb. */
const LIMB_BITS = 8;

export interface KnnShapleyParameters {
	/** Contributions that fit. */
	readonly places: number;
	/** Rows of one contribution. */
	readonly rows: number;
	/** Features with the bias, 2 to 256. */
	readonly d: number;
	/** Classes, 2 to 16. */
	readonly k: number;
	/** Query rows, at least 2; those that are not used have weight 0. */
	readonly queries: number;
	/** K: nearest neighbours that vote, 1 to 82. */
	readonly neighbours: number;
}

/** Rows with the random value that hides them in their commitment. */
export interface OpenRows {
	readonly rows: Rows;
	readonly salt: bigint;
}

/** The ranked rows of one query. */
export interface KnnRanking {
	/** Row of each rank, the nearest first. */
	readonly order: readonly number[];
	/** By row: 2 N (distance + (1 - weight) absent) + match. */
	readonly measure: readonly bigint[];
	/** By row. */
	readonly value: readonly bigint[];
}

function contributionOf({ rows, d, k }: KnnShapleyParameters): ContributionParameters {
	return { n: rows, d, k, weightBits: 1 };
}

function queryOf({ queries, d, k }: KnnShapleyParameters): ContributionParameters {
	return { n: queries, d, k, weightBits: 8 };
}

/** A number beyond every squared distance: what is added to that of a row of weight 0. */
function absent({ d }: KnnShapleyParameters): bigint {
	return FEATURE_SQUARE * BigInt(d - 1) + 1n;
}

/** Bytes of a gap between neighbouring keys. */
export function gapLimbs(parameters: KnnShapleyParameters): number {
	const keys = 2n * BigInt(parameters.places * parameters.rows) * absent(parameters);
	return Math.ceil((keys - 1n).toString(2).length / LIMB_BITS);
}

/** @throws CircuitError what {@link checkParameters} throws */
export function knnShapleyCircuit(parameters: KnnShapleyParameters): Circuit {
	checkParameters(parameters);
	const { places, rows, d, k, queries, neighbours } = parameters;
	const signals = { publics: ["scoreCommit", "queryCommit"], links: [], hasWords: true };
	const empty = contributionInstance(contributionOf(parameters), NO_ROWS, 0n).publics[0] as bigint;
	return {
		statement: "knn-shapley",
		id: `knn-shapley-c${places}-n${rows}-d${d}-k${k}-q${queries}-v${neighbours}`,
		source: mainSource("knn-shapley", "KnnShapley", [places, rows, d, k, queries, neighbours, empty], signals),
		...signals,
	};
}

/** unit / max(neighbours, rank), rounded to the nearest integer, a half up; ranks count from 1. */
export function knnCoefficient(neighbours: number, rank: number): bigint {
	const divisor = BigInt(Math.max(neighbours, rank));
	return (2n * KNN_UNIT + divisor) / (2n * divisor);
}

/**
 * Values by rank: s_r = s_{r+1} + c_r (m_r - m_{r+1}), 0 after the last one. All lie in [-unit / neighbours, unit / neighbours]: coefficients never grow.
 * @param matches 1 where the row of the rank has the label of the query, the nearest first
 */
export function rankValues(matches: readonly bigint[], neighbours: number): bigint[] {
	const values = new Array<bigint>(matches.length);
	let value = 0n;
	let after = 0n;
	for (let r = matches.length - 1; r >= 0; r--) {
		const match = matches[r] as bigint;
		value += knnCoefficient(neighbours, r + 1) * (match - after);
		values[r] = value;
		after = match;
	}
	return values;
}

/** Rows in their places, as a commitment opens to them: features without the bias, labels and weights, all zero where there is no row. */
interface Opened {
	readonly x: readonly bigint[];
	readonly label: readonly bigint[];
	readonly weight: readonly bigint[];
}

/** The reference: ranks and values of all places for the query in place `q`. */
function rank({ d, neighbours }: KnnShapleyParameters, far: bigint, rows: Opened, queries: Opened, q: number): KnnRanking {
	const count = BigInt(rows.label.length);
	const measure = rows.label.map((label, i) => {
		let distance = far * (1n - (rows.weight[i] as bigint));
		for (let j = 0; j < d - 1; j++) {
			const difference = (rows.x[i * (d - 1) + j] as bigint) - (queries.x[q * (d - 1) + j] as bigint);
			distance += difference * difference;
		}
		return 2n * count * distance + (label === queries.label[q] ? (rows.weight[i] as bigint) : 0n);
	});
	// Distances by rows: the sort is stable, so ties keep the order of the list.
	const order = measure.map((_, i) => i);
	const distances = measure.map((value) => value / (2n * count));
	order.sort((one, other) => Number((distances[one] as bigint) - (distances[other] as bigint)));
	const values = rankValues(
		order.map((i) => (measure[i] as bigint) % 2n),
		neighbours,
	);
	const value = new Array<bigint>(order.length);
	order.forEach((i, r) => {
		value[i] = values[r] as bigint;
	});
	return { order, measure, value };
}

/**
 * The statement about the rows of `contributions`, in the order of the list, for `queries`.
 * @returns the instance, the ranking of each query place, and the scores of the listed contributions
 * @throws CircuitError "place-count"; what {@link checkParameters} throws, and `contribution` about the rows
 */
export function knnShapleyInstance(
	parameters: KnnShapleyParameters,
	contributions: readonly OpenRows[],
	queries: OpenRows,
): Instance & { readonly rankings: readonly KnnRanking[]; readonly scores: readonly bigint[] } {
	const circuit = knnShapleyCircuit(parameters);
	const { places, rows, k } = parameters;
	if (contributions.length === 0 || contributions.length > places) {
		throw new CircuitError(
			"place-count",
			`knn-shapley: expected 1 to ${places} contributions, got ${contributions.length}`,
			"Use a parameter set with more places: neighbours are ranked over the whole list.",
		);
	}
	const opened = Array.from({ length: places }, (_, c) => {
		const place = contributions[c] ?? { rows: NO_ROWS, salt: 0n };
		return contributionInstance(contributionOf(parameters), place.rows, place.salt);
	});
	const all: Opened = {
		x: opened.flatMap(({ inputs }) => inputs.x as bigint[]),
		label: opened.flatMap(({ inputs }) => inputs.label as bigint[]),
		weight: opened.flatMap(({ inputs }) => inputs.weight as bigint[]),
	};
	const asked = contributionInstance(queryOf(parameters), queries.rows, queries.salt);
	const { x: queryX, label: queryLabel, weight: queryWeight } = asked.inputs as Record<"x" | "label" | "weight", readonly bigint[]>;
	const query: Opened = { x: queryX, label: queryLabel, weight: queryWeight };
	const rankings = queryLabel.map((_, q) => rank(parameters, absent(parameters), all, query, q));
	const scores = contributions.map((_, c) =>
		rankings.reduce(
			(sum, { value }, q) =>
				sum + (queryWeight[q] as bigint) * value.slice(c * rows, (c + 1) * rows).reduce((part, share) => part + share, 0n),
			0n,
		),
	);

	const multiplicity = new Multiplicity(LIMB_BITS);
	for (const value of [...all.x, ...queryX, ...queryWeight]) {
		multiplicity.add(value);
	}
	const limbs = gapLimbs(parameters);
	const gapLimb = rankings.flatMap((ranking) =>
		rankingGaps(ranking).flatMap((gap) => {
			const bytes = toLimbs(gap, limbs, LIMB_BITS);
			multiplicity.addLimbs(bytes);
			return bytes;
		}),
	);
	const oneHot = (labels: readonly bigint[]) => labels.flatMap((y) => Array.from({ length: k }, (_, c) => (y === BigInt(c) ? 1n : 0n)));
	const scoreCommit = commitScores(scores, places, 0n);
	const queryCommit = asked.publics[0] as bigint;
	return {
		circuit,
		publics: [scoreCommit, queryCommit],
		links: [],
		words: opened.slice(0, contributions.length).map(({ publics }) => publics[0] as bigint),
		rankings,
		scores,
		inputs: {
			scoreCommit,
			queryCommit,
			active: opened.map((_, c) => (c < contributions.length ? 1n : 0n)),
			salt: opened.map(({ inputs }) => inputs.salt as bigint),
			x: all.x,
			target: oneHot(all.label),
			weight: all.weight,
			querySalt: reduce(queries.salt),
			queryX,
			queryTarget: oneHot(queryLabel),
			queryWeight,
			measure: rankings.flatMap(({ measure }) => measure),
			gapLimb,
			match: rankings.flatMap(({ order, measure }) => order.map((i) => (measure[i] as bigint) % 2n)),
			value: rankings.flatMap(({ value }) => value.map(reduce)),
			multiplicity: multiplicity.values(),
		},
	};
}

/** Key of the first rank, then what each key exceeds the successor of the one before by; the key of row i is N distance + i. */
function rankingGaps({ order, measure }: Pick<KnnRanking, "order" | "measure">): bigint[] {
	let least = 0n;
	return order.map((i) => {
		const key = (measure[i] as bigint) / 2n + BigInt(i);
		const gap = key - least;
		least = key + 1n;
		return gap;
	});
}

/** @throws CircuitError "knn-size" (no integer, or out of range), "knn-rows", "knn-scores" */
function checkParameters(parameters: KnnShapleyParameters): void {
	const { places, rows, queries, neighbours } = parameters;
	for (const [name, value, least, most] of [
		["places", places, 1, 2 ** 20],
		["rows", rows, 1, 2 ** 20],
		["queries", queries, 2, 2 ** 20],
		["neighbours", neighbours, 1, EXACT_RANKS],
	] as const) {
		if (!Number.isInteger(value) || value < least || value > most) {
			throw new CircuitError(
				"knn-size",
				`knn-shapley: expected ${name} to be an integer in [${least}, ${most}], got ${value}`,
				"Correct the parameter set; queries that are not used have weight 0.",
			);
		}
	}
	const all = places * rows;
	if (all >= 2 ** 20 || all * queries >= 2 ** 32) {
		throw new CircuitError(
			"knn-rows",
			`knn-shapley: expected fewer than 2^20 rows and 2^32 pairs of a row and a query, got ${all} and ${all * queries}`,
			"Divide the queries.",
		);
	}
	const largest = 255n * BigInt(queries) * BigInt(rows) * (KNN_UNIT / BigInt(neighbours));
	if (largest >= 1n << BigInt(SCORE_BITS)) {
		throw new CircuitError(
			"knn-scores",
			`knn-shapley: expected scores below 2^${SCORE_BITS}, got a bound of ${largest}`,
			"Divide the queries, or use smaller contributions.",
		);
	}
}
