/**
 * What a proof is bound to: who, where and in which epoch, exactly as the contracts compute it.
 *
 *     context = keccak256(abi.encode(kind, chain id, contract, epoch or submission [, sender]))      kind = keccak256("openledger.context.STATEMENT.v1")
 */
import { AbiCoder, id, keccak256 } from "ethers";
import type { Addresses } from "./contracts.ts";

/** The parts of a deployment that a context holds. */
export interface Place {
	readonly chainId: number;
	readonly contracts: Addresses;
}

/** Where a proof is posted by anybody: the statement's kind and the contract that checks it. */
const holders = {
	query: "EpochBook",
	total: "EpochBook",
	"query-total": "EpochBook",
	optimum: "EpochBook",
	score: "EpochBook",
	attribution: "EpochBook",
	payout: "PayoutBook",
} as const;

/** Statements whose context does not hold the sender. */
export type EpochStatement = keyof typeof holders;

/**
 * The context of a proof that belongs to an epoch: all but contributions.
 *
 * @param epoch id of the epoch, from 1
 * @returns 32 bytes, 0x-prefixed
 */
export function epochContext(place: Place, statement: EpochStatement, epoch: bigint): string {
	return digest(["bytes32", "uint256", "address", "uint256"], [kind(statement), place.chainId, place.contracts[holders[statement]], epoch]);
}

/**
 * The context of a contribution proof: it belongs to its sender, so that nobody can copy a pending one.
 *
 * @param epoch id of the epoch, from 1
 * @param contributor the address that will send the contribution
 * @returns 32 bytes, 0x-prefixed
 */
export function contributionContext(place: Place, epoch: bigint, contributor: string): string {
	return digest(
		["bytes32", "uint256", "address", "uint256", "address"],
		[kind("contribution"), place.chainId, place.contracts.ContributionRegistry, epoch, contributor],
	);
}

/**
 * The context of a proof that a submission to a datanet must go: it belongs to its challenger.
 *
 * @param submission number of the submission, from 1
 * @param challenger the address whose challenge it decides
 * @returns 32 bytes, 0x-prefixed
 */
export function disputeContext(place: Place, submission: bigint, challenger: string): string {
	return digest(
		["bytes32", "uint256", "address", "uint256", "address"],
		[kind("dispute"), place.chainId, place.contracts.Datanets, submission, challenger],
	);
}

function kind(statement: string): string {
	return id(`openledger.context.${statement}.v1`);
}

function digest(types: readonly string[], values: readonly unknown[]): string {
	return keccak256(AbiCoder.defaultAbiCoder().encode(types, values));
}
