/**
 * The WebAssembly module of the pairing: sums of multiples in G1 and the steps of Miller's loop, two of each side by side. What is decided about
 * digits stays in TypeScript (pairing.ts).
 *
 * Points are homogeneous, x = X / Z and y = Y / Z. A pair of pairings in the making is a {@link STATE}: the running multiple T of Q, the point P, and
 * the points that are added to T. P at infinity, (0 : 1 : 0), makes every line a value of Fq2, which the final exponentiation takes to 1.
 *
 * @source J. Renes, C. Costello, L. Batina, "Complete addition formulas for prime order elliptic curves", EUROCRYPT 2016, algorithms 7 and 9 (G1)
 * @source C. Costello, T. Lange, M. Naehrig, "Faster pairing computations on curves with high-degree twists", PKC 2010, section 5 (lines); the same
 *   doubling formula as algorithm 9
 */

import { type Code, Func, i32, i64, Module, pair } from "../../webassembly/emitter.ts";
import { Q, R } from "../bn254.ts";
import { Coordinates, type Value } from "./coordinates.ts";
import { type Element, FieldCode, PAIR_BYTES } from "./field.ts";
import { advance, type Binary, multiply, norm, params } from "./kernels.ts";
import { exportTower, FQ2_BYTES, Fq2Code, SCRATCH_BYTES, type Tower, triple } from "./tower.ts";

/** A pair of points of G1, three coordinates. */
export const G1_BYTES = 3 * PAIR_BYTES;

/** Offsets in a pair of pairings in the making. */
export const STATE = {
	/** T: X, Y, Z */
	multiple: 0,
	/** P: X, Y, Z */
	point: 3 * FQ2_BYTES,
	/** x, y each: Q, -Q, psi(Q), -psi^2(Q), -psi^3(Q), with psi the Frobenius endomorphism seen from the twist */
	addends: 3 * FQ2_BYTES + G1_BYTES,
	bytes: 13 * FQ2_BYTES + G1_BYTES,
} as const;

/** Which point is added to T. */
export const ADDEND = { self: 0, negative: 1, psi: 2, minusPsi2: 3, minusPsi3: 4 } as const;

/** Offsets in the table of constants that the caller provides. */
export const CONSTANTS = {
	/** `xi^(k (q - 1) / 6)`, k = 0 .. 5 */
	frobenius: 0,
	/** 3 b of the twist `y^2 = x^3 + b` */
	tripleB: 6 * FQ2_BYTES,
	bytes: 7 * FQ2_BYTES,
} as const;

/** The whole module, in place of that of kernels.ts. */
export function buildPairing(fma: boolean): Binary {
	const module = new Module();
	module.export("fr_multiply", multiply(module, R, fma));
	module.export("fq_multiply", multiply(module, Q, fma));
	module.export("fq2_norm", norm(module, fma));
	module.export("g1_double", double(module, fma));
	module.export("g1_add", add(module, fma));
	const tower = exportTower(module, fma);
	module.export("miller_prepare", prepare(tower));
	module.export("miller_double", tangents(tower));
	module.export("miller_add", chords(tower));
	module.export("miller_members", members(module, fma));
	return { binary: module.encode(), constants: module.constants };
}

/** (point, times): doubles a pair of points of G1 in place. */
function double(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32"]);
	const field = new FieldCode(module, func, Q, fma);
	const [point, times] = params(func) as [Code, Code];
	const [x, y, z] = [0, 1, 2].map(() => field.variables()) as [Element, Element, Element];
	for (const [i, coordinate] of [x, y, z].entries()) field.assign(coordinate, field.loadPair(point, i * PAIR_BYTES));
	func.while(times, () => {
		const a = field.reduce(field.square(y));
		const b = nine(field, field.square(z));
		const difference = field.reduce(field.sub(a, triple(field, b)));
		const eight = [0, 1, 2].reduce((sum) => field.reduce(field.add(sum, sum)), a);
		const [xy, yz] = [field.mul(x, y), field.mul(y, z)];
		field.assign(x, field.reduce(field.mul(field.add(difference, difference), xy)));
		field.assign(y, field.reduce(field.mulAdd(difference, field.add(a, b), eight, b)));
		field.assign(z, field.reduce(field.mul(eight, yz)));
		advance(func, [times], -1);
	});
	for (const [i, coordinate] of [x, y, z].entries()) field.storePair(point, coordinate, i * PAIR_BYTES);
	return func;
}

