/** One epoch of a run, in order: commit, train, queries, attribution, payout, claims. */
import { epochStatements } from "../../circuits/parameters.ts";
import { OMEGA_BITS, SHIFT } from "../../circuits/path.ts";
import { attributionPath, queryScale } from "../../circuits/statements/attribution.ts";
import { headExponent } from "../../circuits/statements/optimum.ts";
import { accuracy, loss } from "../../compute/head.ts";
import { exactPath, ridgePath } from "../../compute/path.ts";
import { solveRidge } from "../../compute/ridge.ts";
import { sumStatistics } from "../../compute/statistics.ts";
import { epochHistory } from "../../ledger/events.ts";
import { claimOf, payoutRoots } from "../../ledger/payout-tree.ts";
import type { ContributorLine, DatasetManifest, PayoutsFile } from "./bundle.ts";
import type { Hex } from "./json.ts";
import { outcomeOf } from "./outcome.ts";
import type { ProofFigure } from "./report.ts";
import { postAttribution } from "./turn/attribution.ts";
import { postCheckpoint } from "./turn/checkpoint.ts";
import { claimAll } from "./turn/claims.ts";
import { commitContributions } from "./turn/commit.ts";
import { type Payout, postPayout } from "./turn/payout.ts";
import { postQueries } from "./turn/queries.ts";
import { type RunParts, Turn } from "./turn/turn.ts";

/** An epoch that has run. */
export interface EpochOutcome {
	readonly turn: Turn;
	readonly figures: readonly ProofFigure[];
	readonly checkpoint: { readonly accuracy: number; readonly loss: number; readonly efficiencyError: number };
	readonly manifests: readonly DatasetManifest[];
	readonly scores: readonly bigint[];
}

/**
 * Runs one epoch, or continues one.
 * @param previous the epoch before, whose dust is carried over
 */
export async function runTurn(parts: RunParts, previous: bigint | undefined): Promise<EpochOutcome> {
	const { clock } = parts;
	const turn = await Turn.open(parts);
	const contributions = await clock.time("commit", () => commitContributions(turn));
	const trained = await clock.time("train", () => train(turn));
	const head = Array.from(trained.head, BigInt);
	const model = await clock.time("checkpoint", () => postCheckpoint(turn, contributions, head, trained.checkpoint));
	const queries = await clock.time("queries", () => postQueries(turn, model, trained.head));
	const list = contributions.map(({ statistics }) => statistics);
	const attributed = await clock.time("attribution", () => attribute(turn, trained, list, queries));
	const paid = await clock.time("payout", () => postPayout(turn, attributed.scores, previous));
	await clock.time("claims", () => claimAll(turn, paid.words));
	await writePayouts(turn, attributed, paid);
	return {
		turn,
		figures: turn.proofs.figures,
		checkpoint: { ...trained.checkpoint, efficiencyError: attributed.efficiencyError },
		manifests: contributions.map(({ manifest }) => manifest),
		scores: attributed.scores,
	};
}

/** Pays the dust of the last epoch back to the funder. */
export async function returnDust({ epoch, steward, parts: { chain } }: Turn): Promise<void> {
	const account = await chain.reader.account(epoch);
	if (account.dust > 0n && account.activatesAt <= (await chain.reader.now())) {
		await chain.act("returnDust", () => steward.returnDust(epoch));
	}
}

/** Writes who was paid, from the chain's events, and holds it against the proven words. */
export async function writeOutcome({ turn, manifests, scores }: EpochOutcome): Promise<readonly ContributorLine[]> {
	const { chain, config } = turn.parts;
	const history = await epochHistory({ provider: chain.provider, deployment: chain.deployment, epoch: turn.epoch });
	const file = outcomeOf(history, manifests, scores, turn.parts.turn === config.epochs - 1);
	await turn.write("contributors.json", file);
	await turn.write("transactions.json", chain.transactions);
	return file.contributors;
}

/** The ridge head of all contributions, and how good it is. */
async function train(turn: Turn) {
	const { data, backend } = turn.parts;
	const { d, k } = data.set;
	turn.report("train", 0, 1, "ridge head");
	const total = sumStatistics(await Promise.all(data.contributors.map(({ rows }) => backend.statistics(rows, d, k))));
	const exponent = headExponent(epochStatements(data.set).optimum);
	const { x: head } = solveRidge(total, data.set.lambda * BigInt(total.n), 1n << BigInt(exponent));
	const held = await backend.statistics(data.evaluation, d, k);
	const checkpoint = { accuracy: accuracy(head, data.evaluation, d, k), loss: loss(held, head, 2 ** exponent) };
	turn.report("train", 1, 1, `accuracy ${(100 * checkpoint.accuracy).toFixed(1)} % on ${data.evaluation.count} held-out rows`);
	return { total, head, scale: 2 ** exponent, checkpoint };
}

/** Scores along the ridge path, and by how much they miss the drop of the query loss. */
async function attribute(
	turn: Turn,
	{ total, head, scale }: Awaited<ReturnType<typeof train>>,
	list: Parameters<typeof postAttribution>[1],
	queries: Awaited<ReturnType<typeof postQueries>>,
) {
	const { data, backend } = turn.parts;
	const { d, k } = data.set;
	const parameters = attributionPath(epochStatements(data.set).attribution);
	const statistics = await backend.statistics(queries.rows, d, k);
	const path = exactPath(ridgePath(total, statistics, parameters));
	const scores = await postAttribution(turn, list, queries.statistics, path);
	const t = queryScale(BigInt(total.n), BigInt(statistics.n));
	const scoreUnit = 2 ** (SHIFT - parameters.scoreExponent - OMEGA_BITS) / (Number(t) * statistics.n);
	const lossBefore = loss(statistics, new Float64Array(d * k));
	const lossAfter = loss(statistics, head, scale);
	const gained = Number(scores.reduce((sum, score) => sum + score, 0n)) * scoreUnit;
	return { scores, scoreUnit, lossBefore, lossAfter, efficiencyError: Math.abs(gained / (lossBefore - lossAfter) - 1) };
}

async function writePayouts(turn: Turn, attributed: Awaited<ReturnType<typeof attribute>>, { words, pool, dust }: Payout): Promise<void> {
	const { scores, scoreUnit, lossBefore, lossAfter } = attributed;
	const { epoch, pageSize } = turn;
	await turn.write("payouts.json", {
		schema: "openledger.payouts.v1",
		scores: scores.map(String),
		scoreUnit,
		lossBefore,
		lossAfter,
		pool: pool.toString(),
		dust: dust.toString(),
		words: words.map(String),
		pageSize,
		roots: payoutRoots(epoch, words, pageSize) as Hex[],
		claims: words.map((_, index) => claimOf(epoch, words, index, pageSize).proof),
	} satisfies PayoutsFile);
}
