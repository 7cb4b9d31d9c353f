import { afterAll, describe, expect, test } from "vitest";
import { recordDigest, type TrainingCheckpoint } from "../checkpoint/record.ts";
import { openReference } from "../reference/backend.ts";
import { refusal } from "../testing.ts";
import { openWasm } from "../wasm/backend.ts";
import { floatManifest, integerManifest, momentumShift, ridgeManifest } from "./defaults.ts";
import { checkManifest, type FloatManifest, type IntegerManifest, type TrainingManifest } from "./manifest.ts";
import { orderOf, type TrainingData } from "./rows.ts";
import { beginTraining, type SegmentProgress, trainSegment } from "./segment.ts";
import { byteRows, CONVOLUTIONAL, PERCEPTRON, pictures } from "./testing.ts";

const backend = openWasm();
afterAll(() => backend.close());

const data = pictures(45);
const plan = { architecture: PERCEPTRON, data, seed: 3n, batch: 16 };
const MOMENTUM = { kind: "momentum", rate: 0.1, weightDecay: 0, momentum: 0.9 } as const;
const ADAM = { kind: "adam", rate: 0.01, weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
const integer = integerManifest(plan);
const float = floatManifest({ ...plan, rule: MOMENTUM });

/** All checkpoints of a run to a step. */
async function run(manifest: TrainingManifest, to: number, keep: (step: number) => boolean = () => false): Promise<TrainingCheckpoint[]> {
	const first = await beginTraining(manifest, data, backend);
	const kept = [first];
	await trainSegment({ checkpoint: first, data, to, backend, keep, save: async (next) => void kept.push(next) });
	return kept;
}

describe("going on is as if nothing had happened", () => {
	const manifests: [string, TrainingManifest][] = [
		["mode integer", integer],
		["mode integer, convolutional, halved", integerManifest({ ...plan, architecture: CONVOLUTIONAL, halvings: [1, 2] })],
		["mode float, momentum", float],
		["mode float, Adam, squared loss", floatManifest({ ...plan, rule: ADAM, loss: "squared", halvings: [1] })],
		["mode float, convolutional", floatManifest({ ...plan, architecture: CONVOLUTIONAL, rule: MOMENTUM })],
	];
	// Three steps make an epoch, the last of 13 rows.
	test.each(manifests.flatMap(([name, manifest]) => [1, 3, 5].map((at) => [name, at, manifest] as const)))(
		"%s, from step %i",
		async (_, at, manifest) => {
			const [, middle, last] = await run(manifest, 8, (step) => step === at);
			const checkpoint = structuredClone(middle) as TrainingCheckpoint;
			const again = await trainSegment({ checkpoint, data, to: 8, backend });
			expect(again).toEqual(last);
			expect(recordDigest(again.record)).toBe(recordDigest((last as TrainingCheckpoint).record));
			// What is kept on the way changes the chain, and nothing else.
			const [, direct] = await run(manifest, 8);
			const { previous: _previous, ...record } = (direct as TrainingCheckpoint).record;
			expect(again.record).toMatchObject(record);
			expect(again.state).toEqual(direct?.state);
		},
	);

	test("a stopped one saves where it is", async () => {
		const controller = new AbortController();
		const kept: TrainingCheckpoint[] = [];
		const first = await beginTraining(integer, data, backend);
		const stopped = trainSegment({
			checkpoint: first,
			data,
			to: 300,
			backend,
			signal: controller.signal,
			save: async (next) => void kept.push(next),
			progress: ({ step }) => step === 33 && controller.abort(new Error("enough")),
		});
		await expect(stopped).rejects.toThrow("enough");
		expect(kept.map(({ record }) => record.step)).toEqual([34]);
		const again = await trainSegment({ checkpoint: kept[0] as TrainingCheckpoint, data, to: 40, backend });
		expect(again.state).toEqual((await run(integer, 40)).at(-1)?.state);
	});
});

test("the ridge head is solved in one step, with the same bits on every backend", async () => {
	// n ridge is 1, so that nothing is rounded.
	const manifest = ridgeManifest({ data, ridge: 1 / 45 });
	const [one, other] = await Promise.all(
		[backend, openReference()].map(async (own) => {
			const checkpoint = await beginTraining(manifest, data, own);
			return trainSegment({ checkpoint, data, to: 1, backend: own });
		}),
	);
	expect(one).toEqual(other);
	const { record, state } = one as TrainingCheckpoint;
	expect(record).toMatchObject({ step: 1, epoch: 1, training: { rows: 45 }, test: { rows: 20 } });
	// The gradient is 0: X^T (X W - Y) / n + ridge W, with a constant 1 in X.
	const [weights, bias] = state.map(({ values }) => values) as [Float64Array, Float64Array];
	const { x, label } = data.train;
	const w = [...weights, ...bias];
	const gradient = w.map((value) => value / 45);
	for (let row = 0; row < 45; row++) {
		const own = [...Array.from(x.subarray(30 * row, 30 * row + 30), (value) => value / 255), 1];
		for (let c = 0; c < 3; c++) {
			const error = own.reduce((sum, value, i) => sum + value * (w[3 * i + c] as number), 0) - (label[row] === c ? 1 : 0);
			own.forEach((value, i) => {
				(gradient[3 * i + c] as number) += (value * error) / 45;
			});
		}
	}
	for (const value of gradient) expect(value).toBeCloseTo(0, 9);
});

test("progress is told at the end of every epoch, and of long ones more often", async () => {
	const first = await beginTraining(integer, data, backend);
	const told: SegmentProgress[] = [];
	await trainSegment({ checkpoint: first, data, to: 34, backend, progress: (event) => told.push(event) });
	expect(told.map(({ step }) => step)).toEqual([3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 32, 33, 34]);
	expect(told.map(({ training }) => training.rows).slice(-4)).toEqual([45, 32, 45, 16]);
	expect(told.at(-1)).toMatchObject({ to: 34, epoch: 11, test: { rows: 20 } });
	expect(told.at(-2)?.training.loss).toBeLessThan(told[0]?.training.loss as number);
});

test("the order is a function of seed and epoch", () => {
	const order = orderOf(5n, 2, 100);
	expect(order).toEqual(orderOf(5n, 2, 100));
	expect(order.toSorted()).toEqual(Uint32Array.from({ length: 100 }, (_, row) => row));
	expect(order).not.toEqual(orderOf(5n, 3, 100));
	expect(order).not.toEqual(orderOf(6n, 2, 100));
});

test("momentum is a power of two", () => {
	expect([0, 0.1, 0.5, 0.875, 0.9, 0.95, 0.99, 1 - 1e-9].map(momentumShift)).toEqual([0, 1, 1, 3, 3, 4, 7, 15]);
});

describe("refused", () => {
	test("a loss that is not finite", async () => {
		const manifest = floatManifest({ ...plan, rule: { ...MOMENTUM, rate: 1e30 } });
		const kept: number[] = [];
		const first = await beginTraining(manifest, data, backend);
		const diverging = trainSegment({
			checkpoint: first,
			data,
			to: 60,
			backend,
			keep: () => true,
			save: async ({ record }) => void kept.push(record.step),
		});
		expect(await refusal(() => diverging)).toMatchObject({ code: "DIVERGED" });
		// What was kept before is finite.
		expect(kept.length).toBeLessThan(5);
	});

	test("weights that are not finite, although the loss before was", async () => {
		const manifest = floatManifest({ ...plan, rule: { ...MOMENTUM, rate: 1e300 } });
		const first = await beginTraining(manifest, data, backend);
		const { code, message } = await refusal(() => trainSegment({ checkpoint: first, data, to: 1, backend }));
		expect(code).toBe("DIVERGED");
		expect(message).toMatch(/^step 1: layers\.\d\.\w+, row \d+, column \d+: expected a finite number, got -?Infinity$/);
	});

	test("other rows, labels or classes", async () => {
		const checkpoint = await beginTraining(integer, data, backend);
		const go = (other: TrainingData) => refusal(() => trainSegment({ checkpoint, data: other, to: 1, backend }));
		const { train } = data;
		const x = train.x.slice() as Uint8Array;
		x[7] = (x[7] as number) ^ 1;
		const label = train.label.slice();
		label[3] = ((label[3] as number) + 1) % 3;
		const cases: [TrainingData, string][] = [
			[{ ...data, train: { ...train, x } }, "train rows"],
			[{ ...data, train: { ...train, label } }, "train labels"],
			[{ ...data, test: undefined }, "test n"],
			[{ ...data, k: 4 }, "k"],
			[{ ...data, train: byteRows(44, 30, 3, 4n) }, "train n"],
		];
		for (const [other, name] of cases) {
			const { code, message } = await go(other);
			expect(code).toBe("CHECKPOINT_MISMATCH");
			expect(message).toMatch(new RegExp(`^data: expected ${name} \\S+ \\(of the run\\), got \\S+$`));
		}
		const copy = structuredClone(data);
		expect((await trainSegment({ checkpoint, data: copy, to: 1, backend })).record.step).toBe(1);
	});

	test("rows held out that have other columns", async () => {
		const other = { ...data, test: byteRows(20, 29, 3, 5n) };
		expect(await refusal(() => beginTraining(integerManifest({ ...plan, data: other }), other, backend))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "test: expected rows of 30 features, as those that are learned from, got 29",
		});
	});

	test("a state of another architecture", async () => {
		const checkpoint = await beginTraining(integer, data, backend);
		const { state } = await beginTraining(integerManifest({ ...plan, architecture: CONVOLUTIONAL }), data, backend);
		expect(await refusal(() => trainSegment({ checkpoint: { ...checkpoint, state }, data, to: 1, backend }))).toEqual({
			code: "CHECKPOINT_MISMATCH",
			message:
				"checkpoint of step 0: expected layers.0.weights 30 x 12 of i32 (of the run's architecture), got layers.0.weights 9 x 4 of i32",
		});
	});

	test("a step that lies behind", async () => {
		const [, checkpoint] = (await run(integer, 4)) as [TrainingCheckpoint, TrainingCheckpoint];
		expect(await refusal(() => trainSegment({ checkpoint, data, to: 3, backend }))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "train: expected a step of at least 4, where the checkpoint is, got 3",
		});
	});

	test("features that are no numbers", async () => {
		for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
			const x = Float32Array.from(data.train.x);
			x[2 * 30 + 17] = bad;
			const rows = { ...data, train: { ...data.train, x } };
			const manifest = floatManifest({ ...plan, data: rows, rule: MOMENTUM });
			expect(await refusal(() => beginTraining(manifest, rows, backend))).toEqual({
				code: "VALUE_NOT_NUMERIC",
				message: `train: row 2, column 17: expected a finite number, got ${bad}`,
			});
		}
	});

	test("floats in mode integer", async () => {
		const rows = { ...data, train: { ...data.train, x: Float32Array.from(data.train.x) } };
		const manifest = integerManifest({ ...plan, data: rows });
		expect(await refusal(() => beginTraining(manifest, rows, backend))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "train: features: expected u8 for mode integer (quantise them), got f32",
		});
	});

	const integers: [Partial<IntegerManifest>, string][] = [
		[{ seed: "-1" }, "seed: expected an integer in [0, 2^64), got -1"],
		[{ seed: String(2n ** 64n) }, `seed: expected an integer in [0, 2^64), got ${2n ** 64n}`],
		[{ batch: 0 }, "batch: expected an integer of at least 1, got 0"],
		[{ momentum: 16 }, "momentum: expected an integer in [0, 15], got 16"],
		[{ rates: [3] }, "rates: expected 2 integers in [0, 62], got [3]"],
		[{ rates: [3, 63] }, "rates: expected 2 integers in [0, 62], got [3, 63]"],
		[{ rates: [3, 62], halvings: [4] }, "rates: expected 2 integers in [0, 61], got [3, 62]"],
		[{ halvings: [3, 3] }, "halvings: expected ascending epochs of at least 1, got [3, 3]"],
		[{ architecture: { ...PERCEPTRON, shifts: [5, 32] } }, "shifts: expected 2 integers in [0, 31], got [5, 32]"],
		[{ order: "as they come" as never }, "order: expected Fisher-Yates"],
		[{ mode: "other" as never }, "mode: expected integer, float or ridge, got other"],
		[{ loss: "squared" as never }, "loss: expected cross-entropy for mode integer, got squared"],
		[
			{ architecture: { ...integer.architecture, layers: [{ kind: "dense", outputs: 4 }] } },
			"outputs of the architecture: expected 3, the classes, got 4",
		],
	];
	const floats: [Partial<FloatManifest>, string][] = [
		[{ rule: { ...MOMENTUM, rate: 0 } }, "rate: expected a finite number above 0, got 0"],
		[{ rule: { ...MOMENTUM, momentum: 1 } }, "momentum: expected a number in [0, 1), got 1"],
		[{ rule: { ...ADAM, beta2: 1 } }, "beta2: expected a number in [0, 1), got 1"],
		[{ rule: { ...ADAM, epsilon: 0 } }, "epsilon: expected a finite number above 0, got 0"],
		[{ rule: { ...MOMENTUM, weightDecay: -1 } }, "weightDecay: expected a finite number of at least 0, got -1"],
		[{ loss: "hinge" as never }, "loss: expected cross-entropy or squared, got hinge"],
	];
	test.each([
		...integers.map(([change, message]) => [message, { ...integer, ...change }] as const),
		...floats.map(([change, message]) => [message, { ...float, ...change }] as const),
	])("%s", async (message, manifest) => {
		const { code, message: got } = await refusal(() => checkManifest(manifest as TrainingManifest));
		expect(code).toBe("PARAMETER_OUT_OF_RANGE");
		expect(got).toContain(`train: ${message}`);
	});
});
