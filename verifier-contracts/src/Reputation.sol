// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContributionRegistry} from "./ContributionRegistry.sol";
import {Datanets} from "./Datanets.sol";
import {HalfLife} from "./HalfLife.sol";
import {PayoutWord} from "./PayoutTree.sol";
import {RewardDistributor} from "./RewardDistributor.sol";

/// @title What proven results say of a wallet, per datanet
/// @notice No owner, no transfer, no other input than payout words of epochs: each was proven, posted and has passed its veto window. Whoever likes sends them.
///
/// A word earns its wallet its share of what its epoch paid, in {UNIT}s: an epoch gives out one unit in all, whether its pool is large or small.
/// A charge costs in the same measure, at most a unit. Reputation is earned minus lost, never below zero, and halves every 90 days.
/// Losses are not forgotten at zero: what comes later makes up for them first. So the order of words does not matter.
///
/// A word counts as of the second from which its payout was active: who sends it later gains nothing, because it has decayed meanwhile. All that the order and
/// the time of sending can change are roundings, below 2^-63 millionths of a unit a word, see {HalfLife}.
///
/// Anybody can be steward of an epoch, pay a wei and be the only contributor. So only those epochs count whose datanet governance listed, and whose
/// steward is the datanet's curator or was named by it (as it stands when the word is sent).
///
/// Reputation goes to the wallet that the contribution belongs to when the word is sent. A contribution can be handed over before, by signatures of both wallets, with its risk;
/// reputation cannot. Nothing is hashed or signed here.
contract Reputation {
    /// @notice A wallet's earned minus lost, as of the beginning of a period of {HalfLife}.
    /// @param net in 2^-64 millionths of a unit
    struct Standing {
        int216 net;
        uint40 period;
    }

    /// @notice A word was counted.
    /// @param change of the net at the beginning of the period in which the payout became active
    /// @param activatesAt when that was
    /// @param net afterwards, as of the beginning of `period`
    event WordApplied(
        uint256 indexed datanet,
        address indexed wallet,
        uint256 indexed epoch,
        uint256 index,
        int256 change,
        uint256 activatesAt,
        int256 net,
        uint256 period
    );

    /// @notice A word counts once.
    error AlreadyApplied(uint256 epoch, uint256 index);
    /// @notice The epoch names no datanet.
    error EpochWithoutDatanet(uint256 epoch);
    /// @notice Governance did not list the datanet: reputation in it counts nothing.
    error DatanetNotListed(uint256 datanet);
    /// @notice The epoch's steward is neither the datanet's curator nor named by it.
    error StewardNotNamed(uint256 datanet, address steward);

    /// @notice What one epoch gives out, in the numbers of {reputationOf}.
    uint256 public constant UNIT = 1_000_000;
    /// @notice The weight of a wallet without reputation, in 1e-4. A new wallet is never better than the one it replaces.
    uint256 public constant MIN_WEIGHT = 5_000;
    /// @notice The weight that all reputation approaches, in 1e-4.
    uint256 public constant MAX_WEIGHT = 20_000;

    RewardDistributor public immutable distributor;
    ContributionRegistry public immutable registry;
    /// @notice Those that the registry asks.
    Datanets public immutable datanets;

    mapping(uint256 epoch => mapping(uint256 bucket => uint256)) private _applied;
    mapping(uint256 datanet => mapping(address wallet => Standing)) private _standings;

    /// @param distributor_ whose words count
    constructor(RewardDistributor distributor_) {
        distributor = distributor_;
        registry = distributor_.registry();
        datanets = Datanets(address(registry.datanets()));
    }

    /// @notice Counts a word of an active payout for the wallet of its contribution, once. By anybody.
    /// @param siblings of the word, as for the distributor's claim; a word that was claimed or swept counts as well
    function applyWord(uint256 epoch, uint256 word, bytes32[] calldata siblings) external {
        distributor.checkWord(epoch, word, siblings);
        uint256 index = PayoutWord.index(word);
        if (isApplied(epoch, index)) revert AlreadyApplied(epoch, index);
        _applied[epoch][index >> 8] |= 1 << (index & 255);

        uint256 datanet = _datanetOf(epoch);
        address wallet = registry.walletOf(epoch, index);
        uint256 activatesAt = distributor.accountOf(epoch).activatesAt;
        (uint256 period, uint256 fraction) = HalfLife.place(activatesAt);
        int256 change = changeOf(word, distributor.paidOf(epoch), fraction);
        Standing storage standing = _standings[datanet][wallet];
        (int256 net, uint256 latest) = joined(standing.net, standing.period, change, period);
        // One word is below 2^85, and no 2^130 words will ever be.
        standing.net = int216(net);
        standing.period = uint40(latest);
        emit WordApplied(datanet, wallet, epoch, index, change, activatesAt, net, latest);
    }

    /// @notice Reputation of a wallet in a datanet now, in millionths of a unit; rounded down.
    function reputationOf(uint256 datanet, address wallet) public view returns (uint256) {
        Standing storage standing = _standings[datanet][wallet];
        return valueAt(standing.net, standing.period, block.timestamp);
    }

    /// @notice How much the attributions of a wallet should weigh in a datanet now, in 1e-4: {MIN_WEIGHT} without reputation, half of the way to {MAX_WEIGHT} with one unit.
    function weightOf(uint256 datanet, address wallet) external view returns (uint256) {
        uint256 reputation = reputationOf(datanet, wallet);
        return MIN_WEIGHT + ((MAX_WEIGHT - MIN_WEIGHT) * reputation) / (reputation + UNIT);
    }

    /// @notice What is kept of a wallet; its net may be below zero.
    function standingOf(uint256 datanet, address wallet) external view returns (Standing memory) {
        return _standings[datanet][wallet];
    }

    /// @notice Whether the word of a contribution was counted.
    function isApplied(uint256 epoch, uint256 index) public view returns (bool) {
        return (_applied[epoch][index >> 8] >> (index & 255)) & 1 == 1;
    }

    /// @notice What a word changes, as of the beginning of the period in which its payout became active: its share of what was paid, at most a unit, grown by as much as it
    /// decays from there to the activation; rounded towards zero.
    /// @param paid sum of the positive words of its epoch; a charge of an epoch that paid nothing counts in full
    /// @param fraction of the activation, see {HalfLife-place}
    function changeOf(uint256 word, uint256 paid, uint256 fraction) public pure returns (int256) {
        uint256 amount = PayoutWord.amount(word);
        if (amount == 0) return 0;
        uint256 share = HalfLife.growth(fraction) * UNIT;
        if (amount < paid) share = (share * amount) / paid;
        return PayoutWord.isCharge(word) ? -int256(share) : int256(share);
    }

    /// @notice 2^(`fraction` / 2^64) in 2^-64, see {HalfLife-growth}.
    /// @param fraction below 2^64
    function growth(uint256 fraction) external pure returns (uint256) {
        return HalfLife.growth(fraction);
    }

    /// @notice A net and a change, each as of its period, as one net as of the later of the two.
    function joined(
        int256 net,
        uint256 period,
        int256 change,
        uint256 changePeriod
    ) public pure returns (int256, uint256) {
        if (changePeriod >= period) return (HalfLife.later(net, changePeriod - period) + change, changePeriod);
        return (net + HalfLife.later(change, period - changePeriod), period);
    }

    /// @notice What a net as of `period` is worth at a second that does not lie before that period; in millionths of a unit, not below zero, rounded down.
    function valueAt(int256 net, uint256 period, uint256 time) public pure returns (uint256) {
        if (net <= 0) return 0;
        (uint256 current, uint256 fraction) = HalfLife.place(time);
        return uint256(HalfLife.later(net, current - period)) / HalfLife.growth(fraction);
    }

    /// @dev The datanet whose reputation the epoch counts for.
    function _datanetOf(uint256 epoch) private view returns (uint256 datanet) {
        datanet = registry.policyOf(epoch).datanet;
        if (datanet == 0) revert EpochWithoutDatanet(epoch);
        if (!datanets.isListed(datanet)) revert DatanetNotListed(datanet);
        (address steward, , ) = registry.rolesOf(epoch);
        if (!datanets.isSteward(datanet, steward)) revert StewardNotNamed(datanet, steward);
    }
}
