// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "./BN254.sol";
import {ContributionRegistry} from "./ContributionRegistry.sol";
import {
    Context,
    EpochExpired,
    NotSteward,
    Phase,
    Publics,
    RowsOutOfRange,
    Statement,
    WrongPhase
} from "./Epochs.sol";
import {Proof} from "./IVerifier.sol";
import {ProvenanceRegistry} from "./ProvenanceRegistry.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @title The steps from contributions to scores, in their one order
/// @notice closed -> checkpoint -> queries committed -> queries posted -> attribution. The order is the protection: the
/// queries are fixed after the model and before any score, the scores before any payout. Holds no money.
///
/// Proofs here are made in the context keccak256(abi.encode(kind, chain id, this contract, epoch)) with
/// kind = keccak256("openledger.context.STATEMENT.v1"). Checkpoint and attribution may be posted by anybody: the proofs leave no
/// choice. Queries are data of the service, so only the steward gives them.
///
/// Checkpoint and attribution are proofs made together: pages over a list, and one proof that joins them. Each is posted by its own call,
/// in the order of the transcript, and what the pages say is added up under epoch and transcript. A digest of the transcript names
/// its proof's words and publics, so nobody can put another page, or a page at another place, under somebody's transcript: a stranger
/// can only send what its maker would have sent next. Whoever makes other proofs has another transcript and disturbs nobody.
contract EpochBook {
    /// @param queryCount number of posted query proofs
    /// @param queryRows sum of their n
    /// @param model id of the Checkpoint record
    /// @param log id of the InferenceLog record
    /// @param queryList digest of their statsCommits: list' = keccak256(abi.encode(list, statsCommit)), from zero
    /// @param joint id of the proofs that made the scores
    struct Book {
        Phase phase;
        uint32 queryCount;
        uint64 queryRows;
        bytes32 model;
        bytes32 log;
        uint256 modelCommit;
        bytes32 queryList;
        uint256 scoreCommit;
        bytes32 joint;
    }

    /// @notice What was posted of proofs made together. `list` and `queryList` are made as the registry's list is; the evaluations are sums mod r.
    /// @param members posted so far, and so the place in the transcript of what comes next
    /// @param pages `total` or `score` pages among them
    /// @param queryPages `query-total` pages among them
    /// @param count contributions on the pages
    /// @param queryCount query proofs on the query pages
    struct Joint {
        uint16 members;
        uint16 pages;
        uint16 queryPages;
        uint16 count;
        uint32 queryCount;
        uint64 rows;
        uint64 queryRows;
        bytes32 list;
        bytes32 queryList;
        uint256 totalAt;
        uint256 queryAt;
        uint256 pathAt;
    }

    /// @notice A page of totals was posted: `count` contributions from `first` on. `joint` is {jointId}.
    event TotalPosted(uint256 indexed epoch, bytes32 indexed joint, uint256 first, uint256 count);
    event CheckpointPosted(uint256 indexed epoch, bytes32 indexed model, bytes32 indexed manifest, uint256 modelCommit, uint256 n);
    event QueriesCommitted(uint256 indexed epoch, bytes32 indexed log, bytes32 root);
    /// @notice A query proof was posted; `last` ends the queries.
    event QueriesPosted(
        uint256 indexed epoch,
        uint256 indexed index,
        uint256 rowsCommit,
        uint256 statsCommit,
        uint256 n,
        bool last
    );
    /// @notice A page of query totals was posted: `count` query proofs from `first` on.
    event QueryTotalPosted(uint256 indexed epoch, bytes32 indexed joint, uint256 first, uint256 count);
    /// @notice A page of scores was posted: `count` contributions from `first` on. It counts once the attribution of `joint` is posted.
    event ScoresPosted(uint256 indexed epoch, bytes32 indexed joint, uint256 first, uint256 count, uint256 scoreCommit);
    event AttributionPosted(uint256 indexed epoch, bytes32 indexed joint, uint256 scoreCommit);

    /// @notice The record is not active, of another kind, of another author or has another parent than needed. Author is the steward: if
    /// records of others were taken, a copied proof could be posted with them, and the steward could log no queries of that model.
    error RecordUnfit(bytes32 id, ProvenanceRegistry.Kind expectedKind, bytes32 expectedParent);
    /// @notice The proof names another manifest than the record.
    error ManifestMismatch(uint256 expected, uint256 actual);
    /// @notice The statement's proofs name another number of rows than the registry or the posted queries.
    error RowsMismatch(Statement statement, uint256 expected, uint256 actual);
    /// @notice A page has from 1 to `left` words: what is left of its list.
    error PageOutOfRange(uint256 left, uint256 actual);
    /// @notice The pages do not hold the whole list.
    error ListIncomplete(Statement page, uint256 expected, uint256 actual);
    /// @notice The words of the pages are not the statsCommits in their order.
    error ListMismatch(Statement page, bytes32 expected, bytes32 actual);
    /// @notice A link of the joining proof is not the pages' sum, or not the pages' path.
    error LinkMismatch(uint256 link, uint256 expected, uint256 actual);
    /// @notice Two pages were scored along different paths.
    error PathMismatch(uint256 expected, uint256 actual);
    /// @notice A page's scores do not continue, or a payout's are not, the posted ones.
    error ScoreMismatch(uint256 expected, uint256 actual);
    /// @notice Proofs made together are posted in the order of their transcript.
    error MemberMisplaced(uint256 expected, uint256 actual);
    /// @notice A proof made alone has a challenge of its own; its links say nothing beside others.
    error TranscriptEmpty();

    ContributionRegistry public immutable registry;
    VerifierRouter public immutable router;
    ProvenanceRegistry public immutable provenance;

    mapping(uint256 epoch => Book) private _books;
    mapping(bytes32 joint => Joint) private _joints;
    mapping(bytes32 joint => mapping(uint256 count => uint256)) private _scoreCommits;

    constructor(ContributionRegistry registry_, ProvenanceRegistry provenance_) {
        registry = registry_;
        router = registry_.router();
        provenance = provenance_;
    }

    /// @notice Posts a page of the sum that the checkpoint is the optimum of; by anybody.
    /// @param transcript the digests of all proofs made together
    /// @param publics n
    /// @param links totalAt
    /// @param words the next statsCommits in the registry's order
    function postTotal(
        uint256 epoch,
        bytes32[] calldata transcript,
        uint256[1] calldata publics,
        uint256[1] calldata links,
        uint256[] calldata words,
        Proof calldata proof
    ) external {
        _enter(epoch, Phase.Closed);
        (bytes32 id, Joint storage joint) = _joint(epoch, Statement.Optimum, transcript);
        uint256 first = _addPage(epoch, joint, publics[0], links[0], words);
        emit TotalPosted(epoch, id, first, words.length);
        _verify(epoch, Statement.Total, joint, Publics.list(publics), Publics.list(links), words, transcript, proof);
    }

    /// @notice Posts the epoch's model: the proven optimum of all contributions, whose pages were posted before; by anybody.
    /// @param manifest id of the ModelManifest record; its digest mod r is publics[1]
    /// @param model id of the Checkpoint record, child of `manifest`; both records are the steward's
    /// @param transcript the digests of all proofs made together
    /// @param publics modelCommit, manifest digest mod r, n
    /// @param links totalAt
    function postCheckpoint(
        uint256 epoch,
        bytes32 manifest,
        bytes32 model,
        bytes32[] calldata transcript,
        uint256[3] calldata publics,
        uint256[1] calldata links,
        Proof calldata proof
    ) external {
        Book storage book = _enter(epoch, Phase.Closed);
        _checkModel(epoch, manifest, model, publics[1]);
        (, Joint storage joint) = _joint(epoch, Statement.Optimum, transcript);
        uint256 rows = _checkContributions(epoch, Statement.Total, joint);
        if (publics[2] != rows) revert RowsMismatch(Statement.Optimum, rows, publics[2]);
        if (links[0] != joint.totalAt) revert LinkMismatch(0, joint.totalAt, links[0]);

        book.phase = Phase.Checkpointed;
        book.model = model;
        book.modelCommit = publics[0];
        emit CheckpointPosted(epoch, model, manifest, publics[0], publics[2]);
        _verify(epoch, Statement.Optimum, joint, Publics.list(publics), Publics.list(links), _none(), transcript, proof);
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

    /// @notice Posts the proven statistics of some of the query rows. By the steward.
    /// @param publics rowsCommit, statsCommit, n (the sum of the fee weights)
    /// @param last whether these are the last ones
    function postQueries(uint256 epoch, uint256[3] calldata publics, Proof calldata proof, bool last) external {
        Book storage book = _enterSteward(epoch, Phase.QueriesCommitted);
        if (publics[2] == 0 || publics[2] > type(uint32).max) revert RowsOutOfRange(publics[2]);
        uint256 index = book.queryCount++;
        book.queryRows += uint64(publics[2]);
        book.queryList = keccak256(abi.encode(book.queryList, publics[1]));
        if (last) book.phase = Phase.QueriesPosted;
        emit QueriesPosted(epoch, index, publics[0], publics[1], publics[2], last);
        bytes32 circuit = registry.circuitOf(epoch, Statement.Query);
        router.verify(circuit, _contextOf(epoch, Statement.Query), Publics.list(publics), _none(), proof);
    }

    /// @notice Posts a page of the sum of the queries; by anybody.
    /// @param transcript the digests of all proofs made together
    /// @param publics n
    /// @param links totalAt
    /// @param words the next statsCommits in the order of the posted queries
    function postQueryTotal(
        uint256 epoch,
        bytes32[] calldata transcript,
        uint256[1] calldata publics,
        uint256[1] calldata links,
        uint256[] calldata words,
        Proof calldata proof
    ) external {
        Book storage book = _enter(epoch, Phase.QueriesPosted);
        (bytes32 id, Joint storage joint) = _joint(epoch, Statement.Attribution, transcript);
        uint256 first = joint.queryCount;
        joint.queryList = _append(joint.queryList, words, book.queryCount - first);
        ++joint.queryPages;
        joint.queryCount += uint32(words.length);
        joint.queryRows += _rows(publics[0]);
        joint.queryAt = addmod(joint.queryAt, links[0], BN254.R);
        emit QueryTotalPosted(epoch, id, first, words.length);
        _verify(epoch, Statement.QueryTotal, joint, Publics.list(publics), Publics.list(links), words, transcript, proof);
    }

    /// @notice Posts the scores of a page of contributions; by anybody.
    /// @param transcript the digests of all proofs made together
    /// @param publics previousScores, scoreCommit, n
    /// @param links totalAt, pathAt
    /// @param words the next statsCommits in the registry's order
    function postScores(
        uint256 epoch,
        bytes32[] calldata transcript,
        uint256[3] calldata publics,
        uint256[2] calldata links,
        uint256[] calldata words,
        Proof calldata proof
    ) external {
        _enter(epoch, Phase.QueriesPosted);
        (bytes32 id, Joint storage joint) = _joint(epoch, Statement.Attribution, transcript);
        if (joint.pages == 0) joint.pathAt = links[1];
        else if (links[1] != joint.pathAt) revert PathMismatch(joint.pathAt, links[1]);
        uint256 first = _addPage(epoch, joint, publics[2], links[0], words);
        uint256 previous = _scoreCommits[id][first];
        if (publics[0] != previous) revert ScoreMismatch(previous, publics[0]);
        _scoreCommits[id][joint.count] = publics[1];
        emit ScoresPosted(epoch, id, first, words.length, publics[1]);
        _verify(epoch, Statement.Score, joint, Publics.list(publics), Publics.list(links), words, transcript, proof);
    }

    /// @notice Posts the path that the scores were made along; the pages were posted before. By anybody.
    /// @param transcript the digests of all proofs made together
    /// @param publics n, n of the queries
    /// @param links totalAt, queryAt, pathAt
    function postAttribution(
        uint256 epoch,
        bytes32[] calldata transcript,
        uint256[2] calldata publics,
        uint256[3] calldata links,
        Proof calldata proof
    ) external {
        Book storage book = _enter(epoch, Phase.QueriesPosted);
        (bytes32 id, Joint storage joint) = _joint(epoch, Statement.Attribution, transcript);
        uint256 rows = _checkContributions(epoch, Statement.Score, joint);
        if (publics[0] != rows) revert RowsMismatch(Statement.Attribution, rows, publics[0]);
        _checkList(Statement.QueryTotal, book.queryCount, joint.queryCount, book.queryList, joint.queryList);
        rows = book.queryRows;
        if (joint.queryRows != rows) revert RowsMismatch(Statement.QueryTotal, rows, joint.queryRows);
        if (publics[1] != rows) revert RowsMismatch(Statement.Attribution, rows, publics[1]);
        if (links[0] != joint.totalAt) revert LinkMismatch(0, joint.totalAt, links[0]);
        if (links[1] != joint.queryAt) revert LinkMismatch(1, joint.queryAt, links[1]);
        if (links[2] != joint.pathAt) revert LinkMismatch(2, joint.pathAt, links[2]);

        uint256 scoreCommit = _scoreCommits[id][joint.count];
        book.phase = Phase.Attributed;
        book.scoreCommit = scoreCommit;
        book.joint = id;
        emit AttributionPosted(epoch, id, scoreCommit);
        _verify(
            epoch,
            Statement.Attribution,
            joint,
            Publics.list(publics),
            Publics.list(links),
            _none(),
            transcript,
            proof
        );
    }

    /// @notice What is posted of an epoch; `phase` is Unknown before the checkpoint, see {phaseOf}.
    function bookOf(uint256 epoch) external view returns (Book memory) {
        return _books[epoch];
    }

    /// @notice What is posted of proofs made together.
    /// @param statement of the proof that joins them: Optimum or Attribution
    function jointOf(
        uint256 epoch,
        Statement statement,
        bytes32[] calldata transcript
    ) external view returns (Joint memory) {
        return _joints[jointId(epoch, statement, transcript)];
    }

    /// @notice The commitment to the scores of the first `count` contributions, where a page ends; zero elsewhere, for none, and
    /// before the attribution is posted.
    function scoreCommitAt(uint256 epoch, uint256 count) public view returns (uint256) {
        return _scoreCommits[_books[epoch].joint][count];
    }

    /// @notice Reverts unless these are the posted commitments to the scores of the first `first` and the first `end` contributions,
    /// and a page of scores ends there.
    function checkScores(
        uint256 epoch,
        uint256 first,
        uint256 end,
        uint256 previousScores,
        uint256 scoreCommit
    ) external view {
        Phase phase = phaseOf(epoch);
        if (phase != Phase.Attributed) revert WrongPhase(epoch, Phase.Attributed, phase);
        uint256 expected = scoreCommitAt(epoch, first);
        if (previousScores != expected) revert ScoreMismatch(expected, previousScores);
        expected = scoreCommitAt(epoch, end);
        if (scoreCommit != expected || expected == 0) revert ScoreMismatch(expected, scoreCommit);
    }

    /// @notice The phase of an epoch.
    function phaseOf(uint256 epoch) public view returns (Phase phase) {
        phase = _books[epoch].phase;
        if (phase == Phase.Unknown) phase = registry.phaseOf(epoch);
    }

    /// @notice The name of proofs made together. The joining statement is part of it: the pages of a checkpoint are no scores.
    function jointId(uint256 epoch, Statement statement, bytes32[] calldata transcript) public pure returns (bytes32) {
        return keccak256(abi.encode(epoch, statement, transcript));
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

    function _joint(
        uint256 epoch,
        Statement statement,
        bytes32[] calldata transcript
    ) private view returns (bytes32 id, Joint storage joint) {
        if (transcript.length == 0) revert TranscriptEmpty();
        id = jointId(epoch, statement, transcript);
        joint = _joints[id];
    }

    /// @dev Adds a page over the registry's list.
    /// @return first the page's first contribution
    function _addPage(
        uint256 epoch,
        Joint storage joint,
        uint256 n,
        uint256 totalAt,
        uint256[] calldata words
    ) private returns (uint256 first) {
        first = joint.count;
        joint.list = _append(joint.list, words, registry.countOf(epoch) - first);
        ++joint.pages;
        joint.count += uint16(words.length);
        joint.rows += _rows(n);
        joint.totalAt = addmod(joint.totalAt, totalAt, BN254.R);
    }

    /// @dev A page's number of rows. Not the bound of a page but of our fields; what a page really counts is held against the registry at the end.
    function _rows(uint256 n) private pure returns (uint64) {
        if (n == 0 || n > type(uint64).max) revert RowsOutOfRange(n);
        return uint64(n);
    }

    function _append(bytes32 list, uint256[] calldata words, uint256 left) private pure returns (bytes32) {
        if (words.length == 0 || words.length > left) revert PageOutOfRange(left, words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 word = words[i];
            // list = keccak256(abi.encode(list, word)), in scratch space
            assembly ("memory-safe") {
                mstore(0x00, list)
                mstore(0x20, word)
                list := keccak256(0x00, 0x40)
            }
        }
        return list;
    }

    /// @dev Holds the pages against the registry.
    /// @return rows of all contributions
    function _checkContributions(uint256 epoch, Statement page, Joint storage joint) private view returns (uint256 rows) {
        ContributionRegistry.EpochState memory state = registry.stateOf(epoch);
        _checkList(page, state.count, joint.count, state.list, joint.list);
        rows = state.rows;
        if (joint.rows != rows) revert RowsMismatch(page, rows, joint.rows);
    }

    function _checkList(Statement page, uint256 count, uint256 posted, bytes32 list, bytes32 postedList) private pure {
        if (posted != count) revert ListIncomplete(page, count, posted);
        if (postedList != list) revert ListMismatch(page, list, postedList);
    }

    function _checkModel(uint256 epoch, bytes32 manifest, bytes32 model, uint256 named) private view {
        ProvenanceRegistry.Record memory record = provenance.recordOf(manifest);
        (address steward, , ) = registry.rolesOf(epoch);
        if (
            record.status != ProvenanceRegistry.Status.Active ||
            record.kind != ProvenanceRegistry.Kind.ModelManifest ||
            record.author != steward
        ) revert RecordUnfit(manifest, ProvenanceRegistry.Kind.ModelManifest, record.parent);
        uint256 manifestField = uint256(record.digest) % BN254.R;
        if (named != manifestField) revert ManifestMismatch(manifestField, named);
        _checkRecord(steward, model, ProvenanceRegistry.Kind.Checkpoint, manifest);
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

    /// @dev Verifies the next proof of a transcript.
    function _verify(
        uint256 epoch,
        Statement statement,
        Joint storage joint,
        uint256[] memory publics,
        uint256[] memory links,
        uint256[] calldata words,
        bytes32[] calldata transcript,
        Proof calldata proof
    ) private {
        uint256 place = router.verifyJoint(
            registry.circuitOf(epoch, statement),
            _contextOf(epoch, statement),
            publics,
            links,
            words,
            transcript,
            proof
        );
        uint256 expected = joint.members++;
        if (place != expected) revert MemberMisplaced(expected, place);
    }

    function _contextOf(uint256 epoch, Statement statement) private view returns (bytes32) {
        bytes32 kind;
        if (statement == Statement.Query) kind = keccak256("openledger.context.query.v1");
        else if (statement == Statement.Total) kind = keccak256("openledger.context.total.v1");
        else if (statement == Statement.QueryTotal) kind = keccak256("openledger.context.query-total.v1");
        else if (statement == Statement.Optimum) kind = keccak256("openledger.context.optimum.v1");
        else if (statement == Statement.Score) kind = keccak256("openledger.context.score.v1");
        else kind = keccak256("openledger.context.attribution.v1");
        return Context.ofEpoch(kind, epoch);
    }

    /// @dev The empty word list.
    function _none() private pure returns (uint256[] calldata none) {
        assembly ("memory-safe") {
            none.offset := 0
            none.length := 0
        }
    }
}
