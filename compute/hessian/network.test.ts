import { describe, expect, test } from "vitest";
import type { Architecture } from "../architecture.ts";
import { cholesky } from "../cholesky.ts";
import { conjugateGradients } from "../conjugate-gradients.ts";
import { type Matrix, matrix } from "../matrix.ts";
import { generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { BACKENDS } from "../tested-backends.ts";
import { refusal, tracked } from "../testing.ts";
import { networkHessian } from "./network.ts";
import { Definition, draw, farthest, randomNetwork } from "./testing.ts";

const ARCHITECTURES: readonly (readonly [string, Architecture])[] = [
	["a head", { input: { height: 1, width: 1, channels: 5 }, layers: [{ kind: "dense", outputs: 3 }] }],
	[
		"a perceptron",
		{
			input: { height: 1, width: 1, channels: 5 },
			layers: [
				{ kind: "dense", outputs: 6 },
				{ kind: "dense", outputs: 4 },
				{ kind: "dense", outputs: 3 },
			],
		},
	],
	[
		"convolutions",
		{
			input: { height: 5, width: 4, channels: 2 },
			layers: [
				{ kind: "convolution", channels: 3, kernel: 3, stride: 1, padding: 1 },
				{ kind: "convolution", channels: 2, kernel: 2, stride: 2, padding: 0 },
				{ kind: "dense", outputs: 3 },
			],
		},
	],
];
const PERCEPTRON = ARCHITECTURES[1]?.[1] as Architecture;
const RIDGE = 1e-2;

function directions(rows: number, columns: number, seed: bigint): Matrix<Float64Array> {
	const next = generator(seed);
	return matrix(
		Float64Array.from({ length: rows * columns }, () => Math.fround(draw(next))),
		rows,
		columns,
	);
}

const columnOf = ({ values, columns }: Matrix<Float64Array>, j: number) => values.filter((_, at) => at % columns === j);

describe.each(BACKENDS)("on %s", (_, open) => {
	describe.each(ARCHITECTURES)("%s", (_, architecture) => {
		const { layers, parameters, rows } = randomNetwork(architecture, 7, 1n);
		const definition = new Definition(architecture, rows);
		const v = directions(definition.parameters, 2, 2n);

		test("products with the Hessian are differences of gradients", async () => {
			const backend = await open();
			const hessian = networkHessian(backend, { architecture, layers, rows, ridge: RIDGE });
			const products = await hessian.product(v);
			for (const j of [0, 1]) {
				const own = columnOf(v, j);
				const expected = definition.hessianProduct(parameters, own).map((value, i) => value + RIDGE * (own[i] as number));
				expect(farthest(columnOf(products, j), expected)).toBeLessThan(1e-5);
			}
			hessian.close();
			await backend.close();
		});

		test("products with the Gauss-Newton matrix are its own", async () => {
			const backend = await open();
			const size = definition.parameters;
			const matrixOf = definition.gaussNewton(parameters);
			const products = await networkHessian(backend, { architecture, layers, rows, ridge: 0, gaussNewton: true }).product(v);
			const own = columnOf(v, 0);
			const expected = own.map((_, i) => own.reduce((sum, value, j) => sum + (matrixOf[i * size + j] as number) * value, 0));
			expect(farthest(columnOf(products, 0), expected)).toBeLessThan(1e-5);
			await backend.close();
		});
	});

	test("the Hessian of a perceptron has more than the Gauss-Newton matrix", async () => {
		const { layers, rows } = randomNetwork(PERCEPTRON, 7, 1n);
		const backend = await open();
		const products = await Promise.all(
			[false, true].map((gaussNewton) => {
				const hessian = networkHessian(backend, { architecture: PERCEPTRON, layers, rows, ridge: 0, gaussNewton });
				return hessian.product(directions(hessian.parameters, 1, 2n));
			}),
		);
		expect(farthest(products[0]?.values as Float64Array, products[1]?.values as Float64Array)).toBeGreaterThan(0.1);
		await backend.close();
	});

	test("conjugate gradients solve with the Gauss-Newton matrix as a factor in float64 does", async () => {
		const { layers, parameters, rows } = randomNetwork(PERCEPTRON, 7, 1n);
		const definition = new Definition(PERCEPTRON, rows);
		const backend = await open();
		const curvature = networkHessian(backend, { architecture: PERCEPTRON, layers, rows, ridge: RIDGE, gaussNewton: true });
		const rhs = matrix(definition.gradient(parameters), definition.parameters, 1);
		const { solution } = await conjugateGradients((v) => curvature.product(v), rhs, { tolerance: 1e-6, iterations: 200 });
		const whole = matrix(definition.gaussNewton(parameters), definition.parameters, definition.parameters);
		expect(farthest(solution.values, cholesky(whole, RIDGE).solve(rhs).values)).toBeLessThan(1e-4);
		await backend.close();
	});
});

test.each(ARCHITECTURES)("%s in parts gives the same, and leaves nothing on the backend", async (_, architecture) => {
	const { layers, rows } = randomNetwork(architecture, 7, 3n);
	const options = { architecture, layers, rows, ridge: RIDGE };
	const whole = networkHessian(openReference(), options);
	const v = directions(whole.parameters, 2, 4n);
	const widest = architecture.input.height > 1 ? 20 * 18 : 6;
	const { backend, live } = tracked(openReference(), { tensorBytes: 3 * 4 * widest });
	const told: [number, number][] = [];
	const parts = networkHessian(backend, options);
	const { values } = await parts.product(v, { progress: (done, of) => told.push([done, of]) });
	expect(farthest(values, (await whole.product(v)).values)).toBeLessThan(1e-6);
	expect(told).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]));
	parts.close();
	expect(live()).toEqual([]);
});

describe("refused", () => {
	const { layers, rows } = randomNetwork(PERCEPTRON, 7, 1n);
	const options = { architecture: PERCEPTRON, layers, rows, ridge: 0 };
	const backend = openReference();

	test.each([
		["layers of other sizes", { layers: layers.toReversed() }, "hessian: layer 0: expected 5 x 6 weights, got 4 x 3 and 3 biases"],
		["too few layers", { layers: layers.slice(0, 2) }, "hessian: layer 2: expected 4 x 3 weights, got 0 x 0 and 0 biases"],
		["rows of other values", { rows: { ...rows, x: matrix(new Float32Array(28), 7, 4) } }, "hessian: expected rows of 5 values, got 7 x 4"],
		["a label too few", { rows: { ...rows, label: rows.label.slice(1) } }, "hessian: expected 7 labels, got 6"],
	])("%s", async (_, change, message) => {
		expect(await refusal(() => networkHessian(backend, { ...options, ...change }))).toEqual({ code: "SHAPE_MISMATCH", message });
	});

	test("directions of other parameters, and a signal", async () => {
		const hessian = networkHessian(backend, options);
		expect(await refusal(() => hessian.product(directions(78, 1, 1n)))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "hessian: expected directions of 79 parameters, got 78",
		});
		const control = { signal: AbortSignal.abort(new Error("enough")) };
		const { backend: own, live } = tracked(backend);
		const stopped = networkHessian(own, options);
		await expect(stopped.product(directions(79, 1, 1n), control)).rejects.toThrow("enough");
		stopped.close();
		expect(live()).toEqual([]);
	});
});
