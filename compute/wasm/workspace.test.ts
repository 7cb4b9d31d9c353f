import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { matrix, multiplyPlain } from "../matrix.ts";
import { generator } from "../random.ts";
import { SINGLE_KERNELS } from "./product-kernels.ts";
import { Workspace } from "./workspace.ts";

const next = generator(77n);
const random = (length: number) => Float32Array.from({ length }, () => (2 * next()) / 2 ** 32 - 1);

describe("an engine without relaxed instructions", () => {
	beforeEach(() => {
		vi.resetModules();
		vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
	});
	afterEach(() => {
		vi.restoreAllMocks();
		vi.resetModules();
	});

	test("gives the same products of floats up to rounding, and of bytes", async () => {
		const compile = vi.spyOn(WebAssembly, "Module");
		const { multiply } = await import("../matrix.ts");
		const { byteArithmetic, PAIRWISE } = await import("./byte-arithmetic.ts");
		const [left, right] = [matrix(random(30 * 70), 30, 70), matrix(random(70 * 21), 70, 21)];
		const expected = multiplyPlain(left, right);
		multiply(left, right).values.forEach((value, i) => {
			expect(Math.abs(value - (expected.values[i] as number))).toBeLessThan(1e-5);
		});
		expect(byteArithmetic()).toBe(PAIRWISE);
		// No relaxed opcode (0xfd 0x85 0x02: f32x4.relaxed_madd) is in what was compiled.
		const binaries = compile.mock.calls.map(([bytes]) => Buffer.from(bytes as Uint8Array));
		expect(binaries.length).toBe(1);
		expect(binaries.every((binary) => !binary.includes(Buffer.of(0xfd, 0x85, 0x02)))).toBe(true);
	});
});

test("kernels are compiled once per process, and asked for once per memory", () => {
	const compile = vi.spyOn(WebAssembly, "Module");
	const [first, second] = [new Workspace(), new Workspace()];
	const kernels = first.kernels(SINGLE_KERNELS);
	expect(first.kernels(SINGLE_KERNELS)).toBe(kernels);
	expect(second.kernels(SINGLE_KERNELS)).not.toBe(kernels);
	expect(compile).toHaveBeenCalledTimes(1);
	vi.restoreAllMocks();
});

test("a build that lacks a kernel it names is refused", () => {
	const broken = { names: ["missing"], emit: SINGLE_KERNELS.emit };
	expect(() => new Workspace().kernels(broken)).toThrow('Workspace.kernels: expected a kernel "missing", got none');
});

test("the memory grows, keeps what is in it, and is used again", () => {
	const space = new Workspace();
	const first = space.allocate(100);
	space.bytes(first, 100).fill(7);
	const second = space.allocate(5_000_000);
	expect([first % 64, second % 64, second - first]).toEqual([0, 0, 128]);
	expect(space.bytes(first, 100).every((value) => value === 7)).toBe(true);
	const size = space.memory.buffer.byteLength;
	space.clear();
	expect(space.allocate(5_000_000)).toBe(first);
	expect(space.memory.buffer.byteLength).toBe(size);
	expect(() => space.allocate(2 ** 33)).toThrow("Workspace.allocate: expected room for 8589934592 bytes");
});
