import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, expect, test } from "vitest";
import type { Backend } from "../backend.ts";
import { generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import type { Tensor } from "../tensor.ts";
import { refusal } from "../testing.ts";
import type { WebgpuBackend } from "./backend.ts";
import { openForTests } from "./testing.ts";

const opened = await openForTests();
afterAll(() => opened?.close());
const backend = opened as Backend;
const needsDevice = test.skipIf(!opened);

const next = generator(4n);
const words = (length: number) => Int32Array.from({ length }, () => (next() | 0) >> 6);
const floats = (length: number) => Float32Array.from({ length }, () => next() / 2 ** 31 - 1);
const bytes = (length: number) => Uint8Array.from({ length }, () => next() >>> 24);

/** What a job on tensors gives on the reference and here. */
async function both(job: (backend: Backend) => readonly Tensor[]): Promise<[unknown[], unknown[]]> {
	const run = (one: Backend) => Promise.all(job(one).map((tensor) => one.download(tensor)));
	return [await run(openReference()), await run(backend)];
}

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
	const given = { words: words(40), floats: floats(40) };
	const [expected, got] = await both((one) => {
		const state = { master: one.upload("i32", given.words, 4, 10), velocity: one.upload("i32", given.words, 4, 10) };
		one.integers.step(state, state.velocity, [], { rate: 2, momentum: 1, bound: 2 ** 20 });
		const values = one.upload("f32", given.floats, 4, 10);
		one.floats.step({ values, first: undefined, second: undefined }, values, 1, { kind: "sgd", rate: 0.5, weightDecay: 0 });
		return [state.master, state.velocity, values];
	});
	expect(got).toEqual(expected);
});

needsDevice("rows by number, of whole words and others", async () => {
	const rows = Uint32Array.of(4, 0, 0, 2);
	const values = { u8: bytes(40), f32: floats(35) };
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
