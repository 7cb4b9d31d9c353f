/**
 * Payout words and the claim trees over them, one for each page, exactly as the contracts build them.
 *
 *     word     bits 0..95 amount in wei, bit 96 sign (1 = charge), bits 128..159 index of the contribution, all others zero
 *     leaf_i = keccak256(epoch || word_i), filled up with zero leaves to a power of two
 *     node   = keccak256(left || right), ordered by place in the page
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { LedgerError } from "./errors.ts";

/** The most words of one page. */
export const MAX_WORDS = 1024;

const AMOUNT = (1n << 96n) - 1n;
const CHARGE = 1n << 96n;

/** A payout word, read. */
export interface PayoutWord {
	/** place of the contribution, from 0 */
	readonly index: number;
	/** wei, in `[0, 2^96)` */
	readonly amount: bigint;
	/** true: taken from the stake; false: paid */
	readonly isCharge: boolean;
}

/** What the distributor needs to settle one word. */
export interface Claim {
	readonly epoch: bigint;
	readonly word: bigint;
	/** siblings from the leaf upwards, 0x-prefixed */
	readonly proof: readonly string[];
}

/**
 * Reads a word.
 *
 * @throws LedgerError `input.invalid` when a bit outside the layout is set
 */
export function readWord(word: bigint): PayoutWord {
	const amount = word & AMOUNT;
	const index = word >> 128n;
	if (word < 0n || index > 0xffffffffn || (word & ~(AMOUNT | CHARGE | (index << 128n))) !== 0n) {
		throw new LedgerError("input.invalid", `readWord: expected a payout word, got 0x${word.toString(16)}`, {
			hint: "Take the words from the payout proof or from the transaction that posted it.",
		});
	}
	return { index: Number(index), amount, isCharge: (word & CHARGE) !== 0n };
}

/**
 * The root that the contract computes when a page of words is posted.
 *
 * @param epoch id of the epoch
 * @param words of the page in order, 1 to 1,024
 * @returns 32 bytes, 0x-prefixed
 * @throws LedgerError `input.invalid` for no or too many words
 */
export function payoutRoot(epoch: bigint, words: readonly bigint[]): string {
	return hex(levels(epoch, words).at(-1)?.[0] as Uint8Array);
}

/**
 * The roots of all pages of an epoch.
 *
 * @param words all words of the epoch in order
 * @param pageSize words of a page, the last one excepted; 1 to 1,024
 * @throws LedgerError `input.invalid` for another page size
 */
export function payoutRoots(epoch: bigint, words: readonly bigint[], pageSize: number): string[] {
	checkPageSize(pageSize);
	return Array.from({ length: Math.ceil(words.length / pageSize) }, (_, page) => payoutRoot(epoch, pageOf(words, page, pageSize)));
}

/**
 * What it takes to settle the word at `index`.
 *
 * @param epoch id of the epoch
 * @param words all words of the epoch in order
 * @param index place of the word, from 0
 * @param pageSize words of a page, the last one excepted; 1 to 1,024
 * @throws LedgerError `input.invalid` for an index outside the list or another page size
 */
export function claimOf(epoch: bigint, words: readonly bigint[], index: number, pageSize: number): Claim {
	checkPageSize(pageSize);
	const word = words[index];
	if (word === undefined) {
		throw new LedgerError("input.invalid", `claimOf: expected an index below ${words.length}, got ${index}`, {
			hint: "Give the index of the contribution in its epoch.",
		});
	}
	const proof = levels(epoch, pageOf(words, Math.floor(index / pageSize), pageSize))
		.slice(0, -1)
		.map((level, height) => hex(level[((index % pageSize) >> height) ^ 1] as Uint8Array));
	return { epoch, word, proof };
}

function checkPageSize(pageSize: number): void {
	if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_WORDS) {
		throw new LedgerError("input.invalid", `payoutRoots: expected a page size from 1 to ${MAX_WORDS}, got ${pageSize}`, {
			hint: "Give the page size that the payout was posted with.",
		});
	}
}

function pageOf(words: readonly bigint[], page: number, pageSize: number): readonly bigint[] {
	return words.slice(page * pageSize, (page + 1) * pageSize);
}

/** All levels of the tree, leaves first, root last. */
function levels(epoch: bigint, words: readonly bigint[]): Uint8Array[][] {
	if (words.length === 0 || words.length > MAX_WORDS) {
		throw new LedgerError("input.invalid", `payoutRoot: expected 1 to ${MAX_WORDS} words, got ${words.length}`, {
			hint: "A page has one word per contribution and at least one.",
		});
	}
	const size = 2 ** Math.ceil(Math.log2(words.length));
	const prefix = bytes32(epoch);
	const leaves: Uint8Array[] = words.map((word) => keccak_256(concatBytes(prefix, bytes32(word))));
	while (leaves.length < size) leaves.push(new Uint8Array(32));
	const all = [leaves];
	for (let level = leaves; level.length > 1; ) {
		const next: Uint8Array[] = [];
		for (let i = 0; i < level.length; i += 2) next.push(keccak_256(concatBytes(level[i] as Uint8Array, level[i + 1] as Uint8Array)));
		all.push(next);
		level = next;
	}
	return all;
}

function bytes32(value: bigint): Uint8Array {
	return hexToBytes(value.toString(16).padStart(64, "0"));
}

function hex(bytes: Uint8Array): string {
	return `0x${bytesToHex(bytes)}`;
}
