/**
 * What owners of stake, accused and the owner of the vault do: one function per action, each one transaction (or an approval and one).
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, times in seconds. A service is the address of a contract that the vault serves: `ContributionRegistry`,
 * `Datanets`, `ComputeJobs` (operators), `ComputeDisputes` (challengers).
 */
import { Actions, type Outcome } from "./actions.ts";
import type { ContractName } from "./contracts.ts";
import type { ServiceTerms } from "./deployment/plan.ts";

/** Short names of the contracts that the vault serves from the beginning. A service more is a line more. */
export const serviceNames = {
	registry: "ContributionRegistry",
	datanets: "Datanets",
	jobs: "ComputeJobs",
	disputes: "ComputeDisputes",
} as const satisfies Record<string, ContractName>;

/** Some stake of ours for a service. */
export interface Staking {
	/** address of the service */
	readonly service: string;
	/** wei, below 2^96 */
	readonly amount: bigint;
}

/** The actions of one key in the StakeVault. Any number may run at once. */
export class VaultClient extends Actions {
	/** Approves and adds to our account of a service, or to that of somebody else, to whom it belongs from then on. */
	async deposit(staking: Staking & { readonly owner?: string }): Promise<Outcome & { approval: Outcome | undefined }> {
		const { service, amount, owner } = staking;
		const { vault } = this.contracts;
		return this.spending(this.deployment.contracts.StakeVault, amount, () =>
			this.send(
				owner === undefined
					? vault.deposit.populateTransaction(service, amount)
					: vault.depositFor.populateTransaction(service, owner, amount),
			),
		);
	}

	/** Adds to our account of a service in one transaction, with a signed permit (ERC-2612) as the approval. */
	async depositWithPermit({ service, amount }: Staking): Promise<Outcome> {
		return this.permitted(this.deployment.contracts.StakeVault, amount, ({ deadline, v, r, s }) =>
			this.contracts.vault.depositWithPermit.populateTransaction(service, amount, deadline, v, r, s),
		);
	}

	/**
	 * Begins to take free stake out. It stays slashable until it is withdrawn, and what is unbonding already waits anew. Without an unbonding
	 * period it is paid at once.
	 */
	async unbond({ service, amount }: Staking): Promise<Outcome> {
		return this.send(this.contracts.vault.unbond.populateTransaction(service, amount));
	}

	/** Has paid to its owner what has unbonded, and all of an account whose service has ended. Anybody may send it. @param account.owner us by default */
	async withdraw(account: { readonly service: string; readonly owner?: string }): Promise<Outcome> {
		const { service, owner = this.address } = account;
		return this.send(this.contracts.vault.withdraw.populateTransaction(service, owner));
	}

	/** Appeals a verdict against us, within its window. @param appeal.reason for those who decide; it is published */
	async appeal(appeal: { readonly id: bigint; readonly reason: string }): Promise<Outcome> {
		return this.send(this.contracts.vault.appeal.populateTransaction(appeal.id, appeal.reason));
	}

	/** Ends a case that is due: credits what nobody appealed, overturns what nobody decided. Anybody may send it. */
	async settle(id: bigint): Promise<Outcome> {
		return this.send(this.contracts.vault.settle.populateTransaction(id));
	}

	/** Decides an appealed case. By the owner of the vault. @param decision.upheld whether the verdict stands */
	async decide(decision: { readonly id: bigint; readonly upheld: boolean }): Promise<Outcome> {
		return this.send(this.contracts.vault.decide.populateTransaction(decision.id, decision.upheld));
	}

	/** Has paid what cases credited. Anybody may send it. @param who a challenger or the treasury; us by default */
	async collect(who: string = this.address): Promise<Outcome> {
		return this.send(this.contracts.vault.collect.populateTransaction(who));
	}

	/** Registers a service for ever. By the owner of the vault. */
	async registerService(registration: { readonly service: string; readonly terms: ServiceTerms }): Promise<Outcome> {
		return this.send(this.contracts.vault.registerService.populateTransaction(registration.service, registration.terms));
	}

	/** Retires a service for ever: it takes nothing more, and 30 days later its accounts are their owners'. By the owner of the vault. */
	async retireService(service: string): Promise<Outcome> {
		return this.send(this.contracts.vault.retireService.populateTransaction(service));
	}
}
