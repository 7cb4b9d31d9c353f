/** Verification keys of plain Groth16 as snarkjs writes them: read out of a proving key, and read from JSON. */
import { bn254 } from "@noble/curves/bn254.js";
import { fromMontgomery, WORD } from "../bn254.ts";
import { KEY_FORMAT } from "../engine/key.ts";
import { Sections, type Source } from "../engine/sections.ts";
import { KeyError, type ProverErrorCode } from "../errors.ts";
import { type G1Decimals, type G1Point, type G2Decimals, type G2Point, g1Point, g2Point } from "../verification-key.ts";
import { decodeHeader, SECTION } from "../zkey.ts";
import { checkNames, plainG1, plainG2, recordOf, shown } from "./proof.ts";

/** A verification key as `snarkjs zkey export verificationkey` writes it. */
export interface Groth16VerificationKey {
	readonly protocol: "groth16";
	readonly curve: "bn128";
	readonly nPublic: number;
	readonly vk_alpha_1: readonly string[];
	readonly vk_beta_2: readonly (readonly string[])[];
	readonly vk_gamma_2: readonly (readonly string[])[];
	readonly vk_delta_2: readonly (readonly string[])[];
	/** e(alpha, beta) as two triples of pairs; no verifier needs it */
	readonly vk_alphabeta_12?: readonly (readonly (readonly string[])[])[];
	readonly IC: readonly (readonly string[])[];
}

/** The points of a key, checked: on the curve, in the subgroup, not infinity. */
export interface PlainKey {
	readonly alpha: G1Point;
	readonly beta: G2Point;
	readonly gamma: G2Point;
	readonly delta: G2Point;
	/** one point for the constant, then one for each public signal */
	readonly ic: readonly G1Point[];
}

const GROTH16 = 1;

/**
 * Reads the verification key out of a proving key.
 * @param zkey a Groth16 key over BN254
 * @returns its points, and what snarkjs writes, without `vk_alphabeta_12`
 * @throws KeyError `key.missing`, `key.truncated`, `key.format`; `key.invalid` as {@link parsePlainKey} says `vkey.invalid`
 */
export async function readPlainKey(zkey: Source): Promise<{ key: PlainKey; json: Groth16VerificationKey }> {
	const file = await Sections.open(zkey, KEY_FORMAT);
	try {
		const protocol = await file.read(SECTION.protocol, 0, 4);
		if (protocol.readUInt32LE(0) !== GROTH16) {
			throw new KeyError("key.format", `readPlainKey: expected ${file.name} to be a Groth16 key, got protocol ${protocol.readUInt32LE(0)}`);
		}
		const header = decodeHeader(await file.read(SECTION.header));
		file.expect(SECTION.ic, (header.nPublic + 1) * 2 * WORD);
		const ic = await file.read(SECTION.ic);
		const json: Groth16VerificationKey = {
			protocol: "groth16",
			curve: "bn128",
			nPublic: header.nPublic,
			vk_alpha_1: g1Json(header.alpha1),
			vk_beta_2: g2Json(header.beta2),
			vk_gamma_2: g2Json(header.gamma2),
			vk_delta_2: g2Json(header.delta2),
			IC: Array.from({ length: header.nPublic + 1 }, (_, i) => g1Json(ic, 2 * WORD * i)),
		};
		return { key: parsePlainKey(json, "key.invalid"), json };
	} finally {
		await file.close();
	}
}

/** The points of a key, decimal; they need not be points. */
export interface PlainKeyDecimals {
	readonly vk_alpha_1: G1Decimals;
	readonly vk_beta_2: G2Decimals;
	readonly vk_gamma_2: G2Decimals;
	readonly vk_delta_2: G2Decimals;
	/** at least one */
	readonly IC: readonly G1Decimals[];
}

/**
 * Checks the shape of a key of unknown origin.
 * @param value parsed JSON; numbers may be decimal or 0x strings, bigints or safe integers
 * @throws KeyError `vkey.format` for a missing or misshapen field, another protocol or curve
 */
