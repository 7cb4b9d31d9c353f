// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {OpenTimelock} from "../src/OpenTimelock.sol";
import {Governance, Ward} from "./Governance.sol";

contract OpenTimelockTest is Governance {
    bytes32 private constant SALT = "salt";

    function test_roles_from_the_first_block_on() public view {
        bytes32 admin = timelock.DEFAULT_ADMIN_ROLE();
        assertTrue(timelock.hasRole(timelock.PROPOSER_ROLE(), address(governor)), "the governor proposes");
        assertTrue(timelock.hasRole(timelock.CANCELLER_ROLE(), address(governor)), "the governor cancels");
        assertTrue(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(0)), "anybody executes");
        assertTrue(timelock.hasRole(admin, address(timelock)), "it administers itself");
        assertTrue(!timelock.hasRole(admin, address(this)), "not its deployer");
        assertTrue(!timelock.hasRole(admin, address(governor)), "not the governor");
        assertTrue(!timelock.hasRole(admin, address(0)), "not anybody");
        assertTrue(!timelock.hasRole(timelock.PROPOSER_ROLE(), address(0)), "not anybody proposes");
        assertTrue(!timelock.hasRole(timelock.CANCELLER_ROLE(), address(0)), "not anybody cancels");
        assertEq(timelock.getMinDelay(), SHORT, "delay");
    }

    function test_the_treasury_votes_through_its_delegate() public view {
        assertEq(token.delegates(address(timelock)), delegatee, "delegate");
        assertEq(token.getVotes(delegatee), token.balanceOf(address(timelock)), "votes");
    }

    function test_construction() public {
        bytes memory zero = abi.encodeWithSelector(OpenTimelock.AddressZero.selector);
        _refused(zero, address(0), address(token), 1);
        _refused(zero, address(governor), address(0), 1);
        _refused(
            abi.encodeWithSelector(OpenTimelock.TooManyCalls.selector, 64, 65),
            address(governor),
            address(token),
            65
        );
        vm.expectEmit();
        emit OpenTimelock.SlowCallSet(address(ward), bytes4(uint32(63)), true);
        this.create(address(governor), address(token), address(0), 64);
    }

    function test_without_a_delegate_nobody_votes() public {
        OpenTimelock other = OpenTimelock(payable(this.create(address(governor), address(token), address(0), 0)));
        assertEq(token.delegates(address(other)), address(0), "nobody");
    }

    // --- delays ---

    function test_the_table() public view {
        assertTrue(timelock.isSlow(address(ward), Ward.setSlow.selector), "slow");
        assertTrue(!timelock.isSlow(address(ward), Ward.setQuick.selector), "another function");
        assertTrue(!timelock.isSlow(address(token), Ward.setSlow.selector), "another contract");
        assertTrue(timelock.isSlow(address(timelock), timelock.updateDelay.selector), "itself");
        assertTrue(timelock.isSlow(address(timelock), bytes4(0)), "itself, whatever is called");
    }

    function test_a_quick_call_may_not_be_scheduled_below_two_days() public {
        _tooShort(_quick(1), SHORT - 1, SHORT);
        _tooShort(_quick(1), 0, SHORT);
        _schedule(_quick(1), SHORT);
        _scheduleBatch(_quick(2), SHORT);
    }

    function test_a_slow_call_may_not_be_scheduled_below_seven_days() public {
        _tooShort(_slowly(1), SHORT, SLOW);
        _tooShort(_slowly(1), SLOW - 1, SLOW);
        _tooShort(_slowly(1), 0, SLOW);
        _schedule(_slowly(1), SLOW);
        _scheduleBatch(_slowly(2), SLOW);
    }

    function test_its_own_functions_are_slow() public {
        bytes[7] memory own = [
            abi.encodeCall(timelock.updateDelay, (3 days)),
            abi.encodeCall(timelock.setSlow, (_calls(address(ward), Ward.setSlow.selector), false)),
            abi.encodeCall(timelock.grantRole, (timelock.PROPOSER_ROLE(), stranger)),
            abi.encodeCall(timelock.revokeRole, (timelock.PROPOSER_ROLE(), address(governor))),
            abi.encodeCall(timelock.renounceRole, (timelock.DEFAULT_ADMIN_ROLE(), address(timelock))),
            abi.encodeCall(timelock.execute, (address(ward), 0, "", 0, 0)),
            bytes("")
        ];
        for (uint256 i = 0; i < own.length; ++i) _tooShort(_proposal(address(timelock), own[i], ""), SLOW - 1, SLOW);
    }

    function test_a_batch_needs_the_delay_of_its_slowest_call() public {
        Proposal memory made = Proposal(new address[](3), new uint256[](3), new bytes[](3), "");
        for (uint256 i = 0; i < 3; ++i) {
            made.targets[i] = address(ward);
            made.payloads[i] = abi.encodeCall(Ward.setQuick, (i));
        }
        assertEq(timelock.delayOf(made.targets, made.payloads), SHORT, "quick");
        for (uint256 i = 0; i < 3; ++i) {
            made.payloads[i] = abi.encodeCall(Ward.setSlow, (i));
            assertEq(timelock.delayOf(made.targets, made.payloads), SLOW, "slow");
            vm.prank(address(governor));
            vm.expectRevert(_short(SLOW - 1, SLOW));
            timelock.scheduleBatch(made.targets, made.values, made.payloads, 0, SALT, SLOW - 1);
            made.payloads[i] = abi.encodeCall(Ward.setQuick, (i));
        }
        vm.prank(address(governor));
        timelock.scheduleBatch(made.targets, made.values, made.payloads, 0, SALT, SHORT);
    }

    /// Fewer than four bytes are the beginning of no function's data: they reach a fallback at most.
    function test_short_data_is_no_slow_call() public view {
        Proposal memory made = _proposal(address(ward), hex"0011", "");
        assertEq(timelock.delayOf(made.targets, made.payloads), SHORT, "delay");
    }

    function test_lengths_must_agree() public {
        Proposal memory made = _quick(1);
        bytes memory fault = abi.encodeWithSelector(
            TimelockController.TimelockInvalidOperationLength.selector,
            1,
            2,
            1
        );
        vm.expectRevert(fault);
        timelock.delayOf(made.targets, new bytes[](2));
        vm.prank(address(governor));
        vm.expectRevert(fault);
        timelock.scheduleBatch(made.targets, made.values, new bytes[](2), 0, SALT, SLOW);
        vm.prank(address(governor));
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockInvalidOperationLength.selector, 1, 1, 2)
        );
        timelock.scheduleBatch(made.targets, new uint256[](2), made.payloads, 0, SALT, SLOW);
    }

    function test_only_the_governor_schedules_and_cancels() public {
        Proposal memory made = _quick(1);
        bytes memory fault = abi.encodeWithSelector(
            IAccessControl.AccessControlUnauthorizedAccount.selector,
            whale,
            timelock.PROPOSER_ROLE()
        );
        vm.startPrank(whale);
        vm.expectRevert(fault);
        timelock.schedule(made.targets[0], 0, made.payloads[0], 0, SALT, SLOW);
        vm.expectRevert(fault);
        timelock.scheduleBatch(made.targets, made.values, made.payloads, 0, SALT, SLOW);
        vm.stopPrank();
        bytes32 id = _schedule(made, SHORT);
        fault = abi.encodeWithSelector(
            IAccessControl.AccessControlUnauthorizedAccount.selector,
            whale,
            timelock.CANCELLER_ROLE()
        );
        vm.prank(whale);
        vm.expectRevert(fault);
        timelock.cancel(id);
        vm.prank(address(governor));
        timelock.cancel(id);
        assertTrue(!timelock.isOperation(id), "cancelled");
    }

    function test_anybody_executes_when_it_is_due() public {
        Proposal memory made = _slowly(8);
        bytes32 id = _schedule(made, SLOW);
        vm.warp(NOW + SLOW - 1);
        vm.prank(stranger);
        vm.expectRevert(_unready(id, TimelockController.OperationState.Ready));
        timelock.execute(made.targets[0], 0, made.payloads[0], 0, SALT);
        vm.warp(NOW + SLOW);
        vm.prank(stranger);
        timelock.execute(made.targets[0], 0, made.payloads[0], 0, SALT);
        assertEq(ward.slow(), 8, "done");
    }

    // --- the table changes ---

    function test_the_table_changes_by_a_slow_call() public {
        OpenTimelock.Call[] memory calls = _calls(address(ward), Ward.setSlow.selector);
        vm.prank(address(governor));
        vm.expectRevert(_unauthorized(address(governor)));
        timelock.setSlow(calls, false);
        vm.expectRevert(_unauthorized(address(this)));
        timelock.setSlow(calls, false);

        Proposal memory scheduled = _slowly(2);
        _schedule(scheduled, SLOW);
        Proposal memory made = _proposal(address(timelock), abi.encodeCall(timelock.setSlow, (calls, false)), "");
        _schedule(made, SLOW);
        vm.warp(NOW + SLOW);
        vm.expectEmit();
        emit OpenTimelock.SlowCallSet(address(ward), Ward.setSlow.selector, false);
        _run(made);
        assertTrue(!timelock.isSlow(address(ward), Ward.setSlow.selector), "quick from now on");
        _schedule(_slowly(3), SHORT);
        _run(scheduled);

        made = _proposal(
            address(timelock),
            abi.encodeCall(timelock.setSlow, (_calls(address(ward), Ward.setQuick.selector), true)),
            ""
        );
        _schedule(_quick(4), SHORT);
        _schedule(made, SLOW);
        vm.warp(NOW + 2 * SLOW);
        _run(made);
        _tooShort(_quick(5), SLOW - 1, SLOW);
        // What was scheduled before keeps its delay.
        _run(_quick(4));
    }

    function test_the_table_takes_64_functions_at_once() public {
        vm.startPrank(address(timelock));
        timelock.setSlow(new OpenTimelock.Call[](64), true);
        vm.expectRevert(abi.encodeWithSelector(OpenTimelock.TooManyCalls.selector, 64, 65));
        timelock.setSlow(new OpenTimelock.Call[](65), true);
        vm.stopPrank();
    }

    /// Even a table that tells the timelock's own functions quick does not make them so.
    function test_its_own_functions_stay_slow() public {
        vm.prank(address(timelock));
        timelock.setSlow(_calls(address(timelock), timelock.setSlow.selector), false);
        assertTrue(timelock.isSlow(address(timelock), timelock.setSlow.selector), "slow");
    }

    function test_the_short_delay_has_bounds() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(_range(SHORT - 1));
        timelock.updateDelay(SHORT - 1);
        vm.expectRevert(_range(SLOW + 1));
        timelock.updateDelay(SLOW + 1);
        timelock.updateDelay(SLOW);
        assertEq(timelock.getMinDelay(), SLOW, "longest");
        timelock.updateDelay(SHORT);
        vm.stopPrank();
        vm.prank(address(governor));
        vm.expectRevert(_unauthorized(address(governor)));
        timelock.updateDelay(3 days);
    }

    function test_a_longer_short_delay_holds() public {
        vm.prank(address(timelock));
        timelock.updateDelay(4 days);
        _tooShort(_quick(1), 4 days - 1, 4 days);
        Proposal memory made = _quick(1);
        assertEq(timelock.delayOf(made.targets, made.payloads), 4 days, "delay");
        _schedule(made, 4 days);
        _tooShort(_slowly(1), SLOW - 1, SLOW);
    }

    // --- no way around ---

    /// A delay, however it is asked for, is kept: no operation runs before it was due.
    function testFuzz_nothing_runs_before_its_delay(uint256 seed, uint32 delay, bool slow) public {
        Proposal memory made = slow ? _slowly(seed) : _quick(seed);
        uint256 needed = slow ? SLOW : SHORT;
        if (delay < needed) return _tooShort(made, delay, needed);
        bytes32 id = _schedule(made, delay);
        uint256 early = NOW + seed % delay;
        vm.warp(early);
        vm.expectRevert(_unready(id, TimelockController.OperationState.Ready));
        timelock.execute(made.targets[0], 0, made.payloads[0], 0, SALT);
        vm.warp(NOW + uint256(delay));
        _run(made);
    }

    // --- helpers ---

    function create(address governor_, address token_, address delegatee_, uint256 count) external returns (address) {
        OpenTimelock.Call[] memory calls = new OpenTimelock.Call[](count);
        for (uint256 i = 0; i < count; ++i) calls[i] = OpenTimelock.Call(address(ward), bytes4(uint32(i)));
        bytes memory code = abi.encodePacked(
            vm.getCode("OpenTimelock.sol:OpenTimelock"),
            abi.encode(governor_, token_, delegatee_, calls)
        );
        address deployed;
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
            if iszero(deployed) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
        return deployed;
    }

    function _refused(bytes memory fault, address governor_, address token_, uint256 count) private {
        vm.expectRevert(fault);
        this.create(governor_, token_, delegatee, count);
    }

    function _schedule(Proposal memory made, uint256 delay) private returns (bytes32 id) {
        vm.prank(address(governor));
        timelock.schedule(made.targets[0], 0, made.payloads[0], 0, SALT, delay);
        id = keccak256(abi.encode(made.targets[0], uint256(0), made.payloads[0], bytes32(0), SALT));
        assertTrue(timelock.isOperationPending(id), "scheduled");
    }

    function _scheduleBatch(Proposal memory made, uint256 delay) private {
        vm.prank(address(governor));
        timelock.scheduleBatch(made.targets, made.values, made.payloads, 0, SALT, delay);
    }

    function _run(Proposal memory made) private {
        timelock.execute(made.targets[0], 0, made.payloads[0], 0, SALT);
    }

    function _tooShort(Proposal memory made, uint256 delay, uint256 needed) private {
        vm.startPrank(address(governor));
        vm.expectRevert(_short(delay, needed));
        timelock.schedule(made.targets[0], 0, made.payloads[0], 0, SALT, delay);
        vm.expectRevert(_short(delay, needed));
        timelock.scheduleBatch(made.targets, made.values, made.payloads, 0, SALT, delay);
        vm.stopPrank();
    }

    function _short(uint256 delay, uint256 needed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(TimelockController.TimelockInsufficientDelay.selector, delay, needed);
    }

    function _range(uint256 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(OpenTimelock.DelayOutOfRange.selector, SHORT, SLOW, actual);
    }

    function _unauthorized(address caller) private pure returns (bytes memory) {
        return abi.encodeWithSelector(TimelockController.TimelockUnauthorizedCaller.selector, caller);
    }
}