/** (out, left, low, high): a pair of points plus the first lane of another pair and the lane at `high` of a third, in G1. */
function add(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, Q, fma);
	const [out, left, low, high] = params(func) as [Code, Code, Code, Code];
	const [x, y, z] = [0, 1, 2].map((i) => field.loadPair(left, i * PAIR_BYTES)) as [Element, Element, Element];
	const [u, v, w] = [0, 1, 2].map((i) => field.load(low, high, i * PAIR_BYTES, 16)) as [Element, Element, Element];
	const cross = (a: Element, b: Element, c: Element, d: Element): Element => field.reduce(field.mulAdd(a, d, b, c));
	const [xx, yy] = [field.reduce(field.mul(x, u)), field.reduce(field.mul(y, v))];
	const zz = nine(field, field.mul(z, w));
	const [xy, yz] = [cross(x, y, u, v), cross(y, z, v, w)];
	const xz = nine(field, cross(x, z, u, w));
	const threeX = triple(field, xx);
	const [sum, difference] = [field.reduce(field.add(yy, zz)), field.reduce(field.sub(yy, zz))];
	field.storePair(out, field.reduce(field.mulAdd(xy, difference, field.negate(yz), xz)));
	field.storePair(out, field.reduce(field.mulAdd(difference, sum, xz, threeX)), PAIR_BYTES);
	field.storePair(out, field.reduce(field.mulAdd(sum, yz, xy, threeX)), 2 * PAIR_BYTES);
	return func;
}

/** Nine times a product, reduced: 3 b of G1. */
function nine(field: FieldCode, x: Element): Element {
	return triple(field, triple(field, field.reduce(x)));
}

/** (states, constants, scratch, turns): T = Q and the points that will be added to it. */
function prepare(tower: Tower): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const [state, constants, scratch, turns] = params(func) as [Code, Code, Code, Code];
	const code = new Fq2Code(func, tower, scratch);
	const powers = code.coefficients(i32.add(constants, i32.const(CONSTANTS.frobenius)));
	func.while(turns, () => {
		const [x, y] = addend(code, state, ADDEND.self);
		const minus = addend(code, state, ADDEND.negative);
		code.call("copy", [x], minus[0]);
		code.call("negate", [y], minus[1]);
		psi(code, addend(code, state, ADDEND.psi), [x, y], powers);
		const second = addend(code, state, ADDEND.minusPsi2);
		psi(code, second, addend(code, state, ADDEND.psi), powers);
		code.call("negate", [second[1]], second[1]);
		psi(code, addend(code, state, ADDEND.minusPsi3), second, powers);
		const [tx, ty, tz] = multiple(code, state);
		code.call("copy", [x], tx);
		code.call("copy", [y], ty);
		code.call("copy", [powers[0]], tz);
		advance(func, [state], STATE.bytes);
		advance(func, [turns], -1);
	});
	return func;
}

type Affine = readonly [Code, Code];

function multiple(code: Fq2Code, state: Code): readonly [Code, Code, Code] {
	return [0, 1, 2].map((i) => code.at(i32.add(state, i32.const(STATE.multiple)), i)) as unknown as readonly [Code, Code, Code];
}

function addend(code: Fq2Code, state: Code, index: number): Affine {
	const start = i32.add(state, i32.const(STATE.addends));
	return [code.at(start, 2 * index), code.at(start, 2 * index + 1)];
}

/** `psi(x, y) = (x^q xi^((q - 1) / 3), y^q xi^((q - 1) / 2))` */
function psi(code: Fq2Code, out: Affine, point: Affine, powers: readonly Code[]): void {
	for (const [i, power] of [powers[2], powers[3]].entries()) {
		code.call("mul", [code.call("conjugate", [point[i] as Code], out[i]), power as Code], out[i]);
	}
}

