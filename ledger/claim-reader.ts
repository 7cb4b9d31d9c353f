/** What a wallet is owed over all epochs, from events alone. */
import { type Provider, zeroPadValue } from "ethers";
import type { ContributedEvent, WalletRotatedEvent } from "../verifier-contracts/generated/types/ContributionRegistry.ts";
import { rethrow } from "./actions.ts";
import { interfaces } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { type EpochHistory, epochHistory } from "./events.ts";
import { decodeLogs, fetchLogs } from "./logs.ts";
import { type Claim, claimOf, readWord } from "./payout-tree.ts";

/** A word of a posted payout that nobody settled yet. */
export interface Owed {
	readonly epoch: bigint;
	/** place of the contribution in the epoch */
	readonly index: number;
	/** wei: paid, or charged to the stake */
	readonly amount: bigint;
	readonly isCharge: boolean;
	/** from this second on the word can be settled */
	readonly activatesAt: bigint;
	readonly claim: Claim;
}

/** A payout whose words do not stand in the transactions that posted it, so that nobody can tell what it owes. */
export interface Hidden {
	readonly epoch: bigint;
	readonly index: number;
}

/**
 * Everything that is owed to a wallet: words of contributions that are its own now, in payouts that were neither vetoed nor swept.
 *
 * @param options.wallet address
 * @param options.span blocks per request, 10,000 by default
 * @returns oldest epoch first; what was charged but not settled is among it
 * @throws LedgerError `node.*`, `events.incomplete`
 */
export async function owedTo(options: {
	provider: Provider;
	deployment: Deployment;
	wallet: string;
	span?: number;
}): Promise<{ owed: Owed[]; hidden: Hidden[] }> {
	const { provider, deployment, wallet, span = 10_000 } = options;
	const toBlock = await provider.getBlockNumber().catch(rethrow);
	const owed: Owed[] = [];
	const hidden: Hidden[] = [];
	for (const epoch of await epochsOf({ provider, deployment, wallet, toBlock, span })) {
		const history = await epochHistory({ provider, deployment, epoch, toBlock, span });
		const found = openWords(history, wallet);
		owed.push(...found.owed);
		hidden.push(...found.hidden);
	}
	return { owed, hidden };
}

/** The words of an epoch that are open and belong to a wallet. */
export function openWords(history: EpochHistory, wallet: string): { owed: Owed[]; hidden: Hidden[] } {
	const { epoch, payout, veto, swept, contributions } = history;
	if (payout === undefined || veto !== undefined || swept !== undefined) return { owed: [], hidden: [] };
	const mine = contributions.filter((one) => one.wallet.toLowerCase() === wallet.toLowerCase() && one.settled === undefined);
	const { words, pageSize, activatesAt } = payout;
	if (words === undefined) return { owed: [], hidden: mine.map(({ index }) => ({ epoch, index })) };
	const owed = mine.map(({ index }) => {
		const claim = claimOf(epoch, words, index, pageSize);
		const { amount, isCharge } = readWord(claim.word);
		return { epoch, index, amount, isCharge, activatesAt, claim };
	});
	return { owed, hidden: [] };
}

/** Epochs with contributions that were the wallet's at some time. */
async function epochsOf(options: {
	provider: Provider;
	deployment: Deployment;
	wallet: string;
	toBlock: number;
	span: number;
}): Promise<bigint[]> {
	const { provider, deployment, wallet, toBlock, span } = options;
	const fetch = async (name: string, ...topics: (string | null)[]) => {
		const topic = interfaces.ContributionRegistry.getEvent(name)?.topicHash as string;
		const range = { fromBlock: deployment.block, toBlock, span };
		const address = deployment.contracts.ContributionRegistry;
		return decodeLogs(deployment.contracts, await fetchLogs(provider, { address, topics: [topic, ...topics], ...range }));
	};
	const [contributed, rotated] = await Promise.all([
		fetch("Contributed", null, null, zeroPadValue(wallet, 32)),
		// The new wallet of a rotation is no topic.
		fetch("WalletRotated"),
	]);
	const epochs = new Set(contributed.map(({ args }) => (args as unknown as ContributedEvent.OutputObject).epoch));
	for (const { args } of rotated) {
		const { epoch, to } = args as unknown as WalletRotatedEvent.OutputObject;
		if (to.toLowerCase() === wallet.toLowerCase()) epochs.add(epoch);
	}
	return [...epochs].sort((one, other) => (one < other ? -1 : 1));
}
