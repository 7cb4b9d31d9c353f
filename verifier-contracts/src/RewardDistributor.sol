// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ContributionRegistry, IStakeRelease} from "./ContributionRegistry.sol";
import {EpochBook} from "./EpochBook.sol";
import {EpochExpired, NotSteward} from "./Epochs.sol";
import {Intake} from "./Intake.sol";
import {PayoutTree, PayoutWord} from "./PayoutTree.sol";

/// @title Pays contributors what a proof says, and nothing else
/// @notice No owner, no pause, no upgrade. Money of an epoch comes from its funder (and the dust of earlier epochs of the
/// same funder) and leaves in three ways: by {claim} of a proven word to the contribution's wallet ({claimTo}: to whom that wallet names),
/// back to the funder ({refund}, {returnDust}, {sweep}), or as dust into another epoch of the same steward and funder ({carry}). At every
/// moment, per epoch: pool = paid out + balance + dust (here, carried or returned) + refunded or swept.
///
/// What a payout is says the {PayoutBook}, which checks the proofs; here it is checked that it pays no more than the pool.
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
    /// @param payout of a payout of one page: the page's root; of more: its id, under which the roots lie
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

    /// @notice One word to settle.
    /// @param proof siblings as {PayoutTree} describes
    struct Claim {
        uint256 epoch;
        uint256 word;
        bytes32[] proof;
    }

    event Funded(uint256 indexed epoch, address indexed funder, uint96 amount, uint96 pool);
    /// @notice The last page of a payout was proven. `payout` is its id, see {PayoutBook}.
    event PayoutPosted(
        uint256 indexed epoch,
        bytes32 indexed payout,
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
    error NotPayoutBook(address caller);
    error DelayTooLong(uint256 delay, uint256 maximum);
    error NotFunder(uint256 epoch, address funder, address caller);
    error NotVetoer(uint256 epoch, address vetoer, address caller);
    error WrongStatus(uint256 epoch, Status expected, Status actual);
    error EpochUnknown(uint256 epoch);
    error NotActive(uint256 epoch, uint256 activatesAt);
    error AlreadyActive(uint256 epoch, uint256 activatesAt);
    /// @notice The pages pay more than the pool holds.
    error PoolExceeded(uint256 pool, uint256 paid);
    error ClaimInvalid(uint256 epoch, uint256 word);
    error AlreadyClaimed(uint256 epoch, uint256 index);
    /// @notice The word belongs to another wallet than the call.
    error NotWallet(uint256 epoch, uint256 index, address wallet, address named);
    error TooManyClaims(uint256 maximum, uint256 actual);
    error AddressZero();
    error SignatureExpired(uint256 deadline);
    error SignatureInvalid(address signer);
    error NothingToMove(uint256 epoch);
    /// @notice A refund or a sweep is possible from `second` on.
    error TooEarly(uint256 epoch, uint256 second);
    /// @notice Dust moves only between epochs of one steward and one funder.
    error OtherOwner(uint256 fromEpoch, uint256 toEpoch);

    /// @notice How long claims stay open after activation before the rest may go back.
    uint256 public constant CLAIM_PERIOD = 180 days;
    uint256 public constant MAX_DELAY = 30 days;
    /// @notice The most words of one call. Whatever they are, they fit the gas of one transaction.
    uint256 public constant MAX_CLAIMS = 128;
    /// @notice What a wallet signs to have its words paid to `recipient`.
    bytes32 public constant CLAIM_TO_TYPEHASH =
        keccak256("ClaimTo(address wallet,address recipient,uint256[] epochs,uint256[] words,uint256 deadline)");

    IERC20 public immutable token;
    ContributionRegistry public immutable registry;
    EpochBook public immutable book;
    /// @notice The PayoutBook: whoever calls from there has proven what it says.
    address public immutable payouts;
    /// @notice Seconds between the post and the first claim, in which the epoch's vetoer and the guardian may act.
    uint256 public immutable activationDelay;
    /// @notice May veto any payout before it is active; can do nothing else.
    address public immutable guardian;

    mapping(uint256 epoch => Account) private _accounts;
    mapping(bytes32 payout => mapping(uint256 page => bytes32)) private _roots;
    mapping(uint256 epoch => mapping(uint256 bucket => uint256)) private _claimed;

    /// @param payouts_ the PayoutBook, deployed later at this address (it checks that itself)
    /// @param activationDelay_ seconds, at most {MAX_DELAY}
    /// @param guardian_ the Guardian, see {guardian}; zero for none
    constructor(
        EpochBook book_,
        address payouts_,
        uint256 activationDelay_,
        address guardian_
    ) EIP712("OpenLedger Claims", "1") {
        if (activationDelay_ > MAX_DELAY) revert DelayTooLong(activationDelay_, MAX_DELAY);
        book = book_;
        registry = book_.registry();
        token = registry.vault().token();
        activationDelay = activationDelay_;
        payouts = payouts_;
        guardian = guardian_;
        address expected = address(registry.distributor());
        if (expected != address(this)) revert NotRegistrysDistributor(expected);
    }

    /// @notice Adds to the pool of an epoch, before its payout is posted. By the epoch's funder, who approved `amount`.
    function fund(uint256 epoch, uint96 amount) external nonReentrant {
        Account storage account = _fundable(epoch);
        (, address funder, ) = _rolesOf(epoch);
        if (msg.sender != funder) revert NotFunder(epoch, funder, msg.sender);
        uint96 arrived = Intake.pull(token, funder, amount);
        account.balance += arrived;
        emit Funded(epoch, funder, arrived, account.balance);
    }

    /// @notice The pool of an epoch that may still be funded and posted.
    function poolOf(uint256 epoch) external view returns (uint256) {
        return _fundable(epoch).balance;
    }

    /// @notice Takes the root of a page of a payout of more than one; by the PayoutBook.
    function addPage(bytes32 payout, uint256 page, bytes32 root) external {
        _onlyPayouts();
        _roots[payout][page] = root;
    }

    /// @notice Takes the complete payout of an epoch; by the PayoutBook.
    /// @param payout its id
    /// @param root of its last page
    /// @param count words
    /// @param pageSize words of a page, the last one excepted
    /// @param paid sum of the positive words
    function activate(
        uint256 epoch,
        bytes32 payout,
        bytes32 root,
        uint256 count,
        uint256 pageSize,
        uint256 paid
    ) external nonReentrant {
        _onlyPayouts();
        uint96 pool = _fundable(epoch).balance;
        if (paid > pool) revert PoolExceeded(pool, paid);
        uint96 dust = uint96(pool - paid);
        uint256 activatesAt = block.timestamp + activationDelay;
        _accounts[epoch] = Account({
            balance: uint96(paid),
            activatesAt: uint40(activatesAt),
            count: uint16(count),
            pageSize: uint16(pageSize),
            status: Status.Posted,
            dust: dust,
            paid: uint96(paid),
            payout: count > pageSize ? payout : root
        });
        emit PayoutPosted(epoch, payout, pool, dust, count, pageSize, activatesAt);
    }

    /// @notice Cancels a posted payout before it is active. By the epoch's vetoer or the guardian. The epoch ends there: the pool goes back to
    /// the funder and every stake to its wallet.
    function veto(uint256 epoch, string calldata reason) external {
        Account storage account = _posted(epoch);
        (, , address vetoer) = _rolesOf(epoch);
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
        (address steward, address funder, ) = _rolesOf(fromEpoch);
        if (msg.sender != steward) revert NotSteward(fromEpoch, steward, msg.sender);
        (address toSteward, address toFunder, ) = _rolesOf(toEpoch);
        if (steward != toSteward || funder != toFunder) revert OtherOwner(fromEpoch, toEpoch);
        uint96 amount = _takeDust(fromEpoch, source);
        target.balance += amount;
        emit DustCarried(fromEpoch, toEpoch, amount);
    }

    /// @notice Pays the dust of an active epoch back to its funder. By the funder or the steward.
    function returnDust(uint256 epoch) external nonReentrant {
        Account storage account = _active(epoch);
        (address steward, address funder, ) = _rolesOf(epoch);
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
            _reach(epoch, _expiry(epoch));
        }
        (address funder, uint96 amount) = _empty(epoch, account, Status.Refunded);
        if (amount == 0) revert NothingToMove(epoch);
        emit Refunded(epoch, funder, amount);
        token.safeTransfer(funder, amount);
    }

    /// @notice Pays what nobody claimed, and dust that is still here, back to the funder, {CLAIM_PERIOD} after activation. By anybody.
    /// Every stake is free from then on.
    function sweep(uint256 epoch) external nonReentrant {
        Account storage account = _active(epoch);
        _reach(epoch, account.activatesAt + CLAIM_PERIOD);
        (address funder, uint96 amount) = _empty(epoch, account, Status.Swept);
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
        uint256 length = claims.length;
        bytes32 epochs;
        bytes32 words;
        // Both arrays lie behind the free memory pointer, where nothing else is put before they are hashed, each as its items:
        // keccak256(abi.encodePacked(epochs)), keccak256(abi.encodePacked(words)).
        for (uint256 i = 0; i < length; ++i) {
            Claim calldata one = claims[i];
            assembly ("memory-safe") {
                let to := add(mload(0x40), shl(5, i))
                mstore(to, calldataload(one))
                mstore(add(to, shl(5, length)), calldataload(add(one, 0x20)))
            }
        }
        assembly ("memory-safe") {
            let size := shl(5, length)
            epochs := keccak256(mload(0x40), size)
            words := keccak256(add(mload(0x40), size), size)
        }
        return
            _hashTypedDataV4(
                keccak256(abi.encode(CLAIM_TO_TYPEHASH, wallet, recipient, epochs, words, deadline))
            );
    }

    function _claimAll(address wallet, address recipient, Claim[] calldata claims) private returns (uint256 paid) {
        if (claims.length > MAX_CLAIMS) revert TooManyClaims(MAX_CLAIMS, claims.length);
        for (uint256 i = 0; i < claims.length; ++i) {
            Claim calldata one = claims[i];
            (uint256 epoch, uint256 word) = (one.epoch, one.word);
            uint256 index = PayoutWord.index(word);
            address owner = registry.walletOf(epoch, index);
            if (owner != wallet) revert NotWallet(epoch, index, owner, wallet);
            if (_spend(epoch, word, one.proof)) paid += _settle(epoch, word, wallet, recipient);
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
            uint256 position = index % pageSize;
            // The page has `pageSize` words, the last one what is left.
            uint256 length;
            unchecked {
                length = count - (index - position);
            }
            if (length > pageSize) length = pageSize;
            if (
                PayoutTree.isDepth(length, proof.length) &&
                PayoutTree.climb(epoch, word, position, proof) == _rootOf(account, index / pageSize)
            ) return;
        }
        revert ClaimInvalid(epoch, word);
    }

    function _rootOf(Account storage account, uint256 page) private view returns (bytes32) {
        bytes32 payout = account.payout;
        return account.count <= account.pageSize ? payout : _roots[payout][page];
    }

    /// @dev Takes all that an account holds, for its funder.
    function _empty(
        uint256 epoch,
        Account storage account,
        Status status
    ) private returns (address funder, uint96 amount) {
        (, funder, ) = _rolesOf(epoch);
        // Never more than the pool was.
        unchecked {
            amount = account.balance + account.dust;
        }
        account.status = status;
        account.balance = 0;
        account.dust = 0;
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

    function _reach(uint256 epoch, uint256 second) private view {
        if (block.timestamp < second) revert TooEarly(epoch, second);
    }

    function _onlyPayouts() private view {
        if (msg.sender != payouts) revert NotPayoutBook(msg.sender);
    }

    function _rolesOf(uint256 epoch) private view returns (address steward, address funder, address vetoer) {
        return registry.rolesOf(epoch);
    }

    function _expiry(uint256 epoch) private view returns (uint256 expiry) {
        expiry = registry.expiresAt(epoch);
        if (expiry == 0) revert EpochUnknown(epoch);
    }
}
