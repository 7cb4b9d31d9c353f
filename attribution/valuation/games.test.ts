import { describe, expect, test } from "vitest";
import { loss } from "../../compute/head.ts";
import { below, generator } from "../../compute/random.ts";
import { type Statistics, sumStatistics } from "../../compute/statistics.ts";
import { refusal } from "../../compute/testing.ts";
import { type AnyExamples, type ByteExamples, byteExamplesOf } from "../byte-examples.ts";
import type { Examples } from "../examples.ts";
import { groupsOf } from "../groups.ts";
import { statistics } from "../testing.ts";
import { exactShapleyMethod } from "./exact-shapley.ts";
import { type Game, groupGame } from "./game.ts";
import { accuracyGame, lossGame } from "./head-game.ts";
import { knnGame } from "./knn-game.ts";
import { knnShapleyMethod } from "./knn-shapley.ts";
import { rowsAccuracyGame, rowsLossGame } from "./rows-game.ts";
import { allValues } from "./testing.ts";

const [D, K, RIDGE] = [4, 3, 90_000];

function randomRows(n: number, seed: bigint, most = 1): ByteExamples {
	const next = generator(seed);
	const label = Uint8Array.from({ length: n }, (_, row) => (row < K ? row : below(next, K)));
	const x = Uint8Array.from({ length: n * D }, (_, at) =>
		at % D === D - 1 ? 255 : 50 * (label[Math.floor(at / D)] as number) + below(next, 150),
	);
	return byteExamplesOf({ x, label, weight: Uint8Array.from(label, () => 1 + below(next, most)), count: n }, D, K);
}

const floats = ({ x, label, n, d, k }: ByteExamples): Examples => ({ x: Float64Array.from(x, (value) => value / 255), label, n, d, k });

const statisticsOf = (rows: ByteExamples, own: readonly number[]): Promise<Statistics> =>
	statistics(
		{
			x: Uint8Array.from(own.flatMap((row) => Array.from(rows.x.subarray(row * D, (row + 1) * D)))),
			label: Uint8Array.from(own, (row) => rows.label[row] as number),
			weight: Uint8Array.from(own, (row) => rows.weight[row] as number),
			count: own.length,
		},
		D,
		K,
	);

/** The solution of (A + ridge) W = B by elimination with pivots. */
function head({ a, b }: Statistics, ridge: number): Float64Array {
	const rows = Array.from({ length: D }, (_, i) => [
		...Array.from({ length: D }, (_, l) => {
			const [low, high] = i < l ? [i, l] : [l, i];
			return (a[low * D - (low * (low - 1)) / 2 + high - low] as number) + (i === l ? ridge : 0);
		}),
		...b.subarray(i * K, (i + 1) * K),
	]);
	for (let i = 0; i < D; i++) {
		const pivot = rows
			.slice(i)
			.reduce((best, row, at) => (Math.abs(row[i] as number) > Math.abs(rows[best]?.[i] as number) ? i + at : best), i);
		[rows[i], rows[pivot]] = [rows[pivot] as number[], rows[i] as number[]];
		const own = rows[i] as number[];
		rows.forEach((row, j) => {
			if (j === i) return;
			const factor = (row[i] as number) / (own[i] as number);
			row.forEach((_, c) => {
				(row[c] as number) -= factor * (own[c] as number);
			});
		});
	}
	return Float64Array.from(rows.flatMap((row, i) => row.slice(D).map((value) => value / (row[i] as number))));
}

/** The share of rows, by weight, whose first largest logit is their label's. */
function accuracy(w: Float64Array, { x, label, weight, n }: ByteExamples): number {
	let [right, all] = [0, 0];
	for (let q = 0; q < n; q++) {
		const logits = Array.from({ length: K }, (_, c) =>
			Array.from({ length: D }, (_, l) => (x[q * D + l] as number) * (w[l * K + c] as number)).reduce((a, b) => a + b),
		);
		all += weight[q] as number;
		if (logits.indexOf(Math.max(...logits)) === label[q]) right += weight[q] as number;
	}
	return right / all;
}

const members = (mask: number, players: number) => Array.from({ length: players }, (_, i) => i).filter((i) => (mask >> i) & 1);
const close = (one: Float64Array, other: readonly number[]) => {
	expect(one).toHaveLength(other.length);
	one.forEach((value, i) => {
		expect(value).toBeCloseTo(other[i] as number, 10);
	});
};

