import { describe, expect, test } from "vitest";
import { crossEntropies, trainSoftmax } from "../../compute/softmax.ts";
import { refusal } from "../../compute/testing.ts";
import { selectExamples } from "../examples.ts";
import { pearson } from "../metrics/correlation.ts";
import { type Adapter, adapterWeights, trainAdapter } from "./adapter.ts";
import { adapterGradients, dataInfMethod } from "./datainf.ts";
import { gradientColumns } from "./head-gradients.ts";
import { clusters, solve } from "./testing.ts";

const old = clusters(30, 5, 3, 1n);
const train = clusters(60, 5, 3, 3n);
const exam = clusters(8, 5, 3, 4n);
const options = { rank: 2, rate: 0.02, epochs: 30, batch: 16, seed: 5n };
const trained = async () => {
	const { weights } = await trainSoftmax(old, { ridge: 0.1 });
	return { weights, adapter: await trainAdapter(train, weights, options) };
};
const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The gradients of one layer as vectors. */
const vectors = (adapter: Adapter, rows: typeof train, layer: number) => {
	const { values, rows: size, columns } = gradientColumns(adapterGradients(adapter, rows)[layer as 0 | 1]);
	return Array.from({ length: columns }, (_, i) => Float64Array.from({ length: size }, (_, f) => values[f * columns + i] as number));
};
const dot = (one: Float64Array, other: Float64Array) => one.reduce((sum, value, i) => sum + value * (other[i] as number), 0);

describe("adapter", () => {
	test("learns what the frozen head does not know, and nothing but the adapter changes", async () => {
		const { weights, adapter } = await trained();
		const before = weights.slice();
		expect(mean(crossEntropies(train, adapterWeights(adapter)))).toBeLessThan(mean(crossEntropies(train, weights)) - 0.01);
		expect(adapter.base.values).toEqual(before);
		expect([adapter.a.rows, adapter.a.columns, adapter.b.rows, adapter.b.columns]).toEqual([5, 2, 2, 3]);
	});

	test("depends on the seed alone, and can be stopped", async () => {
		const { weights, adapter } = await trained();
		expect(await trainAdapter(train, weights, options)).toEqual(adapter);
		expect(await trainAdapter(train, weights, { ...options, seed: 6n })).not.toEqual(adapter);
		const control = new AbortController();
		const progress = (done: number) => done === 2 && control.abort(new Error("enough"));
		await expect(trainAdapter(train, weights, options, { signal: control.signal, progress })).rejects.toThrow("enough");
	});

	test("refuses heads of another shape, parameters outside their ranges, and rates that diverge", async () => {
		const base = new Float64Array(15);
		expect(await refusal(() => trainAdapter(train, base.subarray(1), options))).toEqual({
			code: "SHAPE_MISMATCH",
			message: expect.stringContaining("5 x 3 weights, got 14"),
		});
		for (const change of [{ rank: 0 }, { epochs: 0.5 }, { batch: 0 }, { rate: 0 }]) {
			expect(await refusal(() => trainAdapter(train, base, { ...options, ...change }))).toMatchObject({ code: "PARAMETER_OUT_OF_RANGE" });
		}
		expect(await refusal(() => trainAdapter(train, base, { ...options, rate: 1e200 }))).toMatchObject({ code: "DIVERGED" });
	});
});

