/** What the verbs of `openledger launchpad` share: their options, and digests of files. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { hexlify, keccak256 } from "ethers";
import { LedgerError } from "../../ledger/errors.ts";
import { LaunchpadReader } from "../../ledger/launchpad-reader.ts";
import { bytes32, integer } from "../arguments.ts";
import type { Desk, DeskFlags } from "../desk.ts";

export interface Flags extends DeskFlags {
	recipient?: string;
	file?: string;
	evidence?: string;
	reason?: string;
	amount?: bigint;
	pool?: bigint;
	cap?: bigint;
	multiple?: number;
	starts?: bigint;
	ends?: bigint;
	settles?: bigint;
	donor?: string;
	to?: string;
	application?: string;
	challenger?: string;
	uphold?: boolean;
	dismiss?: boolean;
}

export function readerOf({ deployment, provider }: Desk): LaunchpadReader {
	return new LaunchpadReader({ deployment, provider });
}

/** The place of a milestone, from 0. */
export const milestonePlace = integer(0, 15);

/** The number of a round, from 1. */
export const roundNumber = integer(1, 2 ** 32 - 1);

/** keccak256 of a file's octets, or the digest itself where that was given. @throws LedgerError `input.invalid` */
export async function digestOf(given: string): Promise<string> {
	if (/^0x[0-9a-fA-F]{64}$/.test(given)) return bytes32(given);
	const octets = await readFile(resolve(given)).catch((cause: unknown) => {
		throw new LedgerError("input.invalid", `expected a digest or a readable file, got ${given} (${(cause as Error).message})`, {
			hint: "Give 0x and 64 hex digits, or the path of the file whose keccak256 is meant.",
			cause,
		});
	});
	return keccak256(hexlify(octets));
}

/** A moment: Unix seconds, or a date such as 2027-01-31 or 2027-01-31T12:00Z. */
export function moment(value: string): bigint {
	if (/^\d+$/.test(value)) return BigInt(value);
	const time = Date.parse(value);
	if (Number.isNaN(time)) {
		throw new LedgerError("input.invalid", `expected a moment, got ${value}`, {
			hint: "Give Unix seconds, or a date such as 2027-01-31T12:00Z.",
		});
	}
	return BigInt(Math.floor(time / 1000));
}

/** A moment for people. */
export function date(seconds: bigint): string {
	return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}
