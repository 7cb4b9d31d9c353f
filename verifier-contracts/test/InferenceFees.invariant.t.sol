// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Guardian} from "../src/Guardian.sol";
import {InferenceFees} from "../src/InferenceFees.sol";
import {Fees} from "./Fees.sol";
import {Test} from "./Vm.sol";

/// @title Anybody doing anything with the fees of three epochs, beside a second set of accounts
/// @notice Every call is foretold from the accounts kept here, whether it passes and what it pays; none of them is read from the contract. Epoch 0
/// and 1 are active, 2 is posted and becomes active with time. What contributions are owed is recomputed from the list of all payments.
contract FeesHandler is Test {
    struct Word {
        uint256 word;
        bytes32[] siblings;
        /// wei of the word, zero for a charge
        uint256 share;
        address wallet;
        uint256 had;
    }

    /// @dev Kept apart from the contract's: what was set, with its times, in order.
    struct Setting {
        uint256 from;
        uint16 trainer;
        uint16 operator;
    }

    uint256 public constant FUNDS = 10_000 ether;
    uint256 public constant NOTICE = 3 days;

    InferenceFees public immutable fees;
    IERC20 public immutable token;
    Guardian public immutable fuse;
    address public immutable steward;
    address public immutable governance;
    address public immutable member;
    address public immutable treasury;
    address public immutable stranger = address(0x5724);
    uint256 public immutable activeAt;
    address[2] public payers = [address(0xBA1), address(0xBA2)];
    /// @dev One of them is nobody.
    address[3] public operators = [address(0), address(0x0B1), address(0x0B2)];

    uint256[3] public epochs;
    uint256[3] public paidOf;
    Word[5][3] private _words;
    Setting[][3] private _settings;
    /// @dev Wei for contributors, one by one, so that nothing here is summed as the contract does.
    uint256[][3] private _parts;
    mapping(address account => uint256) public creditOf;
    mapping(address who => int256) public moved;
    InferenceFees.Bounds private _bounds;
    uint256 public gifts;
    uint256 public time;
    uint256 public pausedUntil;
    /// @dev Nothing more is told to it; forge plays with everything that is public.
    bool private _sealed;

    constructor(
        InferenceFees fees_,
        Guardian brake_,
        address steward_,
        address governance_,
        address member_,
        uint256 time_,
        uint256 activeAt_,
        InferenceFees.Bounds memory bounds_
    ) {
        (fees, token, fuse) = (fees_, fees_.token(), brake_);
        (steward, governance, member, treasury) = (steward_, governance_, member_, fees_.treasury());
        (time, activeAt, _bounds) = (time_, activeAt_, bounds_);
    }

    function setEpoch(uint256 e, uint256 epoch, uint256 paid) external {
        if (_sealed) return;
        (epochs[e], paidOf[e]) = (epoch, paid);
    }

    function setWord(uint256 e, uint256 i, uint256 word, bytes32[] calldata siblings, address wallet) external {
        if (_sealed) return;
        uint256 share = (word >> 96) & 1 == 1 ? 0 : uint96(word);
        _words[e][i] = Word(word, siblings, share, wallet, 0);
    }

    function seal() external {
        _sealed = true;
    }

    function wordOf(uint256 e, uint256 i) external view returns (Word memory) {
        return _words[e][i];
    }

    // --- actions ---

    function pay(uint256 which, uint256 who, uint256 operator, uint96 amount, bytes32 entry) external {
        InferenceFees.Payment memory payment = _payment(which, operator, amount, entry);
        address payer = payers[who % 2];
        vm.startPrank(payer);
        token.approve(address(fees), payment.amount);
        bool passes = _passes(which % 3, payment.amount) && time >= pausedUntil;
        _expect(passes, abi.encodeCall(fees.pay, (payment)));
        vm.stopPrank();
        if (passes) _paid(which % 3, payer, payment);
    }

    function payMany(uint256 who, uint256[3] calldata which, uint256[3] calldata operator, uint96[3] calldata amount) external {
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](3);
        address payer = payers[who % 2];
        bool passes = time >= pausedUntil;
        uint256 sum;
        for (uint256 i = 0; i < 3; ++i) {
            batch[i] = _payment(which[i], operator[i], amount[i], bytes32(i));
            passes = passes && _passes(which[i] % 3, batch[i].amount);
            sum += batch[i].amount;
        }
        vm.startPrank(payer);
        token.approve(address(fees), sum);
        _expect(passes, abi.encodeCall(fees.payMany, (batch)));
        vm.stopPrank();
        if (!passes) return;
        for (uint256 i = 0; i < 3; ++i) _paid(which[i] % 3, payer, batch[i]);
    }

    function claim(uint256 which, uint256 i, address sender) external {
        (uint256 e, Word storage word) = _pick(which, i);
        uint256 due = owedOf(e, i % 5);
        bool passes = time >= activeAt * (e / 2) && due != 0;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(fees.claimFees, (epochs[e], word.word, word.siblings)));
        if (passes) _claimed(word, due);
    }

    /// @dev All words of the active epochs, one of them twice.
    function claimMany(address sender) external {
        uint256 count = time >= activeAt ? 3 : 2;
        InferenceFees.Claim[] memory claims = new InferenceFees.Claim[](5 * count + 1);
        uint256 due;
        for (uint256 k = 0; k < claims.length; ++k) {
            (uint256 e, uint256 i) = k < 5 * count ? (k / 5, k % 5) : (0, 0);
            Word storage word = _words[e][i];
            claims[k] = InferenceFees.Claim(epochs[e], word.word, word.siblings);
            uint256 one = owedOf(e, i);
            due += one;
            _claimed(word, one);
        }
        vm.prank(sender);
        assertEq(fees.claimMany(claims), due, "batch");
    }

    /// @dev Another amount, another place, another epoch.
    function claimForged(uint256 which, uint256 i, uint256 bit, address sender) external {
        (uint256 e, Word storage word) = _pick(which, i);
        vm.prank(sender);
        _expect(false, abi.encodeCall(fees.claimFees, (epochs[e], word.word ^ (1 << (bit % 256)), word.siblings)));
        _expect(false, abi.encodeCall(fees.claimFees, (epochs[(e + 1) % 3], word.word, word.siblings)));
    }

    function withdraw(uint256 who, address sender) external {
        address[6] memory accounts = [operators[1], operators[2], steward, treasury, stranger, payers[0]];
        address account = accounts[who % 6];
        uint256 amount = creditOf[account];
        vm.prank(sender);
        _expect(amount != 0, abi.encodeCall(fees.withdraw, (account)));
        creditOf[account] = 0;
        moved[account] += int256(amount);
    }

    function setSplit(uint256 which, uint16 trainer, uint16 operator, bool bySteward) external {
        (trainer, operator) = (trainer % 3000, operator % 4000);
        bool passes = bySteward && trainer <= _bounds.maxTrainer && operator <= _bounds.maxOperator;
        vm.prank(bySteward ? steward : stranger);
        _expect(passes, abi.encodeCall(fees.setSplit, (epochs[which % 3], trainer, operator)));
        if (!passes) return;
        Setting[] storage settings = _settings[which % 3];
        // What had not taken effect is replaced.
        if (settings.length != 0 && settings[settings.length - 1].from > time) settings.pop();
        settings.push(Setting(time + NOTICE, trainer, operator));
    }

    /// @dev No call of the owner changes what anybody has or is owed.
    function setBounds(uint16 treasuryPart, uint16 maxTrainer, uint16 maxOperator, bool byOwner) external {
        InferenceFees.Bounds memory bounds = InferenceFees.Bounds(treasuryPart % 1100, maxTrainer % 3500, maxOperator % 3500);
        bool passes = byOwner &&
            bounds.treasury <= 1000 &&
            uint256(bounds.treasury) + bounds.maxTrainer + bounds.maxOperator <= 6000;
        uint256 held = token.balanceOf(governance) + token.balanceOf(treasury);
        vm.prank(byOwner ? governance : steward);
        _expect(passes, abi.encodeCall(fees.setBounds, (bounds)));
        assertEq(token.balanceOf(governance) + token.balanceOf(treasury), held, "nothing moved");
        if (passes) _bounds = bounds;
    }

    function pause(uint256 duration) external {
        duration = 1 + (duration % 14 days);
        bool passes = pausedUntil == 0 || time >= pausedUntil + 14 days;
        vm.prank(member);
        try fuse.pause(duration, "") {
            assertTrue(passes, "paused too early");
            pausedUntil = time + duration;
        } catch {
            assertTrue(!passes, "pause refused");
        }
    }

    /// @dev Lets time pass: up to two days, or to the second around the next effect of a split.
    function warp(uint256 which, uint256 seconds_) external {
        uint256 next = time + (seconds_ % 2 days);
        Setting[] storage settings = _settings[which % 3];
        if (seconds_ % 2 == 0 && settings.length != 0 && settings[settings.length - 1].from > time) {
            next = settings[settings.length - 1].from - 1 + (seconds_ % 3);
        }
        if (seconds_ % 5 == 0 && time < activeAt) next = activeAt - 1 + (seconds_ % 3);
        if (next > time) time = next;
        vm.warp(time);
    }

    function give(uint96 amount) external {
        amount = amount % 1 ether;
        vm.prank(payers[0]);
        token.transfer(address(fees), amount);
        gifts += amount;
        moved[payers[0]] -= int256(uint256(amount));
    }

    // --- parts ---

    /// @notice What a word is owed: each payment for contributors counts, and the sum is rounded once.
    function owedOf(uint256 e, uint256 i) public view returns (uint256) {
        Word storage word = _words[e][i];
        if (word.share == 0) return 0;
        return (totalOf(e) * word.share) / paidOf[e] - word.had;
    }

    function totalOf(uint256 e) public view returns (uint256 total) {
        for (uint256 k = 0; k < _parts[e].length; ++k) total += _parts[e][k];
    }

    /// @notice What the contract keeps for an epoch.
    function potOf(uint256 e) public view returns (uint256 pot) {
        pot = totalOf(e);
        for (uint256 i = 0; i < 5; ++i) pot -= _words[e][i].had;
    }

    /// @notice Trainer's and operator's part now: the latest setting whose time has come, cut to the bounds.
    function splitOf(uint256 e) public view returns (uint256 trainer, uint256 operator, uint256 treasuryPart) {
        Setting[] storage settings = _settings[e];
        for (uint256 k = 0; k < settings.length; ++k) {
            if (settings[k].from <= time) (trainer, operator) = (settings[k].trainer, settings[k].operator);
        }
        if (trainer > _bounds.maxTrainer) trainer = _bounds.maxTrainer;
        if (operator > _bounds.maxOperator) operator = _bounds.maxOperator;
        treasuryPart = _bounds.treasury;
    }

    function _payment(
        uint256 which,
        uint256 operator,
        uint96 amount,
        bytes32 entry
    ) private view returns (InferenceFees.Payment memory) {
        // Small ones too: floors matter most there.
        amount = amount % 3 == 0 ? amount % 20_000 : amount % 5 ether;
        return InferenceFees.Payment(epochs[which % 3], amount, operators[operator % 3], entry);
    }

    function _passes(uint256 e, uint96 amount) private view returns (bool) {
        return amount != 0 && (e != 2 || time >= activeAt);
    }

    function _paid(uint256 e, address payer, InferenceFees.Payment memory payment) private {
        (uint256 trainer, uint256 operator, uint256 treasuryPart) = splitOf(e);
        uint256 rest = payment.amount;
        if (payment.operator == address(0)) operator = 0;
        rest -= _credit(steward, (payment.amount * trainer) / 10_000);
        rest -= _credit(payment.operator, (payment.amount * operator) / 10_000);
        rest -= _credit(treasury, (payment.amount * treasuryPart) / 10_000);
        _parts[e].push(rest);
        moved[payer] -= int256(uint256(payment.amount));
    }

    function _credit(address account, uint256 amount) private returns (uint256) {
        creditOf[account] += amount;
        return amount;
    }

    function _claimed(Word storage word, uint256 due) private {
        word.had += due;
        moved[word.wallet] += int256(due);
    }

    function _pick(uint256 which, uint256 i) private view returns (uint256 e, Word storage word) {
        e = which % 3;
        word = _words[e][i % 5];
    }

    function _expect(bool passes, bytes memory data) private {
        (bool ok, ) = address(fees).call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
    }
}

