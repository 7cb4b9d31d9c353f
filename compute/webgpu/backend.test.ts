import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, test } from "vitest";
import type { Rows } from "../../circuits/statistics.ts";
import type { Backend } from "../backend.ts";
import type { Transposed } from "../matrix.ts";
import { below, generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { arrayOf, type Byte, type Element, type Tensor } from "../tensor.ts";
import { refusal } from "../testing.ts";
import type { WebgpuBackend } from "./backend.ts";
import { openForTests } from "./testing.ts";

const reference = openReference();
const opened = await openForTests();
/** One that cuts jobs into parts: four tiles of statistics, a few rows of a matrix. */
const narrow = await openForTests({ tensorBytes: 2 ** 17 });
afterAll(() => Promise.all([opened?.close(), narrow?.close()]));
const backend = opened as Backend;
const needsDevice = test.skipIf(!opened);

const next = generator(3n);
const bytes = (length: number, bound = 256) => Uint8Array.from({ length }, () => below(next, bound));
function valuesOf<E extends Element>(element: E, length: number) {
	const values = arrayOf<Element>(element, length);
	for (let i = 0; i < length; i++) values[i] = element === "f32" ? next() / 2 ** 31 - 1 : next() | 0;
	return values;
}

/** What a job on tensors gives on the reference and here. */
async function both(job: (backend: Backend) => readonly Tensor[]): Promise<[unknown[], unknown[]]> {
	const run = (one: Backend) => Promise.all(job(one).map((tensor) => one.download(tensor)));
	return [await run(reference), await run(backend)];
}

describe("products of shapes that known answers do not have", () => {
	const shapes: [string, Byte, Byte, [number, number, number], Transposed][] = [
		["a long inner dimension", "u8", "i8", [9, 20_000, 16], { left: true }],
		["a long inner dimension that no step divides", "i8", "i8", [3, 70_001, 5], {}],
		["many values", "u8", "u8", [1021, 5, 1027], {}],
		["many values, mixed", "u8", "i8", [1021, 6, 1027], { left: true }],
		["many values, mixed the other way", "i8", "u8", [1021, 7, 1027], { right: true }],
		["many values, both transposed", "i8", "i8", [1021, 33, 1027], { left: true, right: true }],
		["many rows", "u8", "i8", [70_000, 3, 1], {}],
		["no terms", "u8", "u8", [3, 0, 4], {}],
		["no rows", "u8", "u8", [0, 3, 4], {}],
	];
	needsDevice.each(shapes)("%s", async (_, left, right, [rows, inner, columns], transposed) => {
		const [a, b] = [valuesOf(left, rows * inner), valuesOf(right, inner * columns)];
		const sides = <T>(turned: boolean | undefined, one: T, other: T): [T, T] => (turned ? [other, one] : [one, other]);
		const [expected, got] = await both((one) => [
			one.integers.product(
				one.upload(left, a as never, ...sides(transposed.left, rows, inner)) as Tensor<Byte>,
				one.upload(right, b as never, ...sides(transposed.right, inner, columns)) as Tensor<Byte>,
				transposed,
			),
		]);
		expect(got).toEqual(expected);
	});

	needsDevice.each([
		[[7, 6000, 9], { left: true }],
		[[1025, 40, 1030], {}],
		[[1025, 41, 1030], { left: true, right: true }],
	] as [[number, number, number], Transposed][])("floats, %j", async ([rows, inner, columns], transposed) => {
		const [a, b] = [valuesOf("f32", rows * inner), valuesOf("f32", inner * columns)] as [Float32Array, Float32Array];
		const [[expected], [got]] = (await both((one) => [
			one.floats.product(
				transposed.left ? one.upload("f32", a, inner, rows) : one.upload("f32", a, rows, inner),
				transposed.right ? one.upload("f32", b, columns, inner) : one.upload("f32", b, inner, columns),
				transposed,
			),
		])) as [[Float32Array], [Float32Array]];
		// Errors of rounding grow with the square root of the terms at most.
		expect(expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] as number))), 0)).toBeLessThan(
			1e-6 * Math.sqrt(inner),
		);
	});
});

