import { describe, expect, test } from "vitest";
import { CircuitError } from "../errors.ts";
import type { Rows } from "../statistics.ts";
import { contributionInstance } from "./contribution.ts";
import {
	KNN_UNIT,
	type KnnShapleyParameters,
	knnCoefficient,
	knnShapleyCircuit,
	knnShapleyInstance,
	type OpenRows,
	rankValues,
} from "./knn-shapley.ts";
import { commitScores } from "./score.ts";

const PARAMETERS: KnnShapleyParameters = { places: 3, rows: 4, d: 3, k: 3, queries: 2, neighbours: 2 };

/** Uniform numbers in [0, 1), the same in every run: a linear congruential generator modulo 2^32. */
function uniform(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}

/** Random rows whose features take few values, so that many distances are equal. */
function randomRows({ d, k }: KnnShapleyParameters, seed: number, weight: readonly number[]): Rows {
	const next = uniform(seed);
	return {
		x: Uint8Array.from({ length: weight.length * d }, (_, at) => (at % d === d - 1 ? 255 : 51 * Math.floor(4 * next()))),
		label: Uint8Array.from({ length: weight.length }, () => Math.floor(k * next())),
		weight: Uint8Array.from(weight),
		count: weight.length,
	};
}

const ones = (count: number) => new Array<number>(count).fill(1);

function sample(parameters: KnnShapleyParameters, seed: number, listed = parameters.places, weights = ones(parameters.rows)) {
	const contributions = Array.from({ length: listed }, (_, c) => ({
		rows: randomRows(parameters, seed + 17 * c, weights),
		salt: BigInt(seed + c),
	}));
	const fees = Array.from({ length: parameters.queries }, (_, q) => 1 + 100 * q);
	const queries: OpenRows = { rows: randomRows(parameters, seed + 999, fees), salt: 7n };
	return { contributions, queries, instance: knnShapleyInstance(parameters, contributions, queries) };
}

interface Player {
	/** Place among all rows. */
	readonly index: number;
	readonly distance: number;
	readonly match: boolean;
}

/** The rows of weight 1, as the query sees them. */
function players({ rows: n, d }: KnnShapleyParameters, contributions: readonly OpenRows[], queries: Rows, q: number): Player[] {
	return contributions.flatMap(({ rows }, c) =>
		Array.from({ length: rows.count }, (_, i) => ({
			index: n * c + i,
			weight: rows.weight[i],
			distance: Array.from({ length: d }, (_, j) => ((rows.x[i * d + j] as number) - (queries.x[q * d + j] as number)) ** 2).reduce(
				(sum, square) => sum + square,
			),
			match: rows.label[i] === queries.label[q],
		})).filter(({ weight }) => weight === 1),
	);
}

/** K times what a set of rows is worth: votes for the query's label among its nearest, ties to the earlier row. */
function votes(set: readonly Player[], neighbours: number): number {
	const nearest = [...set].sort((one, other) => one.distance - other.distance || one.index - other.index).slice(0, neighbours);
	return nearest.filter(({ match }) => match).length;
}

function factorial(n: number): bigint {
	return n < 2 ? 1n : BigInt(n) * factorial(n - 1);
}

/** players! K times the Shapley value of each player by the definition, over all sets. */
function shapleyByDefinition(all: readonly Player[], neighbours: number): bigint[] {
	const worth = Array.from({ length: 2 ** all.length }, (_, set) =>
		votes(
			all.filter((_, i) => (set >> i) % 2 === 1),
			neighbours,
		),
	);
	const size = (set: number) => all.filter((_, i) => (set >> i) % 2 === 1).length;
	return all.map((_, i) => {
		let sum = 0n;
		for (let set = 0; set < worth.length; set++) {
			if ((set >> i) % 2 === 0) {
				const gain = (worth[set + 2 ** i] as number) - (worth[set] as number);
				sum += factorial(size(set)) * factorial(all.length - size(set) - 1) * BigInt(gain);
			}
		}
		return sum;
	});
}

function refusal(work: () => unknown): { code: string; message: string } {
	try {
		work();
	} catch (error) {
		if (error instanceof CircuitError) {
			return { code: error.code, message: error.message };
		}
		throw error;
	}
	throw new Error("expected a CircuitError, got none");
}

