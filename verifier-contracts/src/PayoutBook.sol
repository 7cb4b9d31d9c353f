// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContributionRegistry} from "./ContributionRegistry.sol";
import {EpochBook} from "./EpochBook.sol";
import {Context, Publics, Statement} from "./Epochs.sol";
import {Proof} from "./IVerifier.sol";
import {PayoutTree, PayoutWord} from "./PayoutTree.sol";
import {RewardDistributor} from "./RewardDistributor.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @title The step from scores to a payout: pages of words, each with its proof
/// @notice Holds no money: it tells the RewardDistributor what was proven, and nobody else can. A payout is posted in pages of at most
/// 1,024 words, each with a proof of its own; with the last one the epoch is posted. Anybody may post: the scores of each page are those of the
/// EpochBook, so a page is determined by the pool, the epoch's sum of positive scores (which the pages must add up to) and the
/// page size. Payouts are kept apart by these three: a wrong one comes to no end and disturbs no other.
///
/// A payout proof is made in the context keccak256(abi.encode(keccak256("openledger.context.payout.v1"), chain id,
/// this contract, epoch)). What is spent is the epoch, never the proof's bytes, which are malleable.
contract PayoutBook {
    /// @notice The pages so far of a payout of more than one; all zero before its first one and after its last. Its id is
    /// keccak256(abi.encode(epoch, pool, positive, pageSize)): what its pages follow from, beside the scores; `positive` is here the sum
    /// that the pages name.
    /// @param count words
    /// @param paid sum of the positive words
    /// @param positive sum of the positive scores on the pages so far
    struct Payout {
        uint16 count;
        uint128 paid;
        uint256 positive;
    }

    /// @notice A page of a payout was proven. `root` is built over the words of the call, which stand in the transaction's calldata (and
    /// follow from the scores): repeating them here would cost 260 gas each. It counts once its payout is posted.
    event PayoutPagePosted(uint256 indexed epoch, bytes32 indexed payout, uint256 page, bytes32 root);

    /// @notice The distributor listens to another book.
    error NotDistributorsBook(address expected);
    error PoolMismatch(uint256 expected, uint256 actual);
    error PageSizeOutOfRange(uint256 maximum, uint256 actual);
    /// @notice Pages are posted in order: the next one begins with contribution `expected`.
    error PageMisplaced(uint256 expected, uint256 actual);
    error WordCount(uint256 expected, uint256 actual);
    /// @notice The word has a bit outside its layout or stands at another place than its index. `position` counts in the epoch.
    error WordMisplaced(uint256 position, uint256 word);
    /// @notice The sum that the proof names is not that of the positive words.
    error SumMismatch(uint256 expected, uint256 actual);
    /// @notice The pages' positive scores do not add up to the sum that all of them name.
    error PositiveMismatch(uint256 expected, uint256 actual);

    /// @notice The most words of one page, as many as one proof carries.
    uint256 public constant MAX_PAGE = 1024;
    bytes32 private constant PAYOUT = keccak256("openledger.context.payout.v1");

    RewardDistributor public immutable distributor;
    ContributionRegistry public immutable registry;
    EpochBook public immutable book;
    VerifierRouter public immutable router;

    mapping(bytes32 payout => Payout) private _payouts;

    /// @param distributor_ names this contract as its book
    constructor(RewardDistributor distributor_) {
        distributor = distributor_;
        registry = distributor_.registry();
        book = distributor_.book();
        router = registry.router();
        address expected = distributor_.payouts();
        if (expected != address(this)) revert NotDistributorsBook(expected);
    }

    /// @notice Posts a page of the proven payout of an epoch; by anybody. Funding in between makes it another payout: it begins again.
    /// @param pageSize words of a page, the last one excepted
    /// @param publics previousScores, scoreCommit, first, pool, positive, pagePositive, paid
    /// @param words one payout word per contribution, in order, from contribution `first` on
    function post(
        uint256 epoch,
        uint256 pageSize,
        uint256[7] calldata publics,
        uint256[] calldata words,
        Proof calldata proof
    ) external {
        uint256 pool = distributor.poolOf(epoch);
        if (pageSize == 0 || pageSize > MAX_PAGE) revert PageSizeOutOfRange(MAX_PAGE, pageSize);
        if (publics[3] != pool) revert PoolMismatch(pool, publics[3]);
        bytes32 id = keccak256(abi.encode(epoch, pool, publics[4], pageSize));
        uint256 count = registry.countOf(epoch);
        // A payout of one page has no pages so far.
        Payout memory posted;
        if (count > pageSize) posted = _payouts[id];
        uint256 first = posted.count;
        if (publics[2] != first) revert PageMisplaced(first, publics[2]);
        uint256 end = count - first < pageSize ? count : first + pageSize;
        if (words.length != end - first) revert WordCount(end - first, words.length);
        // Pages of payouts end where pages of scores do.
        book.checkScores(epoch, first, end, publics[0], publics[1]);
        (bytes32 root, uint256 paid) = _read(epoch, first, words);
        if (publics[6] != paid) revert SumMismatch(paid, publics[6]);
        router.verify(
            registry.circuitOf(epoch, Statement.Payout),
            Context.ofEpoch(PAYOUT, epoch),
            Publics.list(publics),
            words,
            proof
        );

        emit PayoutPagePosted(epoch, id, first / pageSize, root);
        uint256 positive = posted.positive + publics[5];
        // At most 65,535 amounts below 2^96.
        unchecked {
            paid += posted.paid;
        }
        if (count > pageSize) distributor.addPage(id, first / pageSize, root);
        if (end != count) {
            _payouts[id] = Payout(uint16(end), uint128(paid), positive);
            return;
        }
        if (positive != publics[4]) revert PositiveMismatch(publics[4], positive);
        if (first != 0) delete _payouts[id];
        distributor.activate(epoch, id, root, count, pageSize, paid);
    }

    /// @notice The pages so far of a payout of more than one.
    function payoutOf(bytes32 id) external view returns (Payout memory) {
        return _payouts[id];
    }

    /// @dev Root and sum of the positive words of a page; checks that each word has its layout and its place.
    function _read(
        uint256 epoch,
        uint256 first,
        uint256[] calldata words
    ) private pure returns (bytes32 root, uint256 paid) {
        bool placed;
        (root, paid, placed) = PayoutTree.read(epoch, first, words);
        if (placed) return (root, paid);
        for (uint256 i = 0; ; ++i) {
            if (!PayoutWord.isAt(words[i], first + i)) revert WordMisplaced(first + i, words[i]);
        }
    }
}
