/**
 * What holders of OPEN do to govern: delegate, propose, vote, queue, execute, cancel. Each is one transaction and a receipt.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 */
import { id as hash } from "ethers";
import { Actions, type Outcome } from "./actions.ts";
import { type VoteKind, voteKinds } from "./enums.ts";
import { type Proposed, proposalId } from "./proposal.ts";

/** The actions of one key in governance. Any number may run at once. */
export class GovernanceClient extends Actions {
	/** Gives the votes of all OPEN that this key holds, now and later, to an address; to itself: it votes. Votes that nobody was given do not count. */
	async delegate(to: string): Promise<Outcome> {
		return this.send(this.contracts.token.delegate.populateTransaction(to));
	}

	/**
	 * Makes a proposal. It can be voted on after the governor's voting delay.
	 *
	 * The description gets the suffix "#proposer=0x...", so that nobody else makes the same proposal first and withdraws it.
	 *
	 * @returns the proposal as it was made: keep it, for queueing and executing take all of it
	 */
	async propose(proposed: Proposed): Promise<Outcome & { id: bigint; proposed: Proposed }> {
		const { calls } = proposed;
		const description = `${proposed.description}#proposer=${this.address.toLowerCase()}`;
		const { targets, values, calldatas } = columns({ calls, description });
		const outcome = await this.send(this.contracts.governor.propose.populateTransaction(targets, values, calldatas, description));
		return { ...outcome, id: proposalId({ calls, description }), proposed: { calls, description } };
	}

	/** Votes on a proposal, once, with the votes that this key had when the vote began. @param vote.reason for people; in the event */
	async vote(vote: { id: bigint; support: VoteKind; reason?: string }): Promise<Outcome> {
		const support = voteKinds.indexOf(vote.support);
		const { governor } = this.contracts;
		if (vote.reason === undefined) return this.send(governor.castVote.populateTransaction(vote.id, support));
		return this.send(governor.castVoteWithReason.populateTransaction(vote.id, support, vote.reason));
	}

	/** Hands a proposal that passed to the timelock; anybody may. It can be executed after the delay that the timelock asks for its calls. */
	async queue(proposed: Proposed): Promise<Outcome> {
		const { targets, values, calldatas, description } = columns(proposed);
		return this.send(this.contracts.governor.queue.populateTransaction(targets, values, calldatas, description));
	}

	/** Executes a queued proposal that is due; anybody may. Coins that its calls send beyond what the timelock holds go along. */
	async execute(proposed: Proposed): Promise<Outcome> {
		const { targets, values, calldatas, description } = columns(proposed);
		const value = values.reduce((sum, wei) => sum + wei, 0n);
		return this.send(this.contracts.governor.execute.populateTransaction(targets, values, calldatas, description, { value }));
	}

	/** Withdraws a proposal of this key, until it is executed. */
	async cancel(proposed: Proposed): Promise<Outcome> {
		const { targets, values, calldatas, description } = columns(proposed);
		return this.send(this.contracts.governor.cancel.populateTransaction(targets, values, calldatas, description));
	}
}

/** A proposal as the contract takes it; the description as its hash where the text was told before. */
function columns({ calls, description }: Proposed) {
	return {
		targets: calls.map(({ target }) => target),
		values: calls.map(({ value }) => value),
		calldatas: calls.map(({ data }) => data),
		description: hash(description),
	};
}