describe("statistics are those of the reference", () => {
	const random = (count: number, d: number, k: number, weights = 256): Rows => ({
		x: bytes(count * d),
		label: bytes(count, k),
		weight: bytes(count, weights),
		count,
	});
	const filled = (count: number, d: number, value: number, weight: number): Rows => ({
		x: new Uint8Array(count * d).fill(value),
		label: new Uint8Array(count),
		weight: new Uint8Array(count).fill(weight),
		count,
	});
	const cases: [string, Rows, number, number][] = [
		["random rows and weights", random(300, 37, 10), 37, 10],
		["one row", random(1, 5, 2), 5, 2],
		["one feature", random(9, 1, 2), 1, 2],
		["no rows", random(0, 5, 3), 5, 3],
		["all of weight 0", { ...random(8, 4, 2), weight: new Uint8Array(8) }, 4, 2],
		["weights 0 and 1", random(500, 17, 3, 2), 17, 3],
		["all classes", random(700, 8, 256), 8, 256],
		["classes in a tile of their own", random(40, 64, 3), 64, 3],
		["more tiles than share memory", random(1000, 203, 4), 203, 4],
		["more rows than are sent at once", random(7001, 33, 5), 33, 5],
		["the largest values", filled(900, 6, 255, 255), 6, 2],
		["the largest values, in as many rows as 32 bits hold and more", filled(65_536 * 12, 1, 255, 255), 1, 2],
		["the largest values of weight 1, in more rows than 32 bits hold", filled(65_536 * 8 + 77, 1, 255, 1), 1, 2],
	];
	needsDevice.each(cases)("%s", async (_, rows, d, k) => {
		const expected = await reference.statistics(rows, d, k);
		expect(await backend.statistics(rows, d, k)).toEqual(expected);
		expect(await narrow!.statistics(rows, d, k)).toEqual(expected);
	});
});

describe("the nearest rows are those of the reference", () => {
	const matrix = (rows: number, columns: number, bound = 256) => ({ values: bytes(rows * columns, bound), rows, columns });
	const cases: [string, ReturnType<typeof matrix>, ReturnType<typeof matrix>, number][] = [
		["one of one", matrix(1, 3), matrix(2, 3), 1],
		["all equal", matrix(300, 2, 1), matrix(3, 2, 1), 5],
		["many ties", matrix(5000, 3, 2), matrix(4, 3, 2), 64],
		["as many as the device keeps", matrix(4500, 7), matrix(3, 7), 256],
		["more than the device keeps", matrix(4500, 7), matrix(3, 7), 257],
		["the order of all", matrix(300, 5, 4), matrix(3, 5, 4), 300],
		["many test rows", matrix(12, 4, 9), matrix(2100, 4, 9), 3],
		["the largest distances", { values: new Uint8Array(3 * 33_025).fill(255), rows: 3, columns: 33_025 }, matrix(1, 33_025, 1), 3],
	];
	needsDevice.each(cases)("%s", async (_, train, testRows, count) => {
		const expected = await reference.nearest(train, testRows, count);
		expect(await backend.nearest(train, testRows, count)).toEqual(expected);
		expect(await narrow!.nearest(train, testRows, count)).toEqual(expected);
	});
});

