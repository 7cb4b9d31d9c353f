// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IVerifier} from "../src/IVerifier.sol";
import {VerifierRouter} from "../src/VerifierRouter.sol";
import {Test} from "./Vm.sol";
// Deployed by name: imported so that a filtered run compiles them too.
import "./vectors/ToyContributionVerifier.sol";
import "./vectors/ToyPayoutVerifier.sol";

/// @title The first routes of a router whose owner is a timelock
contract InitialVerifiersTest is Test {
    address private timelock = address(0x71);
    address private guardian = address(0x64A8D);
    address private stranger = address(0x5724);

    IVerifier private named;
    IVerifier private other;
    VerifierRouter private router;

    function setUp() public {
        vm.chainId(31337);
        named = IVerifier(_create("ToyContributionVerifier", ""));
        other = IVerifier(_create("ToyPayoutVerifier", ""));
        router = _router(_hashes(1));
    }

    function test_anybody_registers_what_was_named() public {
        bytes32 id = named.circuitId();
        assertTrue(router.isInitial(address(named).codehash), "named");
        vm.expectEmit();
        emit VerifierRouter.VerifierRegistered(id, address(named), named.statement(), true);
        vm.prank(stranger);
        assertEq(router.registerInitial(named), id, "id");
        assertEq(address(router.verifierOf(id)), address(named), "route");
    }

    /// The code decides: a copy at another address is the same verifier.
    function test_a_copy_counts_and_counts_once() public {
        IVerifier copy = IVerifier(_create("ToyContributionVerifier", ""));
        bytes32 id = router.registerInitial(copy);
        bytes memory taken = abi.encodeWithSelector(VerifierRouter.CircuitTaken.selector, id, address(copy));
        vm.expectRevert(taken);
        router.registerInitial(named);
        vm.prank(guardian);
        router.stop(id);
        vm.expectRevert(taken);
        router.registerInitial(named);
    }

    function test_nothing_else_is_registered() public {
        assertTrue(!router.isInitial(address(other).codehash), "not named");
        _refused(address(other));
        _refused(stranger);
        _refused(address(0));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        router.register(other);
        vm.prank(timelock);
        router.register(other);
    }

    /// The checks of a registration hold for the first ones too.
    function test_a_development_key_stays_on_the_test_chain() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.DevelopmentKey.selector, named.circuitId(), 1));
        router.registerInitial(named);
    }

    function test_the_names_are_capped_and_told() public {
        vm.expectEmit();
        emit VerifierRouter.InitialCode(address(named).codehash);
        _router(_hashes(1));
        _router(_hashes(64));
        vm.expectRevert(abi.encodeWithSelector(VerifierRouter.TooManyInitial.selector, 64, 65));
        this.create(_hashes(65));
    }

    function create(bytes32[] memory hashes) external {
        new VerifierRouter(timelock, guardian, hashes);
    }

    function _router(bytes32[] memory hashes) private returns (VerifierRouter) {
        return VerifierRouter(_create("VerifierRouter", abi.encode(timelock, guardian, hashes)));
    }

    function _hashes(uint256 count) private view returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) hashes[i] = i == 0 ? address(named).codehash : bytes32(i);
    }

    function _refused(address verifier) private {
        vm.expectRevert(
            abi.encodeWithSelector(VerifierRouter.NotInitial.selector, verifier, verifier.codehash)
        );
        router.registerInitial(IVerifier(verifier));
    }
}
