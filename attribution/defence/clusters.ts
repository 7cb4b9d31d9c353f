/**
 * Evidence clusters: names that stand for one source are one player. A Shapley value over names pays for the number of names (split into
 * five: +89 % on digits); over clusters it does not, and inside a cluster the value is split by rows, which no renaming changes.
 * What is linked outside (source, wallet) is evidence as well as what is found here (copies). Names that nothing links stay apart: then only a
 * method that adds up over rows, as the ridge path, is safe.
 */
import type { Submission } from "./submission.ts";

/** For each submission the number of its cluster, counted from 0 in order of first appearance. */
export function evidenceClusters(submissions: readonly Submission[], copies: readonly (readonly [number, number])[]): Uint32Array {
	const parent = Array.from(submissions, (_, c) => c);
	const root = (c: number): number => (parent[c] === c ? c : root(parent[c] as number));
	const join = (a: number, b: number) => {
		parent[Math.max(root(a), root(b))] = Math.min(root(a), root(b));
	};
	for (const key of ["source", "wallet"] as const) {
		const first = new Map<string, number>();
		submissions.forEach(({ [key]: name }, c) => {
			if (name === undefined) return;
			const known = first.get(name);
			if (known === undefined) first.set(name, c);
			else join(known, c);
		});
	}
	for (const [a, b] of copies) join(a, b);
	const numbers = new Map<number, number>();
	return Uint32Array.from(submissions, (_, c) => {
		const own = root(c);
		const known = numbers.get(own) ?? numbers.size;
		numbers.set(own, known);
		return known;
	});
}

/**
 * The value of each cluster split among its names by the weight of their rows.
 * @param values - one per cluster
 * @param weights - one per submission, at least 0; a cluster without weight splits evenly
 */
export function splitByRows(values: ArrayLike<number>, clusters: Uint32Array, weights: ArrayLike<number>): Float64Array {
	const [sum, names] = [new Float64Array(values.length), new Float64Array(values.length)];
	clusters.forEach((cluster, c) => {
		(sum[cluster] as number) += weights[c] as number;
		(names[cluster] as number) += 1;
	});
	return Float64Array.from(clusters, (cluster, c) => {
		const part = sum[cluster] === 0 ? 1 / (names[cluster] as number) : (weights[c] as number) / (sum[cluster] as number);
		return (values[cluster] as number) * part;
	});
}
