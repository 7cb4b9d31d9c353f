import { describe, expect, it } from "vitest";
import { inverse, mod, power, R } from "../bn254.ts";
import { PAIR_BYTES } from "./field.ts";
import { Machine } from "./machine.ts";
import { Domain, MAX_LOG } from "./transform.ts";

const root = (log: number): bigint => power(5n, (R - 1n) >> BigInt(log), R);

/** The polynomial through values at the powers of w, evaluated at g w^i: by the definition. */
function shifted(values: readonly bigint[], log: number): bigint[] {
	const [w, g] = [root(log), root(log + 1)];
	const n = BigInt(values.length);
	const sum = (terms: readonly bigint[], base: bigint): bigint =>
		mod(
			terms.reduceRight((high, term) => (high * base + term) % R, 0n),
			R,
		);
	const coefficients = values.map((_, k) => (sum(values, inverse(power(w, BigInt(k), R), R)) * inverse(n, R)) % R);
	return values.map((_, i) => sum(coefficients, (g * power(w, BigInt(i), R)) % R));
}

describe.each(["fma", "plain"] as const)("Domain with %s arithmetic", (arithmetic) => {
	it.each([1, 2, 3, 4, 7])("moves a polynomial of 2^%i values to the points between", async (log) => {
		const machine = await Machine.open(arithmetic);
		const half = 2 ** (log - 1);
		const special = [R - 1n, 0n, 1n, R >> 1n];
		const values = Array.from({ length: 2 * half }, (_, i) => (i < 4 ? (special[i] as bigint) : power(7n, BigInt(i * i), R)));
		const domain = new Domain(machine, log);
		const vector = domain.alloc();
		for (let j = 0; j < half; j++) machine.putPair(vector + j * PAIR_BYTES, values[j] as bigint, values[j + half] as bigint, R);
		domain.shift(vector);
		const pairs = Array.from({ length: half }, (_, j) => machine.pair(vector + j * PAIR_BYTES, R));
		expect([...pairs.map(([low]) => low), ...pairs.map(([, high]) => high)]).toEqual(shifted(values, log));
	});
});

it("MAX_LOG is the 2-adicity of r - 1", () => {
	expect((R - 1n) % (1n << BigInt(MAX_LOG))).toBe(0n);
	expect((R - 1n) % (2n << BigInt(MAX_LOG))).not.toBe(0n);
});
