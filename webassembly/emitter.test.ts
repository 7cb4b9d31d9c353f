import { describe, expect, it } from "vitest";
import { type Code, Func, i32, i64, MAX_PAGES, Module, pair, type Type } from "./emitter.ts";

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
});
