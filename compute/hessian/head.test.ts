import { describe, expect, test } from "vitest";
import { conjugateGradients } from "../conjugate-gradients.ts";
import { type Matrix, matrix } from "../matrix.ts";
import { generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { factoriseHessian, hessianProduct } from "../softmax-hessian.ts";
import { BACKENDS } from "../tested-backends.ts";
import { refusal, tracked } from "../testing.ts";
import { headHessian } from "./head.ts";
import { Definition, draw, farthest, randomNetwork, softmax } from "./testing.ts";

const [N, D, K, RIDGE] = [40, 6, 4, 1e-2];
const { x, weights, p } = headOf(N, D, K, 1n);

function headOf(n: number, d: number, k: number, seed: bigint) {
	const next = generator(seed);
	// The last feature is the constant of a bias.
	const x = matrix(
		Float32Array.from({ length: n * d }, (_, at) => (at % d === d - 1 ? 1 : draw(next))),
		n,
		d,
	);
	const weights = matrix(
		Float32Array.from({ length: d * k }, () => draw(next)),
		d,
		k,
	);
	const p = new Float64Array(n * k);
	for (let i = 0; i < n; i++) {
		const z = Float64Array.from({ length: k }, (_, c) => {
			let sum = 0;
			for (let f = 0; f < d; f++) sum += (x.values[i * d + f] as number) * (weights.values[f * k + c] as number);
			return sum;
		});
		p.set(softmax(z), i * k);
	}
	return { x, weights, p: matrix(p, n, k) };
}

const doubles = ({ values, rows, columns }: Matrix<Float32Array>) => matrix(Float64Array.from(values), rows, columns);

function directions(rows: number, columns: number, seed: bigint): Matrix<Float64Array> {
	const next = generator(seed);
	return matrix(
		Float64Array.from({ length: rows * columns }, () => Math.fround(draw(next))),
		rows,
		columns,
	);
}

describe.each(BACKENDS)("on %s", (_, open) => {
	test.each([1, 3])("products with %i directions are those in float64", async (m) => {
		const backend = await open();
		const v = directions(D * K, m, 2n);
		const hessian = headHessian(backend, { x, weights, ridge: RIDGE });
		const { values, rows, columns } = await hessian.product(v);
		expect([hessian.parameters, rows, columns]).toEqual([D * K, D * K, m]);
		expect(farthest(values, hessianProduct(doubles(x), p, v, RIDGE).values)).toBeLessThan(1e-6);
		hessian.close();
		await backend.close();
	});

	test("are the differences of gradients", async () => {
		const architecture = { input: { height: 1, width: 1, channels: D }, layers: [{ kind: "dense", outputs: K }] } as const;
		const { layers, rows } = randomNetwork(architecture, N, 3n);
		const own = layers[0]?.weights as Matrix<Float32Array>;
		const backend = await open();
		const v = directions(D * K, 1, 4n);
		const { values } = await headHessian(backend, { x: rows.x, weights: own, ridge: 0 }).product(v);
		const padded = (part: Float64Array) => Float64Array.of(...part, ...new Float64Array(K));
		const expected = new Definition(architecture, rows).hessianProduct(padded(Float64Array.from(own.values)), padded(v.values));
		expect(farthest(values, expected.subarray(0, D * K))).toBeLessThan(1e-5);
		await backend.close();
	});

	test("conjugate gradients solve with them as a factor in float64 does", async () => {
		const backend = await open();
		const hessian = headHessian(backend, { x, weights, ridge: RIDGE });
		// A gradient: its classes add up to 0.
		const rhs = await hessian.product(directions(D * K, 2, 5n));
		for (let at = 0; at < rhs.values.length; at += 2 * K) {
			for (const j of [0, 1]) {
				let mean = 0;
				for (let c = 0; c < K; c++) mean += (rhs.values[at + 2 * c + j] as number) / K;
				for (let c = 0; c < K; c++) rhs.values[at + 2 * c + j] = (rhs.values[at + 2 * c + j] as number) - mean;
			}
		}
		const { solution, iterations } = await conjugateGradients((v) => hessian.product(v), rhs, { tolerance: 1e-6, iterations: 100 });
		expect(farthest(solution.values, factoriseHessian(doubles(x), p, RIDGE).solve(rhs).values)).toBeLessThan(1e-4);
		expect(iterations).toBeLessThanOrEqual(D * K);
		await backend.close();
	});
});

describe("in parts", () => {
	// 3 rows or directions a part.
	const { backend, live } = tracked(openReference(), { tensorBytes: 3 * 4 * D });

	test("products are the same, and nothing is left on the backend", async () => {
		const told: [number, number][] = [];
		const v = directions(D * K, 5, 6n);
		const hessian = headHessian(backend, { x, weights, ridge: RIDGE });
		const { values } = await hessian.product(v, { progress: (done, of) => told.push([done, of]) });
		expect(farthest(values, hessianProduct(doubles(x), p, v, RIDGE).values)).toBeLessThan(1e-6);
		expect(told.at(-1)).toEqual([told.length, told.length]);
		expect(told.length).toBeGreaterThan(14);
		hessian.close();
		expect(live()).toEqual([]);
	});

	test("a signal ends them", async () => {
		const hessian = headHessian(backend, { x, weights, ridge: RIDGE });
		const controller = new AbortController();
		const control = { signal: controller.signal, progress: (done: number) => done === 2 && controller.abort(new Error("enough")) };
		await expect(hessian.product(directions(D * K, 1, 7n), control)).rejects.toThrow("enough");
		hessian.close();
		expect(live()).toEqual([]);
	});
});

describe("refused", () => {
	test("weights of other features, no rows, directions of other parameters", async () => {
		const backend = openReference();
		const code = "SHAPE_MISMATCH";
		expect(await refusal(() => headHessian(backend, { x, weights: matrix(new Float32Array(20), 5, 4), ridge: 0 }))).toEqual({
			code,
			message: "hessian: expected rows, and weights of as many features, got 40 x 6 and 5 x 4",
		});
		expect(await refusal(() => headHessian(backend, { x: matrix(new Float32Array(0), 0, 6), weights, ridge: 0 }))).toMatchObject({ code });
		expect(await refusal(() => headHessian(backend, { x, weights, ridge: 0 }).product(directions(23, 1, 1n)))).toEqual({
			code,
			message: "hessian: expected directions of 24 parameters, got 23",
		});
	});
});
