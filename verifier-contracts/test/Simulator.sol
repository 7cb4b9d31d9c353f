// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {PlainGroth16, PlainProof} from "../src/PlainGroth16.sol";
import {Trapdoor, Trapdoors} from "./vectors/Trapdoors.sol";

/// @title Proofs for toy keys, from their secrets
/// @notice With B = the generator: a = alpha beta + x + v + c delta, so C follows from any A and D = v G.
/// The verifier that checks the result is a real one.
library Simulator {
    uint256 private constant R = BN254.R;

    /// @notice A proof made alone, of a circuit without links.
    function prove(
        IVerifier verifier,
        bytes32 context,
        uint256[] memory publics,
        uint256[] memory words
    ) internal view returns (Proof memory) {
        return prove(verifier, context, publics, new uint256[](0), words, new bytes32[](0));
    }

    /// @notice What a proof of {prove} fixes before its challenge.
    function digest(
        IVerifier verifier,
        bytes32 context,
        uint256[] memory publics,
        uint256[] memory words
    ) internal view returns (bytes32) {
        return verifier.digest(context, publics, words, times(_opening(context, publics, words)));
    }

    /// @notice One of the proofs made together under `transcript`; made alone if that is empty.
    function prove(
        IVerifier verifier,
        bytes32 context,
        uint256[] memory publics,
        uint256[] memory links,
        uint256[] memory words,
        bytes32[] memory transcript
    ) internal view returns (Proof memory proof) {
        Trapdoor memory t = Trapdoors.open(verifier.circuitId());
        uint256 v = _opening(context, publics, words);
        uint256 a = uint256(keccak256(abi.encode(v, "a"))) % R;
        proof.a = times(a);
        proof.b = _generator();
        proof.commitment = times(v);
        proof.knowledge = times(mulmod(v, t.sigma, R));
        uint256 z = transcript.length == 0
            ? verifier.challenge(context, publics, words, proof.commitment)
            : uint256(keccak256(abi.encodePacked(keccak256("openledger.joint.v1"), transcript))) % R;
        uint256 x = _publicScalar(t, publics, links, words, z);
        uint256 rest = addmod(addmod(t.alphaBeta, x, R), v, R);
        proof.c = times(mulmod(addmod(a, R - rest, R), t.deltaInverse, R));
    }

    /// @notice A plain proof. Salts give different ones of the same publics.
    function provePlain(
        PlainGroth16 verifier,
        uint256[] memory publics,
        uint256 salt
    ) internal view returns (PlainProof memory proof) {
        Trapdoor memory t = Trapdoors.open(verifier.keyDigest());
        uint256 a = uint256(keccak256(abi.encode(publics, salt, "a"))) % R;
        proof.a = times(a);
        proof.b = _generator();
        uint256 rest = addmod(t.alphaBeta, t.ic[0], R);
        for (uint256 i = 0; i < publics.length; ++i) rest = addmod(rest, mulmod(t.ic[i + 1], publics[i], R), R);
        proof.c = times(mulmod(addmod(a, R - rest, R), t.deltaInverse, R));
    }

    /// @notice k times the generator of G1.
    function times(uint256 k) internal view returns (uint256[2] memory point) {
        require(BN254.addScaled(point, 1, 2, k), "times");
    }

    /// @dev Of G2, imaginary parts first.
    function _generator() private pure returns (uint256[2][2] memory) {
        return [
            [
                uint256(11559732032986387107991004021392285783925812861821192530917403151452391805634),
                10857046999023057135944570762232829481370756359578518086990519993285655852781
            ],
            [
                uint256(4082367875863433681332203403145435568316851327593401208105741076214120093531),
                8495653923123431417604973247489272438418190587263600148770280649306958101930
            ]
        ];
    }

    /// @dev The scalar that opens the commitment: it follows from what the digest holds.
    function _opening(
        bytes32 context,
        uint256[] memory publics,
        uint256[] memory words
    ) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(keccak256(abi.encode(context, publics, words)), "v"))) % R;
    }

    /// @dev The scalar of vk_x; the evaluation is summed term by term, unlike the verifier's Horner scheme.
    function _publicScalar(
        Trapdoor memory t,
        uint256[] memory publics,
        uint256[] memory links,
        uint256[] memory words,
        uint256 z
    ) private pure returns (uint256 x) {
        x = t.ic[0];
        uint256 next = 1;
        for (uint256 i = 0; i < publics.length; ++i) x = addmod(x, mulmod(t.ic[next++], publics[i], R), R);
        for (uint256 i = 0; i < links.length; ++i) x = addmod(x, mulmod(t.ic[next++], links[i], R), R);
        if (t.ic.length == next + 2) {
            uint256 evaluation;
            uint256 power = z;
            for (uint256 i = 0; i < words.length; ++i) {
                evaluation = addmod(evaluation, mulmod(words[i], power, R), R);
                power = mulmod(power, z, R);
            }
            x = addmod(x, mulmod(t.ic[next++], evaluation, R), R);
        }
        x = addmod(x, mulmod(t.ic[next], z, R), R);
    }
}
