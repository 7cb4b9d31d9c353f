// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Datanets} from "../src/Datanets.sol";
import {Proof} from "../src/IVerifier.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {Nets} from "./Nets.sol";
import {Test} from "./Vm.sol";

/// @title Anybody doing anything with the submissions of an open and a curated datanet, beside a second set of books
/// @notice Every call is foretold from the books kept here, whether it passes and what it does; none of them is read from the contract. The handler is
/// the owner. After each call every submission moved along the diagram of docs/datanets.md, or not at all.
contract DatanetsHandler is Nets {
    /// @param status as it was written down last: time is added by {statusOf}
    struct Item {
        address who;
        uint256 datanet;
        bytes32 digest;
        Datanets.Status status;
        uint256 due;
        uint256 challenges;
        Datanets.Status seen;
    }

    struct Dispute {
        address who;
        uint256 submission;
        uint256 due;
        Datanets.Ruling ruling;
    }

    uint256 public constant MOST = 10;
    uint96 public constant FUNDS = 100 * BOND;

    address[3] public people;
    uint256 public time = NOW;
    uint256 public curatedNet;
    uint256 public slashes;
    Item[] private _items;
    Dispute[] private _disputes;
    mapping(address who => uint256) public free;
    mapping(address who => uint256) public lost;

    modifier traced() {
        _;
        for (uint256 i = 0; i < _items.length; ++i) {
            Datanets.Status now_ = datanets.submissionOf(i + 1).status;
            Datanets.Status before = _items[i].seen;
            assertTrue(now_ == before || _leads(before, now_), "along the diagram");
            _items[i].seen = now_;
        }
    }

    function setUp() public override {
        if (address(token) != address(0)) return;
        super.setUp();
        people = [author, challenger, rival];
        for (uint256 i = 0; i < 3; ++i) {
            _stake(people[i], FUNDS - 3 * BOND);
            free[people[i]] = FUNDS;
            for (uint256 j = 0; j < 4; ++j) _record(people[i], bytes32(j + 1));
        }
        _open();
        curatedNet = _curated();
    }

    // --- actions ---

    function submit(uint256 who, bool curated, uint256 which) external traced {
        if (_items.length == MOST) return;
        address sender = people[who % 3];
        uint256 datanet = curated ? curatedNet : 1;
        bytes32 digest = bytes32((which % 4) + 1);
        uint256 standing;
        bool passes = free[sender] >= BOND;
        for (uint256 i = 0; i < _items.length; ++i) {
            Item storage other = _items[i];
            if (other.who != sender || other.datanet != datanet || !_stands(other.status)) continue;
            ++standing;
            if (other.digest == digest) passes = false;
        }
        passes = passes && standing < 2;
        vm.prank(sender);
        _calls(passes, abi.encodeCall(datanets.submit, (datanet, _recordId(sender, digest))));
        if (!passes) return;
        free[sender] -= BOND;
        _items.push(
            Item(sender, datanet, digest, Datanets.Status.Pending, time + (curated ? PERIOD : WINDOW), 0, Datanets.Status.None)
        );
    }

    function accept(uint256 which, bool byCurator) external traced {
        (uint256 id, Item storage item) = _pick(which);
        if (id == 0) return;
        bool passes = byCurator && item.datanet == curatedNet && statusOf(id) == Datanets.Status.Pending;
        vm.prank(byCurator ? curator : stranger);
        _calls(passes, abi.encodeCall(datanets.accept, (id)));
        if (passes) item.status = Datanets.Status.Accepted;
    }

    function reject(uint256 which, bool byCurator) external traced {
        (uint256 id, Item storage item) = _pick(which);
        if (id == 0) return;
        bool passes = byCurator &&
            item.datanet == curatedNet &&
            statusOf(id) == Datanets.Status.Pending &&
            item.challenges == 0;
        vm.prank(byCurator ? curator : item.who);
        _calls(passes, abi.encodeCall(datanets.reject, (id, Datanets.Reason.Quality, 0, "")));
        if (!passes) return;
        item.status = Datanets.Status.Rejected;
        free[item.who] += BOND;
    }

    function startWithdrawal(uint256 which, uint256 caller) external traced {
        (uint256 id, Item storage item) = _pick(which);
        if (id == 0) return;
        address sender = caller % 4 == 3 ? item.who : people[caller % 4];
        Datanets.Status status = statusOf(id);
        bool passes = sender == item.who && (status == Datanets.Status.Pending || status == Datanets.Status.Accepted);
        vm.prank(sender);
        _calls(passes, abi.encodeCall(datanets.startWithdrawal, (id)));
        if (!passes) return;
        item.status = Datanets.Status.Leaving;
        item.due = time + WINDOW;
    }

    function withdraw(uint256 which, address sender) external traced {
        (uint256 id, Item storage item) = _pick(which);
        if (id == 0) return;
        Datanets.Status status = statusOf(id);
        bool passes = item.challenges == 0 &&
            (status == Datanets.Status.Lapsed || (status == Datanets.Status.Leaving && time >= item.due));
        vm.prank(sender);
        _calls(passes, abi.encodeCall(datanets.withdraw, (id)));
        if (!passes) return;
        item.status = Datanets.Status.Withdrawn;
        free[item.who] += BOND;
    }

    function challenge(uint256 which, uint256 who) external traced {
        (uint256 id, Item storage item) = _pick(which);
        if (id == 0 || _disputes.length == 2 * MOST) return;
        address sender = people[who % 3];
        Datanets.Status status = statusOf(id);
        bool passes = sender != item.who &&
            free[sender] >= BOND &&
            (status == Datanets.Status.Accepted ||
                ((status == Datanets.Status.Pending || status == Datanets.Status.Leaving) && time < item.due));
        vm.prank(sender);
        _calls(passes, abi.encodeCall(datanets.challenge, (id, EVIDENCE, "")));
        if (!passes) return;
        if (status == Datanets.Status.Accepted) item.status = status;
        free[sender] -= BOND;
        ++item.challenges;
        _disputes.push(Dispute(sender, id, time + DISPUTE, Datanets.Ruling.Open));
    }

    /// @dev A proof of the challenger, or of somebody else, by anybody.
    function resolve(uint256 which, bool genuine, address sender) external traced {
        (uint256 id, Dispute storage dispute) = _pickDispute(which);
        if (id == 0) return;
        Item storage item = _items[dispute.submission - 1];
        bool passes = genuine && _undecided(dispute);
        Proof memory proof = _proof(dispute.submission, genuine ? dispute.who : stranger, item.digest, 0, 5);
        vm.prank(sender);
        _calls(passes, abi.encodeCall(datanets.resolve, (id, 0, _rows(5), proof)));
        if (passes) _upheld(dispute);
    }

    function decide(uint256 which, bool upheld, bool byOwner) external traced {
        (uint256 id, Dispute storage dispute) = _pickDispute(which);
        if (id == 0) return;
        bool passes = byOwner && _undecided(dispute);
        if (!byOwner) vm.prank(dispute.who);
        _calls(passes, abi.encodeCall(datanets.decide, (id, upheld)));
        if (!passes) return;
        if (upheld) _upheld(dispute);
        else _dismissed(dispute);
    }

    function closeChallenge(uint256 which, address sender) external traced {
        (uint256 id, Dispute storage dispute) = _pickDispute(which);
        if (id == 0) return;
        Item storage item = _items[dispute.submission - 1];
        bool moot = item.status == Datanets.Status.Removed;
        bool passes = dispute.ruling == Datanets.Ruling.Open && (moot || time >= dispute.due);
        vm.prank(sender);
        _calls(passes, abi.encodeCall(datanets.closeChallenge, (id)));
        if (!passes) return;
        if (!moot) return _dismissed(dispute);
        dispute.ruling = Datanets.Ruling.Moot;
        --item.challenges;
        free[dispute.who] += BOND;
    }

    /// @dev Lets time pass: up to a day, or to the second before a deadline, that second, or the one after it.
    function warp(uint256 which, uint256 seconds_) external traced {
        uint256 next = time + (seconds_ % 1 days);
        (uint256 id, Item storage item) = _pick(which);
        (uint256 other, Dispute storage dispute) = _pickDispute(which);
        if (seconds_ % 3 == 1 && id != 0 && item.due > time) next = item.due - 1 + (seconds_ % 7) / 3;
        if (seconds_ % 9 == 2 && other != 0 && dispute.due > time) next = dispute.due - 1 + (seconds_ % 7) / 3;
        if (next > time) time = next;
        vm.warp(time);
    }

    // --- what was foretold ---

    function count() external view returns (uint256 items, uint256 disputes) {
        return (_items.length, _disputes.length);
    }

    function itemOf(uint256 id) external view returns (Item memory) {
        return _items[id - 1];
    }

    function disputeOf(uint256 id) external view returns (Dispute memory) {
        return _disputes[id - 1];
    }

    function statusOf(uint256 id) public view returns (Datanets.Status status) {
        Item storage item = _items[id - 1];
        status = item.status;
        if (status != Datanets.Status.Pending || time < item.due) return status;
        if (item.datanet == curatedNet) return Datanets.Status.Lapsed;
        if (item.challenges == 0) return Datanets.Status.Accepted;
    }

    /// @dev Bonds that somebody has in standing submissions and open challenges.
    function bondsOf(address who) external view returns (uint256 bonds) {
        for (uint256 i = 0; i < _items.length; ++i) {
            if (_items[i].who == who && _stands(_items[i].status)) bonds += BOND;
        }
        for (uint256 i = 0; i < _disputes.length; ++i) {
            if (_disputes[i].who == who && _disputes[i].ruling == Datanets.Ruling.Open) bonds += BOND;
        }
    }

    function net() external view returns (Datanets, StakeVault) {
        return (datanets, vault);
    }

    // --- parts ---

    /// @dev With id 0 there is none, and the reference is not to be used.
    function _pick(uint256 which) private view returns (uint256 id, Item storage item) {
        Item[] storage all = _items;
        assembly ("memory-safe") {
            item.slot := all.slot
        }
        if (all.length == 0) return (0, item);
        id = (which % all.length) + 1;
        item = all[id - 1];
    }

    function _pickDispute(uint256 which) private view returns (uint256 id, Dispute storage dispute) {
        Dispute[] storage all = _disputes;
        assembly ("memory-safe") {
            dispute.slot := all.slot
        }
        if (all.length == 0) return (0, dispute);
        id = (which % all.length) + 1;
        dispute = all[id - 1];
    }

    function _stands(Datanets.Status status) private pure returns (bool) {
        return
            status == Datanets.Status.Pending ||
            status == Datanets.Status.Accepted ||
            status == Datanets.Status.Leaving;
    }

    function _undecided(Dispute storage dispute) private view returns (bool) {
        return
            dispute.ruling == Datanets.Ruling.Open &&
            time < dispute.due &&
            _items[dispute.submission - 1].status != Datanets.Status.Removed;
    }

    function _upheld(Dispute storage dispute) private {
        Item storage item = _items[dispute.submission - 1];
        dispute.ruling = Datanets.Ruling.Upheld;
        --item.challenges;
        item.status = Datanets.Status.Removed;
        free[dispute.who] += BOND;
        lost[item.who] += BOND;
        _sentenced(item.who, dispute.who);
    }

    function _dismissed(Dispute storage dispute) private {
        Item storage item = _items[dispute.submission - 1];
        dispute.ruling = Datanets.Ruling.Dismissed;
        --item.challenges;
        lost[dispute.who] += BOND;
        _sentenced(dispute.who, item.who);
    }

    /// @dev The case over the loser's bond names the winner.
    function _sentenced(address loser, address winner) private {
        StakeVault.Case memory made = vault.caseOf(++slashes);
        assertEq(made.owner, loser, "loser");
        assertEq(made.challenger, winner, "winner");
        assertEq(made.amount, BOND, "bond");
    }

    function _leads(Datanets.Status from, Datanets.Status to) private pure returns (bool) {
        if (from == Datanets.Status.None) return to == Datanets.Status.Pending;
        if (from == Datanets.Status.Pending) {
            return to != Datanets.Status.None && to != Datanets.Status.Withdrawn;
        }
        if (from == Datanets.Status.Accepted) {
            return to == Datanets.Status.Leaving || to == Datanets.Status.Removed;
        }
        if (from == Datanets.Status.Lapsed || from == Datanets.Status.Leaving) {
            return to == Datanets.Status.Withdrawn || to == Datanets.Status.Removed;
        }
        return false;
    }

    function _calls(bool passes, bytes memory data) private {
        (bool ok, ) = address(datanets).call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
    }
}

