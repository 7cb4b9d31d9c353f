/**
 * The kernels that setups need beside those of kernels.ts: Lagrange's polynomials at a point, sums over the terms of a circuit's matrices,
 * and points written as keys hold them. Vectors over Fr consist of single elements, two a turn, so their lengths are even.
 */

import { type Code, Func, i32, type Module } from "../../webassembly/emitter.ts";
import { Q, R } from "../bn254.ts";
import { Coordinates } from "./coordinates.ts";
import { ELEMENT_BYTES, FieldCode, PAIR_BYTES } from "./field.ts";
import { advance, type Binary, buildKernels, type GroupName, loadPointers, ordinate, params } from "./kernels.ts";
import { KEY_BYTES } from "./msm.ts";

/** Bytes of a term: row, wire, number of its coefficient. */
export const MATRIX_TERM_BYTES = 12;

/** The kernels of kernels.ts and of this file: a machine's second argument. */
export function buildSetupKernels(fma: boolean): Binary {
	return buildKernels(fma, (module) => {
		module.export("fr_lagrange_forward", lagrangeForward(module, fma));
		module.export("fr_lagrange_backward", lagrangeBackward(module, fma));
		module.export("fr_accumulate", accumulate(module, fma));
		module.export("fr_fold", fold(module, fma));
		module.export("fr_combine", combine(module, fma));
		module.export("fr_save", saveScalars(module, fma));
		for (const group of ["g1", "g2"] as const) module.export(`${group}_save`, savePoints(module, fma, group));
	});
}

/** (x, tau, prefixes, count): for every two points the product of all `tau - x` before them, lane by lane, and that of all after the last. */
function lagrangeForward(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [x, tau, prefixes, count] = params(func) as [Code, Code, Code, Code];
	const at = field.loadPair(tau);
	const product = field.variables();
	field.assign(product, field.constant(1n));
	func.while(count, () => {
		field.storePair(prefixes, product);
		field.assign(product, field.mul(product, field.sub(at, field.load(x, next(x)))));
		advance(func, [x], 2 * ELEMENT_BYTES);
		advance(func, [prefixes], PAIR_BYTES);
		advance(func, [count], -2);
	});
	field.storePair(prefixes, product);
	return func;
}

/** (x, tau, prefixes, count, inverse): replaces x by `f x / (tau - x)`, where `inverse` is f over the last product. Lists by their ends. */
function lagrangeBackward(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [x, tau, prefixes, count, inverse] = params(func) as [Code, Code, Code, Code, Code];
	const at = field.loadPair(tau);
	const inverted = field.variables();
	field.assign(inverted, field.loadPair(inverse));
	func.while(count, () => {
		advance(func, [x], -2 * ELEMENT_BYTES);
		advance(func, [prefixes], -PAIR_BYTES);
		advance(func, [count], -2);
		const point = field.load(x, next(x));
		const own = field.mul(inverted, field.loadPair(prefixes));
		field.assign(inverted, field.mul(inverted, field.sub(at, point)));
		field.store(x, next(x), field.reduce(field.mul(own, point)));
	});
	return func;
}

/**
 * (terms, other terms, count, coefficients, weights, sums): adds a term's coefficient times the weight of its row to the sum of its wire. The two
 * lists fill the two lanes of a sum, so they never write to the same place.
 */
function accumulate(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [low, high, count, coefficients, weights, sums] = params(func) as [Code, Code, Code, Code, Code, Code];
	const element = (list: Code, term: Code, offset: number): Code =>
		func.let("i32", i32.add(list, i32.mul(i32.load(term, offset), i32.const(ELEMENT_BYTES))));
	func.while(count, () => {
		const [lowSum, highSum] = [low, high].map((term, lane) =>
			func.let("i32", i32.add(i32.add(sums, i32.const(8 * lane)), i32.mul(i32.load(term, 4), i32.const(PAIR_BYTES)))),
		) as [Code, Code];
		const weight = field.load(element(weights, low, 0), element(weights, high, 0));
		const coefficient = field.load(element(coefficients, low, 8), element(coefficients, high, 8));
		const sum = field.add(field.load(lowSum, highSum, 0, 16), field.mul(coefficient, weight));
		field.store(lowSum, highSum, field.reduce(sum), 0, 16);
		advance(func, [low, high], MATRIX_TERM_BYTES);
		advance(func, [count], -1);
	});
	return func;
}

/** (out, sums, count): adds the lanes of each sum. */
function fold(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [out, sums, count] = params(func) as [Code, Code, Code];
	func.while(count, () => {
		const other = func.let("i32", i32.add(sums, i32.const(PAIR_BYTES)));
		const both = field.add(field.load(sums, other, 0, 16), field.load(sums, other, 8, 16));
		field.store(out, next(out), field.reduce(both));
		advance(func, [out], 2 * ELEMENT_BYTES);
		advance(func, [sums], 2 * PAIR_BYTES);
		advance(func, [count], -2);
	});
	return func;
}

/** (u, v, w, count, beta, alpha): adds `beta u + alpha v` to w. */
function combine(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [u, v, w, count, beta, alpha] = params(func) as [Code, Code, Code, Code, Code, Code];
	const [byU, byV] = [field.loadPair(beta), field.loadPair(alpha)];
	func.while(count, () => {
		const products = field.mulAdd(field.load(u, next(u)), byU, field.load(v, next(v)), byV);
		field.store(w, next(w), field.reduce(field.add(field.load(w, next(w)), products)));
		advance(func, [u, v, w], 2 * ELEMENT_BYTES);
		advance(func, [count], -2);
	});
	return func;
}

/** (out, x, count, factor): elements times a pair, as 32 bytes little endian in `[0, r)`. The pair stands for itself, not times {@link FACTOR}. */
function saveScalars(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const field = new FieldCode(module, func, R, fma);
	const [out, x, count, factor] = params(func) as [Code, Code, Code, Code];
	const by = field.loadPair(factor);
	func.while(count, () => {
		const scaled = field.reduce(field.mul(field.load(x, next(x)), by));
		field.storeBytes(out, func.let("i32", i32.add(out, i32.const(32))), scaled);
		advance(func, [out], 64);
		advance(func, [x], 2 * ELEMENT_BYTES);
		advance(func, [count], -2);
	});
	return func;
}

/** (out, pointers, count): points (adder.ts) as keys hold them, an even number. Coordinates of zero stay zero, as infinity is stored. */
function savePoints(module: Module, fma: boolean, group: GroupName): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const field = new FieldCode(module, func, Q, fma);
	const coordinates = new Coordinates(field, group === "g1" ? 1 : 2);
	const [out, pointers, count] = params(func) as [Code, Code, Code];
	const factor = field.plainConstant(1n << 256n);
	func.while(count, () => {
		const points = loadPointers(func, pointers);
		const other = func.let("i32", i32.add(out, i32.const(KEY_BYTES[group])));
		const components = [...coordinates.load(points.low, points.high), ...ordinate(coordinates, points)];
		for (const [i, component] of components.entries()) {
			field.storeBytes(out, other, field.reduce(field.mul(component, factor)), 32 * i);
		}
		advance(func, [out], 2 * KEY_BYTES[group]);
		advance(func, [pointers], 8);
		advance(func, [count], -2);
	});
	return func;
}

/** The element behind one. */
function next(element: Code): Code {
	return i32.add(element, i32.const(ELEMENT_BYTES));
}
