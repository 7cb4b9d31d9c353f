// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title OPEN, the token that contributors are paid in
/// @notice Fixed supply, minted once to the treasury. Nobody can mint, burn for others, pause or freeze.
contract OpenToken is ERC20, ERC20Permit, ERC20Votes {
    /// @notice The whole supply in wei: one thousand million OPEN. Below 2^96, so amounts fit a payout word.
    uint256 public constant SUPPLY = 1_000_000_000e18;

    /// @param treasury receives the whole supply
    constructor(address treasury) ERC20("OpenLedger", "OPEN") ERC20Permit("OpenLedger") {
        _mint(treasury, SUPPLY);
    }

    /// @notice Votes are counted by timestamp (ERC-6372), so that the same governor works on every chain.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice The ERC-6372 description of {clock}.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @inheritdoc ERC20Permit
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
