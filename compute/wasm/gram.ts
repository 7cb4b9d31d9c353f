/**
 * Exact weighted Gram statistics by products of bytes.
 *
 * Rows of one weight w have the Gram matrix w X^T X. So rows are taken weight by weight (and in a weight class by class, for B), some at a
 * time; X^T X of up to MOST_ROWS of them is summed in 32 bits, which cannot overflow, and then added in float64.
 */
import type { Rows } from "../../circuits/statistics.ts";
import { ARITHMETICS, type ArithmeticName, type ByteArithmetic } from "./byte-arithmetic.ts";
import { ROW_KERNELS } from "./byte-kernels.ts";
import { PACKED_SLACK } from "./float-product.ts";
import { workspace } from "./workspace.ts";

/** Some rows of a table. */
export interface GramTask {
	readonly rows: Rows;
	/** Numbers of the rows, a part of `orderOf`. */
	readonly order: Uint32Array;
	readonly d: number;
	readonly k: number;
	readonly arithmetic: ArithmeticName;
}

/** A and B of those rows, as in `Statistics`. */
export interface GramPart {
	readonly a: Float64Array;
	readonly b: Float64Array;
}

/** Rows in the workspace at a time. */
const CHUNK = 1024;
/** The most rows of which 255 times 255 (without sign), or 255 times -128 (with sign), add up to 32 bits. */
const MOST_ROWS = 65536;
/** Features whose products with those from there on are taken together: a multiple of the rows and of the columns of tiles. */
const BAND = 96;

/** The sums over some rows, which have been checked. */
export function gramPart({ rows, order, d, k, arithmetic }: GramTask): GramPart {
	const sums = new Sums(d, k, ARITHMETICS[arithmetic]);
	for (let from = 0; from < order.length; ) {
		const weight = rows.weight[order[from] as number] as number;
		let to = from + 1;
		while (to < order.length && rows.weight[order[to] as number] === weight) to++;
		// Rows of weight 0 add nothing.
		if (weight > 0) sums.add(rows, order.subarray(from, to), weight);
		from = to;
	}
	return { a: sums.a, b: sums.b };
}

/** Rows by weight, those of a weight by label: counted, then placed. */
export function orderOf({ weight, label, count }: Rows): Uint32Array {
	const key = (row: number) => (weight[row] as number) * 256 + (label[row] as number);
	const positions = new Uint32Array(65537);
	for (let row = 0; row < count; row++) (positions[key(row) + 1] as number)++;
	for (let at = 1; at < positions.length; at++) (positions[at] as number) += positions[at - 1] as number;
	const order = new Uint32Array(count);
	for (let row = 0; row < count; row++) {
		const at = key(row);
		const to = positions[at] as number;
		order[to] = row;
		positions[at] = to + 1;
	}
	return order;
}

/** The sums on their way, with the places of everything in the workspace. */
class Sums {
	readonly a: Float64Array;
	readonly b: Float64Array;
	readonly #d: number;
	readonly #k: number;
	readonly #arithmetic: ByteArithmetic;
	readonly #kernels;
	readonly #prepare = workspace.kernels(ROW_KERNELS);
	/** Bytes of a row of bytes, of a row of words, of a row of products. */
	readonly #stride: number;
	readonly #wordStride: number;
	readonly #productStride: number;
	readonly #raw: number;
	readonly #zeros: number;
	readonly #words: number;
	readonly #packed: number;
	readonly #products: number;
	readonly #columnSums: number;

