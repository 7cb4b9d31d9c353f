// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {NotSteward} from "../src/Epochs.sol";
import {Guardian} from "../src/Guardian.sol";
import {IGuardian} from "../src/IGuardian.sol";
import {InferenceFees} from "../src/InferenceFees.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {Fees} from "./Fees.sol";
import {BlockingToken, FalseToken, ReentrantToken} from "./Tokens.sol";

/// @notice A token of which there is more than 96 bits can count.
contract HugeToken is ERC20 {
    constructor() ERC20("Huge", "HUGE") {
        _mint(msg.sender, type(uint128).max);
    }
}

/// @notice Keeps one per cent of every transfer from some moment on.
contract LateFeeToken is ERC20 {
    bool private _charging;

    constructor() ERC20("Late fee", "FEE") {
        _mint(msg.sender, 1e27);
    }

    function charge() external {
        _charging = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = _charging ? value / 100 : 0;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

contract InferenceFeesTest is Fees {
    // --- paying ---

    function test_a_payment_is_split_at_once() public {
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        vm.startPrank(payer);
        token.approve(address(fees), 10_000);
        vm.expectEmit();
        emit InferenceFees.Paid(epoch, payer, operator, address(this), ENTRY, 10_000, 1500, 2500, 500);
        fees.pay(_payment(10_000));
        vm.stopPrank();
        _holds(5500, 5500);
        _credits(1500, 2500, 500);
        assertEq(token.balanceOf(address(fees)), 10_000, "balance");
        assertEq(token.balanceOf(payer), FUNDS - 10_000, "payer");
    }

    function test_rounding_is_the_contributors() public {
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        _pay(1);
        _holds(1, 1);
        _credits(0, 0, 0);
        _pay(19);
        // 2.85, 4.75 and 0.95 wei, each rounded down.
        _holds(1 + 13, 1 + 13);
        _credits(2, 4, 0);
    }

    function test_without_an_operator_its_part_is_the_contributors() public {
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        _pay(InferenceFees.Payment(epoch, 10_000, address(0), ENTRY));
        _holds(8000, 8000);
        _credits(1500, 0, 500);
        assertEq(fees.creditOf(address(0)), 0, "nobody");
    }

    function test_without_a_split_all_but_the_treasurys_part_is_the_contributors() public {
        _pay(10_000);
        _holds(9500, 9500);
        _credits(0, 0, 500);
    }

    function test_one_account_may_be_everybody() public {
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        _pay(InferenceFees.Payment(epoch, 10_000, address(this), ENTRY));
        assertEq(fees.creditOf(address(this)), 4000, "both parts");
    }

    function test_a_payment_of_nothing_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.PaymentEmpty.selector, epoch));
        fees.pay(_payment(0));
    }

    /// Every status of an epoch, and the last second before the payout is active.
    function test_payments_need_an_active_payout() public {
        uint256 active = epoch;
        epoch = active + 1;
        _refused(_wrongStatus(RewardDistributor.Status.None));
        vm.warp(NOW);
        assertEq(_attributed(3), epoch, "next");
        _refused(_wrongStatus(RewardDistributor.Status.None));
        _fund(epoch, POOL);
        uint256[] memory list = _payoutWords(3);
        _post(epoch, list);
        vm.warp(ACTIVE - 1);
        _refused(abi.encodeWithSelector(RewardDistributor.NotActive.selector, epoch, ACTIVE));
        uint256 state = vm.snapshotState();
        vm.warp(ACTIVE);
        _pay(5);
        _holds(5, 5);
        vm.revertToState(state);
        vm.prank(vetoer);
        distributor.veto(epoch, "wrong");
        vm.warp(ACTIVE);
        _refused(_wrongStatus(RewardDistributor.Status.Vetoed));
        distributor.refund(epoch);
        _refused(_wrongStatus(RewardDistributor.Status.Refunded));
    }

    /// What nobody claimed of the payout went back to its funder; the shares stay.
    function test_a_swept_epoch_goes_on() public {
        vm.warp(ACTIVE + distributor.CLAIM_PERIOD());
        distributor.sweep(epoch);
        _pay(10_000);
        assertEq(_claimFees(0), _share(words, 0, 9500), "claimed");
    }

    /// Nobody has a share of a payout that only charges: such a payment would be nobody's.
    function test_a_payout_that_pays_nobody_takes_no_payment() public {
        uint256[] memory list = new uint256[](2);
        list[0] = 1 | (1 << 96);
        list[1] = 1 << 128;
        epoch = _active(list);
        _refused(abi.encodeWithSelector(InferenceFees.SharesEmpty.selector, epoch));
        uint256 state = vm.snapshotState();
        bytes32[] memory proof = _siblings(epoch, list, 1);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.NoFeesOwed.selector, epoch, 1));
        fees.claimFees(epoch, list[1], proof);
        vm.revertToState(state);
    }

    function test_a_pause_stops_payments_and_nothing_else() public {
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        _pay(10_000);
        vm.prank(brake);
        Guardian(guardian).pause(1 days, "attack");
        bytes memory paused = abi.encodeWithSelector(IGuardian.IntakePaused.selector, ACTIVE + NOTICE + 1 days);
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](1);
        batch[0] = _payment(1);
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, 1, ACTIVE + NOTICE);
        vm.startPrank(payer);
        token.approve(address(fees), 2);
        vm.expectRevert(paused);
        fees.pay(batch[0]);
        vm.expectRevert(paused);
        fees.payWithPermit(batch[0], ACTIVE + NOTICE, v, r, s);
        vm.expectRevert(paused);
        fees.payMany(batch);
        vm.expectRevert(paused);
        fees.payManyWithPermit(batch, ACTIVE + NOTICE, v, r, s);
        vm.stopPrank();
        _claimFees(0);
        InferenceFees.Claim[] memory claims = new InferenceFees.Claim[](1);
        claims[0] = _claimOf(3);
        fees.claimMany(claims);
        fees.withdraw(operator);
        _setSplit();
        vm.prank(governance);
        fees.setBounds(_bounds());
        vm.warp(ACTIVE + NOTICE + 1 days);
        _pay(1);
    }

    // --- permits ---

    function test_a_permit_stands_for_the_approval() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, 100, ACTIVE);
        uint256 state = vm.snapshotState();
        vm.prank(payer);
        fees.payWithPermit(_payment(100), ACTIVE, v, r, s);
        _holds(95, 95);
        // Sent before by somebody else, it does no harm.
        vm.revertToState(state);
        vm.prank(stranger);
        ERC20Permit(address(token)).permit(payer, address(fees), 100, ACTIVE, v, r, s);
        vm.prank(payer);
        fees.payWithPermit(_payment(100), ACTIVE, v, r, s);
        _holds(95, 95);
    }

    function test_a_wrong_or_stolen_permit_pays_nothing() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, 100, ACTIVE);
        bytes memory short = abi.encodeWithSelector(
            IERC20Errors.ERC20InsufficientAllowance.selector,
            address(fees),
            0,
            100
        );
        vm.prank(stranger);
        vm.expectRevert(short);
        fees.payWithPermit(_payment(100), ACTIVE, v, r, s);
        vm.prank(payer);
        vm.expectRevert(short);
        fees.payWithPermit(_payment(100), ACTIVE + 1, v, r, s);
        vm.prank(payer);
        vm.expectRevert(abi.encodePacked(bytes4(short), abi.encode(address(fees), 0, 101)));
        fees.payWithPermit(_payment(101), ACTIVE, v, r, s);
        assertEq(token.balanceOf(payer), FUNDS, "payer");
    }

    // --- batches ---

    function test_a_batch_pays_several_epochs() public {
        (uint256 first, uint256 second) = (epoch, _active(_payoutWords(3)));
        epoch = first;
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](3);
        batch[0] = _payment(10_000);
        batch[1] = InferenceFees.Payment(second, 200, address(0), 0);
        batch[2] = _payment(20_000);
        uint256 state = vm.snapshotState();
        vm.startPrank(payer);
        token.approve(address(fees), 30_200);
        vm.expectEmit();
        emit InferenceFees.Paid(second, payer, address(0), address(this), 0, 200, 0, 0, 10);
        fees.payMany(batch);
        vm.stopPrank();
        _areBatched(second);
        vm.revertToState(state);
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, 30_200, ACTIVE);
        vm.prank(payer);
        fees.payManyWithPermit(batch, ACTIVE, v, r, s);
        _areBatched(second);
    }

    function _areBatched(uint256 second) private view {
        _holds(28_500, 28_500);
        assertEq(fees.potOf(second).total, 190, "second");
        assertEq(fees.creditOf(treasury), 1510, "treasury");
        assertEq(token.balanceOf(address(fees)), 30_200, "balance");
        assertEq(token.allowance(payer, address(fees)), 0, "allowance");
    }

    function test_a_batch_is_all_or_nothing() public {
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](2);
        batch[0] = _payment(10);
        batch[1] = _payment(0);
        token.approve(address(fees), 10);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.PaymentEmpty.selector, epoch));
        fees.payMany(batch);
        batch[1] = InferenceFees.Payment(epoch + 1, 0, operator, ENTRY);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.PaymentEmpty.selector, epoch + 1));
        fees.payMany(batch);
        _holds(0, 0);
    }

    function test_a_batch_has_at_most_128_payments() public {
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](129);
        for (uint256 i = 0; i < 129; ++i) batch[i] = _payment(1);
        token.approve(address(fees), 129);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.TooManyPayments.selector, 128, 129));
        fees.payMany(batch);
        assembly ("memory-safe") {
            mstore(batch, 128)
        }
        fees.payMany(batch);
        _holds(128, 128);
    }

    function test_a_batch_sums_to_less_than_2_96() public {
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](2);
        batch[0] = _payment(type(uint96).max);
        batch[1] = _payment(1);
        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, uint256(1) << 96)
        );
        fees.payMany(batch);
    }

    // --- claiming ---

    function test_a_contribution_claims_its_share_whoever_sends_it() public {
        _pay(1 ether);
        uint256 total = 0.95 ether;
        uint256 share = _share(words, 0, total);
        assertEq(fees.owedOf(epoch, words[0], _siblings(epoch, words, 0)), share, "owed");
        vm.expectEmit();
        emit InferenceFees.FeesClaimed(epoch, 0, _wallet(0), uint128(share));
        vm.prank(stranger);
        assertEq(_claimFees(0), share, "returned");
        assertEq(token.balanceOf(_wallet(0)), share, "wallet");
        assertEq(fees.claimedOf(epoch, 0), share, "claimed");
        assertEq(fees.owedOf(epoch, words[0], _siblings(epoch, words, 0)), 0, "nothing left");
        _holds(total, total - share);
    }

    function test_a_share_pays_once_and_again_after_the_next_payment() public {
        _pay(1 ether);
        uint256 first = _claimFees(3);
        _nothingOwed(3);
        _pay(2 ether);
        uint256 second = _claimFees(3);
        assertEq(first + second, _share(words, 3, 2.85 ether), "both");
        _nothingOwed(3);
    }

    function test_charges_and_zero_words_have_no_share() public {
        _pay(1 ether);
        _nothingOwed(1);
        _nothingOwed(2);
        assertEq(fees.owedOf(epoch, words[1], _siblings(epoch, words, 1)), 0, "charge");
    }

    function test_nothing_is_owed_before_the_first_payment() public {
        _nothingOwed(0);
    }

    /// One thing changed from a claim that passes.
    function test_only_words_of_this_payout_count() public {
        (uint256 first, uint256 second) = (epoch, _active(_payoutWords(3)));
        words = _words();
        epoch = first;
        _pay(1 ether);
        bytes32[] memory proof = _siblings(epoch, words, 0);
        uint256 state = vm.snapshotState();
        fees.claimFees(epoch, words[0], proof);
        vm.revertToState(state);
        _invalid(epoch, words[0] + 1, proof);
        _invalid(epoch, words[0] | (1 << 96), proof);
        _invalid(epoch, words[0] | (1 << 128), proof);
        _invalid(epoch, words[0] | (1 << 200), proof);
        _invalid(second, words[0], proof);
        _invalid(epoch, words[0], _siblings(epoch, words, 1));
        assembly ("memory-safe") {
            mstore(proof, sub(mload(proof), 1))
        }
        _invalid(epoch, words[0], proof);
    }

    function test_a_batch_of_claims_skips_what_is_not_owed() public {
        _pay(1 ether);
        _claimFees(0);
        InferenceFees.Claim[] memory claims = new InferenceFees.Claim[](6);
        for (uint256 i = 0; i < 5; ++i) claims[i] = _claimOf(i);
        claims[5] = _claimOf(3);
        uint256 due = _share(words, 3, 0.95 ether) + _share(words, 4, 0.95 ether);
        vm.prank(stranger);
        assertEq(fees.claimMany(claims), due, "due");
        for (uint256 i = 0; i < 5; ++i) {
            assertEq(token.balanceOf(_wallet(i)), _share(words, i, 0.95 ether), "wallet");
        }
        claims[2].word += 1;
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, epoch, claims[2].word));
        fees.claimMany(claims);
    }

    function test_a_batch_has_at_most_128_claims() public {
        InferenceFees.Claim[] memory claims = new InferenceFees.Claim[](129);
        for (uint256 i = 0; i < 129; ++i) claims[i] = _claimOf(0);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.TooManyClaims.selector, 128, 129));
        fees.claimMany(claims);
        assembly ("memory-safe") {
            mstore(claims, 128)
        }
        assertEq(fees.claimMany(claims), 0, "nothing owed");
    }

    /// What was not claimed goes to the wallet of the moment, as a payout does.
    function test_a_rotated_contribution_is_paid_at_its_new_wallet() public {
        _pay(1 ether);
        uint256 first = _claimFees(0);
        _pay(1 ether);
        _rotate(0, KEY + 77);
        uint256 second = _claimFees(0);
        assertEq(token.balanceOf(_wallet(0)), first, "old");
        assertEq(token.balanceOf(_wallet(77)), second, "new");
        assertEq(first + second, _share(words, 0, 1.9 ether), "both");
    }

    /// No floor is lost: three equal shares of one wei, three times.
    function test_what_the_floors_leave_is_shared_later() public {
        uint256[] memory list = new uint256[](3);
        for (uint256 i = 0; i < 3; ++i) list[i] = 10 | (i << 128);
        epoch = _active(list);
        vm.prank(governance);
        fees.setBounds(InferenceFees.Bounds(0, 0, 0));
        _pay(1);
        _pay(1);
        for (uint256 i = 0; i < 3; ++i) _nothingOwed(i);
        _pay(1);
        for (uint256 i = 0; i < 3; ++i) assertEq(_claimFees(i), 1, "a wei each");
        _holds(3, 0);
        assertEq(token.balanceOf(address(fees)), 0, "nothing left");
    }

    /// Whoever claims when: in the end each has had the floor of its share, and the rest is less than a wei a word.
    function testFuzz_the_order_of_claims_changes_nothing(uint96[8] memory amounts, uint8[8] memory who) public {
        vm.prank(governance);
        fees.setBounds(InferenceFees.Bounds(0, 0, 0));
        uint256 total;
        for (uint256 i = 0; i < 8; ++i) {
            uint96 amount = 1 + (amounts[i] % (i % 2 == 0 ? 1000 : 10 ether));
            _pay(amount);
            total += amount;
            InferenceFees.Claim[] memory one = new InferenceFees.Claim[](1);
            one[0] = _claimOf(who[i] % 5);
            fees.claimMany(one);
        }
        InferenceFees.Claim[] memory claims = new InferenceFees.Claim[](5);
        for (uint256 i = 0; i < 5; ++i) claims[i] = _claimOf(i);
        fees.claimMany(claims);
        uint256 claimed;
        for (uint256 i = 0; i < 5; ++i) {
            uint256 share = _share(words, i, total);
            assertEq(token.balanceOf(_wallet(i)), share, "share");
            claimed += share;
        }
        assertTrue(total - claimed < 3, "less than a wei for each positive word");
        _holds(total, total - claimed);
        assertEq(token.balanceOf(address(fees)), total - claimed, "balance");
    }

    function test_the_largest_payments_do_not_overflow() public {
        _use(new HugeToken());
        token.transfer(payer, type(uint128).max / 2);
        for (uint256 i = 0; i < 9; ++i) _pay(type(uint96).max);
        uint256 max = type(uint96).max;
        uint256 total = 9 * (max - (max * TREASURY) / 10_000);
        assertEq(_claimFees(0), _share(words, 0, total), "share");
        _holds(total, total - _share(words, 0, total));
    }

    // --- credits ---

    function test_anybody_has_a_credit_paid_to_its_account() public {
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        _pay(10_000);
        vm.expectEmit();
        emit InferenceFees.CreditWithdrawn(operator, 2500);
        vm.prank(stranger);
        assertEq(fees.withdraw(operator), 2500, "returned");
        assertEq(token.balanceOf(operator), 2500, "operator");
        assertEq(token.balanceOf(stranger), 0, "stranger");
        _credits(1500, 0, 500);
        fees.withdraw(treasury);
        assertEq(token.balanceOf(treasury), 500, "treasury");
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.NoCredit.selector, operator));
        fees.withdraw(operator);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.NoCredit.selector, address(0)));
        fees.withdraw(address(0));
        _holds(5500, 5500);
    }

    // --- splits ---

    function test_a_split_takes_effect_after_the_notice() public {
        vm.expectEmit();
        emit InferenceFees.SplitSet(epoch, TRAINER, OPERATOR, uint40(ACTIVE + NOTICE));
        _setSplit();
        InferenceFees.Schedule memory schedule = fees.scheduleOf(epoch);
        assertEq(schedule.nextTrainer, TRAINER, "trainer");
        assertEq(schedule.nextOperator, OPERATOR, "operator");
        assertEq(schedule.nextAt, ACTIVE + NOTICE, "nextAt");
        vm.warp(ACTIVE + NOTICE - 1);
        _isSplit(9500, 0, 0, 500);
        _pay(10_000);
        _credits(0, 0, 500);
        vm.warp(ACTIVE + NOTICE);
        _isSplit(5500, 1500, 2500, 500);
    }

    /// A steward who sees a payment coming changes nothing about it.
    function test_a_split_is_not_changed_right_before_a_payment() public {
        fees.setSplit(epoch, 100, 200);
        vm.warp(ACTIVE + NOTICE);
        fees.setSplit(epoch, MAX_TRAINER, MAX_OPERATOR);
        _pay(10_000);
        _credits(100, 200, 500);
        // Replacing it starts the notice again, and what is in effect stays.
        vm.warp(ACTIVE + 2 * NOTICE - 1);
        fees.setSplit(epoch, 0, 0);
        vm.warp(ACTIVE + 2 * NOTICE);
        _isSplit(9200, 100, 200, 500);
        vm.warp(ACTIVE + 3 * NOTICE - 1);
        _isSplit(9500, 0, 0, 500);
        // What was split is not split again.
        _credits(100, 200, 500);
    }

    function test_a_split_may_be_set_before_the_payout() public {
        vm.warp(NOW);
        epoch = _openWith(1);
        _setSplit();
        vm.warp(NOW + NOTICE);
        _isSplit(5500, 1500, 2500, 500);
    }

    function test_only_the_steward_sets_the_split() public {
        address[3] memory others = [stranger, governance, payer];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(NotSteward.selector, epoch, address(this), others[i]));
            fees.setSplit(epoch, 0, 0);
        }
        vm.expectRevert(abi.encodeWithSelector(NotSteward.selector, epoch + 1, address(0), address(this)));
        fees.setSplit(epoch + 1, 0, 0);
    }

    function test_a_split_stays_inside_the_bounds() public {
        vm.expectRevert(
            abi.encodeWithSelector(InferenceFees.TrainerPartTooHigh.selector, MAX_TRAINER, MAX_TRAINER + 1)
        );
        fees.setSplit(epoch, MAX_TRAINER + 1, MAX_OPERATOR);
        vm.expectRevert(
            abi.encodeWithSelector(InferenceFees.OperatorPartTooHigh.selector, MAX_OPERATOR, MAX_OPERATOR + 1)
        );
        fees.setSplit(epoch, MAX_TRAINER, MAX_OPERATOR + 1);
        fees.setSplit(epoch, MAX_TRAINER, MAX_OPERATOR);
        vm.warp(ACTIVE + NOTICE);
        _isSplit(4500, MAX_TRAINER, MAX_OPERATOR, TREASURY);
    }

    /// Each epoch has its own.
    function test_a_split_is_of_one_epoch() public {
        uint256 first = epoch;
        epoch = _active(_payoutWords(3));
        fees.setSplit(first, TRAINER, OPERATOR);
        vm.warp(ACTIVE + NOTICE);
        _isSplit(9500, 0, 0, 500);
    }

    // --- bounds ---

    function test_governance_sets_the_bounds_of_later_payments() public {
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        _pay(10_000);
        vm.expectEmit();
        emit InferenceFees.BoundsSet(1000, 1000, 500);
        vm.prank(governance);
        fees.setBounds(InferenceFees.Bounds(1000, 1000, 500));
        _credits(1500, 2500, 500);
        _holds(5500, 5500);
        _isSplit(7500, 1000, 500, 1000);
        _pay(10_000);
        _credits(2500, 3000, 1500);
        (uint16 treasuryPart, uint16 maxTrainer, uint16 maxOperator) = fees.bounds();
        assertEq(treasuryPart, 1000, "treasury");
        assertEq(maxTrainer, 1000, "trainer");
        assertEq(maxOperator, 500, "operator");
        // Wider bounds bring back what the steward set.
        vm.prank(governance);
        fees.setBounds(_bounds());
        _isSplit(5500, 1500, 2500, 500);
    }

    function test_bounds_stay_inside_the_constants() public {
        vm.startPrank(governance);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.TreasuryPartTooHigh.selector, 1000, 1001));
        fees.setBounds(InferenceFees.Bounds(1001, 0, 0));
        fees.setBounds(InferenceFees.Bounds(1000, 0, 0));
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.ContributorsPartTooLow.selector, 4000, 3999));
        fees.setBounds(InferenceFees.Bounds(1000, 2000, 3001));
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.ContributorsPartTooLow.selector, 4000, 0));
        fees.setBounds(InferenceFees.Bounds(0, type(uint16).max, type(uint16).max));
        fees.setBounds(InferenceFees.Bounds(1000, 2000, 3000));
    }

    function test_only_the_owner_sets_bounds() public {
        address[3] memory others = [address(this), treasury, brake];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(InferenceFees.NotOwner.selector, governance, others[i]));
            fees.setBounds(_bounds());
        }
    }

    function test_it_knows_its_surroundings() public view {
        assertEq(address(fees.token()), address(token), "token");
        assertEq(address(fees.distributor()), address(distributor), "distributor");
        assertEq(address(fees.registry()), address(registry), "registry");
        assertEq(address(fees.guardian()), guardian, "guardian");
        assertEq(fees.treasury(), treasury, "treasury");
        assertEq(fees.owner(), governance, "owner");
    }

    function test_it_needs_all_of_them() public {
        bytes memory good = abi.encode(distributor, guardian, treasury, governance, _bounds());
        // The last words of a failed creation are not seen through `create`: only that there is no contract.
        assertTrue(_creates(good), "good");
        assertTrue(!_creates(abi.encode(distributor, 0, treasury, governance, _bounds())), "guardian");
        assertTrue(!_creates(abi.encode(distributor, guardian, 0, governance, _bounds())), "treasury");
        assertTrue(!_creates(abi.encode(distributor, guardian, treasury, 0, _bounds())), "owner");
        assertTrue(!_creates(abi.encode(distributor, guardian, treasury, governance, 1001, 0, 0)), "bounds");
    }

    /// The owner's only call takes nothing that somebody has.
    function test_the_owner_moves_no_money() public {
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        _pay(1 ether);
        uint256 owed = fees.owedOf(epoch, words[0], _siblings(epoch, words, 0));
        vm.startPrank(governance);
        fees.setBounds(InferenceFees.Bounds(1000, 0, 0));
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.NoCredit.selector, governance));
        fees.withdraw(governance);
        vm.stopPrank();
        assertEq(token.balanceOf(governance), 0, "owner");
        assertEq(_claimFees(0), owed, "owed");
        _credits(0.15 ether, 0.25 ether, 0.05 ether);
    }

    // --- tokens ---

    function test_a_fee_token_counts_what_arrived() public {
        LateFeeToken feeToken = new LateFeeToken();
        _use(feeToken);
        feeToken.charge();
        _pay(10_000);
        _holds(9900 - 495, 9900 - 495);
        _credits(0, 0, 495);
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](1);
        batch[0] = _payment(10_000);
        token.approve(address(fees), 10_000);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.ArrivedShort.selector, 10_000, 9900));
        fees.payMany(batch);
    }

    function test_a_token_that_returns_false_moves_nothing() public {
        FalseToken falseToken = new FalseToken();
        _use(falseToken);
        _pay(10_000);
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](1);
        batch[0] = _payment(1);
        bytes32[] memory proof = _siblings(epoch, words, 0);
        token.approve(address(fees), 1);
        falseToken.breakIt();
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token);
        vm.expectRevert(failed);
        fees.pay(batch[0]);
        vm.expectRevert(failed);
        fees.payMany(batch);
        vm.expectRevert(failed);
        fees.claimFees(epoch, words[0], proof);
        vm.expectRevert(failed);
        fees.withdraw(treasury);
        _holds(9500, 9500);
        _credits(0, 0, 500);
    }

    /// A token that refuses one account holds nobody else's money back.
    function test_a_token_that_reverts_for_one_pays_the_others() public {
        BlockingToken blocking = new BlockingToken();
        _use(blocking);
        _setSplit();
        vm.warp(ACTIVE + NOTICE);
        _pay(10_000);
        blocking.block_(_wallet(0));
        bytes32[] memory proof = _siblings(epoch, words, 0);
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, _wallet(0)));
        fees.claimFees(epoch, words[0], proof);
        _claimFees(3);
        fees.withdraw(treasury);
        blocking.block_(treasury);
        _claimFees(0);
        fees.withdraw(operator);
    }

    /// Every call that moves tokens is entered again in the middle of the transfer by every such call.
    function test_a_reentrant_token_gets_nowhere() public {
        ReentrantToken reentrant = new ReentrantToken();
        _use(reentrant);
        _pay(10_000);
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](1);
        batch[0] = _payment(1);
        InferenceFees.Claim[] memory claims = new InferenceFees.Claim[](1);
        claims[0] = _claimOf(0);
        bytes[7] memory calls = [
            abi.encodeCall(fees.pay, (batch[0])),
            abi.encodeCall(fees.payWithPermit, (batch[0], 0, 0, 0, 0)),
            abi.encodeCall(fees.payMany, (batch)),
            abi.encodeCall(fees.payManyWithPermit, (batch, 0, 0, 0, 0)),
            abi.encodeCall(fees.claimFees, (epoch, words[0], claims[0].proof)),
            abi.encodeCall(fees.claimMany, (claims)),
            abi.encodeCall(fees.withdraw, (treasury))
        ];
        token.approve(address(fees), type(uint256).max);
        for (uint256 outer = 0; outer < 7; ++outer) {
            for (uint256 inner = 0; inner < 7; ++inner) {
                uint256 state = vm.snapshotState();
                reentrant.arm(address(fees), calls[inner]);
                (bool ok, ) = address(fees).call(calls[outer]);
                assertTrue(ok, "outer");
                assertTrue(!reentrant.called(), "inner");
                bytes4 reason = bytes4(reentrant.answer());
                assertEq(reason, ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "reason");
                vm.revertToState(state);
            }
        }
    }

    function test_a_gift_is_nobodys() public {
        token.transfer(address(fees), 5);
        _pay(10_000);
        _holds(9500, 9500);
        assertEq(token.balanceOf(address(fees)), 10_005, "balance");
    }

    function test_it_stays_small_enough_to_be_read() public view {
        assertTrue(address(fees).code.length < 10240, "size");
    }

    // --- parts ---

    function _use(ERC20 token_) private {
        vm.warp(NOW);
        _deploy(token_);
        _deployFees();
    }

    function _creates(bytes memory arguments) private returns (bool) {
        bytes memory code = abi.encodePacked(vm.getCode("InferenceFees.sol:InferenceFees"), arguments);
        address deployed;
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        return deployed != address(0);
    }

    function _rotate(uint256 index, uint256 key) private {
        address from = registry.walletOf(epoch, index);
        address to = vm.addr(key);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Contributions"),
                keccak256("1"),
                31337,
                registry
            )
        );
        uint256 deadline = ACTIVE + 1 days;
        bytes32 structHash = keccak256(
            abi.encode(registry.ROTATE_TYPEHASH(), epoch, index, from, to, registry.nonces(from), deadline)
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        registry.rotateWallet(epoch, index, to, deadline, _signature(KEY + index, digest), _signature(key, digest));
    }

    function _signature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _permit(
        uint256 signer,
        uint256 amount,
        uint256 deadline
    ) private view returns (uint8, bytes32, bytes32) {
        ERC20Permit permitted = ERC20Permit(address(token));
        address owner = vm.addr(signer);
        bytes32 typehash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(
            abi.encode(typehash, owner, fees, amount, permitted.nonces(owner), deadline)
        );
        return vm.sign(signer, keccak256(abi.encodePacked(hex"1901", permitted.DOMAIN_SEPARATOR(), structHash)));
    }

    function _refused(bytes memory reason) private {
        token.approve(address(fees), 5);
        vm.expectRevert(reason);
        fees.pay(_payment(5));
    }

    function _wrongStatus(RewardDistributor.Status actual) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                RewardDistributor.WrongStatus.selector,
                epoch,
                RewardDistributor.Status.Posted,
                actual
            );
    }

    function _nothingOwed(uint256 i) private {
        bytes32[] memory proof = _siblings(epoch, words, i);
        vm.expectRevert(abi.encodeWithSelector(InferenceFees.NoFeesOwed.selector, epoch, i));
        fees.claimFees(epoch, words[i], proof);
    }

    function _invalid(uint256 id, uint256 word, bytes32[] memory proof) private {
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, id, word));
        fees.claimFees(id, word, proof);
    }

    function _holds(uint256 total, uint256 balance) private view {
        InferenceFees.Pot memory pot = fees.potOf(epoch);
        assertEq(pot.total, total, "total");
        assertEq(pot.balance, balance, "pot");
    }

    function _credits(uint256 toTrainer, uint256 toOperator, uint256 toTreasury) private view {
        assertEq(fees.creditOf(address(this)), toTrainer, "trainer");
        assertEq(fees.creditOf(operator), toOperator, "operator");
        assertEq(fees.creditOf(treasury), toTreasury, "treasury");
    }

    function _isSplit(uint256 contributors, uint256 trainer, uint256 operator_, uint256 treasury_) private view {
        InferenceFees.Split memory split = fees.splitOf(epoch);
        assertEq(split.contributors, contributors, "contributors");
        assertEq(split.trainer, trainer, "trainer");
        assertEq(split.operator, operator_, "operator");
        assertEq(split.treasury, treasury_, "treasury");
    }
}
