/** The pool, and who gets which part of it. */
import { pagesOf } from "../../../circuits/page.ts";
import { epochStatements } from "../../../circuits/parameters.ts";
import { payoutInstance, positiveSum } from "../../../circuits/statements/payout.ts";
import type { Turn } from "./turn.ts";

/** What an epoch pays. */
export interface Payout {
	readonly words: readonly bigint[];
	/** wei */
	readonly pool: bigint;
	readonly dust: bigint;
}

/**
 * Funds the epoch, proves the payouts of its scores and posts them.
 * @param previous the epoch whose dust is carried over
 */
export async function postPayout(turn: Turn, scores: readonly bigint[], previous: bigint | undefined): Promise<Payout> {
	const { epoch, steward, pageSize } = turn;
	const purse = `pool-${turn.parts.turn}`;
	const { config, data, journal, chain } = turn.parts;
	const { payout } = epochStatements(data.set);
	const account = await chain.reader.account(epoch);
	let pool: bigint;
	if (account.status === "None") {
		if (previous !== undefined && (await chain.reader.account(previous)).dust > 0n) {
			await chain.act("carryDust", () => steward.carryDust({ from: previous, to: epoch }));
		}
		if (account.balance < config.pool) {
			await chain.equip(chain.steward, config.pool);
			await chain.act("fund", () => steward.fund({ epoch, amount: config.pool }));
		}
		pool = (await chain.reader.account(epoch)).balance;
		await journal.keep(purse, { pool: pool.toString() });
	} else {
		// Posted by the run that this one continues: the account no longer says how large the pool was.
		pool = BigInt(((await journal.recall(purse)) as { pool: string }).pool);
	}
	const positive = positiveSum(scores);
	const instances: ReturnType<typeof payoutInstance>[] = [];
	for (const [i, page] of pagesOf(scores, pageSize).entries()) {
		const previousScores = instances.at(-1)?.publics[1] ?? 0n;
		instances.push(payoutInstance(payout, page, pool, { previousScores, first: i * pageSize, positive }));
	}
	turn.report("payout", 0, instances.length, "proving");
	const made = await Promise.all(instances.map((instance, i) => turn.prove(turn.plan("payout", `payout-${i}`, instance))));
	if (account.status === "None") {
		const posted = await chain.reader.payoutPages(epoch, { pool, positive, pageSize });
		for (const { publics, words, proof } of made.slice(posted)) {
			await chain.act("postPayout", () => steward.postPayout({ epoch, pageSize, publics, words, proof }));
		}
	}
	turn.report("payout", made.length, made.length, "payout proven and posted");
	const paid = instances.reduce((sum, instance) => sum + instance.paid, 0n);
	return { words: instances.flatMap(({ words }) => words), pool, dust: pool - paid };
}