	constructor(d: number, k: number, arithmetic: ByteArithmetic) {
		this.a = new Float64Array((d * (d + 1)) / 2);
		this.b = new Float64Array(d * k);
		this.#d = d;
		this.#k = k;
		this.#arithmetic = arithmetic;
		this.#kernels = workspace.kernels(arithmetic.kernels);
		this.#stride = 16 * Math.ceil(d / 16);
		// Words below each other must not all go to the same lines of the first cache.
		this.#wordStride = 4 * this.#stride + (this.#stride % 256 === 0 ? 64 : 0);
		this.#productStride = 32 * Math.ceil(d / 8);
		workspace.clear();
		this.#raw = workspace.allocate(CHUNK * this.#stride);
		this.#zeros = workspace.allocate(this.#stride);
		this.#words = workspace.allocate((CHUNK / arithmetic.perWord) * this.#wordStride);
		this.#packed = workspace.allocate((CHUNK / arithmetic.perWord) * this.#productStride + PACKED_SLACK);
		this.#products = workspace.allocate(d * this.#productStride);
		this.#columnSums = workspace.allocate(4 * this.#stride);
		workspace.bytes(this.#raw, this.#words - this.#raw).fill(0);
	}

	/** Adds rows of one weight. */
	add(rows: Rows, order: Uint32Array, weight: number): void {
		for (let from = 0; from < order.length; from += MOST_ROWS) {
			const some = order.subarray(from, from + MOST_ROWS);
			const totals = new Float64Array(this.#d);
			for (let at = 0; at < some.length; at += CHUNK) {
				const chunk = some.subarray(at, at + CHUNK);
				this.#place(rows.x, chunk);
				this.#addClasses(rows.label, chunk, weight, totals);
				this.#multiply(chunk.length, at === 0);
			}
			this.#flush(weight, totals);
		}
	}

	#place(x: Uint8Array, chunk: Uint32Array): void {
		const view = workspace.bytes(this.#raw, chunk.length * this.#stride);
		for (let i = 0; i < chunk.length; i++) {
			const start = (chunk[i] as number) * this.#d;
			view.set(x.subarray(start, start + this.#d), i * this.#stride);
		}
	}

	/** Adds the rows of each class to its column of B, and to the sums of all columns. */
	#addClasses(labels: Uint8Array, chunk: Uint32Array, weight: number, totals: Float64Array): void {
		for (let from = 0; from < chunk.length; ) {
			const label = labels[chunk[from] as number] as number;
			let to = from + 1;
			while (to < chunk.length && labels[chunk[to] as number] === label) to++;
			const sums = workspace.integers(this.#columnSums, this.#stride);
			sums.fill(0);
			this.#prepare.sumBytes(this.#raw + from * this.#stride, to - from, this.#stride, this.#columnSums);
			for (let i = 0; i < this.#d; i++) {
				const sum = sums[i] as number;
				(totals[i] as number) += sum;
				(this.b[i * this.#k + label] as number) += weight * sum;
			}
			from = to;
		}
	}

	/** X^T X of the rows in the workspace, right of the diagonal and in the bands of it. */
	#multiply(count: number, fresh: boolean): void {
		const { perWord, offset } = this.#arithmetic;
		const row = (i: number) => (i < count ? this.#raw + i * this.#stride : this.#zeros);
		const depth = Math.ceil(count / perWord);
		for (let w = 0; w < depth; w++) {
			const i = w * perWord;
			// Four bytes of four rows, or two of two rows with a zero byte above each.
			const [a, b, c, e] = perWord === 4 ? [row(i), row(i + 1), row(i + 2), row(i + 3)] : [row(i), this.#zeros, row(i + 1), this.#zeros];
			this.#prepare.interleave(a, b, c, e, a + this.#stride, this.#words + w * this.#wordStride);
		}
		const panels = this.#productStride / 32;
		this.#kernels.packRows(this.#words, this.#wordStride, this.#packed, depth, panels);
		if (offset > 0) this.#prepare.flip(this.#words, this.#words + depth * this.#wordStride);
		for (let i = 0; i < this.#d; i += BAND) {
			const [from, rows] = [i / 8, Math.min(BAND, this.#d - i)];
			const to = this.#products + i * this.#productStride + 32 * from;
			const right = this.#packed + from * depth * 32;
			this.#kernels.productLeft(
				...[this.#words + 4 * i, this.#wordStride, right, to, this.#productStride, rows, panels - from, depth, fresh ? 1 : 0],
			);
		}
	}

	/** Adds the 32-bit sums to A, with what the offset of one factor took away. */
	#flush(weight: number, totals: Float64Array): void {
		const { offset } = this.#arithmetic;
		const d = this.#d;
		for (let i = 0, at = 0; i < d; i++) {
			const products = workspace.integers(this.#products + i * this.#productStride, d);
			for (let l = i; l < d; l++, at++) {
				const sum = products[l] as number;
				(this.a[at] as number) += weight * (offset > 0 ? sum + offset * (totals[l] as number) : sum >>> 0);
			}
		}
	}
}
