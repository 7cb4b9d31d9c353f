// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "./BN254.sol";
import {ComputeJobs, ISegmentCircuits} from "./ComputeJobs.sol";
import {ComputeOperators, JobPolicy} from "./ComputeOperators.sol";
import {IStakeVault} from "./IStakeVault.sol";
import {IVerifier, Proof} from "./IVerifier.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @title Disputes over the results of compute jobs
/// @notice No pause, no upgrade, no money: the bonds of challengers lie in the StakeVault, where this contract is a service; those of operators and the prices are
/// the ComputeJobs' matter. Anybody challenges a segment of a revealed result, naming its own digest of it. Any number of challenges are open at a time, so
/// none keeps another out, and each keeps the job from its end until it has ended itself.
///
/// The operator answers by a proof, if the job names a circuit; else, or once the circuit was stopped, it contests, and then the owner (a timelock) decides.
/// Without an answer in time the operator has lost. Whoever loses loses its bond, by a case of the vault, which may be appealed there. If the owner does not decide
/// within {DECISION_PERIOD}, nobody lost: the challenge is returned and the job goes on. So a challenger gains nothing by a dispute that nobody decides,
/// and its bond was locked as long as the operator's.
///
/// The first challenge that is upheld ends the job and has the reward; all others of the job are returned. A segment that was proven is never wrong:
/// every challenge of it is lost. Every period ends by a call of anybody ({settleChallenge}), which asks nobody's consent.
///
/// Who hashes what: the challenger makes its digest of the segment as the kind of the job says. A proof is made in the context
/// keccak256(abi.encode(keccak256("openledger.context.segment.v1"), chain id, this contract, job, segment, challenger)), with three publics: the job's
/// description mod r, the segment's digest in the result mod r, the number of the segment. The evidence of a case is
/// keccak256(abi.encode(job, segment, the operator's digest, the challenger's digest)).
contract ComputeDisputes is ISegmentCircuits {
    enum ChallengeStatus {
        /// never opened
        None,
        /// the operator answers before `dueAt`
        Pending,
        /// the owner decides before `dueAt`
        Disputed,
        /// ended: the operator lost
        Upheld,
        /// ended: the challenger lost
        Lost,
        /// ended: nobody lost; not decided, or the job had ended
        Returned
    }

    /// @param dueAt end of the present period
    /// @param bond wei that the challenger staked
    /// @param asserted the operator's digest of the segment
    /// @param claim the challenger's
    struct Challenge {
        address challenger;
        uint40 dueAt;
        uint16 segment;
        ChallengeStatus status;
        uint96 bond;
        uint128 job;
        bytes32 asserted;
        bytes32 claim;
    }

    event ChallengeOpened(
        uint256 indexed challenge,
        uint256 indexed job,
        address indexed challenger,
        uint256 segment,
        bytes32 asserted,
        bytes32 claim,
        uint96 bond,
        uint40 dueAt
    );
    /// @notice A challenge waits for the owner's decision.
    event ChallengeDisputed(uint256 indexed challenge, uint40 dueAt);
    /// @notice A segment was proven: every challenge of it is lost.
    event SegmentProven(uint256 indexed job, uint256 segment, uint256 indexed challenge);
    /// @notice A challenge ended. If it was lost, `slashed` wei of its bond wait in `case_` of the vault; if it was upheld, see the job's end.
    event ChallengeEnded(uint256 indexed challenge, ChallengeStatus status, uint256 case_, uint96 slashed);

    error AddressZero();
    error NotJobsDisputes(address expected);
    error NotOwner(address owner, address caller);
    error NotOperator(uint256 job, address operator, address caller);
    /// @notice A circuit that proves segments has three publics and no links.
    error CircuitUnfit(bytes32 circuit);
    error ResultMismatch(uint256 job, bytes32 expected, bytes32 actual);
    error SegmentUnknown(uint256 job, uint256 segment);
    /// @notice The challenger's digest is zero or the operator's own.
    error NothingChallenged(uint256 job, uint256 segment);
    error SegmentIsProven(uint256 job, uint256 segment);
    /// @notice The challenge is not in a status in which this can be done.
    error WrongChallengeStatus(uint256 challenge, ChallengeStatus actual);
    /// @notice The job ended by another challenge; this one is to be returned.
    error JobHasEnded(uint256 challenge, uint256 job);
    /// @notice This could be done before `until`.
    error ChallengeTooLate(uint256 challenge, uint256 until);
    /// @notice This can be done from `dueAt` on.
    error ChallengeNotDue(uint256 challenge, uint256 dueAt);
    /// @notice The circuit can prove the segment: nothing else answers the challenge.
    error ProofRequired(uint256 challenge, bytes32 circuit);

    /// @notice How long the owner may take to decide.
    uint256 public constant DECISION_PERIOD = 30 days;
    bytes32 private constant SEGMENT = keccak256("openledger.context.segment.v1");

    ComputeJobs public immutable jobs;
    ComputeOperators public immutable operators;
    VerifierRouter public immutable router;
    IStakeVault public immutable vault;
    /// @notice Decides what no proof decides; the owner of ComputeOperators. For ever.
    address public immutable owner;

    /// @notice The number of challenges, and the id of the latest.
    uint256 public challengeCount;

    mapping(uint256 challenge => Challenge) private _challenges;
    /// @notice The proven segments of a job, as bits.
    mapping(uint256 job => uint256) public provenOf;

    /// @param jobs_ names operators and vault too; it must expect its disputes here
    /// @param router_ verifies answers; need not exist yet
    constructor(ComputeJobs jobs_, VerifierRouter router_) {
        address expected = address(jobs_.disputes());
        if (expected != address(this)) revert NotJobsDisputes(expected);
        if (address(router_) == address(0)) revert AddressZero();
        jobs = jobs_;
        router = router_;
        operators = jobs_.operators();
        vault = jobs_.vault();
        owner = operators.owner();
    }

    // --- challenger ---

    /// @notice Challenges a segment of a revealed result, before its window closes. By anybody with the policy's challenger's bond free in the vault.
    /// @param digests of all segments, as they were revealed
    /// @param claim the caller's own digest of the segment
    /// @return id counted from 1
    function challenge(
        uint256 job,
        uint256 segment,
        bytes32[] calldata digests,
        bytes32 claim
    ) external returns (uint256 id) {
        ComputeJobs.Job memory kept = jobs.jobOf(job);
        bytes32 result = keccak256(abi.encodePacked(digests));
        if (result != kept.result) revert ResultMismatch(job, kept.result, result);
        if (segment >= digests.length) revert SegmentUnknown(job, segment);
        bytes32 asserted = digests[segment];
        if (claim == 0 || claim == asserted) revert NothingChallenged(job, segment);
        if (_isProven(job, segment)) revert SegmentIsProven(job, segment);
        JobPolicy memory policy = operators.policyOf(kept.policy);
        uint40 dueAt = uint40(block.timestamp + policy.answerPeriod);
        id = ++challengeCount;
        _challenges[id] = Challenge({
            challenger: msg.sender,
            dueAt: dueAt,
            segment: uint16(segment),
            status: ChallengeStatus.Pending,
            bond: policy.challengeBond,
            job: uint128(job),
            asserted: asserted,
            claim: claim
        });
        emit ChallengeOpened(id, job, msg.sender, segment, asserted, claim, policy.challengeBond, dueAt);
        jobs.hold(job);
        vault.lock(msg.sender, policy.challengeBond);
    }

    // --- operator ---

    /// @notice Answers a challenge by a proof of its segment; by anybody. The challenger has lost, and every other of this segment will have.
    /// @param proof see the head
    function answer(uint256 id, Proof calldata proof) external {
        Challenge storage kept = _pending(id);
        (uint256 job, uint256 segment) = (kept.job, kept.segment);
        ComputeJobs.Job memory about = _running(id, job);
        uint256[] memory publics = new uint256[](3);
        publics[0] = uint256(about.description) % BN254.R;
        publics[1] = uint256(kept.asserted) % BN254.R;
        publics[2] = segment;
        bytes32 context = keccak256(abi.encode(SEGMENT, block.chainid, address(this), job, segment, kept.challenger));
        router.verify(about.circuit, context, publics, new uint256[](0), proof);
        provenOf[job] |= 1 << segment;
        emit SegmentProven(job, segment, id);
        _lose(id, kept, about.operator);
    }

    /// @notice Stands by the result where no proof can: the owner decides. By the job's operator.
    function contest(uint256 id) external {
        Challenge storage kept = _pending(id);
        bytes32 circuit = _asOperator(id, kept.job).circuit;
        if (_isProvable(circuit)) revert ProofRequired(id, circuit);
        _dispute(id, kept);
    }

    /// @notice Admits that a challenge is right, at any time before its end. By the job's operator.
    function concede(uint256 id) external {
        Challenge storage kept = _open(id);
        _asOperator(id, kept.job);
        _uphold(id, kept);
    }

    // --- ends ---

    /// @notice Decides a dispute, in time. By the owner.
    /// @param upheld true: the challenger is right
    function decide(uint256 id, bool upheld) external {
        if (msg.sender != owner) revert NotOwner(owner, msg.sender);
        Challenge storage kept = _open(id);
        if (kept.status != ChallengeStatus.Disputed) revert WrongChallengeStatus(id, kept.status);
        if (block.timestamp >= kept.dueAt) revert ChallengeTooLate(id, kept.dueAt);
        address operator = _running(id, kept.job).operator;
        if (upheld) _uphold(id, kept);
        else _lose(id, kept, operator);
    }

    /// @notice Brings a challenge on; by anybody. At any time: its job has ended, so it is returned; its segment is proven, so it is lost. Once it is due: nobody
    /// decided, so it is returned; the operator did not answer, so it is upheld; but if its circuit was stopped, it is disputed.
    function settleChallenge(uint256 id) external {
        Challenge storage kept = _open(id);
        ComputeJobs.Job memory about = jobs.jobOf(kept.job);
        if (about.status != ComputeJobs.JobStatus.Revealed) return _return(id, kept);
        if (_isProven(kept.job, kept.segment)) return _lose(id, kept, about.operator);
        if (block.timestamp < kept.dueAt) revert ChallengeNotDue(id, kept.dueAt);
        if (kept.status == ChallengeStatus.Disputed) return _return(id, kept);
        if (about.circuit != 0 && !_isProvable(about.circuit)) return _dispute(id, kept);
        _uphold(id, kept);
    }

    // --- views ---

    /// @inheritdoc ISegmentCircuits
    function checkCircuit(bytes32 circuit) external view {
        IVerifier verifier = router.verifierOf(circuit);
        if (verifier.publicCount() != 3 || verifier.linkCount() != 0) revert CircuitUnfit(circuit);
    }

    /// @notice A challenge; all zero when it was never opened.
    function challengeOf(uint256 id) external view returns (Challenge memory) {
        return _challenges[id];
    }

    // --- parts ---

    function _isProven(uint256 job, uint256 segment) private view returns (bool) {
        return (provenOf[job] >> segment) & 1 == 1;
    }

    function _isProvable(bytes32 circuit) private view returns (bool) {
        return circuit != 0 && router.routeOf(circuit).status == VerifierRouter.Status.Active;
    }

    /// @dev A challenge that has not ended.
    function _open(uint256 id) private view returns (Challenge storage kept) {
        kept = _challenges[id];
        if (kept.status != ChallengeStatus.Pending && kept.status != ChallengeStatus.Disputed) {
            revert WrongChallengeStatus(id, kept.status);
        }
    }

    /// @dev A challenge that the operator may still answer.
    function _pending(uint256 id) private view returns (Challenge storage kept) {
        kept = _challenges[id];
        if (kept.status != ChallengeStatus.Pending) revert WrongChallengeStatus(id, kept.status);
        if (block.timestamp >= kept.dueAt) revert ChallengeTooLate(id, kept.dueAt);
    }

    /// @dev The job of a challenge, which another one may have ended.
    function _running(uint256 id, uint256 job) private view returns (ComputeJobs.Job memory about) {
        about = jobs.jobOf(job);
        if (about.status != ComputeJobs.JobStatus.Revealed) revert JobHasEnded(id, job);
    }

    function _asOperator(uint256 id, uint256 job) private view returns (ComputeJobs.Job memory about) {
        about = _running(id, job);
        if (msg.sender != about.operator) revert NotOperator(job, about.operator, msg.sender);
    }

    function _dispute(uint256 id, Challenge storage kept) private {
        uint40 dueAt = uint40(block.timestamp + DECISION_PERIOD);
        kept.status = ChallengeStatus.Disputed;
        kept.dueAt = dueAt;
        emit ChallengeDisputed(id, dueAt);
    }

    function _uphold(uint256 id, Challenge storage kept) private {
        kept.status = ChallengeStatus.Upheld;
        emit ChallengeEnded(id, ChallengeStatus.Upheld, 0, 0);
        jobs.convict(kept.job, kept.challenger, _evidence(kept));
        vault.unlock(kept.challenger, kept.bond);
    }

    /// @dev The operator is credited with the challenger's share: it had to answer.
    function _lose(uint256 id, Challenge storage kept, address operator) private {
        kept.status = ChallengeStatus.Lost;
        (address challenger, uint96 bond) = (kept.challenger, kept.bond);
        (uint256 case_, uint96 slashed) = vault.slash(challenger, bond, operator, _evidence(kept));
        vault.unlock(challenger, bond - slashed);
        emit ChallengeEnded(id, ChallengeStatus.Lost, case_, slashed);
        jobs.release(kept.job);
    }

    function _return(uint256 id, Challenge storage kept) private {
        kept.status = ChallengeStatus.Returned;
        emit ChallengeEnded(id, ChallengeStatus.Returned, 0, 0);
        jobs.release(kept.job);
        vault.unlock(kept.challenger, kept.bond);
    }

    function _evidence(Challenge storage kept) private view returns (bytes32) {
        return keccak256(abi.encode(kept.job, kept.segment, kept.asserted, kept.claim));
    }
}
