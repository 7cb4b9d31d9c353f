// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Guardian} from "../src/Guardian.sol";
import {IGuardian} from "../src/IGuardian.sol";
import {IVerifier} from "../src/IVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles it too.
import "./vectors/ToyContributionVerifier.sol";

/// @notice Stands where the distributor will: keeps what it was asked, and by whom.
contract Vetoes {
    address public caller;
    uint256 public epoch;
    string public reason;

    function veto(uint256 epoch_, string calldata reason_) external {
        (caller, epoch, reason) = (msg.sender, epoch_, reason_);
    }
}

contract GuardianTest is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 private constant NOW = 1_800_000_000;
    uint256 private constant TERM = 100 days;

    address private owner = address(0x71);
    address private member = address(0x3E3);
    address private stranger = address(0x5724);

    VerifierRouter private router;
    Vetoes private distributor;
    Guardian private guardian;
    bytes32 private circuit;

    function setUp() public {
        vm.chainId(31337);
        vm.warp(NOW);
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        router = VerifierRouter(_create("VerifierRouter", abi.encode(this, predicted, new bytes32[](0))));
        distributor = new Vetoes();
        guardian = _guardian(owner, member, TERM, address(router), address(distributor));
        circuit = router.register(IVerifier(_create("ToyContributionVerifier", "")));
    }

    // --- the term ---

    function test_it_starts_with_its_member() public view {
        assertEq(guardian.owner(), owner, "owner");
        assertEq(address(guardian.router()), address(router), "router");
        assertEq(address(guardian.distributor()), address(distributor), "distributor");
        assertEq(guardian.member(), member, "member");
        assertEq(guardian.expiresAt(), NOW + TERM, "expiry");
        assertEq(guardian.pausedUntil(), 0, "no pause");
        assertEq(guardian.nextPauseAt(), 0, "at once");
        guardian.checkIntake();
    }

    function test_construction_refuses_nobody() public {
        bytes memory zero = abi.encodeWithSelector(Guardian.AddressZero.selector);
        _refused(zero, address(0), member, TERM, address(router), address(distributor));
        _refused(zero, owner, address(0), TERM, address(router), address(distributor));
        _refused(zero, owner, member, TERM, address(0), address(distributor));
        _refused(zero, owner, member, TERM, address(router), address(0));
        _refused(_term(0), owner, member, 0, address(router), address(distributor));
        _refused(_term(366 days + 1), owner, member, 366 days + 1, address(router), address(distributor));
        _guardian(owner, member, 366 days, address(router), address(distributor));
        _guardian(owner, member, 1, address(router), address(distributor));
    }

    function test_only_the_owner_appoints() public {
        _expect(_notOwner(member), member);
        guardian.appoint(stranger, 1);
        _expect(_notOwner(stranger), stranger);
        guardian.appoint(stranger, 1);
        vm.expectEmit();
        emit Guardian.MemberAppointed(stranger, uint40(NOW + 5));
        vm.prank(owner);
        guardian.appoint(stranger, 5);
        assertEq(guardian.member(), stranger, "member");
        assertEq(guardian.expiresAt(), NOW + 5, "expiry");
        _expect(_notMember(stranger, member), member);
        guardian.pause(1, "");
    }

    function test_a_term_has_bounds() public {
        vm.startPrank(owner);
        vm.expectRevert(_term(0));
        guardian.appoint(member, 0);
        vm.expectRevert(_term(366 days + 1));
        guardian.appoint(member, 366 days + 1);
        vm.expectRevert(_term(type(uint256).max));
        guardian.appoint(member, type(uint256).max);
        vm.expectRevert(Guardian.AddressZero.selector);
        guardian.appoint(address(0), 1);
        guardian.appoint(member, 366 days);
        assertEq(guardian.expiresAt(), NOW + 366 days, "expiry");
        vm.stopPrank();
    }

    function test_powers_end_with_the_term() public {
        vm.warp(NOW + TERM);
        bytes memory ended = abi.encodeWithSelector(Guardian.TermEnded.selector, NOW + TERM);
        vm.startPrank(member);
        vm.expectRevert(ended);
        guardian.pause(1, "");
        vm.expectRevert(ended);
        guardian.veto(1, "");
        vm.expectRevert(ended);
        guardian.stopVerifier(circuit);
        vm.warp(NOW + TERM - 1);
        guardian.pause(1, "");
        guardian.veto(1, "");
        guardian.stopVerifier(circuit);
        vm.stopPrank();
    }

    function test_an_ended_term_is_renewed() public {
        vm.warp(NOW + TERM + 1);
        vm.prank(owner);
        guardian.appoint(member, 1 days);
        vm.prank(member);
        guardian.veto(1, "");
    }

    function test_a_member_is_dismissed_by_owner_or_itself() public {
        vm.prank(stranger);
        vm.expectRevert(_notMember(member, stranger));
        guardian.dismiss();
        vm.prank(member);
        guardian.pause(7 days, "");
        for (uint256 i = 0; i < 2; ++i) {
            address by = i == 0 ? owner : member;
            vm.expectEmit();
            emit Guardian.MemberDismissed(member, by);
            vm.prank(by);
            guardian.dismiss();
            assertEq(guardian.member(), address(0), "member");
            assertEq(guardian.expiresAt(), 0, "expiry");
            assertEq(guardian.pausedUntil(), NOW + 7 days, "the pause goes on");
            vm.prank(member);
            vm.expectRevert(_notMember(address(0), member));
            guardian.pause(1, "");
            vm.prank(by);
            vm.expectRevert(_notMember(address(0), by));
            guardian.dismiss();
            vm.prank(owner);
            guardian.appoint(member, TERM);
        }
    }

    /// Nobody holds the key of the zero address; a call from it is possible in a simulation alone, and must fail there too.
    function test_nobody_is_no_member() public {
        vm.prank(owner);
        guardian.dismiss();
        vm.prank(address(0));
        vm.expectRevert(abi.encodeWithSelector(Guardian.TermEnded.selector, 0));
        guardian.veto(1, "");
    }

    // --- pause ---

    function test_only_the_member_pauses() public {
        _expect(_notMember(member, owner), owner);
        guardian.pause(1, "");
        _expect(_notMember(member, stranger), stranger);
        guardian.pause(1, "");
    }

    function test_a_pause_holds_to_its_second() public {
        vm.expectEmit();
        emit Guardian.IntakePausedBy(member, uint40(NOW + 3 days), "forged pages");
        vm.prank(member);
        guardian.pause(3 days, "forged pages");
        assertEq(guardian.pausedUntil(), NOW + 3 days, "until");
        vm.expectRevert(_paused(NOW + 3 days));
        guardian.checkIntake();
        vm.warp(NOW + 3 days - 1);
        vm.expectRevert(_paused(NOW + 3 days));
        guardian.checkIntake();
        vm.warp(NOW + 3 days);
        guardian.checkIntake();
    }

    function test_a_pause_has_bounds() public {
        vm.startPrank(member);
        vm.expectRevert(abi.encodeWithSelector(Guardian.PauseOutOfRange.selector, 14 days, 0));
        guardian.pause(0, "");
        vm.expectRevert(abi.encodeWithSelector(Guardian.PauseOutOfRange.selector, 14 days, 14 days + 1));
        guardian.pause(14 days + 1, "");
        guardian.pause(14 days, "");
        vm.stopPrank();
        vm.warp(NOW + 14 days);
        guardian.checkIntake();
    }

    function test_a_rest_follows_each_pause() public {
        vm.startPrank(member);
        guardian.pause(2 days, "");
        uint256 from = NOW + 2 days + 14 days;
        assertEq(guardian.nextPauseAt(), from, "next");
        bytes memory early = abi.encodeWithSelector(Guardian.PauseTooEarly.selector, from);
        vm.expectRevert(early);
        guardian.pause(14 days, "longer");
        vm.warp(from - 1);
        vm.expectRevert(early);
        guardian.pause(1, "");
        vm.warp(from);
        guardian.pause(14 days, "");
        assertEq(guardian.pausedUntil(), from + 14 days, "again");
        vm.stopPrank();
    }

    function test_another_member_does_not_shorten_the_rest() public {
        vm.prank(member);
        guardian.pause(1, "");
        vm.prank(owner);
        guardian.appoint(stranger, TERM);
        vm.warp(NOW + 14 days);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Guardian.PauseTooEarly.selector, NOW + 1 + 14 days));
        guardian.pause(1, "");
        vm.warp(NOW + 1 + 14 days);
        vm.prank(stranger);
        guardian.pause(1, "");
    }

    function test_only_the_owner_resumes() public {
        vm.prank(member);
        guardian.pause(10 days, "");
        _expect(_notOwner(member), member);
        guardian.resume();
        _expect(_notOwner(stranger), stranger);
        guardian.resume();
        vm.warp(NOW + 4 days);
        vm.expectEmit();
        emit Guardian.IntakeResumed(uint40(NOW + 4 days));
        vm.prank(owner);
        guardian.resume();
        guardian.checkIntake();
        assertEq(guardian.nextPauseAt(), NOW + 4 days + 14 days, "the rest counts from here");
    }

    function test_an_open_intake_is_not_resumed() public {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Guardian.NotPaused.selector, 0));
        guardian.resume();
        vm.prank(member);
        guardian.pause(1 days, "");
        vm.warp(NOW + 1 days);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Guardian.NotPaused.selector, NOW + 1 days));
        guardian.resume();
        vm.warp(NOW + 1 days - 1);
        vm.prank(owner);
        guardian.resume();
    }

    /// @dev However hard a member tries, intake is open for {REST} between any two pauses.
    function testFuzz_intake_is_open_at_least_half_of_the_time(uint256 seed) public {
        vm.prank(owner);
        guardian.appoint(member, 366 days);
        uint256 time = NOW;
        uint256 lastEnd;
        for (uint256 i = 0; i < 24; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            time += random % 15 days;
            vm.warp(time);
            uint256 duration = 1 + (random >> 64) % 14 days;
            bool may = lastEnd == 0 || time >= lastEnd + 14 days;
            vm.prank(member);
            if (!may) vm.expectRevert(abi.encodeWithSelector(Guardian.PauseTooEarly.selector, lastEnd + 14 days));
            guardian.pause(duration, "");
            if (may) lastEnd = time + duration;
            if (time < lastEnd) vm.expectRevert(_paused(lastEnd));
            guardian.checkIntake();
        }
    }

    // --- veto and stop ---

    function test_only_the_member_vetoes() public {
        vm.expectEmit();
        emit Guardian.PayoutVetoedBy(member, 7, "forged");
        vm.prank(member);
        guardian.veto(7, "forged");
        assertEq(distributor.caller(), address(guardian), "caller");
        assertEq(distributor.epoch(), 7, "epoch");
        assertEq(keccak256(bytes(distributor.reason())), keccak256("forged"), "reason");
        _expect(_notMember(member, owner), owner);
        guardian.veto(8, "");
        _expect(_notMember(member, stranger), stranger);
        guardian.veto(8, "");
    }

    function test_only_the_member_stops_a_verifier() public {
        _expect(_notMember(member, owner), owner);
        guardian.stopVerifier(circuit);
        _expect(_notMember(member, stranger), stranger);
        guardian.stopVerifier(circuit);
        router.verifierOf(circuit);
        vm.expectEmit();
        emit Guardian.VerifierStoppedBy(member, circuit);
        vm.expectEmit();
        emit VerifierRouter.VerifierStopped(circuit, address(guardian), false);
        vm.prank(member);
        guardian.stopVerifier(circuit);
        bytes memory stopped = abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, circuit);
        vm.expectRevert(stopped);
        router.verifierOf(circuit);
        vm.prank(member);
        vm.expectRevert(stopped);
        guardian.stopVerifier(circuit);
    }

    // --- helpers ---

    function _guardian(
        address owner_,
        address member_,
        uint256 term,
        address router_,
        address distributor_
    ) private returns (Guardian) {
        return Guardian(_create("Guardian", abi.encode(owner_, member_, term, router_, distributor_)));
    }

    function _refused(
        bytes memory fault,
        address owner_,
        address member_,
        uint256 term,
        address router_,
        address distributor_
    ) private {
        vm.expectRevert(fault);
        this.create(owner_, member_, term, router_, distributor_);
    }

    /// @dev A call, so that its revert can be expected with its reason.
    function create(address owner_, address member_, uint256 term, address router_, address distributor_) external {
        bytes memory code = abi.encodePacked(
            vm.getCode("Guardian.sol:Guardian"),
            abi.encode(owner_, member_, term, router_, distributor_)
        );
        assembly ("memory-safe") {
            if iszero(create(0, add(code, 0x20), mload(code))) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    function _expect(bytes memory fault, address caller) private {
        vm.prank(caller);
        vm.expectRevert(fault);
    }

    function _notOwner(address caller) private view returns (bytes memory) {
        return abi.encodeWithSelector(Guardian.NotOwner.selector, owner, caller);
    }

    function _notMember(address member_, address caller) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Guardian.NotMember.selector, member_, caller);
    }

    function _paused(uint256 until) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IGuardian.IntakePaused.selector, until);
    }

    function _term(uint256 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Guardian.TermOutOfRange.selector, 366 days, actual);
    }
}
