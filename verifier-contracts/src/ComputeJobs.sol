// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {CERTAIN, ComputeOperators} from "./ComputeOperators.sol";
import {IGuardian} from "./IGuardian.sol";
import {Intake} from "./Intake.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title What jobs ask the disputes
interface ISegmentCircuits {
    /// @notice Reverts unless a proof of this circuit can answer a challenge.
    function checkCircuit(bytes32 circuit) external view;
}

/// @title Compute jobs: a price in escrow against a bond in the vault
/// @notice No pause, no upgrade. A requester posts a job and its price; an operator takes it with a bond; the result is committed before the deadline
/// and revealed from it on; a beacon draws the audit; whoever finds a wrong segment challenges it in ComputeDisputes. A job ends once, and then its
/// price is credited to one of two: the operator, if the result stood, else the requester. Per job that has not ended, the price is here; what
/// this contract holds is those prices and all credits. {withdraw} pays credits. Bonds never come here: the StakeVault locks and slashes them for
/// this contract, which is a service there.
///
/// Every period ends by a call of anybody ({draw}, {settle}), and none of these calls asks the guardian, a list or the vault's consent.
///
/// The audit. Seed is keccak256(abi.encode(blockhash(drawBlock), this contract, job)), with drawBlock {DRAW_DELAY} after the commitment. It decides whether
/// the job is audited, with the probability of its policy, and which segment is to be replayed. Who can bias it: the proposer of exactly that block, by
/// choosing among blocks that it could propose, which costs it nothing but the work. At the commitment that proposer is not known yet (they are at most 63
/// slots ahead), so an operator that runs a share s of all validators escapes an audit with probability s at most. On a chain with one sequencer the
/// sequencer decides alone. Anybody draws while the chain still answers for the block, 256 blocks long; from then on the draw is the worst for the
/// operator: audited for certain, every segment. So an operator draws for itself if nobody else does, and no job is paid without a draw.
///
/// Who hashes what:
/// - description: the requester, keccak256 of the canonical JSON of the job (kind, inputs by digest, deterministic parameters, segments).
/// - result: keccak256 of the concatenated digests of all segments in order, 32 bytes each. A segment is one of the parts that a job is replayed by;
///   what its digest is made of follows from the kind of the job.
/// - commitment: the operator, {commitmentOf}. With its salt and address in it, nobody can copy a result before it is revealed, and jobs that share a deadline
///   are all committed before the first of them is revealed.
contract ComputeJobs is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum JobStatus {
        /// never posted
        None,
        /// may be taken before its deadline
        Open,
        /// the operator commits before the deadline
        Taken,
        /// the operator reveals from the deadline on
        Committed,
        /// may be challenged until it is settled
        Revealed,
        /// ended: the result stood
        Paid,
        /// ended: taken back by the requester
        Cancelled,
        /// ended: nobody took it
        Expired,
        /// ended: nothing was committed in time
        Late,
        /// ended: what was committed was not revealed
        Withheld,
        /// ended: a challenge was upheld
        Convicted
    }

    /// @notice What the beacon said.
    enum Audit {
        /// nothing yet
        Undrawn,
        /// no audit
        Spared,
        /// one segment is to be replayed
        Segment,
        /// the draw lapsed: every segment is to be replayed
        All
    }

    /// @notice What a requester fixes.
    /// @param description keccak256 of the canonical job description
    /// @param circuit id of the circuit that proves a segment, see the head; zero when none does
    /// @param operator who alone may take it; zero: any operator
    /// @param attester whose attestation the operator needs through the deadline; zero: none
    /// @param gain wei that a wrong result is worth to an operator that is not found, see {ComputeOperators-requiredBond}
    /// @param price wei to escrow
    /// @param deadline the result is committed before this second
    /// @param capabilities bits that the operator needs
    /// @param segments 1 to {MAX_SEGMENTS}
    struct JobTerms {
        bytes32 description;
        bytes32 circuit;
        address operator;
        address attester;
        uint96 gain;
        uint96 price;
        uint40 deadline;
        uint32 capabilities;
        uint16 segments;
    }

    /// @param operator who took it, before that who alone may
    /// @param result the commitment, and the result once it is revealed
    /// @param closesAt end of the challenge window, once the result is revealed
    /// @param policy version of its {JobPolicy}
    /// @param segment to be replayed, if the audit is of one
    /// @param challenges that are open
    struct Job {
        address requester;
        uint96 price;
        address operator;
        uint96 bond;
        bytes32 description;
        bytes32 circuit;
        bytes32 result;
        address attester;
        uint40 deadline;
        uint40 closesAt;
        JobStatus status;
        uint32 capabilities;
        uint32 policy;
        uint16 segments;
        uint64 drawBlock;
        Audit audit;
        uint16 segment;
        uint32 challenges;
    }

    /// @notice A job was posted. `price` is what arrived of `terms.price`; `bond` is what its operator stakes.
    event JobPosted(
        uint256 indexed job,
        address indexed requester,
        JobTerms terms,
        uint96 price,
        uint256 policy,
        uint96 bond
    );
    event JobTaken(uint256 indexed job, address indexed operator);
    /// @notice The audit is drawn by the hash of block `drawBlock`.
    event ResultCommitted(uint256 indexed job, bytes32 commitment, uint256 drawBlock);
    /// @notice `digests` are those of the segments.
    event ResultRevealed(uint256 indexed job, bytes32 result, bytes32[] digests, uint40 closesAt);
    /// @notice The audit was drawn; `seed` is zero when the draw lapsed, `closesAt` before the result is revealed.
    event AuditDrawn(uint256 indexed job, Audit audit, uint256 segment, bytes32 seed, uint40 closesAt);
    /// @notice A job ended: `amount` was credited to `to`. `case_` is that of the vault against its operator, in which `slashed` wei wait.
    event JobEnded(uint256 indexed job, JobStatus status, address indexed to, uint96 amount, uint256 case_, uint96 slashed);
    /// @notice All that was credited to `who` was paid.
    event Collected(address indexed who, uint256 amount);

    error AddressZero();
    error DigestZero();
    error SegmentsOutOfRange(uint256 maximum, uint256 actual);
    error JobDeadlineOutOfRange(uint256 deadline, uint256 earliest, uint256 latest);
    /// @notice The job is not in a status in which this can be done.
    error WrongJobStatus(uint256 job, JobStatus actual);
    error NotRequester(uint256 job, address requester, address caller);
    error NotDisputes(address disputes, address caller);
    error NotOperator(uint256 job, address operator, address caller);
    /// @notice This could be done before `until`.
    error JobTooLate(uint256 job, uint256 until);
    /// @notice This can be done from `dueAt` on.
    error JobNotDue(uint256 job, uint256 dueAt);
    error SegmentCount(uint256 job, uint256 expected, uint256 actual);
    error CommitmentMismatch(uint256 job, bytes32 expected, bytes32 actual);
    /// @notice The beacon is the hash of block `drawBlock`: draw from the next block on.
    error DrawTooEarly(uint256 job, uint256 drawBlock);
    /// @notice No job is paid before its audit is drawn, and it is drawn once.
    error AuditState(uint256 job, Audit actual);
    /// @notice These challenges come to their end first.
    error ChallengesOpen(uint256 job, uint256 count);
    error NothingCredited(address who);

    /// @notice The most segments of a job.
    uint256 public constant MAX_SEGMENTS = 256;
    /// @notice The longest time from post to deadline.
    uint256 public constant MAX_LIFETIME = 90 days;
    /// @notice A committed result is revealed in this many seconds from the deadline on.
    uint256 public constant REVEAL_PERIOD = 1 days;
    /// @notice Blocks from the commitment to the beacon: one more than proposers are known ahead.
    uint256 public constant DRAW_DELAY = 64;
    /// @notice An operator that commits nothing in time loses one part of this many of its bond.
    uint96 public constant LATE_DIVISOR = 10;
    bytes32 private constant COMMITMENT = keccak256("openledger.commitment.result.v1");

    IERC20 public immutable token;
    IStakeVault public immutable vault;
    ComputeOperators public immutable operators;
    IGuardian public immutable guardian;
    /// @notice Holds, releases and convicts jobs: the ComputeDisputes.
    ISegmentCircuits public immutable disputes;

    /// @notice The number of jobs, and the id of the latest.
    uint256 public jobCount;

    mapping(uint256 job => Job) private _jobs;
    /// @notice Wei that {withdraw} pays.
    mapping(address who => uint256) public creditOf;

    /// @param token_ the token of all prices
    /// @param vault_ where this contract is a service; need not exist yet
    /// @param operators_ names the guardian too
    /// @param disputes_ the ComputeDisputes, deployed later at this address (it checks that itself)
    constructor(
        IERC20 token_,
        IStakeVault vault_,
        ComputeOperators operators_,
        ISegmentCircuits disputes_
    ) {
        if (address(token_) == address(0) || address(vault_) == address(0) || address(disputes_) == address(0)) {
            revert AddressZero();
        }
        token = token_;
        vault = vault_;
        operators = operators_;
        guardian = operators_.guardian();
        disputes = disputes_;
    }

    // --- requester ---

    /// @notice Posts a job of the caller, who approved `terms.price`; what arrives is its price. Operators may take it at once.
    /// @return id counted from 1
    function post(JobTerms calldata terms) external nonReentrant returns (uint256 id) {
        guardian.checkIntake();
        if (terms.description == 0) revert DigestZero();
        if (terms.segments == 0 || terms.segments > MAX_SEGMENTS) revert SegmentsOutOfRange(MAX_SEGMENTS, terms.segments);
        uint256 latest = block.timestamp + MAX_LIFETIME;
        if (terms.deadline <= block.timestamp || terms.deadline > latest) {
            revert JobDeadlineOutOfRange(terms.deadline, block.timestamp + 1, latest);
        }
        if (terms.circuit != 0) disputes.checkCircuit(terms.circuit);
        uint96 price = Intake.pull(token, msg.sender, terms.price);
        (uint256 policy, uint96 bond) = operators.termsOf(terms.gain, price);
        id = ++jobCount;
        Job storage job = _jobs[id];
        job.requester = msg.sender;
        job.price = price;
        job.operator = terms.operator;
        job.bond = bond;
        job.description = terms.description;
        job.circuit = terms.circuit;
        job.attester = terms.attester;
        job.deadline = terms.deadline;
        job.status = JobStatus.Open;
        job.capabilities = terms.capabilities;
        job.policy = uint32(policy);
        job.segments = terms.segments;
        emit JobPosted(id, msg.sender, terms, price, policy, bond);
    }

    /// @notice Takes a job back that nobody has taken. By its requester.
    function cancel(uint256 id) external {
        Job storage job = _jobIn(id, JobStatus.Open);
        if (msg.sender != job.requester) revert NotRequester(id, job.requester, msg.sender);
        _end(id, job, JobStatus.Cancelled, job.requester, 0, 0);
    }

    // --- operator ---

    /// @notice Takes a job. By an active operator that has what the job needs, and its bond free in the vault.
    function take(uint256 id) external {
        Job storage job = _jobIn(id, JobStatus.Open);
        if (block.timestamp >= job.deadline) revert JobTooLate(id, job.deadline);
        if (job.operator != address(0) && job.operator != msg.sender) {
            revert NotOperator(id, job.operator, msg.sender);
        }
        operators.checkOperator(msg.sender, job.capabilities, job.attester, job.deadline);
        job.operator = msg.sender;
        job.status = JobStatus.Taken;
        emit JobTaken(id, msg.sender);
        vault.lock(msg.sender, job.bond);
    }

    /// @notice Commits to the result, before the deadline, once. By the job's operator.
    /// @param commitment see {commitmentOf}
    function commit(uint256 id, bytes32 commitment) external {
        Job storage job = _jobIn(id, JobStatus.Taken);
        _onlyOperator(id, job);
        if (block.timestamp >= job.deadline) revert JobTooLate(id, job.deadline);
        uint64 drawBlock = uint64(block.number + DRAW_DELAY);
        job.result = commitment;
        job.drawBlock = drawBlock;
        job.status = JobStatus.Committed;
        emit ResultCommitted(id, commitment, drawBlock);
    }

    /// @notice Reveals a committed result, in {REVEAL_PERIOD} from the deadline on. By anybody who knows the salt.
    /// @param digests of all segments in order
    /// @param salt of the commitment
    function reveal(uint256 id, bytes32[] calldata digests, bytes32 salt) external {
        Job storage job = _jobIn(id, JobStatus.Committed);
        uint256 deadline = job.deadline;
        if (block.timestamp < deadline) revert JobNotDue(id, deadline);
        if (block.timestamp >= deadline + REVEAL_PERIOD) revert JobTooLate(id, deadline + REVEAL_PERIOD);
        if (digests.length != job.segments) revert SegmentCount(id, job.segments, digests.length);
        bytes32 result = keccak256(abi.encodePacked(digests));
        bytes32 commitment = commitmentOf(id, job.operator, result, salt);
        if (commitment != job.result) revert CommitmentMismatch(id, job.result, commitment);
        (, uint32 window, uint32 auditWindow) = operators.auditTermsOf(job.policy);
        uint40 closesAt = uint40(block.timestamp + (job.audit > Audit.Spared ? auditWindow : window));
        job.result = result;
        job.closesAt = closesAt;
        job.status = JobStatus.Revealed;
        emit ResultRevealed(id, result, digests, closesAt);
    }

    // --- audit ---

    /// @notice Draws whether a job is audited and which segment is to be replayed, see the head. By anybody, once the result is committed.
    function draw(uint256 id) external {
        Job storage job = _jobs[id];
        JobStatus status = job.status;
        if (status != JobStatus.Committed && status != JobStatus.Revealed) revert WrongJobStatus(id, status);
        if (job.audit != Audit.Undrawn) revert AuditState(id, job.audit);
        uint256 drawBlock = job.drawBlock;
        if (block.number <= drawBlock) revert DrawTooEarly(id, drawBlock);
        (uint32 auditRate, , uint32 auditWindow) = operators.auditTermsOf(job.policy);
        bytes32 hash = blockhash(drawBlock);
        bytes32 seed;
        Audit audit = Audit.All;
        uint16 segment;
        if (hash != 0) {
            seed = keccak256(abi.encode(hash, address(this), id));
            audit = uint128(uint256(seed)) % CERTAIN < auditRate ? Audit.Segment : Audit.Spared;
            if (audit == Audit.Segment) segment = uint16((uint256(seed) >> 128) % job.segments);
        }
        job.audit = audit;
        job.segment = segment;
        uint40 closesAt = job.closesAt;
        if (status == JobStatus.Revealed && audit != Audit.Spared) {
            closesAt = uint40(block.timestamp + auditWindow);
            job.closesAt = closesAt;
        }
        emit AuditDrawn(id, audit, segment, seed, closesAt);
    }

    // --- disputes ---

    /// @notice Keeps a revealed job from its end while one more challenge of it is open; before its window closes. By the ComputeDisputes.
    function hold(uint256 id) external {
        _onlyDisputes();
        Job storage job = _jobIn(id, JobStatus.Revealed);
        if (block.timestamp >= job.closesAt) revert JobTooLate(id, job.closesAt);
        ++job.challenges;
    }

    /// @notice A challenge of the job has ended, and not against its operator. By the ComputeDisputes.
    function release(uint256 id) external {
        _onlyDisputes();
        --_jobs[id].challenges;
    }

    /// @notice Ends a revealed job by a challenge that was upheld: its bond is slashed. By the ComputeDisputes.
    /// @param challenger receives the challenger's share of the bond
    /// @param evidence digest of what the verdict rests on
    function convict(uint256 id, address challenger, bytes32 evidence) external {
        _onlyDisputes();
        Job storage job = _jobIn(id, JobStatus.Revealed);
        --job.challenges;
        _fail(id, job, JobStatus.Convicted, job.bond, challenger, evidence);
    }

    // --- ends ---

    /// @notice Ends a job that is due; by anybody. Not taken: the requester is refunded. Taken and nothing committed: refunded, and a part of the
    /// bond is slashed. Committed and not revealed: refunded, and the bond is slashed. Revealed, drawn, its window closed and no challenge open: the operator is paid.
    function settle(uint256 id) external {
        Job storage job = _jobs[id];
        JobStatus status = job.status;
        if (status == JobStatus.Revealed) {
            if (job.audit == Audit.Undrawn) revert AuditState(id, Audit.Undrawn);
            if (job.challenges != 0) revert ChallengesOpen(id, job.challenges);
            if (block.timestamp < job.closesAt) revert JobNotDue(id, job.closesAt);
            _end(id, job, JobStatus.Paid, job.operator, 0, 0);
            vault.unlock(job.operator, job.bond);
            return;
        }
        if (status == JobStatus.None || status > JobStatus.Revealed) revert WrongJobStatus(id, status);
        uint256 dueAt = job.deadline;
        if (status == JobStatus.Committed) dueAt += REVEAL_PERIOD;
        if (block.timestamp < dueAt) revert JobNotDue(id, dueAt);
        if (status == JobStatus.Open) return _end(id, job, JobStatus.Expired, job.requester, 0, 0);
        bool late = status == JobStatus.Taken;
        uint96 amount = late ? job.bond / LATE_DIVISOR : job.bond;
        _fail(id, job, late ? JobStatus.Late : JobStatus.Withheld, amount, job.requester, job.description);
    }

    /// @notice Pays all that is credited to `who`. By anybody.
    function withdraw(address who) external nonReentrant returns (uint256 amount) {
        amount = creditOf[who];
        if (amount == 0) revert NothingCredited(who);
        creditOf[who] = 0;
        emit Collected(who, amount);
        token.safeTransfer(who, amount);
    }

    // --- views ---

    /// @notice A job; all zero when it was never posted.
    function jobOf(uint256 id) external view returns (Job memory) {
        return _jobs[id];
    }

    /// @notice What an operator commits to.
    /// @param result keccak256 of the concatenated digests of all segments
    /// @param salt 32 random bytes, secret until the deadline
    function commitmentOf(uint256 id, address operator, bytes32 result, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(COMMITMENT, block.chainid, address(this), id, operator, result, salt));
    }

    // --- parts ---

    function _jobIn(uint256 id, JobStatus expected) private view returns (Job storage job) {
        job = _jobs[id];
        if (job.status != expected) revert WrongJobStatus(id, job.status);
    }

    function _onlyDisputes() private view {
        if (msg.sender != address(disputes)) revert NotDisputes(address(disputes), msg.sender);
    }

    function _onlyOperator(uint256 id, Job storage job) private view {
        if (msg.sender != job.operator) revert NotOperator(id, job.operator, msg.sender);
    }

    /// @dev Ends a job against its operator. The vault takes locked stake first, and locked stake is never less than the bonds in flight: each slash takes of
    /// its own bond, whatever else the account lost. A service that has ended takes nothing and gives all free; then too the price is refunded.
    function _fail(
        uint256 id,
        Job storage job,
        JobStatus status,
        uint96 amount,
        address winner,
        bytes32 evidence
    ) private {
        (address operator, uint96 bond) = (job.operator, job.bond);
        job.status = status;
        (uint256 case_, uint96 slashed) = vault.slash(operator, amount, winner, evidence);
        vault.unlock(operator, bond - slashed);
        _end(id, job, status, job.requester, case_, slashed);
    }

    function _end(uint256 id, Job storage job, JobStatus status, address to, uint256 case_, uint96 slashed) private {
        job.status = status;
        creditOf[to] += job.price;
        emit JobEnded(id, status, to, job.price, case_, slashed);
    }
}
