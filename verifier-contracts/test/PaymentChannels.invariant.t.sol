// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {PaymentChannels} from "../src/PaymentChannels.sol";
import {Channels} from "./Channels.sol";
import {Test} from "./Vm.sol";
import {ContractWallet} from "./Wallets.sol";

/// @title Anybody doing anything with a few channels, beside a second set of accounts
/// @notice Every call is foretold from the accounts kept here, whether it passes and what it pays; none of them is read from the contract.
contract ChannelsHandler is Test {
    struct Account {
        uint96 deposited;
        uint96 redeemed;
        /// amount of the best voucher that the payee holds
        uint96 best;
        uint256 closesAt;
        bool ended;
        PaymentChannels.ChannelKey key;
    }

    uint256 public constant MOST = 8;
    uint256 public constant FUNDS = 10_000 ether;
    uint256 public constant KEY = 0xB0B;

    PaymentChannels public immutable channels;
    IERC20 public immutable token;
    ContractWallet public immutable wallet = new ContractWallet();
    address public immutable stranger = address(0x5724);
    /// @dev Two with keys and one contract.
    address[3] public payers;
    address[2] public payees = [address(0xAE1), address(0xAE2)];

    bytes32[] public ids;
    uint256 public time;
    uint256 public gifts;
    mapping(bytes32 id => Account) private _accounts;
    mapping(address who => int256) public moved;

    constructor(PaymentChannels channels_, uint256 time_) {
        (channels, token, time) = (channels_, channels_.token(), time_);
        payers = [vm.addr(KEY), vm.addr(KEY + 1), address(wallet)];
    }

    function accountOf(bytes32 id) external view returns (Account memory) {
        return _accounts[id];
    }

    function count() external view returns (uint256) {
        return ids.length;
    }

    // --- actions ---

    function open(uint256 payer, uint256 payee, uint32 delay, uint8 salt, uint96 amount) external {
        if (ids.length == MOST) return;
        PaymentChannels.ChannelKey memory key = PaymentChannels.ChannelKey(
            payers[payer % 3],
            payees[payee % 2],
            uint32(1 days + (delay % 89 days)),
            bytes32(uint256(salt % 2))
        );
        amount = amount % 50 ether;
        bytes32 id = keccak256(abi.encode(31337, channels, token, key.payer, key.payee, key.delay, key.salt));
        vm.startPrank(key.payer);
        token.approve(address(channels), amount);
        bool passes = _accounts[id].key.payer == address(0);
        _expect(passes, abi.encodeCall(channels.open, (key.payee, key.delay, key.salt, amount)));
        vm.stopPrank();
        if (!passes) return;
        ids.push(id);
        _accounts[id].key = key;
        _accounts[id].deposited = amount;
        moved[key.payer] -= int256(uint256(amount));
    }

    function topUp(uint256 which, uint256 from, uint96 amount) external {
        (, Account storage account) = _pick(which);
        if (account.key.payer == address(0)) return;
        address payer = payers[from % 3];
        amount = amount % 10 ether;
        vm.startPrank(payer);
        token.approve(address(channels), amount);
        bool passes = !account.ended && account.closesAt == 0;
        _expect(passes, abi.encodeCall(channels.topUp, (account.key, amount)));
        vm.stopPrank();
        if (!passes) return;
        account.deposited += amount;
        moved[payer] -= int256(uint256(amount));
    }

    /// @dev The payer signs a voucher of at most what is deposited, as a payee would take it.
    function sign(uint256 which, uint96 amount) external {
        (, Account storage account) = _pick(which);
        amount = uint96(uint256(amount) % (uint256(account.deposited) + 1));
        if (amount > account.best) account.best = amount;
    }

    /// @dev Any voucher that was signed or not, by anybody.
    function redeem(uint256 which, uint96 amount, bool signed, address sender) external {
        (bytes32 id, Account storage account) = _pick(which);
        if (account.key.payer == address(0)) return;
        amount = uint96(uint256(amount) % (uint256(account.deposited) + 2 ether));
        bool passes = signed && _isOpen(account) && amount > account.redeemed && amount <= account.deposited;
        bytes memory signature = signatureOf(id, amount, signed);
        vm.prank(sender);
        _expect(passes, abi.encodeCall(channels.redeem, (account.key, amount, signature)));
        if (passes) _paid(account, amount);
    }

    function redeemBest(uint256 which) external {
        (bytes32 id, Account storage account) = _pick(which);
        if (account.best == 0) return;
        bool passes = _isOpen(account) && account.best > account.redeemed;
        bytes memory signature = signatureOf(id, account.best, true);
        _expect(passes, abi.encodeCall(channels.redeem, (account.key, account.best, signature)));
        if (passes) _paid(account, account.best);
    }

    /// @dev The best vouchers of all channels in one batch, also of those that are not the payee's. The contract wallet signs one digest at a time.
    function redeemMany(uint256 to, address sender) external {
        address payee = payees[to % 2];
        PaymentChannels.Voucher[] memory vouchers = new PaymentChannels.Voucher[](ids.length);
        bytes32 walletSigns;
        for (uint256 i = 0; i < ids.length; ++i) {
            Account storage account = _accounts[ids[i]];
            PaymentChannels.ChannelKey memory key = account.key;
            bytes memory signature = signatureOf(ids[i], account.best, true);
            vouchers[i] = PaymentChannels.Voucher(key.payer, key.delay, key.salt, account.best, signature);
            if (key.payer == address(wallet)) walletSigns = ids[i];
        }
        uint256 due;
        for (uint256 i = 0; i < ids.length; ++i) {
            Account storage account = _accounts[ids[i]];
            if (account.key.payee != payee || !_isOpen(account) || account.best <= account.redeemed) continue;
            if (account.key.payer == address(wallet) && ids[i] != walletSigns) continue;
            due += account.best - account.redeemed;
            _paid(account, account.best);
        }
        vm.prank(sender);
        assertEq(channels.redeemMany(payee, vouchers), due, "batch");
    }

    function close(uint256 which, uint256 caller) external {
        (, Account storage account) = _pick(which);
        if (account.key.payer == address(0)) return;
        address sender = _caller(account, caller);
        bool passes = sender == account.key.payee && !account.ended;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(channels.close, (account.key)));
        if (passes) _ended(account);
    }

    function startClose(uint256 which, uint256 caller) external {
        (, Account storage account) = _pick(which);
        if (account.key.payer == address(0)) return;
        address sender = _caller(account, caller);
        bool passes = sender == account.key.payer && !account.ended && account.closesAt == 0;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(channels.startClose, (account.key)));
        if (passes) account.closesAt = time + account.key.delay;
    }

    function withdraw(uint256 which, address sender) external {
        (, Account storage account) = _pick(which);
        if (account.key.payer == address(0)) return;
        bool passes = account.closesAt != 0 && time >= account.closesAt && !account.ended;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(channels.withdraw, (account.key)));
        if (passes) _ended(account);
    }

    /// @dev Lets time pass: up to a day, or to the second before a deadline, that second, or the one after it.
    function warp(uint256 which, uint256 seconds_) external {
        (, Account storage account) = _pick(which);
        uint256 next = time + (seconds_ % 1 days);
        if (seconds_ % 2 == 0 && account.closesAt > time) next = account.closesAt - 1 + (seconds_ % 3);
        if (next > time) time = next;
        vm.warp(time);
    }

    function give(uint96 amount) external {
        amount = amount % 1 ether;
        vm.prank(payers[0]);
        token.transfer(address(channels), amount);
        gifts += amount;
        moved[payers[0]] -= int256(uint256(amount));
    }

    // --- parts ---

    /// @return signature of the channel's payer, or of somebody else
    function signatureOf(bytes32 id, uint96 amount, bool genuine) public returns (bytes memory signature) {
        address payer = _accounts[id].key.payer;
        bytes32 digest = channels.voucherDigest(id, amount);
        if (payer == address(wallet)) wallet.accept(genuine ? digest : bytes32(0));
        uint256 key = genuine ? (payer == payers[0] ? KEY : KEY + 1) : KEY + 2;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _pick(uint256 which) private view returns (bytes32 id, Account storage account) {
        if (ids.length != 0) id = ids[which % ids.length];
        account = _accounts[id];
    }

    function _isOpen(Account storage account) private view returns (bool) {
        return !account.ended && (account.closesAt == 0 || time < account.closesAt);
    }

    function _caller(Account storage account, uint256 seed) private view returns (address) {
        address[3] memory all = [account.key.payer, account.key.payee, stranger];
        return all[seed % 3];
    }

    function _paid(Account storage account, uint96 amount) private {
        moved[account.key.payee] += int256(uint256(amount - account.redeemed));
        account.redeemed = amount;
    }

    function _ended(Account storage account) private {
        moved[account.key.payer] += int256(uint256(account.deposited - account.redeemed));
        account.ended = true;
    }

    function _expect(bool passes, bytes memory data) private {
        (bool ok, ) = address(channels).call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
    }
}

