// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {ComputeDisputes} from "../src/ComputeDisputes.sol";
import {ComputeJobs} from "../src/ComputeJobs.sol";
import {JobPolicy} from "../src/ComputeOperators.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Market} from "./Market.sol";
import {Simulator} from "./Simulator.sol";
// Deployed by name: imported so that a filtered run compiles them too.
import "./vectors/ToyPayoutVerifier.sol";
import "./vectors/ToyScoreVerifier.sol";

contract ComputeDisputesTest is Market {
    uint256 private constant DUE = DEADLINE + ANSWER_PERIOD;
    uint256 private constant DECISION = 30 days;
    bytes32 private constant CLAIM = "claim";

    // --- challenging ---

    function test_anybody_challenges_with_a_bond() public {
        uint256 id = _revealed(_terms());
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.expectEmit();
        emit ComputeDisputes.ChallengeOpened(1, id, challenger, 3, digests[3], CLAIM, CHALLENGE_BOND, uint40(DUE));
        vm.prank(challenger);
        assertEq(disputes.challenge(id, 3, digests, CLAIM), 1, "id");
        ComputeDisputes.Challenge memory kept = disputes.challengeOf(1);
        assertEq(kept.challenger, challenger, "challenger");
        assertEq(kept.dueAt, DUE, "dueAt");
        assertEq(kept.segment, 3, "segment");
        assertEq(kept.bond, CHALLENGE_BOND, "bond");
        assertEq(kept.job, id, "job");
        assertEq(kept.asserted, digests[3], "asserted");
        assertEq(kept.claim, CLAIM, "claim");
        _is(1, ComputeDisputes.ChallengeStatus.Pending);
        _holds(address(disputes), challenger, 9 * CHALLENGE_BOND, CHALLENGE_BOND);
        assertEq(jobs.jobOf(id).challenges, 1, "open");
        assertEq(_challenge(id, challenger, 3), 2, "next id");
        assertEq(disputes.challengeCount(), 2, "count");
        assertEq(jobs.jobOf(id).challenges, 2, "both open");
    }

    function test_a_challenge_needs_its_bond() public {
        uint256 id = _revealed(_terms());
        _stake(address(disputes), stranger, CHALLENGE_BOND - 1);
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                StakeVault.FreeStakeTooLow.selector,
                disputes,
                stranger,
                CHALLENGE_BOND - 1,
                CHALLENGE_BOND
            )
        );
        disputes.challenge(id, 1, digests, CLAIM);
        _stake(address(disputes), stranger, 1);
        _challenge(id, stranger, 1);
    }

    function test_a_challenge_shows_the_revealed_result() public {
        uint256 id = _revealed(_terms());
        bytes32[] memory digests = _digests(SEGMENTS);
        bytes32 result = _result(digests);
        digests[2] = "other";
        vm.startPrank(challenger);
        vm.expectRevert(
            abi.encodeWithSelector(ComputeDisputes.ResultMismatch.selector, id, result, _result(digests))
        );
        disputes.challenge(id, 1, digests, CLAIM);
        digests = _digests(SEGMENTS - 1);
        vm.expectRevert(
            abi.encodeWithSelector(ComputeDisputes.ResultMismatch.selector, id, result, _result(digests))
        );
        disputes.challenge(id, 1, digests, CLAIM);
    }

    function test_a_challenge_names_a_segment_of_the_job() public {
        uint256 id = _revealed(_terms());
        bytes32[] memory digests = _digests(SEGMENTS);
        uint256[2] memory bad = [uint256(SEGMENTS), type(uint256).max];
        vm.startPrank(challenger);
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.SegmentUnknown.selector, id, bad[i]));
            disputes.challenge(id, bad[i], digests, CLAIM);
        }
        disputes.challenge(id, SEGMENTS - 1, digests, CLAIM);
        disputes.challenge(id, 0, digests, CLAIM);
    }

    function test_a_challenge_claims_something_else() public {
        uint256 id = _revealed(_terms());
        bytes32[] memory digests = _digests(SEGMENTS);
        bytes32[2] memory bad = [bytes32(0), digests[1]];
        vm.startPrank(challenger);
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.NothingChallenged.selector, id, 1));
            disputes.challenge(id, 1, digests, bad[i]);
        }
        disputes.challenge(id, 1, digests, digests[0]);
    }

    /// A commitment is no result: its preimage is not a list of digests.
    function test_only_a_revealed_job_is_challenged() public {
        ComputeJobs.JobTerms memory terms = _terms();
        uint256 id = _taken(terms);
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.prank(operator);
        jobs.commit(id, _result(digests));
        vm.prank(challenger);
        vm.expectRevert(_status(id, ComputeJobs.JobStatus.Committed));
        disputes.challenge(id, 1, digests, CLAIM);
        vm.prank(challenger);
        vm.expectRevert(
            abi.encodeWithSelector(ComputeDisputes.ResultMismatch.selector, 9, 0, _result(digests))
        );
        disputes.challenge(9, 1, digests, CLAIM);
    }

    function test_a_challenge_comes_before_the_window_closes() public {
        uint256 id = _revealed(_terms());
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.warp(DEADLINE + WINDOW);
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.JobTooLate.selector, id, DEADLINE + WINDOW));
        disputes.challenge(id, 1, digests, CLAIM);
        vm.warp(DEADLINE + WINDOW - 1);
        _challenged(id);
    }

    /// In the last second: the operator still has its whole period, and the job waits.
    function test_a_challenge_in_the_last_second_leaves_time_to_answer() public {
        uint256 id = _revealed(_provable());
        _draw(id, false);
        vm.warp(DEADLINE + WINDOW - 1);
        uint256 challenge = _challenged(id);
        vm.warp(DEADLINE + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ComputeJobs.ChallengesOpen.selector, id, 1));
        jobs.settle(id);
        vm.warp(DEADLINE + WINDOW - 1 + ANSWER_PERIOD - 1);
        disputes.answer(challenge, _proof(challenge));
        jobs.settle(id);
        assertEq(jobs.creditOf(operator), PRICE, "paid");
    }

    function test_the_bond_and_the_period_are_those_of_the_jobs_policy() public {
        uint256 id = _revealed(_terms());
        JobPolicy memory policy = _policy();
        policy.challengeBond = 1;
        policy.answerPeriod = 1 hours;
        operators.setPolicy(policy);
        uint256 challenge = _challenged(id);
        assertEq(disputes.challengeOf(challenge).bond, CHALLENGE_BOND, "bond");
        assertEq(disputes.challengeOf(challenge).dueAt, DUE, "dueAt");
    }

    // --- answering by proof ---

    function test_a_proof_answers_whoever_sends_it() public {
        (uint256 id, uint256 challenge) = _disputed(_provable());
        Proof memory proof = _proof(challenge);
        vm.expectEmit();
        emit ComputeDisputes.SegmentProven(id, 1, challenge);
        _expectSlash(address(disputes), challenger, CHALLENGE_BOND, operator, id);
        vm.expectEmit();
        emit ComputeDisputes.ChallengeEnded(challenge, ComputeDisputes.ChallengeStatus.Lost, 1, CHALLENGE_BOND);
        vm.prank(stranger);
        disputes.answer(challenge, proof);
        _is(challenge, ComputeDisputes.ChallengeStatus.Lost);
        _holds(address(disputes), challenger, 9 * CHALLENGE_BOND, 0);
        _isCase(1, address(disputes), challenger, CHALLENGE_BOND, operator);
        assertEq(jobs.jobOf(id).challenges, 0, "none open");
        assertEq(disputes.provenOf(id), 2, "bit of segment 1");
        _draw(id, false);
        vm.warp(DEADLINE + WINDOW);
        jobs.settle(id);
        assertEq(jobs.creditOf(operator), PRICE, "paid");
        vm.expectRevert(_wrong(challenge, ComputeDisputes.ChallengeStatus.Lost));
        disputes.answer(challenge, proof);
    }

    /// One proof for each thing that it binds; the first is good.
    function test_a_proof_binds_chain_contract_job_segment_challenger_and_digests() public {
        (uint256 id, uint256 challenge) = _disputed(_provable());
        bytes32 description = keccak256("description");
        bytes32 asserted = _digests(SEGMENTS)[1];
        uint256 state = vm.snapshotState();
        disputes.answer(challenge, _proofOf(_context(31337, address(disputes), id, 1, challenger), description, asserted, 1));
        vm.revertToState(state);
        _rejected(challenge, _context(1, address(disputes), id, 1, challenger), description, asserted, 1);
        _rejected(challenge, _context(31337, address(jobs), id, 1, challenger), description, asserted, 1);
        _rejected(challenge, _context(31337, address(disputes), id + 1, 1, challenger), description, asserted, 1);
        _rejected(challenge, _context(31337, address(disputes), id, 2, challenger), description, asserted, 1);
        _rejected(challenge, _context(31337, address(disputes), id, 1, stranger), description, asserted, 1);
        bytes32 context = _context(31337, address(disputes), id, 1, challenger);
        _rejected(challenge, context, "other", asserted, 1);
        _rejected(challenge, context, description, CLAIM, 1);
        _rejected(challenge, context, description, asserted, 2);
    }

    function test_a_job_without_a_circuit_has_no_proof() public {
        (, uint256 challenge) = _disputed(_terms());
        Proof memory proof = _proof(challenge);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CircuitUnknown.selector, bytes32(0)));
        disputes.answer(challenge, proof);
    }

    function test_an_answer_comes_in_time() public {
        (, uint256 challenge) = _disputed(_provable());
        Proof memory proof = _proof(challenge);
        vm.warp(DUE);
        vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.ChallengeTooLate.selector, challenge, DUE));
        disputes.answer(challenge, proof);
        vm.warp(DUE - 1);
        disputes.answer(challenge, proof);
    }

    /// Spam costs a bond each, and one proof answers all of a segment.
    function test_a_proven_segment_ends_all_its_challenges_and_admits_no_more() public {
        uint256 id = _revealed(_provable());
        uint256 one = _challenge(id, challenger, 1);
        _stake(address(disputes), stranger, CHALLENGE_BOND);
        uint256 two = _challenge(id, stranger, 1);
        uint256 other = _challenge(id, challenger, 2);
        disputes.answer(one, _proof(one));
        vm.expectEmit();
        emit ComputeDisputes.ChallengeEnded(two, ComputeDisputes.ChallengeStatus.Lost, 2, CHALLENGE_BOND);
        disputes.settleChallenge(two);
        _isCase(2, address(disputes), stranger, CHALLENGE_BOND, operator);
        vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.ChallengeNotDue.selector, other, DUE));
        disputes.settleChallenge(other);
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.SegmentIsProven.selector, id, 1));
        disputes.challenge(id, 1, digests, CLAIM);
        assertEq(jobs.jobOf(id).challenges, 1, "segment 2");
    }

    /// A proof that came in time counts also for a challenge of the segment that is past its own time.
    function test_a_proven_segment_is_proven_for_those_who_asked_before() public {
        uint256 id = _revealed(_provable());
        uint256 one = _challenge(id, challenger, 1);
        vm.warp(DEADLINE + 5);
        uint256 two = _challenge(id, challenger, 1);
        vm.warp(DUE);
        disputes.answer(two, _proof(two));
        disputes.settleChallenge(one);
        _is(one, ComputeDisputes.ChallengeStatus.Lost);
    }

    function test_segments_at_both_ends_are_proven() public {
        ComputeJobs.JobTerms memory terms = _provable();
        terms.segments = 256;
        uint256 id = _revealed(terms);
        uint256 first = _challenge(id, challenger, 0);
        uint256 last = _challenge(id, challenger, 255);
        disputes.answer(first, _proof(first));
        disputes.answer(last, _proof(last));
        assertEq(disputes.provenOf(id), (1 << 255) | 1, "bits");
    }

    // --- conceding and silence ---

    function test_silence_convicts() public {
        (uint256 id, uint256 challenge) = _disputed(_provable());
        vm.warp(DUE - 1);
        vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.ChallengeNotDue.selector, challenge, DUE));
        disputes.settleChallenge(challenge);
        vm.warp(DUE);
        vm.expectEmit();
        emit ComputeDisputes.ChallengeEnded(challenge, ComputeDisputes.ChallengeStatus.Upheld, 0, 0);
        _expectSlash(address(jobs), operator, BOND, challenger, id);
        vm.expectEmit();
        emit ComputeJobs.JobEnded(id, ComputeJobs.JobStatus.Convicted, requester, PRICE, 1, BOND);
        vm.prank(stranger);
        disputes.settleChallenge(challenge);
        _convicted(id, challenge);
    }

    function test_silence_convicts_where_no_circuit_is() public {
        (uint256 id, uint256 challenge) = _disputed(_terms());
        vm.warp(DUE);
        disputes.settleChallenge(challenge);
        _convicted(id, challenge);
    }

    function test_an_operator_concedes() public {
        (uint256 id, uint256 challenge) = _disputed(_provable());
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.NotOperator.selector, id, operator, stranger));
        disputes.concede(challenge);
        vm.prank(operator);
        disputes.concede(challenge);
        _convicted(id, challenge);
        vm.prank(operator);
        vm.expectRevert(_wrong(challenge, ComputeDisputes.ChallengeStatus.Upheld));
        disputes.concede(challenge);
    }

    function test_an_operator_concedes_a_contested_challenge_too() public {
        (uint256 id, uint256 challenge) = _contested();
        vm.prank(operator);
        disputes.concede(challenge);
        _convicted(id, challenge);
    }

    /// What a conviction pays: half to the first challenger, half to the treasury; the others have their bonds back.
    function test_the_first_upheld_challenge_has_the_reward_and_the_others_are_returned() public {
        uint256 id = _revealed(_terms());
        _stake(address(disputes), stranger, CHALLENGE_BOND);
        uint256 one = _challenge(id, challenger, 1);
        uint256 two = _challenge(id, stranger, 2);
        uint256 three = _challenge(id, challenger, 3);
        vm.startPrank(operator);
        disputes.contest(three);
        disputes.concede(one);
        vm.stopPrank();
        _convicted(id, one);
        vm.expectEmit();
        emit ComputeDisputes.ChallengeEnded(two, ComputeDisputes.ChallengeStatus.Returned, 0, 0);
        disputes.settleChallenge(two);
        disputes.settleChallenge(three);
        _is(three, ComputeDisputes.ChallengeStatus.Returned);
        _holds(address(disputes), stranger, CHALLENGE_BOND, 0);
        _holds(address(disputes), challenger, 10 * CHALLENGE_BOND, 0);
        assertEq(jobs.jobOf(id).challenges, 0, "none open");
        vm.warp(DEADLINE + 3 days);
        vault.settle(1);
        assertEq(vault.creditOf(challenger), BOND / 2, "challenger");
        assertEq(vault.creditOf(treasury), BOND / 2, "treasury");
        vm.expectRevert(_wrong(two, ComputeDisputes.ChallengeStatus.Returned));
        disputes.settleChallenge(two);
    }

    /// Everything that an open challenge could still do is refused once another one has ended the job.
    function test_an_ended_job_leaves_only_the_return() public {
        uint256 id = _revealed(_provable());
        uint256 one = _challenge(id, challenger, 1);
        uint256 two = _challenge(id, challenger, 2);
        Proof memory proof = _proof(two);
        vm.startPrank(operator);
        disputes.concede(one);
        bytes memory ended = abi.encodeWithSelector(ComputeDisputes.JobHasEnded.selector, two, id);
        vm.expectRevert(ended);
        disputes.answer(two, proof);
        vm.expectRevert(ended);
        disputes.contest(two);
        vm.expectRevert(ended);
        disputes.concede(two);
        vm.stopPrank();
        disputes.settleChallenge(two);
        _is(two, ComputeDisputes.ChallengeStatus.Returned);
    }

    // --- disputes ---

    function test_an_operator_contests_where_no_circuit_is() public {
        (uint256 id, uint256 challenge) = _disputed(_terms());
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.NotOperator.selector, id, operator, challenger));
        disputes.contest(challenge);
        vm.warp(DUE - 1);
        vm.expectEmit();
        emit ComputeDisputes.ChallengeDisputed(challenge, uint40(DUE - 1 + DECISION));
        vm.prank(operator);
        disputes.contest(challenge);
        _is(challenge, ComputeDisputes.ChallengeStatus.Disputed);
        assertEq(disputes.challengeOf(challenge).dueAt, DUE - 1 + DECISION, "dueAt");
        vm.prank(operator);
        vm.expectRevert(_wrong(challenge, ComputeDisputes.ChallengeStatus.Disputed));
        disputes.contest(challenge);
    }

    function test_a_contest_comes_in_time() public {
        (, uint256 challenge) = _disputed(_terms());
        vm.warp(DUE);
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.ChallengeTooLate.selector, challenge, DUE));
        disputes.contest(challenge);
    }

    function test_where_a_proof_is_possible_nothing_else_answers() public {
        (, uint256 challenge) = _disputed(_provable());
        bytes memory refusal = abi.encodeWithSelector(
            ComputeDisputes.ProofRequired.selector,
            challenge,
            verifier.circuitId()
        );
        vm.prank(operator);
        vm.expectRevert(refusal);
        disputes.contest(challenge);
    }

    function test_the_owner_decides_for_the_operator() public {
        (uint256 id, uint256 challenge) = _contested();
        vm.warp(DEADLINE + DECISION - 1);
        vm.expectEmit();
        emit ComputeDisputes.ChallengeEnded(challenge, ComputeDisputes.ChallengeStatus.Lost, 1, CHALLENGE_BOND);
        disputes.decide(challenge, false);
        _isCase(1, address(disputes), challenger, CHALLENGE_BOND, operator);
        _holds(address(disputes), challenger, 9 * CHALLENGE_BOND, 0);
        assertEq(disputes.provenOf(id), 0, "a decision proves nothing");
        jobs.settle(id);
        assertEq(jobs.creditOf(operator), PRICE, "paid");
    }

    function test_the_owner_decides_for_the_challenger() public {
        (uint256 id, uint256 challenge) = _contested();
        disputes.decide(challenge, true);
        _convicted(id, challenge);
        vm.expectRevert(_wrong(challenge, ComputeDisputes.ChallengeStatus.Upheld));
        disputes.decide(challenge, false);
    }

    function test_only_the_owner_decides_only_disputes_and_in_time() public {
        (, uint256 challenge) = _disputed(_terms());
        vm.expectRevert(_wrong(challenge, ComputeDisputes.ChallengeStatus.Pending));
        disputes.decide(challenge, true);
        vm.expectRevert(_wrong(9, ComputeDisputes.ChallengeStatus.None));
        disputes.decide(9, true);
        vm.prank(operator);
        disputes.contest(challenge);
        address[3] memory others = [operator, challenger, member];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.NotOwner.selector, this, others[i]));
            disputes.decide(challenge, true);
        }
        vm.warp(DEADLINE + DECISION);
        vm.expectRevert(
            abi.encodeWithSelector(ComputeDisputes.ChallengeTooLate.selector, challenge, DEADLINE + DECISION)
        );
        disputes.decide(challenge, true);
    }

    /// Nobody decides: the challenger has its bond back and no more, the operator its pay and its bond.
    function test_nobody_gains_by_a_dispute_that_nobody_decides() public {
        (uint256 id, uint256 challenge) = _contested();
        vm.warp(DEADLINE + DECISION - 1);
        vm.expectRevert(
            abi.encodeWithSelector(ComputeDisputes.ChallengeNotDue.selector, challenge, DEADLINE + DECISION)
        );
        disputes.settleChallenge(challenge);
        vm.warp(DEADLINE + DECISION);
        disputes.settleChallenge(challenge);
        _is(challenge, ComputeDisputes.ChallengeStatus.Returned);
        _holds(address(disputes), challenger, 10 * CHALLENGE_BOND, 0);
        jobs.settle(id);
        _holds(address(jobs), operator, 10 * BOND, 0);
        assertEq(jobs.creditOf(operator), PRICE, "paid");
        assertEq(vault.caseCount(), 0, "no case");
    }

    // --- stopped circuits ---

    /// A circuit that was stopped convicts nobody: an operator that could have proven may contest, and silence is disputed too.
    function test_a_stopped_circuit_makes_a_dispute() public {
        (, uint256 challenge) = _disputed(_provable());
        bytes32 circuit = verifier.circuitId();
        vm.prank(member);
        guardian.stopVerifier(circuit);
        Proof memory proof = _proof(challenge);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, circuit));
        disputes.answer(challenge, proof);
        uint256 state = vm.snapshotState();
        vm.prank(operator);
        disputes.contest(challenge);
        _is(challenge, ComputeDisputes.ChallengeStatus.Disputed);
        vm.revertToState(state);
        vm.warp(DUE);
        vm.expectEmit();
        emit ComputeDisputes.ChallengeDisputed(challenge, uint40(DUE + DECISION));
        disputes.settleChallenge(challenge);
        disputes.decide(challenge, false);
        _is(challenge, ComputeDisputes.ChallengeStatus.Lost);
    }

    function test_circuits_of_jobs_have_three_publics_and_no_links() public {
        // Seven publics and no links; three publics and two links.
        string[2] memory bad = ["ToyPayoutVerifier", "ToyScoreVerifier"];
        for (uint256 i = 0; i < 2; ++i) {
            IVerifier unfit = IVerifier(_create(bad[i], ""));
            router.register(unfit);
            bytes32 circuit = unfit.circuitId();
            vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.CircuitUnfit.selector, circuit));
            disputes.checkCircuit(circuit);
        }
        disputes.checkCircuit(verifier.circuitId());
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CircuitUnknown.selector, bytes32("x")));
        disputes.checkCircuit("x");
    }

    // --- attacks ---

    /// An operator that challenges itself keeps nobody out, and is left with less than half of what it staked.
    function test_a_self_challenge_blocks_nobody_and_costs_half_the_bond() public {
        uint256 id = _revealed(_terms());
        address friend = address(0xF41E4D);
        _stake(address(disputes), friend, CHALLENGE_BOND);
        uint256 own = _challenge(id, friend, 0);
        uint256 honest = _challenge(id, challenger, 1);
        vm.prank(operator);
        disputes.concede(own);
        vm.warp(DEADLINE + 3 days);
        vault.settle(1);
        assertEq(vault.creditOf(friend), BOND / 2, "half comes back");
        assertEq(vault.creditOf(treasury), BOND / 2, "half is lost");
        assertEq(jobs.creditOf(operator), 0, "unpaid");
        // Which is what the bond was made for: twice the required one.
        assertEq(operators.requiredBond(10 ether, 1 ether, PRICE, RATE), BOND / 2, "required");
        disputes.settleChallenge(honest);
        _holds(address(disputes), challenger, 10 * CHALLENGE_BOND, 0);
    }

    /// A self-challenge that is lost or never decided does not run down the window of others: each may come as long as it is open.
    function test_a_lost_self_challenge_leaves_the_others_standing() public {
        uint256 id = _revealed(_terms());
        address friend = address(0xF41E4D);
        _stake(address(disputes), friend, CHALLENGE_BOND);
        uint256 own = _challenge(id, friend, 1);
        vm.warp(DEADLINE + WINDOW - 1);
        uint256 honest = _challenge(id, challenger, 1);
        vm.prank(operator);
        disputes.contest(own);
        disputes.decide(own, false);
        vm.warp(DEADLINE + WINDOW - 1 + ANSWER_PERIOD);
        disputes.settleChallenge(honest);
        _convicted(id, honest);
    }

    /// A requester that challenges its own job loses its bond to the proof, and gets no work for nothing.
    function test_a_requester_gets_no_work_for_nothing() public {
        uint256 id = _revealed(_provable());
        _stake(address(disputes), requester, CHALLENGE_BOND);
        uint256 challenge = _challenge(id, requester, 1);
        disputes.answer(challenge, _proof(challenge));
        _isCase(1, address(disputes), requester, CHALLENGE_BOND, operator);
        _draw(id, false);
        vm.warp(DEADLINE + WINDOW);
        jobs.settle(id);
        assertEq(jobs.creditOf(operator), PRICE, "paid");
        assertEq(jobs.creditOf(requester), 0, "not refunded");
    }

    /// Requester, operator and challenger are one: together they have what they brought, less the treasury's half.
    function test_collusion_drains_nobody() public {
        uint256 others = _post(_terms());
        uint256 escrow = token.balanceOf(address(jobs));
        uint256 id = _revealed(_terms());
        uint256 challenge = _challenged(id);
        vm.prank(operator);
        disputes.concede(challenge);
        vm.warp(DEADLINE + 3 days);
        vault.settle(1);
        jobs.withdraw(requester);
        vault.collect(challenger);
        assertEq(token.balanceOf(address(jobs)), escrow, "the other job's price");
        assertEq(token.balanceOf(requester), FUNDS - PRICE, "requester");
        assertEq(token.balanceOf(challenger), BOND / 2, "challenger");
        _holds(address(jobs), operator, 9 * BOND, 0);
        jobs.settle(others);
    }

    /// A conviction can be appealed in the vault; overturned, the bond comes back. The price stays refunded.
    function test_an_overturned_verdict_gives_the_bond_back() public {
        (, uint256 challenge) = _contested();
        disputes.decide(challenge, true);
        vm.prank(operator);
        vault.appeal(1, "replayed on other hardware");
        vault.decide(1, false);
        _holds(address(jobs), operator, 10 * BOND, 0);
        assertEq(jobs.creditOf(requester), PRICE, "refunded");
    }

    /// An answer and a new challenge in one block, and an answer seen before it is mined: nothing is gained by being first.
    function test_an_answer_is_not_front_run() public {
        (uint256 id, uint256 challenge) = _disputed(_provable());
        Proof memory proof = _proof(challenge);
        _stake(address(disputes), stranger, CHALLENGE_BOND);
        uint256 copied = _challenge(id, stranger, 1);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        disputes.answer(copied, proof);
        vm.prank(stranger);
        disputes.answer(challenge, proof);
        disputes.settleChallenge(copied);
        _isCase(1, address(disputes), challenger, CHALLENGE_BOND, operator);
        _isCase(2, address(disputes), stranger, CHALLENGE_BOND, operator);
    }

    // --- the vault's end ---

    function test_a_retired_service_takes_no_challenge_and_lets_go_of_its_bonds() public {
        uint256 id = _revealed(_terms());
        uint256 challenge = _challenged(id);
        vault.retireService(address(disputes));
        bytes32[] memory digests = _digests(SEGMENTS);
        vm.prank(challenger);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.ServiceIsRetired.selector, disputes, DEADLINE + 30 days)
        );
        disputes.challenge(id, 1, digests, CLAIM);
        vm.prank(operator);
        disputes.contest(challenge);
        vm.warp(DEADLINE + DECISION);
        vault.withdraw(address(disputes), challenger);
        assertEq(token.balanceOf(challenger), 10 * CHALLENGE_BOND, "stake");
        disputes.settleChallenge(challenge);
        _is(challenge, ComputeDisputes.ChallengeStatus.Returned);
        vm.roll(DRAW_BLOCK + 1000);
        jobs.draw(id);
        vm.warp(DEADLINE + DECISION + AUDIT_WINDOW);
        jobs.settle(id);
    }

    function test_a_verdict_after_the_services_end_takes_nothing_and_still_ends() public {
        ComputeJobs.JobTerms memory terms = _terms();
        uint256 id = _revealed(terms);
        uint256 challenge = _challenged(id);
        vm.prank(operator);
        disputes.contest(challenge);
        vm.warp(DEADLINE - 1);
        vault.retireService(address(disputes));
        vm.warp(DEADLINE - 1 + 30 days);
        vm.expectEmit();
        emit ComputeDisputes.ChallengeEnded(challenge, ComputeDisputes.ChallengeStatus.Lost, 0, 0);
        disputes.decide(challenge, false);
        assertEq(jobs.jobOf(id).challenges, 0, "none open");
    }

    // --- construction ---

    function test_it_stands_where_its_jobs_expect_it() public {
        vm.expectRevert(abi.encodeWithSelector(ComputeDisputes.NotJobsDisputes.selector, disputes));
        _create("ComputeDisputes", abi.encode(jobs, router));
        uint256 nonce = vm.getNonce(address(this));
        address predicted = vm.computeCreateAddress(address(this), nonce + 1);
        address another = _create("ComputeJobs", abi.encode(token, vault, operators, predicted));
        vm.expectRevert(ComputeDisputes.AddressZero.selector);
        _create("ComputeDisputes", abi.encode(another, address(0)));
        assertEq(disputes.owner(), operators.owner(), "owner");
        assertEq(address(disputes.vault()), address(vault), "vault");
        assertEq(address(disputes.operators()), address(operators), "operators");
    }

    function test_it_stays_small_enough_to_be_read() public view {
        assertTrue(address(disputes).code.length < 10240, "size");
    }

    // --- parts ---

    /// @dev A revealed job and a challenge of its segment 1.
    function _disputed(ComputeJobs.JobTerms memory terms) private returns (uint256 id, uint256 challenge) {
        id = _revealed(terms);
        challenge = _challenged(id);
    }

    /// @dev A job without a circuit, spared by its draw, whose challenge waits for the owner since the deadline.
    function _contested() private returns (uint256 id, uint256 challenge) {
        (id, challenge) = _disputed(_terms());
        _draw(id, false);
        vm.prank(operator);
        disputes.contest(challenge);
    }

    function _proof(uint256 challenge) private view returns (Proof memory) {
        ComputeDisputes.Challenge memory kept = disputes.challengeOf(challenge);
        bytes32 context = _context(31337, address(disputes), kept.job, kept.segment, kept.challenger);
        return _proofOf(context, keccak256("description"), kept.asserted, kept.segment);
    }

    function _context(
        uint256 chainId,
        address target,
        uint256 id,
        uint256 segment,
        address who
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("openledger.context.segment.v1"), chainId, target, id, segment, who));
    }

    function _proofOf(
        bytes32 context,
        bytes32 description,
        bytes32 asserted,
        uint256 segment
    ) private view returns (Proof memory) {
        uint256[] memory publics = new uint256[](3);
        publics[0] = uint256(description) % BN254.R;
        publics[1] = uint256(asserted) % BN254.R;
        publics[2] = segment;
        return Simulator.prove(verifier, context, publics, new uint256[](0));
    }

    function _rejected(
        uint256 challenge,
        bytes32 context,
        bytes32 description,
        bytes32 asserted,
        uint256 segment
    ) private {
        Proof memory proof = _proofOf(context, description, asserted, segment);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        disputes.answer(challenge, proof);
    }

    function _is(uint256 challenge, ComputeDisputes.ChallengeStatus status) private view {
        assertEq(uint256(disputes.challengeOf(challenge).status), uint256(status), "challenge status");
    }

    function _wrong(uint256 challenge, ComputeDisputes.ChallengeStatus actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ComputeDisputes.WrongChallengeStatus.selector, challenge, actual);
    }

    /// @dev Of a job with one case so far, whose first upheld challenge is by the challenger.
    function _convicted(uint256 id, uint256 challenge) private view {
        _is(challenge, ComputeDisputes.ChallengeStatus.Upheld);
        _isJob(id, ComputeJobs.JobStatus.Convicted);
        assertEq(jobs.creditOf(requester), PRICE, "refund");
        assertEq(jobs.creditOf(operator), 0, "unpaid");
        _holds(address(jobs), operator, 9 * BOND, 0);
        uint256 last = vault.caseCount();
        _isCase(last, address(jobs), operator, BOND, challenger);
    }

    /// @dev The first case of the vault, about segment 1; whenever it may be appealed.
    function _expectSlash(address service, address loser, uint96 amount, address winner, uint256 id) private {
        bytes32 evidence = keccak256(abi.encode(id, 1, _digests(SEGMENTS)[1], CLAIM));
        uint40 due = uint40((service == address(jobs) ? DUE : DEADLINE) + 3 days);
        vm.expectEmit();
        emit StakeVault.Slashed(1, service, loser, amount, winner, evidence, due);
    }

    function _isCase(uint256 id, address service, address accused, uint256 amount, address winner) private view {
        StakeVault.Case memory case_ = vault.caseOf(id);
        assertEq(case_.service, service, "service");
        assertEq(case_.owner, accused, "accused");
        assertEq(case_.amount, amount, "amount");
        assertEq(case_.challenger, winner, "winner");
    }
}
