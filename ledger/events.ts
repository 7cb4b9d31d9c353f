/**
 * The history of an epoch, rebuilt from events alone: no read of the contracts' storage. What the events say is held against
 * itself (order, digests, sums), so a gap in a node's logs is an error and not a smaller history.
 */
import { AbiCoder, type FunctionFragment, keccak256, type Provider, type Result, toBeHex, ZeroHash, zeroPadValue } from "ethers";
import type {
	ContributedEvent,
	EpochClosedEvent,
	EpochOpenedEvent,
	StakeChargedEvent,
	StakeWithdrawnEvent,
	WalletRotatedEvent,
} from "../verifier-contracts/generated/types/ContributionRegistry.ts";
import type {
	AttributionPostedEvent,
	CheckpointPostedEvent,
	QueriesCommittedEvent,
	QueriesPostedEvent,
} from "../verifier-contracts/generated/types/EpochBook.ts";
import type { PayoutPagePostedEvent } from "../verifier-contracts/generated/types/PayoutBook.ts";
import type {
	ClaimedEvent,
	ClaimedToEvent,
	DustCarriedEvent,
	DustReturnedEvent,
	FundedEvent,
	PayoutPostedEvent,
	PayoutVetoedEvent,
	RefundedEvent,
	SweptEvent,
} from "../verifier-contracts/generated/types/RewardDistributor.ts";
import type { EpochPolicy } from "./client.ts";
import { interfaces } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { decodeError, LedgerError } from "./errors.ts";
import { decodeLogs, fetchLogs, type LedgerLog } from "./logs.ts";
import { MAX_WORDS, payoutRoot } from "./payout-tree.ts";
import { StakeTrail } from "./stake-trail.ts";

/** A contribution and what became of it. Amounts in wei. */
export interface ContributionHistory {
	readonly index: number;
	readonly contributor: string;
	/** the wallet now */
	wallet: string;
	readonly datasetDigest: string;
	readonly rowsCommit: bigint;
	readonly statsCommit: bigint;
	readonly n: bigint;
	/** locked at the start */
	readonly staked: bigint;
	/** what is left: staked = stake + charged + withdrawn + freed */
	stake: bigint;
	/** taken by a negative word */
	charged: bigint;
	/** what a negative word asked for beyond the stake */
	shortfall: bigint;
	/** paid out of the vault by the registry */
	withdrawn: bigint;
	/** left to its owner in the vault, which pays it itself once the registry has ended there as a service */
	freed: bigint;
	/** paid by a positive word; undefined until the word is settled */
	paid: bigint | undefined;
	/** hash of the transaction that settled the word */
	settled: string | undefined;
	readonly transaction: string;
}

/** Everything that happened in an epoch. `transaction` is the hash of the transaction that did it. */
export interface EpochHistory {
	readonly epoch: bigint;
	readonly steward: string;
	readonly policy: EpochPolicy;
	readonly contributions: readonly ContributionHistory[];
	closed: { readonly count: number; readonly rows: bigint; readonly list: string; readonly transaction: string } | undefined;
	checkpoint:
		| { readonly model: string; readonly manifest: string; readonly modelCommit: bigint; readonly n: bigint; readonly transaction: string }
		| undefined;
	log: { readonly id: string; readonly root: string; readonly transaction: string } | undefined;
	/** query proofs in order */
	readonly queries: { readonly rowsCommit: bigint; readonly statsCommit: bigint; readonly n: bigint; readonly transaction: string }[];
	attribution: { readonly scoreCommit: bigint; readonly transaction: string } | undefined;
	payout:
		| {
				/** root of each page's tree, and the transaction that posted it */
				readonly pages: readonly { readonly root: string; readonly transaction: string }[];
				/** words of a page, the last one excepted */
				readonly pageSize: number;
				readonly pool: bigint;
				readonly dust: bigint;
				readonly activatesAt: bigint;
				/** one per contribution in order; undefined when they do not stand in the transactions, see {@link epochHistory} */
				words: readonly bigint[] | undefined;
				/** of the last page */
				readonly transaction: string;
		  }
		| undefined;
	veto: { readonly vetoer: string; readonly reason: string; readonly transaction: string } | undefined;
	/** what nobody claimed went back to the funder */
	swept: { readonly transaction: string } | undefined;
	/** wei of the pool, at every moment: pool = paid + balance + dust + dustOut + returned */
	readonly money: {
		funded: bigint;
		/** dust of other epochs */
		carriedIn: bigint;
		/** dust that went into other epochs or back to the funder */
		dustOut: bigint;
		/** refunded or swept */
		returned: bigint;
		/** funded + carriedIn */
		pool: bigint;
		paid: bigint;
		/** before the post: the pool; after it: positive words that are not settled yet */
		balance: bigint;
		/** left over by the policy and still here */
		dust: bigint;
	};
}

