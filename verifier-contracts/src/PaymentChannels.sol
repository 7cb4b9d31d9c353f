// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Intake} from "./Intake.sol";

/// @title One-way payments by cumulative vouchers
/// @notice No owner, no pause, no upgrade. A payer deposits once and then signs vouchers off chain, each for everything owed so
/// far; the payee redeems the last one when it likes. Money of a channel leaves in two ways: to its payee, against a voucher of
/// its payer, and back to its payer, when the channel ends. At every moment, per channel that has not ended: deposited =
/// redeemed + what is here.
///
/// A channel ends at once by its payee ({close}), or by its payer after the delay that both knew from the opening ({startClose},
/// {withdraw}). Until that moment vouchers are paid, from it on the remainder is the payer's. An ended channel is never opened
/// again, so that its vouchers are worth nothing for ever.
///
/// Who hashes what: the payer chooses a salt; the id is keccak256(abi.encode(chain id at deployment, this contract, token, payer,
/// payee, delay, salt)). The payer signs the EIP-712 struct Voucher(bytes32 channel,uint96 amount) in the domain ("OpenLedger Channels", "1",
/// chain id, this contract). The payee signs nothing. Callers name a channel by its {ChannelKey}, which is hashed again: the
/// contract stores one word per channel.
///
/// A signature of the payer's own key counts whether or not there is code at the payer's address: an account that delegates to code
/// (EIP-7702) cannot take its vouchers back. A payer that is a contract (ERC-1271) can: a payee who takes its vouchers trusts that contract.
contract PaymentChannels is EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    enum Status {
        /// never opened
        None,
        /// takes vouchers
        Open,
        /// takes vouchers until `closesAt`
        Closing,
        /// ended; the remainder went to the payer
        Closed
    }

    /// @notice Why a voucher is worth nothing.
    enum VoucherFault {
        None,
        /// no channel with this key was opened
        ChannelUnknown,
        /// the channel has ended, or its closing has taken effect
        ChannelClosed,
        /// this much or more was redeemed before
        NothingNew,
        /// the amount is more than was deposited
        DepositExceeded,
        /// neither the payer's key nor the payer's contract signed it
        SignatureInvalid
    }

    /// @notice What a channel's id is the hash of, beside chain, contract and token.
    /// @param delay seconds from {startClose} to its effect
    /// @param salt any value; another one for each channel of the same two
    struct ChannelKey {
        address payer;
        address payee;
        uint32 delay;
        bytes32 salt;
    }

    /// @param deposited wei that ever came in
    /// @param redeemed wei that were paid to the payee
    /// @param closesAt when the payer's closing takes effect; zero unless it was started
    struct Channel {
        uint96 deposited;
        uint96 redeemed;
        uint40 closesAt;
        Status status;
    }

    /// @notice One voucher of a batch; the payee is that of the call.
    /// @param amount wei owed in total since the opening
    /// @param signature of the payer
    struct Voucher {
        address payer;
        uint32 delay;
        bytes32 salt;
        uint96 amount;
        bytes signature;
    }

    /// @notice A channel was opened. `amount` is what arrived.
    event ChannelOpened(
        bytes32 indexed channel,
        address indexed payer,
        address indexed payee,
        uint32 delay,
        bytes32 salt,
        uint96 amount
    );
    /// @notice A deposit grew by what arrived.
    event ToppedUp(bytes32 indexed channel, address indexed from, uint96 amount, uint96 deposited);
    /// @notice A voucher was paid to the channel's payee: `amount` now, `redeemed` in total.
    event Redeemed(bytes32 indexed channel, uint96 amount, uint96 redeemed);
    /// @notice A voucher of a batch was worth nothing.
    event VoucherSkipped(bytes32 indexed channel, VoucherFault fault);
    /// @notice The payer started to close; vouchers are paid until `closesAt`.
    event CloseStarted(bytes32 indexed channel, uint40 closesAt);
    /// @notice A channel ended and its remainder went to the payer.
    event ChannelClosed(bytes32 indexed channel, address indexed payer, uint96 remainder, bool byPayee);

    /// @notice A channel with this id was opened before, and may have ended.
    error ChannelTaken(bytes32 channel);
    error AddressZero();
    error DelayOutOfRange(uint256 minimum, uint256 maximum, uint256 actual);
    error VoucherRefused(bytes32 channel, VoucherFault fault);
    error TooManyVouchers(uint256 maximum, uint256 actual);
    error NotPayer(address payer, address caller);
    error NotPayee(address payee, address caller);
    /// @notice The channel is not in a status in which this can be done.
    error ChannelStatus(bytes32 channel, Status actual);
    /// @notice The payer's closing takes effect at `closesAt`.
    error StillClosing(bytes32 channel, uint256 closesAt);

    /// @notice The shortest delay: how long a payee may be offline without losing anything.
    uint256 public constant MIN_DELAY = 1 days;
    /// @notice The longest delay: how long a payer may have to wait for its money.
    uint256 public constant MAX_DELAY = 90 days;
    /// @notice The most vouchers of one batch.
    uint256 public constant MAX_VOUCHERS = 128;
    /// @notice What a payer signs.
    bytes32 public constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channel,uint96 amount)");

    /// @notice The only token that is paid.
    IERC20 public immutable token;

    // The chain of the deployment. Not block.chainid: if the chain is split and one part renumbered, its channels must still end.
    uint256 private immutable _chainId;

    mapping(bytes32 channel => Channel) private _channels;

    /// @param token_ the token of all channels
    constructor(IERC20 token_) EIP712("OpenLedger Channels", "1") {
        if (address(token_) == address(0)) revert AddressZero();
        token = token_;
        _chainId = block.chainid;
    }

    /// @notice Opens a channel with the caller as payer, who approved `amount`.
    /// @param payee receives what vouchers say; need not be able to sign
    /// @param delay seconds from {MIN_DELAY} to {MAX_DELAY}
    /// @param salt not used before by the caller for this payee and delay
    /// @return id of the channel
    function open(
        address payee,
        uint32 delay,
        bytes32 salt,
        uint96 amount
    ) external nonReentrant returns (bytes32 id) {
        return _open(ChannelKey(msg.sender, payee, delay, salt), amount);
    }

    /// @notice As {open}, with the approval as an ERC-2612 permit of the caller for this contract and `amount`. A permit that
    /// somebody else sent before does no harm: what counts is the allowance.
    /// @param deadline last second of the permit's validity
    function openWithPermit(
        address payee,
        uint32 delay,
        bytes32 salt,
        uint96 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (bytes32 id) {
        _permit(amount, deadline, v, r, s);
        return _open(ChannelKey(msg.sender, payee, delay, salt), amount);
    }

    /// @notice Adds to the deposit of an open channel; by anybody, who approved `amount` and does not get it back.
    function topUp(ChannelKey calldata key, uint96 amount) external nonReentrant {
        _topUp(key, amount);
    }

    /// @notice As {topUp}, with the approval as a permit of the caller, see {openWithPermit}.
    function topUpWithPermit(
        ChannelKey calldata key,
        uint96 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        _permit(amount, deadline, v, r, s);
        _topUp(key, amount);
    }

    /// @notice Pays a voucher to the channel's payee. By anybody who holds it: the money goes nowhere else, and somebody may watch
    /// for a payee that is offline.
    /// @param amount wei owed in total since the opening
    /// @param signature of the payer over VOUCHER_TYPEHASH, the id and the amount
    function redeem(ChannelKey calldata key, uint96 amount, bytes calldata signature) external nonReentrant {
        bytes32 id = channelId(key);
        (VoucherFault fault, uint96 due) = _redeem(id, key.payer, amount, signature);
        if (fault != VoucherFault.None) revert VoucherRefused(id, fault);
        token.safeTransfer(key.payee, due);
    }

    /// @notice Pays vouchers of several channels of one payee in one transfer; by anybody. Vouchers that are worth nothing (by now)
    /// are skipped, so that nobody spoils a batch by redeeming one of it first.
    /// @return paid wei
    function redeemMany(
        address payee,
        Voucher[] calldata vouchers
    ) external nonReentrant returns (uint256 paid) {
        if (vouchers.length > MAX_VOUCHERS) revert TooManyVouchers(MAX_VOUCHERS, vouchers.length);
        for (uint256 i = 0; i < vouchers.length; ++i) {
            Voucher calldata voucher = vouchers[i];
            bytes32 id = _id(voucher.payer, payee, voucher.delay, voucher.salt);
            (VoucherFault fault, uint96 due) = _redeem(id, voucher.payer, voucher.amount, voucher.signature);
            if (fault != VoucherFault.None) emit VoucherSkipped(id, fault);
            paid += due;
        }
        if (paid != 0) token.safeTransfer(payee, paid);
    }

    /// @notice Ends a channel at once; by its payee, who redeemed before what it wants. The remainder goes to the payer.
    function close(ChannelKey calldata key) external nonReentrant {
        if (msg.sender != key.payee) revert NotPayee(key.payee, msg.sender);
        bytes32 id = channelId(key);
        Channel storage channel = _channels[id];
        Status status = channel.status;
        if (status != Status.Open && status != Status.Closing) revert ChannelStatus(id, status);
        _end(id, channel, key.payer, true);
    }

    /// @notice Starts the end of a channel; by its payer. Vouchers are paid for the channel's delay, then {withdraw} is possible.
    function startClose(ChannelKey calldata key) external {
        if (msg.sender != key.payer) revert NotPayer(key.payer, msg.sender);
        bytes32 id = channelId(key);
        Channel storage channel = _channels[id];
        if (channel.status != Status.Open) revert ChannelStatus(id, channel.status);
        uint40 closesAt = uint40(block.timestamp + key.delay);
        channel.status = Status.Closing;
        channel.closesAt = closesAt;
        emit CloseStarted(id, closesAt);
    }

    /// @notice Pays the remainder to the payer once its closing has taken effect; by anybody.
    function withdraw(ChannelKey calldata key) external nonReentrant {
        bytes32 id = channelId(key);
        Channel storage channel = _channels[id];
        if (channel.status != Status.Closing) revert ChannelStatus(id, channel.status);
        if (block.timestamp < channel.closesAt) revert StillClosing(id, channel.closesAt);
        _end(id, channel, key.payer, false);
    }

    /// @notice The id of a channel, opened or not.
    function channelId(ChannelKey calldata key) public view returns (bytes32) {
        return _id(key.payer, key.payee, key.delay, key.salt);
    }

    /// @notice A channel; all zero when it was never opened.
    function channelOf(bytes32 id) external view returns (Channel memory) {
        return _channels[id];
    }

    /// @notice The EIP-712 digest that a payer signs for `amount` wei in total.
    function voucherDigest(bytes32 id, uint96 amount) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, id, amount)));
    }

    function _open(ChannelKey memory key, uint96 amount) private returns (bytes32 id) {
        if (key.payee == address(0)) revert AddressZero();
        if (key.delay < MIN_DELAY || key.delay > MAX_DELAY) revert DelayOutOfRange(MIN_DELAY, MAX_DELAY, key.delay);
        id = _id(key.payer, key.payee, key.delay, key.salt);
        Channel storage channel = _channels[id];
        if (channel.status != Status.None) revert ChannelTaken(id);
        uint96 arrived = Intake.pull(token, key.payer, amount);
        channel.deposited = arrived;
        channel.status = Status.Open;
        emit ChannelOpened(id, key.payer, key.payee, key.delay, key.salt, arrived);
    }

    function _topUp(ChannelKey calldata key, uint96 amount) private {
        bytes32 id = channelId(key);
        Channel storage channel = _channels[id];
        if (channel.status != Status.Open) revert ChannelStatus(id, channel.status);
        uint96 arrived = Intake.pull(token, msg.sender, amount);
        channel.deposited += arrived;
        emit ToppedUp(id, msg.sender, arrived, channel.deposited);
    }

    /// @dev A refused permit is either used already, or leaves the allowance too low for the transfer that follows.
    function _permit(uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) private {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
    }

    /// @dev Books a voucher, or says why not. The caller transfers `due`, which is zero with a fault.
    function _redeem(
        bytes32 id,
        address payer,
        uint96 amount,
        bytes calldata signature
    ) private returns (VoucherFault fault, uint96 due) {
        Channel storage channel = _channels[id];
        Status status = channel.status;
        if (status == Status.None) return (VoucherFault.ChannelUnknown, 0);
        if (status == Status.Closed) return (VoucherFault.ChannelClosed, 0);
        if (status == Status.Closing && block.timestamp >= channel.closesAt) {
            return (VoucherFault.ChannelClosed, 0);
        }
        uint96 redeemed = channel.redeemed;
        if (amount <= redeemed) return (VoucherFault.NothingNew, 0);
        if (amount > channel.deposited) return (VoucherFault.DepositExceeded, 0);
        if (!_isSigned(payer, voucherDigest(id, amount), signature)) return (VoucherFault.SignatureInvalid, 0);
        // It is larger, see above.
        unchecked {
            due = amount - redeemed;
        }
        channel.redeemed = amount;
        emit Redeemed(id, due, amount);
    }

    function _end(bytes32 id, Channel storage channel, address payer, bool byPayee) private {
        uint96 remainder = channel.deposited - channel.redeemed;
        channel.status = Status.Closed;
        emit ChannelClosed(id, payer, remainder, byPayee);
        if (remainder != 0) token.safeTransfer(payer, remainder);
    }

    /// @dev The payer's key first, and whatever code there is: see the notes at the head.
    function _isSigned(address payer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError fault, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && recovered == payer) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(payer, digest, signature);
    }

    function _id(address payer, address payee, uint32 delay, bytes32 salt) private view returns (bytes32) {
        return keccak256(abi.encode(_chainId, address(this), token, payer, payee, delay, salt));
    }
}
