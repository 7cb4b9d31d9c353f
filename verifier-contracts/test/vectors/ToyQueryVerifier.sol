// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of toy-query
/// @notice Publics: rowsCommit, statsCommit, n. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyQueryVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0x822a8d359f9529b0c3ff63adb5614fb2cba0a8162d954dbe8a03e7419bd811c7;
    }

    function statement() external pure returns (string memory) {
        return "toy-query";
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
            hex"20e6c4d3675b26bd97e8bc5ad0558f0b6ec229c1f6f286b0152620666beceee7"
            hex"2ec812090cdad00cceb843ff1547ff916619b0777b0feda0ac90101d71385ace"
            hex"3027bfe1d71966963f6c1e88eef4700f1a3a83b615044f343dfe963f43cd973f"
            hex"1d9789a072ab97110f10be65ce14ea2e13eb7648b339aef295b1ffa7b7198d9d"
            hex"0c5612ff3c8b02f4717d0d37a872402ec7a897f131da0f6cfb58431d9395a7f0"
            hex"091e2234736d46fccdb7c372c3a2394b9296736de5779cd3c561356456038d3a"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"2010c519afbb6ce32cf18bacd62075c6012a853bdaeb770d8bea942fec92bf3d"
            hex"02abbddd571d95b60ff47d0baec52b87675889530ea66c97bb884d14bbbb050d"
            hex"2d9c8efa374f7a3494ee33dc3aced1fecbf09f8abbfec83bcf717674af09ddb3"
            hex"232891ce07dbb2ec0eca57b4ee39c3ad85a1c6c4bd0acaf1e34056983a149ecf"
            hex"0bb339354229b6a6a69c3f928cf704ffae1412727190298a5d963a2e95dc807a"
            hex"16d09575cd962c5b9ffe8cc2d1d3281cf03a6d9a7a7ec1372daf24838864fa1d"
            hex"0c2b907b0a257634612db2397b4107fc00660e6413fa7d6bae09aa509d3c7154"
            hex"0982fa17493d6266dcddf8f0fcd9b37b2b10707a2c8d3ed8d841e52865d8d936"
            hex"04d7fe876ddf6b8ea7e38b60d7bab1733f8c5a491401667ffa0856fed5608381"
            hex"2be72409a1cae139770b1c6a8a5e4061a378a7e4f449960c8484c7c1f17c67b4"
            hex"0b82821a8ea840e186e41c57980ed9ccce63c885e417369a666f468ef450df79"
            hex"1b0e74b89d30d3fd1b6727eb0cb863ed32ac0898f6b51092acbca19178dfaec9"
            hex"122216314c70c7717b108965cdb145e09228389e36a6429de63609fb96de9cf7"
            hex"23261554f5f7bccc7b1ebe3a8c585932a9dd4ea3ac93839e682b061531c586dc"
            hex"0cd7b41991fdb31bea45842ca8fd40dea08f6e47611bb05545b9983dd364771e"
            hex"12c240fcb3c5088aa3d7cc234c239532dceadd7da529e5af909c8d4cd5c599fa"
            hex"02616b11569237268c1f988798738e7de2ffd3426dbddca48c75d34d9369afbe"
            hex"29b26828705264924cf0bb57167a15bac8eef52437a552b41ddb4453d1520c7b";
    }
}
