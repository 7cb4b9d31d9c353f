// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Proof} from "../src/IVerifier.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {Claims} from "./Claims.sol";
import {Test} from "./Vm.sol";

/// @title Anybody doing anything with the pools of a few epochs, beside a second set of accounts
/// @notice Every call is foretold from the accounts kept here, whether it passes and what it moves; none of them is read from the contract.
/// This contract is steward and funder of all epochs.
contract PayoutsHandler is Claims {
    struct Mirror {
        uint256 epoch;
        RewardDistributor.Status status;
        uint256 pool;
        uint256 balance;
        uint256 dust;
        uint256 paid;
        uint256 activatesAt;
        uint256[] words;
        bool[] settled;
        uint256[] owners;
    }

    uint256 public constant EPOCHS = 4;
    uint256 public constant WALLETS = 5;
    address public constant RECIPIENT = address(0xBE);

    uint256 public time;
    uint256 public gifts;
    uint256 public charged;
    uint256 public atFirst;
    /// @dev pages of each payout that were posted, by its id
    mapping(bytes32 payout => uint256) private _pagesOf;
    mapping(address who => int256) public moved;
    Mirror[EPOCHS] private _mirrors;

    function setUp() public override {
        if (address(token) != address(0)) return;
        super.setUp();
        time = NOW;
        for (uint256 i = 0; i < EPOCHS; ++i) {
            Mirror storage mirror = _mirrors[i];
            mirror.epoch = _attributed(_count(i), _size(i));
            mirror.settled = new bool[](_count(i));
            for (uint256 k = 0; k < _count(i); ++k) mirror.owners.push(k);
        }
        atFirst = token.balanceOf(address(this));
    }

    function mirrorOf(uint256 which) external view returns (Mirror memory) {
        return _mirrors[which];
    }

    function parts() external view returns (RewardDistributor, IERC20) {
        return (distributor, token);
    }

    function charges() external view returns (uint256) {
        return vault.creditOf(treasury);
    }

    // --- actions ---

    function fund(uint256 which, uint96 amount, bool byFunder) external {
        Mirror storage mirror = _pick(which);
        amount = amount % 100 ether;
        token.approve(address(distributor), amount);
        if (!byFunder) vm.prank(stranger);
        if (!_expect(byFunder && _isOpen(mirror), abi.encodeCall(distributor.fund, (mirror.epoch, amount)))) return;
        mirror.pool += amount;
        mirror.balance += amount;
        moved[address(this)] -= int256(uint256(amount));
    }

    /// @dev Posts the next page for the present pool, true or with a fault that shows at its end.
    function post(uint256 which, uint256 fault, address sender) external {
        which %= EPOCHS;
        Mirror storage mirror = _mirrors[which];
        uint256 size = _size(which);
        uint256[] memory words = _wordsOf(which, mirror.pool);
        uint256 positive = _positiveOf(words);
        // 1: another sum of positive scores; 2: a page out of turn.
        if (fault % 4 == 1) positive += 1;
        bytes32 id = keccak256(abi.encode(mirror.epoch, mirror.pool, positive, size));
        uint256 page = _pagesOf[id];
        // Complete: the first one again.
        if (page * size >= words.length) page = 0;
        bool last = (page + 1) * size >= words.length;
        bool passes = _isOpen(mirror) && !(last && fault % 4 == 1) && fault % 4 != 2;
        if (fault % 4 == 2) page = last ? 0 : page + 1;
        if (fault % 4 == 2 && words.length <= size) return;
        _tryPage(mirror, size, words, positive, page, sender, passes);
        if (!passes) return;
        _pagesOf[id] = page + 1;
        if (!last) return;
        mirror.status = RewardDistributor.Status.Posted;
        mirror.words = words;
        mirror.dust = _dustOf(words, mirror.pool);
        mirror.paid = mirror.pool - mirror.dust;
        mirror.balance = mirror.paid;
        mirror.activatesAt = time + 1 days;
    }

    function veto(uint256 which, uint256 who) external {
        Mirror storage mirror = _pick(which);
        address[4] memory callers = [vetoer, guardian, stranger, address(this)];
        bool passes = who % 4 < 2 && mirror.status == RewardDistributor.Status.Posted && time < mirror.activatesAt;
        vm.prank(callers[who % 4]);
        if (!_expect(passes, abi.encodeCall(distributor.veto, (mirror.epoch, "no")))) return;
        mirror.status = RewardDistributor.Status.Vetoed;
    }

    function claim(uint256 which, uint256 index, bool altered, address sender) external {
        Mirror storage mirror = _pick(which);
        if (mirror.words.length == 0) return;
        index %= mirror.words.length;
        RewardDistributor.Claim memory one = _claimFor(which % EPOCHS, index);
        if (altered) one.word += 1;
        vm.prank(sender);
        bool passes = !altered && _isActive(mirror) && !mirror.settled[index];
        if (!_expect(passes, abi.encodeCall(distributor.claim, (one.epoch, one.word, one.proof)))) return;
        _settled(mirror, index, _wallet(mirror.owners[index]));
    }

    function claimAll(uint256 wallet, uint256 seed, address sender) external {
        (RewardDistributor.Claim[] memory claims, uint256[] memory indices, bool passes) = _batch(wallet, seed);
        vm.prank(sender);
        bytes memory call = abi.encodeCall(distributor.claimAll, (_wallet(wallet % WALLETS), claims));
        if (_expect(passes, call)) _settledAll(indices, _wallet(wallet % WALLETS));
    }

    function claimTo(uint256 wallet, uint256 seed, uint256 signer, bool self) external {
        (RewardDistributor.Claim[] memory claims, uint256[] memory indices, bool passes) = _batch(wallet, seed);
        wallet %= WALLETS;
        // One signature of two is of another wallet.
        signer = signer % 2 == 0 ? wallet : (wallet + 1) % WALLETS;
        bytes memory signature = _signClaim(KEY + signer, RECIPIENT, claims, type(uint256).max);
        vm.prank(self ? _wallet(wallet) : stranger);
        bytes memory call = abi.encodeCall(
            distributor.claimTo,
            (_wallet(wallet), RECIPIENT, claims, type(uint256).max, signature)
        );
        if (_expect(passes && (self || signer == wallet), call)) _settledAll(indices, RECIPIENT);
    }

    function carry(uint256 from, uint256 to, bool bySteward) external {
        Mirror storage source = _pick(from);
        Mirror storage target = _pick(to);
        bool passes = bySteward && _isActive(source) && _isOpen(target) && source.dust != 0;
        if (!bySteward) vm.prank(stranger);
        if (!_expect(passes, abi.encodeCall(distributor.carry, (source.epoch, target.epoch)))) return;
        target.pool += source.dust;
        target.balance += source.dust;
        source.dust = 0;
    }

    function returnDust(uint256 which, bool byFunder) external {
        Mirror storage mirror = _pick(which);
        if (!byFunder) vm.prank(stranger);
        bool passes = byFunder && _isActive(mirror) && mirror.dust != 0;
        if (!_expect(passes, abi.encodeCall(distributor.returnDust, (mirror.epoch)))) return;
        moved[address(this)] += int256(mirror.dust);
        mirror.dust = 0;
    }

    function refund(uint256 which, address sender) external {
        Mirror storage mirror = _pick(which);
        bool expired = mirror.status == RewardDistributor.Status.None && time >= EXPIRY;
        bool passes = (expired || mirror.status == RewardDistributor.Status.Vetoed) && mirror.balance + mirror.dust != 0;
        vm.prank(sender);
        if (_expect(passes, abi.encodeCall(distributor.refund, (mirror.epoch)))) {
            _emptied(mirror, RewardDistributor.Status.Refunded);
        }
    }

    function sweep(uint256 which, address sender) external {
        Mirror storage mirror = _pick(which);
        bool passes = _isActive(mirror) && time >= mirror.activatesAt + 180 days;
        vm.prank(sender);
        if (_expect(passes, abi.encodeCall(distributor.sweep, (mirror.epoch)))) {
            _emptied(mirror, RewardDistributor.Status.Swept);
        }
    }

    function rotate(uint256 which, uint256 index, uint256 to) external {
        Mirror storage mirror = _pick(which);
        index %= mirror.owners.length;
        to %= WALLETS;
        if (mirror.owners[index] == to) return;
        _rotate(mirror.epoch, index, KEY + mirror.owners[index], KEY + to);
        mirror.owners[index] = to;
    }

    function give(uint96 amount) external {
        amount = amount % 1 ether;
        token.transfer(address(distributor), amount);
        gifts += amount;
        moved[address(this)] -= int256(uint256(amount));
    }

    /// @dev Small steps, and one past every deadline now and then.
    function wait_(uint256 seed) external {
        time += seed % 8 == 0 ? 60 days : seed % 8 == 1 ? 10 days : (seed >> 8) % 20 hours;
        vm.warp(time);
    }

    // --- what the accounts say ---

    function claimOf(uint256 which, uint256 index) external view returns (RewardDistributor.Claim memory) {
        return _claimFor(which, index);
    }

    function walletOf(uint256 wallet) external pure returns (address) {
        return _wallet(wallet);
    }

    /// @dev Pages of 2, 2 and 1; one page; pages of 1; one page of one.
    function _size(uint256 which) private pure returns (uint256) {
        return [uint256(2), 4, 1, 3][which];
    }

    function _count(uint256 which) private pure returns (uint256) {
        return [uint256(5), 4, 3, 1][which];
    }

    /// @dev Word 1 is a charge, the others have uneven parts of the pool.
    function _wordsOf(uint256 which, uint256 pool) private pure returns (uint256[] memory words) {
        words = new uint256[](_count(which));
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 amount = i == 1 ? uint256(2 ether) | (1 << 96) : (pool * (i + 1)) / 16;
            words[i] = amount | (i << 128);
        }
    }

    function _claimFor(uint256 which, uint256 index) private view returns (RewardDistributor.Claim memory) {
        Mirror storage mirror = _mirrors[which];
        uint256 size = _size(which);
        uint256[] memory part = _slice(mirror.words, index - (index % size), size);
        return RewardDistributor.Claim(mirror.epoch, mirror.words[index], _siblings(mirror.epoch, part, index % size));
    }

    /// @dev A word of each posted epoch whose bit is set in the seed.
    /// @return claims of these epochs
    /// @return indices of their words; the maximum where an epoch has no part
    /// @return passes whether they can be settled together for the wallet
    function _batch(
        uint256 wallet,
        uint256 seed
    ) private view returns (RewardDistributor.Claim[] memory claims, uint256[] memory indices, bool passes) {
        indices = new uint256[](EPOCHS);
        claims = new RewardDistributor.Claim[](EPOCHS);
        uint256 count = 0;
        passes = true;
        for (uint256 i = 0; i < EPOCHS; ++i) {
            Mirror storage mirror = _mirrors[i];
            indices[i] = type(uint256).max;
            if ((seed >> i) & 1 == 0 || mirror.words.length == 0) continue;
            // Mostly a word of the wallet, if it has one.
            uint256 index = (seed >> 8) % mirror.words.length;
            for (uint256 k = 0; k < mirror.words.length && (seed >> 4) & 3 != 0; ++k) {
                if (mirror.owners[k] == wallet % WALLETS) index = k;
            }
            indices[i] = index;
            claims[count++] = _claimFor(i, index);
            if (!_isActive(mirror) || mirror.owners[index] != wallet % WALLETS) passes = false;
        }
        assembly ("memory-safe") {
            mstore(claims, count)
        }
    }

    function _settledAll(uint256[] memory indices, address to) private {
        for (uint256 i = 0; i < EPOCHS; ++i) {
            if (indices[i] == type(uint256).max || _mirrors[i].settled[indices[i]]) continue;
            _settled(_mirrors[i], indices[i], to);
        }
    }

    function _settled(Mirror storage mirror, uint256 index, address to) private {
        mirror.settled[index] = true;
        uint256 amount = uint96(mirror.words[index]);
        if ((mirror.words[index] >> 96) & 1 == 1) {
            charged += amount;
            return;
        }
        mirror.balance -= amount;
        moved[to] += int256(amount);
    }

    function _emptied(Mirror storage mirror, RewardDistributor.Status status) private {
        moved[address(this)] += int256(mirror.balance + mirror.dust);
        (mirror.status, mirror.balance, mirror.dust) = (status, 0, 0);
    }

    function _tryPage(
        Mirror storage mirror,
        uint256 size,
        uint256[] memory words,
        uint256 positive,
        uint256 page,
        address sender,
        bool passes
    ) private {
        uint256[] memory part = _slice(words, page * size, size);
        uint256[7] memory publics = _payoutPublics(mirror.epoch, words, page * size, size);
        (publics[3], publics[4]) = (mirror.pool, positive);
        Proof memory proof = _payoutProof(mirror.epoch, publics, part);
        vm.prank(sender);
        (bool ok, ) = address(payouts).call(abi.encodeCall(payouts.post, (mirror.epoch, size, publics, part, proof)));
        assertTrue(ok == passes, passes ? "expected the page to pass" : "expected the page to be refused");
    }

    function _pick(uint256 which) private view returns (Mirror storage) {
        return _mirrors[which % EPOCHS];
    }

    function _isOpen(Mirror storage mirror) private view returns (bool) {
        return mirror.status == RewardDistributor.Status.None && time < EXPIRY;
    }

    function _isActive(Mirror storage mirror) private view returns (bool) {
        return mirror.status == RewardDistributor.Status.Posted && time >= mirror.activatesAt;
    }

    function _expect(bool passes, bytes memory data) private returns (bool) {
        (bool ok, ) = address(distributor).call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
        return ok;
    }
}

