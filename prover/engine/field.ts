/**
 * Code for prime field arithmetic on doubles, two elements at a time.
 *
 * An element is five limbs of weight 2^(51 i), each an integer held in a double, negative ones too; the element x is stored
 * as `x 2^102` modulo p. Two elements lie side by side in the lanes of five vectors. Addition and subtraction are those of
 * the limbs. Multiplication follows Emmart's method: with C = 3 2^102 and an exact multiply-add,
 *
 *     h = x y + C, rounded to a multiple of 2^51        l = x y + (C - h), exact, |l| <= 2^50
 *
 * and the bits of h, read as an integer, are those of C plus the upper half of the product. All column sums are integers.
 *
 * The sum of products T = sum t_k 2^(51 k), k = 0 .. 9, is brought down from both ends, because each end alone is one long chain:
 * 1. t_6, t_7 and t_8 pass their excess upwards, so that they are at most 2^50;
 * 2. t_7, t_8 and t_9 are folded: replaced by t_j (2^(51 j) mod p), which lies in columns 0 to 5;
 * 3. two Montgomery steps clear t_0 and t_1, which divides by 2^102 in all;
 * 4. t_2 .. t_6 pass their excess upwards and are the result.
 *
 * Bounds, for p between 2^253 and 2^254, so that a top limb of p is below 2^50:
 * - "normal": limbs 0 to 3 at most 2^50 in magnitude, the top limb what the value needs;
 * - in a product every limb of one factor times every limb of the other is at most 2^102, and |x_4 y_4| below 2^102; in a sum of two products the sum
 *   of both |x_4 y_4| is below 2^102;
 * - a product is normal and at most 2 p in magnitude, whatever its factors: 2^254 <= 1.33 p from t_6, 0.5 p (0.63 p without FMA) from the
 *   Montgomery steps, what was folded is divided by 2^51. Its top limb is below 1.5 2^50;
 * - {@link FieldCode.reduce} takes up to 5 p with limbs of up to 3 2^50: with the 5 2^50 of a multiple of p that makes 2^53, the last that is exact. It
 *   returns normal values of at most 0.51 p, with a top limb below 0.39 2^50.
 * So a product may be multiplied with a product, or with a sum of two reduced values; in a sum of two products only with the latter. A sum of up to
 * eight products takes reduced factors: |x_4 y_4| is below 0.16 2^100 each, and 80 halves of at most 2^50 in a column are far from the bias.
 *
 * Without FMA the same h and l are put together from Veltkamp's and Dekker's exact products: five times the operations, plain
 * IEEE arithmetic, the same results modulo p.
 *
 * @source N. Emmart, "Faster modular exponentiation using double precision floating point arithmetic on the GPU", ARITH 2018
 */

import { type Code, type Func, f64, i32, i64, type MemoryIndex, type Module, pair } from "../../webassembly/emitter.ts";
import { mod } from "../bn254.ts";

/** Five vectors. */
export type Element = readonly Code[];

/** What is loaded and stored of an element: five doubles. */
export const ELEMENT_BYTES = 40;
/** Two elements, limb by limb. */
export const PAIR_BYTES = 80;
/** Elements are stored times this, modulo p. */
export const FACTOR = 1n << 102n;

const LIMBS = 5;
const BITS = 51n;
const MASK = (1n << BITS) - 1n;
const HALF = 1n << 50n;
/** 3 2^102: next to it doubles are 2^51 apart. */
const SPLIT = 3 * 2 ** 102;
/** 3 2^51: next to it doubles are 1 apart. */
const UNIT = 3 * 2 ** 51;
const SIGN = 1n << 63n;
/** Makes any column sum positive; a multiple of 2^51. */
const BIAS = 1n << 60n;

/** A column sum in the making: its value is that of the code less the offset, modulo 2^64. */
interface Column {
	code: Code | undefined;
	offset: bigint;
}

/** Numbers that the operations of a field use again and again, by limb. */
interface Numbers {
	readonly modulus: readonly number[];
	/** `2^(51 j)` modulo p for j = 7, 8, 9 */
	readonly residues: readonly (readonly number[])[];
	/** of -p, modulo 2^51 */
	readonly inverse: number;
}

const numbers = new Map<bigint, Numbers>();

