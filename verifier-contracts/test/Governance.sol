// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {OpenGovernor} from "../src/OpenGovernor.sol";
import {OpenTimelock} from "../src/OpenTimelock.sol";
import {OpenToken} from "../src/OpenToken.sol";
import {Test} from "./Vm.sol";

/// @notice Owned by the timelock; counts what is done to it.
contract Ward {
    address public immutable owner;
    uint256 public quick;
    uint256 public slow;

    error NotOwner(address caller);
    error Refused(uint256 number);

    constructor(address owner_) {
        owner = owner_;
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    function setQuick(uint256 number) external payable onlyOwner {
        quick = number;
    }

    function setSlow(uint256 number) external onlyOwner {
        slow = number;
    }

    function refuse(uint256 number) external view onlyOwner {
        revert Refused(number);
    }
}

/// @title Token, timelock and governor deployed, with the supply in the timelock and votes with three holders
/// @notice `setSlow` of the ward is in the table of slow calls.
abstract contract Governance is Test {
    struct Proposal {
        address[] targets;
        uint256[] values;
        bytes[] payloads;
        string description;
    }

    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant DELAY = 1 days;
    uint256 internal constant PERIOD = 5 days;
    uint256 internal constant EXTENSION = 2 days;
    uint256 internal constant SHORT = 2 days;
    uint256 internal constant SLOW = 7 days;
    /// @dev When a proposal made at NOW opens and closes; the first second in which it can be queued.
    uint256 internal constant OPENS = NOW + DELAY;
    uint256 internal constant CLOSES = OPENS + PERIOD;
    uint256 internal constant QUEUED = CLOSES + 1;
    uint256 internal constant SUPPLY = 1_000_000_000 ether;
    uint256 internal constant QUORUM = SUPPLY / 25;
    uint256 internal constant THRESHOLD = 1_000_000 ether;

    uint8 internal constant AGAINST = 0;
    uint8 internal constant FOR = 1;
    uint8 internal constant ABSTAIN = 2;

    /// @dev Exactly the threshold; the quorum less one wei; a lot.
    address internal proposer = address(0xA1);
    address internal voter = address(0xA2);
    address internal whale = address(0xA3);
    address internal delegatee = address(0xA4);
    address internal stranger = address(0x5724);

    OpenToken internal token;
    OpenTimelock internal timelock;
    OpenGovernor internal governor;
    Ward internal ward;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW - 1);
        uint64 nonce = vm.getNonce(address(this));
        address timelockAt = vm.computeCreateAddress(address(this), nonce + 1);
        address governorAt = vm.computeCreateAddress(address(this), nonce + 2);
        address wardAt = vm.computeCreateAddress(address(this), nonce + 3);
        token = OpenToken(_create("OpenToken", abi.encode(timelockAt)));
        OpenTimelock.Call[] memory slow = _calls(wardAt, Ward.setSlow.selector);
        timelock = OpenTimelock(
            payable(_create("OpenTimelock", abi.encode(governorAt, token, delegatee, slow)))
        );
        governor = OpenGovernor(payable(_create("OpenGovernor", abi.encode(token, timelock))));
        ward = new Ward(address(timelock));
        _give(proposer, THRESHOLD);
        _give(voter, QUORUM - 1);
        _give(whale, QUORUM * 3);
        vm.warp(NOW);
    }

    // --- proposals ---

    function _proposal(address target, bytes memory payload, string memory description) internal pure returns (Proposal memory made) {
        made = Proposal(new address[](1), new uint256[](1), new bytes[](1), description);
        made.targets[0] = target;
        made.payloads[0] = payload;
    }

    function _quick(uint256 number) internal view returns (Proposal memory) {
        return _proposal(address(ward), abi.encodeCall(Ward.setQuick, (number)), "quick");
    }

    function _slowly(uint256 number) internal view returns (Proposal memory) {
        return _proposal(address(ward), abi.encodeCall(Ward.setSlow, (number)), "slow");
    }

    function _propose(Proposal memory made) internal returns (uint256) {
        vm.prank(proposer);
        return governor.propose(made.targets, made.values, made.payloads, made.description);
    }

    function _vote(uint256 id, address who, uint8 support) internal {
        vm.prank(who);
        governor.castVote(id, support);
    }

    /// @dev Made at NOW, voted for by the whale; the clock then stands at QUEUED.
    function _passed(Proposal memory made) internal returns (uint256 id) {
        id = _propose(made);
        vm.warp(OPENS + 1);
        _vote(id, whale, FOR);
        vm.warp(QUEUED);
    }

    function _queue(Proposal memory made) internal {
        governor.queue(made.targets, made.values, made.payloads, keccak256(bytes(made.description)));
    }

    function _execute(Proposal memory made) internal {
        governor.execute(made.targets, made.values, made.payloads, keccak256(bytes(made.description)));
    }

    function _cancel(Proposal memory made) internal {
        governor.cancel(made.targets, made.values, made.payloads, keccak256(bytes(made.description)));
    }

    /// @dev The id of the documentation, computed here.
    function _idOf(Proposal memory made) internal pure returns (uint256) {
        return
            uint256(
                keccak256(abi.encode(made.targets, made.values, made.payloads, keccak256(bytes(made.description))))
            );
    }

    function _saltOf(Proposal memory made) internal view returns (bytes32) {
        return bytes20(address(governor)) ^ keccak256(bytes(made.description));
    }

    function _operationOf(Proposal memory made) internal view returns (bytes32) {
        return keccak256(abi.encode(made.targets, made.values, made.payloads, bytes32(0), _saltOf(made)));
    }

    function _is(uint256 id, IGovernor.ProposalState expected, string memory what) internal view {
        assertEq(uint256(governor.state(id)), uint256(expected), what);
    }

    /// @dev The governor's refusal of a step in another state than those of the bitmap.
    function _unexpected(uint256 id, IGovernor.ProposalState actual, uint256 expected) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IGovernor.GovernorUnexpectedProposalState.selector, id, actual, bytes32(expected));
    }

    /// @dev The timelock's refusal of an operation in another state than those of the bitmap.
    function _unready(bytes32 operation, TimelockController.OperationState expected) internal pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                TimelockController.TimelockUnexpectedOperationState.selector,
                operation,
                bytes32(1 << uint8(expected))
            );
    }

    function _calls(address target, bytes4 selector) internal pure returns (OpenTimelock.Call[] memory calls) {
        calls = new OpenTimelock.Call[](1);
        calls[0] = OpenTimelock.Call(target, selector);
    }

    function _give(address to, uint256 amount) private {
        vm.prank(address(timelock));
        token.transfer(to, amount);
        vm.prank(to);
        token.delegate(to);
    }
}
