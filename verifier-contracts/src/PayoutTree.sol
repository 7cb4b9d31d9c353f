// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Payout words
/// @notice bits 0..95 amount in wei, bit 96 sign (1 = charge), bits 128..159 index of the contribution, all others zero.
library PayoutWord {
    function amount(uint256 word) internal pure returns (uint96) {
        return uint96(word);
    }

    function isCharge(uint256 word) internal pure returns (bool) {
        return (word >> 96) & 1 == 1;
    }

    function index(uint256 word) internal pure returns (uint256) {
        return uint32(word >> 128);
    }

    /// @notice Whether the word has the layout above and stands at its place.
    function isAt(uint256 word, uint256 position) internal pure returns (bool) {
        return word >> 128 == position && uint128(word) >> 97 == 0;
    }
}

/// @title The claim tree over the words of a page
/// @notice leaf_i = keccak256(abi.encode(epoch, word_i)), filled up with zero leaves to a power of two;
/// node = keccak256(left || right). Pairs are ordered by place in the page, not sorted, and a proof lists the siblings from the leaf
/// upwards. Every leaf has the same depth and a claim's proof must have exactly that length, so an inner node cannot
/// pass for a leaf; the word's own index, checked when the root was built, says at which page and position it stands.
library PayoutTree {
    /// @notice The number of siblings in a proof: ceil(log2(count)).
    function depth(uint256 count) internal pure returns (uint256 result) {
        while (1 << result < count) ++result;
    }

    function leaf(uint256 epoch, uint256 word) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0x00, epoch)
            mstore(0x20, word)
            result := keccak256(0x00, 0x40)
        }
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            result := keccak256(0x00, 0x40)
        }
    }

    /// @notice The root over `words`; at least one.
    function root(uint256 epoch, uint256[] calldata words) internal pure returns (bytes32 result) {
        uint256 size = 1 << depth(words.length);
        bytes32[] memory nodes = new bytes32[](size);
        assembly ("memory-safe") {
            let base := add(nodes, 0x20)
            mstore(0x00, epoch)
            let end := shl(5, words.length)
            for { let i := 0 } lt(i, end) { i := add(i, 0x20) } {
                mstore(0x20, calldataload(add(words.offset, i)))
                mstore(add(base, i), keccak256(0x00, 0x40))
            }
            // Each level overwrites the first half of the one below.
            for { size := shl(5, size) } gt(size, 0x20) { size := shr(1, size) } {
                for { let i := 0 } lt(i, size) { i := add(i, 0x40) } {
                    mstore(add(base, shr(1, i)), keccak256(add(base, i), 0x40))
                }
            }
            result := mload(base)
        }
    }

    /// @notice The root that `proof` leads to from a word at `position`.
    function climb(
        uint256 epoch,
        uint256 word,
        uint256 position,
        bytes32[] calldata proof
    ) internal pure returns (bytes32 result) {
        result = leaf(epoch, word);
        for (uint256 i = 0; i < proof.length; ++i) {
            result = (position >> i) & 1 == 0 ? node(result, proof[i]) : node(proof[i], result);
        }
    }
}
