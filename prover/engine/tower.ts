/**
 * Code for the fields of the pairing: Fq2 = Fq[i] / (i^2 + 1) and Fq12 = Fq2[w] / (w^6 - xi), xi = 9 + i.
 *
 * A value of Fq12 is its six coefficients over Fq2, without a tower between: products are sums of products over Fq2, for which one reduction at the end
 * (field.ts) saves more than Karatsuba's method would. In the tower of other libraries, with v = w^2, coefficient k is `c[k & 1].c[k >> 1]`.
 *
 * Values lie in memory as pairs, every component reduced. Each operation over Fq2 is a function of the module; what is built from them is a sequence
 * of calls ({@link Fq2Code}), so that the code stays small. `out` may be an operand everywhere.
 */

import { type Code, Func, i32, type Module, type Operator } from "../../webassembly/emitter.ts";
import { Q } from "../bn254.ts";
import { Coordinates, type Value } from "./coordinates.ts";
import { type Element, FieldCode, PAIR_BYTES } from "./field.ts";
import { params } from "./kernels.ts";

/** A pair over Fq2. */
export const FQ2_BYTES = 2 * PAIR_BYTES;
/** A pair over Fq12. */
export const FQ12_BYTES = 6 * FQ2_BYTES;
/** Slots of scratch memory that a sequence of calls may use. */
const SLOTS = 40;
/** Bytes of scratch memory for any function. */
export const SCRATCH_BYTES = SLOTS * FQ2_BYTES;

/** Calls of the functions; the first operand is where the result goes. */
export interface Tower {
	readonly add: Operator;
	readonly sub: Operator;
	/** 3 x */
	readonly triple: Operator;
	/** xi x */
	readonly twist: Operator;
	readonly negate: Operator;
	/** x^q */
	readonly conjugate: Operator;
	readonly copy: Operator;
	/** lanes exchanged */
	readonly swap: Operator;
	readonly mul: Operator;
	readonly square: Operator;
	/** times an element of Fq */
	readonly scale: Operator;
	/** `x y + u v + s t`, operands x, y, u, v, s, t */
	readonly dot: Operator;
	/** (f, o_0, o_1, o_3, scratch): f times `o_0 + o_1 w + o_3 w^3`, in place */
	readonly line: Operator;
}

/** Exports the operations over Fq2 and Fq12. */
export function exportTower(module: Module, fma: boolean): Tower {
	const leaf = (name: string, arity: 1 | 2, result: Operation): Operator =>
		module.export(
			`fq2_${name}`,
			operation(module, fma, arity, (coordinates, field, x, y) => result(coordinates, field, x as Value, y ?? [])),
		);
	const leaves = {
		add: leaf("add", 2, (fq2, _, x, y) => fq2.add(x, y)),
		sub: leaf("sub", 2, (fq2, _, x, y) => fq2.sub(x, y)),
		mul: leaf("mul", 2, (fq2, _, x, y) => fq2.mul(x, y)),
		square: leaf("square", 1, (fq2, _, x) => fq2.square(x)),
		triple: leaf("triple", 1, (_, field, x) => x.map((component) => triple(field, component))),
		twist: leaf("twist", 1, (_, field, x) => twist(field, x)),
		negate: leaf("negate", 1, (_, field, x) => x.map((component) => field.negate(component))),
		conjugate: leaf("conjugate", 1, (_, field, x) => x.map((component, i) => (i === 0 ? component : field.negate(component)))),
		copy: leaf("copy", 1, (_, __, x) => x),
		swap: leaf("swap", 1, (_, field, x) => x.map((component) => field.swap(component))),
		dot: module.export(
			"fq2_dot",
			operation(module, fma, 6, (_, field, ...operands) => dot(field, operands)),
		),
		scale: module.export("fq2_scale", scale(module, fma)),
	};
	const line = module.export("fq12_line", lineProduct(leaves));
	module.export("fq12_multiply", product(leaves));
	module.export("fq12_square", square(leaves));
	module.export("fq12_cyclotomicSquare", cyclotomicSquare(leaves));
	module.export("fq12_frobenius", frobenius(leaves));
	module.export(
		"fq12_conjugate",
		eachCoefficient((k, out, x) => (k % 2 === 0 ? leaves.copy(out, x) : leaves.negate(out, x))),
	);
	module.export(
		"fq12_swap",
		eachCoefficient((_, out, x) => leaves.swap(out, x)),
	);
	return { ...leaves, line };
}

type Leaves = Omit<Tower, "line">;

type Operation = (fq2: Coordinates, field: FieldCode, x: Value, y: Value) => Value;

