/**
 * What can go wrong between us and a chain.
 *
 * Every error of this room is a {@link LedgerError}: a stable `code` for programs, a message for people, and a `hint` that says what to do.
 * {@link decodeError} makes one of anything that ethers, a node or a contract throws; a contract's custom error keeps its name and arguments.
 */
import { AbiCoder, dataSlice, ErrorFragment, type Interface, isHexString } from "ethers";
import { contractNames, Deployer, interfaces, verifierInterface } from "./contracts.ts";
import {
	accountStatuses,
	audits,
	type ChallengeStatus,
	caseStatuses,
	challengeStatuses,
	channelStatuses,
	datanetTerms,
	type FundingStatus,
	fundingStatuses,
	grantStatuses,
	type JobStatus,
	jobStatuses,
	keyFaults,
	type MilestoneStage,
	milestoneStages,
	nameOf,
	operatorStatuses,
	type ProjectStatus,
	phases,
	policyParameters,
	projectStatuses,
	proposalStates,
	recordKinds,
	rulings,
	serviceTerms,
	statements,
	submissionStatuses,
	type VoucherFault,
	voucherFaults,
} from "./enums.ts";

/** Stable names of all failures of this room. */
export type LedgerErrorCode =
	/** the node does not answer */
	| "node.unreachable"
	/** the node answers for another chain */
	| "node.wrong-chain"
	/** the node refused a request for a reason of its own */
	| "node.refused"
	/** the node contradicts itself, or what it said before */
	| "node.inconsistent"
	/** the node does not have what was there before */
	| "node.lagging"
	/** the transaction number is used or out of order */
	| "transaction.nonce"
	/** not enough of the chain's own coin for gas */
	| "transaction.funds"
	/** the fee is below what the node takes */
	| "transaction.fee"
	/** no receipt before the deadline, or it is not known whether the transaction was sent */
	| "transaction.timeout"
	/** a contract refused; see `revert` */
	| "transaction.reverted"
	| "devnet.missing"
	| "devnet.died"
	| "deployment.invalid"
	/** events are missing or contradict each other */
	| "events.incomplete"
	/** another process has the directory of an index */
	| "index.owned"
	/** the database of an index refuses */
	| "index.database"
	/** a voucher is worth nothing */
	| "voucher.refused"
	| "voucher.damaged"
	| "input.invalid"
	| "aborted"
	| "unknown";

/** A contract's own reason. */
export interface Revert {
	/** name of the custom error, or `Error` / `Panic` */
	readonly name: string;
	/** arguments by name, as ethers decodes them */
	readonly args: Readonly<Record<string, unknown>>;
}

/** Base of all errors of this room. */
export class LedgerError extends Error {
	override readonly name = "LedgerError";
	readonly code: LedgerErrorCode;
	/** what the reader can do about it */
	readonly hint: string;
	readonly revert: Revert | undefined;
	/** hash of the transaction, when one was signed */
	readonly transaction: string | undefined;

	/**
	 * @param code stable name
	 * @param message what was expected and what was found
	 * @param options.hint what to do about it
	 * @param options.cause the error underneath
	 * @param options.revert the contract's own reason
	 * @param options.transaction hash of the transaction in question
	 */
	constructor(code: LedgerErrorCode, message: string, options: { hint: string; cause?: unknown; revert?: Revert; transaction?: string }) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = code;
		this.hint = options.hint;
		this.revert = options.revert;
		this.transaction = options.transaction;
	}
}

/** What to do about a voucher that is worth nothing. */
export const voucherRemedies: Readonly<Record<VoucherFault, string>> = {
	None: "The voucher is good.",
	ChannelUnknown: "No such channel was opened here. Check payer, payee, delay, salt and the deployment.",
	ChannelClosed: "The channel has ended; its vouchers are worth nothing any more. Ask the payer for another channel.",
	NothingNew: "This much was redeemed before. Redeem a later voucher.",
	DepositExceeded: "The voucher is above the deposit. Have the channel topped up, or take a lower voucher.",
	SignatureInvalid: "The voucher was not signed by the payer for this channel, amount, chain and contract. Ask the payer to sign again.",
};

const jobRemedies: Readonly<Record<JobStatus, string>> = {
	None: "it was never posted here. Check the number and the deployment.",
	Open: "nobody has taken it. Take it first, or let its requester cancel.",
	Taken: "its operator has yet to commit to a result.",
	Committed: "its result is committed and not revealed; reveal it from the deadline on.",
	Revealed: "its result is revealed. Challenge it, or settle the job when its window has closed.",
	Paid: "it has ended, and its operator was credited.",
	Cancelled: "it was cancelled, and its requester was credited.",
	Expired: "nobody took it in time, and its requester was credited.",
	Late: "nothing was committed in time, and its requester was credited.",
	Withheld: "its result was not revealed, and its requester was credited.",
	Convicted: "its result was wrong, and its requester was credited.",
};

const challengeRemedies: Readonly<Record<ChallengeStatus, string>> = {
	None: "it was never opened here. Check the number and the deployment.",
	Pending: "it waits for the operator's answer.",
	Disputed: "it waits for the owner's decision.",
	Upheld: "it has ended: the operator lost.",
	Lost: "it has ended: the challenger lost.",
	Returned: "it has ended: nobody lost, and the bond is free.",
};

const fundingRemedies: Readonly<Record<FundingStatus, string>> = {
	None: "No such grant was proposed here. Check the id and the deployment.",
	Proposed: "The grant was not approved yet, so there is no money here for it.",
	Approved: "The grant is approved already.",
	Rejected: "The grant was rejected. Propose another.",
	Cancelled: "The grant was cancelled; only what was claimed before goes its way.",
};

