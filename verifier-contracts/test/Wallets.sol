// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice A contract wallet that accepts one digest (ERC-1271).
contract ContractWallet is IERC1271 {
    bytes32 public accepted;

    function accept(bytes32 digest) external {
        accepted = digest;
    }

    function isValidSignature(bytes32 hash, bytes memory) external view returns (bytes4) {
        return hash == accepted ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice A contract wallet that changes its mind, or misbehaves.
contract FickleWallet is IERC1271 {
    enum Mood {
        Accepts,
        Refuses,
        Reverts,
        BurnsGas,
        AnswersShort,
        AnswersTrue
    }

    Mood public mood;

    function set(Mood mood_) external {
        mood = mood_;
    }

    function isValidSignature(bytes32, bytes memory) external view returns (bytes4) {
        if (mood == Mood.Reverts) revert();
        if (mood == Mood.BurnsGas) {
            assembly {
                invalid()
            }
        }
        if (mood == Mood.AnswersShort) {
            bytes4 magic = IERC1271.isValidSignature.selector;
            assembly {
                mstore(0, magic)
                return(0, 4)
            }
        }
        if (mood == Mood.AnswersTrue) {
            assembly {
                mstore(0, 1)
                return(0, 0x20)
            }
        }
        return mood == Mood.Accepts ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
