/**
 * Kernels of matrix products, over addresses and strides in bytes.
 *
 * C += A B is made of tiles of a few rows and two vectors of columns, whose sums stay in registers. A is read in place, row by row or
 * transposed; B lies in panels, two vectors of columns each, one inner index after the other. Columns past the end of B are computed from
 * whatever lies there and never looked at.
 *
 * An element is a float, or a word of four bytes (two integers of 16 bits) that goes into a sum of 32 bits as four (two) products at once:
 * so a matrix of bytes is a matrix of words with a quarter of the columns.
 * Source: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
 */
import { type Code, Func, i32, type Module, type Operator, octet, operands, pair, quad } from "../../webassembly/emitter.ts";
import type { Build } from "./workspace.ts";

/** What differs between the kinds of elements. */
interface Lanes {
	/** Bytes. */
	readonly size: 4 | 8;
	/** Rows of a tile: as many as the sixteen registers of a machine leave room for. */
	readonly rows: number;
	readonly loadSplat: (address: Code, offset: number) => Code;
	/** The sum, and a product of an element of A, in every lane, and of a row of B. */
	readonly addProduct: (sum: Code, factor: Code, row: Code) => Code;
}

const single = (fused: boolean): Lanes => ({
	size: 4,
	rows: 6,
	loadSplat: quad.loadSplat,
	addProduct: (sum, factor, row) => (fused ? quad.fRelaxedMadd(factor, row, sum) : quad.fAdd(sum, quad.fMul(factor, row))),
});
const double = (fused: boolean): Lanes => ({
	size: 8,
	rows: 6,
	loadSplat: pair.loadSplat,
	addProduct: (sum, factor, row) => (fused ? pair.fRelaxedMadd(factor, row, sum) : pair.fAdd(sum, pair.fMul(factor, row))),
});
/** Two integers of 16 bits each. */
const PAIRS: Lanes = {
	size: 4,
	rows: 4,
	loadSplat: quad.loadSplat,
	addProduct: (sum, factor, row) => quad.iAdd(sum, octet.dot(factor, row)),
};
/** Four bytes each: those of A with sign, those of B without. */
const BYTES: Lanes = {
	size: 4,
	rows: 6,
	loadSplat: quad.loadSplat,
	addProduct: (sum, factor, row) => quad.iRelaxedDotBytes(factor, row, sum),
};

/** `productLeft` takes A transposed; `packRows` and `packColumns` make panels of B and of B transposed. */
export type ProductKernel = "product" | "productLeft" | "packRows" | "packColumns" | "compact";

const kernelsOf = (lanes: (fused: boolean) => Lanes): Build<ProductKernel> => ({
	names: ["product", "productLeft", "packRows", "packColumns", "compact"],
	emit: (module, fused) => emit(module, lanes(fused)),
});

export const SINGLE_KERNELS = kernelsOf(single);
export const DOUBLE_KERNELS = kernelsOf(double);
/** Words of two integers of 16 bits. */
export const PAIR_KERNELS = kernelsOf(() => PAIRS);
/** Words of four bytes, those of A with sign and those of B without, where the machine does that (byte-arithmetic.ts asks it). */
export const BYTE_KERNELS = kernelsOf(() => BYTES);

function emit(module: Module, lanes: Lanes): void {
	for (const transposed of [false, true]) {
		const name = transposed ? "productLeft" : "product";
		const tiles = Array.from({ length: lanes.rows }, (_, r) => module.export(`${name}${r + 1}`, tile(lanes, r + 1, transposed)));
		module.export(name, product(lanes, tiles, transposed));
	}
	module.export("packRows", packRows());
	module.export("packColumns", lanes.size === 4 ? packColumnsSingle() : packColumnsDouble());
	module.export("compact", compact());
}

