// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {PlainGroth16, PlainProof} from "../src/PlainGroth16.sol";
import {Simulator} from "./Simulator.sol";
import {Trapdoors} from "./vectors/Trapdoors.sol";
// Deployed by name, so that they are compiled once: see Test._create.
import "./vectors/ToyPlainVerifier.sol";
import "./vectors/ToyPlainListVerifier.sol";
import "./vectors/ToyPlainManyVerifier.sol";
import {Test} from "./Vm.sol";

/// @notice What is written out for one public signal.
interface IOne {
    function verify(uint256[1] calldata publics, uint256[2] calldata a, uint256[2][2] calldata b, uint256[2] calldata c) external view;
}

/// @notice What is written out for three.
interface IThree {
    function verify(uint256[3] calldata publics, uint256[2] calldata a, uint256[2][2] calldata b, uint256[2] calldata c) external view;
}

/// @notice Too many to be written out.
interface IList {
    function verify(uint256[25] calldata publics, uint256[2] calldata a, uint256[2][2] calldata b, uint256[2] calldata c) external view;
}

contract PlainGroth16Test is Test {
    PlainGroth16 private one;
    PlainGroth16 private three;

    function setUp() public {
        one = PlainGroth16(_create("ToyPlainVerifier", ""));
        three = PlainGroth16(_create("ToyPlainManyVerifier", ""));
    }

    function testFuzz_good_proofs_pass(uint256[3] memory values, uint256 salt) public view {
        uint256[] memory publics = new uint256[](3);
        for (uint256 i = 0; i < 3; ++i) publics[i] = values[i] % BN254.R;
        _verify(three, publics, Simulator.provePlain(three, publics, salt));
        assembly ("memory-safe") {
            mstore(publics, 1)
        }
        _verify(one, publics, Simulator.provePlain(one, publics, salt));
    }

    function test_edges_of_public_signals_pass() public view {
        uint256[] memory publics = new uint256[](3);
        _verify(three, publics, Simulator.provePlain(three, publics, 1));
        publics[1] = BN254.R - 1;
        publics[2] = 1;
        _verify(three, publics, Simulator.provePlain(three, publics, 1));
    }

    function test_a_list_of_public_signals() public {
        PlainGroth16 list = PlainGroth16(_create("ToyPlainListVerifier", ""));
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(list, 2);
        publics[7] = 0;
        proofs[0] = Simulator.provePlain(list, _slice(publics, 0, 25), 1);
        list.verifyBatch(publics, proofs);
        uint256[25] memory values;
        for (uint256 i = 0; i < 25; ++i) values[i] = publics[i];
        PlainProof memory proof = proofs[0];
        IList(address(list)).verify(values, proof.a, proof.b, proof.c);
        for (uint256 i = 0; i < 25; ++i) {
            uint256 value = values[i];
            values[i] = value + BN254.R;
            vm.expectRevert(abi.encodeWithSelector(PlainGroth16.PublicNotInField.selector, i, values[i]));
            IList(address(list)).verify(values, proof.a, proof.b, proof.c);
            values[i] = addmod(value, 1, BN254.R);
            vm.expectRevert(PlainGroth16.ProofRejected.selector);
            IList(address(list)).verify(values, proof.a, proof.b, proof.c);
            values[i] = value;
        }
        proof.a[1] += BN254.Q;
        vm.expectRevert(PlainGroth16.PointInvalid.selector);
        IList(address(list)).verify(values, proof.a, proof.b, proof.c);
    }

    function test_public_count_and_key() public view {
        assertEq(one.publicCount(), 1, "one");
        assertEq(three.publicCount(), 3, "three");
        assertTrue(one.keyDigest() != three.keyDigest(), "keys");
    }

    function test_batches_of_many_sizes_pass() public view {
        for (uint256 count = 1; count <= 5; ++count) {
            (uint256[] memory publics, PlainProof[] memory proofs) = _batch(three, count);
            three.verifyBatch(publics, proofs);
            (publics, proofs) = _batch(one, count);
            one.verifyBatch(publics, proofs);
        }
    }

    function test_largest_batch_passes() public view {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 128);
        one.verifyBatch(publics, proofs);
    }

    function test_number_of_proofs_is_bounded() public {
        uint256[] memory publics = new uint256[](0);
        PlainProof[] memory proofs = new PlainProof[](0);
        vm.expectRevert(abi.encodeWithSelector(PlainGroth16.BatchSize.selector, 128, 0));
        one.verifyBatch(publics, proofs);
        (publics, proofs) = _batch(one, 129);
        vm.expectRevert(abi.encodeWithSelector(PlainGroth16.BatchSize.selector, 128, 129));
        one.verifyBatch(publics, proofs);
    }

    function test_number_of_publics_is_checked() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(three, 2);
        uint256[] memory fewer = new uint256[](5);
        for (uint256 i = 0; i < 5; ++i) fewer[i] = publics[i];
        vm.expectRevert(abi.encodeWithSelector(PlainGroth16.PublicCount.selector, 6, 5));
        three.verifyBatch(fewer, proofs);
    }

    function test_public_plus_r_is_refused() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(three, 2);
        publics[4] += BN254.R;
        vm.expectRevert(abi.encodeWithSelector(PlainGroth16.PublicNotInField.selector, 4, publics[4]));
        three.verifyBatch(publics, proofs);
        uint256[] memory first = _slice(publics, 0, 3);
        for (uint256 i = 0; i < 3; ++i) {
            first[i] += BN254.R;
            vm.expectRevert(abi.encodeWithSelector(PlainGroth16.PublicNotInField.selector, i, first[i]));
            this.check(three, first, proofs[0]);
            first[i] -= BN254.R;
        }
        this.check(three, first, proofs[0]);
    }

    function test_the_field_ends_before_r() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 2);
        for (uint256 i = 0; i < 2; ++i) {
            uint256 value = publics[i];
            publics[i] = BN254.R;
            vm.expectRevert(abi.encodeWithSelector(PlainGroth16.PublicNotInField.selector, i, BN254.R));
            one.verifyBatch(publics, proofs);
            publics[i] = BN254.R - 1;
            vm.expectRevert(PlainGroth16.ProofRejected.selector);
            one.verifyBatch(publics, proofs);
            publics[i] = value;
        }
        uint256[] memory first = _slice(publics, 0, 1);
        first[0] = BN254.R;
        vm.expectRevert(abi.encodeWithSelector(PlainGroth16.PublicNotInField.selector, 0, BN254.R));
        this.check(one, first, proofs[0]);
    }

    /// r is 0 to the precompiles: a proof for 0 would pass for r too.
    function test_r_is_not_zero() public {
        for (uint256 i = 0; i < 2; ++i) {
            (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 2);
            publics[i] = 0;
            proofs[i] = Simulator.provePlain(one, _slice(publics, i, 1), 1);
            one.verifyBatch(publics, proofs);
            publics[i] = BN254.R;
            vm.expectRevert(abi.encodeWithSelector(PlainGroth16.PublicNotInField.selector, i, BN254.R));
            one.verifyBatch(publics, proofs);
            uint256[] memory alias_ = _slice(publics, i, 1);
            vm.expectRevert(abi.encodeWithSelector(PlainGroth16.PublicNotInField.selector, 0, BN254.R));
            this.check(one, alias_, proofs[i]);
        }
    }

    /// What is wrong for the batch is wrong for one of its proofs, and the other way round.
    function testFuzz_a_batch_is_as_good_as_its_proofs(uint256 seed, uint256 count, uint256 at, uint8 kind) public view {
        count = 1 + (count % 4);
        at %= count;
        PlainGroth16 verifier = seed % 2 == 0 ? one : three;
        uint256 each = verifier.publicCount();
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(verifier, count);
        _spoil(publics, proofs, at, each, kind % 11, uint256(keccak256(abi.encode(seed))));
        bool good = true;
        for (uint256 i = 0; i < count; ++i) {
            try this.check(verifier, _slice(publics, each * i, each), proofs[i]) {} catch {
                good = false;
            }
        }
        if (good) verifier.verifyBatch(publics, proofs);
        else _refused(verifier, publics, proofs);
    }

    /// Every word of every proof, alone and in a batch, by one bit and by the modulus.
    function test_every_word_counts() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 3);
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 index = 0; index < 8; ++index) {
                uint256[2] memory holder = _holder(proofs[i], index);
                uint256 word = holder[index % 2];
                for (uint256 change = 0; change < 2; ++change) {
                    holder[index % 2] = change == 0 ? word ^ 1 : word + BN254.Q;
                    vm.expectRevert(PlainGroth16.PointInvalid.selector);
                    one.verifyBatch(publics, proofs);
                    vm.expectRevert(PlainGroth16.PointInvalid.selector);
                    this.check(one, _slice(publics, i, 1), proofs[i]);
                }
                holder[index % 2] = word;
            }
        }
        one.verifyBatch(publics, proofs);
    }

    /// (0, Q) would read as infinity once A is negated.
    function test_infinity_is_written_one_way() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 2);
        proofs[0].a = [0, BN254.Q];
        vm.expectRevert(PlainGroth16.PointInvalid.selector);
        one.verifyBatch(publics, proofs);
        vm.expectRevert(PlainGroth16.PointInvalid.selector);
        this.check(one, _slice(publics, 0, 1), proofs[0]);
        proofs[0].a = [uint256(0), 0];
        _rejected(publics, proofs);
    }

    function test_infinity_proves_nothing() public {
        for (uint256 point = 0; point < 4; ++point) {
            (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 2);
            if (point % 3 == 0) proofs[0].a = [uint256(0), 0];
            if (point == 1) proofs[0].b = [[uint256(0), 0], [uint256(0), 0]];
            if (point >= 2) proofs[0].c = [uint256(0), 0];
            _rejected(publics, proofs);
        }
    }

    function test_other_points_are_rejected() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 2);
        uint256[2] memory point = proofs[0].a;
        proofs[0].a = Simulator.times(42);
        _rejected(publics, proofs);
        proofs[0].a = point;
        proofs[0].c = Simulator.times(42);
        _rejected(publics, proofs);
    }

    function test_other_publics_are_rejected() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 2);
        publics[0] = addmod(publics[0], 1, BN254.R);
        _rejected(publics, proofs);
    }

    function test_a_proof_of_another_key_is_rejected() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(three, 1);
        uint256[] memory first = _slice(publics, 0, 1);
        vm.expectRevert(PlainGroth16.ProofRejected.selector);
        one.verifyBatch(first, proofs);
    }

    function test_proofs_swapped_are_rejected() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 3);
        (proofs[0], proofs[2]) = (proofs[2], proofs[0]);
        vm.expectRevert(PlainGroth16.ProofRejected.selector);
        one.verifyBatch(publics, proofs);
        (publics[0], publics[2]) = (publics[2], publics[0]);
        one.verifyBatch(publics, proofs);
    }

    /// What one proof gains and the other one loses would be nothing in an even sum.
    function test_errors_of_two_proofs_do_not_cancel() public {
        for (uint256 first = 0; first < 2; ++first) {
            (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 3);
            uint256[2] memory t = Simulator.times(7);
            _shift(proofs[first].c, t);
            t[1] = BN254.Q - t[1];
            _shift(proofs[first + 1].c, t);
            vm.expectRevert(PlainGroth16.ProofRejected.selector);
            one.verifyBatch(publics, proofs);
        }
    }

    /// Who knew r_1 before the points, or before the public signals, would trade one proof's error against r_1 times the other's.
    /// The seeds are those of hashes without the proofs, without the public signals, and without both.
    function test_what_is_chosen_after_the_coefficients_is_rejected() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 2);
        bytes memory head = abi.encode(keccak256("openledger.plain-coefficients.v1"), block.chainid, one, one.keyDigest());
        bytes memory points = abi.encode(proofs[0], proofs[1]);
        bytes32[3] memory seeds = [
            keccak256(abi.encodePacked(head, publics)),
            keccak256(abi.encodePacked(head, points)),
            keccak256(head)
        ];
        for (uint256 i = 0; i < seeds.length; ++i) {
            uint256 r = uint128(uint256(keccak256(abi.encode(seeds[i], 1))));
            (publics, proofs) = _batch(one, 2);
            _shift(proofs[0].c, Simulator.times(mulmod(BN254.R - 5, r, BN254.R)));
            _shift(proofs[1].c, Simulator.times(5));
            vm.expectRevert(PlainGroth16.ProofRejected.selector);
            one.verifyBatch(publics, proofs);
            (publics, proofs) = _batch(one, 2);
            publics[0] = addmod(publics[0], r, BN254.R);
            publics[1] = addmod(publics[1], BN254.R - 1, BN254.R);
            vm.expectRevert(PlainGroth16.ProofRejected.selector);
            one.verifyBatch(publics, proofs);
        }
    }

    /// Proof i + 1 must not have the coefficient of proof i.
    function test_coefficients_differ() public {
        (uint256[] memory publics, PlainProof[] memory proofs) = _batch(one, 4);
        uint256[2] memory t = Simulator.times(7);
        _shift(proofs[2].c, t);
        t[1] = BN254.Q - t[1];
        _shift(proofs[3].c, t);
        vm.expectRevert(PlainGroth16.ProofRejected.selector);
        one.verifyBatch(publics, proofs);
    }

    // --- helpers ---

    /// @dev The function that is written out for the verifier.
    function check(PlainGroth16 verifier, uint256[] memory publics, PlainProof memory proof) external view {
        _verify(verifier, publics, proof);
    }

    function _verify(PlainGroth16 verifier, uint256[] memory p, PlainProof memory proof) private view {
        if (verifier == one) IOne(address(one)).verify([p[0]], proof.a, proof.b, proof.c);
        else IThree(address(three)).verify([p[0], p[1], p[2]], proof.a, proof.b, proof.c);
    }

    /// @dev Alone, as the first of a batch, and as the second.
    function _rejected(uint256[] memory publics, PlainProof[] memory proofs) private {
        uint256[] memory first = _slice(publics, 0, 1);
        vm.expectRevert(PlainGroth16.ProofRejected.selector);
        this.check(one, first, proofs[0]);
        vm.expectRevert(PlainGroth16.ProofRejected.selector);
        one.verifyBatch(publics, proofs);
        (publics[0], publics[1]) = (publics[1], publics[0]);
        (proofs[0], proofs[1]) = (proofs[1], proofs[0]);
        vm.expectRevert(PlainGroth16.ProofRejected.selector);
        one.verifyBatch(publics, proofs);
        (publics[0], publics[1]) = (publics[1], publics[0]);
        (proofs[0], proofs[1]) = (proofs[1], proofs[0]);
    }

    function _refused(PlainGroth16 verifier, uint256[] memory publics, PlainProof[] memory proofs) private view {
        try verifier.verifyBatch(publics, proofs) {
            revert("accepted");
        } catch {}
    }

    function _batch(
        PlainGroth16 verifier,
        uint256 count
    ) private view returns (uint256[] memory publics, PlainProof[] memory proofs) {
        uint256 each = verifier.publicCount();
        publics = new uint256[](count * each);
        for (uint256 i = 0; i < publics.length; ++i) publics[i] = uint256(keccak256(abi.encode("public", i))) % BN254.R;
        proofs = new PlainProof[](count);
        for (uint256 i = 0; i < count; ++i) {
            proofs[i] = Simulator.provePlain(verifier, _slice(publics, each * i, each), i);
        }
    }

    function _slice(uint256[] memory list, uint256 from, uint256 count) private pure returns (uint256[] memory part) {
        part = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) part[i] = list[from + i];
    }

    /// @dev Changes one thing of one proof, most often to something that is well-formed. Nothing for kind 0.
    function _spoil(
        uint256[] memory publics,
        PlainProof[] memory proofs,
        uint256 at,
        uint256 each,
        uint256 kind,
        uint256 random
    ) private view {
        PlainProof memory proof = proofs[at];
        uint256[2] memory point = random % 2 == 0 ? proof.a : proof.c;
        uint256 index = each * at + (random % each);
        if (kind == 1) publics[index] = random % BN254.R;
        if (kind == 2) publics[index] += BN254.R;
        if (kind == 3) publics[index] = 0;
        if (kind == 4) _holder(proof, random % 8)[random % 2] = random;
        if (kind == 5) (point[0], point[1]) = (0, 0);
        if (kind == 6) (point[0], point[1]) = (Simulator.times(random)[0], Simulator.times(random)[1]);
        if (kind == 7) point[1] = BN254.Q - point[1];
        if (kind == 8) point[random % 2] += BN254.Q;
        if (kind == 9) proofs[at] = proofs[random % proofs.length];
        if (kind == 10) {
            // Another proof of the same statement.
            proofs[at] = Simulator.provePlain(each == 1 ? one : three, _slice(publics, each * at, each), random);
        }
    }

    /// @dev point += t
    function _shift(uint256[2] memory point, uint256[2] memory t) private view {
        require(BN254.addScaled(point, t[0], t[1], 1), "shift");
    }

    /// @dev The pair of words that holds word `index` of the eight.
    function _holder(PlainProof memory proof, uint256 index) private pure returns (uint256[2] memory) {
        if (index < 2) return proof.a;
        return index < 6 ? proof.b[index / 2 - 1] : proof.c;
    }
}
