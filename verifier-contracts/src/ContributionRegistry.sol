// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
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
import {Intake} from "./Intake.sol";
import {Proof} from "./IVerifier.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @notice The one question this registry asks the distributor.
interface IStakeRelease {
    /// @notice Whether nothing can be charged to this contribution's stake any more.
    function stakeReleased(uint256 epoch, uint256 index) external view returns (bool);
}

/// @title Proven contributions, their order and their stake
/// @notice A contribution enters only with a proof that its statistics belong to well-formed, committed rows. The order of
/// acceptance is the order of every later word list: contribution i is word i.
///
/// A contributor proves in the context keccak256(abi.encode(keccak256("openledger.context.contribution.v1"), chain id,
/// this contract, epoch, sender)), so nobody can copy a pending proof.
///
/// Stakes leave in three ways only: to the current wallet by {withdrawStake}, to the treasury by the distributor's {charge}
/// (which follows from a proven payout word), and no other.
contract ContributionRegistry is EIP712, Nonces, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

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

    /// @notice An ERC-2612 permit for the stake.
    struct Permit {
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
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
    /// @notice The longest life of an epoch, so that no stake is locked without end.
    uint256 public constant MAX_LIFETIME = 366 days;

    IERC20 public immutable token;
    VerifierRouter public immutable router;
    IStakeRelease public immutable distributor;
    address public immutable treasury;

    /// @notice The number of epochs, and the id of the latest.
    uint256 public epochCount;

    mapping(uint256 epoch => EpochPolicy) private _policies;
    mapping(uint256 epoch => EpochState) private _states;
    mapping(uint256 epoch => mapping(uint256 index => Contribution)) private _contributions;
    mapping(uint256 epoch => mapping(uint256 commit => bool)) private _taken;

    /// @param distributor_ the RewardDistributor, deployed later at this address (it checks that itself)
    /// @param treasury_ receives charged stake
    constructor(
        IERC20 token_,
        VerifierRouter router_,
        IStakeRelease distributor_,
        address treasury_
    ) EIP712("OpenLedger Contributions", "1") {
        if (address(distributor_) == address(0) || treasury_ == address(0)) revert AddressZero();
        token = token_;
        router = router_;
        distributor = distributor_;
        treasury = treasury_;
    }

    /// @notice Opens an epoch with the caller as its steward. All circuits must have an active route.
    function openEpoch(EpochPolicy calldata policy) external returns (uint256 epoch) {
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
        _states[epoch].steward = msg.sender;
        emit EpochOpened(epoch, msg.sender, policy);
    }

    /// @notice Adds a contribution of the caller, who approved `stake` to this contract.
    /// @param datasetDigest keccak256 of the canonical dataset manifest, as recorded in the ProvenanceRegistry
    /// @param publics rowsCommit, statsCommit, n
    function contribute(
        uint256 epoch,
        bytes32 datasetDigest,
        uint256[3] calldata publics,
        Proof calldata proof,
        uint96 stake
    ) external nonReentrant returns (uint256 index) {
        return _contribute(epoch, datasetDigest, publics, proof, stake);
    }

    /// @notice As {contribute}, with the allowance from an ERC-2612 permit. A permit that somebody else
    /// used before is no obstacle: then the allowance is there already.
    function contributeWithPermit(
        uint256 epoch,
        bytes32 datasetDigest,
        uint256[3] calldata publics,
        Proof calldata proof,
        uint96 stake,
        Permit calldata permit
    ) external nonReentrant returns (uint256 index) {
        try
            IERC20Permit(address(token)).permit(
                msg.sender,
                address(this),
                stake,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s
            )
        {} catch {}
        return _contribute(epoch, datasetDigest, publics, proof, stake);
    }

    /// @notice Ends the intake. By the steward, with at least one contribution.
    function closeEpoch(uint256 epoch) external {
        EpochState storage state = _open(epoch);
        if (msg.sender != state.steward) revert NotSteward(epoch, state.steward, msg.sender);
        if (state.count == 0) revert EpochEmpty(epoch);
        state.closed = true;
        emit EpochClosed(epoch, state.count, state.rows, state.list);
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
        _contributions[epoch][index].wallet = to;
        emit WalletRotated(epoch, index, from, to);
    }

    /// @notice Charges a negative payout word to the stake. By the distributor only, once per word.
    /// @return charged the smaller of amount and stake
    function charge(uint256 epoch, uint256 index, uint96 amount) external nonReentrant returns (uint96 charged) {
        if (msg.sender != address(distributor)) revert NotDistributor(msg.sender);
        Contribution storage contribution = _contributions[epoch][index];
        charged = amount < contribution.stake ? amount : contribution.stake;
        contribution.stake -= charged;
        emit StakeCharged(epoch, index, charged, amount - charged);
        token.safeTransfer(treasury, charged);
    }

    /// @notice Pays the stake back to the contribution's wallet; anybody may call. Possible once the contribution's payout word
    /// was settled, or the epoch was vetoed, swept or expired without a payout.
    function withdrawStake(uint256 epoch, uint256 index) external nonReentrant {
        address wallet = walletOf(epoch, index);
        if (!distributor.stakeReleased(epoch, index)) revert StakeLocked(epoch, index);
        Contribution storage contribution = _contributions[epoch][index];
        uint96 amount = contribution.stake;
        if (amount == 0) revert StakeEmpty(epoch, index);
        contribution.stake = 0;
        emit StakeWithdrawn(epoch, index, wallet, amount);
        token.safeTransfer(wallet, amount);
    }

    /// @notice The policy that the epoch was opened with.
    function policyOf(uint256 epoch) external view returns (EpochPolicy memory) {
        return _policies[epoch];
    }

    /// @notice The state of the epoch.
    function stateOf(uint256 epoch) external view returns (EpochState memory) {
        return _states[epoch];
    }

    /// @notice Steward, funder and vetoer of the epoch.
    function rolesOf(uint256 epoch) external view returns (address steward, address funder, address vetoer) {
        EpochPolicy storage policy = _policies[epoch];
        return (_states[epoch].steward, policy.funder, policy.vetoer);
    }

    /// @notice The circuit that the epoch uses for a statement.
    function circuitOf(uint256 epoch, Statement statement) external view returns (bytes32) {
        return _policies[epoch].circuits[uint256(statement)];
    }

    /// @notice The second from which the epoch is expired.
    function expiresAt(uint256 epoch) external view returns (uint256) {
        return _policies[epoch].expiresAt;
    }

    /// @notice The number of contributions.
    function countOf(uint256 epoch) external view returns (uint256) {
        return _states[epoch].count;
    }

    /// @notice Unknown, Open or Closed; the EpochBook knows the later phases.
    function phaseOf(uint256 epoch) public view returns (Phase) {
        EpochState storage state = _states[epoch];
        if (state.steward == address(0)) return Phase.Unknown;
        return state.closed ? Phase.Closed : Phase.Open;
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

    function _contribute(
        uint256 epoch,
        bytes32 datasetDigest,
        uint256[3] calldata publics,
        Proof calldata proof,
        uint96 stake
    ) private returns (uint256 index) {
        EpochState storage state = _open(epoch);
        EpochPolicy storage policy = _policies[epoch];
        index = state.count;
        if (index >= policy.capacity) revert EpochFull(epoch, policy.capacity);
        if (publics[2] == 0 || publics[2] > type(uint32).max) revert RowsOutOfRange(publics[2]);
        _take(epoch, publics[0]);
        _take(epoch, publics[1]);
        router.verify(
            policy.circuits[uint256(Statement.Contribution)],
            Context.ofSender(CONTRIBUTION, epoch, msg.sender),
            Publics.list(publics),
            new uint256[](0),
            proof
        );

        state.count = uint16(index + 1);
        state.rows += uint64(publics[2]);
        state.list = keccak256(abi.encode(state.list, publics[1]));
        // What arrives is known only after the transfer; the guard keeps the stake field unreadable in between.
        stake = Intake.pull(token, msg.sender, stake);
        if (stake < policy.minStake) revert StakeTooLow(policy.minStake, stake);
        _contributions[epoch][index] = Contribution(msg.sender, stake);
        emit Contributed(epoch, index, msg.sender, datasetDigest, publics[0], publics[1], publics[2], stake);
    }

    function _take(uint256 epoch, uint256 commit) private {
        if (_taken[epoch][commit]) revert CommitTaken(epoch, commit);
        _taken[epoch][commit] = true;
    }

    /// @dev The epoch's state; reverts unless it is open and not expired.
    function _open(uint256 epoch) private view returns (EpochState storage) {
        Phase phase = phaseOf(epoch);
        if (phase != Phase.Open) revert WrongPhase(epoch, Phase.Open, phase);
        uint256 expiry = _policies[epoch].expiresAt;
        if (block.timestamp >= expiry) revert EpochExpired(epoch, expiry);
        return _states[epoch];
    }
}
