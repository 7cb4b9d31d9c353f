// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {BN254} from "./BN254.sol";
import {IVerifier, Proof} from "./IVerifier.sol";

/// @title Circuit id -> verifier, once and for ever
/// @notice A route is never changed: it is unknown, active or stopped, and a stopped id is a tombstone. The owner (a
/// timelock) adds routes; the guardian may stop one; so may anybody who proves the circuit's impossible statement.
///
/// The first routes are named at construction, by the code hashes of their verifiers, so that the owner can be a timelock from the
/// first block on and nobody is trusted in between: anybody may register a verifier of such code ({registerInitial}), and nothing else.
///
/// The impossible statement of every circuit: all publics zero, whatever the links and words, in the context {IMPOSSIBLE}. At least one
/// public of each circuit is a hash commitment, of which an honest prover would need a preimage of zero, or a number of rows, which
/// the circuit holds to be one at least; a circuit whose publics could all be zero must not be registered. No other contract uses that context.
///
/// What registration checks, and what it cannot: the id is the hash of the declared statement and key points, the key
/// points are not degenerate, and witness-free proofs are rejected. The points are what the verifier *says* they are, and a
/// malicious contract may say anything. Whoever proposes a route must render the verifier from the published key with our
/// template, compile it with the pinned compiler and compare the deployed bytecode byte for byte; voters should do
/// the same. The delay of the owner exists for that check.
contract VerifierRouter is Ownable2Step {
    enum Status {
        Unknown,
        Active,
        Stopped
    }

    /// @notice Why a key is refused.
    enum KeyFault {
        /// the number of words does not fit the number of signals
        Length,
        /// the circuit id is not the hash of statement and points
        CircuitId,
        /// gamma is not the generator of G2, as our setup makes it
        Gamma,
        /// delta equals gamma: anybody can prove anything
        DeltaIsGamma,
        /// sigma is the generator: the knowledge check says nothing
        SigmaIsGenerator,
        /// sigma equals delta
        SigmaIsDelta,
        /// delta or sigma is the point at infinity
        Infinity,
        /// no public signal, so no impossible statement
        NoPublics,
        /// a point of the key is not on its curve
        PointInvalid
    }

    struct Route {
        IVerifier verifier;
        Status status;
    }

    /// @notice A verifier was registered under its circuit id.
    event VerifierRegistered(bytes32 indexed circuitId, address indexed verifier, string statement, bool development);
    /// @notice A route was stopped for ever, by the guardian, the owner or by a proof of the impossible statement.
    event VerifierStopped(bytes32 indexed circuitId, address indexed by, bool byProof);
    /// @notice Verifiers of this code may be registered by anybody. Only at construction.
    event InitialCode(bytes32 indexed codeHash);
    /// @notice The guardian changed.
    event GuardianChanged(address indexed guardian);

    error CircuitUnknown(bytes32 circuitId);
    error CircuitStopped(bytes32 circuitId);
    error CircuitTaken(bytes32 circuitId, address verifier);
    error DevelopmentKey(bytes32 circuitId, uint256 chainId);
    error KeyRefused(bytes32 circuitId, KeyFault fault);
    /// @notice The verifier accepted a proof without witness. `canary` counts from 0 in the order of {_canaries}.
    error CanaryAccepted(bytes32 circuitId, uint256 canary);
    error NotGuardian(address caller);
    /// @notice No verifier of this code was named at construction.
    error NotInitial(address verifier, bytes32 codeHash);
    error TooManyInitial(uint256 maximum, uint256 actual);

    /// @notice The context of impossible statements.
    bytes32 public constant IMPOSSIBLE = keccak256("openledger.impossible");
    /// @notice The only chain where development keys may be registered: a local test chain.
    uint256 public constant DEVELOPMENT_CHAIN = 31337;

    /// @notice The most code hashes that are named at construction.
    uint256 public constant MAX_INITIAL = 64;

    // The generator of G2, imaginary parts first, as four packed words.
    bytes32 private constant GENERATOR =
        keccak256(
            abi.encode(
                11559732032986387107991004021392285783925812861821192530917403151452391805634,
                10857046999023057135944570762232829481370756359578518086990519993285655852781,
                4082367875863433681332203403145435568316851327593401208105741076214120093531,
                8495653923123431417604973247489272438418190587263600148770280649306958101930
            )
        );
    bytes32 private constant INFINITY = keccak256(abi.encode(0, 0, 0, 0));

    /// @notice May stop routes; can do nothing else.
    address public guardian;

    /// @notice Whether verifiers of this code were named at construction.
    mapping(bytes32 codeHash => bool) public isInitial;
    mapping(bytes32 circuitId => Route) private _routes;

    /// @param owner_ adds routes, and names the guardian
    /// @param guardian_ may stop routes
    /// @param initial code hashes of the first verifiers, at most {MAX_INITIAL}: keccak256 of the runtime code that template and
    /// pinned compiler give, which is constants alone (of a verifier with storage the code hash would say little)
    constructor(address owner_, address guardian_, bytes32[] memory initial) Ownable(owner_) {
        _setGuardian(guardian_);
        if (initial.length > MAX_INITIAL) revert TooManyInitial(MAX_INITIAL, initial.length);
        for (uint256 i = 0; i < initial.length; ++i) {
            isInitial[initial[i]] = true;
            emit InitialCode(initial[i]);
        }
    }

    /// @notice Verifies through the route of `circuitId`; reverts when the route is not active or the proof is not valid.
    function verify(
        bytes32 circuitId,
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata words,
        Proof calldata proof
    ) external view {
        verifierOf(circuitId).verify(context, publics, words, proof);
    }

    /// @notice As {verify} for a proof made together with others, see {IVerifier-verifyJoint}.
    /// @return place of the proof's own digest in the transcript
    function verifyJoint(
        bytes32 circuitId,
        bytes32 context,
        uint256[] calldata publics,
        uint256[] calldata links,
        uint256[] calldata words,
        bytes32[] calldata transcript,
        Proof calldata proof
    ) external view returns (uint256 place) {
        return verifierOf(circuitId).verifyJoint(context, publics, links, words, transcript, proof);
    }

    /// @notice The active verifier of a circuit; reverts for an unknown or stopped one.
    function verifierOf(bytes32 circuitId) public view returns (IVerifier) {
        Route storage route = _routes[circuitId];
        if (route.status == Status.Unknown) revert CircuitUnknown(circuitId);
        if (route.status == Status.Stopped) revert CircuitStopped(circuitId);
        return route.verifier;
    }

    /// @notice The route of a circuit, whatever its status.
    function routeOf(bytes32 circuitId) external view returns (Route memory) {
        return _routes[circuitId];
    }

    /// @notice Adds the route of `verifier`'s own circuit id, after the checks described above.
    function register(IVerifier verifier) external onlyOwner returns (bytes32 circuitId) {
        return _register(verifier);
    }

    /// @notice As {register} by anybody, for a verifier whose code was named at construction.
    function registerInitial(IVerifier verifier) external returns (bytes32 circuitId) {
        bytes32 codeHash = address(verifier).codehash;
        if (!isInitial[codeHash]) revert NotInitial(address(verifier), codeHash);
        return _register(verifier);
    }

    /// @notice Stops a route for ever. By the guardian or the owner.
    function stop(bytes32 circuitId) external {
        if (msg.sender != guardian && msg.sender != owner()) revert NotGuardian(msg.sender);
        verifierOf(circuitId);
        _stop(circuitId, false);
    }

    /// @notice Stops a route for ever. By anybody whose proof of the impossible statement, made alone, the verifier accepts.
    function stopByProof(
        bytes32 circuitId,
        uint256[] calldata links,
        uint256[] calldata words,
        Proof calldata proof
    ) external {
        IVerifier verifier = verifierOf(circuitId);
        uint256[] memory publics = new uint256[](verifier.publicCount());
        verifier.verifyJoint(IMPOSSIBLE, publics, links, words, new bytes32[](0), proof);
        _stop(circuitId, true);
    }

    /// @notice Names another guardian (or none).
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    function _register(IVerifier verifier) private returns (bytes32 circuitId) {
        circuitId = verifier.circuitId();
        Route storage route = _routes[circuitId];
        if (route.status != Status.Unknown) revert CircuitTaken(circuitId, address(route.verifier));
        bool development = verifier.development();
        if (development && block.chainid != DEVELOPMENT_CHAIN) revert DevelopmentKey(circuitId, block.chainid);

        string memory statement = verifier.statement();
        bytes memory points = verifier.keyPoints();
        _checkKey(verifier, circuitId, statement, points);
        _runCanaries(verifier, circuitId, points);

        route.verifier = verifier;
        route.status = Status.Active;
        emit VerifierRegistered(circuitId, address(verifier), statement, development);
    }

    function _setGuardian(address guardian_) private {
        guardian = guardian_;
        emit GuardianChanged(guardian_);
    }

    function _stop(bytes32 circuitId, bool byProof) private {
        _routes[circuitId].status = Status.Stopped;
        emit VerifierStopped(circuitId, msg.sender, byProof);
    }

    function _checkKey(
        IVerifier verifier,
        bytes32 circuitId,
        string memory statement,
        bytes memory points
    ) private view {
        uint256 publics = verifier.publicCount();
        uint256 signals = publics + verifier.linkCount() + (verifier.hasWords() ? 2 : 1);
        if (publics == 0) revert KeyRefused(circuitId, KeyFault.NoPublics);
        if (points.length != 32 * (18 + 2 * (1 + signals))) revert KeyRefused(circuitId, KeyFault.Length);
        if (keccak256(abi.encodePacked(statement, points)) != circuitId) {
            revert KeyRefused(circuitId, KeyFault.CircuitId);
        }
        bytes32 delta = _g2(points, 10);
        bytes32 sigma = _g2(points, 14);
        if (_g2(points, 6) != GENERATOR) revert KeyRefused(circuitId, KeyFault.Gamma);
        if (delta == GENERATOR) revert KeyRefused(circuitId, KeyFault.DeltaIsGamma);
        if (sigma == GENERATOR) revert KeyRefused(circuitId, KeyFault.SigmaIsGenerator);
        if (sigma == delta) revert KeyRefused(circuitId, KeyFault.SigmaIsDelta);
        if (delta == INFINITY || sigma == INFINITY) revert KeyRefused(circuitId, KeyFault.Infinity);
    }

    /// @dev A = alpha and B = beta cancel the constant pairing, so what is left must not be one:
    /// 0: nothing else, accepted only if the publics do not count;
    /// 1: C = -vk_x, accepted if delta = gamma;
    /// 2: D = -vk_x of an earlier challenge and P = infinity, accepted if neither transcript nor knowledge binds D.
    function _runCanaries(IVerifier verifier, bytes32 circuitId, bytes memory points) private view {
        uint256[] memory publics = new uint256[](verifier.publicCount());
        uint256[] memory words = new uint256[](0);
        Proof memory proof;
        proof.a = [_word(points, 0), _word(points, 1)];
        proof.b = [[_word(points, 2), _word(points, 3)], [_word(points, 4), _word(points, 5)]];
        _mustReject(verifier, circuitId, publics, words, proof, 0);

        // Publics, links and the evaluation are zero: vk_x = IC_0 + challenge IC_last.
        uint256 z = verifier.challenge(IMPOSSIBLE, publics, words, proof.commitment);
        uint256[2] memory x = [_word(points, 18), _word(points, 19)];
        uint256 last = points.length / 32 - 2;
        if (!BN254.addScaled(x, _word(points, last), _word(points, last + 1), z)) {
            revert KeyRefused(circuitId, KeyFault.PointInvalid);
        }
        uint256[2] memory minusX = [x[0], x[1] == 0 ? 0 : BN254.Q - x[1]];

        proof.c = minusX;
        _mustReject(verifier, circuitId, publics, words, proof, 1);
        proof.c = [uint256(0), 0];
        proof.commitment = minusX;
        _mustReject(verifier, circuitId, publics, words, proof, 2);
    }

    function _mustReject(
        IVerifier verifier,
        bytes32 circuitId,
        uint256[] memory publics,
        uint256[] memory words,
        Proof memory proof,
        uint256 canary
    ) private view {
        uint256[] memory links = new uint256[](verifier.linkCount());
        try verifier.verifyJoint(IMPOSSIBLE, publics, links, words, new bytes32[](0), proof) {
            revert CanaryAccepted(circuitId, canary);
        } catch {}
    }

    function _g2(bytes memory points, uint256 index) private pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    _word(points, index),
                    _word(points, index + 1),
                    _word(points, index + 2),
                    _word(points, index + 3)
                )
            );
    }

    /// @dev Callers stay inside the length that {_checkKey} fixed.
    function _word(bytes memory points, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(points, 0x20), shl(5, index)))
        }
    }
}
