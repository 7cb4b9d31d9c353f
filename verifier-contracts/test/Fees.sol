// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {InferenceFees} from "../src/InferenceFees.sol";
import {House} from "./House.sol";

/// @title The house with fees, a payer with a key, and an epoch whose payout is active
/// @notice Word 1 is a charge, word 2 is zero, the others are odd: floors matter.
abstract contract Fees is House {
    uint256 internal constant PAYER = 0xA11CE;
    uint256 internal constant FUNDS = 1000 ether;
    bytes32 internal constant ENTRY = keccak256("entry");
    /// @dev The first bounds, in basis points.
    uint16 internal constant TREASURY = 500;
    uint16 internal constant MAX_TRAINER = 2000;
    uint16 internal constant MAX_OPERATOR = 3000;
    /// @dev A split that tests set, in basis points.
    uint16 internal constant TRAINER = 1500;
    uint16 internal constant OPERATOR = 2500;
    uint256 internal constant NOTICE = 3 days;

    address internal payer = vm.addr(PAYER);
    address internal operator = address(0x09E7);
    address internal governance = address(0x60F);

    InferenceFees internal fees;
    uint256 internal epoch;
    uint256[] internal words;

    function setUp() public virtual override {
        super.setUp();
        _deployFees();
    }

    /// @dev Fees over the token of the house, with an active epoch.
    function _deployFees() internal {
        fees = _newFees();
        token.transfer(payer, FUNDS);
        epoch = _active(_words());
    }

    function _newFees() internal returns (InferenceFees) {
        return
            InferenceFees(
                _create("InferenceFees", abi.encode(distributor, guardian, treasury, governance, _bounds()))
            );
    }

    function _bounds() internal pure returns (InferenceFees.Bounds memory) {
        return InferenceFees.Bounds(TREASURY, MAX_TRAINER, MAX_OPERATOR);
    }

    function _words() internal pure returns (uint256[] memory list) {
        list = new uint256[](5);
        list[0] = 401 ether + 3;
        list[1] = uint256(2 ether) | (1 << 96);
        list[3] = 299 ether + 1;
        list[4] = 7;
        for (uint256 i = 0; i < 5; ++i) list[i] |= i << 128;
    }

    /// @dev An epoch of these words, active from now on; the clock stands at its activation.
    function _active(uint256[] memory list) internal returns (uint256 id) {
        vm.warp(NOW);
        id = _attributed(list.length);
        _fund(id, POOL);
        _post(id, list);
        vm.warp(ACTIVE);
        words = list;
    }

    /// @dev What the positive words add up to.
    function _paidOf(uint256[] memory list) internal pure returns (uint256) {
        return POOL - _dustOf(list, POOL);
    }

    /// @dev What word `i` is entitled to of `total` wei, from the documentation.
    function _share(uint256[] memory list, uint256 i, uint256 total) internal pure returns (uint256) {
        if ((list[i] >> 96) & 1 == 1) return 0;
        return (total * uint96(list[i])) / _paidOf(list);
    }

    function _setSplit() internal {
        fees.setSplit(epoch, TRAINER, OPERATOR);
    }

    function _payment(uint96 amount) internal view returns (InferenceFees.Payment memory) {
        return InferenceFees.Payment(epoch, amount, operator, ENTRY);
    }

    function _pay(InferenceFees.Payment memory payment) internal {
        vm.startPrank(payer);
        token.approve(address(fees), payment.amount);
        fees.pay(payment);
        vm.stopPrank();
    }

    function _pay(uint96 amount) internal {
        _pay(_payment(amount));
    }

    function _claimFees(uint256 i) internal returns (uint256) {
        return fees.claimFees(epoch, words[i], _siblings(epoch, words, i));
    }

    function _claimOf(uint256 i) internal view returns (InferenceFees.Claim memory) {
        return InferenceFees.Claim(epoch, words[i], _siblings(epoch, words, i));
    }
}
