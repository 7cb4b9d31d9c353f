// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EpochBook} from "../src/EpochBook.sol";
import {EpochExpired, NotSteward, Phase, Statement, WrongPhase} from "../src/Epochs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {House} from "./House.sol";

contract EpochBookTest is House {
    // --- the one order ---

    function test_phases_follow_each_other() public {
        uint256 epoch = _openWith(2);
        _phase(epoch, Phase.Open);
        registry.closeEpoch(epoch);
        _phase(epoch, Phase.Closed);
        _postCheckpoint(epoch);
        _phase(epoch, Phase.Checkpointed);
        _commitQueries(epoch);
        _phase(epoch, Phase.QueriesCommitted);
        _postQueries(epoch);
        _phase(epoch, Phase.QueriesPosted);
        assertEq(book.scoreCommitOf(epoch), 0, "no score yet");
        _postAttribution(epoch);
        _phase(epoch, Phase.Attributed);
        EpochBook.Book memory posted = book.bookOf(epoch);
        assertEq(posted.modelCommit, _field("model", epoch, 0), "model");
        assertEq(posted.queryStatsCommit, QUERY_STATS, "queries");
        assertEq(book.scoreCommitOf(epoch), SCORE_COMMIT, "scores");
    }

    function test_every_step_is_refused_in_every_other_phase() public {
        uint256 epoch = 1;
        _refuseAllBut(epoch, Phase.Unknown);
        _openWith(2);
        _refuseAllBut(epoch, Phase.Open);
        registry.closeEpoch(epoch);
        _refuseAllBut(epoch, Phase.Closed);
        _postCheckpoint(epoch);
        _refuseAllBut(epoch, Phase.Checkpointed);
        _commitQueries(epoch);
        _refuseAllBut(epoch, Phase.QueriesCommitted);
        _postQueries(epoch);
        _refuseAllBut(epoch, Phase.QueriesPosted);
        _postAttribution(epoch);
        _refuseAllBut(epoch, Phase.Attributed);
    }

    function test_nothing_is_posted_after_expiry() public {
        uint256 epoch = _closed();
        vm.warp(EXPIRY);
        Proof memory proof;
        vm.expectRevert(abi.encodeWithSelector(EpochExpired.selector, epoch, EXPIRY));
        book.postCheckpoint(epoch, 0, 0, [uint256(0), 0, 0], new uint256[](0), proof);
    }

    // --- checkpoint ---

    function test_checkpoint_needs_the_registrys_list() public {
        uint256 epoch = _closed();
        uint256[] memory words = _statsWords(epoch);
        bytes32 expected = registry.stateOf(epoch).list;

        (words[0], words[1]) = (words[1], words[0]);
        bytes32 actual = keccak256(abi.encode(keccak256(abi.encode(bytes32(0), words[0])), words[1]));
        _checkpointRefused(epoch, words, 0, abi.encodeWithSelector(EpochBook.ListMismatch.selector, expected, actual));

        uint256[] memory longer = new uint256[](3);
        _checkpointRefused(epoch, longer, 0, abi.encodeWithSelector(EpochBook.WordCount.selector, 2, 3));
    }

    function test_checkpoint_needs_the_registrys_rows_and_the_manifest() public {
        uint256 epoch = _closed();
        uint256[] memory words = _statsWords(epoch);
        _checkpointRefused(epoch, words, 1, abi.encodeWithSelector(EpochBook.RowsMismatch.selector, 21, 22));
        (bytes32 manifest, bytes32 model, uint256 field) = _records(epoch);
        Proof memory proof;
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ManifestMismatch.selector, field, field + 1));
        book.postCheckpoint(epoch, manifest, model, [uint256(1), field + 1, 21], words, proof);
    }

    function test_checkpoint_needs_fit_records() public {
        uint256 epoch = _closed();
        uint256[] memory words = _statsWords(epoch);
        (bytes32 manifest, bytes32 model, uint256 field) = _records(epoch);
        Proof memory proof;
        vm.expectRevert(_unfit(model, ProvenanceRegistry.Kind.ModelManifest, manifest));
        book.postCheckpoint(epoch, model, model, [uint256(1), field, 21], words, proof);
        vm.expectRevert(_unfit(manifest, ProvenanceRegistry.Kind.Checkpoint, manifest));
        book.postCheckpoint(epoch, manifest, manifest, [uint256(1), field, 21], words, proof);
        provenance.revoke(manifest);
        vm.expectRevert(_unfit(manifest, ProvenanceRegistry.Kind.ModelManifest, 0));
        book.postCheckpoint(epoch, manifest, model, [uint256(1), field, 21], words, proof);
    }

    /// A pending checkpoint is copied and posted first, with records of the thief.
    function test_checkpoint_cannot_be_posted_with_records_of_others() public {
        uint256 epoch = _closed();
        uint256[] memory words = _statsWords(epoch);
        (bytes32 manifest, , uint256 field) = _records(epoch);
        uint256[3] memory publics = [uint256(1), field, 21];
        Proof memory proof = _bookProof(epoch, Statement.Optimum, _list(publics), words);
        bytes32 digest = keccak256(abi.encode("manifest", epoch));
        vm.startPrank(stranger);
        bytes32 copied = provenance.register(ProvenanceRegistry.Kind.ModelManifest, digest, 0);
        bytes32 model = provenance.register(ProvenanceRegistry.Kind.Checkpoint, keccak256("theirs"), copied);
        vm.expectRevert(_unfit(copied, ProvenanceRegistry.Kind.ModelManifest, 0));
        book.postCheckpoint(epoch, copied, model, publics, words, proof);
        model = provenance.register(ProvenanceRegistry.Kind.Checkpoint, keccak256("theirs too"), manifest);
        vm.expectRevert(_unfit(model, ProvenanceRegistry.Kind.Checkpoint, manifest));
        book.postCheckpoint(epoch, manifest, model, publics, words, proof);
        vm.stopPrank();
    }

    function test_checkpoint_proof_is_verified_in_its_context() public {
        uint256 epoch = _closed();
        uint256[] memory words = _statsWords(epoch);
        (bytes32 manifest, bytes32 model, uint256 field) = _records(epoch);
        uint256[3] memory publics = [uint256(1), field, 21];
        Proof memory proof = _bookProof(epoch + 1, Statement.Optimum, _list(publics), words);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        book.postCheckpoint(epoch, manifest, model, publics, words, proof);
        proof = _bookProof(epoch, Statement.Optimum, _list(publics), words);
        vm.chainId(1);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        book.postCheckpoint(epoch, manifest, model, publics, words, proof);
        vm.chainId(31337);
        vm.prank(stranger);
        book.postCheckpoint(epoch, manifest, model, publics, words, proof);
    }

    // --- queries ---

    function test_queries_come_from_the_steward() public {
        uint256 epoch = _closed();
        _postCheckpoint(epoch);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotSteward.selector, epoch, address(this), stranger));
        book.commitQueries(epoch, "log");
        _commitQueries(epoch);
        Proof memory proof;
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotSteward.selector, epoch, address(this), stranger));
        book.postQueries(epoch, [uint256(1), 2, 3], proof);
    }

    function test_the_log_belongs_to_the_posted_model() public {
        uint256 epoch = _closed();
        _postCheckpoint(epoch);
        bytes32 model = book.bookOf(epoch).model;
        bytes32 other = provenance.register(ProvenanceRegistry.Kind.Checkpoint, "other", 0);
        bytes32 log = provenance.appendLog(other, 1, 0, "root");
        vm.expectRevert(_unfit(log, ProvenanceRegistry.Kind.InferenceLog, model));
        book.commitQueries(epoch, log);
        vm.expectRevert(_unfit(other, ProvenanceRegistry.Kind.InferenceLog, model));
        book.commitQueries(epoch, other);
    }

    function test_query_proof_is_not_a_contribution_proof() public {
        uint256 epoch = _closed();
        _postCheckpoint(epoch);
        _commitQueries(epoch);
        uint256[3] memory publics = [uint256(1), 2, 3];
        Proof memory proof = _bookProof(epoch, Statement.Contribution, _list(publics), new uint256[](0));
        vm.expectRevert(IVerifier.ProofRejected.selector);
        book.postQueries(epoch, publics, proof);
    }

    // --- attribution ---

    function test_attribution_needs_the_posted_queries_and_list() public {
        uint256 epoch = _closed();
        _postCheckpoint(epoch);
        _commitQueries(epoch);
        _postQueries(epoch);
        uint256[] memory words = _statsWords(epoch);
        uint256[2] memory publics = [SCORE_COMMIT, QUERY_STATS];
        Proof memory proof = _bookProof(epoch, Statement.Attribution, _list(publics), words);
        vm.expectRevert(abi.encodeWithSelector(EpochBook.QueryMismatch.selector, QUERY_STATS, 1));
        book.postAttribution(epoch, [SCORE_COMMIT, 1], words, proof);
        vm.expectRevert(abi.encodeWithSelector(EpochBook.WordCount.selector, 2, 0));
        book.postAttribution(epoch, publics, new uint256[](0), proof);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        book.postAttribution(epoch, [SCORE_COMMIT + 1, QUERY_STATS], words, proof);
        vm.prank(stranger);
        book.postAttribution(epoch, publics, words, proof);
        vm.expectRevert(_wrong(epoch, Phase.QueriesPosted, Phase.Attributed));
        book.postAttribution(epoch, publics, words, proof);
    }

    // --- helpers ---

    function _closed() private returns (uint256 epoch) {
        epoch = _openWith(2);
        registry.closeEpoch(epoch);
    }

    function _phase(uint256 epoch, Phase expected) private view {
        assertEq(uint256(book.phaseOf(epoch)), uint256(expected), "phase");
    }

    function _wrong(uint256 epoch, Phase expected, Phase actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(WrongPhase.selector, epoch, expected, actual);
    }

    function _unfit(bytes32 id, ProvenanceRegistry.Kind kind, bytes32 parent) private pure returns (bytes memory) {
        return abi.encodeWithSelector(EpochBook.RecordUnfit.selector, id, kind, parent);
    }

    function _refuseAllBut(uint256 epoch, Phase actual) private {
        Proof memory proof;
        uint256[] memory words = new uint256[](0);
        if (actual != Phase.Closed) {
            vm.expectRevert(_wrong(epoch, Phase.Closed, actual));
            book.postCheckpoint(epoch, 0, 0, [uint256(0), 0, 0], words, proof);
        }
        if (actual != Phase.Checkpointed) {
            vm.expectRevert(_wrong(epoch, Phase.Checkpointed, actual));
            book.commitQueries(epoch, 0);
        }
        if (actual != Phase.QueriesCommitted) {
            vm.expectRevert(_wrong(epoch, Phase.QueriesCommitted, actual));
            book.postQueries(epoch, [uint256(0), 0, 0], proof);
        }
        if (actual != Phase.QueriesPosted) {
            vm.expectRevert(_wrong(epoch, Phase.QueriesPosted, actual));
            book.postAttribution(epoch, [uint256(0), 0], words, proof);
        }
    }

    function _checkpointRefused(uint256 epoch, uint256[] memory words, uint256 extraRows, bytes memory fault) private {
        uint256 clean = vm.snapshotState();
        (bytes32 manifest, bytes32 model, uint256 field) = _records(epoch);
        uint256[3] memory publics = [uint256(1), field, 21 + extraRows];
        Proof memory proof = _bookProof(epoch, Statement.Optimum, _list(publics), words);
        vm.expectRevert(fault);
        book.postCheckpoint(epoch, manifest, model, publics, words, proof);
        vm.revertToState(clean);
    }
}
