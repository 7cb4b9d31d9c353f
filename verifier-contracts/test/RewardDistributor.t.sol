// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BN254} from "../src/BN254.sol";
import {ContributionRegistry} from "../src/ContributionRegistry.sol";
import {EpochBook} from "../src/EpochBook.sol";
import {EpochExpired, EpochPolicy, NotSteward, Phase, WrongPhase} from "../src/Epochs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {House} from "./House.sol";
import {FalseToken, FeeToken, ReentrantToken} from "./Tokens.sol";

contract RewardDistributorTest is House {
    uint256 private constant COUNT = 5;
    /// @dev Pages of 2, 2 and 1 contributions.
    uint256 private constant SIZE = 2;
    uint256 private constant SWEEPABLE = ACTIVE + 180 days;

    // --- the whole way ---

    function test_an_epoch_pays_what_its_words_say() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        uint256 funded = token.balanceOf(address(distributor));
        assertEq(funded, POOL, "pool");
        vm.warp(ACTIVE);
        vm.prank(stranger);
        _claim(epoch, words, 0);
        for (uint256 i = 1; i < COUNT; ++i) _claim(epoch, words, i);
        assertEq(token.balanceOf(_wallet(0)), uint96(words[0]), "paid");
        assertEq(token.balanceOf(_wallet(1)), 0, "a charge pays nothing");
        assertEq(token.balanceOf(_wallet(2)), 0, "zero pays nothing");
        assertEq(vault.creditOf(treasury), 2 ether, "charged");
        RewardDistributor.Account memory account = distributor.accountOf(epoch);
        assertEq(account.balance, 0, "balance");
        assertEq(token.balanceOf(address(distributor)), account.dust, "dust is left");

        for (uint256 i = 0; i < COUNT; ++i) registry.withdrawStake(epoch, i);
        assertEq(token.balanceOf(_wallet(1)), STAKE - 2 ether, "stake after the charge");
        assertEq(token.balanceOf(address(vault)), 2 ether, "no stake left");
        distributor.returnDust(epoch);
        assertEq(token.balanceOf(address(distributor)), 0, "nothing left");
    }

    function test_single_contribution_has_an_empty_path() public {
        (uint256 epoch, uint256[] memory words) = _posted(1);
        vm.warp(ACTIVE);
        _claim(epoch, words, 0);
        assertEq(token.balanceOf(_wallet(0)), POOL - 7, "paid");
    }

    /// @dev Random words, pages of any size and claims in any order: pool = paid + balance + dust, and each is paid its own amount, once.
    function testFuzz_every_wei_is_accounted_for(uint256 seed, uint8 size) public {
        uint256 count = (uint256(size) % 9) + 1;
        uint256 perPage = ((seed >> 8) % count) + 1;
        uint256 epoch = _attributed(count, perPage);
        _fund(epoch, POOL);
        uint256[] memory words = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            words[i] = ((random >> 8) % (POOL / count)) | ((random & 1) << 96) | (i << 128);
        }
        for (uint256 page = 0; page < _pages(count, perPage); ++page) _postPage(epoch, words, page, perPage);
        vm.warp(ACTIVE);
        uint256 paid;
        uint256 dust = _dustOf(words, POOL);
        for (uint256 k = 0; k < count; ++k) {
            uint256 i = (k + seed % count) % count;
            _claim(epoch, words, i, perPage);
            bool charge = (words[i] >> 96) & 1 == 1;
            uint256 amount = uint96(words[i]);
            if (!charge) paid += amount;
            assertEq(token.balanceOf(_wallet(i)), charge ? 0 : amount, "wallet");
            uint256 left = charge ? (amount < STAKE ? STAKE - amount : 0) : STAKE;
            assertEq(registry.contributionOf(epoch, i).stake, left, "stake");
            RewardDistributor.Account memory account = distributor.accountOf(epoch);
            assertEq(paid + account.balance + account.dust, POOL, "pool");
            assertEq(account.dust, dust, "dust");
            assertEq(token.balanceOf(address(distributor)), POOL - paid, "balance");
        }
    }

    function test_charge_beyond_the_stake_is_a_shortfall() public {
        uint256 epoch = _attributed(2);
        _fund(epoch, POOL);
        uint256[] memory words = _payoutWords(2);
        words[1] = (uint256(STAKE) + 1 ether) | (1 << 96) | (1 << 128);
        _post(epoch, words);
        vm.warp(ACTIVE);
        bytes32[] memory proof = _siblings(epoch, words, 1);
        vm.expectEmit();
        emit ContributionRegistry.StakeCharged(epoch, 1, STAKE, 1 ether);
        vm.expectEmit();
        emit RewardDistributor.Charged(epoch, 1, STAKE, 1 ether);
        distributor.claim(epoch, words[1], proof);
        assertEq(vault.creditOf(treasury), STAKE, "treasury");
    }

    // --- funding ---

    function test_only_the_funder_funds() public {
        uint256 epoch = _openWith(0);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotFunder.selector, epoch, address(this), stranger));
        distributor.fund(epoch, 1);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.EpochUnknown.selector, epoch + 1));
        distributor.fund(epoch + 1, 1);
    }

    function test_funding_adds_up_and_ends() public {
        (uint256 epoch, ) = _posted(COUNT);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Posted));
        distributor.fund(epoch, 1);
        uint256 next = _openWith(0);
        _fund(next, 3);
        _fund(next, 4);
        assertEq(distributor.accountOf(next).balance, 7, "pool");
        vm.warp(EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(EpochExpired.selector, next, EXPIRY));
        distributor.fund(next, 1);
    }

    function test_a_fee_token_counts_what_arrived() public {
        _deploy(new FeeToken());
        uint256 epoch = _openWith(0);
        _fund(epoch, 1000);
        assertEq(distributor.accountOf(epoch).balance, 990, "pool");
        assertEq(token.balanceOf(address(distributor)), 990, "balance");
    }

    // --- attacks on the post ---

    function test_one_wei_moved_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[0] -= 1;
        words[3] += 1;
        vm.expectRevert(IVerifier.ProofRejected.selector);
        distributor.post(epoch, PAGE, publics, words, proof);
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

    /// A proof cannot pay more than the pool; if one did, nothing would be posted.
    function test_no_more_than_the_pool_is_paid() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[0] += POOL + 1 - publics[6];
        publics[6] = POOL + 1;
        proof = _payoutProof(epoch, publics, words);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.PoolExceeded.selector, POOL, POOL + 1));
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_a_charge_changed_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[1] -= 1;
        vm.expectRevert(IVerifier.ProofRejected.selector);
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_an_aliased_word_is_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[2] += BN254.R;
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.WordMisplaced.selector, 2, words[2]));
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function testFuzz_a_bit_outside_the_layout_is_refused(uint8 bit) public {
        vm.assume(bit > 96);
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[4] ^= 1 << bit;
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.WordMisplaced.selector, 4, words[4]));
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_another_order_is_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        (words[3], words[4]) = (words[4], words[3]);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.WordMisplaced.selector, 3, words[3]));
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_amounts_in_another_order_are_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        uint256 amount = uint96(words[0]);
        (words[0], words[2]) = (0, amount | (2 << 128));
        vm.expectRevert(IVerifier.ProofRejected.selector);
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_a_missing_word_is_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        assembly ("memory-safe") {
            mstore(words, 4)
        }
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.WordCount.selector, COUNT, 4));
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_other_scores_and_pool_are_refused() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        publics[0] = 1;
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, 0, 1));
        distributor.post(epoch, PAGE, publics, words, proof);
        publics[0] = 0;
        publics[1] += 1;
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, publics[1] - 1, publics[1]));
        distributor.post(epoch, PAGE, publics, words, proof);
        publics[1] -= 1;
        publics[3] += 1;
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.PoolMismatch.selector, POOL, POOL + 1));
        distributor.post(epoch, PAGE, publics, words, proof);
        publics[3] -= 1;
        publics[2] = 1;
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.PageMisplaced.selector, 0, 1));
        distributor.post(epoch, PAGE, publics, words, proof);
        publics[2] = 0;
        publics[5] += 1;
        vm.expectRevert(IVerifier.ProofRejected.selector);
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_pages_have_a_size() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        uint256[2] memory bad = [uint256(0), 1025];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(RewardDistributor.PageSizeOutOfRange.selector, 1024, bad[i]));
            distributor.post(epoch, bad[i], publics, words, proof);
        }
        distributor.post(epoch, 1024, publics, words, proof);
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
            emit RewardDistributor.PayoutPagePosted(epoch, id, page, root);
            if (page == 2) {
                uint96 dust = uint96(_dustOf(words, POOL));
                vm.expectEmit();
                emit RewardDistributor.PayoutPosted(epoch, id, publics[1], uint96(POOL), dust, COUNT, SIZE, ACTIVE);
            }
            distributor.post(epoch, SIZE, publics, part, proof);
            RewardDistributor.Payout memory posted = distributor.payoutOf(id);
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
        _pageRefused(epoch, words, 1, abi.encodeWithSelector(RewardDistributor.PageMisplaced.selector, 0, 2));
        _postPage(epoch, words, 0, SIZE);
        _pageRefused(epoch, words, 0, abi.encodeWithSelector(RewardDistributor.PageMisplaced.selector, 2, 0));
        _pageRefused(epoch, words, 2, abi.encodeWithSelector(RewardDistributor.PageMisplaced.selector, 2, 4));
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
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.WordCount.selector, 2, 1));
        distributor.post(epoch, SIZE, publics, part, proof);
    }

    function test_words_of_a_page_stand_at_their_index() public {
        (uint256 epoch, uint256[] memory words) = _paged();
        _postPage(epoch, words, 0, SIZE);
        uint256[7] memory publics = _payoutPublics(epoch, words, SIZE, SIZE);
        uint256[] memory part = _slice(words, SIZE, SIZE);
        part[0] -= 2 << 128;
        Proof memory proof = _payoutProof(epoch, publics, part);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.WordMisplaced.selector, 2, part[0]));
        distributor.post(epoch, SIZE, publics, part, proof);
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
        distributor.post(epoch, SIZE, publics, part, proof);
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
                    abi.encodeWithSelector(RewardDistributor.PositiveMismatch.selector, positive + 1, positive)
                );
            }
            distributor.post(epoch, SIZE, publics, part, proof);
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
        _pageRefused(epoch, words, 1, abi.encodeWithSelector(RewardDistributor.PoolMismatch.selector, POOL + 1, POOL));
        for (uint256 page = 0; page < 3; ++page) {
            uint256[7] memory publics = _payoutPublics(epoch, words, page * SIZE, SIZE);
            publics[3] = POOL + 1;
            uint256[] memory part = _slice(words, page * SIZE, SIZE);
            distributor.post(epoch, SIZE, publics, part, _payoutProof(epoch, publics, part));
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
        distributor.post(epoch, PAGE, publics, words, foreign);
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_another_chains_proof_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        vm.chainId(31338);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_another_contracts_proof_is_rejected() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, ) = _ready();
        Proof memory proof = _payoutProofAt(address(book), epoch, publics, words);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_an_epoch_is_spent_once() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        distributor.post(epoch, PAGE, publics, words, proof);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Posted));
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_post_needs_scores_and_time() public {
        uint256 epoch = _openWith(COUNT);
        _fund(epoch, POOL);
        uint256[] memory words = _payoutWords(COUNT);
        uint256[7] memory publics = _payoutPublics(epoch, words, 0, PAGE);
        Proof memory proof = _payoutProof(epoch, publics, words);
        vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, epoch, Phase.Attributed, Phase.Open));
        distributor.post(epoch, PAGE, publics, words, proof);
        registry.closeEpoch(epoch);
        _postCheckpoint(epoch);
        _commitQueries(epoch);
        _postQueries(epoch);
        vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, epoch, Phase.Attributed, Phase.QueriesPosted));
        distributor.post(epoch, PAGE, publics, words, proof);
        _postAttribution(epoch);
        vm.warp(EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(EpochExpired.selector, epoch, EXPIRY));
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function test_post_is_for_anybody() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        vm.prank(stranger);
        distributor.post(epoch, PAGE, publics, words, proof);
        RewardDistributor.Account memory account = distributor.accountOf(epoch);
        assertEq(account.activatesAt, ACTIVE, "active");
        assertEq(account.dust, POOL - publics[6], "dust");
    }

    // --- attacks on the claim ---

    function test_claims_wait_for_activation() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        bytes32[] memory proof = _siblings(epoch, words, 0);
        vm.warp(ACTIVE - 1);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotActive.selector, epoch, ACTIVE));
        distributor.claim(epoch, words[0], proof);
        vm.warp(ACTIVE);
        distributor.claim(epoch, words[0], proof);
    }

    function test_a_word_is_settled_once() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.warp(ACTIVE);
        for (uint256 i = 0; i < 3; ++i) {
            _claim(epoch, words, i);
            bytes32[] memory proof = _siblings(epoch, words, i);
            vm.expectRevert(abi.encodeWithSelector(RewardDistributor.AlreadyClaimed.selector, epoch, i));
            distributor.claim(epoch, words[i], proof);
        }
    }

    function test_another_word_or_path_is_invalid() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.warp(ACTIVE);
        bytes32[] memory proof = _siblings(epoch, words, 0);
        _invalid(epoch, words[0] + 1, proof);
        _invalid(epoch, words[0] | (1 << 128), proof);
        _invalid(epoch, words[3], proof);
        proof[1] ^= bytes32(uint256(1));
        _invalid(epoch, words[0], proof);
    }

    function test_an_inner_node_is_no_leaf() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.warp(ACTIVE);
        bytes32[] memory proof = _siblings(epoch, words, 0);
        bytes32[] memory shorter = new bytes32[](2);
        (shorter[0], shorter[1]) = (proof[1], proof[2]);
        _invalid(epoch, words[0], shorter);
        _invalid(epoch, words[0], new bytes32[](0));
        bytes32[] memory longer = new bytes32[](4);
        _invalid(epoch, words[0], longer);
    }

    function test_another_epochs_word_is_invalid() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        (uint256 other, ) = _posted(COUNT);
        vm.warp(ACTIVE);
        _invalid(other, words[0], _siblings(epoch, words, 0));
    }

    function test_claim_pays_the_current_wallet() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        address to = vm.addr(77);
        _rotate(epoch, 0, to);
        vm.warp(ACTIVE);
        _claim(epoch, words, 0);
        assertEq(token.balanceOf(to), uint96(words[0]), "new wallet");
        assertEq(token.balanceOf(_wallet(0)), 0, "old wallet");
        registry.withdrawStake(epoch, 0);
        assertEq(token.balanceOf(to), uint96(words[0]) + STAKE, "stake follows");
    }

    function test_stake_is_locked_until_the_word_is_settled() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.warp(ACTIVE);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.StakeLocked.selector, epoch, 1));
        registry.withdrawStake(epoch, 1);
        _claim(epoch, words, 1);
        registry.withdrawStake(epoch, 1);
    }

    // --- veto, refund, sweep, dust ---

    function test_veto_gives_everything_back() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotVetoer.selector, epoch, vetoer, stranger));
        distributor.veto(epoch, "no");
        vm.prank(vetoer);
        distributor.veto(epoch, "wrong queries");
        uint256 before = token.balanceOf(address(this));
        vm.prank(stranger);
        distributor.refund(epoch);
        assertEq(token.balanceOf(address(this)) - before, POOL, "refund");
        registry.withdrawStake(epoch, 1);
        assertEq(token.balanceOf(_wallet(1)), STAKE, "stake");

        vm.warp(ACTIVE);
        bytes memory fault = _status(epoch, RewardDistributor.Status.Posted, RewardDistributor.Status.Refunded);
        bytes32[] memory proof = _siblings(epoch, words, 0);
        vm.expectRevert(fault);
        distributor.claim(epoch, words[0], proof);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Refunded));
        distributor.refund(epoch);
    }

    function test_vetoed_epochs_are_not_posted_again() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        distributor.post(epoch, PAGE, publics, words, proof);
        vm.prank(vetoer);
        distributor.veto(epoch, "no");
        vm.expectRevert(_status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Vetoed));
        distributor.post(epoch, PAGE, publics, words, proof);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.Posted, RewardDistributor.Status.Vetoed));
        vm.prank(vetoer);
        distributor.veto(epoch, "no");
    }

    function test_veto_ends_with_activation() public {
        (uint256 epoch, ) = _posted(COUNT);
        vm.warp(ACTIVE);
        vm.prank(vetoer);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.AlreadyActive.selector, epoch, ACTIVE));
        distributor.veto(epoch, "too late");
    }

    function test_refund_of_an_expired_epoch() public {
        uint256 epoch = _attributed(COUNT);
        _fund(epoch, POOL);
        vm.warp(EXPIRY - 1);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotExpired.selector, epoch, EXPIRY));
        distributor.refund(epoch);
        vm.warp(EXPIRY);
        uint256 before = token.balanceOf(address(this));
        distributor.refund(epoch);
        assertEq(token.balanceOf(address(this)) - before, POOL, "refund");
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.EpochUnknown.selector, 99));
        distributor.refund(99);
    }

    function test_an_empty_epoch_has_nothing_to_refund() public {
        uint256 epoch = _openWith(0);
        vm.warp(EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NothingToMove.selector, epoch));
        distributor.refund(epoch);
    }

    function test_a_posted_epoch_is_not_refunded() public {
        (uint256 epoch, ) = _posted(COUNT);
        vm.warp(EXPIRY);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Posted));
        distributor.refund(epoch);
    }

    function test_sweep_only_after_180_days() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.warp(ACTIVE);
        _claim(epoch, words, 0);
        vm.warp(SWEEPABLE - 1);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.TooEarly.selector, epoch, SWEEPABLE));
        distributor.sweep(epoch);
        _claim(epoch, words, 3);
        vm.warp(SWEEPABLE);
        uint256 before = token.balanceOf(address(this));
        vm.prank(stranger);
        distributor.sweep(epoch);
        uint256 paid = uint96(words[0]) + uint96(words[3]);
        assertEq(token.balanceOf(address(this)) - before, POOL - paid, "swept");
        assertEq(token.balanceOf(address(distributor)), 0, "nothing left");
        bytes32[] memory proof = _siblings(epoch, words, 4);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.Posted, RewardDistributor.Status.Swept));
        distributor.claim(epoch, words[4], proof);
        registry.withdrawStake(epoch, 4);
    }

    function test_dust_is_carried_by_the_steward() public {
        (uint256 epoch, ) = _posted(COUNT);
        uint256 next = _openWith(0);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotActive.selector, epoch, ACTIVE));
        distributor.carry(epoch, next);
        vm.warp(ACTIVE);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotSteward.selector, epoch, address(this), stranger));
        distributor.carry(epoch, next);
        uint96 dust = distributor.accountOf(epoch).dust;
        distributor.carry(epoch, next);
        assertEq(distributor.accountOf(next).balance, dust, "carried");
        assertEq(distributor.accountOf(epoch).dust, 0, "left");
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NothingToMove.selector, epoch));
        distributor.carry(epoch, next);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NothingToMove.selector, epoch));
        distributor.returnDust(epoch);
    }

    function test_dust_does_not_change_its_owner() public {
        (uint256 epoch, ) = _posted(COUNT);
        EpochPolicy memory policy = _policy();
        policy.funder = stranger;
        uint256 otherFunder = registry.openEpoch(policy);
        policy = _policy();
        vm.prank(stranger);
        uint256 otherSteward = registry.openEpoch(policy);
        vm.warp(ACTIVE);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.OtherOwner.selector, epoch, otherFunder));
        distributor.carry(epoch, otherFunder);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.OtherOwner.selector, epoch, otherSteward));
        distributor.carry(epoch, otherSteward);
        vm.expectRevert(_status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Posted));
        distributor.carry(epoch, epoch);
    }

    function test_dust_is_returned_to_the_funder() public {
        (uint256 epoch, ) = _posted(COUNT);
        vm.warp(ACTIVE);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotFunder.selector, epoch, address(this), stranger));
        distributor.returnDust(epoch);
        uint96 dust = distributor.accountOf(epoch).dust;
        uint256 before = token.balanceOf(address(this));
        distributor.returnDust(epoch);
        assertEq(token.balanceOf(address(this)) - before, dust, "returned");
    }

    // --- hostile tokens, deployment ---

    function test_a_reentrant_token_gets_nothing() public {
        ReentrantToken evil = new ReentrantToken();
        _deploy(evil);
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.warp(ACTIVE);
        bytes32[] memory proof = _siblings(epoch, words, 3);
        evil.arm(address(distributor), abi.encodeCall(distributor.claim, (epoch, words[3], proof)));
        _claim(epoch, words, 0);
        assertTrue(!evil.called(), "reentered");
        bytes32 guard = keccak256(abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
        assertEq(keccak256(evil.answer()), guard, "stopped by the guard");
        assertEq(token.balanceOf(address(distributor)), POOL - uint96(words[0]), "balance");

        evil.arm(address(registry), abi.encodeCall(registry.withdrawStake, (epoch, 0)));
        registry.withdrawStake(epoch, 0);
        assertTrue(!evil.called(), "reentered the registry");
        bytes memory empty = abi.encodeWithSelector(ContributionRegistry.StakeEmpty.selector, epoch, 0);
        assertEq(keccak256(evil.answer()), keccak256(empty), "booked before it was paid");
    }

    function test_a_token_that_returns_false_spends_no_claim() public {
        FalseToken no = new FalseToken();
        _deploy(no);
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.warp(ACTIVE);
        no.breakIt();
        bytes32[] memory proof = _siblings(epoch, words, 0);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(no)));
        distributor.claim(epoch, words[0], proof);
        assertTrue(!distributor.isClaimed(epoch, 0), "still open");
    }

    function test_deployment_is_checked() public {
        vm.expectRevert(
            abi.encodeWithSelector(RewardDistributor.NotRegistrysDistributor.selector, address(distributor))
        );
        new RewardDistributor(book, 1 days, guardian);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.DelayTooLong.selector, 31 days, 30 days));
        new RewardDistributor(book, 31 days, guardian);
    }

    // --- helpers ---

    /// @dev An attributed and funded epoch with a good proof for its words.
    function _ready()
        private
        returns (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof)
    {
        epoch = _attributed(COUNT);
        _fund(epoch, POOL);
        words = _payoutWords(COUNT);
        publics = _payoutPublics(epoch, words, 0, PAGE);
        proof = _payoutProof(epoch, publics, words);
    }

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
        distributor.post(epoch, SIZE, publics, part, proof);
    }

    function _wrongSum(
        uint256 epoch,
        uint256[] memory words,
        uint256[7] memory publics,
        Proof memory proof,
        uint256 sum
    ) private {
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.SumMismatch.selector, sum, publics[6]));
        distributor.post(epoch, PAGE, publics, words, proof);
    }

    function _payoutId(uint256 epoch, uint256 pool, uint256 positive, uint256 size) private pure returns (bytes32) {
        return keccak256(abi.encode(epoch, pool, positive, size));
    }

    /// @dev The root over a page of one or two words.
    function _rootOf(uint256 epoch, uint256[] memory part) private pure returns (bytes32) {
        bytes32 leaf = keccak256(abi.encode(epoch, part[0]));
        return part.length == 1 ? leaf : keccak256(abi.encode(leaf, keccak256(abi.encode(epoch, part[1]))));
    }

    function _status(
        uint256 epoch,
        RewardDistributor.Status expected,
        RewardDistributor.Status actual
    ) private pure returns (bytes memory) {
        return abi.encodeWithSelector(RewardDistributor.WrongStatus.selector, epoch, expected, actual);
    }

    function _invalid(uint256 epoch, uint256 word, bytes32[] memory proof) private {
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, epoch, word));
        distributor.claim(epoch, word, proof);
    }

    function _rotate(uint256 epoch, uint256 index, address to) private {
        bytes32 structHash = keccak256(
            abi.encode(registry.ROTATE_TYPEHASH(), epoch, index, _wallet(index), to, 0, EXPIRY)
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Contributions"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", domain, structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY + index, digest);
        bytes memory fromSignature = abi.encodePacked(r, s, v);
        (v, r, s) = vm.sign(77, digest);
        registry.rotateWallet(epoch, index, to, EXPIRY, fromSignature, abi.encodePacked(r, s, v));
    }
}
