// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BN254} from "../src/BN254.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {OpenCirceLaunchpad} from "../src/OpenCirceLaunchpad.sol";
import {Grants} from "./Grants.sol";
import {Simulator} from "./Simulator.sol";
import {Test} from "./Vm.sol";

/// @title Anybody doing anything with a few grants, beside a second set of accounts
/// @notice Every call is foretold from the accounts kept here, whether it passes and what it pays; none of them is read from the contract.
/// This contract is the owner.
contract GrantsHandler is Test {
    enum Fate {
        Pending,
        Claimed,
        Challenged,
        Released,
        Lapsed
    }

    struct Piece {
        uint96 amount;
        uint256 deadline;
        bool byProof;
        Fate fate;
        uint256 since;
        address challenger;
    }

    struct Account {
        bytes32 digest;
        address recipient;
        uint256 count;
        bool approved;
        bool stopped;
        /// released amounts and won bonds, and what of them was paid
        uint256 earned;
        uint256 paid;
    }

    uint256 public constant MOST = 5;
    uint256 public constant FUNDS = 1_000_000 ether;

    OpenCirceLaunchpad public immutable launchpad;
    IERC20 public immutable token;
    IVerifier public immutable verifier;
    address[3] public people = [address(0xAE1), address(0xAE2), address(0xAE3)];

    bytes32[] public ids;
    uint256 public time;
    uint256 public gifts;
    /// @dev What the treasury was paid.
    uint256 public lapsed;
    mapping(bytes32 id => Account) private _accounts;
    mapping(bytes32 id => mapping(uint256 index => Piece)) private _pieces;
    mapping(address challenger => uint256) public bonds;
    mapping(address who => int256) public moved;

    constructor(
        IERC20 token_,
        IVerifier verifier_,
        function(address) external returns (OpenCirceLaunchpad) deploy,
        uint256 time_
    ) {
        (token, verifier, time) = (token_, verifier_, time_);
        launchpad = deploy(address(this));
    }

    function accountOf(bytes32 id) external view returns (Account memory) {
        return _accounts[id];
    }

    function pieceOf(bytes32 id, uint256 index) external view returns (Piece memory) {
        return _pieces[id][index];
    }

    function count() external view returns (uint256) {
        return ids.length;
    }

    // --- actions ---

    function propose(uint256 to, uint256 seed, uint8 size, address sender) external {
        if (ids.length == MOST) return;
        uint256 length = 1 + (size % 3);
        OpenCirceLaunchpad.MilestoneTerms[] memory terms = new OpenCirceLaunchpad.MilestoneTerms[](length);
        bytes32 digest = keccak256(abi.encode("proposal", ids.length));
        for (uint256 i = 0; i < length; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            terms[i].amount = uint96(1 + (dice % 300 ether));
            terms[i].deadline = uint40(time + 1 + ((dice >> 96) % 60 days));
            if ((dice >> 200) % 3 == 0) terms[i].circuit = verifier.circuitId();
        }
        bytes32 id = keccak256(abi.encode(31337, launchpad, digest, people[to % 3], terms));
        vm.prank(sender);
        _expect(true, abi.encodeCall(launchpad.propose, (people[to % 3], digest, terms)));
        ids.push(id);
        Account storage account = _accounts[id];
        (account.digest, account.recipient, account.count) = (digest, people[to % 3], length);
        for (uint256 i = 0; i < length; ++i) {
            Piece storage piece = _pieces[id][i];
            (piece.amount, piece.deadline) = (terms[i].amount, terms[i].deadline);
            piece.byProof = terms[i].circuit != 0;
        }
    }

    function approve(uint256 which, uint256 caller) external {
        (bytes32 id, Account storage account) = _pick(which);
        uint256 total;
        for (uint256 i = 0; i < account.count; ++i) total += _pieces[id][i].amount;
        token.approve(address(launchpad), total);
        bool passes = caller % 4 != 0 && account.count != 0 && !account.approved && !account.stopped;
        if (caller % 4 == 0) vm.prank(people[caller % 3]);
        _expect(passes, abi.encodeCall(launchpad.approve, (id)));
        if (!passes) return;
        account.approved = true;
        moved[address(this)] -= int256(total);
    }

    function cancel(uint256 which, uint256 caller) external {
        // Rarely: what was cancelled does nothing interesting any more.
        if (caller % 8 > 2) return;
        (bytes32 id, Account storage account) = _pick(which);
        bool passes = caller % 8 != 0 && account.count != 0 && !account.stopped;
        if (caller % 8 == 0) vm.prank(people[caller % 3]);
        _expect(passes, abi.encodeCall(launchpad.cancel, (id)));
        if (passes) account.stopped = true;
    }

    function postEvidence(uint256 which, uint256 index, uint256 caller) external {
        (bytes32 id, Account storage account) = _pick(which);
        Piece storage piece = _piece(id, index);
        address sender = caller % 4 == 0 ? people[(caller / 4) % 3] : account.recipient;
        bool passes = _isClaimable(account, piece) && !piece.byProof && sender == account.recipient;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(launchpad.postEvidence, (id, _index(id, index), "evidence")));
        if (passes) (piece.fate, piece.since) = (Fate.Claimed, time);
    }

    function prove(uint256 which, uint256 index, uint8 fault, address sender) external {
        (bytes32 id, Account storage account) = _pick(which);
        Piece storage piece = _piece(id, index);
        index = _index(id, index);
        bytes32 kind = keccak256("openledger.context.milestone.v1");
        uint256 wrong = fault % 4 == 0 ? 1 : 0;
        bytes32 context = keccak256(abi.encode(kind, uint256(31337), launchpad, id, index + wrong));
        uint256[] memory publics = new uint256[](3);
        publics[0] = uint256(account.digest) % BN254.R;
        Proof memory proof = Simulator.prove(verifier, context, publics, new uint256[](0));
        bool passes = wrong == 0 && _isClaimable(account, piece) && piece.byProof;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(launchpad.prove, (id, index, publics, proof)));
        if (passes) _released(account, piece);
    }

    function challenge(uint256 which, uint256 index, uint256 caller) external {
        (bytes32 id, ) = _pick(which);
        Piece storage piece = _piece(id, index);
        address sender = people[caller % 3];
        uint96 bond = _bond(piece);
        bool passes = piece.fate == Fate.Claimed && time < piece.since + 7 days;
        vm.startPrank(sender);
        token.approve(address(launchpad), bond);
        _expect(passes, abi.encodeCall(launchpad.challenge, (id, _index(id, index), "reason")));
        vm.stopPrank();
        if (!passes) return;
        (piece.fate, piece.since, piece.challenger) = (Fate.Challenged, time, sender);
        moved[sender] -= int256(uint256(bond));
    }

    function decide(uint256 which, uint256 index, uint256 caller, bool upheld) external {
        (bytes32 id, Account storage account) = _pick(which);
        Piece storage piece = _piece(id, index);
        uint256 since = caller % 5 == 0 ? piece.since + 1 : piece.since;
        bool passes = caller % 4 != 0 && piece.fate == Fate.Challenged && caller % 5 != 0 && time < since + 30 days;
        if (caller % 4 == 0) vm.prank(people[caller % 3]);
        _expect(passes, abi.encodeCall(launchpad.decide, (id, _index(id, index), since, upheld)));
        if (!passes) return;
        if (!upheld) {
            account.earned += _bond(piece);
            return _released(account, piece);
        }
        bonds[piece.challenger] += _bond(piece);
        piece.fate = Fate.Pending;
    }

    function release(uint256 which, uint256 index, address sender) external {
        (bytes32 id, Account storage account) = _pick(which);
        Piece storage piece = _piece(id, index);
        bool silent = piece.fate == Fate.Challenged && time >= piece.since + 30 days;
        bool passes = silent || (piece.fate == Fate.Claimed && time >= piece.since + 7 days);
        vm.prank(sender);
        _expect(passes, abi.encodeCall(launchpad.release, (id, _index(id, index))));
        if (!passes) return;
        if (silent) account.earned += _bond(piece);
        _released(account, piece);
    }

    function lapse(uint256 which, uint256 index, address sender) external {
        (bytes32 id, Account storage account) = _pick(which);
        Piece storage piece = _piece(id, index);
        // A milestone that is not there has no amount.
        bool ends = piece.amount != 0 && piece.fate == Fate.Pending && (account.stopped || time >= piece.deadline);
        bool passes = account.approved && ends;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(launchpad.lapse, (id, _index(id, index))));
        if (!passes) return;
        piece.fate = Fate.Lapsed;
        lapsed += piece.amount;
    }

    function withdraw(uint256 which, address sender) external {
        (bytes32 id, Account storage account) = _pick(which);
        uint256 due = account.earned - account.paid;
        vm.prank(sender);
        _expect(due != 0, abi.encodeCall(launchpad.withdraw, (id)));
        account.paid += due;
        moved[account.recipient] += int256(due);
    }

    function withdrawBond(uint256 whose, address sender) external {
        address challenger = people[whose % 3];
        uint256 due = bonds[challenger];
        vm.prank(sender);
        _expect(due != 0, abi.encodeCall(launchpad.withdrawBond, (challenger)));
        bonds[challenger] = 0;
        moved[challenger] += int256(due);
    }

    function rotate(uint256 which, uint256 to, uint256 caller) external {
        (bytes32 id, Account storage account) = _pick(which);
        address sender = caller % 3 == 0 ? people[(caller / 3) % 3] : account.recipient;
        bool passes = sender == account.recipient;
        if (account.count == 0) return;
        vm.prank(sender);
        _expect(passes, abi.encodeCall(launchpad.rotateRecipient, (id, people[to % 3])));
        if (passes) account.recipient = people[to % 3];
    }

    /// @dev Lets time pass: up to five days, or to the second before a deadline, that second, or the one after it.
    function warp(uint256 which, uint256 index, uint256 seconds_) external {
        (bytes32 id, ) = _pick(which);
        Piece storage piece = _piece(id, index);
        uint256 next = time + (seconds_ % 5 days);
        uint256 edge = piece.deadline;
        if (piece.fate == Fate.Claimed) edge = piece.since + 7 days;
        if (piece.fate == Fate.Challenged) edge = piece.since + 30 days;
        if (seconds_ % 2 == 0 && edge > time) next = edge - 1 + (seconds_ % 3);
        if (next > time) time = next;
        vm.warp(time);
    }

    function give(uint96 amount) external {
        amount = amount % 1 ether;
        vm.prank(people[0]);
        token.transfer(address(launchpad), amount);
        gifts += amount;
        moved[people[0]] -= int256(uint256(amount));
    }

    // --- parts ---

    function _pick(uint256 which) private view returns (bytes32 id, Account storage account) {
        if (ids.length != 0) id = ids[which % ids.length];
        account = _accounts[id];
    }

    /// @dev One of a grant's milestones, or sometimes the one after its last.
    function _index(bytes32 id, uint256 index) private view returns (uint256) {
        return index % (_accounts[id].count + 1);
    }

    function _piece(bytes32 id, uint256 index) private view returns (Piece storage) {
        return _pieces[id][_index(id, index)];
    }

    function _isClaimable(Account storage account, Piece storage piece) private view returns (bool) {
        return account.approved && !account.stopped && piece.fate == Fate.Pending && time < piece.deadline;
    }

    function _bond(Piece storage piece) private view returns (uint96) {
        return piece.amount < 100 ether ? 10 ether : piece.amount / 10;
    }

    function _released(Account storage account, Piece storage piece) private {
        account.earned += piece.amount;
        piece.fate = Fate.Released;
    }

    function _expect(bool passes, bytes memory data) private {
        (bool ok, ) = address(launchpad).call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
    }
}

