/**
 * The hash of PROTOCOL section 3: Poseidon of width 17 with circomlib's parameters, 15 elements a block.
 * Same function as `gadgets/sponge.circom`.
 */
import { buildPoseidon } from "circomlibjs";

const poseidon = await buildPoseidon();

/** Domain tags: ASCII names as big-endian integers; the same as in `gadgets/tags.circom`. */
export const TAGS = {
	rows: tag("openledger.rows"),
	stats: tag("openledger.stats"),
	model: tag("openledger.model"),
	scores: tag("openledger.scores"),
} as const;

function tag(name: string): bigint {
	return BigInt(`0x${Buffer.from(name, "ascii").toString("hex")}`);
}

/**
 * Hash of `elements` (each in `[0, FIELD)`, at least one) under a tag.
 * The first element must hold the dimensions: the last block is padded with zeros.
 */
export function sponge(domain: bigint, elements: readonly bigint[]): bigint {
	if (elements.length === 0) {
		throw new RangeError("sponge: expected at least 1 element, got 0");
	}
	let state: bigint = domain;
	for (let start = 0; start < elements.length; start += 15) {
		const block = elements.slice(start, start + 15);
		while (block.length < 15) {
			block.push(0n);
		}
		state = poseidon.F.toObject(poseidon([state, ...block]));
	}
	return state;
}

/** Values that one field element holds: floor(252 / width). */
export function packedPer(width: number): number {
	return Math.floor(252 / width);
}

/** Packs values in `[0, 2^width)`, little end first, as many an element as fit in 252 bits. */
export function pack(values: readonly bigint[], width: number): bigint[] {
	const per = packedPer(width);
	const elements: bigint[] = [];
	for (let start = 0; start < values.length; start += per) {
		let element = 0n;
		const end = Math.min(start + per, values.length);
		for (let i = end - 1; i >= start; i--) {
			element = (element << BigInt(width)) | (values[i] as bigint);
		}
		elements.push(element);
	}
	return elements;
}
