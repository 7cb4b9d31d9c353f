// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessGrants} from "../src/AccessGrants.sol";
import {Statement} from "../src/Epochs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {InferenceFees} from "../src/InferenceFees.sol";
import {PaymentChannels} from "../src/PaymentChannels.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {Channels} from "./Channels.sol";
import {Fees} from "./Fees.sol";
import {House, Member} from "./House.sol";
import {Simulator} from "./Simulator.sol";
import {Test} from "./Vm.sol";
import {Stakes} from "./Stakes.sol";

/// @notice Prints what transactions cost, intrinsic gas and calldata included: in isolation each call is one transaction.
contract GasTest is House {
    /// forge-config: default.isolate = true
    function test_gas_verify() public {
        uint256[] memory publics = _list([_field("a", 0, 0), _field("b", 0, 0), 3]);
        _verify("verify, 3 publics", verifiers[0], publics, 0);
        publics = new uint256[](7);
        _verify("verify, 7 publics, 8 words", verifiers[uint256(Statement.Payout)], publics, 8);
        _verify("verify, 7 publics, 1024 words", verifiers[uint256(Statement.Payout)], publics, 1024);
    }

    function _verify(string memory label, IVerifier verifier, uint256[] memory publics, uint256 count) private {
        uint256[] memory words = _payoutWords(count);
        Proof memory proof = Simulator.prove(verifier, bytes32(0), publics, words);
        verifier.verify(bytes32(0), publics, words, proof);
        _print(label);
    }

    /// forge-config: default.isolate = true
    function test_gas_contribute() public {
        uint256 epoch = registry.openEpoch(_policy());
        _print("openEpoch");
        _contribute(epoch, 0);
        _print("contribute, first of an epoch");
        assertTrue(vm.lastCallGas().gasTotalUsed <= 420_000, "first contribution");
        _contribute(epoch, 1);
        _print("contribute, next");
        assertTrue(vm.lastCallGas().gasTotalUsed <= 420_000, "next contribution");
    }

    /// forge-config: default.isolate = true
    function test_gas_epoch() public {
        uint256 epoch = _openWith(8);
        registry.closeEpoch(epoch);
        _records(epoch);
        Member[] memory members = _checkpoint(epoch, 4);
        _sendRange(epoch, members, 0, 1);
        _print("postTotal, 4 contributions");
        _sendRange(epoch, members, 1, 2);
        _print("postTotal, 4 more");
        _sendRange(epoch, members, 2, 3);
        _print("postCheckpoint");
        _commitQueries(epoch);
        _print("commitQueries");
        _postQueries(epoch);
        _print("postQueries, the last of 3");
        members = _attribution(epoch, 4, QUERIES);
        _sendRange(epoch, members, 0, 1);
        _print("postQueryTotal, 3 query proofs");
        _sendRange(epoch, members, 1, 2);
        _print("postScores, 4 contributions");
        _sendRange(epoch, members, 2, 3);
        _print("postScores, 4 more");
        _sendRange(epoch, members, 3, 4);
        _print("postAttribution");
    }

    /// forge-config: default.isolate = true
    function test_gas_of_many_members() public {
        uint256 epoch = _openWith(100);
        registry.closeEpoch(epoch);
        Member[] memory members = _checkpoint(epoch, 1);
        _sendRange(epoch, members, 0, 2);
        _print("postTotal, 1 contribution, 101 members");
    }

    /// @dev What holds money stays small enough to be read.
    function test_size_of_what_holds_money() public view {
        assertTrue(address(distributor).code.length < 10240, "distributor");
        assertTrue(address(registry).code.length < 10240, "registry");
        assertTrue(address(vault).code.length < 10240, "vault");
    }

    /// forge-config: default.isolate = true
    function test_gas_post_8() public {
        _postOf(8, "post, 8 words");
    }

    /// forge-config: default.isolate = true
    function test_gas_post_256() public {
        _postOf(256, "post, 256 words");
    }

    /// forge-config: default.isolate = true
    function test_gas_post_1024() public {
        _postOf(1024, "post, 1024 words");
    }

    function _postOf(uint256 count, string memory label) private {
        uint256 epoch = _attributed(count);
        _fund(epoch, POOL);
        uint256[] memory words = _payoutWords(count);
        _post(epoch, words);
        _print(label);
        vm.warp(ACTIVE);
        _claim(epoch, words, 0);
        _print(string.concat(label, ": first claim, wallet without OPEN"));
        _claim(epoch, words, 3);
        _print(string.concat(label, ": next claim, wallet without OPEN"));
        token.transfer(_wallet(4), 1);
        _claim(epoch, words, 4);
        _print(string.concat(label, ": next claim, wallet with OPEN"));
        _claim(epoch, words, 1);
        _print(string.concat(label, ": charge"));
    }
}

