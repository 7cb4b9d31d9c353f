/** Whether a factor can be trusted: rounding leaves tiny positive pivots where a matrix is singular. */
import type { Cholesky } from "./cholesky.ts";
import { DataError } from "./errors.ts";

/** Pivots below this part of the largest are rounding: nothing is left of float64's sixteen digits. */
const LEAST_RATIO = 1e-14;

/**
 * Refuse a factor whose pivots say that the matrix is singular in float64.
 * @param place - what was factorised, for the message
 * @throws {DataError} ILL_CONDITIONED
 */
export function checkPivots({ lower: { values, rows } }: Cholesky, place: string): void {
	let [least, most] = [Number.POSITIVE_INFINITY, 0];
	for (let i = 0; i < rows; i++) {
		const pivot = (values[i * rows + i] as number) ** 2;
		least = Math.min(least, pivot);
		most = Math.max(most, pivot);
	}
	if (least > most * LEAST_RATIO) return;
	throw new DataError(
		"ILL_CONDITIONED",
		`${place}: expected pivots within a factor of ${1 / LEAST_RATIO}, got ${least} to ${most}`,
		"Choose a larger ridge, or leave out features that are constant or depend on others.",
	);
}