contract InferenceFeesInvariants is Fees {
    FeesHandler private handler;
    mapping(address who => uint256) private _atFirst;

    function setUp() public override {
        super.setUp();
        // The third epoch is posted now and becomes active a day later.
        uint256[] memory equal = new uint256[](5);
        for (uint256 i = 0; i < 5; ++i) equal[i] = 3 | (i << 128);
        uint256 second = _active(equal);
        uint256 third = _attributed(5);
        _fund(third, POOL);
        _post(third, _words());
        handler = new FeesHandler(fees, Guardian(guardian), address(this), governance, brake, ACTIVE, 2 * ACTIVE - NOW, _bounds());
        _tell(0, epoch, _words());
        _tell(1, second, equal);
        _tell(2, third, _words());
        handler.seal();
        for (uint256 i = 0; i < 2; ++i) token.transfer(handler.payers(i), handler.FUNDS());
        address[6] memory all = [handler.payers(0), handler.payers(1), handler.operators(1), handler.operators(2), treasury, address(this)];
        for (uint256 i = 0; i < 6; ++i) _atFirst[all[i]] = token.balanceOf(all[i]);
        for (uint256 i = 0; i < 5; ++i) _atFirst[_wallet(i)] = token.balanceOf(_wallet(i));
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    /// A word can claim what it is owed, and what no word can have yet is less than a wei for each positive word: nothing is kept from the contributors.
    function invariant_contributors_have_and_can_have_what_was_foretold() external {
        uint256 state = vm.snapshotState();
        if (handler.time() < handler.activeAt()) vm.warp(handler.activeAt());
        for (uint256 e = 0; e < 3; ++e) {
            uint256 id = handler.epochs(e);
            uint256 positive;
            for (uint256 i = 0; i < 5; ++i) {
                FeesHandler.Word memory word = handler.wordOf(e, i);
                uint256 owed = handler.owedOf(e, i);
                assertEq(fees.owedOf(id, word.word, word.siblings), owed, "owed");
                assertEq(fees.claimedOf(id, i), word.had, "claimed");
                if (word.share != 0) ++positive;
                if (owed == 0) continue;
                uint256 before = token.balanceOf(word.wallet);
                fees.claimFees(id, word.word, word.siblings);
                assertEq(token.balanceOf(word.wallet), before + owed, "paid");
            }
            assertTrue(fees.potOf(id).balance < positive, "floors");
        }
        vm.revertToState(state);
        vm.warp(handler.time());
    }

    function invariant_everybody_and_everything_is_what_was_foretold() external view {
        uint256 here = handler.gifts();
        for (uint256 e = 0; e < 3; ++e) {
            uint256 id = handler.epochs(e);
            InferenceFees.Pot memory pot = fees.potOf(id);
            assertEq(pot.total, handler.totalOf(e), "total");
            assertEq(pot.balance, handler.potOf(e), "pot");
            here += handler.potOf(e);
            _isSplit(e, fees.splitOf(id));
        }
        address[5] memory accounts = [handler.operators(1), handler.operators(2), treasury, address(this), governance];
        for (uint256 i = 0; i < 5; ++i) {
            assertEq(fees.creditOf(accounts[i]), handler.creditOf(accounts[i]), "credit");
            here += handler.creditOf(accounts[i]);
            _has(accounts[i]);
        }
        assertEq(token.balanceOf(address(fees)), here, "balance");
        for (uint256 i = 0; i < 2; ++i) _has(handler.payers(i));
        for (uint256 i = 0; i < 5; ++i) _has(_wallet(i));
        assertEq(token.balanceOf(brake), 0, "member");
        assertEq(token.balanceOf(handler.stranger()), 0, "stranger");
        assertEq(token.balanceOf(address(handler)), 0, "handler");
    }

    function _isSplit(uint256 e, InferenceFees.Split memory split) private view {
        (uint256 trainer, uint256 operator_, uint256 treasuryPart) = handler.splitOf(e);
        assertEq(split.trainer, trainer, "trainer");
        assertEq(split.operator, operator_, "operator");
        assertEq(split.treasury, treasuryPart, "treasury");
        assertEq(split.contributors, 10_000 - trainer - operator_ - treasuryPart, "contributors");
        assertTrue(split.contributors >= 4000, "contributors' least");
    }

    function _tell(uint256 e, uint256 id, uint256[] memory list) private {
        handler.setEpoch(e, id, _paidOf(list));
        for (uint256 i = 0; i < list.length; ++i) {
            handler.setWord(e, i, list[i], _siblings(id, list, i), _wallet(i));
        }
    }

    function _has(address who) private view {
        assertEq(token.balanceOf(who), uint256(int256(_atFirst[who]) + handler.moved(who)), "moved");
    }
}
