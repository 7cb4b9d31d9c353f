/** Every statement that has a circuit, at the sizes of one epoch. */
import type { Circuit } from "../circuits/circuit.ts";
import { type EpochStatements, epochCircuits, epochStatements, type ParameterSet, ROLES } from "../circuits/parameters.ts";
import { contributionStatBits } from "../circuits/statements/contribution.ts";
import { type EvaluationParameters, evaluationCircuit } from "../circuits/statements/evaluation.ts";
import { type KnnShapleyParameters, knnShapleyCircuit } from "../circuits/statements/knn-shapley.ts";
import { type TrainingStepParameters, trainingStepCircuit } from "../circuits/statements/training-step.ts";

/** Parameters of every statement. */
export interface Statements extends EpochStatements {
	readonly evaluation: EvaluationParameters;
	readonly "knn-shapley": KnnShapleyParameters;
	readonly "training-step": TrainingStepParameters;
}

export type CircuitRole = keyof Statements;
/** Those of an epoch, and those that no epoch asks for yet. */
export const CIRCUIT_ROLES: readonly CircuitRole[] = [...ROLES, "evaluation", "knn-shapley", "training-step"];

/**
 * The statements of a set. The evaluation set is committed by the circuit of queries, whose weights may all be 1; neighbours are sought for four queries among a page of
 * contributions; a step takes batches of up to 32 rows out of 1,024 and has 16 hidden units.
 */
export function statementsOf(set: ParameterSet): Statements {
	const epoch = epochStatements(set);
	const { rows, places, d, k } = set;
	return {
		...epoch,
		evaluation: { optimum: epoch.optimum, statBits: contributionStatBits(epoch.query) },
		"knn-shapley": { places, rows, d, k, queries: 4, neighbours: 5 },
		"training-step": { n: Math.min(32, rows), d, h: 16, k, levels: 10, fractionBits: 16, rate: 655 },
	};
}

export function circuitsOf(set: ParameterSet): Record<CircuitRole, Circuit> {
	const statements = statementsOf(set);
	return {
		...epochCircuits(set),
		evaluation: evaluationCircuit(statements.evaluation),
		"knn-shapley": knnShapleyCircuit(statements["knn-shapley"]),
		"training-step": trainingStepCircuit(statements["training-step"]),
	};
}
