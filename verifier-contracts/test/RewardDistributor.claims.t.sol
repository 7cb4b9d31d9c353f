// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Proof} from "../src/IVerifier.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {Claims} from "./Claims.sol";
import {BlockingToken, FalseToken, ReentrantToken} from "./Tokens.sol";
import {Vm} from "./Vm.sol";
import {ContractWallet, FickleWallet} from "./Wallets.sol";

/// @notice Claims of several words, claims to somebody else, what other contracts ask, and who may say what was proven.
contract ClaimsTest is Claims {
    bytes private constant NONE = "";

    address private recipient = address(0xBE);

    // --- several words of one wallet ---

    function test_all_epochs_of_a_wallet_are_paid_by_one_transfer() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        vm.recordLogs();
        vm.prank(stranger);
        uint256 paid = distributor.claimAll(_wallet(0), claims);
        assertEq(paid, 2 * uint256(uint96(words[0])), "answer");
        assertEq(token.balanceOf(_wallet(0)), paid, "paid");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 3, "two claims, one transfer");
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(logs[i].topics[0], RewardDistributor.Claimed.selector, "claimed");
            assertEq(uint256(logs[i].topics[1]), i == 0 ? first : second, "epoch");
        }
        assertEq(logs[2].emitter, address(token), "transfer");
        assertEq(distributor.accountOf(first).balance, distributor.paidOf(first) - uint96(words[0]), "left");
    }

    function test_charges_among_the_words_are_charged() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 1);
        uint256 before = vault.creditOf(treasury);
        assertEq(distributor.claimAll(_wallet(1), claims), 0, "paid");
        assertEq(vault.creditOf(treasury) - before, 4 ether, "charged");
        assertEq(registry.contributionOf(second, 1).stake, STAKE - 2 ether, "stake");
        assertTrue(distributor.isClaimed(first, 1) && distributor.isClaimed(second, 1), "settled");
    }

    function test_what_was_settled_is_skipped_and_said() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        vm.prank(stranger);
        _claim(first, words, 0);
        vm.expectEmit();
        emit RewardDistributor.ClaimSkipped(first, 0);
        vm.expectEmit();
        emit RewardDistributor.Claimed(second, 0, _wallet(0), uint96(words[0]));
        assertEq(distributor.claimAll(_wallet(0), claims), uint96(words[0]), "the rest");
        assertEq(distributor.claimAll(_wallet(0), claims), 0, "nothing is left");
        assertEq(token.balanceOf(_wallet(0)), 2 * uint256(uint96(words[0])), "once each");
    }

    function test_a_word_given_twice_is_paid_once() public {
        (uint256 first, , uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, first, words, 0);
        assertEq(distributor.claimAll(_wallet(0), claims), uint96(words[0]), "paid");
        assertEq(token.balanceOf(_wallet(0)), uint96(words[0]), "once");
    }

    function test_words_of_others_are_refused() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        claims[1] = _one(second, words, 3);
        bytes memory fault = abi.encodeWithSelector(
            RewardDistributor.NotWallet.selector,
            second,
            3,
            _wallet(3),
            _wallet(0)
        );
        vm.expectRevert(fault);
        distributor.claimAll(_wallet(0), claims);
        // One that was settled is no exception.
        _claim(second, words, 3);
        vm.expectRevert(fault);
        distributor.claimAll(_wallet(0), claims);
        assertTrue(!distributor.isClaimed(first, 0), "nothing was settled");
    }

    function test_words_follow_a_rotation() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        _rotate(first, 0, KEY, 77);
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        vm.expectRevert(
            abi.encodeWithSelector(RewardDistributor.NotWallet.selector, first, 0, vm.addr(77), _wallet(0))
        );
        distributor.claimAll(_wallet(0), claims);
        _rotate(second, 0, KEY, 77);
        distributor.claimAll(vm.addr(77), claims);
        assertEq(token.balanceOf(vm.addr(77)), 2 * uint256(uint96(words[0])), "new wallet");
    }

    function test_one_bad_word_refuses_all() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        claims[1].word += 1;
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, second, words[0] + 1));
        distributor.claimAll(_wallet(0), claims);
        claims[1] = RewardDistributor.Claim(second, words[0], claims[0].proof);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, second, words[0]));
        distributor.claimAll(_wallet(0), claims);
        vm.warp(ACTIVE - 1);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotActive.selector, first, ACTIVE));
        distributor.claimAll(_wallet(0), claims);
        assertTrue(!distributor.isClaimed(first, 0), "nothing was settled");
    }

    function test_a_batch_has_a_cap() public {
        RewardDistributor.Claim[] memory claims = new RewardDistributor.Claim[](129);
        bytes memory fault = abi.encodeWithSelector(RewardDistributor.TooManyClaims.selector, 128, 129);
        vm.expectRevert(fault);
        distributor.claimAll(_wallet(0), claims);
        vm.prank(_wallet(0));
        vm.expectRevert(fault);
        distributor.claimTo(_wallet(0), recipient, claims, LAST, NONE);
        // 128 words, all the same: the cap itself is allowed.
        (uint256 epoch, , uint256[] memory words) = _active();
        claims = new RewardDistributor.Claim[](128);
        for (uint256 i = 0; i < 128; ++i) claims[i] = _one(epoch, words, 0);
        assertEq(distributor.claimAll(_wallet(0), claims), uint96(words[0]), "paid");
        assertEq(distributor.claimAll(_wallet(0), new RewardDistributor.Claim[](0)), 0, "none is no fault");
    }

    // --- to somebody else ---

    function test_a_signature_sends_the_money_elsewhere() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        bytes memory signature = _signClaim(KEY, recipient, claims, LAST);
        vm.warp(LAST);
        vm.expectEmit();
        emit RewardDistributor.ClaimedTo(first, 0, _wallet(0), recipient, uint96(words[0]));
        vm.expectEmit();
        emit RewardDistributor.ClaimedTo(second, 0, _wallet(0), recipient, uint96(words[0]));
        vm.prank(stranger);
        uint256 paid = distributor.claimTo(_wallet(0), recipient, claims, LAST, signature);
        assertEq(token.balanceOf(recipient), paid, "recipient");
        assertEq(paid, 2 * uint256(uint96(words[0])), "answer");
        assertEq(token.balanceOf(_wallet(0)), 0, "wallet");
        // Again: nothing is left for it to pay.
        assertEq(distributor.claimTo(_wallet(0), recipient, claims, LAST, signature), 0, "replay");
        assertEq(token.balanceOf(recipient), paid, "once");
    }

    function testFuzz_the_digest_is_that_of_eip_712(address wallet, address to, uint256[] memory seeds, uint256 end) public view {
        RewardDistributor.Claim[] memory claims = new RewardDistributor.Claim[](seeds.length);
        for (uint256 i = 0; i < seeds.length; ++i) {
            claims[i] = RewardDistributor.Claim(seeds[i], ~seeds[i] ^ i, new bytes32[](seeds[i] % 3));
        }
        bytes32 expected = _claimDigest(address(distributor), wallet, to, claims, end);
        assertEq(distributor.claimToDigest(wallet, to, claims, end), expected, "digest");
    }

    function test_the_wallet_itself_needs_no_signature() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        vm.prank(_wallet(0));
        distributor.claimTo(_wallet(0), recipient, claims, LAST, NONE);
        assertEq(token.balanceOf(recipient), 2 * uint256(uint96(words[0])), "recipient");
    }

    function test_a_signature_ends() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        bytes memory signature = _signClaim(KEY, recipient, claims, LAST);
        vm.warp(LAST + 1);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.SignatureExpired.selector, LAST));
        distributor.claimTo(_wallet(0), recipient, claims, LAST, signature);
    }

    function test_nobody_is_no_recipient() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        vm.prank(_wallet(0));
        vm.expectRevert(RewardDistributor.AddressZero.selector);
        distributor.claimTo(_wallet(0), address(0), claims, LAST, NONE);
    }

    /// Somebody who sees the signature can send it, and can change nothing of it.
    function test_a_signature_holds_for_what_it_says_only() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        bytes memory signature = _signClaim(KEY, recipient, claims, LAST);
        vm.startPrank(stranger);
        _forged(_wallet(0), stranger, claims, LAST, signature);
        _forged(_wallet(3), recipient, claims, LAST, signature);
        _forged(_wallet(0), recipient, claims, LAST + 1, signature);
        RewardDistributor.Claim[] memory fewer = new RewardDistributor.Claim[](1);
        fewer[0] = claims[0];
        _forged(_wallet(0), recipient, fewer, LAST, signature);
        _forged(_wallet(0), recipient, new RewardDistributor.Claim[](0), LAST, signature);
        (claims[0], claims[1]) = (claims[1], claims[0]);
        _forged(_wallet(0), recipient, claims, LAST, signature);
        (claims[0], claims[1]) = (claims[1], claims[0]);
        _forged(_wallet(0), recipient, claims, LAST, NONE);
        _forged(_wallet(0), recipient, claims, LAST, _signClaim(77, recipient, claims, LAST));
        vm.chainId(1);
        _forged(_wallet(0), recipient, claims, LAST, signature);
        vm.chainId(31337);
        bytes32 elsewhere = _claimDigest(address(registry), _wallet(0), recipient, claims, LAST);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, elsewhere);
        _forged(_wallet(0), recipient, claims, LAST, abi.encodePacked(r, s, v));
        distributor.claimTo(_wallet(0), recipient, claims, LAST, signature);
    }

    /// The mirror image of a signature is none, and the same one cannot be sent for a word that was added since.
    function test_a_front_runner_pays_the_recipient() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        bytes memory signature = _signClaim(KEY, recipient, claims, LAST);
        vm.prank(stranger);
        distributor.claimTo(_wallet(0), recipient, claims, LAST, signature);
        assertEq(distributor.claimTo(_wallet(0), recipient, claims, LAST, signature), 0, "the second is no fault");
        assertEq(token.balanceOf(recipient), 2 * uint256(uint96(words[0])), "recipient");
        assertEq(token.balanceOf(stranger), 0, "stranger");
    }

    /// A stranger may always settle a word for its wallet. The rest of a signed set is still paid as signed.
    function test_settling_a_word_first_spoils_no_signature() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        bytes memory signature = _signClaim(KEY, recipient, claims, LAST);
        vm.prank(stranger);
        _claim(first, words, 0);
        distributor.claimTo(_wallet(0), recipient, claims, LAST, signature);
        assertEq(token.balanceOf(recipient), uint96(words[0]), "recipient");
        assertEq(token.balanceOf(_wallet(0)), uint96(words[0]), "wallet");
    }

    function test_an_old_wallets_signature_claims_nothing() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        bytes memory signature = _signClaim(KEY, recipient, claims, LAST);
        _rotate(second, 0, KEY, 77);
        vm.expectRevert(
            abi.encodeWithSelector(RewardDistributor.NotWallet.selector, second, 0, vm.addr(77), _wallet(0))
        );
        distributor.claimTo(_wallet(0), recipient, claims, LAST, signature);
        vm.prank(_wallet(0));
        vm.expectRevert(
            abi.encodeWithSelector(RewardDistributor.NotWallet.selector, second, 0, vm.addr(77), _wallet(0))
        );
        distributor.claimTo(_wallet(0), recipient, claims, LAST, NONE);
    }

    function test_charges_of_a_signed_set_are_charged() public {
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 1);
        distributor.claimTo(_wallet(1), recipient, claims, LAST, _signClaim(KEY + 1, recipient, claims, LAST));
        assertEq(token.balanceOf(recipient), 0, "recipient");
        assertEq(vault.creditOf(treasury), 4 ether, "treasury");
    }

    function test_a_contract_wallet_signs() public {
        ContractWallet wallet = new ContractWallet();
        (uint256 epoch, uint256[] memory words) = _postedFor(address(wallet));
        vm.warp(ACTIVE);
        RewardDistributor.Claim[] memory claims = new RewardDistributor.Claim[](1);
        claims[0] = _one(epoch, words, 0);
        _forged(address(wallet), recipient, claims, LAST, "anything");
        wallet.accept(distributor.claimToDigest(address(wallet), recipient, claims, LAST));
        _forged(address(wallet), stranger, claims, LAST, "anything");
        distributor.claimTo(address(wallet), recipient, claims, LAST, "anything");
        assertEq(token.balanceOf(recipient), uint96(words[0]), "recipient");
    }

    function test_a_lying_wallet_claims_its_own_words_only() public {
        FickleWallet wallet = new FickleWallet();
        (uint256 epoch, uint256[] memory words) = _postedFor(address(wallet));
        (uint256 other, uint256[] memory others) = _posted(COUNT);
        vm.warp(ACTIVE);
        RewardDistributor.Claim[] memory claims = new RewardDistributor.Claim[](1);
        claims[0] = _one(other, others, 0);
        vm.expectRevert(
            abi.encodeWithSelector(RewardDistributor.NotWallet.selector, other, 0, _wallet(0), address(wallet))
        );
        distributor.claimTo(address(wallet), recipient, claims, LAST, NONE);
        claims[0] = _one(epoch, words, 0);
        for (uint256 mood = 1; mood < 6; ++mood) {
            wallet.set(FickleWallet.Mood(mood));
            _forged(address(wallet), recipient, claims, LAST, NONE);
        }
        wallet.set(FickleWallet.Mood.Accepts);
        distributor.claimTo(address(wallet), recipient, claims, LAST, NONE);
        assertEq(token.balanceOf(recipient), uint96(words[0]), "recipient");
    }

    // --- hostile tokens ---

    function test_a_reentrant_token_gets_nothing_of_a_batch() public {
        ReentrantToken evil = new ReentrantToken();
        _deploy(evil);
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        evil.arm(address(distributor), abi.encodeCall(distributor.claimAll, (_wallet(0), claims)));
        distributor.claimAll(_wallet(0), claims);
        _stopped(evil);
        claims = _two(first, second, words, 3);
        bytes memory signature = _signClaim(KEY + 3, recipient, claims, LAST);
        bytes memory again = abi.encodeCall(distributor.claimTo, (_wallet(3), recipient, claims, LAST, signature));
        evil.arm(address(distributor), again);
        distributor.claimTo(_wallet(3), recipient, claims, LAST, signature);
        _stopped(evil);
        assertEq(token.balanceOf(recipient), 2 * uint256(uint96(words[3])), "once");
    }

    /// Posted in the middle of its own funding, an epoch would count the money for nobody.
    function test_no_payout_is_posted_while_its_pool_arrives() public {
        ReentrantToken evil = new ReentrantToken();
        _deploy(evil);
        uint256 epoch = _attributed(COUNT);
        _fund(epoch, POOL);
        uint256[] memory words = _payoutWords(COUNT);
        uint256[7] memory publics = _payoutPublics(epoch, words, 0, PAGE);
        Proof memory proof = _payoutProof(epoch, publics, words);
        evil.arm(address(payouts), abi.encodeCall(payouts.post, (epoch, PAGE, publics, words, proof)));
        _fund(epoch, 5);
        _stopped(evil);
        assertEq(distributor.accountOf(epoch).balance, POOL + 5, "pool");
        assertEq(uint256(distributor.accountOf(epoch).status), 0, "not posted");
    }

    function test_a_refused_transfer_spends_no_word() public {
        BlockingToken blocking = new BlockingToken();
        _deploy(blocking);
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        blocking.block_(recipient);
        vm.startPrank(_wallet(0));
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, recipient));
        distributor.claimTo(_wallet(0), recipient, claims, LAST, NONE);
        vm.stopPrank();
        assertEq(distributor.claimAll(_wallet(0), claims), 2 * uint256(uint96(words[0])), "all of it");
    }

    function test_a_token_that_returns_false_spends_no_word() public {
        FalseToken no = new FalseToken();
        _deploy(no);
        (uint256 first, uint256 second, uint256[] memory words) = _active();
        RewardDistributor.Claim[] memory claims = _two(first, second, words, 0);
        no.breakIt();
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(no)));
        distributor.claimAll(_wallet(0), claims);
        assertTrue(!distributor.isClaimed(first, 0), "still open");
    }

    // --- what other contracts ask ---

    function test_other_contracts_learn_what_was_posted() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        bytes32[] memory proof = _siblings(epoch, words, 0);
        vm.warp(ACTIVE - 1);
        bytes memory fault = abi.encodeWithSelector(RewardDistributor.NotActive.selector, epoch, ACTIVE);
        vm.expectRevert(fault);
        distributor.checkWord(epoch, words[0], proof);
        vm.expectRevert(fault);
        distributor.paidOf(epoch);
        vm.warp(ACTIVE);
        _known(epoch, words);
        _claim(epoch, words, 0);
        _known(epoch, words);
        vm.warp(ACTIVE + 180 days);
        distributor.sweep(epoch);
        _known(epoch, words);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, epoch, words[0] + 1));
        distributor.checkWord(epoch, words[0] + 1, proof);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, epoch, words[3]));
        distributor.checkWord(epoch, words[3], proof);
    }

    function test_other_contracts_learn_nothing_of_what_was_not() public {
        uint256 epoch = _openWith(0);
        _unknown(epoch, RewardDistributor.Status.None);
        (uint256 vetoed, ) = _posted(COUNT);
        vm.prank(vetoer);
        distributor.veto(vetoed, "no");
        vm.warp(ACTIVE);
        _unknown(vetoed, RewardDistributor.Status.Vetoed);
        distributor.refund(vetoed);
        _unknown(vetoed, RewardDistributor.Status.Refunded);
    }

    // --- who may say what was proven, and who may stop it ---

    function test_the_guardian_may_veto_too() public {
        (uint256 epoch, ) = _posted(COUNT);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.NotVetoer.selector, epoch, vetoer, stranger));
        distributor.veto(epoch, "no");
        vm.warp(ACTIVE - 1);
        vm.expectEmit();
        emit RewardDistributor.PayoutVetoed(epoch, guardian, "no");
        vm.prank(guardian);
        distributor.veto(epoch, "no");
        assertEq(uint256(distributor.accountOf(epoch).status), uint256(RewardDistributor.Status.Vetoed), "vetoed");
    }

    function test_the_guardian_stops_nothing_that_is_active() public {
        (uint256 epoch, uint256[] memory words) = _posted(COUNT);
        vm.warp(ACTIVE);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.AlreadyActive.selector, epoch, ACTIVE));
        distributor.veto(epoch, "no");
        _claim(epoch, words, 0);
    }

    function test_only_the_payout_book_says_what_was_proven() public {
        uint256 epoch = _attributed(COUNT);
        _fund(epoch, POOL);
        address[4] memory callers = [address(this), stranger, guardian, address(book)];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory fault = abi.encodeWithSelector(RewardDistributor.NotPayoutBook.selector, callers[i]);
            vm.prank(callers[i]);
            vm.expectRevert(fault);
            distributor.activate(epoch, "id", "root", 1, 1, POOL);
            vm.prank(callers[i]);
            vm.expectRevert(fault);
            distributor.addPage("id", 0, "root");
        }
    }

    // --- helpers ---

    /// @dev Two active epochs with the same words.
    function _active() private returns (uint256 first, uint256 second, uint256[] memory words) {
        (first, words) = _posted(COUNT);
        (second, ) = _posted(COUNT);
        vm.warp(ACTIVE);
    }

    function _forged(
        address wallet,
        address to,
        RewardDistributor.Claim[] memory claims,
        uint256 deadline,
        bytes memory signature
    ) private {
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.SignatureInvalid.selector, wallet));
        distributor.claimTo(wallet, to, claims, deadline, signature);
    }

    function _stopped(ReentrantToken evil) private view {
        assertTrue(!evil.called(), "reentered");
        bytes32 guard = keccak256(abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
        assertEq(keccak256(evil.answer()), guard, "stopped by the guard");
    }

    function _known(uint256 epoch, uint256[] memory words) private view {
        for (uint256 i = 0; i < COUNT; ++i) distributor.checkWord(epoch, words[i], _siblings(epoch, words, i));
        assertEq(distributor.paidOf(epoch), POOL - _dustOf(words, POOL), "paid");
    }

    function _unknown(uint256 epoch, RewardDistributor.Status status) private {
        bytes memory fault = abi.encodeWithSelector(
            RewardDistributor.WrongStatus.selector,
            epoch,
            RewardDistributor.Status.Posted,
            status
        );
        vm.expectRevert(fault);
        distributor.paidOf(epoch);
        vm.expectRevert(fault);
        distributor.checkWord(epoch, 0, new bytes32[](0));
    }
}
