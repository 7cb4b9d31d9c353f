import { describe, expect, test } from "vitest";
import { crossEntropies, trainSoftmax } from "../../compute/softmax.ts";
import { refusal } from "../../compute/testing.ts";
import type { Examples } from "../examples.ts";
import { selectExamples } from "../examples.ts";
import type { Cached, Method } from "../method.ts";
import { influenceCgMethod } from "./influence-cg.ts";
import { influenceRidgeMethod, ridgeHead, squaredErrors } from "./influence-ridge.ts";
import { influenceSoftmaxMethod } from "./influence-softmax.ts";
import { leaveOneOutMethod } from "./leave-one-out.ts";
import { clusters, slowLosses, slowSoftmax, solve } from "./testing.ts";

const train = clusters(40, 4, 3, 1n);
const exam = clusters(6, 4, 3, 2n);
const ridge = 0.01;

/** The squared losses of test rows under the ridge head of weighted rows, by elimination. */
function slowRidgeLosses({ x, label, n, d, k }: Examples, weight: ArrayLike<number>, tests: Examples): Float64Array {
	const columns = Array.from({ length: k }, (_, c) => {
		const gram = Array.from({ length: d }, (_, f) => Float64Array.from({ length: d }, (_, g) => (f === g ? ridge : 0)));
		const right = new Float64Array(d);
		for (let i = 0; i < n; i++) {
			for (let f = 0; f < d; f++) {
				const value = (weight[i] as number) * (x[i * d + f] as number);
				for (let g = 0; g < d; g++) ((gram[f] as Float64Array)[g] as number) += value * (x[i * d + g] as number);
				if (label[i] === c) (right[f] as number) += value;
			}
		}
		return solve(gram, right);
	});
	return Float64Array.from(tests.label, (own, j) =>
		columns.reduce((sum, w, c) => {
			const logit = w.reduce((total, value, f) => total + value * (tests.x[j * d + f] as number), 0);
			return sum + (logit - (own === c ? 1 : 0)) ** 2 / 2;
		}, 0),
	);
}

const slowSoftmaxLosses = (rows: Examples, weight: ArrayLike<number>, tests: Examples) =>
	slowLosses(tests, slowSoftmax(rows, weight, ridge));

/** Central differences of every test loss by every row's weight, per 1/n, rising weight lowering the loss counted positive. */
function slowInfluence(losses: (rows: Examples, weight: ArrayLike<number>, tests: Examples) => Float64Array): Float64Array {
	const h = 1e-5;
	const scores = new Float64Array(train.n * exam.n);
	for (let i = 0; i < train.n; i++) {
		const at = (shift: number) =>
			losses(
				train,
				Float64Array.from({ length: train.n }, (_, row) => 1 / train.n + (row === i ? shift : 0)),
				exam,
			);
		const [up, down] = [at(h), at(-h)];
		scores.set(
			up.map((loss, j) => ((down[j] as number) - loss) / (2 * h * train.n)),
			i * exam.n,
		);
	}
	return scores;
}

const furthest = (one: ArrayLike<number>, other: ArrayLike<number>) =>
	Array.from(one).reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] as number))), 0);

const everyMethod: [string, Method<Examples, Examples>][] = [
	["influence-ridge", influenceRidgeMethod({ ridge })],
	["influence-softmax", influenceSoftmaxMethod({ ridge })],
	["influence-cg", influenceCgMethod({ ridge, tolerance: 1e-12 })],
	["leave-one-out", leaveOneOutMethod({ loss: "squared", ridge })],
	["leave-one-out", leaveOneOutMethod({ loss: "softmax", ridge })],
];

const pairsOf = async (method: Method<Examples, Examples>, rows = train, tests = exam) => {
	const cached: Cached<Examples> = await method.cache(rows);
	if (cached.pairs === undefined) throw new Error(`${method.name} has no pairs`);
	return await cached.pairs(tests);
};

describe("influence is the change of a test loss by the weight of a row", () => {
	test("ridge head, against weighted retraining", async () => {
		const { scores } = await pairsOf(influenceRidgeMethod({ ridge }));
		expect(furthest(scores, slowInfluence(slowRidgeLosses))).toBeLessThan(1e-8);
	});

	test("softmax head, by its factor and by conjugate gradients, against weighted retraining", async () => {
		const expected = slowInfluence(slowSoftmaxLosses);
		expect(furthest((await pairsOf(influenceSoftmaxMethod({ ridge }))).scores, expected)).toBeLessThan(1e-7);
		expect(furthest((await pairsOf(influenceCgMethod({ ridge, tolerance: 1e-10 }))).scores, expected)).toBeLessThan(1e-7);
	});
});

