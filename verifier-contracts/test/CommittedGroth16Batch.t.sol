// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {BatchItem, IVerifier, Proof} from "../src/IVerifier.sol";
import {Simulator} from "./Simulator.sol";
import {Trapdoors} from "./vectors/Trapdoors.sol";
// Deployed by name, so that they are compiled once: see Test._create.
import "./vectors/ToyPayoutVerifier.sol";
import "./vectors/ToyScoreVerifier.sol";
import {Test} from "./Vm.sol";

/// @notice A batch accepts what its proofs are worth one by one, and nothing else.
contract CommittedGroth16BatchTest is Test {
    uint256 private constant WORDS = 2;

    IVerifier private alone;
    IVerifier private linked;
    bytes32[] private none;

    function setUp() public {
        alone = IVerifier(_create("ToyPayoutVerifier", ""));
        linked = IVerifier(_create("ToyScoreVerifier", ""));
    }

    function test_batches_of_many_sizes_pass() public view {
        for (uint256 count = 1; count <= 5; ++count) assertEq(alone.verifyBatch(_items(count), none).length, 0, "places");
    }

    function test_largest_batch_passes() public view {
        alone.verifyBatch(_items(128), none);
    }

    function test_number_of_items_is_bounded() public {
        BatchItem[] memory items = new BatchItem[](0);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BatchSize.selector, 128, 0));
        alone.verifyBatch(items, none);
        items = new BatchItem[](129);
        BatchItem memory item = _items(1)[0];
        for (uint256 i = 0; i < items.length; ++i) items[i] = item;
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BatchSize.selector, 128, 129));
        alone.verifyBatch(items, none);
    }

    function test_items_may_stand_in_any_order_and_twice() public view {
        BatchItem[] memory items = _items(3);
        (items[0], items[2]) = (items[2], items[0]);
        alone.verifyBatch(items, none);
        items[1] = items[0];
        alone.verifyBatch(items, none);
    }

    function test_proofs_made_together_pass_and_have_places() public {
        (BatchItem[] memory items, bytes32[] memory transcript) = _together(4);
        (items[0], items[3]) = (items[3], items[0]);
        uint256[] memory places = linked.verifyBatch(items, transcript);
        assertEq(places.length, 4, "places");
        assertEq(places[0], 4, "a member between the first and the second is no item");
        assertEq(places[1], 2, "second");
        assertEq(places[2], 3, "third");
        assertEq(places[3], 0, "fourth");
        transcript[3] = 0;
        vm.expectRevert(
            abi.encodeWithSelector(
                IVerifier.NotInTranscript.selector,
                linked.digest(items[2].context, items[2].publics, items[2].words, items[2].proof.commitment)
            )
        );
        linked.verifyBatch(items, transcript);
    }

    function test_a_transcript_is_bounded() public {
        (BatchItem[] memory items, ) = _together(2);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.TooManyMembers.selector, 1024, 1025));
        linked.verifyBatch(items, new bytes32[](1025));
    }

    /// Alone, each item has its own challenge; in a transcript all have one.
    function test_proofs_made_together_are_not_proofs_made_alone() public {
        (BatchItem[] memory items, bytes32[] memory transcript) = _together(3);
        _fails(linked, items, none, IVerifier.ProofRejected.selector);
        transcript[1] = bytes32(uint256(1));
        _fails(linked, items, transcript, IVerifier.ProofRejected.selector);
    }

    /// --- one thing of one item changed ---

    /// Every word of every item, by another point's word, by one bit, and by the modulus.
    function test_every_word_counts() public view {
        BatchItem[] memory items = _items(3);
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 index = 0; index < 12; ++index) {
                uint256 word = _word(items[i].proof, index);
                _setWord(items[i].proof, index, word ^ 1);
                _refused(alone, items, none);
                _setWord(items[i].proof, index, word + BN254.Q);
                _refused(alone, items, none);
                _setWord(items[i].proof, index, _word(items[(i + 1) % 3].proof, index));
                // B of simulated proofs is the same point.
                if (index < 2 || index > 5) _refused(alone, items, none);
                _setWord(items[i].proof, index, word);
            }
        }
        alone.verifyBatch(items, none);
    }

    /// What is wrong for the batch is wrong for one of its items, and the other way round.
    function testFuzz_a_batch_is_as_good_as_its_items(uint256 seed, uint256 count, uint256 at, uint8 kind) public view {
        count = 1 + (count % 4);
        at %= count;
        if (seed % 2 == 0) {
            BatchItem[] memory items = _items(count);
            _spoil(items, at, kind % 15, uint256(keccak256(abi.encode(seed))));
            _agree(alone, items, none);
        } else {
            (BatchItem[] memory items, bytes32[] memory transcript) = _together(count);
            _spoil(items, at, kind % 15, uint256(keccak256(abi.encode(seed))));
            _agree(linked, items, transcript);
        }
    }

    function test_malformed_items_revert_as_alone() public {
        BatchItem[] memory items = _items(3);
        items[2].publics = new uint256[](6);
        _failsWith(items, abi.encodeWithSelector(IVerifier.PublicCount.selector, 7, 6));
        items = _items(3);
        items[1].links = new uint256[](1);
        _failsWith(items, abi.encodeWithSelector(IVerifier.LinkCount.selector, 0, 1));
        items = _items(3);
        items[0].publics[3] += BN254.R;
        _failsWith(items, abi.encodeWithSelector(IVerifier.PublicNotInField.selector, 3, items[0].publics[3]));
        items = _items(3);
        items[2].words[1] += BN254.R;
        _failsWith(items, abi.encodeWithSelector(IVerifier.WordNotInField.selector, 1, items[2].words[1]));
        items = _items(3);
        items[1].words = new uint256[](1025);
        _failsWith(items, abi.encodeWithSelector(IVerifier.TooManyWords.selector, 1024, 1025));
        (BatchItem[] memory together, bytes32[] memory transcript) = _together(3);
        together[1].links[1] += BN254.R;
        vm.expectRevert(abi.encodeWithSelector(IVerifier.LinkNotInField.selector, 1, together[1].links[1]));
        linked.verifyBatch(together, transcript);
    }

    function test_points_off_the_curve_are_named_as_such() public {
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 index = 0; index < 12; ++index) {
                BatchItem[] memory items = _items(3);
                _setWord(items[i].proof, index, _word(items[i].proof, index) ^ 1);
                _fails(alone, items, none, IVerifier.PointInvalid.selector);
            }
        }
    }

    /// (0, 0) is the point at infinity to the precompiles. It is a point, so nothing but the equation refuses it.
    function test_infinity_proves_nothing() public {
        for (uint256 i = 0; i < 2; ++i) {
            for (uint256 point = 0; point < 6; ++point) {
                BatchItem[] memory items = _items(2);
                _setInfinity(items[i].proof, point);
                _fails(alone, items, none, IVerifier.ProofRejected.selector);
            }
        }
        BatchItem[] memory empty = _items(2);
        for (uint256 point = 0; point < 6; ++point) _setInfinity(empty[0].proof, point);
        _fails(alone, empty, none, IVerifier.ProofRejected.selector);
        empty[1] = empty[0];
        _fails(alone, empty, none, IVerifier.ProofRejected.selector);
    }

    function test_proofs_of_two_items_swapped_are_rejected() public {
        BatchItem[] memory items = _items(3);
        (items[0].proof, items[2].proof) = (items[2].proof, items[0].proof);
        _fails(alone, items, none, IVerifier.ProofRejected.selector);
    }

    /// --- errors that cancel each other ---

    /// What one item gains and the other one loses would be nothing in an even sum.
    function test_errors_of_two_items_do_not_cancel() public {
        for (uint256 point = 0; point < 4; ++point) {
            BatchItem[] memory items = _items(3);
            (uint256 first, uint256 second) = point == 3 ? (1, 2) : (0, 1 + (point % 2));
            uint256[2] memory t = Simulator.times(7);
            _shift(_point(items[first].proof, point % 3), t);
            t[1] = BN254.Q - t[1];
            _shift(_point(items[second].proof, point % 3), t);
            // D is under the challenge: another D is another statement.
            _fails(alone, items, none, IVerifier.ProofRejected.selector);
        }
    }

    /// k / delta added to C and k to P are nothing together if the two equations count the same.
    function test_errors_of_two_equations_do_not_cancel() public {
        BatchItem[] memory items = _items(2);
        uint256 deltaInverse = Trapdoors.open(alone.circuitId()).deltaInverse;
        for (uint256 i = 0; i < 2; ++i) {
            items = _items(2);
            _shift(items[i].proof.c, Simulator.times(deltaInverse));
            _shift(items[i].proof.knowledge, Simulator.times(1));
            _fails(alone, items, none, IVerifier.ProofRejected.selector);
        }
    }

    /// Who knew r_1 before the points of both proofs would let C of one lose what C of the other one gains. The seeds are those of a hash that
    /// holds no proof, only the last one, and only the first one.
    function test_points_chosen_after_the_coefficients_are_rejected() public {
        bytes32 start = _start(alone, 0);
        for (uint256 i = 0; i < 3; ++i) {
            BatchItem[] memory items = _items(2);
            bytes32[2] memory own = [_own(alone, items[0]), _own(alone, items[1])];
            // What is fixed first, then the other one for it.
            uint256 fixed_ = i == 2 ? 0 : 1;
            _shift(items[fixed_].proof.c, Simulator.times(5));
            bytes32 seed = i == 0
                ? keccak256(abi.encode(keccak256(abi.encode(start, own[0])), own[1]))
                : keccak256(abi.encode(start, own[fixed_], items[fixed_].proof));
            uint256 r = uint128(uint256(keccak256(abi.encode(seed, 1))));
            uint256 ratio = fixed_ == 1 ? r : _inverse(r);
            _shift(items[1 - fixed_].proof.c, Simulator.times(mulmod(BN254.R - 5, ratio, BN254.R)));
            _fails(alone, items, none, IVerifier.ProofRejected.selector);
        }
    }

    /// Links are not in the digest: those of two items would be traded against each other. See also the attack on one proof.
    function test_links_chosen_after_the_coefficients_are_rejected() public {
        (BatchItem[] memory items, bytes32[] memory transcript) = _together(2);
        bytes32 joint = keccak256(abi.encodePacked(keccak256("openledger.joint.v1"), transcript));
        bytes32 seed = _start(linked, joint);
        for (uint256 i = 0; i < 2; ++i) seed = keccak256(abi.encode(seed, _own(linked, items[i]), items[i].proof));
        uint256 r = uint128(uint256(keccak256(abi.encode(seed, 1))));
        items[0].links[0] = addmod(items[0].links[0], r, BN254.R);
        items[1].links[0] = addmod(items[1].links[0], BN254.R - 1, BN254.R);
        _fails(linked, items, transcript, IVerifier.ProofRejected.selector);
    }

    // --- helpers ---

    function _start(IVerifier verifier, bytes32 joint) private view returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256("openledger.coefficients.v1"),
                    block.chainid,
                    verifier,
                    verifier.circuitId(),
                    joint
                )
            );
    }

    function _own(IVerifier verifier, BatchItem memory item) private view returns (bytes32) {
        return verifier.digest(item.context, item.publics, item.words, item.proof.commitment);
    }

    /// @dev Proofs of different statements in different contexts, each made alone.
    function _items(uint256 count) private view returns (BatchItem[] memory items) {
        items = new BatchItem[](count);
        for (uint256 i = 0; i < count; ++i) {
            items[i].context = keccak256(abi.encode("context", i));
            items[i].publics = _values("public", i, 7);
            items[i].words = _values("word", i, i % 5 == 4 ? 0 : WORDS + i % 5);
            items[i].proof = Simulator.prove(alone, items[i].context, items[i].publics, items[i].words);
        }
    }

    /// @dev Pages of one transcript, which has a member more than items, after the first.
    function _together(
        uint256 count
    ) private view returns (BatchItem[] memory items, bytes32[] memory transcript) {
        items = new BatchItem[](count);
        transcript = new bytes32[](count + 1);
        transcript[1] = keccak256("another circuit's proof");
        for (uint256 i = 0; i < count; ++i) {
            items[i].context = "epoch";
            items[i].publics = _values("public", i, 3);
            items[i].links = _values("link", i, 2);
            items[i].words = _values("word", i, WORDS);
            transcript[i == 0 ? 0 : i + 1] = Simulator.digest(linked, "epoch", items[i].publics, items[i].words);
        }
        for (uint256 i = 0; i < count; ++i) {
            BatchItem memory item = items[i];
            item.proof = Simulator.prove(linked, "epoch", item.publics, item.links, item.words, transcript);
        }
    }

    function _values(string memory what, uint256 i, uint256 count) private pure returns (uint256[] memory values) {
        values = new uint256[](count);
        for (uint256 j = 0; j < count; ++j) values[j] = uint256(keccak256(abi.encode(what, i, j))) % BN254.R;
    }

    /// @dev Changes one thing of an item, most often to something that is well-formed. Nothing for kind 0.
    function _spoil(BatchItem[] memory items, uint256 at, uint256 kind, uint256 random) private view {
        BatchItem memory item = items[at];
        uint256[2] memory point = _point(item.proof, random % 4);
        if (kind == 1) item.context = bytes32(random);
        if (kind == 2) item.publics[random % item.publics.length] = random % BN254.R;
        if (kind == 3) item.publics[random % item.publics.length] += BN254.R;
        if (kind == 4 && item.words.length > 0) item.words[random % item.words.length] = random % BN254.R;
        if (kind == 5) item.words = _values("other", random, random % 4);
        if (kind == 6) item.links = _values("other", random, random % 4);
        if (kind == 7) _setWord(item.proof, random % 12, random);
        if (kind == 8) _setInfinity(item.proof, random % 6);
        if (kind == 9) (point[0], point[1]) = (Simulator.times(random)[0], Simulator.times(random)[1]);
        if (kind == 10) point[1] = BN254.Q - point[1];
        if (kind == 11) point[random % 2] += BN254.Q;
        if (kind == 12) item.proof = items[random % items.length].proof;
        if (kind == 13) items[at] = items[random % items.length];
        if (kind == 14 && item.links.length > 0) item.links[random % 2] = random % BN254.R;
    }

    function _agree(IVerifier verifier, BatchItem[] memory items, bytes32[] memory transcript) private view {
        bool good = true;
        for (uint256 i = 0; i < items.length; ++i) {
            BatchItem memory one = items[i];
            try verifier.verifyJoint(one.context, one.publics, one.links, one.words, transcript, one.proof) {} catch {
                good = false;
            }
        }
        if (!good) return _refused(verifier, items, transcript);
        verifier.verifyBatch(items, transcript);
    }

    function _refused(IVerifier verifier, BatchItem[] memory items, bytes32[] memory transcript) private view {
        try verifier.verifyBatch(items, transcript) {
            revert("accepted");
        } catch {}
    }

    function _fails(
        IVerifier verifier,
        BatchItem[] memory items,
        bytes32[] memory transcript,
        bytes4 selector
    ) private {
        vm.expectRevert(selector);
        verifier.verifyBatch(items, transcript);
    }

    function _failsWith(BatchItem[] memory items, bytes memory fault) private {
        vm.expectRevert(fault);
        alone.verifyBatch(items, none);
    }

    function _inverse(uint256 value) private view returns (uint256 result) {
        bytes memory input = abi.encode(32, 32, 32, value, BN254.R - 2, BN254.R);
        (, bytes memory output) = address(5).staticcall(input);
        result = abi.decode(output, (uint256));
    }

    /// @dev point += t
    function _shift(uint256[2] memory point, uint256[2] memory t) private view {
        require(BN254.addScaled(point, t[0], t[1], 1), "shift");
    }

    /// @dev A, C, P and D of a proof.
    function _point(Proof memory proof, uint256 index) private pure returns (uint256[2] memory) {
        if (index == 0) return proof.a;
        if (index == 1) return proof.c;
        return index == 2 ? proof.knowledge : proof.commitment;
    }

    /// @dev A, B, C, D, P; 5: A and C.
    function _setInfinity(Proof memory proof, uint256 index) private pure {
        if (index == 0 || index == 5) proof.a = [uint256(0), 0];
        if (index == 1) proof.b = [[uint256(0), 0], [uint256(0), 0]];
        if (index == 2 || index == 5) proof.c = [uint256(0), 0];
        if (index == 3) proof.commitment = [uint256(0), 0];
        if (index == 4) proof.knowledge = [uint256(0), 0];
    }

    function _word(Proof memory proof, uint256 index) private pure returns (uint256) {
        return _holder(proof, index)[index % 2];
    }

    function _setWord(Proof memory proof, uint256 index, uint256 word) private pure {
        _holder(proof, index)[index % 2] = word;
    }

    /// @dev The pair of words that holds word `index` of the twelve.
    function _holder(Proof memory proof, uint256 index) private pure returns (uint256[2] memory) {
        if (index < 2) return proof.a;
        if (index < 6) return proof.b[index / 2 - 1];
        if (index < 8) return proof.c;
        return index < 10 ? proof.commitment : proof.knowledge;
    }
}
