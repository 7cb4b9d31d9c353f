// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ComputeDisputes} from "../src/ComputeDisputes.sol";
import {ComputeJobs} from "../src/ComputeJobs.sol";
import {ComputeOperators, JobPolicy} from "../src/ComputeOperators.sol";
import {Guardian} from "../src/Guardian.sol";
import {IVerifier} from "../src/IVerifier.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles them too.
import "../src/OpenToken.sol";
import "./vectors/ToyContributionVerifier.sol";

/// @title Operators, jobs and disputes deployed with the real vault and guardian, and one helper per step of a job
/// @notice This contract is the owner of all that has one. Digests are computed here from the documentation, not by the contracts.
abstract contract Market is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant BLOCK = 1000;
    uint256 internal constant DEADLINE = NOW + 10 days;
    uint256 internal constant DRAW_BLOCK = BLOCK + 64;
    uint96 internal constant FUNDS = 10_000 ether;
    uint96 internal constant PRICE = 30 ether;
    /// @dev Twice ((10 + 1) / 0.1 - 30) OPEN.
    uint96 internal constant BOND = 160 ether;
    uint96 internal constant CHALLENGE_BOND = 20 ether;
    uint32 internal constant RATE = 100_000;
    uint256 internal constant WINDOW = 1 days;
    uint256 internal constant AUDIT_WINDOW = 3 days;
    uint256 internal constant ANSWER_PERIOD = 2 days;
    uint16 internal constant SEGMENTS = 4;
    bytes32 internal constant SALT = "salt";

    address internal treasury = address(0x7EA5);
    address internal member = address(0x64A8D);
    address internal requester = address(0x4E9);
    address internal operator = address(0x09E4);
    address internal challenger = address(0xC4A11);
    address internal attester = address(0xA77E5);
    address internal stranger = address(0x5724);

    IERC20 internal token;
    VerifierRouter internal router;
    Guardian internal guardian;
    StakeVault internal vault;
    ComputeOperators internal operators;
    ComputeJobs internal jobs;
    ComputeDisputes internal disputes;
    IVerifier internal verifier;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        vm.roll(BLOCK);
        _deploy(IERC20(_create("OpenToken", abi.encode(this))));
        _join(operator);
        _stake(address(disputes), challenger, 10 * CHALLENGE_BOND);
        token.transfer(requester, FUNDS);
    }

    function _deploy(IERC20 token_) internal {
        token = token_;
        uint256 nonce = vm.getNonce(address(this));
        address predictedJobs = vm.computeCreateAddress(address(this), nonce + 4);
        address predictedDisputes = vm.computeCreateAddress(address(this), nonce + 5);
        router = VerifierRouter(
            _create("VerifierRouter", abi.encode(this, vm.computeCreateAddress(address(this), nonce + 1), new bytes32[](0)))
        );
        guardian = Guardian(_create("Guardian", abi.encode(this, member, 366 days, router, address(0xD157))));
        operators = ComputeOperators(_create("ComputeOperators", abi.encode(this, guardian, _policy())));
        StakeVault.Registration[] memory services = new StakeVault.Registration[](2);
        services[0] = StakeVault.Registration(predictedJobs, StakeVault.Terms(14 days, 3 days, 10_000, 5000));
        services[1] = StakeVault.Registration(predictedDisputes, StakeVault.Terms(0, 3 days, 10_000, 5000));
        vault = StakeVault(_create("StakeVault", abi.encode(token, this, treasury, services)));
        jobs = ComputeJobs(_create("ComputeJobs", abi.encode(token, vault, operators, predictedDisputes)));
        disputes = ComputeDisputes(_create("ComputeDisputes", abi.encode(jobs, router)));
        verifier = IVerifier(_create("ToyContributionVerifier", ""));
        router.register(verifier);
    }

    function _policy() internal pure returns (JobPolicy memory) {
        return
            JobPolicy({
                auditRate: RATE,
                window: uint32(WINDOW),
                auditWindow: uint32(AUDIT_WINDOW),
                answerPeriod: uint32(ANSWER_PERIOD),
                margin: 1 ether,
                minBond: 5 ether,
                challengeBond: CHALLENGE_BOND
            });
    }

    // --- steps ---

    /// @dev A registered operator with ten bonds in the vault.
    function _join(address who) internal {
        vm.prank(who);
        operators.register(keccak256("manifest"), 0x0f);
        _stake(address(jobs), who, 10 * BOND);
    }

    function _stake(address service, address who, uint96 amount) internal {
        token.approve(address(vault), amount);
        vault.depositFor(service, who, amount);
    }

    function _terms() internal pure returns (ComputeJobs.JobTerms memory terms) {
        terms.description = keccak256("description");
        terms.gain = 10 ether;
        terms.price = PRICE;
        terms.deadline = uint40(DEADLINE);
        terms.segments = SEGMENTS;
    }

    /// @dev Terms of a job that the toy circuit proves.
    function _provable() internal view returns (ComputeJobs.JobTerms memory terms) {
        terms = _terms();
        terms.circuit = verifier.circuitId();
    }

    function _post(ComputeJobs.JobTerms memory terms) internal returns (uint256 id) {
        vm.startPrank(requester);
        token.approve(address(jobs), terms.price);
        id = jobs.post(terms);
        vm.stopPrank();
    }

    function _taken(ComputeJobs.JobTerms memory terms) internal returns (uint256 id) {
        id = _post(terms);
        vm.prank(operator);
        jobs.take(id);
    }

    /// @dev Committed in block BLOCK.
    function _committed(ComputeJobs.JobTerms memory terms) internal returns (uint256 id) {
        id = _taken(terms);
        vm.prank(operator);
        jobs.commit(id, _commitment(id, _digests(terms.segments)));
    }

    /// @dev Revealed in the second of the deadline.
    function _revealed(ComputeJobs.JobTerms memory terms) internal returns (uint256 id) {
        id = _committed(terms);
        vm.warp(terms.deadline);
        jobs.reveal(id, _digests(terms.segments), SALT);
    }

    /// @dev Draws a committed job in the first block in which that is possible.
    function _draw(uint256 id, bool audited) internal {
        vm.roll(DRAW_BLOCK + 1);
        vm.setBlockhash(DRAW_BLOCK, _hashFor(id, audited));
        jobs.draw(id);
    }

    /// @dev A hash of the beacon block that has this job audited, or spared.
    function _hashFor(uint256 id, bool audited) internal view returns (bytes32 hash) {
        do hash = keccak256(abi.encode(hash)); while ((uint128(uint256(_seed(hash, id))) % 1_000_000 < RATE) != audited);
    }

    function _seed(bytes32 hash, uint256 id) internal view returns (bytes32) {
        return keccak256(abi.encode(hash, jobs, id));
    }

    /// @dev Challenges segment 1 of a revealed job.
    function _challenged(uint256 id) internal returns (uint256 challenge) {
        return _challenge(id, challenger, 1);
    }

    function _challenge(uint256 id, address who, uint256 segment) internal returns (uint256 challenge) {
        bytes32[] memory digests = _digests(jobs.jobOf(id).segments);
        vm.prank(who);
        return disputes.challenge(id, segment, digests, "claim");
    }

    // --- digests ---

    function _digests(uint256 count) internal pure returns (bytes32[] memory digests) {
        digests = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) digests[i] = keccak256(abi.encode("segment", i));
    }

    function _result(bytes32[] memory digests) internal pure returns (bytes32) {
        bytes memory all;
        for (uint256 i = 0; i < digests.length; ++i) all = bytes.concat(all, digests[i]);
        return keccak256(all);
    }

    function _commitment(uint256 id, bytes32[] memory digests) internal view returns (bytes32) {
        return _commitmentOf(address(jobs), 31337, id, operator, _result(digests), SALT);
    }

    function _commitmentOf(
        address target,
        uint256 chainId,
        uint256 id,
        address who,
        bytes32 result,
        bytes32 salt
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(keccak256("openledger.commitment.result.v1"), chainId, target, id, who, result, salt)
            );
    }

    // --- what must be ---

    function _isJob(uint256 id, ComputeJobs.JobStatus status) internal view {
        assertEq(uint256(jobs.jobOf(id).status), uint256(status), "status");
    }

    function _status(uint256 id, ComputeJobs.JobStatus actual) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ComputeJobs.WrongJobStatus.selector, id, actual);
    }

    function _holds(address service, address who, uint256 free, uint256 locked) internal view {
        StakeVault.Account memory account = vault.accountOf(service, who);
        assertEq(account.free, free, "free");
        assertEq(account.locked, locked, "locked");
    }
}
