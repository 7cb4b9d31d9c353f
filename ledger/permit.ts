/** Approvals by signature (ERC-2612): the owner of tokens signs, and the contract that spends them presents the signature itself. */
import { Signature, type Signer } from "ethers";
import type { Contracts } from "./contracts.ts";
import { decodeError } from "./errors.ts";

/** A signed approval, as contracts take it. */
export interface Permit {
	/** last second of its validity */
	readonly deadline: bigint;
	readonly v: number;
	readonly r: string;
	readonly s: string;
}

/** How long a permit stays valid, in seconds after the latest block. */
const PERMIT_LIFE = 3_600n;

const types = {
	Permit: [
		{ name: "owner", type: "address" },
		{ name: "spender", type: "address" },
		{ name: "value", type: "uint256" },
		{ name: "nonce", type: "uint256" },
		{ name: "deadline", type: "uint256" },
	],
};

/**
 * Signs a permit with the owner's next number. It is worth nothing once another permit of the owner was used.
 *
 * @param approval.token the token of the deployment
 * @param approval.spender may take the tokens
 * @param approval.value wei
 * @throws LedgerError `node.*`
 */
export async function signPermit(
	signer: Signer,
	approval: { readonly token: Contracts["token"]; readonly spender: string; readonly value: bigint },
): Promise<Permit> {
	const { token, spender, value } = approval;
	const owner = await signer.getAddress();
	const [domain, nonce, block] = await Promise.all([
		token.eip712Domain().catch(rethrow),
		token.nonces(owner).catch(rethrow),
		signer.provider?.getBlock("latest").catch(rethrow),
	]);
	const { name, version, chainId, verifyingContract } = domain;
	const deadline = BigInt(block?.timestamp ?? 0) + PERMIT_LIFE;
	const message = { owner, spender, value, nonce, deadline };
	const signed = await signer.signTypedData({ name, version, chainId, verifyingContract }, types, message).catch(rethrow);
	const { v, r, s } = Signature.from(signed);
	return { deadline, v, r, s };
}

function rethrow(error: unknown): never {
	throw decodeError(error);
}
