// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "../src/BN254.sol";
import {EpochBook} from "../src/EpochBook.sol";
import {EpochExpired, NotSteward, Phase, RowsOutOfRange, Statement, WrongPhase} from "../src/Epochs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {House, Member} from "./House.sol";

contract EpochBookTest is House {
    uint256 private constant COUNT = 5;
    /// @dev Pages of 2, 2 and 1 contributions; query pages of 2 and 1 proofs.
    uint256 private constant SIZE = 2;
    // Places in the transcripts of the pages above.
    uint256 private constant OPTIMUM = 3;
    uint256 private constant SCORES = 2;
    uint256 private constant ATTRIBUTION = 5;

    // --- the one order ---

    function test_phases_follow_each_other() public {
        uint256 epoch = _openWith(COUNT);
        _phase(epoch, Phase.Open);
        registry.closeEpoch(epoch);
        _phase(epoch, Phase.Closed);
        _records(epoch);
        _sendAll(epoch, _checkpoint(epoch, SIZE));
        _phase(epoch, Phase.Checkpointed);
        _commitQueries(epoch);
        _phase(epoch, Phase.QueriesCommitted);
        _postQueries(epoch);
        _phase(epoch, Phase.QueriesPosted);
        assertEq(book.scoreCommitAt(epoch, COUNT), 0, "no score yet");
        _sendAll(epoch, _attribution(epoch, SIZE, SIZE));
        _phase(epoch, Phase.Attributed);
        EpochBook.Book memory posted = book.bookOf(epoch);
        assertEq(posted.model, _model(epoch), "model");
        assertEq(posted.modelCommit, _field("model", epoch, 0), "model commitment");
        assertEq(posted.queryList, _listDigest(_queryWords(epoch)), "queries");
        assertEq(posted.queryCount, QUERIES, "number of query proofs");
        assertEq(posted.queryRows, 303, "query rows");
        assertEq(posted.scoreCommit, _scoreAt(epoch, COUNT), "scores");
    }

    function test_every_step_is_refused_in_every_other_phase() public {
        uint256 epoch = 1;
        _refuseAllBut(epoch, Phase.Unknown);
        _openWith(2);
        _refuseAllBut(epoch, Phase.Open);
        registry.closeEpoch(epoch);
        _refuseAllBut(epoch, Phase.Closed);
        _postCheckpoint(epoch);
        _refuseAllBut(epoch, Phase.Checkpointed);
        _commitQueries(epoch);
        _refuseAllBut(epoch, Phase.QueriesCommitted);
        _postQueries(epoch);
        _refuseAllBut(epoch, Phase.QueriesPosted);
        _postAttribution(epoch);
        _refuseAllBut(epoch, Phase.Attributed);
    }

    function test_nothing_is_posted_after_expiry() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        _sendRange(epoch, members, 0, OPTIMUM);
        vm.warp(EXPIRY);
        _refused(epoch, members, OPTIMUM, abi.encodeWithSelector(EpochExpired.selector, epoch, EXPIRY));
    }

    // --- pages and the proof that joins them ---

    function test_pages_are_added_up() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        bytes32[] memory transcript = _transcript(epoch, members);
        bytes32 id = book.jointId(epoch, Statement.Optimum, transcript);
        for (uint256 page = 0; page < OPTIMUM; ++page) {
            Proof memory proof = _memberProof(epoch, members[page], transcript);
            vm.expectEmit();
            emit EpochBook.TotalPosted(epoch, id, page * SIZE, members[page].words.length);
            vm.prank(stranger);
            _send(epoch, members[page], transcript, proof);
        }
        EpochBook.Joint memory joint = book.jointOf(epoch, Statement.Optimum, transcript);
        assertEq(joint.members, 3, "members");
        assertEq(joint.pages, 3, "pages");
        assertEq(joint.count, COUNT, "count");
        assertEq(joint.rows, registry.stateOf(epoch).rows, "rows");
        assertEq(joint.list, registry.stateOf(epoch).list, "list");
        assertEq(joint.totalAt, members[OPTIMUM].links[0], "sum");
        _sendRange(epoch, members, OPTIMUM, OPTIMUM + 1);
        _phase(epoch, Phase.Checkpointed);
    }

    /// A transcript may hold proofs of two epochs: their pages are kept apart.
    function test_pages_count_in_their_epoch_alone() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        bytes32[] memory transcript = _transcript(epoch, members);
        _send(epoch, members[0], transcript, _memberProof(epoch, members[0], transcript));
        assertEq(book.jointOf(epoch, Statement.Optimum, transcript).pages, 1, "pages");
        assertEq(book.jointOf(epoch + 1, Statement.Optimum, transcript).pages, 0, "of the next epoch");
    }

    function test_a_page_left_out_is_missed() public {
        uint256 epoch = _closed();
        Member[] memory members = _without(_checkpoint(epoch, SIZE), 2);
        _sendRange(epoch, members, 0, 2);
        _refused(epoch, members, 2, abi.encodeWithSelector(EpochBook.ListIncomplete.selector, Statement.Total, 5, 4));
        members = _without(_checkpoint(epoch, SIZE), 0);
        _sendRange(epoch, members, 0, 2);
        _refused(epoch, members, 2, abi.encodeWithSelector(EpochBook.ListIncomplete.selector, Statement.Total, 5, 3));
    }

    function test_a_page_is_posted_once() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        _sendRange(epoch, members, 0, 1);
        _refused(epoch, members, 0, abi.encodeWithSelector(EpochBook.MemberMisplaced.selector, 1, 0));
        _sendRange(epoch, members, 1, 2);
        _refused(epoch, members, 0, abi.encodeWithSelector(EpochBook.PageOutOfRange.selector, 1, 2));
        _sendRange(epoch, members, 2, 4);
    }

    /// Both copies are in the transcript, so that each is at its place.
    function test_a_page_that_is_listed_twice_is_no_page_of_the_list() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        members[1] = members[0];
        _sendRange(epoch, members, 0, 1);
        _refused(epoch, members, 1, abi.encodeWithSelector(EpochBook.MemberMisplaced.selector, 1, 0));
        // With another n the second copy has a digest and so a place of its own, but not the registry's words.
        members[1] = Member(Statement.Total, _list([members[0].publics[0] + 1]), members[0].links, members[0].words);
        _sendRange(epoch, members, 0, 3);
        bytes32 actual = _listDigest(_join(members[0].words, members[1].words, members[2].words));
        _refused(epoch, members, 3, _mismatch(Statement.Total, registry.stateOf(epoch).list, actual));
    }

    function test_pages_go_along_the_registrys_list() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        uint256[] memory words = members[1].words;
        (words[0], words[1]) = (words[1], words[0]);
        _sendRange(epoch, members, 0, OPTIMUM);
        bytes32 actual = _listDigest(_join(members[0].words, words, members[2].words));
        _refused(epoch, members, OPTIMUM, _mismatch(Statement.Total, registry.stateOf(epoch).list, actual));
    }

    function test_a_page_has_from_one_word_to_what_is_left() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        members[0].words = new uint256[](COUNT + 1);
        _refused(epoch, members, 0, abi.encodeWithSelector(EpochBook.PageOutOfRange.selector, COUNT, COUNT + 1));
        members[0].words = new uint256[](0);
        _refused(epoch, members, 0, abi.encodeWithSelector(EpochBook.PageOutOfRange.selector, COUNT, 0));
    }

    function test_rows_are_counted() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        members[1].publics[0] += 1;
        _sendRange(epoch, members, 0, OPTIMUM);
        _refused(epoch, members, OPTIMUM, _rowsFault(Statement.Total, 60, 61));
        members = _checkpoint(epoch, SIZE);
        members[OPTIMUM].publics[2] += 1;
        _sendRange(epoch, members, 0, OPTIMUM);
        _refused(epoch, members, OPTIMUM, _rowsFault(Statement.Optimum, 60, 61));
        members[0].publics[0] = 0;
        _refused(epoch, members, 0, abi.encodeWithSelector(RowsOutOfRange.selector, 0));
        // A multiple of 2^64 more would fall off the counter.
        members[0].publics[0] = 21 + 2 ** 64;
        _refused(epoch, members, 0, abi.encodeWithSelector(RowsOutOfRange.selector, 21 + 2 ** 64));
    }

    function test_the_whole_is_the_sum_of_the_pages() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        uint256 sum = members[OPTIMUM].links[0];
        members[OPTIMUM].links[0] = sum + 1;
        _sendRange(epoch, members, 0, OPTIMUM);
        _refused(epoch, members, OPTIMUM, abi.encodeWithSelector(EpochBook.LinkMismatch.selector, 0, sum, sum + 1));
    }

    /// Links are field elements, and so is their sum.
    function test_sums_are_those_of_the_field() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        (members[0].links[0], members[1].links[0], members[2].links[0]) = (BN254.R - 1, BN254.R - 2, BN254.R - 3);
        members[OPTIMUM].links[0] = BN254.R - 6;
        _sendAll(epoch, members);

        _commitQueries(epoch);
        _postQueries(epoch);
        members = _attribution(epoch, SIZE, SIZE);
        (members[0].links[0], members[1].links[0]) = (BN254.R - 1, BN254.R - 2);
        for (uint256 page = SCORES; page < ATTRIBUTION; ++page) members[page].links[0] = BN254.R - page;
        (members[ATTRIBUTION].links[0], members[ATTRIBUTION].links[1]) = (BN254.R - 9, BN254.R - 3);
        _sendAll(epoch, members);
        _phase(epoch, Phase.Attributed);
    }

    function test_a_page_of_another_sum_is_noticed() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        uint256 sum = members[OPTIMUM].links[0];
        members[1].links[0] += 1;
        _sendRange(epoch, members, 0, OPTIMUM);
        _refused(epoch, members, OPTIMUM, abi.encodeWithSelector(EpochBook.LinkMismatch.selector, 0, sum + 1, sum));
    }

    /// A page whose link was computed at another challenge: its maker would choose what it commits to after the others' challenge.
    function test_links_of_another_challenge_are_rejected() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        bytes32[] memory transcript = _transcript(epoch, members);
        bytes32[] memory other = _transcript(epoch, members);
        other[OPTIMUM] = keccak256("another optimum");
        Proof memory proof = _memberProof(epoch, members[0], other);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        _send(epoch, members[0], transcript, proof);
        proof = _memberProof(epoch, members[0], new bytes32[](0));
        vm.expectRevert(IVerifier.ProofRejected.selector);
        _send(epoch, members[0], transcript, proof);
    }

    function test_pages_of_other_transcripts_are_refused() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        bytes32[] memory transcript = _transcript(epoch, members);
        Member[] memory others = _checkpoint(epoch, 3);
        Proof memory proof = _memberProof(epoch, others[0], transcript);
        bytes32 digest = _digest(epoch, others[0]);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.NotInTranscript.selector, digest));
        _send(epoch, others[0], transcript, proof);
    }

    function test_proofs_made_alone_join_nothing() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, COUNT);
        bytes32[] memory alone = new bytes32[](0);
        for (uint256 i = 0; i < 2; ++i) {
            Proof memory proof = _memberProof(epoch, members[i], alone);
            vm.expectRevert(EpochBook.TranscriptEmpty.selector);
            _send(epoch, members[i], alone, proof);
        }
    }

    /// Everything that is posted comes from strangers, in turns, of two transcripts.
    function test_transcripts_do_not_disturb_each_other() public {
        uint256 epoch = _closed();
        Member[] memory first = _checkpoint(epoch, SIZE);
        Member[] memory second = _checkpoint(epoch, 3);
        vm.startPrank(stranger);
        _sendRange(epoch, first, 0, 1);
        _sendRange(epoch, second, 0, 1);
        _sendRange(epoch, first, 1, 2);
        _sendRange(epoch, second, 1, 2);
        _refused(epoch, first, OPTIMUM, abi.encodeWithSelector(EpochBook.ListIncomplete.selector, Statement.Total, 5, 4));
        _sendRange(epoch, second, 2, 3);
        _phase(epoch, Phase.Checkpointed);
        _refused(epoch, first, 2, _wrong(epoch, Phase.Closed, Phase.Checkpointed));
        vm.stopPrank();
    }

    /// A stranger who copies pending pages can only send what its maker would send next.
    function test_a_stranger_cannot_post_pages_out_of_order() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, SIZE);
        vm.startPrank(stranger);
        _refused(epoch, members, 1, abi.encodeWithSelector(EpochBook.MemberMisplaced.selector, 0, 1));
        _sendRange(epoch, members, 0, 1);
        _refused(epoch, members, 2, abi.encodeWithSelector(EpochBook.MemberMisplaced.selector, 1, 2));
        vm.stopPrank();
        _sendRange(epoch, members, 1, 4);
    }

    function test_a_join_before_its_place_is_refused() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, COUNT);
        (members[0], members[1]) = (members[1], members[0]);
        _refused(epoch, members, 1, abi.encodeWithSelector(EpochBook.MemberMisplaced.selector, 0, 1));
    }

    // --- checkpoint ---

    function test_checkpoint_needs_the_manifest() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, COUNT);
        uint256 field = members[1].publics[1];
        members[1].publics[1] = field + 1;
        _sendRange(epoch, members, 0, 1);
        _refused(epoch, members, 1, abi.encodeWithSelector(EpochBook.ManifestMismatch.selector, field, field + 1));
    }

    function test_proofs_are_verified_in_their_context() public {
        uint256 epoch = _closed();
        Member[] memory members = _checkpoint(epoch, COUNT);
        bytes32[] memory transcript = _transcript(epoch + 1, members);
        Proof memory proof = _memberProof(epoch + 1, members[0], transcript);
        bytes32 digest = _contractDigest(epoch, members[0], proof);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.NotInTranscript.selector, digest));
        _send(epoch, members[0], transcript, proof);

        transcript = _transcript(epoch, members);
        proof = _memberProof(epoch, members[0], transcript);
        vm.chainId(1);
        digest = _contractDigest(epoch, members[0], proof);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.NotInTranscript.selector, digest));
        _send(epoch, members[0], transcript, proof);
        vm.chainId(31337);
        _send(epoch, members[0], transcript, proof);
    }

    // --- queries ---

    function test_queries_come_from_the_steward() public {
        uint256 epoch = _closed();
        _sendAll(epoch, _checkpoint(epoch, COUNT));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotSteward.selector, epoch, address(this), stranger));
        book.commitQueries(epoch, "log");
        _commitQueries(epoch);
        Proof memory proof;
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(NotSteward.selector, epoch, address(this), stranger));
        book.postQueries(epoch, [uint256(1), 2, 3], proof, true);
    }

    function test_query_proofs_are_listed_until_the_last() public {
        uint256 epoch = _queriesCommitted();
        uint256[3] memory publics = _queryPublics(epoch, 0);
        Proof memory proof = _queryProof(epoch, publics);
        vm.expectEmit();
        emit EpochBook.QueriesPosted(epoch, 0, publics[0], publics[1], publics[2], false);
        book.postQueries(epoch, publics, proof, false);
        _phase(epoch, Phase.QueriesCommitted);
        publics = _queryPublics(epoch, 1);
        proof = _queryProof(epoch, publics);
        vm.expectEmit();
        emit EpochBook.QueriesPosted(epoch, 1, publics[0], publics[1], publics[2], true);
        book.postQueries(epoch, publics, proof, true);
        _phase(epoch, Phase.QueriesPosted);
        EpochBook.Book memory posted = book.bookOf(epoch);
        assertEq(posted.queryCount, 2, "count");
        assertEq(posted.queryRows, 201, "rows");
        assertEq(posted.queryList, _listDigest(_slice(_queryWords(epoch), 0, 2)), "list");
    }

    function test_query_rows_are_bounded() public {
        uint256 epoch = _queriesCommitted();
        uint256[2] memory bad = [uint256(0), 2 ** 32];
        for (uint256 i = 0; i < 2; ++i) {
            uint256[3] memory publics = [uint256(1), 2, bad[i]];
            Proof memory proof = _queryProof(epoch, publics);
            vm.expectRevert(abi.encodeWithSelector(RowsOutOfRange.selector, bad[i]));
            book.postQueries(epoch, publics, proof, true);
        }
    }

    function test_query_proof_is_not_a_contribution_proof() public {
        uint256 epoch = _queriesCommitted();
        uint256[3] memory publics = _queryPublics(epoch, 0);
        Proof memory proof = _contributionProof(epoch, address(this), publics);
        vm.expectRevert(IVerifier.ProofRejected.selector);
        book.postQueries(epoch, publics, proof, true);
        book.postQueries(epoch, publics, _queryProof(epoch, publics), true);
    }

    // --- attribution ---

    function test_attribution_in_pages_by_anybody() public {
        uint256 epoch = _queried(COUNT);
        Member[] memory members = _attribution(epoch, SIZE, SIZE);
        bytes32[] memory transcript = _transcript(epoch, members);
        bytes32 id = book.jointId(epoch, Statement.Attribution, transcript);
        vm.startPrank(stranger);
        Proof memory proof = _memberProof(epoch, members[0], transcript);
        vm.expectEmit();
        emit EpochBook.QueryTotalPosted(epoch, id, 0, 2);
        _send(epoch, members[0], transcript, proof);
        _sendRange(epoch, members, 1, 3);
        proof = _memberProof(epoch, members[3], transcript);
        vm.expectEmit();
        emit EpochBook.ScoresPosted(epoch, id, 2, 2, _scoreAt(epoch, 4));
        _send(epoch, members[3], transcript, proof);
        _sendRange(epoch, members, 4, 5);
        EpochBook.Joint memory joint = book.jointOf(epoch, Statement.Attribution, transcript);
        assertEq(joint.pages, 3, "pages");
        assertEq(joint.queryPages, 2, "query pages");
        assertEq(joint.queryCount, QUERIES, "queries");
        assertEq(book.scoreCommitAt(epoch, 4), 0, "nothing counts before the join");
        proof = _memberProof(epoch, members[ATTRIBUTION], transcript);
        vm.expectEmit();
        emit EpochBook.AttributionPosted(epoch, id, _scoreAt(epoch, 5));
        _send(epoch, members[ATTRIBUTION], transcript, proof);
        vm.stopPrank();
        for (uint256 count = 0; count <= COUNT; ++count) {
            bool ends = count == 2 || count == 4 || count == 5;
            assertEq(book.scoreCommitAt(epoch, count), ends ? _scoreAt(epoch, count) : 0, "scores");
        }
        _refused(epoch, members, ATTRIBUTION, _wrong(epoch, Phase.QueriesPosted, Phase.Attributed));
    }

    function test_score_and_query_pages_left_out_are_missed() public {
        uint256 epoch = _queried(COUNT);
        Member[] memory members = _without(_attribution(epoch, SIZE, SIZE), 4);
        _sendRange(epoch, members, 0, 4);
        _refused(epoch, members, 4, abi.encodeWithSelector(EpochBook.ListIncomplete.selector, Statement.Score, 5, 4));
        members = _without(_attribution(epoch, SIZE, SIZE), 1);
        _sendRange(epoch, members, 0, 4);
        bytes memory fault = abi.encodeWithSelector(EpochBook.ListIncomplete.selector, Statement.QueryTotal, 3, 2);
        _refused(epoch, members, 4, fault);
    }

    function test_score_and_query_pages_have_their_lists() public {
        uint256 epoch = _queried(COUNT);
        Member[] memory members = _attribution(epoch, SIZE, SIZE);
        members[3].words[1] = 1;
        _sendRange(epoch, members, 0, ATTRIBUTION);
        bytes32 actual = _listDigest(_join(members[2].words, members[3].words, members[4].words));
        _refused(epoch, members, ATTRIBUTION, _mismatch(Statement.Score, registry.stateOf(epoch).list, actual));

        // A page of queries that nobody posted.
        members = _attribution(epoch, SIZE, SIZE);
        members[1].words[0] = _field("foreign query", epoch, 0);
        _sendRange(epoch, members, 0, ATTRIBUTION);
        actual = _listDigest(_join(members[0].words, members[1].words, new uint256[](0)));
        _refused(epoch, members, ATTRIBUTION, _mismatch(Statement.QueryTotal, book.bookOf(epoch).queryList, actual));
        members[0].words = new uint256[](QUERIES + 1);
        _refused(epoch, members, 0, abi.encodeWithSelector(EpochBook.PageOutOfRange.selector, QUERIES, QUERIES + 1));
    }

    function test_rows_of_scores_and_queries_are_counted() public {
        uint256 epoch = _queried(COUNT);
        _attributionFault(epoch, 3, 2, _rowsFault(Statement.Score, 60, 61));
        _attributionFault(epoch, ATTRIBUTION, 0, _rowsFault(Statement.Attribution, 60, 61));
        _attributionFault(epoch, 1, 0, _rowsFault(Statement.QueryTotal, 303, 304));
        _attributionFault(epoch, ATTRIBUTION, 1, _rowsFault(Statement.Attribution, 303, 304));
    }

    function test_links_of_the_attribution_are_the_pages() public {
        uint256 epoch = _queried(COUNT);
        for (uint256 link = 0; link < 3; ++link) {
            Member[] memory members = _attribution(epoch, SIZE, SIZE);
            uint256 good = members[ATTRIBUTION].links[link];
            members[ATTRIBUTION].links[link] = good + 1;
            _sendOnce(epoch, members, ATTRIBUTION);
            bytes memory fault = abi.encodeWithSelector(EpochBook.LinkMismatch.selector, link, good, good + 1);
            _refused(epoch, members, ATTRIBUTION, fault);
        }
    }

    /// One page scored along another path than the others and the attribution.
    function test_every_page_has_the_same_path() public {
        uint256 epoch = _queried(COUNT);
        Member[] memory members = _attribution(epoch, SIZE, SIZE);
        members[3].links[1] = PATH + 1;
        _sendRange(epoch, members, 0, 3);
        _refused(epoch, members, 3, abi.encodeWithSelector(EpochBook.PathMismatch.selector, PATH, PATH + 1));
    }

    function test_every_page_of_a_false_path_is_noticed_at_the_join() public {
        uint256 epoch = _queried(COUNT);
        Member[] memory members = _attribution(epoch, SIZE, SIZE);
        for (uint256 i = SCORES; i < ATTRIBUTION; ++i) members[i].links[1] = PATH + 1;
        _sendRange(epoch, members, 0, ATTRIBUTION);
        bytes memory fault = abi.encodeWithSelector(EpochBook.LinkMismatch.selector, 2, PATH + 1, PATH);
        _refused(epoch, members, ATTRIBUTION, fault);
    }

    function test_score_commitments_chain() public {
        uint256 epoch = _queried(COUNT);
        Member[] memory members = _attribution(epoch, SIZE, SIZE);
        members[2].publics[0] = 1;
        _sendRange(epoch, members, 0, 2);
        _refused(epoch, members, 2, abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, 0, 1));
        members = _attribution(epoch, SIZE, SIZE);
        uint256 good = members[3].publics[0];
        members[3].publics[0] = good + 1;
        _sendRange(epoch, members, 0, 3);
        _refused(epoch, members, 3, abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, good, good + 1));
    }

    /// The pages of the checkpoint are complete and under the same transcript, but nobody was scored on them.
    function test_pages_of_the_checkpoint_are_no_scores() public {
        uint256 epoch = _closed();
        Member[] memory pages = _checkpoint(epoch, COUNT);
        Member[] memory members = new Member[](3);
        (members[0], members[1]) = (pages[0], pages[1]);
        uint256[] memory links = _list([pages[1].links[0], 0, 0]);
        members[2] = Member(Statement.Attribution, _list([uint256(60), 303]), links, new uint256[](0));
        _sendRange(epoch, members, 0, 2);
        _commitQueries(epoch);
        _postQueries(epoch);
        _refused(epoch, members, 2, abi.encodeWithSelector(EpochBook.ListIncomplete.selector, Statement.Score, 5, 0));
    }

    function test_transcripts_of_scores_do_not_disturb_each_other() public {
        uint256 epoch = _queried(COUNT);
        Member[] memory first = _attribution(epoch, SIZE, SIZE);
        Member[] memory second = _attribution(epoch, 3, 1);
        vm.startPrank(stranger);
        _sendRange(epoch, first, 0, 4);
        _sendRange(epoch, second, 0, 5);
        _sendRange(epoch, first, 4, 6);
        vm.stopPrank();
        _refused(epoch, second, 5, _wrong(epoch, Phase.QueriesPosted, Phase.Attributed));
        assertEq(book.scoreCommitAt(epoch, 3), 0, "the other's page does not count");
        assertEq(book.scoreCommitAt(epoch, 4), _scoreAt(epoch, 4), "the page counts");
    }

    function test_scores_are_checked_at_the_ends_of_pages() public {
        uint256 epoch = _queried(COUNT);
        vm.expectRevert(_wrong(epoch, Phase.Attributed, Phase.QueriesPosted));
        book.checkScores(epoch, 0, COUNT, 0, _scoreAt(epoch, COUNT));
        _sendAll(epoch, _attribution(epoch, SIZE, SIZE));
        uint256 end = _scoreAt(epoch, 4);
        book.checkScores(epoch, 0, 4, 0, end);
        book.checkScores(epoch, 2, 4, _scoreAt(epoch, 2), end);
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, 0, 1));
        book.checkScores(epoch, 0, 4, 1, end);
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, end, end + 1));
        book.checkScores(epoch, 0, 4, 0, end + 1);
        vm.expectRevert(abi.encodeWithSelector(EpochBook.ScoreMismatch.selector, 0, 0));
        book.checkScores(epoch, 0, 3, 0, 0);
    }

    // --- helpers ---

    function _closed() private returns (uint256 epoch) {
        epoch = _openWith(COUNT);
        registry.closeEpoch(epoch);
        _records(epoch);
    }

    function _queriesCommitted() private returns (uint256 epoch) {
        epoch = _closed();
        _sendAll(epoch, _checkpoint(epoch, COUNT));
        _commitQueries(epoch);
    }

    function _phase(uint256 epoch, Phase expected) private view {
        assertEq(uint256(book.phaseOf(epoch)), uint256(expected), "phase");
    }

    /// @dev The last one of `members` that is sent must fail.
    function _refused(uint256 epoch, Member[] memory members, uint256 i, bytes memory fault) private {
        bytes32[] memory transcript = _transcript(epoch, members);
        Proof memory proof = _memberProof(epoch, members[i], transcript);
        vm.expectRevert(fault);
        _send(epoch, members[i], transcript, proof);
    }

    /// @dev Posts what was not posted before of the members up to `end`: links do not change a transcript.
    function _sendOnce(uint256 epoch, Member[] memory members, uint256 end) private {
        uint256 posted = book.jointOf(epoch, Statement.Attribution, _transcript(epoch, members)).members;
        _sendRange(epoch, members, posted, end);
    }

    /// @dev One public of one member is one more: the join fails.
    function _attributionFault(uint256 epoch, uint256 i, uint256 index, bytes memory fault) private {
        Member[] memory members = _attribution(epoch, SIZE, SIZE);
        members[i].publics[index] += 1;
        _sendRange(epoch, members, 0, ATTRIBUTION);
        _refused(epoch, members, ATTRIBUTION, fault);
    }

    /// @dev The digest of a proof as the verifier computes it in this contract's context.
    function _contractDigest(
        uint256 epoch,
        Member memory member,
        Proof memory proof
    ) private view returns (bytes32) {
        bytes32 context = _context(_nameOf(member.statement), address(book), epoch);
        IVerifier verifier = verifiers[uint256(member.statement)];
        return verifier.digest(context, member.publics, member.words, proof.commitment);
    }

    function _without(Member[] memory members, uint256 i) private pure returns (Member[] memory rest) {
        rest = new Member[](members.length - 1);
        for (uint256 k = 0; k < rest.length; ++k) rest[k] = members[k < i ? k : k + 1];
    }

    function _join(
        uint256[] memory a,
        uint256[] memory b,
        uint256[] memory c
    ) private pure returns (uint256[] memory all) {
        all = new uint256[](a.length + b.length + c.length);
        for (uint256 i = 0; i < a.length; ++i) all[i] = a[i];
        for (uint256 i = 0; i < b.length; ++i) all[a.length + i] = b[i];
        for (uint256 i = 0; i < c.length; ++i) all[a.length + b.length + i] = c[i];
    }

    function _wrong(uint256 epoch, Phase expected, Phase actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(WrongPhase.selector, epoch, expected, actual);
    }

    function _rowsFault(Statement statement, uint256 expected, uint256 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(EpochBook.RowsMismatch.selector, statement, expected, actual);
    }

    function _mismatch(Statement page, bytes32 expected, bytes32 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(EpochBook.ListMismatch.selector, page, expected, actual);
    }

    function _refuseAllBut(uint256 epoch, Phase actual) private {
        Proof memory proof;
        bytes32[] memory transcript = new bytes32[](1);
        uint256[] memory words = new uint256[](1);
        if (actual != Phase.Closed) {
            vm.expectRevert(_wrong(epoch, Phase.Closed, actual));
            book.postTotal(epoch, transcript, [uint256(1)], [uint256(1)], words, proof);
            vm.expectRevert(_wrong(epoch, Phase.Closed, actual));
            book.postCheckpoint(epoch, 0, 0, transcript, [uint256(0), 0, 0], [uint256(0)], proof);
        }
        if (actual != Phase.Checkpointed) {
            vm.expectRevert(_wrong(epoch, Phase.Checkpointed, actual));
            book.commitQueries(epoch, 0);
        }
        if (actual != Phase.QueriesCommitted) {
            vm.expectRevert(_wrong(epoch, Phase.QueriesCommitted, actual));
            book.postQueries(epoch, [uint256(0), 0, 0], proof, true);
        }
        if (actual != Phase.QueriesPosted) {
            bytes memory fault = _wrong(epoch, Phase.QueriesPosted, actual);
            vm.expectRevert(fault);
            book.postQueryTotal(epoch, transcript, [uint256(1)], [uint256(1)], words, proof);
            vm.expectRevert(fault);
            book.postScores(epoch, transcript, [uint256(0), 1, 1], [uint256(1), 1], words, proof);
            vm.expectRevert(fault);
            book.postAttribution(epoch, transcript, [uint256(0), 0], [uint256(0), 0, 0], proof);
        }
    }
}
