/** Kernels that prepare rows of bytes for products (product-kernels.ts) and make distances of them. Addresses are multiples of 16. */
import { type Code, Func, i32, type Module, octet, operands, quad, sixteen } from "../../webassembly/emitter.ts";
import type { Build } from "./workspace.ts";

export type RowKernel = "flip" | "widen" | "interleave" | "sumBytes" | "squares" | "distances";

export const ROW_KERNELS: Build<RowKernel> = {
	names: ["flip", "widen", "interleave", "sumBytes", "squares", "distances"],
	emit(module: Module) {
		module.export("flip", flip());
		module.export("widen", widen());
		module.export("interleave", interleave());
		module.export("sumBytes", sumBytes());
		module.export("squares", squares());
		module.export("distances", distances());
	},
};

/** (from, end): subtracts 128 from each byte: what was a byte without sign becomes one with sign. */
function flip(): Func {
	const func = new Func(["i32", "i32"]);
	const [from, end] = operands(func);
	const highest = func.let("v128", sixteen.splat(i32.const(0x80)));
	func.while(i32.ltU(from, end), () => {
		func.emit(quad.store(from, quad.xor(quad.load(from), highest)));
		func.assign(from, i32.add(from, i32.const(16)));
	});
	return func;
}

/** (from, end, to): bytes as integers of 16 bits. */
function widen(): Func {
	const func = new Func(["i32", "i32", "i32"]);
	const [from, end, to] = operands(func);
	func.while(i32.ltU(from, end), () => {
		func.emit(quad.store(to, octet.loadBytes(from)));
		func.assign(from, i32.add(from, i32.const(8)));
		func.assign(to, i32.add(to, i32.const(16)));
	});
	return func;
}

/** (a, b, c, d, end of a, to): words of the bytes of four rows, one from each. */
function interleave(): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32", "i32"]);
	const [a, b, c, d, end, to] = operands(func);
	const low = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23];
	const high = low.map((lane) => lane + 8);
	const lowPairs = [0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23];
	const highPairs = lowPairs.map((lane) => lane + 8);
	func.while(i32.ltU(a, end), () => {
		const [av, bv, cv, dv] = [a, b, c, d].map((row) => func.let("v128", quad.load(row))) as [Code, Code, Code, Code];
		[low, high].forEach((half, h) => {
			const [ab, cd] = [func.let("v128", sixteen.shuffle(av, bv, half)), func.let("v128", sixteen.shuffle(cv, dv, half))];
			func.emit(quad.store(to, sixteen.shuffle(ab, cd, lowPairs), 32 * h));
			func.emit(quad.store(to, sixteen.shuffle(ab, cd, highPairs), 32 * h + 16));
		});
		for (const row of [a, b, c, d]) func.assign(row, i32.add(row, i32.const(16)));
		func.assign(to, i32.add(to, i32.const(64)));
	});
	return func;
}

/** (from, rows, stride, sums): adds the bytes of rows to 32-bit sums, one per column; the stride is a multiple of 8. */
function sumBytes(): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const [from, rows, stride, sums] = operands(func);
	const end = func.let("i32", i32.add(from, stride));
	const [source, left] = [func.local("i32"), func.local("i32")];
	func.while(i32.ltU(from, end), () => {
		const halves = [0, 16].map((offset) => func.let("v128", quad.load(sums, offset))) as [Code, Code];
		func.assign(source, from);
		func.assign(left, rows);
		func.while(left, () => {
			const eight = func.let("v128", octet.loadBytes(source));
			func.assign(halves[0], quad.iAdd(halves[0], octet.widenLow(eight)));
			func.assign(halves[1], quad.iAdd(halves[1], octet.widenHigh(eight)));
			func.assign(source, i32.add(source, stride));
			func.assign(left, i32.sub(left, i32.const(1)));
		});
		halves.forEach((half, h) => {
			func.emit(quad.store(sums, half, 16 * h));
		});
		func.assign(from, i32.add(from, i32.const(8)));
		func.assign(sums, i32.add(sums, i32.const(32)));
	});
	return func;
}

/** (from, rows, stride, less, to): for each row the sum of x (x - less), a 32-bit integer; the stride is a multiple of 8. */
function squares(): Func {
	const func = new Func(["i32", "i32", "i32", "i32", "i32"]);
	const [from, rows, stride, less, to] = operands(func);
	const minus = func.let("v128", octet.splat(less));
	const [sum, end] = [func.local("v128"), func.local("i32")];
	func.while(rows, () => {
		func.assign(sum, quad.iSplat(i32.const(0)));
		func.assign(end, i32.add(from, stride));
		func.while(i32.ltU(from, end), () => {
			const eight = func.let("v128", octet.loadBytes(from));
			func.assign(sum, quad.iAdd(sum, octet.dot(eight, octet.iSub(eight, minus))));
			func.assign(from, i32.add(from, i32.const(8)));
		});
		func.assign(sum, quad.iAdd(sum, quad.shuffle(sum, sum, [2, 3, 0, 1])));
		func.emit(i32.store(to, quad.iFirst(quad.iAdd(sum, quad.shuffle(sum, sum, [1, 0, 3, 2])))));
		func.assign(to, i32.add(to, i32.const(4)));
		func.assign(rows, i32.sub(rows, i32.const(1)));
	});
	return func;
}

/** (products, end, columnTerms, rowTerm): row term + column term - 2 product, in place. */
function distances(): Func {
	const func = new Func(["i32", "i32", "i32", "i32"]);
	const [products, end, columns, row] = operands(func);
	const term = func.let("v128", quad.iSplat(row));
	func.while(i32.ltU(products, end), () => {
		const twice = quad.iShl(quad.load(products), i32.const(1));
		func.emit(quad.store(products, quad.iSub(quad.iAdd(term, quad.load(columns)), twice)));
		func.assign(products, i32.add(products, i32.const(16)));
		func.assign(columns, i32.add(columns, i32.const(16)));
	});
	return func;
}