/**
 * Rebuilds an epoch from the logs of a node.
 *
 * The payout words are not in an event: they stand in the calldata of the post, from where they are taken and held against the root. A post
 * through another contract shows them too as long as the call stands in that transaction's data as it is.
 *
 * @param options.epoch id of the epoch, from 1
 * @param options.toBlock last block that counts; the latest by default
 * @param options.span blocks per request, 10,000 by default
 * @throws LedgerError `node.*`; `events.incomplete` when the epoch was never opened or an event is missing
 */
export async function epochHistory(options: {
	provider: Provider;
	deployment: Deployment;
	epoch: bigint;
	toBlock?: number;
	span?: number;
}): Promise<EpochHistory> {
	const { provider, deployment, epoch, span = 10_000 } = options;
	const toBlock = options.toBlock ?? (await provider.getBlockNumber().catch(rethrow));
	const topic = zeroPadValue(toBeHex(epoch), 32);
	type Source = "ContributionRegistry" | "EpochBook" | "PayoutBook" | "RewardDistributor" | "StakeVault";
	const fetch = (contract: Source, topics: (string | string[] | null)[]) =>
		fetchLogs(provider, { address: deployment.contracts[contract], topics, fromBlock: deployment.block, toBlock, span });
	const carried = interfaces.RewardDistributor.getEvent("DustCarried")?.topicHash as string;
	const registry = zeroPadValue(deployment.contracts.ContributionRegistry, 32);
	const inVault = (...names: string[]) => names.map((name) => interfaces.StakeVault.getEvent(name)?.topicHash as string);
	const found = await Promise.all([
		fetch("ContributionRegistry", [null, topic]),
		fetch("EpochBook", [null, topic]),
		fetch("PayoutBook", [null, topic]),
		fetch("RewardDistributor", [null, topic]),
		fetch("RewardDistributor", [carried, null, topic]),
		fetch("StakeVault", [inVault("Locked", "Moved", "Released", "ServiceRetired"), registry]),
		fetch("StakeVault", [inVault("Slashed"), null, registry]),
	]);
	const logs = decodeLogs(deployment.contracts, found.flat());
	logs.sort((one, other) => one.blockNumber - other.blockNumber || one.index - other.index);
	const history = replay(epoch, logs);
	if (history.payout !== undefined) {
		const pages = await Promise.all(
			history.payout.pages.map(async ({ root, transaction }) => {
				const posted = await provider.getTransaction(transaction).catch(rethrow);
				return postedWords(posted?.data ?? "0x", epoch, root);
			}),
		);
		history.payout.words = pages.includes(undefined) ? undefined : pages.flatMap((words) => words as readonly bigint[]);
	}
	return history;
}

/**
 * Finds the words of a payout page in the data of a transaction.
 *
 * @param data calldata, 0x-prefixed; the call of `post` or anything that contains it byte for byte
 * @param root the root that the contract built over the words
 * @returns the words, or undefined when no call in the data has this root
 */
export function postedWords(data: string, epoch: bigint, root: string): readonly bigint[] | undefined {
	const { selector } = interfaces.PayoutBook.getFunction("post") as FunctionFragment;
	const mark = selector.slice(2);
	for (let at = data.indexOf(mark, 2); at >= 0; at = data.indexOf(mark, at + 1)) {
		const words = wordsOf(`0x${data.slice(at)}`);
		if (words !== undefined && words.length > 0 && words.length <= MAX_WORDS && payoutRoot(epoch, words) === root) return words;
	}
	return undefined;
}

function wordsOf(call: string): readonly bigint[] | undefined {
	try {
		return [...(interfaces.PayoutBook.decodeFunctionData("post", call).words as Result)] as bigint[];
	} catch {
		// Bytes that only look like the selector.
		return undefined;
	}
}

/**
 * Plays the events of one epoch.
 *
 * @param logs all events of the epoch, and those of the vault with the registry as the service, oldest first; from {@link decodeLogs}
 * @throws LedgerError `events.incomplete`
 */
