/**
 * The engine's WebAssembly module: every loop over field elements. What is decided about numbers of points, digits and buckets
 * stays in TypeScript; these functions take addresses and counts.
 *
 * Names: `fr_*` and `fq_*` work on elements, `g1_*` and `g2_*` on points. "Pairs" are elements side by side (field.ts).
 *
 * What belongs to a key, points that are added and terms, is in the second memory, all else in the first. A thread that adds what it has
 * computed itself makes an instance in which both are the same.
 */

import { type Code, Func, i32, i64, type MemoryIndex, Module, pair } from "../../webassembly/emitter.ts";
import { inverse, Q, R } from "../bn254.ts";
import { exportBuckets } from "./buckets.ts";
import { Coordinates, type Value } from "./coordinates.ts";
import { exportDigits } from "./digits.ts";
import { ELEMENT_BYTES, type Element, FACTOR, FieldCode, PAIR_BYTES } from "./field.ts";

const KEY: MemoryIndex = 1;

/** Bytes of an affine point: two coordinates of one or two components. */
export const POINT_BYTES = { g1: 2 * ELEMENT_BYTES, g2: 4 * ELEMENT_BYTES } as const;

/** Bytes of a term in a key's list of coefficients: matrix, row, wire, coefficient. */
export const TERM_BYTES = 44;

/** `y^2 = x^3 + b` */
const CURVE_B = {
	g1: [3n],
	g2: [
		19485874751759354771024239261021720505790618469301721065564631296452457478373n,
		266929791119991161246907387137283842545076965332900288569378510910307636690n,
	],
} as const;

export type GroupName = "g1" | "g2";

/** A binary and what lies at the start of its memory. */
export interface Binary {
	readonly binary: Uint8Array<ArrayBuffer>;
	readonly constants: readonly bigint[];
}

/**
 * The module, but for what few proofs need.
 * @param exportMore adds other kernels
 */
export function buildKernels(fma: boolean, exportMore?: (module: Module, fma: boolean) => void): Binary {
	const module = new Module();
	for (const [name, modulus] of [
		["fr", R],
		["fq", Q],
	] as const) {
		module.export(`${name}_multiply`, multiply(module, modulus, fma));
	}
	module.export("fq_toBytes", toBytes(module, fma));
	module.export("fr_scale", scale(module, fma));
	module.export("fr_scaleSingles", scaleSingles(module, fma));
	for (const kind of ["decimation", "interpolation"] as const) {
		module.export(`fr_layer_${kind}`, layer(module, fma, kind));
		module.export(`fr_lanes_${kind}`, lanes(module, fma, kind));
	}
	module.export("fr_terms", terms(module, fma));
	module.export("fr_rows", rows(module, fma));
	module.export("fr_quotient", quotient(module, fma));
	module.export("fq2_norm", norm(module, fma));
	for (const group of ["g1", "g2"] as const) {
		module.export(`${group}_touch`, touch(group));
		module.export(`${group}_load`, loadPoints(module, fma, group));
		module.export(`${group}_differ`, differ(module, fma, group));
		module.export(`${group}_hasZero`, hasZero(module, fma, group));
		exportLine(module, fma, group, "chord");
	}
	exportDigits(module);
	exportBuckets(module);
	exportMore?.(module, fma);
	return { binary: module.encode(), constants: module.constants };
}

/**
 * The kernels that double points, which are only needed when a sum meets equal ones: a third of the code.
 * @param constants those of {@link buildKernels}
 */
export function buildTangents(fma: boolean, constants: readonly bigint[]): Uint8Array<ArrayBuffer> {
	const module = new Module(constants);
	for (const group of ["g1", "g2"] as const) exportLine(module, fma, group, "tangent");
	return module.encode();
}

function exportLine(module: Module, fma: boolean, group: GroupName, line: Line): void {
	module.export(`${group}_${line}_forward`, forward(module, fma, group, line));
	module.export(`${group}_${line}_backward`, backward(module, fma, group, line));
}

/** (out, x, y, count): products of pairs. */
export function multiply(module: Module, modulus: bigint, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, modulus, fma);
	const [out, x, y, count] = params(func) as [Code, Code, Code, Code];
	func.while(count, () => {
		field.storePair(out, field.mul(field.loadPair(x), field.loadPair(y)));
		advance(func, [out, x, y], PAIR_BYTES);
		advance(func, [count], -1);
	});
	return func;
}

