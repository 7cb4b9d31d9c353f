// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of toy-payout
/// @notice Publics: previousScores, scoreCommit, first, pool, positive, pagePositive, paid; with words. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyPayoutVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0xdec0977c94885ca8d41b5856311938ddbb312f02c76124c5d0e37973129adf43;
    }

    function statement() external pure returns (string memory) {
        return "toy-payout";
    }

    function development() external pure returns (bool) {
        return true;
    }

    function publicCount() public pure override returns (uint256) {
        return 7;
    }

    function linkCount() public pure override returns (uint256) {
        return 0;
    }

    function hasWords() public pure override returns (bool) {
        return true;
    }

    /// @dev alpha, beta, gamma, delta, sigma, IC; one coordinate per line.
    function keyPoints() public pure override returns (bytes memory) {
        return
            hex"0c907ecb5622a4793deadb623b820dc4e2f285d88d9f45e6eb68f78eaeaa56e6"
            hex"2e7cbec047441ad7ed275f68747554f151a72c566c72e814610d8b798bd8a491"
            hex"013032d508d552857213537e02763947257552f9e27d3865a4c9a8a996de12d3"
            hex"24585afb98be84b95dfb0ae3d1372834159222e48ed52e9a3215ec735c5ed978"
            hex"094f15f347dcc7c2231391b596e2d8b68402c12c90be19780ae2c28a050c945c"
            hex"292082e76e57d70d2c200fac7a1f44ff7e72816275a3529a91758616f0665ff2"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"02732437cd9dd946f9bcf3c5f2a984fc6fc3298e39e1a22e47b95b0830aacf46"
            hex"1b900c4201da39b7d16055ae514e013e43da2c21af2984c37f804378d44985b7"
            hex"1b6f21aa3566360f6da611f683763a6fb7e69730d813d41762a7dc2214d25e62"
            hex"19089afe7ae348daf57cf90a6f4f547321e04e1c4aced9e6479fb99485f68cc8"
            hex"2fb50e82065e99daa8eff82cfe7c7cc820679331ea814d375cb69a4fe54eb8ed"
            hex"0760ff65fe4f8bbd057fab81a55864508195172c809159abd47212174ccdf4a8"
            hex"18716e8260f96d4ae66492db4784ac62766cebbaf3b337c012017725ed0cc175"
            hex"2e912b483dac07cb2f668945070fc18dda1d176f610977458d10cad047950459"
            hex"1b3b3123c0f414520f06be57d1cf43edbecba48a11d860dc1ce74cbfdae5cb7b"
            hex"0fde7363a4a4b586b8f00ad773638dfb769bef9979444a13251a89087752892c"
            hex"1676f7142ab7498ecf15414439a4ec3f0990a73e4b8844b5dfdd7530b1787e1a"
            hex"1471e7ea9cace30fe696b636cfd4ad57d150bef1f812d89cef289052a8b9c0ad"
            hex"0bc3b927aa9358c435ffa928b75e1467839f7d610169b1464595833e77dfc575"
            hex"2b8a2d0920e13ab479f81a1932da1c5f3512101975337a46d144509d32a7adae"
            hex"20554d30a5d3ac51c0a6bfbd40a3e0e15ca021e3d21c5ca6e9beebe7a90f6569"
            hex"1c4324cfb5cfd2517110ac816744efbe3ff27d5271291628150d1497c28df19b"
            hex"1787c303ca15bdb1643fe0ff519740c704103714868d554b56aff470ff6d4ddd"
            hex"1ec9760a0fc19111724f85125a59a47d86918b2b547562eb0d4bd5b111fbce9e"
            hex"092f934cc4f0df07aa241d93f86313bf70b81ab1d6c5ebf421e8cc8a0a54aff7"
            hex"1ac05c9a23980985de96110937226ac2dd0f04b04a47d877bf4f147d36739b96"
            hex"2b52196faa9598c8d8d813c4816b3164635f7115156bc603f9d946e6d1a10da3"
            hex"2e4bd4659ce718676aab7cab65c70638edbcab0c7d18df5f6d8f2b753a956aee"
            hex"2bee1a8db43486a4cac07278265ed79ad9113850f127be0195dab574c0412039"
            hex"153450a03fbc8a6a9812bf394e9e79b32bd5233e8083587947c289e8b11a8f43"
            hex"1a23ebde6f366cfc66dcfc5cfc0178970c4bed13712743239ae124dbacc9418c"
            hex"1564a4f063203f03a3f33cf2b9ba17b202a148396ac37e674ff23dbfe76d36ec"
            hex"17fcc9cdbccf588321a5c9cd0add65cac9a43c2fa2ab02edf157fc0b8637237e"
            hex"1cb381005fe2aa47f7b086e415b74d6382bbb5fd80f504ea565f00146d53e620";
    }
}
