import { describe, expect, test } from "vitest";
import type { Backend } from "./backend.ts";
import { CONFORMANCE_KINDS, mismatches, requireExact } from "./conformance.ts";
import { deviations, SINGLE_PRECISION } from "./deviation.ts";
import { openReference } from "./reference/backend.ts";
import { HOST_LIMITS, openHost, plainFloatProduct } from "./reference/host.ts";
import { product } from "./reference/integers.ts";
import { nearest } from "./reference/neighbours.ts";
import { gram } from "./reference/statistics.ts";
import { refusal } from "./testing.ts";
import { openWasm } from "./wasm/backend.ts";

test("the wasm backend is exact", async () => {
	expect(await mismatches(openWasm())).toEqual([]);
});

describe("a backend that is nearly right is found", () => {
	const adapter = { device: "a device", driver: "none", software: true };
	const heavy = {
		integerProduct: product,
		floatProduct: plainFloatProduct,
		statistics: async (...args: Parameters<typeof gram>) => gram(...args),
		nearest: async (...args: Parameters<typeof nearest>) => nearest(...args),
		close: async () => {},
	};

	test.each([
		// What a device that sums bytes in float32 does.
		[
			"sums in float32",
			{ ...heavy, integerProduct: ((...args) => Int32Array.from(Float32Array.from(product(...args)))) as typeof product },
			"product",
		],
		[
			"saturating sums of 16 bits",
			{ ...heavy, integerProduct: ((...args) => product(...args).map((sum) => Math.max(-32768, Math.min(32767, sum)))) as typeof product },
			"product",
		],
		[
			"statistics without weights",
			{
				...heavy,
				statistics: async (rows: Parameters<typeof gram>[0], d: number, k: number) =>
					gram({ ...rows, weight: rows.weight.map((w) => Math.min(w, 1)) }, d, k),
			},
			"jobs",
		],
		[
			"neighbours without order among equals",
			{
				...heavy,
				nearest: async (...args: Parameters<typeof nearest>) => {
					const { indices, ...rest } = nearest(...args);
					return { ...rest, indices: indices.map((i) => args[0].rows - 1 - i) };
				},
			},
			"jobs",
		],
	] as const)("%s", async (_, kernels, kind) => {
		const backend = openHost("webgpu", adapter, kernels);
		expect((await mismatches(backend, [kind])).length).toBeGreaterThan(0);
		for (const other of CONFORMANCE_KINDS.filter((one) => one !== kind)) expect(await mismatches(backend, [other])).toEqual([]);
		const { code, message } = await refusal(() => requireExact(backend));
		expect(code).toBe("INEXACT_BACKEND");
		expect(message).toMatch(/^webgpu on a device: \w+ .*: expected -?\d+ at position \d+, got -?\d+; \d+ of \d+ values/);
	});
});

describe("refused by every backend that holds its tensors here", () => {
	const open: Backend = openReference();
	const bytes = open.upload("i8", new Int8Array(6), 2, 3);
	const words = open.upload("i32", new Int32Array(6), 2, 3);

	test.each([
		[
			"values that are no matrix",
			() => open.upload("u8", new Uint8Array(5), 2, 3),
			"SHAPE_MISMATCH",
			"upload: expected 2 x 3 values, got 5",
		],
		[
			"inner sizes that differ",
			() => open.integers.product(bytes, bytes),
			"SHAPE_MISMATCH",
			"product: expected equal inner sizes, got 3 and 2 (2 x 3 of i8, 2 x 3 of i8)",
		],
		[
			"a bias of another length",
			() => open.integers.requantise(words, words, 1, { element: "i8", low: 0, high: 1 }),
			"SHAPE_MISMATCH",
			"requantise: bias: expected 1 x 3 of i32, got 2 x 3 of i32",
		],
		["a shape of another size", () => open.reshape(bytes, 4, 2), "SHAPE_MISMATCH", "reshape: expected a shape of 6 values, got 4 x 2"],
		["a row that is not there", () => open.gather(bytes, Uint32Array.of(2)), "SHAPE_MISMATCH", "gather: expected rows below 2, got 2"],
		[
			"a sum that leaves 32 bits",
			() => open.integers.product(open.upload("u8", new Uint8Array(33026), 1, 33026), open.upload("u8", new Uint8Array(33026), 33026, 1)),
			"SUM_TOO_LARGE",
			"product: expected at most 33025 terms of u8 times u8 in a sum, got 33026",
		],
		[
			"another backend's tensor",
			() => openReference().integers.columnSums(bytes),
			"TENSOR_UNKNOWN",
			"reference: expected a tensor of this backend that is not released, got another",
		],
		[
			"a tensor too large",
			() => open.upload("u8", { length: HOST_LIMITS.tensorBytes + 1 } as never, 1, HOST_LIMITS.tensorBytes + 1),
			"TENSOR_TOO_LARGE",
			"reference: expected a tensor of at most 2147483648 bytes, got 2147483649 (1 x 2147483649 of u8)",
		],
	])("%s", async (_, action, code, message) => {
		expect(await refusal(action)).toEqual({ code, message });
	});

	test("nothing, where a tensor is made of a Buffer: its bytes are copied", async () => {
		const bytes = Buffer.of(1, 2);
		const tensor = open.upload("u8", bytes, 1, 2);
		bytes[0] = 9;
		expect(await open.download(tensor)).toEqual(Uint8Array.of(1, 2));
	});

	test("a tensor that was released, and a backend that was closed", async () => {
		const backend = openReference();
		const [one, other] = [backend.upload("u8", Uint8Array.of(1), 1, 1), backend.upload("u8", Uint8Array.of(2), 1, 1)];
		backend.release(one);
		expect((await refusal(() => backend.download(one))).code).toBe("TENSOR_UNKNOWN");
		expect([...(await backend.download(other))]).toEqual([2]);
		await backend.close();
		await backend.close();
		expect((await refusal(() => backend.download(other))).code).toBe("BACKEND_CLOSED");
	});
});

test("floats of the wasm backend are those of the reference, as far as single precision goes", async () => {
	for (const { name, error } of await deviations(openWasm())) expect([name, error < SINGLE_PRECISION]).toEqual([name, true]);
});
