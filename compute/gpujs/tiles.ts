/**
 * Products of any size from products of tiles in single precision, whose sums are added up in double precision.
 *
 * Sums of bytes stay exact: single precision holds every integer up to 2^24 in magnitude, and a tile has so few terms that the sum of any of
 * them, in whatever order a device adds, is none larger. Between tiles the sums are integers in double precision.
 */

import type { Transposed } from "../matrix.ts";
import { type Arrays, type Byte, MAGNITUDE, type ProductShape } from "../tensor.ts";
import { type Multiply, SIDE } from "./multiplication.ts";

/** Integers up to here, in magnitude, are exact in single precision. */
const EXACT = 2 ** 24;

/** The most terms of a tile of bytes: 258 without sign, 514 of either kind, 1,024 with sign. */
export function termsOfTile(left: Byte, right: Byte): number {
	return Math.min(SIDE, Math.floor(EXACT / (MAGNITUDE[left] * MAGNITUDE[right])));
}

type Factor = Arrays["u8" | "i8" | "f32"];
type Pair = readonly [number, number];

/**
 * The product of two factors.
 * @param terms - of a tile, at most SIDE
 * @returns rows x columns sums
 */
export function tiledProduct(
	multiply: Multiply,
	left: Factor,
	right: Factor,
	{ rows, inner, columns }: ProductShape,
	transposed: Transposed,
	terms: number,
): Float64Array {
	const sums = new Float64Array(rows * columns);
	const leftSteps: Pair = transposed.left ? [1, rows] : [inner, 1];
	const rightSteps: Pair = transposed.right ? [1, inner] : [columns, 1];
	for (let from = 0; from < inner; from += terms) {
		const depth = Math.min(terms, inner - from);
		for (let column = 0; column < columns; column += SIDE) {
			const width = Math.min(SIDE, columns - column);
			const b = tile(right, [from, depth], [column, width], rightSteps);
			for (let row = 0; row < rows; row += SIDE) {
				const height = Math.min(SIDE, rows - row);
				const a = tile(left, [row, height], [from, depth], leftSteps);
				const lines = multiply(a, b, { rows: height, inner: depth, columns: width });
				for (let i = 0; i < height; i++) {
					const line = lines[i] as Float32Array;
					const to = (row + i) * columns + column;
					for (let j = 0; j < width; j++) (sums[to + j] as number) += line[j] as number;
				}
			}
		}
	}
	return sums;
}

/** Part of a matrix, row-major. @param steps - between rows and between columns of `values` */
function tile(values: Factor, [row, rows]: Pair, [column, columns]: Pair, [rowStep, columnStep]: Pair): Float32Array {
	const result = new Float32Array(rows * columns);
	for (let i = 0; i < rows; i++) {
		const from = (row + i) * rowStep + column * columnStep;
		for (let j = 0; j < columns; j++) result[i * columns + j] = values[from + j * columnStep] as number;
	}
	return result;
}