describe("leave-one-out is the change of a test loss by retraining", () => {
	const retrained = (losses: typeof slowSoftmaxLosses) => {
		const before = losses(train, new Float64Array(train.n).fill(1 / train.n), exam);
		return Array.from({ length: train.n }, (_, left) => {
			const weight = Float64Array.from({ length: train.n }, (_, row) => (row === left ? 0 : 1 / (train.n - 1)));
			return Array.from(losses(train, weight, exam), (after, j) => after - (before[j] as number));
		}).flat();
	};

	test("by downdates of a ridge head", async () => {
		const { scores } = await pairsOf(leaveOneOutMethod({ loss: "squared", ridge }));
		expect(furthest(scores, retrained(slowRidgeLosses))).toBeLessThan(1e-10);
	});

	test("by retraining a softmax head, which tells of its progress and can be stopped", async () => {
		const { scores } = await pairsOf(leaveOneOutMethod({ loss: "softmax", ridge }));
		expect(furthest(scores, retrained(slowSoftmaxLosses))).toBeLessThan(1e-7);
		const control = new AbortController();
		const told: number[] = [];
		const progress = (done: number, of: number) => {
			told.push(done / of);
			if (done === 2) control.abort(new Error("enough"));
		};
		const stopped = leaveOneOutMethod({ loss: "softmax", ridge }).cache(train, { signal: control.signal, progress });
		await expect(stopped).rejects.toThrow("enough");
		expect(told).toEqual([1 / 40, 2 / 40]);
	});
});

describe.each(everyMethod)("%s", (name, method) => {
	test("says what its numbers mean, and scores a test set by the mean of its pairs", async () => {
		const cached = await method.cache(train);
		const whole = await cached.attribute(exam);
		const pairs = await pairsOf(method);
		expect(method.name).toBe(name);
		expect([pairs.entries, pairs.tests]).toEqual([train.n, exam.n]);
		expect(whole.total).toBeNull();
		expect(whole.unit).toMatch(/^loss of a test example/);
		expect(whole.positive).toBe("lowers the loss");
		for (let i = 0; i < train.n; i++) {
			let mean = 0;
			for (let j = 0; j < exam.n; j++) mean += (pairs.scores[i * exam.n + j] as number) / exam.n;
			expect(Math.abs((whole.scores[i] as number) - mean)).toBeLessThan(1e-10);
		}
	});

	test("gives equal rows equal scores", async () => {
		const { scores, tests } = await pairsOf(method, selectExamples(train, [...train.label.keys(), 7]));
		expect(furthest(scores.subarray(7 * tests, 8 * tests), scores.subarray(40 * tests))).toBeLessThan(1e-9);
	});

	test("refuses rows of one class, numbers that are none, and test rows of another shape", async () => {
		const cached = await method.cache(train);
		expect(await refusal(() => method.cache({ ...train, label: new Uint8Array(train.n).fill(2) }))).toEqual({
			code: "ONE_CLASS",
			message: expect.stringContaining("got 40 of class 2"),
		});
		const broken = { ...train, x: train.x.with(9, Number.NaN) };
		expect(await refusal(() => method.cache(broken))).toEqual({
			code: "VALUE_NOT_NUMERIC",
			message: expect.stringContaining("row 2, feature 1: NaN"),
		});
		expect(await refusal(() => cached.attribute({ ...exam, x: exam.x.with(0, Number.POSITIVE_INFINITY) }))).toMatchObject({
			code: "VALUE_NOT_NUMERIC",
		});
		expect(await refusal(() => cached.pairs?.(clusters(6, 5, 3, 2n)))).toEqual({
			code: "SHAPE_MISMATCH",
			message: expect.stringContaining("of 4 features and 3 classes, got 5 and 3"),
		});
	});
});

test.each([
	["influence-ridge", influenceRidgeMethod],
	["influence-softmax", influenceSoftmaxMethod],
	["leave-one-out", ({ ridge }: { ridge: number }) => leaveOneOutMethod({ loss: "squared", ridge })],
])("%s refuses a system that is singular without ridge", async (_, method) => {
	// The constant feature twice.
	const x = new Float64Array(train.n * 5).fill(1);
	for (let i = 0; i < train.n; i++) x.set(train.x.subarray(i * 4, (i + 1) * 4), i * 5);
	const twice = { ...train, x, d: 5 };
	expect(await refusal(() => method({ ridge: 0 }).cache(twice))).toMatchObject({ code: "ILL_CONDITIONED" });
	await method({ ridge: 1e-6 }).cache(twice);
	await method({ ridge: 0 }).cache(train);
});

