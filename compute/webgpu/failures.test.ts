import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import type { Tensor } from "../tensor.ts";
import { refusal } from "../testing.ts";
import type { WebgpuBackend } from "./backend.ts";
import { openForTests, runWithBackend } from "./testing.ts";

const probe = await openForTests();
const software = probe?.adapter.software;
await probe?.close();
const needsDevice = test.skipIf(!probe);

let backend: WebgpuBackend;
let device: GPUDevice;
const open = async () => {
	backend = (await openForTests({ onDevice: (opened) => (device = opened) })) as WebgpuBackend;
	return backend.upload("u8", Uint8Array.of(1, 2, 3), 1, 3);
};
afterEach(() => backend?.close());

const train = { values: new Uint8Array(600), rows: 200, columns: 3 };
const rows = { x: new Uint8Array(600), label: new Uint8Array(200), weight: new Uint8Array(200).fill(1), count: 200 };

describe("a device that is lost in mid-job", () => {
	needsDevice("rejects what waits and all that follows", async () => {
		const one = await open();
		const waiting = [
			backend.download(backend.integers.product(one, one, { right: true })),
			backend.statistics(rows, 3, 2),
			backend.nearest(train, train, 4),
		].map((job) => refusal(() => job));
		device.destroy();
		for (const { code, message } of await Promise.all(waiting)) {
			expect(code).toBe("DEVICE_LOST");
			expect(message).toMatch(/^webgpu: the device is lost \(destroyed\): /);
		}
		// Kernels are recorded in vain; what they give does not come back.
		const late = backend.upload("u8", Uint8Array.of(4), 1, 1);
		for (const job of [
			() => backend.download(one),
			() => backend.download(backend.integers.product(late, late)),
			() => backend.statistics(rows, 3, 2),
			() => backend.nearest(train, train, 4),
			() => backend.nearest(train, train, 200),
			() => backend.time(async () => {}),
		]) {
			expect((await refusal(job)).code).toBe("DEVICE_LOST");
		}
	});

	needsDevice("another one does not mind", async () => {
		const other = (await openForTests()) as WebgpuBackend;
		const kept = other.upload("u8", Uint8Array.of(5), 1, 1);
		await open();
		device.destroy();
		expect([...(await other.download(kept))]).toEqual([5]);
		await other.close();
	});
});

describe("a backend that is closed", () => {
	needsDevice("rejects what waits and all that follows, and closes once", async () => {
		const one = await open();
		const waiting = [backend.download(one), backend.statistics(rows, 3, 2), backend.nearest(train, train, 4)].map((job) =>
			refusal(() => job),
		);
		await backend.close();
		await backend.close();
		for (const { code } of await Promise.all(waiting)) expect(code).toBe("BACKEND_CLOSED");
		for (const job of [
			() => backend.upload("u8", Uint8Array.of(4), 1, 1),
			() => backend.download(one),
			() => backend.gather(one, Uint32Array.of(0)),
			() => backend.reshape(one, 3, 1),
			() => backend.integers.product(one, one, { right: true }),
			() => backend.floats.columnSums(one as unknown as Tensor<"f32">),
			() => backend.statistics(rows, 3, 2),
			() => backend.nearest(train, train, 4),
			() => backend.time(async () => {}),
		]) {
			expect((await refusal(job)).code).toBe("BACKEND_CLOSED");
		}
		backend.release(one);
	});
});

