import { describe, expect, test } from "vitest";
import { cholesky } from "../../compute/cholesky.ts";
import { matrix } from "../../compute/matrix.ts";
import { splitmix64 } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import type { Network } from "../../compute/training/network.ts";
import { margins } from "./output.ts";
import { randomProjection } from "./projection.ts";
import { tangentKernelMethod } from "./tangent-kernel.ts";
import { dot, farthest, tinyNetwork, tinyRows, written } from "./testing.ts";
import { type TrakParameters, trakMethod } from "./trak.ts";

const [train, rest] = [tinyRows(30, 1n), tinyRows(6, 2n)];
const networks = [tinyNetwork(3n), tinyNetwork(4n)];
const pairsOf = async (parameters: TrakParameters) => (await trakMethod(parameters).cache(train)).pairs?.(rest);

/** phi_j^T (Phi^T Phi + ridge mean |phi|^2)^-1 phi_i by the definition. */
function solved(train: number[][], tests: number[][], ridge: number): number[] {
	const p = train[0]?.length ?? 0;
	const gram = new Float64Array(p * p);
	for (const phi of train)
		for (let a = 0; a < p; a++) for (let b = 0; b < p; b++) (gram[a * p + b] as number) += (phi[a] as number) * (phi[b] as number);
	const square = train.reduce((sum, phi) => sum + dot(phi, phi), 0) / train.length;
	const factor = cholesky(matrix(gram, p, p), ridge * square);
	const solutions = tests.map((phi) => Array.from(factor.solve(matrix(Float64Array.from(phi), p, 1)).values));
	return train.flatMap((phi) => solutions.map((solution) => dot(phi, solution)));
}

/** The scores of an ensemble by the definition, with `features` of a network's margin gradients. */
function ensemble(
	features: (network: Network, position: number, side: typeof train) => number[][],
	exponent: number,
	ridge: number,
): number[] {
	const all = networks.map((network, m) => solved(features(network, m, train), features(network, m, rest), ridge));
	const doubts = networks.map((network) => margins(network, train).doubts);
	return (all[0] as number[]).map((_, at) => {
		const i = Math.floor(at / rest.x.rows);
		const doubt = doubts.reduce((sum, one) => sum + (one[i] as number), 0) / networks.length;
		return (all.reduce((sum, one) => sum + (one[at] as number), 0) / networks.length) * doubt ** exponent;
	});
}

test("equals its definition with the projected gradients of each network", async () => {
	const draw = splitmix64(9n);
	const projections = networks.map((network) => randomProjection(network, 12, draw()));
	const features = (network: Network, m: number, side: typeof train) => {
		const { values, rows } = projections[m]?.(margins(network, side).gradients) ?? matrix(new Float32Array(0), 0, 0);
		return Array.from({ length: rows }, (_, i) => Array.from(values.subarray(12 * i, 12 * i + 12)));
	};
	for (const [ridge, exponent] of [
		[0, 1],
		[0.3, 1],
		[0.3, 0.75],
	] as const) {
		const pairs = await pairsOf({ networks, dimension: 12, ridge, exponent, seed: 9n });
		expect([pairs?.entries, pairs?.tests]).toEqual([30, 6]);
		expect(farthest(pairs?.scores ?? [], ensemble(features, exponent, ridge))).toBeLessThan(1e-4);
	}
	const plain = await pairsOf({ networks, dimension: 12, seed: 9n });
	expect(plain).toEqual(await pairsOf({ networks, dimension: 12, ridge: 0, exponent: 1, seed: 9n }));
});

test("comes near the definition without projection as the dimension grows", async () => {
	const expected = ensemble((network, _, side) => written(margins(network, side).gradients), 1, 0.3);
	const distance = async (dimension: number) =>
		farthest((await pairsOf({ networks, dimension, ridge: 0.3, seed: 1n }))?.scores ?? [], expected);
	const [few, many] = [await distance(30), await distance(3000)];
	expect(many).toBeLessThan(0.15);
	expect(many).toBeLessThan(few / 3);
});

test("follows from the seed", async () => {
	const options = { networks, dimension: 12, ridge: 0.1 };
	expect(await pairsOf({ ...options, seed: 5n })).toEqual(await pairsOf({ ...options, seed: 5n }));
	expect((await pairsOf({ ...options, seed: 6n }))?.scores).not.toEqual((await pairsOf({ ...options, seed: 5n }))?.scores);
});

