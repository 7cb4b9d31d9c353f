/**
 * A product shared among threads while its caller waits: kernels return at once, so there is no event to wait for. Whoever is free, the
 * caller among them, claims one tile of rows after the other. A tile that a thread claimed and did not finish, because it died or is kept
 * waiting by others, is made again by the caller: the same values in the same places, whoever writes them.
 */
import { matrix, type Transposed } from "../matrix.ts";
import type { Arrays, Byte, ProductShape } from "../tensor.ts";
import { byteProductRows } from "./byte-product.ts";
import { floatProductRows } from "./float-product.ts";

/** What is multiplied. */
export type Factors = { readonly shape: ProductShape; readonly transposed: Transposed } & (
	| { readonly kind: "bytes"; readonly left: Arrays[Byte]; readonly right: Arrays[Byte] }
	| { readonly kind: "floats"; readonly left: Float32Array; readonly right: Float32Array }
);

/** A product over memory that threads share. */
export type SharedProduct = Factors & {
	/** Integers or floats, as the factors are. */
	readonly result: Int32Array | Float32Array;
	/** One state a tile. */
	readonly tiles: Int32Array;
};

const [FREE, CLAIMED, DONE] = [0, 1, 2];

/** Makes tiles until none is free. */
export function makeTiles(product: SharedProduct): void {
	for (let tile = 0; tile < product.tiles.length; tile++) makeTile(product, tile);
}

/**
 * Waits until all tiles are made.
 * @param patience - milliseconds that a thread may take for a tile
 * @returns whether threads made all that they claimed: if not, one may still write to the memory of this product
 */
export function awaitTiles(product: SharedProduct, patience: number): boolean {
	const { tiles } = product;
	let kept = true;
	for (let tile = 0; tile < tiles.length; tile++) {
		// A thread that fails frees its tile.
		while (Atomics.load(tiles, tile) !== DONE) {
			if (makeTile(product, tile)) continue;
			if (Atomics.wait(tiles, tile, CLAIMED, patience) !== "timed-out") continue;
			kept = false;
			write(product, tile);
			Atomics.store(tiles, tile, DONE);
		}
	}
	return kept;
}

/** Makes a tile if it is free. */
function makeTile(product: SharedProduct, tile: number): boolean {
	const { tiles } = product;
	if (Atomics.compareExchange(tiles, tile, FREE, CLAIMED) !== FREE) return false;
	let state = FREE;
	try {
		write(product, tile);
		state = DONE;
	} finally {
		Atomics.store(tiles, tile, state);
		Atomics.notify(tiles, tile);
	}
	return true;
}

function write(product: SharedProduct, tile: number): void {
	const { shape, transposed, tiles } = product;
	const { rows, inner, columns } = shape;
	const start = (t: number) => Math.floor((t * rows) / tiles.length);
	const range = [start(tile), start(tile + 1)] as const;
	if (product.kind === "bytes") {
		byteProductRows(product.left, product.right, shape, transposed, range, product.result as Int32Array);
		return;
	}
	const left = transposed.left ? matrix(product.left, inner, rows) : matrix(product.left, rows, inner);
	const right = transposed.right ? matrix(product.right, columns, inner) : matrix(product.right, inner, columns);
	floatProductRows(left, right, transposed, range, product.result as Float32Array);
}
