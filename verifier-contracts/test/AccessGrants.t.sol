// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessGrants} from "../src/AccessGrants.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {Test} from "./Vm.sol";
import {ContractWallet, FickleWallet} from "./Wallets.sol";

/// @notice Digests and acceptances are computed here from the documentation, not by the contract.
contract AccessGrantsTest is Test {
    /// @dev Tests warp from here by constants: the optimiser may read block.timestamp again after a warp.
    uint256 private constant NOW = 1_800_000_000;
    uint40 private constant UNTIL = uint40(NOW + 30 days);
    uint256 private constant MAX_TERM = 1830 days;
    uint256 private constant AUTHOR = 0xA07;
    bytes private constant PUBLIC_KEY = "public key of the grantee";
    bytes private constant ENCRYPTED = "key of the dataset, encrypted";

    address private author = vm.addr(AUTHOR);
    address private grantee = address(0x64A);
    address private other = address(0x64B);
    address private stranger = address(0x5724);
    /// @dev Publishes licences; has nothing to do with datasets.
    address private foundation = address(0xF0);

    ProvenanceRegistry private provenance;
    AccessGrants private grants;
    bytes32 private dataset;
    bytes32 private licence;
    bytes32 private otherLicence;

    function setUp() public {
        vm.chainId(31337);
        vm.warp(NOW);
        provenance = ProvenanceRegistry(_create("ProvenanceRegistry", ""));
        grants = AccessGrants(_create("AccessGrants", abi.encode(provenance)));
        dataset = _record(author, ProvenanceRegistry.Kind.Dataset, "rows");
        licence = _record(foundation, ProvenanceRegistry.Kind.Licence, "research only");
        otherLicence = _record(foundation, ProvenanceRegistry.Kind.Licence, "commercial");
        vm.startPrank(author);
        grants.offer(dataset, licence, true);
        vm.stopPrank();
    }

    // --- offers ---

    function test_an_author_offers_licences_and_takes_them_back() public {
        assertTrue(!grants.isOffered(dataset, otherLicence), "before");
        vm.startPrank(author);
        vm.expectEmit();
        emit AccessGrants.LicenceOffered(dataset, otherLicence, true);
        grants.offer(dataset, otherLicence, true);
        assertTrue(grants.isOffered(dataset, otherLicence), "offered");
        vm.expectEmit();
        emit AccessGrants.LicenceOffered(dataset, otherLicence, false);
        grants.offer(dataset, otherLicence, false);
        assertTrue(!grants.isOffered(dataset, otherLicence), "taken back");
        assertTrue(grants.isOffered(dataset, licence), "the first");
        vm.expectRevert(_notOffered(otherLicence));
        grants.offer(dataset, otherLicence, false);
        vm.stopPrank();
    }

    function test_only_licences_of_datasets_are_offered() public {
        bytes32 model = _record(author, ProvenanceRegistry.Kind.ModelManifest, "model");
        vm.startPrank(author);
        vm.expectRevert(_kind(ProvenanceRegistry.Kind.ModelManifest));
        grants.offer(dataset, model, true);
        vm.expectRevert(_kind(ProvenanceRegistry.Kind.ModelManifest));
        grants.offer(model, licence, true);
        vm.expectRevert(_notActive("nothing"));
        grants.offer(dataset, "nothing", true);
        vm.expectRevert(_notActive("nothing"));
        grants.offer("nothing", licence, true);
        vm.stopPrank();
        vm.prank(foundation);
        provenance.revoke(otherLicence);
        vm.prank(author);
        vm.expectRevert(_notActive(otherLicence));
        grants.offer(dataset, otherLicence, true);
    }

    function test_only_the_author_offers() public {
        address[3] memory others = [stranger, grantee, foundation];
        for (uint256 i = 0; i < 3; ++i) {
            vm.startPrank(others[i]);
            vm.expectRevert(_notAuthor(others[i]));
            grants.offer(dataset, otherLicence, true);
            vm.expectRevert(_notAuthor(others[i]));
            grants.offer(dataset, licence, false);
            vm.stopPrank();
        }
    }

    // --- requests ---

    function test_a_request_accepts_a_licence() public {
        bytes32 acceptance = _acceptance(grantee, licence, PUBLIC_KEY);
        vm.expectEmit();
        emit AccessGrants.AccessRequested(dataset, grantee, licence, acceptance, PUBLIC_KEY);
        vm.prank(grantee);
        assertEq(grants.request(dataset, licence, PUBLIC_KEY), acceptance, "returned");
        assertEq(grants.requestOf(dataset, grantee), acceptance, "stored");
        assertEq(grants.acceptanceOf(dataset, grantee, licence, keccak256(PUBLIC_KEY)), acceptance, "computed");
        assertTrue(!grants.isGranted(dataset, grantee), "asking is not having");
    }

    function test_an_acceptance_binds_all_that_makes_it() public {
        bytes32 acceptance = _acceptance(grantee, licence, PUBLIC_KEY);
        bytes32 key = keccak256(PUBLIC_KEY);
        assertTrue(grants.acceptanceOf("other", grantee, licence, key) != acceptance, "dataset");
        assertTrue(grants.acceptanceOf(dataset, other, licence, key) != acceptance, "grantee");
        assertTrue(grants.acceptanceOf(dataset, grantee, otherLicence, key) != acceptance, "licence");
        assertTrue(grants.acceptanceOf(dataset, grantee, licence, "other") != acceptance, "key");
        AccessGrants elsewhere = AccessGrants(_create("AccessGrants", abi.encode(provenance)));
        assertTrue(elsewhere.acceptanceOf(dataset, grantee, licence, key) != acceptance, "contract");
        vm.chainId(1);
        assertTrue(grants.acceptanceOf(dataset, grantee, licence, key) != acceptance, "chain");
    }

    function test_only_offered_licences_are_accepted() public {
        vm.startPrank(grantee);
        vm.expectRevert(_notOffered(otherLicence));
        grants.request(dataset, otherLicence, PUBLIC_KEY);
        vm.expectRevert(_notActive("nothing"));
        grants.request("nothing", licence, PUBLIC_KEY);
        vm.stopPrank();
        uint256 state = vm.snapshotState();
        vm.prank(foundation);
        provenance.revoke(licence);
        vm.prank(grantee);
        vm.expectRevert(_notActive(licence));
        grants.request(dataset, licence, PUBLIC_KEY);
        vm.revertToState(state);
        vm.prank(author);
        provenance.revoke(dataset);
        vm.prank(grantee);
        vm.expectRevert(_notActive(dataset));
        grants.request(dataset, licence, PUBLIC_KEY);
    }

    function test_keys_have_1_to_4096_bytes() public {
        vm.startPrank(grantee);
        vm.expectRevert(_keyLength(0));
        grants.request(dataset, licence, "");
        vm.expectRevert(_keyLength(4097));
        grants.request(dataset, licence, new bytes(4097));
        grants.request(dataset, licence, new bytes(4096));
        grants.request(dataset, licence, new bytes(1));
        vm.stopPrank();
        AccessGrants.Terms memory terms = _terms(grantee);
        terms.publicKeyHash = keccak256(new bytes(1));
        vm.startPrank(author);
        terms.encryptedKey = "";
        vm.expectRevert(_keyLength(0));
        grants.grant(dataset, terms);
        terms.encryptedKey = new bytes(4097);
        vm.expectRevert(_keyLength(4097));
        grants.grant(dataset, terms);
        terms.encryptedKey = new bytes(4096);
        grants.grant(dataset, terms);
        vm.stopPrank();
    }

    function test_a_request_is_taken_back() public {
        _request(grantee);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(AccessGrants.RequestUnknown.selector, dataset, stranger));
        grants.withdrawRequest(dataset);
        vm.expectEmit();
        emit AccessGrants.RequestWithdrawn(dataset, grantee);
        vm.prank(grantee);
        grants.withdrawRequest(dataset);
        assertEq(grants.requestOf(dataset, grantee), bytes32(0), "gone");
        _refused(_terms(grantee), _notAccepted(grantee, _acceptance(grantee, licence, PUBLIC_KEY), 0));
        vm.prank(grantee);
        vm.expectRevert(abi.encodeWithSelector(AccessGrants.RequestUnknown.selector, dataset, grantee));
        grants.withdrawRequest(dataset);
    }

    function test_a_grant_outlives_its_request() public {
        _granted();
        vm.prank(grantee);
        grants.withdrawRequest(dataset);
        assertTrue(grants.isGranted(dataset, grantee), "granted");
        assertEq(
            grants.grantOf(dataset, grantee).acceptance,
            _acceptance(grantee, licence, PUBLIC_KEY),
            "what was accepted stays on record"
        );
    }

    // --- grants ---

    function test_a_grant_lasts_until_its_time() public {
        _request(grantee);
        bytes32 acceptance = _acceptance(grantee, licence, PUBLIC_KEY);
        vm.expectEmit();
        emit AccessGrants.AccessGranted(dataset, grantee, licence, acceptance, UNTIL, ENCRYPTED);
        vm.prank(author);
        grants.grant(dataset, _terms(grantee));
        _isIn(AccessGrants.Status.Granted, UNTIL, acceptance, keccak256(ENCRYPTED));
        assertTrue(grants.isGranted(dataset, grantee), "from now on");
        assertTrue(!grants.isGranted(dataset, other), "nobody else");
        assertTrue(!grants.isGranted(licence, grantee), "nothing else");
        vm.warp(UNTIL - 1);
        assertTrue(grants.isGranted(dataset, grantee), "last second");
        vm.warp(UNTIL);
        assertTrue(!grants.isGranted(dataset, grantee), "over");
        _isIn(AccessGrants.Status.Granted, UNTIL, acceptance, keccak256(ENCRYPTED));
    }

    function test_nobody_grants_somebody_elses_dataset() public {
        _request(grantee);
        bytes32 mine = _record(stranger, ProvenanceRegistry.Kind.Dataset, "rows");
        assertTrue(mine != dataset, "the same rows make another record");
        AccessGrants.Terms[] memory batch = new AccessGrants.Terms[](1);
        batch[0] = _terms(grantee);
        address[3] memory others = [stranger, grantee, foundation];
        for (uint256 i = 0; i < 3; ++i) {
            vm.startPrank(others[i]);
            vm.expectRevert(_notAuthor(others[i]));
            grants.grant(dataset, batch[0]);
            vm.expectRevert(_notAuthor(others[i]));
            grants.grantMany(dataset, batch);
            vm.stopPrank();
        }
        _granted();
        for (uint256 i = 0; i < 3; ++i) {
            vm.startPrank(others[i]);
            vm.expectRevert(_notAuthor(others[i]));
            grants.renew(dataset, grantee, UNTIL + 1);
            vm.expectRevert(_notAuthor(others[i]));
            grants.revoke(dataset, grantee);
            vm.stopPrank();
        }
    }

    function test_a_grant_ends_in_the_future_and_within_five_years() public {
        _request(grantee);
        AccessGrants.Terms memory terms = _terms(grantee);
        uint40[3] memory bad = [0, uint40(NOW), uint40(NOW + MAX_TERM + 1)];
        for (uint256 i = 0; i < 3; ++i) {
            terms.until = bad[i];
            _refused(terms, _term(NOW + 1, NOW + MAX_TERM, bad[i]));
        }
        vm.startPrank(author);
        terms.until = uint40(NOW + MAX_TERM);
        grants.grant(dataset, terms);
        terms.until = uint40(NOW + 1);
        grants.grant(dataset, terms);
        vm.stopPrank();
        assertTrue(grants.isGranted(dataset, grantee), "one second");
    }

    /// The grantee accepted one licence; the author grants under none but that, and only while it is offered.
    function test_the_licence_is_the_accepted_one() public {
        _request(grantee);
        AccessGrants.Terms memory terms = _terms(grantee);
        terms.licence = otherLicence;
        _refused(terms, _notOffered(otherLicence));
        vm.prank(author);
        grants.offer(dataset, otherLicence, true);
        bytes32 expected = _acceptance(grantee, otherLicence, PUBLIC_KEY);
        _refused(terms, _notAccepted(grantee, expected, _acceptance(grantee, licence, PUBLIC_KEY)));
        vm.prank(author);
        grants.offer(dataset, licence, false);
        _refused(_terms(grantee), _notOffered(licence));
        vm.prank(author);
        grants.offer(dataset, licence, true);
        vm.prank(foundation);
        provenance.revoke(licence);
        _refused(_terms(grantee), _notActive(licence));
    }

    function test_a_grant_needs_a_request() public {
        _refused(_terms(grantee), _notAccepted(grantee, _acceptance(grantee, licence, PUBLIC_KEY), 0));
    }

    /// The key was encrypted to one public key; a request that was changed a block before is not granted by mistake.
    function test_a_changed_request_is_not_granted_by_mistake() public {
        _request(grantee);
        AccessGrants.Terms memory terms = _terms(grantee);
        vm.prank(grantee);
        grants.request(dataset, licence, "another key");
        _refused(
            terms,
            _notAccepted(
                grantee,
                _acceptance(grantee, licence, PUBLIC_KEY),
                _acceptance(grantee, licence, "another key")
            )
        );
        terms.publicKeyHash = keccak256("another key");
        vm.prank(author);
        grants.grant(dataset, terms);
    }

    /// Somebody who copies a pending request asks for itself, and gets nothing of the other's.
    function test_a_request_is_not_front_run() public {
        vm.prank(stranger);
        grants.request(dataset, licence, PUBLIC_KEY);
        assertEq(grants.requestOf(dataset, grantee), bytes32(0), "the grantee has not asked");
        _granted();
        assertTrue(grants.isGranted(dataset, grantee), "grantee");
        assertTrue(!grants.isGranted(dataset, stranger), "stranger");
    }

    function test_a_batch_skips_who_has_accepted_something_else() public {
        _request(grantee);
        _request(other);
        AccessGrants.Terms[] memory batch = new AccessGrants.Terms[](3);
        batch[0] = _terms(grantee);
        batch[1] = _terms(stranger);
        batch[2] = _terms(other);
        vm.prank(grantee);
        grants.request(dataset, licence, "another key");
        vm.startPrank(author);
        vm.expectEmit();
        emit AccessGrants.GrantSkipped(dataset, grantee);
        vm.expectEmit();
        emit AccessGrants.GrantSkipped(dataset, stranger);
        grants.grantMany(dataset, batch);
        assertTrue(!grants.isGranted(dataset, grantee), "changed");
        assertTrue(!grants.isGranted(dataset, stranger), "never asked");
        assertTrue(grants.isGranted(dataset, other), "granted");
        // What the author itself did wrong is no reason to go on.
        batch[2].until = uint40(NOW);
        vm.expectRevert(_term(NOW + 1, NOW + MAX_TERM, NOW));
        grants.grantMany(dataset, batch);
        vm.stopPrank();
    }

    function test_a_batch_has_at_most_128_grants() public {
        AccessGrants.Terms[] memory batch = new AccessGrants.Terms[](129);
        for (uint256 i = 0; i < 129; ++i) batch[i] = _terms(stranger);
        vm.startPrank(author);
        vm.expectRevert(abi.encodeWithSelector(AccessGrants.TooManyGrants.selector, 128, 129));
        grants.grantMany(dataset, batch);
        assembly ("memory-safe") {
            mstore(batch, 128)
        }
        grants.grantMany(dataset, batch);
        vm.stopPrank();
    }

    // --- renewals ---

    function test_a_grant_is_renewed_for_longer_only() public {
        _granted();
        vm.startPrank(author);
        vm.expectRevert(_term(UNTIL + 1, NOW + MAX_TERM, UNTIL));
        grants.renew(dataset, grantee, UNTIL);
        vm.expectRevert(_term(UNTIL + 1, NOW + MAX_TERM, NOW + MAX_TERM + 1));
        grants.renew(dataset, grantee, uint40(NOW + MAX_TERM + 1));
        vm.expectEmit();
        emit AccessGrants.AccessRenewed(dataset, grantee, UNTIL + 1);
        grants.renew(dataset, grantee, UNTIL + 1);
        vm.stopPrank();
        vm.warp(UNTIL);
        assertTrue(grants.isGranted(dataset, grantee), "renewed");
        _isIn(
            AccessGrants.Status.Granted,
            UNTIL + 1,
            _acceptance(grantee, licence, PUBLIC_KEY),
            keccak256(ENCRYPTED)
        );
    }

    function test_a_grant_that_ended_by_itself_is_renewed_too() public {
        _granted();
        vm.warp(UNTIL + 10);
        vm.startPrank(author);
        vm.expectRevert(_term(UNTIL + 11, UNTIL + 10 + MAX_TERM, UNTIL + 10));
        grants.renew(dataset, grantee, UNTIL + 10);
        grants.renew(dataset, grantee, UNTIL + 11);
        vm.stopPrank();
        assertTrue(grants.isGranted(dataset, grantee), "renewed");
    }

    function test_what_was_never_granted_or_was_revoked_is_not_renewed() public {
        vm.startPrank(author);
        vm.expectRevert(_status(AccessGrants.Status.None));
        grants.renew(dataset, grantee, UNTIL);
        vm.expectRevert(_status(AccessGrants.Status.None));
        grants.revoke(dataset, grantee);
        vm.stopPrank();
        _granted();
        vm.startPrank(author);
        grants.revoke(dataset, grantee);
        vm.expectRevert(_status(AccessGrants.Status.Revoked));
        grants.renew(dataset, grantee, UNTIL + 1);
        vm.stopPrank();
    }

    // --- revocations ---

    function test_a_revocation_counts_at_once() public {
        _granted();
        vm.expectEmit();
        emit AccessGrants.AccessRevoked(dataset, grantee);
        vm.startPrank(author);
        grants.revoke(dataset, grantee);
        assertTrue(!grants.isGranted(dataset, grantee), "revoked");
        _isIn(
            AccessGrants.Status.Revoked,
            UNTIL,
            _acceptance(grantee, licence, PUBLIC_KEY),
            keccak256(ENCRYPTED)
        );
        vm.expectRevert(_status(AccessGrants.Status.Revoked));
        grants.revoke(dataset, grantee);
        // The author may think better of it: the request still stands.
        grants.grant(dataset, _terms(grantee));
        vm.stopPrank();
        assertTrue(grants.isGranted(dataset, grantee), "again");
    }

    /// A revoked record takes no new grants, offers, requests and renewals; what was granted lasts, and can be revoked.
    function test_a_revoked_record_takes_nothing_new() public {
        _granted();
        _request(other);
        AccessGrants.Terms[] memory batch = new AccessGrants.Terms[](1);
        batch[0] = _terms(other);
        vm.startPrank(author);
        provenance.revoke(dataset);
        vm.expectRevert(_notActive(dataset));
        grants.grant(dataset, batch[0]);
        vm.expectRevert(_notActive(dataset));
        grants.grantMany(dataset, batch);
        vm.expectRevert(_notActive(dataset));
        grants.renew(dataset, grantee, UNTIL + 1);
        vm.expectRevert(_notActive(dataset));
        grants.offer(dataset, otherLicence, true);
        assertTrue(grants.isGranted(dataset, grantee), "granted before");
        grants.revoke(dataset, grantee);
        assertTrue(!grants.isGranted(dataset, grantee), "revoked");
        vm.stopPrank();
    }

    // --- signatures ---

    function test_the_author_grants_by_signature() public {
        _request(grantee);
        AccessGrants.Terms memory terms = _terms(grantee);
        bytes memory signature = _sign(AUTHOR, _grantHash(terms, 0, NOW));
        vm.prank(stranger);
        grants.grantFor(dataset, terms, NOW, signature);
        assertTrue(grants.isGranted(dataset, grantee), "granted");
        assertEq(grants.nonces(author), 1, "nonce");
    }

    /// After a revocation the author's old signature opens nothing.
    function test_a_signature_is_not_used_again() public {
        _request(grantee);
        AccessGrants.Terms memory terms = _terms(grantee);
        bytes memory granting = _sign(AUTHOR, _grantHash(terms, 0, NOW));
        grants.grantFor(dataset, terms, NOW, granting);
        bytes memory revoking = _sign(AUTHOR, _revokeHash(grantee, 1, NOW));
        grants.revokeFor(dataset, grantee, NOW, revoking);
        assertTrue(!grants.isGranted(dataset, grantee), "revoked");
        vm.expectRevert(_invalid(author));
        grants.grantFor(dataset, terms, NOW, granting);
        vm.prank(author);
        grants.grant(dataset, terms);
        vm.expectRevert(_invalid(author));
        grants.revokeFor(dataset, grantee, NOW, revoking);
        assertTrue(grants.isGranted(dataset, grantee), "granted");
    }

    /// One thing changed from a grant that passes.
    function test_a_signature_binds_all_that_makes_a_grant() public {
        _request(grantee);
        _request(other);
        bytes memory signature = _sign(AUTHOR, _grantHash(_terms(grantee), 0, NOW));
        AccessGrants.Terms memory terms = _terms(other);
        _unsigned(dataset, terms, NOW, signature);
        terms = _terms(grantee);
        terms.licence = otherLicence;
        _unsigned(dataset, terms, NOW, signature);
        terms = _terms(grantee);
        terms.publicKeyHash = "other";
        _unsigned(dataset, terms, NOW, signature);
        terms = _terms(grantee);
        terms.until += 1;
        _unsigned(dataset, terms, NOW, signature);
        terms = _terms(grantee);
        terms.encryptedKey = "another key";
        _unsigned(dataset, terms, NOW, signature);
        terms = _terms(grantee);
        _unsigned(dataset, terms, NOW + 1, signature);
        _unsigned(_record(author, ProvenanceRegistry.Kind.Dataset, "more rows"), terms, NOW, signature);
        _unsigned(dataset, terms, NOW, _sign(AUTHOR + 1, _grantHash(terms, 0, NOW)));
        _unsigned(dataset, terms, NOW, _sign(AUTHOR, _grantHash(terms, 1, NOW)));
        _unsigned(dataset, terms, NOW, _signElsewhere(_grantHash(terms, 0, NOW), 1, address(grants)));
        _unsigned(dataset, terms, NOW, _signElsewhere(_grantHash(terms, 0, NOW), 31337, address(provenance)));
        grants.grantFor(dataset, terms, NOW, signature);
    }

    function test_signatures_end_at_their_deadline() public {
        _request(grantee);
        AccessGrants.Terms memory terms = _terms(grantee);
        bytes memory signature = _sign(AUTHOR, _grantHash(terms, 0, NOW));
        vm.warp(NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(AccessGrants.SignatureExpired.selector, NOW));
        grants.grantFor(dataset, terms, NOW, signature);
        vm.warp(NOW);
        grants.grantFor(dataset, terms, NOW, signature);
    }

    function test_the_author_renews_revokes_and_offers_by_signature() public {
        _granted();
        vm.startPrank(stranger);
        bytes memory signature = _sign(AUTHOR, _renewHash(grantee, UNTIL + 5, 0, NOW));
        vm.expectRevert(_invalid(author));
        grants.renewFor(dataset, grantee, UNTIL + 6, NOW, signature);
        vm.expectRevert(_invalid(author));
        grants.renewFor(dataset, other, UNTIL + 5, NOW, signature);
        grants.renewFor(dataset, grantee, UNTIL + 5, NOW, signature);
        assertEq(grants.grantOf(dataset, grantee).until, UNTIL + 5, "renewed");
        signature = _sign(AUTHOR, _offerHash(otherLicence, true, 1, NOW));
        vm.expectRevert(_invalid(author));
        grants.offerFor(dataset, otherLicence, false, NOW, signature);
        vm.expectRevert(_invalid(author));
        grants.offerFor(dataset, licence, true, NOW, signature);
        grants.offerFor(dataset, otherLicence, true, NOW, signature);
        assertTrue(grants.isOffered(dataset, otherLicence), "offered");
        signature = _sign(AUTHOR, _revokeHash(grantee, 2, NOW));
        vm.expectRevert(_invalid(author));
        grants.revokeFor(dataset, other, NOW, signature);
        grants.revokeFor(dataset, grantee, NOW, signature);
        assertTrue(!grants.isGranted(dataset, grantee), "revoked");
        vm.stopPrank();
    }

    /// The rules are those of the author's own calls.
    function test_signed_calls_keep_the_rules() public {
        _granted();
        vm.prank(author);
        provenance.revoke(dataset);
        bytes memory signature = _sign(AUTHOR, _grantHash(_terms(grantee), 0, NOW));
        vm.expectRevert(_notActive(dataset));
        grants.grantFor(dataset, _terms(grantee), NOW, signature);
        signature = _sign(AUTHOR, _renewHash(grantee, UNTIL + 5, 0, NOW));
        vm.expectRevert(_notActive(dataset));
        grants.renewFor(dataset, grantee, UNTIL + 5, NOW, signature);
        signature = _sign(AUTHOR, _offerHash(otherLicence, true, 0, NOW));
        vm.expectRevert(_notActive(dataset));
        grants.offerFor(dataset, otherLicence, true, NOW, signature);
        grants.revokeFor(dataset, grantee, NOW, _sign(AUTHOR, _revokeHash(grantee, 0, NOW)));
    }

    function test_nobody_signs_for_a_record_that_is_not_there() public {
        vm.expectRevert(_invalid(address(0)));
        grants.revokeFor("nothing", grantee, NOW, new bytes(65));
        vm.expectRevert(_notActive("nothing"));
        grants.grantFor("nothing", _terms(grantee), NOW, new bytes(65));
    }

    function test_an_author_may_be_a_contract() public {
        ContractWallet wallet = new ContractWallet();
        dataset = _record(address(wallet), ProvenanceRegistry.Kind.Dataset, "rows");
        wallet.accept(_digest(_offerHash(licence, true, 0, NOW), 31337, address(grants)));
        grants.offerFor(dataset, licence, true, NOW, "");
        _request(grantee);
        AccessGrants.Terms memory terms = _terms(grantee);
        vm.expectRevert(_invalid(address(wallet)));
        grants.grantFor(dataset, terms, NOW, "");
        wallet.accept(_digest(_grantHash(terms, 1, NOW), 31337, address(grants)));
        grants.grantFor(dataset, terms, NOW, "");
        assertTrue(grants.isGranted(dataset, grantee), "granted");
    }

    /// A wallet that answers anything gives away its own datasets at most.
    function test_a_lying_wallet_signs_for_itself_only() public {
        FickleWallet wallet = new FickleWallet();
        bytes32 mine = dataset;
        dataset = _record(address(wallet), ProvenanceRegistry.Kind.Dataset, "rows");
        grants.offerFor(dataset, licence, true, NOW, "");
        _request(grantee);
        for (uint8 mood = 1; mood < 6; ++mood) {
            wallet.set(FickleWallet.Mood(mood));
            vm.expectRevert(_invalid(address(wallet)));
            grants.grantFor(dataset, _terms(grantee), NOW, "");
        }
        wallet.set(FickleWallet.Mood.Accepts);
        grants.grantFor(dataset, _terms(grantee), NOW, "");
        assertTrue(grants.isGranted(dataset, grantee), "its own");
        assertTrue(!grants.isGranted(mine, grantee), "not another's");
        vm.expectRevert(_invalid(author));
        grants.grantFor(mine, _terms(grantee), NOW, "");
    }

    function test_it_needs_a_registry() public {
        assertEq(address(grants.provenance()), address(provenance), "provenance");
        bytes memory code = abi.encodePacked(vm.getCode("AccessGrants.sol:AccessGrants"), abi.encode(0));
        address deployed;
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        assertEq(deployed, address(0), "no registry");
    }

    // --- parts ---

    function _record(
        address owner,
        ProvenanceRegistry.Kind kind,
        string memory content
    ) private returns (bytes32) {
        vm.prank(owner);
        return provenance.register(kind, keccak256(bytes(content)), 0);
    }

    function _request(address who) private {
        vm.prank(who);
        grants.request(dataset, licence, PUBLIC_KEY);
    }

    function _granted() private {
        _request(grantee);
        vm.prank(author);
        grants.grant(dataset, _terms(grantee));
    }

    function _terms(address who) private view returns (AccessGrants.Terms memory) {
        return AccessGrants.Terms(who, licence, keccak256(PUBLIC_KEY), UNTIL, ENCRYPTED);
    }

    function _acceptance(address who, bytes32 licence_, bytes memory publicKey) private view returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256("openledger.acceptance.v1"),
                    31337,
                    grants,
                    dataset,
                    who,
                    licence_,
                    keccak256(publicKey)
                )
            );
    }

    function _grantHash(
        AccessGrants.Terms memory terms,
        uint256 nonce,
        uint256 deadline
    ) private view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Grant(bytes32 dataset,address grantee,bytes32 licence,bytes32 publicKeyHash,uint40 until,bytes encryptedKey,uint256 nonce,uint256 deadline)"
        );
        return
            keccak256(
                abi.encode(
                    typehash,
                    dataset,
                    terms.grantee,
                    terms.licence,
                    terms.publicKeyHash,
                    terms.until,
                    keccak256(terms.encryptedKey),
                    nonce,
                    deadline
                )
            );
    }

    function _renewHash(address who, uint40 until, uint256 nonce, uint256 deadline) private view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Renew(bytes32 dataset,address grantee,uint40 until,uint256 nonce,uint256 deadline)"
        );
        return keccak256(abi.encode(typehash, dataset, who, until, nonce, deadline));
    }

    function _revokeHash(address who, uint256 nonce, uint256 deadline) private view returns (bytes32) {
        bytes32 typehash = keccak256("Revoke(bytes32 dataset,address grantee,uint256 nonce,uint256 deadline)");
        return keccak256(abi.encode(typehash, dataset, who, nonce, deadline));
    }

    function _offerHash(
        bytes32 licence_,
        bool offered,
        uint256 nonce,
        uint256 deadline
    ) private view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Offer(bytes32 dataset,bytes32 licence,bool offered,uint256 nonce,uint256 deadline)"
        );
        return keccak256(abi.encode(typehash, dataset, licence_, offered, nonce, deadline));
    }

    function _sign(uint256 key, bytes32 structHash) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(structHash, 31337, address(grants)));
        return abi.encodePacked(r, s, v);
    }

    function _signElsewhere(
        bytes32 structHash,
        uint256 chainId,
        address target
    ) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(AUTHOR, _digest(structHash, chainId, target));
        return abi.encodePacked(r, s, v);
    }

    function _digest(bytes32 structHash, uint256 chainId, address target) private pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Grants"),
                keccak256("1"),
                chainId,
                target
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _refused(AccessGrants.Terms memory terms, bytes memory reason) private {
        vm.prank(author);
        vm.expectRevert(reason);
        grants.grant(dataset, terms);
    }

    function _unsigned(
        bytes32 id,
        AccessGrants.Terms memory terms,
        uint256 deadline,
        bytes memory signature
    ) private {
        vm.expectRevert(_invalid(author));
        grants.grantFor(id, terms, deadline, signature);
    }

    function _isIn(AccessGrants.Status status, uint256 until, bytes32 acceptance, bytes32 keyHash) private view {
        AccessGrants.Grant memory given = grants.grantOf(dataset, grantee);
        assertEq(uint256(given.status), uint256(status), "status");
        assertEq(given.until, until, "until");
        assertEq(given.acceptance, acceptance, "acceptance");
        assertEq(given.keyHash, keyHash, "keyHash");
    }

    function _invalid(address signer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(AccessGrants.SignatureInvalid.selector, signer);
    }

    function _notAuthor(address caller) private view returns (bytes memory) {
        return abi.encodeWithSelector(AccessGrants.NotAuthor.selector, dataset, author, caller);
    }

    function _notActive(bytes32 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(AccessGrants.RecordNotActive.selector, id);
    }

    function _kind(ProvenanceRegistry.Kind kind) private pure returns (bytes memory) {
        return abi.encodeWithSelector(AccessGrants.KindNotAllowed.selector, kind);
    }

    function _notOffered(bytes32 licence_) private view returns (bytes memory) {
        return abi.encodeWithSelector(AccessGrants.LicenceNotOffered.selector, dataset, licence_);
    }

    function _notAccepted(address who, bytes32 expected, bytes32 actual) private view returns (bytes memory) {
        return abi.encodeWithSelector(AccessGrants.NotAccepted.selector, dataset, who, expected, actual);
    }

    function _keyLength(uint256 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(AccessGrants.KeyLengthOutOfRange.selector, 4096, actual);
    }

    function _term(uint256 earliest, uint256 latest, uint256 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(AccessGrants.GrantTermOutOfRange.selector, earliest, latest, actual);
    }

    function _status(AccessGrants.Status actual) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                AccessGrants.GrantStatus.selector,
                dataset,
                grantee,
                AccessGrants.Status.Granted,
                actual
            );
    }
}
