/**
 * Leave-one-out correlation: whether attribution scores agree with what leaving out each row really does, for each test example.
 * The truth is measured by `leaveOneOutMethod` (influence/leave-one-out.ts): by retraining, for a ridge head by exact downdates.
 */
import { DataError } from "../../compute/errors.ts";
import type { Matrix } from "../../compute/matrix.ts";
import type { Pairs } from "../method.ts";
import { type PerTest, perTest } from "./per-test.ts";

export interface LeaveOneOutCorrelation {
	/** Pearson's correlation over rows, for each test example: also the sizes must agree. */
	readonly byValue: PerTest;
	/** Spearman's: only the order. */
	readonly byRank: PerTest;
}

/**
 * Correlate scores with the truth.
 * @param scores - of every training row on every test example, a positive one lowers the loss
 * @param truth - rows x tests: how much the loss of each test example rises when row `removed[i]` is left out
 * @param removed - the rows that were left out, at least 3; all by default
 * @throws {DataError} SHAPE_MISMATCH, TOO_FEW_ROWS; PARAMETER_OUT_OF_RANGE for a removed row that has no score
 *
 * @example
 * const truth = leaveOneOutMethod({ ridge }).cache(train).pairs(test);
 * const { byValue } = leaveOneOutCorrelation(influence.pairs(test), truth);
 */
export function leaveOneOutCorrelation(
	scores: Pick<Pairs, "scores" | "entries" | "tests">,
	truth: Pick<Pairs, "scores" | "entries" | "tests">,
	removed: ArrayLike<number> = Uint32Array.from({ length: scores.entries }, (_, row) => row),
): LeaveOneOutCorrelation {
	const rows = Array.from(removed);
	const outside = rows.find((row) => !(Number.isInteger(row) && row >= 0 && row < scores.entries));
	if (outside !== undefined) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`leaveOneOutCorrelation: expected removed rows in [0, ${scores.entries - 1}], got ${outside}`,
			"Number the rows as the scores do.",
		);
	}
	const measured: Matrix = { values: truth.scores, rows: truth.entries, columns: truth.tests };
	const values = new Float64Array(rows.length * scores.tests);
	rows.forEach((row, i) => {
		values.set(scores.scores.subarray(row * scores.tests, (row + 1) * scores.tests), i * scores.tests);
	});
	const predicted = { values, rows: rows.length, columns: scores.tests };
	return { byValue: perTest(predicted, measured, "value"), byRank: perTest(predicted, measured, "rank") };
}
