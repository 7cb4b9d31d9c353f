// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {BN254} from "../src/BN254.sol";
import {CommittedGroth16} from "../src/CommittedGroth16.sol";
import {Statement} from "../src/Epochs.sol";
import {BatchItem, IVerifier, Proof} from "../src/IVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {House} from "./House.sol";
import {Simulator} from "./Simulator.sol";
import {ToyContributionVerifier} from "./vectors/ToyContributionVerifier.sol";

/// @notice A true verifier of any key: the points are data, so that tests can spoil them.
contract AnyVerifier is CommittedGroth16 {
    bytes internal points;
    bool public development;
    uint256 internal publics;

    constructor(bytes memory points_, uint256 publics_, bool development_) {
        points = points_;
        publics = publics_;
        development = development_;
    }

    function circuitId() public view virtual override returns (bytes32) {
        return keccak256(abi.encodePacked("any", points));
    }

    function statement() external pure returns (string memory) {
        return "any";
    }

    function publicCount() public view override returns (uint256) {
        return publics;
    }

    function linkCount() public pure override returns (uint256) {
        return 0;
    }

    function hasWords() public pure override returns (bool) {
        return false;
    }

    function keyPoints() public view virtual override returns (bytes memory) {
        return points;
    }
}

/// @notice Declares good points and verifies with delta = gamma: what a snarkjs key without contributions does.
contract LyingVerifier is AnyVerifier {
    constructor(bytes memory points_) AnyVerifier(points_, 3, false) {}

    function keyPoints() public view override returns (bytes memory result) {
        result = points;
        if (msg.sig != IVerifier.verifyJoint.selector) return result;
        for (uint256 i = 0; i < 128; ++i) result[320 + i] = result[192 + i];
    }
}

/// @notice Binds D neither in the challenge nor by the knowledge check: accepts D = -vk_x. Everything else is a good verifier's.
contract UnboundShell {
    AnyVerifier private immutable inner;

    constructor(bytes memory points) {
        inner = new AnyVerifier(points, 3, false);
    }

    function challenge(bytes32, uint256[] calldata, uint256[] calldata, uint256[2] calldata) external pure returns (uint256) {
        return 7;
    }

    function verifyJoint(
        bytes32,
        uint256[] calldata,
        uint256[] calldata,
        uint256[] calldata,
        bytes32[] calldata,
        Proof calldata proof
    ) external view returns (uint256) {
        bytes memory key = inner.keyPoints();
        uint256 last = key.length / 32 - 2;
        uint256[2] memory x = [_word(key, 18), _word(key, 19)];
        require(BN254.addScaled(x, _word(key, last), _word(key, last + 1), 7));
        require(BN254.addScaled(x, proof.commitment[0], proof.commitment[1], 1));
        require(x[0] == 0 && x[1] == 0);
        return 0;
    }

    fallback(bytes calldata input) external returns (bytes memory) {
        (, bytes memory output) = address(inner).staticcall(input);
        return output;
    }

    function _word(bytes memory key, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(key, 0x20), shl(5, index)))
        }
    }
}

/// @notice Names itself otherwise than its key does.
contract WrongId is AnyVerifier {
    constructor(bytes memory points_) AnyVerifier(points_, 3, false) {}

    function circuitId() public pure override returns (bytes32) {
        return "wrong";
    }
}

