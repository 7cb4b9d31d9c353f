import { describe, expect, test } from "vitest";
import { KNN_UNIT, knnShapleyInstance } from "../../circuits/statements/knn-shapley.ts";
import { below, generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import { type AnyExamples, type ByteExamples, weightOf } from "../byte-examples.ts";
import type { Examples } from "../examples.ts";
import { type Attribution, efficiencyError, type Method, type Pairs } from "../method.ts";
import { knnShapleyMethod } from "./knn-shapley.ts";
import { softKnnShapleyMethod } from "./soft-knn-shapley.ts";

const [D, K] = [3, 3];

/** Random rows on a coarse grid, so that many distances are equal; weights in [0, most]. */
function grid(n: number, seed: bigint, weight: (row: number) => number = () => 1): ByteExamples {
	const next = generator(seed);
	return {
		x: Uint8Array.from({ length: n * D }, (_, at) => (at % D === D - 1 ? 255 : 51 * below(next, 4))),
		label: Uint8Array.from({ length: n }, (_, row) => (row < K ? row : below(next, K))),
		weight: Uint8Array.from({ length: n }, (_, row) => weight(row)),
		n,
		d: D,
		k: K,
	};
}

const floats = ({ x, label, n, d, k }: ByteExamples): Examples => ({ x: Float64Array.from(x, (value) => value / 255), label, n, d, k });

/** Matches among the nearest of a set, by definition; ties go to the earlier row. */
function nearestMatches(train: AnyExamples, set: readonly number[], test: AnyExamples, q: number, count: number): number {
	const distance = (row: number) =>
		Array.from({ length: train.d }, (_, l) => ((train.x[row * D + l] as number) - (test.x[q * D + l] as number)) ** 2).reduce(
			(a, b) => a + b,
		);
	const nearest = set.toSorted((one, other) => distance(one) - distance(other) || one - other).slice(0, count);
	return nearest.filter((row) => train.label[row] === test.label[q]).length;
}

type Worth = (set: readonly number[], q: number) => number;

/** Shapley values by their definition: the mean gain over all sets of the others, each size counting the same. */
function shapley(players: readonly number[], worth: (set: readonly number[]) => number): Map<number, number> {
	const choose = (n: number, r: number): number => (r === 0 ? 1 : (choose(n - 1, r - 1) * n) / r);
	return new Map(
		players.map((player) => {
			const others = players.filter((other) => other !== player);
			let sum = 0;
			for (let mask = 0; mask < 2 ** others.length; mask++) {
				const set = others.filter((_, i) => (mask >> i) % 2 === 1);
				sum += (worth([...set, player]) - worth(set)) / choose(others.length, set.length) / players.length;
			}
			return [player, sum];
		}),
	);
}

const run = async (method: Method<AnyExamples, AnyExamples>, train: AnyExamples, test: AnyExamples): Promise<[Attribution, Pairs]> => {
	const cached = await method.cache(train);
	return [await cached.attribute(test), (await cached.pairs?.(test)) ?? expect.unreachable()];
};

describe.each([
	[
		"knn-shapley",
		knnShapleyMethod<AnyExamples>,
		(train: AnyExamples, test: AnyExamples, neighbours: number): Worth =>
			(set, q) =>
				nearestMatches(train, set, test, q, neighbours) / neighbours,
	],
	[
		"soft-knn-shapley",
		softKnnShapleyMethod<AnyExamples>,
		(train: AnyExamples, test: AnyExamples, neighbours: number): Worth =>
			(set, q) =>
				set.length === 0 ? 1 / K : nearestMatches(train, set, test, q, neighbours) / Math.min(neighbours, set.length),
	],
] as const)("%s", (name, method, worthOf) => {
	test.each([1, 2, 5, 7])("is the Shapley value of its definition, with ties and rows of weight 0: K = %s", async (neighbours) => {
		for (const seed of [1n, 2n, 3n, 4n]) {
			const train = grid(8, seed, (row) => Number(row !== 4));
			const queries = grid(4, seed + 50n, (row) => 1 + 3 * row);
			for (const [rows, asked] of [
				[train, queries],
				[{ ...floats(train), n: 8 }, floats(queries)],
			] as const) {
				const players = Array.from({ length: 8 }, (_, i) => i).filter((row) => weightOf(rows, row) === 1);
				const worth = worthOf(rows, asked, neighbours);
				const [{ scores, total }, pairs] = await run(method({ neighbours }), rows, asked);
				const fees = [0, 1, 2, 3].map((q) => weightOf(asked, q));
				const all = fees.reduce((a, b) => a + b);
				const expected = new Float64Array(8);
				let whole = 0;
				for (let q = 0; q < 4; q++) {
					const share = (fees[q] as number) / all;
					whole += share * (worth(players, q) - worth([], q));
					for (const [row, value] of shapley(players, (set) => worth(set, q))) {
						expect(pairs.scores[row * 4 + q]).toBeCloseTo(value, 12);
						(expected[row] as number) += share * value;
					}
				}
				scores.forEach((score, row) => {
					expect(score).toBeCloseTo(expected[row] as number, 12);
				});
				expect(total).toBeCloseTo(whole, 12);
			}
		}
	});

	test("adds up over many rows, says what it means and has its name", async () => {
		const [result, pairs] = await run(method({ neighbours: 5 }), grid(900, 7n), grid(70, 8n));
		expect(efficiencyError(result)).toBeLessThan(1e-12);
		expect(pairs).toMatchObject({ entries: 900, tests: 70, positive: result.positive });
		expect(result.unit).toContain("mean over the test rows");
		expect(method({ neighbours: 5 }).name).toBe(name);
	});

	test("tells of its progress and stops when asked to", async () => {
		const cached = await method({ neighbours: 2 }).cache(grid(30, 1n));
		const steps: number[][] = [];
		await cached.attribute(grid(200, 2n), { progress: (done, of) => steps.push([done, of]) });
		expect(steps.at(-1)).toEqual([200, 200]);
		expect(steps.length).toBeGreaterThan(1);
		const stop = new AbortController();
		const stopped = cached.attribute(grid(200, 2n), { signal: stop.signal, progress: () => stop.abort(new Error("enough")) });
		await expect(stopped).rejects.toThrow("enough");
	});

	const train = grid(6, 1n);
	test.each<[string, number, AnyExamples, AnyExamples, string, string]>([
		[
			"more neighbours than rows",
			7,
			train,
			train,
			"NEIGHBOURS_OUT_OF_RANGE",
			"expected an integer in [1, 6], the number of training rows, got 7",
		],
		["no neighbour", 0, train, train, "NEIGHBOURS_OUT_OF_RANGE", "got 0"],
		["half a neighbour", 1.5, train, train, "NEIGHBOURS_OUT_OF_RANGE", "got 1.5"],
		[
			"more neighbours than rows of weight 1",
			6,
			{ ...train, weight: Uint8Array.of(1, 1, 1, 1, 1, 0) },
			train,
			"NEIGHBOURS_OUT_OF_RANGE",
			"[1, 5]",
		],
		["one class only", 6, { ...train, label: new Uint8Array(6).fill(2) }, train, "ONE_CLASS", "at least 2 classes, got class 2 only"],
		["a row that counts twice", 6, { ...train, weight: Uint8Array.of(1, 1, 2, 1, 1, 1) }, train, "VALUE_OUT_OF_RANGE", "got 2 in row 2"],
		[
			"test rows of another width",
			6,
			train,
			{ ...train, d: 1, x: train.x.subarray(0, 6) },
			"SHAPE_MISMATCH",
			"expected test rows of bytes with d = 3, got bytes with d = 1",
		],
		["test rows of another kind", 6, train, floats(train), "SHAPE_MISMATCH", "got floats with d = 3"],
		[
			"test rows without weight",
			6,
			train,
			{ ...train, weight: new Uint8Array(6) },
			"TOO_FEW_ROWS",
			`${name}: expected a weight of at least 1 for the test rows, got 0`,
		],
	])("refuses %s", async (_, neighbours, rows, asked, code, message) => {
		await run(method({ neighbours: 6 }), train, train);
		const refused = await refusal(async () => (await method({ neighbours }).cache(rows)).attribute(asked));
		expect(refused).toEqual({ code, message: expect.stringContaining(message) });
	});
});

describe("the integers that the circuit proves", () => {
	test.each([1, 3, 18])("are these values, row by row and summed by contribution: K = %s", async (neighbours) => {
		const parts = [11n, 12n, 13n].map((seed) => grid(8, seed, (row) => Number(row % 5 !== 3)));
		const queries = grid(6, 99n, (row) => 1 + 40 * row);
		const rows = ({ x, label, weight, n }: ByteExamples) => ({ x, label, weight, count: n });
		const { rankings, scores } = knnShapleyInstance(
			{ places: 3, rows: 8, d: D, k: K, queries: 6, neighbours },
			parts.map((part) => ({ rows: rows(part), salt: 1n })),
			{ rows: rows(queries), salt: 2n },
		);
		const train: ByteExamples = {
			x: Uint8Array.from(parts.flatMap(({ x }) => Array.from(x))),
			label: Uint8Array.from(parts.flatMap(({ label }) => Array.from(label))),
			weight: Uint8Array.from(parts.flatMap(({ weight }) => Array.from(weight))),
			n: 24,
			d: D,
			k: K,
		};
		const [result, pairs] = await run(knnShapleyMethod<AnyExamples>({ neighbours }), train, queries);
		rankings.forEach(({ value }, q) => {
			value.forEach((integer, i) => {
				expect(pairs.scores[i * 6 + q]).toBeCloseTo(Number(integer) / Number(KNN_UNIT), 14);
			});
		});
		const fees = queries.weight.reduce((a, b) => a + b, 0);
		scores.forEach((integer, c) => {
			const own = result.scores.subarray(8 * c, 8 * c + 8).reduce((a, b) => a + b, 0);
			expect(own).toBeCloseTo(Number(integer) / Number(KNN_UNIT) / fees, 14);
		});
	});
});
