// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IGuardian} from "./IGuardian.sol";

// Certainty, as a probability in parts of a million.
uint256 constant CERTAIN = 1_000_000;

/// @notice What governance sets for later jobs; a job keeps the policy that it was posted under. See {ComputeOperators-setPolicy} for the bounds.
/// @param auditRate probability that a job is audited, in parts of a million
/// @param window seconds in which the result of a job that is not audited may be challenged
/// @param auditWindow as `window`, for a job that is audited
/// @param answerPeriod seconds in which an operator answers a challenge
/// @param margin wei by which cheating must cost more than it gains
/// @param minBond the least {ComputeOperators-requiredBond}, in wei
/// @param challengeBond what a challenger stakes, in wei
struct JobPolicy {
    uint32 auditRate;
    uint32 window;
    uint32 auditWindow;
    uint32 answerPeriod;
    uint96 margin;
    uint96 minBond;
    uint96 challengeBond;
}

/// @title Who computes: GPU operators, what they can do, who attested it, and how large a bond makes cheating a loss
/// @notice No upgrade, no pause, no money: bonds lie in the StakeVault, prices in ComputeJobs. Anybody registers, changes its capabilities and
/// retires; registration alone asks the guardian. An operator that retired takes no further job; the jobs that it took go on to their end.
///
/// The owner (a timelock) sets the policy of later jobs, inside constant bounds. It can neither admit nor remove an operator.
///
/// Who hashes what: the operator hashes its canonical JSON manifest (devices, versions, endpoints) with keccak256; an attester hashes
/// whatever it has verified (an attestation report, a certificate). This contract keeps the digests and reads none. Of an attestation it
/// keeps one digest for each pair of operator and attester: who attested, and until when. What an attester's word is worth, each requester decides:
/// a job names the one attester that it trusts, or none.
contract ComputeOperators {
    enum OperatorStatus {
        /// never registered
        None,
        /// takes jobs
        Active,
        /// takes no further job; may register again
        Retired
    }

    /// @param capabilities a set of bits: 0 WebGPU, 1 WASM, 2 CUDA, 3 prover, 4 training, 5 influence, 6 inference, 7 trusted execution;
    /// all others are free for later use
    /// @param manifest keccak256 of the canonical JSON manifest
    struct Operator {
        OperatorStatus status;
        uint32 capabilities;
        bytes32 manifest;
    }

    /// @param expiresAt the first second in which it is not valid any more; zero when there was none
    struct Attestation {
        bytes32 digest;
        uint40 expiresAt;
    }

    /// @notice A parameter of the policy.
    enum Parameter {
        AuditRate,
        Window,
        AuditWindow,
        AnswerPeriod,
        Margin,
        MinBond,
        ChallengeBond
    }

    /// @notice An operator registered, for the first time or again.
    event OperatorRegistered(address indexed operator, bytes32 manifest, uint32 capabilities);
    /// @notice An operator published another manifest.
    event CapabilitiesChanged(address indexed operator, bytes32 manifest, uint32 capabilities);
    /// @notice An operator takes no further job.
    event OperatorRetired(address indexed operator);
    /// @notice An attester vouched for an operator, for the first time or again; what it said before is replaced.
    event Attested(address indexed operator, address indexed attester, bytes32 digest, uint40 expiresAt);
    /// @notice An attester took its word back; it had been valid until then.
    event AttestationRevoked(address indexed operator, address indexed attester);
    /// @notice Jobs posted from now on have this policy.
    event PolicySet(uint256 indexed version, JobPolicy policy);

    error AddressZero();
    error DigestZero();
    error NotOwner(address owner, address caller);
    /// @notice The operator is not in a status in which this can be done.
    error OperatorState(address operator, OperatorStatus actual);
    /// @notice `missing` are the bits that the operator does not have.
    error CapabilityMissing(address operator, uint32 missing);
    /// @notice The attester's word does not last until `needed`; `expiresAt` is zero when there is none.
    error AttestationTooShort(address operator, address attester, uint256 needed, uint256 expiresAt);
    error ExpiryOutOfRange(uint256 expiresAt, uint256 earliest, uint256 latest);
    error PolicyOutOfRange(Parameter parameter, uint256 minimum, uint256 maximum, uint256 actual);
    error PolicyUnknown(uint256 version);

    /// @notice The least probability of an audit: one in a hundred.
    uint256 public constant MIN_AUDIT_RATE = 10_000;
    uint256 public constant MIN_WINDOW = 1 hours;
    uint256 public constant MAX_WINDOW = 14 days;
    /// @notice The largest margin, minimum and challenger's bond: ten million OPEN.
    uint256 public constant MAX_AMOUNT = 10_000_000e18;
    /// @notice The longest life of an attestation.
    uint256 public constant MAX_ATTESTATION = 366 days;
    /// @notice How much of a bond is lost for certain: one part of this many. The vault pays the other part to the challenger, and a cheat
    /// that is about to be found may challenge itself under another name. So a job's bond is this many times {requiredBond}.
    uint256 public constant BOND_FACTOR = 2;

    /// @notice Sets the policy of jobs; a timelock. For ever.
    address public immutable owner;
    IGuardian public immutable guardian;

    /// @notice The number of policies, and the version of the latest.
    uint256 public policyCount;

    mapping(uint256 version => JobPolicy) private _policies;
    mapping(address operator => Operator) private _operators;
    mapping(address operator => mapping(address attester => Attestation)) private _attestations;

    /// @param owner_ sets the policy of later jobs, for ever
    /// @param guardian_ is asked before an operator registers; need not exist yet
    /// @param policy the first one
    constructor(address owner_, IGuardian guardian_, JobPolicy memory policy) {
        if (owner_ == address(0) || address(guardian_) == address(0)) revert AddressZero();
        owner = owner_;
        guardian = guardian_;
        _setPolicy(policy);
    }

    // --- operators ---

    /// @notice Registers the caller, or again after {retire}.
    /// @param manifest keccak256 of its canonical JSON manifest
    /// @param capabilities see {Operator}
    function register(bytes32 manifest, uint32 capabilities) external {
        guardian.checkIntake();
        OperatorStatus status = _operators[msg.sender].status;
        if (status == OperatorStatus.Active) revert OperatorState(msg.sender, status);
        _publish(manifest, capabilities);
        emit OperatorRegistered(msg.sender, manifest, capabilities);
    }

    /// @notice Replaces manifest and capabilities of the caller. Jobs that were taken before are not touched.
    function setCapabilities(bytes32 manifest, uint32 capabilities) external {
        _active(msg.sender);
        _publish(manifest, capabilities);
        emit CapabilitiesChanged(msg.sender, manifest, capabilities);
    }

    /// @notice The caller takes no further job. What is free of its stake, it unbonds in the vault.
    function retire() external {
        _active(msg.sender).status = OperatorStatus.Retired;
        emit OperatorRetired(msg.sender);
    }

    // --- attestations ---

    /// @notice Vouches for an active operator, for the first time or again: the caller is the attester.
    /// @param digest of what the attester verified
    /// @param expiresAt the first second in which it is not valid any more, at most {MAX_ATTESTATION} ahead
    function attest(address operator, bytes32 digest, uint40 expiresAt) external {
        _active(operator);
        if (digest == 0) revert DigestZero();
        uint256 latest = block.timestamp + MAX_ATTESTATION;
        if (expiresAt <= block.timestamp || expiresAt > latest) {
            revert ExpiryOutOfRange(expiresAt, block.timestamp + 1, latest);
        }
        _attestations[operator][msg.sender] = Attestation(digest, expiresAt);
        emit Attested(operator, msg.sender, digest, expiresAt);
    }

    /// @notice Takes the caller's word back, while it is valid. Jobs that were taken before are not touched.
    function revokeAttestation(address operator) external {
        Attestation storage attestation = _attestations[operator][msg.sender];
        if (attestation.expiresAt <= block.timestamp) {
            revert AttestationTooShort(operator, msg.sender, block.timestamp + 1, attestation.expiresAt);
        }
        attestation.expiresAt = uint40(block.timestamp);
        emit AttestationRevoked(operator, msg.sender);
    }

    // --- policy ---

    /// @notice Sets the policy of jobs that are posted later. By the owner. The audit rate is {MIN_AUDIT_RATE} to a million, each time
    /// {MIN_WINDOW} to {MAX_WINDOW} and the audit window no shorter than the other, each amount at most {MAX_AMOUNT} and no bond zero.
    function setPolicy(JobPolicy calldata policy) external {
        if (msg.sender != owner) revert NotOwner(owner, msg.sender);
        _setPolicy(policy);
    }

    // --- views ---

    /// @notice What an operator published; all zero when it never registered.
    function operatorOf(address operator) external view returns (Operator memory) {
        return _operators[operator];
    }

    /// @notice What an attester last said of an operator, valid or not.
    function attestationOf(address operator, address attester) external view returns (Attestation memory) {
        return _attestations[operator][attester];
    }

    /// @notice A policy that was set, counted from 1.
    function policyOf(uint256 version) external view returns (JobPolicy memory) {
        if (version == 0 || version > policyCount) revert PolicyUnknown(version);
        return _policies[version];
    }

    /// @notice Of a policy, what an audit needs.
    function auditTermsOf(uint256 version) external view returns (uint32 auditRate, uint32 window, uint32 auditWindow) {
        JobPolicy storage policy = _policies[version];
        return (policy.auditRate, policy.window, policy.auditWindow);
    }

    /// @notice Reverts unless the operator is active, has these capabilities, and an attester's word that is valid through `until`.
    /// @param attester zero: none is needed
    function checkOperator(address operator, uint32 capabilities, address attester, uint256 until) external view {
        uint32 missing = capabilities & ~_active(operator).capabilities;
        if (missing != 0) revert CapabilityMissing(operator, missing);
        if (attester == address(0)) return;
        uint256 expiresAt = _attestations[operator][attester].expiresAt;
        if (expiresAt <= until) revert AttestationTooShort(operator, attester, until + 1, expiresAt);
    }

    /// @notice The bond that makes cheating a loss: (gain + margin) / detection probability - price, rounded up, and the policy's minimum at least.
    /// A cheat that is found loses bond and price; one that is not found has the gain. With this bond the expected loss exceeds the expected gain by
    /// `margin` at least.
    /// @param gain wei that a wrong result is worth to an operator that is not found
    /// @param margin wei by which cheating must cost more
    /// @param price wei that the operator loses with the job
    /// @param detectionProbability in parts of a million; not zero
    function requiredBond(
        uint96 gain,
        uint96 margin,
        uint96 price,
        uint32 detectionProbability
    ) public view returns (uint96) {
        return _requiredBond(gain, margin, price, detectionProbability, _policies[policyCount].minBond);
    }

    /// @notice What a job posted now has: its policy, and the bond of whoever takes it, which is {BOND_FACTOR} times {requiredBond}.
    function termsOf(uint96 gain, uint96 price) external view returns (uint256 version, uint96 bond) {
        version = policyCount;
        JobPolicy memory policy = _policies[version];
        uint256 required = _requiredBond(gain, policy.margin, price, policy.auditRate, policy.minBond);
        bond = SafeCast.toUint96(BOND_FACTOR * required);
    }

    // --- parts ---

    function _publish(bytes32 manifest, uint32 capabilities) private {
        if (manifest == 0) revert DigestZero();
        _operators[msg.sender] = Operator(OperatorStatus.Active, capabilities, manifest);
    }

    function _active(address operator) private view returns (Operator storage kept) {
        kept = _operators[operator];
        if (kept.status != OperatorStatus.Active) revert OperatorState(operator, kept.status);
    }

    function _requiredBond(
        uint256 gain,
        uint256 margin,
        uint256 price,
        uint256 rate,
        uint256 minimum
    ) private pure returns (uint96) {
        if (rate == 0 || rate > CERTAIN) revert PolicyOutOfRange(Parameter.AuditRate, 1, CERTAIN, rate);
        uint256 loss = ((gain + margin) * CERTAIN + rate - 1) / rate;
        uint256 bond = loss > price ? loss - price : 0;
        return SafeCast.toUint96(bond > minimum ? bond : minimum);
    }

    function _setPolicy(JobPolicy memory policy) private {
        _check(Parameter.AuditRate, MIN_AUDIT_RATE, CERTAIN, policy.auditRate);
        _check(Parameter.Window, MIN_WINDOW, MAX_WINDOW, policy.window);
        _check(Parameter.AuditWindow, policy.window, MAX_WINDOW, policy.auditWindow);
        _check(Parameter.AnswerPeriod, MIN_WINDOW, MAX_WINDOW, policy.answerPeriod);
        _check(Parameter.Margin, 0, MAX_AMOUNT, policy.margin);
        _check(Parameter.MinBond, 1, MAX_AMOUNT, policy.minBond);
        _check(Parameter.ChallengeBond, 1, MAX_AMOUNT, policy.challengeBond);
        uint256 version = ++policyCount;
        _policies[version] = policy;
        emit PolicySet(version, policy);
    }

    function _check(Parameter parameter, uint256 minimum, uint256 maximum, uint256 actual) private pure {
        if (actual < minimum || actual > maximum) revert PolicyOutOfRange(parameter, minimum, maximum, actual);
    }
}