export function replay(epoch: bigint, logs: readonly LedgerLog[]): EpochHistory {
	const opening = logs.find(({ name }) => name === "EpochOpened");
	if (opening === undefined) throw incomplete(`expected epoch ${epoch} to be opened`);
	const { steward, policy } = opening.args as unknown as EpochOpenedEvent.OutputObject;
	const contributions: ContributionHistory[] = [];
	const history: EpochHistory = {
		epoch,
		steward,
		policy: { ...policy, circuits: [...policy.circuits], capacity: Number(policy.capacity) },
		contributions,
		closed: undefined,
		checkpoint: undefined,
		log: undefined,
		queries: [],
		attribution: undefined,
		payout: undefined,
		veto: undefined,
		swept: undefined,
		money: { funded: 0n, carriedIn: 0n, dustOut: 0n, returned: 0n, pool: 0n, paid: 0n, balance: 0n, dust: 0n },
	};
	const pages = new Map<string, { root: string; transaction: string }[]>();
	const stakes = new StakeTrail(logs);
	for (const log of logs) apply(history, contributions, pages, stakes, log);
	check(history);
	return history;
}

/**
 * @param payoutPages of all payouts that were begun, by their id
 * @param stakes what the vault did
 */
function apply(
	history: EpochHistory,
	contributions: ContributionHistory[],
	payoutPages: Map<string, { root: string; transaction: string }[]>,
	stakes: StakeTrail,
	log: LedgerLog,
): void {
	const { contract, name, args, transaction } = log;
	const { money } = history;
	const at = (index: bigint): ContributionHistory => {
		const contribution = contributions[Number(index)];
		if (contribution === undefined) throw incomplete(`expected contribution ${index} before its ${name}`);
		return contribution;
	};
	switch (`${contract}.${name}`) {
		case "ContributionRegistry.Contributed": {
			const { index, contributor, datasetDigest, rowsCommit, statsCommit, n, stake } = args as unknown as ContributedEvent.OutputObject;
			if (index !== BigInt(contributions.length)) throw incomplete(`expected contribution ${contributions.length}, got ${index}`);
			stakes.expect(log, "Locked", { owner: contributor, amount: stake });
			contributions.push({
				...{ index: Number(index), contributor, wallet: contributor, datasetDigest, rowsCommit, statsCommit, n },
				...{ staked: stake, stake, charged: 0n, shortfall: 0n, withdrawn: 0n, freed: 0n, paid: undefined, settled: undefined, transaction },
			});
			return;
		}
		case "ContributionRegistry.EpochClosed": {
			const { count, rows, list } = args as unknown as EpochClosedEvent.OutputObject;
			history.closed = { count: Number(count), rows, list, transaction };
			return;
		}
		case "ContributionRegistry.WalletRotated": {
			const { index, from, to } = args as unknown as WalletRotatedEvent.OutputObject;
			stakes.expect(log, "Moved", { from, to, amount: at(index).stake });
			at(index).wallet = to;
			return;
		}
		case "ContributionRegistry.StakeCharged": {
			const { index, charged, shortfall } = args as unknown as StakeChargedEvent.OutputObject;
			const contribution = at(index);
			stakes.expect(log, "Slashed", { owner: contribution.wallet, amount: charged, due: 0n });
			contribution.stake -= charged;
			contribution.charged += charged;
			contribution.shortfall += shortfall;
			contribution.settled = transaction;
			return;
		}
		case "ContributionRegistry.StakeWithdrawn": {
			const { index, wallet, amount } = args as unknown as StakeWithdrawnEvent.OutputObject;
			stakes.expect(log, "Released", { owner: wallet, amount });
			const contribution = at(index);
			contribution.withdrawn += amount;
			contribution.freed += contribution.stake - amount;
			contribution.stake = 0n;
			return;
		}
		case "EpochBook.CheckpointPosted": {
			const { model, manifest, modelCommit, n } = args as unknown as CheckpointPostedEvent.OutputObject;
			history.checkpoint = { model, manifest, modelCommit, n, transaction };
			return;
		}
		case "EpochBook.QueriesCommitted": {
			const { log, root } = args as unknown as QueriesCommittedEvent.OutputObject;
			history.log = { id: log, root, transaction };
			return;
		}
		case "EpochBook.QueriesPosted": {
			const { index, rowsCommit, statsCommit, n } = args as unknown as QueriesPostedEvent.OutputObject;
			if (index !== BigInt(history.queries.length)) throw incomplete(`expected queries ${history.queries.length}, got ${index}`);
			history.queries.push({ rowsCommit, statsCommit, n, transaction });
			return;
		}
		case "EpochBook.AttributionPosted": {
			const { scoreCommit } = args as unknown as AttributionPostedEvent.OutputObject;
			history.attribution = { scoreCommit, transaction };
			return;
		}
		case "RewardDistributor.Funded": {
			const { amount } = args as unknown as FundedEvent.OutputObject;
			money.funded += amount;
			money.pool += amount;
			money.balance += amount;
			return;
		}
		case "PayoutBook.PayoutPagePosted": {
			const { payout, page, root } = args as unknown as PayoutPagePostedEvent.OutputObject;
			const pages = payoutPages.get(payout) ?? [];
			if (page !== BigInt(pages.length)) throw incomplete(`expected page ${pages.length} of the payout, got ${page}`);
			payoutPages.set(payout, [...pages, { root, transaction }]);
			return;
		}
		case "RewardDistributor.PayoutPosted": {
			const { payout, pool, dust, count, pageSize, activatesAt } = args as unknown as PayoutPostedEvent.OutputObject;
			if (count !== BigInt(contributions.length)) throw incomplete(`expected ${count} contributions, got ${contributions.length}`);
			const pages = payoutPages.get(payout) ?? [];
			const expected = Math.ceil(contributions.length / Number(pageSize));
			if (pages.length !== expected) throw incomplete(`expected ${expected} pages of the payout, got ${pages.length}`);
			history.payout = { pages, pageSize: Number(pageSize), pool, dust, activatesAt, words: undefined, transaction };
			money.balance -= dust;
			money.dust = dust;
			return;
		}
		case "RewardDistributor.PayoutVetoed": {
			const { vetoer, reason } = args as unknown as PayoutVetoedEvent.OutputObject;
			history.veto = { vetoer, reason, transaction };
			return;
		}
		case "RewardDistributor.Claimed":
		case "RewardDistributor.ClaimedTo": {
			const { index, amount } = args as unknown as ClaimedEvent.OutputObject | ClaimedToEvent.OutputObject;
			at(index).paid = amount;
			at(index).settled = transaction;
			money.paid += amount;
			money.balance -= amount;
			return;
		}
		case "RewardDistributor.DustCarried": {
			const { fromEpoch, amount } = args as unknown as DustCarriedEvent.OutputObject;
			if (fromEpoch === history.epoch) {
				money.dust -= amount;
				money.dustOut += amount;
			} else {
				money.carriedIn += amount;
				money.pool += amount;
				money.balance += amount;
			}
			return;
		}
		case "RewardDistributor.DustReturned": {
			const { amount } = args as unknown as DustReturnedEvent.OutputObject;
			money.dust -= amount;
			money.dustOut += amount;
			return;
		}
		case "RewardDistributor.Refunded":
		case "RewardDistributor.Swept": {
			const { amount } = args as unknown as RefundedEvent.OutputObject | SweptEvent.OutputObject;
			if (name === "Swept") history.swept = { transaction };
			money.returned += amount;
			money.balance = 0n;
			money.dust = 0n;
			return;
		}
	}
}