describe("commands that the device refuses", () => {
	/** What is wrong, in the batch of now. */
	const wrong = () => device.createBuffer({ size: 4, usage: 0xffff });

	needsDevice("are an error of what was made with them, and of what is made of that; the rest stays", async () => {
		const before = await open();
		expect([...(await backend.download(before))]).toEqual([1, 2, 3]);
		const made = backend.integers.product(before, before, { right: true });
		wrong();
		const { code, message } = await refusal(() => backend.download(made));
		expect(code).toBe("DEVICE_ERROR");
		expect(message).toMatch(/^webgpu: the device refused commands: .*[Uu]sage/s);
		const ofMade = backend.integers.requantise(made, undefined, 0, { element: "u8", low: 0, high: 255 });
		expect((await refusal(() => backend.download(ofMade))).code).toBe("DEVICE_ERROR");
		expect((await refusal(() => backend.download(made))).code).toBe("DEVICE_ERROR");
		// A step that fails leaves no parameters that look as if nothing had happened.
		const values = backend.upload("f32", Float32Array.of(1), 1, 1);
		backend.floats.step({ values, first: undefined, second: undefined }, values, 1, { kind: "sgd", rate: 1, weightDecay: 0 });
		wrong();
		await refusal(() => backend.download(made));
		expect((await refusal(() => backend.download(values))).code).toBe("DEVICE_ERROR");
		backend.release(made, ofMade);
		expect([...(await backend.download(before))]).toEqual([1, 2, 3]);
		expect([...(await backend.download(backend.integers.product(before, before, { right: true })))]).toEqual([14]);
	});

	needsDevice("are an error of what was made of theirs before anybody knew", async () => {
		const one = await open();
		wrong();
		const made = backend.integers.product(one, one, { right: true });
		// More kernels than a batch has.
		for (let i = 0; i < 300; i++) backend.release(backend.integers.columnSums(backend.upload("i8", Int8Array.of(1), 1, 1)));
		const ofMade = backend.integers.requantise(made, undefined, 0, { element: "u8", low: 0, high: 255 });
		expect((await refusal(() => backend.download(ofMade))).code).toBe("DEVICE_ERROR");
	});

	needsDevice("are an error of jobs of many batches", async () => {
		await open();
		const job = refusal(() => backend.statistics(rows, 3, 2));
		wrong();
		expect((await job).code).toBe("DEVICE_ERROR");
		expect((await backend.statistics(rows, 3, 2)).n).toBe(200);
	});
});

/** Bounds memory of a process whose device is a processor: tensors are memory of the process there. */
const prlimit = (() => {
	try {
		execFileSync("prlimit", ["--version"]);
		return true;
	} catch {
		return false;
	}
})();
if (!prlimit || !software) console.warn("skipped: out of device memory (needs prlimit and a software adapter)");

test.skipIf(!prlimit || !software)("a device without memory left says so, and what was there stays", async () => {
	const { code, stdout, stderr } = await runWithBackend(`
		const { execFileSync } = await import("node:child_process");
		const { readFileSync } = await import("node:fs");
		const row = (n, value) => backend.upload("u8", new Uint8Array(n).fill(value), n, 1);
		const product = (one, other) => backend.integers.product(one, other, { right: true });
		const [kept, long, short] = [row(3, 7), row(8192, 2), row(4096, 3)];
		// Whatever else needs memory gets it before it is bounded.
		await backend.download(product(kept, kept));
		const size = /VmSize:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1] * 1024;
		execFileSync("prlimit", ["--pid", String(process.pid), "--as=" + (size + 100 * 2 ** 20)]);
		const large = product(long, short);
		const error = await backend.download(large).catch((thrown) => thrown);
		const again = await backend.download(large).catch((thrown) => thrown);
		const statistics = await backend.statistics({ x: Uint8Array.of(3), label: Uint8Array.of(0), weight: Uint8Array.of(1), count: 1 }, 1, 1);
		backend.release(large);
		// Nothing takes the buffer that could not be made.
		const other = await backend.download(backend.gather(product(long, short), Uint32Array.of(0))).catch((thrown) => thrown);
		console.log(JSON.stringify({
			code: error.code, hint: error.hint, again: again.code, other: other.code, kept: [...await backend.download(kept)],
			product: [...await backend.download(product(kept, kept))], a: [...statistics.a],
		}));
		await backend.close();`);
	expect({ code, stderr }).toEqual({ code: 0, stderr });
	// Dawn's own remarks come before.
	expect(JSON.parse(stdout.trimEnd().split("\n").at(-1) as string)).toEqual({
		code: "OUT_OF_DEVICE_MEMORY",
		hint: "Release tensors, work on fewer rows at once, or use another backend.",
		again: "OUT_OF_DEVICE_MEMORY",
		other: "OUT_OF_DEVICE_MEMORY",
		kept: [7, 7, 7],
		product: new Array(9).fill(49),
		a: [9],
	});
});

describe("a process ends by itself", () => {
	const work = 'const one = backend.upload("u8", Uint8Array.of(1, 2), 1, 2); console.log([...await backend.download(one)].join());';
	test.skipIf(!probe).each([
		["after close", "await backend.close();"],
		["without close", ""],
		["without close, with kernels that nobody waits for", "backend.integers.product(one, one, { right: true });"],
		["without close, in the middle of a download", "backend.download(one);"],
		["after the device was lost", "device.destroy();"],
		["after close, when all is collected", "await backend.close(); globalThis.gc?.();"],
	])("%s", async (_, end) => {
		const { code, stdout, stderr } = await runWithBackend(work + end);
		expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "1,2\n", stderr });
	});
});
