// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of toy-attribution
/// @notice Publics: n, queryN; links: totalAt, queryAt, pathAt. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyAttributionVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0xf76c39eda795c0bdbcc7017f726264c4115d76785352c15a5043b72c50950cd0;
    }

    function statement() external pure returns (string memory) {
        return "toy-attribution";
    }

    function development() external pure returns (bool) {
        return true;
    }

    function publicCount() public pure override returns (uint256) {
        return 2;
    }

    function linkCount() public pure override returns (uint256) {
        return 3;
    }

    function hasWords() public pure override returns (bool) {
        return false;
    }

    /// @dev alpha, beta, gamma, delta, sigma, IC; one coordinate per line.
    function keyPoints() public pure override returns (bytes memory) {
        return
            hex"0b6d16828a3cb048604f744eb679b28f109d44819da1154b557a7bceab25b701"
            hex"03a5dbe5bec083e51a6d450a16727b6f0aa6e687b44af2f06c683a3d9c27d1ec"
            hex"286336db10d3ece969253a8575f974815d8b8b78921611e0c09faa6ca11a2d68"
            hex"1c07c9a594eb313d685d7823ccd6ffdce5365abaa4b6d5d4d634a419f4430f98"
            hex"07cff3c77b4ac8cd9399e0923ced56dfcb77fe9f3e8ff86cedc601a05a44f5cf"
            hex"1039cadd495550bd19d9f0e730c8b6ff7969a51ac5173f0bf9422b97cceb8301"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"06f65f291083db25005e7da8a8490e68ba6fc161251339285ff0b03d6d05e6f0"
            hex"109d9518856d7724d07f8a1b86ba2364a34065bcc6d801feec1b1ef4adfb0528"
            hex"1a72da954e39d8fee19f066eb3340fa9e1f52cd9bf592e6453e1ef5f50837258"
            hex"22ef484647d1cc8e5a79e6e197cc38e22459c633f575503b79e024c28f0754ff"
            hex"13b24d2758c09e4b6871a0b9fa7f95d137d28a10b0b91b2afaac48e9695cb661"
            hex"1cc22d9c0c32d78519733ab912c4f17665d79c0688aaabb8c4bc29703d0e7af8"
            hex"0ebe995fda54e14c6ad5a141fc212d157aa7226a230a0524ecbd1954164ba425"
            hex"2304a5435a3d8119e2a915d28f51d6f19634bae5e2c9fe2f6e1af00246a812ea"
            hex"2088780896569c4cc4866283df45943cdf443dcfc921eba2feb61f4e711f49b3"
            hex"133f52340b89b9e55198fff38995af2362265c1d3e78d65d236e92919821f332"
            hex"08c1d5e0c4dbc5f0699e7290672510037b42ca8d9512240cf082696a18d8da3a"
            hex"2b9ced3e886794b356d814c72d461720e5c6bbb94369f3000885818e41f015e3"
            hex"2ed5ed8579bfac2b62bf6c60456e2ea04f7ee2e601adafb9fe2f04a757021336"
            hex"0009e04d15274e4c9438cd6cef43cc5983b14bf3f8db51f6992ec369c99a252a"
            hex"0bcc0d5d0fa5e9bf1e01bed89ff0d8ab788aadeb43e55bb665201edf48426045"
            hex"20af35277f4d36000d26270cda0e121c75838f6f76b1c05e1f0a902643648d2d"
            hex"0cbcde5011d7b68ad48d28fe05d5e0edf94a94f464f6ec5326db0d8c40cf61d0"
            hex"2fdfe868af115d7ab14dfac4777dc8672f279547913e46f4034b08d8155e2094"
            hex"06dc5697caa58c2e781e659471db6854d5aad07c1180232eb04518dfd3164a28"
            hex"0ea23d3e116fc2a1aa6564c3c0b83644fb3b337d6f01973c81a9924047820d7b"
            hex"2b84543809491e4c04fcfd85797f589447297255706e6ee1b368962dcbefaaa1"
            hex"220f284b1614acca26cc5226d63bcd154bc9f4b1e0aeb5748d13ead7eef51bfe";
    }
}
