import { expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { margins } from "./output.ts";
import { randomProjection } from "./projection.ts";
import { dot, tinyNetwork, tinyRows, written } from "./testing.ts";

const network = tinyNetwork(1n);
const { gradients } = margins(network, tinyRows(7, 2n));
const rowsOf = ({ values, rows, columns }: { values: Float32Array; rows: number; columns: number }) =>
	Array.from({ length: rows }, (_, i) => Array.from(values.subarray(i * columns, (i + 1) * columns)));

test("is linear in the gradient: a projection of unit gradients gives its matrix, of entries +-1 / sqrt(dimension)", () => {
	const dimension = 20;
	const project = randomProjection(network, dimension, 3n);
	const projected = rowsOf(project(gradients));
	// Two rows of the errors added up, on the inputs of the first of them, are projected to the sum.
	const both = gradients.map(({ inputs, errors }) => ({ inputs, errors: { ...errors, values: errors.values.map((value) => 3 * value) } }));
	rowsOf(project(both)).forEach((row, i) => {
		row.forEach((value, q) => {
			expect(value).toBeCloseTo(3 * (projected[i]?.[q] as number), 4);
		});
	});
	const [{ inputs, errors }] = gradients as [(typeof gradients)[number]];
	const none = gradients
		.slice(1)
		.map((layer) => ({ ...layer, errors: { ...layer.errors, values: new Float32Array(layer.errors.values.length) } }));
	for (let i = 0; i < inputs.columns; i++) {
		for (let j = 0; j < errors.columns; j++) {
			const unit = (size: number, at: number) => ({
				values: Float32Array.from({ length: size }, (_, c) => (c === at ? 1 : 0)),
				rows: 1,
				columns: size,
			});
			const withBias = project([{ inputs: unit(inputs.columns, i), errors: unit(errors.columns, j) }, ...none.map(firstRow)]);
			const bias = project([{ inputs: unit(inputs.columns, -1), errors: unit(errors.columns, j) }, ...none.map(firstRow)]);
			withBias.values.forEach((value, q) => {
				expect(Math.abs(value - (bias.values[q] as number))).toBeCloseTo(1 / Math.sqrt(dimension), 6);
			});
		}
	}
});

test("keeps inner products, on average", () => {
	const exact = written(gradients);
	const size = Math.max(...exact.map((one) => dot(one, one)));
	const projected = rowsOf(randomProjection(network, 20_000, 4n)(gradients));
	exact.forEach((one, i) => {
		exact.forEach((other, j) => {
			expect(Math.abs(dot(one, other) - dot(projected[i] as number[], projected[j] as number[])) / size).toBeLessThan(0.06);
		});
	});
});

test("follows from the seed", () => {
	const projected = (seed: bigint) => randomProjection(network, 16, seed)(gradients).values;
	expect(projected(5n)).toEqual(projected(5n));
	expect(projected(5n)).not.toEqual(projected(6n));
});

test("refused: a dimension of 0", async () => {
	expect(await refusal(() => randomProjection(network, 0, 1n))).toEqual({
		code: "PARAMETER_OUT_OF_RANGE",
		message: "randomProjection: expected a dimension of at least 1, got 0",
	});
});

function firstRow({ inputs, errors }: (typeof gradients)[number]) {
	const first = ({ values, columns }: typeof inputs) => ({ values: values.slice(0, columns), rows: 1, columns });
	return { inputs: first(inputs), errors: first(errors) };
}
