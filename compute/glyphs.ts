/**
 * The built-in data set: noisy pictures of the letters C, H, T and X on 5 x 3 pixels. Integers only, so it is the same on
 * every machine. With the bias it has 16 features.
 */
import { DataError } from "./errors.ts";
import { below, generator } from "./random.ts";
import type { Table } from "./table.ts";

/** One string per class, row by row; # is ink. */
const GLYPHS = [
	["C", "### #.. #.. #.. ###"],
	["H", "#.# #.# ### #.# #.#"],
	["T", "### .#. .#. .#. .#."],
	["X", "#.# #.# .#. #.# #.#"],
] as const;

/**
 * Mean intensity of ink and of paper, the half-width of the noise, and the share of flipped pixels in 1/256. About a quarter of
 * the pixels saturate, so a few hundred rows show the whole range of every column.
 */
const INK = 204;
const PAPER = 51;
const NOISE = 96;
const FLIPPED = 10;

export interface GlyphOptions {
	/** Number of rows, at least 1. */
	readonly n: number;
	/** In [0, 2^64). */
	readonly seed: bigint;
}

/**
 * Draw glyphs: a class by chance, each pixel ink or paper (sometimes flipped), plus uniform noise, clamped to a byte.
 * @returns n rows of 15 intensities in [0, 255]
 * @throws {DataError} TOO_FEW_ROWS if n is no positive integer
 */
export function drawGlyphs({ n, seed }: GlyphOptions): Table {
	if (!Number.isInteger(n) || n < 1)
		throw new DataError("TOO_FEW_ROWS", `glyphs: ${n} rows, at least 1 is needed`, "Ask for a positive number of rows.");
	const next = generator(seed);
	const shapes = GLYPHS.map(([, picture]) => Array.from(picture.replaceAll(" ", ""), (pixel) => pixel === "#"));
	const m = 15;
	const rows = new Uint8Array(n * m);
	const labels = new Uint8Array(n);
	for (let row = 0; row < n; row++) {
		const label = below(next, GLYPHS.length);
		labels[row] = label;
		for (let pixel = 0; pixel < m; pixel++) {
			const flipped = below(next, 256) < FLIPPED;
			const mean = shapes[label]?.[pixel] !== flipped ? INK : PAPER;
			rows[row * m + pixel] = Math.min(255, Math.max(0, mean - NOISE + below(next, 2 * NOISE + 1)));
		}
	}
	return {
		source: `glyphs(n = ${n}, seed = ${seed})`,
		columns: Array.from({ length: m }, (_, pixel) => `row ${Math.floor(pixel / 3)} pixel ${pixel % 3}`),
		rows,
		n,
		m,
		labels,
		k: GLYPHS.length,
		classes: GLYPHS.map(([name]) => name),
		owners: null,
	};
}
