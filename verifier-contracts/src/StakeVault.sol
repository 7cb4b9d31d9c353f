// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Intake} from "./Intake.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title One vault for the stakes of contributors, datanets and operators
/// @notice No pause, no upgrade. An account belongs to an owner and a service: a contract that was registered here with terms that never change.
/// Whoever deposits for a service agrees to what that service may do within its terms, and to nothing that another service does.
///
/// Stake leaves an account in two ways: to its owner ({withdraw}, {unbond}, {release}), or into a case, by a verdict of the account's own
/// service ({slash}). Money of a case goes in two ways: credited to challenger and treasury, or back to the account it came from. Per
/// account, at every moment: deposited + moved in + overturned = free + locked + unbonding + paid out + moved out + slashed. What this contract
/// holds is the sum of all accounts, of all cases without an end and of all credits.
///
/// A verdict without appeal window is settled at once. Otherwise the accused may appeal within the window. Nobody appeals: {settle} pays, by
/// anybody, after the window. The accused appeals: the owner of this vault (a timelock) decides; if it does not for {DECISION_PERIOD}, the
/// verdict is overturned. The owner registers and retires services and decides appealed cases: it can neither open a case, nor choose who is
/// credited, nor reach an account that nobody slashed.
///
/// A retired service takes no deposit and locks nothing any more. {WIND_DOWN} later it has ended: its calls change nothing, and all that
/// stands in its accounts is paid to the owners, whatever the service says.
///
/// Who hashes what: nobody here. `evidence` is the service's own digest and only repeated in the event.
contract StakeVault is IStakeVault, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice What a service may do with the stake deposited for it. Fixed when the service is registered.
    /// @param unbonding seconds from {unbond} to {withdraw}; 0: stake that is free is paid out at once, and the service may {release}
    /// @param appealWindow seconds in which the accused may appeal; 0: a verdict is settled at once
    /// @param cap the most that one case takes of an account, in basis points; not zero
    /// @param challengerShare of what a case takes, in basis points; the rest is the treasury's
    struct Terms {
        uint32 unbonding;
        uint32 appealWindow;
        uint16 cap;
        uint16 challengerShare;
    }

    /// @notice A service of the constructor.
    struct Registration {
        address service;
        Terms terms;
    }

    /// @notice A service as it is kept: its terms, and its end.
    /// @param endsAt from when on all stake of a retired service is its owners'; zero unless it was retired
    struct Service {
        uint32 unbonding;
        uint32 appealWindow;
        uint16 cap;
        uint16 challengerShare;
        uint40 endsAt;
    }

    /// @param unbondsAt when `unbonding` may be withdrawn; meaningless while that is zero
    struct Account {
        uint96 free;
        uint96 locked;
        uint40 unbondsAt;
        uint96 unbonding;
    }

    enum CaseStatus {
        /// credited to challenger and treasury. A case that was settled at once keeps no other record: the rest is zero, and stands in the events
        Settled,
        /// may be appealed before `due`, settled from then on
        Open,
        /// may be decided before `due`, is overturned from then on
        Appealed,
        /// given back to the account it came from
        Overturned
    }

    /// @param owner the accused
    /// @param amount wei that were taken
    /// @param service that slashed
    /// @param due end of the present period, see {CaseStatus}
    /// @param challenger is credited with its share; zero when there is none
    struct Case {
        address owner;
        uint96 amount;
        address service;
        uint40 due;
        CaseStatus status;
        address challenger;
    }

    /// @notice A term that is out of its range.
    enum Term {
        Unbonding,
        AppealWindow,
        Cap,
        ChallengerShare
    }

    /// @notice A service was registered, for ever.
    event ServiceRegistered(address indexed service, Terms terms);
    /// @notice A service takes and locks nothing any more; at `endsAt` its accounts are its owners'.
    event ServiceRetired(address indexed service, uint40 endsAt);
    /// @notice `amount` is what arrived; it is free.
    event Deposited(address indexed service, address indexed owner, address indexed from, uint96 amount);
    /// @notice Free stake became locked.
    event Locked(address indexed service, address indexed owner, uint96 amount);
    /// @notice Locked stake became free.
    event Unlocked(address indexed service, address indexed owner, uint96 amount);
    /// @notice Locked stake of `from` became locked stake of `to`.
    event Moved(address indexed service, address indexed from, address indexed to, uint96 amount);
    /// @notice Free stake became unbonding stake; all unbonding stake of the account may be withdrawn at `unbondsAt`.
    event Unbonding(address indexed service, address indexed owner, uint96 amount, uint40 unbondsAt);
    /// @notice The account's unbonding stake was paid to its owner; with `all`, the whole account: its service has ended.
    event Withdrawn(address indexed service, address indexed owner, uint96 amount, bool all);
    /// @notice Locked stake was paid to its owner.
    event Released(address indexed service, address indexed owner, uint96 amount);
    /// @notice A verdict took `amount`: locked, then free, then unbonding stake. It may be appealed before `due`; zero: it is settled.
    event Slashed(
        uint256 indexed id,
        address indexed service,
        address indexed owner,
        uint96 amount,
        address challenger,
        bytes32 evidence,
        uint40 due
    );
    /// @notice The accused appealed; the owner of the vault decides before `due`.
    event Appealed(uint256 indexed id, address indexed owner, uint40 due, string reason);
    /// @notice A case ended; its money was credited.
    event CaseSettled(uint256 indexed id, address indexed challenger, uint96 toChallenger, uint96 toTreasury);
    /// @notice A case ended; its money is free stake of the account again.
    event CaseOverturned(uint256 indexed id, address indexed service, address indexed owner, uint96 amount);
    /// @notice All that was credited to `who` was paid.
    event Collected(address indexed who, uint96 amount);

    error AddressZero();
    error NotOwner(address owner, address caller);
    /// @notice No such service was registered; for callers and for those who deposit.
    error ServiceUnknown(address service);
    error ServiceTaken(address service);
    /// @notice It takes and locks nothing any more, and its retirement is not repeated.
    error ServiceIsRetired(address service, uint256 endsAt);
    error ServiceTermOutOfRange(Term term, uint256 minimum, uint256 maximum, uint256 actual);
    error FreeStakeTooLow(address service, address owner, uint256 free, uint256 needed);
    /// @notice The service's stake is not paid out without unbonding.
    error UnbondingRequired(address service, uint256 unbonding);
    error AmountZero();
    /// @notice Nothing may be withdrawn now; unbonding stake may be from `unbondsAt` on.
    error NothingUnbonded(address service, address owner, uint256 unbondsAt);
    error NothingCredited(address who);
    error CaseUnknown(uint256 id);
    /// @notice The case is not in a status in which this can be done.
    error WrongCaseStatus(uint256 id, CaseStatus actual);
    error NotAccused(uint256 id, address accused, address caller);
    /// @notice The period in which this could be done ended at `due`.
    error CaseTooLate(uint256 id, uint256 due);
    /// @notice The case comes to its end at `due`.
    error CaseNotDue(uint256 id, uint256 due);

    /// @notice The longest unbonding period.
    uint256 public constant MAX_UNBONDING = 30 days;
    /// @notice The longest appeal window.
    uint256 public constant MAX_APPEAL_WINDOW = 14 days;
    /// @notice How long the owner of the vault may take to decide.
    uint256 public constant DECISION_PERIOD = 30 days;
    /// @notice From the retirement of a service to its end.
    uint256 public constant WIND_DOWN = 30 days;
    uint256 private constant ONE = 10_000;

    /// @notice The only token that is staked.
    IERC20 public immutable token;
    /// @notice Registers and retires services and decides appealed cases; a timelock. For ever.
    address public immutable owner;
    /// @notice Is credited with what no challenger receives.
    address public immutable treasury;

    /// @notice The number of cases, and the id of the latest.
    uint256 public caseCount;

    mapping(address service => Service) private _services;
    mapping(address service => mapping(address owner => Account)) private _accounts;
    mapping(uint256 id => Case) private _cases;
    /// @notice Wei that {collect} pays.
    mapping(address who => uint96) public creditOf;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(owner, msg.sender);
        _;
    }

    /// @param token_ the token of all stakes
    /// @param owner_ decides appeals and names later services
    /// @param treasury_ is credited with what no challenger receives
    /// @param services the first services; they may be deployed later, at these addresses
    constructor(IERC20 token_, address owner_, address treasury_, Registration[] memory services) {
        if (address(token_) == address(0) || owner_ == address(0) || treasury_ == address(0)) revert AddressZero();
        token = token_;
        owner = owner_;
        treasury = treasury_;
        for (uint256 i = 0; i < services.length; ++i) _register(services[i].service, services[i].terms);
    }

    // --- services ---

    /// @notice Registers a service for ever. By the owner of the vault. An address that was a service once is never registered again.
    function registerService(address service, Terms calldata terms) external onlyOwner {
        _register(service, terms);
    }

    /// @notice Retires a service; it cannot be undone. By the owner of the vault.
    function retireService(address service) external onlyOwner {
        Service storage kept = _known(service);
        if (kept.endsAt != 0) revert ServiceIsRetired(service, kept.endsAt);
        kept.endsAt = uint40(block.timestamp + WIND_DOWN);
        emit ServiceRetired(service, kept.endsAt);
    }

    // --- owners ---

    /// @notice Adds to the caller's account of a service; the caller approved `amount`. What arrives counts.
    function deposit(address service, uint96 amount) external nonReentrant {
        _deposit(service, msg.sender, amount);
    }

    /// @notice As {deposit}, with the approval as an ERC-2612 permit of the caller for this contract and `amount`. A permit that
    /// somebody else sent before does no harm: what counts is the allowance.
    /// @param deadline last second of the permit's validity
    function depositWithPermit(
        address service,
        uint96 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        // A refused permit is either used already, or leaves the allowance too low for the transfer that follows.
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(service, msg.sender, amount);
    }

    /// @notice Adds to the account of somebody else, to whom it belongs from then on; the caller approved `amount`.
    function depositFor(address service, address owner_, uint96 amount) external nonReentrant {
        if (owner_ == address(0)) revert AddressZero();
        _deposit(service, owner_, amount);
    }

    /// @notice Begins to take free stake out of the caller's account. It stays slashable until it is withdrawn. What had unbonded before
    /// is paid now; what had not waits for the new date: an account has one. Without an unbonding period all is paid at once.
    function unbond(address service, uint96 amount) external nonReentrant {
        if (amount == 0) revert AmountZero();
        Service storage kept = _known(service);
        Account storage account = _accounts[service][msg.sender];
        uint96 due = account.unbonding != 0 && block.timestamp >= account.unbondsAt ? account.unbonding : 0;
        if (due != 0) {
            account.unbonding = 0;
            emit Withdrawn(service, msg.sender, due, false);
        }
        _takeFree(account, service, msg.sender, amount);
        uint256 period = kept.unbonding;
        uint40 unbondsAt = uint40(block.timestamp + period);
        emit Unbonding(service, msg.sender, amount, unbondsAt);
        if (period == 0) {
            due += amount;
            emit Withdrawn(service, msg.sender, amount, false);
        } else {
            account.unbonding += amount;
            account.unbondsAt = unbondsAt;
        }
        if (due != 0) token.safeTransfer(msg.sender, due);
    }

    /// @notice Pays what has unbonded to the account's owner, and the whole account when its service has ended. By anybody.
    function withdraw(address service, address owner_) external nonReentrant {
        bool all = _hasEnded(_known(service));
        Account storage account = _accounts[service][owner_];
        uint96 amount = account.unbonding;
        if (all) {
            amount += account.free + account.locked;
            account.free = 0;
            account.locked = 0;
        } else if (block.timestamp < account.unbondsAt) {
            amount = 0;
        }
        if (amount == 0) revert NothingUnbonded(service, owner_, account.unbondsAt);
        account.unbonding = 0;
        emit Withdrawn(service, owner_, amount, all);
        token.safeTransfer(owner_, amount);
    }

    /// @notice Appeals a verdict; by the accused, before its window ends.
    /// @param reason for those who decide
    function appeal(uint256 id, string calldata reason) external {
        Case storage case_ = _caseIn(id, CaseStatus.Open);
        if (msg.sender != case_.owner) revert NotAccused(id, case_.owner, msg.sender);
        if (block.timestamp >= case_.due) revert CaseTooLate(id, case_.due);
        uint40 due = uint40(block.timestamp + DECISION_PERIOD);
        case_.status = CaseStatus.Appealed;
        case_.due = due;
        emit Appealed(id, msg.sender, due, reason);
    }

    // --- cases ---

    /// @notice Ends a case that is due: one that nobody appealed is credited, one that nobody decided is overturned. By anybody.
    function settle(uint256 id) external {
        Case storage case_ = _case(id);
        CaseStatus status = case_.status;
        if (status != CaseStatus.Open && status != CaseStatus.Appealed) revert WrongCaseStatus(id, status);
        if (block.timestamp < case_.due) revert CaseNotDue(id, case_.due);
        _end(id, case_, status == CaseStatus.Open);
    }

    /// @notice Decides an appealed case. By the owner of the vault, in time.
    /// @param upheld true: the verdict stands
    function decide(uint256 id, bool upheld) external onlyOwner {
        Case storage case_ = _caseIn(id, CaseStatus.Appealed);
        if (block.timestamp >= case_.due) revert CaseTooLate(id, case_.due);
        _end(id, case_, upheld);
    }

    /// @notice Pays all that is credited to `who`. By anybody.
    function collect(address who) external nonReentrant returns (uint96 amount) {
        amount = creditOf[who];
        if (amount == 0) revert NothingCredited(who);
        creditOf[who] = 0;
        emit Collected(who, amount);
        token.safeTransfer(who, amount);
    }

    // --- the calls of a service ---

    /// @inheritdoc IStakeVault
    function lock(address owner_, uint96 amount) external {
        _live(msg.sender);
        Account storage account = _accounts[msg.sender][owner_];
        _takeFree(account, msg.sender, owner_, amount);
        account.locked += amount;
        emit Locked(msg.sender, owner_, amount);
    }

    /// @inheritdoc IStakeVault
    function unlock(address owner_, uint96 amount) external returns (uint96 unlocked) {
        Account storage account;
        (account, unlocked) = _takeLocked(owner_, amount);
        if (unlocked == 0) return 0;
        account.free += unlocked;
        emit Unlocked(msg.sender, owner_, unlocked);
    }

    /// @inheritdoc IStakeVault
    function move(address from, address to, uint96 amount) external returns (uint96 moved) {
        if (to == address(0)) revert AddressZero();
        (, moved) = _takeLocked(from, amount);
        if (moved == 0) return 0;
        _accounts[msg.sender][to].locked += moved;
        emit Moved(msg.sender, from, to, moved);
    }

    /// @inheritdoc IStakeVault
    function release(address owner_, uint96 amount) external nonReentrant returns (uint96 released) {
        uint256 period = _known(msg.sender).unbonding;
        if (period != 0) revert UnbondingRequired(msg.sender, period);
        (, released) = _takeLocked(owner_, amount);
        if (released == 0) return 0;
        emit Released(msg.sender, owner_, released);
        token.safeTransfer(owner_, released);
    }

    /// @inheritdoc IStakeVault
    /// @dev A challenger who accuses oneself receives no share: nobody gets a part of a slash back by being first.
    function slash(
        address owner_,
        uint96 amount,
        address challenger,
        bytes32 evidence
    ) external returns (uint256 id, uint96 slashed) {
        Service memory kept = _known(msg.sender);
        if (_hasEnded(kept)) return (0, 0);
        slashed = _takeAny(_accounts[msg.sender][owner_], amount, kept.cap);
        if (slashed == 0) return (0, 0);
        if (challenger == owner_) challenger = address(0);
        id = ++caseCount;
        uint40 due = kept.appealWindow == 0 ? 0 : uint40(block.timestamp + kept.appealWindow);
        emit Slashed(id, msg.sender, owner_, slashed, challenger, evidence, due);
        if (due == 0) _credit(id, slashed, challenger, kept.challengerShare);
        else _cases[id] = Case(owner_, slashed, msg.sender, due, CaseStatus.Open, challenger);
    }

    // --- views ---

    /// @notice A service's terms and end; all zero when it was never registered.
    function serviceOf(address service) external view returns (Service memory) {
        return _services[service];
    }

    /// @notice The account of an owner with a service; all zero when nothing was deposited.
    function accountOf(address service, address owner_) external view returns (Account memory) {
        return _accounts[service][owner_];
    }

    /// @notice A case; what is kept of it, see {CaseStatus}.
    function caseOf(uint256 id) external view returns (Case memory) {
        return _case(id);
    }

    // --- parts ---

    function _register(address service, Terms memory terms) private {
        if (service == address(0)) revert AddressZero();
        if (_services[service].cap != 0) revert ServiceTaken(service);
        _check(Term.Unbonding, 0, MAX_UNBONDING, terms.unbonding);
        _check(Term.AppealWindow, 0, MAX_APPEAL_WINDOW, terms.appealWindow);
        _check(Term.Cap, 1, ONE, terms.cap);
        _check(Term.ChallengerShare, 0, ONE, terms.challengerShare);
        _services[service] = Service(terms.unbonding, terms.appealWindow, terms.cap, terms.challengerShare, 0);
        emit ServiceRegistered(service, terms);
    }

    function _check(Term term, uint256 minimum, uint256 maximum, uint256 actual) private pure {
        if (actual < minimum || actual > maximum) revert ServiceTermOutOfRange(term, minimum, maximum, actual);
    }

    function _deposit(address service, address owner_, uint96 amount) private {
        _live(service);
        uint96 arrived = Intake.pull(token, msg.sender, amount);
        _accounts[service][owner_].free += arrived;
        emit Deposited(service, owner_, msg.sender, arrived);
    }

    function _takeFree(Account storage account, address service, address owner_, uint96 amount) private {
        uint96 free = account.free;
        if (free < amount) revert FreeStakeTooLow(service, owner_, free, amount);
        account.free = free - amount;
    }

    /// @dev Takes at most `amount` of the locked stake of an owner, for the calling service; nothing once that has ended.
    function _takeLocked(address owner_, uint96 amount) private returns (Account storage account, uint96 taken) {
        account = _accounts[msg.sender][owner_];
        if (_hasEnded(_known(msg.sender))) return (account, 0);
        uint96 locked = account.locked;
        taken = amount < locked ? amount : locked;
        account.locked = locked - taken;
    }

    /// @dev Takes at most `amount` and `cap` of an account, rounded down.
    function _takeAny(Account storage account, uint96 amount, uint256 cap) private returns (uint96 taken) {
        (uint96 locked, uint96 free, uint96 unbonding) = (account.locked, account.free, account.unbonding);
        uint256 most = ((uint256(locked) + free + unbonding) * cap) / ONE;
        taken = amount < most ? amount : uint96(most);
        uint96 left = taken;
        uint96 part = left < locked ? left : locked;
        account.locked = locked - part;
        left -= part;
        part = left < free ? left : free;
        account.free = free - part;
        left -= part;
        if (left != 0) account.unbonding = unbonding - left;
    }

    function _end(uint256 id, Case storage case_, bool upheld) private {
        (address service, address accused, uint96 amount) = (case_.service, case_.owner, case_.amount);
        if (upheld) {
            case_.status = CaseStatus.Settled;
            _credit(id, amount, case_.challenger, _services[service].challengerShare);
        } else {
            case_.status = CaseStatus.Overturned;
            _accounts[service][accused].free += amount;
            emit CaseOverturned(id, service, accused, amount);
        }
    }

    /// @dev The challenger's share is rounded down; without a challenger all is the treasury's.
    function _credit(uint256 id, uint96 amount, address challenger, uint256 share) private {
        uint96 toChallenger = challenger == address(0) ? 0 : uint96((uint256(amount) * share) / ONE);
        uint96 toTreasury = amount - toChallenger;
        if (toChallenger != 0) creditOf[challenger] += toChallenger;
        if (toTreasury != 0) creditOf[treasury] += toTreasury;
        emit CaseSettled(id, challenger, toChallenger, toTreasury);
    }

    function _known(address service) private view returns (Service storage kept) {
        kept = _services[service];
        if (kept.cap == 0) revert ServiceUnknown(service);
    }

    function _live(address service) private view {
        uint256 endsAt = _known(service).endsAt;
        if (endsAt != 0) revert ServiceIsRetired(service, endsAt);
    }

    function _hasEnded(Service memory kept) private view returns (bool) {
        return kept.endsAt != 0 && block.timestamp >= kept.endsAt;
    }

    function _case(uint256 id) private view returns (Case storage) {
        if (id == 0 || id > caseCount) revert CaseUnknown(id);
        return _cases[id];
    }

    function _caseIn(uint256 id, CaseStatus status) private view returns (Case storage case_) {
        case_ = _case(id);
        if (case_.status != status) revert WrongCaseStatus(id, case_.status);
    }
}
