// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IGuardian} from "../src/IGuardian.sol";
import {MatchingRounds} from "../src/MatchingRounds.sol";
import {Rounds} from "./Rounds.sol";
import {BlockingToken, FalseToken, FeeToken, ReentrantToken} from "./Tokens.sol";

contract MatchingRoundsTest is Rounds {
    uint256 private round;
    bytes32 private one;
    bytes32 private two;

    function setUp() public override {
        super.setUp();
        _begin();
    }

    // --- rounds ---

    function test_an_opened_round_holds_its_pool() public {
        uint256 before = token.balanceOf(address(this));
        vm.expectEmit();
        emit MatchingRounds.RoundOpened(2, _terms(), POOL);
        assertEq(_open(POOL), 2, "id");
        assertEq(rounds.roundCount(), 2, "count");
        assertEq(token.balanceOf(address(this)), before - POOL, "owner");
        assertEq(token.balanceOf(address(rounds)), 2 * POOL, "here");
        MatchingRounds.Round memory opened = rounds.roundOf(2);
        assertEq(opened.pool, POOL, "pool");
        assertEq(opened.terms.startsAt, START, "start");
        assertEq(opened.terms.endsAt, END, "end");
        assertEq(opened.terms.settlesAt, SETTLES, "settlement");
        assertEq(opened.terms.multiple, MULTIPLE, "multiple");
        assertEq(opened.terms.cap, CAP, "cap");
    }

    function test_terms_are_in_order_and_in_bounds() public {
        MatchingRounds.RoundTerms[8] memory bad;
        for (uint256 i = 0; i < 8; ++i) bad[i] = _terms();
        bad[0].startsAt = uint40(NOW - 1);
        bad[1].endsAt = uint40(START);
        bad[2].settlesAt = uint40(END - 1);
        bad[3].settlesAt = uint40(END + 30 days + 1);
        (bad[4].endsAt, bad[4].settlesAt) = (uint40(NOW + 366 days + 1), uint40(NOW + 366 days + 1));
        bad[5].multiple = 0;
        bad[6].cap = 0;
        bad[7].startsAt = uint40(END + 1);
        for (uint256 i = 0; i < 8; ++i) {
            vm.expectRevert(MatchingRounds.RoundTermsInvalid.selector);
            rounds.openRound(bad[i], POOL);
        }
        rounds.openRound(
            MatchingRounds.RoundTerms(uint40(NOW), uint40(NOW + 1), uint40(NOW + 1 + 30 days), 1, 1),
            0
        );
        rounds.openRound(
            MatchingRounds.RoundTerms(uint40(NOW), uint40(NOW + 366 days), uint40(NOW + 366 days), 1, 1),
            0
        );
    }

    function test_only_the_owner_governs() public {
        bytes32 other = _applied(round, 7);
        bytes memory refusal = abi.encodeWithSelector(MatchingRounds.NotOwner.selector, this, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        rounds.openRound(_terms(), 0);
        vm.expectRevert(refusal);
        rounds.admit(other);
        vm.expectRevert(refusal);
        rounds.cancel(one);
        vm.stopPrank();
    }

    function test_anybody_funds_a_pool_until_the_end() public {
        vm.expectEmit();
        emit MatchingRounds.PoolFunded(round, donors[0], 5, POOL + 5);
        vm.prank(donors[0]);
        rounds.fundPool(round, 5);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundUnknown.selector, 2));
        rounds.fundPool(2, 5);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundUnknown.selector, 0));
        rounds.fundPool(0, 5);
        vm.warp(END - 1);
        rounds.fundPool(round, 1);
        vm.warp(END);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundOver.selector, END));
        rounds.fundPool(round, 5);
        assertEq(rounds.roundOf(round).pool, POOL + 6, "pool");
    }

    // --- projects ---

    function test_anybody_applies_and_the_owner_admits() public {
        bytes32 id = keccak256(abi.encode(31337, rounds, round, stranger, bytes32("application")));
        vm.expectEmit();
        emit MatchingRounds.ProjectApplied(id, round, stranger, donors[0], "application");
        vm.prank(donors[0]);
        assertEq(rounds.applyTo(round, stranger, "application"), id, "id");
        MatchingRounds.Project memory project = rounds.projectOf(id);
        assertEq(project.recipient, stranger, "recipient");
        assertEq(project.digest, "application", "digest");
        assertEq(project.round, round, "round");
        assertEq(uint256(project.status), uint256(MatchingRounds.ProjectStatus.Applied), "status");
        vm.expectEmit();
        emit MatchingRounds.ProjectAdmitted(id, round);
        rounds.admit(id);
        assertEq(rounds.roundOf(round).unsettled, 3, "unsettled");
        vm.expectRevert(_standing(id, MatchingRounds.ProjectStatus.Admitted));
        rounds.admit(id);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.ProjectTaken.selector, id));
        rounds.applyTo(round, stranger, "application");
    }

    function test_the_id_binds_all_that_makes_a_project() public {
        bytes32 id = rounds.projectId(1, stranger, "a");
        assertTrue(rounds.projectId(2, stranger, "a") != id, "round");
        assertTrue(rounds.projectId(1, donors[0], "a") != id, "recipient");
        assertTrue(rounds.projectId(1, stranger, "b") != id, "digest");
        MatchingRounds other = MatchingRounds(
            _create("MatchingRounds", abi.encode(token, guardian, this, treasury))
        );
        assertTrue(other.projectId(1, stranger, "a") != id, "contract");
        vm.chainId(1);
        assertEq(
            rounds.projectId(1, stranger, "a"),
            keccak256(abi.encode(1, rounds, 1, stranger, bytes32("a"))),
            "chain"
        );
    }

    function test_an_application_names_round_recipient_and_digest() public {
        vm.expectRevert(MatchingRounds.AddressZero.selector);
        rounds.applyTo(round, address(0), "a");
        vm.expectRevert(MatchingRounds.DigestZero.selector);
        rounds.applyTo(round, stranger, 0);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundUnknown.selector, 0));
        rounds.applyTo(0, stranger, "a");
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundUnknown.selector, 2));
        rounds.applyTo(2, stranger, "a");
        vm.warp(END - 1);
        bytes32 id = rounds.applyTo(round, stranger, "a");
        vm.warp(END);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundOver.selector, END));
        rounds.applyTo(round, stranger, "b");
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundOver.selector, END));
        rounds.admit(id);
    }

    function test_what_nobody_applied_for_is_nothing() public {
        vm.expectRevert(_standing("none", MatchingRounds.ProjectStatus.None));
        rounds.admit("none");
        vm.expectRevert(_standing("none", MatchingRounds.ProjectStatus.None));
        rounds.cancel("none");
        vm.expectRevert(_standing("none", MatchingRounds.ProjectStatus.None));
        rounds.donate("none", 1);
        vm.expectRevert(_standing("none", MatchingRounds.ProjectStatus.None));
        rounds.settle("none");
        vm.expectRevert(_standing("none", MatchingRounds.ProjectStatus.None));
        rounds.withdraw("none");
        vm.expectRevert(_standing("none", MatchingRounds.ProjectStatus.None));
        rounds.refund("none", donors[0]);
        assertEq(rounds.matchOf("none"), 0, "match");
    }

    // --- donations ---

    function test_a_donation_is_the_projects_and_remembers_its_donor() public {
        vm.warp(START);
        vm.expectEmit();
        emit MatchingRounds.Donated(one, donors[0], 10 ether);
        _donate(one, 0, 10 ether);
        _donate(one, 0, 5 ether);
        _donate(one, 1, 1 ether);
        assertEq(rounds.donationOf(one, donors[0]), 15 ether, "donor");
        assertEq(rounds.projectOf(one).donated, 16 ether, "project");
        assertEq(rounds.roundOf(round).donated, 16 ether, "round");
        assertEq(token.balanceOf(address(rounds)), POOL + 16 ether, "balance");
    }

    function test_donations_are_taken_while_the_round_is_open() public {
        bytes memory refusal = abi.encodeWithSelector(MatchingRounds.RoundNotOpen.selector, START, END);
        vm.warp(START - 1);
        vm.prank(donors[0]);
        vm.expectRevert(refusal);
        rounds.donate(one, 1);
        vm.warp(START);
        _donate(one, 0, 1);
        vm.warp(END - 1);
        _donate(one, 0, 1);
        vm.warp(END);
        vm.prank(donors[0]);
        vm.expectRevert(refusal);
        rounds.donate(one, 1);
    }

    function test_only_an_admitted_project_takes_donations() public {
        bytes32 other = _applied(round, 7);
        vm.warp(START);
        vm.startPrank(donors[0]);
        vm.expectRevert(_standing(other, MatchingRounds.ProjectStatus.Applied));
        rounds.donate(other, 1);
        vm.stopPrank();
        rounds.cancel(one);
        vm.prank(donors[0]);
        vm.expectRevert(_standing(one, MatchingRounds.ProjectStatus.Cancelled));
        rounds.donate(one, 1);
    }

    function test_a_pause_stops_donations_and_no_exit() public {
        vm.warp(START);
        _donate(one, 0, 10 ether);
        _donate(two, 0, 10 ether);
        vm.prank(member);
        guardian.pause(14 days, "test");
        vm.prank(donors[0]);
        vm.expectRevert(abi.encodeWithSelector(IGuardian.IntakePaused.selector, START + 14 days));
        rounds.donate(one, 1);
        rounds.cancel(two);
        rounds.refund(two, donors[0]);
        vm.warp(SETTLES - 1);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundNotSettled.selector, SETTLES));
        rounds.withdraw(one);
        vm.warp(SETTLES);
        rounds.withdraw(one);
        rounds.sweep(round);
    }

    /// A pause of intake that lasts to the settlement is in nobody's way out.
    function test_exits_work_within_a_pause() public {
        vm.warp(START);
        _donate(one, 0, 10 ether);
        vm.warp(SETTLES - 1);
        vm.prank(member);
        guardian.pause(14 days, "test");
        vm.warp(SETTLES);
        rounds.withdraw(one);
        rounds.settle(two);
        rounds.sweep(round);
        assertEq(token.balanceOf(address(rounds)), 0, "nothing left");
    }

    function test_a_donation_is_paid_by_its_donor() public {
        vm.warp(START);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(rounds), 0, 1)
        );
        rounds.donate(one, 1);
    }

    // --- matching ---

    function test_the_match_is_in_proportion() public {
        vm.warp(START);
        _donate(one, 0, 100 ether);
        _donate(two, 1, 300 ether);
        // 250 and 750, the second is capped at 400.
        assertEq(rounds.matchOf(one), 250 ether, "one");
        assertEq(rounds.matchOf(two), CAP, "two");
        vm.warp(SETTLES);
        vm.expectEmit();
        emit MatchingRounds.ProjectSettled(one, round, 100 ether, 250 ether);
        vm.prank(stranger);
        rounds.settle(one);
        assertEq(rounds.projectOf(one).due, 350 ether, "due");
        assertEq(rounds.matchOf(one), 250 ether, "settled");
        vm.expectEmit();
        emit MatchingRounds.ProjectWithdrawn(one, _recipient(1), 350 ether);
        rounds.withdraw(one);
        rounds.withdraw(two);
        assertEq(token.balanceOf(_recipient(1)), 350 ether, "one");
        assertEq(token.balanceOf(_recipient(2)), 700 ether, "two");
        vm.expectEmit();
        emit MatchingRounds.PoolSwept(round, 350 ether);
        vm.prank(stranger);
        rounds.sweep(round);
        assertEq(token.balanceOf(treasury), 350 ether, "treasury");
        assertEq(token.balanceOf(address(rounds)), 0, "nothing left");
    }

    function test_the_match_is_at_most_a_multiple_of_the_donations() public {
        vm.warp(START);
        _donate(one, 0, 7);
        assertEq(rounds.matchOf(one), 21, "three times");
        vm.warp(SETTLES);
        rounds.withdraw(one);
        assertEq(token.balanceOf(_recipient(1)), 28, "one");
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.ProjectsUnsettled.selector, 1));
        rounds.sweep(round);
        rounds.settle(two);
        rounds.sweep(round);
        assertEq(token.balanceOf(treasury), POOL - 21, "treasury");
    }

    function test_a_match_is_rounded_down_and_the_rest_goes_back() public {
        uint256 other = rounds.openRound(
            MatchingRounds.RoundTerms(uint40(START), uint40(END), uint40(SETTLES), 1_000_000, CAP),
            100
        );
        bytes32[3] memory ids = [_admitted(other, 11), _admitted(other, 12), _admitted(other, 13)];
        vm.warp(START);
        for (uint256 i = 0; i < 3; ++i) _donate(ids[i], i, 7);
        vm.warp(SETTLES);
        for (uint256 i = 0; i < 3; ++i) {
            rounds.withdraw(ids[i]);
            assertEq(token.balanceOf(_recipient(11 + i)), 7 + 33, "recipient");
        }
        rounds.sweep(other);
        assertEq(token.balanceOf(treasury), 1, "the wei of rounding");
    }

    /// One name or a hundred: not one wei of any match changes. With square roots, a hundred names would have a hundred times the weight.
    function test_splitting_a_donor_gains_nothing() public {
        vm.warp(START);
        _donate(two, 1, 37 ether + 11);
        uint256 state = vm.snapshotState();
        _donate(one, 0, 100 ether);
        (uint256 whole, uint256 others) = (rounds.matchOf(one), rounds.matchOf(two));
        vm.revertToState(state);
        for (uint256 i = 0; i < 100; ++i) {
            address name = address(uint160(0xBEEF00 + i));
            vm.prank(donors[0]);
            token.transfer(name, 1 ether);
            vm.startPrank(name);
            token.approve(address(rounds), 1 ether);
            rounds.donate(one, 1 ether);
            vm.stopPrank();
        }
        assertEq(rounds.matchOf(one), whole, "split");
        assertEq(rounds.matchOf(two), others, "others");
    }

    /// @dev Any pool, any donations, any of the projects cancelled, settled in any order: matches are the documented ones and fit the pool.
    function testFuzz_matches_fit_the_pool(uint96 pool, uint96[8] memory donations, uint8 cancelled, uint8 first) public {
        pool = pool % 100_000 ether;
        uint256 other = _open(pool);
        bytes32[8] memory ids;
        uint256 all;
        for (uint256 i = 0; i < 8; ++i) ids[i] = _admitted(other, 20 + i);
        vm.warp(START);
        for (uint256 i = 0; i < 8; ++i) {
            donations[i] = donations[i] % (i < 4 ? 1000 ether : 1000);
            _donate(ids[i], i % 3, donations[i]);
            if ((cancelled >> i) & 1 == 0) all += donations[i];
        }
        vm.warp(SETTLES - 1);
        for (uint256 i = 0; i < 8; ++i) if ((cancelled >> i) & 1 == 1) rounds.cancel(ids[i]);
        vm.warp(SETTLES);
        uint256 matched;
        for (uint256 k = 0; k < 8; ++k) {
            uint256 i = (k + first) % 8;
            if ((cancelled >> i) & 1 == 1) {
                assertEq(rounds.matchOf(ids[i]), 0, "cancelled");
                if (donations[i] != 0) rounds.refund(ids[i], donors[i % 3]);
                continue;
            }
            uint256 expected = _match(pool, donations[i], all);
            rounds.settle(ids[i]);
            if (donations[i] != 0) rounds.withdraw(ids[i]);
            assertEq(token.balanceOf(_recipient(20 + i)), donations[i] + expected, "recipient");
            matched += expected;
        }
        assertTrue(matched <= pool, "fits");
        if (matched != pool) rounds.sweep(other);
        assertEq(token.balanceOf(treasury), pool - matched, "treasury");
        assertEq(token.balanceOf(address(rounds)), POOL, "the other round");
    }

    // --- settlement ---

    function test_settlement_begins_at_its_second() public {
        vm.warp(START);
        _donate(one, 0, 1 ether);
        vm.warp(SETTLES - 1);
        bytes memory refusal = abi.encodeWithSelector(MatchingRounds.RoundNotSettled.selector, SETTLES);
        vm.expectRevert(refusal);
        rounds.settle(one);
        vm.expectRevert(refusal);
        rounds.withdraw(one);
        vm.expectRevert(refusal);
        rounds.sweep(round);
        vm.warp(SETTLES);
        rounds.settle(one);
        vm.expectRevert(_standing(one, MatchingRounds.ProjectStatus.Settled));
        rounds.settle(one);
        rounds.withdraw(one);
        vm.expectRevert(MatchingRounds.NothingDue.selector);
        rounds.withdraw(one);
    }

    function test_a_pool_is_swept_once_and_after_everybody() public {
        vm.warp(SETTLES);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.ProjectsUnsettled.selector, 2));
        rounds.sweep(round);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundUnknown.selector, 2));
        rounds.sweep(2);
        rounds.settle(one);
        rounds.settle(two);
        rounds.sweep(round);
        assertEq(token.balanceOf(treasury), POOL, "treasury");
        vm.expectRevert(MatchingRounds.NothingDue.selector);
        rounds.sweep(round);
        assertTrue(rounds.roundOf(round).swept, "swept");
    }

    function test_a_project_without_donations_has_no_match() public {
        vm.warp(SETTLES);
        assertEq(rounds.matchOf(one), 0, "match");
        vm.expectRevert(MatchingRounds.NothingDue.selector);
        rounds.withdraw(one);
        rounds.settle(one);
        vm.expectRevert(MatchingRounds.NothingDue.selector);
        rounds.withdraw(one);
    }

    // --- cancelling ---

    function test_donors_of_a_cancelled_project_take_their_money_back() public {
        vm.warp(START);
        _donate(one, 0, 10 ether);
        _donate(one, 1, 20 ether);
        _donate(two, 1, 10 ether);
        vm.expectRevert(_standing(one, MatchingRounds.ProjectStatus.Admitted));
        rounds.refund(one, donors[0]);
        vm.expectEmit();
        emit MatchingRounds.ProjectCancelled(one, round, true);
        rounds.cancel(one);
        assertEq(rounds.roundOf(round).donated, 10 ether, "round");
        assertEq(rounds.roundOf(round).unsettled, 1, "unsettled");
        vm.expectEmit();
        emit MatchingRounds.DonationRefunded(one, donors[0], 10 ether);
        vm.prank(stranger);
        rounds.refund(one, donors[0]);
        assertEq(token.balanceOf(donors[0]), FUNDS, "donor");
        vm.expectRevert(MatchingRounds.NothingDue.selector);
        rounds.refund(one, donors[0]);
        vm.expectRevert(MatchingRounds.NothingDue.selector);
        rounds.refund(one, donors[2]);
        vm.warp(SETTLES);
        vm.expectRevert(_standing(one, MatchingRounds.ProjectStatus.Cancelled));
        rounds.settle(one);
        vm.expectRevert(_standing(one, MatchingRounds.ProjectStatus.Cancelled));
        rounds.withdraw(one);
        rounds.refund(one, donors[1]);
        rounds.withdraw(two);
        assertEq(token.balanceOf(_recipient(2)), 40 ether, "two");
        rounds.sweep(round);
        assertEq(token.balanceOf(address(rounds)), 0, "nothing left");
    }

    function test_a_project_is_cancelled_before_the_settlement_only() public {
        vm.warp(SETTLES - 1);
        rounds.cancel(one);
        vm.expectRevert(_standing(one, MatchingRounds.ProjectStatus.Cancelled));
        rounds.cancel(one);
        vm.warp(SETTLES);
        vm.expectRevert(abi.encodeWithSelector(MatchingRounds.RoundSettled.selector, SETTLES));
        rounds.cancel(two);
        rounds.settle(two);
        vm.expectRevert(_standing(two, MatchingRounds.ProjectStatus.Settled));
        rounds.cancel(two);
    }

    function test_an_application_is_rejected_at_any_time() public {
        bytes32 other = _applied(round, 7);
        vm.warp(SETTLES + 1);
        vm.expectEmit();
        emit MatchingRounds.ProjectCancelled(other, round, false);
        rounds.cancel(other);
        vm.expectRevert(_standing(other, MatchingRounds.ProjectStatus.Cancelled));
        rounds.admit(other);
        assertEq(rounds.roundOf(round).unsettled, 2, "unsettled");
    }

    // --- rotation ---

    function test_the_recipient_alone_names_its_successor() public {
        vm.warp(START);
        _donate(one, 0, 1 ether);
        address recipient = _recipient(1);
        address[2] memory others = [address(this), stranger];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(MatchingRounds.NotRecipient.selector, recipient, others[i]));
            rounds.rotateRecipient(one, others[i]);
        }
        vm.startPrank(recipient);
        vm.expectRevert(MatchingRounds.AddressZero.selector);
        rounds.rotateRecipient(one, address(0));
        vm.expectEmit();
        emit MatchingRounds.ProjectRotated(one, recipient, stranger);
        rounds.rotateRecipient(one, stranger);
        vm.stopPrank();
        vm.warp(SETTLES);
        rounds.withdraw(one);
        assertEq(token.balanceOf(stranger), 4 ether, "successor");
        assertEq(token.balanceOf(recipient), 0, "former");
    }

    // --- the owner ---

    /// Whatever the owner calls, it gets nothing; a donor of a cancelled project has everything back, and what is settled stays.
    function test_the_owner_drains_nothing() public {
        vm.warp(START);
        _donate(one, 0, 10 ether);
        uint256 before = token.balanceOf(address(this));
        uint256 state = vm.snapshotState();
        rounds.cancel(one);
        assertEq(token.balanceOf(address(this)), before, "cancel");
        rounds.refund(one, donors[0]);
        assertEq(token.balanceOf(donors[0]), FUNDS, "donor");
        vm.revertToState(state);
        vm.warp(SETTLES);
        rounds.settle(one);
        (bool ok, ) = address(rounds).call(abi.encodeCall(rounds.cancel, (one)));
        assertTrue(!ok, "cancel");
        assertEq(rounds.projectOf(one).due, 40 ether, "due");
        assertEq(token.balanceOf(address(this)), before, "owner");
    }

    function test_rounds_need_everybody() public {
        for (uint256 i = 0; i < 4; ++i) {
            address[4] memory all = [address(token), address(guardian), address(this), treasury];
            all[i] = address(0);
            bytes memory code = abi.encodePacked(
                vm.getCode("MatchingRounds.sol:MatchingRounds"),
                abi.encode(all[0], all[1], all[2], all[3])
            );
            address deployed;
            assembly ("memory-safe") {
                deployed := create(0, add(code, 0x20), mload(code))
            }
            assertEq(deployed, address(0), "zero");
        }
        assertEq(address(rounds.token()), address(token), "token");
        assertEq(address(rounds.guardian()), address(guardian), "guardian");
        assertEq(rounds.owner(), address(this), "owner");
        assertEq(rounds.treasury(), treasury, "treasury");
    }

    // --- tokens ---

    function test_a_fee_token_counts_what_arrived() public {
        _use(new FeeToken());
        assertEq(rounds.roundOf(round).pool, POOL - POOL / 100, "pool");
        rounds.fundPool(round, 100);
        assertEq(rounds.roundOf(round).pool, POOL - POOL / 100 + 99, "pool");
        vm.warp(START);
        _donate(one, 0, 1000);
        assertEq(rounds.projectOf(one).donated, 990, "donated");
        assertEq(rounds.donationOf(one, donors[0]), 990, "donor");
        rounds.cancel(one);
        rounds.refund(one, donors[0]);
        vm.warp(SETTLES);
        rounds.settle(two);
        rounds.sweep(round);
        assertEq(token.balanceOf(address(rounds)), 0, "nothing left");
    }

    function test_a_token_that_returns_false_moves_nothing() public {
        FalseToken falseToken = new FalseToken();
        _use(falseToken);
        bytes32 other = _admitted(round, 7);
        vm.warp(START);
        _donate(one, 0, 10);
        _donate(other, 0, 10);
        rounds.cancel(other);
        falseToken.breakIt();
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token);
        vm.prank(donors[0]);
        vm.expectRevert(failed);
        rounds.donate(one, 10);
        vm.expectRevert(failed);
        rounds.fundPool(round, 1);
        vm.expectRevert(failed);
        rounds.refund(other, donors[0]);
        vm.warp(SETTLES);
        vm.expectRevert(failed);
        rounds.withdraw(one);
        rounds.settle(one);
        rounds.settle(two);
        vm.expectRevert(failed);
        rounds.sweep(round);
        assertEq(rounds.donationOf(other, donors[0]), 10, "donor");
        assertEq(rounds.projectOf(one).due, 40, "due");
        assertTrue(!rounds.roundOf(round).swept, "swept");
    }

    /// A recipient that the token refuses holds neither the others' money nor the treasury's back.
    function test_a_token_that_reverts_for_one_pays_the_others() public {
        BlockingToken blocking = new BlockingToken();
        _use(blocking);
        vm.warp(START);
        _donate(one, 0, 10);
        _donate(two, 0, 10);
        vm.warp(SETTLES);
        blocking.block_(_recipient(1));
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, _recipient(1)));
        rounds.withdraw(one);
        rounds.settle(one);
        rounds.withdraw(two);
        rounds.sweep(round);
        assertEq(token.balanceOf(treasury), POOL - 60, "treasury");
        assertEq(token.balanceOf(address(rounds)), 40, "waits");
    }

    /// Every call that moves tokens is entered again in the middle of the transfer by every such call.
    function test_a_reentrant_token_gets_nowhere() public {
        ReentrantToken reentrant = new ReentrantToken();
        _use(reentrant);
        // A second round that is open while the first one settles.
        MatchingRounds.RoundTerms memory terms = _terms();
        (terms.startsAt, terms.endsAt, terms.settlesAt) = (uint40(END), uint40(SETTLES + 9), uint40(SETTLES + 9));
        uint256 later = rounds.openRound(terms, 0);
        (bytes32 open, bytes32 cancelled) = (_admitted(later, 8), _admitted(round, 9));
        vm.warp(START);
        _donate(one, 0, 10);
        _donate(cancelled, 0, 10);
        rounds.cancel(cancelled);
        vm.warp(SETTLES);
        rounds.settle(two);
        rounds.settle(one);
        bytes[5] memory calls = [
            abi.encodeCall(rounds.fundPool, (later, 1)),
            abi.encodeCall(rounds.donate, (open, 1)),
            abi.encodeCall(rounds.withdraw, (one)),
            abi.encodeCall(rounds.refund, (cancelled, donors[0])),
            abi.encodeCall(rounds.sweep, (round))
        ];
        for (uint256 outer = 0; outer < 5; ++outer) {
            for (uint256 inner = 0; inner < 5; ++inner) {
                uint256 state = vm.snapshotState();
                reentrant.arm(address(rounds), calls[inner]);
                (bool ok, ) = address(rounds).call(calls[outer]);
                assertTrue(ok, "outer");
                assertTrue(!reentrant.called(), "inner");
                bytes4 reason = bytes4(reentrant.answer());
                assertEq(reason, ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "reason");
                vm.revertToState(state);
            }
        }
    }

    function test_a_gift_belongs_to_no_round() public {
        token.transfer(address(rounds), 5);
        vm.warp(SETTLES);
        rounds.settle(one);
        rounds.settle(two);
        rounds.sweep(round);
        assertEq(token.balanceOf(treasury), POOL, "treasury");
        assertEq(token.balanceOf(address(rounds)), 5, "gift");
    }

    function test_it_stays_small_enough_to_be_read() public view {
        assertTrue(address(rounds).code.length < 10240, "size");
    }

    // --- parts ---

    function _use(ERC20 token_) private {
        _deploy(token_);
        _begin();
    }

    /// @dev A round with two admitted projects.
    function _begin() private {
        round = _open(POOL);
        one = _admitted(round, 1);
        two = _admitted(round, 2);
    }

    function _standing(bytes32 project, MatchingRounds.ProjectStatus actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(MatchingRounds.ProjectStanding.selector, project, actual);
    }
}
