/** What the tests of this folder share: small epochs of drawn rows, without a file. */

import { pathParameters } from "../../circuits/path.ts";
import type { Rows } from "../../circuits/statistics.ts";
import { below, type Generator, generator } from "../../compute/random.ts";
import type { DefenceContext, QuerySet, Submission } from "./submission.ts";

export const D = 12;
export const K = 3;

/** Rows around one centre per class: a sum of three uniform draws for each value, so that most distances are alike. The last feature is the bias. */
export function drawRows(count: number, next: Generator, d = D, k = K): Rows {
	const label = Uint8Array.from({ length: count }, (_, row) => row % k);
	const x = Uint8Array.from({ length: count * d }, (_, i) => {
		if (i % d === d - 1) return 255;
		const centre = 105 + 40 * ((label[Math.floor(i / d)] as number) === (i % d) % k ? 1 : 0);
		return Math.max(0, Math.min(255, centre + below(next, 75) + below(next, 75) + below(next, 75) - 111));
	});
	return { x, label, weight: new Uint8Array(count).fill(1), count };
}

export interface Drawn {
	readonly submissions: Submission[];
	readonly queries: QuerySet;
	readonly context: DefenceContext;
}

/** An honest epoch: contributors 1, 2, ... in the order of commitment, the queries at time 0. */
export function drawEpoch(contributors: number, rows: number, seed: bigint): Drawn {
	const next = generator(seed);
	const submissions = Array.from({ length: contributors }, (_, c) => ({
		contributor: `c${c}`,
		rows: drawRows(rows, next),
		committed: c + 1,
	}));
	const queries = { rows: drawRows(rows, next), committed: 0 };
	return { submissions, queries, context: { d: D, k: K, queries, path: pathParameters(D, 4) } };
}
