/** The scalar field of BN254: integers modulo `FIELD`. */
import { keccak_256 } from "@noble/hashes/sha3.js";

/** Order of the BN254 groups; all circuit values live modulo this prime. */
export const FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** The representative of `value` in `[0, FIELD)`. */
export function reduce(value: bigint): bigint {
	const rest = value % FIELD;
	return rest < 0n ? rest + FIELD : rest;
}

/** A digest as a field element: keccak256 of `bytes`, big endian, modulo `FIELD`. */
export function fieldDigest(bytes: Uint8Array): bigint {
	return BigInt(`0x${Buffer.from(keccak_256(bytes)).toString("hex")}`) % FIELD;
}
