/**
 * Which rows lie close to each other, in units that carry over between data sets: the typical distance of a class is the
 * median, over its rows, of the distance to the nearest differing row of another contributor. Copies pull it down only where they
 * are many (the median of honest rows stands as long as most rows have no copy).
 *
 * Up to `EXACT_ROWS` rows all pairs are measured; above, those that SimHash proposes.
 */
import { type Matrix, matrix, multiply } from "../../compute/matrix.ts";
import type { Control } from "../method.ts";
import type { Evidence } from "./evidence.ts";
import type { DefencePolicy } from "./policy.ts";
import { simHash } from "./simhash.ts";

/** Up to here all pairs are measured. */
const EXACT_ROWS = 8192;
/** Rows that the typical distances are taken from, all classes together. */
const SAMPLE = 1024;
/** A class with fewer rows in the sample takes the distance of all classes. */
const LEAST_SAMPLE = 8;
const BLOCK = 256;

/** Of SimHash: candidates must be the same for everybody who checks. */
const SEED = 0x6f70656e6c656467n;

/** A row near another one. */
export interface Neighbour {
	readonly row: number;
	/** In units of the typical distance of the class of the row that asks. */
	readonly distance: number;
}

/** The widest radius that a policy looks at. */
export function widestRadius({ nearDuplicates, copies, farCopies }: DefencePolicy): number {
	return Math.max(nearDuplicates.radius, copies.radius, farCopies.radius);
}

export interface Proximity {
	/** The typical distance of each class, in bytes; 0 where there is nobody to compare with: only equal rows are near then. */
	readonly typical: Float64Array;
	/** For each row all rows within the radius, without itself, ascending by row. */
	readonly close: readonly (readonly Neighbour[])[];
}

/**
 * @param radius - in units of the typical distance
 * @param exactRows - up to here all pairs are measured
 */
export async function measureProximity(
	evidence: Evidence,
	radius: number,
	{ signal, progress }: Control = {},
	exactRows = EXACT_ROWS,
): Promise<Proximity> {
	const { n, d, label } = evidence;
	const all = matrix(Float64Array.from(evidence.x), n, d);
	const squares = Float64Array.from({ length: n }, (_, row) => squareOf(all, row));
	const typical = typicalDistances(evidence, all, squares);
	const limitOf = (row: number) => (radius * (typical[label[row] as number] as number)) ** 2;
	const hashes = n > exactRows ? simHash(evidence, SEED) : undefined;
	const close: Neighbour[][] = [];
	for (let from = 0; from < n; from += BLOCK) {
		signal?.throwIfAborted();
		const to = Math.min(from + BLOCK, n);
		const products = hashes ? undefined : productsOf(all, from, to);
		for (let row = from; row < to; row++) {
			const [limit, scale] = [limitOf(row), typical[label[row] as number] as number];
			const near: Neighbour[] = [];
			const visit = (other: number, product: number) => {
				const square = Math.max(0, (squares[row] as number) + (squares[other] as number) - 2 * product);
				if (square <= limit) near.push({ row: other, distance: square === 0 ? 0 : Math.sqrt(square) / scale });
			};
			if (products) {
				for (let other = 0; other < n; other++) if (other !== row) visit(other, products[(row - from) * n + other] as number);
			} else {
				for (const other of hashes?.candidates(row).sort() ?? []) visit(other, productOf(all, row, other));
			}
			close.push(near);
		}
		progress?.(to, n);
		await new Promise(setImmediate);
	}
	return { typical, close };
}

/** Medians over an even sample of each class. */
function typicalDistances({ n, d, k, label, owner }: Evidence, all: Matrix<Float64Array>, squares: Float64Array): Float64Array {
	const rows = Array.from({ length: k }, (): number[] => []);
	label.forEach((y, row) => {
		rows[y]?.push(row);
	});
	const most = Math.max(LEAST_SAMPLE, Math.ceil(SAMPLE / k));
	const sample = rows.flatMap((own) => own.filter((_, i) => i % Math.max(1, Math.floor(own.length / most)) === 0));
	const nearest = Array.from({ length: k }, (): number[] => []);
	for (let from = 0; from < sample.length; from += BLOCK) {
		const part = sample.slice(from, from + BLOCK);
		const values = new Float64Array(part.length * d);
		part.forEach((row, i) => {
			values.set(all.values.subarray(row * d, (row + 1) * d), i * d);
		});
		const products = multiply(matrix(values, part.length, d), all, { right: true }).values;
		part.forEach((row, i) => {
			let least = Infinity;
			for (let other = 0; other < n; other++) {
				if (owner[other] === owner[row]) continue;
				const square = (squares[row] as number) + (squares[other] as number) - 2 * (products[i * n + other] as number);
				if (square > 0 && square < least) least = square;
			}
			if (least < Infinity) nearest[label[row] as number]?.push(Math.sqrt(least));
		});
	}
	const overall = medianOf(nearest.flat());
	return Float64Array.from(nearest, (own) => (own.length < LEAST_SAMPLE ? overall : medianOf(own)));
}

/** The upper middle value; 0 where there is none. */
function medianOf(values: readonly number[]): number {
	return values.length === 0 ? 0 : (values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number);
}

function productsOf(all: Matrix<Float64Array>, from: number, to: number): Float64Array {
	return multiply(matrix(all.values.subarray(from * all.columns, to * all.columns), to - from, all.columns), all, { right: true }).values;
}

function productOf({ values, columns: d }: Matrix<Float64Array>, row: number, other: number): number {
	let sum = 0;
	for (let l = 0; l < d; l++) sum += (values[row * d + l] as number) * (values[other * d + l] as number);
	return sum;
}

function squareOf(all: Matrix<Float64Array>, row: number): number {
	return productOf(all, row, row);
}
