/** Runs operations of field.ts on limbs, and limbs that come near the bounds: what the tests of fields share. */

import { Func, i32, MAX_PAGES, Module } from "../../webassembly/emitter.ts";
import { fromBytesLE, mod, Q, toBytesLE } from "../bn254.ts";
import { type Element, FACTOR, FieldCode, PAIR_BYTES } from "./field.ts";
import { allocateMemory } from "./machine.ts";

/** The largest limb 0 to 3 of a normal element. */
export const NORMAL = 2n ** 50n;
/** The largest top limb that a product has, by the bounds of field.ts. */
export const TOP = (NORMAL * 3n) / 2n;
/** The same of a sum of two reduced values. */
export const SUM_TOP = (2n * 51n * Q) / 100n / 2n ** 204n;

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

/** Operations of a field, compiled. */
export interface Calculator {
	/** limbs of the result for both lanes; the second lane gets the factors exchanged */
	run(name: string, x: readonly bigint[], y: readonly bigint[]): [bigint[], bigint[]];
	toBytes(x: readonly bigint[]): bigint;
	fromBytes(value: bigint): bigint[];
}

const MEMORY = { x: 4096, y: 4096 + PAIR_BYTES, out: 4096 + 2 * PAIR_BYTES, bytes: 8192 };

/** Compiles the operations of a field. */
export async function calculator(modulus: bigint, fma: boolean): Promise<Calculator> {
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
			return same(fromBytesLE(bytes), fromBytesLE(bytes, 32));
		},
		fromBytes(value) {
			new Uint8Array(memory.buffer).set(toBytesLE(value), MEMORY.bytes);
			new Uint8Array(memory.buffer).set(toBytesLE(value), MEMORY.bytes + 32);
			call("fromBytes");
			const [low, high] = get(MEMORY.out);
			return low.map((limb, i) => same(limb, high[i] as bigint));
		},
	};
}

function same(low: bigint, high: bigint): bigint {
	if (low !== high) throw new RangeError(`calculator: expected the same in both lanes, got ${low} and ${high}`);
	return low;
}

export const integer = (limbs: readonly bigint[]): bigint => limbs.reduceRight((high, limb) => (high << 51n) + limb, 0n);
export const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** A generator of 64-bit words that repeats: xorshift. */
export function* words(seed: bigint): Generator<bigint, never> {
	for (let state = seed; ; ) {
		state ^= BigInt.asUintN(64, state << 13n);
		state ^= state >> 7n;
		state ^= BigInt.asUintN(64, state << 17n);
		yield state;
	}
}

/** Limbs at and near the ends of what is allowed, in all combinations of signs: a carry too many shows here, not in random values. */
export function extremes(bound: bigint, top: bigint, count: number, seed = 88172645463325252n): bigint[][] {
	const source = words(seed);
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

/** What is wrong with a product, or undefined. */
export function faultOfProduct(got: readonly bigint[], expected: bigint, modulus: bigint): string | undefined {
	if (mod(integer(got) * FACTOR - expected, modulus) !== 0n) return "another product";
	if (magnitude(integer(got)) > 2n * modulus) return "a product above 2 p";
	return got.every((limb, i) => magnitude(limb) <= (i < 4 ? NORMAL : TOP)) ? undefined : "limbs that are not normal";
}

/** What is wrong with a reduced element, or undefined. */
export function faultOfReduced(got: readonly bigint[], expected: bigint, modulus: bigint): string | undefined {
	if (mod(integer(got) - expected, modulus) !== 0n) return "another value";
	if (100n * magnitude(integer(got)) > 51n * modulus) return "a value above 0.51 p";
	return got.slice(0, 4).every((limb) => magnitude(limb) <= NORMAL) ? undefined : "limbs that are not normal";
}
