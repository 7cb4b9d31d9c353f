/**
 * Inference fees as the chain knows them now: how a payment would be split, what every contribution is owed, and which epoch a model is of.
 *
 * Every function throws LedgerError `node.*`, or `deployment.invalid` when there is no contract of ours. Amounts are in wei, parts in basis
 * points, times in Unix seconds, epochs count from 1.
 */
import type { Provider } from "ethers";
import { rethrow } from "./actions.ts";
import { type Contracts, contractsAt, interfaces } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { LedgerError } from "./errors.ts";
import { epochHistory } from "./events.ts";
import { type FeeHistory, replayFees, type SplitSchedule } from "./fee-history.ts";
import type { FeeBounds } from "./fees.ts";
import { decodeLogs, fetchLogs } from "./logs.ts";
import { type Claim, claimOf, readWord } from "./payout-tree.ts";

/** How a payment is split now, if it names an operator. The four add up to 10,000. */
export interface Split {
	readonly contributors: number;
	readonly trainer: number;
	readonly operator: number;
	readonly treasury: number;
}

/** What a contribution has and can have of an epoch's fees. */
export interface OwedFees {
	readonly index: number;
	/** receives what is claimed */
	readonly wallet: string;
	/** wei of its payout word: its share is this of what the payout pays in total */
	readonly share: bigint;
	readonly claimed: bigint;
	/** wei that a claim would pay now */
	readonly owed: bigint;
	readonly claim: Claim;
}

/** Reads of the fees of one deployment. */
export class FeeReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;
	readonly #contracts: Contracts;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
		this.#contracts = contractsAt(options.deployment.contracts, options.provider);
	}

	/** How a payment of an epoch would be split now. */
	async split(epoch: bigint): Promise<Split> {
		const { contributors, trainer, operator, treasury } = await this.#contracts.fees.splitOf(epoch).catch(rethrow);
		return { contributors: Number(contributors), trainer: Number(trainer), operator: Number(operator), treasury: Number(treasury) };
	}

	/** What the steward of an epoch set, and from when it counts. */
	async schedule(epoch: bigint): Promise<SplitSchedule> {
		const { trainer, operator, nextTrainer, nextOperator, nextAt } = await this.#contracts.fees.scheduleOf(epoch).catch(rethrow);
		return {
			...{ trainer: Number(trainer), operator: Number(operator) },
			...{ nextTrainer: Number(nextTrainer), nextOperator: Number(nextOperator), nextAt },
		};
	}

	/** The bounds that governance set. */
	async bounds(): Promise<FeeBounds> {
		const { treasury, maxTrainer, maxOperator } = await this.#contracts.fees.bounds().catch(rethrow);
		return { treasury: Number(treasury), maxTrainer: Number(maxTrainer), maxOperator: Number(maxOperator) };
	}

	/** What contributors of an epoch were ever paid, and what of it was not claimed yet. */
	async pot(epoch: bigint): Promise<{ total: bigint; balance: bigint }> {
		const { total, balance } = await this.#contracts.fees.potOf(epoch).catch(rethrow);
		return { total, balance };
	}

	/** What an account may withdraw. */
	async credit(account: string): Promise<bigint> {
		return this.#contracts.fees.creditOf(account).catch(rethrow);
	}

	/**
	 * What every contribution with a positive word has and can have, with what a claim takes; in the order of the words.
	 *
	 * @throws LedgerError `transaction.reverted` when the payout is not active; `events.incomplete` when its words are not in the transactions
	 */
	async owed(epoch: bigint): Promise<OwedFees[]> {
		const { distributor, fees } = this.#contracts;
		const [paid, { pageSize }, { total }, history] = await Promise.all([
			distributor.paidOf(epoch).catch(rethrow),
			distributor.accountOf(epoch).catch(rethrow),
			this.pot(epoch),
			epochHistory({ provider: this.#provider, deployment: this.deployment, epoch }),
		]);
		const words = history.payout?.words;
		if (words === undefined) {
			throw new LedgerError("events.incomplete", `owed: expected the words of epoch ${epoch} in the transactions that posted them`, {
				hint: "Use a node that keeps all transactions, or claim with the words of the payout's own files.",
			});
		}
		const earners = words.map((word, index) => ({ ...readWord(word), index })).filter(({ isCharge, amount }) => !isCharge && amount > 0n);
		return Promise.all(
			earners.map(async ({ index, amount: share }) => {
				const claimed = await fees.claimedOf(epoch, index).catch(rethrow);
				const wallet = history.contributions[index]?.wallet as string;
				const owed = (total * share) / paid - claimed;
				return { index, wallet, share, claimed, owed, claim: claimOf(epoch, words, index, Number(pageSize)) };
			}),
		);
	}

	/**
	 * The epoch whose checkpoint is this model: the latest, if there are several.
	 *
	 * @param model id of the Checkpoint record, 32 bytes, 0x-prefixed
	 * @returns undefined when no epoch posted it
	 */
	async epochOf(model: string): Promise<bigint | undefined> {
		const topics = [interfaces.EpochBook.getEvent("CheckpointPosted")?.topicHash as string, null, model];
		return (await this.#fetch("EpochBook", topics)).at(-1)?.args.epoch as bigint | undefined;
	}

	/** Everything, from events alone. */
	async history(): Promise<FeeHistory> {
		return replayFees(this.deployment.terms.treasury, await this.#fetch("InferenceFees", []));
	}

	async #fetch(contract: "EpochBook" | "InferenceFees", topics: (string | null)[]) {
		const { contracts, block } = this.deployment;
		const toBlock = await this.#provider.getBlockNumber().catch(rethrow);
		return decodeLogs(contracts, await fetchLogs(this.#provider, { address: contracts[contract], topics, fromBlock: block, toBlock }));
	}
}