export function parsePlainKeyDecimals(value: unknown): PlainKeyDecimals {
	const fields = recordOf(value, (got) => misshapen("a verification key", "an object", got));
	checkNames(fields, misshapen);
	const points = fields.IC;
	if (!Array.isArray(points) || points.length === 0) throw misshapen("IC", "an array of points", points);
	if (fields.nPublic !== undefined && fields.nPublic !== points.length - 1)
		throw misshapen("nPublic", `${points.length - 1}`, fields.nPublic);
	const g2 = (name: string): G2Decimals => plainG2(name, fields[name], misshapen);
	return {
		vk_alpha_1: plainG1("vk_alpha_1", fields.vk_alpha_1, misshapen),
		vk_beta_2: g2("vk_beta_2"),
		vk_gamma_2: g2("vk_gamma_2"),
		vk_delta_2: g2("vk_delta_2"),
		IC: points.map((point, index) => plainG1(`IC[${index}]`, point, misshapen)),
	};
}

/**
 * Reads a key of unknown origin.
 * @param value as {@link parsePlainKeyDecimals}
 * @param invalid the code for a point that is none
 * @throws KeyError `vkey.format`; `vkey.invalid` for a point off the curve, outside the subgroup or at infinity
 */
export function parsePlainKey(value: unknown, invalid: "vkey.invalid" | "key.invalid" = "vkey.invalid"): PlainKey {
	const key = parsePlainKeyDecimals(value);
	const g1 = (name: string, point: G1Decimals): G1Point => decode(name, invalid, () => g1Point(point));
	const g2 = (name: "vk_beta_2" | "vk_gamma_2" | "vk_delta_2"): G2Point => decode(name, invalid, () => g2Point(key[name]));
	return {
		alpha: g1("vk_alpha_1", key.vk_alpha_1),
		beta: g2("vk_beta_2"),
		gamma: g2("vk_gamma_2"),
		delta: g2("vk_delta_2"),
		ic: key.IC.map((point, index) => g1(`IC[${index}]`, point)),
	};
}

/** e(alpha, beta) as snarkjs writes it. */
export function alphaBeta({ alpha, beta }: PlainKey): string[][][] {
	const { c0, c1 } = bn254.pairing(alpha, beta);
	return [c0, c1].map((half) => [half.c0, half.c1, half.c2].map((pair) => [pair.c0.toString(), pair.c1.toString()]));
}

/**
 * Whether nobody contributed to a key, so that anybody can prove anything under it.
 * @param value parsed JSON of a verification key
 * @throws as {@link parsePlainKey}
 */
export function isForgeable(value: unknown): boolean {
	const { gamma, delta } = parsePlainKey(value);
	return gamma.equals(delta);
}

function g1Json(bytes: Uint8Array, offset = 0): string[] {
	return [...coordinates(bytes, offset), "1"];
}

function g2Json(bytes: Uint8Array): string[][] {
	return [[...coordinates(bytes, 0)], [...coordinates(bytes, 2 * WORD)], ["1", "0"]];
}

function coordinates(bytes: Uint8Array, offset: number): G1Decimals | G2Decimals[0] {
	return [fromMontgomery(bytes, offset).toString(), fromMontgomery(bytes, offset + WORD).toString()];
}

function decode<Point>(name: string, invalid: ProverErrorCode, read: () => Point): Point {
	try {
		return read();
	} catch (cause) {
		if (cause instanceof KeyError) throw cause;
		throw new KeyError(invalid, `parsePlainKey: expected ${name} to be a point of the group, got ${(cause as Error).message}`, {
			cause,
		});
	}
}

function misshapen(name: string, expected: string, got: unknown): KeyError {
	return new KeyError("vkey.format", `parsePlainKey: expected ${name} to be ${expected}, got ${shown(got)}`);
}
