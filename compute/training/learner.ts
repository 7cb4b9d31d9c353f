/** What is common to all ways of learning: steps on batches, a state that is all that the next step depends on, and sums that say how good it is. */
import type { Arrays } from "../tensor.ts";
import type { Sums } from "./sums.ts";

export interface StateArrays extends Pick<Arrays, "i32" | "f32"> {
	readonly f64: Float64Array;
}

export type StateElement = keyof StateArrays;

/** A named matrix of a state, rows x columns. */
export interface StateTensor<E extends StateElement = StateElement> {
	readonly name: string;
	readonly element: E;
	readonly rows: number;
	readonly columns: number;
	readonly values: StateArrays[E];
}

/** Where in a run a step is. */
export interface Position {
	/** From 0. */
	readonly epoch: number;
	/** Number of the step in the run, from 0. */
	readonly step: number;
}

/** Something that learns on a backend. */
export interface Learner {
	/** One step on the rows of a batch. Returns at once; what it costs and says comes with `drain`. */
	step(batch: Uint32Array, position: Position): void;
	/** Adds the rows of all steps since the last call, in their order, each step by the weights that it began with. */
	drain(sums: Sums): Promise<Sums>;
	/** Sums over the rows held out. */
	test(): Promise<Sums | undefined>;
	/** All that the next step depends on beside its position and rows. */
	state(): Promise<StateTensor[]>;
	/** Frees the tensors. */
	close(): void;
}
