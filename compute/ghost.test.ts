import { describe, expect, test } from "vitest";
import { type NetworkGradients, networkGhost } from "./ghost.ts";
import { draw, farthest } from "./hessian/testing.ts";
import { type Matrix, matrix } from "./matrix.ts";
import { generator } from "./random.ts";
import { openReference } from "./reference/backend.ts";
import { BACKENDS } from "./tested-backends.ts";
import { refusal, tracked } from "./testing.ts";

/** Inputs, outputs and places of layers: a convolution, then dense ones. */
const LAYERS = [
	[9, 4, 6],
	[24, 5, 1],
	[5, 3, 1],
] as const;

function randomGradients(
	examples: number,
	seed: bigint,
	layers: readonly (readonly [number, number, number])[] = LAYERS,
): NetworkGradients {
	const next = generator(seed);
	const random = (rows: number, columns: number) =>
		matrix(
			Float32Array.from({ length: rows * columns }, () => draw(next)),
			rows,
			columns,
		);
	return {
		examples,
		layers: layers.map(([inputs, outputs, places]) => ({
			inputs: random(examples * places, inputs),
			errors: random(examples * places, outputs),
		})),
	};
}

/** Gradients as the sum over places of outer products, with a 1 for the bias, in float64. */
function written({ examples, layers }: NetworkGradients): number[][] {
	return Array.from({ length: examples }, (_, i) =>
		layers.flatMap(({ inputs, errors }) => {
			const places = inputs.rows / examples;
			const [a, e] = [inputs.columns, errors.columns];
			return Array.from({ length: (a + 1) * e }, (_, at) => {
				let sum = 0;
				for (let p = i * places; p < (i + 1) * places; p++) {
					const input = at < a * e ? (inputs.values[p * a + Math.floor(at / e)] as number) : 1;
					sum += input * (errors.values[p * e + (at % e)] as number);
				}
				return sum;
			});
		}),
	);
}

function dots(left: NetworkGradients, right: NetworkGradients): number[] {
	const others = written(right);
	return written(left).flatMap((own) => others.map((other) => own.reduce((sum, value, i) => sum + value * (other[i] as number), 0)));
}

const [left, right] = [randomGradients(7, 1n), randomGradients(5, 2n)];

test.each(BACKENDS)("products on %s are those of gradients written out", async (_, open) => {
	const backend = await open();
	const { values, rows, columns } = await networkGhost(backend, left, right);
	expect([rows, columns]).toEqual([7, 5]);
	expect(farthest(values, dots(left, right))).toBeLessThan(1e-6);
	await backend.close();
});

test("in parts they are the same, and nothing is left on the backend", async () => {
	const { backend, live } = tracked(openReference(), { tensorBytes: 4 * 40 * 3 });
	const told: [number, number][] = [];
	const { values } = await networkGhost(backend, left, right, { progress: (done, of) => told.push([done, of]) });
	expect(farthest(values, dots(left, right))).toBeLessThan(1e-6);
	expect(told).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]));
	const controller = new AbortController();
	const control = { signal: controller.signal, progress: () => controller.abort(new Error("enough")) };
	await expect(networkGhost(backend, left, right, control)).rejects.toThrow("enough");
	expect(live()).toEqual([]);
});

test("of no examples", async () => {
	expect((await networkGhost(openReference(), randomGradients(0, 1n), right)).values.length).toBe(0);
	expect((await networkGhost(openReference(), left, randomGradients(0, 1n))).values.length).toBe(0);
});

describe("refused", () => {
	const first = left.layers[0] as { inputs: Matrix<Float32Array>; errors: Matrix<Float32Array> };

	test.each([
		["another network", left, randomGradients(5, 1n, LAYERS.slice(1)), "expected layers of 9 x 4, 24 x 5, 5 x 3, got 24 x 5, 5 x 3"],
		["no layers", { examples: 3, layers: [] }, right, "expected at least one layer, got none"],
		[
			"factors of other examples",
			{ ...left, examples: 6 },
			right,
			"layer 1: expected factors of 6 examples, or a multiple for places, got 7 and 7 rows",
		],
		[
			"inputs and errors of other examples",
			{ ...left, layers: [{ ...first, errors: right.layers[0]?.errors as Matrix<Float32Array> }] },
			right,
			"layer 0: expected factors of 7 examples, or a multiple for places, got 42 and 30 rows",
		],
	])("%s", async (_, one, other, message) => {
		expect(await refusal(() => networkGhost(openReference(), one, other))).toEqual({
			code: "SHAPE_MISMATCH",
			message: `gradients: ${message}`,
		});
	});
});
