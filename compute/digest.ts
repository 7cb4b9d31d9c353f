/** Names of contents: keccak256 of their bytes, or of JSON made canonical (RFC 8785). */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import canonicalize from "canonicalize";

/** keccak256, 0x and 64 hexadecimal digits. */
export type Digest = `0x${string}`;

export function keccak(bytes: Uint8Array): Digest {
	return `0x${bytesToHex(keccak_256(bytes))}`;
}

/** keccak256 of a value as canonical JSON. */
export function jsonDigest(value: unknown): Digest {
	return keccak(utf8ToBytes(canonicalize(value) as string));
}
