/**
 * The verification key of a circuit: what a verifier needs, as plain JSON.
 *
 * Coordinates are decimal strings. G2 points are in snarkjs' order `[[x.c0, x.c1], [y.c0, y.c1]]`; the EVM's order
 * (imaginary part first) appears only where words are hashed or sent on chain.
 */

import { bn254 } from "@noble/curves/bn254.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { fromMontgomery, Q, toBytesBE } from "./bn254.ts";
import { KeyError } from "./errors.ts";
import type { Groth16VerificationKey } from "./plain/key.ts";
import type { Proof } from "./proof.ts";
import { SECTION, Zkey } from "./zkey.ts";

/** Affine G1 point, decimal. */
export type G1Decimals = readonly [string, string];

/** Affine G2 point, decimal, `[[x.c0, x.c1], [y.c0, y.c1]]`. */
export type G2Decimals = readonly [readonly [string, string], readonly [string, string]];

export interface VerificationKey {
	readonly schema: "openledger.vkey.v1";
	readonly statement: string;
	/** id of the circuit, such as "contribution-n64-d16-k4" */
	readonly id: string;
	/** digest of the id and all points; see {@link circuitIdOf} */
	readonly circuitId: `0x${string}`;
	/** true when the secrets of the setup are known to somebody */
	readonly development: boolean;
	/** keccak256 of the transcript of the ceremony that made the key; absent for a development key */
	readonly transcript?: `0x${string}`;
	/** names of the public signals before links, evaluation and challenge */
	readonly publics: readonly string[];
	/** names of the links: evaluations at the challenge, compared between proofs made together */
	readonly links: readonly string[];
	readonly hasWords: boolean;
	readonly alpha: G1Decimals;
	readonly beta: G2Decimals;
	readonly gamma: G2Decimals;
	readonly delta: G2Decimals;
	/** `[sigma]_2`, binds the commitment to the committed wires */
	readonly sigma: G2Decimals;
	/** one point for the constant, then one per public signal (evaluation and challenge last) */
	readonly ic: readonly G1Decimals[];
}

export type G1Point = InstanceType<typeof bn254.G1.Point>;
export type G2Point = InstanceType<typeof bn254.G2.Point>;

/** The points of a key, checked: on the curve, in the subgroup, not infinity. */
export interface VerificationPoints {
	readonly alpha: G1Point;
	readonly beta: G2Point;
	readonly gamma: G2Point;
	readonly delta: G2Point;
	readonly sigma: G2Point;
	readonly ic: readonly G1Point[];
}

/**
 * The name that challenges and contracts know a circuit by: keccak256 of the ASCII id and
 * alpha (2 words), beta, gamma, delta, sigma (4 words each, EVM order), IC (2 words each).
 */
export function circuitIdOf(key: Pick<VerificationKey, "id" | "alpha" | "beta" | "gamma" | "delta" | "sigma" | "ic">): `0x${string}` {
	const g2 = ([[x0, x1], [y0, y1]]: G2Decimals): string[] => [x1, x0, y1, y0];
	const coordinates = [...key.alpha, ...[key.beta, key.gamma, key.delta, key.sigma].flatMap(g2), ...key.ic.flatMap((point) => [...point])];
	const digest = keccak_256(concatBytes(utf8ToBytes(key.id), ...coordinates.map((word) => toBytesBE(BigInt(word)))));
	return `0x${Buffer.from(digest).toString("hex")}`;
}

/**
 * Reads the verification key out of a proving key.
 * @param path .zkey file made by this package
 * @throws KeyError `key.missing`, `key.truncated`, `key.format`, `key.invalid`
 */