/// @notice As {GasTest}, of payment channels.
contract ChannelGasTest is Channels {
    /// forge-config: default.isolate = true
    function test_gas_channel() public {
        PaymentChannels.ChannelKey memory key = _key(SALT);
        vm.prank(payer);
        token.approve(address(channels), 10 ether);
        vm.prank(payer);
        channels.open(payee, DELAY, SALT, 10 ether);
        _print("open");
        bytes32 id = _idOf(key);
        channels.redeem(key, 1 ether, _sign(id, 1 ether));
        _print("redeem, first of a payee without OPEN");
        channels.redeem(key, 2 ether, _sign(id, 2 ether));
        _print("redeem, next");
        vm.prank(payer);
        channels.startClose(key);
        _print("startClose");
        vm.prank(payee);
        channels.close(key);
        _print("close");
    }

    /// forge-config: default.isolate = true
    function test_gas_of_a_batch() public {
        PaymentChannels.Voucher[] memory vouchers = new PaymentChannels.Voucher[](128);
        for (uint256 i = 0; i < 128; ++i) {
            bytes32 id = _open(_key(bytes32(i)), 1 ether);
            vouchers[i] = PaymentChannels.Voucher(payer, DELAY, bytes32(i), 1 ether, _sign(id, 1 ether));
        }
        channels.redeemMany(payee, vouchers);
        _print("redeemMany, 128 vouchers");
        assertTrue(vm.lastCallGas().gasTotalUsed < 1 << 24, "fits a transaction");
    }
}

contract FeesGasTest is Fees {
    /// forge-config: default.isolate = true
    function test_gas_fees() public {
        _setSplit();
        _print("setSplit");
        vm.warp(ACTIVE + NOTICE);
        vm.prank(payer);
        token.approve(address(fees), type(uint256).max);
        vm.prank(payer);
        fees.pay(_payment(1 ether));
        _print("pay, first of an epoch and an operator");
        vm.prank(payer);
        fees.pay(_payment(1 ether));
        _print("pay, next");
        InferenceFees.Payment[] memory batch = new InferenceFees.Payment[](128);
        for (uint256 i = 0; i < 128; ++i) batch[i] = _payment(1 ether);
        vm.prank(payer);
        fees.payMany(batch);
        _print("payMany, 128 payments");
        assertTrue(vm.lastCallGas().gasTotalUsed < 1 << 24, "fits a transaction");
        _claimFees(0);
        _print("claimFees, first of a wallet without OPEN");
        vm.prank(payer);
        fees.pay(_payment(1 ether));
        _claimFees(0);
        _print("claimFees, next");
        fees.withdraw(operator);
        _print("withdraw, of an operator without OPEN");
    }

    /// forge-config: default.isolate = true
    function test_gas_of_a_batch_of_claims() public {
        uint256[] memory list = new uint256[](128);
        for (uint256 i = 0; i < 128; ++i) list[i] = 1 ether | (i << 128);
        epoch = _active(list);
        vm.prank(payer);
        token.approve(address(fees), 1 ether);
        vm.prank(payer);
        fees.pay(_payment(1 ether));
        InferenceFees.Claim[] memory claims = new InferenceFees.Claim[](128);
        for (uint256 i = 0; i < 128; ++i) claims[i] = _claimOf(i);
        fees.claimMany(claims);
        _print("claimMany, 128 words of as many wallets without OPEN");
        assertTrue(vm.lastCallGas().gasTotalUsed < 1 << 24, "fits a transaction");
    }
}

contract GrantsGasTest is Test {
    /// forge-config: default.isolate = true
    function test_gas_grants() public {
        ProvenanceRegistry provenance = ProvenanceRegistry(_create("ProvenanceRegistry", ""));
        AccessGrants grants = AccessGrants(_create("AccessGrants", abi.encode(provenance)));
        bytes32 dataset = provenance.register(ProvenanceRegistry.Kind.Dataset, keccak256("rows"), 0);
        bytes32 licence = provenance.register(ProvenanceRegistry.Kind.Licence, keccak256("terms"), 0);
        grants.offer(dataset, licence, true);
        _print("offer");
        address grantee = address(0x64A);
        bytes memory publicKey = new bytes(65);
        vm.prank(grantee);
        grants.request(dataset, licence, publicKey);
        _print("request, key of 65 bytes");
        uint40 until = uint40(block.timestamp + 30 days);
        bytes memory encrypted = new bytes(113);
        grants.grant(dataset, AccessGrants.Terms(grantee, licence, keccak256(publicKey), until, encrypted));
        _print("grant, key of 113 bytes");
        grants.renew(dataset, grantee, until + 1);
        _print("renew");
        grants.revoke(dataset, grantee);
        _print("revoke");
    }
}

/// @notice As {GasTest}, of stakes in the vault.
contract StakeGasTest is Stakes {
    /// forge-config: default.isolate = true
    function test_gas_stake() public {
        token.approve(address(vault), 3 * STAKE);
        vault.deposit(datanets, STAKE);
        _print("deposit, the first of an account");
        vault.deposit(datanets, STAKE);
        _print("deposit, next");
        vault.unbond(datanets, STAKE);
        _print("unbond");
        vm.warp(NOW + 7 days);
        vault.withdraw(datanets, address(this));
        _print("withdraw");
        (uint256 id, ) = _slash(datanets, address(this), 10 ether);
        _print("slash with an appeal window");
        vault.appeal(id, "reason");
        _print("appeal");
        vm.prank(timelock);
        vault.decide(id, true);
        _print("decide, upheld");
        vault.collect(challenger);
        _print("collect");
    }
}
