import { describe, expect, it } from "vitest";
import { type Code, Func, i32, i64, MAX_PAGES, Module, octet, operands, pair, quad, sixteen, type Type } from "./emitter.ts";

type Exports = Record<string, (...operands: (number | bigint)[]) => number | bigint>;

const allocate = () => new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES, shared: true });

async function run(build: (module: Module) => Record<string, Func>): Promise<Exports> {
	const module = new Module();
	for (const [name, func] of Object.entries(build(module))) module.export(name, func);
	const [memory, points] = [allocate(), allocate()];
	return new WebAssembly.Instance(await WebAssembly.compile(module.encode()), { env: { memory, points } }).exports as unknown as Exports;
}

function returning(params: readonly Type[], result: Type, value: (func: Func) => Code): Func {
	const func = new Func(params, result);
	func.emit(value(func));
	return func;
}

describe("the emitter", () => {
	it.each([0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8193, 2 ** 31 - 1, -(2 ** 31)])("encodes the integer %i", async (value) => {
		const long = BigInt(value) * (2n ** 32n + 1n);
		const exports = await run(() => ({
			short: returning([], "i32", () => i32.const(value)),
			long: returning([], "i64", () => i64.const(long)),
		}));
		expect(exports.short?.()).toBe(value);
		expect(exports.long?.()).toBe(BigInt.asIntN(64, long));
	});

	it("repeats, branches and returns early", async () => {
		const func = new Func(["i32"], "i32");
		const [limit, sum, i] = [func.param(0), func.local("i32"), func.local("i32")];
		func.while(i32.ltU(i, limit), () => {
			func.assign(i, i32.add(i, i32.const(1)));
			func.if(i32.geU(sum, i32.const(100)), () => func.return(i32.const(-1)));
			func.assign(sum, i32.add(sum, i));
		});
		func.emit(sum);
		const exports = await run(() => ({ sum: func }));
		expect([0, 1, 4, 13, 20].map((n) => exports.sum?.(n))).toEqual([0, 1, 10, 91, -1]);
	});

	it("keeps constants at the start of the memory, each once", async () => {
		let bytes = 0;
		const exports = await run((module) => {
			const sum = pair.iAdd(pair.iAdd(module.constant(2n ** 63n), module.constant(5n)), module.constant(5n));
			bytes = 16 * module.constants.length;
			const func = new Func([]);
			func.emit(pair.store(i32.const(64), sum));
			return {
				run: func,
				low: returning([], "i64", () => i64.load(i32.const(64))),
				high: returning([], "i64", () => i64.load(i32.const(72))),
			};
		});
		exports.run?.();
		expect(bytes).toBe(32);
		expect([exports.low?.(), exports.high?.()]).toEqual([-(2n ** 63n) + 10n, -(2n ** 63n) + 10n]);
	});

	it("adds to a module with the same constants, and with no other", () => {
		const first = new Module();
		const load = first.constant(5n);
		const addition = new Module(first.constants);
		expect(addition.constant(5n)).toEqual(load);
		expect(() => addition.constant(6n)).toThrow(/expected a constant of the module that this one adds to, got 6/);
		expect(addition.encode().length).toBeLessThan(first.encode().length);
	});

	it("works on two memories", async () => {
		const element = new Func(["i32"], "i64");
		element.emit(pair.storeLane(element.param(0), pair.iSplat(i64.const(7n)), 0, 8, 1));
		element.emit(i64.load(element.param(0), 8, 1));
		const exports = await run(() => ({
			second: element,
			first: returning(["i32"], "i64", (func) => i64.load(func.param(0), 8)),
		}));
		expect([exports.second?.(128), exports.first?.(128)]).toEqual([7n, 0n]);
	});

	it("imports one memory that is not shared", () => {
		const module = new Module([], { names: ["memory"], shared: false });
		const func = new Func(["i32", "i32"], "i32");
		const [first, second] = operands(func);
		func.emit(i32.add(i32.load(first), i32.load(second)));
		module.export("sum", func);
		const memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES });
		const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } });
		new Int32Array(memory.buffer).set([0, 40, 2]);
		expect((exports as Exports).sum?.(4, 8)).toBe(42);
	});
});

