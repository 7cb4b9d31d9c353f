// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles it too.
import "../src/OpenToken.sol";

/// @title Token and vault deployed, with the terms of the first services, a staker with a key and others without
/// @notice The services are addresses that this test speaks for. This contract holds all tokens.
abstract contract Stakes is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant STAKER = 0x57A6E;
    uint96 internal constant STAKE = 100 ether;
    bytes32 internal constant EVIDENCE = "evidence";

    /// @dev Unbonding 0, cap 100 %, no appeal, no challenger.
    address internal contributions = address(0x5E41);
    /// @dev Unbonding 7 days, cap 100 %, appeal 3 days, challenger 50 %.
    address internal datanets = address(0x5E42);
    /// @dev Unbonding 14 days, cap 50 %, appeal 3 days, challenger 50 %.
    address internal operators = address(0x5E43);
    address internal timelock = address(0x71E);
    address internal treasury = address(0x7EA5);
    address internal staker = vm.addr(STAKER);
    address internal challenger = address(0xC4A1);
    address internal stranger = address(0x5724);

    IERC20 internal token;
    StakeVault internal vault;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        _deploy(IERC20(_create("OpenToken", abi.encode(this))));
    }

    function _deploy(IERC20 token_) internal {
        token = token_;
        vault = StakeVault(_create("StakeVault", abi.encode(token, timelock, treasury, _first())));
    }

    function _first() internal view returns (StakeVault.Registration[] memory services) {
        services = new StakeVault.Registration[](3);
        services[0] = StakeVault.Registration(contributions, StakeVault.Terms(0, 0, 10_000, 0));
        services[1] = StakeVault.Registration(datanets, StakeVault.Terms(7 days, 3 days, 10_000, 5000));
        services[2] = StakeVault.Registration(operators, StakeVault.Terms(14 days, 3 days, 5000, 5000));
    }

    function _deposit(address service, address owner, uint96 amount) internal {
        token.approve(address(vault), amount);
        vault.depositFor(service, owner, amount);
    }

    function _lock(address service, address owner, uint96 amount) internal {
        vm.prank(service);
        vault.lock(owner, amount);
    }

    function _unbond(address service, address owner, uint96 amount) internal {
        vm.prank(owner);
        vault.unbond(service, amount);
    }

    function _slash(address service, address owner, uint96 amount) internal returns (uint256 id, uint96 slashed) {
        vm.prank(service);
        return vault.slash(owner, amount, challenger, EVIDENCE);
    }

    function _retire(address service) internal {
        vm.prank(timelock);
        vault.retireService(service);
    }

    function _isIn(address service, address owner, uint256 free, uint256 locked, uint256 unbonding) internal view {
        StakeVault.Account memory account = vault.accountOf(service, owner);
        assertEq(account.free, free, "free");
        assertEq(account.locked, locked, "locked");
        assertEq(account.unbonding, unbonding, "unbonding");
    }

    function _isCase(uint256 id, StakeVault.CaseStatus status, uint256 due) internal view {
        StakeVault.Case memory case_ = vault.caseOf(id);
        assertEq(uint256(case_.status), uint256(status), "status");
        assertEq(case_.due, due, "due");
    }
}
