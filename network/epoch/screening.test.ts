import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY, NO_DEFENCE, without } from "../../attribution/defence/policy.ts";
import type { Rows } from "../../circuits/statistics.ts";
import { drawGlyphs } from "../../compute/glyphs.ts";
import { fitQuantisation, quantise } from "../../compute/quantisation.ts";
import { selectRows } from "../../compute/rows.ts";
import { screenShares } from "./screening.ts";

const table = drawGlyphs({ n: 320, seed: 5n });
const all = Uint32Array.from({ length: table.n }, (_, row) => row);
const scale = fitQuantisation(table, all);
const d = scale.columns.length + 1;
const x = quantise(table, scale);
const rowsOf = (rows: Iterable<number>): Rows => selectRows(x, table.labels, d, Uint32Array.from(rows));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const sizes = { d, k: table.k, queries: rowsOf(range(280, 320)) };
const honest = [0, 1, 2, 3].map((c) => ({ owner: `c${c}`, rows: rowsOf(range(60 * c, 60 * (c + 1))) }));

describe("the screening of an epoch", () => {
	test("leaves honest contributors as they are", async () => {
		const { contributors, screening } = await screenShares(honest, DEFAULT_POLICY, sizes);
		expect(contributors).toEqual(honest);
		expect(screening.contributors.map(({ clamped, flags, isLeftOut }) => [clamped.length, flags.length, isLeftOut])).toEqual(
			honest.map(() => [0, 0, false]),
		);
	});

	test("a row that stands there already counts nothing, and whose it was is said", async () => {
		const late = { owner: "late", rows: rowsOf([...range(240, 270), 3, 65]) };
		const { contributors, screening } = await screenShares([...honest, late], DEFAULT_POLICY, sizes);
		expect(Array.from(contributors.at(-1)?.rows.weight as Uint8Array)).toEqual([...range(0, 30).map(() => 1), 0, 0]);
		expect(screening.contributors.at(-1)).toMatchObject({
			owner: "late",
			isLeftOut: false,
			clamped: [
				{ row: 30, defence: "duplicates", of: { contributor: "c0", row: 3 } },
				{ row: 31, defence: "duplicates", of: { contributor: "c1", row: 5 } },
			],
		});
	});

	test("a copy of a whole contribution is left out, whoever comes later; without the policy it is not", async () => {
		const copy = { owner: "copy", rows: honest[2]?.rows as Rows };
		const { contributors, screening } = await screenShares([...honest, copy], DEFAULT_POLICY, sizes);
		expect(contributors.map(({ owner }) => owner)).toEqual(["c0", "c1", "c2", "c3"]);
		expect(screening.contributors.at(-1)).toMatchObject({
			...{ owner: "copy", isLeftOut: true },
			flags: expect.arrayContaining([expect.objectContaining({ defence: "copies", of: "c2" })]),
		});
		const first = await screenShares([copy, ...honest], DEFAULT_POLICY, sizes);
		expect(first.contributors.map(({ owner }) => owner)).toEqual(["copy", "c0", "c1", "c3"]);
		const undefended = await screenShares([...honest, copy], NO_DEFENCE, sizes);
		expect(undefended.contributors).toEqual([...honest, copy]);
		const clampedOnly = await screenShares([...honest, copy], without(DEFAULT_POLICY, "copies", "farCopies"), sizes);
		// All of its rows are duplicates: nothing is left of it.
		expect(clampedOnly.screening.contributors.at(-1)).toMatchObject({ isLeftOut: true, flags: [] });
	});
});
