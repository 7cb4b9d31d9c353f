// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ProvenanceRegistry} from "./ProvenanceRegistry.sol";

/// @title Who may read an encrypted dataset, until when, and under which terms
/// @notice The author of a Dataset record offers licences (records of kind Licence, of any author: their digest is that of the terms, which so
/// never change). Who wants access requests it: with a public key to encrypt to, and by accepting one of the offered licences. The author grants it until a
/// time, and sends the dataset's key along, encrypted to that public key. A grant ends by itself, or at once when the author revokes it.
///
/// What a grant is, and is not: a record that whoever serves the data can ask ({isGranted}), and the proof that the grantee accepted these
/// terms. It cannot make somebody forget a key: a revoked grantee may keep what it has read. Data that must stay closed after a revocation
/// needs another key. Holds no money, has no owner, cannot be paused.
///
/// Public keys and encrypted keys stand in events; their hashes are stored. A request is bound to chain, contract, dataset, grantee, licence and public key:
/// acceptance = keccak256(abi.encode(keccak256("openledger.acceptance.v1"), chain id, this contract, dataset, grantee, licence,
/// keccak256(publicKey))). A grant names licence and public key again and is refused when the grantee has accepted something else meanwhile: an author
/// never grants by mistake what was changed a block before.
///
/// The author acts itself, or signs the EIP-712 structs {OFFER_TYPEHASH}, {GRANT_TYPEHASH}, {RENEW_TYPEHASH} and {REVOKE_TYPEHASH} in the domain
/// ("OpenLedger Grants", "1", chain id, this contract) with nonces(author), and anybody relays. Contracts sign by ERC-1271. Grants, renewals and offers need
/// an active record; a revoked one takes none, and what was granted before ends at its time.
contract AccessGrants is EIP712, Nonces {
    enum Status {
        /// never granted
        None,
        /// granted until its time
        Granted,
        /// ended by the author
        Revoked
    }

    /// @param until the first second without access
    /// @param acceptance what the grantee accepted: {acceptanceOf}
    /// @param keyHash keccak256 of the encrypted key
    struct Grant {
        uint40 until;
        Status status;
        bytes32 acceptance;
        bytes32 keyHash;
    }

    /// @notice What an author gives to one grantee.
    /// @param licence that the grantee accepted
    /// @param publicKeyHash keccak256 of the grantee's public key, to which `encryptedKey` is encrypted
    /// @param until the first second without access
    /// @param encryptedKey the dataset's key for this grantee; what it is made of is between the two
    struct Terms {
        address grantee;
        bytes32 licence;
        bytes32 publicKeyHash;
        uint40 until;
        bytes encryptedKey;
    }

    /// @notice Whether a dataset may be requested under a licence was set.
    event LicenceOffered(bytes32 indexed dataset, bytes32 indexed licence, bool offered);
    /// @notice Access was requested and a licence accepted. Replaces an earlier request of the same grantee.
    event AccessRequested(
        bytes32 indexed dataset,
        address indexed grantee,
        bytes32 indexed licence,
        bytes32 acceptance,
        bytes publicKey
    );
    /// @notice A grantee took its request back.
    event RequestWithdrawn(bytes32 indexed dataset, address indexed grantee);
    /// @notice Access was granted.
    event AccessGranted(
        bytes32 indexed dataset,
        address indexed grantee,
        bytes32 indexed licence,
        bytes32 acceptance,
        uint40 until,
        bytes encryptedKey
    );
    /// @notice Somebody of a batch has accepted something else meanwhile, or nothing.
    event GrantSkipped(bytes32 indexed dataset, address indexed grantee);
    /// @notice A grant goes on until another time.
    event AccessRenewed(bytes32 indexed dataset, address indexed grantee, uint40 until);
    /// @notice A grant ended at once.
    event AccessRevoked(bytes32 indexed dataset, address indexed grantee);

    error AddressZero();
    error RecordNotActive(bytes32 id);
    error KindNotAllowed(ProvenanceRegistry.Kind kind);
    error NotAuthor(bytes32 id, address author, address caller);
    error LicenceNotOffered(bytes32 dataset, bytes32 licence);
    /// @notice The grantee has not accepted this licence with this public key; `actual` is what it accepted (zero: nothing).
    error NotAccepted(bytes32 dataset, address grantee, bytes32 expected, bytes32 actual);
    error RequestUnknown(bytes32 dataset, address grantee);
    error GrantTermOutOfRange(uint256 earliest, uint256 latest, uint256 actual);
    error KeyLengthOutOfRange(uint256 maximum, uint256 actual);
    error TooManyGrants(uint256 maximum, uint256 actual);
    error GrantStatus(bytes32 dataset, address grantee, Status expected, Status actual);
    error SignatureExpired(uint256 deadline);
    error SignatureInvalid(address signer);

    /// @notice The longest time from now that a grant or a renewal may reach.
    uint256 public constant MAX_TERM = 1830 days;
    /// @notice The longest public or encrypted key, in bytes.
    uint256 public constant MAX_KEY = 4096;
    /// @notice The most grants of one batch.
    uint256 public constant MAX_GRANTS = 128;
    bytes32 public constant OFFER_TYPEHASH =
        keccak256("Offer(bytes32 dataset,bytes32 licence,bool offered,uint256 nonce,uint256 deadline)");
    bytes32 public constant GRANT_TYPEHASH =
        keccak256(
            "Grant(bytes32 dataset,address grantee,bytes32 licence,bytes32 publicKeyHash,uint40 until,bytes encryptedKey,uint256 nonce,uint256 deadline)"
        );
    bytes32 public constant RENEW_TYPEHASH =
        keccak256("Renew(bytes32 dataset,address grantee,uint40 until,uint256 nonce,uint256 deadline)");
    bytes32 public constant REVOKE_TYPEHASH =
        keccak256("Revoke(bytes32 dataset,address grantee,uint256 nonce,uint256 deadline)");
    bytes32 private constant ACCEPTANCE = keccak256("openledger.acceptance.v1");

    /// @notice Knows datasets, licences and their authors.
    ProvenanceRegistry public immutable provenance;

    mapping(bytes32 dataset => mapping(bytes32 licence => bool)) private _offered;
    mapping(bytes32 dataset => mapping(address grantee => bytes32)) private _requests;
    mapping(bytes32 dataset => mapping(address grantee => Grant)) private _grants;

    /// @param provenance_ the registry of datasets and licences
    constructor(ProvenanceRegistry provenance_) EIP712("OpenLedger Grants", "1") {
        if (address(provenance_) == address(0)) revert AddressZero();
        provenance = provenance_;
    }

    /// @notice Offers a licence for a dataset of the caller, or takes the offer back: then nobody requests or is granted under it any more.
    function offer(bytes32 dataset, bytes32 licence, bool offered) external {
        _offer(msg.sender, dataset, licence, offered);
    }

    /// @notice As {offer}, for the author who signed {OFFER_TYPEHASH}.
    function offerFor(
        bytes32 dataset,
        bytes32 licence,
        bool offered,
        uint256 deadline,
        bytes calldata signature
    ) external {
        address author = _datasetOf(dataset);
        bytes32 structHash = keccak256(
            abi.encode(OFFER_TYPEHASH, dataset, licence, offered, _useNonce(author), deadline)
        );
        _checkSignature(author, structHash, deadline, signature);
        _offer(author, dataset, licence, offered);
    }

    /// @notice Requests access for the caller, who accepts the licence by that. Replaces the caller's earlier request.
    /// @param licence that the author offers
    /// @param publicKey to which the dataset's key will be encrypted; 1 to {MAX_KEY} bytes
    /// @return acceptance {acceptanceOf}
    function request(
        bytes32 dataset,
        bytes32 licence,
        bytes calldata publicKey
    ) external returns (bytes32 acceptance) {
        _datasetOf(dataset);
        _checkLicence(dataset, licence);
        _checkKey(publicKey);
        acceptance = acceptanceOf(dataset, msg.sender, licence, keccak256(publicKey));
        _requests[dataset][msg.sender] = acceptance;
        emit AccessRequested(dataset, msg.sender, licence, acceptance, publicKey);
    }

    /// @notice Takes the caller's request back. A grant that was made stays.
    function withdrawRequest(bytes32 dataset) external {
        if (_requests[dataset][msg.sender] == 0) revert RequestUnknown(dataset, msg.sender);
        delete _requests[dataset][msg.sender];
        emit RequestWithdrawn(dataset, msg.sender);
    }

    /// @notice Grants access to a dataset of the caller. Replaces an earlier grant of the same grantee, also a revoked one.
    function grant(bytes32 dataset, Terms calldata terms) external {
        _checkAuthor(dataset, msg.sender);
        _grant(dataset, terms, true);
    }

    /// @notice As {grant} for several grantees. Who has accepted something else meanwhile is skipped, so that nobody spoils the batch.
    function grantMany(bytes32 dataset, Terms[] calldata batch) external {
        if (batch.length > MAX_GRANTS) revert TooManyGrants(MAX_GRANTS, batch.length);
        _checkAuthor(dataset, msg.sender);
        for (uint256 i = 0; i < batch.length; ++i) _grant(dataset, batch[i], false);
    }

    /// @notice As {grant}, for the author who signed {GRANT_TYPEHASH}.
    function grantFor(bytes32 dataset, Terms calldata terms, uint256 deadline, bytes calldata signature) external {
        address author = _datasetOf(dataset);
        bytes32 structHash = keccak256(
            abi.encode(
                GRANT_TYPEHASH,
                dataset,
                terms.grantee,
                terms.licence,
                terms.publicKeyHash,
                terms.until,
                keccak256(terms.encryptedKey),
                _useNonce(author),
                deadline
            )
        );
        _checkSignature(author, structHash, deadline, signature);
        _grant(dataset, terms, true);
    }

    /// @notice Lets a grant go on until a later time, under the same terms and with the same key; also one that has ended by itself, but not a revoked one.
    function renew(bytes32 dataset, address grantee, uint40 until) external {
        _checkAuthor(dataset, msg.sender);
        _renew(dataset, grantee, until);
    }

    /// @notice As {renew}, for the author who signed {RENEW_TYPEHASH}.
    function renewFor(
        bytes32 dataset,
        address grantee,
        uint40 until,
        uint256 deadline,
        bytes calldata signature
    ) external {
        address author = _datasetOf(dataset);
        bytes32 structHash = keccak256(
            abi.encode(RENEW_TYPEHASH, dataset, grantee, until, _useNonce(author), deadline)
        );
        _checkSignature(author, structHash, deadline, signature);
        _renew(dataset, grantee, until);
    }

    /// @notice Ends a grant at once; also when the record was revoked.
    function revoke(bytes32 dataset, address grantee) external {
        address author = provenance.recordOf(dataset).author;
        if (msg.sender != author) revert NotAuthor(dataset, author, msg.sender);
        _revoke(dataset, grantee);
    }

    /// @notice As {revoke}, for the author who signed {REVOKE_TYPEHASH}.
    function revokeFor(bytes32 dataset, address grantee, uint256 deadline, bytes calldata signature) external {
        address author = provenance.recordOf(dataset).author;
        bytes32 structHash = keccak256(abi.encode(REVOKE_TYPEHASH, dataset, grantee, _useNonce(author), deadline));
        _checkSignature(author, structHash, deadline, signature);
        _revoke(dataset, grantee);
    }

    /// @notice Whether the grantee has access now.
    function isGranted(bytes32 dataset, address grantee) external view returns (bool) {
        Grant storage given = _grants[dataset][grantee];
        return given.status == Status.Granted && block.timestamp < given.until;
    }

    /// @notice The latest grant; all zero when there was none. One that has ended by itself is still `Granted`, see {isGranted}.
    function grantOf(bytes32 dataset, address grantee) external view returns (Grant memory) {
        return _grants[dataset][grantee];
    }

    /// @notice What the grantee has accepted now, see {acceptanceOf}; zero for nothing.
    function requestOf(bytes32 dataset, address grantee) external view returns (bytes32) {
        return _requests[dataset][grantee];
    }

    /// @notice Whether the author offers the licence.
    function isOffered(bytes32 dataset, bytes32 licence) external view returns (bool) {
        return _offered[dataset][licence];
    }

    /// @notice What a grantee accepts by its request.
    function acceptanceOf(
        bytes32 dataset,
        address grantee,
        bytes32 licence,
        bytes32 publicKeyHash
    ) public view returns (bytes32) {
        return
            keccak256(
                abi.encode(ACCEPTANCE, block.chainid, address(this), dataset, grantee, licence, publicKeyHash)
            );
    }

    function _offer(address author, bytes32 dataset, bytes32 licence, bool offered) private {
        _checkAuthor(dataset, author);
        if (offered) _activeOf(licence, ProvenanceRegistry.Kind.Licence);
        else if (!_offered[dataset][licence]) revert LicenceNotOffered(dataset, licence);
        _offered[dataset][licence] = offered;
        emit LicenceOffered(dataset, licence, offered);
    }

    /// @param strict whether a grantee that has accepted something else is an error
    function _grant(bytes32 dataset, Terms calldata terms, bool strict) private {
        _checkLicence(dataset, terms.licence);
        _checkTerm(block.timestamp + 1, terms.until);
        _checkKey(terms.encryptedKey);
        address grantee = terms.grantee;
        bytes32 acceptance = acceptanceOf(dataset, grantee, terms.licence, terms.publicKeyHash);
        bytes32 accepted = _requests[dataset][grantee];
        if (accepted != acceptance) {
            if (strict) revert NotAccepted(dataset, grantee, acceptance, accepted);
            emit GrantSkipped(dataset, grantee);
            return;
        }
        _grants[dataset][grantee] = Grant(terms.until, Status.Granted, acceptance, keccak256(terms.encryptedKey));
        emit AccessGranted(dataset, grantee, terms.licence, acceptance, terms.until, terms.encryptedKey);
    }

    function _renew(bytes32 dataset, address grantee, uint40 until) private {
        Grant storage given = _granted(dataset, grantee);
        uint256 earliest = block.timestamp < given.until ? given.until : block.timestamp;
        _checkTerm(earliest + 1, until);
        given.until = until;
        emit AccessRenewed(dataset, grantee, until);
    }

    function _revoke(bytes32 dataset, address grantee) private {
        _granted(dataset, grantee).status = Status.Revoked;
        emit AccessRevoked(dataset, grantee);
    }

    function _granted(bytes32 dataset, address grantee) private view returns (Grant storage given) {
        given = _grants[dataset][grantee];
        if (given.status != Status.Granted) revert GrantStatus(dataset, grantee, Status.Granted, given.status);
    }

    function _checkAuthor(bytes32 dataset, address caller) private view {
        address author = _datasetOf(dataset);
        if (caller != author) revert NotAuthor(dataset, author, caller);
    }

    /// @dev The author of an active Dataset record.
    function _datasetOf(bytes32 dataset) private view returns (address) {
        return _activeOf(dataset, ProvenanceRegistry.Kind.Dataset);
    }

    function _checkLicence(bytes32 dataset, bytes32 licence) private view {
        if (!_offered[dataset][licence]) revert LicenceNotOffered(dataset, licence);
        _activeOf(licence, ProvenanceRegistry.Kind.Licence);
    }

    /// @dev The author of an active record of this kind.
    function _activeOf(bytes32 id, ProvenanceRegistry.Kind kind) private view returns (address) {
        ProvenanceRegistry.Record memory record = provenance.recordOf(id);
        if (record.status != ProvenanceRegistry.Status.Active) revert RecordNotActive(id);
        if (record.kind != kind) revert KindNotAllowed(record.kind);
        return record.author;
    }

    function _checkTerm(uint256 earliest, uint256 until) private view {
        uint256 latest = block.timestamp + MAX_TERM;
        if (until < earliest || until > latest) revert GrantTermOutOfRange(earliest, latest, until);
    }

    function _checkKey(bytes calldata key) private pure {
        if (key.length == 0 || key.length > MAX_KEY) revert KeyLengthOutOfRange(MAX_KEY, key.length);
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
