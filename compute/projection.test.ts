import { describe, expect, test } from "vitest";
import type { NetworkGradients } from "./ghost.ts";
import { draw, farthest } from "./hessian/testing.ts";
import { type Matrix, matrix } from "./matrix.ts";
import { projectGradients, projectRows } from "./projection.ts";
import { generator, splitmix64 } from "./random.ts";
import { openReference } from "./reference/backend.ts";
import { BACKENDS } from "./tested-backends.ts";
import { refusal, tracked } from "./testing.ts";

function random(rows: number, columns: number, seed: bigint): Matrix<Float32Array> {
	const next = generator(seed);
	return matrix(
		Float32Array.from({ length: rows * columns }, () => draw(next)),
		rows,
		columns,
	);
}

/** Signs in the order in which they are drawn. */
function signsOf(count: number, seed: bigint): number[] {
	const next = generator(seed);
	const words = Array.from({ length: Math.ceil(count / 32) }, () => next());
	return Array.from({ length: count }, (_, at) => (((words[at >> 5] as number) >>> (31 - (at & 31))) & 1 ? 1 : -1));
}

/** x P / sqrt(dimension) in float64. */
function product(x: Matrix<Float32Array>, p: readonly number[], dimension: number): number[] {
	return Array.from({ length: x.rows * dimension }, (_, at) => {
		const [row, q] = [Math.floor(at / dimension), at % dimension];
		let sum = 0;
		for (let f = 0; f < x.columns; f++) sum += (x.values[row * x.columns + f] as number) * (p[f * dimension + q] as number);
		return sum / Math.sqrt(dimension);
	});
}

const gramOf = ({ values, rows, columns }: Matrix<Float32Array>) =>
	Array.from({ length: rows * rows }, (_, at) => {
		let sum = 0;
		for (let q = 0; q < columns; q++)
			sum += (values[Math.floor(at / rows) * columns + q] as number) * (values[(at % rows) * columns + q] as number);
		return sum;
	});

const x = random(9, 50, 1n);
/** A convolution of 4 places and 6 x 2 weights, then 8 inputs and 3 outputs. */
const gradients: NetworkGradients = {
	examples: 9,
	layers: [
		{ inputs: random(36, 6, 2n), errors: random(36, 2, 3n) },
		{ inputs: random(9, 8, 4n), errors: random(9, 3, 5n) },
	],
};

/** Each example's gradient in a layer, written out: weights, then bias. */
function written({ inputs, errors }: NetworkGradients["layers"][number]): Matrix<Float32Array> {
	const places = inputs.rows / 9;
	const [a, e] = [inputs.columns, errors.columns];
	const values = Float32Array.from({ length: 9 * (a + 1) * e }, (_, at) => {
		const [i, rest] = [Math.floor(at / ((a + 1) * e)), at % ((a + 1) * e)];
		let sum = 0;
		for (let p = i * places; p < (i + 1) * places; p++) {
			sum += (rest < a * e ? (inputs.values[p * a + Math.floor(rest / e)] as number) : 1) * (errors.values[p * e + (rest % e)] as number);
		}
		return sum;
	});
	return matrix(values, 9, (a + 1) * e);
}

describe.each(BACKENDS)("on %s", (_, open) => {
	test("rows are multiplied by the signs of the seed", async () => {
		const backend = await open();
		const { values, rows, columns } = await projectRows(backend, x, { dimension: 7, seed: 42n });
		expect([rows, columns]).toEqual([9, 7]);
		expect(farthest(values, product(x, signsOf(50 * 7, 42n), 7))).toBeLessThan(1e-6);
		await backend.close();
	});

	test("gradients are multiplied by outer products of signs, those of convolutions by signs", async () => {
		const backend = await open();
		const [dimension, seed] = [11, 42n];
		const { values, rows, columns } = await projectGradients(backend, gradients, { dimension, seed });
		expect([rows, columns]).toEqual([9, dimension]);
		const seeds = splitmix64(seed);
		const first = product(written(gradients.layers[0] as NetworkGradients["layers"][number]), signsOf(14 * dimension, seeds()), dimension);
		const drawn = signsOf(dimension * (8 + 3), seeds());
		const [u, v] = [drawn.slice(0, 8 * dimension), drawn.slice(8 * dimension)];
		const outer = Array.from({ length: 27 * dimension }, (_, at) => {
			const [place, q] = [Math.floor(at / dimension), at % dimension];
			const input = place < 24 ? (u[q * 8 + Math.floor(place / 3)] as number) : 1;
			return input * (v[q * 3 + (place % 3)] as number);
		});
		const second = product(written(gradients.layers[1] as NetworkGradients["layers"][number]), outer, dimension);
		expect(
			farthest(
				values,
				first.map((value, i) => value + (second[i] as number)),
			),
		).toBeLessThan(1e-6);
		await backend.close();
	});
});