function numbersOf(modulus: bigint): Numbers {
	let found = numbers.get(modulus);
	if (!found) {
		found = {
			modulus: limbsOf(modulus).map(Number),
			residues: [7n, 8n, 9n].map((j) => limbsOf(centred(1n << (BITS * j), modulus)).map(Number)),
			inverse: Number(centred(-inverseOfOdd(modulus), 1n << BITS)),
		};
		numbers.set(modulus, found);
	}
	return found;
}

/** Operations of one field, emitted into one function. */
export class FieldCode {
	readonly #module: Module;
	readonly #func: Func;
	readonly #fma: boolean;
	readonly #modulus: bigint;
	readonly #numbers: Numbers;
	readonly #halves = new Map<Code, readonly [Code, Code]>();
	readonly #doubles = new Map<number, Code>();

	/** @param fma whether the hardware's relaxed multiply-add rounds once */
	constructor(module: Module, func: Func, modulus: bigint, fma: boolean) {
		this.#module = module;
		this.#func = func;
		this.#modulus = modulus;
		this.#numbers = numbersOf(modulus);
		this.#fma = fma;
	}

	/** A constant of the field, both lanes, normal and at most p / 2. */
	constant(value: bigint): Element {
		return limbsOf(centred(value * FACTOR, this.#modulus)).map((limb) => this.#double(Number(limb)));
	}

	/** A constant that stands for itself, not times {@link FACTOR}: the product with it takes the factor away, or another. */
	plainConstant(value: bigint): Element {
		return limbsOf(centred(value, this.#modulus)).map((limb) => this.#double(Number(limb)));
	}

	/** Lanes from two places, limbs `stride` bytes apart. */
	load(low: Code, high: Code, offset = 0, stride = 8, memory: MemoryIndex = 0): Element {
		return limbs((i) => {
			const at = offset + stride * i;
			return this.#vector(pair.loadHigh(high, pair.loadLow(low, at, memory), at, memory));
		});
	}

	/** Lane 0 of an element, lane 1 from memory. */
	loadHigh(x: Element, address: Code): Element {
		return limbs((i) => this.#vector(pair.loadHigh(address, x[i] as Code, 8 * i)));
	}

	/** Both lanes from one place. */
	loadSplat(address: Code, offset = 0): Element {
		return limbs((i) => this.#vector(pair.loadSplat(address, offset + 8 * i)));
	}

	/** Lanes from a pair. */
	loadPair(address: Code, offset = 0): Element {
		return limbs((i) => this.#vector(pair.load(address, offset + 16 * i)));
	}

	/** Lanes to two places, limbs `stride` bytes apart. */
	store(low: Code, high: Code, x: Element, offset = 0, stride = 8, memory: MemoryIndex = 0): void {
		for (const [i, limb] of x.entries()) {
			this.#func.emit(pair.storeLane(low, limb, 0, offset + stride * i, memory));
			this.#func.emit(pair.storeLane(high, limb, 1, offset + stride * i, memory));
		}
	}

	/** Lanes to a pair. */
	storePair(address: Code, x: Element, offset = 0): void {
		for (const [i, limb] of x.entries()) this.#func.emit(pair.store(address, limb, offset + 16 * i));
	}

	/** Variables that {@link assign} sets. */
	variables(): Element {
		return limbs(() => this.#func.local("v128"));
	}

	assign(variables: Element, x: Element): void {
		for (const [i, limb] of x.entries()) {
			this.#func.assign(variables[i] as Code, limb);
			this.#halves.delete(variables[i] as Code);
		}
	}

	/** Not reduced: see the bounds above. */
	add(x: Element, y: Element): Element {
		return limbs((i) => this.#vector(pair.fAdd(x[i] as Code, y[i] as Code)));
	}

	/** Not reduced: see the bounds above. */
	sub(x: Element, y: Element): Element {
		return limbs((i) => this.#vector(pair.fSub(x[i] as Code, y[i] as Code)));
	}

	/** @param signs a vector with the lanes' signs in their highest bits, all others 0 */
	flip(x: Element, signs: Code): Element {
		return limbs((i) => this.#vector(pair.xor(x[i] as Code, signs)));
	}

	/** Lanes exchanged. */
	swap(x: Element): Element {
		return limbs((i) => this.#vector(pair.swap(x[i] as Code)));
	}

	negate(x: Element): Element {
		return this.flip(x, this.#module.constant(SIGN));
	}

	/** `(x_0 + x_1, x_0 - x_1)` from the lanes. */
	butterfly(x: Element): Element {
		const signs = this.#vector(pair.iReplaceHigh(pair.iSplat(i64.const(0n)), i64.const(SIGN)));
		return this.add(this.flip(x, signs), this.swap(x));
	}

	mul(x: Element, y: Element): Element {
		return this.#reducedSum((columns, k) => this.#addColumn(columns, k, x, y));
	}

	/** `x y + u v` with one reduction. */
	mulAdd(x: Element, y: Element, u: Element, v: Element): Element {
		return this.sumOfProducts([
			[x, y],
			[u, v],
		]);
	}

	/** One reduction for all products. */
	sumOfProducts(factors: readonly (readonly [Element, Element])[]): Element {
		return this.#reducedSum((columns, k) => {
			for (const [x, y] of factors) this.#addColumn(columns, k, x, y);
		});
	}

	square(x: Element): Element {
		const doubled = this.add(x, x);
		return this.#reducedSum((columns, k) => {
			for (let i = Math.max(0, k - LIMBS + 1); 2 * i <= k; i++) {
				this.#product(columns, k, (2 * i < k ? doubled : x)[i] as Code, x[k - i] as Code);
			}
		});
	}

	/** The same value modulo p, normal and at most 0.51 p in magnitude. Zero has one form only: all limbs zero. */
	reduce(x: Element): Element {
		const unit = this.#double(UNIT);
		const split = this.#double(SPLIT);
		const inverse = this.#double(-(2 ** 204) / Number(this.#modulus));
		const shifted = this.#vector(pair.fAdd(pair.fMul(x[4] as Code, inverse), unit));
		const quotient = this.#vector(pair.fSub(shifted, unit));
		const rest = limbs((i) => this.#exactMadd(quotient, this.#double(this.#numbers.modulus[i] as number), x[i] as Code)) as Code[];
		for (let i = 0; i + 1 < LIMBS; i++) {
			const carry = this.#vector(pair.fSub(pair.fAdd(rest[i] as Code, split), split));
			rest[i] = this.#vector(pair.fSub(rest[i] as Code, carry));
			rest[i + 1] = this.#exactMadd(carry, this.#double(2 ** -51), rest[i + 1] as Code);
		}
		return rest;
	}

	/** A vector whose lanes are zero where a reduced element is. */
	nonZero(x: Element): Code {
		// A negative zero has its sign bit set: shift it out.
		const bits = x.map((limb) => pair.iShl(limb, i32.const(1)));
		return bits.slice(1).reduce((all, limb) => pair.or(all, limb), bits[0] as Code);
	}

	/** Reads 32 bytes little endian, any value below 2^256, from two places: limbs in `[0, 2^51)`, the top one in `[0, 2^52)`. */
	loadBytes(low: Code, high: Code, offset = 0, memory: MemoryIndex = 0): Element {
		const lanes = [low, high].map((address) => {
			const words = [0, 1, 2, 3].map((i) => this.#func.let("i64", i64.load(address, offset + 8 * i, memory)));
			return limbs((i) => {
				const bit = 51 * i;
				const word = bit >> 6;
				const shift = bit & 63;
				let value = i64.shrU(words[word] as Code, i64.const(BigInt(shift)));
				if (shift > 13 && word < 3) value = i64.or(value, i64.shl(words[word + 1] as Code, i64.const(BigInt(64 - shift))));
				return this.#func.let("f64", f64.fromInteger(i < 4 ? i64.and(value, i64.const(MASK)) : value));
			});
		}) as [Element, Element];
		return limbs((i) => this.#vector(pair.fReplaceHigh(pair.fSplat(lanes[0][i] as Code), lanes[1][i] as Code)));
	}

	/** Writes a reduced element's value in `[0, p)` as 32 bytes little endian to two places. */
	storeBytes(low: Code, high: Code, x: Element, offset = 0): void {
		const p = limbsOf(this.#modulus);
		for (const [lane, address] of [low, high].entries()) {
			const parts = x.map((limb) => this.#func.let("i64", i64.fromFloat(pair.fExtract(limb, lane as 0 | 1))));
			this.#carry(parts);
			const isNegative = this.#func.let("i64", i64.shrS(parts[4] as Code, i64.const(63n)));
			for (const [i, part] of parts.entries()) {
				this.#func.assign(part, i64.add(part, i64.and(isNegative, i64.const(p[i] as bigint))));
			}
			this.#carry(parts);
			for (let word = 0; word < 4; word++) {
				// Limbs that overlap the word's 64 bits.
				const overlapping = parts.flatMap((part, i) => {
					const shift = 51 * i - 64 * word;
					if (shift <= -52 || shift >= 64) return [];
					return [shift >= 0 ? i64.shl(part, i64.const(BigInt(shift))) : i64.shrU(part, i64.const(BigInt(-shift)))];
				});
				const value = overlapping.slice(1).reduce((all, part) => i64.or(all, part), overlapping[0] as Code);
				this.#func.emit(i64.store(address, value, offset + 8 * word));
			}
		}
	}

	/** Makes limbs 0 to 3 of an integer non-negative and below 2^51. */
	#carry(parts: readonly Code[]): void {
		for (let i = 0; i + 1 < LIMBS; i++) {
			const part = parts[i] as Code;
			const next = parts[i + 1] as Code;
			this.#func.assign(next, i64.add(next, i64.shrS(part, i64.const(BITS))));
			this.#func.assign(part, i64.and(part, i64.const(MASK)));
		}
	}

	/** Products whose weight is 2^(51 k). */
	#addColumn(columns: readonly Column[], k: number, x: Element, y: Element): void {
		for (let i = Math.max(0, k - LIMBS + 1); i <= Math.min(k, LIMBS - 1); i++) this.#product(columns, k, x[i] as Code, y[k - i] as Code);
	}

	/** Steps 1 to 4 of the comment above. */
	#reducedSum(addColumn: (columns: readonly Column[], k: number) => void): Element {
		const columns: Column[] = Array.from({ length: 2 * LIMBS }, () => ({ code: undefined, offset: 0n }));
		for (let k = 0; k <= 2 * (LIMBS - 1); k++) addColumn(columns, k);
		columns[6] = { code: this.#passUp(columns, 6), offset: HALF };
		const folded = [...[7, 8].map((k) => this.#balanced(this.#passUp(columns, k), HALF)), this.#toDouble(columns[9] as Column)];
		for (let i = 0; i < LIMBS; i++) {
			for (const [j, limb] of folded.entries()) this.#product(columns, i, limb, this.#double(this.#numbers.residues[j]?.[i] as number));
		}
		for (const k of [0, 1]) this.#clear(columns, k);
		const result = [2, 3, 4, 5].map((k) => this.#balanced(this.#passUp(columns, k), HALF));
		return [...result, this.#toDouble(columns[6] as Column)];
	}

	/** Montgomery's step: adds the multiple of p that makes the lowest 51 bits of column k zero, and passes the rest up. */
	#clear(columns: readonly Column[], k: number): void {
		const column = columns[k] as Column;
		const value = this.#biased(column, 0n);
		Object.assign(column, { code: value, offset: BIAS });
		const digit = this.#balanced(this.#vector(pair.and(value, this.#module.constant(MASK))), 0n);
		const quotient = this.#lowProduct(digit, this.#double(this.#numbers.inverse));
		for (const [i, limb] of this.#numbers.modulus.entries()) this.#product(columns, k + i, quotient, this.#double(limb));
		this.#addTo(columns[k + 1] as Column, pair.iShrU(this.#biased(column, 0n), i32.const(51)), BIAS >> BITS);
	}

	/** Moves what is above 51 bits of column k, rounded, to the next. Returns the rest plus 2^50, in `[0, 2^51)`. */
	#passUp(columns: readonly Column[], k: number): Code {
		const value = this.#biased(columns[k] as Column, HALF);
		this.#addTo(columns[k + 1] as Column, this.#vector(pair.iShrU(value, i32.const(51))), BIAS >> BITS);
		return this.#vector(pair.and(value, this.#module.constant(MASK)));
	}

	/** The column's value plus the bias plus `more`. */
	#biased(column: Column, more: bigint): Code {
		return this.#vector(pair.iAdd(column.code as Code, this.#module.constant(BIAS + more - column.offset)));
	}

	/** An integer in `[0, 2^51)`, less `centre`, as a double. */
	#balanced(low: Code, centre: bigint): Code {
		const above = pair.or(low, this.#module.constant(bitsOf(2 ** 52)));
		return this.#vector(pair.fSub(above, this.#double(2 ** 52 + Number(centre))));
	}

	/** A column of magnitude below 2^51 as a double. */
	#toDouble(column: Column): Code {
		const above = pair.iAdd(column.code as Code, this.#module.constant(bitsOf(UNIT) - column.offset));
		return this.#vector(pair.fSub(above, this.#double(UNIT)));
	}

	/** Evaluated at once: sums that are left to the end keep every product alive until then, and cost a fifth of the speed. */
	#addTo(column: Column, code: Code, offset: bigint): void {
		column.code = this.#vector(column.code ? pair.iAdd(column.code, code) : code);
		column.offset += offset;
	}

	/** Adds the halves of `x y` to columns k and k + 1. */
	#product(columns: readonly Column[], k: number, x: Code, y: Code): void {
		const high = this.#highProduct(x, y);
		const low = this.#rest(x, y, high, UNIT);
		this.#addTo(columns[k] as Column, low, bitsOf(UNIT));
		this.#addTo(columns[k + 1] as Column, high, bitsOf(SPLIT));
	}

	/** `x y` modulo 2^51, at most 2^50 (2^50 + 2^48) in magnitude. */
	#lowProduct(x: Code, y: Code): Code {
		return this.#vector(this.#rest(x, y, this.#highProduct(x, y), 0));
	}

	#highProduct(x: Code, y: Code): Code {
		if (this.#fma) return this.#vector(pair.fRelaxedMadd(x, y, this.#double(SPLIT)));
		return this.#vector(pair.fAdd(pair.fMul(x, y), this.#double(SPLIT)));
	}

	/** `x y - (high - SPLIT) + base`, exact. */
	#rest(x: Code, y: Code, high: Code, base: number): Code {
		if (this.#fma) return pair.fRelaxedMadd(x, y, pair.fSub(this.#double(SPLIT + base), high));
		const product = this.#vector(pair.fMul(x, y));
		const [xHigh, xLow] = this.#halvesOf(x);
		const [yHigh, yLow] = this.#halvesOf(y);
		const error = pair.fAdd(
			pair.fAdd(pair.fAdd(pair.fSub(pair.fMul(xHigh, yHigh), product), pair.fMul(xHigh, yLow)), pair.fMul(xLow, yHigh)),
			pair.fMul(xLow, yLow),
		);
		const rest = pair.fAdd(pair.fSub(product, pair.fSub(high, this.#double(SPLIT))), error);
		return base === 0 ? rest : pair.fAdd(rest, this.#double(base));
	}

	/** Two parts of at most 26 bits, whose products are exact. */
	#halvesOf(x: Code): readonly [Code, Code] {
		let halves = this.#halves.get(x);
		if (!halves) {
			const scaled = this.#vector(pair.fMul(x, this.#double(2 ** 27 + 1)));
			const high = this.#vector(pair.fSub(scaled, pair.fSub(scaled, x)));
			halves = [high, this.#vector(pair.fSub(x, high))];
			this.#halves.set(x, halves);
		}
		return halves;
	}

	/** `x y + z` where `x y` is itself exact. */
	#exactMadd(x: Code, y: Code, z: Code): Code {
		return this.#vector(this.#fma ? pair.fRelaxedMadd(x, y, z) : pair.fAdd(pair.fMul(x, y), z));
	}

	#double(value: number): Code {
		let code = this.#doubles.get(value);
		if (!code) {
			code = this.#module.constant(bitsOf(value));
			this.#doubles.set(value, code);
		}
		return code;
	}

	#vector(code: Code): Code {
		return this.#func.let("v128", code);
	}
}

/** The representative of least magnitude. */
function centred(value: bigint, modulus: bigint): bigint {
	const rest = mod(value, modulus);
	return 2n * rest > modulus ? rest - modulus : rest;
}

/** Five limbs of an integer between -2^254 and 2^254, normal. */
export function limbsOf(value: bigint): bigint[] {
	const result: bigint[] = [];
	let rest = value;
	for (let i = 0; i + 1 < LIMBS; i++) {
		const limb = centred(rest, 1n << BITS);
		result.push(limb);
		rest = (rest - limb) >> BITS;
	}
	return [...result, rest];
}

/** Inverse modulo 2^51 by Newton's iteration, which doubles the right bits each time. */
function inverseOfOdd(value: bigint): bigint {
	let inverse = value;
	for (let bits = 3; bits < 51; bits *= 2) inverse = BigInt.asUintN(51, inverse * (2n - value * inverse));
	return inverse;
}

const doubleView = new DataView(new ArrayBuffer(8));

function bitsOf(value: number): bigint {
	doubleView.setFloat64(0, value);
	return doubleView.getBigUint64(0);
}

function limbs(limb: (index: number) => Code): Element {
	return Array.from({ length: LIMBS }, (_, index) => limb(index));
}
