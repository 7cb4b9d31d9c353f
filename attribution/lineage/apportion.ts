/**
 * An integer split in proportion to weights, to the last unit: everybody gets the part rounded down, and the units left go one each to the largest
 * fractions, of equal ones to the earlier (largest remainder, Hamilton's rule).
 */

/**
 * @param total - at least 0
 * @param weights - at least 0 each, above 0 together
 * @returns parts that add up to `total`, each `total weight / sum` rounded down or up; 0 for a weight of 0
 * @throws {RangeError} if the weights add up to 0
 */
export function apportion(total: bigint, weights: readonly bigint[]): bigint[] {
	const sum = weights.reduce((all, weight) => all + weight, 0n);
	if (sum <= 0n) throw new RangeError(`apportion: expected weights that add up to more than 0, got ${sum}`);
	const parts = weights.map((weight) => (total * weight) / sum);
	const left = total - parts.reduce((all, part) => all + part, 0n);
	const rests = weights.map((weight, i) => ({ i, rest: (total * weight) % sum }));
	rests.sort((a, b) => (a.rest === b.rest ? a.i - b.i : a.rest > b.rest ? -1 : 1));
	for (const { i } of rests.slice(0, Number(left))) (parts[i] as bigint)++;
	return parts;
}
