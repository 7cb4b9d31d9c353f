// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MatchingRounds} from "../src/MatchingRounds.sol";
import {Rounds} from "./Rounds.sol";
import {Test} from "./Vm.sol";

/// @title Anybody doing anything in a few rounds, beside a second set of accounts
/// @notice Every call is foretold from the accounts kept here, whether it passes and what it pays; none of them is read from the contract.
/// This contract is the owner. Sums over projects and donors are made here by loops, which the contract does not have.
contract RoundsHandler is Test {
    enum Fate {
        Applied,
        Admitted,
        Settled,
        Cancelled
    }

    struct Book {
        uint256 startsAt;
        uint256 endsAt;
        uint256 settlesAt;
        uint256 multiple;
        uint256 cap;
        uint256 pool;
        bool swept;
    }

    struct Account {
        bool exists;
        uint256 round;
        address recipient;
        Fate fate;
        uint256 due;
        /// match when it was settled
        uint256 matched;
    }

    uint256 public constant ROUNDS = 3;
    uint256 public constant PROJECTS = 7;
    uint256 public constant FUNDS = 1_000_000 ether;

    MatchingRounds public immutable rounds;
    IERC20 public immutable token;
    address[3] public people = [address(0xAE1), address(0xAE2), address(0xAE3)];

    bytes32[] public ids;
    Book[] private _books;
    uint256 public time;
    uint256 public gifts;
    /// @dev What the treasury was paid.
    uint256 public swept;
    mapping(bytes32 id => Account) private _accounts;
    mapping(bytes32 id => mapping(address donor => uint256)) public donations;
    mapping(address who => int256) public moved;

    constructor(IERC20 token_, function(address) external returns (MatchingRounds) deploy, uint256 time_) {
        (token, time) = (token_, time_);
        rounds = deploy(address(this));
    }

    function accountOf(bytes32 id) external view returns (Account memory) {
        return _accounts[id];
    }

    function bookOf(uint256 round) external view returns (Book memory) {
        return _books[round - 1];
    }

    function counts() external view returns (uint256 projects, uint256 books) {
        return (ids.length, _books.length);
    }

    // --- actions ---

    function openRound(uint256 seed, uint96 pool, uint256 caller) external {
        if (_books.length == ROUNDS) return;
        uint256 startsAt = time + (seed % 3 days);
        uint256 endsAt = startsAt + 1 + ((seed >> 32) % 20 days);
        Book memory book = Book(startsAt, endsAt, endsAt + ((seed >> 64) % 5 days), 0, 0, 0, false);
        book.multiple = 1 + ((seed >> 96) % 100_000);
        book.cap = 1 + ((seed >> 128) % 1000 ether);
        book.pool = pool % 10_000 ether;
        MatchingRounds.RoundTerms memory terms = MatchingRounds.RoundTerms(
            uint40(book.startsAt),
            uint40(book.endsAt),
            uint40(book.settlesAt),
            uint32(book.multiple),
            uint96(book.cap)
        );
        token.approve(address(rounds), book.pool);
        bool passes = caller % 4 != 0;
        if (!passes) vm.prank(people[caller % 3]);
        _expect(passes, abi.encodeCall(rounds.openRound, (terms, uint96(book.pool))));
        if (!passes) return;
        _books.push(book);
        moved[address(this)] -= int256(book.pool);
    }

    function fundPool(uint256 round, uint256 from, uint96 amount) external {
        if (_books.length == 0) return;
        round = round % _books.length;
        address sender = people[from % 3];
        amount = amount % 100 ether;
        bool passes = time < _books[round].endsAt;
        _paying(sender, amount, passes, abi.encodeCall(rounds.fundPool, (round + 1, amount)));
        if (passes) _books[round].pool += amount;
    }

    function applyTo(uint256 round, uint256 to, address sender) external {
        if (_books.length == 0 || ids.length == PROJECTS) return;
        round = round % _books.length;
        address recipient = people[to % 3];
        bytes32 digest = keccak256(abi.encode("application", ids.length));
        bytes32 id = keccak256(abi.encode(31337, rounds, round + 1, recipient, digest));
        bool passes = time < _books[round].endsAt;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(rounds.applyTo, (round + 1, recipient, digest)));
        if (!passes) return;
        ids.push(id);
        Account storage account = _accounts[id];
        (account.exists, account.round, account.recipient) = (true, round, recipient);
    }

    function admit(uint256 which, uint256 caller) external {
        (bytes32 id, Account storage account) = _pick(which);
        if (!account.exists) return;
        bool passes = caller % 8 != 0 && account.fate == Fate.Applied && time < _books[account.round].endsAt;
        if (caller % 8 == 0) vm.prank(people[caller % 3]);
        _expect(passes, abi.encodeCall(rounds.admit, (id)));
        if (passes) account.fate = Fate.Admitted;
    }

    function cancel(uint256 which, uint256 caller) external {
        // Rarely: what was cancelled does nothing interesting any more.
        if (caller % 8 > 2) return;
        (bytes32 id, Account storage account) = _pick(which);
        if (!account.exists) return;
        bool admitted = account.fate == Fate.Admitted && time < _books[account.round].settlesAt;
        bool passes = caller % 8 != 0 && (account.fate == Fate.Applied || admitted);
        if (caller % 8 == 0) vm.prank(people[caller % 3]);
        _expect(passes, abi.encodeCall(rounds.cancel, (id)));
        if (passes) account.fate = Fate.Cancelled;
    }

    function donate(uint256 which, uint256 from, uint96 amount) external {
        (bytes32 id, Account storage account) = _pick(which);
        if (!account.exists) return;
        address donor = people[from % 3];
        amount = amount % 200 ether;
        Book storage book = _books[account.round];
        bool passes = account.fate == Fate.Admitted && time >= book.startsAt && time < book.endsAt;
        _paying(donor, amount, passes, abi.encodeCall(rounds.donate, (id, amount)));
        if (passes) donations[id][donor] += amount;
    }

    function settle(uint256 which, address sender) external {
        (bytes32 id, Account storage account) = _pick(which);
        if (!account.exists) return;
        bool passes = _isSettleable(account);
        if (passes) _settled(id, account);
        vm.prank(sender);
        _expect(passes, abi.encodeCall(rounds.settle, (id)));
    }

    function withdraw(uint256 which, address sender) external {
        (bytes32 id, Account storage account) = _pick(which);
        if (!account.exists) return;
        uint256 due = account.due;
        bool fresh = _isSettleable(account);
        if (fresh) due = donatedTo(id) + matchNow(id);
        bool passes = due != 0;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(rounds.withdraw, (id)));
        if (!passes) return;
        if (fresh) _settled(id, account);
        account.due = 0;
        moved[account.recipient] += int256(due);
    }

    function refund(uint256 which, uint256 whose, address sender) external {
        (bytes32 id, Account storage account) = _pick(which);
        if (!account.exists) return;
        address donor = people[whose % 3];
        uint256 due = donations[id][donor];
        bool passes = account.fate == Fate.Cancelled && due != 0;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(rounds.refund, (id, donor)));
        if (!passes) return;
        donations[id][donor] = 0;
        moved[donor] += int256(due);
    }

    function sweep(uint256 round, address sender) external {
        if (_books.length == 0) return;
        round = round % _books.length;
        Book storage book = _books[round];
        uint256 rest = book.pool - matchedOf(round);
        bool passes = time >= book.settlesAt && !book.swept && unsettledOf(round) == 0 && rest != 0;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(rounds.sweep, (round + 1)));
        if (!passes) return;
        book.swept = true;
        swept += rest;
    }

    function rotate(uint256 which, uint256 to, uint256 caller) external {
        (bytes32 id, Account storage account) = _pick(which);
        if (!account.exists) return;
        address sender = caller % 3 == 0 ? people[(caller / 3) % 3] : account.recipient;
        bool passes = sender == account.recipient;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(rounds.rotateRecipient, (id, people[to % 3])));
        if (passes) account.recipient = people[to % 3];
    }

    /// @dev Lets time pass: up to two days, or to the second before a round's next turn, that second, or the one after it.
    function warp(uint256 round, uint256 seconds_) external {
        uint256 next = time + (seconds_ % 2 days);
        if (_books.length != 0 && seconds_ % 2 == 0) {
            Book storage book = _books[round % _books.length];
            uint256 edge = time < book.startsAt ? book.startsAt : time < book.endsAt ? book.endsAt : book.settlesAt;
            if (edge > time) next = edge - 1 + (seconds_ % 3);
        }
        if (next > time) time = next;
        vm.warp(time);
    }

    function give(uint96 amount) external {
        amount = amount % 1 ether;
        vm.prank(people[0]);
        token.transfer(address(rounds), amount);
        gifts += amount;
        moved[people[0]] -= int256(uint256(amount));
    }

    // --- sums ---

    function donatedTo(bytes32 id) public view returns (uint256 sum) {
        for (uint256 i = 0; i < 3; ++i) sum += donations[id][people[i]];
    }

    /// @return all donations to projects of the round that are not cancelled; counted from 0
    function donatedIn(uint256 round) public view returns (uint256 all) {
        for (uint256 i = 0; i < ids.length; ++i) {
            Account storage account = _accounts[ids[i]];
            if (account.round == round && account.fate != Fate.Cancelled) all += donatedTo(ids[i]);
        }
    }

    function matchedOf(uint256 round) public view returns (uint256 sum) {
        for (uint256 i = 0; i < ids.length; ++i) {
            Account storage account = _accounts[ids[i]];
            if (account.round == round) sum += account.matched;
        }
    }

    function unsettledOf(uint256 round) public view returns (uint256 number) {
        for (uint256 i = 0; i < ids.length; ++i) {
            Account storage account = _accounts[ids[i]];
            if (account.round == round && account.fate == Fate.Admitted) ++number;
        }
    }

    function matchNow(bytes32 id) public view returns (uint256 result) {
        Account storage account = _accounts[id];
        Book storage book = _books[account.round];
        uint256 donated = donatedTo(id);
        if (donated == 0 || account.fate == Fate.Applied || account.fate == Fate.Cancelled) return 0;
        result = (book.pool * donated) / donatedIn(account.round);
        if (result > book.cap) result = book.cap;
        if (result > (donated * book.multiple) / 10_000) result = (donated * book.multiple) / 10_000;
    }

    // --- parts ---

    function _pick(uint256 which) private view returns (bytes32 id, Account storage account) {
        if (ids.length != 0) id = ids[which % ids.length];
        account = _accounts[id];
    }

    function _isSettleable(Account storage account) private view returns (bool) {
        return account.fate == Fate.Admitted && time >= _books[account.round].settlesAt;
    }

    function _settled(bytes32 id, Account storage account) private {
        account.matched = matchNow(id);
        account.due = donatedTo(id) + account.matched;
        account.fate = Fate.Settled;
    }

    function _paying(address sender, uint96 amount, bool passes, bytes memory data) private {
        vm.startPrank(sender);
        token.approve(address(rounds), amount);
        _expect(passes, data);
        vm.stopPrank();
        if (passes) moved[sender] -= int256(uint256(amount));
    }

    function _expect(bool passes, bytes memory data) private {
        (bool ok, ) = address(rounds).call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
    }
}