describe("heads that were trained elsewhere", () => {
	test("are taken as they are: the optimum gives the same scores as training", async () => {
		const { weights } = await trainSoftmax(train, { ridge });
		const [own, given] = [
			await pairsOf(influenceSoftmaxMethod({ ridge })),
			await pairsOf(influenceSoftmaxMethod({ ridge, heads: [weights] })),
		];
		expect(given.scores).toEqual(own.scores);
	});

	test("count as one model of their mean probabilities: one head twice is one head", async () => {
		const heads = [3n, 4n].map((seed) => clusters(3, 4, 1, seed).x);
		const scoresOf = async (used: Float64Array[]) => (await pairsOf(influenceSoftmaxMethod({ ridge, heads: used }))).scores;
		const [one, twice, both] = [
			await scoresOf([heads[0] as Float64Array]),
			await scoresOf([heads[0], heads[0]] as Float64Array[]),
			await scoresOf(heads),
		];
		expect(furthest(one, twice)).toBeLessThan(1e-12);
		expect(furthest(one, both)).toBeGreaterThan(1e-3);
		expect(furthest(both, (await pairsOf(influenceCgMethod({ ridge, heads, tolerance: 1e-10 }))).scores)).toBeLessThan(1e-8);
	});

	test("are refused if there are none or if one has other sizes or is not finite", async () => {
		const { weights } = await trainSoftmax(train, { ridge });
		const code = "SHAPE_MISMATCH";
		const withHeads = (heads: Float64Array[]) => influenceSoftmaxMethod({ ridge, heads }).cache(train);
		expect(await refusal(() => withHeads([]))).toEqual({ code: "PARAMETER_OUT_OF_RANGE", message: expect.stringContaining("got 0") });
		expect(await refusal(() => withHeads([weights, weights.slice(1)]))).toEqual({ code, message: expect.stringContaining("one of 11") });
		expect(await refusal(() => withHeads([weights.with(0, Number.NaN)]))).toMatchObject({ code });
	});
});

describe("conjugate gradients", () => {
	test("state the residual and the iterations, and refuse what has not converged", async () => {
		const pairs = await (await influenceCgMethod({ ridge }).cache(train)).pairs(exam);
		expect(pairs.solver.residual).toBeLessThan(1.1e-6);
		expect(pairs.solver.iterations).toBeGreaterThan(1);
		const few = await influenceCgMethod({ ridge, iterations: 1 }).cache(train);
		expect(await refusal(() => few.pairs(exam))).toEqual({
			code: "NOT_CONVERGED",
			message: expect.stringMatching(/at most 0.000001, got 0\.\d+ after 1 iterations/),
		});
	});

	test("refuse parameters outside their ranges", async () => {
		const code = "PARAMETER_OUT_OF_RANGE";
		expect(await refusal(() => influenceCgMethod({ ridge: -1 }))).toEqual({ code, message: expect.stringContaining("got -1") });
		expect(await refusal(() => influenceCgMethod({ ridge, tolerance: 0 }))).toEqual({
			code,
			message: expect.stringContaining("in (0, 1), got 0"),
		});
		expect(await refusal(() => influenceCgMethod({ ridge, iterations: 1.5 }))).toEqual({
			code,
			message: expect.stringContaining("got 1.5"),
		});
		expect(await refusal(() => influenceRidgeMethod({ ridge: Number.NaN }))).toEqual({ code, message: expect.stringContaining("got NaN") });
	});
});

test("leave-one-out refuses fewer than three rows, and rows that alone hold up a direction", async () => {
	const method = leaveOneOutMethod({ loss: "squared", ridge: 0 });
	const identity = { x: Float64Array.of(1, 0, 0, 1, 1, 0), label: Uint8Array.of(0, 1, 1), n: 3, d: 2, k: 2 };
	expect(await refusal(() => method.cache(identity))).toEqual({
		code: "ILL_CONDITIONED",
		message: expect.stringContaining("without row 1"),
	});
	expect(await refusal(() => method.cache(selectExamples(identity, [0, 1])))).toEqual({
		code: "TOO_FEW_ROWS",
		message: expect.stringContaining("got 2"),
	});
});

test("the heads of the methods are those of slow training", async () => {
	const weight = new Float64Array(train.n).fill(1 / train.n);
	const { weights } = ridgeHead(train, ridge * train.n);
	const errors = squaredErrors(exam, weights).values;
	slowRidgeLosses(train, weight, exam).forEach((loss, j) => {
		expect(errors.subarray(3 * j, 3 * j + 3).reduce((sum, error) => sum + error ** 2 / 2, 0)).toBeCloseTo(loss, 10);
	});
	const { weights: softmax } = await trainSoftmax(train, { ridge });
	expect(furthest(crossEntropies(exam, softmax), slowSoftmaxLosses(train, weight, exam))).toBeLessThan(1e-8);
});
