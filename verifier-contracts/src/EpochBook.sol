// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "./BN254.sol";
import {ContributionRegistry} from "./ContributionRegistry.sol";
import {Context, EpochExpired, NotSteward, Phase, Publics, Statement, WrongPhase} from "./Epochs.sol";
import {Proof} from "./IVerifier.sol";
import {ProvenanceRegistry} from "./ProvenanceRegistry.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @title The steps from contributions to scores, in their one order
/// @notice closed -> checkpoint -> queries committed -> queries posted -> attribution. The order is the protection: the
/// queries are fixed after the model and before any score, the scores before any payout. Holds no money.
///
/// Proofs here are made in the context keccak256(abi.encode(kind, chain id, this contract, epoch)) with
/// kind = keccak256("openledger.context.optimum.v1"), "...query.v1" or "...attribution.v1". Checkpoint and attribution may be posted
/// by anybody: the proofs leave no choice. Queries are data of the service, so only the steward gives them.
contract EpochBook {
    /// @param model id of the Checkpoint record
    /// @param log id of the InferenceLog record
    struct Book {
        Phase phase;
        bytes32 model;
        bytes32 log;
        uint256 modelCommit;
        uint256 queryStatsCommit;
        uint256 scoreCommit;
    }

    event CheckpointPosted(uint256 indexed epoch, bytes32 indexed model, bytes32 indexed manifest, uint256 modelCommit, uint256 n);
    event QueriesCommitted(uint256 indexed epoch, bytes32 indexed log, bytes32 root);
    event QueriesPosted(uint256 indexed epoch, uint256 rowsCommit, uint256 statsCommit, uint256 n);
    event AttributionPosted(uint256 indexed epoch, uint256 scoreCommit, uint256 queryStatsCommit);

    /// @notice The record is not active, of another kind, of another author or has another parent than needed. Author is the steward: if
    /// records of others were taken, a copied proof could be posted with them, and the steward could log no queries of that model.
    error RecordUnfit(bytes32 id, ProvenanceRegistry.Kind expectedKind, bytes32 expectedParent);
    /// @notice The proof names another manifest than the record.
    error ManifestMismatch(uint256 expected, uint256 actual);
    /// @notice The proof names another number of rows than the registry.
    error RowsMismatch(uint256 expected, uint256 actual);
    /// @notice The words are not one per contribution.
    error WordCount(uint256 expected, uint256 actual);
    /// @notice The words are not the registry's statsCommits in their order.
    error ListMismatch(bytes32 expected, bytes32 actual);
    /// @notice The scores are not those of the posted queries.
    error QueryMismatch(uint256 expected, uint256 actual);

    bytes32 private constant OPTIMUM = keccak256("openledger.context.optimum.v1");
    bytes32 private constant QUERY = keccak256("openledger.context.query.v1");
    bytes32 private constant ATTRIBUTION = keccak256("openledger.context.attribution.v1");

    ContributionRegistry public immutable registry;
    VerifierRouter public immutable router;
    ProvenanceRegistry public immutable provenance;

    mapping(uint256 epoch => Book) private _books;

    constructor(ContributionRegistry registry_, ProvenanceRegistry provenance_) {
        registry = registry_;
        router = registry_.router();
        provenance = provenance_;
    }

    /// @notice Posts the epoch's model: the proven optimum of all contributions.
    /// @param manifest id of the ModelManifest record; its digest mod r is publics[1]
    /// @param model id of the Checkpoint record, child of `manifest`; both records are the steward's
    /// @param publics modelCommit, manifest digest mod r, n
    /// @param words the statsCommits of all contributions in order
    function postCheckpoint(
        uint256 epoch,
        bytes32 manifest,
        bytes32 model,
        uint256[3] calldata publics,
        uint256[] calldata words,
        Proof calldata proof
    ) external {
        Book storage book = _enter(epoch, Phase.Closed);
        ProvenanceRegistry.Record memory record = provenance.recordOf(manifest);
        (address steward, , ) = registry.rolesOf(epoch);
        if (
            record.status != ProvenanceRegistry.Status.Active ||
            record.kind != ProvenanceRegistry.Kind.ModelManifest ||
            record.author != steward
        ) revert RecordUnfit(manifest, ProvenanceRegistry.Kind.ModelManifest, record.parent);
        uint256 manifestField = uint256(record.digest) % BN254.R;
        if (publics[1] != manifestField) revert ManifestMismatch(manifestField, publics[1]);
        _checkRecord(steward, model, ProvenanceRegistry.Kind.Checkpoint, manifest);
        ContributionRegistry.EpochState memory state = _checkList(epoch, words);
        if (publics[2] != state.rows) revert RowsMismatch(state.rows, publics[2]);

        book.phase = Phase.Checkpointed;
        book.model = model;
        book.modelCommit = publics[0];
        emit CheckpointPosted(epoch, model, manifest, publics[0], publics[2]);
        _verify(epoch, Statement.Optimum, OPTIMUM, Publics.list(publics), words, proof);
    }

    /// @notice Fixes the queries that will be scored, before any score can exist. By the steward.
    /// @param log id of an InferenceLog record of the posted model
    function commitQueries(uint256 epoch, bytes32 log) external {
        Book storage book = _enterSteward(epoch, Phase.Checkpointed);
        bytes32 root = _checkRecord(msg.sender, log, ProvenanceRegistry.Kind.InferenceLog, book.model);
        book.phase = Phase.QueriesCommitted;
        book.log = log;
        emit QueriesCommitted(epoch, log, root);
    }

    /// @notice Posts the proven statistics of the query rows. By the steward.
    /// @param publics rowsCommit, statsCommit, n (the sum of the fee weights)
    function postQueries(uint256 epoch, uint256[3] calldata publics, Proof calldata proof) external {
        Book storage book = _enterSteward(epoch, Phase.QueriesCommitted);
        book.phase = Phase.QueriesPosted;
        book.queryStatsCommit = publics[1];
        emit QueriesPosted(epoch, publics[0], publics[1], publics[2]);
        router.verify(
            registry.circuitOf(epoch, Statement.Query),
            Context.ofEpoch(QUERY, epoch),
            Publics.list(publics),
            new uint256[](0),
            proof
        );
    }

    /// @notice Posts the scores of all contributions.
    /// @param publics scoreCommit, queryStatsCommit
    /// @param words the statsCommits of all contributions in order
    function postAttribution(
        uint256 epoch,
        uint256[2] calldata publics,
        uint256[] calldata words,
        Proof calldata proof
    ) external {
        Book storage book = _enter(epoch, Phase.QueriesPosted);
        if (publics[1] != book.queryStatsCommit) revert QueryMismatch(book.queryStatsCommit, publics[1]);
        _checkList(epoch, words);
        book.phase = Phase.Attributed;
        book.scoreCommit = publics[0];
        emit AttributionPosted(epoch, publics[0], publics[1]);
        _verify(epoch, Statement.Attribution, ATTRIBUTION, Publics.list(publics), words, proof);
    }

    /// @notice What is posted of an epoch; `phase` is Unknown before the checkpoint, see {phaseOf}.
    function bookOf(uint256 epoch) external view returns (Book memory) {
        return _books[epoch];
    }

    /// @notice The commitment to the scores, zero before they are posted.
    function scoreCommitOf(uint256 epoch) external view returns (uint256) {
        return _books[epoch].scoreCommit;
    }

    /// @notice The phase of an epoch.
    function phaseOf(uint256 epoch) public view returns (Phase phase) {
        phase = _books[epoch].phase;
        if (phase == Phase.Unknown) phase = registry.phaseOf(epoch);
    }

    function _enter(uint256 epoch, Phase expected) private view returns (Book storage) {
        Phase actual = phaseOf(epoch);
        if (actual != expected) revert WrongPhase(epoch, expected, actual);
        uint256 expiry = registry.expiresAt(epoch);
        if (block.timestamp >= expiry) revert EpochExpired(epoch, expiry);
        return _books[epoch];
    }

    function _enterSteward(uint256 epoch, Phase expected) private view returns (Book storage book) {
        book = _enter(epoch, expected);
        (address steward, , ) = registry.rolesOf(epoch);
        if (msg.sender != steward) revert NotSteward(epoch, steward, msg.sender);
    }

    function _checkRecord(
        address author,
        bytes32 id,
        ProvenanceRegistry.Kind kind,
        bytes32 parent
    ) private view returns (bytes32 digest) {
        ProvenanceRegistry.Record memory record = provenance.recordOf(id);
        if (
            record.status != ProvenanceRegistry.Status.Active ||
            record.kind != kind ||
            record.author != author ||
            record.parent != parent
        ) revert RecordUnfit(id, kind, parent);
        return record.digest;
    }

    function _checkList(
        uint256 epoch,
        uint256[] calldata words
    ) private view returns (ContributionRegistry.EpochState memory state) {
        state = registry.stateOf(epoch);
        if (words.length != state.count) revert WordCount(state.count, words.length);
        bytes32 list;
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 word = words[i];
            // list = keccak256(abi.encode(list, word)), in scratch space
            assembly ("memory-safe") {
                mstore(0x00, list)
                mstore(0x20, word)
                list := keccak256(0x00, 0x40)
            }
        }
        if (list != state.list) revert ListMismatch(state.list, list);
    }

    function _verify(
        uint256 epoch,
        Statement statement,
        bytes32 kind,
        uint256[] memory publics,
        uint256[] calldata words,
        Proof calldata proof
    ) private view {
        router.verify(registry.circuitOf(epoch, statement), Context.ofEpoch(kind, epoch), publics, words, proof);
    }
}