/** (a, aStride, b, c, cStride, inner, fresh): one tile. `fresh` is 1 if C counts as zero, 0 if it is added to. */
function tile(lanes: Lanes, rows: number, transposed: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
	const [a, aStride, b, c, cStride, inner, fresh] = operands(func);
	const sums = Array.from({ length: 2 * rows }, () => func.local("v128"));
	const cRows = pointers(func, c, cStride, rows);
	func.if(i32.eqz(fresh), () => {
		sums.forEach((sum, s) => {
			func.assign(sum, quad.load(cRows[s >> 1] as Code, 16 * (s & 1)));
		});
	});
	// Where the inner index of A runs: along a row, or down the columns of what is transposed.
	const starts = transposed ? [a] : pointers(func, a, aStride, rows);
	const end = func.let("i32", i32.add(b, i32.mul(inner, i32.const(32))));
	func.while(i32.ltU(b, end), () => {
		const columns = [0, 16].map((offset) => func.let("v128", quad.load(b, offset)));
		for (let r = 0; r < rows; r++) {
			const factor = func.let("v128", lanes.loadSplat(transposed ? a : (starts[r] as Code), transposed ? lanes.size * r : 0));
			columns.forEach((column, v) => {
				const sum = sums[2 * r + v] as Code;
				func.assign(sum, lanes.addProduct(sum, factor, column));
			});
		}
		func.assign(b, i32.add(b, i32.const(32)));
		for (const start of starts) func.assign(start, i32.add(start, transposed ? aStride : i32.const(lanes.size)));
	});
	sums.forEach((sum, s) => {
		func.emit(quad.store(cRows[s >> 1] as Code, sum, 16 * (s & 1)));
	});
	return func;
}

/** (a, aStride, b, c, cStride, rows, panels, inner, fresh): all tiles of a product. */
function product(lanes: Lanes, tiles: readonly Operator[], transposed: boolean): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
	const [a, aStride, b, c, cStride, rows, panels, inner, fresh] = operands(func);
	const panelSize = func.let("i32", i32.mul(inner, i32.const(32)));
	const [panel, to, left] = [func.local("i32"), func.local("i32"), func.local("i32")];
	const step = (height: number) => {
		func.assign(panel, b);
		func.assign(to, c);
		func.assign(left, panels);
		func.while(left, () => {
			func.emit((tiles[height - 1] as Operator)(a, aStride, panel, to, cStride, inner, fresh));
			func.assign(panel, i32.add(panel, panelSize));
			func.assign(to, i32.add(to, i32.const(32)));
			func.assign(left, i32.sub(left, i32.const(1)));
		});
	};
	func.while(i32.geU(rows, i32.const(lanes.rows)), () => {
		step(lanes.rows);
		func.assign(a, i32.add(a, transposed ? i32.const(lanes.rows * lanes.size) : i32.mul(aStride, i32.const(lanes.rows))));
		func.assign(c, i32.add(c, i32.mul(cStride, i32.const(lanes.rows))));
		func.assign(rows, i32.sub(rows, i32.const(lanes.rows)));
	});
	for (let height = 1; height < lanes.rows; height++) func.if(i32.eqz(i32.xor(rows, i32.const(height))), () => step(height));
	return func;
}

/** (from, stride, to, inner, panels): panels of B from its rows. */
function packRows(): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const [from, stride, to, inner, panels] = operands(func);
	const [source, left] = [func.local("i32"), func.local("i32")];
	func.while(panels, () => {
		func.assign(source, from);
		func.assign(left, inner);
		func.while(left, () => {
			for (const offset of [0, 16]) func.emit(quad.store(to, quad.load(source, offset), offset));
			func.assign(to, i32.add(to, i32.const(32)));
			func.assign(source, i32.add(source, stride));
			func.assign(left, i32.sub(left, i32.const(1)));
		});
		func.assign(from, i32.add(from, i32.const(32)));
		func.assign(panels, i32.sub(panels, i32.const(1)));
	});
	return func;
}

