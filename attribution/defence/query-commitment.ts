/**
 * Commit-reveal of query sets: the root is published before rows are committed, part of the queries may be shown at once, the rest only
 * after the scores are committed. Whoever copies or fits queries then knows no more than the shown part, and the hidden part pays.
 *
 *     salt_i = keccak(salt || i)     leaf_i = keccak(salt_i || i || label || weight || x)     root = keccak(leaf_0 || leaf_1 || ...)
 *
 * (i as 4 bytes, big-endian.) Each leaf has a salt of its own, so showing some queries tells nothing of the others, not even to somebody who
 * can guess them. Which half is hidden follows from the root and a beacon that nobody knows when the root is published (the hash of
 * a later block), so that whoever commits cannot choose.
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import type { Rows } from "../../circuits/statistics.ts";
import { DataError } from "../../compute/errors.ts";

/** What is published first. */
export interface QueryCommitment {
	/** 32 bytes. */
	readonly root: Uint8Array;
	/** 32 bytes per query. */
	readonly leaves: readonly Uint8Array[];
}

/** A query, shown. */
export interface QueryOpening {
	/** Its position in the set. */
	readonly index: number;
	/** Its own salt, 32 bytes. */
	readonly salt: Uint8Array;
	/** d bytes. */
	readonly x: Uint8Array;
	readonly label: number;
	readonly weight: number;
}

const SALT_BYTES = 32;

/**
 * Commit to queries.
 * @param salt - 32 secret random bytes, kept until the last query is shown
 * @throws {DataError} TOO_FEW_ROWS without queries; SHAPE_MISMATCH for a salt of another length
 */
export function commitQueries(queries: Rows, salt: Uint8Array): QueryCommitment {
	if (queries.count === 0) throw new DataError("TOO_FEW_ROWS", "commitQueries: no query, at least 1 is needed", "Give queries.");
	const leaves = openQueries(queries, salt, range(queries.count)).map(leafOf);
	return { root: keccak_256(concatBytes(...leaves)), leaves };
}

/**
 * Show some of the queries.
 * @param indices - which of them, in [0, count)
 * @throws {DataError} SHAPE_MISMATCH for a salt of another length; PARAMETER_OUT_OF_RANGE for an index outside
 */
export function openQueries(queries: Rows, salt: Uint8Array, indices: ArrayLike<number>): QueryOpening[] {
	if (salt.length !== SALT_BYTES) {
		throw new DataError("SHAPE_MISMATCH", `queries: expected a salt of ${SALT_BYTES} bytes, got ${salt.length}`, "Draw 32 random bytes.");
	}
	const { x, label, weight, count } = queries;
	const d = x.length / count;
	return Array.from(indices, (index) => {
		checkIndex(index, count);
		return {
			index,
			salt: keccak_256(concatBytes(salt, bytesOf(index))),
			x: x.slice(index * d, (index + 1) * d),
			label: label[index] as number,
			weight: weight[index] as number,
		};
	});
}

/**
 * Check shown queries against what was published.
 * @throws {DataError} LINEAGE_DIGEST_CHANGED if the leaves are not those of the root or a query is not that of its leaf;
 *   PARAMETER_OUT_OF_RANGE for an index outside
 */
export function checkOpenings({ root, leaves }: QueryCommitment, openings: readonly QueryOpening[]): void {
	const found = keccak_256(concatBytes(...leaves));
	if (!equal(found, root)) throw changed(`the leaves have the root 0x${bytesToHex(found)}, published was 0x${bytesToHex(root)}`);
	for (const opening of openings) {
		checkIndex(opening.index, leaves.length);
		if (!equal(leafOf(opening), leaves[opening.index] as Uint8Array))
			throw changed(`query ${opening.index} is not the one that was committed`);
	}
}

/**
 * Which queries stay hidden: those with the smallest keccak(root || beacon || i), the share of them rounded up.
 * @param beacon - public bytes that nobody knew when the root was published
 * @param share - in (0, 1)
 * @returns their indices, ascending: at least 1, and at least 1 is left to show if there are 2
 */
export function hiddenQueries({ root, leaves }: QueryCommitment, beacon: Uint8Array, share: number): Uint32Array {
	if (!(share > 0 && share < 1)) {
		throw new DataError("PARAMETER_OUT_OF_RANGE", `hiddenQueries: expected a share in (0, 1), got ${share}`, "One half is usual.");
	}
	const most = Math.max(1, leaves.length - 1);
	const ranked = range(leaves.length)
		.map((index) => ({ index, rank: bytesToHex(keccak_256(concatBytes(root, beacon, bytesOf(index)))) }))
		.sort((a, b) => (a.rank < b.rank ? -1 : 1));
	return Uint32Array.from(ranked.slice(0, Math.min(most, Math.ceil(share * leaves.length))), ({ index }) => index).sort();
}

function leafOf({ index, salt, x, label, weight }: QueryOpening): Uint8Array {
	return keccak_256(concatBytes(salt, bytesOf(index), Uint8Array.of(label, weight), x));
}

function bytesOf(index: number): Uint8Array {
	return Uint8Array.of(index >>> 24, index >>> 16, index >>> 8, index);
}

function range(count: number): number[] {
	return Array.from({ length: count }, (_, index) => index);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((value, i) => value === b[i]);
}

function checkIndex(index: number, count: number): void {
	if (Number.isInteger(index) && index >= 0 && index < count) return;
	throw new DataError("PARAMETER_OUT_OF_RANGE", `queries: expected an index in [0, ${count - 1}], got ${index}`, "Count queries from 0.");
}

function changed(what: string): DataError {
	return new DataError("LINEAGE_DIGEST_CHANGED", `queries: ${what}`, "Do not pay by these queries; ask for those that were committed.");
}
