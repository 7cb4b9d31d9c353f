/**
 * Claiming: what a wallet earned, over all epochs at once, to itself or to somebody it names.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, times in Unix seconds.
 */
import { getAddress, type Signer, TypedDataEncoder } from "ethers";
import { Actions, type Outcome, rethrow } from "./actions.ts";
import type { Place } from "./context.ts";
import { LedgerError } from "./errors.ts";
import type { Claim } from "./payout-tree.ts";

/** The most words of one transaction; whatever they are, they fit its gas. */
export const MAX_CLAIMS = 128;

/** What a wallet agrees to: that these words of its are paid to the recipient. */
export interface ClaimOrder {
	readonly wallet: string;
	readonly recipient: string;
	/** 1 to {@link MAX_CLAIMS}; the signature holds for these epochs and words, in this order */
	readonly claims: readonly Claim[];
	/** last second of validity */
	readonly deadline: bigint;
}

/** An order that anybody may send. */
export interface SignedClaimOrder extends ClaimOrder {
	/** of the wallet: 65 bytes of its key, or what its contract accepts */
	readonly signature: string;
}

/** The claims of several words, by one key on one deployment; for one word see `LedgerClient.claim`. Any number may run at once. */
export class ClaimClient extends Actions {
	/**
	 * Settles words of a wallet of ours or anybody's; the money goes to that wallet, in one transfer a transaction. Words that somebody
	 * settled before are skipped, see the events `ClaimSkipped`.
	 *
	 * @param claims of any epochs; words of another wallet are refused
	 * @returns one outcome for each {@link MAX_CLAIMS} words
	 */
	async claimAll(wallet: string, claims: readonly Claim[]): Promise<Outcome[]> {
		const outcomes: Outcome[] = [];
		for (const batch of batches(claims)) {
			outcomes.push(await this.send(this.contracts.distributor.claimAll.populateTransaction(wallet, batch.map(struct))));
		}
		return outcomes;
	}

	/**
	 * Settles words of our own wallet; the money goes to the recipient. Needs no signature.
	 *
	 * @returns one outcome for each {@link MAX_CLAIMS} words
	 */
	async claimTo(recipient: string, claims: readonly Claim[]): Promise<Outcome[]> {
		const outcomes: Outcome[] = [];
		for (const batch of batches(claims)) {
			outcomes.push(await this.submit({ wallet: this.address, recipient, claims: batch, deadline: FOREVER, signature: "0x" }));
		}
		return outcomes;
	}

	/** Sends an order that a wallet signed; the money goes to its recipient, whoever sends it. */
	async submit({ wallet, recipient, claims, deadline, signature }: SignedClaimOrder): Promise<Outcome> {
		const structs = claims.map(struct);
		return this.send(this.contracts.distributor.claimTo.populateTransaction(wallet, recipient, structs, deadline, signature));
	}
}

/**
 * Signs that words of ours are paid to somebody else. Each word is settled once, so the order needs no number and ends with its words.
 *
 * @param signer holds the key of the wallet that the words belong to
 * @throws LedgerError `input.invalid` for no or too many words
 */
export async function signClaim(signer: Signer, place: Place, order: Omit<ClaimOrder, "wallet">): Promise<SignedClaimOrder> {
	const wallet = await signer.getAddress();
	const full = { ...order, wallet };
	checkSize(full.claims.length);
	return { ...full, signature: await signer.signTypedData(domain(place), types, message(full)).catch(rethrow) };
}

/** The digest that is signed, for wallets that sign elsewhere. 32 bytes, 0x-prefixed. */
export function claimDigest(place: Place, order: ClaimOrder): string {
	return TypedDataEncoder.hash(domain(place), types, message(order));
}

/** An order as the JSON that is handed over. */
export function formatClaimOrder(place: Place, { wallet, recipient, claims, deadline, signature }: SignedClaimOrder): string {
	const listed = claims.map(({ epoch, word, proof }) => ({ epoch: String(epoch), word: `0x${word.toString(16)}`, proof }));
	const distributor = place.contracts.RewardDistributor;
	const head = { schema: SCHEMA, chainId: place.chainId, distributor };
	return JSON.stringify({ ...head, wallet, recipient, deadline: String(deadline), claims: listed, signature }, null, "\t");
}

/**
 * Reads an order for this deployment.
 *
 * @throws LedgerError `input.invalid` when it is damaged, or of another chain or deployment
 */
export function parseClaimOrder(place: Place, text: string): SignedClaimOrder {
	let order: SignedClaimOrder;
	let found: string;
	try {
		const json = JSON.parse(text);
		found = `${json.schema} of chain ${json.chainId} at ${getAddress(json.distributor)}`;
		const claims = json.claims.map((claim: { epoch: string; word: string; proof: string[] }) => ({
			...{ epoch: BigInt(claim.epoch), word: BigInt(claim.word), proof: claim.proof.map(bytes32) },
		}));
		const [wallet, recipient] = [getAddress(json.wallet), getAddress(json.recipient)];
		order = { wallet, recipient, claims, deadline: BigInt(json.deadline), signature: String(json.signature) };
	} catch (cause) {
		throw new LedgerError("input.invalid", `parseClaimOrder: expected a claim order, got ${(cause as Error).message}`, {
			hint: "Take the file as `claim sign` printed it.",
			cause,
		});
	}
	const expected = `${SCHEMA} of chain ${place.chainId} at ${getAddress(place.contracts.RewardDistributor)}`;
	if (found !== expected) {
		throw new LedgerError("input.invalid", `parseClaimOrder: expected ${expected}, got ${found}`, {
			hint: "Use the deployment file that the order was signed for.",
		});
	}
	checkSize(order.claims.length);
	return order;
}

const SCHEMA = "openledger.claim-order.v1";
const FOREVER = 2n ** 256n - 1n;

const types = {
	ClaimTo: [
		{ name: "wallet", type: "address" },
		{ name: "recipient", type: "address" },
		{ name: "epochs", type: "uint256[]" },
		{ name: "words", type: "uint256[]" },
		{ name: "deadline", type: "uint256" },
	],
};

function message({ wallet, recipient, claims, deadline }: ClaimOrder) {
	return { wallet, recipient, epochs: claims.map(({ epoch }) => epoch), words: claims.map(({ word }) => word), deadline };
}

function domain({ chainId, contracts }: Place) {
	return { name: "OpenLedger Claims", version: "1", chainId, verifyingContract: contracts.RewardDistributor };
}

function struct({ epoch, word, proof }: Claim) {
	return { epoch, word, proof: [...proof] };
}

function batches(claims: readonly Claim[]): Claim[][] {
	return Array.from({ length: Math.ceil(claims.length / MAX_CLAIMS) }, (_, i) => claims.slice(MAX_CLAIMS * i, MAX_CLAIMS * (i + 1)));
}

function checkSize(count: number): void {
	if (count > 0 && count <= MAX_CLAIMS) return;
	throw new LedgerError("input.invalid", `claims: expected 1 to ${MAX_CLAIMS} words in an order, got ${count}`, {
		hint: "Sign several orders.",
	});
}

function bytes32(value: string): string {
	if (/^0x[0-9a-f]{64}$/i.test(value)) return value;
	throw new Error(`expected 32 bytes in hex, got ${value}`);
}
