import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { statsLines } from "../bench/circuits.ts";

test.each(["glyphs", "small"] as const)("constraint counts of %s are those of circuits/stats.csv", async (group) => {
	const committed = await readFile(fileURLToPath(new URL("../circuits/stats.csv", import.meta.url)), "utf8");
	for (const line of await statsLines(group)) {
		expect(committed.split("\n")).toContain(line);
	}
});
