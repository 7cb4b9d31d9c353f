import { afterAll, describe, expect, test } from "vitest";
import { layerShapes } from "../architecture.ts";
import { recordDigest, type TrainingCheckpoint } from "../checkpoint/record.ts";
import { readTable } from "../dataset.ts";
import { patchesOf } from "../geometry.ts";
import { openReference } from "../reference/backend.ts";
import { EXPONENTIALS } from "../reference/integers.ts";
import { BACKENDS } from "../tested-backends.ts";
import { refusal, sample, tracked } from "../testing.ts";
import { integerManifest } from "./defaults.ts";
import { IntegerLearner } from "./integer-learner.ts";
import { checkSums, firstMasters, rateShifts } from "./integer-recipe.ts";
import type { StateTensor } from "./learner.ts";
import { type IntegerManifest, stepsPerEpoch } from "./manifest.ts";
import { orderOf, type TrainingData, type TrainingRows } from "./rows.ts";
import { beginTraining, trainSegment } from "./segment.ts";
import { NOTHING } from "./sums.ts";
import { CONVOLUTIONAL, PERCEPTRON, pictures } from "./testing.ts";

const backends = await Promise.all(BACKENDS.map(([, open]) => open()));
afterAll(() => Promise.all(backends.map((backend) => backend.close())));

/** x / 2^shift rounded half up, for any shift. */
const shifted = (x: bigint, shift: number): bigint => (shift <= 0 ? x << BigInt(-shift) : (x + (1n << BigInt(shift - 1))) >> BigInt(shift));
const clamp = (x: bigint, bound: bigint): bigint => (x < -bound ? -bound : x > bound ? bound : x);
const largestOf = (values: readonly bigint[]): bigint => values.toSorted((one, other) => (one < other ? -1 : 1)).at(-1) ?? 0n;

