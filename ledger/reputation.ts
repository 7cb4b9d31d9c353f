/**
 * Reputation: sending proven words, and what a wallet has, now and from events alone.
 *
 * Every function throws LedgerError: `transaction.*`, `node.*`. Reputation is in millionths of a unit (an epoch gives out one unit in all), weights in 1e-4.
 */
import type { Provider } from "ethers";
import type { WordAppliedEvent } from "../verifier-contracts/generated/types/Reputation.ts";
import { Actions, type Outcome, rethrow } from "./actions.ts";
import { contractsAt } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { LedgerError } from "./errors.ts";
import { joined, type Net, placeOf } from "./half-life.ts";
import { decodeLogs, fetchLogs, type LedgerLog } from "./logs.ts";
import type { Claim } from "./payout-tree.ts";

/** The actions of one key. Anybody may send anybody's words. */
export class ReputationClient extends Actions {
	/** Counts a payout word for the wallet of its contribution. @param claim from `claimOf`, as for the distributor */
	async applyWord({ epoch, word, proof }: Claim): Promise<Outcome> {
		return this.send(this.contracts.reputation.applyWord.populateTransaction(epoch, word, [...proof]));
	}
}

/** What a wallet has in a datanet. */
export interface Standing extends Net {
	readonly datanet: bigint;
	readonly wallet: string;
	/** every word that counted, in the order in which they were sent */
	readonly words: readonly {
		readonly epoch: bigint;
		/** place of the contribution */
		readonly index: bigint;
		/** of the net, as of the period of `activatesAt`; in 2^-64 millionths of a unit */
		readonly change: bigint;
		readonly activatesAt: bigint;
		readonly transaction: string;
	}[];
}

/** Reads of one deployment. */
export class ReputationReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
	}

	/** Reputation and weight of a wallet in a datanet, at the latest block. */
	async now(place: { datanet: bigint; wallet: string }): Promise<{ reputation: bigint; weight: bigint }> {
		const { reputation } = contractsAt(this.deployment.contracts, this.#provider);
		const [value, weight] = await Promise.all([
			reputation.reputationOf(place.datanet, place.wallet).catch(rethrow),
			reputation.weightOf(place.datanet, place.wallet).catch(rethrow),
		]);
		return { reputation: value, weight };
	}

	/** Which contributions of an epoch have not been counted yet. @param count contributions of the epoch */
	async missing(epoch: bigint, count: number): Promise<number[]> {
		const { reputation } = contractsAt(this.deployment.contracts, this.#provider);
		const indices = Array.from({ length: count }, (_, index) => index);
		const applied = await Promise.all(indices.map((index) => reputation.isApplied(epoch, index).catch(rethrow)));
		return indices.filter((index) => !applied[index]);
	}

	/** What every wallet has in every datanet, from events alone. */
	async standings(): Promise<Standing[]> {
		const { contracts, block: fromBlock } = this.deployment;
		const toBlock = await this.#provider.getBlockNumber().catch(rethrow);
		const logs = await fetchLogs(this.#provider, { address: contracts.Reputation, topics: [], fromBlock, toBlock });
		return replayReputation(decodeLogs(contracts, logs));
	}
}

/**
 * Plays the events of the contract; every step is computed again.
 *
 * @param logs all events of Reputation, oldest first; from `decodeLogs`
 * @returns one per datanet and wallet, in the order of their first word
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayReputation(logs: readonly LedgerLog[]): Standing[] {
	const standings = new Map<string, Standing>();
	for (const { args, transaction } of logs) {
		const { datanet, wallet, epoch, index, change, activatesAt, net, period } = args as unknown as WordAppliedEvent.OutputObject;
		const key = `${datanet} ${wallet}`;
		const before = standings.get(key) ?? { datanet, wallet, net: 0n, period: 0n, words: [] };
		const after = joined(before, { net: change, period: placeOf(activatesAt).period });
		if (after.net !== net || after.period !== period) {
			throw new LedgerError("events.incomplete", `replayReputation: expected a net of ${after.net} for ${wallet}, got ${net}`, {
				hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
			});
		}
		standings.set(key, { ...before, net, period, words: [...before.words, { epoch, index, change, activatesAt, transaction }] });
	}
	return [...standings.values()];
}
