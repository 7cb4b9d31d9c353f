// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a service may do in the StakeVault
/// @notice The caller is the service; it reaches the accounts that were deposited for it, and no other.
interface IStakeVault {
    /// @notice Locks free stake of `owner`; reverts when there is less.
    function lock(address owner, uint96 amount) external;

    /// @notice Gives locked stake free.
    function unlock(address owner, uint96 amount) external;

    /// @notice Makes locked stake of one owner locked stake of another.
    function move(address from, address to, uint96 amount) external;

    /// @notice Pays locked stake out to its owner at once; for services without an unbonding period.
    function release(address owner, uint96 amount) external;

    /// @notice Takes stake by a verdict: locked, then free, then unbonding stake, at most the service's cap.
    /// @param challenger receives the challenger's share; zero when there is none
    /// @param evidence digest of what the verdict rests on
    /// @return id of the case; settled already when the service has no appeal window
    /// @return slashed wei that were taken
    function slash(
        address owner,
        uint96 amount,
        address challenger,
        bytes32 evidence
    ) external returns (uint256 id, uint96 slashed);
}
