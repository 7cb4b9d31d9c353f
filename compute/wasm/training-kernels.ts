/**
 * Kernels of stochastic gradient descent, over rows of float32 that are padded to whole pairs of vectors (8 floats); what is padded is 0.
 *
 * A sparse row is a list of entries of 8 bytes: where the row of weights of its feature starts, in bytes from the first, and the value as
 * float32. A batch has bounds, two addresses per row: where its list starts and ends.
 */
import { type Code, Func, i32, type Module, type Operator, operands, quad } from "../../webassembly/emitter.ts";
import type { Build } from "./workspace.ts";

/** Vectors of columns whose sums stay in registers together; a row has an even number of them. */
const WIDTHS = [8, 6, 4, 2];

export type TrainingKernel = "gather" | "scatter" | "activate" | "mask" | "sumRows" | "fillRows" | "descend";

export const TRAINING_KERNELS: Build<TrainingKernel> = {
	names: ["gather", "scatter", "activate", "mask", "sumRows", "fillRows", "descend"],
	emit: buildTraining,
};

function buildTraining(module: Module, fused: boolean): void {
	const madd: Operator = fused ? quad.fRelaxedMadd : (a = [], b = [], c = []) => quad.fAdd(quad.fMul(a, b), c);
	module.export(
		"gather",
		sparse(module, "gather", (vectors) => gatherChunk(madd, vectors)),
	);
	module.export(
		"scatter",
		sparse(module, "scatter", (vectors) => scatterChunk(madd, vectors)),
	);
	module.export("activate", activate());
	module.export("mask", mask());
	module.export("sumRows", sumRows());
	module.export("fillRows", fillRows());
	module.export("descend", descend(madd));
}

/** (dense, denseStride, w, bounds, rows): a chunk function for each pair of a dense row and a sparse one, and each chunk of columns. */
function sparse(module: Module, name: string, chunk: (vectors: number) => Func): Func {
	const chunks = WIDTHS.map((size) => module.export(`${name}${size}`, chunk(size)));
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const [dense, stride, w, bounds, rows] = operands(func);
	const [from, to, row, weights, left] = Array.from({ length: 5 }, () => func.local("i32")) as [Code, Code, Code, Code, Code];
	func.while(rows, () => {
		func.assign(from, i32.load(bounds));
		func.assign(to, i32.load(bounds, 4));
		func.assign(row, dense);
		func.assign(weights, w);
		func.assign(left, stride);
		WIDTHS.forEach((size, s) => {
			func.while(i32.geU(left, i32.const(16 * size)), () => {
				func.emit((chunks[s] as Operator)(row, weights, from, to));
				func.assign(row, i32.add(row, i32.const(16 * size)));
				func.assign(weights, i32.add(weights, i32.const(16 * size)));
				func.assign(left, i32.sub(left, i32.const(16 * size)));
			});
		});
		func.assign(dense, i32.add(dense, stride));
		func.assign(bounds, i32.add(bounds, i32.const(8)));
		func.assign(rows, i32.sub(rows, i32.const(1)));
	});
	return func;
}

/** (dense, w, from, to): the dense row plus the sparse one times the weights. */
function gatherChunk(madd: Operator, vectors: number): Func {
	return entries((func, dense, each) => {
		const sums = Array.from({ length: vectors }, (_, v) => func.let("v128", quad.load(dense, 16 * v)));
		each((line, value) => {
			sums.forEach((sum, v) => {
				func.assign(sum, madd(value, quad.load(line, 16 * v), sum));
			});
		});
		sums.forEach((sum, v) => {
			func.emit(quad.store(dense, sum, 16 * v));
		});
	});
}

/** (dense, w, from, to): the weights plus the outer product of the sparse row and the dense one. */
function scatterChunk(madd: Operator, vectors: number): Func {
	return entries((func, dense, each) => {
		const errors = Array.from({ length: vectors }, (_, v) => func.let("v128", quad.load(dense, 16 * v)));
		each((line, value) => {
			errors.forEach((error, v) => {
				func.emit(quad.store(line, madd(value, error, quad.load(line, 16 * v)), 16 * v));
			});
		});
	});
}

function entries(body: (func: Func, dense: Code, each: (step: (line: Code, value: Code) => void) => void) => void): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const [dense, w, from, to] = operands(func);
	body(func, dense, (step) => {
		func.while(i32.ltU(from, to), () => {
			step(func.let("i32", i32.add(w, i32.load(from))), func.let("v128", quad.loadSplat(from, 4)));
			func.assign(from, i32.add(from, i32.const(8)));
		});
	});
	return func;
}

/**
 * (z, mask, end of z, state, threshold, scale): ReLU and dropout, in place. A value is multiplied by `scale` or by 0, which the mask keeps:
 * 0 where it is not above 0 (NaN stays NaN) or where a draw is below the threshold. The draws are those of four generators xoshiro128**,
 * one per lane (random.ts), whose four words of state lie one vector after the other.
 */
