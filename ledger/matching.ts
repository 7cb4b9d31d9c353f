/**
 * What people do in matching rounds: one function per action, each one transaction (or an approval and one) and a receipt. What only the
 * owner may do is here too, for chains where the owner is a key; elsewhere it goes through a proposal, see `launchpad-calls.ts`.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`.
 * Amounts are in wei of OPEN, times in Unix seconds, rounds count from 1.
 */
import { Actions, type Outcome } from "./actions.ts";
import type { Approved } from "./launchpad.ts";
import { projectId } from "./milestone.ts";

/** What the owner fixes when a round opens. */
export interface RoundTerms {
	/** first second of donations */
	readonly startsAt: bigint;
	/** first second without */
	readonly endsAt: bigint;
	/** from then on matches are paid */
	readonly settlesAt: bigint;
	/** most of a match, in basis points of the project's donations */
	readonly multiple: number;
	/** most of a match, in wei */
	readonly cap: bigint;
}

/** The actions of one key in matching rounds. Any number may run at once. */
export class MatchingClient extends Actions {
	/** Approves the pool and opens a round. By the owner. @returns round, from its event; undefined in a trial run */
	async openRound(opening: {
		readonly terms: RoundTerms;
		readonly pool: bigint;
	}): Promise<Approved & { readonly round: bigint | undefined }> {
		const { terms, pool } = opening;
		const outcome = await this.#spending(pool, () => this.send(this.contracts.rounds.openRound.populateTransaction({ ...terms }, pool)));
		const log = outcome.logs.find(({ name }) => name === "RoundOpened");
		return { ...outcome, round: log?.args.round as bigint | undefined };
	}

	/** Approves and adds to a pool. Anybody may; nobody gets it back. */
	async fundPool(funding: { readonly round: bigint; readonly amount: bigint }): Promise<Approved> {
		const { round, amount } = funding;
		return this.#spending(amount, () => this.send(this.contracts.rounds.fundPool.populateTransaction(round, amount)));
	}

	/** Applies for a project. Anybody may, for any recipient. @param application.digest keccak256 of the canonical application */
	async apply(application: {
		readonly round: bigint;
		readonly recipient: string;
		readonly digest: string;
	}): Promise<Outcome & { readonly id: string }> {
		const { round, recipient, digest } = application;
		const outcome = await this.send(this.contracts.rounds.applyTo.populateTransaction(round, recipient, digest));
		return { ...outcome, id: projectId(this.deployment, application) };
	}

	/** Admits a project. By the owner. */
	async admit(project: string): Promise<Outcome> {
		return this.send(this.contracts.rounds.admit.populateTransaction(project));
	}

	/** Rejects an application or cancels a project; its donors can take their money back. By the owner. */
	async cancel(project: string): Promise<Outcome> {
		return this.send(this.contracts.rounds.cancel.populateTransaction(project));
	}

	/** Approves and donates. */
	async donate(donation: { readonly project: string; readonly amount: bigint }): Promise<Approved> {
		const { project, amount } = donation;
		return this.#spending(amount, () => this.send(this.contracts.rounds.donate.populateTransaction(project, amount)));
	}

	/** Fixes the match of a project. Anybody may send it. */
	async settle(project: string): Promise<Outcome> {
		return this.send(this.contracts.rounds.settle.populateTransaction(project));
	}

	/** Has donations and match paid to the project's recipient; settles it first where that was not done. Anybody may send it. */
	async withdraw(project: string): Promise<Outcome> {
		return this.send(this.contracts.rounds.withdraw.populateTransaction(project));
	}

	/** Has a donation to a cancelled project paid back to its donor. Anybody may send it. @param refunded.donor ourselves by default */
	async refund(refunded: { readonly project: string; readonly donor?: string }): Promise<Outcome> {
		return this.send(this.contracts.rounds.refund.populateTransaction(refunded.project, refunded.donor ?? this.address));
	}

	/** Has what is left of a pool paid to the treasury. Anybody may send it. */
	async sweep(round: bigint): Promise<Outcome> {
		return this.send(this.contracts.rounds.sweep.populateTransaction(round));
	}

	/** Names another recipient of a project. By the recipient. */
	async rotateRecipient(rotation: { readonly project: string; readonly to: string }): Promise<Outcome> {
		return this.send(this.contracts.rounds.rotateRecipient.populateTransaction(rotation.project, rotation.to));
	}

	#spending<Result>(amount: bigint, spend: () => Promise<Result>): Promise<Result & { approval: Outcome | undefined }> {
		return this.spending(this.deployment.contracts.MatchingRounds, amount, spend);
	}
}
