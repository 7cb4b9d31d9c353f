// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of toy-contribution
/// @notice Publics: rowsCommit, statsCommit, n. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyContributionVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0xd25ad7e4bed6cd803363fb4ce3dcfbb83f9fc16c13b2b60ed6bbf01b9a8e7197;
    }

    function statement() external pure returns (string memory) {
        return "toy-contribution";
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
            hex"1e4c68d11a37b73badca3f2bd2ffd871ba75213ae3a7c0079c2735e42f81cb6b"
            hex"029a77db3ae282a88379808c3e3d42693503fd20307f6f8bf5a147dcdc842d1d"
            hex"174296be6a856deeb4f97561bd3c687d1c1e25d416f6b6600af8140c0222ab97"
            hex"0442ccd4cf09a7891dd7af2e9ba7b467f904a6fe3a0ad99bc8720ec7c419e4a9"
            hex"1265b9ad47d183624db2135b6facfaf912eb1f5b8311510f61b3c9bf3f86c2d0"
            hex"18cea83308b932aafbeaddbbce7e87a23c5e94d75f093693a22abf22b44f7a1b"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"2851c1295c75dd6f44e87f9fa18cb899fb5d228146c7e74971fd0f34127f11e8"
            hex"04e1db9820d6a43523410a829830715316996f6f623fdc7e7f95c5e97bdcb5e9"
            hex"224b92fd1516bca2713633b1db5603860a8051bfd649ed7306323d37704d17fd"
            hex"15923d34d1f0886d406a520ae08815fcc677a0effccc02e0ae9c85453a25e6f0"
            hex"2287ca75c4b906ee43f2f5fa2dd490463db0d93b52f5147f44652d37179fb1c9"
            hex"299370fb6ef5f7c19865d83a5a3b67174e996c8c96fe77aab5655bd7fe8b5c63"
            hex"11d5446902ba61bf4a29219f85126e63bf42a659e2ab13ccf162d5d5e50e663d"
            hex"2c458e1985461b47dabf6023e976f12e723273dd5d94b1ccdc4e7e126818be8f"
            hex"0f0e9d5e88bd631913fef90295e3ff220b06d498676deb1b35b538349b1f1593"
            hex"110acce29f0ec8e13441f4cde7953e3baa2245f83c2dbbe35e185305dcdfc8b6"
            hex"27275f8056e50b5af3eb3aaeb12965b840081b330ab2a12144768ce48b26f148"
            hex"11674919cc005a18d176147569a5943b0e128b40f477444fb47af8df93fe5515"
            hex"28c148b0f3c5f9f5ef9776a025eb44a37477259864ec5fc1e6b6d858069cccec"
            hex"03a744c96403078ba3243000d61cbed68c2eaaf3dc74bebcc6afe1ffa7f3633c"
            hex"2d8da613e3a5c792fc0236df1c883b68faff27bde93bfc552b4f9f16ab2eaa25"
            hex"1488f464b77187feab43fb4711ca347b0fa7abfc4deda91792463118e5bb3c45"
            hex"03e3758df0951b325cfd15dcc2b47fbf996dacde6606808b1783683f77f2a940"
            hex"15e5f3212c0641586677ebd781b793eb517f0713ace68777de97ee80859d7e92";
    }
}
