/**
 * `node bench/attribution/pages.ts`: writes the tables and plots of docs/attribution.md (from bench/results/attribution.json, which
 * `npm run bench -- attribution --write` makes) and of docs/attribution-gaming.md (measured anew).
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchResult, root } from "../bench.ts";
import { writeGamingPage } from "./gaming-page.ts";
import { caseTable, fillPage } from "./page.ts";
import { removalChart } from "./valuation.ts";

const file = await readFile(join(root, "bench", "results", "attribution.json"), "utf8");
const { cases, machine, commit } = (JSON.parse(file) as { result: BenchResult }).result;
await fillPage("attribution.md", {
	machine: `Measured on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} GB, Node ${machine.node}, at commit ${commit}; CPU seconds are of one thread.`,
	figures: caseTable(
		cases.map((one) => ({ ...one, name: `${one.name}, ${one.size}` })),
		"elsewhere",
	),
});
await writeFile(join(root, "docs", "attribution-removal.svg"), await removalChart());
await writeGamingPage();
