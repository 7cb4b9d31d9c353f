import { beforeAll, describe, expect, test } from "vitest";
import { OMEGA_BITS, pathParameters } from "../circuits/path.ts";
import { attributionPath, pathForms } from "../circuits/statements/attribution.ts";
import { payouts } from "../circuits/statements/payout.ts";
import { score } from "../circuits/statements/score.ts";
import type { Rows } from "../circuits/statistics.ts";
import { readTable } from "../compute/dataset.ts";
import { drawGlyphs } from "../compute/glyphs.ts";
import { exactPath, ridgePath } from "../compute/path.ts";
import { below, generator } from "../compute/random.ts";
import { selectRows } from "../compute/rows.ts";
import { splitRows } from "../compute/split.ts";
import { exactStatistics, type Statistics, sumStatistics } from "../compute/statistics.ts";
import { refusal, sample } from "../compute/testing.ts";
import { efficiencyError } from "./method.ts";
import { ridgePathMethod } from "./ridge-path.ts";
import { payoutShares } from "./shares.ts";
import { type Epoch, epochOf, statistics } from "./testing.ts";

const sum = (values: Iterable<number>) => Array.from(values).reduce((total, value) => total + value, 0);

/** Rows position, position + step, ... of a contributor. */
function every({ x, label, weight, count }: Rows, position: number, step: number): Rows {
	const d = x.length / count;
	const rows = Uint32Array.from({ length: Math.ceil((count - position) / step) }, (_, i) => position + i * step);
	return selectRows(
		x,
		label,
		d,
		rows,
		Uint8Array.from(rows, (row) => weight[row] as number),
	);
}

const file = sample("sklearn/digits.csv.gz");

describe.skipIf(file.absent)("digits: 1,348 rows in ten contributions, d = 64, k = 10, m = 12", () => {
	let epoch: Epoch;
	beforeAll(async () => {
		epoch = await epochOf(await readTable(file.path));
	});
	const attribute = (contributions: readonly Statistics[]) =>
		ridgePathMethod(attributionPath(epoch.parameters)).cache(contributions).attribute(epoch.query);

	test("scores add up to the drop of the query loss within 0.1 %, equal contributors get 8 to 12 % each, in less than 0.1 CPU s", () => {
		const start = process.cpuUsage();
		const result = attribute(epoch.contributions);
		const { user, system } = process.cpuUsage(start);
		expect((user + system) / 1e6).toBeLessThan(0.1);
		expect(efficiencyError(result)).toBeLessThan(0.001);
		expect(result.total).toBeGreaterThan(0.3);
		for (const share of payoutShares(result.scores)) {
			expect(share).toBeGreaterThan(0.08);
			expect(share).toBeLessThan(0.12);
		}
	});

	test("shares are those of the integer scores that are proven, within 1e-6", () => {
		const { parameters, contributions, query } = epoch;
		const constants = attributionPath(parameters);
		const path = exactPath(ridgePath(sumStatistics(contributions), query, constants));
		const forms = pathForms(path, constants, parameters.d, parameters.k);
		const scores = contributions.map((one) => score(exactStatistics(one), forms));
		const pool = 10n ** 18n;
		const paid = payouts(scores, pool).payouts;
		payoutShares(attribute(contributions).scores).forEach((share, c) => {
			expect(Math.abs(share - Number(paid[c]?.amount) / Number(pool))).toBeLessThan(1e-6);
		});
	});

	test("a contributor that splits into five names earns the same", async () => {
		const { parameters, contributions, rows, query } = epoch;
		const { d, k } = parameters;
		const parts = await Promise.all(Array.from({ length: 5 }, (_, i) => statistics(every(rows[5] as Rows, i, 5), d, k)));
		const whole = attribute(contributions).scores[5] as number;
		const split = attribute([...contributions.filter((_, c) => c !== 5), ...parts]).scores;
		expect(Math.abs(sum(split.subarray(9)) / whole - 1)).toBeLessThan(1e-12);

		const path = attributionPath(parameters);
		const forms = pathForms(exactPath(ridgePath(sumStatistics(contributions), query, path)), path, d, k);
		const exact = parts.map((part) => score(exactStatistics(part), forms)).reduce((total, one) => total + one);
		expect(exact).toBe(score(exactStatistics(contributions[5] as Statistics), forms));
	});

	test("shuffled labels and rows of noise are charged", async () => {
		const { d, k } = epoch.parameters;
		const next = generator(3n);
		const victim = epoch.rows[4] as Rows;
		const shuffled = victim.label.slice();
		for (let i = shuffled.length - 1; i > 0; i--) {
			const other = below(next, i + 1);
			[shuffled[i], shuffled[other]] = [shuffled[other] as number, shuffled[i] as number];
		}
		const noise = {
			...victim,
			x: victim.x.map((_, i) => (i % d === d - 1 ? 255 : below(next, 256))),
			label: victim.label.map(() => below(next, k)),
		};
		for (const rows of [{ ...victim, label: shuffled }, noise]) {
			const bad = await statistics(rows, d, k);
			const result = attribute(epoch.contributions.map((one, c) => (c === 4 ? bad : one)));
			expect(payoutShares(result.scores)[4]).toBeLessThan(-0.01);
			expect(efficiencyError(result)).toBeLessThan(0.001);
		}
	});

	/**
	 * Nodes, weights and shares of ridge_path.py (numpy 2.4, m = 12, lambda = 1.347, nodes in log mu on [lambda, 1000 times the
	 * largest eigenvalue]), printed with ten decimals. Its features are pixels / 16 with a constant 1.
	 */
	const REFERENCE = {
		mu: [
			1.564777443, 2.9363146092, 8.7405051911, 38.547958609, 229.46549612, 1648.200252, 12620.501527, 90650.290123, 539616.48158,
			2379852.5762, 7084088.9227, 13293336.947,
		],
		omega: [
			0.3834118217, 0.8691363947, 1.3010171894, 1.6512186059, 1.897682256, 2.0249123804, 2.0249123804, 1.897682256, 1.6512186059,
			1.3010171894, 0.8691363947, 0.3834118217,
		],
		shares: [
			0.1063985605, 0.1115928485, 0.0980021453, 0.0993239495, 0.0956276074, 0.097790903, 0.0981591065, 0.0904668761, 0.1043429318,
			0.0982950713,
		],
		lossDrop: 0.33584741149629516,
		efficiencyError: 0.0004519199386,
	};

	test("the same nodes give the shares of the numpy reference", async () => {
		const table = await readTable(file.path);
		const [d, k] = [table.m + 1, table.k];
		const x = Uint8Array.from({ length: table.n * d }, (_, i) =>
			i % d === d - 1 ? 16 : (table.rows[Math.floor(i / d) * table.m + (i % d)] as number),
		);
		// Features are 2^14 times those of the reference (16 in the bytes, 2^10 here), so that its nodes are close to integers mu_j = K_j n.
		const of = async (rows: Uint32Array): Promise<Statistics> => {
			const { a, b, n } = await statistics(selectRows(x, table.labels, d, rows), d, k);
			return { a: a.map((value) => value * 2 ** 20), b: b.map((value) => value * 2 ** 10), n, d, k };
		};
		const split = splitRows(table, { contributors: 10 });
		const contributions = await Promise.all(split.contributors.map(({ rows }) => of(rows)));
		const query = await of(Uint32Array.of(...split.query, ...split.evaluation));
		const weight = (mu: number) => BigInt(Math.round((mu * 2 ** 28) / split.train.length));
		const nodes = REFERENCE.mu.map((mu, j) => ({
			k: weight(mu),
			omega: BigInt(Math.round((REFERENCE.omega[j] as number) * 2 ** OMEGA_BITS)),
		}));
		const result = ridgePathMethod({ lambda: weight(1.347), nodes })
			.cache(contributions)
			.attribute(query);
		expect(result.total).toBeCloseTo(REFERENCE.lossDrop, 6);
		expect(efficiencyError(result)).toBeCloseTo(REFERENCE.efficiencyError, 5);
		payoutShares(result.scores).forEach((share, c) => {
			expect(Math.abs(share - (REFERENCE.shares[c] as number))).toBeLessThan(1e-6);
		});
	});
});