/** (out, x): two consecutive elements as two times 32 bytes little endian, in `[0, q)`. */
function toBytes(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32"]);
	const field = new FieldCode(module, func, Q, fma);
	const [out, x] = [func.param(0), func.param(1)];
	const plain = field.mul(field.load(x, i32.add(x, i32.const(ELEMENT_BYTES))), field.plainConstant(1n));
	field.storeBytes(out, i32.add(out, i32.const(32)), field.reduce(plain));
	return func;
}

/** (out, x, count, factor): pairs times a pair, reduced. */
function scale(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [out, x, count, factor] = params(func) as [Code, Code, Code, Code];
	const by = field.loadPair(factor);
	func.while(count, () => {
		field.storePair(out, field.reduce(field.mul(field.loadPair(x), by)));
		advance(func, [out, x], PAIR_BYTES);
		advance(func, [count], -1);
	});
	return func;
}

/** (out, x, count, factor): single elements, an even number, times a pair, reduced. */
function scaleSingles(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [out, x, count, factor] = params(func) as [Code, Code, Code, Code];
	const by = field.loadPair(factor);
	const next = (address: Code): Code => i32.add(address, i32.const(ELEMENT_BYTES));
	func.while(count, () => {
		field.store(out, next(out), field.reduce(field.mul(field.load(x, next(x)), by)));
		advance(func, [out, x], 2 * ELEMENT_BYTES);
		advance(func, [count], -2);
	});
	return func;
}

type Transform = "decimation" | "interpolation";

/**
 * (data, twiddles, butterflies, half, log half, shift): one layer within the lanes. A butterfly joins the pairs i and i + half of a block;
 * its twiddle is number `i << shift`. Decimation in frequency: `(a + b, (a - b) w)`; interpolation, which undoes its order: `(a + b w, a - b w)`.
 */
function layer(module: Module, fma: boolean, kind: Transform): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [data, twiddles, count, half, log, shift] = params(func) as [Code, Code, Code, Code, Code, Code];
	const turn = func.local("i32");
	const distance = func.let("i32", i32.mul(half, i32.const(PAIR_BYTES)));
	func.while(i32.ltU(turn, count), () => {
		const block = i32.shl(i32.shrU(turn, log), i32.add(log, i32.const(1)));
		const inner = func.let("i32", i32.and(turn, i32.sub(half, i32.const(1))));
		const first = func.let("i32", i32.add(data, i32.mul(i32.add(block, inner), i32.const(PAIR_BYTES))));
		const second = func.let("i32", i32.add(first, distance));
		const w = field.loadSplat(func.let("i32", i32.add(twiddles, i32.mul(i32.shl(inner, shift), i32.const(ELEMENT_BYTES)))));
		const a = field.loadPair(first);
		const b = field.loadPair(second);
		if (kind === "decimation") {
			field.storePair(first, field.reduce(field.add(a, b)));
			field.storePair(second, field.mul(field.sub(a, b), w));
		} else {
			const turned = field.mul(b, w);
			field.storePair(first, field.reduce(field.add(a, turned)));
			field.storePair(second, field.reduce(field.sub(a, turned)));
		}
		advance(func, [turn], 1);
	});
	return func;
}

/** (data, twiddles, count): the layer that joins the lanes of each pair; twiddle i for pair i. */
function lanes(module: Module, fma: boolean, kind: Transform): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [data, twiddles, count] = params(func) as [Code, Code, Code];
	const one = field.constant(1n);
	func.while(count, () => {
		const twiddle = field.loadHigh(one, twiddles);
		const x = field.loadPair(data);
		if (kind === "decimation") field.storePair(data, field.mul(field.butterfly(x), twiddle));
		else field.storePair(data, field.reduce(field.butterfly(field.mul(x, twiddle))));
		advance(func, [data], PAIR_BYTES);
		advance(func, [twiddles], ELEMENT_BYTES);
		advance(func, [count], -1);
	});
	return func;
}

/**
 * (terms, other terms, count, witness, rows, rows per matrix, wires) -> terms of each list that were added: less than count when one of the next
 * two names a matrix, row or wire that does not exist.
 *
 * Adds coefficient times witness to rows. The two lists fill the two lanes of a row, so they never write to the same place.
 */
