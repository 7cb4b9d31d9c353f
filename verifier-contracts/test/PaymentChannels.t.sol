// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {PaymentChannels} from "../src/PaymentChannels.sol";
import {Channels} from "./Channels.sol";
import {BlockingToken, FalseToken, FeeToken, ReentrantToken} from "./Tokens.sol";
import {ContractWallet, FickleWallet} from "./Wallets.sol";

contract PaymentChannelsTest is Channels {
    uint96 private constant DEPOSIT = 100 ether;
    uint256 private constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    bytes32 private id;
    PaymentChannels.ChannelKey private key;

    function setUp() public override {
        super.setUp();
        key = _key(SALT);
        id = _open(key, DEPOSIT);
    }

    // --- opening ---

    function test_an_opened_channel_holds_its_deposit() public {
        key.salt = bytes32("another");
        vm.startPrank(payer);
        token.approve(address(channels), DEPOSIT);
        id = _idOf(key);
        vm.expectEmit();
        emit PaymentChannels.ChannelOpened(id, payer, payee, DELAY, key.salt, DEPOSIT);
        assertEq(channels.open(payee, DELAY, key.salt, DEPOSIT), id, "id");
        vm.stopPrank();
        _isIn(id, PaymentChannels.Status.Open, DEPOSIT, 0, 0);
        assertEq(token.balanceOf(address(channels)), 2 * DEPOSIT, "balance");
        assertEq(token.balanceOf(payer), FUNDS - 2 * DEPOSIT, "payer");
    }

    function test_the_id_binds_all_that_makes_a_channel() public {
        assertEq(channels.channelId(key), id, "same");
        PaymentChannels.ChannelKey memory other = key;
        other.payer = stranger;
        assertTrue(channels.channelId(other) != id, "payer");
        other = _key(SALT);
        other.payee = stranger;
        assertTrue(channels.channelId(other) != id, "payee");
        other = _key(SALT);
        other.delay += 1;
        assertTrue(channels.channelId(other) != id, "delay");
        other = _key(bytes32(uint256(SALT) + 1));
        assertTrue(channels.channelId(other) != id, "salt");
        assertTrue(_deployChannels(token).channelId(key) != id, "contract");
        vm.chainId(1);
        PaymentChannels elsewhere = _deployChannels(token);
        assertEq(
            elsewhere.channelId(key),
            keccak256(abi.encode(uint256(1), elsewhere, token, payer, payee, DELAY, SALT)),
            "chain"
        );
        assertEq(elsewhere.voucherDigest(id, 5), _digest(elsewhere, 1, id, 5), "digest");
    }

    function test_a_channel_needs_a_payee() public {
        vm.expectRevert(PaymentChannels.AddressZero.selector);
        channels.open(address(0), DELAY, SALT, 0);
        channels.open(payee, DELAY, SALT, 0);
    }

    function test_channels_need_a_token() public {
        vm.expectRevert(PaymentChannels.AddressZero.selector);
        _deployChannels(IERC20(address(0)));
    }

    function test_the_delay_is_from_a_day_to_90_days() public {
        uint32[2] memory bad = [uint32(1 days - 1), 90 days + 1];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(PaymentChannels.DelayOutOfRange.selector, 1 days, 90 days, bad[i])
            );
            channels.open(payee, bad[i], SALT, 0);
        }
        channels.open(payee, 1 days, SALT, 0);
        channels.open(payee, 90 days, SALT, 0);
    }

    function test_an_id_is_used_once_for_ever() public {
        vm.startPrank(payer);
        token.approve(address(channels), DEPOSIT);
        vm.expectRevert(abi.encodeWithSelector(PaymentChannels.ChannelTaken.selector, id));
        channels.open(payee, DELAY, SALT, DEPOSIT);
        vm.stopPrank();
        vm.prank(payee);
        channels.close(key);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(PaymentChannels.ChannelTaken.selector, id));
        channels.open(payee, DELAY, SALT, DEPOSIT);
    }

    /// Nobody can take the id of somebody else's pending transaction, or spend a standing approval of it.
    function test_opening_is_not_front_run() public {
        vm.prank(payer);
        token.approve(address(channels), DEPOSIT);
        vm.startPrank(stranger);
        bytes32 other = channels.open(payee, DELAY, "another", 0);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(channels), 0, DEPOSIT)
        );
        channels.open(payee, DELAY, "third", DEPOSIT);
        vm.stopPrank();
        vm.prank(payer);
        assertTrue(channels.open(payee, DELAY, "another", DEPOSIT) != other, "own id");
    }

    // --- opening with a permit ---

    function test_a_permit_stands_for_the_approval() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, DEPOSIT, NOW);
        vm.prank(payer);
        id = channels.openWithPermit(payee, DELAY, "permit", DEPOSIT, NOW, v, r, s);
        _isIn(id, PaymentChannels.Status.Open, DEPOSIT, 0, 0);
        assertEq(token.allowance(payer, address(channels)), 0, "allowance");
    }

    function test_a_permit_that_was_front_run_does_not_block() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, DEPOSIT, NOW);
        vm.prank(stranger);
        ERC20Permit(address(token)).permit(payer, address(channels), DEPOSIT, NOW, v, r, s);
        vm.prank(payer);
        id = channels.openWithPermit(payee, DELAY, "permit", DEPOSIT, NOW, v, r, s);
        _isIn(id, PaymentChannels.Status.Open, DEPOSIT, 0, 0);
    }

    function test_a_wrong_permit_opens_nothing() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, DEPOSIT, NOW - 1);
        vm.prank(payer);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(channels), 0, DEPOSIT)
        );
        channels.openWithPermit(payee, DELAY, "permit", DEPOSIT, NOW - 1, v, r, s);
    }

    /// A permit seen in the pool of pending transactions moves nothing for anybody but its owner.
    function test_a_stolen_permit_opens_nothing() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, DEPOSIT, NOW);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(channels), 0, DEPOSIT)
        );
        channels.openWithPermit(payee, DELAY, "permit", DEPOSIT, NOW, v, r, s);
        assertEq(token.balanceOf(payer), FUNDS - DEPOSIT, "payer");
    }

    // --- topping up ---

    function test_anybody_tops_up_and_the_payer_gets_the_rest() public {
        token.approve(address(channels), 7);
        vm.expectEmit();
        emit PaymentChannels.ToppedUp(id, address(this), 7, DEPOSIT + 7);
        channels.topUp(key, 7);
        _isIn(id, PaymentChannels.Status.Open, DEPOSIT + 7, 0, 0);
        channels.redeem(key, DEPOSIT + 1, _sign(id, DEPOSIT + 1));
        vm.prank(payee);
        channels.close(key);
        assertEq(token.balanceOf(payer), FUNDS - DEPOSIT + 6, "payer");
    }

    function test_a_permit_stands_for_the_approval_of_a_top_up() public {
        (uint8 v, bytes32 r, bytes32 s) = _permit(PAYER, 7, NOW);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(channels), 0, 7)
        );
        channels.topUpWithPermit(key, 7, NOW, v, r, s);
        uint256 state = vm.snapshotState();
        vm.prank(payer);
        channels.topUpWithPermit(key, 7, NOW, v, r, s);
        _isIn(id, PaymentChannels.Status.Open, DEPOSIT + 7, 0, 0);
        vm.revertToState(state);
        ERC20Permit(address(token)).permit(payer, address(channels), 7, NOW, v, r, s);
        vm.prank(payer);
        channels.topUpWithPermit(key, 7, NOW, v, r, s);
        _isIn(id, PaymentChannels.Status.Open, DEPOSIT + 7, 0, 0);
    }

    function test_only_an_open_channel_is_topped_up() public {
        token.approve(address(channels), 1);
        PaymentChannels.ChannelKey memory unknown = _key("unknown");
        vm.expectRevert(_status(channels.channelId(unknown), PaymentChannels.Status.None));
        channels.topUp(unknown, 1);
        vm.prank(payer);
        channels.startClose(key);
        vm.expectRevert(_status(id, PaymentChannels.Status.Closing));
        channels.topUp(key, 1);
        vm.prank(payee);
        channels.close(key);
        vm.expectRevert(_status(id, PaymentChannels.Status.Closed));
        channels.topUp(key, 1);
    }

    // --- redeeming ---

    function test_a_voucher_pays_its_payee_whoever_sends_it() public {
        bytes memory signature = _sign(id, 30 ether);
        vm.expectEmit();
        emit PaymentChannels.Redeemed(id, 30 ether, 30 ether);
        vm.prank(stranger);
        channels.redeem(key, 30 ether, signature);
        assertEq(token.balanceOf(payee), 30 ether, "payee");
        assertEq(token.balanceOf(stranger), 0, "stranger");
        _isIn(id, PaymentChannels.Status.Open, DEPOSIT, 30 ether, 0);
    }

    function test_the_next_voucher_pays_the_difference() public {
        channels.redeem(key, 30 ether, _sign(id, 30 ether));
        vm.expectEmit();
        emit PaymentChannels.Redeemed(id, 12 ether, 42 ether);
        channels.redeem(key, 42 ether, _sign(id, 42 ether));
        assertEq(token.balanceOf(payee), 42 ether, "payee");
        assertEq(token.balanceOf(address(channels)), DEPOSIT - 42 ether, "balance");
    }

    function test_a_voucher_pays_once_and_a_lower_one_nothing() public {
        channels.redeem(key, 30 ether, _sign(id, 30 ether));
        _refused(30 ether, _sign(id, 30 ether), PaymentChannels.VoucherFault.NothingNew);
        _refused(29 ether, _sign(id, 29 ether), PaymentChannels.VoucherFault.NothingNew);
        channels.redeem(key, 30 ether + 1, _sign(id, 30 ether + 1));
    }

    function test_a_voucher_of_nothing_pays_nothing() public {
        _refused(0, _sign(id, 0), PaymentChannels.VoucherFault.NothingNew);
    }

    function test_the_deposit_is_the_limit() public {
        _refused(DEPOSIT + 1, _sign(id, DEPOSIT + 1), PaymentChannels.VoucherFault.DepositExceeded);
        channels.redeem(key, DEPOSIT, _sign(id, DEPOSIT));
        assertEq(token.balanceOf(payee), DEPOSIT, "payee");
    }

    function test_unknown_channels_pay_nothing() public {
        PaymentChannels.ChannelKey memory other = _key("unknown");
        _unknown(other);
        other = _key(SALT);
        other.payee = stranger;
        _unknown(other);
        other = _key(SALT);
        other.payer = stranger;
        _unknown(other);
        other = _key(SALT);
        other.delay += 1;
        _unknown(other);
    }

    /// One voucher per thing that its signature binds; the first is good.
    function test_only_the_payers_signature_of_this_voucher_counts() public {
        bytes32 digest = _digest(channels, 31337, id, 10);
        uint256 state = vm.snapshotState();
        channels.redeem(key, 10, _signature(PAYER, digest));
        vm.revertToState(state);
        _invalid(_signature(PAYER + 1, digest));
        _invalid(_signature(PAYER, _digest(channels, 31337, id, 11)));
        _invalid(_signature(PAYER, _digest(channels, 31337, _open(_key("other"), DEPOSIT), 10)));
        _invalid(_signature(PAYER, _digest(channels, 1, id, 10)));
        _invalid(_signature(PAYER, _digest(_deployChannels(token), 31337, id, 10)));
        _invalid(_signature(PAYER, keccak256(abi.encode(channels.VOUCHER_TYPEHASH(), id, 10))));
        _invalid("");
        _invalid(new bytes(65));
    }

    /// A payee with a key cannot sign for its payer.
    function test_the_payees_signature_does_not_count() public {
        key.payee = vm.addr(PAYER + 1);
        id = _open(key, DEPOSIT);
        bytes32 digest = _digest(channels, 31337, id, 10);
        bytes memory own = _signature(PAYER + 1, digest);
        vm.prank(key.payee);
        _invalid(own);
        channels.redeem(key, 10, _signature(PAYER, digest));
        assertEq(token.balanceOf(key.payee), 10, "payee");
    }

    /// The other point of the curve with the same x signs the same; it is refused, and would spend nothing twice.
    function test_a_signature_has_one_form() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER, _digest(channels, 31337, id, 10));
        _invalid(abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? 28 : 27));
        _invalid(abi.encodePacked(r, s, v, uint8(0)));
        channels.redeem(key, 10, abi.encodePacked(r, s, v));
    }

    /// Two channels of the same two: one's voucher is worth nothing in the other, before or after it was redeemed.
    function test_a_voucher_is_not_replayed_in_another_channel() public {
        PaymentChannels.ChannelKey memory other = _key("other");
        bytes32 otherId = _open(other, DEPOSIT);
        bytes memory signature = _sign(id, 10 ether);
        bytes memory refusal = _voucher(otherId, PaymentChannels.VoucherFault.SignatureInvalid);
        vm.expectRevert(refusal);
        channels.redeem(other, 10 ether, signature);
        channels.redeem(key, 10 ether, signature);
        vm.expectRevert(refusal);
        channels.redeem(other, 10 ether, signature);
    }

    /// If the chain splits, channels of the renumbered part take no voucher of the other part, and can still end.
    function test_a_renumbered_chain_pays_no_old_voucher_and_returns_the_money() public {
        bytes memory signature = _sign(id, 10 ether);
        vm.chainId(99);
        assertEq(channels.channelId(key), id, "still the same channel");
        _refused(10 ether, signature, PaymentChannels.VoucherFault.SignatureInvalid);
        vm.prank(payer);
        channels.startClose(key);
        vm.warp(NOW + DELAY);
        channels.withdraw(key);
        assertEq(token.balanceOf(payer), FUNDS, "payer");
    }

    /// @dev Vouchers in any order, some beyond the deposit: what is paid is the largest one that was redeemable.
    function testFuzz_vouchers_in_any_order_pay_the_largest(uint96[8] memory amounts) public {
        uint256 largest;
        for (uint256 i = 0; i < 8; ++i) {
            uint96 amount = amounts[i] % (DEPOSIT + DEPOSIT / 2);
            bool pays = amount > largest && amount <= DEPOSIT;
            bytes memory signature = _sign(id, amount);
            try channels.redeem(key, amount, signature) {
                assertTrue(pays, "paid");
                largest = amount;
            } catch {
                assertTrue(!pays, "refused");
            }
            assertEq(token.balanceOf(payee), largest, "payee");
        }
        vm.prank(payee);
        channels.close(key);
        assertEq(token.balanceOf(payer), FUNDS - largest, "payer");
        assertEq(token.balanceOf(address(channels)), 0, "nothing left");
    }

    /// @dev Any bit of a signature.
    function testFuzz_a_damaged_signature_is_refused(uint16 bit) public {
        bytes memory signature = _sign(id, 10);
        bit = bit % 520;
        signature[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        _invalid(signature);
    }

    // --- batches ---

    function test_a_batch_pays_many_channels_in_one_transfer() public {
        bytes32 other = _open(_key("other"), DEPOSIT);
        PaymentChannels.Voucher[] memory vouchers = new PaymentChannels.Voucher[](2);
        vouchers[0] = PaymentChannels.Voucher(payer, DELAY, SALT, 3 ether, _sign(id, 3 ether));
        vouchers[1] = PaymentChannels.Voucher(payer, DELAY, "other", 4 ether, _sign(other, 4 ether));
        vm.expectEmit();
        emit PaymentChannels.Redeemed(id, 3 ether, 3 ether);
        vm.expectEmit();
        emit PaymentChannels.Redeemed(other, 4 ether, 4 ether);
        vm.expectEmit();
        emit IERC20.Transfer(address(channels), payee, 7 ether);
        vm.prank(stranger);
        assertEq(channels.redeemMany(payee, vouchers), 7 ether, "paid");
        assertEq(token.balanceOf(payee), 7 ether, "payee");
    }

    /// Somebody redeems a voucher of the batch first, a payer takes the rest of its channel, another one turns: the others are paid.
    function test_a_batch_is_not_spoilt() public {
        bytes32[5] memory ids;
        PaymentChannels.Voucher[] memory vouchers = new PaymentChannels.Voucher[](5);
        for (uint256 i = 0; i < 4; ++i) {
            ids[i] = _open(_key(bytes32(i)), DEPOSIT);
            vouchers[i] = PaymentChannels.Voucher(payer, DELAY, bytes32(i), 1 ether, _sign(ids[i], 1 ether));
        }
        channels.redeem(_key(0), 1 ether, vouchers[0].signature);
        vm.prank(payer);
        channels.startClose(_key(bytes32(uint256(1))));
        vm.warp(NOW + DELAY);
        vouchers[2].signature = "";
        ids[4] = _idOf(_key("unknown"));
        vouchers[4] = PaymentChannels.Voucher(payer, DELAY, "unknown", 1 ether, "");
        vm.expectEmit();
        emit PaymentChannels.VoucherSkipped(ids[0], PaymentChannels.VoucherFault.NothingNew);
        vm.expectEmit();
        emit PaymentChannels.VoucherSkipped(ids[1], PaymentChannels.VoucherFault.ChannelClosed);
        vm.expectEmit();
        emit PaymentChannels.VoucherSkipped(ids[2], PaymentChannels.VoucherFault.SignatureInvalid);
        vm.expectEmit();
        emit PaymentChannels.Redeemed(ids[3], 1 ether, 1 ether);
        vm.expectEmit();
        emit PaymentChannels.VoucherSkipped(ids[4], PaymentChannels.VoucherFault.ChannelUnknown);
        assertEq(channels.redeemMany(payee, vouchers), 1 ether, "paid");
        assertEq(token.balanceOf(payee), 2 ether, "payee");
        assertEq(channels.redeemMany(payee, vouchers), 0, "again");
    }

    function test_a_voucher_stands_twice_in_a_batch_and_pays_once() public {
        PaymentChannels.Voucher[] memory vouchers = new PaymentChannels.Voucher[](2);
        vouchers[0] = PaymentChannels.Voucher(payer, DELAY, SALT, 3 ether, _sign(id, 3 ether));
        vouchers[1] = vouchers[0];
        assertEq(channels.redeemMany(payee, vouchers), 3 ether, "paid");
    }

    function test_a_batch_pays_only_the_payee_that_the_vouchers_are_for() public {
        PaymentChannels.Voucher[] memory vouchers = new PaymentChannels.Voucher[](1);
        vouchers[0] = PaymentChannels.Voucher(payer, DELAY, SALT, 3 ether, _sign(id, 3 ether));
        assertEq(channels.redeemMany(stranger, vouchers), 0, "paid");
        assertEq(token.balanceOf(stranger), 0, "stranger");
        assertEq(channels.redeemMany(payee, vouchers), 3 ether, "still good");
    }

    function test_a_batch_has_a_limit() public {
        PaymentChannels.Voucher[] memory vouchers = new PaymentChannels.Voucher[](129);
        for (uint256 i = 0; i < 129; ++i) vouchers[i] = PaymentChannels.Voucher(payer, DELAY, SALT, 0, "");
        vm.expectRevert(abi.encodeWithSelector(PaymentChannels.TooManyVouchers.selector, 128, 129));
        channels.redeemMany(payee, vouchers);
        assembly ("memory-safe") {
            mstore(vouchers, 128)
        }
        assertEq(channels.redeemMany(payee, vouchers), 0, "paid");
    }

    // --- ends ---

    function test_the_payee_closes_at_once() public {
        channels.redeem(key, 30 ether, _sign(id, 30 ether));
        vm.expectEmit();
        emit PaymentChannels.ChannelClosed(id, payer, DEPOSIT - 30 ether, true);
        vm.prank(payee);
        channels.close(key);
        assertEq(token.balanceOf(payer), FUNDS - 30 ether, "payer");
        assertEq(token.balanceOf(address(channels)), 0, "nothing left");
        _isIn(id, PaymentChannels.Status.Closed, DEPOSIT, 30 ether, 0);
        _refused(31 ether, _sign(id, 31 ether), PaymentChannels.VoucherFault.ChannelClosed);
    }

    function test_the_payee_closes_while_the_payer_does() public {
        vm.prank(payer);
        channels.startClose(key);
        vm.prank(payee);
        channels.close(key);
        assertEq(token.balanceOf(payer), FUNDS, "payer");
        vm.warp(NOW + DELAY);
        vm.expectRevert(_status(id, PaymentChannels.Status.Closed));
        channels.withdraw(key);
    }

    function test_only_the_payee_closes() public {
        address[2] memory others = [payer, stranger];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(PaymentChannels.NotPayee.selector, payee, others[i]));
            channels.close(key);
        }
    }

    function test_a_channel_is_closed_once() public {
        vm.startPrank(payee);
        channels.close(key);
        vm.expectRevert(_status(id, PaymentChannels.Status.Closed));
        channels.close(key);
        PaymentChannels.ChannelKey memory unknown = _key("unknown");
        vm.expectRevert(_status(channels.channelId(unknown), PaymentChannels.Status.None));
        channels.close(unknown);
    }

    function test_the_payer_closes_after_the_delay() public {
        channels.redeem(key, 30 ether, _sign(id, 30 ether));
        vm.expectEmit();
        emit PaymentChannels.CloseStarted(id, uint40(NOW + DELAY));
        vm.prank(payer);
        channels.startClose(key);
        _isIn(id, PaymentChannels.Status.Closing, DEPOSIT, 30 ether, NOW + DELAY);
        vm.warp(NOW + DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(PaymentChannels.StillClosing.selector, id, NOW + DELAY));
        channels.withdraw(key);
        // The last second of the payee.
        channels.redeem(key, 40 ether, _sign(id, 40 ether));
        vm.warp(NOW + DELAY);
        _refused(41 ether, _sign(id, 41 ether), PaymentChannels.VoucherFault.ChannelClosed);
        vm.expectEmit();
        emit PaymentChannels.ChannelClosed(id, payer, DEPOSIT - 40 ether, false);
        vm.prank(stranger);
        channels.withdraw(key);
        assertEq(token.balanceOf(payer), FUNDS - 40 ether, "payer");
        assertEq(token.balanceOf(payee), 40 ether, "payee");
        assertEq(token.balanceOf(stranger), 0, "stranger");
        vm.expectRevert(_status(id, PaymentChannels.Status.Closed));
        channels.withdraw(key);
    }

    function test_only_the_payer_starts_to_close() public {
        address[2] memory others = [payee, stranger];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(PaymentChannels.NotPayer.selector, payer, others[i]));
            channels.startClose(key);
        }
    }

    function test_a_close_is_started_once() public {
        vm.startPrank(payer);
        channels.startClose(key);
        vm.warp(NOW + 1);
        vm.expectRevert(_status(id, PaymentChannels.Status.Closing));
        channels.startClose(key);
        vm.warp(NOW + DELAY);
        channels.withdraw(key);
        vm.expectRevert(_status(id, PaymentChannels.Status.Closed));
        channels.startClose(key);
        PaymentChannels.ChannelKey memory unknown = _key("unknown");
        vm.expectRevert(_status(channels.channelId(unknown), PaymentChannels.Status.None));
        channels.startClose(unknown);
    }

    function test_an_open_channel_is_not_withdrawn() public {
        vm.warp(NOW + 365 days);
        vm.expectRevert(_status(id, PaymentChannels.Status.Open));
        channels.withdraw(key);
    }

    /// The payer sends a low voucher, or starts to close, before the payee's transaction: the payee still gets all.
    function test_redeeming_is_not_front_run() public {
        bytes memory best = _sign(id, 50 ether);
        channels.redeem(key, 1, _sign(id, 1));
        vm.prank(payer);
        channels.startClose(key);
        channels.redeem(key, 50 ether, best);
        assertEq(token.balanceOf(payee), 50 ether, "payee");
    }

    function test_an_empty_remainder_ends_too() public {
        channels.redeem(key, DEPOSIT, _sign(id, DEPOSIT));
        vm.prank(payee);
        channels.close(key);
        _isIn(id, PaymentChannels.Status.Closed, DEPOSIT, DEPOSIT, 0);
    }

    // --- contract wallets ---

    function test_a_contract_wallet_pays() public {
        ContractWallet wallet = new ContractWallet();
        (PaymentChannels.ChannelKey memory walletKey, bytes32 walletId) = _openFor(address(wallet));
        vm.expectRevert(_voucher(walletId, PaymentChannels.VoucherFault.SignatureInvalid));
        channels.redeem(walletKey, 5, "");
        wallet.accept(_digest(channels, 31337, walletId, 5));
        channels.redeem(walletKey, 5, "");
        assertEq(token.balanceOf(payee), 5, "payee");
    }

    /// A wallet that accepts everything gives away no more than its own deposit; one that misbehaves harms only its own channel.
    function test_a_fickle_wallet_harms_only_its_own_channel() public {
        FickleWallet wallet = new FickleWallet();
        (PaymentChannels.ChannelKey memory walletKey, bytes32 walletId) = _openFor(address(wallet));
        channels.redeem(walletKey, 5, "");
        vm.expectRevert(_voucher(walletId, PaymentChannels.VoucherFault.DepositExceeded));
        channels.redeem(walletKey, DEPOSIT + 1, "");
        for (uint8 mood = 1; mood < 6; ++mood) {
            wallet.set(FickleWallet.Mood(mood));
            vm.expectRevert(_voucher(walletId, PaymentChannels.VoucherFault.SignatureInvalid));
            channels.redeem(walletKey, 10, "");
        }
        channels.redeem(key, 10, _sign(id, 10));
        vm.prank(payee);
        channels.close(walletKey);
        assertEq(token.balanceOf(address(wallet)), FUNDS - 5, "wallet");
    }

    /// A payer's own key counts even if its account delegates to code that denies everything.
    function test_delegated_code_does_not_take_vouchers_back() public {
        bytes memory signature = _sign(id, 10);
        FickleWallet denies = new FickleWallet();
        vm.etch(payer, address(denies).code);
        FickleWallet(payer).set(FickleWallet.Mood.Refuses);
        _invalid(_signature(PAYER + 1, _digest(channels, 31337, id, 10)));
        channels.redeem(key, 10, signature);
        assertEq(token.balanceOf(payee), 10, "payee");
    }

    // --- tokens ---

    function test_a_fee_token_counts_what_arrived() public {
        _use(new FeeToken());
        (uint256 before, uint96 arrived) = (token.balanceOf(payer), DEPOSIT - DEPOSIT / 100);
        id = _open(key, DEPOSIT);
        _isIn(id, PaymentChannels.Status.Open, arrived, 0, 0);
        token.approve(address(channels), 100);
        channels.topUp(key, 100);
        _isIn(id, PaymentChannels.Status.Open, arrived + 99, 0, 0);
        _refused(arrived + 100, _sign(id, arrived + 100), PaymentChannels.VoucherFault.DepositExceeded);
        channels.redeem(key, 200, _sign(id, 200));
        assertEq(token.balanceOf(payee), 198, "payee");
        vm.prank(payee);
        channels.close(key);
        assertEq(token.balanceOf(address(channels)), 0, "nothing left");
        uint256 rest = arrived + 99 - 200;
        assertEq(token.balanceOf(payer), before - DEPOSIT + rest - rest / 100, "payer");
    }

    function test_a_token_that_returns_false_moves_nothing() public {
        FalseToken falseToken = new FalseToken();
        _use(falseToken);
        id = _open(key, DEPOSIT);
        bytes memory signature = _sign(id, 10);
        vm.prank(payer);
        token.approve(address(channels), 1);
        falseToken.breakIt();
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token);
        vm.expectRevert(failed);
        channels.redeem(key, 10, signature);
        vm.startPrank(payer);
        vm.expectRevert(failed);
        channels.open(payee, DELAY, "false", 1);
        vm.expectRevert(failed);
        channels.topUp(key, 1);
        vm.stopPrank();
        vm.prank(payee);
        vm.expectRevert(failed);
        channels.close(key);
        _isIn(id, PaymentChannels.Status.Open, DEPOSIT, 0, 0);
    }

    /// A token that refuses one of the two does not hold the other one's money back.
    function test_a_token_that_reverts_for_one_pays_the_other() public {
        BlockingToken blocking = new BlockingToken();
        _use(blocking);
        id = _open(key, DEPOSIT);
        bytes memory signature = _sign(id, 10);
        blocking.block_(payee);
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, payee));
        channels.redeem(key, 10, signature);
        uint256 state = vm.snapshotState();
        vm.prank(payer);
        channels.startClose(key);
        vm.warp(NOW + DELAY);
        channels.withdraw(key);
        assertEq(token.balanceOf(payer), FUNDS, "payer");
        vm.revertToState(state);
        blocking.block_(payer);
        channels.redeem(key, 10, signature);
        assertEq(token.balanceOf(payee), 10, "payee");
        vm.prank(payee);
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, payer));
        channels.close(key);
    }

    /// Every call that moves tokens is entered again in the middle of the transfer by every such call.
    function test_a_reentrant_token_gets_nowhere() public {
        ReentrantToken reentrant = new ReentrantToken();
        _use(reentrant);
        id = _open(key, DEPOSIT);
        bytes memory signature = _sign(id, 10);
        PaymentChannels.Voucher[] memory vouchers = new PaymentChannels.Voucher[](1);
        vouchers[0] = PaymentChannels.Voucher(payer, DELAY, SALT, 10, signature);
        bytes[8] memory calls = [
            abi.encodeCall(channels.open, (payee, DELAY, "inner", 0)),
            abi.encodeCall(channels.openWithPermit, (payee, DELAY, "inner", 0, 0, 0, 0, 0)),
            abi.encodeCall(channels.topUp, (key, 0)),
            abi.encodeCall(channels.redeem, (key, 10, signature)),
            abi.encodeCall(channels.redeemMany, (payee, vouchers)),
            abi.encodeCall(channels.close, (key)),
            abi.encodeCall(channels.withdraw, (key)),
            abi.encodeCall(channels.topUpWithPermit, (key, 0, 0, 0, 0, 0))
        ];
        token.approve(address(channels), type(uint256).max);
        for (uint256 outer = 0; outer < 8; ++outer) {
            for (uint256 inner = 0; inner < 8; ++inner) {
                uint256 state = vm.snapshotState();
                if (outer == 6) {
                    vm.prank(payer);
                    channels.startClose(key);
                    vm.warp(NOW + DELAY);
                }
                reentrant.arm(address(channels), calls[inner]);
                if (outer == 5) vm.prank(payee);
                (bool ok, ) = address(channels).call(outer < 3 || outer == 7 ? _with(calls[outer], 1) : calls[outer]);
                assertTrue(ok, "outer");
                assertTrue(!reentrant.called(), "inner");
                bytes4 reason = bytes4(reentrant.answer());
                assertEq(reason, ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "reason");
                vm.revertToState(state);
            }
        }
    }

    function test_a_gift_belongs_to_no_channel() public {
        token.transfer(address(channels), 5);
        vm.prank(payee);
        channels.close(key);
        assertEq(token.balanceOf(payer), FUNDS, "payer");
        assertEq(token.balanceOf(address(channels)), 5, "gift");
    }

    function test_it_stays_small_enough_to_be_read() public view {
        assertTrue(address(channels).code.length < 10240, "size");
    }

    // --- parts ---

    /// @dev A call that deposits, with another amount: the fourth word when it opens, else the fifth, behind the key.
    function _with(bytes memory data, uint256 amount) private view returns (bytes memory) {
        bytes4 selector = bytes4(data);
        uint256 place = selector == channels.topUp.selector || selector == channels.topUpWithPermit.selector ? 5 : 4;
        assembly ("memory-safe") {
            mstore(add(add(data, 4), mul(place, 0x20)), amount)
        }
        return data;
    }

    function _use(ERC20 token_) private {
        _deploy(token_);
        token.transfer(payer, FUNDS);
    }

    function _openFor(address wallet) private returns (PaymentChannels.ChannelKey memory walletKey, bytes32 walletId) {
        walletKey = PaymentChannels.ChannelKey(wallet, payee, DELAY, SALT);
        token.transfer(wallet, FUNDS);
        walletId = _open(walletKey, DEPOSIT);
    }

    function _permit(uint256 signer, uint256 amount, uint256 deadline) private view returns (uint8, bytes32, bytes32) {
        ERC20Permit permitted = ERC20Permit(address(token));
        address owner = vm.addr(signer);
        bytes32 typehash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(
            abi.encode(typehash, owner, channels, amount, permitted.nonces(owner), deadline)
        );
        return vm.sign(signer, keccak256(abi.encodePacked(hex"1901", permitted.DOMAIN_SEPARATOR(), structHash)));
    }

    function _refused(uint96 amount, bytes memory signature, PaymentChannels.VoucherFault fault) private {
        vm.expectRevert(_voucher(id, fault));
        channels.redeem(key, amount, signature);
    }

    function _invalid(bytes memory signature) private {
        _refused(10, signature, PaymentChannels.VoucherFault.SignatureInvalid);
    }

    function _unknown(PaymentChannels.ChannelKey memory other) private {
        bytes32 otherId = channels.channelId(other);
        bytes memory signature = _sign(otherId, 10);
        vm.expectRevert(_voucher(otherId, PaymentChannels.VoucherFault.ChannelUnknown));
        channels.redeem(other, 10, signature);
    }

    function _voucher(bytes32 channel, PaymentChannels.VoucherFault fault) private pure returns (bytes memory) {
        return abi.encodeWithSelector(PaymentChannels.VoucherRefused.selector, channel, fault);
    }

    function _status(bytes32 channel, PaymentChannels.Status actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(PaymentChannels.ChannelStatus.selector, channel, actual);
    }

    function _isIn(
        bytes32 channelId,
        PaymentChannels.Status status,
        uint256 deposited,
        uint256 redeemed,
        uint256 closesAt
    ) private view {
        PaymentChannels.Channel memory channel = channels.channelOf(channelId);
        assertEq(uint256(channel.status), uint256(status), "status");
        assertEq(channel.deposited, deposited, "deposited");
        assertEq(channel.redeemed, redeemed, "redeemed");
        assertEq(channel.closesAt, closesAt, "closesAt");
    }
}