describe("memory", () => {
	needsDevice("an upload does not touch what kernels have still to read", async () => {
		for (let round = 0; round < 3; round++) {
			const values = Int32Array.from({ length: 1000 }, (_, i) => i + round);
			const one = backend.upload("i32", values, 10, 100);
			const result = backend.integers.requantise(one, undefined, 0, { element: "i32", low: -(2 ** 31), high: 2 ** 31 - 1 });
			backend.release(one);
			backend.upload("i32", new Int32Array(1000).fill(-1), 10, 100);
			expect(await backend.download(result)).toEqual(values);
		}
	});

	needsDevice("a chain longer than a batch", async () => {
		const range = { element: "i32", low: -(2 ** 31), high: 2 ** 31 - 1 } as const;
		const bias = backend.upload("i32", Int32Array.of(1, 2, 3), 1, 3);
		let z = backend.upload("i32", Int32Array.of(10, 20, 30), 1, 3);
		for (let i = 0; i < 700; i++) {
			const sum = backend.integers.requantise(z, bias, 0, range);
			backend.release(z);
			z = sum;
		}
		expect([...(await backend.download(z))]).toEqual([710, 1420, 2130]);
	});

	needsDevice("a shape more is no memory more", async () => {
		const one = backend.upload("u8", Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 3);
		const other = backend.reshape(one, 3, 2);
		expect(await backend.download(other)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
		backend.release(other, one, one);
		expect((await refusal(() => backend.download(one))).code).toBe("TENSOR_UNKNOWN");
		expect((await refusal(() => backend.download(other))).code).toBe("TENSOR_UNKNOWN");
		// Its memory went back once: these two do not share it.
		const [a, b] = [Uint8Array.of(7), Uint8Array.of(8)].map((values) => backend.upload("u8", values, 1, 1)) as [Tensor, Tensor];
		expect([await backend.download(a), await backend.download(b)]).toEqual([Uint8Array.of(7), Uint8Array.of(8)]);
	});

	/** Counts what a device makes from now on. */
	const counted = (device: GPUDevice) => {
		const counts = { buffers: 0, groups: 0, pipelines: 0 };
		const { createBuffer, createBindGroup, createComputePipeline } = device;
		const count =
			<A extends unknown[], R>(name: keyof typeof counts, make: (...args: A) => R) =>
			(...args: A) => {
				counts[name]++;
				return make.apply(device, args);
			};
		device.createBuffer = count("buffers", createBuffer);
		device.createBindGroup = count("groups", createBindGroup);
		device.createComputePipeline = count("pipelines", createComputePipeline);
		return counts;
	};

	needsDevice("a loop makes nothing anew", async () => {
		let device: GPUDevice | undefined;
		const own = (await openForTests({ onDevice: (one) => (device = one) })) as WebgpuBackend;
		const weights = own.upload("f32", new Float32Array(60), 6, 10);
		const round = async () => {
			const [x, labels] = [own.upload("f32", new Float32Array(48), 8, 6), own.upload("u8", new Uint8Array(8), 8, 1)];
			const logits = own.floats.product(x, weights);
			const { losses, errors } = own.floats.crossEntropy(logits, labels);
			const gradient = own.floats.product(x, errors, { left: true });
			own.floats.step({ values: weights, first: undefined, second: undefined }, gradient, 1 / 8, { kind: "sgd", rate: 1, weightDecay: 0 });
			const download = own.download(losses);
			own.release(x, labels, logits, losses, errors, gradient);
			await download;
		};
		for (let i = 0; i < 20; i++) await round();
		const counts = counted(device as GPUDevice);
		for (let i = 0; i < 100; i++) await round();
		expect(counts).toEqual({ buffers: 0, groups: 0, pipelines: 0 });
		await own.close();
	});

	needsDevice("what nobody holds any more goes back by itself", async () => {
		let device: GPUDevice | undefined;
		const own = (await openForTests({ onDevice: (one) => (device = one) })) as WebgpuBackend;
		setFlagsFromString("--expose-gc");
		const collect = runInNewContext("gc") as () => void;
		const counts = counted(device as GPUDevice);
		for (let i = 0; i < 40; i++) {
			own.upload("u8", new Uint8Array(2 ** 20), 2 ** 10, 2 ** 10);
			collect();
			await new Promise((resolve) => setImmediate(resolve));
		}
		expect(counts.buffers).toBeLessThan(10);
		await own.close();
	});

	needsDevice("a step that takes what it moves", async () => {
		const words = Int32Array.from({ length: 40 }, () => (next() | 0) >> 6);
		const floats = valuesOf("f32", 40) as Float32Array;
		const [expected, got] = await both((one) => {
			const state = { master: one.upload("i32", words, 4, 10), velocity: one.upload("i32", words, 4, 10) };
			one.integers.step(state, state.velocity, [], { rate: 2, momentum: 1, bound: 2 ** 20 });
			const values = one.upload("f32", floats, 4, 10);
			one.floats.step({ values, first: undefined, second: undefined }, values, 1, { kind: "sgd", rate: 0.5, weightDecay: 0 });
			return [state.master, state.velocity, values];
		});
		expect(got).toEqual(expected);
	});

	needsDevice("rows by number, of whole words and others", async () => {
		const rows = Uint32Array.of(4, 0, 0, 2);
		const values = { u8: bytes(40), f32: valuesOf("f32", 35) as Float32Array };
		const [expected, got] = await both((one) => [
			one.gather(one.upload("u8", values.u8, 5, 8), rows),
			one.gather(one.upload("u8", values.u8.subarray(5), 5, 7), rows),
			one.gather(one.upload("f32", values.f32, 5, 7), rows),
			one.gather(one.upload("f32", values.f32, 5, 7), new Uint32Array(0)),
		]);
		expect(got).toEqual(expected);
	});

	needsDevice("shared memory is uploaded as any other", async () => {
		const values = new Uint8Array(new SharedArrayBuffer(7));
		values.set([1, 2, 3, 4, 5, 6, 7]);
		expect([...(await backend.download(backend.upload("u8", values, 1, 7)))]).toEqual([1, 2, 3, 4, 5, 6, 7]);
	});
});

describe("refused as by the reference", () => {
	const geometry = { height: 3, width: 3, channels: 1, kernel: 2, stride: 1, padding: 0 };
	const actions: [string, (one: Backend, words: Tensor<"i32">, small: Tensor<"i8">, floats: Tensor<"f32">) => unknown][] = [
		["values that are no matrix", (one) => one.upload("u8", new Uint8Array(5), 2, 3)],
		["inner sizes that differ", (one, _, small) => one.integers.product(small, small)],
		["inner sizes of floats that differ", (one, _, __, floats) => one.floats.product(floats, floats)],
		[
			"a sum that leaves 32 bits",
			(one) => one.integers.product(one.upload("u8", new Uint8Array(33026), 1, 33026), one.upload("u8", new Uint8Array(33026), 33026, 1)),
		],
		["a bias of another length", (one, words) => one.integers.requantise(words, words, 1, { element: "i8", low: 0, high: 1 })],
		["a mask of another shape", (one, words) => one.integers.normalise(words, one.upload("i8", new Int8Array(1), 1, 1))],
		[
			"labels of another length",
			(one, words) => one.integers.softmaxErrors(words, undefined, 1, one.upload("u8", new Uint8Array(1), 1, 1)),
		],
		["labels of floats", (one, _, __, floats) => one.floats.crossEntropy(floats, one.upload("u8", new Uint8Array(1), 1, 1))],
		["images of another size", (one, _, small) => one.integers.patches(small, geometry)],
		["patches of another size", (one, words) => one.integers.unpatches(words, geometry)],
		["a kernel above the image", (one, _, small) => one.integers.patches(small, { ...geometry, kernel: 9 })],
		[
			"a step without moments",
			(one, _, __, floats) =>
				one.floats.step({ values: floats, first: undefined, second: undefined }, floats, 1, {
					kind: "momentum",
					rate: 1,
					weightDecay: 0,
					momentum: 0.5,
				}),
		],
		[
			"a gradient of another shape",
			(one, words) =>
				one.integers.step({ master: words, velocity: words }, one.upload("i32", new Int32Array(1), 1, 1), [], {
					rate: 1,
					momentum: 1,
					bound: 1,
				}),
		],
		["a shape of another size", (one, _, small) => one.reshape(small, 4, 2)],
		["a row that is not there", (one, _, small) => one.gather(small, Uint32Array.of(2))],
		["another backend's tensor", (one) => one.integers.columnSums(openReference().upload("i8", new Int8Array(1), 1, 1))],
		["labels beyond the classes", (one) => one.statistics({ x: bytes(2), label: Uint8Array.of(3), weight: bytes(1), count: 1 }, 2, 2)],
		[
			"more neighbours than rows",
			(one) => one.nearest({ values: bytes(4), rows: 2, columns: 2 }, { values: bytes(4), rows: 2, columns: 2 }, 3),
		],
		[
			"rows of unequal length",
			(one) => one.nearest({ values: bytes(4), rows: 2, columns: 2 }, { values: bytes(4), rows: 1, columns: 4 }, 1),
		],
	];
	needsDevice.each(actions)("%s", async (_, action) => {
		const refusalOf = (one: Backend) => {
			const [words, small] = [one.upload("i32", new Int32Array(6), 2, 3), one.upload("i8", new Int8Array(6), 2, 3)];
			return refusal(() => action(one, words, small, one.upload("f32", new Float32Array(6), 2, 3)));
		};
		const [expected, got] = [await refusalOf(reference), await refusalOf(backend)];
		expect({ ...got, message: got.message.replace("webgpu: ", "reference: ") }).toEqual(expected);
	});

	needsDevice("a tensor above the device's limit", async () => {
		const row = narrow!.upload("u8", new Uint8Array(2 ** 17), 1, 2 ** 17);
		expect(await refusal(() => narrow!.upload("u8", new Uint8Array(2 ** 17 + 1), 1, 2 ** 17 + 1))).toEqual({
			code: "TENSOR_TOO_LARGE",
			message: "webgpu: expected a tensor of at most 131072 bytes, got 131073 (1 x 131073 of u8)",
		});
		expect((await refusal(() => narrow!.integers.product(row, narrow!.upload("u8", Uint8Array.of(1), 1, 1), { left: true }))).code).toBe(
			"TENSOR_TOO_LARGE",
		);
	});
});

describe("time on the device", () => {
	needsDevice("is a number where there is a clock", async () => {
		const time = await opened!.time(async () => backend.upload("u8", Uint8Array.of(1), 1, 1));
		expect(time ?? 0).toBeGreaterThanOrEqual(0);
	});

	test("is taken by queries", async ({ skip }) => {
		// Dawn's device that does nothing has a clock.
		const idle = await openForTests({ ways: [{ backend: "null", featureLevel: "core" }] });
		if (!idle) return skip();
		const job = async () => {
			const one = idle.upload("u8", Uint8Array.of(1, 2, 3), 1, 3);
			await idle.download(idle.integers.product(one, one, { right: true }));
			await idle.download(idle.integers.product(one, one, { left: true }));
		};
		expect(await idle.time(job)).toBeTypeOf("number");
		await idle.close();
	});
});
