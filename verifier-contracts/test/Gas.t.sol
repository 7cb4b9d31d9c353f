// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier, Proof} from "../src/IVerifier.sol";
import {House} from "./House.sol";
import {Simulator} from "./Simulator.sol";

/// @notice Prints what transactions cost, intrinsic gas and calldata included: in isolation each call is one transaction.
contract GasTest is House {
    /// forge-config: default.isolate = true
    function test_gas_verify() public {
        _verify("verify, 3 publics", verifiers[0], 0);
        _verify("verify, 3 publics, 8 words", verifiers[4], 8);
        _verify("verify, 3 publics, 1024 words", verifiers[4], 1024);
    }

    function _verify(string memory label, IVerifier verifier, uint256 count) private {
        uint256[] memory publics = _list([_field("a", 0, 0), _field("b", 0, 0), 3]);
        uint256[] memory words = _payoutWords(count);
        Proof memory proof = Simulator.prove(verifier, bytes32(0), publics, words);
        verifier.verify(bytes32(0), publics, words, proof);
        _print(label);
    }

    /// forge-config: default.isolate = true
    function test_gas_contribute() public {
        uint256 epoch = registry.openEpoch(_policy());
        _print("openEpoch");
        _contribute(epoch, 0);
        _print("contribute, first of an epoch");
        _contribute(epoch, 1);
        _print("contribute, next");
    }

    /// forge-config: default.isolate = true
    function test_gas_epoch() public {
        uint256 epoch = _openWith(8);
        registry.closeEpoch(epoch);
        _postCheckpoint(epoch);
        _print("postCheckpoint, 8 contributions");
        _commitQueries(epoch);
        _print("commitQueries");
        _postQueries(epoch);
        _print("postQueries");
        _postAttribution(epoch);
        _print("postAttribution, 8 contributions");
    }

    /// forge-config: default.isolate = true
    function test_gas_post_8() public {
        _postOf(8, "post, 8 words");
    }

    /// forge-config: default.isolate = true
    function test_gas_post_256() public {
        _postOf(256, "post, 256 words");
    }

    /// forge-config: default.isolate = true
    function test_gas_post_1024() public {
        _postOf(1024, "post, 1024 words");
    }

    function _postOf(uint256 count, string memory label) private {
        uint256 epoch = _attributed(count);
        _fund(epoch, POOL);
        uint256[] memory words = _payoutWords(count);
        _post(epoch, words);
        _print(label);
        vm.warp(ACTIVE);
        _claim(epoch, words, 0);
        _print("  first claim of it");
        _claim(epoch, words, 3);
        _print("  second claim of it");
        _claim(epoch, words, 1);
        _print("  charge of it");
    }

    function _print(string memory label) private {
        emit log_named_uint(label, vm.lastCallGas().gasTotalUsed);
    }
}
