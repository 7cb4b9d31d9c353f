// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {PaymentChannels} from "../src/PaymentChannels.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles it too.
import "../src/OpenToken.sol";

/// @title Token and channels deployed, a payer with a key and a payee without
/// @notice Ids and digests are computed here from the documentation, not by the contract.
abstract contract Channels is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant PAYER = 0xA11CE;
    uint256 internal constant FUNDS = 1000 ether;
    uint32 internal constant DELAY = 2 days;
    bytes32 internal constant SALT = "salt";

    address internal payer = vm.addr(PAYER);
    address internal payee = address(0x9A1EE);
    address internal stranger = address(0x5724);

    IERC20 internal token;
    PaymentChannels internal channels;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(NOW);
        _deploy(IERC20(_create("OpenToken", abi.encode(this))));
        token.transfer(payer, FUNDS);
    }

    function _deploy(IERC20 token_) internal {
        token = token_;
        channels = _deployChannels(token_);
    }

    function _deployChannels(IERC20 token_) internal returns (PaymentChannels) {
        return PaymentChannels(_create("PaymentChannels", abi.encode(token_)));
    }

    function _key(bytes32 salt) internal view returns (PaymentChannels.ChannelKey memory) {
        return PaymentChannels.ChannelKey(payer, payee, DELAY, salt);
    }

    function _open(PaymentChannels.ChannelKey memory key, uint96 amount) internal returns (bytes32) {
        vm.startPrank(key.payer);
        token.approve(address(channels), amount);
        bytes32 id = channels.open(key.payee, key.delay, key.salt, amount);
        vm.stopPrank();
        return id;
    }

    function _idOf(PaymentChannels.ChannelKey memory key) internal view returns (bytes32) {
        return keccak256(abi.encode(31337, channels, token, key.payer, key.payee, key.delay, key.salt));
    }

    function _sign(bytes32 id, uint96 amount) internal view returns (bytes memory) {
        return _signature(PAYER, _digest(channels, 31337, id, amount));
    }

    function _signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _digest(
        PaymentChannels target,
        uint256 chainId,
        bytes32 id,
        uint256 amount
    ) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Channels"),
                keccak256("1"),
                chainId,
                target
            )
        );
        bytes32 voucher = keccak256(abi.encode(keccak256("Voucher(bytes32 channel,uint96 amount)"), id, amount));
        return keccak256(abi.encodePacked(hex"1901", domain, voucher));
    }
}
