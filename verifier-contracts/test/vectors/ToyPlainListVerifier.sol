// Written by make.ts.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254, PlainGroth16} from "../../src/PlainGroth16.sol";

/// @title Verifier of a plain Groth16 key with 25 public signals
/// @notice Says nothing if somebody knows the secrets of the key's setup.
contract ToyPlainListVerifier is PlainGroth16 {
    /// @inheritdoc PlainGroth16
    function publicCount() public pure override returns (uint256) {
        return 25;
    }

    /// @inheritdoc PlainGroth16
    function keyDigest() public pure override returns (bytes32) {
        return 0x714fcf228ff38e0409accf83a5cc5a9c6d447e7ef764651531e473b2423bbd3d;
    }

    /// @notice Reverts unless the proof shows the circuit's statement for these public signals.
    /// @param publics in the circuit's order, outputs first, as snarkjs writes them to public.json
    /// @param a pi_a without its last number
    /// @param b pi_b without its last pair, each pair the other way round
    /// @param c pi_c without its last number
    function verify(
        uint256[25] calldata publics,
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
            mstore(0x140, 0x2eb15b204ae5dae053312faa44f26bf19bf6e1982d3e84ee2e6d0f4966cbece9)
            mstore(0x160, 0x1604d1b7a97d00dd2626dc1b01e32daea26b83c676cbac2919e1fa2ddc9c7ecc)
            let value := calldataload(add(a, 0x20))
            // -A; the precompile sees -y, so y itself must be checked here
            ok := lt(value, modulus)
            mstore(0x2c0, calldataload(a))
            mstore(0x2e0, mod(sub(modulus, value), modulus))
            calldatacopy(0x300, b, 0x80)
            calldatacopy(0x200, c, 0x40)
            for { let at := 0 } lt(at, 800) { at := add(at, 0x20) } {
                value := calldataload(add(publics, at))
                ok := and(ok, lt(value, order))
                mstore(add(0x380, at), value)
            }
        }
        _addTerms(0x380);
        assembly {
            // alpha, beta
            mstore(0x080, 0x1683e34b61f55b1fb7dc4cd5bc94fafba630a05de5d50b8ea697467116df7829)
            mstore(0x0a0, 0x08178da3b063485b668088a28a67ba67162cb54c3669b3fe15b10a262280f8f7)
            mstore(0x0c0, 0x276c4e79c1dca6267cb97be42de9a1031cf62486b4d5b5093c31a81cc9ea5e29)
            mstore(0x0e0, 0x21d25f312bda4fe55b6410a477d58eb6ef9e819f0fd8eb232c8a590f91c9b846)
            mstore(0x100, 0x2e013bda9dbf0fe1f71ef5283cd06361955b7488f5ae99f2f9d1b858b4360585)
            mstore(0x120, 0x28fc248829b9dd5207e122eab341adb771f38ffb83df53b3ac9e590a08e199be)
            // gamma
            mstore(0x180, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x1a0, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x1c0, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0x1e0, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            // delta
            mstore(0x240, 0x1963a5d30380f55a55ae136f98d4b2fc19f40fb49f2ca9d6f6308f9640da3013)
            mstore(0x260, 0x0715665dd1d4d552b92c7649a85fc90e33ab544c9074c407643e7cac443b1ba9)
            mstore(0x280, 0x08a0a268860dd3b9646d1617a9e2850809c291cccd026096ffc7a4a4b3836294)
            mstore(0x2a0, 0x22af24a3d30c027af82abd9c967c0b7b1bf43a6d63346c9f7538aadccbe5a439)
            if ok {
                ok := staticcall(362000, 0x08, 0x080, 0x300, 0x00, 0x20)
                one := and(ok, mload(0x00))
            }
        }
        if (one) return;
        uint256[] calldata list;
        assembly {
            list.offset := publics
            list.length := 25
        }
        _refuse(list, ok);
    }

    /// @inheritdoc PlainGroth16
    function _writeKey() internal pure override {
        assembly {
            mstore(0x080, 0x1683e34b61f55b1fb7dc4cd5bc94fafba630a05de5d50b8ea697467116df7829)
            mstore(0x0a0, 0x08178da3b063485b668088a28a67ba67162cb54c3669b3fe15b10a262280f8f7)
            mstore(0x0c0, 0x276c4e79c1dca6267cb97be42de9a1031cf62486b4d5b5093c31a81cc9ea5e29)
            mstore(0x0e0, 0x21d25f312bda4fe55b6410a477d58eb6ef9e819f0fd8eb232c8a590f91c9b846)
            mstore(0x100, 0x2e013bda9dbf0fe1f71ef5283cd06361955b7488f5ae99f2f9d1b858b4360585)
            mstore(0x120, 0x28fc248829b9dd5207e122eab341adb771f38ffb83df53b3ac9e590a08e199be)
            mstore(0x180, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x1a0, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x1c0, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0x1e0, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            mstore(0x240, 0x1963a5d30380f55a55ae136f98d4b2fc19f40fb49f2ca9d6f6308f9640da3013)
            mstore(0x260, 0x0715665dd1d4d552b92c7649a85fc90e33ab544c9074c407643e7cac443b1ba9)
            mstore(0x280, 0x08a0a268860dd3b9646d1617a9e2850809c291cccd026096ffc7a4a4b3836294)
            mstore(0x2a0, 0x22af24a3d30c027af82abd9c967c0b7b1bf43a6d63346c9f7538aadccbe5a439)
        }
    }

    /// @inheritdoc PlainGroth16
    function _writeConstant() internal pure override {
        assembly {
            mstore(0x140, 0x2eb15b204ae5dae053312faa44f26bf19bf6e1982d3e84ee2e6d0f4966cbece9)
            mstore(0x160, 0x1604d1b7a97d00dd2626dc1b01e32daea26b83c676cbac2919e1fa2ddc9c7ecc)
        }
    }

    /// @inheritdoc PlainGroth16
    function _addTerms(uint256 weights) internal view override {
        _addTerm(
            0x15f45adea47eaffbbcddec007c4100a0aab59f50f06e44dbec41387277ac2a1e,
            0x27c7095239274efb6d6672ee0fabd25ad201ed311c018703e90d16fc7950d833,
            weights
        );
        _addTerm(
            0x1ac8b07e725515628c9600520c8a0c09a8a71fb77c4d1a586df07b4e48c03bf0,
            0x17dccf016e0970051127a27977f40858904eb2db4f74db997cb07cbd75dd151a,
            weights + 32
        );
        _addTerm(
            0x2a28646e20fa49f386317d105f1ea4570935291638f338dd2a76063f3388adea,
            0x246fa5592df2145ba77af05a3357699bb8fb02e73f67d488eb70f98a07eca583,
            weights + 64
        );
        _addTerm(
            0x2245fe8a1e332480a14d9703d434c0a80a2a84a2920b25452593d82e5c99ecd1,
            0x03b5436e7de665f8b78ec6c29857b9e76ee9f198e540dc383579d8046894f7c8,
            weights + 96
        );
        _addTerm(
            0x29c79619ec16cae17d0cc810d3e25baacd6173489eec58fda1f72e1dab0a8e09,
            0x167062ca5cba0fdfe9d922cc74b28accad35501846594afc11c6a8f3b9ab5365,
            weights + 128
        );
        _addTerm(
            0x266295c6d2c734f5389e92118979587b01279feacb0acc0906a47758b334ec31,
            0x20afc3e32396e8b110e040adb80fb8516615fa155e56605118fb30aecf748e94,
            weights + 160
        );
        _addTerm(
            0x2bc39b683873d41df40ce4f8c99bce29379cc53edf3f233b3817d3001bb0ab1b,
            0x159abf46175fcfd950a1a5a49d8abecb0a7ea4e06088eedb36a6205cecd33968,
            weights + 192
        );
        _addTerm(
            0x03fe9d46f6c69075efa7cb1b51693cb969158636e36fed9252db7a99a88aa678,
            0x20345becff3427602e8a9fa07c55c359bdf715c93c884d7d93eb6ea2c8af102b,
            weights + 224
        );
        _addTerm(
            0x249dcadb34fed2f57ef9bb27c3ce3c8d224c8ea5e628fb4bfc089d0e013f5e6a,
            0x05508556f43ccf037799a507cb9f5691a1fe56cac78731384f3eb3eb4a867ef1,
            weights + 256
        );
        _addTerm(
            0x063064d7f2147e8076cd91328f603e30d44693fd7ef33f1101e92d7df221640e,
            0x06a321fd83b06f34f92331a5ef347b84846b0fd9ddc003b294d7002f8016c208,
            weights + 288
        );
        _addTerm(
            0x003c60631f705920da25bb4d68388519835373cd62ba05890f30c11ab3ec5b6d,
            0x165bd325591a8c39c82e3eb0de12d0966516a8ce84969b6ee8105e3377f8233a,
            weights + 320
        );
        _addTerm(
            0x0cfd5d0213202235a9f2180925dc68a332711ab232e31353da046caa315c399d,
            0x22394a2991901fc8acf475eea5daeb956c29870fb94b4b040845701cc856bdd6,
            weights + 352
        );
        _addTerm(
            0x08266143550095690d6f8b2882671d6a9abd79a4f667b2c83f938b32589fc753,
            0x3041a20f64d6358b386d220b02a69b5ef7350aa535115a7affc5ec47912fc233,
            weights + 384
        );
        _addTerm(
            0x080a8d9aedd295057dc26d1bd5bee762fe9ffa4a535d4fba49147afb97ea3cec,
            0x2ec098d036cc21cdc384bb4a8e3c9f8a45ca53530184499433b56ea7694d7f78,
            weights + 416
        );
        _addTerm(
            0x2c8e630f8f701c18cb9bef971a2f505f73569b8590cce5408db2bd25fefd7241,
            0x153c2577f1ede1ef717947108c0818c3b2cba6b7fb550d5a248813f0675a7d66,
            weights + 448
        );
        _addTerm(
            0x0503fadf0d39595a6a361ddaa392b7178ddf76381dff3b75ed0572276b1396be,
            0x02a140ca684da8f02a5ba472048dbdf713658175e8c68f48094d46eee969ea23,
            weights + 480
        );
        _addTerm(
            0x18347d647fe66b1aece407627ec91c89839f0409c21a285a2d1fb41eb70702f9,
            0x2566e20fa8f8e00b84f1717c519cb58ef58e7a91bb6a2843f44fa2002619c2a6,
            weights + 512
        );
        _addTerm(
            0x1cd5b630410cbf345c360fcf59ae2911be6ddc0525814301e9d12ba103b5425c,
            0x23f081f16db6f6d038f31dda03067fd8bca849429ef4fe0af7881677a7846fe1,
            weights + 544
        );
        _addTerm(
            0x160d35decc68a346f67a6ee8410813ca91a0ad626d269c32ab62cfd67ccdf342,
            0x209e59503c8748b6f642821c4dcb1fda3a21a340800a5ce0c05de6124ad4ec6a,
            weights + 576
        );
        _addTerm(
            0x0cc9520d88a80fe9f58f544b7cbc9045a1644e010b51195dc5b6d06bb053a4d7,
            0x257299b1909b75ac2df1f816bfa1a4b3beef53949b1ad76d8da2de8f1cb69ef8,
            weights + 608
        );
        _addTerm(
            0x05477415d982227596b6053f9e897481a4696ed4efe504aac32046f54760bd4c,
            0x28f25d349387b5fbfaa1842b9e36591a0731cd83c8966a2e1839045ecea5c3d7,
            weights + 640
        );
        _addTerm(
            0x17a954ed22c1b754937c32e409210127694b1716772460078e9c78ea1c72bac8,
            0x269f65a49ceb3310dbd75b926d68ac9947fe85db0ce0ee3246d84043c4c7034a,
            weights + 672
        );
        _addTerm(
            0x12ec7e0cc6d1d1f23a3b044cba55a1a3aba1fcfc60d2d7de55d6edc4fb4786d9,
            0x2b0386ba16f3418ff16b2ce3864a619615460ca155b09d8c19351837e41fd8aa,
            weights + 704
        );
        _addTerm(
            0x175bf72bca417389bd7df72c2678ef76a7d9e1f66c293aa3bc1988e1f901f0e2,
            0x01b72f55670fd78b974adc289bdaf7f12f6fc2fad8dbad369f982497c6fee3dc,
            weights + 736
        );
        _addTerm(
            0x10ab3d217a1ec38be5408e62daa181ba2d724ab6ef169917be932a327ac60bf3,
            0x11ac848d43d524e77d97aba6b4abdda1234e4140d7d05beb30709cc24f5235a8,
            weights + 768
        );
    }
}
