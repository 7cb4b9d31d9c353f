// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ComputeOperators, JobPolicy} from "../src/ComputeOperators.sol";
import {IGuardian} from "../src/IGuardian.sol";
import {Market} from "./Market.sol";

contract ComputeOperatorsTest is Market {
    bytes32 private constant MANIFEST = "manifest";
    bytes32 private constant REPORT = "report";
    uint40 private constant UNTIL = uint40(NOW + 30 days);

    // --- operators ---

    function test_anybody_registers() public {
        vm.expectEmit();
        emit ComputeOperators.OperatorRegistered(stranger, MANIFEST, 5);
        vm.prank(stranger);
        operators.register(MANIFEST, 5);
        _isOperator(stranger, ComputeOperators.OperatorStatus.Active, 5, MANIFEST);
        _isOperator(requester, ComputeOperators.OperatorStatus.None, 0, 0);
    }

    function test_an_operator_registers_once() public {
        vm.startPrank(operator);
        vm.expectRevert(_state(operator, ComputeOperators.OperatorStatus.Active));
        operators.register(MANIFEST, 0);
        operators.retire();
        operators.register(MANIFEST, 1);
        _isOperator(operator, ComputeOperators.OperatorStatus.Active, 1, MANIFEST);
    }

    function test_registration_needs_a_manifest() public {
        vm.startPrank(stranger);
        vm.expectRevert(ComputeOperators.DigestZero.selector);
        operators.register(0, 5);
        operators.register(MANIFEST, 0);
        vm.expectRevert(ComputeOperators.DigestZero.selector);
        operators.setCapabilities(0, 5);
    }

    /// Registration alone: everything else goes on in a pause.
    function test_a_pause_stops_registration_alone() public {
        vm.prank(member);
        guardian.pause(1 days, "test");
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IGuardian.IntakePaused.selector, NOW + 1 days));
        operators.register(MANIFEST, 5);
        vm.prank(operator);
        operators.setCapabilities(MANIFEST, 5);
        operators.attest(operator, REPORT, UNTIL);
        operators.revokeAttestation(operator);
        operators.setPolicy(_policy());
        vm.prank(operator);
        operators.retire();
        vm.warp(NOW + 1 days);
        vm.prank(stranger);
        operators.register(MANIFEST, 5);
    }

    function test_an_operator_publishes_other_capabilities() public {
        vm.expectEmit();
        emit ComputeOperators.CapabilitiesChanged(operator, "other", type(uint32).max);
        vm.prank(operator);
        operators.setCapabilities("other", type(uint32).max);
        _isOperator(operator, ComputeOperators.OperatorStatus.Active, type(uint32).max, "other");
    }

    function test_an_operator_retires() public {
        vm.expectEmit();
        emit ComputeOperators.OperatorRetired(operator);
        vm.startPrank(operator);
        operators.retire();
        _isOperator(operator, ComputeOperators.OperatorStatus.Retired, 0x0f, keccak256("manifest"));
        vm.expectRevert(_state(operator, ComputeOperators.OperatorStatus.Retired));
        operators.retire();
        vm.expectRevert(_state(operator, ComputeOperators.OperatorStatus.Retired));
        operators.setCapabilities(MANIFEST, 5);
        vm.stopPrank();
        vm.expectRevert(_state(operator, ComputeOperators.OperatorStatus.Retired));
        operators.attest(operator, REPORT, UNTIL);
        vm.expectRevert(_state(operator, ComputeOperators.OperatorStatus.Retired));
        operators.checkOperator(operator, 0, address(0), NOW);
    }

    function test_strangers_are_no_operators() public {
        vm.startPrank(stranger);
        vm.expectRevert(_state(stranger, ComputeOperators.OperatorStatus.None));
        operators.retire();
        vm.expectRevert(_state(stranger, ComputeOperators.OperatorStatus.None));
        operators.setCapabilities(MANIFEST, 5);
        vm.expectRevert(_state(stranger, ComputeOperators.OperatorStatus.None));
        operators.attest(stranger, REPORT, UNTIL);
        vm.expectRevert(_state(stranger, ComputeOperators.OperatorStatus.None));
        operators.checkOperator(stranger, 0, address(0), NOW);
    }

    // --- attestations ---

    function test_an_attestation_is_its_attesters_and_lasts_until_it_says() public {
        vm.expectEmit();
        emit ComputeOperators.Attested(operator, attester, REPORT, UNTIL);
        vm.prank(attester);
        operators.attest(operator, REPORT, UNTIL);
        _isAttested(operator, attester, REPORT, UNTIL);
        _isAttested(operator, stranger, 0, 0);
        _isAttested(attester, operator, 0, 0);
        operators.checkOperator(operator, 0, attester, UNTIL - 1);
        vm.expectRevert(_tooShort(UNTIL + 1, UNTIL));
        operators.checkOperator(operator, 0, attester, UNTIL);
        vm.expectRevert(
            abi.encodeWithSelector(ComputeOperators.AttestationTooShort.selector, operator, stranger, NOW + 1, 0)
        );
        operators.checkOperator(operator, 0, stranger, NOW);
    }

    function test_an_attestation_is_renewed() public {
        vm.startPrank(attester);
        operators.attest(operator, REPORT, UNTIL);
        operators.attest(operator, "newer", UNTIL + 1);
        _isAttested(operator, attester, "newer", UNTIL + 1);
        operators.attest(operator, "shorter", UNTIL - 1);
        _isAttested(operator, attester, "shorter", UNTIL - 1);
    }

    function test_an_attestation_ends_within_a_year() public {
        uint40[3] memory bad = [uint40(NOW), uint40(NOW + 366 days + 1), 0];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(ComputeOperators.ExpiryOutOfRange.selector, bad[i], NOW + 1, NOW + 366 days)
            );
            operators.attest(operator, REPORT, bad[i]);
        }
        operators.attest(operator, REPORT, uint40(NOW + 1));
        operators.attest(operator, REPORT, uint40(NOW + 366 days));
    }

    function test_an_attestation_needs_a_digest() public {
        vm.expectRevert(ComputeOperators.DigestZero.selector);
        operators.attest(operator, 0, UNTIL);
    }

    function test_an_attester_takes_its_word_back() public {
        vm.startPrank(attester);
        operators.attest(operator, REPORT, UNTIL);
        vm.warp(NOW + 5);
        vm.expectEmit();
        emit ComputeOperators.AttestationRevoked(operator, attester);
        operators.revokeAttestation(operator);
        _isAttested(operator, attester, REPORT, NOW + 5);
        vm.expectRevert(_tooShort(NOW + 6, NOW + 5));
        operators.checkOperator(operator, 0, attester, NOW + 5);
        vm.expectRevert(_tooShort(NOW + 6, NOW + 5));
        operators.revokeAttestation(operator);
    }

    function test_nobody_takes_back_what_somebody_else_said() public {
        vm.prank(attester);
        operators.attest(operator, REPORT, UNTIL);
        vm.prank(operator);
        vm.expectRevert(
            abi.encodeWithSelector(ComputeOperators.AttestationTooShort.selector, operator, operator, NOW + 1, 0)
        );
        operators.revokeAttestation(operator);
        vm.warp(UNTIL - 1);
        uint256 state = vm.snapshotState();
        vm.prank(attester);
        operators.revokeAttestation(operator);
        vm.revertToState(state);
        vm.warp(UNTIL);
        vm.prank(attester);
        vm.expectRevert(_tooShort(UNTIL + 1, UNTIL));
        operators.revokeAttestation(operator);
    }

    function test_capabilities_are_a_set(uint32 has, uint32 needed) public {
        vm.prank(operator);
        operators.setCapabilities(MANIFEST, has);
        uint32 missing;
        for (uint256 bit = 0; bit < 32; ++bit) {
            if ((needed >> bit) & 1 == 1 && (has >> bit) & 1 == 0) missing |= uint32(1 << bit);
        }
        if (missing != 0) {
            vm.expectRevert(
                abi.encodeWithSelector(ComputeOperators.CapabilityMissing.selector, operator, missing)
            );
        }
        operators.checkOperator(operator, needed, address(0), NOW);
    }

    // --- bonds ---

    /// (gain + margin) / p - price, computed otherwise: the smallest bond with p (bond + price) >= gain + margin.
    function test_the_bond_makes_cheating_a_loss(uint96 gain, uint96 margin, uint96 price, uint32 rate) public view {
        (gain, margin, price) = (gain % 1e26, margin % 1e26, price % 1e26);
        rate = 10_000 + (rate % 990_001);
        uint256 bond = operators.requiredBond(gain, margin, price, rate);
        uint256 lost = (bond + price) * rate;
        uint256 gained = (uint256(gain) + margin) * 1e6;
        assertTrue(lost >= gained, "deters");
        if (bond > 5 ether) assertTrue(lost - rate < gained, "not a wei more");
        else assertEq(bond, 5 ether, "minimum");
    }

    function test_bonds_of_the_page() public view {
        assertEq(operators.requiredBond(10 ether, 1 ether, 30 ether, RATE), 80 ether, "the worked example");
        assertEq(operators.requiredBond(0, 0, 0, RATE), 5 ether, "minimum");
        assertEq(operators.requiredBond(10 ether, 1 ether, 105 ether, RATE), 5 ether, "price pays nearly all");
        assertEq(operators.requiredBond(10 ether, 1 ether, 105 ether - 1, RATE), 5 ether + 1, "one wei above");
        assertEq(operators.requiredBond(10 ether, 1 ether, type(uint96).max, RATE), 5 ether, "price above all");
        assertEq(operators.requiredBond(10 ether, 0, 0, 1_000_000), 10 ether, "certain");
        assertEq(operators.requiredBond(10 ether, 0, 0, 300_000), 33333333333333333334, "rounded up");
    }

    function test_a_probability_is_neither_zero_nor_above_one() public {
        uint32[2] memory bad = [uint32(0), 1_000_001];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(_outOfRange(ComputeOperators.Parameter.AuditRate, 1, 1_000_000, bad[i]));
            operators.requiredBond(1, 0, 0, bad[i]);
        }
        operators.requiredBond(1, 0, 0, 1);
    }

    function test_a_bond_fits_96_bits() public {
        uint96 gain = type(uint96).max;
        assertEq(operators.requiredBond(gain, 0, 0, 1_000_000), gain, "fits");
        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, uint256(gain) + 1)
        );
        operators.requiredBond(gain, 1, 0, 1_000_000);
        JobPolicy memory policy = _policy();
        policy.auditRate = 1_000_000;
        policy.margin = 0;
        operators.setPolicy(policy);
        (, uint96 bond) = operators.termsOf(gain / 2, 0);
        assertEq(bond, gain - 1, "twice");
        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, uint256(gain) + 1)
        );
        operators.termsOf(gain / 2 + 1, 0);
    }

    // --- policy ---

    function test_a_job_is_held_to_twice_the_required_bond_of_the_latest_policy() public {
        (uint256 version, uint96 bond) = operators.termsOf(10 ether, PRICE);
        assertEq(version, 1, "version");
        assertEq(bond, BOND, "bond");
        JobPolicy memory policy = _policy();
        policy.auditRate = 500_000;
        policy.margin = 4 ether;
        policy.minBond = 3 ether;
        policy.challengeBond = 7;
        policy.answerPeriod = 5 hours;
        policy.window = 2 hours;
        policy.auditWindow = 3 hours;
        vm.expectEmit();
        emit ComputeOperators.PolicySet(2, policy);
        operators.setPolicy(policy);
        (version, bond) = operators.termsOf(46 ether, PRICE);
        assertEq(version, 2, "next version");
        assertEq(bond, 140 ether, "next bond");
        (, bond) = operators.termsOf(0, PRICE);
        assertEq(bond, 6 ether, "next minimum");
        assertEq(operators.requiredBond(0, 0, 0, 1), 3 ether, "minimum of the latest");
        assertEq(operators.policyCount(), 2, "count");
        assertEq(keccak256(abi.encode(operators.policyOf(1))), keccak256(abi.encode(_policy())), "the first is kept");
        assertEq(keccak256(abi.encode(operators.policyOf(2))), keccak256(abi.encode(policy)), "the second");
        (uint256 rate, uint256 window, uint256 auditWindow) = operators.auditTermsOf(2);
        assertEq(rate, 500_000, "rate");
        assertEq(window, 2 hours, "window");
        assertEq(auditWindow, 3 hours, "audit window");
    }

    function test_unknown_policies() public {
        for (uint256 version = 0; version < 3; version += 2) {
            vm.expectRevert(abi.encodeWithSelector(ComputeOperators.PolicyUnknown.selector, version));
            operators.policyOf(version);
        }
    }

    function test_only_the_owner_sets_the_policy() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ComputeOperators.NotOwner.selector, this, stranger));
        operators.setPolicy(_policy());
    }

    /// One parameter at each end of its range, and one beyond.
    function test_policies_stay_inside_their_bounds() public {
        JobPolicy memory policy = _policy();
        policy.auditRate = 9_999;
        _refused(policy, ComputeOperators.Parameter.AuditRate, 10_000, 1_000_000, 9_999);
        policy.auditRate = 1_000_001;
        _refused(policy, ComputeOperators.Parameter.AuditRate, 10_000, 1_000_000, 1_000_001);
        policy = _policy();
        policy.window = 1 hours - 1;
        _refused(policy, ComputeOperators.Parameter.Window, 1 hours, 14 days, 1 hours - 1);
        policy.window = 14 days + 1;
        _refused(policy, ComputeOperators.Parameter.Window, 1 hours, 14 days, 14 days + 1);
        policy = _policy();
        policy.auditWindow = uint32(WINDOW) - 1;
        _refused(policy, ComputeOperators.Parameter.AuditWindow, WINDOW, 14 days, WINDOW - 1);
        policy.auditWindow = 14 days + 1;
        _refused(policy, ComputeOperators.Parameter.AuditWindow, WINDOW, 14 days, 14 days + 1);
        policy = _policy();
        policy.answerPeriod = 1 hours - 1;
        _refused(policy, ComputeOperators.Parameter.AnswerPeriod, 1 hours, 14 days, 1 hours - 1);
        policy.answerPeriod = 14 days + 1;
        _refused(policy, ComputeOperators.Parameter.AnswerPeriod, 1 hours, 14 days, 14 days + 1);
        policy = _policy();
        policy.margin = 10_000_000 ether + 1;
        _refused(policy, ComputeOperators.Parameter.Margin, 0, 10_000_000 ether, 10_000_000 ether + 1);
        policy = _policy();
        policy.minBond = 0;
        _refused(policy, ComputeOperators.Parameter.MinBond, 1, 10_000_000 ether, 0);
        policy.minBond = 10_000_000 ether + 1;
        _refused(policy, ComputeOperators.Parameter.MinBond, 1, 10_000_000 ether, 10_000_000 ether + 1);
        policy = _policy();
        policy.challengeBond = 0;
        _refused(policy, ComputeOperators.Parameter.ChallengeBond, 1, 10_000_000 ether, 0);
        policy.challengeBond = 10_000_000 ether + 1;
        _refused(policy, ComputeOperators.Parameter.ChallengeBond, 1, 10_000_000 ether, 10_000_000 ether + 1);
        operators.setPolicy(JobPolicy(10_000, 1 hours, 1 hours, 1 hours, 0, 1, 1));
        uint96 most = 10_000_000 ether;
        operators.setPolicy(JobPolicy(1_000_000, 14 days, 14 days, 14 days, most, most, most));
    }

    function test_an_owner_and_a_guardian_are_needed() public {
        vm.expectRevert(ComputeOperators.AddressZero.selector);
        _create("ComputeOperators", abi.encode(address(0), guardian, _policy()));
        vm.expectRevert(ComputeOperators.AddressZero.selector);
        _create("ComputeOperators", abi.encode(this, address(0), _policy()));
        JobPolicy memory policy = _policy();
        policy.minBond = 0;
        vm.expectRevert(_outOfRange(ComputeOperators.Parameter.MinBond, 1, 10_000_000 ether, 0));
        _create("ComputeOperators", abi.encode(this, guardian, policy));
        _create("ComputeOperators", abi.encode(this, guardian, _policy()));
    }

    // --- parts ---

    function _refused(
        JobPolicy memory policy,
        ComputeOperators.Parameter parameter,
        uint256 minimum,
        uint256 maximum,
        uint256 actual
    ) private {
        vm.expectRevert(_outOfRange(parameter, minimum, maximum, actual));
        operators.setPolicy(policy);
    }

    function _outOfRange(
        ComputeOperators.Parameter parameter,
        uint256 minimum,
        uint256 maximum,
        uint256 actual
    ) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                ComputeOperators.PolicyOutOfRange.selector,
                parameter,
                minimum,
                maximum,
                actual
            );
    }

    function _state(address who, ComputeOperators.OperatorStatus actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ComputeOperators.OperatorState.selector, who, actual);
    }

    function _tooShort(uint256 needed, uint256 expiresAt) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                ComputeOperators.AttestationTooShort.selector,
                operator,
                attester,
                needed,
                expiresAt
            );
    }

    function _isOperator(
        address who,
        ComputeOperators.OperatorStatus status,
        uint256 capabilities,
        bytes32 manifest
    ) private view {
        ComputeOperators.Operator memory kept = operators.operatorOf(who);
        assertEq(uint256(kept.status), uint256(status), "status");
        assertEq(kept.capabilities, capabilities, "capabilities");
        assertEq(kept.manifest, manifest, "manifest");
    }

    function _isAttested(address who, address by, bytes32 digest, uint256 expiresAt) private view {
        ComputeOperators.Attestation memory kept = operators.attestationOf(who, by);
        assertEq(kept.digest, digest, "digest");
        assertEq(kept.expiresAt, expiresAt, "expiresAt");
    }
}