export async function readVerificationKey(path: string): Promise<VerificationKey> {
	const zkey = await Zkey.open(path);
	try {
		const { header, facts } = zkey;
		const icBytes = await zkey.read(SECTION.ic);
		const ic = Array.from({ length: header.nPublic + 1 }, (_, i) => g1Decimals(icBytes, 64 * i));
		const points = {
			id: facts.id,
			alpha: g1Decimals(header.alpha1, 0),
			beta: g2Decimals(header.beta2, 0),
			gamma: g2Decimals(header.gamma2, 0),
			delta: g2Decimals(header.delta2, 0),
			sigma: facts.sigma,
			ic,
		};
		return parseVerificationKey({
			schema: "openledger.vkey.v1",
			statement: facts.statement,
			circuitId: circuitIdOf(points),
			development: facts.development,
			publics: facts.publics,
			links: facts.links,
			hasWords: facts.hasWords,
			...points,
		});
	} finally {
		await zkey.close();
	}
}

/**
 * Checks a verification key of unknown origin.
 * @param value parsed JSON
 * @returns the same key, of known shape; unknown fields are dropped
 * @throws KeyError `key.format` for a missing or misshapen field; `key.invalid` for a point off the curve or outside the
 *   subgroup, gamma = delta, gamma = sigma, or a circuitId that is not the digest of the rest
 */
export function parseVerificationKey(value: unknown): VerificationKey {
	const fields = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
	const text = (name: string): string => {
		const field = fields[name];
		if (typeof field !== "string") throw misshapen(name, "a string", field);
		return field;
	};
	const flag = (name: string): boolean => {
		const field = fields[name];
		if (typeof field !== "boolean") throw misshapen(name, "true or false", field);
		return field;
	};
	if (fields.schema !== "openledger.vkey.v1") throw misshapen("schema", '"openledger.vkey.v1"', fields.schema);
	const names = (name: string): string[] => {
		const field = fields[name];
		if (!Array.isArray(field) || field.some((item) => typeof item !== "string")) throw misshapen(name, "an array of names", field);
		return [...field];
	};
	const publics = names("publics");
	const links = names("links");
	const ic = fields.ic;
	if (!Array.isArray(ic)) throw misshapen("ic", "an array of points", ic);
	const hasWords = flag("hasWords");
	const signals = publics.length + links.length + (hasWords ? 2 : 1);
	if (ic.length !== signals + 1) throw misshapen("ic", `${signals + 1} points`, `${ic.length}`);
	const { transcript } = fields;
	if (transcript !== undefined && (typeof transcript !== "string" || !/^0x[0-9a-f]{64}$/.test(transcript))) {
		throw misshapen("transcript", "32 bytes in hex, or absent", transcript);
	}
	const key: VerificationKey = {
		schema: "openledger.vkey.v1",
		statement: text("statement"),
		id: text("id"),
		circuitId: text("circuitId") as `0x${string}`,
		development: flag("development"),
		...(transcript === undefined ? {} : { transcript: transcript as `0x${string}` }),
		publics,
		links,
		hasWords,
		alpha: pair("alpha", fields.alpha),
		beta: quad("beta", fields.beta),
		gamma: quad("gamma", fields.gamma),
		delta: quad("delta", fields.delta),
		sigma: quad("sigma", fields.sigma),
		ic: ic.map((point, index) => pair(`ic[${index}]`, point)),
	};
	const points = verificationPoints(key);
	for (const name of ["delta", "sigma"] as const) {
		if (points.gamma.equals(points[name])) {
			throw new KeyError("key.invalid", `parseVerificationKey: expected ${name} to differ from gamma, got the same point`, {
				hint: "such a key was never completed and accepts forgeries",
			});
		}
	}
	const circuitId = circuitIdOf(key);
	if (circuitId !== key.circuitId) {
		throw new KeyError("key.invalid", `parseVerificationKey: expected circuitId ${circuitId}, got ${key.circuitId}`);
	}
	return key;
}

/**
 * Decodes the points of a key.
 * @throws KeyError `key.invalid` for a point off the curve, outside the subgroup or at infinity
 */
