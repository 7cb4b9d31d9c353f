/** Exact sums of products of bytes. */
import type { Transposed } from "../matrix.ts";
import type { Arrays, Byte, ProductShape } from "../tensor.ts";
import type { Multiply } from "./multiplication.ts";
import { termsOfTile, tiledProduct } from "./tiles.ts";

/** rows x columns sums, exact up to 2^53. */
export function byteSums(
	multiply: Multiply,
	left: Arrays[Byte],
	right: Arrays[Byte],
	shape: ProductShape,
	transposed: Transposed = {},
): Float64Array {
	return tiledProduct(multiply, left, right, shape, transposed, termsOfTile(byteOf(left), byteOf(right)));
}

function byteOf(values: Arrays[Byte]): Byte {
	return values instanceof Int8Array ? "i8" : "u8";
}
