/**
 * What payers, stewards and those who are paid do with inference fees: one function per action, each one transaction (or an approval and
 * one) and a receipt.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, parts in basis points, epochs count from 1.
 */
import { ZeroAddress, ZeroHash } from "ethers";
import { Actions, type Outcome } from "./actions.ts";
import type { Claim } from "./payout-tree.ts";

/** A payment for inference. */
export interface FeePayment {
	/** whose model was used */
	readonly epoch: bigint;
	/** wei, below 2^96 */
	readonly amount: bigint;
	/** who ran the inference; without one its part goes to the contributors */
	readonly operator?: string;
	/** digest of the inference log's entry, 32 bytes, 0x-prefixed */
	readonly entry?: string;
}

/** What a steward sets, in basis points: one of 10,000. Contributors and treasury get the rest. */
export interface StewardSplit {
	readonly trainer: number;
	readonly operator: number;
}

/** What governance sets, in basis points. */
export interface FeeBounds {
	/** part of the treasury, at most 1,000 */
	readonly treasury: number;
	/** the most that a steward may set */
	readonly maxTrainer: number;
	readonly maxOperator: number;
}

/** The actions of one key with fees. Any number may run at once. */
export class FeeClient extends Actions {
	/** Approves and pays. */
	async pay(payment: FeePayment): Promise<Outcome & { approval: Outcome | undefined }> {
		return this.spending(this.#fees, payment.amount, () => this.send(this.contracts.fees.pay.populateTransaction(words(payment))));
	}

	/** As {@link pay} in one transaction, with a signed permit (ERC-2612) as the approval. */
	async payWithPermit(payment: FeePayment): Promise<Outcome> {
		return this.permitted(this.#fees, payment.amount, ({ deadline, v, r, s }) =>
			this.contracts.fees.payWithPermit.populateTransaction(words(payment), deadline, v, r, s),
		);
	}

	/** Approves the sum and makes several payments in one transaction, all or none. @param payments at most 128 */
	async payMany(payments: readonly FeePayment[]): Promise<Outcome & { approval: Outcome | undefined }> {
		return this.spending(this.#fees, sum(payments), () => this.send(this.contracts.fees.payMany.populateTransaction(payments.map(words))));
	}

	/** As {@link payMany} with a signed permit as the approval. */
	async payManyWithPermit(payments: readonly FeePayment[]): Promise<Outcome> {
		return this.permitted(this.#fees, sum(payments), ({ deadline, v, r, s }) =>
			this.contracts.fees.payManyWithPermit.populateTransaction(payments.map(words), deadline, v, r, s),
		);
	}

	/** Has a contribution paid what it is entitled to, at its current wallet. Anybody may send it. @param claim see `claimOf` */
	async claimFees({ epoch, word, proof }: Claim): Promise<Outcome> {
		return this.send(this.contracts.fees.claimFees.populateTransaction(epoch, word, [...proof]));
	}

	/** As {@link claimFees} for several words of any epochs; those that nothing is owed for are skipped. @param claims at most 128 */
	async claimMany(claims: readonly Claim[]): Promise<Outcome> {
		const list = claims.map(({ epoch, word, proof }) => ({ epoch, word, proof: [...proof] }));
		return this.send(this.contracts.fees.claimMany.populateTransaction(list));
	}

	/** Has an account paid what was credited to it as trainer, operator or treasury. Anybody may send it. */
	async withdraw(account: string): Promise<Outcome> {
		return this.send(this.contracts.fees.withdraw.populateTransaction(account));
	}

	/** Sets how payments of an epoch are split from three days on; by its steward. */
	async setSplit({ epoch, trainer, operator }: StewardSplit & { readonly epoch: bigint }): Promise<Outcome> {
		return this.send(this.contracts.fees.setSplit.populateTransaction(epoch, trainer, operator));
	}

	/** Sets the bounds of all later payments; by the owner of the contract, which is the timelock. */
	async setBounds(bounds: FeeBounds): Promise<Outcome> {
		return this.send(this.contracts.fees.setBounds.populateTransaction({ ...bounds }));
	}

	get #fees(): string {
		return this.deployment.contracts.InferenceFees;
	}
}

function words({ epoch, amount, operator = ZeroAddress, entry = ZeroHash }: FeePayment) {
	return { epoch, amount, operator, entry };
}

function sum(payments: readonly FeePayment[]): bigint {
	return payments.reduce((total, { amount }) => total + amount, 0n);
}
