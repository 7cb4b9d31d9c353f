/**
 * What operators hash: the result of a job from the digests of its segments, the commitment to it, and the draw that follows from the beacon.
 * Digests are 32 bytes, 0x-prefixed.
 */
import { AbiCoder, concat, id, keccak256 } from "ethers";
import { CERTAIN } from "./bond.ts";
import type { Addresses } from "./contracts.ts";
import type { Audit } from "./enums.ts";

/** Where jobs are. */
export interface JobPlace {
	readonly chainId: number;
	readonly contracts: Pick<Addresses, "ComputeJobs">;
}

/** keccak256 of the concatenated digests of all segments. @param digests in order, 1 to 256 */
export function resultDigest(digests: readonly string[]): string {
	return keccak256(concat([...digests]));
}

/**
 * What an operator commits to before the deadline.
 *
 * @param result see {@link resultDigest}
 * @param salt 32 random bytes, secret until the deadline
 */
export function resultCommitment(place: JobPlace, job: bigint, operator: string, result: string, salt: string): string {
	return encode(
		["bytes32", "uint256", "address", "uint256", "address", "bytes32", "bytes32"],
		[id("openledger.commitment.result.v1"), place.chainId, place.contracts.ComputeJobs, job, operator, result, salt],
	);
}

/**
 * What the beacon says of a job.
 *
 * @param blockHash of the job's draw block
 * @param terms.auditRate of the job's policy, in parts of a million
 * @returns the seed, and the segment to be replayed unless the job is spared
 */
export function drawOf(
	place: JobPlace,
	job: bigint,
	blockHash: string,
	terms: { readonly auditRate: bigint; readonly segments: bigint },
): { readonly seed: string; readonly audit: Extract<Audit, "Spared" | "Segment">; readonly segment: bigint } {
	const seed = encode(["bytes32", "address", "uint256"], [blockHash, place.contracts.ComputeJobs, job]);
	const low = BigInt(seed) & ((1n << 128n) - 1n);
	if (low % CERTAIN >= terms.auditRate) return { seed, audit: "Spared", segment: 0n };
	return { seed, audit: "Segment", segment: (BigInt(seed) >> 128n) % terms.segments };
}

function encode(types: readonly string[], values: readonly unknown[]): string {
	return keccak256(AbiCoder.defaultAbiCoder().encode(types, values));
}
