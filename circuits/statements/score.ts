/** `score`: scoreCommit holds the ridge-path score of every contribution of a page. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { reduce } from "../field.ts";
import { entries, openPage, type PageParameters, pageArguments } from "../page.ts";
import { sponge, TAGS } from "../sponge.ts";
import type { Statistics } from "../statistics.ts";
import type { PathForms } from "./attribution.ts";

export function scoreCircuit(parameters: PageParameters): Circuit {
	const { places, d, k, statBits } = parameters;
	const signals = { publics: ["previousScores", "scoreCommit", "rows"], links: ["totalAt", "pathAt"], hasWords: true };
	return {
		statement: "score",
		id: `score-c${places}-d${d}-k${k}-s${statBits}`,
		source: mainSource("score", "Score", pageArguments(parameters), signals),
		...signals,
	};
}

/** S_c = <M, A_c> - <N, B_c>. */
export function score(stats: Statistics, forms: PathForms): bigint {
	let sum = 0n;
	stats.a.forEach((value, e) => {
		sum += (forms.m[e] as bigint) * value;
	});
	stats.b.forEach((value, i) => {
		sum -= (forms.n[i] as bigint) * value;
	});
	return sum;
}

/** scoreCommit = H("openledger.scores", count + 2^32 places, previousScores, scores of one page padded with zeros). */
export function commitScores(scores: readonly bigint[], places: number, previousScores: bigint): bigint {
	const padded = Array.from({ length: places }, (_, i) => reduce(scores[i] ?? 0n));
	return sponge(TAGS.scores, [BigInt(scores.length) + (BigInt(places) << 32n), previousScores, ...padded]);
}

/**
 * The statement about the scores of one page along the path with the given forms.
 * @param previousScores scoreCommit of the page before, 0 for the first
 * @throws CircuitError when the page does not fit
 */
export function scoreInstance(
	parameters: PageParameters,
	page: readonly Statistics[],
	forms: PathForms,
	previousScores: bigint,
): Instance & { readonly scores: readonly bigint[] } {
	const { total, words, inputs } = openPage(parameters, page);
	const scores = page.map((stats) => score(stats, forms));
	const scoreCommit = commitScores(scores, parameters.places, previousScores);
	const m = forms.m.map(reduce);
	const n = forms.n.map(reduce);
	return {
		circuit: scoreCircuit(parameters),
		publics: [previousScores, scoreCommit, total.rows],
		links: [entries(total), [...m, ...n]],
		words,
		scores,
		inputs: { previousScores, scoreCommit, rows: total.rows, ...inputs, m, n },
	};
}
