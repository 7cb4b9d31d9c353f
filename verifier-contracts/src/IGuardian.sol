// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What contracts with an intake ask the guardian
interface IGuardian {
    /// @notice Intake is paused until `until`. Exits are not.
    error IntakePaused(uint256 until);

    /// @notice Reverts while intake is paused.
    function checkIntake() external view;
}
