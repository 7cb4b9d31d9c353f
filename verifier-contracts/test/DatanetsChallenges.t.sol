// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {Datanets} from "../src/Datanets.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {ProvenanceRegistry} from "../src/ProvenanceRegistry.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Nets} from "./Nets.sol";

contract DatanetsChallengesTest is Nets {
    bytes32 private constant DIGEST = keccak256("a dataset");
    bytes32 private constant EARLIER = keccak256("an earlier dataset");

    uint256 private datanet;
    uint256 private submission;

    function setUp() public override {
        super.setUp();
        datanet = _curated();
        _record(rival, EARLIER);
        vm.warp(NOW + 1);
        submission = _accepted(datanet, DIGEST);
        vm.warp(NOW);
    }

    // --- making a challenge ---

    function test_a_challenge_locks_a_bond_of_the_same_size() public {
        vm.expectEmit();
        emit Datanets.Challenged(1, submission, challenger, uint40(NOW + DISPUTE), EVIDENCE, "ipfs://evidence");
        assertEq(_challenge(challenger, submission), 1, "id");
        Datanets.Challenge memory made = datanets.challengeOf(1);
        assertEq(made.challenger, challenger, "challenger");
        assertEq(made.due, NOW + DISPUTE, "due");
        assertEq(made.submission, submission, "submission");
        assertEq(made.evidence, EVIDENCE, "evidence");
        _isRuled(1, Datanets.Ruling.Open);
        _holds(challenger, 2 * BOND, BOND);
        assertEq(datanets.submissionOf(submission).challenges, 1, "challenges");
        assertEq(datanets.challengeCount(), 1, "count");
    }

    function test_a_challenge_needs_free_stake_evidence_and_another_caller() public {
        vm.prank(stranger);
        _expect(
            abi.encodeWithSelector(StakeVault.FreeStakeTooLow.selector, address(datanets), stranger, 0, BOND)
        );
        datanets.challenge(submission, EVIDENCE, "");
        vm.prank(challenger);
        _expect(abi.encodeWithSelector(Datanets.DigestZero.selector));
        datanets.challenge(submission, 0, "");
        vm.prank(author);
        _expect(abi.encodeWithSelector(Datanets.OwnSubmission.selector, submission));
        datanets.challenge(submission, EVIDENCE, "");
        _expectStatus(9, Datanets.Status.None);
        datanets.challenge(9, EVIDENCE, "");
    }

    function test_what_waits_or_leaves_is_challenged_before_its_time_ends() public {
        uint256 open = _submit(_open(), author, DIGEST);
        uint256 curated = _submit(_curated(), author, DIGEST);
        _leave(submission);
        vm.warp(NOW + WINDOW - 1);
        uint256[3] memory all = [open, curated, submission];
        for (uint256 i = 0; i < 3; ++i) _isRuled(_challenge(challenger, all[i]), Datanets.Ruling.Open);
        vm.warp(NOW + WINDOW);
        bytes4 late = Datanets.SubmissionPastChallenge.selector;
        _refusesChallenge(open, abi.encodeWithSelector(late, open, NOW + WINDOW));
        _refusesChallenge(submission, abi.encodeWithSelector(late, submission, NOW + WINDOW));
        vm.warp(NOW + PERIOD - 1);
        _challenge(rival, curated);
        vm.warp(NOW + PERIOD);
        _refusesChallenge(curated, _wrong(curated, Datanets.Status.Lapsed));
    }

    function test_what_is_accepted_is_challenged_at_any_time() public {
        uint256 open = _submit(_open(), author, DIGEST);
        vm.warp(NOW + WINDOW);
        vm.expectEmit();
        emit Datanets.SubmissionAccepted(open, address(0));
        _challenge(challenger, open);
        vm.warp(NOW + 1000 days);
        _challenge(challenger, open);
        _challenge(rival, submission);
        // Time had accepted it: a challenge does not make it pending again.
        _isIn(open, Datanets.Status.Accepted);
    }

    function test_what_came_to_its_end_is_not_challenged() public {
        uint256 open = _submit(datanet, author, "rejected");
        vm.prank(curator);
        datanets.reject(open, Datanets.Reason.Quality, 0, "");
        _refusesChallenge(open, _wrong(open, Datanets.Status.Rejected));
        datanets.decide(_challenge(challenger, submission), true);
        _refusesChallenge(submission, _wrong(submission, Datanets.Status.Removed));
        uint256 left = _submit(_open(), author, "left");
        _leave(left);
        vm.warp(NOW + WINDOW);
        datanets.withdraw(left);
        _refusesChallenge(left, _wrong(left, Datanets.Status.Withdrawn));
    }

    function test_the_count_of_open_challenges_has_an_end() public {
        for (uint256 base = 0; base < 16; ++base) {
            bytes32 slot = keccak256(abi.encode(submission, base));
            bytes32 packed = vm.load(address(datanets), slot);
            if (address(uint160(uint256(packed))) != author) continue;
            vm.store(address(datanets), slot, bytes32(uint256(packed) | (uint256(type(uint16).max - 1) << 240)));
        }
        assertEq(datanets.submissionOf(submission).challenges, 65534, "prepared");
        _challenge(challenger, submission);
        _refusesChallenge(
            submission,
            abi.encodeWithSelector(Datanets.TooManyChallenges.selector, submission, 65535)
        );
    }

    // --- upheld by a proof ---

    function test_a_proof_removes_and_slashes() public {
        uint256 id = _challenge(challenger, submission);
        Proof memory proof = _proof(submission, challenger, DIGEST, EARLIER, 7);
        vm.warp(NOW + DISPUTE - 1);
        vm.expectEmit();
        emit Datanets.ChallengeUpheld(id, submission, true, 1, BOND);
        vm.prank(stranger);
        datanets.resolve(id, _recordId(rival, EARLIER), _rows(7), proof);
        _isRuled(id, Datanets.Ruling.Upheld);
        _isIn(submission, Datanets.Status.Removed);
        _holds(author, 2 * BOND, 0);
        _holds(challenger, 3 * BOND, 0);
        assertEq(datanets.submissionOf(submission).challenges, 0, "challenges");
        assertEq(datanets.standingOf(datanet, author), 0, "standing");
        StakeVault.Case memory made = vault.caseOf(1);
        assertEq(made.owner, author, "accused");
        assertEq(made.challenger, challenger, "beneficiary");
        assertEq(made.amount, BOND, "amount");
        vm.warp(NOW + DISPUTE - 1 + APPEAL);
        vault.settle(1);
        assertEq(vault.creditOf(challenger), BOND / 2, "challenger's share");
        assertEq(vault.creditOf(treasury), BOND / 2, "treasury");
        _expect(abi.encodeWithSelector(Datanets.SubmissionNotAccepted.selector, datanet, author, DIGEST, 7));
        datanets.checkContribution(datanet, author, DIGEST, 1);
    }

    function test_a_proof_without_an_original_has_zero_in_its_place() public {
        uint256 id = _challenge(challenger, submission);
        datanets.resolve(id, 0, _rows(7), _proof(submission, challenger, DIGEST, 0, 7));
        _isRuled(id, Datanets.Ruling.Upheld);
    }

    /// Each changes one thing of what was proven.
    function test_a_proof_of_something_else_is_refused() public {
        uint256 id = _challenge(challenger, submission);
        uint256 other = _challenge(rival, submission);
        bytes32 earlier = _recordId(rival, EARLIER);
        bytes memory rejected = abi.encodeWithSelector(IVerifier.ProofRejected.selector);
        _refusesProof(id, earlier, 8, _proof(submission, challenger, DIGEST, EARLIER, 7), rejected);
        _refusesProof(id, 0, 7, _proof(submission, challenger, DIGEST, EARLIER, 7), rejected);
        _refusesProof(id, earlier, 7, _proof(submission, challenger, DIGEST, 0, 7), rejected);
        _refusesProof(id, earlier, 7, _proof(submission, challenger, EARLIER, EARLIER, 7), rejected);
        _refusesProof(id, earlier, 7, _proof(submission + 1, challenger, DIGEST, EARLIER, 7), rejected);
        _refusesProof(id, earlier, 7, _proof(submission, rival, DIGEST, EARLIER, 7), rejected);
        _refusesProof(other, earlier, 7, _proof(submission, challenger, DIGEST, EARLIER, 7), rejected);
        Proof memory good = _proof(submission, challenger, DIGEST, EARLIER, 7);
        vm.chainId(1);
        _refusesProof(id, earlier, 7, good, rejected);
        vm.chainId(31337);
        uint256[] memory none = new uint256[](0);
        _expect(abi.encodeWithSelector(IVerifier.PublicCount.selector, 3, 2));
        datanets.resolve(id, earlier, none, good);
        uint256[] memory many = new uint256[](31);
        _expect(abi.encodeWithSelector(Datanets.TooManyPublics.selector, 30, 31));
        datanets.resolve(id, earlier, many, good);
        _expect(abi.encodeWithSelector(IVerifier.PublicCount.selector, 3, 32));
        datanets.resolve(id, earlier, new uint256[](30), good);
        datanets.resolve(id, earlier, _rows(7), good);
    }

    function test_the_original_is_an_earlier_dataset_of_another_digest() public {
        uint256 id = _challenge(challenger, submission);
        bytes4 unfit = Datanets.OriginalUnfit.selector;
        // Made in the same second as the submission's record, and later.
        vm.warp(NOW + 1);
        bytes32 same = _record(rival, "same");
        _refusesProof(id, same, 7, _proof(submission, challenger, DIGEST, "same", 7), abi.encodeWithSelector(unfit, same));
        vm.warp(NOW + 2);
        bytes32 late = _record(rival, "late");
        _refusesProof(id, late, 7, _proof(submission, challenger, DIGEST, "late", 7), abi.encodeWithSelector(unfit, late));
        _refusesProof(
            id,
            licence,
            7,
            _proof(submission, challenger, DIGEST, keccak256("licence"), 7),
            abi.encodeWithSelector(unfit, licence)
        );
        bytes32 unknown = "unknown";
        _refusesProof(id, unknown, 7, _proof(submission, challenger, DIGEST, 0, 7), abi.encodeWithSelector(unfit, unknown));
        vm.warp(NOW);
        bytes32 copy = _record(rival, DIGEST);
        _refusesProof(id, copy, 7, _proof(submission, challenger, DIGEST, DIGEST, 7), abi.encodeWithSelector(unfit, copy));
        // A revoked one counts: it was made when it was made. So does one of the same author.
        bytes32 earlier = _record(author, "own");
        vm.prank(author);
        provenance.revoke(earlier);
        datanets.resolve(id, earlier, _rows(7), _proof(submission, challenger, DIGEST, "own", 7));
    }

    function test_a_digest_enters_the_field_reduced() public {
        bytes32 large = bytes32(type(uint256).max);
        bytes32 larger = bytes32(type(uint256).max - 1);
        _record(rival, larger);
        vm.warp(NOW + 1);
        uint256 target = _submit(datanet, author, large);
        uint256 id = _challenge(challenger, target);
        assertTrue(uint256(large) >= BN254.R, "above r");
        datanets.resolve(id, _recordId(rival, larger), _rows(1), _proof(target, challenger, large, larger, 1));
        _isIn(target, Datanets.Status.Removed);
    }

    function test_nothing_is_proven_without_a_circuit_or_with_a_stopped_one() public {
        Datanets.Terms memory terms = _terms(Datanets.Mode.Open);
        terms.circuit = 0;
        uint256 plain = datanets.create(terms);
        uint256 target = _submit(plain, author, "plain");
        uint256 id = _challenge(challenger, target);
        _refusesProof(
            id,
            0,
            7,
            _proof(target, challenger, "plain", 0, 7),
            abi.encodeWithSelector(Datanets.NoDisputeCircuit.selector, plain)
        );
        datanets.decide(id, true);
        id = _challenge(challenger, submission);
        bytes32 circuit = verifier.circuitId();
        router.stop(circuit);
        _refusesProof(
            id,
            0,
            7,
            _proof(submission, challenger, DIGEST, 0, 7),
            abi.encodeWithSelector(VerifierRouter.CircuitStopped.selector, circuit)
        );
        datanets.decide(id, true);
    }

    function test_a_proof_comes_in_time() public {
        uint256 id = _challenge(challenger, submission);
        Proof memory proof = _proof(submission, challenger, DIGEST, 0, 7);
        vm.warp(NOW + DISPUTE);
        _refusesProof(id, 0, 7, proof, abi.encodeWithSelector(Datanets.RulingTooLate.selector, id, NOW + DISPUTE));
        datanets.closeChallenge(id);
        _refusesProof(
            id,
            0,
            7,
            proof,
            abi.encodeWithSelector(Datanets.ChallengeOver.selector, id, Datanets.Ruling.Dismissed)
        );
        _refusesProof(9, 0, 7, proof, abi.encodeWithSelector(Datanets.ChallengeOver.selector, 9, 0));
    }

    // --- decided by the owner, or by time ---

    function test_the_owner_upholds() public {
        uint256 id = _challenge(challenger, submission);
        vm.warp(NOW + DISPUTE - 1);
        vm.expectEmit();
        emit Datanets.ChallengeUpheld(id, submission, false, 1, BOND);
        datanets.decide(id, true);
        _isIn(submission, Datanets.Status.Removed);
        _holds(author, 2 * BOND, 0);
        _holds(challenger, 3 * BOND, 0);
        _expect(abi.encodeWithSelector(Datanets.ChallengeOver.selector, id, Datanets.Ruling.Upheld));
        datanets.decide(id, false);
    }

    function test_the_owner_dismisses() public {
        uint256 id = _challenge(challenger, submission);
        vm.expectEmit();
        emit Datanets.ChallengeDismissed(id, submission, false, 1, BOND);
        datanets.decide(id, false);
        _isRuled(id, Datanets.Ruling.Dismissed);
        _isIn(submission, Datanets.Status.Accepted);
        _holds(author, 2 * BOND, BOND);
        _holds(challenger, 2 * BOND, 0);
        assertEq(datanets.submissionOf(submission).challenges, 0, "challenges");
        assertEq(vault.caseOf(1).owner, challenger, "accused");
        assertEq(vault.caseOf(1).challenger, author, "beneficiary");
        vm.warp(NOW + APPEAL);
        vault.settle(1);
        assertEq(vault.creditOf(author), BOND / 2, "the submitter's share");
    }

    function test_only_the_owner_decides_and_in_time() public {
        uint256 id = _challenge(challenger, submission);
        address[4] memory others = [author, challenger, curator, member];
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(others[i]);
            _expect(abi.encodeWithSelector(Datanets.NotOwner.selector, address(this), others[i]));
            datanets.decide(id, true);
        }
        vm.warp(NOW + DISPUTE);
        _expect(abi.encodeWithSelector(Datanets.RulingTooLate.selector, id, NOW + DISPUTE));
        datanets.decide(id, true);
    }

    function test_time_dismisses() public {
        uint256 id = _challenge(challenger, submission);
        vm.warp(NOW + DISPUTE - 1);
        _expect(abi.encodeWithSelector(Datanets.RulingTooEarly.selector, id, NOW + DISPUTE));
        datanets.closeChallenge(id);
        vm.warp(NOW + DISPUTE);
        vm.expectEmit();
        emit Datanets.ChallengeDismissed(id, submission, true, 1, BOND);
        vm.prank(stranger);
        datanets.closeChallenge(id);
        _holds(challenger, 2 * BOND, 0);
        assertEq(vault.caseOf(1).challenger, author, "beneficiary");
        _expect(abi.encodeWithSelector(Datanets.ChallengeOver.selector, id, Datanets.Ruling.Dismissed));
        datanets.closeChallenge(id);
        _expect(abi.encodeWithSelector(Datanets.ChallengeOver.selector, 9, Datanets.Ruling.None));
        datanets.closeChallenge(9);
    }

    function test_a_challenge_holds_the_bond_and_a_time_that_ended_is_counted_on() public {
        uint256 open = _submit(_open(), author, DIGEST);
        uint256 id = _challenge(challenger, open);
        vm.warp(NOW + WINDOW);
        _isIn(open, Datanets.Status.Pending);
        datanets.decide(id, false);
        _isIn(open, Datanets.Status.Accepted);
    }

    function test_a_challenged_submission_may_leave_and_its_bond_waits() public {
        uint256 id = _challenge(challenger, submission);
        _leave(submission);
        vm.warp(NOW + WINDOW);
        bytes memory held = abi.encodeWithSelector(Datanets.StillChallenged.selector, submission, 1);
        _expect(held);
        datanets.withdraw(submission);
        vm.warp(NOW + DISPUTE);
        _expect(held);
        datanets.withdraw(submission);
        datanets.closeChallenge(id);
        datanets.withdraw(submission);
        _holds(author, 3 * BOND, 0);
    }

    function test_a_lapsed_submission_waits_for_its_challenges_too() public {
        uint256 waiting = _submit(datanet, author, "waiting");
        uint256 id = _challenge(challenger, waiting);
        vm.warp(NOW + PERIOD);
        _expect(abi.encodeWithSelector(Datanets.StillChallenged.selector, waiting, 1));
        datanets.withdraw(waiting);
        datanets.decide(id, true);
        _isIn(waiting, Datanets.Status.Removed);
        _holds(author, BOND, BOND);
    }

    function test_other_challenges_of_a_removed_submission_lose_nothing() public {
        uint256 first = _challenge(challenger, submission);
        uint256 second = _challenge(rival, submission);
        datanets.decide(second, true);
        _expectStatus(submission, Datanets.Status.Removed);
        datanets.decide(first, true);
        Proof memory proof = _proof(submission, challenger, DIGEST, 0, 7);
        _refusesProof(first, 0, 7, proof, _wrong(submission, Datanets.Status.Removed));
        vm.expectEmit();
        emit Datanets.ChallengeMoot(first, submission);
        datanets.closeChallenge(first);
        _isRuled(first, Datanets.Ruling.Moot);
        _holds(challenger, 3 * BOND, 0);
        _holds(author, 2 * BOND, 0);
        assertEq(datanets.submissionOf(submission).challenges, 0, "challenges");
        assertEq(vault.caseCount(), 1, "one case");
    }

    function test_several_bonds_of_one_wallet_are_apart() public {
        uint256 other = _accepted(datanet, "other");
        uint256 first = _challenge(challenger, submission);
        uint256 second = _challenge(challenger, other);
        _holds(author, BOND, 2 * BOND);
        _holds(challenger, BOND, 2 * BOND);
        datanets.decide(first, true);
        datanets.decide(second, false);
        _holds(author, BOND, BOND);
        _holds(challenger, 2 * BOND, 0);
        _leave(other);
        vm.warp(NOW + WINDOW);
        datanets.withdraw(other);
        _holds(author, 2 * BOND, 0);
    }

    function test_an_overturned_verdict_gives_the_bond_back_and_another_try() public {
        datanets.decide(_challenge(challenger, submission), true);
        vm.prank(author);
        vault.appeal(1, "not so");
        vault.decide(1, false);
        _holds(author, 3 * BOND, 0);
        _isIn(submission, Datanets.Status.Removed);
        _isIn(_accepted(datanet, DIGEST), Datanets.Status.Accepted);
    }

    // --- attacks ---

    /// A thief sees the digest in a pending transaction, records and submits it first, and gets nothing by it.
    function test_a_copied_digest_takes_no_place_and_hurts_nobody() public {
        bytes32 digest = "pending";
        uint256 copy = _submit(datanet, rival, digest);
        vm.warp(NOW + 1);
        uint256 genuine = _accepted(datanet, digest);
        _isIn(genuine, Datanets.Status.Accepted);
        _isIn(copy, Datanets.Status.Pending);
        datanets.checkContribution(datanet, author, digest, 1);
        _expect(abi.encodeWithSelector(Datanets.SubmissionNotAccepted.selector, datanet, rival, digest, 1));
        datanets.checkContribution(datanet, rival, digest, 1);
        // The thief's record is older; it is no original of the author's, whatever the circuit proves of equal digests.
        uint256 id = _challenge(rival, genuine);
        bytes32 stolen = _recordId(rival, digest);
        _refusesProof(
            id,
            stolen,
            7,
            _proof(genuine, rival, digest, digest, 7),
            abi.encodeWithSelector(Datanets.OriginalUnfit.selector, stolen)
        );
        vm.warp(NOW + 1 + DISPUTE);
        datanets.closeChallenge(id);
        _holds(rival, BOND, BOND);
    }

    /// A proof in a pending transaction wins no other challenge, and whoever sends it wins for its maker.
    function test_a_copied_proof_wins_for_its_maker() public {
        uint256 id = _challenge(challenger, submission);
        Proof memory proof = _proof(submission, challenger, DIGEST, 0, 7);
        uint256 copied = _challenge(rival, submission);
        _refusesProof(copied, 0, 7, proof, abi.encodeWithSelector(IVerifier.ProofRejected.selector));
        vm.prank(rival);
        datanets.resolve(id, 0, _rows(7), proof);
        assertEq(vault.caseOf(1).challenger, challenger, "beneficiary");
        datanets.closeChallenge(copied);
        _holds(rival, 3 * BOND, 0);
    }

    /// Somebody copies a challenge that will win: its bond comes back, and nothing more.
    function test_a_copied_challenge_gains_nothing() public {
        uint256 id = _challenge(challenger, submission);
        uint256 copied = _challenge(rival, submission);
        datanets.decide(id, true);
        datanets.closeChallenge(copied);
        vm.warp(NOW + APPEAL);
        vault.settle(1);
        assertEq(vault.creditOf(rival), 0, "nothing");
        assertEq(vault.creditOf(challenger), BOND / 2, "the first");
    }

    /// Challenges of an accepted submission keep nobody out of an epoch, and each costs a bond.
    function test_challenge_spam_suspends_nothing() public {
        uint256[3] memory spam;
        for (uint256 i = 0; i < 3; ++i) spam[i] = _challenge(rival, submission);
        datanets.checkContribution(datanet, author, DIGEST, ROWS);
        vm.warp(NOW + DISPUTE);
        for (uint256 i = 0; i < 3; ++i) datanets.closeChallenge(spam[i]);
        datanets.checkContribution(datanet, author, DIGEST, ROWS);
        _holds(rival, 0, 0);
        vm.warp(NOW + DISPUTE + APPEAL);
        for (uint256 i = 1; i <= 3; ++i) vault.settle(i);
        assertEq(vault.creditOf(author), (3 * BOND) / 2, "the submitter is paid for it");
    }

    /// One challenge after the other: none is taken after the window, so acceptance and exit are late by at most one dispute.
    function test_challenges_without_end_end() public {
        uint256 open = _submit(_open(), author, DIGEST);
        _leave(submission);
        vm.warp(NOW + WINDOW - 1);
        uint256 first = _challenge(rival, open);
        uint256 second = _challenge(rival, submission);
        vm.warp(NOW + WINDOW);
        vm.startPrank(rival);
        _expect(abi.encodeWithSelector(Datanets.SubmissionPastChallenge.selector, open, NOW + WINDOW));
        datanets.challenge(open, EVIDENCE, "");
        _expect(abi.encodeWithSelector(Datanets.SubmissionPastChallenge.selector, submission, NOW + WINDOW));
        datanets.challenge(submission, EVIDENCE, "");
        vm.stopPrank();
        vm.warp(NOW + WINDOW - 1 + DISPUTE);
        datanets.closeChallenge(first);
        datanets.closeChallenge(second);
        _isIn(open, Datanets.Status.Accepted);
        datanets.withdraw(submission);
        _holds(author, 2 * BOND, BOND);
    }

    /// The submitter's friend challenges first, to be the only one: others stand beside it, and the friend's help costs half a bond.
    function test_a_friendly_challenge_shields_nothing() public {
        uint256 friendly = _challenge(rival, submission);
        uint256 true_ = _challenge(challenger, submission);
        datanets.resolve(true_, 0, _rows(7), _proof(submission, challenger, DIGEST, 0, 7));
        _isIn(submission, Datanets.Status.Removed);
        datanets.closeChallenge(friendly);
        vm.warp(NOW + APPEAL);
        vault.settle(1);
        assertEq(vault.creditOf(rival), 0, "friend");
        assertEq(vault.creditOf(challenger), BOND / 2, "challenger");
    }

    /// The submitter's friend wins against it: the other half is lost all the same.
    function test_losing_to_a_friend_costs_half_the_bond() public {
        uint256 friendly = _challenge(rival, submission);
        datanets.resolve(friendly, 0, _rows(7), _proof(submission, rival, DIGEST, 0, 7));
        vm.warp(NOW + APPEAL);
        vault.settle(1);
        assertEq(vault.creditOf(rival) + vault.creditOf(author), BOND / 2, "both together");
        assertEq(vault.creditOf(treasury), BOND / 2, "lost");
    }

    /// A submitter sees a challenge coming and leaves first: it can still be challenged, and the bond is still there.
    function test_nobody_runs_away_from_a_challenge() public {
        _leave(submission);
        uint256 id = _challenge(challenger, submission);
        vm.prank(author);
        _expect(
            abi.encodeWithSelector(StakeVault.FreeStakeTooLow.selector, address(datanets), author, 2 * BOND, 3 * BOND)
        );
        vault.unbond(address(datanets), 3 * BOND);
        vm.warp(NOW + WINDOW);
        datanets.resolve(id, 0, _rows(7), _proof(submission, challenger, DIGEST, 0, 7));
        assertEq(vault.caseOf(1).amount, BOND, "slashed");
        _isIn(submission, Datanets.Status.Removed);
    }

    /// A curator in league with the submitter cannot free a challenged bond.
    function test_a_curator_saves_no_bond() public {
        uint256 waiting = _submit(datanet, author, "waiting");
        uint256 id = _challenge(challenger, waiting);
        vm.startPrank(curator);
        _expect(abi.encodeWithSelector(Datanets.StillChallenged.selector, waiting, 1));
        datanets.reject(waiting, Datanets.Reason.Quality, 0, "");
        // It can still accept; the challenge goes on.
        datanets.accept(waiting);
        vm.stopPrank();
        datanets.resolve(id, 0, _rows(7), _proof(waiting, challenger, "waiting", 0, 7));
        _isIn(waiting, Datanets.Status.Removed);
    }

    /// A curator that hands over, closes or turns hostile takes nothing from who is in.
    function test_a_hostile_curator_takes_nothing() public {
        vm.startPrank(curator);
        datanets.proposeCurator(datanet, rival);
        datanets.closeDatanet(datanet);
        vm.stopPrank();
        vm.startPrank(rival);
        datanets.acceptCurator(datanet);
        _expectStatus(submission, Datanets.Status.Accepted);
        datanets.reject(submission, Datanets.Reason.Quality, 0, "");
        vm.stopPrank();
        datanets.checkContribution(datanet, author, DIGEST, ROWS);
        _leave(submission);
        vm.warp(NOW + WINDOW);
        datanets.withdraw(submission);
        _holds(author, 3 * BOND, 0);
    }

    /// The owner of everything calls what it may: nothing is credited to it, and no unchallenged bond moves.
    function test_the_owner_drains_nothing() public {
        uint256 before = token.balanceOf(address(this));
        datanets.list(datanet, true);
        uint256 id = _challenge(challenger, submission);
        datanets.decide(id, true);
        vm.warp(NOW + APPEAL);
        vault.settle(1);
        assertEq(vault.creditOf(address(this)), 0, "credit");
        assertEq(token.balanceOf(address(this)), before, "balance");
        assertEq(token.balanceOf(address(datanets)), 0, "no money here");
    }

    // --- parts ---

    function _refusesChallenge(uint256 target, bytes memory revert_) private {
        vm.prank(challenger);
        _expect(revert_);
        datanets.challenge(target, EVIDENCE, "");
    }

    function _refusesProof(uint256 id, bytes32 original, uint256 rows, Proof memory proof, bytes memory revert_) private {
        uint256[] memory publics = _rows(rows);
        _expect(revert_);
        datanets.resolve(id, original, publics, proof);
    }

    function _wrong(uint256 target, Datanets.Status actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Datanets.WrongSubmissionStatus.selector, target, actual);
    }
}
