// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EpochBook} from "../src/EpochBook.sol";
import {Proof} from "../src/IVerifier.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {House, Member} from "./House.sol";

/// @notice Which provenance records a checkpoint and the queries may name.
contract EpochBookRecordsTest is House {
    uint256 private constant COUNT = 5;

    function test_checkpoint_needs_fit_records() public {
        uint256 epoch = _closed();
        (bytes32 manifest, bytes32 model) = (_manifest(epoch), _model(epoch));
        uint256 field = _checkpoint(epoch, COUNT)[1].publics[1];
        Proof memory proof;
        bytes32[] memory transcript = new bytes32[](1);
        vm.expectRevert(_unfit(model, ProvenanceRegistry.Kind.ModelManifest, manifest));
        book.postCheckpoint(epoch, model, model, transcript, [uint256(1), field, 60], [uint256(0)], proof);
        vm.expectRevert(_unfit(manifest, ProvenanceRegistry.Kind.Checkpoint, manifest));
        book.postCheckpoint(epoch, manifest, manifest, transcript, [uint256(1), field, 60], [uint256(0)], proof);
        provenance.revoke(manifest);
        vm.expectRevert(_unfit(manifest, ProvenanceRegistry.Kind.ModelManifest, 0));
        book.postCheckpoint(epoch, manifest, model, transcript, [uint256(1), field, 60], [uint256(0)], proof);
    }

    /// A pending checkpoint is copied and posted first, with records of the thief.
    function test_checkpoint_cannot_be_posted_with_records_of_others() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, COUNT);
        _sendRange(epoch, members, 0, 1);
        bytes32[] memory transcript = _transcript(epoch, members);
        Proof memory proof = _memberProof(epoch, members[1], transcript);
        uint256[] memory p = members[1].publics;
        uint256 evaluated = members[1].links[0];
        (bytes32 manifest, bytes32 digest) = (_manifest(epoch), _manifestDigest(epoch));
        vm.startPrank(stranger);
        bytes32 copied = provenance.register(ProvenanceRegistry.Kind.ModelManifest, digest, 0);
        bytes32 model = provenance.register(ProvenanceRegistry.Kind.Checkpoint, keccak256("theirs"), copied);
        vm.expectRevert(_unfit(copied, ProvenanceRegistry.Kind.ModelManifest, 0));
        book.postCheckpoint(epoch, copied, model, transcript, [p[0], p[1], p[2]], [evaluated], proof);
        model = provenance.register(ProvenanceRegistry.Kind.Checkpoint, keccak256("theirs too"), manifest);
        vm.expectRevert(_unfit(model, ProvenanceRegistry.Kind.Checkpoint, manifest));
        book.postCheckpoint(epoch, manifest, model, transcript, [p[0], p[1], p[2]], [evaluated], proof);
        book.postCheckpoint(epoch, manifest, _model(epoch), transcript, [p[0], p[1], p[2]], [evaluated], proof);
        vm.stopPrank();
    }

    function test_a_revoked_checkpoint_is_not_posted() public {
        (uint256 epoch, Member[] memory members) = _joined();
        provenance.revoke(_model(epoch));
        _unfitCheckpoint(epoch, members, _model(epoch));
    }

    function test_a_checkpoint_is_a_checkpoint() public {
        (uint256 epoch, Member[] memory members) = _joined();
        bytes32 tuned = provenance.register(ProvenanceRegistry.Kind.FineTune, "tuned", _manifest(epoch));
        _unfitCheckpoint(epoch, members, tuned);
        _postWith(epoch, members, _model(epoch));
    }

    function test_the_log_belongs_to_the_posted_model() public {
        uint256 epoch = _closed();
        _sendAll(epoch, _checkpoint(epoch, COUNT));
        bytes32 model = book.bookOf(epoch).model;
        bytes32 other = provenance.register(ProvenanceRegistry.Kind.Checkpoint, "other", 0);
        bytes32 log = provenance.appendLog(other, 1, 0, "root");
        vm.expectRevert(_unfit(log, ProvenanceRegistry.Kind.InferenceLog, model));
        book.commitQueries(epoch, log);
        vm.expectRevert(_unfit(other, ProvenanceRegistry.Kind.InferenceLog, model));
        book.commitQueries(epoch, other);
    }

    function test_a_revoked_log_fixes_no_queries() public {
        (uint256 epoch, bytes32 model) = _checkpointed();
        bytes32 log = provenance.appendLog(model, 1, 0, "root");
        provenance.revoke(log);
        vm.expectRevert(_unfit(log, ProvenanceRegistry.Kind.InferenceLog, model));
        book.commitQueries(epoch, log);
    }

    function test_a_log_is_a_log() public {
        (uint256 epoch, bytes32 model) = _checkpointed();
        bytes32 tuned = provenance.register(ProvenanceRegistry.Kind.FineTune, "tuned", model);
        vm.expectRevert(_unfit(tuned, ProvenanceRegistry.Kind.InferenceLog, model));
        book.commitQueries(epoch, tuned);
        _commitQueries(epoch);
    }

    // --- helpers ---

    function _closed() private returns (uint256 epoch) {
        epoch = _openWith(COUNT);
        registry.closeEpoch(epoch);
        _records(epoch);
    }

    /// @dev All pages are posted; the proof that joins them is left.
    function _joined() private returns (uint256 epoch, Member[] memory members) {
        epoch = _closed();
        members = _checkpoint(epoch, COUNT);
        _sendRange(epoch, members, 0, 1);
    }

    function _checkpointed() private returns (uint256 epoch, bytes32 model) {
        epoch = _closed();
        _sendAll(epoch, _checkpoint(epoch, COUNT));
        model = book.bookOf(epoch).model;
    }

    function _unfitCheckpoint(uint256 epoch, Member[] memory members, bytes32 model) private {
        bytes32 manifest = _manifest(epoch);
        bytes32[] memory transcript = _transcript(epoch, members);
        Proof memory proof = _memberProof(epoch, members[1], transcript);
        uint256[] memory p = members[1].publics;
        uint256 link = members[1].links[0];
        vm.expectRevert(_unfit(model, ProvenanceRegistry.Kind.Checkpoint, manifest));
        book.postCheckpoint(epoch, manifest, model, transcript, [p[0], p[1], p[2]], [link], proof);
    }

    function _postWith(uint256 epoch, Member[] memory members, bytes32 model) private {
        bytes32[] memory transcript = _transcript(epoch, members);
        Proof memory proof = _memberProof(epoch, members[1], transcript);
        uint256[] memory p = members[1].publics;
        book.postCheckpoint(epoch, _manifest(epoch), model, transcript, [p[0], p[1], p[2]], [members[1].links[0]], proof);
    }

    function _unfit(bytes32 id, ProvenanceRegistry.Kind kind, bytes32 parent) private pure returns (bytes memory) {
        return abi.encodeWithSelector(EpochBook.RecordUnfit.selector, id, kind, parent);
    }
}
