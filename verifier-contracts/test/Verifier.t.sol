// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {Simulator} from "./Simulator.sol";
import {ToyContributionVerifier} from "./vectors/ToyContributionVerifier.sol";
import {ToyPayoutVerifier} from "./vectors/ToyPayoutVerifier.sol";
import {Vectors} from "./vectors/Vectors.sol";
import {Test} from "./Vm.sol";

/// @notice Each negative test changes one thing of a proof that passes.
contract VerifierTest is Test {
    IVerifier private plain;
    IVerifier private wordy;

    bytes32 private context;
    uint256[] private publics;
    uint256[] private words;
    Proof private proof;

    function setUp() public {
        plain = new ToyContributionVerifier();
        wordy = new ToyPayoutVerifier();
        (context, publics, words, proof) = Vectors.payout();
    }

    function test_vectors_of_the_typescript_prover_pass() public {
        wordy.verify(context, publics, words, proof);
        (context, publics, words, proof) = Vectors.contribution();
        plain.verify(context, publics, words, proof);
    }

    function test_circuit_id_is_the_hash_of_statement_and_points() public view {
        bytes memory preimage = abi.encodePacked(wordy.statement(), wordy.keyPoints());
        assertEq(wordy.circuitId(), keccak256(preimage), "circuit id");
    }

    function testFuzz_simulated_proofs_pass(bytes32 context_, uint256[3] memory values, uint256 count) public view {
        uint256[] memory some = new uint256[](3);
        for (uint256 i = 0; i < 3; ++i) some[i] = values[i] % BN254.R;
        uint256[] memory list = new uint256[](count % 20);
        for (uint256 i = 0; i < list.length; ++i) list[i] = uint256(keccak256(abi.encode(values, i))) % BN254.R;
        wordy.verify(context_, some, list, Simulator.prove(wordy, context_, some, list));
        list = new uint256[](0);
        plain.verify(context_, some, list, Simulator.prove(plain, context_, some, list));
    }

    function test_longest_word_list_passes() public view {
        uint256[] memory list = new uint256[](1024);
        for (uint256 i = 0; i < list.length; ++i) list[i] = i;
        wordy.verify(context, publics, list, Simulator.prove(wordy, context, publics, list));
    }

    function test_zero_words_change_the_challenge() public {
        words.push(0);
        _rejects();
    }

    function test_other_context_is_rejected() public {
        context = keccak256("another context");
        _rejects();
    }

    function test_other_circuit_is_rejected() public {
        (context, publics, words, proof) = Vectors.contribution();
        vm.expectRevert(IVerifier.ProofRejected.selector);
        wordy.verify(context, publics, words, proof);
    }

    function testFuzz_other_public_is_rejected(uint256 index, uint256 value) public {
        value %= BN254.R;
        index %= 3;
        vm.assume(value != publics[index]);
        publics[index] = value;
        _rejects();
    }

    function testFuzz_other_word_is_rejected(uint256 index, uint256 value) public {
        value %= BN254.R;
        index %= 4;
        vm.assume(value != words[index]);
        words[index] = value;
        _rejects();
    }

    function test_other_order_of_words_is_rejected() public {
        (words[1], words[2]) = (words[2], words[1]);
        _rejects();
    }

    function test_other_points_are_rejected() public {
        uint256[2] memory other = Simulator.times(42);
        uint256 clean = vm.snapshotState();
        proof.a = other;
        _rejects();
        vm.revertToState(clean);
        proof.c = other;
        _rejects();
        vm.revertToState(clean);
        proof.commitment = other;
        _rejects();
        vm.revertToState(clean);
        proof.knowledge = other;
        _rejects();
        vm.revertToState(clean);
        proof.b = [[wordyKey(2), wordyKey(3)], [wordyKey(4), wordyKey(5)]];
        _rejects();
    }

    function test_points_off_the_curve_are_rejected() public {
        uint256 clean = vm.snapshotState();
        proof.a[0] ^= 1;
        _offCurve();
        vm.revertToState(clean);
        proof.b[1][1] ^= 1;
        _offCurve();
        vm.revertToState(clean);
        proof.c[1] ^= 1;
        _offCurve();
        vm.revertToState(clean);
        proof.commitment[0] ^= 1;
        _offCurve();
        vm.revertToState(clean);
        proof.knowledge[1] ^= 1;
        _offCurve();
    }

    function test_coordinates_must_be_reduced() public {
        uint256 clean = vm.snapshotState();
        proof.a[1] += BN254.Q;
        _offCurve();
        vm.revertToState(clean);
        proof.c[0] += BN254.Q;
        _offCurve();
        vm.revertToState(clean);
        // (0, Q) would read as infinity once A is negated
        proof.a = [0, BN254.Q];
        _offCurve();
    }

    function test_public_plus_r_is_refused() public {
        publics[1] += BN254.R;
        vm.expectRevert(abi.encodeWithSelector(IVerifier.PublicNotInField.selector, 1, publics[1]));
        wordy.verify(context, publics, words, proof);
    }

    function test_word_plus_r_is_refused() public {
        words[2] += BN254.R;
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WordNotInField.selector, 2, words[2]));
        wordy.verify(context, publics, words, proof);
    }

    function test_number_of_publics_is_checked() public {
        publics.push(0);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.PublicCount.selector, 3, 4));
        wordy.verify(context, publics, words, proof);
    }

    function test_words_need_a_circuit_with_words() public {
        (context, publics, words, proof) = Vectors.contribution();
        words.push(0);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WordsNotAccepted.selector, 1));
        plain.verify(context, publics, words, proof);
    }

    function test_number_of_words_is_capped() public {
        words = new uint256[](1025);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.TooManyWords.selector, 1024, 1025));
        wordy.verify(context, publics, words, proof);
    }

    function wordyKey(uint256 index) private view returns (uint256 word) {
        bytes memory points = wordy.keyPoints();
        assembly ("memory-safe") {
            word := mload(add(add(points, 0x20), shl(5, index)))
        }
    }

    function _rejects() private {
        vm.expectRevert(IVerifier.ProofRejected.selector);
        wordy.verify(context, publics, words, proof);
    }

    function _offCurve() private {
        vm.expectRevert(IVerifier.PointInvalid.selector);
        wordy.verify(context, publics, words, proof);
    }
}
