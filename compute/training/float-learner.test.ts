import { afterAll, describe, expect, test } from "vitest";
import { type Architecture, type LayerShape, layerShapes } from "../architecture.ts";
import type { Backend } from "../backend.ts";
import { matrix } from "../matrix.ts";
import { generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { BACKENDS } from "../tested-backends.ts";
import { tracked } from "../testing.ts";
import { floatManifest } from "./defaults.ts";
import { FloatLearner, type FloatRecipe, type FloatRecipeRule, firstFloats } from "./float-learner.ts";
import type { StateTensor } from "./learner.ts";
import { copyNetwork, initialise } from "./network.ts";
import { orderOf, type TrainingData, weightSeed } from "./rows.ts";
import { beginTraining, trainSegment } from "./segment.ts";
import { NOTHING } from "./sums.ts";
import { CONVOLUTIONAL, PERCEPTRON, pictures, plainStepper } from "./testing.ts";

const backends = await Promise.all(BACKENDS.map(([, open]) => open()));
afterAll(() => Promise.all(backends.map((backend) => backend.close())));

const data = pictures(21);
const SGD = { kind: "sgd", rate: 0.1, weightDecay: 0 } as const;
const ADAM = { kind: "adam", rate: 0.01, weightDecay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
const recipe = (architecture: Architecture, rule: FloatRecipeRule, change: Partial<FloatRecipe> = {}): FloatRecipe => ({
	...{ architecture, rule, loss: "cross-entropy", halvings: [], seed: 9n },
	...change,
});
const valuesOf = (state: readonly StateTensor[], name: string) => state.find((tensor) => tensor.name === name)?.values as Float32Array;

/** A weight of a convolution, and one of those of the dense layer that it stands for. */
interface Tie {
	readonly from: number;
	readonly to: number;
}

/** All ties of a layer: where each input ends up in patches says which weight it meets. */
async function tiesOf(
	{ geometry, outputs, features, inputs }: LayerShape,
	backend: Backend,
): Promise<readonly [weights: Tie[], bias: Tie[]]> {
	const bias = Array.from({ length: features }, (_, to) => ({ from: to % outputs, to }));
	const size = geometry ? geometry.height * geometry.width * geometry.channels : inputs;
	const ones = Float32Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
	const images = backend.upload("f32", ones, size, size);
	const patches = await backend.download(geometry ? backend.floats.patches(images, geometry) : images);
	const places = features / outputs;
	const weights = Array.from(patches.entries()).flatMap(([at, one]) => {
		const [image, place, tap] = [Math.floor(at / (places * inputs)), Math.floor(at / inputs) % places, at % inputs];
		if (one === 0) return [];
		return Array.from({ length: outputs }, (_, c) => ({ from: tap * outputs + c, to: image * features + place * outputs + c }));
	});
	return [weights, bias];
}

describe.each(backends.map((backend) => [backend.name, backend] as const))("on %s", (_, backend) => {
	test.each([
		["plain", SGD],
		["with momentum and weight decay", { kind: "momentum", rate: 0.1, weightDecay: 0.02, momentum: 0.9 } as const],
	])("steps of a perceptron are those of the definition, %s", async (_, rule) => {
		const network = copyNetwork(initialise([30, 12, 3], weightSeed(9n)));
		const x = Float32Array.from(data.train.x, (value) => value / 255);
		const settings = { batch: 8, momentum: 0, dropout: 0, ...rule };
		const step = plainStepper(network, { x: matrix(x, 21, 30), label: data.train.label }, settings, generator(1n));
		const plan = recipe(PERCEPTRON, rule);
		const learner = new FloatLearner(backend, plan, data, firstFloats(plan));
		let loss = 0;
		for (let at = 0; at < 6; at++) {
			const batch = orderOf(9n, Math.floor(at / 3), 21).subarray(8 * (at % 3), 8 * (at % 3) + 8);
			loss += step(batch) * batch.length;
			learner.step(batch, { epoch: Math.floor(at / 3), step: at });
		}
		const sums = await learner.drain(NOTHING);
		expect(sums.rows).toBe(42);
		expect(sums.loss).toBeCloseTo(loss, 3);
		const state = await learner.state();
		network.layers.forEach(({ weights, bias }, l) => {
			for (const [name, values] of [
				["weights", weights.values],
				["bias", bias],
			] as const) {
				const got = valuesOf(state, `layers.${l}.${name}`);
				values.forEach((value, i) => {
					expect(got[i]).toBeCloseTo(value, 5);
				});
			}
		});
		learner.close();
	});

	test.each(["cross-entropy", "squared"] as const)("a convolution moves like a dense layer whose weights are tied, %s", async (loss) => {
		const rule = { ...SGD, rate: 1 };
		const plan = recipe(CONVOLUTIONAL, rule, { loss });
		const shapes = layerShapes(CONVOLUTIONAL);
		const dense = recipe(
			{ input: CONVOLUTIONAL.input, layers: shapes.map(({ features }) => ({ kind: "dense", outputs: features })) },
			rule,
			{
				loss,
			},
		);
		const first = firstFloats(plan);
		// By tensor, as they are in the states.
		const ties = (await Promise.all(shapes.map((shape) => tiesOf(shape, backend)))).flat();
		const untied = firstFloats(dense).map((tensor, at): StateTensor => {
			const tied = first[at] as StateTensor<"f32">;
			const values = new Float32Array(tensor.values.length);
			for (const { from, to } of ties[at] as Tie[]) values[to] = tied.values[from] as number;
			return { ...tensor, values };
		});
		const [moved, expected] = await Promise.all(
			(
				[
					[plan, first],
					[dense, untied],
				] as const
			).map(async ([own, state]) => {
				const learner = new FloatLearner(backend, own, data, state);
				learner.step(Uint32Array.of(3, 1, 4, 15, 9), { epoch: 0, step: 0 });
				const after = await learner.state();
				learner.close();
				return after.map(({ values }, at) => Array.from(values, (value, i) => value - (state[at]?.values[i] as number)));
			}),
		);
		first.forEach(({ values }, at) => {
			const sums = new Float64Array(values.length);
			for (const { from, to } of ties[at] as Tie[]) {
				(sums[from] as number) += expected?.[at]?.[to] as number;
			}
			sums.forEach((sum, i) => {
				expect(moved?.[at]?.[i]).toBeCloseTo(sum, 5);
			});
		});
	});

	test.each([
		["sgd", { ...SGD, rate: 0.3 }],
		["momentum", { kind: "momentum", rate: 0.05, weightDecay: 0, momentum: 0.9 } as const],
		["adam", ADAM],
	])("%s learns", async (_, rule) => {
		const plan = recipe(CONVOLUTIONAL, rule);
		const learner = new FloatLearner(backend, plan, data, firstFloats(plan));
		const before = (await learner.test())?.loss as number;
		for (let step = 0; step < 60; step++) learner.step(orderOf(1n, step, 21), { epoch: step, step });
		const sums = await learner.test();
		expect(sums?.rows).toBe(20);
		expect(sums?.loss).toBeLessThan(before / 2);
		learner.close();
	});
});

test("the rate is halved from an epoch on", async () => {
	const [backend] = backends as [(typeof backends)[0]];
	const after = async (change: Partial<FloatRecipe>, rate: number) => {
		const plan = recipe(PERCEPTRON, { ...SGD, rate }, change);
		const learner = new FloatLearner(backend, plan, data, firstFloats(plan));
		learner.step(Uint32Array.of(1, 2), { epoch: 3, step: 9 });
		return learner.state();
	};
	expect(await after({ halvings: [2, 3, 4] }, 0.4)).toEqual(await after({}, 0.1));
	expect(await after({ halvings: [2, 3, 4] }, 0.4)).not.toEqual(await after({}, 0.2));
});

test("floats are taken as they are, bytes as 255ths", async () => {
	const floats: TrainingData = { ...data, train: { ...data.train, x: Float32Array.from(data.train.x, (value) => value / 255) } };
	const states = await Promise.all(
		[data, floats].map((rows) => {
			const plan = recipe(PERCEPTRON, SGD);
			const learner = new FloatLearner(openReference(), plan, rows, firstFloats(plan));
			learner.step(Uint32Array.of(0, 5), { epoch: 0, step: 0 });
			return learner.state();
		}),
	);
	expect(states[0]).toEqual(states[1]);
	expect(floatManifest({ architecture: PERCEPTRON, data: floats, seed: 1n, rule: SGD }).data.element).toBe("f32");
});

test("rows that do not fit on the backend at once are sent batch by batch, and measured in parts", async () => {
	const [backend] = backends as [(typeof backends)[0]];
	const small = { ...backend, limits: { ...backend.limits, tensorBytes: 100 } };
	const states = await Promise.all(
		[backend, small].map(async (one) => {
			const plan = recipe(PERCEPTRON, SGD);
			const learner = new FloatLearner(one, plan, data, firstFloats(plan));
			learner.step(Uint32Array.of(0, 5, 20), { epoch: 0, step: 0 });
			return [await learner.state(), await learner.test()];
		}),
	);
	expect(states[0]).toEqual(states[1]);
});

test.each(backends.map((backend) => [backend.name, backend] as const))("no tensor is left on %s", async (_, backend) => {
	const { backend: counted, live } = tracked(backend);
	for (const architecture of [PERCEPTRON, CONVOLUTIONAL]) {
		const manifest = floatManifest({ architecture, data, seed: 9n, batch: 8, rule: ADAM });
		const checkpoint = await beginTraining(manifest, data, counted);
		await trainSegment({ checkpoint, data, to: 5, backend: counted, keep: (step) => step === 2 });
	}
	expect(live()).toEqual([]);
});
