/** `npm run bench -- NAME [--json] [--write]`: runs one bench; --write keeps its result under bench/results. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchResult, type Case, resultOf, root } from "./bench.ts";

const BENCHES: Record<string, () => Promise<{ run(): Promise<Case[]> }>> = {
	circuits: () => import("./circuits.ts"),
	epoch: () => import("./epoch.ts"),
	gas: () => import("./gas.ts"),
	prover: () => import("./prover.ts"),
	textbook: () => import("./textbook.ts"),
};

const args = process.argv.slice(2);
const name = args.find((arg) => !arg.startsWith("--"));
const load = name === undefined ? undefined : BENCHES[name];
if (load === undefined) {
	console.error(`bench: expected one of ${Object.keys(BENCHES).join(", ")}, got ${name}`);
	process.exitCode = 2;
} else {
	const result: BenchResult = resultOf(await (await load()).run());
	const body = { schema: "openledger.bench.v1", ok: true, result };
	if (args.includes("--write")) {
		await writeFile(join(root, "bench", "results", `${name}.json`), `${JSON.stringify(body, null, "\t")}\n`);
	}
	if (args.includes("--json")) {
		console.log(JSON.stringify(body, null, 2));
	} else {
		const { machine, commit, cases } = result;
		console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} GB, Node ${machine.node}, commit ${commit}`);
		for (const one of cases) {
			console.log(
				`${one.holds ? "ok  " : "MISS"}  ${one.name} (${one.size}): ${one.value} ${one.unit}, asked ${one.bar}${one.note === undefined ? "" : `; ${one.note}`}`,
			);
		}
	}
}
