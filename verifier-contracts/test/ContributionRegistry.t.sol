// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ContributionRegistry, IStakeRelease} from "../src/ContributionRegistry.sol";
import {EpochExpired, EpochPolicy, NotSteward, Phase, RowsOutOfRange, WrongPhase} from "../src/Epochs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {House} from "./House.sol";
import {ContractWallet} from "./Wallets.sol";

contract ContributionRegistryTest is House {
    bytes32 private constant DATASET = keccak256("dataset");

    function test_policy_is_kept_and_checked() public {
        EpochPolicy memory policy = _policy();
        uint256 epoch = registry.openEpoch(policy);
        assertEq(keccak256(abi.encode(registry.policyOf(epoch))), keccak256(abi.encode(policy)), "policy");
        assertEq(registry.stateOf(epoch).steward, address(this), "steward");

        policy.capacity = 0;
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.CapacityOutOfRange.selector, 0, 65535));
        registry.openEpoch(policy);
        policy = _policy();
        policy.funder = address(0);
        vm.expectRevert(ContributionRegistry.AddressZero.selector);
        registry.openEpoch(policy);
        policy = _policy();
        policy.circuits[3] = "nothing";
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.CircuitUnknown.selector, bytes32("nothing")));
        registry.openEpoch(policy);
    }

    function testFuzz_expiry_is_bounded(uint40 expiresAt) public {
        EpochPolicy memory policy = _policy();
        policy.expiresAt = expiresAt;
        uint256 latest = block.timestamp + 366 days;
        if (expiresAt <= block.timestamp || expiresAt > latest) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    ContributionRegistry.ExpiryOutOfRange.selector,
                    expiresAt,
                    block.timestamp + 1,
                    latest
                )
            );
        }
        registry.openEpoch(policy);
    }

    function test_zero_addresses_are_refused_at_deployment() public {
        vm.expectRevert(ContributionRegistry.AddressZero.selector);
        new ContributionRegistry(token, router, IStakeRelease(address(0)), treasury);
        vm.expectRevert(ContributionRegistry.AddressZero.selector);
        new ContributionRegistry(token, router, IStakeRelease(stranger), address(0));
    }

    function test_contributions_keep_their_order() public {
        uint256 epoch = _openWith(3);
        bytes32 list;
        for (uint256 i = 0; i < 3; ++i) {
            list = keccak256(abi.encode(list, _contributionPublics(epoch, i)[1]));
            assertEq(registry.walletOf(epoch, i), _wallet(i), "wallet");
            assertEq(registry.contributionOf(epoch, i).stake, STAKE, "stake");
        }
        ContributionRegistry.EpochState memory state = registry.stateOf(epoch);
        assertEq(state.list, list, "list");
        assertEq(state.count, 3, "count");
        assertEq(state.rows, 10 + 11 + 12, "rows");
        assertEq(token.balanceOf(address(registry)), 3 * uint256(STAKE), "stakes");
        assertTrue(registry.isTaken(epoch, _contributionPublics(epoch, 1)[0]), "rows taken");
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.ContributionUnknown.selector, epoch, 3));
        registry.contributionOf(epoch, 3);
    }

    function test_a_copied_proof_is_rejected() public {
        uint256 epoch = _openWith(0);
        Proof memory proof = _contributionProof(epoch, _wallet(0), _contributionPublics(epoch, 0));
        _refused(epoch, proof, STAKE, abi.encodeWithSelector(IVerifier.ProofRejected.selector));
    }

    function test_a_proof_for_another_epoch_is_rejected() public {
        uint256 epoch = _openWith(0);
        Proof memory proof = _contributionProof(epoch + 1, stranger, _contributionPublics(epoch, 0));
        _refused(epoch, proof, STAKE, abi.encodeWithSelector(IVerifier.ProofRejected.selector));
    }

    function test_a_proof_for_another_chain_is_rejected() public {
        uint256 epoch = _openWith(0);
        Proof memory proof = _contributionProof(epoch, stranger, _contributionPublics(epoch, 0));
        vm.chainId(31338);
        _refused(epoch, proof, STAKE, abi.encodeWithSelector(IVerifier.ProofRejected.selector));
        vm.chainId(31337);
        _contributeAs(stranger, epoch, _contributionPublics(epoch, 0), proof, STAKE);
    }

    function test_too_little_stake() public {
        uint256 epoch = _openWith(0);
        Proof memory proof = _contributionProof(epoch, stranger, _contributionPublics(epoch, 0));
        bytes memory fault = abi.encodeWithSelector(ContributionRegistry.StakeTooLow.selector, STAKE, STAKE - 1);
        _refused(epoch, proof, STAKE - 1, fault);
    }

    function test_rows_and_statistics_only_once() public {
        uint256 epoch = _openWith(1);
        uint256[3] memory first = _contributionPublics(epoch, 0);
        uint256[3] memory next = _contributionPublics(epoch, 1);
        _taken(epoch, [first[0], next[1], 5], first[0]);
        _taken(epoch, [next[0], first[1], 5], first[1]);
        _taken(epoch, [next[0], next[0], 5], next[0]);
    }

    function test_number_of_rows_is_bounded() public {
        uint256 epoch = _openWith(0);
        uint256[2] memory bad = [uint256(0), 2 ** 32];
        for (uint256 i = 0; i < 2; ++i) {
            uint256[3] memory publics = [uint256(1), 2, bad[i]];
            Proof memory proof = _contributionProof(epoch, stranger, publics);
            _prepare(stranger, STAKE);
            vm.expectRevert(abi.encodeWithSelector(RowsOutOfRange.selector, bad[i]));
            registry.contribute(epoch, DATASET, publics, proof, STAKE);
            vm.stopPrank();
        }
    }

    function test_capacity_is_the_end() public {
        EpochPolicy memory policy = _policy();
        policy.capacity = 1;
        uint256 epoch = registry.openEpoch(policy);
        _contribute(epoch, 0);
        uint256[3] memory publics = _contributionPublics(epoch, 1);
        Proof memory proof = _contributionProof(epoch, stranger, publics);
        _prepare(stranger, STAKE);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.EpochFull.selector, epoch, 1));
        registry.contribute(epoch, DATASET, publics, proof, STAKE);
    }

    function test_closed_expired_and_unknown_epochs_take_nothing() public {
        uint256 epoch = _openWith(1);
        Proof memory proof = _contributionProof(epoch, stranger, _contributionPublics(epoch, 1));
        uint256 clean = vm.snapshotState();
        registry.closeEpoch(epoch);
        _refused(epoch, proof, STAKE, abi.encodeWithSelector(WrongPhase.selector, epoch, Phase.Open, Phase.Closed));
        vm.revertToState(clean);
        _refused(9, proof, STAKE, abi.encodeWithSelector(WrongPhase.selector, 9, Phase.Open, Phase.Unknown));
        uint256 expiry = registry.expiresAt(epoch);
        vm.warp(expiry);
        _refused(epoch, proof, STAKE, abi.encodeWithSelector(EpochExpired.selector, epoch, expiry));
    }

    function test_a_stopped_circuit_takes_nothing() public {
        uint256 epoch = _openWith(0);
        Proof memory proof = _contributionProof(epoch, stranger, _contributionPublics(epoch, 0));
        bytes32 circuit = verifiers[0].circuitId();
        router.stop(circuit);
        _refused(epoch, proof, STAKE, abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, circuit));
    }

    function test_only_the_steward_closes_and_not_empty() public {
        uint256 epoch = _openWith(0);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.EpochEmpty.selector, epoch));
        registry.closeEpoch(epoch);
        _contribute(epoch, 0);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotSteward.selector, epoch, address(this), stranger));
        registry.closeEpoch(epoch);
        registry.closeEpoch(epoch);
        vm.expectRevert(abi.encodeWithSelector(WrongPhase.selector, epoch, Phase.Open, Phase.Closed));
        registry.closeEpoch(epoch);
    }

    function test_contribute_with_permit_even_if_the_permit_was_used() public {
        uint256 epoch = _openWith(0);
        for (uint256 i = 0; i < 2; ++i) {
            ContributionRegistry.Permit memory permit = _permit(i);
            address wallet = _wallet(i);
            uint256[3] memory publics = _contributionPublics(epoch, i);
            Proof memory proof = _contributionProof(epoch, wallet, publics);
            token.transfer(wallet, STAKE);
            if (i == 1) {
                // somebody takes the permit out of the pending transaction
                IERC20Permit(address(token)).permit(
                    wallet,
                    address(registry),
                    STAKE,
                    permit.deadline,
                    permit.v,
                    permit.r,
                    permit.s
                );
            }
            vm.prank(wallet);
            registry.contributeWithPermit(epoch, DATASET, publics, proof, STAKE, permit);
        }
        assertEq(registry.countOf(epoch), 2, "count");
    }

    function test_wallet_rotation_needs_both_keys() public {
        uint256 epoch = _openWith(1);
        address to = vm.addr(77);
        uint256 deadline = block.timestamp;
        bytes32 digest = _rotation(epoch, 0, _wallet(0), to, 0, deadline);
        bytes memory good = _sign(KEY, digest);
        bytes memory goodTo = _sign(77, digest);

        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.SignatureInvalid.selector, _wallet(0)));
        registry.rotateWallet(epoch, 0, to, deadline, goodTo, goodTo);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.SignatureInvalid.selector, to));
        registry.rotateWallet(epoch, 0, to, deadline, good, good);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.SignatureInvalid.selector, _wallet(0)));
        registry.rotateWallet(epoch, 0, stranger, deadline, good, goodTo);
        vm.expectRevert(ContributionRegistry.AddressZero.selector);
        registry.rotateWallet(epoch, 0, address(0), deadline, good, goodTo);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.ContributionUnknown.selector, epoch, 1));
        registry.rotateWallet(epoch, 1, to, deadline, good, goodTo);

        registry.rotateWallet(epoch, 0, to, deadline, good, goodTo);
        assertEq(registry.walletOf(epoch, 0), to, "wallet");
    }

    function test_wallet_rotation_is_not_replayed_or_late() public {
        uint256 epoch = _openWith(1);
        address to = vm.addr(77);
        uint256 deadline = NOW;
        bytes32 there = _rotation(epoch, 0, _wallet(0), to, 0, deadline);
        bytes32 back = _rotation(epoch, 0, to, _wallet(0), 0, deadline);
        registry.rotateWallet(epoch, 0, to, deadline, _sign(KEY, there), _sign(77, there));
        registry.rotateWallet(epoch, 0, _wallet(0), deadline, _sign(77, back), _sign(KEY, back));
        bytes memory fromSignature = _sign(KEY, there);
        bytes memory toSignature = _sign(77, there);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.SignatureInvalid.selector, _wallet(0)));
        registry.rotateWallet(epoch, 0, to, deadline, fromSignature, toSignature);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.SignatureExpired.selector, deadline));
        registry.rotateWallet(epoch, 0, to, deadline, fromSignature, toSignature);
    }

    function test_wallet_rotation_to_a_contract_wallet() public {
        uint256 epoch = _openWith(1);
        ContractWallet to = new ContractWallet();
        bytes32 digest = _rotation(epoch, 0, _wallet(0), address(to), 0, block.timestamp);
        bytes memory signature = _sign(KEY, digest);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.SignatureInvalid.selector, address(to)));
        registry.rotateWallet(epoch, 0, address(to), block.timestamp, signature, "");
        to.accept(digest);
        registry.rotateWallet(epoch, 0, address(to), block.timestamp, signature, "");
        assertEq(registry.walletOf(epoch, 0), address(to), "wallet");
    }

    function test_only_the_distributor_charges() public {
        uint256 epoch = _openWith(1);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.NotDistributor.selector, address(this)));
        registry.charge(epoch, 0, 1);
    }

    function test_charge_takes_at_most_the_stake() public {
        uint256 epoch = _openWith(1);
        vm.startPrank(address(distributor));
        assertEq(registry.charge(epoch, 0, 2 ether), 2 ether, "charged");
        assertEq(registry.charge(epoch, 0, STAKE), STAKE - 2 ether, "charged the rest");
        assertEq(registry.charge(epoch, 0, 1), 0, "nothing left");
        vm.stopPrank();
        assertEq(token.balanceOf(treasury), STAKE, "treasury");
    }

    function test_stake_comes_back_after_expiry_without_payout() public {
        uint256 epoch = _openWith(2);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.StakeLocked.selector, epoch, 0));
        registry.withdrawStake(epoch, 0);
        vm.warp(registry.expiresAt(epoch));
        vm.prank(stranger);
        registry.withdrawStake(epoch, 0);
        assertEq(token.balanceOf(_wallet(0)), STAKE, "stake");
        assertEq(token.balanceOf(address(registry)), STAKE, "the other stake");
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.StakeEmpty.selector, epoch, 0));
        registry.withdrawStake(epoch, 0);
    }

    // --- helpers ---

    function _prepare(address wallet, uint96 stake) private {
        token.transfer(wallet, stake);
        vm.startPrank(wallet);
        token.approve(address(registry), stake);
    }

    function _contributeAs(
        address wallet,
        uint256 epoch,
        uint256[3] memory publics,
        Proof memory proof,
        uint96 stake
    ) private {
        _prepare(wallet, stake);
        registry.contribute(epoch, DATASET, publics, proof, stake);
        vm.stopPrank();
    }

    /// @dev The stranger contributes with the next publics of the epoch and fails.
    function _refused(uint256 epoch, Proof memory proof, uint96 stake, bytes memory fault) private {
        uint256[3] memory publics = _contributionPublics(epoch, registry.countOf(epoch));
        _prepare(stranger, stake);
        vm.expectRevert(fault);
        registry.contribute(epoch, DATASET, publics, proof, stake);
        vm.stopPrank();
    }

    function _taken(uint256 epoch, uint256[3] memory publics, uint256 commit) private {
        Proof memory proof = _contributionProof(epoch, stranger, publics);
        _prepare(stranger, STAKE);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.CommitTaken.selector, epoch, commit));
        registry.contribute(epoch, DATASET, publics, proof, STAKE);
        vm.stopPrank();
    }

    function _permit(uint256 i) private view returns (ContributionRegistry.Permit memory permit) {
        permit.deadline = block.timestamp;
        bytes32 typehash = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(
            abi.encode(typehash, _wallet(i), address(registry), uint256(STAKE), 0, permit.deadline)
        );
        bytes32 domain = IERC20Permit(address(token)).DOMAIN_SEPARATOR();
        (permit.v, permit.r, permit.s) = vm.sign(KEY + i, keccak256(abi.encodePacked("\x19\x01", domain, structHash)));
    }

    function _rotation(
        uint256 epoch,
        uint256 index,
        address from,
        address to,
        uint256 nonce,
        uint256 deadline
    ) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Contributions"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(registry.ROTATE_TYPEHASH(), epoch, index, from, to, nonce, deadline)
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
