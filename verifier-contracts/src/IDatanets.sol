// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What epochs and reputation ask the datanets
interface IDatanets {
    /// @notice Reverts unless `contributor` has an accepted submission of `datasetDigest` in the datanet and `rows` are within its limit.
    function checkContribution(
        uint256 datanet,
        address contributor,
        bytes32 datasetDigest,
        uint256 rows
    ) external view;

    /// @notice Whether governance listed the datanet.
    function isListed(uint256 datanet) external view returns (bool);
}
