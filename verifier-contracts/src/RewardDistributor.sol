// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ContributionRegistry, IStakeRelease} from "./ContributionRegistry.sol";
import {EpochBook} from "./EpochBook.sol";
import {Context, EpochExpired, NotSteward, Publics, Statement} from "./Epochs.sol";
import {Intake} from "./Intake.sol";
import {Proof} from "./IVerifier.sol";
import {PayoutTree, PayoutWord} from "./PayoutTree.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @title Pays contributors what a proof says, and nothing else
/// @notice No owner, no pause, no upgrade. Money of an epoch comes from its funder (and the dust of earlier epochs of the
/// same funder) and leaves in three ways: by {claim} of a proven word to the contribution's wallet ({claimTo}: to whom that wallet names),
/// back to the funder ({refund}, {returnDust}, {sweep}), or as dust into another epoch of the same steward and funder ({carry}). At every
/// moment, per epoch: pool = paid out + balance + dust (here, carried or returned) + refunded or swept.
///
/// A payout is posted in pages of at most 1,024 words, each with a proof of its own; with the last one the epoch is posted. Anybody may
/// post: the scores of each page are those of the book, so a page is determined by the pool, the epoch's sum of positive scores (which the
/// pages must add up to) and the page size. Payouts are kept apart by these three: a wrong one comes to no end and disturbs no other.
///
/// A payout proof is made in the context keccak256(abi.encode(keccak256("openledger.context.payout.v1"), chain id,
/// this contract, epoch)). What is spent is the epoch, never the proof's bytes, which are malleable.
///
/// A wallet that has words paid to somebody else signs the EIP-712 struct {CLAIM_TO_TYPEHASH} in the domain ("OpenLedger Claims", "1", chain id, this
/// contract), with the epochs and the words of the claims in their order. It needs no number: a word is settled once, whoever sends it.
contract RewardDistributor is IStakeRelease, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum Status {
        /// no payout was posted
        None,
        /// posted; active from `activatesAt`
        Posted,
        /// vetoed; the pool waits for {refund}
        Vetoed,
        /// the pool went back to the funder
        Refunded,
        /// what was unclaimed went back to the funder
        Swept
    }

    /// @notice The first word holds all that a claim reads, and the third what the root of its page is found by.
    /// @param balance before the post: the pool, funded and carried in; after it: wei of positive words not yet paid
    /// @param activatesAt second of the first claim
    /// @param count words of the payout
    /// @param pageSize words of a page, the last one excepted
    /// @param dust after the post: wei that the policy left over and that is still here
    /// @param paid sum of the positive words
    /// @param payout of a payout of one page: the page's root; of more: the id of the {Payout}, under which the roots lie
    struct Account {
        uint96 balance;
        uint40 activatesAt;
        uint16 count;
        uint16 pageSize;
        Status status;
        uint96 dust;
        uint96 paid;
        bytes32 payout;
    }

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

    /// @notice One word to settle.
    /// @param proof siblings as {PayoutTree} describes
    struct Claim {
        uint256 epoch;
        uint256 word;
        bytes32[] proof;
    }

    event Funded(uint256 indexed epoch, address indexed funder, uint96 amount, uint96 pool);
    /// @notice A page of a payout was proven. `root` is built over the words of the call, which stand in the transaction's calldata (and
    /// follow from the scores): repeating them here would cost 260 gas each. It counts once its payout is posted.
    event PayoutPagePosted(uint256 indexed epoch, bytes32 indexed payout, uint256 page, bytes32 root);
    /// @notice The last page of a payout was proven.
    event PayoutPosted(
        uint256 indexed epoch,
        bytes32 indexed payout,
        uint256 scoreCommit,
        uint96 pool,
        uint96 dust,
        uint256 count,
        uint256 pageSize,
        uint256 activatesAt
    );
    event PayoutVetoed(uint256 indexed epoch, address indexed vetoer, string reason);
    /// @notice A positive word was paid to the contribution's wallet.
    event Claimed(uint256 indexed epoch, uint256 indexed index, address indexed wallet, uint96 amount);
    /// @notice A positive word was paid to a recipient that the contribution's wallet chose.
    event ClaimedTo(uint256 indexed epoch, uint256 indexed index, address indexed wallet, address recipient, uint96 amount);
    /// @notice A word of several was settled before.
    event ClaimSkipped(uint256 indexed epoch, uint256 indexed index);
    event Charged(uint256 indexed epoch, uint256 indexed index, uint96 charged, uint96 shortfall);
    event DustCarried(uint256 indexed fromEpoch, uint256 indexed toEpoch, uint96 amount);
    event DustReturned(uint256 indexed epoch, address indexed funder, uint96 amount);
    event Refunded(uint256 indexed epoch, address indexed funder, uint96 amount);
    event Swept(uint256 indexed epoch, address indexed funder, uint96 amount);

    error NotRegistrysDistributor(address expected);
    error DelayTooLong(uint256 delay, uint256 maximum);
    error NotFunder(uint256 epoch, address funder, address caller);
    error NotVetoer(uint256 epoch, address vetoer, address caller);
    error WrongStatus(uint256 epoch, Status expected, Status actual);
    error EpochUnknown(uint256 epoch);
    error NotExpired(uint256 epoch, uint256 expiresAt);
    error NotActive(uint256 epoch, uint256 activatesAt);
    error AlreadyActive(uint256 epoch, uint256 activatesAt);
    error PoolMismatch(uint256 expected, uint256 actual);
    error PageSizeOutOfRange(uint256 maximum, uint256 actual);
    /// @notice Pages are posted in order: the next one begins with contribution `expected`.
    error PageMisplaced(uint256 expected, uint256 actual);
    /// @notice The sum that the proof names is not that of the positive words.
    error SumMismatch(uint256 expected, uint256 actual);
    /// @notice The pages' positive scores do not add up to the sum that all of them name.
    error PositiveMismatch(uint256 expected, uint256 actual);
    /// @notice The pages pay more than the pool holds.
    error PoolExceeded(uint256 pool, uint256 paid);
    error WordCount(uint256 expected, uint256 actual);
    /// @notice The word has a bit outside its layout or stands at another place than its index. `position` counts in the epoch.
    error WordMisplaced(uint256 position, uint256 word);
    error ClaimInvalid(uint256 epoch, uint256 word);
    error AlreadyClaimed(uint256 epoch, uint256 index);
    /// @notice The word belongs to another wallet than the call.
    error NotWallet(uint256 epoch, uint256 index, address wallet, address named);
    error TooManyClaims(uint256 maximum, uint256 actual);
    error AddressZero();
    error SignatureExpired(uint256 deadline);
    error SignatureInvalid(address signer);
    error NothingToMove(uint256 epoch);
    error TooEarly(uint256 epoch, uint256 sweepableAt);
    /// @notice Dust moves only between epochs of one steward and one funder.
    error OtherOwner(uint256 fromEpoch, uint256 toEpoch);

    /// @notice How long claims stay open after activation before the rest may go back.
    uint256 public constant CLAIM_PERIOD = 180 days;
    uint256 public constant MAX_DELAY = 30 days;
    /// @notice The most words of one page, as many as one proof carries.
    uint256 public constant MAX_PAGE = 1024;
    /// @notice The most words of one call. Whatever they are, they fit the gas of one transaction.
    uint256 public constant MAX_CLAIMS = 256;
    /// @notice What a wallet signs to have its words paid to `recipient`.
    bytes32 public constant CLAIM_TO_TYPEHASH =
        keccak256("ClaimTo(address wallet,address recipient,uint256[] epochs,uint256[] words,uint256 deadline)");
    bytes32 private constant PAYOUT = keccak256("openledger.context.payout.v1");

    IERC20 public immutable token;
    ContributionRegistry public immutable registry;
    EpochBook public immutable book;
    VerifierRouter public immutable router;
    /// @notice Seconds between the post and the first claim, in which the epoch's vetoer and the guardian may act.
    uint256 public immutable activationDelay;
    /// @notice May veto any payout before it is active; can do nothing else.
    address public immutable guardian;

    mapping(uint256 epoch => Account) private _accounts;
    mapping(bytes32 payout => Payout) private _payouts;
    mapping(bytes32 payout => mapping(uint256 page => bytes32)) private _roots;
    mapping(uint256 epoch => mapping(uint256 bucket => uint256)) private _claimed;

    /// @param activationDelay_ seconds, at most {MAX_DELAY}
    /// @param guardian_ the Guardian, see {guardian}; zero for none
    constructor(EpochBook book_, uint256 activationDelay_, address guardian_) EIP712("OpenLedger Claims", "1") {
        if (activationDelay_ > MAX_DELAY) revert DelayTooLong(activationDelay_, MAX_DELAY);
        book = book_;
        registry = book_.registry();
        router = registry.router();
        token = registry.vault().token();
        activationDelay = activationDelay_;
        guardian = guardian_;
        address expected = address(registry.distributor());
        if (expected != address(this)) revert NotRegistrysDistributor(expected);
    }

    /// @notice Adds to the pool of an epoch, before its payout is posted. By the epoch's funder, who approved `amount`.
    function fund(uint256 epoch, uint96 amount) external nonReentrant {
        Account storage account = _fundable(epoch);
        (, address funder, ) = registry.rolesOf(epoch);
        if (msg.sender != funder) revert NotFunder(epoch, funder, msg.sender);
        uint96 arrived = Intake.pull(token, funder, amount);
        account.balance += arrived;
        emit Funded(epoch, funder, arrived, account.balance);
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
    ) external nonReentrant {
        Account storage account = _fundable(epoch);
        if (pageSize == 0 || pageSize > MAX_PAGE) revert PageSizeOutOfRange(MAX_PAGE, pageSize);
        uint96 pool = account.balance;
        if (publics[3] != pool) revert PoolMismatch(pool, publics[3]);
        bytes32 id = keccak256(abi.encode(epoch, pool, publics[4], pageSize));
        uint256 count = registry.countOf(epoch);
        // A payout of one page has no pages so far.
        Payout memory posted;
        if (count > pageSize) posted = _payouts[id];
        uint256 first = posted.count;
        if (publics[2] != first) revert PageMisplaced(first, publics[2]);
        uint256 length = _pageLength(first, pageSize, count);
        if (words.length != length) revert WordCount(length, words.length);
        // Pages of payouts end where pages of scores do.
        book.checkScores(epoch, first, first + length, publics[0], publics[1]);
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
        if (count > pageSize) _roots[id][first / pageSize] = root;
        uint256 positive = posted.positive + publics[5];
        // At most 65,535 amounts below 2^96, and at most 65,535 words.
        unchecked {
            paid += posted.paid;
            length += first;
        }
        if (length != count) {
            _payouts[id] = Payout(uint16(length), uint128(paid), positive);
            return;
        }

        if (positive != publics[4]) revert PositiveMismatch(publics[4], positive);
        if (paid > pool) revert PoolExceeded(pool, paid);
        if (first != 0) delete _payouts[id];
        uint256 activatesAt = block.timestamp + activationDelay;
        _accounts[epoch] = Account({
            balance: uint96(paid),
            activatesAt: uint40(activatesAt),
            count: uint16(count),
            pageSize: uint16(pageSize),
            status: Status.Posted,
            dust: uint96(pool - paid),
            paid: uint96(paid),
            payout: first == 0 ? root : id
        });
        emit PayoutPosted(epoch, id, publics[1], pool, uint96(pool - paid), count, pageSize, activatesAt);
    }

    /// @notice Cancels a posted payout before it is active. By the epoch's vetoer or the guardian. The epoch ends there: the pool goes back to
    /// the funder and every stake to its wallet.
    function veto(uint256 epoch, string calldata reason) external {
        Account storage account = _posted(epoch);
        (, , address vetoer) = registry.rolesOf(epoch);
        if (msg.sender != vetoer && msg.sender != guardian) revert NotVetoer(epoch, vetoer, msg.sender);
        if (block.timestamp >= account.activatesAt) revert AlreadyActive(epoch, account.activatesAt);
        account.status = Status.Vetoed;
        emit PayoutVetoed(epoch, msg.sender, reason);
    }

    /// @notice Settles one word; anybody may call. A positive word is paid to the contribution's current wallet, a negative one
    /// is charged to its stake, and in each case the stake that is left becomes free.
    function claim(uint256 epoch, uint256 word, bytes32[] calldata proof) external nonReentrant {
        uint256 index = PayoutWord.index(word);
        if (!_spend(epoch, word, proof)) revert AlreadyClaimed(epoch, index);
        address wallet = registry.walletOf(epoch, index);
        uint96 amount = _settle(epoch, word, wallet, wallet);
        if (amount != 0) token.safeTransfer(wallet, amount);
    }

    /// @notice Settles words of one wallet, of any epochs, with one transfer to it; anybody may call. Words that were settled before are
    /// skipped, so that nobody spoils a batch by settling one of it first; any other fault reverts.
    /// @return paid wei
    function claimAll(address wallet, Claim[] calldata claims) external nonReentrant returns (uint256 paid) {
        return _claimAll(wallet, wallet, claims);
    }

    /// @notice As {claimAll}, with the money to a recipient that the wallet chose: by the wallet, or by anybody with its signature, which
    /// holds for these words, this recipient and as long as the words belong to the wallet.
    /// @param deadline last second of the signature's validity
    /// @param signature of the wallet (its key, or ERC-1271) over {CLAIM_TO_TYPEHASH}; not looked at when the wallet calls
    /// @return paid wei
    function claimTo(
        address wallet,
        address recipient,
        Claim[] calldata claims,
        uint256 deadline,
        bytes calldata signature
    ) external nonReentrant returns (uint256 paid) {
        if (recipient == address(0)) revert AddressZero();
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        if (
            msg.sender != wallet &&
            !SignatureChecker.isValidSignatureNowCalldata(
                wallet,
                claimToDigest(wallet, recipient, claims, deadline),
                signature
            )
        ) revert SignatureInvalid(wallet);
        return _claimAll(wallet, recipient, claims);
    }

    /// @notice Moves the dust of an active epoch into the pool of another one that was not posted yet. By the steward of both, and
    /// only if both have the same funder: otherwise a steward could pay the dust to a funder of his choice.
    function carry(uint256 fromEpoch, uint256 toEpoch) external {
        Account storage source = _active(fromEpoch);
        Account storage target = _fundable(toEpoch);
        (address steward, address funder, ) = registry.rolesOf(fromEpoch);
        if (msg.sender != steward) revert NotSteward(fromEpoch, steward, msg.sender);
        (address toSteward, address toFunder, ) = registry.rolesOf(toEpoch);
        if (steward != toSteward || funder != toFunder) revert OtherOwner(fromEpoch, toEpoch);
        uint96 amount = _takeDust(fromEpoch, source);
        target.balance += amount;
        emit DustCarried(fromEpoch, toEpoch, amount);
    }

    /// @notice Pays the dust of an active epoch back to its funder. By the funder or the steward.
    function returnDust(uint256 epoch) external nonReentrant {
        Account storage account = _active(epoch);
        (address steward, address funder, ) = registry.rolesOf(epoch);
        if (msg.sender != funder && msg.sender != steward) revert NotFunder(epoch, funder, msg.sender);
        uint96 amount = _takeDust(epoch, account);
        emit DustReturned(epoch, funder, amount);
        token.safeTransfer(funder, amount);
    }

    /// @notice Pays the pool of a vetoed epoch, or of one that expired without a payout, back to its funder. By anybody.
    function refund(uint256 epoch) external nonReentrant {
        Account storage account = _accounts[epoch];
        if (account.status != Status.Vetoed) {
            if (account.status != Status.None) revert WrongStatus(epoch, Status.None, account.status);
            uint256 expiry = _expiry(epoch);
            if (block.timestamp < expiry) revert NotExpired(epoch, expiry);
        }
        uint96 amount = account.balance + account.dust;
        if (amount == 0) revert NothingToMove(epoch);
        account.status = Status.Refunded;
        account.balance = 0;
        account.dust = 0;
        (, address funder, ) = registry.rolesOf(epoch);
        emit Refunded(epoch, funder, amount);
        token.safeTransfer(funder, amount);
    }

    /// @notice Pays what nobody claimed, and dust that is still here, back to the funder, {CLAIM_PERIOD} after activation. By anybody.
    /// Every stake is free from then on.
    function sweep(uint256 epoch) external nonReentrant {
        Account storage account = _active(epoch);
        uint256 sweepableAt = account.activatesAt + CLAIM_PERIOD;
        if (block.timestamp < sweepableAt) revert TooEarly(epoch, sweepableAt);
        uint96 amount = account.balance + account.dust;
        account.status = Status.Swept;
        account.balance = 0;
        account.dust = 0;
        (, address funder, ) = registry.rolesOf(epoch);
        emit Swept(epoch, funder, amount);
        token.safeTransfer(funder, amount);
    }

    /// @inheritdoc IStakeRelease
    function stakeReleased(uint256 epoch, uint256 index) external view returns (bool) {
        Status status = _accounts[epoch].status;
        if (status == Status.Posted) return isClaimed(epoch, index);
        if (status == Status.None) return block.timestamp >= _expiry(epoch);
        return true;
    }

    /// @notice The account of an epoch.
    function accountOf(uint256 epoch) external view returns (Account memory) {
        return _accounts[epoch];
    }

    /// @notice The pages so far of a payout of more than one.
    function payoutOf(bytes32 id) external view returns (Payout memory) {
        return _payouts[id];
    }

    /// @notice The root of the {PayoutTree} over the words of a page of a posted payout.
    function rootOf(uint256 epoch, uint256 page) external view returns (bytes32) {
        return _rootOf(_accounts[epoch], page);
    }

    /// @notice Reverts unless the word is in the payout of an epoch and that payout is active, whether or not it was swept since. What was
    /// settled says {isClaimed}.
    /// @param proof siblings as {PayoutTree} describes
    function checkWord(uint256 epoch, uint256 word, bytes32[] calldata proof) external view {
        _checkWord(_lasting(epoch), epoch, word, proof);
    }

    /// @notice What the positive words of an epoch's payout add up to; reverts unless that payout is active. It stays after the sweep.
    function paidOf(uint256 epoch) external view returns (uint256) {
        return _lasting(epoch).paid;
    }

    /// @notice Whether the word of a contribution was settled.
    function isClaimed(uint256 epoch, uint256 index) public view returns (bool) {
        return (_claimed[epoch][index >> 8] >> (index & 255)) & 1 == 1;
    }

    /// @notice The EIP-712 digest that a wallet signs for {claimTo}.
    function claimToDigest(
        address wallet,
        address recipient,
        Claim[] calldata claims,
        uint256 deadline
    ) public view returns (bytes32) {
        uint256[] memory epochs = new uint256[](claims.length);
        uint256[] memory words = new uint256[](claims.length);
        for (uint256 i = 0; i < claims.length; ++i) (epochs[i], words[i]) = (claims[i].epoch, claims[i].word);
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        CLAIM_TO_TYPEHASH,
                        wallet,
                        recipient,
                        keccak256(abi.encodePacked(epochs)),
                        keccak256(abi.encodePacked(words)),
                        deadline
                    )
                )
            );
    }

    function _claimAll(address wallet, address recipient, Claim[] calldata claims) private returns (uint256 paid) {
        if (claims.length > MAX_CLAIMS) revert TooManyClaims(MAX_CLAIMS, claims.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            (uint256 epoch, uint256 word) = (claims[i].epoch, claims[i].word);
            uint256 index = PayoutWord.index(word);
            address owner = registry.walletOf(epoch, index);
            if (owner != wallet) revert NotWallet(epoch, index, owner, wallet);
            if (_spend(epoch, word, claims[i].proof)) paid += _settle(epoch, word, wallet, recipient);
            else emit ClaimSkipped(epoch, index);
        }
        if (paid != 0) token.safeTransfer(recipient, paid);
    }

    /// @dev Marks a word of an active payout as settled.
    /// @return whether it was not before
    function _spend(uint256 epoch, uint256 word, bytes32[] calldata proof) private returns (bool) {
        _checkWord(_active(epoch), epoch, word, proof);
        uint256 index = PayoutWord.index(word);
        uint256 settled = _claimed[epoch][index >> 8];
        uint256 flag = 1 << (index & 255);
        if (settled & flag != 0) return false;
        _claimed[epoch][index >> 8] = settled | flag;
        return true;
    }

    /// @dev Charges a negative word; books a positive one, whose amount the caller transfers.
    function _settle(
        uint256 epoch,
        uint256 word,
        address wallet,
        address recipient
    ) private returns (uint96 amount) {
        uint256 index = PayoutWord.index(word);
        amount = PayoutWord.amount(word);
        if (PayoutWord.isCharge(word)) {
            uint96 charged = registry.charge(epoch, index, amount);
            emit Charged(epoch, index, charged, amount - charged);
            return 0;
        }
        _accounts[epoch].balance -= amount;
        if (recipient == wallet) emit Claimed(epoch, index, wallet, amount);
        else emit ClaimedTo(epoch, index, wallet, recipient, amount);
    }

    /// @dev Reverts unless the word stands at its place in its page.
    function _checkWord(
        Account storage account,
        uint256 epoch,
        uint256 word,
        bytes32[] calldata proof
    ) private view {
        uint256 index = PayoutWord.index(word);
        (uint256 pageSize, uint256 count) = (account.pageSize, account.count);
        if (index < count) {
            uint256 page = index / pageSize;
            uint256 length = _pageLength(page * pageSize, pageSize, count);
            if (
                PayoutTree.isDepth(length, proof.length) &&
                PayoutTree.climb(epoch, word, index % pageSize, proof) == _rootOf(account, page)
            ) return;
        }
        revert ClaimInvalid(epoch, word);
    }

    function _rootOf(Account storage account, uint256 page) private view returns (bytes32) {
        bytes32 payout = account.payout;
        return account.count <= account.pageSize ? payout : _roots[payout][page];
    }

    /// @dev The number of words of the page that begins at `first`.
    function _pageLength(uint256 first, uint256 pageSize, uint256 count) private pure returns (uint256) {
        return count - first < pageSize ? count - first : pageSize;
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

    function _takeDust(uint256 epoch, Account storage account) private returns (uint96 amount) {
        amount = account.dust;
        if (amount == 0) revert NothingToMove(epoch);
        account.dust = 0;
    }

    /// @dev The account of an epoch that may still be funded and posted.
    function _fundable(uint256 epoch) private view returns (Account storage account) {
        account = _accounts[epoch];
        if (account.status != Status.None) revert WrongStatus(epoch, Status.None, account.status);
        uint256 expiry = _expiry(epoch);
        if (block.timestamp >= expiry) revert EpochExpired(epoch, expiry);
    }

    function _posted(uint256 epoch) private view returns (Account storage account) {
        account = _accounts[epoch];
        if (account.status != Status.Posted) revert WrongStatus(epoch, Status.Posted, account.status);
    }

    /// @dev The account of an epoch whose words can be settled.
    function _active(uint256 epoch) private view returns (Account storage account) {
        account = _posted(epoch);
        _checkActive(epoch, account);
    }

    /// @dev The account of an epoch whose payout is active, or was until it was swept.
    function _lasting(uint256 epoch) private view returns (Account storage account) {
        account = _accounts[epoch];
        if (account.status != Status.Swept) _posted(epoch);
        _checkActive(epoch, account);
    }

    function _checkActive(uint256 epoch, Account storage account) private view {
        if (block.timestamp < account.activatesAt) revert NotActive(epoch, account.activatesAt);
    }

    function _expiry(uint256 epoch) private view returns (uint256 expiry) {
        expiry = registry.expiresAt(epoch);
        if (expiry == 0) revert EpochUnknown(epoch);
    }
}