/** A step by its definition, over bigints; changes the state. Each value of a row is a place of its own: no patches, no products. */
function plainStep(manifest: IntegerManifest, state: Map<string, bigint[]>, rows: TrainingRows, batch: Uint32Array, epoch: number): void {
	const shapes = layerShapes(manifest.architecture);
	const { shifts, layers: specs } = manifest.architecture;
	const get = (name: string) => state.get(name) as bigint[];
	/** For each sum of a layer (place, output): the positions of its inputs and the rows of W that they meet. */
	const taps = shapes.map(({ geometry, inputs, outputs, features }) =>
		Array.from({ length: features / outputs }, (_, place): [number, number][] => {
			if (!geometry) return Array.from({ length: inputs }, (_, i) => [i, i]);
			const { height, width, channels, kernel, stride, padding } = geometry;
			const { outWidth } = patchesOf(geometry);
			const list: [number, number][] = [];
			for (let y = 0; y < kernel; y++) {
				for (let x = 0; x < kernel; x++) {
					for (let c = 0; c < channels; c++) {
						const [row, column] = [Math.floor(place / outWidth) * stride - padding + y, (place % outWidth) * stride - padding + x];
						const inside = row >= 0 && row < height && column >= 0 && column < width;
						if (inside) list.push([(row * width + column) * channels + c, (y * kernel + x) * channels + c]);
					}
				}
			}
			return list;
		}),
	);
	const bytes = shapes.map((_, l) => get(`layers.${l}.weights`).map((master) => clamp(shifted(master, 16), 127n)));
	const biases = shapes.map((_, l) => get(`layers.${l}.bias`).map((master) => shifted(master, 9)));
	const tapsOf = (l: number, place: number) => (taps[l] as [number, number][][])[place] as [number, number][];
	// Activations of each row, input first, and the errors at the logits.
	const given: bigint[][][] = [];
	let errors = Array.from(batch, (row) => {
		const own = [Array.from(rows.x.subarray(row * rows.d, (row + 1) * rows.d), (value) => BigInt(value))];
		shapes.forEach(({ outputs, features }, l) => {
			const sums = Array.from({ length: features }, (_, at) => {
				const output = at % outputs;
				let sum = (biases[l] as bigint[])[output] as bigint;
				for (const [i, w] of tapsOf(l, Math.floor(at / outputs))) {
					sum += (own[l]?.[i] as bigint) * (bytes[l]?.[w * outputs + output] as bigint);
				}
				return shifted(sum, shifts[l] as number);
			});
			const hidden = l < specs.length - 1;
			own.push(hidden ? sums.map((value) => (value < 0n ? 0n : clamp(value, 127n))) : sums);
		});
		given.push(own);
		const z = own.at(-1) as bigint[];
		const largest = largestOf(z);
		const weights = z.map((value) => BigInt(EXPONENTIALS[Number(clamp(largest - value, 255n))] as number));
		const total = weights.reduce((sum, value) => sum + value);
		return weights.map((weight, c) => (127n * weight + total / 2n) / total - (rows.label[row] === c ? 127n : 0n));
	});
	let exponent = 0;
	const moves: (() => void)[] = [];
	for (let l = shapes.length - 1; l >= 0; l--) {
		const { inputs, outputs } = shapes[l] as (typeof shapes)[0];
		const gradient = new Array<bigint>(inputs * outputs).fill(0n);
		const biasGradient = new Array<bigint>(outputs).fill(0n);
		const back = errors.map((row, n) => {
			const own = (given[n] as bigint[][])[l] as bigint[];
			const values = own.map(() => 0n);
			row.forEach((error, at) => {
				const output = at % outputs;
				(biasGradient[output] as bigint) += error * 2n ** 7n;
				for (const [i, w] of tapsOf(l, Math.floor(at / outputs))) {
					(gradient[w * outputs + output] as bigint) += error * (own[i] as bigint);
					(values[i] as bigint) += error * (bytes[l]?.[w * outputs + output] as bigint);
				}
			});
			return values.map((value, i) => ((own[i] as bigint) > 0n ? value : 0n));
		});
		const rate = (manifest.rates[l] as number) + manifest.halvings.filter((from) => epoch >= from).length - exponent - 16;
		const move = (name: string, gradients: bigint[]) => {
			const [masters, velocities] = [get(`layers.${l}.${name}`), get(`layers.${l}.${name}.velocity`)];
			gradients.forEach((value, i) => {
				const v = velocities[i] as bigint;
				const g = clamp(shifted(value, rate), 2n ** 26n);
				velocities[i] = clamp(v - shifted(v, manifest.momentum) + g, 2n ** 26n);
				masters[i] = clamp((masters[i] as bigint) - velocities[i], 127n << 16n);
			});
		};
		moves.push(() => {
			move("weights", gradient);
			move("bias", biasGradient);
		});
		const largest = largestOf(back.flat().map((value) => (value < 0n ? -value : value)));
		const down = Math.max(0, (largest === 0n ? 0 : largest.toString(2).length) - 7);
		errors = back.map((row) => row.map((value) => clamp(shifted(value, down), 127n)));
		exponent += down;
	}
	for (const move of moves) move();
}

describe("a step is the one of the definition", () => {
	const cases = [
		["a perceptron", PERCEPTRON, {}],
		["a convolutional network", CONVOLUTIONAL, {}],
		["without momentum", PERCEPTRON, { momentum: 0 }],
		["at a rate that saturates weights", PERCEPTRON, { rate: 3000 }],
		["halved from epoch 1 on", CONVOLUTIONAL, { halvings: [1] }],
		["softmax alone", { ...PERCEPTRON, layers: PERCEPTRON.layers.slice(1) }, {}],
	] as const;
	test.each(cases.flatMap((one) => backends.map((backend) => [...one, backend] as const)))(
		"%s",
		async (_, architecture, change, backend) => {
			const data = pictures(21);
			const manifest = integerManifest({ architecture, data, seed: 9n, batch: 8, ...change });
			const first = firstMasters(architecture, 9n);
			const learner = new IntegerLearner(backend, manifest, data, first);
			const expected = new Map(first.map(({ name, values }) => [name, Array.from(values, BigInt)]));
			for (let step = 0; step < 6; step++) {
				const epoch = Math.floor(step / 3);
				const batch = orderOf(9n, epoch, 21).subarray(8 * (step % 3), 8 * (step % 3) + 8);
				learner.step(batch, { epoch, step });
				plainStep(manifest, expected, data.train, batch, epoch);
				for (const { name, values } of await learner.state())
					expect([name, Array.from(values, BigInt)]).toEqual([name, expected.get(name)]);
			}
			learner.close();
		},
	);
});

