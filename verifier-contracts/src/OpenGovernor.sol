// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {OpenTimelock} from "./OpenTimelock.sol";

/// @title Holders of OPEN decide what the timelock does
/// @notice A proposal is a list of calls and a description. It can be voted on from a day after it was made, for five days, or two days
/// from the moment in which the quorum was reached, whichever ends later: nobody decides by a vote in the last second. It passes
/// with more votes for than against it and a quorum (for and abstain) of 4 % of the supply; then anybody queues it at the timelock, which
/// says how long its calls wait, and anybody executes it. Its proposer may withdraw it until it is executed.
///
/// Votes are those that were delegated (to oneself, too) at the moment in which the vote began. This contract holds nothing and owns nothing.
///
/// Who hashes what: the id of a proposal is keccak256(abi.encode(targets, values, calldatas, keccak256(description))); its operation at the
/// timelock has the salt bytes20(this contract) ^ keccak256(description) and no predecessor. A description that ends in
/// "#proposer=0x..." is taken from that address alone, so that nobody else makes the same proposal first and withdraws it.
contract OpenGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorPreventLateQuorum
{
    /// @notice Where proposals wait, and who acts. For ever: the base that could change it is not used.
    OpenTimelock public immutable timelock;

    mapping(uint256 proposalId => bytes32 operation) private _operations;

    /// @param token counts the votes; exists already
    /// @param timelock_ acts; need not exist yet
    constructor(
        IVotes token,
        OpenTimelock timelock_
    )
        Governor("OpenGovernor")
        GovernorSettings(1 days, 5 days, 1_000_000e18)
        GovernorVotes(token)
        GovernorVotesQuorumFraction(4)
        GovernorPreventLateQuorum(2 days)
    {
        timelock = timelock_;
    }

    /// @notice The operation at the timelock of a queued proposal; zero before and after.
    function operationOf(uint256 proposalId) external view returns (bytes32) {
        return _operations[proposalId];
    }

    /// @inheritdoc Governor
    /// @dev An operation may be executed at the timelock directly, by anybody.
    function state(uint256 proposalId) public view override returns (ProposalState) {
        ProposalState known = super.state(proposalId);
        if (known != ProposalState.Queued) return known;
        bytes32 operation = _operations[proposalId];
        if (timelock.isOperationPending(operation)) return ProposalState.Queued;
        return timelock.isOperationDone(operation) ? ProposalState.Executed : ProposalState.Canceled;
    }

    /// @inheritdoc Governor
    function proposalNeedsQueuing(uint256) public pure override returns (bool) {
        return true;
    }

    /// @inheritdoc Governor
    function proposalDeadline(
        uint256 proposalId
    ) public view override(Governor, GovernorPreventLateQuorum) returns (uint256) {
        return super.proposalDeadline(proposalId);
    }

    /// @inheritdoc Governor
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    /// @dev With the delay that the timelock asks for these calls.
    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override returns (uint48) {
        uint256 delay = timelock.delayOf(targets, calldatas);
        bytes32 salt = _salt(descriptionHash);
        _operations[proposalId] = timelock.hashOperationBatch(targets, values, calldatas, 0, salt);
        timelock.scheduleBatch(targets, values, calldatas, 0, salt, delay);
        return SafeCast.toUint48(block.timestamp + delay);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override {
        timelock.executeBatch{value: msg.value}(targets, values, calldatas, 0, _salt(descriptionHash));
        delete _operations[proposalId];
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override returns (uint256 proposalId) {
        proposalId = super._cancel(targets, values, calldatas, descriptionHash);
        bytes32 operation = _operations[proposalId];
        if (operation == 0) return proposalId;
        delete _operations[proposalId];
        timelock.cancel(operation);
    }

    /// @dev The proposer, whatever the vote says; the states in which nothing can be withdrawn are refused by the base.
    function _validateCancel(uint256 proposalId, address caller) internal view override returns (bool) {
        return caller == proposalProposer(proposalId);
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(proposalId);
    }

    function _executor() internal view override returns (address) {
        return address(timelock);
    }

    /// @dev Another governor of the same timelock has other operations.
    function _salt(bytes32 descriptionHash) private view returns (bytes32) {
        return bytes20(address(this)) ^ descriptionHash;
    }
}
