// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A committed Groth16 proof: 12 words, points as the EVM precompiles read them.
/// @param a A in G1
/// @param b B in G2, imaginary part first: [[x.c1, x.c0], [y.c1, y.c0]]
/// @param c C in G1
/// @param commitment D in G1, the commitment to all private inputs, made before the challenge
/// @param knowledge P in G1, sigma times D: shows that D was built from the committed wires only
struct Proof {
    uint256[2] a;
    uint256[2][2] b;
    uint256[2] c;
    uint256[2] commitment;
    uint256[2] knowledge;
}

/// @notice A proof of a batch and what it is about, see {IVerifier-verifyBatch}.
/// @param context what the calling contract binds the proof to
/// @param links none for a proof made alone
struct BatchItem {
    bytes32 context;
    uint256[] publics;
    uint256[] links;
    uint256[] words;
    Proof proof;
}

/// @title One circuit's verifier
/// @notice Immutable, without state. {verify} returns nothing: it either passes or reverts with a typed error,
/// so a caller cannot forget to look at a boolean.
interface IVerifier {
    /// @notice The number of public signals is not the circuit's.
    error PublicCount(uint256 expected, uint256 actual);
    /// @notice A public signal is not below the field order r: s and s + r would be the same signal to the proof.
    error PublicNotInField(uint256 index, uint256 value);
    /// @notice A word is not below the field order r.
    error WordNotInField(uint256 index, uint256 value);
    /// @notice The circuit has no word list, but words were given.
    error WordsNotAccepted(uint256 count);
    /// @notice More words than one proof may carry.
    error TooManyWords(uint256 maximum, uint256 actual);
    /// @notice The number of links is not the circuit's. A circuit with links needs {verifyJoint}.
    error LinkCount(uint256 expected, uint256 actual);
    /// @notice A link is not below the field order r.
    error LinkNotInField(uint256 index, uint256 value);
    /// @notice The proof's own digest is not in the transcript: its challenge would not follow from what it fixes.
    error NotInTranscript(bytes32 digest);
    /// @notice More proofs made together than a transcript may list.
    error TooManyMembers(uint256 maximum, uint256 actual);
    /// @notice A batch has at least one proof and at most `maximum`.
    error BatchSize(uint256 maximum, uint256 actual);
    /// @notice A point of the proof is not on its curve or a coordinate is not reduced.
    error PointInvalid();
    /// @notice The pairing equation does not hold.
    error ProofRejected();

    /// @notice keccak256 of statement id and {keyPoints}: names the circuit *and* its key.
    function circuitId() external view returns (bytes32);

    /// @notice The ASCII statement id, the first part of the circuit id.
    function statement() external view returns (string memory);

    /// @notice True when somebody knows the secret of the setup, so anybody might forge proofs.
    function development() external view returns (bool);

    /// @notice The number of public signals that the caller gives (without links, evaluation and challenge).
    function publicCount() external view returns (uint256);

    /// @notice The number of links: evaluations of committed lists at the challenge. A link says something only beside the links of
    /// proofs with the same challenge; whoever calls {verifyJoint} compares them.
    function linkCount() external view returns (uint256);

    /// @notice Whether the circuit binds a list of words that lies outside the proof.
    function hasWords() external view returns (bool);

    /// @notice The key, packed as the circuit id hashes it: alpha (2 words), beta, gamma, delta, sigma (4 each,
    /// imaginary parts first), IC points (2 each).
    function keyPoints() external view returns (bytes memory);

    /// @notice What a proof fixes before its challenge: keccak256(TAG, circuitId, context, D.x, D.y, publics..., keccak256(words...))
    /// with TAG = keccak256("openledger.challenge.v1"), every item 32 bytes. A circuit without words hashes the empty list.
    function digest(
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata words,
        uint256[2] calldata commitment
    ) external view returns (bytes32);

    /// @notice The challenge of a proof made alone: {digest} mod r.
    function challenge(
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata words,
        uint256[2] calldata commitment
    ) external view returns (uint256);

    /// @notice Reverts unless `proof`, made alone, shows the statement for these publics and words in this context. For circuits without links.
    /// @param context what the calling contract binds the proof to (chain, contract, epoch, sender); never free to the prover
    function verify(
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata words,
        Proof calldata proof
    ) external view;

    /// @notice As {verify} for one of several proofs that were made together, under one challenge:
    /// keccak256(JOINT, transcript...) mod r with JOINT = keccak256("openledger.joint.v1").
    /// @param links the evaluations at that challenge, after the publics
    /// @param transcript the digests of all proofs made together, in order; empty for a proof made alone
    /// @return place of the proof's own digest in the transcript (the first one); 0 for a proof made alone
    function verifyJoint(
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata links,
        uint256[] calldata words,
        bytes32[] calldata transcript,
        Proof calldata proof
    ) external view returns (uint256 place);

    /// @notice Reverts unless every proof of a batch is one that {verifyJoint} accepts with the same transcript. One product of pairings serves all:
    /// each further proof costs one pairing and four multiplications. The chance that a bad proof passes is 2^-127.
    /// An item that is malformed reverts as it does alone. {PointInvalid} and {ProofRejected} do not say whose fault it is: whoever
    /// needs to know calls {verify} or {verifyJoint} for each item, which costs nothing outside a transaction.
    /// An item may be there twice, as a proof may be verified twice: whoever counts proofs must tell them apart by what they are about.
    /// @param items at least one, at most MAX_BATCH
    /// @param transcript the digests of all proofs made together, those of the items among them; empty if each was made alone
    /// @return places of the items' digests in the transcript; empty if that is
    function verifyBatch(
        BatchItem[] calldata items,
        bytes32[] calldata transcript
    ) external view returns (uint256[] memory places);
}
