import { describe, expect, test } from "vitest";
import { matrix } from "../../compute/matrix.ts";
import { refusal } from "../../compute/testing.ts";
import { type FloatRows, gradients, type LayerGradients, type Network } from "../../compute/training/network.ts";
import type { Checkpoint } from "../../compute/training/train.ts";
import { fisherGradients } from "./output.ts";
import { type SourceParameters, sourceMethod } from "./source.ts";
import { dot, farthest, tinyNetwork, tinyRows, written } from "./testing.ts";
import { tracInMethod } from "./tracin.ts";

// Inputs that do not vary are independent of errors, so that the Kronecker approximation is exact (ekfac.test.ts).
const some = tinyRows(9, 8n);
const train: FloatRows = {
	...some,
	x: matrix(
		some.x.values.map((_, at) => some.x.values[at % 6] as number),
		9,
		6,
	),
};
const rest = tinyRows(5, 2n);
const point = (epoch: number, seed: bigint, sizes = [6, 4, 3]): Checkpoint => ({ epoch, network: tinyNetwork(seed, sizes), rate: 0.02 });
const checkpoints = [point(10, 3n), point(25, 4n), point(45, 5n)];
const options: SourceParameters = { checkpoints, segments: 3, stepsPerEpoch: 7, momentum: 0.5 };
const scoresOf = async (parameters: SourceParameters) => (await (await sourceMethod(parameters).cache(train)).pairs?.(rest))?.scores ?? [];

/** Row i pulls at the weights with its gradient, the curvature pulls back: dw/dt = g_i - F w, in small steps; then <g_j, w>. */
function unrolled(segments: { points: Checkpoint[]; time: number }[]): number[] {
	const last = segments.at(-1)?.points.at(-1)?.network as Network;
	const sum = new Array<number>(45).fill(0);
	last.layers.forEach((_, l) => {
		const moved = Array.from({ length: 9 }, () => [] as number[]);
		for (const { points, time } of segments) {
			const squares = points.flatMap(({ network }) =>
				fisherGradients(network, train).flatMap((layers) => written([layers[l] as LayerGradients])),
			);
			const pulls = points.map(({ network }) => written([gradients(network, train)[l] as LayerGradients]));
			const steps = 4000;
			moved.forEach((w, i) => {
				const pull = (pulls[0]?.[i] ?? []).map((_, q) => pulls.reduce((total, one) => total + (one[i]?.[q] as number) / points.length, 0));
				if (w.length === 0) w.push(...pull.map(() => 0));
				// F acts in the span of few gradients; one matrix is enough for all steps.
				const d = w.length;
				const f = new Float64Array(d * d);
				for (const g of squares)
					for (let a = 0; a < d; a++)
						for (let b = 0; b < d; b++) (f[a * d + b] as number) += ((g[a] as number) * (g[b] as number)) / (9 * points.length);
				for (let step = 0; step < steps; step++) {
					const back = w.map((_, a) => w.reduce((total, value, b) => total + (f[a * d + b] as number) * value, 0));
					w.forEach((value, a) => {
						w[a] = value + (time / steps) * ((pull[a] as number) - (back[a] as number));
					});
				}
			});
		}
		const right = written([gradients(last, rest)[l] as LayerGradients]);
		moved.forEach((w, i) => {
			right.forEach((g, j) => {
				(sum[i * 5 + j] as number) += dot(g, w);
			});
		});
	});
	return sum;
}

test("equals weights that are pulled and pulled back step by step, over three segments", async () => {
	// Epochs x steps x rate / (1 - momentum).
	const segments = checkpoints.map((one, s) => ({ points: [one], time: ([10, 15, 20][s] as number) * 7 * 0.02 * 2 }));
	expect(farthest(await scoresOf(options), unrolled(segments))).toBeLessThan(2e-3);
});

test("means of checkpoints within a segment", async () => {
	// Of one layer: what it is given is the same at every checkpoint.
	const single = [point(10, 3n, [6, 3]), point(25, 4n, [6, 3]), point(45, 5n, [6, 3])];
	const segments = [{ points: single, time: 45 * 7 * 0.02 * 2 }];
	expect(farthest(await scoresOf({ ...options, checkpoints: single, segments: 1 }), unrolled(segments))).toBeLessThan(2e-3);
});

test("of a very short training is TracIn at its end", async () => {
	const network = tinyNetwork(3n);
	const short = await scoresOf({ checkpoints: [{ epoch: 1, network, rate: 1e-6 }], stepsPerEpoch: 1 });
	const tracin = await (await tracInMethod({ checkpoints: [{ epoch: 1, network, rate: 1e-6 }] }).cache(train)).pairs?.(rest);
	expect(farthest(short, Array.from(tracin?.scores ?? []))).toBeLessThan(1e-4);
});

test("attribute is the mean over test examples, and tells its progress", async () => {
	const told: number[][] = [];
	const cached = await sourceMethod(options).cache(train, { progress: (done, of) => told.push([done, of]) });
	expect(told).toEqual([
		[1, 3],
		[2, 3],
		[3, 3],
	]);
	const all = await scoresOf(options);
	const { scores } = await cached.attribute(rest);
	scores.forEach((score, i) => {
		expect(score).toBeCloseTo(Array.from(all.slice(5 * i, 5 * i + 5)).reduce((sum, value) => sum + value, 0) / 5, 5);
	});
});

describe("refused", () => {
	const attempt = (change: Partial<SourceParameters>) => refusal(() => sourceMethod({ ...options, ...change }));

	test("checkpoints in the wrong order", async () => {
		expect(await attempt({ checkpoints: checkpoints.toReversed() })).toEqual({
			code: "CHECKPOINT_ORDER",
			message: "source: expected checkpoints in ascending order of epochs, got [45, 25, 10]",
		});
	});

	test.each([
		["segments", 4, "an integer in [1, 3]"],
		["segments", 0, "an integer in [1, 3]"],
		["stepsPerEpoch", 0, "an integer of at least 1"],
		["momentum", 1, "a number in [0, 1)"],
	])("%s = %s", async (name, value, range) => {
		expect(await attempt({ [name]: value })).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: `source: ${name}: expected ${range}, got ${value}`,
		});
	});
});
