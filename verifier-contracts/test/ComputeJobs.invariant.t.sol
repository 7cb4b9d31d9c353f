// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeDisputes} from "../src/ComputeDisputes.sol";
import {ComputeJobs} from "../src/ComputeJobs.sol";
import {IVerifier, Proof} from "../src/IVerifier.sol";
import {BN254} from "../src/BN254.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {Market} from "./Market.sol";
import {Simulator} from "./Simulator.sol";
import {Test} from "./Vm.sol";

/// @title Anybody doing anything with a few jobs, beside a second set of accounts
/// @notice Every call is foretold from the accounts kept here, whether it passes and whom it pays; none of them is read from the contracts.
contract JobsHandler is Test {
    struct Book {
        ComputeJobs.JobStatus status;
        address requester;
        address operator;
        uint96 price;
        uint96 bond;
        uint16 segments;
        bool provable;
        uint256 deadline;
        uint256 closesAt;
        uint256 drawBlock;
        ComputeJobs.Audit audit;
        uint256 segment;
        uint256 open;
    }

    struct Dispute {
        ComputeDisputes.ChallengeStatus status;
        address challenger;
        uint256 job;
        uint256 segment;
        uint256 dueAt;
    }

    uint256 public constant MOST_JOBS = 6;
    uint256 public constant MOST_CHALLENGES = 12;
    uint96 public constant FUNDS = 10_000 ether;
    uint96 public constant STAKE = 600 ether;
    uint96 public constant CHALLENGE_BOND = 20 ether;

    ComputeJobs public immutable jobs;
    ComputeDisputes public immutable disputes;
    StakeVault public immutable vault;
    IVerifier public immutable verifier;
    address public immutable owner;

    address[2] public requesters = [address(0x4E1), address(0x4E2)];
    address[2] public workers = [address(0x09E1), address(0x09E2)];
    /// @dev The last one is an operator too.
    address[3] public challengers = [address(0xCA1), address(0xCA2), address(0x09E1)];

    uint256 public time;
    uint256 public height;
    uint256 public jobCount;
    uint256 public challengeCount;
    mapping(uint256 id => Book) private _books;
    mapping(uint256 id => Dispute) private _disputes;
    mapping(uint256 id => mapping(uint256 segment => bool)) public proven;
    mapping(address who => uint256) public credit;
    mapping(address who => uint256) public paid;
    /// @dev What cases took of an operator's, and of a challenger's account.
    mapping(address who => uint256) public slashedJobs;
    mapping(address who => uint256) public slashedDisputes;

    constructor(ComputeJobs jobs_, ComputeDisputes disputes_, IVerifier verifier_, uint256 time_, uint256 height_) {
        (jobs, disputes, verifier, owner) = (jobs_, disputes_, verifier_, msg.sender);
        vault = StakeVault(address(jobs_.vault()));
        (time, height) = (time_, height_);
    }

    function bookOf(uint256 id) external view returns (Book memory) {
        return _books[id];
    }

    function disputeOf(uint256 id) external view returns (Dispute memory) {
        return _disputes[id];
    }

    // --- jobs ---

    function post(uint256 who, uint96 price, uint96 gain, uint256 life, uint8 kind) external {
        if (jobCount == MOST_JOBS) return;
        ComputeJobs.JobTerms memory terms;
        terms.description = keccak256(abi.encode("description", jobCount + 1));
        terms.price = price % 40 ether;
        terms.gain = gain % 20 ether;
        terms.deadline = uint40(time + 1 + (life % 3 days));
        terms.segments = uint16(1 + (kind % 3));
        if (kind % 2 == 0) terms.circuit = verifier.circuitId();
        if (kind % 5 == 0) terms.operator = workers[0];
        address requester = requesters[who % 2];
        vm.startPrank(requester);
        jobs.token().approve(address(jobs), terms.price);
        jobs.post(terms);
        vm.stopPrank();
        Book storage book = _books[++jobCount];
        book.status = ComputeJobs.JobStatus.Open;
        (book.requester, book.operator, book.price) = (requester, terms.operator, terms.price);
        // p is a tenth, the margin 1 OPEN, the minimum 5 OPEN, and all of it twice.
        uint96 needed = 10 * (terms.gain + 1 ether);
        needed = needed > terms.price ? needed - terms.price : 0;
        book.bond = 2 * (needed > 5 ether ? needed : 5 ether);
        (book.segments, book.provable, book.deadline) = (terms.segments, kind % 2 == 0, terms.deadline);
        paid[requester] += terms.price;
    }

    function cancel(uint256 which, uint256 who) external {
        (uint256 id, Book storage book) = _pick(which);
        address sender = requesters[who % 2];
        bool passes = book.status == ComputeJobs.JobStatus.Open && sender == book.requester;
        vm.prank(sender);
        _expect(passes, address(jobs), abi.encodeCall(jobs.cancel, (id)));
        if (passes) _end(book, ComputeJobs.JobStatus.Cancelled, book.requester);
    }

    function take(uint256 which, uint256 who) external {
        (uint256 id, Book storage book) = _pick(which);
        address sender = workers[who % 2];
        bool passes = book.status == ComputeJobs.JobStatus.Open &&
            time < book.deadline &&
            (book.operator == address(0) || book.operator == sender) &&
            lockedOf(sender) + book.bond + slashedJobs[sender] <= STAKE;
        vm.prank(sender);
        _expect(passes, address(jobs), abi.encodeCall(jobs.take, (id)));
        if (!passes) return;
        book.operator = sender;
        book.status = ComputeJobs.JobStatus.Taken;
    }

    function commit(uint256 which, uint256 who) external {
        (uint256 id, Book storage book) = _pick(which);
        address sender = workers[who % 2];
        bool passes = book.status == ComputeJobs.JobStatus.Taken && sender == book.operator && time < book.deadline;
        bytes32 result = _resultOf(book.segments);
        bytes32 commitment = keccak256(
            abi.encode(keccak256("openledger.commitment.result.v1"), 31337, jobs, id, sender, result, bytes32("salt"))
        );
        vm.prank(sender);
        _expect(passes, address(jobs), abi.encodeCall(jobs.commit, (id, commitment)));
        if (!passes) return;
        book.status = ComputeJobs.JobStatus.Committed;
        book.drawBlock = height + 64;
    }

    function reveal(uint256 which, bool wrong, address sender) external {
        (uint256 id, Book storage book) = _pick(which);
        bool passes = book.status == ComputeJobs.JobStatus.Committed &&
            time >= book.deadline &&
            time < book.deadline + 1 days &&
            !wrong;
        vm.prank(sender);
        bytes32 salt = wrong ? bytes32("other") : bytes32("salt");
        _expect(passes, address(jobs), abi.encodeCall(jobs.reveal, (id, digestsOf(book.segments), salt)));
        if (!passes) return;
        book.status = ComputeJobs.JobStatus.Revealed;
        bool audited = book.audit == ComputeJobs.Audit.Segment || book.audit == ComputeJobs.Audit.All;
        book.closesAt = time + (audited ? 3 days : 1 days);
    }

    function draw(uint256 which, address sender) external {
        (uint256 id, Book storage book) = _pick(which);
        bool passes = (book.status == ComputeJobs.JobStatus.Committed || book.status == ComputeJobs.JobStatus.Revealed) &&
            book.audit == ComputeJobs.Audit.Undrawn &&
            height > book.drawBlock;
        vm.prank(sender);
        _expect(passes, address(jobs), abi.encodeCall(jobs.draw, (id)));
        if (!passes) return;
        bytes32 hash = blockhash(book.drawBlock);
        if (height > book.drawBlock + 256) {
            book.audit = ComputeJobs.Audit.All;
        } else {
            uint256 seed = uint256(keccak256(abi.encode(hash, jobs, id)));
            bool audited = (seed & type(uint128).max) % 1_000_000 < 100_000;
            book.audit = audited ? ComputeJobs.Audit.Segment : ComputeJobs.Audit.Spared;
            if (audited) book.segment = (seed >> 128) % book.segments;
        }
        if (book.status == ComputeJobs.JobStatus.Revealed && book.audit != ComputeJobs.Audit.Spared) {
            book.closesAt = time + 3 days;
        }
    }

    function settle(uint256 which, address sender) external {
        (uint256 id, Book storage book) = _pick(which);
        ComputeJobs.JobStatus status = book.status;
        bool passes;
        if (status == ComputeJobs.JobStatus.Open || status == ComputeJobs.JobStatus.Taken) {
            passes = time >= book.deadline;
        } else if (status == ComputeJobs.JobStatus.Committed) {
            passes = time >= book.deadline + 1 days;
        } else if (status == ComputeJobs.JobStatus.Revealed) {
            passes = time >= book.closesAt && book.audit != ComputeJobs.Audit.Undrawn && book.open == 0;
        }
        vm.prank(sender);
        _expect(passes, address(jobs), abi.encodeCall(jobs.settle, (id)));
        if (!passes) return;
        if (status == ComputeJobs.JobStatus.Open) _end(book, ComputeJobs.JobStatus.Expired, book.requester);
        else if (status == ComputeJobs.JobStatus.Taken) _fail(book, ComputeJobs.JobStatus.Late, book.bond / 10);
        else if (status == ComputeJobs.JobStatus.Committed) _fail(book, ComputeJobs.JobStatus.Withheld, book.bond);
        else _end(book, ComputeJobs.JobStatus.Paid, book.operator);
    }

    function withdraw(uint256 who, address sender) external {
        address owed = who % 2 == 0 ? requesters[(who >> 1) % 2] : workers[(who >> 1) % 2];
        vm.prank(sender);
        _expect(credit[owed] != 0, address(jobs), abi.encodeCall(jobs.withdraw, (owed)));
        paid[owed] -= credit[owed];
        credit[owed] = 0;
    }

    // --- challenges ---

    function challenge(uint256 which, uint256 segment, uint256 who) external {
        if (challengeCount == MOST_CHALLENGES) return;
        (uint256 id, Book storage book) = _pick(which);
        if (book.status < ComputeJobs.JobStatus.Revealed) return;
        segment = segment % 4;
        address sender = challengers[who % 3];
        bool passes = book.status == ComputeJobs.JobStatus.Revealed &&
            time < book.closesAt &&
            segment < book.segments &&
            !proven[id][segment] &&
            lockedInDisputes(sender) + CHALLENGE_BOND + slashedDisputes[sender] <= STAKE;
        bytes32[] memory digests = digestsOf(book.segments);
        vm.prank(sender);
        _expect(
            passes,
            address(disputes),
            abi.encodeCall(disputes.challenge, (id, segment, digests, bytes32("claim")))
        );
        if (!passes) return;
        ++book.open;
        _disputes[++challengeCount] = Dispute(
            ComputeDisputes.ChallengeStatus.Pending,
            sender,
            id,
            segment,
            time + 2 days
        );
    }

    function answer(uint256 which, bool good, address sender) external {
        (uint256 id, Dispute storage dispute, Book storage book) = _pickDispute(which);
        bool passes = _isPending(dispute, book) && book.provable && good;
        Proof memory proof = proofOf(id, good);
        vm.prank(sender);
        _expect(passes, address(disputes), abi.encodeCall(disputes.answer, (id, proof)));
        if (!passes) return;
        proven[dispute.job][dispute.segment] = true;
        _lose(dispute, book);
    }

    function contest(uint256 which, uint256 who) external {
        (uint256 id, Dispute storage dispute, Book storage book) = _pickDispute(which);
        address sender = workers[who % 2];
        bool passes = _isPending(dispute, book) && !book.provable && sender == book.operator;
        vm.prank(sender);
        _expect(passes, address(disputes), abi.encodeCall(disputes.contest, (id)));
        if (!passes) return;
        dispute.status = ComputeDisputes.ChallengeStatus.Disputed;
        dispute.dueAt = time + 30 days;
    }

    function concede(uint256 which, uint256 who) external {
        (uint256 id, Dispute storage dispute, Book storage book) = _pickDispute(which);
        // Rarely: most jobs go on.
        if (who % 8 > 1) return;
        address sender = workers[who % 2];
        bool passes = _isOpen(dispute) &&
            book.status == ComputeJobs.JobStatus.Revealed &&
            sender == book.operator;
        vm.prank(sender);
        _expect(passes, address(disputes), abi.encodeCall(disputes.concede, (id)));
        if (passes) _uphold(dispute, book);
    }

    function decide(uint256 which, bool upheld, bool byOwner) external {
        (uint256 id, Dispute storage dispute, Book storage book) = _pickDispute(which);
        bool passes = byOwner &&
            dispute.status == ComputeDisputes.ChallengeStatus.Disputed &&
            time < dispute.dueAt &&
            book.status == ComputeJobs.JobStatus.Revealed;
        vm.prank(byOwner ? owner : dispute.challenger);
        _expect(passes, address(disputes), abi.encodeCall(disputes.decide, (id, upheld)));
        if (!passes) return;
        if (upheld) _uphold(dispute, book);
        else _lose(dispute, book);
    }

    function settleChallenge(uint256 which, address sender) external {
        (uint256 id, Dispute storage dispute, Book storage book) = _pickDispute(which);
        bool ended = book.status != ComputeJobs.JobStatus.Revealed;
        bool isProven = proven[dispute.job][dispute.segment];
        bool passes = _isOpen(dispute) && (ended || isProven || time >= dispute.dueAt);
        vm.prank(sender);
        _expect(passes, address(disputes), abi.encodeCall(disputes.settleChallenge, (id)));
        if (!passes) return;
        if (ended || (!isProven && dispute.status == ComputeDisputes.ChallengeStatus.Disputed)) {
            dispute.status = ComputeDisputes.ChallengeStatus.Returned;
            --book.open;
        } else if (isProven) {
            _lose(dispute, book);
        } else {
            _uphold(dispute, book);
        }
    }

    // --- time ---

    /// @dev Up to half a day, or to the second before, at or after an instant that matters to a job or a challenge. A block each 12 seconds, or a few.
    function warp(uint256 which, uint256 seconds_) external {
        uint256 next = time + (seconds_ % 12 hours);
        (, Book storage book) = _pick(which);
        (, Dispute storage dispute, ) = _pickDispute(which);
        uint256[4] memory instants = [book.deadline, book.deadline + 1 days, book.closesAt, dispute.dueAt];
        uint256 instant = instants[(seconds_ >> 8) % 4];
        if (seconds_ % 2 == 0 && instant > time + 1) next = instant - 1 + (seconds_ % 3);
        uint256 blocks = seconds_ % 5 == 0 ? 1 + (seconds_ % 70) : (next - time) / 12;
        if (next > time) time = next;
        height += blocks;
        vm.warp(time);
        vm.roll(height);
    }

    // --- views for the invariants ---

    /// @dev Bonds of an operator's jobs in flight.
    function lockedOf(address who) public view returns (uint256 locked) {
        for (uint256 id = 1; id <= jobCount; ++id) {
            Book storage book = _books[id];
            if (book.operator != who) continue;
            if (book.status > ComputeJobs.JobStatus.Open && book.status <= ComputeJobs.JobStatus.Revealed) {
                locked += book.bond;
            }
        }
    }

    /// @dev Bonds of a challenger's open challenges.
    function lockedInDisputes(address who) public view returns (uint256 locked) {
        for (uint256 id = 1; id <= challengeCount; ++id) {
            if (_disputes[id].challenger == who && _isOpen(_disputes[id])) locked += CHALLENGE_BOND;
        }
    }

    function digestsOf(uint256 count) public pure returns (bytes32[] memory digests) {
        digests = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) digests[i] = keccak256(abi.encode("segment", i));
    }

    function proofOf(uint256 id, bool good) public view returns (Proof memory) {
        Dispute storage dispute = _disputes[id];
        bytes32 context = keccak256(
            abi.encode(
                keccak256("openledger.context.segment.v1"),
                31337,
                disputes,
                dispute.job,
                dispute.segment,
                good ? dispute.challenger : owner
            )
        );
        uint256[] memory publics = new uint256[](3);
        publics[0] = uint256(keccak256(abi.encode("description", dispute.job))) % BN254.R;
        publics[1] = uint256(keccak256(abi.encode("segment", dispute.segment))) % BN254.R;
        publics[2] = dispute.segment;
        return Simulator.prove(verifier, context, publics, new uint256[](0));
    }

    // --- parts ---

    function _pick(uint256 which) private view returns (uint256 id, Book storage book) {
        if (jobCount != 0) id = 1 + (which % jobCount);
        book = _books[id];
    }

    function _pickDispute(
        uint256 which
    ) private view returns (uint256 id, Dispute storage dispute, Book storage book) {
        if (challengeCount != 0) id = 1 + (which % challengeCount);
        dispute = _disputes[id];
        book = _books[dispute.job];
    }

    function _isOpen(Dispute storage dispute) private view returns (bool) {
        return
            dispute.status == ComputeDisputes.ChallengeStatus.Pending ||
            dispute.status == ComputeDisputes.ChallengeStatus.Disputed;
    }

    function _isPending(Dispute storage dispute, Book storage book) private view returns (bool) {
        return
            dispute.status == ComputeDisputes.ChallengeStatus.Pending &&
            time < dispute.dueAt &&
            book.status == ComputeJobs.JobStatus.Revealed;
    }

    function _resultOf(uint256 count) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(digestsOf(count)));
    }

    function _end(Book storage book, ComputeJobs.JobStatus status, address to) private {
        book.status = status;
        credit[to] += book.price;
    }

    function _fail(Book storage book, ComputeJobs.JobStatus status, uint256 slashed) private {
        slashedJobs[book.operator] += slashed;
        _end(book, status, book.requester);
    }

    function _uphold(Dispute storage dispute, Book storage book) private {
        dispute.status = ComputeDisputes.ChallengeStatus.Upheld;
        --book.open;
        _fail(book, ComputeJobs.JobStatus.Convicted, book.bond);
    }

    function _lose(Dispute storage dispute, Book storage book) private {
        dispute.status = ComputeDisputes.ChallengeStatus.Lost;
        --book.open;
        slashedDisputes[dispute.challenger] += CHALLENGE_BOND;
    }

    function _expect(bool passes, address target, bytes memory data) private {
        (bool ok, ) = target.call(data);
        assertTrue(ok == passes, passes ? "expected to pass" : "expected to be refused");
    }
}

