// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BN254} from "../src/BN254.sol";
import {Guardian} from "../src/Guardian.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {OpenCirceLaunchpad} from "../src/OpenCirceLaunchpad.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Simulator} from "./Simulator.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles them too.
import "../src/OpenToken.sol";
import "./vectors/ToyContributionVerifier.sol";

/// @title Token, router, guardian and launchpad deployed, one circuit registered; this contract is the owner
/// @notice Ids, contexts and digests are computed here from the documentation, not by the contract.
abstract contract Grants is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    uint40 internal constant FIRST = uint40(NOW + 30 days);
    uint40 internal constant SECOND = uint40(NOW + 60 days);
    uint96 internal constant SMALL = 60 ether;
    uint96 internal constant LARGE = 500 ether;
    uint96 internal constant PROVEN = 7 ether + 3;
    uint96 internal constant TOTAL = SMALL + LARGE + PROVEN;
    bytes32 internal constant DIGEST = keccak256("proposal");
    bytes32 internal constant EVIDENCE = keccak256("evidence");
    bytes32 internal constant REASON = keccak256("reason");
    /// @dev Values that the proof of milestone 2 must name at places 0 and 2.
    uint256 internal constant TARGET = 0x7A26E7;
    uint256 internal constant LEVEL = 40;

    address internal treasury = address(0x7EA5);
    address internal member = address(0x64A8D);
    address internal recipient = address(0x9EC1);
    address internal challenger = address(0xC4A1);
    address internal stranger = address(0x5724);

    IERC20 internal token;
    VerifierRouter internal router;
    Guardian internal guardian;
    OpenCirceLaunchpad internal launchpad;
    IVerifier internal verifier;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        router = VerifierRouter(_create("VerifierRouter", abi.encode(this, member, new bytes32[](0))));
        verifier = IVerifier(_create("ToyContributionVerifier", ""));
        router.register(verifier);
        guardian = Guardian(_create("Guardian", abi.encode(this, member, 365 days, router, address(1))));
        _deploy(IERC20(_create("OpenToken", abi.encode(this))));
    }

    function _deploy(IERC20 token_) internal {
        token = token_;
        launchpad = _deployLaunchpad(token_);
        token.approve(address(launchpad), type(uint256).max);
        token.transfer(challenger, 1000 ether);
        vm.prank(challenger);
        token.approve(address(launchpad), type(uint256).max);
    }

    function _deployLaunchpad(IERC20 token_) internal returns (OpenCirceLaunchpad) {
        return
            OpenCirceLaunchpad(_create("OpenCirceLaunchpad", abi.encode(token_, router, guardian, this, treasury)));
    }

    /// @dev Two milestones that evidence meets, and one that a proof meets.
    function _terms() internal view returns (OpenCirceLaunchpad.MilestoneTerms[] memory terms) {
        terms = new OpenCirceLaunchpad.MilestoneTerms[](3);
        terms[0] = _byEvidence(SMALL, FIRST);
        terms[1] = _byEvidence(LARGE, SECOND);
        terms[2] = OpenCirceLaunchpad.MilestoneTerms(PROVEN, FIRST, verifier.circuitId(), 1, 5, _fixed(TARGET, LEVEL));
    }

    function _byEvidence(uint96 amount, uint40 deadline) internal pure returns (OpenCirceLaunchpad.MilestoneTerms memory) {
        return OpenCirceLaunchpad.MilestoneTerms(amount, deadline, 0, 0, 0, 0);
    }

    /// @dev Of public signals 0 and 2.
    function _fixed(uint256 first, uint256 third) internal pure returns (bytes32) {
        bytes32 digest = keccak256(abi.encode(bytes32(0), uint256(0), first));
        return keccak256(abi.encode(digest, uint256(2), third));
    }

    function _propose(bytes32 digest) internal returns (bytes32) {
        return launchpad.propose(recipient, digest, _terms());
    }

    function _approved(bytes32 digest) internal returns (bytes32 id) {
        id = _propose(digest);
        launchpad.approve(id);
    }

    function _claim(bytes32 id, uint256 index) internal {
        vm.prank(recipient);
        launchpad.postEvidence(id, index, EVIDENCE);
    }

    function _challenge(bytes32 id, uint256 index) internal {
        vm.prank(challenger);
        launchpad.challenge(id, index, REASON);
    }

    /// @dev The id from the documentation.
    function _idOf(
        OpenCirceLaunchpad target,
        uint256 chainId,
        bytes32 digest,
        address to,
        OpenCirceLaunchpad.MilestoneTerms[] memory terms
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(chainId, target, digest, to, terms));
    }

    function _contextOf(bytes32 id, uint256 index) internal view returns (bytes32) {
        return
            keccak256(
                abi.encode(keccak256("openledger.context.milestone.v1"), uint256(31337), launchpad, id, index)
            );
    }

    function _publics(bytes32 digest) internal pure returns (uint256[] memory publics) {
        publics = new uint256[](3);
        (publics[0], publics[1], publics[2]) = (TARGET, uint256(digest) % BN254.R, LEVEL);
    }

    function _proof(bytes32 context, uint256[] memory publics) internal view returns (Proof memory) {
        return Simulator.prove(verifier, context, publics, new uint256[](0));
    }
}
