// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// What the contracts of an epoch share. An epoch is a number given by the ContributionRegistry, counted from 1.

// The most contributions of one epoch.
uint256 constant MAX_CONTRIBUTIONS = type(uint16).max;

/// @notice The statements of an epoch, in the order of {EpochPolicy.circuits}.
enum Statement {
    Contribution,
    Query,
    Total,
    QueryTotal,
    Optimum,
    Score,
    Attribution,
    Payout
}

/// @notice The phases of an epoch, in order. After Attributed follows the payout, in the RewardDistributor.
enum Phase {
    Unknown,
    Open,
    Closed,
    Checkpointed,
    QueriesCommitted,
    QueriesPosted,
    Attributed
}

/// @notice What a steward fixes when the epoch opens; nothing of it can change later.
/// @param circuits circuit ids, indexed by {Statement}
/// @param policyDigest keccak256 of the canonical JSON with everything else (parameters, licence)
/// @param funder pays the pool and alone receives what is returned of it
/// @param expiresAt from this second on nothing more can be posted; the pool and the stakes go back
/// @param capacity the most contributions, 1 to {MAX_CONTRIBUTIONS}
/// @param datanet whose accepted submissions alone may be contributed; zero for none
/// @param vetoer may veto a payout before it is active; zero for nobody
/// @param minStake in wei
struct EpochPolicy {
    bytes32[8] circuits;
    bytes32 policyDigest;
    address funder;
    uint40 expiresAt;
    uint16 capacity;
    uint32 datanet;
    address vetoer;
    uint96 minStake;
}

/// @notice The epoch is in another phase than the call needs.
error WrongPhase(uint256 epoch, Phase expected, Phase actual);
/// @notice The epoch expired.
error EpochExpired(uint256 epoch, uint256 expiresAt);
/// @notice Only the steward may do this.
error NotSteward(uint256 epoch, address steward, address caller);

/// @notice A proof is about no row, or about more than any statement counts.
error RowsOutOfRange(uint256 n);

/// @title Contexts: what a proof is bound to
library Context {
    /// @notice keccak256(abi.encode(kind, chain id, contract, epoch)) for proofs that anybody may post.
    /// @param kind keccak256 of "openledger.context.STATEMENT.v1"
    function ofEpoch(bytes32 kind, uint256 epoch) internal view returns (bytes32) {
        return keccak256(abi.encode(kind, block.chainid, address(this), epoch));
    }

    /// @notice keccak256(abi.encode(kind, chain id, contract, epoch, sender)) for proofs that belong to their sender.
    function ofSender(bytes32 kind, uint256 epoch, address sender) internal view returns (bytes32) {
        return keccak256(abi.encode(kind, block.chainid, address(this), epoch, sender));
    }
}

/// @title Public signals and links as the lists that verifiers take
library Publics {
    function list(uint256[1] calldata values) internal pure returns (uint256[] memory result) {
        result = new uint256[](1);
        result[0] = values[0];
    }

    function list(uint256[2] calldata values) internal pure returns (uint256[] memory result) {
        result = new uint256[](2);
        (result[0], result[1]) = (values[0], values[1]);
    }

    function list(uint256[3] calldata values) internal pure returns (uint256[] memory result) {
        result = new uint256[](3);
        (result[0], result[1], result[2]) = (values[0], values[1], values[2]);
    }

    function list(uint256[7] calldata values) internal pure returns (uint256[] memory result) {
        result = new uint256[](7);
        assembly ("memory-safe") {
            calldatacopy(add(result, 0x20), values, 0xe0)
        }
    }
}
