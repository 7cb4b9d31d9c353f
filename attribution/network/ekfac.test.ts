import { describe, expect, test } from "vitest";
import { cholesky } from "../../compute/cholesky.ts";
import { matrix } from "../../compute/matrix.ts";
import { refusal } from "../../compute/testing.ts";
import { type FloatRows, gradients, type LayerGradients, type Network } from "../../compute/training/network.ts";
import { type EkfacParameters, ekfacMethod } from "./ekfac.ts";
import { basisMaker, rotate, writeOut } from "./kronecker.ts";
import { fisherGradients } from "./output.ts";
import { dot, farthest, tinyNetwork, tinyRows, written } from "./testing.ts";

const [train, rest] = [tinyRows(40, 1n), tinyRows(70, 2n)];
const networks = [tinyNetwork(3n), tinyNetwork(4n)];
const pairsOf = async (parameters: EkfacParameters, rows = train, tests = rest) =>
	(await ekfacMethod(parameters).cache(rows)).pairs?.(tests);

/** The Fisher information of one layer by its definition. */
function fisher(network: Network, rows: FloatRows, l: number): { values: Float64Array; d: number } {
	const all = fisherGradients(network, rows).flatMap((layers) => written([layers[l] as LayerGradients]));
	const d = all[0]?.length ?? 0;
	const values = new Float64Array(d * d);
	for (const g of all) {
		for (let i = 0; i < d; i++)
			for (let j = 0; j < d; j++) (values[i * d + j] as number) += ((g[i] as number) * (g[j] as number)) / rows.x.rows;
	}
	return { values, d };
}

/** Rows of one and the same input and all labels: what a layer is given does not vary, so it is independent of its errors. */
const one = tinyRows(12, 8n);
const same: FloatRows = {
	...one,
	x: matrix(
		one.x.values.map((_, at) => one.x.values[at % 6] as number),
		12,
		6,
	),
};

test.each([
	["one layer", [6, 3]],
	["three layers", [6, 5, 4, 3]],
])("is exact where inputs and errors are independent: %s", async (_, sizes) => {
	const network = tinyNetwork(5n, sizes);
	const expected = new Array<number>(12 * 70).fill(0);
	network.layers.forEach((_, l) => {
		const { values, d } = fisher(network, same, l);
		const trace = Array.from({ length: d }, (_, i) => values[i * d + i] as number).reduce((sum, value) => sum + value, 0);
		const factor = cholesky(matrix(values, d, d), (0.2 * trace) / d);
		const left = written([gradients(network, same)[l] as LayerGradients]);
		written([gradients(network, rest)[l] as LayerGradients]).forEach((g, j) => {
			const solved = Array.from(factor.solve(matrix(Float64Array.from(g), d, 1)).values);
			left.forEach((own, i) => {
				(expected[i * 70 + j] as number) += dot(own, solved);
			});
		});
	});
	const pairs = await pairsOf({ networks: [network], damping: 0.2 }, same);
	expect([pairs?.entries, pairs?.tests]).toEqual([12, 70]);
	expect(farthest(pairs?.scores ?? [], expected)).toBeLessThan(1e-4);
});

test("the basis is orthogonal, its eigenvalues are second moments in it and add up to the trace", async () => {
	const [network] = networks as [Network];
	const bases = await basisMaker(train)([network]);
	bases.forEach((basis, l) => {
		const moments = new Float64Array(basis.eigenvalues.values.length);
		for (const layers of fisherGradients(network, train)) {
			// (inputs + 1) x rows x outputs.
			const { values, inputs, tests, outputs } = rotate(writeOut(layers[l] as LayerGradients), basis);
			for (let i = 0, at = 0; i < inputs; i++) {
				for (let t = 0; t < tests; t++)
					for (let j = 0; j < outputs; j++, at++) (moments[i * outputs + j] as number) += (values[at] as number) ** 2 / tests;
			}
		}
		expect(farthest(basis.eigenvalues.values, Array.from(moments))).toBeLessThan(1e-5);
		const { values, d } = fisher(network, train, l);
		const trace = Array.from({ length: d }, (_, i) => values[i * d + i] as number).reduce((sum, value) => sum + value, 0);
		expect(basis.eigenvalues.values.reduce((sum, value) => sum + value, 0) / trace).toBeCloseTo(1, 5);
		const gradient = writeOut(gradients(network, rest)[l] as LayerGradients);
		expect(farthest(rotate(rotate(gradient, basis), basis, true).values, Array.from(gradient.values))).toBeLessThan(1e-5);
	});
});