const milestoneRemedies: Readonly<Record<MilestoneStage, string>> = {
	Pending: "Nothing was claimed for this milestone; its recipient posts evidence or a proof first.",
	Claimed: "Evidence was posted; wait for the end of the challenge window.",
	Challenged: "The evidence was challenged; the owner decides, or silence does after 30 days.",
	Released: "The milestone was released; withdraw what is due.",
	Lapsed: "The milestone lapsed, and its amount is with the treasury.",
};

const projectRemedies: Readonly<Record<ProjectStatus, string>> = {
	None: "Nobody applied for this project here. Check the id and the deployment.",
	Applied: "The project was not admitted yet; the owner admits it.",
	Admitted: "The project is admitted; it takes donations while the round is open, and is settled after it.",
	Settled: "The project is settled; withdraw what is due.",
	Cancelled: "The project was cancelled; its donors take their money back.",
};

type Args = Readonly<Record<string, unknown>>;

const time = (seconds: unknown): string => new Date(Number(seconds) * 1000).toISOString();

// What to do about each custom error. A test holds the list against the ABIs.
const remedies: Readonly<Record<string, (args: Args) => string>> = {
	// epochs
	WrongPhase: ({ epoch, expected, actual }) =>
		`Epoch ${epoch} is in phase ${nameOf(phases, actual as bigint)}; this step needs ${nameOf(phases, expected as bigint)}. Continue from the phase that the chain is in.`,
	EpochExpired: ({ expiresAt }) => `The epoch ended at ${time(expiresAt)}. Refund its pool, withdraw the stakes and open another epoch.`,
	EpochUnknown: ({ epoch }) => `No epoch ${epoch} was opened here. Check the number and the deployment.`,
	EpochFull: ({ capacity }) => `All ${capacity} places are taken. Contribute to another epoch.`,
	EpochEmpty: () => "Close the epoch after the first contribution.",
	NotSteward: ({ steward }) => `Send this from the steward ${steward}.`,
	CapacityOutOfRange: ({ maximum }) => `Choose a capacity from 1 to ${maximum}.`,
	ExpiryOutOfRange: ({ earliest, latest }) => `Choose an expiry from ${time(earliest)} to ${time(latest)}.`,
	AddressZero: () => "Give a real address; the zero address would lose the money.",
	// contributions and stakes
	StakeTooLow: ({ minimum, actual }) => `Stake at least ${minimum} wei of OPEN, not ${actual}.`,
	RowsOutOfRange: () => "A contribution has from 1 to 4294967295 rows.",
	CommitTaken: () =>
		"These rows or statistics are in the epoch already. If they are yours, the contribution was accepted before; otherwise commit with another salt.",
	ContributionUnknown: ({ epoch, index }) => `Epoch ${epoch} has no contribution ${index}. Check the index.`,
	NotDistributor: () => "Only the RewardDistributor charges stakes; settle the payout word with a claim instead.",
	StakeLocked: () => "The stake is free once the payout word was claimed, or the epoch was vetoed, swept or expired without a payout.",
	StakeEmpty: () => "Nothing is left of this stake: it was withdrawn or charged before.",
	// stakes in the vault
	AmountZero: () => "Give an amount above zero.",
	FreeStakeTooLow: ({ service, owner, free, needed }) =>
		`${owner} has ${free} of ${needed} wei free in the vault for ${service}. Deposit the rest, or wait until what is locked is free.`,
	ServiceUnknown: ({ service }) => `${service} is not a service of the vault. Check the address and the deployment.`,
	ServiceTaken: () => "This service was registered before, with terms that never change.",
	ServiceIsRetired: ({ endsAt }) => `The service was retired; its stake can be withdrawn at ${time(endsAt)} at the latest.`,
	ServiceTermOutOfRange: ({ term, minimum, maximum }) =>
		`Choose ${nameOf(serviceTerms, term as bigint)} from ${minimum} to ${maximum} (seconds, or basis points).`,
	UnbondingRequired: ({ unbonding }) => `Stake for this service leaves by unbonding, in ${unbonding} seconds.`,
	NothingUnbonded: ({ unbondsAt }) =>
		unbondsAt === 0n
			? "Nothing is unbonding here. The owner unbonds free stake first."
			: `Nothing can be withdrawn now. What is unbonding can be from ${time(unbondsAt)}.`,
	NothingCredited: ({ who }) => `Nothing is credited to ${who}, or it was collected before.`,
	CaseUnknown: ({ id }) => `There is no case ${id}. Check the number and the deployment.`,
	WrongCaseStatus: ({ id, actual }) =>
		({
			Settled: `Case ${id} was settled; its money is credited.`,
			Open: `Case ${id} was not appealed. It is settled after its window.`,
			Appealed: `Case ${id} was appealed before. The owner of the vault decides it.`,
			Overturned: `Case ${id} was overturned; its money went back to the account.`,
		})[nameOf(caseStatuses, actual as bigint)],
	NotAccused: ({ accused }) => `Only the accused ${accused} appeals.`,
	CaseTooLate: ({ due }) => `The time for this ended at ${time(due)}. Settle the case instead.`,
	CaseNotDue: ({ due }) => `The case can be settled from ${time(due)}.`,
	SignatureExpired: ({ deadline }) => `The signature was valid until ${time(deadline)}. Sign again with a later deadline.`,
	SignatureInvalid: ({ signer }) => `Sign again with the key of ${signer}, its current nonce and the same fields.`,
	// proofs
	ProofRejected: () =>
		"The proof does not show this statement for these publics, words and context. Prove again for this chain, contract, epoch and sender.",
	PointInvalid: () => "A point of the proof is not on its curve. The proof file is damaged; prove again.",
	PublicCount: ({ expected }) => `Give ${expected} public signals, without links, evaluation and challenge.`,
	PublicNotInField: ({ index }) => `Reduce public signal ${index} modulo the field order.`,
	WordNotInField: ({ index }) => `Word ${index} is not below the field order. Send the word itself, not word + r.`,
	WordsNotAccepted: () => "This circuit binds no words; send an empty list.",
	TooManyWords: ({ maximum }) => `One proof carries at most ${maximum} words.`,
	LinkCount: ({ expected }) => `Give ${expected} links. A proof with links is verified together with the proofs that it was made with.`,
	LinkNotInField: ({ index }) => `Reduce link ${index} modulo the field order.`,
	NotInTranscript: () =>
		"The proof was made for another transcript, or one of its publics, words or its commitment was altered. Send it with the transcript that it was made for.",
	BatchSize: ({ maximum }) => `Give 1 to ${maximum} proofs, and send more in another transaction.`,
	TooManyMembers: ({ maximum }) => `At most ${maximum} proofs are made together. Use larger pages.`,
	CircuitUnknown: () => "No verifier is registered for this circuit. Register the verification key first.",
	CircuitStopped: () => "This circuit was stopped for ever. Open the epoch with another circuit.",
	CircuitTaken: () => "The circuit has its verifier already; nothing is to be done.",
	DevelopmentKey: ({ chainId }) => `Keys with a known secret are refused on chain ${chainId}. Use a key from a ceremony.`,
	KeyRefused: ({ fault }) => `The key is not safe (${nameOf(keyFaults, fault as bigint)}). Make it again with a completed setup.`,
	CanaryAccepted: () => "This verifier accepts proofs without a witness. Its key was never completed; do not use it.",
	NotGuardian: () => "Only the guardian or the owner stops a circuit without a proof.",
	NotInitial: () => "This code was not named when the router was created. Have the owner register the verifier, by a proposal.",
	TooManyInitial: ({ maximum }) => `Name at most ${maximum} verifiers at once; register the others later.`,
	// guardian
	IntakePaused: ({ until }) => `The guardian paused intake until ${time(until)}. Try again then; claims and withdrawals go on.`,
	NotOwner: ({ owner }) => `Send this from the owner ${owner}; where that is the timelock, by a proposal.`,
	NotMember: ({ member }) => `Send this from the guardian's member ${member}.`,
	TermEnded: ({ expiresAt }) => `The member's term ended at ${time(expiresAt)}. Renew it by a proposal.`,
	TermOutOfRange: ({ maximum }) => `Choose a term from 1 to ${maximum} seconds.`,
	PauseOutOfRange: ({ maximum }) => `Pause for 1 to ${maximum} seconds.`,
	PauseTooEarly: ({ from }) => `Intake may be paused again from ${time(from)}.`,
	NotPaused: () => "Intake is open; there is nothing to resume.",
	// governance
	GovernorUnexpectedProposalState: ({ current, expectedStates }) => {
		const bits = BigInt(expectedStates as string);
		const expected = proposalStates.filter((_, place) => (bits >> BigInt(place)) & 1n).join(" or ") || "new";
		return `The proposal is ${nameOf(proposalStates, current as bigint)}; this step needs one that is ${expected}.`;
	},
	GovernorNonexistentProposal: () => "No such proposal was made here. Check the id and the deployment.",
	GovernorInsufficientProposerVotes: ({ votes, threshold }) =>
		`A proposal takes ${threshold} wei of votes, and ${votes} were yours a second ago. Have more delegated to you.`,
	GovernorRestrictedProposer: () => "The description names another proposer.",
	GovernorInvalidProposalLength: () => "A proposal has one call at least, and a value and data for each.",
	GovernorAlreadyCastVote: () => "This key has voted on the proposal before.",
	GovernorInvalidVoteType: () => "Vote against, for or abstain.",
	GovernorInvalidVoteParams: () => "Votes take no parameters.",
	GovernorInvalidSignature: ({ voter }) => `The vote must be signed by ${voter} with its current nonce.`,
	GovernorUnableToCancel: () => "Only the proposer withdraws a proposal.",
	GovernorOnlyExecutor: () => "Settings of the governor change by a proposal alone.",
	GovernorDisabledDeposit: () => "The governor takes no money; the timelock is the treasury.",
	GovernorAlreadyQueuedProposal: () => "The proposal was queued before.",
	GovernorProposalQueueingNotRequired: () => "Execute the proposal; it needs no queueing.",
	GovernorProposalQueueingFailed: () => "The timelock did not take the proposal.",
	GovernorInvalidVotingPeriod: () => "A vote lasts a second at least.",
	GovernorInvalidQuorumFraction: ({ quorumDenominator }) => `The quorum is at most ${quorumDenominator} of ${quorumDenominator}.`,
	GovernorPreventLateQuorumVoteExtensionTooLarge: ({ maxVoteExtension }) => `Extend a vote by at most ${maxVoteExtension} seconds.`,
	ERC6372InconsistentClock: () => "The token's clock is not that of the chain.",
	TimelockInsufficientDelay: ({ minDelay }) => `These calls wait ${minDelay} seconds at least.`,
	TimelockInvalidOperationLength: () => "Give a value and data for each target.",
	TimelockUnauthorizedCaller: () => "Only the timelock itself does this, by a proposal.",
	TimelockUnexecutedPredecessor: () => "Another operation must be executed first.",
	TimelockUnexpectedOperationState: () => "The operation is not due yet, or was executed or cancelled before.",
	TooManyCalls: ({ maximum }) => `Name at most ${maximum} functions at once.`,
	AccessControlUnauthorizedAccount: () => "Only the governor schedules and cancels at the timelock. Make a proposal.",
	AccessControlBadConfirmation: () => "A role is renounced by its holder alone.",
	FailedCall: () => "A call of the proposal failed without a reason.",
	// deployer
	AddressTaken: ({ deployed }) => `The contract is there already, at ${deployed}.`,
	FailedDeployment: () => "The constructor gave no reason. Give the transaction more gas, or check the creation code.",
	InsufficientBalance: ({ needed }) => `The contract holds less than ${needed} wei of the chain's own coin.`,
	Create2EmptyBytecode: () => "Give the creation code of a contract.",
	Create3EmptyBytecode: () => "Give the creation code of a contract.",
	// steps of the book
	ListMismatch: ({ page }) =>
		`The words of the ${nameOf(statements, page as bigint)} pages are not the posted statistics in their order. Read them from the chain and prove again.`,
	ListIncomplete: ({ page, expected, actual }) =>
		`The ${nameOf(statements, page as bigint)} pages hold ${actual} of ${expected} statistics. Post the missing pages of this transcript first.`,
	PageOutOfRange: ({ left }) => `A page lists from 1 to ${left} statistics, as many as are left. The page may have been posted before.`,
	MemberMisplaced: ({ expected }) =>
		`Next comes the proof at place ${expected} of the transcript. Read how many are posted, by whomever, and go on from there.`,
	TranscriptEmpty: () => "These proofs are made together; send the digests of all of them.",
	LinkMismatch: () => "The proof speaks of another sum or path than its pages. Prove all of them again, together.",
	PathMismatch: () => "The page was scored along another path than the first one. Prove all pages again, together.",
	ManifestMismatch: () => "The proof was made for another model manifest than the record. Prove again with this manifest's digest.",
	RowsMismatch: ({ statement, expected, actual }) =>
		`The chain counts ${expected} rows where ${nameOf(statements, statement as bigint)} names ${actual}. Prove again over all of them.`,
	RecordUnfit: ({ expectedKind }) =>
		`Register an active ${nameOf(recordKinds, expectedKind as bigint)} record with the right parent first.`,
	ScoreMismatch: () =>
		"The scores do not continue the posted ones, or a payout page does not begin and end where pages of scores do. Prove again along the posted pages.",
	// provenance
	AlreadyRegistered: () => "You registered this content before; use the existing record.",
	RecordUnknown: ({ id }) => `Register the parent ${id} first.`,
	RecordNotActive: ({ id }) => `Record ${id} does not exist or was revoked.`,
	KindNotAllowed: ({ kind }) => `A record of kind ${nameOf(recordKinds, kind as bigint)} cannot be used here.`,
	DigestZero: () => "Give the keccak256 digest of the content.",
	NotAuthor: ({ author }) => `Send this from the record's author ${author}.`,
	LogSequence: ({ expected }) => `The next log of this model has sequence ${expected}. Read the head again.`,
	LogPrevious: ({ expected }) => `The head of the model's log chain is ${expected}. Read it again.`,
	// payout
	WrongStatus: ({ expected, actual }) =>
		`The payout is ${nameOf(accountStatuses, actual as bigint)}; this step needs ${nameOf(accountStatuses, expected as bigint)}.`,
	PoolMismatch: ({ expected }) => `The pool holds ${expected} wei. Prove all pages of the payout for exactly that pool.`,
	PageSizeOutOfRange: ({ maximum }) => `Choose a page size from 1 to ${maximum}.`,
	PageMisplaced: ({ expected }) =>
		`The next page of this payout begins with contribution ${expected}. Read how many pages are posted, by whomever.`,
	WordCount: ({ expected }) => `This page has ${expected} words, one per contribution in order.`,
	SumMismatch: ({ expected }) => `The positive words add up to ${expected} wei. The word list was altered.`,
	PositiveMismatch: ({ actual }) => `The positive scores of the epoch add up to ${actual}. Prove all pages again for that sum.`,
	PoolExceeded: ({ pool }) => `The pages pay more than the pool of ${pool} wei. Prove them again.`,
	WordMisplaced: ({ position }) =>
		`The word at place ${position} has a stray bit or belongs to another contribution. Keep the proven order.`,
	ClaimInvalid: () => "This word is not in the posted payout. Take word and proof from the words of its own transaction.",
	AlreadyClaimed: ({ index }) => `Contribution ${index} was settled before; nothing is owed any more.`,
	NotWallet: ({ epoch, index, wallet }) =>
		`Contribution ${index} of epoch ${epoch} belongs to ${wallet} now. Claim for that wallet, and have it sign if the money goes elsewhere.`,
	TooManyClaims: ({ maximum }) => `Settle at most ${maximum} words in one transaction.`,
	NotActive: ({ activatesAt }) => `Claims open at ${time(activatesAt)}.`,
	AlreadyActive: ({ activatesAt }) => `The payout is active since ${time(activatesAt)} and can no longer be vetoed.`,
	TooEarly: ({ second }) => `The money can go back to the funder from ${time(second)}.`,
	NotFunder: ({ funder }) => `Send this from the funder ${funder}.`,
	NotVetoer: ({ vetoer }) => `Only ${vetoer} may veto this epoch.`,
	NothingToMove: () => "There is no amount to move.",
	OtherOwner: () => "Dust moves only between epochs of one steward and one funder. Return it instead.",
	DelayTooLong: ({ maximum }) => `Choose an activation delay of at most ${maximum} seconds.`,
	NotPayoutBook: () => "Only the PayoutBook says what was proven; post the pages there.",
	NotDistributorsBook: ({ expected }) => `The distributor expects its PayoutBook at ${expected}. Deploy again.`,
	NotRegistrysDistributor: ({ expected }) =>
		`The registry expects its distributor at ${expected}: another transaction of the deployer came between. Deploy again.`,
	// payment channels
	ChannelTaken: () => "A channel of the same two with this salt was opened before. Choose another salt.",
	DelayOutOfRange: ({ minimum, maximum }) => `Choose a delay from ${minimum} to ${maximum} seconds.`,
	VoucherRefused: ({ fault }) => voucherRemedies[nameOf(voucherFaults, fault as bigint)],
	TooManyVouchers: ({ maximum }) => `Redeem at most ${maximum} vouchers in one transaction.`,
	NotPayer: ({ payer }) => `Send this from the payer ${payer}.`,
	NotPayee: ({ payee }) => `Send this from the payee ${payee}. A payer starts to close, waits and withdraws.`,
	ChannelStatus: ({ actual }) =>
		({
			None: "No such channel was opened here. Check payer, payee, delay, salt and the deployment.",
			Open: "The channel is open; the payer must start to close it first.",
			Closing: "The channel is being closed by its payer; wait, or have the payee close it at once.",
			Closed: "The channel has ended, and its money is with payer and payee.",
		})[nameOf(channelStatuses, actual as bigint)],
	StillClosing: ({ closesAt }) => `The remainder can be withdrawn from ${time(closesAt)}.`,
	// inference fees
	TreasuryPartTooHigh: ({ maximum }) => `Choose at most ${maximum} basis points for the treasury.`,
	ContributorsPartTooLow: ({ minimum, actual }) => `These bounds leave ${actual} basis points for contributors; leave at least ${minimum}.`,
	TrainerPartTooHigh: ({ maximum }) => `Choose at most ${maximum} basis points for the trainer.`,
	OperatorPartTooHigh: ({ maximum }) => `Choose at most ${maximum} basis points for operators.`,
	SharesEmpty: ({ epoch }) => `The payout of epoch ${epoch} pays nobody, so nobody has a share. Pay for another epoch.`,
	PaymentEmpty: () => "Pay more than nothing.",
	TooManyPayments: ({ maximum }) => `Make at most ${maximum} payments in one transaction.`,
	ArrivedShort: ({ expected, actual }) => `Only ${actual} of ${expected} wei arrived. Make each payment in a transaction of its own.`,
	NoFeesOwed: ({ index }) => `Contribution ${index} has had all fees that it is entitled to so far, or has no share.`,
	NoCredit: ({ account }) => `Nothing is credited to ${account} now.`,
	// access grants
	LicenceNotOffered: ({ licence }) => `The author of the dataset does not offer the licence ${licence}. Choose one that is offered.`,
	NotAccepted: ({ grantee }) =>
		`${grantee} has not accepted this licence with this public key. Read its request again, and encrypt the key to that one.`,
	RequestUnknown: ({ grantee }) => `${grantee} has no request for this dataset.`,
	GrantTermOutOfRange: ({ earliest, latest }) => `Choose an end from ${time(earliest)} to ${time(latest)}.`,
	KeyLengthOutOfRange: ({ maximum }) => `A public or encrypted key has from 1 to ${maximum} bytes.`,
	TooManyGrants: ({ maximum }) => `Grant access to at most ${maximum} in one transaction.`,
	GrantStatus: ({ actual }) =>
		({
			None: "Access was never granted.",
			Granted: "Access is granted.",
			Revoked: "The grant was revoked. Grant access again.",
		})[nameOf(grantStatuses, actual as bigint)],
	// datanets and reputation
	DatanetTermOutOfRange: ({ term, minimum, maximum }) =>
		`Choose ${nameOf(datanetTerms, term as bigint)} from ${minimum} to ${maximum} (wei for a bond, seconds for periods).`,
	DisputeCircuitUnfit: () =>
		"Disputes need a circuit that was made for them: its statement id begins with dispute-, and it has no links and no words.",
	DatanetUnknown: ({ datanet }) => `No datanet ${datanet} was made here. See the list, and check the deployment.`,
	DatanetIsClosed: () => "The datanet takes no submissions any more. What is accepted in it stays so.",
	NotCurator: ({ curator }) => `Send this from the datanet's curator ${curator}.`,
	NotProposedCurator: ({ proposed }) => `Only ${proposed}, whom the curator proposed, can take over.`,
	NotCurated: () => "Submissions of an open datanet are accepted when they stood their challenge window; nobody needs to accept them.",
	SubmissionStands: ({ submission }) => `Submission ${submission} of the same dataset stands already. Withdraw it before another try.`,
	TooManySubmissions: ({ maximum }) => `At most ${maximum} submissions of yours may stand here at a time. Withdraw one first.`,
	NotContributor: ({ contributor }) => `Send this from the contributor ${contributor}.`,
	WrongSubmissionStatus: ({ actual }) =>
		({
			None: "No such submission was made here. Check its number and the deployment.",
			Pending:
				"The submission waits for the end of its challenge window, or for its curator. Start to withdraw it if you want the bond back.",
			Accepted: "The submission is accepted already. Start to withdraw it before you withdraw.",
			Lapsed: "The curator did not decide in time. Withdraw the bond, and submit again if you like.",
			Leaving: "The submission is being withdrawn. Withdraw the bond when its window has ended.",
			Withdrawn: "The submission was withdrawn; its bond is free.",
			Rejected: "The curator rejected the submission; its bond is free.",
			Removed: "A challenge was upheld and removed the submission. Close other challenges of it to free their bonds.",
		})[nameOf(submissionStatuses, actual as bigint)],
	StillChallenged: ({ challenges }) => `${challenges} open challenges hold the bond. They end by a ruling, or by time: close them then.`,
	StillLeaving: ({ due }) => `The bond can be withdrawn from ${time(due)}.`,
	OwnSubmission: () => "Your own submission needs no challenge: start to withdraw it.",
	SubmissionPastChallenge: ({ due }) =>
		`New challenges ended at ${time(due)}. Once the submission is accepted, it can be challenged again.`,
	TooManyChallenges: ({ maximum }) => `At most ${maximum} challenges of a submission are open at a time. Wait until one was ruled on.`,
	ChallengeOver: ({ ruling }) =>
		({
			None: "No such challenge was made here. Check its number and the deployment.",
			Open: "The challenge is open.",
			Upheld: "The challenge was upheld before.",
			Dismissed: "The challenge was dismissed before. Its challenger may appeal at the StakeVault in time.",
			Moot: "Another challenge removed the submission before; this one's bond is free.",
		})[nameOf(rulings, ruling as bigint)],
	RulingTooLate: ({ due }) => `The time to prove or decide ended at ${time(due)}. The challenge can only be closed, which dismisses it.`,
	RulingTooEarly: ({ due }) => `Until ${time(due)} the challenge may be proven or decided. Close it then.`,
	NoDisputeCircuit: () => "This datanet has no circuit for disputes. The owner decides the challenge.",
	OriginalUnfit: () => "The original must be a Dataset record with another digest that was registered before the submission's record.",
	TooManyPublics: ({ maximum }) => `Give at most ${maximum} publics beside the first two, which the contract adds itself.`,
	SubmissionNotAccepted: ({ actual }) =>
		`The contributor has no accepted submission of this dataset in the epoch's datanet (it is ${nameOf(submissionStatuses, actual as bigint)}). Submit it, and wait until it is accepted.`,
	TooManyRows: ({ maximum }) => `The datanet takes at most ${maximum} rows in a contribution. Contribute fewer.`,
	AlreadyApplied: ({ index }) => `The word of contribution ${index} was counted before; nothing is to be done.`,
	EpochWithoutDatanet: () => "The epoch names no datanet, so it counts for no reputation.",
	DatanetNotListed: ({ datanet }) => `Governance did not list datanet ${datanet}: reputation in it does not count.`,
	StewardNotNamed: ({ steward }) => `Epochs of ${steward} do not count in this datanet. Ask its curator to name the steward.`,
	// compute operators
	OperatorState: ({ operator, actual }) =>
		({
			None: `${operator} never registered. Register first.`,
			Active: "The operator is registered already; publish other capabilities instead.",
			Retired: `${operator} has retired and takes no job until it registers again.`,
		})[nameOf(operatorStatuses, actual as bigint)],
	CapabilityMissing: ({ operator, missing }) =>
		`${operator} lacks the capabilities 0x${BigInt(missing as bigint).toString(16)} of this job.`,
	AttestationTooShort: ({ operator, attester, needed, expiresAt }) =>
		`${operator} needs an attestation of ${attester} that is valid until ${time(needed)}; it has ${
			BigInt(expiresAt as bigint) === 0n ? "none" : `one until ${time(expiresAt)}`
		}. Have it renewed.`,
	PolicyOutOfRange: ({ parameter, minimum, maximum }) =>
		`Choose ${nameOf(policyParameters, parameter as bigint)} from ${minimum} to ${maximum}.`,
	PolicyUnknown: ({ version }) => `No policy ${version} was set here.`,
	// compute jobs
	SegmentsOutOfRange: ({ maximum }) => `Choose from 1 to ${maximum} segments.`,
	JobDeadlineOutOfRange: ({ earliest, latest }) => `Choose a deadline from ${time(earliest)} to ${time(latest)}.`,
	WrongJobStatus: ({ job, actual }) => `Job ${job}: ${jobRemedies[nameOf(jobStatuses, actual as bigint)]}`,
	NotRequester: ({ requester }) => `Send this from the job's requester ${requester}.`,
	NotOperator: ({ operator }) => `Send this from the job's operator ${operator}.`,
	NotDisputes: () => "Only ComputeDisputes does this; challenge the result there.",
	JobTooLate: ({ until }) => `This was possible until ${time(until)}. Settle the job when it is due.`,
	JobNotDue: ({ dueAt }) => `This is possible from ${time(dueAt)}.`,
	SegmentCount: ({ expected }) => `The job has ${expected} segments; give one digest for each.`,
	CommitmentMismatch: () => "These digests and this salt are not what was committed to. Use those of the commitment, as they were.",
	DrawTooEarly: ({ drawBlock }) => `The audit is drawn by block ${drawBlock}; draw from the next block on.`,
	AuditState: ({ actual }) =>
		nameOf(audits, actual as bigint) === "Undrawn" ? "Draw the audit first; anybody may." : "The audit was drawn already.",
	ChallengesOpen: ({ count }) => `${count} challenges of the job are open. Settle them when they are due.`,
	NotJobsDisputes: ({ expected }) => `The jobs expect their disputes at ${expected}. Deploy there.`,
	// disputes over results
	CircuitUnfit: () => "This circuit cannot do that here: its public signals or links are not those that the contract gives. Name another.",
	ResultMismatch: () => "These digests are not the revealed result. Read them from the event of the reveal.",
	SegmentUnknown: ({ segment }) => `The job has no segment ${segment}; they count from 0.`,
	NothingChallenged: () => "Give your own digest of the segment; it must differ from the operator's.",
	SegmentIsProven: ({ segment }) => `Segment ${segment} was proven right; nothing is left to challenge.`,
	WrongChallengeStatus: ({ challenge, actual }) =>
		`Challenge ${challenge}: ${challengeRemedies[nameOf(challengeStatuses, actual as bigint)]}`,
	JobHasEnded: () => "Another challenge ended the job. Settle this one: its bond comes back.",
	ChallengeTooLate: ({ until }) => `This was possible until ${time(until)}. Settle the challenge.`,
	ChallengeNotDue: ({ dueAt }) => `The challenge can be settled from ${time(dueAt)}.`,
	ProofRequired: ({ circuit }) => `Answer with a proof of circuit ${circuit}, or concede.`,
	// launchpad
	NotRecipient: ({ recipient }) => `Send this from the recipient ${recipient}.`,
	GrantTaken: () => "This grant was proposed before; whoever did it, it is the same grant.",
	WrongFundingStatus: ({ actual }) => fundingRemedies[nameOf(fundingStatuses, actual as bigint)],
	MilestonesOutOfRange: ({ maximum }) => `A grant has from 1 to ${maximum} milestones.`,
	MilestoneUnknown: ({ count }) => `The grant has ${count} milestones, counted from 0.`,
	MilestoneStage: ({ actual }) => milestoneRemedies[nameOf(milestoneStages, actual as bigint)],
	DeadlineOutOfRange: ({ minimum, maximum }) => `Choose a deadline from ${time(minimum)} to ${time(maximum)}.`,
	MilestoneOver: ({ deadline }) => `The milestone's deadline was ${time(deadline)}; its amount goes back to the treasury.`,
	MilestoneOpen: ({ deadline }) => `The milestone can still be met; it lapses at ${time(deadline)}.`,
	MilestoneMeans: ({ circuit }) =>
		BigInt(circuit as string) === 0n ? "This milestone is met by evidence." : `This milestone is met by a proof of the circuit ${circuit}.`,
	WindowClosed: ({ until }) => `The evidence could be challenged until ${time(until)}.`,
	WindowOpen: ({ from }) => `The milestone can be released from ${time(from)}.`,
	DecisionClosed: ({ until }) => `The challenge could be decided until ${time(until)}; it counts as dismissed. Release the milestone.`,
	ChallengeMismatch: ({ expected }) => `The challenge that waits was made at ${time(expected)}. Decide about that one.`,
	PublicsOutOfRange: ({ minimum, maximum }) => `Give from ${minimum} to ${maximum} public signals, as many as the statement has.`,
	ProposalMismatch: ({ expected }) => `The proof must name the proposal's digest mod r, ${expected}. Prove again for this grant.`,
	FixedPublicsMismatch: () => "The proof is about other values than the milestone fixes. Prove again with the values of the proposal.",
	AmountArrived: ({ expected, actual }) => `${actual} of ${expected} wei arrived. Use a token that keeps no fee.`,
	NothingDue: () => "Nothing is due: it was paid before, or there was nothing.",
	// matching rounds
	RoundUnknown: ({ round }) => `No round ${round} was opened here. Check the number and the deployment.`,
	RoundTermsInvalid: () =>
		"Choose times in the order start, end, settlement, the start not in the past, at most 366 days to the end and 30 more to the settlement, and caps above zero.",
	RoundNotOpen: ({ startsAt, endsAt }) => `Donations are taken from ${time(startsAt)} until ${time(endsAt)}.`,
	RoundOver: ({ endsAt }) => `The round ended at ${time(endsAt)}.`,
	RoundNotSettled: ({ settlesAt }) => `The round settles at ${time(settlesAt)}.`,
	RoundSettled: ({ settlesAt }) => `The round is settled since ${time(settlesAt)}; its sums are final.`,
	ProjectsUnsettled: ({ left }) => `Settle the other ${left} projects of the round first; anybody may.`,
	ProjectTaken: () => "This application was made before; whoever did it, it is the same project.",
	ProjectStanding: ({ actual }) => projectRemedies[nameOf(projectStatuses, actual as bigint)],
	// token
	ERC20InsufficientBalance: ({ sender, balance, needed }) => `${sender} holds ${balance} wei of OPEN and needs ${needed}.`,
	ERC20InsufficientAllowance: ({ spender, needed }) => `Approve ${needed} wei of OPEN to ${spender} first.`,
	ERC20ExceededSafeSupply: () => "The supply cannot grow beyond what votes can count.",
	ERC20InvalidApprover: () => "The owner of an allowance cannot be the zero address.",
	ERC20InvalidReceiver: () => "The receiver cannot be the zero address.",
	ERC20InvalidSender: () => "The sender cannot be the zero address.",
	ERC20InvalidSpender: () => "The spender cannot be the zero address.",
	ERC2612ExpiredSignature: ({ deadline }) => `The permit was valid until ${time(deadline)}. Sign another.`,
	ERC2612InvalidSigner: ({ owner }) => `The permit must be signed by ${owner} with its current nonce.`,
	ERC5805FutureLookup: () => "Votes can be looked up for the past only.",
	VotesExpiredSignature: ({ expiry }) => `The delegation was valid until ${time(expiry)}. Sign another.`,
	CheckpointUnorderedInsertion: () => "The chain's clock went backwards; wait for the next block.",
	// OpenZeppelin
	ECDSAInvalidSignature: () => "The signature has no valid form. Sign again.",
	ECDSAInvalidSignatureLength: () => "A signature has 65 bytes. Sign again.",
	ECDSAInvalidSignatureS: () => "The signature is not in its canonical form. Sign again.",
	InvalidAccountNonce: ({ currentNonce }) => `Sign again with nonce ${currentNonce}.`,
	InvalidShortString: () => "The contract was built wrongly.",
	StringTooLong: () => "The contract was built with a name that is too long.",
	OwnableInvalidOwner: () => "The owner cannot be the zero address.",
	OwnableUnauthorizedAccount: () =>
		"Only the contract's owner may do this: as a rule the timelock, by a proposal (openledger govern propose).",
	ReentrancyGuardReentrantCall: () => "A token or wallet called back into the contract. Use another.",
	SafeCastOverflowedUintDowncast: () => "The amount does not fit 96 bits.",
	SafeERC20FailedOperation: ({ token }) => `The token ${token} refused the transfer. Check balance and allowance.`,
	// Solidity
	Error: () => "The contract gave this text as its reason.",
	Panic: () => "The contract ran into an arithmetic or array fault. Please report it with the transaction.",
};