contract VerifierRouterTest is House {
    uint256 private constant GAMMA = 6;
    uint256 private constant DELTA = 10;
    uint256 private constant SIGMA = 14;

    function test_registered_routes_verify() public view {
        uint256[] memory publics = _list([uint256(1), 2, 3]);
        uint256[] memory words = new uint256[](0);
        bytes32 id = verifiers[0].circuitId();
        assertEq(address(router.verifierOf(id)), address(verifiers[0]), "route");
        router.verify(id, "c", publics, words, Simulator.prove(verifiers[0], "c", publics, words));
    }

    function test_proofs_made_together_pass_through() public view {
        IVerifier verifier = verifiers[uint256(Statement.Score)];
        uint256[] memory publics = _list([uint256(1), 2, 3]);
        uint256[] memory links = _list([uint256(5), 6]);
        uint256[] memory words = new uint256[](2);
        bytes32[] memory transcript = new bytes32[](2);
        transcript[1] = Simulator.digest(verifier, "c", publics, words);
        Proof memory proof = Simulator.prove(verifier, "c", publics, links, words, transcript);
        uint256 place = router.verifyJoint(verifier.circuitId(), "c", publics, links, words, transcript, proof);
        assertEq(place, 1, "place");
    }

    function test_batches_pass_through() public {
        (bytes32 id, BatchItem[] memory items, bytes32[] memory transcript) = _pages();
        uint256[] memory places = router.verifyBatch(id, items, transcript);
        assertEq(places.length, 2, "places");
        assertEq(places[1], 1, "place");
        items[1].publics[0] = 7;
        vm.expectRevert();
        router.verifyBatch(id, items, transcript);
    }

    /// A tombstone lets nothing through, whatever was good before.
    function test_a_stopped_route_verifies_nothing() public {
        (bytes32 id, BatchItem[] memory items, bytes32[] memory transcript) = _pages();
        BatchItem memory item = items[0];
        router.stop(id);
        bytes memory fault = abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, id);
        vm.expectRevert(fault);
        router.verifyBatch(id, items, transcript);
        vm.expectRevert(fault);
        router.verifyJoint(id, item.context, item.publics, item.links, item.words, transcript, item.proof);
        vm.expectRevert(fault);
        router.verify(id, item.context, item.publics, item.words, item.proof);
        vm.expectRevert(fault);
        router.stopByProof(id, item.links, item.words, item.proof);
        assertEq(address(router.routeOf(id).verifier), address(verifiers[uint256(Statement.Score)]), "still named");
    }

    function test_events_tell_all_of_it() public {
        IVerifier verifier = IVerifier(address(new AnyVerifier(_points(), 3, false)));
        bytes32 id = verifier.circuitId();
        vm.expectEmit();
        emit VerifierRouter.VerifierRegistered(id, address(verifier), "any", false);
        assertEq(router.register(verifier), id, "id");
        vm.expectEmit();
        emit VerifierRouter.VerifierStopped(id, address(this), false);
        router.stop(id);
        vm.expectEmit();
        emit VerifierRouter.GuardianChanged(stranger);
        router.setGuardian(stranger);
        id = verifiers[0].circuitId();
        bytes32 context = router.IMPOSSIBLE();
        uint256[] memory none = new uint256[](0);
        Proof memory proof = Simulator.prove(verifiers[0], context, new uint256[](3), none);
        vm.expectEmit();
        emit VerifierRouter.VerifierStopped(id, address(this), true);
        router.stopByProof(id, none, none, proof);
    }

    function test_only_the_owner_names_the_guardian() public {
        assertEq(router.guardian(), guardian, "named at the start");
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, guardian));
        router.setGuardian(guardian);
    }

    function test_unknown_circuit() public {
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CircuitUnknown.selector, bytes32("x")));
        router.verifierOf("x");
    }

    function test_only_the_owner_registers() public {
        IVerifier verifier = IVerifier(address(new AnyVerifier(_points(), 3, false)));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger));
        router.register(verifier);
        router.register(verifier);
    }

    function test_routes_are_never_pointed_elsewhere() public {
        IVerifier copy = new ToyContributionVerifier();
        bytes32 id = copy.circuitId();
        bytes memory taken = abi.encodeWithSelector(VerifierRouter.CircuitTaken.selector, id, address(verifiers[0]));
        vm.expectRevert(taken);
        router.register(copy);

        vm.prank(guardian);
        router.stop(id);
        vm.expectRevert(taken);
        router.register(copy);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, id));
        router.verifierOf(id);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, id));
        router.stop(id);
    }

    function test_only_guardian_and_owner_stop() public {
        bytes32 id = verifiers[0].circuitId();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.NotGuardian.selector, stranger));
        router.stop(id);
        router.stop(id);
        router.setGuardian(stranger);
        id = verifiers[1].circuitId();
        vm.prank(stranger);
        router.stop(id);
    }

    function test_anybody_stops_with_the_impossible_proof() public {
        IVerifier verifier = verifiers[uint256(Statement.Score)];
        uint256[] memory words = new uint256[](2);
        uint256[] memory links = _list([uint256(5), 6]);
        bytes32[] memory alone = new bytes32[](0);
        bytes32 id = verifier.circuitId();
        bytes32 context = router.IMPOSSIBLE();
        Proof memory possible = Simulator.prove(verifier, "c", new uint256[](3), links, words, alone);
        Proof memory impossible_ = Simulator.prove(verifier, context, new uint256[](3), links, words, alone);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        router.stopByProof(id, links, words, possible);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.LinkCount.selector, 2, 0));
        router.stopByProof(id, new uint256[](0), words, impossible_);
        vm.prank(stranger);
        router.stopByProof(id, links, words, impossible_);
        assertEq(uint256(router.routeOf(id).status), uint256(VerifierRouter.Status.Stopped), "status");
    }

    function test_development_keys_stay_on_the_test_chain() public {
        IVerifier verifier = IVerifier(address(new AnyVerifier(_points(), 3, true)));
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.DevelopmentKey.selector, verifier.circuitId(), 1));
        router.register(verifier);
        vm.chainId(31337);
        router.register(verifier);
    }

    function test_real_keys_may_go_anywhere() public {
        vm.chainId(1);
        router.register(IVerifier(address(new AnyVerifier(_points(), 3, false))));
    }

    function test_gamma_must_be_the_generator() public {
        bytes memory points = _points();
        _copy(points, DELTA, GAMMA);
        _refused(points, 3, VerifierRouter.KeyFault.Gamma);
    }

    function test_delta_must_not_be_gamma() public {
        bytes memory points = _points();
        _copy(points, GAMMA, DELTA);
        _refused(points, 3, VerifierRouter.KeyFault.DeltaIsGamma);
    }

    function test_sigma_must_not_be_the_generator() public {
        bytes memory points = _points();
        _copy(points, GAMMA, SIGMA);
        _refused(points, 3, VerifierRouter.KeyFault.SigmaIsGenerator);
    }

    function test_sigma_must_not_be_delta() public {
        bytes memory points = _points();
        _copy(points, DELTA, SIGMA);
        _refused(points, 3, VerifierRouter.KeyFault.SigmaIsDelta);
    }

    function test_infinity_is_refused() public {
        bytes memory points = _points();
        for (uint256 i = 0; i < 128; ++i) points[32 * SIGMA + i] = 0;
        _refused(points, 3, VerifierRouter.KeyFault.Infinity);
        points = _points();
        for (uint256 i = 0; i < 128; ++i) points[32 * DELTA + i] = 0;
        _refused(points, 3, VerifierRouter.KeyFault.Infinity);
    }

    function test_number_of_points_is_checked() public {
        _refused(_points(), 2, VerifierRouter.KeyFault.Length);
        _refused(verifiers[uint256(Statement.Optimum)].keyPoints(), 3, VerifierRouter.KeyFault.Length);
        _refused(_points(), 0, VerifierRouter.KeyFault.NoPublics);
    }

    function test_points_must_be_on_the_curve() public {
        bytes memory points = _points();
        points[points.length - 1] ^= 0x01;
        _refused(points, 3, VerifierRouter.KeyFault.PointInvalid);
    }

    function test_canary_of_publics_that_do_not_count() public {
        bytes memory points = _points();
        for (uint256 i = 18 * 32; i < points.length; ++i) points[i] = 0;
        _canary(address(new AnyVerifier(points, 3, false)), 0);
    }

    function test_canary_of_delta_equal_gamma() public {
        _canary(address(new LyingVerifier(_points())), 1);
    }

    function test_canary_of_an_unbound_commitment() public {
        _canary(address(new UnboundShell(_points())), 2);
    }

    function test_circuit_id_must_hash_the_points() public {
        WrongId wrong = new WrongId(_points());
        bytes32 id = wrong.circuitId();
        vm.expectRevert(
            abi.encodeWithSelector(VerifierRouter.KeyRefused.selector, id, VerifierRouter.KeyFault.CircuitId)
        );
        router.register(IVerifier(address(wrong)));
    }

    /// @dev Two pages made together.
    function _pages() private view returns (bytes32 id, BatchItem[] memory items, bytes32[] memory transcript) {
        IVerifier verifier = verifiers[uint256(Statement.Score)];
        items = new BatchItem[](2);
        transcript = new bytes32[](2);
        for (uint256 i = 0; i < 2; ++i) {
            items[i] = BatchItem("c", _list([i, 2, 3]), _list([uint256(5), 6]), new uint256[](2), items[i].proof);
            transcript[i] = Simulator.digest(verifier, "c", items[i].publics, items[i].words);
        }
        for (uint256 i = 0; i < 2; ++i) {
            items[i].proof = Simulator.prove(verifier, "c", items[i].publics, items[i].links, items[i].words, transcript);
        }
        id = verifier.circuitId();
    }

    function _points() private view returns (bytes memory) {
        return verifiers[0].keyPoints();
    }

    function _copy(bytes memory points, uint256 from, uint256 to) private pure {
        for (uint256 i = 0; i < 128; ++i) points[32 * to + i] = points[32 * from + i];
    }

    function _refused(bytes memory points, uint256 publics, VerifierRouter.KeyFault fault) private {
        IVerifier verifier = IVerifier(address(new AnyVerifier(points, publics, false)));
        bytes32 id = verifier.circuitId();
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.KeyRefused.selector, id, fault));
        router.register(verifier);
    }

    function _canary(address verifier, uint256 canary) private {
        bytes32 id = IVerifier(verifier).circuitId();
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CanaryAccepted.selector, id, canary));
        router.register(IVerifier(verifier));
    }
}