contract ComputeJobsInvariants is Market {
    JobsHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new JobsHandler(jobs, disputes, verifier, NOW, BLOCK);
        for (uint256 i = 0; i < 2; ++i) {
            token.transfer(handler.requesters(i), handler.FUNDS());
            vm.prank(handler.workers(i));
            operators.register(keccak256("manifest"), 0);
            _stake(address(jobs), handler.workers(i), handler.STAKE());
        }
        for (uint256 i = 0; i < 3; ++i) _stake(address(disputes), handler.challengers(i), handler.STAKE());
    }

    /// @dev What forge plays with.
    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function invariant_each_job_and_each_challenge_is_what_was_foretold() external view {
        for (uint256 id = 1; id <= handler.jobCount(); ++id) {
            JobsHandler.Book memory book = handler.bookOf(id);
            ComputeJobs.Job memory job = jobs.jobOf(id);
            assertEq(uint256(job.status), uint256(book.status), "status");
            assertEq(job.requester, book.requester, "requester");
            assertEq(job.operator, book.operator, "operator");
            assertEq(job.price, book.price, "price");
            assertEq(job.bond, book.bond, "bond");
            assertEq(job.closesAt, book.closesAt, "closesAt");
            assertEq(job.drawBlock, book.drawBlock, "drawBlock");
            assertEq(uint256(job.audit), uint256(book.audit), "audit");
            assertEq(job.segment, book.segment, "segment");
            assertEq(job.challenges, book.open, "challenges");
        }
        for (uint256 id = 1; id <= handler.challengeCount(); ++id) {
            JobsHandler.Dispute memory dispute = handler.disputeOf(id);
            ComputeDisputes.Challenge memory challenge = disputes.challengeOf(id);
            assertEq(uint256(challenge.status), uint256(dispute.status), "challenge status");
            assertEq(challenge.dueAt, dispute.dueAt, "dueAt");
            assertEq(challenge.job, dispute.job, "job");
        }
    }

    /// What came in is owed to somebody: prices of jobs in flight, and credits.
    function invariant_the_escrow_is_what_is_owed() external view {
        uint256 here;
        for (uint256 id = 1; id <= handler.jobCount(); ++id) {
            JobsHandler.Book memory book = handler.bookOf(id);
            if (book.status <= ComputeJobs.JobStatus.Revealed) here += book.price;
        }
        for (uint256 i = 0; i < 2; ++i) {
            (address requester, address worker) = (handler.requesters(i), handler.workers(i));
            assertEq(jobs.creditOf(requester), handler.credit(requester), "credit of a requester");
            assertEq(jobs.creditOf(worker), handler.credit(worker), "credit of an operator");
            here += handler.credit(requester) + handler.credit(worker);
        }
        assertEq(token.balanceOf(address(jobs)), here, "balance");
        assertEq(token.balanceOf(address(disputes)), 0, "disputes hold nothing");
    }

    /// What is locked are the bonds in flight, and what is gone was slashed.
    function invariant_bonds_locked_are_jobs_and_challenges_in_flight() external view {
        for (uint256 i = 0; i < 2; ++i) {
            address worker = handler.workers(i);
            uint256 locked = handler.lockedOf(worker);
            _holds(address(jobs), worker, handler.STAKE() - locked - handler.slashedJobs(worker), locked);
        }
        for (uint256 i = 0; i < 3; ++i) {
            address who = handler.challengers(i);
            uint256 locked = handler.lockedInDisputes(who);
            _holds(address(disputes), who, handler.STAKE() - locked - handler.slashedDisputes(who), locked);
        }
    }

    /// By calls of a stranger alone, whatever the state, and nothing is left behind.
    function invariant_every_job_reaches_an_end_by_anybody() external {
        uint256 state = vm.snapshotState();
        vm.startPrank(stranger);
        uint256 time = handler.time() + 4 days;
        vm.warp(time);
        vm.roll(handler.height() + 1000);
        for (uint256 id = 1; id <= handler.jobCount(); ++id) {
            JobsHandler.Book memory book = handler.bookOf(id);
            bool drawable = book.status == ComputeJobs.JobStatus.Committed ||
                book.status == ComputeJobs.JobStatus.Revealed;
            if (drawable && book.audit == ComputeJobs.Audit.Undrawn) jobs.draw(id);
        }
        vm.warp(time + 30 days);
        for (uint256 id = 1; id <= handler.challengeCount(); ++id) {
            ComputeDisputes.ChallengeStatus status = disputes.challengeOf(id).status;
            bool open = status == ComputeDisputes.ChallengeStatus.Pending ||
                status == ComputeDisputes.ChallengeStatus.Disputed;
            if (open) disputes.settleChallenge(id);
        }
        for (uint256 id = 1; id <= handler.jobCount(); ++id) {
            if (jobs.jobOf(id).status <= ComputeJobs.JobStatus.Revealed) jobs.settle(id);
            assertTrue(jobs.jobOf(id).status > ComputeJobs.JobStatus.Revealed, "ended");
            assertEq(jobs.jobOf(id).challenges, 0, "no challenge left");
        }
        for (uint256 i = 0; i < 2; ++i) {
            if (jobs.creditOf(handler.requesters(i)) != 0) jobs.withdraw(handler.requesters(i));
            if (jobs.creditOf(handler.workers(i)) != 0) jobs.withdraw(handler.workers(i));
            assertEq(vault.accountOf(address(jobs), handler.workers(i)).locked, 0, "no bond left");
        }
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(vault.accountOf(address(disputes), handler.challengers(i)).locked, 0, "no bond left");
        }
        assertEq(token.balanceOf(address(jobs)), 0, "all paid");
        vm.stopPrank();
        vm.revertToState(state);
    }

    /// The owner's calls, and a pause: nobody's claim shrinks, and the owner gets nothing.
    function invariant_no_call_of_an_owner_moves_money() external {
        uint256 state = vm.snapshotState();
        uint256[3] memory before = [
            token.balanceOf(address(this)),
            token.balanceOf(address(jobs)),
            jobs.creditOf(handler.requesters(0))
        ];
        operators.setPolicy(_policy());
        vm.prank(member);
        guardian.pause(14 days, "test");
        (bool ok, ) = address(jobs).call(abi.encodeCall(jobs.convict, (1, address(this), bytes32(0))));
        assertTrue(!ok, "convict");
        assertEq(token.balanceOf(address(this)), before[0], "owner");
        assertEq(token.balanceOf(address(jobs)), before[1], "escrow");
        assertEq(jobs.creditOf(handler.requesters(0)), before[2], "credit");
        assertEq(jobs.creditOf(address(this)), 0, "no credit");
        vm.revertToState(state);
    }
}
