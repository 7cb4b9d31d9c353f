import { describe, expect, it } from "vitest";
import { fromBytesLE, inverse, mod, Q, R, toBytesLE } from "../bn254.ts";
import { type Element, FACTOR, FieldCode, limbsOf, PAIR_BYTES } from "./field.ts";
import { allocateMemory } from "./machine.ts";
import { Func, i32, MAX_PAGES, Module, pair } from "./wasm.ts";

const NORMAL = 2n ** 50n;
/** The largest top limb that a product has, by the bounds of field.ts. */
const TOP = (NORMAL * 3n) / 2n;
/** The same of a sum of two reduced values. */
const SUM_TOP = (2n * 51n * Q) / 100n / 2n ** 204n;

type Unary = (field: FieldCode, x: Element, y: Element) => Element;

const OPERATIONS: Record<string, Unary> = {
	mul: (field, x, y) => field.mul(x, y),
	mulAdd: (field, x, y) => field.mulAdd(x, y, y, x),
	eight: (field, x, y) => field.sumOfProducts(Array.from({ length: 8 }, () => [x, y] as const)),
	square: (field, x) => field.square(x),
	reduce: (field, x) => field.reduce(x),
	add: (field, x, y) => field.add(x, y),
	mulSum: (field, x, y) => field.mul(field.add(field.reduce(x), field.reduce(y)), x),
};

interface Calculator {
	/** limbs of the result for both lanes; the second lane gets the factors exchanged */
	run(name: string, x: readonly bigint[], y: readonly bigint[]): [bigint[], bigint[]];
	toBytes(x: readonly bigint[]): bigint;
	fromBytes(value: bigint): bigint[];
}

const MEMORY = { x: 4096, y: 4096 + PAIR_BYTES, out: 4096 + 2 * PAIR_BYTES, bytes: 8192 };

async function calculator(modulus: bigint, fma: boolean): Promise<Calculator> {
	const module = new Module();
	for (const [name, operation] of Object.entries(OPERATIONS)) {
		const func = new Func([]);
		const field = new FieldCode(module, func, modulus, fma);
		const [x, y] = [field.loadPair(i32.const(MEMORY.x)), field.loadPair(i32.const(MEMORY.y))];
		field.storePair(i32.const(MEMORY.out), operation(field, x, y));
		module.export(name, func);
	}
	const write = new Func([]);
	const writer = new FieldCode(module, write, modulus, fma);
	writer.storeBytes(i32.const(MEMORY.bytes), i32.const(MEMORY.bytes + 32), writer.reduce(writer.loadPair(i32.const(MEMORY.x))));
	module.export("toBytes", write);
	const read = new Func([]);
	const reader = new FieldCode(module, read, modulus, fma);
	reader.storePair(i32.const(MEMORY.out), reader.loadBytes(i32.const(MEMORY.bytes), i32.const(MEMORY.bytes + 32)));
	module.export("fromBytes", read);
	const memory = allocateMemory(1, MAX_PAGES);
	const { exports } = new WebAssembly.Instance(await WebAssembly.compile(module.encode()), { env: { memory, points: memory } });
	const call = (name: string): void => (exports as Record<string, () => void>)[name]?.();
	const put = (place: number, low: readonly bigint[], high: readonly bigint[]): void => {
		const view = new Float64Array(memory.buffer, place, 10);
		for (let i = 0; i < 5; i++) view.set([Number(low[i]), Number(high[i])], 2 * i);
	};
	const get = (place: number): [bigint[], bigint[]] => {
		const view = new Float64Array(memory.buffer, place, 10);
		return [0, 1].map((lane) => [0, 1, 2, 3, 4].map((i) => BigInt(view[2 * i + lane] as number))) as [bigint[], bigint[]];
	};
	return {
		run(name, x, y) {
			put(MEMORY.x, x, y);
			put(MEMORY.y, y, x);
			call(name);
			return get(MEMORY.out);
		},
		toBytes(x) {
			put(MEMORY.x, x, x);
			call("toBytes");
			const bytes = new Uint8Array(memory.buffer, MEMORY.bytes, 64);
			expect(fromBytesLE(bytes)).toBe(fromBytesLE(bytes, 32));
			return fromBytesLE(bytes);
		},
		fromBytes(value) {
			new Uint8Array(memory.buffer).set(toBytesLE(value), MEMORY.bytes);
			new Uint8Array(memory.buffer).set(toBytesLE(value), MEMORY.bytes + 32);
			call("fromBytes");
			const [low, high] = get(MEMORY.out);
			expect(low).toEqual(high);
			return low;
		},
	};
}

