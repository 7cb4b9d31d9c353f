import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../backend.ts";
import { mismatches } from "../conformance.ts";
import { deviations, SINGLE_PRECISION } from "../deviation.ts";
import { generator } from "../random.ts";
import { openHost, plainFloatProduct } from "../reference/host.ts";
import { nearest } from "../reference/neighbours.ts";
import { gram } from "../reference/statistics.ts";
import type { Arrays, Byte } from "../tensor.ts";
import { refusal } from "../testing.ts";
import { runProgram } from "../webgpu/testing.ts";
import { openGpujs } from "./backend.ts";
import { GPUJS_MODES, type GpujsMode, hasHeadlessGl, type Multiply, openMultiplication, SIDE } from "./multiplication.ts";
import { openRemote } from "./remote.ts";
import { termsOfTile, tiledProduct } from "./tiles.ts";

/** Why a mode cannot be tested here; undefined if it can. */
async function absence(mode: GpujsMode): Promise<string | undefined> {
	try {
		await (await openGpujs({ mode })).close();
		return undefined;
	} catch (error) {
		// CI installs a software adapter and must not lose this test.
		if (process.env.REQUIRE_WEBGPU === "1") throw error;
		return (error as Error).message;
	}
}

// Headless OpenGL is no part of the installation: who adds the package gl (docs/compute.md) tests it too.
for (const mode of GPUJS_MODES.filter((one) => one !== "headlessgl" || hasHeadlessGl())) {
	const reason = mode === "webasm" ? undefined : await absence(mode);
	if (reason) console.warn(`gpu.js in mode ${mode} is not tested: ${reason}`);

	if (mode === "webgpu") {
		test.skipIf(reason)("what goes wrong in the thread is said here", async () => {
			const remote = await openRemote();
			const [three, one] = [new Float32Array(3), Float32Array.of(2)];
			const shape = { rows: 1, inner: 1, columns: 1 };
			expect(await refusal(async () => remote.multiply(three, one, shape))).toEqual({
				code: "DEVICE_LOST",
				message: expect.stringMatching(/^gpujs: expected a product on .+, got Input size 3 does not match/),
			});
			expect(remote.multiply(one, one, shape)).toEqual([Float32Array.of(4)]);
			await remote.close();
			expect((await refusal(async () => remote.multiply(one, one, shape))).message).toMatch(/got the end of its thread$/);
		});
	}

	describe.skipIf(reason)(`mode ${mode}`, () => {
		let backend: Backend;
		beforeAll(async () => {
			backend = await openGpujs({ mode });
		});
		afterAll(async () => {
			await backend?.close();
		});

		test("names itself, and is exact", async () => {
			expect(backend.adapter.device).toMatch(new RegExp(`^gpu.js in mode ${mode} on .`));
			expect(backend.adapter.driver).toMatch(/^gpu\.js 2\.24\.1, ./);
			expect(await mismatches(backend)).toEqual([]);
		});

		test("floats are those of the reference, as far as single precision goes", async () => {
			for (const { name, error } of await deviations(backend)) expect([name, error < SINGLE_PRECISION]).toEqual([name, true]);
		});

		test("statistics and neighbours over several blocks, of the heaviest rows", async () => {
			const random = generator(3n);
			const [count, d, k] = [4097, 5, 3];
			const rows = {
				x: Uint8Array.from({ length: count * d }, (_, at) => (at % 3 === 0 ? 255 : random() >>> 24)),
				label: Uint8Array.from({ length: count }, () => random() % k),
				weight: new Uint8Array(count).fill(255),
				count,
			};
			expect(await backend.statistics(rows, d, k)).toEqual(gram(rows, d, k));
			const light = { ...rows, weight: new Uint8Array(count).fill(1) };
			expect(await backend.statistics(light, d, k)).toEqual(gram(light, d, k));
			const train = { values: rows.x, rows: count, columns: d };
			const test = { values: rows.x.slice(0, 1100 * d), rows: 1100, columns: d };
			expect(await backend.nearest(train, { ...test, rows: 40, values: test.values.slice(0, 40 * d) }, 9)).toEqual(
				nearest(train, { ...test, rows: 40, values: test.values.slice(0, 40 * d) }, 9),
			);
			const { indices } = await backend.nearest(train, test, 1);
			expect(indices.length).toBe(1100);
		});

		test("does not keep a process alive that forgets to close it", async () => {
			const module = JSON.stringify(new URL("./backend.ts", import.meta.url).href);
			const statements = `import { openGpujs } from ${module};
				const { floats, upload } = await openGpujs({ mode: "${mode}" });
				const one = upload("f32", Float32Array.of(2), 1, 1);
				floats.product(one, one);
				console.log("done");`;
			const { code, stdout } = await runProgram(["--input-type=module", "--eval", statements]);
			expect({ code, stdout }).toEqual({ code: 0, stdout: "done\n" });
		});

		test("gives NaN and infinities on", async () => {
			const values = backend.upload("f32", Float32Array.of(Number.NaN, 1, Number.POSITIVE_INFINITY, 1), 2, 2);
			const ones = backend.upload("f32", Float32Array.of(1, 0, 0, 1), 2, 2);
			const product = await backend.download(backend.floats.product(values, ones));
			expect(product[0]).toBeNaN();
			expect(product[1]).toBeNaN();
		});
	});
}

test("tiles of too many terms, the one thing that differs, are found inexact", async () => {
	const { multiply, close } = await openMultiplication("webasm");
	const open = (termsOf: (left: Byte, right: Byte) => number) =>
		openHost(
			"gpujs",
			{ device: "gpu.js", driver: "none", software: true },
			{
				integerProduct(left, right, shape, transposed) {
					const byteOf = (values: Arrays[Byte]) => (values instanceof Int8Array ? "i8" : "u8");
					return Int32Array.from(tiledProduct(multiply as Multiply, left, right, shape, transposed, termsOf(byteOf(left), byteOf(right))));
				},
				floatProduct: plainFloatProduct,
				statistics: async (rows, d, k) => gram(rows, d, k),
				nearest: async (train, test, count) => nearest(train, test, count),
				close: async () => {},
			},
		);
	expect(await mismatches(open(termsOfTile), ["product"])).toEqual([]);
	const wrong = await mismatches(
		open(() => SIDE),
		["product"],
	);
	expect(wrong.length).toBeGreaterThan(0);
	for (const { name } of wrong) expect(name).toMatch(/^product (u8 .* x|.* x u8) /);
	await close();
});

test("a mode that is not here is refused", async () => {
	if (hasHeadlessGl()) return;
	const { code, message } = await refusal(() => openGpujs({ mode: "headlessgl" }));
	expect(code).toBe("NO_ADAPTER");
	expect(message).toMatch(/^gpujs: expected gpu.js to run in mode headlessgl, got: /);
});

test("a program that plays a GPU is not taken for one", async () => {
	const backend = await openGpujs();
	const { device, software } = backend.adapter;
	expect(software).toBe(!device.includes(" mode webgpu "));
	await backend.close();
	await backend.close();
	expect((await refusal(() => backend.download(backend.upload("u8", Uint8Array.of(1), 1, 1)))).code).toBe("BACKEND_CLOSED");
});
