/**
 * Channels as the chain knows them now, their history from events alone, and what a voucher is worth before it is accepted.
 *
 * Every function throws LedgerError `node.*`, or `deployment.invalid` when there is no contract of ours. Amounts are in wei, times in Unix seconds.
 */
import { dataSlice, Interface, type Provider, zeroPadValue } from "ethers";
import type {
	ChannelClosedEvent,
	ChannelOpenedEvent,
	CloseStartedEvent,
	RedeemedEvent,
	ToppedUpEvent,
} from "../verifier-contracts/generated/types/PaymentChannels.ts";
import { rethrow } from "./actions.ts";
import { contractsAt, interfaces } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { type ChannelStatus, channelStatuses, nameOf, type VoucherFault } from "./enums.ts";
import { LedgerError, voucherRemedies } from "./errors.ts";
import { decodeLogs, fetchLogs, type LedgerLog } from "./logs.ts";
import { type ChannelKey, channelId, isKeySigned, type Voucher, voucherDigest } from "./voucher.ts";

/** The money of a channel. */
export interface ChannelState {
	readonly status: ChannelStatus;
	/** wei that ever came in */
	readonly deposited: bigint;
	/** wei that were paid to the payee */
	readonly redeemed: bigint;
	/** when the payer's close takes effect; 0 unless it was started */
	readonly closesAt: bigint;
}

/** A channel from its events. */
export interface ChannelHistory extends ChannelState {
	readonly id: string;
	readonly key: ChannelKey;
	/** every redeem, oldest first */
	readonly payments: readonly { readonly amount: bigint; readonly transaction: string }[];
	/** went back to the payer at the end; undefined before */
	readonly remainder: bigint | undefined;
	/** hash of the transaction that opened it */
	readonly transaction: string;
}

/** What a voucher is worth now. */
export interface VoucherWorth {
	/** wei that a redeem would pay at this moment */
	readonly due: bigint;
	/** `key`: good for as long as the channel is. `contract`: the wallet may take it back at any time */
	readonly signedBy: "key" | "contract";
	readonly state: ChannelState;
}

