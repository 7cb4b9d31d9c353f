// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OpenToken} from "../src/OpenToken.sol";
import {Test} from "./Vm.sol";

contract OpenTokenTest is Test {
    address private holder = address(0x401D);

    function test_the_supply_is_fixed_and_the_treasurys() public {
        OpenToken token = new OpenToken(holder);
        assertEq(token.totalSupply(), 1e27, "supply");
        assertEq(token.balanceOf(holder), 1e27, "treasury");
        assertTrue(token.SUPPLY() < 2 ** 96, "fits a payout word");
    }

    function test_votes_are_counted_by_timestamp() public {
        vm.warp(1_800_000_000);
        OpenToken token = new OpenToken(holder);
        assertEq(token.clock(), 1_800_000_000, "clock");
        assertEq(keccak256(bytes(token.CLOCK_MODE())), keccak256("mode=timestamp"), "mode");
        vm.prank(holder);
        token.delegate(holder);
        vm.warp(1_800_000_010);
        assertEq(token.getPastVotes(holder, 1_800_000_000), 1e27, "votes");
        assertEq(token.nonces(holder), 0, "nonce");
    }
}
