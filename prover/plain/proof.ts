/**
 * A plain Groth16 proof and its public signals as snarkjs prints them: their shape and their numbers. Whether the numbers are points is for
 * the verifier to say.
 */
import { ProofInvalid } from "../errors.ts";
import type { G1Decimals, G2Decimals } from "../verification-key.ts";

/** A proof as snarkjs prints it. */
export interface Groth16Proof {
	readonly pi_a: string[];
	readonly pi_b: string[][];
	readonly pi_c: string[];
	readonly protocol: "groth16";
	readonly curve: "bn128";
}

/** A proof with what it is about, as snarkjs returns it. */
export interface ProofWithSignals {
	readonly proof: Groth16Proof;
	/** decimal, in `[0, r)` */
	readonly publicSignals: string[];
}

/** The affine points of a proof, decimal. */
export interface PlainProof {
	readonly a: G1Decimals;
	readonly b: G2Decimals;
	readonly c: G1Decimals;
}

/** Names that snarkjs knows the curve by, upper case and without punctuation. */
const CURVE_NAMES = ["BN128", "BN254", "ALTBN128"];

/**
 * @param value parsed JSON of a proof; `protocol` and `curve` may be left out, numbers may be decimal or 0x strings, bigints or safe integers
 * @returns the points with decimal strings, in `[0, 2^256)`; unknown fields are dropped
 * @throws ProofInvalid `proof.format`
 */
export function parsePlainProof(value: unknown): PlainProof {
	const fields = recordOf(value, (got) => misshapen("a proof", "an object with pi_a, pi_b and pi_c", got));
	checkNames(fields, (name, expected, got) => misshapen(name, expected, got));
	return {
		a: plainG1("pi_a", fields.pi_a, misshapen),
		b: plainG2("pi_b", fields.pi_b, misshapen),
		c: plainG1("pi_c", fields.pi_c, misshapen),
	};
}

/**
 * @param value parsed JSON of public signals
 * @returns in `[0, 2^256)`
 * @throws ProofInvalid `proof.format`
 */
export function parsePublicSignals(value: unknown): bigint[] {
	if (!Array.isArray(value)) throw misshapen("public signals", "an array of numbers", value);
	return value.map((item, index) => plainNumber(`public signal ${index}`, item, misshapen));
}

/** How a parser complains about a field. */
export type Complaint = (name: string, expected: string, got: unknown) => Error;

/** The fields of a JSON object. */
export function recordOf(value: unknown, complain: (got: unknown) => Error): Record<string, unknown> {
	if (typeof value !== "object" || value === null || Array.isArray(value)) throw complain(value);
	return value as Record<string, unknown>;
}

/** Complains about another protocol or curve. A field that is left out means ours. */
export function checkNames({ protocol, curve }: Record<string, unknown>, complain: Complaint): void {
	if (protocol !== undefined && protocol !== "groth16") throw complain("protocol", '"groth16"', protocol);
	if (curve === undefined) return;
	const name = typeof curve === "string" ? curve.toUpperCase().replace(/[^A-Z0-9]/g, "") : "";
	if (!CURVE_NAMES.includes(name)) throw complain("curve", '"bn128"', curve);
}

/** A G1 point with its third coordinate, which must be 1. */
export function plainG1(name: string, value: unknown, complain: Complaint): G1Decimals {
	if (!Array.isArray(value) || value.length !== 3) throw complain(name, "three numbers", value);
	const [x, y, z] = value.map((item) => plainNumber(name, item, complain)) as [bigint, bigint, bigint];
	if (z !== 1n) throw complain(name, "an affine point, whose third number is 1", value);
	return [x.toString(), y.toString()];
}

/** A G2 point with its third coordinate, which must be 1. */
export function plainG2(name: string, value: unknown, complain: Complaint): G2Decimals {
	if (!Array.isArray(value) || value.length !== 3) throw complain(name, "three pairs of numbers", value);
	const [x, y, z] = value.map((pair) => {
		if (!Array.isArray(pair) || pair.length !== 2) throw complain(name, "three pairs of numbers", value);
		return pair.map((item) => plainNumber(name, item, complain).toString()) as [string, string];
	}) as [[string, string], [string, string], [string, string]];
	if (z[0] !== "1" || z[1] !== "0") throw complain(name, "an affine point, whose third pair is 1, 0", value);
	return [x, y];
}

function plainNumber(name: string, value: unknown, complain: Complaint): bigint {
	const text = typeof value === "bigint" || Number.isSafeInteger(value) ? String(value) : value;
	if (typeof text !== "string" || !/^([0-9]{1,78}|0x[0-9a-fA-F]{1,64})$/.test(text)) throw complain(name, "decimal numbers", value);
	const number = BigInt(text);
	if (number >> 256n !== 0n) throw complain(name, "numbers below 2^256", value);
	return number;
}

function misshapen(name: string, expected: string, got: unknown): ProofInvalid {
	return new ProofInvalid("proof.format", `parsePlainProof: expected ${name} to be ${expected}, got ${shown(got)}`);
}

/** A value of unknown origin for a message, cut. */
export function shown(value: unknown): string {
	const text = JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item)) ?? String(value);
	return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
