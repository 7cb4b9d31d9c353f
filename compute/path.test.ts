import { describe, expect, test } from "vitest";
import { applyRidge } from "../circuits/head.ts";
import { pathParameters, SHIFT } from "../circuits/path.ts";
import { pathForms, queryGradient, queryScale } from "../circuits/statements/attribution.ts";
import { score } from "../circuits/statements/score.ts";
import { readTable } from "./dataset.ts";
import { drawGlyphs } from "./glyphs.ts";
import { loss } from "./head.ts";
import { exactPath, ridgePath } from "./path.ts";
import { fitQuantisation, padFeatures, quantise } from "./quantisation.ts";
import { openReference } from "./reference/backend.ts";
import { solveRidge } from "./ridge.ts";
import { selectRows } from "./rows.ts";
import { splitRows } from "./split.ts";
import { exactStatistics, type Statistics, sumStatistics } from "./statistics.ts";
import type { Table } from "./table.ts";
import { refusal, sample } from "./testing.ts";

/** Statistics of ten contributors and of the queries, padded to d features. */
async function epoch(table: Table, d: number): Promise<{ contributions: Statistics[]; train: Statistics; query: Statistics }> {
	const split = splitRows(table, { contributors: 10 });
	const scale = fitQuantisation(table, split.train, { dropConstantColumns: true });
	const x = padFeatures(quantise(table, scale, { clip: true }), table.n, scale.columns.length + 1, d);
	const backend = openReference();
	const of = (rows: Uint32Array) => backend.statistics(selectRows(x, table.labels, d, rows), d, table.k);
	const contributions = await Promise.all(split.contributors.map(({ rows }) => of(rows)));
	return { contributions, train: sumStatistics(contributions), query: await of(split.query) };
}

/** Shares of the ten contributors of digits by an independent floating-point path (numpy, 24 nodes in log mu). */
const SHARES = [0.10424514, 0.11482948, 0.08973679, 0.11726346, 0.09138878, 0.09813159, 0.09252077, 0.08850324, 0.10821292, 0.09516784];

describe("ridgePath", () => {
	test("satisfies the integer relations exactly, with residuals within half a row sum", async () => {
		const d = 16;
		const { train, query } = await epoch(drawGlyphs({ n: 400, seed: 1n }), d);
		const { k } = train;
		const parameters = pathParameters(d, 6);
		const path = ridgePath(train, query, parameters);
		const [a, aQuery] = [exactStatistics(train), exactStatistics(query)];
		const { w, v } = exactPath(path);
		expect(path.t).toBe(queryScale(a.rows, aQuery.rows));
		parameters.nodes.forEach((node, j) => {
			const mu = node.k * a.rows;
			const [wj, vj, result] = [w[j] as bigint[], v[j] as bigint[], path.nodes[j]];
			const r = applyRidge(a, mu, wj, d, k).map((value, i) => value - ((a.b[i] as bigint) << BigInt(node.exponent)));
			const g = queryGradient(aQuery, wj, node.exponent, d, k);
			const r2 = applyRidge(a, mu, vj, d, k).map((value, i) => (value << BigInt(SHIFT)) - path.t * (g[i] as bigint));
			expect(result?.w.residual).toEqual(r);
			expect(result?.v.residual).toEqual(r2);
			const rowSum = Number(a.rows) * 65025 * d + Number(mu);
			expect(Number(result?.w.maxResidual)).toBeLessThanOrEqual(0.5 * rowSum);
			expect(Number(result?.v.maxResidual)).toBeLessThanOrEqual(0.5 * rowSum * 2 ** SHIFT);
		});
	});

	const digits = sample("sklearn/digits.csv.gz");
	test.skipIf(digits.absent)(
		"digits: scores add up to the drop of the query loss, shares are those of the float path, in less than 0.1 CPU s",
		async () => {
			const d = 64;
			const { contributions, train, query } = await epoch(await readTable(digits.path), d);
			const parameters = pathParameters(d, 12);
			const start = process.cpuUsage();
			const path = ridgePath(train, query, parameters);
			const { user, system } = process.cpuUsage(start);
			expect((user + system) / 1e6).toBeLessThan(0.1);

			const forms = pathForms(exactPath(path), parameters, d, train.k);
			const scores = contributions.map((one) => Number(score(exactStatistics(one), forms)));
			// In units of 2^-(scoreExponent + 16) and of t / 2^8 query rows.
			const unit = 2 ** (parameters.scoreExponent + 16) * (Number(path.t) / 2 ** SHIFT) * query.n;
			const total = scores.reduce((sum, one) => sum + one, 0) / unit;
			const head = solveRidge(train, parameters.lambda * BigInt(train.n), 1n << BigInt(parameters.lambdaExponent));
			const drop = 0.5 - loss(query, head.x, 2 ** parameters.lambdaExponent);
			expect(Math.abs(total / drop - 1)).toBeLessThan(0.001);
			scores.forEach((one, c) => {
				expect(Math.abs(one / unit / total - (SHARES[c] as number))).toBeLessThan(1e-5);
			});
		},
	);
});

describe("refused", () => {
	const of = (d: number, n: number): Statistics => ({
		a: new Float64Array((d * (d + 1)) / 2),
		b: new Float64Array(d),
		n,
		d,
		k: 1,
	});
	const parameters = pathParameters(2, 2);

	test("queries of another shape", async () => {
		expect(ridgePath(of(2, 5), of(2, 5), parameters).nodes).toHaveLength(2);
		expect(await refusal(() => ridgePath(of(2, 5), of(3, 5), parameters))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "ridgePath: d = 2, k = 1 for training, d = 3, k = 1 for the queries",
		});
	});

	test("no training rows, no query rows", async () => {
		for (const [n, queries] of [
			[0, 5],
			[5, 0],
		] as const) {
			expect(await refusal(() => ridgePath(of(2, n), of(2, queries), parameters))).toEqual({
				code: "TOO_FEW_ROWS",
				message: `ridgePath: weight ${n} for training, ${queries} for the queries, at least 1 is needed`,
			});
		}
	});

	test("a head that needs more bits than the circuit has", async () => {
		const train = { ...of(2, 5), a: Float64Array.of(5, 5, 5), b: Float64Array.of(5, 5) };
		const [node] = pathParameters(2, 1).nodes;
		if (!node) throw new Error("no node");
		const at = (exponent: number) => ridgePath(train, of(2, 5), { ...parameters, nodes: [{ ...node, k: 1n, exponent }] });
		expect(at(35).nodes).toHaveLength(1);
		expect(await refusal(() => at(38))).toEqual({
			code: "VALUE_OUT_OF_RANGE",
			message: expect.stringContaining("ridgePath: W of node 0 holds"),
		});
	});
});