/** Reads of the payment channels of one deployment. */
export class ChannelReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
	}

	/** The state of a channel; status None when it was never opened. @param id 32 bytes, 0x-prefixed */
	async state(id: string): Promise<ChannelState> {
		const { channels } = contractsAt(this.deployment.contracts, this.#provider);
		const { status, deposited, redeemed, closesAt } = await channels.channelOf(id).catch(rethrow);
		return { status: nameOf(channelStatuses, status), deposited, redeemed, closesAt };
	}

	/**
	 * Holds a voucher against signature and chain, as the payee before accepting it.
	 *
	 * @throws LedgerError `voucher.refused` with the reason that the contract would give
	 */
	async checkVoucher(voucher: Voucher): Promise<VoucherWorth> {
		const { key, amount } = voucher;
		const id = channelId(this.deployment, key);
		const [state, block] = await Promise.all([this.state(id), this.#provider.getBlock("latest").catch(rethrow)]);
		const { status, deposited, redeemed, closesAt } = state;
		if (status === "None") throw refused(id, "ChannelUnknown", "no such channel was opened");
		// A redeem sent now stands in the next block, at a later second than the latest.
		const over = status === "Closing" && BigInt(block?.timestamp ?? 0) + 1n >= closesAt;
		if (status === "Closed" || over) throw refused(id, "ChannelClosed", "the channel has ended");
		if (amount <= redeemed) throw refused(id, "NothingNew", `expected more than ${redeemed} wei, got ${amount}`);
		if (amount > deposited) throw refused(id, "DepositExceeded", `expected at most ${deposited} wei, got ${amount}`);
		const signedBy = isKeySigned(this.deployment, voucher) ? "key" : "contract";
		if (signedBy === "contract" && !(await this.#isWalletSigned(voucher))) {
			throw refused(id, "SignatureInvalid", `expected a signature of ${key.payer}`);
		}
		return { due: amount - redeemed, signedBy, state };
	}

	/** The channel with this id, from its events, or undefined when it was never opened. */
	async channel(id: string): Promise<ChannelHistory | undefined> {
		return (await this.#histories([id])).find((history) => history.id === id);
	}

	/** The channels of a payer, of a payee, of the two together, or all, in the order of their opening, from events alone. */
	async channels(parties: { payer?: string; payee?: string } = {}): Promise<ChannelHistory[]> {
		const party = (address: string | undefined) => (address === undefined ? null : zeroPadValue(address, 32));
		const opened = await this.#fetch([topicOf("ChannelOpened"), null, party(parties.payer), party(parties.payee)]);
		return this.#histories(opened.map(({ args }) => args.channel as string));
	}

	async #histories(ids: readonly string[]): Promise<ChannelHistory[]> {
		const logs: LedgerLog[] = [];
		for (let first = 0; first < ids.length; first += IDS_PER_REQUEST) {
			logs.push(...(await this.#fetch([null, ids.slice(first, first + IDS_PER_REQUEST)])));
		}
		logs.sort((one, other) => one.blockNumber - other.blockNumber || one.index - other.index);
		return replayChannels(logs);
	}

	async #fetch(topics: (string | string[] | null)[]): Promise<LedgerLog[]> {
		const { contracts, block } = this.deployment;
		const toBlock = await this.#provider.getBlockNumber().catch(rethrow);
		const logs = await fetchLogs(this.#provider, { address: contracts.PaymentChannels, topics, fromBlock: block, toBlock });
		return decodeLogs(contracts, logs);
	}

	/** ERC-1271, as the contract asks it: any answer but the right one is a no, also none at all. */
	async #isWalletSigned({ key, amount, signature }: Voucher): Promise<boolean> {
		const data = ERC1271.encodeFunctionData("isValidSignature", [voucherDigest(this.deployment, key, amount), signature]);
		const answer = await this.#provider.call({ to: key.payer, data }).catch((error: unknown) => {
			const code = (error as { code?: string }).code;
			if (code === "CALL_EXCEPTION") return "0x";
			return rethrow(error);
		});
		return answer.length >= 66 && dataSlice(answer, 0, 32) === `${ERC1271_YES}${"0".repeat(56)}`;
	}
}

const ERC1271 = Interface.from(["function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)"]);
const ERC1271_YES = "0x1626ba7e";

/** How many channels one request for logs names. */
const IDS_PER_REQUEST = 100;

/**
 * Plays the events of channels.
 *
 * @param logs all events of the channels, oldest first; from `decodeLogs`
 * @returns one per channel, in the order of their opening
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayChannels(logs: readonly LedgerLog[]): ChannelHistory[] {
	const histories = new Map<string, ChannelHistory>();
	for (const log of logs) {
		const id = log.args.channel as string;
		const next = log.name === "ChannelOpened" ? opened(log) : after(histories.get(id), log);
		histories.set(id, next);
	}
	return [...histories.values()];
}

function opened({ args, transaction }: LedgerLog): ChannelHistory {
	const { channel, payer, payee, delay, salt, amount } = args as unknown as ChannelOpenedEvent.OutputObject;
	const key = { payer, payee, delay: Number(delay), salt };
	return {
		...{ id: channel, key, status: "Open", deposited: amount, redeemed: 0n, closesAt: 0n },
		...{ payments: [], remainder: undefined, transaction },
	};
}

function after(history: ChannelHistory | undefined, { name, args, transaction }: LedgerLog): ChannelHistory {
	if (history === undefined || history.status === "Closed") throw incomplete(`expected an open channel before ${name}`);
	const { deposited, redeemed } = history;
	switch (name) {
		case "ToppedUp": {
			const event = args as unknown as ToppedUpEvent.OutputObject;
			if (deposited + event.amount !== event.deposited) throw incomplete(`expected a deposit of ${deposited + event.amount} wei`);
			return { ...history, deposited: event.deposited };
		}
		case "Redeemed": {
			const event = args as unknown as RedeemedEvent.OutputObject;
			if (redeemed + event.amount !== event.redeemed) throw incomplete(`expected ${redeemed + event.amount} wei to be redeemed`);
			return { ...history, redeemed: event.redeemed, payments: [...history.payments, { amount: event.amount, transaction }] };
		}
		case "CloseStarted": {
			const { closesAt } = args as unknown as CloseStartedEvent.OutputObject;
			return { ...history, status: "Closing", closesAt };
		}
		case "ChannelClosed": {
			const { remainder } = args as unknown as ChannelClosedEvent.OutputObject;
			if (deposited - redeemed !== remainder) throw incomplete(`expected a remainder of ${deposited - redeemed} wei, got ${remainder}`);
			return { ...history, status: "Closed", remainder };
		}
		default:
			// A skipped voucher changes nothing.
			return history;
	}
}

function topicOf(event: string): string {
	return interfaces.PaymentChannels.getEvent(event)?.topicHash as string;
}

function refused(id: string, fault: VoucherFault, what: string): LedgerError {
	return new LedgerError("voucher.refused", `checkVoucher: channel ${id}: ${what} (${fault})`, { hint: voucherRemedies[fault] });
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayChannels: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
