import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { statsLines } from "../bench/circuits.ts";

test("constraint counts of the built-in set are those of circuits/stats.csv", async () => {
	const committed = await readFile(fileURLToPath(new URL("../circuits/stats.csv", import.meta.url)), "utf8");
	for (const line of await statsLines("glyphs")) {
		expect(committed.split("\n")).toContain(line);
	}
});
