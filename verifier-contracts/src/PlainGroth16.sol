// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "./BN254.sol";

/// @notice A proof of plain Groth16: 8 words, points as the EVM precompiles read them.
/// @param a A in G1
/// @param b B in G2, imaginary part first: [[x.c1, x.c0], [y.c1, y.c0]]
/// @param c C in G1
struct PlainProof {
    uint256[2] a;
    uint256[2][2] b;
    uint256[2] c;
}

/// @title Plain Groth16 over BN254, for the key of any circom circuit
/// @notice Everything that verifiers of plain keys have in common; a generated contract adds the constants of one key, and the check of one proof,
///
///     verify(uint256[N] publics, uint256[2] a, uint256[2][2] b, uint256[2] c)
///
/// written out for them. Immutable, without state; both functions return nothing: they pass or revert with a typed error, so a caller
/// cannot forget to look at a boolean.
///
///     e(-A, B) e(alpha, beta) e(vk_x, gamma) e(C, delta) = 1              vk_x = IC_0 + sum IC_j s_j
///
/// N proofs are checked by one product of pairings, the equation of proof i to the power r_i, sorted by the right sides:
///
///     prod e(-r_i A_i, B_i)  e(sum r_i alpha, beta)  e(sum_j (sum_i r_i s_ij) IC_j, gamma)  e(sum r_i C_i, delta) = 1        s_i0 = 1, r_0 = 1
///
/// Soundness. All points are in groups of the prime order r (the precompile sees to it), so the left side of equation i is the power x_i of one
/// generator, and the product is the power sum r_i x_i. The r_i are 128 bits of hashes of everything that the x_i follow from: chain, contract
/// (which is one key), all public signals and all proof words. For a given batch they are random: if x_j is not 0 for a j > 0, the sum is 0 for
/// at most one r_j; if x_0 alone is not 0, for none. A bad proof passes with a chance of at most 2^-128, and who tries k batches, of k 2^-128.
///
/// A valid proof can be rewritten by anybody into other valid words of the same public signals: spend what the proof is about, never its bytes.
/// The proof is bound to nothing but its public signals: sender, chain and contract must be among what they commit to.
abstract contract PlainGroth16 {
    /// @notice The number of public signals is not the circuit's times the number of proofs.
    error PublicCount(uint256 expected, uint256 actual);
    /// @notice A public signal is not below the field order r: s and s + r would be the same signal to the proof.
    error PublicNotInField(uint256 index, uint256 value);
    /// @notice A batch has at least one proof and at most `maximum`.
    error BatchSize(uint256 maximum, uint256 actual);
    /// @notice A point is not on its curve or a coordinate is not reduced.
    error PointInvalid();
    /// @notice The pairing equation does not hold: another statement, altered public signals or proof.
    error ProofRejected();

    /// @notice The most proofs of one batch.
    uint256 public constant MAX_BATCH = 128;

    bytes32 private constant COEFFICIENTS = keccak256("openledger.plain-coefficients.v1");

    // One buffer serves all arithmetic: the pairs as the precompile reads them, at fixed addresses from where free memory begins; nothing
    // else is allocated. First the pairs that all proofs share, then one for each proof, then a weight for each public signal.
    // Words of a pair that are not there yet are used on the way to its first point. No assembly is marked as memory-safe: the compiler must
    // keep nothing of its own in this buffer.
    //
    //     0x080 alpha, beta     0x140 X, gamma     0x200 sum r_i C_i, delta     0x2c0 -r_i A_i, B_i ...
    uint256 internal constant ALPHA = 0x80;
    uint256 internal constant X = 0x140;
    uint256 internal constant C = 0x200;
    uint256 internal constant PROOFS = 0x2c0;

    /// @notice The number of public signals of a proof.
    function publicCount() public pure virtual returns (uint256);

    /// @notice keccak256 of the key's points: alpha (2 words), beta, gamma, delta (4 each, imaginary parts first), IC points (2 each).
    function keyDigest() public pure virtual returns (bytes32);

    /// @dev Writes alpha, beta, gamma and delta into their pairs.
    function _writeKey() internal pure virtual;

    /// @dev Writes IC_0 to X.
    function _writeConstant() internal pure virtual;

    /// @dev Adds the other IC points to X, each {_addTerm} with its weight.
    function _addTerms(uint256 weights) internal view virtual;

    /// @notice Reverts unless every proof is good for its public signals. One product of pairings serves all: each further proof costs one
    /// pairing and two multiplications. {PointInvalid} and {ProofRejected} do not say whose fault it is: whoever needs to know calls
    /// `verify` for each, which costs nothing outside a transaction. A proof may be there twice, as it may be verified twice.
    /// @param publics in the circuit's order, outputs first, as snarkjs writes them to public.json: those of the first proof, then those of the second and so on
    /// @param proofs at least one, at most MAX_BATCH
    function verifyBatch(uint256[] calldata publics, PlainProof[] calldata proofs) external view {
        uint256 count = proofs.length;
        if (count == 0 || count > MAX_BATCH) revert BatchSize(MAX_BATCH, count);
        uint256 each = publicCount();
        if (publics.length != count * each) revert PublicCount(count * each, publics.length);
        bytes32 seed = _seed(publics, proofs);
        uint256 weights = PROOFS + BN254.SLOT * count;
        assembly {
            calldatacopy(weights, calldatasize(), shl(5, each))
        }
        bool ok = _addPublics(weights, 1, publics, 0, each);
        ok = _firstPoints(proofs[0]) && ok;
        uint256 total = 1;
        for (uint256 i = 1; i < count; ++i) {
            uint256 r = _coefficient(seed, i);
            total += r;
            ok = _addPublics(weights, r, publics, each * i, each) && ok;
            ok = _addPoints(PROOFS + BN254.SLOT * i, r, proofs[i]) && ok;
        }
        _check(publics, count, weights, total, ok);
    }

    /// @dev Equivalent Solidity: keccak256(abi.encodePacked(COEFFICIENTS, block.chainid, address(this), keyDigest(), publics, proofs)), each
    /// item 32 bytes.
    function _seed(uint256[] calldata publics, PlainProof[] calldata proofs) private view returns (bytes32 seed) {
        (bytes32 tag, bytes32 key) = (COEFFICIENTS, keyDigest());
        assembly {
            let buffer := mload(0x40)
            mstore(buffer, tag)
            mstore(add(buffer, 0x20), chainid())
            mstore(add(buffer, 0x40), address())
            mstore(add(buffer, 0x60), key)
            let end := add(buffer, 0x80)
            let size := shl(5, publics.length)
            calldatacopy(end, publics.offset, size)
            end := add(end, size)
            size := shl(8, proofs.length)
            calldatacopy(end, proofs.offset, size)
            seed := keccak256(buffer, sub(add(end, size), buffer))
        }
    }

    /// @dev r_i = uint128(uint256(keccak256(abi.encode(seed, i)))).
    function _coefficient(bytes32 seed, uint256 i) private pure returns (uint256 r) {
        assembly {
            mstore(0x00, seed)
            mstore(0x20, i)
            r := and(keccak256(0x00, 0x40), 0xffffffffffffffffffffffffffffffff)
        }
    }

    /// @dev Equivalent Solidity: for each public signal of a proof, weights[j] = (weights[j] + r * value) % R.
    /// @return inField whether all are below R
    function _addPublics(
        uint256 weights,
        uint256 r,
        uint256[] calldata publics,
        uint256 from,
        uint256 each
    ) private pure returns (bool inField) {
        uint256 order = BN254.R;
        assembly {
            inField := 1
            let at := add(publics.offset, shl(5, from))
            for { let end := add(at, shl(5, each)) } lt(at, end) { at := add(at, 0x20) } {
                let value := calldataload(at)
                inField := and(inField, lt(value, order))
                mstore(weights, addmod(mload(weights), mulmod(r, value, order), order))
                weights := add(weights, 0x20)
            }
        }
    }

    /// @dev The points of proof 0, whose coefficient is 1. C is looked at by the first precompile that takes it.
    function _firstPoints(PlainProof calldata proof) private pure returns (bool ok) {
        uint256 modulus = BN254.Q;
        assembly {
            calldatacopy(PROOFS, proof, 0xc0) // A, B
            let y := mload(add(PROOFS, 0x20))
            // The precompile sees -y, so y itself must be checked here.
            ok := lt(y, modulus)
            mstore(add(PROOFS, 0x20), mod(sub(modulus, y), modulus))
            calldatacopy(C, add(proof, 0xc0), 0x40)
        }
    }

    /// @dev Adds the points of a further proof, times r.
    function _addPoints(uint256 slot, uint256 r, PlainProof calldata proof) private view returns (bool ok) {
        uint256 modulus = BN254.Q;
        assembly {
            calldatacopy(slot, proof, 0x40) // A
            mstore(add(slot, 0x40), r)
        }
        ok = BN254.scale(slot);
        assembly {
            let y := add(slot, 0x20)
            mstore(y, mod(sub(modulus, mload(y)), modulus))
            calldatacopy(add(slot, 0x40), add(proof, 0x40), 0x80) // B
            calldatacopy(add(C, 0x40), add(proof, 0xc0), 0x40)
            mstore(add(C, 0x80), r)
        }
        ok = BN254.addProduct(C) && ok;
    }

    /// @dev X += weight * (x, y). A public signal is often zero; the points are the key's own and need no check.
    function _addTerm(uint256 x, uint256 y, uint256 weight) internal view {
        uint256 value;
        assembly {
            value := mload(weight)
            mstore(add(X, 0x40), x)
            mstore(add(X, 0x60), y)
            mstore(add(X, 0x80), value)
        }
        if (value != 0) BN254.addProduct(X);
    }

    /// @dev Fills the shared pairs and asks for the product.
    /// @param total sum of the r_i
    /// @param ok whether all was right so far
    function _check(uint256[] calldata publics, uint256 count, uint256 weights, uint256 total, bool ok) private view {
        _writeConstant();
        if (count > 1) {
            assembly {
                mstore(add(X, 0x40), total)
            }
            BN254.scale(X);
        }
        _addTerms(weights);
        _writeKey();
        if (count > 1) {
            uint256 word;
            assembly {
                word := mload(add(ALPHA, 0x40))
                mstore(add(ALPHA, 0x40), total)
            }
            BN254.scale(ALPHA);
            assembly {
                mstore(add(ALPHA, 0x40), word)
            }
        }
        bool one;
        if (ok) (ok, one) = BN254.pairing(ALPHA, count + 3);
        if (!one) _refuse(publics, ok);
    }

    /// @dev Says what is wrong.
    function _refuse(uint256[] calldata publics, bool ok) internal pure {
        for (uint256 i = 0; i < publics.length; ++i) {
            if (publics[i] >= BN254.R) revert PublicNotInField(i, publics[i]);
        }
        if (!ok) revert PointInvalid();
        revert ProofRejected();
    }
}
