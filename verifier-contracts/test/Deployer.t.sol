// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";
import {Errors} from "@openzeppelin/contracts/utils/Errors.sol";
import {Deployer} from "../src/Deployer.sol";
import {Test} from "./Vm.sol";

/// @notice One of two contracts that name each other.
contract Twin {
    address public immutable other;
    address public immutable creator;

    error NoOther(uint256 word);

    constructor(address other_, uint256 word) {
        if (other_ == address(0)) revert NoOther(word);
        other = other_;
        creator = msg.sender;
    }
}

/// @notice Creates a contract of its own name from its constructor.
contract Nested {
    constructor(Deployer deployer, bytes memory code) {
        deployer.deploy("Nested", 0, code);
    }
}

/// @notice Leaves no code behind and gives no reason.
contract Silent {
    constructor() {
        assembly ("memory-safe") {
            revert(0, 0)
        }
    }
}

contract DeployerTest is Test {
    bytes32 private constant SALT = "salt";
    /// @dev The hash of the creation code of the CREATE3 proxy, written down here a second time.
    bytes private constant PROXY = hex"73365f5f37365f34f06012573d5f5f3e3d5ffd5b005f526014600cf3";

    Deployer private deployer;
    address private stranger = address(0x5724);

    function setUp() public {
        deployer = Deployer(_create("Deployer", ""));
    }

    function test_two_contracts_name_each_other() public {
        address a = deployer.addressOf(address(this), "A", SALT);
        address b = deployer.addressOf(address(this), "B", SALT);
        vm.expectEmit();
        emit Deployer.Deployed(address(this), a, "A", SALT);
        assertEq(deployer.deploy("A", SALT, _twin(b, 1)), a, "A");
        assertEq(deployer.deploy("B", SALT, _twin(a, 2)), b, "B");
        assertEq(Twin(a).other(), b, "A names B");
        assertEq(Twin(b).other(), a, "B names A");
    }

    /// @dev The formula of the documentation, computed here.
    function testFuzz_the_address_is_what_the_documentation_says(address sender, string memory name, bytes32 salt) public {
        address proxy = _create2(keccak256(abi.encode(sender, name, salt)));
        address expected = address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", proxy, hex"01")))));
        assertEq(deployer.addressOf(sender, name, salt), expected, "address");
        vm.prank(sender);
        assertEq(deployer.deploy(name, salt, _twin(stranger, 1)), expected, "deployed");
        assertEq(Twin(expected).creator(), proxy, "creator");
    }

    function test_the_code_does_not_count() public {
        address expected = deployer.addressOf(address(this), "A", SALT);
        assertEq(deployer.deploy("A", SALT, _twin(stranger, 7)), expected, "address");
    }

    function test_an_address_is_taken_once() public {
        address a = deployer.deploy("A", SALT, _twin(stranger, 1));
        vm.expectRevert(abi.encodeWithSelector(Deployer.AddressTaken.selector, a));
        deployer.deploy("A", SALT, _twin(stranger, 1));
        vm.expectRevert(abi.encodeWithSelector(Deployer.AddressTaken.selector, a));
        deployer.deploy("A", SALT, _twin(address(this), 2));
        assertTrue(deployer.deploy("A", "other", _twin(stranger, 1)) != a, "another salt");
        assertTrue(deployer.deploy("B", SALT, _twin(stranger, 1)) != a, "another name");
    }

    /// Whoever sees a deployment coming sends the same first: it goes to an address of the attacker's own.
    function test_front_running_takes_nothing() public {
        address mine = deployer.addressOf(address(this), "A", SALT);
        vm.prank(stranger);
        assertTrue(deployer.deploy("A", SALT, _twin(stranger, 1)) != mine, "the attacker's own");
        assertEq(mine.code.length, 0, "still free");
        assertEq(deployer.deploy("A", SALT, _twin(stranger, 1)), mine, "mine");
    }

    function test_the_block_is_kept() public {
        vm.roll(77);
        address a = deployer.deploy("A", SALT, _twin(stranger, 1));
        vm.roll(78);
        assertEq(deployer.blockOf(a), 77, "block");
        assertEq(deployer.blockOf(stranger), 0, "never created");
    }

    function test_a_reason_comes_through_and_the_address_stays_free() public {
        vm.expectRevert(abi.encodeWithSelector(Twin.NoOther.selector, 5));
        deployer.deploy("A", SALT, _twin(address(0), 5));
        vm.expectRevert(Errors.FailedDeployment.selector);
        deployer.deploy("A", SALT, type(Silent).creationCode);
        vm.expectRevert(Create3.Create3EmptyBytecode.selector);
        deployer.deploy("A", SALT, "");
        address a = deployer.addressOf(address(this), "A", SALT);
        assertEq(deployer.blockOf(a), 0, "not kept");
        assertEq(deployer.deploy("A", SALT, _twin(stranger, 5)), a, "free");
    }

    function test_a_constructor_may_deploy_too() public {
        bytes memory inner = _twin(stranger, 1);
        bytes memory code = abi.encodePacked(type(Nested).creationCode, abi.encode(deployer, inner));
        address outer = deployer.deploy("Nested", 0, code);
        assertEq(Twin(deployer.addressOf(outer, "Nested", 0)).other(), stranger, "inner");
    }

    function _twin(address other, uint256 word) private pure returns (bytes memory) {
        return abi.encodePacked(type(Twin).creationCode, abi.encode(other, word));
    }

    function _create2(bytes32 salt) private view returns (address) {
        return
            address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), deployer, salt, keccak256(PROXY))))));
    }
}