function terms(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32", "i32"], "i32");
	const field = new FieldCode(module, func, R, fma);
	const [low, high, count, witness, rowsAt, nRows, nWires] = params(func) as [Code, Code, Code, Code, Code, Code, Code];
	const done = func.local("i32");
	func.while(i32.ltU(done, count), () => {
		const places = [low, high].map((term, lane) => {
			const [matrix, row, wire] = [0, 4, 8].map((at) => func.let("i32", i32.load(term, at, KEY))) as [Code, Code, Code];
			const outside = i32.or(i32.geU(matrix, i32.const(2)), i32.or(i32.geU(row, nRows), i32.geU(wire, nWires)));
			func.if(outside, () => func.return(done));
			const index = i32.add(i32.mul(matrix, nRows), row);
			return {
				row: func.let("i32", i32.add(i32.add(rowsAt, i32.const(8 * lane)), i32.mul(index, i32.const(PAIR_BYTES)))),
				value: func.let("i32", i32.add(witness, i32.mul(wire, i32.const(32)))),
			};
		}) as [{ row: Code; value: Code }, { row: Code; value: Code }];
		const product = field.mul(field.loadBytes(low, high, 12, KEY), field.loadBytes(places[0].value, places[1].value));
		const sum = field.add(field.load(places[0].row, places[1].row, 0, 16), product);
		field.store(places[0].row, places[1].row, field.reduce(sum), 0, 16);
		advance(func, [low, high], TERM_BYTES);
		advance(func, [done], 1);
	});
	func.emit(done);
	return func;
}

/**
 * (rows, half, a, b, c): adds the lanes of each row and lays rows j and j + half out as a pair; c = a b. Coefficients are stored times 2^512 and the
 * witness is not, so what {@link terms} made of them is times 2^512 over the factor.
 */
function rows(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [rowsAt, half, a, b, c] = params(func) as [Code, Code, Code, Code, Code];
	const distance = func.let("i32", i32.mul(half, i32.const(PAIR_BYTES)));
	const left = func.let("i32", half);
	const factor = field.plainConstant(FACTOR ** 3n * inverse(1n << 512n, R));
	func.while(left, () => {
		const [x, y] = [0, 1].map((matrix) => {
			const low = func.let("i32", i32.add(rowsAt, i32.mul(distance, i32.const(2 * matrix))));
			const high = func.let("i32", i32.add(low, distance));
			return field.mul(field.add(field.load(low, high, 0, 16), field.load(low, high, 8, 16)), factor);
		}) as [Element, Element];
		field.storePair(a, x);
		field.storePair(b, y);
		field.storePair(c, field.mul(x, y));
		advance(func, [rowsAt, a, b, c], PAIR_BYTES);
		advance(func, [left], -1);
	});
	return func;
}

/** (a, b, c, half, out): `a b - c` as 32 bytes little endian in `[0, r)`, pair j to places j and j + half. */
function quotient(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [a, b, c, half, out] = params(func) as [Code, Code, Code, Code, Code];
	const left = func.let("i32", half);
	func.while(left, () => {
		const product = field.mul(field.loadPair(a), field.loadPair(b));
		const plain = field.mul(field.sub(product, field.loadPair(c)), field.plainConstant(1n));
		field.storeBytes(out, func.let("i32", i32.add(out, i32.mul(half, i32.const(32)))), field.reduce(plain));
		advance(func, [a, b, c], PAIR_BYTES);
		advance(func, [out], 32);
		advance(func, [left], -1);
	});
	return func;
}

/**
 * (pointers, count): brings points into the cache. The processor has many of these short turns under way at once, but no more than one of
 * the long turns that compute, which would wait for each point in turn.
 */
function touch(group: GroupName): Func {
	const func = new Func(["i32", "i32"], "i32");
	const [pointers, count] = params(func) as [Code, Code];
	const last = POINT_BYTES[group] - 8;
	const sum = func.local("i32");
	func.while(count, () => {
		const place = func.let("i32", i32.and(i32.load(pointers), i32.const(-2)));
		for (let offset = 0; offset < last; offset += 64) func.assign(sum, i32.add(sum, i32.load(place, offset, KEY)));
		func.assign(sum, i32.add(sum, i32.load(place, last, KEY)));
		advance(func, [pointers], 4);
		advance(func, [count], -1);
	});
	func.emit(sum);
	return func;
}

