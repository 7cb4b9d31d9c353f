// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ComputeJobs} from "../src/ComputeJobs.sol";
import {ComputeOperators, JobPolicy} from "../src/ComputeOperators.sol";
import {IGuardian} from "../src/IGuardian.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Market} from "./Market.sol";
import {BlockingToken, FalseToken, FeeToken, ReentrantToken} from "./Tokens.sol";

contract ComputeJobsTest is Market {
    bytes32 private constant EVIDENCE = "evidence";
    uint256 private constant REVEAL_UNTIL = DEADLINE + 1 days;

    // --- posting ---

    function test_a_posted_job_holds_its_price() public {
        ComputeJobs.JobTerms memory terms = _provable();
        terms.operator = operator;
        terms.attester = attester;
        terms.capabilities = 3;
        vm.startPrank(requester);
        token.approve(address(jobs), PRICE);
        vm.expectEmit();
        emit ComputeJobs.JobPosted(1, requester, terms, PRICE, 1, BOND);
        assertEq(jobs.post(terms), 1, "id");
        vm.stopPrank();
        ComputeJobs.Job memory job = jobs.jobOf(1);
        assertEq(job.requester, requester, "requester");
        assertEq(job.price, PRICE, "price");
        assertEq(job.operator, operator, "operator");
        assertEq(job.bond, BOND, "bond");
        assertEq(job.description, terms.description, "description");
        assertEq(job.circuit, terms.circuit, "circuit");
        assertEq(job.attester, attester, "attester");
        assertEq(job.deadline, DEADLINE, "deadline");
        assertEq(job.capabilities, 3, "capabilities");
        assertEq(job.policy, 1, "policy");
        assertEq(job.segments, SEGMENTS, "segments");
        _isJob(1, ComputeJobs.JobStatus.Open);
        assertEq(token.balanceOf(address(jobs)), PRICE, "escrow");
        assertEq(_post(_terms()), 2, "next id");
        assertEq(jobs.jobCount(), 2, "count");
    }

    function test_a_job_needs_a_description() public {
        ComputeJobs.JobTerms memory terms = _terms();
        terms.description = 0;
        _refused(terms, abi.encodeWithSelector(ComputeJobs.DigestZero.selector));
    }

    function test_a_job_has_from_1_to_256_segments() public {
        ComputeJobs.JobTerms memory terms = _terms();
        uint16[2] memory bad = [uint16(0), 257];
        for (uint256 i = 0; i < 2; ++i) {
            terms.segments = bad[i];
            _refused(terms, abi.encodeWithSelector(ComputeJobs.SegmentsOutOfRange.selector, 256, bad[i]));
        }
        terms.segments = 1;
        _post(terms);
        terms.segments = 256;
        _post(terms);
    }

    function test_a_deadline_is_within_90_days() public {
        ComputeJobs.JobTerms memory terms = _terms();
        uint40[4] memory bad = [uint40(NOW), uint40(NOW + 90 days + 1), 0, type(uint40).max];
        for (uint256 i = 0; i < 4; ++i) {
            terms.deadline = bad[i];
            _refused(
                terms,
                abi.encodeWithSelector(ComputeJobs.JobDeadlineOutOfRange.selector, bad[i], NOW + 1, NOW + 90 days)
            );
        }
        terms.deadline = uint40(NOW + 1);
        _post(terms);
        terms.deadline = uint40(NOW + 90 days);
        _post(terms);
    }

    function test_the_circuit_of_a_job_must_have_a_route() public {
        ComputeJobs.JobTerms memory terms = _terms();
        terms.circuit = "unknown";
        _refused(terms, abi.encodeWithSelector(VerifierRouter.CircuitUnknown.selector, terms.circuit));
    }

    function test_a_pause_stops_new_jobs_and_nothing_else() public {
        uint256 open = _post(_terms());
        ComputeJobs.JobTerms memory terms = _terms();
        terms.operator = operator;
        uint256 other = _post(terms);
        vm.prank(member);
        guardian.pause(14 days, "test");
        _refused(_terms(), abi.encodeWithSelector(IGuardian.IntakePaused.selector, NOW + 14 days));
        vm.prank(operator);
        jobs.take(other);
        vm.startPrank(operator);
        jobs.commit(other, _commitment(other, _digests(SEGMENTS)));
        vm.stopPrank();
        _draw(other, false);
        vm.prank(requester);
        jobs.cancel(open);
        jobs.withdraw(requester);
        vm.warp(DEADLINE);
        jobs.reveal(other, _digests(SEGMENTS), SALT);
        vm.warp(DEADLINE + WINDOW);
        jobs.settle(other);
        jobs.withdraw(operator);
        assertEq(token.balanceOf(operator), PRICE, "paid");
    }

    function test_a_price_needs_an_approval() public {
        vm.prank(requester);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(jobs), 0, PRICE)
        );
        jobs.post(_terms());
    }

    function test_a_job_may_cost_nothing() public {
        ComputeJobs.JobTerms memory terms = _terms();
        terms.price = 0;
        uint256 id = _revealed(terms);
        assertEq(jobs.jobOf(id).bond, 220 ether, "bond");
        _draw(id, false);
        vm.warp(DEADLINE + WINDOW);
        jobs.settle(id);
        _isJob(id, ComputeJobs.JobStatus.Paid);
        _holds(address(jobs), operator, 10 * BOND, 0);
    }

    function test_a_requester_takes_an_open_job_back() public {
        uint256 id = _post(_terms());
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.NotRequester.selector, id, requester, stranger));
        jobs.cancel(id);
        vm.expectEmit();
        emit ComputeJobs.JobEnded(id, ComputeJobs.JobStatus.Cancelled, requester, PRICE, 0, 0);
        vm.prank(requester);
        jobs.cancel(id);
        _isJob(id, ComputeJobs.JobStatus.Cancelled);
        assertEq(jobs.creditOf(requester), PRICE, "credit");
        vm.prank(requester);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Cancelled));
        jobs.cancel(id);
    }

    function test_a_taken_job_is_not_taken_back() public {
        uint256 id = _taken(_terms());
        vm.prank(requester);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Taken));
        jobs.cancel(id);
    }

    // --- taking ---

    function test_an_operator_takes_a_job_with_its_bond() public {
        uint256 id = _post(_terms());
        vm.expectEmit();
        emit ComputeJobs.JobTaken(id, operator);
        vm.prank(operator);
        jobs.take(id);
        _isJob(id, ComputeJobs.JobStatus.Taken);
        assertEq(jobs.jobOf(id).operator, operator, "operator");
        _holds(address(jobs), operator, 9 * BOND, BOND);
    }

    function test_a_job_is_taken_once() public {
        uint256 id = _taken(_terms());
        _join(stranger);
        vm.prank(stranger);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Taken));
        jobs.take(id);
        vm.prank(operator);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Taken));
        jobs.take(id);
        vm.prank(operator);
        vm.expectRevert(_status(7, ComputeJobs.JobStatus.None));
        jobs.take(7);
    }

    function test_only_the_named_operator_takes_its_job() public {
        ComputeJobs.JobTerms memory terms = _terms();
        terms.operator = operator;
        uint256 id = _post(terms);
        _join(stranger);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.NotOperator.selector, id, operator, stranger));
        jobs.take(id);
        vm.prank(operator);
        jobs.take(id);
    }

    function test_only_active_operators_take_jobs() public {
        uint256 id = _post(_terms());
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                ComputeOperators.OperatorState.selector,
                stranger,
                ComputeOperators.OperatorStatus.None
            )
        );
        jobs.take(id);
        vm.startPrank(operator);
        operators.retire();
        vm.expectRevert(
            abi.encodeWithSelector(
                ComputeOperators.OperatorState.selector,
                operator,
                ComputeOperators.OperatorStatus.Retired
            )
        );
        jobs.take(id);
    }

    function test_a_job_asks_for_capabilities_and_an_attestation_through_its_deadline() public {
        ComputeJobs.JobTerms memory terms = _terms();
        terms.capabilities = 0x12;
        uint256 id = _post(terms);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ComputeOperators.CapabilityMissing.selector, operator, 0x10));
        jobs.take(id);
        terms.capabilities = 0x0f;
        terms.attester = attester;
        id = _post(terms);
        vm.prank(attester);
        operators.attest(operator, "report", uint40(DEADLINE));
        vm.prank(operator);
        vm.expectRevert(
            abi.encodeWithSelector(
                ComputeOperators.AttestationTooShort.selector,
                operator,
                attester,
                DEADLINE + 1,
                DEADLINE
            )
        );
        jobs.take(id);
        vm.prank(attester);
        operators.attest(operator, "report", uint40(DEADLINE + 1));
        vm.prank(operator);
        jobs.take(id);
    }

    function test_a_job_is_taken_before_its_deadline() public {
        uint256 id = _post(_terms());
        vm.warp(DEADLINE);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobTooLate.selector, id, DEADLINE));
        jobs.take(id);
        vm.warp(DEADLINE - 1);
        vm.prank(operator);
        jobs.take(id);
    }

    /// One wei too little; and a bond that is in use is not used again.
    function test_no_stake_is_used_twice() public {
        _register(stranger);
        _stake(address(jobs), stranger, BOND - 1);
        uint256 one = _post(_terms());
        uint256 two = _post(_terms());
        vm.prank(stranger);
        vm.expectRevert(_stakeTooLow(stranger, BOND - 1, BOND));
        jobs.take(one);
        _stake(address(jobs), stranger, BOND);
        vm.prank(stranger);
        jobs.take(one);
        vm.prank(stranger);
        vm.expectRevert(_stakeTooLow(stranger, BOND - 1, BOND));
        jobs.take(two);
    }

    /// Stake that unbonds, or that was deposited for another service, is not free.
    function test_stake_elsewhere_does_not_count() public {
        _register(stranger);
        _stake(address(disputes), stranger, 2 * BOND);
        _stake(address(jobs), stranger, BOND);
        vm.prank(stranger);
        vault.unbond(address(jobs), 1);
        uint256 id = _post(_terms());
        vm.prank(stranger);
        vm.expectRevert(_stakeTooLow(stranger, BOND - 1, BOND));
        jobs.take(id);
    }

    /// The policy of the post counts, not that of the day.
    function test_a_later_policy_does_not_reach_a_job() public {
        uint256 id = _post(_terms());
        JobPolicy memory policy = _policy();
        policy.minBond = 1000 ether;
        policy.auditRate = 1_000_000;
        policy.window = 2 hours;
        operators.setPolicy(policy);
        vm.startPrank(operator);
        jobs.take(id);
        _holds(address(jobs), operator, 9 * BOND, BOND);
        jobs.commit(id, _commitment(id, _digests(SEGMENTS)));
        vm.stopPrank();
        _draw(id, false);
        assertEq(uint256(jobs.jobOf(id).audit), uint256(ComputeJobs.Audit.Spared), "rate of the post");
        vm.warp(DEADLINE);
        jobs.reveal(id, _digests(SEGMENTS), SALT);
        assertEq(jobs.jobOf(id).closesAt, DEADLINE + WINDOW, "window of the post");
        assertEq(jobs.jobOf(_post(_later())).bond, 2000 ether, "next job");
    }

    // --- committing ---

    function test_a_result_is_committed_and_its_beacon_lies_ahead() public {
        uint256 id = _taken(_terms());
        vm.warp(DEADLINE - 1);
        vm.roll(BLOCK + 7);
        vm.expectEmit();
        emit ComputeJobs.ResultCommitted(id, "commitment", BLOCK + 71);
        vm.prank(operator);
        jobs.commit(id, "commitment");
        ComputeJobs.Job memory job = jobs.jobOf(id);
        assertEq(job.result, "commitment", "commitment");
        assertEq(job.drawBlock, BLOCK + 71, "drawBlock");
        _isJob(id, ComputeJobs.JobStatus.Committed);
    }

    function test_only_the_jobs_operator_commits() public {
        uint256 id = _taken(_terms());
        _join(stranger);
        address[2] memory others = [stranger, requester];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(ComputeJobs.NotOperator.selector, id, operator, others[i]));
            jobs.commit(id, "commitment");
        }
    }

    function test_a_result_is_committed_before_the_deadline_and_once() public {
        uint256 id = _taken(_terms());
        vm.warp(DEADLINE);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobTooLate.selector, id, DEADLINE));
        jobs.commit(id, "commitment");
        vm.warp(DEADLINE - 1);
        vm.startPrank(operator);
        jobs.commit(id, "commitment");
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Committed));
        jobs.commit(id, "another");
        uint256 open = _postAs(_terms());
        vm.startPrank(operator);
        vm.expectRevert(_status(open, ComputeJobs.JobStatus.Open));
        jobs.commit(open, "commitment");
    }

    // --- revealing ---

    function test_a_result_is_revealed_by_anybody_who_knows_the_salt() public {
        uint256 id = _committed(_terms());
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.warp(DEADLINE);
        vm.expectEmit();
        emit ComputeJobs.ResultRevealed(id, _result(digests), digests, uint40(DEADLINE + WINDOW));
        vm.prank(stranger);
        jobs.reveal(id, digests, SALT);
        ComputeJobs.Job memory job = jobs.jobOf(id);
        assertEq(job.result, _result(digests), "result");
        assertEq(job.closesAt, DEADLINE + WINDOW, "closesAt");
        _isJob(id, ComputeJobs.JobStatus.Revealed);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Revealed));
        jobs.reveal(id, digests, SALT);
    }

    function test_a_result_is_revealed_within_a_day_of_the_deadline() public {
        uint256 id = _committed(_terms());
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.warp(DEADLINE - 1);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobNotDue.selector, id, DEADLINE));
        jobs.reveal(id, digests, SALT);
        vm.warp(REVEAL_UNTIL);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobTooLate.selector, id, REVEAL_UNTIL));
        jobs.reveal(id, digests, SALT);
        vm.warp(REVEAL_UNTIL - 1);
        jobs.reveal(id, digests, SALT);
        assertEq(jobs.jobOf(id).closesAt, REVEAL_UNTIL - 1 + WINDOW, "closesAt");
    }

    function test_a_revealed_result_has_all_segments() public {
        uint256 id = _committed(_terms());
        vm.warp(DEADLINE);
        for (uint256 count = SEGMENTS - 1; count < SEGMENTS + 2; count += 2) {
            vm.expectRevert(abi.encodeWithSelector(ComputeJobs.SegmentCount.selector, id, SEGMENTS, count));
            jobs.reveal(id, _digests(count), SALT);
        }
    }

    /// One commitment for each thing that it binds; the first is good.
    function test_a_commitment_binds_all_that_it_is_about() public {
        bytes32 result = _result(_digests(SEGMENTS));
        address to = address(jobs);
        uint256 id = 1;
        _reveals(_commitmentOf(to, 31337, id, operator, result, SALT), true);
        _reveals(_commitmentOf(address(disputes), 31337, ++id, operator, result, SALT), false);
        _reveals(_commitmentOf(to, 1, ++id, operator, result, SALT), false);
        _reveals(_commitmentOf(to, 31337, 1, operator, result, SALT), false);
        id += 2;
        _reveals(_commitmentOf(to, 31337, id, stranger, result, SALT), false);
        _reveals(_commitmentOf(to, 31337, ++id, operator, keccak256("other"), SALT), false);
        _reveals(_commitmentOf(to, 31337, ++id, operator, result, "other"), false);
        assertEq(
            jobs.commitmentOf(9, stranger, "result", "salt"),
            _commitmentOf(to, 31337, 9, stranger, "result", "salt"),
            "view"
        );
    }

    /// A second operator cannot use what the first one committed to, nor learn it before its own deadline.
    function test_a_result_is_not_copied() public {
        uint256 id = _committed(_terms());
        uint256 other = _post(_terms());
        _join(stranger);
        bytes32 seen = jobs.jobOf(id).result;
        vm.startPrank(stranger);
        jobs.take(other);
        jobs.commit(other, seen);
        vm.stopPrank();
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobNotDue.selector, id, DEADLINE));
        jobs.reveal(id, digests, SALT);
        vm.warp(DEADLINE);
        jobs.reveal(id, digests, SALT);
        bytes32 needed = _commitmentOf(address(jobs), 31337, other, stranger, _result(digests), SALT);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.CommitmentMismatch.selector, other, seen, needed));
        jobs.reveal(other, digests, SALT);
        vm.prank(stranger);
        vm.expectRevert(_status(other, ComputeJobs.JobStatus.Committed));
        jobs.commit(other, needed);
    }

    // --- the draw ---

    function test_the_draw_follows_from_the_beacon(bytes32 hash) public {
        if (hash == 0) hash = "hash";
        uint256 id = _committed(_terms());
        bytes32 seed = _seed(hash, id);
        bool audited = uint128(uint256(seed)) % 1_000_000 < RATE;
        uint256 segment = audited ? (uint256(seed) >> 128) % SEGMENTS : 0;
        ComputeJobs.Audit audit = audited ? ComputeJobs.Audit.Segment : ComputeJobs.Audit.Spared;
        vm.roll(DRAW_BLOCK + 1);
        vm.setBlockhash(DRAW_BLOCK, hash);
        vm.expectEmit();
        emit ComputeJobs.AuditDrawn(id, audit, segment, seed, 0);
        vm.prank(stranger);
        jobs.draw(id);
        assertEq(uint256(jobs.jobOf(id).audit), uint256(audit), "audit");
        assertEq(jobs.jobOf(id).segment, segment, "segment");
    }

    /// Of a thousand hashes about a tenth audits, and every segment comes up.
    function test_the_rate_is_that_of_the_policy() public {
        uint256 id = _committed(_terms());
        vm.roll(DRAW_BLOCK + 1);
        uint256 audited;
        uint256[SEGMENTS] memory drawn;
        for (uint256 i = 0; i < 1000; ++i) {
            uint256 state = vm.snapshotState();
            vm.setBlockhash(DRAW_BLOCK, keccak256(abi.encode(i)));
            jobs.draw(id);
            ComputeJobs.Job memory job = jobs.jobOf(id);
            if (job.audit == ComputeJobs.Audit.Segment) {
                ++audited;
                ++drawn[job.segment];
            }
            vm.revertToState(state);
        }
        assertTrue(audited > 70 && audited < 130, "a tenth");
        for (uint256 i = 0; i < SEGMENTS; ++i) assertTrue(drawn[i] > 10, "every segment");
    }

    function test_a_draw_waits_for_the_block_after_the_beacon() public {
        uint256 id = _committed(_terms());
        vm.roll(DRAW_BLOCK);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.DrawTooEarly.selector, id, DRAW_BLOCK));
        jobs.draw(id);
        vm.roll(DRAW_BLOCK + 1);
        jobs.draw(id);
    }

    function test_an_audit_is_drawn_once() public {
        uint256 id = _committed(_terms());
        _draw(id, false);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.AuditState.selector, id, ComputeJobs.Audit.Spared));
        jobs.draw(id);
        vm.roll(BLOCK);
        uint256 other = _committed(_later());
        _draw(other, true);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.AuditState.selector, other, ComputeJobs.Audit.Segment));
        jobs.draw(other);
    }

    function test_only_a_committed_job_is_drawn() public {
        vm.roll(BLOCK + 1000);
        vm.expectRevert(_status(1, ComputeJobs.JobStatus.None));
        jobs.draw(1);
        uint256 id = _post(_terms());
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Open));
        jobs.draw(id);
        vm.prank(operator);
        jobs.take(id);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Taken));
        jobs.draw(id);
        vm.warp(DEADLINE);
        jobs.settle(id);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Late));
        jobs.draw(id);
    }

    /// The last block with the beacon's hash, and the first without: the operator gains nothing by letting the draw lapse.
    function test_a_draw_that_lapses_audits_every_segment() public {
        uint256 id = _committed(_terms());
        uint256 state = vm.snapshotState();
        vm.roll(DRAW_BLOCK + 256);
        vm.setBlockhash(DRAW_BLOCK, _hashFor(id, false));
        jobs.draw(id);
        assertEq(uint256(jobs.jobOf(id).audit), uint256(ComputeJobs.Audit.Spared), "still known");
        vm.revertToState(state);
        vm.roll(DRAW_BLOCK + 257);
        vm.expectEmit();
        emit ComputeJobs.AuditDrawn(id, ComputeJobs.Audit.All, 0, 0, 0);
        jobs.draw(id);
        assertEq(uint256(jobs.jobOf(id).audit), uint256(ComputeJobs.Audit.All), "all");
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.AuditState.selector, id, ComputeJobs.Audit.All));
        jobs.draw(id);
        vm.warp(DEADLINE);
        jobs.reveal(id, _digests(SEGMENTS), SALT);
        assertEq(jobs.jobOf(id).closesAt, DEADLINE + AUDIT_WINDOW, "closesAt");
    }

    function test_an_audit_drawn_before_the_reveal_gives_the_long_window() public {
        uint256 id = _committed(_terms());
        _draw(id, true);
        vm.warp(DEADLINE);
        jobs.reveal(id, _digests(SEGMENTS), SALT);
        assertEq(jobs.jobOf(id).closesAt, DEADLINE + AUDIT_WINDOW, "closesAt");
    }

    /// Even where the short window has passed: an audit that nobody could know of is not over before it began.
    function test_an_audit_drawn_after_the_reveal_opens_the_long_window() public {
        uint256 id = _revealed(_terms());
        vm.warp(DEADLINE + WINDOW + 5);
        uint256 state = vm.snapshotState();
        _draw(id, false);
        assertEq(jobs.jobOf(id).closesAt, DEADLINE + WINDOW, "spared");
        jobs.settle(id);
        vm.revertToState(state);
        vm.roll(DRAW_BLOCK + 1);
        bytes32 hash = _hashFor(id, true);
        vm.setBlockhash(DRAW_BLOCK, hash);
        uint256 segment = (uint256(_seed(hash, id)) >> 128) % SEGMENTS;
        uint40 closesAt = uint40(DEADLINE + WINDOW + 5 + AUDIT_WINDOW);
        vm.expectEmit();
        emit ComputeJobs.AuditDrawn(id, ComputeJobs.Audit.Segment, segment, _seed(hash, id), closesAt);
        jobs.draw(id);
        assertEq(jobs.jobOf(id).closesAt, closesAt, "closesAt");
        _challenged(id);
    }

    // --- ends ---

    function test_a_result_that_stands_is_paid() public {
        uint256 id = _revealed(_terms());
        _draw(id, false);
        vm.warp(DEADLINE + WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobNotDue.selector, id, DEADLINE + WINDOW));
        jobs.settle(id);
        vm.warp(DEADLINE + WINDOW);
        vm.expectEmit();
        emit ComputeJobs.JobEnded(id, ComputeJobs.JobStatus.Paid, operator, PRICE, 0, 0);
        vm.prank(stranger);
        jobs.settle(id);
        _isJob(id, ComputeJobs.JobStatus.Paid);
        _holds(address(jobs), operator, 10 * BOND, 0);
        assertEq(jobs.creditOf(operator), PRICE, "credit");
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Paid));
        jobs.settle(id);
    }

    function test_an_audited_job_is_paid_after_the_long_window() public {
        uint256 id = _revealed(_terms());
        _draw(id, true);
        vm.warp(DEADLINE + AUDIT_WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobNotDue.selector, id, DEADLINE + AUDIT_WINDOW));
        jobs.settle(id);
        vm.warp(DEADLINE + AUDIT_WINDOW);
        jobs.settle(id);
    }

    function test_no_job_is_paid_without_a_draw() public {
        uint256 id = _revealed(_terms());
        vm.warp(DEADLINE + 365 days);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.AuditState.selector, id, ComputeJobs.Audit.Undrawn));
        jobs.settle(id);
    }

    function test_a_job_that_nobody_took_is_refunded() public {
        uint256 id = _post(_terms());
        vm.warp(DEADLINE - 1);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobNotDue.selector, id, DEADLINE));
        jobs.settle(id);
        vm.warp(DEADLINE);
        vm.expectEmit();
        emit ComputeJobs.JobEnded(id, ComputeJobs.JobStatus.Expired, requester, PRICE, 0, 0);
        jobs.settle(id);
        assertEq(jobs.creditOf(requester), PRICE, "credit");
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Expired));
        jobs.settle(id);
        vm.expectRevert(_status(9, ComputeJobs.JobStatus.None));
        jobs.settle(9);
    }

    function test_a_late_operator_loses_a_tenth_of_its_bond() public {
        uint256 id = _taken(_terms());
        vm.warp(DEADLINE - 1);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobNotDue.selector, id, DEADLINE));
        jobs.settle(id);
        vm.warp(DEADLINE);
        _expectSlash(BOND / 10, requester, keccak256("description"), DEADLINE);
        vm.expectEmit();
        emit ComputeJobs.JobEnded(id, ComputeJobs.JobStatus.Late, requester, PRICE, 1, BOND / 10);
        jobs.settle(id);
        _holds(address(jobs), operator, 10 * BOND - BOND / 10, 0);
        assertEq(jobs.creditOf(requester), PRICE, "credit");
        _isCase(1, operator, BOND / 10, requester);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Late));
        jobs.settle(id);
    }

    function test_who_withholds_a_result_loses_its_bond() public {
        uint256 id = _committed(_terms());
        vm.warp(REVEAL_UNTIL - 1);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobNotDue.selector, id, REVEAL_UNTIL));
        jobs.settle(id);
        vm.warp(REVEAL_UNTIL);
        _expectSlash(BOND, requester, keccak256("description"), REVEAL_UNTIL);
        vm.expectEmit();
        emit ComputeJobs.JobEnded(id, ComputeJobs.JobStatus.Withheld, requester, PRICE, 1, BOND);
        jobs.settle(id);
        _holds(address(jobs), operator, 9 * BOND, 0);
        assertEq(jobs.creditOf(requester), PRICE, "credit");
        _isCase(1, operator, BOND, requester);
    }

    /// An operator that sees its audit coming escapes it neither by silence nor by a late word.
    function test_withholding_is_no_way_out_of_an_audit() public {
        uint256 id = _committed(_terms());
        _draw(id, true);
        vm.warp(REVEAL_UNTIL);
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobTooLate.selector, id, REVEAL_UNTIL));
        jobs.reveal(id, digests, SALT);
        jobs.settle(id);
        _isCase(1, operator, BOND, requester);
        assertEq(jobs.creditOf(operator), 0, "unpaid");
    }

    // --- what only the disputes do ---

    function test_only_the_disputes_hold_release_and_convict() public {
        uint256 id = _revealed(_terms());
        address[4] memory others = [requester, operator, address(this), stranger];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory refusal = abi.encodeWithSelector(ComputeJobs.NotDisputes.selector, disputes, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refusal);
            jobs.hold(id);
            vm.expectRevert(refusal);
            jobs.release(id);
            vm.expectRevert(refusal);
            jobs.convict(id, others[i], EVIDENCE);
            vm.stopPrank();
        }
    }

    function test_a_held_job_waits() public {
        uint256 id = _revealed(_terms());
        _draw(id, false);
        vm.startPrank(address(disputes));
        jobs.hold(id);
        jobs.hold(id);
        vm.warp(DEADLINE + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.ChallengesOpen.selector, id, 2));
        jobs.settle(id);
        jobs.release(id);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.ChallengesOpen.selector, id, 1));
        jobs.settle(id);
        jobs.release(id);
        jobs.settle(id);
    }

    function test_a_job_is_held_while_its_window_is_open() public {
        uint256 id = _committed(_terms());
        vm.startPrank(address(disputes));
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Committed));
        jobs.hold(id);
        vm.warp(DEADLINE);
        jobs.reveal(id, _digests(SEGMENTS), SALT);
        vm.warp(DEADLINE + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobTooLate.selector, id, DEADLINE + WINDOW));
        jobs.hold(id);
        vm.warp(DEADLINE + WINDOW - 1);
        jobs.hold(id);
    }

    function test_a_conviction_takes_the_bond_and_refunds_the_price() public {
        uint256 id = _revealed(_terms());
        vm.startPrank(address(disputes));
        jobs.hold(id);
        jobs.hold(id);
        _expectSlash(BOND, challenger, EVIDENCE, DEADLINE);
        vm.expectEmit();
        emit ComputeJobs.JobEnded(id, ComputeJobs.JobStatus.Convicted, requester, PRICE, 1, BOND);
        jobs.convict(id, challenger, EVIDENCE);
        assertEq(jobs.jobOf(id).challenges, 1, "the other one");
        assertEq(jobs.creditOf(requester), PRICE, "credit");
        _holds(address(jobs), operator, 9 * BOND, 0);
        _isCase(1, operator, BOND, challenger);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Convicted));
        jobs.convict(id, challenger, EVIDENCE);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Convicted));
        jobs.hold(id);
        jobs.release(id);
        assertEq(jobs.jobOf(id).challenges, 0, "returned");
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Convicted));
        jobs.settle(id);
    }

    /// Each slash takes of its own bond: the other job's stays locked, and is there when that job ends.
    function test_one_slash_does_not_reach_another_jobs_bond() public {
        _register(stranger);
        _stake(address(jobs), stranger, 2 * BOND);
        uint256 one = _post(_terms());
        uint256 two = _post(_later());
        vm.startPrank(stranger);
        jobs.take(one);
        jobs.take(two);
        vm.stopPrank();
        _holds(address(jobs), stranger, 0, 2 * BOND);
        vm.warp(DEADLINE);
        jobs.settle(one);
        _holds(address(jobs), stranger, BOND - BOND / 10, BOND);
        vm.warp(DEADLINE + 10 days);
        jobs.settle(two);
        _holds(address(jobs), stranger, 2 * (BOND - BOND / 10), 0);
    }

    /// The bond of a job in flight is not withdrawn, whatever its operator does.
    function test_a_bond_in_flight_stays() public {
        _register(stranger);
        _stake(address(jobs), stranger, BOND);
        uint256 id = _post(_terms());
        vm.startPrank(stranger);
        jobs.take(id);
        operators.retire();
        vm.expectRevert(_stakeTooLow(stranger, 0, 1));
        vault.unbond(address(jobs), 1);
        vm.stopPrank();
        vm.warp(DEADLINE);
        jobs.settle(id);
        _isCase(1, stranger, BOND / 10, requester);
    }

    // --- the vault's end ---

    /// A retired service locks nothing more; jobs in flight come to their end, before and after the service's own.
    function test_a_retired_service_keeps_nobody_from_its_money() public {
        uint256 soon = _taken(_terms());
        ComputeJobs.JobTerms memory terms = _terms();
        terms.deadline = uint40(NOW + 60 days);
        uint256 late = _taken(terms);
        uint256 open = _post(_terms());
        vault.retireService(address(jobs));
        vm.prank(operator);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.ServiceIsRetired.selector, address(jobs), NOW + 30 days)
        );
        jobs.take(open);
        vm.warp(DEADLINE);
        jobs.settle(open);
        jobs.settle(soon);
        _isCase(1, operator, BOND / 10, requester);
        vm.warp(NOW + 30 days);
        vault.withdraw(address(jobs), operator);
        assertEq(token.balanceOf(operator), 10 * BOND - BOND / 10, "stake");
        vm.warp(NOW + 60 days);
        vm.expectEmit();
        emit ComputeJobs.JobEnded(late, ComputeJobs.JobStatus.Late, requester, PRICE, 0, 0);
        jobs.settle(late);
        jobs.withdraw(requester);
        assertEq(token.balanceOf(requester), FUNDS, "all three prices");
    }

    // --- paying ---

    function test_credits_are_paid_to_whom_they_belong_by_anybody() public {
        uint256 id = _post(_terms());
        vm.prank(requester);
        jobs.cancel(id);
        vm.expectEmit();
        emit ComputeJobs.Collected(requester, PRICE);
        vm.prank(stranger);
        assertEq(jobs.withdraw(requester), PRICE, "amount");
        assertEq(token.balanceOf(requester), FUNDS, "requester");
        assertEq(jobs.creditOf(requester), 0, "credit");
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.NothingCredited.selector, requester));
        jobs.withdraw(requester);
    }

    function test_credits_of_several_jobs_add_up() public {
        uint256 one = _post(_terms());
        uint256 two = _post(_terms());
        vm.startPrank(requester);
        jobs.cancel(one);
        jobs.cancel(two);
        assertEq(jobs.withdraw(requester), 2 * PRICE, "amount");
    }

    // --- tokens ---

    function test_a_fee_token_counts_what_arrived() public {
        _use(new FeeToken());
        uint96 arrived = PRICE - PRICE / 100;
        uint256 id = _post(_terms());
        assertEq(jobs.jobOf(id).price, arrived, "price");
        // The lower price needs the larger bond.
        assertEq(jobs.jobOf(id).bond, 2 * (110 ether - arrived), "bond");
        vm.startPrank(requester);
        jobs.cancel(id);
        jobs.withdraw(requester);
        assertEq(token.balanceOf(address(jobs)), 0, "nothing left");
    }

    function test_a_token_that_returns_false_moves_nothing() public {
        FalseToken falseToken = new FalseToken();
        _use(falseToken);
        uint256 id = _post(_terms());
        vm.prank(requester);
        token.approve(address(jobs), PRICE);
        falseToken.breakIt();
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token);
        vm.startPrank(requester);
        vm.expectRevert(failed);
        jobs.post(_terms());
        jobs.cancel(id);
        vm.expectRevert(failed);
        jobs.withdraw(requester);
        assertEq(jobs.creditOf(requester), PRICE, "credit");
    }

    /// A token that refuses one holds nobody else back: jobs end all the same.
    function test_a_token_that_reverts_for_one_pays_the_other() public {
        BlockingToken blocking = new BlockingToken();
        _use(blocking);
        uint256 one = _revealed(_terms());
        uint256 two = _post(_later());
        _draw(one, false);
        vm.prank(requester);
        jobs.cancel(two);
        blocking.block_(operator);
        vm.warp(DEADLINE + WINDOW);
        jobs.settle(one);
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, operator));
        jobs.withdraw(operator);
        jobs.withdraw(requester);
        assertEq(token.balanceOf(requester), FUNDS - PRICE, "requester");
    }

    /// Both calls that move tokens are entered again in the middle of the transfer by both.
    function test_a_reentrant_token_gets_nowhere() public {
        ReentrantToken reentrant = new ReentrantToken();
        _use(reentrant);
        uint256 id = _post(_terms());
        vm.prank(requester);
        jobs.cancel(id);
        vm.prank(requester);
        token.approve(address(jobs), type(uint256).max);
        bytes[2] memory calls = [
            abi.encodeCall(jobs.post, (_terms())),
            abi.encodeCall(jobs.withdraw, (requester))
        ];
        for (uint256 outer = 0; outer < 2; ++outer) {
            for (uint256 inner = 0; inner < 2; ++inner) {
                uint256 state = vm.snapshotState();
                reentrant.arm(address(jobs), calls[inner]);
                vm.prank(requester);
                (bool ok, ) = address(jobs).call(calls[outer]);
                assertTrue(ok, "outer");
                assertTrue(!reentrant.called(), "inner");
                bytes4 reason = bytes4(reentrant.answer());
                assertEq(reason, ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "reason");
                vm.revertToState(state);
            }
        }
    }

    // --- construction ---

    function test_no_part_may_be_missing() public {
        vm.expectRevert(ComputeJobs.AddressZero.selector);
        _create("ComputeJobs", abi.encode(address(0), vault, operators, disputes));
        vm.expectRevert(ComputeJobs.AddressZero.selector);
        _create("ComputeJobs", abi.encode(token, address(0), operators, disputes));
        vm.expectRevert(ComputeJobs.AddressZero.selector);
        _create("ComputeJobs", abi.encode(token, vault, operators, address(0)));
        assertEq(address(jobs.guardian()), address(guardian), "guardian");
        assertEq(address(jobs.token()), address(token), "token");
        assertEq(address(jobs.vault()), address(vault), "vault");
        assertEq(address(jobs.operators()), address(operators), "operators");
        assertEq(address(jobs.disputes()), address(disputes), "disputes");
    }

    function test_it_stays_small_enough_to_be_read() public view {
        assertTrue(address(jobs).code.length < 10240, "size");
    }

    // --- parts ---

    /// @dev A job with a later deadline.
    function _later() private pure returns (ComputeJobs.JobTerms memory terms) {
        terms = _terms();
        terms.deadline = uint40(DEADLINE + 10 days);
    }

    /// @dev Posts in the middle of somebody else's prank.
    function _postAs(ComputeJobs.JobTerms memory terms) private returns (uint256) {
        vm.stopPrank();
        return _post(terms);
    }

    function _register(address who) private {
        vm.prank(who);
        operators.register(keccak256("manifest"), 0x0f);
    }

    function _use(ERC20 token_) private {
        _deploy(token_);
        _register(operator);
        _stake(address(jobs), operator, 10 * BOND);
        token.transfer(requester, FUNDS);
    }

    function _refused(ComputeJobs.JobTerms memory terms, bytes memory refusal) private {
        vm.prank(requester);
        token.approve(address(jobs), PRICE);
        vm.prank(requester);
        vm.expectRevert(refusal);
        jobs.post(terms);
    }

    /// @dev Commits in a job of its own, and reveals.
    function _reveals(bytes32 commitment, bool good) private {
        vm.warp(NOW);
        uint256 id = _taken(_terms());
        vm.prank(operator);
        jobs.commit(id, commitment);
        vm.warp(DEADLINE);
        bytes32[] memory digests = _digests(SEGMENTS);
        if (!good) {
            bytes32 needed = _commitment(id, digests);
            assertTrue(needed != commitment, "another one");
            vm.expectRevert(
                abi.encodeWithSelector(ComputeJobs.CommitmentMismatch.selector, id, commitment, needed)
            );
        }
        jobs.reveal(id, digests, SALT);
    }

    function _stakeTooLow(address who, uint256 free, uint256 needed) private view returns (bytes memory) {
        return abi.encodeWithSelector(StakeVault.FreeStakeTooLow.selector, address(jobs), who, free, needed);
    }

    /// @dev The first case of the vault, from `time` on.
    function _expectSlash(uint96 amount, address winner, bytes32 evidence, uint256 time) private {
        vm.expectEmit();
        emit StakeVault.Slashed(1, address(jobs), operator, amount, winner, evidence, uint40(time + 3 days));
    }

    function _isCase(uint256 id, address accused, uint256 amount, address winner) private view {
        StakeVault.Case memory case_ = vault.caseOf(id);
        assertEq(case_.owner, accused, "accused");
        assertEq(case_.amount, amount, "amount");
        assertEq(case_.challenger, winner, "winner");
        assertEq(case_.service, address(jobs), "service");
    }
}