/** Digests of the records of all checkpoints of two epochs, one every 2 steps. */
async function digests(architecture: typeof PERCEPTRON, backend: (typeof backends)[0]): Promise<string[]> {
	const data = pictures(45);
	const manifest = integerManifest({ architecture, data, seed: 3n, batch: 16, halvings: [1] });
	const checkpoint = await beginTraining(manifest, data, backend);
	const kept: TrainingCheckpoint[] = [checkpoint];
	const save = async (next: TrainingCheckpoint) => void kept.push(next);
	const last = await trainSegment({ checkpoint, data, to: 2 * stepsPerEpoch(manifest), backend, keep: (step) => step % 2 === 0, save });
	expect(kept).toHaveLength(4);
	expect(last.record.training.rows).toBe(45);
	return kept.map(({ record }) => recordDigest(record));
}

test.each([
	["a perceptron", PERCEPTRON],
	["a convolutional network", CONVOLUTIONAL],
])("checkpoints of %s have the same digests on every backend", async (_, architecture) => {
	const [reference, ...others] = await Promise.all(backends.map((backend) => digests(architecture, backend)));
	expect(new Set(reference).size).toBe(4);
	for (const other of others) expect(other).toEqual(reference);
});

test("losses are those of the logits, row by row", async () => {
	const data = pictures(21);
	const manifest = integerManifest({ architecture: PERCEPTRON, data, seed: 9n, batch: 8 });
	const learner = new IntegerLearner(openReference(), manifest, data, firstMasters(PERCEPTRON, 9n));
	const [one, other] = [Uint32Array.of(3, 5, 7), Uint32Array.of(1)];
	learner.step(one, { epoch: 0, step: 0 });
	const first = await learner.drain(NOTHING);
	learner.step(other, { epoch: 0, step: 1 });
	const both = await learner.drain(first);
	expect(first.rows).toBe(3);
	expect(both.rows).toBe(4);
	// Without having learned, about log 3.
	expect(first.loss / 3).toBeGreaterThan(0.3);
	expect(first.loss / 3).toBeLessThan(4);
	expect(await learner.drain(both)).toBe(both);
});

test("rate shifts are those of their formula", () => {
	const [input, shifts] = [PERCEPTRON.input, [8, 8]];
	// log2(127 16 64 / 0.25) = 18.99; 18.99 + 6 - 8 + 8 = 24.99 and 18.99 + 2 - 8 = 12.99.
	expect(rateShifts({ ...PERCEPTRON, input, shifts }, 0.25, 64)).toEqual([25, 13]);
	expect(rateShifts({ ...PERCEPTRON, input, shifts }, 0.125, 64)).toEqual([26, 14]);
	const deep = { ...PERCEPTRON, layers: [{ kind: "dense", outputs: 12 } as const, ...PERCEPTRON.layers] };
	expect(rateShifts({ ...deep, shifts: [8, 8, 8] }, 0.25, 64)).toEqual([33, 21, 13]);
	expect(rateShifts({ ...CONVOLUTIONAL, shifts: [7, 7, 8] }, 0.25, 64)).toEqual([37, 24, 13]);
	expect(rateShifts({ ...PERCEPTRON, shifts }, 1e30, 64)).toEqual([0, 0]);
});