describe("inner products are kept", () => {
	const options = { dimension: 4096, seed: 7n };

	test.each(["signs", "normal"] as const)("by %s", async (entries) => {
		expect(farthest(gramOf(await projectRows(openReference(), x, { ...options, entries })), gramOf(x))).toBeLessThan(0.05);
	});

	test("of gradients", async () => {
		const projected = gramOf(await projectGradients(openReference(), gradients, options));
		const [one, other] = gradients.layers.map((layer) => gramOf(written(layer))) as [number[], number[]];
		expect(
			farthest(
				projected,
				one.map((value, i) => value + (other[i] as number)),
			),
		).toBeLessThan(0.1);
	});

	test("normal numbers have mean 0, variance 1 and the tails of a normal distribution", async () => {
		const unit = matrix(Float32Array.of(1), 1, 1);
		const { values } = await projectRows(openReference(), unit, { dimension: 20_000, seed: 3n, entries: "normal" });
		const numbers = values.map((value) => value * Math.sqrt(20_000));
		const mean = (power: number) => numbers.reduce((sum, value) => sum + value ** power, 0) / numbers.length;
		expect([mean(1), mean(2), mean(3), mean(4)].map((value, i) => Math.abs(value - [0, 1, 0, 3][i]!) < [0.03, 0.05, 0.1, 0.2][i]!)).toEqual(
			Array(4).fill(true),
		);
	});
});

describe("in parts", () => {
	const tensorBytes = 4 * 30;

	test.each(["signs", "normal"] as const)("rows by %s give the same, and nothing is left on the backend", async (entries) => {
		const { backend, live } = tracked(openReference(), { tensorBytes });
		const options = { dimension: 7, seed: 42n, entries };
		const told: [number, number][] = [];
		const parts = await projectRows(backend, x, options, { progress: (done, of) => told.push([done, of]) });
		expect(farthest(parts.values, (await projectRows(openReference(), x, options)).values)).toBeLessThan(1e-6);
		// 4 rows of P and 4 of x at a time.
		expect(told.at(-1)).toEqual([13 * 3, 13 * 3]);
		expect(live()).toEqual([]);
	});

	test("gradients as well", async () => {
		const { backend, live } = tracked(openReference(), { tensorBytes });
		const options = { dimension: 7, seed: 42n };
		const parts = await projectGradients(backend, gradients, options);
		expect(farthest(parts.values, (await projectGradients(openReference(), gradients, options)).values)).toBeLessThan(1e-6);
		expect(live()).toEqual([]);
	});

	test("a signal ends them", async () => {
		const { backend, live } = tracked(openReference(), { tensorBytes });
		const stop = () => {
			const controller = new AbortController();
			return { signal: controller.signal, progress: () => controller.abort(new Error("enough")) };
		};
		await expect(projectRows(backend, x, { dimension: 7, seed: 1n }, stop())).rejects.toThrow("enough");
		await expect(projectGradients(backend, gradients, { dimension: 7, seed: 1n }, stop())).rejects.toThrow("enough");
		expect(live()).toEqual([]);
	});
});

describe("refused", () => {
	test.each([0, -1, 1.5, Number.NaN])("a dimension of %s", async (dimension) => {
		const expected = { code: "PARAMETER_OUT_OF_RANGE", message: `projection: expected a dimension of at least 1, got ${dimension}` };
		expect(await refusal(() => projectRows(openReference(), x, { dimension, seed: 1n }))).toEqual(expected);
		expect(await refusal(() => projectGradients(openReference(), gradients, { dimension, seed: 1n }))).toEqual(expected);
	});

	test("gradients of other examples", async () => {
		expect(await refusal(() => projectGradients(openReference(), { ...gradients, examples: 5 }, { dimension: 3, seed: 1n }))).toMatchObject(
			{
				code: "SHAPE_MISMATCH",
			},
		);
	});
});
