/**
 * The StakeVault as the chain knows it now.
 *
 * Every function throws LedgerError `node.*`, or `deployment.invalid` when there is no contract of ours. Amounts are in wei, times in Unix seconds.
 */
import type { Provider } from "ethers";
import { rethrow } from "./actions.ts";
import { type Contracts, contractsAt } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { caseStatuses, nameOf } from "./enums.ts";
import { decodeError } from "./errors.ts";
import { type StakeAccount, type StakeCase, type VaultService, vaultHistory } from "./vault-history.ts";

/** What the contract keeps of a case. Of one that was settled at once it keeps the status alone. */
export type KeptCase = Pick<StakeCase, "id" | "service" | "owner" | "amount" | "challenger" | "status" | "due">;

/** Reads of the vault of one deployment. */
export class VaultReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;
	readonly #vault: Contracts["vault"];

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
		this.#vault = contractsAt(options.deployment.contracts, options.provider).vault;
	}

	/** A service's terms and end, or undefined when it was never registered. @param service its address */
	async service(service: string): Promise<VaultService | undefined> {
		const { unbonding, appealWindow, cap, challengerShare, endsAt } = await this.#vault.serviceOf(service).catch(rethrow);
		return cap === 0n ? undefined : { unbonding, appealWindow, cap, challengerShare, endsAt };
	}

	/** The account of an owner with a service; all zero when nothing was deposited. */
	async account(service: string, owner: string): Promise<StakeAccount> {
		const { free, locked, unbonding, unbondsAt } = await this.#vault.accountOf(service, owner).catch(rethrow);
		return { free, locked, unbonding, unbondsAt };
	}

	/** A case, or undefined when there is none of this id. */
	async case(id: bigint): Promise<KeptCase | undefined> {
		const found = await this.#vault.caseOf(id).catch((error: unknown) => {
			const decoded = decodeError(error);
			if (decoded.revert?.name === "CaseUnknown") return undefined;
			throw decoded;
		});
		if (found === undefined) return undefined;
		const { service, owner, amount, challenger, due } = found;
		return { id, service, owner, amount, challenger, due, status: nameOf(caseStatuses, found.status) };
	}

	/** The number of cases, and the id of the latest. */
	async caseCount(): Promise<bigint> {
		return this.#vault.caseCount().catch(rethrow);
	}

	/** All cases in their order, from events. @param of only those against this owner, or of this service */
	async cases(of: { readonly owner?: string; readonly service?: string } = {}): Promise<readonly StakeCase[]> {
		const { cases } = await vaultHistory({ provider: this.#provider, deployment: this.deployment });
		const is = (wanted: string | undefined, actual: string) => wanted === undefined || wanted.toLowerCase() === actual.toLowerCase();
		return cases.filter(({ owner, service }) => is(of.owner, owner) && is(of.service, service));
	}

	/** Wei that cases credited and nobody collected yet. */
	async credit(who: string): Promise<bigint> {
		return this.#vault.creditOf(who).catch(rethrow);
	}
}