contract DatanetsInvariants is Test {
    DatanetsHandler private handler;
    Datanets private datanets;
    StakeVault private vault;

    function setUp() public {
        handler = new DatanetsHandler();
        handler.setUp();
        (datanets, vault) = handler.net();
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory all) {
        all = new address[](1);
        all[0] = address(handler);
    }

    function invariant_each_submission_and_challenge_is_what_was_foretold() external view {
        (uint256 items, uint256 disputes) = handler.count();
        for (uint256 id = 1; id <= items; ++id) {
            DatanetsHandler.Item memory item = handler.itemOf(id);
            Datanets.Submission memory made = datanets.submissionOf(id);
            assertEq(uint256(made.status), uint256(handler.statusOf(id)), "status");
            assertEq(made.contributor, item.who, "contributor");
            assertEq(made.due, item.due, "due");
            assertEq(made.challenges, item.challenges, "challenges");
        }
        for (uint256 id = 1; id <= disputes; ++id) {
            DatanetsHandler.Dispute memory dispute = handler.disputeOf(id);
            Datanets.Challenge memory made = datanets.challengeOf(id);
            assertEq(uint256(made.ruling), uint256(dispute.ruling), "ruling");
            assertEq(made.challenger, dispute.who, "challenger");
            assertEq(made.due, dispute.due, "due");
        }
        assertEq(datanets.submissionCount(), items, "submissions");
        assertEq(datanets.challengeCount(), disputes, "challenges");
        assertEq(vault.caseCount(), handler.slashes(), "cases");
    }

    function invariant_what_is_locked_are_the_bonds_of_the_states() external view {
        for (uint256 i = 0; i < 3; ++i) {
            address who = handler.people(i);
            StakeVault.Account memory account = vault.accountOf(address(datanets), who);
            assertEq(account.locked, handler.bondsOf(who), "locked");
            assertEq(account.free, handler.free(who), "free");
            assertEq(account.locked + account.free + handler.lost(who), handler.FUNDS(), "all");
        }
        assertEq(vault.token().balanceOf(address(datanets)), 0, "no money here");
    }

    /// Whatever happened, a window and a dispute later every bond is free or lost by a verdict.
    function invariant_everybody_can_leave() external {
        uint256 state = vm.snapshotState();
        uint256 time = handler.time();
        (uint256 items, uint256 disputes) = handler.count();
        for (uint256 id = 1; id <= items; ++id) {
            DatanetsHandler.Item memory item = handler.itemOf(id);
            Datanets.Status status = handler.statusOf(id);
            if (status != Datanets.Status.Pending && status != Datanets.Status.Accepted) continue;
            vm.prank(item.who);
            datanets.startWithdrawal(id);
        }
        vm.warp(time + 3 days + 21 days);
        for (uint256 id = 1; id <= disputes; ++id) {
            if (handler.disputeOf(id).ruling == Datanets.Ruling.Open) datanets.closeChallenge(id);
        }
        for (uint256 id = 1; id <= items; ++id) {
            Datanets.Status status = datanets.submissionOf(id).status;
            if (status == Datanets.Status.Leaving || status == Datanets.Status.Lapsed) datanets.withdraw(id);
        }
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(vault.accountOf(address(datanets), handler.people(i)).locked, 0, "nothing is held");
        }
        vm.revertToState(state);
    }
}