function activate(): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "f32"]);
	const [z, kept, end, state, threshold, scale] = operands(func);
	const words = [0, 1, 2, 3].map((word) => func.let("v128", quad.load(state, 16 * word))) as [Code, Code, Code, Code];
	const [a, b, c, d] = words;
	const [least, factor] = [func.let("v128", quad.iSplat(threshold)), func.let("v128", quad.fSplat(scale))];
	const zero = func.local("v128");
	const times = (vector: Code, by: number) => quad.iMul(vector, quad.iSplat(i32.const(by)));
	const rotated = (vector: Code, by: number) => quad.or(quad.iShl(vector, i32.const(by)), quad.iShrU(vector, i32.const(32 - by)));
	func.while(i32.ltU(z, end), () => {
		const product = func.let("v128", times(b, 5));
		const draw = func.let("v128", times(rotated(product, 7), 9));
		const shifted = func.let("v128", quad.iShl(b, i32.const(9)));
		func.assign(c, quad.xor(c, a));
		func.assign(d, quad.xor(d, b));
		func.assign(b, quad.xor(b, c));
		func.assign(a, quad.xor(a, d));
		func.assign(c, quad.xor(c, shifted));
		func.assign(d, func.let("v128", rotated(d, 11)));
		const value = func.let("v128", quad.load(z));
		const alive = quad.and(quad.iNotBelow(draw, least), quad.fGreater(value, zero));
		const multiplier = func.let("v128", quad.and(factor, alive));
		func.emit(quad.store(kept, multiplier));
		func.emit(quad.store(z, quad.fMul(value, multiplier)));
		func.assign(z, i32.add(z, i32.const(16)));
		func.assign(kept, i32.add(kept, i32.const(16)));
	});
	words.forEach((word, w) => {
		func.emit(quad.store(state, word, 16 * w));
	});
	return func;
}

/** (values, end of values, factors): values times factors, in place. */
function mask(): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const [values, end, factors] = operands(func);
	func.while(i32.ltU(values, end), () => {
		func.emit(quad.store(values, quad.fMul(quad.load(values), quad.load(factors))));
		func.assign(values, i32.add(values, i32.const(16)));
		func.assign(factors, i32.add(factors, i32.const(16)));
	});
	return func;
}

/** (from, rows, stride, to): a row plus the sum of rows. */
function sumRows(): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const [from, rows, stride, to] = operands(func);
	eachVector(func, to, stride, (target) => {
		const sum = func.let("v128", quad.load(target));
		const [source, left] = [func.let("i32", from), func.let("i32", rows)];
		func.while(left, () => {
			func.assign(sum, quad.fAdd(sum, quad.load(source)));
			func.assign(source, i32.add(source, stride));
			func.assign(left, i32.sub(left, i32.const(1)));
		});
		func.emit(quad.store(target, sum));
		func.assign(from, i32.add(from, i32.const(16)));
	});
	return func;
}

/** (row, stride, to, rows): the row, as often. */
function fillRows(): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const [row, stride, to, rows] = operands(func);
	const source = func.local("i32");
	func.while(rows, () => {
		func.assign(source, row);
		eachVector(func, to, stride, (target) => {
			func.emit(quad.store(target, quad.load(source)));
			func.assign(source, i32.add(source, i32.const(16)));
		});
		func.assign(to, i32.add(to, stride));
		func.assign(rows, i32.sub(rows, i32.const(1)));
	});
	return func;
}

/**
 * (w, v, rows, stride, shift, rate, momentum, decay): a step, and the next one prepared. `shift` is a row that every row of the gradient
 * has beside what v already holds: v = v + shift, w = w - rate v, v = momentum v + decay w.
 */
function descend(madd: Operator): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "f32", "f32", "f32"]);
	const [w, v, rows, stride, shift, rate, momentum, decay] = operands(func);
	const [step, inertia, pull] = [rate, momentum, decay].map((value) => func.let("v128", quad.fSplat(value))) as [Code, Code, Code];
	const zero = func.local("v128");
	const minus = func.let("v128", quad.fSub(zero, step));
	const [velocities, extra] = [func.local("i32"), func.local("i32")];
	func.while(rows, () => {
		func.assign(velocities, v);
		func.assign(extra, shift);
		eachVector(func, w, stride, (target) => {
			const velocity = func.let("v128", quad.fAdd(quad.load(velocities), quad.load(extra)));
			const weight = func.let("v128", madd(minus, velocity, quad.load(target)));
			func.emit(quad.store(target, weight));
			func.emit(quad.store(velocities, madd(pull, weight, quad.fMul(inertia, velocity))));
			func.assign(velocities, i32.add(velocities, i32.const(16)));
			func.assign(extra, i32.add(extra, i32.const(16)));
		});
		func.assign(w, i32.add(w, stride));
		func.assign(v, i32.add(v, stride));
		func.assign(rows, i32.sub(rows, i32.const(1)));
	});
	return func;
}

/** The vectors of a row, one after the other. */
function eachVector(func: Func, row: Code, stride: Code, body: (vector: Code) => void): void {
	const vector = func.let("i32", row);
	const end = func.let("i32", i32.add(row, stride));
	func.while(i32.ltU(vector, end), () => {
		body(vector);
		func.assign(vector, i32.add(vector, i32.const(16)));
	});
}
