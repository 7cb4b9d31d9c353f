/** Proves and posts the path, the scores of every page and the queries they are for. */
import { pagesOf } from "../../../circuits/page.ts";
import { epochStatements } from "../../../circuits/parameters.ts";
import { attributionInstance } from "../../../circuits/statements/attribution.ts";
import { scoreInstance } from "../../../circuits/statements/score.ts";
import { totalInstance } from "../../../circuits/statements/total.ts";
import { type Statistics, sumStatistics } from "../../../circuits/statistics.ts";
import type { exactPath } from "../../../compute/path.ts";
import type { MadeProof } from "../proofs.ts";
import type { Turn } from "./turn.ts";

/**
 * @param list statistics of each contribution
 * @param queries statistics of each page of queries
 * @returns a score for each contribution
 */
export async function postAttribution(
	turn: Turn,
	list: readonly Statistics[],
	queries: readonly Statistics[],
	path: ReturnType<typeof exactPath>,
): Promise<bigint[]> {
	const { epoch, steward } = turn;
	const { data, chain } = turn.parts;
	const { d, k } = data.set;
	const statements = epochStatements(data.set);
	const instance = attributionInstance(statements.attribution, sumStatistics(list, d, k), sumStatistics(queries, d, k), path);
	const pages: ReturnType<typeof scoreInstance>[] = [];
	for (const page of pagesOf(list, statements.score.places)) {
		pages.push(scoreInstance(statements.score, page, instance.forms, pages.at(-1)?.publics[1] ?? 0n));
	}
	const queryPages = pagesOf(queries, statements["query-total"].places).map((page) => totalInstance(statements["query-total"], page));
	const made = await turn.proveTogether("attribution", [
		...queryPages.map((page, i) => turn.plan("query-total", `query-total-${i}`, page)),
		...pages.map((page, i) => turn.plan("score", `score-${i}`, page)),
		turn.plan("attribution", "attribution", instance),
	]);
	const joined = made.pop() as MadeProof;
	if ((await chain.reader.phase(epoch)) === "QueriesPosted") {
		const posted = await chain.reader.joint(epoch, "Attribution", joined.transcript);
		for (const page of made.slice(posted.queryPages, queryPages.length)) {
			await chain.act("postQueryTotal", () => steward.postQueryTotal({ epoch, ...page }));
		}
		for (const page of made.slice(queryPages.length + posted.pages)) {
			await chain.act("postScores", () => steward.postScores({ epoch, ...page }));
		}
		await chain.act("postAttribution", () => steward.postAttribution({ epoch, ...joined }));
	}
	turn.report("attribution", made.length + 1, made.length + 1, "scores proven and posted");
	return pages.flatMap(({ scores }) => scores);
}
