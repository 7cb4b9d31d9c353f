/** How likely a count is when only chance is at work. */

/**
 * A bound on the chance that at least `count` of `trials` events happen, whose chances are `mean` on average: the Chernoff bound
 * exp(-n KL(count / n || mean)). It holds for independent events with unequal chances and for draws without replacement
 * (their indicators are negatively associated), so it bounds the binomial and the hypergeometric tail from above.
 * Source: Hoeffding, "Probability inequalities for sums of bounded random variables" (1963), theorem 1 and section 6.
 * @returns the natural logarithm, at most 0
 */
export function logTail(count: number, trials: number, mean: number): number {
	const rate = count / trials;
	if (rate <= mean) return 0;
	if (mean <= 0) return -Infinity;
	const rest = rate === 1 ? 0 : (1 - rate) * Math.log((1 - rate) / (1 - mean));
	return -trials * (rate * Math.log(rate / mean) + rest);
}

/**
 * The chance that at least one of `marked` items is among `drawn` that are drawn from `all` without replacement.
 * @returns in [0, 1]
 */
export function atLeastOne(all: number, marked: number, drawn: number): number {
	if (marked + drawn > all) return 1;
	let none = 1;
	for (let i = 0; i < marked; i++) none *= (all - drawn - i) / (all - i);
	return 1 - none;
}
