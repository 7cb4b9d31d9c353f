// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PayoutTree, PayoutWord} from "../src/PayoutTree.sol";
import {Test} from "./Vm.sol";

/// @notice The library behind calls, its memory used before.
contract Tree {
    function read(
        uint256 epoch,
        uint256 first,
        uint256[] calldata words,
        uint256 dirt
    ) external pure returns (bytes32 root, uint256 paid, bool placed) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 0x4000) { i := add(i, 0x20) } { mstore(add(free, i), dirt) }
        }
        return PayoutTree.read(epoch, first, words);
    }

    function climb(uint256 epoch, uint256 word, uint256 position, bytes32[] calldata proof) external pure returns (bytes32) {
        return PayoutTree.climb(epoch, word, position, proof);
    }
}

/// @notice The fast tree beside a slow one.
contract PayoutTreeTest is Test {
    Tree private tree = new Tree();

    function testFuzz_a_page_is_read_as_plain_solidity_reads_it(
        uint256 epoch,
        uint16 first,
        uint256 seed,
        uint8 size,
        uint256 dirt
    ) public view {
        uint256[] memory words = _words(first, seed, (uint256(size) % 70) + 1);
        (bytes32 root, uint256 paid, bool placed) = tree.read(epoch, first, words, dirt);
        assertTrue(placed, "placed");
        assertEq(root, _root(epoch, words), "root");
        assertEq(paid, _paid(words), "paid");
    }

    function testFuzz_one_bit_out_of_place_is_seen(uint16 first, uint256 seed, uint8 size, uint8 place, uint8 bit) public view {
        uint256[] memory words = _words(first, seed, (uint256(size) % 20) + 1);
        uint256 i = place % words.length;
        words[i] ^= 1 << bit;
        (, , bool placed) = tree.read(1, first, words, 0);
        assertTrue(placed == (bit <= 96), "placed");
        assertTrue(placed == PayoutWord.isAt(words[i], uint256(first) + i), "as the word says of itself");
    }

    function testFuzz_every_word_climbs_to_the_root(uint256 epoch, uint256 seed, uint8 size) public view {
        uint256[] memory words = _words(0, seed, (uint256(size) % 34) + 1);
        bytes32 root = _root(epoch, words);
        for (uint256 i = 0; i < words.length; ++i) {
            bytes32[] memory proof = _siblings(epoch, words, i);
            assertEq(tree.climb(epoch, words[i], i, proof), root, "root");
            assertTrue(PayoutTree.isDepth(words.length, proof.length), "depth");
            if (proof.length == 0) continue;
            proof[seed % proof.length] ^= bytes32(uint256(1));
            assertTrue(tree.climb(epoch, words[i], i, proof) != root, "another path");
        }
    }

    function test_every_count_has_one_depth() public pure {
        for (uint256 count = 1; count <= 1025; ++count) {
            uint256 depth = 0;
            while (2 ** depth < count) ++depth;
            for (uint256 other = 0; other < 13; ++other) {
                assertTrue(PayoutTree.isDepth(count, other) == (other == depth), "depth");
            }
            assertTrue(!PayoutTree.isDepth(count, 256 + depth), "no other");
        }
    }

    /// The same page is in ledger/payout-tree.test.ts.
    function test_the_root_is_that_of_the_typescript_reference() public view {
        uint256[] memory words = new uint256[](1000);
        for (uint256 i = 0; i < 1000; ++i) words[i] = (i * i + 1) | (i % 3 == 0 ? 1 << 96 : 0) | (i << 128);
        (bytes32 root, uint256 paid, bool placed) = tree.read(7, 0, words, type(uint256).max);
        assertTrue(placed, "placed");
        assertEq(paid, 221556555, "paid");
        assertEq(root, 0xb33d3527090ba54b4d30c09628cb54a2fcfc532024710c2b79a45a54ed504307, "root");
    }

    // --- the slow tree ---

    function _words(uint256 first, uint256 seed, uint256 count) private pure returns (uint256[] memory words) {
        words = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            words[i] = (random & ((1 << 97) - 1)) | ((first + i) << 128);
        }
    }

    function _paid(uint256[] memory words) private pure returns (uint256 paid) {
        for (uint256 i = 0; i < words.length; ++i) {
            if (!PayoutWord.isCharge(words[i])) paid += PayoutWord.amount(words[i]);
        }
    }

    function _level(uint256 epoch, uint256[] memory words) private pure returns (bytes32[] memory level) {
        uint256 size = 1;
        while (size < words.length) size *= 2;
        level = new bytes32[](size);
        for (uint256 i = 0; i < words.length; ++i) level[i] = keccak256(abi.encode(epoch, words[i]));
    }

    function _above(bytes32[] memory level) private pure returns (bytes32[] memory next) {
        next = new bytes32[](level.length / 2);
        for (uint256 i = 0; i < next.length; ++i) next[i] = keccak256(abi.encode(level[2 * i], level[2 * i + 1]));
    }

    function _root(uint256 epoch, uint256[] memory words) private pure returns (bytes32) {
        bytes32[] memory level = _level(epoch, words);
        while (level.length > 1) level = _above(level);
        return level[0];
    }

    function _siblings(uint256 epoch, uint256[] memory words, uint256 index) private pure returns (bytes32[] memory proof) {
        bytes32[] memory level = _level(epoch, words);
        uint256 depth = 0;
        while (2 ** depth < level.length) ++depth;
        proof = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = level[index ^ 1];
            level = _above(level);
            index >>= 1;
        }
    }
}
