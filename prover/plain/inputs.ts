/** Inputs of any circom circuit as snarkjs takes them: an object of numbers, decimal strings and nested arrays by signal name. */
import { mod, R } from "../bn254.ts";
import { WitnessError } from "../errors.ts";
import { shown } from "./proof.ts";

/** A field element: decimal (with a sign) or 0x string, bigint or safe integer; negative numbers stand for `r + v`. */
export type CircuitInput = string | number | bigint | readonly CircuitInput[];

/** Values by signal name. */
export type CircuitInputs = Readonly<Record<string, CircuitInput>>;

/**
 * Flattens inputs, row major.
 * @param value parsed JSON
 * @returns values in `[0, r)` by name, at least one each
 * @throws WitnessError `input.format` for what is no number; `input.range` outside `(-r, r)`, where snarkjs takes the remainder
 */
export function parseInputs(value: unknown): Map<string, bigint[]> {
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new WitnessError("input.format", `parseInputs: expected an object of values by signal name, got ${shown(value)}`);
	}
	return new Map(
		Object.entries(value).map(([name, item]) => {
			const items: unknown[] = Array.isArray(item) ? item.flat(Number.POSITIVE_INFINITY) : [item];
			return [name, items.map((one) => element(name, one))];
		}),
	);
}

function element(name: string, value: unknown): bigint {
	const text = typeof value === "bigint" || Number.isSafeInteger(value) ? String(value) : value;
	if (typeof text !== "string" || !/^(-?[0-9]+|0x[0-9a-fA-F]+)$/.test(text)) {
		throw new WitnessError("input.format", `parseInputs: expected whole numbers of "${name}", got ${shown(value)}`, {
			hint: "write numbers above 2^53 as strings",
		});
	}
	const number = BigInt(text);
	if (number < R && number > -R) return mod(number, R);
	throw new WitnessError("input.range", `parseInputs: expected "${name}" in (-r, r), got ${number}`);
}
