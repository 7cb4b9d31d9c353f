// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ContributionRegistry} from "../src/ContributionRegistry.sol";
import {EpochExpired, EpochPolicy, NotSteward} from "../src/Epochs.sol";
import {Proof} from "../src/IVerifier.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {PayoutBook} from "../src/PayoutBook.sol";
import {Claims} from "./Claims.sol";
import {FalseToken, FeeToken, ReentrantToken} from "./Tokens.sol";

contract RewardDistributorTest is Claims {
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

    /// A proof cannot pay more than the pool; if one did, nothing would be posted.
    function test_no_more_than_the_pool_is_paid() public {
        (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof) = _ready();
        words[0] += POOL + 1 - publics[6];
        publics[6] = POOL + 1;
        proof = _payoutProof(epoch, publics, words);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.PoolExceeded.selector, POOL, POOL + 1));
        payouts.post(epoch, PAGE, publics, words, proof);
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
        _rotate(epoch, 0, KEY, 77);
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
        payouts.post(epoch, PAGE, publics, words, proof);
        vm.prank(vetoer);
        distributor.veto(epoch, "no");
        vm.expectRevert(_status(epoch, RewardDistributor.Status.None, RewardDistributor.Status.Vetoed));
        payouts.post(epoch, PAGE, publics, words, proof);
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
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.TooEarly.selector, epoch, EXPIRY));
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
        new RewardDistributor(book, address(payouts), 1 days, guardian);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.DelayTooLong.selector, 31 days, 30 days));
        new RewardDistributor(book, address(payouts), 31 days, guardian);
        vm.expectRevert(abi.encodeWithSelector(PayoutBook.NotDistributorsBook.selector, address(payouts)));
        new PayoutBook(distributor);
    }
}
