/** Values of options, checked while the command line is read. */
import { InvalidArgumentError } from "commander";
import { getAddress, isAddress, isHexString } from "ethers";
import { OPEN } from "../network/epoch/config.ts";

/** An integer of a range, both ends included. */
export function integer(low: number, high: number): (value: string) => number {
	return (value) => {
		const parsed = Number(value);
		if (!Number.isInteger(parsed) || parsed < low || parsed > high) {
			throw new InvalidArgumentError(`expected an integer from ${low} to ${high}, got ${value}`);
		}
		return parsed;
	};
}

/** 64 bits, as the generator takes. */
export function seed(value: string): bigint {
	if (/^\d{1,20}$/.test(value) && BigInt(value) < 1n << 64n) return BigInt(value);
	throw new InvalidArgumentError(`expected an integer from 0 to 2^64 - 1, got ${value}`);
}

/** OPEN with up to 18 decimals as wei. */
export function amount(value: string): bigint {
	const match = /^(\d+)(?:\.(\d{1,18}))?$/.exec(value);
	if (match === null) {
		throw new InvalidArgumentError(`expected an amount of OPEN such as 1000 or 0.5, got ${value}`);
	}
	return BigInt(match[1] as string) * OPEN + BigInt((match[2] ?? "").padEnd(18, "0"));
}

/** An address, with its checksum. */
export function address(value: string): string {
	if (!isAddress(value)) throw new InvalidArgumentError(`expected an address, got ${value}`);
	return getAddress(value);
}

/** 32 bytes as 0x and hex digits. */
export function bytes32(value: string): string {
	if (!isHexString(value, 32)) throw new InvalidArgumentError(`expected 0x and 64 hex digits, got ${value}`);
	return value.toLowerCase();
}
