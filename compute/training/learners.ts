/** The learner of each kind of run, and the state that a run begins with. */
import type { Backend } from "../backend.ts";
import { DataError } from "../errors.ts";
import { FloatLearner, type FloatRecipe, firstFloats } from "./float-learner.ts";
import { IntegerLearner } from "./integer-learner.ts";
import { firstMasters } from "./integer-recipe.ts";
import type { Learner, StateTensor } from "./learner.ts";
import type { FloatManifest, TrainingManifest } from "./manifest.ts";
import { firstHead, RidgeLearner } from "./ridge-learner.ts";
import type { TrainingData } from "./rows.ts";

/** The state before the first step: a function of the manifest. */
export function firstState(manifest: TrainingManifest): StateTensor[] {
	if (manifest.mode === "ridge") return firstHead(manifest.data.d, manifest.data.k);
	if (manifest.mode === "integer") return firstMasters(manifest.architecture, BigInt(manifest.seed));
	return firstFloats(floatRecipe(manifest));
}

/**
 * What goes on from a state. The caller closes it.
 * @throws {DataError} those of the backend
 */
export function openLearner(backend: Backend, manifest: TrainingManifest, data: TrainingData, state: readonly StateTensor[]): Learner {
	if (manifest.mode === "ridge") return new RidgeLearner(backend, manifest.ridge, data, state);
	if (manifest.mode === "integer") return new IntegerLearner(backend, manifest, data, state);
	return new FloatLearner(backend, floatRecipe(manifest), data, state);
}

function floatRecipe(manifest: FloatManifest): FloatRecipe {
	return { ...manifest, seed: BigInt(manifest.seed) };
}

/** Shapes of the states of runs, known once a run has begun. */
const shapes = new WeakMap<TrainingManifest, readonly string[]>();

function say(state: readonly StateTensor[]): string[] {
	return state.map(({ name, rows, columns, element }) => `${name} ${rows} x ${columns} of ${element}`);
}

/**
 * Refuse a state that is of another architecture, or is none.
 * @param source - where it is from, for messages
 * @throws {DataError} CHECKPOINT_MISMATCH, naming both; DIVERGED for values that are not finite
 */
export function checkState(manifest: TrainingManifest, state: readonly StateTensor[], source: string): void {
	const expected = shapes.get(manifest) ?? say(firstState(manifest));
	shapes.set(manifest, expected);
	const got = say(state);
	const at = expected.findIndex((tensor, i) => tensor !== got[i]);
	if (at >= 0 || got.length > expected.length) {
		const place = at >= 0 ? at : expected.length;
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`${source}: expected ${expected[place] ?? "no more tensors"} (of the run's architecture), got ${got[place] ?? "no more tensors"}`,
			"Give a checkpoint of this run, or begin a run of the other architecture.",
		);
	}
	for (const tensor of state) {
		const bad = tensor.element === "i32" ? -1 : (tensor.values as Float32Array).findIndex((value) => !Number.isFinite(value));
		if (bad < 0) continue;
		throw new DataError(
			"DIVERGED",
			`${source}: ${tensor.name}, row ${Math.floor(bad / tensor.columns)}, column ${bad % tensor.columns}: expected a finite number, got ${tensor.values[bad]}`,
			"Go on from an earlier checkpoint, with a smaller rate or scaled features in a new run.",
		);
	}
}
