/** Constraint counts of two parameter sets, held against circuits/stats.csv; with UPDATE_STATS=1 the file is written. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { epochCircuits, parameterSetFor, ROLES } from "../circuits/parameters.ts";
import { compileCircuit } from "../prover/compile.ts";
import { type Case, root } from "./bench.ts";

const HEADER = "circuit,nonLinear,linear,wires,publicSignals,committedInputs,compiler";
const FILE = join(root, "circuits", "stats.csv");

/** The built-in data set, and digits. */
export const STATS_SETS = {
	glyphs: parameterSetFor({ rows: 60, queries: 80, features: 16, classes: 4, contributions: 8, totalRows: 480 }),
	digits: parameterSetFor({ rows: 135, queries: 225, features: 62, classes: 10, contributions: 10, totalRows: 1348 }),
} as const;

/** One line of stats.csv for each circuit of a set. */
export async function statsLines(name: keyof typeof STATS_SETS): Promise<string[]> {
	const circuits = epochCircuits(STATS_SETS[name]);
	const lines: string[] = [];
	for (const role of ROLES) {
		const { circuit, counts } = await compileCircuit(circuits[role]);
		lines.push(
			[circuit.id, counts.nonLinear, counts.linear, counts.wires, counts.nPublic, counts.nPrivateInputs, "circom2 0.2.23 -O1"].join(","),
		);
	}
	return lines;
}

export async function run(): Promise<Case[]> {
	const lines = [...(await statsLines("glyphs")), ...(await statsLines("digits"))];
	if (process.env.UPDATE_STATS === "1") {
		await writeFile(FILE, `${[HEADER, ...lines].join("\n")}\n`);
	}
	const committed = new Set((await readFile(FILE, "utf8")).trim().split("\n"));
	return lines.map((line) => {
		const [id, nonLinear] = line.split(",") as [string, string];
		return {
			name: "non-linear constraints",
			size: id,
			value: Number(nonLinear),
			unit: "constraints",
			bar: "as in circuits/stats.csv",
			holds: committed.has(line),
			runs: [Number(nonLinear)],
		};
	});
}
