/**
 * What payer and payee of a payment channel do: one function per action, each one transaction (or an approval and one) and a receipt.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, times in seconds.
 */
import { Actions, type Outcome } from "./actions.ts";
import { LedgerError } from "./errors.ts";
import { type ChannelKey, channelId, type Voucher } from "./voucher.ts";

/** What a payer fixes when a channel opens. */
export interface ChannelOpening {
	readonly payee: string;
	/** seconds from {@link ChannelClient.startClose} to {@link ChannelClient.withdraw}, 86,400 to 7,776,000 */
	readonly delay: number;
	/** 32 bytes, 0x-prefixed, not used before with this payee and delay */
	readonly salt: string;
	/** wei to deposit, below 2^96 */
	readonly amount: bigint;
}

/** A channel that was opened. */
export type Opened = Outcome & { readonly id: string; readonly key: ChannelKey };

/** The actions of one key in payment channels. Any number may run at once. */
export class ChannelClient extends Actions {
	/** Approves and opens a channel with us as its payer. */
	async openChannel(opening: ChannelOpening): Promise<Opened & { approval: Outcome | undefined }> {
		const { payee, delay, salt, amount } = opening;
		const opened = await this.spending(this.deployment.contracts.PaymentChannels, amount, () =>
			this.send(this.contracts.channels.open.populateTransaction(payee, delay, salt, amount)),
		);
		return { ...opened, ...this.#named(opening) };
	}

	/** As {@link openChannel} in one transaction, with a signed permit (ERC-2612) as the approval. */
	async openWithPermit(opening: ChannelOpening): Promise<Opened> {
		const { payee, delay, salt, amount } = opening;
		const outcome = await this.permitted(this.deployment.contracts.PaymentChannels, amount, ({ deadline, v, r, s }) =>
			this.contracts.channels.openWithPermit.populateTransaction(payee, delay, salt, amount, deadline, v, r, s),
		);
		return { ...outcome, ...this.#named(opening) };
	}

	/** Approves and adds to the deposit of an open channel, whosesoever it is. What is not redeemed goes to its payer in the end. */
	async topUp(deposit: { key: ChannelKey; amount: bigint }): Promise<Outcome & { approval: Outcome | undefined }> {
		const { key, amount } = deposit;
		return this.spending(this.deployment.contracts.PaymentChannels, amount, () =>
			this.send(this.contracts.channels.topUp.populateTransaction({ ...key }, amount)),
		);
	}

	/** As {@link topUp} in one transaction, with a signed permit as the approval. */
	async topUpWithPermit(deposit: { key: ChannelKey; amount: bigint }): Promise<Outcome> {
		const { key, amount } = deposit;
		return this.permitted(this.deployment.contracts.PaymentChannels, amount, ({ deadline, v, r, s }) =>
			this.contracts.channels.topUpWithPermit.populateTransaction({ ...key }, amount, deadline, v, r, s),
		);
	}

	/** Has a voucher paid to its channel's payee. Anybody may send it. */
	async redeem({ key, amount, signature }: Voucher): Promise<Outcome> {
		return this.send(this.contracts.channels.redeem.populateTransaction({ ...key }, amount, signature));
	}

	/**
	 * Has vouchers of several channels of one payee paid in one transaction. Those that are worth nothing are skipped, see the
	 * events `VoucherSkipped`. Redeem vouchers of contract wallets alone: such a wallet can burn the gas of a whole batch.
	 *
	 * @param vouchers 1 to 128, of one payee
	 */
	async redeemMany(vouchers: readonly Voucher[]): Promise<Outcome> {
		const payee = vouchers[0]?.key.payee;
		const other = vouchers.find(({ key }) => key.payee !== payee);
		if (payee === undefined || other !== undefined) {
			throw new LedgerError("input.invalid", `redeemMany: expected vouchers of one payee, got ${other?.key.payee ?? "none"}`, {
				hint: "Send one batch for each payee.",
			});
		}
		const batch = vouchers.map(({ key: { payer, delay, salt }, amount, signature }) => ({ payer, delay, salt, amount, signature }));
		return this.send(this.contracts.channels.redeemMany.populateTransaction(payee, batch));
	}

	/** Ends a channel at once; its remainder goes to the payer. By the payee, after the last redeem: unredeemed vouchers are lost. */
	async close(key: ChannelKey): Promise<Outcome> {
		return this.send(this.contracts.channels.close.populateTransaction({ ...key }));
	}

	/** Starts the end of a channel, which takes effect after its delay. By the payer. */
	async startClose(key: ChannelKey): Promise<Outcome> {
		return this.send(this.contracts.channels.startClose.populateTransaction({ ...key }));
	}

	/** Has the remainder paid to the payer, once its close has taken effect. Anybody may send it. */
	async withdraw(key: ChannelKey): Promise<Outcome> {
		return this.send(this.contracts.channels.withdraw.populateTransaction({ ...key }));
	}

	#named({ payee, delay, salt }: ChannelOpening): { id: string; key: ChannelKey } {
		const key = { payer: this.address, payee, delay, salt };
		return { id: channelId(this.deployment, key), key };
	}
}
