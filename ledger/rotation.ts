/** The EIP-712 message by which two wallets agree to move a contribution from one to the other. */
import { type Signer, TypedDataEncoder } from "ethers";
import type { Place } from "./context.ts";
import { decodeError } from "./errors.ts";

/** What both wallets sign. */
export interface Rotation {
	readonly epoch: bigint;
	readonly index: number;
	/** the contribution's current wallet */
	readonly from: string;
	readonly to: string;
	/** `nonces(from)` of the ContributionRegistry */
	readonly nonce: bigint;
	/** last second of validity, Unix time */
	readonly deadline: bigint;
}

const types = {
	RotateWallet: [
		{ name: "epoch", type: "uint256" },
		{ name: "index", type: "uint256" },
		{ name: "from", type: "address" },
		{ name: "to", type: "address" },
		{ name: "nonce", type: "uint256" },
		{ name: "deadline", type: "uint256" },
	],
};

/**
 * Signs a rotation. Called once with the old wallet and once with the new one.
 *
 * @returns 65 bytes, 0x-prefixed
 * @throws LedgerError when the signer refuses
 */
export async function signRotation(signer: Signer, place: Place, rotation: Rotation): Promise<string> {
	return signer.signTypedData(domain(place), types, { ...rotation }).catch((error: unknown) => {
		throw decodeError(error);
	});
}

/** The digest that is signed, for wallets that sign elsewhere. 32 bytes, 0x-prefixed. */
export function rotationDigest(place: Place, rotation: Rotation): string {
	return TypedDataEncoder.hash(domain(place), types, { ...rotation });
}

function domain({ chainId, contracts }: Place) {
	return { name: "OpenLedger Contributions", version: "1", chainId, verifyingContract: contracts.ContributionRegistry };
}