contract OpenCirceLaunchpadInvariants is Grants {
    GrantsHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new GrantsHandler(token, verifier, this.deployFor, NOW);
        launchpad = handler.launchpad();
        token.transfer(address(handler), handler.FUNDS());
        for (uint256 i = 0; i < 3; ++i) token.transfer(handler.people(i), handler.FUNDS());
    }

    function deployFor(address owner) external returns (OpenCirceLaunchpad) {
        return
            OpenCirceLaunchpad(_create("OpenCirceLaunchpad", abi.encode(token, router, guardian, owner, treasury)));
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function invariant_each_grant_is_what_was_foretold() external view {
        uint256 here = handler.gifts();
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            GrantsHandler.Account memory account = handler.accountOf(id);
            OpenCirceLaunchpad.Grant memory grant = launchpad.grantOf(id);
            uint256 held;
            for (uint256 k = 0; k < account.count; ++k) {
                GrantsHandler.Piece memory piece = handler.pieceOf(id, k);
                OpenCirceLaunchpad.Milestone memory milestone = launchpad.milestoneOf(id, k);
                assertEq(uint256(milestone.stage), uint256(piece.fate), "stage");
                if (!account.approved) continue;
                if (piece.fate != GrantsHandler.Fate.Released && piece.fate != GrantsHandler.Fate.Lapsed) {
                    held += piece.amount;
                }
                if (piece.fate == GrantsHandler.Fate.Challenged) {
                    here += milestone.bond;
                    assertEq(milestone.bond, piece.amount < 100 ether ? 10 ether : piece.amount / 10, "bond");
                    assertEq(milestone.challenger, piece.challenger, "challenger");
                }
            }
            assertEq(grant.held, held, "held");
            assertEq(grant.due, account.earned - account.paid, "due");
            assertEq(grant.recipient, account.recipient, "recipient");
            here += held + account.earned - account.paid;
        }
        for (uint256 i = 0; i < 3; ++i) {
            uint256 bond = handler.bonds(handler.people(i));
            assertEq(launchpad.bondDue(handler.people(i)), bond, "bond due");
            here += bond;
        }
        assertEq(token.balanceOf(address(launchpad)), here, "balance");
    }

    /// The owner is one of everybody: it never has more than it brought.
    function invariant_everybody_has_what_the_accounts_say() external view {
        for (uint256 i = 0; i < 3; ++i) _holds(handler.people(i));
        _holds(address(handler));
        assertTrue(handler.moved(address(handler)) <= 0, "owner");
        assertEq(token.balanceOf(treasury), handler.lapsed(), "treasury");
    }

    /// At any time everything leaves, without the owner: what is claimed to the recipients, all else to the treasury.
    function invariant_everything_can_leave() external {
        uint256 state = vm.snapshotState();
        vm.warp(handler.time() + 400 days);
        for (uint256 i = 0; i < handler.count(); ++i) {
            bytes32 id = handler.ids(i);
            GrantsHandler.Account memory account = handler.accountOf(id);
            if (!account.approved) continue;
            uint256 expected = account.earned - account.paid;
            for (uint256 k = 0; k < account.count; ++k) {
                GrantsHandler.Piece memory piece = handler.pieceOf(id, k);
                if (piece.fate == GrantsHandler.Fate.Claimed || piece.fate == GrantsHandler.Fate.Challenged) {
                    expected += piece.amount;
                    if (piece.fate == GrantsHandler.Fate.Challenged) expected += launchpad.bondOf(piece.amount);
                    launchpad.release(id, k);
                } else if (piece.fate == GrantsHandler.Fate.Pending) {
                    launchpad.lapse(id, k);
                }
            }
            uint256 before = token.balanceOf(account.recipient);
            if (expected != 0) launchpad.withdraw(id);
            assertEq(token.balanceOf(account.recipient), before + expected, "recipient");
        }
        for (uint256 i = 0; i < 3; ++i) {
            if (handler.bonds(handler.people(i)) != 0) launchpad.withdrawBond(handler.people(i));
        }
        assertEq(token.balanceOf(address(launchpad)), handler.gifts(), "nothing left");
        vm.revertToState(state);
    }

    function _holds(address who) private view {
        int256 atFirst = int256(handler.FUNDS());
        assertEq(token.balanceOf(who), uint256(atFirst + handler.moved(who)), "moved");
    }
}
