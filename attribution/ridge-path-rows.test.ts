import { beforeAll, describe, expect, test } from "vitest";
import { pathParameters } from "../circuits/path.ts";
import { attributionPath } from "../circuits/statements/attribution.ts";
import type { Rows } from "../circuits/statistics.ts";
import { readTable } from "../compute/dataset.ts";
import { below, generator } from "../compute/random.ts";
import { refusal, sample } from "../compute/testing.ts";
import { type ByteExamples, byteExamplesOf } from "./byte-examples.ts";
import type { Examples } from "./examples.ts";
import { groupSums, groupsOf } from "./groups.ts";
import { efficiencyError } from "./method.ts";
import { ridgePathMethod } from "./ridge-path.ts";
import { ridgePathRowsMethod } from "./ridge-path-rows.ts";
import { type Epoch, epochOf, statistics } from "./testing.ts";

const [D, K] = [5, 3];

/** Random rows with a bias, features that follow the label somewhat, and weights in [1, most]. */
function randomRows(count: number, seed: bigint, most = 1): Rows {
	const next = generator(seed);
	const label = Uint8Array.from({ length: count }, () => below(next, K));
	const x = Uint8Array.from({ length: count * D }, (_, at) =>
		at % D === D - 1 ? 255 : Math.min(255, 60 * (label[Math.floor(at / D)] as number) + below(next, 136)),
	);
	return { x, label, weight: Uint8Array.from({ length: count }, () => 1 + below(next, most)), count };
}

const floats = ({ x, label, n, d, k }: ByteExamples): Examples => ({ x: Float64Array.from(x, (value) => value / 255), label, n, d, k });
const relative = (one: ArrayLike<number>, other: ArrayLike<number>) => {
	const size = Math.max(...Array.from(other, Math.abs));
	return Math.max(...Array.from(one, (value, i) => Math.abs(value - (other[i] as number)) / size));
};

