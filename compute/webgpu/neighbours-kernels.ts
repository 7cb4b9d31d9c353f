/** Nearest rows in WGSL: squared lengths of rows of bytes, distances from products, and the shortest ones. */

import { eachOf, GROUP, type Kernel, THREADS } from "./kernel.ts";
import { dotProducts, unalignedLoad } from "./tiles.ts";

/** The most neighbours that are kept on a device: one a thread. */
export const MOST_KEPT = THREADS;

/** |x|^2 of each row. @param native - whether the device multiplies bytes */
export function squaresKernel(native: boolean): Kernel<"rows" | "squares", "length" | "columns"> {
	return eachOf({
		name: `squared lengths${native ? "" : ", spelled out"}`,
		bindings: { rows: "read u32", squares: "read_write u32" },
		params: { columns: "u32" },
		declarations: dotProducts(native) + unalignedLoad("rows"),
		body: /* wgsl */ `
	var sum = 0u;
	let first = i * params.columns;
	let whole = params.columns & ~3u;
	for (var c = 0u; c < whole; c += 4u) {
		let bytes = rowsWord(first + c);
		sum += dotUnsigned(bytes, bytes);
	}
	if (whole < params.columns) {
		let bytes = rowsWord(first + whole) & ((1u << (8u * (params.columns - whole))) - 1u);
		sum += dotUnsigned(bytes, bytes);
	}
	squares[i] = sum;`,
	});
}

type DistanceKernel = Kernel<"trainSquares" | "testSquares" | "distances", "length" | "columns">;

/** |x|^2 + |y|^2 - 2 x y in place of x y, all modulo 2^32. */
export const DISTANCES: DistanceKernel = eachOf({
	name: "squared distances",
	bindings: { trainSquares: "read u32", testSquares: "read u32", distances: "read_write u32" },
	params: { columns: "u32" },
	body: "distances[i] = trainSquares[i % params.columns] + testSquares[i / params.columns] - 2u * distances[i];",
});

/**
 * Takes the shortest of some more distances into the lists of the shortest so far. A workgroup has a test row. Keys are pairs of distance and
 * index, in lexicographic order, so that no two are equal; each thread looks at every 256th distance and at one place of the list, and offers the
 * least key above the last one that was taken; the least offer is taken, and again, until the list is full. Lists are ascending; places that hold
 * nothing yet hold the largest key.
 */
export const SHORTEST: Kernel<"distances" | "list", "count" | "columns" | "first" | "fresh" | "rows"> = {
	name: "shortest distances",
	bindings: { distances: "read u32", list: "read_write vec2<u32>" },
	params: { count: "u32", columns: "u32", first: "u32", fresh: "u32", rows: "u32" },
	declarations: /* wgsl */ `
const NONE = vec2<u32>(0xffffffffu, 0xffffffffu);
var<workgroup> least: atomic<u32>;
var<workgroup> leastIndex: atomic<u32>;
var<workgroup> done: u32;
fn before(a: vec2<u32>, b: vec2<u32>) -> bool { return a.x < b.x || (a.x == b.x && a.y < b.y); }`,
	body: /* wgsl */ `
	let row = ${GROUP};
	if (row >= params.rows) { return; }
	var own = NONE;
	if (params.fresh == 0u && t < params.count) { own = list[row * params.count + t]; }
	// The least distance of these; none is taken if it is not below the list's last.
	var offer = NONE;
	for (var c = t; c < params.columns; c += ${THREADS}u) {
		let key = vec2<u32>(distances[row * params.columns + c], params.first + c);
		if (before(key, offer)) { offer = key; }
	}
	if (t == 0u) { atomicStore(&least, 0xffffffffu); atomicStore(&leastIndex, 0xffffffffu); }
	workgroupBarrier();
	atomicMin(&least, offer.x);
	workgroupBarrier();
	if (t == params.count - 1u) { done = select(0u, 1u, params.fresh == 0u && atomicLoad(&least) >= own.x); }
	if (workgroupUniformLoad(&done) == 1u) { return; }
	if (before(own, offer)) { offer = own; }
	for (var place = 0u; place < params.count; place++) {
		workgroupBarrier();
		if (t == 0u) { atomicStore(&least, 0xffffffffu); atomicStore(&leastIndex, 0xffffffffu); }
		workgroupBarrier();
		atomicMin(&least, offer.x);
		workgroupBarrier();
		if (offer.x == atomicLoad(&least)) { atomicMin(&leastIndex, offer.y); }
		workgroupBarrier();
		let taken = vec2<u32>(atomicLoad(&least), atomicLoad(&leastIndex));
		if (all(offer == taken) && taken.y != 0xffffffffu) {
			offer = NONE;
			for (var c = t; c < params.columns; c += ${THREADS}u) {
				let key = vec2<u32>(distances[row * params.columns + c], params.first + c);
				if (before(taken, key) && before(key, offer)) { offer = key; }
			}
			if (before(taken, own) && before(own, offer)) { offer = own; }
		}
		if (t == 0u) { list[row * params.count + place] = taken; }
	}`,
};
