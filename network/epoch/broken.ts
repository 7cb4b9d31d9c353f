/** Comparisons of an audit. */
import { isDeepStrictEqual } from "node:util";

/** Thrown inside a check; becomes the detail of a broken link. */
export class Broken extends Error {}

/** @throws Broken saying what was expected of `what` and what was found */
export function same(what: string, actual: unknown, expected: unknown): void {
	if (!isDeepStrictEqual(actual, expected)) {
		throw new Broken(`${what}: expected ${short(expected)}, got ${short(actual)}`);
	}
}

function short(value: unknown): string {
	const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
	return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

/** Sum of decimal strings. */
export function sum(values: readonly string[]): bigint {
	return values.reduce((total, value) => total + BigInt(value), 0n);
}