describe("tangent kernel", () => {
	const [network] = networks as [Network];

	test("of one network with exponent 1 is TRAK's definition without projection", async () => {
		const expected = solved(written(margins(network, train).gradients), written(margins(network, rest).gradients), 0.3);
		const { doubts } = margins(network, train);
		for (const exponent of [1, 0.5, 0]) {
			const pairs = await (await tangentKernelMethod({ trainings: [[network]], ridge: 0.3, exponent }).cache(train)).pairs?.(rest);
			const weighted = expected.map((score, at) => score * (doubts[Math.floor(at / 6)] as number) ** exponent);
			expect(farthest(pairs?.scores ?? [], weighted)).toBeLessThan(1e-4);
		}
	});

	test("of several trainings is the mean of each, weighted by the mean of 1 - p", async () => {
		const all = networks.map((one) => solved(written(margins(one, train).gradients), written(margins(one, rest).gradients), 0.3));
		const doubts = networks.map((one) => margins(one, train).doubts);
		const expected = (all[0] ?? []).map((_, at) => {
			const mean = (values: (number | undefined)[]) => values.reduce((sum: number, value) => sum + (value as number), 0) / values.length;
			return mean(all.map((one) => one[at])) * mean(doubts.map((one) => one[Math.floor(at / 6)])) ** 0.75;
		});
		const pairs = await (await tangentKernelMethod({ trainings: networks.map((one) => [one]), ridge: 0.3 }).cache(train)).pairs?.(rest);
		expect(farthest(pairs?.scores ?? [], expected)).toBeLessThan(1e-4);
	});

	test("of several checkpoints is that of their gradients side by side", async () => {
		// Of equal mean square each.
		const features = (side: typeof train) => {
			const parts = networks.map((one) => {
				const own = written(margins(one, train).gradients);
				const scale = Math.sqrt(own.reduce((sum, gradient) => sum + dot(gradient, gradient), 0) / own.length / 0.5);
				return written(margins(one, side).gradients).map((gradient) => gradient.map((value) => value / scale));
			});
			return (parts[0] as number[][]).map((part, i) => [...part, ...(parts[1]?.[i] ?? [])]);
		};
		const expected = solved(features(train), features(rest), 0.3);
		const pairs = await (await tangentKernelMethod({ trainings: [networks], ridge: 0.3, exponent: 0 }).cache(train)).pairs?.(rest);
		expect(farthest(pairs?.scores ?? [], expected)).toBeLessThan(1e-4);
	});

	test("is the influence of a row's weight in ridge regression on the tangent features", async () => {
		// The fit of targets y is K (K + ridge)^-1 y: raising target i by 1 moves prediction j by the score.
		const own = written(margins(network, train).gradients);
		const square = own.reduce((sum, gradient) => sum + dot(gradient, gradient), 0) / own.length;
		const pairs = await (await tangentKernelMethod({ trainings: [[network]], ridge: 0.5, exponent: 0 }).cache(train)).pairs?.(train);
		const kernel = Float64Array.from(own.flatMap((one) => own.map((other) => dot(one, other) / square)));
		const hat = cholesky(matrix(kernel.slice(), 30, 30), 0.5).solve(matrix(kernel, 30, 30)).values;
		expect(farthest(pairs?.scores ?? [], Array.from(hat))).toBeLessThan(1e-4);
	});

	test("attribute is the mean over test examples, and tells its progress", async () => {
		const told: number[][] = [];
		const cached = await tangentKernelMethod({ trainings: [networks] }).cache(train, { progress: (done, of) => told.push([done, of]) });
		expect(told).toEqual([
			[1, 2],
			[2, 2],
		]);
		const pairs = await cached.pairs?.(rest);
		const { scores, total } = await cached.attribute(rest);
		expect(total).toBe(null);
		scores.forEach((score, i) => {
			const own = Array.from(pairs?.scores.slice(6 * i, 6 * i + 6) ?? []);
			expect(score).toBeCloseTo(own.reduce((sum, value) => sum + value, 0) / 6, 10);
		});
	});

	test("refused: no training, a training without a network", async () => {
		const message = "tangent-kernel: no networks, at least 1 is needed";
		expect(await refusal(() => tangentKernelMethod({ trainings: [] }))).toEqual({ code: "TOO_FEW_ROWS", message });
		expect(await refusal(() => tangentKernelMethod({ trainings: [networks, []] }))).toEqual({ code: "TOO_FEW_ROWS", message });
	});

	test.each([
		["ridge", 0, "a finite number above 0"],
		["ridge", Number.NaN, "a finite number above 0"],
		["exponent", 1.5, "in [0, 1]"],
	])("refused: %s = %s", async (name, value, range) => {
		expect(await refusal(() => tangentKernelMethod({ trainings: [networks], [name]: value }))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: `tangent-kernel: ${name}: expected ${range}, got ${value}`,
		});
	});
});

describe("refused", () => {
	const attempt = (change: Partial<TrakParameters>) => refusal(async () => pairsOf({ networks, dimension: 12, seed: 1n, ...change }));

	test("no networks, networks of other sizes", async () => {
		expect(await attempt({ networks: [] })).toEqual({ code: "TOO_FEW_ROWS", message: "trak: no networks, at least 1 is needed" });
		expect(await attempt({ networks: [...networks, tinyNetwork(1n, [6, 4, 3])] })).toEqual({
			code: "SHAPE_MISMATCH",
			message: "trak: expected networks of 6 x 5, 5 x 4, 4 x 3, got 6 x 4, 4 x 3 at 2",
		});
	});

	test("a singular system without ridge", async () => {
		expect(await attempt({ dimension: 40 })).toMatchObject({ code: "ILL_CONDITIONED" });
		expect((await pairsOf({ networks, dimension: 40, ridge: 0.01, seed: 1n }))?.entries).toBe(30);
	});

	test("a ridge below 0, an exponent above 1, a dimension of 1.5", async () => {
		expect(await attempt({ exponent: 2 })).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "trak: exponent: expected in [0, 1], got 2",
		});
		expect(await attempt({ ridge: -1 })).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "trak: ridge: expected a finite number of at least 0, got -1",
		});
		expect(await attempt({ dimension: 1.5 })).toMatchObject({ code: "PARAMETER_OUT_OF_RANGE" });
	});

	test("a signal stops it", async () => {
		const method = trakMethod({ networks, dimension: 12, seed: 1n });
		await expect(method.cache(train, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
	});
});
