// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContributionRegistry, IStakeRelease} from "../src/ContributionRegistry.sol";
import {EpochExpired, EpochPolicy, NotSteward, Phase, RowsOutOfRange, WrongPhase} from "../src/Epochs.sol";
import {Guardian} from "../src/Guardian.sol";
import {Datanets} from "../src/Datanets.sol";
import {IDatanets} from "../src/IDatanets.sol";
import {IGuardian} from "../src/IGuardian.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {House} from "./House.sol";
import {ContractWallet} from "./Wallets.sol";

contract ContributionRegistryTest is House {
    bytes32 private constant DATASET = keccak256("dataset");

    uint256 private _licences;

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
        address[5] memory named = [address(router), address(vault), stranger, address(datanets), guardian];
        for (uint256 i = 0; i < 5; ++i) {
            address kept = named[i];
            named[i] = address(0);
            vm.expectRevert(ContributionRegistry.AddressZero.selector);
            new ContributionRegistry(
                VerifierRouter(named[0]),
                StakeVault(named[1]),
                IStakeRelease(named[2]),
                IDatanets(named[3]),
                IGuardian(named[4])
            );
            named[i] = kept;
        }
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
        for (uint256 i = 0; i < 3; ++i) _holds(_wallet(i), 0, STAKE);
        assertEq(token.balanceOf(address(vault)), 3 * uint256(STAKE), "stakes");
        assertEq(token.balanceOf(address(registry)), 0, "no money here");
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

    function test_only_free_stake_of_the_sender_counts() public {
        uint256 epoch = _openWith(1);
        _deposit(_wallet(1), STAKE);
        uint256[3] memory publics = _contributionPublics(epoch, 1);
        // What is locked does not count again, and what belongs to others does not count at all.
        _short(epoch, _wallet(0), publics, 0);
        _short(epoch, stranger, publics, 0);
        _deposit(stranger, STAKE - 1);
        _short(epoch, stranger, publics, STAKE - 1);
        // Nor does stake for another service.
        vault.registerService(address(this), StakeVault.Terms(0, 0, 1, 0));
        token.approve(address(vault), STAKE);
        vault.depositFor(address(this), stranger, STAKE);
        _short(epoch, stranger, publics, STAKE - 1);
        _contributeAs(stranger, epoch, publics, _contributionProof(epoch, stranger, publics), STAKE);
        _holds(stranger, STAKE - 1, STAKE);
    }

    function test_an_epoch_without_minimum_takes_no_stake() public {
        EpochPolicy memory policy = _policy();
        policy.minStake = 0;
        uint256 epoch = registry.openEpoch(policy);
        uint256[3] memory publics = _contributionPublics(epoch, 0);
        Proof memory proof = _contributionProof(epoch, _wallet(0), publics);
        vm.prank(_wallet(0));
        registry.contribute(epoch, DATASET, publics, proof, 0);
        _holds(_wallet(0), 0, 0);
        bytes32 digest = _rotation(epoch, 0, _wallet(0), vm.addr(77), 0, NOW);
        registry.rotateWallet(epoch, 0, vm.addr(77), NOW, _sign(KEY, digest), _sign(77, digest));
        vm.prank(address(distributor));
        assertEq(registry.charge(epoch, 0, 1 ether), 0, "nothing to charge");
        vm.warp(EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.StakeEmpty.selector, epoch, 0));
        registry.withdrawStake(epoch, 0);
    }

    // --- intake ---

    function test_a_pause_stops_intake_and_nothing_else() public {
        uint256 epoch = _openWith(2);
        uint256 full = _openWith(1);
        uint256[3] memory publics = _contributionPublics(epoch, 2);
        Proof memory proof = _contributionProof(epoch, stranger, publics);
        EpochPolicy memory policy = _policy();
        vm.prank(brake);
        Guardian(guardian).pause(1 days, "test");
        bytes memory paused = abi.encodeWithSelector(IGuardian.IntakePaused.selector, NOW + 1 days);
        vm.expectRevert(paused);
        registry.openEpoch(policy);
        // Before anything else is looked at.
        policy.capacity = 0;
        vm.expectRevert(paused);
        registry.openEpoch(policy);
        _refused(epoch, proof, STAKE, paused);
        _refused(99, proof, STAKE, paused);

        registry.closeEpoch(full);
        bytes32 digest = _rotation(epoch, 0, _wallet(0), _wallet(5), 0, NOW);
        registry.rotateWallet(epoch, 0, _wallet(5), NOW, _sign(KEY, digest), _sign(KEY + 5, digest));
        vm.prank(address(distributor));
        registry.charge(epoch, 1, 1 ether);
        vm.warp(NOW + 1 days);
        registry.openEpoch(_policy());
        _contributeAs(stranger, epoch, publics, proof, STAKE);
    }

    function test_withdrawals_ask_nobody() public {
        uint256 epoch = _openWith(1);
        vm.warp(EXPIRY);
        vm.prank(brake);
        Guardian(guardian).pause(1 days, "test");
        registry.withdrawStake(epoch, 0);
        assertEq(token.balanceOf(_wallet(0)), STAKE, "stake");
    }

    function test_an_epoch_of_a_datanet_takes_its_accepted_submissions_only() public {
        EpochPolicy memory policy = _policy();
        policy.datanet = uint32(_datanet(10));
        uint256 epoch = registry.openEpoch(policy);
        assertEq(registry.policyOf(epoch).datanet, policy.datanet, "datanet");
        uint256[3] memory publics = _contributionPublics(epoch, 0);
        Proof memory proof = _contributionProof(epoch, stranger, publics);
        _refused(epoch, proof, STAKE, _notAccepted(policy.datanet, Datanets.Status.None));
        uint256 submission = _submit(policy.datanet, stranger);
        _refused(epoch, proof, STAKE, _notAccepted(policy.datanet, Datanets.Status.Pending));
        datanets.accept(submission);
        // Somebody else's submission of the same data is not the stranger's.
        _deposit(_wallet(0), STAKE);
        Proof memory other = _contributionProof(epoch, _wallet(0), publics);
        vm.prank(_wallet(0));
        vm.expectRevert(
            abi.encodeWithSelector(
                Datanets.SubmissionNotAccepted.selector,
                policy.datanet,
                _wallet(0),
                DATASET,
                Datanets.Status.None
            )
        );
        registry.contribute(epoch, DATASET, publics, other, STAKE);
        _contributeAs(stranger, epoch, publics, proof, STAKE);
        // More rows than the datanet allows: contribution i has 10 + i.
        publics = _contributionPublics(epoch, 1);
        proof = _contributionProof(epoch, stranger, publics);
        _refused(epoch, proof, STAKE, abi.encodeWithSelector(Datanets.TooManyRows.selector, 10, 11));
        // Another datanet has not accepted it, and an epoch without one asks nobody.
        policy.datanet = uint32(_datanet(10));
        epoch = registry.openEpoch(policy);
        proof = _contributionProof(epoch, stranger, _contributionPublics(epoch, 0));
        _refused(epoch, proof, STAKE, _notAccepted(policy.datanet, Datanets.Status.None));
        _openWith(1);
    }

    // --- rotation ---

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

        _holds(_wallet(0), 0, STAKE);
        registry.rotateWallet(epoch, 0, to, deadline, good, goodTo);
        assertEq(registry.walletOf(epoch, 0), to, "wallet");
        _holds(_wallet(0), 0, 0);
        _holds(to, 0, STAKE);
    }

    /// A wallet with two contributions gives away one, and only its stake.
    function test_rotation_moves_one_stake() public {
        uint256 epoch = _openWith(2);
        bytes32 digest = _rotation(epoch, 1, _wallet(1), _wallet(0), 0, NOW);
        registry.rotateWallet(epoch, 1, _wallet(0), NOW, _sign(KEY + 1, digest), _sign(KEY, digest));
        _holds(_wallet(0), 0, 2 * STAKE);
        vm.prank(address(distributor));
        registry.charge(epoch, 0, 2 ether);
        digest = _rotation(epoch, 0, _wallet(0), vm.addr(77), 0, NOW);
        registry.rotateWallet(epoch, 0, vm.addr(77), NOW, _sign(KEY, digest), _sign(77, digest));
        _holds(_wallet(0), 0, STAKE);
        _holds(vm.addr(77), 0, STAKE - 2 ether);
        // To oneself it changes nothing.
        digest = _rotation(epoch, 1, _wallet(0), _wallet(0), 1, NOW);
        registry.rotateWallet(epoch, 1, _wallet(0), NOW, _sign(KEY, digest), _sign(KEY, digest));
        _holds(_wallet(0), 0, STAKE);
        vm.warp(EXPIRY);
        registry.withdrawStake(epoch, 0);
        registry.withdrawStake(epoch, 1);
        assertEq(token.balanceOf(vm.addr(77)), STAKE - 2 ether, "the one");
        assertEq(token.balanceOf(_wallet(0)), STAKE, "the other");
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
        assertEq(vault.creditOf(treasury), STAKE, "treasury");
        vault.collect(treasury);
        assertEq(token.balanceOf(treasury), STAKE, "collected");
        assertEq(token.balanceOf(address(vault)), 0, "vault");
    }

    /// The charge of one contribution never reaches the stake of another, nor what the wallet has free.
    function test_a_charge_stays_within_its_contribution() public {
        uint256 epoch = _openWith(1);
        uint256[3] memory publics = _contributionPublics(epoch, 1);
        Proof memory proof = _contributionProof(epoch, _wallet(0), publics);
        _deposit(_wallet(0), STAKE + 3 ether);
        vm.prank(_wallet(0));
        registry.contribute(epoch, DATASET, publics, proof, STAKE);
        vm.expectEmit();
        emit StakeVault.Slashed(1, address(registry), _wallet(0), STAKE, address(0), keccak256(abi.encode(epoch, 0)), 0);
        vm.expectEmit();
        emit ContributionRegistry.StakeCharged(epoch, 0, STAKE, 100 ether);
        vm.prank(address(distributor));
        assertEq(registry.charge(epoch, 0, STAKE + 100 ether), STAKE, "charged");
        _holds(_wallet(0), 3 ether, STAKE);
        assertEq(registry.contributionOf(epoch, 1).stake, STAKE, "the other");
        vm.warp(EXPIRY);
        registry.withdrawStake(epoch, 1);
        assertEq(token.balanceOf(_wallet(0)), STAKE, "paid");
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.StakeEmpty.selector, epoch, 0));
        registry.withdrawStake(epoch, 0);
    }

    // --- a registry that was retired ---

    function test_a_retired_registry_takes_no_stake_but_ends_its_epochs() public {
        uint256 epoch = _openWith(2);
        _deposit(stranger, STAKE);
        vault.retireService(address(registry));
        uint256[3] memory publics = _contributionPublics(epoch, 2);
        Proof memory proof = _contributionProof(epoch, stranger, publics);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.ServiceIsRetired.selector, address(registry), NOW + 30 days)
        );
        registry.contribute(epoch, DATASET, publics, proof, STAKE);
        vm.prank(address(distributor));
        assertEq(registry.charge(epoch, 0, 1 ether), 1 ether, "charged");
        vm.warp(EXPIRY - 1);
        bytes32 digest = _rotation(epoch, 0, _wallet(0), vm.addr(77), 0, EXPIRY);
        registry.rotateWallet(epoch, 0, vm.addr(77), EXPIRY, _sign(KEY, digest), _sign(77, digest));
        _holds(vm.addr(77), 0, STAKE - 1 ether);
    }

    /// Nothing that is due in the registry fails because the vault has let the stakes go.
    function test_an_ended_registry_charges_nothing_and_blocks_nothing() public {
        uint256 epoch = _openWith(2);
        vault.retireService(address(registry));
        vm.warp(NOW + 30 days);
        vault.withdraw(address(registry), _wallet(0));
        assertEq(token.balanceOf(_wallet(0)), STAKE, "paid by the vault");
        vm.prank(address(distributor));
        assertEq(registry.charge(epoch, 1, 1 ether), 0, "charged");
        _holds(_wallet(1), 0, STAKE);
        bytes32 digest = _rotation(epoch, 0, _wallet(0), vm.addr(77), 0, EXPIRY);
        registry.rotateWallet(epoch, 0, vm.addr(77), EXPIRY, _sign(KEY, digest), _sign(77, digest));
        assertEq(registry.walletOf(epoch, 0), vm.addr(77), "rotated");
        vm.expectEmit();
        emit ContributionRegistry.StakeWithdrawn(epoch, 1, _wallet(1), 0);
        registry.withdrawStake(epoch, 1);
        vault.withdraw(address(registry), _wallet(1));
        assertEq(token.balanceOf(_wallet(1)), STAKE, "paid by the vault");
        assertEq(token.balanceOf(address(vault)), 0, "nothing left");
    }

    function test_stake_comes_back_after_expiry_without_payout() public {
        uint256 epoch = _openWith(2);
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.StakeLocked.selector, epoch, 0));
        registry.withdrawStake(epoch, 0);
        vm.warp(registry.expiresAt(epoch));
        vm.prank(stranger);
        registry.withdrawStake(epoch, 0);
        assertEq(token.balanceOf(_wallet(0)), STAKE, "stake");
        assertEq(token.balanceOf(address(vault)), STAKE, "the other stake");
        vm.expectRevert(abi.encodeWithSelector(ContributionRegistry.StakeEmpty.selector, epoch, 0));
        registry.withdrawStake(epoch, 0);
    }

    // --- helpers ---

    function _prepare(address wallet, uint96 stake) private {
        _deposit(wallet, stake);
        vm.startPrank(wallet);
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

    /// @dev The wallet contributes with `free` wei free, which is too little.
    function _short(uint256 epoch, address wallet, uint256[3] memory publics, uint96 free) private {
        Proof memory proof = _contributionProof(epoch, wallet, publics);
        vm.prank(wallet);
        vm.expectRevert(
            abi.encodeWithSelector(StakeVault.FreeStakeTooLow.selector, address(registry), wallet, free, STAKE)
        );
        registry.contribute(epoch, DATASET, publics, proof, STAKE);
    }

    /// @dev What the wallet has in the vault for contributions.
    function _holds(address wallet, uint96 free, uint96 locked) private view {
        StakeVault.Account memory account = vault.accountOf(address(registry), wallet);
        assertEq(account.free, free, "free");
        assertEq(account.locked, locked, "locked");
    }

    /// @dev A datanet with this contract as its curator.
    function _datanet(uint32 rows) private returns (uint256) {
        bytes32 digest = keccak256(abi.encode("licence", ++_licences));
        bytes32 licence = provenance.register(ProvenanceRegistry.Kind.Licence, digest, 0);
        Datanets.Mode mode = Datanets.Mode.Curated;
        return
            datanets.create(Datanets.Terms(address(this), STAKE, mode, rows, 1, 3 days, 3 days, licence, bytes32(0)));
    }

    function _submit(uint256 datanet, address who) private returns (uint256) {
        token.approve(address(vault), STAKE);
        vault.depositFor(address(datanets), who, STAKE);
        vm.startPrank(who);
        bytes32 record = provenance.register(ProvenanceRegistry.Kind.Dataset, DATASET, 0);
        uint256 submission = datanets.submit(datanet, record);
        vm.stopPrank();
        return submission;
    }

    function _notAccepted(uint256 datanet, Datanets.Status status) private view returns (bytes memory) {
        return abi.encodeWithSelector(Datanets.SubmissionNotAccepted.selector, datanet, stranger, DATASET, status);
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
