// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254, PlainGroth16} from "../../src/PlainGroth16.sol";

/// @title Verifier of a plain Groth16 key with 1 public signal
/// @notice Says nothing if somebody knows the secrets of the key's setup.
contract ToyPlainVerifier is PlainGroth16 {
    /// @inheritdoc PlainGroth16
    function publicCount() public pure override returns (uint256) {
        return 1;
    }

    /// @inheritdoc PlainGroth16
    function keyDigest() public pure override returns (bytes32) {
        return 0x5cae6662386fac30a910102191ae6908e9aa35d99527d789463c93a8f6627d7b;
    }

    /// @notice Reverts unless the proof shows the circuit's statement for these public signals.
    /// @param publics in the circuit's order, outputs first, as snarkjs writes them to public.json
    /// @param a pi_a without its last number
    /// @param b pi_b without its last pair, each pair the other way round
    /// @param c pi_c without its last number
    function verify(
        uint256[1] calldata publics,
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c
    ) external view {
        uint256 order = BN254.R;
        uint256 modulus = BN254.Q;
        // whether all public signals are below R and all points in their groups; whether the product is one as well
        bool ok;
        bool one;
        assembly {
            // X = IC_0 + sum IC_j s_j; a public signal is often zero
            mstore(0x140, 0x0c3ad436c532e73f940a2649b37680ea28766164cd0fd78c448a6a10cfd68e22)
            mstore(0x160, 0x0a2d7a9d30af5f84f374cebdbc8ee5b9720d3cc395d07f192d63b2591375e8f6)
            let value := calldataload(add(a, 0x20))
            // -A; the precompile sees -y, so y itself must be checked here
            ok := lt(value, modulus)
            mstore(0x2c0, calldataload(a))
            mstore(0x2e0, mod(sub(modulus, value), modulus))
            calldatacopy(0x300, b, 0x80)
            calldatacopy(0x200, c, 0x40)
            value := calldataload(add(publics, 0))
            ok := and(ok, lt(value, order))
            if value {
                mstore(0x180, 0x18523cac65e4b0ec5cc024f94b9d296f2b1550d6204509177c4bb0240af46a02)
                mstore(0x1a0, 0x2ad00b72a11808f094cb9c97145a253862e2cb3aa914d57790d2f48f1264120a)
                mstore(0x1c0, value)
                ok := and(ok, staticcall(12000, 0x07, 0x180, 0x60, 0x180, 0x40))
                ok := and(ok, staticcall(1000, 0x06, 0x140, 0x80, 0x140, 0x40))
            }
            // alpha, beta
            mstore(0x080, 0x17853e79b5312231719d9880cedf8e3319291b6feb40cf5f4b2bf0e1938df038)
            mstore(0x0a0, 0x2ac1427351614b59501f42105979e155bbec24931b6d07e308310afc19a76fff)
            mstore(0x0c0, 0x2b7328d577f8713ba4f7072f5be2c5cf50f83f7d8f1a31d13e55f4eb37e649e2)
            mstore(0x0e0, 0x2368ad65d8b460e1a801bdd9644f959d005206de6858077d52ab584373457a1d)
            mstore(0x100, 0x0ee244c6abf60eb6d4f5c50cd3f71c3a81d5bf6fae45a838d221a5084e0e6df4)
            mstore(0x120, 0x035041e640bbd31b135d3da11bc05ec0860be298a06dadc30b232cd18257ff2f)
            // gamma
            mstore(0x180, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x1a0, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x1c0, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0x1e0, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            // delta
            mstore(0x240, 0x0a826bf5a3737df1855159fc9c60a94e887359dd243df5b890aadc9ad71c5a26)
            mstore(0x260, 0x2551253c783067019629316288345ca63f886bad1f2647c99048c195ad48fdde)
            mstore(0x280, 0x2c6603bd2331105b3880d95d50b90609a3e1718fdfbe76d470066ba5d30ed8a2)
            mstore(0x2a0, 0x1bcfb7b471732c4b4fcfbc5c5362369d0d1b4cd5d54b7aba6d7157f17dcb414f)
            if ok {
                ok := staticcall(362000, 0x08, 0x080, 0x300, 0x00, 0x20)
                one := and(ok, mload(0x00))
            }
        }
        if (one) return;
        uint256[] calldata list;
        assembly {
            list.offset := publics
            list.length := 1
        }
        _refuse(list, ok);
    }

    /// @inheritdoc PlainGroth16
    function _writeKey() internal pure override {
        assembly {
            mstore(0x080, 0x17853e79b5312231719d9880cedf8e3319291b6feb40cf5f4b2bf0e1938df038)
            mstore(0x0a0, 0x2ac1427351614b59501f42105979e155bbec24931b6d07e308310afc19a76fff)
            mstore(0x0c0, 0x2b7328d577f8713ba4f7072f5be2c5cf50f83f7d8f1a31d13e55f4eb37e649e2)
            mstore(0x0e0, 0x2368ad65d8b460e1a801bdd9644f959d005206de6858077d52ab584373457a1d)
            mstore(0x100, 0x0ee244c6abf60eb6d4f5c50cd3f71c3a81d5bf6fae45a838d221a5084e0e6df4)
            mstore(0x120, 0x035041e640bbd31b135d3da11bc05ec0860be298a06dadc30b232cd18257ff2f)
            mstore(0x180, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x1a0, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x1c0, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0x1e0, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            mstore(0x240, 0x0a826bf5a3737df1855159fc9c60a94e887359dd243df5b890aadc9ad71c5a26)
            mstore(0x260, 0x2551253c783067019629316288345ca63f886bad1f2647c99048c195ad48fdde)
            mstore(0x280, 0x2c6603bd2331105b3880d95d50b90609a3e1718fdfbe76d470066ba5d30ed8a2)
            mstore(0x2a0, 0x1bcfb7b471732c4b4fcfbc5c5362369d0d1b4cd5d54b7aba6d7157f17dcb414f)
        }
    }

    /// @inheritdoc PlainGroth16
    function _writeConstant() internal pure override {
        assembly {
            mstore(0x140, 0x0c3ad436c532e73f940a2649b37680ea28766164cd0fd78c448a6a10cfd68e22)
            mstore(0x160, 0x0a2d7a9d30af5f84f374cebdbc8ee5b9720d3cc395d07f192d63b2591375e8f6)
        }
    }

    /// @inheritdoc PlainGroth16
    function _addTerms(uint256 weights) internal view override {
        _addTerm(
            0x18523cac65e4b0ec5cc024f94b9d296f2b1550d6204509177c4bb0240af46a02,
            0x2ad00b72a11808f094cb9c97145a253862e2cb3aa914d57790d2f48f1264120a,
            weights
        );
    }
}
