import { describe, expect, test } from "vitest";
import { matrix } from "../matrix.ts";
import { below, generator } from "../random.ts";
import { refusal } from "../testing.ts";
import { type FloatRows, forward, gradients, initialise, losses, type Network } from "./network.ts";

const next = generator(5n);
const uniform = () => (2 * next()) / 2 ** 32 - 1;
const rowsOf = (n: number, inputs: number, k: number): FloatRows => ({
	x: matrix(
		Float32Array.from({ length: n * inputs }, () => (below(next, 3) === 0 ? 0 : uniform())),
		n,
		inputs,
	),
	label: Uint8Array.from({ length: n }, () => below(next, k)),
});

/** The loss of a row by the definition, in float64, with one parameter moved. */
function loss(network: Network, rows: FloatRows, row: number, moved?: { layer: number; index: number; bias: boolean; by: number }): number {
	const d = rows.x.columns;
	let h = Array.from(rows.x.values.subarray(row * d, (row + 1) * d));
	network.layers.forEach(({ weights, bias }, l) => {
		const shift = (isBias: boolean, index: number) =>
			moved && moved.layer === l && moved.bias === isBias && moved.index === index ? moved.by : 0;
		const z = Array.from(bias, (b, j) => {
			let sum = b + shift(true, j);
			h.forEach((value, i) => {
				const index = i * weights.columns + j;
				sum += value * ((weights.values[index] as number) + shift(false, index));
			});
			return sum;
		});
		h = l === network.layers.length - 1 ? z : z.map((value) => Math.max(0, value));
	});
	return Math.log(h.reduce((sum, z) => sum + Math.exp(z), 0)) - (h[rows.label[row] as number] as number);
}

describe.each([
	["logistic regression", [7, 3]],
	["one hidden layer", [6, 5, 4]],
	["two hidden layers", [9, 8, 6, 5]],
])("%s", (_, sizes) => {
	const network = initialise(sizes, 3n);
	const rows = rowsOf(6, sizes[0] as number, sizes.at(-1) as number);

	test("losses equal their definition", () => {
		losses(network, rows).forEach((value, row) => {
			expect(value).toBeCloseTo(loss(network, rows, row), 5);
		});
	});

	test("gradients equal finite differences of each example's loss", () => {
		const h = 1e-5;
		gradients(network, rows).forEach(({ inputs, errors }, layer) => {
			const { weights, bias } = network.layers[layer] as Network["layers"][number];
			expect([inputs.columns, errors.columns]).toEqual([weights.rows, weights.columns]);
			for (let row = 0; row < rows.x.rows; row++) {
				const difference = (index: number, isBias: boolean) =>
					(loss(network, rows, row, { layer, index, bias: isBias, by: h }) -
						loss(network, rows, row, { layer, index, bias: isBias, by: -h })) /
					(2 * h);
				bias.forEach((_, j) => {
					expect(errors.values[row * bias.length + j]).toBeCloseTo(difference(j, true), 5);
				});
				weights.values.forEach((_, index) => {
					const [i, j] = [Math.floor(index / weights.columns), index % weights.columns];
					const product = (inputs.values[row * weights.rows + i] as number) * (errors.values[row * weights.columns + j] as number);
					expect(product).toBeCloseTo(difference(index, false), 5);
				});
			}
		});
	});
});

test("first weights lie within 1 / sqrt(inputs), fill that range, and follow from the seed", () => {
	const { layers } = initialise([400, 30, 10], 9n);
	for (const { weights, bias } of layers) {
		const bound = 1 / Math.sqrt(weights.rows);
		expect(Math.max(...weights.values, ...bias)).toBeLessThanOrEqual(bound);
		expect(Math.min(...weights.values, ...bias)).toBeGreaterThanOrEqual(-bound);
		// The variance of a uniform value is a third of the bound squared.
		const variance = weights.values.reduce((sum, w) => sum + w * w, 0) / weights.values.length;
		expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, 0);
	}
	expect(initialise([400, 30, 10], 9n)).toEqual({ layers });
	expect(initialise([400, 30, 10], 10n)).not.toEqual({ layers });
});

test("extreme logits give finite losses, and NaN is not hidden by ReLU", () => {
	const network = initialise([2, 2, 2], 1n);
	const rows = { x: matrix(Float32Array.of(1e30, -1e30), 1, 2), label: Uint8Array.of(0) };
	expect(losses(network, rows).every((value) => value >= 0 && Number.isFinite(value))).toBe(true);
	(network.layers[0] as Network["layers"][number]).weights.values.fill(Number.NaN);
	expect(forward(network, rows.x).values.every(Number.isNaN)).toBe(true);
});

describe("refused", () => {
	test.each([
		[[4], "[4]"],
		[[4, 0, 2], "[4, 0, 2]"],
		[[4, 2.5], "[4, 2.5]"],
	])("sizes %j", async (sizes, text) => {
		expect(initialise([4, 2], 1n).layers.length).toBe(1);
		expect(await refusal(() => initialise(sizes, 1n))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: `initialise: expected two sizes or more, all positive integers, got ${text}`,
		});
	});

	test("rows of another width, labels of another number or class", async () => {
		const network = initialise([3, 2], 1n);
		const rows = rowsOf(4, 3, 2);
		expect(losses(network, rows).length).toBe(4);
		expect(await refusal(() => losses(network, { ...rows, x: matrix(rows.x.values, 3, 4) }))).toMatchObject({ code: "SHAPE_MISMATCH" });
		expect(await refusal(() => losses(network, { ...rows, label: rows.label.slice(1) }))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "losses: expected 4 labels, got 3",
		});
		expect(await refusal(() => gradients(network, { ...rows, label: Uint8Array.of(0, 1, 2, 0) }))).toEqual({
			code: "LABEL_OUT_OF_RANGE",
			message: "gradients: row 2: label 2 is outside [0, 1]",
		});
	});
});