const integer = (limbs: readonly bigint[]): bigint => limbs.reduceRight((high, limb) => (high << 51n) + limb, 0n);
const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** A generator of 64-bit words that repeats: xorshift. */
function* words(seed: bigint): Generator<bigint, never> {
	for (let state = seed; ; ) {
		state ^= BigInt.asUintN(64, state << 13n);
		state ^= state >> 7n;
		state ^= BigInt.asUintN(64, state << 17n);
		yield state;
	}
}

/** Limbs at and near the ends of what is allowed, in all combinations of signs: a carry too many shows here, not in random values. */
function extremes(bound: bigint, top: bigint, count: number): bigint[][] {
	const source = words(88172645463325252n);
	const near = (limit: bigint): bigint => {
		const word = source.next().value;
		const size = [limit, limit - 1n, limit - (word & 0xffn), 0n, 1n, limit >> 1n, (word >> 8n) % (limit + 1n)][
			Number((word >> 3n) % 7n)
		] as bigint;
		return word & 1n ? -size : size;
	};
	const corners = Array.from({ length: 32 }, (_, signs) =>
		[0, 1, 2, 3, 4].map((i) => ((signs >> i) & 1 ? -1n : 1n) * (i < 4 ? bound : top)),
	);
	return [...corners, ...Array.from({ length: count }, () => [0, 1, 2, 3, 4].map((i) => near(i < 4 ? bound : top)))];
}

