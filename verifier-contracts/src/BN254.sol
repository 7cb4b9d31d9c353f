// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The BN254 precompiles
/// @notice Points of G1 are two words (0, 0 = infinity). The precompiles check that points are on the curve and
/// coordinates below Q; these functions then return false. A precompile that fails keeps all gas it was given, so each is
/// given about twice its EIP-1108 price: a bad point must not burn the whole transaction.
library BN254 {
    /// @dev Order of the groups, the scalar field r.
    uint256 internal constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// @dev The base field of the coordinates.
    uint256 internal constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

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

    /// @notice acc += (x, y), in place.
    /// @return ok false when a point is not on the curve
    function add(uint256[2] memory acc, uint256 x, uint256 y) internal view returns (bool ok) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mcopy(buffer, acc, 0x40)
            mstore(add(buffer, 0x40), x)
            mstore(add(buffer, 0x60), y)
            ok := staticcall(1000, 0x06, buffer, 0x80, acc, 0x40)
        }
    }

    /// @notice The pairing product of five pairs (G1, G2).
    /// @return ok false when a point is not in its group
    /// @return one whether the product is one
    function pairing(uint256[30] memory pairs) internal view returns (bool ok, bool one) {
        assembly ("memory-safe") {
            // The result overwrites scratch space; it is 0 or 1 when the call succeeds.
            ok := staticcall(430000, 0x08, pairs, 0x3c0, 0x00, 0x20)
            one := and(ok, mload(0x00))
        }
    }
}
