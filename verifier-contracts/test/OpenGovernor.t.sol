// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Governance, Ward} from "./Governance.sol";

contract OpenGovernorTest is Governance {
    function test_settings() public view {
        assertEq(governor.votingDelay(), DELAY, "delay");
        assertEq(governor.votingPeriod(), PERIOD, "period");
        assertEq(governor.proposalThreshold(), THRESHOLD, "threshold");
        assertEq(governor.lateQuorumVoteExtension(), EXTENSION, "extension");
        assertEq(governor.quorum(NOW - 1), QUORUM, "quorum");
        assertEq(address(governor.token()), address(token), "token");
        assertEq(address(governor.timelock()), address(timelock), "timelock");
        assertEq(governor.clock(), NOW, "clock");
    }

    // --- the whole way ---

    function test_a_proposal_goes_its_way_at_every_second() public {
        Proposal memory made = _quick(7);
        uint256 id = _propose(made);
        assertEq(id, _idOf(made), "id");
        assertEq(governor.proposalSnapshot(id), OPENS, "opens");
        assertEq(governor.proposalDeadline(id), CLOSES, "closes");
        vm.warp(OPENS);
        _is(id, IGovernor.ProposalState.Pending, "pending to the end of its second");
        vm.prank(whale);
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Pending, 1 << 1));
        governor.castVote(id, FOR);
        vm.warp(OPENS + 1);
        _is(id, IGovernor.ProposalState.Active, "active");
        _vote(id, whale, FOR);
        vm.warp(CLOSES);
        _is(id, IGovernor.ProposalState.Active, "active to the end of its second");
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Active, 1 << 4));
        _queue(made);
        _vote(id, voter, AGAINST);
        vm.warp(QUEUED);
        _is(id, IGovernor.ProposalState.Succeeded, "succeeded");
        vm.prank(proposer);
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Succeeded, 1 << 1));
        governor.castVote(id, FOR);
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Succeeded, 1 << 5));
        _execute(made);

        vm.expectEmit();
        emit IGovernor.ProposalQueued(id, QUEUED + SHORT);
        vm.prank(stranger);
        _queue(made);
        _is(id, IGovernor.ProposalState.Queued, "queued");
        assertEq(governor.proposalEta(id), QUEUED + SHORT, "eta");
        assertEq(governor.operationOf(id), _operationOf(made), "operation");
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Queued, 1 << 4));
        _queue(made);
        vm.warp(QUEUED + SHORT - 1);
        vm.expectRevert(_unready(_operationOf(made), TimelockController.OperationState.Ready));
        _execute(made);
        assertEq(ward.quick(), 0, "not yet");
        vm.warp(QUEUED + SHORT);
        vm.expectEmit();
        emit IGovernor.ProposalExecuted(id);
        vm.prank(stranger);
        _execute(made);
        assertEq(ward.quick(), 7, "done");
        _is(id, IGovernor.ProposalState.Executed, "executed");
        assertEq(governor.operationOf(id), 0, "forgotten");
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Executed, 1 << 5));
        _execute(made);
    }

    function test_a_slow_call_waits_seven_days() public {
        Proposal memory made = _slowly(9);
        uint256 id = _passed(made);
        _queue(made);
        assertEq(governor.proposalEta(id), QUEUED + SLOW, "eta");
        vm.warp(QUEUED + SHORT);
        vm.expectRevert(_unready(_operationOf(made), TimelockController.OperationState.Ready));
        _execute(made);
        vm.warp(QUEUED + SLOW - 1);
        vm.expectRevert(_unready(_operationOf(made), TimelockController.OperationState.Ready));
        _execute(made);
        vm.warp(QUEUED + SLOW);
        _execute(made);
        assertEq(ward.slow(), 9, "done");
    }

    function test_a_batch_waits_for_its_slowest_call() public {
        for (uint256 place = 0; place < 2; ++place) {
            Proposal memory made = Proposal(new address[](2), new uint256[](2), new bytes[](2), place == 0 ? "a" : "b");
            made.targets[0] = made.targets[1] = address(ward);
            made.payloads[place] = abi.encodeCall(Ward.setSlow, (place + 1));
            made.payloads[1 - place] = abi.encodeCall(Ward.setQuick, (place + 1));
            vm.warp(NOW);
            uint256 id = _passed(made);
            _queue(made);
            assertEq(governor.proposalEta(id), QUEUED + SLOW, "eta");
            vm.warp(QUEUED + SLOW - 1);
            vm.expectRevert(_unready(_operationOf(made), TimelockController.OperationState.Ready));
            _execute(made);
            vm.warp(QUEUED + SLOW);
            _execute(made);
            assertEq(ward.slow() + ward.quick(), 2 * (place + 1), "done");
        }
    }

    function test_coins_go_along() public {
        Proposal memory made = _quick(1);
        made.values[0] = 3;
        _passed(made);
        _queue(made);
        vm.warp(QUEUED + SHORT);
        vm.deal(address(this), 3);
        governor.execute{value: 3}(made.targets, made.values, made.payloads, keccak256(bytes(made.description)));
        assertEq(address(ward).balance, 3, "coins");
    }

    function test_a_call_that_fails_comes_to_nothing_and_may_be_tried_again() public {
        Proposal memory made = _proposal(address(ward), abi.encodeCall(Ward.refuse, (4)), "refuse");
        uint256 id = _passed(made);
        _queue(made);
        vm.warp(QUEUED + SHORT);
        vm.expectRevert(abi.encodeWithSelector(Ward.Refused.selector, 4));
        _execute(made);
        _is(id, IGovernor.ProposalState.Queued, "still queued");
    }

    function test_money_leaves_the_treasury_by_a_proposal() public {
        Proposal memory made = _proposal(address(token), abi.encodeCall(token.transfer, (stranger, 5)), "grant");
        _passed(made);
        _queue(made);
        vm.warp(QUEUED + SHORT);
        _execute(made);
        assertEq(token.balanceOf(stranger), 5, "grant");
    }

    /// The timelock executes for anybody; the governor sees it.
    function test_execution_at_the_timelock_counts() public {
        Proposal memory made = _quick(7);
        uint256 id = _passed(made);
        _queue(made);
        vm.warp(QUEUED + SHORT);
        bytes32 salt = _saltOf(made);
        vm.prank(stranger);
        timelock.executeBatch(made.targets, made.values, made.payloads, 0, salt);
        assertEq(ward.quick(), 7, "done");
        _is(id, IGovernor.ProposalState.Executed, "executed");
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Executed, 1 << 5));
        _execute(made);
    }

    // --- votes ---

    function test_the_quorum_counts_for_and_abstain_to_the_wei() public {
        uint256 id = _propose(_quick(1));
        vm.warp(OPENS + 1);
        _vote(id, voter, FOR);
        vm.warp(QUEUED);
        _is(id, IGovernor.ProposalState.Defeated, "a wei too few");

        vm.warp(NOW);
        vm.prank(whale);
        token.transfer(voter, 1);
        id = _propose(_quick(2));
        vm.warp(OPENS + 1);
        _vote(id, voter, FOR);
        vm.warp(QUEUED);
        _is(id, IGovernor.ProposalState.Succeeded, "exactly the quorum");

        vm.warp(NOW);
        id = _propose(_quick(3));
        vm.warp(OPENS + 1);
        _vote(id, whale, ABSTAIN);
        _vote(id, proposer, FOR);
        vm.warp(QUEUED);
        _is(id, IGovernor.ProposalState.Succeeded, "abstentions count for the quorum");

        vm.warp(NOW);
        id = _propose(_quick(4));
        vm.warp(OPENS + 1);
        _vote(id, whale, AGAINST);
        _vote(id, proposer, FOR);
        vm.warp(QUEUED);
        _is(id, IGovernor.ProposalState.Defeated, "votes against do not");
    }

    function test_more_for_than_against() public {
        vm.prank(whale);
        token.transfer(proposer, QUORUM * 3 - QUORUM);
        vm.prank(proposer);
        token.transfer(voter, THRESHOLD + 1);
        // The whale holds the quorum, voter and proposer the threshold more.
        vm.prank(proposer);
        token.transfer(stranger, QUORUM - THRESHOLD - 1);
        vm.prank(stranger);
        token.delegate(stranger);
        vm.warp(NOW + 1);
        uint256 id = _propose(_quick(1));
        vm.warp(OPENS + 2);
        _vote(id, whale, FOR);
        vm.prank(voter);
        uint256 weight = governor.castVote(id, AGAINST);
        assertEq(weight, QUORUM + THRESHOLD, "weight");
        _vote(id, proposer, ABSTAIN);
        vm.warp(QUEUED + 1);
        _is(id, IGovernor.ProposalState.Defeated, "fewer for");
        (uint256 against, uint256 inFavour, uint256 abstain) = governor.proposalVotes(id);
        assertEq(against, QUORUM + THRESHOLD, "against");
        assertEq(inFavour, QUORUM, "for");
        assertEq(abstain, QUORUM + THRESHOLD, "abstain");
    }

    function test_a_tie_is_a_defeat() public {
        address twin = address(0xB0);
        vm.prank(whale);
        token.transfer(twin, QUORUM * 3 / 2);
        vm.prank(twin);
        token.delegate(twin);
        uint256 id = _propose(_quick(1));
        vm.warp(OPENS + 1);
        _vote(id, whale, FOR);
        _vote(id, twin, AGAINST);
        vm.warp(QUEUED);
        _is(id, IGovernor.ProposalState.Defeated, "tie");
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Defeated, 1 << 4));
        _queue(_quick(1));
    }

    function test_one_vote_each_of_a_known_kind() public {
        uint256 id = _propose(_quick(1));
        vm.warp(OPENS + 1);
        _vote(id, whale, FOR);
        vm.prank(whale);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorAlreadyCastVote.selector, whale));
        governor.castVote(id, AGAINST);
        vm.prank(voter);
        vm.expectRevert(IGovernor.GovernorInvalidVoteType.selector);
        governor.castVote(id, 3);
    }

    /// Tokens that move after the vote began vote once, where they were; a loan of that moment's block comes too late.
    function test_votes_are_those_of_the_beginning() public {
        uint256 id = _propose(_quick(1));
        vm.warp(OPENS + 1);
        _vote(id, whale, FOR);
        vm.prank(whale);
        token.transfer(stranger, QUORUM);
        vm.prank(stranger);
        token.delegate(stranger);
        vm.prank(stranger);
        assertEq(governor.castVote(id, FOR), 0, "no vote twice");
    }

    function test_votes_that_nobody_was_given_do_not_count() public {
        vm.prank(whale);
        token.transfer(stranger, QUORUM);
        uint256 id = _propose(_quick(1));
        vm.warp(OPENS + 1);
        vm.prank(stranger);
        assertEq(governor.castVote(id, FOR), 0, "holds without delegating");
    }

    // --- the late quorum ---

    function test_a_late_quorum_extends_the_vote() public {
        uint256 id = _propose(_quick(1));
        vm.warp(CLOSES);
        vm.expectEmit();
        emit GovernorPreventLateQuorum.ProposalExtended(id, uint64(CLOSES + EXTENSION));
        _vote(id, whale, FOR);
        assertEq(governor.proposalDeadline(id), CLOSES + EXTENSION, "deadline");
        vm.warp(CLOSES + EXTENSION);
        _is(id, IGovernor.ProposalState.Active, "still open");
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Active, 1 << 4));
        _queue(_quick(1));
        _vote(id, proposer, FOR);
        assertEq(governor.proposalDeadline(id), CLOSES + EXTENSION, "extended once");
        vm.warp(CLOSES + EXTENSION + 1);
        _is(id, IGovernor.ProposalState.Succeeded, "closed");
    }

    function test_an_early_quorum_does_not() public {
        uint256 id = _propose(_quick(1));
        vm.warp(CLOSES - EXTENSION);
        _vote(id, whale, FOR);
        assertEq(governor.proposalDeadline(id), CLOSES, "deadline");
        vm.warp(NOW);
        id = _propose(_quick(2));
        vm.warp(CLOSES - EXTENSION + 1);
        _vote(id, whale, FOR);
        assertEq(governor.proposalDeadline(id), CLOSES + 1, "a second late");
    }

    // --- proposers ---

    function test_a_proposal_needs_the_threshold() public {
        Proposal memory made = _quick(1);
        vm.prank(proposer);
        token.transfer(stranger, 1);
        vm.warp(NOW + 1);
        vm.prank(proposer);
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorInsufficientProposerVotes.selector,
                proposer,
                THRESHOLD - 1,
                THRESHOLD
            )
        );
        governor.propose(made.targets, made.values, made.payloads, made.description);
    }

    function test_the_same_proposal_is_made_once() public {
        Proposal memory made = _quick(1);
        uint256 id = _propose(made);
        vm.prank(whale);
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Pending, 0));
        governor.propose(made.targets, made.values, made.payloads, made.description);
    }

    function test_malformed_proposals_are_refused() public {
        Proposal memory made = _quick(1);
        made.values = new uint256[](2);
        vm.prank(proposer);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInvalidProposalLength.selector, 1, 1, 2));
        governor.propose(made.targets, made.values, made.payloads, made.description);
        vm.prank(proposer);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInvalidProposalLength.selector, 0, 0, 0));
        governor.propose(new address[](0), new uint256[](0), new bytes[](0), "empty");
    }

    /// Whoever sees a proposal coming makes it first and withdraws it; a named proposer is safe from that.
    function test_a_named_proposer_is_not_front_run() public {
        Proposal memory made = _quick(1);
        made.description = "quick #proposer=0x00000000000000000000000000000000000000a1";
        vm.prank(whale);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorRestrictedProposer.selector, whale));
        governor.propose(made.targets, made.values, made.payloads, made.description);
        _propose(made);
    }

    // --- cancelling ---

    function test_the_proposer_withdraws_until_execution() public {
        Proposal memory made = _quick(1);
        uint256 id = _propose(made);
        _refusedCancel(made, id, stranger);
        _refusedCancel(made, id, whale);
        _cancelled(made, id);

        vm.warp(NOW);
        made = _quick(2);
        id = _propose(made);
        vm.warp(OPENS + 1);
        _cancelled(made, id);

        vm.warp(NOW);
        made = _quick(3);
        id = _passed(made);
        _cancelled(made, id);
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Canceled, 1 << 4));
        _queue(made);

        vm.warp(NOW);
        made = _quick(4);
        id = _passed(made);
        _queue(made);
        bytes32 operation = _operationOf(made);
        assertTrue(timelock.isOperationPending(operation), "pending");
        _cancelled(made, id);
        assertTrue(!timelock.isOperation(operation), "gone from the timelock");
        assertEq(governor.operationOf(id), 0, "forgotten");
        vm.warp(QUEUED + SHORT);
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Canceled, 1 << 5));
        _execute(made);
        bytes32 salt = _saltOf(made);
        vm.expectRevert(_unready(operation, TimelockController.OperationState.Ready));
        timelock.executeBatch(made.targets, made.values, made.payloads, 0, salt);

        vm.warp(NOW);
        made = _quick(5);
        id = _passed(made);
        _queue(made);
        vm.warp(QUEUED + SHORT);
        _execute(made);
        vm.prank(proposer);
        vm.expectRevert(_unexpected(id, IGovernor.ProposalState.Executed, 59));
        _cancel(made);
        assertEq(ward.quick(), 5, "done alone");
    }

    // --- changing the governor ---

    function test_settings_change_by_a_proposal_alone() public {
        vm.prank(address(timelock));
        vm.expectRevert();
        governor.setVotingPeriod(1 days);
        vm.prank(whale);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, whale));
        governor.setVotingPeriod(3 days);
        Proposal memory made = _proposal(
            address(governor),
            abi.encodeCall(governor.setVotingPeriod, (3 days)),
            "shorter"
        );
        _passed(made);
        _queue(made);
        vm.warp(QUEUED + SHORT);
        _execute(made);
        assertEq(governor.votingPeriod(), 3 days, "period");
    }

    /// The governor can call as itself, as the only proposer of the timelock: the timelock asks for the delay all the same.
    function test_relay_does_not_shorten_a_delay() public {
        Proposal memory inner = _slowly(6);
        bytes memory scheduling = abi.encodeCall(
            timelock.schedule,
            (inner.targets[0], 0, inner.payloads[0], 0, "salt", SLOW - 1)
        );
        Proposal memory made = _proposal(
            address(governor),
            abi.encodeCall(governor.relay, (address(timelock), 0, scheduling)),
            "relay"
        );
        _passed(made);
        _queue(made);
        vm.warp(QUEUED + SHORT);
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockInsufficientDelay.selector, SLOW - 1, SLOW)
        );
        _execute(made);
    }

    function _refusedCancel(Proposal memory made, uint256 id, address caller) private {
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, caller));
        _cancel(made);
    }

    function _cancelled(Proposal memory made, uint256 id) private {
        vm.expectEmit();
        emit IGovernor.ProposalCanceled(id);
        vm.prank(proposer);
        _cancel(made);
        _is(id, IGovernor.ProposalState.Canceled, "cancelled");
    }
}
