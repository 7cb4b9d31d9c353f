/** Networks on their way: what the methods over checkpoints are given. */
import { DataError } from "../../compute/errors.ts";
import type { Network } from "../../compute/training/network.ts";
import type { Checkpoint } from "../../compute/training/train.ts";

/**
 * The same checkpoints, if they are those of one training in their order.
 * @throws {DataError} CHECKPOINT_ORDER without one or if epochs do not increase; SHAPE_MISMATCH if sizes differ;
 *   DIVERGED; PARAMETER_OUT_OF_RANGE for a rate that is not above 0
 */
export function checkCheckpoints(checkpoints: readonly Checkpoint[], place: string): readonly Checkpoint[] {
	const epochs = checkpoints.map(({ epoch }) => epoch);
	if (epochs.length === 0 || !epochs.every((epoch, i) => i === 0 || epoch > (epochs[i - 1] as number))) {
		throw new DataError(
			"CHECKPOINT_ORDER",
			`${place}: expected checkpoints in ascending order of epochs, got [${epochs.join(", ")}]`,
			"Pass the checkpoints of one training, each once, the earliest first.",
		);
	}
	checkNetworks(
		checkpoints.map(({ network }) => network),
		place,
	);
	const bad = checkpoints.find(({ rate }) => !(rate > 0 && Number.isFinite(rate)));
	if (bad === undefined) return checkpoints;
	throw new DataError(
		"PARAMETER_OUT_OF_RANGE",
		`${place}: expected rates above 0, got ${bad.rate} at epoch ${bad.epoch}`,
		"Pass the step length of the training.",
	);
}

/**
 * The same networks, if there is one and all have the same sizes and finite weights.
 * @throws {DataError} TOO_FEW_ROWS without a network, SHAPE_MISMATCH, DIVERGED
 */
export function checkNetworks(networks: readonly Network[], place: string): readonly Network[] {
	const [first] = networks;
	if (first === undefined) {
		throw new DataError("TOO_FEW_ROWS", `${place}: no networks, at least 1 is needed`, "Train a network.");
	}
	const sizes = (network: Network) => network.layers.map(({ weights }) => `${weights.rows} x ${weights.columns}`).join(", ");
	const other = networks.findIndex((network) => sizes(network) !== sizes(first));
	if (other >= 0) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${place}: expected networks of ${sizes(first)}, got ${sizes(networks[other] as Network)} at ${other}`,
			"Pass networks of the same sizes.",
		);
	}
	const finite = ({ layers }: Network) =>
		layers.every(({ weights, bias }) => [weights.values, bias].every((some) => some.every(Number.isFinite)));
	const bad = networks.findIndex((network) => !finite(network));
	if (bad < 0) return networks;
	throw new DataError("DIVERGED", `${place}: expected finite weights, got others in network ${bad}`, "Train it again at a smaller rate.");
}
