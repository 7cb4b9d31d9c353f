// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IGuardian} from "../src/IGuardian.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {OpenCirceLaunchpad} from "../src/OpenCirceLaunchpad.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Grants} from "./Grants.sol";
import {BlockingToken, FalseToken, FeeToken, ReentrantToken} from "./Tokens.sol";

contract OpenCirceLaunchpadTest is Grants {
    uint96 private constant SMALL_BOND = 10 ether;
    uint96 private constant LARGE_BOND = 50 ether;

    bytes32 private id;

    function setUp() public override {
        super.setUp();
        id = _approved(DIGEST);
    }

    // --- proposing ---

    function test_anybody_proposes_and_no_money_moves() public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = _terms();
        bytes32 other = _idOf(launchpad, 31337, "other", recipient, terms);
        uint256 before = token.balanceOf(address(launchpad));
        vm.expectEmit();
        emit OpenCirceLaunchpad.GrantProposed(other, stranger, recipient, "other", terms);
        vm.prank(stranger);
        assertEq(launchpad.propose(recipient, "other", terms), other, "id");
        _isGrant(other, OpenCirceLaunchpad.Status.Proposed, 0, 0);
        OpenCirceLaunchpad.Grant memory grant = launchpad.grantOf(other);
        assertEq(grant.recipient, recipient, "recipient");
        assertEq(grant.digest, "other", "digest");
        assertEq(grant.total, TOTAL, "total");
        assertEq(grant.count, 3, "count");
        assertEq(token.balanceOf(address(launchpad)), before, "balance");
        for (uint256 i = 0; i < 3; ++i) {
            OpenCirceLaunchpad.Milestone memory milestone = launchpad.milestoneOf(other, i);
            assertEq(milestone.amount, terms[i].amount, "amount");
            assertEq(milestone.deadline, terms[i].deadline, "deadline");
            assertEq(milestone.circuit, terms[i].circuit, "circuit");
            assertEq(milestone.place, terms[i].place, "place");
            assertEq(milestone.fixedPublics, terms[i].fixedPublics, "fixed");
            assertEq(milestone.fixedDigest, terms[i].fixedDigest, "fixed digest");
            assertEq(uint256(milestone.stage), 0, "stage");
        }
    }

    function test_the_id_binds_all_that_makes_a_grant() public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = _terms();
        assertEq(launchpad.grantId(recipient, DIGEST, terms), id, "same");
        assertTrue(launchpad.grantId(stranger, DIGEST, terms) != id, "recipient");
        assertTrue(launchpad.grantId(recipient, "other", terms) != id, "digest");
        terms[1].amount += 1;
        assertTrue(launchpad.grantId(recipient, DIGEST, terms) != id, "amount");
        assertEq(launchpad.grantId(recipient, DIGEST, terms), _idOf(launchpad, 31337, DIGEST, recipient, terms), "id");
        terms = _terms();
        terms[2].fixedDigest = _fixed(TARGET, LEVEL - 1);
        assertTrue(launchpad.grantId(recipient, DIGEST, terms) != id, "fixed");
        OpenCirceLaunchpad other = _deployLaunchpad(token);
        assertTrue(other.grantId(recipient, DIGEST, _terms()) != id, "contract");
        vm.chainId(1);
        assertEq(
            launchpad.grantId(recipient, DIGEST, _terms()),
            _idOf(launchpad, 1, DIGEST, recipient, _terms()),
            "chain"
        );
    }

    /// The same content again, approved or not, is the same grant: whoever proposes it first does the proposer's work.
    function test_a_grant_is_proposed_once() public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = _terms();
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.GrantTaken.selector, id));
        launchpad.propose(recipient, DIGEST, terms);
        bytes32 other = _propose("other");
        launchpad.cancel(other);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.GrantTaken.selector, other));
        launchpad.propose(recipient, "other", terms);
    }

    function test_a_proposal_needs_recipient_and_digest() public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = _terms();
        vm.expectRevert(OpenCirceLaunchpad.AddressZero.selector);
        launchpad.propose(address(0), "other", terms);
        vm.expectRevert(OpenCirceLaunchpad.DigestZero.selector);
        launchpad.propose(recipient, 0, terms);
    }

    function test_a_grant_has_1_to_16_milestones() public {
        for (uint256 count = 0; count <= 17; ++count) {
            OpenCirceLaunchpad.MilestoneTerms[] memory terms = new OpenCirceLaunchpad.MilestoneTerms[](count);
            for (uint256 i = 0; i < count; ++i) terms[i] = _byEvidence(1, FIRST);
            if (count == 0 || count == 17) {
                vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestonesOutOfRange.selector, 16, count));
                launchpad.propose(recipient, "other", terms);
            } else {
                assertEq(launchpad.grantOf(launchpad.propose(recipient, "other", terms)).count, count, "count");
            }
        }
    }

    function test_a_milestone_has_an_amount_and_a_deadline_within_five_years() public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = _terms();
        terms[1].amount = 0;
        vm.expectRevert(OpenCirceLaunchpad.AmountZero.selector);
        launchpad.propose(recipient, "other", terms);
        terms = _terms();
        uint40[2] memory bad = [uint40(NOW), uint40(NOW + 1826 days + 1)];
        for (uint256 i = 0; i < 2; ++i) {
            terms[1].deadline = bad[i];
            vm.expectRevert(
                abi.encodeWithSelector(
                    OpenCirceLaunchpad.DeadlineOutOfRange.selector,
                    NOW + 1,
                    NOW + 1826 days,
                    bad[i]
                )
            );
            launchpad.propose(recipient, "other", terms);
        }
        terms[1].deadline = uint40(NOW + 1);
        terms[2].deadline = uint40(NOW + 1826 days);
        launchpad.propose(recipient, "other", terms);
    }

    function test_the_digest_stands_at_one_of_16_places() public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = _terms();
        terms[2].place = 16;
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.PublicsOutOfRange.selector, 1, 16, 17));
        launchpad.propose(recipient, "other", terms);
        terms[2].place = 15;
        launchpad.propose(recipient, "other", terms);
    }

    function test_the_sum_fits_96_bits() public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = new OpenCirceLaunchpad.MilestoneTerms[](2);
        terms[0] = _byEvidence(type(uint96).max, FIRST);
        terms[1] = _byEvidence(1, FIRST);
        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, uint256(1) << 96)
        );
        launchpad.propose(recipient, "other", terms);
        terms[0].amount -= 1;
        bytes32 other = launchpad.propose(recipient, "other", terms);
        assertEq(launchpad.grantOf(other).total, type(uint96).max, "total");
    }

    function test_a_pause_stops_proposals_and_no_exit() public {
        _claim(id, 0);
        vm.prank(member);
        guardian.pause(14 days, "test");
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = _terms();
        vm.expectRevert(abi.encodeWithSelector(IGuardian.IntakePaused.selector, NOW + 14 days));
        launchpad.propose(recipient, "other", terms);
        _challenge(id, 0);
        launchpad.decide(id, 0, NOW, true);
        launchpad.withdrawBond(challenger);
        _claim(id, 0);
        vm.warp(NOW + 7 days);
        launchpad.release(id, 0);
        launchpad.withdraw(id);
        launchpad.cancel(id);
        launchpad.lapse(id, 1);
        vm.warp(NOW + 14 days);
        launchpad.propose(recipient, "other", terms);
    }

    // --- approving ---

    function test_an_approval_brings_the_whole_sum() public {
        bytes32 other = _propose("other");
        uint256 before = token.balanceOf(address(this));
        vm.expectEmit();
        emit OpenCirceLaunchpad.GrantApproved(other, TOTAL);
        launchpad.approve(other);
        _isGrant(other, OpenCirceLaunchpad.Status.Approved, TOTAL, 0);
        assertEq(token.balanceOf(address(this)), before - TOTAL, "owner");
        assertEq(token.balanceOf(address(launchpad)), 2 * TOTAL, "here");
    }

    function test_only_the_owner_governs() public {
        bytes32 other = _propose("other");
        _claim(id, 0);
        _challenge(id, 0);
        bytes memory refusal = abi.encodeWithSelector(OpenCirceLaunchpad.NotOwner.selector, this, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        launchpad.approve(other);
        vm.expectRevert(refusal);
        launchpad.cancel(other);
        vm.expectRevert(refusal);
        launchpad.decide(id, 0, NOW, true);
        vm.stopPrank();
    }

    function test_only_a_proposal_is_approved() public {
        vm.expectRevert(_status(id, OpenCirceLaunchpad.Status.Approved));
        launchpad.approve(id);
        vm.expectRevert(_status("none", OpenCirceLaunchpad.Status.None));
        launchpad.approve("none");
        launchpad.cancel(id);
        vm.expectRevert(_status(id, OpenCirceLaunchpad.Status.Cancelled));
        launchpad.approve(id);
        bytes32 other = _propose("other");
        launchpad.cancel(other);
        vm.expectRevert(_status(other, OpenCirceLaunchpad.Status.Rejected));
        launchpad.approve(other);
    }

    /// An approval that the owner did not fund takes nobody's money: not that of another allowance, and not what lies here for other grants.
    function test_an_approval_is_paid_by_the_owner_alone() public {
        bytes32 other = _propose("other");
        token.transfer(stranger, TOTAL);
        vm.prank(stranger);
        token.approve(address(launchpad), TOTAL);
        token.approve(address(launchpad), TOTAL - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(launchpad),
                TOTAL - 1,
                TOTAL
            )
        );
        launchpad.approve(other);
        _isGrant(other, OpenCirceLaunchpad.Status.Proposed, 0, 0);
    }

    // --- cancelling ---

    function test_a_proposal_is_rejected_and_never_had_money() public {
        bytes32 other = _propose("other");
        vm.expectEmit();
        emit OpenCirceLaunchpad.GrantCancelled(other, false);
        launchpad.cancel(other);
        _isGrant(other, OpenCirceLaunchpad.Status.Rejected, 0, 0);
        vm.warp(SECOND);
        vm.expectRevert(_status(other, OpenCirceLaunchpad.Status.Rejected));
        launchpad.lapse(other, 0);
        vm.expectRevert(_status(other, OpenCirceLaunchpad.Status.Rejected));
        launchpad.cancel(other);
    }

    function test_cancelling_stops_what_was_not_claimed_and_nothing_else() public {
        _claim(id, 0);
        vm.expectEmit();
        emit OpenCirceLaunchpad.GrantCancelled(id, true);
        launchpad.cancel(id);
        _isGrant(id, OpenCirceLaunchpad.Status.Cancelled, TOTAL, 0);
        vm.prank(recipient);
        vm.expectRevert(_status(id, OpenCirceLaunchpad.Status.Cancelled));
        launchpad.postEvidence(id, 1, EVIDENCE);
        uint256[] memory publics = _publics(DIGEST);
        Proof memory proof = _proof(_contextOf(id, 2), publics);
        vm.expectRevert(_status(id, OpenCirceLaunchpad.Status.Cancelled));
        launchpad.prove(id, 2, publics, proof);
        launchpad.lapse(id, 1);
        launchpad.lapse(id, 2);
        assertEq(token.balanceOf(treasury), LARGE + PROVEN, "treasury");
        vm.expectRevert(_stage(0, OpenCirceLaunchpad.Stage.Claimed));
        launchpad.lapse(id, 0);
        vm.warp(NOW + 7 days);
        launchpad.release(id, 0);
        launchpad.withdraw(id);
        assertEq(token.balanceOf(recipient), SMALL, "recipient");
        vm.expectRevert(_status(id, OpenCirceLaunchpad.Status.Cancelled));
        launchpad.cancel(id);
    }

    /// Evidence refuted after the cancelling is no claim any more.
    function test_refuted_evidence_of_a_cancelled_grant_lapses() public {
        _claim(id, 0);
        launchpad.cancel(id);
        _challenge(id, 0);
        launchpad.decide(id, 0, NOW, true);
        vm.prank(recipient);
        vm.expectRevert(_status(id, OpenCirceLaunchpad.Status.Cancelled));
        launchpad.postEvidence(id, 0, EVIDENCE);
        launchpad.lapse(id, 0);
        assertEq(token.balanceOf(treasury), SMALL, "treasury");
    }

    // --- evidence ---

    function test_unchallenged_evidence_releases_after_the_window() public {
        vm.expectEmit();
        emit OpenCirceLaunchpad.EvidencePosted(id, 0, EVIDENCE, uint40(NOW + 7 days));
        _claim(id, 0);
        _isMilestone(0, OpenCirceLaunchpad.Stage.Claimed, NOW, address(0), 0);
        vm.warp(NOW + 7 days - 1);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.WindowOpen.selector, NOW + 7 days));
        launchpad.release(id, 0);
        vm.warp(NOW + 7 days);
        vm.expectEmit();
        emit OpenCirceLaunchpad.MilestoneReleased(id, 0, SMALL, 0);
        vm.prank(stranger);
        launchpad.release(id, 0);
        _isGrant(id, OpenCirceLaunchpad.Status.Approved, TOTAL - SMALL, SMALL);
        vm.expectEmit();
        emit OpenCirceLaunchpad.GrantWithdrawn(id, recipient, SMALL);
        vm.prank(stranger);
        launchpad.withdraw(id);
        assertEq(token.balanceOf(recipient), SMALL, "recipient");
        assertEq(token.balanceOf(stranger), 0, "stranger");
        vm.expectRevert(OpenCirceLaunchpad.NothingDue.selector);
        launchpad.withdraw(id);
        vm.expectRevert(_stage(0, OpenCirceLaunchpad.Stage.Released));
        launchpad.release(id, 0);
    }

    function test_evidence_is_the_recipients() public {
        address[3] memory others = [address(this), treasury, stranger];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(
                abi.encodeWithSelector(OpenCirceLaunchpad.NotRecipient.selector, recipient, others[i])
            );
            launchpad.postEvidence(id, 0, EVIDENCE);
        }
        vm.startPrank(recipient);
        vm.expectRevert(OpenCirceLaunchpad.DigestZero.selector);
        launchpad.postEvidence(id, 0, 0);
        bytes32 circuit = verifier.circuitId();
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneMeans.selector, circuit));
        launchpad.postEvidence(id, 2, EVIDENCE);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneUnknown.selector, id, 3, 3));
        launchpad.postEvidence(id, 3, EVIDENCE);
        launchpad.postEvidence(id, 0, EVIDENCE);
        vm.expectRevert(_stage(0, OpenCirceLaunchpad.Stage.Claimed));
        launchpad.postEvidence(id, 0, EVIDENCE);
        vm.stopPrank();
    }

    function test_evidence_needs_an_approved_grant() public {
        bytes32 other = _propose("other");
        vm.prank(recipient);
        vm.expectRevert(_status(other, OpenCirceLaunchpad.Status.Proposed));
        launchpad.postEvidence(other, 0, EVIDENCE);
        vm.expectRevert(_status(other, OpenCirceLaunchpad.Status.Proposed));
        launchpad.lapse(other, 0);
    }

    function test_the_deadline_is_the_first_second_too_late() public {
        vm.warp(FIRST - 1);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneOpen.selector, FIRST));
        launchpad.lapse(id, 0);
        uint256 state = vm.snapshotState();
        _claim(id, 0);
        vm.warp(FIRST);
        vm.expectRevert(_stage(0, OpenCirceLaunchpad.Stage.Claimed));
        launchpad.lapse(id, 0);
        vm.revertToState(state);
        vm.warp(FIRST);
        vm.prank(recipient);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneOver.selector, FIRST));
        launchpad.postEvidence(id, 0, EVIDENCE);
        vm.expectEmit();
        emit OpenCirceLaunchpad.MilestoneLapsed(id, 0, SMALL);
        vm.prank(stranger);
        launchpad.lapse(id, 0);
        _isGrant(id, OpenCirceLaunchpad.Status.Approved, TOTAL - SMALL, 0);
        assertEq(token.balanceOf(treasury), SMALL, "treasury");
        vm.expectRevert(_stage(0, OpenCirceLaunchpad.Stage.Lapsed));
        launchpad.lapse(id, 0);
        vm.expectRevert(_stage(0, OpenCirceLaunchpad.Stage.Lapsed));
        launchpad.release(id, 0);
    }

    function test_milestones_are_independent() public {
        _claim(id, 1);
        _challenge(id, 1);
        _claim(id, 0);
        vm.warp(NOW + 7 days);
        launchpad.release(id, 0);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.WindowOpen.selector, NOW + 30 days));
        launchpad.release(id, 1);
    }

    // --- challenges ---

    function test_the_bond_is_a_tenth_and_at_least_ten() public view {
        assertEq(launchpad.bondOf(1), 10 ether, "small");
        assertEq(launchpad.bondOf(100 ether), 10 ether, "edge");
        assertEq(launchpad.bondOf(100 ether + 10), 10 ether + 1, "above");
        assertEq(launchpad.bondOf(type(uint96).max), type(uint96).max / 10, "most");
    }

    function test_anybody_challenges_within_the_window() public {
        _claim(id, 1);
        vm.warp(NOW + 7 days - 1);
        vm.expectEmit();
        emit OpenCirceLaunchpad.EvidenceChallenged(
            id,
            1,
            challenger,
            REASON,
            LARGE_BOND,
            uint40(NOW + 37 days - 1)
        );
        _challenge(id, 1);
        _isMilestone(1, OpenCirceLaunchpad.Stage.Challenged, NOW + 7 days - 1, challenger, LARGE_BOND);
        assertEq(token.balanceOf(challenger), 950 ether, "challenger");
        vm.prank(challenger);
        vm.expectRevert(_stage(1, OpenCirceLaunchpad.Stage.Challenged));
        launchpad.challenge(id, 1, REASON);
    }

    function test_a_challenge_is_in_time_or_not_at_all() public {
        vm.startPrank(challenger);
        vm.expectRevert(_stage(0, OpenCirceLaunchpad.Stage.Pending));
        launchpad.challenge(id, 0, REASON);
        vm.stopPrank();
        _claim(id, 0);
        vm.startPrank(challenger);
        vm.expectRevert(OpenCirceLaunchpad.DigestZero.selector);
        launchpad.challenge(id, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneUnknown.selector, id, 3, 3));
        launchpad.challenge(id, 3, REASON);
        vm.warp(NOW + 7 days);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.WindowClosed.selector, NOW + 7 days));
        launchpad.challenge(id, 0, REASON);
        vm.stopPrank();
    }

    function test_a_challenge_needs_its_bond() public {
        _claim(id, 0);
        vm.startPrank(challenger);
        token.approve(address(launchpad), SMALL_BOND - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector,
                address(launchpad),
                SMALL_BOND - 1,
                SMALL_BOND
            )
        );
        launchpad.challenge(id, 0, REASON);
        vm.stopPrank();
    }

    function test_an_upheld_challenge_gives_the_bond_back_and_the_milestone_another_chance() public {
        _claim(id, 1);
        _challenge(id, 1);
        vm.warp(NOW + 30 days - 1);
        vm.expectEmit();
        emit OpenCirceLaunchpad.ChallengeDecided(id, 1, challenger, true);
        launchpad.decide(id, 1, NOW, true);
        _isMilestone(1, OpenCirceLaunchpad.Stage.Pending, 0, address(0), 0);
        _isGrant(id, OpenCirceLaunchpad.Status.Approved, TOTAL, 0);
        assertEq(launchpad.bondDue(challenger), LARGE_BOND, "due");
        vm.expectEmit();
        emit OpenCirceLaunchpad.BondWithdrawn(challenger, LARGE_BOND);
        vm.prank(stranger);
        launchpad.withdrawBond(challenger);
        assertEq(token.balanceOf(challenger), 1000 ether, "challenger");
        vm.expectRevert(OpenCirceLaunchpad.NothingDue.selector);
        launchpad.withdrawBond(challenger);
        _claim(id, 1);
        vm.warp(NOW + 37 days);
        launchpad.release(id, 1);
        launchpad.withdraw(id);
        assertEq(token.balanceOf(recipient), LARGE, "recipient");
    }

    function test_refuted_evidence_after_the_deadline_lapses() public {
        vm.warp(FIRST - 1);
        _claim(id, 0);
        _challenge(id, 0);
        vm.warp(FIRST);
        launchpad.decide(id, 0, FIRST - 1, true);
        vm.prank(recipient);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneOver.selector, FIRST));
        launchpad.postEvidence(id, 0, EVIDENCE);
        launchpad.lapse(id, 0);
        assertEq(token.balanceOf(treasury), SMALL, "treasury");
    }

    function test_a_dismissed_challenge_pays_its_bond_to_the_recipient() public {
        _claim(id, 1);
        _challenge(id, 1);
        vm.expectEmit();
        emit OpenCirceLaunchpad.ChallengeDecided(id, 1, challenger, false);
        vm.expectEmit();
        emit OpenCirceLaunchpad.MilestoneReleased(id, 1, LARGE, LARGE_BOND);
        launchpad.decide(id, 1, NOW, false);
        _isGrant(id, OpenCirceLaunchpad.Status.Approved, TOTAL - LARGE, LARGE + LARGE_BOND);
        assertEq(launchpad.bondDue(challenger), 0, "bond");
        launchpad.withdraw(id);
        assertEq(token.balanceOf(recipient), LARGE + LARGE_BOND, "recipient");
    }

    /// Silence is a dismissal: whoever challenged to delay has paid for it.
    function test_an_undecided_challenge_is_dismissed() public {
        _claim(id, 1);
        _challenge(id, 1);
        vm.warp(NOW + 30 days - 1);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.WindowOpen.selector, NOW + 30 days));
        launchpad.release(id, 1);
        vm.warp(NOW + 30 days);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.DecisionClosed.selector, NOW + 30 days));
        launchpad.decide(id, 1, NOW, true);
        vm.expectEmit();
        emit OpenCirceLaunchpad.MilestoneReleased(id, 1, LARGE, LARGE_BOND);
        launchpad.release(id, 1);
        launchpad.withdraw(id);
        assertEq(token.balanceOf(recipient), LARGE + LARGE_BOND, "recipient");
        assertEq(token.balanceOf(challenger), 950 ether, "challenger");
    }

    function test_a_decision_is_about_one_challenge() public {
        _claim(id, 1);
        vm.expectRevert(_stage(1, OpenCirceLaunchpad.Stage.Claimed));
        launchpad.decide(id, 1, NOW, true);
        _challenge(id, 1);
        launchpad.decide(id, 1, NOW, true);
        vm.expectRevert(_stage(1, OpenCirceLaunchpad.Stage.Pending));
        launchpad.decide(id, 1, NOW, true);
        vm.warp(NOW + 1);
        _claim(id, 1);
        _challenge(id, 1);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.ChallengeMismatch.selector, NOW + 1, NOW));
        launchpad.decide(id, 1, NOW, true);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneUnknown.selector, id, 3, 3));
        launchpad.decide(id, 3, NOW, true);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneUnknown.selector, id, 3, 3));
        launchpad.release(id, 3);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneUnknown.selector, id, 3, 3));
        launchpad.lapse(id, 3);
    }

    function test_a_pending_milestone_is_not_released() public {
        vm.warp(SECOND + 365 days);
        vm.expectRevert(_stage(0, OpenCirceLaunchpad.Stage.Pending));
        launchpad.release(id, 0);
    }

    /// Two bonds of one challenger are paid in one go, whatever became of a third.
    function test_bonds_of_several_challenges_add_up() public {
        bytes32 other = _approved("other");
        _claim(id, 0);
        _claim(id, 1);
        _claim(other, 1);
        _challenge(id, 0);
        _challenge(id, 1);
        _challenge(other, 1);
        launchpad.decide(id, 0, NOW, true);
        launchpad.decide(other, 1, NOW, false);
        launchpad.decide(id, 1, NOW, true);
        assertEq(launchpad.bondDue(challenger), SMALL_BOND + LARGE_BOND, "due");
    }

    /// A recipient that challenges itself moves its own money from one pocket to the other, later.
    function test_challenging_oneself_gains_nothing() public {
        token.transfer(recipient, 100 ether);
        _claim(id, 1);
        vm.startPrank(recipient);
        token.approve(address(launchpad), LARGE_BOND);
        launchpad.challenge(id, 1, REASON);
        vm.stopPrank();
        vm.warp(NOW + 30 days);
        launchpad.release(id, 1);
        launchpad.withdraw(id);
        assertEq(token.balanceOf(recipient), 100 ether + LARGE, "recipient");
    }

    // --- proofs ---

    function test_a_proof_releases_at_once_whoever_sends_it() public {
        uint256[] memory publics = _publics(DIGEST);
        Proof memory proof = _proof(_contextOf(id, 2), publics);
        bytes32 circuit = verifier.circuitId();
        vm.warp(FIRST - 1);
        vm.expectEmit();
        emit OpenCirceLaunchpad.MilestoneProven(id, 2, circuit);
        vm.expectEmit();
        emit OpenCirceLaunchpad.MilestoneReleased(id, 2, PROVEN, 0);
        vm.prank(stranger);
        launchpad.prove(id, 2, publics, proof);
        _isGrant(id, OpenCirceLaunchpad.Status.Approved, TOTAL - PROVEN, PROVEN);
        launchpad.withdraw(id);
        assertEq(token.balanceOf(recipient), PROVEN, "recipient");
        vm.expectRevert(_stage(2, OpenCirceLaunchpad.Stage.Released));
        launchpad.prove(id, 2, publics, proof);
    }

    function test_a_proof_is_in_time() public {
        uint256[] memory publics = _publics(DIGEST);
        Proof memory proof = _proof(_contextOf(id, 2), publics);
        vm.warp(FIRST);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneOver.selector, FIRST));
        launchpad.prove(id, 2, publics, proof);
    }

    /// One proof per thing that its context binds; the good one was shown above.
    function test_a_proof_is_bound_to_chain_contract_grant_and_milestone() public {
        uint256[] memory publics = _publics(DIGEST);
        bytes32 kind = keccak256("openledger.context.milestone.v1");
        bytes32[5] memory contexts = [
            keccak256(abi.encode(keccak256("openledger.context.contribution.v1"), uint256(31337), launchpad, id, 2)),
            keccak256(abi.encode(kind, uint256(1), launchpad, id, 2)),
            keccak256(abi.encode(kind, uint256(31337), router, id, 2)),
            keccak256(abi.encode(kind, uint256(31337), launchpad, bytes32("other"), 2)),
            keccak256(abi.encode(kind, uint256(31337), launchpad, id, 1))
        ];
        for (uint256 i = 0; i < 5; ++i) {
            Proof memory proof = _proof(contexts[i], publics);
            vm.expectRevert(IVerifier.ProofRejected.selector);
            launchpad.prove(id, 2, publics, proof);
        }
        for (uint256 i = 0; i < 3; ++i) assertEq(launchpad.contextOf(id, i), _contextOf(id, i), "context");
        _isGrant(id, OpenCirceLaunchpad.Status.Approved, TOTAL, 0);
    }

    /// A proof that is true of something else than what was approved.
    function test_a_proof_names_the_proposal_and_the_fixed_signals() public {
        uint256[] memory publics = _publics(DIGEST);
        uint256 proposal = publics[1];
        publics[1] = proposal ^ 1;
        Proof memory proof = _proof(_contextOf(id, 2), publics);
        vm.expectRevert(
            abi.encodeWithSelector(OpenCirceLaunchpad.ProposalMismatch.selector, proposal, proposal ^ 1)
        );
        launchpad.prove(id, 2, publics, proof);
        publics[1] = proposal;
        for (uint256 i = 0; i < 3; i += 2) {
            publics[i] += 1;
            proof = _proof(_contextOf(id, 2), publics);
            bytes32 found = _fixed(publics[0], publics[2]);
            vm.expectRevert(
                abi.encodeWithSelector(
                    OpenCirceLaunchpad.FixedPublicsMismatch.selector,
                    _fixed(TARGET, LEVEL),
                    found
                )
            );
            launchpad.prove(id, 2, publics, proof);
            publics[i] -= 1;
        }
    }

    function test_public_signals_that_are_not_fixed_are_free() public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = _terms();
        terms[2].fixedPublics = 4;
        terms[2].fixedDigest = keccak256(abi.encode(bytes32(0), uint256(2), LEVEL));
        bytes32 other = launchpad.propose(recipient, DIGEST, terms);
        launchpad.approve(other);
        uint256[] memory publics = _publics(DIGEST);
        publics[0] = 12345;
        launchpad.prove(other, 2, publics, _proof(_contextOf(other, 2), publics));
        assertEq(launchpad.grantOf(other).due, PROVEN, "due");
    }

    function test_the_number_of_public_signals_is_bounded() public {
        Proof memory proof;
        uint256[2] memory lengths = [uint256(1), 17];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(OpenCirceLaunchpad.PublicsOutOfRange.selector, 2, 16, lengths[i])
            );
            launchpad.prove(id, 2, new uint256[](lengths[i]), proof);
        }
        uint256[] memory publics = _publics(DIGEST);
        uint256[] memory two = new uint256[](2);
        (two[0], two[1]) = (publics[0], publics[1]);
        vm.expectRevert(
            abi.encodeWithSelector(
                OpenCirceLaunchpad.FixedPublicsMismatch.selector,
                _fixed(TARGET, LEVEL),
                keccak256(abi.encode(bytes32(0), uint256(0), TARGET))
            )
        );
        launchpad.prove(id, 2, two, proof);
    }

    function test_what_evidence_meets_no_proof_meets() public {
        uint256[] memory publics = _publics(DIGEST);
        Proof memory proof = _proof(_contextOf(id, 0), publics);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneMeans.selector, bytes32(0)));
        launchpad.prove(id, 0, publics, proof);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneUnknown.selector, id, 3, 3));
        launchpad.prove(id, 3, publics, proof);
        bytes32 other = _propose("other");
        vm.expectRevert(_status(other, OpenCirceLaunchpad.Status.Proposed));
        launchpad.prove(other, 2, publics, proof);
    }

    function test_a_stopped_circuit_releases_nothing_and_its_milestone_lapses() public {
        uint256[] memory publics = _publics(DIGEST);
        Proof memory proof = _proof(_contextOf(id, 2), publics);
        bytes32 circuit = verifier.circuitId();
        vm.prank(member);
        router.stop(circuit);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, circuit));
        launchpad.prove(id, 2, publics, proof);
        vm.warp(FIRST);
        launchpad.lapse(id, 2);
        assertEq(token.balanceOf(treasury), PROVEN, "treasury");
    }

    // --- rotation ---

    function test_the_recipient_alone_names_its_successor() public {
        _claim(id, 0);
        vm.warp(NOW + 7 days);
        launchpad.release(id, 0);
        address[3] memory others = [address(this), treasury, stranger];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(
                abi.encodeWithSelector(OpenCirceLaunchpad.NotRecipient.selector, recipient, others[i])
            );
            launchpad.rotateRecipient(id, others[i]);
        }
        vm.startPrank(recipient);
        vm.expectRevert(OpenCirceLaunchpad.AddressZero.selector);
        launchpad.rotateRecipient(id, address(0));
        vm.expectEmit();
        emit OpenCirceLaunchpad.GrantRotated(id, recipient, stranger);
        launchpad.rotateRecipient(id, stranger);
        vm.expectRevert(abi.encodeWithSelector(OpenCirceLaunchpad.NotRecipient.selector, stranger, recipient));
        launchpad.postEvidence(id, 1, EVIDENCE);
        vm.stopPrank();
        launchpad.withdraw(id);
        assertEq(token.balanceOf(stranger), SMALL, "stranger");
        vm.prank(stranger);
        launchpad.postEvidence(id, 1, EVIDENCE);
    }

    // --- the owner ---

    /// Whatever the owner calls, it gets nothing, and what is due stays due.
    function test_the_owner_drains_nothing() public {
        _claim(id, 0);
        vm.warp(NOW + 7 days);
        launchpad.release(id, 0);
        _claim(id, 1);
        _challenge(id, 1);
        uint256 before = token.balanceOf(address(this));
        bytes[4] memory calls = [
            abi.encodeCall(launchpad.cancel, (id)),
            abi.encodeCall(launchpad.approve, (id)),
            abi.encodeCall(launchpad.decide, (id, 1, NOW + 7 days, true)),
            abi.encodeCall(launchpad.decide, (id, 1, NOW + 7 days, false))
        ];
        for (uint256 i = 0; i < 4; ++i) {
            uint256 state = vm.snapshotState();
            (bool ok, ) = address(launchpad).call(calls[i]);
            assertTrue(ok == (i != 1), "call");
            assertTrue(token.balanceOf(address(this)) <= before, "owner");
            assertTrue(launchpad.grantOf(id).due >= SMALL, "due");
            launchpad.withdraw(id);
            assertTrue(token.balanceOf(recipient) >= SMALL, "recipient");
            vm.revertToState(state);
        }
    }

    function test_a_launchpad_needs_everybody() public {
        for (uint256 i = 0; i < 5; ++i) {
            address[5] memory all = [address(token), address(router), address(guardian), address(this), treasury];
            all[i] = address(0);
            bytes memory code = abi.encodePacked(
                vm.getCode("OpenCirceLaunchpad.sol:OpenCirceLaunchpad"),
                abi.encode(all[0], all[1], all[2], all[3], all[4])
            );
            address deployed;
            assembly ("memory-safe") {
                deployed := create(0, add(code, 0x20), mload(code))
            }
            assertEq(deployed, address(0), "zero");
        }
        assertEq(address(launchpad.token()), address(token), "token");
        assertEq(address(launchpad.router()), address(router), "router");
        assertEq(address(launchpad.guardian()), address(guardian), "guardian");
        assertEq(launchpad.owner(), address(this), "owner");
        assertEq(launchpad.treasury(), treasury, "treasury");
    }

    // --- numbers ---

    /// @dev Every milestone goes one of four ways; every wei is where it should be.
    function testFuzz_every_wei_of_a_grant_is_accounted_for(uint96[16] memory amounts, uint8[16] memory ways) public {
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = new OpenCirceLaunchpad.MilestoneTerms[](16);
        for (uint256 i = 0; i < 16; ++i) terms[i] = _byEvidence((amounts[i] % 100 ether) + 1, FIRST);
        bytes32 other = launchpad.propose(recipient, "fuzz", terms);
        launchpad.approve(other);
        (uint256 paid, uint256 back, uint256 bonds, uint256 returned) = (0, 0, 0, 0);
        for (uint256 i = 0; i < 16; ++i) {
            (uint256 way, uint96 amount) = (ways[i] % 4, terms[i].amount);
            if (way == 3) {
                returned += amount;
                continue;
            }
            _claim(other, i);
            if (way == 0) {
                paid += amount;
                continue;
            }
            _challenge(other, i);
            launchpad.decide(other, i, NOW, way == 1);
            if (way == 1) (back, returned) = (back + launchpad.bondOf(amount), returned + amount);
            else (paid, bonds) = (paid + amount, bonds + launchpad.bondOf(amount));
        }
        vm.warp(FIRST);
        for (uint256 i = 0; i < 16; ++i) {
            uint256 way = ways[i] % 4;
            if (way == 0) launchpad.release(other, i);
            if (way == 1 || way == 3) launchpad.lapse(other, i);
        }
        if (paid != 0) launchpad.withdraw(other);
        if (back != 0) launchpad.withdrawBond(challenger);
        assertEq(token.balanceOf(recipient), paid + bonds, "recipient");
        assertEq(token.balanceOf(treasury), returned, "treasury");
        assertEq(token.balanceOf(challenger), 1000 ether - bonds, "challenger");
        _isGrant(other, OpenCirceLaunchpad.Status.Approved, 0, 0);
        assertEq(token.balanceOf(address(launchpad)), TOTAL, "the other grant");
    }

    // --- tokens ---

    function test_a_fee_token_funds_nothing() public {
        _use(new FeeToken());
        id = _propose(DIGEST);
        vm.expectRevert(
            abi.encodeWithSelector(OpenCirceLaunchpad.AmountArrived.selector, TOTAL, TOTAL - TOTAL / 100)
        );
        launchpad.approve(id);
    }

    function test_a_token_that_returns_false_moves_nothing() public {
        FalseToken falseToken = new FalseToken();
        _use(falseToken);
        id = _approved(DIGEST);
        _claim(id, 0);
        vm.warp(NOW + 7 days);
        launchpad.release(id, 0);
        _claim(id, 1);
        _challenge(id, 1);
        launchpad.decide(id, 1, NOW + 7 days, true);
        _claim(id, 1);
        bytes32 other = _propose("other");
        vm.warp(FIRST);
        falseToken.breakIt();
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token);
        vm.expectRevert(failed);
        launchpad.approve(other);
        vm.expectRevert(failed);
        launchpad.withdraw(id);
        vm.expectRevert(failed);
        launchpad.withdrawBond(challenger);
        vm.expectRevert(failed);
        launchpad.lapse(id, 2);
        _isGrant(id, OpenCirceLaunchpad.Status.Approved, TOTAL - SMALL, SMALL);
        assertEq(launchpad.bondDue(challenger), LARGE_BOND, "bond");
    }

    /// A token that refuses one of the three does not hold the others' money back.
    function test_a_token_that_reverts_for_one_pays_the_others() public {
        BlockingToken blocking = new BlockingToken();
        _use(blocking);
        id = _approved(DIGEST);
        _claim(id, 0);
        _claim(id, 1);
        _challenge(id, 1);
        launchpad.decide(id, 1, NOW, true);
        vm.warp(FIRST);
        address[3] memory all = [recipient, treasury, challenger];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 state = vm.snapshotState();
            blocking.block_(all[i]);
            launchpad.release(id, 0);
            bytes memory refusal = abi.encodeWithSelector(BlockingToken.Blocked.selector, all[i]);
            if (i == 0) vm.expectRevert(refusal);
            launchpad.withdraw(id);
            if (i == 1) vm.expectRevert(refusal);
            launchpad.lapse(id, 2);
            if (i == 2) vm.expectRevert(refusal);
            launchpad.withdrawBond(challenger);
            vm.revertToState(state);
        }
    }

    /// Every call that moves tokens is entered again in the middle of the transfer by every such call.
    function test_a_reentrant_token_gets_nowhere() public {
        ReentrantToken reentrant = new ReentrantToken();
        _use(reentrant);
        id = _approved(DIGEST);
        _claim(id, 0);
        _claim(id, 1);
        _challenge(id, 1);
        launchpad.decide(id, 1, NOW, true);
        vm.warp(NOW + 7 days);
        launchpad.release(id, 0);
        _claim(id, 1);
        vm.warp(NOW + 8 days);
        launchpad.cancel(id);
        bytes32 other = _propose("other");
        bytes[5] memory calls = [
            abi.encodeCall(launchpad.approve, (other)),
            abi.encodeCall(launchpad.challenge, (id, 1, REASON)),
            abi.encodeCall(launchpad.lapse, (id, 2)),
            abi.encodeCall(launchpad.withdraw, (id)),
            abi.encodeCall(launchpad.withdrawBond, (challenger))
        ];
        for (uint256 outer = 0; outer < 5; ++outer) {
            for (uint256 inner = 0; inner < 5; ++inner) {
                // The token is not the owner, so an approval is refused before the guard is asked.
                if (inner == 0) continue;
                uint256 state = vm.snapshotState();
                reentrant.arm(address(launchpad), calls[inner]);
                (bool ok, ) = address(launchpad).call(calls[outer]);
                assertTrue(ok, "outer");
                assertTrue(!reentrant.called(), "inner");
                bytes4 reason = bytes4(reentrant.answer());
                assertEq(reason, ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "reason");
                vm.revertToState(state);
            }
        }
    }

    function test_a_gift_belongs_to_no_grant() public {
        token.transfer(address(launchpad), 5);
        launchpad.cancel(id);
        for (uint256 i = 0; i < 3; ++i) launchpad.lapse(id, i);
        assertEq(token.balanceOf(treasury), TOTAL, "treasury");
        assertEq(token.balanceOf(address(launchpad)), 5, "gift");
    }

    function test_it_stays_small_enough_to_be_read() public view {
        assertTrue(address(launchpad).code.length < 10240, "size");
    }

    // --- parts ---

    function _use(ERC20 token_) private {
        _deploy(token_);
    }

    function _status(bytes32 grant, OpenCirceLaunchpad.Status actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(OpenCirceLaunchpad.WrongFundingStatus.selector, grant, actual);
    }

    function _stage(uint256 index, OpenCirceLaunchpad.Stage actual) private view returns (bytes memory) {
        return abi.encodeWithSelector(OpenCirceLaunchpad.MilestoneStage.selector, id, index, actual);
    }

    function _isGrant(bytes32 grantId, OpenCirceLaunchpad.Status status, uint256 held, uint256 due) private view {
        OpenCirceLaunchpad.Grant memory grant = launchpad.grantOf(grantId);
        assertEq(uint256(grant.status), uint256(status), "status");
        assertEq(grant.held, held, "held");
        assertEq(grant.due, due, "due");
    }

    function _isMilestone(
        uint256 index,
        OpenCirceLaunchpad.Stage stage,
        uint256 since,
        address by,
        uint256 bond
    ) private view {
        OpenCirceLaunchpad.Milestone memory milestone = launchpad.milestoneOf(id, index);
        assertEq(uint256(milestone.stage), uint256(stage), "stage");
        assertEq(milestone.since, since, "since");
        assertEq(milestone.challenger, by, "challenger");
        assertEq(milestone.bond, bond, "bond");
    }
}