/** (out, operands): one value from others, reduced. */
function operation(
	module: Module,
	fma: boolean,
	arity: number,
	result: (fq2: Coordinates, field: FieldCode, ...operands: Value[]) => Value,
): Func {
	const func = new Func(Array.from({ length: 1 + arity }, () => "i32" as const));
	const field = new FieldCode(module, func, Q, fma);
	const fq2 = new Coordinates(field, 2);
	const [out, ...operands] = params(func) as [Code, ...Code[]];
	fq2.storePair(out, fq2.reduce(result(fq2, field, ...operands.map((operand) => fq2.loadPair(operand)))));
	return func;
}

/** Three times a reduced element, reduced. */
export function triple(field: FieldCode, x: Element): Element {
	return field.reduce(field.add(x, field.add(x, x)));
}

/** `9 x_0 - x_1` and `9 x_1 + x_0`, in steps that reduce takes. */
function twist(field: FieldCode, x: Value): Value {
	const [x0, x1] = x as [Element, Element];
	const [t0, t1] = [triple(field, x0), triple(field, x1)];
	return [field.add(t0, field.reduce(field.sub(field.add(t0, t0), x1))), field.add(t1, field.reduce(field.add(field.add(t1, t1), x0)))];
}

function dot(field: FieldCode, operands: readonly Value[]): Value {
	const pairs = [0, 2, 4].map((i) => [operands[i], operands[i + 1]] as [Value, Value]);
	const products = (i: 0 | 1, j: 0 | 1) => pairs.map(([x, y]) => [x[i] as Element, y[j] as Element] as const);
	const minus = products(1, 1).map(([x, y]) => [field.negate(x), y] as const);
	return [field.sumOfProducts([...products(0, 0), ...minus]), field.sumOfProducts([...products(0, 1), ...products(1, 0)])];
}

function scale(module: Module, fma: boolean): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const field = new FieldCode(module, func, Q, fma);
	const fq2 = new Coordinates(field, 2);
	const [out, x, by] = params(func) as [Code, Code, Code];
	const factor = field.loadPair(by);
	fq2.storePair(out, fq2.reduce(fq2.loadPair(x).map((component) => field.mul(component, factor))));
	return func;
}

/** Sequences of calls over Fq2: every result gets a slot of its own in scratch memory, unless a place is named. */
export class Fq2Code {
	readonly #func: Func;
	readonly #calls: Leaves;
	readonly #scratch: Code;
	#slots = 0;

	constructor(func: Func, calls: Leaves, scratch: Code) {
		this.#func = func;
		this.#calls = calls;
		this.#scratch = scratch;
	}

	/** The address of coefficient or component `index` behind another. */
	at(address: Code, index: number): Code {
		return index === 0 ? address : i32.add(address, i32.const(index * FQ2_BYTES));
	}

	/**
	 * Emits one operation.
	 * @returns the address of the result
	 */
	call(name: keyof Leaves, operands: readonly Code[], out: Code = this.#slot()): Code {
		this.#func.emit(this.#calls[name](out, ...operands));
		return out;
	}

	/** All six coefficients. */
	coefficients(x: Code): Coefficients {
		return [0, 1, 2, 3, 4, 5].map((k) => this.at(x, k)) as unknown as Coefficients;
	}

	#slot(): Code {
		if (this.#slots === SLOTS) throw new RangeError(`Fq2Code.call: expected at most ${SLOTS} slots of scratch memory, got more`);
		return this.at(this.#scratch, this.#slots++);
	}
}

type Coefficients = readonly [Code, Code, Code, Code, Code, Code];

function lineProduct(calls: Leaves): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const [f, o0, o1, o3, scratch] = params(func) as [Code, Code, Code, Code, Code];
	const code = new Fq2Code(func, calls, scratch);
	const [f0, f1, f2, f3, f4, f5] = code.coefficients(f);
	const [t1, t3] = [code.call("twist", [o1]), code.call("twist", [o3])];
	const results = [
		[f0, f5, t1, f3, t3],
		[f1, f0, o1, f4, t3],
		[f2, f1, o1, f5, t3],
		[f3, f2, o1, f0, o3],
		[f4, f3, o1, f1, o3],
		[f5, f4, o1, f2, o3],
	].map(([x, ...rest]) => code.call("dot", [x as Code, o0, ...rest]));
	for (const [k, result] of results.entries()) code.call("copy", [result], code.at(f, k));
	return func;
}

