import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { expect, test } from "vitest";
import { drawGlyphs } from "./glyphs.ts";
import { accuracy } from "./head.ts";
import { fitQuantisation, quantise } from "./quantisation.ts";
import { openReference } from "./reference/backend.ts";
import { solveRidge } from "./ridge.ts";
import { selectRows } from "./rows.ts";
import { splitRows } from "./split.ts";
import { refusal } from "./testing.ts";

test("the same glyphs on every machine", () => {
	const { rows, labels, n, m, k, classes } = drawGlyphs({ n: 400, seed: 1n });
	expect([n, m, k, classes]).toEqual([400, 15, 4, ["C", "H", "T", "X"]]);
	expect(bytesToHex(keccak_256(Uint8Array.of(...rows, ...labels)))).toBe(
		"36cfdeecc186503a720982696ad15504d502045125a25582951100edaa05931f",
	);
});

test("another seed, other glyphs; more rows begin with the same ones", () => {
	const { rows } = drawGlyphs({ n: 10, seed: 1n });
	expect(drawGlyphs({ n: 10, seed: 2n }).rows).not.toEqual(rows);
	expect(drawGlyphs({ n: 20, seed: 1n }).rows.slice(0, rows.length)).toEqual(rows);
});

test("a ridge head learns them, and without clipping", async () => {
	const table = drawGlyphs({ n: 1000, seed: 1n });
	const { train, query } = splitRows(table, { contributors: 4 });
	const x = quantise(table, fitQuantisation(table, train));
	const backend = openReference();
	const statistics = await backend.statistics(selectRows(x, table.labels, 16, train), 16, 4);
	const { x: w } = solveRidge(statistics, 65n * BigInt(statistics.n), 1n << 30n);
	const share = accuracy(w, selectRows(x, table.labels, 16, query), 16, 4);
	expect(share).toBeGreaterThan(0.9);
	expect(share).toBeLessThan(0.99);
});

test.each([0, -1, 1.5])("%d rows are refused", async (n) => {
	expect(await refusal(() => drawGlyphs({ n, seed: 1n }))).toEqual({
		code: "TOO_FEW_ROWS",
		message: `glyphs: ${n} rows, at least 1 is needed`,
	});
});
