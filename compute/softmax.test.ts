import { describe, expect, test } from "vitest";
import { conjugateGradients } from "./conjugate-gradients.ts";
import { type Matrix, multiply } from "./matrix.ts";
import { generator } from "./random.ts";
import { crossEntropies, type LabelledRows, logitErrors, probabilities, trainSoftmax } from "./softmax.ts";
import { blockPreconditioner, contrasts, factoriseHessian, hessianProduct } from "./softmax-hessian.ts";
import { refusal } from "./testing.ts";

const uniform = (seed: bigint) => {
	const next = generator(seed);
	return () => next() / 2 ** 31 - 1;
};

function rowsOf(n: number, d: number, k: number, seed: bigint): LabelledRows {
	const draw = uniform(seed);
	const label = Uint8Array.from({ length: n }, (_, i) => i % k);
	const x = Float64Array.from({ length: n * d }, (_, at) => draw() + (at % d === label[Math.floor(at / d)] ? 0.5 : 0));
	return { x, label, n, d, k };
}

const rows = rowsOf(60, 5, 4, 1n);
const x: Matrix<Float64Array> = { values: rows.x, rows: rows.n, columns: rows.d };
const weights = Float64Array.from({ length: 20 }, uniform(2n));
const ridge = 0.05;
const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The gradient of the objective by the definition. */
function slowGradient({ x, label, n, d, k }: LabelledRows, w: Float64Array, ridge: number): Float64Array {
	const g = w.map((value) => ridge * value);
	for (let i = 0; i < n; i++) {
		const z = Array.from({ length: k }, (_, c) => {
			let sum = 0;
			for (let f = 0; f < d; f++) sum += (x[i * d + f] as number) * (w[f * k + c] as number);
			return sum;
		});
		const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
		for (let f = 0; f < d; f++) {
			for (let c = 0; c < k; c++) {
				(g[f * k + c] as number) += ((x[i * d + f] as number) / n) * (Math.exp(z[c] as number) / total - (label[i] === c ? 1 : 0));
			}
		}
	}
	return g;
}

