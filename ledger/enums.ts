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

/** Status of a payment channel. */
export const channelStatuses = ["None", "Open", "Closing", "Closed"] as const;
export type ChannelStatus = (typeof channelStatuses)[number];

/** Why a voucher is worth nothing. */
export const voucherFaults = ["None", "ChannelUnknown", "ChannelClosed", "NothingNew", "DepositExceeded", "SignatureInvalid"] as const;
export type VoucherFault = (typeof voucherFaults)[number];

/** Status of a grant of the launchpad. */
export const fundingStatuses = ["None", "Proposed", "Approved", "Rejected", "Cancelled"] as const;
export type FundingStatus = (typeof fundingStatuses)[number];

/** Stage of a milestone of a grant. */
export const milestoneStages = ["Pending", "Claimed", "Challenged", "Released", "Lapsed"] as const;
export type MilestoneStage = (typeof milestoneStages)[number];

/** Status of a project in a matching round. */
export const projectStatuses = ["None", "Applied", "Admitted", "Settled", "Cancelled"] as const;
export type ProjectStatus = (typeof projectStatuses)[number];

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