/** (out, x): `x_0^2 + x_1^2` of a pair of Fq2. */
export function norm(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32"]);
	const field = new FieldCode(module, func, Q, fma);
	const [x0, x1] = [0, PAIR_BYTES].map((offset) => field.reduce(field.loadPair(func.param(1), offset))) as [Element, Element];
	field.storePair(func.param(0), field.mulAdd(x0, x0, x1, x1));
	return func;
}

/**
 * (out, in, flags, count): reads affine points as keys hold them, 32 bytes little endian times 2^256 a component, and writes reduced elements. The number
 * of points is even; two at a time get a byte of flags, bit 0 for the first one on the curve, bit 1 for the second. Infinity, all zeros, is not.
 */
function loadPoints(module: Module, fma: boolean, group: GroupName): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, Q, fma);
	const coordinates = new Coordinates(field, group === "g1" ? 1 : 2);
	const [out, bytes, flags, count] = params(func) as [Code, Code, Code, Code];
	const size = 2 * coordinates.components;
	const factor = field.plainConstant(FACTOR ** 2n * inverse(1n << 256n, Q));
	const b = coordinates.constant(CURVE_B[group]);
	func.while(count, () => {
		const other = func.let("i32", i32.add(bytes, i32.const(32 * size)));
		const next = func.let("i32", i32.add(out, i32.const(ELEMENT_BYTES * size)));
		const loaded = Array.from({ length: size }, (_, i) => field.reduce(field.mul(field.loadBytes(bytes, other, 32 * i), factor)));
		const x = loaded.slice(0, coordinates.components);
		const y = loaded.slice(coordinates.components);
		coordinates.store(out, next, x, 0, KEY);
		coordinates.store(out, next, y, coordinates.bytes, KEY);
		const cube = coordinates.mul(coordinates.square(x), x);
		const defect = coordinates.reduce(coordinates.sub(coordinates.sub(coordinates.square(y), cube), b));
		const onCurve = func.let("i32", pair.iBitmask(pair.iEqual(coordinates.nonZero(defect), pair.iSplat(i64.const(0n)))));
		func.emit(i32.storeByte(flags, i32.and(onCurve, i32.const(1)), 0, KEY));
		func.emit(i32.storeByte(flags, i32.shrU(onCurve, i32.const(1)), 1, KEY));
		advance(func, [out], 2 * ELEMENT_BYTES * size);
		advance(func, [bytes], 64 * size);
		advance(func, [flags], 2);
		advance(func, [count], -2);
	});
	return func;
}

/** Addresses of points with a flag for the negative in bit 0, two for the two lanes. */
export interface Points {
	readonly low: Code;
	readonly high: Code;
	readonly signs: Code;
}

export function loadPointers(func: Func, list: Code): Points {
	const [low, high] = [0, 4].map((lane) => func.let("i32", i32.load(list, lane))) as [Code, Code];
	const flags = pair.iReplaceHigh(pair.iSplat(i64.extend(low)), i64.extend(high));
	const address = (pointer: Code): Code => func.let("i32", i32.and(pointer, i32.const(-2)));
	return { low: address(low), high: address(high), signs: func.let("v128", pair.iShl(flags, i32.const(63))) };
}

function abscissa(coordinates: Coordinates, { low, high }: Points): Value {
	return coordinates.load(low, high, 0, KEY);
}

export function ordinate(coordinates: Coordinates, { low, high, signs }: Points): Value {
	return coordinates.flip(coordinates.load(low, high, coordinates.bytes, KEY), signs);
}

/** (left, right) -> 0 when the points of two pointers are equal, 1 when they are opposite, 2 when neither. */
function differ(module: Module, fma: boolean, group: GroupName): Func {
	const func = new Func(["i32", "i32"], "i32");
	const coordinates = new Coordinates(new FieldCode(module, func, Q, fma), group === "g1" ? 1 : 2);
	const [left, right] = params(func).map((pointer): Points => {
		const address = func.let("i32", i32.and(pointer, i32.const(-2)));
		const signs = func.let("v128", pair.iShl(pair.iSplat(i64.extend(pointer)), i32.const(63)));
		return { low: address, high: address, signs };
	}) as [Points, Points];
	const x = coordinates.sub(abscissa(coordinates, left), abscissa(coordinates, right));
	func.if(pair.anyTrue(coordinates.nonZero(coordinates.reduce(x))), () => func.return(i32.const(2)));
	const y = coordinates.sub(ordinate(coordinates, left), ordinate(coordinates, right));
	func.emit(pair.anyTrue(coordinates.nonZero(coordinates.reduce(y))));
	return func;
}

