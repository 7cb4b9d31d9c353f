import { describe, expect, it } from "vitest";
import { mod, Q } from "../bn254.ts";
import { type Fq2, multiplyFq2, powerFq2, XI } from "./affine.ts";
import { limbsOf, PAIR_BYTES } from "./field.ts";
import { Machine } from "./machine.ts";
import { buildPairing } from "./pairing-kernels.ts";
import { FQ2_BYTES, FQ12_BYTES, SCRATCH_BYTES } from "./tower.ts";

type Fq12 = Fq2[];

const ONE: Fq2 = [1n, 0n];
const ZERO: Fq2 = [0n, 0n];

const add = (x: Fq2, y: Fq2): Fq2 => [mod(x[0] + y[0], Q), mod(x[1] + y[1], Q)];
const times = (x: Fq2, by: bigint): Fq2 => [mod(x[0] * by, Q), mod(x[1] * by, Q)];
const conjugate = (x: Fq2): Fq2 => [x[0], mod(-x[1], Q)];

/** The product by its definition: w^6 = xi. */
function multiply(x: Fq12, y: Fq12): Fq12 {
	const result = Array.from({ length: 6 }, () => ZERO);
	for (const [i, a] of x.entries()) {
		for (const [j, b] of y.entries()) {
			const product = multiplyFq2(a, b);
			const k = (i + j) % 6;
			result[k] = add(result[k] as Fq2, i + j < 6 ? product : multiplyFq2(product, XI));
		}
	}
	return result;
}

function power(x: Fq12, exponent: bigint): Fq12 {
	let result: Fq12 = [ONE, ZERO, ZERO, ZERO, ZERO, ZERO];
	for (const bit of exponent.toString(2)) {
		result = multiply(result, result);
		if (bit === "1") result = multiply(result, x);
	}
	return result;
}

/** Values that repeat: xorshift. */
function* elements(seed: bigint): Generator<bigint, never> {
	for (let state = seed; ; ) {
		let value = 0n;
		for (let i = 0; i < 4; i++) {
			state ^= BigInt.asUintN(64, state << 13n);
			state ^= state >> 7n;
			state ^= BigInt.asUintN(64, state << 17n);
			value = (value << 64n) | state;
		}
		yield value % Q;
	}
}

/** Zero, one, the largest, the halves, and values whose limbs are at their limits. */
const LIMIT = [1n, -1n].flatMap((sign) => {
	const limbs = limbsOf((Q - 1n) / 2n).map((_, i) => (i < 4 ? sign * 2n ** 50n : 0n));
	return [0n, (Q / 2n) >> 204n].map((top) =>
		mod(
			limbs.reduceRight((high, limb) => (high << 51n) + limb, top),
			Q,
		),
	);
});
const SPECIAL = [0n, 1n, 2n, Q - 1n, Q - 2n, (Q - 1n) / 2n, (Q + 1n) / 2n, ...LIMIT];