test("is symmetric, and positive for a row and itself", async () => {
	const pairs = await pairsOf({ networks, damping: 0.1 }, train, train);
	const score = (i: number, j: number) => pairs?.scores[i * 40 + j] as number;
	const size = Math.max(...(pairs?.scores ?? []));
	for (let i = 0; i < 40; i++) {
		expect(score(i, i)).toBeGreaterThan(0);
		for (let j = 0; j < i; j++) expect(Math.abs(score(i, j) - score(j, i)) / size).toBeLessThan(1e-5);
	}
});

test("of several networks is the mean, and with much damping grad-dot", async () => {
	const [both, ...parts] = await Promise.all(
		[networks, ...networks.map((network) => [network])].map((some) => pairsOf({ networks: some })),
	);
	const mean = Array.from(both?.scores ?? [], (_, at) => parts.reduce((sum, part) => sum + (part?.scores[at] as number) / 2, 0));
	expect(farthest(both?.scores ?? [], mean)).toBeLessThan(1e-5);
	const [network] = networks as [Network];
	// Of one layer: the damping of several differs.
	const single: Network = { layers: network.layers.slice(0, 1) };
	const damped = await pairsOf({ networks: [single], damping: 1e6 }, train, rest);
	const right = written(gradients(single, rest));
	const dots = written(gradients(single, train)).flatMap((own) => right.map((other) => dot(own, other)));
	const ratio = (damped?.scores[0] as number) / (dots[0] as number);
	expect(
		farthest(
			damped?.scores ?? [],
			dots.map((value) => ratio * value),
		),
	).toBeLessThan(1e-4);
});

test("attribute is the mean over test examples", async () => {
	const cached = await ekfacMethod({ networks }).cache(train);
	const pairs = await cached.pairs?.(rest);
	const { scores, total } = await cached.attribute(rest);
	expect(total).toBe(null);
	scores.forEach((score, i) => {
		const own = Array.from(pairs?.scores.slice(70 * i, 70 * i + 70) ?? []);
		expect(score).toBeCloseTo(own.reduce((sum, value) => sum + value, 0) / 70, 8);
	});
});

describe("refused", () => {
	test.each([0, -1, Number.NaN, Infinity])("a damping of %s", async (damping) => {
		expect(await refusal(() => ekfacMethod({ networks, damping }))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: `ekfac: damping: expected a finite number above 0, got ${damping}`,
		});
	});

	test("no networks, networks of other sizes, rows of another width", async () => {
		expect(await refusal(() => ekfacMethod({ networks: [] }))).toMatchObject({ code: "TOO_FEW_ROWS" });
		expect(await refusal(() => ekfacMethod({ networks: [...networks, tinyNetwork(1n, [6, 3])] }))).toMatchObject({
			code: "SHAPE_MISMATCH",
		});
		expect(await refusal(() => ekfacMethod({ networks }).cache(tinyRows(5, 1n, 7)))).toMatchObject({ code: "SHAPE_MISMATCH" });
	});

	test("a signal stops it", async () => {
		const stop = { signal: AbortSignal.abort(new Error("enough")) };
		await expect(ekfacMethod({ networks }).cache(train, stop)).rejects.toThrow("enough");
		await expect((await ekfacMethod({ networks }).cache(train)).pairs?.(rest, stop)).rejects.toThrow("enough");
	});
});
