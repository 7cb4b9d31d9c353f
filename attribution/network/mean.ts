/** From a score per pair to a score per entry. */
import type { Attribution, Pairs } from "../method.ts";

/** The mean over test examples, for methods whose scores do not add up. */
export function meanOverTests({ scores, entries, tests, unit, positive }: Pairs): Attribution {
	const means = Float64Array.from({ length: entries }, (_, i) => {
		let sum = 0;
		for (let j = 0; j < tests; j++) sum += scores[i * tests + j] as number;
		return sum / tests;
	});
	return { scores: means, unit: `mean over test examples of: ${unit}`, positive, total: null };
}
