// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {Test} from "./Vm.sol";
import {ContractWallet} from "./Wallets.sol";

contract ProvenanceRegistryTest is Test {
    ProvenanceRegistry.Kind private constant DATASET = ProvenanceRegistry.Kind.Dataset;
    ProvenanceRegistry.Kind private constant MANIFEST = ProvenanceRegistry.Kind.ModelManifest;
    uint256 private constant KEY = 0xA11CE;
    uint256 private constant NOW = 1_800_000_000;

    ProvenanceRegistry private registry;
    address private author = vm.addr(KEY);

    function setUp() public {
        vm.warp(NOW);
        registry = ProvenanceRegistry(_create("ProvenanceRegistry", ""));
    }

    function test_record_holds_what_was_registered() public {
        bytes32 parent = registry.register(DATASET, "parent", 0);
        bytes32 id = registry.register(DATASET, "child", parent);
        assertEq(id, registry.recordId(address(this), DATASET, "child"), "id");
        ProvenanceRegistry.Record memory record = registry.recordOf(id);
        assertEq(record.digest, "child", "digest");
        assertEq(record.parent, parent, "parent");
        assertEq(record.author, address(this), "author");
        assertEq(record.timestamp, block.timestamp, "timestamp");
        assertEq(uint256(record.kind), uint256(DATASET), "kind");
        assertEq(uint256(record.status), uint256(ProvenanceRegistry.Status.Active), "status");
    }

    function test_records_are_made_once_per_author() public {
        bytes32 id = registry.register(DATASET, "d", 0);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.AlreadyRegistered.selector, id));
        registry.register(DATASET, "d", 0);
        // Another author cannot be kept out by whoever copied the digest first.
        vm.prank(author);
        registry.register(DATASET, "d", 0);
        // The same content as something else is another record.
        assertTrue(registry.register(MANIFEST, "d", 0) != id, "another kind");
    }

    function test_bad_records_are_refused() public {
        vm.expectRevert(ProvenanceRegistry.DigestZero.selector);
        registry.register(DATASET, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.RecordUnknown.selector, bytes32("nowhere")));
        registry.register(DATASET, "d", "nowhere");
        vm.expectRevert(
            abi.encodeWithSelector(ProvenanceRegistry.KindNotAllowed.selector, ProvenanceRegistry.Kind.None)
        );
        registry.register(ProvenanceRegistry.Kind.None, "d", 0);
        vm.expectRevert(
            abi.encodeWithSelector(ProvenanceRegistry.KindNotAllowed.selector, ProvenanceRegistry.Kind.InferenceLog)
        );
        registry.register(ProvenanceRegistry.Kind.InferenceLog, "d", 0);
    }

    function test_register_by_signature_once() public {
        bytes memory signature = _sign(_registerHash("d", 0, block.timestamp));
        registry.registerFor(author, DATASET, "d", 0, block.timestamp, signature);
        assertEq(registry.recordOf(registry.recordId(author, DATASET, "d")).author, author, "author");
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.SignatureInvalid.selector, author));
        registry.registerFor(author, DATASET, "d", 0, block.timestamp, signature);
    }

    function test_signature_of_another_or_too_late_is_refused() public {
        bytes memory signature = _sign(_registerHash("d", 0, block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.SignatureInvalid.selector, author));
        registry.registerFor(author, DATASET, "e", 0, block.timestamp, signature);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.SignatureInvalid.selector, address(this)));
        registry.registerFor(address(this), DATASET, "d", 0, block.timestamp, signature);
        uint256 deadline = NOW;
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.SignatureExpired.selector, deadline));
        registry.registerFor(author, DATASET, "d", 0, deadline, signature);
    }

    function test_contract_wallets_sign() public {
        ContractWallet wallet = new ContractWallet();
        bytes32 structHash = keccak256(
            abi.encode(registry.REGISTER_TYPEHASH(), address(wallet), DATASET, bytes32("d"), bytes32(0), 0, block.timestamp)
        );
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.SignatureInvalid.selector, address(wallet)));
        registry.registerFor(address(wallet), DATASET, "d", 0, block.timestamp, "");
        wallet.accept(_digest(structHash));
        registry.registerFor(address(wallet), DATASET, "d", 0, block.timestamp, "");
    }

    function test_log_chain_has_no_gap() public {
        bytes32 model = registry.register(MANIFEST, "m", 0);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.LogSequence.selector, 1, 2));
        registry.appendLog(model, 2, 0, "r1");
        registry.appendLog(model, 1, 0, "r1");
        bytes32 head = keccak256(abi.encode(bytes32(0), uint64(1), bytes32("r1")));
        assertEq(registry.logHead(model).head, head, "head");
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.LogSequence.selector, 2, 1));
        registry.appendLog(model, 1, head, "r2");
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.LogPrevious.selector, head, bytes32("fork")));
        registry.appendLog(model, 2, "fork", "r2");
        bytes32 id = registry.appendLog(model, 2, head, "r2");
        assertEq(registry.logHead(model).sequence, 2, "sequence");
        assertEq(registry.recordOf(id).parent, model, "model of the log");
    }

    function test_everything_that_serves_has_a_log() public {
        ProvenanceRegistry.Kind[3] memory kinds = [
            MANIFEST,
            ProvenanceRegistry.Kind.Checkpoint,
            ProvenanceRegistry.Kind.FineTune
        ];
        for (uint256 i = 0; i < kinds.length; ++i) {
            bytes32 model = registry.register(kinds[i], "m", 0);
            registry.appendLog(model, 1, 0, bytes32(i + 1));
            assertEq(registry.logHead(model).sequence, 1, "sequence");
        }
    }

    function test_only_the_models_author_logs() public {
        bytes32 model = registry.register(MANIFEST, "m", 0);
        vm.prank(author);
        vm.expectRevert(
            abi.encodeWithSelector(ProvenanceRegistry.NotAuthor.selector, model, address(this), author)
        );
        registry.appendLog(model, 1, 0, "r1");
        bytes32 dataset = registry.register(DATASET, "d", 0);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.KindNotAllowed.selector, DATASET));
        registry.appendLog(dataset, 1, 0, "r1");
        registry.revoke(model);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.RecordNotActive.selector, model));
        registry.appendLog(model, 1, 0, "r1");
    }

    function test_log_and_revocation_by_signature() public {
        vm.prank(author);
        bytes32 model = registry.register(MANIFEST, "m", 0);
        bytes32 logHash = keccak256(
            abi.encode(registry.APPEND_LOG_TYPEHASH(), author, model, uint64(1), bytes32(0), bytes32("r"), 0, block.timestamp)
        );
        bytes memory signature = _sign(logHash);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.SignatureInvalid.selector, author));
        registry.appendLogFor(author, model, 1, 0, "s", block.timestamp, signature);
        registry.appendLogFor(author, model, 1, 0, "r", block.timestamp, signature);

        signature = _sign(keccak256(abi.encode(registry.REVOKE_TYPEHASH(), author, model, 1, block.timestamp)));
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.SignatureInvalid.selector, author));
        registry.revokeFor(author, "other", block.timestamp, signature);
        registry.revokeFor(author, model, block.timestamp, signature);
        assertEq(uint256(registry.recordOf(model).status), uint256(ProvenanceRegistry.Status.Revoked), "status");
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.SignatureInvalid.selector, author));
        registry.revokeFor(author, model, block.timestamp, signature);
    }

    function test_revocation_changes_the_status_only() public {
        bytes32 id = registry.register(DATASET, "d", 0);
        ProvenanceRegistry.Record memory before = registry.recordOf(id);
        vm.prank(author);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.NotAuthor.selector, id, address(this), author));
        registry.revoke(id);
        vm.warp(block.timestamp + 1 days);
        registry.revoke(id);
        before.status = ProvenanceRegistry.Status.Revoked;
        assertEq(keccak256(abi.encode(registry.recordOf(id))), keccak256(abi.encode(before)), "record");
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.RecordNotActive.selector, id));
        registry.revoke(id);
        vm.expectRevert(abi.encodeWithSelector(ProvenanceRegistry.AlreadyRegistered.selector, id));
        registry.register(DATASET, "d", 0);
    }

    function _registerHash(bytes32 digest, uint256 nonce, uint256 deadline) private view returns (bytes32) {
        return keccak256(abi.encode(registry.REGISTER_TYPEHASH(), author, DATASET, digest, bytes32(0), nonce, deadline));
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Provenance"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }

    function _sign(bytes32 structHash) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, _digest(structHash));
        return abi.encodePacked(r, s, v);
    }
}
