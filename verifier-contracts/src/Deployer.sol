// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";

/// @title Creates contracts at addresses that are known beforehand
/// @notice An address follows from the sender, a name and a salt, and not from the code: contracts may name each other in their
/// constructors in any order. Because the sender counts, nobody takes an address before its owner does. Because the code does
/// not, an address alone says nothing about what is there: compare the code, as `openledger contract check` does.
///
/// Who hashes what: the CREATE2 salt is keccak256(abi.encode(sender, name, salt)); the contract is the first one that the CREATE3
/// proxy at that salt creates. The constructor sees the proxy as its msg.sender.
contract Deployer {
    /// @notice A contract was created.
    event Deployed(address indexed sender, address indexed deployed, string name, bytes32 salt);

    /// @notice The sender created a contract of this name and salt before.
    error AddressTaken(address deployed);

    /// @notice The block in which a contract was created here; zero for any other address.
    mapping(address deployed => uint256) public blockOf;

    /// @notice Creates a contract. What its constructor reverts with comes through.
    /// @param name such as "EpochBook"
    /// @param salt tells deployments of the same sender apart
    /// @param code creation code with the constructor's arguments behind it
    function deploy(string calldata name, bytes32 salt, bytes calldata code) external returns (address deployed) {
        bytes32 inner = _salt(msg.sender, name, salt);
        deployed = Create3.computeAddress(inner);
        if (blockOf[deployed] != 0) revert AddressTaken(deployed);
        blockOf[deployed] = block.number;
        emit Deployed(msg.sender, deployed, name, salt);
        Create3.deploy(0, inner, code);
    }

    /// @notice Where the contract of this name and salt of a sender is or will be.
    function addressOf(address sender, string calldata name, bytes32 salt) external view returns (address) {
        return Create3.computeAddress(_salt(sender, name, salt));
    }

    function _salt(address sender, string calldata name, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(sender, name, salt));
    }
}
