// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {Stakes} from "./Stakes.sol";
import {Test} from "./Vm.sol";

/// @title Owners, services, challengers and the owner of the vault doing anything, beside a second set of books
/// @notice Every call is foretold from the books kept here, whether it passes, what it answers and what it pays; none of them is read from the
/// contract. The fourth service is the owner of the vault itself: nobody deposits for it.
contract StakesHandler is Test {
    struct Account {
        uint256 free;
        uint256 locked;
        uint256 unbonding;
        uint256 unbondsAt;
    }

    struct Case {
        uint256 service;
        uint256 owner;
        uint256 amount;
        address challenger;
        uint256 due;
        StakeVault.CaseStatus status;
    }

    uint256 public constant FUNDS = 10_000 ether;

    StakeVault public immutable vault;
    IERC20 public immutable token;
    address public immutable timelock;
    address public immutable treasury;

    address[4] public services;
    address[3] public owners = [address(0xA1), address(0xA2), address(0xA3)];
    StakeVault.Terms[4] private _terms;
    uint256[4] public endsAt;

    Account[3][4] private _accounts;
    Case[] private _cases;
    mapping(address who => uint256) public creditOf;
    mapping(address who => int256) public moved;
    uint256 public time;
    uint256 public gifts;

    constructor(StakeVault vault_, StakeVault.Registration[4] memory registered, uint256 time_) {
        (vault, token, time) = (vault_, vault_.token(), time_);
        (timelock, treasury) = (vault_.owner(), vault_.treasury());
        for (uint256 i = 0; i < 4; ++i) (services[i], _terms[i]) = (registered[i].service, registered[i].terms);
    }

    function accountOf(uint256 service, uint256 owner) external view returns (Account memory) {
        return _accounts[service][owner];
    }

    function caseOf(uint256 id) external view returns (Case memory) {
        return _cases[id - 1];
    }

    function caseCount() external view returns (uint256) {
        return _cases.length;
    }

    // --- owners ---

    function deposit(uint256 s, uint256 o, uint256 from, uint96 amount) external {
        (s, o, from) = (s % 3, o % 3, from % 3);
        amount = amount % 50 ether;
        vm.startPrank(owners[from]);
        token.approve(address(vault), amount);
        bool passes = endsAt[s] == 0;
        bytes memory own = abi.encodeCall(vault.deposit, (services[s], amount));
        _expect(passes, from == o ? own : abi.encodeCall(vault.depositFor, (services[s], owners[o], amount)));
        vm.stopPrank();
        if (!passes) return;
        _accounts[s][o].free += amount;
        moved[owners[from]] -= int256(uint256(amount));
    }

    function unbond(uint256 s, uint256 o, uint96 amount) external {
        (s, o) = (s % 3, o % 3);
        Account storage account = _accounts[s][o];
        amount = uint96(amount % (account.free + 2));
        bool passes = amount != 0 && amount <= account.free;
        vm.prank(owners[o]);
        _expect(passes, abi.encodeCall(vault.unbond, (services[s], amount)));
        if (!passes) return;
        account.free -= amount;
        uint256 due;
        if (account.unbonding != 0 && time >= account.unbondsAt) (due, account.unbonding) = (account.unbonding, 0);
        if (_terms[s].unbonding == 0) due += amount;
        else (account.unbonding, account.unbondsAt) = (account.unbonding + amount, time + _terms[s].unbonding);
        moved[owners[o]] += int256(due);
    }

    function withdraw(uint256 s, uint256 o, address sender) external {
        (s, o) = (s % 4, o % 3);
        Account storage account = _accounts[s][o];
        bool all = _hasEnded(s);
        uint256 due = time >= account.unbondsAt || all ? account.unbonding : 0;
        if (all) due += account.free + account.locked;
        vm.prank(sender);
        _expect(due != 0, abi.encodeCall(vault.withdraw, (services[s], owners[o])));
        if (due == 0) return;
        account.unbonding = 0;
        if (all) (account.free, account.locked) = (0, 0);
        moved[owners[o]] += int256(due);
    }

    // --- services ---

    function lock(uint256 s, uint256 o, uint96 amount) external {
        (s, o) = (s % 4, o % 3);
        Account storage account = _accounts[s][o];
        amount = uint96(amount % (account.free + 2));
        bool passes = endsAt[s] == 0 && amount <= account.free;
        vm.prank(services[s]);
        _expect(passes, abi.encodeCall(vault.lock, (owners[o], amount)));
        if (passes) (account.free, account.locked) = (account.free - amount, account.locked + amount);
    }

    function unlock(uint256 s, uint256 o, uint96 amount) external {
        (s, o) = (s % 4, o % 3);
        uint256 done = _takeLocked(s, o, amount = amount % 60 ether);
        vm.prank(services[s]);
        assertEq(vault.unlock(owners[o], amount), done, "unlocked");
        _accounts[s][o].free += done;
    }

    function move(uint256 s, uint256 o, uint256 to, uint96 amount) external {
        (s, o, to) = (s % 4, o % 3, to % 3);
        uint256 done = _takeLocked(s, o, amount = amount % 60 ether);
        vm.prank(services[s]);
        assertEq(vault.move(owners[o], owners[to], amount), done, "moved");
        _accounts[s][to].locked += done;
    }

    function release(uint256 s, uint256 o, uint96 amount) external {
        (s, o) = (s % 4, o % 3);
        amount = amount % 60 ether;
        if (_terms[s].unbonding != 0) {
            vm.prank(services[s]);
            _expect(false, abi.encodeCall(vault.release, (owners[o], amount)));
            return;
        }
        uint256 done = _takeLocked(s, o, amount);
        vm.prank(services[s]);
        assertEq(vault.release(owners[o], amount), done, "released");
        moved[owners[o]] += int256(done);
    }

    function slash(uint256 s, uint256 o, uint96 amount, uint256 by) external {
        (s, o) = (s % 4, o % 3);
        amount = amount % 60 ether;
        Account storage account = _accounts[s][o];
        uint256 cap = ((account.free + account.locked + account.unbonding) * _terms[s].cap) / 10_000;
        uint256 done = _hasEnded(s) ? 0 : amount < cap ? amount : cap;
        // One of the three owners, the accused among them, or nobody.
        address challenger = by % 4 == 3 ? address(0) : owners[by % 4];
        vm.prank(services[s]);
        (uint256 id, uint96 slashed) = vault.slash(owners[o], amount, challenger, "evidence");
        assertEq(slashed, done, "slashed");
        assertEq(id, done == 0 ? 0 : _cases.length + 1, "case");
        if (done == 0) return;
        uint256 left = done;
        left -= _take(account, 0, left);
        left -= _take(account, 1, left);
        _take(account, 2, left);
        if (challenger == owners[o]) challenger = address(0);
        uint256 window = _terms[s].appealWindow;
        _cases.push(Case(s, o, done, challenger, time + window, StakeVault.CaseStatus.Open));
        if (window == 0) _settled(_cases[_cases.length - 1]);
    }

    // --- cases ---

    function appeal(uint256 id, uint256 by) external {
        if (_cases.length == 0) return;
        id = id % _cases.length;
        Case storage case_ = _cases[id];
        bool passes = case_.status == StakeVault.CaseStatus.Open && by % 3 == case_.owner && time < case_.due;
        vm.prank(owners[by % 3]);
        _expect(passes, abi.encodeCall(vault.appeal, (id + 1, "")));
        if (passes) (case_.status, case_.due) = (StakeVault.CaseStatus.Appealed, time + 30 days);
    }

    function settle(uint256 id, address sender) external {
        if (_cases.length == 0) return;
        id = id % _cases.length;
        Case storage case_ = _cases[id];
        bool open = case_.status == StakeVault.CaseStatus.Open;
        bool passes = (open || case_.status == StakeVault.CaseStatus.Appealed) && time >= case_.due;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(vault.settle, (id + 1)));
        if (!passes) return;
        if (open) _settled(case_);
        else _overturned(case_);
    }

    function decide(uint256 id, bool upheld, uint256 by) external {
        if (_cases.length == 0) return;
        id = id % _cases.length;
        Case storage case_ = _cases[id];
        address sender = by % 4 == 3 ? owners[0] : timelock;
        bool passes = case_.status == StakeVault.CaseStatus.Appealed && sender == timelock && time < case_.due;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(vault.decide, (id + 1, upheld)));
        if (!passes) return;
        if (upheld) _settled(case_);
        else _overturned(case_);
    }

    function collect(uint256 who, address sender) external {
        address to = who % 5 < 3 ? owners[who % 5] : who % 5 == 3 ? treasury : timelock;
        uint256 due = creditOf[to];
        vm.prank(sender);
        _expect(due != 0, abi.encodeCall(vault.collect, (to)));
        creditOf[to] = 0;
        moved[to] += int256(due);
    }

    // --- the rest ---

    /// @dev Seldom, or every run would be over soon.
    function retire(uint256 s) external {
        if (s % 16 > 3) return;
        s = s % 4;
        bool passes = endsAt[s] == 0;
        vm.prank(timelock);
        _expect(passes, abi.encodeCall(vault.retireService, (services[s])));
        if (passes) endsAt[s] = time + 30 days;
    }

    /// @dev Lets time pass: up to a day, or to the second before a date of an account, a case or a service, that second, or the one after it.
    function warp(uint256 s, uint256 o, uint256 id, uint256 seconds_) external {
        uint256 next = time + (seconds_ % 1 days);
        uint256 date = _accounts[s % 4][o % 3].unbondsAt;
        if (seconds_ % 4 == 1 && _cases.length != 0) date = _cases[id % _cases.length].due;
        if (seconds_ % 4 == 2) date = endsAt[s % 4];
        if (seconds_ % 4 != 3 && date > time) next = date - 1 + (seconds_ % 3);
        if (next > time) time = next;
        vm.warp(time);
    }

    function give(uint96 amount) external {
        amount = amount % 1 ether;
        vm.prank(owners[0]);
        token.transfer(address(vault), amount);
        gifts += amount;
        moved[owners[0]] -= int256(uint256(amount));
    }

    // --- parts ---

    function _hasEnded(uint256 s) private view returns (bool) {
        return endsAt[s] != 0 && time >= endsAt[s];
    }

    function _takeLocked(uint256 s, uint256 o, uint256 amount) private returns (uint256) {
        return _hasEnded(s) ? 0 : _take(_accounts[s][o], 0, amount);
    }

    /// @param part 0 locked, 1 free, 2 unbonding
    function _take(Account storage account, uint256 part, uint256 amount) private returns (uint256 done) {
        uint256 there = part == 0 ? account.locked : part == 1 ? account.free : account.unbonding;
        done = amount < there ? amount : there;
        if (part == 0) account.locked -= done;
        else if (part == 1) account.free -= done;
        else account.unbonding -= done;
    }

    function _settled(Case storage case_) private {
        case_.status = StakeVault.CaseStatus.Settled;
        uint256 share = case_.challenger == address(0) ? 0 : (case_.amount * _terms[case_.service].challengerShare) / 10_000;
        creditOf[case_.challenger] += share;
        creditOf[treasury] += case_.amount - share;
    }

    function _overturned(Case storage case_) private {
        case_.status = StakeVault.CaseStatus.Overturned;
        _accounts[case_.service][case_.owner].free += case_.amount;
    }

    function _expect(bool passes, bytes memory data) private {
        (bool ok, ) = address(vault).call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
    }
}

