// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BN254} from "./BN254.sol";
import {Context} from "./Epochs.sol";
import {IDatanets} from "./IDatanets.sol";
import {IGuardian} from "./IGuardian.sol";
import {IStakeVault} from "./IStakeVault.sol";
import {IVerifier, Proof} from "./IVerifier.sol";
import {ProvenanceRegistry} from "./ProvenanceRegistry.sol";
import {VerifierRouter} from "./VerifierRouter.sol";

/// @title Who may contribute which dataset to what, and how that is disputed
/// @notice A datanet is a subject with terms that never change: anybody makes one. An author submits the Dataset record of its rows with a bond;
/// what is accepted may be contributed in epochs that name the datanet. In an open datanet a submission is accepted when it stood
/// unchallenged for the challenge window, in a curated one when the curator says so. A curator who stays silent lets the submission lapse.
///
/// Anybody may challenge a submission that waits, is accepted or is leaving, with a bond of the same size. Any number of challenges stand beside
/// each other, so there is no place that a friend of the submitter could occupy; and a challenge of an accepted submission suspends
/// nothing, so that an enemy cannot keep a contributor out of an epoch. A challenge is upheld by a proof of the datanet's dispute circuit
/// or by the owner, and dismissed by the owner or by time ({DISPUTE_PERIOD}): a challenger brings what it needs, or loses. The loser's
/// bond is slashed in the vault, to the winner's benefit; challenges that are still open when the submission is removed lose nothing.
///
/// Bonds lie in the StakeVault, as locked stake of submitter and challenger for this service; this contract holds no money and no token ever calls it.
/// Per owner, locked there = the bonds of its submissions that are pending, accepted, lapsed or leaving + those of its open challenges.
/// A bond is always the datanet's: a richer submitter cannot make its submission dearer to challenge.
///
/// A bond leaves in these ways: back to free stake ({withdraw} after another challenge window, {reject}, a challenge that was upheld or is moot), or
/// by a verdict. Nobody can hold it for longer than a challenge window and a {DISPUTE_PERIOD} after its owner asked for it back.
///
/// The owner (a timelock) lists datanets (for reputation) and decides challenges that no proof decides, in their time; nothing else.
///
/// Who hashes what: an author makes the digest of its manifest (see ProvenanceRegistry); a record's id holds its author, and a submission belongs to author and
/// digest, so that nobody can take somebody else's place by copying. A challenger hashes its evidence. A proof of a dispute is made in the
/// context keccak256(abi.encode(keccak256("openledger.context.dispute.v1"), chain id, this contract, submission, challenger)).
contract Datanets is IDatanets {
    enum Mode {
        None,
        /// accepted by time
        Open,
        /// accepted by the curator
        Curated
    }

    enum Status {
        None,
        /// waits for the end of its window, or for the curator
        Pending,
        /// may be contributed
        Accepted,
        /// the curator was silent; the bond can be withdrawn
        Lapsed,
        /// takes no contributions any more; still to be challenged until `due`
        Leaving,
        /// the bond is free
        Withdrawn,
        /// the curator said no; the bond is free
        Rejected,
        /// a challenge was upheld; the bond was slashed
        Removed
    }

    enum Ruling {
        None,
        Open,
        /// the submission was removed, its bond slashed
        Upheld,
        /// the challenger's bond was slashed
        Dismissed,
        /// another challenge removed the submission
        Moot
    }

    /// @notice Why a curator says no.
    enum Reason {
        Unstated,
        Duplicate,
        Licence,
        Quality,
        Format,
        Privacy,
        OffTopic
    }

    /// @notice The terms that have a range, see {DatanetTermOutOfRange}.
    enum Term {
        Mode,
        Bond,
        Rows,
        Submissions,
        ChallengeWindow,
        DecisionPeriod
    }

    /// @notice What the maker of a datanet fixes. Nothing of it changes but the curator, who can hand over.
    /// @param curator accepts and rejects (of a curated datanet), names stewards, closes; zero for nobody (of an open one)
    /// @param bond wei of each submission and each challenge, at least {MIN_BOND}
    /// @param maxRows of one contribution: how much somebody contributes in all is not seen by the question that an epoch asks
    /// @param maxSubmissions that may stand at a time, per contributor
    /// @param challengeWindow seconds from a submission to its acceptance (open), and from {startWithdrawal} to {withdraw}
    /// @param decisionPeriod seconds that the curator has; zero for an open datanet
    /// @param licence id of an active Licence record
    /// @param circuit decides disputes by proof; zero: only the owner decides them
    struct Terms {
        address curator;
        uint96 bond;
        Mode mode;
        uint32 maxRows;
        uint32 maxSubmissions;
        uint32 challengeWindow;
        uint32 decisionPeriod;
        bytes32 licence;
        bytes32 circuit;
    }

    /// @param proposed may take over as curator; zero for nobody
    /// @param closed takes no submissions any more
    /// @param listed by the owner
    struct Datanet {
        Terms terms;
        address proposed;
        bool closed;
        bool listed;
    }

    /// @param due pending: end of the challenge window (open) or of the curator's time (curated); leaving: from when on the bond can be withdrawn
    /// @param challenges that are open
    /// @param digest of the Dataset record
    struct Submission {
        address contributor;
        uint40 due;
        Status status;
        uint32 datanet;
        uint16 challenges;
        bytes32 digest;
    }

    /// @param due the first second that is too late for a proof or a decision
    struct Challenge {
        address challenger;
        uint40 due;
        Ruling ruling;
        uint48 submission;
        bytes32 evidence;
    }

    event DatanetCreated(uint256 indexed datanet, address indexed curator, Terms terms);
    /// @notice `to` may take over as curator; zero takes the offer back.
    event CuratorProposed(uint256 indexed datanet, address indexed to);
    event CuratorChanged(uint256 indexed datanet, address indexed from, address indexed to);
    /// @notice Epochs of this steward count, or count no more, for reputation.
    event StewardNamed(uint256 indexed datanet, address indexed steward, bool named);
    event DatanetClosed(uint256 indexed datanet);
    event DatanetListed(uint256 indexed datanet, bool listed);
    event Submitted(
        uint256 indexed submission,
        uint256 indexed datanet,
        address indexed contributor,
        bytes32 digest,
        uint40 due
    );
    /// @notice A submission is accepted: by the curator, or (zero) because it stood its window, which is written down when somebody acts on it.
    event SubmissionAccepted(uint256 indexed submission, address indexed curator);
    /// @param digest of what explains the reason, to be found at `uri`
    event SubmissionRejected(
        uint256 indexed submission,
        address indexed curator,
        Reason reason,
        bytes32 digest,
        string uri
    );
    event WithdrawalStarted(uint256 indexed submission, uint40 due);
    event SubmissionWithdrawn(uint256 indexed submission);
    /// @param evidence digest of what is to be found at `uri`
    event Challenged(
        uint256 indexed challenge,
        uint256 indexed submission,
        address indexed challenger,
        uint40 due,
        bytes32 evidence,
        string uri
    );
    /// @notice A challenge was upheld: its submission is removed. `id` is the vault's case over the submitter's bond.
    event ChallengeUpheld(uint256 indexed challenge, uint256 indexed submission, bool byProof, uint256 id, uint96 slashed);
    /// @notice A challenge was dismissed. `id` is the vault's case over the challenger's bond.
    event ChallengeDismissed(
        uint256 indexed challenge,
        uint256 indexed submission,
        bool byTime,
        uint256 id,
        uint96 slashed
    );
    /// @notice Another challenge removed the submission; this challenger's bond is free.
    event ChallengeMoot(uint256 indexed challenge, uint256 indexed submission);

    error AddressZero();
    error DigestZero();
    error NotOwner(address owner, address caller);
    error RecordNotActive(bytes32 id);
    error KindNotAllowed(ProvenanceRegistry.Kind kind);
    error NotAuthor(bytes32 id, address author, address caller);
    error DatanetTermOutOfRange(Term term, uint256 minimum, uint256 maximum, uint256 actual);
    /// @notice A dispute circuit's statement id begins with "dispute-", and it has two publics at least, no links and no words.
    error DisputeCircuitUnfit(bytes32 circuit);
    error DatanetUnknown(uint256 datanet);
    error DatanetIsClosed(uint256 datanet);
    error NotCurator(uint256 datanet, address curator, address caller);
    error NotProposedCurator(uint256 datanet, address proposed, address caller);
    /// @notice Submissions of an open datanet are accepted by time.
    error NotCurated(uint256 datanet);
    /// @notice The same author's submission of the same digest has not come to its end.
    error SubmissionStands(uint256 submission);
    error TooManySubmissions(uint256 datanet, uint256 maximum);
    error NotContributor(uint256 submission, address contributor, address caller);
    /// @notice The submission is not in a status in which this can be done.
    error WrongSubmissionStatus(uint256 submission, Status actual);
    /// @notice The bond is held by this many open challenges.
    error StillChallenged(uint256 submission, uint256 challenges);
    /// @notice The bond can be withdrawn from `due` on.
    error StillLeaving(uint256 submission, uint256 due);
    error OwnSubmission(uint256 submission);
    /// @notice New challenges ended at `due`; those that are open go on.
    error SubmissionPastChallenge(uint256 submission, uint256 due);
    error TooManyChallenges(uint256 submission, uint256 maximum);
    /// @notice No such challenge was made, or it was ruled on.
    error ChallengeOver(uint256 challenge, Ruling ruling);
    /// @notice The time to prove or to decide ended at `due`.
    error RulingTooLate(uint256 challenge, uint256 due);
    /// @notice The challenge is dismissed from `due` on.
    error RulingTooEarly(uint256 challenge, uint256 due);
    /// @notice Nothing can be proven in this datanet; the owner decides.
    error NoDisputeCircuit(uint256 datanet);
    /// @notice Not a Dataset record with another digest, made before that of the submission.
    error OriginalUnfit(bytes32 original);
    error TooManyPublics(uint256 maximum, uint256 actual);
    /// @notice The contributor has no accepted submission of this digest.
    error SubmissionNotAccepted(uint256 datanet, address contributor, bytes32 digest, Status actual);
    error TooManyRows(uint256 maximum, uint256 actual);

    /// @notice The smallest bond: a challenge costs something everywhere.
    uint256 public constant MIN_BOND = 1 ether;
    /// @notice The shortest challenge window and decision period.
    uint256 public constant MIN_PERIOD = 1 days;
    /// @notice The longest challenge window and decision period.
    uint256 public constant MAX_PERIOD = 30 days;
    /// @notice From a challenge to its dismissal by time. Long enough for a vote and the timelock's delay.
    uint256 public constant DISPUTE_PERIOD = 21 days;
    /// @notice The most publics of a dispute proof beside the first two.
    uint256 public constant MAX_PUBLICS = 30;
    bytes32 private constant DISPUTE = keccak256("openledger.context.dispute.v1");

    /// @notice Holds the bonds.
    IStakeVault public immutable vault;
    ProvenanceRegistry public immutable provenance;
    VerifierRouter public immutable router;
    IGuardian public immutable guardian;
    /// @notice Lists datanets and decides challenges: a timelock. For ever.
    address public immutable owner;

    /// @notice The number of datanets, and the id of the latest.
    uint256 public datanetCount;
    /// @notice The number of submissions, and the id of the latest.
    uint256 public submissionCount;
    /// @notice The number of challenges, and the id of the latest.
    uint256 public challengeCount;

    mapping(uint256 datanet => Datanet) private _datanets;
    mapping(uint256 datanet => mapping(address steward => bool)) private _stewards;
    mapping(uint256 submission => Submission) private _submissions;
    mapping(uint256 challenge => Challenge) private _challenges;
    mapping(uint256 datanet => mapping(address contributor => mapping(bytes32 digest => uint256 submission)))
        private _latest;
    mapping(uint256 datanet => mapping(address contributor => uint256)) private _standing;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(owner, msg.sender);
        _;
    }

    /// @param vault_ where this contract is a service
    /// @param guardian_ asked before a datanet or a submission is taken
    /// @param owner_ the timelock
    constructor(
        IStakeVault vault_,
        ProvenanceRegistry provenance_,
        VerifierRouter router_,
        IGuardian guardian_,
        address owner_
    ) {
        if (
            address(vault_) == address(0) ||
            address(provenance_) == address(0) ||
            address(router_) == address(0) ||
            address(guardian_) == address(0) ||
            owner_ == address(0)
        ) revert AddressZero();
        vault = vault_;
        provenance = provenance_;
        router = router_;
        guardian = guardian_;
        owner = owner_;
    }

    // --- datanets ---

    /// @notice Makes a datanet. By anybody.
    function create(Terms calldata terms) external returns (uint256 datanet) {
        guardian.checkIntake();
        _checkTerms(terms);
        datanet = ++datanetCount;
        _datanets[datanet].terms = terms;
        emit DatanetCreated(datanet, terms.curator, terms);
    }

    /// @notice Offers the curator's place to somebody, or to nobody any more (zero). By the curator, who keeps it until {acceptCurator}.
    function proposeCurator(uint256 datanet, address to) external {
        _curatedBy(datanet).proposed = to;
        emit CuratorProposed(datanet, to);
    }

    /// @notice Takes the curator's place. By whom the curator proposed. Whoever curated before has no powers any more.
    function acceptCurator(uint256 datanet) external {
        Datanet storage place = _known(datanet);
        if (msg.sender != place.proposed) revert NotProposedCurator(datanet, place.proposed, msg.sender);
        emit CuratorChanged(datanet, place.terms.curator, msg.sender);
        place.terms.curator = msg.sender;
        place.proposed = address(0);
    }

    /// @notice Names somebody whose epochs count for reputation in this datanet, or takes that back. By the curator, whose own count anyway.
    function nameSteward(uint256 datanet, address steward, bool named) external {
        _curatedBy(datanet);
        _stewards[datanet][steward] = named;
        emit StewardNamed(datanet, steward, named);
    }

    /// @notice Ends submissions, for ever. By the curator. What was submitted goes its way; what is accepted stays so.
    function closeDatanet(uint256 datanet) external {
        Datanet storage place = _curatedBy(datanet);
        if (place.closed) revert DatanetIsClosed(datanet);
        place.closed = true;
        emit DatanetClosed(datanet);
    }

    /// @notice Lists a datanet, or unlists it. By the owner.
    function list(uint256 datanet, bool listed) external onlyOwner {
        _known(datanet).listed = listed;
        emit DatanetListed(datanet, listed);
    }

    // --- submissions ---

    /// @notice Submits a dataset of the caller, whose free stake with this service covers the bond.
    /// @param record id of an active Dataset record of the caller
    function submit(uint256 datanet, bytes32 record) external returns (uint256 id) {
        guardian.checkIntake();
        Datanet storage place = _known(datanet);
        if (place.closed) revert DatanetIsClosed(datanet);
        bytes32 digest = _ownDataset(record);
        id = _latest[datanet][msg.sender][digest];
        if (id != 0 && _stands(_submissions[id].status)) revert SubmissionStands(id);
        Terms storage terms = place.terms;
        uint256 standing = _standing[datanet][msg.sender];
        if (standing >= terms.maxSubmissions) revert TooManySubmissions(datanet, terms.maxSubmissions);

        id = ++submissionCount;
        uint256 period = terms.mode == Mode.Open ? terms.challengeWindow : terms.decisionPeriod;
        uint40 due = uint40(block.timestamp + period);
        _submissions[id] = Submission(msg.sender, due, Status.Pending, uint32(datanet), 0, digest);
        _latest[datanet][msg.sender][digest] = id;
        _standing[datanet][msg.sender] = standing + 1;
        emit Submitted(id, datanet, msg.sender, digest, due);
        vault.lock(msg.sender, terms.bond);
    }

    /// @notice Accepts a submission. By the curator, in time. Challenges that are open go on.
    function accept(uint256 submission) external {
        _decidable(submission).status = Status.Accepted;
        emit SubmissionAccepted(submission, msg.sender);
    }

    /// @notice Rejects a submission and frees its bond. By the curator, in time, and not while a challenge is open: a curator cannot save a bond from it.
    /// @param digest of what explains the reason; may be zero
    /// @param uri where that is to be found; may be empty
    function reject(uint256 submission, Reason reason, bytes32 digest, string calldata uri) external {
        Submission storage entry = _decidable(submission);
        _checkUnchallenged(submission, entry);
        emit SubmissionRejected(submission, msg.sender, reason, digest, uri);
        _free(entry, Status.Rejected);
    }

    /// @notice Begins to take a submission out, also while it is challenged. By its contributor. It takes no contributions from now on, and can be challenged for another
    /// window: nobody runs away from a challenge. What was contributed before stays.
    function startWithdrawal(uint256 submission) external {
        (Submission storage entry, Status status) = _current(submission);
        if (msg.sender != entry.contributor) revert NotContributor(submission, entry.contributor, msg.sender);
        if (status != Status.Pending && status != Status.Accepted) revert WrongSubmissionStatus(submission, status);
        uint40 due = uint40(block.timestamp + _datanets[entry.datanet].terms.challengeWindow);
        entry.status = Status.Leaving;
        entry.due = due;
        emit WithdrawalStarted(submission, due);
    }

    /// @notice Frees the bond of a submission that has left or lapsed and has no open challenge. By anybody; the stake is its contributor's.
    function withdraw(uint256 submission) external {
        (Submission storage entry, Status status) = _current(submission);
        if (status != Status.Leaving && status != Status.Lapsed) revert WrongSubmissionStatus(submission, status);
        if (block.timestamp < entry.due) revert StillLeaving(submission, entry.due);
        _checkUnchallenged(submission, entry);
        emit SubmissionWithdrawn(submission);
        _free(entry, Status.Withdrawn);
    }

    // --- challenges ---

    /// @notice Challenges a submission. By anybody but its contributor, whose free stake with this service covers the bond. Of a pending or leaving one
    /// before `due`, of an accepted one at any time.
    /// @param evidence digest of what supports it; not zero
    /// @param uri where that is to be found; may be empty
    function challenge(uint256 submission, bytes32 evidence, string calldata uri) external returns (uint256 id) {
        (Submission storage entry, Status status) = _current(submission);
        if (status != Status.Accepted) {
            if (status != Status.Pending && status != Status.Leaving) revert WrongSubmissionStatus(submission, status);
            // Otherwise one challenge after the other could keep a submission from its acceptance, or a bond from its owner.
            if (block.timestamp >= entry.due) revert SubmissionPastChallenge(submission, entry.due);
        }
        if (msg.sender == entry.contributor) revert OwnSubmission(submission);
        if (evidence == 0) revert DigestZero();
        if (entry.challenges == type(uint16).max) revert TooManyChallenges(submission, type(uint16).max);

        id = ++challengeCount;
        uint40 due = uint40(block.timestamp + DISPUTE_PERIOD);
        _challenges[id] = Challenge(msg.sender, due, Ruling.Open, uint48(submission), evidence);
        ++entry.challenges;
        emit Challenged(id, submission, msg.sender, due, evidence, uri);
        vault.lock(msg.sender, _bondOf(entry));
    }

    /// @notice Upholds a challenge by a proof of the datanet's dispute circuit. By anybody: the proof is the challenger's, and nobody else's challenge wins by it.
    /// @param original id of an earlier Dataset record (of whomever) that the dispute is about, such as what was copied; zero for none. Not of
    /// the same digest: a digest can be copied without knowing the rows.
    /// @param publics after the first two, which are the digests mod r of the submission and of the original (zero without one)
    function resolve(uint256 id, bytes32 original, uint256[] calldata publics, Proof calldata proof) external {
        (Challenge storage dispute, Submission storage entry) = _undecided(id);
        uint256 datanet = entry.datanet;
        bytes32 circuit = _datanets[datanet].terms.circuit;
        if (circuit == 0) revert NoDisputeCircuit(datanet);
        router.verify(
            circuit,
            Context.ofSender(DISPUTE, dispute.submission, dispute.challenger),
            _publics(entry, original, publics),
            new uint256[](0),
            proof
        );
        _uphold(id, dispute, entry, true);
    }

    /// @notice Decides a challenge. By the owner, in time.
    function decide(uint256 id, bool upheld) external onlyOwner {
        (Challenge storage dispute, Submission storage entry) = _undecided(id);
        if (upheld) _uphold(id, dispute, entry, false);
        else _dismiss(id, dispute, entry, false);
    }

    /// @notice Ends a challenge that nobody upheld in time: it is dismissed; or whose submission another challenge removed: its bond is free. By anybody.
    function closeChallenge(uint256 id) external {
        (Challenge storage dispute, Submission storage entry) = _open(id);
        if (entry.status != Status.Removed) {
            if (block.timestamp < dispute.due) revert RulingTooEarly(id, dispute.due);
            return _dismiss(id, dispute, entry, true);
        }
        dispute.ruling = Ruling.Moot;
        --entry.challenges;
        emit ChallengeMoot(id, dispute.submission);
        vault.unlock(dispute.challenger, _bondOf(entry));
    }

    // --- views ---

    /// @inheritdoc IDatanets
    function checkContribution(
        uint256 datanet,
        address contributor,
        bytes32 datasetDigest,
        uint256 rows
    ) external view {
        Status status = _statusOf(_submissions[_latest[datanet][contributor][datasetDigest]]);
        if (status != Status.Accepted) revert SubmissionNotAccepted(datanet, contributor, datasetDigest, status);
        uint256 maximum = _datanets[datanet].terms.maxRows;
        if (rows > maximum) revert TooManyRows(maximum, rows);
    }

    /// @inheritdoc IDatanets
    function isListed(uint256 datanet) external view returns (bool) {
        return _datanets[datanet].listed;
    }

    /// @notice Whether epochs of this steward count for reputation in the datanet: it is the curator, or the curator named it.
    function isSteward(uint256 datanet, address steward) external view returns (bool) {
        return _stewards[datanet][steward] || (steward != address(0) && steward == _datanets[datanet].terms.curator);
    }

    /// @notice A datanet; all zero when there is none.
    function datanetOf(uint256 datanet) external view returns (Datanet memory) {
        return _datanets[datanet];
    }

    /// @notice A submission, with the status that it has now; all zero when there is none.
    function submissionOf(uint256 submission) external view returns (Submission memory entry) {
        entry = _submissions[submission];
        entry.status = _statusOf(_submissions[submission]);
    }

    /// @notice The latest submission of this digest by this contributor in the datanet; zero when there is none.
    function latestOf(uint256 datanet, address contributor, bytes32 digest) external view returns (uint256) {
        return _latest[datanet][contributor][digest];
    }

    /// @notice How many submissions of a contributor stand: hold a place and a bond.
    function standingOf(uint256 datanet, address contributor) external view returns (uint256) {
        return _standing[datanet][contributor];
    }

    /// @notice A challenge; all zero when there is none.
    function challengeOf(uint256 id) external view returns (Challenge memory) {
        return _challenges[id];
    }

    // --- parts ---

    function _checkTerms(Terms calldata terms) private view {
        bool curated = terms.mode == Mode.Curated;
        _check(Term.Mode, 1, 2, uint256(terms.mode));
        if (curated && terms.curator == address(0)) revert AddressZero();
        _check(Term.Bond, MIN_BOND, type(uint96).max, terms.bond);
        _check(Term.Rows, 1, type(uint32).max, terms.maxRows);
        _check(Term.Submissions, 1, type(uint32).max, terms.maxSubmissions);
        _check(Term.ChallengeWindow, MIN_PERIOD, MAX_PERIOD, terms.challengeWindow);
        _check(Term.DecisionPeriod, curated ? MIN_PERIOD : 0, curated ? MAX_PERIOD : 0, terms.decisionPeriod);
        _checkRecord(terms.licence, ProvenanceRegistry.Kind.Licence);
        if (terms.circuit != 0) _checkCircuit(terms.circuit);
    }

    function _check(Term term, uint256 minimum, uint256 maximum, uint256 actual) private pure {
        if (actual < minimum || actual > maximum) revert DatanetTermOutOfRange(term, minimum, maximum, actual);
    }

    /// @dev A circuit of another purpose may leave its first publics free, and then everybody could prove a dispute.
    function _checkCircuit(bytes32 circuit) private view {
        IVerifier verifier = router.verifierOf(circuit);
        bytes memory statement = bytes(verifier.statement());
        if (
            statement.length < 8 ||
            bytes8(_firstWord(statement)) != "dispute-" ||
            verifier.publicCount() < 2 ||
            verifier.linkCount() != 0 ||
            verifier.hasWords()
        ) revert DisputeCircuitUnfit(circuit);
    }

    function _firstWord(bytes memory text) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(text, 0x20))
        }
    }

    function _checkRecord(
        bytes32 id,
        ProvenanceRegistry.Kind kind
    ) private view returns (ProvenanceRegistry.Record memory record) {
        record = provenance.recordOf(id);
        if (record.status != ProvenanceRegistry.Status.Active) revert RecordNotActive(id);
        if (record.kind != kind) revert KindNotAllowed(record.kind);
    }

    function _ownDataset(bytes32 id) private view returns (bytes32) {
        ProvenanceRegistry.Record memory record = _checkRecord(id, ProvenanceRegistry.Kind.Dataset);
        if (record.author != msg.sender) revert NotAuthor(id, record.author, msg.sender);
        return record.digest;
    }

    function _known(uint256 datanet) private view returns (Datanet storage place) {
        place = _datanets[datanet];
        if (place.terms.mode == Mode.None) revert DatanetUnknown(datanet);
    }

    function _curatedBy(uint256 datanet) private view returns (Datanet storage place) {
        place = _known(datanet);
        address curator = place.terms.curator;
        if (msg.sender != curator) revert NotCurator(datanet, curator, msg.sender);
    }

    /// @dev A submission on which the caller, as its curator, may decide now.
    function _decidable(uint256 submission) private view returns (Submission storage entry) {
        entry = _submissions[submission];
        Status status = _statusOf(entry);
        if (status == Status.None) revert WrongSubmissionStatus(submission, status);
        uint256 datanet = entry.datanet;
        if (_curatedBy(datanet).terms.mode != Mode.Curated) revert NotCurated(datanet);
        if (status != Status.Pending) revert WrongSubmissionStatus(submission, status);
    }

    /// @dev The status now. Time accepts (open) or lets lapse (curated), and says so nowhere until somebody acts, see {_current}.
    function _statusOf(Submission storage entry) private view returns (Status status) {
        status = entry.status;
        if (status != Status.Pending || block.timestamp < entry.due) return status;
        if (_datanets[entry.datanet].terms.mode == Mode.Curated) return Status.Lapsed;
        return entry.challenges == 0 ? Status.Accepted : status;
    }

    /// @dev A submission and its status now. What time accepted is written down: a later challenge does not make it pending again.
    function _current(uint256 submission) private returns (Submission storage entry, Status status) {
        entry = _submissions[submission];
        status = _statusOf(entry);
        if (status == Status.Accepted && entry.status == Status.Pending) {
            entry.status = Status.Accepted;
            emit SubmissionAccepted(submission, address(0));
        }
    }

    /// @dev Whether a submission with this (stored) status holds a place and a bond.
    function _stands(Status status) private pure returns (bool) {
        return status == Status.Pending || status == Status.Accepted || status == Status.Leaving;
    }

    function _checkUnchallenged(uint256 submission, Submission storage entry) private view {
        if (entry.challenges != 0) revert StillChallenged(submission, entry.challenges);
    }

    function _bondOf(Submission storage entry) private view returns (uint96) {
        return _datanets[entry.datanet].terms.bond;
    }

    function _end(Submission storage entry, Status status) private {
        entry.status = status;
        --_standing[entry.datanet][entry.contributor];
    }

    function _free(Submission storage entry, Status status) private {
        _end(entry, status);
        vault.unlock(entry.contributor, _bondOf(entry));
    }

    function _open(uint256 id) private view returns (Challenge storage dispute, Submission storage entry) {
        dispute = _challenges[id];
        if (dispute.ruling != Ruling.Open) revert ChallengeOver(id, dispute.ruling);
        entry = _submissions[dispute.submission];
    }

    /// @dev A challenge that may still be upheld or dismissed by somebody's word.
    function _undecided(uint256 id) private view returns (Challenge storage dispute, Submission storage entry) {
        (dispute, entry) = _open(id);
        if (entry.status == Status.Removed) revert WrongSubmissionStatus(dispute.submission, Status.Removed);
        if (block.timestamp >= dispute.due) revert RulingTooLate(id, dispute.due);
    }

    function _publics(
        Submission storage entry,
        bytes32 original,
        uint256[] calldata others
    ) private view returns (uint256[] memory publics) {
        if (others.length > MAX_PUBLICS) revert TooManyPublics(MAX_PUBLICS, others.length);
        publics = new uint256[](2 + others.length);
        publics[0] = uint256(entry.digest) % BN254.R;
        if (original != 0) publics[1] = uint256(_originalDigest(entry, original)) % BN254.R;
        for (uint256 i = 0; i < others.length; ++i) publics[2 + i] = others[i];
    }

    /// @dev A revoked record counts: it was made when it was made.
    function _originalDigest(Submission storage entry, bytes32 original) private view returns (bytes32) {
        bytes32 own = provenance.recordId(entry.contributor, ProvenanceRegistry.Kind.Dataset, entry.digest);
        ProvenanceRegistry.Record memory record = provenance.recordOf(original);
        if (
            record.kind != ProvenanceRegistry.Kind.Dataset ||
            record.digest == entry.digest ||
            record.timestamp >= provenance.recordOf(own).timestamp
        ) revert OriginalUnfit(original);
        return record.digest;
    }

    function _uphold(uint256 id, Challenge storage dispute, Submission storage entry, bool byProof) private {
        (address challenger, bytes32 evidence, uint96 bond) = (dispute.challenger, dispute.evidence, _bondOf(entry));
        dispute.ruling = Ruling.Upheld;
        --entry.challenges;
        _end(entry, Status.Removed);
        (uint256 case_, uint96 slashed) = vault.slash(entry.contributor, bond, challenger, evidence);
        emit ChallengeUpheld(id, dispute.submission, byProof, case_, slashed);
        vault.unlock(challenger, bond);
    }

    function _dismiss(uint256 id, Challenge storage dispute, Submission storage entry, bool byTime) private {
        dispute.ruling = Ruling.Dismissed;
        --entry.challenges;
        (uint256 case_, uint96 slashed) = vault.slash(
            dispute.challenger,
            _bondOf(entry),
            entry.contributor,
            dispute.evidence
        );
        emit ChallengeDismissed(id, dispute.submission, byTime, case_, slashed);
    }
}
