// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {ComputeJobs} from "../src/ComputeJobs.sol";
import {Proof} from "../src/IVerifier.sol";
import {Market} from "./Market.sol";
import {Simulator} from "./Simulator.sol";

/// @notice As GasTest, of operators, jobs and disputes.
contract ComputeGasTest is Market {
    /// forge-config: default.isolate = true
    function test_gas_operator() public {
        vm.prank(stranger);
        operators.register(keccak256("manifest"), 5);
        _print("register");
        vm.prank(attester);
        operators.attest(operator, "report", uint40(NOW + 1 days));
        _print("attest");
    }

    /// forge-config: default.isolate = true
    function test_gas_job() public {
        uint256 id = _post(_terms());
        _print("post, 4 segments");
        vm.prank(operator);
        jobs.take(id);
        _print("take");
        bytes32 commitment = _commitment(id, _digests(SEGMENTS));
        vm.prank(operator);
        jobs.commit(id, commitment);
        _print("commit");
        vm.roll(DRAW_BLOCK + 1);
        jobs.draw(id);
        _print("draw");
        vm.warp(DEADLINE);
        jobs.reveal(id, _digests(SEGMENTS), SALT);
        _print("reveal, 4 segments");
        vm.warp(DEADLINE + AUDIT_WINDOW);
        jobs.settle(id);
        _print("settle, paid");
        jobs.withdraw(operator);
        _print("withdraw");
    }

    /// forge-config: default.isolate = true
    function test_gas_challenge() public {
        uint256 id = _revealed(_provable());
        uint256 one = _challenged(id);
        _print("challenge, 4 segments");
        uint256[] memory publics = new uint256[](3);
        publics[0] = uint256(keccak256("description")) % BN254.R;
        publics[1] = uint256(_digests(SEGMENTS)[1]) % BN254.R;
        publics[2] = 1;
        bytes32 kind = keccak256("openledger.context.segment.v1");
        bytes32 context = keccak256(abi.encode(kind, 31337, disputes, id, 1, challenger));
        Proof memory proof = Simulator.prove(verifier, context, publics, new uint256[](0));
        disputes.answer(one, proof);
        _print("answer");
        uint256 two = _challenge(id, challenger, 2);
        vm.prank(operator);
        disputes.concede(two);
        _print("concede");
    }

    /// forge-config: default.isolate = true
    function test_gas_of_many_segments() public {
        ComputeJobs.JobTerms memory terms = _terms();
        terms.segments = 256;
        uint256 id = _revealed(terms);
        _print("reveal, 256 segments");
        _challenged(id);
        _print("challenge, 256 segments");
    }
}