/** (x) -> 1 when a lane of a pair of coordinates is zero. */
function hasZero(module: Module, fma: boolean, group: GroupName): Func {
	const func = new Func(["i32"], "i32");
	const coordinates = new Coordinates(new FieldCode(module, func, Q, fma), group === "g1" ? 1 : 2);
	func.emit(i32.eqz(pair.iAllTrue(coordinates.nonZero(coordinates.reduce(coordinates.loadPair(func.param(0)))))));
	return func;
}

/** Through two points (an addition), or through one (its doubling, where left and right are the same). */
type Line = "chord" | "tangent";

/**
 * (left, right, prefixes, turns): first half of many additions by one inversion, two a turn. Writes for each turn the product of the denominators of all
 * slopes before it, lane by lane, and the product of all after the last.
 */
function forward(module: Module, fma: boolean, group: GroupName, line: Line): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const coordinates = new Coordinates(new FieldCode(module, func, Q, fma), group === "g1" ? 1 : 2);
	const [left, right, prefixes, turns] = params(func) as [Code, Code, Code, Code];
	const product = coordinates.variables();
	coordinates.assign(product, coordinates.constant([1n, 0n]));
	func.while(turns, () => {
		coordinates.storePair(prefixes, product);
		const [a, b] = [loadPointers(func, left), loadPointers(func, right)];
		coordinates.assign(product, coordinates.mul(product, denominator(coordinates, a, b, line)));
		advance(func, [left, right], 8);
		advance(func, [prefixes], coordinates.pairBytes);
		advance(func, [turns], -1);
	});
	coordinates.storePair(prefixes, product);
	return func;
}

function denominator(coordinates: Coordinates, a: Points, b: Points, line: Line): Value {
	if (line === "chord") return coordinates.sub(abscissa(coordinates, b), abscissa(coordinates, a));
	const y = ordinate(coordinates, a);
	return coordinates.add(y, y);
}

/**
 * (left, right, out, prefixes, turns, inverse): second half, backwards. All lists by their ends; `inverse` is that of the last product.
 * Writes the sum of each pair of pointers to its place in `out`, which may be the left one.
 */
function backward(module: Module, fma: boolean, group: GroupName, line: Line): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32"]);
	const coordinates = new Coordinates(new FieldCode(module, func, Q, fma), group === "g1" ? 1 : 2);
	const [left, right, out, prefixes, turns, inverse] = params(func) as [Code, Code, Code, Code, Code, Code];
	const inverted = coordinates.variables();
	coordinates.assign(inverted, coordinates.loadPair(inverse));
	func.while(turns, () => {
		advance(func, [left, right, out], -8);
		advance(func, [prefixes], -coordinates.pairBytes);
		advance(func, [turns], -1);
		const [a, b, target] = [loadPointers(func, left), loadPointers(func, right), loadPointers(func, out)];
		const own = coordinates.mul(inverted, coordinates.factor(coordinates.loadPair(prefixes)));
		coordinates.assign(inverted, coordinates.mul(inverted, denominator(coordinates, a, b, line)));
		const [x, y] = [abscissa(coordinates, a), ordinate(coordinates, a)];
		const slope = coordinates.mul(numerator(coordinates, x, y, b, line), own);
		const sum = coordinates.reduce(coordinates.sub(coordinates.sub(coordinates.square(slope), x), abscissa(coordinates, b)));
		const height = coordinates.sub(coordinates.mul(slope, coordinates.sub(x, sum)), y);
		coordinates.store(target.low, target.high, sum);
		coordinates.store(target.low, target.high, coordinates.reduce(height), coordinates.bytes);
	});
	return func;
}

function numerator(coordinates: Coordinates, x: Value, y: Value, b: Points, line: Line): Value {
	if (line === "chord") return coordinates.sub(ordinate(coordinates, b), y);
	const square = coordinates.reduce(coordinates.square(x));
	return coordinates.reduce(coordinates.add(square, coordinates.add(square, square)));
}

/** The parameters in order. */
export function params(func: Func): Code[] {
	return func.params.map((_, index) => func.param(index));
}

/** Adds to counters or addresses. */
export function advance(func: Func, variables: readonly Code[], by: number): void {
	for (const variable of variables) func.assign(variable, i32.add(variable, i32.const(by)));
}
