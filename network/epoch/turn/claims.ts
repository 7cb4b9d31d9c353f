/** Contributors claim what they earned; charges are settled by the steward; stakes go back. */
import { claimOf } from "../../../ledger/payout-tree.ts";
import type { Turn } from "./turn.ts";

/** Claims what is open to be claimed. */
export async function claimAll(turn: Turn, words: readonly bigint[]): Promise<void> {
	const { epoch, steward } = turn;
	const { data, chain, signal } = turn.parts;
	const { activatesAt } = await chain.reader.account(epoch);
	if (!(await chain.reach(activatesAt, signal))) {
		turn.report("claims", 0, words.length, `claims open at ${new Date(Number(activatesAt) * 1000).toISOString()}: run again then`);
		return;
	}
	for (const [index, { owner }] of data.contributors.entries()) {
		signal?.throwIfAborted();
		const wallet = chain.wallet(`contributor/${owner}`);
		const own = await chain.client(wallet);
		if (!(await chain.reader.isClaimed(epoch, index))) {
			const claim = claimOf(epoch, words, index, turn.pageSize);
			const isCharge = ((claim.word >> 96n) & 1n) === 1n;
			await chain.act(isCharge ? "claim (charge)" : "claim", () => (isCharge ? steward : own).claim(claim));
		}
		if (((await chain.reader.contribution(epoch, index))?.stake ?? 0n) > 0n) {
			await chain.act("withdrawStake", () => own.withdrawStake({ epoch, index }));
		}
		turn.report("claims", index + 1, words.length, "claimed");
	}
}
