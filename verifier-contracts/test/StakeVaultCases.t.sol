// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {Stakes} from "./Stakes.sol";
import {BlockingToken, FalseToken, FeeToken, ReentrantToken} from "./Tokens.sol";

/// @notice Verdicts of the StakeVault, their appeals and their ends; attacks on its money; hostile tokens.
contract StakeVaultCasesTest is Stakes {
    StakeVault.CaseStatus private constant SETTLED = StakeVault.CaseStatus.Settled;
    StakeVault.CaseStatus private constant OPEN = StakeVault.CaseStatus.Open;
    StakeVault.CaseStatus private constant APPEALED = StakeVault.CaseStatus.Appealed;
    StakeVault.CaseStatus private constant OVERTURNED = StakeVault.CaseStatus.Overturned;

    // --- what a verdict takes ---

    function test_a_verdict_takes_locked_then_free_then_unbonding_stake() public {
        _deposit(datanets, staker, 60);
        _lock(datanets, staker, 30);
        _unbond(datanets, staker, 10);
        _isIn(datanets, staker, 20, 30, 10);
        uint96[7] memory amounts = [uint96(29), 30, 31, 50, 51, 60, 61];
        uint96[7] memory locked = [uint96(1), 0, 0, 0, 0, 0, 0];
        uint96[7] memory free = [uint96(20), 20, 19, 0, 0, 0, 0];
        uint96[7] memory unbonding = [uint96(10), 10, 10, 10, 9, 0, 0];
        for (uint256 i = 0; i < 7; ++i) {
            uint256 state = vm.snapshotState();
            (, uint96 slashed) = _slash(datanets, staker, amounts[i]);
            assertEq(slashed, amounts[i] > 60 ? 60 : amounts[i], "slashed");
            _isIn(datanets, staker, free[i], locked[i], unbonding[i]);
            vm.revertToState(state);
        }
    }

    function test_one_case_takes_at_most_the_cap_of_the_whole_account() public {
        _deposit(operators, staker, 101);
        _lock(operators, staker, 80);
        _unbond(operators, staker, 11);
        (uint256 id, uint96 slashed) = _slash(operators, staker, 51);
        assertEq(slashed, 50, "half of 101, rounded down");
        assertEq(vault.caseOf(id).amount, 50, "case");
        _isIn(operators, staker, 10, 30, 11);
        (, slashed) = _slash(operators, staker, 51);
        assertEq(slashed, 25, "half of what is left");
        _isIn(operators, staker, 10, 5, 11);
        (, slashed) = _slash(operators, staker, 24);
        assertEq(slashed, 13, "reaches the free stake");
        _isIn(operators, staker, 2, 0, 11);
        (, slashed) = _slash(operators, staker, 24);
        assertEq(slashed, 6, "reaches the unbonding stake");
        _isIn(operators, staker, 0, 0, 7);
    }

    function testFuzz_the_cap_and_the_shares_round_down(uint96 stake, uint96 amount, uint16 cap, uint16 share) public {
        stake = stake % 1e27;
        cap = 1 + (cap % 10_000);
        share = share % 10_001;
        address service = address(0x5E44);
        vm.prank(timelock);
        vault.registerService(service, StakeVault.Terms(1, 0, cap, share));
        _deposit(service, staker, stake);
        (, uint96 slashed) = _slash(service, staker, amount);
        uint256 most = (uint256(stake) * cap) / 10_000;
        assertEq(slashed, amount < most ? amount : most, "slashed");
        uint256 toChallenger = (uint256(slashed) * share) / 10_000;
        assertEq(vault.creditOf(challenger), toChallenger, "challenger");
        assertEq(vault.creditOf(treasury), slashed - toChallenger, "treasury");
        _isIn(service, staker, stake - slashed, 0, 0);
    }

    function test_nothing_to_take_is_no_case() public {
        (uint256 id, uint96 slashed) = _slash(datanets, staker, 5);
        assertEq(id + slashed, 0, "no account");
        _deposit(operators, staker, 1);
        (id, slashed) = _slash(operators, staker, 5);
        assertEq(id + slashed, 0, "half a wei");
        (id, slashed) = _slash(operators, staker, 0);
        assertEq(id + slashed, 0, "nothing asked");
        assertEq(vault.caseCount(), 0, "cases");
    }

    function test_unbonding_stake_stays_slashable_to_the_last_second_and_beyond() public {
        _deposit(datanets, staker, STAKE);
        _unbond(datanets, staker, STAKE);
        vm.warp(NOW + 7 days);
        (, uint96 slashed) = _slash(datanets, staker, 40 ether);
        assertEq(slashed, 40 ether, "slashed");
        vault.withdraw(datanets, staker);
        assertEq(token.balanceOf(staker), 60 ether, "the rest");
        (, slashed) = _slash(datanets, staker, 40 ether);
        assertEq(slashed, 0, "gone is gone");
    }

    // --- a verdict without appeal ---

    function test_without_a_window_it_is_settled_at_once() public {
        _deposit(contributions, staker, STAKE);
        vm.expectEmit();
        emit StakeVault.Slashed(1, contributions, staker, 7, challenger, EVIDENCE, 0);
        vm.expectEmit();
        emit StakeVault.CaseSettled(1, challenger, 0, 7);
        (uint256 id, ) = _slash(contributions, staker, 7);
        assertEq(vault.creditOf(treasury), 7, "treasury");
        assertEq(vault.creditOf(challenger), 0, "its share is zero");
        _isCase(id, SETTLED, 0);
        vm.expectRevert(_status(id, SETTLED));
        vault.settle(id);
        vm.prank(staker);
        vm.expectRevert(_status(id, SETTLED));
        vault.appeal(id, "late");
        vm.prank(timelock);
        vm.expectRevert(_status(id, SETTLED));
        vault.decide(id, false);
    }

    // --- a case ---

    function test_a_case_holds_its_money_until_its_window_ends() public {
        _deposit(datanets, staker, STAKE);
        vm.expectEmit();
        emit StakeVault.Slashed(1, datanets, staker, 11, challenger, EVIDENCE, uint40(NOW + 3 days));
        (uint256 id, ) = _slash(datanets, staker, 11);
        StakeVault.Case memory case_ = vault.caseOf(id);
        assertEq(case_.owner, staker, "accused");
        assertEq(case_.service, datanets, "service");
        assertEq(case_.challenger, challenger, "challenger");
        assertEq(case_.amount, 11, "amount");
        _isCase(id, OPEN, NOW + 3 days);
        assertEq(vault.creditOf(challenger) + vault.creditOf(treasury), 0, "nothing credited");
        vm.warp(NOW + 3 days - 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.CaseNotDue.selector, id, NOW + 3 days));
        vault.settle(id);
        vm.warp(NOW + 3 days);
        vm.prank(stranger);
        vm.expectEmit();
        emit StakeVault.CaseSettled(id, challenger, 5, 6);
        vault.settle(id);
        _isCase(id, SETTLED, NOW + 3 days);
        assertEq(vault.creditOf(challenger), 5, "challenger");
        assertEq(vault.creditOf(treasury), 6, "treasury");
        vm.expectRevert(_status(id, SETTLED));
        vault.settle(id);
    }

    function test_without_a_challenger_all_is_the_treasurys() public {
        _deposit(datanets, staker, STAKE);
        vm.prank(datanets);
        (uint256 id, ) = vault.slash(staker, 11, address(0), EVIDENCE);
        vm.warp(NOW + 3 days);
        vm.expectEmit();
        emit StakeVault.CaseSettled(id, address(0), 0, 11);
        vault.settle(id);
        assertEq(vault.creditOf(treasury), 11, "treasury");
        assertEq(vault.creditOf(address(0)), 0, "nobody");
    }

    /// Whoever is about to be slashed cannot save a part by accusing oneself.
    function test_who_accuses_oneself_gets_no_share() public {
        _deposit(datanets, staker, STAKE);
        vm.prank(datanets);
        (uint256 id, ) = vault.slash(staker, 11, staker, EVIDENCE);
        assertEq(vault.caseOf(id).challenger, address(0), "no challenger");
        vm.warp(NOW + 3 days);
        vault.settle(id);
        assertEq(vault.creditOf(treasury), 11, "treasury");
        assertEq(vault.creditOf(staker), 0, "accused");
    }

    function test_the_accused_alone_appeals_and_in_time() public {
        uint256 id = _opened();
        address[4] memory others = [challenger, stranger, timelock, datanets];
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(StakeVault.NotAccused.selector, id, staker, others[i]));
            vault.appeal(id, "");
        }
        vm.warp(NOW + 3 days);
        vm.prank(staker);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.CaseTooLate.selector, id, NOW + 3 days));
        vault.appeal(id, "");
        vm.warp(NOW + 3 days - 1);
        vm.prank(staker);
        vm.expectEmit();
        emit StakeVault.Appealed(id, staker, uint40(NOW + 33 days - 1), "the replay was of another job");
        vault.appeal(id, "the replay was of another job");
        _isCase(id, APPEALED, NOW + 33 days - 1);
        vm.prank(staker);
        vm.expectRevert(_status(id, APPEALED));
        vault.appeal(id, "");
    }

    function test_an_appealed_case_waits_for_the_owner_of_the_vault() public {
        uint256 id = _appealed();
        vm.warp(NOW + 30 days - 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.CaseNotDue.selector, id, NOW + 30 days));
        vault.settle(id);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotOwner.selector, timelock, address(this)));
        vault.decide(id, true);
        uint256 state = vm.snapshotState();
        vm.prank(timelock);
        vm.expectEmit();
        emit StakeVault.CaseSettled(id, challenger, 5, 6);
        vault.decide(id, true);
        _isCase(id, SETTLED, NOW + 30 days);
        assertEq(vault.creditOf(challenger), 5, "challenger");
        assertEq(vault.creditOf(treasury), 6, "treasury");
        vm.revertToState(state);
        vm.prank(timelock);
        vm.expectEmit();
        emit StakeVault.CaseOverturned(id, datanets, staker, 11);
        vault.decide(id, false);
        _isCase(id, OVERTURNED, NOW + 30 days);
        _isIn(datanets, staker, STAKE, 0, 0);
        assertEq(vault.creditOf(challenger) + vault.creditOf(treasury), 0, "nothing credited");
        vm.prank(timelock);
        vm.expectRevert(_status(id, OVERTURNED));
        vault.decide(id, true);
        vm.expectRevert(_status(id, OVERTURNED));
        vault.settle(id);
    }

    function test_an_undecided_case_is_overturned_by_anybody() public {
        uint256 id = _appealed();
        vm.warp(NOW + 30 days);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.CaseTooLate.selector, id, NOW + 30 days));
        vault.decide(id, true);
        vm.prank(stranger);
        vault.settle(id);
        _isCase(id, OVERTURNED, NOW + 30 days);
        _isIn(datanets, staker, STAKE, 0, 0);
    }

    function test_the_owner_of_the_vault_decides_nothing_that_was_not_appealed() public {
        uint256 id = _opened();
        vm.prank(timelock);
        vm.expectRevert(_status(id, OPEN));
        vault.decide(id, false);
        vm.warp(NOW + 3 days);
        vault.settle(id);
        vm.prank(timelock);
        vm.expectRevert(_status(id, SETTLED));
        vault.decide(id, false);
    }

    function test_unknown_cases_are_not_settled_ones() public {
        uint256 id = _opened();
        uint256[2] memory unknown = [uint256(0), id + 1];
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory fault = abi.encodeWithSelector(StakeVault.CaseUnknown.selector, unknown[i]);
            vm.expectRevert(fault);
            vault.caseOf(unknown[i]);
            vm.expectRevert(fault);
            vault.settle(unknown[i]);
            vm.expectRevert(fault);
            vault.appeal(unknown[i], "");
            vm.prank(timelock);
            vm.expectRevert(fault);
            vault.decide(unknown[i], true);
        }
    }

    /// What a case holds is out of reach, whatever the accused does in between.
    function test_the_accused_withdraws_the_rest_and_the_case_goes_on() public {
        uint256 id = _opened();
        _unbond(datanets, staker, STAKE - 11);
        vm.warp(NOW + 7 days);
        vault.withdraw(datanets, staker);
        _isIn(datanets, staker, 0, 0, 0);
        assertEq(token.balanceOf(address(vault)), 11, "the case");
        vault.settle(id);
        assertEq(vault.creditOf(challenger) + vault.creditOf(treasury), 11, "credited");
    }

    /// A wallet that moved its stake away is still the one that was accused, and the one that is paid back.
    function test_overturned_money_goes_back_to_the_account_it_came_from() public {
        _deposit(datanets, staker, STAKE);
        _lock(datanets, staker, STAKE);
        (uint256 id, ) = _slash(datanets, staker, 11);
        vm.prank(datanets);
        vault.move(staker, stranger, STAKE);
        vm.prank(staker);
        vault.appeal(id, "");
        vm.prank(timelock);
        vault.decide(id, false);
        _isIn(datanets, staker, 11, 0, 0);
        _isIn(datanets, stranger, 0, STAKE - 11, 0);
    }

    function test_overturned_money_of_an_ended_service_is_paid() public {
        uint256 id = _appealed();
        _retire(datanets);
        vm.warp(NOW + 30 days);
        vault.withdraw(datanets, staker);
        assertEq(token.balanceOf(staker), STAKE - 11, "the account");
        vault.settle(id);
        _isIn(datanets, staker, 11, 0, 0);
        (uint256 none, ) = _slash(datanets, staker, 11);
        assertEq(none, 0, "its service reaches it no more");
        vault.withdraw(datanets, staker);
        assertEq(token.balanceOf(staker), STAKE, "the case");
        assertEq(token.balanceOf(address(vault)), 0, "nothing left");
    }

    /// Its retirement does not let anybody off who was slashed before.
    function test_cases_of_a_retired_service_come_to_their_end() public {
        _deposit(operators, staker, STAKE);
        _retire(operators);
        vm.warp(NOW + 30 days - 1);
        (uint256 id, ) = _slash(operators, staker, 10);
        vm.warp(NOW + 30 days);
        vault.withdraw(operators, staker);
        vm.warp(NOW + 33 days - 1);
        vault.settle(id);
        assertEq(vault.creditOf(challenger), 5, "challenger");
        assertEq(vault.creditOf(treasury), 5, "treasury");
    }

    // --- credits ---

    function test_credits_add_up_and_anybody_has_them_paid() public {
        _deposit(datanets, staker, STAKE);
        for (uint256 i = 0; i < 2; ++i) _slash(datanets, staker, 11);
        vm.warp(NOW + 3 days);
        vault.settle(1);
        vault.settle(2);
        vm.prank(stranger);
        vm.expectEmit();
        emit StakeVault.Collected(challenger, 10);
        assertEq(vault.collect(challenger), 10, "paid");
        assertEq(token.balanceOf(challenger), 10, "challenger");
        assertEq(vault.collect(treasury), 12, "paid");
        assertEq(token.balanceOf(treasury), 12, "treasury");
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NothingCredited.selector, challenger));
        vault.collect(challenger);
        assertEq(token.balanceOf(address(vault)), STAKE - 22, "the rest");
    }

    // --- attacks ---

    /// The owner of the vault, who may register what it likes, has no way to anybody's money.
    function test_the_owner_of_the_vault_takes_nothing() public {
        _deposit(datanets, staker, STAKE);
        _lock(datanets, staker, 10 ether);
        uint256 id = _opened();
        uint256 held = token.balanceOf(address(vault));
        vm.startPrank(timelock);
        vault.registerService(timelock, StakeVault.Terms(0, 0, 10_000, 10_000));
        assertEq(vault.unlock(staker, STAKE), 0, "unlock");
        assertEq(vault.move(staker, timelock, STAKE), 0, "move");
        assertEq(vault.release(staker, STAKE), 0, "release");
        (uint256 none, uint96 slashed) = vault.slash(staker, STAKE, timelock, EVIDENCE);
        assertEq(none + slashed, 0, "slash");
        vm.expectRevert(_status(id, OPEN));
        vault.decide(id, true);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.ServiceTaken.selector, datanets));
        vault.registerService(datanets, StakeVault.Terms(0, 0, 10_000, 10_000));
        vault.retireService(datanets);
        vm.warp(NOW + 30 days);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NothingCredited.selector, timelock));
        vault.collect(timelock);
        vm.stopPrank();
        assertEq(token.balanceOf(address(vault)), held, "all is there");
        vault.withdraw(datanets, staker);
        assertEq(token.balanceOf(staker), 2 * STAKE - 11, "and is the staker's");
    }

    function test_a_gift_is_nobodys() public {
        _deposit(contributions, staker, STAKE);
        token.transfer(address(vault), 5);
        _unbond(contributions, staker, STAKE);
        assertEq(token.balanceOf(address(vault)), 5, "gift");
    }

    // --- tokens ---

    function test_a_fee_token_counts_what_arrived() public {
        _deploy(new FeeToken());
        _deposit(contributions, staker, 1000);
        _isIn(contributions, staker, 990, 0, 0);
        vm.prank(contributions);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.FreeStakeTooLow.selector, contributions, staker, 990, 991)
        );
        vault.lock(staker, 991);
        _unbond(contributions, staker, 990);
        assertEq(token.balanceOf(address(vault)), 0, "nothing left");
        assertEq(token.balanceOf(staker), 990 - 9, "paid, less the token's fee");
    }

    function test_a_token_that_returns_false_moves_nothing() public {
        FalseToken falseToken = new FalseToken();
        _deploy(falseToken);
        _deposit(contributions, staker, STAKE);
        _lock(contributions, staker, 10);
        _slash(contributions, staker, 5);
        falseToken.breakIt();
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token));
        token.approve(address(vault), 1);
        vm.expectRevert(failed);
        vault.depositFor(contributions, staker, 1);
        vm.prank(staker);
        vm.expectRevert(failed);
        vault.unbond(contributions, 1);
        vm.prank(contributions);
        vm.expectRevert(failed);
        vault.release(staker, 1);
        vm.expectRevert(failed);
        vault.collect(treasury);
        _retire(contributions);
        vm.warp(NOW + 30 days);
        vm.expectRevert(failed);
        vault.withdraw(contributions, staker);
        _isIn(contributions, staker, STAKE - 10, 5, 0);
        assertEq(vault.creditOf(treasury), 5, "credit");
    }

    /// A challenger whom the token refuses holds nobody's money back but its own.
    function test_a_token_that_blocks_one_pays_the_others() public {
        BlockingToken blocking = new BlockingToken();
        _deploy(blocking);
        uint256 id = _opened();
        blocking.block_(challenger);
        vm.warp(NOW + 3 days);
        vault.settle(id);
        assertEq(vault.collect(treasury), 6, "treasury");
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, challenger));
        vault.collect(challenger);
        blocking.block_(stranger);
        assertEq(vault.collect(challenger), 5, "later");
    }

    /// Every call that moves tokens is entered again in the middle of the transfer by every such call.
    function test_a_reentrant_token_gets_nowhere() public {
        ReentrantToken reentrant = new ReentrantToken();
        _deploy(reentrant);
        vm.prank(timelock);
        vault.registerService(address(this), StakeVault.Terms(0, 0, 10_000, 0));
        _deposit(address(this), address(this), STAKE);
        vault.lock(address(this), 10 ether);
        vault.slash(address(this), 1 ether, challenger, EVIDENCE);
        _deposit(operators, staker, STAKE);
        _unbond(operators, staker, 1 ether);
        vm.warp(NOW + 14 days);
        bytes[7] memory calls = [
            abi.encodeCall(vault.deposit, (datanets, 1)),
            abi.encodeCall(vault.depositFor, (datanets, staker, 1)),
            abi.encodeCall(vault.depositWithPermit, (datanets, 1, 0, 0, 0, 0)),
            abi.encodeCall(vault.unbond, (address(this), 1)),
            abi.encodeCall(vault.withdraw, (operators, staker)),
            abi.encodeCall(vault.release, (address(this), 1)),
            abi.encodeCall(vault.collect, (treasury))
        ];
        token.approve(address(vault), type(uint256).max);
        for (uint256 outer = 0; outer < 7; ++outer) {
            for (uint256 inner = 0; inner < 7; ++inner) {
                uint256 state = vm.snapshotState();
                reentrant.arm(address(vault), calls[inner]);
                (bool ok, ) = address(vault).call(calls[outer]);
                assertTrue(ok, "outer");
                assertTrue(!reentrant.called(), "inner");
                bytes4 reason = bytes4(reentrant.answer());
                assertEq(reason, ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "reason");
                vm.revertToState(state);
            }
        }
    }

    /// The calls that move no token may be entered; they find books that are true.
    function test_a_verdict_in_the_middle_of_a_payment_finds_true_books() public {
        ReentrantToken reentrant = new ReentrantToken();
        _deploy(reentrant);
        vm.prank(timelock);
        vault.registerService(address(reentrant), StakeVault.Terms(0, 0, 10_000, 0));
        _deposit(address(reentrant), staker, STAKE);
        reentrant.arm(address(vault), abi.encodeCall(vault.slash, (staker, STAKE, challenger, EVIDENCE)));
        _unbond(address(reentrant), staker, 60 ether);
        assertTrue(reentrant.called(), "entered");
        assertEq(vault.creditOf(treasury), 40 ether, "what was left");
        _isIn(address(reentrant), staker, 0, 0, 0);
        assertEq(token.balanceOf(address(vault)), 40 ether, "balance");
        // In the middle of a deposit: what has not been booked is not there yet.
        token.approve(address(vault), 5);
        reentrant.arm(address(vault), abi.encodeCall(vault.slash, (staker, STAKE, challenger, EVIDENCE)));
        vault.depositFor(address(reentrant), staker, 5);
        _isIn(address(reentrant), staker, 5, 0, 0);
    }

    // --- parts ---

    /// @dev A case of 11 wei in the datanets account of the staker.
    function _opened() private returns (uint256 id) {
        _deposit(datanets, staker, STAKE);
        (id, ) = _slash(datanets, staker, 11);
    }

    function _appealed() private returns (uint256 id) {
        id = _opened();
        vm.prank(staker);
        vault.appeal(id, "");
    }

    function _status(uint256 id, StakeVault.CaseStatus actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(StakeVault.WrongCaseStatus.selector, id, actual);
    }
}
