/** The enums of the contracts by name, in the contracts' order: a number on chain is an index into these lists. */

/** Phases of an epoch; after `Attributed` follows the payout, in the account of the distributor. */
export const phases = ["Unknown", "Open", "Closed", "Checkpointed", "QueriesCommitted", "QueriesPosted", "Attributed"] as const;
export type Phase = (typeof phases)[number];

/** Statements of an epoch, in the order of a policy's circuits. */
export const statements = ["Contribution", "Query", "Total", "QueryTotal", "Optimum", "Score", "Attribution", "Payout"] as const;
export type Statement = (typeof statements)[number];

/** Kinds of provenance records. */
export const recordKinds = [
	"None",
	"Dataset",
	"ModelManifest",
	"TrainingDescriptor",
	"Checkpoint",
	"FineTune",
	"InferenceLog",
	"Licence",
] as const;
export type RecordKind = (typeof recordKinds)[number];

/** Status of a provenance record. */
export const recordStatuses = ["None", "Active", "Revoked"] as const;
export type RecordStatus = (typeof recordStatuses)[number];

/** Status of an epoch's account at the distributor. */
export const accountStatuses = ["None", "Posted", "Vetoed", "Refunded", "Swept"] as const;
export type AccountStatus = (typeof accountStatuses)[number];

/** Status of a route of the VerifierRouter. */
export const routeStatuses = ["Unknown", "Active", "Stopped"] as const;
export type RouteStatus = (typeof routeStatuses)[number];

/** Why the VerifierRouter refuses a key. */
export const keyFaults = [
	"Length",
	"CircuitId",
	"Gamma",
	"DeltaIsGamma",
	"SigmaIsGenerator",
	"SigmaIsDelta",
	"Infinity",
	"NoPublics",
	"PointInvalid",
] as const;
export type KeyFault = (typeof keyFaults)[number];

/** Status of a case of the StakeVault. */
export const caseStatuses = ["Settled", "Open", "Appealed", "Overturned"] as const;
export type CaseStatus = (typeof caseStatuses)[number];

/** The terms of a service of the StakeVault. */
export const serviceTerms = ["Unbonding", "AppealWindow", "Cap", "ChallengerShare"] as const;
export type ServiceTerm = (typeof serviceTerms)[number];

/** State of a proposal at the governor. */
export const proposalStates = ["Pending", "Active", "Canceled", "Defeated", "Succeeded", "Queued", "Expired", "Executed"] as const;
export type ProposalState = (typeof proposalStates)[number];

/** Kinds of a vote, in the contract's order. */
export const voteKinds = ["against", "for", "abstain"] as const;
export type VoteKind = (typeof voteKinds)[number];

/** Status of a payment channel. */
export const channelStatuses = ["None", "Open", "Closing", "Closed"] as const;
export type ChannelStatus = (typeof channelStatuses)[number];

/** Why a voucher is worth nothing. */
export const voucherFaults = ["None", "ChannelUnknown", "ChannelClosed", "NothingNew", "DepositExceeded", "SignatureInvalid"] as const;
export type VoucherFault = (typeof voucherFaults)[number];

/** How a datanet accepts submissions. */
export const datanetModes = ["None", "Open", "Curated"] as const;
export type DatanetMode = (typeof datanetModes)[number];

/** Status of a submission to a datanet. */
export const submissionStatuses = ["None", "Pending", "Accepted", "Lapsed", "Leaving", "Withdrawn", "Rejected", "Removed"] as const;
export type SubmissionStatus = (typeof submissionStatuses)[number];

/** What became of a challenge of a submission. */
export const rulings = ["None", "Open", "Upheld", "Dismissed", "Moot"] as const;
export type Ruling = (typeof rulings)[number];

/** Why a curator rejects a submission. */
export const rejectReasons = ["Unstated", "Duplicate", "Licence", "Quality", "Format", "Privacy", "OffTopic"] as const;
export type RejectReason = (typeof rejectReasons)[number];

/** The terms of a datanet that have a range. */
export const datanetTerms = ["Mode", "Bond", "Rows", "Submissions", "ChallengeWindow", "DecisionPeriod"] as const;
export type DatanetTerm = (typeof datanetTerms)[number];

/**
 * The name of an enum value that a contract returned.
 *
 * @param names one of the lists of this file
 * @param value index into it
 * @throws RangeError when the contract knows a value that this file does not
 */
export function nameOf<Name extends string>(names: readonly Name[], value: bigint | number): Name {
	const name = names[Number(value)];
	if (name === undefined) throw new RangeError(`nameOf: expected an index below ${names.length}, got ${value}`);
	return name;
}
