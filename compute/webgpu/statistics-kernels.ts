/**
 * Gram statistics in WGSL. With X the rows, W their weights and Y the one-hot labels, A and B side by side are the product X^T [W X, W Y]. A
 * weighted byte w x has 16 bits: the product is made of its two bytes apart, unless all weights are 0 or 1. A sum of up to 65,536 products of
 * bytes fits 32 bits; it is added to 64 bits, of which a tile of the result holds two words a value.
 */
import { BYTES, eachOf, GROUP, type Kernel } from "./kernel.ts";
import { depthOf, dotProducts, sideOf, sumNames, type TileParts, TURN, tileDeclarations, tileLoop, unalignedLoad } from "./tiles.ts";

const BLOCK = 4;
/** Features on a side of a tile. */
export const SIDE: number = sideOf(BLOCK);
/** Rows are taken in steps of so many. */
export const DEPTH: number = depthOf({ block: BLOCK, packed: 4 });
/** The most rows of a 32-bit sum: 65,536 x 255^2 < 2^32. */
export const MOST_ROWS = 65536;

type GramKernel = Kernel<"x" | "label" | "weight" | "places" | "sums", "count" | "d" | "k" | "slice" | "tiles">;

/**
 * Adds the products of some rows to the sums. Workgroup z takes the rows from z x slice on and has sums of its own.
 * @param planes - 1 if weights are at most 1, else 2
 * @param native - whether the device multiplies bytes
 */
export function gramKernel(planes: 1 | 2, native: boolean): GramKernel {
	const parts: TileParts = {
		block: BLOCK,
		word: "u32",
		packed: 4,
		left: ["loadRows(outer, inner)"],
		right: planes === 1 ? ["loadWeighted(outer, inner)[0]"] : ["weighted[0]", "weighted[1]"],
		sums: Array.from({ length: planes }, (_, plane) => ({ name: `sum${plane}`, type: "u32" as const, left: 0, right: plane })),
		add: (sum, a, b) => `${sum} += vec4<u32>(${[..."xyzw"].map((c) => `dotUnsigned(${a}, ${b}.${c})`).join(", ")});`,
		...(planes === 2 && { prepare: "let weighted = loadWeighted(outer, inner);" }),
	};
	const high = sumNames("sum1", BLOCK);
	const stores = sumNames("sum0", BLOCK).map(
		([low], r) => `add(at + ${r * SIDE}u, ${low}, ${planes === 2 ? high[r]?.[0] : "vec4<u32>()"});`,
	);
	return {
		name: `Gram sums, ${planes} planes${native ? "" : ", spelled out"}`,
		bindings: { x: "read u32", label: "read u32", weight: "read u32", places: "read vec2<u32>", sums: "read_write vec2<u32>" },
		params: { count: "u32", d: "u32", k: "u32", slice: "u32", tiles: "u32" },
		declarations: /* wgsl */ `
${tileDeclarations(parts)}
${BYTES}${dotProducts(native)}${TURN}${unalignedLoad("x")}
fn loadRows(outer: u32, inner: u32) -> vec4<u32> {
	var words = vec4<u32>();
	for (var r = 0u; r < 4u; r++) {
		if (inner + r < params.count) { words[r] = xWord((inner + r) * params.d + outer); }
	}
	return turn(words);
}
// Four columns of [X, Y] in a row.
fn columnsOf(row: u32, column: u32) -> u32 {
	let own = unsignedByte(label[row >> 2u], row);
	if (column + 4u <= params.d) { return xWord(row * params.d + column); }
	var bytes = vec4<i32>();
	for (var c = 0u; c < 4u; c++) {
		let at = row * params.d + column + c;
		if (column + c < params.d) { bytes[c] = unsignedByte(x[at >> 2u], at); }
		else if (i32(column + c - params.d) == own) { bytes[c] = 1; }
	}
	return packBytes(bytes);
}
// Low and high bytes of weighted columns: two products of 16 bits at a time do not touch each other.
fn loadWeighted(outer: u32, inner: u32) -> array<vec4<u32>, 2> {
	var low = vec4<u32>();
	var high = vec4<u32>();
	for (var r = 0u; r < 4u; r++) {
		let row = inner + r;
		if (row >= params.count) { break; }
		let columns = columnsOf(row, outer);
		let own = u32(unsignedByte(weight[row >> 2u], row));
		let even = (columns & 0x00ff00ffu) * own;
		let odd = ((columns >> 8u) & 0x00ff00ffu) * own;
		low[r] = (even & 0x00ff00ffu) | ((odd & 0x00ff00ffu) << 8u);
		high[r] = ((even >> 8u) & 0x00ff00ffu) | (odd & 0xff00ff00u);
	}
	return array<vec4<u32>, 2>(turn(low), turn(high));
}
fn add(at: u32, low: vec4<u32>, high: vec4<u32>) {
	for (var c = 0u; c < 4u; c++) { sums[at + c] = plus(plus(sums[at + c], vec2<u32>(low[c], 0u)), vec2<u32>(high[c] << 8u, high[c] >> 24u)); }
}
${PLUS}`,
		body: /* wgsl */ `
	let tile = ${GROUP};
	if (tile >= params.tiles) { return; }
	let top = ${SIDE}u * places[tile].x;
	let start = ${SIDE}u * places[tile].y;
	let begin = group.z * params.slice;
	let end = min(params.count, begin + params.slice);
	${tileLoop(parts, { left: true, right: true })}
	let at = ((group.z * params.tiles + tile) * ${SIDE}u + 4u * ty) * ${SIDE}u + 4u * tx;
	${stores.join("\n\t")}`,
	};
}

const PLUS = /* wgsl */ `
fn plus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
	let low = a.x + b.x;
	return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}`;

/** Adds the sums of all slices to those of the first. */
export const SUM_SLICES: Kernel<"sums", "length" | "slices"> = eachOf({
	name: "Gram sums of slices",
	bindings: { sums: "read_write vec2<u32>" },
	params: { slices: "u32" },
	declarations: PLUS,
	body: /* wgsl */ `
	var sum = sums[i];
	for (var slice = 1u; slice < params.slices; slice++) { sum = plus(sum, sums[slice * params.length + i]); }
	sums[i] = sum;`,
});