const fragments = new Map<string, ErrorFragment>();
for (const abi of [...contractNames.map((name) => interfaces[name]), Deployer.createInterface(), verifierInterface]) collect(abi);
for (const text of ["error Error(string reason)", "error Panic(uint256 code)"]) add(ErrorFragment.from(text));

function collect(abi: Interface): void {
	abi.forEachError(add);
}

function add(fragment: ErrorFragment): void {
	fragments.set(fragment.selector, fragment);
}

/**
 * A LedgerError for a contract's own reason.
 *
 * @param data what the contract returned, 0x-prefixed
 * @param options.cause the error underneath
 * @param options.transaction hash, when the transaction is in a block
 * @returns code `transaction.reverted`; without `revert` when the data is of none of our contracts
 */
export function revertError(data: string, options: { cause?: unknown; transaction?: string } = {}): LedgerError {
	const known = recognise(data);
	if (known === undefined) {
		const what = data === "0x" ? "no reason" : `the unknown reason ${data}`;
		const hint = "Check that the deployment file belongs to this chain and that the contracts are of this version.";
		return new LedgerError("transaction.reverted", `the contract refused with ${what}`, { hint, ...options });
	}
	const { revert, hint } = known;
	const listed = Object.entries(revert.args).map(([name, value]) => `${name} ${value}`);
	return new LedgerError("transaction.reverted", `the contract refused: ${revert.name}(${listed.join(", ")})`, {
		hint,
		revert,
		...options,
	});
}

