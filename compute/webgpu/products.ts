/**
 * Products of matrices. Sums of bytes are exact: products of unsigned or of signed bytes by the device's products of four; with one unsigned
 * factor u and one signed factor s, u s = (u - 128) s + 128 s, where u - 128 is u with its highest bit flipped.
 */
import type { Transposed } from "../matrix.ts";
import type { Element, ProductShape } from "../tensor.ts";
import type { Device } from "./device.ts";
import { GROUP, type Kernel } from "./kernel.ts";
import type { Memory } from "./memory.ts";
import { sumRows } from "./reductions.ts";
import { depthOf, dotProducts, sideOf, sumNames, type TileParts, TURN, tileDeclarations, tileLoop, unalignedLoad } from "./tiles.ts";

/** A factor: its elements, and whether it is stored transposed. */
interface Factor {
	readonly element: Exclude<Element, "i32">;
	readonly transposed: boolean;
}

type ProductKernel = Kernel<"left" | "right" | "result", "rows" | "inner" | "columns" | "slice">;

/** Where tiles of eight by eight sums a thread are fewer than this, those of four by four are better: a GPU has some hundred cores. */
const MANY_TILES = 64;
/** How much more of larger tiles may lie outside of the result. */
const MOST_WASTE = 1.25;
/** Workgroups that keep a GPU busy, and steps along the inner dimension that one of them should take at least. */
const [BUSY, STEPS] = [256, 8];

/**
 * Records a product.
 * @param result - rows x columns of i32 for bytes, of f32 for floats
 */
export function product(
	device: Device,
	left: { readonly memory: Memory; readonly element: Element },
	right: { readonly memory: Memory; readonly element: Element },
	{ rows, inner, columns }: ProductShape,
	transposed: Transposed,
	result: Memory,
): void {
	const tiles = (block: 4 | 8) => Math.ceil(rows / sideOf(block)) * Math.ceil(columns / sideOf(block));
	const area = (block: 4 | 8) => tiles(block) * sideOf(block) ** 2;
	const block = tiles(8) < MANY_TILES || area(8) > MOST_WASTE * area(4) ? 4 : 8;
	const factor = (element: Element, turned = false) => ({ element, transposed: turned }) as Factor;
	const kernel = productKernel(factor(left.element, transposed.left), factor(right.element, transposed.right), block, device.dotProduct);
	const depth = depthOf({ block, packed: left.element === "f32" ? 1 : 4 });
	// Few tiles with a long inner dimension: it is cut, and the parts are added.
	const steps = Math.ceil(inner / depth);
	const slices = Math.max(1, Math.min(Math.floor(BUSY / Math.max(1, tiles(block))), Math.floor(steps / STEPS)));
	const slice = depth * Math.max(1, Math.ceil(steps / slices));
	const parts = slices === 1 ? result : device.allocate(4 * slices * rows * columns);
	device.run(kernel, { left: left.memory, right: right.memory, result: parts }, { rows, inner, columns, slice }, tiles(block), slices);
	if (slices > 1) {
		sumRows(device, left.element === "f32" ? "f32" : "i32", parts, slices, rows * columns, result);
		device.free(parts);
	}
}

/** Kernels that were written: their text is long. */
const KERNELS = new Map<string, ProductKernel>();

/** @param native - whether the device multiplies bytes */
function productKernel(left: Factor, right: Factor, block: 4 | 8, native: boolean): ProductKernel {
	const factors = [left, right].map(({ element, transposed }) => `${element}${transposed ? " transposed" : ""}`).join(" by ");
	const name = `product of ${factors}, ${block} x ${block}${native ? "" : ", spelled out"}`;
	const known = KERNELS.get(name) ?? writtenKernel(name, left, right, block, native);
	KERNELS.set(name, known);
	return known;
}

function writtenKernel(name: string, left: Factor, right: Factor, block: 4 | 8, native: boolean): ProductKernel {
	const floats = left.element === "f32";
	const parts = floats ? floatParts(block) : byteParts(left, right, block);
	const type = floats ? "f32" : "i32";
	const side = sideOf(block);
	const stores = sumNames("sum", block).map((columns, r) =>
		columns.map(
			(sum, c) =>
				`store(top + 4u * ty + ${64 * (r >> 2) + (r & 3)}u, start + 4u * tx + ${64 * c}u, group.z, ${corrected(left, right, sum, r, c)});`,
		),
	);
	return {
		name,
		bindings: { left: `read ${parts.word}`, right: `read ${parts.word}`, result: `read_write ${type}` },
		params: { rows: "u32", inner: "u32", columns: "u32", slice: "u32" },
		declarations: `
${tileDeclarations(parts)}
${floats ? "" : dotProducts(native) + TURN + unalignedLoad("left") + unalignedLoad("right")}
${loader("left", left, "params.rows")}
${loader("right", right, "params.columns")}
fn store(row: u32, column: u32, slice: u32, values: vec4<${type}>) {
	if (row >= params.rows) { return; }
	let at = (slice * params.rows + row) * params.columns + column;
	for (var c = 0u; c < 4u; c++) {
		if (column + c < params.columns) { result[at + c] = values[c]; }
	}
}`,
		body: `
	let across = (params.columns + ${side - 1}u) / ${side}u;
	let tile = ${GROUP};
	let top = ${side}u * (tile / across);
	let start = ${side}u * (tile % across);
	if (top >= params.rows) { return; }
	let begin = group.z * params.slice;
	let end = min(params.inner, begin + params.slice);
	${
		mixed(left, right)
			? correctionNames(block)
					.map((sum) => `var ${sum} = vec4<i32>();`)
					.join("\n\t")
			: ""
	}
	${tileLoop(parts, { left: left.transposed, right: !right.transposed })}
	${stores.flat().join("\n\t")}`,
	};
}

