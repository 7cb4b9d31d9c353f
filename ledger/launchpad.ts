/**
 * What people do at the launchpad: one function per action, each one transaction (or an approval and one) and a receipt. What only the
 * owner may do is here too, for chains where the owner is a key; elsewhere it goes through a proposal, see `launchpad-calls.ts`.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, times in Unix seconds, milestones count from 0.
 */
import { Actions, type Outcome, rethrow } from "./actions.ts";
import { type ProofCalldata, proofStruct } from "./client.ts";
import { bondOf, fundingId, type GrantProposal, milestoneStruct } from "./milestone.ts";

/** An approval of tokens that went before, or undefined when there was enough. */
export type Approved = Outcome & { readonly approval: Outcome | undefined };

/** A milestone of a grant. */
export interface MilestoneName {
	/** id of the grant */
	readonly grant: string;
	/** from 0 */
	readonly milestone: number;
}

/** The actions of one key with grants. Any number may run at once. */
export class LaunchpadClient extends Actions {
	/** Proposes a grant. Anybody may, for any recipient. */
	async propose(proposal: GrantProposal): Promise<Outcome & { readonly id: string }> {
		const { recipient, digest, milestones } = proposal;
		const outcome = await this.send(
			this.contracts.launchpad.propose.populateTransaction(recipient, digest, milestones.map(milestoneStruct)),
		);
		return { ...outcome, id: fundingId(this.deployment, proposal) };
	}

	/** Approves the grant's total to the launchpad and approves the grant. By the owner. */
	async approve(grant: string): Promise<Approved> {
		const { total } = await this.contracts.launchpad.grantOf(grant).catch(rethrow);
		return this.spending(this.deployment.contracts.OpenCirceLaunchpad, total, () =>
			this.send(this.contracts.launchpad.approve.populateTransaction(grant)),
		);
	}

	/** Rejects a proposal, or stops an approved grant. By the owner. */
	async cancel(grant: string): Promise<Outcome> {
		return this.send(this.contracts.launchpad.cancel.populateTransaction(grant));
	}

	/** Claims a milestone. By the recipient. @param claim.evidence keccak256 of what shows that it is met */
	async postEvidence(claim: MilestoneName & { readonly evidence: string }): Promise<Outcome> {
		const { grant, milestone, evidence } = claim;
		return this.send(this.contracts.launchpad.postEvidence.populateTransaction(grant, milestone, evidence));
	}

	/** Releases a milestone by a proof, made in `milestoneContext`. Anybody may send it. @param proven.publics all of them */
	async prove(proven: MilestoneName & { readonly publics: readonly bigint[]; readonly proof: ProofCalldata }): Promise<Outcome> {
		const { grant, milestone, publics, proof } = proven;
		return this.send(this.contracts.launchpad.prove.populateTransaction(grant, milestone, [...publics], proofStruct(proof)));
	}

	/** Approves the bond and challenges posted evidence. Anybody may. @param challenge.reason keccak256 of what refutes the evidence */
	async challenge(challenge: MilestoneName & { readonly reason: string }): Promise<Approved & { readonly bond: bigint }> {
		const { grant, milestone, reason } = challenge;
		const { amount } = await this.contracts.launchpad.milestoneOf(grant, milestone).catch(rethrow);
		const bond = bondOf(amount);
		const outcome = await this.spending(this.deployment.contracts.OpenCirceLaunchpad, bond, () =>
			this.send(this.contracts.launchpad.challenge.populateTransaction(grant, milestone, reason)),
		);
		return { ...outcome, bond };
	}

	/** Decides a challenge. By the owner. @param decision.challengedAt second of the challenge @param decision.upheld the evidence is refuted */
	async decide(decision: MilestoneName & { readonly challengedAt: bigint; readonly upheld: boolean }): Promise<Outcome> {
		const { grant, milestone, challengedAt, upheld } = decision;
		return this.send(this.contracts.launchpad.decide.populateTransaction(grant, milestone, challengedAt, upheld));
	}

	/** Releases a milestone whose evidence nobody refuted in time. Anybody may send it. */
	async release({ grant, milestone }: MilestoneName): Promise<Outcome> {
		return this.send(this.contracts.launchpad.release.populateTransaction(grant, milestone));
	}

	/** Has a milestone that can never be released paid to the treasury. Anybody may send it. */
	async lapse({ grant, milestone }: MilestoneName): Promise<Outcome> {
		return this.send(this.contracts.launchpad.lapse.populateTransaction(grant, milestone));
	}

	/** Has what is due paid to the recipient. Anybody may send it. */
	async withdraw(grant: string): Promise<Outcome> {
		return this.send(this.contracts.launchpad.withdraw.populateTransaction(grant));
	}

	/** Has won bonds paid back to their challenger. Anybody may send it. */
	async withdrawBond(challenger: string): Promise<Outcome> {
		return this.send(this.contracts.launchpad.withdrawBond.populateTransaction(challenger));
	}

	/** Names another recipient. By the recipient. */
	async rotateRecipient(rotation: { readonly grant: string; readonly to: string }): Promise<Outcome> {
		return this.send(this.contracts.launchpad.rotateRecipient.populateTransaction(rotation.grant, rotation.to));
	}
}
