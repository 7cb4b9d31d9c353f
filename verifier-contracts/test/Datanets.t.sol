// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Datanets} from "../src/Datanets.sol";
import {IGuardian} from "../src/IGuardian.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Nets} from "./Nets.sol";

/// @notice What a verifier says of its shape; put in the place of a registered one.
contract Shape {
    string public statement;
    uint256 public publicCount = 3;
    uint256 public linkCount;
    bool public hasWords;

    function set(string calldata statement_, uint256 publics, uint256 links, bool words) external {
        (statement, publicCount, linkCount, hasWords) = (statement_, publics, links, words);
    }
}

contract DatanetsTest is Nets {
    bytes32 private constant DIGEST = keccak256("a dataset");

    // --- making a datanet ---

    function test_a_datanet_keeps_its_terms() public {
        Datanets.Terms memory terms = _terms(Datanets.Mode.Curated);
        vm.expectEmit();
        emit Datanets.DatanetCreated(1, curator, terms);
        vm.prank(stranger);
        assertEq(datanets.create(terms), 1, "id");
        Datanets.Datanet memory made = datanets.datanetOf(1);
        assertEq(keccak256(abi.encode(made.terms)), keccak256(abi.encode(terms)), "terms");
        assertTrue(!made.closed && !made.listed && made.proposed == address(0), "fresh");
        assertEq(datanets.create(_terms(Datanets.Mode.Open)), 2, "next");
        assertEq(datanets.datanetCount(), 2, "count");
    }

    function test_terms_have_ranges() public {
        Datanets.Mode[2] memory modes = [Datanets.Mode.Open, Datanets.Mode.Curated];
        for (uint256 i = 0; i < 2; ++i) {
            Datanets.Terms memory terms = _terms(modes[i]);
            terms.bond = 1 ether - 1;
            _refusesTerm(terms, Datanets.Term.Bond, 1 ether, type(uint96).max, 1 ether - 1);
            terms.bond = 1 ether;
            terms.maxRows = 0;
            _refusesTerm(terms, Datanets.Term.Rows, 1, type(uint32).max, 0);
            terms.maxRows = 1;
            terms.maxSubmissions = 0;
            _refusesTerm(terms, Datanets.Term.Submissions, 1, type(uint32).max, 0);
            terms.maxSubmissions = 1;
            terms.challengeWindow = 1 days - 1;
            _refusesTerm(terms, Datanets.Term.ChallengeWindow, 1 days, 30 days, 1 days - 1);
            terms.challengeWindow = 30 days + 1;
            _refusesTerm(terms, Datanets.Term.ChallengeWindow, 1 days, 30 days, 30 days + 1);
            terms.challengeWindow = 30 days;
            datanets.create(terms);
            terms.challengeWindow = 1 days;
            datanets.create(terms);
        }
        Datanets.Terms memory curated = _terms(Datanets.Mode.Curated);
        curated.decisionPeriod = 1 days - 1;
        _refusesTerm(curated, Datanets.Term.DecisionPeriod, 1 days, 30 days, 1 days - 1);
        curated.decisionPeriod = 30 days + 1;
        _refusesTerm(curated, Datanets.Term.DecisionPeriod, 1 days, 30 days, 30 days + 1);
        curated.decisionPeriod = 30 days;
        datanets.create(curated);
        curated.decisionPeriod = 1 days;
        datanets.create(curated);
        Datanets.Terms memory open = _terms(Datanets.Mode.Open);
        open.decisionPeriod = 1;
        _refusesTerm(open, Datanets.Term.DecisionPeriod, 0, 0, 1);
        open = _terms(Datanets.Mode.None);
        _refusesTerm(open, Datanets.Term.Mode, 1, 2, 0);
    }

    function test_a_curated_datanet_has_a_curator_and_an_open_one_may_have_none() public {
        Datanets.Terms memory terms = _terms(Datanets.Mode.Curated);
        terms.curator = address(0);
        _expect(abi.encodeWithSelector(Datanets.AddressZero.selector));
        datanets.create(terms);
        terms = _terms(Datanets.Mode.Open);
        terms.curator = address(0);
        uint256 datanet = datanets.create(terms);
        assertTrue(!datanets.isSteward(datanet, address(0)), "no steward");
        _expect(abi.encodeWithSelector(Datanets.NotCurator.selector, datanet, address(0), address(this)));
        datanets.closeDatanet(datanet);
    }

    function test_the_licence_is_an_active_licence() public {
        Datanets.Terms memory terms = _terms(Datanets.Mode.Open);
        terms.licence = "unknown";
        _expect(abi.encodeWithSelector(Datanets.RecordNotActive.selector, terms.licence));
        datanets.create(terms);
        terms.licence = _record(author, DIGEST);
        _expect(abi.encodeWithSelector(Datanets.KindNotAllowed.selector, ProvenanceRegistry.Kind.Dataset));
        datanets.create(terms);
        provenance.revoke(licence);
        terms.licence = licence;
        _expect(abi.encodeWithSelector(Datanets.RecordNotActive.selector, licence));
        datanets.create(terms);
    }

    function test_a_dispute_circuit_is_active_and_made_for_disputes() public {
        Datanets.Terms memory terms = _terms(Datanets.Mode.Open);
        terms.circuit = 0;
        datanets.create(terms);
        terms.circuit = "unknown";
        _expect(abi.encodeWithSelector(VerifierRouter.CircuitUnknown.selector, terms.circuit));
        datanets.create(terms);
        terms.circuit = verifier.circuitId();
        vm.etch(address(verifier), address(new Shape()).code);
        Shape shape = Shape(address(verifier));
        shape.set("dispute-", 2, 0, false);
        datanets.create(terms);
        shape.set("dispute", 2, 0, false);
        _refusesCircuit(terms);
        shape.set("dispute_n256", 2, 0, false);
        _refusesCircuit(terms);
        shape.set("payout-p1-c1024", 2, 0, false);
        _refusesCircuit(terms);
        shape.set("dispute-n256", 1, 0, false);
        _refusesCircuit(terms);
        shape.set("dispute-n256", 2, 1, false);
        _refusesCircuit(terms);
        shape.set("dispute-n256", 2, 0, true);
        _refusesCircuit(terms);
        router.stop(terms.circuit);
        _expect(abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, terms.circuit));
        datanets.create(terms);
    }

    function test_every_part_is_needed() public {
        address[5] memory parts = [
            address(vault),
            address(provenance),
            address(router),
            address(guardian),
            address(this)
        ];
        for (uint256 i = 0; i < 5; ++i) {
            address[5] memory given = parts;
            given[i] = address(0);
            bytes memory arguments = abi.encode(given[0], given[1], given[2], given[3], given[4]);
            bytes memory code = abi.encodePacked(vm.getCode("Datanets.sol:Datanets"), arguments);
            (bool ok, bytes memory answer) = address(new Maker()).call(abi.encodeCall(Maker.make, (code)));
            assertTrue(!ok && bytes4(answer) == Datanets.AddressZero.selector, "zero");
        }
        assertEq(address(datanets.vault()), address(vault), "vault");
        assertEq(address(datanets.provenance()), address(provenance), "provenance");
        assertEq(address(datanets.router()), address(router), "router");
        assertEq(address(datanets.guardian()), address(guardian), "guardian");
        assertEq(datanets.owner(), address(this), "owner");
    }

    // --- curator, stewards, closing, listing ---

    function test_a_curator_hands_over_in_two_steps() public {
        uint256 datanet = _curated();
        vm.expectEmit();
        emit Datanets.CuratorProposed(datanet, rival);
        vm.prank(curator);
        datanets.proposeCurator(datanet, rival);
        // Nothing changes before the other one takes it.
        uint256 submission = _submit(datanet, author, DIGEST);
        vm.prank(rival);
        _expect(abi.encodeWithSelector(Datanets.NotCurator.selector, datanet, curator, rival));
        datanets.accept(submission);
        vm.prank(stranger);
        _expect(abi.encodeWithSelector(Datanets.NotProposedCurator.selector, datanet, rival, stranger));
        datanets.acceptCurator(datanet);
        vm.expectEmit();
        emit Datanets.CuratorChanged(datanet, curator, rival);
        vm.prank(rival);
        datanets.acceptCurator(datanet);
        assertEq(datanets.datanetOf(datanet).terms.curator, rival, "curator");
        assertEq(datanets.datanetOf(datanet).proposed, address(0), "offer is used");
        vm.prank(rival);
        _expect(abi.encodeWithSelector(Datanets.NotProposedCurator.selector, datanet, address(0), rival));
        datanets.acceptCurator(datanet);
        // Whoever curated before has no powers any more.
        vm.startPrank(curator);
        bytes memory refused = abi.encodeWithSelector(Datanets.NotCurator.selector, datanet, rival, curator);
        _expect(refused);
        datanets.accept(submission);
        _expect(refused);
        datanets.reject(submission, Datanets.Reason.Quality, 0, "");
        _expect(refused);
        datanets.proposeCurator(datanet, curator);
        _expect(refused);
        datanets.nameSteward(datanet, curator, true);
        _expect(refused);
        datanets.closeDatanet(datanet);
        vm.stopPrank();
        assertTrue(!datanets.isSteward(datanet, curator), "no steward");
        assertTrue(datanets.isSteward(datanet, rival), "steward");
    }

    function test_an_offer_is_taken_back() public {
        uint256 datanet = _curated();
        vm.startPrank(curator);
        datanets.proposeCurator(datanet, rival);
        datanets.proposeCurator(datanet, address(0));
        vm.stopPrank();
        vm.prank(rival);
        _expect(abi.encodeWithSelector(Datanets.NotProposedCurator.selector, datanet, address(0), rival));
        datanets.acceptCurator(datanet);
    }

    function test_the_curator_names_stewards() public {
        uint256 datanet = _open();
        assertTrue(datanets.isSteward(datanet, curator), "itself");
        assertTrue(!datanets.isSteward(datanet, stranger), "nobody else");
        assertTrue(!datanets.isSteward(9, curator), "elsewhere");
        vm.expectEmit();
        emit Datanets.StewardNamed(datanet, stranger, true);
        vm.prank(curator);
        datanets.nameSteward(datanet, stranger, true);
        assertTrue(datanets.isSteward(datanet, stranger), "named");
        vm.prank(curator);
        datanets.nameSteward(datanet, stranger, false);
        assertTrue(!datanets.isSteward(datanet, stranger), "taken back");
        vm.prank(stranger);
        _expect(abi.encodeWithSelector(Datanets.NotCurator.selector, datanet, curator, stranger));
        datanets.nameSteward(datanet, stranger, true);
    }

    function test_a_closed_datanet_takes_no_submission_and_keeps_what_it_has() public {
        uint256 datanet = _curated();
        uint256 waiting = _submit(datanet, author, DIGEST);
        vm.expectEmit();
        emit Datanets.DatanetClosed(datanet);
        vm.prank(curator);
        datanets.closeDatanet(datanet);
        assertTrue(datanets.datanetOf(datanet).closed, "closed");
        bytes32 record = _record(rival, DIGEST);
        vm.prank(rival);
        _expect(abi.encodeWithSelector(Datanets.DatanetIsClosed.selector, datanet));
        datanets.submit(datanet, record);
        vm.startPrank(curator);
        _expect(abi.encodeWithSelector(Datanets.DatanetIsClosed.selector, datanet));
        datanets.closeDatanet(datanet);
        datanets.accept(waiting);
        vm.stopPrank();
        datanets.checkContribution(datanet, author, DIGEST, ROWS);
    }

    function test_the_owner_lists() public {
        uint256 datanet = _open();
        assertTrue(!datanets.isListed(datanet), "at first");
        vm.expectEmit();
        emit Datanets.DatanetListed(datanet, true);
        datanets.list(datanet, true);
        assertTrue(datanets.isListed(datanet) && !datanets.isListed(datanet + 1), "listed");
        datanets.list(datanet, false);
        assertTrue(!datanets.isListed(datanet), "unlisted");
        vm.prank(curator);
        _expect(abi.encodeWithSelector(Datanets.NotOwner.selector, address(this), curator));
        datanets.list(datanet, true);
    }

    function test_an_unknown_datanet_is_named() public {
        bytes memory unknown = abi.encodeWithSelector(Datanets.DatanetUnknown.selector, 1);
        _expect(unknown);
        datanets.list(1, true);
        _expect(unknown);
        datanets.submit(1, 0);
        _expect(unknown);
        datanets.proposeCurator(1, stranger);
        _expect(unknown);
        datanets.acceptCurator(1);
        _expect(unknown);
        datanets.nameSteward(1, stranger, true);
        vm.prank(address(0));
        _expect(unknown);
        datanets.closeDatanet(1);
    }

    // --- submitting ---

    function test_a_submission_locks_its_bond() public {
        uint256[2] memory nets = [_open(), _curated()];
        uint32[2] memory periods = [WINDOW, PERIOD];
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 digest = keccak256(abi.encode(i));
            bytes32 record = _record(author, digest);
            vm.expectEmit();
            emit Datanets.Submitted(i + 1, nets[i], author, digest, uint40(NOW + periods[i]));
            vm.prank(author);
            assertEq(datanets.submit(nets[i], record), i + 1, "id");
            Datanets.Submission memory made = datanets.submissionOf(i + 1);
            assertEq(made.contributor, author, "contributor");
            assertEq(made.due, NOW + periods[i], "due");
            assertEq(made.datanet, nets[i], "datanet");
            assertEq(made.digest, digest, "digest");
            assertEq(made.challenges, 0, "challenges");
            _isIn(i + 1, Datanets.Status.Pending);
            _holds(author, (2 - i) * BOND, (i + 1) * BOND);
            assertEq(datanets.latestOf(nets[i], author, digest), i + 1, "latest");
            assertEq(datanets.standingOf(nets[i], author), 1, "standing");
        }
        assertEq(datanets.submissionCount(), 2, "count");
    }

    function test_only_an_active_dataset_of_the_caller_is_submitted() public {
        uint256 datanet = _open();
        vm.startPrank(author);
        _expect(abi.encodeWithSelector(Datanets.RecordNotActive.selector, bytes32("none")));
        datanets.submit(datanet, "none");
        _expect(abi.encodeWithSelector(Datanets.KindNotAllowed.selector, ProvenanceRegistry.Kind.Licence));
        datanets.submit(datanet, licence);
        bytes32 revoked = provenance.register(ProvenanceRegistry.Kind.Dataset, DIGEST, 0);
        provenance.revoke(revoked);
        _expect(abi.encodeWithSelector(Datanets.RecordNotActive.selector, revoked));
        datanets.submit(datanet, revoked);
        vm.stopPrank();
        bytes32 foreign = _record(rival, DIGEST);
        vm.prank(author);
        _expect(abi.encodeWithSelector(Datanets.NotAuthor.selector, foreign, rival, author));
        datanets.submit(datanet, foreign);
    }

    function test_a_submission_needs_free_stake() public {
        uint256 datanet = _open();
        bytes32 record = _record(stranger, DIGEST);
        _stake(stranger, BOND - 1);
        vm.prank(stranger);
        _expect(
            abi.encodeWithSelector(
                StakeVault.FreeStakeTooLow.selector,
                address(datanets),
                stranger,
                BOND - 1,
                BOND
            )
        );
        datanets.submit(datanet, record);
        _stake(stranger, 1);
        vm.prank(stranger);
        datanets.submit(datanet, record);
        _holds(stranger, 0, BOND);
    }

    function test_so_many_stand_at_a_time() public {
        uint256 datanet = _open();
        uint256 first = _submit(datanet, author, "one");
        _submit(datanet, author, "two");
        bytes32 third = _record(author, "three");
        vm.prank(author);
        _expect(abi.encodeWithSelector(Datanets.TooManySubmissions.selector, datanet, 2));
        datanets.submit(datanet, third);
        // Another datanet and another contributor have counts of their own.
        _submit(_open(), author, "three");
        _submit(datanet, rival, "three");
        _leave(first);
        vm.prank(author);
        _expect(abi.encodeWithSelector(Datanets.TooManySubmissions.selector, datanet, 2));
        datanets.submit(datanet, third);
        vm.warp(NOW + WINDOW);
        datanets.withdraw(first);
        assertEq(datanets.standingOf(datanet, author), 1, "standing");
        vm.prank(author);
        datanets.submit(datanet, third);
        assertEq(datanets.standingOf(datanet, author), 2, "standing again");
    }

    function test_a_digest_stands_once_and_is_submitted_again_after_each_end() public {
        uint256 datanet = _curated();
        uint256 first = _accepted(datanet, DIGEST);
        bytes32 record = _recordId(author, DIGEST);
        bytes memory stands = abi.encodeWithSelector(Datanets.SubmissionStands.selector, first);
        vm.startPrank(author);
        _expect(stands);
        datanets.submit(datanet, record);
        datanets.startWithdrawal(first);
        _expect(stands);
        datanets.submit(datanet, record);
        vm.warp(NOW + WINDOW);
        datanets.withdraw(first);
        uint256 second = datanets.submit(datanet, record);
        assertTrue(second != first, "another");
        vm.stopPrank();
        vm.prank(curator);
        datanets.reject(second, Datanets.Reason.Format, 0, "");
        uint256 third = _submit(datanet, author, DIGEST);
        vm.warp(NOW + WINDOW + PERIOD);
        _isIn(third, Datanets.Status.Lapsed);
        vm.prank(author);
        _expect(abi.encodeWithSelector(Datanets.SubmissionStands.selector, third));
        datanets.submit(datanet, record);
        datanets.withdraw(third);
        uint256 fourth = _submit(datanet, author, DIGEST);
        datanets.decide(_challenge(challenger, fourth), true);
        uint256 fifth = _submit(datanet, author, DIGEST);
        assertEq(datanets.latestOf(datanet, author, DIGEST), fifth, "latest");
        _isIn(fourth, Datanets.Status.Removed);
        _isIn(fifth, Datanets.Status.Pending);
    }

    // --- acceptance ---

    function test_time_accepts_in_an_open_datanet() public {
        uint256 datanet = _open();
        uint256 submission = _submit(datanet, author, DIGEST);
        vm.warp(NOW + WINDOW - 1);
        _isIn(submission, Datanets.Status.Pending);
        _refusesContribution(datanet, author, DIGEST, Datanets.Status.Pending);
        vm.warp(NOW + WINDOW);
        _isIn(submission, Datanets.Status.Accepted);
        datanets.checkContribution(datanet, author, DIGEST, 1);
        _holds(author, 2 * BOND, BOND);
    }

    function test_the_curator_accepts() public {
        uint256 datanet = _curated();
        uint256 submission = _submit(datanet, author, DIGEST);
        vm.warp(NOW + WINDOW);
        _refusesContribution(datanet, author, DIGEST, Datanets.Status.Pending);
        vm.warp(NOW + PERIOD - 1);
        vm.expectEmit();
        emit Datanets.SubmissionAccepted(submission, curator);
        vm.prank(curator);
        datanets.accept(submission);
        datanets.checkContribution(datanet, author, DIGEST, 1);
        vm.warp(NOW + 1000 days);
        datanets.checkContribution(datanet, author, DIGEST, 1);
    }

    function test_the_curator_rejects_with_a_reason_and_the_bond_is_free() public {
        uint256 datanet = _curated();
        uint256 submission = _submit(datanet, author, DIGEST);
        vm.warp(NOW + PERIOD - 1);
        vm.expectEmit();
        emit Datanets.SubmissionRejected(submission, curator, Datanets.Reason.Privacy, "why", "ipfs://why");
        vm.prank(curator);
        datanets.reject(submission, Datanets.Reason.Privacy, "why", "ipfs://why");
        _isIn(submission, Datanets.Status.Rejected);
        _holds(author, 3 * BOND, 0);
        assertEq(datanets.standingOf(datanet, author), 0, "standing");
        _refusesContribution(datanet, author, DIGEST, Datanets.Status.Rejected);
        vm.prank(curator);
        _expectStatus(submission, Datanets.Status.Rejected);
        datanets.accept(submission);
    }

    function test_a_silent_curator_blocks_no_bond() public {
        uint256 datanet = _curated();
        uint256 submission = _submit(datanet, author, DIGEST);
        _expectStatus(submission, Datanets.Status.Pending);
        datanets.withdraw(submission);
        vm.warp(NOW + PERIOD - 1);
        _isIn(submission, Datanets.Status.Pending);
        vm.warp(NOW + PERIOD);
        _isIn(submission, Datanets.Status.Lapsed);
        vm.startPrank(curator);
        _expectStatus(submission, Datanets.Status.Lapsed);
        datanets.accept(submission);
        _expectStatus(submission, Datanets.Status.Lapsed);
        datanets.reject(submission, Datanets.Reason.Quality, 0, "");
        vm.stopPrank();
        vm.prank(author);
        _expectStatus(submission, Datanets.Status.Lapsed);
        datanets.startWithdrawal(submission);
        _refusesContribution(datanet, author, DIGEST, Datanets.Status.Lapsed);
        vm.expectEmit();
        emit Datanets.SubmissionWithdrawn(submission);
        vm.prank(stranger);
        datanets.withdraw(submission);
        _isIn(submission, Datanets.Status.Withdrawn);
        _holds(author, 3 * BOND, 0);
        assertEq(datanets.standingOf(datanet, author), 0, "standing");
    }

    function test_only_the_curator_of_a_curated_datanet_decides() public {
        uint256 submission = _submit(_curated(), author, DIGEST);
        uint256 open = _submit(_open(), author, DIGEST);
        vm.startPrank(author);
        _expect(abi.encodeWithSelector(Datanets.NotCurator.selector, 1, curator, author));
        datanets.accept(submission);
        _expect(abi.encodeWithSelector(Datanets.NotCurator.selector, 1, curator, author));
        datanets.reject(submission, Datanets.Reason.Quality, 0, "");
        vm.stopPrank();
        vm.startPrank(curator);
        _expect(abi.encodeWithSelector(Datanets.NotCurated.selector, 2));
        datanets.accept(open);
        _expect(abi.encodeWithSelector(Datanets.NotCurated.selector, 2));
        datanets.reject(open, Datanets.Reason.Quality, 0, "");
        _expectStatus(9, Datanets.Status.None);
        datanets.accept(9);
        datanets.accept(submission);
        _expectStatus(submission, Datanets.Status.Accepted);
        datanets.accept(submission);
        // What is accepted cannot be rejected afterwards.
        _expectStatus(submission, Datanets.Status.Accepted);
        datanets.reject(submission, Datanets.Reason.Quality, 0, "");
        vm.stopPrank();
    }

    function test_rows_are_limited_per_contribution() public {
        uint256 datanet = _curated();
        _accepted(datanet, DIGEST);
        datanets.checkContribution(datanet, author, DIGEST, ROWS);
        _expect(abi.encodeWithSelector(Datanets.TooManyRows.selector, ROWS, ROWS + 1));
        datanets.checkContribution(datanet, author, DIGEST, ROWS + 1);
        _refusesContribution(datanet, rival, DIGEST, Datanets.Status.None);
        _refusesContribution(datanet, author, keccak256("another"), Datanets.Status.None);
        _refusesContribution(_curated(), author, DIGEST, Datanets.Status.None);
        _refusesContribution(0, author, DIGEST, Datanets.Status.None);
    }

    // --- withdrawal ---

    function test_a_withdrawal_takes_a_challenge_window() public {
        uint256 datanet = _curated();
        uint256 submission = _accepted(datanet, DIGEST);
        vm.expectEmit();
        emit Datanets.WithdrawalStarted(submission, uint40(NOW + WINDOW));
        _leave(submission);
        _isIn(submission, Datanets.Status.Leaving);
        _refusesContribution(datanet, author, DIGEST, Datanets.Status.Leaving);
        vm.prank(author);
        _expectStatus(submission, Datanets.Status.Leaving);
        datanets.startWithdrawal(submission);
        vm.warp(NOW + WINDOW - 1);
        _expect(abi.encodeWithSelector(Datanets.StillLeaving.selector, submission, NOW + WINDOW));
        datanets.withdraw(submission);
        _holds(author, 2 * BOND, BOND);
        vm.warp(NOW + WINDOW);
        vm.prank(stranger);
        datanets.withdraw(submission);
        _isIn(submission, Datanets.Status.Withdrawn);
        _holds(author, 3 * BOND, 0);
        _expectStatus(submission, Datanets.Status.Withdrawn);
        datanets.withdraw(submission);
    }

    function test_a_pending_submission_is_withdrawn_too() public {
        uint256[2] memory submissions = [_submit(_open(), author, DIGEST), _submit(_curated(), author, DIGEST)];
        vm.warp(NOW + 1 days);
        for (uint256 i = 0; i < 2; ++i) _leave(submissions[i]);
        // Neither time nor the curator accepts what is leaving.
        vm.warp(NOW + 1 days + WINDOW);
        vm.prank(curator);
        _expectStatus(submissions[1], Datanets.Status.Leaving);
        datanets.accept(submissions[1]);
        for (uint256 i = 0; i < 2; ++i) {
            _isIn(submissions[i], Datanets.Status.Leaving);
            datanets.withdraw(submissions[i]);
        }
        _holds(author, 3 * BOND, 0);
    }

    function test_only_the_contributor_withdraws() public {
        uint256 submission = _accepted(_curated(), DIGEST);
        _expectStatus(submission, Datanets.Status.Accepted);
        datanets.withdraw(submission);
        vm.prank(curator);
        _expect(abi.encodeWithSelector(Datanets.NotContributor.selector, submission, author, curator));
        datanets.startWithdrawal(submission);
        _expectStatus(9, Datanets.Status.None);
        datanets.withdraw(9);
        vm.prank(address(0));
        _expectStatus(9, Datanets.Status.None);
        datanets.startWithdrawal(9);
    }

    function test_what_time_accepted_is_written_down_when_it_leaves() public {
        uint256 submission = _submit(_open(), author, DIGEST);
        vm.warp(NOW + WINDOW);
        vm.expectEmit();
        emit Datanets.SubmissionAccepted(submission, address(0));
        vm.expectEmit();
        emit Datanets.WithdrawalStarted(submission, uint40(NOW + 2 * WINDOW));
        _leave(submission);
    }

    // --- the guardian, and the end of the service ---

    function test_a_pause_stops_intake_and_no_exit() public {
        uint256 datanet = _curated();
        uint256 accepted = _accepted(datanet, DIGEST);
        uint256 pending = _submit(datanet, author, "second");
        bytes32 record = _record(author, "third");
        Datanets.Terms memory terms = _terms(Datanets.Mode.Open);
        vm.prank(member);
        guardian.pause(14 days, "drill");
        bytes memory paused = abi.encodeWithSelector(IGuardian.IntakePaused.selector, NOW + 14 days);
        _expect(paused);
        datanets.create(terms);
        vm.prank(author);
        _expect(paused);
        datanets.submit(datanet, record);
        uint256 dispute = _challenge(challenger, accepted);
        vm.prank(curator);
        datanets.reject(pending, Datanets.Reason.Quality, 0, "");
        datanets.decide(dispute, false);
        dispute = _challenge(rival, accepted);
        _leave(accepted);
        uint256[] memory publics = _rows(5);
        vm.prank(stranger);
        datanets.resolve(dispute, 0, publics, _proof(accepted, rival, DIGEST, 0, 5));
        _holds(author, 2 * BOND, 0);
        assertEq(datanets.datanetCount(), 1, "paused");
    }

    function test_after_the_end_of_the_service_everybody_leaves() public {
        uint256 datanet = _curated();
        uint256 submission = _accepted(datanet, DIGEST);
        uint256 dispute = _challenge(challenger, submission);
        vault.retireService(address(datanets));
        vm.warp(NOW + 30 days);
        vault.withdraw(address(datanets), author);
        vault.withdraw(address(datanets), challenger);
        assertEq(token.balanceOf(author), 3 * BOND, "author");
        assertEq(token.balanceOf(challenger), 3 * BOND, "challenger");
        // The rest of the way is open and moves nothing.
        datanets.closeChallenge(dispute);
        _leave(submission);
        vm.warp(NOW + 30 days + WINDOW);
        datanets.withdraw(submission);
        _holds(author, 0, 0);
        assertEq(vault.caseCount(), 0, "no case");
    }

    // --- parts ---

    function _refusesTerm(
        Datanets.Terms memory terms,
        Datanets.Term term,
        uint256 minimum,
        uint256 maximum,
        uint256 actual
    ) private {
        _expect(
            abi.encodeWithSelector(Datanets.DatanetTermOutOfRange.selector, term, minimum, maximum, actual)
        );
        datanets.create(terms);
    }

    function _refusesCircuit(Datanets.Terms memory terms) private {
        _expect(abi.encodeWithSelector(Datanets.DisputeCircuitUnfit.selector, terms.circuit));
        datanets.create(terms);
    }

    function _refusesContribution(
        uint256 datanet,
        address who,
        bytes32 digest,
        Datanets.Status actual
    ) private {
        _expect(abi.encodeWithSelector(Datanets.SubmissionNotAccepted.selector, datanet, who, digest, actual));
        datanets.checkContribution(datanet, who, digest, 1);
    }
}

/// @notice Deploys code and passes its reason on.
contract Maker {
    function make(bytes calldata code) external {
        bytes memory copy = code;
        assembly ("memory-safe") {
            let made := create(0, add(copy, 0x20), mload(copy))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
}