/** The custom error in a contract's answer, or undefined: the answer may come from any contract and hold anything. */
function recognise(data: string): { revert: Revert; hint: string } | undefined {
	const fragment = data.length >= 10 ? fragments.get(dataSlice(data, 0, 4)) : undefined;
	if (fragment === undefined) return undefined;
	try {
		const values = AbiCoder.defaultAbiCoder().decode(fragment.inputs, dataSlice(data, 4));
		const args = Object.fromEntries(fragment.inputs.map((input, i) => [input.name, values[i] as unknown]));
		return { revert: { name: fragment.name, args }, hint: remedies[fragment.name]?.(args) ?? "See the contract's documentation." };
	} catch {
		return undefined;
	}
}

/**
 * Makes a LedgerError of anything thrown by ethers, by a node or by us.
 *
 * @param error what was caught
 * @returns `error` itself when it is a LedgerError already; code `unknown` when nothing is recognised
 */
export function decodeError(error: unknown): LedgerError {
	if (error instanceof LedgerError) return error;
	const layers = unwrap(error);
	const has = (pattern: RegExp) => layers.some(({ text, code }) => pattern.test(text) || pattern.test(code));
	const message = layers[0]?.text ?? String(error);

	// The numbers of a transaction before its reason: a node may attach empty revert data to any refusal.
	if (has(/insufficient funds|INSUFFICIENT_FUNDS/i)) {
		const hint = "Send some of the chain's own coin to the signing address; gas is paid with it.";
		return new LedgerError("transaction.funds", "the signer cannot pay the gas", { hint, cause: error });
	}
	if (has(/nonce too (low|high)|NONCE_EXPIRED|invalid nonce|nonce has already been used/i)) {
		const hint = "Another program sends from the same key. Stop it, or use another key, and run again.";
		return new LedgerError("transaction.nonce", "the transaction number is taken", { hint, cause: error });
	}
	if (has(/underpriced|REPLACEMENT_UNDERPRICED|max fee per gas less than block base fee|fee cap.*less/i)) {
		const hint = "The network got dearer or another transaction waits with this number. Run again in a minute.";
		return new LedgerError("transaction.fee", "the node does not take the offered fee", { hint, cause: error });
	}
	const data = layers.find((layer) => layer.data !== undefined && layer.data !== "0x")?.data;
	if (data !== undefined) return revertError(data, { cause: error });
	if (has(/CALL_EXCEPTION|execution reverted/)) return revertError("0x", { cause: error });
	if (has(/BAD_DATA/)) {
		const hint = "There is probably no contract of ours at this address: check that the deployment file belongs to this chain.";
		return new LedgerError("deployment.invalid", message, { hint, cause: error });
	}
	if (
		has(
			/ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|socket hang up|NETWORK_ERROR|SERVER_ERROR|^TIMEOUT$/,
		)
	) {
		const hint = "Check the URL, that the node is running and that this machine may reach it.";
		return new LedgerError("node.unreachable", `the node does not answer: ${message}`, { hint, cause: error });
	}
	if (layers.some(({ code }) => code === "INVALID_ARGUMENT" || code === "NUMERIC_FAULT")) {
		return new LedgerError("input.invalid", message, { hint: "Check the value that the message names.", cause: error });
	}
	if (layers.some(({ code }) => code === "ABORT_ERR")) {
		return new LedgerError("aborted", "stopped on request", { hint: "Run again to continue.", cause: error });
	}
	if (has(/UNKNOWN_ERROR|could not coalesce|UNSUPPORTED_OPERATION/)) {
		return new LedgerError("node.refused", `the node refused: ${layers.at(-1)?.text ?? message}`, {
			hint: "See the node's own message.",
			cause: error,
		});
	}
	return new LedgerError("unknown", message, { hint: "Please report this with its cause.", cause: error });
}

interface Layer {
	readonly text: string;
	readonly code: string;
	readonly data: string | undefined;
}

/** An error and what is wrapped in it: ethers hides the node's answer in `info.error`, `error` or `cause`. */
function unwrap(error: unknown, depth = 0): Layer[] {
	if (typeof error !== "object" || error === null || depth > 5) return [];
	const fields = error as Record<string, unknown>;
	const info = (fields.info ?? {}) as Record<string, unknown>;
	const layer = {
		text: String(fields.shortMessage ?? fields.message ?? ""),
		code: String(fields.code ?? ""),
		data: isHexString(fields.data) ? fields.data : undefined,
	};
	return [layer, ...[fields.error, info.error, fields.cause].flatMap((inner) => unwrap(inner, depth + 1))];
}
