// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "./BN254.sol";
import {IVerifier, Proof} from "./IVerifier.sol";

/// @title Groth16 over BN254 with one commitment to all private inputs
/// @notice Everything that verifiers have in common; a generated contract adds the constants of one key.
///
///     e(-A, B) e(alpha, beta) e(vk_x + D - rho P, gamma) e(C, delta) e(rho D, sigma) = 1
///     vk_x = IC_0 + sum IC_i s_i      s = publics, links, [evaluation], challenge
///
/// `rho` joins the knowledge check e(D, sigma) = e(P, gamma) to Groth16's equation in one pairing call.
/// The words never enter the circuit: their evaluation at the challenge does, and both the words and the circuit's own
/// list were fixed before the challenge, so equal evaluations mean equal lists (up to zeros at the end: a caller
/// must fix the length). The challenge of proofs made together follows from the digests of all of them, so what each of
/// them commits to is fixed before it; equal links then mean equal lists.
abstract contract CommittedGroth16 is IVerifier {
    /// @notice The longest word list of one proof.
    uint256 public constant MAX_WORDS = 1024;
    /// @notice The most proofs made together.
    uint256 public constant MAX_MEMBERS = 1024;

    bytes32 private constant TAG = keccak256("openledger.challenge.v1");
    bytes32 private constant JOINT = keccak256("openledger.joint.v1");

    // Offsets into keyPoints() in words.
    uint256 private constant ALPHA = 0;
    uint256 private constant BETA = 2;
    uint256 private constant GAMMA = 6;
    uint256 private constant DELTA = 10;
    uint256 private constant SIGMA = 14;
    uint256 private constant IC = 18;

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
    ) public view returns (bytes32) {
        bytes32 wordsDigest = keccak256(abi.encodePacked(words));
        return keccak256(abi.encodePacked(TAG, circuitId(), context, commitment, publics, wordsDigest));
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
        _verify(publics, publics[:0], words, challenge(context, publics, words, proof.commitment), proof);
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
        bytes32 seed = digest(context, publics, words, proof.commitment);
        if (transcript.length != 0) {
            place = _place(transcript, seed);
            seed = keccak256(abi.encodePacked(JOINT, transcript));
        }
        _verify(publics, links, words, uint256(seed) % BN254.R, proof);
    }

    function _verify(
        uint256[] calldata publics,
        uint256[] calldata links,
        uint256[] calldata words,
        uint256 z,
        Proof calldata proof
    ) private view {
        uint256[] memory signals = _signals(publics, links, words, z);
        uint256 rho = uint128(uint256(keccak256(abi.encode(z, proof))));
        bytes memory key = keyPoints();

        uint256[2] memory x = [_word(key, IC), _word(key, IC + 1)];
        bool ok = true;
        for (uint256 i = 0; i < signals.length; ++i) {
            uint256 point = IC + 2 + 2 * i;
            ok = BN254.addScaled(x, _word(key, point), _word(key, point + 1), signals[i]) && ok;
        }
        uint256[2] calldata d = proof.commitment;
        ok = BN254.add(x, d[0], d[1]) && ok;
        ok = BN254.addScaled(x, proof.knowledge[0], proof.knowledge[1], BN254.R - rho) && ok;
        uint256[2] memory rhoD;
        ok = BN254.addScaled(rhoD, d[0], d[1], rho) && ok;

        // The precompile sees Q - A.y, so A.y itself must be checked here.
        uint256 ay = proof.a[1];
        if (!ok || ay >= BN254.Q) revert PointInvalid();
        _pairing(key, [proof.a[0], ay == 0 ? 0 : BN254.Q - ay], proof, x, rhoD);
    }

    function _pairing(
        bytes memory key,
        uint256[2] memory minusA,
        Proof calldata proof,
        uint256[2] memory x,
        uint256[2] memory rhoD
    ) private view {
        uint256[30] memory pairs;
        assembly ("memory-safe") {
            let points := add(key, 0x20)
            mcopy(pairs, minusA, 0x40)
            calldatacopy(add(pairs, 0x40), add(proof, 0x40), 0x80) // B
            mcopy(add(pairs, 0xc0), points, 0xc0) // alpha, beta
            mcopy(add(pairs, 0x180), x, 0x40)
            mcopy(add(pairs, 0x1c0), add(points, mul(GAMMA, 0x20)), 0x80)
            calldatacopy(add(pairs, 0x240), add(proof, 0xc0), 0x40) // C
            mcopy(add(pairs, 0x280), add(points, mul(DELTA, 0x20)), 0x80)
            mcopy(add(pairs, 0x300), rhoD, 0x40)
            mcopy(add(pairs, 0x340), add(points, mul(SIGMA, 0x20)), 0x80)
        }
        (bool ok, bool one) = BN254.pairing(pairs);
        if (!ok) revert PointInvalid();
        if (!one) revert ProofRejected();
    }

    /// @dev The place of a proof's own digest.
    function _place(bytes32[] calldata transcript, bytes32 own) private pure returns (uint256 place) {
        uint256 length = transcript.length;
        if (length > MAX_MEMBERS) revert TooManyMembers(MAX_MEMBERS, length);
        assembly ("memory-safe") {
            for {} lt(place, length) { place := add(place, 1) } {
                if eq(calldataload(add(transcript.offset, shl(5, place))), own) { break }
            }
        }
        if (place == length) revert NotInTranscript(own);
    }

    /// @dev All public signals in the circuit's order; checks that each input is in the field.
    function _signals(
        uint256[] calldata publics,
        uint256[] calldata links,
        uint256[] calldata words,
        uint256 z
    ) private view returns (uint256[] memory signals) {
        uint256 count = publicCount();
        uint256 linked = linkCount();
        if (publics.length != count) revert PublicCount(count, publics.length);
        if (links.length != linked) revert LinkCount(linked, links.length);
        bool wordy = hasWords();
        signals = new uint256[](count + linked + (wordy ? 2 : 1));
        for (uint256 i = 0; i < count; ++i) {
            if (publics[i] >= BN254.R) revert PublicNotInField(i, publics[i]);
            signals[i] = publics[i];
        }
        for (uint256 i = 0; i < linked; ++i) {
            if (links[i] >= BN254.R) revert LinkNotInField(i, links[i]);
            signals[count + i] = links[i];
        }
        if (wordy) signals[count + linked] = _evaluation(words, z);
        else if (words.length != 0) revert WordsNotAccepted(words.length);
        signals[signals.length - 1] = z;
    }

    /// @dev sum words[i] z^(i+1) mod r by Horner, from the last word to the first.
    function _evaluation(uint256[] calldata words, uint256 z) private pure returns (uint256 sum) {
        if (words.length > MAX_WORDS) revert TooManyWords(MAX_WORDS, words.length);
        for (uint256 i = words.length; i > 0; ) {
            unchecked {
                --i;
            }
            uint256 word;
            assembly ("memory-safe") {
                word := calldataload(add(words.offset, shl(5, i)))
            }
            if (word >= BN254.R) revert WordNotInField(i, word);
            assembly ("memory-safe") {
                // sum = (sum + word) z; sum and word are below r < 2^254, so the addition cannot overflow
                sum := mulmod(add(sum, word), z, 21888242871839275222246405745257275088548364400416034343698204186575808495617)
            }
        }
    }

    /// @dev `key` is the contract's own constant with room for every index used here, so no bound is checked.
    function _word(bytes memory key, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(key, 0x20), shl(5, index)))
        }
    }
}
