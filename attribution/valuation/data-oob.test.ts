import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import type { Examples } from "../examples.ts";
import { mislabelAuc } from "../metrics/mislabel.ts";
import { dataOobMethod } from "./data-oob.ts";
import { growTree, presort } from "./decision-tree.ts";
import { outOfFoldMethod } from "./out-of-fold.ts";

/** Rows on a grid of `levels` values per feature, labels at random. */
function grid(n: number, d: number, k: number, levels: number, seed: bigint): Examples {
	const next = generator(seed);
	return {
		x: Float64Array.from({ length: n * d }, () => below(next, levels) / 2),
		label: Uint8Array.from({ length: n }, (_, row) => (row < k ? row : below(next, k))),
		n,
		d,
		k,
	};
}

/** The tree of the definition: at each node every threshold of every feature is tried and the Gini impurity taken from its formula. */
function slowTree({ x, label, d, k }: Examples, rows: readonly number[]): (features: ArrayLike<number>) => number {
	const counts = (some: readonly number[]) => Array.from({ length: k }, (_, c) => some.filter((row) => label[row] === c).length);
	const gini = (some: readonly number[]) => some.length * (1 - counts(some).reduce((sum, count) => sum + (count / some.length) ** 2, 0));
	const said = counts(rows).indexOf(Math.max(...counts(rows)));
	let best: { impurity: number; feature: number; threshold: number } | undefined;
	if (gini(rows) > 1e-12) {
		for (let feature = 0; feature < d; feature++) {
			const values = [...new Set(rows.map((row) => x[row * d + feature] as number))].sort((a, b) => a - b);
			for (const [i, value] of values.slice(0, -1).entries()) {
				const sides = [
					rows.filter((row) => (x[row * d + feature] as number) <= value),
					rows.filter((row) => (x[row * d + feature] as number) > value),
				];
				const impurity = gini(sides[0] as number[]) + gini(sides[1] as number[]);
				if (!best || impurity < best.impurity - 1e-9) best = { impurity, feature, threshold: (value + (values[i + 1] as number)) / 2 };
			}
		}
	}
	if (!best) return () => said;
	const { feature, threshold } = best;
	const [left, right] = [true, false].map((isLeft) =>
		slowTree(
			{ x, label, d, k, n: 0 },
			rows.filter((row) => (x[row * d + feature] as number) <= threshold === isLeft),
		),
	);
	return (features) => ((features[feature] as number) <= threshold ? left : right)?.(features) as number;
}

describe("a tree", () => {
	test("is the one of its definition, for weighted rows with ties and equal rows with different labels", () => {
		for (const seed of [1n, 2n, 3n, 4n, 5n, 6n]) {
			const examples = grid(40, 3, 3, 4, seed);
			const next = generator(seed + 100n);
			const weight = Uint32Array.from({ length: 40 }, () => below(next, 3));
			const rows = Array.from(weight).flatMap((count, row) => new Array<number>(count).fill(row));
			const [fast, slow] = [growTree(presort(examples), { weight }), slowTree(examples, rows)];
			for (let a = 0; a < 4; a++) {
				for (let b = 0; b < 4; b++) {
					for (let c = 0; c < 4; c++) {
						const point = Float64Array.of(a / 2 - 0.1, b / 2 + 0.1, c / 2);
						expect(fast(point, 0)).toBe(slow(point));
					}
				}
			}
		}
	});

	test("tells apart what no single feature does, and repeats what it was grown on", () => {
		const parity: Examples = { x: Float64Array.of(0, 0, 0, 1, 1, 0, 1, 1), label: Uint8Array.of(0, 1, 1, 0), n: 4, d: 2, k: 2 };
		const tree = growTree(presort(parity), { weight: [1, 1, 1, 1] });
		expect([0, 1, 2, 3].map((row) => tree(parity.x, row))).toEqual([0, 1, 1, 0]);
		const apart = { ...grid(200, 4, 5, 2 ** 20, 9n) };
		const full = growTree(presort(apart), { weight: new Uint8Array(200).fill(1) });
		expect(Array.from({ length: 200 }, (_, row) => full(apart.x, row))).toEqual(Array.from(apart.label));
	});

	test("can look at some features only", () => {
		const examples = grid(100, 6, 2, 2 ** 20, 3n);
		const weight = new Uint8Array(100).fill(1);
		const trees = [1n, 2n].map((seed) => growTree(presort(examples), { weight, features: { count: 2, next: generator(seed) } }));
		const others = grid(100, 6, 2, 2 ** 20, 4n);
		const [one, other] = trees.map((tree) => Array.from({ length: 100 }, (_, row) => tree(others.x, row)));
		expect(one).not.toEqual(other);
	});
});

