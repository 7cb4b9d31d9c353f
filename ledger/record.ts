/** Ids of provenance records and heads of log chains, computed without the chain. */
import { AbiCoder, keccak256 } from "ethers";
import { type RecordKind, recordKinds } from "./enums.ts";

/**
 * The id of the record that `author` makes, or made, of a digest.
 *
 * @param digest keccak256 of the canonical content, 0x-prefixed
 * @returns 32 bytes, 0x-prefixed
 */
export function recordId(author: string, kind: RecordKind, digest: string): string {
	return keccak256(AbiCoder.defaultAbiCoder().encode(["address", "uint8", "bytes32"], [author, recordKinds.indexOf(kind), digest]));
}

/**
 * The head of a model's log chain after one more log.
 *
 * @param previous head before, 32 zero bytes for the first
 * @param sequence number of the new log, from 1
 * @param root Merkle root or digest of its entries
 * @returns 32 bytes, 0x-prefixed
 */
export function logHeadAfter(previous: string, sequence: bigint, root: string): string {
	return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "uint64", "bytes32"], [previous, sequence, root]));
}
