/**
 * Charges against stakes. A contributor is paid the signed sum of its rows, so what good rows earn pays for bad ones; a negative sum is
 * charged, no more than the stake. Whoever moves bad rows to a name without stake has gained nothing if its names are known to be
 * one: what a name owes beyond its stake is taken from the earnings of its cluster.
 */

export interface Settled {
	/** What each name is paid (positive) or charged (negative), as a share of the pool. */
	readonly share: Float64Array;
	/** What is taken from each stake. */
	readonly charge: Float64Array;
	/** What nobody pays. */
	readonly uncovered: Float64Array;
}

/**
 * @param shares - positive ones are earned, negative ones are owed
 * @param stakes - at least 0, in shares of the pool; unlimited where undefined
 * @param clusters - the cluster of each name
 */
export function chargeStakes(shares: Float64Array, stakes: readonly (number | undefined)[], clusters: ArrayLike<number>): Settled {
	const charge = shares.map((value, c) => Math.min(Math.max(0, -value), stakes[c] ?? Infinity));
	const share = shares.map((value, c) => (value > 0 ? value : 0 - (charge[c] as number)));
	const uncovered = shares.map((value, c) => Math.max(0, -value) - (charge[c] as number));
	const [owed, earned] = [new Map<number, number>(), new Map<number, number>()];
	const add = (map: Map<number, number>, cluster: number, value: number) => map.set(cluster, (map.get(cluster) ?? 0) + value);
	shares.forEach((value, c) => {
		add(owed, clusters[c] as number, uncovered[c] as number);
		add(earned, clusters[c] as number, Math.max(0, value));
	});
	shares.forEach((value, c) => {
		const [debt, income] = [owed.get(clusters[c] as number) as number, earned.get(clusters[c] as number) as number];
		if (debt === 0 || income === 0) return;
		const paid = Math.min(debt, income);
		if (value > 0) share[c] = value * (1 - paid / income);
		else uncovered[c] = (uncovered[c] as number) * (1 - paid / debt);
	});
	return { share, charge, uncovered };
}