describe("rows", () => {
	const parameters = pathParameters(D, 12);
	const train = byteExamplesOf(randomRows(90, 1n, 3), D, K);
	const queries = byteExamplesOf(randomRows(40, 2n, 200), D, K);
	const method = ridgePathRowsMethod<ByteExamples>(parameters);
	const result = method.cache(train).attribute(queries);

	test("of a contributor add up to what the contributor is paid", async () => {
		const groups = groupsOf(Array.from({ length: train.n }, (_, row) => `owner ${(row * row) % 7}`));
		const contributions = await Promise.all(
			groups.names.map((_, group) => {
				const own = Array.from(groups.of.keys()).filter((row) => groups.of[row] === group);
				const rows: Rows = {
					x: Uint8Array.from(own.flatMap((row) => Array.from(train.x.subarray(row * D, (row + 1) * D)))),
					label: Uint8Array.from(own, (row) => train.label[row] as number),
					weight: Uint8Array.from(own, (row) => train.weight[row] as number),
					count: own.length,
				};
				return statistics(rows, D, K);
			}),
		);
		const query = await statistics({ ...queries, count: queries.n }, D, K);
		const paid = ridgePathMethod(parameters).cache(contributions).attribute(query);
		expect(relative(groupSums(result.scores, groups), paid.scores)).toBeLessThan(1e-12);
		expect(result.total).toBeCloseTo(paid.total as number, 12);
		expect(result).toMatchObject({ unit: paid.unit, positive: paid.positive });
	});

	test("add up to the drop of the query loss", () => {
		expect(result.total).toBeGreaterThan(0.1);
		expect(efficiencyError(result)).toBeLessThan(1e-3);
	});

	test("a row of weight 2 earns what two rows earn, a row of weight 0 nothing", () => {
		const doubled = byteExamplesOf(
			{
				x: Uint8Array.of(...train.x, ...train.x.subarray(0, D)),
				label: Uint8Array.of(...train.label, train.label[0] as number),
				weight: Uint8Array.of(1, ...train.weight.subarray(1), 1),
				count: train.n + 1,
			},
			D,
			K,
		);
		const weighted = { ...train, weight: Uint8Array.of(2, ...train.weight.subarray(1)) };
		const [two, one] = [doubled, weighted].map((rows) => method.cache(rows).attribute(queries).scores) as [Float64Array, Float64Array];
		expect((two[0] as number) + (two[train.n] as number)).toBeCloseTo(one[0] as number, 12);
		const none = method.cache({ ...train, weight: Uint8Array.of(0, ...train.weight.subarray(1)) }).attribute(queries);
		expect(none.scores[0]).toBe(0);
	});

	test("in floating point are those of the bytes they are quantised to", () => {
		const plain = (rows: ByteExamples) => ({ ...rows, weight: new Uint8Array(rows.n).fill(1) });
		const bytes = method.cache(plain(train)).attribute(plain(queries));
		const real = ridgePathRowsMethod<Examples>(parameters).cache(floats(train)).attribute(floats(queries));
		expect(relative(real.scores, bytes.scores)).toBeLessThan(1e-9);
		expect(real.total).toBeCloseTo(bytes.total as number, 9);
	});

	test("on single queries have the mean, at their fees, as the score on all", () => {
		const { scores, entries, tests } = method.cache(train).pairs?.(queries) ?? expect.unreachable();
		expect([entries, tests]).toEqual([train.n, queries.n]);
		const fees = queries.weight.reduce((sum, fee) => sum + fee, 0);
		const means = Array.from({ length: entries }, (_, i) =>
			queries.weight.reduce((sum, fee, q) => sum + (fee * (scores[i * tests + q] as number)) / fees, 0),
		);
		expect(relative(means, result.scores)).toBeLessThan(1e-12);
	});

	const other = byteExamplesOf({ ...randomRows(40, 2n), x: new Uint8Array(40 * (D + 1)) }, D + 1, K);
	test.each<[string, ByteExamples, unknown, string, string]>([
		[
			"queries of another width",
			train,
			other,
			"SHAPE_MISMATCH",
			"expected queries of bytes with d = 5, k = 3, got bytes with d = 6, k = 3",
		],
		["queries of another kind", train, floats(queries), "SHAPE_MISMATCH", "got floats with d = 5, k = 3"],
		[
			"queries without fees",
			train,
			{ ...queries, weight: new Uint8Array(40) },
			"TOO_FEW_ROWS",
			"ridge-path-rows: the queries: expected a weight of at least 1, got 0",
		],
		[
			"training rows of weight 0",
			{ ...train, weight: new Uint8Array(90) },
			queries,
			"TOO_FEW_ROWS",
			"ridge-path-rows: training: expected a weight of at least 1, got 0",
		],
	])("%s are refused", async (_, rows, asked, code, message) => {
		const refused = await refusal(() => method.cache(rows).attribute(asked as ByteExamples));
		expect(refused).toEqual({ code, message: expect.stringContaining(message) });
	});
});

const file = sample("sklearn/digits.csv.gz");

describe.skipIf(file.absent)("digits: 1,348 rows of ten contributors", () => {
	let epoch: Epoch;
	beforeAll(async () => {
		epoch = await epochOf(await readTable(file.path));
	});

	test("row scores add up to the contributors' scores", () => {
		const { parameters, rows, contributions } = epoch;
		const { d, k } = parameters;
		const all: Rows = {
			x: Uint8Array.from(rows.flatMap(({ x }) => Array.from(x))),
			label: Uint8Array.from(rows.flatMap(({ label }) => Array.from(label))),
			weight: Uint8Array.from(rows.flatMap(({ weight }) => Array.from(weight))),
			count: rows.reduce((sum, { count }) => sum + count, 0),
		};
		const owners = groupsOf(rows.flatMap(({ count }, c) => new Array<string>(count).fill(`owner ${c}`)));
		const path = attributionPath(parameters);
		// The first contributor's rows are asked about: as rows here, as their statistics there.
		const query = contributions[0] ?? expect.unreachable();
		const paid = ridgePathMethod(path).cache(contributions).attribute(query);
		const scored = ridgePathRowsMethod<ByteExamples>(path)
			.cache(byteExamplesOf(all, d, k))
			.attribute(byteExamplesOf(rows[0] ?? expect.unreachable(), d, k));
		expect(relative(groupSums(scored.scores, owners), paid.scores)).toBeLessThan(1e-10);
		expect(efficiencyError(scored)).toBeLessThan(1e-3);
	});
});