contract RewardDistributorInvariants is Test {
    PayoutsHandler private handler;
    RewardDistributor private distributor;
    IERC20 private token;

    function setUp() public {
        handler = new PayoutsHandler();
        handler.setUp();
        (distributor, token) = handler.parts();
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function invariant_each_account_is_what_was_foretold() external view {
        uint256 here = handler.gifts();
        for (uint256 i = 0; i < handler.EPOCHS(); ++i) {
            PayoutsHandler.Mirror memory mirror = handler.mirrorOf(i);
            RewardDistributor.Account memory account = distributor.accountOf(mirror.epoch);
            assertTrue(account.status == mirror.status, "status");
            assertEq(account.balance, mirror.balance, "balance");
            assertEq(account.dust, mirror.dust, "dust");
            assertEq(account.paid, mirror.paid, "paid");
            assertEq(account.activatesAt, mirror.activatesAt, "activatesAt");
            assertEq(account.count, mirror.words.length, "count");
            assertTrue(mirror.paid <= mirror.pool, "no more than the pool");
            here += mirror.balance + mirror.dust;
            for (uint256 k = 0; k < mirror.settled.length; ++k) {
                assertTrue(distributor.isClaimed(mirror.epoch, k) == mirror.settled[k], "settled");
            }
        }
        assertEq(token.balanceOf(address(distributor)), here, "what is owed is here");
    }

    /// No wallet has more than its words, no admin more than what goes back to a funder, and nobody else anything.
    function invariant_everybody_has_what_the_accounts_say() external view {
        for (uint256 i = 0; i < handler.WALLETS(); ++i) _holds(handler.walletOf(i), 0);
        _holds(handler.RECIPIENT(), 0);
        _holds(address(handler), handler.atFirst());
        assertEq(handler.charges(), handler.charged(), "charged");
    }

    /// At any time everybody can have what is owed: each word that is not settled once its payout is active, the funder all that is left.
    function invariant_everybody_can_leave() external {
        uint256 state = vm.snapshotState();
        uint256 time = handler.time();
        for (uint256 i = 0; i < handler.EPOCHS(); ++i) {
            PayoutsHandler.Mirror memory mirror = handler.mirrorOf(i);
            if (mirror.status == RewardDistributor.Status.Posted) {
                if (time < mirror.activatesAt) vm.warp(mirror.activatesAt);
                for (uint256 k = 0; k < mirror.words.length; ++k) {
                    if (mirror.settled[k]) continue;
                    address wallet = handler.walletOf(mirror.owners[k]);
                    uint256 before = token.balanceOf(wallet);
                    RewardDistributor.Claim memory one = handler.claimOf(i, k);
                    distributor.checkWord(one.epoch, one.word, one.proof);
                    distributor.claim(one.epoch, one.word, one.proof);
                    uint256 owed = (mirror.words[k] >> 96) & 1 == 1 ? 0 : uint96(mirror.words[k]);
                    assertEq(token.balanceOf(wallet), before + owed, "owed");
                }
                assertEq(distributor.accountOf(mirror.epoch).balance, 0, "all are paid");
                assertEq(distributor.paidOf(mirror.epoch), mirror.paid, "paid");
            } else if (mirror.balance + mirror.dust != 0) {
                if (mirror.status == RewardDistributor.Status.None) vm.warp(time + 40 days);
                uint256 before = token.balanceOf(address(handler));
                distributor.refund(mirror.epoch);
                assertEq(token.balanceOf(address(handler)), before + mirror.balance + mirror.dust, "refunded");
            }
            vm.warp(time);
        }
        vm.revertToState(state);
    }

    function _holds(address who, uint256 atFirst) private view {
        assertEq(token.balanceOf(who), uint256(int256(atFirst) + handler.moved(who)), "moved");
    }
}