export function verificationPoints(key: VerificationKey): VerificationPoints {
	const check = <Point>(name: string, decode: () => Point): Point => {
		try {
			return decode();
		} catch (cause) {
			throw new KeyError(
				"key.invalid",
				`verificationPoints: expected ${name} to be a point of the group, got ${(cause as Error).message}`,
				{
					cause,
				},
			);
		}
	};
	return {
		alpha: check("alpha", () => g1Point(key.alpha)),
		beta: check("beta", () => g2Point(key.beta)),
		gamma: check("gamma", () => g2Point(key.gamma)),
		delta: check("delta", () => g2Point(key.delta)),
		sigma: check("sigma", () => g2Point(key.sigma)),
		ic: key.ic.map((point, index) => check(`ic[${index}]`, () => g1Point(point))),
	};
}

/**
 * @returns a point on the curve; never infinity
 * @throws Error when a coordinate is out of range or the point is not on the curve, or infinity
 */
export function g1Point([x, y]: G1Decimals): G1Point {
	const point = bn254.G1.Point.fromAffine({ x: coordinate(x), y: coordinate(y) });
	if (point.is0()) throw new RangeError("the point at infinity");
	point.assertValidity();
	return point;
}

/**
 * @returns a point on the twist, in the subgroup of order r; never infinity
 * @throws Error when a coordinate is out of range or the point is not in the group, or infinity
 */
export function g2Point([[x0, x1], [y0, y1]]: G2Decimals): G2Point {
	const point = bn254.G2.Point.fromAffine({
		x: { c0: coordinate(x0), c1: coordinate(x1) },
		y: { c0: coordinate(y0), c1: coordinate(y1) },
	});
	if (point.is0()) throw new RangeError("the point at infinity");
	point.assertValidity();
	return point;
}

function coordinate(text: string): bigint {
	const value = BigInt(text);
	if (value < 0n || value >= Q) throw new RangeError(`a coordinate outside [0, q): ${text}`);
	return value;
}

/**
 * Folds the commitment of one proof into the constant term: with `IC_0 + D` a committed proof is a plain Groth16 proof.
 * snarkjs then checks everything but the proof of knowledge P and the challenge.
 */
export function toSnarkjsVerificationKey(key: VerificationKey, proof: Proof): Groth16VerificationKey {
	const points = verificationPoints(key);
	const folded = (points.ic[0] as G1Point).add(g1Point(proof.commitment)).toAffine();
	const g2 = (point: G2Decimals): (readonly string[])[] => [...point, ["1", "0"]];
	return {
		protocol: "groth16",
		curve: "bn128",
		nPublic: key.ic.length - 1,
		vk_alpha_1: [...key.alpha, "1"],
		vk_beta_2: g2(key.beta),
		vk_gamma_2: g2(key.gamma),
		vk_delta_2: g2(key.delta),
		IC: [[folded.x.toString(), folded.y.toString(), "1"], ...key.ic.slice(1).map((point) => [...point, "1"])],
	};
}

/** Reads a point as keys store it. */
export function g1Decimals(bytes: Uint8Array, offset = 0): G1Decimals {
	return [fromMontgomery(bytes, offset).toString(), fromMontgomery(bytes, offset + 32).toString()];
}

/** Reads a point as keys store it. */
export function g2Decimals(bytes: Uint8Array, offset = 0): G2Decimals {
	return [g1Decimals(bytes, offset), g1Decimals(bytes, offset + 64)];
}

function pair(name: string, value: unknown): readonly [string, string] {
	if (!Array.isArray(value) || value.length !== 2) throw misshapen(name, "two decimal strings", value);
	for (const item of value) {
		if (typeof item !== "string" || !/^(0|[1-9][0-9]{0,77})$/.test(item)) throw misshapen(name, "decimal strings", item);
	}
	return [value[0], value[1]];
}

function quad(name: string, value: unknown): G2Decimals {
	if (!Array.isArray(value) || value.length !== 2) throw misshapen(name, "two pairs of decimal strings", value);
	return [pair(name, value[0]), pair(name, value[1])];
}

function misshapen(name: string, expected: string, got: unknown): KeyError {
	return new KeyError("key.format", `parseVerificationKey: expected ${name} to be ${expected}, got ${JSON.stringify(got)}`);
}
