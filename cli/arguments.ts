/** Values of options, checked while the command line is read. */
import { InvalidArgumentError } from "commander";
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

/** OPEN with up to 18 decimals as wei. */
export function amount(value: string): bigint {
	const match = /^(\d+)(?:\.(\d{1,18}))?$/.exec(value);
	if (match === null) {
		throw new InvalidArgumentError(`expected an amount of OPEN such as 1000 or 0.5, got ${value}`);
	}
	return BigInt(match[1] as string) * OPEN + BigInt((match[2] ?? "").padEnd(18, "0"));
}
