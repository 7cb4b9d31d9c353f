/** Values of options, checked while the command line is read. Beside arguments.ts, which loads what chains need. */
import { InvalidArgumentError } from "commander";

/** An integer of a range, both ends included. */
export function integer(low: number, high: number): (text: string) => number {
	return (text) => {
		const value = Number(text);
		if (!Number.isInteger(value) || value < low || value > high) {
			throw new InvalidArgumentError(`expected an integer from ${low} to ${high}, got ${text}`);
		}
		return value;
	};
}
