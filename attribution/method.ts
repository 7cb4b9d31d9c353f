/**
 * What every attribution method has in common: it prepares itself for the training side once, then scores that side for any
 * number of test sets, and its results say what the numbers mean.
 */

/** A method over training data `Train` (one entry per row or contribution) and test data `Test`. */
export interface Method<Train, Test> {
	/** Stable name, for manifests and reports. */
	readonly name: string;
	/** The work that does not depend on a test set. */
	cache(train: Train): Cached<Test>;
}

/** A method that is ready for one training side. */
export interface Cached<Test> {
	attribute(test: Test): Attribution;
}

export interface Attribution {
	/** One score per entry of the training side, in its order. */
	readonly scores: Float64Array;
	/** What a score of 1 is. */
	readonly unit: string;
	/** What a positive score says of its entry; a negative one says the opposite. */
	readonly positive: string;
	/** What the scores add up to, in `unit` and computed without them; null if the method does not make them add up. */
	readonly total: number | null;
}

/**
 * How far the scores are from adding up, relative to what they should add up to.
 * @returns |sum - total| / |total|, at least 0 (not finite for a total of 0); null for a method whose scores do not add up
 */
export function efficiencyError({ scores, total }: Attribution): number | null {
	return total === null ? null : Math.abs(scores.reduce((sum, one) => sum + one, 0) - total) / Math.abs(total);
}
