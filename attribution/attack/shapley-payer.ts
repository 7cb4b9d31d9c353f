/**
 * A payer to compare with: the exact Shapley value over names, of the drop of the query loss. It pays for the number of names, so under a
 * policy with clusters the players are those, and what a cluster earns is split among its names by rows.
 */
import { openReference } from "../../compute/reference/backend.ts";
import { sumStatistics } from "../../compute/statistics.ts";
import { splitByRows } from "../defence/clusters.ts";
import { payingQueries } from "../defence/defend.ts";
import type { DefencePolicy } from "../defence/policy.ts";
import type { DefenceContext, Submission } from "../defence/submission.ts";
import type { Screened } from "../defence/verdict.ts";
import { payoutShares } from "../shares.ts";
import { exactShapleyMethod } from "../valuation/exact-shapley.ts";
import { lossGame } from "../valuation/head-game.ts";

/** More names than these are too many coalitions. */
export const MOST_NAMES = 14;

/**
 * The share of each submission.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE above 16 players
 */
export async function sharesOverNames(
	submissions: readonly Submission[],
	screened: readonly Screened[],
	policy: DefencePolicy,
	{ d, k, queries, path }: DefenceContext,
): Promise<Float64Array> {
	const backend = openReference();
	const statistics = await Promise.all(
		submissions.map(({ rows }, c) => backend.statistics({ ...rows, weight: screened[c]?.weights as Uint8Array }, d, k)),
	);
	const query = await backend.statistics(payingQueries(queries, policy, d), d, k);
	await backend.close();
	const clusters = Uint32Array.from(screened, ({ cluster }, c) => (policy.clusters.on ? cluster : c));
	const members = Array.from({ length: Math.max(...clusters) + 1 }, (_, cluster) => statistics.filter((_, c) => clusters[c] === cluster));
	const players = members.map(sumStatistics);
	const present = players.map((_, cluster) => cluster).filter((cluster) => (players[cluster]?.n as number) > 0);
	const ridge = Number(path.lambda) * players.reduce((sum, { n }) => sum + n, 0);
	const method = exactShapleyMethod({
		game: (contributions: typeof players, test: typeof query) => lossGame({ contributions, query: test, ridge }),
	});
	const cached = await method.cache(present.map((cluster) => players[cluster] as (typeof players)[number]));
	const shares = payoutShares((await cached.attribute(query)).scores);
	const values = new Float64Array(players.length);
	present.forEach((cluster, i) => {
		values[cluster] = shares[i] as number;
	});
	return splitByRows(
		values,
		clusters,
		statistics.map(({ n }) => n),
	);
}