/** Two classes around +-1 in three features, one tenth of the labels turned. */
function flipped(n: number, seed: bigint): { train: Examples; isFlipped: boolean[] } {
	const next = generator(seed);
	const isFlipped = Array.from({ length: n }, (_, row) => row % 10 === 4);
	const truth = Array.from({ length: n }, () => below(next, 2));
	const x = Float64Array.from({ length: n * 4 }, (_, at) =>
		at % 4 === 3 ? 1 : 2 * (truth[Math.floor(at / 4)] as number) - 1 + (below(next, 2 ** 20) / 2 ** 19 - 1) * 1.5,
	);
	return { train: { x, label: Uint8Array.from(truth, (y, row) => (isFlipped[row] ? 1 - y : y)), n, d: 4, k: 2 }, isFlipped };
}

describe("data-oob", () => {
	const parameters = { seed: 1n, draws: 100 };

	test("is the share of trees without the row that say its label", async () => {
		const train = grid(30, 2, 2, 6, 2n);
		const { scores, sampling, total } = await (await dataOobMethod(parameters).cache(train)).attribute(null);
		const next = generator(1n);
		const [right, all] = [new Float64Array(30), new Float64Array(30)];
		for (let b = 0; b < 100; b++) {
			const drawn = Array.from({ length: 30 }, () => below(next, 30));
			const tree = slowTree(
				train,
				drawn.toSorted((i, j) => i - j),
			);
			for (let row = 0; row < 30; row++) {
				if (drawn.includes(row)) continue;
				(all[row] as number) += 1;
				if (tree(train.x.subarray(2 * row, 2 * row + 2)) === train.label[row]) (right[row] as number) += 1;
			}
		}
		scores.forEach((score, row) => {
			const [hits, count] = [right[row] as number, all[row] as number];
			expect(score).toBeCloseTo(hits / count, 12);
			expect(sampling?.standardErrors[row]).toBeCloseTo(Math.sqrt(((hits / count) * (1 - hits / count)) / (count - 1)), 12);
		});
		expect(total).toBeNull();
		expect(sampling).toMatchObject({ drawn: "100 trees", converged: false });
	});

	test("finds flipped labels, and is the same for the same seed", async () => {
		const { train, isFlipped } = flipped(300, 4n);
		const run = async (seed: bigint) => (await (await dataOobMethod({ ...parameters, seed }).cache(train)).attribute(null)).scores;
		const scores = await run(1n);
		expect(mislabelAuc(scores, isFlipped)).toBeGreaterThan(0.9);
		expect(await run(1n)).toEqual(scores);
		expect(await run(2n)).not.toEqual(scores);
	});

	test("stops when asked to", async () => {
		const stop = new AbortController();
		const work = dataOobMethod({ ...parameters, draws: 1e6 }).cache(flipped(300, 4n).train, {
			signal: stop.signal,
			progress: () => stop.abort(new Error("enough")),
		});
		await expect(work).rejects.toThrow("enough");
	});

	const train = grid(20, 3, 2, 9, 1n);
	test.each([
		["one class only", parameters, { ...train, label: new Uint8Array(20) }, "ONE_CLASS", "at least 2 classes, got class 0 only"],
		["more features than there are", { ...parameters, features: 4 }, train, "PARAMETER_OUT_OF_RANGE", "integer in [1, 3], got 4"],
		["one tree", { ...parameters, draws: 1 }, train, "PARAMETER_OUT_OF_RANGE", "at least 2, got 1"],
		["a feature that is no number", parameters, { ...train, x: train.x.with(4, Number.NaN) }, "VALUE_NOT_NUMERIC", "row 1, feature 1"],
	])("refuses %s", async (_, changed, rows, code, message) => {
		await dataOobMethod({ ...parameters, draws: 2 }).cache(train);
		expect(await refusal(() => dataOobMethod(changed).cache(rows))).toEqual({ code, message: expect.stringContaining(message) });
	});
});

