/**
 * What authors of encrypted datasets and those who want access do: one function per action, each one transaction and a receipt.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Datasets and licences are ids of provenance records, 32 bytes 0x-prefixed; keys are bytes, 0x-prefixed; times are Unix seconds.
 */
import { Actions, type Outcome, rethrow } from "./actions.ts";
import { LedgerError } from "./errors.ts";
import type { GrantTerms, SignedGrantRequest } from "./grant.ts";

/** The actions of one key with grants of access. Any number may run at once. */
export class GrantClient extends Actions {
	/** Offers a licence for a dataset of ours, or takes the offer back. */
	async offer({ dataset, licence, offered = true }: { dataset: string; licence: string; offered?: boolean }): Promise<Outcome> {
		return this.send(this.contracts.grants.offer.populateTransaction(dataset, licence, offered));
	}

	/** Requests access for us, and accepts the licence by that. @param request.publicKey to which the dataset's key will be encrypted */
	async request({ dataset, licence, publicKey }: { dataset: string; licence: string; publicKey: string }): Promise<Outcome> {
		return this.send(this.contracts.grants.request.populateTransaction(dataset, licence, publicKey));
	}

	/** Takes our request back. */
	async withdrawRequest(dataset: string): Promise<Outcome> {
		return this.send(this.contracts.grants.withdrawRequest.populateTransaction(dataset));
	}

	/** Grants access to a dataset of ours. */
	async grant({ dataset, ...terms }: GrantTerms & { readonly dataset: string }): Promise<Outcome> {
		return this.send(this.contracts.grants.grant.populateTransaction(dataset, terms));
	}

	/** Grants access to several at once; who has accepted something else meanwhile is skipped, see the events `GrantSkipped`. @param batch at most 128 */
	async grantMany(dataset: string, batch: readonly GrantTerms[]): Promise<Outcome> {
		const list = batch.map((terms) => ({ ...terms }));
		return this.send(this.contracts.grants.grantMany.populateTransaction(dataset, list));
	}

	/** Lets a grant of ours go on until a later time. */
	async renew({ dataset, grantee, until }: { dataset: string; grantee: string; until: bigint }): Promise<Outcome> {
		return this.send(this.contracts.grants.renew.populateTransaction(dataset, grantee, until));
	}

	/** Ends a grant of ours at once. */
	async revoke({ dataset, grantee }: { dataset: string; grantee: string }): Promise<Outcome> {
		return this.send(this.contracts.grants.revoke.populateTransaction(dataset, grantee));
	}

	/** The number that an author's next signature must name. */
	async nonce(author: string): Promise<bigint> {
		return this.contracts.grants.nonces(author).catch(rethrow);
	}

	/** Sends what an author signed. */
	async relay({ request, deadline, signature }: SignedGrantRequest): Promise<Outcome> {
		const { grants } = this.contracts;
		switch (request.action) {
			case "offer":
				return this.send(grants.offerFor.populateTransaction(request.dataset, request.licence, request.offered, deadline, signature));
			case "grant": {
				const { dataset, grantee, licence, publicKeyHash, until, encryptedKey } = request;
				const terms = { grantee, licence, publicKeyHash, until, encryptedKey };
				return this.send(grants.grantFor.populateTransaction(dataset, terms, deadline, signature));
			}
			case "renew":
				return this.send(grants.renewFor.populateTransaction(request.dataset, request.grantee, request.until, deadline, signature));
			case "revoke":
				return this.send(grants.revokeFor.populateTransaction(request.dataset, request.grantee, deadline, signature));
			default:
				throw new LedgerError("input.invalid", "relay: expected an offer, a grant, a renewal or a revocation", {
					hint: "Have the author sign again.",
				});
		}
	}
}