/** (from, stride, to, inner, panels): panels of B from its columns, which lie as rows. What is written past a panel, the next one overwrites. */
function packColumnsOf(rows: number, step: number, body: (func: Func, sources: readonly Code[], to: Code) => void): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const [from, stride, to, inner, panels] = operands(func);
	const panelSize = func.let("i32", i32.mul(inner, i32.const(32)));
	const [target, end] = [func.local("i32"), func.local("i32")];
	const sources = Array.from({ length: rows }, () => func.local("i32"));
	func.while(panels, () => {
		func.assign(target, to);
		func.assign(end, i32.add(to, panelSize));
		sources.forEach((source, r) => {
			func.assign(source, r === 0 ? from : i32.add(sources[r - 1] as Code, stride));
		});
		func.while(i32.ltU(target, end), () => {
			body(func, sources, target);
			func.assign(target, i32.add(target, i32.const(32 * step)));
			for (const source of sources) func.assign(source, i32.add(source, i32.const(16)));
		});
		func.assign(from, i32.add(from, i32.mul(stride, i32.const(rows))));
		func.assign(to, end);
		func.assign(panels, i32.sub(panels, i32.const(1)));
	});
	return func;
}

function packColumnsSingle(): Func {
	return packColumnsOf(8, 4, (func, sources, to) => {
		for (const half of [0, 1]) {
			const [a, b, c, d] = sources.slice(4 * half, 4 * half + 4).map((source) => func.let("v128", quad.load(source))) as [
				Code,
				Code,
				Code,
				Code,
			];
			const [ab0, ab1] = [func.let("v128", quad.shuffle(a, b, [0, 4, 1, 5])), func.let("v128", quad.shuffle(a, b, [2, 6, 3, 7]))];
			const [cd0, cd1] = [func.let("v128", quad.shuffle(c, d, [0, 4, 1, 5])), func.let("v128", quad.shuffle(c, d, [2, 6, 3, 7]))];
			func.emit(quad.store(to, quad.shuffle(ab0, cd0, [0, 1, 4, 5]), 16 * half));
			func.emit(quad.store(to, quad.shuffle(ab0, cd0, [2, 3, 6, 7]), 16 * half + 32));
			func.emit(quad.store(to, quad.shuffle(ab1, cd1, [0, 1, 4, 5]), 16 * half + 64));
			func.emit(quad.store(to, quad.shuffle(ab1, cd1, [2, 3, 6, 7]), 16 * half + 96));
		}
	});
}

function packColumnsDouble(): Func {
	return packColumnsOf(4, 2, (func, sources, to) => {
		for (const half of [0, 1]) {
			const [a, b] = sources.slice(2 * half, 2 * half + 2).map((source) => func.let("v128", quad.load(source))) as [Code, Code];
			func.emit(quad.store(to, quad.shuffle(a, b, [0, 1, 4, 5]), 16 * half));
			func.emit(quad.store(to, quad.shuffle(a, b, [2, 3, 6, 7]), 16 * half + 32));
		}
	});
}

/** (start, rows, stride, width): rows of `width` bytes moved together, in place; the stride is a multiple of 32 and not below the width. */
function compact(): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const [start, rows, stride, width] = operands(func);
	const [from, to] = [func.let("i32", start), func.let("i32", start)];
	const [source, target, end] = [func.local("i32"), func.local("i32"), func.local("i32")];
	func.while(rows, () => {
		func.assign(source, from);
		func.assign(target, to);
		func.assign(end, i32.add(from, width));
		func.while(i32.ltU(source, end), () => {
			func.emit(quad.store(target, quad.load(source)));
			func.assign(source, i32.add(source, i32.const(16)));
			func.assign(target, i32.add(target, i32.const(16)));
		});
		func.assign(from, i32.add(from, stride));
		func.assign(to, i32.add(to, width));
		func.assign(rows, i32.sub(rows, i32.const(1)));
	});
	return func;
}

function pointers(func: Func, start: Code, stride: Code, count: number): Code[] {
	const list = [func.let("i32", start)];
	while (list.length < count) list.push(func.let("i32", i32.add(list.at(-1) as Code, stride)));
	return list;
}
