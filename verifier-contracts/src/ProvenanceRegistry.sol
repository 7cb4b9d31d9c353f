// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title Who published what, when, and derived from what
/// @notice Append-only, content-addressed records. A digest is keccak256 of canonical JSON (RFC 8785) or of the bytes
/// themselves, made by the author. A record's id holds the author: nobody can take a digest before its
/// owner by copying a pending transaction. Among several authors of one digest the earliest timestamp counts.
/// Revocation changes the status and nothing else.
contract ProvenanceRegistry is EIP712, Nonces {
    enum Kind {
        None,
        Dataset,
        ModelManifest,
        TrainingDescriptor,
        Checkpoint,
        FineTune,
        InferenceLog,
        Licence
    }

    enum Status {
        None,
        Active,
        Revoked
    }

    struct Record {
        bytes32 digest;
        /// id of the record that this one derives from, or zero; for an inference log: the model
        bytes32 parent;
        address author;
        uint40 timestamp;
        Kind kind;
        Status status;
    }

    /// @notice The tip of a model's log chain. Nothing was logged while `sequence` is zero.
    struct LogHead {
        uint64 sequence;
        bytes32 head;
    }

    /// @notice A record was added.
    event Registered(
        bytes32 indexed id,
        address indexed author,
        bytes32 indexed digest,
        Kind kind,
        bytes32 parent,
        uint256 timestamp
    );
    /// @notice An inference log's root was appended to its model's chain: head = keccak256(abi.encode(previous, sequence, root)).
    event LogAppended(
        bytes32 indexed model,
        bytes32 indexed id,
        uint64 sequence,
        bytes32 root,
        bytes32 previous,
        bytes32 head
    );
    /// @notice A record was revoked by its author.
    event Revoked(bytes32 indexed id, address indexed author);

    error AlreadyRegistered(bytes32 id);
    error RecordUnknown(bytes32 id);
    error RecordNotActive(bytes32 id);
    error KindNotAllowed(Kind kind);
    error DigestZero();
    error NotAuthor(bytes32 id, address author, address caller);
    /// @notice A log must name the next sequence number.
    error LogSequence(uint64 expected, uint64 actual);
    /// @notice A log must name the current head of the chain.
    error LogPrevious(bytes32 expected, bytes32 actual);
    error SignatureExpired(uint256 deadline);
    error SignatureInvalid(address signer);

    bytes32 public constant REGISTER_TYPEHASH =
        keccak256(
            "Register(address author,uint8 kind,bytes32 digest,bytes32 parent,uint256 nonce,uint256 deadline)"
        );
    bytes32 public constant APPEND_LOG_TYPEHASH =
        keccak256(
            "AppendLog(address author,bytes32 model,uint64 sequence,bytes32 previous,bytes32 root,uint256 nonce,uint256 deadline)"
        );
    bytes32 public constant REVOKE_TYPEHASH =
        keccak256("Revoke(address author,bytes32 id,uint256 nonce,uint256 deadline)");

    mapping(bytes32 id => Record) private _records;
    mapping(bytes32 model => LogHead) private _logs;

    constructor() EIP712("OpenLedger Provenance", "1") {}

    /// @notice The id of the record that `author` makes (or made) of `digest`.
    function recordId(address author, Kind kind, bytes32 digest) public pure returns (bytes32) {
        return keccak256(abi.encode(author, kind, digest));
    }

    /// @notice A record; all zero when there is none.
    function recordOf(bytes32 id) external view returns (Record memory) {
        return _records[id];
    }

    /// @notice The tip of the log chain of a model.
    function logHead(bytes32 model) external view returns (LogHead memory) {
        return _logs[model];
    }

    /// @notice Adds a record of the caller. Inference logs go through {appendLog}.
    /// @param digest keccak256 of the canonical content
    /// @param parent id of an existing record, or zero
    function register(Kind kind, bytes32 digest, bytes32 parent) external returns (bytes32 id) {
        return _register(msg.sender, kind, digest, parent);
    }

    /// @notice Adds a record of `author`, who signed {REGISTER_TYPEHASH} with nonces(author). Anybody may relay.
    function registerFor(
        address author,
        Kind kind,
        bytes32 digest,
        bytes32 parent,
        uint256 deadline,
        bytes calldata signature
    ) external returns (bytes32 id) {
        bytes32 structHash = keccak256(
            abi.encode(REGISTER_TYPEHASH, author, kind, digest, parent, _useNonce(author), deadline)
        );
        _checkSignature(author, structHash, deadline, signature);
        return _register(author, kind, digest, parent);
    }

    /// @notice Appends a log root to the chain of a model of the caller.
    /// @param model id of a manifest, checkpoint or fine-tune record of the same author
    /// @param sequence one more than the current head's
    /// @param previous the current head (zero for the first)
    /// @param root Merkle root or digest of the log's entries
    function appendLog(
        bytes32 model,
        uint64 sequence,
        bytes32 previous,
        bytes32 root
    ) external returns (bytes32 id) {
        return _appendLog(msg.sender, model, sequence, previous, root);
    }

    /// @notice As {appendLog}, for the author who signed {APPEND_LOG_TYPEHASH}. Anybody may relay.
    function appendLogFor(
        address author,
        bytes32 model,
        uint64 sequence,
        bytes32 previous,
        bytes32 root,
        uint256 deadline,
        bytes calldata signature
    ) external returns (bytes32 id) {
        bytes32 structHash = keccak256(
            abi.encode(APPEND_LOG_TYPEHASH, author, model, sequence, previous, root, _useNonce(author), deadline)
        );
        _checkSignature(author, structHash, deadline, signature);
        return _appendLog(author, model, sequence, previous, root);
    }

    /// @notice Marks a record of the caller as revoked. What was built on it stays as it is.
    function revoke(bytes32 id) external {
        _revoke(msg.sender, id);
    }

    /// @notice As {revoke}, for the author who signed {REVOKE_TYPEHASH}. Anybody may relay.
    function revokeFor(address author, bytes32 id, uint256 deadline, bytes calldata signature) external {
        bytes32 structHash = keccak256(abi.encode(REVOKE_TYPEHASH, author, id, _useNonce(author), deadline));
        _checkSignature(author, structHash, deadline, signature);
        _revoke(author, id);
    }

    function _register(address author, Kind kind, bytes32 digest, bytes32 parent) private returns (bytes32) {
        if (kind == Kind.None || kind == Kind.InferenceLog) revert KindNotAllowed(kind);
        if (parent != 0 && _records[parent].status == Status.None) revert RecordUnknown(parent);
        return _add(author, kind, digest, parent);
    }

    function _appendLog(
        address author,
        bytes32 model,
        uint64 sequence,
        bytes32 previous,
        bytes32 root
    ) private returns (bytes32 id) {
        Record storage record = _records[model];
        if (record.status != Status.Active) revert RecordNotActive(model);
        if (record.kind != Kind.ModelManifest && record.kind != Kind.Checkpoint && record.kind != Kind.FineTune) {
            revert KindNotAllowed(record.kind);
        }
        if (record.author != author) revert NotAuthor(model, record.author, author);
        LogHead storage log = _logs[model];
        if (sequence != log.sequence + 1) revert LogSequence(log.sequence + 1, sequence);
        if (previous != log.head) revert LogPrevious(log.head, previous);

        bytes32 head = keccak256(abi.encode(previous, sequence, root));
        log.sequence = sequence;
        log.head = head;
        id = _add(author, Kind.InferenceLog, root, model);
        emit LogAppended(model, id, sequence, root, previous, head);
    }

    function _add(address author, Kind kind, bytes32 digest, bytes32 parent) private returns (bytes32 id) {
        if (digest == 0) revert DigestZero();
        id = recordId(author, kind, digest);
        if (_records[id].status != Status.None) revert AlreadyRegistered(id);
        _records[id] = Record(digest, parent, author, uint40(block.timestamp), kind, Status.Active);
        emit Registered(id, author, digest, kind, parent, block.timestamp);
    }

    function _revoke(address author, bytes32 id) private {
        Record storage record = _records[id];
        if (record.status != Status.Active) revert RecordNotActive(id);
        if (record.author != author) revert NotAuthor(id, record.author, author);
        record.status = Status.Revoked;
        emit Revoked(id, author);
    }

    function _checkSignature(
        address signer,
        bytes32 structHash,
        uint256 deadline,
        bytes calldata signature
    ) private view {
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, _hashTypedDataV4(structHash), signature)) {
            revert SignatureInvalid(signer);
        }
    }
}
