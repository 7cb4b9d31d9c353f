/**
 * What a grant of the launchpad consists of, and what its ids, contexts and digests are the hash of, exactly as the contract computes it.
 *
 *     grant   = keccak256(abi.encode(chain id, launchpad, digest, recipient, milestones))
 *     context = keccak256(abi.encode(keccak256("openledger.context.milestone.v1"), chain id, launchpad, grant, milestone))
 *     project = keccak256(abi.encode(chain id, matching rounds, round, recipient, digest))
 */
import { AbiCoder, id, keccak256, ZeroHash } from "ethers";
import type { Place } from "./context.ts";
import { LedgerError } from "./errors.ts";

/** What proves a milestone, where it is not met by evidence. */
export interface ProofTerms {
	/** id of a circuit without links and words */
	readonly circuit: string;
	/** place of the public signal that is the proposal's digest mod r, 0 to 15 */
	readonly place: number;
	/** bit i: public signal i is fixed */
	readonly fixedPublics: number;
	/** see {@link fixPublics} */
	readonly fixedDigest: string;
}

/** One milestone of a proposal. */
export interface MilestoneTerms {
	/** wei */
	readonly amount: bigint;
	/** Unix seconds; from then on neither evidence nor proof is taken */
	readonly deadline: bigint;
	/** undefined: it is met by evidence */
	readonly proof: ProofTerms | undefined;
}

/** A grant as it is proposed. */
export interface GrantProposal {
	/** receives what is released */
	readonly recipient: string;
	/** keccak256 of the canonical JSON of the proposal, 0x-prefixed */
	readonly digest: string;
	/** 1 to 16 */
	readonly milestones: readonly MilestoneTerms[];
}

/** Seconds in which evidence can be challenged. */
export const CHALLENGE_WINDOW = 7n * 86_400n;

/** Seconds in which the owner may decide a challenge. */
export const DECISION_PERIOD = 30n * 86_400n;

/** The most public signals of a milestone's proof. */
export const MAX_PUBLICS = 16;

const coder = AbiCoder.defaultAbiCoder();
const TERMS = "tuple(uint96 amount, uint40 deadline, bytes32 circuit, uint8 place, uint16 fixedPublics, bytes32 fixedDigest)[]";

/** A milestone as the contract takes it. */
export function milestoneStruct({ amount, deadline, proof }: MilestoneTerms) {
	const {
		circuit,
		place,
		fixedPublics,
		fixedDigest: digest,
	} = proof ?? { circuit: ZeroHash, place: 0, fixedPublics: 0, fixedDigest: ZeroHash };
	return { amount, deadline, circuit, place, fixedPublics, fixedDigest: digest };
}

/** The id of a grant, proposed or not. @returns 32 bytes, 0x-prefixed */
export function fundingId({ chainId, contracts }: Place, { recipient, digest, milestones }: GrantProposal): string {
	const values = [chainId, contracts.OpenCirceLaunchpad, digest, recipient, milestones.map(milestoneStruct)];
	return keccak256(coder.encode(["uint256", "address", "bytes32", "address", TERMS], values));
}

/** The context of the proof of a milestone. @param milestone from 0 @returns 32 bytes, 0x-prefixed */
export function milestoneContext({ chainId, contracts }: Place, grant: string, milestone: number): string {
	const values = [id("openledger.context.milestone.v1"), chainId, contracts.OpenCirceLaunchpad, grant, milestone];
	return keccak256(coder.encode(["bytes32", "uint256", "address", "bytes32", "uint256"], values));
}

/** The id of a project of a matching round, applied or not. @returns 32 bytes, 0x-prefixed */
export function projectId({ chainId, contracts }: Place, project: { round: bigint; recipient: string; digest: string }): string {
	const { round, recipient, digest } = project;
	const values = [chainId, contracts.MatchingRounds, round, recipient, digest];
	return keccak256(coder.encode(["uint256", "address", "uint256", "address", "bytes32"], values));
}

/**
 * The public signals that a milestone fixes, as its terms hold them.
 *
 * @param values place, 0 to 15 -> value
 * @throws LedgerError `input.invalid` for another place
 */
export function fixPublics(values: ReadonlyMap<number, bigint>): { fixedPublics: number; fixedDigest: string } {
	const places = [...values.keys()].sort((one, other) => one - other);
	const bad = places.find((place) => !Number.isInteger(place) || place < 0 || place >= MAX_PUBLICS);
	if (bad !== undefined) {
		throw new LedgerError("input.invalid", `fixPublics: expected places from 0 to ${MAX_PUBLICS - 1}, got ${bad}`, {
			hint: "Count the public signals of the statement from zero.",
		});
	}
	const digest = places.reduce((before, place) => {
		return keccak256(coder.encode(["bytes32", "uint256", "uint256"], [before, place, values.get(place)]));
	}, ZeroHash);
	return { fixedPublics: places.reduce((bits, place) => bits | (1 << place), 0), fixedDigest: digest };
}

/** Wei of the bond for a challenge of a milestone: a tenth of its amount, at least 10 OPEN. */
export function bondOf(amount: bigint): bigint {
	const least = 10n * 10n ** 18n;
	return amount / 10n < least ? least : amount / 10n;
}