describe("vectors", () => {
	const SOURCE = [3, -5, 250, 1000, 7, 2 ** 31, -1, 9];

	/** What an operation makes of two vectors of 32-bit lanes, as lanes again. */
	function lanes(operation: (first: Code, second: Code) => Code, kind: "integers" | "floats" = "integers"): number[] {
		const module = new Module([], { names: ["memory"], shared: false });
		const func = new Func([]);
		func.emit(quad.store(i32.const(32), operation(quad.load(i32.const(0)), quad.load(i32.const(0), 16))));
		module.export("run", func);
		const memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES });
		const view = kind === "integers" ? new Int32Array(memory.buffer) : new Float32Array(memory.buffer);
		view.set(SOURCE);
		(new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } }).exports as Exports).run?.();
		return Array.from(view.subarray(8, 12));
	}

	const by = (operation: (a: number, b: number) => number, round: (value: number) => number) =>
		[0, 1, 2, 3].map((lane) => round(operation(round(SOURCE[lane] as number), round(SOURCE[4 + lane] as number))));

	it.each([
		["add", quad.iAdd, (a: number, b: number) => a + b],
		["subtract", quad.iSub, (a: number, b: number) => a - b],
		["multiply", quad.iMul, Math.imul],
		["and", quad.and, (a: number, b: number) => a & b],
		["or", quad.or, (a: number, b: number) => a | b],
		["xor", quad.xor, (a: number, b: number) => a ^ b],
		["compare without sign", quad.iNotBelow, (a: number, b: number) => (a >>> 0 >= b >>> 0 ? -1 : 0)],
		["shift left", (a: Code) => quad.iShl(a, i32.const(5)), (a: number) => a << 5],
		["shift right", (a: Code) => quad.iShrU(a, i32.const(5)), (a: number) => a >>> 5],
		["spread", () => quad.iSplat(i32.const(-9)), () => -9],
		["spread from memory", () => quad.loadSplat(i32.const(8)), () => 250],
		["take a byte from each of four", () => sixteen.splat(i32.const(0x80)), () => 0x80808080],
	] as const)("of four integers %s", (_, operation, expected) => {
		expect(lanes(operation)).toEqual(by(expected, (value) => value | 0));
	});

	it.each([
		["add", quad.fAdd, (a: number, b: number) => a + b],
		["subtract", quad.fSub, (a: number, b: number) => a - b],
		["multiply", quad.fMul, (a: number, b: number) => a * b],
		["multiply and add", (a: Code, b: Code) => quad.fRelaxedMadd(a, b, a), (a: number, b: number) => a * b + a],
	] as const)("of four floats %s", (_, operation, expected) => {
		expect(lanes(operation, "floats")).toEqual(by(expected, Math.fround));
	});

	it("of floats compare, and take lanes by index", () => {
		expect(lanes((a, b) => quad.and(a, quad.fGreater(a, b)), "floats")).toEqual([0, 0, 250, 1000]);
		expect(lanes((a, b) => quad.shuffle(a, b, [7, 0, 5, 2]))).toEqual([9, 3, (2 ** 31) | 0, 250]);
		expect(lanes((a, b) => sixteen.shuffle(a, b, [8, 1, 2, 3, ...Array.from({ length: 12 }, (_, i) => 16 + i)]))).toEqual([
			250,
			7,
			(2 ** 31) | 0,
			-1,
		]);
	});

	it("of bytes and of integers of 16 bits widen, and multiply in pairs", () => {
		// The bytes of 3 and -5: 3 0 0 0 251 255 255 255.
		expect(lanes(() => octet.widenLow(octet.loadBytes(i32.const(0))))).toEqual([3, 0, 0, 0]);
		expect(lanes(() => octet.widenHigh(octet.loadBytes(i32.const(0))))).toEqual([251, 255, 255, 255]);
		// -5 is the pair -5, -1 and 2^31 the pair 0, -32768.
		expect(lanes(octet.dot)).toEqual([21, 32768, -250, 9000]);
		expect(lanes((a) => octet.iSub(a, octet.splat(i32.const(5))))).toEqual([-262146, -327690, -327435, -326685]);
		expect(lanes((a) => quad.iSplat(quad.iFirst(a)))).toEqual([3, 3, 3, 3]);
	});
});
