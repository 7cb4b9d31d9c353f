// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IGuardian} from "./IGuardian.sol";
import {Intake} from "./Intake.sol";

/// @title Donations to projects, matched from a pool in proportion
/// @notice The owner (the timelock) opens a round and brings its pool, and admits projects that applied. Anybody donates to them while the round
/// is open. Once it settles, a project has its donations and its match:
///
///     match = min(pool * donations / donations of all projects, cap of the round, donations * multiple / 10,000), rounded down
///
/// Only sums stand in it. Who donated, and under how many names, changes no wei of any match; and as the first term alone adds up to at
/// most the pool, so do the matches. What the caps and the rounding leave goes to the treasury when every project of the round is settled.
///
/// Money leaves in four ways: to a project's recipient (donations and match), back to a donor (whose project was cancelled), to the treasury (what is left of a pool), and in no other.
/// Projects are cancelled until the round settles; from then on all sums are final, so that no match depends on the order of withdrawals.
///
/// Who hashes what: a project's id is keccak256(abi.encode(chain id, this contract, round, recipient, digest)), so an admission names its content.
/// `digest` is keccak256 of the canonical JSON of the application.
contract MatchingRounds is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum ProjectStatus {
        /// nobody applied
        None,
        /// waits for the owner
        Applied,
        /// takes donations while the round is open
        Admitted,
        /// its match is fixed
        Settled,
        /// its donors take their money back
        Cancelled
    }

    /// @notice What the owner fixes when a round opens.
    /// @param startsAt first second of donations
    /// @param endsAt from this second on there are none
    /// @param settlesAt from this second on matches are paid and no project is cancelled any more
    /// @param multiple most of a match in basis points of the project's donations
    /// @param cap most of a match in wei
    struct RoundTerms {
        uint40 startsAt;
        uint40 endsAt;
        uint40 settlesAt;
        uint32 multiple;
        uint96 cap;
    }

    /// @param pool wei that ever came in for matching
    /// @param matched wei of it that settled projects have
    /// @param donated wei that admitted projects have from donors
    /// @param unsettled admitted projects that are not settled
    /// @param swept whether the rest of the pool went to the treasury
    struct Round {
        RoundTerms terms;
        uint96 pool;
        uint96 matched;
        uint32 unsettled;
        bool swept;
        uint96 donated;
    }

    /// @param donated wei that donors gave
    /// @param due wei that the recipient can withdraw; zero before the project is settled
    struct Project {
        address recipient;
        uint96 donated;
        bytes32 digest;
        uint96 due;
        uint64 round;
        ProjectStatus status;
    }

    /// @notice A round was opened with what arrived as its pool.
    event RoundOpened(uint256 indexed round, RoundTerms terms, uint96 pool);
    /// @notice A pool grew by what arrived.
    event PoolFunded(uint256 indexed round, address indexed from, uint96 amount, uint96 pool);
    /// @notice Somebody applied for a project.
    event ProjectApplied(
        bytes32 indexed project,
        uint256 indexed round,
        address indexed recipient,
        address by,
        bytes32 digest
    );
    /// @notice A project was admitted.
    event ProjectAdmitted(bytes32 indexed project, uint256 indexed round);
    /// @notice An application was rejected, or a project was cancelled (`admitted`) with its donations.
    event ProjectCancelled(bytes32 indexed project, uint256 indexed round, bool admitted);
    /// @notice A donation arrived.
    event Donated(bytes32 indexed project, address indexed donor, uint96 amount);
    /// @notice A project's match is fixed.
    event ProjectSettled(bytes32 indexed project, uint256 indexed round, uint96 donated, uint96 matched);
    /// @notice A recipient was paid.
    event ProjectWithdrawn(bytes32 indexed project, address indexed recipient, uint96 amount);
    /// @notice A donor of a cancelled project was paid back.
    event DonationRefunded(bytes32 indexed project, address indexed donor, uint96 amount);
    /// @notice What was left of a pool went to the treasury.
    event PoolSwept(uint256 indexed round, uint96 amount);
    /// @notice A recipient named its successor.
    event ProjectRotated(bytes32 indexed project, address indexed from, address indexed to);

    error AddressZero();
    error DigestZero();
    error NotOwner(address owner, address caller);
    error NotRecipient(address recipient, address caller);
    error NothingDue();
    error RoundUnknown(uint256 round);
    /// @notice The times are not in the order start, end, settlement, begin in the past or last too long; or a cap is zero.
    error RoundTermsInvalid();
    /// @notice Donations are taken from `startsAt` until `endsAt`.
    error RoundNotOpen(uint256 startsAt, uint256 endsAt);
    /// @notice The round ended at `endsAt`.
    error RoundOver(uint256 endsAt);
    /// @notice The round settles at `settlesAt`.
    error RoundNotSettled(uint256 settlesAt);
    /// @notice The round is settled since `settlesAt`; its sums are final.
    error RoundSettled(uint256 settlesAt);
    /// @notice `left` projects of the round are not settled.
    error ProjectsUnsettled(uint256 left);
    /// @notice Somebody applied with this content before.
    error ProjectTaken(bytes32 project);
    /// @notice The project is not in a status in which this can be done.
    error ProjectStanding(bytes32 project, ProjectStatus actual);

    /// @notice The longest time from the opening of a round to its end.
    uint256 public constant MAX_LENGTH = 366 days;
    /// @notice The longest time from the end of a round to its settlement.
    uint256 public constant MAX_REVIEW = 30 days;

    /// @notice The token of all donations.
    IERC20 public immutable token;
    /// @notice Is asked before a donation.
    IGuardian public immutable guardian;
    /// @notice Opens rounds, admits and cancels projects: the timelock.
    address public immutable owner;
    /// @notice Receives what is left of a pool.
    address public immutable treasury;

    /// @notice The number of rounds, and the id of the latest.
    uint256 public roundCount;

    mapping(uint256 round => Round) private _rounds;
    mapping(bytes32 project => Project) private _projects;

    /// @notice Wei that a donor gave a project and did not take back.
    mapping(bytes32 project => mapping(address donor => uint96)) public donationOf;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(owner, msg.sender);
        _;
    }

    /// @param guardian_ need not exist yet
    constructor(IERC20 token_, IGuardian guardian_, address owner_, address treasury_) {
        if (
            address(token_) == address(0) ||
            address(guardian_) == address(0) ||
            owner_ == address(0) ||
            treasury_ == address(0)
        ) revert AddressZero();
        (token, guardian, owner, treasury) = (token_, guardian_, owner_, treasury_);
    }

    /// @notice Opens a round; by the owner, who approved `pool` to this contract.
    /// @param terms start not in the past, start < end <= settlement, at most {MAX_LENGTH} and {MAX_REVIEW}; caps not zero
    /// @param pool wei to match with; may be zero and come later, see {fundPool}
    /// @return round counted from 1
    function openRound(RoundTerms calldata terms, uint96 pool) external onlyOwner nonReentrant returns (uint256 round) {
        if (
            terms.startsAt < block.timestamp ||
            terms.endsAt <= terms.startsAt ||
            terms.endsAt > block.timestamp + MAX_LENGTH ||
            terms.settlesAt < terms.endsAt ||
            terms.settlesAt > terms.endsAt + MAX_REVIEW ||
            terms.multiple == 0 ||
            terms.cap == 0
        ) revert RoundTermsInvalid();
        round = ++roundCount;
        uint96 arrived = pool == 0 ? 0 : Intake.pull(token, msg.sender, pool);
        _rounds[round].terms = terms;
        _rounds[round].pool = arrived;
        emit RoundOpened(round, terms, arrived);
    }

    /// @notice Adds to the pool of a round until it ends; by anybody, who approved `amount` and does not get it back.
    function fundPool(uint256 round, uint96 amount) external nonReentrant {
        Round storage funded = _beforeEnd(round);
        uint96 arrived = Intake.pull(token, msg.sender, amount);
        funded.pool += arrived;
        emit PoolFunded(round, msg.sender, arrived, funded.pool);
    }

    /// @notice Applies for a project; by anybody, until the round ends.
    /// @param recipient receives donations and match
    /// @param digest keccak256 of the canonical application
    /// @return id of the project
    function applyTo(uint256 round, address recipient, bytes32 digest) external returns (bytes32 id) {
        _beforeEnd(round);
        if (recipient == address(0)) revert AddressZero();
        if (digest == bytes32(0)) revert DigestZero();
        id = projectId(round, recipient, digest);
        Project storage project = _projects[id];
        if (project.status != ProjectStatus.None) revert ProjectTaken(id);
        project.recipient = recipient;
        project.digest = digest;
        project.round = uint64(round);
        project.status = ProjectStatus.Applied;
        emit ProjectApplied(id, round, recipient, msg.sender, digest);
    }

    /// @notice Admits a project that applied, until the round ends; by the owner.
    function admit(bytes32 id) external onlyOwner {
        Project storage project = _in(id, ProjectStatus.Applied);
        uint256 round = project.round;
        ++_beforeEnd(round).unsettled;
        project.status = ProjectStatus.Admitted;
        emit ProjectAdmitted(id, round);
    }

    /// @notice Rejects an application, or cancels a project before the round settles: its donors take their money back; by the owner.
    function cancel(bytes32 id) external onlyOwner {
        Project storage project = _projects[id];
        ProjectStatus status = project.status;
        if (status != ProjectStatus.Applied && status != ProjectStatus.Admitted) revert ProjectStanding(id, status);
        uint256 round = project.round;
        bool admitted = status == ProjectStatus.Admitted;
        if (admitted) {
            Round storage left = _rounds[round];
            if (block.timestamp >= left.terms.settlesAt) revert RoundSettled(left.terms.settlesAt);
            --left.unsettled;
            left.donated -= project.donated;
        }
        project.status = ProjectStatus.Cancelled;
        emit ProjectCancelled(id, round, admitted);
    }

    /// @notice Donates to an admitted project while its round is open; by anybody, who approved `amount`.
    function donate(bytes32 id, uint96 amount) external nonReentrant {
        guardian.checkIntake();
        Project storage project = _in(id, ProjectStatus.Admitted);
        Round storage round = _rounds[project.round];
        (uint256 startsAt, uint256 endsAt) = (round.terms.startsAt, round.terms.endsAt);
        if (block.timestamp < startsAt || block.timestamp >= endsAt) revert RoundNotOpen(startsAt, endsAt);
        uint96 arrived = Intake.pull(token, msg.sender, amount);
        project.donated += arrived;
        round.donated += arrived;
        donationOf[id][msg.sender] += arrived;
        emit Donated(id, msg.sender, arrived);
    }

    /// @notice Fixes the match of a project once its round settles; by anybody. Pays nobody, so nobody can be in the way of it.
    function settle(bytes32 id) external {
        _settle(id, _in(id, ProjectStatus.Admitted));
    }

    /// @notice Pays donations and match to the project's recipient, once its round settles; by anybody.
    function withdraw(bytes32 id) external nonReentrant {
        Project storage project = _projects[id];
        if (project.status != ProjectStatus.Settled) _settle(id, _in(id, ProjectStatus.Admitted));
        (address recipient, uint96 amount) = (project.recipient, project.due);
        if (amount == 0) revert NothingDue();
        project.due = 0;
        emit ProjectWithdrawn(id, recipient, amount);
        token.safeTransfer(recipient, amount);
    }

    /// @notice Pays a donor of a cancelled project back; by anybody.
    function refund(bytes32 id, address donor) external nonReentrant {
        _in(id, ProjectStatus.Cancelled);
        uint96 amount = donationOf[id][donor];
        if (amount == 0) revert NothingDue();
        donationOf[id][donor] = 0;
        emit DonationRefunded(id, donor, amount);
        token.safeTransfer(donor, amount);
    }

    /// @notice Pays what is left of a pool to the treasury, once every project of the round is settled; by anybody.
    function sweep(uint256 round) external nonReentrant {
        Round storage swept = _round(round);
        if (block.timestamp < swept.terms.settlesAt) revert RoundNotSettled(swept.terms.settlesAt);
        if (swept.unsettled != 0) revert ProjectsUnsettled(swept.unsettled);
        uint96 amount = swept.pool - swept.matched;
        if (amount == 0 || swept.swept) revert NothingDue();
        swept.swept = true;
        emit PoolSwept(round, amount);
        token.safeTransfer(treasury, amount);
    }

    /// @notice Names another recipient of a project; by the recipient alone.
    function rotateRecipient(bytes32 id, address to) external {
        Project storage project = _projects[id];
        address from = project.recipient;
        if (msg.sender != from) revert NotRecipient(from, msg.sender);
        if (to == address(0)) revert AddressZero();
        project.recipient = to;
        emit ProjectRotated(id, from, to);
    }

    /// @notice A round; all zero when there is none.
    function roundOf(uint256 round) external view returns (Round memory) {
        return _rounds[round];
    }

    /// @notice A project; all zero when nobody applied.
    function projectOf(bytes32 id) external view returns (Project memory) {
        return _projects[id];
    }

    /// @notice The match of an admitted or settled project, at the sums of this moment; zero for any other.
    function matchOf(bytes32 id) public view returns (uint96) {
        Project storage project = _projects[id];
        Round storage round = _rounds[project.round];
        if (project.status != ProjectStatus.Admitted && project.status != ProjectStatus.Settled) return 0;
        uint256 donated = project.donated;
        if (donated == 0) return 0;
        uint256 share = (uint256(round.pool) * donated) / round.donated;
        uint256 most = Math.min(round.terms.cap, (donated * round.terms.multiple) / 10_000);
        // Not above the cap, which fits.
        return uint96(Math.min(share, most));
    }

    /// @notice The id of a project, applied or not.
    function projectId(uint256 round, address recipient, bytes32 digest) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), round, recipient, digest));
    }

    function _settle(bytes32 id, Project storage project) private {
        uint256 number = project.round;
        Round storage round = _rounds[number];
        if (block.timestamp < round.terms.settlesAt) revert RoundNotSettled(round.terms.settlesAt);
        (uint96 donated, uint96 matched) = (project.donated, matchOf(id));
        round.matched += matched;
        --round.unsettled;
        project.due = donated + matched;
        project.status = ProjectStatus.Settled;
        emit ProjectSettled(id, number, donated, matched);
    }

    function _in(bytes32 id, ProjectStatus expected) private view returns (Project storage project) {
        project = _projects[id];
        if (project.status != expected) revert ProjectStanding(id, project.status);
    }

    function _round(uint256 number) private view returns (Round storage round) {
        if (number == 0 || number > roundCount) revert RoundUnknown(number);
        return _rounds[number];
    }

    function _beforeEnd(uint256 number) private view returns (Round storage round) {
        round = _round(number);
        if (block.timestamp >= round.terms.endsAt) revert RoundOver(round.terms.endsAt);
    }
}
