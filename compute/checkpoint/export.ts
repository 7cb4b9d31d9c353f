/** The trained network of bytes of a checkpoint, without what only training needs. */
import { layerShapes } from "../architecture.ts";
import { DataError } from "../errors.ts";
import { BIAS_BITS, type IntegerArchitecture, MASTER_BITS } from "../integer-network.ts";
import { requantise } from "../reference/integers.ts";
import { checkState } from "../training/learners.ts";
import type { TrainingCheckpoint } from "./record.ts";

/** Parameters of a layer, see integer-network.ts. */
export interface IntegerParameters {
	/** inputs x outputs, row-major, in [-127, 127]. */
	readonly weights: Int8Array;
	/** One per output, in units of the sums. */
	readonly bias: Int32Array;
}

/**
 * The weights that masters stand for.
 * @throws {DataError} CHECKPOINT_MISMATCH for a run of another mode, or a state of another architecture
 */
export function exportNetwork({ manifest, state }: TrainingCheckpoint): {
	readonly architecture: IntegerArchitecture;
	readonly layers: readonly IntegerParameters[];
} {
	if (manifest.mode !== "integer") {
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`export: expected a run of mode integer, got one of mode ${manifest.mode}`,
			"Train a network in mode integer.",
		);
	}
	checkState(manifest, state, "export");
	const layers = layerShapes(manifest.architecture).map((_, l): IntegerParameters => {
		const master = (name: string) => state.find((tensor) => tensor.name === `layers.${l}.${name}`)?.values as Int32Array;
		const [weights, bias] = [master("weights"), master("bias")];
		const layer = { weights: new Int8Array(weights.length), bias: new Int32Array(bias.length) };
		requantise(weights, undefined, MASTER_BITS, [-127, 127], layer.weights);
		requantise(bias, undefined, MASTER_BITS - BIAS_BITS, [-(2 ** 31), 2 ** 31 - 1], layer.bias);
		return layer;
	});
	return { architecture: manifest.architecture, layers };
}
