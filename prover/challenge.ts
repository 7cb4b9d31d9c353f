/**
 * How a proof's challenge follows from what was fixed before it.
 *
 *     TAG        = keccak256("openledger.challenge.v1")
 *     digest     = keccak256(TAG || circuitId || context || D.x || D.y || publics... || keccak256(words...))
 *     challenge  = digest mod r                                               of a proof made alone
 *                = keccak256(JOINT || digest_1 || ... || digest_N) mod r      of N proofs made together, JOINT = keccak256("openledger.joint.v1")
 *     evaluation = sum words[i] challenge^(i+1) mod r
 *     rho        = keccak256(signals... || proof words...) mod 2^128          signals with links, evaluation and challenge
 *
 * Every item is 32 bytes, big endian. `publics` are the public signals without links, evaluation and challenge. A circuit without
 * words hashes the empty list.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { fromBytesBE, R, toBytesBE } from "./bn254.ts";
import { ProofInvalid } from "./errors.ts";
import { type Proof, proofWords } from "./proof.ts";
import type { G1Decimals } from "./verification-key.ts";

const TAG = keccak_256(utf8ToBytes("openledger.challenge.v1"));
const JOINT = keccak_256(utf8ToBytes("openledger.joint.v1"));

/** What one proof fixes before the challenge. */
export interface Fixed {
	readonly circuitId: `0x${string}`;
	/** bytes32 of the calling contract: who, where, which epoch */
	readonly context: `0x${string}`;
	/** D, as decimals */
	readonly commitment: G1Decimals;
	/** in `[0, r)`, without links, evaluation and challenge */
	readonly publics: readonly bigint[];
	/** in `[0, r)`; empty for circuits without words */
	readonly words: readonly bigint[];
}

/** The digests of all proofs that are made together, in order; empty for a proof made alone. */
export type Transcript = readonly `0x${string}`[];

/**
 * The digest of what a proof fixes: its place in a transcript.
 * @throws ProofInvalid `proof.public` when a public signal or word is outside `[0, r)`, `proof.format` when an id is not 32 bytes
 */
export function digestOf(fixed: Fixed): `0x${string}` {
	const digest = keccak_256(
		concatBytes(
			TAG,
			bytes32("circuitId", fixed.circuitId),
			bytes32("context", fixed.context),
			...fixed.commitment.map((word) => toBytesBE(BigInt(word))),
			...fixed.publics.map((value, index) => fieldBytes(`publics[${index}]`, value)),
			wordsDigest(fixed.words),
		),
	);
	return `0x${Buffer.from(digest).toString("hex")}`;
}

/**
 * The challenge of a proof.
 * @param transcript the digests of all proofs made with it, its own among them; empty when it was made alone
 * @returns in `[0, r)`
 * @throws ProofInvalid as {@link digestOf}; `proof.transcript` when the transcript does not hold the proof's own digest
 */
export function challengeOf(fixed: Fixed, transcript: Transcript = []): bigint {
	const digest = digestOf(fixed);
	if (transcript.length === 0) return BigInt(digest) % R;
	if (!transcript.includes(digest)) {
		throw new ProofInvalid("proof.transcript", `challengeOf: expected the proof's digest ${digest} in the transcript, got others`, {
			hint: "a public signal, word, the context or the commitment was altered, or the transcript belongs to other proofs",
		});
	}
	return fromBytesBE(keccak_256(concatBytes(JOINT, ...transcript.map((member, index) => bytes32(`transcript[${index}]`, member))))) % R;
}

/** keccak256 of all words. One at a time: a list of words may be longer than an argument list. */
function wordsDigest(words: readonly bigint[]): Uint8Array {
	const hash = keccak_256.create();
	for (const [index, value] of words.entries()) hash.update(fieldBytes(`words[${index}]`, value));
	return hash.digest();
}

/**
 * The fingerprint of a list at the challenge: of the words, or of a link's list.
 * @param words each in `[0, r)`
 * @returns in `[0, r)`; 0 for the empty list
 */
export function evaluationOf(words: readonly bigint[], challenge: bigint): bigint {
	let sum = 0n;
	for (let i = words.length - 1; i >= 0; i--) sum = ((sum + (words[i] as bigint)) * challenge) % R;
	return sum;
}

/**
 * The coefficient that joins the two equations of a proof into one. It follows from all that the equations hold: links above all, which the challenge does
 * not. Whoever knew rho before a link could add k IC_link to P and rho k to the link.
 * @param signals all public signals, in `[0, r)`
 * @returns in `[0, 2^128)`
 */
export function combinerOf(signals: readonly bigint[], proof: Proof): bigint {
	const digest = keccak_256(concatBytes(...[...signals, ...proofWords(proof)].map(toBytesBE)));
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