/** `loadSIDE(outer, inner)`: the four words from outer to outer + 3, with zeros beyond the inner dimension. */
function loader(name: "left" | "right", { element, transposed }: Factor, size: string): string {
	// The right factor lies along its columns unless it is transposed, the left one across its rows if it is.
	const turned = name === "left" ? transposed : !transposed;
	const read = `load${name === "left" ? "Left" : "Right"}(outer: u32, inner: u32)`;
	const at = (i: number) => (turned ? `inner * ${size} + outer + ${i}u` : `(outer + ${i}u) * params.inner + inner`);
	if (element === "f32") {
		const values = [0, 1, 2, 3].map((i) => `${name}[${at(i)}]`);
		return `fn ${read} -> vec4<f32> {
	if (inner >= params.inner) { return vec4<f32>(); }
	return vec4<f32>(${values.join(", ")});
}`;
	}
	if (turned) {
		const words = [0, 1, 2, 3].map((i) => `select(0u, ${name}Word((inner + ${i}u) * ${size} + outer), inner + ${i}u < params.inner)`);
		return `fn ${read} -> vec4<u32> { return turn(vec4<u32>(${words.join(", ")})); }`;
	}
	const words = [0, 1, 2, 3].map((i) => `${name}Word(${at(i)})`);
	return `fn ${read} -> vec4<u32> {
	if (inner >= params.inner) { return vec4<u32>(); }
	let words = vec4<u32>(${words.join(", ")});
	let rest = params.inner - inner;
	return select(words & vec4<u32>((1u << (8u * (rest & 3u))) - 1u), words, rest >= 4u);
}`;
}

function floatParts(block: 4 | 8): TileParts {
	return {
		block,
		word: "f32",
		packed: 1,
		left: ["loadLeft(outer, inner)"],
		right: ["loadRight(outer, inner)"],
		sums: [{ name: "sum", type: "f32", left: 0, right: 0 }],
		add: (sum, a, b) => `${sum} = fma(vec4<f32>(${a}), ${b}, ${sum});`,
	};
}

function byteParts(left: Factor, right: Factor, block: 4 | 8): TileParts {
	const signed = left.element === "i8" || right.element === "i8";
	const flip = ({ element }: Factor) => (signed && element === "u8" ? " ^ vec4<u32>(0x80808080u)" : "");
	const dots = (a: string, b: string) => `vec4<i32>(${[..."xyzw"].map((c) => term(a, `${b}.${c}`)).join(", ")})`;
	const term = (a: string, b: string) => (signed ? `dotSigned(${a}, ${b})` : `bitcast<i32>(dotUnsigned(${a}, ${b}))`);
	return {
		block,
		word: "u32",
		packed: 4,
		left: [`loadLeft(outer, inner)${flip(left)}`],
		right: [`loadRight(outer, inner)${flip(right)}`],
		sums: [{ name: "sum", type: "i32", left: 0, right: 0 }],
		add: (sum, a, b) => `${sum} += ${dots(a, b)};`,
		...(mixed(left, right) && {
			// Sums of the signed factor alone, of each column or of each row.
			extra: (l: readonly string[], r: readonly string[]) =>
				(left.element === "u8" ? r : l).map((words, at) => `${correctionNames(block)[at]} += ${dots("0x01010101u", words)};`).join("\n"),
		}),
	};
}

function mixed(left: Factor, right: Factor): boolean {
	return left.element !== right.element;
}

function correctionNames(block: 4 | 8): string[] {
	return Array.from({ length: block / 4 }, (_, half) => `signed_${half}`);
}

/** The sum of an unsigned and a signed factor. */
function corrected(left: Factor, right: Factor, sum: string, row: number, column: number): string {
	if (!mixed(left, right)) return sum;
	return left.element === "u8" ? `${sum} + 128 * signed_${column}` : `${sum} + vec4<i32>(128 * signed_${row >> 2}.${"xyzw"[row & 3]})`;
}