describe("values", () => {
	test.each([
		[1, [1, 1, 1, 1]],
		[2, [1, 1, 1, 1]],
		[3, [1, 0, 1, 1]],
		[5, [0, 1, 1, 1]],
		[20, [1, 1, 1, 0]],
	])("are the Shapley values of the definition, exactly: K = %s, weights %s", (neighbours, weights) => {
		for (const seed of [1, 2, 3]) {
			// Two contributions, so that the definition has 256 sets at most; the third place is empty.
			const parameters = { ...PARAMETERS, neighbours };
			const { contributions, queries, instance } = sample(parameters, seed, 2, weights);
			instance.rankings.forEach(({ value }, q) => {
				const all = players(parameters, contributions, queries.rows, q);
				const scale = factorial(all.length) * BigInt(neighbours);
				shapleyByDefinition(all, neighbours).forEach((expected, i) => {
					expect((value[(all[i] as Player).index] as bigint) * scale).toBe(KNN_UNIT * expected);
				});
				const others = value.filter((_, i) => all.every(({ index }) => index !== i));
				expect(others).toEqual(new Array(12 - all.length).fill(0n));
			});
		}
	});

	test("are those of the recursion in floating point, for more rows", () => {
		const parameters: KnnShapleyParameters = { ...PARAMETERS, places: 10, rows: 12, neighbours: 5 };
		const { contributions, queries, instance } = sample(parameters, 5);
		instance.rankings.forEach(({ value }, q) => {
			const ranked = players(parameters, contributions, queries.rows, q).sort(
				(one, other) => one.distance - other.distance || one.index - other.index,
			);
			const n = ranked.length;
			const match = ranked.map((player) => Number(player.match));
			let share = ((match[n - 1] as number) * Math.min(5, n)) / (n * 5);
			for (let i = n; i >= 1; i--) {
				if (i < n) {
					share += ((((match[i - 1] as number) - (match[i] as number)) / 5) * Math.min(5, i)) / i;
				}
				expect(Number(value[(ranked[i - 1] as Player).index] as bigint) / Number(KNN_UNIT)).toBeCloseTo(share, 12);
			}
		});
	});

	test("are unit times a fraction for up to 82 rows, and closer to it than (N - 82)/2 beyond", () => {
		const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
		const lcm = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i + 1)).reduce((a, b) => (a * b) / gcd(a, b), 1n);
		expect(lcm(82)).toBe(KNN_UNIT);
		expect(lcm(83)).toBeGreaterThan(KNN_UNIT);
		const next = uniform(9);
		const deviations = (count: number, matches: readonly bigint[]) => {
			const common = lcm(Math.max(5, count));
			let exact = 0n;
			const values = rankValues(matches, 5);
			return matches.map((_, at) => {
				const r = count - at;
				const difference = (matches[r - 1] as bigint) - (matches[r] ?? 0n);
				exact += (difference * common) / BigInt(Math.max(5, r));
				const deviation = (values[r - 1] as bigint) * common - exact * KNN_UNIT;
				return [deviation < 0n ? -deviation : deviation, common] as const;
			});
		};
		for (const count of [1, 4, 5, 60, 82]) {
			const matches = Array.from({ length: count }, () => BigInt(Math.floor(2 * next())));
			expect(deviations(count, matches).every(([deviation]) => deviation === 0n)).toBe(true);
		}
		for (const count of [83, 300, 1000]) {
			for (const matches of [
				Array.from({ length: count }, () => BigInt(Math.floor(2 * next()))),
				Array.from({ length: count }, (_, i) => BigInt(i % 2)),
				Array.from({ length: count }, (_, i) => BigInt(Number(i === count - 1))),
			]) {
				for (const [deviation, common] of deviations(count, matches)) {
					expect(2n * deviation).toBeLessThanOrEqual(BigInt(count - 82) * common);
				}
			}
		}
		// The bound is about a real deviation.
		expect(deviations(83, [...new Array(82).fill(0n), 1n])[0]?.[0]).toBeGreaterThan(0n);
	});

	test("add up to what all rows are worth, at the fees of the queries", () => {
		for (const neighbours of [1, 3, 12, 40]) {
			const parameters = { ...PARAMETERS, neighbours };
			const { contributions, queries, instance } = sample(parameters, 31, 3, [1, 1, 0, 1]);
			const worth = instance.rankings.reduce((sum, _, q) => {
				const all = votes(players(parameters, contributions, queries.rows, q), neighbours);
				return sum + BigInt(queries.rows.weight[q] as number) * BigInt(all);
			}, 0n);
			const total = instance.scores.reduce((sum, score) => sum + score, 0n);
			expect(total * BigInt(neighbours)).toBe(KNN_UNIT * worth);
		}
	});

	test("of equal rows go to the earlier one first", () => {
		const parameters: KnnShapleyParameters = { ...PARAMETERS, places: 2, rows: 1, neighbours: 1 };
		const one = (label: number): Rows => ({ x: Uint8Array.of(9, 9, 255), label: Uint8Array.of(label), weight: Uint8Array.of(1), count: 1 });
		const query: OpenRows = { rows: { ...one(1), weight: Uint8Array.of(1) }, salt: 1n };
		const scores = (first: number, second: number) =>
			knnShapleyInstance(
				parameters,
				[
					{ rows: one(first), salt: 0n },
					{ rows: one(second), salt: 0n },
				],
				query,
			).scores;
		// With both, the earlier row is the neighbour.
		expect(scores(1, 0)).toEqual([KNN_UNIT, 0n]);
		expect(scores(0, 1)).toEqual([-KNN_UNIT / 2n, KNN_UNIT / 2n]);
		expect(scores(1, 1)).toEqual([KNN_UNIT / 2n, KNN_UNIT / 2n]);
	});

	test("stay what they are when rows of weight 0 and empty places are added", () => {
		const { contributions, queries, instance } = sample(PARAMETERS, 3, 2, [1, 1, 1]);
		const wide: KnnShapleyParameters = { ...PARAMETERS, places: 5, rows: 6 };
		// Copies of the queries, so nearest and matching: they would be worth most if they counted.
		const copy = (rows: Rows): Rows => ({
			x: Uint8Array.of(...queries.rows.x, ...rows.x),
			label: Uint8Array.of(...queries.rows.label, ...rows.label),
			weight: Uint8Array.of(0, 0, ...rows.weight),
			count: rows.count + 2,
		});
		const padded = knnShapleyInstance(
			wide,
			contributions.map(({ rows, salt }) => ({ rows: copy(rows), salt })),
			queries,
		);
		expect(instance.scores).not.toEqual([0n, 0n]);
		expect(padded.scores).toEqual(instance.scores);
		padded.rankings.forEach(({ order, value }) => {
			expect(order.slice(0, 6).every((i) => i < 12 && i % 6 >= 2 && i % 6 < 5)).toBe(true);
			expect([0, 1, 6, 7].map((i) => value[i])).toEqual([0n, 0n, 0n, 0n]);
		});
	});

	test("a mislabelled row among its neighbours is charged", () => {
		const parameters: KnnShapleyParameters = { ...PARAMETERS, places: 3, rows: 1, neighbours: 1 };
		const row = (x: number, label: number): OpenRows => ({
			rows: { x: Uint8Array.of(x, x, 255), label: Uint8Array.of(label), weight: Uint8Array.of(1), count: 1 },
			salt: BigInt(x),
		});
		const { scores } = knnShapleyInstance(parameters, [row(10, 2), row(12, 1), row(14, 1)], row(11, 1));
		expect(scores[0]).toBeLessThan(0n);
		expect(scores[1]).toBeGreaterThan(0n);
	});

	test("lie within a vote, whatever the matches", () => {
		const next = uniform(77);
		for (const neighbours of [1, 5, 82]) {
			for (const likely of [0, 0.1, 0.5, 0.9, 1]) {
				const matches = Array.from({ length: 500 }, () => BigInt(Number(next() < likely)));
				for (const value of rankValues(matches, neighbours)) {
					expect(value <= KNN_UNIT / BigInt(neighbours) && -value <= KNN_UNIT / BigInt(neighbours)).toBe(true);
				}
			}
		}
	});

	test("a coefficient is unit / max(K, rank), to the nearest integer", () => {
		for (const rank of [1, 4, 5, 6, 82, 83, 97, 1000, 2 ** 20 - 1]) {
			const divisor = BigInt(Math.max(5, rank));
			const error = 2n * (knnCoefficient(5, rank) * divisor - KNN_UNIT);
			expect(error <= divisor && error > -divisor, `rank ${rank}`).toBe(true);
		}
	});
});

