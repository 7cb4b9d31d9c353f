import { afterAll, describe, expect, test } from "vitest";
import type { Backend } from "../backend.ts";
import type { Transposed } from "../matrix.ts";
import { below, generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { arrayOf, type Byte, type Element, type Tensor } from "../tensor.ts";
import { refusal } from "../testing.ts";
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
		["more tiles than a dimension of workgroups has", "u8", "i8", [65_535 * 64 + 70, 1, 1], {}],
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
		const [buffer, other] = [expected, got].map(([values]) => Buffer.from((values as Int32Array).buffer));
		expect(buffer?.length).toBe(4 * rows * columns);
		expect(other?.equals(buffer as Buffer)).toBe(true);
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
