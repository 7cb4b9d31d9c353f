// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContributionRegistry} from "../src/ContributionRegistry.sol";
import {Datanets} from "../src/Datanets.sol";
import {EpochPolicy} from "../src/Epochs.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {Reputation} from "../src/Reputation.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {House} from "./House.sol";

contract ReputationTest is House {
    uint256 private constant HALF_LIFE = 90 days;
    uint256 private constant UNIT = 1e6;
    uint256 private constant ONE = 1 << 64;
    uint256 private constant LATER = NOW + 1000 days;
    bytes32 private constant DIGEST = keccak256("dataset");

    Reputation private reputation;
    bytes32 private licence;
    uint256 private datanet;

    function setUp() public override {
        super.setUp();
        reputation = Reputation(_create("Reputation", abi.encode(distributor)));
        licence = provenance.register(ProvenanceRegistry.Kind.Licence, keccak256("licence"), 0);
        datanet = _datanet(address(this));
        datanets.list(datanet, true);
    }

    // --- what a word earns ---

    function test_a_word_earns_its_share_of_a_unit() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 5, NOW);
        (uint256 period, uint256 fraction) = (ACTIVE / HALF_LIFE, ((ACTIVE % HALF_LIFE) << 64) / HALF_LIFE);
        int256 change = int256((reputation.growth(fraction) * UNIT * ((POOL - 7) / 3)) / (((POOL - 7) / 3) * 3));
        vm.expectEmit();
        emit Reputation.WordApplied(datanet, _wallet(0), epoch, 0, change, ACTIVE, change, period);
        vm.prank(stranger);
        reputation.applyWord(epoch, words[0], _siblings(epoch, words, 0));
        assertEq(reputation.reputationOf(datanet, _wallet(0)), 333_333, "a third");
        assertTrue(reputation.isApplied(epoch, 0) && !reputation.isApplied(epoch, 1), "applied");
        Reputation.Standing memory standing = reputation.standingOf(datanet, _wallet(0));
        assertTrue(standing.net == change && standing.period == period, "standing");
        for (uint256 i = 1; i < 5; ++i) reputation.applyWord(epoch, words[i], _siblings(epoch, words, i));
        assertEq(reputation.reputationOf(datanet, _wallet(1)), 0, "charged");
        assertEq(reputation.reputationOf(datanet, _wallet(2)), 0, "zero");
        assertEq(reputation.reputationOf(datanet, _wallet(3)), 333_333, "another third");
        assertEq(reputation.reputationOf(datanet + 1, _wallet(0)), 0, "of this datanet only");
    }

    function test_a_charge_costs_in_the_same_measure_and_is_not_forgotten() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 4, NOW);
        (uint256 other, ) = _epoch(datanet, 4, NOW);
        // 500 of 1000 earned, 2 charged.
        _apply(other, words, 1);
        assertTrue(reputation.standingOf(datanet, _wallet(1)).net < 0, "below zero");
        assertEq(reputation.reputationOf(datanet, _wallet(1)), 0, "shown as zero");
        assertEq(reputation.weightOf(datanet, _wallet(1)), 5000, "weight");
        _apply(epoch, words, 1);
        int256 twice = reputation.standingOf(datanet, _wallet(1)).net;
        assertEq(uint256(-twice) / reputation.growth(_fractionOf(ACTIVE)), 4000, "two charges of 0.2 %");
        _apply(epoch, words, 0);
        assertEq(reputation.reputationOf(datanet, _wallet(0)), 500_000, "earned");
    }

    function test_earned_and_charged_are_set_off() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 4, NOW);
        _apply(epoch, words, 0);
        _apply(epoch, words, 1);
        (uint256 other, ) = _epoch(datanet, 4, NOW);
        // Contribution 1 of the next epoch is handed to the earner with its charge.
        _rotate(other, 1, 0);
        _apply(other, words, 1);
        assertEq(reputation.reputationOf(datanet, _wallet(0)), 498_000, "500,000 - 2,000");
    }

    function test_a_word_counts_once() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 5, NOW);
        bytes32[] memory siblings = _siblings(epoch, words, 3);
        reputation.applyWord(epoch, words[3], siblings);
        _expect(abi.encodeWithSelector(Reputation.AlreadyApplied.selector, epoch, 3));
        reputation.applyWord(epoch, words[3], siblings);
        (uint256 other, ) = _epoch(datanet, 5, NOW);
        _apply(other, words, 3);
        assertEq(reputation.reputationOf(datanet, _wallet(3)), 666_666, "once per epoch");
    }

    function test_words_256_places_apart_are_apart() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 257, NOW);
        _apply(epoch, words, 256);
        assertTrue(reputation.isApplied(epoch, 256) && !reputation.isApplied(epoch, 0), "only that");
        _apply(epoch, words, 0);
        assertEq(reputation.reputationOf(datanet, _wallet(0)), reputation.reputationOf(datanet, _wallet(256)), "both");
    }

    function test_only_words_of_active_payouts_count() public {
        uint256 epoch = _queriedIn(datanet, 5, NOW);
        uint256[] memory words = _payoutWords(5);
        bytes32[] memory siblings = _siblings(epoch, words, 0);
        _expect(
            abi.encodeWithSelector(
                RewardDistributor.WrongStatus.selector,
                epoch,
                RewardDistributor.Status.Posted,
                RewardDistributor.Status.None
            )
        );
        reputation.applyWord(epoch, words[0], siblings);
        _sendAll(epoch, _attribution(epoch, PAGE, PAGE));
        _fund(epoch, POOL);
        _post(epoch, words);
        vm.warp(ACTIVE - 1);
        _expect(abi.encodeWithSelector(RewardDistributor.NotActive.selector, epoch, ACTIVE));
        reputation.applyWord(epoch, words[0], siblings);
        vm.warp(ACTIVE);
        _expect(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, epoch, words[0] + 1));
        reputation.applyWord(epoch, words[0] + 1, siblings);
        reputation.applyWord(epoch, words[0], siblings);
    }

    function test_a_vetoed_payout_counts_nothing() public {
        uint256 epoch = _queriedIn(datanet, 5, NOW);
        _sendAll(epoch, _attribution(epoch, PAGE, PAGE));
        _fund(epoch, POOL);
        uint256[] memory words = _payoutWords(5);
        _post(epoch, words);
        vm.prank(vetoer);
        distributor.veto(epoch, "no");
        vm.warp(ACTIVE);
        bytes32[] memory siblings = _siblings(epoch, words, 0);
        _expect(
            abi.encodeWithSelector(
                RewardDistributor.WrongStatus.selector,
                epoch,
                RewardDistributor.Status.Posted,
                RewardDistributor.Status.Vetoed
            )
        );
        reputation.applyWord(epoch, words[0], siblings);
    }

    function test_claimed_and_swept_words_count() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 5, NOW);
        _claim(epoch, words, 0);
        _apply(epoch, words, 0);
        vm.warp(ACTIVE + 180 days);
        distributor.sweep(epoch);
        _apply(epoch, words, 3);
        assertEq(reputation.reputationOf(datanet, _wallet(0)), 83_333, "a quarter of a third");
        assertEq(reputation.reputationOf(datanet, _wallet(3)), 83_333, "the same");
    }

    // --- whose epochs count ---

    function test_an_epoch_without_a_datanet_counts_nothing() public {
        (uint256 epoch, uint256[] memory words) = _epoch(0, 5, NOW);
        _applyRefused(epoch, words, abi.encodeWithSelector(Reputation.EpochWithoutDatanet.selector, epoch));
    }

    function test_only_listed_datanets_count() public {
        uint256 other = _datanet(address(this));
        (uint256 epoch, uint256[] memory words) = _epoch(other, 5, NOW);
        _applyRefused(epoch, words, abi.encodeWithSelector(Reputation.DatanetNotListed.selector, other));
        datanets.list(other, true);
        _apply(epoch, words, 0);
        datanets.list(other, false);
        bytes32[] memory siblings = _siblings(epoch, words, 3);
        _expect(abi.encodeWithSelector(Reputation.DatanetNotListed.selector, other));
        reputation.applyWord(epoch, words[3], siblings);
        assertEq(reputation.reputationOf(other, _wallet(0)), 333_333, "what was counted stays");
    }

    /// Somebody opens an epoch of the listed datanet, pays and contributes alone: it would earn a unit for a wei.
    function test_epochs_of_unnamed_stewards_count_nothing() public {
        uint256 foreign = _datanet(stranger);
        datanets.list(foreign, true);
        (uint256 epoch, uint256[] memory words) = _epoch(foreign, 5, NOW);
        _applyRefused(
            epoch,
            words,
            abi.encodeWithSelector(Reputation.StewardNotNamed.selector, foreign, address(this))
        );
        vm.prank(stranger);
        datanets.nameSteward(foreign, address(this), true);
        _apply(epoch, words, 0);
        assertEq(reputation.reputationOf(foreign, _wallet(0)), 333_333, "named");
    }

    function test_reputation_goes_to_the_wallet_of_the_contribution_and_stays() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 5, NOW);
        _rotate(epoch, 0, 7);
        _apply(epoch, words, 0);
        assertEq(reputation.reputationOf(datanet, _wallet(7)), 333_333, "the wallet now");
        _apply(epoch, words, 3);
        _rotate(epoch, 3, 8);
        assertEq(reputation.reputationOf(datanet, _wallet(3)), 333_333, "it does not go along");
        assertEq(reputation.reputationOf(datanet, _wallet(8)), 0, "nothing is bought");
    }

    // --- time ---

    function test_reputation_halves_every_90_days() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 3, NOW);
        _apply(epoch, words, 0);
        address wallet = _wallet(0);
        uint256 expected = UNIT;
        for (uint256 i = 0; i < 21; ++i) {
            vm.warp(ACTIVE + i * HALF_LIFE);
            assertEq(reputation.reputationOf(datanet, wallet), expected, "half");
            expected /= 2;
        }
        vm.warp(ACTIVE + 45 days);
        assertEq(reputation.reputationOf(datanet, wallet), 707_106, "sqrt(1/2)");
        vm.warp(ACTIVE + 1000 * HALF_LIFE);
        assertEq(reputation.reputationOf(datanet, wallet), 0, "gone");
    }

    /// Who sends a word a year late has no more than who sent it at once.
    function test_delay_gains_nothing() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 5, NOW);
        (uint256 next, ) = _epoch(datanet, 5, NOW + 100 days);
        _apply(epoch, words, 0);
        _apply(next, words, 0);
        vm.warp(NOW + 400 days);
        // The other earner: both late, and the later epoch first.
        _apply(next, words, 3);
        _apply(epoch, words, 3);
        uint256 prompt = reputation.reputationOf(datanet, _wallet(0));
        assertEq(reputation.reputationOf(datanet, _wallet(3)), prompt, "the same");
        assertTrue(prompt != 0, "something");
    }

    function testFuzz_order_matters_less_than_rounding(uint256 seed) public view {
        uint256 count = 2 + (seed % 9);
        int256[] memory changes = new int256[](count);
        uint256[] memory periods = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            changes[i] = int256((draw >> 16) % (2 * UNIT * ONE)) * (draw % 3 == 0 ? int256(-1) : int256(1));
            periods[i] = 230 + ((draw >> 200) % 30);
        }
        (int256 net, uint256 period) = _fold(changes, periods, 1);
        uint256[4] memory primes = [uint256(3), 5, 7, 11];
        for (uint256 i = 0; i < 4; ++i) {
            if (count % primes[i] == 0) continue;
            (int256 other, uint256 at) = _fold(changes, periods, primes[i]);
            assertEq(at, period, "period");
            int256 apart = net > other ? net - other : other - net;
            assertTrue(apart <= int256(2 * count), "2 of 2^-64 a word");
        }
    }

    function testFuzz_reputation_falls_with_time(int256 net, uint40 start, uint32 first, uint32 second) public view {
        net = net % int256(1 << 200);
        if (first > second) (first, second) = (second, first);
        uint256 period = start / HALF_LIFE;
        uint256 base = period * HALF_LIFE;
        uint256 before = reputation.valueAt(net, period, base + first);
        uint256 afterwards = reputation.valueAt(net, period, base + second);
        assertTrue(afterwards <= before, "falls");
        assertTrue(net > 0 || before == 0, "not below zero");
        assertEq(
            reputation.valueAt(net, period, base + first + HALF_LIFE),
            reputation.valueAt(net / 2, period, base + first),
            "half"
        );
    }

    // --- numbers ---

    function test_growth_is_two_to_the_fraction() public view {
        assertEq(reputation.growth(0), ONE, "2^0");
        assertEq(reputation.growth(ONE / 2) >> 6, uint256(26_087_635_650_665_564_424) >> 6, "2^(1/2)");
        assertTrue(26_087_635_650_665_564_424 - reputation.growth(ONE / 2) < 64, "from below");
        assertTrue(reputation.growth(ONE - 1) < 2 * ONE && 2 * ONE - reputation.growth(ONE - 1) < 64, "2^1");
    }

    function testFuzz_growth_is_between_and_multiplies(uint64 a, uint64 b) public view {
        uint256 x = reputation.growth(a);
        assertTrue(x >= ONE && x < 2 * ONE, "range");
        if (uint256(a) + b >= ONE) return;
        uint256 product = (x * reputation.growth(b)) >> 64;
        uint256 sum = reputation.growth(uint256(a) + b);
        assertTrue((product > sum ? product - sum : sum - product) < 256, "2^a 2^b = 2^(a+b)");
    }

    function test_a_change_at_its_edges() public view {
        uint256 charge = 1 << 96;
        assertTrue(reputation.changeOf(0, 0, 0) == 0, "nothing");
        assertTrue(reputation.changeOf(charge, 0, 0) == 0, "no charge");
        assertTrue(reputation.changeOf(1 | charge, 0, 0) == -int256(UNIT * ONE), "an epoch that paid nothing");
        assertTrue(reputation.changeOf(7 | charge, 7, 0) == -int256(UNIT * ONE), "as much as was paid");
        assertTrue(reputation.changeOf(8 | charge, 7, 0) == -int256(UNIT * ONE), "at most a unit");
        assertTrue(reputation.changeOf(7, 7, 0) == int256(UNIT * ONE), "all");
        assertTrue(reputation.changeOf(6, 7, 0) == int256((UNIT * ONE * 6) / 7), "a part");
        uint256 most = type(uint96).max;
        uint256 last = reputation.growth(ONE - 1) * UNIT;
        assertTrue(reputation.changeOf(most | (65534 << 128), most, ONE - 1) == int256(last), "the largest");
        assertTrue(last < 1 << 85, "below 2^85");
        // 2^84 of 2^-64 millionths, shared among 2^96 wei.
        assertTrue(reputation.changeOf(1, most, 0) == 0, "the smallest");
    }

    /// A pool a billion times as large buys nothing.
    function testFuzz_the_size_of_the_pool_does_not_count(uint64 part, uint64 rest, uint64 fraction, uint8 shift) public view {
        uint256 paid = uint256(part) + rest;
        shift = shift % 32;
        assertTrue(
            reputation.changeOf(part, paid, fraction) == reputation.changeOf(uint256(part) << shift, paid << shift, fraction),
            "the same"
        );
    }

    function test_joining_at_its_edges() public view {
        _joins(8, 5, 3, 5, 11, 5);
        _joins(8, 5, 3, 6, 7, 6);
        _joins(8, 6, 3, 5, 9, 6);
        _joins(-9, 5, 0, 6, -4, 6);
        _joins(0, 0, 3, 231, 3, 231);
        _joins(type(int256).max, 0, 3, 254, 4, 254);
        _joins(type(int256).max, 0, 3, 255, 3, 255);
        _joins(type(int256).min, 0, 3, 1e12, 3, 1e12);
    }

    function test_weights_lie_between_a_half_and_two() public {
        (uint256 epoch, uint256[] memory words) = _epoch(datanet, 3, NOW);
        address wallet = _wallet(0);
        assertEq(reputation.weightOf(datanet, wallet), 5000, "unknown");
        _apply(epoch, words, 0);
        assertEq(reputation.weightOf(datanet, wallet), 12_500, "one unit");
        vm.warp(ACTIVE + HALF_LIFE);
        assertEq(reputation.weightOf(datanet, wallet), 10_000, "half a unit");
        for (uint256 base = 0; base < 8; ++base) {
            bytes32 slot = keccak256(abi.encode(wallet, keccak256(abi.encode(datanet, base))));
            bytes32 kept = vm.load(address(reputation), slot);
            if (kept == 0) continue;
            vm.store(address(reputation), slot, kept | bytes32(uint256(type(uint216).max) >> 1));
        }
        assertEq(reputation.weightOf(datanet, wallet), 19_999, "all that there can be");
    }

    function test_the_parts_are_those_of_the_distributor() public view {
        assertEq(address(reputation.distributor()), address(distributor), "distributor");
        assertEq(address(reputation.registry()), address(registry), "registry");
        assertEq(address(reputation.datanets()), address(datanets), "datanets");
    }

    // --- parts ---

    function _datanet(address curator) private returns (uint256) {
        return
            datanets.create(
                Datanets.Terms(curator, 1 ether, Datanets.Mode.Open, 1000, 1, 1 days, 0, licence, bytes32(0))
            );
    }

    /// @dev An epoch of this contract whose payout is posted at `time` and active a day later. Time is there afterwards.
    function _epoch(uint256 net, uint256 contributors, uint256 time) private returns (uint256 epoch, uint256[] memory words) {
        vm.warp(time);
        epoch = _queriedIn(net, contributors, time);
        _sendAll(epoch, _attribution(epoch, PAGE, PAGE));
        _fund(epoch, POOL);
        words = _payoutWords(contributors);
        _post(epoch, words);
        vm.warp(time + (ACTIVE - NOW));
    }

    /// @dev An epoch whose queries are posted. Submissions were accepted before.
    function _queriedIn(uint256 net, uint256 contributors, uint256 time) private returns (uint256 epoch) {
        EpochPolicy memory policy = _policy();
        policy.datanet = uint32(net);
        policy.expiresAt = uint40(time + 30 days);
        if (net != 0) {
            vm.warp(time - 1 days);
            for (uint256 i = 0; i < contributors; ++i) _submit(net, _wallet(i));
            vm.warp(time);
        }
        epoch = registry.openEpoch(policy);
        for (uint256 i = 0; i < contributors; ++i) _contribute(epoch, i);
        registry.closeEpoch(epoch);
        _postCheckpoint(epoch);
        _commitQueries(epoch);
        _postQueries(epoch);
    }

    function _submit(uint256 net, address wallet) private {
        if (datanets.latestOf(net, wallet, DIGEST) != 0) return;
        bytes32 record = keccak256(abi.encode(wallet, ProvenanceRegistry.Kind.Dataset, DIGEST));
        token.approve(address(vault), 1 ether);
        vault.depositFor(address(datanets), wallet, 1 ether);
        vm.startPrank(wallet);
        if (provenance.recordOf(record).author == address(0)) {
            provenance.register(ProvenanceRegistry.Kind.Dataset, DIGEST, 0);
        }
        datanets.submit(net, record);
        vm.stopPrank();
    }

    function _apply(uint256 epoch, uint256[] memory words, uint256 index) private {
        reputation.applyWord(epoch, words[index], _siblings(epoch, words, index));
    }

    function _applyRefused(uint256 epoch, uint256[] memory words, bytes memory revert_) private {
        bytes32[] memory siblings = _siblings(epoch, words, 0);
        _expect(revert_);
        reputation.applyWord(epoch, words[0], siblings);
        assertTrue(!reputation.isApplied(epoch, 0), "not applied");
    }

    function _expect(bytes memory revert_) private {
        vm.expectRevert(revert_);
    }

    function _fractionOf(uint256 time) private pure returns (uint256) {
        return ((time % HALF_LIFE) << 64) / HALF_LIFE;
    }

    function _joins(int256 a, uint256 p, int256 b, uint256 q, int256 net, uint256 period) private view {
        (int256 n, uint256 r) = reputation.joined(a, p, b, q);
        assertTrue(n == net && r == period, "joined");
    }

    /// @dev Joins all changes, `step` places apart.
    function _fold(
        int256[] memory changes,
        uint256[] memory periods,
        uint256 step
    ) private view returns (int256 net, uint256 period) {
        for (uint256 i = 0; i < changes.length; ++i) {
            uint256 j = (i * step) % changes.length;
            (net, period) = reputation.joined(net, period, changes[j], periods[j]);
        }
    }

    /// @dev Moves a contribution to another wallet of this house.
    function _rotate(uint256 epoch, uint256 index, uint256 to) private {
        (address from, address next) = (registry.walletOf(epoch, index), _wallet(to));
        bytes32 digest = _rotation(epoch, index, from, next);
        registry.rotateWallet(
            epoch,
            index,
            next,
            LATER,
            _signature(KEY + index, digest),
            _signature(KEY + to, digest)
        );
    }

    function _signature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _rotation(uint256 epoch, uint256 index, address from, address to) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Contributions"),
                keccak256("1"),
                block.chainid,
                registry
            )
        );
        bytes32 rotation = keccak256(
            abi.encode(registry.ROTATE_TYPEHASH(), epoch, index, from, to, registry.nonces(from), LATER)
        );
        return keccak256(abi.encodePacked(hex"1901", domain, rotation));
    }
}