describe("the instance", () => {
	const { contributions, queries, instance } = sample(PARAMETERS, 11, 2);

	test("speaks about the commitments that `contribution` publishes, and about a page of scores", () => {
		const { rows: n, d, k } = PARAMETERS;
		const listed = contributions.map(({ rows, salt }) => contributionInstance({ n, d, k, weightBits: 1 }, rows, salt).publics[0]);
		expect(instance.words).toEqual(listed);
		const asked = contributionInstance({ n: PARAMETERS.queries, d, k, weightBits: 8 }, queries.rows, queries.salt);
		expect(instance.publics).toEqual([commitScores(instance.scores, PARAMETERS.places, 0n), asked.publics[0]]);
		expect(instance.circuit.publics).toEqual(["scoreCommit", "queryCommit"]);
	});

	test("scores follow the fees: only the second query paid, twice as much", () => {
		const scoresAt = (...weight: number[]) =>
			knnShapleyInstance(PARAMETERS, contributions, { ...queries, rows: { ...queries.rows, weight: Uint8Array.from(weight) } }).scores;
		const [one, two] = [scoresAt(0, 100), scoresAt(0, 200)];
		expect(one.some((score) => score !== 0n)).toBe(true);
		expect(two).toEqual(one.map((score) => 2n * score));
		expect(scoresAt(7, 100)).toEqual(scoresAt(7, 0).map((score, c) => score + (one[c] as bigint)));
		expect(scoresAt(0, 0)).toEqual([0n, 0n]);
	});

	test("another order of the list is another statement with the same scores, when no distances tie", () => {
		const apart = contributions.map(({ rows, salt }, c) => ({
			rows: { ...rows, x: rows.x.map((_, at) => (at % 3 === 2 ? 255 : 13 * c + 29 * at)) },
			salt,
		}));
		const forward = knnShapleyInstance(PARAMETERS, apart, queries);
		const backward = knnShapleyInstance(PARAMETERS, [...apart].reverse(), queries);
		expect(backward.scores).toEqual([...forward.scores].reverse());
		expect(backward.words).toEqual([...forward.words].reverse());
	});
});

