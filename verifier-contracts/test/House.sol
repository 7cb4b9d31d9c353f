// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BN254} from "../src/BN254.sol";
import {ContributionRegistry} from "../src/ContributionRegistry.sol";
import {EpochBook} from "../src/EpochBook.sol";
import {EpochPolicy, Statement} from "../src/Epochs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Simulator} from "./Simulator.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles them too.
import "../src/OpenToken.sol";
import "./vectors/ToyAttributionVerifier.sol";
import "./vectors/ToyContributionVerifier.sol";
import "./vectors/ToyOptimumVerifier.sol";
import "./vectors/ToyPayoutVerifier.sol";
import "./vectors/ToyQueryVerifier.sol";

/// @title Everything deployed, and one helper per step of an epoch
/// @notice This contract is steward and funder. Contributor i has the key KEY + i.
abstract contract House is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant EXPIRY = NOW + 30 days;
    uint256 internal constant ACTIVE = NOW + 1 days;
    uint256 internal constant KEY = 0xC0;
    uint96 internal constant STAKE = 5 ether;
    uint96 internal constant POOL = 1000 ether + 7;
    uint256 internal constant SCORE_COMMIT = 0x5c08e;
    uint256 internal constant QUERY_STATS = 0x9e81;

    address internal treasury = address(0x7EA5);
    address internal guardian = address(0x64A8D);
    address internal vetoer = address(0xFE70);
    address internal stranger = address(0x5724);

    IERC20 internal token;
    ProvenanceRegistry internal provenance;
    VerifierRouter internal router;
    ContributionRegistry internal registry;
    EpochBook internal book;
    RewardDistributor internal distributor;
    IVerifier[5] internal verifiers;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        _deploy(IERC20(_create("OpenToken", abi.encode(this))));
    }

    function _deploy(IERC20 token_) internal {
        token = token_;
        provenance = ProvenanceRegistry(_create("ProvenanceRegistry", ""));
        router = VerifierRouter(_create("VerifierRouter", abi.encode(this, guardian)));
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        registry = ContributionRegistry(
            _create("ContributionRegistry", abi.encode(token, router, predicted, treasury))
        );
        book = EpochBook(_create("EpochBook", abi.encode(registry, provenance)));
        distributor = RewardDistributor(_create("RewardDistributor", abi.encode(book, ACTIVE - NOW)));
        verifiers = [
            IVerifier(_create("ToyContributionVerifier", "")),
            IVerifier(_create("ToyQueryVerifier", "")),
            IVerifier(_create("ToyOptimumVerifier", "")),
            IVerifier(_create("ToyAttributionVerifier", "")),
            IVerifier(_create("ToyPayoutVerifier", ""))
        ];
        for (uint256 i = 0; i < 5; ++i) router.register(verifiers[i]);
    }

    /// @dev Deploys from the compiled artifact: `new` would compile the contract again inside every test.
    function _create(string memory name, bytes memory arguments) internal returns (address deployed) {
        bytes memory code = abi.encodePacked(vm.getCode(string.concat(name, ".sol:", name)), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(deployed != address(0), name);
    }

    // --- steps ---

    function _policy() internal view returns (EpochPolicy memory policy) {
        for (uint256 i = 0; i < 5; ++i) policy.circuits[i] = verifiers[i].circuitId();
        policy.policyDigest = keccak256("policy");
        policy.funder = address(this);
        policy.expiresAt = uint40(EXPIRY);
        policy.capacity = 1024;
        policy.vetoer = vetoer;
        policy.minStake = STAKE;
    }

    function _wallet(uint256 i) internal pure returns (address) {
        return vm.addr(KEY + i);
    }

    function _contributionPublics(uint256 epoch, uint256 i) internal pure returns (uint256[3] memory) {
        return [_field("rows", epoch, i), _field("stats", epoch, i), 10 + i];
    }

    function _contribute(uint256 epoch, uint256 i) internal {
        uint256[3] memory publics = _contributionPublics(epoch, i);
        address wallet = _wallet(i);
        Proof memory proof = _contributionProof(epoch, wallet, publics);
        token.transfer(wallet, STAKE);
        vm.prank(wallet);
        token.approve(address(registry), STAKE);
        vm.prank(wallet);
        registry.contribute(epoch, keccak256("dataset"), publics, proof, STAKE);
    }

    function _contributionProof(
        uint256 epoch,
        address wallet,
        uint256[3] memory publics
    ) internal view returns (Proof memory) {
        bytes32 context = keccak256(
            abi.encode(
                keccak256("openledger.context.contribution.v1"),
                block.chainid,
                address(registry),
                epoch,
                wallet
            )
        );
        return Simulator.prove(verifiers[0], context, _list(publics), new uint256[](0));
    }

    function _openWith(uint256 contributors) internal returns (uint256 epoch) {
        epoch = registry.openEpoch(_policy());
        for (uint256 i = 0; i < contributors; ++i) _contribute(epoch, i);
    }

    /// @dev Records manifest and checkpoint of an epoch, once.
    function _records(uint256 epoch) internal returns (bytes32 manifest, bytes32 model, uint256 manifestField) {
        bytes32 digest = keccak256(abi.encode("manifest", epoch));
        manifest = provenance.register(ProvenanceRegistry.Kind.ModelManifest, digest, 0);
        model = provenance.register(
            ProvenanceRegistry.Kind.Checkpoint,
            keccak256(abi.encode("checkpoint", epoch)),
            manifest
        );
        manifestField = uint256(digest) % BN254.R;
    }

    function _postCheckpoint(uint256 epoch) internal {
        (bytes32 manifest, bytes32 model, uint256 manifestField) = _records(epoch);
        uint256[3] memory publics = [_field("model", epoch, 0), manifestField, registry.stateOf(epoch).rows];
        uint256[] memory words = _statsWords(epoch);
        Proof memory proof = _bookProof(epoch, Statement.Optimum, _list(publics), words);
        book.postCheckpoint(epoch, manifest, model, publics, words, proof);
    }

    function _commitQueries(uint256 epoch) internal {
        bytes32 log = provenance.appendLog(book.bookOf(epoch).model, 1, 0, keccak256(abi.encode("log", epoch)));
        book.commitQueries(epoch, log);
    }

    function _postQueries(uint256 epoch) internal {
        uint256[3] memory publics = [_field("queries", epoch, 0), QUERY_STATS, 300];
        book.postQueries(epoch, publics, _bookProof(epoch, Statement.Query, _list(publics), new uint256[](0)));
    }

    function _postAttribution(uint256 epoch) internal {
        uint256[2] memory publics = [SCORE_COMMIT, QUERY_STATS];
        uint256[] memory words = _statsWords(epoch);
        book.postAttribution(epoch, publics, words, _bookProof(epoch, Statement.Attribution, _list(publics), words));
    }

    function _attributed(uint256 contributors) internal returns (uint256 epoch) {
        epoch = _openWith(contributors);
        registry.closeEpoch(epoch);
        _postCheckpoint(epoch);
        _commitQueries(epoch);
        _postQueries(epoch);
        _postAttribution(epoch);
    }

    function _fund(uint256 epoch, uint96 amount) internal {
        token.approve(address(distributor), amount);
        distributor.fund(epoch, amount);
    }

    /// @dev Word 1 is a charge of 2 ether, word 2 is zero, the others share the pool; 7 wei are dust.
    function _payoutWords(uint256 count) internal pure returns (uint256[] memory words) {
        words = new uint256[](count);
        uint256 earners = count > 2 ? count - 2 : 1;
        for (uint256 i = 0; i < count; ++i) {
            uint256 amount = i == 1 ? uint256(2 ether) | (1 << 96) : i == 2 ? 0 : (POOL - 7) / earners;
            words[i] = amount | (i << 128);
        }
    }

    function _dustOf(uint256[] memory words, uint256 pool) internal pure returns (uint256 dust) {
        dust = pool;
        for (uint256 i = 0; i < words.length; ++i) if ((words[i] >> 96) & 1 == 0) dust -= uint96(words[i]);
    }

    function _payoutProof(
        uint256 epoch,
        uint256[3] memory publics,
        uint256[] memory words
    ) internal view returns (Proof memory) {
        return _payoutProofAt(address(distributor), epoch, publics, words);
    }

    function _payoutProofAt(
        address target,
        uint256 epoch,
        uint256[3] memory publics,
        uint256[] memory words
    ) internal view returns (Proof memory) {
        return Simulator.prove(verifiers[4], _context("payout", target, epoch), _list(publics), words);
    }

    function _post(uint256 epoch, uint256[] memory words) internal {
        uint256[3] memory publics = [SCORE_COMMIT, POOL, _dustOf(words, POOL)];
        distributor.post(epoch, publics, words, _payoutProof(epoch, publics, words));
    }

    function _posted(uint256 contributors) internal returns (uint256 epoch, uint256[] memory words) {
        epoch = _attributed(contributors);
        _fund(epoch, POOL);
        words = _payoutWords(contributors);
        _post(epoch, words);
    }

    // --- parts ---

    function _bookProof(
        uint256 epoch,
        Statement statement,
        uint256[] memory publics,
        uint256[] memory words
    ) internal view returns (Proof memory) {
        string memory name = statement == Statement.Optimum
            ? "optimum"
            : statement == Statement.Query
                ? "query"
                : "attribution";
        return
            Simulator.prove(
                verifiers[uint256(statement)],
                _context(name, address(book), epoch),
                publics,
                words
            );
    }

    function _context(string memory name, address target, uint256 epoch) internal view returns (bytes32) {
        bytes32 kind = keccak256(abi.encodePacked("openledger.context.", name, ".v1"));
        return keccak256(abi.encode(kind, block.chainid, target, epoch));
    }

    function _statsWords(uint256 epoch) internal view returns (uint256[] memory words) {
        words = new uint256[](registry.countOf(epoch));
        for (uint256 i = 0; i < words.length; ++i) words[i] = _field("stats", epoch, i);
    }

    function _field(string memory what, uint256 epoch, uint256 i) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(what, epoch, i))) % BN254.R;
    }

    function _list(uint256[3] memory values) internal pure returns (uint256[] memory list) {
        list = new uint256[](3);
        (list[0], list[1], list[2]) = (values[0], values[1], values[2]);
    }

    function _list(uint256[2] memory values) internal pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (values[0], values[1]);
    }

    /// @dev The siblings of word `index`, by plain recomputation: a second opinion on the contract's tree.
    function _siblings(
        uint256 epoch,
        uint256[] memory words,
        uint256 index
    ) internal pure returns (bytes32[] memory proof) {
        uint256 depth = 0;
        while (2 ** depth < words.length) ++depth;
        bytes32[] memory level = new bytes32[](2 ** depth);
        for (uint256 i = 0; i < words.length; ++i) {
            level[i] = keccak256(abi.encode(epoch, words[i]));
        }
        proof = new bytes32[](depth);
        for (uint256 d = 0; d < depth; ++d) {
            proof[d] = level[index ^ 1];
            bytes32[] memory next = new bytes32[](level.length / 2);
            for (uint256 i = 0; i < next.length; ++i) next[i] = keccak256(abi.encode(level[2 * i], level[2 * i + 1]));
            level = next;
            index >>= 1;
        }
    }

    function _claim(uint256 epoch, uint256[] memory words, uint256 index) internal {
        distributor.claim(epoch, words[index], _siblings(epoch, words, index));
    }
}