describe("DataInf", () => {
	test("works on the gradients of the adapter, against differences of the loss", async () => {
		const { adapter } = await trained();
		const h = 1e-6;
		for (const layer of [0, 1]) {
			const gradients = vectors(adapter, exam, layer);
			const name = layer === 0 ? "a" : "b";
			for (let f = 0; f < adapter[name].values.length; f++) {
				const at = (shift: number) => {
					const values = adapter[name].values.slice();
					(values[f] as number) += shift;
					return crossEntropies(exam, adapterWeights({ ...adapter, [name]: { ...adapter[name], values } }));
				};
				const [up, down] = [at(h), at(-h)];
				gradients.forEach((gradient, i) => {
					expect(gradient[f]).toBeCloseTo(((up[i] as number) - (down[i] as number)) / (2 * h), 6);
				});
			}
		}
	});

	test("is the mean of the inverses of each row, by the definition", async () => {
		const { adapter } = await trained();
		const { scores, entries, tests } = dataInfMethod({ adapter }).cache(train).pairs(exam);
		const expected = new Float64Array(entries * tests);
		for (const layer of [0, 1]) {
			const [own, other] = [vectors(adapter, train, layer), vectors(adapter, exam, layer)];
			const size = own[0]?.length as number;
			const lambda = (0.1 * own.reduce((sum, g) => sum + dot(g, g), 0)) / (own.length * size);
			other.forEach((v, j) => {
				const solved = new Float64Array(size);
				for (const g of own) {
					const damped = Array.from(g, (a, r) => g.map((b, c) => a * b + (r === c ? lambda : 0)));
					solve(damped, v).forEach((value, f) => {
						(solved[f] as number) += value / own.length;
					});
				}
				own.forEach((g, i) => {
					(expected[i * tests + j] as number) += dot(g, solved) / own.length;
				});
			});
		}
		scores.forEach((score, at) => {
			expect(score).toBeCloseTo(expected[at] as number, 10);
		});
	});

	test("is the exact inverse for one row, and close to it for many", async () => {
		const { adapter } = await trained();
		const exact = (rows: typeof train) => {
			const scores = new Float64Array(rows.n * exam.n);
			for (const layer of [0, 1]) {
				const [own, other] = [vectors(adapter, rows, layer), vectors(adapter, exam, layer)];
				const size = own[0]?.length as number;
				const lambda = (0.1 * own.reduce((sum, g) => sum + dot(g, g), 0)) / (own.length * size);
				const fisher = Array.from({ length: size }, (_, r) =>
					Float64Array.from({ length: size }, (_, c) =>
						own.reduce((sum, g) => sum + ((g[r] as number) * (g[c] as number)) / own.length, r === c ? lambda : 0),
					),
				);
				other.forEach((v, j) => {
					const solved = solve(
						fisher.map((row) => row.slice()),
						v,
					);
					own.forEach((g, i) => {
						(scores[i * exam.n + j] as number) += dot(g, solved) / own.length;
					});
				});
			}
			return scores;
		};
		const one = selectExamples(train, [3]);
		const single = dataInfMethod({ adapter }).cache(one).pairs(exam).scores;
		exact(one).forEach((score, at) => {
			expect(single[at]).toBeCloseTo(score, 9);
		});
		expect(pearson(dataInfMethod({ adapter }).cache(train).pairs(exam).scores, exact(train))).toBeGreaterThan(0.8);
	});

	test("scores a test set by the mean of its pairs, and an adapter that learnt nothing only by B", async () => {
		const { weights, adapter } = await trained();
		for (const one of [adapter, { ...adapter, b: { ...adapter.b, values: new Float64Array(6) } }]) {
			const cached = dataInfMethod({ adapter: one }).cache(train);
			const { scores, tests } = cached.pairs(exam);
			const whole = cached.attribute(exam);
			expect(whole.total).toBeNull();
			whole.scores.forEach((score, i) => {
				expect(score).toBeCloseTo(mean(Float64Array.from(scores.subarray(i * tests, (i + 1) * tests))), 10);
			});
		}
		expect(weights.length).toBe(15);
	});

	test("refuses a damping of 0, rows of another shape and numbers that are none", async () => {
		const { adapter } = await trained();
		expect(await refusal(() => dataInfMethod({ adapter, damping: 0 }))).toMatchObject({ code: "PARAMETER_OUT_OF_RANGE" });
		expect(await refusal(() => dataInfMethod({ adapter }).cache(clusters(9, 4, 3, 1n)))).toMatchObject({ code: "SHAPE_MISMATCH" });
		expect(await refusal(() => dataInfMethod({ adapter }).cache({ ...train, x: train.x.with(0, Number.NaN) }))).toMatchObject({
			code: "VALUE_NOT_NUMERIC",
		});
	});
});
