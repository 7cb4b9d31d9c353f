// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BN254} from "../src/BN254.sol";
import {ContributionRegistry} from "../src/ContributionRegistry.sol";
import {Datanets} from "../src/Datanets.sol";
import {EpochBook} from "../src/EpochBook.sol";
import {EpochPolicy, Statement} from "../src/Epochs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {PayoutBook} from "../src/PayoutBook.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Simulator} from "./Simulator.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles them too.
import "../src/Guardian.sol";
import "../src/OpenToken.sol";
import "./vectors/ToyAttributionVerifier.sol";
import "./vectors/ToyContributionVerifier.sol";
import "./vectors/ToyOptimumVerifier.sol";
import "./vectors/ToyPayoutVerifier.sol";
import "./vectors/ToyQueryTotalVerifier.sol";
import "./vectors/ToyQueryVerifier.sol";
import "./vectors/ToyScoreVerifier.sol";
import "./vectors/ToyTotalVerifier.sol";

/// @notice One of several proofs made together.
struct Member {
    Statement statement;
    uint256[] publics;
    uint256[] links;
    uint256[] words;
}

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
    uint256 internal constant QUERIES = 3;
    uint256 internal constant PATH = 0x9a78;
    uint256 internal constant PAGE = 1024;
    uint256 internal constant SCORE = 1e9;

    address internal treasury = address(0x7EA5);
    address internal brake = address(0xB4A8E);
    address internal vetoer = address(0xFE70);
    address internal stranger = address(0x5724);

    address internal guardian;
    IERC20 internal token;
    ProvenanceRegistry internal provenance;
    VerifierRouter internal router;
    StakeVault internal vault;
    Datanets internal datanets;
    ContributionRegistry internal registry;
    EpochBook internal book;
    RewardDistributor internal distributor;
    PayoutBook internal payouts;
    IVerifier[8] internal verifiers;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        _deploy(IERC20(_create("OpenToken", abi.encode(this))));
    }

    function _deploy(IERC20 token_) internal {
        token = token_;
        provenance = ProvenanceRegistry(_create("ProvenanceRegistry", ""));
        uint256 nonce = vm.getNonce(address(this));
        address routerAt = vm.computeCreateAddress(address(this), nonce + 1);
        address registryAt = vm.computeCreateAddress(address(this), nonce + 3);
        address distributorAt = vm.computeCreateAddress(address(this), nonce + 5);
        address datanetsAt = vm.computeCreateAddress(address(this), nonce + 6);
        address payoutsAt = vm.computeCreateAddress(address(this), nonce + 7);
        guardian = _create("Guardian", abi.encode(this, brake, 366 days, routerAt, distributorAt));
        router = VerifierRouter(_create("VerifierRouter", abi.encode(this, guardian, new bytes32[](0))));
        StakeVault.Registration[] memory services = new StakeVault.Registration[](2);
        services[0] = StakeVault.Registration(registryAt, StakeVault.Terms(0, 0, 10_000, 0));
        services[1] = StakeVault.Registration(datanetsAt, StakeVault.Terms(7 days, 3 days, 10_000, 5000));
        vault = StakeVault(_create("StakeVault", abi.encode(token, this, treasury, services)));
        registry = ContributionRegistry(
            _create("ContributionRegistry", abi.encode(router, vault, distributorAt, datanetsAt, guardian))
        );
        book = EpochBook(_create("EpochBook", abi.encode(registry, provenance)));
        distributor = RewardDistributor(
            _create("RewardDistributor", abi.encode(book, payoutsAt, ACTIVE - NOW, guardian))
        );
        datanets = Datanets(_create("Datanets", abi.encode(vault, provenance, router, guardian, this)));
        payouts = PayoutBook(_create("PayoutBook", abi.encode(distributor)));
        verifiers = [
            IVerifier(_create("ToyContributionVerifier", "")),
            IVerifier(_create("ToyQueryVerifier", "")),
            IVerifier(_create("ToyTotalVerifier", "")),
            IVerifier(_create("ToyQueryTotalVerifier", "")),
            IVerifier(_create("ToyOptimumVerifier", "")),
            IVerifier(_create("ToyScoreVerifier", "")),
            IVerifier(_create("ToyAttributionVerifier", "")),
            IVerifier(_create("ToyPayoutVerifier", ""))
        ];
        for (uint256 i = 0; i < 8; ++i) router.register(verifiers[i]);
    }

    // --- steps ---

    function _policy() internal view returns (EpochPolicy memory policy) {
        for (uint256 i = 0; i < 8; ++i) policy.circuits[i] = verifiers[i].circuitId();
        policy.policyDigest = keccak256("policy");
        policy.funder = address(this);
        policy.expiresAt = uint40(EXPIRY);
        policy.capacity = 65535;
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
        _contributeAs(epoch, i, _wallet(i));
    }

    function _contributeAs(uint256 epoch, uint256 i, address wallet) internal {
        uint256[3] memory publics = _contributionPublics(epoch, i);
        Proof memory proof = _contributionProof(epoch, wallet, publics);
        _deposit(wallet, STAKE);
        vm.prank(wallet);
        registry.contribute(epoch, keccak256("dataset"), publics, proof, STAKE);
    }

    /// @dev Gives `amount` to the wallet and has it staked for contributions.
    function _deposit(address wallet, uint96 amount) internal {
        token.approve(address(vault), amount);
        vault.depositFor(address(registry), wallet, amount);
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

    /// @dev Manifest and checkpoint of an epoch.
    function _records(uint256 epoch) internal {
        bytes32 manifest = provenance.register(ProvenanceRegistry.Kind.ModelManifest, _manifestDigest(epoch), 0);
        provenance.register(ProvenanceRegistry.Kind.Checkpoint, keccak256(abi.encode("checkpoint", epoch)), manifest);
    }

    function _manifestDigest(uint256 epoch) internal pure returns (bytes32) {
        return keccak256(abi.encode("manifest", epoch));
    }

    function _manifest(uint256 epoch) internal view returns (bytes32) {
        return keccak256(abi.encode(this, ProvenanceRegistry.Kind.ModelManifest, _manifestDigest(epoch)));
    }

    function _model(uint256 epoch) internal view returns (bytes32) {
        bytes32 digest = keccak256(abi.encode("checkpoint", epoch));
        return keccak256(abi.encode(this, ProvenanceRegistry.Kind.Checkpoint, digest));
    }

    /// @dev Total pages of `size` contributions, and the optimum that joins them.
    function _checkpoint(uint256 epoch, uint256 size) internal view returns (Member[] memory members) {
        uint256[] memory words = _statsWords(epoch);
        uint256 pages = _pages(words.length, size);
        members = new Member[](pages + 1);
        uint256[] memory sums = new uint256[](2);
        for (uint256 page = 0; page < pages; ++page) {
            uint256[] memory part = _slice(words, page * size, size);
            uint256 evaluated = _field("totalAt", epoch, page);
            uint256 n = _rowsOf(page * size, part.length);
            members[page] = Member(Statement.Total, _list([n]), _list([evaluated]), part);
            sums[0] += n;
            sums[1] = addmod(sums[1], evaluated, BN254.R);
        }
        uint256[] memory publics = _list(
            [_field("model", epoch, 0), uint256(_manifestDigest(epoch)) % BN254.R, sums[0]]
        );
        members[pages] = Member(Statement.Optimum, publics, _list([sums[1]]), new uint256[](0));
    }

    /// @dev Query pages of `querySize` proofs, score pages of `size` contributions, and the attribution that joins them.
    function _attribution(
        uint256 epoch,
        uint256 size,
        uint256 querySize
    ) internal view returns (Member[] memory members) {
        uint256[] memory words = _queryWords(epoch);
        uint256 queryPages = _pages(words.length, querySize);
        uint256 pages = _pages(registry.countOf(epoch), size);
        members = new Member[](queryPages + pages + 1);
        uint256[] memory publics = new uint256[](2);
        uint256[] memory links = _list([uint256(0), 0, PATH]);
        for (uint256 page = 0; page < queryPages; ++page) {
            uint256[] memory part = _slice(words, page * querySize, querySize);
            uint256 evaluated = _field("queryAt", epoch, page);
            uint256 n;
            for (uint256 i = 0; i < part.length; ++i) n += _queryRows(page * querySize + i);
            members[page] = Member(Statement.QueryTotal, _list([n]), _list([evaluated]), part);
            publics[1] += n;
            links[1] = addmod(links[1], evaluated, BN254.R);
        }
        words = _statsWords(epoch);
        for (uint256 page = 0; page < pages; ++page) {
            uint256[] memory part = _slice(words, page * size, size);
            uint256 evaluated = _field("scoreTotalAt", epoch, page);
            uint256 n = _rowsOf(page * size, part.length);
            uint256[3] memory scored = [
                _scoreAt(epoch, page * size),
                _scoreAt(epoch, page * size + part.length),
                n
            ];
            members[queryPages + page] = Member(Statement.Score, _list(scored), _list([evaluated, PATH]), part);
            publics[0] += n;
            links[0] = addmod(links[0], evaluated, BN254.R);
        }
        members[queryPages + pages] = Member(Statement.Attribution, publics, links, new uint256[](0));
    }

    function _transcript(uint256 epoch, Member[] memory members) internal view returns (bytes32[] memory transcript) {
        transcript = new bytes32[](members.length);
        for (uint256 i = 0; i < members.length; ++i) transcript[i] = _digest(epoch, members[i]);
    }

    function _digest(uint256 epoch, Member memory member) internal view returns (bytes32) {
        bytes32 context = _context(_nameOf(member.statement), address(book), epoch);
        return Simulator.digest(verifiers[uint256(member.statement)], context, member.publics, member.words);
    }

    function _memberProof(
        uint256 epoch,
        Member memory member,
        bytes32[] memory transcript
    ) internal view returns (Proof memory) {
        bytes32 context = _context(_nameOf(member.statement), address(book), epoch);
        IVerifier verifier = verifiers[uint256(member.statement)];
        return Simulator.prove(verifier, context, member.publics, member.links, member.words, transcript);
    }

    /// @dev The call that posts a member.
    function _send(uint256 epoch, Member memory member, bytes32[] memory transcript, Proof memory proof) internal {
        uint256[] memory p = member.publics;
        uint256[] memory l = member.links;
        uint256[] memory w = member.words;
        if (member.statement == Statement.Total) book.postTotal(epoch, transcript, [p[0]], [l[0]], w, proof);
        else if (member.statement == Statement.QueryTotal)
            book.postQueryTotal(epoch, transcript, [p[0]], [l[0]], w, proof);
        else if (member.statement == Statement.Score)
            book.postScores(epoch, transcript, [p[0], p[1], p[2]], [l[0], l[1]], w, proof);
        else if (member.statement == Statement.Attribution)
            book.postAttribution(epoch, transcript, [p[0], p[1]], [l[0], l[1], l[2]], proof);
        else {
            (bytes32 manifest, bytes32 model) = (_manifest(epoch), _model(epoch));
            book.postCheckpoint(epoch, manifest, model, transcript, [p[0], p[1], p[2]], [l[0]], proof);
        }
    }

    /// @dev Posts members `from` up to, not including, `to`.
    function _sendRange(uint256 epoch, Member[] memory members, uint256 from, uint256 to) internal {
        bytes32[] memory transcript = _transcript(epoch, members);
        for (uint256 i = from; i < to; ++i) {
            _send(epoch, members[i], transcript, _memberProof(epoch, members[i], transcript));
        }
    }

    function _sendAll(uint256 epoch, Member[] memory members) internal {
        _sendRange(epoch, members, 0, members.length);
    }

    function _postCheckpoint(uint256 epoch) internal {
        _records(epoch);
        _sendAll(epoch, _checkpoint(epoch, PAGE));
    }

    function _commitQueries(uint256 epoch) internal {
        bytes32 log = provenance.appendLog(book.bookOf(epoch).model, 1, 0, keccak256(abi.encode("log", epoch)));
        book.commitQueries(epoch, log);
    }

    function _postQueries(uint256 epoch) internal {
        for (uint256 i = 0; i < QUERIES; ++i) {
            uint256[3] memory publics = _queryPublics(epoch, i);
            book.postQueries(epoch, publics, _queryProof(epoch, publics), i == QUERIES - 1);
        }
    }

    function _queryPublics(uint256 epoch, uint256 i) internal pure returns (uint256[3] memory) {
        return [_field("queries", epoch, i), _field("queryStats", epoch, i), _queryRows(i)];
    }

    function _queryProof(uint256 epoch, uint256[3] memory publics) internal view returns (Proof memory) {
        bytes32 context = _context("query", address(book), epoch);
        return Simulator.prove(verifiers[uint256(Statement.Query)], context, _list(publics), new uint256[](0));
    }

    function _postAttribution(uint256 epoch) internal {
        _sendAll(epoch, _attribution(epoch, PAGE, PAGE));
    }

    function _attributed(uint256 contributors) internal returns (uint256 epoch) {
        return _attributed(contributors, PAGE);
    }

    /// @param size contributions of a page
    function _attributed(uint256 contributors, uint256 size) internal returns (uint256 epoch) {
        epoch = _queried(contributors);
        _sendAll(epoch, _attribution(epoch, size, PAGE));
    }

    /// @dev An epoch whose queries are posted.
    function _queried(uint256 contributors) internal returns (uint256 epoch) {
        epoch = _openWith(contributors);
        registry.closeEpoch(epoch);
        _postCheckpoint(epoch);
        _commitQueries(epoch);
        _postQueries(epoch);
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

    /// @dev The positive scores behind words: any numbers that add up.
    function _positiveOf(uint256[] memory words) internal pure returns (uint256 positive) {
        for (uint256 i = 0; i < words.length; ++i) {
            if ((words[i] >> 96) & 1 == 0 && uint96(words[i]) != 0) positive += SCORE;
        }
    }

    /// @param words of the whole epoch
    /// @param first contribution of the page
    /// @param size contributions of a page
    function _payoutPublics(
        uint256 epoch,
        uint256[] memory words,
        uint256 first,
        uint256 size
    ) internal pure returns (uint256[7] memory) {
        uint256[] memory part = _slice(words, first, size);
        return [
            _scoreAt(epoch, first),
            _scoreAt(epoch, first + part.length),
            first,
            POOL,
            _positiveOf(words),
            _positiveOf(part),
            POOL - _dustOf(part, POOL)
        ];
    }

    function _payoutProof(
        uint256 epoch,
        uint256[7] memory publics,
        uint256[] memory words
    ) internal view returns (Proof memory) {
        return _payoutProofAt(address(payouts), epoch, publics, words);
    }

    function _payoutProofAt(
        address target,
        uint256 epoch,
        uint256[7] memory publics,
        uint256[] memory words
    ) internal view returns (Proof memory) {
        IVerifier verifier = verifiers[uint256(Statement.Payout)];
        return Simulator.prove(verifier, _context("payout", target, epoch), _list(publics), words);
    }

    function _post(uint256 epoch, uint256[] memory words) internal {
        _postPage(epoch, words, 0, PAGE);
    }

    function _postPage(uint256 epoch, uint256[] memory words, uint256 page, uint256 size) internal {
        uint256[7] memory publics = _payoutPublics(epoch, words, page * size, size);
        uint256[] memory part = _slice(words, page * size, size);
        payouts.post(epoch, size, publics, part, _payoutProof(epoch, publics, part));
    }

    function _posted(uint256 contributors) internal returns (uint256 epoch, uint256[] memory words) {
        epoch = _attributed(contributors);
        _fund(epoch, POOL);
        words = _payoutWords(contributors);
        _post(epoch, words);
    }

    // --- parts ---

    function _nameOf(Statement statement) internal pure returns (string memory) {
        if (statement == Statement.Total) return "total";
        if (statement == Statement.QueryTotal) return "query-total";
        if (statement == Statement.Optimum) return "optimum";
        if (statement == Statement.Score) return "score";
        return "attribution";
    }

    function _context(string memory name, address target, uint256 epoch) internal view returns (bytes32) {
        bytes32 kind = keccak256(abi.encodePacked("openledger.context.", name, ".v1"));
        return keccak256(abi.encode(kind, block.chainid, target, epoch));
    }

    function _statsWords(uint256 epoch) internal view returns (uint256[] memory words) {
        words = new uint256[](registry.countOf(epoch));
        for (uint256 i = 0; i < words.length; ++i) words[i] = _field("stats", epoch, i);
    }

    function _queryWords(uint256 epoch) internal pure returns (uint256[] memory words) {
        words = new uint256[](QUERIES);
        for (uint256 i = 0; i < QUERIES; ++i) words[i] = _queryPublics(epoch, i)[1];
    }

    /// @dev The n of a query proof.
    function _queryRows(uint256 i) internal pure returns (uint256) {
        return 100 + i;
    }

    /// @dev The rows of `count` contributions from `first` on.
    function _rowsOf(uint256 first, uint256 count) internal pure returns (uint256 rows) {
        for (uint256 i = first; i < first + count; ++i) rows += 10 + i;
    }

    /// @dev The commitment to the scores of the first `count` contributions.
    function _scoreAt(uint256 epoch, uint256 count) internal pure returns (uint256) {
        return count == 0 ? 0 : _field("scores", epoch, count);
    }

    function _pages(uint256 count, uint256 size) internal pure returns (uint256) {
        return (count + size - 1) / size;
    }

    /// @dev At most `size` items from `first` on.
    function _slice(
        uint256[] memory list,
        uint256 first,
        uint256 size
    ) internal pure returns (uint256[] memory part) {
        part = new uint256[](list.length - first < size ? list.length - first : size);
        for (uint256 i = 0; i < part.length; ++i) part[i] = list[first + i];
    }

    /// @dev The digest of a list as registry and book keep it.
    function _listDigest(uint256[] memory words) internal pure returns (bytes32 list) {
        for (uint256 i = 0; i < words.length; ++i) list = keccak256(abi.encode(list, words[i]));
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

    function _list(uint256[1] memory values) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = values[0];
    }

    function _list(uint256[7] memory values) internal pure returns (uint256[] memory list) {
        list = new uint256[](7);
        for (uint256 i = 0; i < 7; ++i) list[i] = values[i];
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
        _claim(epoch, words, index, PAGE);
    }

    /// @param words of the whole epoch
    /// @param size contributions of a page
    function _claim(uint256 epoch, uint256[] memory words, uint256 index, uint256 size) internal {
        uint256[] memory part = _slice(words, index - (index % size), size);
        distributor.claim(epoch, words[index], _siblings(epoch, part, index % size));
    }
}
