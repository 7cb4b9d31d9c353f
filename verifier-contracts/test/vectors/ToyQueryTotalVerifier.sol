// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of toy-query-total
/// @notice Publics: n; links: totalAt; with words. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyQueryTotalVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0x66c33e5208a0ec4eae6865df66c69cd7d4699c6c7731846d0d17bdb4027efb19;
    }

    function statement() external pure returns (string memory) {
        return "toy-query-total";
    }

    function development() external pure returns (bool) {
        return true;
    }

    function publicCount() public pure override returns (uint256) {
        return 1;
    }

    function linkCount() public pure override returns (uint256) {
        return 1;
    }

    function hasWords() public pure override returns (bool) {
        return true;
    }

    /// @dev alpha, beta, gamma, delta, sigma, IC; one coordinate per line.
    function keyPoints() public pure override returns (bytes memory) {
        return
            hex"22595e533367d3d8edf4d9bb9323f76654223fab7ad174636f19b4102f3d6ec6"
            hex"207e60f87bdcd13db6ac16ebd501a2eb45fa9eca3de6e3cef327c00be735efff"
            hex"21612ccecd7fa2e9eecea5b90dd301a79de193c3aba33ce3327fa10a3e81b9a2"
            hex"10cce6bc7be41e9bf94bfcdb8c2fbbb07d77c6d7069ac42b0ee91eaf3c5d859d"
            hex"1b2c519e142b007fdebb37d6f5414d2898f3d5b8fd3b37cd58a455b052efcbcb"
            hex"041426f424d560a1db2735f2bbc9b54a16c0aa2700686f299b2764c50d0526d8"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"1cfb66f2831232e82fdaf744ff7e697734aa43fb117a1e813ba80d5440551802"
            hex"0900cdddc058c74475c17d7377aa345413096ec0f5434cbed5fbfda45a7a97d7"
            hex"2e1a87357b71dc50ce3a100c991d14e5216e7047f29abe5643c3ce9fdd193f1f"
            hex"2096f7e0a9692e20926bd3607ce22da8135e524ea2762b8ab23816a6da33ee55"
            hex"245ba1fa87aefd525b07eaf34ba5f817af12506e74332b3ee6c2e2038a827165"
            hex"0ceeff3f6dc98f54a9268b0736d36f271895f48e90f348f6080f1973345a50c6"
            hex"1d9536100d48038b7021ec07fe703b5feecb4049df91a0d6682da32f0be39320"
            hex"01727e1a344abf202a30f42dac2191f7052ea45a3c3e4ff77412d33fe5e8b91e"
            hex"23bc349e08b9b215a63439090a44119172d709ca001f2b7e300d8dfd27f7836f"
            hex"24e009c5afa4ff6475624fe039dd684b0358799cfc42aa64a561326e8e299b61"
            hex"15cdd1c63a68b410ba3ca7c9ab5548db7c22154a026064ad0a071bb8d7669efd"
            hex"1d34b088c91e02a4c3bfd81f45e242178ca46e24c083ee8811dd0ce0a8277ac4"
            hex"21c449a47f1590d0cf64a588fe592868cc053eda8a6601f00464c8b505464746"
            hex"26abb556cef243e8b94f8f345eb31d05437110a7c076ec30c73a6d20db1331f2"
            hex"209d3f488cb95f65cd448c1353e0b27901259f5d3781824037d24aa2b3ee7098"
            hex"02b6f13973c079a975daecb377c9e15141332520b3c5184235e49f25a5519b9e"
            hex"0ab6b165d51e435a0b660f47e6781264cde2a45873ad3e4565fe02ff85e81707"
            hex"211437811ce8fb0c0fbe508195e3cbdac28dbc16149c058c3042124859496810";
    }
}