describe("out-of-fold", () => {
	test("is what heads that never saw the row say", () => {
		const { train } = flipped(30, 8n);
		const [ridges, bound] = [[0.02, 0.5], 1.2];
		const { scores } = outOfFoldMethod({ ridges, bound }).cache(train).attribute(null);
		// Bounded features from their definition, and for every row a head by gradient descent on the other rows.
		const columns = Array.from({ length: 4 }, (_, l) => Array.from({ length: 30 }, (_, i) => train.x[4 * i + l] as number));
		const bounded = columns.map((column) => {
			const mean = column.reduce((a, b) => a + b) / 30;
			const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 30);
			return column.map((value) => (deviation === 0 ? 1 : Math.max(-bound, Math.min(bound, (value - mean) / deviation))));
		});
		const votes = new Float64Array(30);
		for (const ridge of ridges) {
			for (let left = 0; left < 30; left++) {
				const w = [0, 1].map((c) => {
					const weights = [0, 0, 0, 0];
					for (let step = 0; step < 1500; step++) {
						const slope = weights.map((weight) => ridge * 30 * weight);
						for (let i = 0; i < 30; i++) {
							if (i === left) continue;
							const off = weights.reduce((sum, weight, l) => sum + weight * (bounded[l]?.[i] as number), 0) - Number(train.label[i] === c);
							for (let l = 0; l < 4; l++) (slope[l] as number) += off * (bounded[l]?.[i] as number);
						}
						for (let l = 0; l < 4; l++) (weights[l] as number) -= 0.01 * (slope[l] as number);
					}
					return weights.reduce((sum, weight, l) => sum + weight * (bounded[l]?.[left] as number), 0);
				});
				if (Number((w[1] as number) > (w[0] as number)) === train.label[left]) (votes[left] as number) += 1 / 2;
			}
		}
		expect(scores).toEqual(votes);
	});

	test("finds flipped labels", () => {
		const { train, isFlipped } = flipped(300, 4n);
		expect(mislabelAuc(outOfFoldMethod().cache(train).attribute(null).scores, isFlipped)).toBeGreaterThan(0.9);
	});

	const train = grid(20, 3, 2, 9, 1n);
	test.each([
		["one class only", {}, { ...train, label: new Uint8Array(20) }, "ONE_CLASS", "at least 2 classes, got class 0 only"],
		["no ridge", { ridges: [] }, train, "PARAMETER_OUT_OF_RANGE", "got [] and 1"],
		["a ridge of 0", { ridges: [1, 0] }, train, "PARAMETER_OUT_OF_RANGE", "got [1,0] and 1"],
		["a bound of 0", { bound: 0 }, train, "PARAMETER_OUT_OF_RANGE", "and 0"],
		["a feature that is no number", {}, { ...train, x: train.x.with(4, Infinity) }, "VALUE_NOT_NUMERIC", "row 1, feature 1"],
	])("refuses %s", async (_, parameters, rows, code, message) => {
		outOfFoldMethod().cache(train);
		expect(await refusal(() => outOfFoldMethod(parameters).cache(rows))).toEqual({ code, message: expect.stringContaining(message) });
	});
});
