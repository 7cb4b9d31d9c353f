/**
 * What every attribution method has in common: it prepares itself for the training side once, then scores that side for any
 * number of test sets, and its results say what the numbers mean.
 */

/** How long work is watched and stopped. */
export interface Control {
	/** Stops the work at its next step: it ends with the signal's reason. */
	readonly signal?: AbortSignal | undefined;
	/** Told of each step. */
	readonly progress?: ((done: number, of: number) => void) | undefined;
}

/** Methods that are done at once answer at once; long ones answer later, take a signal and tell of their progress. */
export type Awaitable<T> = T | Promise<T>;

/** A method over training data `Train` (one entry per row or contribution) and test data `Test`. */
export interface Method<Train, Test> {
	/** Stable name, for manifests and reports. */
	readonly name: string;
	/** The work that does not depend on a test set. */
	cache(train: Train, control?: Control): Awaitable<Cached<Test>>;
}

/** A method that is ready for one training side. */
export interface Cached<Test> {
	/** One score per training entry, for the test set as a whole (its mean). */
	attribute(test: Test, control?: Control): Awaitable<Attribution>;
	/** One score per training entry and test example; absent where the method has no such thing. */
	pairs?(test: Test, control?: Control): Awaitable<Pairs>;
}

/** A method that is done at once. */
export interface DirectMethod<Train, Test> extends Method<Train, Test> {
	cache(train: Train): DirectCached<Test>;
}

/** What a `DirectMethod` is ready with. */
export interface DirectCached<Test> extends Cached<Test> {
	attribute(test: Test): Attribution;
	pairs?(test: Test): Pairs;
}

/** What numbers mean. */
export interface Meaning {
	/** What a score of 1 is. */
	readonly unit: string;
	/** What a positive score says of its entry; a negative one says the opposite. */
	readonly positive: string;
}

export interface Attribution extends Meaning {
	/** One score per entry of the training side, in its order. */
	readonly scores: Float64Array;
	/** What the scores add up to, in `unit` and computed without them; null if the method does not make them add up. */
	readonly total: number | null;
	/** How sure a method is that draws samples; absent where nothing is drawn. */
	readonly sampling?: Sampling;
}

/** The error bars of a Monte-Carlo method. */
export interface Sampling {
	/** One standard error per score, in its unit. */
	readonly standardErrors: Float64Array;
	/** What was drawn, and how many: "240 permutations". */
	readonly drawn: string;
	/** Whether the rule below was met. Scores that have not converged are never shown without their error bars. */
	readonly converged: boolean;
	/** When it counts as converged. */
	readonly rule: string;
}

/** Scores of every training entry on every test example. */
export interface Pairs extends Meaning {
	/** entries x tests, row-major: `scores[i * tests + j]` is entry i on test example j. */
	readonly scores: Float32Array | Float64Array;
	readonly entries: number;
	readonly tests: number;
}

/**
 * How far the scores are from adding up, relative to what they should add up to.
 * @returns |sum - total| / |total|, at least 0 (not finite for a total of 0); null for a method whose scores do not add up
 */
export function efficiencyError({ scores, total }: Attribution): number | null {
	return total === null ? null : Math.abs(scores.reduce((sum, one) => sum + one, 0) - total) / Math.abs(total);
}
