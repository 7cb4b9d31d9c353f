/**
 * The transcript: how a proof's challenge follows from what was fixed before it.
 *
 *     TAG        = keccak256("openledger.challenge.v1")
 *     challenge  = keccak256(TAG || circuitId || context || D.x || D.y || publics... || keccak256(words...)) mod r
 *     evaluation = sum words[i] challenge^(i+1) mod r
 *     rho        = keccak256(challenge || proof words...) mod 2^128
 *
 * Every item is 32 bytes, big endian. `publics` are the public signals without evaluation and challenge. A circuit without
 * words hashes the empty list.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { fromBytesBE, R, toBytesBE } from "./bn254.ts";
import { ProofInvalid } from "./errors.ts";
import { type Proof, proofWords } from "./proof.ts";
import type { G1Decimals } from "./verification-key.ts";

const TAG = keccak_256(utf8ToBytes("openledger.challenge.v1"));

/** What is fixed before the challenge. */
export interface Transcript {
	readonly circuitId: `0x${string}`;
	/** bytes32 of the calling contract: who, where, which epoch */
	readonly context: `0x${string}`;
	/** D, as decimals */
	readonly commitment: G1Decimals;
	/** in `[0, r)`, without evaluation and challenge */
	readonly publics: readonly bigint[];
	/** in `[0, r)`; empty for circuits without words */
	readonly words: readonly bigint[];
}

/**
 * @returns in `[0, r)`
 * @throws ProofInvalid `proof.public` when a public signal or word is outside `[0, r)`, `proof.format` when an id is not 32 bytes
 */
export function challengeOf(transcript: Transcript): bigint {
	const digest = keccak_256(
		concatBytes(
			TAG,
			bytes32("circuitId", transcript.circuitId),
			bytes32("context", transcript.context),
			...transcript.commitment.map((word) => toBytesBE(BigInt(word))),
			...transcript.publics.map((value, index) => fieldBytes(`publics[${index}]`, value)),
			wordsDigest(transcript.words),
		),
	);
	return fromBytesBE(digest) % R;
}

/** keccak256 of all words. One at a time: a list of words may be longer than an argument list. */
function wordsDigest(words: readonly bigint[]): Uint8Array {
	const hash = keccak_256.create();
	for (const [index, value] of words.entries()) hash.update(fieldBytes(`words[${index}]`, value));
	return hash.digest();
}

/**
 * The fingerprint of a list of words at the challenge.
 * @param words each in `[0, r)`
 * @returns in `[0, r)`; 0 for the empty list
 */
export function evaluationOf(words: readonly bigint[], challenge: bigint): bigint {
	let sum = 0n;
	for (let i = words.length - 1; i >= 0; i--) sum = ((sum + (words[i] as bigint)) * challenge) % R;
	return sum;
}

/**
 * The coefficient that joins the two equations of a proof into one.
 * @returns in `[0, 2^128)`
 */
export function combinerOf(challenge: bigint, proof: Proof): bigint {
	const digest = keccak_256(concatBytes(toBytesBE(challenge), ...proofWords(proof).map(toBytesBE)));
	return fromBytesBE(digest) & ((1n << 128n) - 1n);
}

function bytes32(name: string, hex: string): Uint8Array {
	if (!/^0x[0-9a-fA-F]{64}$/.test(hex)) {
		throw new ProofInvalid("proof.format", `challengeOf: expected ${name} to be 32 bytes in hex, got ${hex}`);
	}
	return Buffer.from(hex.slice(2), "hex");
}

function fieldBytes(name: string, value: bigint): Uint8Array {
	if (value < 0n || value >= R) {
		throw new ProofInvalid("proof.public", `challengeOf: expected ${name} in [0, r), got ${value}`);
	}
	return toBytesBE(value);
}