/** (out, x, y, scratch) */
function product(calls: Leaves): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const [out, xAt, yAt, scratch] = params(func) as [Code, Code, Code, Code];
	const code = new Fq2Code(func, calls, scratch);
	const [x, y] = [code.coefficients(xAt), code.coefficients(yAt)];
	const twisted = y.map((coefficient) => code.call("twist", [coefficient]));
	const results = x.map((_, k) => {
		const factors = x.map((coefficient, j) => [coefficient, (j <= k ? y[k - j] : twisted[6 + k - j]) as Code]);
		return code.call("add", [code.call("dot", factors.slice(0, 3).flat()), code.call("dot", factors.slice(3).flat())]);
	});
	for (const [k, result] of results.entries()) code.call("copy", [result], code.at(out, k));
	return func;
}

/** (out, x, scratch): each product of two different coefficients once, doubled. */
function square(calls: Leaves): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const [out, xAt, scratch] = params(func) as [Code, Code, Code];
	const code = new Fq2Code(func, calls, scratch);
	const x = code.coefficients(xAt);
	const [x0, x1, x2, x3, x4, x5] = x;
	const [d0, d1, d2, d3, d4] = x.slice(0, 5).map((coefficient) => code.call("add", [coefficient, coefficient])) as Code[] as [
		Code,
		Code,
		Code,
		Code,
		Code,
	];
	const [t3, t4, t5] = [x3, x4, x5].map((coefficient) => code.call("twist", [coefficient])) as [Code, Code, Code];
	const results = [
		code.call("add", [code.call("dot", [x0, x0, d1, t5, d2, t4]), code.call("mul", [x3, t3])]),
		code.call("dot", [d0, x1, d2, t5, d3, t4]),
		code.call("add", [code.call("dot", [d0, x2, x1, x1, d3, t5]), code.call("mul", [x4, t4])]),
		code.call("dot", [d0, x3, d1, x2, d4, t5]),
		code.call("add", [code.call("dot", [d0, x4, d1, x3, x2, x2]), code.call("mul", [x5, t5])]),
		code.call("dot", [d0, x5, d1, x4, d2, x3]),
	];
	for (const [k, result] of results.entries()) code.call("copy", [result], code.at(out, k));
	return func;
}

/**
 * (out, x, scratch): the square of a value whose order divides q^4 - q^2 + 1. With A, B, C = x_0 + x_3 s, x_1 + x_4 s, x_2 + x_5 s, s = w^3, it is
 * `(3 A^2 - 2 A') + (3 s C^2 + 2 B') w + (3 B^2 - 2 C') w^2`, the prime for s -> -s.
 *
 * @source R. Granger, M. Scott, "Faster squaring in the cyclotomic subgroup of sixth degree extensions", PKC 2010, section 3
 */
function cyclotomicSquare(calls: Leaves): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const [out, xAt, scratch] = params(func) as [Code, Code, Code];
	const code = new Fq2Code(func, calls, scratch);
	const [x0, x1, x2, x3, x4, x5] = code.coefficients(xAt);
	const quartic = (x: Code, y: Code): readonly [Code, Code] => {
		const xy = code.call("mul", [x, y]);
		const squares = [code.call("square", [x]), code.call("twist", [code.call("square", [y])])];
		return [code.call("add", squares), code.call("add", [xy, xy])];
	};
	const [a0, a1] = quartic(x0, x3);
	const [b0, b1] = quartic(x1, x4);
	const [c0, c1] = quartic(x2, x5);
	/** `3 square -+ 2 x = 2 (square -+ x) + square` */
	const combine = (sign: "add" | "sub", square: Code, x: Code): Code => {
		const difference = code.call(sign, [square, x]);
		return code.call("add", [code.call("add", [difference, difference]), square]);
	};
	const results = [
		combine("sub", a0, x0),
		combine("add", code.call("twist", [c1]), x1),
		combine("sub", b0, x2),
		combine("add", a1, x3),
		combine("sub", c0, x4),
		combine("add", b1, x5),
	];
	for (const [k, result] of results.entries()) code.call("copy", [result], code.at(out, k));
	return func;
}

/** (out, x, powers): x^q, from the powers `xi^(k (q - 1) / 6)`, k = 0 .. 5. */
function frobenius(calls: Leaves): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const [out, x, powers] = params(func) as [Code, Code, Code];
	const code = new Fq2Code(func, calls, out);
	for (let k = 0; k < 6; k++) {
		const target = code.at(out, k);
		code.call("conjugate", [code.at(x, k)], target);
		code.call("mul", [target, code.at(powers, k)], target);
	}
	return func;
}

/** (out, x) */
function eachCoefficient(result: (k: number, out: Code, x: Code) => Code): Func {
	const func = new Func(["i32", "i32"]);
	const [out, x] = params(func) as [Code, Code];
	for (let k = 0; k < 6; k++) {
		const at = (address: Code): Code => i32.add(address, i32.const(k * FQ2_BYTES));
		func.emit(result(k, at(out), at(x)));
	}
	return func;
}