contract StakeVaultInvariants is Stakes {
    StakesHandler private handler;

    function setUp() public override {
        super.setUp();
        StakeVault.Registration[] memory first = _first();
        StakeVault.Registration memory last = StakeVault.Registration(timelock, StakeVault.Terms(0, 0, 10_000, 10_000));
        vm.prank(timelock);
        vault.registerService(last.service, last.terms);
        handler = new StakesHandler(vault, [first[0], first[1], first[2], last], NOW);
        for (uint256 i = 0; i < 3; ++i) token.transfer(handler.owners(i), handler.FUNDS());
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function invariant_each_account_case_and_credit_is_what_was_foretold() external view {
        uint256 here = handler.gifts();
        for (uint256 s = 0; s < 4; ++s) {
            assertEq(vault.serviceOf(handler.services(s)).endsAt, handler.endsAt(s), "end");
            for (uint256 o = 0; o < 3; ++o) {
                StakesHandler.Account memory account = handler.accountOf(s, o);
                StakeVault.Account memory actual = vault.accountOf(handler.services(s), handler.owners(o));
                assertEq(actual.free, account.free, "free");
                assertEq(actual.locked, account.locked, "locked");
                assertEq(actual.unbonding, account.unbonding, "unbonding");
                assertEq(actual.unbondsAt, account.unbondsAt, "unbonds at");
                here += account.free + account.locked + account.unbonding;
                if (s == 3) assertEq(account.free + account.locked + account.unbonding, 0, "nobody deposited");
            }
        }
        assertEq(vault.caseCount(), handler.caseCount(), "cases");
        for (uint256 id = 1; id <= handler.caseCount(); ++id) {
            StakesHandler.Case memory case_ = handler.caseOf(id);
            StakeVault.Case memory actual = vault.caseOf(id);
            assertEq(uint256(actual.status), uint256(case_.status), "status");
            // Of a case that was settled at once nothing else is kept.
            if (case_.service == 0) continue;
            assertEq(actual.owner, handler.owners(case_.owner), "accused");
            assertEq(actual.service, handler.services(case_.service), "service");
            assertEq(actual.amount, case_.amount, "amount");
            assertEq(actual.challenger, case_.challenger, "challenger");
            assertEq(actual.due, case_.due, "due");
            bool open = case_.status == StakeVault.CaseStatus.Open || case_.status == StakeVault.CaseStatus.Appealed;
            if (open) here += case_.amount;
        }
        here += vault.creditOf(treasury);
        assertEq(vault.creditOf(treasury), handler.creditOf(treasury), "treasury's credit");
        for (uint256 o = 0; o < 3; ++o) {
            assertEq(vault.creditOf(handler.owners(o)), handler.creditOf(handler.owners(o)), "credit");
            here += vault.creditOf(handler.owners(o));
        }
        assertEq(token.balanceOf(address(vault)), here, "balance");
    }

    function invariant_everybody_has_what_the_books_say() external view {
        for (uint256 i = 0; i < 3; ++i) _holds(handler.owners(i), handler.FUNDS());
        _holds(treasury, 0);
        // The owner of the vault, who is a service of it as well, gains nothing by anything.
        assertEq(token.balanceOf(timelock) + vault.creditOf(timelock), 0, "timelock");
        for (uint256 s = 0; s < 3; ++s) assertEq(token.balanceOf(handler.services(s)), 0, "service");
        assertEq(token.balanceOf(address(handler)), 0, "handler");
    }

    /// Whatever happened, within 60 days all money can leave, to those whom the books name.
    function invariant_all_can_leave() external {
        uint256 state = vm.snapshotState();
        uint256 time = handler.time();
        for (uint256 s = 0; s < 4; ++s) {
            if (handler.endsAt(s) != 0) continue;
            address service = handler.services(s);
            vm.prank(timelock);
            vault.retireService(service);
        }
        vm.warp(time + 30 days);
        uint256[3] memory due;
        for (uint256 id = 1; id <= handler.caseCount(); ++id) {
            StakesHandler.Case memory case_ = handler.caseOf(id);
            bool open = case_.status == StakeVault.CaseStatus.Open;
            if (!open && case_.status != StakeVault.CaseStatus.Appealed) continue;
            vault.settle(id);
            if (!open) due[case_.owner] += case_.amount;
        }
        for (uint256 o = 0; o < 3; ++o) {
            address owner = handler.owners(o);
            uint256 before = token.balanceOf(owner);
            for (uint256 s = 0; s < 3; ++s) {
                StakesHandler.Account memory account = handler.accountOf(s, o);
                due[o] += account.free + account.locked + account.unbonding;
                StakeVault.Account memory actual = vault.accountOf(handler.services(s), owner);
                if (uint256(actual.free) + actual.locked + actual.unbonding == 0) continue;
                vault.withdraw(handler.services(s), owner);
            }
            assertEq(token.balanceOf(owner), before + due[o], "paid");
            if (vault.creditOf(owner) != 0) vault.collect(owner);
        }
        if (vault.creditOf(treasury) != 0) vault.collect(treasury);
        assertEq(token.balanceOf(address(vault)), handler.gifts(), "nothing is left but gifts");
        vm.revertToState(state);
    }

    function _holds(address who, uint256 atFirst) private view {
        assertEq(token.balanceOf(who), uint256(int256(atFirst) + handler.moved(who)), "moved");
    }
}