/** (states, f, scratch, constants, turns): doubles every T and multiplies f with the tangents at P. */
function tangents(tower: Tower): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const [state, f, scratch, constants, turns] = params(func) as [Code, Code, Code, Code, Code];
	func.while(turns, () => {
		const code = new Fq2Code(func, tower, scratch);
		const [x, y, z] = multiple(code, state);
		const a = code.call("square", [y]);
		const b = code.call("mul", [code.call("square", [z]), i32.add(constants, i32.const(CONSTANTS.tripleB))]);
		const [xy, yz] = [code.call("mul", [x, y]), code.call("mul", [y, z])];
		const slope = [code.call("triple", [code.call("square", [x])]), code.call("add", [yz, yz])] as const;
		multiplyLine(func, tower, code, state, f, scratch, [...slope, code.call("sub", [a, b])]);
		const difference = code.call("sub", [a, code.call("triple", [b])]);
		const twice = (value: Code): Code => code.call("add", [value, value]);
		const eight = twice(twice(twice(a)));
		code.call("mul", [twice(difference), xy], x);
		const products = [code.call("mul", [difference, code.call("add", [a, b])]), code.call("mul", [eight, b])];
		code.call("add", products, y);
		code.call("mul", [eight, yz], z);
		advance(func, [state], STATE.bytes);
		advance(func, [turns], -1);
	});
	return func;
}

/** (states, f, scratch, offset, turns): adds the addend at an offset to every T, which it must differ from, and multiplies f with the chords at P. */
function chords(tower: Tower): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const [state, f, scratch, offset, turns] = params(func) as [Code, Code, Code, Code, Code];
	func.while(turns, () => {
		const code = new Fq2Code(func, tower, scratch);
		const [x, y, z] = multiple(code, state);
		const [u, v] = addend(code, i32.add(state, offset), 0);
		const rise = code.call("sub", [y, code.call("mul", [v, z])]);
		const run = code.call("sub", [x, code.call("mul", [u, z])]);
		const intercept = code.call("sub", [code.call("mul", [rise, u]), code.call("mul", [run, v])]);
		multiplyLine(func, tower, code, state, f, scratch, [rise, run, intercept]);
		const square = code.call("square", [run]);
		const cube = code.call("mul", [square, run]);
		const part = code.call("mul", [square, x]);
		const rest = code.call("sub", [code.call("mul", [code.call("square", [rise]), z]), code.call("add", [part, part])]);
		const sum = code.call("add", [cube, rest]);
		code.call("mul", [run, sum], x);
		const products = [code.call("mul", [code.call("sub", [part, sum]), rise]), code.call("mul", [cube, y])];
		code.call("sub", products, y);
		code.call("mul", [z, cube], z);
		advance(func, [state], STATE.bytes);
		advance(func, [turns], -1);
	});
	return func;
}

/** A line's slope as a fraction, and its value at 0 times the denominator. */
type Line = readonly [rise: Code, run: Code, intercept: Code];

/** Multiplies f with `run Y - rise X w + intercept Z w^3`. */
function multiplyLine(func: Func, tower: Tower, code: Fq2Code, state: Code, f: Code, scratch: Code, [rise, run, intercept]: Line): void {
	const at = (i: number): Code => i32.add(state, i32.const(STATE.point + i * PAIR_BYTES));
	const o0 = code.call("scale", [run, at(1)]);
	const o1 = code.call("negate", [code.call("scale", [rise, at(0)])]);
	const o3 = code.call("scale", [intercept, at(2)]);
	func.emit(tower.line(f, o0, o1, o3, i32.add(scratch, i32.const(SCRATCH_BYTES))));
}

/** (states, flags, offset, turns): a byte for each turn, bit 0 when the first T equals the addend at an offset, bit 1 when the second does. */
function members(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const coordinates = new Coordinates(new FieldCode(module, func, Q, fma), 2);
	const [state, flags, offset, turns] = params(func) as [Code, Code, Code, Code];
	func.while(turns, () => {
		const [x, y, z] = [0, 1, 2].map((i) => coordinates.loadPair(state, STATE.multiple + i * FQ2_BYTES)) as [Value, Value, Value];
		const start = func.let("i32", i32.add(state, offset));
		const [u, v] = [0, 1].map((i) => coordinates.loadPair(start, STATE.addends + i * FQ2_BYTES)) as [Value, Value];
		const isZero = (value: Value): Code => pair.iEqual(coordinates.nonZero(value), pair.iSplat(i64.const(0n)));
		const same = [[x, u] as const, [y, v] as const].map(([a, b]) => isZero(coordinates.reduce(coordinates.sub(a, coordinates.mul(b, z)))));
		const equal = pair.and(same[0] as Code, same[1] as Code);
		func.emit(i32.storeByte(flags, i32.and(pair.iBitmask(equal), i32.sub(i32.const(3), pair.iBitmask(isZero(z))))));
		advance(func, [flags], 1);
		advance(func, [state], STATE.bytes);
		advance(func, [turns], -1);
	});
	return func;
}
