// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {Simulator} from "./Simulator.sol";
import {Trapdoors} from "./vectors/Trapdoors.sol";
// Deployed by name, so that they are compiled once: see Test._create.
import "./vectors/ToyContributionVerifier.sol";
import "./vectors/ToyOptimumVerifier.sol";
import "./vectors/ToyPayoutVerifier.sol";
import "./vectors/ToyQueryVerifier.sol";
import "./vectors/ToyScoreVerifier.sol";
import {Vectors} from "./vectors/Vectors.sol";
import {Test} from "./Vm.sol";

/// @notice Each negative test changes one thing of a proof that passes.
contract CommittedGroth16Test is Test {
    IVerifier private plain;
    IVerifier private wordy;
    IVerifier private linked;

    bytes32 private context;
    uint256[] private publics;
    uint256[] private words;
    uint256[] private links;
    bytes32[] private transcript;
    Proof private proof;

    function setUp() public {
        plain = IVerifier(_create("ToyContributionVerifier", ""));
        wordy = IVerifier(_create("ToyPayoutVerifier", ""));
        linked = IVerifier(_create("ToyScoreVerifier", ""));
        (context, publics, words, proof) = Vectors.payout();
    }

    function test_vectors_of_the_typescript_prover_pass() public {
        wordy.verify(context, publics, words, proof);
        (context, publics, words, proof) = Vectors.contribution();
        plain.verify(context, publics, words, proof);
        _joint();
        assertEq(linked.verifyJoint(context, publics, links, words, transcript, proof), 1, "place");
    }

    function test_circuit_id_is_the_hash_of_statement_and_points() public view {
        bytes memory preimage = abi.encodePacked(wordy.statement(), wordy.keyPoints());
        assertEq(wordy.circuitId(), keccak256(preimage), "circuit id");
    }

    function testFuzz_simulated_proofs_pass(bytes32 context_, uint256[7] memory values, uint256 count) public view {
        uint256[] memory some = new uint256[](7);
        for (uint256 i = 0; i < 7; ++i) some[i] = values[i] % BN254.R;
        uint256[] memory list = new uint256[](count % 20);
        for (uint256 i = 0; i < list.length; ++i) list[i] = uint256(keccak256(abi.encode(values, i))) % BN254.R;
        wordy.verify(context_, some, list, Simulator.prove(wordy, context_, some, list));
        list = new uint256[](0);
        assembly ("memory-safe") {
            mstore(some, 3)
        }
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
        IVerifier query = IVerifier(_create("ToyQueryVerifier", ""));
        vm.expectRevert(IVerifier.ProofRejected.selector);
        query.verify(context, publics, words, proof);
    }

    function testFuzz_other_public_is_rejected(uint256 index, uint256 value) public {
        value %= BN254.R;
        index %= 7;
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
        proof.b = [[_key(wordy, 2), _key(wordy, 3)], [_key(wordy, 4), _key(wordy, 5)]];
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

    function test_the_field_ends_before_r() public {
        for (uint256 i = 0; i < 2; ++i) {
            publics[0] = BN254.R - i;
            words[1] = BN254.R - 1;
            if (i == 0) vm.expectRevert(abi.encodeWithSelector(IVerifier.PublicNotInField.selector, 0, BN254.R));
            else vm.expectRevert(IVerifier.ProofRejected.selector);
            wordy.verify(context, publics, words, proof);
        }
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 word = words[i];
            words[i] = BN254.R;
            vm.expectRevert(abi.encodeWithSelector(IVerifier.WordNotInField.selector, i, BN254.R));
            wordy.verify(context, publics, words, proof);
            words[i] = word;
        }
    }

    /// k / delta added to C and k to P are nothing together if the two equations of a proof count the same.
    function test_errors_of_the_two_equations_do_not_cancel() public {
        uint256[2] memory t = Simulator.times(Trapdoors.open(wordy.circuitId()).deltaInverse);
        (uint256[2] memory c, uint256[2] memory p) = (proof.c, proof.knowledge);
        require(BN254.addScaled(c, t[0], t[1], 1) && BN254.addScaled(p, 1, 2, 1));
        (proof.c, proof.knowledge) = (c, p);
        _rejects();
    }

    /// Equivalence with the sum as it is written, for every length around a round of four.
    function testFuzz_evaluation_is_the_sum(uint256 seed, uint8 extra) public view {
        for (uint256 count = 0; count < 10; ++count) {
            uint256[] memory list = new uint256[](count + (count == 9 ? extra : 0));
            for (uint256 i = 0; i < list.length; ++i) list[i] = uint256(keccak256(abi.encode(seed, i))) % BN254.R;
            wordy.verify(context, publics, list, Simulator.prove(wordy, context, publics, list));
        }
    }

    function test_word_plus_r_is_refused() public {
        words[2] += BN254.R;
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WordNotInField.selector, 2, words[2]));
        wordy.verify(context, publics, words, proof);
    }

    function test_number_of_publics_is_checked() public {
        publics.push(0);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.PublicCount.selector, 7, 8));
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

    // --- made together ---

    function test_a_circuit_with_links_is_not_verified_alone() public {
        _joint();
        vm.expectRevert(abi.encodeWithSelector(IVerifier.LinkCount.selector, 2, 0));
        linked.verify(context, publics, words, proof);
    }

    function test_number_of_links_is_checked() public {
        _joint();
        links.push(0);
        _jointFails(abi.encodeWithSelector(IVerifier.LinkCount.selector, 2, 3));
    }

    function test_link_plus_r_is_refused() public {
        _joint();
        links[1] += BN254.R;
        _jointFails(abi.encodeWithSelector(IVerifier.LinkNotInField.selector, 1, links[1]));
    }

    function testFuzz_other_link_is_rejected(uint256 index, uint256 value) public {
        _joint();
        value %= BN254.R;
        index %= 2;
        vm.assume(value != links[index]);
        links[index] = value;
        _jointFails(abi.encodeWithSelector(IVerifier.ProofRejected.selector));
    }

    /// The challenge follows from all members: with another one beside it, or another order, a proof is another one's.
    function test_another_transcript_is_rejected() public {
        _joint();
        uint256 clean = vm.snapshotState();
        transcript[0] = keccak256("another member");
        _jointFails(abi.encodeWithSelector(IVerifier.ProofRejected.selector));
        vm.revertToState(clean);
        (transcript[0], transcript[2]) = (transcript[2], transcript[0]);
        _jointFails(abi.encodeWithSelector(IVerifier.ProofRejected.selector));
        vm.revertToState(clean);
        transcript.pop();
        _jointFails(abi.encodeWithSelector(IVerifier.ProofRejected.selector));
        vm.revertToState(clean);
        delete transcript;
        _jointFails(abi.encodeWithSelector(IVerifier.ProofRejected.selector));
    }

    /// What the proof fixes must be in the transcript, or the prover could choose it after the challenge.
    function test_own_digest_must_be_in_the_transcript() public {
        _joint();
        bytes32 own = transcript[1];
        uint256 clean = vm.snapshotState();
        transcript[1] = keccak256("another member");
        _jointFails(abi.encodeWithSelector(IVerifier.NotInTranscript.selector, own));
        vm.revertToState(clean);
        words[0] += 1;
        own = linked.digest(context, publics, words, proof.commitment);
        _jointFails(abi.encodeWithSelector(IVerifier.NotInTranscript.selector, own));
        vm.revertToState(clean);
        publics[2] += 1;
        own = linked.digest(context, publics, words, proof.commitment);
        _jointFails(abi.encodeWithSelector(IVerifier.NotInTranscript.selector, own));
        vm.revertToState(clean);
        proof.commitment = Simulator.times(42);
        own = linked.digest(context, publics, words, proof.commitment);
        _jointFails(abi.encodeWithSelector(IVerifier.NotInTranscript.selector, own));
        vm.revertToState(clean);
        context = keccak256("another context");
        own = linked.digest(context, publics, words, proof.commitment);
        _jointFails(abi.encodeWithSelector(IVerifier.NotInTranscript.selector, own));
    }

    /// Who knows rho before choosing a link adds k IC_link to P and rho k to the link: what the two equations lose and gain is the same.
    /// So rho must follow from the links. The attack is made against each rho that does not.
    function test_a_link_chosen_after_the_combiner_is_rejected() public {
        _joint();
        uint256 k = 42;
        uint256 point = 18 + 2 * (1 + publics.length);
        uint256[2] memory forged = proof.knowledge;
        require(BN254.addScaled(forged, _key(linked, point), _key(linked, point + 1), k));
        proof.knowledge = forged;
        bytes32 own = linked.digest(context, publics, words, proof.commitment);
        bytes32 joint = keccak256(abi.encodePacked(keccak256("openledger.joint.v1"), transcript));
        bytes32 seed = keccak256(
            abi.encode(keccak256("openledger.coefficients.v1"), block.chainid, linked, linked.circuitId(), joint)
        );
        bytes32[2] memory unbound = [
            keccak256(abi.encode(uint256(joint) % BN254.R, proof)),
            keccak256(abi.encode(seed, own, proof))
        ];
        uint256 honest = links[0];
        for (uint256 i = 0; i < unbound.length; ++i) {
            links[0] = addmod(honest, mulmod(k, uint128(uint256(unbound[i])), BN254.R), BN254.R);
            _jointFails(abi.encodeWithSelector(IVerifier.ProofRejected.selector));
        }
    }

    function test_number_of_members_is_capped() public {
        IVerifier optimum = IVerifier(_create("ToyOptimumVerifier", ""));
        uint256[] memory values = new uint256[](3);
        uint256[] memory link = new uint256[](1);
        uint256[] memory none = new uint256[](0);
        bytes32[] memory members = new bytes32[](1024);
        members[1023] = Simulator.digest(optimum, context, values, none);
        Proof memory made = Simulator.prove(optimum, context, values, link, none, members);
        assertEq(optimum.verifyJoint(context, values, link, none, members, made), 1023, "place");
        members = new bytes32[](1025);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.TooManyMembers.selector, 1024, 1025));
        optimum.verifyJoint(context, values, link, none, members, made);
    }

    function test_an_empty_transcript_means_alone() public view {
        bytes32[] memory alone = new bytes32[](0);
        wordy.verifyJoint(context, publics, new uint256[](0), words, alone, proof);
        uint256[] memory values = new uint256[](3);
        uint256[] memory some = new uint256[](2);
        Proof memory made = Simulator.prove(linked, context, values, some, some, alone);
        linked.verifyJoint(context, values, some, some, alone, made);
    }

    function _joint() private {
        (context, publics, links, words, transcript, proof) = Vectors.score();
    }

    function _jointFails(bytes memory fault) private {
        vm.expectRevert(fault);
        linked.verifyJoint(context, publics, links, words, transcript, proof);
    }

    function _key(IVerifier verifier, uint256 index) private view returns (uint256 word) {
        bytes memory points = verifier.keyPoints();
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