describe("games of the ridge head", () => {
	const train = randomRows(7, 1n, 3);
	const test_ = randomRows(20, 2n, 9);

	test("of rows are worth what the head of exactly these rows does", async () => {
		const query = await statisticsOf(test_, members(2 ** 20 - 1, 20));
		const heads = await Promise.all(
			Array.from({ length: 2 ** 7 }, async (_, mask) =>
				mask === 0 ? new Float64Array(D * K) : head(await statisticsOf(train, members(mask, 7)), RIDGE),
			),
		);
		const parameters = { train, test: test_, ridge: RIDGE };
		close(
			allValues(rowsLossGame(parameters)),
			heads.map((w) => -loss(query, w)),
		);
		close(
			allValues(rowsAccuracyGame(parameters)),
			heads.map((w) => accuracy(w, test_)),
		);

		const contributions = await Promise.all(Array.from({ length: 7 }, (_, row) => statisticsOf(train, [row])));
		close(
			allValues(lossGame({ contributions, query, ridge: RIDGE })),
			heads.map((w) => -loss(query, w)),
		);
		close(
			allValues(accuracyGame({ contributions, test: test_, ridge: RIDGE })),
			heads.map((w) => accuracy(w, test_)),
		);
	});

	test("are the same for floats, and for rows put together as for their statistics", async () => {
		const plain = (rows: ByteExamples) => ({ ...rows, weight: new Uint8Array(rows.n).fill(1) });
		const bytes = rowsLossGame({ train: plain(train), test: plain(test_), ridge: RIDGE });
		const real = rowsLossGame({ train: floats(train), test: floats(test_), ridge: RIDGE / 255 ** 2 });
		close(allValues(real), Array.from(allValues(bytes)));

		const grouped = groupGame(rowsLossGame({ train, test: test_, ridge: RIDGE }), groupsOf(["a", "b", "a", "c", "b", "b", "c"]));
		const contributions = await Promise.all(
			[
				[0, 2],
				[1, 4, 5],
				[3, 6],
			].map((own) => statisticsOf(train, own)),
		);
		const query = await statisticsOf(test_, members(2 ** 20 - 1, 20));
		close(allValues(grouped), Array.from(allValues(lossGame({ contributions, query, ridge: RIDGE }))));
	});

	test("players that come and go leave no trace", async () => {
		const contributions = await Promise.all(Array.from({ length: 7 }, (_, row) => statisticsOf(train, [row])));
		const query = await statisticsOf(test_, [0, 1, 2, 3, 4]);
		for (const played of [
			rowsLossGame({ train, test: test_, ridge: RIDGE }),
			rowsAccuracyGame({ train, test: test_, ridge: RIDGE }),
			lossGame({ contributions, query, ridge: RIDGE }),
			await knnGame({ train: { ...train, weight: new Uint8Array(7).fill(1) }, test: test_, neighbours: 2 }),
		]) {
			const worth = allValues(played);
			const coalition = played.coalition();
			const next = generator(3n);
			let mask = 0;
			for (let step = 0; step < 2000; step++) {
				const player = below(next, 7);
				mask ^= 1 << player;
				if ((mask >> player) & 1) coalition.add(player);
				else coalition.remove(player);
				expect(Math.abs(coalition.value() - (worth[mask] as number))).toBeLessThan(1e-9);
			}
		}
	});
});

test("KNN-Shapley is the exact Shapley value of the game of neighbours", async () => {
	const train = { ...randomRows(9, 4n), x: randomRows(9, 4n).x.map((value) => 64 * (value >> 6)) };
	const asked = { ...randomRows(6, 5n, 30), x: randomRows(6, 5n).x.map((value) => 64 * (value >> 6)) };
	const game = (rows: AnyExamples, test: AnyExamples) => knnGame({ train: rows, test, neighbours: 3 });
	const exact = await (await exactShapleyMethod({ game }).cache(train)).attribute(asked);
	const fast = await (await knnShapleyMethod<AnyExamples>({ neighbours: 3 }).cache(train)).attribute(asked);
	close(fast.scores, Array.from(exact.scores));
	expect(fast.total).toBeCloseTo(exact.total as number, 12);
	expect(fast.unit).toBe(exact.unit);
});

describe("refused", async () => {
	const rows = randomRows(6, 1n);
	const query = await statisticsOf(rows, [0, 1, 2]);
	const one = await statisticsOf(rows, [3]);
	const none = sumStatistics([{ ...one, a: one.a.map(() => 0), b: one.b.map(() => 0), n: 0 }]);
	const singleClass = { ...rows, label: new Uint8Array(6).fill(1) };
	const wide = { ...rows, d: 2 * D, x: new Uint8Array(12 * D) };
	const first = (game: Game) => {
		const coalition = game.coalition();
		coalition.add(0);
		return coalition.value();
	};

	test.each<[string, () => unknown, string, string]>([
		[
			"a contribution without rows",
			() => lossGame({ contributions: [one, none], query, ridge: RIDGE }),
			"GROUP_EMPTY",
			"contribution 1 has no row",
		],
		["no query", () => lossGame({ contributions: [one], query: none, ridge: RIDGE }), "TOO_FEW_ROWS", "query weight of at least 1, got 0"],
		[
			"a contribution of another model",
			() => lossGame({ contributions: [one], query: { ...query, k: K + 1 }, ridge: RIDGE }),
			"SHAPE_MISMATCH",
			"expected contributions with d = 4, k = 4",
		],
		["a singular system", () => first(lossGame({ contributions: [one], query, ridge: 0 })), "ILL_CONDITIONED", "not positive definite"],
		[
			"one class only, by statistics",
			() => accuracyGame({ contributions: [one], test: rows, ridge: RIDGE }),
			"ONE_CLASS",
			"at least 2 classes",
		],
		["one class only, by rows", () => rowsAccuracyGame({ train: singleClass, test: rows, ridge: RIDGE }), "ONE_CLASS", "got class 1 only"],
		["no ridge for rows", () => rowsLossGame({ train: rows, test: rows, ridge: 0 }), "ILL_CONDITIONED", "expected a ridge above 0, got 0"],
		[
			"rows of another width",
			() => rowsLossGame({ train: rows, test: wide, ridge: RIDGE }),
			"SHAPE_MISMATCH",
			"expected test rows with d = 4, k = 3, got d = 8",
		],
		["more neighbours than rows", () => knnGame({ train: rows, test: rows, neighbours: 7 }), "NEIGHBOURS_OUT_OF_RANGE", "[1, 6]"],
	])("%s", async (_, play, code, message) => {
		expect(first(lossGame({ contributions: [one], query, ridge: RIDGE }))).toBeGreaterThan(-0.5);
		expect(await refusal(play)).toEqual({ code, message: expect.stringContaining(message) });
	});
});
