/**
 * Products by tiles, in WGSL. A workgroup of 16 x 16 threads makes a tile of the result, each thread `block` x `block` values of it: as far
 * along the inner dimension as a tile of each factor reaches, both are copied to workgroup memory, and each value that is read from there
 * serves `block` multiplications. Source: V. Volkov and J. Demmel, "Benchmarking GPUs to tune dense linear algebra" (2008).
 *
 * A word of a tile holds as many values along the inner dimension as one multiplication takes: four bytes, or one float. Tiles hold vectors
 * of four words that lie across the inner dimension, as threads take them; rows of vectors are padded by one against bank conflicts.
 */

/** What differs between kinds of products. */
export interface TileParts {
	/** Values of a side that a thread makes: 4 or 8. */
	readonly block: 4 | 8;
	/** WGSL type of words. */
	readonly word: "u32" | "f32";
	/** Values in a word. */
	readonly packed: 1 | 4;
	/** Tiles of each factor: expressions that give a vector of four words at (`outer`, `inner`). */
	readonly left: readonly string[];
	readonly right: readonly string[];
	/** What must be known before the tiles of the right factor. */
	readonly prepare?: string;
	/** Sums: name, WGSL type, and the tiles of left and right whose products they add up. */
	readonly sums: readonly { readonly name: string; readonly type: "u32" | "i32" | "f32"; readonly left: number; readonly right: number }[];
	/** How a sum grows: WGSL that adds the products of word `a` and the vector of words `b`. */
	add(sum: string, a: string, b: string): string;
	/** Further statements of a step, from the vectors of words that a thread has at hand. */
	extra?(left: readonly string[], right: readonly string[]): string;
}

/** Values on a side of the result's tile. */
export function sideOf(block: 4 | 8): number {
	return 16 * block;
}

/** Values along the inner dimension that a tile of a factor holds. */
export function depthOf({ block, packed }: Pick<TileParts, "block" | "packed">): number {
	return (64 / block) * packed;
}

/** The workgroup's memory. */
export function tileDeclarations({ block, word, left, right }: TileParts): string {
	const [vectors, words] = [sideOf(block) / 4 + 1, 64 / block];
	const tile = (name: string) => `var<workgroup> ${name}: array<vec4<${word}>, ${vectors * words}>;`;
	return [...left.map((_, i) => tile(`left${i}`)), ...right.map((_, i) => tile(`right${i}`))].join("\n");
}

/** Variables for the sums of a thread: `NAME_ROW_COLUMN`, vectors of four columns. */
export function sumNames(name: string, block: 4 | 8): string[][] {
	return Array.from({ length: block }, (_, row) => Array.from({ length: block / 4 }, (_, column) => `${name}_${row}_${column}`));
}

/**
 * The loop over the inner dimension from `begin` to `end`, both in values; they must be uniform. Thread (tx, ty) has columns 4 tx to 4 tx + 3
 * and rows 4 ty to 4 ty + 3 of each 64 x 64 values.
 * @param turned - whether neighbours in memory are neighbours across the inner dimension: threads read along them
 */
export function tileLoop(parts: TileParts, turned: { readonly left: boolean; readonly right: boolean }): string {
	const { block, packed, sums } = parts;
	const [across, words] = [sideOf(block) / 4, 64 / block];
	const row = across + 1;
	const halves = Array.from({ length: block / 4 }, (_, half) => half);
	const store = (side: "left" | "right", origin: string) => `{
		let word = ${turned[side] ? `t / ${across}u` : `t % ${words}u`};
		let vector = ${turned[side] ? `t % ${across}u` : `t / ${words}u`};
		let outer = ${origin} + 4u * vector;
		let inner = depth + ${packed}u * word;
		${(side === "right" && parts.prepare) || ""}
		${parts[side].map((load, i) => `${side}${i}[word * ${row}u + vector] = ${load};`).join("\n\t\t")}
	}`;
	const fetch = (side: "left" | "right", at: string) =>
		parts[side].flatMap((_, i) => halves.map((half) => `let ${side[0]}${i}_${half} = ${side}${i}[w * ${row}u + ${at} + ${16 * half}u];`));
	const steps = sums.flatMap(({ name, left, right }) =>
		sumNames(name, block).flatMap((columns, r) =>
			columns.map((sum, c) => parts.add(sum, `l${left}_${r >> 2}.${"xyzw"[r & 3]}`, `r${right}_${c}`)),
		),
	);
	const extra = parts.extra?.(
		halves.map((half) => `l0_${half}`),
		halves.map((half) => `r0_${half}`),
	);
	return `
	let tx = t % 16u;
	let ty = t / 16u;
	${sums
		.flatMap(({ name, type }) =>
			sumNames(name, block)
				.flat()
				.map((sum) => `var ${sum} = vec4<${type}>();`),
		)
		.join("\n\t")}
	for (var depth = begin; depth < end; depth += ${words * packed}u) {
		workgroupBarrier();
		${store("left", "top")}
		${store("right", "start")}
		workgroupBarrier();
		for (var w = 0u; w < ${words}u; w++) {
			${[...fetch("left", "ty"), ...fetch("right", "tx"), ...steps, extra ?? ""].join("\n\t\t\t")}
		}
	}`;
}

/** Products of bytes packed in words: of the device, or spelled out. */
export function dotProducts(native: boolean): string {
	if (native) {
		return /* wgsl */ `
fn dotUnsigned(a: u32, b: u32) -> u32 { return dot4U8Packed(a, b); }
fn dotSigned(a: u32, b: u32) -> i32 { return dot4I8Packed(a, b); }`;
	}
	return /* wgsl */ `
const PLACES = vec4<u32>(0u, 8u, 16u, 24u);
fn dotUnsigned(a: u32, b: u32) -> u32 {
	return dot((vec4<u32>(a) >> PLACES) & vec4<u32>(255u), (vec4<u32>(b) >> PLACES) & vec4<u32>(255u));
}
fn dotSigned(a: u32, b: u32) -> i32 {
	let top = vec4<u32>(24u, 16u, 8u, 0u);
	let low = vec4<u32>(24u);
	return dot(bitcast<vec4<i32>>(vec4<u32>(a) << top) >> low, bitcast<vec4<i32>>(vec4<u32>(b) << top) >> low);
}`;
}

/** Loads of bytes from an array of words: `NAMEWord(at)` gives the four from byte `at` on, wherever that is. */
export function unalignedLoad(name: string): string {
	return /* wgsl */ `
fn ${name}Word(at: u32) -> u32 {
	let word = at >> 2u;
	let shift = 8u * (at & 3u);
	if (shift == 0u) { return ${name}[word]; }
	return (${name}[word] >> shift) | (${name}[word + 1u] << (32u - shift));
}`;
}

/** `turn(words)`: byte j of word i becomes byte i of word j. */
export const TURN = /* wgsl */ `
fn turn(words: vec4<u32>) -> vec4<u32> {
	let even = vec2<u32>(0x00ff00ffu);
	let low = (words.xz & even) | ((words.yw & even) << vec2<u32>(8u));
	let high = ((words.xz >> vec2<u32>(8u)) & even) | (words.yw & vec2<u32>(0xff00ff00u));
	return vec4<u32>(
		(low.x & 0xffffu) | (low.y << 16u),
		(high.x & 0xffffu) | (high.y << 16u),
		(low.x >> 16u) | (low.y & 0xffff0000u),
		(high.x >> 16u) | (high.y & 0xffff0000u),
	);
}`;
