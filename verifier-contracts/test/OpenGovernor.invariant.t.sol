// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Governance, Ward} from "./Governance.sol";
import {Test} from "./Vm.sol";

/// @notice Proposes, votes, queues, executes and withdraws in any order, and keeps its own book of what was queued when.
contract GovernanceHandler is Governance {
    struct Kept {
        Proposal made;
        /// seconds that its call must wait
        uint256 delay;
        /// when it was queued; zero before
        uint256 queuedAt;
        bool executed;
        bool withdrawn;
        uint256 number;
    }

    Kept[] private _kept;
    /// @dev What the ward must have seen: the last number that was executed in time.
    uint256 public quick;
    uint256 public slow;
    uint256 public executions;
    uint256 public early;
    uint256 private _time;

    /// @dev Once: the runner may call it again.
    function setUp() public override {
        if (_time != 0) return;
        super.setUp();
        _time = NOW;
    }

    function wardState() external view returns (uint256, uint256) {
        return (ward.quick(), ward.slow());
    }

    function propose(bool slowly) external {
        if (_kept.length == 8) return;
        uint256 number = _kept.length + 1;
        Proposal memory made = slowly ? _slowly(number) : _quick(number);
        Kept storage kept = _kept.push();
        kept.made = made;
        kept.delay = slowly ? SLOW : SHORT;
        kept.number = number;
        _propose(made);
    }

    function vote(uint256 index, uint8 support) external {
        Kept storage kept = _at(index);
        vm.prank(whale);
        try governor.castVote(_idOf(kept.made), support % 3) {} catch {}
    }

    function queue(uint256 index) external {
        Kept storage kept = _at(index);
        Proposal memory made = kept.made;
        vm.prank(stranger);
        try governor.queue(made.targets, made.values, made.payloads, keccak256(bytes(made.description))) {
            kept.queuedAt = _time;
        } catch {}
    }

    function execute(uint256 index, bool beside) external {
        Kept storage kept = _at(index);
        Proposal memory made = kept.made;
        bytes32 salt = _saltOf(made);
        bool due = kept.queuedAt != 0 && !kept.executed && !kept.withdrawn && _time >= kept.queuedAt + kept.delay;
        vm.prank(stranger);
        bool done;
        if (beside) {
            try timelock.executeBatch(made.targets, made.values, made.payloads, 0, salt) {
                done = true;
            } catch {}
        } else {
            try governor.execute(made.targets, made.values, made.payloads, keccak256(bytes(made.description))) {
                done = true;
            } catch {}
        }
        assertTrue(done == due, "executed exactly when it is due");
        if (!done) return;
        kept.executed = true;
        executions += 1;
        if (kept.delay == SLOW) slow = kept.number;
        else quick = kept.number;
    }

    function withdraw(uint256 index) external {
        Kept storage kept = _at(index);
        Proposal memory made = kept.made;
        vm.prank(proposer);
        try governor.cancel(made.targets, made.values, made.payloads, keccak256(bytes(made.description))) {
            assertTrue(!kept.executed, "not after the execution");
            kept.withdrawn = true;
        } catch {}
    }

    /// @dev Nobody but the governor schedules, whatever is tried.
    function intrude(uint256 number) external {
        vm.prank(whale);
        try timelock.schedule(address(ward), 0, abi.encodeCall(Ward.setSlow, (number)), 0, 0, SLOW) {
            early += 1;
        } catch {}
        vm.prank(stranger);
        try ward.setQuick(number) {
            early += 1;
        } catch {}
    }

    function wait(uint256 seed) external {
        uint256[6] memory steps = [uint256(1), 1 days, 5 days, 2 days, 7 days, 2 days - 1];
        _time += steps[seed % 6];
        vm.warp(_time);
    }

    function _at(uint256 index) private returns (Kept storage) {
        if (_kept.length == 0) this.propose(index & 1 == 1);
        return _kept[index % _kept.length];
    }
}

contract OpenGovernorInvariantTest is Test {
    GovernanceHandler private handler;

    function setUp() public {
        handler = new GovernanceHandler();
        handler.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev The ward is what the executions that were due made of it: nothing came before its delay, nothing beside a proposal.
    function invariant_nothing_happens_before_its_delay() external view {
        (uint256 quick, uint256 slow) = handler.wardState();
        assertEq(quick, handler.quick(), "quick");
        assertEq(slow, handler.slow(), "slow");
        assertEq(handler.early(), 0, "nobody else acts");
    }
}
