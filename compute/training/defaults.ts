/** Manifests from what a user says: a rate and a momentum mean the same in mode float and, to powers of two, in mode integer. */
import type { Architecture, ImageShape } from "../architecture.ts";
import { defaultShifts } from "../integer-network.ts";
import type { Quantisation } from "../quantisation.ts";
import type { FloatRecipeRule } from "./float-learner.ts";
import { rateShifts } from "./integer-recipe.ts";
import { type FloatManifest, type IntegerManifest, type RidgeManifest, rootsOf, TRAINING_SCHEMA } from "./manifest.ts";
import { ORDER, type TrainingData } from "./rows.ts";

/** Good for digits and MNIST, see docs/training.md. Rates are of mode integer, of mode float, and of Adam. */
export const DEFAULTS = { batch: 64, rates: { integer: 0.2, float: 0.1, adam: 0.001 }, momentum: 0.875, ridge: 1e-3 } as const;

export interface PlanOptions {
	readonly architecture: Architecture;
	readonly data: TrainingData;
	readonly quantisation?: Quantisation | null;
	readonly seed: bigint;
	readonly batch?: number | undefined;
	readonly halvings?: readonly number[] | undefined;
}

/** @param options.rate - of SGD on mean gradients @param options.momentum - what a velocity keeps, in [0, 1) */
export function integerManifest(
	options: PlanOptions & { readonly rate?: number | undefined; readonly momentum?: number | undefined },
): IntegerManifest {
	const { architecture: given, rate = DEFAULTS.rates.integer, momentum = DEFAULTS.momentum } = options;
	const architecture = { ...given, shifts: defaultShifts(given) };
	const common = descending(options);
	return {
		...common,
		mode: "integer",
		architecture,
		loss: "cross-entropy",
		rates: rateShifts(architecture, rate, common.batch),
		momentum: momentumShift(momentum),
	};
}

/** The shift whose 1 - 2^-shift is the nearest in powers of two; 0 for no momentum. */
export function momentumShift(momentum: number): number {
	return momentum === 0 ? 0 : Math.min(15, Math.max(1, Math.round(-Math.log2(1 - momentum))));
}

export function floatManifest(
	options: PlanOptions & { readonly loss?: FloatManifest["loss"]; readonly rule: FloatRecipeRule },
): FloatManifest {
	const { architecture, loss = "cross-entropy", rule } = options;
	return { ...descending(options), mode: "float", architecture, loss, rule };
}

/** @param options.ridge - relative to the mean loss */
export function ridgeManifest({
	data,
	quantisation = null,
	ridge = DEFAULTS.ridge,
}: Pick<PlanOptions, "data" | "quantisation"> & { readonly ridge?: number }): RidgeManifest {
	const input: ImageShape = { height: 1, width: 1, channels: data.train.d };
	return {
		...{ schema: TRAINING_SCHEMA, mode: "ridge", data: rootsOf(data), quantisation },
		...{ architecture: { input, layers: [{ kind: "dense", outputs: data.k }] }, loss: "squared", ridge },
	};
}

function descending({ data, quantisation = null, seed, batch = DEFAULTS.batch, halvings = [] }: PlanOptions) {
	return { schema: TRAINING_SCHEMA, data: rootsOf(data), quantisation, seed: String(seed), order: ORDER, batch, halvings } as const;
}
