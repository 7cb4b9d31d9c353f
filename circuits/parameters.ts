/** Parameter sets: the sizes of one epoch's circuits in one object. Circuits, keys, verifiers and cache paths derive from it. */
import type { Circuit } from "./circuit.ts";
import { CircuitError } from "./errors.ts";
import { type AttributionParameters, attributionCircuit } from "./statements/attribution.ts";
import { type ContributionParameters, contributionCircuit, contributionStatBits } from "./statements/contribution.ts";
import { type OptimumParameters, optimumCircuit } from "./statements/optimum.ts";
import { type PayoutParameters, payoutCircuit } from "./statements/payout.ts";

export interface ParameterSet {
	/** Rows of one contribution. */
	readonly rows: number;
	/** Query rows. */
	readonly queries: number;
	/** Features with the bias. */
	readonly d: number;
	/** Classes. */
	readonly k: number;
	/** Contributions of an epoch. */
	readonly contributions: number;
	/** Nodes of the ridge path. */
	readonly nodes: number;
	/** lambda = lambda * rows, 65 is 1/1000 of the largest square. */
	readonly lambda: bigint;
	/** Rows of all contributions together; `contributions * rows` when absent. The closer to the truth, the tighter the residual bounds. */
	readonly totalRows?: number;
}

/** The circuits of an epoch by role; `query` is `contribution` with fee weights. */
export type Role = "contribution" | "query" | "optimum" | "attribution" | "payout";
export const ROLES: readonly Role[] = ["contribution", "query", "optimum", "attribution", "payout"];

export interface EpochStatements {
	readonly contribution: ContributionParameters;
	readonly query: ContributionParameters;
	readonly optimum: OptimumParameters;
	readonly attribution: AttributionParameters;
	readonly payout: PayoutParameters;
}

/** Parameters of each statement of a set. */
export function epochStatements(set: ParameterSet): EpochStatements {
	const contribution: ContributionParameters = { n: set.rows, d: set.d, k: set.k, weightBits: 1 };
	const query: ContributionParameters = { n: set.queries, d: set.d, k: set.k, weightBits: 8 };
	const list = {
		contributions: set.contributions,
		d: set.d,
		k: set.k,
		statBits: contributionStatBits(contribution),
		maxRows: set.totalRows ?? set.contributions * set.rows,
		lambda: set.lambda,
	};
	return {
		contribution,
		query,
		optimum: list,
		attribution: { ...list, nodes: set.nodes, queryBits: contributionStatBits(query) },
		payout: { contributions: set.contributions },
	};
}

/** Circuits of a set by role. */
export function epochCircuits(set: ParameterSet): Record<Role, Circuit> {
	const statements = epochStatements(set);
	return {
		contribution: contributionCircuit(statements.contribution),
		query: contributionCircuit(statements.query),
		optimum: optimumCircuit(statements.optimum),
		attribution: attributionCircuit(statements.attribution),
		payout: payoutCircuit(statements.payout),
	};
}

const FEATURES = [4, 8, 16, 32, 64, 128];
const CLASSES = [2, 3, 4, 6, 8, 10, 16];

/**
 * The smallest set that holds an epoch: features and classes are rounded up to a few sizes so that keys are shared,
 * rows to a multiple of 8, all rows to a multiple of 32, contributions to a multiple of 2.
 * @throws CircuitError when the data has more features or classes than any circuit
 */
export function parameterSetFor(size: {
	rows: number;
	queries: number;
	features: number;
	classes: number;
	contributions: number;
	/** Rows of all contributions together, when they are uneven. */
	totalRows?: number;
	nodes?: number;
	lambda?: bigint;
}): ParameterSet {
	const d = FEATURES.find((value) => value >= size.features);
	const k = CLASSES.find((value) => value >= size.classes);
	if (d === undefined) {
		throw new CircuitError(
			"feature-count",
			`parameters: expected at most 128 features with the bias, got ${size.features}`,
			"Use the random-features backbone.",
		);
	}
	if (k === undefined) {
		throw new CircuitError("class-count", `parameters: expected at most 16 classes, got ${size.classes}`, "Merge classes.");
	}
	return {
		rows: Math.ceil(size.rows / 8) * 8,
		queries: Math.ceil(size.queries / 8) * 8,
		d,
		k,
		contributions: Math.ceil(size.contributions / 2) * 2,
		nodes: size.nodes ?? 12,
		lambda: size.lambda ?? 65n,
		...(size.totalRows === undefined ? {} : { totalRows: Math.ceil(size.totalRows / 32) * 32 }),
	};
}
