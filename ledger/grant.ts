/**
 * Grants of access without the chain: what a grantee accepts, and what an author signs for somebody else to send.
 *
 *     acceptance = keccak256(abi.encode(keccak256("openledger.acceptance.v1"), chain id, AccessGrants, dataset, grantee, licence, keccak256(publicKey)))
 *     signed     = EIP-712 Offer, Grant, Renew or Revoke in the domain ("OpenLedger Grants", "1", chain id, AccessGrants)
 */
import { AbiCoder, id, keccak256, type Signer, TypedDataEncoder } from "ethers";
import type { Place } from "./context.ts";
import { decodeError } from "./errors.ts";

/** What an author gives to one grantee. */
export interface GrantTerms {
	readonly grantee: string;
	/** id of the Licence record that the grantee accepted */
	readonly licence: string;
	/** keccak256 of the grantee's public key */
	readonly publicKeyHash: string;
	/** first second without access */
	readonly until: bigint;
	/** the dataset's key, encrypted to that public key; bytes, 0x-prefixed */
	readonly encryptedKey: string;
}

/** What an author may ask for by signature. */
export type GrantRequest =
	| { readonly action: "offer"; readonly dataset: string; readonly licence: string; readonly offered: boolean }
	| ({ readonly action: "grant"; readonly dataset: string } & GrantTerms)
	| { readonly action: "renew"; readonly dataset: string; readonly grantee: string; readonly until: bigint }
	| { readonly action: "revoke"; readonly dataset: string; readonly grantee: string };

/** A request that the author of the dataset signed. */
export interface SignedGrantRequest {
	readonly request: GrantRequest;
	/** last second of validity */
	readonly deadline: bigint;
	readonly signature: string;
}

const field = (name: string, type: string) => ({ name, type });
const tail = [field("nonce", "uint256"), field("deadline", "uint256")];
const types = {
	offer: { Offer: [field("dataset", "bytes32"), field("licence", "bytes32"), field("offered", "bool"), ...tail] },
	grant: {
		Grant: [
			...[field("dataset", "bytes32"), field("grantee", "address"), field("licence", "bytes32"), field("publicKeyHash", "bytes32")],
			...[field("until", "uint40"), field("encryptedKey", "bytes"), ...tail],
		],
	},
	renew: { Renew: [field("dataset", "bytes32"), field("grantee", "address"), field("until", "uint40"), ...tail] },
	revoke: { Revoke: [field("dataset", "bytes32"), field("grantee", "address"), ...tail] },
};

/** What a grantee accepts by a request. @returns 32 bytes, 0x-prefixed */
export function acceptanceOf(
	{ chainId, contracts }: Place,
	{ dataset, grantee, licence, publicKeyHash }: { dataset: string; grantee: string; licence: string; publicKeyHash: string },
): string {
	const layout = ["bytes32", "uint256", "address", "bytes32", "address", "bytes32", "bytes32"];
	const values = [id("openledger.acceptance.v1"), chainId, contracts.AccessGrants, dataset, grantee, licence, publicKeyHash];
	return keccak256(AbiCoder.defaultAbiCoder().encode(layout, values));
}

/**
 * Signs a request as the author of the dataset.
 *
 * @param terms.nonce `nonces(author)` of AccessGrants, see `GrantClient.nonce`
 * @param terms.deadline last second of validity
 * @throws LedgerError when the signer refuses
 */
export async function signGrantRequest(
	signer: Signer,
	place: Place,
	request: GrantRequest,
	terms: { nonce: bigint; deadline: bigint },
): Promise<SignedGrantRequest> {
	const { action, ...fields } = request;
	const signature = await signer.signTypedData(domain(place), types[action], { ...fields, ...terms }).catch((error: unknown) => {
		throw decodeError(error);
	});
	return { request, deadline: terms.deadline, signature };
}

/** The digest that is signed, for wallets that sign elsewhere. @returns 32 bytes, 0x-prefixed */
export function grantRequestDigest(place: Place, request: GrantRequest, terms: { nonce: bigint; deadline: bigint }): string {
	const { action, ...fields } = request;
	return TypedDataEncoder.hash(domain(place), types[action], { ...fields, ...terms });
}

function domain({ chainId, contracts }: Place) {
	return { name: "OpenLedger Grants", version: "1", chainId, verifyingContract: contracts.AccessGrants };
}
