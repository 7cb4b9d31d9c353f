// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of toy-score
/// @notice Publics: previousScores, scoreCommit, n; links: totalAt, pathAt; with words. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyScoreVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0x5038ddbeb91edaeff88fae899eaa048e1eb0d894991453dfaba84fcb05ff187c;
    }

    function statement() external pure returns (string memory) {
        return "toy-score";
    }

    function development() external pure returns (bool) {
        return true;
    }

    function publicCount() public pure override returns (uint256) {
        return 3;
    }

    function linkCount() public pure override returns (uint256) {
        return 2;
    }

    function hasWords() public pure override returns (bool) {
        return true;
    }

    /// @dev alpha, beta, gamma, delta, sigma, IC; one coordinate per line.
    function keyPoints() public pure override returns (bytes memory) {
        return
            hex"0cc600c8577499a00acc989ee7f74ade2fcb5dfea0ca0323b8f9374398ddf61f"
            hex"259f001fa6a4fb811ce2aadc82fb074391a07ac6a55a57d7e6ced937cbad7fce"
            hex"12f7b05cf27de994815845c854d13d2398286081d4c99ab9ffa5b95973d68776"
            hex"2bd886689cb5b0968867f77d0ab2b1fc405b97fad69daec47299d7f51ad4cb50"
            hex"0af38663e6df18bdff0010003790e5a5b23427ac18531a2a24b6144f81c36996"
            hex"27b8c58a4a6f588be7034fa6015eba8fb200f57b5c641e5dc2154fcbe323a1f5"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"303b1239c8b41cd9e8272e3cb815c53dcd3986b38e4d710bc5973d434db459c9"
            hex"202969b25c64629b04c1eb70dca2374d646b1bce06e173ab2cd819d26dbe27c7"
            hex"261dca1940118750cf93d06fee4f280259a04755ec73d47bd8c672b09514fbcf"
            hex"2109731a1e4ac98efcc688c31a221637a9e97d7495e078b4cbc1875b81752789"
            hex"138d9eeff7a78a8fb2658da5ce01bc1e409b23d8de3d1a323bc66ea3417166e5"
            hex"1459c8c930a252b8209c46667ffee235ded395c18afd4d5afe1a6a794cda38f7"
            hex"2a162ebde30ee8c805d5f4034bed93a429d388105cc71150fd397d08e1a29aeb"
            hex"02f1090cf574b11de1cb15e646afc6b5377938be7eea99e10b07f2aa0530320c"
            hex"1d07659e56f7898637408455a070bc6edd3236826505a1b303751726787ac1ed"
            hex"052d96e8ae428f10b72b665d28e95a05a07c40431f64233d5535a9d072b0b2b4"
            hex"275eb5af32d1d578a0eff0374cd68699ceade064fa90c82e3a84106567f635ba"
            hex"19873c4c8ab998ffb76ca5e6bcb902858a4169783bdd239009dd4f1c662d8d2e"
            hex"1cb988797f0ed258490a0c610a3659fde5ea6376f5d637428a3600e3e455991d"
            hex"2c53690923780b68921ad5f8306f12328d2c8d4bc94bc0f2fa8cc035c1a9ceba"
            hex"164d59132785384cc4a3150b5776cd54f2e2381af4047922e833cb493fd30913"
            hex"0303dc2469b7b059ca624fc9331d60544e6d56367c54816e8e7996915bfba453"
            hex"1a8c99664c59ae5396f1d735a533c194eae6f8e2a622a51d23f6a885224c29d6"
            hex"17c9837baf9733ec3a2a8289e9a7b7ad5965732eead06242c15de5d2f24182bd"
            hex"2954c8239d0ed257aec7cb2cf71ba3b21e3a229e40e0284f0b3fd3f2e1aace82"
            hex"1e31b520242ff55a992d610b97737102b1961e24c79b8a231f7e17bebd700a85"
            hex"23e8e2b756bb2182c5a8d8c17f6036c0f25a3ebb261a6dda307b8aeb5f445e91"
            hex"0a1e004ae1f6359c3a46860f5d520966024a2833eed47449a4f8f0053b67a20a"
            hex"1c40f4dd930379381e207fe6e8d0526f045db42eeffa00f660084fd34de8d308"
            hex"2e387f75297019af49b1e0d2a1edba3bfb4b0759c978fedb30b26bcca88524c4";
    }
}
