/**
 * Beta Shapley: the semivalue that weighs the size of the set a player joins by a beta-binomial law. With n players the set has
 * j others with probability
 *
 *     p_j = C(n - 1, j) B(j + beta, n - 1 - j + alpha) / B(alpha, beta)
 *
 * (1, 1) is the Shapley value; (16, 1) looks at small sets, where noise shows; (1, 16) at large ones, as leave-one-out does.
 * Source: Kwon and Zou, "Beta Shapley: a Unified and Noise-reduced Data Valuation Framework" (AISTATS 2022).
 */
import { DataError } from "../../compute/errors.ts";
import type { Method } from "../method.ts";
import type { SamplingParameters } from "./estimate.ts";
import type { GameParameters } from "./exact-shapley.ts";
import { permutationValues } from "./permutations.ts";

export interface BetaShapleyParameters<Train, Test> extends GameParameters<Train, Test>, SamplingParameters {
	/** Above 0; the larger, the smaller the sets. */
	readonly alpha: number;
	/** Above 0; the larger, the larger the sets. */
	readonly beta: number;
}

/**
 * Beta Shapley values by random orders, with their standard errors; they do not add up unless alpha = beta = 1.
 * @throws {DataError} from `attribute`: PARAMETER_OUT_OF_RANGE, and what the game throws
 */
export function betaShapleyMethod<Train, Test>(parameters: BetaShapleyParameters<Train, Test>): Method<Train, Test> {
	const { game, alpha, beta } = parameters;
	return {
		name: "beta-shapley",
		cache: (train) => ({
			async attribute(test, control) {
				const played = await game(train, test);
				// In a random order every size is equally likely, 1 / n.
				const weights = betaSizes(played.players, alpha, beta).map((p) => p * played.players);
				return { ...(await permutationValues("beta-shapley", played, { ...parameters, weights, tolerance: -1 }, control)), total: null };
			},
		}),
	};
}

/**
 * p_j for j in [0, n - 1]: how likely a player joins j others.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function betaSizes(players: number, alpha: number, beta: number): Float64Array {
	for (const [name, value] of Object.entries({ alpha, beta })) {
		if (value > 0 && Number.isFinite(value)) continue;
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`beta-shapley: expected ${name} above 0, got ${value}`,
			"1 and 1 give the Shapley value.",
		);
	}
	const others = players - 1;
	// Logarithms, as the first term may be below what float64 holds.
	const logs = new Float64Array(players);
	for (let j = 1; j < players; j++) {
		logs[j] = (logs[j - 1] as number) + Math.log(((others - j + 1) * (j - 1 + beta)) / (j * (others - j + alpha)));
	}
	const most = logs.reduce((largest, value) => Math.max(largest, value), -Infinity);
	const raw = logs.map((value) => Math.exp(value - most));
	const sum = raw.reduce((total, value) => total + value, 0);
	return raw.map((value) => value / sum);
}
