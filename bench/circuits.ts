/** Constraint counts of circuits of several sizes, held against circuits/stats.csv; with UPDATE_STATS=1 the file is written. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Circuit } from "../circuits/circuit.ts";
import { epochCircuits, epochStatements, parameterSetFor } from "../circuits/parameters.ts";
import { contributionStatBits } from "../circuits/statements/contribution.ts";
import { evaluationCircuit } from "../circuits/statements/evaluation.ts";
import { knnShapleyCircuit } from "../circuits/statements/knn-shapley.ts";
import { trainingStepCircuit } from "../circuits/statements/training-step.ts";
import { compileCircuit } from "../prover/compile.ts";
import { type Case, root } from "./bench.ts";

const HEADER = "circuit,nonLinear,linear,wires,publicSignals,committedInputs,compiler";
const FILE = join(root, "circuits", "stats.csv");

/** Epochs: the built-in data set; digits; 200 contributions of 24 rows at d = 16. */
export const STATS_SETS = {
	glyphs: parameterSetFor({ rows: 60, queries: 80, features: 16, classes: 4, contributions: 8, totalRows: 480 }),
	digits: parameterSetFor({ rows: 135, queries: 225, features: 62, classes: 10, contributions: 10, totalRows: 1348 }),
	paged: parameterSetFor({ rows: 24, queries: 80, features: 16, classes: 3, contributions: 200, totalRows: 4800 }),
} as const;

/** Statements that no epoch asks for yet, in a small and a large size. */
const APART = {
	small: [
		evaluationCircuit({
			optimum: epochStatements(STATS_SETS.glyphs).optimum,
			statBits: contributionStatBits(epochStatements(STATS_SETS.glyphs).query),
		}),
		knnShapleyCircuit({ places: 2, rows: 8, d: 16, k: 4, queries: 4, neighbours: 5 }),
		trainingStepCircuit({ n: 8, d: 16, h: 8, k: 3, levels: 10, fractionBits: 16, rate: 3000 }),
	],
	large: [
		evaluationCircuit({
			optimum: epochStatements(STATS_SETS.digits).optimum,
			statBits: contributionStatBits(epochStatements(STATS_SETS.digits).query),
		}),
		knnShapleyCircuit({ places: 4, rows: 64, d: 64, k: 10, queries: 4, neighbours: 5 }),
		trainingStepCircuit({ n: 32, d: 64, h: 32, k: 10, levels: 10, fractionBits: 16, rate: 3000 }),
	],
} as const;

export type StatsGroup = keyof typeof STATS_SETS | keyof typeof APART;
export const STATS_GROUPS = [...Object.keys(STATS_SETS), ...Object.keys(APART)] as StatsGroup[];

function circuitsOf(group: StatsGroup): readonly Circuit[] {
	return group in STATS_SETS
		? Object.values(epochCircuits(STATS_SETS[group as keyof typeof STATS_SETS]))
		: APART[group as keyof typeof APART];
}

/** One line of stats.csv for each circuit of a group. */
export async function statsLines(group: StatsGroup): Promise<string[]> {
	const lines: string[] = [];
	for (const circuit of circuitsOf(group)) {
		const { counts } = await compileCircuit(circuit);
		lines.push(
			[circuit.id, counts.nonLinear, counts.linear, counts.wires, counts.nPublic, counts.nPrivateInputs, "circom2 0.2.23 -O1"].join(","),
		);
	}
	return lines;
}

export async function run(): Promise<Case[]> {
	const lines: string[] = [];
	for (const group of STATS_GROUPS) {
		lines.push(...(await statsLines(group)));
	}
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
