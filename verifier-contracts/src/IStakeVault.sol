// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a service may do in the StakeVault
/// @notice The caller is the service; it reaches the accounts that were deposited for it, and no other.
/// @dev A verdict takes locked stake first, whatever it was locked for. So {unlock}, {move} and {release} do what there is to do, and answer how
/// much that was: a service that gives a lock back never fails because a verdict came first, or because it was retired and has ended.
interface IStakeVault {
    /// @notice Locks free stake of `owner`; reverts when there is less, and for a retired service.
    function lock(address owner, uint96 amount) external;

    /// @notice Gives locked stake free.
    /// @return unlocked the smaller of `amount` and what is locked
    function unlock(address owner, uint96 amount) external returns (uint96 unlocked);

    /// @notice Makes locked stake of one owner locked stake of another.
    /// @return moved the smaller of `amount` and what is locked
    function move(address from, address to, uint96 amount) external returns (uint96 moved);

    /// @notice Pays locked stake out to its owner at once; for services without an unbonding period.
    /// @return released the smaller of `amount` and what is locked
    function release(address owner, uint96 amount) external returns (uint96 released);

    /// @notice Takes stake by a verdict: locked, then free, then unbonding stake, at most the service's cap.
    /// @param challenger is credited with the challenger's share; zero when there is none
    /// @param evidence digest of what the verdict rests on
    /// @return id of the case; settled already when the service has no appeal window; zero when there was nothing to take
    /// @return slashed wei that were taken
    function slash(
        address owner,
        uint96 amount,
        address challenger,
        bytes32 evidence
    ) external returns (uint256 id, uint96 slashed);
}
