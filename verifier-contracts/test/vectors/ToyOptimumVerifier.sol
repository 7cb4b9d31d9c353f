// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of toy-optimum
/// @notice Publics: modelCommit, manifestDigest, n; links: totalAt. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyOptimumVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0x04e0208f08440aa0390bac93c8ca9aabc5f350481351e8cb935a14b32cb911ab;
    }

    function statement() external pure returns (string memory) {
        return "toy-optimum";
    }

    function development() external pure returns (bool) {
        return true;
    }

    function publicCount() public pure override returns (uint256) {
        return 3;
    }

    function linkCount() public pure override returns (uint256) {
        return 1;
    }

    function hasWords() public pure override returns (bool) {
        return false;
    }

    /// @dev alpha, beta, gamma, delta, sigma, IC; one coordinate per line.
    function keyPoints() public pure override returns (bytes memory) {
        return
            hex"149570216fb5ddd328deb5ffd76beaad95c07d00cfa1afce8ce0204985b05b89"
            hex"10c5f7659e899597b08a9da887ab46ed5bc8f555baa3c8e3cd86519328cba521"
            hex"19561d44031196b6debdc465785765ed8a6421a67a7f874db4da1ee03c5bcdb9"
            hex"02032cae5bf4cb2d3a0150018ea7bd9c5a3264db2eca0b08c737a5612d44430f"
            hex"13769aa361f5257a1dcd8a6a4b1147f34bad5b373add77210e4631fcc6fe7990"
            hex"12f0a17c9c1598ad185e4f6012c6e9b73a747fb9dff3735a5e756741d6d9f371"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"0b6265792ac6d8714103972f3bbb3197cd28aa2fb2979dfa9d77aab9399c4b88"
            hex"14bf95a887f3921d06d7dffb63099dd794ac1287381fb944bc0e22cd207ba7d5"
            hex"2f2edd89976f05c09f8b63e075b7a22ac6cc1c6eb8bb35e97c9f30f0f8837732"
            hex"0e22194c47c88f0d44ba4a2c0fded7db549bc933d536e26b756270ba290dead0"
            hex"1bc33349ac75acce37d66cb52a2629e73992cfb4261b660f38b5ef15fc02ee85"
            hex"2c43b98032686283d8c3030386e2fa2617761823cdd10917539139918a361ed9"
            hex"020c7cc29b1156a7b1e1fe6f57b9dbbbc69f406cd88fea635ea337aab61a78e7"
            hex"1c10638f0bfe21a0a3add65a94588d20d52a8e1ec0167aeed4f0a169ad61778f"
            hex"1659f045fea0947b40755db56dc5863eecc6ee467e0cbd1b05945c8cd06c69eb"
            hex"1b3bf6d6657295893c1772349aa96c331bc1b448a42d3defabc88f5330e9781c"
            hex"2a540ad4509c79c0fceb3569f6aa37d3dc9a53c61b5bdfba9184316dd52dad33"
            hex"2c603a38811fc98510b0d64b027029036677389c32b5c2593a736dbbaab0b963"
            hex"15ccd1e19941813d64c6c22675ac77f3d65c67a83f6a00d27c289b895ac48257"
            hex"237d4b3cd2bfa7d48ce25a349b446c9f6e34f65c60bec3e7ba7f5a321efb4ee2"
            hex"251249457cef0f02803a7c5036655d0e0798a2e70734172f9ce86b28c6e287db"
            hex"1018d79f188e0e979ffad969179f264427b88baca1ed24c9abfc81075de33d95"
            hex"0e78808ce1742d5247fbdbb06b92f0a3dffda193a5a1842c39acb619f9e6fa71"
            hex"1c1905997d32318a2e22060f734ed907c3ab2cb4cc4e43f2c9cc3aea5aae1e8d"
            hex"1f497526ba1cdaad0677e4c1ec6370c77fa53f96de0068509d08683f8aa718fe"
            hex"0640abb12db0b5e7a84bbd8f6afe43588b5e8755436b737df06c0278f15d8977";
    }
}
