/**
 * Channels and vouchers without the chain: ids, what is signed, and the file that a payer hands to a payee.
 *
 *     channel = keccak256(abi.encode(chain id, PaymentChannels, OpenToken, payer, payee, delay, salt))
 *     signed  = EIP-712 Voucher(bytes32 channel,uint96 amount) in the domain ("OpenLedger Channels", "1", chain id, PaymentChannels)
 */
import { AbiCoder, getAddress, isAddress, isHexString, keccak256, recoverAddress, type Signer, TypedDataEncoder } from "ethers";
import type { Place } from "./context.ts";
import { decodeError, LedgerError } from "./errors.ts";

/** What makes a channel the one that it is, on one deployment. */
export interface ChannelKey {
	readonly payer: string;
	readonly payee: string;
	/** seconds from the payer's start of a close to its effect, 86,400 to 7,776,000 */
	readonly delay: number;
	/** 32 bytes, 0x-prefixed; another one for each channel of the same two */
	readonly salt: string;
}

/** A payer's promise. */
export interface Voucher {
	readonly key: ChannelKey;
	/** wei owed in total since the opening, below 2^96 */
	readonly amount: bigint;
	/** 0x-prefixed; 65 bytes of a key, any of a contract wallet */
	readonly signature: string;
}

const types = {
	Voucher: [
		{ name: "channel", type: "bytes32" },
		{ name: "amount", type: "uint96" },
	],
};

/** The id of a channel, opened or not. @returns 32 bytes, 0x-prefixed */
export function channelId({ chainId, contracts }: Place, { payer, payee, delay, salt }: ChannelKey): string {
	const layout = ["uint256", "address", "address", "address", "address", "uint32", "bytes32"];
	const values = [chainId, contracts.PaymentChannels, contracts.OpenToken, payer, payee, delay, salt];
	return keccak256(AbiCoder.defaultAbiCoder().encode(layout, values));
}

/**
 * Signs a voucher as the payer.
 *
 * @param signer the payer's wallet
 * @param amount wei owed in total since the opening, in `[0, 2^96)`
 * @throws LedgerError `input.invalid` when the signer is not the payer, or refuses
 */
export async function signVoucher(signer: Signer, place: Place, key: ChannelKey, amount: bigint): Promise<Voucher> {
	const address = await signer.getAddress();
	if (address !== getAddress(key.payer)) {
		throw new LedgerError("input.invalid", `signVoucher: expected the wallet of ${key.payer}, got ${address}`, {
			hint: "Sign with the key that opened the channel.",
		});
	}
	const message = { channel: channelId(place, key), amount };
	const signature = await signer.signTypedData(domain(place), types, message).catch((error: unknown) => {
		throw decodeError(error);
	});
	return { key, amount, signature };
}

/** The digest that a payer signs, for wallets that sign elsewhere. @returns 32 bytes, 0x-prefixed */
export function voucherDigest(place: Place, key: ChannelKey, amount: bigint): string {
	return TypedDataEncoder.hash(domain(place), types, { channel: channelId(place, key), amount });
}

/** Whether the payer's own key signed a voucher. Such a signature stays good; a contract wallet's may be taken back. */
export function isKeySigned(place: Place, { key, amount, signature }: Voucher): boolean {
	try {
		// 65 bytes, as the contract takes it: ethers reads shorter forms too.
		return isHexString(signature, 65) && recoverAddress(voucherDigest(place, key, amount), signature) === getAddress(key.payer);
	} catch {
		return false;
	}
}

/** A voucher as the JSON that is handed over. */
export function formatVoucher(place: Place, { key, amount, signature }: Voucher): string {
	const fields = { ...key, amount: amount.toString(), signature };
	const { chainId, contracts } = place;
	return JSON.stringify(
		{ schema: SCHEMA, chainId, contract: contracts.PaymentChannels, channel: channelId(place, key), ...fields },
		null,
		"\t",
	);
}

/**
 * Reads a voucher that somebody handed over. Nothing in it is believed but its form: chain, contract and channel are held
 * against the deployment and the fields.
 *
 * @throws LedgerError `input.invalid`
 */
export function parseVoucher(place: Place, text: string): Voucher {
	const fields = record(text);
	const { payer, payee, delay, salt, amount, signature } = fields;
	const must = (holds: boolean, what: string, got: unknown): void => {
		if (!holds) {
			throw new LedgerError("input.invalid", `parseVoucher: expected ${what}, got ${JSON.stringify(got)}`, {
				hint: "Ask the payer for the voucher again, made for this deployment.",
			});
		}
	};
	must(fields.schema === SCHEMA, `schema ${SCHEMA}`, fields.schema);
	must(fields.chainId === place.chainId, `chain ${place.chainId}`, fields.chainId);
	const contract = place.contracts.PaymentChannels;
	must(isAddress(fields.contract) && getAddress(fields.contract) === getAddress(contract), `contract ${contract}`, fields.contract);
	must(isAddress(payer), "an address as payer", payer);
	must(isAddress(payee), "an address as payee", payee);
	must(Number.isInteger(delay) && (delay as number) >= 0 && (delay as number) < 2 ** 32, "a delay in [0, 2^32) seconds", delay);
	must(isHexString(salt, 32), "a salt of 32 bytes", salt);
	must(typeof amount === "string" && /^\d{1,29}$/.test(amount) && BigInt(amount) < 1n << 96n, "an amount in [0, 2^96) wei", amount);
	must(isHexString(signature) && signature.length % 2 === 0, "a signature in hex", signature);
	const key: ChannelKey = {
		payer: getAddress(payer as string),
		payee: getAddress(payee as string),
		delay: delay as number,
		salt: salt as string,
	};
	const id = channelId(place, key);
	must(fields.channel === id, `channel ${id}, which the fields make`, fields.channel);
	return { key, amount: BigInt(amount as string), signature: signature as string };
}

const SCHEMA = "openledger.voucher.v1";

function record(text: string): Record<string, unknown> {
	try {
		const parsed: unknown = JSON.parse(text);
		if (typeof parsed === "object" && parsed !== null) return parsed as Record<string, unknown>;
	} catch {
		// Named below.
	}
	throw new LedgerError("input.invalid", "parseVoucher: expected a JSON object, got something else", {
		hint: "Give the voucher as `channel voucher` printed it.",
	});
}

function domain({ chainId, contracts }: Place) {
	return { name: "OpenLedger Channels", version: "1", chainId, verifyingContract: contracts.PaymentChannels };
}
