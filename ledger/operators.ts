/**
 * What compute operators, those who attest them and the owner of their policy do: one function per action, each one transaction and a receipt.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, times in Unix seconds, digests 32 bytes 0x-prefixed. Stake of an operator is deposited with `VaultClient` for the
 * service `ComputeJobs`.
 */
import { Actions, type Outcome } from "./actions.ts";
import { LedgerError } from "./errors.ts";

/** What operators can do; the number of a name is its bit. */
export const capabilities = ["webgpu", "wasm", "cuda", "prover", "training", "influence", "inference", "trusted-execution"] as const;
export type Capability = (typeof capabilities)[number];

/** The policy of jobs posted later. Times in seconds. */
export interface JobPolicy {
	/** probability of an audit in parts of a million, 10,000 to 1,000,000 */
	readonly auditRate: bigint;
	/** in which a result that is not audited may be challenged, an hour to 14 days */
	readonly window: bigint;
	/** as `window`, of an audited one, and no shorter */
	readonly auditWindow: bigint;
	/** in which an operator answers a challenge, an hour to 14 days */
	readonly answerPeriod: bigint;
	/** wei by which cheating must cost more than it gains */
	readonly margin: bigint;
	/** the least required bond, in wei */
	readonly minBond: bigint;
	/** what a challenger stakes, in wei */
	readonly challengeBond: bigint;
}

/** The actions of one key at the operators. Any number may run at once. */
export class OperatorClient extends Actions {
	/** Registers us, or again after {@link retire}. @param publication.manifest keccak256 of our canonical JSON manifest @param publication.capabilities bits, see {@link capabilityBits} */
	async register(publication: { readonly manifest: string; readonly capabilities: number }): Promise<Outcome> {
		return this.send(this.contracts.operators.register.populateTransaction(publication.manifest, publication.capabilities));
	}

	/** Replaces our manifest and capabilities. Jobs taken before are not touched. */
	async setCapabilities(publication: { readonly manifest: string; readonly capabilities: number }): Promise<Outcome> {
		return this.send(this.contracts.operators.setCapabilities.populateTransaction(publication.manifest, publication.capabilities));
	}

	/** Takes no further job. Jobs taken before go on to their end; free stake is unbonded in the vault. */
	async retire(): Promise<Outcome> {
		return this.send(this.contracts.operators.retire.populateTransaction());
	}

	/** Vouches for an operator with our word, or renews it. @param attestation.digest of what we verified @param attestation.expiresAt at most 366 days ahead */
	async attest(attestation: { readonly operator: string; readonly digest: string; readonly expiresAt: bigint }): Promise<Outcome> {
		const { operator, digest, expiresAt } = attestation;
		return this.send(this.contracts.operators.attest.populateTransaction(operator, digest, expiresAt));
	}

	/** Takes our word for an operator back, while it is valid. */
	async revokeAttestation(operator: string): Promise<Outcome> {
		return this.send(this.contracts.operators.revokeAttestation.populateTransaction(operator));
	}

	/** Sets the policy of jobs posted later. By the owner. */
	async setPolicy(policy: JobPolicy): Promise<Outcome> {
		return this.send(this.contracts.operators.setPolicy.populateTransaction({ ...policy }));
	}
}

/** Names of capabilities as bits. @throws LedgerError `input.invalid` for a name that is none */
export function capabilityBits(names: readonly string[]): number {
	return names.reduce((bits, name) => {
		const bit = capabilities.indexOf(name as Capability);
		if (bit >= 0) return bits | (1 << bit);
		throw new LedgerError("input.invalid", `capabilityBits: expected one of ${capabilities.join(", ")}, got ${name}`, {
			hint: "Give names from the list, separated by commas.",
		});
	}, 0);
}

/** Bits as names of capabilities; a bit without a name as its number. */
export function capabilityNames(bits: bigint | number): string[] {
	return Array.from({ length: 32 }, (_, bit) => bit)
		.filter((bit) => (BigInt(bits) >> BigInt(bit)) & 1n)
		.map((bit) => capabilities[bit] ?? String(bit));
}
