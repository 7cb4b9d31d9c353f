// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "./BN254.sol";
import {BatchItem, IVerifier, Proof} from "./IVerifier.sol";

/// @title Groth16 over BN254 with one commitment to all private inputs
/// @notice Everything that verifiers have in common; a generated contract adds the constants of one key.
///
/// A proof is good when two equations hold:
///
///     (1)  e(-A, B) e(alpha, beta) e(vk_x + D, gamma) e(C, delta) = 1      vk_x = IC_0 + sum IC_j s_j
///     (2)  e(D, sigma) e(-P, gamma) = 1                                    s = publics, links, [evaluation], challenge
///
/// The words never enter the circuit: their evaluation at the challenge does, and both the words and the circuit's own
/// list were fixed before the challenge, so equal evaluations mean equal lists (up to zeros at the end: a caller
/// must fix the length). The challenge of proofs made together follows from the digests of all of them, so what each of
/// them commits to is fixed before it; equal links then mean equal lists.
///
/// N proofs are checked by one product of pairings, (1) to the power r_i and (2) to the power rho r_i of each, sorted by the right sides:
///
///     prod e(-r_i A_i, B_i)  e(sum r_i alpha, beta)  e(X, gamma)  e(sum r_i C_i, delta)  e(rho sum r_i D_i, sigma) = 1
///     X = sum_j (sum_i r_i s_ij) IC_j + sum r_i D_i - rho sum r_i P_i                           s_i0 = 1, r_0 = 1
///
/// Soundness. All points are in groups of the prime order r (the precompile sees to it), so the left sides of (1) and (2) of proof i are powers
/// x_i and y_i of one generator, and the product is the power sum r_i (x_i + rho y_i). Let proof j be bad: x_j or y_j is not 0. rho and the
/// r_i are 128 bits of hashes of everything that x and y follow from: chain, contract, circuit, the transcript, and of each proof its digest (which holds
/// context, publics, words and D), its links and its 12 words. For a given batch they are random, so x_j + rho y_j = 0 has
/// a chance of at most 2^-128; if it is not 0, the sum is 0 for at most one r_j (or, for j = 0 and all others good, for none): again 2^-128.
/// A bad proof passes with a chance of at most 2^-127, and who tries k batches, of k 2^-127. {verify} is a batch of one.
///
/// Links must be under the hash although they follow from the rest: whoever knows rho before choosing them can add k IC_link to P and
/// rho k to the link, and (1) and (2) together still hold.
abstract contract CommittedGroth16 is IVerifier {
    /// @notice The longest word list of one proof.
    uint256 public constant MAX_WORDS = 1024;
    /// @notice The most proofs made together.
    uint256 public constant MAX_MEMBERS = 1024;
    /// @notice The most proofs of one batch.
    uint256 public constant MAX_BATCH = 128;

    bytes32 private constant TAG = keccak256("openledger.challenge.v1");
    bytes32 private constant JOINT = keccak256("openledger.joint.v1");
    bytes32 private constant COEFFICIENTS = keccak256("openledger.coefficients.v1");

    // Offsets into keyPoints() in bytes.
    uint256 private constant GAMMA = 0xc0;
    uint256 private constant DELTA = 0x140;
    uint256 private constant SIGMA = 0x1c0;
    uint256 private constant IC = 0x240;

    // Slots that all proofs of a batch share, in bytes after those of the proofs. Until the end the first one holds sum r_i P_i
    // and the last one sum r_i D_i. The weights, one word for each IC point, lie behind them.
    uint256 private constant ALPHA_SLOT = 0;
    uint256 private constant X_SLOT = 0xc0;
    uint256 private constant C_SLOT = 0x180;
    uint256 private constant D_SLOT = 0x240;
    uint256 private constant WEIGHTS = 0x300;

    /// @inheritdoc IVerifier
    function circuitId() public view virtual returns (bytes32);

    /// @inheritdoc IVerifier
    function publicCount() public view virtual returns (uint256);

    /// @inheritdoc IVerifier
    function linkCount() public view virtual returns (uint256);

    /// @inheritdoc IVerifier
    function hasWords() public view virtual returns (bool);

    /// @inheritdoc IVerifier
    function keyPoints() public view virtual returns (bytes memory);

    /// @inheritdoc IVerifier
    function digest(
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata words,
        uint256[2] calldata commitment
    ) public view returns (bytes32 result) {
        (bytes32 tag, bytes32 circuit) = (TAG, circuitId());
        // Equivalent Solidity: keccak256(abi.encodePacked(TAG, circuitId(), context, commitment, publics, keccak256(abi.encodePacked(words)))).
        // Nothing is allocated: the lists of a batch would add up.
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            let size := shl(5, words.length)
            calldatacopy(buffer, words.offset, size)
            let wordsDigest := keccak256(buffer, size)
            mstore(buffer, tag)
            mstore(add(buffer, 0x20), circuit)
            mstore(add(buffer, 0x40), context)
            calldatacopy(add(buffer, 0x60), commitment, 0x40)
            size := shl(5, publics.length)
            calldatacopy(add(buffer, 0xa0), publics.offset, size)
            mstore(add(add(buffer, 0xa0), size), wordsDigest)
            result := keccak256(buffer, add(size, 0xc0))
        }
    }

    /// @inheritdoc IVerifier
    function challenge(
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata words,
        uint256[2] calldata commitment
    ) public view returns (uint256) {
        return uint256(digest(context, publics, words, commitment)) % BN254.R;
    }

    /// @inheritdoc IVerifier
    function verify(
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata words,
        Proof calldata proof
    ) external view {
        bytes32 own = digest(context, publics, words, proof.commitment);
        _verifyOne(publics, publics[:0], words, own, 0, proof);
    }

    /// @inheritdoc IVerifier
    function verifyJoint(
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata links,
        uint256[] calldata words,
        bytes32[] calldata transcript,
        Proof calldata proof
    ) external view returns (uint256 place) {
        bytes32 own = digest(context, publics, words, proof.commitment);
        bytes32 joint = _joint(transcript);
        if (joint != 0) place = _place(transcript, own);
        _verifyOne(publics, links, words, own, joint, proof);
    }

    /// @inheritdoc IVerifier
    function verifyBatch(
        BatchItem[] calldata items,
        bytes32[] calldata transcript
    ) external view returns (uint256[] memory places) {
        uint256 count = items.length;
        if (count == 0 || count > MAX_BATCH) revert BatchSize(MAX_BATCH, count);
        bytes32 joint = _joint(transcript);
        if (joint != 0) places = new uint256[](count);
        uint256 pairs = _allocate(count);
        bytes32 seed = _seed(joint);
        for (uint256 i = 0; i < count; ++i) {
            BatchItem calldata item = items[i];
            bytes32 own = digest(item.context, item.publics, item.words, item.proof.commitment);
            if (joint != 0) places[i] = _place(transcript, own);
            seed = _absorb(seed, own, item.links, item.proof);
            // Kept in the proof's slot, which is empty until the second pass.
            uint256 z = _challenge(own, joint);
            assembly ("memory-safe") {
                mstore(add(pairs, mul(0xc0, i)), z)
            }
        }
        uint256 shared = pairs + BN254.SLOT * count;
        bool ok = true;
        for (uint256 i = 0; i < count; ++i) {
            BatchItem calldata item = items[i];
            uint256 slot = pairs + BN254.SLOT * i;
            uint256 r = i == 0 ? 1 : _coefficient(seed, i);
            uint256 z;
            assembly ("memory-safe") {
                z := mload(slot)
            }
            _addSignals(shared + WEIGHTS, r, item.publics, item.links, item.words, z);
            ok = (i == 0 ? _firstPoints(slot, shared, item.proof) : _addPoints(slot, shared, r, item.proof)) && ok;
        }
        _check(pairs, count, uint128(uint256(seed)), ok);
    }

    /// @dev A batch of one.
    function _verifyOne(
        uint256[] calldata publics,
        uint256[] calldata links,
        uint256[] calldata words,
        bytes32 own,
        bytes32 joint,
        Proof calldata proof
    ) private view {
        uint256 pairs = _allocate(1);
        bytes32 seed = _absorb(_seed(joint), own, links, proof);
        _addSignals(pairs + BN254.SLOT + WEIGHTS, 1, publics, links, words, _challenge(own, joint));
        bool ok = _firstPoints(pairs, pairs + BN254.SLOT, proof);
        _check(pairs, 1, uint128(uint256(seed)), ok);
    }

    // --- what the coefficients follow from ---

    /// @dev What proofs made together share; 0 for an empty transcript: made alone.
    function _joint(bytes32[] calldata transcript) private pure returns (bytes32 joint) {
        if (transcript.length == 0) return 0;
        if (transcript.length > MAX_MEMBERS) revert TooManyMembers(MAX_MEMBERS, transcript.length);
        return keccak256(abi.encodePacked(JOINT, transcript));
    }

    function _challenge(bytes32 own, bytes32 joint) private pure returns (uint256) {
        return uint256(joint == 0 ? own : joint) % BN254.R;
    }

    function _seed(bytes32 joint) private view returns (bytes32) {
        return keccak256(abi.encode(COEFFICIENTS, block.chainid, address(this), circuitId(), joint));
    }

    /// @dev keccak256(abi.encodePacked(seed, own, links, proof)), in memory that is not allocated.
    function _absorb(
        bytes32 seed,
        bytes32 own,
        uint256[] calldata links,
        Proof calldata proof
    ) private pure returns (bytes32 next) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            let size := shl(5, links.length)
            mstore(buffer, seed)
            mstore(add(buffer, 0x20), own)
            calldatacopy(add(buffer, 0x40), links.offset, size)
            calldatacopy(add(add(buffer, 0x40), size), proof, 0x180)
            next := keccak256(buffer, add(size, 0x1c0))
        }
    }

    /// @dev r_i = uint128(uint256(keccak256(abi.encode(seed, i)))).
    function _coefficient(bytes32 seed, uint256 i) private pure returns (uint256 r) {
        assembly ("memory-safe") {
            mstore(0x00, seed)
            mstore(0x20, i)
            r := and(keccak256(0x00, 0x40), 0xffffffffffffffffffffffffffffffff)
        }
    }

    // --- the sums ---

    /// @dev Memory for the slots and weights of a batch; the weights are zero.
    function _allocate(uint256 count) private view returns (uint256 pairs) {
        uint256 size = _weightBytes();
        assembly ("memory-safe") {
            pairs := mload(0x40)
            let from := add(add(pairs, mul(0xc0, count)), WEIGHTS)
            calldatacopy(from, calldatasize(), size)
            mstore(0x40, add(from, size))
        }
    }

    /// @dev One word for each IC point: the constant, publics, links, evaluation and challenge.
    function _weightBytes() private view returns (uint256) {
        return 32 * (publicCount() + linkCount() + (hasWords() ? 3 : 2));
    }

    /// @dev Adds r times each signal of a proof to its weight, r itself to that of IC_0.
    function _addSignals(
        uint256 weights,
        uint256 r,
        uint256[] calldata publics,
        uint256[] calldata links,
        uint256[] calldata words,
        uint256 z
    ) private view {
        uint256 count = publicCount();
        if (publics.length != count) revert PublicCount(count, publics.length);
        count = linkCount();
        if (links.length != count) revert LinkCount(count, links.length);

        uint256 next = _addWeight(weights, r, 1);
        bool inField;
        (next, inField) = _addList(next, r, publics);
        if (!inField) {
            uint256 i = _outOfField(publics);
            revert PublicNotInField(i, publics[i]);
        }
        (next, inField) = _addList(next, r, links);
        if (!inField) {
            uint256 i = _outOfField(links);
            revert LinkNotInField(i, links[i]);
        }
        if (hasWords()) next = _addWeight(next, r, _evaluation(words, z));
        else if (words.length != 0) revert WordsNotAccepted(words.length);
        _addWeight(next, r, z);
    }

    /// @dev Equivalent Solidity: for each value, weights[j] = (weights[j] + r * value) % R and inField = inField && value < R.
    function _addList(
        uint256 weights,
        uint256 r,
        uint256[] calldata values
    ) private pure returns (uint256 next, bool inField) {
        uint256 order = BN254.R;
        assembly ("memory-safe") {
            next := weights
            inField := 1
            let end := add(values.offset, shl(5, values.length))
            for { let at := values.offset } lt(at, end) { at := add(at, 0x20) } {
                let value := calldataload(at)
                inField := and(inField, lt(value, order))
                mstore(next, addmod(mload(next), mulmod(r, value, order), order))
                next := add(next, 0x20)
            }
        }
    }

    /// @dev {_addList} of one value that is in the field.
    function _addWeight(uint256 weight, uint256 r, uint256 value) private pure returns (uint256 next) {
        uint256 order = BN254.R;
        assembly ("memory-safe") {
            mstore(weight, addmod(mload(weight), mulmod(r, value, order), order))
            next := add(weight, 0x20)
        }
    }

    /// @dev sum words[i] z^(i+1) mod r by Horner, from the last word to the first.
    /// Equivalent Solidity: for (i = words.length; i > 0; --i) { require(words[i - 1] < R); sum = mulmod(sum + words[i - 1], z, R); }
    function _evaluation(uint256[] calldata words, uint256 z) private pure returns (uint256 sum) {
        if (words.length > MAX_WORDS) revert TooManyWords(MAX_WORDS, words.length);
        uint256 order = BN254.R;
        bool inField;
        assembly ("memory-safe") {
            inField := 1
            let at := add(words.offset, shl(5, words.length))
            // Words that do not fill a round of four come first.
            for { let rest := and(words.length, 3) } rest { rest := sub(rest, 1) } {
                at := sub(at, 0x20)
                let word := calldataload(at)
                inField := and(inField, lt(word, order))
                // sum and word are below r < 2^254, so the addition cannot overflow; if word is not, nothing of this is used.
                sum := mulmod(add(sum, word), z, order)
            }
            for {} gt(at, words.offset) {} {
                let word := calldataload(sub(at, 0x20))
                inField := and(inField, lt(word, order))
                sum := mulmod(add(sum, word), z, order)
                word := calldataload(sub(at, 0x40))
                inField := and(inField, lt(word, order))
                sum := mulmod(add(sum, word), z, order)
                word := calldataload(sub(at, 0x60))
                inField := and(inField, lt(word, order))
                sum := mulmod(add(sum, word), z, order)
                at := sub(at, 0x80)
                word := calldataload(at)
                inField := and(inField, lt(word, order))
                sum := mulmod(add(sum, word), z, order)
            }
        }
        if (!inField) {
            uint256 i = _outOfField(words);
            revert WordNotInField(i, words[i]);
        }
    }

    /// @dev The place of the first value that is not in the field; there is one.
    function _outOfField(uint256[] calldata values) private pure returns (uint256 i) {
        while (values[i] < BN254.R) ++i;
    }

    /// @dev The points of proof 0, whose coefficient is 1. C, D and P are looked at by the first precompile that takes them.
    function _firstPoints(uint256 slot, uint256 shared, Proof calldata proof) private pure returns (bool ok) {
        uint256 modulus = BN254.Q;
        assembly ("memory-safe") {
            calldatacopy(slot, proof, 0xc0) // A, B
            let y := mload(add(slot, 0x20))
            // The precompile sees -y, so y itself must be checked here.
            ok := lt(y, modulus)
            mstore(add(slot, 0x20), mod(sub(modulus, y), modulus))
            calldatacopy(add(shared, C_SLOT), add(proof, 0xc0), 0x40)
            calldatacopy(add(shared, D_SLOT), add(proof, 0x100), 0x40)
            calldatacopy(add(shared, ALPHA_SLOT), add(proof, 0x140), 0x40) // P
        }
    }

    /// @dev Adds the points of a further proof, times r.
    function _addPoints(
        uint256 slot,
        uint256 shared,
        uint256 r,
        Proof calldata proof
    ) private view returns (bool ok) {
        uint256 modulus = BN254.Q;
        assembly ("memory-safe") {
            calldatacopy(slot, proof, 0x40)
            mstore(add(slot, 0x40), r)
        }
        ok = BN254.scale(slot);
        assembly ("memory-safe") {
            let y := add(slot, 0x20)
            mstore(y, mod(sub(modulus, mload(y)), modulus))
            calldatacopy(add(slot, 0x40), add(proof, 0x40), 0x80) // B
        }
        ok = _addPoint(shared + C_SLOT, r, proof.c) && ok;
        ok = _addPoint(shared + D_SLOT, r, proof.commitment) && ok;
        ok = _addPoint(shared + ALPHA_SLOT, r, proof.knowledge) && ok;
    }

    function _addPoint(uint256 slot, uint256 r, uint256[2] calldata point) private view returns (bool) {
        assembly ("memory-safe") {
            calldatacopy(add(slot, 0x40), point, 0x40)
            mstore(add(slot, 0x80), r)
        }
        return BN254.addProduct(slot);
    }

    /// @dev Fills the shared slots and asks for the product.
    function _check(uint256 pairs, uint256 count, uint256 rho, bool ok) private view {
        uint256 shared = pairs + BN254.SLOT * count;
        uint256 x = shared + X_SLOT;
        uint256 d = shared + D_SLOT;
        bytes memory key = keyPoints();
        uint256 first = shared + WEIGHTS;
        uint256 end = first + _weightBytes();
        uint256 total;
        assembly ("memory-safe") {
            total := mload(first)
            mcopy(x, add(add(key, 0x20), IC), 0x40)
            mstore(add(x, 0x40), total)
        }
        if (count > 1) ok = BN254.scale(x) && ok;
        // What is public is often zero; IC points are the key's own and need no check.
        for (uint256 weight = first + 0x20; weight < end; weight += 0x20) {
            uint256 value;
            assembly ("memory-safe") {
                value := mload(weight)
            }
            if (value == 0) continue;
            assembly ("memory-safe") {
                mcopy(add(x, 0x40), add(add(key, add(0x20, IC)), shl(1, sub(weight, first))), 0x40)
                mstore(add(x, 0x80), value)
            }
            ok = BN254.addProduct(x) && ok;
        }
        assembly ("memory-safe") {
            mcopy(add(x, 0x40), d, 0x40)
        }
        ok = BN254.add(x) && ok;
        uint256 minusRho = BN254.R - rho;
        assembly ("memory-safe") {
            mcopy(add(x, 0x40), shared, 0x40) // sum r_i P_i
            mstore(add(x, 0x80), minusRho)
            mstore(add(d, 0x40), rho)
        }
        ok = BN254.addProduct(x) && ok;
        ok = BN254.scale(d) && ok;
        assembly ("memory-safe") {
            mcopy(shared, add(key, 0x20), 0x40) // alpha
            mstore(add(shared, 0x40), total)
        }
        if (count > 1) ok = BN254.scale(shared) && ok;
        if (!ok) revert PointInvalid();
        assembly ("memory-safe") {
            let points := add(key, 0x20)
            mcopy(add(shared, 0x40), add(points, 0x40), 0x80) // beta
            mcopy(add(x, 0x40), add(points, GAMMA), 0x80)
            mcopy(add(add(shared, C_SLOT), 0x40), add(points, DELTA), 0x80)
            mcopy(add(d, 0x40), add(points, SIGMA), 0x80)
        }
        bool one;
        (ok, one) = BN254.pairing(pairs, count + 4);
        if (!ok) revert PointInvalid();
        if (!one) revert ProofRejected();
    }

    /// @dev The place of a proof's own digest.
    function _place(bytes32[] calldata transcript, bytes32 own) private pure returns (uint256 place) {
        uint256 length = transcript.length;
        assembly ("memory-safe") {
            for {} lt(place, length) { place := add(place, 1) } {
                if eq(calldataload(add(transcript.offset, shl(5, place))), own) { break }
            }
        }
        if (place == length) revert NotInTranscript(own);
    }
}
