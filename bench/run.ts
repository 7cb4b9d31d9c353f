/** `npm run bench -- NAME [--json] [--write] [OPTIONS]`: runs one bench; --write keeps its result under bench/results; other options are the bench's own. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchResult, type Case, resultOf, root } from "./bench.ts";

const BENCHES: Record<string, () => Promise<{ run(args: readonly string[]): Promise<Case[]> }>> = {
	attribution: () => import("./attribution.ts"),
	circuits: () => import("./circuits.ts"),
	compute: () => import("./compute.ts"),
	epoch: () => import("./epoch.ts"),
	gas: () => import("./gas.ts"),
	pool: () => import("./pool.ts"),
	prover: () => import("./prover.ts"),
	setup: () => import("./setup.ts"),
	textbook: () => import("./textbook.ts"),
	verification: () => import("./verification.ts"),
};

const OWN_OPTIONS = ["--json", "--write"];

const args = process.argv.slice(2);
const [name, ...options] = args.filter((arg) => !OWN_OPTIONS.includes(arg));
const load = name === undefined ? undefined : BENCHES[name];
if (load === undefined) {
	console.error(`bench: expected one of ${Object.keys(BENCHES).join(", ")}, got ${name}`);
	process.exitCode = 2;
} else {
	const result: BenchResult = resultOf(await (await load()).run(options));
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
