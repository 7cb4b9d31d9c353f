/**
 * TracIn: how much the steps on a training row lowered the loss of a test example, to first order, at checkpoints of one training:
 *
 *     score_ij = sum over checkpoints of rate <grad l_i, grad l_j>
 *
 * `grad-dot` is the same at one network with rate 1 (Charpiat et al., "Input Similarity from the Neural Network Perspective", 2019).
 * Neither knows the curvature: rows with large gradients weigh most, and an order of rows is what it is good for.
 * Source: Pruthi et al., "Estimating Training Data Influence by Tracing Gradient Descent" (2020), section 3.2 (TracInCP).
 */
import { type FloatRows, gradients, type Network } from "../../compute/training/network.ts";
import type { Checkpoint } from "../../compute/training/train.ts";
import type { Cached, Meaning, Method, Pairs } from "../method.ts";
import { checkCheckpoints, checkNetworks } from "./checkpoints.ts";
import { ghostProducts, scaleRows } from "./ghost.ts";
import { meanOverTests } from "./mean.ts";
import { checkRows } from "./rows.ts";

export interface TracInParameters {
	/** Of one training, the earliest first. */
	readonly checkpoints: readonly Checkpoint[];
}

/**
 * TracIn over checkpoints.
 * @throws {DataError} from the factory: CHECKPOINT_ORDER, SHAPE_MISMATCH, DIVERGED, PARAMETER_OUT_OF_RANGE; from `cache` and `pairs`:
 *   TOO_FEW_ROWS, VALUE_NOT_NUMERIC, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE
 *
 * @example
 * const { checkpoints } = await train(rows, 10, { ...options, checkpoints: [10, 20, 30, 40, 50] });
 * const { scores } = await (await tracInMethod({ checkpoints }).cache(rows)).pairs(test);
 */
export function tracInMethod({ checkpoints }: TracInParameters): Method<FloatRows, FloatRows> {
	return firstOrder("tracin", checkCheckpoints(checkpoints, "tracin"), {
		unit: "loss of the test example (nats), to first order, per step of its row at each checkpoint",
		positive: "lowers the test loss",
	});
}

export interface GradDotParameters {
	readonly network: Network;
}

/**
 * Gradient inner products at one network.
 * @throws {DataError} from the factory: DIVERGED; from `cache` and `pairs`: TOO_FEW_ROWS, VALUE_NOT_NUMERIC, SHAPE_MISMATCH,
 *   LABEL_OUT_OF_RANGE
 */
export function gradDotMethod({ network }: GradDotParameters): Method<FloatRows, FloatRows> {
	return firstOrder(
		"grad-dot",
		checkNetworks([network], "grad-dot").map((one) => ({ network: one, rate: 1 })),
		{
			unit: "loss of the test example (nats), to first order, per step of length 1",
			positive: "lowers the test loss",
		},
	);
}

function firstOrder(name: string, points: readonly Pick<Checkpoint, "network" | "rate">[], meaning: Meaning): Method<FloatRows, FloatRows> {
	return {
		name,
		cache(train): Cached<FloatRows> {
			checkRows(train, name);
			const left = points.flatMap(({ network, rate }) => scaleRows(gradients(network, train), new Float32Array(train.x.rows).fill(rate)));
			const pairs = async (test: FloatRows, control = {}): Promise<Pairs> => {
				checkRows(test, name);
				const right = points.flatMap(({ network }) => gradients(network, test));
				const { values, rows, columns } = await ghostProducts(left, right, control);
				return { ...meaning, scores: values, entries: rows, tests: columns };
			};
			return { pairs, attribute: async (test, control) => meanOverTests(await pairs(test, control)) };
		},
	};
}