contract MatchingRoundsInvariants is Rounds {
    RoundsHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new RoundsHandler(token, this.deployFor, NOW);
        rounds = handler.rounds();
        token.transfer(address(handler), handler.FUNDS());
        for (uint256 i = 0; i < 3; ++i) token.transfer(handler.people(i), handler.FUNDS());
    }

    function deployFor(address owner) external returns (MatchingRounds) {
        return MatchingRounds(_create("MatchingRounds", abi.encode(token, guardian, owner, treasury)));
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function invariant_each_project_and_round_is_what_was_foretold() external view {
        (uint256 projects, uint256 books) = handler.counts();
        uint256 here = handler.gifts();
        for (uint256 i = 0; i < projects; ++i) {
            bytes32 id = handler.ids(i);
            RoundsHandler.Account memory account = handler.accountOf(id);
            MatchingRounds.Project memory project = rounds.projectOf(id);
            assertEq(uint256(project.status), uint256(account.fate) + 1, "status");
            assertEq(project.recipient, account.recipient, "recipient");
            assertEq(project.due, account.due, "due");
            assertEq(rounds.matchOf(id), handler.matchNow(id), "match");
            uint256 given;
            for (uint256 k = 0; k < 3; ++k) {
                address donor = handler.people(k);
                assertEq(rounds.donationOf(id, donor), handler.donations(id, donor), "donation");
                given += handler.donations(id, donor);
            }
            here += account.fate == RoundsHandler.Fate.Settled ? account.due : given;
        }
        for (uint256 round = 1; round <= books; ++round) {
            RoundsHandler.Book memory book = handler.bookOf(round);
            MatchingRounds.Round memory state = rounds.roundOf(round);
            assertEq(state.pool, book.pool, "pool");
            assertEq(state.donated, handler.donatedIn(round - 1), "donated");
            assertEq(state.matched, handler.matchedOf(round - 1), "matched");
            assertEq(state.unsettled, handler.unsettledOf(round - 1), "unsettled");
            assertTrue(state.matched <= state.pool, "no more than the pool");
            if (!book.swept) here += book.pool - handler.matchedOf(round - 1);
        }
        assertEq(token.balanceOf(address(rounds)), here, "balance");
    }

    /// The owner is one of everybody: it never has more than it brought.
    function invariant_everybody_has_what_the_accounts_say() external view {
        for (uint256 i = 0; i < 3; ++i) _holds(handler.people(i));
        _holds(address(handler));
        assertTrue(handler.moved(address(handler)) <= 0, "owner");
        assertEq(token.balanceOf(treasury), handler.swept(), "treasury");
    }

    /// At any time everything leaves, without the owner.
    function invariant_everything_can_leave() external {
        uint256 state = vm.snapshotState();
        vm.warp(handler.time() + 400 days);
        (uint256 projects, uint256 books) = handler.counts();
        for (uint256 i = 0; i < projects; ++i) {
            bytes32 id = handler.ids(i);
            RoundsHandler.Account memory account = handler.accountOf(id);
            if (account.fate == RoundsHandler.Fate.Admitted) rounds.settle(id);
            if (rounds.projectOf(id).due != 0) rounds.withdraw(id);
            if (account.fate != RoundsHandler.Fate.Cancelled) continue;
            for (uint256 k = 0; k < 3; ++k) {
                if (handler.donations(id, handler.people(k)) != 0) rounds.refund(id, handler.people(k));
            }
        }
        for (uint256 round = 1; round <= books; ++round) {
            MatchingRounds.Round memory left = rounds.roundOf(round);
            if (!left.swept && left.pool != left.matched) rounds.sweep(round);
        }
        assertEq(token.balanceOf(address(rounds)), handler.gifts(), "nothing left");
        vm.revertToState(state);
    }

    function _holds(address who) private view {
        int256 atFirst = int256(handler.FUNDS());
        assertEq(token.balanceOf(who), uint256(atFirst + handler.moved(who)), "moved");
    }
}