describe("training", () => {
	test.each([
		["with its exact Hessian", rows, 0.05],
		["with a tiny ridge", rows, 1e-6],
		["without ridge, where rows overlap", rows, 0],
		["of two classes", rowsOf(30, 3, 2, 3n), 0.01],
		["too large for a Hessian", rowsOf(90, 500, 5, 4n), 0.01],
	])("finds the optimum %s", async (_, data, lambda) => {
		const { weights, residual, objective, hessian } = await trainSoftmax(data, { ridge: lambda });
		const start = largest(slowGradient(data, new Float64Array(weights.length), lambda));
		expect(residual).toBeLessThan(1e-9);
		expect(largest(slowGradient(data, weights, lambda)) / start).toBeLessThan(1e-8);
		const mean = crossEntropies(data, weights).reduce((sum, loss) => sum + loss, 0) / data.n;
		expect(objective).toBeCloseTo(mean + (lambda / 2) * weights.reduce((sum, w) => sum + w * w, 0), 12);
		expect(hessian === null).toBe(data.d === 500);
	});

	test("is the same every time, and from a near optimum but for the time", async () => {
		const other = await trainSoftmax(rowsOf(40, 5, 4, 5n), { ridge });
		const [one, again, near] = [
			await trainSoftmax(rows, { ridge }),
			await trainSoftmax(rows, { ridge }),
			await trainSoftmax(rows, { ridge, near: other }),
		];
		expect(again.weights).toEqual(one.weights);
		expect(largest(near.weights.map((w, i) => w - (one.weights[i] as number)))).toBeLessThan(1e-7);
	});

	test("copes with features of very different sizes", async () => {
		const scaled = { ...rows, x: rows.x.map((value, at) => value * 10 ** ((at % 5) - 2)) };
		const { weights } = await trainSoftmax(scaled, { ridge: 1e-4 });
		expect(largest(slowGradient(scaled, weights, 1e-4))).toBeLessThan(1e-6);
	});

	test("refuses one class, ridges and labels that are none, and a start of another shape", async () => {
		expect(await refusal(() => trainSoftmax({ ...rows, label: new Uint8Array(60) }, { ridge }))).toEqual({
			code: "ONE_CLASS",
			message: expect.stringContaining("got 60 of class 0"),
		});
		for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect(await refusal(() => trainSoftmax(rows, { ridge: bad }))).toMatchObject({ code: "PARAMETER_OUT_OF_RANGE" });
		}
		expect(await refusal(() => trainSoftmax({ ...rows, k: 3 }, { ridge }))).toEqual({
			code: "LABEL_OUT_OF_RANGE",
			message: "softmax: row 3: label 3 is outside [0, 2]",
		});
		expect(await refusal(() => trainSoftmax({ ...rows, n: 59 }, { ridge }))).toMatchObject({ code: "SHAPE_MISMATCH" });
		const near = await trainSoftmax(rowsOf(30, 3, 2, 3n), { ridge });
		expect(await refusal(() => trainSoftmax(rows, { ridge, near }))).toMatchObject({ code: "SHAPE_MISMATCH" });
	});

	test("says when it has not converged: too few steps", async () => {
		expect(await refusal(() => trainSoftmax(rows, { ridge, steps: 1 }))).toEqual({
			code: "NOT_CONVERGED",
			message: expect.stringMatching(/at most 1e-9, got [\d.e-]+ after 1 steps with ridge 0.05/),
		});
	});

	test("says when there is no optimum: separable rows without ridge", async () => {
		const separable = { x: Float64Array.of(-2, -1, 1, 2), label: Uint8Array.of(0, 0, 1, 1), n: 4, d: 1, k: 2 };
		expect((await refusal(() => trainSoftmax(separable, { ridge: 0, steps: 12 }))).code).toBe("NOT_CONVERGED");
		expect((await trainSoftmax(separable, { ridge: 1e-6 })).residual).toBeLessThan(1e-9);
	});

	test("stops when it is told to", async () => {
		await expect(trainSoftmax(rows, { ridge, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
	});
});

test("probabilities, losses and errors stay finite for huge logits", () => {
	const huge = weights.map((w) => w * 1e5);
	const p = probabilities(x, huge, 4).values;
	expect(p.every((value) => value >= 0 && value <= 1)).toBe(true);
	expect(crossEntropies(rows, huge).every((loss) => loss >= 0 && Number.isFinite(loss))).toBe(true);
	const errors = logitErrors(rows, huge).values;
	for (let i = 0; i < errors.length; i += 4) expect(errors.subarray(i, i + 4).reduce((sum, e) => sum + e, 0)).toBeCloseTo(0, 12);
});

describe("Hessian", () => {
	const p = probabilities(x, weights, 4);

	test("products are differences of gradients", () => {
		const v = Float64Array.from({ length: 20 * 3 }, uniform(6n));
		const product = hessianProduct(x, p, { values: v, rows: 20, columns: 3 }, ridge).values;
		const h = 1e-6;
		for (let j = 0; j < 3; j++) {
			const at = (sign: number) =>
				slowGradient(
					rows,
					weights.map((w, i) => w + sign * h * (v[i * 3 + j] as number)),
					ridge,
				);
			const [up, down] = [at(1), at(-1)];
			up.forEach((value, i) => {
				expect(product[i * 3 + j]).toBeCloseTo((value - (down[i] as number)) / (2 * h), 7);
			});
		}
	});

	test.each([ridge, 0])("the factor solves the systems of gradients, ridge %d", (lambda) => {
		const errors = logitErrors(rows, weights);
		const columns = 60;
		const values = new Float64Array(20 * columns);
		for (let i = 0; i < columns; i++) {
			for (let f = 0; f < 5; f++) {
				for (let c = 0; c < 4; c++)
					values[(f * 4 + c) * columns + i] = (rows.x[i * 5 + f] as number) * (errors.values[i * 4 + c] as number);
			}
		}
		const rhs = { values, rows: 20, columns };
		const solved = factoriseHessian(x, p, lambda).solve(rhs);
		expect(largest(hessianProduct(x, p, solved, lambda).values.map((value, i) => value - (values[i] as number)))).toBeLessThan(1e-10);
	});

	test("contrasts are orthonormal and see no sum over classes", () => {
		const q = contrasts(7);
		multiply(q, q, { left: true }).values.forEach((value, at) => {
			expect(value).toBeCloseTo(at % 7 === 0 ? 1 : 0, 12);
		});
		for (let a = 0; a < 6; a++) {
			let sum = 0;
			for (let c = 0; c < 7; c++) sum += q.values[c * 6 + a] as number;
			expect(sum).toBeCloseTo(0, 12);
		}
	});

	test("is refused where it is singular or too large", async () => {
		const twice = { values: Float64Array.from({ length: 120 }, (_, at) => rows.x[Math.floor(at / 2)] as number), rows: 60, columns: 2 };
		expect(await refusal(() => factoriseHessian(twice, p, 0))).toMatchObject({ code: "ILL_CONDITIONED" });
		factoriseHessian(twice, p, 1e-6);
		const wide = { values: new Float64Array(2800), rows: 1, columns: 2800 };
		const one = { values: Float64Array.of(0.25, 0.25, 0.25, 0.25), rows: 1, columns: 4 };
		expect(await refusal(() => factoriseHessian(wide, one, 1))).toEqual({
			code: "TOO_MANY_FEATURES",
			message: expect.stringContaining("at most 8192 parameters, got 2800 features x 3"),
		});
	});
});

describe("conjugate gradients", () => {
	const p = probabilities(x, weights, 4);
	const rhs = {
		values: Float64Array.from({ length: 20 * 3 }, (_, at) => (at % 3 === 2 ? 0 : uniform(BigInt(at))())),
		rows: 20,
		columns: 3,
	};
	const apply = (v: Matrix<Float64Array>) => hessianProduct(x, p, v, ridge);

	test.each([
		["plain", undefined],
		["conditioned", blockPreconditioner(x, p, ridge)],
	])("solve every column, a column of zeros by zero: %s", async (_, precondition) => {
		const { solution, residual } = await conjugateGradients(apply, rhs, {
			tolerance: 1e-12,
			iterations: 100,
			...(precondition === undefined ? {} : { precondition }),
		});
		expect(residual).toBeLessThanOrEqual(1e-12);
		expect(largest(apply(solution).values.map((value, i) => value - (rhs.values[i] as number)))).toBeLessThan(1e-11);
		for (let f = 0; f < 20; f++) expect(solution.values[f * 3 + 2]).toBe(0);
	});

	test("take fewer iterations when they are conditioned", async () => {
		const setting = { tolerance: 1e-8, iterations: 200 };
		const scaled = { ...x, values: x.values.map((value, at) => value * 4 ** (at % 5)) };
		const hard = (v: Matrix<Float64Array>) => hessianProduct(scaled, p, v, ridge);
		const plain = await conjugateGradients(hard, rhs, setting);
		const conditioned = await conjugateGradients(hard, rhs, { ...setting, precondition: blockPreconditioner(scaled, p, ridge) });
		expect(conditioned.iterations).toBeLessThan(plain.iterations);
	});

	test("are refused where they do not converge or the matrix is not positive definite", async () => {
		expect(await refusal(() => conjugateGradients(apply, rhs, { tolerance: 1e-12, iterations: 2 }))).toEqual({
			code: "NOT_CONVERGED",
			message: expect.stringContaining("after 2 iterations"),
		});
		expect((await conjugateGradients(apply, rhs, { tolerance: 1e-12, iterations: 2, truncate: true })).iterations).toBe(2);
		const negative = (v: Matrix<Float64Array>) => ({ ...v, values: v.values.map((value) => -value) });
		expect(await refusal(() => conjugateGradients(negative, rhs, { tolerance: 1e-12, iterations: 9 }))).toMatchObject({
			code: "ILL_CONDITIONED",
		});
		const control = { tolerance: 1e-12, iterations: 9, signal: AbortSignal.abort(new Error("enough")) };
		await expect(conjugateGradients(apply, rhs, control)).rejects.toThrow("enough");
	});
});
