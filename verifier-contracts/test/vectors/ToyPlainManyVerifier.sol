// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254, PlainGroth16} from "../../src/PlainGroth16.sol";

/// @title Verifier of a plain Groth16 key with 3 public signals
/// @notice Says nothing if somebody knows the secrets of the key's setup.
contract ToyPlainManyVerifier is PlainGroth16 {
    /// @inheritdoc PlainGroth16
    function publicCount() public pure override returns (uint256) {
        return 3;
    }

    /// @inheritdoc PlainGroth16
    function keyDigest() public pure override returns (bytes32) {
        return 0x27ada9ee4fb1383baa34d8b1ec012ce1a05413f7005f12a136b0b54018b29ae3;
    }

    /// @notice Reverts unless the proof shows the circuit's statement for these public signals.
    /// @param publics in the circuit's order, outputs first, as snarkjs writes them to public.json
    /// @param a pi_a without its last number
    /// @param b pi_b without its last pair, each pair the other way round
    /// @param c pi_c without its last number
    function verify(
        uint256[3] calldata publics,
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
            mstore(0x140, 0x26b5a86b661f8fc4b49f73bb9696bdb293d367c66249550dde1524db891ed55b)
            mstore(0x160, 0x23de9ea32aa854bb5dd9f495a75757b00244be551912ad5116a536e2bbb9dbb8)
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
                mstore(0x180, 0x20a6346537d7fe4130e01b74bedf7db6241f41272831790494a01c1fe3517e71)
                mstore(0x1a0, 0x2a57a0638ae0bf032013068eb453c9efd79bcf91676be566ff75ae25e90d2cd5)
                mstore(0x1c0, value)
                ok := and(ok, staticcall(12000, 0x07, 0x180, 0x60, 0x180, 0x40))
                ok := and(ok, staticcall(1000, 0x06, 0x140, 0x80, 0x140, 0x40))
            }
            value := calldataload(add(publics, 32))
            ok := and(ok, lt(value, order))
            if value {
                mstore(0x180, 0x30026340e987d246c48753176ebf6306352f51c80cf2339810a1f9e14e0751c4)
                mstore(0x1a0, 0x08a0397cdfc0afa88c5024f507700996ba113db51f180543a9a79e14aec94f66)
                mstore(0x1c0, value)
                ok := and(ok, staticcall(12000, 0x07, 0x180, 0x60, 0x180, 0x40))
                ok := and(ok, staticcall(1000, 0x06, 0x140, 0x80, 0x140, 0x40))
            }
            value := calldataload(add(publics, 64))
            ok := and(ok, lt(value, order))
            if value {
                mstore(0x180, 0x0060d764294ccc3443741b152afdf3ff46e8f595936fa1376a03113577596e68)
                mstore(0x1a0, 0x00848fa33596d62c2816d091aa063aa2cddb4cb1a24a3995dbe4f4c66fe9ce2b)
                mstore(0x1c0, value)
                ok := and(ok, staticcall(12000, 0x07, 0x180, 0x60, 0x180, 0x40))
                ok := and(ok, staticcall(1000, 0x06, 0x140, 0x80, 0x140, 0x40))
            }
            // alpha, beta
            mstore(0x080, 0x04fdcf19a342337b58510a5100d35d7f24066fa5f5deb079d364b1a4b76f1e77)
            mstore(0x0a0, 0x0bebb2461a18cc53c8c14594d53633199ca014fd948c3b3b84653c2844ddc60b)
            mstore(0x0c0, 0x2a64dae36552b88b45c3688b52bf0faf8f3da013c081c4a8173e01a4cacf5d49)
            mstore(0x0e0, 0x17ff3675a0ff42792a05a0e2411ed88be7a680a558ffaf3589726bab6e4cf3ad)
            mstore(0x100, 0x137f66ec1a3838ed5ec09cc085ca6268400b95f7c65c377960d9feb274f0bf5d)
            mstore(0x120, 0x220506f98a99835967b532feee60defdeac08a49dd79106c967dd20066fbff25)
            // gamma
            mstore(0x180, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x1a0, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x1c0, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0x1e0, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            // delta
            mstore(0x240, 0x03b477ca7d9cfeedaa51bc9d758992657f534bcb2776df019c549b59d2ea2d39)
            mstore(0x260, 0x2110bb730d122280ff3d30bd40afb783f418dbb285809898df2e5d9f58ff23bd)
            mstore(0x280, 0x0f70c41693928fa388682f41fb099f04947d5ef2c5f9d6dd3a376f7ca9011a26)
            mstore(0x2a0, 0x03fb6626b8ba770759dce5e632804a3f2db33ebf128a7eb6f4fb2d64d89912d8)
            if ok {
                ok := staticcall(362000, 0x08, 0x080, 0x300, 0x00, 0x20)
                one := and(ok, mload(0x00))
            }
        }
        if (one) return;
        uint256[] calldata list;
        assembly {
            list.offset := publics
            list.length := 3
        }
        _refuse(list, ok);
    }

    /// @inheritdoc PlainGroth16
    function _writeKey() internal pure override {
        assembly {
            mstore(0x080, 0x04fdcf19a342337b58510a5100d35d7f24066fa5f5deb079d364b1a4b76f1e77)
            mstore(0x0a0, 0x0bebb2461a18cc53c8c14594d53633199ca014fd948c3b3b84653c2844ddc60b)
            mstore(0x0c0, 0x2a64dae36552b88b45c3688b52bf0faf8f3da013c081c4a8173e01a4cacf5d49)
            mstore(0x0e0, 0x17ff3675a0ff42792a05a0e2411ed88be7a680a558ffaf3589726bab6e4cf3ad)
            mstore(0x100, 0x137f66ec1a3838ed5ec09cc085ca6268400b95f7c65c377960d9feb274f0bf5d)
            mstore(0x120, 0x220506f98a99835967b532feee60defdeac08a49dd79106c967dd20066fbff25)
            mstore(0x180, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x1a0, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x1c0, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0x1e0, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            mstore(0x240, 0x03b477ca7d9cfeedaa51bc9d758992657f534bcb2776df019c549b59d2ea2d39)
            mstore(0x260, 0x2110bb730d122280ff3d30bd40afb783f418dbb285809898df2e5d9f58ff23bd)
            mstore(0x280, 0x0f70c41693928fa388682f41fb099f04947d5ef2c5f9d6dd3a376f7ca9011a26)
            mstore(0x2a0, 0x03fb6626b8ba770759dce5e632804a3f2db33ebf128a7eb6f4fb2d64d89912d8)
        }
    }

    /// @inheritdoc PlainGroth16
    function _writeConstant() internal pure override {
        assembly {
            mstore(0x140, 0x26b5a86b661f8fc4b49f73bb9696bdb293d367c66249550dde1524db891ed55b)
            mstore(0x160, 0x23de9ea32aa854bb5dd9f495a75757b00244be551912ad5116a536e2bbb9dbb8)
        }
    }

    /// @inheritdoc PlainGroth16
    function _addTerms(uint256 weights) internal view override {
        _addTerm(
            0x20a6346537d7fe4130e01b74bedf7db6241f41272831790494a01c1fe3517e71,
            0x2a57a0638ae0bf032013068eb453c9efd79bcf91676be566ff75ae25e90d2cd5,
            weights
        );
        _addTerm(
            0x30026340e987d246c48753176ebf6306352f51c80cf2339810a1f9e14e0751c4,
            0x08a0397cdfc0afa88c5024f507700996ba113db51f180543a9a79e14aec94f66,
            weights + 32
        );
        _addTerm(
            0x0060d764294ccc3443741b152afdf3ff46e8f595936fa1376a03113577596e68,
            0x00848fa33596d62c2816d091aa063aa2cddb4cb1a24a3995dbe4f4c66fe9ce2b,
            weights + 64
        );
    }
}
