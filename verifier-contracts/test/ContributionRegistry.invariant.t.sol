// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContributionRegistry} from "../src/ContributionRegistry.sol";
import {EpochPolicy} from "../src/Epochs.sol";
import {Guardian} from "../src/Guardian.sol";
import {Proof} from "../src/IVerifier.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {House} from "./House.sol";
import {Test} from "./Vm.sol";

/// @title Registry and vault together: wallets, steward, distributor, guardian and the owner of the vault doing anything, beside second books
/// @notice Every call is foretold from the books kept here. They are only appended to, but for wallet and stake of a contribution.
contract ContributionsHandler is House {
    struct Entry {
        uint256 epoch;
        uint256 index;
        uint256 wallet;
        uint96 stake;
        uint256 rows;
        uint256 stats;
        uint256 n;
    }

    struct Opened {
        uint256 count;
        uint96 minStake;
        bool closed;
        uint256 rows;
        bytes32 list;
    }

    uint256 public constant WALLETS = 4;
    uint256 public constant MOST = 3;
    uint16 public constant CAPACITY = 5;
    uint256 public constant FUNDS = 10_000 ether;

    Entry[] private _entries;
    Opened[] private _opened;
    mapping(bytes32 taken => bool) private _isTaken;
    uint256[4] public free;
    uint256[4] public locked;
    int256[4] public moved;
    uint256 public charged;
    uint256 public time = NOW;
    uint256 public endsAt;
    uint256 public pausedUntil;

    function setUp() public override {
        if (address(registry) != address(0)) return;
        super.setUp();
        for (uint256 w = 0; w < WALLETS; ++w) token.transfer(_wallet(w), FUNDS);
    }

    function parts() external view returns (ContributionRegistry, StakeVault, address) {
        return (registry, vault, address(distributor));
    }

    function walletOf(uint256 w) external pure returns (address) {
        return _wallet(w);
    }

    function entryOf(uint256 i) external view returns (Entry memory) {
        return _entries[i];
    }

    function entries() external view returns (uint256) {
        return _entries.length;
    }

    function openedOf(uint256 epoch) external view returns (Opened memory) {
        return _opened[epoch - 1];
    }

    function epochs() external view returns (uint256) {
        return _opened.length;
    }

    function hasEnded() public view returns (bool) {
        return endsAt != 0 && time >= endsAt;
    }

    // --- epochs ---

    function open(uint96 minStake) external {
        if (_opened.length == MOST) return;
        EpochPolicy memory policy = _policy();
        policy.capacity = CAPACITY;
        policy.minStake = minStake % 4 == 0 ? 0 : minStake % 3 ether;
        bool passes = time >= pausedUntil && time < EXPIRY;
        _expect(address(registry), passes, abi.encodeCall(registry.openEpoch, (policy)));
        if (passes) _opened.push(Opened(0, policy.minStake, false, 0, 0));
    }

    /// @dev A few different rows only, so that some are tried again.
    function contribute(uint256 e, uint256 w, uint8 salt, uint96 stake) external {
        if (_opened.length == 0) return;
        (e, w) = (e % _opened.length, w % WALLETS);
        stake = stake % 5 ether;
        if (stake % 7 == 0) stake = 0;
        uint256[3] memory publics = [_field("rows", e + 1, salt % 8), _field("stats", e + 1, salt % 9), 1 + (salt % 5)];
        Proof memory proof = _contributionProof(e + 1, _wallet(w), publics);
        Opened storage opened = _opened[e];
        bytes32[2] memory commits = [keccak256(abi.encode(e, publics[0])), keccak256(abi.encode(e, publics[1]))];
        bool isNew = !_isTaken[commits[0]] && !_isTaken[commits[1]];
        bool isOpen = !opened.closed && opened.count < CAPACITY && time >= pausedUntil && time < EXPIRY;
        bool isStaked = stake >= opened.minStake && (stake == 0 || (stake <= free[w] && endsAt == 0));
        bool passes = isNew && isOpen && isStaked;
        vm.prank(_wallet(w));
        _expect(
            address(registry),
            passes,
            abi.encodeCall(registry.contribute, (e + 1, keccak256("dataset"), publics, proof, stake))
        );
        if (!passes) return;
        _isTaken[commits[0]] = true;
        _isTaken[commits[1]] = true;
        _entries.push(Entry(e + 1, opened.count, w, stake, publics[0], publics[1], publics[2]));
        opened.count += 1;
        opened.rows += publics[2];
        opened.list = keccak256(abi.encode(opened.list, publics[1]));
        free[w] -= stake;
        locked[w] += stake;
    }

    function close(uint256 e, bool bySteward) external {
        if (_opened.length == 0) return;
        e = e % _opened.length;
        Opened storage opened = _opened[e];
        bool passes = bySteward && !opened.closed && opened.count != 0 && time < EXPIRY;
        if (!bySteward) vm.prank(stranger);
        _expect(address(registry), passes, abi.encodeCall(registry.closeEpoch, (e + 1)));
        if (passes) opened.closed = true;
    }

    // --- stakes ---

    function deposit(uint256 w, uint96 amount) external {
        w = w % WALLETS;
        amount = amount % 20 ether;
        vm.startPrank(_wallet(w));
        token.approve(address(vault), amount);
        bool passes = endsAt == 0;
        _expect(address(vault), passes, abi.encodeCall(vault.deposit, (address(registry), amount)));
        vm.stopPrank();
        if (!passes) return;
        free[w] += amount;
        moved[w] -= int256(uint256(amount));
    }

    function unbond(uint256 w, uint96 amount) external {
        w = w % WALLETS;
        amount = uint96(amount % (free[w] + 2));
        bool passes = amount != 0 && amount <= free[w];
        vm.prank(_wallet(w));
        _expect(address(vault), passes, abi.encodeCall(vault.unbond, (address(registry), amount)));
        if (!passes) return;
        free[w] -= amount;
        moved[w] += int256(uint256(amount));
    }

    /// @dev The vault's own way out, by anybody.
    function withdraw(uint256 w, address sender) external {
        w = w % WALLETS;
        bool passes = hasEnded() && free[w] + locked[w] != 0;
        vm.prank(sender);
        _expect(address(vault), passes, abi.encodeCall(vault.withdraw, (address(registry), _wallet(w))));
        if (!passes) return;
        moved[w] += int256(free[w] + locked[w]);
        (free[w], locked[w]) = (0, 0);
    }

    function rotate(uint256 i, uint256 to, bool genuine) external {
        if (_entries.length == 0) return;
        Entry storage entry = _entries[i % _entries.length];
        to = to % WALLETS;
        bytes32 digest = _rotation(entry, to);
        bytes memory fromSignature = _signature(KEY + entry.wallet, digest);
        bytes memory toSignature = _signature(genuine ? KEY + to : KEY + WALLETS, digest);
        bytes memory call = abi.encodeCall(
            registry.rotateWallet,
            (entry.epoch, entry.index, _wallet(to), type(uint256).max, fromSignature, toSignature)
        );
        _expect(address(registry), genuine, call);
        if (!genuine) return;
        if (!hasEnded()) {
            locked[entry.wallet] -= entry.stake;
            locked[to] += entry.stake;
        }
        entry.wallet = to;
    }

    /// @dev More than a proven word could ask for, at any time; and by others, who must fail.
    function charge(uint256 i, uint96 amount, bool byDistributor) external {
        if (_entries.length == 0) return;
        Entry storage entry = _entries[i % _entries.length];
        amount = amount % 6 ether;
        bytes memory call = abi.encodeCall(registry.charge, (entry.epoch, entry.index, amount));
        if (byDistributor) vm.prank(address(distributor));
        _expect(address(registry), byDistributor, call);
        if (!byDistributor || hasEnded()) return;
        uint96 done = amount < entry.stake ? amount : entry.stake;
        entry.stake -= done;
        locked[entry.wallet] -= done;
        charged += done;
    }

    function withdrawStake(uint256 i, address sender) external {
        if (_entries.length == 0) return;
        Entry storage entry = _entries[i % _entries.length];
        bool passes = time >= EXPIRY && entry.stake != 0;
        vm.prank(sender);
        _expect(address(registry), passes, abi.encodeCall(registry.withdrawStake, (entry.epoch, entry.index)));
        if (!passes) return;
        if (!hasEnded()) {
            locked[entry.wallet] -= entry.stake;
            moved[entry.wallet] += int256(uint256(entry.stake));
        }
        entry.stake = 0;
    }

    // --- the rest ---

    function pause(uint256 seed) external {
        if (seed % 8 != 0 || (pausedUntil != 0 && time < pausedUntil + 14 days) || time >= NOW + 366 days) return;
        vm.prank(brake);
        Guardian(guardian).pause(1 days, "");
        pausedUntil = time + 1 days;
    }

    function retire(uint256 seed) external {
        if (seed % 16 != 0 || endsAt != 0) return;
        vault.retireService(address(registry));
        endsAt = time + 30 days;
    }

    function warp(uint256 seconds_) external {
        uint256 next = time + (seconds_ % 2 days);
        if (seconds_ % 8 == 0 && time < EXPIRY) next = EXPIRY - 1 + (seconds_ % 3);
        if (seconds_ % 8 == 1 && endsAt > time) next = endsAt - 1 + (seconds_ % 3);
        if (next > time) time = next;
        vm.warp(time);
    }

    // --- parts ---

    function _rotation(Entry storage entry, uint256 to) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Contributions"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        address from = _wallet(entry.wallet);
        bytes32 structHash = keccak256(
            abi.encode(
                registry.ROTATE_TYPEHASH(),
                entry.epoch,
                entry.index,
                from,
                _wallet(to),
                registry.nonces(from),
                type(uint256).max
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _signature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _expect(address target, bool passes, bytes memory data) private {
        (bool ok, ) = target.call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
    }
}

contract ContributionRegistryInvariants is Test {
    ContributionsHandler private handler;
    ContributionRegistry private registry;
    StakeVault private vault;
    address private distributor;

    function setUp() public {
        handler = new ContributionsHandler();
        handler.setUp();
        (registry, vault, distributor) = handler.parts();
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    /// Contributions, their order and the digest of their list are only added to.
    function invariant_what_was_contributed_never_changes() external view {
        for (uint256 epoch = 1; epoch <= handler.epochs(); ++epoch) {
            ContributionsHandler.Opened memory opened = handler.openedOf(epoch);
            ContributionRegistry.EpochState memory state = registry.stateOf(epoch);
            assertEq(state.list, opened.list, "list");
            assertEq(state.count, opened.count, "count");
            assertEq(state.rows, opened.rows, "rows");
            assertTrue(state.closed == opened.closed, "closed");
            assertEq(state.steward, address(handler), "steward");
        }
        assertEq(registry.epochCount(), handler.epochs(), "epochs");
        for (uint256 i = 0; i < handler.entries(); ++i) {
            ContributionsHandler.Entry memory entry = handler.entryOf(i);
            assertTrue(registry.isTaken(entry.epoch, entry.rows), "rows taken");
            assertTrue(registry.isTaken(entry.epoch, entry.stats), "statistics taken");
        }
    }

    /// A stake changes by its owners' signatures, by a verdict, or by its withdrawal, and in the vault as in the registry.
    function invariant_stakes_are_what_was_foretold_in_both() external view {
        uint256[4] memory stakes;
        for (uint256 i = 0; i < handler.entries(); ++i) {
            ContributionsHandler.Entry memory entry = handler.entryOf(i);
            ContributionRegistry.Contribution memory actual = registry.contributionOf(entry.epoch, entry.index);
            assertEq(actual.wallet, handler.walletOf(entry.wallet), "wallet");
            assertEq(actual.stake, entry.stake, "stake");
            stakes[entry.wallet] += entry.stake;
        }
        uint256 here = handler.charged();
        for (uint256 w = 0; w < 4; ++w) {
            StakeVault.Account memory account = vault.accountOf(address(registry), handler.walletOf(w));
            assertEq(account.free, handler.free(w), "free");
            assertEq(account.locked, handler.locked(w), "locked");
            assertEq(account.unbonding, 0, "unbonding");
            if (!handler.hasEnded()) assertEq(account.locked, stakes[w], "what the contributions say together");
            here += account.free + account.locked;
        }
        assertEq(vault.creditOf(vault.treasury()), handler.charged(), "charged");
        assertEq(vault.token().balanceOf(address(vault)), here, "balance");
    }

    function invariant_everybody_has_what_the_books_say() external view {
        for (uint256 w = 0; w < 4; ++w) {
            uint256 expected = uint256(int256(handler.FUNDS()) + handler.moved(w));
            assertEq(vault.token().balanceOf(handler.walletOf(w)), expected, "wallet");
        }
        assertEq(vault.token().balanceOf(address(registry)), 0, "the registry holds no money");
        assertEq(vault.token().balanceOf(distributor), 0, "nor does the distributor get any");
    }

    /// Whatever happened, all that was not charged can leave.
    function invariant_all_can_leave() external {
        uint256 state = vm.snapshotState();
        vm.warp(handler.time() + 400 days);
        bool ended = handler.endsAt() != 0;
        for (uint256 i = 0; i < handler.entries(); ++i) {
            ContributionsHandler.Entry memory entry = handler.entryOf(i);
            if (entry.stake != 0) registry.withdrawStake(entry.epoch, entry.index);
        }
        for (uint256 w = 0; w < 4; ++w) {
            address wallet = handler.walletOf(w);
            StakeVault.Account memory account = vault.accountOf(address(registry), wallet);
            if (account.free + account.locked == 0) continue;
            vm.prank(wallet);
            if (ended) vault.withdraw(address(registry), wallet);
            else vault.unbond(address(registry), account.free);
        }
        assertEq(vault.token().balanceOf(address(vault)), handler.charged(), "what was charged");
        vm.revertToState(state);
    }
}
