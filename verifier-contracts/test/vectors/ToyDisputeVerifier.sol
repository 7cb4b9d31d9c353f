// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of dispute-toy
/// @notice Publics: submission, original, rows. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyDisputeVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0x26b0f4772aaac8b3e71772407f64cea053448ba43e9dfc1db0a83b5bfe498dbc;
    }

    function statement() external pure returns (string memory) {
        return "dispute-toy";
    }

    function development() external pure returns (bool) {
        return true;
    }

    function publicCount() public pure override returns (uint256) {
        return 3;
    }

    function linkCount() public pure override returns (uint256) {
        return 0;
    }

    function hasWords() public pure override returns (bool) {
        return false;
    }

    /// @dev alpha, beta, gamma, delta, sigma, IC; one coordinate per line.
    function keyPoints() public pure override returns (bytes memory) {
        return
            hex"144bc88e6b9d51404f63b673663ae6f1960a1eb1dfae69ce439d06dcdc557f49"
            hex"21e166d7913321924609a67bafc47185b346524b51092c12c074f17385b46a0c"
            hex"002488b2395dd76c95c6a1b5a4d764e5ef174e186319bd7d93f602d680775974"
            hex"01912ad30d005967bf27a8c23e0955ff1e110d12df1b2a632f042353450909f0"
            hex"22254e04d0faa287bd6972e6c27708902e87a5c5067d5831107d891ced44b5c2"
            hex"0e3401336e9ef8dff49b1f962aac0a8d4bff795e9979bb971e10e7c33cc08ac4"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"2d70b2ee04709157c83c60c83bf8d209b6bb9a04d1bbd05ee92dc087f723f9d3"
            hex"0228507155d8bef1c4dc3987b4a41cb3f7ff8725364088e208c3aa412cb75bea"
            hex"0f0d4b8fda23ab4bb10e0a98d8f873eb2b50e1a1004d04dfcb5aa7a8ae4d3a25"
            hex"091dd7ddd40142e58fb6d02147df9896b0724ba4d1e97ccde35af93bab7ef362"
            hex"0289cc23330584776ac7330a751f38476d7971121a81903d9fcc205be9728eee"
            hex"087305a90e6fa957c0760b2869fda60ed125919a752eb8e39b3eb882adba27c4"
            hex"00408b7658690fd202d6cb44649070bfb758f306620f52698e6a47a8c5440236"
            hex"11fba9ff792b23f8c6f5e4796a1cef5d9b07192c91095ce84b8a4832eed127d7"
            hex"1f6e89cb06675b233f59d4be2567a1d185b1b2d508b7761c2a3b12b49bfcc9b1"
            hex"166a7e022642532d90a010ceecafccc33b4c29799da7ba3b7d42b5269fabc58e"
            hex"0909d76ba5ff3205f09b6f0ce4e6dfc7ab87e772954954090e898a7ce3084983"
            hex"2c19c3fec4439fa8c8836c009c775ecf33abfa0b0c63c79125d547ddcf82b386"
            hex"023be811a6dd9f1326d2ce1552b2623e06470fb1d9cefe111b230a444db35540"
            hex"2a6c7cbb019a2149310d0259eace8a887692414ece1c1ff6a746b506d530453e"
            hex"083c8efc4f7ea38535efcdbedac7bb411a0ae57be20ae76dd81dcdf9615fe92d"
            hex"21faedb80888db4e5ef702ffbee4245796752f11b6c5e1a29e970936b23b97e1"
            hex"10d7302877b0dd560d678218cdeb3246ed64f1ef8635c3e1bafff266d202ed2e"
            hex"2180baadd8b4a84d4d788fbc587f298a540c98e1f687fa0b4f76b7f603da3acc";
    }
}
