// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Taking tokens in
library Intake {
    using SafeERC20 for IERC20;

    /// @notice Pulls `amount` from `from` and returns what really arrived: a token may keep a fee, and only what is here
    /// can be paid out. Callers hold a reentrancy guard, so the balance changes by this transfer only.
    function pull(IERC20 token, address from, uint96 amount) internal returns (uint96) {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        return SafeCast.toUint96(token.balanceOf(address(this)) - before);
    }
}
