// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title The treasury and the owner of what can be owned: acts only after a delay that everybody sees running
/// @notice Each call waits two days, and a *slow* call seven: time to look at what was decided, and to leave. What is slow stands in a
/// table of targets and selectors; calls of this contract to itself are slow whatever the table says, so neither the table, nor the
/// delays, nor the roles change faster. A batch waits as long as its slowest call. A call that was scheduled keeps its delay.
///
/// The governor is the only proposer and the only canceller; anybody executes what is due. Nobody has an admin role but this contract
/// itself. Money leaves by an executed call and in no other way.
///
/// The table knows a call by the first four bytes of its data. A call that reaches a slow function through another contract is
/// known by that other contract's selector: contracts that pass calls on, as the governor's `relay`, belong into the table.
contract OpenTimelock is TimelockController {
    /// @notice A function of a contract.
    struct Call {
        address target;
        bytes4 selector;
    }

    /// @notice A function became slow, or no longer is.
    event SlowCallSet(address indexed target, bytes4 indexed selector, bool slow);

    error AddressZero();
    error DelayOutOfRange(uint256 minimum, uint256 maximum, uint256 actual);
    error TooManyCalls(uint256 maximum, uint256 actual);

    /// @notice The delay of a call that is not slow; it can be set to more, never to less.
    uint256 public constant SHORT_DELAY = 2 days;
    /// @notice The delay of a slow call, and the most that the other can be set to.
    uint256 public constant SLOW_DELAY = 7 days;
    /// @notice The most functions that are put into the table, or taken out of it, at once.
    uint256 public constant MAX_CALLS = 64;

    mapping(address target => mapping(bytes4 selector => bool)) private _slow;

    /// @param governor proposes and cancels; need not exist yet
    /// @param token its votes that belong to this contract, the treasury, are delegated to `delegatee`; exists already
    /// @param delegatee votes for the treasury until a proposal delegates elsewhere; zero: nobody does
    /// @param slow the first functions of the table, at most {MAX_CALLS}
    constructor(
        address governor,
        IVotes token,
        address delegatee,
        Call[] memory slow
    ) TimelockController(SHORT_DELAY, _one(governor), _one(address(0)), address(0)) {
        if (governor == address(0) || address(token) == address(0)) revert AddressZero();
        _setSlow(slow, true);
        // Nobody could vote as long as the treasury holds the supply, and without votes nothing leaves it.
        if (delegatee != address(0)) token.delegate(delegatee);
    }

    /// @notice Puts functions into the table of slow calls, or takes them out. By this contract itself, after {SLOW_DELAY}.
    function setSlow(Call[] calldata calls, bool slow) external {
        if (msg.sender != address(this)) revert TimelockUnauthorizedCaller(msg.sender);
        _setSlow(calls, slow);
    }

    /// @inheritdoc TimelockController
    /// @dev Bounded: the delays are what this contract is for.
    function updateDelay(uint256 newDelay) public override {
        if (newDelay < SHORT_DELAY || newDelay > SLOW_DELAY) {
            revert DelayOutOfRange(SHORT_DELAY, SLOW_DELAY, newDelay);
        }
        super.updateDelay(newDelay);
    }

    /// @inheritdoc TimelockController
    function schedule(
        address target,
        uint256 value,
        bytes calldata data,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) public override {
        _checkDelay(delay, isSlow(target, bytes4(data)));
        super.schedule(target, value, data, predecessor, salt, delay);
    }

    /// @inheritdoc TimelockController
    function scheduleBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) public override {
        _checkDelay(delay, _anySlow(targets, payloads));
        super.scheduleBatch(targets, values, payloads, predecessor, salt, delay);
    }

    /// @notice Whether a call of `target` with these first four bytes waits {SLOW_DELAY}.
    function isSlow(address target, bytes4 selector) public view returns (bool) {
        return target == address(this) || _slow[target][selector];
    }

    /// @notice The least delay of a batch of calls, in seconds.
    function delayOf(address[] calldata targets, bytes[] calldata payloads) external view returns (uint256) {
        return _anySlow(targets, payloads) ? SLOW_DELAY : getMinDelay();
    }

    /// @dev The short delay is checked by the base.
    function _checkDelay(uint256 delay, bool slow) private pure {
        if (slow && delay < SLOW_DELAY) revert TimelockInsufficientDelay(delay, SLOW_DELAY);
    }

    function _anySlow(address[] calldata targets, bytes[] calldata payloads) private view returns (bool slow) {
        if (targets.length != payloads.length) {
            revert TimelockInvalidOperationLength(targets.length, payloads.length, targets.length);
        }
        for (uint256 i = 0; i < targets.length; ++i) {
            if (isSlow(targets[i], bytes4(payloads[i]))) return true;
        }
    }

    function _setSlow(Call[] memory calls, bool slow) private {
        if (calls.length > MAX_CALLS) revert TooManyCalls(MAX_CALLS, calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            _slow[calls[i].target][calls[i].selector] = slow;
            emit SlowCallSet(calls[i].target, calls[i].selector, slow);
        }
    }

    function _one(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
