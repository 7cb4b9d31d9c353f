// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {Stakes} from "./Stakes.sol";

/// @notice Services, deposits, and what owners and services do to accounts. Cases: StakeVaultCases.t.sol.
contract StakeVaultTest is Stakes {
    // --- services ---

    function test_the_first_services_have_their_terms() public view {
        _hasTerms(contributions, 0, 0, 10_000, 0);
        _hasTerms(datanets, 7 days, 3 days, 10_000, 5000);
        _hasTerms(operators, 14 days, 3 days, 5000, 5000);
        assertEq(vault.owner(), timelock, "owner");
        assertEq(vault.treasury(), treasury, "treasury");
        assertEq(address(vault.token()), address(token), "token");
    }

    function test_a_vault_needs_token_owner_and_treasury() public {
        vm.expectRevert(StakeVault.AddressZero.selector);
        new StakeVault(IERC20(address(0)), timelock, treasury, _first());
        vm.expectRevert(StakeVault.AddressZero.selector);
        new StakeVault(token, address(0), treasury, _first());
        vm.expectRevert(StakeVault.AddressZero.selector);
        new StakeVault(token, timelock, address(0), _first());
    }

    function test_the_first_services_are_checked_as_later_ones() public {
        StakeVault.Registration[] memory services = _first();
        services[2].service = contributions;
        vm.expectRevert(abi.encodeWithSelector(StakeVault.ServiceTaken.selector, contributions));
        new StakeVault(token, timelock, treasury, services);
        services[2].service = address(0);
        vm.expectRevert(StakeVault.AddressZero.selector);
        new StakeVault(token, timelock, treasury, services);
    }

    function test_the_owner_registers_a_service_once_and_for_ever() public {
        StakeVault.Terms memory terms = StakeVault.Terms(30 days, 14 days, 1, 10_000);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotOwner.selector, timelock, stranger));
        vault.registerService(stranger, terms);
        vm.startPrank(timelock);
        vm.expectEmit();
        emit StakeVault.ServiceRegistered(stranger, terms);
        vault.registerService(stranger, terms);
        _hasTerms(stranger, 30 days, 14 days, 1, 10_000);
        bytes memory taken = abi.encodeWithSelector(StakeVault.ServiceTaken.selector, stranger);
        vm.expectRevert(taken);
        vault.registerService(stranger, terms);
        vault.retireService(stranger);
        vm.warp(NOW + 30 days);
        vm.expectRevert(taken);
        vault.registerService(stranger, terms);
        vm.expectRevert(StakeVault.AddressZero.selector);
        vault.registerService(address(0), terms);
    }

    function test_each_term_has_its_range() public {
        _refusedTerms(StakeVault.Terms(30 days + 1, 0, 1, 0), StakeVault.Term.Unbonding, 0, 30 days, 30 days + 1);
        _refusedTerms(StakeVault.Terms(0, 14 days + 1, 1, 0), StakeVault.Term.AppealWindow, 0, 14 days, 14 days + 1);
        _refusedTerms(StakeVault.Terms(0, 0, 0, 0), StakeVault.Term.Cap, 1, 10_000, 0);
        _refusedTerms(StakeVault.Terms(0, 0, 10_001, 0), StakeVault.Term.Cap, 1, 10_000, 10_001);
        _refusedTerms(StakeVault.Terms(0, 0, 1, 10_001), StakeVault.Term.ChallengerShare, 0, 10_000, 10_001);
    }

    function test_only_the_owner_retires_and_once() public {
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NotOwner.selector, timelock, address(this)));
        vault.retireService(operators);
        vm.startPrank(timelock);
        vm.expectEmit();
        emit StakeVault.ServiceRetired(operators, uint40(NOW + 30 days));
        vault.retireService(operators);
        assertEq(vault.serviceOf(operators).endsAt, NOW + 30 days, "end");
        vm.warp(NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.ServiceIsRetired.selector, operators, NOW + 30 days));
        vault.retireService(operators);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.ServiceUnknown.selector, stranger));
        vault.retireService(stranger);
    }

    // --- deposits ---

    function test_deposits_are_free_stake_of_their_owner() public {
        token.transfer(staker, STAKE);
        vm.startPrank(staker);
        token.approve(address(vault), STAKE);
        vm.expectEmit();
        emit StakeVault.Deposited(datanets, staker, staker, STAKE);
        vault.deposit(datanets, STAKE);
        vm.stopPrank();
        _isIn(datanets, staker, STAKE, 0, 0);
        token.approve(address(vault), 7);
        vm.expectEmit();
        emit StakeVault.Deposited(datanets, staker, address(this), 7);
        vault.depositFor(datanets, staker, 7);
        _isIn(datanets, staker, STAKE + 7, 0, 0);
        _isIn(operators, staker, 0, 0, 0);
        _isIn(datanets, address(this), 0, 0, 0);
        assertEq(token.balanceOf(address(vault)), STAKE + 7, "balance");
    }

    function test_a_deposit_needs_a_service_an_owner_and_money() public {
        bytes memory unknown = abi.encodeWithSelector(StakeVault.ServiceUnknown.selector, stranger);
        vm.expectRevert(unknown);
        vault.deposit(stranger, 1);
        vm.expectRevert(unknown);
        vault.depositFor(stranger, staker, 1);
        vm.expectRevert(StakeVault.AddressZero.selector);
        vault.depositFor(datanets, address(0), 1);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, 1)
        );
        vault.deposit(datanets, 1);
    }

    function test_a_permit_stands_for_the_approval() public {
        token.transfer(staker, 2 * STAKE);
        (uint8 v, bytes32 r, bytes32 s) = _permit(STAKE, NOW);
        // Seen in the pool of pending transactions it moves nothing for anybody else,
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, STAKE)
        );
        vault.depositWithPermit(datanets, STAKE, NOW, v, r, s);
        vm.prank(staker);
        vault.depositWithPermit(datanets, STAKE, NOW, v, r, s);
        _isIn(datanets, staker, STAKE, 0, 0);
        assertEq(token.allowance(staker, address(vault)), 0, "allowance");
        // and whoever sends it first does not block its owner.
        (v, r, s) = _permit(STAKE, NOW);
        ERC20Permit(address(token)).permit(staker, address(vault), STAKE, NOW, v, r, s);
        vm.prank(staker);
        vault.depositWithPermit(datanets, STAKE, NOW, v, r, s);
        _isIn(datanets, staker, 2 * STAKE, 0, 0);
    }

    function test_a_late_permit_deposits_nothing() public {
        token.transfer(staker, STAKE);
        (uint8 v, bytes32 r, bytes32 s) = _permit(STAKE, NOW - 1);
        vm.prank(staker);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, STAKE)
        );
        vault.depositWithPermit(datanets, STAKE, NOW - 1, v, r, s);
    }

    // --- unbonding ---

    function test_unbonding_takes_its_time() public {
        _deposit(operators, staker, STAKE);
        vm.expectEmit();
        emit StakeVault.Unbonding(operators, staker, 40 ether, uint40(NOW + 14 days));
        _unbond(operators, staker, 40 ether);
        _isIn(operators, staker, 60 ether, 0, 40 ether);
        vm.warp(NOW + 14 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.NothingUnbonded.selector, operators, staker, NOW + 14 days)
        );
        vault.withdraw(operators, staker);
        vm.warp(NOW + 14 days);
        vm.prank(stranger);
        vm.expectEmit();
        emit StakeVault.Withdrawn(operators, staker, 40 ether, false);
        vault.withdraw(operators, staker);
        assertEq(token.balanceOf(staker), 40 ether, "paid to the owner");
        _isIn(operators, staker, 60 ether, 0, 0);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.NothingUnbonded.selector, operators, staker, NOW + 14 days)
        );
        vault.withdraw(operators, staker);
    }

    function test_unbonding_more_begins_anew() public {
        _deposit(operators, staker, STAKE);
        _unbond(operators, staker, 10 ether);
        vm.warp(NOW + 14 days - 1);
        _unbond(operators, staker, 5 ether);
        _isIn(operators, staker, 85 ether, 0, 15 ether);
        assertEq(token.balanceOf(staker), 0, "nothing yet");
        vm.warp(NOW + 28 days - 2);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.NothingUnbonded.selector, operators, staker, NOW + 28 days - 1)
        );
        vault.withdraw(operators, staker);
        // What has unbonded by now is paid, and does not wait again.
        vm.warp(NOW + 28 days - 1);
        _unbond(operators, staker, 1 ether);
        assertEq(token.balanceOf(staker), 15 ether, "paid");
        _isIn(operators, staker, 84 ether, 0, 1 ether);
        assertEq(vault.accountOf(operators, staker).unbondsAt, NOW + 42 days - 1, "new date");
    }

    function test_only_free_stake_unbonds() public {
        _deposit(datanets, staker, STAKE);
        _lock(datanets, staker, 60 ether);
        vm.startPrank(staker);
        vm.expectRevert(_tooLittle(datanets, 40 ether, 40 ether + 1));
        vault.unbond(datanets, 40 ether + 1);
        vm.expectRevert(StakeVault.AmountZero.selector);
        vault.unbond(datanets, 0);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.ServiceUnknown.selector, stranger));
        vault.unbond(stranger, 1);
        vault.unbond(datanets, 40 ether);
        _isIn(datanets, staker, 0, 60 ether, 40 ether);
    }

    function test_without_an_unbonding_period_it_is_paid_at_once() public {
        _deposit(contributions, staker, STAKE);
        vm.expectEmit();
        emit StakeVault.Unbonding(contributions, staker, 40 ether, uint40(NOW));
        vm.expectEmit();
        emit StakeVault.Withdrawn(contributions, staker, 40 ether, false);
        _unbond(contributions, staker, 40 ether);
        assertEq(token.balanceOf(staker), 40 ether, "paid");
        _isIn(contributions, staker, 60 ether, 0, 0);
    }

    /// Nobody empties an account between its deposit and the contribution that needs it.
    function test_free_stake_leaves_by_its_owner_alone() public {
        address[3] memory services = [contributions, datanets, operators];
        for (uint256 i = 0; i < 3; ++i) {
            _deposit(services[i], staker, STAKE);
            vm.prank(stranger);
            vm.expectRevert(
                abi.encodeWithSelector(StakeVault.NothingUnbonded.selector, services[i], staker, 0)
            );
            vault.withdraw(services[i], staker);
            vm.prank(stranger);
            vm.expectRevert(
                abi.encodeWithSelector(StakeVault.FreeStakeTooLow.selector, services[i], stranger, 0, 1)
            );
            vault.unbond(services[i], 1);
            _isIn(services[i], staker, STAKE, 0, 0);
        }
    }

    // --- what services do ---

    function test_locks_and_what_becomes_of_them() public {
        _deposit(contributions, staker, STAKE);
        vm.startPrank(contributions);
        vm.expectEmit();
        emit StakeVault.Locked(contributions, staker, 70 ether);
        vault.lock(staker, 70 ether);
        _isIn(contributions, staker, 30 ether, 70 ether, 0);
        vm.expectRevert(_tooLittle(contributions, 30 ether, 30 ether + 1));
        vault.lock(staker, 30 ether + 1);
        vm.expectEmit();
        emit StakeVault.Unlocked(contributions, staker, 20 ether);
        assertEq(vault.unlock(staker, 20 ether), 20 ether, "unlocked");
        _isIn(contributions, staker, 50 ether, 50 ether, 0);
        vm.expectEmit();
        emit StakeVault.Moved(contributions, staker, stranger, 30 ether);
        assertEq(vault.move(staker, stranger, 30 ether), 30 ether, "moved");
        _isIn(contributions, staker, 50 ether, 20 ether, 0);
        _isIn(contributions, stranger, 0, 30 ether, 0);
        vm.expectEmit();
        emit StakeVault.Released(contributions, stranger, 30 ether);
        assertEq(vault.release(stranger, 30 ether), 30 ether, "released");
        assertEq(token.balanceOf(stranger), 30 ether, "paid");
        _isIn(contributions, stranger, 0, 0, 0);
    }

    /// A verdict may have taken it: what gives back does what there is to do.
    function test_giving_back_more_than_is_locked_gives_back_what_is() public {
        _deposit(contributions, staker, STAKE);
        vm.startPrank(contributions);
        vault.lock(staker, 10);
        uint256 state = vm.snapshotState();
        assertEq(vault.unlock(staker, 11), 10, "unlocked");
        _isIn(contributions, staker, STAKE, 0, 0);
        assertEq(vault.unlock(staker, 1), 0, "nothing left");
        vm.revertToState(state);
        assertEq(vault.move(staker, stranger, 11), 10, "moved");
        assertEq(vault.move(staker, stranger, 1), 0, "nothing left");
        _isIn(contributions, stranger, 0, 10, 0);
        vm.revertToState(state);
        assertEq(vault.release(staker, 11), 10, "released");
        assertEq(vault.release(staker, 1), 0, "nothing left");
        assertEq(token.balanceOf(staker), 10, "paid");
        _isIn(contributions, staker, STAKE - 10, 0, 0);
    }

    function test_a_move_to_oneself_changes_nothing() public {
        _deposit(datanets, staker, STAKE);
        _lock(datanets, staker, 10);
        vm.startPrank(datanets);
        assertEq(vault.move(staker, staker, 7), 7, "moved");
        _isIn(datanets, staker, STAKE - 10, 10, 0);
        vm.expectRevert(StakeVault.AddressZero.selector);
        vault.move(staker, address(0), 7);
    }

    function test_release_is_for_services_without_unbonding() public {
        _deposit(datanets, staker, STAKE);
        _lock(datanets, staker, 10);
        vm.prank(datanets);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.UnbondingRequired.selector, datanets, 7 days));
        vault.release(staker, 10);
    }

    function test_only_services_and_each_its_own_accounts() public {
        _deposit(contributions, staker, STAKE);
        _lock(contributions, staker, 10);
        vm.startPrank(stranger);
        bytes memory unknown = abi.encodeWithSelector(StakeVault.ServiceUnknown.selector, stranger);
        vm.expectRevert(unknown);
        vault.lock(staker, 1);
        vm.expectRevert(unknown);
        vault.unlock(staker, 1);
        vm.expectRevert(unknown);
        vault.move(staker, stranger, 1);
        vm.expectRevert(unknown);
        vault.release(staker, 1);
        vm.expectRevert(unknown);
        vault.slash(staker, 1, stranger, EVIDENCE);
        vm.stopPrank();
        // Another service finds nothing there.
        vm.startPrank(datanets);
        vm.expectRevert(_tooLittle(datanets, 0, 1));
        vault.lock(staker, 1);
        assertEq(vault.unlock(staker, 1), 0, "unlocked");
        assertEq(vault.move(staker, stranger, 1), 0, "moved");
        (uint256 id, uint96 slashed) = vault.slash(staker, 1, challenger, EVIDENCE);
        assertEq(id + slashed, 0, "slashed");
        vm.stopPrank();
        _isIn(contributions, staker, STAKE - 10, 10, 0);
    }

    // --- the end of a service ---

    function test_a_retired_service_takes_and_locks_nothing_more() public {
        _deposit(operators, staker, STAKE);
        _lock(operators, staker, 40 ether);
        _retire(operators);
        bytes memory retired = abi.encodeWithSelector(StakeVault.ServiceIsRetired.selector, operators, NOW + 30 days);
        vm.prank(operators);
        vm.expectRevert(retired);
        vault.lock(staker, 1);
        token.approve(address(vault), 1);
        vm.expectRevert(retired);
        vault.deposit(operators, 1);
        vm.expectRevert(retired);
        vault.depositFor(operators, staker, 1);
        vm.expectRevert(retired);
        vault.depositWithPermit(operators, 1, NOW, 0, 0, 0);
        // Until its end it goes on with what it has, and owners wait as before.
        vm.warp(NOW + 30 days - 1);
        vm.startPrank(operators);
        assertEq(vault.unlock(staker, 10 ether), 10 ether, "unlocked");
        assertEq(vault.move(staker, stranger, 10 ether), 10 ether, "moved");
        vm.stopPrank();
        (, uint96 slashed) = _slash(operators, staker, STAKE);
        assertEq(slashed, 45 ether, "slashed");
        _unbond(operators, staker, 45 ether);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.NothingUnbonded.selector, operators, staker, NOW + 44 days - 1)
        );
        vault.withdraw(operators, staker);
    }

    function test_an_ended_service_reaches_nothing_and_all_is_paid() public {
        _deposit(operators, staker, STAKE);
        _lock(operators, staker, 40 ether);
        _unbond(operators, staker, 10 ether);
        _retire(operators);
        vm.warp(NOW + 30 days);
        vm.startPrank(operators);
        assertEq(vault.unlock(staker, 1), 0, "unlocked");
        assertEq(vault.move(staker, stranger, 1), 0, "moved");
        vm.stopPrank();
        (uint256 id, uint96 slashed) = _slash(operators, staker, 1);
        assertEq(id + slashed, 0, "slashed");
        _isIn(operators, staker, 50 ether, 40 ether, 10 ether);
        vm.expectEmit();
        emit StakeVault.Withdrawn(operators, staker, STAKE, true);
        vm.prank(stranger);
        vault.withdraw(operators, staker);
        assertEq(token.balanceOf(staker), STAKE, "paid");
        _isIn(operators, staker, 0, 0, 0);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.NothingUnbonded.selector, operators, staker, NOW + 14 days)
        );
        vault.withdraw(operators, staker);
    }

    function test_an_ended_service_releases_nothing() public {
        _deposit(contributions, staker, STAKE);
        _lock(contributions, staker, STAKE);
        _retire(contributions);
        vm.warp(NOW + 30 days - 1);
        vm.prank(contributions);
        assertEq(vault.release(staker, 1), 1, "before the end");
        vm.warp(NOW + 30 days);
        vm.prank(contributions);
        assertEq(vault.release(staker, 1), 0, "after it");
        vault.withdraw(contributions, staker);
        assertEq(token.balanceOf(staker), STAKE, "all");
    }

    /// The end of one service is not the end of another.
    function test_other_services_go_on() public {
        _deposit(datanets, staker, STAKE);
        _retire(operators);
        vm.warp(NOW + 30 days);
        _lock(datanets, staker, 10);
        _deposit(datanets, staker, 1);
        vm.expectRevert(abi.encodeWithSelector(StakeVault.NothingUnbonded.selector, datanets, staker, 0));
        vault.withdraw(datanets, staker);
        _isIn(datanets, staker, STAKE - 9, 10, 0);
    }

    function test_it_stays_small_enough_to_be_read() public view {
        assertTrue(address(vault).code.length < 10240, "size");
    }

    // --- parts ---

    function _hasTerms(address service, uint256 unbonding, uint256 appeal, uint256 cap, uint256 share) private view {
        StakeVault.Service memory kept = vault.serviceOf(service);
        assertEq(kept.unbonding, unbonding, "unbonding");
        assertEq(kept.appealWindow, appeal, "appeal window");
        assertEq(kept.cap, cap, "cap");
        assertEq(kept.challengerShare, share, "challenger's share");
        assertEq(kept.endsAt, 0, "end");
    }

    function _refusedTerms(
        StakeVault.Terms memory terms,
        StakeVault.Term term,
        uint256 minimum,
        uint256 maximum,
        uint256 actual
    ) private {
        vm.prank(timelock);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.ServiceTermOutOfRange.selector, term, minimum, maximum, actual)
        );
        vault.registerService(stranger, terms);
    }

    function _tooLittle(address service, uint256 free, uint256 needed) private view returns (bytes memory) {
        return abi.encodeWithSelector(StakeVault.FreeStakeTooLow.selector, service, staker, free, needed);
    }

    function _permit(uint256 amount, uint256 deadline) private view returns (uint8, bytes32, bytes32) {
        ERC20Permit permitted = ERC20Permit(address(token));
        bytes32 typehash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(
            abi.encode(typehash, staker, vault, amount, permitted.nonces(staker), deadline)
        );
        return vm.sign(STAKER, keccak256(abi.encodePacked(hex"1901", permitted.DOMAIN_SEPARATOR(), structHash)));
    }
}
