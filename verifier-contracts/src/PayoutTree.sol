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
    /// @notice Whether a proof over `count` words, at least one, has `depth` siblings: depth = ceil(log2(count)).
    function isDepth(uint256 count, uint256 depth) internal pure returns (bool) {
        // For depth > 0 it says (count - 1) >> (depth - 1) == 1, so 2^(depth-1) < count <= 2^depth; for depth 0, count == 1.
        unchecked {
            return (2 * count - 1) >> depth == 1;
        }
    }

    /// @notice Reads a page of words in one pass: what it pays, and the root over it. At least one word, at most 2^32.
    /// @param first index of the page's first word
    /// @return root of the tree
    /// @return paid sum of the positive words
    /// @return placed whether each word has its layout and stands at its place; the other results count only if so
    function read(
        uint256 epoch,
        uint256 first,
        uint256[] calldata words
    ) internal pure returns (bytes32 root, uint256 paid, bool placed) {
        // Equivalent Solidity:
        //     placed = true;
        //     bytes32[] memory nodes = new bytes32[](size); // size: the power of two from words.length on
        //     for (uint256 i = 0; i < words.length; ++i) {
        //         placed = placed && PayoutWord.isAt(words[i], first + i);
        //         if (!PayoutWord.isCharge(words[i])) paid += PayoutWord.amount(words[i]);
        //         nodes[i] = keccak256(abi.encode(epoch, words[i]));
        //     }
        //     for (; size > 1; size /= 2) {
        //         for (uint256 i = 0; i < size / 2; ++i) nodes[i] = keccak256(abi.encode(nodes[2 * i], nodes[2 * i + 1]));
        //     }
        //     root = nodes[0];
        assembly ("memory-safe") {
            // The nodes lie behind the free memory pointer: nothing else is put there before the root is known.
            let base := mload(0x40)
            let size := shl(5, words.length)
            let faults := 0
            mstore(0x00, epoch)
            {
                let place := shl(128, first)
                // From here to the node: a word's distance to its node never changes.
                let shift := sub(base, words.offset)
                let end := add(words.offset, size)
                for { let from := words.offset } lt(from, end) { from := add(from, 0x20) } {
                    let word := calldataload(from)
                    mstore(0x20, word)
                    mstore(add(from, shift), keccak256(0x00, 0x40))
                    // Without its index a word is its amount and sign, and nothing above them.
                    word := xor(word, place)
                    faults := or(faults, word)
                    paid := add(paid, mul(word, iszero(shr(96, word))))
                    place := add(place, shl(128, 1))
                }
            }
            placed := iszero(shr(97, faults))
            {
                let full := 0x20
                for {} lt(full, size) {} { full := shl(1, full) }
                // Zero leaves: what lies here may have been used.
                calldatacopy(add(base, size), calldatasize(), sub(full, size))
                size := full
            }
            // Each level overwrites the first half of the one below. Four nodes a turn; on the last two levels what they write beyond
            // the level is never read.
            for {} gt(size, 0x20) { size := shr(1, size) } {
                let to := base
                let end := add(base, size)
                for { let from := base } lt(from, end) { from := add(from, 0x100) } {
                    mstore(to, keccak256(from, 0x40))
                    mstore(add(to, 0x20), keccak256(add(from, 0x40), 0x40))
                    mstore(add(to, 0x40), keccak256(add(from, 0x80), 0x40))
                    mstore(add(to, 0x60), keccak256(add(from, 0xc0), 0x40))
                    to := add(to, 0x80)
                }
            }
            root := mload(base)
        }
    }

    /// @notice The root that `proof` leads to from a word at `position`.
    function climb(
        uint256 epoch,
        uint256 word,
        uint256 position,
        bytes32[] calldata proof
    ) internal pure returns (bytes32 root) {
        // Equivalent Solidity:
        //     root = keccak256(abi.encode(epoch, word));
        //     for (uint256 i = 0; i < proof.length; ++i) {
        //         bool left = (position >> i) & 1 == 0;
        //         root = left ? keccak256(abi.encode(root, proof[i])) : keccak256(abi.encode(proof[i], root));
        //     }
        assembly ("memory-safe") {
            mstore(0x00, epoch)
            mstore(0x20, word)
            root := keccak256(0x00, 0x40)
            let end := add(proof.offset, shl(5, proof.length))
            for { let from := proof.offset } lt(from, end) { from := add(from, 0x20) } {
                let own := shl(5, and(position, 1))
                mstore(own, root)
                mstore(xor(own, 0x20), calldataload(from))
                root := keccak256(0x00, 0x40)
                position := shr(1, position)
            }
        }
    }
}
