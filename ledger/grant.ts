/**
 * Grants of access without the chain: what a grantee accepts, and what an author signs for somebody else to send.
 *
 *     acceptance = keccak256(abi.encode(keccak256("openledger.acceptance.v1"), chain id, AccessGrants, dataset, grantee, licence, keccak256(publicKey)))
 *     signed     = EIP-712 Offer, Grant, Renew or Revoke in the domain ("OpenLedger Grants", "1", chain id, AccessGrants)
 */
import { AbiCoder, id, isAddress, isHexString, keccak256, type Signer, TypedDataEncoder } from "ethers";
import type { Place } from "./context.ts";
import { decodeError, LedgerError } from "./errors.ts";

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

const SCHEMA = "openledger.grant-request.v1";

/** The file that an author hands to a relayer. */
export function formatGrantRequest({ chainId, contracts }: Place, { request, deadline, signature }: SignedGrantRequest): string {
	const body = { schema: SCHEMA, chainId, contract: contracts.AccessGrants, request, deadline, signature };
	return JSON.stringify(body, (_key, value) => (typeof value === "bigint" ? value.toString() : value), 2);
}

/**
 * Reads such a file. Whether its author signed it, only the contract says: it knows whose dataset it is.
 *
 * @throws LedgerError `input.invalid` when it is no request, or one for another chain or contract
 */
export function parseGrantRequest({ chainId, contracts }: Place, text: string): SignedGrantRequest {
	const must = (condition: boolean, expected: string, got: unknown) => {
		if (condition) return;
		throw new LedgerError("input.invalid", `parseGrantRequest: expected ${expected}, got ${JSON.stringify(got)}`, {
			hint: "Have the author sign again, for this deployment.",
		});
	};
	const file = fieldsOf(text);
	must(file.schema === SCHEMA, `schema ${SCHEMA}`, file.schema);
	must(file.chainId === chainId, `chain ${chainId}`, file.chainId);
	must(file.contract === contracts.AccessGrants, `contract ${contracts.AccessGrants}`, file.contract);
	must(isHexString(file.signature), "a signature in hex", file.signature);
	must(isSeconds(file.deadline), "a deadline in seconds", file.deadline);
	const request = (file.request ?? {}) as Record<string, unknown>;
	const fields = types[request.action as GrantRequest["action"]] as Record<string, { name: string; type: string }[]> | undefined;
	must(fields !== undefined, `an action of ${Object.keys(types).join(", ")}`, request.action);
	const signed = Object.values(fields as object)
		.flat()
		.slice(0, -tail.length) as { name: string; type: string }[];
	for (const { name, type } of signed) must(isOf(type, request[name]), `${type} as ${name}`, request[name]);
	const until = request.until === undefined ? {} : { until: BigInt(request.until as string) };
	return {
		request: { ...request, ...until } as GrantRequest,
		deadline: BigInt(file.deadline as string),
		signature: file.signature as string,
	};
}

function fieldsOf(text: string): Record<string, unknown> {
	try {
		const parsed: unknown = JSON.parse(text);
		if (typeof parsed === "object" && parsed !== null) return parsed as Record<string, unknown>;
	} catch {
		// Named by what is missing.
	}
	return {};
}

/** Whether a field of a file is of an EIP-712 type. */
function isOf(type: string, value: unknown): boolean {
	if (type === "bytes32") return isHexString(value, 32);
	if (type === "bytes") return isHexString(value) && value.length % 2 === 0;
	if (type === "address") return isAddress(value);
	return type === "bool" ? typeof value === "boolean" : isSeconds(value);
}

function isSeconds(value: unknown): boolean {
	return typeof value === "string" && /^\d{1,12}$/.test(value);
}

function domain({ chainId, contracts }: Place) {
	return { name: "OpenLedger Grants", version: "1", chainId, verifyingContract: contracts.AccessGrants };
}
