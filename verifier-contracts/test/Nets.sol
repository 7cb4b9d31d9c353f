// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BN254} from "../src/BN254.sol";
import {Datanets} from "../src/Datanets.sol";
import {Guardian} from "../src/Guardian.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Simulator} from "./Simulator.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles them too.
import "../src/OpenToken.sol";
import "./vectors/ToyDisputeVerifier.sol";

/// @title Datanets with the real vault, guardian, registry and router, and one helper per action
/// @notice This contract is the owner (the timelock's place). Contexts and publics are computed here from the documentation.
abstract contract Nets is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    uint96 internal constant BOND = 10 ether;
    uint32 internal constant WINDOW = 3 days;
    uint32 internal constant PERIOD = 5 days;
    uint256 internal constant DISPUTE = 21 days;
    uint32 internal constant ROWS = 1000;
    uint32 internal constant UNBONDING = 7 days;
    uint32 internal constant APPEAL = 3 days;
    bytes32 internal constant EVIDENCE = "evidence";

    address internal author = address(0xA0704);
    address internal challenger = address(0xC4A1);
    address internal rival = address(0x41FA1);
    address internal curator = address(0xC04A);
    address internal stranger = address(0x5724);
    address internal member = address(0x64A8D);
    address internal treasury = address(0x7EA5);

    IERC20 internal token;
    ProvenanceRegistry internal provenance;
    VerifierRouter internal router;
    Guardian internal guardian;
    StakeVault internal vault;
    Datanets internal datanets;
    IVerifier internal verifier;
    bytes32 internal licence;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        token = IERC20(_create("OpenToken", abi.encode(this)));
        provenance = ProvenanceRegistry(_create("ProvenanceRegistry", ""));
        router = VerifierRouter(_create("VerifierRouter", abi.encode(this, address(0), new bytes32[](0))));
        guardian = Guardian(_create("Guardian", abi.encode(this, member, 366 days, router, address(1))));
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        StakeVault.Registration[] memory services = new StakeVault.Registration[](1);
        services[0] = StakeVault.Registration(predicted, StakeVault.Terms(UNBONDING, APPEAL, 10_000, 5000));
        vault = StakeVault(_create("StakeVault", abi.encode(token, this, treasury, services)));
        datanets = Datanets(_create("Datanets", abi.encode(vault, provenance, router, guardian, this)));
        verifier = IVerifier(_create("ToyDisputeVerifier", ""));
        router.register(verifier);
        licence = provenance.register(ProvenanceRegistry.Kind.Licence, keccak256("licence"), 0);
        _stake(author, 3 * BOND);
        _stake(challenger, 3 * BOND);
        _stake(rival, 3 * BOND);
    }

    function _stake(address who, uint96 amount) internal {
        token.transfer(who, amount);
        vm.startPrank(who);
        token.approve(address(vault), amount);
        vault.deposit(address(datanets), amount);
        vm.stopPrank();
    }

    function _terms(Datanets.Mode mode) internal view returns (Datanets.Terms memory) {
        return
            Datanets.Terms(
                curator,
                BOND,
                mode,
                ROWS,
                2,
                WINDOW,
                mode == Datanets.Mode.Curated ? PERIOD : 0,
                licence,
                verifier.circuitId()
            );
    }

    function _open() internal returns (uint256) {
        return datanets.create(_terms(Datanets.Mode.Open));
    }

    function _curated() internal returns (uint256) {
        return datanets.create(_terms(Datanets.Mode.Curated));
    }

    function _record(address who, bytes32 digest) internal returns (bytes32) {
        vm.prank(who);
        return provenance.register(ProvenanceRegistry.Kind.Dataset, digest, 0);
    }

    function _recordId(address who, bytes32 digest) internal pure returns (bytes32) {
        return keccak256(abi.encode(who, ProvenanceRegistry.Kind.Dataset, digest));
    }

    /// @dev Registers the record if need be, and submits it.
    function _submit(uint256 datanet, address who, bytes32 digest) internal returns (uint256) {
        bytes32 record = _recordId(who, digest);
        if (provenance.recordOf(record).author == address(0)) _record(who, digest);
        vm.prank(who);
        return datanets.submit(datanet, record);
    }

    /// @dev A submission that is accepted now. Time passes in an open datanet.
    function _accepted(uint256 datanet, bytes32 digest) internal returns (uint256 submission) {
        submission = _submit(datanet, author, digest);
        vm.prank(curator);
        datanets.accept(submission);
    }

    function _challenge(address who, uint256 submission) internal returns (uint256) {
        vm.prank(who);
        return datanets.challenge(submission, EVIDENCE, "ipfs://evidence");
    }

    function _leave(uint256 submission) internal {
        vm.prank(author);
        datanets.startWithdrawal(submission);
    }

    function _context(uint256 submission, address who) internal view returns (bytes32) {
        bytes32 kind = keccak256("openledger.context.dispute.v1");
        return keccak256(abi.encode(kind, uint256(31337), address(datanets), submission, who));
    }

    /// @param original digest of the earlier dataset; zero for none
    function _proof(
        uint256 submission,
        address who,
        bytes32 digest,
        bytes32 original,
        uint256 rows
    ) internal view returns (Proof memory) {
        uint256[] memory publics = new uint256[](3);
        (publics[0], publics[1], publics[2]) = (uint256(digest) % BN254.R, uint256(original) % BN254.R, rows);
        return Simulator.prove(verifier, _context(submission, who), publics, new uint256[](0));
    }

    function _rows(uint256 rows) internal pure returns (uint256[] memory publics) {
        publics = new uint256[](1);
        publics[0] = rows;
    }

    function _isIn(uint256 submission, Datanets.Status expected) internal view {
        assertEq(uint256(datanets.submissionOf(submission).status), uint256(expected), "status");
    }

    function _isRuled(uint256 challenge, Datanets.Ruling expected) internal view {
        assertEq(uint256(datanets.challengeOf(challenge).ruling), uint256(expected), "ruling");
    }

    function _holds(address who, uint256 free, uint256 locked) internal view {
        StakeVault.Account memory account = vault.accountOf(address(datanets), who);
        assertEq(account.free, free, "free");
        assertEq(account.locked, locked, "locked");
    }

    function _expect(bytes memory revert_) internal {
        vm.expectRevert(revert_);
    }

    function _expectStatus(uint256 submission, Datanets.Status actual) internal {
        _expect(abi.encodeWithSelector(Datanets.WrongSubmissionStatus.selector, submission, actual));
    }
}
