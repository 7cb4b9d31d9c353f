// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ContributionRegistry} from "./ContributionRegistry.sol";
import {NotSteward} from "./Epochs.sol";
import {IGuardian} from "./IGuardian.sol";
import {Intake} from "./Intake.sol";
import {PayoutWord} from "./PayoutTree.sol";
import {RewardDistributor} from "./RewardDistributor.sol";

/// @title Pay for inference, and what is paid reaches those whose data made the model
/// @notice Whoever uses the model of an epoch pays here and names the epoch. A payment is split at once, in basis points: the treasury's part
/// is governance's; the steward of the epoch (who trained the model) gets the trainer's part and whoever the payer names the operator's part,
/// both set by the steward inside governance's bounds; all the rest, with what rounding leaves, goes to the epoch's contributors.
///
/// The contributors' shares are those of the epoch's proven payout, which is fixed before the first payment: the contribution with the
/// positive word a of a payout that pays P in total is entitled to floor(T * a / P) of the T wei that contributors were ever paid here, less
/// what it had. Nothing is rounded twice: what the floors leave (less than one wei for each positive word) stays in the epoch's pot and is
/// shared with the next payments. Payments before the payout is active, or for one that was vetoed or pays nobody, are refused: nothing waits here for an owner.
///
/// Money leaves in two ways: what a contribution is entitled to by {claimFees} to its current wallet, and what was credited to a
/// trainer, an operator or the treasury by {withdraw} to that account. Both by anybody, and neither can be paused. At every moment, per epoch:
/// paid for contributors = claimed + pot; and in all: pots + credits = what is here, beside gifts.
///
/// The owner (the timelock) sets the bounds of later payments, and nothing else: it moves no money. A steward's split takes effect {NOTICE} after it was set,
/// a payment is split by what is in effect at that moment, and money that was split is never split again.
///
/// Who hashes what: `entry` of a payment is the digest of the inference log's entry (or zero); it is repeated in the event and means nothing here.
contract InferenceFees is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice What governance sets, in basis points. Contributors get the rest: at least {MIN_CONTRIBUTORS}.
    /// @param treasury part of the treasury
    /// @param maxTrainer the most that a steward may set for the trainer
    /// @param maxOperator the most that a steward may set for operators
    struct Bounds {
        uint16 treasury;
        uint16 maxTrainer;
        uint16 maxOperator;
    }

    /// @notice How a payment is split, in basis points; the four add up to {BASIS}.
    struct Split {
        uint16 contributors;
        uint16 trainer;
        uint16 operator;
        uint16 treasury;
    }

    /// @notice What a steward set: `next` counts from `nextAt` on (never while that is zero), the first two before.
    struct Schedule {
        uint16 trainer;
        uint16 operator;
        uint16 nextTrainer;
        uint16 nextOperator;
        uint40 nextAt;
    }

    /// @param total wei that contributors of the epoch were ever paid here
    /// @param balance what of it was not claimed yet
    struct Pot {
        uint128 total;
        uint128 balance;
    }

    /// @param epoch whose model was used
    /// @param amount wei
    /// @param operator who ran the inference; zero for nobody: its part goes to the contributors
    /// @param entry digest of the inference log's entry, or zero
    struct Payment {
        uint256 epoch;
        uint96 amount;
        address operator;
        bytes32 entry;
    }

    /// @notice One word to claim by.
    /// @param proof siblings as {PayoutTree} describes
    struct Claim {
        uint256 epoch;
        uint256 word;
        bytes32[] proof;
    }

    /// @notice A payment was split; contributors got what the others did not.
    event Paid(
        uint256 indexed epoch,
        address indexed payer,
        address indexed operator,
        address trainer,
        bytes32 entry,
        uint96 amount,
        uint96 toTrainer,
        uint96 toOperator,
        uint96 toTreasury
    );
    /// @notice A contribution was paid what it was entitled to.
    event FeesClaimed(uint256 indexed epoch, uint256 indexed index, address indexed wallet, uint128 amount);
    /// @notice What was credited to an account was paid to it.
    event CreditWithdrawn(address indexed account, uint256 amount);
    /// @notice A steward set a split, which counts from `effectiveAt` on.
    event SplitSet(uint256 indexed epoch, uint16 trainer, uint16 operator, uint40 effectiveAt);
    /// @notice Governance set the bounds of all later payments.
    event BoundsSet(uint16 treasury, uint16 maxTrainer, uint16 maxOperator);

    error AddressZero();
    error NotOwner(address owner, address caller);
    error TreasuryPartTooHigh(uint256 maximum, uint256 actual);
    error ContributorsPartTooLow(uint256 minimum, uint256 actual);
    error TrainerPartTooHigh(uint256 maximum, uint256 actual);
    error OperatorPartTooHigh(uint256 maximum, uint256 actual);
    /// @notice The payout of the epoch pays nobody.
    error SharesEmpty(uint256 epoch);
    error PaymentEmpty(uint256 epoch);
    error TooManyPayments(uint256 maximum, uint256 actual);
    /// @notice A batch needs a token that arrives in full.
    error ArrivedShort(uint256 expected, uint256 actual);
    error TooManyClaims(uint256 maximum, uint256 actual);
    error NoFeesOwed(uint256 epoch, uint256 index);
    error NoCredit(address account);

    /// @notice The whole, in basis points.
    uint256 public constant BASIS = 10_000;
    /// @notice The most that governance may set for the treasury.
    uint256 public constant MAX_TREASURY = 1_000;
    /// @notice The least that the bounds must leave for contributors.
    uint256 public constant MIN_CONTRIBUTORS = 4_000;
    /// @notice Seconds from {setSplit} to its effect.
    uint256 public constant NOTICE = 3 days;
    /// @notice The most payments of one batch.
    uint256 public constant MAX_PAYMENTS = 128;
    /// @notice The most words of one batch of claims. Whatever wallets they pay, they fit the gas of one transaction.
    uint256 public constant MAX_CLAIMS = 128;

    IERC20 public immutable token;
    RewardDistributor public immutable distributor;
    ContributionRegistry public immutable registry;
    IGuardian public immutable guardian;
    /// @notice Is credited the treasury's part.
    address public immutable treasury;
    /// @notice Sets the bounds: the timelock.
    address public immutable owner;

    /// @notice The bounds in effect.
    Bounds public bounds;
    /// @notice Wei that an account may {withdraw}.
    mapping(address account => uint256) public creditOf;

    mapping(uint256 epoch => Schedule) private _schedules;
    mapping(uint256 epoch => Pot) private _pots;
    mapping(uint256 epoch => mapping(uint256 index => uint256)) private _claimed;

    /// @param distributor_ knows the payouts
    /// @param guardian_ may pause payments, for a time
    /// @param treasury_ is credited the treasury's part
    /// @param owner_ sets bounds, for ever: the timelock
    /// @param bounds_ the first bounds
    constructor(
        RewardDistributor distributor_,
        IGuardian guardian_,
        address treasury_,
        address owner_,
        Bounds memory bounds_
    ) {
        if (address(guardian_) == address(0) || treasury_ == address(0) || owner_ == address(0)) revert AddressZero();
        distributor = distributor_;
        registry = distributor_.registry();
        token = distributor_.token();
        guardian = guardian_;
        treasury = treasury_;
        owner = owner_;
        _setBounds(bounds_);
    }

    /// @notice Pays for inference; the caller approved `payment.amount`. What arrives is split.
    function pay(Payment calldata payment) external nonReentrant {
        _pay(payment);
    }

    /// @notice As {pay}, with the approval as an ERC-2612 permit of the caller for this contract and the amount. A permit that somebody else
    /// sent before does no harm: what counts is the allowance.
    /// @param deadline last second of the permit's validity
    function payWithPermit(
        Payment calldata payment,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        _permit(payment.amount, deadline, v, r, s);
        _pay(payment);
    }

    /// @notice Several payments, of several epochs if need be, in one transfer; the caller approved their sum.
    function payMany(Payment[] calldata payments) external nonReentrant {
        _payMany(payments);
    }

    /// @notice As {payMany}, with the approval as a permit of the caller for the sum, see {payWithPermit}.
    function payManyWithPermit(
        Payment[] calldata payments,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        _permit(_sum(payments), deadline, v, r, s);
        _payMany(payments);
    }

    /// @notice Pays a contribution what it is entitled to and has not had, to its current wallet; by anybody, at any time.
    /// @param word of the epoch's payout
    /// @param proof siblings as {PayoutTree} describes
    /// @return due wei
    function claimFees(
        uint256 epoch,
        uint256 word,
        bytes32[] calldata proof
    ) external nonReentrant returns (uint256 due) {
        due = _claim(epoch, word, proof);
        if (due == 0) revert NoFeesOwed(epoch, PayoutWord.index(word));
    }

    /// @notice As {claimFees} for several words, of several epochs if need be. Words that nothing is owed for (any more) are skipped.
    /// @return due wei in total
    function claimMany(Claim[] calldata claims) external nonReentrant returns (uint256 due) {
        if (claims.length > MAX_CLAIMS) revert TooManyClaims(MAX_CLAIMS, claims.length);
        for (uint256 i = 0; i < claims.length; ++i) due += _claim(claims[i].epoch, claims[i].word, claims[i].proof);
    }

    /// @notice Pays an account what was credited to it; by anybody, at any time.
    /// @return amount wei
    function withdraw(address account) external nonReentrant returns (uint256 amount) {
        amount = creditOf[account];
        if (amount == 0) revert NoCredit(account);
        creditOf[account] = 0;
        emit CreditWithdrawn(account, amount);
        token.safeTransfer(account, amount);
    }

    /// @notice Sets how payments of an epoch are split from {NOTICE} on; by its steward, also before the payout. A split that has not taken effect
    /// yet is replaced. Until a first one has, trainer and operators get nothing.
    /// @param trainer basis points for the steward
    /// @param operator basis points for whoever payers name
    function setSplit(uint256 epoch, uint16 trainer, uint16 operator) external {
        (address steward, , ) = registry.rolesOf(epoch);
        if (msg.sender != steward) revert NotSteward(epoch, steward, msg.sender);
        Bounds memory limits = bounds;
        if (trainer > limits.maxTrainer) revert TrainerPartTooHigh(limits.maxTrainer, trainer);
        if (operator > limits.maxOperator) revert OperatorPartTooHigh(limits.maxOperator, operator);

        Schedule storage schedule = _schedules[epoch];
        (schedule.trainer, schedule.operator) = _inEffect(schedule);
        uint40 effectiveAt = uint40(block.timestamp + NOTICE);
        (schedule.nextTrainer, schedule.nextOperator, schedule.nextAt) = (trainer, operator, effectiveAt);
        emit SplitSet(epoch, trainer, operator, effectiveAt);
    }

    /// @notice Sets the bounds of all later payments; by the owner. Splits above them count as if they were at them.
    function setBounds(Bounds calldata bounds_) external {
        if (msg.sender != owner) revert NotOwner(owner, msg.sender);
        _setBounds(bounds_);
    }

    /// @notice How a payment of an epoch would be split now, if it names an operator.
    function splitOf(uint256 epoch) public view returns (Split memory split) {
        Bounds memory limits = bounds;
        (split.trainer, split.operator) = _inEffect(_schedules[epoch]);
        if (split.trainer > limits.maxTrainer) split.trainer = limits.maxTrainer;
        if (split.operator > limits.maxOperator) split.operator = limits.maxOperator;
        split.treasury = limits.treasury;
        // The bounds leave it positive.
        split.contributors = uint16(BASIS - split.treasury - split.trainer - split.operator);
    }

    /// @notice What the steward of an epoch set.
    function scheduleOf(uint256 epoch) external view returns (Schedule memory) {
        return _schedules[epoch];
    }

    /// @notice What contributors of an epoch were paid here, and what of it was not claimed yet.
    function potOf(uint256 epoch) external view returns (Pot memory) {
        return _pots[epoch];
    }

    /// @notice What a contribution has claimed here.
    function claimedOf(uint256 epoch, uint256 index) external view returns (uint256) {
        return _claimed[epoch][index];
    }

    /// @notice What {claimFees} would pay now; zero for nothing. Reverts for a word that is not of the epoch's payout.
    function owedOf(uint256 epoch, uint256 word, bytes32[] calldata proof) external view returns (uint256) {
        return _entitled(epoch, word, proof) - _claimed[epoch][PayoutWord.index(word)];
    }

    function _setBounds(Bounds memory bounds_) private {
        if (bounds_.treasury > MAX_TREASURY) revert TreasuryPartTooHigh(MAX_TREASURY, bounds_.treasury);
        uint256 others = uint256(bounds_.treasury) + bounds_.maxTrainer + bounds_.maxOperator;
        if (others > BASIS - MIN_CONTRIBUTORS) {
            revert ContributorsPartTooLow(MIN_CONTRIBUTORS, others < BASIS ? BASIS - others : 0);
        }
        bounds = bounds_;
        emit BoundsSet(bounds_.treasury, bounds_.maxTrainer, bounds_.maxOperator);
    }

    function _pay(Payment calldata payment) private {
        guardian.checkIntake();
        _book(payment, Intake.pull(token, msg.sender, payment.amount));
    }

    function _payMany(Payment[] calldata payments) private {
        guardian.checkIntake();
        if (payments.length > MAX_PAYMENTS) revert TooManyPayments(MAX_PAYMENTS, payments.length);
        uint96 sum = SafeCast.toUint96(_sum(payments));
        uint96 arrived = Intake.pull(token, msg.sender, sum);
        if (arrived != sum) revert ArrivedShort(sum, arrived);
        for (uint256 i = 0; i < payments.length; ++i) _book(payments[i], payments[i].amount);
    }

    /// @dev Splits what arrived.
    function _book(Payment calldata payment, uint96 amount) private {
        uint256 epoch = payment.epoch;
        if (amount == 0) revert PaymentEmpty(epoch);
        // Reverts unless the payout is active; what is, stays.
        if (distributor.paidOf(epoch) == 0) revert SharesEmpty(epoch);
        (address trainer, , ) = registry.rolesOf(epoch);
        address operator = payment.operator;
        Split memory split = splitOf(epoch);
        uint96 toTrainer = _part(amount, split.trainer);
        uint96 toOperator = operator == address(0) ? 0 : _part(amount, split.operator);
        uint96 toTreasury = _part(amount, split.treasury);
        uint96 toContributors = amount - toTrainer - toOperator - toTreasury;

        Pot storage pot = _pots[epoch];
        pot.total += toContributors;
        pot.balance += toContributors;
        _credit(trainer, toTrainer);
        _credit(operator, toOperator);
        _credit(treasury, toTreasury);
        emit Paid(
            epoch,
            msg.sender,
            operator,
            trainer,
            payment.entry,
            amount,
            toTrainer,
            toOperator,
            toTreasury
        );
    }

    function _credit(address account, uint96 amount) private {
        if (amount != 0) creditOf[account] += amount;
    }

    function _claim(uint256 epoch, uint256 word, bytes32[] calldata proof) private returns (uint256 due) {
        uint256 index = PayoutWord.index(word);
        uint256 entitled = _entitled(epoch, word, proof);
        due = entitled - _claimed[epoch][index];
        if (due == 0) return 0;
        _claimed[epoch][index] = entitled;
        // Whatever the words of an epoch were, they take no more than was paid for it.
        _pots[epoch].balance -= uint128(due);
        address wallet = registry.walletOf(epoch, index);
        emit FeesClaimed(epoch, index, wallet, uint128(due));
        token.safeTransfer(wallet, due);
    }

    /// @dev A refused permit is either used already, or leaves the allowance too low for the transfer that follows.
    function _permit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) private {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
    }

    /// @dev What a contribution is entitled to since the first payment. Grows with the pot's total only, as everything else is fixed; never above it, as a <= P.
    function _entitled(uint256 epoch, uint256 word, bytes32[] calldata proof) private view returns (uint256) {
        distributor.checkWord(epoch, word, proof);
        if (PayoutWord.isCharge(word) || PayoutWord.amount(word) == 0) return 0;
        // Below 2^(128 + 96).
        return (uint256(_pots[epoch].total) * PayoutWord.amount(word)) / distributor.paidOf(epoch);
    }

    /// @dev Trainer's and operators' part that the steward set and that are in effect now.
    function _inEffect(Schedule storage schedule) private view returns (uint16 trainer, uint16 operator) {
        // Before the first setting all of it is zero.
        if (block.timestamp >= schedule.nextAt) return (schedule.nextTrainer, schedule.nextOperator);
        return (schedule.trainer, schedule.operator);
    }

    function _sum(Payment[] calldata payments) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < payments.length; ++i) sum += payments[i].amount;
    }

    function _part(uint96 amount, uint16 basisPoints) private pure returns (uint96) {
        return uint96((uint256(amount) * basisPoints) / BASIS);
    }
}
