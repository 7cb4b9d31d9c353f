// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {
    Context,
    EpochExpired,
    EpochPolicy,
    MAX_CONTRIBUTIONS,
    NotSteward,
    Phase,
    Publics,
    RowsOutOfRange,
    Statement,
    WrongPhase
} from "./Epochs.sol";
import {IDatanets} from "./IDatanets.sol";
import {IGuardian} from "./IGuardian.sol";
import {Proof} from "./IVerifier.sol";
import {StakeVault} from "./StakeVault.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @notice The one question this registry asks the distributor.
interface IStakeRelease {
    /// @notice Whether nothing can be charged to this contribution's stake any more.
    function stakeReleased(uint256 epoch, uint256 index) external view returns (bool);
}

/// @title Proven contributions, their order and their stake
/// @notice A contribution enters only with a proof that its statistics belong to well-formed, committed rows. The order of
/// acceptance is the order of every later word list: contribution i is word i. What entered never changes, but for its wallet and its stake.
///
/// A contributor proves in the context keccak256(abi.encode(keccak256("openledger.context.contribution.v1"), chain id,
/// this contract, epoch, sender)), so nobody can copy a pending proof.
///
/// No money is here. A stake lies locked in the vault, in its wallet's account with this contract as the service; this contract says whose it is
/// and what it is for. While the vault serves this contract, each wallet has locked there what its contributions say here together. A stake
/// leaves in three ways: to its wallet by {withdrawStake}, to the treasury by the distributor's {charge} (which follows from a proven payout
/// word), and to the account of another wallet by {rotateWallet}.
///
/// The digest that the vault's event names for a charge is keccak256(abi.encode(epoch, index)).
contract ContributionRegistry is EIP712, Nonces {
    /// @param stake wei that are locked for it in the vault
    struct Contribution {
        address wallet;
        uint96 stake;
    }

    /// @notice The running state of an epoch.
    /// @param rows sum of the n of all contributions
    /// @param list digest of all statsCommits: list' = keccak256(abi.encode(list, statsCommit)), from zero
    struct EpochState {
        address steward;
        uint16 count;
        bool closed;
        uint64 rows;
        bytes32 list;
    }

    /// @dev All that a contribution reads and changes of its epoch, beside the list, in one word. The last four are the policy's, copied.
    /// Rows fit: 2^16 contributions of less than 2^32 each.
    struct Head {
        uint16 count;
        bool closed;
        uint48 rows;
        uint16 capacity;
        uint40 expiresAt;
        uint32 datanet;
        uint96 minStake;
    }

    event EpochOpened(uint256 indexed epoch, address indexed steward, EpochPolicy policy);
    event Contributed(
        uint256 indexed epoch,
        uint256 indexed index,
        address indexed contributor,
        bytes32 datasetDigest,
        uint256 rowsCommit,
        uint256 statsCommit,
        uint256 n,
        uint96 stake
    );
    event EpochClosed(uint256 indexed epoch, uint256 count, uint256 rows, bytes32 list);
    event WalletRotated(uint256 indexed epoch, uint256 indexed index, address indexed from, address to);
    /// @notice `charged` went to the treasury; `shortfall` is what the stake did not cover.
    event StakeCharged(uint256 indexed epoch, uint256 indexed index, uint96 charged, uint96 shortfall);
    /// @notice The stake left the vault; `amount` is what was paid, less than the stake only if the vault paid it before, see {withdrawStake}.
    event StakeWithdrawn(uint256 indexed epoch, uint256 indexed index, address indexed wallet, uint96 amount);

    error CapacityOutOfRange(uint256 capacity, uint256 maximum);
    error ExpiryOutOfRange(uint256 expiresAt, uint256 earliest, uint256 latest);
    error AddressZero();
    error EpochFull(uint256 epoch, uint256 capacity);
    error EpochEmpty(uint256 epoch);
    error StakeTooLow(uint256 minimum, uint256 actual);
    /// @notice The rows or the statistics were already contributed in this epoch.
    error CommitTaken(uint256 epoch, uint256 commit);
    error ContributionUnknown(uint256 epoch, uint256 index);
    error SignatureExpired(uint256 deadline);
    error SignatureInvalid(address signer);
    error NotDistributor(address caller);
    error StakeLocked(uint256 epoch, uint256 index);
    error StakeEmpty(uint256 epoch, uint256 index);

    bytes32 public constant ROTATE_TYPEHASH =
        keccak256(
            "RotateWallet(uint256 epoch,uint256 index,address from,address to,uint256 nonce,uint256 deadline)"
        );
    bytes32 private constant CONTRIBUTION = keccak256("openledger.context.contribution.v1");
    // Whoever opens an epoch pays for the word of its list, so that the first contribution costs what all others do.
    bytes32 private constant EMPTY = bytes32(uint256(1));
    /// @notice The longest life of an epoch, so that no stake is locked without end.
    uint256 public constant MAX_LIFETIME = 366 days;

    VerifierRouter public immutable router;
    /// @notice Where the stakes are; this contract is a service of it.
    StakeVault public immutable vault;
    IStakeRelease public immutable distributor;
    /// @notice Asked for the contributions of epochs that name a datanet.
    IDatanets public immutable datanets;
    /// @notice May pause {openEpoch} and {contribute}, nothing else.
    IGuardian public immutable guardian;

    /// @notice The number of epochs, and the id of the latest.
    uint256 public epochCount;

    mapping(uint256 epoch => EpochPolicy) private _policies;
    mapping(uint256 epoch => Head) private _heads;
    mapping(uint256 epoch => address) private _stewards;
    // While an epoch is empty: not its list, which is zero, but {EMPTY}.
    mapping(uint256 epoch => bytes32) private _lists;
    mapping(uint256 epoch => mapping(uint256 index => Contribution)) private _contributions;
    mapping(uint256 epoch => mapping(uint256 commit => bool)) private _taken;

    /// @param vault_ has this contract among its services; it and the next three may be deployed later, at these addresses
    /// @param distributor_ the RewardDistributor, which checks that it is named here
    constructor(
        VerifierRouter router_,
        StakeVault vault_,
        IStakeRelease distributor_,
        IDatanets datanets_,
        IGuardian guardian_
    ) EIP712("OpenLedger Contributions", "1") {
        if (
            address(router_) == address(0) ||
            address(vault_) == address(0) ||
            address(distributor_) == address(0) ||
            address(datanets_) == address(0) ||
            address(guardian_) == address(0)
        ) revert AddressZero();
        router = router_;
        vault = vault_;
        distributor = distributor_;
        datanets = datanets_;
        guardian = guardian_;
    }

    /// @notice Opens an epoch with the caller as its steward, unless intake is paused. All circuits must have an active route.
    function openEpoch(EpochPolicy calldata policy) external returns (uint256 epoch) {
        guardian.checkIntake();
        // Its type bounds it from above.
        if (policy.capacity == 0) revert CapacityOutOfRange(0, MAX_CONTRIBUTIONS);
        uint256 latest = block.timestamp + MAX_LIFETIME;
        if (policy.expiresAt <= block.timestamp || policy.expiresAt > latest) {
            revert ExpiryOutOfRange(policy.expiresAt, block.timestamp + 1, latest);
        }
        if (policy.funder == address(0)) revert AddressZero();
        for (uint256 i = 0; i < policy.circuits.length; ++i) router.verifierOf(policy.circuits[i]);

        epoch = ++epochCount;
        _policies[epoch] = policy;
        _heads[epoch] = Head(0, false, 0, policy.capacity, policy.expiresAt, policy.datanet, policy.minStake);
        _stewards[epoch] = msg.sender;
        _lists[epoch] = EMPTY;
        emit EpochOpened(epoch, msg.sender, policy);
    }

    /// @notice Adds a contribution of the caller, who has `stake` or more free in the vault for this contract. Not while intake is paused.
    /// @param datasetDigest keccak256 of the canonical dataset manifest, as recorded in the ProvenanceRegistry
    /// @param publics rowsCommit, statsCommit, n
    /// @param stake wei that are locked for it, at least the epoch's `minStake`
    function contribute(
        uint256 epoch,
        bytes32 datasetDigest,
        uint256[3] calldata publics,
        Proof calldata proof,
        uint96 stake
    ) external returns (uint256 index) {
        guardian.checkIntake();
        Head memory head = _open(epoch);
        index = head.count;
        if (index >= head.capacity) revert EpochFull(epoch, head.capacity);
        if (publics[2] == 0 || publics[2] > type(uint32).max) revert RowsOutOfRange(publics[2]);
        if (stake < head.minStake) revert StakeTooLow(head.minStake, stake);
        if (head.datanet != 0) datanets.checkContribution(head.datanet, msg.sender, datasetDigest, publics[2]);
        _take(epoch, publics[0]);
        _take(epoch, publics[1]);
        router.verify(
            _policies[epoch].circuits[uint256(Statement.Contribution)],
            Context.ofSender(CONTRIBUTION, epoch, msg.sender),
            Publics.list(publics),
            new uint256[](0),
            proof
        );

        head.count = uint16(index + 1);
        head.rows += uint48(publics[2]);
        _heads[epoch] = head;
        _lists[epoch] = keccak256(abi.encode(_listOf(epoch, index), publics[1]));
        _contributions[epoch][index] = Contribution(msg.sender, stake);
        emit Contributed(epoch, index, msg.sender, datasetDigest, publics[0], publics[1], publics[2], stake);
        if (stake != 0) vault.lock(msg.sender, stake);
    }

    /// @notice Ends the intake. By the steward, with at least one contribution.
    function closeEpoch(uint256 epoch) external {
        Head memory head = _open(epoch);
        address steward = _stewards[epoch];
        if (msg.sender != steward) revert NotSteward(epoch, steward, msg.sender);
        if (head.count == 0) revert EpochEmpty(epoch);
        _heads[epoch].closed = true;
        emit EpochClosed(epoch, head.count, head.rows, _lists[epoch]);
    }

    /// @notice Moves a contribution (its payout and its stake) to another wallet. Both wallets sign {ROTATE_TYPEHASH}
    /// with nonces(old wallet); anybody may relay.
    function rotateWallet(
        uint256 epoch,
        uint256 index,
        address to,
        uint256 deadline,
        bytes calldata fromSignature,
        bytes calldata toSignature
    ) external {
        address from = walletOf(epoch, index);
        if (to == address(0)) revert AddressZero();
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(ROTATE_TYPEHASH, epoch, index, from, to, _useNonce(from), deadline))
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(from, digest, fromSignature)) revert SignatureInvalid(from);
        if (!SignatureChecker.isValidSignatureNowCalldata(to, digest, toSignature)) revert SignatureInvalid(to);
        Contribution storage contribution = _contributions[epoch][index];
        contribution.wallet = to;
        emit WalletRotated(epoch, index, from, to);
        if (contribution.stake != 0) vault.move(from, to, contribution.stake);
    }

    /// @notice Charges a negative payout word to the stake of its contribution, never to another one. By the distributor only, once per word.
    /// @return charged the smaller of amount and stake; less when the vault serves this contract no more
    function charge(uint256 epoch, uint256 index, uint96 amount) external returns (uint96 charged) {
        if (msg.sender != address(distributor)) revert NotDistributor(msg.sender);
        Contribution storage contribution = _contributions[epoch][index];
        (address wallet, uint96 stake) = (contribution.wallet, contribution.stake);
        charged = amount < stake ? amount : stake;
        (, charged) = vault.slash(wallet, charged, address(0), keccak256(abi.encode(epoch, index)));
        contribution.stake = stake - charged;
        emit StakeCharged(epoch, index, charged, amount - charged);
    }

    /// @notice Pays the stake back to the contribution's wallet; anybody may call. Possible once the contribution's payout word
    /// was settled, or the epoch was vetoed, swept or expired without a payout. When this contract was retired and has ended as a service,
    /// the stake is paid by the vault's own `withdraw`, to whoever was the wallet at its end, and this call pays nothing.
    function withdrawStake(uint256 epoch, uint256 index) external {
        address wallet = walletOf(epoch, index);
        if (!distributor.stakeReleased(epoch, index)) revert StakeLocked(epoch, index);
        Contribution storage contribution = _contributions[epoch][index];
        uint96 amount = contribution.stake;
        if (amount == 0) revert StakeEmpty(epoch, index);
        contribution.stake = 0;
        emit StakeWithdrawn(epoch, index, wallet, vault.release(wallet, amount));
    }

    /// @notice The policy that the epoch was opened with.
    function policyOf(uint256 epoch) external view returns (EpochPolicy memory) {
        return _policies[epoch];
    }

    /// @notice The state of the epoch.
    function stateOf(uint256 epoch) external view returns (EpochState memory) {
        Head memory head = _heads[epoch];
        return EpochState(_stewards[epoch], head.count, head.closed, head.rows, _listOf(epoch, head.count));
    }

    /// @notice Steward, funder and vetoer of the epoch.
    function rolesOf(uint256 epoch) external view returns (address steward, address funder, address vetoer) {
        EpochPolicy storage policy = _policies[epoch];
        return (_stewards[epoch], policy.funder, policy.vetoer);
    }

    /// @notice The circuit that the epoch uses for a statement.
    function circuitOf(uint256 epoch, Statement statement) external view returns (bytes32) {
        return _policies[epoch].circuits[uint256(statement)];
    }

    /// @notice The second from which the epoch is expired.
    function expiresAt(uint256 epoch) external view returns (uint256) {
        return _heads[epoch].expiresAt;
    }

    /// @notice The number of contributions.
    function countOf(uint256 epoch) external view returns (uint256) {
        return _heads[epoch].count;
    }

    /// @notice Unknown, Open or Closed; the EpochBook knows the later phases.
    function phaseOf(uint256 epoch) public view returns (Phase) {
        return _phaseIn(_heads[epoch]);
    }

    /// @notice Wallet and remaining stake of a contribution.
    function contributionOf(uint256 epoch, uint256 index) external view returns (Contribution memory) {
        walletOf(epoch, index);
        return _contributions[epoch][index];
    }

    /// @notice The wallet that the contribution's payout and stake go to.
    function walletOf(uint256 epoch, uint256 index) public view returns (address wallet) {
        wallet = _contributions[epoch][index].wallet;
        if (wallet == address(0)) revert ContributionUnknown(epoch, index);
    }

    /// @notice Whether rows or statistics with this commitment were contributed in the epoch.
    function isTaken(uint256 epoch, uint256 commit) external view returns (bool) {
        return _taken[epoch][commit];
    }

    function _take(uint256 epoch, uint256 commit) private {
        if (_taken[epoch][commit]) revert CommitTaken(epoch, commit);
        _taken[epoch][commit] = true;
    }

    /// @dev The epoch's head; reverts unless it is open and not expired.
    function _open(uint256 epoch) private view returns (Head memory head) {
        head = _heads[epoch];
        Phase phase = _phaseIn(head);
        if (phase != Phase.Open) revert WrongPhase(epoch, Phase.Open, phase);
        if (block.timestamp >= head.expiresAt) revert EpochExpired(epoch, head.expiresAt);
    }

    function _phaseIn(Head memory head) private pure returns (Phase) {
        if (head.capacity == 0) return Phase.Unknown;
        return head.closed ? Phase.Closed : Phase.Open;
    }

    function _listOf(uint256 epoch, uint256 count) private view returns (bytes32) {
        return count == 0 ? bytes32(0) : _lists[epoch];
    }
}
