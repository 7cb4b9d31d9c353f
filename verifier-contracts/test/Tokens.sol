// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice Keeps one per cent of every transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {
        _mint(msg.sender, 1e27);
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value / 100;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

/// @notice Makes one call in the middle of its next transfer, and remembers what that call answered.
contract ReentrantToken is ERC20 {
    address public target;
    bytes public call;
    bool public called;
    bytes public answer;

    constructor() ERC20("Reentrant", "RE") {
        _mint(msg.sender, 1e27);
    }

    function arm(address target_, bytes calldata call_) external {
        (target, call, called) = (target_, call_, false);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0)) return;
        address next = target;
        target = address(0);
        bool ok;
        (ok, answer) = next.call(call);
        called = ok;
    }
}

/// @notice Returns false instead of reverting.
contract FalseToken is ERC20 {
    bool public broken;

    constructor() ERC20("False", "NO") {
        _mint(msg.sender, 1e27);
    }

    function breakIt() external {
        broken = true;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return !broken && super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return !broken && super.transferFrom(from, to, value);
    }
}

/// @notice Refuses every transfer to one address.
contract BlockingToken is ERC20 {
    error Blocked(address account);

    address public blocked;

    constructor() ERC20("Blocking", "BLOCK") {
        _mint(msg.sender, 1e27);
    }

    function block_(address account) external {
        blocked = account;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (to == blocked) revert Blocked(to);
        super._update(from, to, value);
    }
}