describe.each([
	["exact multiply-add", true],
	["plain arithmetic", false],
])("field arithmetic with %s", (_, fma) => {
	describe.each([
		["Fr", R],
		["Fq", Q],
	])("%s", (_, modulus) => {
		const back = inverse(FACTOR, modulus);
		const special = [0n, 1n, 2n, modulus - 1n, modulus - 2n, modulus >> 1n, (modulus >> 1n) + 1n, 2n ** 51n, 2n ** 102n - 1n, 2n ** 253n];
		const source = words(1181783497276652981n);
		const random = Array.from(
			{ length: 200 },
			() => Array.from({ length: 4 }, () => source.next().value).reduce((x, y) => (x << 64n) | y) % modulus,
		);
		const centred = (value: bigint): bigint[] => limbsOf(2n * value > modulus ? value - modulus : value);

		/** Holds a product and its bounds against plain integers. */
		function expectProduct(got: readonly bigint[], expected: bigint, about: unknown): void {
			expect(mod(integer(got) - expected * back, modulus), `${about}`).toBe(0n);
			expect(magnitude(integer(got))).toBeLessThanOrEqual(2n * modulus);
			for (const limb of got.slice(0, 4)) expect(magnitude(limb)).toBeLessThanOrEqual(NORMAL);
			expect(magnitude(got[4] as bigint)).toBeLessThanOrEqual(TOP);
		}

		it("multiplies special and random values as integers do", async () => {
			const { run } = await calculator(modulus, fma);
			const values = [...special, ...random];
			for (const [i, a] of values.entries()) {
				const others = i < special.length ? special : [values[(7 * i) % values.length] as bigint];
				for (const b of others) {
					const [x, y] = [centred(a), centred(b)];
					for (const [lane, [p, q]] of [[a, b] as const, [b, a] as const].entries()) {
						expectProduct(run("mul", x, y)[lane] as bigint[], p * q, [p, q]);
						expectProduct(run("mulAdd", x, y)[lane] as bigint[], 2n * p * q, [p, q]);
						expectProduct(run("square", x, y)[lane] as bigint[], p * p, p);
					}
				}
			}
		});

		it("stays exact at the limits of limbs", async () => {
			const { run } = await calculator(modulus, fma);
			const products = extremes(NORMAL, TOP, 1500);
			for (const [i, x] of products.entries()) {
				const y = products[(11 * i + 5) % products.length] as bigint[];
				expectProduct(run("mul", x, y)[0], integer(x) * integer(y), [x, y]);
				expectProduct(run("square", x, y)[0], integer(x) ** 2n, x);
				expectProduct(run("mulSum", x, y)[0], (integer(x) + integer(y)) * integer(x), [x, y]);
			}
			// Two products at once: a product times a sum of two reduced values.
			for (const [i, x] of extremes(2n * NORMAL, SUM_TOP, 1500).entries()) {
				const y = products[(13 * i + 3) % products.length] as bigint[];
				expectProduct(run("mulAdd", x, y)[0], 2n * integer(x) * integer(y), [x, y]);
			}
			// Eight products at once, of reduced values.
			const reduced = extremes(NORMAL, SUM_TOP / 2n, 1500);
			for (const [i, x] of reduced.entries()) {
				const y = reduced[(17 * i + 3) % reduced.length] as bigint[];
				for (const [a, b] of [[x, x] as const, [x, y] as const]) {
					expectProduct(run("eight", a, b)[0], 8n * integer(a) * integer(b), [a, b]);
				}
			}
			// A factor with limbs of 2^52, as no sum exceeds, times a reduced one.
			for (const [i, x] of extremes(4n * NORMAL, 3n * NORMAL, 1500).entries()) {
				const y = reduced[(13 * i + 3) % reduced.length] as bigint[];
				expectProduct(run("mul", x, y)[0], integer(x) * integer(y), [x, y]);
			}
		});

		it("reduces what the formulas add up", async () => {
			const { run } = await calculator(modulus, fma);
			const top = (5n * modulus) / 2n ** 204n - 4n;
			for (const x of extremes(3n * NORMAL, top, 3000)) {
				const [got] = run("reduce", x, x);
				expect(mod(integer(got) - integer(x), modulus), `${x}`).toBe(0n);
				expect(100n * magnitude(integer(got))).toBeLessThanOrEqual(51n * modulus);
				for (const limb of got.slice(0, 4)) expect(magnitude(limb)).toBeLessThanOrEqual(NORMAL);
			}
			for (let k = -5n; k <= 5n; k++)
				expect(
					run(
						"reduce",
						limbsOf(0n).map((_, i) => k * (limbsOf(modulus)[i] as bigint)),
						limbsOf(0n),
					)[0],
				).toEqual([0n, 0n, 0n, 0n, 0n]);
		});

		it("reads and writes bytes", async () => {
			const { fromBytes, toBytes } = await calculator(modulus, fma);
			for (const value of [...special, ...random, 2n ** 256n - 1n]) {
				expect(integer(fromBytes(value))).toBe(value);
				if (value < modulus) {
					expect(toBytes(centred(value))).toBe(value);
					expect(toBytes(limbsOf(value - modulus))).toBe(value);
				}
			}
		});
	});
});

describe("two roundings instead of one", () => {
	it("give other products: what the self-test is for", async () => {
		const exact = pair.fRelaxedMadd;
		try {
			pair.fRelaxedMadd = (x, y, z) => pair.fAdd(pair.fMul(x as readonly number[], y as readonly number[]), z as readonly number[]);
			const { run } = await calculator(Q, true);
			const x = limbsOf(Q / 3n);
			expect(mod(integer(run("mul", x, x)[0]) * FACTOR - integer(x) ** 2n, Q)).not.toBe(0n);
		} finally {
			pair.fRelaxedMadd = exact;
		}
	});
});