/** Holds what only the whole can show. */
function check({ contributions, closed, attribution, payout, money }: EpochHistory): void {
	if (closed !== undefined) {
		const list = contributions.reduce((digest, { statsCommit }) => listAfter(digest, statsCommit), ZeroHash);
		const rows = contributions.reduce((sum, { n }) => sum + n, 0n);
		if (closed.count !== contributions.length) throw incomplete(`expected ${closed.count} contributions, got ${contributions.length}`);
		if (closed.rows !== rows) throw incomplete(`expected ${closed.rows} rows, got ${rows}`);
		if (closed.list !== list) throw incomplete(`expected the list ${closed.list}, got ${list}`);
	}
	for (const { index, staked, stake, charged, withdrawn, freed } of contributions) {
		if (stake < 0n || staked !== stake + charged + withdrawn + freed)
			throw incomplete(`expected movements of ${staked} wei of stake ${index}`);
	}
	if (payout !== undefined && attribution === undefined) throw incomplete("expected an attribution before the payout");
	if (payout !== undefined && payout.pool !== money.pool) throw incomplete(`expected a pool of ${payout.pool} wei, got ${money.pool}`);
	const sum = money.paid + money.balance + money.dust + money.dustOut + money.returned;
	if (money.pool !== sum || money.balance < 0n) throw incomplete(`expected movements of ${money.pool} wei, got ${sum}`);
}

/**
 * The digest of the list of statsCommits after one more contribution.
 *
 * @param list digest before, 32 zero bytes for the empty list
 * @returns 32 bytes, 0x-prefixed
 */
export function listAfter(list: string, statsCommit: bigint): string {
	return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "uint256"], [list, statsCommit]));
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `epochHistory: ${message}`, {
		hint: "Use a node that keeps all logs, the right epoch, and the deployment file as it was written.",
	});
}

function rethrow(error: unknown): never {
	throw decodeError(error);
}