test("a built-in data set adds up too, and says what its numbers mean", async () => {
	const { parameters, contributions, query } = await epochOf(drawGlyphs({ n: 400, seed: 1n }));
	const result = ridgePathMethod(attributionPath(parameters)).cache(contributions).attribute(query);
	expect(efficiencyError(result)).toBeLessThan(0.001);
	expect(result).toMatchObject({ unit: expect.stringContaining("mean query loss"), positive: "lowers the query loss" });
});

describe("shares", () => {
	test("are parts of the sum of positive scores, with their sign", () => {
		expect(payoutShares(Float64Array.of(3, -2, 1, 0))).toEqual(Float64Array.of(0.75, -0.5, 0.25, 0));
	});

	test("charge no more than the pool, and nothing where nobody earns", () => {
		expect(payoutShares(Float64Array.of(1, -5))).toEqual(Float64Array.of(1, -1));
		expect(payoutShares(Float64Array.of(-1, 0))).toEqual(Float64Array.of(0, 0));
	});
});

test("a method whose scores do not add up has no efficiency error", () => {
	expect(efficiencyError({ scores: Float64Array.of(1), unit: "", positive: "", total: null })).toBeNull();
});

describe("refused", () => {
	const of = (d: number, n: number): Statistics => ({ a: new Float64Array((d * (d + 1)) / 2), b: new Float64Array(d), n, d, k: 1 });
	const run = (train: readonly Statistics[], query: Statistics) => () =>
		ridgePathMethod(pathParameters(2, 2)).cache(train).attribute(query);

	test.each([
		["no contribution", [], of(2, 5), "SHAPE_MISMATCH", "nothing to add"],
		["contributions of two shapes", [of(2, 5), of(3, 5)], of(2, 5), "SHAPE_MISMATCH", "got d = 3"],
		["queries of another shape", [of(2, 5)], of(3, 5), "SHAPE_MISMATCH", "expected queries with d = 2, k = 1, got d = 3, k = 1"],
		["no training row", [of(2, 0)], of(2, 5), "TOO_FEW_ROWS", "at least 1 for training, got 0"],
		["no query", [of(2, 5)], of(2, 0), "TOO_FEW_ROWS", "at least 1 for the queries, got 0"],
	])("%s", async (_, train, query, code, message) => {
		expect(run([of(2, 5)], of(2, 5))().scores).toHaveLength(1);
		expect(await refusal(run(train, query))).toEqual({ code, message: expect.stringContaining(message) });
	});
});
