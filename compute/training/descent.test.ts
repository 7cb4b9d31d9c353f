import { describe, expect, test } from "vitest";
import { matrix } from "../matrix.ts";
import { below, generator } from "../random.ts";
import { Descent } from "./descent.ts";
import { sparseRows } from "./inputs.ts";
import { copyNetwork, type FloatRows, initialise } from "./network.ts";
import { plainStepper } from "./testing.ts";

/** Rows of which a share of values is the background. */
function rowsOf(n: number, inputs: number, k: number, background: number, share: number): FloatRows {
	const next = generator(BigInt(n + inputs));
	const x = Float32Array.from({ length: n * inputs }, () => (next() / 2 ** 32 < share ? background : (2 * next()) / 2 ** 32 - 1));
	return { x: matrix(x, n, inputs), label: Uint8Array.from({ length: n }, () => below(next, k)) };
}

const SETTINGS = { batch: 13, rate: 0.05, momentum: 0.9, dropout: 0.3, weightDecay: 0.01 };

describe.each([
	["dense rows", 0, 0],
	["sparse rows", 0, 0.8],
	["rows with a background", -0.4242, 0.8],
] as const)("%s", (_, background, share) => {
	test.each([[[11, 3]], [[70, 10]], [[30, 9, 4]], [[33, 70, 17, 5]], [[20, 130, 64, 10]]])(
		"a network of %j takes the steps of the definition",
		(sizes) => {
			const [inputs, k] = [sizes[0] as number, sizes.at(-1) as number];
			const rows = rowsOf(40, inputs, k, background, share);
			const network = initialise(sizes, 3n);
			const expected = copyNetwork(network);
			const [descent, plain] = [new Descent(network, rows, SETTINGS, generator(9n)), plainStepper(expected, rows, SETTINGS, generator(9n))];
			const next = generator(4n);
			for (let step = 0; step < 12; step++) {
				const batch = Uint32Array.from({ length: step % 3 === 2 ? 5 : 13 }, () => below(next, 40));
				expect(descent.step(batch)).toBeCloseTo(plain(batch), 5);
			}
			descent.network().layers.forEach(({ weights, bias }, l) => {
				const layer = expected.layers[l] as (typeof expected.layers)[number];
				const worst = (a: Float32Array, b: Float32Array) =>
					a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
				expect([weights.rows, weights.columns, weights.values.length]).toEqual([
					layer.weights.rows,
					layer.weights.columns,
					layer.weights.values.length,
				]);
				expect(worst(weights.values, layer.weights.values)).toBeLessThan(2e-6);
				expect(worst(bias, layer.bias)).toBeLessThan(2e-6);
			});
			descent.close();
		},
	);
});

test("a memory that was used before gives the same bits", () => {
	const rows = rowsOf(30, 12, 3, 0, 0.7);
	const run = () => {
		const descent = new Descent(initialise([12, 9, 3], 1n), rows, SETTINGS, generator(2n));
		for (let step = 0; step < 4; step++) descent.step(Uint32Array.of(1, 2, 3 + step, 20));
		const network = descent.network();
		descent.close();
		return network;
	};
	const first = run();
	const other = new Descent(initialise([90, 33, 5], 1n), rowsOf(20, 90, 5, 0, 0), SETTINGS, generator(2n));
	other.step(Uint32Array.of(0, 1, 2));
	other.close();
	expect(run()).toEqual(first);
});

describe("inputs by their differences from a background", () => {
	test.each([
		[0, 0.9],
		[-0.5, 0.6],
	])("%d", (background, share) => {
		const { x } = rowsOf(25, 31, 2, background, share);
		const sparse = sparseRows(x, 10);
		if (!sparse) throw new Error("expected sparse rows");
		expect(sparse.background).toBe(background);
		const back = new Float32Array(x.values.length).fill(background);
		const differences = new Float32Array(sparse.entries.buffer);
		for (let row = 0; row < 25; row++) {
			for (let at = sparse.starts[row] as number; at < (sparse.starts[row + 1] as number); at += 2) {
				(back[row * 31 + (sparse.entries[at] as number) / 10] as number) += differences[at + 1] as number;
			}
		}
		back.forEach((value, i) => {
			expect(value).toBeCloseTo(x.values[i] as number, 6);
		});
	});

	test("are not used where most values differ", () => {
		expect(sparseRows(rowsOf(25, 31, 2, 0, 0.3).x, 1)).toBeUndefined();
	});
});