describe("values that no witness can be made of", () => {
	const { contributions, queries } = sample(PARAMETERS, 1);
	const rows = (changed: Partial<Rows>): OpenRows => ({ ...queries, rows: { ...queries.rows, ...changed } });

	test.each<[string, string, RegExp, Partial<KnnShapleyParameters>]>([
		["no places", "knn-size", /places to be an integer in \[1, 1048576\], got 0/, { places: 0 }],
		["no rows", "knn-size", /rows to be an integer in/, { rows: 0 }],
		["a single query", "knn-size", /queries to be an integer in \[2, 1048576\], got 1/, { queries: 1 }],
		["half a neighbour", "knn-size", /neighbours to be an integer in \[1, 82\], got 0.5/, { neighbours: 0.5 }],
		["neighbours that do not divide the unit", "knn-size", /neighbours .* got 83/, { neighbours: 83 }],
		["too many rows", "knn-rows", /2\^20 rows and 2\^32 pairs of a row and a query, got 1048576/, { places: 1024, rows: 1024 }],
		["too many pairs", "knn-rows", /and 4294967296/, { places: 1024, rows: 512, queries: 8192 }],
		["scores beyond 144 bits", "knn-scores", /scores below 2\^144, got a bound of/, { rows: 4096, queries: 4096 }],
	])("%s", (_, code, message, changed) => {
		expect(refusal(() => knnShapleyCircuit({ ...PARAMETERS, ...changed }))).toEqual({ code, message: expect.stringMatching(message) });
	});

	test.each<[string, string, RegExp, readonly OpenRows[], OpenRows]>([
		["no contributions", "place-count", /1 to 3 contributions, got 0/, [], queries],
		["too many contributions", "place-count", /got 4/, [...contributions, contributions[0] as OpenRows], queries],
		["a contribution with fees", "row-weight", /weight in \[0, 2\) in row 1, got 101/, [queries], queries],
		["a label of no class", "row-label", /label in \[0, 3\) in row 0, got 3/, contributions, rows({ label: Uint8Array.of(3, 0) })],
		["too many queries", "row-count", /at most 2 rows, got 4/, contributions, contributions[0] as OpenRows],
	])("%s", (_, code, message, list, asked) => {
		expect(refusal(() => knnShapleyInstance(PARAMETERS, list, asked))).toEqual({ code, message: expect.stringMatching(message) });
	});
});
