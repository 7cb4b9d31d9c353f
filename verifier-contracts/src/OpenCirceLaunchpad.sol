// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BN254} from "./BN254.sol";
import {IGuardian} from "./IGuardian.sol";
import {Intake} from "./Intake.sol";
import {Proof} from "./IVerifier.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @title Grants that are paid by milestone, for evidence that nobody refutes or for a proof
/// @notice Anybody proposes, the owner (the timelock) approves, and with the approval brings the whole sum: from then on it lies here, and nobody
/// takes it elsewhere than a milestone's fate says. Money of a grant leaves in two ways: to its recipient, for milestones that were
/// released, and to the treasury, for milestones that can never be released any more. At every moment, per grant: what it was approved
/// for = withdrawn + due + held + lapsed, beside the bonds that its recipient won.
///
/// A milestone without a circuit is met by evidence: its recipient posts a digest before the deadline, and for {CHALLENGE_WINDOW} anybody may
/// challenge it with a bond. Unchallenged, it is released. Challenged, the owner decides: refuted evidence counts as never posted and
/// the challenger gets the bond back; otherwise the milestone is released and the bond is the recipient's. Silence for {DECISION_PERIOD} is a
/// dismissal: whoever challenges only to delay pays the one who was delayed, and gains nothing by the owner's absence.
///
/// A milestone with a circuit is met by a proof alone, posted before the deadline by anybody, and is released at once: what the circuit shows
/// was approved with the grant, so there is nothing left to dispute. A circuit that proves broken is stopped in the router and releases nothing any more.
///
/// Milestones are independent of each other: if they had an order, a challenge of one could carry the next ones past their deadlines.
/// Cancelling stops what has not been claimed: milestones with evidence posted before go their way.
///
/// Who hashes what: a grant's id is keccak256(abi.encode(chain id, this contract, digest, recipient, milestones)), so an approval names its content
/// and not a place in a list. `digest` is keccak256 of the canonical JSON of the proposal. A proof's context is keccak256(abi.encode(
/// keccak256("openledger.context.milestone.v1"), chain id, this contract, grant, milestone)); one of its public signals, the place is the
/// milestone's, is the proposal's digest mod r; others are fixed by {MilestoneTerms}.
contract OpenCirceLaunchpad is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum Status {
        /// never proposed
        None,
        /// waits for the owner
        Proposed,
        /// its money is here
        Approved,
        /// the owner wants it not; it never had money
        Rejected,
        /// nothing new can be claimed
        Cancelled
    }

    enum Stage {
        /// neither evidence nor proof counts so far
        Pending,
        /// evidence was posted
        Claimed,
        /// the evidence was challenged
        Challenged,
        /// its amount is the recipient's
        Released,
        /// its amount went to the treasury
        Lapsed
    }

    /// @notice What a proposal says of a milestone.
    /// @param amount wei
    /// @param deadline from this second on neither evidence nor proof is taken
    /// @param circuit id of the circuit that proves it, of one without links and words; zero for evidence
    /// @param place of the public signal that is the proposal's digest mod r
    /// @param fixedPublics bit i: public signal i is fixed
    /// @param fixedDigest of the fixed ones in order: digest' = keccak256(abi.encode(digest, index, value)), from zero
    struct MilestoneTerms {
        uint96 amount;
        uint40 deadline;
        bytes32 circuit;
        uint8 place;
        uint16 fixedPublics;
        bytes32 fixedDigest;
    }

    /// @param since when it was claimed or challenged; zero before
    /// @param challenger, bond of the challenge that waits, or that was dismissed
    struct Milestone {
        uint96 amount;
        uint40 deadline;
        uint40 since;
        Stage stage;
        uint8 place;
        uint16 fixedPublics;
        bytes32 circuit;
        bytes32 fixedDigest;
        address challenger;
        uint96 bond;
    }

    /// @param due wei that the recipient can withdraw
    /// @param total sum of all milestones
    /// @param held wei of milestones that are neither released nor lapsed
    struct Grant {
        address recipient;
        uint96 due;
        bytes32 digest;
        uint96 total;
        uint96 held;
        uint8 count;
        Status status;
    }

    /// @notice A grant was proposed.
    event GrantProposed(
        bytes32 indexed grant,
        address indexed proposer,
        address indexed recipient,
        bytes32 digest,
        MilestoneTerms[] milestones
    );
    /// @notice A grant was approved, and its total came in.
    event GrantApproved(bytes32 indexed grant, uint96 total);
    /// @notice A grant was rejected before an approval, or cancelled after it (`approved`).
    event GrantCancelled(bytes32 indexed grant, bool approved);
    /// @notice Evidence was posted; it can be challenged until `until`.
    event EvidencePosted(bytes32 indexed grant, uint256 indexed milestone, bytes32 evidence, uint40 until);
    /// @notice Evidence was challenged; the owner decides until `until`.
    event EvidenceChallenged(
        bytes32 indexed grant,
        uint256 indexed milestone,
        address indexed challenger,
        bytes32 reason,
        uint96 bond,
        uint40 until
    );
    /// @notice The owner decided. Upheld: the evidence counts as never posted, the bond waits for its challenger.
    event ChallengeDecided(bytes32 indexed grant, uint256 indexed milestone, address indexed challenger, bool upheld);
    /// @notice A milestone was proven.
    event MilestoneProven(bytes32 indexed grant, uint256 indexed milestone, bytes32 indexed circuit);
    /// @notice A milestone was released: `amount` and the `bond` of a dismissed challenge are due to the recipient.
    event MilestoneReleased(bytes32 indexed grant, uint256 indexed milestone, uint96 amount, uint96 bond);
    /// @notice A milestone can never be released any more; `amount` went to the treasury.
    event MilestoneLapsed(bytes32 indexed grant, uint256 indexed milestone, uint96 amount);
    /// @notice A recipient was paid.
    event GrantWithdrawn(bytes32 indexed grant, address indexed recipient, uint96 amount);
    /// @notice A challenger was paid back.
    event BondWithdrawn(address indexed challenger, uint96 amount);
    /// @notice A recipient named its successor.
    event GrantRotated(bytes32 indexed grant, address indexed from, address indexed to);

    error AddressZero();
    error DigestZero();
    error AmountZero();
    error NotOwner(address owner, address caller);
    error NotRecipient(address recipient, address caller);
    /// @notice A grant with this content was proposed before.
    error GrantTaken(bytes32 grant);
    /// @notice The grant is not in a status in which this can be done.
    error WrongFundingStatus(bytes32 grant, Status actual);
    error MilestonesOutOfRange(uint256 maximum, uint256 actual);
    /// @notice The grant has `count` milestones, counted from zero.
    error MilestoneUnknown(bytes32 grant, uint256 count, uint256 milestone);
    /// @notice The milestone is not in a stage in which this can be done.
    error MilestoneStage(bytes32 grant, uint256 milestone, Stage actual);
    error DeadlineOutOfRange(uint256 minimum, uint256 maximum, uint256 actual);
    /// @notice The milestone's deadline was `deadline`.
    error MilestoneOver(uint256 deadline);
    /// @notice The milestone does not lapse before `deadline`.
    error MilestoneOpen(uint256 deadline);
    /// @notice The milestone is met by a proof of this circuit; zero: by evidence.
    error MilestoneMeans(bytes32 circuit);
    /// @notice Evidence could be challenged until `until`.
    error WindowClosed(uint256 until);
    /// @notice The milestone can be released from `from` on.
    error WindowOpen(uint256 from);
    /// @notice A decision was possible until `until`; silence was the decision.
    error DecisionClosed(uint256 until);
    /// @notice The decision is about another challenge of the milestone than the one that waits.
    error ChallengeMismatch(uint256 expected, uint256 actual);
    error PublicsOutOfRange(uint256 minimum, uint256 maximum, uint256 actual);
    /// @notice The proof does not name the proposal.
    error ProposalMismatch(uint256 expected, uint256 actual);
    /// @notice The proof's fixed public signals are not the milestone's.
    error FixedPublicsMismatch(bytes32 expected, bytes32 actual);
    /// @notice Another amount came in than was asked for.
    error AmountArrived(uint256 expected, uint256 actual);
    error NothingDue();

    /// @notice The most milestones of a grant.
    uint256 public constant MAX_MILESTONES = 16;
    /// @notice The most public signals of a milestone's proof.
    uint256 public constant MAX_PUBLICS = 16;
    /// @notice The longest time from a proposal to a milestone's deadline.
    uint256 public constant MAX_TERM = 1826 days;
    /// @notice How long evidence can be challenged.
    uint256 public constant CHALLENGE_WINDOW = 7 days;
    /// @notice How long the owner may decide a challenge.
    uint256 public constant DECISION_PERIOD = 30 days;
    /// @notice The smallest bond of a challenge.
    uint96 public constant MIN_BOND = 10 ether;

    bytes32 private constant CONTEXT = keccak256("openledger.context.milestone.v1");

    /// @notice The token of all grants.
    IERC20 public immutable token;
    /// @notice Verifies proofs of milestones.
    VerifierRouter public immutable router;
    /// @notice Is asked before a proposal.
    IGuardian public immutable guardian;
    /// @notice Approves, cancels and decides: the timelock.
    address public immutable owner;
    /// @notice Receives what lapses.
    address public immutable treasury;

    mapping(bytes32 grant => Grant) private _grants;
    mapping(bytes32 grant => mapping(uint256 index => Milestone)) private _milestones;

    /// @notice Wei of won bonds that a challenger can withdraw.
    mapping(address challenger => uint96) public bondDue;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(owner, msg.sender);
        _;
    }

    /// @param router_ need not exist yet
    /// @param guardian_ need not exist yet
    constructor(IERC20 token_, VerifierRouter router_, IGuardian guardian_, address owner_, address treasury_) {
        if (
            address(token_) == address(0) ||
            address(router_) == address(0) ||
            address(guardian_) == address(0) ||
            owner_ == address(0) ||
            treasury_ == address(0)
        ) revert AddressZero();
        (token, router, guardian, owner, treasury) = (token_, router_, guardian_, owner_, treasury_);
    }

    /// @notice Proposes a grant; by anybody. Proposing the same content again is refused and not needed: the grant is the same whoever proposed it.
    /// @param recipient receives what is released
    /// @param digest keccak256 of the canonical proposal, another one for each grant
    /// @param milestones from 1 to {MAX_MILESTONES}
    /// @return id of the grant
    function propose(
        address recipient,
        bytes32 digest,
        MilestoneTerms[] calldata milestones
    ) external returns (bytes32 id) {
        guardian.checkIntake();
        if (recipient == address(0)) revert AddressZero();
        if (digest == bytes32(0)) revert DigestZero();
        if (milestones.length == 0 || milestones.length > MAX_MILESTONES) {
            revert MilestonesOutOfRange(MAX_MILESTONES, milestones.length);
        }
        id = grantId(recipient, digest, milestones);
        Grant storage grant = _grants[id];
        if (grant.status != Status.None) revert GrantTaken(id);
        uint256 total;
        for (uint256 i = 0; i < milestones.length; ++i) {
            MilestoneTerms calldata terms = milestones[i];
            if (terms.amount == 0) revert AmountZero();
            if (terms.deadline <= block.timestamp || terms.deadline > block.timestamp + MAX_TERM) {
                revert DeadlineOutOfRange(block.timestamp + 1, block.timestamp + MAX_TERM, terms.deadline);
            }
            total += terms.amount;
            Milestone storage milestone = _milestones[id][i];
            milestone.amount = terms.amount;
            milestone.deadline = terms.deadline;
            if (terms.circuit != bytes32(0)) {
                if (terms.place >= MAX_PUBLICS) revert PublicsOutOfRange(1, MAX_PUBLICS, uint256(terms.place) + 1);
                milestone.circuit = terms.circuit;
                milestone.place = terms.place;
                milestone.fixedPublics = terms.fixedPublics;
                milestone.fixedDigest = terms.fixedDigest;
            }
        }
        grant.recipient = recipient;
        grant.digest = digest;
        grant.total = SafeCast.toUint96(total);
        grant.count = uint8(milestones.length);
        grant.status = Status.Proposed;
        emit GrantProposed(id, msg.sender, recipient, digest, milestones);
    }

    /// @notice Approves a proposed grant and takes its total from the owner, who approved it to this contract. Nobody else's allowance and nothing
    /// that somebody sent before is ever used, so an approval moves what its voters meant to move and nothing more.
    function approve(bytes32 id) external onlyOwner nonReentrant {
        Grant storage grant = _grants[id];
        if (grant.status != Status.Proposed) revert WrongFundingStatus(id, grant.status);
        grant.status = Status.Approved;
        grant.held = grant.total;
        emit GrantApproved(id, grant.total);
        _pull(grant.total);
    }

    /// @notice Rejects a proposed grant, or stops an approved one: nothing new can be claimed and what was not claimed lapses at once. By the owner.
    function cancel(bytes32 id) external onlyOwner {
        Grant storage grant = _grants[id];
        Status status = grant.status;
        if (status != Status.Proposed && status != Status.Approved) revert WrongFundingStatus(id, status);
        bool approved = status == Status.Approved;
        grant.status = approved ? Status.Cancelled : Status.Rejected;
        emit GrantCancelled(id, approved);
    }

    /// @notice Claims a milestone; by the recipient, before the deadline.
    /// @param evidence keccak256 of what shows that it is met
    function postEvidence(bytes32 id, uint256 index, bytes32 evidence) external {
        (Grant storage grant, Milestone storage milestone) = _claimable(id, index);
        if (msg.sender != grant.recipient) revert NotRecipient(grant.recipient, msg.sender);
        if (milestone.circuit != bytes32(0)) revert MilestoneMeans(milestone.circuit);
        if (evidence == bytes32(0)) revert DigestZero();
        milestone.stage = Stage.Claimed;
        milestone.since = uint40(block.timestamp);
        emit EvidencePosted(id, index, evidence, uint40(block.timestamp + CHALLENGE_WINDOW));
    }

    /// @notice Releases a milestone by a proof; by anybody, before the deadline.
    /// @param publics all public signals of the proof
    function prove(bytes32 id, uint256 index, uint256[] calldata publics, Proof calldata proof) external {
        (Grant storage grant, Milestone storage milestone) = _claimable(id, index);
        bytes32 circuit = milestone.circuit;
        if (circuit == bytes32(0)) revert MilestoneMeans(circuit);
        _checkPublics(grant.digest, milestone, publics);
        emit MilestoneProven(id, index, circuit);
        _release(id, index, grant, milestone);
        router.verify(circuit, contextOf(id, index), publics, _none(), proof);
    }

    /// @notice Challenges posted evidence; by anybody, who approved {bondOf} the milestone's amount.
    /// @param reason keccak256 of what refutes the evidence
    function challenge(bytes32 id, uint256 index, bytes32 reason) external nonReentrant {
        if (reason == bytes32(0)) revert DigestZero();
        (, Milestone storage milestone) = _milestone(id, index);
        if (milestone.stage != Stage.Claimed) revert MilestoneStage(id, index, milestone.stage);
        uint256 until = milestone.since + CHALLENGE_WINDOW;
        if (block.timestamp >= until) revert WindowClosed(until);
        uint96 bond = bondOf(milestone.amount);
        milestone.stage = Stage.Challenged;
        milestone.since = uint40(block.timestamp);
        milestone.challenger = msg.sender;
        milestone.bond = bond;
        emit EvidenceChallenged(id, index, msg.sender, reason, bond, uint40(block.timestamp + DECISION_PERIOD));
        _pull(bond);
    }

    /// @notice Decides a challenge; by the owner, within {DECISION_PERIOD}.
    /// @param challengedAt second of the challenge: a decision that comes late is not taken for one about a later challenge
    /// @param upheld whether the evidence is refuted
    function decide(bytes32 id, uint256 index, uint256 challengedAt, bool upheld) external onlyOwner {
        (Grant storage grant, Milestone storage milestone) = _milestone(id, index);
        if (milestone.stage != Stage.Challenged) revert MilestoneStage(id, index, milestone.stage);
        if (challengedAt != milestone.since) revert ChallengeMismatch(milestone.since, challengedAt);
        if (block.timestamp >= challengedAt + DECISION_PERIOD) revert DecisionClosed(challengedAt + DECISION_PERIOD);
        address challenger = milestone.challenger;
        emit ChallengeDecided(id, index, challenger, upheld);
        if (!upheld) return _release(id, index, grant, milestone);
        bondDue[challenger] += milestone.bond;
        milestone.stage = Stage.Pending;
        milestone.since = 0;
        milestone.challenger = address(0);
        milestone.bond = 0;
    }

    /// @notice Releases a milestone whose evidence nobody challenged, or whose challenge nobody decided, in time; by anybody.
    function release(bytes32 id, uint256 index) external {
        (Grant storage grant, Milestone storage milestone) = _milestone(id, index);
        Stage stage = milestone.stage;
        if (stage != Stage.Claimed && stage != Stage.Challenged) revert MilestoneStage(id, index, stage);
        uint256 from = milestone.since + (stage == Stage.Claimed ? CHALLENGE_WINDOW : DECISION_PERIOD);
        if (block.timestamp < from) revert WindowOpen(from);
        _release(id, index, grant, milestone);
    }

    /// @notice Pays the amount of a milestone that can never be released any more to the treasury; by anybody.
    function lapse(bytes32 id, uint256 index) external nonReentrant {
        (Grant storage grant, Milestone storage milestone) = _milestone(id, index);
        Status status = grant.status;
        if (status != Status.Approved && status != Status.Cancelled) revert WrongFundingStatus(id, status);
        if (milestone.stage != Stage.Pending) revert MilestoneStage(id, index, milestone.stage);
        if (status == Status.Approved && block.timestamp < milestone.deadline) revert MilestoneOpen(milestone.deadline);
        uint96 amount = milestone.amount;
        milestone.stage = Stage.Lapsed;
        grant.held -= amount;
        emit MilestoneLapsed(id, index, amount);
        token.safeTransfer(treasury, amount);
    }

    /// @notice Pays what is due to the recipient; by anybody.
    function withdraw(bytes32 id) external nonReentrant {
        Grant storage grant = _grants[id];
        (address recipient, uint96 amount) = (grant.recipient, grant.due);
        if (amount == 0) revert NothingDue();
        grant.due = 0;
        emit GrantWithdrawn(id, recipient, amount);
        token.safeTransfer(recipient, amount);
    }

    /// @notice Pays won bonds back to their challenger; by anybody.
    function withdrawBond(address challenger) external nonReentrant {
        uint96 amount = bondDue[challenger];
        if (amount == 0) revert NothingDue();
        bondDue[challenger] = 0;
        emit BondWithdrawn(challenger, amount);
        token.safeTransfer(challenger, amount);
    }

    /// @notice Names another recipient, also for what is due; by the recipient alone.
    function rotateRecipient(bytes32 id, address to) external {
        Grant storage grant = _grants[id];
        address from = grant.recipient;
        if (msg.sender != from) revert NotRecipient(from, msg.sender);
        if (to == address(0)) revert AddressZero();
        grant.recipient = to;
        emit GrantRotated(id, from, to);
    }

    /// @notice A grant; all zero when it was never proposed.
    function grantOf(bytes32 id) external view returns (Grant memory) {
        return _grants[id];
    }

    /// @notice A milestone; all zero when there is none.
    function milestoneOf(bytes32 id, uint256 index) external view returns (Milestone memory) {
        return _milestones[id][index];
    }

    /// @notice The id of a grant, proposed or not.
    function grantId(
        address recipient,
        bytes32 digest,
        MilestoneTerms[] calldata milestones
    ) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), digest, recipient, milestones));
    }

    /// @notice The context of a proof of a milestone.
    function contextOf(bytes32 id, uint256 index) public view returns (bytes32) {
        return keccak256(abi.encode(CONTEXT, block.chainid, address(this), id, index));
    }

    /// @notice The bond for a challenge of a milestone: a tenth of its amount, at least {MIN_BOND}.
    /// @param amount wei of the milestone
    function bondOf(uint96 amount) public pure returns (uint96) {
        return amount / 10 < MIN_BOND ? MIN_BOND : amount / 10;
    }

    function _milestone(
        bytes32 id,
        uint256 index
    ) private view returns (Grant storage grant, Milestone storage milestone) {
        grant = _grants[id];
        if (index >= grant.count) revert MilestoneUnknown(id, grant.count, index);
        milestone = _milestones[id][index];
    }

    function _claimable(
        bytes32 id,
        uint256 index
    ) private view returns (Grant storage grant, Milestone storage milestone) {
        (grant, milestone) = _milestone(id, index);
        if (grant.status != Status.Approved) revert WrongFundingStatus(id, grant.status);
        if (milestone.stage != Stage.Pending) revert MilestoneStage(id, index, milestone.stage);
        if (block.timestamp >= milestone.deadline) revert MilestoneOver(milestone.deadline);
    }

    function _checkPublics(bytes32 digest, Milestone storage milestone, uint256[] calldata publics) private view {
        uint256 place = milestone.place;
        if (publics.length <= place || publics.length > MAX_PUBLICS) {
            revert PublicsOutOfRange(place + 1, MAX_PUBLICS, publics.length);
        }
        uint256 proposal = uint256(digest) % BN254.R;
        if (publics[place] != proposal) revert ProposalMismatch(proposal, publics[place]);
        uint256 mask = milestone.fixedPublics;
        bytes32 found;
        for (uint256 i = 0; i < publics.length; ++i) {
            if ((mask >> i) & 1 == 1) found = keccak256(abi.encode(found, i, publics[i]));
        }
        if (found != milestone.fixedDigest) revert FixedPublicsMismatch(milestone.fixedDigest, found);
    }

    function _release(bytes32 id, uint256 index, Grant storage grant, Milestone storage milestone) private {
        (uint96 amount, uint96 bond) = (milestone.amount, milestone.bond);
        milestone.stage = Stage.Released;
        grant.held -= amount;
        grant.due += amount + bond;
        emit MilestoneReleased(id, index, amount, bond);
    }

    function _pull(uint96 amount) private {
        uint96 arrived = Intake.pull(token, msg.sender, amount);
        if (arrived != amount) revert AmountArrived(amount, arrived);
    }

    /// @dev The empty word list.
    function _none() private pure returns (uint256[] calldata none) {
        assembly ("memory-safe") {
            none.offset := 0
            none.length := 0
        }
    }
}