contract PaymentChannelsInvariants is Channels {
    ChannelsHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new ChannelsHandler(channels, NOW);
        for (uint256 i = 0; i < 3; ++i) token.transfer(handler.payers(i), handler.FUNDS());
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function invariant_each_channel_is_what_was_foretold() external view {
        uint256 here = handler.gifts();
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            ChannelsHandler.Account memory account = handler.accountOf(id);
            PaymentChannels.Channel memory channel = channels.channelOf(id);
            assertEq(channel.deposited, account.deposited, "deposited");
            assertEq(channel.redeemed, account.redeemed, "redeemed");
            assertEq(channel.closesAt, account.closesAt, "closesAt");
            assertTrue(channel.redeemed <= channel.deposited, "no more than the deposit");
            assertTrue((channel.status == PaymentChannels.Status.Closed) == account.ended, "status");
            if (!account.ended) here += account.deposited - account.redeemed;
        }
        assertEq(token.balanceOf(address(channels)), here, "balance");
    }

    function invariant_everybody_has_what_the_accounts_say() external view {
        for (uint256 i = 0; i < 3; ++i) _holds(handler.payers(i), handler.FUNDS());
        for (uint256 i = 0; i < 2; ++i) _holds(handler.payees(i), 0);
        assertEq(token.balanceOf(handler.stranger()), 0, "stranger");
        assertEq(token.balanceOf(address(handler)), 0, "handler");
    }

    /// At any time the payee gets its best voucher, unless the channel has ended, and then the payer gets the rest.
    function invariant_both_can_leave() external {
        uint256 state = vm.snapshotState();
        uint256 time = handler.time();
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            ChannelsHandler.Account memory account = handler.accountOf(id);
            if (account.ended) continue;
            PaymentChannels.ChannelKey memory key = account.key;
            bool open = account.closesAt == 0 || time < account.closesAt;
            if (open && account.best > account.redeemed) {
                uint256 before = token.balanceOf(key.payee);
                channels.redeem(key, account.best, handler.signatureOf(id, account.best, true));
                assertEq(token.balanceOf(key.payee), before + account.best - account.redeemed, "payee");
                account.redeemed = account.best;
            }
            if (account.closesAt == 0) {
                vm.prank(key.payer);
                channels.startClose(key);
                account.closesAt = time + key.delay;
            }
            if (time < account.closesAt) vm.warp(account.closesAt);
            uint256 held = token.balanceOf(key.payer);
            channels.withdraw(key);
            assertEq(token.balanceOf(key.payer), held + account.deposited - account.redeemed, "payer");
            vm.warp(time);
        }
        vm.revertToState(state);
    }

    function _holds(address who, uint256 atFirst) private view {
        assertEq(token.balanceOf(who), uint256(int256(atFirst) + handler.moved(who)), "moved");
    }
}
