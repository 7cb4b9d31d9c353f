// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CommittedGroth16} from "../../src/CommittedGroth16.sol";

/// @title Verifier of toy-total
/// @notice Publics: n; links: totalAt; with words. DEVELOPMENT KEY: anybody may forge proofs.
contract ToyTotalVerifier is CommittedGroth16 {
    function circuitId() public pure override returns (bytes32) {
        return 0x186a563e56caeb645e1a2e6a02836254d72fc9382e6df440a3df3edafa25b91e;
    }

    function statement() external pure returns (string memory) {
        return "toy-total";
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
            hex"2503b16a6a8e47d15cc88faa2209672539d46738097160bdd7ffb00df08e762b"
            hex"1c53c6ca6cd15d02b7269bd79cb31cb65dfc5b84c1a898933150f1b3bf739407"
            hex"077ae32a820e167bbb6f81aa32dc4762576e9ac3e123118305c8d083ae5c35f0"
            hex"190cba6440f089e9809c74f279f00258d0e1c0a5a32d42d4e35506955c0aebb1"
            hex"21124be029807f96893d673fecef41f9fe8bbc7d8152a0ee7d154230ae76c1d1"
            hex"0e9b6842cc2c36753fcfa5fcfb2cebf264f747160df89fb6434dd9a4907d5142"
            hex"198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
            hex"1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
            hex"090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
            hex"12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
            hex"2747b618d9f47b5abbbde9240e8bd7d53bf95582d93b449ec5ed4a06b40abef4"
            hex"0406e99412a766d0be219cea9fc73a454f2e30460745822239b3c1f3158efc08"
            hex"19d241e7e108dc62d848e7591035a7adec66135525a2815274f923556d181c96"
            hex"0f6e15ead5a928ccee7105339248f99d755f24b21759749afa56e37a8ab94246"
            hex"0b3e1baf4ab5e374b6e072e6f97944b43726cdd8e4c335f65fd282fdb86165c5"
            hex"18dfa854f66d21712b4bb62e55a224d852b052e3490661c68078631219bcaf04"
            hex"006ee9e3d5eae3cf2e47fd41d565600dc047f8ded97262bc8b480ed65e801d81"
            hex"2f810098081d7206ff9270ee4830711e5cdc8ebecff68433d214c64a9d36874b"
            hex"284ee2c48ba944a2929ec71c43831b8bfb97dca9a4ff032842ace4c00f9a1321"
            hex"2f53ec283bceba6433af83cc7356530d6cdd4b797017804f0fa19d8bab3fce32"
            hex"0e67f2c1416297faa1dae5f2cf44632e43844eb7a9105cd614778c52519ec109"
            hex"0d00a4ef65dfffb5086524956c50227b2b918a436055e7655dda26fcb8e75829"
            hex"18ca5f4d54049da4d9d53577fe6dda4cec0a67a618eb544a0ae7b87cfc9c1d70"
            hex"0206b907f1af3b012bc8f91c3271001836bd40cf00fca09916d825d5dfa97f6f"
            hex"2790c4887f96fd605cfad14e7d6061df995eefdf71f43237913d89701cc81156"
            hex"1171b4a7be73cb50a3b1e15b08b7eb288d2745f379c5062704a1f091dd9c84a5"
            hex"1b671d67ddc5c92399a5f369fc51b1ea8e9880c23de96efac07a36f03b49db77"
            hex"282c77d0e9ffc5d3fea612897d66c65be836dc600d44c06a844b369b8cfad222";
    }
}