describe.each(["fma", "plain"] as const)("Fq2 and Fq12 with %s arithmetic", async (arithmetic) => {
	const machine = await Machine.open(arithmetic, buildPairing);
	const scratch = machine.alloc(2 * SCRATCH_BYTES);
	const source = elements(88172645463325252n);
	const random = (): Fq2 => [source.next().value, source.next().value];
	const random12 = (): Fq12 => Array.from({ length: 6 }, random);
	const special: Fq2[] = SPECIAL.flatMap((x) => [[x, 0n] as const, [0n, x] as const, [x, x] as const, [x, mod(-x, Q)] as const]);

	/** Lane 0 gets the first values, lane 1 the second. */
	function put(low: readonly Fq2[], high: readonly Fq2[]): number {
		const pointer = machine.alloc(low.length * FQ2_BYTES);
		for (const [k, value] of low.entries()) {
			for (const i of [0, 1] as const) machine.putPair(pointer + k * FQ2_BYTES + i * PAIR_BYTES, value[i], (high[k] as Fq2)[i], Q);
		}
		return pointer;
	}

	function get(pointer: number, length: number): [Fq2[], Fq2[]] {
		const pairs = Array.from({ length }, (_, k) => [0, 1].map((i) => machine.pair(pointer + k * FQ2_BYTES + i * PAIR_BYTES, Q)));
		return [0, 1].map((lane) => pairs.map((pair) => pair.map((lanes) => lanes[lane]))) as unknown as [Fq2[], Fq2[]];
	}

	/** Runs a function over Fq2 on two operand lists at once. */
	function run2(name: string, low: readonly Fq2[], high: readonly Fq2[]): [Fq2, Fq2] {
		const mark = machine.mark();
		const out = machine.alloc(FQ2_BYTES);
		const operands = low.map((value, i) => put([value], [high[i] as Fq2]));
		machine.kernel(`fq2_${name}`)(out, ...operands);
		const [[first], [second]] = get(out, 1) as [[Fq2], [Fq2]];
		// The result may go where an operand was.
		machine.kernel(`fq2_${name}`)(operands[0] as number, ...operands);
		expect(get(operands[0] as number, 1)).toEqual([[first], [second]]);
		machine.release(mark);
		return [first, second];
	}

	const sum = (values: readonly Fq2[]): Fq2 => values.reduce(add);
	const reference: Record<string, { arity: number; result(...operands: Fq2[]): Fq2 }> = {
		add: { arity: 2, result: (x, y) => add(x as Fq2, y as Fq2) },
		sub: { arity: 2, result: (x, y) => add(x as Fq2, times(y as Fq2, -1n)) },
		mul: { arity: 2, result: (x, y) => multiplyFq2(x as Fq2, y as Fq2) },
		square: { arity: 1, result: (x) => multiplyFq2(x as Fq2, x as Fq2) },
		triple: { arity: 1, result: (x) => times(x as Fq2, 3n) },
		twist: { arity: 1, result: (x) => multiplyFq2(x as Fq2, XI) },
		negate: { arity: 1, result: (x) => times(x as Fq2, -1n) },
		conjugate: { arity: 1, result: (x) => conjugate(x as Fq2) },
		copy: { arity: 1, result: (x) => x as Fq2 },
		dot: { arity: 6, result: (...o) => sum([0, 2, 4].map((i) => multiplyFq2(o[i] as Fq2, o[i + 1] as Fq2))) },
		scale: { arity: 2, result: (x, y) => times(x as Fq2, (y as Fq2)[0]) },
	};

	it.each(Object.entries(reference))("%s is that of plain integers", (name, { arity, result }) => {
		const lists: Fq2[][] = [
			...special.flatMap((x) => (arity === 1 ? [[x]] : special.map((y) => Array.from({ length: arity }, (_, i) => (i % 2 ? y : x))))),
			...Array.from({ length: 100 }, () => Array.from({ length: arity }, random)),
		];
		for (const [i, low] of lists.entries()) {
			const high = lists[(7 * i + 3) % lists.length] as Fq2[];
			expect(run2(name, low, high), `${low} ${high}`).toEqual([result(...low), result(...high)]);
		}
	});

	it("exchanges lanes", () => {
		const [x, y] = [random(), random()];
		expect(run2("swap", [x], [y])).toEqual([y, x]);
	});

	it("multiplies and squares in Fq12 as the definition says", () => {
		const values: Fq12[] = [
			...SPECIAL.map((x) => Array.from({ length: 6 }, (): Fq2 => [x, mod(-x, Q)])),
			[ONE, ZERO, ZERO, ZERO, ZERO, ZERO],
			[ZERO, ZERO, ZERO, ZERO, ZERO, ONE],
			...Array.from({ length: 10 }, random12),
		];
		const mark = machine.mark();
		for (const [i, x] of values.entries()) {
			const y = values[(5 * i + 2) % values.length] as Fq12;
			const [a, b] = [put(x, y), put(y, x)];
			machine.kernel("fq12_multiply")(b, a, b, scratch);
			expect(get(b, 6)).toEqual([multiply(x, y), multiply(x, y)]);
			machine.kernel("fq12_square")(a, a, scratch);
			expect(get(a, 6)).toEqual([multiply(x, x), multiply(y, y)]);
			machine.release(mark);
		}
	});

	it("multiplies with a line as with any other value", () => {
		const mark = machine.mark();
		for (let i = 0; i < special.length; i++) {
			const line = [special[i] as Fq2, special[(3 * i + 1) % special.length] as Fq2, special[(5 * i + 2) % special.length] as Fq2];
			const other = [random(), random(), random()];
			const full = ([o0, o1, o3]: Fq2[]): Fq12 => [o0 as Fq2, o1 as Fq2, ZERO, o3 as Fq2, ZERO, ZERO];
			const [x, y] = [random12(), random12()];
			const f = put(x, y);
			const places = [0, 1, 2].map((k) => put([line[k] as Fq2], [other[k] as Fq2]));
			machine.kernel("fq12_line")(f, ...places, scratch);
			expect(get(f, 6)).toEqual([multiply(x, full(line)), multiply(y, full(other))]);
			machine.release(mark);
		}
	});

	it("knows conjugates, powers of q and squares of cyclotomic values", () => {
		const mark = machine.mark();
		const root = powerFq2(XI, (Q - 1n) / 6n);
		const powers = put(
			Array.from({ length: 6 }, (_, k) => powerFq2(root, BigInt(k))),
			Array.from({ length: 6 }, (_, k) => powerFq2(root, BigInt(k))),
		);
		const [x, y] = [random12(), random12()];
		const frobenius = power(x, Q);
		const place = put(x, y);
		const out = machine.alloc(FQ12_BYTES);
		machine.kernel("fq12_frobenius")(out, place, powers);
		expect(get(out, 6)[0]).toEqual(frobenius);
		machine.kernel("fq12_conjugate")(out, place);
		expect(get(out, 6)).toEqual([x, y].map((value) => value.map((a, k) => times(a, k % 2 === 0 ? 1n : -1n))));
		// w^6 = xi, so x^(q^6 - 1) for x = w + c is (c - w) / (c + w); its (q^2 + 1)-th power is cyclotomic.
		const c = put([ONE, ONE, ZERO, ZERO, ZERO, ZERO], [random(), ONE, ZERO, ZERO, ZERO, ZERO]);
		const cyclotomic = machine.alloc(FQ12_BYTES);
		const [low] = get(c, 6);
		const value = power(power(low, Q ** 6n - 1n), Q ** 2n + 1n);
		const start = put(value, value);
		machine.kernel("fq12_cyclotomicSquare")(cyclotomic, start, scratch);
		expect(get(cyclotomic, 6)).toEqual([multiply(value, value), multiply(value, value)]);
		machine.release(mark);
	});
});
