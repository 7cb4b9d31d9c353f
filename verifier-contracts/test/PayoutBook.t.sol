// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {EpochBook} from "../src/EpochBook.sol";
import {EpochExpired, Phase, WrongPhase} from "../src/Epochs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {PayoutBook} from "../src/PayoutBook.sol";
import {Claims} from "./Claims.sol";

contract PayoutBookTest is Claims {
    /// @dev Pages of 2, 2 and 1 contributions.
    uint256 private constant SIZE = 2;

    // --- attacks on the post ---

    function test_one_wei_moved_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[0] -= 1;
        words[3] += 1;
        vm.expectRevert(IVerifier.ProofRejected.selector);
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_one_wei_more_is_a_wrong_sum() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[0] += 1;
        _wrongSum(epoch, words, publics, proof, publics[6] + 1);
    }

    function test_a_sign_turned_is_a_wrong_sum() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[1] ^= 1 << 96;
        _wrongSum(epoch, words, publics, proof, publics[6] + 2 ether);
    }

    function test_another_sum_is_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        uint256 paid = publics[6];
        publics[6] += 1;
        _wrongSum(epoch, words, publics, proof, paid);
    }

    function test_a_charge_changed_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[1] -= 1;
        vm.expectRevert(IVerifier.ProofRejected.selector);
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_an_aliased_word_is_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[2] += BN254.R;
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.WordMisplaced.selector, 2, words[2]));
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function testFuzz_a_bit_outside_the_layout_is_refused(uint8 bit) public {
        vm.assume(bit > 96);
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[4] ^= 1 << bit;
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.WordMisplaced.selector, 4, words[4]));
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_another_order_is_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        (words[3], words[4]) = (words[4], words[3]);
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.WordMisplaced.selector, 3, words[3]));
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_amounts_in_another_order_are_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        uint256 amount = uint96(words[0]);
        (words[0], words[2]) = (0, amount | (2 << 128));
        vm.expectRevert(IVerifier.ProofRejected.selector);
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_a_missing_word_is_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        assembly ("memory-safe") {
            mstore(words, 4)
        }
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.WordCount.selector, COUNT, 4));
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_other_scores_and_pool_are_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        publics[0] = 1;
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, 0, 1));
        payouts.post(epoch, PAGE, publics, words, proof);
        publics[0] = 0;
        publics[1] += 1;
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, publics[1] - 1, publics[1]));
        payouts.post(epoch, PAGE, publics, words, proof);
        publics[1] -= 1;
        publics[3] += 1;
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.PoolMismatch.selector, POOL, POOL + 1));
        payouts.post(epoch, PAGE, publics, words, proof);
        publics[3] -= 1;
        publics[2] = 1;
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.PageMisplaced.selector, 0, 1));
        payouts.post(epoch, PAGE, publics, words, proof);
        publics[2] = 0;
        publics[5] += 1;
        vm.expectRevert(IVerifier.ProofRejected.selector);
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_pages_have_a_size() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        uint256[2] memory bad = [uint256(0), 1025];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(PayoutBook.PageSizeOutOfRange.selector, 1024, bad[i]));
            payouts.post(epoch, bad[i], publics, words, proof);
        }
        payouts.post(epoch, 1024, publics, words, proof);
    }

    // --- payouts in pages ---

    function test_pages_are_posted_in_order_by_anybody() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        bytes32 id = _payoutId(epoch, POOL, _positiveOf(words), SIZE);
        vm.startPrank(stranger);
        for (uint256 page = 0; page < 3; ++page) {
            uint256[7] memory publics = _payoutPublics(epoch, words, page * SIZE, SIZE);
            uint256[] memory part = _slice(words, page * SIZE, SIZE);
            Proof memory proof = _payoutProof(epoch, publics, part);
            bytes32 root = _rootOf(epoch, part);
            assertEq(uint256(distributor.accountOf(epoch).status), 0, "not posted yet");
            vm.expectEmit();
            emit PayoutBook.PayoutPagePosted(epoch, id, page, root);
            if (page == 2) {
                uint96 dust = uint96(_dustOf(words, POOL));
                vm.expectEmit();
                emit RewardDistributor.PayoutPosted(epoch, id, uint96(POOL), dust, COUNT, SIZE, ACTIVE);
            }
            payouts.post(epoch, SIZE, publics, part, proof);
            PayoutBook.Payout memory posted = payouts.payoutOf(id);
            assertEq(posted.count, page == 2 ? 0 : publics[2] + part.length, "count");
            assertEq(posted.paid, page == 2 ? 0 : POOL - _dustOf(_slice(words, 0, (page + 1) * SIZE), POOL), "paid");
        }
        for (uint256 page = 0; page < 3; ++page) {
            assertEq(distributor.rootOf(epoch, page), _rootOf(epoch, _slice(words, page * SIZE, SIZE)), "root");
        }
        vm.stopPrank();
        RewardDistributor.Account memory account = distributor.accountOf(epoch);
        assertEq(uint256(account.status), uint256(RewardDistributor.Status.Posted), "posted");
        assertEq(account.payout, id, "payout");
        assertEq(account.count, COUNT, "words");
        assertEq(account.pageSize, SIZE, "page size");
        assertEq(account.paid, account.balance, "paid");
        assertEq(uint256(account.balance) + account.dust, POOL, "pool");
        vm.warp(ACTIVE);
        for (uint256 i = 0; i < COUNT; ++i) _claim(epoch, words, i, SIZE);
        assertEq(token.balanceOf(_wallet(0)), uint96(words[0]), "paid on the first page");
        assertEq(token.balanceOf(_wallet(3)), uint96(words[3]), "paid on the second page");
        assertEq(token.balanceOf(_wallet(4)), uint96(words[4]), "paid on the last page");
        assertEq(distributor.accountOf(epoch).balance, 0, "all paid");
        assertEq(token.balanceOf(address(distributor)), account.dust, "dust is left");
    }

    function test_a_page_is_neither_left_out_nor_repeated() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        _pageRefused(epoch, words, 1, abi.encodeWithSelector(PayoutBook.PageMisplaced.selector, 0, 2));
        _postPage(epoch, words, 0, SIZE);
        _pageRefused(epoch, words, 0, abi.encodeWithSelector(PayoutBook.PageMisplaced.selector, 2, 0));
        _pageRefused(epoch, words, 2, abi.encodeWithSelector(PayoutBook.PageMisplaced.selector, 2, 4));
        _postPage(epoch, words, 1, SIZE);
        _postPage(epoch, words, 2, SIZE);
        bytes memory fault = _status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Posted);
        _pageRefused(epoch, words, 2, fault);
    }

    function test_only_the_last_page_is_shorter() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        uint256[7] memory publics = _payoutPublics(epoch, words, 0, SIZE);
        uint256[] memory part = _slice(words, 0, 1);
        Proof memory proof = _payoutProof(epoch, publics, part);
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.WordCount.selector, 2, 1));
        payouts.post(epoch, SIZE, publics, part, proof);
    }

    function test_words_of_a_page_stand_at_their_index() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        _postPage(epoch, words, 0, SIZE);
        uint256[7] memory publics = _payoutPublics(epoch, words, SIZE, SIZE);
        uint256[] memory part = _slice(words, SIZE, SIZE);
        part[0] -= 2 << 128;
        Proof memory proof = _payoutProof(epoch, publics, part);
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.WordMisplaced.selector, 2, part[0]));
        payouts.post(epoch, SIZE, publics, part, proof);
    }

    /// Payouts are proven along pages of scores; between their ends there is no commitment.
    function test_pages_end_where_pages_of_scores_do() public {
        uint256 epoch = _attributed(COUNT, 3);
        _fund(epoch, POOL);
        uint256[] memory words = _payoutWords(COUNT);
        uint256 named = _payoutPublics(epoch, words, 0, SIZE)[1];
        _pageRefused(epoch, words, 0, abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, 0, named));
        _postPage(epoch, words, 0, 3);
        _postPage(epoch, words, 1, 3);
    }

    /// Anybody can prove a page of invented scores, for the pool and the sum that all pages name: it must not take the place of a true one.
    function test_a_page_of_invented_scores_is_refused() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        uint256[7] memory publics = _payoutPublics(epoch, words, 0, SIZE);
        uint256 good = publics[1];
        publics[1] = _field("invented scores", epoch, 0);
        uint256[] memory part = _slice(words, 0, SIZE);
        (part[0], part[1]) = (5, 1 << 128);
        publics[6] = 5;
        Proof memory proof = _payoutProof(epoch, publics, part);
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, good, publics[1]));
        payouts.post(epoch, SIZE, publics, part, proof);
    }

    /// Pages that name another sum of positive scores are true by themselves. They come to no end, and block nobody.
    function test_a_wrong_sum_of_positive_scores_blocks_nobody() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        uint256 positive = _positiveOf(words);
        vm.startPrank(stranger);
        for (uint256 page = 0; page < 3; ++page) {
            uint256[7] memory publics = _payoutPublics(epoch, words, page * SIZE, SIZE);
            publics[4] = positive + 1;
            uint256[] memory part = _slice(words, page * SIZE, SIZE);
            Proof memory proof = _payoutProof(epoch, publics, part);
            if (page == 2) {
                vm.expectRevert(
                    abi.encodeWithSelector(PayoutBook.PositiveMismatch.selector, positive + 1, positive)
                );
            }
            payouts.post(epoch, SIZE, publics, part, proof);
            if (page != 2) {
                vm.stopPrank();
                _postPage(epoch, words, page, SIZE);
                vm.startPrank(stranger);
            }
        }
        vm.stopPrank();
        _postPage(epoch, words, 2, SIZE);
        assertEq(distributor.accountOf(epoch).payout, _payoutId(epoch, POOL, positive, SIZE), "the true one");
    }

    function test_page_sizes_are_kept_apart() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        _postPage(epoch, words, 0, SIZE);
        _postPage(epoch, words, 0, 4);
        _postPage(epoch, words, 1, SIZE);
        _postPage(epoch, words, 1, 4);
        assertEq(distributor.accountOf(epoch).payout, _payoutId(epoch, POOL, _positiveOf(words), 4), "payout");
        bytes memory fault = _status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Posted);
        _pageRefused(epoch, words, 2, fault);
        vm.warp(ACTIVE);
        for (uint256 i = 0; i < COUNT; ++i) _claim(epoch, words, i, 4);
    }

    function test_funding_between_pages_begins_another_payout() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        _postPage(epoch, words, 0, SIZE);
        _fund(epoch, 1);
        _pageRefused(epoch, words, 1, abi.encodeWithSelector(PayoutBook.PoolMismatch.selector, POOL + 1, POOL));
        for (uint256 page = 0; page < 3; ++page) {
            uint256[7] memory publics = _payoutPublics(epoch, words, page * SIZE, SIZE);
            publics[3] = POOL + 1;
            uint256[] memory part = _slice(words, page * SIZE, SIZE);
            payouts.post(epoch, SIZE, publics, part, _payoutProof(epoch, publics, part));
        }
        RewardDistributor.Account memory account = distributor.accountOf(epoch);
        assertEq(uint256(account.balance) + account.dust, POOL + 1, "pool");
        assertEq(account.dust, _dustOf(words, POOL + 1), "dust");
    }

    function test_words_are_claimed_from_their_own_page() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        for (uint256 page = 0; page < 3; ++page) _postPage(epoch, words, page, SIZE);
        vm.warp(ACTIVE);
        uint256[] memory first = _slice(words, 0, SIZE);
        uint256[] memory second = _slice(words, 2, SIZE);
        // The path of the same place on another page, and of a tree over all words.
        _invalid(epoch, words[0], _siblings(epoch, second, 0));
        _invalid(epoch, words[2], _siblings(epoch, first, 0));
        _invalid(epoch, words[0], _siblings(epoch, words, 0));
        // The last page has one word, so its leaf is its root.
        _invalid(epoch, words[4], _siblings(epoch, first, 0));
        _invalid(epoch, words[4] + (1 << 128), new bytes32[](0));
        distributor.claim(epoch, words[4], new bytes32[](0));
        _claim(epoch, words, 3, SIZE);
        bytes32[] memory proof = _siblings(epoch, second, 1);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.AlreadyClaimed.selector, epoch, 3));
        distributor.claim(epoch, words[3], proof);
    }

    function test_an_unfinished_payout_is_refunded_at_expiry() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        _postPage(epoch, words, 0, SIZE);
        bytes32[] memory proof = _siblings(epoch, _slice(words, 0, SIZE), 0);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.Posted, RewardDistributor.Status.None));
        distributor.claim(epoch, words[0], proof);
        vm.warp(EXPIRY);
        _pageRefused(epoch, words, 1, abi.encodeWithSelector(EpochExpired.selector, epoch, EXPIRY));
        uint256 before = token.balanceOf(address(this));
        distributor.refund(epoch);
        assertEq(token.balanceOf(address(this)) - before, POOL, "refund");
        registry.withdrawStake(epoch, 1);
    }

    // --- one epoch, one chain, one contract ---

    function test_another_epochs_proof_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        Proof memory foreign = _payoutProof(epoch + 1, publics, words);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        payouts.post(epoch, PAGE, publics, words, foreign);
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_another_chains_proof_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        vm.chainId(31338);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_another_contracts_proof_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, ) = _ready();
        Proof memory proof = _payoutProofAt(address(book), epoch, publics, words);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_an_epoch_is_spent_once() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        payouts.post(epoch, PAGE, publics, words, proof);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Posted));
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_post_needs_scores_and_time() public {
        uint256 epoch = _openWith(COUNT);
        _fund(epoch, POOL);
        uint256[] memory words = _payoutWords(COUNT);
        uint256[7] memory publics = _payoutPublics(epoch, words, 0, PAGE);
        Proof memory proof = _payoutProof(epoch, publics, words);
        vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, epoch, Phase.Attributed, Phase.Open));
        payouts.post(epoch, PAGE, publics, words, proof);
        registry.closeEpoch(epoch);
        _postCheckpoint(epoch);
        _commitQueries(epoch);
        _postQueries(epoch);
        vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, epoch, Phase.Attributed, Phase.QueriesPosted));
        payouts.post(epoch, PAGE, publics, words, proof);
        _postAttribution(epoch);
        vm.warp(EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(EpochExpired.selector, epoch, EXPIRY));
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function test_post_is_for_anybody() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        vm.prank(stranger);
        payouts.post(epoch, PAGE, publics, words, proof);
        RewardDistributor.Account memory account = distributor.accountOf(epoch);
        assertEq(account.activatesAt, ACTIVE, "active");
        assertEq(account.dust, POOL - publics[6], "dust");
    }

    // --- helpers ---

    /// @dev An attributed and funded epoch to be paid in pages of SIZE.
    function _paged() private returns (uint256 epoch, uint256[] memory words) {
        epoch = _attributed(COUNT, SIZE);
        _fund(epoch, POOL);
        words = _payoutWords(COUNT);
    }

    function _pageRefused(uint256 epoch, uint256[] memory words, uint256 page, bytes memory fault) private {
        uint256[7] memory publics = _payoutPublics(epoch, words, page * SIZE, SIZE);
        uint256[] memory part = _slice(words, page * SIZE, SIZE);
        Proof memory proof = _payoutProof(epoch, publics, part);
        vm.expectRevert(fault);
        payouts.post(epoch, SIZE, publics, part, proof);
    }

    function _wrongSum(
        uint256 epoch,
        uint256[] memory words,
        uint256[7] memory publics,
        Proof memory proof,
        uint256 sum
    ) private {
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.SumMismatch.selector, sum, publics[6]));
        payouts.post(epoch, PAGE, publics, words, proof);
    }

    function _payoutId(uint256 epoch, uint256 pool, uint256 positive, uint256 size) private pure returns (bytes32) {
        return keccak256(abi.encode(epoch, pool, positive, size));
    }

    /// @dev The root over a page of one or two words.
    function _rootOf(uint256 epoch, uint256[] memory part) private pure returns (bytes32) {
        bytes32 leaf = keccak256(abi.encode(epoch, part[0]));
        return part.length == 1 ? leaf : keccak256(abi.encode(leaf, keccak256(abi.encode(epoch, part[1]))));
    }
}
