// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier, Proof} from "../src/IVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Simulator} from "./Simulator.sol";
// Deployed by name, so that they are compiled once: see Test._create.
import "./vectors/ToyContributionVerifier.sol";
import "./vectors/ToyOptimumVerifier.sol";
import "./vectors/ToyPayoutVerifier.sol";
import "./vectors/ToyScoreVerifier.sol";
import {Test} from "./Vm.sol";

/// @notice Anybody who tries anything with the routes, and a second set of books: what each route must be.
contract RouterHandler is Test {
    VerifierRouter public immutable router;
    address public immutable owner;

    /// @dev Two copies of each circuit's verifier, at different addresses.
    IVerifier[2][4] private _copies;
    /// @dev What was registered first, for ever; and whether it was stopped.
    address[4] public expected;
    bool[4] public stopped;
    address public guardian;
    uint256 public moves;

    constructor(VerifierRouter router_, address guardian_) {
        router = router_;
        owner = msg.sender;
        guardian = guardian_;
        string[4] memory names = ["ToyContributionVerifier", "ToyOptimumVerifier", "ToyPayoutVerifier", "ToyScoreVerifier"];
        for (uint256 i = 0; i < 4; ++i) {
            for (uint256 j = 0; j < 2; ++j) _copies[i][j] = IVerifier(_create(names[i], ""));
        }
    }

    function idOf(uint256 i) public view returns (bytes32) {
        return _copies[i][0].circuitId();
    }

    function register(uint256 i, uint256 copy, uint256 who) external {
        i %= 4;
        IVerifier verifier = _copies[i][copy % 2];
        address caller = _caller(who);
        vm.prank(caller);
        try router.register(verifier) {
            assertTrue(caller == owner, "only the owner adds");
            assertTrue(expected[i] == address(0), "a route is added once");
            expected[i] = address(verifier);
            ++moves;
        } catch {
            assertTrue(caller != owner || expected[i] != address(0), "the owner adds what is new");
        }
    }

    function stop(uint256 i, uint256 who) external {
        i %= 4;
        bytes32 id = idOf(i);
        address caller = _caller(who);
        vm.prank(caller);
        try router.stop(id) {
            assertTrue(caller == owner || caller == guardian, "owner and guardian stop");
            assertTrue(expected[i] != address(0) && !stopped[i], "what is active is stopped");
            stopped[i] = true;
            ++moves;
        } catch {
            bool may = caller == owner || caller == guardian;
            assertTrue(!may || expected[i] == address(0) || stopped[i], "owner and guardian can always stop");
        }
    }

    /// @dev A proof of the impossible statement, or of the same in another context.
    function stopByProof(uint256 i, uint256 who, bool impossible) external {
        i %= 4;
        IVerifier verifier = _copies[i][0];
        uint256[] memory links = new uint256[](verifier.linkCount());
        uint256[] memory words = new uint256[](0);
        bytes32 context = impossible ? router.IMPOSSIBLE() : bytes32("another");
        uint256[] memory zeros = new uint256[](verifier.publicCount());
        Proof memory proof = Simulator.prove(verifier, context, zeros, links, words, new bytes32[](0));
        bytes32 id = idOf(i);
        vm.prank(_caller(who));
        try router.stopByProof(id, links, words, proof) {
            assertTrue(impossible, "only the impossible statement stops");
            assertTrue(expected[i] != address(0) && !stopped[i], "what is active is stopped");
            stopped[i] = true;
            ++moves;
        } catch {
            assertTrue(!impossible || expected[i] == address(0) || stopped[i], "the impossible statement stops");
        }
    }

    function setGuardian(uint256 who, uint256 next) external {
        address caller = _caller(who);
        vm.prank(caller);
        try router.setGuardian(_caller(next)) {
            assertTrue(caller == owner, "only the owner names the guardian");
            guardian = _caller(next);
            ++moves;
        } catch {
            assertTrue(caller != owner, "the owner names the guardian");
        }
    }

    /// @dev The owner half of the time.
    function _caller(uint256 who) private view returns (address) {
        return who % 2 == 0 ? owner : address(uint160(0x1000 + (who % 5)));
    }
}

contract VerifierRouterInvariantTest is Test {
    VerifierRouter private router;
    RouterHandler private handler;

    function setUp() public {
        address guardian = address(0x1001);
        router = VerifierRouter(_create("VerifierRouter", abi.encode(this, guardian, new bytes32[](0))));
        handler = new RouterHandler(router, guardian);
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    /// A route is unknown, then one verifier's, then a tombstone of that verifier; nothing else, ever.
    function invariant_routes_are_what_was_registered_first() public view {
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 id = handler.idOf(i);
            VerifierRouter.Route memory route = router.routeOf(id);
            VerifierRouter.Status status = handler.expected(i) == address(0)
                ? VerifierRouter.Status.Unknown
                : handler.stopped(i)
                    ? VerifierRouter.Status.Stopped
                    : VerifierRouter.Status.Active;
            assertEq(uint256(route.status), uint256(status), "status");
            assertEq(address(route.verifier), handler.expected(i), "verifier");
            try router.verifierOf(id) returns (IVerifier verifier) {
                assertTrue(status == VerifierRouter.Status.Active, "only active routes verify");
                assertEq(address(verifier), handler.expected(i), "the verifier that was registered");
            } catch {
                assertTrue(status != VerifierRouter.Status.Active, "active routes verify");
            }
        }
    }

    function invariant_the_guardian_is_whom_the_owner_named() public view {
        assertEq(router.guardian(), handler.guardian(), "guardian");
        assertEq(router.owner(), address(this), "owner");
    }
}