test("sums that could leave 32 bits are refused", async () => {
	checkSums(CONVOLUTIONAL, 2193);
	expect(await refusal(() => checkSums(CONVOLUTIONAL, 2194))).toEqual({
		code: "SUM_TOO_LARGE",
		message: "train: layer 0: expected at most 65793 rows of a batch times places, got 65820",
	});
	const wide = { ...PERCEPTRON, input: { height: 1, width: 1, channels: 65794 } };
	expect(await refusal(() => checkSums(wide, 1))).toMatchObject({
		message: "train: layer 0: expected at most 65793 values of a row or patch, got 65794",
	});
});

describe("on real data", () => {
	const digits = sample("sklearn/digits.csv.gz");
	const side = (rows: number[], x: Uint8Array, labels: Uint8Array): TrainingRows => ({
		x: Uint8Array.from(rows.flatMap((row) => Array.from(x.subarray(64 * row, 64 * row + 64)))),
		label: Uint8Array.from(rows, (row) => labels[row] as number),
		n: rows.length,
		d: 64,
	});

	test.skipIf(digits.absent).each([
		["a perceptron", [64, 32].map((outputs) => ({ kind: "dense", outputs }) as const), { height: 1, width: 1, channels: 64 }, 0.97],
		[
			"a convolutional network",
			[8, 16].map((channels) => ({ kind: "convolution", channels, kernel: 3, stride: 2, padding: 1 }) as const),
			{ height: 8, width: 8, channels: 1 },
			0.95,
		],
	])("%s learns digits", async (_, hidden, input, least) => {
		const table = await readTable(digits.path);
		const x = Uint8Array.from(table.rows, (value) => Math.round((value * 255) / 16));
		const all = Array.from({ length: table.n }, (_, row) => row);
		const data: TrainingData = {
			k: 10,
			train: side(
				all.filter((row) => row % 4 !== 3),
				x,
				table.labels,
			),
			test: side(
				all.filter((row) => row % 4 === 3),
				x,
				table.labels,
			),
		};
		const architecture = { input, layers: [...hidden, { kind: "dense", outputs: 10 } as const] };
		const manifest = integerManifest({ architecture, data, seed: 1n, halvings: [20, 25] });
		const [backend] = backends.slice(1) as [(typeof backends)[0]];
		const checkpoint = await beginTraining(manifest, data, backend);
		const { record } = await trainSegment({ checkpoint, data, to: 30 * stepsPerEpoch(manifest), backend });
		const { right, rows } = record.test as NonNullable<typeof record.test>;
		expect(rows).toBe(449);
		expect(right / rows).toBeGreaterThanOrEqual(least);
	});
});

test("states name their tensors", () => {
	const names = (state: readonly StateTensor[]) => state.map(({ name, rows, columns }) => `${name} ${rows}x${columns}`);
	expect(names(firstMasters(CONVOLUTIONAL, 1n)).slice(0, 5)).toEqual([
		"layers.0.weights 9x4",
		"layers.0.bias 1x4",
		"layers.0.weights.velocity 9x4",
		"layers.0.bias.velocity 1x4",
		"layers.1.weights 36x5",
	]);
	const [{ values }] = firstMasters(PERCEPTRON, 1n) as [StateTensor];
	expect(Math.max(...values)).toBe(32 * 2 ** 16);
	expect(Math.min(...values)).toBe(-32 * 2 ** 16);
	expect(firstMasters(PERCEPTRON, 2n)[0]?.values).not.toEqual(values);
});

test.each(backends.map((backend) => [backend.name, backend] as const))("no tensor is left on %s", async (_, backend) => {
	const { backend: counted, live } = tracked(backend);
	const data = pictures(21);
	for (const architecture of [PERCEPTRON, CONVOLUTIONAL]) {
		const manifest = integerManifest({ architecture, data, seed: 9n, batch: 8 });
		const checkpoint = await beginTraining(manifest, data, counted);
		await trainSegment({ checkpoint, data, to: 5, backend: counted, keep: (step) => step === 2 });
	}
	expect(live()).toEqual([]);
});
