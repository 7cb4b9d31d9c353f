// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Guardian} from "../src/Guardian.sol";
import {MatchingRounds} from "../src/MatchingRounds.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles it too.
import "../src/OpenToken.sol";

/// @title Token, guardian and matching rounds deployed, with three donors; this contract is the owner
/// @notice Ids and matches are computed here from the documentation, not by the contract.
abstract contract Rounds is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant START = NOW + 1 days;
    uint256 internal constant END = NOW + 15 days;
    uint256 internal constant SETTLES = NOW + 20 days;
    uint96 internal constant POOL = 1000 ether;
    uint96 internal constant CAP = 400 ether;
    uint32 internal constant MULTIPLE = 30_000;
    uint96 internal constant FUNDS = 10_000 ether;

    address internal treasury = address(0x7EA5);
    address internal member = address(0x64A8D);
    address internal stranger = address(0x5724);
    address[3] internal donors = [address(0xD0), address(0xD1), address(0xD2)];

    IERC20 internal token;
    Guardian internal guardian;
    MatchingRounds internal rounds;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        guardian = Guardian(_create("Guardian", abi.encode(this, member, 365 days, address(1), address(1))));
        _deploy(IERC20(_create("OpenToken", abi.encode(this))));
    }

    function _deploy(IERC20 token_) internal {
        token = token_;
        rounds = MatchingRounds(_create("MatchingRounds", abi.encode(token_, guardian, this, treasury)));
        token.approve(address(rounds), type(uint256).max);
        for (uint256 i = 0; i < 3; ++i) {
            token.transfer(donors[i], FUNDS);
            vm.prank(donors[i]);
            token.approve(address(rounds), type(uint256).max);
        }
    }

    function _terms() internal pure returns (MatchingRounds.RoundTerms memory) {
        return MatchingRounds.RoundTerms(uint40(START), uint40(END), uint40(SETTLES), MULTIPLE, CAP);
    }

    function _open(uint96 pool) internal returns (uint256) {
        return rounds.openRound(_terms(), pool);
    }

    function _recipient(uint256 i) internal pure returns (address) {
        return address(uint160(0xA0 + i));
    }

    function _applied(uint256 round, uint256 i) internal returns (bytes32) {
        return rounds.applyTo(round, _recipient(i), keccak256(abi.encode("application", i)));
    }

    function _admitted(uint256 round, uint256 i) internal returns (bytes32 id) {
        id = _applied(round, i);
        rounds.admit(id);
    }

    function _donate(bytes32 id, uint256 donor, uint96 amount) internal {
        vm.prank(donors[donor]);
        rounds.donate(id, amount);
    }

    /// @dev The match from the documentation.
    function _match(uint256 pool, uint256 donated, uint256 all) internal pure returns (uint256 result) {
        if (donated == 0) return 0;
        result = (pool * donated) / all;
        if (result > CAP) result = CAP;
        if (result > (donated * MULTIPLE) / 10_000) result = (donated * MULTIPLE) / 10_000;
    }
}
