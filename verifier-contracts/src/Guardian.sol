// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGuardian} from "./IGuardian.sol";

/// @title What the guardian asks the distributor
interface IVetoable {
    /// @notice Cancels the posted payout of an epoch before it is active.
    function veto(uint256 epoch, string calldata reason) external;
}

/// @title What the guardian asks the router
interface IStoppable {
    /// @notice Stops the route of a circuit for ever.
    function stop(bytes32 circuitId) external;
}

/// @title The brake: one member, for a time, who can stop and never start
/// @notice The member (a multisig) may do three things while its term lasts: pause the intake of all contracts that ask here, for
/// at most {MAX_PAUSE} and then not again for {REST}; veto a posted payout before it is active; stop a circuit. It moves no money,
/// changes no contract and undoes nothing, not even its own pause. Whatever lets money out never asks here.
///
/// The owner (the timelock) appoints the member for at most {MAX_TERM} and may resume intake early. A term that nobody renews ends
/// by itself, and with it the guardian. The rest after a pause binds the contract, not the member: another member does not shorten it.
///
/// This contract is the guardian of the VerifierRouter and of the RewardDistributor that it names. It holds nothing; nothing is hashed or signed.
contract Guardian is IGuardian {
    /// @notice A member was appointed; its powers end at `expiresAt`.
    event MemberAppointed(address indexed member, uint40 expiresAt);
    /// @notice The member's term was ended, by the owner or by the member.
    event MemberDismissed(address indexed member, address indexed by);
    /// @notice Intake is paused until `until`.
    event IntakePausedBy(address indexed member, uint40 until, string reason);
    /// @notice Intake was resumed by the owner before its pause was over; it ended at `pausedUntil`, now.
    event IntakeResumed(uint40 pausedUntil);
    /// @notice A payout was vetoed. The distributor's event names this contract; this one names the member.
    event PayoutVetoedBy(address indexed member, uint256 indexed epoch, string reason);
    /// @notice A circuit was stopped. The router's event names this contract; this one names the member.
    event VerifierStoppedBy(address indexed member, bytes32 indexed circuitId);

    error AddressZero();
    error NotOwner(address owner, address caller);
    error NotMember(address member, address caller);
    /// @notice The member's term ended at `expiresAt`.
    error TermEnded(uint256 expiresAt);
    error TermOutOfRange(uint256 maximum, uint256 actual);
    error PauseOutOfRange(uint256 maximum, uint256 actual);
    /// @notice The next pause may begin at `from`.
    error PauseTooEarly(uint256 from);
    /// @notice Nothing to resume: the last pause ended at `pausedUntil` (0: there was none).
    error NotPaused(uint256 pausedUntil);

    /// @notice The longest term of a member.
    uint256 public constant MAX_TERM = 366 days;
    /// @notice The longest pause of intake.
    uint256 public constant MAX_PAUSE = 14 days;
    /// @notice How long intake stays open after the end of a pause, whatever happens.
    uint256 public constant REST = 14 days;

    /// @notice Appoints the member and resumes intake: the timelock.
    address public immutable owner;
    /// @notice Where circuits are stopped.
    IStoppable public immutable router;
    /// @notice Where payouts are vetoed.
    IVetoable public immutable distributor;

    /// @notice Who has the powers until {expiresAt}; zero when nobody was appointed or the member was dismissed.
    address public member;
    /// @notice The first second in which the member has no powers.
    uint40 public expiresAt;
    /// @notice The first second after the last pause; zero when there was none.
    uint40 public pausedUntil;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(owner, msg.sender);
        _;
    }

    modifier onlyMember() {
        if (msg.sender != member) revert NotMember(member, msg.sender);
        if (block.timestamp >= expiresAt) revert TermEnded(expiresAt);
        _;
    }

    /// @param owner_ appoints and resumes, for ever
    /// @param member_ the first member
    /// @param term_ seconds of its term, from now on
    /// @param router_ the VerifierRouter; need not exist yet
    /// @param distributor_ the RewardDistributor; need not exist yet
    constructor(address owner_, address member_, uint256 term_, IStoppable router_, IVetoable distributor_) {
        if (owner_ == address(0) || address(router_) == address(0) || address(distributor_) == address(0)) {
            revert AddressZero();
        }
        owner = owner_;
        router = router_;
        distributor = distributor_;
        _appoint(member_, term_);
    }

    /// @notice Renews the member's term, or replaces the member. By the owner.
    /// @param member_ has the powers from now on; whoever had them before loses them
    /// @param term_ seconds from now, 1 to {MAX_TERM}
    function appoint(address member_, uint256 term_) external onlyOwner {
        _appoint(member_, term_);
    }

    /// @notice Ends the member's term. By the owner, or by the member itself. A pause goes on to its end.
    function dismiss() external {
        address dismissed = member;
        if (dismissed == address(0) || (msg.sender != owner && msg.sender != dismissed)) {
            revert NotMember(dismissed, msg.sender);
        }
        member = address(0);
        expiresAt = 0;
        emit MemberDismissed(dismissed, msg.sender);
    }

    /// @notice Pauses intake from now on. By the member, not before {REST} has passed since the last pause.
    /// @param duration seconds, 1 to {MAX_PAUSE}; neither the member can change it later nor anybody lengthen it
    /// @param reason for people
    function pause(uint256 duration, string calldata reason) external onlyMember {
        if (duration == 0 || duration > MAX_PAUSE) revert PauseOutOfRange(MAX_PAUSE, duration);
        uint256 from = nextPauseAt();
        if (block.timestamp < from) revert PauseTooEarly(from);
        uint40 until = uint40(block.timestamp + duration);
        pausedUntil = until;
        emit IntakePausedBy(msg.sender, until, reason);
    }

    /// @notice Ends a pause early. By the owner. The rest counts from now.
    function resume() external onlyOwner {
        if (block.timestamp >= pausedUntil) revert NotPaused(pausedUntil);
        pausedUntil = uint40(block.timestamp);
        emit IntakeResumed(uint40(block.timestamp));
    }

    /// @notice Vetoes the posted payout of an epoch. By the member, before the payout is active: its money goes back to its funder.
    /// @param reason for people
    function veto(uint256 epoch, string calldata reason) external onlyMember {
        emit PayoutVetoedBy(msg.sender, epoch, reason);
        distributor.veto(epoch, reason);
    }

    /// @notice Stops a circuit for ever. By the member.
    function stopVerifier(bytes32 circuitId) external onlyMember {
        emit VerifierStoppedBy(msg.sender, circuitId);
        router.stop(circuitId);
    }

    /// @inheritdoc IGuardian
    function checkIntake() external view {
        if (block.timestamp < pausedUntil) revert IntakePaused(pausedUntil);
    }

    /// @notice The first second in which intake may be paused again.
    function nextPauseAt() public view returns (uint256) {
        return pausedUntil == 0 ? 0 : pausedUntil + REST;
    }

    function _appoint(address member_, uint256 term_) private {
        if (member_ == address(0)) revert AddressZero();
        if (term_ == 0 || term_ > MAX_TERM) revert TermOutOfRange(MAX_TERM, term_);
        uint40 until = uint40(block.timestamp + term_);
        member = member_;
        expiresAt = until;
        emit MemberAppointed(member_, until);
    }
}
