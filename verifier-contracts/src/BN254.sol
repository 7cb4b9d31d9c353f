// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The BN254 precompiles
/// @notice Points of G1 are two words (0, 0 = infinity). The precompiles check that points are on the curve and
/// coordinates below Q; these functions then return false. A precompile that fails keeps all gas it was given, so each is
/// given about twice its EIP-1108 price: a bad point must not burn the whole transaction.
///
/// A *slot* is the address of six words of memory, one pair of the pairing precompile: a point of G1 and one of G2. Until the
/// point of G2 is there, its place serves the arithmetic of the point of G1, so that nothing is copied on the way.
library BN254 {
    /// @dev Order of the groups, the scalar field r.
    uint256 internal constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// @dev The base field of the coordinates.
    uint256 internal constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    /// @dev Bytes of a slot.
    uint256 internal constant SLOT = 0xc0;

    /// @notice acc += scalar * (x, y), in place.
    /// @return ok false when a point is not on the curve
    function addScaled(
        uint256[2] memory acc,
        uint256 x,
        uint256 y,
        uint256 scalar
    ) internal view returns (bool ok) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mcopy(buffer, acc, 0x40)
            mstore(add(buffer, 0x40), x)
            mstore(add(buffer, 0x60), y)
            mstore(add(buffer, 0x80), scalar)
            ok := staticcall(12000, 0x07, add(buffer, 0x40), 0x60, add(buffer, 0x40), 0x40)
            ok := and(staticcall(1000, 0x06, buffer, 0x80, acc, 0x40), ok)
        }
    }

    /// @notice The point of a slot times the scalar behind it: words 0, 1 *= word 2.
    /// @return ok false when the point is not on the curve
    function scale(uint256 slot) internal view returns (bool ok) {
        assembly ("memory-safe") {
            ok := staticcall(12000, 0x07, slot, 0x60, slot, 0x40)
        }
    }

    /// @notice The point of a slot plus the one behind it: words 0, 1 += words 2, 3.
    /// @return ok false when a point is not on the curve
    function add(uint256 slot) internal view returns (bool ok) {
        assembly ("memory-safe") {
            ok := staticcall(1000, 0x06, slot, 0x80, slot, 0x40)
        }
    }

    /// @notice The point of a slot plus a multiple of the one behind it: words 0, 1 += word 4 * words 2, 3.
    /// @return ok false when a point is not on the curve
    function addProduct(uint256 slot) internal view returns (bool ok) {
        assembly ("memory-safe") {
            let next := add(slot, 0x40)
            ok := staticcall(12000, 0x07, next, 0x60, next, 0x40)
            ok := and(staticcall(1000, 0x06, slot, 0x80, slot, 0x40), ok)
        }
    }

    /// @notice The product of the pairings of `count` slots, the first of which is `pairs`.
    /// @return ok false when a point is not in its group
    /// @return one whether the product is one
    function pairing(uint256 pairs, uint256 count) internal view returns (bool ok, bool one) {
        assembly ("memory-safe") {
            // The result overwrites scratch space; it is 0 or 1 when the call succeeds.
            ok := staticcall(add(90000, mul(68000, count)), 0x08, pairs, mul(0xc0, count), 0x00, 0x20)
            one := and(ok, mload(0x00))
        }
    }
}
